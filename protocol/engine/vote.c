/* Vote, acknowledge, settle; void: what a node says about a slot. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/sign.h"

/* --- settling --------------------------------------------------------------------------------- */

/* Say VOTE and ACK for a value and settle, through the slot's rules. With a quorum of one they
 * follow from each other in one turn. */
static void decide(struct mr_engine *e, struct mr_entry_settled *s)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_VOTE, .u.vote = {.seq = s->seq, .ballot = s->ballot}};
    memcpy(leaf.u.vote.account, s->account, 16);
    memcpy(leaf.u.vote.value, s->value, 32);
    mri_slot_vote(&e->slot, s->ballot, s->value);
    const uint64_t vote = mri_say_leaf(e, &leaf);
    const bool certified = mri_slot_on_vote(&e->slot, e->config.node, s->ballot, s->value, vote);
    mr_assert(certified);
    leaf.kind = MR_LEAF_ACK;
    leaf.u.ack = (struct mr_leaf_ack){.seq = s->seq, .ballot = s->ballot};
    memcpy(leaf.u.ack.account, s->account, 16);
    memcpy(leaf.u.ack.value, s->value, 32);
    mri_slot_certificate(leaf.u.ack.certificate, &e->slot);
    s->acks_count = 1;
    s->acks[0].node = e->config.node;
    s->acks[0].index = mri_say_leaf(e, &leaf);
    memcpy(s->acks[0].certificate, leaf.u.ack.certificate, 32);
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
void mri_settle(struct mr_engine *e, const struct mri_body *body)
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
void mri_say_order(struct mr_engine *e, struct mri_body *ret, const struct mr_signed_order *o,
                   const struct mr_memo_box *memo)
{
    struct mr_body *body = &e->body;
    *ret = (struct mri_body){0};
    body->kind = MR_BODY_ORDER;
    body->u.order = *o;
    mri_say_body(e, &ret->at, &ret->len, body);
    if (memo != NULL) {
        body->kind = MR_BODY_MEMO;
        body->u.memo = *memo;
        mri_say_body(e, &ret->memo_at, &ret->memo_len, body);
    }
}

/* Void the next slot of a chain by ballot 1, allowed by a trigger. */
enum mr_status mri_void_slot(struct mr_engine *e, const uint8_t account[16], uint64_t number,
                             uint64_t seq, const uint8_t trigger[32])
{
    static const uint8_t no_value[32] = {0};
    struct mr_leaf leaf = {.kind = MR_LEAF_UNLOCK,
                           .u.unlock = {.seq = seq, .ballot = 1, .cert_ballot = MR_BALLOT_NONE}};
    struct mr_entry_settled *s = &e->entry.u.settled;
    struct mr_state_pending p;
    uint8_t must[32];
    enum mr_status st = mri_pending_get(e, &p, number);
    if (st != MR_OK)
        return st;
    mri_slot_init(&e->slot, e->config.charter->quorum);
    memcpy(leaf.u.unlock.account, account, 16);
    memcpy(leaf.u.unlock.trigger, trigger, 32);
    const bool promised = mri_slot_unlock(&e->slot, 1);
    mr_assert(promised);
    mri_say_leaf(e, &leaf);
    const bool reported = mri_slot_on_unlock(&e->slot, e->config.node, 1, MR_BALLOT_NONE, no_value);
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
            mri_pending_remove(&p, i--);
    mri_pending_put(e, number, &p);
    mri_parked_note(e, number, &p);
    mri_touch(e, number);
    return MR_OK;
}
