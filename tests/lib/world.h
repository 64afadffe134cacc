/** A small territory for tests: charter, keys, orders, an engine on journal and store in memory. */
#ifndef MEREAU_TESTS_WORLD_H
#define MEREAU_TESTS_WORLD_H

#include "mereau/engine.h"
#include "mereau/order.h"
#include "storage/mem.h"

enum { WORLD_MEMBERS_MAX = 64, WORLD_OPERATORS = 2, WORLD_HOMES_MAX = 4 };

struct world_member {
    uint8_t id[16];
    enum mr_account_class class;
    uint32_t home; /* index of its association */
    struct mr_seckey key;
    struct mr_pubkey public;
    struct mr_seckey next_key; /* that a recovery would give it */
    struct mr_pubkey next_public;
};

/** One association. */
struct world_home {
    uint8_t desk[16], treasury[16], issuer[16], reserve[16], redeemed[16], own[16];
    struct mr_seckey operators[WORLD_OPERATORS];
};

struct world {
    struct mr_charter charter;
    uint8_t ledger[32];
    uint64_t now_ms;
    uint64_t salt; /* makes orders differ */
    struct mr_seckey log_key, governance;
    struct mr_pubkey governance_public;
    struct world_home homes[WORLD_HOMES_MAX];
    struct mr_seckey operators[WORLD_OPERATORS]; /* of the first association, as all up to system */
    struct mr_pubkey operators_public[WORLD_OPERATORS];
    uint8_t desk[16], treasury[16];
    uint8_t system[16];
    struct world_member members[WORLD_MEMBERS_MAX];
    uint32_t members_count;
    struct mr_mem mem;
    struct mr_store *store;
    struct mr_journal *journal;
    struct mr_engine *engine;
    bool abstain;                      /* as after a restore */
    struct mr_signed_restart *restart; /* to begin with, or NULL */
    struct mr_reply *reply;            /* last reply released */
    uint32_t replies;
    struct mr_request *request;
};

/** malloc and free. */
struct mr_mem world_mem(void);

/** A charter of one association, 2 of 2 operators, one node, units and policy of the defaults. */
void world_init(struct world *w);
/** The same with several associations, each with operators of its own. */
void world_init_homes(struct world *w, uint32_t homes);
void world_done(struct world *w);

/** Start the engine on the world's journal and store; ck_asserts MR_OK. */
void world_start(struct world *w);
void world_stop(struct world *w);

/** Cut, append, sync and release until nothing is left to say. */
void world_turn(struct world *w);
/** Commit everything to the store, as the flusher does. */
void world_flush(struct world *w);

/** The next order of a chain, unsigned, with kind set and body zero. */
void world_order(struct world *w, struct mr_signed_order *ret, const uint8_t account[16],
                 enum mr_order_kind kind);
/** The same for a chain in this state, without an engine. */
void world_order_on(struct world *w, struct mr_signed_order *ret, const uint8_t account[16],
                    const struct mr_state_chain *c, uint32_t policy, enum mr_order_kind kind);
/** What the orders of world_open, world_issue and world_pay say. The next member gets its keys and
 *  an id of that association; it counts once members_count is raised. */
void world_open_body(struct world *w, struct mr_open *b, uint32_t home,
                     enum mr_account_class class);
void world_issue_body(struct world *w, struct mr_issue *b, uint32_t member, int64_t amount);
void world_pay_body(const struct world *w, struct mr_pay *b, uint32_t to, int64_t amount);
/** A CLEAR under the keys of the charter, not countersigned; and its countersignatures. */
void world_clear_body(struct world *w, struct mr_clear *b, uint32_t from, uint32_t to,
                      int64_t amount);
void world_countersign(const struct world *w, struct mr_clear *b);
/** A RECOVER for a member, with keys made for it; the TAKEOVER that follows, under the keys of the
 *  charter; and when that has settled: the member signs with the new keys. */
void world_recover_body(struct world *w, struct mr_recover *b, uint32_t member,
                        uint32_t generation);
void world_takeover_body(const struct world *w, struct mr_takeover *b, const struct mr_recover *of,
                         uint64_t seq);
void world_taken_over(struct world *w, uint32_t member);
/** Sign by whoever signs on that chain. */
void world_sign(struct world *w, struct mr_signed_order *o);
/** SUBMIT and settle the turn; the reply's status; w->reply is the whole. */
enum mr_status world_submit(struct world *w, const struct mr_signed_order *o);
/** Any request; `who` NULL: local control. */
enum mr_status world_request(struct world *w, const struct mr_principal *who);
/** A principal that owns the account. */
struct mr_principal world_owner(struct world *w, const uint8_t account[16]);

/** Open a member (of the first association, or of another), issue to it, pay; clear between two
 *  associations. Members and associations are numbered from 0. */
enum mr_status world_open(struct world *w, enum mr_account_class class);
enum mr_status world_open_at(struct world *w, uint32_t home, enum mr_account_class class);
enum mr_status world_issue(struct world *w, uint32_t member, int64_t amount);
enum mr_status world_pay(struct world *w, uint32_t from, uint32_t to, int64_t amount);
enum mr_status world_clear(struct world *w, uint32_t from, uint32_t to, int64_t amount);
/** Flush, run all invariants on the store, rebuild it from the journal alone and compare;
 * ck_asserts that nothing is found. */
void world_check(struct world *w);

int64_t world_balance(struct world *w, const uint8_t account[16], uint32_t unit);

#endif
