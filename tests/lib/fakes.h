/** A toy federation on loopback: fake_ledger behind n real wallet ports, each on a thread of its
 *  own. A test starts and stops nodes and makes them misbehave; programs meet them as real ones.
 *
 *  Everything aborts the test program with a message when it fails. */
#ifndef MEREAU_TESTS_FAKES_H
#define MEREAU_TESTS_FAKES_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/fake_ledger.h"
#include "lib/server_thread.h"
#include "mereau/session.h"
#include "mereau/text.h"

enum { FAKE_SESSIONS = 64 };

struct fakes;

struct fake_session {
    struct mr_session s;
    bool used, proved;
    uint8_t account[MR_ACCOUNT_BYTES];
    uint32_t generation; /* of its keys: a session does not outlive them */
};

struct fake {
    struct fakes *all;
    uint32_t number;
    struct server_thread at;
    uint16_t port;
    bool runs;
    struct mr_seckey transport;
    struct mr_pubkey identity;
    struct fake_session sessions[FAKE_SESSIONS];
    unsigned next;
    /* scratch */
    struct mr_request *request;
    struct mr_reply *reply;
    struct mr_envelope *envelope;
    uint8_t plain[MR_FRAME_MAX], sealed[MR_FRAME_MAX];
    /* set by the test, any time */
    atomic_int mute;      /* does nothing and answers nothing */
    atomic_int keeps;     /* does what SUBMIT and CANCEL ask, and does not answer them */
    atomic_int swallows;  /* the same, and then it is mute as long as this is set */
    atomic_int fallen;    /* it has swallowed something */
    atomic_int mode;      /* told by NODE */
    atomic_int blind;     /* it has heard of no other account yet */
    atomic_int vague;     /* answers SLOT with OK, which says nothing */
    atomic_int refuses;   /* status for SUBMIT and CANCEL; MR_OK: none */
    atomic_int impostor;  /* another key */
    atomic_int says_node; /* number told by NODE, 0: its own */
    /* counted */
    atomic_uint hellos, submits, cancels, looks;
    atomic_ullong seen; /* size of the head shown by the last AUTH */
};

struct fakes {
    struct fake_ledger ledger; /* under the lock once a node runs */
    pthread_mutex_t lock;
    uint32_t count;                            /* of nodes that ever may be */
    struct fake *nodes[FAKE_NODES_MAX];        /* node 1 is nodes[0] */
    char join_link[MR_JOIN_LINK_TEXT_MAX + 1]; /* of node 1's association */
};

/** Found a ledger and start all nodes. */
void fakes_start(struct fakes *f, uint32_t n, uint32_t q);
void fakes_done(struct fakes *f);

/** One node by its number; on the port it had before. */
void fake_start(struct fakes *f, uint32_t node);
void fake_stop(struct fakes *f, uint32_t node);

/** Epoch 2 begins: n nodes, q of them settle; the new ones start. */
void fakes_grow(struct fakes *f, uint32_t n, uint32_t q);

/** The balance of the i-th account that was opened, from 0, and how many places its chain has. */
int64_t fakes_balance(struct fakes *f, uint32_t i);
uint64_t fakes_chain(struct fakes *f, uint32_t i);

#endif
