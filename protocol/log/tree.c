#include "log/tree.h"

#include <sodium.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/log.h"

/* First node of height h in a tile. */
static uint32_t height_at(uint32_t h)
{
    return MRI_TILE_NODES + 1 - (2u * MRI_TILE_HASHES >> h);
}

/* Append one hash to a tile and complete the nodes above it. */
static void tile_append(struct mri_tile *tile, const uint8_t hash[32], struct mri_joins *joins)
{
    uint32_t i = tile->count++;
    memcpy(tile->node[i], hash, 32);
    for (uint32_t h = 0; (i & 1) != 0; h++, i >>= 1) {
        uint8_t(*row)[32] = tile->node + height_at(h);
        uint8_t *const above = tile->node[height_at(h + 1) + (i >> 1)];
        if (joins != NULL && joins->used < joins->count)
            memcpy(above, joins->node[joins->used++], 32);
        else
            mr_node_hash(above, row[i - 1], row[i]);
    }
}

static void tile_key(uint8_t ret[16], const struct mri_tree *t, uint32_t level, uint64_t index)
{
    mri_key_pair(ret, (uint64_t)t->node << 32 | t->epoch, (uint64_t)level << 56 | index);
}

static void tile_put(const struct mri_tree *t, uint32_t level, const struct mri_tile *tile)
{
    uint8_t key[16];
    tile_key(key, t, level, tile->index);
    mri_view_put(t->view, MR_TABLE_TILE, key, sizeof key, tile->node[0], (size_t)tile->count * 32);
}

static enum mr_status tile_get(struct mri_tile *ret, const struct mri_tree *t, uint32_t level,
                               uint64_t index, uint32_t count)
{
    uint8_t key[16], hashes[MRI_TILE_HASHES][32];
    size_t len;
    ret->index = index;
    ret->count = 0;
    if (count == 0)
        return MR_OK;
    tile_key(key, t, level, index);
    const enum mr_status st =
        mri_view_get(t->view, MR_TABLE_TILE, key, sizeof key, hashes[0], sizeof hashes, &len);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    if (len < (size_t)count * 32)
        return MR_DAMAGED;
    for (uint32_t i = 0; i < count; i++)
        tile_append(ret, hashes[i], NULL);
    return MR_OK;
}

enum mr_status mri_tree_load(struct mri_tree *t, struct mri_view *view, uint32_t node,
                             uint32_t epoch, uint64_t size)
{
    t->view = view;
    t->node = node;
    t->epoch = epoch;
    t->size = size;
    for (uint32_t i = 0; i < MRI_TREE_COLD; i++)
        t->cold[i].count = 0;
    memset(t->ragged, 0, sizeof t->ragged);
    memset(t->roots, 0, sizeof t->roots);
    for (uint32_t level = 0; level < MRI_TREE_LEVELS; level++) {
        const uint64_t hashes = size >> (8 * level);
        const uint64_t index = hashes / MRI_TILE_HASHES;
        enum mr_status st = tile_get(&t->edge[level], t, level, index, (uint32_t)(hashes & 255));
        if (st == MR_OK && index > 0)
            st = tile_get(&t->last[level], t, level, index - 1, MRI_TILE_HASHES);
        else
            t->last[level].count = 0;
        if (st != MR_OK)
            return st;
        t->dirty[level] = false;
    }
    return MR_OK;
}

static void keep_root(struct mri_tree *t, uint64_t size, const uint8_t root[32])
{
    const uint32_t at = t->roots_next++ % (sizeof t->roots / sizeof t->roots[0]);
    t->roots[at].size = size;
    memcpy(t->roots[at].root, root, 32);
}

void mri_tree_append(struct mri_tree *t, const uint8_t leaf_hash[32], struct mri_joins *joins)
{
    uint8_t hash[32];
    memcpy(hash, leaf_hash, 32);
    t->size++;
    if (joins != NULL && joins->size == t->size)
        keep_root(t, t->size, joins->root);
    for (uint32_t level = 0; level < MRI_TREE_LEVELS; level++) {
        struct mri_tile *edge = &t->edge[level];
        tile_append(edge, hash, joins);
        t->dirty[level] = true;
        if (edge->count < MRI_TILE_HASHES)
            return;
        tile_put(t, level, edge);
        memcpy(hash, edge->node[MRI_TILE_NODES - 1], 32);
        t->last[level] = *edge;
        edge->index++;
        edge->count = 0;
        t->dirty[level] = false;
    }
    mr_bug("log of more than 2^56 leaves");
}

void mri_tree_store(struct mri_tree *t)
{
    for (uint32_t level = 0; level < MRI_TREE_LEVELS; level++) {
        if (t->dirty[level])
            tile_put(t, level, &t->edge[level]);
        t->dirty[level] = false;
    }
}

/* A complete tile that is not at the right edge. */
static enum mr_status cold_tile(struct mri_tree *t, const struct mri_tile **ret, uint32_t level,
                                uint64_t index)
{
    for (uint32_t i = 0; i < MRI_TREE_COLD; i++) {
        *ret = &t->cold[i];
        if (t->cold[i].count > 0 && t->cold_level[i] == level && t->cold[i].index == index)
            return MR_OK;
    }
    const uint32_t at = t->cold_next++ % MRI_TREE_COLD;
    const enum mr_status st = tile_get(&t->cold[at], t, level, index, MRI_TILE_HASHES);
    *ret = &t->cold[at];
    t->cold_level[at] = level;
    return st;
}

/* Root of the complete subtree number `index` of 2^bits leaves. */
static enum mr_status subtree(struct mri_tree *t, uint8_t ret[32], uint32_t bits, uint64_t index)
{
    const uint32_t level = bits / 8, height = bits % 8;
    const uint64_t tile = index >> (8 - height);
    const uint32_t node =
        height_at(height) + (uint32_t)(index & ((UINT64_C(1) << (8 - height)) - 1));
    const struct mri_tile *from = NULL;
    mr_assert(level < MRI_TREE_LEVELS);
    mr_assert((index + 1) << bits <= t->size);
    if (t->edge[level].index == tile)
        from = &t->edge[level];
    else if (t->last[level].count > 0 && t->last[level].index == tile)
        from = &t->last[level];
    if (from == NULL) {
        const enum mr_status st = cold_tile(t, &from, level, tile);
        if (st != MR_OK)
            return st;
    }
    memcpy(ret, from->node[node], 32);
    return MR_OK;
}

enum mr_status mri_tree_leaf(struct mri_tree *t, uint8_t ret[32], uint64_t index)
{
    return subtree(t, ret, 0, index);
}

/* Root of leaves [start, start + size); start is a multiple of a power of two >= size, as for every
 * right-hand part of an RFC 6962 split. */
static enum mr_status range_root(struct mri_tree *t, uint8_t ret[32], uint64_t start, uint64_t size)
{
    uint64_t end = start + size;
    bool any = false;
    for (uint32_t bits = 0; size >> bits != 0; bits++) {
        if ((size >> bits & 1) == 0)
            continue;
        uint8_t left[32];
        const enum mr_status st = subtree(t, left, bits, (end - 1) >> bits);
        if (st != MR_OK)
            return st;
        if (any)
            mr_node_hash(ret, left, ret);
        else
            memcpy(ret, left, 32);
        any = true;
        end -= UINT64_C(1) << bits;
    }
    return MR_OK;
}

enum mr_status mri_tree_root(struct mri_tree *t, uint8_t ret[32], uint64_t size)
{
    mr_assert(size <= t->size);
    if (size == 0) {
        crypto_hash_sha256(ret, NULL, 0);
        return MR_OK;
    }
    const size_t most = sizeof t->roots / sizeof t->roots[0];
    for (size_t i = 0; i < most; i++) {
        if (t->roots[i].size == size) {
            memcpy(ret, t->roots[i].root, 32);
            return MR_OK;
        }
    }
    const enum mr_status st = range_root(t, ret, 0, size);
    if (st == MR_OK)
        keep_root(t, size, ret);
    return st;
}

/* As range_root, remembered: `size` is the whole tree's. */
static enum mr_status ragged_root(struct mri_tree *t, uint8_t ret[32], uint32_t bits,
                                  uint64_t start, uint64_t size)
{
    enum mr_status st = MR_OK;
    if (t->ragged[bits].start != start || t->ragged[bits].size != size) {
        t->ragged[bits].size = 0;
        st = range_root(t, t->ragged[bits].root, start, size - start);
        if (st != MR_OK)
            return st;
        t->ragged[bits].start = start;
        t->ragged[bits].size = size;
    }
    memcpy(ret, t->ragged[bits].root, 32);
    return st;
}

enum mr_status mri_tree_path(struct mri_tree *t, struct mr_hash *ret, uint32_t *ret_count,
                             uint64_t index, uint64_t size)
{
    uint32_t n = 0;
    mr_assert(index < size);
    mr_assert(size <= t->size);
    for (uint32_t bits = 0; (size - 1) >> bits != 0; bits++) {
        const uint64_t sibling = index >> bits ^ 1;
        const uint64_t start = sibling << bits;
        if (start >= size)
            continue;
        const enum mr_status st = size - start < UINT64_C(1) << bits
                                      ? ragged_root(t, ret[n].h, bits, start, size)
                                      : subtree(t, ret[n].h, bits, sibling);
        if (st != MR_OK)
            return st;
        n++;
    }
    *ret_count = n;
    return MR_OK;
}

/* Largest power of two below n; n > 1. */
static uint64_t split(uint64_t n)
{
    uint64_t k = 1;
    while (k << 1 < n)
        k <<= 1;
    return k;
}

enum mr_status mri_tree_consistency(struct mri_tree *t, struct mr_hash *ret, uint32_t *ret_count,
                                    uint64_t old_size, uint64_t size)
{
    struct mr_hash down[2 * MR_PATH_MAX];
    uint64_t start = 0, m = old_size, n = size;
    uint32_t count = 0;
    bool from_root = true;
    enum mr_status st = MR_OK;
    mr_assert(size <= t->size);
    mr_assert(old_size <= size);
    while (st == MR_OK && m != n && m != 0) {
        const uint64_t k = split(n);
        if (m <= k) {
            st = range_root(t, down[count++].h, start + k, n - k);
            n = k;
        } else {
            st = range_root(t, down[count++].h, start, k);
            start += k;
            m -= k;
            n -= k;
            from_root = false;
        }
    }
    if (st == MR_OK && m != 0 && !from_root)
        st = range_root(t, down[count++].h, start, n);
    if (st != MR_OK)
        return st;
    for (uint32_t i = 0; i < count; i++)
        ret[i] = down[count - 1 - i];
    *ret_count = count;
    return MR_OK;
}

enum mr_status mri_tree_frontier(struct mri_tree *t, struct mri_frontier *ret)
{
    ret->size = t->size;
    ret->count = 0;
    for (uint32_t i = 64; i > 0; i--) {
        const uint32_t bits = i - 1;
        if ((t->size >> bits & 1) == 0)
            continue;
        const enum mr_status st = subtree(t, ret->root[ret->count], bits, (t->size >> bits) - 1);
        if (st != MR_OK)
            return st;
        ret->count++;
    }
    return MR_OK;
}
