/* SUBMIT and CHECK: settle an order, keep it until it can be, or say why not. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/sign.h"

/* LED-13 */
static bool parks(enum mr_status st)
{
    return st == MR_SEQ_AHEAD || st == MR_TIME_AHEAD || st == MR_POLICY_UNKNOWN ||
           st == MR_PAYEE_UNKNOWN || st == MR_FUNDS_SHORT || st == MR_CAP_EXCEEDED ||
           st == MR_COVERAGE || st == MR_REDEMPTION_UNKNOWN;
}

/* --- SUBMIT ----------------------------------------------------------------------------------- */

/* Keep an order that must wait. */
static enum mr_status park(struct mr_engine *e, struct mr_state_pending *p,
                           const struct mr_req_submit *r, enum mr_status cause)
{
    struct mri_body body;
    struct mr_entry_parked *w = &p->parked[p->parked_count];
    if (p->parked_count == 4 || (p->parked_count == 0 && e->parked_count == MRI_PARKED_MAX))
        return MR_TOO_MANY;
    mri_say_order(e, &body, &r->order, r->memo_count > 0 ? r->memo : NULL);
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
    mri_pending_put(e, e->plan.rows[0].number, p);
    mri_parked_note(e, e->plan.rows[0].number, p);
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
enum mr_status mri_open_for_orders(const struct mr_engine *e)
{
    if (e->closing)
        return MR_STOPPING;
    if (e->ledger.meta.abstaining)
        return MR_ABSTAINING;
    return e->disk_full ? MR_DISK_FULL : MR_OK;
}

/* What the shell found out about the signatures, if it looked at the present keys. */
enum mr_status mri_signatures(const struct mr_event *ev, const struct mr_state_account *a)
{
    if (ev->u.request.generation != a->generation)
        return MR_BUSY; /* keys changed meanwhile: the same request will be looked at again */
    return ev->u.request.signatures;
}

/* The slot is behind the chain's head: the answer is what settled there. */
static enum mr_status settled_before(struct mr_engine *e, const struct mr_event *ev,
                                     const uint8_t id[32], bool *ret_done)
{
    const struct mri_row *chain = &e->plan.rows[0];
    const uint64_t seq = e->plan.order->seq;
    struct mr_state_slot slot;
    const enum mr_status st = mri_slot_get(&e->ledger, &slot, chain->number, seq);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_SEQ_OLD : st; /* seq 0 */
    if (memcmp(slot.value, id, 32) != 0 && !slot.voided)
        return MR_SEQ_OLD;
    mri_answer_slot(e, ev, chain->number, seq);
    *ret_done = true;
    return MR_OK;
}

/* Settle the order that was handed in; what waited in its slot makes way. */
static void settle_now(struct mr_engine *e, const struct mr_req_submit *r)
{
    struct mri_body body;
    mri_slot_init(&e->slot, e->config.charter->quorum);
    mri_say_order(e, &body, &r->order, r->memo_count > 0 ? r->memo : NULL);
    mri_settle(e, &body);
}

/* The order waits already: look again now, and say how it stands. The keys may have changed since
 * it was signed; what was handed in now is signed under the present ones. */
static enum mr_status held_before(struct mr_engine *e, const struct mr_event *ev)
{
    const struct mr_req_submit *r = &ev->u.request.request->body.u.submit;
    const uint64_t number = e->plan.rows[0].number, seq = e->plan.order->seq;
    const enum mr_status cause = mri_ledger_check(&e->ledger, &e->plan, e->now_ms);
    const int64_t missing = e->plan.missing;
    struct mr_state_slot slot;
    uint8_t id[32];
    mri_touch(e, number);
    enum mr_status st = mri_look_again(e);
    if (st == MR_OK)
        st = mri_slot_get(&e->ledger, &slot, number, seq);
    if (st == MR_NOT_FOUND && cause == MR_OK) {
        mr_order_id(id, &r->order.order);
        st = mri_ledger_prepare(&e->ledger, &e->plan, &r->order.order, id);
        if (st == MR_OK)
            st = mri_parked_settled(e, number, seq);
        if (st != MR_OK)
            return st;
        settle_now(e, r);
    }
    if (st == MR_OK)
        mri_answer_slot(e, ev, number, seq);
    else if (st == MR_NOT_FOUND)
        answer_parked(e, ev, cause == MR_OK ? MR_BUSY : cause, missing);
    return st == MR_NOT_FOUND ? MR_OK : st;
}

/* A new order for a free slot. Its answer is queued here unless it is refused. */
static enum mr_status take_order(struct mr_engine *e, const struct mr_event *ev,
                                 struct mr_state_pending *p, bool *ret_done)
{
    const struct mr_req_submit *r = &ev->u.request.request->body.u.submit;
    const struct mri_row *chain = &e->plan.rows[0];
    enum mr_status st = mri_ledger_check(&e->ledger, &e->plan, e->now_ms);
    if (st == MR_OK)
        st = mri_ledger_check_first(&e->ledger, &e->plan);
    if (st == MR_OK) {
        settle_now(e, r);
        mri_answer_slot(e, ev, chain->number, r->order.order.seq);
        *ret_done = true;
        return MR_OK;
    }
    if (!parks(st) || r->order.order.seq > chain->hot.chain.next_seq + 3)
        return st;
    const enum mr_status parked = park(e, p, r, st);
    if (parked != MR_PARKED)
        return parked;
    answer_parked(e, ev, st, e->plan.missing);
    *ret_done = true;
    return MR_OK;
}

/* Either queues an answer itself and returns MR_OK with *ret_done, or returns the status to answer
 * with. The order of the checks is LED-10's. */
static enum mr_status submit(struct mr_engine *e, const struct mr_event *ev, bool *ret_done)
{
    const struct mr_req_submit *r = &ev->u.request.request->body.u.submit;
    const struct mr_order *o = &r->order.order;
    const struct mri_row *chain = &e->plan.rows[0];
    struct mr_state_pending p;
    uint8_t id[32];
    if (memcmp(o->ledger, e->ledger.id, 32) != 0)
        return MR_WRONG_LEDGER;
    mr_order_id(id, o);
    const enum mr_status prepared = mri_ledger_prepare(&e->ledger, &e->plan, o, id);
    if (prepared != MR_OK && prepared != MR_WRONG_CHAIN)
        return prepared;
    if (o->seq < chain->hot.chain.next_seq)
        return settled_before(e, ev, id, ret_done);
    enum mr_status st = mri_signatures(ev, &chain->account);
    if (st == MR_OK)
        st = prepared;
    if (st == MR_OK)
        st = mri_open_for_orders(e);
    if (st == MR_OK)
        st = memo_fits(r, id);
    if (st == MR_OK)
        st = mri_pending_get(e, &p, chain->number);
    if (st != MR_OK)
        return st;
    const struct mr_entry_parked *held = mri_parked_in(&p, o->seq);
    if (held == NULL)
        return take_order(e, ev, &p, ret_done);
    if (memcmp(held->order, id, 32) != 0)
        return MR_SLOT_TAKEN;
    *ret_done = true;
    return held_before(e, ev);
}

bool mri_is_trouble(enum mr_status st)
{
    return st == MR_DAMAGED || st == MR_IO_ERROR || st == MR_NO_MEMORY;
}

void mri_submit(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble)
{
    bool done = false;
    const enum mr_status st = submit(e, ev, &done);
    if (mri_is_trouble(st)) {
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
    enum mr_status st = mri_open_for_orders(e);
    if (st == MR_OK)
        st = mri_ledger_prepare(&e->ledger, &e->plan, o, id);
    if (st == MR_WRONG_CHAIN && o->seq < e->plan.rows[0].hot.chain.next_seq)
        st = MR_SEQ_OLD;
    if (st == MR_OK)
        st = mri_ledger_check(&e->ledger, &e->plan, e->now_ms);
    if (st == MR_OK)
        st = mri_ledger_check_first(&e->ledger, &e->plan);
    *ret_missing = e->plan.missing;
    return st;
}
