/** Paying the rows of a book, and comparing the books afterwards. */
#ifndef MEREAU_REPLAY_RUN_H
#define MEREAU_REPLAY_RUN_H

#include <stdio.h>

#include "audit/payments.h"
#include "bench/replay/ledger.h"
#include "bench/replay/pool.h"
#include "common/command.h"

struct run_config {
    const char *address; /* wallet port */
    const char *control; /* path of the control socket */
    unsigned connections;
    FILE *map; /* one line a settled row: line,id,time,kind,amount_minor,order,account,seq */
};

struct run_result {
    uint64_t orders;             /* settled */
    uint64_t opened_ms, paid_ms; /* time that opening and paying took */
    char trouble[256];           /* what went wrong, when the status says so */
};

/** Open an account for every member and pay every row, each after all earlier rows of its two
 *  accounts. Rows that cannot be paid get their reason. MR_OK; MR_NO_ANSWER; MR_CHECK_FAILED: the
 *  node's answer is not what the rules say; MR_IO_ERROR (map); MR_NO_MEMORY. */
enum mr_status run_book(struct run_result *ret, struct payments *b, const struct ledger *l,
                        const struct run_config *config, struct command *c);

/** Ask mereau-audit (`program`) about the node behind a control socket, print its sums beside those
 * of the file, and compare: sums of every kind, and of every account what it received, what it gave
 * and what it has. MR_OK; MR_CHECK_FAILED: they differ, or the audit has findings; MR_IO_ERROR. */
enum mr_status compare_books(struct out *out, struct command *c, const struct payments *b,
                             const struct ledger *l, const char *program, const char *control);

#endif
