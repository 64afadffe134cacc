#include "audit/fork.h"

#include <stdlib.h>
#include <string.h>

#include "mereau/codec.h"
#include "mereau/journal.h"
#include "mereau/log.h"

struct fork_log {
    uint32_t epoch, node;
    uint32_t at_epoch, at_node; /* the log that the own leaves of the book belong to */
    struct mr_head *heads;      /* ascending by size, as they were read */
    size_t heads_count, heads_cap;
    uint8_t (*leaves)[32];
    size_t leaves_count, leaves_cap;
    bool gap; /* leaves behind it are not known */
    struct mr_entry e;
};

enum mr_status fork_log_create(struct fork_log **ret, uint32_t epoch, uint32_t node)
{
    *ret = calloc(1, sizeof **ret);
    if (*ret == NULL)
        return MR_NO_MEMORY;
    (*ret)->epoch = epoch;
    (*ret)->node = node;
    return MR_OK;
}

void fork_log_destroy(struct fork_log *l)
{
    if (l == NULL)
        return;
    free(l->heads);
    free(l->leaves);
    free(l);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool add_leaf(struct fork_log *l, const struct mr_leaf *leaf)
{
    uint8_t bytes[sizeof *leaf];
    if (l->leaves_count == l->leaves_cap) {
        const size_t cap = l->leaves_cap == 0 ? 1024 : 2 * l->leaves_cap;
        void *const wider = realloc(l->leaves, cap * sizeof *l->leaves);
        if (wider == NULL)
            return false;
        l->leaves = wider;
        l->leaves_cap = cap;
    }
    mr_leaf_hash(l->leaves[l->leaves_count++], bytes, mr_leaf_encode(leaf, bytes, sizeof bytes));
    return true;
}

static bool add_head(struct fork_log *l, const struct mr_head *h)
{
    if (h->node != l->node || h->epoch != l->epoch || h->size == 0 ||
        (l->heads_count > 0 && l->heads[l->heads_count - 1].size >= h->size))
        return true;
    if (l->heads_count == l->heads_cap) {
        const size_t cap = l->heads_cap == 0 ? 256 : 2 * l->heads_cap;
        void *const wider = realloc(l->heads, cap * sizeof *l->heads);
        if (wider == NULL)
            return false;
        l->heads = wider;
        l->heads_cap = cap;
    }
    l->heads[l->heads_count++] = *h;
    return true;
}

static bool take_peer(struct fork_log *l, const struct mr_entry_peer *p)
{
    if (p->node != l->node || p->head.epoch != l->epoch)
        return true;
    /* Leaves from the first one on again are those of another history. */
    l->gap = l->gap || p->first > l->leaves_count || (p->first == 0 && l->leaves_count > 0);
    for (uint32_t i = 0; !l->gap && i < p->leaves_count; i++) {
        if (p->first + i >= l->leaves_count && !add_leaf(l, &p->leaves[i]))
            return false;
    }
    return add_head(l, &p->head);
}

static bool take_entry(struct fork_log *l, const struct mr_entry *e)
{
    if (e->kind == MR_ENTRY_PEER)
        return take_peer(l, &e->u.peer);
    if (e->kind == MR_ENTRY_HEAD)
        return add_head(l, &e->u.head);
    if (e->kind != MR_ENTRY_LEAF)
        return true;
    if (e->u.leaf.kind == MR_LEAF_START) {
        l->at_epoch = e->u.leaf.u.start.epoch;
        l->at_node = e->u.leaf.u.start.node;
    }
    return l->at_epoch != l->epoch || l->at_node != l->node || add_leaf(l, &e->u.leaf);
}

enum mr_status fork_log_take(struct fork_log *l, const struct mr_audit_turn *t)
{
    struct mr_frame f;
    size_t used;
    if (mr_frame_read(&f, t->log, t->log_len, NULL) != MR_OK)
        return MR_DAMAGED;
    for (size_t at = 0; at < f.len; at += used) {
        if (mr_entry_decode_first(&l->e, &used, t->log + MR_FRAME_HEAD_BYTES + at, f.len - at) !=
            MR_OK)
            return MR_DAMAGED;
        if (!take_entry(l, &l->e))
            return MR_NO_MEMORY;
    }
    return MR_OK;
}

/* --- trees ------------------------------------------------------------------------------------ */

/* The largest power of two below n, for n above 1. */
static size_t split(size_t n)
{
    size_t k = 1;
    while (k * 2 < n)
        k *= 2;
    return k;
}

static void root_of(uint8_t ret[32], uint8_t (*const leaves)[32], size_t n)
{
    if (n == 1) {
        memcpy(ret, leaves[0], 32);
        return;
    }
    uint8_t left[32], right[32];
    const size_t k = split(n);
    root_of(left, leaves, k);
    root_of(right, leaves + k, n - k);
    mr_node_hash(ret, left, right);
}

/* RFC 6962 section 2.1.2: SUBPROOF(m, D[n], whole), the hashes appended. */
static void prove(struct mr_evidence_fork *ret, uint8_t (*const leaves)[32], size_t m, size_t n,
                  bool whole)
{
    if (m == n) {
        if (!whole)
            root_of(ret->consistency[ret->consistency_count++].h, leaves, n);
        return;
    }
    const size_t k = split(n);
    if (m <= k) {
        prove(ret, leaves, m, k, whole);
        root_of(ret->consistency[ret->consistency_count++].h, leaves + k, n - k);
    } else {
        prove(ret, leaves + k, m - k, n - k, false);
        root_of(ret->consistency[ret->consistency_count++].h, leaves, k);
    }
}

/* The first head over more leaves than that, and at most `most`. */
static const struct mr_head *head_over(const struct fork_log *l, uint64_t leaves, uint64_t most)
{
    for (size_t i = 0; i < l->heads_count; i++) {
        if (l->heads[i].size > leaves)
            return l->heads[i].size <= most ? &l->heads[i] : NULL;
    }
    return NULL;
}

static bool show(struct mr_evidence_fork *ret, const struct fork_log *old,
                 const struct fork_log *new, size_t differs)
{
    const struct mr_head *const older = head_over(old, differs, UINT64_MAX);
    const struct mr_head *const newer =
        older == NULL ? NULL : head_over(new, older->size - 1, new->leaves_count);
    if (newer == NULL || newer->generation != older->generation)
        return false;
    ret->older = *older;
    ret->newer = *newer;
    ret->consistency_count = 0;
    root_of(ret->root, new->leaves, (size_t)older->size);
    prove(ret, new->leaves, (size_t)older->size, (size_t)newer->size, true);
    return true;
}

enum mr_status fork_find(struct mr_evidence *ret, const struct fork_log *a,
                         const struct fork_log *b)
{
    const size_t both = a->leaves_count < b->leaves_count ? a->leaves_count : b->leaves_count;
    size_t differs = 0;
    while (differs < both && memcmp(a->leaves[differs], b->leaves[differs], 32) == 0)
        differs++;
    if (differs == both)
        return MR_NOT_FOUND;
    ret->body.kind = MR_EVIDENCE_FORK;
    return show(&ret->body.u.fork, a, b, differs) || show(&ret->body.u.fork, b, a, differs)
               ? MR_OK
               : MR_NOT_FOUND;
}
