/* CANCEL: close the next slot of a chain without effect. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/sign.h"

/* --- CANCEL ----------------------------------------------------------------------------------- */

/* Begin the ballot that closes the slot; the answer follows when it is closed. */
static enum mr_status close_slot(struct mr_engine *e, const struct mr_event *ev,
                                 const struct mr_signed_cancel *c, uint64_t number, bool *ret_done)
{
    struct mr_state_slot settled;
    enum mr_status st = mri_open_for_orders(e);
    if (st != MR_OK)
        return st;
    struct mri_open *slot = mri_open_get(e, c->cancel.account, c->cancel.seq, 0);
    if (slot == NULL)
        return MR_TOO_MANY;
    if (!slot->s.triggered || slot->s.trigger.kind != MR_TRIGGER_CANCEL)
        mri_trigger(e, slot, MR_TRIGGER_CANCEL, c);
    st = mri_work_on(e, slot);
    if (st == MR_OK)
        st = mri_slot_get(&e->ledger, &settled, number, c->cancel.seq);
    *ret_done = true;
    if (st == MR_OK) {
        mri_answer_slot(e, ev, number, c->cancel.seq);
        return MR_OK;
    }
    if (st != MR_NOT_FOUND)
        return st;
    slot = mri_open_find(e, c->cancel.account, c->cancel.seq);
    if (slot != NULL && mri_open_ask(e, slot, ev))
        return MR_OK;
    return MR_BUSY;
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
    st = mri_signatures(ev, a.generation);
    if (st != MR_OK)
        return st;
    if (c->cancel.seq == 0 || c->cancel.seq > hot.chain.next_seq)
        return MR_NOTHING_TO_CANCEL;
    if (c->cancel.seq == hot.chain.next_seq && a.closed)
        return MR_NOTHING_TO_CANCEL; /* nothing can settle there */
    if (c->cancel.seq == hot.chain.next_seq)
        return close_slot(e, ev, c, number, ret_done);
    mri_answer_slot(e, ev, number, c->cancel.seq);
    *ret_done = true;
    return MR_OK;
}

void mri_cancel(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble)
{
    bool done = false;
    const enum mr_status st = cancel(e, ev, &done);
    if (mri_is_trouble(st)) {
        *ret_trouble = st;
        return;
    }
    if (!done || st != MR_OK) {
        mri_reply(e, MR_REQ_CANCEL);
        mri_answer(e, ev, st);
    }
}
