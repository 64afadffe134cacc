/* Load what an order touches and write down what it moves. */
#include <string.h>

#include "ledger/ledger.h"
#include "mereau/assert.h"
#include "mereau/order.h"

static struct mri_row *row_of(struct mri_plan *plan, uint64_t number)
{
    for (uint32_t i = 0; i < plan->rows_count; i++)
        if (plan->rows[i].number == number)
            return &plan->rows[i];
    return NULL;
}

static enum mr_status load_row(const struct mri_ledger *l, struct mri_plan *plan,
                               struct mri_row **ret, uint64_t number)
{
    *ret = row_of(plan, number);
    if (*ret != NULL)
        return MR_OK;
    mr_assert(plan->rows_count < MRI_ROWS_MAX);
    struct mri_row *row = &plan->rows[plan->rows_count];
    enum mr_status st = mri_account_get(l, &row->account, number);
    if (st == MR_OK)
        st = mri_hot_get(l, &row->hot, number);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    row->number = number;
    row->credited = false;
    plan->rows_count++;
    *ret = row;
    return MR_OK;
}

struct mri_row *mri_plan_row(const struct mri_ledger *l, struct mri_plan *plan,
                             enum mr_status *ret_st, const uint8_t account[16])
{
    uint64_t number;
    struct mri_row *row = NULL;
    *ret_st = mri_account_number(l, &number, account);
    if (*ret_st == MR_OK)
        *ret_st = load_row(l, plan, &row, number);
    return *ret_st == MR_OK ? row : NULL;
}

static void note(struct mri_plan *plan, const uint8_t account[16], uint32_t unit, int64_t delta)
{
    mr_assert(plan->postings_count < MR_POSTINGS_MAX);
    struct mr_posting *p = &plan->postings[plan->postings_count++];
    memcpy(p->account, account, 16);
    p->unit = unit;
    p->delta = delta;
}

/* Move an amount to (or, negative, from) a known account. */
static enum mr_status post(const struct mri_ledger *l, struct mri_plan *plan, uint64_t number,
                           uint32_t unit, int64_t delta)
{
    struct mri_row *row;
    const enum mr_status st = load_row(l, plan, &row, number);
    if (st == MR_OK && delta != 0)
        note(plan, row->account.id, unit, delta);
    return st;
}

/* Credit somebody by id; one that does not exist is left out, and check refuses. */
static enum mr_status credit(const struct mri_ledger *l, struct mri_plan *plan,
                             const uint8_t account[16], uint32_t unit, int64_t amount)
{
    enum mr_status st;
    struct mri_row *row = mri_plan_row(l, plan, &st, account);
    if (st == MR_NOT_FOUND) {
        plan->unknown++;
        return MR_OK;
    }
    if (st != MR_OK)
        return st;
    row->credited = true;
    note(plan, account, unit, amount);
    return MR_OK;
}

static int64_t add_up(int64_t sum, int64_t amount)
{
    return sum > MR_AMOUNT_MAX ? sum : sum + amount; /* check refuses what passes the bound */
}

static enum mr_status prepare_pay(const struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_pay *pay = &plan->order->body.u.pay;
    const bool treasury = plan->rows[0].account.class == MR_CLASS_TREASURY;
    int64_t total = 0;
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; i < pay->lines_count; i++)
        total = add_up(total, pay->lines[i].amount);
    if (total > MR_AMOUNT_MAX || pay->unit >= l->charter->units_count)
        return MR_OK;
    st = post(l, plan, treasury ? l->associations[plan->association].own : plan->rows[0].number,
              pay->unit, -total);
    for (uint32_t i = 0; i < pay->lines_count && st == MR_OK; i++)
        st = credit(l, plan, pay->lines[i].payee, pay->unit, pay->lines[i].amount);
    return st;
}

static enum mr_status prepare_issue(const struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_issue *issue = &plan->order->body.u.issue;
    const struct mri_association *a = &l->associations[plan->association];
    int64_t total = 0;
    for (uint32_t i = 0; i < issue->lines_count; i++)
        total = add_up(total, issue->lines[i].amount);
    if (total > MR_AMOUNT_MAX)
        return MR_OK;
    enum mr_status st = post(l, plan, a->issuer, 0, -total);
    for (uint32_t i = 0; i < issue->lines_count && st == MR_OK; i++)
        st = credit(l, plan, issue->lines[i].member, 0, issue->lines[i].amount);
    if (st == MR_OK)
        st = post(l, plan, l->world, 1, -total);
    return st == MR_OK ? post(l, plan, a->reserve, 1, total) : st;
}

static enum mr_status prepare_redeem(const struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_redeem *r = &plan->order->body.u.redeem;
    const uint32_t by = mri_association_index(l, r->association);
    if (by == MR_ASSOCIATIONS_MAX)
        return MR_OK;
    enum mr_status st = post(l, plan, plan->rows[0].number, 0, -r->amount);
    if (st == MR_OK)
        st = post(l, plan, l->associations[by].redeemed, 0, r->amount);
    struct mr_state_redemption *made = &plan->redeem;
    *made = (struct mr_state_redemption){.fee = r->fee, .time_ms = plan->order->time_ms};
    memcpy(made->ref.account, plan->order->account, 16);
    made->ref.seq = plan->order->seq;
    memcpy(made->ref.order, plan->order_id, 32);
    made->ref.amount = r->amount;
    memcpy(made->association, r->association, 16);
    return st;
}

/* The redemption a PAYOUT or RETURN names; plan->redemption stays 0 when there is none. */
static enum mr_status find_redemption(const struct mri_ledger *l, struct mri_plan *plan,
                                      const struct mr_redemption_ref *ref)
{
    uint8_t key[24], bytes[8];
    size_t len;
    memcpy(key, ref->account, 16);
    mri_key_u64(key + 16, ref->seq);
    enum mr_status st =
        mri_view_get(l->view, MR_TABLE_REDEMPTION_NO, key, sizeof key, bytes, sizeof bytes, &len);
    if (st == MR_NOT_FOUND)
        return MR_OK;
    if (st == MR_OK)
        st = mri_redemption_get(l, &plan->redeem, mri_key_read(bytes));
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    plan->redemption = mri_key_read(bytes);
    return MR_OK;
}

static enum mr_status prepare_payout(const struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_payout *p = &plan->order->body.u.payout;
    const struct mri_association *a = &l->associations[plan->association];
    enum mr_status st = find_redemption(l, plan, &p->redemption);
    if (st != MR_OK || plan->redemption == 0 || p->fee > p->redemption.amount)
        return st;
    const int64_t euros = p->redemption.amount - p->fee;
    const struct {
        uint64_t account;
        uint32_t unit;
        int64_t delta;
    } legs[] = {{a->redeemed, 0, -p->redemption.amount},
                {a->issuer, 0, euros},
                {a->own, 0, p->fee},
                {a->reserve, 1, -euros},
                {l->world, 1, euros}};
    for (size_t i = 0; i < sizeof legs / sizeof legs[0] && st == MR_OK; i++)
        st = post(l, plan, legs[i].account, legs[i].unit, legs[i].delta);
    return st;
}

static enum mr_status prepare_return(const struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_redemption_ref *ref = &plan->order->body.u.return_.redemption;
    enum mr_status st = find_redemption(l, plan, ref);
    if (st != MR_OK || plan->redemption == 0)
        return st;
    st = post(l, plan, l->associations[plan->association].redeemed, 0, -ref->amount);
    return st == MR_OK ? credit(l, plan, ref->account, 0, ref->amount) : st;
}

static enum mr_status prepare_sweep(const struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_sweep *s = &plan->order->body.u.sweep;
    enum mr_status st;
    const struct mri_row *row = mri_plan_row(l, plan, &st, s->account);
    plan->unknown += st == MR_NOT_FOUND;
    if (row == NULL || s->unit >= l->charter->units_count)
        return st == MR_NOT_FOUND ? MR_OK : st;
    st = post(l, plan, row->number, s->unit, -s->amount);
    return st == MR_OK ? post(l, plan, l->associations[plan->association].own, s->unit, s->amount)
                       : st;
}

/* The treasury that countersigns has a row too: its keys are looked at. */
static enum mr_status prepare_clear(const struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_clearing *k = &plan->order->body.u.clear.clearing;
    const uint32_t to = mri_association_index(l, k->to);
    if (to == MR_ASSOCIATIONS_MAX || to == plan->association)
        return MR_OK;
    const struct mri_association *a = &l->associations[plan->association];
    const struct mri_association *b = &l->associations[to];
    const struct {
        uint64_t account;
        uint32_t unit;
        int64_t delta;
    } legs[] = {{a->issuer, 0, k->amount},
                {b->issuer, 0, -k->amount},
                {a->reserve, 1, -k->amount},
                {b->reserve, 1, k->amount},
                {b->treasury, 0, 0}};
    enum mr_status st = MR_OK;
    for (size_t i = 0; i < sizeof legs / sizeof legs[0] && st == MR_OK; i++)
        st = post(l, plan, legs[i].account, legs[i].unit, legs[i].delta);
    return st;
}

/* A row for the account an order is about, if there is one. */
static enum mr_status touch(const struct mri_ledger *l, struct mri_plan *plan,
                            const uint8_t account[16])
{
    enum mr_status st;
    mri_plan_row(l, plan, &st, account);
    plan->unknown += st == MR_NOT_FOUND;
    return st == MR_NOT_FOUND ? MR_OK : st;
}

/* The record of the alias, and the listing that the account has under another one: LED-26. */
static enum mr_status prepare_list(const struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_list *w = &plan->order->body.u.list;
    uint64_t old = 0;
    enum mr_status st = touch(l, plan, w->account);
    if (st == MR_OK)
        st = mri_alias_get(l, &plan->listing, plan->rows[0].account.association, w->alias,
                           w->alias_len);
    if (st == MR_OK || st == MR_NOT_FOUND)
        st = mri_listing_of(l, &old, w->account);
    if (st != MR_OK || old == plan->listing)
        return st == MR_NOT_FOUND ? MR_OK : st;
    st = mri_listing_get(l, &plan->up, old);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    if (plan->up.listing.listed &&
        memcmp(plan->up.listing.account, w->account, MR_ACCOUNT_BYTES) == 0)
        plan->given_up = old;
    return MR_OK;
}

static enum mr_status touch_issuer(const struct mri_ledger *l, struct mri_plan *plan,
                                   const uint8_t association[16])
{
    const uint32_t i = mri_association_index(l, association);
    return i < MR_ASSOCIATIONS_MAX ? post(l, plan, l->associations[i].issuer, 0, 0) : MR_OK;
}

static enum mr_status prepare_kind(const struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_order_body *b = &plan->order->body;
    switch (b->kind) {
    case MR_KIND_PAY:
        return prepare_pay(l, plan);
    case MR_KIND_ISSUE:
        return prepare_issue(l, plan);
    case MR_KIND_REDEEM:
        return prepare_redeem(l, plan);
    case MR_KIND_PAYOUT:
        return prepare_payout(l, plan);
    case MR_KIND_RETURN:
        return prepare_return(l, plan);
    case MR_KIND_SWEEP:
        return prepare_sweep(l, plan);
    case MR_KIND_CLEAR:
        return prepare_clear(l, plan);
    case MR_KIND_OPEN:
        return touch(l, plan, b->u.open.account);
    case MR_KIND_FLAG:
        return touch(l, plan, b->u.flag.account);
    case MR_KIND_LIST:
        return prepare_list(l, plan);
    case MR_KIND_GRANT:
        return touch(l, plan, b->u.grant.account);
    case MR_KIND_RECOVER:
        return touch(l, plan, b->u.recover.account);
    case MR_KIND_TAKEOVER:
        return post(l, plan, l->associations[plan->association].treasury, 0, 0);
    case MR_KIND_LOWER:
        return touch(l, plan, b->u.lower.account);
    case MR_KIND_CAP:
        return touch_issuer(l, plan, b->u.cap.association);
    case MR_KIND_SETKEYS:
    case MR_KIND_STOP:
    case MR_KIND_CLOSE:
    case MR_KIND_POLICY:
    case MR_KIND_CHECKPOINT:
    case MR_KIND_NEXT:
    case MR_KIND_CUT:
        return MR_OK;
    }
    mr_bug("order kind");
}

/* The kind stands on this class of chain: the table of LED. */
static bool stands_on(enum mr_order_kind kind, enum mr_account_class class)
{
    switch (kind) {
    case MR_KIND_OPEN:
    case MR_KIND_FLAG:
    case MR_KIND_LIST:
        return class == MR_CLASS_DESK;
    case MR_KIND_PAY:
        return mr_is_member_class(class) || class == MR_CLASS_TREASURY;
    case MR_KIND_REDEEM:
    case MR_KIND_CLOSE:
    case MR_KIND_STOP:
    case MR_KIND_TAKEOVER:
        return mr_is_member_class(class);
    case MR_KIND_ISSUE:
    case MR_KIND_PAYOUT:
    case MR_KIND_RETURN:
    case MR_KIND_GRANT:
    case MR_KIND_SWEEP:
    case MR_KIND_CLEAR:
    case MR_KIND_RECOVER:
        return class == MR_CLASS_TREASURY;
    case MR_KIND_SETKEYS:
        return class != MR_CLASS_CHECKPOINTS;
    case MR_KIND_POLICY:
    case MR_KIND_CAP:
    case MR_KIND_LOWER:
    case MR_KIND_NEXT:
        return class == MR_CLASS_SYSTEM;
    case MR_KIND_CHECKPOINT:
    case MR_KIND_CUT:
        return class == MR_CLASS_CHECKPOINTS;
    }
    mr_bug("order kind");
}

enum mr_status mri_ledger_prepare(const struct mri_ledger *l, struct mri_plan *plan,
                                  const struct mr_order *order, const uint8_t id[32])
{
    enum mr_status st;
    plan->order = order;
    memcpy(plan->order_id, id, 32);
    plan->postings_count = 0;
    plan->rows_count = 0;
    plan->unknown = 0;
    plan->redemption = 0;
    plan->listing = 0;
    plan->given_up = 0;
    plan->missing = 0;
    const struct mri_row *chain = mri_plan_row(l, plan, &st, order->account);
    if (st == MR_NOT_FOUND || (st == MR_OK && chain->hot.chain.next_seq == 0))
        return MR_ACCOUNT_UNKNOWN;
    if (st != MR_OK)
        return st;
    plan->association = mri_association_index(l, chain->account.association);
    if (!stands_on(order->body.kind, chain->account.class))
        return MR_WRONG_CHAIN;
    return prepare_kind(l, plan);
}
