/* What is published beside what was published before: cells, equations, and what must be blank. */
#include "audit/published.h"

#include <stdlib.h>

#include "audit/published_work.h"
#include "common/term.h"

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
        if (x->to_day != to || (x->from_day != from && published_over_time(f->id) != LAST))
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
        if (w->between && (f->period != w->whole || published_over_time(f->id) == NEITHER))
            continue;
        for (size_t u = 0; f->state == MR_STATS_VALUE && u < v && cells[i] == DISCLOSURE_NONE; u++)
            cells[i] =
                twin(&views[u], f, span(w->m, f->period)->from_day, span(w->m, f->period)->to_day);
        if (cells[i] == DISCLOSURE_NONE && (!w->between || published_over_time(f->id) == SUM))
            cells[i] = work_cell(w, f);
    }
    return true;
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
    if (!work_index(w) || !give_cells(views, v))
        return false;
    work_blank(w);
    for (size_t i = 0; w->between && i < w->m->figures_count; i++) {
        if (published_over_time(w->m->figures[i].id) == SUM)
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

/* Whether earlier publications alone have two periods that differ by these days. */
static bool is_told(const struct work *views, size_t count, const struct published_view *others,
                    const struct mr_stats_period *days)
{
    for (size_t i = 1; i < count; i++) {
        for (uint32_t p = 0; p <= views[i].whole && others[i - 1].shown != NULL; p++) {
            const struct mr_stats_period *const x = span(views[i].m, p);
            /* with the days, and without them */
            const bool last = x->to_day == days->to_day, first = x->from_day == days->from_day;
            for (size_t k = 1; (first || last) && k < count; k++) {
                uint32_t other;
                if (others[k - 1].shown != NULL &&
                    ((last && work_span(views[k].m, x->from_day, days->from_day, &other)) ||
                     (first && work_span(views[k].m, days->to_day + 1, x->to_day + 1, &other))))
                    return true;
            }
        }
    }
    return false;
}

/* Periods would differ by few in medians and shares too, where no blank of a sum helps. */
static bool differs_by_few(const struct work *views, size_t count,
                           const struct published_view *others, size_t v)
{
    const struct work *const w = &views[v];
    return w->between && work_small(w, work_one(w, MR_STATS_TURNOVER, w->whole)) &&
           !is_told(views, count, others, span(w->m, w->whole));
}

static enum mr_status protect(struct work *views, size_t count, const struct measure *m,
                              const struct published_view *others)
{
    for (size_t v = 0; v < count; v++) {
        if (!make_view(views, v, others))
            return MR_NO_MEMORY;
        if (v > 0)
            keep_moved(&views[v], others[v - 1].moved);
    }
    for (size_t v = 0; v < count; v++) {
        if (differs_by_few(views, count, others, v))
            return MR_CHECK_FAILED;
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
    const enum mr_status st = count == 1 ? MR_OK : work_sums(views, count, m, others);
    return st == MR_OK ? disclosure_protect(views[0].d) : st;
}

/* --- outside ---------------------------------------------------------------------------------- */

static void show_progress(void *ctx, size_t blank)
{
    progress_update(ctx, blank);
}

enum mr_status published_create(struct published *ret, const struct measure *m,
                                const struct published_view *others, size_t count,
                                const struct command *c)
{
    struct work *const views = calloc(count + 1, sizeof *views);
    struct progress progress = {.shown = false};
    *ret = (struct published){.m = m};
    enum mr_status st = views == NULL ? MR_NO_MEMORY : disclosure_create(&ret->disclosure);
    for (size_t v = 0; st == MR_OK && v <= count; v++) {
        views[v].m = work_measure(m, others, v);
        views[v].d = ret->disclosure;
        views[v].whole = (uint32_t)views[v].m->periods_count;
    }
    if (st == MR_OK && c != NULL) {
        progress_begin(&progress, c, _("keeping back what tells of few"), 0);
        disclosure_watch(ret->disclosure, show_progress, &progress);
    }
    if (st == MR_OK)
        st = protect(views, count + 1, m, others);
    progress_end(&progress);
    for (size_t v = 0; views != NULL && v <= count; v++) {
        free(views[v].first);
        free(views[v].sums);
        free(views[v].got);
        free(views[v].debts);
        free(views[v].cell);
    }
    free(views);
    return st;
}

bool published_adds_up(enum mr_stats_id id)
{
    return published_over_time(id) == SUM;
}

void published_done(struct published *p)
{
    disclosure_destroy(p->disclosure);
    p->disclosure = NULL;
}

size_t published_told(const struct published *p)
{
    return disclosure_told(p->disclosure);
}

/* Figures of what is published have the first cells. */
enum disclosure_why published_why(const struct published *p, size_t i)
{
    return disclosure_why(p->disclosure, i);
}
