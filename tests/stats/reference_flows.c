/* Structure: matrices of all accounts, closures, cycles found one by one. */
#include "stats/reference.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { N = 512 };

static int64_t w[N][N];     /* circulation of the period, by payer and payee */
static int64_t w_all[N][N]; /* all payments */
static bool reach[N][N];

static void fill(const struct reference *r, uint64_t begin, uint64_t end)
{
    ck_assert_uint_le(r->t->accounts_count, N);
    memset(w, 0, sizeof w);
    memset(w_all, 0, sizeof w_all);
    for (size_t i = 0; i < r->t->rows; i++) {
        if (r->t->kind[i] != MR_STATS_PAY || r->t->unit[i] != 0 || r->t->time_ms[i] < begin ||
            r->t->time_ms[i] >= end)
            continue;
        w_all[r->t->from[i]][r->t->to[i]] += r->t->amount[i];
        if (ref_pays(r, i, begin, end))
            w[r->t->from[i]][r->t->to[i]] += r->t->amount[i];
    }
}

static uint32_t value(const struct reference *r, enum mr_stats_id id, uint32_t a)
{
    const struct mr_stats_account *const x = &r->t->accounts[a];
    return id == MR_STATS_FLOW_CLASS   ? x->class
           : id == MR_STATS_FLOW_TRADE ? x->trade
                                       : x->association;
}

/* One cell; the fewer of payers and payees, the larger of their largest. */
static void cell(struct reference *r, enum mr_stats_id id, uint32_t period, uint32_t row,
                 uint32_t column)
{
    int64_t(*const m)[N] = id == MR_STATS_FLOW_TRADE ? w : w_all;
    const enum mr_stats_scope scope = id == MR_STATS_FLOW_HOME ? MR_STATS_MEMBERS : MR_STATS_ALL;
    int64_t out[N] = {0}, in[N] = {0}, largest = 0;
    uint32_t payers = 0, payees = 0;
    wide sum = 0;
    for (uint32_t a = 0; a < r->t->accounts_count; a++) {
        for (uint32_t b = 0; b < r->t->accounts_count; b++) {
            if (value(r, id, a) != row || value(r, id, b) != column || !ref_is(r, a, scope) ||
                !ref_is(r, b, scope))
                continue;
            out[a] += m[a][b];
            in[b] += m[a][b];
            sum += m[a][b];
        }
    }
    for (uint32_t a = 0; a < r->t->accounts_count; a++) {
        payers += out[a] > 0;
        payees += in[a] > 0;
        largest = out[a] > largest ? out[a] : largest;
        largest = in[a] > largest ? in[a] : largest;
    }
    if (sum == 0)
        return;
    struct mr_stats_figure *const f = ref_put(r, id, period, row, column, sum, 1);
    f->members = payers < payees ? payers : payees;
    f->largest = largest;
}

static void matrix(struct reference *r, enum mr_stats_id id, uint32_t period, uint32_t values)
{
    for (uint32_t a = 0; a <= values; a++) {
        for (uint32_t b = 0; b <= values; b++)
            cell(r, id, period, a < values ? a : MR_STATS_NONE, b < values ? b : MR_STATS_NONE);
    }
}

static void pairs(struct reference *r, uint32_t period)
{
    wide both = 0, all = 0, count = 0, shops = 0, persons = 0;
    const uint32_t n = r->t->accounts_count;
    for (uint32_t a = 0; a < n; a++) {
        bool knows = false;
        for (uint32_t b = 0; b < n; b++) {
            all += w[a][b];
            if (a < b) {
                both += w[a][b] < w[b][a] ? w[a][b] : w[b][a];
                count += w[a][b] > 0 && w[b][a] > 0;
            }
            if (ref_class(r, a) == MR_CLASS_RESIDENT && ref_class(r, b) == MR_CLASS_SHOP &&
                w[a][b] > 0) {
                knows = true;
                shops++;
            }
        }
        persons += knows;
    }
    ref_put(r, MR_STATS_PAIRS, period, 0, 0, count, 1);
    ref_put(r, MR_STATS_RECIPROCITY, period, 0, 0, 2 * both, all);
    if (ref_has_classes(r))
        ref_put(r, MR_STATS_SHOPS_PER, period, 0, 0, shops, persons)->members = (uint32_t)persons;
    else
        ref_none(r, MR_STATS_SHOPS_PER, period, MR_STATS_NO_CLASS);
}

static void suppliers(struct reference *r, uint32_t period)
{
    wide found = 0;
    if (!ref_has_classes(r)) {
        ref_none(r, MR_STATS_SUPPLIERS, period, MR_STATS_NO_CLASS);
        return;
    }
    for (size_t i = 0; i < r->t->rows; i++) {
        bool known = !ref_pays(r, i, ref_begin(r, period), ref_end(r, period)) ||
                     ref_class(r, r->t->from[i]) != MR_CLASS_SHOP ||
                     ref_class(r, r->t->to[i]) != MR_CLASS_SHOP;
        for (size_t k = 0; !known && k < i; k++)
            known = r->t->kind[k] == MR_STATS_PAY && r->t->unit[k] == 0 &&
                    r->t->from[k] == r->t->from[i] && r->t->to[k] == r->t->to[i];
        found += !known;
    }
    ref_put(r, MR_STATS_SUPPLIERS, period, 0, 0, found, 1);
}

static void core(struct reference *r, uint32_t period)
{
    const uint32_t n = r->t->accounts_count;
    wide best = 0, best_inside = 0, all = 0;
    for (uint32_t a = 0; a < n; a++) {
        for (uint32_t b = 0; b < n; b++) {
            reach[a][b] = w[a][b] > 0;
            all += w[a][b];
        }
    }
    for (uint32_t k = 0; k < n; k++) {
        for (uint32_t a = 0; a < n; a++) {
            for (uint32_t b = 0; reach[a][k] && b < n; b++)
                reach[a][b] = reach[a][b] || reach[k][b];
        }
    }
    for (uint32_t root = 0; root < n; root++) {
        wide size = 0, inside = 0;
        for (uint32_t a = 0; reach[root][root] && a < n; a++) {
            if (!reach[root][a] || !reach[a][root])
                continue;
            size++;
            for (uint32_t b = 0; b < n; b++)
                inside += reach[root][b] && reach[b][root] ? w[a][b] : 0;
        }
        if (size > best || (size == best && inside > best_inside)) {
            best = size;
            best_inside = inside;
        }
    }
    ref_put(r, MR_STATS_CORE, period, 0, 0, best, 1);
    ref_put(r, MR_STATS_CORE_SHARE, period, 0, 0, best_inside, all);
}

/* The maximum circulation: as long as there is a cycle that gains, push through it (Klein). */
static int64_t flow[N][N];

static bool push_a_cycle(uint32_t n)
{
    static int64_t distance[N];
    static uint32_t before[N];
    uint32_t last = N;
    memset(distance, 0, sizeof distance);
    for (uint32_t round = 0; round <= n; round++) {
        last = N;
        for (uint32_t a = 0; a < n; a++) {
            for (uint32_t b = 0; b < n; b++) {
                /* on: gains 1 a unit; back: loses 1 */
                const bool on = flow[a][b]<w[a][b], back = flow[b][a]> 0;
                if (!on && !back)
                    continue;
                const int64_t d = distance[a] + (on ? -1 : 1);
                if (d < distance[b]) {
                    distance[b] = d;
                    before[b] = a;
                    last = b;
                }
            }
        }
        if (last == N)
            return false;
    }
    for (uint32_t i = 0; i < n; i++)
        last = before[last];
    int64_t amount = INT64_MAX;
    uint32_t b = last;
    do {
        const uint32_t a = before[b];
        const int64_t room = flow[a][b] < w[a][b] ? w[a][b] - flow[a][b] : flow[b][a];
        amount = room < amount ? room : amount;
        b = a;
    } while (b != last);
    do {
        const uint32_t a = before[b];
        if (flow[a][b] < w[a][b])
            flow[a][b] += amount;
        else
            flow[b][a] -= amount;
        b = a;
    } while (b != last);
    return true;
}

static wide most_that_goes_round(uint32_t n)
{
    wide sum = 0;
    memset(flow, 0, sizeof flow);
    while (push_a_cycle(n))
        ;
    for (uint32_t a = 0; a < n; a++) {
        for (uint32_t b = 0; b < n; b++)
            sum += flow[a][b];
    }
    return sum;
}

static void circularity(struct reference *r, uint32_t period)
{
    const uint32_t n = r->t->accounts_count;
    wide all = 0, mutual = 0, edges = 0;
    fill(r, ref_month_begin(r->periods[period].to_day, 2), ref_end(r, period));
    for (uint32_t a = 0; a < n; a++) {
        for (uint32_t b = 0; b < n; b++)
            all += w[a][b];
    }
    ref_put(r, MR_STATS_CIRCULARITY_GROSS, period, 0, 0, most_that_goes_round(n), all);
    for (uint32_t a = 0; a < n; a++) {
        for (uint32_t b = 0; b < a; b++) {
            const int64_t both = w[a][b] < w[b][a] ? w[a][b] : w[b][a];
            w[a][b] -= both;
            w[b][a] -= both;
            mutual += 2 * (wide)both;
            edges += w[a][b] > 0 || w[b][a] > 0;
        }
    }
    ref_put(r, MR_STATS_CIRCULARITY, period, 0, 0, most_that_goes_round(n), all);
    ref_put(r, MR_STATS_CIRCULARITY_PAIRS, period, 0, 0, mutual, all);
    ref_put(r, MR_STATS_CIRCULARITY_EDGES, period, 0, 0, edges, 1);
}

void reference_flows(struct reference *r, uint32_t period)
{
    fill(r, ref_begin(r, period), ref_end(r, period));
    matrix(r, MR_STATS_FLOW_CLASS, period, MR_STATS_CLASSES);
    if (r->t->associations_count > 0)
        matrix(r, MR_STATS_FLOW_HOME, period, r->t->associations_count);
    if (r->t->labels_count > 0)
        matrix(r, MR_STATS_FLOW_TRADE, period, r->t->labels_count);
    pairs(r, period);
    suppliers(r, period);
    core(r, period);
    if (r->monthly || period == r->count)
        circularity(r, period);
}
