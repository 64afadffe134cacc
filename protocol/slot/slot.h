/* One slot: who voted and acknowledged what, in which ballot (spec/40-slots.md SLOT-n).
 *
 * Pure bookkeeping over what nodes said under verified heads; the engine appends the leaves. With
 * n = 1 the same calls run, one after the other, in one step. */
#ifndef MEREAU_SLOT_SLOT_H
#define MEREAU_SLOT_SLOT_H

#include "mereau/record.h"

/* What one node said last about a slot. */
struct mri_said {
    bool voted, acked, reported;
    uint32_t vote_ballot, ack_ballot, report_ballot;
    uint32_t cert_ballot; /* reported; MR_BALLOT_NONE: none */
    uint64_t vote_index;  /* leaf of the vote in its node's log */
    uint8_t vote[32], ack[32], cert_value[32];
};

struct mri_slot {
    uint32_t quorum;
    uint32_t promised; /* no vote or acknowledgement below it */
    bool voted;        /* own vote in `promised` */
    uint8_t vote[32];
    uint32_t cert_ballot; /* highest certificate held; MR_BALLOT_NONE: none */
    uint8_t cert_value[32];
    struct mri_said said[MR_NODES_MAX]; /* by node number - 1 */
};

void mri_slot_init(struct mri_slot *s, uint32_t quorum);

/* SLOT-2, SLOT-3: whether this node may vote for the value in the ballot; then that it did. */
bool mri_slot_may_vote(const struct mri_slot *s, uint32_t ballot, const uint8_t value[32]);
void mri_slot_vote(struct mri_slot *s, uint32_t ballot, const uint8_t value[32]);

/* A node's VOTE leaf was read. True when q votes for (ballot, value) are held now and an ACK is
 * due: SLOT-4. The caller appends the ACK; the slot has taken the certificate. */
bool mri_slot_on_vote(struct mri_slot *s, uint32_t node, uint32_t ballot, const uint8_t value[32],
                      uint64_t leaf_index);

/* SLOT-6 */
void mri_slot_certificate(uint8_t ret[32], const struct mri_slot *s);

/* A node's ACK leaf was read. True when q are held: the slot settles with this value, SLOT-5. */
bool mri_slot_on_ack(struct mri_slot *s, uint32_t node, uint32_t ballot, const uint8_t value[32]);

/* SLOT-7: promise a ballot. False when it is not above what was promised. */
bool mri_slot_unlock(struct mri_slot *s, uint32_t ballot);

/* A node's UNLOCK leaf was read. True when q reports for the ballot are held. */
bool mri_slot_on_unlock(struct mri_slot *s, uint32_t node, uint32_t ballot, uint32_t cert_ballot,
                        const uint8_t cert_value[32]);

/* SLOT-9: the value that must be proposed in the ballot: ret is the reported certificate's, and
 * true, or untouched and false when no report names one. */
bool mri_slot_must_propose(const struct mri_slot *s, uint8_t ret[32], uint32_t ballot);

#endif
