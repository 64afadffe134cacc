/* A tree's right edge alone: enough to see what its root becomes, before anything is changed. */
#include <sodium.h>
#include <string.h>

#include "log/tree.h"
#include "mereau/assert.h"
#include "mereau/log.h"

void mri_frontier_append(struct mri_frontier *f, const uint8_t leaf_hash[32])
{
    mr_assert(f->count < 64);
    memcpy(f->root[f->count++], leaf_hash, 32);
    for (uint64_t n = f->size++; (n & 1) != 0; n >>= 1) {
        mr_node_hash(f->root[f->count - 2], f->root[f->count - 2], f->root[f->count - 1]);
        f->count--;
    }
}

void mri_frontier_root(const struct mri_frontier *f, uint8_t ret[32])
{
    if (f->count == 0) {
        crypto_hash_sha256(ret, NULL, 0);
        return;
    }
    memcpy(ret, f->root[f->count - 1], 32);
    for (uint32_t i = f->count - 1; i > 0; i--)
        mr_node_hash(ret, f->root[i - 1], ret);
}
