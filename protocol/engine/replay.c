/* Take up what the journal holds beyond the store: JNL-8. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/sign.h"

enum { FLUSH_BYTES = 64 << 20 };

/* A leaf of the own log. What a node said binds it: the slot learns it again. */
static enum mr_status replay_leaf(struct mr_engine *e, const uint8_t *in, size_t len)
{
    const struct mr_leaf *const leaf = &e->entry.u.leaf;
    const uint64_t index = e->tree.size;
    uint8_t hash[32];
    mr_leaf_hash(hash, in, len);
    mri_tree_append(&e->tree, hash, NULL);
    e->ledger.meta.leaves = e->tree.size;
    mri_tell(e, index, in, len);
    enum mr_status st = mri_hear(e, e->config.node, index, leaf);
    struct mri_open *o = NULL;
    if (st != MR_OK)
        return st;
    if (leaf->kind == MR_LEAF_VOTE) {
        o = mri_open_find(e, leaf->u.vote.account, leaf->u.vote.seq);
        if (o != NULL && mri_slot_may_vote(&o->s, leaf->u.vote.ballot, leaf->u.vote.value))
            mri_slot_vote(&o->s, leaf->u.vote.ballot, leaf->u.vote.value);
    } else if (leaf->kind == MR_LEAF_ACK) {
        struct mr_certified c = {.ballot = leaf->u.ack.ballot};
        memcpy(c.value, leaf->u.ack.value, 32);
        o = mri_open_find(e, leaf->u.ack.account, leaf->u.ack.seq);
        if (o != NULL && c.ballot >= o->s.promised)
            mri_slot_ack(&o->s, &c);
    } else if (leaf->kind == MR_LEAF_UNLOCK) {
        o = mri_open_find(e, leaf->u.unlock.account, leaf->u.unlock.seq);
        if (o != NULL)
            mri_slot_promise(&o->s, leaf->u.unlock.ballot);
    }
    return MR_OK;
}

static void close_slot(struct mr_engine *e, const struct mr_entry_settled *s)
{
    struct mri_open *const o = mri_open_find(e, s->account, s->seq);
    if (o != NULL)
        mri_open_close(e, o);
}

static enum mr_status replay_settled(struct mr_engine *e)
{
    struct mr_body *body = &e->body;
    const struct mr_entry_settled *s = &e->entry.u.settled;
    uint8_t id[32];
    if (s->voided) {
        const enum mr_status st = mri_ledger_void(&e->ledger, s);
        if (st == MR_OK)
            close_slot(e, s);
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    }
    enum mr_status st = mri_read_body(e, body, s->body_at, s->body_len);
    if (st != MR_OK)
        return st;
    if (body->kind != MR_BODY_ORDER)
        return MR_DAMAGED;
    mr_order_id(id, &body->u.order.order);
    if (memcmp(id, s->value, 32) != 0)
        return MR_DAMAGED;
    st = mri_ledger_prepare(&e->ledger, &e->plan, &body->u.order.order, id);
    if (st != MR_OK)
        return st == MR_NO_MEMORY || st == MR_IO_ERROR ? st : MR_DAMAGED;
    mri_ledger_apply(&e->ledger, &e->plan, s);
    close_slot(e, s);
    return MR_OK;
}

static enum mr_status replay_entry(struct mr_engine *e, const uint8_t *in, size_t len)
{
    uint8_t bytes[256];
    switch (e->entry.kind) {
    case MR_ENTRY_OPENED:
    case MR_ENTRY_CLOSED:
        return MR_OK;
    case MR_ENTRY_LEAF:
        return replay_leaf(e, in + 4, len - 4);
    case MR_ENTRY_HEAD:
        e->head = e->entry.u.head;
        e->ledger.meta.head_ms = e->head.time_ms;
        mri_view_put(&e->view, MR_TABLE_META, (const uint8_t *)"h", 1, bytes,
                     mr_head_encode(&e->head, bytes, sizeof bytes));
        return MR_OK;
    case MR_ENTRY_SETTLED:
        return replay_settled(e);
    case MR_ENTRY_PARKED:
        return mri_keep_replay(e, &e->entry.u.parked);
    case MR_ENTRY_ABSTAIN:
        e->ledger.meta.abstaining = true;
        return MR_OK;
    case MR_ENTRY_RESTART:
        return mri_restart_apply(e, &e->entry.u.restart);
    case MR_ENTRY_PEER:
        mri_hash_leaves(e, e->entry.u.peer.leaves, e->entry.u.peer.leaves_count);
        return mri_peer_take(e, &e->entry.u.peer);
    case MR_ENTRY_EVIDENCE:
        return mri_evidence_replay(e, &e->entry.u.evidence);
    case MR_ENTRY_TRIGGER:
        return mri_trigger_replay(e, &e->entry.u.trigger);
    case MR_ENTRY_SHOWN:
        return mri_shown_replay(e, &e->entry.u.shown);
    case MR_ENTRY_EPOCH:
        return mri_epoch_apply(e, &e->entry.u.epoch);
    case MR_ENTRY_REGROUP:
        return mri_regroup_apply(e, &e->entry.u.regroup);
    }
    return MR_DAMAGED;
}

/* One turn's log payload. */
static enum mr_status replay_turn(struct mr_engine *e, const uint8_t *in, size_t len)
{
    while (len > 0) {
        size_t n;
        enum mr_status st = mr_entry_decode_first(&e->entry, &n, in, len);
        if (st != MR_OK)
            return MR_DAMAGED;
        st = mri_view_reserve(&e->view);
        if (st == MR_OK)
            st = mri_opens_reserve(e);
        if (st == MR_OK)
            st = replay_entry(e, in, n);
        if (st != MR_OK)
            return st;
        in += n;
        len -= n;
    }
    return MR_OK;
}

/* Bring the store up to date in the middle of a long replay. */
enum mr_status mri_flush_now(struct mr_engine *e)
{
    struct mr_put *puts;
    size_t count;
    const enum mr_status st = mr_engine_freeze(e, &puts, &count);
    return st == MR_OK ? mri_view_commit(&e->view, puts, count) : st;
}

/* Read the log frame at e->log_at into `buffer`. MR_NOT_FOUND at the end of the journal. */
static enum mr_status read_frame(struct mr_engine *e, struct mr_frame *ret, uint8_t *buffer)
{
    struct mr_journal *j = e->config.journal;
    size_t got;
    enum mr_status st =
        j->api->read(j, MR_FAMILY_LOG, e->log_at, buffer, MR_FRAME_HEAD_BYTES, &got);
    if (st != MR_OK || got == 0)
        return st == MR_OK ? MR_NOT_FOUND : st;
    if (mr_frame_read(ret, buffer, got, e->check) == MR_DAMAGED || got < MR_FRAME_HEAD_BYTES ||
        ret->len > MRI_TURN_BUFFER)
        return MR_DAMAGED;
    st = j->api->read(j, MR_FAMILY_LOG, e->log_at, buffer, mr_frame_size(ret->len), &got);
    if (st != MR_OK)
        return st;
    return mr_frame_read(ret, buffer, got, e->check) == MR_OK ? MR_OK : MR_DAMAGED;
}

enum mr_status mri_replay(struct mr_engine *e)
{
    struct mr_journal *j = e->config.journal;
    struct mr_journal_end end;
    /* The other turn's buffer is free until the first cut. */
    uint8_t *buffer = e->turns[1].log.bytes;
    j->api->end(j, &end);
    if (e->config.until != 0 && e->config.until < end.turn)
        end.turn = e->config.until;
    if (end.turn < e->ledger.meta.turn)
        return MR_DAMAGED; /* the store has seen turns that the journal has lost */
    const uint64_t first = e->ledger.meta.turn;
    for (;;) {
        struct mr_frame f;
        if (e->config.until != 0 && e->ledger.meta.turn == end.turn)
            return MR_OK;
        enum mr_status st = read_frame(e, &f, buffer);
        if (st == MR_NOT_FOUND)
            return e->ledger.meta.turn == end.turn ? MR_OK : MR_DAMAGED;
        if (st == MR_OK && f.turn != e->ledger.meta.turn + 1)
            st = MR_DAMAGED;
        const uint64_t leaves = e->tree.size;
        const uint32_t epoch = e->ledger.meta.epoch;
        if (st == MR_OK)
            st = replay_turn(e, buffer + MR_FRAME_HEAD_BYTES, f.len);
        if (st != MR_OK)
            return st;
        mri_leaf_positions(e, e->log_at, epoch == e->ledger.meta.epoch ? leaves : 0, e->tree.size);
        e->log_at += mr_frame_size(f.len);
        e->bodies_at = f.end;
        memcpy(e->check, f.check, 32);
        e->ledger.meta.turn = f.turn;
        e->ledger.meta.log_at = e->log_at;
        e->ledger.meta.bodies_at = e->bodies_at;
        memcpy(e->ledger.meta.chain, e->check, 32);
        if (!e->config.look_only && mri_view_dirty(&e->view) > FLUSH_BYTES)
            st = mri_flush_now(e);
        if (st == MR_OK && e->config.progress != NULL &&
            !e->config.progress(e->config.progress_ctx, f.turn - first, end.turn - first))
            st = MR_STOPPING;
        if (st != MR_OK)
            return st;
    }
}
