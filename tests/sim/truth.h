/* What has been said and settled anywhere, and the safety invariants of it. */
#ifndef MEREAU_TESTS_SIM_TRUTH_H
#define MEREAU_TESTS_SIM_TRUTH_H

#include "sim/sim.h"

/* An order that somebody signed. */
struct known_order {
    uint8_t id[32], prev[32];
    uint32_t owner, generation;
    uint64_t seq, not_after_ms;
    enum mr_order_kind kind;
    uint8_t about[16]; /* OPEN, FLAG: the account */
    bool frozen;       /* FLAG */
    bool used;         /* REDEEM: its treasury has ordered what becomes of it */
    int64_t amount;    /* REDEEM, PAY */
    uint8_t *bytes;    /* the signed order */
    size_t len;
};

/* One thing a node said about a slot. */
struct said {
    uint32_t node, epoch, ballot, cert_ballot;
    uint64_t index; /* of the leaf */
    enum mr_leaf_kind kind;
    uint8_t value[32]; /* of a report: its certificate's */
};

struct slot {
    bool settled, voided, receipted;
    uint32_t epoch;           /* in which it settled */
    bool cancelled, conflict; /* what may void it, beside the next and a freezing */
    uint64_t not_after_ms;    /* of the order that lapses first; 0: none is known */
    uint64_t voted_us;        /* when a vote was first cast in it; 0: not yet */
    uint8_t value[32], receipt_value[32], postings[32];
    struct said *said;
    uint32_t said_count, said_cap;
};

/* Remember a signed order; its number. */
uint32_t truth_order(struct sim *s, const struct mr_signed_order *o, uint32_t owner);
const struct known_order *truth_find(const struct sim *s, const uint8_t id[32]);
/* Slot of a chain; it exists from now on. */
struct slot *truth_slot(struct sim *s, uint32_t owner, uint64_t seq);
/* Owner of a chain; NULL: nobody's. */
struct owner *truth_owner(struct sim *s, const uint8_t account[16]);

/* A node's own log has a new leaf. */
void truth_leaf(struct sim *s, struct copy *c, const struct mr_leaf *leaf, uint64_t index);
/* A node that lies was heard to say this. */
void truth_say(struct sim *s, uint32_t node, uint32_t epoch, uint64_t index,
               const struct mr_leaf *leaf);
/* A node has settled a slot. */
void truth_settled(struct sim *s, struct copy *c, const struct mr_entry_settled *e);
/* A receipt that verifies was shown to an owner (S20). */
void truth_receipt(struct sim *s, uint32_t owner, uint64_t seq, const uint8_t value[32]);
/* Nodes that said this, as far as is known anywhere. */
uint32_t truth_count(const struct slot *at, enum mr_leaf_kind kind, uint32_t epoch, uint32_t ballot,
                     const uint8_t value[32]);
/* Whether any node acknowledged something in the slot in the epoch. */
bool truth_acknowledged(const struct slot *at, uint32_t epoch);
/* Whether an ACK says what settled in an epoch before: SLOT-17. */
bool truth_anew(const struct slot *at, const struct said *a);
const char *truth_slot_name(const struct sim *s, uint32_t owner, uint64_t seq);
void truth_done(struct sim *s);

#endif
