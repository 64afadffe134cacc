/* SUBMIT and CHECK: settle an order, keep it until it can be, or say why not. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/sign.h"

/* LED-13 */
bool mri_parks(enum mr_status st)
{
    return st == MR_SEQ_AHEAD || st == MR_TIME_AHEAD || st == MR_POLICY_UNKNOWN ||
           st == MR_PAYEE_UNKNOWN || st == MR_FUNDS_SHORT || st == MR_CAP_EXCEEDED ||
           st == MR_COVERAGE || st == MR_REDEMPTION_UNKNOWN || st == MR_KEYS_UNKNOWN ||
           st == MR_RECOVERY_UNKNOWN;
}

/* --- SUBMIT ----------------------------------------------------------------------------------- */

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
    const enum mr_status mode = mri_mode(e);
    return mode == MR_BEHIND ? MR_OK : mode;
}

/* What the shell found out about the signatures, if it looked at the right keys. */
enum mr_status mri_signatures(const struct mr_event *ev, uint32_t generation)
{
    if (ev->u.request.generation != generation)
        return MR_BUSY; /* keys changed meanwhile: the same request will be looked at again */
    return ev->u.request.signatures;
}

static enum mr_status order_signatures(const struct mr_engine *e, const struct mr_event *ev)
{
    const struct mr_order *o = &ev->u.request.request->body.u.submit.order.order;
    uint32_t generation = e->plan.rows[0].account.generation;
    struct mr_keyset named;
    enum mr_status st = MR_OK;
    if (o->body.kind == MR_KIND_TAKEOVER)
        st = mri_ledger_signers(&e->ledger, &named, &generation, o);
    return st == MR_OK ? mri_signatures(ev, generation) : st;
}

/* What settled in an epoch before, and of which this node has not the order, as one that joined
 * later: the caller has brought it. */
static enum mr_status answer_with(struct mr_engine *e, const struct mr_event *ev, uint64_t number,
                                  const struct mr_state_slot *slot)
{
    const struct mr_signed_order *const o = &ev->u.request.request->body.u.submit.order;
    struct mr_rep_slot *const s = &mri_reply(e, MR_REQ_SUBMIT)->body.u.slot;
    const enum mr_status st = mri_receipt(e, &s->receipt[0], number, o->order.seq, slot);
    if (st != MR_BODY_ERASED && st != MR_NOT_FOUND)
        return st == MR_OK ? MR_DAMAGED : st;
    if (st == MR_NOT_FOUND)
        mri_anew_want(e, number, o->order.seq);
    s->receipt_count = st == MR_BODY_ERASED;
    s->receipt[0].order[0] = *o;
    s->time_ms = slot->time_ms;
    mri_answer(e, ev, MR_SETTLED);
    return MR_OK;
}

/* The slot is behind the chain's head: the answer is what settled there. */
static enum mr_status settled_before(struct mr_engine *e, const struct mr_event *ev,
                                     const uint8_t id[32], bool *ret_done)
{
    const struct mri_row *chain = &e->plan.rows[0];
    const uint64_t seq = e->plan.order->seq;
    struct mr_state_slot slot;
    enum mr_status st = mri_slot_get(&e->ledger, &slot, chain->number, seq);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_SEQ_OLD : st; /* seq 0 */
    if (memcmp(slot.value, id, 32) != 0 && !slot.voided)
        return MR_SEQ_OLD;
    *ret_done = true;
    if (!slot.voided && mri_is_past(e, &slot))
        st = mri_read_body(e, &e->body, slot.body_at, slot.body_len);
    if (st == MR_BODY_ERASED)
        return answer_with(e, ev, chain->number, &slot);
    if (st == MR_OK)
        mri_answer_slot(e, ev, chain->number, seq);
    return st;
}

/* Do what is due in the slot now, and answer: with what settled, with what the order waits for, or
 * later, when the nodes have voted. */
static enum mr_status work_and_answer(struct mr_engine *e, const struct mr_event *ev,
                                      uint64_t number)
{
    const struct mr_order *const o = &ev->u.request.request->body.u.submit.order.order;
    struct mr_state_slot settled;
    struct mri_open *slot = mri_open_find(e, o->account, o->seq);
    enum mr_status st = slot != NULL ? mri_work_on(e, slot) : MR_OK;
    if (st == MR_OK)
        st = mri_slot_get(&e->ledger, &settled, number, o->seq);
    if (st == MR_OK) {
        mri_answer_slot(e, ev, number, o->seq);
        return MR_OK;
    }
    if (st != MR_NOT_FOUND)
        return st;
    slot = mri_open_find(e, o->account, o->seq);
    if (slot == NULL)
        return MR_EXPIRED; /* it lapsed while it waited */
    if ((slot->cause == MR_OK || slot->s.voted) && mri_open_ask(e, slot, ev))
        return MR_OK;
    struct mr_reply *const r = mri_reply(e, ev->u.request.request->body.kind);
    st = mri_open_stage(e, slot, &r->body.u.submit);
    if (mri_is_trouble(st))
        return st;
    r->body.u.submit.order_count = 0; /* the caller has it */
    mri_answer(e, ev, st);
    return MR_OK;
}

/* A new order for a slot. Its answer is queued here unless it is refused. */
static enum mr_status take_order(struct mr_engine *e, const struct mr_event *ev,
                                 const uint8_t id[32], bool *ret_done)
{
    const struct mr_req_submit *r = &ev->u.request.request->body.u.submit;
    const struct mri_row *chain = &e->plan.rows[0];
    const uint64_t number = chain->number;
    enum mr_status st = mri_ledger_check(&e->ledger, &e->plan, e->now_ms);
    const enum mr_status first = st == MR_OK ? mri_ledger_check_first(&e->ledger, &e->plan) : MR_OK;
    if (first != MR_OK)
        return first;
    if (st != MR_OK &&
        (!mri_parks(st) || r->order.order.seq >= chain->hot.chain.next_seq + MRI_PARKED_A_CHAIN))
        return st;
    if (st != MR_OK && e->opens.parked >= MRI_PARKED_MAX)
        return MR_TOO_MANY;
    struct mri_open *const slot = mri_open_get(e, r->order.order.account, r->order.order.seq, 0);
    if (slot == NULL)
        return MR_TOO_MANY;
    if (mri_keep(e, slot, &r->order, id, r->memo_count > 0 ? r->memo : NULL,
                 ev->u.request.generation) == NULL)
        return MR_SLOT_TAKEN;
    mri_open_cause(e, slot, st, e->plan.missing);
    *ret_done = true;
    return work_and_answer(e, ev, number);
}

/* Another order holds the slot. It is evidence of two orders of one owner, and nodes may have to
 * choose: the second one is kept, but not taken. */
static enum mr_status keep_second(struct mr_engine *e, const struct mr_event *ev,
                                  struct mri_open *slot, const uint8_t id[32])
{
    const struct mr_req_submit *r = &ev->u.request.request->body.u.submit;
    if (e->committee.count > 1 && slot->s.votes_count > 0) {
        mri_keep(e, slot, &r->order, id, r->memo_count > 0 ? r->memo : NULL,
                 ev->u.request.generation);
        mri_keep_say(e, slot);
    }
    return MR_SLOT_TAKEN;
}

/* Either queues an answer itself and returns MR_OK with *ret_done, or returns the status to answer
 * with. The order of the checks is LED-10's. */
static enum mr_status submit(struct mr_engine *e, const struct mr_event *ev, bool *ret_done)
{
    const struct mr_req_submit *r = &ev->u.request.request->body.u.submit;
    const struct mr_order *o = &r->order.order;
    const struct mri_row *chain = &e->plan.rows[0];
    uint8_t id[32];
    if (memcmp(o->ledger, e->ledger.id, 32) != 0)
        return MR_WRONG_LEDGER;
    mr_order_id(id, o);
    const enum mr_status prepared = mri_ledger_prepare(&e->ledger, &e->plan, o, id);
    if (prepared != MR_OK && prepared != MR_WRONG_CHAIN)
        return prepared;
    if (o->seq < chain->hot.chain.next_seq)
        return settled_before(e, ev, id, ret_done);
    enum mr_status st = order_signatures(e, ev);
    if (st == MR_OK)
        st = prepared;
    if (st == MR_OK)
        st = mri_open_for_orders(e);
    if (st == MR_OK)
        st = memo_fits(r, id);
    if (st != MR_OK)
        return st;
    e->planned = &r->order;
    e->planned_at = e->ledger.meta.settled;
    struct mri_open *const slot = mri_open_find(e, o->account, o->seq);
    if (slot == NULL || slot->s.orders_count == 0)
        return take_order(e, ev, id, ret_done);
    struct mri_candidate *const held = mri_slot_order(&slot->s, id);
    if (held == NULL)
        return keep_second(e, ev, slot, id);
    if (held->verified != ev->u.request.generation)
        mri_keep_instead(e, slot, held, &ev->u.request.request->body.u.submit.order, NULL,
                         ev->u.request.generation);
    *ret_done = true;
    return work_and_answer(e, ev, chain->number);
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
    if (done && st == MR_OK)
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
