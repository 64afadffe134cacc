/** A ledger of a town of some size, made up from a seed: two associations, residents who convert,
 *  shops of which few give back, a town hall. */
#ifndef MEREAU_TESTS_STATS_TOWN_H
#define MEREAU_TESTS_STATS_TOWN_H

#include "mereau/stats.h"

enum { TOWN_ACCOUNTS = 134, TOWN_ROWS = 6000, TOWN_DAY_FIRST = 20089 }; /* 2025-01-01 */

struct town {
    struct mr_stats_table table;
    struct mr_stats_account accounts[TOWN_ACCOUNTS];
    struct mr_stats_redemption redeemed[TOWN_ROWS];
    uint64_t time_ms[TOWN_ROWS], state;
    uint32_t from[TOWN_ROWS], to[TOWN_ROWS];
    int64_t amount[TOWN_ROWS], balance[TOWN_ACCOUNTS];
    uint8_t kind[TOWN_ROWS], unit[TOWN_ROWS];
};

/** fees: redemptions cost something. busy: residents convert every day, else seldom. */
void town_make(struct town *t, uint64_t seed, uint32_t days, bool fees, bool busy);

/** As a payments file tells of it: no class, home or trade of a member is known, and no waiting
 *  redemption. In each third week four accounts alone pay each other. */
void town_strip(struct town *t);

#endif
