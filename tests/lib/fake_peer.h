/** A peer that knows HELLO, AUTH, HEAD and FOLLOW, well or badly, on the test's own loop: one
 * thread, so that moments are certain. */
#ifndef MEREAU_TESTS_FAKE_PEER_H
#define MEREAU_TESTS_FAKE_PEER_H

#include <stdatomic.h>
#include <uv.h>

#include "mereau/record.h"
#include "mereau/session.h"
#include "mereau/sign.h"
#include "transport/server_uv.h"

enum { FAKE_SESSIONS = 16, FAKE_HELD_MAX = 32 };

enum fake_manner {
    FAKE_WELL,
    FAKE_SILENT,
    FAKE_JUNK, /* SEALED that opens nothing */
    FAKE_LATE, /* requests are held until fake_peer_answer */
    FAKE_ODD_ID,
    FAKE_ODD_KIND,
    FAKE_ODD_BYTES,
    FAKE_STATUS, /* a sealed reply with fake.status */
    FAKE_REFUSE, /* an open refusal with fake.status */
};

/** A request that waits for its reply. */
struct fake_held {
    uint64_t token, counter;
    uint32_t id;
    int session;
    uint64_t from;
};

extern struct fake_peer {
    struct server *server;
    uint16_t port;
    uint8_t ledger[32];
    struct mr_seckey secret, member_key;
    struct mr_pubkey identity, member; /* the second: whose proof is accepted */
    struct {
        struct mr_session s;
        bool used, proved;
    } sessions[FAKE_SESSIONS];
    int next;
    struct fake_held held[FAKE_HELD_MAX];
    size_t held_count;
    /* set by tests */
    enum fake_manner manner;
    enum mr_status status;
    bool only_follow;    /* HELLO, AUTH and HEAD are answered well */
    atomic_bool imposes; /* with another key */
    bool trusting;       /* any proof is accepted */
    /* seen */
    atomic_int hellos, auths, heads, follows; /* tests may look from another thread */
    struct mr_req_auth auth;
} fake;

/** Keys; forgets everything. */
void fake_peer_init(const uint8_t ledger[32]);

/** Listen on a port of loopback, 0 picks one. ck_asserts. */
void fake_peer_open(uv_loop_t *loop, uint16_t port);
void fake_peer_close(void);

/** Answer a held request; it stays in its place. */
void fake_peer_answer(size_t held);

#endif
