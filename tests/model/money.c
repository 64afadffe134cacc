/* LED-12, LED-20 to LED-24 and LED-28: orders that move money. */
#include <string.h>

#include "mereau/codec.h"
#include "model/model.h"

const struct mr_class_rule *model_rule(const struct mr_policy *p, enum mr_account_class class)
{
    for (uint32_t i = 0; i < p->classes_count; i++)
        if (p->classes[i].class == class)
            return &p->classes[i];
    return NULL;
}

int64_t model_fee(const struct mr_policy *p, enum mr_order_kind kind, enum mr_account_class class,
                  int64_t amount, uint32_t day)
{
    const struct mr_fee_rule *best = NULL;
    for (uint32_t i = 0; i < p->fees_count; i++) {
        const struct mr_fee_rule *f = &p->fees[i];
        if (f->kind == kind && f->class == class && f->start_day <= day &&
            (best == NULL || f->start_day > best->start_day))
            best = f;
    }
    if (best == NULL)
        return 0;
    const int64_t points = best->basis_points;
    int64_t fee = amount / 10000 * points + (amount % 10000 * points + 5000) / 10000;
    if (fee < best->fee_min)
        fee = best->fee_min;
    if (fee > best->fee_max)
        fee = best->fee_max;
    return fee < amount ? fee : amount;
}

/* --- PAY ---------------------------------------------------------------------------------------
 */

static enum mr_status payees(struct model *m, const struct m_account *payer,
                             const struct mr_policy *policy, const struct mr_pay *p,
                             uint32_t payments)
{
    for (uint32_t i = 0; i < payments; i++) {
        const struct m_account *to = model_find(m, p->lines[i].payee);
        if (to == NULL)
            return MR_PAYEE_UNKNOWN;
        if (to == payer)
            return MR_PAYEE_SELF;
        const struct mr_class_rule *r = model_rule(policy, to->class);
        if (!model_is_member(to->class) || r == NULL || !r->may_receive)
            return MR_PAYEE_CLASS;
        for (uint32_t k = 0; k < i; k++)
            if (memcmp(p->lines[k].payee, to->id, 16) == 0)
                return MR_PAYEE_TWICE;
    }
    return MR_OK;
}

static enum mr_status fee_lines(struct model *m, const struct m_account *chain,
                                const struct mr_policy *policy, const struct mr_order *o,
                                uint32_t payments, int64_t sum)
{
    const struct mr_pay *p = &o->body.u.pay;
    int64_t due = 0;
    if (p->unit == 0 && chain->class != MR_CLASS_TREASURY)
        due = model_fee(policy, MR_KIND_PAY, chain->class, sum, model_day(o->time_ms));
    const uint32_t fees = p->lines_count - payments;
    if (fees != (due > 0 ? 1u : 0u))
        return MR_FEE_MISMATCH;
    if (due == 0)
        return MR_OK;
    const struct mr_pay_line *f = &p->lines[payments];
    const bool good = f->what == MR_LINE_FEE && f->amount == due &&
                      model_find(m, f->payee) == model_sub(m, chain->home, MR_CLASS_OWN);
    return good ? MR_OK : MR_FEE_MISMATCH;
}

/* `which`: payment, day, month. */
static int64_t in_force(const struct m_account *a, int which, int64_t of_class)
{
    const int64_t granted = a->limits[which] != 0 ? a->limits[which] : of_class;
    return a->most[which] != 0 && a->most[which] < granted ? a->most[which] : granted;
}

static enum mr_status limits(const struct m_account *a, const struct mr_policy *policy,
                             const struct mr_order *o, int64_t sum)
{
    const struct mr_class_rule *r = model_rule(policy, a->class);
    const uint32_t day = model_day(o->time_ms);
    if (o->body.u.pay.unit != 0 || a->class == MR_CLASS_TREASURY)
        return MR_OK;
    const int64_t payment = in_force(a, 0, r->limit_payment);
    const int64_t by_day = in_force(a, 1, r->limit_day);
    const int64_t by_month = in_force(a, 2, r->limit_month);
    if (sum > payment)
        return MR_LIMIT_PAYMENT;
    if (sum + (a->day == day ? a->day_spent : 0) > by_day)
        return MR_LIMIT_DAY;
    if (sum + (a->month == model_month(day) ? a->month_spent : 0) > by_month)
        return MR_LIMIT_MONTH;
    return MR_OK;
}

enum mr_status model_check_pay(struct model *m, const struct mr_order *o)
{
    const struct mr_pay *p = &o->body.u.pay;
    const struct m_account *chain = model_find(m, o->account);
    const struct m_account *payer =
        chain->class == MR_CLASS_TREASURY ? model_sub(m, chain->home, MR_CLASS_OWN) : chain;
    const struct mr_policy *policy = model_policy_on(m, model_day(o->time_ms));
    const struct mr_class_rule *rule = model_rule(policy, chain->class);
    uint32_t payments = 0;
    int64_t sum = 0, total = 0;
    if (p->unit >= UNITS)
        return MR_UNIT_UNKNOWN;
    if (p->unit == 1)
        return MR_AMOUNT_UNIT;
    if (chain->class != MR_CLASS_TREASURY && (rule == NULL || !rule->may_pay))
        return MR_CLASS_FORBIDS;
    while (payments < p->lines_count && p->lines[payments].what == MR_LINE_PAYMENT)
        payments++;
    if (payments == 0)
        return MR_OUT_OF_RANGE;
    for (uint32_t i = 0; i < p->lines_count; i++) {
        total += p->lines[i].amount;
        if (i < payments)
            sum += p->lines[i].amount;
    }
    if (total > MR_AMOUNT_MAX)
        return MR_AMOUNT_TOO_LARGE;
    enum mr_status st = payees(m, chain, policy, p, payments);
    if (st == MR_OK)
        st = fee_lines(m, chain, policy, o, payments, sum);
    if (st == MR_OK)
        st = limits(chain, policy, o, sum);
    if (st == MR_OK &&
        payer->balance[p->unit] + (p->unit == 0 && payer == chain ? model_credit(payer) : 0) <
            total)
        st = MR_FUNDS_SHORT;
    return st;
}

/* --- ISSUE -------------------------------------------------------------------------------------
 */

static bool bank_used(const struct model *m, uint32_t home, const uint8_t ref[32])
{
    for (uint32_t i = 0; i < m->banks_count; i++)
        if (m->banks[i].home == home && memcmp(m->banks[i].ref, ref, 32) == 0)
            return true;
    return false;
}

enum mr_status model_check_issue(struct model *m, const struct mr_order *o)
{
    const struct mr_issue *b = &o->body.u.issue;
    const struct m_account *chain = model_find(m, o->account);
    const uint32_t home = chain->home;
    const struct m_account *issuer = model_sub(m, home, MR_CLASS_ISSUER);
    int64_t sums[MR_BANKS_MAX] = {0}, total = 0;
    if (b->banks_count == 0 || b->lines_count == 0)
        return MR_OUT_OF_RANGE;
    for (uint32_t i = 0; i < b->lines_count; i++)
        total += b->lines[i].amount;
    if (total > MR_AMOUNT_MAX)
        return MR_AMOUNT_TOO_LARGE;
    for (uint32_t i = 0; i < b->banks_count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (memcmp(b->banks[i].ref, b->banks[k].ref, 32) == 0)
                return MR_BANK_REF_USED;
    for (uint32_t i = 0; i < b->banks_count; i++)
        if (bank_used(m, home, b->banks[i].ref))
            return MR_BANK_REF_USED;
    for (uint32_t i = 0; i < b->lines_count; i++) {
        const struct m_account *to = model_find(m, b->lines[i].member);
        if (to == NULL || !model_is_member(to->class))
            return MR_PAYEE_UNKNOWN;
        if (to->home != home)
            return MR_NOT_YOURS;
        if (b->lines[i].bank >= b->banks_count)
            return MR_OUT_OF_RANGE;
        sums[b->lines[i].bank] += b->lines[i].amount;
    }
    for (uint32_t i = 0; i < b->banks_count; i++)
        if (sums[i] != b->banks[i].amount)
            return MR_BANK_SUM;
    return total + chain->issued > issuer->credit ? MR_CAP_EXCEEDED : MR_OK;
}

enum mr_status model_check_cap(struct model *m, uint32_t home, int64_t more)
{
    const struct m_account *issuer = model_sub(m, home, MR_CLASS_ISSUER);
    return more - issuer->balance[0] > issuer->credit ? MR_CAP_EXCEEDED : MR_OK;
}

/* --- giving back -------------------------------------------------------------------------------
 */

enum mr_status model_check_redeem(struct model *m, const struct mr_order *o)
{
    const struct mr_redeem *b = &o->body.u.redeem;
    const struct m_account *a = model_find(m, o->account);
    const uint32_t day = model_day(o->time_ms);
    const struct mr_policy *policy = model_policy_on(m, day);
    const struct mr_class_rule *rule = model_rule(policy, a->class);
    if (rule == NULL || !rule->may_redeem)
        return MR_CLASS_FORBIDS;
    if (model_home(m, b->association) == NO_HOME)
        return MR_NOT_FOUND;
    if (b->amount < rule->redeem_min)
        return MR_MINIMUM;
    if (b->fee != model_fee(policy, MR_KIND_REDEEM, a->class, b->amount, day))
        return MR_FEE_MISMATCH;
    return a->balance[0] < b->amount ? MR_FUNDS_SHORT : MR_OK;
}

static enum mr_status redemption(struct model *m, const struct m_redemption **ret,
                                 const struct mr_order *o, const struct mr_redemption_ref *ref)
{
    for (uint32_t i = 0; i < m->redemptions_count; i++) {
        const struct m_redemption *r = &m->redemptions[i];
        if (memcmp(r->ref.account, ref->account, 16) != 0 || r->ref.seq != ref->seq)
            continue;
        *ret = r;
        if (r->by != model_find(m, o->account)->home)
            return MR_NOT_YOURS;
        if (r->done != 0)
            return MR_REDEMPTION_DONE;
        return memcmp(r->ref.order, ref->order, 32) == 0 && r->ref.amount == ref->amount
                   ? MR_OK
                   : MR_REDEMPTION_MISMATCH;
    }
    return MR_REDEMPTION_UNKNOWN;
}

enum mr_status model_check_payout(struct model *m, const struct mr_order *o)
{
    const struct mr_payout *b = &o->body.u.payout;
    const struct m_redemption *r;
    const uint32_t home = model_find(m, o->account)->home;
    const enum mr_status st = redemption(m, &r, o, &b->redemption);
    if (st != MR_OK)
        return st;
    if (r->fee != b->fee)
        return MR_REDEMPTION_MISMATCH;
    if (bank_used(m, home, b->bank_ref))
        return MR_BANK_REF_USED;
    return model_sub(m, home, MR_CLASS_RESERVE)->balance[1] < r->ref.amount - r->fee ? MR_COVERAGE
                                                                                     : MR_OK;
}

enum mr_status model_check_return(struct model *m, const struct mr_order *o)
{
    const struct m_redemption *r;
    return redemption(m, &r, o, &o->body.u.return_.redemption);
}

enum mr_status model_check_sweep(struct model *m, const struct mr_order *o)
{
    const struct mr_sweep *b = &o->body.u.sweep;
    const struct m_account *a = model_find(m, b->account);
    if (a == NULL || !model_is_member(a->class))
        return MR_ACCOUNT_UNKNOWN;
    if (a->home != model_find(m, o->account)->home)
        return MR_NOT_YOURS;
    if (!a->closed)
        return MR_NOT_CLOSED;
    if (b->unit >= UNITS)
        return MR_UNIT_UNKNOWN;
    return a->balance[b->unit] < b->amount ? MR_FUNDS_SHORT : MR_OK;
}

/* --- LED-31, LED-32 ----------------------------------------------------------------------------
 */

enum mr_status model_named_keys(const struct m_account *treasury, const struct m_keys **ret,
                                uint32_t generation, uint64_t time_ms)
{
    *ret = &treasury->keys;
    if (generation > treasury->generation)
        return MR_KEYS_UNKNOWN;
    if (generation == treasury->generation)
        return MR_OK;
    for (uint32_t i = 0; i < treasury->past_count; i++)
        if (generation + 1 + i == treasury->generation) {
            *ret = &treasury->past[i].keys;
            return time_ms < treasury->past[i].until_ms ? MR_OK : MR_KEYS_OLD;
        }
    return MR_KEYS_OLD;
}

enum mr_status model_same_keys(const struct model *m, const struct m_keys *k,
                               const struct mr_keyset *named)
{
    static struct mr_keyset right;
    uint8_t x[1024], y[1024];
    memset(&right, 0, sizeof right);
    model_keyset(m, &right, k);
    const size_t n = mr_keyset_encode(&right, x, sizeof x);
    return n == mr_keyset_encode(named, y, sizeof y) && memcmp(x, y, n) == 0 ? MR_OK : MR_BAD_KEY;
}

enum mr_status model_check_clear(struct model *m, const struct deed *d)
{
    const struct mr_clear *b = &d->o.order.body.u.clear;
    const struct m_account *chain = model_find(m, d->o.order.account);
    const uint32_t to = model_home(m, b->clearing.to);
    const struct m_keys *by;
    if (to == NO_HOME)
        return MR_NOT_FOUND;
    if (to == chain->home)
        return MR_PAYEE_SELF;
    if (model_home(m, b->clearing.from) != chain->home)
        return MR_NOT_YOURS;
    if (chain->cleared + b->clearing.amount > INT64_C(1) << 46)
        return MR_AMOUNT_TOO_LARGE;
    if (bank_used(m, chain->home, b->clearing.bank_ref))
        return MR_BANK_REF_USED;
    enum mr_status st = model_named_keys(model_sub(m, to, MR_CLASS_TREASURY), &by, b->generation,
                                         d->o.order.time_ms);
    if (st == MR_OK)
        st = model_same_keys(m, by, &b->keys);
    if (st != MR_OK)
        return st;
    st = model_signatures(by, d->counter, d->counter_count);
    if (st == MR_OK && model_sub(m, chain->home, MR_CLASS_RESERVE)->balance[1] < b->clearing.amount)
        st = MR_COVERAGE;
    return st;
}
