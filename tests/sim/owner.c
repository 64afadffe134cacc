/* Wallets: sign an order, repeat it at one node or another until its outcome is known, and keep to
 * the rules that a wallet has (mr_next_after); or, when the owner is dishonest, sign two. */
#include <string.h>

#include "mereau/assert.h"
#include "mereau/client.h"
#include "mereau/codec.h"
#include "mereau/receipt.h"
#include "sim/sim.h"
#include "sim/truth.h"

enum { POLLS_MAX = 12, ADDRESSES_MAX = 32, PATIENCE_US = 60 * SECOND };

static void wake(struct sim *s, struct event *ev);

static void wake_in(struct sim *s, struct owner *w, uint64_t delay_us)
{
    const struct event ev = {.run = wake, .a = w->index, .b = ++w->attempt};
    clock_set(&s->clock, delay_us, &ev);
}

static void think(struct sim *s, struct owner *w)
{
    wake_in(s, w, rng_between(&s->people, s->w.think_us / 4 + 1, 2 * s->w.think_us));
}

void owner_start(struct sim *s, struct owner *w)
{
    if (w->started)
        return;
    w->started = w->opened = true;
    think(s, w);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void arrives(struct sim *s, struct event *ev)
{
    node_request(s, &s->copies[ev->a], CALLER_OWNER, ev->b, ev->c, 0, ev->bytes, ev->len);
}

/* The home node first; when it does not answer, any. Where nobody is at home the next address is
 * tried at once, as a wallet does. */
static const struct copy *whom(struct sim *s, const struct owner *w, bool other)
{
    /* Now and then somebody who votes no more: it still reads. */
    const struct era *e = &s->eras[s->epoch];
    const bool any = rng_chance(&s->people, 100);
    const bool home = w->tries == 0 && !other && era_has(e, w->home);
    for (uint32_t tries = 0; tries < ADDRESSES_MAX; tries++) {
        const bool first = home && tries == 0;
        const uint32_t number = first ? w->home : 1 + (uint32_t)rng_below(&s->people, s->numbers);
        const struct copy *found[COPIES_MAX];
        uint32_t count = 0;
        for (uint32_t i = 0; (any || era_has(e, number)) && i < s->copies_count; i++)
            if (s->copies[i].number == number && s->copies[i].up)
                found[count++] = &s->copies[i];
        if (count > 0)
            return found[rng_below(&s->people, count)];
    }
    return NULL;
}

static void ask(struct sim *s, struct owner *w, bool other)
{
    const struct copy *to = whom(s, w, other);
    if (to == NULL)
        return;
    s->request.id = w->attempt & 0x7fffffff;
    const struct event ev = {.run = arrives, .a = to->index, .b = w->index, .c = w->attempt};
    const size_t n = mr_request_encode(&s->request, s->bytes, sizeof s->bytes);
    net_send(s, 0, end_of(to), &ev, s->bytes, n);
}

static void submit(struct sim *s, struct owner *w, uint32_t which, bool other)
{
    const struct known_order *k = &s->truth.orders[w->orders[which]];
    s->request.body.kind = MR_REQ_SUBMIT;
    s->request.body.u.submit.memo_count = 0;
    if (mr_signed_order_decode(&s->request.body.u.submit.order, k->bytes, k->len) != MR_OK)
        mr_bug("own order");
    ask(s, w, other);
}

static void send(struct sim *s, struct owner *w)
{
    if (w->wondering) {
        s->request.body.kind = MR_REQ_SLOT;
        memcpy(s->request.body.u.slot.account, w->account, 16);
        s->request.body.u.slot.seq = w->next_seq;
        ask(s, w, false);
    } else if (w->cancelling) {
        s->request.body.kind = MR_REQ_CANCEL;
        order_cancel(s, w, &s->request.body.u.cancel);
        ask(s, w, false);
    } else if (w->orders_count > 1 && w->tries == 0) {
        submit(s, w, 0, false);
        submit(s, w, 1, true);
    } else {
        submit(s, w, (uint32_t)rng_below(&s->people, w->orders_count), false);
    }
    w->tries++;
}

/* An order for the next slot, signed with the keys that the one before gives up. */
static void run_ahead(struct sim *s, struct owner *w)
{
    const struct owner before = *w;
    mr_order_id(w->prev, &s->order.order);
    w->next_seq++;
    if (order_make(s, w)) {
        truth_slot(s, w->index, w->next_seq)->conflict = true;
        w->tries = 1;
        submit(s, w, 0, true);
    }
    *w = before;
}

/* --- living ----------------------------------------------------------------------------------- */

static void begin(struct sim *s, struct owner *w)
{
    if (s->calm)
        return;
    if (!order_make(s, w)) {
        think(s, w);
        return;
    }
    w->open = true;
    w->cancelling = w->wondering = false;
    w->tries = w->polls = 0;
    w->last = MR_OK;
    if (w->dishonest && rng_chance(&s->people, 600))
        order_vary(s, w);
    if (w->dishonest && s->order.order.body.kind == MR_KIND_SETKEYS)
        run_ahead(s, w);
    tell(s, "owner %u: %s as %llu%s", w->index, mr_order_kind_text(s->order.order.body.kind),
         (unsigned long long)w->next_seq, w->orders_count > 1 ? ", twice" : "");
}

/* L1: an honest owner's order settles when nothing stands in its way: in the calm that takes less
 * than a minute. */
static void must_have_settled(struct sim *s, const struct owner *w)
{
    const struct known_order *k = &s->truth.orders[w->orders[0]];
    const struct slot *at = truth_slot(s, w->index, w->next_seq);
    if (at->cancelled || at->conflict || w->ever_frozen || k->kind != MR_KIND_PAY ||
        w->balance < k->amount || k->not_after_ms < SIM_START_MS + s->clock.now_us / 1000 ||
        s->o.safety || s->o.beyond)
        return;
    violated(s, "L1", "owner %u has %lld, and its payment of %lld does not settle: %s", w->index,
             (long long)w->balance, (long long)k->amount, mr_status_name(w->last));
}

/* Impatient people cancel. */
static void lose_patience(struct sim *s, struct owner *w)
{
    const bool short_of = w->last == MR_PARKED && w->polls > (s->calm ? 3 : POLLS_MAX);
    const bool late = s->calm && s->clock.now_us > s->calm_us + PATIENCE_US;
    if (w->cancelling || w->wondering || mr_next_after(w->last) == MR_NEXT_CLOSED)
        return;
    if (late)
        must_have_settled(s, w);
    if (short_of || late || (!s->calm && rng_chance(&s->people, s->w.cancels))) {
        w->cancelling = true;
        w->tries = 0;
        tell(s, "owner %u: cancels %llu", w->index, (unsigned long long)w->next_seq);
    }
}

static void wake(struct sim *s, struct event *ev)
{
    struct owner *w = &s->owners[ev->a];
    if (w->attempt != ev->b)
        return;
    if (!w->open)
        begin(s, w);
    if (!w->open)
        return;
    lose_patience(s, w);
    /* No answer until then: again. */
    wake_in(s, w, rng_between(&s->people, 5 * SECOND, 9 * SECOND));
    send(s, w);
}

/* The slot is closed by a value. */
static void closed(struct sim *s, struct owner *w, const uint8_t value[32])
{
    const struct known_order *k = truth_find(s, value);
    tell(s, "owner %u: knows that %llu is %s", w->index, (unsigned long long)w->next_seq,
         k != NULL ? "settled" : "void");
    if (k != NULL) {
        if (mr_signed_order_decode(&s->order, k->bytes, k->len) != MR_OK)
            mr_bug("own order");
        w->time_ms = s->order.order.time_ms;
        w->generation += k->kind == MR_KIND_SETKEYS;
        w->settled++;
    } else {
        w->voided++;
    }
    memcpy(w->prev, value, 32);
    w->next_seq++;
    w->open = w->cancelling = w->wondering = false;
    think(s, w);
}

static void again_in(struct sim *s, struct owner *w, uint64_t low_us, uint64_t high_us)
{
    wake_in(s, w, rng_between(&s->people, low_us, high_us));
}

/* What a node that is behind the others may say of an order that is right. */
static bool is_behind(enum mr_status st)
{
    return st == MR_ACCOUNT_UNKNOWN || st == MR_BAD_SIGNATURE || st == MR_SIGNATURES_MISSING ||
           st == MR_NOTHING_TO_CANCEL;
}

static void think_about(struct sim *s, struct owner *w, const struct copy *from, enum mr_status st)
{
    w->last = st;
    w->polls++;
    if (is_behind(st)) {
        /* Or the slot was closed by a change of keys: ask before cancelling again. */
        w->wondering = w->cancelling && !w->wondering;
        again_in(s, w, SECOND / 10, SECOND);
        return;
    }
    if (st == MR_SEQ_OLD || st == MR_SLOT_TAKEN) {
        w->wondering = st == MR_SEQ_OLD;
        again_in(s, w, SECOND / 10, SECOND);
        return;
    }
    switch (mr_next_after(st)) {
    case MR_NEXT_CLOSED:
        /* A node that cannot prove it yet: nothing is believed, another one is asked. */
        if (from->honest && !s->split && !truth_slot(s, w->index, w->next_seq)->settled)
            violated(s, "S21", "owner %u is told %s, and no node has settled that", w->index,
                     mr_status_name(st));
        /* Whoever has not the order proves what it is told of. */
        w->cancelling = w->wondering = false;
        again_in(s, w, SECOND / 4, 2 * SECOND);
        break;
    case MR_NEXT_WAIT:
    case MR_NEXT_REPEAT:
        w->wondering = false;
        again_in(s, w, SECOND / 4, 2 * SECOND);
        break;
    case MR_NEXT_CANCEL:
        s->counts.refused++;
        tell(s, "owner %u: %llu is refused: %s", w->index, (unsigned long long)w->next_seq,
             mr_status_name(st));
        w->cancelling = true;
        w->tries = 0;
        again_in(s, w, SECOND / 10, SECOND);
        break;
    }
}

/* A receipt holds whoever shows it (S20); an honest node shows no other (S21). */
static bool check_receipt(struct sim *s, const struct copy *from, struct owner *w,
                          const struct mr_receipt *r, uint8_t ret_value[32])
{
    struct mr_receipt_facts facts;
    const struct mr_chain chain = epochs_chain(s->handovers, s->epoch - 1);
    const enum mr_status st = mr_receipt_verify(&facts, &s->charter, &chain, r);
    const bool mine = memcmp(r->account, w->account, 16) == 0 && r->seq > 0;
    if (st != MR_OK || !mine) {
        if (from->honest)
            violated(s, "S20", "node %u sends a receipt that does not verify: %s", from->number,
                     mr_status_name(st));
        return false;
    }
    truth_receipt(s, w->index, r->seq, facts.value);
    if (from->honest && !s->split && !truth_slot(s, w->index, r->seq)->settled)
        violated(s, "S21", "node %u calls settled what no node has settled", from->number);
    memcpy(ret_value, facts.value, 32);
    return true;
}

void owner_reply(struct sim *s, struct event *ev)
{
    struct owner *w = &s->owners[ev->a];
    const struct copy *from = &s->copies[ev->c];
    uint8_t value[32];
    if (mr_reply_decode(&s->reply, ev->bytes, ev->len) != MR_OK)
        violated(s, "S26", "owner %u is sent a reply that cannot be read", w->index);
    const enum mr_status st = mr_status_from_number(s->reply.status);
    const struct mr_rep_slot *slot = &s->reply.body.u.slot;
    bool has = false;
    uint64_t seq = 0;
    if ((st == MR_SETTLED || st == MR_VOIDED) && slot->receipt_count > 0) {
        has = check_receipt(s, from, w, &slot->receipt[0], value);
        seq = slot->receipt[0].seq;
        if (!has)
            return;
    }
    if (!w->open || w->attempt != ev->b)
        return;
    if (has && seq == w->next_seq)
        closed(s, w, value);
    else if (!has)
        think_about(s, w, from, st);
}
