/** The load generator: real mereauds, wallets over TCP loopback, orders signed beforehand. */
#ifndef MEREAU_BENCH_H
#define MEREAU_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/command.h"
#include "common/term.h"
#include "lib/procs.h"
#include "lib/proxy.h"
#include "mereau/record.h"
#include "mereau/sign.h"

enum {
    BENCH_PATH_MAX = 512,
    CONNS_MAX = 512,
    WINDOW_MAX = 64,
    LINES_OF_ISSUE = 256,
    BENCH_NODES_MAX = 4,
};

uint64_t bench_ns(void);

/* --- signed requests -------------------------------------------------------------------------- */

/** A run of consecutive requests of one account: each one is sent when the one before is settled.
 */
struct chain {
    size_t first, step; /* cells first, first + step, ... */
    uint32_t count, next;
};

/** Encoded requests in cells of one size: 4 bytes length (of the machine), then XDR of record
 *  request. */
struct deck {
    uint8_t *cells;
    size_t cell_bytes, cells_count;
    struct chain *chains;
    uint32_t chains_count;
};

void deck_done(struct deck *d);

/* --- nodes and members ------------------------------------------------------------------------ */

struct member {
    uint8_t id[16], head[32];
    uint64_t next_seq;
    struct mr_seckey key;
    struct mr_pubkey public;
};

struct bench_node {
    char dir[BENCH_PATH_MAX];
    struct mr_seckey log_key;
    uint16_t port;       /* of wallets */
    uint16_t at, behind; /* where the others find it; where it listens when a proxy is there */
    struct proc *proc;   /* NULL: it does not run */
    struct proxy *proxy; /* in front of the port for nodes, or NULL */
};

struct estate {
    char dir[BENCH_PATH_MAX];     /* with one node its data directory, else of all of them */
    bool own_dir;                 /* to be removed */
    struct mr_charter charter;    /* several associations, so that many desks admit at once */
    uint8_t ledger[32], seed[32]; /* of all keys and ids */
    uint64_t draws;               /* so many were drawn from the seed */
    struct mr_seckey operators[2];
    struct member *members;
    uint32_t members_count;
    struct bench_node nodes[BENCH_NODES_MAX];
    uint32_t nodes_count;
};

/** Make the data directories (`dir` NULL: a new one below $TMPDIR or /tmp) and start the nodes, 1
 *  or 4 of which 3 settle. */
enum mr_status estate_open(struct estate *e, const char *dir, uint32_t members, uint32_t nodes);
/** One node's directory, and no process: its keys stay with it (a seed in the clear), so that it
 *  can be taken up again, with the chains of all members at their beginning. MR_FILE_EXISTS;
 *  MR_NO_SUCH_FILE, MR_DAMAGED: estate_found did not make it. */
enum mr_status estate_found(struct estate *e, const char *dir, uint32_t members);
enum mr_status estate_take_up(struct estate *e, const char *dir);
/** Start a node that does not run; end one by signal. */
enum mr_status estate_start(struct estate *e, uint32_t node);
enum mr_status estate_stop(struct estate *e, uint32_t node);
void estate_close(struct estate *e);

/** Restart all with a proxy in front of each port for nodes that delays each direction. */
enum mr_status estate_delay(struct estate *e, uint32_t us);

/** Wait until all nodes that run have settled as much, at least `least`. MR_NO_ANSWER: not within
 *  the deadline. */
enum mr_status estate_agree(struct estate *e, uint64_t least, int deadline_s);
/** Orders that a node has settled. */
enum mr_status estate_settled(struct estate *e, uint32_t node, uint64_t *ret);

/** Tell all nodes that a checkpoint is due. */
enum mr_status estate_checkpoint(struct estate *e);
/** Checkpoints that a node has. */
enum mr_status estate_checkpoints(struct estate *e, uint32_t node, uint64_t *ret);

/** Orders that open all members and that issue to them, one chain an association. */
enum mr_status estate_opens(struct estate *e, struct deck *ret);
enum mr_status estate_issues(struct estate *e, struct deck *ret);
/** `rounds` payments of each member to the next one, signed by some threads. */
enum mr_status estate_payments(struct estate *e, struct deck *ret, uint32_t rounds,
                               unsigned threads);

/** What a node says of itself after everything so far was flushed. */
struct figures {
    uint64_t turn, settled, log_bytes, body_bytes, store_bytes, written_bytes, rss_bytes,
        rss_anon_bytes, cpu_ms;
    bool written_known; /* /proc/PID/io may be closed to us */
};
enum mr_status estate_figures(struct estate *e, uint32_t node, struct figures *ret);

/** Value of a line "key: number" of a file in /proc/PID; false: there is none. */
bool proc_number(uint64_t *ret, pid_t pid, const char *file, const char *key);

/* --- load ------------------------------------------------------------------------------------- */

struct load {
    unsigned conns, window; /* requests under way on one connection */
    uint64_t rate;          /* requests a second; 0: as fast as answers come */
    uint64_t requests;      /* stop after that many */
    uint64_t seconds;       /* or after that time; 0: no such limit */
};

struct outcome {
    uint64_t settled, repeated, failed;
    uint64_t ns;                      /* from the first request to the last answer */
    enum mr_status status;            /* first that was not SETTLED nor worth a repeat */
    uint64_t p50_us, p99_us, most_us; /* of settled requests */
    uint32_t receipts;                /* last ones of the connections that verified */
};

/** Send what the deck has left over fresh connections and sessions, one thread, to all nodes that
 * run in turn. MR_OK;
 * MR_UNREACHABLE and other trouble of connections; MR_NO_MEMORY. */
enum mr_status load_run(struct outcome *ret, const struct estate *e, struct deck *d,
                        const struct load *l, struct progress *p);

/* --- limits ----------------------------------------------------------------------------------- */

/** Verifications a second of the deck's own signatures on so many threads. 0: one did not verify.
 */
double limit_verify(const struct estate *e, const struct deck *d, unsigned threads);
/** The same, within so many milliseconds. */
double limit_verify_for(const struct estate *e, const struct deck *d, unsigned threads,
                        uint64_t ms);

/** Appends of so many bytes a second, each written and synced before the next; median µs of one. */
double limit_append(const char *dir, size_t bytes, uint64_t *ret_median_us);

/* --- what the commands share ------------------------------------------------------------------ */

struct plan {
    int64_t accounts, clients, window, payments, seconds, threads, behind;
    const char *data;
};

unsigned bench_processors(void);
enum mr_status plan_read(struct plan *ret, const struct command *c, struct out *out);

double per_second(const struct outcome *o);
void put_real(struct out *out, const char *name, double value);
void tell_machine(struct out *out, const char *dir);

/** Open all members and issue to them. */
enum mr_status populate(struct out *out, struct command *c, struct estate *e);

/** One run of a deck and its line; anything but SETTLED for every request is a failure. */
enum mr_status phase(struct out *out, struct command *c, struct estate *e, struct deck *d,
                     const struct load *l, struct outcome *got, const char *name, const char *text);

/** The better one of two looks at the verification limit: a shared machine changes from one second
 *  to the next. `before` is what limit_verify said before the run. */
double limit_again(const struct estate *e, const struct deck *d, unsigned threads, double before);

/** Write a book into an estate's directory of which no node runs: members and their money when
 *  there is none yet, then so many payments, one of each member in turn. MR_OK, or reported. */
enum mr_status book_write(struct out *out, struct command *c, struct estate *e, uint64_t payments);

void run_write(struct command *c, struct out *out);
void run_federation(struct command *c, struct out *out);
void run_verify(struct command *c, struct out *out);

#endif
