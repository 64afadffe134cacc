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
    PAGE_RESERVE, /* an amount of the reserve's unit */
    PAGE_COUNT,
    PAGE_PERCENT,
    PAGE_NUMBER, /* two decimals */
};

enum { PAGE_TEXT_MAX = 128 };

/** Text into HTML: everything that markup could be made of is escaped. In French a blank before
 *  ";" and the like does not break. */
void page_text(FILE *f, const char *text);
/** The first letter large, where it is a plain one: "décembre 2025" begins a sentence. */
void page_sentence_case(char *text);
/** A name from the ledger for a sentence: one that is written from right to left does not turn
 *  what stands around it. */
void page_quote(char ret[PAGE_TEXT_MAX], const char *name);

/** "-1234.5" as people write it: thousands apart by a narrow blank that does not break or a comma,
 *  and a minus sign. ret holds PAGE_TEXT_MAX bytes. */
void page_grouped(char *ret, const char *plain);
/** "12.60 GAL", "12 345 €", "95,1 %": of num / den. From 1000 on amounts have no decimals. */
void page_value(char *ret, const struct page *p, enum page_look look, mr_stats_wide num,
                mr_stats_wide den);
/** For a table: with all decimals, amounts without their unit. */
void page_exact(char *ret, const struct page *p, enum page_look look, mr_stats_wide num,
                mr_stats_wide den);
/** The number alone, for the chart: a point, no grouping. */
void page_plain(char *ret, const struct page *p, enum page_look look, mr_stats_wide num,
                mr_stats_wide den);
/** "GAL", "€", "units", "%"; empty. Lent. */
const char *page_unit(const struct page *p, enum page_look look);

/** "31 January 2026" in ret[PAGE_TEXT_MAX / 4]; "From 1 January 2026 to 31
 *  January 2026", or one day. */
void page_day(char *ret, uint32_t day);
void page_days(char ret[PAGE_TEXT_MAX], const struct mr_stats_period *days);
/** "June 2026", "week from 1 June 2026"; "Jun 2026", "1 Jun". */
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

/* --- a chart: page_chart.c -------------------------------------------------------------------- */

/** Names that lying bars draw; the table has all. */
enum { PAGE_DRAWN_MAX = 20 };

struct page_chart {
    const char *id;     /* in the page */
    const char *title;  /* translated */
    const char *kind;   /* in charts.js: lines, bars, across, matrix */
    const char *unit;   /* of the axis of values; empty */
    const char *along;  /* of the other one; empty */
    const char *limits; /* percents to be marked, "70 90 100"; empty */
};

/** In this order: begin with the sentence, perhaps notes, definitions, the table, end. */
void page_chart_begin(const struct page *p, const struct page_chart *c, const char *sentence);
void page_chart_note(const struct page *p, const char *text);
/** Exact definitions, which the reader opens. */
void page_chart_definitions(const struct page *p, const enum mr_stats_id *ids, size_t count);
/** The table: caption, then the first column's heading. */
void page_table_begin(const struct page *p, const char *caption, const char *first);
/** A column; `aside`: in the table, not in the drawing. */
void page_table_head(const struct page *p, const char *text, const char *unit, bool aside);
void page_table_rows(const struct page *p);
/** A row: its name, a short one for an axis, its place there; NULL: there is none. */
void page_row_begin(const struct page *p, const char *name, const char *brief, const char *at);
void page_cell(const struct page *p, enum page_look look, struct page_figure x);
void page_row_end(const struct page *p);
void page_chart_end(const struct page *p);

/* --- page_charts.c, page_flows.c -------------------------------------------------------------- */

/** All of them. */
void page_charts(const struct page *p);
/** FLOW_TRADE or FLOW_CLASS as a matrix. */
void page_flows(const struct page *p, enum mr_stats_id id, const char *html, const char *title);

#endif
