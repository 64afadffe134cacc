/* The node's log: its leaves as a tree, and its heads (LOG-1 to LOG-5). */
#include <stdio.h>
#include <string.h>

#include "audit/state.h"

/* START names the last head of the log before. */
static void last_head(struct mr_audit *a, const struct mr_leaf_start *s)
{
    const struct mr_head *const h = &a->totals.head;
    const bool has = a->totals.has_head && h->epoch + 1 == a->epoch;
    if (s->last_size != (has ? h->size : 0))
        mri_aud_u64(a, "LOG-2", MR_BAD_HEAD, "size of the last head of the log before, in START",
                    has ? h->size : 0, s->last_size);
    else if (has && memcmp(h->root, s->last_root, 32) != 0)
        mri_aud_hash(a, "LOG-2", MR_BAD_HEAD, "root of the last head of the log before, in START",
                     h->root, s->last_root);
}

/* LOG-2 */
static void start(struct mr_audit *a, const struct mr_leaf_start *s)
{
    if (a->started)
        mri_aud_text(a, "LOG-2", MR_CHECK_FAILED, "START", "only as the first leaf", "another");
    if (memcmp(s->ledger, a->ledger, 32) != 0)
        mri_aud_hash(a, "LOG-2", MR_WRONG_LEDGER, "ledger of START", a->ledger, s->ledger);
    const int seat = mri_aud_seat(a, s->node);
    if (seat < 0)
        mri_aud_u64(a, "LOG-2", MR_WRONG_NODE, "node of START, in the charter", 1, s->node);
    else if (a->node != 0 && s->node != a->node)
        mri_aud_u64(a, "LOG-2", MR_WRONG_NODE, "node of START", a->node, s->node);
    else if (s->epoch != a->epoch)
        mri_aud_u64(a, "LOG-2", MR_WRONG_EPOCH, "epoch of START", a->epoch, s->epoch);
    else if (s->generation != a->generations[seat])
        mri_aud_u64(a, "LOG-2", MR_WRONG_EPOCH, "generation of START", a->generations[seat],
                    s->generation);
    if (!a->started)
        last_head(a, s);
    a->started = true;
    a->node = s->node;
    a->generation = seat < 0 ? s->generation : a->generations[seat];
}

/* Whether the book begins in a later epoch, which the journal does not lead to. */
static bool begins_late(struct mr_audit *a, const struct mr_leaf *leaf)
{
    if (leaf->kind != MR_LEAF_START || leaf->u.start.epoch <= a->epoch || a->node != 0 ||
        a->past_logs != NULL || a->totals.settled + a->totals.voided > 0)
        return false;
    char found[64];
    snprintf(found, sizeof found, "epoch %u", (unsigned)leaf->u.start.epoch);
    mri_aud_text(a, "LOG-2", MR_WRONG_EPOCH, "epoch a book begins in",
                 "epoch 1, or behind another node's book of the epoch before", found);
    a->late = true;
    a->begins = leaf->u.start.epoch;
    return true;
}

void mri_aud_leaf(struct mr_audit *a, const struct mr_leaf *leaf, const uint8_t *bytes, size_t len)
{
    const uint64_t index = a->tree.size;
    uint8_t h[32];
    if (begins_late(a, leaf))
        return;
    mri_aud_leaf_hash(h, bytes, len);
    if (mri_aud_tree_add(&a->tree, &a->mem, h) != MR_OK) {
        a->no_memory = true;
        return;
    }
    a->totals.leaves = a->tree.size;
    if (index == 0 && leaf->kind != MR_LEAF_START)
        mri_aud_text(a, "LOG-2", MR_CHECK_FAILED, "first leaf", "start",
                     mr_leaf_kind_text(leaf->kind));
    if (mri_aud_behind_final(a, a->node, a->end.has_final, leaf))
        return;
    switch (leaf->kind) {
    case MR_LEAF_START:
        start(a, &leaf->u.start);
        return;
    case MR_LEAF_VOTE:
    case MR_LEAF_ACK:
    case MR_LEAF_UNLOCK:
        mri_aud_own_leaf(a, leaf, index);
        return;
    case MR_LEAF_SEEN:
        mri_aud_seen(a, a->node, &leaf->u.seen.head);
        return;
    case MR_LEAF_EVIDENCE:
        mri_aud_announced(a, a->node, &leaf->u.evidence);
        return;
    case MR_LEAF_SEAL:
        mri_aud_seal(a, &leaf->u.seal, index);
        return;
    case MR_LEAF_FINAL:
        mri_aud_final(a, &leaf->u.final);
        return;
    case MR_LEAF_REST:
        mri_aud_own_rest(a, &leaf->u.rest, index);
        return;
    }
    mr_bug("leaf kind");
}

const struct mr_pubkey *mri_aud_log_key(const struct mr_audit *a, uint32_t node)
{
    const int seat = mri_aud_seat(a, node);
    return seat < 0 ? NULL : &a->charter.nodes[seat].log_key;
}

static void head_signature(struct mr_audit *a, const struct mr_head *h)
{
    const struct mr_pubkey *const key = mri_aud_log_key(a, h->node);
    if (key == NULL || h->epoch != a->epoch || h->generation != a->generation) {
        a->totals.heads_unchecked++; /* reported as another epoch's */
        return;
    }
    char text[256];
    const size_t n = mri_aud_head_text(text, sizeof text, a->ledger, h);
    mri_aud_sign_job(a, "LOG-5", "signature of a head", (const uint8_t *)text, n, h->sig, key->key,
                     0);
}

void mri_aud_head(struct mr_audit *a, const struct mr_head *h)
{
    const struct mr_head *last = a->totals.has_head ? &a->totals.head : NULL;
    if (last != NULL && (last->generation != a->generation || last->epoch != a->epoch))
        last = NULL; /* of the log before */
    uint8_t root[32];
    a->totals.heads++;
    if (h->node != a->node || h->epoch != a->epoch || h->generation != a->generation) {
        char e[64], f[64];
        snprintf(e, sizeof e, "%u/%u/%u", (unsigned)a->epoch, (unsigned)a->node,
                 (unsigned)a->generation);
        snprintf(f, sizeof f, "%u/%u/%u", (unsigned)h->epoch, (unsigned)h->node,
                 (unsigned)h->generation);
        mri_aud_text(a, "LOG-5", MR_BAD_HEAD, "epoch/node/generation of a head", e, f);
    }
    if (h->size > a->synced)
        mri_aud_u64(a, "LOG-4", MR_BAD_HEAD, "leaves under a head, synced", a->synced, h->size);
    else if (!mri_aud_tree_root(&a->tree, root, h->size))
        a->totals.heads_unchecked++;
    else if (memcmp(root, h->root, 32) != 0)
        mri_aud_hash(a, "LOG-1", MR_BAD_HEAD, "root of a head", root, h->root);
    else if (h->size < a->head_size)
        mri_aud_u64(a, "LOG-4", MR_BAD_HEAD, "size of a head, not below the last one's",
                    a->head_size, h->size);
    if (h->size <= a->synced)
        a->head_size = h->size;
    if (last != NULL && h->time_ms < last->time_ms)
        mri_aud_u64(a, "LOG-4", MR_BAD_HEAD, "time of a head, not before the last one's",
                    last->time_ms, h->time_ms);
    head_signature(a, h);
    a->totals.head = *h;
    a->totals.has_head = true;
}
