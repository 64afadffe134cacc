/** A node's log made by hand: leaves as a test wants them, heads over any of its sizes, and proofs
 *  by plain recursion from RFC 6962's definitions. For logs of some hundred leaves. */
#ifndef MEREAU_TESTS_HANDLOG_H
#define MEREAU_TESTS_HANDLOG_H

#include <stdint.h>

#include "mereau/record.h"
#include "mereau/sign.h"

enum { HANDLOG_LEAVES_MAX = 512 };

struct handlog {
    uint8_t ledger[32];
    struct mr_seckey key;
    uint32_t epoch, node, generation;
    struct mr_leaf leaves[HANDLOG_LEAVES_MAX];
    uint8_t hashes[HANDLOG_LEAVES_MAX][32];
    uint64_t count;
};

/** An empty log of the first epoch. */
void handlog_init(struct handlog *l, const uint8_t ledger[32], uint32_t node,
                  const struct mr_seckey *key);

/** Append a leaf; its index. The second sets the ballots and values of tests: value all bytes. */
uint64_t handlog_add(struct handlog *l, const struct mr_leaf *leaf);
uint64_t handlog_start(struct handlog *l);
uint64_t handlog_vote(struct handlog *l, const uint8_t account[16], uint64_t seq, uint32_t ballot,
                      uint8_t value);
uint64_t handlog_ack(struct handlog *l, const uint8_t account[16], uint64_t seq, uint32_t ballot,
                     uint8_t value);
uint64_t handlog_unlock(struct handlog *l, const uint8_t account[16], uint64_t seq, uint32_t ballot,
                        uint32_t cert_ballot, uint8_t cert_value);

void handlog_root(const struct handlog *l, uint8_t ret[32], uint64_t size);
/** A signed head over the first `size` leaves. */
void handlog_head(const struct handlog *l, struct mr_head *ret, uint64_t size, uint64_t time_ms);
/** A leaf under a head of its log. */
void handlog_prove(const struct handlog *l, struct mr_proof *ret, uint64_t index,
                   const struct mr_head *head);
/** ret holds 2 * MR_PATH_MAX hashes; their number is returned. */
uint32_t handlog_consistency(const struct handlog *l, struct mr_hash *ret, uint64_t old_size,
                             uint64_t size);

#endif
