/* Leaves that nodes show each other one by one (SLOT-14). Who lies may show his log to some only: a
 * certificate that one honest node holds, or what settled at it, must reach the others all the
 * same. A leaf with its path and its head needs no log that one follows. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/log.h"

enum { SHOWN_BYTES_MAX = 58 << 10 };

/* --- showing ---------------------------------------------------------------------------------- */

/* What was read of a peer's log in an epoch that ended. */
static enum mr_status past_peer(struct mr_engine *e, struct mr_state_peer *ret, uint32_t epoch,
                                uint32_t node)
{
    uint8_t key[8], bytes[2048];
    size_t len;
    const enum mr_status st =
        mri_view_get(&e->view, MR_TABLE_PEER, key, mri_key_u64(key, (uint64_t)node << 32 | epoch),
                     bytes, sizeof bytes, &len);
    return st == MR_OK && mr_state_peer_decode(ret, bytes, len) != MR_OK ? MR_DAMAGED : st;
}

enum mr_status mri_past_followed(struct mr_engine *e, struct mr_head *ret, uint32_t epoch,
                                 uint32_t node)
{
    struct mr_state_peer state;
    const enum mr_status st = past_peer(e, &state, epoch, node);
    if (st != MR_OK)
        return st;
    if (state.pending_count == 0 && state.proven_count == 0)
        return MR_NOT_FOUND;
    *ret = state.pending_count > 0 ? state.pending[0] : state.proven[0];
    return MR_OK;
}

/* The head that a peer's mirror of an epoch stands under, and the mirror. */
enum mr_status mri_mirror(struct mr_engine *e, struct mr_head *ret, struct mri_tree **ret_tree,
                          uint32_t epoch, uint32_t node)
{
    struct mri_peer *const p = mri_peer_of(e, node);
    struct mr_state_peer state;
    if (epoch == e->committee.epoch) {
        if (p == NULL || p->state.proven_count == 0)
            return MR_NOT_FOUND;
        *ret = p->state.proven[0];
        *ret_tree = &p->tree;
        return MR_OK;
    }
    enum mr_status st = past_peer(e, &state, epoch, node);
    if (st == MR_OK && state.proven_count == 0)
        st = MR_NOT_FOUND;
    if (st != MR_OK)
        return st;
    *ret = state.proven[0];
    *ret_tree = &e->past;
    return mri_tree_load(&e->past, &e->view, node, epoch, ret->size);
}

static enum mr_status own_log(struct mr_engine *e, struct mr_head *ret, struct mri_tree **ret_tree,
                              uint32_t epoch)
{
    *ret = e->head;
    *ret_tree = &e->tree;
    if (epoch == e->ledger.meta.epoch)
        return MR_OK;
    const enum mr_status st = mri_past_head(e, ret, epoch);
    *ret_tree = &e->past;
    return st == MR_OK ? mri_tree_load(&e->past, &e->view, e->config.node, epoch, ret->size) : st;
}

enum mr_status mri_prove(struct mr_engine *e, struct mr_proof *ret, uint32_t epoch, uint32_t node,
                         uint64_t index, const struct mr_leaf *leaf)
{
    struct mri_tree *tree;
    uint8_t bytes[512], hash[32], followed[32];
    const bool own = node == e->config.node;
    /* The own log holds it, unless it was forgotten and shown by others. */
    const bool sure = own && epoch == e->committee.epoch && !e->ledger.meta.abstaining;
    enum mr_status st =
        own ? own_log(e, &ret->head, &tree, epoch) : mri_mirror(e, &ret->head, &tree, epoch, node);
    if (st == MR_OK && index >= ret->head.size)
        st = MR_NOT_FOUND;
    if (st != MR_OK)
        return st;
    ret->index = index;
    ret->leaf = *leaf;
    st = mri_tree_path(tree, ret->path, &ret->path_count, index, ret->head.size);
    if (st != MR_OK || sure)
        return st;
    /* The leaf may have been shown here, of another log than the one that is followed. */
    mr_leaf_hash(hash, bytes, mr_leaf_encode(leaf, bytes, sizeof bytes));
    st = mri_tree_leaf(tree, followed, index);
    return st == MR_OK && memcmp(hash, followed, 32) != 0 ? MR_NOT_FOUND : st;
}

static enum mr_status show(struct mr_engine *e, struct mr_rep_fetch *r, size_t *used,
                           uint32_t epoch, const struct mr_ack_ref *at, const struct mr_leaf *leaf)
{
    if (r->proofs_count == MR_SHOWN_MAX)
        return MR_OK;
    struct mr_proof *const p = &r->proofs[r->proofs_count];
    enum mr_status st = mri_prove(e, p, epoch, at->node, at->index, leaf);
    if (st == MR_NOT_FOUND && leaf->kind == MR_LEAF_ACK)
        st = mri_shown_proof(e, p, leaf, at);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_OK : st;
    const size_t n = mr_proof_size(p);
    if (*used + n > SHOWN_BYTES_MAX)
        return MR_OK;
    *used += n;
    r->proofs_count++;
    return MR_OK;
}

enum mr_status mri_show_open(struct mr_engine *e, struct mr_rep_fetch *r, size_t *used,
                             const struct mri_open *o)
{
    const struct mri_slot *const s = &o->s;
    const struct mr_certified *best = NULL;
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; i < s->certified_count; i++)
        if (best == NULL || s->certified[i].ballot > best->ballot)
            best = &s->certified[i];
    for (uint32_t i = 0; best != NULL && st == MR_OK && i < s->votes_count; i++) {
        const struct mr_said_vote *const v = &s->votes[i];
        struct mr_leaf leaf = {.kind = MR_LEAF_VOTE,
                               .u.vote = {.seq = s->seq, .ballot = v->ballot}};
        if (v->ballot != best->ballot || memcmp(v->value, best->value, 32) != 0)
            continue;
        memcpy(leaf.u.vote.account, s->account, 16);
        memcpy(leaf.u.vote.value, v->value, 32);
        const struct mr_ack_ref at = {.node = v->node, .index = v->index};
        st = show(e, r, used, e->committee.epoch, &at, &leaf);
    }
    return st;
}

void mri_ack_leaf(struct mr_leaf *ret, const uint8_t account[16], uint64_t seq,
                  const struct mr_state_slot *slot, const struct mr_ack_ref *ack)
{
    *ret = (struct mr_leaf){.kind = MR_LEAF_ACK, .u.ack = {.seq = seq, .ballot = slot->ballot}};
    memcpy(ret->u.ack.account, account, 16);
    memcpy(ret->u.ack.value, slot->value, 32);
    memcpy(ret->u.ack.certificate, ack->certificate, 32);
}

/* What began an epoch is kept with its proofs, though the logs that they are of may be gone. */
static enum mr_status show_next(struct mr_engine *e, struct mr_rep_fetch *r, size_t *used,
                                const struct mr_state_slot *slot)
{
    struct mr_handover *const h = &e->handover;
    const enum mr_status st = mri_epoch_get(e, h, slot->epoch + 1);
    if (st != MR_OK || h->kind != MR_HANDOVER_NEXT)
        return st;
    for (uint32_t i = 0; i < h->u.next.proofs_count && r->proofs_count < MR_SHOWN_MAX; i++) {
        const size_t n = mr_proof_size(&h->u.next.proofs[i]);
        if (memcmp(h->u.next.proofs[i].leaf.u.ack.value, slot->value, 32) != 0 ||
            *used + n > SHOWN_BYTES_MAX)
            continue;
        *used += n;
        r->proofs[r->proofs_count++] = h->u.next.proofs[i];
    }
    return MR_OK;
}

enum mr_status mri_show_settled(struct mr_engine *e, struct mr_rep_fetch *r, size_t *used,
                                const uint8_t account[16], uint64_t seq,
                                const struct mr_state_slot *slot)
{
    enum mr_status st = MR_OK;
    if (slot->epoch > 0 && slot->epoch < e->committee.epoch &&
        mri_is_sub_account(account, MR_CLASS_SYSTEM)) {
        const uint32_t had = r->proofs_count;
        st = show_next(e, r, used, slot);
        if (st != MR_OK || r->proofs_count > had)
            return st;
    }
    for (uint32_t i = 0; st == MR_OK && i < slot->acks_count; i++) {
        struct mr_leaf leaf;
        mri_ack_leaf(&leaf, account, seq, slot, &slot->acks[i]);
        st = show(e, r, used, slot->epoch, &slot->acks[i], &leaf);
    }
    return st;
}

/* --- being shown ------------------------------------------------------------------------------ */

bool mri_same_head(const struct mr_head *a, const struct mr_head *b)
{
    return a->epoch == b->epoch && a->node == b->node && a->generation == b->generation &&
           a->size == b->size && a->time_ms == b->time_ms &&
           memcmp(a->root, b->root, sizeof a->root) == 0 &&
           memcmp(a->sig, b->sig, sizeof a->sig) == 0;
}

/* Many proofs of one answer stand under one head: its signature is looked at once. */
static bool is_signed(struct mr_engine *e, const struct mr_head *h, const struct mr_seat *seat)
{
    struct mr_head *const last = &e->shown_heads[h->node];
    if (mri_same_head(last, h))
        return true;
    if (!mr_head_verify(h, e->ledger.id, &seat->log_key))
        return false;
    *last = *h;
    return true;
}

static bool is_proven(struct mr_engine *e, const struct mr_proof *p)
{
    const struct mr_seat *const seat = mri_seat_of(e, p->head.node);
    uint8_t bytes[512], hash[32];
    if (seat == NULL || p->head.epoch != e->committee.epoch ||
        p->head.generation != seat->generation ||
        (p->leaf.kind != MR_LEAF_VOTE && p->leaf.kind != MR_LEAF_ACK))
        return false;
    mr_leaf_hash(hash, bytes, mr_leaf_encode(&p->leaf, bytes, sizeof bytes));
    return mr_path_verify(p->head.root, hash, p->index, p->head.size, p->path, p->path_count) &&
           is_signed(e, &p->head, seat);
}

/* VOTE and ACK name slot, ballot and value alike. */
static bool says_the_same(const struct mr_leaf *a, const struct mr_leaf *b)
{
    const struct mr_leaf_vote *const v = &a->u.vote, *const w = &b->u.vote;
    return a->kind == b->kind && v->seq == w->seq && v->ballot == w->ballot &&
           memcmp(v->account, w->account, 16) == 0 && memcmp(v->value, w->value, 32) == 0;
}

/* --- where it stands -------------------------------------------------------------------------- */

static size_t shown_key(uint8_t ret[24], const struct mr_leaf *leaf)
{
    memcpy(ret, leaf->u.ack.account, 16);
    return 16 + mri_key_u64(ret + 16, leaf->u.ack.seq);
}

static enum mr_status find_in_frame(struct mr_engine *e, struct mr_proof *ret, size_t len,
                                    const struct mr_leaf *leaf, const struct mr_ack_ref *ack)
{
    const struct mr_entry_shown *const s = &e->entry.u.shown;
    size_t used;
    for (size_t at = 0; at < len; at += used) {
        const uint8_t *const in = e->scan + MR_FRAME_HEAD_BYTES + at;
        if (mr_entry_decode_first(&e->entry, &used, in, len - at) != MR_OK)
            return MR_DAMAGED;
        for (uint32_t i = 0; e->entry.kind == MR_ENTRY_SHOWN && i < s->proofs_count; i++) {
            const struct mr_proof *const p = &s->proofs[i];
            if (p->head.node != ack->node || p->index != ack->index ||
                !says_the_same(&p->leaf, leaf) ||
                memcmp(p->leaf.u.ack.certificate, ack->certificate, 32) != 0)
                continue;
            *ret = *p;
            return MR_OK;
        }
    }
    return MR_NOT_FOUND;
}

enum mr_status mri_shown_proof(struct mr_engine *e, struct mr_proof *ret,
                               const struct mr_leaf *leaf, const struct mr_ack_ref *ack)
{
    uint8_t key[24], value[8];
    size_t len;
    struct mr_frame f;
    enum mr_status st = mri_view_get(&e->view, MR_TABLE_SHOWN, key, shown_key(key, leaf), value,
                                     sizeof value, &len);
    if (st == MR_OK)
        st = mri_read_frame(e, &f, mri_key_read(value));
    return st == MR_OK ? find_in_frame(e, ret, f.len, leaf, ack) : st;
}

/* By the ledger: which slots are open may differ when the journal is replayed, and the store must
 * not. */
static enum mr_status is_settled(struct mr_engine *e, const uint8_t account[16], uint64_t seq,
                                 bool *ret)
{
    struct mr_state_hot hot;
    uint64_t number;
    const enum mr_status st = mri_hot_of(&e->ledger, &hot, &number, account);
    *ret = st == MR_OK && seq < hot.chain.next_seq;
    return st == MR_NOT_FOUND ? MR_OK : st;
}

/* Where they stand that a slot settles by: what is shown of it later changes nothing. */
static enum mr_status remember_place(struct mr_engine *e, const struct mr_leaf *first)
{
    uint8_t key[24], value[8];
    bool settled;
    const enum mr_status st = is_settled(e, first->u.ack.account, first->u.ack.seq, &settled);
    if (st == MR_OK && !settled)
        mri_view_put(&e->view, MR_TABLE_SHOWN, key, shown_key(key, first), value,
                     mri_key_u64(value, e->log_at));
    return st;
}

/* Its place among those that were shown, or MRI_SHOWN_MAX. */
static uint32_t shown_at(const struct mr_engine *e, const uint8_t account[16], uint64_t seq)
{
    uint32_t i = 0;
    while (i < MRI_SHOWN_MAX && (e->shown[i].acks_count == 0 || e->shown[i].seq != seq ||
                                 memcmp(e->shown[i].account, account, 16) != 0))
        i++;
    return i;
}

/* The ACK leaves among the proofs that say what the first one says, ascending by node. */
static void remember(struct mr_engine *e, const struct mr_leaf *first,
                     const struct mr_proof *proofs, uint32_t count)
{
    uint32_t at = shown_at(e, first->u.ack.account, first->u.ack.seq);
    if (at == MRI_SHOWN_MAX) /* else it takes its own again, as its row names the last frame */
        at = e->shown_next++ % MRI_SHOWN_MAX;
    struct mri_shown *const s = &e->shown[at];
    *s = (struct mri_shown){.seq = first->u.ack.seq, .settled.ballot = first->u.ack.ballot};
    memcpy(s->account, first->u.ack.account, 16);
    memcpy(s->settled.value, first->u.ack.value, 32);
    for (uint32_t node = 1; node <= MR_NODES_MAX && s->acks_count < e->committee.quorum; node++)
        for (uint32_t i = 0; i < count; i++) {
            if (proofs[i].head.node != node || !says_the_same(&proofs[i].leaf, first))
                continue;
            struct mr_ack_ref *const a = &s->acks[s->acks_count++];
            a->node = node;
            a->index = proofs[i].index;
            memcpy(a->certificate, proofs[i].leaf.u.ack.certificate, 32);
            break;
        }
}

/* The NEXT ends the epoch at a node only with what proves it, and of its own log that may be lost.
 */
static void remember_next(struct mr_engine *e, const struct mr_leaf *first,
                          const struct mr_proof *proofs, uint32_t count)
{
    struct mr_handover_next *const h = &e->next_shown;
    if (!mri_is_sub_account(first->u.ack.account, MR_CLASS_SYSTEM))
        return;
    h->proofs_count = 0;
    for (uint32_t node = 1; node <= MR_NODES_MAX && h->proofs_count < e->committee.quorum; node++)
        for (uint32_t i = 0; i < count; i++)
            if (proofs[i].head.node == node && says_the_same(&proofs[i].leaf, first)) {
                h->proofs[h->proofs_count++] = proofs[i];
                break; /* each node once */
            }
}

enum mr_status mri_shown_next(struct mr_engine *e, struct mr_handover_next *ret,
                              const struct mr_state_slot *next)
{
    const struct mr_handover_next *const h = &e->next_shown;
    e->next_unproven = true;
    if (h->proofs_count != e->committee.quorum || h->proofs[0].head.epoch != e->committee.epoch ||
        h->proofs[0].leaf.u.ack.seq != e->ledger.meta.next ||
        memcmp(h->proofs[0].leaf.u.ack.value, next->value, 32) != 0)
        return MR_NOT_FOUND;
    const enum mr_status st = mri_read_body(e, &e->body, next->body_at, next->body_len);
    if (st != MR_OK)
        return st;
    ret->order = e->body.u.order;
    ret->proofs_count = h->proofs_count;
    memcpy(ret->proofs, h->proofs, h->proofs_count * sizeof h->proofs[0]);
    return MR_OK;
}

/* What q distinct nodes say alike counts like what was read in their logs. */
static enum mr_status count_alike(struct mr_engine *e, const struct mr_proof *proofs,
                                  uint32_t count, uint32_t at)
{
    const struct mr_leaf *const first = &proofs[at].leaf;
    uint64_t nodes = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t bit = UINT64_C(1) << (proofs[i].head.node & 63);
        if (!says_the_same(&proofs[i].leaf, first))
            continue;
        if (i < at)
            return MR_OK; /* counted before */
        n += (nodes & bit) == 0;
        nodes |= bit;
    }
    if (n < e->committee.quorum)
        return MR_OK;
    enum mr_status st = MR_OK;
    if (first->kind == MR_LEAF_ACK) {
        remember_next(e, first, proofs, count);
        st = remember_place(e, first);
    }
    struct mri_open *const o = mri_open_find(e, first->u.vote.account, first->u.vote.seq);
    if (st != MR_OK || o == NULL)
        return st;
    if (first->kind == MR_LEAF_VOTE)
        mri_slot_certify(&o->s, first->u.vote.ballot, first->u.vote.value);
    else
        remember(e, first, proofs, count);
    mri_open_due(e, o);
    return MR_OK;
}

static enum mr_status count_all(struct mr_engine *e, const struct mr_proof *proofs, uint32_t count)
{
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; st == MR_OK && i < count; i++)
        st = count_alike(e, proofs, count, i);
    return st;
}

enum mr_status mri_shown_take(struct mr_engine *e, const struct mr_proof *proofs, uint32_t count)
{
    struct mr_entry_shown *const s = &e->entry.u.shown;
    bool proven[MR_SHOWN_MAX];
    e->entry.kind = MR_ENTRY_SHOWN;
    s->proofs_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        proven[i] = is_proven(e, &proofs[i]);
        if (proven[i])
            s->proofs[s->proofs_count++] = proofs[i];
    }
    if (s->proofs_count < e->committee.quorum)
        return MR_OK;
    mri_say(e, &e->entry);
    enum mr_status st = count_all(e, s->proofs, s->proofs_count);
    for (uint32_t i = 0; st == MR_OK && i < count; i++) {
        struct mri_peer *const p = mri_peer_of(e, proofs[i].head.node);
        if (p != NULL && proven[i])
            st = mri_compare_head(e, p, &proofs[i].head);
    }
    return st;
}

enum mr_status mri_shown_replay(struct mr_engine *e, const struct mr_entry_shown *entry)
{
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; st == MR_OK && i < entry->proofs_count; i++) {
        const struct mr_leaf_vote *const v = &entry->proofs[i].leaf.u.vote;
        bool settled;
        st = is_settled(e, v->account, v->seq, &settled);
        if (st == MR_OK && !settled)
            mri_open_get(e, v->account, v->seq, e->config.node);
    }
    return st == MR_OK ? count_all(e, entry->proofs, entry->proofs_count) : st;
}

const struct mri_shown *mri_shown_of(const struct mr_engine *e, const struct mri_open *o)
{
    const uint32_t at = shown_at(e, o->s.account, o->s.seq);
    return at < MRI_SHOWN_MAX ? &e->shown[at] : NULL;
}
