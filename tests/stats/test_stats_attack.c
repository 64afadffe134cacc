/* What a reader makes of what is published, without a list of identities: every figure that adds
 * up is a sum over movements between two groups of accounts in some days. Each such sum is an
 * unknown, each figure that is shown an equation between them; what is blank must not follow. The
 * reader here knows more than he should: which groups ever pay which, and that reserves are what is
 * owed. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "audit/published.h"
#include "lib/scratch.h"
#include "mereau/time.h"
#include "stats/town.h"

enum { DAY_FIRST = TOWN_DAY_FIRST, VIEWS = 40, COMBOS = 400, UNKNOWNS = 4000 };

#define PRIME UINT64_C(2147483629)

static struct town town;
static bool classes; /* somebody knows what is a shop */

/* --- publications ----------------------------------------------------------------------------- */

static struct measure measures[VIEWS];
static struct published_view views[VIEWS];
static size_t views_count, refused;

static void measure_days(struct measure *m, uint32_t first, uint32_t last, enum mr_stats_by by)
{
    const struct mr_stats_query q = {first, last, by, 0, NULL};
    *m = (struct measure){.table = town.table, .by = by};
    ck_assert_int_eq(mr_stats_create(&m->stats, &scratch_mem, &town.table, &q), MR_OK);
    mr_stats_few(m->stats, DISCLOSURE_MEMBERS_MIN, DISCLOSURE_SHARE_MAX);
    for (size_t i = 0; i < mr_stats_jobs(m->stats); i++)
        ck_assert_int_eq(mr_stats_run(m->stats, i), MR_OK);
    m->figures = mr_stats_figures(m->stats, &m->figures_count);
    m->periods = mr_stats_periods(m->stats, &m->periods_count);
}

/* Beside the first of those that were published before; what is refused is counted. */
static void publish_beside(size_t before, uint32_t days_from, uint32_t days_to, enum mr_stats_by by)
{
    struct published p;
    struct published_view beside[VIEWS];
    struct mr_stats_period between[VIEWS];
    struct measure gaps[VIEWS];
    size_t count = before, gaps_count;
    struct measure *const m = &measures[views_count];
    ck_assert_uint_lt(views_count + 1, VIEWS);
    measure_days(m, DAY_FIRST + days_from, DAY_FIRST + days_to, by);
    memcpy(beside, views, sizeof beside);
    ck_assert_int_eq(published_between(between, &gaps_count, VIEWS, m, views, count), MR_OK);
    ck_assert_uint_lt(count + gaps_count, VIEWS);
    for (size_t i = 0; before > 0 && i < gaps_count; i++) {
        measure_days(&gaps[i], between[i].from_day, between[i].to_day, MR_STATS_BY_YEAR);
        beside[count++] = (struct published_view){&gaps[i], NULL, NULL};
    }
    const enum mr_status st = published_create(&p, m, beside, count, NULL);
    ck_assert(st == MR_OK || (before > 0 && st == MR_CHECK_FAILED));
    bool *const shown = calloc(m->figures_count, sizeof *shown);
    for (size_t i = 0; i < m->figures_count; i++)
        shown[i] = published_why(&p, i) == DISCLOSURE_SHOWN;
    published_done(&p);
    for (size_t i = 0; before > 0 && i < gaps_count; i++)
        mr_stats_destroy(gaps[i].stats);
    if (st == MR_OK) {
        views[views_count++] = (struct published_view){m, shown, NULL};
        return;
    }
    refused++;
    free(shown);
    mr_stats_destroy(m->stats);
}

static void publish(uint32_t days_from, uint32_t days_to, enum mr_stats_by by)
{
    publish_beside(views_count, days_from, days_to, by);
}

static void forget(void)
{
    for (size_t v = 0; v < views_count; v++) {
        free((void *)(uintptr_t)views[v].shown);
        mr_stats_destroy(measures[v].stats);
    }
    views_count = refused = 0;
}

/* --- unknowns --------------------------------------------------------------------------------- */

static struct combo {
    uint8_t kind;
    uint32_t from, to; /* an account of the group */
} combos[COMBOS];
static size_t combos_count, edges_count, unknowns;
static uint32_t edges[VIEWS * 64]; /* days; the days before the first are a time of their own */

static bool same_group(uint32_t a, uint32_t b)
{
    return town.accounts[a].class == town.accounts[b].class &&
           town.accounts[a].association == town.accounts[b].association &&
           town.accounts[a].trade == town.accounts[b].trade;
}

static void find_combos(void)
{
    combos_count = 0;
    for (size_t i = 0; i < town.table.rows; i++) {
        size_t k = 0;
        if (town.unit[i] != 0)
            continue;
        while (k < combos_count &&
               !(combos[k].kind == town.kind[i] && same_group(combos[k].from, town.from[i]) &&
                 same_group(combos[k].to, town.to[i])))
            k++;
        ck_assert_uint_lt(k, COMBOS);
        if (k == combos_count)
            combos[combos_count++] = (struct combo){town.kind[i], town.from[i], town.to[i]};
    }
}

static int by_day(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void find_edges(void)
{
    size_t n = 0;
    for (size_t v = 0; v < views_count; v++) {
        for (size_t p = 0; p <= measures[v].periods_count; p++) {
            ck_assert_uint_lt(n + 2, sizeof edges / sizeof edges[0]);
            edges[n++] = measures[v].periods[p].from_day;
            edges[n++] = measures[v].periods[p].to_day + 1;
        }
    }
    qsort(edges, n, sizeof edges[0], by_day);
    edges_count = 0;
    for (size_t i = 0; i < n; i++) {
        if (edges_count == 0 || edges[edges_count - 1] != edges[i])
            edges[edges_count++] = edges[i];
    }
}

/* Time t ends with day edges[t] - 1. */
static size_t unknown(size_t t, size_t combo)
{
    return t * combos_count + combo;
}

/* Mean stocks are of no such sum: an unknown for each of the times. */
static size_t stock_unknown(size_t t)
{
    return edges_count * combos_count + t;
}

/* --- figures as sums -------------------------------------------------------------------------- */

static bool is(uint32_t account, enum mr_stats_scope scope)
{
    return mr_stats_in_scope(scope, town.accounts[account].class);
}

static bool is_among(const enum mr_stats_id *all, size_t count, enum mr_stats_id id)
{
    for (size_t i = 0; i < count; i++) {
        if (all[i] == id)
            return true;
    }
    return false;
}

/* How a movement counts for a sum that stands at the end of a period. */
static int stands(enum mr_stats_id id, const struct mr_stats_figure *f, const struct combo *c,
                  uint32_t account)
{
    const struct mr_stats_account *const x = &town.accounts[account];
    const bool all = id == MR_STATS_LAW_MASS_SHARE;
    switch ((int)id) {
    case MR_STATS_MASS:
        return f->row == 0 && x->class != MR_CLASS_ISSUER && x->class != MR_CLASS_WORLD;
    case MR_STATS_MASS_CLASS:
        return x->class == f->row;
    case MR_STATS_MASS_SHOPS:
        return x->class == MR_CLASS_SHOP;
    case MR_STATS_MASS_HOME:
        return is(account, MR_STATS_MEMBERS) && x->association == f->row;
    case MR_STATS_OPEN_SUM:
        return x->class == MR_CLASS_REDEEMED;
    case MR_STATS_OUTSTANDING:
    case MR_STATS_RESERVE:
    case MR_STATS_LAW_MASS_SHARE:
        return x->class == MR_CLASS_ISSUER && (all || x->association == f->row) ? -1 : 0;
    case MR_STATS_POSITION:
        return c->kind == MR_STATS_PAY && is(c->from, MR_STATS_MEMBERS) &&
               is(c->to, MR_STATS_MEMBERS) &&
               town.accounts[c->from].association != town.accounts[c->to].association &&
               x->association == f->row;
    default:
        return 0;
    }
}

static bool is_stand(enum mr_stats_id id)
{
    static const enum mr_stats_id all[] = {
        MR_STATS_MASS,           MR_STATS_MASS_CLASS,  MR_STATS_MASS_SHOPS,
        MR_STATS_MASS_HOME,      MR_STATS_OUTSTANDING, MR_STATS_RESERVE,
        MR_STATS_LAW_MASS_SHARE, MR_STATS_OPEN_SUM,    MR_STATS_POSITION};
    return is_among(all, sizeof all / sizeof all[0], id);
}

static bool circulates(const struct combo *c)
{
    return c->kind == MR_STATS_PAY && is(c->from, MR_STATS_CIRCULATING) &&
           is(c->to, MR_STATS_CIRCULATING);
}

static bool to_shop(const struct combo *c, bool from_residents)
{
    return circulates(c) && town.accounts[c->to].class == MR_CLASS_SHOP &&
           (town.accounts[c->from].class == MR_CLASS_SHOP ||
            (from_residents && town.accounts[c->from].class == MR_CLASS_RESIDENT));
}

static bool is_public(const struct combo *c)
{
    const bool hall = town.accounts[c->from].class == MR_CLASS_MUNICIPALITY;
    return town.accounts[c->to].class != MR_CLASS_MUNICIPALITY && is(c->to, MR_STATS_CIRCULATING) &&
           (c->kind == MR_STATS_ASSIGNED || (hall && c->kind == MR_STATS_PAY));
}

/* How a movement counts for a sum of a period. */
static int flows(enum mr_stats_id id, const struct mr_stats_figure *f, const struct combo *c)
{
    const struct mr_stats_account *const a = &town.accounts[c->from], *const b =
                                                                          &town.accounts[c->to];
    const bool pays = c->kind == MR_STATS_PAY;
    const int issued = c->kind == MR_STATS_ISSUE || c->kind == MR_STATS_ASSIGNED;
    const int back = (c->kind == MR_STATS_REDEEM) - (c->kind == MR_STATS_RETURN);
    switch ((int)id) {
    case MR_STATS_CONVERTED:
        return issued;
    case MR_STATS_REDEEMED:
        return back;
    case MR_STATS_NET_ISSUE:
        return issued - back;
    case MR_STATS_SWEPT:
        return c->kind == MR_STATS_SWEEP;
    case MR_STATS_TURNOVER:
        return circulates(c);
    case MR_STATS_LAW_PAID:
        return pays && is(c->from, MR_STATS_MEMBERS) && is(c->to, MR_STATS_MEMBERS);
    case MR_STATS_FLOW_CLASS:
        return pays && a->class == f->row && b->class == f->column;
    case MR_STATS_FLOW_TRADE:
        return circulates(c) && a->trade == f->row && b->trade == f->column;
    case MR_STATS_FLOW_HOME:
        return pays && is(c->from, MR_STATS_MEMBERS) && is(c->to, MR_STATS_MEMBERS) &&
               a->association == f->row && b->association == f->column;
    case MR_STATS_PUBLIC_SPENT:
        return is_public(c);
    case MR_STATS_V_GOODS:
        return to_shop(c, true);
    case MR_STATS_B2B:
    case MR_STATS_V_SHOPS:
        return to_shop(c, false);
    default:
        return 0;
    }
}

static bool is_flow(enum mr_stats_id id)
{
    static const enum mr_stats_id all[] = {
        MR_STATS_CONVERTED,  MR_STATS_REDEEMED,  MR_STATS_NET_ISSUE,
        MR_STATS_SWEPT,      MR_STATS_TURNOVER,  MR_STATS_FLOW_CLASS,
        MR_STATS_FLOW_TRADE, MR_STATS_FLOW_HOME, MR_STATS_PUBLIC_SPENT};
    return is_among(all, sizeof all / sizeof all[0], id);
}

/* --- equations -------------------------------------------------------------------------------- */

static uint64_t (*matrix)[UNKNOWNS], line[UNKNOWNS];
static size_t *pivots, rank;

static uint64_t power(uint64_t a, uint64_t e)
{
    uint64_t r = 1;
    for (; e > 0; e >>= 1, a = a * a % PRIME)
        r = (e & 1) != 0 ? r * a % PRIME : r;
    return r;
}

static uint64_t modulo(mr_stats_wide n)
{
    const mr_stats_wide rest = n % (mr_stats_wide)PRIME;
    return (uint64_t)(rest < 0 ? rest + (mr_stats_wide)PRIME : rest);
}

/* Adds factor x the sum that an indicator is, in a period. */
static void add(enum mr_stats_id id, const struct mr_stats_figure *f,
                const struct mr_stats_period *p, mr_stats_wide factor)
{
    for (size_t t = 0; t < edges_count; t++) {
        const bool before = edges[t] <= p->to_day + 1;
        const bool inside = before && t > 0 && edges[t - 1] >= p->from_day;
        for (size_t k = 0; before && k < combos_count; k++) {
            const int n = is_stand(id) ? stands(id, f, &combos[k], combos[k].to) -
                                             stands(id, f, &combos[k], combos[k].from)
                          : inside ? flows(id, f, &combos[k])
                                   : 0;
            line[unknown(t, k)] = (line[unknown(t, k)] + modulo(n * factor)) % PRIME;
        }
    }
}

static void add_stock(const struct mr_stats_period *p, mr_stats_wide factor)
{
    for (size_t t = 1; t < edges_count; t++) {
        if (edges[t - 1] >= p->from_day && edges[t] <= p->to_day + 1)
            line[stock_unknown(t)] = (line[stock_unknown(t)] + modulo(factor)) % PRIME;
    }
}

/* The equation that a figure is: a sum, or a quotient that is known, times its base, less its sum.
 */
static bool begin_line(const struct measure *m, const struct mr_stats_figure *f, bool known)
{
    const struct mr_stats_period *const p = &m->periods[f->period];
    const mr_stats_wide days = (mr_stats_wide)p->to_day - p->from_day + 1, n = f->num, d = f->den;
    memset(line, 0, unknowns * sizeof line[0]);
    if (f->state != MR_STATS_VALUE)
        return false;
    if (f->id == MR_STATS_LAW_PAID || f->id == MR_STATS_LAW_PAID_SHARE) {
        /* the ledger is younger than a year: all members' payments up to here */
        const struct mr_stats_period all = {0, p->to_day};
        add(MR_STATS_LAW_PAID, f, &all, 1);
        return true;
    }
    if ((is_flow(f->id) || is_stand(f->id)) && f->id != MR_STATS_MASS_SHOPS) {
        add(f->id, f, p, 1);
        return true;
    }
    if (f->id == MR_STATS_STOCK) {
        add_stock(p, 1);
        return true;
    }
    if (!known)
        return false;
    switch ((int)f->id) {
    case MR_STATS_MASS_SHOPS:
        add(MR_STATS_MASS_SHOPS, f, p, d);
        add(MR_STATS_MASS, f, p, -n);
        return true;
    case MR_STATS_RHO:
        add(MR_STATS_REDEEMED, f, p, d);
        add(MR_STATS_CONVERTED, f, p, -n);
        return true;
    case MR_STATS_PASSED_ON:
        add(MR_STATS_REDEEMED, f, p, -d);
        add(MR_STATS_TURNOVER, f, p, d - n);
        return true;
    case MR_STATS_MULTIPLIER:
        add(MR_STATS_TURNOVER, f, p, d);
        add(MR_STATS_CONVERTED, f, p, -n);
        return true;
    case MR_STATS_B2B:
        add(MR_STATS_B2B, f, p, d);
        add(MR_STATS_TURNOVER, f, p, -n);
        return true;
    case MR_STATS_C_OVER_M:
    case MR_STATS_R_OVER_M:
        add(f->id == MR_STATS_C_OVER_M ? MR_STATS_CONVERTED : MR_STATS_REDEEMED, f, p, d * days);
        add_stock(p, -n);
        return true;
    case MR_STATS_V_ALL:
    case MR_STATS_V_GOODS:
    case MR_STATS_V_SHOPS:
        add(f->id == MR_STATS_V_ALL ? MR_STATS_TURNOVER : f->id, f, p, 365 * d);
        add_stock(p, -n);
        return true;
    default:
        return false;
    }
}

/* The first unknown of the line that counts; `unknowns`: none does. */
static size_t first_of_line(void)
{
    size_t i = 0;
    while (i < unknowns && line[i] == 0)
        i++;
    return i;
}

/* What is nothing by its definition is no secret. */
static bool is_any(void)
{
    return first_of_line() < unknowns;
}

/* Takes the known equations off the line; whether nothing is left of it. */
static bool reduce(void)
{
    for (size_t r = 0; r < rank; r++) {
        const uint64_t factor = line[pivots[r]];
        for (size_t i = pivots[r]; factor != 0 && i < unknowns; i++)
            line[i] = (line[i] + (PRIME - factor) * matrix[r][i]) % PRIME;
    }
    return !is_any();
}

/* Rows are kept by their pivots, ascending, so that one pass reduces. */
static void learn(void)
{
    size_t at = rank;
    if (reduce())
        return;
    const size_t first = first_of_line();
    const uint64_t one = power(line[first], PRIME - 2);
    while (at > 0 && pivots[at - 1] > first)
        at--;
    memmove(&matrix[at + 1], &matrix[at], (rank - at) * sizeof matrix[0]);
    memmove(&pivots[at + 1], &pivots[at], (rank - at) * sizeof pivots[0]);
    for (size_t i = 0; i < unknowns; i++)
        matrix[at][i] = line[i] * one % PRIME;
    pivots[at] = first;
    rank++;
}

/* --- the attack ------------------------------------------------------------------------------- */

static void begin_attack(void)
{
    find_combos();
    find_edges();
    unknowns = edges_count * combos_count + edges_count;
    ck_assert_uint_lt(unknowns, UNKNOWNS);
    matrix = malloc((unknowns + 1) * sizeof *matrix);
    pivots = malloc((unknowns + 1) * sizeof *pivots);
    ck_assert(matrix != NULL && pivots != NULL);
    rank = 0;
}

enum side { PAYERS, PAYEES, BOTH };

/* Few, or one that has nearly all of it. */
static bool few(enum mr_stats_id id, const struct mr_stats_figure *f,
                const struct mr_stats_period *p, enum side side)
{
    static int64_t given[TOWN_ACCOUNTS], got[TOWN_ACCOUNTS];
    int64_t all = 0, largest = 0;
    uint32_t members = 0;
    memset(given, 0, sizeof given);
    memset(got, 0, sizeof got);
    for (size_t i = 0; i < town.table.rows; i++) {
        const struct combo c = {town.kind[i], town.from[i], town.to[i]};
        const uint32_t day = (uint32_t)(town.time_ms[i] / MR_DAY_MS);
        const bool inside = town.unit[i] == 0 && day <= p->to_day && day >= p->from_day;
        if (!inside || flows(id, f, &c) == 0)
            continue;
        given[town.from[i]] += side == PAYEES ? 0 : town.amount[i];
        got[town.to[i]] += side == PAYERS ? 0 : town.amount[i];
        all += town.amount[i];
    }
    for (size_t a = 0; a < TOWN_ACCOUNTS; a++) {
        members += given[a] > 0 || got[a] > 0 ? 1 : 0;
        largest = given[a] > largest ? given[a] : largest;
        largest = got[a] > largest ? got[a] : largest;
    }
    return members > 0 && (members < 5 || largest * 10 > all * 8);
}

/* Of a flow: whether few stand behind it on either side, but for the books'. Of the turnover: on
 * both sides together. */
static bool is_secret(enum mr_stats_id id, const struct mr_stats_figure *f,
                      const struct mr_stats_period *p)
{
    if (id == MR_STATS_CONVERTED || id == MR_STATS_PUBLIC_SPENT)
        return few(id, f, p, PAYEES);
    if (id == MR_STATS_REDEEMED || id == MR_STATS_SWEPT)
        return few(id, f, p, PAYERS);
    if (id == MR_STATS_TURNOVER)
        return few(id, f, p, BOTH);
    return id != MR_STATS_NET_ISSUE && (few(id, f, p, PAYEES) || few(id, f, p, PAYERS));
}

/* A balance: by the accounts that hold it. */
static bool is_held_by_few(const struct mr_stats_figure *f)
{
    const bool books = f->id == MR_STATS_MASS_CLASS && !mr_stats_in_scope(MR_STATS_MEMBERS, f->row);
    return (f->id == MR_STATS_MASS_CLASS || f->id == MR_STATS_MASS_HOME ||
            f->id == MR_STATS_MASS) &&
           !books && f->members > 0 && (f->members < 5 || f->largest * 10 > f->num * 8);
}

static void tell(enum mr_stats_id id, const struct mr_stats_figure *f,
                 const struct mr_stats_period *p)
{
    char first[16], last[16];
    measure_day(first, p->from_day);
    measure_day(last, p->to_day);
    fprintf(stderr, "%s %u/%u %s to %s\n", mr_stats_indicator(id)->id, (unsigned)f->row,
            (unsigned)f->column, first, last);
}

static void learn_all(void)
{
    for (size_t v = 0; v < views_count; v++) {
        const struct measure *const m = &measures[v];
        for (size_t i = 0; i < m->figures_count; i++) {
            if (views[v].shown[i] && begin_line(m, &m->figures[i], true))
                learn();
        }
    }
}

/* Sums of few that follow from what is shown. */
static size_t solve_figures(size_t *ret_secrets)
{
    size_t found = 0;
    for (size_t v = 0; v < views_count; v++) {
        const struct measure *const m = &measures[v];
        for (size_t i = 0; i < m->figures_count; i++) {
            const struct mr_stats_figure *const f = &m->figures[i];
            const struct mr_stats_period *const p = &m->periods[f->period];
            if (f->state != MR_STATS_VALUE ||
                !(is_flow(f->id) ? is_secret(f->id, f, p) : is_held_by_few(f)))
                continue;
            (*ret_secrets)++;
            if (!begin_line(m, f, false) || !is_any() || !reduce())
                continue;
            tell(f->id, f, p);
            found++;
        }
    }
    return found;
}

/* The same of what is in no table: days between the edges, and one association alone. */
static size_t solve_between(size_t *ret_secrets)
{
    static const enum mr_stats_id ids[] = {MR_STATS_CONVERTED, MR_STATS_REDEEMED,
                                           MR_STATS_TURNOVER,  MR_STATS_PUBLIC_SPENT,
                                           MR_STATS_FLOW_HOME, MR_STATS_FLOW_CLASS};
    size_t found = 0;
    for (size_t t = 1; t < edges_count; t++) {
        const struct mr_stats_period p = {edges[t - 1], edges[t] - 1};
        for (size_t k = 0; k < sizeof ids / sizeof ids[0]; k++) {
            for (uint32_t cell = 0; cell < (k < 4 ? 1 : k == 4 ? 4 : 16); cell++) {
                const struct mr_stats_figure f = {.id = ids[k],
                                                  .row = k == 4 ? cell / 2 : cell / 4 + 1,
                                                  .column = k == 4 ? cell % 2 : cell % 4 + 1};
                memset(line, 0, unknowns * sizeof line[0]);
                add(ids[k], &f, &p, 1);
                if (!is_any() || !is_secret(ids[k], &f, &p))
                    continue;
                (*ret_secrets)++;
                if (!reduce())
                    continue;
                tell(ids[k], &f, &p);
                found++;
            }
        }
    }
    return found;
}

/* Whether few stand behind the circulation payments that are not of an indicator. */
static bool few_beside(enum mr_stats_id id, const struct mr_stats_period *p)
{
    static int64_t given[TOWN_ACCOUNTS], got[TOWN_ACCOUNTS];
    int64_t all = 0, largest = 0;
    uint32_t members = 0;
    memset(given, 0, sizeof given);
    memset(got, 0, sizeof got);
    for (size_t i = 0; i < town.table.rows; i++) {
        const struct combo c = {town.kind[i], town.from[i], town.to[i]};
        const uint32_t day = (uint32_t)(town.time_ms[i] / MR_DAY_MS);
        if (town.unit[i] != 0 || day > p->to_day || day < p->from_day || !circulates(&c) ||
            flows(id, NULL, &c) != 0)
            continue;
        given[town.from[i]] += town.amount[i];
        got[town.to[i]] += town.amount[i];
        all += town.amount[i];
    }
    for (size_t a = 0; a < TOWN_ACCOUNTS; a++) {
        members += given[a] > 0 || got[a] > 0 ? 1 : 0;
        largest = given[a] > largest ? given[a] : largest;
        largest = got[a] > largest ? got[a] : largest;
    }
    return members > 0 && (members < 5 || largest * 10 > all * 8);
}

/* What is paid otherwise than to shops, or between them: 1 less a share. */
static size_t solve_rests(size_t *ret_secrets)
{
    static const enum mr_stats_id ids[] = {MR_STATS_V_GOODS, MR_STATS_B2B};
    size_t found = 0;
    for (size_t v = 0; v < views_count; v++) {
        const struct measure *const m = &measures[v];
        for (size_t i = 0; i < 2 * (m->periods_count + 1); i++) {
            const struct mr_stats_period *const p = &m->periods[i / 2];
            const struct mr_stats_figure f = {.id = ids[i % 2]};
            if (!few_beside(f.id, p))
                continue;
            (*ret_secrets)++;
            memset(line, 0, unknowns * sizeof line[0]);
            add(MR_STATS_TURNOVER, &f, p, 1);
            add(f.id, &f, p, -1);
            if (!is_any() || !reduce())
                continue;
            tell(f.id, &f, p);
            found++;
        }
    }
    return found;
}

static size_t attack(void)
{
    size_t secrets = 0;
    begin_attack();
    learn_all();
    const size_t found =
        solve_figures(&secrets) + solve_between(&secrets) + (classes ? solve_rests(&secrets) : 0);
    ck_assert_uint_gt(secrets, 0);
    free(matrix);
    free(pivots);
    return found;
}

static size_t count_shown(size_t v, enum mr_stats_id id)
{
    size_t n = 0;
    for (size_t i = 0; i < measures[v].figures_count; i++)
        n += measures[v].figures[i].id == id && views[v].shown[i] ? 1 : 0;
    return n;
}

/* _i: seed; fees, and how many convert, go with it. */
static void make(int i, uint32_t days)
{
    town_make(&town, (uint64_t)i + 1, days, i % 2 == 1, i % 4 < 2);
    classes = true;
}

START_TEST(by_month)
{
    make(_i, 181);
    publish(0, 180, MR_STATS_BY_MONTH);
    ck_assert_uint_eq(attack(), 0);
    /* and not by hiding it all */
    ck_assert_uint_ge(count_shown(0, MR_STATS_MASS) + count_shown(0, MR_STATS_TURNOVER), 8);
    forget();
}
END_TEST

START_TEST(by_week)
{
    make(_i, 60);
    publish(3, 59, MR_STATS_BY_WEEK);
    ck_assert_uint_eq(attack(), 0);
    forget();
}
END_TEST

/* Nobody knows a class, a home or a trade: totals without parts. */
START_TEST(without_classes)
{
    static const enum mr_stats_by by[] = {MR_STATS_BY_WEEK, MR_STATS_BY_MONTH};
    for (size_t i = 0; i < sizeof by / sizeof by[0]; i++) {
        make(_i, 120);
        town_strip(&town);
        classes = false;
        publish(0, 119, by[i]);
        ck_assert_uint_eq(attack(), 0);
        ck_assert_uint_ge(count_shown(0, MR_STATS_STOCK) + count_shown(0, MR_STATS_TURNOVER), 5);
        forget();
    }
}
END_TEST

/* The whole of a publication of each quarter is that quarter. */
START_TEST(months_beside_quarters)
{
    make(_i, 181);
    publish(0, 89, MR_STATS_BY_YEAR);
    ck_assert_uint_eq(attack(), 0);
    publish(90, 180, MR_STATS_BY_YEAR);
    ck_assert_uint_eq(attack(), 0);
    publish(0, 180, MR_STATS_BY_MONTH);
    ck_assert_uint_eq(attack(), 0);
    ck_assert_uint_eq(refused, 0);
    forget();
}
END_TEST

START_TEST(weeks_beside_months)
{
    make(_i, 90);
    publish(0, 89, MR_STATS_BY_MONTH);
    ck_assert_uint_eq(attack(), 0);
    publish(0, 89, MR_STATS_BY_WEEK);
    ck_assert_uint_eq(attack(), 0);
    forget();
}
END_TEST

START_TEST(months_beside_weeks)
{
    make(_i, 90);
    publish(0, 89, MR_STATS_BY_WEEK);
    publish(0, 89, MR_STATS_BY_MONTH);
    ck_assert_uint_eq(attack(), 0);
    forget();
}
END_TEST

/* Again and again, each a month longer. */
START_TEST(every_month)
{
    static const uint32_t ends[] = {58, 89, 119, 150, 180};
    make(_i, 181);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        publish(0, ends[i], MR_STATS_BY_MONTH);
        ck_assert_uint_eq(attack(), 0);
    }
    ck_assert_uint_eq(refused, 0);
    forget();
}
END_TEST

/* Each cuts the last month of the one before: these are refused, or give nothing away. */
START_TEST(every_fortnight)
{
    make(_i, 121);
    for (uint32_t last = 60; last < 121; last += 14) {
        publish(0, last, MR_STATS_BY_MONTH);
        ck_assert_uint_eq(attack(), 0);
    }
    forget();
}
END_TEST

/* Without a look at what was published before, differences tell of few. */
START_TEST(the_attack_sees)
{
    make(_i, 121);
    for (uint32_t last = 60; last < 121; last += 14)
        publish_beside(0, 0, last, MR_STATS_BY_MONTH);
    ck_assert_uint_gt(attack(), 0);
    forget();
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("stats_attack");
    TCase *const c = tcase_create("attack");
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, by_month, 0, 8);
    tcase_add_loop_test(c, by_week, 0, 4);
    tcase_add_loop_test(c, without_classes, 0, 8);
    tcase_add_loop_test(c, months_beside_quarters, 0, 4);
    tcase_add_loop_test(c, weeks_beside_months, 0, 4);
    tcase_add_loop_test(c, months_beside_weeks, 0, 4);
    tcase_add_loop_test(c, every_month, 0, 4);
    tcase_add_loop_test(c, every_fortnight, 0, 4);
    tcase_add_loop_test(c, the_attack_sees, 0, 4);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
