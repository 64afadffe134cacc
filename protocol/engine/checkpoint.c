/* CHECKPOINT: the node signs what the state adds up to. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/order.h"

enum { RECORD_MAX = 2048 };

/* --- what was summed up ----------------------------------------------------------------------- */

static bool same_state(const struct mr_checkpoint *a, const struct mr_checkpoint *b)
{
    return a->accounts == b->accounts && memcmp(a->state_root, b->state_root, 32) == 0 &&
           a->supply_count == b->supply_count &&
           memcmp(a->supply, b->supply, a->supply_count * sizeof a->supply[0]) == 0;
}

bool mri_checkpoint_agrees(const struct mr_engine *e, const struct mr_checkpoint *c)
{
    for (uint32_t i = 0; i < e->sums_count; i++)
        if (same_state(c, &e->sums[i]))
            return true;
    return false;
}

bool mri_checkpoint_is_latest(const struct mr_engine *e, const struct mr_checkpoint *c)
{
    return e->sums_count > 0 && same_state(c, &e->sums[0]);
}

static void remember(struct mr_engine *e, const struct mr_checkpoint *c)
{
    const uint32_t cap = sizeof e->sums / sizeof e->sums[0];
    if (e->sums_count < cap)
        e->sums_count++;
    memmove(e->sums + 1, e->sums, (e->sums_count - 1) * sizeof e->sums[0]);
    e->sums[0] = *c;
}

/* --- orders of the nodes' chain (SLOT-12) -------------------------------------------------------
 */

void mri_node_order(struct mr_engine *e, const struct mr_state_hot *hot, enum mr_order_kind kind)
{
    struct mr_order *const k = &e->order.order;
    e->planned = NULL; /* the order that was planned stood here */
    memset(k, 0, sizeof *k);
    k->version = 1;
    k->seq = hot->chain.next_seq;
    memcpy(k->ledger, e->ledger.id, 32);
    mr_sub_account(k->account, NULL, MR_CLASS_CHECKPOINTS);
    memcpy(k->prev, hot->chain.head, 32);
    k->time_ms = e->now_ms > hot->chain.time_ms ? e->now_ms : hot->chain.time_ms;
    k->not_after_ms = k->time_ms + MR_DAY_MS;
    const struct mr_policy *policy = mri_policy_on(&e->ledger, (uint32_t)(k->time_ms / MR_DAY_MS));
    mr_assert(policy != NULL);
    k->policy = policy->version;
    k->body.kind = kind;
}

void mri_node_order_sign(struct mr_engine *e, uint8_t ret_id[32])
{
    struct mr_signed_order *const o = &e->order;
    uint8_t bytes[RECORD_MAX];
    o->sigs_count = 1;
    o->sigs[0].key_index = 0;
    while (e->committee.seats[o->sigs[0].key_index].number != e->config.node)
        o->sigs[0].key_index++;
    mr_sign(o->sigs[0].sig, MR_PURPOSE_CHECKPOINT, e->ledger.id, e->ledger.meta.epoch, bytes,
            mr_order_encode(&o->order, bytes, sizeof bytes), e->key);
    mr_order_id(ret_id, &o->order);
}

/* --- checkpoints ------------------------------------------------------------------------------ */

/* Whether an order for this state waits in the slot already, one that may be voted for. */
static enum mr_status is_proposed(struct mr_engine *e, struct mri_open *slot,
                                  const struct mr_checkpoint *c, bool *ret)
{
    *ret = false;
    for (uint32_t i = 0; slot != NULL && !*ret && i < slot->s.orders_count; i++) {
        const enum mr_status st = mri_keep_check(e, slot, &slot->s.orders[i]);
        if (mri_is_trouble(st))
            return st;
        *ret = st == MR_OK && e->plan.order->body.kind == MR_KIND_CHECKPOINT &&
               same_state(&e->plan.order->body.u.checkpoint, c);
    }
    return MR_OK;
}

/* Make the order: into e->order, with its plan. MR_OK, or why it cannot be. */
static enum mr_status make(struct mr_engine *e, const struct mr_state_hot *hot,
                           const struct mr_checkpoint *c, uint8_t ret_id[32])
{
    struct mr_order *const k = &e->order.order;
    mri_node_order(e, hot, MR_KIND_CHECKPOINT);
    k->body.u.checkpoint = *c;
    k->body.u.checkpoint.number = e->ledger.meta.checkpoints + 1;
    if (c->log_size > e->tree.size)
        return MR_BEHIND; /* summed up before this log began */
    enum mr_status st = mri_tree_root(&e->tree, k->body.u.checkpoint.log_root, c->log_size);
    if (st != MR_OK)
        return st;
    mri_node_order_sign(e, ret_id);
    e->planned = NULL;
    st = mri_ledger_prepare(&e->ledger, &e->plan, k, ret_id);
    return st == MR_OK ? mri_ledger_check(&e->ledger, &e->plan, e->now_ms) : st;
}

enum mr_status mri_checkpoint(struct mr_engine *e, const struct mr_checkpoint *c, bool kept)
{
    struct mr_state_hot hot;
    uint8_t account[16], id[32];
    bool proposed;
    remember(e, c);
    mri_epoch_sum(e, c, kept);
    mri_regroup_sum(e, c, kept);
    if (mri_open_for_orders(e) != MR_OK || !mr_engine_ready(e))
        return MR_OK;
    e->rest.sum_turn = c->turn;
    enum mr_status st = mri_hot_get(&e->ledger, &hot, e->ledger.checkpoints);
    if (st != MR_OK)
        return st;
    mr_sub_account(account, NULL, MR_CLASS_CHECKPOINTS);
    struct mri_open *slot = mri_open_find(e, account, hot.chain.next_seq);
    if (slot != NULL)
        mri_open_due(e, slot); /* an order waits: perhaps for this sum */
    st = is_proposed(e, slot, c, &proposed);
    if (st != MR_OK || proposed || !mri_rest_proposes(e, c))
        return st;
    st = make(e, &hot, c, id);
    if (st != MR_OK)
        return mri_is_trouble(st) ? st : MR_OK;
    slot = mri_open_get(e, account, hot.chain.next_seq, 0);
    if (slot == NULL)
        return MR_OK;
    mri_open_handed_in(e, slot);
    struct mr_state_account a;
    st = mri_account_get(&e->ledger, &a, e->ledger.checkpoints);
    if (st != MR_OK || mri_keep(e, slot, &e->order, id, NULL, a.generation) == NULL)
        return st;
    return mri_work_on(e, slot);
}
