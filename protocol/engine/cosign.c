/* What witnesses cosigned of the own log (LOG-7). In memory only: a witness hands in anew. */
#include <string.h>

#include "engine/internal.h"
#include "mereau/log.h"

/* The head is of this log, as it stands, and was signed here. */
static enum mr_status is_own(struct mr_engine *e, const struct mr_head *h)
{
    uint8_t root[32];
    if (h->node != e->config.node || h->epoch != e->head.epoch ||
        h->generation != e->head.generation || h->size == 0 || h->size > e->head.size)
        return MR_BAD_HEAD;
    const enum mr_status st = mri_tree_root(&e->tree, root, h->size);
    if (st != MR_OK)
        return st;
    return memcmp(root, h->root, 32) == 0 &&
                   mr_head_verify(h, e->ledger.id, &e->ledger.meta.log_key)
               ? MR_OK
               : MR_BAD_HEAD;
}

static struct mri_cosigned *place_of(struct mr_engine *e, const struct mr_head *h)
{
    for (size_t i = 0; i < MRI_COSIGNED_MAX; i++) {
        if (e->cosigned[i].count > 0 && mri_same_head(&e->cosigned[i].head, h))
            return &e->cosigned[i];
    }
    struct mri_cosigned *const c = &e->cosigned[e->cosigned_next++ % MRI_COSIGNED_MAX];
    c->head = *h;
    c->count = 0;
    return c;
}

enum mr_status mri_cosign(struct mr_engine *e, const struct mr_req_cosign *q)
{
    const enum mr_status st = is_own(e, &q->head);
    if (st != MR_OK)
        return st;
    struct mri_cosigned *const c = place_of(e, &q->head);
    for (uint32_t i = 0; i < c->count; i++) {
        if (memcmp(c->by[i].key, q->cosignature.key, MR_KEY_BYTES) == 0)
            return MR_OK;
    }
    if (c->count == MRI_COSIGNATURES_MAX)
        return MR_FULL;
    c->by[c->count++] = q->cosignature;
    return MR_OK;
}

const struct mri_cosigned *mri_cosigned_over(const struct mr_engine *e, uint64_t index)
{
    const struct mri_cosigned *best = NULL;
    for (size_t i = 0; i < MRI_COSIGNED_MAX; i++) {
        const struct mri_cosigned *const c = &e->cosigned[i];
        if (c->count == 0 || c->head.size <= index || c->head.epoch != e->head.epoch)
            continue;
        if (best == NULL || c->count > best->count ||
            (c->count == best->count && c->head.size < best->head.size))
            best = c;
    }
    return best;
}

void mri_cosignatures(const struct mr_engine *e, struct mr_receipt *r)
{
    r->cosignatures_count = 0;
    for (size_t i = 0; i < MRI_COSIGNED_MAX; i++) {
        const struct mri_cosigned *const c = &e->cosigned[i];
        if (c->count == 0 || !mri_same_head(&c->head, &r->proofs[0].head))
            continue;
        memcpy(r->cosignatures, c->by, c->count * sizeof c->by[0]);
        r->cosignatures_count = c->count;
        return;
    }
}
