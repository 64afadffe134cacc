/* What nodes said, leaf by leaf: it reaches the slots, and what contradicts itself is evidence. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/log.h"

/* --- slots ------------------------------------------------------------------------------------ */

/* The slot a leaf is about; false: it is about none. */
static bool slot_of(const struct mr_leaf *leaf, const uint8_t **ret_account, uint64_t *ret_seq)
{
    *ret_account = NULL;
    if (leaf->kind == MR_LEAF_VOTE) {
        *ret_account = leaf->u.vote.account;
        *ret_seq = leaf->u.vote.seq;
    } else if (leaf->kind == MR_LEAF_ACK) {
        *ret_account = leaf->u.ack.account;
        *ret_seq = leaf->u.ack.seq;
    } else if (leaf->kind == MR_LEAF_UNLOCK) {
        *ret_account = leaf->u.unlock.account;
        *ret_seq = leaf->u.unlock.seq;
    }
    return *ret_account != NULL;
}

/* Whether a later leaf contradicts the ACK that a settlement stands on: EVD-3. */
static bool contradicts(const struct mr_state_slot *s, const struct mr_leaf *leaf)
{
    if (leaf->kind == MR_LEAF_ACK)
        return leaf->u.ack.ballot == s->ballot && memcmp(leaf->u.ack.value, s->value, 32) != 0;
    if (leaf->kind != MR_LEAF_UNLOCK || leaf->u.unlock.ballot <= s->ballot)
        return false;
    if (leaf->u.unlock.cert_ballot == MR_BALLOT_NONE || leaf->u.unlock.cert_ballot < s->ballot)
        return true;
    return leaf->u.unlock.cert_ballot == s->ballot &&
           memcmp(leaf->u.unlock.cert_value, s->value, 32) != 0;
}

/* A leaf about a slot that settled here: it changes nothing, but it may convict. */
static enum mr_status hear_late(struct mr_engine *e, struct mri_peer *p, uint64_t number,
                                const uint8_t account[16], uint64_t seq, uint64_t index,
                                const struct mr_leaf *leaf)
{
    struct mr_state_slot s;
    const enum mr_status st = mri_slot_get(&e->ledger, &s, number, seq);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_OK : st;
    if (mri_is_past(e, &s))
        return MR_OK;
    if (p != NULL && leaf->kind == MR_LEAF_ACK)
        mri_doubt_ack(e, p->seat->number, leaf->u.ack.ballot, leaf->u.ack.value, s.ballot, s.value);
    if (p == NULL || !contradicts(&s, leaf))
        return MR_OK;
    for (uint32_t i = 0; i < s.acks_count; i++) {
        struct mri_clash c = {.found = true, .first = s.acks[i].index, .second = index};
        if (s.acks[i].node != p->seat->number || s.acks[i].index >= index)
            continue;
        mri_ack_leaf(&c.earlier, account, seq, &s, &s.acks[i]);
        return mri_convict_leaves(e, p, &c, leaf);
    }
    return MR_OK;
}

/* --- heads that others saw -------------------------------------------------------------------- */

/* Somebody saw this head of a peer: is it of the log that this node follows? */
enum mr_status mri_compare_head(struct mr_engine *e, struct mri_peer *p, const struct mr_head *h)
{
    struct mr_hash proof[2 * MR_PATH_MAX];
    uint32_t count = 0;
    uint8_t root[32];
    const struct mr_head *const mine = &p->state.proven[0];
    if (p->state.proven_count == 0 || h->size > mine->size) {
        p->claimed = *h; /* looked at again when this node has got that far */
        return MR_OK;
    }
    enum mr_status st = mri_tree_root(&p->tree, root, h->size);
    if (st != MR_OK || memcmp(root, h->root, 32) == 0)
        return st;
    if (!mr_head_verify(h, e->ledger.id, &p->seat->log_key))
        return MR_OK; /* whoever said so lied: nobody signed this */
    st = mri_tree_consistency(&p->tree, proof, &count, h->size, mine->size);
    return st == MR_OK ? mri_convict_fork(e, p, h, mine, root, proof, count) : st;
}

static enum mr_status hear_seen(struct mr_engine *e, const struct mr_head *h)
{
    struct mri_peer *const p = mri_peer_of(e, h->node);
    if (h->epoch != e->committee.epoch)
        return MR_OK;
    if (h->node == e->config.node)
        return mri_seen_head(e, h);
    return p != NULL && h->generation == p->seat->generation ? mri_compare_head(e, p, h) : MR_OK;
}

/* SEAL and FINAL. The own ones are met in replay only. */
static void hear_end(struct mr_engine *e, struct mri_peer *p, uint64_t index,
                     const struct mr_leaf *leaf)
{
    if (leaf->kind == MR_LEAF_SEAL && leaf->u.seal.epoch == e->committee.epoch) {
        if (p != NULL && p->state.sealed == 0)
            p->state.sealed = index + 1;
        else if (p == NULL)
            e->ledger.meta.sealed = index + 1;
    }
    if (leaf->kind == MR_LEAF_FINAL && p == NULL)
        e->ledger.meta.finished = true;
}

/* --- one leaf --------------------------------------------------------------------------------- */

/* A leaf about a slot that is not open. *ret_open: it is to be opened; else it is settled, or
 * nothing can stand there. */
static enum mr_status hear_first(struct mr_engine *e, uint32_t node, const uint8_t account[16],
                                 uint64_t seq, uint64_t index, const struct mr_leaf *leaf,
                                 bool *ret_open)
{
    struct mr_state_hot hot;
    uint64_t number;
    enum mr_status st = mri_hot_of(&e->ledger, &hot, &number, account);
    *ret_open = st == MR_NOT_FOUND;
    if (st != MR_OK)
        return *ret_open ? MR_OK : st;
    *ret_open = hot.chain.next_seq != 0 && seq >= hot.chain.next_seq; /* 0: no chain */
    if (seq >= hot.chain.next_seq)
        return MR_OK;
    if (mri_is_anew(leaf)) {
        st = mri_anew_hear(e, node, index, leaf, number);
        if (st != MR_OK)
            return st;
    }
    return e->replaying ? MR_OK
                        : hear_late(e, mri_peer_of(e, node), number, account, seq, index, leaf);
}

enum mr_status mri_hear(struct mr_engine *e, uint32_t node, uint64_t index,
                        const struct mr_leaf *leaf)
{
    struct mri_peer *const p = mri_peer_of(e, node);
    const uint8_t *account;
    uint64_t seq;
    struct mri_clash clash;
    if (leaf->kind != MR_LEAF_SEEN && p != NULL)
        p->spoke = index + 1;
    if (leaf->kind == MR_LEAF_SEEN && p != NULL && !e->replaying)
        return hear_seen(e, &leaf->u.seen.head);
    if (leaf->kind == MR_LEAF_REST && p != NULL && !e->replaying)
        mri_rest_hear(e, p, &leaf->u.rest);
    if (leaf->kind == MR_LEAF_EVIDENCE && p != NULL)
        mri_evidence_hear(e, p, &leaf->u.evidence);
    hear_end(e, p, index, leaf);
    if (!slot_of(leaf, &account, &seq) || seq == 0)
        return MR_OK;
    struct mri_open *o = mri_open_find(e, account, seq);
    if (o == NULL) {
        bool open;
        const enum mr_status st = hear_first(e, node, account, seq, index, leaf, &open);
        if (st != MR_OK || !open)
            return st;
        o = mri_open_get(e, account, seq, node);
    }
    mri_slot_hear(&o->s, node, index, leaf, &clash);
    mri_open_due(e, o);
    if (clash.found && p != NULL && !e->replaying)
        return mri_convict_leaves(e, p, &clash, leaf);
    return MR_OK;
}

/* --- many leaves ------------------------------------------------------------------------------ */

/* The heads that stand over the mirror now. */
static enum mr_status reach_heads(struct mri_peer *p, const struct mr_head *head)
{
    struct mr_state_peer *const s = &p->state;
    uint8_t root[32];
    if (s->pending_count > 0 && s->pending[0].size <= p->tree.size) {
        const enum mr_status st = mri_tree_root(&p->tree, root, s->pending[0].size);
        if (st != MR_OK)
            return st;
        if (memcmp(root, s->pending[0].root, 32) == 0) {
            s->proven[0] = s->pending[0];
            s->proven_count = 1;
        } else {
            p->claimed = s->pending[0]; /* another history: looked at when this one is proven */
        }
        s->pending_count = 0;
    }
    if (head->size == p->tree.size) {
        s->proven[0] = *head;
        s->proven_count = 1;
        s->pending_count = 0;
    } else if (s->pending_count == 0) {
        s->pending[0] = *head;
        s->pending_count = 1;
    }
    return MR_OK;
}

void mri_hash_leaves(struct mr_engine *e, const struct mr_leaf *leaves, uint32_t count)
{
    uint8_t bytes[512];
    e->joins.count = e->joins.used = 0;
    e->joins.size = 0;
    for (uint32_t i = 0; i < count; i++)
        mr_leaf_hash(e->hashes[i], bytes, mr_leaf_encode(&leaves[i], bytes, sizeof bytes));
}

/* The mirror of a log begins anew: the CUT names another history of it. What the one that was read
 * says counts no more; what it was counted for before remains. */
static enum mr_status begin_afresh(struct mr_engine *e, struct mri_peer *p)
{
    struct mr_state_peer *const s = &p->state;
    *s = (struct mr_state_peer){.node = s->node, .epoch = s->epoch, .convicted = s->convicted};
    p->head = p->claimed = (struct mr_head){0};
    p->spoke = p->seen_size = 0;
    for (struct mri_open *o = e->opens.oldest; o != NULL; o = o->newer) {
        mri_slot_forget(&o->s, p->seat->number);
        mri_open_due(e, o);
    }
    mri_tree_store(&p->tree); /* the same tiles stay, however often they were flushed before */
    return mri_tree_load(&p->tree, &e->view, p->tree.node, e->committee.epoch, 0);
}

/* What this node said at the end of its log it says no more: it forgot. */
static bool ends_log(const struct mr_leaf *leaf)
{
    return leaf->kind == MR_LEAF_SEAL || leaf->kind == MR_LEAF_FINAL;
}

enum mr_status mri_peer_take(struct mr_engine *e, const struct mr_entry_peer *entry)
{
    struct mri_peer *const p = mri_followed(e, entry->node);
    if (p == NULL || (entry->first != p->tree.size && entry->first != 0))
        return MR_DAMAGED;
    if (entry->first < p->tree.size) {
        const enum mr_status st = begin_afresh(e, p);
        if (st != MR_OK)
            return st;
    }
    p->afresh = p->afresh && entry->first > 0;
    for (uint32_t i = 0; i < entry->leaves_count; i++)
        mri_tree_append(&p->tree, e->hashes[i], &e->joins);
    p->state.size = p->tree.size;
    p->changed = true;
    mri_peer_positions(e, entry->node, entry->first, entry->leaves_count);
    if (entry->head.size > p->head.size || entry->head.time_ms > p->head.time_ms)
        p->head = entry->head;
    enum mr_status st = reach_heads(p, &entry->head);
    /* The entry is used for what follows from them. */
    const uint64_t first = entry->first;
    const uint32_t count = entry->leaves_count;
    memcpy(e->heard, entry->leaves, count * sizeof entry->leaves[0]);
    for (uint32_t i = 0; st == MR_OK && i < count; i++)
        if (p != &e->self || !ends_log(&e->heard[i]))
            st = mri_hear(e, p->seat->number, first + i, &e->heard[i]);
    if (st == MR_OK && !e->replaying && p != &e->self && p->claimed.size > 0 &&
        p->state.proven_count > 0 && p->claimed.size <= p->state.proven[0].size) {
        const struct mr_head seen = p->claimed;
        p->claimed.size = 0;
        st = mri_compare_head(e, p, &seen);
    }
    return st;
}
