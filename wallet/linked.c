#include "wallet/linked.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/term.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/order.h"
#include "mereau/receipt.h"
#include "wallet/node.h"

enum {
    LINKS_MAX = 4096, /* orders that are looked at behind the place */
    TRIED_MAX = 16,   /* of them, the last ones are asked for a receipt, */
    ROUNDS = 3,       /* so often at each node: the first answer may be without one (SLOT-17) */
    PAUSE_MS = 200
};

/* Orders behind a place, each of which names the one before: id[0] is that of the next place. */
struct run {
    uint64_t seq, next; /* next: of the history, to ask for */
    size_t count;
    bool ended; /* what comes next does not belong to it */
    uint8_t id[LINKS_MAX][MR_HASH_BYTES];
};

static bool belongs(const struct wallet *w, const struct run *run, const struct linked *ret,
                    const struct mr_history_item *item)
{
    const struct mr_order *const o = &item->order[0].order;
    const uint8_t *const before = run->count > 0 ? run->id[run->count - 1] : ret->value;
    return item->order_count > 0 && !item->voided && o->seq == run->seq + 1 + run->count &&
           memcmp(o->account, wallet_account(w), MR_ACCOUNT_BYTES) == 0 &&
           (run->count == 0 || memcmp(o->prev, before, MR_HASH_BYTES) == 0);
}

static void take(struct run *run, struct linked *ret, const struct mr_order *o)
{
    if (run->count == 0)
        memcpy(ret->value, o->prev, sizeof ret->value);
    mr_order_id(run->id[run->count++], o);
}

/* One page of the history. The place itself stands in front of the first one: its time. */
static void take_page(const struct wallet *w, struct run *run, struct linked *ret,
                      const struct mr_rep_history *page)
{
    for (uint32_t i = 0; i < page->items_count && !run->ended; i++) {
        const struct mr_history_item *const item = &page->items[i];
        if (item->seq == run->seq && run->count == 0) {
            ret->time_ms = item->time_ms;
            continue;
        }
        run->ended = run->count == LINKS_MAX || !belongs(w, run, ret, item);
        if (!run->ended)
            take(run, ret, &item->order[0].order);
    }
}

static enum mr_status fetch_run(struct wallet *w, struct run *run, struct linked *ret,
                                uint64_t deadline_ms)
{
    while (!run->ended) {
        *w->request = (struct mr_request_body){.kind = MR_REQ_HISTORY};
        struct mr_req_history *const ask = &w->request->u.history;
        memcpy(ask->account, wallet_account(w), MR_ACCOUNT_BYTES);
        ask->from = run->next;
        ask->count = MR_PAGE_MAX;
        const enum mr_status st = node_call_until(w, deadline_ms);
        if (st != MR_OK)
            return st;
        const struct mr_rep_history *const page = &w->reply->body.u.history;
        take_page(w, run, ret, page);
        run->next += page->items_count;
        run->ended = run->ended || page->items_count == 0;
    }
    return MR_OK;
}

/* Whether the present node proves the order at this place of the run. */
static bool is_proved(struct wallet *w, const struct run *run, size_t at, struct linked *ret,
                      uint64_t deadline_ms)
{
    struct mr_receipt_facts facts;
    const uint64_t seq = run->seq + 1 + at;
    if (node_slot(w, seq, deadline_ms) != MR_SETTLED || w->reply->body.u.slot.receipt_count == 0)
        return false;
    ret->receipt = w->reply->body.u.slot.receipt[0];
    ret->by = seq;
    return node_proves(w, &facts, &ret->receipt, wallet_account(w), seq) == MR_OK &&
           memcmp(facts.value, run->id[at], sizeof facts.value) == 0;
}

/* What the present node can prove of a run. Later orders settled in later epochs, of which more
 * nodes know: they come first. */
static enum mr_status find_receipt(struct wallet *w, const struct run *run, struct linked *ret,
                                   uint64_t deadline_ms)
{
    const size_t last = run->count > TRIED_MAX ? run->count - TRIED_MAX : 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t at = run->count; at > last; at--)
            if (is_proved(w, run, at - 1, ret, deadline_ms))
                return MR_OK;
        if (run->count == 0 || wallet_clock_ms() + PAUSE_MS >= deadline_ms)
            return MR_NOT_FOUND;
        poll(NULL, 0, PAUSE_MS);
    }
    return MR_NOT_FOUND;
}

enum mr_status linked_find(struct linked *ret, struct wallet *w, uint64_t seq, uint64_t deadline_ms)
{
    uint8_t void_id[MR_HASH_BYTES];
    if (w->account == NULL || seq + 1 >= w->account->hot.chain.next_seq)
        return MR_NOT_FOUND; /* nothing stands behind it */
    struct run *const run = malloc(sizeof *run);
    if (run == NULL)
        return MR_NO_MEMORY;
    struct node_round round = node_round(w, deadline_ms);
    enum mr_status st;
    do { /* one that joined lacks the orders of before */
        run->seq = run->next = seq;
        run->count = 0;
        run->ended = false;
        ret->time_ms = 0;
        st = fetch_run(w, run, ret, deadline_ms);
        st = st == MR_OK ? find_receipt(w, run, ret, deadline_ms) : MR_NOT_FOUND;
    } while (st != MR_OK && node_next(w, &round));
    node_back(w, &round);
    free(run);
    mr_void_id(void_id, w->keys->stored.sheet.link.ledger, wallet_account(w), seq);
    ret->voided = st == MR_OK && memcmp(ret->value, void_id, sizeof void_id) == 0;
    return st;
}

enum mr_status linked_conclude(struct wallet *w, struct out *out, uint64_t seq,
                               uint64_t deadline_ms)
{
    struct linked *const found = malloc(sizeof *found);
    enum mr_status st = found != NULL ? linked_find(found, w, seq, deadline_ms) : MR_NO_MEMORY;
    if (st == MR_NO_MEMORY)
        out_fail(out, st, NULL);
    if (st == MR_OK) {
        w->note->kind = MR_BOOK_LINKED;
        w->note->u.linked = (struct mr_book_linked){
            .seq = seq, .by = found->by, .voided = found->voided, .time_ms = found->time_ms};
        memcpy(w->note->u.linked.value, found->value, MR_HASH_BYTES);
        out_note(
            out,
            _("note: nobody has a receipt of your order at place %llu any more. What became of "
              "it is shown by the receipt of a later order, at place %llu"),
            (unsigned long long)seq, (unsigned long long)found->by);
        st = wallet_add(w, out);
    }
    free(found);
    return st;
}
