/* What an audit settles, as rows. */
#include "audit/rows_state.h"

#include <stdlib.h>
#include <string.h>

#include "mereau/order.h"

enum { NO_ASSOCIATION = 255 };

static uint32_t class_of(const struct rows *r, uint32_t account)
{
    return (uint32_t)rows_get_u(r, ROWS_ACCOUNTS_CLASS, account);
}

static uint32_t home_of(const struct rows *r, uint32_t account)
{
    return (uint32_t)rows_get_u(r, ROWS_ACCOUNTS_ASSOCIATION, account);
}

static void put_account(struct rows *r, const uint8_t id[16], uint32_t class, uint32_t home,
                        uint64_t opened_ms)
{
    rows_put(r, ROWS_ACCOUNTS_ID, id);
    rows_put_u(r, ROWS_ACCOUNTS_CLASS, class);
    rows_put_u(r, ROWS_ACCOUNTS_ASSOCIATION, home);
    rows_put_u(r, ROWS_ACCOUNTS_OPENED, opened_ms);
    rows_end_row(r, ROWS_ACCOUNTS);
    rows_note_account(r);
}

/* LED-2 */
static void derive(struct rows *r, const uint8_t of[16], enum mr_account_class class, uint32_t home)
{
    uint8_t id[MR_ACCOUNT_BYTES];
    mr_sub_account(id, of, class);
    if (rows_account(r, id) == MR_STATS_NONE)
        put_account(r, id, class, home, 0);
}

void rows_derive(struct rows *r, const struct mr_charter *c)
{
    static const uint8_t nobody[16];
    if (r->counts[ROWS_ACCOUNTS] == 0) {
        derive(r, nobody, MR_CLASS_SYSTEM, NO_ASSOCIATION);
        derive(r, nobody, MR_CLASS_CHECKPOINTS, NO_ASSOCIATION);
        derive(r, nobody, MR_CLASS_WORLD, NO_ASSOCIATION);
    }
    for (; r->associations < c->associations_count; r->associations++) {
        for (enum mr_account_class k = MR_CLASS_DESK; k <= MR_CLASS_OWN; k++)
            derive(r, c->associations[r->associations].id, k, r->associations);
    }
}

/* The number of an account that a row names. In a verified book every one was opened before, by an
 * order or with its association. */
static uint32_t number(struct rows *r, const uint8_t id[16])
{
    uint32_t n = rows_account(r, id);
    if (n == MR_STATS_NONE) {
        rows_derive(r, mr_audit_charter(r->audit));
        n = rows_account(r, id);
    }
    if (n == MR_STATS_NONE) {
        n = (uint32_t)r->counts[ROWS_ACCOUNTS];
        put_account(r, id, MR_STATS_CLASS_UNKNOWN, NO_ASSOCIATION, 0);
    }
    return n;
}

static uint32_t put_text(struct rows *r, const char *text)
{
    const size_t at = r->counts[ROWS_TEXTS];
    if (*text == '\0')
        return 0;
    do {
        rows_put(r, ROWS_TEXTS_BYTES, text);
        rows_end_row(r, ROWS_TEXTS);
    } while (*text++ != '\0');
    return (uint32_t)at;
}

/* --- redemptions ------------------------------------------------------------------------------
 */

static void remember(struct rows *r, uint32_t account, uint64_t seq, uint32_t association,
                     int64_t amount, uint32_t order)
{
    if (r->open_count == r->open_cap) {
        const size_t cap = r->open_cap == 0 ? 64 : r->open_cap * 2;
        struct open_redemption *const open = realloc(r->open, cap * sizeof *open);
        if (open == NULL) {
            rows_fail(r, MR_NO_MEMORY, "no memory for another redemption");
            return;
        }
        r->open = open;
        r->open_cap = cap;
    }
    r->open[r->open_count++] = (struct open_redemption){account, association, seq, amount, order};
}

/* The redemption at a place, or (account MR_STATS_NONE) the first of an association and amount.
 * Its order's number plus 1; 0: there is none. */
static uint32_t recall(struct rows *r, uint32_t account, uint64_t seq, uint32_t association,
                       int64_t amount)
{
    for (size_t i = 0; i < r->open_count; i++) {
        const struct open_redemption o = r->open[i];
        if (account != MR_STATS_NONE ? o.account != account || o.seq != seq
                                     : o.association != association || o.amount != amount)
            continue;
        memmove(r->open + i, r->open + i + 1, (r->open_count - i - 1) * sizeof *r->open);
        r->open_count--;
        return o.order + 1;
    }
    return 0;
}

/* --- movements --------------------------------------------------------------------------------
 */

/* MUN-3: an issue that cites a mandate. */
static bool is_assigned(const struct mr_order *o)
{
    static const uint8_t none[MR_HASH_BYTES];
    return o != NULL && o->body.kind == MR_KIND_ISSUE && memcmp(o->ref, none, sizeof none) != 0;
}

static enum mr_stats_kind kind_of(uint32_t from, uint32_t to, const struct mr_order *o)
{
    if (from == MR_CLASS_WORLD)
        return MR_STATS_RESERVE_IN;
    if (to == MR_CLASS_WORLD)
        return MR_STATS_RESERVE_OUT;
    if (from == MR_CLASS_RESERVE)
        return MR_STATS_RESERVE_CLEAR;
    if (from == MR_CLASS_ISSUER)
        return to == MR_CLASS_ISSUER ? MR_STATS_CLEAR
               : is_assigned(o)      ? MR_STATS_ASSIGNED
                                     : MR_STATS_ISSUE;
    if (from == MR_CLASS_REDEEMED)
        return to == MR_CLASS_ISSUER ? MR_STATS_PAYOUT
               : to == MR_CLASS_OWN  ? MR_STATS_PAYOUT_FEE
                                     : MR_STATS_RETURN;
    if (to == MR_CLASS_REDEEMED)
        return MR_STATS_REDEEM;
    if (to == MR_CLASS_OWN)
        return o != NULL && o->body.kind == MR_KIND_SWEEP ? MR_STATS_SWEEP : MR_STATS_FEE;
    return MR_STATS_PAY;
}

static void put_move(struct rows *r, const struct mr_audit_effect *e, uint32_t from, uint32_t to,
                     uint32_t unit, int64_t amount)
{
    rows_put_u(r, ROWS_MOVES_TIME, e->time_ms);
    rows_put_u(r, ROWS_MOVES_FROM, from);
    rows_put_u(r, ROWS_MOVES_TO, to);
    rows_put_u(r, ROWS_MOVES_AMOUNT, (uint64_t)amount);
    rows_put_u(r, ROWS_MOVES_KIND, kind_of(class_of(r, from), class_of(r, to), e->order));
    rows_put_u(r, ROWS_MOVES_UNIT, unit);
    rows_put_u(r, ROWS_MOVES_ORDER, r->counts[ROWS_ORDERS]);
    rows_end_row(r, ROWS_MOVES);
}

/* In each unit an order debits one account: what it credits came from there. */
static void take_moves(struct rows *r, const struct mr_audit_effect *e)
{
    uint32_t from[MR_UNITS_MAX];
    for (uint32_t u = 0; u < MR_UNITS_MAX; u++)
        from[u] = MR_STATS_NONE;
    for (uint32_t i = 0; i < e->postings_count; i++) {
        const struct mr_posting *const p = &e->postings[i];
        if (p->delta < 0 && p->unit < MR_UNITS_MAX)
            from[p->unit] = number(r, p->account);
    }
    for (uint32_t i = 0; i < e->postings_count && r->status == MR_OK; i++) {
        const struct mr_posting *const p = &e->postings[i];
        if (p->delta <= 0 || p->unit >= MR_UNITS_MAX || from[p->unit] == MR_STATS_NONE)
            continue;
        put_move(r, e, from[p->unit], number(r, p->account), p->unit, p->delta);
    }
}

/* --- orders ----------------------------------------------------------------------------------- */

/* The account of a class that an order credits (or debits) in the local unit, and how much. */
static uint32_t touched(struct rows *r, const struct mr_audit_effect *e, uint32_t class,
                        bool credited, int64_t *ret_amount)
{
    for (uint32_t i = 0; i < e->postings_count; i++) {
        const struct mr_posting *const p = &e->postings[i];
        if (p->unit != 0 || (p->delta > 0) != credited)
            continue;
        const uint32_t n = number(r, p->account);
        if (r->status == MR_OK && class_of(r, n) == class) {
            *ret_amount = p->delta < 0 ? -p->delta : p->delta;
            return n;
        }
    }
    return MR_STATS_NONE;
}

static uint32_t refers_to(struct rows *r, const struct mr_audit_effect *e)
{
    const uint32_t order = (uint32_t)r->counts[ROWS_ORDERS];
    int64_t amount;
    const uint32_t into = touched(r, e, MR_CLASS_REDEEMED, true, &amount);
    if (into != MR_STATS_NONE) {
        remember(r, number(r, e->account), e->seq, home_of(r, into), amount, order);
        return 0;
    }
    const uint32_t out = touched(r, e, MR_CLASS_REDEEMED, false, &amount);
    if (out == MR_STATS_NONE)
        return 0;
    if (e->order == NULL)
        return recall(r, MR_STATS_NONE, 0, home_of(r, out), amount);
    const struct mr_order_body *const b = &e->order->body;
    const struct mr_redemption_ref *const ref =
        b->kind == MR_KIND_PAYOUT ? &b->u.payout.redemption : &b->u.return_.redemption;
    return recall(r, number(r, ref->account), ref->seq, 0, 0);
}

static void take_body(struct rows *r, const struct mr_order *o, uint32_t chain)
{
    const struct mr_open *const open = &o->body.u.open;
    const struct mr_list *const list = &o->body.u.list;
    if (o->body.kind == MR_KIND_OPEN && rows_account(r, open->account) == MR_STATS_NONE) {
        put_account(r, open->account, open->class, home_of(r, chain), o->time_ms);
    } else if (o->body.kind == MR_KIND_LIST) {
        rows_put_u(r, ROWS_LISTINGS_ORDER, r->counts[ROWS_ORDERS]);
        rows_put_u(r, ROWS_LISTINGS_ACCOUNT, number(r, list->account));
        rows_put_u(r, ROWS_LISTINGS_LISTED, list->listed ? 1 : 0);
        rows_put_u(r, ROWS_LISTINGS_ALIAS, put_text(r, list->alias));
        rows_put_u(r, ROWS_LISTINGS_NAME, put_text(r, list->name));
        rows_put_u(r, ROWS_LISTINGS_TRADE, put_text(r, list->trade));
        rows_put_u(r, ROWS_LISTINGS_TOWN, put_text(r, list->town));
        rows_end_row(r, ROWS_LISTINGS);
    } else if (o->body.kind == MR_KIND_CLOSE) {
        rows_put_u(r, ROWS_CLOSINGS_ORDER, r->counts[ROWS_ORDERS]);
        rows_put_u(r, ROWS_CLOSINGS_ACCOUNT, chain);
        rows_end_row(r, ROWS_CLOSINGS);
    }
}

static void take(void *ctx, const struct mr_audit_effect *e)
{
    struct rows *const r = ctx;
    if (r->status != MR_OK)
        return;
    const uint32_t chain = number(r, e->account), refers = refers_to(r, e);
    if (e->order != NULL)
        take_body(r, e->order, chain);
    take_moves(r, e);
    rows_put(r, ROWS_ORDERS_ID, e->value);
    rows_put_u(r, ROWS_ORDERS_ACCOUNT, chain);
    rows_put_u(r, ROWS_ORDERS_SEQ, e->seq);
    rows_put_u(r, ROWS_ORDERS_TIME, e->time_ms);
    rows_put_u(r, ROWS_ORDERS_SETTLED, e->settled_ms);
    rows_put_u(r, ROWS_ORDERS_KIND, e->order != NULL ? e->order->body.kind : 0);
    rows_put_u(r, ROWS_ORDERS_REFERS, refers);
    rows_end_row(r, ROWS_ORDERS);
    if (e->time_ms > r->latest_ms)
        r->latest_ms = e->time_ms;
}

void rows_follow(struct rows *r, struct mr_audit *a)
{
    r->audit = a;
    mr_audit_effects(a, take, r);
}

void rows_point(struct mr_stats_point *ret, const struct mr_audit *a,
                const struct mr_audit_totals *t)
{
    *ret = (struct mr_stats_point){.settled = t->settled + t->voided,
                                   .has_state = t->state_known,
                                   .node = t->node,
                                   .epoch = t->epoch,
                                   .turn = t->turns,
                                   .log_size = t->leaves};
    memcpy(ret->ledger, mr_audit_ledger(a), MR_HASH_BYTES);
    memcpy(ret->state, t->state_root, MR_HASH_BYTES);
    memcpy(ret->log_root, t->log_root, MR_HASH_BYTES);
}

/* --- taking up --------------------------------------------------------------------------------
 */

void rows_recall(struct rows *r)
{
    r->latest_ms = r->point.time_ms;
    for (size_t i = 0; i < r->counts[ROWS_ACCOUNTS]; i++) {
        if (class_of(r, (uint32_t)i) == MR_CLASS_ISSUER)
            r->associations++;
    }
}
