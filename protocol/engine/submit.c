/* Orders: vote, acknowledge, settle; park what must wait; void what is cancelled. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/order.h"

enum { RECORD_MAX = 2048, PARKED_RETRY_MS = 1000 };

/* LED-13 */
static bool parks(enum mr_status st)
{
    return st == MR_SEQ_AHEAD || st == MR_TIME_AHEAD || st == MR_POLICY_UNKNOWN ||
           st == MR_PAYEE_UNKNOWN || st == MR_FUNDS_SHORT || st == MR_CAP_EXCEEDED ||
           st == MR_COVERAGE || st == MR_REDEMPTION_UNKNOWN;
}

/* --- what waits for a chain ------------------------------------------------------------------------- */

static enum mr_status pending_get(struct mr_engine *e, struct mr_state_pending *ret,
                                  uint64_t number)
{
    uint8_t bytes[RECORD_MAX], key[8];
    size_t len;
    const enum mr_status st = mri_view_get(&e->view, MR_TABLE_PENDING, key,
                                           mri_key_u64(key, number), bytes, sizeof bytes, &len);
    if (st == MR_NOT_FOUND) {
        *ret = (struct mr_state_pending){.cert_ballot = MR_BALLOT_NONE};
        return MR_OK;
    }
    if (st != MR_OK)
        return st;
    return mr_state_pending_decode(ret, bytes, len) == MR_OK ? MR_OK : MR_DAMAGED;
}

static void pending_put(struct mr_engine *e, uint64_t number, const struct mr_state_pending *p)
{
    uint8_t bytes[RECORD_MAX], key[8];
    mri_key_u64(key, number);
    if (p->parked_count == 0)
        mri_view_put(&e->view, MR_TABLE_PENDING, key, 8, NULL, 0);
    else
        mri_view_put(&e->view, MR_TABLE_PENDING, key, 8, bytes,
                     mr_state_pending_encode(p, bytes, sizeof bytes));
}

static struct mri_parked *parked_find(struct mr_engine *e, uint64_t number)
{
    for (uint32_t i = 0; i < e->parked_count; i++)
        if (e->parked[i].number == number)
            return &e->parked[i];
    return NULL;
}

/* Keep the list in memory in step with the pending record. */
static void parked_note(struct mr_engine *e, uint64_t number, const struct mr_state_pending *p)
{
    struct mri_parked *w = parked_find(e, number);
    if (p->parked_count == 0) {
        if (w != NULL)
            *w = e->parked[--e->parked_count];
        return;
    }
    if (w == NULL) {
        mr_assert(e->parked_count < MRI_PARKED_MAX);
        w = &e->parked[e->parked_count++];
        *w = (struct mri_parked){.number = number};
    }
    w->retry_ms = e->now_ms + PARKED_RETRY_MS;
    w->not_after_ms = UINT64_MAX;
    for (uint32_t i = 0; i < p->parked_count; i++)
        if (p->parked[i].not_after_ms < w->not_after_ms)
            w->not_after_ms = p->parked[i].not_after_ms;
}

static void pending_remove(struct mr_state_pending *p, uint32_t at)
{
    memmove(p->parked + at, p->parked + at + 1,
            (p->parked_count - at - 1) * sizeof p->parked[0]);
    p->parked_count--;
}

static const struct mr_entry_parked *parked_in(const struct mr_state_pending *p, uint64_t seq)
{
    for (uint32_t i = 0; i < p->parked_count; i++)
        if (p->parked[i].seq == seq)
            return &p->parked[i];
    return NULL;
}

void mri_touch(struct mr_engine *e, uint64_t number)
{
    e->touched[number * 0x9e3779b97f4a7c15u >> 58] |= UINT64_C(1) << (number & 63);
    struct mri_parked *w = e->parked_count > 0 ? parked_find(e, number) : NULL;
    if (w != NULL)
        w->due = true;
}

static bool each_parked(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                        size_t value_len)
{
    struct mr_engine *e = ctx;
    struct mr_state_pending p;
    if (key_len != 8 || e->parked_count == MRI_PARKED_MAX ||
        mr_state_pending_decode(&p, value, value_len) != MR_OK)
        return false;
    parked_note(e, mri_key_read(key), &p);
    return true;
}

/* Replay notes what it parks itself; this adds what the store held before. */
enum mr_status mri_parked_load(struct mr_engine *e)
{
    struct mr_store *s = e->config.store;
    const enum mr_status st = s->api->walk(s, MR_TABLE_PENDING, NULL, 0, each_parked, e);
    for (uint32_t i = 0; st == MR_OK && i < e->parked_count;) {
        struct mr_state_pending p;
        const uint64_t number = e->parked[i].number;
        const enum mr_status got = pending_get(e, &p, number);
        if (got != MR_OK)
            return got;
        parked_note(e, number, &p);
        if (i < e->parked_count && e->parked[i].number == number)
            i++;
    }
    return st;
}

enum mr_status mri_parked_replay(struct mr_engine *e, const struct mr_entry_parked *w)
{
    struct mr_state_pending p;
    uint64_t number;
    enum mr_status st = mri_account_number(&e->ledger, &number, w->account);
    if (st == MR_OK)
        st = pending_get(e, &p, number);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    /* What had lapsed was dropped without a word: it may still be listed here. */
    for (uint32_t i = 0; i < p.parked_count;)
        if (p.parked[i].seq == w->seq || p.parked_count == 4)
            pending_remove(&p, i);
        else
            i++;
    p.parked[p.parked_count++] = *w;
    pending_put(e, number, &p);
    parked_note(e, number, &p);
    return MR_OK;
}

enum mr_status mri_parked_settled(struct mr_engine *e, uint64_t number, uint64_t seq)
{
    struct mr_state_pending p;
    const enum mr_status st = pending_get(e, &p, number);
    if (st != MR_OK || p.parked_count == 0)
        return st;
    for (uint32_t i = 0; i < p.parked_count;)
        if (p.parked[i].seq <= seq)
            pending_remove(&p, i);
        else
            i++;
    pending_put(e, number, &p);
    parked_note(e, number, &p);
    return MR_OK;
}

/* --- settling --------------------------------------------------------------------------------------- */

/* Say VOTE and ACK for a value and settle, through the slot's rules. With a quorum of one they
 * follow from each other in one turn. */
static void decide(struct mr_engine *e, struct mr_entry_settled *s)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_VOTE,
                           .u.vote = {.seq = s->seq, .ballot = s->ballot}};
    memcpy(leaf.u.vote.account, s->account, 16);
    memcpy(leaf.u.vote.value, s->value, 32);
    mri_slot_vote(&e->slot, s->ballot, s->value);
    const uint64_t vote = mri_say_leaf(e, &leaf);
    const bool certified =
        mri_slot_on_vote(&e->slot, e->config.node, s->ballot, s->value, vote);
    mr_assert(certified);
    leaf.kind = MR_LEAF_ACK;
    leaf.u.ack = (struct mr_leaf_ack){.seq = s->seq, .ballot = s->ballot};
    memcpy(leaf.u.ack.account, s->account, 16);
    memcpy(leaf.u.ack.value, s->value, 32);
    mri_slot_certificate(leaf.u.ack.certificate, &e->slot);
    s->ack_index = mri_say_leaf(e, &leaf);
    const bool settled = mri_slot_on_ack(&e->slot, e->config.node, s->ballot, s->value);
    mr_assert(settled);
    s->time_ms = e->now_ms;
}

static void say_settled(struct mr_engine *e)
{
    e->entry.kind = MR_ENTRY_SETTLED;
    mri_say(e, &e->entry);
}

/* Settle the order in e->plan, whose checks have passed. Its body stands in the journal already. */
static void settle(struct mr_engine *e, const struct mri_body *body)
{
    struct mr_entry_settled *s = &e->entry.u.settled;
    memcpy(s->account, e->plan.order->account, 16);
    s->seq = e->plan.order->seq;
    s->ballot = 0;
    memcpy(s->value, e->plan.order_id, 32);
    s->voided = false;
    s->body_at = body->at;
    s->body_len = body->len;
    s->memo_at = body->memo_at;
    s->memo_len = body->memo_len;
    s->postings_count = e->plan.postings_count;
    memcpy(s->postings, e->plan.postings, e->plan.postings_count * sizeof s->postings[0]);
    decide(e, s);
    mri_ledger_apply(&e->ledger, &e->plan, s);
    say_settled(e);
    for (uint32_t i = 0; i < e->plan.rows_count; i++)
        mri_touch(e, e->plan.rows[i].number);
}

/* The order's and its memo's place in the bodies. */
static void say_order(struct mr_engine *e, struct mri_body *ret, const struct mr_signed_order *o,
                      const struct mr_memo_box *memo)
{
    static struct mr_body body; /* large; the engine is one thread */
    *ret = (struct mri_body){0};
    body.kind = MR_BODY_ORDER;
    body.u.order = *o;
    mri_say_body(e, &ret->at, &ret->len, &body);
    if (memo != NULL) {
        body.kind = MR_BODY_MEMO;
        body.u.memo = *memo;
        mri_say_body(e, &ret->memo_at, &ret->memo_len, &body);
    }
}

/* --- SUBMIT ----------------------------------------------------------------------------------------- */

/* Keep an order that must wait. */
static enum mr_status park(struct mr_engine *e, struct mr_state_pending *p,
                           const struct mr_req_submit *r, enum mr_status cause)
{
    struct mri_body body;
    struct mr_entry_parked *w = &p->parked[p->parked_count];
    if (p->parked_count == 4 || (p->parked_count == 0 && e->parked_count == MRI_PARKED_MAX))
        return MR_TOO_MANY;
    say_order(e, &body, &r->order, r->memo_count > 0 ? r->memo : NULL);
    *w = (struct mr_entry_parked){.seq = r->order.order.seq,
                                  .not_after_ms = r->order.order.not_after_ms,
                                  .cause = (uint32_t)cause,
                                  .body_at = body.at,
                                  .body_len = body.len,
                                  .memo_at = body.memo_at,
                                  .memo_len = body.memo_len};
    memcpy(w->account, r->order.order.account, 16);
    memcpy(w->order, e->plan.order_id, 32);
    p->parked_count++;
    e->entry.kind = MR_ENTRY_PARKED;
    e->entry.u.parked = *w;
    mri_say(e, &e->entry);
    pending_put(e, e->plan.rows[0].number, p);
    parked_note(e, e->plan.rows[0].number, p);
    return MR_PARKED;
}

/* Answer PARKED with cause and the order that holds the slot. */
static void answer_parked(struct mr_engine *e, const struct mr_event *ev, enum mr_status cause,
                          int64_t missing)
{
    struct mr_reply *r = mri_reply(e, ev->u.request.request->body.kind);
    r->body.u.submit.cause = (uint32_t)cause;
    r->body.u.submit.missing = missing;
    mri_answer(e, ev, MR_PARKED);
}

static enum mr_status memo_fits(const struct mr_req_submit *r, const uint8_t id[32])
{
    static const uint8_t none[32] = {0};
    const bool has = memcmp(r->order.order.memo, none, 32) != 0;
    if (r->memo_count > 0 && (!has || memcmp(r->memo[0].order, id, 32) != 0))
        return MR_OUT_OF_RANGE;
    return MR_OK;
}

/* Whether this node takes orders at all. */
static enum mr_status open_for_orders(const struct mr_engine *e)
{
    if (e->closing)
        return MR_STOPPING;
    if (e->ledger.meta.abstaining)
        return MR_ABSTAINING;
    return e->disk_full ? MR_DISK_FULL : MR_OK;
}

/* What the shell found out about the signatures, if it looked at the present keys. */
static enum mr_status signatures(const struct mr_engine *e, const struct mr_event *ev,
                                 const struct mr_state_account *a)
{
    (void)e;
    if (ev->u.request.generation != a->generation)
        return MR_BUSY; /* keys changed meanwhile: the same request will be looked at again */
    return ev->u.request.signatures;
}

/* SUBMIT of an order for the chain in e->plan.rows[0]. Either queues an answer itself and returns
 * MR_OK with *ret_done, or returns the status to answer with. */
static enum mr_status submit(struct mr_engine *e, const struct mr_event *ev, bool *ret_done)
{
    const struct mr_req_submit *r = &ev->u.request.request->body.u.submit;
    const struct mr_order *o = &r->order.order;
    struct mr_state_slot slot;
    struct mr_state_pending p;
    uint8_t id[32];
    mr_order_id(id, o);
    if (memcmp(o->ledger, e->ledger.id, 32) != 0)
        return MR_WRONG_LEDGER;
    enum mr_status st = mri_ledger_prepare(&e->ledger, &e->plan, o, id);
    const struct mri_row *chain = &e->plan.rows[0];
    if (st != MR_OK && st != MR_WRONG_CHAIN)
        return st;
    if (o->seq < chain->hot.chain.next_seq) {
        enum mr_status got = mri_slot_get(&e->ledger, &slot, chain->number, o->seq);
        if (got != MR_OK)
            return got == MR_NOT_FOUND ? MR_OUT_OF_RANGE : got;
        if (memcmp(slot.value, id, 32) != 0 && !slot.voided)
            return MR_SEQ_OLD;
        mri_answer_slot(e, ev, chain->number, o->seq);
        *ret_done = true;
        return MR_OK;
    }
    enum mr_status signed_well = signatures(e, ev, &chain->account);
    if (signed_well != MR_OK)
        return signed_well;
    if (st == MR_OK)
        st = open_for_orders(e);
    if (st == MR_OK)
        st = memo_fits(r, id);
    if (st == MR_OK)
        st = pending_get(e, &p, chain->number);
    if (st != MR_OK)
        return st;
    const struct mr_entry_parked *held = parked_in(&p, o->seq);
    if (held != NULL && memcmp(held->order, id, 32) != 0)
        return MR_SLOT_TAKEN;
    st = mri_ledger_check(&e->ledger, &e->plan, e->now_ms);
    if (held != NULL) {
        *ret_done = true; /* it is looked at again in this step if it has become right */
        mri_touch(e, chain->number);
        if (st == MR_OK) {
            st = mri_look_again(e);
            if (st != MR_OK)
                return st;
            mri_answer_slot(e, ev, chain->number, o->seq);
            return MR_OK;
        }
        answer_parked(e, ev, st, e->plan.missing);
        return MR_OK;
    }
    if (st == MR_OK)
        st = mri_ledger_check_first(&e->ledger, &e->plan);
    if (st == MR_OK) {
        struct mri_body body;
        mri_slot_init(&e->slot, e->config.charter->quorum);
        say_order(e, &body, &r->order, r->memo_count > 0 ? r->memo : NULL);
        settle(e, &body);
        mri_answer_slot(e, ev, chain->number, o->seq);
        *ret_done = true;
        return MR_OK;
    }
    if (!parks(st) || o->seq > chain->hot.chain.next_seq + 3)
        return st;
    const int64_t missing = e->plan.missing;
    const enum mr_status parked = park(e, &p, r, st);
    if (parked != MR_PARKED)
        return parked;
    answer_parked(e, ev, st, missing);
    *ret_done = true;
    return MR_OK;
}

static bool is_trouble(enum mr_status st)
{
    return st == MR_DAMAGED || st == MR_IO_ERROR || st == MR_NO_MEMORY;
}

void mri_submit(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble)
{
    bool done = false;
    const enum mr_status st = submit(e, ev, &done);
    if (is_trouble(st)) {
        *ret_trouble = st;
        return;
    }
    if (done)
        return;
    struct mr_reply *r = mri_reply(e, MR_REQ_SUBMIT);
    r->body.u.submit.missing = e->plan.missing;
    mri_answer(e, ev, st);
}

enum mr_status mri_check_order(struct mr_engine *e, const struct mr_order *o, int64_t *ret_missing)
{
    uint8_t id[32];
    *ret_missing = 0;
    if (memcmp(o->ledger, e->ledger.id, 32) != 0)
        return MR_WRONG_LEDGER;
    mr_order_id(id, o);
    enum mr_status st = open_for_orders(e);
    if (st == MR_OK)
        st = mri_ledger_prepare(&e->ledger, &e->plan, o, id);
    if (st == MR_OK)
        st = mri_ledger_check(&e->ledger, &e->plan, e->now_ms);
    if (st == MR_OK)
        st = mri_ledger_check_first(&e->ledger, &e->plan);
    *ret_missing = e->plan.missing;
    return st;
}

/* --- CANCEL ----------------------------------------------------------------------------------------- */

/* Void the next slot of a chain by ballot 1, allowed by a trigger. */
static enum mr_status void_slot(struct mr_engine *e, const uint8_t account[16], uint64_t number,
                                uint64_t seq, const uint8_t trigger[32])
{
    static const uint8_t no_value[32] = {0};
    struct mr_leaf leaf = {.kind = MR_LEAF_UNLOCK,
                           .u.unlock = {.seq = seq, .ballot = 1, .cert_ballot = MR_BALLOT_NONE}};
    struct mr_entry_settled *s = &e->entry.u.settled;
    struct mr_state_pending p;
    uint8_t must[32];
    enum mr_status st = pending_get(e, &p, number);
    if (st != MR_OK)
        return st;
    mri_slot_init(&e->slot, e->config.charter->quorum);
    memcpy(leaf.u.unlock.account, account, 16);
    memcpy(leaf.u.unlock.trigger, trigger, 32);
    const bool promised = mri_slot_unlock(&e->slot, 1);
    mr_assert(promised);
    mri_say_leaf(e, &leaf);
    const bool reported =
        mri_slot_on_unlock(&e->slot, e->config.node, 1, MR_BALLOT_NONE, no_value);
    mr_assert(reported);
    /* An order that was acknowledged settled in its own turn, so no report can name one here. */
    mr_assert(!mri_slot_must_propose(&e->slot, must, 1));
    *s = (struct mr_entry_settled){.seq = seq, .ballot = 1, .voided = true};
    memcpy(s->account, account, 16);
    mr_void_id(s->value, e->ledger.id, account, seq);
    decide(e, s);
    st = mri_ledger_void(&e->ledger, s);
    if (st != MR_OK)
        return st;
    say_settled(e);
    for (uint32_t i = 0; i < p.parked_count; i++)
        if (p.parked[i].seq == seq)
            pending_remove(&p, i--);
    pending_put(e, number, &p);
    parked_note(e, number, &p);
    mri_touch(e, number);
    return MR_OK;
}

static enum mr_status cancel(struct mr_engine *e, const struct mr_event *ev, bool *ret_done)
{
    const struct mr_signed_cancel *c = &ev->u.request.request->body.u.cancel;
    struct mr_state_account a;
    struct mr_state_hot hot;
    uint64_t number;
    if (memcmp(c->cancel.ledger, e->ledger.id, 32) != 0)
        return MR_WRONG_LEDGER;
    enum mr_status st = mri_account_number(&e->ledger, &number, c->cancel.account);
    if (st == MR_OK)
        st = mri_account_get(&e->ledger, &a, number);
    if (st == MR_OK)
        st = mri_hot_get(&e->ledger, &hot, number);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_ACCOUNT_UNKNOWN : st;
    if (hot.chain.next_seq == 0)
        return MR_ACCOUNT_UNKNOWN;
    st = signatures(e, ev, &a);
    if (st != MR_OK)
        return st;
    if (c->cancel.seq == 0 || c->cancel.seq > hot.chain.next_seq || a.closed)
        return MR_NOTHING_TO_CANCEL;
    if (c->cancel.seq == hot.chain.next_seq) {
        static struct mr_body body;
        uint8_t trigger[32], bytes[2048];
        uint64_t at;
        uint32_t len;
        st = open_for_orders(e);
        if (st != MR_OK)
            return st;
        body.kind = MR_BODY_CANCEL;
        body.u.cancel = *c;
        mri_say_body(e, &at, &len, &body);
        mr_hash(trigger, "mereau/trigger", bytes,
                mr_signed_cancel_encode(c, bytes, sizeof bytes), NULL, 0);
        st = void_slot(e, c->cancel.account, number, c->cancel.seq, trigger);
        if (st != MR_OK)
            return st;
    }
    mri_answer_slot(e, ev, number, c->cancel.seq);
    *ret_done = true;
    return MR_OK;
}

void mri_cancel(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble)
{
    bool done = false;
    const enum mr_status st = cancel(e, ev, &done);
    if (is_trouble(st)) {
        *ret_trouble = st;
        return;
    }
    if (!done) {
        mri_reply(e, MR_REQ_CANCEL);
        mri_answer(e, ev, st);
    }
}

/* --- looking again ---------------------------------------------------------------------------------- */

/* The next order of a chain that waits: settle it if it has become right, drop it when its time has
 * passed. Sets *ret_more when a later one of the same chain may follow. */
static enum mr_status look(struct mr_engine *e, uint64_t number, bool *ret_more)
{
    static struct mr_body body;
    struct mr_state_pending p;
    struct mr_state_hot hot;
    uint8_t id[32];
    *ret_more = false;
    enum mr_status st = pending_get(e, &p, number);
    if (st == MR_OK)
        st = mri_hot_get(&e->ledger, &hot, number);
    for (uint32_t i = 0; st == MR_OK && i < p.parked_count;) {
        const struct mr_entry_parked w = p.parked[i];
        if (w.seq < hot.chain.next_seq || e->now_ms > w.not_after_ms) {
            pending_remove(&p, i);
            pending_put(e, number, &p);
            continue;
        }
        i++;
        if (w.seq != hot.chain.next_seq || *ret_more)
            continue;
        st = mri_read_body(e, &body, w.body_at, w.body_len);
        if (st != MR_OK || body.kind != MR_BODY_ORDER)
            return st == MR_OK ? MR_DAMAGED : st;
        mr_order_id(id, &body.u.order.order);
        st = mri_ledger_prepare(&e->ledger, &e->plan, &body.u.order.order, id);
        if (st == MR_OK)
            st = mri_ledger_check(&e->ledger, &e->plan, e->now_ms);
        if (st == MR_OK) {
            const struct mri_body at = {w.body_at, w.memo_at, w.body_len, w.memo_len};
            pending_remove(&p, --i);
            pending_put(e, number, &p);
            mri_slot_init(&e->slot, e->config.charter->quorum);
            settle(e, &at);
            *ret_more = true;
        }
        st = is_trouble(st) ? st : MR_OK;
    }
    if (st == MR_OK)
        parked_note(e, number, &p);
    return st;
}

enum mr_status mri_look_again(struct mr_engine *e)
{
    enum mr_status st = MR_OK;
    if (open_for_orders(e) != MR_OK)
        return MR_OK;
    for (uint32_t i = 0; st == MR_OK && i < e->parked_count;) {
        struct mri_parked *w = &e->parked[i];
        const uint64_t number = w->number;
        bool more;
        if (!w->due && e->now_ms <= w->not_after_ms && e->now_ms < w->retry_ms) {
            i++;
            continue;
        }
        if (!mr_engine_ready(e))
            return MR_OK; /* due ones are met again in the next turn */
        w->due = false;
        st = mri_view_reserve(&e->view);
        if (st == MR_OK)
            st = look(e, number, &more);
        if (st == MR_OK && more) {
            w = parked_find(e, number);
            if (w != NULL)
                w->due = true;
            i = 0; /* what it paid may free another one that waits */
            continue;
        }
        if (i < e->parked_count && e->parked[i].number == number)
            i++;
    }
    return st;
}

/* --- checkpoints ------------------------------------------------------------------------------------ */

enum mr_status mri_checkpoint(struct mr_engine *e, const struct mr_checkpoint *c)
{
    static struct mr_signed_order o;
    struct mri_body body;
    struct mr_state_hot hot;
    uint8_t bytes[RECORD_MAX], id[32];
    if (open_for_orders(e) != MR_OK || !mr_engine_ready(e))
        return MR_OK;
    enum mr_status st = mri_hot_get(&e->ledger, &hot, e->ledger.checkpoints);
    if (st != MR_OK)
        return st;
    struct mr_order *k = &o.order;
    *k = (struct mr_order){.version = 1, .seq = hot.chain.next_seq};
    memcpy(k->ledger, e->ledger.id, 32);
    mr_sub_account(k->account, NULL, MR_CLASS_CHECKPOINTS);
    memcpy(k->prev, hot.chain.head, 32);
    k->time_ms = e->now_ms > hot.chain.time_ms ? e->now_ms : hot.chain.time_ms;
    k->not_after_ms = k->time_ms + MR_DAY_MS;
    const struct mr_policy *policy =
        mri_policy_on(&e->ledger, (uint32_t)(k->time_ms / MR_DAY_MS));
    mr_assert(policy != NULL);
    k->policy = policy->version;
    k->body.kind = MR_KIND_CHECKPOINT;
    k->body.u.checkpoint = *c;
    k->body.u.checkpoint.number = e->ledger.meta.checkpoints + 1;
    st = mri_tree_root(&e->tree, k->body.u.checkpoint.log_root, c->log_size);
    if (st != MR_OK)
        return st;
    o.sigs_count = 1;
    o.sigs[0].key_index = e->config.node - 1;
    mr_sign(o.sigs[0].sig, MR_PURPOSE_CHECKPOINT, e->ledger.id, e->ledger.meta.epoch, bytes,
            mr_order_encode(k, bytes, sizeof bytes), e->config.log_key);
    mr_order_id(id, k);
    st = mri_ledger_prepare(&e->ledger, &e->plan, k, id);
    if (st == MR_OK)
        st = mri_ledger_check(&e->ledger, &e->plan, e->now_ms);
    if (st != MR_OK)
        return is_trouble(st) ? st : MR_OK;
    mri_slot_init(&e->slot, e->config.charter->quorum);
    say_order(e, &body, &o, NULL);
    settle(e, &body);
    return MR_OK;
}
