/* Who stands behind each figure, and the equations between figures that a reader knows. */
#include "audit/published.h"

#include <stdlib.h>
#include <string.h>

#include "mereau/time.h"

/* Whose smallness makes a figure small that is no sum over accounts itself. */
enum base {
    OWN,       /* who stands behind it, if anybody */
    COUNT,     /* it counts persons */
    PAYMENTS,  /* the period's turnover */
    STOCK,     /* the mass at its end */
    CONVERTED, /* who converted in it */
    REDEEMED,  /* who redeemed in it */
    EITHER,    /* one of these two */
    OPENED,    /* who came in it */
    SHOPS,     /* open shops at its end */
    WAITING,   /* redemptions that are open */
};

/* What adds up over the periods, and what stands at their ends. */
enum over_time { NEITHER, SUM, LAST };

static const struct rule {
    uint8_t base, over_time;
} rules[MR_STATS_IDS] = {
    [MR_STATS_MASS] = {OWN, LAST},
    [MR_STATS_MASS_CLASS] = {OWN, LAST},
    [MR_STATS_MASS_HOME] = {OWN, LAST},
    [MR_STATS_STOCK] = {STOCK, NEITHER},
    [MR_STATS_OUTSTANDING] = {OWN, LAST},
    [MR_STATS_RESERVE] = {OWN, LAST},
    [MR_STATS_COVERAGE] = {OWN, LAST},
    [MR_STATS_COVERAGE_HOME] = {OWN, LAST},
    [MR_STATS_OPEN_COUNT] = {WAITING, LAST},
    [MR_STATS_OPEN_SUM] = {WAITING, LAST},
    [MR_STATS_OPEN_AGE] = {WAITING, LAST},
    [MR_STATS_PAYOUT_DAYS] = {REDEEMED, NEITHER},
    [MR_STATS_CONVERTED] = {CONVERTED, SUM},
    [MR_STATS_CONVERSIONS] = {CONVERTED, SUM},
    [MR_STATS_REDEEMED] = {REDEEMED, SUM},
    [MR_STATS_NET_ISSUE] = {EITHER, SUM},
    [MR_STATS_RHO] = {EITHER, NEITHER},
    [MR_STATS_C_OVER_M] = {CONVERTED, NEITHER},
    [MR_STATS_R_OVER_M] = {REDEEMED, NEITHER},
    [MR_STATS_CONVERTED_MEDIAN] = {CONVERTED, NEITHER},
    [MR_STATS_PASSED_ON] = {PAYMENTS, NEITHER},
    [MR_STATS_MULTIPLIER] = {PAYMENTS, NEITHER},
    [MR_STATS_TURNOVER] = {OWN, SUM},
    [MR_STATS_PAYMENTS] = {PAYMENTS, SUM},
    [MR_STATS_V_ALL] = {PAYMENTS, NEITHER},
    [MR_STATS_V_GOODS] = {PAYMENTS, NEITHER},
    [MR_STATS_V_SHOPS] = {PAYMENTS, NEITHER},
    [MR_STATS_HOLDING] = {PAYMENTS, NEITHER},
    [MR_STATS_V_TRANSFER] = {PAYMENTS, NEITHER},
    [MR_STATS_SURVIVAL] = {PAYMENTS, NEITHER},
    [MR_STATS_DORMANT] = {STOCK, LAST},
    [MR_STATS_LM3] = {PAYMENTS, NEITHER},
    [MR_STATS_LM3_PUBLIC] = {PAYMENTS, NEITHER},
    [MR_STATS_PUBLIC_SPENT] = {PAYMENTS, SUM},
    [MR_STATS_PUBLIC_KEPT] = {PAYMENTS, NEITHER},
    [MR_STATS_TOWN_KEPT] = {OWN, NEITHER},
    [MR_STATS_RECIRCULATION] = {SHOPS, NEITHER},
    [MR_STATS_RECIRCULATION_LOW] = {SHOPS, NEITHER},
    [MR_STATS_BLOCKED] = {COUNT, LAST},
    [MR_STATS_MEMBER_COUNT] = {COUNT, LAST},
    [MR_STATS_OPENED] = {COUNT, SUM},
    [MR_STATS_ACTIVE] = {COUNT, LAST},
    [MR_STATS_ACTIVE_IN] = {COUNT, NEITHER},
    [MR_STATS_FIRST_SHARE] = {OPENED, NEITHER},
    [MR_STATS_FIRST_DAYS] = {OPENED, NEITHER},
    [MR_STATS_LAST_DAYS] = {STOCK, LAST},
    [MR_STATS_PER_ACTIVE] = {PAYMENTS, NEITHER},
    [MR_STATS_BASKET] = {PAYMENTS, NEITHER},
    [MR_STATS_SHOPS_PER] = {PAYMENTS, NEITHER},
    [MR_STATS_SHOPS_RATIO] = {SHOPS, LAST},
    [MR_STATS_SUPPLIERS] = {SHOPS, SUM},
    [MR_STATS_FLOW_CLASS] = {OWN, SUM},
    [MR_STATS_FLOW_TRADE] = {OWN, SUM},
    [MR_STATS_FLOW_HOME] = {OWN, SUM},
    [MR_STATS_POSITION] = {PAYMENTS, LAST},
    [MR_STATS_B2B] = {SHOPS, NEITHER},
    [MR_STATS_PAIRS] = {PAYMENTS, NEITHER},
    [MR_STATS_RECIPROCITY] = {PAYMENTS, NEITHER},
    [MR_STATS_CIRCULARITY] = {PAYMENTS, LAST},
    [MR_STATS_CIRCULARITY_EDGES] = {PAYMENTS, LAST},
    [MR_STATS_CORE] = {COUNT, NEITHER},
    [MR_STATS_CORE_SHARE] = {PAYMENTS, NEITHER},
    [MR_STATS_GINI] = {STOCK, LAST},
    [MR_STATS_GINI_TURNOVER] = {PAYMENTS, NEITHER},
    [MR_STATS_HHI] = {PAYMENTS, NEITHER},
    [MR_STATS_TOP10] = {PAYMENTS, NEITHER},
    [MR_STATS_LAW_PAID] = {PAYMENTS, LAST},
    [MR_STATS_LAW_PAID_SHARE] = {PAYMENTS, LAST},
    [MR_STATS_LAW_PAID_DATE] = {PAYMENTS, LAST},
    [MR_STATS_LAW_MASS_SHARE] = {OWN, LAST},
    [MR_STATS_LAW_MASS_DATE] = {OWN, LAST},
};

/* --- finding figures -------------------------------------------------------------------------- */

struct work {
    const struct measure *m;
    struct disclosure *d;
    size_t *first; /* of indicator and period: id x (periods + 1) + period; one more at the end */
    uint32_t whole;
};

static size_t first_of(const struct work *w, enum mr_stats_id id, uint32_t period)
{
    return w->first[(size_t)id * (w->whole + 1) + period];
}

static size_t end_of(const struct work *w, enum mr_stats_id id, uint32_t period)
{
    return w->first[(size_t)id * (w->whole + 1) + period + 1];
}

static bool make_index(struct work *w)
{
    const size_t places = (size_t)MR_STATS_IDS * (w->whole + 1);
    size_t at = 0;
    w->first = calloc(places + 1, sizeof *w->first);
    if (w->first == NULL)
        return false;
    for (size_t p = 0; p <= places; p++) {
        const size_t id = p / (w->whole + 1), period = p % (w->whole + 1);
        while (at < w->m->figures_count &&
               (w->m->figures[at].id < id ||
                (w->m->figures[at].id == id && w->m->figures[at].period < period)))
            at++;
        w->first[p] = at;
    }
    return true;
}

static bool is_before(const struct mr_stats_figure *f, uint32_t row, uint32_t column)
{
    return f->row != row ? f->row < row : f->column < column;
}

/* The figure, if it has a value. They ascend by row, then by column: a matrix has many. */
static size_t at(const struct work *w, enum mr_stats_id id, uint32_t period, uint32_t row,
                 uint32_t column)
{
    size_t low = first_of(w, id, period), high = end_of(w, id, period);
    const size_t end = high;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (is_before(&w->m->figures[middle], row, column))
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < end; low++) {
        const struct mr_stats_figure *const f = &w->m->figures[low];
        if (f->row != row || f->column != column)
            break;
        if (f->state == MR_STATS_VALUE)
            return low;
    }
    return DISCLOSURE_NONE;
}

/* Of an indicator without axes. */
static size_t one(const struct work *w, enum mr_stats_id id, uint32_t period)
{
    return at(w, id, period, 0, 0);
}

static const struct mr_stats_figure *figure(const struct work *w, size_t i)
{
    return &w->m->figures[i];
}

/* --- who stands behind ------------------------------------------------------------------------ */

struct behind {
    mr_stats_wide sum;
    int64_t largest;
    uint32_t members;
};

/* What each account converted and redeemed, in one period: both are zero, and are left so. */
struct sums {
    int64_t *converted, *redeemed;
};

/* The first row of a day or later. */
static size_t row_of(const struct mr_stats_table *t, uint32_t day)
{
    size_t low = 0, high = t->rows;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (mr_day_of(t->time_ms[middle]) < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_rows(const struct work *w, uint32_t period, struct sums *sums)
{
    const struct mr_stats_table *const t = &w->m->table;
    const struct mr_stats_period *const p = &w->m->periods[period];
    const size_t end = row_of(t, p->to_day + 1);
    for (size_t i = row_of(t, p->from_day); i < end; i++) {
        const uint8_t kind = t->kind[i];
        if (t->unit[i] != 0)
            continue;
        if (kind == MR_STATS_REDEEM)
            sums->redeemed[t->from[i]] += t->amount[i];
        else if (kind == MR_STATS_ISSUE || kind == MR_STATS_ASSIGNED)
            sums->converted[t->to[i]] += t->amount[i];
    }
}

static struct behind count_sums(const struct work *w, int64_t *sums)
{
    struct behind b = {0, 0, 0};
    for (uint32_t i = 0; i < w->m->table.accounts_count; i++) {
        b.sum += sums[i];
        b.members += sums[i] > 0 ? 1 : 0;
        b.largest = sums[i] > b.largest ? sums[i] : b.largest;
        sums[i] = 0;
    }
    return b;
}

static bool figure_small(const struct work *w, size_t i)
{
    if (i == DISCLOSURE_NONE)
        return false;
    const struct mr_stats_figure *const f = figure(w, i);
    return disclosure_small(f->num, f->members, f->largest);
}

static uint32_t opened_in(const struct work *w, uint32_t period)
{
    mr_stats_wide sum = 0;
    for (size_t i = first_of(w, MR_STATS_OPENED, period); i < end_of(w, MR_STATS_OPENED, period);
         i++)
        sum += figure(w, i)->state == MR_STATS_VALUE ? figure(w, i)->num : 0;
    return (uint32_t)(sum > UINT32_MAX - 1 ? UINT32_MAX - 1 : sum);
}

static bool few(const struct work *w, size_t i)
{
    return i != DISCLOSURE_NONE && figure(w, i)->num > 0 &&
           figure(w, i)->num < DISCLOSURE_MEMBERS_MIN * figure(w, i)->den;
}

/* ret[base]: whether it is small in a period. */
static void small_bases(const struct work *w, uint32_t period, struct sums *sums,
                        bool ret[WAITING + 1])
{
    add_rows(w, period, sums);
    const struct behind c = count_sums(w, sums->converted);
    const struct behind r = count_sums(w, sums->redeemed);
    const uint32_t opened = opened_in(w, period);
    ret[OWN] = ret[COUNT] = false;
    ret[PAYMENTS] = figure_small(w, one(w, MR_STATS_TURNOVER, period));
    ret[STOCK] = figure_small(w, at(w, MR_STATS_MASS, period, 0, 0));
    ret[CONVERTED] = disclosure_small(c.sum, c.members, c.largest);
    ret[REDEEMED] = disclosure_small(r.sum, r.members, r.largest);
    ret[EITHER] = ret[CONVERTED] || ret[REDEEMED];
    ret[OPENED] = opened > 0 && opened < DISCLOSURE_MEMBERS_MIN;
    ret[SHOPS] = ret[PAYMENTS] || few(w, at(w, MR_STATS_MEMBER_COUNT, period, MR_CLASS_SHOP, 0));
    ret[WAITING] = few(w, one(w, MR_STATS_OPEN_COUNT, period));
}

static bool is_member(uint32_t class)
{
    return mr_stats_in_scope(MR_STATS_MEMBERS, class);
}

/* A figure that has no value says nothing and is no cell that can be blank. */
static void add_cells(const struct work *w)
{
    for (size_t i = 0; i < w->m->figures_count; i++) {
        const struct mr_stats_figure *const f = figure(w, i);
        const bool value = f->state == MR_STATS_VALUE;
        const bool counts = rules[f->id].base == COUNT;
        const bool books = f->id == MR_STATS_MASS_CLASS && !is_member(f->row);
        const mr_stats_wide size = !value ? 0 : f->den > 1 ? f->num / f->den : f->num;
        const uint32_t members = !value || books ? MR_STATS_NONE
                                 : counts        ? (uint32_t)(f->num > 1000 ? 1000 : f->num)
                                                 : f->members;
        /* of a rate, those behind its numerator: how many, not how much */
        disclosure_cell(w->d, f->den > 1 ? f->num : size, members,
                        counts || f->den > 1 ? 0 : f->largest);
    }
}

static void blank_periods(const struct work *w, struct sums *sums)
{
    for (uint32_t p = 0; p <= w->whole; p++) {
        bool small[WAITING + 1];
        small_bases(w, p, sums, small);
        for (enum mr_stats_id id = 0; id < MR_STATS_IDS; id++) {
            if (!small[rules[id].base])
                continue;
            for (size_t i = first_of(w, id, p); i < end_of(w, id, p); i++) {
                if (figure(w, i)->state == MR_STATS_VALUE)
                    disclosure_blank(w->d, i);
            }
        }
    }
}

static bool blank_bases(const struct work *w)
{
    const size_t accounts = (size_t)w->m->table.accounts_count + 1;
    struct sums sums = {calloc(accounts, sizeof *sums.converted),
                        calloc(accounts, sizeof *sums.redeemed)};
    const bool room = sums.converted != NULL && sums.redeemed != NULL;
    if (room)
        blank_periods(w, &sums);
    free(sums.converted);
    free(sums.redeemed);
    return room;
}

/* Shares of towns: the part of the largest in what was paid, which is the denominator. */
static void blank_towns(const struct work *w)
{
    for (uint32_t p = 0; p <= w->whole; p++) {
        for (size_t i = first_of(w, MR_STATS_TOWN_KEPT, p); i < end_of(w, MR_STATS_TOWN_KEPT, p);
             i++) {
            const struct mr_stats_figure *const f = figure(w, i);
            if (f->state == MR_STATS_VALUE && disclosure_small(f->den, f->members, f->largest))
                disclosure_blank(w->d, i);
        }
    }
}

/* --- equations -------------------------------------------------------------------------------- */

static void term(const struct work *w, size_t cell, mr_stats_wide num, mr_stats_wide den)
{
    if (cell != DISCLOSURE_NONE)
        disclosure_term(w->d, cell, num, den);
}

/* All cells of an indicator in a period that `wanted` lets pass (NULL: all). */
static void terms(const struct work *w, enum mr_stats_id id, uint32_t period,
                  bool (*wanted)(const struct mr_stats_figure *f), mr_stats_wide num)
{
    for (size_t i = first_of(w, id, period); i < end_of(w, id, period); i++) {
        if (figure(w, i)->state == MR_STATS_VALUE && (wanted == NULL || wanted(figure(w, i))))
            disclosure_term(w->d, i, num, 1);
    }
}

static void over_time(const struct work *w)
{
    for (enum mr_stats_id id = 0; id < MR_STATS_IDS; id++) {
        for (size_t i = first_of(w, id, w->whole); i < end_of(w, id, w->whole); i++) {
            const struct mr_stats_figure *const f = figure(w, i);
            const bool sum = rules[id].over_time == SUM || w->whole == 1;
            if (f->state != MR_STATS_VALUE || (!sum && rules[id].over_time != LAST))
                continue;
            disclosure_relation(w->d, DISCLOSURE_NONE, true);
            disclosure_term(w->d, i, -1, 1);
            for (uint32_t p = sum ? 0 : w->whole - 1; p < w->whole; p++)
                term(w, at(w, id, p, f->row, f->column), 1, 1);
        }
    }
}

static bool circulates(uint32_t class)
{
    return mr_stats_in_scope(MR_STATS_CIRCULATING, class);
}

static bool between_members(const struct mr_stats_figure *f)
{
    return is_member(f->row) && is_member(f->column);
}

static bool circulating(const struct mr_stats_figure *f)
{
    return circulates(f->row) && circulates(f->column);
}

static bool of_member(const struct mr_stats_figure *f)
{
    return is_member(f->row);
}

static bool of_issuers(const struct mr_stats_figure *f)
{
    return f->row == MR_CLASS_ISSUER;
}

static bool in_mass(const struct mr_stats_figure *f)
{
    return f->row != MR_CLASS_ISSUER && f->row != MR_CLASS_WORLD;
}

static bool in_stock(const struct mr_stats_figure *f)
{
    return circulates(f->row);
}

static bool of_local(const struct mr_stats_figure *f)
{
    return f->row == 0;
}

/* Parts and totals of one period. */
static void add_margins(const struct work *w, uint32_t p)
{
    disclosure_relation(w->d, DISCLOSURE_NONE, false);
    terms(w, MR_STATS_MASS, p, of_local, -1);
    terms(w, MR_STATS_MASS_CLASS, p, in_mass, 1);
    disclosure_relation(w->d, DISCLOSURE_NONE, false);
    terms(w, MR_STATS_MASS, p, of_local, 1);
    terms(w, MR_STATS_MASS_CLASS, p, of_issuers, 1);
    disclosure_relation(w->d, DISCLOSURE_NONE, false);
    terms(w, MR_STATS_MASS, p, of_local, -1);
    term(w, one(w, MR_STATS_LAW_MASS_SHARE, p), 1, 1);
    disclosure_relation(w->d, DISCLOSURE_NONE, false);
    terms(w, MR_STATS_MASS_CLASS, p, of_issuers, 1);
    terms(w, MR_STATS_OUTSTANDING, p, NULL, 1);
    disclosure_relation(w->d, DISCLOSURE_NONE, false);
    terms(w, MR_STATS_MASS_CLASS, p, of_member, -1);
    terms(w, MR_STATS_MASS_HOME, p, NULL, 1);
    disclosure_relation(w->d, DISCLOSURE_NONE, false);
    terms(w, MR_STATS_MASS, p, of_local, -1);
    terms(w, MR_STATS_OUTSTANDING, p, NULL, 1);
    disclosure_relation(w->d, DISCLOSURE_NONE, false);
    terms(w, MR_STATS_TURNOVER, p, NULL, -1);
    terms(w, MR_STATS_FLOW_CLASS, p, circulating, 1);
    disclosure_relation(w->d, DISCLOSURE_NONE, false);
    terms(w, MR_STATS_TURNOVER, p, NULL, -1);
    terms(w, MR_STATS_FLOW_TRADE, p, NULL, 1);
    disclosure_relation(w->d, DISCLOSURE_NONE, false);
    terms(w, MR_STATS_FLOW_CLASS, p, between_members, -1);
    terms(w, MR_STATS_FLOW_HOME, p, NULL, 1);
    disclosure_relation(w->d, DISCLOSURE_NONE, false);
    terms(w, MR_STATS_POSITION, p, NULL, 1);
    if (w->m->periods[p].from_day == w->m->periods[p].to_day) { /* the mean of one day */
        disclosure_relation(w->d, DISCLOSURE_NONE, false);
        terms(w, MR_STATS_MASS_CLASS, p, in_stock, 1);
        term(w, one(w, MR_STATS_STOCK, p), -1, 1);
    }
    disclosure_relation(w->d, DISCLOSURE_NONE, false);
    term(w, one(w, MR_STATS_CONVERTED, p), 1, 1);
    term(w, one(w, MR_STATS_REDEEMED, p), -1, 1);
    term(w, one(w, MR_STATS_NET_ISSUE, p), -1, 1);
}

/* num = rate x den x scale. */
static void add_rate(const struct work *w, enum mr_stats_id rate, size_t num, size_t den,
                     uint32_t p, mr_stats_wide scale)
{
    const size_t guard = one(w, rate, p);
    if (guard == DISCLOSURE_NONE || num == DISCLOSURE_NONE || den == DISCLOSURE_NONE)
        return;
    disclosure_relation(w->d, guard, false);
    term(w, num, 1, 1);
    if (figure(w, guard)->num != 0)
        term(w, den, -figure(w, guard)->num, figure(w, guard)->den * scale);
}

/* Reserve = coverage x outstanding, of each association and of all. */
static void add_coverage(const struct work *w, uint32_t p)
{
    const size_t all = one(w, MR_STATS_COVERAGE, p);
    if (all != DISCLOSURE_NONE) {
        disclosure_relation(w->d, all, false);
        terms(w, MR_STATS_RESERVE, p, NULL, figure(w, all)->den);
        terms(w, MR_STATS_OUTSTANDING, p, NULL, -figure(w, all)->num);
    }
    for (size_t i = first_of(w, MR_STATS_COVERAGE_HOME, p);
         i < end_of(w, MR_STATS_COVERAGE_HOME, p); i++) {
        const struct mr_stats_figure *const f = figure(w, i);
        if (f->state != MR_STATS_VALUE)
            continue;
        disclosure_relation(w->d, i, false);
        term(w, at(w, MR_STATS_RESERVE, p, f->row, 0), f->den, 1);
        term(w, at(w, MR_STATS_OUTSTANDING, p, f->row, 0), -f->num, 1);
    }
}

/* What pays in goods, and between shops, are cells of the matrix of classes. */
static void add_velocities(const struct work *w, uint32_t p)
{
    const size_t stock = one(w, MR_STATS_STOCK, p), goods = one(w, MR_STATS_V_GOODS, p);
    const size_t to_shops = at(w, MR_STATS_FLOW_CLASS, p, MR_CLASS_RESIDENT, MR_CLASS_SHOP);
    const size_t b2b = at(w, MR_STATS_FLOW_CLASS, p, MR_CLASS_SHOP, MR_CLASS_SHOP);
    const mr_stats_wide days =
        (mr_stats_wide)w->m->periods[p].to_day - w->m->periods[p].from_day + 1;
    add_rate(w, MR_STATS_V_ALL, one(w, MR_STATS_TURNOVER, p), stock, p, days * 365);
    add_rate(w, MR_STATS_V_SHOPS, b2b, stock, p, days * 365);
    add_rate(w, MR_STATS_B2B, b2b, one(w, MR_STATS_TURNOVER, p), p, 1);
    if (goods == DISCLOSURE_NONE || stock == DISCLOSURE_NONE)
        return;
    disclosure_relation(w->d, goods, false);
    term(w, to_shops, 1, 1);
    term(w, b2b, 1, 1);
    term(w, stock, -figure(w, goods)->num, figure(w, goods)->den * days * 365);
}

static void add_rates(const struct work *w, uint32_t p)
{
    const size_t c = one(w, MR_STATS_CONVERTED, p), r = one(w, MR_STATS_REDEEMED, p);
    const size_t stock = one(w, MR_STATS_STOCK, p), paid = one(w, MR_STATS_TURNOVER, p);
    add_rate(w, MR_STATS_RHO, r, c, p, 1);
    add_rate(w, MR_STATS_C_OVER_M, c, stock, p, 1);
    add_rate(w, MR_STATS_R_OVER_M, r, stock, p, 1);
    add_rate(w, MR_STATS_MULTIPLIER, paid, c, p, 1);
    add_rate(w, MR_STATS_SHOPS_RATIO, at(w, MR_STATS_MEMBER_COUNT, p, MR_CLASS_SHOP, 0),
             at(w, MR_STATS_MEMBER_COUNT, p, MR_CLASS_RESIDENT, 0), p, 1);
    const size_t passed = one(w, MR_STATS_PASSED_ON, p);
    if (passed != DISCLOSURE_NONE && r != DISCLOSURE_NONE && paid != DISCLOSURE_NONE) {
        const struct mr_stats_figure *const f = figure(w, passed); /* r = (1 - rate) x paid */
        disclosure_relation(w->d, passed, false);
        term(w, r, 1, 1);
        term(w, paid, f->num - f->den, f->den);
    }
    add_coverage(w, p);
    add_velocities(w, p);
}

/* Two figures of which each gives the other. */
static void add_pair(const struct work *w, enum mr_stats_id a, enum mr_stats_id b, uint32_t p)
{
    const size_t x = one(w, a, p), y = one(w, b, p);
    if (x == DISCLOSURE_NONE || y == DISCLOSURE_NONE)
        return;
    disclosure_relation(w->d, DISCLOSURE_NONE, true);
    term(w, x, 1, 1);
    term(w, y, -1, 1);
}

/* The sum of twelve months slides: two of them give the months that came and went. */
static void add_law(const struct work *w, uint32_t p)
{
    const size_t law = one(w, MR_STATS_LAW_PAID, p);
    const struct mr_stats_period *const end = &w->m->periods[p];
    add_pair(w, MR_STATS_LAW_PAID, MR_STATS_LAW_PAID_SHARE, p);
    add_pair(w, MR_STATS_LAW_PAID_SHARE, MR_STATS_LAW_PAID_DATE, p);
    add_pair(w, MR_STATS_LAW_MASS_SHARE, MR_STATS_LAW_MASS_DATE, p);
    if (law == DISCLOSURE_NONE)
        return;
    disclosure_relation(w->d, DISCLOSURE_NONE, true);
    term(w, law, -1, 1);
    for (uint32_t k = 0; k < w->whole; k++) {
        if (w->m->periods[k].to_day <= end->to_day && w->m->periods[k].to_day + 365 > end->to_day)
            terms(w, MR_STATS_FLOW_CLASS, k, between_members, 1);
    }
}

/* Accounts of a class: those before, and those that came; a position: the one before, and what was
 * paid across. Who left would stand between; a reader may know that nobody did. */
static void add_steps(const struct work *w, uint32_t p)
{
    for (size_t i = first_of(w, MR_STATS_MEMBER_COUNT, p); i < end_of(w, MR_STATS_MEMBER_COUNT, p);
         i++) {
        const uint32_t class = figure(w, i)->row;
        disclosure_relation(w->d, DISCLOSURE_NONE, true);
        term(w, i, -1, 1);
        term(w, p == 0 ? DISCLOSURE_NONE : at(w, MR_STATS_MEMBER_COUNT, p - 1, class, 0), 1, 1);
        term(w, at(w, MR_STATS_OPENED, p, class, 0), 1, 1);
    }
    for (size_t i = first_of(w, MR_STATS_POSITION, p); i < end_of(w, MR_STATS_POSITION, p); i++) {
        const uint32_t home = figure(w, i)->row;
        disclosure_relation(w->d, DISCLOSURE_NONE, true);
        term(w, i, -1, 1);
        term(w, p == 0 ? DISCLOSURE_NONE : at(w, MR_STATS_POSITION, p - 1, home, 0), 1, 1);
        for (size_t k = first_of(w, MR_STATS_FLOW_HOME, p); k < end_of(w, MR_STATS_FLOW_HOME, p);
             k++) {
            const struct mr_stats_figure *const f = figure(w, k);
            if ((f->row == home) != (f->column == home))
                term(w, k, f->column == home ? 1 : -1, 1);
        }
    }
}

static void add_relations(const struct work *w)
{
    over_time(w);
    for (uint32_t p = 0; p <= w->whole; p++) {
        add_margins(w, p);
        add_rates(w, p);
        add_pair(w, MR_STATS_HOLDING, MR_STATS_V_TRANSFER, p);
        add_pair(w, MR_STATS_CORE, MR_STATS_CORE_SHARE, p);
        if (p < w->whole) {
            add_law(w, p);
            add_steps(w, p);
        }
    }
}

/* --- outside ---------------------------------------------------------------------------------- */

enum mr_status published_create(struct published *ret, const struct measure *m)
{
    struct work w = {.m = m, .whole = (uint32_t)m->periods_count};
    *ret = (struct published){.m = m};
    enum mr_status st = disclosure_create(&ret->disclosure);
    w.d = ret->disclosure;
    if (st == MR_OK && !make_index(&w))
        st = MR_NO_MEMORY;
    if (st == MR_OK) {
        add_cells(&w);
        blank_towns(&w);
        st = blank_bases(&w) ? MR_OK : MR_NO_MEMORY;
    }
    if (st == MR_OK) {
        add_relations(&w);
        st = disclosure_protect(w.d);
    }
    free(w.first);
    return st;
}

void published_done(struct published *p)
{
    disclosure_destroy(p->disclosure);
    p->disclosure = NULL;
}

enum disclosure_why published_why(const struct published *p, size_t i)
{
    return disclosure_why(p->disclosure, i);
}
