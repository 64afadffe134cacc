/* What witnesses cosigned of the own log (LOG-7, LOG-9). In memory only: a witness hands in anew.
 */
#include <string.h>

#include "engine/internal.h"
#include "mereau/log.h"

enum { ROUND_MS = 120000 };

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

static const struct mr_witness_set *wanted(const struct mr_engine *e)
{
    return &e->ledger.present.charter.witnesses;
}

static uint32_t votes(const struct mr_engine *e, const struct mr_cosigned_head *c)
{
    return mr_cosigned_by(wanted(e), c->cosignatures, c->cosignatures_count);
}

static bool of_this_log(const struct mr_engine *e, const struct mr_cosigned_head *c)
{
    return c->cosignatures_count > 0 && c->head.epoch == e->head.epoch &&
           c->head.generation == e->head.generation;
}

static bool newer(const struct mr_head *a, const struct mr_head *b)
{
    return a->size > b->size || (a->size == b->size && a->time_ms > b->time_ms);
}

static bool has_key(const struct mr_cosigned_head *c, const uint8_t key[MR_KEY_BYTES])
{
    for (uint32_t i = 0; i < c->cosignatures_count; i++)
        if (memcmp(c->cosignatures[i].key, key, MR_KEY_BYTES) == 0)
            return true;
    return false;
}

/* Most of the charter's witnesses, up to as many as are needed; then most cosignatures; then the
 * newest. What is behind `index` only. */
const struct mr_cosigned_head *mri_cosigned_over(const struct mr_engine *e, uint64_t index)
{
    const struct mr_cosigned_head *best = NULL;
    uint32_t best_votes = 0;
    for (size_t i = 0; i < MRI_COSIGNED_MAX; i++) {
        const struct mr_cosigned_head *const c = &e->cosigned[i];
        if (!of_this_log(e, c) || c->head.size <= index)
            continue;
        const uint32_t all = votes(e, c), most = wanted(e)->quorum;
        const uint32_t n = most > 0 && all > most ? most : all;
        const bool more = best == NULL || n > best_votes ||
                          (n == best_votes && c->cosignatures_count > best->cosignatures_count);
        const bool same =
            best != NULL && n == best_votes && c->cosignatures_count == best->cosignatures_count;
        if (more || (same && newer(&c->head, &best->head))) {
            best = c;
            best_votes = n;
        }
    }
    return best;
}

/* The head in the ring that a key may cosign too: behind what it cosigned here, of the last
 * minutes, with most votes, and not with enough of them yet. */
static const struct mr_cosigned_head *open_round(const struct mr_engine *e, const uint8_t *key,
                                                 uint64_t from)
{
    const struct mr_cosigned_head *own = NULL, *best = NULL;
    for (size_t i = 0; i < MRI_COSIGNED_MAX; i++) {
        const struct mr_cosigned_head *const c = &e->cosigned[i];
        if (of_this_log(e, c) && key != NULL && has_key(c, key) &&
            (own == NULL || newer(&c->head, &own->head)))
            own = c;
    }
    for (size_t i = 0; i < MRI_COSIGNED_MAX; i++) {
        const struct mr_cosigned_head *const c = &e->cosigned[i];
        const uint32_t n = votes(e, c);
        if (!of_this_log(e, c) || n == 0 || n >= wanted(e)->quorum || c->head.size < from ||
            c->head.time_ms + ROUND_MS < e->now_ms || (own != NULL && !newer(&c->head, &own->head)))
            continue;
        if (best == NULL || n > votes(e, best) ||
            (n == votes(e, best) && newer(&c->head, &best->head)))
            best = c;
    }
    return best;
}

const struct mr_head *mri_to_cosign(const struct mr_engine *e, const uint8_t key[MR_KEY_BYTES],
                                    uint64_t from)
{
    const struct mr_cosigned_head *const c =
        mr_is_witness(wanted(e), key) ? open_round(e, key, from) : NULL;
    return c != NULL ? &c->head : &e->head;
}

/* Where a head stands in the ring, or MRI_COSIGNED_MAX. */
static size_t cosigned_at(const struct mr_engine *e, const struct mr_head *h)
{
    size_t i = 0;
    while (i < MRI_COSIGNED_MAX &&
           (e->cosigned[i].cosignatures_count == 0 || !mri_same_head(&e->cosigned[i].head, h)))
        i++;
    return i;
}

/* A place in the ring: never that of the head which receipts are made under, nor of the one which
 * lacks least to be the next such. */
static struct mr_cosigned_head *place_of(struct mr_engine *e, const struct mr_head *h)
{
    const struct mr_cosigned_head *const best = mri_cosigned_over(e, 0);
    const struct mr_cosigned_head *const next = open_round(e, NULL, 0);
    const size_t at = cosigned_at(e, h);
    if (at < MRI_COSIGNED_MAX)
        return &e->cosigned[at];
    struct mr_cosigned_head *c;
    do {
        c = &e->cosigned[e->cosigned_next++ % MRI_COSIGNED_MAX];
    } while (c == best || c == next);
    c->head = *h;
    c->cosignatures_count = 0;
    return c;
}

enum mr_status mri_cosign(struct mr_engine *e, const struct mr_req_cosign *q)
{
    const enum mr_status st = is_own(e, &q->head);
    if (st != MR_OK)
        return st;
    struct mr_cosigned_head *const c = place_of(e, &q->head);
    for (uint32_t i = 0; i < c->cosignatures_count; i++) {
        struct mr_cosignature *const had = &c->cosignatures[i];
        if (memcmp(had->key, q->cosignature.key, MR_KEY_BYTES) != 0)
            continue;
        if (q->cosignature.time_s > had->time_s) /* it still looks, and nothing happened since */
            *had = q->cosignature;
        return MR_OK;
    }
    if (c->cosignatures_count == MR_WITNESSES_MAX)
        return MR_FULL;
    c->cosignatures[c->cosignatures_count++] = q->cosignature;
    return MR_OK;
}

void mri_cosignatures(const struct mr_engine *e, struct mr_receipt *r)
{
    const size_t at = cosigned_at(e, &r->proofs[0].head);
    r->cosignatures_count = 0;
    if (at == MRI_COSIGNED_MAX)
        return;
    const struct mr_cosigned_head *const c = &e->cosigned[at];
    memcpy(r->cosignatures, c->cosignatures, c->cosignatures_count * sizeof c->cosignatures[0]);
    r->cosignatures_count = c->cosignatures_count;
}

/* --- COSIGNED --------------------------------------------------------------------------------- */

/* Whether another head of the ring, a newer one, has all the keys that this one has. */
static bool outdone(const struct mr_engine *e, const struct mr_cosigned_head *c)
{
    for (uint32_t k = 0; k < c->cosignatures_count; k++) {
        bool found = false;
        for (size_t i = 0; i < MRI_COSIGNED_MAX && !found; i++)
            found = of_this_log(e, &e->cosigned[i]) && newer(&e->cosigned[i].head, &c->head) &&
                    has_key(&e->cosigned[i], c->cosignatures[k].key);
        if (!found)
            return false;
    }
    return true;
}

void mri_read_cosigned(const struct mr_engine *e, struct mr_rep_cosigned *ret)
{
    const struct mr_cosigned_head *const best = mri_cosigned_over(e, 0);
    ret->heads_count = 0;
    if (best != NULL)
        ret->heads[ret->heads_count++] = *best;
    for (size_t i = 0; i < MRI_COSIGNED_MAX; i++) {
        const struct mr_cosigned_head *const c = &e->cosigned[i];
        if (c != best && of_this_log(e, c) && !outdone(e, c) && ret->heads_count < MR_WITNESSES_MAX)
            ret->heads[ret->heads_count++] = *c;
    }
}
