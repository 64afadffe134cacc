/** A town for tests of programs: a ledger with known keys, its node as a real process on loopback,
 *  and its operators. Everything aborts the test program with a message when it fails.
 *
 *  The node dies with the test (PR_SET_PDEATHSIG). One thread. */
#ifndef MEREAU_TESTS_TOWN_H
#define MEREAU_TESTS_TOWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/link.h"
#include "mereau/record.h"
#include "mereau/sign.h"
#include "mereau/text.h"

enum { TOWN_PATH_MAX = 512 };

struct town {
    char dir[TOWN_PATH_MAX]; /* holds data/ and node.log */
    struct mr_charter *charter;
    uint8_t ledger[32];
    struct mr_seckey operator_key;
    uint8_t register_secret[32], desk[16], treasury[16];
    pid_t pid; /* of the node; 0: not running */
    uint16_t port;
    uint32_t generation; /* of the node's log key */
    char join_link[MR_JOIN_LINK_TEXT_MAX + 1];
    struct mr_reply *reply;
    struct mr_request_body *request;
};

/** Found a ledger in an existing directory and start its node. Residents pay at most 200.00 at
 * once; shops pay a fee of 1 % from 1 to 100 minor units, give back from 20.00 on for 5 %. */
void town_start(struct town *t, const char *dir);

/** End the node and release everything. Files stay. */
void town_done(struct town *t);

/** Start the node again on the same port; end it in good order, or at once. */
void town_node_start(struct town *t);
void town_node_stop(struct town *t);
void town_node_kill(struct town *t);

/** Governance lets a node that lost its memory begin a new log: ends and starts it. */
void town_node_restart(struct town *t);

/** Open the accounts of all join requests; how many. */
unsigned town_admit(struct town *t);

/** The operators' other doings. Amounts in minor units. */
void town_issue(struct town *t, const uint8_t account[16], int64_t amount);
void town_list(struct town *t, const uint8_t account[16], const char *alias, const char *name,
               bool listed);
void town_freeze(struct town *t, const uint8_t account[16], bool frozen);

/** The account's balance and chain, over the local control socket. */
void town_account(struct town *t, struct mr_rep_account *ret, const uint8_t account[16]);

/** An address of this town. */
void town_parse(const struct town *t, uint8_t ret[16], const char *address);

#endif
