/** Who votes in which epoch, verified from the charter on (spec/47-epochs.md EPO-n, RCP-1a).
 *
 *  Epoch 1 is the charter's. Every later epoch began by a handover: a NEXT order that q nodes of
 *  the epoch before acknowledged, or what governance alone signed: a RESTART of the one node there
 *  is, or a REGROUP of several. */
#ifndef MEREAU_HANDOVER_H
#define MEREAU_HANDOVER_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/record.h"
#include "mereau/status.h"

/** The handovers of the epochs 2, 3 ... `count` + 1, encoding behind encoding, as `epochs.mrh`, a
 *  wallet and the end of a receipt's file have them. NULL stands for the chain of none. It may hold
 *  anything: every walk decodes and verifies one at a time. */
struct mr_chain {
    const uint8_t *bytes;
    size_t len;
    uint32_t count;
};

/** What stands behind a receipt or evidence in a file: all of `bytes` must be whole handovers, at
 *  most MR_CHAIN_BYTES_MAX. Nothing is verified. MR_OK, MR_OUT_OF_RANGE, or a decoder's status.
 *  *ret points into `bytes`. */
enum mr_status mr_chain_read(struct mr_chain *ret, const uint8_t *bytes, size_t len);

/** Bytes of the first `count` handovers of a chain, or of all it has. */
size_t mr_chain_prefix(const struct mr_chain *chain, uint32_t count);

/** The nodes of one epoch, with their log keys in force, and whose cosignatures it needs. */
struct mr_roster {
    uint32_t epoch, quorum, count;
    struct mr_witness_set witnesses;
    struct {
        uint32_t generation;
        struct mr_node node; /**< as the charter or a handover named it last; log_key in force */
    } seats[MR_NODES_MAX];
};

void mr_roster_genesis(struct mr_roster *ret, const struct mr_charter *charter);

/** Verify one handover and go on to the epoch it began. MR_OK; WRONG_EPOCH (it does not follow);
 *  BAD_HEAD, BAD_PROOF, BAD_RECEIPT (NEXT); BAD_SIGNATURE, SIGNATURES_MISSING, WRONG_LEDGER
 *  (RESTART, REGROUP); OUT_OF_RANGE (quorum of a REGROUP). *r is untouched on failure. */
enum mr_status mr_roster_step(struct mr_roster *r, const struct mr_charter *charter,
                              const struct mr_handover *h);

/** Who the nodes are from this handover on; NULL: a RESTART, they stay. Points into *h. */
const struct mr_next_epoch *mr_handover_seats(const struct mr_handover *h);

/** From genesis to an epoch. `last` are the handovers that a record carries: those of the last
 *  last_count epochs up to `epoch`. The others come from the chain. MR_OK, WRONG_EPOCH (there are
 *  too few, or more than there were epochs), what mr_roster_step found, or a decoder's status. */
enum mr_status mr_roster_reach(struct mr_roster *ret, const struct mr_charter *charter,
                               const struct mr_chain *chain, const struct mr_handover *last,
                               uint32_t last_count, uint32_t epoch);

/** The key that a head of the roster's epoch must be signed with, in the roster; NULL: it is none
 * of theirs. */
const struct mr_pubkey *mr_roster_key(const struct mr_roster *r, const struct mr_head *h);

/** The ACK leaves of distinct nodes of the roster for one slot and value: MR_OK when there are q in
 *  one ballot. BAD_HEAD, BAD_PROOF, BAD_RECEIPT. *ret_time_ms: the latest head's. */
enum mr_status mr_roster_acks(const struct mr_roster *r, uint64_t *ret_time_ms,
                              const uint8_t ledger[32], const struct mr_proof *proofs,
                              uint32_t count, const uint8_t account[16], uint64_t seq,
                              const uint8_t value[32]);

/** The charter as it stands in an epoch: nodes, quorum and associations as handovers changed
 *  them. Arguments and statuses are those of mr_roster_reach; MR_FULL: more associations than a
 *  charter holds. */
enum mr_status mr_charter_reach(struct mr_charter *ret, const struct mr_charter *charter,
                                const struct mr_chain *chain, const struct mr_handover *last,
                                uint32_t last_count, uint32_t epoch);

/** EPO-2: apply what a NEXT order says to a charter, without verifying anything. MR_OK, MR_FULL. */
enum mr_status mr_charter_next(struct mr_charter *c, const struct mr_next_epoch *next);

#endif
