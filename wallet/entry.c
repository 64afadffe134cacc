#include "wallet/entry.h"

#include <stdlib.h>
#include <string.h>

#include "common/term.h"
#include "mereau/codec.h"
#include "wallet/memo.h"
#include "wallet/node.h"

/* What all entries of one order share. */
struct source {
    const struct wallet *w;
    const struct mr_order *order;
    const struct mr_memo_box *memo;
    struct entry base;
};

static enum mr_status push(struct entries *e, const struct entry *one)
{
    if (e->count == e->cap) {
        const size_t cap = e->cap == 0 ? 64 : 2 * e->cap;
        struct entry *const grown = realloc(e->list, cap * sizeof *grown);
        if (grown == NULL)
            return MR_NO_MEMORY;
        e->list = grown;
        e->cap = cap;
    }
    e->list[e->count++] = *one;
    return MR_OK;
}

static enum mr_status push_amount(struct entries *e, const struct source *s, const uint8_t *other,
                                  int64_t amount, int64_t fee, uint32_t unit)
{
    struct entry one = s->base;
    one.amount = amount;
    one.fee = fee;
    one.unit = unit;
    one.has_other = other != NULL;
    if (other != NULL)
        memcpy(one.other, other, sizeof one.other);
    return push(e, &one);
}

static void read_memo(struct source *s)
{
    const enum mr_status st = s->order->body.kind == MR_KIND_SETKEYS
                                  ? MR_NOT_FOUND
                                  : memo_open(s->base.memo, s->w, s->order, s->memo);
    s->base.bad_memo = st == MR_CHECK_FAILED;
    if (st != MR_OK)
        s->base.memo[0] = '\0';
}

/* --- what went out ---------------------------------------------------------------------------- */

static enum mr_status add_paid(struct entries *e, const struct source *s)
{
    const struct mr_pay *const pay = &s->order->body.u.pay;
    int64_t fee = mr_order_fee(s->order);
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; st == MR_OK && i < pay->lines_count; i++) {
        const struct mr_pay_line *const line = &pay->lines[i];
        if (line->what != MR_LINE_PAYMENT)
            continue;
        st = push_amount(e, s, line->payee, -line->amount, fee, pay->unit);
        fee = 0; /* the whole fee stands at the first payee */
    }
    return st;
}

static enum mr_status add_own(struct entries *e, const struct source *s)
{
    const struct mr_order_body *const body = &s->order->body;
    if (body->kind == MR_KIND_PAY)
        return add_paid(e, s);
    /* A redemption's fee is part of its amount. */
    if (body->kind == MR_KIND_REDEEM)
        return push_amount(e, s, NULL, -(body->u.redeem.amount - body->u.redeem.fee),
                           body->u.redeem.fee, 0);
    return push(e, &s->base);
}

/* --- what came in ----------------------------------------------------------------------------- */

static enum mr_status add_received(struct entries *e, const struct source *s)
{
    const uint8_t *const own = wallet_account(s->w);
    const struct mr_order_body *const body = &s->order->body;
    enum mr_status st = MR_OK;
    if (body->kind == MR_KIND_RETURN)
        return push_amount(e, s, s->order->account, body->u.return_.redemption.amount, 0, 0);
    if (body->kind == MR_KIND_PAY)
        for (uint32_t i = 0; st == MR_OK && i < body->u.pay.lines_count; i++)
            if (memcmp(body->u.pay.lines[i].payee, own, MR_ACCOUNT_BYTES) == 0)
                st = push_amount(e, s, s->order->account, body->u.pay.lines[i].amount, 0,
                                 body->u.pay.unit);
    if (body->kind == MR_KIND_ISSUE)
        for (uint32_t i = 0; st == MR_OK && i < body->u.issue.lines_count; i++)
            if (memcmp(body->u.issue.lines[i].member, own, MR_ACCOUNT_BYTES) == 0)
                st = push_amount(e, s, s->order->account, body->u.issue.lines[i].amount, 0, 0);
    return st;
}

static enum mr_status add(struct entries *e, struct source *s, bool credit)
{
    if (s->order == NULL)
        return push(e, &s->base);
    s->base.has_order = true;
    s->base.kind = mr_order_kind_text(s->order->body.kind);
    mr_order_id(s->base.order, s->order);
    read_memo(s);
    return credit ? add_received(e, s) : add_own(e, s);
}

enum mr_status entries_add_own(struct entries *e, const struct wallet *w, uint64_t seq)
{
    const struct slot *const slot = wallet_slot(w, seq);
    struct mr_signed_order o;
    struct source s = {.w = w, .memo = slot->memo};
    s.base.time_ms = slot->time_ms;
    s.base.kind = slot->voided ? "void" : "erased";
    s.base.seq = seq;
    s.base.linked = slot->linked;
    memcpy(s.base.account, wallet_account(w), sizeof s.base.account);
    if (!slot->voided && wallet_settled_order(&o, slot))
        s.order = &o.order;
    return add(e, &s, false);
}

/* An item of the node's history; `credit`: what others paid to this account. */
static enum mr_status add_item(struct entries *e, const struct wallet *w,
                               const struct mr_history_item *item, bool credit)
{
    struct source s = {.w = w, .memo = item->memo_count > 0 ? &item->memo[0] : NULL};
    s.base.time_ms = item->time_ms;
    s.base.kind = item->voided ? "void" : "erased";
    s.base.seq = item->seq;
    memcpy(s.base.account, item->account, sizeof s.base.account);
    if (item->order_count > 0)
        s.order = &item->order[0].order;
    return add(e, &s, credit);
}

static bool among(const struct entries *known, const struct entry *one)
{
    for (size_t i = 0; i < known->count; i++)
        if (known->list[i].seq == one->seq &&
            memcmp(known->list[i].account, one->account, sizeof one->account) == 0)
            return true;
    return false;
}

void entries_drop(struct entries *e, const struct entries *known)
{
    size_t kept = 0;
    for (size_t i = 0; i < e->count; i++)
        if (!among(known, &e->list[i]))
            e->list[kept++] = e->list[i];
    e->count = kept;
}

enum mr_status entries_append(struct entries *e, struct entries *from)
{
    enum mr_status st = MR_OK;
    for (size_t i = 0; st == MR_OK && i < from->count; i++)
        st = push(e, &from->list[i]);
    entries_free(from);
    return st;
}

static int by_time(const void *a, const void *b)
{
    const struct entry *const x = a, *const y = b;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return 0;
}

void entries_sort(struct entries *e)
{
    if (e->count > 0)
        qsort(e->list, e->count, sizeof e->list[0], by_time);
}

void entries_free(struct entries *e)
{
    free(e->list);
    *e = (struct entries){0};
}

enum mr_status entries_fetch_page(struct entries *e, struct wallet *w, struct out *out,
                                  bool credits, uint64_t from, uint64_t *ret_last,
                                  uint64_t *ret_next)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_HISTORY};
    struct mr_req_history *const ask = &w->request->u.history;
    *ask = (struct mr_req_history){.credits = credits, .from = from, .count = MR_PAGE_MAX};
    memcpy(ask->account, wallet_account(w), sizeof ask->account);
    enum mr_status st = node_call(w);
    if (st != MR_OK)
        return node_fail(w, out, st);
    const struct mr_rep_history *const page = &w->reply->body.u.history;
    *ret_last = page->last;
    *ret_next = from + page->items_count;
    for (uint32_t i = 0; st == MR_OK && i < page->items_count; i++)
        st = add_item(e, w, &page->items[i], credits);
    return st == MR_OK ? MR_OK : out_fail(out, st, NULL);
}

enum mr_status entries_fetch_credits(struct entries *e, struct wallet *w, const struct command *c,
                                     struct out *out, uint64_t from, uint64_t *ret_next)
{
    struct progress bar;
    const size_t kept = e->count;
    uint64_t last = w->account->hot.credits;
    unsigned moves = w->moves;
    enum mr_status st = MR_OK;
    progress_begin(&bar, c, _("fetching what you received"), last);
    while (st == MR_OK && from <= last) {
        uint64_t next = from;
        st = entries_fetch_page(e, w, out, true, from, &last, &next);
        if (st == MR_OK && moves != w->moves) { /* another node numbers them otherwise */
            moves = w->moves;
            e->count = kept;
            from = 1;
            continue;
        }
        if (st != MR_OK || next == from)
            break;
        from = next;
        progress_update(&bar, from - 1);
    }
    progress_end(&bar);
    *ret_next = from;
    return st;
}
