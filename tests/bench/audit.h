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

/** Monthly volume, monthly active accounts, top receivers, reciprocal pairs, all balances, Gini:
 *  what an analytic database is asked. On `threads` threads. MR_OK, MR_NO_MEMORY. */
struct six {
    uint32_t months;
    uint64_t payments[64];
    int64_t volume[64];
    uint32_t active[64];
    uint32_t top[10];
    int64_t top_received[10];
    uint64_t reciprocal;
    int64_t *balances; /* malloc'd, by account */
    mr_stats_wide gini_num, gini_den;
};
enum mr_status six_run(struct six *ret, const struct mr_stats_table *t, unsigned threads);

void run_audit(struct command *c, struct out *out);

#endif
