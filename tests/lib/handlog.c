#include "lib/handlog.h"

#include <check.h>
#include <sodium.h>
#include <string.h>

#include "mereau/codec.h"
#include "mereau/log.h"

void handlog_init(struct handlog *l, const uint8_t ledger[32], uint32_t node,
                  const struct mr_seckey *key)
{
    memset(l, 0, sizeof *l);
    memcpy(l->ledger, ledger, 32);
    l->key = *key;
    l->epoch = l->generation = 1;
    l->node = node;
}

uint64_t handlog_add(struct handlog *l, const struct mr_leaf *leaf)
{
    uint8_t bytes[sizeof *leaf];
    ck_assert_uint_lt(l->count, HANDLOG_LEAVES_MAX);
    l->leaves[l->count] = *leaf;
    mr_leaf_hash(l->hashes[l->count], bytes, mr_leaf_encode(leaf, bytes, sizeof bytes));
    return l->count++;
}

uint64_t handlog_start(struct handlog *l)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_START};
    memcpy(leaf.u.start.ledger, l->ledger, 32);
    leaf.u.start.epoch = l->epoch;
    leaf.u.start.node = l->node;
    leaf.u.start.generation = l->generation;
    return handlog_add(l, &leaf);
}

uint64_t handlog_vote(struct handlog *l, const uint8_t account[16], uint64_t seq, uint32_t ballot,
                      uint8_t value)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_VOTE, .u.vote = {.seq = seq, .ballot = ballot}};
    memcpy(leaf.u.vote.account, account, 16);
    memset(leaf.u.vote.value, value, 32);
    return handlog_add(l, &leaf);
}

uint64_t handlog_ack(struct handlog *l, const uint8_t account[16], uint64_t seq, uint32_t ballot,
                     uint8_t value)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_ACK, .u.ack = {.seq = seq, .ballot = ballot}};
    memcpy(leaf.u.ack.account, account, 16);
    memset(leaf.u.ack.value, value, 32);
    return handlog_add(l, &leaf);
}

uint64_t handlog_unlock(struct handlog *l, const uint8_t account[16], uint64_t seq, uint32_t ballot,
                        uint32_t cert_ballot, uint8_t cert_value)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_UNLOCK,
                           .u.unlock = {.seq = seq, .ballot = ballot, .cert_ballot = cert_ballot}};
    memcpy(leaf.u.unlock.account, account, 16);
    memset(leaf.u.unlock.cert_value, cert_value, 32);
    return handlog_add(l, &leaf);
}

/* The largest power of two below n. */
static uint64_t split(uint64_t n)
{
    uint64_t k = 1;
    while (k * 2 < n)
        k *= 2;
    return k;
}

static void root_of(uint8_t ret[32], const uint8_t (*h)[32], uint64_t n)
{
    uint8_t left[32], right[32];
    if (n == 1) {
        memcpy(ret, h[0], 32);
        return;
    }
    const uint64_t k = split(n);
    root_of(left, h, k);
    root_of(right, h + k, n - k);
    mr_node_hash(ret, left, right);
}

void handlog_root(const struct handlog *l, uint8_t ret[32], uint64_t size)
{
    ck_assert_uint_le(size, l->count);
    if (size == 0)
        crypto_hash_sha256(ret, NULL, 0);
    else
        root_of(ret, l->hashes, size);
}

void handlog_head(const struct handlog *l, struct mr_head *ret, uint64_t size, uint64_t time_ms)
{
    *ret = (struct mr_head){.epoch = l->epoch,
                            .node = l->node,
                            .generation = l->generation,
                            .size = size,
                            .time_ms = time_ms};
    handlog_root(l, ret->root, size);
    mr_head_sign(ret, l->ledger, &l->key);
}

/* RFC 6962 section 2.1.1. */
static uint32_t path_of(struct mr_hash *ret, uint64_t m, const uint8_t (*h)[32], uint64_t n)
{
    if (n == 1)
        return 0;
    const uint64_t k = split(n);
    uint32_t count;
    if (m < k) {
        count = path_of(ret, m, h, k);
        root_of(ret[count].h, h + k, n - k);
    } else {
        count = path_of(ret, m - k, h + k, n - k);
        root_of(ret[count].h, h, k);
    }
    return count + 1;
}

void handlog_prove(const struct handlog *l, struct mr_proof *ret, uint64_t index,
                   const struct mr_head *head)
{
    ck_assert_uint_lt(index, head->size);
    *ret = (struct mr_proof){.head = *head, .index = index, .leaf = l->leaves[index]};
    ret->path_count = path_of(ret->path, index, l->hashes, head->size);
}

/* RFC 6962 section 2.1.2: SUBPROOF(m, D[n], whole). */
static uint32_t subproof(struct mr_hash *ret, uint64_t m, const uint8_t (*h)[32], uint64_t n,
                         bool whole)
{
    if (m == n) {
        if (whole)
            return 0;
        root_of(ret[0].h, h, n);
        return 1;
    }
    const uint64_t k = split(n);
    uint32_t count;
    if (m <= k) {
        count = subproof(ret, m, h, k, whole);
        root_of(ret[count].h, h + k, n - k);
    } else {
        count = subproof(ret, m - k, h + k, n - k, false);
        root_of(ret[count].h, h, k);
    }
    return count + 1;
}

uint32_t handlog_consistency(const struct handlog *l, struct mr_hash *ret, uint64_t old_size,
                             uint64_t size)
{
    ck_assert_uint_le(old_size, size);
    ck_assert_uint_le(size, l->count);
    return old_size == 0 ? 0 : subproof(ret, old_size, l->hashes, size, true);
}
