/* Slots that settled in an epoch before and of which a node has no receipt: it acknowledges them
 * anew in its present log, and so does each node that reads that (SLOT-17). */
#include "engine/internal.h"

#include <string.h>

#include "mereau/codec.h"

enum { ROW_MAX = 4096 };

/* --- the table -------------------------------------------------------------------------------- */

/* The slot as it was acknowledged anew: its epoch and acknowledgements are other ones. */
enum mr_status mri_anew_get(struct mr_engine *e, struct mr_state_slot *ret, uint64_t number,
                            uint64_t seq)
{
    uint8_t key[16], bytes[ROW_MAX];
    size_t len;
    const enum mr_status st = mri_view_get(
        &e->view, MR_TABLE_ANEW, key, mri_key_pair(key, number, seq), bytes, sizeof bytes, &len);
    if (st != MR_OK)
        return st;
    return mr_state_slot_decode(ret, bytes, len) == MR_OK ? MR_OK : MR_DAMAGED;
}

static enum mr_status put(struct mr_engine *e, const struct mr_state_slot *s, uint64_t number,
                          uint64_t seq)
{
    uint8_t key[16], bytes[ROW_MAX];
    const enum mr_status st = mri_view_reserve(&e->view);
    if (st == MR_OK)
        mri_view_put(&e->view, MR_TABLE_ANEW, key, mri_key_pair(key, number, seq), bytes,
                     mr_state_slot_encode(s, bytes, sizeof bytes));
    return st;
}

/* --- what may be said ------------------------------------------------------------------------- */

bool mri_is_past(const struct mr_engine *e, const struct mr_state_slot *s)
{
    return s->acks_count == 0 || s->epoch < e->committee.epoch;
}

/* Whether this node knows by itself what the slot settled with: it settled it, or the state that
 * others vouched for when it joined ends the chain there. The row alone is one node's word. */
static enum mr_status knows(struct mr_engine *e, const struct mr_state_slot *s, uint64_t number,
                            uint64_t seq, bool *ret)
{
    struct mr_state_hot hot;
    *ret = s->acks_count > 0;
    if (*ret)
        return MR_OK;
    const enum mr_status st = mri_hot_get(&e->ledger, &hot, number);
    *ret =
        st == MR_OK && hot.chain.next_seq == seq + 1 && memcmp(hot.chain.head, s->value, 32) == 0;
    return st;
}

void mri_anew_want(struct mr_engine *e, uint64_t number, uint64_t seq)
{
    for (uint32_t i = 0; i < e->anew_count; i++)
        if (e->anew[i].number == number && e->anew[i].seq == seq)
            return;
    if (e->anew_count < MRI_ANEW_MAX)
        e->anew[e->anew_count++] = (struct mri_anew){number, seq};
}

/* --- what was said ---------------------------------------------------------------------------- */

bool mri_is_anew(const struct mr_leaf *leaf)
{
    uint8_t none[32];
    if (leaf->kind != MR_LEAF_ACK || leaf->u.ack.ballot != 0)
        return false;
    mri_no_certificate(none);
    return memcmp(leaf->u.ack.certificate, none, 32) == 0;
}

static bool has_ack(const struct mr_state_slot *s, uint32_t node)
{
    for (uint32_t i = 0; i < s->acks_count; i++)
        if (s->acks[i].node == node)
            return true;
    return false;
}

/* Ascending by node, each once. */
static void add_ack(struct mr_state_slot *s, uint32_t node, uint64_t index,
                    const struct mr_leaf *leaf)
{
    uint32_t at = s->acks_count;
    if (has_ack(s, node) || s->acks_count == MR_NODES_MAX)
        return;
    for (; at > 0 && s->acks[at - 1].node > node; at--)
        s->acks[at] = s->acks[at - 1];
    s->acks[at] = (struct mr_ack_ref){.node = node, .index = index};
    memcpy(s->acks[at].certificate, leaf->u.ack.certificate, 32);
    s->acks_count++;
}

/* The row that gathers acknowledgements in the present epoch. */
static enum mr_status gather(struct mr_engine *e, struct mr_state_slot *ret,
                             const struct mr_state_slot *slot, uint64_t number, uint64_t seq)
{
    const enum mr_status st = mri_anew_get(e, ret, number, seq);
    if (st == MR_OK && ret->epoch == e->committee.epoch)
        return MR_OK;
    *ret = *slot;
    ret->ballot = 0;
    ret->epoch = e->committee.epoch;
    ret->acks_count = 0;
    return st == MR_NOT_FOUND ? MR_OK : st;
}

enum mr_status mri_anew_hear(struct mr_engine *e, uint32_t node, uint64_t index,
                             const struct mr_leaf *leaf, uint64_t number)
{
    const uint64_t seq = leaf->u.ack.seq;
    struct mr_state_slot slot, anew;
    enum mr_status st = mri_slot_get(&e->ledger, &slot, number, seq);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_OK : st;
    if (!mri_is_past(e, &slot) || memcmp(slot.value, leaf->u.ack.value, 32) != 0)
        return MR_OK;
    st = gather(e, &anew, &slot, number, seq);
    if (st != MR_OK)
        return st;
    add_ack(&anew, node, index, leaf);
    if (!has_ack(&anew, e->config.node))
        mri_anew_want(e, number, seq);
    return put(e, &anew, number, seq);
}

/* --- saying it -------------------------------------------------------------------------------- */

static enum mr_status say(struct mr_engine *e, const struct mri_anew *w)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_ACK, .u.ack.seq = w->seq};
    struct mr_state_slot slot, anew;
    struct mr_state_account a;
    bool known = false;
    enum mr_status st = mri_slot_get(&e->ledger, &slot, w->number, w->seq);
    if (st == MR_OK)
        st = mri_account_get(&e->ledger, &a, w->number);
    if (st == MR_OK)
        st = gather(e, &anew, &slot, w->number, w->seq);
    if (st == MR_OK)
        st = knows(e, &slot, w->number, w->seq, &known);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    if (!known || !mri_is_past(e, &slot) || has_ack(&anew, e->config.node))
        return MR_OK;
    memcpy(leaf.u.ack.account, a.id, 16);
    memcpy(leaf.u.ack.value, slot.value, 32);
    mri_no_certificate(leaf.u.ack.certificate);
    const uint64_t index = mri_say_leaf(e, &leaf);
    e->anew_left--;
    return mri_anew_hear(e, e->config.node, index, &leaf, w->number);
}

enum mr_status mri_anew_work(struct mr_engine *e)
{
    enum mr_status st = MR_OK;
    if (e->now_ms >= e->anew_ms + 1000) {
        e->anew_ms = e->now_ms;
        e->anew_left = MRI_ANEW_A_SECOND;
    }
    while (st == MR_OK && e->anew_count > 0 && e->anew_left > 0 && mr_engine_ready(e) &&
           mri_speaks(e) && e->ledger.meta.sealed == 0 && !e->config.read_only) {
        const struct mri_anew w = e->anew[--e->anew_count];
        st = say(e, &w);
    }
    return st;
}
