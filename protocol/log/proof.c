#include "mereau/log.h"

#include <nettle/sha2.h>
#include <string.h>

void mr_leaf_hash(uint8_t ret[32], const uint8_t *leaf, size_t len)
{
    const uint8_t tag = 0;
    struct sha256_ctx h;
    sha256_init(&h);
    sha256_update(&h, 1, &tag);
    sha256_update(&h, len, leaf);
    sha256_digest(&h, SHA256_DIGEST_SIZE, ret);
}

void mr_node_hash(uint8_t ret[32], const uint8_t left[32], const uint8_t right[32])
{
    uint8_t bytes[65] = {1};
    struct sha256_ctx h;
    memcpy(bytes + 1, left, 32);
    memcpy(bytes + 33, right, 32);
    sha256_init(&h);
    sha256_update(&h, sizeof bytes, bytes);
    sha256_digest(&h, SHA256_DIGEST_SIZE, ret);
}

/* The place of a node and of the last node, on the way up. */
struct climb {
    uint64_t fn, sn;
};

static void up(struct climb *c)
{
    c->fn >>= 1;
    c->sn >>= 1;
}

/* Whether the next hash of a proof stands to the left; then levels without a sibling are skipped.
 */
static bool left_sibling(struct climb *c)
{
    if ((c->fn & 1) == 0 && c->fn != c->sn)
        return false;
    while ((c->fn & 1) == 0 && c->fn != 0)
        up(c);
    return true;
}

/* RFC 9162 section 2.1.3.2, which gives RFC 6962 paths an iterative check. */
bool mr_path_verify(const uint8_t root[32], const uint8_t leaf_hash[32], uint64_t index,
                    uint64_t size, const struct mr_hash *path, size_t count)
{
    if (index >= size)
        return false;
    struct climb c = {index, size - 1};
    uint8_t r[32];
    memcpy(r, leaf_hash, 32);
    for (size_t i = 0; i < count; i++) {
        if (c.sn == 0)
            return false;
        if (left_sibling(&c))
            mr_node_hash(r, path[i].h, r);
        else
            mr_node_hash(r, r, path[i].h);
        up(&c);
    }
    return c.sn == 0 && memcmp(r, root, 32) == 0;
}

/* RFC 9162 section 2.1.4.2. */
bool mr_consistency_verify(const uint8_t old_root[32], uint64_t old_size, const uint8_t root[32],
                           uint64_t size, const struct mr_hash *proof, size_t count)
{
    if (old_size > size)
        return false;
    if (old_size == size)
        return count == 0 && memcmp(old_root, root, 32) == 0;
    if (old_size == 0)
        return count == 0;
    const bool power = (old_size & (old_size - 1)) == 0;
    if (!power && count == 0)
        return false;
    struct climb c = {old_size - 1, size - 1};
    while ((c.fn & 1) != 0)
        up(&c);
    uint8_t fr[32], sr[32];
    memcpy(fr, power ? old_root : proof[0].h, 32);
    memcpy(sr, power ? old_root : proof[0].h, 32);
    for (size_t at = power ? 0 : 1; at < count; at++) {
        if (c.sn == 0)
            return false;
        if (left_sibling(&c)) {
            mr_node_hash(fr, proof[at].h, fr);
            mr_node_hash(sr, proof[at].h, sr);
        } else {
            mr_node_hash(sr, sr, proof[at].h);
        }
        up(&c);
    }
    return c.sn == 0 && memcmp(fr, old_root, 32) == 0 && memcmp(sr, root, 32) == 0;
}
