/* A tree's right edge alone: enough to see what its root becomes, before anything is changed. */
#include <sodium.h>
#include <string.h>

#include "log/tree.h"
#include "mereau/assert.h"
#include "mereau/log.h"

void mri_frontier_append(struct mri_frontier *f, const uint8_t leaf_hash[32],
                         struct mri_joins *joins)
{
    mr_assert(f->count < 64);
    memcpy(f->root[f->count++], leaf_hash, 32);
    for (uint64_t n = f->size++; (n & 1) != 0; n >>= 1) {
        uint8_t *const left = f->root[f->count - 2];
        mr_assert(joins->count < sizeof joins->node / sizeof joins->node[0]);
        mr_node_hash(left, left, f->root[f->count - 1]);
        memcpy(joins->node[joins->count++], left, 32);
        f->count--;
    }
}

void mri_frontier_root(const struct mri_frontier *f, struct mri_joins *joins)
{
    uint8_t *const ret = joins->root;
    joins->size = f->size;
    if (f->count == 0) {
        crypto_hash_sha256(ret, NULL, 0);
        return;
    }
    memcpy(ret, f->root[f->count - 1], 32);
    for (uint32_t i = f->count - 1; i > 0; i--)
        mr_node_hash(ret, f->root[i - 1], ret);
}
