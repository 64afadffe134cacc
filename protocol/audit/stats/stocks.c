/* Stocks, reserve, conversion, velocity: one walk through the rows, with running sums. */
#include <string.h>

#include "audit/stats/stats.h"

enum { HOMES = MR_ASSOCIATIONS_MAX };

/* What happened in a period. */
struct flows {
    wide stock_days; /* sum of daily closing stocks */
    int64_t converted, redeemed, returned, swept, turnover, goods, shops;
    uint64_t conversions;
};

/* How things stand. */
struct stand {
    int64_t *balance;                                 /* by unit and account */
    int64_t mass[MR_UNITS_MAX];                       /* sum of balances above zero */
    int64_t class[MR_STATS_CLASSES];                  /* local unit */
    int64_t home[HOMES], owed[HOMES], reserve[HOMES]; /* by association */
    int64_t position[HOMES];                          /* paid by others, less paid to */
    int64_t circulating;                              /* local unit */
    uint32_t day;                                     /* whose rows are being read */
};

static bool counts_for_mass(const struct mr_stats *s, uint32_t account)
{
    const uint32_t class = s->t.accounts[account].class;
    return class != MR_CLASS_ISSUER && class != MR_CLASS_WORLD;
}

static int64_t above(int64_t v)
{
    return v > 0 ? v : 0;
}

static void move(const struct mr_stats *s, struct stand *n, uint32_t account, uint32_t unit,
                 int64_t delta)
{
    const struct mr_stats_account *const x = &s->t.accounts[account];
    int64_t *const b = &n->balance[(size_t)unit * s->t.accounts_count + account];
    if (counts_for_mass(s, account))
        n->mass[unit] += above(*b + delta) - above(*b);
    *b += delta;
    if (x->association < HOMES && unit == RESERVE && (s->is[account] & IS_RESERVE) != 0)
        n->reserve[x->association] += delta;
    if (unit != LOCAL)
        return;
    n->class[x->class] += delta;
    if ((s->is[account] & IS_CIRCULATING) != 0)
        n->circulating += delta;
    if (x->association >= HOMES)
        return;
    if ((s->is[account] & IS_MEMBER) != 0)
        n->home[x->association] += delta;
    if ((s->is[account] & IS_ISSUER) != 0)
        n->owed[x->association] -= delta;
}

static void take_position(const struct mr_stats *s, struct stand *n, size_t i)
{
    const uint32_t from = s->t.accounts[s->t.from[i]].association;
    const uint32_t to = s->t.accounts[s->t.to[i]].association;
    if (s->t.kind[i] != MR_STATS_PAY || s->t.unit[i] != LOCAL || from == to || from >= HOMES ||
        to >= HOMES || (s->is[s->t.from[i]] & s->is[s->t.to[i]] & IS_MEMBER) == 0)
        return;
    n->position[from] -= s->t.amount[i];
    n->position[to] += s->t.amount[i];
}

static void take_flow(const struct mr_stats *s, struct flows *f, size_t i)
{
    const int64_t amount = s->t.amount[i];
    const uint8_t from = s->is[s->t.from[i]], to = s->is[s->t.to[i]], kind = s->t.kind[i];
    if (s->t.unit[i] != LOCAL)
        return;
    if (mri_stats_is_issue(kind)) {
        f->converted += amount;
        f->conversions++;
    } else if (kind == MR_STATS_REDEEM) {
        f->redeemed += amount;
    } else if (kind == MR_STATS_RETURN) {
        f->returned += amount;
    } else if (kind == MR_STATS_SWEEP) {
        f->swept += amount;
    } else if (kind == MR_STATS_PAY && (from & to & IS_CIRCULATING) != 0) {
        f->turnover += amount;
        if ((to & IS_SHOP) != 0 && (from & (IS_SHOP | IS_PERSON)) != 0)
            f->goods += amount;
        if ((from & to & IS_SHOP) != 0)
            f->shops += amount;
    }
}

/* --- figures ---------------------------------------------------------------------------------- */

struct behind {
    uint32_t members;
    int64_t sum, largest;
};

static void count_in(struct behind *b, int64_t balance)
{
    if (balance <= 0)
        return;
    b->members++;
    b->largest = balance > b->largest ? balance : b->largest;
}

static void tell_masses(const struct mr_stats *s, const struct stand *n, struct mri_stats_list *l,
                        uint32_t period)
{
    struct behind class[MR_STATS_CLASSES] = {{0}}, home[HOMES] = {{0}}, unit[MR_UNITS_MAX] = {{0}};
    const uint32_t accounts = s->t.accounts_count;
    for (uint32_t u = 0; u < s->t.units_count; u++) {
        for (uint32_t i = 0; i < accounts; i++) {
            const int64_t b = n->balance[(size_t)u * accounts + i];
            const struct mr_stats_account *const x = &s->t.accounts[i];
            if (b <= 0)
                continue;
            if (counts_for_mass(s, i))
                count_in(&unit[u], b);
            if (u != LOCAL)
                continue;
            count_in(&class[x->class], b);
            if (x->association < HOMES && (s->is[i] & IS_MEMBER) != 0)
                count_in(&home[x->association], b);
        }
    }
    for (uint32_t u = 0; u < s->t.units_count; u++) {
        if (s->t.units[u].role == MR_UNIT_RESERVE)
            continue;
        mri_stats_cell(l, MR_STATS_MASS, period, u, 0, n->mass[u], 1);
        mri_stats_behind(l, unit[u].members, unit[u].largest);
    }
    for (uint32_t c = 0; c < MR_STATS_CLASSES; c++) {
        if (n->class[c] == 0 && class[c].members == 0)
            continue;
        mri_stats_cell(l, MR_STATS_MASS_CLASS, period, c, 0, n->class[c], 1);
        mri_stats_behind(l, class[c].members, class[c].largest);
    }
    if (s->classes)
        mri_stats_add(l, MR_STATS_MASS_SHOPS, period, n->class[MR_CLASS_SHOP], n -> mass[LOCAL]);
    else
        mri_stats_none(l, MR_STATS_MASS_SHOPS, period, MR_STATS_NO_CLASS);
    for (uint32_t a = 0; a < s->t.associations_count; a++) {
        mri_stats_cell(l, MR_STATS_MASS_HOME, period, a, 0, n->home[a], 1);
        mri_stats_behind(l, home[a].members, home[a].largest);
    }
}

static void tell_reserve(const struct mr_stats *s, const struct stand *n, struct mri_stats_list *l,
                         uint32_t period)
{
    wide reserve = 0, owed = 0;
    const bool has = s->t.units_count > RESERVE && s->t.units[RESERVE].role == MR_UNIT_RESERVE;
    for (uint32_t a = 0; has && a < s->t.associations_count; a++) {
        reserve += n->reserve[a];
        owed += n->owed[a];
        mri_stats_cell(l, MR_STATS_OUTSTANDING, period, a, 0, n->owed[a], 1);
        mri_stats_cell(l, MR_STATS_RESERVE, period, a, 0, n->reserve[a], 1);
        mri_stats_cell(l, MR_STATS_COVERAGE_HOME, period, a, 0, n->reserve[a], n->owed[a]);
    }
    mri_stats_add(l, MR_STATS_COVERAGE, period, reserve, owed);
    for (uint32_t a = 0; s->t.associations_count > 1 && a < s->t.associations_count; a++)
        mri_stats_cell(l, MR_STATS_POSITION, period, a, 0, n->position[a], 1);
}

static void tell_redemptions(const struct mr_stats *s, struct mri_stats_list *l, uint32_t period)
{
    const uint64_t begin = mri_stats_begin_ms(s, period), end = mri_stats_end_ms(s, period);
    uint64_t count = 0, oldest = end;
    wide sum = 0, waited = 0, paid = 0;
    for (size_t i = 0; i < s->t.redemptions_count; i++) {
        const struct mr_stats_redemption *const r = &s->t.redemptions[i];
        if (r->asked_ms < end && (r->done_ms == 0 || r->done_ms >= end)) {
            count++;
            sum += r->amount;
            oldest = r->asked_ms < oldest ? r->asked_ms : oldest;
        }
        if (r->done_ms >= begin && r->done_ms < end && r->done_ms != 0 && !r->returned) {
            /* Two clocks: by that of the treasury it may be paid before it was asked for. */
            if (r->done_ms > r->asked_ms)
                waited += (wide)r->amount * (wide)(r->done_ms - r->asked_ms);
            paid += r->amount;
        }
    }
    const wide known = s->t.redemptions != NULL ? 1 : 0;
    mri_stats_add(l, MR_STATS_OPEN_COUNT, period, (wide)count, known);
    mri_stats_add(l, MR_STATS_OPEN_SUM, period, sum, known);
    mri_stats_add(l, MR_STATS_OPEN_AGE, period, (wide)(end - oldest), count == 0 ? 0 : MR_DAY_MS);
    mri_stats_add(l, MR_STATS_PAYOUT_DAYS, period, waited, paid * (wide)MR_DAY_MS);
}

static void tell_flows(const struct mr_stats *s, const struct flows *f, struct mri_stats_list *l,
                       uint32_t period)
{
    const struct mr_stats_period *const p = &s->periods[period];
    const wide days = (wide)p->to_day - p->from_day + 1, stock = f->stock_days;
    const wide c = f->converted, r = (wide)f->redeemed - f->returned;
    mri_stats_add(l, MR_STATS_STOCK, period, mri_stats_round(stock, days), 1);
    mri_stats_add(l, MR_STATS_CONVERTED, period, c, 1);
    mri_stats_add(l, MR_STATS_CONVERSIONS, period, (wide)f->conversions, 1);
    mri_stats_add(l, MR_STATS_REDEEMED, period, r, 1);
    mri_stats_add(l, MR_STATS_NET_ISSUE, period, c - r, 1);
    mri_stats_add(l, MR_STATS_RHO, period, r, c);
    mri_stats_add(l, MR_STATS_C_OVER_M, period, c * days, stock);
    mri_stats_add(l, MR_STATS_R_OVER_M, period, r * days, stock);
    mri_stats_add(l, MR_STATS_PASSED_ON, period, f->turnover - r, f->turnover);
    mri_stats_add(l, MR_STATS_SWEPT, period, f->swept, 1);
    mri_stats_add(l, MR_STATS_MULTIPLIER, period, f->turnover, c);
    /* 365 / T x turnover / (stock / T): T goes out. */
    mri_stats_add(l, MR_STATS_V_ALL, period, (wide)f->turnover * YEAR_DAYS, stock);
    if (!s->classes) {
        mri_stats_none(l, MR_STATS_V_GOODS, period, MR_STATS_NO_CLASS);
        mri_stats_none(l, MR_STATS_V_SHOPS, period, MR_STATS_NO_CLASS);
        mri_stats_none(l, MR_STATS_B2B, period, MR_STATS_NO_CLASS);
        return;
    }
    mri_stats_add(l, MR_STATS_V_GOODS, period, (wide)f->goods * YEAR_DAYS, stock);
    mri_stats_add(l, MR_STATS_V_SHOPS, period, (wide)f->shops * YEAR_DAYS, stock);
    mri_stats_add(l, MR_STATS_B2B, period, f->shops, f->turnover);
}

static void tell_stand(const struct mr_stats *s, const struct stand *n, struct mri_stats_list *l,
                       uint32_t period)
{
    tell_masses(s, n, l, period);
    tell_reserve(s, n, l, period);
    tell_redemptions(s, l, period);
}

/* --- the walk --------------------------------------------------------------------------------- */

/* Days that close before this one closed with the stock as it is. */
static void close_days(struct stand *n, struct flows *f, uint32_t before)
{
    if (before > n->day) {
        f->stock_days += (wide)n->circulating * (before - n->day);
        n->day = before;
    }
}

static void take_rows(const struct mr_stats *s, struct stand *n, struct flows *f, size_t begin,
                      size_t end)
{
    for (size_t i = begin; i < end; i++) {
        close_days(n, f, (uint32_t)(s->t.time_ms[i] / MR_DAY_MS));
        move(s, n, s->t.from[i], s->t.unit[i], -s->t.amount[i]);
        move(s, n, s->t.to[i], s->t.unit[i], s->t.amount[i]);
        take_position(s, n, i);
        take_flow(s, f, i);
    }
}

static void add_flows(struct flows *a, const struct flows *b)
{
    a->stock_days += b->stock_days;
    a->converted += b->converted;
    a->redeemed += b->redeemed;
    a->returned += b->returned;
    a->swept += b->swept;
    a->turnover += b->turnover;
    a->goods += b->goods;
    a->shops += b->shops;
    a->conversions += b->conversions;
}

static void walk(struct mr_stats *s, struct stand *n, struct mri_stats_list *l)
{
    struct flows before = {0}, whole = {0};
    take_rows(s, n, &before, 0, s->first[0]);
    n->day = s->q.from_day;
    for (uint32_t p = 0; p < s->count; p++) {
        struct flows f = {0};
        take_rows(s, n, &f, s->first[p], s->first[p + 1]);
        close_days(n, &f, s->periods[p].to_day + 1);
        tell_stand(s, n, l, p);
        tell_flows(s, &f, l, p);
        add_flows(&whole, &f);
    }
    tell_stand(s, n, l, s->count);
    tell_flows(s, &whole, l, s->count);
}

enum mr_status mri_stats_stocks_job(struct mr_stats *s, struct mri_stats_list *l)
{
    if (!mri_stats_wants(s, MR_STATS_MASS, MR_STATS_C_OVER_M) && !s->wanted[MR_STATS_R_OVER_M] &&
        !mri_stats_wants(s, MR_STATS_PASSED_ON, MR_STATS_MULTIPLIER) &&
        !mri_stats_wants(s, MR_STATS_V_ALL, MR_STATS_V_SHOPS) &&
        !mri_stats_wants(s, MR_STATS_POSITION, MR_STATS_B2B))
        return MR_OK;
    struct stand *const n = mri_stats_room(&s->mem, 1, sizeof *n);
    if (n != NULL)
        n->balance =
            mri_stats_room(&s->mem, (size_t)s->t.accounts_count * MR_UNITS_MAX, sizeof *n->balance);
    const bool ready = n != NULL && n->balance != NULL;
    if (ready)
        walk(s, n, l);
    if (n != NULL)
        mri_stats_free(&s->mem, n->balance);
    mri_stats_free(&s->mem, n);
    return ready ? MR_OK : MR_NO_MEMORY;
}
