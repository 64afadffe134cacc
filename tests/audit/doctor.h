/** A book of several nodes taken apart, one row changed, and what derives from the row made right
 *  again: indices, certificates, trees and heads of all logs, references of settlements, the CUT
 *  that ends an epoch, FINAL, proofs of a NEXT, START, frames. So the only thing wrong is the lie.
 *  SEEN leaves are left out beforehand: what they say of other logs would have to change with them.
 *  Bodies stay as they are, but for a CUT. */
#ifndef MEREAU_TESTS_AUDIT_DOCTOR_H
#define MEREAU_TESTS_AUDIT_DOCTOR_H

#include "audit/league.h"
#include "lib/handlog.h"

enum { DOCTOR_NEW = INT32_MAX, DOCTOR_EPOCHS = 3 };

struct doc_row;
typedef void (*doc_change)(struct doc_row *r);

struct doc_row {
    struct mr_entry e;
    uint32_t epoch;    /* from 0; of an EPOCH the one that it ends */
    doc_change before; /* on a row that is derived, before a head is signed; NULL: none */
    doc_change after;  /* after it */
    bool dropped;
    uint32_t copies;
    uint32_t old;                 /* own leaf: index in the honest log, or DOCTOR_NEW */
    uint32_t olds[MR_LEAVES_MAX]; /* of a peer's leaves */
    uint32_t first;               /* where the first of them stands now */
    uint64_t old_size;            /* head: leaves under it in the honest log */
    struct doc_row *next;         /* in its turn */
};

struct doc_turn {
    struct doc_row *rows;
    uint64_t end;
    uint8_t *bodies;
    size_t bodies_len;
};

struct doctor {
    struct ring *r;
    uint32_t node; /* whose book, from 1 */
    struct doc_turn *turns;
    uint32_t count, loaded; /* those behind `count` are not written */
    uint32_t epochs;
    struct handlog *logs[DOCTOR_EPOCHS][RING_NODES_MAX]; /* as they are written, the own included */
    uint32_t seats[DOCTOR_EPOCHS][RING_NODES_MAX];       /* numbers of the nodes */
    uint32_t generations[DOCTOR_EPOCHS][RING_NODES_MAX]; /* by number - 1 */
    void (*cut)(struct mr_cut *cut); /* changes a CUT before it is signed; NULL: nothing */
};

void doctor_load(struct doctor *d, struct ring *r, uint32_t node, const struct book *b);
void doctor_done(struct doctor *d);
/** The book again, with the lie in it. */
void doctor_write(struct doctor *d, struct book *ret);

/** Everywhere in the book: other bytes of the same length. */
void doctor_replace(struct doctor *d, const uint8_t *old, const uint8_t *bytes, size_t len);
/** The nth order of a kind in the bodies, from the end: where its record stands, decoded too. */
struct doc_body {
    uint8_t *at;
    size_t len;
    struct mr_body b;
};
void doctor_order(struct doctor *d, struct doc_body *ret, enum mr_order_kind kind, uint32_t nth);
/** Put a changed order, signed, in its place, and its id wherever it is named. */
void doctor_put_order(struct doctor *d, const struct doc_body *changed);

/** The nth entry of a kind, from the end; ck_asserts that there is one. */
struct doc_row *doctor_last(struct doctor *d, enum mr_entry_kind kind, uint32_t nth,
                            struct doc_turn **ret_turn);
/** A new row in front of one. */
struct doc_row *doctor_insert(struct doc_turn *turn, struct doc_row *before);
/** At the end of the last turn. */
struct doc_row *doctor_append(struct doctor *d);

/** All that stands about one slot. */
struct doc_slot {
    struct doc_row *vote, *ack, *unlock, *trigger, *parked, *settled; /* own; the first of each */
    struct doc_turn *vote_turn, *ack_turn, *settled_turn, *parked_turn;
    uint8_t account[16];
    uint64_t seq;
};
/** Of the nth settlement from the end that is voided, or not. */
struct doc_slot doctor_slot(struct doctor *d, bool voided, uint32_t nth);

/** A peer's leaf about a slot, and its row; NULL: there is none. node 0: of any node. */
struct mr_leaf *doctor_said(struct doctor *d, const struct doc_slot *s, uint32_t node,
                            enum mr_leaf_kind kind, struct doc_row **ret_row);
/** Put a leaf into a peer's log, in an entry, behind its last leaf there. */
void doctor_let_say(struct doc_row *peer, const struct mr_leaf *leaf);
/** Leave a peer's leaf out. */
void doctor_hush(struct doc_row *peer, const struct mr_leaf *leaf);

#endif
