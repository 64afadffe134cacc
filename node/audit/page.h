/** The page for elected people: headline figures and charts, one HTML text that needs nothing else
 *  (spec/77-publication.md PUB-9). What report and serve share. */
#ifndef MEREAU_AUDIT_PAGE_H
#define MEREAU_AUDIT_PAGE_H

#include "audit/published.h"

/** Writes the page of a measure that was run, in the reader's language. `shown` NULL: small cells
 *  are not blank, and the page says so. MR_OK, MR_NO_MEMORY (the stream is to be looked at, too).
 */
enum mr_status page_write(FILE *f, const struct measure *m, const struct published *shown);

/* --- parts of it: page_text.c ----------------------------------------------------------------- */

struct page {
    FILE *f;
    const struct measure *m;
    const struct published *shown;
    uint32_t now;    /* the last whole period, else the last */
    uint32_t before; /* the one before it; MR_STATS_NONE */
};

/** How a figure is said to people. */
enum page_look {
    PAGE_AMOUNT,
    PAGE_COUNT,
    PAGE_PERCENT,
    PAGE_NUMBER, /* two decimals */
};

enum { PAGE_TEXT_MAX = 128 };

/** Text into HTML: everything that markup could be made of is escaped. */
void page_text(FILE *f, const char *text);

/** "12,345.60 GAL", "1 234,5 %": of num / den. From 1000 on amounts have no decimals. */
/** "31 January 2026" in ret[PAGE_TEXT_MAX / 4]. */
void page_day(char *ret, uint32_t day);
void page_value(char *ret, const struct page *p, enum page_look look, mr_stats_wide num,
                mr_stats_wide den);
/** The number of it alone, for the chart: a point, no grouping. */
void page_plain(char *ret, const struct page *p, enum page_look look, mr_stats_wide num,
                mr_stats_wide den);

/** "June 2026", "week of 2026-06-01"; "06/26". */
void page_period(char *ret, const struct page *p, uint32_t period);
void page_period_short(char *ret, const struct page *p, uint32_t period);
/** Whether a period was cut short by the days that were asked for. */
bool page_is_cut(const struct page *p, uint32_t period);

/** A figure, or the sum of an indicator's rows: den 0: there is none to be shown, `blank`: it is
 *  kept back. */
struct page_figure {
    mr_stats_wide num, den;
    bool blank;
};
/** Of one row of p->m->figures, or looked for. */
struct page_figure page_of(const struct page *p, const struct mr_stats_figure *f);
struct page_figure page_one(const struct page *p, enum mr_stats_id id, uint32_t period,
                            uint32_t row, uint32_t column);
struct page_figure page_sum(const struct page *p, enum mr_stats_id id, uint32_t period);

/* --- page_charts.c ---------------------------------------------------------------------------- */

void page_charts(const struct page *p);

#endif
