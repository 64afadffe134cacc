/* What the parts of published.c share: the figures of one view, and their cells.
 *
 * A view is a measure that was run: what is being published, what was published before, or the days
 * in which two of these differ. */
#ifndef MEREAU_AUDIT_PUBLISHED_WORK_H
#define MEREAU_AUDIT_PUBLISHED_WORK_H

#include "audit/published.h"

struct work {
    const struct measure *m;
    struct disclosure *d;
    size_t *cell;  /* of each figure */
    size_t *first; /* of indicator and period: id x (periods + 1) + period; one more at the end */
    int64_t *sums, *got; /* one an account, zero */
    bool *debts;         /* of each period: some account but issuers was below zero at its end */
    uint32_t whole;
    const struct work *before; /* a view with a period that ends where this one begins, or NULL */
    uint32_t before_period;
    bool between; /* days between the edges of others: the whole of them alone has cells */
};

/* Who stands behind movements. */
struct behind {
    mr_stats_wide sum;
    int64_t largest;
    uint32_t members;
};

static inline bool is_small(struct behind b)
{
    return disclosure_small(b.sum, b.members, b.largest);
}

static inline bool is_member(uint32_t class)
{
    return mr_stats_in_scope(MR_STATS_MEMBERS, class);
}

static inline bool circulates(uint32_t class)
{
    return mr_stats_in_scope(MR_STATS_CIRCULATING, class);
}

enum movement {
    ISSUED,   /* members that got units, by issuer */
    ORDINARY, /* the same without assigned ones */
    ASSIGNED,
    REDEEMING, /* members that gave back, by home */
    TAKEN,     /* members of which the issuer took at once: of a payments file */
    SWEPT_AWAY,
    PUBLIC_PAID, /* who got what a municipality spent */
    PAID_OUT,    /* members whose redemption was paid, by the association that paid */
};

/* What adds up over the periods, and what stands at their ends. */
enum over_time { NEITHER, SUM, LAST };
enum over_time published_over_time(enum mr_stats_id id);

/* In a period; association MR_STATS_NONE: any. */
struct behind work_behind(const struct work *w, uint32_t period, enum movement what,
                          uint32_t association);

/* Circulation payments but those between shops; `goods`: but those of residents to shops, either.
 * By what each paid or was paid. */
struct behind work_rest(const struct work *w, uint32_t period, bool goods);
/* Who holds what members hold but shops, at the end of a period. */
struct behind work_held_rest(const struct work *w, uint32_t period);

/* Redemptions that were paid in a period, or are open at its end. */
struct behind work_redemptions(const struct work *w, uint32_t period, bool open,
                               uint32_t association);

/* Places of the figures: w->first; and w->sums, w->debts. False: no memory. */
bool work_index(struct work *w);
void work_find_debts(const struct work *w);
/* Whether an indicator is computed for a period: some have no figures for days and weeks. */
bool work_has(const struct work *w, enum mr_stats_id id, uint32_t period);
/* Figures of an indicator in a period: from the first to before the end. */
size_t work_first(const struct work *w, enum mr_stats_id id, uint32_t period);
size_t work_end(const struct work *w, enum mr_stats_id id, uint32_t period);
/* The figure of these axes, if it has a value; DISCLOSURE_NONE. */
size_t work_at(const struct work *w, enum mr_stats_id id, uint32_t period, uint32_t row,
               uint32_t column);
size_t work_one(const struct work *w, enum mr_stats_id id, uint32_t period);
const struct mr_stats_figure *work_figure(const struct work *w, size_t i);

/* Whether few stand behind a figure; DISCLOSURE_NONE: no. */
bool work_small(const struct work *w, size_t i);
/* A cell of its own for a figure. One that has no value says nothing and cannot be blank. */
size_t work_cell(const struct work *w, const struct mr_stats_figure *f);
/* Those that are small by something else than who stands behind them. */
void work_blank(const struct work *w);

/* The measure of view v: of what is published, and of the others. */
const struct measure *work_measure(const struct measure *m, const struct published_view *others,
                                   size_t v);
/* Whether a measure has a period of these days: from one to before another. */
bool work_span(const struct measure *m, uint32_t from, uint32_t behind, uint32_t *ret_period);
/* What adds up over a period of some view is the sum of what lies between edges inside of it.
 * MR_OK, MR_NO_MEMORY. */
enum mr_status work_sums(const struct work *views, size_t count, const struct measure *m,
                         const struct published_view *others);

/* All equations that a reader knows between the figures of this view; `between`: those of what came
 * and went in its days, between stands that others show. */
void work_equations(const struct work *w);
void work_equations_between(const struct work *w);

#endif
