/* A whole federation in one process: what the parts of the simulator share.
 *
 * Nodes are real engines on journals and stores in memory; the shell round each of them is in
 * node.c (turns, disk, clock) and peer.c (links between nodes). owner.c plays the people, faults.c
 * the weather, liar.c and twin.c those who cheat, govern.c governance, join.c the nodes that come
 * without a memory. watch.c reads what every node wrote and hands it
 * to truth.c, which knows what has been said and settled anywhere and checks the named invariants
 * of it, and to epochs.c, which knows who votes when; final.c checks what must hold in the end. All
 * choices come from the seed. */
#ifndef MEREAU_TESTS_SIM_SIM_H
#define MEREAU_TESTS_SIM_SIM_H

#include <stdarg.h>
#include <stdio.h>

#include "mereau/engine.h"
#include "mereau/handover.h"
#include "mereau/order.h"
#include "sim/clock.h"
#include "sim/rng.h"

enum {
    SEATS_MAX = 7,   /* nodes of one epoch */
    NODES_MAX = 14,  /* numbers that nodes ever have */
    EPOCHS_MAX = 9,  /* more than a receipt carries of four nodes */
    COPIES_MAX = 16, /* running copies: one a node, and twins */
    MEMBERS_MAX = 16,
    OWNERS_MAX = 32,
    ENDS_MAX = COPIES_MAX + 1, /* ends of paths: the wallets' side is 0, copy i is i + 1 */
    SECOND = 1000000,
};

#define SIM_START_MS UINT64_C(1790000000000)

enum profile { CALM, STORM, PARTITION, DISK, BYZANTINE, RECONFIGURE, BUSY, PROFILES };

struct options {
    uint64_t seed, steps;
    uint32_t nodes, quorum; /* quorum 0: from the nodes */
    enum profile profile;
    bool verbose, real_crypto, safety; /* safety: what never comes is not looked at */
    bool beyond;                       /* beyond: one liar more than is tolerated */
    const char *without;               /* a rule that is switched off, or NULL */
};

/* How bad it gets: drawn from the profile's ranges by the seed. Rates are events in 1000 s. */
struct weather {
    uint32_t delay_us, jitter_us;                                    /* one way */
    uint32_t loss, repeat;                                           /* per mille of messages */
    uint32_t cuts, partitions, slows;                                /* of the network */
    uint32_t kills, pauses, jumps;                                   /* of nodes */
    uint32_t disk_us, disk_slow, disk_fails, disk_full, flush;       /* of disks */
    uint32_t rollbacks, restores;                                    /* memory lost */
    uint32_t losses;                                                 /* all of it, for good */
    uint32_t disasters; /* of more nodes than may be lost */
    uint32_t changes_s;                                              /* between epochs; 0: none */
    uint32_t cheats, cancels, freezes, short_lived, poor, rotations; /* of owners, per mille */
    uint32_t think_us;                                               /* between an owner's orders */
    uint32_t thieves;                                                /* of desks, per mille */
    uint32_t liars;                                                  /* nodes that lie */
};

struct path {
    bool cut;
    uint32_t delay_us, jitter_us, loss, repeat;
};

struct ask {
    bool open;
    uint32_t id;
    enum mr_request_kind kind;
};

/* A node's session with one peer that it asks. */
struct link {
    bool up, wanted; /* wanted: both are nodes of the epoch it is in */
    uint32_t session, missed;
    struct ask asks[MR_ASKS_MAX];
};

struct watch;
struct liar;
struct joining;

/* One running copy of a node; twins share number and keys. */
struct copy {
    uint32_t index, number, run; /* run: how often it was started */
    bool up, honest, amnesic;    /* honest: speaks as its engine does */
    bool restored;               /* from a backup, by its people: it starts abstaining */
    bool must_abstain;           /* amnesic, and enough others know: S22 */
    bool forgetful;              /* its journal does not hold all that it said */
    bool gone;                   /* it lost everything: it is down until it has joined again */
    uint32_t lost;               /* generation of the key that was lost with its memory */
    uint32_t joined;             /* the epoch that its journal begins with; 0: the first */
    uint32_t committee;          /* epoch of the committee that it was last seen with */
    struct mr_seckey keys[2];    /* log keys of its generation and of the next one, by parity */
    struct mr_signed_restart restart; /* of governance, for its next start */
    bool restarts;
    bool regroups; /* it takes sim.regroup with its next start */
    struct sim *sim;
    uint32_t serves; /* bit i: copy i reaches this one under its number */
    uint32_t lacks;  /* rules that its engine does not keep */
    struct mr_store *store;
    struct mr_journal *journal;
    struct mr_engine *engine;
    size_t memory;           /* bytes taken by engine */
    struct mr_principal who; /* scratch */
    /* clock */
    int64_t offset_us;
    /* disk */
    bool syncing, commit_waits, disk_full, append_fails, pump_due;
    uint32_t slow; /* times slower */
    struct mr_turn turn;
    uint8_t *early; /* its bytes, when a rule is switched off */
    struct mr_put *puts;
    size_t puts_count;
    bool stored;                             /* something was ever committed */
    /* what is being, and what is, committed: slots settled, and the epoch, which a RESTART and a
     * REGROUP begin by other keys in the state */
    uint64_t frozen_settled, stored_settled;
    uint32_t frozen_epoch, stored_epoch;
    struct link links[NODES_MAX + 1];        /* by peer number */
    /* the state that its last epoch ended with */
    struct mr_store *snapshot;
    struct mr_checkpoint sum;
    struct joining *joining;
    struct watch *watch;
    struct liar *liar;
};

/* A request a node has not answered yet. */
enum caller { CALLER_OWNER, CALLER_PEER, CALLER_JOINER };
struct call {
    bool open;
    enum caller who;
    uint32_t copy, run, from, id, session; /* from: owner, or copy that asks */
};

enum role { ROLE_MEMBER, ROLE_DESK, ROLE_TREASURY, ROLE_GOVERNANCE, ROLE_CHECKPOINTS };

/* Who stands behind a chain, and how its wallet sees it. */
struct owner {
    uint32_t index, association, home; /* home: node number */
    enum role role;
    enum mr_account_class class;
    uint8_t account[16];
    bool dishonest;
    bool thief;                /* a desk: it opens what another one is opening */
    uint32_t keys, generation; /* how many, and which: owner_keys */
    /* what has been settled anywhere */
    bool opened, frozen, ever_frozen;
    uint32_t froze;         /* bit n: node n, honest, has applied the freezing */
    uint64_t bites_us;      /* since when so many have that no order can be voted for; 0: not so */
    uint32_t generation_at; /* of its keys, behind what is settled of its chain */
    int64_t balance;
    /* the wallet */
    uint64_t next_seq, time_ms;
    uint8_t prev[32];
    bool started, open, cancelling, wondering; /* open: the slot next_seq is signed for and not
                                                  known to be closed; wondering: by which value */
    uint32_t orders[2], orders_count, tries, attempt, polls;
    enum mr_status last; /* answer */
    uint64_t settled, voided;
};

struct known_order;
struct slot;
struct truth {
    struct known_order *orders;
    uint32_t orders_count, orders_cap;
    uint32_t *index; /* open hash of orders by id */
    uint32_t index_cap;
    struct {
        struct slot *slots; /* by seq - 1 */
        uint64_t count, cap;
    } chains[OWNERS_MAX];
    uint64_t settled, voided;
};

struct counts {
    uint64_t faults, messages, lost, starts, receipts, evidence, checks, refused, checkpoints,
        epochs, joins, anew, regroups;
};

/* One epoch, as governance made it. */
struct era {
    uint32_t epoch, quorum, count;
    uint32_t seats; /* bit n: node n votes in it */
    uint32_t generations[NODES_MAX + 1];
    struct mr_pubkey keys[NODES_MAX + 1]; /* of their logs */
    bool decided, began;                  /* its NEXT has settled; a node has gone over to it */
    bool bounded;                         /* it is known where each chain stood then: */
    uint64_t next_seq[OWNERS_MAX];
    uint8_t prev[OWNERS_MAX][32];
    /* its end */
    bool ended, summed, broken_off; /* broken_off: by a RESTART */
    struct mr_cut cut;
    uint8_t root[32];
};

struct sim {
    struct options o;
    struct weather w;
    struct clock clock;
    struct rng net, chance, people, lies, disks;
    struct mr_charter charter;
    uint8_t ledger[32];
    uint32_t nodes, quorum, tolerated; /* of the first epoch; tolerated: nodes that may lie */
    uint32_t numbers;                  /* nodes there ever were */
    struct era eras[EPOCHS_MAX + 1];   /* by epoch; the first: what governance wishes now */
    struct mr_handover handovers[EPOCHS_MAX]; /* that began them, from the second on */
    uint32_t epoch, decided;                  /* the last one that began, and that is decided */
    struct mr_signed_regroup regroup;         /* the last one that governance signed */
    uint64_t change_us;                       /* when governance will change the nodes again */
    bool liar[NODES_MAX + 1];                 /* it lies */
    uint32_t forgot[NODES_MAX + 1]; /* bit n: it lost a part of its memory in epoch n */
    uint32_t side;                            /* of the twins' first copies */
    struct copy copies[COPIES_MAX];
    uint32_t copies_count;
    struct path paths[ENDS_MAX][ENDS_MAX];
    struct call *calls;
    uint32_t calls_count, calls_cap;
    uint32_t asks; /* ids given */
    struct owner owners[OWNERS_MAX];
    uint32_t owners_count;
    struct truth truth;
    struct counts counts;
    bool final;         /* everything has come that must come */
    uint64_t calm_us;   /* since when */
    bool calm;          /* the storm is over: nobody begins anything, everything is repaired */
    bool split;         /* over tolerance: S1 was seen to break */
    uint32_t convicted; /* bit i: evidence against node i is held by an honest node */
    uint64_t salt;
    /* scratch, too large for a stack */
    struct mr_request request;
    struct mr_reply reply;
    struct mr_entry entry;
    struct mr_signed_order order;
    struct mr_body body;
    struct mr_checked checked[MR_BODIES_MAX];
    uint8_t bytes[MR_FRAME_MAX];
};

/* --- main.c ----------------------------------------------------------------------------------- */
/* An invariant is broken: says which, where and how to repeat it, and ends the process. */
_Noreturn void violated(struct sim *s, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* With --verbose: one line with the time. */
void tell(const struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The first bytes of an id, for people. */
const char *brief(const uint8_t *id);

/* --- crypto.c --------------------------------------------------------------------------------- */
void crypto_real(bool on);

/* --- world.c ---------------------------------------------------------------------------------- */
void world_make(struct sim *s);
/* Node `number` as a charter names it, with the key of a generation. */
void world_node(const struct sim *s, struct mr_node *ret, uint32_t number, uint32_t generation);
void world_log_key(struct mr_seckey *ret, struct mr_pubkey *ret_public, uint32_t number,
                   uint32_t generation);
void weather_draw(struct sim *s);
uint64_t clock_of(const struct sim *s, const struct copy *c); /* its idea of the time, ms */

/* --- net.c ------------------------------------------------------------------------------------ */
void net_make(struct sim *s);
/* Carry bytes from one end to another: the event runs there, perhaps twice, perhaps never. */
void net_send(struct sim *s, uint32_t from, uint32_t to, const struct event *ev,
              const uint8_t *bytes, size_t len);
/* The copy that answers under a node's number when copy `asker` calls; NULL: none. */
struct copy *net_route(struct sim *s, uint32_t asker, uint32_t number);
static inline uint32_t end_of(const struct copy *c)
{
    return c->index + 1;
}

/* --- node.c ----------------------------------------------------------------------------------- */
void node_make(struct sim *s, struct copy *c, uint32_t number);
void node_start(struct sim *s, struct copy *c);
void node_catch_up(struct sim *s, struct copy *c);
/* The process is gone, and with it what its disk had not taken. */
void node_kill(struct sim *s, struct copy *c);
void node_done(struct copy *c);
/* Give an event to the engine. */
void node_step(struct sim *s, struct copy *c, struct mr_event *ev);
/* A request has arrived; `from` is an owner, or the copy that asks. */
void node_request(struct sim *s, struct copy *c, enum caller who, uint32_t from, uint32_t id,
                  uint32_t session, const uint8_t *bytes, size_t len);
/* Its memory is an empty one. */
void node_empty(struct copy *c);
/* Where the engine's answers go; ctx is the copy. */
void node_reply(void *ctx, uint64_t token, const uint8_t *bytes, size_t len);
/* Have the store hold all that is settled; true: it does. */
bool node_flush(struct sim *s, struct copy *c);
/* INV-1 to INV-10 over the store. */
void node_check_store(struct sim *s, struct copy *c);
/* If the store holds all that is settled: sum it up, tell the engine, and keep what an epoch ended
 * with for those who join. */
void node_sum_up(struct sim *s, struct copy *c);
enum mr_status node_sum(struct sim *s, struct copy *c, struct mr_checkpoint *ret);
/* Another journal with the turns of this one up to `turn`. */
struct mr_journal *node_journal_copy(struct sim *s, struct copy *c, uint64_t turn);
/* Make its store, that holds what others gave, its own. */
enum mr_status node_adopt(struct copy *c, const struct mr_charter *charter,
                          const struct mr_chain *chain);
/* Put the node back to a turn, with an empty store: its process must be gone. */
void node_roll_back(struct sim *s, struct copy *c, uint64_t turn);

/* --- peer.c ----------------------------------------------------------------------------------- */
void peer_start(struct sim *s, struct copy *c);
/* Links to exactly those who vote with it. */
void peer_follow_committee(struct sim *s, struct copy *c);
/* All links to and from it break. */
void peer_gone(struct sim *s, struct copy *c);
/* Send what the engine wants to ask. */
void peer_ask(struct sim *s, struct copy *c);
/* The engine of `c` has answered a peer. */
void peer_reply(struct sim *s, struct copy *c, const struct call *call, const uint8_t *bytes,
                size_t len);

/* --- owner.c, orders.c ------------------------------------------------------------------------ */
void owner_start(struct sim *s, struct owner *w);
void owner_reply(struct sim *s, struct event *ev); /* a: owner, b: attempt, c: copy that answers */
/* The keys of a generation; both outputs may be NULL. */
void owner_keys(const struct owner *w, uint32_t generation, struct mr_seckey ret[2],
                struct mr_keyset *ret_public);
/* A new order for the owner's next slot, signed, in s->order. False: it has no wish now. */
bool order_make(struct sim *s, struct owner *w);
/* Another order for the same slot. */
void order_vary(struct sim *s, struct owner *w);
void order_cancel(struct sim *s, const struct owner *w, struct mr_signed_cancel *ret);

/* --- faults.c --------------------------------------------------------------------------------- */
void faults_start(struct sim *s);
/* End of the storm: everything is repaired and stays so. */
void faults_heal(struct sim *s);

/* --- rest.c ----------------------------------------------------------------------------------- */
/* On each tick: a checkpoint is due. */
void rest_tick(struct sim *s, struct copy *c);
/* The storm is over: whether one came while people paid. */
void rest_under_load(struct sim *s);
/* L7: whether all honest nodes in service have one. */
bool rest_reached(struct sim *s, char *ret_why, size_t cap);

/* --- epochs.c --------------------------------------------------------------------------------- */
void epochs_make(struct sim *s);
bool era_has(const struct era *e, uint32_t number);
/* Nodes in a set of them, bit n: node n. */
uint32_t count_of(uint32_t set);
uint32_t quorum_of(uint32_t nodes);
/* Whether what a node says in an epoch may be wrong: it lies, or does not remember. */
bool is_faulty(const struct sim *s, uint32_t number, uint32_t epoch);
/* Whether a node has no memory now, or not all of what it said. */
bool lost_memory(const struct sim *s, uint32_t number);
/* Whether one node more may fail: to lie, or (down) to be silent only. */
bool may_fail(const struct sim *s, bool down);
struct known_order;
struct slot;
/* A NEXT, or a CUT, has settled somewhere. */
void epoch_decided(struct sim *s, const struct mr_next_epoch *next);
void epoch_cut(struct sim *s, const struct mr_cut *cut);
/* A node's journal goes over to the next epoch. */
void epoch_entered(struct sim *s, struct copy *c, const struct mr_handover *h);
/* Handovers from the second epoch on as a chain, until the next call. */
struct mr_chain epochs_chain(const struct mr_handover *handovers, uint32_t count);
/* S16: what settles in an epoch is in its CUT. */
void epoch_covers(struct sim *s, const struct slot *at, uint32_t epoch, const uint8_t value[32],
                  const char *name);
/* S19: all that say FINAL say the same. */
void epoch_final(struct sim *s, const struct copy *c, const struct mr_leaf_final *f);
/* S18: a node's committee is the one that the epoch before decided. */
void epoch_committee(struct sim *s, struct copy *c);
/* The keys that a node has at hand in a generation. */
void epoch_keys(struct copy *c, uint32_t generation);

/* --- govern.c --------------------------------------------------------------------------------- */
/* Governance's wish for other nodes, in s->order. False: it has none now. */
bool govern_next(struct sim *s);
/* A node's memory is gone for good. */
void govern_lose(struct sim *s, struct copy *c);
/* The only node does not trust its memory: governance lets it go on in a new log (JNL-9). */
void govern_restart(struct sim *s, struct copy *c);
/* Of the present nodes fewer than q are left, down, with what they wrote, and governance names them
 * and their state; the others are to join with new keys. False: this is no moment for it. */
bool govern_regroup(struct sim *s);

/* --- join.c ----------------------------------------------------------------------------------- */
/* The node begins to take the state over: it is named by an epoch and has no memory. */
void join_begin(struct sim *s, struct copy *c);
void join_reply(struct sim *s, struct event *ev); /* a: copy that joins, b: id, c: who answers */
void join_done(struct copy *c);
/* Copy the shared tables; `spoil`: one row arrives with another value. */
void join_copy(struct sim *s, struct mr_store *into, struct mr_store *from, bool spoil);

/* --- rules.c ---------------------------------------------------------------------------------- */
/* The rules as this copy's engine keeps them; NULL: as honest ones do. */
void rules_apply(const struct sim *s, const struct copy *c);
/* Whether a rule is switched off for the whole federation. */
bool rules_without(const struct sim *s, const char *name);
bool rules_known(const char *name);
const char *rules_name(uint32_t index);
/* What a node that lies does not keep. */
uint32_t rules_lies(struct sim *s, bool twin);

/* --- twin.c, liar.c --------------------------------------------------------------------------- */
void twin_make(struct sim *s, uint32_t number);
void liar_make(struct sim *s, struct copy *c);
void liar_done(struct copy *c);
/* What the liar sends in place of what its engine said: in ret, at most MR_FRAME_MAX bytes. 0: it
 * keeps silent. */
size_t liar_reply(struct sim *s, struct copy *c, const struct copy *to, const uint8_t *bytes,
                  size_t len, uint8_t *ret);

/* --- final.c ---------------------------------------------------------------------------------- */
/* Whether all that must come has come. */
bool final_reached(struct sim *s, const char **ret_name, char *ret_why, size_t cap);
/* The node votes in the last epoch there is. */
bool in_service(const struct sim *s, const struct copy *c);
/* What must hold then. */
void final_checks(struct sim *s);

#endif
