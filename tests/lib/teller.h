/** A small territory on a real node: a data directory, mereaud, and somebody who gives orders over
 *  local control and the wallet port. Keys and charter are those of world.h. */
#ifndef MEREAU_TESTS_TELLER_H
#define MEREAU_TESTS_TELLER_H

#include "common/link.h"
#include "lib/nodedir.h"
#include "lib/scratch.h"
#include "lib/world.h"

struct teller {
    struct world w;             /* keys, charter, members; it has no engine */
    char dir[SCRATCH_PATH_MAX]; /* holds data/ */
    char data[SCRATCH_PATH_MAX];
    struct proc *node;
    uint16_t port;
    struct link *local;
    struct mr_request_body *ask;
    struct mr_reply *reply; /* of the last call */
};

/** A data directory with this configuration (NULL: nodedir_conf). ck_asserts. */
void teller_make(struct teller *t, const char *conf);
/** The same on a disk of so many bytes of its own. False: this machine does not let us. */
bool teller_make_small(struct teller *t, const char *conf, size_t disk_bytes);
/** Start mereaud and link to its control socket. */
void teller_start(struct teller *t);
/** SIGTERM; its exit code. */
int teller_stop(struct teller *t);
/** SIGKILL. */
void teller_kill(struct teller *t);
void teller_done(struct teller *t);

/** A link to the wallet port that pins the node's key; for the caller to close. */
struct link *teller_wallet(const struct teller *t);

/** The request in t->ask over local control; t->reply is the answer. */
enum mr_status teller_call(struct teller *t);
/** The next order of a chain, unsigned, body zero: as world_order. */
void teller_order(struct teller *t, struct mr_signed_order *ret, const uint8_t account[16],
                  enum mr_order_kind kind);
enum mr_status teller_submit(struct teller *t, const struct mr_signed_order *o);

/** As world_open and so on. */
enum mr_status teller_open(struct teller *t, enum mr_account_class class);
enum mr_status teller_issue(struct teller *t, uint32_t member, int64_t amount);
enum mr_status teller_pay(struct teller *t, uint32_t from, uint32_t to, int64_t amount);
int64_t teller_balance(struct teller *t, const uint8_t account[16], uint32_t unit);

#endif
