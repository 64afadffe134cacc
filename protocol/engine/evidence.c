/* Evidence: built from what was verified, kept for ever, announced (spec/45-evidence.md). */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/sign.h"

static struct mr_evidence *begin(struct mr_engine *e, enum mr_evidence_kind kind)
{
    struct mr_evidence *const v = &e->evidence;
    v->version = 1;
    memcpy(v->ledger, e->ledger.id, 32);
    v->handover_count = 0;
    v->body.kind = kind;
    return v;
}

/* The evidence is the next in the store. */
static size_t put(struct mr_engine *e, struct mri_peer *p, const struct mr_evidence *v)
{
    uint8_t key[8];
    const size_t len = mr_evidence_encode(v, e->bytes, sizeof e->bytes);
    e->ledger.meta.evidence++;
    mri_view_put(&e->view, MR_TABLE_EVIDENCE, key, mri_key_u64(key, e->ledger.meta.evidence),
                 e->bytes, len);
    p->state.convicted = true;
    p->changed = true;
    p->evidence++;
    return len;
}

/* Say what was found out, in the journal and to the others. */
static enum mr_status finish(struct mr_engine *e, struct mri_peer *p)
{
    struct mr_evidence *const v = &e->evidence;
    const uint32_t epoch = v->body.kind == MR_EVIDENCE_FORK ? v->body.u.fork.newer.epoch
                                                            : v->body.u.leaves.second.head.epoch;
    const enum mr_status st = mri_handover(e, v->handover, &v->handover_count, epoch);
    if (st != MR_OK)
        return st;
    e->entry.kind = MR_ENTRY_EVIDENCE;
    e->entry.u.evidence = *v;
    mri_say(e, &e->entry);
    const size_t len = put(e, p, v);
    if (!mri_speaks(e))
        return MR_OK;
    struct mr_leaf leaf = {.kind = MR_LEAF_EVIDENCE, .u.evidence = {.node = p->seat->number}};
    mr_hash(leaf.u.evidence.hash, "mereau/evidence", e->bytes, len, NULL, 0);
    mri_say_leaf(e, &leaf);
    return MR_OK;
}

enum mr_status mri_convict_fork(struct mr_engine *e, struct mri_peer *p,
                                const struct mr_head *older, const struct mr_head *newer,
                                const uint8_t root[32], const struct mr_hash *proof,
                                uint32_t proof_count)
{
    if (p->evidence >= MRI_EVIDENCE_A_NODE)
        return MR_OK; /* enough is enough */
    struct mr_evidence_fork *const f = &begin(e, MR_EVIDENCE_FORK)->body.u.fork;
    f->older = *older;
    f->newer = *newer;
    memcpy(f->root, root, 32);
    f->consistency_count = proof_count;
    memcpy(f->consistency, proof, proof_count * sizeof proof[0]);
    return finish(e, p);
}

enum mr_status mri_convict_leaves(struct mr_engine *e, struct mri_peer *p,
                                  const struct mri_clash *clash, const struct mr_leaf *later)
{
    if (p->evidence >= MRI_EVIDENCE_A_NODE)
        return MR_OK;
    struct mr_evidence_leaves *const l = &begin(e, MR_EVIDENCE_LEAVES)->body.u.leaves;
    const uint32_t node = p->seat->number;
    enum mr_status st =
        mri_prove(e, &l->first, e->committee.epoch, node, clash->first, &clash->earlier);
    if (st == MR_OK)
        st = mri_prove(e, &l->second, e->committee.epoch, node, clash->second, later);
    /* No head that covers both is at hand, or the earlier one was shown, of another history: two
     * heads of that log convict it then. */
    if (st == MR_NOT_FOUND)
        return MR_OK;
    return st == MR_OK ? finish(e, p) : st;
}

enum mr_status mri_evidence_replay(struct mr_engine *e, const struct mr_evidence *ev)
{
    const uint32_t node = ev->body.kind == MR_EVIDENCE_FORK ? ev->body.u.fork.newer.node
                                                            : ev->body.u.leaves.first.head.node;
    struct mri_peer *const p = mri_peer_of(e, node);
    if (p == NULL)
        return MR_DAMAGED;
    put(e, p, ev);
    return MR_OK;
}
