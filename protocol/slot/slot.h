/* One slot: who voted, acknowledged and promised what, in which ballot (spec/40-slots.md SLOT-n).
 *
 * Pure bookkeeping over what nodes said under verified heads, and what follows from it; the engine
 * appends the leaves and tells the slot of its own leaves like of anybody's. No memory of its own:
 * one block, sized for the committee. */
#ifndef MEREAU_SLOT_SLOT_H
#define MEREAU_SLOT_SLOT_H

#include "mereau/record.h"

enum { MRI_VOTES_A_NODE = 3, MRI_ACKS_A_NODE = 2 };

/* An order kept for the slot. */
struct mri_candidate {
    struct mr_entry_parked at;
    uint32_t verified; /* generation of the key set its signatures were verified under; 0: none */
    bool fresh;        /* not in the journal's log yet */
};

struct mri_slot {
    uint8_t account[16];
    uint64_t seq;
    uint32_t nodes, quorum;
    uint64_t since_ms;
    uint32_t promised; /* no vote or acknowledgement below it */
    bool voted;        /* own vote in `promised` */
    uint8_t vote[32];
    uint32_t cert_ballot; /* highest certificate acknowledged; MR_BALLOT_NONE: none */
    uint8_t cert_value[32];
    bool triggered;
    struct mr_entry_trigger trigger; /* what allows ballots above 0 */
    uint32_t orders_count, certified_count, votes_count, acks_count, reports_count;
    struct mri_candidate orders[MR_CANDIDATES_MAX];
    struct mr_certified certified[MR_CERTIFIED_MAX];
    struct mr_said_vote *votes;     /* MRI_VOTES_A_NODE a node */
    struct mr_said_ack *acks;       /* MRI_ACKS_A_NODE a node */
    struct mr_said_report *reports; /* one a node */
};

/* Two leaves of one node that contradict each other (EVD-3): their indices, first < second. */
struct mri_clash {
    bool found;
    uint64_t first, second;
    struct mr_leaf earlier;
};

/* Bytes of what a slot points at, and take them into use: `room` holds that many. */
size_t mri_slot_room(uint32_t nodes);
void mri_slot_init(struct mri_slot *s, void *room, uint32_t nodes, uint32_t quorum,
                   const uint8_t account[16], uint64_t seq, uint64_t now_ms);

/* A leaf of a node's log about this slot was read: VOTE, ACK or UNLOCK. What it contradicts is
 * reported once. */
void mri_slot_hear(struct mri_slot *s, uint32_t node, uint64_t index, const struct mr_leaf *leaf,
                   struct mri_clash *ret);

/* What was read of a node's log is not what the log says: forget its votes, acknowledgements and
 * report. Certificates that were seen remain. */
void mri_slot_forget(struct mri_slot *s, uint32_t node);

/* SLOT-2, SLOT-3: whether this node may vote for the value in the ballot; then that it did. */
bool mri_slot_may_vote(const struct mri_slot *s, uint32_t ballot, const uint8_t value[32]);
void mri_slot_vote(struct mri_slot *s, uint32_t ballot, const uint8_t value[32]);

/* SLOT-4: whether an ACK is due, and for what; then that the certificate was taken. */
bool mri_slot_ack_due(const struct mri_slot *s, struct mr_certified *ret);
void mri_slot_ack(struct mri_slot *s, const struct mr_certified *c);

/* SLOT-5: whether q nodes acknowledged one value in one ballot. */
bool mri_slot_settles(const struct mri_slot *s, struct mr_certified *ret);
/* q of those ACK leaves, ascending by node; `own` among them if it is there. The number. */
uint32_t mri_slot_acks(const struct mri_slot *s, struct mr_ack_ref *ret,
                       const struct mr_certified *c, uint32_t own);

/* SLOT-6 */
void mri_slot_certificate(uint8_t ret[32], const struct mri_slot *s, const struct mr_certified *c);
/* That of no votes (SLOT-17). */
void mri_no_certificate(uint8_t ret[32]);

/* Nodes that voted for, or acknowledged, a value in a ballot. */
uint32_t mri_slot_votes_for(const struct mri_slot *s, uint32_t ballot, const uint8_t value[32]);
uint32_t mri_slot_acks_for(const struct mri_slot *s, uint32_t ballot, const uint8_t value[32]);
/* A node's vote in a ballot, or NULL. */
const struct mr_said_vote *mri_slot_vote_of(const struct mri_slot *s, uint32_t node,
                                            uint32_t ballot);

/* SLOT-7: promise a ballot. False when it is not above what was promised. */
bool mri_slot_promise(struct mri_slot *s, uint32_t ballot);

/* Nodes that reported for a ballot. */
uint32_t mri_slot_reports(const struct mri_slot *s, uint32_t ballot);

/* q votes for the value were seen, here or as another node showed them: SLOT-14. */
void mri_slot_certify(struct mri_slot *s, uint32_t ballot, const uint8_t value[32]);
bool mri_slot_is_certified(const struct mri_slot *s, uint32_t ballot, const uint8_t value[32]);

/* SLOT-9. Whether q reports for the ballot force a value: the reported certificate of the highest
 * ballot whose q votes were seen. */
bool mri_slot_forced(const struct mri_slot *s, uint32_t ballot, uint8_t ret[32]);
/* Whether some q reports for the ballot justify a vote for the value. *ret_free: they report no
 * certificate, so that the value must be allowed for another reason. */
bool mri_slot_justified(const struct mri_slot *s, uint32_t ballot, const uint8_t value[32],
                        bool *ret_free);

/* The kept order with this id, or NULL. */
struct mri_candidate *mri_slot_order(struct mri_slot *s, const uint8_t id[32]);

/* As the store keeps it, and back (room and quorum are set before). */
void mri_slot_save(struct mr_state_open *ret, const struct mri_slot *s);
void mri_slot_restore(struct mri_slot *s, const struct mr_state_open *from);

#endif
