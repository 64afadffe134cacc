/* Days of several views: where their periods begin and end, and what lies between. */
#include <stdlib.h>

#include "audit/published_work.h"

static const struct mr_stats_period *span(const struct measure *m, uint32_t period)
{
    return &m->periods[period];
}

static int by_day(const void *a, const void *b)
{
    const uint32_t *const x = a, *const y = b;
    return *x < *y ? -1 : *x > *y;
}

const struct measure *work_measure(const struct measure *m, const struct published_view *others,
                                   size_t v)
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
        all += 2 * (work_measure(m, others, v)->periods_count + 1);
    uint32_t *const days = malloc(all * sizeof *days);
    if (days == NULL)
        return NULL;
    for (size_t v = 0; v <= count; v++) {
        const struct measure *const x = work_measure(m, others, v);
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

bool work_span(const struct measure *m, uint32_t from, uint32_t behind, uint32_t *ret_period)
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
            const struct measure *const x = work_measure(m, others, v);
            inside = inside || is_inside(x, days[i], days[i + 1]);
            there = there || work_span(x, days[i], days[i + 1], &period);
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
            if (!work_span(g->views[v].m, g->days[k], g->days[k + 1], at))
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
        if (period == MR_STATS_NONE || !work_has(&g->views[v], f->id, period))
            continue; /* of weeks not all is known */
        *ret_found = true;
        const size_t i = work_at(&g->views[v], f->id, period, f->row, f->column);
        if (i != DISCLOSURE_NONE) /* else another view may have it */
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

enum mr_status work_sums(const struct work *views, size_t count, const struct measure *m,
                         const struct published_view *others)
{
    struct grid g = {.views = views, .count = count};
    const bool made = make_grid(&g, m, others);
    for (size_t v = 0; made && v < count; v++) {
        for (size_t i = 0; i < views[v].m->figures_count; i++) {
            const struct mr_stats_figure *const f = work_figure(&views[v], i);
            if (published_over_time(f->id) == SUM && f->state == MR_STATS_VALUE &&
                views[v].cell[i] != DISCLOSURE_NONE)
                add_sum(&g, &views[v], i);
        }
    }
    free(g.days);
    free(g.period);
    return made ? MR_OK : MR_NO_MEMORY;
}
