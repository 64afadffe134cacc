/** Ledgers made up from a seed: every kind of movement, every class, ties in time, credit, accounts
 *  that close. */
#ifndef MEREAU_TESTS_STATS_MADE_H
#define MEREAU_TESTS_STATS_MADE_H

#include "mereau/stats.h"

enum { MADE_ROWS_MAX = 4096, MADE_ACCOUNTS = 34 };

struct made {
    struct mr_stats_table t;
    struct mr_stats_association associations[2];
    const char *labels[6];
    struct mr_stats_account accounts[MADE_ACCOUNTS];
    struct mr_stats_redemption redemptions[MADE_ROWS_MAX];
    size_t open[MADE_ROWS_MAX], open_count;
    uint64_t time_ms[MADE_ROWS_MAX];
    uint32_t from[MADE_ROWS_MAX], to[MADE_ROWS_MAX];
    int64_t amount[MADE_ROWS_MAX];
    uint8_t kind[MADE_ROWS_MAX], unit[MADE_ROWS_MAX];
    int64_t balance[MADE_ACCOUNTS];
    uint64_t seed;
};

/** About `rows` movements over about `days` days from 2024-01-20 on. */
void made_ledger(struct made *m, uint64_t seed, size_t rows, uint32_t days);

uint64_t made_random(struct made *m, uint64_t below);

#endif
