/** The load generator: a real mereaud, wallets over TCP loopback, orders signed beforehand. */
#ifndef MEREAU_BENCH_H
#define MEREAU_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/command.h"
#include "common/term.h"
#include "lib/procs.h"
#include "mereau/record.h"
#include "mereau/sign.h"

enum { BENCH_PATH_MAX = 512, CONNS_MAX = 512, WINDOW_MAX = 64, LINES_OF_ISSUE = 256 };

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

/* --- the node and its members ----------------------------------------------------------------- */

struct member {
    uint8_t id[16], head[32];
    uint64_t next_seq;
    struct mr_seckey key;
    struct mr_pubkey public;
};

struct estate {
    char dir[BENCH_PATH_MAX];
    bool own_dir;              /* to be removed */
    struct mr_charter charter; /* several associations, so that many desks admit at once */
    uint8_t ledger[32];
    struct mr_seckey log_key, operators[2];
    struct member *members;
    uint32_t members_count;
    struct proc *node;
    uint16_t port;
};

/** Make the data directory (`dir` NULL: a new one below $TMPDIR or /tmp) and start mereaud. */
enum mr_status estate_open(struct estate *e, const char *dir, uint32_t members);
enum mr_status estate_restart(struct estate *e);
void estate_close(struct estate *e);

/** Orders that open all members and that issue to them, one chain an association. */
enum mr_status estate_opens(struct estate *e, struct deck *ret);
enum mr_status estate_issues(struct estate *e, struct deck *ret);
/** `rounds` payments of each member to the next one, signed by some threads. */
enum mr_status estate_payments(struct estate *e, struct deck *ret, uint32_t rounds,
                               unsigned threads);

/** What the node says of itself after everything so far was flushed. */
struct figures {
    uint64_t turn, settled, log_bytes, body_bytes, store_bytes, written_bytes, rss_bytes,
        rss_anon_bytes, cpu_ms;
    bool written_known; /* /proc/PID/io may be closed to us */
};
enum mr_status estate_figures(struct estate *e, struct figures *ret);

/* --- load ------------------------------------------------------------------------------------- */

struct load {
    unsigned conns, window; /* requests under way on one connection */
    uint64_t rate;          /* requests a second; 0: as fast as answers come */
    uint64_t requests;      /* stop after that many */
    uint64_t seconds;       /* or after that time; 0: no such limit */
};

struct outcome {
    uint64_t settled, repeated, failed;
    uint64_t ns;             /* from the first request to the last answer */
    enum mr_status status;   /* first that was not SETTLED nor worth a repeat */
    uint64_t p50_us, p99_us; /* of settled requests */
    uint32_t receipts;       /* last ones of the connections that verified */
};

/** Send what the deck has left over fresh connections and sessions, one thread. MR_OK;
 * MR_UNREACHABLE and other trouble of connections; MR_NO_MEMORY. */
enum mr_status load_run(struct outcome *ret, const struct estate *e, struct deck *d,
                        const struct load *l, struct progress *p);

/* --- limits ----------------------------------------------------------------------------------- */

/** Verifications a second of the deck's own signatures on so many threads. 0: one did not verify.
 */
double limit_verify(const struct estate *e, const struct deck *d, unsigned threads);

/** Appends of so many bytes a second, each written and synced before the next; median µs of one. */
double limit_append(const char *dir, size_t bytes, uint64_t *ret_median_us);

#endif
