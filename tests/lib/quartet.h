/** A currency of up to four associations and its nodes, set up and changed as people do it: typed
 *  commands (typed.h), real processes. Node i has the data directory typed_data(i) and the number
 *  i + 1 when the nodes come in that order. One at a time; everything ck_asserts. */
#ifndef MEREAU_TESTS_QUARTET_H
#define MEREAU_TESTS_QUARTET_H

#include "lib/typed.h"

enum { QUARTET_NODES = 4, QUARTET_PATIENCE_S = 60 };

extern struct quartet {
    char invitation[512], wallet_port[QUARTET_NODES][32], peer_port[QUARTET_NODES][32];
    struct proc *nodes[QUARTET_NODES], *joining[QUARTET_NODES]; /**< NULL: not running */
} quartet;

/** For tcase_add_checked_fixture: a scratch directory; and all ended and removed. */
void quartet_setup(void);
void quartet_teardown(void);

/** An address on loopback for each node's wallets and peers, free a moment ago. */
void quartet_ports(void);
/** That, and the first association founds the currency, with so many governance keys ("3/2"), and
 * its node runs. */
void quartet_found(const char *governance);

/** Association i asks to join and waits: "federation join" runs. */
void quartet_come(unsigned i);
/** The same with other words behind "federation join", NULL at the end. */
void quartet_join(unsigned i, const char *const *words);
/** Until it is in; then its node is started. */
void quartet_come_in(unsigned i);
/** The other three, let in by the first one's governance. */
void quartet_become_four(void);

void quartet_start(unsigned i);
/** SIGKILL. Its directory is removed. Both: its disk is lost. */
void quartet_kill(unsigned i);
void quartet_lose(unsigned i);
/** "stop", as people do it. */
void quartet_stop(unsigned i);

/** Until node i says that it is in the epoch; that so many nodes answer it. */
void quartet_wait_epoch(unsigned i, long epoch);
void quartet_wait_answering(unsigned i, long count);

/** Somebody joins association i at its node and is admitted. */
void quartet_member(unsigned i, const char *name, const char *class);
/** At the first one: ana, with 50.00, and bob, whose shop is listed as "boulangerie". */
void quartet_ana_and_bob(void);
/** ck_asserts that it settles. */
void quartet_pay(const char *who, const char *whom, const char *amount);

/** "federation propose" at the first node, with its first governance key. */
#define PROPOSE(...)                                                                               \
    RUN("mereau-admin", 0, "-d", typed_data(0), "--key", typed_at("d1-keys/governance1.key"),      \
        "federation", "propose", "--yes", __VA_ARGS__)
/** The same ends with this code, and says this. */
#define REFUSED(code, why, ...)                                                                    \
    do {                                                                                           \
        RUN("mereau-admin", code, "-d", typed_data(0), "--key",                                    \
            typed_at("d1-keys/governance1.key"), "federation", "propose", "--yes", "--timeout",    \
            "1", __VA_ARGS__);                                                                     \
        SAID(why);                                                                                 \
    } while (0)
/** The last command said so. */
#define SAID(what) ck_assert_msg(strstr(typed.text, (what)) != NULL, "%s", typed.text)

#endif
