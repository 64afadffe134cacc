/** A toy federation for tests of its clients: n nodes with real logs, heads and receipts over one
 *  book of accounts, without consensus. A test says which nodes hear each other and what they hide.
 *
 *  Not locked: the caller (lib/fakes) sees to that. What goes wrong aborts the test program. */
#ifndef MEREAU_TESTS_FAKE_LEDGER_H
#define MEREAU_TESTS_FAKE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/record.h"
#include "mereau/sign.h"
#include "mereau/status.h"

enum {
    FAKE_NODES_MAX = 4,
    FAKE_ACCOUNTS_MAX = 8,
    FAKE_SLOTS_MAX = 96,
    FAKE_LEAVES_MAX = 512,
    FAKE_EPOCHS_MAX = 14,
    FAKE_SHOWN_EPOCHS = 3, /* beginnings of epochs that a head or receipt carries */
    FAKE_FUNDS = 100000,   /* minor units that an account begins with */
};

/* Of one node in one epoch. */
struct fake_log {
    struct mr_leaf leaves[FAKE_LEAVES_MAX];
    uint8_t hashes[FAKE_LEAVES_MAX][MR_HASH_BYTES];
    uint64_t size;
};

struct fake_slot {
    bool has_order, cancelled, closed, voided;
    bool lost; /* a test sets it: nobody has its receipt any more */
    struct mr_signed_order order;
    uint32_t memo_count;
    struct mr_memo_box memo;
    uint32_t known; /* bit i: node i holds the order */
    uint8_t value[MR_HASH_BYTES];
    uint64_t time_ms, turn; /* turn: 1 for the first settlement of the ledger */
    struct mr_ack_ref acks[FAKE_NODES_MAX];
    uint32_t acks_count, ballot, epoch;
};

struct fake_account {
    struct mr_state_account state;
    struct fake_slot slots[FAKE_SLOTS_MAX]; /* seq 1 is slots[0] */
};

struct fake_ledger {
    struct mr_charter charter;
    uint8_t id[MR_HASH_BYTES];
    struct mr_seckey log_keys[FAKE_NODES_MAX];             /* node 1's is log_keys[0] */
    struct fake_log logs[FAKE_EPOCHS_MAX][FAKE_NODES_MAX]; /* epoch 1 is logs[0] */
    uint32_t epoch, count, quorum;                         /* of the present epoch */
    struct mr_handover handover[FAKE_EPOCHS_MAX];
    struct fake_account accounts[FAKE_ACCOUNTS_MAX];
    uint32_t accounts_count;
    uint64_t turns;
    /* what a test sets */
    uint32_t linked;               /* bit i: node i hears the others of this set */
    enum mr_status hold;           /* MR_VOTING, MR_CERTIFIED: nothing goes further; MR_OK */
    bool conflict;                 /* told of every open slot */
    uint64_t sees[FAKE_NODES_MAX]; /* settlements that a node has heard of; UINT64_MAX: all */
    bool unproved[FAKE_NODES_MAX]; /* it shows no receipt */
    bool lies[FAKE_NODES_MAX];     /* its receipts lack a proof */
    bool rewound[FAKE_NODES_MAX];  /* it shows a log of its first leaf */
    uint64_t forged;               /* histories show another prev of the order at this place */
};

/** Found it: n nodes, each of an association of its own (galet, lyon, brest, arles), quorum q. The
 *  addresses are filled in by fake_ledger_place before fake_ledger_begin. */
void fake_ledger_found(struct fake_ledger *l, uint32_t n, uint32_t q);
void fake_ledger_place(struct fake_ledger *l, uint32_t node, uint16_t port);
void fake_ledger_begin(struct fake_ledger *l);

/** Begin the next epoch with these many nodes: those behind the founders join with their
 * associations. All addresses are known. */
void fake_ledger_grow(struct fake_ledger *l, uint32_t n, uint32_t q);

void fake_transport_key(struct mr_seckey *ret, struct mr_pubkey *ret_public, uint32_t node);

/** By id, or NULL; open one with FAKE_FUNDS. */
struct fake_account *fake_account(struct fake_ledger *l, const uint8_t id[MR_ACCOUNT_BYTES]);
void fake_account_open(struct fake_ledger *l, const struct mr_join *join);

/** Places of a chain that are closed, and a balance, as a node has heard of it (0: as it is). */
uint64_t fake_chain_len(const struct fake_ledger *l, const struct fake_account *a, uint32_t node);
int64_t fake_balance(const struct fake_ledger *l, const struct fake_account *a, uint32_t node);

/** What node answers; the fields of *ret are filled as the status asks. */
enum mr_status fake_submit(struct fake_ledger *l, uint32_t node, const struct mr_req_submit *r,
                           struct mr_rep_slot *ret);
enum mr_status fake_cancel(struct fake_ledger *l, uint32_t node, const struct mr_signed_cancel *c,
                           struct mr_rep_slot *ret);
enum mr_status fake_look(struct fake_ledger *l, uint32_t node, const struct mr_req_slot *r,
                         struct mr_rep_slot *ret);
void fake_account_reply(const struct fake_ledger *l, uint32_t node, const struct fake_account *a,
                        struct mr_rep_account *ret);
void fake_history(struct fake_ledger *l, uint32_t node, const struct mr_req_history *r,
                  struct mr_rep_history *ret);
/** How an epoch began, as HANDOVER answers. */
void fake_handover(const struct fake_ledger *l, uint64_t epoch, struct mr_rep_handover *ret);
enum mr_status fake_head(const struct fake_ledger *l, uint32_t node, uint64_t from_size,
                         struct mr_rep_head *ret);

#endif
