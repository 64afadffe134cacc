/* Who pays whom: matrices of the page. */
#include <stdlib.h>
#include <string.h>

#include "audit/page.h"

enum { LABELS_MAX = 12 };

struct label {
    uint32_t value;
    mr_stats_wide sum; /* paid and received, of what is shown */
};

static int by_sum(const void *a, const void *b)
{
    const struct label *const x = a, *const y = b;
    return x->sum != y->sum ? (x->sum < y->sum ? 1 : -1) : x->value > y->value ? 1 : -1;
}

static void count_label(struct label *labels, size_t *count, size_t cap, uint32_t value,
                        mr_stats_wide sum)
{
    size_t i = 0;
    while (i < *count && labels[i].value != value)
        i++;
    if (i == cap)
        return;
    if (i == *count)
        labels[(*count)++] = (struct label){value, 0};
    labels[i].sum += sum;
}

/* Names that move most, at most LABELS_MAX of them; `ret_all`: how many there are. */
static size_t find_labels(const struct page *p, enum mr_stats_id id, struct label ret[LABELS_MAX],
                          size_t *ret_all)
{
    size_t count, n = 0;
    const struct mr_stats_figure *const f = measure_figures(p->m, id, &count);
    struct label *const all = calloc(2 * count + 1, sizeof *all);
    for (size_t i = 0; all != NULL && i < count; i++) {
        if (f[i].period != p->m->periods_count)
            continue;
        const struct page_figure x = page_of(p, &f[i]);
        count_label(all, &n, 2 * count, f[i].row, x.num);
        count_label(all, &n, 2 * count, f[i].column, x.num);
    }
    if (n > 0)
        qsort(all, n, sizeof *all, by_sum);
    *ret_all = n;
    n = n < LABELS_MAX ? n : LABELS_MAX;
    if (n > 0)
        memcpy(ret, all, n * sizeof *ret);
    free(all);
    return n;
}

/* Whether a label names anything. */
static bool is_named(enum mr_stats_id id, uint32_t value)
{
    return id == MR_STATS_FLOW_CLASS ? value != MR_STATS_CLASS_UNKNOWN : value != MR_STATS_NONE;
}

static void label_name(char ret[MEASURE_NAME_MAX], const struct page *p, enum mr_stats_id id,
                       uint32_t value)
{
    if (id != MR_STATS_FLOW_CLASS && !is_named(id, value))
        snprintf(ret, MEASURE_NAME_MAX, "%s", _("without trade"));
    else
        measure_word(ret, p->m, mr_stats_indicator(id)->row, value);
}

/* The largest flow that is shown and says something. NULL: there is none. */
static const struct mr_stats_figure *largest(const struct page *p, enum mr_stats_id id)
{
    const struct mr_stats_figure *best = NULL;
    size_t count;
    const struct mr_stats_figure *const f = measure_figures(p->m, id, &count);
    for (size_t i = 0; i < count; i++) {
        if (f[i].period == p->m->periods_count && page_of(p, &f[i]).den != 0 && f[i].num > 0 &&
            (is_named(id, f[i].row) || is_named(id, f[i].column)) &&
            (best == NULL || f[i].num > best->num))
            best = &f[i];
    }
    return best;
}

static void say_flow(char *text, size_t size, const struct page *p,
                     const struct mr_stats_figure *best)
{
    char name[MEASURE_NAME_MAX], from[PAGE_TEXT_MAX], to[PAGE_TEXT_MAX], much[PAGE_TEXT_MAX];
    label_name(name, p, best->id, best->row);
    page_quote(from, name);
    label_name(name, p, best->id, best->column);
    page_quote(to, name);
    page_value(much, p, PAGE_AMOUNT, best->num, 1);
    snprintf(text, size, _("The largest flow goes from \"%s\" to \"%s\": %s over the whole time."),
             from, to, much);
}

/* What a reader would stumble over. */
static void say_labels(const struct page *p, enum mr_stats_id id, const struct label *labels,
                       size_t count, size_t all)
{
    char text[512];
    if (all > count) {
        snprintf(text, sizeof text, _("Shown are the %zu that move most, of %zu."), count, all);
        page_chart_note(p, text);
    }
    for (size_t i = 0; i < count && id == MR_STATS_FLOW_TRADE; i++) {
        if (!is_named(id, labels[i].value))
            page_chart_note(p, _("Without trade: residents, and accounts listed with none."));
    }
}

static void put_cells(const struct page *p, enum mr_stats_id id, const struct label *labels,
                      size_t n)
{
    char name[MEASURE_NAME_MAX];
    for (size_t r = 0; r < n; r++) {
        label_name(name, p, id, labels[r].value);
        page_row_begin(p, name, NULL, NULL);
        for (size_t c = 0; c < n; c++)
            page_cell(
                p, PAGE_AMOUNT,
                page_one(p, id, (uint32_t)p->m->periods_count, labels[r].value, labels[c].value));
        page_row_end(p);
    }
}

void page_flows(const struct page *p, enum mr_stats_id id, const char *html, const char *title)
{
    struct label labels[LABELS_MAX];
    char name[MEASURE_NAME_MAX], text[512];
    size_t all;
    const size_t n = find_labels(p, id, labels, &all);
    const struct mr_stats_figure *const best = largest(p, id);
    if (best == NULL)
        return;
    say_flow(text, sizeof text, p, best);
    page_chart_begin(p,
                     &(struct page_chart){html, title, "matrix", page_unit(p, PAGE_AMOUNT),
                                          _("rows pay, columns are paid"), ""},
                     text);
    say_labels(p, id, labels, n, all);
    page_chart_definitions(p, &id, 1);
    snprintf(text, sizeof text, _("Who paid (row) whom (column), in %s"),
             page_unit(p, PAGE_AMOUNT));
    page_table_begin(p, text, _("pays"));
    for (size_t c = 0; c < n; c++) {
        label_name(name, p, id, labels[c].value);
        page_table_head(p, name, page_unit(p, PAGE_AMOUNT), false);
    }
    page_table_rows(p);
    put_cells(p, id, labels, n);
    page_chart_end(p);
}
