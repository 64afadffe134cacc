/* Cells of figures: which are small, by who stands behind them or behind what they are measured
 * against. */
#include <stdlib.h>

#include "audit/published_work.h"

/* Whose smallness makes a figure small that is no sum over accounts itself. */
enum base {
    OWN,       /* who stands behind it, if anybody */
    PAYMENTS,  /* the period's turnover */
    STOCK,     /* the mass at its end */
    CONVERTED, /* who converted in it */
    REDEEMED,  /* who redeemed in it */
    EITHER,    /* one of these two */
    NET,       /* the two together */
    OPENED,    /* who came in it */
    SHOPS,     /* open shops at its end */
    WAITING,   /* redemptions that are open */
    PAID,      /* whose redemption was paid in it */
    SWEPT,     /* whose account was closed in it */
    PUBLIC,    /* who got what municipalities spent in it */
    GOODS,     /* residents that paid shops in it, and the shops */
    MUTUAL,    /* pairs that paid each other in it */
    ROUND,     /* accounts of its core: units went round among them */
    BASES,
};

/* As many pairs as one account less than enough can make: four make six. */
enum { PAIRS_OF_FEW = (DISCLOSURE_MEMBERS_MIN - 1) * (DISCLOSURE_MEMBERS_MIN - 2) / 2 };

static const struct rule {
    uint8_t base, over_time;
    bool counts;  /* it counts persons or pairs of them: 1 to 4 are few */
    uint8_t rank; /* what elected people ask for first is blank last */
} rules[MR_STATS_IDS] = {
    [MR_STATS_MASS] = {OWN, LAST, false, 2},
    [MR_STATS_MASS_CLASS] = {OWN, LAST, false, 0},
    [MR_STATS_MASS_SHOPS] = {STOCK, LAST, false, 0},
    [MR_STATS_MASS_HOME] = {OWN, LAST, false, 0},
    [MR_STATS_STOCK] = {STOCK, NEITHER, false, 2},
    [MR_STATS_OUTSTANDING] = {OWN, LAST, false, 1},
    [MR_STATS_RESERVE] = {OWN, LAST, false, 1},
    [MR_STATS_COVERAGE] = {OWN, LAST, false, 2},
    [MR_STATS_COVERAGE_HOME] = {OWN, LAST, false, 0},
    [MR_STATS_OPEN_COUNT] = {WAITING, LAST, false, 0},
    [MR_STATS_OPEN_SUM] = {WAITING, LAST, false, 0},
    [MR_STATS_OPEN_AGE] = {WAITING, LAST, false, 0},
    [MR_STATS_PAYOUT_DAYS] = {PAID, NEITHER, false, 0},
    [MR_STATS_CONVERTED] = {CONVERTED, SUM, false, 1},
    [MR_STATS_CONVERSIONS] = {CONVERTED, SUM, false, 0},
    [MR_STATS_REDEEMED] = {REDEEMED, SUM, false, 0},
    [MR_STATS_NET_ISSUE] = {NET, SUM, false, 0},
    [MR_STATS_RHO] = {EITHER, NEITHER, false, 0},
    [MR_STATS_C_OVER_M] = {CONVERTED, NEITHER, false, 0},
    [MR_STATS_R_OVER_M] = {REDEEMED, NEITHER, false, 0},
    [MR_STATS_CONVERTED_MEDIAN] = {CONVERTED, NEITHER, false, 0},
    [MR_STATS_PASSED_ON] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_SWEPT] = {SWEPT, SUM, false, 0},
    [MR_STATS_MULTIPLIER] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_TURNOVER] = {OWN, SUM, false, 2},
    [MR_STATS_PAYMENTS] = {PAYMENTS, SUM, false, 0},
    [MR_STATS_V_ALL] = {PAYMENTS, NEITHER, false, 1},
    [MR_STATS_V_GOODS] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_V_SHOPS] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_HOLDING] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_V_TRANSFER] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_SURVIVAL] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_DORMANT] = {STOCK, LAST, false, 0},
    [MR_STATS_LM3] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_LM3_PUBLIC] = {PUBLIC, NEITHER, false, 0},
    [MR_STATS_PUBLIC_SPENT] = {PUBLIC, SUM, false, 0},
    [MR_STATS_PUBLIC_KEPT] = {PUBLIC, NEITHER, false, 0},
    [MR_STATS_PUBLIC_KEPT_DAYS] = {PUBLIC, NEITHER, false, 0},
    [MR_STATS_TOWN_KEPT] = {OWN, NEITHER, false, 0},
    [MR_STATS_RECIRCULATION] = {SHOPS, NEITHER, false, 0},
    [MR_STATS_RECIRCULATION_LOW] = {SHOPS, NEITHER, false, 0},
    [MR_STATS_BLOCKED] = {OWN, LAST, true, 0},
    [MR_STATS_MEMBER_COUNT] = {OWN, LAST, true, 1},
    [MR_STATS_OPENED] = {OWN, SUM, true, 0},
    [MR_STATS_ACTIVE] = {OWN, LAST, true, 0},
    [MR_STATS_ACTIVE_IN] = {OWN, NEITHER, true, 0},
    [MR_STATS_ACTIVE_ONCE] = {OWN, NEITHER, true, 0},
    [MR_STATS_FIRST_SHARE] = {OPENED, NEITHER, false, 0},
    [MR_STATS_FIRST_DAYS] = {OPENED, NEITHER, false, 0},
    [MR_STATS_LAST_DAYS] = {STOCK, LAST, false, 0},
    [MR_STATS_PER_ACTIVE] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_PER_PERSON] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_BASKET] = {GOODS, NEITHER, false, 0},
    [MR_STATS_SHOPS_PER] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_SHOPS_RATIO] = {SHOPS, LAST, false, 0},
    [MR_STATS_TOWNS] = {OWN, LAST, false, 0},
    [MR_STATS_SUPPLIERS] = {SHOPS, SUM, true, 0},
    [MR_STATS_FLOW_CLASS] = {OWN, SUM, false, 0},
    [MR_STATS_FLOW_TRADE] = {OWN, SUM, false, 0},
    [MR_STATS_FLOW_HOME] = {OWN, SUM, false, 0},
    [MR_STATS_POSITION] = {PAYMENTS, LAST, false, 0},
    [MR_STATS_B2B] = {SHOPS, NEITHER, false, 0},
    [MR_STATS_PAIRS] = {PAYMENTS, NEITHER, true, 0},
    [MR_STATS_RECIPROCITY] = {MUTUAL, NEITHER, false, 0},
    [MR_STATS_CIRCULARITY] = {ROUND, LAST, false, 0},
    [MR_STATS_CIRCULARITY_GROSS] = {ROUND, LAST, false, 0},
    [MR_STATS_CIRCULARITY_PAIRS] = {MUTUAL, LAST, false, 0},
    [MR_STATS_CIRCULARITY_EDGES] = {PAYMENTS, LAST, false, 0},
    [MR_STATS_CORE] = {OWN, NEITHER, true, 0},
    [MR_STATS_CORE_SHARE] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_GINI] = {STOCK, LAST, false, 0},
    [MR_STATS_GINI_TURNOVER] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_HHI] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_TOP10] = {PAYMENTS, NEITHER, false, 0},
    [MR_STATS_LAW_PAID] = {PAYMENTS, LAST, false, 1},
    [MR_STATS_LAW_PAID_SHARE] = {PAYMENTS, LAST, false, 1},
    [MR_STATS_LAW_PAID_DATE] = {PAYMENTS, LAST, false, 0},
    [MR_STATS_LAW_MASS_SHARE] = {STOCK, LAST, false, 1},
    [MR_STATS_LAW_MASS_DATE] = {STOCK, LAST, false, 0},
};

/* --- finding figures -------------------------------------------------------------------------- */

enum over_time published_over_time(enum mr_stats_id id)
{
    return (enum over_time)rules[id].over_time;
}

size_t work_first(const struct work *w, enum mr_stats_id id, uint32_t period)
{
    return w->first[(size_t)id * (w->whole + 1) + period];
}

size_t work_end(const struct work *w, enum mr_stats_id id, uint32_t period)
{
    return w->first[(size_t)id * (w->whole + 1) + period + 1];
}

bool work_index(struct work *w)
{
    const size_t places = (size_t)MR_STATS_IDS * (w->whole + 1);
    size_t at = 0;
    w->first = calloc(places + 1, sizeof *w->first);
    w->sums = calloc((size_t)w->m->table.accounts_count + 1, sizeof *w->sums);
    w->got = calloc((size_t)w->m->table.accounts_count + 1, sizeof *w->got);
    w->debts = calloc((size_t)w->whole + 1, sizeof *w->debts);
    if (w->first == NULL || w->sums == NULL || w->got == NULL || w->debts == NULL)
        return false;
    for (size_t p = 0; p <= places; p++) {
        const size_t id = p / (w->whole + 1), period = p % (w->whole + 1);
        while (at < w->m->figures_count &&
               (w->m->figures[at].id < id ||
                (w->m->figures[at].id == id && w->m->figures[at].period < period)))
            at++;
        w->first[p] = at;
    }
    work_find_debts(w);
    return true;
}

bool work_has(const struct work *w, enum mr_stats_id id, uint32_t period)
{
    const enum mr_stats_when when = mr_stats_indicator(id)->when;
    const bool monthly = w->m->by == MR_STATS_BY_MONTH || w->m->by == MR_STATS_BY_YEAR;
    return period == w->whole || when == MR_STATS_EACH || (when == MR_STATS_MONTH && monthly);
}

static bool is_before(const struct mr_stats_figure *f, uint32_t row, uint32_t column)
{
    return f->row != row ? f->row < row : f->column < column;
}

/* The figure, if it has a value. They ascend by row, then by column: a matrix has many. */
size_t work_at(const struct work *w, enum mr_stats_id id, uint32_t period, uint32_t row,
               uint32_t column)
{
    size_t low = work_first(w, id, period), high = work_end(w, id, period);
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
size_t work_one(const struct work *w, enum mr_stats_id id, uint32_t period)
{
    return work_at(w, id, period, 0, 0);
}

const struct mr_stats_figure *work_figure(const struct work *w, size_t i)
{
    return &w->m->figures[i];
}

/* --- what is small ---------------------------------------------------------------------------- */

bool work_small(const struct work *w, size_t i)
{
    if (i == DISCLOSURE_NONE)
        return false;
    const struct mr_stats_figure *const f = work_figure(w, i);
    return disclosure_small(f->num, f->members, f->largest);
}

static uint32_t opened_in(const struct work *w, uint32_t period)
{
    mr_stats_wide sum = 0;
    for (size_t i = work_first(w, MR_STATS_OPENED, period);
         i < work_end(w, MR_STATS_OPENED, period); i++)
        sum += work_figure(w, i)->state == MR_STATS_VALUE ? work_figure(w, i)->num : 0;
    return (uint32_t)(sum > UINT32_MAX - 1 ? UINT32_MAX - 1 : sum);
}

static bool few(const struct work *w, size_t i)
{
    return i != DISCLOSURE_NONE && work_figure(w, i)->num > 0 &&
           work_figure(w, i)->num < DISCLOSURE_MEMBERS_MIN * work_figure(w, i)->den;
}

/* It is there, and less than so many; nothing counts too, for months around it may have more. */
static bool below(const struct work *w, enum mr_stats_id id, uint32_t period, mr_stats_wide least)
{
    const size_t i = work_one(w, id, period);
    return i != DISCLOSURE_NONE && work_figure(w, i)->num < least;
}

/* ret[base]: whether it is small in a period. */
static void small_bases(const struct work *w, uint32_t period, bool ret[BASES])
{
    const uint32_t opened = opened_in(w, period), any = MR_STATS_NONE;
    ret[OWN] = false;
    ret[PAYMENTS] = work_small(w, work_one(w, MR_STATS_TURNOVER, period));
    ret[STOCK] = work_small(w, work_at(w, MR_STATS_MASS, period, 0, 0));
    const struct behind c = work_behind(w, period, ISSUED, any),
                        r = work_behind(w, period, REDEEMING, any);
    ret[CONVERTED] = is_small(c);
    ret[REDEEMED] = is_small(r);
    ret[EITHER] = ret[CONVERTED] || ret[REDEEMED];
    ret[NET] =
        ret[EITHER] && (c.members == 0 || ret[CONVERTED]) && (r.members == 0 || ret[REDEEMED]);
    ret[OPENED] = opened > 0 && opened < DISCLOSURE_MEMBERS_MIN;
    ret[SHOPS] =
        ret[PAYMENTS] || few(w, work_at(w, MR_STATS_MEMBER_COUNT, period, MR_CLASS_SHOP, 0));
    ret[WAITING] = is_small(work_redemptions(w, period, true, any));
    ret[PAID] = is_small(work_behind(w, period, PAID_OUT, any));
    ret[SWEPT] = is_small(work_behind(w, period, SWEPT_AWAY, any));
    ret[PUBLIC] = is_small(work_behind(w, period, PUBLIC_PAID, any));
    ret[GOODS] = ret[PAYMENTS] || work_small(w, work_at(w, MR_STATS_FLOW_CLASS, period,
                                                        MR_CLASS_RESIDENT, MR_CLASS_SHOP));
    ret[MUTUAL] = ret[PAYMENTS] || below(w, MR_STATS_PAIRS, period, PAIRS_OF_FEW + 1);
    ret[ROUND] = ret[PAYMENTS] || below(w, MR_STATS_CORE, period, DISCLOSURE_MEMBERS_MIN);
}

/* Quotients are exact; a mean stock is rounded, and exact in what the velocity divides by. */
static void give_value(const struct work *w, size_t cell, const struct mr_stats_figure *f)
{
    const struct mr_stats_period *const p = &w->m->periods[f->period];
    const size_t v =
        f->id == MR_STATS_STOCK ? work_one(w, MR_STATS_V_ALL, f->period) : DISCLOSURE_NONE;
    if (v != DISCLOSURE_NONE)
        disclosure_value(w->d, cell, work_figure(w, v)->den,
                         (mr_stats_wide)p->to_day - p->from_day + 1);
    else
        disclosure_value(w->d, cell, f->num, f->den);
}

/* A figure that has no value says nothing and is no cell that can be blank. */
size_t work_cell(const struct work *w, const struct mr_stats_figure *f)
{
    const bool value = f->state == MR_STATS_VALUE;
    const bool counts = rules[f->id].counts;
    const bool books = f->id == MR_STATS_MASS_CLASS && !is_member(f->row);
    const uint32_t members = !value || books ? MR_STATS_NONE
                             : counts        ? (uint32_t)(f->num > 1000 ? 1000 : f->num)
                                             : f->members;
    /* of a rate, those behind its numerator; of a town's, those behind its denominator */
    const size_t cell = disclosure_cell(w->d, value ? f->num : 0, members,
                                        counts || f->id == MR_STATS_TOWN_KEPT ? 0 : f->largest);
    disclosure_rank(w->d, cell, rules[f->id].rank);
    if (value)
        give_value(w, cell, f);
    return cell;
}

/* What went round, of nobody. */
static bool is_none(const struct mr_stats_figure *f)
{
    const bool round = rules[f->id].base == MUTUAL || rules[f->id].base == ROUND;
    return round && f->num == 0;
}

static void blank_bases(const struct work *w)
{
    for (uint32_t p = 0; p <= w->whole; p++) {
        bool small[BASES];
        small_bases(w, p, small);
        for (enum mr_stats_id id = 0; id < MR_STATS_IDS; id++) {
            if (!small[rules[id].base])
                continue;
            for (size_t i = work_first(w, id, p); i < work_end(w, id, p); i++) {
                if (work_figure(w, i)->state == MR_STATS_VALUE && !is_none(work_figure(w, i)))
                    disclosure_blank(w->d, w->cell[i]);
            }
        }
    }
}

/* Shares of few, or whose remaining part is of few. */
static void blank_shares(const struct work *w)
{
    for (size_t i = 0; i < w->m->figures_count; i++) {
        const struct mr_stats_figure *const f = work_figure(w, i);
        const bool town = f->id == MR_STATS_TOWN_KEPT; /* those behind its denominator */
        if (f->state == MR_STATS_VALUE &&
            (f->few || (town && disclosure_small(f->den, f->members, f->largest))))
            disclosure_blank(w->d, w->cell[i]);
    }
}

void work_blank(const struct work *w)
{
    blank_shares(w);
    blank_bases(w);
}
