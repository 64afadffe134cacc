/** Several associations, one currency: n real nodes on loopback, each on a data directory of its
 * own and run by an association of its own. Keys of operators and members are those of world.h;
 * every association has the same operators. */
#ifndef MEREAU_TESTS_FEDERATION_H
#define MEREAU_TESTS_FEDERATION_H

#include "common/link.h"
#include "lib/nodedir.h"
#include "lib/proxy.h"
#include "lib/scratch.h"
#include "lib/world.h"

enum { FEDERATION_MAX = 8 };

struct federation_node {
    char data[SCRATCH_PATH_MAX];
    uint16_t wallet, peer, http;
    struct mr_seckey log_key, transport_key;
    struct proxy *proxy; /* in front of the port for nodes, or NULL */
    struct proc *proc;   /* NULL: it does not run */
    struct link *local;
};

/** Nodes, associations and members are counted from 0; node i has number i + 1. */
struct federation {
    struct world w; /* keys, charter, members; it has no engine */
    char dir[SCRATCH_PATH_MAX];
    uint32_t n;
    struct federation_node nodes[FEDERATION_MAX];
    uint8_t desks[FEDERATION_MAX][16], treasuries[FEDERATION_MAX][16];
    struct mr_request_body *ask;
    struct mr_reply *reply; /* of the last call */
};

/** Charter and n data directories. ck_asserts, like all here. */
void federation_make(struct federation *f, uint32_t n, uint32_t quorum);
/** The same with a proxy in front of every node: the charter names its port. */
void federation_make_proxied(struct federation *f, uint32_t n, uint32_t quorum);
void federation_done(struct federation *f);

/** Lines more for the mereaud.conf of a node that does not run. */
void federation_configure(struct federation *f, uint32_t node, const char *more);

/** Start one node or all, and link to its control socket. */
void federation_start(struct federation *f, uint32_t node);
/** With words for its environment. */
void federation_start_in(struct federation *f, uint32_t node, const char *const *env);
void federation_start_all(struct federation *f);
/** SIGTERM; its exit code. SIGKILL. */
int federation_stop(struct federation *f, uint32_t node);
void federation_kill(struct federation *f, uint32_t node);

/** A link to one of a node's ports that proves to be the peer of this number; key NULL: it proves
 *  nothing. For the caller to close. */
struct link *federation_as_peer(const struct federation *f, uint32_t node, uint16_t port,
                                uint32_t number, const struct mr_seckey *key);
/** A second node on a copy of the data directory of one that does not run: it has the keys of
 * `node` and ports of its own, and is called `twin` from here on, a number from f->n on. Who starts
 * it ends it. */
void federation_copy(struct federation *f, uint32_t node, uint32_t twin);

/** The request in f->ask over a node's local control; f->reply is the answer. */
enum mr_status federation_call(struct federation *f, uint32_t node);

/** mereau-audit on the books of a node that does not run: nothing is found. */
void federation_audit(const struct federation *f, uint32_t node);

/** REQ_PEERS of a node: the answer is in f->reply. */
const struct mr_rep_peers *federation_peers(struct federation *f, uint32_t node);
/** Wait until the node is in this mode. */
void federation_wait_mode(struct federation *f, uint32_t node, enum mr_status mode);

/** The state of a member's chain at a node, and the rules in force. */
struct mr_state_chain federation_chain(struct federation *f, uint32_t node, uint32_t member,
                                       uint32_t *ret_policy);

/** The next order of a chain as the node knows it, unsigned, body zero. */
void federation_order(struct federation *f, uint32_t node, struct mr_signed_order *ret,
                      const uint8_t account[16], enum mr_order_kind kind);
void federation_sign(struct federation *f, struct mr_signed_order *o);
/** SUBMIT, again until it is decided: SETTLED, VOIDED, or refused for good. PARKED, VOTING or
 *  CERTIFIED when patience_ms is over. */
enum mr_status federation_submit(struct federation *f, uint32_t node,
                                 const struct mr_signed_order *o, int patience_ms);

/** By way of a node; ck_asserts that it settles. */
void federation_open(struct federation *f, uint32_t node, uint32_t association,
                     enum mr_account_class class);
void federation_issue(struct federation *f, uint32_t node, uint32_t association, uint32_t member,
                      int64_t amount);
enum mr_status federation_pay(struct federation *f, uint32_t node, uint32_t from, uint32_t to,
                              int64_t amount);

/** Unit 0 of a member. */
int64_t federation_balance(struct federation *f, uint32_t node, uint32_t member);

/** Wait until all running nodes have settled as many slots, `at_least` or more; then ck_assert that
 *  they agree about every member's chain and every association's sums. */
void federation_agree(struct federation *f, uint64_t at_least);

#endif
