/* Kinds that move money: LED-12, LED-20 to LED-24, LED-28. Each plans the moves it can, then
 * checks; the first check that fails is reported. */
#include <stdio.h>
#include <string.h>

#include "audit/state.h"

void mri_aud_plan(struct mri_aud_case *c, struct mri_aud_account *account, uint32_t unit,
                  int64_t delta)
{
    mr_assert(c->moves_count < MR_POSTINGS_MAX);
    if (account == NULL || delta == 0)
        return; /* no memory, and the audit ends; or nothing moves */
    c->moves[c->moves_count++] = (struct mri_aud_move){account, unit, delta};
}

/* LED-12 */
int64_t mri_aud_fee(const struct mr_policy *p, enum mr_order_kind kind, enum mr_account_class class,
                    int64_t amount, uint32_t day)
{
    const struct mr_fee_rule *rule = NULL;
    for (uint32_t i = 0; i < p->fees_count; i++) {
        const struct mr_fee_rule *const f = &p->fees[i];
        if (f->kind == kind && f->class == class && f->start_day <= day &&
            (rule == NULL || f->start_day > rule->start_day))
            rule = f;
    }
    if (rule == NULL)
        return 0;
    const int64_t points = rule->basis_points;
    int64_t fee = amount / 10000 * points + (amount % 10000 * points + 5000) / 10000;
    if (fee < rule->fee_min)
        fee = rule->fee_min;
    if (fee > rule->fee_max)
        fee = rule->fee_max;
    return fee < amount ? fee : amount;
}

/* --- LED-20 PAY ------------------------------------------------------------------------------- */

/* Payment lines, in a row from the first; ret: their sum. */
static uint32_t payment_lines(const struct mr_pay *p, int64_t *ret_sum)
{
    uint32_t n = 0;
    int64_t sum = 0;
    while (n < p->lines_count && p->lines[n].what == MR_LINE_PAYMENT) {
        sum += p->lines[n].amount; /* at most 256 times 2^52 */
        n++;
    }
    *ret_sum = sum;
    return n;
}

static int cmp_id(const struct mr_pay *p, uint32_t i, uint32_t k)
{
    return memcmp(p->lines[i].payee, p->lines[k].payee, 16);
}

static void check_payees(struct mr_audit *a, struct mri_aud_case *c, uint32_t n)
{
    const struct mr_pay *const p = &c->order->body.u.pay;
    for (uint32_t i = 0; i < n && !c->wrong; i++) {
        const struct mri_aud_account *const x = mri_aud_account(a, p->lines[i].payee);
        if (x == NULL)
            return;
        char id[33];
        mr_hex_format(id, x->id, 16);
        if (x->unknown) {
            mri_aud_wrong_text(a, c, MR_PAYEE_UNKNOWN, "payee", "an open account", id);
            continue;
        }
        bool may = false;
        for (uint32_t k = 0; k < c->policy->classes_count; k++) {
            if (c->policy->classes[k].class == x->class)
                may = c->policy->classes[k].may_receive;
        }
        if (!may || !mri_aud_is_member(x->class))
            mri_aud_wrong_text(a, c, MR_PAYEE_CLASS, "class of a payee", "one that may be paid",
                               mr_account_class_text(x->class));
        if (x == c->account)
            mri_aud_wrong_text(a, c, MR_PAYEE_SELF, "payee", "another account", id);
        for (uint32_t k = 0; k < i && !c->wrong; k++) {
            if (cmp_id(p, i, k) == 0)
                mri_aud_wrong_text(a, c, MR_PAYEE_TWICE, "payee", "each account once", id);
        }
    }
}

static void check_fee_lines(struct mr_audit *a, struct mri_aud_case *c, uint32_t n, int64_t sum)
{
    const struct mr_pay *const p = &c->order->body.u.pay;
    const bool free = p->unit != 0 || c->account->class == MR_CLASS_TREASURY;
    const int64_t fee =
        free ? 0 : mri_aud_fee(c->policy, MR_KIND_PAY, c->account->class, sum, c->day);
    const uint32_t lines = fee > 0 ? 1 : 0;
    if (p->lines_count - n != lines) {
        mri_aud_wrong(a, c, MR_FEE_MISMATCH, "number of fee lines", lines, p->lines_count - n);
        return;
    }
    if (lines == 0)
        return;
    const struct mr_pay_line *const line = &p->lines[n];
    if (line->what != MR_LINE_FEE || line->amount != fee)
        mri_aud_wrong(a, c, MR_FEE_MISMATCH, "fee", fee, line->amount);
    else if (memcmp(line->payee, a->of[c->home].own->id, 16) != 0) {
        char e[33], f[33];
        mr_hex_format(e, a->of[c->home].own->id, 16);
        mr_hex_format(f, line->payee, 16);
        mri_aud_wrong_text(a, c, MR_FEE_MISMATCH, "account of the fee", e, f);
    }
}

/* `most`: what governance leaves; 0: it lowered nothing. */
static int64_t limit_of(int64_t own, int64_t most, int64_t of_class)
{
    const int64_t granted = own != 0 ? own : of_class;
    return most > 0 && most < granted ? most : granted;
}

static void check_limits(struct mr_audit *a, struct mri_aud_case *c, int64_t sum)
{
    const struct mri_aud_account *const x = c->account;
    static const struct mr_class_rule no_rule;
    static const struct mr_terms no_terms;
    const struct mr_class_rule *const r = c->rule != NULL ? c->rule : &no_rule;
    const struct mr_terms *const most = x->cold.is_lowered ? &x->cold.most : &no_terms;
    const uint32_t month = mr_month_of(c->day);
    const int64_t payment = limit_of(x->cold.limit_payment, most->limit_payment, r->limit_payment);
    const int64_t day = limit_of(x->cold.limit_day, most->limit_day, r->limit_day);
    const int64_t of_month = limit_of(x->cold.limit_month, most->limit_month, r->limit_month);
    const int64_t this_day = sum + (x->hot.day == c->day ? x->hot.day_spent : 0);
    const int64_t this_month = sum + (x->hot.month == month ? x->hot.month_spent : 0);
    if (sum > payment)
        mri_aud_wrong(a, c, MR_LIMIT_PAYMENT, "sum of the payment, at most", payment, sum);
    else if (this_day > day && !x->blurred)
        mri_aud_wrong(a, c, MR_LIMIT_DAY, "sum of the day, at most", day, this_day);
    else if (this_month > of_month && !x->blurred)
        mri_aud_wrong(a, c, MR_LIMIT_MONTH, "sum of the month, at most", of_month, this_month);
}

static void check_pay(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_pay *const p = &c->order->body.u.pay;
    const bool treasury = c->account->class == MR_CLASS_TREASURY;
    struct mri_aud_account *const payer = treasury ? a->of[c->home].own : c->account;
    int64_t sum, total = 0;
    if (p->unit >= a->charter.units_count) {
        mri_aud_wrong(a, c, MR_UNIT_UNKNOWN, "unit", a->charter.units_count - 1, p->unit);
        return;
    }
    for (uint32_t i = 0; i < p->lines_count; i++)
        total += p->lines[i].amount;
    if (total > MR_AMOUNT_MAX) {
        mri_aud_wrong(a, c, MR_AMOUNT_TOO_LARGE, "total, at most", MR_AMOUNT_MAX, total);
        return;
    }
    mri_aud_plan(c, payer, p->unit, -total);
    for (uint32_t i = 0; i < p->lines_count; i++)
        mri_aud_plan(c, mri_aud_account(a, p->lines[i].payee), p->unit, p->lines[i].amount);
    c->planned = true;

    const uint32_t n = payment_lines(p, &sum);
    if (a->charter.units[p->unit].role == MR_UNIT_RESERVE)
        mri_aud_wrong(a, c, MR_AMOUNT_UNIT, "unit that can be paid", 0, p->unit);
    if (!treasury && (c->rule == NULL || !c->rule->may_pay))
        mri_aud_wrong_text(a, c, MR_CLASS_FORBIDS, "class that may pay", "yes", "no");
    if (n == 0)
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "payment lines, at least", 1, 0);
    check_payees(a, c, n);
    check_fee_lines(a, c, n, sum);
    if (p->unit == 0 && !treasury)
        check_limits(a, c, sum);
    int64_t credit = p->unit == 0 && !treasury ? payer->cold.credit : 0;
    if (payer->cold.is_lowered && credit > payer->cold.most.credit)
        credit = payer->cold.most.credit;
    if (payer->hot.balance[p->unit] + credit < total)
        mri_aud_wrong(a, c, MR_FUNDS_SHORT, "funds, at least", total,
                      payer->hot.balance[p->unit] + credit);
}

/* --- LED-21 ISSUE ----------------------------------------------------------------------------- */

void mri_aud_check_ref(struct mr_audit *a, struct mri_aud_case *c, const uint8_t bank_ref[32])
{
    const struct mri_aud_bank *const b = mri_aud_bank(a, c->home, bank_ref);
    char ref[65], used[64];
    if (b == NULL)
        return;
    mr_hex_format(ref, bank_ref, 32);
    snprintf(used, sizeof used, "used before, at %llu of the treasury",
             (unsigned long long)b->slot.seq);
    mri_aud_wrong_text(a, c, MR_BANK_REF_USED, "bank reference", ref, used);
}

static void check_banks(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_issue *const is = &c->order->body.u.issue;
    char ref[65];
    for (uint32_t i = 0; i < is->banks_count && !c->wrong; i++) {
        mr_hex_format(ref, is->banks[i].ref, 32);
        for (uint32_t k = 0; k < i && !c->wrong; k++) {
            if (memcmp(is->banks[i].ref, is->banks[k].ref, 32) == 0)
                mri_aud_wrong_text(a, c, MR_BANK_REF_USED, "bank reference", "each once", ref);
        }
        mri_aud_check_ref(a, c, is->banks[i].ref);
        int64_t sum = 0;
        for (uint32_t k = 0; k < is->lines_count; k++)
            sum += is->lines[k].bank == i ? is->lines[k].amount : 0;
        if (sum != is->banks[i].amount)
            mri_aud_wrong(a, c, MR_BANK_SUM, "sum of the lines of a bank line", is->banks[i].amount,
                          sum);
    }
}

static void check_issue(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_issue *const is = &c->order->body.u.issue;
    int64_t total = 0;
    for (uint32_t i = 0; i < is->lines_count; i++)
        total += is->lines[i].amount;
    if (total > MR_AMOUNT_MAX) {
        mri_aud_wrong(a, c, MR_AMOUNT_TOO_LARGE, "total, at most", MR_AMOUNT_MAX, total);
        return;
    }
    struct mri_aud_account *const issuer = a->of[c->home].issuer;
    mri_aud_plan(c, issuer, 0, -total);
    for (uint32_t i = 0; i < is->lines_count; i++)
        mri_aud_plan(c, mri_aud_account(a, is->lines[i].member), 0, is->lines[i].amount);
    mri_aud_plan(c, a->world, 1, -total);
    mri_aud_plan(c, a->of[c->home].reserve, 1, total);
    c->planned = true;

    if (is->banks_count == 0 || is->lines_count == 0)
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "bank lines and lines, at least", 1, 0);
    for (uint32_t i = 0; i < is->lines_count && !c->wrong; i++) {
        const struct mri_aud_account *const x = mri_aud_account(a, is->lines[i].member);
        if (x == NULL)
            return;
        char id[33];
        mr_hex_format(id, x->id, 16);
        if (x->unknown)
            mri_aud_wrong_text(a, c, MR_PAYEE_UNKNOWN, "member", "an open account", id);
        else if (!mri_aud_is_member(x->class) || x->home != c->home)
            mri_aud_wrong_text(a, c, MR_NOT_YOURS, "member", "a member of this association", id);
        if (is->lines[i].bank >= is->banks_count)
            mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "index of a bank line, below", is->banks_count,
                          is->lines[i].bank);
    }
    check_banks(a, c);
    if (total + c->account->cold.issued > issuer->cold.credit && !c->account->blurred)
        mri_aud_wrong(a, c, MR_CAP_EXCEEDED, "issued and not paid or cleared, at most",
                      issuer->cold.credit, total + c->account->cold.issued);
}

/* --- LED-22 to LED-24 ------------------------------------------------------------------------- */

static void check_redeem(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_redeem *const r = &c->order->body.u.redeem;
    const int to = mri_aud_association(a, r->association);
    if (to < 0) {
        char id[33];
        mr_hex_format(id, r->association, 16);
        mri_aud_wrong_text(a, c, MR_NOT_FOUND, "association", "one of the charter", id);
        return;
    }
    mri_aud_plan(c, c->account, 0, -r->amount);
    mri_aud_plan(c, a->of[to].redeemed, 0, r->amount);
    c->planned = true;
    if (c->rule == NULL || !c->rule->may_redeem)
        mri_aud_wrong_text(a, c, MR_CLASS_FORBIDS, "class that may redeem", "yes", "no");
    if (c->rule != NULL && r->amount < c->rule->redeem_min)
        mri_aud_wrong(a, c, MR_MINIMUM, "amount, at least", c->rule->redeem_min, r->amount);
    const int64_t fee =
        mri_aud_fee(c->policy, MR_KIND_REDEEM, c->account->class, r->amount, c->day);
    if (r->fee != fee)
        mri_aud_wrong(a, c, MR_FEE_MISMATCH, "fee", fee, r->fee);
    if (c->account->hot.balance[0] < r->amount)
        mri_aud_wrong(a, c, MR_FUNDS_SHORT, "funds, at least", r->amount,
                      c->account->hot.balance[0]);
}

/* What PAYOUT and RETURN have in common; NULL: there is no such redemption. */
static const struct mri_aud_redemption *check_redemption(struct mr_audit *a, struct mri_aud_case *c,
                                                         const struct mr_redemption_ref *ref)
{
    const struct mri_aud_redemption *const r = mri_aud_redemption(a, ref->account, ref->seq);
    if (r == NULL) {
        char id[64];
        mr_hex_format(id, ref->account, 16);
        snprintf(id + 32, sizeof id - 32, "/%llu", (unsigned long long)ref->seq);
        mri_aud_wrong_text(a, c, MR_REDEMPTION_UNKNOWN, "redemption", "a settled one", id);
        return NULL;
    }
    if (mri_aud_association(a, r->row.association) != c->home)
        mri_aud_wrong_text(a, c, MR_NOT_YOURS, "association of the redemption", "this one",
                           "another");
    if (r->row.done != 0)
        mri_aud_wrong_text(a, c, MR_REDEMPTION_DONE, "redemption", "open",
                           r->row.done == 1 ? "paid before" : "returned before");
    if (memcmp(r->row.ref.order, ref->order, 32) != 0)
        mri_aud_wrong_text(a, c, MR_REDEMPTION_MISMATCH, "order of the redemption", "its id",
                           "another id");
    if (r->row.ref.amount != ref->amount)
        mri_aud_wrong(a, c, MR_REDEMPTION_MISMATCH, "amount of the redemption", r->row.ref.amount,
                      ref->amount);
    return r;
}

static void check_payout(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_payout *const p = &c->order->body.u.payout;
    const int64_t amount = p->redemption.amount, net = amount - p->fee;
    if (net >= 0) {
        mri_aud_plan(c, a->of[c->home].redeemed, 0, -amount);
        mri_aud_plan(c, a->of[c->home].issuer, 0, net);
        mri_aud_plan(c, a->of[c->home].own, 0, p->fee);
        mri_aud_plan(c, a->of[c->home].reserve, 1, -net);
        mri_aud_plan(c, a->world, 1, net);
        c->planned = true;
    }
    const struct mri_aud_redemption *const r = check_redemption(a, c, &p->redemption);
    if (r != NULL && r->row.fee != p->fee)
        mri_aud_wrong(a, c, MR_REDEMPTION_MISMATCH, "fee of the redemption", r->row.fee, p->fee);
    mri_aud_check_ref(a, c, p->bank_ref);
    if (a->of[c->home].reserve->hot.balance[1] < net)
        mri_aud_wrong(a, c, MR_COVERAGE, "reserve, at least", net,
                      a->of[c->home].reserve->hot.balance[1]);
}

static void check_return(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_redemption_ref *const ref = &c->order->body.u.return_.redemption;
    mri_aud_plan(c, a->of[c->home].redeemed, 0, -ref->amount);
    mri_aud_plan(c, mri_aud_account(a, ref->account), 0, ref->amount);
    c->planned = true;
    check_redemption(a, c, ref);
}

/* --- LED-28 SWEEP ----------------------------------------------------------------------------- */

static void check_sweep(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_sweep *const s = &c->order->body.u.sweep;
    struct mri_aud_account *const x = mri_aud_account(a, s->account);
    if (s->unit >= a->charter.units_count) {
        mri_aud_wrong(a, c, MR_UNIT_UNKNOWN, "unit", a->charter.units_count - 1, s->unit);
        return;
    }
    if (x == NULL)
        return;
    mri_aud_plan(c, x, s->unit, -s->amount);
    mri_aud_plan(c, a->of[c->home].own, s->unit, s->amount);
    c->planned = true;
    if (x->unknown || !mri_aud_is_member(x->class) || x->home != c->home)
        mri_aud_wrong_text(a, c, MR_NOT_YOURS, "account swept", "a member of this association",
                           "another account");
    if (!x->cold.closed)
        mri_aud_wrong_text(a, c, MR_NOT_CLOSED, "account swept", "closed", "open");
    if (x->hot.balance[s->unit] < s->amount)
        mri_aud_wrong(a, c, MR_FUNDS_SHORT, "funds, at least", s->amount, x->hot.balance[s->unit]);
}

void mri_aud_check_money(struct mr_audit *a, struct mri_aud_case *c)
{
    const enum mr_order_kind kind = c->order->body.kind;
    if (kind == MR_KIND_PAY)
        check_pay(a, c);
    else if (kind == MR_KIND_ISSUE)
        check_issue(a, c);
    else if (kind == MR_KIND_REDEEM)
        check_redeem(a, c);
    else if (kind == MR_KIND_PAYOUT)
        check_payout(a, c);
    else if (kind == MR_KIND_RETURN)
        check_return(a, c);
    else
        check_sweep(a, c);
}
