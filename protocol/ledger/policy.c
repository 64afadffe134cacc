/* Policy: which version is in force, class rules, fees (LED-11, LED-12). */
#include "ledger/ledger.h"

#include "mereau/amount.h"

const struct mr_policy *mri_policy_on(const struct mri_ledger *l, uint32_t day)
{
    const struct mr_policy *in_force = NULL;
    for (uint32_t i = 0; i < l->policies_count; i++)
        if (l->policies[i].start_day <= day)
            in_force = &l->policies[i];
    return in_force;
}

const struct mr_policy *mri_policy_version(const struct mri_ledger *l, uint32_t version)
{
    return version >= 1 && version <= l->policies_count ? &l->policies[version - 1] : NULL;
}

const struct mr_class_rule *mri_class_rule(const struct mr_policy *p, enum mr_account_class class)
{
    for (uint32_t i = 0; i < p->classes_count; i++)
        if (p->classes[i].class == class)
            return &p->classes[i];
    return NULL;
}

int64_t mri_fee(const struct mr_policy *p, enum mr_order_kind kind, enum mr_account_class class,
                int64_t amount, uint32_t day)
{
    const struct mr_fee_rule *rule = NULL;
    for (uint32_t i = 0; i < p->fees_count; i++) {
        const struct mr_fee_rule *f = &p->fees[i];
        if (f->kind == kind && f->class == class && f->start_day <= day &&
            (rule == NULL || f->start_day > rule->start_day))
            rule = f;
    }
    if (rule == NULL)
        return 0;
    int64_t fee = mr_amount_part(amount, rule->basis_points);
    if (fee < rule->fee_min)
        fee = rule->fee_min;
    if (fee > rule->fee_max)
        fee = rule->fee_max;
    return fee < amount ? fee : amount;
}
