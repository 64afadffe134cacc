/* RFC 6962 section 2.1, LOG-1. Complete subtrees are kept a while, so that the root of a size that
 * a later turn signs is still known. */
#include <nettle/sha2.h>
#include <sodium.h>
#include <string.h>

#include "audit/state.h"

void mri_aud_leaf_hash(uint8_t ret[32], const uint8_t *leaf, size_t len)
{
    const uint8_t zero = 0;
    struct sha256_ctx sum;
    sha256_init(&sum);
    sha256_update(&sum, 1, &zero);
    sha256_update(&sum, len, leaf);
    sha256_digest(&sum, SHA256_DIGEST_SIZE, ret);
}

void mri_aud_node_hash(uint8_t ret[32], const uint8_t left[32], const uint8_t right[32])
{
    uint8_t both[65] = {1};
    struct sha256_ctx sum;
    memcpy(both + 1, left, 32);
    memcpy(both + 33, right, 32);
    sha256_init(&sum);
    sha256_update(&sum, sizeof both, both);
    sha256_digest(&sum, SHA256_DIGEST_SIZE, ret);
}

static uint64_t window_of(const struct mri_aud_tree *t)
{
    return t->window == 0 ? MRI_AUD_WINDOW : t->window;
}

static uint64_t ring_len(const struct mri_aud_tree *t, unsigned level)
{
    const uint64_t n = window_of(t) * 2 >> level;
    return n < 4 ? 4 : n;
}

static uint8_t *cell(const struct mri_aud_tree *t, unsigned level, uint64_t index)
{
    return &t->level[level][index & (ring_len(t, level) - 1)][0];
}

uint8_t *mri_aud_tree_cell(struct mri_aud_tree *t, const struct mr_mem *mem, unsigned level,
                           uint64_t index)
{
    if (t->level[level] == NULL)
        t->level[level] = mem->get(mem->ctx, (size_t)ring_len(t, level) * 32);
    return t->level[level] == NULL ? NULL : cell(t, level, index);
}

uint64_t mri_aud_tree_held(const struct mri_aud_tree *t, unsigned level)
{
    const uint64_t n = t->size >> level, most = ring_len(t, level);
    return n < most ? n : most;
}

enum mr_status mri_aud_tree_add(struct mri_aud_tree *t, const struct mr_mem *mem,
                                const uint8_t leaf_hash[32])
{
    uint8_t h[32];
    memcpy(h, leaf_hash, 32);
    uint64_t index = t->size;
    for (unsigned level = 0;; level++) {
        mr_assert(level < MRI_AUD_LEVELS);
        uint8_t *const at = mri_aud_tree_cell(t, mem, level, index);
        if (at == NULL)
            return MR_NO_MEMORY;
        memcpy(at, h, 32);
        if ((index & 1) == 0)
            break;
        mri_aud_node_hash(h, cell(t, level, index - 1), h);
        index >>= 1;
    }
    t->size++;
    return MR_OK;
}

bool mri_aud_tree_root(const struct mri_aud_tree *t, uint8_t ret[32], uint64_t size)
{
    mr_assert(size <= t->size);
    if (t->size - size > window_of(t))
        return false;
    if (size == 0) {
        crypto_hash_sha256(ret, NULL, 0);
        return true;
    }
    uint8_t root[32];
    bool first = true;
    for (unsigned level = 0; size >> level != 0; level++) {
        const uint64_t subtrees = size >> level;
        if ((subtrees & 1) == 0)
            continue;
        const uint8_t *const peak = cell(t, level, subtrees - 1);
        if (first)
            memcpy(root, peak, 32);
        else
            mri_aud_node_hash(root, peak, root);
        first = false;
    }
    memcpy(ret, root, 32);
    return true;
}

void mri_aud_tree_done(struct mri_aud_tree *t, const struct mr_mem *mem)
{
    for (unsigned i = 0; i < MRI_AUD_LEVELS; i++) {
        mem->put(mem->ctx, t->level[i]);
        t->level[i] = NULL;
    }
}

bool mri_aud_path_root(uint8_t ret[32], const uint8_t leaf_hash[32], uint64_t index, uint64_t size,
                       const struct mr_hash *path, uint32_t count)
{
    if (index >= size)
        return false;
    uint8_t h[32];
    memcpy(h, leaf_hash, 32);
    uint64_t last = size - 1; /* index of the last node on this level */
    uint32_t used = 0;
    for (; last > 0; index >>= 1, last >>= 1) {
        if ((index & 1) == 0 && index == last)
            continue; /* alone on its level: goes up as it is */
        if (used == count)
            return false;
        if ((index & 1) == 1)
            mri_aud_node_hash(h, path[used].h, h);
        else
            mri_aud_node_hash(h, h, path[used].h);
        used++;
    }
    memcpy(ret, h, 32);
    return used == count;
}

/* RFC 6962 section 2.1.2 read backwards: SUBPROOF(m, D[n], whole) as it was made, its hashes taken
 * one after another, gives the roots of the first m and of all n leaves. */
struct reading {
    const uint8_t *old_root;
    const struct mr_hash *next;
    uint32_t left; /* hashes not taken yet */
};

static const uint8_t *take(struct reading *r)
{
    if (r->left == 0)
        return NULL;
    r->left--;
    return (r->next++)->h;
}

static bool read_subproof(struct reading *r, uint8_t before[32], uint8_t after[32], uint64_t m,
                          uint64_t n, bool whole)
{
    if (m == n) {
        const uint8_t *const h = whole ? r->old_root : take(r);
        if (h == NULL)
            return false;
        memcpy(before, h, 32);
        memcpy(after, h, 32);
        return true;
    }
    uint64_t k = 1;
    while (k * 2 < n)
        k *= 2;
    const bool in_left = m <= k;
    if (!(in_left ? read_subproof(r, before, after, m, k, whole)
                  : read_subproof(r, before, after, m - k, n - k, false)))
        return false;
    const uint8_t *const sibling = take(r);
    if (sibling == NULL)
        return false;
    if (in_left) {
        mri_aud_node_hash(after, after, sibling);
    } else {
        mri_aud_node_hash(before, sibling, before);
        mri_aud_node_hash(after, sibling, after);
    }
    return true;
}

bool mri_aud_grows(const uint8_t old_root[32], uint64_t old_size, const uint8_t root[32],
                   uint64_t size, const struct mr_hash *proof, uint32_t count)
{
    struct reading r = {old_root, proof, count};
    uint8_t before[32], after[32];
    if (old_size > size)
        return false;
    if (old_size == 0 && size > 0)
        return count == 0;
    if (old_size == 0)
        return count == 0 && memcmp(old_root, root, 32) == 0;
    return read_subproof(&r, before, after, old_size, size, true) && r.left == 0 &&
           memcmp(before, old_root, 32) == 0 && memcmp(after, root, 32) == 0;
}
