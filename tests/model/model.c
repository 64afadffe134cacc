#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "mereau/order.h"
#include "mereau/sign.h"

#define DAY(time_ms) ((uint32_t)((time_ms) / 86400000))

static const uint64_t five_minutes = 300000, month_ms = 31 * UINT64_C(86400000);

/* Counted out, a month at a time. */
static uint32_t month_of(uint32_t day)
{
    static const uint32_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t year = 1970, month = 0;
    for (;;) {
        const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        const uint32_t length = lengths[month] + (month == 1 && leap ? 1 : 0);
        if (day < length)
            return year * 12 + month;
        day -= length;
        if (++month == 12) {
            month = 0;
            year++;
        }
    }
}

static bool member_class(enum mr_account_class class)
{
    return class == MR_CLASS_RESIDENT || class == MR_CLASS_SHOP || class == MR_CLASS_ASSOCIATION ||
           class == MR_CLASS_MUNICIPALITY || class == MR_CLASS_OFFICE || class == MR_CLASS_FUND;
}

/* --- genesis (LED-2, LED-3, LED-52) ------------------------------------------------------------------ */

static void add_derived(struct model *m, uint32_t home, enum mr_account_class class, bool chain)
{
    struct model_account *a = &m->accounts[m->accounts_count++];
    *a = (struct model_account){.class = class, .home = home, .generation = chain ? 1 : 0,
                                .next = chain ? 1 : 0};
    mr_sub_account(a->id, home == NOWHERE ? NULL : m->charter->associations[home].id, class);
    if (class == MR_CLASS_ISSUER)
        a->credit = m->charter->associations[home].cap;
}

void model_init(struct model *m, const struct mr_charter *charter)
{
    memset(m, 0, sizeof *m);
    m->charter = charter;
    mr_ledger_id(m->ledger, charter);
    add_derived(m, NOWHERE, MR_CLASS_SYSTEM, true);
    add_derived(m, NOWHERE, MR_CLASS_CHECKPOINTS, true);
    add_derived(m, NOWHERE, MR_CLASS_WORLD, false);
    for (uint32_t i = 0; i < charter->associations_count; i++) {
        add_derived(m, i, MR_CLASS_DESK, true);
        add_derived(m, i, MR_CLASS_TREASURY, true);
        add_derived(m, i, MR_CLASS_ISSUER, false);
        add_derived(m, i, MR_CLASS_RESERVE, false);
        add_derived(m, i, MR_CLASS_REDEEMED, false);
        add_derived(m, i, MR_CLASS_OWN, false);
    }
    m->policies[m->policies_count++] = charter->policy;
}

uint32_t model_find(const struct model *m, const uint8_t id[16])
{
    for (uint32_t i = 0; i < m->accounts_count; i++)
        if (memcmp(m->accounts[i].id, id, 16) == 0)
            return i;
    return MODEL_ACCOUNTS;
}

uint32_t model_derived(const struct model *m, uint32_t home, enum mr_account_class class)
{
    for (uint32_t i = 0; i < m->accounts_count; i++)
        if (m->accounts[i].class == class && m->accounts[i].home == home)
            return i;
    abort();
}

/* --- policies (LED-11, LED-12) ------------------------------------------------------------------------- */

const struct mr_policy *model_policy(const struct model *m, uint64_t time_ms)
{
    const struct mr_policy *found = NULL;
    for (uint32_t i = 0; i < m->policies_count; i++)
        if (m->policies[i].start_day <= DAY(time_ms))
            found = &m->policies[i];
    return found;
}

int64_t model_fee(const struct mr_policy *p, enum mr_order_kind kind, enum mr_account_class class,
                  int64_t amount, uint64_t time_ms)
{
    const struct mr_fee_rule *rule = NULL;
    for (uint32_t i = 0; i < p->fees_count; i++) {
        const struct mr_fee_rule *r = &p->fees[i];
        if (r->kind == kind && r->class == class && r->start_day <= DAY(time_ms) &&
            (rule == NULL || r->start_day > rule->start_day))
            rule = r;
    }
    if (rule == NULL)
        return 0;
    const int64_t points = rule->basis_points;
    int64_t fee = amount / 10000 * points + (amount % 10000 * points + 5000) / 10000;
    fee = fee < rule->fee_min ? rule->fee_min : fee;
    fee = fee > rule->fee_max ? rule->fee_max : fee;
    return fee > amount ? amount : fee;
}

static const struct mr_class_rule *rule_of(const struct mr_policy *p, enum mr_account_class class)
{
    static const struct mr_class_rule nothing = {0};
    for (uint32_t i = 0; i < p->classes_count; i++)
        if (p->classes[i].class == class)
            return &p->classes[i];
    return &nothing;
}

/* --- helpers of the checks ----------------------------------------------------------------------------- */

/* LED-6 */
static bool keys_right(const struct mr_keyset *k, enum mr_account_class class)
{
    if (k->keys_count < 1 || k->keys_count > 16 || k->threshold < 1 || k->threshold > k->keys_count)
        return false;
    for (uint32_t i = 0; i < k->keys_count; i++)
        if (!mr_pubkey_usable(&k->keys[i]))
            return false;
    for (uint32_t i = 0; i < k->keys_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (memcmp(k->keys[i].key, k->keys[j].key, 32) == 0)
                return false;
    if (class == MR_CLASS_TREASURY || class == MR_CLASS_SYSTEM)
        return 2 * k->threshold > k->keys_count;
    return class != MR_CLASS_DESK || k->threshold == 1;
}

static bool right_chain(enum mr_order_kind kind, enum mr_account_class class)
{
    switch (kind) {
    case MR_KIND_OPEN:
    case MR_KIND_FLAG:
    case MR_KIND_LIST:
        return class == MR_CLASS_DESK;
    case MR_KIND_ISSUE:
    case MR_KIND_PAYOUT:
    case MR_KIND_RETURN:
    case MR_KIND_GRANT:
    case MR_KIND_SWEEP:
        return class == MR_CLASS_TREASURY;
    case MR_KIND_PAY:
        return class == MR_CLASS_TREASURY || member_class(class);
    case MR_KIND_REDEEM:
    case MR_KIND_CLOSE:
        return member_class(class);
    case MR_KIND_POLICY:
    case MR_KIND_CAP:
    case MR_KIND_LOWER:
        return class == MR_CLASS_SYSTEM;
    case MR_KIND_SETKEYS:
        return class != MR_CLASS_CHECKPOINTS;
    case MR_KIND_CHECKPOINT:
        return class == MR_CLASS_CHECKPOINTS;
    }
    return false;
}

static bool bank_used(const struct model *m, uint32_t home, const uint8_t ref[32])
{
    for (uint32_t i = 0; i < m->banks_count; i++)
        if (m->banks[i].home == home && memcmp(m->banks[i].ref, ref, 32) == 0)
            return true;
    return false;
}

/* A member of this association: its index, or why not. */
static enum mr_status own_member(const struct model *m, uint32_t *ret, uint32_t home,
                                 const uint8_t id[16])
{
    *ret = model_find(m, id);
    if (*ret == MODEL_ACCOUNTS || !member_class(m->accounts[*ret].class))
        return MR_ACCOUNT_UNKNOWN;
    return m->accounts[*ret].home == home ? MR_OK : MR_NOT_YOURS;
}

static uint32_t home_of(const struct model *m, const uint8_t id[16])
{
    for (uint32_t i = 0; i < m->charter->associations_count; i++)
        if (memcmp(m->charter->associations[i].id, id, 16) == 0)
            return i;
    return NOWHERE;
}

static struct model_redemption *redemption(struct model *m, const struct mr_redemption_ref *ref)
{
    for (uint32_t i = 0; i < m->redemptions_count; i++) {
        struct model_redemption *r = &m->redemptions[i];
        if (memcmp(m->accounts[r->account].id, ref->account, 16) == 0 && r->seq == ref->seq)
            return r;
    }
    return NULL;
}

/* --- checks of the kinds -------------------------------------------------------------------------------- */

static enum mr_status check_payees(const struct model *m, const struct model_account *payer,
                                   const struct mr_pay *p, const struct mr_policy *policy,
                                   uint32_t payments)
{
    for (uint32_t i = 0; i < payments; i++) {
        const uint32_t to = model_find(m, p->lines[i].payee);
        if (to == MODEL_ACCOUNTS)
            return MR_PAYEE_UNKNOWN;
        const struct model_account *payee = &m->accounts[to];
        if (payee == payer)
            return MR_PAYEE_SELF;
        if (!member_class(payee->class) || !rule_of(policy, payee->class)->may_receive)
            return MR_PAYEE_CLASS;
        for (uint32_t k = 0; k < i; k++)
            if (memcmp(p->lines[k].payee, p->lines[i].payee, 16) == 0)
                return MR_PAYEE_TWICE;
    }
    return MR_OK;
}

static enum mr_status check_limits(const struct model_account *a, const struct mr_class_rule *rule,
                                   int64_t sum, uint32_t day)
{
    const int64_t of_class[3] = {rule->limit_payment, rule->limit_day, rule->limit_month};
    const int64_t spent[3] = {0, a->day == day ? a->day_spent : 0,
                              a->month == month_of(day) ? a->month_spent : 0};
    static const enum mr_status why[3] = {MR_LIMIT_PAYMENT, MR_LIMIT_DAY, MR_LIMIT_MONTH};
    for (int i = 0; i < 3; i++)
        if (spent[i] + sum > (a->limits[i] != 0 ? a->limits[i] : of_class[i]))
            return why[i];
    return MR_OK;
}

static enum mr_status check_pay(const struct model *m, const struct model_account *a,
                                const struct mr_order *o, const struct mr_policy *policy)
{
    const struct mr_pay *p = &o->body.u.pay;
    const bool treasury = a->class == MR_CLASS_TREASURY;
    int64_t sum = 0, total = 0;
    uint32_t payments = 0;
    if (p->unit >= m->charter->units_count)
        return MR_UNIT_UNKNOWN;
    if (m->charter->units[p->unit].role == MR_UNIT_RESERVE)
        return MR_AMOUNT_UNIT;
    if (!treasury && !rule_of(policy, a->class)->may_pay)
        return MR_CLASS_FORBIDS;
    while (payments < p->lines_count && p->lines[payments].what == MR_LINE_PAYMENT)
        payments++;
    if (payments == 0)
        return MR_OUT_OF_RANGE;
    for (uint32_t i = 0; i < p->lines_count; i++) {
        total += p->lines[i].amount;
        sum += i < payments ? p->lines[i].amount : 0;
    }
    if (total > MR_AMOUNT_MAX)
        return MR_AMOUNT_TOO_LARGE;
    const enum mr_status st = check_payees(m, a, p, policy, payments);
    if (st != MR_OK)
        return st;
    int64_t fee = 0;
    if (p->unit == 0 && !treasury)
        fee = model_fee(policy, MR_KIND_PAY, a->class, sum, o->time_ms);
    if (p->lines_count != payments + (fee > 0 ? 1 : 0))
        return MR_FEE_MISMATCH;
    if (fee > 0) {
        const struct mr_pay_line *last = &p->lines[payments];
        const uint32_t own = model_derived(m, a->home, MR_CLASS_OWN);
        if (last->what != MR_LINE_FEE || last->amount != fee ||
            memcmp(last->payee, m->accounts[own].id, 16) != 0)
            return MR_FEE_MISMATCH;
    }
    if (p->unit == 0 && !treasury) {
        const enum mr_status limit =
            check_limits(a, rule_of(policy, a->class), sum, DAY(o->time_ms));
        if (limit != MR_OK)
            return limit;
    }
    const struct model_account *from =
        treasury ? &m->accounts[model_derived(m, a->home, MR_CLASS_OWN)] : a;
    const int64_t has = from->balance[p->unit] + (p->unit == 0 ? from->credit : 0);
    return has >= total ? MR_OK : MR_FUNDS_SHORT;
}

static enum mr_status check_issue(const struct model *m, const struct model_account *a,
                                  const struct mr_issue *b)
{
    int64_t total = 0;
    if (b->banks_count == 0 || b->lines_count == 0)
        return MR_OUT_OF_RANGE;
    for (uint32_t i = 0; i < b->lines_count; i++)
        total += b->lines[i].amount;
    if (total > MR_AMOUNT_MAX)
        return MR_AMOUNT_TOO_LARGE;
    for (uint32_t i = 0; i < b->banks_count; i++) {
        for (uint32_t k = 0; k < i; k++)
            if (memcmp(b->banks[k].ref, b->banks[i].ref, 32) == 0)
                return MR_BANK_REF_USED;
        if (bank_used(m, a->home, b->banks[i].ref))
            return MR_BANK_REF_USED;
    }
    for (uint32_t i = 0; i < b->lines_count; i++) {
        uint32_t member;
        const enum mr_status st = own_member(m, &member, a->home, b->lines[i].member);
        if (st != MR_OK)
            return st == MR_ACCOUNT_UNKNOWN ? MR_PAYEE_UNKNOWN : st;
        if (b->lines[i].bank >= b->banks_count)
            return MR_OUT_OF_RANGE;
    }
    for (uint32_t i = 0; i < b->banks_count; i++) {
        int64_t sum = 0;
        for (uint32_t k = 0; k < b->lines_count; k++)
            sum += b->lines[k].bank == i ? b->lines[k].amount : 0;
        if (sum != b->banks[i].amount)
            return MR_BANK_SUM;
    }
    const struct model_account *issuer =
        &m->accounts[model_derived(m, a->home, MR_CLASS_ISSUER)];
    return total - issuer->balance[0] <= issuer->credit ? MR_OK : MR_CAP_EXCEEDED;
}

static enum mr_status check_redeem(const struct model *m, const struct model_account *a,
                                   const struct mr_order *o, const struct mr_policy *policy)
{
    const struct mr_redeem *r = &o->body.u.redeem;
    const struct mr_class_rule *rule = rule_of(policy, a->class);
    if (!rule->may_redeem)
        return MR_CLASS_FORBIDS;
    if (home_of(m, r->association) == NOWHERE)
        return MR_NOT_FOUND;
    if (r->amount < rule->redeem_min)
        return MR_MINIMUM;
    if (r->fee != model_fee(policy, MR_KIND_REDEEM, a->class, r->amount, o->time_ms))
        return MR_FEE_MISMATCH;
    return a->balance[0] >= r->amount ? MR_OK : MR_FUNDS_SHORT;
}

static enum mr_status check_redemption(struct model *m, const struct model_account *a,
                                       const struct mr_redemption_ref *ref, const int64_t *fee)
{
    const struct model_redemption *r = redemption(m, ref);
    if (r == NULL)
        return MR_REDEMPTION_UNKNOWN;
    if (r->home != a->home)
        return MR_NOT_YOURS;
    if (r->done != 0)
        return MR_REDEMPTION_DONE;
    if (memcmp(r->order, ref->order, 32) != 0 || r->amount != ref->amount ||
        (fee != NULL && *fee != r->fee))
        return MR_REDEMPTION_MISMATCH;
    return MR_OK;
}

static enum mr_status check_payout(struct model *m, const struct model_account *a,
                                   const struct mr_payout *p)
{
    const enum mr_status st = check_redemption(m, a, &p->redemption, &p->fee);
    if (st != MR_OK)
        return st;
    if (bank_used(m, a->home, p->bank_ref))
        return MR_BANK_REF_USED;
    const struct model_account *reserve =
        &m->accounts[model_derived(m, a->home, MR_CLASS_RESERVE)];
    return reserve->balance[1] >= p->redemption.amount - p->fee ? MR_OK : MR_COVERAGE;
}

static bool alias_right(const char *s)
{
    const size_t n = strlen(s);
    if (n < 2 || n > 32 || s[0] == '-' || s[n - 1] == '-')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(s[i] >= 'a' && s[i] <= 'z') && !(s[i] >= '0' && s[i] <= '9') && s[i] != '-')
            return false;
    return true;
}

static enum mr_status check_list(const struct model *m, const struct model_account *a,
                                 const struct mr_order *o)
{
    const struct mr_list *w = &o->body.u.list;
    uint32_t member;
    const enum mr_status st = own_member(m, &member, a->home, w->account);
    if (st != MR_OK)
        return st;
    if (!alias_right(w->alias))
        return MR_ALIAS_SYNTAX;
    for (uint32_t i = 0; i < m->listings_count; i++) {
        if (m->listings[i].home != a->home || strcmp(m->listings[i].alias, w->alias) != 0)
            continue;
        const bool same = m->listings[i].account == member;
        if (!w->listed)
            return same && m->listings[i].listed ? MR_OK : MR_NOT_FOUND;
        if (same)
            return MR_OK;
        return m->listings[i].listed || DAY(o->time_ms) < m->listings[i].until_day
                   ? MR_ALIAS_TAKEN
                   : MR_OK;
    }
    return w->listed ? MR_OK : MR_NOT_FOUND;
}

static bool same_terms(const struct model_account *a, const struct mr_grant *g)
{
    return a->credit == g->credit && a->limits[0] == g->limit_payment &&
           a->limits[1] == g->limit_day && a->limits[2] == g->limit_month;
}

static enum mr_status check_grant(const struct model *m, const struct model_account *a,
                                  const struct mr_grant *g, const struct mr_policy *policy)
{
    uint32_t member;
    const enum mr_status st = own_member(m, &member, a->home, g->account);
    if (st != MR_OK)
        return st;
    const struct model_account *b = &m->accounts[member];
    const struct mr_class_rule *rule = rule_of(policy, b->class);
    const int64_t of_class[3] = {rule->limit_payment, rule->limit_day, rule->limit_month};
    const int64_t wanted[3] = {g->limit_payment, g->limit_day, g->limit_month};
    if (g->credit < b->credit)
        return MR_LOWERED;
    for (int i = 0; i < 3; i++) {
        if (wanted[i] == 0 && b->limits[i] != 0)
            return MR_LOWERED;
        if (wanted[i] != 0 && wanted[i] < (b->limits[i] != 0 ? b->limits[i] : of_class[i]))
            return MR_LOWERED;
    }
    return same_terms(b, g) ? MR_NO_CHANGE : MR_OK;
}

static enum mr_status check_policy(const struct model *m, const struct mr_order *o)
{
    const struct mr_policy *p = &o->body.u.policy, *last = &m->policies[m->policies_count - 1];
    if (p->version != last->version + 1)
        return MR_POLICY_VERSION;
    if (p->start_day < DAY(o->not_after_ms) + 14 || p->start_day < last->start_day)
        return MR_POLICY_NOTICE;
    for (uint32_t i = 0; i < p->classes_count; i++)
        if (!member_class(p->classes[i].class) ||
            (i > 0 && p->classes[i].class <= p->classes[i - 1].class))
            return MR_OUT_OF_RANGE;
    for (uint32_t i = 0; i < p->fees_count; i++)
        if (p->fees[i].kind != MR_KIND_PAY && p->fees[i].kind != MR_KIND_REDEEM)
            return MR_OUT_OF_RANGE;
    return MR_OK;
}

static enum mr_status check_cap(const struct model *m, const struct mr_cap *c)
{
    const uint32_t home = home_of(m, c->association);
    if (home == NOWHERE)
        return MR_NOT_FOUND;
    if (m->accounts[model_derived(m, home, MR_CLASS_ISSUER)].credit == c->cap)
        return MR_NO_CHANGE;
    int64_t sum = c->cap;
    for (uint32_t i = 0; i < m->charter->associations_count; i++)
        if (i != home)
            sum += m->accounts[model_derived(m, i, MR_CLASS_ISSUER)].credit;
    return sum > MR_CAPS_MAX ? MR_AMOUNT_TOO_LARGE : MR_OK;
}

static enum mr_status check_sweep(const struct model *m, const struct model_account *a,
                                  const struct mr_sweep *s)
{
    uint32_t from;
    const enum mr_status st = own_member(m, &from, a->home, s->account);
    if (st != MR_OK)
        return st;
    if (!m->accounts[from].closed)
        return MR_NOT_CLOSED;
    if (s->unit >= m->charter->units_count)
        return MR_UNIT_UNKNOWN;
    return m->accounts[from].balance[s->unit] >= s->amount ? MR_OK : MR_FUNDS_SHORT;
}

static enum mr_status check_kind(struct model *m, const struct model_account *a,
                                 const struct mr_order *o, const struct mr_policy *policy)
{
    const struct mr_order_body *b = &o->body;
    uint32_t i;
    switch (b->kind) {
    case MR_KIND_OPEN:
        if (!member_class(b->u.open.class))
            return MR_PAYEE_CLASS;
        if (!keys_right(&b->u.open.keys, b->u.open.class))
            return MR_BAD_KEY;
        return model_find(m, b->u.open.account) != MODEL_ACCOUNTS ? MR_ACCOUNT_EXISTS : MR_OK;
    case MR_KIND_PAY:
        return check_pay(m, a, o, policy);
    case MR_KIND_ISSUE:
        return check_issue(m, a, &b->u.issue);
    case MR_KIND_REDEEM:
        return check_redeem(m, a, o, policy);
    case MR_KIND_PAYOUT:
        return check_payout(m, a, &b->u.payout);
    case MR_KIND_RETURN:
        return check_redemption(m, a, &b->u.return_.redemption, NULL);
    case MR_KIND_SETKEYS:
        if (b->u.setkeys.generation != a->generation + 1)
            return MR_OUT_OF_RANGE;
        return keys_right(&b->u.setkeys.keys, a->class) ? MR_OK : MR_BAD_KEY;
    case MR_KIND_FLAG: {
        const enum mr_status st = own_member(m, &i, a->home, b->u.flag.account);
        return st != MR_OK                                   ? st
               : m->accounts[i].frozen == b->u.flag.frozen ? MR_NO_CHANGE
                                                             : MR_OK;
    }
    case MR_KIND_LIST:
        return check_list(m, a, o);
    case MR_KIND_CLOSE:
        return MR_OK;
    case MR_KIND_GRANT:
        return check_grant(m, a, &b->u.grant, policy);
    case MR_KIND_SWEEP:
        return check_sweep(m, a, &b->u.sweep);
    case MR_KIND_POLICY:
        return check_policy(m, o);
    case MR_KIND_CAP:
        return check_cap(m, &b->u.cap);
    case MR_KIND_LOWER:
        i = model_find(m, b->u.lower.account);
        if (i == MODEL_ACCOUNTS || !member_class(m->accounts[i].class))
            return MR_ACCOUNT_UNKNOWN;
        return same_terms(&m->accounts[i], &b->u.lower) ? MR_NO_CHANGE : MR_OK;
    case MR_KIND_CHECKPOINT:
        return MR_STATE_MISMATCH;
    }
    abort();
}

/* LED-10, from 6 on; the rest is in model_submit. */
static enum mr_status check(struct model *m, const struct mr_order *o)
{
    const struct model_account *a = &m->accounts[model_find(m, o->account)];
    if (o->seq > a->next)
        return MR_SEQ_AHEAD;
    if (memcmp(o->prev, a->head, 32) != 0)
        return MR_PREV_MISMATCH;
    if (a->closed)
        return MR_PAYER_CLOSED;
    if (a->frozen)
        return MR_PAYER_FROZEN;
    if (o->time_ms < a->time_ms)
        return MR_TIME_BACK;
    if (o->time_ms > m->now_ms + five_minutes)
        return MR_TIME_AHEAD;
    if (o->not_after_ms < o->time_ms || o->not_after_ms > o->time_ms + month_ms)
        return MR_OUT_OF_RANGE;
    if (m->now_ms > o->not_after_ms)
        return MR_EXPIRED;
    if (o->policy < 1 || o->policy > m->policies_count)
        return MR_POLICY_UNKNOWN;
    const struct mr_policy *policy = model_policy(m, o->time_ms);
    if (policy->version != o->policy)
        return MR_POLICY_NOT_IN_FORCE;
    return check_kind(m, a, o, policy);
}

/* --- applying -------------------------------------------------------------------------------------------- */

static void move(struct model *m, uint32_t account, uint32_t unit, int64_t delta)
{
    m->accounts[account].balance[unit] += delta;
}

static void credit(struct model *m, const uint8_t id[16], uint32_t unit, int64_t amount)
{
    const uint32_t i = model_find(m, id);
    move(m, i, unit, amount);
    m->accounts[i].credits++;
}

static void note_bank(struct model *m, uint32_t home, const uint8_t ref[32])
{
    m->banks[m->banks_count].home = home;
    memcpy(m->banks[m->banks_count++].ref, ref, 32);
}

static void apply_pay(struct model *m, struct model_account *a, const struct mr_order *o)
{
    const struct mr_pay *p = &o->body.u.pay;
    const bool treasury = a->class == MR_CLASS_TREASURY;
    const uint32_t day = DAY(o->time_ms);
    int64_t sum = 0;
    for (uint32_t i = 0; i < p->lines_count; i++) {
        credit(m, p->lines[i].payee, p->unit, p->lines[i].amount);
        if (treasury)
            move(m, model_derived(m, a->home, MR_CLASS_OWN), p->unit, -p->lines[i].amount);
        else
            a->balance[p->unit] -= p->lines[i].amount;
        sum += p->lines[i].what == MR_LINE_PAYMENT ? p->lines[i].amount : 0;
    }
    if (p->unit != 0 || treasury)
        return;
    a->day_spent = (a->day == day ? a->day_spent : 0) + sum;
    a->month_spent = (a->month == month_of(day) ? a->month_spent : 0) + sum;
    a->day = day;
    a->month = month_of(day);
}

static void apply_issue(struct model *m, const struct model_account *a, const struct mr_issue *b)
{
    /* An account that several lines name is credited once in its list. */
    for (uint32_t i = 0; i < b->lines_count; i++) {
        bool before = false;
        for (uint32_t k = 0; k < i; k++)
            before = before || memcmp(b->lines[k].member, b->lines[i].member, 16) == 0;
        credit(m, b->lines[i].member, 0, b->lines[i].amount);
        m->accounts[model_find(m, b->lines[i].member)].credits -= before ? 1 : 0;
        move(m, model_derived(m, a->home, MR_CLASS_ISSUER), 0, -b->lines[i].amount);
        move(m, model_derived(m, a->home, MR_CLASS_RESERVE), 1, b->lines[i].amount);
        move(m, model_derived(m, NOWHERE, MR_CLASS_WORLD), 1, -b->lines[i].amount);
    }
    for (uint32_t i = 0; i < b->banks_count; i++)
        note_bank(m, a->home, b->banks[i].ref);
}

static void apply_payout(struct model *m, const struct model_account *a, const struct mr_payout *p)
{
    const int64_t euros = p->redemption.amount - p->fee;
    move(m, model_derived(m, a->home, MR_CLASS_REDEEMED), 0, -p->redemption.amount);
    move(m, model_derived(m, a->home, MR_CLASS_ISSUER), 0, euros);
    move(m, model_derived(m, a->home, MR_CLASS_OWN), 0, p->fee);
    move(m, model_derived(m, a->home, MR_CLASS_RESERVE), 1, -euros);
    move(m, model_derived(m, NOWHERE, MR_CLASS_WORLD), 1, euros);
    note_bank(m, a->home, p->bank_ref);
    redemption(m, &p->redemption)->done = 1;
}

static void apply_list(struct model *m, const struct model_account *a, const struct mr_order *o)
{
    const struct mr_list *w = &o->body.u.list;
    const uint32_t member = model_find(m, w->account), until = DAY(o->time_ms) + 365;
    uint32_t at = m->listings_count;
    for (uint32_t i = 0; i < m->listings_count; i++) {
        if (m->listings[i].home != a->home)
            continue;
        if (strcmp(m->listings[i].alias, w->alias) == 0) {
            at = i;
        } else if (m->listings[i].account == member && m->listings[i].listed) {
            m->listings[i].listed = false;
            m->listings[i].until_day = until;
        }
    }
    if (at == m->listings_count)
        m->listings_count++;
    m->listings[at].home = a->home;
    m->listings[at].account = member;
    m->listings[at].listed = w->listed;
    m->listings[at].until_day = w->listed ? 0 : until;
    memcpy(m->listings[at].alias, w->alias, sizeof m->listings[at].alias);
}

static void apply_terms(struct model *m, const struct mr_grant *g)
{
    struct model_account *b = &m->accounts[model_find(m, g->account)];
    b->credit = g->credit;
    b->limits[0] = g->limit_payment;
    b->limits[1] = g->limit_day;
    b->limits[2] = g->limit_month;
}

static void apply_kind(struct model *m, struct model_account *a, const struct mr_order *o,
                       const uint8_t id[32])
{
    const struct mr_order_body *b = &o->body;
    switch (b->kind) {
    case MR_KIND_OPEN: {
        struct model_account *n = &m->accounts[m->accounts_count++];
        *n = (struct model_account){.class = b->u.open.class, .home = a->home, .generation = 1,
                                    .next = 1};
        memcpy(n->id, b->u.open.account, 16);
        return;
    }
    case MR_KIND_PAY:
        apply_pay(m, a, o);
        return;
    case MR_KIND_ISSUE:
        apply_issue(m, a, &b->u.issue);
        return;
    case MR_KIND_REDEEM: {
        struct model_redemption *r = &m->redemptions[m->redemptions_count++];
        *r = (struct model_redemption){.account = model_find(m, o->account),
                                       .home = home_of(m, b->u.redeem.association),
                                       .seq = o->seq,
                                       .amount = b->u.redeem.amount,
                                       .fee = b->u.redeem.fee};
        memcpy(r->order, id, 32);
        a->balance[0] -= r->amount;
        move(m, model_derived(m, r->home, MR_CLASS_REDEEMED), 0, r->amount);
        return;
    }
    case MR_KIND_PAYOUT:
        apply_payout(m, a, &b->u.payout);
        return;
    case MR_KIND_RETURN: {
        const struct mr_redemption_ref *ref = &b->u.return_.redemption;
        move(m, model_derived(m, a->home, MR_CLASS_REDEEMED), 0, -ref->amount);
        credit(m, ref->account, 0, ref->amount);
        redemption(m, ref)->done = 2;
        return;
    }
    case MR_KIND_SETKEYS:
        a->generation++;
        a->key++;
        return;
    case MR_KIND_FLAG:
        m->accounts[model_find(m, b->u.flag.account)].frozen = b->u.flag.frozen;
        return;
    case MR_KIND_LIST:
        apply_list(m, a, o);
        return;
    case MR_KIND_CLOSE:
        a->closed = true;
        return;
    case MR_KIND_GRANT:
        apply_terms(m, &b->u.grant);
        return;
    case MR_KIND_LOWER:
        apply_terms(m, &b->u.lower);
        return;
    case MR_KIND_SWEEP:
        move(m, model_find(m, b->u.sweep.account), b->u.sweep.unit, -b->u.sweep.amount);
        move(m, model_derived(m, a->home, MR_CLASS_OWN), b->u.sweep.unit, b->u.sweep.amount);
        return;
    case MR_KIND_POLICY:
        m->policies[m->policies_count++] = b->u.policy;
        return;
    case MR_KIND_CAP:
        m->accounts[model_derived(m, home_of(m, b->u.cap.association), MR_CLASS_ISSUER)].credit =
            b->u.cap.cap;
        return;
    case MR_KIND_CHECKPOINT:
        return;
    }
}

static void close_slot(struct model *m, uint32_t account, const uint8_t value[32], bool voided)
{
    struct model_account *a = &m->accounts[account];
    if (m->slots_count == MODEL_SLOTS)
        abort();
    m->slots[m->slots_count].account = account;
    m->slots[m->slots_count].seq = a->next;
    m->slots[m->slots_count].voided = voided;
    memcpy(m->slots[m->slots_count++].value, value, 32);
    memcpy(a->head, value, 32);
    a->next++;
}

static void apply(struct model *m, const struct mr_order *o, const uint8_t id[32])
{
    const uint32_t account = model_find(m, o->account);
    apply_kind(m, &m->accounts[account], o, id);
    m->accounts[account].time_ms = o->time_ms;
    close_slot(m, account, id, false);
}

/* --- requests --------------------------------------------------------------------------------------------- */

/* LED-13 */
static bool parks(enum mr_status st)
{
    return st == MR_SEQ_AHEAD || st == MR_TIME_AHEAD || st == MR_POLICY_UNKNOWN ||
           st == MR_PAYEE_UNKNOWN || st == MR_FUNDS_SHORT || st == MR_CAP_EXCEEDED ||
           st == MR_COVERAGE || st == MR_REDEMPTION_UNKNOWN;
}

static enum mr_status slot_answer(const struct model *m, uint32_t account, uint64_t seq,
                                  const uint8_t *id)
{
    for (uint32_t i = 0; i < m->slots_count; i++) {
        if (m->slots[i].account != account || m->slots[i].seq != seq)
            continue;
        if (m->slots[i].voided)
            return MR_VOIDED;
        return id == NULL || memcmp(m->slots[i].value, id, 32) == 0 ? MR_SETTLED : MR_SEQ_OLD;
    }
    return MR_OUT_OF_RANGE;
}

/* LED-14 */
static enum mr_status check_first(const struct model *m, const struct mr_order *o)
{
    if (o->body.kind != MR_KIND_PAY)
        return MR_OK;
    for (uint32_t i = 0; i < o->body.u.pay.lines_count; i++) {
        const uint32_t to = model_find(m, o->body.u.pay.lines[i].payee);
        if (o->body.u.pay.lines[i].what != MR_LINE_PAYMENT || to == MODEL_ACCOUNTS)
            continue;
        if (m->accounts[to].closed)
            return MR_PAYEE_CLOSED;
        if (m->accounts[to].frozen)
            return MR_PAYEE_FROZEN;
    }
    return MR_OK;
}

static void stop_waiting(struct model *m, uint32_t i)
{
    m->waiting[i] = m->waiting[--m->waiting_count];
}

enum mr_status model_submit(struct model *m, enum mr_status *ret_cause, const struct mr_order *o,
                            enum mr_status signatures)
{
    const uint32_t account = model_find(m, o->account);
    uint32_t held = MODEL_WAITING, waiting = 0;
    uint8_t id[32];
    mr_order_id(id, o);
    if (memcmp(o->ledger, m->ledger, 32) != 0)
        return MR_WRONG_LEDGER;
    if (account == MODEL_ACCOUNTS || m->accounts[account].next == 0)
        return MR_ACCOUNT_UNKNOWN;
    const struct model_account *a = &m->accounts[account];
    if (o->seq < a->next)
        return slot_answer(m, account, o->seq, id);
    if (signatures != MR_OK)
        return signatures;
    if (!right_chain(o->body.kind, a->class))
        return MR_WRONG_CHAIN;
    for (uint32_t i = 0; i < m->waiting_count; i++) {
        const struct mr_order *w = &m->waiting[i].order;
        if (memcmp(w->account, o->account, 16) != 0)
            continue;
        waiting++;
        if (w->seq == o->seq)
            held = i;
    }
    if (held != MODEL_WAITING && memcmp(m->waiting[held].id, id, 32) != 0)
        return MR_SLOT_TAKEN;
    enum mr_status st = check(m, o);
    *ret_cause = st;
    if (held != MODEL_WAITING) {
        if (st != MR_OK)
            return MR_PARKED;
        stop_waiting(m, held);
        apply(m, o, id);
        return MR_SETTLED;
    }
    if (st == MR_OK)
        st = check_first(m, o);
    if (st == MR_OK) {
        apply(m, o, id);
        return MR_SETTLED;
    }
    if (!parks(st) || o->seq > a->next + 3)
        return st;
    if (waiting == 4)
        return MR_TOO_MANY;
    if (m->waiting_count == MODEL_WAITING)
        abort();
    m->waiting[m->waiting_count].order = *o;
    memcpy(m->waiting[m->waiting_count++].id, id, 32);
    return MR_PARKED;
}

enum mr_status model_cancel(struct model *m, const struct mr_cancel *c, enum mr_status signatures)
{
    const uint32_t account = model_find(m, c->account);
    uint8_t value[32];
    if (account == MODEL_ACCOUNTS || m->accounts[account].next == 0)
        return MR_ACCOUNT_UNKNOWN;
    if (signatures != MR_OK)
        return signatures;
    if (c->seq > m->accounts[account].next || m->accounts[account].closed)
        return MR_NOTHING_TO_CANCEL;
    if (c->seq < m->accounts[account].next)
        return slot_answer(m, account, c->seq, NULL);
    for (uint32_t i = 0; i < m->waiting_count;)
        if (memcmp(m->waiting[i].order.account, c->account, 16) == 0 &&
            m->waiting[i].order.seq == c->seq)
            stop_waiting(m, i);
        else
            i++;
    mr_void_id(value, m->ledger, c->account, c->seq);
    close_slot(m, account, value, true);
    return MR_VOIDED;
}

void model_tick(struct model *m, uint64_t now_ms)
{
    bool again = true;
    m->now_ms = now_ms;
    while (again) {
        again = false;
        for (uint32_t i = 0; i < m->waiting_count;) {
            const struct model_waiting w = m->waiting[i];
            const struct model_account *a = &m->accounts[model_find(m, w.order.account)];
            if (w.order.seq < a->next || now_ms > w.order.not_after_ms) {
                stop_waiting(m, i);
            } else if (check(m, &w.order) == MR_OK) {
                stop_waiting(m, i);
                apply(m, &w.order, w.id);
                again = true;
            } else {
                i++;
            }
        }
    }
}
