/** A node that says what a test wants: real sockets and sessions, and one function for answers. It
 *  asks nobody for a proof of identity. */
#ifndef MEREAU_TESTS_FAKE_NODE_H
#define MEREAU_TESTS_FAKE_NODE_H

#include "lib/server_thread.h"
#include "mereau/record.h"
#include "mereau/session.h"
#include "mereau/sign.h"

/** Fill status and body; id and kind are set. Called on the server's thread. */
typedef void (*fake_answer)(void *ctx, const struct mr_request *request, struct mr_reply *ret);

enum { FAKE_SESSIONS = 16 };

struct fake_node {
    struct server_thread at;
    struct mr_seckey secret;
    struct mr_pubkey identity;
    struct mr_session sessions[FAKE_SESSIONS];
    unsigned next;
    fake_answer answer;
    void *ctx;
    struct mr_request *request; /* of the server's thread */
    struct mr_reply *reply;
};

/** Listen on a free port of loopback and at a path (NULL: at none) as the node of a transport key's
 *  seed. */
void fake_node_start(struct fake_node *f, const uint8_t seed[32], const char *path,
                     fake_answer answer, void *ctx);
void fake_node_stop(struct fake_node *f);

#endif
