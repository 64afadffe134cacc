/* Evidence: built from what was verified, kept for ever, announced (spec/45-evidence.md). */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/evidence.h"
#include "mereau/sign.h"

enum { ASK_AGAIN_MS = 500, QUESTIONS = 8 };

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
    const enum mr_status st =
        mri_handover(e, v->handover, &v->handover_count, mr_evidence_head(v)->epoch);
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
    struct mri_peer *const p = mri_peer_of(e, mr_evidence_head(ev)->node);
    if (p == NULL)
        return MR_DAMAGED;
    put(e, p, ev);
    return MR_OK;
}

/* --- what others hold ------------------------------------------------------------------------- */

/* Once for each node: a peer that announces what it has not is asked in vain, and then no more. */
void mri_evidence_hear(const struct mr_engine *e, struct mri_peer *p,
                       const struct mr_leaf_evidence *leaf)
{
    if (mri_peer_of(e, leaf->node) == NULL || (p->announced >> leaf->node & 1) != 0)
        return;
    p->announced |= UINT64_C(1) << leaf->node;
    p->questions += QUESTIONS;
}

bool mri_evidence_ask(struct mr_engine *e, struct mri_peer *p, struct mr_request_body *ret)
{
    bool lacks = false;
    if (p->questions == 0 || p->fetches > 0 || e->now_ms < p->piece_ms)
        return false;
    for (uint32_t i = 0; i < e->peers_count; i++)
        lacks = lacks || ((p->announced >> e->peers[i].seat->number & 1) != 0 &&
                          !e->peers[i].state.convicted);
    if (!lacks)
        return false;
    if (p->piece == 0)
        p->piece = 1;
    p->piece_ms = e->now_ms + ASK_AGAIN_MS;
    p->fetches++;
    ret->kind = MR_REQ_EVIDENCE;
    ret->u.evidence = (struct mr_req_page){.from = p->piece, .count = 1};
    return true;
}

/* The epoch's own keys judge it: what is of another epoch convicts nobody who votes now. */
static enum mr_status take_piece(struct mr_engine *e, struct mri_peer *from,
                                 const struct mr_evidence *v)
{
    struct mr_evidence_facts facts;
    const struct mr_head *const h = mr_evidence_head(v);
    struct mri_peer *const p = mri_peer_of(e, h->node);
    if (p == NULL || p->state.convicted || h->epoch != e->committee.epoch ||
        h->generation != p->seat->generation)
        return MR_OK;
    const enum mr_status st = mr_evidence_check(&facts, e->ledger.id, &p->seat->log_key, v);
    if (st != MR_OK) {
        from->refused++;
        from->trouble = st;
        return MR_OK;
    }
    begin(e, v->body.kind)->body = v->body;
    return finish(e, p);
}

/* The first piece is often the only one; else the newest are the likeliest. */
enum mr_status mri_evidence_take(struct mr_engine *e, struct mri_peer *p,
                                 const struct mr_rep_evidence *r)
{
    p->questions -= p->questions > 0;
    if (r == NULL)
        return MR_OK;
    p->piece = p->piece > 1 ? p->piece - 1 : r->last;
    return r->items_count > 0 ? take_piece(e, p, &r->items[0]) : MR_OK;
}
