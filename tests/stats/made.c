#include "stats/made.h"

#include <string.h>

#include "mereau/time.h"

/* Accounts: two of each derived class but world, then members. */
enum { WORLD, ISSUER, RESERVE = 3, REDEEMED = 5, OWN = 7, MEMBERS = 9, DAY_FIRST = 19742 };

uint64_t made_random(struct made *m, uint64_t below)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed % below;
}

static void make_accounts(struct made *m)
{
    static const uint32_t classes[MADE_ACCOUNTS - MEMBERS] = {
        MR_CLASS_RESIDENT,    MR_CLASS_RESIDENT,    MR_CLASS_RESIDENT,     MR_CLASS_RESIDENT,
        MR_CLASS_RESIDENT,    MR_CLASS_RESIDENT,    MR_CLASS_RESIDENT,     MR_CLASS_RESIDENT,
        MR_CLASS_SHOP,        MR_CLASS_SHOP,        MR_CLASS_SHOP,         MR_CLASS_SHOP,
        MR_CLASS_SHOP,        MR_CLASS_SHOP,        MR_CLASS_SHOP,         MR_CLASS_SHOP,
        MR_CLASS_ASSOCIATION, MR_CLASS_ASSOCIATION, MR_CLASS_MUNICIPALITY, MR_CLASS_MUNICIPALITY,
        MR_CLASS_OFFICE,      MR_CLASS_FUND,        MR_CLASS_SHOP,         MR_CLASS_RESIDENT,
        MR_CLASS_SHOP};
    static const uint32_t derived[] = {MR_CLASS_WORLD,    MR_CLASS_ISSUER,  MR_CLASS_ISSUER,
                                       MR_CLASS_RESERVE,  MR_CLASS_RESERVE, MR_CLASS_REDEEMED,
                                       MR_CLASS_REDEEMED, MR_CLASS_OWN,     MR_CLASS_OWN};
    for (uint32_t i = 0; i < MADE_ACCOUNTS; i++) {
        struct mr_stats_account *const x = &m->accounts[i];
        x->id[0] = (uint8_t)i;
        x->class = i < MEMBERS ? derived[i] : classes[i - MEMBERS];
        x->association = i == WORLD    ? MR_STATS_NONE
                         : i < MEMBERS ? (i - 1) % 2
                                       : (uint32_t)made_random(m, 2);
        x->trade = x->town = MR_STATS_NONE;
        if (x->class == MR_CLASS_SHOP && made_random(m, 5) > 0) {
            x->trade = (uint32_t)made_random(m, 3);
            x->town = 3 + (uint32_t)made_random(m, 3);
        } else if (i >= MEMBERS && made_random(m, 3) == 0) {
            x->town = 3 + (uint32_t)made_random(m, 3);
        }
        if (i >= MEMBERS)
            x->opened_ms = (DAY_FIRST - 5 + made_random(m, 60)) * MR_DAY_MS + made_random(m, 1000);
    }
}

static void put(struct made *m, uint64_t now, uint32_t from, uint32_t to, int64_t amount,
                enum mr_stats_kind kind, uint32_t unit)
{
    const size_t i = m->t.rows;
    if (i == MADE_ROWS_MAX || from == to || amount <= 0)
        return;
    m->time_ms[i] = now;
    m->from[i] = from;
    m->to[i] = to;
    m->amount[i] = amount;
    m->kind[i] = (uint8_t)kind;
    m->unit[i] = (uint8_t)unit;
    if (unit == 0) {
        m->balance[from] -= amount;
        m->balance[to] += amount;
    }
    m->t.rows++;
}

static uint32_t member(struct made *m)
{
    /* some are chosen far more often than others */
    const uint64_t n = MADE_ACCOUNTS - MEMBERS;
    const uint64_t a = made_random(m, n), b = made_random(m, n);
    return MEMBERS + (uint32_t)(a < b ? a : b);
}

static void issue(struct made *m, uint64_t now, enum mr_stats_kind kind)
{
    const uint32_t to = member(m), home = m->accounts[to].association;
    const int64_t amount = 1000 * (1 + (int64_t)made_random(m, 40));
    put(m, now, ISSUER + home, to, amount, kind, 0);
    put(m, now, WORLD, RESERVE + home, amount, MR_STATS_RESERVE_IN, 1);
}

static void pay(struct made *m, uint64_t now)
{
    const uint32_t from = member(m), to = member(m);
    int64_t amount = 1 + (int64_t)made_random(m, made_random(m, 4) == 0 ? 9000 : 1500);
    if (m->balance[from] < amount && made_random(m, 8) > 0)
        amount = m->balance[from];
    if (from == to || amount <= 0)
        return;
    put(m, now, from, to, amount, MR_STATS_PAY, 0);
    if (made_random(m, 10) == 0)
        put(m, now, from, OWN + m->accounts[from].association, amount / 50, MR_STATS_FEE, 0);
}

static void redeem(struct made *m, uint64_t now)
{
    const uint32_t from = member(m), home = (uint32_t)made_random(m, 2);
    const int64_t amount = m->balance[from] / 2;
    if (amount <= 0)
        return;
    struct mr_stats_redemption *const r = &m->redemptions[m->t.redemptions_count];
    *r = (struct mr_stats_redemption){from, home, amount, now, 0, false};
    put(m, now, from, REDEEMED + home, amount, MR_STATS_REDEEM, 0);
    m->open[m->open_count++] = m->t.redemptions_count++;
}

static void settle(struct made *m, uint64_t now)
{
    if (m->open_count == 0)
        return;
    const size_t k = (size_t)made_random(m, m->open_count);
    struct mr_stats_redemption *const r = &m->redemptions[m->open[k]];
    const int64_t fee = r->amount / 20;
    m->open[k] = m->open[--m->open_count];
    r->done_ms = now;
    r->returned = made_random(m, 6) == 0;
    if (r->returned) {
        put(m, now, REDEEMED + r->association, r->member, r->amount, MR_STATS_RETURN, 0);
        return;
    }
    put(m, now, REDEEMED + r->association, ISSUER + r->association, r->amount - fee,
        MR_STATS_PAYOUT, 0);
    put(m, now, REDEEMED + r->association, OWN + r->association, fee, MR_STATS_PAYOUT_FEE, 0);
    put(m, now, RESERVE + r->association, WORLD, r->amount - fee, MR_STATS_RESERVE_OUT, 1);
}

static void rare(struct made *m, uint64_t now)
{
    const uint32_t x = member(m), home = (uint32_t)made_random(m, 2);
    switch (made_random(m, 5)) {
    case 0:
        put(m, now, OWN + home, x, m->balance[OWN + home] / 2, MR_STATS_PAY, 0);
        return;
    case 1:
        put(m, now, ISSUER + home, ISSUER + 1 - home, 500, MR_STATS_CLEAR, 0);
        put(m, now, RESERVE + home, RESERVE + 1 - home, 500, MR_STATS_RESERVE_CLEAR, 1);
        return;
    case 2:
        put(m, now, x, member(m), 1 + (int64_t)made_random(m, 50), MR_STATS_PAY, 2);
        return;
    case 3:
        issue(m, now, MR_STATS_ASSIGNED);
        return;
    default:
        if (m->accounts[x].closed_ms != 0 || made_random(m, 3) > 0)
            return;
        m->accounts[x].closed_ms = now;
        put(m, now, x, OWN + m->accounts[x].association, m->balance[x], MR_STATS_SWEEP, 0);
    }
}

static void fill_table(struct made *m)
{
    static const char *const labels[] = {"baker", "books", "farm", "Lac", "Val", "Ville"};
    struct mr_stats_table *const t = &m->t;
    memcpy(m->labels, labels, sizeof labels);
    m->associations[0] = (struct mr_stats_association){{1}, "North"};
    m->associations[1] = (struct mr_stats_association){{2}, "South"};
    t->units_count = 3;
    for (uint32_t u = 0; u < 3; u++) {
        t->units[u].decimals = 2;
        t->units[u].role = u == 0 ? MR_UNIT_LOCAL : u == 1 ? MR_UNIT_RESERVE : MR_UNIT_OTHER;
    }
    t->associations = m->associations;
    t->associations_count = 2;
    t->labels = m->labels;
    t->labels_count = 6;
    t->accounts = m->accounts;
    t->accounts_count = MADE_ACCOUNTS;
    t->redemptions = m->redemptions;
    t->time_ms = m->time_ms;
    t->from = m->from;
    t->to = m->to;
    t->amount = m->amount;
    t->kind = m->kind;
    t->unit = m->unit;
}

void made_ledger(struct made *m, uint64_t seed, size_t rows, uint32_t days)
{
    memset(m, 0, sizeof *m);
    m->seed = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    fill_table(m);
    make_accounts(m);
    uint64_t now = DAY_FIRST * MR_DAY_MS + made_random(m, MR_DAY_MS);
    const uint64_t step = 2 * days * MR_DAY_MS / rows;
    while (m->t.rows < rows) {
        now += made_random(m, 6) == 0 ? 0 : made_random(m, step);
        const uint64_t what = made_random(m, 100);
        if (what < 15 || m->t.rows < 20)
            issue(m, now, MR_STATS_ISSUE);
        else if (what < 84)
            pay(m, now);
        else if (what < 90)
            redeem(m, now);
        else if (what < 95)
            settle(m, now);
        else
            rare(m, now);
    }
}
