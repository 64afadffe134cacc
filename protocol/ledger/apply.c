/* Carry out a prepared order. Nothing here can fail: all rows are loaded, all room is reserved. */
#include <string.h>

#include "ledger/ledger.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/order.h"
#include "mereau/time.h"

enum { RECORD_MAX = 2048, POLICY_BYTES_MAX = 4096 };

static struct mri_row *row_of(struct mri_plan *plan, const uint8_t account[16])
{
    for (uint32_t i = 0; i < plan->rows_count; i++)
        if (memcmp(plan->rows[i].account.id, account, 16) == 0)
            return &plan->rows[i];
    return NULL;
}

static void put_account(struct mri_ledger *l, uint64_t number, const struct mr_state_account *a)
{
    uint8_t bytes[RECORD_MAX], key[8];
    mri_view_put(l->view, MR_TABLE_ACCOUNT, key, mri_key_u64(key, number), bytes,
                 mr_state_account_encode(a, bytes, sizeof bytes));
}

static void put_hot(struct mri_ledger *l, uint64_t number, const struct mr_state_hot *h)
{
    uint8_t bytes[RECORD_MAX], key[8];
    mri_view_put(l->view, MR_TABLE_HOT, key, mri_key_u64(key, number), bytes,
                 mr_state_hot_encode(h, bytes, sizeof bytes));
}

static void put_number(struct mri_ledger *l, enum mr_table table, const uint8_t *key, size_t len,
                       uint64_t number)
{
    uint8_t bytes[8];
    mri_view_put(l->view, table, key, len, bytes, mri_key_u64(bytes, number));
}

static void put_slot(struct mri_ledger *l, uint64_t number, const struct mr_entry_settled *s)
{
    struct mr_state_slot slot = {.voided = s->voided,
                                 .ballot = s->ballot,
                                 .epoch = l->meta.epoch,
                                 .acks_count = s->acks_count,
                                 .time_ms = s->time_ms,
                                 .body_at = s->body_at,
                                 .body_len = s->body_len,
                                 .memo_at = s->memo_at,
                                 .memo_len = s->memo_len};
    uint8_t bytes[RECORD_MAX], key[16];
    memcpy(slot.value, s->value, 32);
    memcpy(slot.acks, s->acks, s->acks_count * sizeof s->acks[0]);
    mri_view_put(l->view, MR_TABLE_SLOT, key, mri_key_pair(key, number, s->seq), bytes,
                 mr_state_slot_encode(&slot, bytes, sizeof bytes));
    l->meta.settled++;
}

static void use_bank(struct mri_ledger *l, const struct mri_plan *plan, const uint8_t ref[32])
{
    struct mr_state_slot_ref by = {.seq = plan->order->seq};
    uint8_t bytes[64], key[48];
    memcpy(by.account, plan->order->account, 16);
    memcpy(key, plan->rows[0].account.association, 16);
    memcpy(key + 16, ref, 32);
    mri_view_put(l->view, MR_TABLE_BANK, key, sizeof key, bytes,
                 mr_state_slot_ref_encode(&by, bytes, sizeof bytes));
}

static void put_redemption(struct mri_ledger *l, struct mri_plan *plan, uint32_t done)
{
    uint8_t bytes[RECORD_MAX], key[24];
    if (plan->redemption == 0) {
        plan->redemption = ++l->meta.redemptions;
        memcpy(key, plan->redeem.ref.account, 16);
        mri_key_u64(key + 16, plan->redeem.ref.seq);
        put_number(l, MR_TABLE_REDEMPTION_NO, key, sizeof key, plan->redemption);
    }
    plan->redeem.done = done;
    mri_view_put(l->view, MR_TABLE_REDEMPTION, key, mri_key_u64(key, plan->redemption), bytes,
                 mr_state_redemption_encode(&plan->redeem, bytes, sizeof bytes));
}

static void apply_open(struct mri_ledger *l, const struct mri_plan *plan)
{
    const struct mr_open *o = &plan->order->body.u.open;
    struct mr_state_account a = {
        .class = o->class, .keys = o->keys, .generation = 1, .opened_ms = plan->order->time_ms};
    struct mr_state_hot h = {.chain = {.next_seq = 1, .balances_count = l->charter->units_count}};
    memcpy(a.id, o->account, 16);
    memcpy(a.association, plan->rows[0].account.association, 16);
    memcpy(a.enc_key, o->enc_key, MR_KEY_BYTES);
    memcpy(a.reader_key, o->reader_key, MR_KEY_BYTES);
    l->meta.accounts++;
    put_number(l, MR_TABLE_ACCOUNT_NO, a.id, 16, l->meta.accounts);
    put_account(l, l->meta.accounts, &a);
    put_hot(l, l->meta.accounts, &h);
}

/* LED-26: take the account's listing off, or give it another alias. */
static void put_listing(struct mri_ledger *l, uint64_t number, const struct mr_state_alias *a)
{
    uint8_t bytes[RECORD_MAX], key[8];
    mri_view_put(l->view, MR_TABLE_LISTING, key, mri_key_u64(key, number), bytes,
                 mr_state_alias_encode(a, bytes, sizeof bytes));
}

static size_t alias_key(uint8_t key[16 + MR_ALIAS_MAX], const struct mri_plan *plan)
{
    const struct mr_list *w = &plan->order->body.u.list;
    memcpy(key, plan->rows[0].account.association, 16);
    memcpy(key + 16, w->alias, w->alias_len);
    return 16 + w->alias_len;
}

static void apply_list(struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_list *w = &plan->order->body.u.list;
    const uint32_t day = mr_day_of(plan->order->time_ms);
    const uint64_t number = plan->listing != 0 ? plan->listing : ++l->meta.listings;
    uint8_t key[16 + MR_ALIAS_MAX];
    struct mr_state_alias a;
    if (plan->given_up != 0) {
        plan->up.listing.listed = false;
        plan->up.until_day = day + MR_ALIAS_REST_DAYS;
        put_listing(l, plan->given_up, &plan->up);
    }
    a = (struct mr_state_alias){.listing = *w, .slot = {.seq = plan->order->seq}};
    memcpy(a.association, plan->rows[0].account.association, 16);
    memcpy(a.slot.account, plan->order->account, 16);
    a.until_day = w->listed ? 0 : day + MR_ALIAS_REST_DAYS;
    put_listing(l, number, &a);
    put_number(l, MR_TABLE_ALIAS, key, alias_key(key, plan), number);
    put_number(l, MR_TABLE_LISTING_OF, w->account, 16, number);
}

static void apply_policy(struct mri_ledger *l, const struct mr_policy *p)
{
    uint8_t bytes[POLICY_BYTES_MAX], key[8];
    mr_assert(l->policies_count < MRI_POLICIES_MAX);
    l->policies[l->policies_count++] = *p;
    mri_view_put(l->view, MR_TABLE_POLICY, key, mri_key_u64(key, p->version), bytes,
                 mr_policy_encode(p, bytes, sizeof bytes));
}

static void apply_checkpoint(struct mri_ledger *l, const struct mr_checkpoint *c)
{
    uint8_t bytes[RECORD_MAX], key[8];
    l->meta.checkpoints = c->number;
    mri_view_put(l->view, MR_TABLE_CHECKPOINT, key, mri_key_u64(key, c->number), bytes,
                 mr_checkpoint_encode(c, bytes, sizeof bytes));
}

/* GRANT and LOWER stand on two chains: each has fields of its own, so that the order in which they
 * settle makes no difference. */
static void apply_grant(struct mri_ledger *l, struct mri_plan *plan, const struct mr_grant *g)
{
    struct mri_row *row = row_of(plan, g->account);
    mr_assert(row != NULL);
    row->account.credit = g->credit;
    row->account.limit_payment = g->limit_payment;
    row->account.limit_day = g->limit_day;
    row->account.limit_month = g->limit_month;
    put_account(l, row->number, &row->account);
}

static void apply_lower(struct mri_ledger *l, struct mri_plan *plan, const struct mr_grant *g)
{
    struct mri_row *row = row_of(plan, g->account);
    mr_assert(row != NULL);
    row->account.lowered_count = 1;
    row->account.lowered[0] = (struct mr_terms){.credit = g->credit,
                                                .limit_payment = g->limit_payment,
                                                .limit_day = g->limit_day,
                                                .limit_month = g->limit_month};
    put_account(l, row->number, &row->account);
}

/* LED-31: what a treasury's keys countersigned before stays countersigned for a while. */
static void keep_past_keys(struct mr_state_account *a, uint64_t time_ms)
{
    if (a->past_count < MR_PAST_KEYS_MAX)
        a->past_count++;
    memmove(a->past + 1, a->past, (a->past_count - 1) * sizeof a->past[0]);
    mr_keyset_hash(a->past[0].hash, &a->keys);
    a->past[0].until_ms = time_ms + MR_PAST_KEYS_MS;
}

/* LED-33. What the account's own chain passed already has no effect, so that the two chains may
 * settle in any order here. When there is no room, the owner's STOP of the first is on its way. */
static void apply_recover(struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_recover *r = &plan->order->body.u.recover;
    struct mri_row *row = row_of(plan, r->account);
    mr_assert(row != NULL);
    struct mr_state_account *a = &row->account;
    if (r->keys.generation != a->generation + 1 || plan->order->seq <= a->stopped)
        return;
    if (a->recoveries_count == MR_RECOVERIES_MAX)
        memmove(a->recoveries, a->recoveries + 1, --a->recoveries_count * sizeof a->recoveries[0]);
    struct mr_recovery *made = &a->recoveries[a->recoveries_count++];
    made->seq = plan->order->seq;
    made->ready_ms = plan->order->not_after_ms + MR_RECOVERY_MS;
    mr_recovery_hash(made->hash, &r->keys);
    put_account(l, row->number, a);
}

static void apply_stop(struct mri_ledger *l, struct mri_plan *plan)
{
    struct mr_state_account *a = &plan->rows[0].account;
    uint32_t gone = 0;
    a->stopped = plan->order->body.u.stop.upto;
    while (gone < a->recoveries_count && a->recoveries[gone].seq <= a->stopped)
        gone++;
    a->recoveries_count -= gone;
    memmove(a->recoveries, a->recoveries + gone, a->recoveries_count * sizeof a->recoveries[0]);
    put_account(l, plan->rows[0].number, a);
}

static void apply_setkeys(struct mri_ledger *l, struct mri_plan *plan, const struct mr_setkeys *s)
{
    struct mr_state_account *a = &plan->rows[0].account;
    if (a->class == MR_CLASS_TREASURY)
        keep_past_keys(a, plan->order->time_ms);
    a->keys = s->keys;
    a->generation = s->generation;
    a->recoveries_count = 0; /* they name the generation before */
    memcpy(a->enc_key, s->enc_key, MR_KEY_BYTES);
    memcpy(a->reader_key, s->reader_key, MR_KEY_BYTES);
    put_account(l, plan->rows[0].number, a);
}

/* LED-21: what the treasury's own orders have left outstanding. What it pays or clears beyond that
 * came to it by CLEAR, and gives it no room to issue. */
static void count_issued(struct mri_ledger *l, struct mri_plan *plan, int64_t amount)
{
    struct mr_state_account *a = &plan->rows[0].account;
    a->issued = a->issued + amount > 0 ? a->issued + amount : 0;
    put_account(l, plan->rows[0].number, a);
}

static void apply_issue(struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_issue *issue = &plan->order->body.u.issue;
    int64_t total = 0;
    for (uint32_t i = 0; i < issue->banks_count; i++) {
        use_bank(l, plan, issue->banks[i].ref);
        total += issue->banks[i].amount;
    }
    count_issued(l, plan, total);
}

static void apply_payout(struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_payout *p = &plan->order->body.u.payout;
    use_bank(l, plan, p->bank_ref);
    put_redemption(l, plan, 1);
    count_issued(l, plan, p->fee - p->redemption.amount);
}

static void apply_clear(struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_clearing *k = &plan->order->body.u.clear.clearing;
    use_bank(l, plan, k->bank_ref);
    plan->rows[0].account.cleared += k->amount;
    count_issued(l, plan, -k->amount);
}

/* The two windows of LED-20. */
static void count_spending(struct mri_plan *plan)
{
    const struct mr_pay *pay = &plan->order->body.u.pay;
    struct mr_state_chain *s = &plan->rows[0].hot.chain;
    const uint32_t day = mr_day_of(plan->order->time_ms), month = mr_month_of(day);
    int64_t sum = 0;
    if (pay->unit != 0 || plan->rows[0].account.class == MR_CLASS_TREASURY)
        return;
    for (uint32_t i = 0; i < pay->lines_count; i++)
        if (pay->lines[i].what == MR_LINE_PAYMENT)
            sum += pay->lines[i].amount;
    if (s->day != day)
        s->day_spent = 0;
    if (s->month != month)
        s->month_spent = 0;
    s->day = day;
    s->month = month;
    s->day_spent += sum;
    s->month_spent += sum;
}

static void apply_next(struct mri_ledger *l, const struct mri_plan *plan)
{
    uint8_t bytes[MR_STORE_VALUE_MAX];
    l->next = plan->order->body.u.next;
    l->meta.next = plan->order->seq;
    mri_view_put(l->view, MR_TABLE_META, (const uint8_t *)"n", 1, bytes,
                 mr_next_epoch_encode(&l->next, bytes, sizeof bytes));
}

static void apply_kind(struct mri_ledger *l, struct mri_plan *plan)
{
    const struct mr_order_body *b = &plan->order->body;
    struct mri_row *row;
    switch (b->kind) {
    case MR_KIND_PAY:
        count_spending(plan);
        return;
    case MR_KIND_OPEN:
        apply_open(l, plan);
        return;
    case MR_KIND_ISSUE:
        apply_issue(l, plan);
        return;
    case MR_KIND_REDEEM:
        put_redemption(l, plan, 0);
        return;
    case MR_KIND_PAYOUT:
        apply_payout(l, plan);
        return;
    case MR_KIND_CLEAR:
        apply_clear(l, plan);
        return;
    case MR_KIND_RETURN:
        put_redemption(l, plan, 2);
        return;
    case MR_KIND_SETKEYS:
        apply_setkeys(l, plan, &b->u.setkeys);
        return;
    case MR_KIND_RECOVER:
        apply_recover(l, plan);
        return;
    case MR_KIND_STOP:
        apply_stop(l, plan);
        return;
    case MR_KIND_TAKEOVER:
        apply_setkeys(l, plan, &b->u.takeover.keys);
        return;
    case MR_KIND_FLAG:
        row = row_of(plan, b->u.flag.account);
        mr_assert(row != NULL);
        row->account.frozen = b->u.flag.frozen;
        put_account(l, row->number, &row->account);
        return;
    case MR_KIND_LIST:
        apply_list(l, plan);
        return;
    case MR_KIND_CLOSE:
        plan->rows[0].account.closed = true;
        put_account(l, plan->rows[0].number, &plan->rows[0].account);
        return;
    case MR_KIND_GRANT:
        apply_grant(l, plan, &b->u.grant);
        return;
    case MR_KIND_LOWER:
        apply_lower(l, plan, &b->u.lower);
        return;
    case MR_KIND_CAP:
        row = &plan->rows[plan->rows_count - 1];
        mr_assert(row->account.class == MR_CLASS_ISSUER);
        row->account.credit = b->u.cap.cap;
        put_account(l, row->number, &row->account);
        return;
    case MR_KIND_POLICY:
        apply_policy(l, &b->u.policy);
        return;
    case MR_KIND_CHECKPOINT:
        apply_checkpoint(l, &b->u.checkpoint);
        return;
    case MR_KIND_NEXT:
        apply_next(l, plan);
        return;
    case MR_KIND_CUT:
        l->meta.cut = plan->order->seq;
        mri_ledger_apply_cut(l, &plan->rows[0].account);
        put_account(l, plan->rows[0].number, &plan->rows[0].account);
        return;
    case MR_KIND_SWEEP:
        return;
    }
    mr_bug("order kind");
}

/* One more credit in the list of a payee. */
static void add_credit(struct mri_ledger *l, const struct mri_plan *plan, struct mri_row *row)
{
    const struct mr_state_credit c = {.number = plan->rows[0].number, .seq = plan->order->seq};
    uint8_t bytes[32], key[16];
    row->hot.credits++;
    mri_view_put(l->view, MR_TABLE_CREDIT, key, mri_key_pair(key, row->number, row->hot.credits),
                 bytes, mr_state_credit_encode(&c, bytes, sizeof bytes));
}

void mri_ledger_apply(struct mri_ledger *l, struct mri_plan *plan,
                      const struct mr_entry_settled *settled)
{
    struct mr_state_chain *chain = &plan->rows[0].hot.chain;
    for (uint32_t i = 0; i < plan->postings_count; i++) {
        const struct mr_posting *p = &plan->postings[i];
        row_of(plan, p->account)->hot.chain.balances[p->unit].minor += p->delta;
    }
    apply_kind(l, plan);
    chain->next_seq++;
    memcpy(chain->head, settled->value, 32);
    chain->time_ms = plan->order->time_ms;
    for (uint32_t i = 0; i < plan->rows_count; i++) {
        if (plan->rows[i].credited)
            add_credit(l, plan, &plan->rows[i]);
        put_hot(l, plan->rows[i].number, &plan->rows[i].hot);
    }
    put_slot(l, plan->rows[0].number, settled);
}

enum mr_status mri_ledger_void(struct mri_ledger *l, const struct mr_entry_settled *settled)
{
    uint64_t number;
    struct mr_state_hot hot;
    const enum mr_status st = mri_hot_of(l, &hot, &number, settled->account);
    if (st != MR_OK)
        return st;
    hot.chain.next_seq++;
    memcpy(hot.chain.head, settled->value, 32);
    put_hot(l, number, &hot);
    put_slot(l, number, settled);
    return MR_OK;
}
