/** Several nodes in one process, without network, clock or threads: engines on journals and stores
 *  in memory, whose requests to each other are delivered at once and in order. For tests of what
 *  nodes do together; the simulator is for what may go wrong. */
#ifndef MEREAU_TESTS_RING_H
#define MEREAU_TESTS_RING_H

#include "lib/world.h"

enum { RING_NODES_MAX = 7, RING_MAIL_MAX = 1280 };

struct ring_node {
    struct mr_seckey log_key, next_key; /* of odd generations, of even ones */
    uint32_t generation;
    struct mr_signed_regroup regroup; /* of governance */
    bool regroups;
    bool abstain; /* with its next start: restored from a backup */
    struct mr_store *store;
    struct mr_journal *journal;
    struct mr_engine *engine; /* NULL: down */
    struct mr_store *final;   /* the shared state as it was summed up last; NULL: never */
    struct mr_checkpoint sum; /* of it */
    bool cut[RING_NODES_MAX]; /* cannot ask these */
    bool no_sum;              /* its sums are never done */
    bool false_sum;           /* they are wrong */
};

/** A request between nodes, or what a caller handed in. */
struct ring_mail {
    uint32_t from, to; /* index + 1; from 0: a caller */
    enum mr_request_kind kind;
    bool used, dead; /* dead: who asked is gone */
};

struct ring {
    struct world w; /* charter, keys, members; it has no engine of its own */
    uint32_t count;
    struct ring_node nodes[RING_NODES_MAX];
    struct ring_mail mail[RING_MAIL_MAX];
    struct mr_reply *reply; /* last one to a caller */
    enum mr_status status;  /* its status */
    uint32_t callers;       /* that wait for an answer */
    bool slow;              /* seconds pass while FINAL is being synced */
    struct mr_request *request;
};

/** n nodes of one association, quorum q, all started and connected. ck_asserts. */
void ring_init(struct ring *r, uint32_t nodes, uint32_t quorum);
/** The same of several associations. */
void ring_init_homes(struct ring *r, uint32_t nodes, uint32_t quorum, uint32_t homes);
/** Of these only the first `founders` stand in the charter; r->w.charter.associations has the
 *  others behind them all the same, as a NEXT may let them join. */
void ring_init_founders(struct ring *r, uint32_t nodes, uint32_t quorum, uint32_t homes,
                        uint32_t founders);
void ring_done(struct ring *r);

void ring_start(struct ring *r, uint32_t node);
/** It loses what was not synced. */
void ring_kill(struct ring *r, uint32_t node);

/** What a backup of the node holds now. */
void ring_backup(struct ring *r, uint32_t node, struct mr_journal **ret);
/** Its disk is lost, and it is restored from that; it abstains when it is started again. Takes the
 *  backup over. */
void ring_restore(struct ring *r, uint32_t node, struct mr_journal *backup);

/** The link of a node to a peer breaks, and comes up again: what it asked there is not answered. */
void ring_break(struct ring *r, uint32_t node, uint32_t peer);
/** No node hears another, and what was asked is not answered any more; all hear each other again.
 */
void ring_isolate(struct ring *r);
void ring_reunite(struct ring *r);

/** Deliver all that is under way until nothing moves. */
void ring_settle(struct ring *r);
/** Time passes, in steps of at most 250 ms, and everything is delivered. */
void ring_wait(struct ring *r, uint64_t ms);

/** Hand an order in at a node; r->reply when it was answered: its status, or NO_ANSWER so far. */
enum mr_status ring_submit(struct ring *r, uint32_t node, const struct mr_signed_order *o);
enum mr_status ring_request(struct ring *r, uint32_t node, const struct mr_request *q);
enum mr_status ring_cancel(struct ring *r, uint32_t node, const struct mr_signed_cancel *c);

/** The next order of a chain as the node sees it, unsigned. */
void ring_order(struct ring *r, uint32_t node, struct mr_signed_order *ret,
                const uint8_t account[16], enum mr_order_kind kind);
/** Open a member, issue, pay; through a node; until settled. */
enum mr_status ring_open(struct ring *r, uint32_t node, enum mr_account_class class);
/** Member 0, a resident who has 1000.00, and member 1, a shop: of node 0. ck_asserts. */
void ring_people(struct ring *r);
enum mr_status ring_issue(struct ring *r, uint32_t node, uint32_t member, int64_t amount);
enum mr_status ring_pay(struct ring *r, uint32_t node, uint32_t from, uint32_t to, int64_t amount);

/** Governance lets an epoch begin with the ring's nodes first..last (from 0), quorum q. A node
 * whose bit is set in `rekey` gets a new log key. The status of the NEXT. */
enum mr_status ring_next(struct ring *r, uint32_t node, uint32_t first, uint32_t last,
                         uint32_t quorum, uint32_t rekey);
/** The same by governance alone, with the state that node `from` holds: a REGROUP. A node takes it
 *  with its next start. */
void ring_regroup(struct ring *r, struct mr_signed_regroup *ret, uint32_t from, uint32_t first,
                  uint32_t last, uint32_t quorum, uint32_t rekey);
void ring_take_regroup(struct ring *r, uint32_t node, const struct mr_signed_regroup *g);
/** All nodes of the ring take one that names them again, quorum q, and are in the next epoch. */
void ring_regroup_all(struct ring *r, uint32_t quorum, uint32_t rekey);
/** A NEXT of the present nodes and quorum, unsigned. */
void ring_next_order(struct ring *r, uint32_t node, struct mr_signed_order *ret);
/** A node that is in the present committee of `from` begins with the state that it summed up. */
void ring_join(struct ring *r, uint32_t node, uint32_t from);
/* The handovers up to the present epoch, as a node answers them and each verified. Until the next
 * call. */
struct mr_chain ring_chain(struct ring *r, uint32_t from);
uint32_t ring_epoch(struct ring *r, uint32_t node);
/** These nodes are in that epoch. ck_asserts. */
void ring_in_epoch(struct ring *r, uint32_t first, uint32_t last, uint32_t epoch);

/** A ring of one node, with a resident who has money and a shop, decides that three more come in:
 *  epoch 2 has begun, and they have not joined yet. */
void ring_one_of_four(struct ring *r);
/** The others join. */
void ring_join_others(struct ring *r);

/** A checkpoint is due at the node. Nothing is delivered. */
void ring_due(struct ring *r, uint32_t node);
/** Flush the node and sum its state up; hand a sum in, of which a copy is kept or not. Ticks do
 *  both when the node wants it. */
struct mr_checkpoint ring_sum(struct ring *r, uint32_t node);
void ring_summed(struct ring *r, uint32_t node, const struct mr_checkpoint *c, bool kept);

int64_t ring_balance(struct ring *r, uint32_t node, uint32_t member);
/** All nodes that are up hold the same state: LED-50. */
void ring_check(struct ring *r);

#endif
