/** Who votes in which epoch, verified from the charter on (spec/47-epochs.md EPO-n, RCP-1a).
 *
 *  Epoch 1 is the charter's. Every later epoch began by a handover: a NEXT order that q nodes of
 *  the epoch before acknowledged, or what governance alone signed: a RESTART of the one node there
 *  is, or a REGROUP of several. */
#ifndef MEREAU_HANDOVER_H
#define MEREAU_HANDOVER_H

#include <stdint.h>

#include "mereau/record.h"
#include "mereau/status.h"

/** The nodes of one epoch. Keys point into the charter and the handovers it was made from. */
struct mr_roster {
    uint32_t epoch, quorum, count;
    struct {
        uint32_t number, generation;
        const struct mr_pubkey *key; /**< log key */
        const struct mr_node *node;
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

/** From genesis to an epoch, by the first epoch - 1 of `count` handovers. MR_OK, WRONG_EPOCH (there
 *  are too few) or what mr_roster_step found. */
enum mr_status mr_roster_reach(struct mr_roster *ret, const struct mr_charter *charter,
                               const struct mr_handover *handover, uint32_t count, uint32_t epoch);

/** The key that a head of the roster's epoch must be signed with; NULL: it is none of theirs. */
const struct mr_pubkey *mr_roster_key(const struct mr_roster *r, const struct mr_head *h);

/** The ACK leaves of distinct nodes of the roster for one slot and value: MR_OK when there are q in
 *  one ballot. BAD_HEAD, BAD_PROOF, BAD_RECEIPT. *ret_time_ms: the latest head's. */
enum mr_status mr_roster_acks(const struct mr_roster *r, uint64_t *ret_time_ms,
                              const uint8_t ledger[32], const struct mr_proof *proofs,
                              uint32_t count, const uint8_t account[16], uint64_t seq,
                              const uint8_t value[32]);

/** The charter as it stands in the epoch behind the handovers: nodes, quorum and associations as
 *  NEXT orders changed them. What is not verified changes nothing: the statuses of mr_roster_reach;
 *  MR_FULL: more associations than a charter holds. */
enum mr_status mr_charter_reach(struct mr_charter *ret, const struct mr_charter *charter,
                                const struct mr_handover *handover, uint32_t count);

/** EPO-2: apply what a NEXT order says to a charter, without verifying anything. MR_OK, MR_FULL. */
enum mr_status mr_charter_next(struct mr_charter *c, const struct mr_next_epoch *next);

#endif
