/* CHECKPOINT: the node signs what the state adds up to. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/order.h"

enum { RECORD_MAX = 2048 };

/* --- checkpoints ------------------------------------------------------------------------------ */

enum mr_status mri_checkpoint(struct mr_engine *e, const struct mr_checkpoint *c)
{
    struct mr_signed_order *o = &e->order;
    struct mri_body body;
    struct mr_state_hot hot;
    uint8_t bytes[RECORD_MAX], id[32];
    if (mri_open_for_orders(e) != MR_OK || !mr_engine_ready(e))
        return MR_OK;
    enum mr_status st = mri_hot_get(&e->ledger, &hot, e->ledger.checkpoints);
    if (st != MR_OK)
        return st;
    struct mr_order *k = &o->order;
    *k = (struct mr_order){.version = 1, .seq = hot.chain.next_seq};
    memcpy(k->ledger, e->ledger.id, 32);
    mr_sub_account(k->account, NULL, MR_CLASS_CHECKPOINTS);
    memcpy(k->prev, hot.chain.head, 32);
    k->time_ms = e->now_ms > hot.chain.time_ms ? e->now_ms : hot.chain.time_ms;
    k->not_after_ms = k->time_ms + MR_DAY_MS;
    const struct mr_policy *policy = mri_policy_on(&e->ledger, (uint32_t)(k->time_ms / MR_DAY_MS));
    mr_assert(policy != NULL);
    k->policy = policy->version;
    k->body.kind = MR_KIND_CHECKPOINT;
    k->body.u.checkpoint = *c;
    k->body.u.checkpoint.number = e->ledger.meta.checkpoints + 1;
    st = mri_tree_root(&e->tree, k->body.u.checkpoint.log_root, c->log_size);
    if (st != MR_OK)
        return st;
    o->sigs_count = 1;
    o->sigs[0].key_index = e->config.node - 1;
    mr_sign(o->sigs[0].sig, MR_PURPOSE_CHECKPOINT, e->ledger.id, e->ledger.meta.epoch, bytes,
            mr_order_encode(k, bytes, sizeof bytes), e->config.log_key);
    mr_order_id(id, k);
    st = mri_ledger_prepare(&e->ledger, &e->plan, k, id);
    if (st == MR_OK)
        st = mri_ledger_check(&e->ledger, &e->plan, e->now_ms);
    if (st != MR_OK)
        return mri_is_trouble(st) ? st : MR_OK;
    mri_slot_init(&e->slot, e->config.charter->quorum);
    mri_say_order(e, &body, o, NULL);
    mri_settle(e, &body);
    return MR_OK;
}
