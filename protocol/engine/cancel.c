/* CANCEL: close the next slot of a chain without effect. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/sign.h"

/* --- CANCEL ----------------------------------------------------------------------------------- */

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
    st = mri_signatures(ev, &a);
    if (st != MR_OK)
        return st;
    if (c->cancel.seq == 0 || c->cancel.seq > hot.chain.next_seq)
        return MR_NOTHING_TO_CANCEL;
    if (c->cancel.seq == hot.chain.next_seq && a.closed)
        return MR_NOTHING_TO_CANCEL; /* nothing can settle there */
    if (c->cancel.seq == hot.chain.next_seq) {
        struct mr_body *body = &e->body;
        uint8_t trigger[32], bytes[2048];
        uint64_t at;
        uint32_t len;
        st = mri_open_for_orders(e);
        if (st != MR_OK)
            return st;
        body->kind = MR_BODY_CANCEL;
        body->u.cancel = *c;
        mri_say_body(e, &at, &len, body);
        mr_hash(trigger, "mereau/trigger", bytes, mr_signed_cancel_encode(c, bytes, sizeof bytes),
                NULL, 0);
        st = mri_void_slot(e, c->cancel.account, number, c->cancel.seq, trigger);
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
    if (mri_is_trouble(st)) {
        *ret_trouble = st;
        return;
    }
    if (!done) {
        mri_reply(e, MR_REQ_CANCEL);
        mri_answer(e, ev, st);
    }
}
