#include "stats/town.h"

#include <string.h>

#include "mereau/time.h"

enum {
    RESIDENTS = 90,
    SHOPS = 26,
    CLUBS = 8,
    WORLD = 0,
    ISSUER = 1,
    RESERVE = 3,
    REDEEMED = 5,
    OWN = 7,
    MEMBERS = 9,
    TOWN_HALL = TOWN_ACCOUNTS - 1
};

static uint32_t chance(struct town *t, uint32_t below)
{
    t->state = t->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(t->state >> 33) % below;
}

static void put(struct town *t, uint64_t now, uint32_t a, uint32_t b, int64_t x,
                enum mr_stats_kind k, uint8_t u)
{
    const size_t i = t->table.rows;
    if (x <= 0 || a == b || i == TOWN_ROWS)
        return;
    t->time_ms[i] = now;
    t->from[i] = a;
    t->to[i] = b;
    t->amount[i] = x;
    t->kind[i] = (uint8_t)k;
    t->unit[i] = u;
    t->balance[a] -= u == 0 ? x : 0;
    t->balance[b] += u == 0 ? x : 0;
    t->table.rows++;
}

static void make_accounts(struct town *t)
{
    static const uint32_t books[] = {MR_CLASS_WORLD,    MR_CLASS_ISSUER,  MR_CLASS_ISSUER,
                                     MR_CLASS_RESERVE,  MR_CLASS_RESERVE, MR_CLASS_REDEEMED,
                                     MR_CLASS_REDEEMED, MR_CLASS_OWN,     MR_CLASS_OWN};
    for (uint32_t i = 0; i < TOWN_ACCOUNTS; i++) {
        struct mr_stats_account *const x = &t->accounts[i];
        *x = (struct mr_stats_account){.class = i < MEMBERS ? books[i] : MR_CLASS_RESIDENT};
        if (i >= MEMBERS + RESIDENTS)
            x->class = i < MEMBERS + RESIDENTS + SHOPS ? MR_CLASS_SHOP : MR_CLASS_ASSOCIATION;
        if (i == TOWN_HALL)
            x->class = MR_CLASS_MUNICIPALITY;
        x->id[0] = (uint8_t)i;
        x->trade = x->class == MR_CLASS_SHOP && chance(t, 6) > 0 ? chance(t, 2) : MR_STATS_NONE;
        x->town = MR_STATS_NONE;
        x->association = i == WORLD ? MR_STATS_NONE : i < MEMBERS ? (i - 1) % 2 : chance(t, 4) == 0;
        x->opened_ms = i < MEMBERS ? 0 : (uint64_t)(TOWN_DAY_FIRST + chance(t, 60)) * MR_DAY_MS;
    }
}

static void issue(struct town *t, uint64_t now, uint32_t who, enum mr_stats_kind k)
{
    const uint32_t home = t->accounts[who].association;
    const int64_t x = 1000 * (1 + (int64_t)chance(t, 20));
    put(t, now, ISSUER + home, who, x, k, 0);
    put(t, now, WORLD, RESERVE + home, x, MR_STATS_RESERVE_IN, 1);
}

static void give_back(struct town *t, uint64_t now, uint32_t who, bool fees)
{
    const uint32_t home = t->accounts[who].association;
    const int64_t x = t->balance[who] / 2, fee = fees ? x / 20 : 0;
    if (x <= 0)
        return;
    struct mr_stats_redemption *const r = &t->redeemed[t->table.redemptions_count++];
    *r = (struct mr_stats_redemption){who, home, x, now, 0, false};
    put(t, now, who, REDEEMED + home, x, MR_STATS_REDEEM, 0);
    if (chance(t, 3) == 0)
        return; /* it waits */
    r->done_ms = now + 1;
    put(t, now + 1, REDEEMED + home, ISSUER + home, x - fee, MR_STATS_PAYOUT, 0);
    put(t, now + 1, REDEEMED + home, OWN + home, fee, MR_STATS_PAYOUT_FEE, 0);
    put(t, now + 1, RESERVE + home, WORLD, x - fee, MR_STATS_RESERVE_OUT, 1);
}

/* Residents convert often, or seldom; few shops give back. */
void town_make(struct town *t, uint64_t seed, uint32_t days, bool fees, bool busy)
{
    t->state = seed;
    memset(t->balance, 0, sizeof t->balance);
    t->table.rows = t->table.redemptions_count = 0;
    make_accounts(t);
    for (uint32_t day = 0; day < days; day++) {
        const uint64_t now = (uint64_t)(TOWN_DAY_FIRST + day) * MR_DAY_MS;
        if (busy || chance(t, 4) == 0)
            issue(t, now, MEMBERS + chance(t, RESIDENTS), MR_STATS_ISSUE);
        if (chance(t, 40) == 0)
            issue(t, now, MEMBERS + RESIDENTS + SHOPS + chance(t, CLUBS), MR_STATS_ASSIGNED);
        for (uint32_t n = 0; n < 9; n++) {
            const uint32_t a = MEMBERS + chance(t, n < 6 ? RESIDENTS : TOWN_ACCOUNTS - MEMBERS);
            const uint32_t b = MEMBERS + RESIDENTS +
                               chance(t, n < 8 ? SHOPS : TOWN_ACCOUNTS - MEMBERS - RESIDENTS);
            const int64_t x = 1 + (int64_t)chance(t, 900);
            put(t, now + 2 + n, a, b, x < t->balance[a] ? x : t->balance[a], MR_STATS_PAY, 0);
        }
        if (chance(t, 8) == 0)
            give_back(t, now + 20, MEMBERS + RESIDENTS + chance(t, SHOPS), fees);
    }
    static const struct mr_stats_association associations[] = {{{1}, "North"}, {{2}, "South"}};
    static const char *const labels[] = {"bread", "books"};
    t->table = (struct mr_stats_table){.units_count = 2,
                                       .associations = associations,
                                       .associations_count = 2,
                                       .labels = labels,
                                       .labels_count = 2,
                                       .accounts = t->accounts,
                                       .accounts_count = TOWN_ACCOUNTS,
                                       .redemptions = t->redeemed,
                                       .redemptions_count = t->table.redemptions_count,
                                       .rows = t->table.rows,
                                       .time_ms = t->time_ms,
                                       .from = t->from,
                                       .to = t->to,
                                       .amount = t->amount,
                                       .kind = t->kind,
                                       .unit = t->unit};
    t->table.units[0].decimals = t->table.units[1].decimals = 2;
    t->table.units[0].role = MR_UNIT_LOCAL;
    t->table.units[1].role = MR_UNIT_RESERVE;
}

/* Nobody pays what it does not have: the mass is the sum of balances. */
static bool can_pay(struct town *t, size_t i)
{
    const uint32_t from = t->from[i], to = t->to[i];
    const bool books = from == WORLD || t->accounts[from].class == MR_CLASS_ISSUER;
    if (t->unit[i] != 0)
        return true;
    if (!books && t->balance[from] < t->amount[i])
        return false;
    t->balance[from] -= t->amount[i];
    t->balance[to] += t->amount[i];
    return true;
}

void town_strip(struct town *t)
{
    size_t n = 0;
    memset(t->balance, 0, sizeof t->balance);
    for (size_t i = 0; i < t->table.rows; i++) {
        const uint64_t week = (t->time_ms[i] / MR_DAY_MS - TOWN_DAY_FIRST) / 7;
        if (t->kind[i] == MR_STATS_PAY && week % 3 == 1) {
            t->from[i] = MEMBERS + t->from[i] % 2;
            t->to[i] = MEMBERS + 2 + t->to[i] % 2;
        }
        if (!can_pay(t, i))
            continue;
        t->time_ms[n] = t->time_ms[i];
        t->from[n] = t->from[i];
        t->to[n] = t->to[i];
        t->amount[n] = t->amount[i];
        t->kind[n] = t->kind[i];
        t->unit[n++] = t->unit[i];
    }
    t->table.rows = n;
    for (uint32_t i = 0; i < TOWN_ACCOUNTS; i++) {
        t->accounts[i].class = i < MEMBERS ? t->accounts[i].class : MR_STATS_CLASS_UNKNOWN;
        t->accounts[i].association = t->accounts[i].trade = MR_STATS_NONE;
    }
    t->table.associations_count = t->table.labels_count = 0;
    t->table.redemptions_count = 0;
    t->table.redemptions = NULL;
}
