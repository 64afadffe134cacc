/* Who stands behind each figure, and the equations between figures that a reader knows. */
#include "audit/published.h"

#include <stdlib.h>
#include <string.h>

#include "audit/published_work.h"
#include "mereau/time.h"

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

/* --- who stands behind ------------------------------------------------------------------------ */

static uint32_t home_of(const struct mr_stats_table *t, uint32_t account)
{
    return t->accounts[account].association;
}

/* Whose a movement of this sort is; MR_STATS_NONE: it is of another. */
static uint32_t whose(const struct mr_stats_table *t, size_t i, enum movement what,
                      uint32_t association)
{
    const uint32_t from = t->from[i], to = t->to[i];
    const bool issue = t->kind[i] == MR_STATS_ISSUE, assigned = t->kind[i] == MR_STATS_ASSIGNED;
    const bool town = t->accounts[from].class == MR_CLASS_MUNICIPALITY;
    bool is = false;
    switch (what) {
    case ISSUED:
    case ORDINARY:
    case ASSIGNED:
        is = (issue && what != ASSIGNED) || (assigned && what != ORDINARY);
        return is && (association == MR_STATS_NONE || home_of(t, from) == association)
                   ? to
                   : MR_STATS_NONE;
    case REDEEMING:
    case SWEPT_AWAY:
        is = t->kind[i] == (what == REDEEMING ? MR_STATS_REDEEM : MR_STATS_SWEEP);
        return is && (association == MR_STATS_NONE || home_of(t, from) == association)
                   ? from
                   : MR_STATS_NONE;
    case PUBLIC_PAID:
        is = assigned || (town && t->kind[i] == MR_STATS_PAY);
        return is && t->accounts[to].class != MR_CLASS_MUNICIPALITY &&
                       mr_stats_in_scope(MR_STATS_CIRCULATING, t->accounts[to].class)
                   ? to
                   : MR_STATS_NONE;
    case TAKEN:
        is = mr_stats_in_scope(MR_STATS_MEMBERS, t->accounts[from].class) &&
             t->accounts[to].class == MR_CLASS_ISSUER;
        return is ? from : MR_STATS_NONE;
    case PAID_OUT:
        break;
    }
    return MR_STATS_NONE;
}

/* By account, and gone again: w->sums is zero before and behind. */
static void add_to(const struct work *w, struct behind *b, uint32_t account, int64_t amount)
{
    w->sums[account] += amount;
    b->sum += amount;
}

static void count_in(const struct work *w, struct behind *b, uint32_t account)
{
    b->members += w->sums[account] > 0 ? 1 : 0;
    b->largest = w->sums[account] > b->largest ? w->sums[account] : b->largest;
    w->sums[account] = 0;
}

/* Redemptions that were paid in a period, or are open at its end. */
static struct behind redemptions(const struct work *w, uint32_t period, bool open,
                                 uint32_t association)
{
    const struct mr_stats_table *const t = &w->m->table;
    const uint64_t begin = w->m->periods[period].from_day * (uint64_t)MR_DAY_MS;
    const uint64_t end = (w->m->periods[period].to_day + UINT64_C(1)) * MR_DAY_MS;
    struct behind b = {0, 0, 0};
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < t->redemptions_count; i++) {
            const struct mr_stats_redemption *const r = &t->redemptions[i];
            const bool done = r->done_ms != 0 && r->done_ms < end;
            const bool paid = done && r->done_ms >= begin && !r->returned;
            if (association != MR_STATS_NONE && r->association != association)
                continue;
            if (open ? r->asked_ms >= end || done : !paid)
                continue;
            if (pass == 0)
                add_to(w, &b, r->member, r->amount);
            else
                count_in(w, &b, r->member);
        }
    }
    return b;
}

/* What left the books of an association by payouts: fees stay in them. */
static mr_stats_wide paid_by(const struct work *w, uint32_t period, uint32_t association)
{
    const struct mr_stats_table *const t = &w->m->table;
    const size_t end = mr_stats_row_of(t, w->m->periods[period].to_day + UINT64_C(1));
    mr_stats_wide sum = 0;
    for (size_t i = mr_stats_row_of(t, w->m->periods[period].from_day); i < end; i++) {
        if (t->unit[i] == 0 && t->kind[i] == MR_STATS_PAYOUT && home_of(t, t->to[i]) == association)
            sum += t->amount[i];
    }
    return sum;
}

struct behind work_behind(const struct work *w, uint32_t period, enum movement what,
                          uint32_t association)
{
    const struct mr_stats_table *const t = &w->m->table;
    const size_t begin = mr_stats_row_of(t, w->m->periods[period].from_day);
    const size_t end = mr_stats_row_of(t, w->m->periods[period].to_day + UINT64_C(1));
    struct behind b = {0, 0, 0};
    if (what == PAID_OUT) {
        b = redemptions(w, period, false, association);
        if (association != MR_STATS_NONE)
            b.sum = paid_by(w, period, association);
        return b;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = begin; i < end; i++) {
            const uint32_t account =
                t->unit[i] == 0 ? whose(t, i, what, association) : MR_STATS_NONE;
            if (account == MR_STATS_NONE)
                continue;
            if (pass == 0)
                add_to(w, &b, account, t->amount[i]);
            else
                count_in(w, &b, account);
        }
    }
    return b;
}

static bool figure_small(const struct work *w, size_t i)
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

static bool is_small(struct behind b)
{
    return disclosure_small(b.sum, b.members, b.largest);
}

/* ret[base]: whether it is small in a period. */
static void small_bases(const struct work *w, uint32_t period, bool ret[BASES])
{
    const uint32_t opened = opened_in(w, period), any = MR_STATS_NONE;
    ret[OWN] = false;
    ret[PAYMENTS] = figure_small(w, work_one(w, MR_STATS_TURNOVER, period));
    ret[STOCK] = figure_small(w, work_at(w, MR_STATS_MASS, period, 0, 0));
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
    ret[WAITING] = is_small(redemptions(w, period, true, any));
    ret[PAID] = is_small(work_behind(w, period, PAID_OUT, any));
    ret[SWEPT] = is_small(work_behind(w, period, SWEPT_AWAY, any));
    ret[PUBLIC] = is_small(work_behind(w, period, PUBLIC_PAID, any));
    ret[GOODS] = ret[PAYMENTS] || figure_small(w, work_at(w, MR_STATS_FLOW_CLASS, period,
                                                          MR_CLASS_RESIDENT, MR_CLASS_SHOP));
    ret[MUTUAL] = ret[PAYMENTS] || below(w, MR_STATS_PAIRS, period, PAIRS_OF_FEW + 1);
    ret[ROUND] = ret[PAYMENTS] || below(w, MR_STATS_CORE, period, DISCLOSURE_MEMBERS_MIN);
}

static bool is_member(uint32_t class)
{
    return mr_stats_in_scope(MR_STATS_MEMBERS, class);
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
static size_t add_cell(const struct work *w, const struct mr_stats_figure *f)
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

/* Shares of towns: the part of the largest in what was paid, which is the denominator. */
static void blank_towns(const struct work *w)
{
    for (uint32_t p = 0; p <= w->whole; p++) {
        for (size_t i = work_first(w, MR_STATS_TOWN_KEPT, p);
             i < work_end(w, MR_STATS_TOWN_KEPT, p); i++) {
            const struct mr_stats_figure *const f = work_figure(w, i);
            if (f->state == MR_STATS_VALUE && disclosure_small(f->den, f->members, f->largest))
                disclosure_blank(w->d, w->cell[i]);
        }
    }
}

/* --- several views -----------------------------------------------------------------------------
 */

static const struct mr_stats_period *span(const struct measure *m, uint32_t period)
{
    return &m->periods[period];
}

static bool same_value(const struct mr_stats_figure *a, const struct mr_stats_figure *b)
{
    return a->num == b->num && a->den == b->den;
}

/* The figure of another view that is the same: of the same days, or at the same end. */
static size_t twin(const struct work *w, const struct mr_stats_figure *f, uint32_t from,
                   uint32_t to)
{
    for (uint32_t p = 0; p <= w->whole; p++) {
        const struct mr_stats_period *const x = span(w->m, p);
        if (x->to_day != to || (x->from_day != from && rules[f->id].over_time != LAST))
            continue;
        const size_t i = work_at(w, f->id, p, f->row, f->column);
        if (i != DISCLOSURE_NONE && w->cell[i] != DISCLOSURE_NONE &&
            same_value(f, work_figure(w, i)))
            return w->cell[i];
    }
    return DISCLOSURE_NONE;
}

/* Those of the views before it, or new ones. Of days between alone what adds up is looked at, and
 * what stands at their end elsewhere. */
static bool give_cells(struct work *views, size_t v)
{
    struct work *const w = &views[v];
    const size_t n = w->m->figures_count;
    size_t *const cells = malloc((n + 1) * sizeof *cells);
    if (cells == NULL)
        return false;
    w->cell = cells;
    for (size_t i = 0; i < n; i++) {
        const struct mr_stats_figure *const f = work_figure(w, i);
        cells[i] = DISCLOSURE_NONE;
        if (w->between && (f->period != w->whole || rules[f->id].over_time == NEITHER))
            continue;
        for (size_t u = 0; f->state == MR_STATS_VALUE && u < v && cells[i] == DISCLOSURE_NONE; u++)
            cells[i] =
                twin(&views[u], f, span(w->m, f->period)->from_day, span(w->m, f->period)->to_day);
        if (cells[i] == DISCLOSURE_NONE && (!w->between || rules[f->id].over_time == SUM))
            cells[i] = add_cell(w, f);
    }
    return true;
}

static int by_day(const void *a, const void *b)
{
    const uint32_t *const x = a, *const y = b;
    return *x < *y ? -1 : *x > *y;
}

static const struct measure *measure_of(const struct measure *m,
                                        const struct published_view *others, size_t v)
{
    return v == 0 ? m : others[v - 1].m;
}

/* Days on which a period of some view begins, or behind which one ends; ascending. NULL: no memory.
 */
static uint32_t *edges_of(size_t *ret_count, const struct measure *m,
                          const struct published_view *others, size_t count)
{
    size_t n = 0, kept = 0, all = 0;
    for (size_t v = 0; v <= count; v++)
        all += 2 * (measure_of(m, others, v)->periods_count + 1);
    uint32_t *const days = malloc(all * sizeof *days);
    if (days == NULL)
        return NULL;
    for (size_t v = 0; v <= count; v++) {
        const struct measure *const x = measure_of(m, others, v);
        for (uint32_t p = 0; p <= x->periods_count; p++) {
            days[n++] = span(x, p)->from_day;
            days[n++] = span(x, p)->to_day + 1;
        }
    }
    qsort(days, n, sizeof *days, by_day);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || days[kept - 1] != days[i])
            days[kept++] = days[i];
    }
    *ret_count = kept;
    return days;
}

static bool has_span(const struct measure *m, uint32_t from, uint32_t behind, uint32_t *ret_period)
{
    for (uint32_t p = 0; p <= m->periods_count; p++) {
        if (span(m, p)->from_day == from && span(m, p)->to_day + 1 == behind) {
            *ret_period = p;
            return true;
        }
    }
    return false;
}

static bool is_inside(const struct measure *m, uint32_t from, uint32_t behind)
{
    return span(m, (uint32_t)m->periods_count)->from_day <= from &&
           behind <= span(m, (uint32_t)m->periods_count)->to_day + 1;
}

enum mr_status published_between(struct mr_stats_period *ret, size_t *ret_count, size_t max,
                                 const struct measure *m, const struct published_view *others,
                                 size_t count)
{
    size_t edges, n = 0;
    uint32_t period, *const days = edges_of(&edges, m, others, count);
    *ret_count = 0;
    if (days == NULL)
        return MR_NO_MEMORY;
    for (size_t i = 0; i + 1 < edges; i++) {
        bool inside = false, there = false;
        for (size_t v = 0; v <= count; v++) {
            const struct measure *const x = measure_of(m, others, v);
            inside = inside || is_inside(x, days[i], days[i + 1]);
            there = there || has_span(x, days[i], days[i + 1], &period);
        }
        if (!inside || there)
            continue;
        if (n == max)
            break;
        ret[n++] = (struct mr_stats_period){days[i], days[i + 1] - 1};
    }
    const bool all = n < max || edges == 0;
    free(days);
    *ret_count = n;
    return all ? MR_OK : MR_OUT_OF_RANGE;
}

/* Edges, and for each view and edge the period that goes from it to the next one. */
struct grid {
    const struct work *views;
    size_t count, edges;
    uint32_t *days, *period;
};

static bool make_grid(struct grid *g, const struct measure *m, const struct published_view *others)
{
    g->days = edges_of(&g->edges, m, others, g->count - 1);
    g->period = calloc(g->count * (g->edges + 1), sizeof *g->period);
    if (g->days == NULL || g->period == NULL)
        return false;
    for (size_t v = 0; v < g->count; v++) {
        for (size_t k = 0; k + 1 < g->edges; k++) {
            uint32_t *const at = &g->period[v * g->edges + k];
            if (!has_span(g->views[v].m, g->days[k], g->days[k + 1], at))
                *at = MR_STATS_NONE;
            else if (g->views[v].between) /* the whole alone has cells */
                *at = g->views[v].whole;
        }
    }
    return true;
}

/* The cell of a figure in the days from an edge to the next; DISCLOSURE_NONE: it is nothing. */
static size_t between(const struct grid *g, const struct mr_stats_figure *f, size_t edge,
                      bool *ret_found)
{
    *ret_found = false;
    for (size_t v = 0; v < g->count; v++) {
        const uint32_t period = g->period[v * g->edges + edge];
        if (period == MR_STATS_NONE)
            continue;
        *ret_found = true;
        const size_t i = work_at(&g->views[v], f->id, period, f->row, f->column);
        if (i != DISCLOSURE_NONE) /* else another view may have it: one by months */
            return g->views[v].cell[i];
    }
    return DISCLOSURE_NONE;
}

/* What adds up over a period is the sum of what lies between edges inside of it. */
static void add_sum(const struct grid *g, const struct work *w, size_t i)
{
    const struct mr_stats_figure *const f = work_figure(w, i);
    const uint32_t from = span(w->m, f->period)->from_day;
    const uint32_t behind = span(w->m, f->period)->to_day + 1;
    const uint32_t *const first = bsearch(&from, g->days, g->edges, sizeof from, by_day);
    bool found = true;
    size_t k = (size_t)(first - g->days), parts = 0;
    disclosure_relation(w->d, DISCLOSURE_NONE, true);
    disclosure_term(w->d, w->cell[i], -1, 1);
    for (; found && g->days[k] < behind; k++, parts++)
        disclosure_term(w->d, between(g, f, k, &found), 1, 1);
    if (!found || parts < 2)
        disclosure_forget(w->d);
}

static enum mr_status add_sums(const struct work *views, size_t count, const struct measure *m,
                               const struct published_view *others)
{
    struct grid g = {.views = views, .count = count};
    const bool made = make_grid(&g, m, others);
    for (size_t v = 0; made && v < count; v++) {
        for (size_t i = 0; i < views[v].m->figures_count; i++) {
            const struct mr_stats_figure *const f = work_figure(&views[v], i);
            if (rules[f->id].over_time == SUM && f->state == MR_STATS_VALUE &&
                views[v].cell[i] != DISCLOSURE_NONE)
                add_sum(&g, &views[v], i);
        }
    }
    free(g.days);
    free(g.period);
    return made ? MR_OK : MR_NO_MEMORY;
}

/* The difference of what was shown and what is now tells of those that were listed since. */
static void keep_moved(const struct work *w, const bool *moved)
{
    for (size_t i = 0; moved != NULL && i < w->m->figures_count; i++) {
        if (moved[i])
            disclosure_blank(w->d, w->cell[i]);
    }
}

/* What readers have stays as they have it. */
static void take_pattern(const struct work *w, const bool *shown, bool know)
{
    for (size_t i = 0; i < w->m->figures_count; i++) {
        if (work_figure(w, i)->state != MR_STATS_VALUE)
            continue;
        if (know && shown[i])
            disclosure_know(w->d, w->cell[i]);
        else if (!know && !shown[i])
            disclosure_hide(w->d, w->cell[i]);
    }
}

static bool make_view(struct work *views, size_t v, const struct published_view *others)
{
    struct work *const w = &views[v];
    w->between = v > 0 && others[v - 1].shown == NULL;
    w->sums = calloc((size_t)w->m->table.accounts_count + 1, sizeof *w->sums);
    if (w->sums == NULL || !make_index(w) || !give_cells(views, v))
        return false;
    blank_towns(w);
    blank_bases(w);
    for (size_t i = 0; w->between && i < w->m->figures_count; i++) {
        if (rules[w->m->figures[i].id].over_time == SUM)
            disclosure_unpublish(w->d, w->cell[i]);
    }
    return true;
}

static void find_before(struct work *views, size_t count, const struct published_view *others,
                        size_t v)
{
    const uint32_t begin = span(views[v].m, 0)->from_day;
    for (size_t u = 0; u < count; u++) {
        for (uint32_t p = 0; p < views[u].whole && (u == 0 || others[u - 1].shown != NULL); p++) {
            if (span(views[u].m, p)->to_day + 1 != begin)
                continue;
            views[v].before = &views[u];
            views[v].before_period = p;
        }
    }
}

/* Periods would differ by few in medians and shares too, where no blank of a sum helps. */
static bool differs_by_few(const struct work *w)
{
    return w->between && figure_small(w, work_one(w, MR_STATS_TURNOVER, w->whole));
}

static enum mr_status protect(struct work *views, size_t count, const struct measure *m,
                              const struct published_view *others)
{
    for (size_t v = 0; v < count; v++) {
        if (!make_view(views, v, others))
            return MR_NO_MEMORY;
        if (differs_by_few(&views[v]))
            return MR_CHECK_FAILED;
        if (v > 0)
            keep_moved(&views[v], others[v - 1].moved);
    }
    for (int know = 0; know < 2; know++) {
        for (size_t v = 1; v < count; v++) {
            if (others[v - 1].shown != NULL)
                take_pattern(&views[v], others[v - 1].shown, know == 1);
        }
    }
    for (size_t v = 0; v < count; v++) {
        find_before(views, count, others, v);
        if (views[v].between)
            work_equations_between(&views[v]);
        else
            work_equations(&views[v]);
    }
    const enum mr_status st = count == 1 ? MR_OK : add_sums(views, count, m, others);
    return st == MR_OK ? disclosure_protect(views[0].d) : st;
}

/* --- outside ---------------------------------------------------------------------------------- */

enum mr_status published_create(struct published *ret, const struct measure *m,
                                const struct published_view *others, size_t count)
{
    struct work *const views = calloc(count + 1, sizeof *views);
    *ret = (struct published){.m = m};
    enum mr_status st = views == NULL ? MR_NO_MEMORY : disclosure_create(&ret->disclosure);
    for (size_t v = 0; st == MR_OK && v <= count; v++) {
        views[v].m = measure_of(m, others, v);
        views[v].d = ret->disclosure;
        views[v].whole = (uint32_t)views[v].m->periods_count;
    }
    if (st == MR_OK)
        st = protect(views, count + 1, m, others);
    for (size_t v = 0; views != NULL && v <= count; v++) {
        free(views[v].first);
        free(views[v].sums);
        free(views[v].cell);
    }
    free(views);
    return st;
}

bool published_adds_up(enum mr_stats_id id)
{
    return rules[id].over_time == SUM;
}

enum mr_status published_refused(struct out *out)
{
    return out_fail(out, MR_CHECK_FAILED,
                    _("figures of few members would follow from others, whatever is kept back: "
                      "nothing is shown"));
}

void published_done(struct published *p)
{
    disclosure_destroy(p->disclosure);
    p->disclosure = NULL;
}

/* Figures of what is published have the first cells. */
enum disclosure_why published_why(const struct published *p, size_t i)
{
    return disclosure_why(p->disclosure, i);
}
