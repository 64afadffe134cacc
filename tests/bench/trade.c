#include <stdlib.h>

#include "bench/audit.h"
#include "mereau/time.h"

enum { ISSUER, WORLD, RESERVE, REDEEMED, OWN, MEMBERS, DAYS = 730, DAY_FIRST = 19723 };

static uint64_t next(struct trade *t)
{
    t->seed ^= t->seed << 13;
    t->seed ^= t->seed >> 7;
    t->seed ^= t->seed << 17;
    return t->seed * UINT64_C(0x2545F4914F6CDD1D) >> 11;
}

static uint64_t below(struct trade *t, uint64_t bound)
{
    return next(t) % bound;
}

/* The first ones far more often: about as in Zipf's law. */
static uint32_t skewed(struct trade *t, uint32_t count)
{
    const uint64_t u = below(t, 1 << 16), v = below(t, 1 << 16);
    return (uint32_t)((u * v * count) >> 32);
}

static void make_accounts(struct trade *t, uint32_t members)
{
    static const uint32_t derived[MEMBERS] = {MR_CLASS_ISSUER, MR_CLASS_WORLD, MR_CLASS_RESERVE,
                                              MR_CLASS_REDEEMED, MR_CLASS_OWN};
    for (uint32_t i = 0; i < members + MEMBERS; i++) {
        struct mr_stats_account *const x = &t->accounts[i];
        const uint32_t n = i - MEMBERS;
        x->id[0] = (uint8_t)(i >> 16);
        x->id[1] = (uint8_t)(i >> 8);
        x->id[2] = (uint8_t)i;
        x->class = i < MEMBERS ? derived[i] : n % 8 == 7 ? MR_CLASS_SHOP : MR_CLASS_RESIDENT;
        x->association = i == WORLD ? MR_STATS_NONE : 0;
        x->trade = x->class == MR_CLASS_SHOP ? (uint32_t)below(t, 4) : MR_STATS_NONE;
        x->town = x->class == MR_CLASS_SHOP ? 4 + (uint32_t)below(t, 4) : MR_STATS_NONE;
        x->opened_ms = i < MEMBERS ? 0 : (uint64_t)DAY_FIRST * MR_DAY_MS;
    }
}

/* A shop or a resident of so many members, chosen by skew. */
static uint32_t shop(struct trade *t, uint32_t members)
{
    return MEMBERS + skewed(t, members / 8) * 8 + 7;
}

static uint32_t resident(struct trade *t, uint32_t members)
{
    const uint32_t n = skewed(t, members - members / 8);
    return MEMBERS + n / 7 * 8 + n % 7;
}

static void put(struct trade *t, uint64_t now, uint32_t from, uint32_t to, int64_t amount,
                enum mr_stats_kind kind)
{
    const size_t i = t->table.rows++;
    t->time_ms[i] = now;
    t->from[i] = from;
    t->to[i] = to;
    t->amount[i] = amount;
    t->kind[i] = (uint8_t)kind;
    t->unit[i] = 0;
    t->balance[from] -= amount;
    t->balance[to] += amount;
}

static void make_row(struct trade *t, uint64_t now, uint32_t members)
{
    const uint64_t what = below(t, 100);
    const uint32_t from = what < 72 ? resident(t, members) : shop(t, members);
    uint32_t to = what < 62 || (what >= 72 && what < 92) ? shop(t, members) : resident(t, members);
    const int64_t amount = 100 + (int64_t)((below(t, 1 << 12) * below(t, 1 << 12)) >> 11);
    if (to == from)
        to = MEMBERS + (to == MEMBERS ? 7 : 0);
    if (what >= 98 && t->balance[from] > 20000)
        put(t, now, from, REDEEMED, t->balance[from] / 2, MR_STATS_REDEEM);
    else if (t->balance[from] < amount)
        put(t, now, ISSUER, from, 5000 + amount, MR_STATS_ISSUE);
    else
        put(t, now, from, to, amount, MR_STATS_PAY);
}

static void fill_table(struct trade *t, uint32_t members)
{
    static const char *const labels[8] = {"books", "bread", "farm", "repair",
                                          "Lac",   "Mont",  "Port", "Val"};
    for (int i = 0; i < 8; i++)
        t->labels[i] = labels[i];
    t->association.name = "Bench";
    t->table = (struct mr_stats_table){.units_count = 2,
                                       .associations = &t->association,
                                       .associations_count = 1,
                                       .labels = t->labels,
                                       .labels_count = 8,
                                       .accounts = t->accounts,
                                       .accounts_count = members + MEMBERS,
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

bool trade_make(struct trade *t, size_t rows, uint32_t accounts, uint64_t seed)
{
    *t = (struct trade){.seed = seed * 2 + 1};
    t->accounts = calloc((size_t)accounts + MEMBERS, sizeof *t->accounts);
    t->balance = calloc((size_t)accounts + MEMBERS, sizeof *t->balance);
    t->time_ms = malloc(rows * sizeof *t->time_ms);
    t->from = malloc(rows * sizeof *t->from);
    t->to = malloc(rows * sizeof *t->to);
    t->amount = malloc(rows * sizeof *t->amount);
    t->kind = malloc(rows);
    t->unit = malloc(rows);
    if (t->accounts == NULL || t->balance == NULL || t->time_ms == NULL || t->from == NULL ||
        t->to == NULL || t->amount == NULL || t->kind == NULL || t->unit == NULL)
        return false;
    fill_table(t, accounts);
    make_accounts(t, accounts);
    const uint64_t span = DAYS * MR_DAY_MS;
    for (size_t i = 0; i < rows; i++)
        make_row(t, DAY_FIRST * MR_DAY_MS + span / rows * i + below(t, span / rows), accounts);
    return true;
}

void trade_done(struct trade *t)
{
    void *const all[] = {t->accounts, t->balance, t->time_ms, t->from,
                         t->to,       t->amount,  t->kind,    t->unit};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}
