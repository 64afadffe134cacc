/** The indicators computed anew from their definitions, slowly and simply: every figure by itself
 *  from all rows, with none of the library's code but the registry and the civil calendar. */
#ifndef MEREAU_TESTS_STATS_REFERENCE_H
#define MEREAU_TESTS_STATS_REFERENCE_H

#include "mereau/stats.h"

enum { REF_FIGURES_MAX = 60000 };

typedef mr_stats_wide wide;

/** What should be there. */
struct reference {
    const struct mr_stats_table *t;
    struct mr_stats_period periods[2000];
    uint32_t count; /* periods; the whole stands behind them */
    bool monthly;
    struct mr_stats_figure *figures;
    size_t figures_count;
};

/** All figures, in the order that the library gives them: by indicator, period, row, column. */
void reference_make(struct reference *r, const struct mr_stats_table *t,
                    const struct mr_stats_query *q);
void reference_done(struct reference *r);
/** That order, of two figures: as qsort wants it. */
int reference_order(const void *a, const void *b);

/* --- for its parts ---------------------------------------------------------------------------- */

struct mr_stats_figure *ref_put(struct reference *r, enum mr_stats_id id, uint32_t period,
                                uint32_t row, uint32_t column, wide num, wide den);
void ref_none(struct reference *r, enum mr_stats_id id, uint32_t period, enum mr_stats_state why);

uint64_t ref_begin(const struct reference *r, uint32_t period);
uint64_t ref_end(const struct reference *r, uint32_t period);
bool ref_is(const struct reference *r, uint32_t account, enum mr_stats_scope scope);
uint32_t ref_class(const struct reference *r, uint32_t account);
/* Whether row i is a payment between circulating accounts, dated from `begin` to before `end`. */
bool ref_pays(const struct reference *r, size_t i, uint64_t begin, uint64_t end);
int64_t ref_balance(const struct reference *r, uint32_t account, uint32_t unit, uint64_t before);
/* The first moment of the month of a day, or of so many months before it. */
uint64_t ref_month_begin(uint32_t day, uint32_t back);
bool ref_has_classes(const struct reference *r);
void ref_sort(int64_t *v, size_t n);

void reference_stocks(struct reference *r, uint32_t period);
void reference_people(struct reference *r, uint32_t period);
void reference_flows(struct reference *r, uint32_t period);
void reference_fifo(struct reference *r);

#endif
