/** The running node: what its parts share. All of it belongs to the loop's thread unless a field
 *  says otherwise.
 *
 *  Threads: the loop (sockets, sessions, engine); verifiers (signatures, no files); the journal
 *  (append and sync); the background (store commits, register, streams); nanomsg's and the HTTP
 *  server's own. */
#ifndef MEREAU_DAEMON_NODE_H
#define MEREAU_DAEMON_NODE_H

#include <pthread.h>
#include <uv.h>

#include "common/epochs.h"
#include "common/secret.h"
#include "daemon/settings.h"
#include "mereau/engine.h"
#include "mereau/session.h"
#include "storage/lock.h"
#include "storage/register_store.h"
#include "transport/peer_nn.h"
#include "transport/server_uv.h"

struct node;
struct job;
struct peers;

/* --- work for other threads ------------------------------------------------------------------- */

/** Whose work it is: wallets cannot crowd out peers, nor peers wallets. */
enum lane { LANE_WALLET, LANE_PEER, LANES };

/** One piece of work. It runs on another thread and comes back to the loop; or it waits for the
 *  engine (node_ready). */
struct task {
    struct task *next;
    enum lane lane;
    void (*run)(struct task *t);                  /* on the other thread */
    void (*done)(struct node *n, struct task *t); /* on the loop; owns t */
    /* Step the engine; owns t when it returns true. False: the engine is not ready for it. */
    bool (*step)(struct node *n, struct task *t, struct mr_effects *fx);
};

/** In order of arrival. */
struct queue {
    struct task *first, **last;
};
void queue_init(struct queue *q);
void queue_push(struct queue *q, struct task *t);
struct task *queue_pop(struct queue *q); /* NULL: empty */
void queue_push_front(struct queue *q, struct task *t);

/** Tasks for one or more threads, of each lane in order of arrival; what is done wakes the loop. */
struct workers;
enum mr_status workers_start(struct workers **ret, struct node *n, unsigned threads);
void workers_give(struct workers *w, struct task *t);
/** Tasks given and not yet taken back by the loop. */
size_t workers_load(const struct workers *w);
/** Ends the threads once their queue is empty, and the wake-up handle. */
void workers_stop(struct workers *w);

/* --- sessions --------------------------------------------------------------------------------- */

struct session {
    struct session *hash_next, *older, *newer;
    struct mr_session keys;
    struct mr_principal who;
    uint64_t used_ms;
    size_t jobs; /* requests under way, on the peer port */
};

struct sessions {
    struct session **buckets, *oldest, *newest;
    size_t buckets_count, count, max;
};

enum mr_status sessions_init(struct sessions *s, size_t max);
void sessions_done(struct sessions *s);
/** Makes room by ending the longest unused one. Takes `keys` over. NULL: out of memory. */
struct session *sessions_add(struct sessions *s, const struct mr_session *keys, uint64_t now_ms);
/** NULL: not known, or idle for too long. Counts as use. */
struct session *sessions_find(struct sessions *s, const uint8_t id[MR_SALT_BYTES], uint64_t now_ms);
void sessions_end(struct sessions *s, struct session *one);

/* --- the node --------------------------------------------------------------------------------- */

/** Where a request came in: the port, and its token there. */
enum port { PORT_WALLET, PORT_LOCAL, PORT_PEER };
enum { PORTS = PORT_PEER + 1 };

enum { PEER_SESSIONS_EACH = 4 };

/** What did not get onto the disk is tried again after that. */
enum { STORE_RETRY_MS = 1000 };

/** The sessions in which a peer proved itself here: the newest few, a new one ends the oldest. */
struct peer_sessions {
    uint8_t ids[PEER_SESSIONS_EACH][MR_SALT_BYTES];
    unsigned next;
};

struct counters {
    uint64_t requests, refused, orders_settled, orders_refused, orders_parked, turns, syncs_ns,
        flushes, flush_ms, bad_sessions;
};

struct stream_wait {
    struct stream_wait *next;
    struct job *job;
    uint64_t until_ms;
};

struct node {
    struct settings settings;
    const char *dir;
    struct mr_charter charter; /* as founded: the ledger's name */
    struct mr_charter present; /* with the nodes and associations of the present epoch */
    struct epochs epochs;      /* what led to it */
    uint8_t ledger[32];
    struct mr_seckey log_key, next_key, transport_key;
    struct mr_pubkey transport_public;
    struct mr_pubkey auditors[16];
    uint32_t auditors_count;
    struct dir_lock *lock;
    struct mr_store *store;
    struct mr_store *state; /* a snapshot that a joining node reads; of the background's thread */
    uint8_t state_root[32]; /* its root */
    struct mr_journal *journal;
    struct register_store *members;
    struct mr_engine *engine;
    struct mr_signed_regroup *regroup; /* governance's, beside the charter; NULL: none */

    uv_loop_t loop;
    uv_timer_t tick;
    uv_check_t check;
    uv_idle_t idle; /* runs the pump again when more is ready */
    uv_signal_t signals[2];
    struct server *wallet, *local;
    struct peer_port *peer;
    struct http *http;

    struct workers *verifiers, *journaler, *background;
    struct sessions sessions, peer_sessions;       /* the second: of the peer port */
    struct peer_sessions proved[MR_NODES_MAX + 1]; /* by node number */
    struct peers *peers;
    struct queue ready[LANES]; /* what waits for the engine */
    enum lane next_lane;
    uint16_t wallet_port;
    bool has_next_key; /* node.next.key: for an epoch in which this node's log key changes */
    bool regroup_told; /* that the state here is another one than `regroup` names */
    struct stream_wait *streams;
    struct job *flush_waits;                      /* CONTROL FLUSH */
    size_t jobs, port_jobs[PORTS], unproved_jobs; /* the last: on the peer port */

    bool syncing;    /* a turn is with the journal */
    bool full;       /* the journal said there is no room */
    bool freeze_due; /* the puts below wait for their turn to be synced */
    struct mr_put *puts;
    size_t puts_count;
    uint64_t store_full_ms; /* the last commit met a full disk then; 0: it did not */
    uint64_t epoch_ms;      /* when the epoch below began; 0: before this run */
    uint64_t unkept_ms;     /* when the copy below was tried last */
    uint32_t epoch_met;     /* the last one that epochs_began_ms saw */
    enum mr_status unkept; /* why the last state of an epoch could not be copied; MR_OK: it could */
    unsigned unkept_count; /* how often in a row in vain, since the disk had no room */
    bool flushing, flush_wanted, checkpoint_wanted;
    uint64_t flushed_ms, flushed_turn, flushed_settled;
    uint64_t checkpoint_ms, checkpoint_settled; /* when the last one was, and slots settled then */
    uint64_t checkpoint_number, checkpoint_due_ms; /* with several nodes; due_ms 0: none is due */
    bool checkpoint_late, checkpoint_asked;        /* asked: over local control */
    uint64_t requests_waiting;                     /* join requests in the register */
    bool stopping, closed;
    bool clock_back; /* told of it */
    int exit_code;
    uint64_t stop_ms, started_ms;
    struct counters counters;
    struct mr_request request; /* scratch: large */
    struct mr_reply reply;     /* scratch: large */
    uint8_t bytes[MR_FRAME_MAX + 1024], sealed[MR_FRAME_MAX + 1024];
};

/* Unix milliseconds as the machine's clock has them; and the node's time, which never goes back
 * (steady.h), with how far the clock is behind it. */
uint64_t wall_ms(void);
uint64_t now_ms(void);
uint64_t time_behind_ms(void);

/* start.c: everything up to the first turn. Errors are logged; the exit code is returned. */
int node_open(struct node *n, const struct secret *passphrase);
/* Wipes keys, closes and seals the store, unless the node failed. */
void node_close(struct node *n);

/* loop.c */
int node_run(struct node *n);
void node_stop(struct node *n);
/* The host failed (I/O, damage): say so and leave at once with exit 4; nothing is released. */
_Noreturn void node_fail(struct node *n, const char *what, enum mr_status st);
/* Queue for the engine and see that the pump runs. */
void node_ready(struct node *n, struct task *t);
void node_pump_soon(struct node *n);

/* epochs.c: after a commit: who the nodes are now, beside the charter; on every tick: whether the
 * state must be summed up, since an epoch ends. When the present epoch began; 0: before this run.
 */
void epochs_follow(struct node *n);
void epochs_look(struct node *n);
uint64_t epochs_began_ms(struct node *n);
/* Whether the settings want a checkpoint, when so many orders have settled in all. */
bool checkpoints_wanted(const struct node *n, uint64_t settled);
/* Several nodes: whether a checkpoint is due, or late. */
void checkpoints_look(struct node *n);

/* state.c: once no thread reads it */
void state_close(struct node *n);

/* requests.c */
void requests_take(struct node *n, enum port port, struct conn *conn, uint64_t token,
                   const uint8_t *body, size_t len);
/* A reply that the engine released: job tokens are pointers into a table. */
void requests_reply(void *node, uint64_t token, const uint8_t *bytes, size_t len);
void requests_tick(struct node *n);
void requests_synced(struct node *n);
void requests_flushed(struct node *n);

/* http.c */
/** `dir` (lent while it runs; empty: none): its plain files are served below /public/. */
enum mr_status http_start(struct http **ret, const char *address, const char *dir);
void http_publish(struct http *h, struct node *n);
void http_stop(struct http *h);

#endif
