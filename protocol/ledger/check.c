/* Every reason to refuse an order, in the order of the spec. Writes nothing but plan->missing. */
#include <string.h>

#include "base/teeth.h"
#include "ledger/ledger.h"
#include "mereau/amount.h"
#include "mereau/assert.h"
#include "mereau/order.h"
#include "mereau/text.h"
#include "mereau/time.h"

struct checking {
    const struct mri_ledger *l;
    struct mri_plan *plan;
    const struct mr_order *order;
    const struct mri_row *chain;
    const struct mr_policy *policy;
    uint32_t day;
};

static const struct mri_row *find_row(const struct mri_plan *plan, const uint8_t account[16])
{
    for (uint32_t i = 0; i < plan->rows_count; i++)
        if (memcmp(plan->rows[i].account.id, account, 16) == 0)
            return &plan->rows[i];
    return NULL;
}

static const struct mri_row *row_by_number(const struct mri_plan *plan, uint64_t number)
{
    for (uint32_t i = 0; i < plan->rows_count; i++)
        if (plan->rows[i].number == number)
            return &plan->rows[i];
    return NULL;
}

static int64_t balance(const struct mri_row *row, uint32_t unit)
{
    return row->hot.chain.balances[unit].minor;
}

static enum mr_status short_of(struct mri_plan *plan, enum mr_status st, int64_t missing)
{
    /* Two amounts may be missing together: the record holds at most one. */
    plan->missing = missing < MR_AMOUNT_MAX ? missing : MR_AMOUNT_MAX;
    return st;
}

static const struct mri_association *home(const struct checking *c)
{
    return &c->l->associations[c->plan->association];
}

/* A member of the chain's association. */
static enum mr_status own_member(const struct checking *c, const struct mri_row **ret,
                                 const uint8_t account[16])
{
    const struct mri_row *row = find_row(c->plan, account);
    if (row == NULL || !mr_is_member_class(row->account.class))
        return MR_ACCOUNT_UNKNOWN;
    if (memcmp(row->account.association, c->chain->account.association, 16) != 0)
        return MR_NOT_YOURS;
    *ret = row;
    return MR_OK;
}

/* --- PAY -------------------------------------------------------------------------------------- */

/* LED-20: what the chain spent in the order's day and month, and the limits. */
static enum mr_status check_limits(const struct checking *c, const struct mr_class_rule *rule,
                                   int64_t sum)
{
    const struct mr_state_account *a = &c->chain->account;
    const struct mr_state_chain *s = &c->chain->hot.chain;
    const int64_t day_spent = s->day == c->day ? s->day_spent : 0;
    const int64_t month_spent = s->month == mr_month_of(c->day) ? s->month_spent : 0;
    struct mr_terms t;
    mr_terms_of(&t, a, rule);
    if (sum > t.limit_payment)
        return short_of(c->plan, MR_LIMIT_PAYMENT, sum - t.limit_payment);
    if (day_spent > t.limit_day || sum > t.limit_day - day_spent)
        return short_of(c->plan, MR_LIMIT_DAY, sum + day_spent - t.limit_day);
    if (month_spent > t.limit_month || sum > t.limit_month - month_spent)
        return short_of(c->plan, MR_LIMIT_MONTH, sum + month_spent - t.limit_month);
    return MR_OK;
}

static enum mr_status check_payee(const struct checking *c, const struct mr_pay *pay, uint32_t at)
{
    const struct mri_row *row = find_row(c->plan, pay->lines[at].payee);
    if (row == NULL)
        return MR_PAYEE_UNKNOWN;
    if (row == c->chain)
        return MR_PAYEE_SELF;
    const struct mr_class_rule *rule = mr_class_rule(c->policy, row->account.class);
    if (!mr_is_member_class(row->account.class) || rule == NULL || !rule->may_receive)
        return MR_PAYEE_CLASS;
    for (uint32_t i = 0; i < at; i++)
        if (memcmp(pay->lines[i].payee, pay->lines[at].payee, 16) == 0)
            return MR_PAYEE_TWICE;
    return MR_OK;
}

/* The fee lines must be exactly those of the policy. `fees` is the number of lines at the end that
 * should be fees. */
static enum mr_status check_fee(const struct checking *c, const struct mr_pay *pay, uint32_t fees,
                                int64_t sum)
{
    const bool free = pay->unit != 0 || c->chain->account.class == MR_CLASS_TREASURY;
    const int64_t fee =
        free ? 0 : mr_fee_of(c->policy, MR_KIND_PAY, c->chain->account.class, sum, c->day);
    if (fees != (fee > 0 ? 1 : 0))
        return MR_FEE_MISMATCH;
    if (fee == 0)
        return MR_OK;
    const struct mr_pay_line *line = &pay->lines[pay->lines_count - 1];
    uint8_t own[16];
    mr_sub_account(own, c->chain->account.association, MR_CLASS_OWN);
    return line->what == MR_LINE_FEE && line->amount == fee && memcmp(line->payee, own, 16) == 0
               ? MR_OK
               : MR_FEE_MISMATCH;
}

static enum mr_status check_pay(const struct checking *c)
{
    const struct mr_pay *pay = &c->order->body.u.pay;
    const bool treasury = c->chain->account.class == MR_CLASS_TREASURY;
    const struct mr_class_rule *rule = mr_class_rule(c->policy, c->chain->account.class);
    uint32_t payments = 0;
    int64_t sum = 0, total = 0;
    if (pay->unit >= c->l->charter->units_count)
        return MR_UNIT_UNKNOWN;
    if (c->l->charter->units[pay->unit].role == MR_UNIT_RESERVE)
        return MR_AMOUNT_UNIT;
    if (!treasury && (rule == NULL || !rule->may_pay))
        return MR_CLASS_FORBIDS;
    while (payments < pay->lines_count && pay->lines[payments].what == MR_LINE_PAYMENT)
        payments++;
    if (payments == 0)
        return MR_OUT_OF_RANGE;
    /* Before the payees: those of a sum that is too large were not even loaded. */
    for (uint32_t i = 0; i < pay->lines_count; i++) {
        if (!mr_amount_add(&total, total, pay->lines[i].amount))
            return MR_AMOUNT_TOO_LARGE;
        sum = i < payments ? total : sum;
    }
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; st == MR_OK && i < payments; i++)
        st = check_payee(c, pay, i);
    if (st == MR_OK)
        st = check_fee(c, pay, pay->lines_count - payments, sum);
    if (st == MR_OK && pay->unit == 0 && !treasury)
        st = check_limits(c, rule, sum);
    if (st != MR_OK)
        return st;
    const struct mri_row *from = treasury ? row_by_number(c->plan, home(c)->own) : c->chain;
    struct mr_terms t = {.credit = 0};
    if (pay->unit == 0 && !treasury)
        mr_terms_of(&t, &from->account, rule);
    const int64_t has = balance(from, pay->unit) + t.credit;
    return has >= total || !MRI_RULE(funds) ? MR_OK
                                            : short_of(c->plan, MR_FUNDS_SHORT, total - has);
}

/* --- the association's money ------------------------------------------------------------------ */

/* Whether a bank reference was used; MR_OK: not yet. */
static enum mr_status unused(const struct checking *c, const uint8_t ref[32])
{
    struct mr_state_slot_ref by;
    const enum mr_status st = mri_bank_get(c->l, &by, c->chain->account.association, ref);
    return st == MR_NOT_FOUND ? MR_OK : st == MR_OK ? MR_BANK_REF_USED : st;
}

static enum mr_status check_banks(const struct checking *c, const struct mr_issue *issue)
{
    int64_t sums[MR_BANKS_MAX] = {0};
    for (uint32_t i = 0; i < issue->banks_count; i++) {
        for (uint32_t k = 0; k < i; k++)
            if (memcmp(issue->banks[k].ref, issue->banks[i].ref, 32) == 0)
                return MR_BANK_REF_USED;
        const enum mr_status st = unused(c, issue->banks[i].ref);
        if (st != MR_OK)
            return st;
    }
    for (uint32_t i = 0; i < issue->lines_count; i++) {
        const struct mr_issue_line *line = &issue->lines[i];
        const struct mri_row *row;
        const enum mr_status st = own_member(c, &row, line->member);
        if (st != MR_OK)
            return st == MR_ACCOUNT_UNKNOWN ? MR_PAYEE_UNKNOWN : st;
        if (line->bank >= issue->banks_count)
            return MR_OUT_OF_RANGE;
        sums[line->bank] += line->amount;
    }
    for (uint32_t i = 0; i < issue->banks_count; i++)
        if (sums[i] != issue->banks[i].amount)
            return MR_BANK_SUM;
    return MR_OK;
}

static enum mr_status check_issue(const struct checking *c)
{
    const struct mr_issue *issue = &c->order->body.u.issue;
    int64_t total = 0;
    if (issue->banks_count == 0 || issue->lines_count == 0)
        return MR_OUT_OF_RANGE;
    /* Before the members: those of a sum that is too large were not even loaded. */
    for (uint32_t i = 0; i < issue->lines_count; i++)
        if (!mr_amount_add(&total, total, issue->lines[i].amount))
            return MR_AMOUNT_TOO_LARGE;
    const enum mr_status st = check_banks(c, issue);
    if (st != MR_OK)
        return st;
    /* What its own orders issued, not what the issuer owes: a CLEAR of another treasury adds to
     * that, and would turn this from true to false. */
    const struct mri_row *issuer = row_by_number(c->plan, home(c)->issuer);
    const int64_t room = issuer->account.credit - c->chain->account.issued;
    return total <= room ? MR_OK : short_of(c->plan, MR_CAP_EXCEEDED, total - room);
}

static enum mr_status check_redeem(const struct checking *c)
{
    const struct mr_redeem *r = &c->order->body.u.redeem;
    const struct mr_class_rule *rule = mr_class_rule(c->policy, c->chain->account.class);
    if (rule == NULL || !rule->may_redeem)
        return MR_CLASS_FORBIDS;
    if (mri_association_index(c->l, r->association) == MR_ASSOCIATIONS_MAX)
        return MR_NOT_FOUND;
    if (r->amount < rule->redeem_min)
        return short_of(c->plan, MR_MINIMUM, rule->redeem_min - r->amount);
    if (r->fee != mr_fee_of(c->policy, MR_KIND_REDEEM, c->chain->account.class, r->amount, c->day))
        return MR_FEE_MISMATCH;
    if (balance(c->chain, 0) < r->amount)
        return short_of(c->plan, MR_FUNDS_SHORT, r->amount - balance(c->chain, 0));
    return MR_OK;
}

static enum mr_status check_redemption(const struct checking *c,
                                       const struct mr_redemption_ref *ref)
{
    const struct mr_state_redemption *r = &c->plan->redeem;
    if (c->plan->redemption == 0)
        return MR_REDEMPTION_UNKNOWN;
    if (memcmp(r->association, c->chain->account.association, 16) != 0)
        return MR_NOT_YOURS;
    if (r->done != 0)
        return MR_REDEMPTION_DONE;
    if (memcmp(r->ref.order, ref->order, 32) != 0 || r->ref.amount != ref->amount)
        return MR_REDEMPTION_MISMATCH;
    return MR_OK;
}

static enum mr_status check_payout(const struct checking *c)
{
    const struct mr_payout *p = &c->order->body.u.payout;
    enum mr_status st = check_redemption(c, &p->redemption);
    if (st == MR_OK && p->fee != c->plan->redeem.fee)
        st = MR_REDEMPTION_MISMATCH;
    if (st == MR_OK)
        st = unused(c, p->bank_ref);
    if (st != MR_OK)
        return st;
    const struct mri_row *reserve = row_by_number(c->plan, home(c)->reserve);
    const int64_t euros = p->redemption.amount - p->fee;
    return balance(reserve, 1) >= euros
               ? MR_OK
               : short_of(c->plan, MR_COVERAGE, euros - balance(reserve, 1));
}

static enum mr_status check_clear(const struct checking *c)
{
    const struct mr_clear *k = &c->order->body.u.clear;
    const uint32_t to = mri_association_index(c->l, k->clearing.to);
    if (to == MR_ASSOCIATIONS_MAX)
        return MR_NOT_FOUND;
    if (to == c->plan->association)
        return MR_PAYEE_SELF;
    if (memcmp(k->clearing.from, c->chain->account.association, 16) != 0)
        return MR_NOT_YOURS;
    if (k->clearing.amount > MR_CLEAR_MAX - c->chain->account.cleared)
        return MR_AMOUNT_TOO_LARGE;
    enum mr_status st = unused(c, k->clearing.bank_ref);
    if (st == MR_OK)
        st = mri_keys_named(&row_by_number(c->plan, c->l->associations[to].treasury)->account,
                            k->generation, &k->keys, c->order->time_ms);
    if (st == MR_OK)
        st = mr_clear_verify(k, c->l->id);
    if (st != MR_OK)
        return st;
    const int64_t has = balance(row_by_number(c->plan, home(c)->reserve), 1);
    return has >= k->clearing.amount ? MR_OK
                                     : short_of(c->plan, MR_COVERAGE, k->clearing.amount - has);
}

static enum mr_status check_sweep(const struct checking *c)
{
    const struct mr_sweep *s = &c->order->body.u.sweep;
    const struct mri_row *row = NULL;
    const enum mr_status st = own_member(c, &row, s->account);
    if (st != MR_OK)
        return st;
    if (!row->account.closed)
        return MR_NOT_CLOSED;
    if (s->unit >= c->l->charter->units_count)
        return MR_UNIT_UNKNOWN;
    return balance(row, s->unit) >= s->amount
               ? MR_OK
               : short_of(c->plan, MR_FUNDS_SHORT, s->amount - balance(row, s->unit));
}

/* LED-27. A limit of 0 means the class's and can only stay 0. */
static bool lowers(int64_t now, int64_t wanted, int64_t of_class)
{
    if (wanted == 0)
        return now != 0;
    return wanted < (now != 0 ? now : of_class);
}

static enum mr_status check_grant(const struct checking *c)
{
    const struct mr_grant *g = &c->order->body.u.grant;
    const struct mri_row *row = NULL;
    const enum mr_status st = own_member(c, &row, g->account);
    if (st != MR_OK)
        return st;
    static const struct mr_class_rule none = {0};
    const struct mr_class_rule *rule = mr_class_rule(c->policy, row->account.class);
    const struct mr_state_account *a = &row->account;
    if (rule == NULL)
        rule = &none;
    if (g->credit < a->credit || lowers(a->limit_payment, g->limit_payment, rule->limit_payment) ||
        lowers(a->limit_day, g->limit_day, rule->limit_day) ||
        lowers(a->limit_month, g->limit_month, rule->limit_month))
        return MR_LOWERED;
    return a->credit == g->credit && a->limit_payment == g->limit_payment &&
                   a->limit_day == g->limit_day && a->limit_month == g->limit_month
               ? MR_NO_CHANGE
               : MR_OK;
}

/* --- desk and owner --------------------------------------------------------------------------- */

static enum mr_status check_open(const struct checking *c)
{
    const struct mr_open *o = &c->order->body.u.open;
    if (!mr_is_member_class(o->class))
        return MR_PAYEE_CLASS;
    const enum mr_status st = mr_keyset_check(&o->keys, o->class);
    if (st != MR_OK)
        return st;
    if (!mr_in_space(o->account, c->chain->account.association) && MRI_RULE(own_space))
        return MR_NOT_YOURS;
    return find_row(c->plan, o->account) != NULL ? MR_ACCOUNT_EXISTS : MR_OK;
}

static enum mr_status check_setkeys(const struct checking *c)
{
    const struct mr_setkeys *s = &c->order->body.u.setkeys;
    if (s->generation != c->chain->account.generation + 1)
        return MR_OUT_OF_RANGE;
    return mr_keyset_check(&s->keys, c->chain->account.class);
}

static enum mr_status check_flag(const struct checking *c)
{
    const struct mr_flag *f = &c->order->body.u.flag;
    const struct mri_row *row = NULL;
    const enum mr_status st = own_member(c, &row, f->account);
    if (st != MR_OK)
        return st;
    return row->account.frozen == f->frozen ? MR_NO_CHANGE : MR_OK;
}

static enum mr_status check_list(const struct checking *c)
{
    const struct mr_list *w = &c->order->body.u.list;
    const struct mri_row *row = NULL;
    struct mr_state_alias held;
    uint64_t number;
    enum mr_status st = own_member(c, &row, w->account);
    if (st != MR_OK)
        return st;
    if (!mr_alias_ok(w->alias))
        return MR_ALIAS_SYNTAX;
    st = mri_alias_get(c->l, &number, c->chain->account.association, w->alias, w->alias_len);
    if (st == MR_NOT_FOUND)
        return w->listed ? MR_OK : MR_NOT_FOUND;
    if (st == MR_OK)
        st = mri_listing_get(c->l, &held, number);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    const bool same = memcmp(held.listing.account, w->account, 16) == 0;
    if (!w->listed)
        return same && held.listing.listed ? MR_OK : MR_NOT_FOUND;
    if (same || (!held.listing.listed && c->day >= held.until_day))
        return MR_OK;
    return MR_ALIAS_TAKEN;
}

/* --- recovery of lost keys -----------------------------------------------------------------------
 */

static enum mr_status check_recover(const struct checking *c)
{
    const struct mr_recover *r = &c->order->body.u.recover;
    const struct mri_row *row = NULL;
    enum mr_status st = own_member(c, &row, r->account);
    if (st == MR_OK)
        st = mr_keyset_check(&r->keys.keys, row->account.class);
    if (st != MR_OK)
        return st;
    if (r->keys.generation > row->account.generation + 1)
        return MR_KEYS_UNKNOWN;
    return row->account.recoveries_count < MR_RECOVERIES_MAX ? MR_OK : MR_TOO_MANY;
}

static enum mr_status check_stop(const struct checking *c)
{
    const struct mr_stop *s = &c->order->body.u.stop;
    const struct mr_state_account *a = &c->chain->account;
    if (s->upto <= a->stopped)
        return MR_NO_CHANGE;
    return a->recoveries_count > 0 && s->upto <= a->recoveries[a->recoveries_count - 1].seq
               ? MR_OK
               : MR_RECOVERY_UNKNOWN;
}

static enum mr_status check_takeover(const struct checking *c)
{
    const struct mr_takeover *t = &c->order->body.u.takeover;
    const struct mr_state_account *a = &c->chain->account;
    const struct mr_state_meta *m = &c->l->meta;
    uint8_t hash[32];
    if (t->keys.generation != a->generation + 1)
        return MR_OUT_OF_RANGE;
    if (t->recover <= a->stopped)
        return MR_RECOVERY_STOPPED;
    const struct mr_recovery *r = mri_recovery_of(a, t->recover);
    if (r == NULL)
        return MR_RECOVERY_UNKNOWN;
    mr_recovery_hash(hash, &t->keys);
    if (memcmp(hash, r->hash, sizeof hash) != 0)
        return MR_BAD_KEY;
    /* A RECOVER that came late as a claim was not seen for seven days. */
    if (c->order->time_ms < r->ready_ms ||
        (m->restart_ms > 0 && c->order->time_ms < m->claims_until_ms + MR_RECOVERY_MS))
        return MR_RECOVERY_EARLY;
    return mri_keys_named(&row_by_number(c->plan, home(c)->treasury)->account, t->generation,
                          &t->treasury, c->order->time_ms);
}

/* --- governance ------------------------------------------------------------------------------- */

static bool policy_ok(const struct mr_policy *p)
{
    for (uint32_t i = 0; i < p->classes_count; i++) {
        if (!mr_is_member_class(p->classes[i].class))
            return false;
        if (i > 0 && p->classes[i].class <= p->classes[i - 1].class)
            return false;
    }
    for (uint32_t i = 0; i < p->fees_count; i++)
        if (p->fees[i].kind != MR_KIND_PAY && p->fees[i].kind != MR_KIND_REDEEM)
            return false;
    return true;
}

static enum mr_status check_policy(const struct checking *c)
{
    const struct mr_policy *p = &c->order->body.u.policy;
    const struct mr_policy *last = &c->l->policies[c->l->policies_count - 1];
    if (p->version != last->version + 1 || c->l->policies_count == MRI_POLICIES_MAX)
        return MR_POLICY_VERSION;
    if (p->start_day < mr_day_of(c->order->not_after_ms) + MR_POLICY_NOTICE_DAYS ||
        p->start_day < last->start_day)
        return MR_POLICY_NOTICE;
    return policy_ok(p) ? MR_OK : MR_OUT_OF_RANGE;
}

static enum mr_status check_cap(const struct checking *c)
{
    const struct mr_cap *cap = &c->order->body.u.cap;
    const uint32_t index = mri_association_index(c->l, cap->association);
    int64_t sum = 0;
    if (index == MR_ASSOCIATIONS_MAX)
        return MR_NOT_FOUND;
    if (row_by_number(c->plan, c->l->associations[index].issuer)->account.credit == cap->cap)
        return MR_NO_CHANGE;
    for (uint32_t i = 0; i < c->l->present.charter.associations_count; i++) {
        struct mr_state_account issuer;
        const enum mr_status st = mri_account_get(c->l, &issuer, c->l->associations[i].issuer);
        if (st != MR_OK)
            return st;
        if (!mr_amount_add(&sum, sum, i == index ? cap->cap : issuer.credit))
            return MR_AMOUNT_TOO_LARGE;
    }
    return sum <= MR_CAPS_MAX ? MR_OK : MR_AMOUNT_TOO_LARGE;
}

static enum mr_status check_lower(const struct checking *c)
{
    const struct mr_grant *g = &c->order->body.u.lower;
    const struct mri_row *row = find_row(c->plan, g->account);
    if (row == NULL || !mr_is_member_class(row->account.class))
        return MR_ACCOUNT_UNKNOWN;
    const struct mr_terms *const t = mr_terms_left(&row->account);
    return t->credit == g->credit && t->limit_payment == g->limit_payment &&
                   t->limit_day == g->limit_day && t->limit_month == g->limit_month
               ? MR_NO_CHANGE
               : MR_OK;
}

/* --- all kinds -------------------------------------------------------------------------------- */

static enum mr_status check_kind(const struct checking *c)
{
    switch (c->order->body.kind) {
    case MR_KIND_OPEN:
        return check_open(c);
    case MR_KIND_PAY:
        return check_pay(c);
    case MR_KIND_ISSUE:
        return check_issue(c);
    case MR_KIND_REDEEM:
        return check_redeem(c);
    case MR_KIND_PAYOUT:
        return check_payout(c);
    case MR_KIND_RETURN:
        return check_redemption(c, &c->order->body.u.return_.redemption);
    case MR_KIND_SETKEYS:
        return check_setkeys(c);
    case MR_KIND_FLAG:
        return check_flag(c);
    case MR_KIND_LIST:
        return check_list(c);
    case MR_KIND_CLOSE:
        return MR_OK;
    case MR_KIND_GRANT:
        return check_grant(c);
    case MR_KIND_SWEEP:
        return check_sweep(c);
    case MR_KIND_CLEAR:
        return check_clear(c);
    case MR_KIND_RECOVER:
        return check_recover(c);
    case MR_KIND_STOP:
        return check_stop(c);
    case MR_KIND_TAKEOVER:
        return check_takeover(c);
    case MR_KIND_POLICY:
        return check_policy(c);
    case MR_KIND_CAP:
        return check_cap(c);
    case MR_KIND_LOWER:
        return check_lower(c);
    case MR_KIND_NEXT:
        return mri_ledger_check_next(c->l, &c->order->body.u.next);
    case MR_KIND_CUT:
        return c->l->meta.next != 0 && c->l->meta.cut == 0 &&
                       c->order->body.u.cut.epoch == c->l->meta.epoch
                   ? MR_OK
                   : MR_EPOCH_MISMATCH;
    case MR_KIND_CHECKPOINT:
        return c->order->body.u.checkpoint.number == c->l->meta.checkpoints + 1 ? MR_OK
                                                                                : MR_STATE_MISMATCH;
    }
    mr_bug("order kind");
}

/* JNL-9: an order from before the node lost its memory may come late. */
static bool is_claim(const struct mri_ledger *l, const struct mr_order *o, uint64_t now_ms)
{
    return o->time_ms < l->meta.restart_ms && now_ms <= l->meta.claims_until_ms;
}

/* Freezing stops money. It neither keeps the owner from stopping a recovery nor the association
 * from finishing one. */
static bool is_frozen(const struct mr_state_account *a, enum mr_order_kind kind)
{
    return a->frozen && kind != MR_KIND_STOP && kind != MR_KIND_TAKEOVER;
}

enum mr_status mri_ledger_check(const struct mri_ledger *l, struct mri_plan *plan, uint64_t now_ms)
{
    const struct mr_order *o = plan->order;
    const struct mri_row *chain = &plan->rows[0];
    const struct mr_state_chain *s = &chain->hot.chain;
    struct checking c = {.l = l, .plan = plan, .order = o, .chain = chain};
    if (o->seq < s->next_seq)
        return MR_SEQ_OLD;
    if (o->seq > s->next_seq)
        return MR_SEQ_AHEAD;
    if (memcmp(o->prev, s->head, 32) != 0)
        return MR_PREV_MISMATCH;
    if (chain->account.closed)
        return MR_PAYER_CLOSED;
    if (is_frozen(&chain->account, o->body.kind) && MRI_RULE(freeze))
        return MR_PAYER_FROZEN;
    if (o->time_ms < s->time_ms)
        return MR_TIME_BACK;
    if (o->time_ms > now_ms + MR_CLOCK_AHEAD_MS)
        return MR_TIME_AHEAD;
    if (o->not_after_ms < o->time_ms || o->not_after_ms > o->time_ms + 31 * MR_DAY_MS)
        return MR_OUT_OF_RANGE;
    if (now_ms > o->not_after_ms && !is_claim(l, o, now_ms))
        return MR_EXPIRED;
    c.day = mr_day_of(o->time_ms);
    c.policy = mri_policy_version(l, o->policy);
    if (c.policy == NULL)
        return MR_POLICY_UNKNOWN;
    if (c.policy != mri_policy_on(l, c.day))
        return MR_POLICY_NOT_IN_FORCE;
    return check_kind(&c);
}

/* The whole of what an issuer owes stays below its cap. */
static enum mr_status check_whole_cap(struct mri_plan *plan, uint64_t number)
{
    const struct mri_row *issuer = row_by_number(plan, number);
    int64_t owes = -balance(issuer, 0);
    for (uint32_t i = 0; i < plan->postings_count; i++)
        if (memcmp(plan->postings[i].account, issuer->account.id, 16) == 0)
            owes -= plan->postings[i].delta;
    return owes <= issuer->account.credit
               ? MR_OK
               : short_of(plan, MR_CAP_EXCEEDED, owes - issuer->account.credit);
}

static enum mr_status check_clear_first(const struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_clear *k = &plan->order->body.u.clear;
    const struct mri_association *to = &l->associations[mri_association_index(l, k->clearing.to)];
    if (k->generation != row_by_number(plan, to->treasury)->account.generation)
        return MR_KEYS_OLD;
    return check_whole_cap(plan, to->issuer);
}

static enum mr_status check_recover_first(const struct mri_plan *plan)
{
    const struct mr_recover *r = &plan->order->body.u.recover;
    const struct mr_state_account *a = &find_row(plan, r->account)->account;
    if (a->closed)
        return MR_PAYER_CLOSED;
    return r->keys.generation == a->generation + 1 ? MR_OK : MR_KEYS_OLD;
}

static enum mr_status check_takeover_first(const struct mri_ledger *l, const struct mri_plan *plan)
{
    const uint64_t treasury = l->associations[plan->association].treasury;
    return plan->order->body.u.takeover.generation ==
                   row_by_number(plan, treasury)->account.generation
               ? MR_OK
               : MR_KEYS_OLD;
}

enum mr_status mri_ledger_check_first(const struct mri_ledger *l, struct mri_plan *plan)
{
    if (plan->order->body.kind == MR_KIND_ISSUE)
        return check_whole_cap(plan, l->associations[plan->association].issuer);
    if (plan->order->body.kind == MR_KIND_CLEAR)
        return check_clear_first(l, plan);
    if (plan->order->body.kind == MR_KIND_RECOVER)
        return check_recover_first(plan);
    if (plan->order->body.kind == MR_KIND_TAKEOVER)
        return check_takeover_first(l, plan);
    if (plan->order->body.kind != MR_KIND_PAY)
        return MR_OK;
    const struct mr_pay *pay = &plan->order->body.u.pay;
    for (uint32_t i = 0; i < pay->lines_count; i++) {
        const struct mri_row *row = find_row(plan, pay->lines[i].payee);
        if (row != NULL && row->account.closed)
            return MR_PAYEE_CLOSED;
        if (row != NULL && row->account.frozen)
            return MR_PAYEE_FROZEN;
    }
    return MR_OK;
}
