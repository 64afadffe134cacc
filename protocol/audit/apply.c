/* What a settled order changes besides balances and its place in the chain. */
#include <string.h>

#include "audit/state.h"

static void redemption_key(uint8_t ret[24], const uint8_t account[16], uint64_t seq)
{
    memcpy(ret, account, 16);
    for (unsigned i = 0; i < 8; i++)
        ret[16 + i] = (uint8_t)(seq >> (56 - 8 * i));
}

struct mri_aud_redemption *mri_aud_redemption(struct mr_audit *a, const uint8_t account[16],
                                              uint64_t seq)
{
    uint8_t key[24];
    redemption_key(key, account, seq);
    return mri_aud_map_get(&a->redemptions, key);
}

struct mri_aud_bank *mri_aud_bank(struct mr_audit *a, int home, const uint8_t ref[32])
{
    uint8_t key[48];
    memcpy(key, a->charter.associations[home].id, 16);
    memcpy(key + 16, ref, 32);
    return mri_aud_map_get(&a->banks, key);
}

static void listing_key(uint8_t ret[48], const uint8_t association[16], const struct mr_list *list)
{
    memset(ret, 0, 48);
    memcpy(ret, association, 16);
    memcpy(ret + 16, list->alias, list->alias_len);
}

struct mri_aud_listing *mri_aud_listing(struct mr_audit *a, const uint8_t association[16],
                                        const struct mr_list *list)
{
    uint8_t key[48];
    listing_key(key, association, list);
    return mri_aud_map_get(&a->listings, key);
}

/* The map owns what it holds. */
static void put(struct mr_audit *a, struct mri_aud_map *m, void *entry)
{
    if (mri_aud_map_put(m, &a->mem, entry) == MR_OK)
        return;
    a->no_memory = true;
    mri_aud_put(a, entry);
}

static void use_bank(struct mr_audit *a, const struct mri_aud_case *c, const uint8_t ref[32])
{
    if (mri_aud_bank(a, c->home, ref) != NULL)
        return;
    struct mri_aud_bank *const b = mri_aud_get(a, sizeof *b);
    if (b == NULL)
        return;
    memcpy(b->key, a->charter.associations[c->home].id, 16);
    memcpy(b->key + 16, ref, 32);
    memcpy(b->slot.account, c->account->id, 16);
    b->slot.seq = c->seq;
    b->turn = a->turn;
    put(a, &a->banks, b);
}

static void apply_open(struct mr_audit *a, const struct mri_aud_case *c)
{
    const struct mr_open *const o = &c->order->body.u.open;
    struct mri_aud_account *const x = mri_aud_account(a, o->account);
    if (x == NULL || !x->unknown)
        return;
    x->unknown = x->partial = false;
    x->class = o->class;
    x->home = c->home;
    mri_aud_set_keys(a, x, &o->keys);
    x->cold.generation = 1;
    memcpy(x->cold.enc_key, o->enc_key, MR_KEY_BYTES);
    memcpy(x->cold.reader_key, o->reader_key, MR_KEY_BYTES);
    x->opened_turn = a->turn;
    x->opened_ms = c->order->time_ms;
    x->hot.next_seq = 1;
    a->account_count++;
    a->member_count++;
}

void mri_aud_apply_setkeys(struct mr_audit *a, const struct mri_aud_case *c,
                           const struct mr_setkeys *s)
{
    mri_aud_touch_cold(a, c->account);
    if (c->account->class == MR_CLASS_TREASURY)
        mri_aud_keep_past_keys(a, c->account, c->order->time_ms);
    mri_aud_set_keys(a, c->account, &s->keys);
    c->account->cold.generation = s->generation;
    c->account->cold.recoveries_count = 0;
    memcpy(c->account->cold.enc_key, s->enc_key, MR_KEY_BYTES);
    memcpy(c->account->cold.reader_key, s->reader_key, MR_KEY_BYTES);
}

/* LED-26: giving up on day d keeps the alias from others until d + 365. */
static void give_up(struct mr_audit *a, struct mri_aud_listing *l, uint32_t day)
{
    mri_aud_touch_listing(a, l);
    l->row.listing.listed = false;
    l->row.until_day = day + MR_ALIAS_REST_DAYS > 1000000 ? 1000000 : day + MR_ALIAS_REST_DAYS;
}

static void apply_list(struct mr_audit *a, const struct mri_aud_case *c)
{
    const struct mr_list *const order = &c->order->body.u.list;
    struct mri_aud_account *const x = mri_aud_account(a, order->account);
    const uint8_t *const home = a->charter.associations[c->home].id;
    if (x == NULL || c->wrong)
        return;
    struct mri_aud_listing *l = mri_aud_listing(a, home, order);
    if (l == NULL) {
        l = mri_aud_get(a, sizeof *l);
        if (l == NULL)
            return;
        listing_key(l->key, home, order);
        memcpy(l->row.association, home, 16);
        l->turn = a->turn;
        put(a, &a->listings, l);
        if (a->no_memory)
            return;
    }
    if (x->listing != NULL && x->listing != l)
        give_up(a, x->listing, c->day);
    mri_aud_touch_listing(a, l);
    l->row.listing = *order;
    memcpy(l->row.slot.account, c->account->id, 16);
    l->row.slot.seq = c->seq;
    l->row.until_day = 0;
    x->listing = l;
    if (!order->listed) {
        give_up(a, l, c->day);
        x->listing = NULL;
    }
}

static void apply_grant(struct mr_audit *a, const struct mr_grant *g)
{
    struct mri_aud_account *const x = mri_aud_account(a, g->account);
    if (x == NULL)
        return;
    mri_aud_touch_cold(a, x);
    x->cold.credit = g->credit;
    if (g->credit > x->credit_max)
        x->credit_max = g->credit;
    x->cold.limit_payment = g->limit_payment;
    x->cold.limit_day = g->limit_day;
    x->cold.limit_month = g->limit_month;
}

static void apply_lower(struct mr_audit *a, const struct mr_grant *g)
{
    struct mri_aud_account *const x = mri_aud_account(a, g->account);
    if (x == NULL)
        return;
    mri_aud_touch_cold(a, x);
    x->cold.is_lowered = true;
    x->cold.most.credit = g->credit;
    x->cold.most.limit_payment = g->limit_payment;
    x->cold.most.limit_day = g->limit_day;
    x->cold.most.limit_month = g->limit_month;
}

static void apply_redeem(struct mr_audit *a, const struct mri_aud_case *c, const uint8_t id[32])
{
    const struct mr_redeem *const o = &c->order->body.u.redeem;
    if (mri_aud_redemption(a, c->account->id, c->seq) != NULL)
        return;
    struct mri_aud_redemption *const r = mri_aud_get(a, sizeof *r);
    if (r == NULL)
        return;
    redemption_key(r->key, c->account->id, c->seq);
    memcpy(r->row.ref.account, c->account->id, 16);
    r->row.ref.seq = c->seq;
    memcpy(r->row.ref.order, id, 32);
    r->row.ref.amount = o->amount;
    memcpy(r->row.association, o->association, 16);
    r->row.fee = o->fee;
    r->row.time_ms = c->order->time_ms;
    r->turn = a->turn;
    a->redemptions_open++;
    put(a, &a->redemptions, r);
}

static void apply_done(struct mr_audit *a, const struct mr_redemption_ref *ref, uint32_t done)
{
    struct mri_aud_redemption *const r = mri_aud_redemption(a, ref->account, ref->seq);
    if (r == NULL)
        return;
    if (r->row.done == 0) {
        a->redemptions_open--;
        r->done_turn = a->turn;
    }
    r->row.done = done;
}

/* The chain's own row was touched before. LED-20: the windows of day and month count payment lines
 * in unit 0 of members. */
static void apply_pay(struct mri_aud_case *c)
{
    const struct mr_pay *const p = &c->order->body.u.pay;
    struct mri_aud_account *const x = c->account;
    const uint32_t month = mr_month_of(c->day);
    if (p->unit != 0 || x->class == MR_CLASS_TREASURY)
        return;
    int64_t sum = 0;
    for (uint32_t i = 0; i < p->lines_count; i++)
        sum += p->lines[i].what == MR_LINE_PAYMENT ? p->lines[i].amount : 0;
    x->hot.day_spent = sum + (x->hot.day == c->day ? x->hot.day_spent : 0);
    x->hot.month_spent = sum + (x->hot.month == month ? x->hot.month_spent : 0);
    if (x->hot.day_spent > MR_AMOUNT_MAX)
        x->hot.day_spent = MR_AMOUNT_MAX;
    if (x->hot.month_spent > MR_AMOUNT_MAX)
        x->hot.month_spent = MR_AMOUNT_MAX;
    x->hot.day = c->day;
    x->hot.month = month;
}

/* --- totals by kind --------------------------------------------------------------------------- */

static void count(struct mr_audit *a, enum mr_order_kind kind, uint32_t unit, int64_t amount,
                  int64_t fee)
{
    struct mr_audit_kind *k = a->totals.kinds;
    while (k->kind != kind)
        k++;
    k->count++;
    k->sum[unit] = mri_aud_sum(k->sum[unit], amount);
    a->totals.fees[unit] = mri_aud_sum(a->totals.fees[unit], fee);
}

static void count_order(struct mr_audit *a, const struct mri_aud_case *c)
{
    const struct mr_order_body *const b = &c->order->body;
    int64_t sum = 0, fee = 0;
    if (b->kind == MR_KIND_PAY) {
        for (uint32_t i = 0; i < b->u.pay.lines_count; i++) {
            if (b->u.pay.lines[i].what == MR_LINE_PAYMENT)
                sum += b->u.pay.lines[i].amount;
            else
                fee += b->u.pay.lines[i].amount;
        }
        count(a, b->kind, b->u.pay.unit, sum, fee);
    } else if (b->kind == MR_KIND_ISSUE) {
        for (uint32_t i = 0; i < b->u.issue.lines_count; i++)
            sum += b->u.issue.lines[i].amount;
        count(a, b->kind, 0, sum, 0);
    } else if (b->kind == MR_KIND_REDEEM) {
        count(a, b->kind, 0, b->u.redeem.amount, 0);
    } else if (b->kind == MR_KIND_PAYOUT) {
        count(a, b->kind, 0, b->u.payout.redemption.amount, b->u.payout.fee);
    } else if (b->kind == MR_KIND_RETURN) {
        count(a, b->kind, 0, b->u.return_.redemption.amount, 0);
    } else if (b->kind == MR_KIND_CLEAR) {
        count(a, b->kind, 0, b->u.clear.clearing.amount, 0);
    } else if (b->kind == MR_KIND_SWEEP) {
        count(a, b->kind, b->u.sweep.unit, b->u.sweep.amount, 0);
    } else {
        count(a, b->kind, 0, 0, 0);
    }
}

static void apply_cap(struct mr_audit *a, const struct mr_cap *cap)
{
    const int i = mri_aud_association(a, cap->association);
    if (i < 0)
        return;
    mri_aud_touch_cold(a, a->of[i].issuer);
    a->of[i].issuer->cold.credit = cap->cap;
}

/* A wrong number was reported; orders that follow are judged by the right one. */
static void apply_policy(struct mr_audit *a, const struct mr_policy *p)
{
    struct mr_policy next = *p;
    const uint32_t last = a->policies[a->policies_count - 1]->row.version;
    next.version = last < 1000000 ? last + 1 : last;
    mri_aud_add_policy(a, &next);
}

/* LED-21: what the treasury's own orders have left outstanding. */
static void apply_own(struct mr_audit *a, const struct mri_aud_case *c, int64_t plus, int64_t minus)
{
    struct mri_aud_cold *const cold = &c->account->cold;
    mri_aud_touch_cold(a, c->account);
    cold->issued += plus; /* at most three times 2^52 */
    cold->issued -= minus < cold->issued ? minus : cold->issued;
    if (cold->issued > MR_AMOUNT_MAX)
        cold->issued = MR_AMOUNT_MAX;
}

static void apply_issue(struct mr_audit *a, const struct mri_aud_case *c)
{
    const struct mr_issue *const is = &c->order->body.u.issue;
    int64_t total = 0;
    for (uint32_t i = 0; i < is->banks_count; i++)
        use_bank(a, c, is->banks[i].ref);
    for (uint32_t i = 0; i < is->lines_count; i++)
        total += is->lines[i].amount;
    apply_own(a, c, total, 0);
}

static void apply_clear(struct mr_audit *a, const struct mri_aud_case *c)
{
    const struct mr_clearing *const k = &c->order->body.u.clear.clearing;
    use_bank(a, c, k->bank_ref);
    apply_own(a, c, 0, k->amount);
    c->account->cold.cleared += k->amount;
    if (c->account->cold.cleared > MR_AMOUNT_MAX)
        c->account->cold.cleared = MR_AMOUNT_MAX;
}

void mri_aud_apply_kind(struct mr_audit *a, struct mri_aud_case *c, const uint8_t id[32])
{
    const struct mr_order_body *const b = &c->order->body;
    struct mri_aud_account *x;
    count_order(a, c);
    switch (b->kind) {
    case MR_KIND_OPEN:
        apply_open(a, c);
        return;
    case MR_KIND_PAY:
        apply_pay(c);
        return;
    case MR_KIND_ISSUE:
        apply_issue(a, c);
        return;
    case MR_KIND_REDEEM:
        apply_redeem(a, c, id);
        return;
    case MR_KIND_PAYOUT:
        use_bank(a, c, b->u.payout.bank_ref);
        apply_done(a, &b->u.payout.redemption, 1);
        apply_own(a, c, 0, b->u.payout.redemption.amount - b->u.payout.fee);
        return;
    case MR_KIND_CLEAR:
        apply_clear(a, c);
        return;
    case MR_KIND_NEXT:
        mri_aud_apply_next(a, &b->u.next, id);
        return;
    case MR_KIND_CUT:
        mri_aud_apply_cut(a, &b->u.cut);
        return;
    case MR_KIND_RETURN:
        apply_done(a, &b->u.return_.redemption, 2);
        return;
    case MR_KIND_SETKEYS:
        mri_aud_apply_setkeys(a, c, &b->u.setkeys);
        return;
    case MR_KIND_RECOVER:
    case MR_KIND_STOP:
    case MR_KIND_TAKEOVER:
        mri_aud_apply_recovery(a, c);
        return;
    case MR_KIND_FLAG:
        x = mri_aud_account(a, b->u.flag.account);
        if (x == NULL)
            return;
        mri_aud_touch_cold(a, x);
        x->cold.frozen = b->u.flag.frozen;
        return;
    case MR_KIND_LIST:
        apply_list(a, c);
        return;
    case MR_KIND_CLOSE:
        mri_aud_touch_cold(a, c->account);
        c->account->cold.closed = true;
        return;
    case MR_KIND_GRANT:
        apply_grant(a, &b->u.grant);
        return;
    case MR_KIND_LOWER:
        apply_lower(a, &b->u.lower);
        return;
    case MR_KIND_SWEEP:
        return;
    case MR_KIND_POLICY:
        apply_policy(a, &b->u.policy);
        return;
    case MR_KIND_CAP:
        apply_cap(a, &b->u.cap);
        return;
    case MR_KIND_CHECKPOINT:
        a->totals.checkpoints++;
        a->last_checkpoint = (struct mr_audit_checkpoint){.number = b->u.checkpoint.number,
                                                          .epoch = a->epoch,
                                                          .size = a->tree.size,
                                                          .time_ms = c->order->time_ms};
        return;
    }
    mr_bug("order kind");
}
