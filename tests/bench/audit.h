/** A made-up ledger of unsigned rows for the statistics: seeded, skewed as payments are. */
#ifndef MEREAU_BENCH_AUDIT_H
#define MEREAU_BENCH_AUDIT_H

#include "common/command.h"
#include "mereau/stats.h"

struct trade {
    struct mr_stats_table table;
    struct mr_stats_association association;
    const char *labels[8];
    struct mr_stats_account *accounts;
    uint64_t *time_ms;
    uint32_t *from, *to;
    int64_t *amount;
    uint8_t *kind, *unit;
    int64_t *balance; /* while it is made */
    uint64_t seed;
};

/** `rows` movements of `accounts` members over two years. False: no memory. */
bool trade_make(struct trade *t, size_t rows, uint32_t accounts, uint64_t seed);
void trade_done(struct trade *t);

void run_audit(struct command *c, struct out *out);

#endif
