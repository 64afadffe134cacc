/* Charts of the page: a sentence, a place for the drawing, a definition, and the table that it is
 * drawn from. */
#include <stdlib.h>
#include <string.h>

#include "audit/page.h"
#include "common/ledger_words.h"

enum { LABELS_MAX = 12, COLUMNS_MAX = 4 };

/* --- parts ------------------------------------------------------------------------------------ */

/* `sentence` is text. */
static void begin(const struct page *p, const char *id, const char *title, const char *kind,
                  const char *limits, const char *sentence)
{
    fprintf(p->f, "<figure class=\"chart\" aria-labelledby=\"%s\">\n<h2 id=\"%s\">", id, id);
    page_text(p->f, title);
    fprintf(p->f, "</h2>\n<p class=\"say\" id=\"%s-say\">", id);
    page_text(p->f, sentence);
    fprintf(p->f,
            "</p>\n<div class=\"plot\" role=\"img\" data-kind=\"%s\" data-limits=\"%s\" "
            "aria-labelledby=\"%s %s-say\" data-none=\"",
            kind, limits, id, id);
    page_text(p->f, _("Nothing to draw: kept back, or nothing there."));
    fputs("\"></div>\n<output class=\"read\" aria-live=\"polite\"></output>\n", p->f);
}

static void define(const struct page *p, enum mr_stats_id id)
{
    const struct mr_stats_indicator *const k = mr_stats_indicator(id);
    fputs("<p class=\"definition\"><strong>", p->f);
    page_text(p->f, _(k->title));
    fputs("</strong>", p->f);
    page_text(p->f, _(": "));
    page_text(p->f, _(k->definition));
    fputs("</p>\n", p->f);
}

static void begin_table(const struct page *p, const char *caption, const char *first)
{
    fputs("<details><summary>", p->f);
    page_text(p->f, _("The figures as a table"));
    fputs("</summary><div class=\"scroll\" tabindex=\"0\">\n<table><caption>", p->f);
    page_text(p->f, caption);
    fputs("</caption>\n<thead><tr><th scope=\"col\">", p->f);
    page_text(p->f, first);
    fputs("</th>", p->f);
}

static void head(const struct page *p, const char *text)
{
    fputs("<th scope=\"col\">", p->f);
    page_text(p->f, text);
    fputs("</th>", p->f);
}

static void begin_rows(const struct page *p)
{
    fputs("</tr></thead>\n<tbody>\n", p->f);
}

static void begin_row(const struct page *p, const char *name, const char *label)
{
    fputs("<tr><th scope=\"row\"", p->f);
    if (label != NULL) {
        fputs(" data-short=\"", p->f);
        page_text(p->f, label);
        putc('"', p->f);
    }
    putc('>', p->f);
    page_text(p->f, name);
    fputs("</th>", p->f);
}

static void cell(const struct page *p, enum page_look look, struct page_figure x)
{
    char value[PAGE_TEXT_MAX];
    if (x.blank || x.den == 0) {
        fprintf(p->f, "<td>");
        page_text(p->f, x.blank ? _("kept back") : "\xe2\x80\x93");
    } else {
        page_plain(value, p, look, x.num, x.den);
        fprintf(p->f, "<td data-v=\"%s\">", value);
        page_value(value, p, look, x.num, x.den);
        page_text(p->f, value);
    }
    fputs("</td>", p->f);
}

static void end_row(const struct page *p)
{
    fputs("</tr>\n", p->f);
}

static void end(const struct page *p)
{
    fputs("</tbody></table></div></details>\n</figure>\n", p->f);
}

/* --- over periods ----------------------------------------------------------------------------- */

struct series {
    const char *id, *title, *kind;
    enum page_look look;
    size_t count;
    struct {
        enum mr_stats_id id;
        uint32_t row;
        const char *name;
        bool sum;            /* of all rows */
        enum page_look look; /* of its own, with `aside` */
        bool aside;          /* in the table, not in the drawing */
    } columns[COLUMNS_MAX];
};

static struct page_figure value_of(const struct page *p, const struct series *s, size_t column,
                                   uint32_t period)
{
    return s->columns[column].sum
               ? page_sum(p, s->columns[column].id, period)
               : page_one(p, s->columns[column].id, period, s->columns[column].row, 0);
}

static void aside_cell(const struct page *p, enum page_look look, struct page_figure x)
{
    char value[PAGE_TEXT_MAX];
    fputs("<td>", p->f);
    if (x.blank || x.den == 0) {
        page_text(p->f, x.blank ? _("kept back") : "\xe2\x80\x93");
    } else {
        page_value(value, p, look, x.num, x.den);
        page_text(p->f, value);
    }
    fputs("</td>", p->f);
}

/* Whether there is anything to say of a column at all. */
static bool has_any(const struct page *p, const struct series *s, size_t column)
{
    for (uint32_t i = 0; i < p->m->periods_count; i++) {
        const struct page_figure x = value_of(p, s, column, i);
        if (x.blank || x.den != 0)
            return true;
    }
    return false;
}

static void put_series_head(const struct page *p, const struct series *s,
                            const bool has[COLUMNS_MAX])
{
    for (size_t k = 0; k < s->count; k++) {
        if (has[k])
            define(p, s->columns[k].id);
    }
    begin_table(p, _(s->title), _("period"));
    for (size_t k = 0; k < s->count; k++) {
        if (!has[k])
            continue;
        fprintf(p->f, "<th scope=\"col\"%s>", s->columns[k].aside ? " data-aside=\"1\"" : "");
        page_text(p->f, _(s->columns[k].name));
        fputs("</th>", p->f);
    }
    begin_rows(p);
}

static void put_series(const struct page *p, const struct series *s, const char *sentence)
{
    char name[PAGE_TEXT_MAX], label[PAGE_TEXT_MAX];
    bool has[COLUMNS_MAX] = {false};
    for (size_t k = 0; k < s->count; k++)
        has[k] = has_any(p, s, k);
    begin(p, s->id, _(s->title), s->kind, "", sentence);
    put_series_head(p, s, has);
    for (uint32_t i = 0; i < p->m->periods_count; i++) {
        page_period(name, p, i);
        page_period_short(label, p, i);
        begin_row(p, name, label);
        for (size_t k = 0; k < s->count; k++) {
            if (has[k] && s->columns[k].aside)
                aside_cell(p, s->columns[k].look, value_of(p, s, k, i));
            else if (has[k])
                cell(p, s->look, value_of(p, s, k, i));
        }
        end_row(p);
    }
    end(p);
}

/* A figure as words; "?" where it is not shown. */
static const char *words(char ret[PAGE_TEXT_MAX], const struct page *p, enum page_look look,
                         struct page_figure x)
{
    if (x.blank || x.den == 0)
        snprintf(ret, PAGE_TEXT_MAX, "%s", x.blank ? _("(kept back)") : _("nothing"));
    else
        page_value(ret, p, look, x.num, x.den);
    return ret;
}

/* A sentence of its own, when the figure it would be about is not shown. */
static bool is_kept_back(char *text, size_t size, const char *when, struct page_figure x)
{
    if (x.blank)
        snprintf(text, size, _("%s: too few people to be told of."), when);
    return x.blank;
}

static void mass(const struct page *p)
{
    static const struct series s = {
        "mass",
        N_("Money in circulation and its reserve"),
        "lines",
        PAGE_AMOUNT,
        4,
        {{MR_STATS_MASS, 0, N_("in circulation"), false, PAGE_AMOUNT, false},
         {MR_STATS_OUTSTANDING, 0, N_("owed by the issuers"), true, PAGE_AMOUNT, false},
         {MR_STATS_RESERVE, 0, N_("reserve in euros"), true, PAGE_AMOUNT, false},
         {MR_STATS_COVERAGE, 0, N_("coverage"), false, PAGE_PERCENT, true}}};
    char when[PAGE_TEXT_MAX], much[PAGE_TEXT_MAX], covered[PAGE_TEXT_MAX], text[512];
    const struct page_figure coverage = page_one(p, MR_STATS_COVERAGE, p->now, 0, 0);
    page_period(when, p, p->now);
    words(much, p, PAGE_AMOUNT, page_one(p, MR_STATS_MASS, p->now, 0, 0));
    if (is_kept_back(text, sizeof text, when, page_one(p, MR_STATS_MASS, p->now, 0, 0))) {
        put_series(p, &s, text);
        return;
    }
    if (coverage.den == 0)
        snprintf(text, sizeof text, _("%s: at the end %s were in circulation."), when, much);
    else
        snprintf(text, sizeof text,
                 _("%s: at the end %s were in circulation; by the books the reserve covers %s "
                   "of what the issuers owe."),
                 when, much, words(covered, p, PAGE_PERCENT, coverage));
    put_series(p, &s, text);
}

static void volumes(const struct page *p)
{
    static const struct series s = {
        "volumes",
        N_("Payments, conversions, redemptions"),
        "bars",
        PAGE_AMOUNT,
        4,
        {{MR_STATS_TURNOVER, 0, N_("paid"), false, PAGE_AMOUNT, false},
         {MR_STATS_CONVERTED, 0, N_("converted from euros"), false, PAGE_AMOUNT, false},
         {MR_STATS_REDEEMED, 0, N_("given back for euros"), false, PAGE_AMOUNT, false},
         {MR_STATS_PAYMENTS, 0, N_("payments"), false, PAGE_COUNT, true}}};
    char when[PAGE_TEXT_MAX], paid[PAGE_TEXT_MAX], count[PAGE_TEXT_MAX], in[PAGE_TEXT_MAX],
        back[PAGE_TEXT_MAX], text[768];
    page_period(when, p, p->now);
    const struct page_figure turnover = page_one(p, MR_STATS_TURNOVER, p->now, 0, 0);
    if (!is_kept_back(text, sizeof text, when, turnover))
        snprintf(text, sizeof text,
                 _("%s: people and shops paid each other %s, in %s payments; converted from euros: "
                   "%s; given back: %s."),
                 when, words(paid, p, PAGE_AMOUNT, turnover),
                 words(count, p, PAGE_COUNT, page_one(p, MR_STATS_PAYMENTS, p->now, 0, 0)),
                 words(in, p, PAGE_AMOUNT, page_one(p, MR_STATS_CONVERTED, p->now, 0, 0)),
                 words(back, p, PAGE_AMOUNT, page_one(p, MR_STATS_REDEEMED, p->now, 0, 0)));
    put_series(p, &s, text);
}

static void velocity(const struct page *p)
{
    static const struct series s = {
        "velocity",
        N_("How fast the money turns"),
        "lines",
        PAGE_NUMBER,
        3,
        {{MR_STATS_V_ALL, 0, N_("all payments"), false, PAGE_NUMBER, false},
         {MR_STATS_V_GOODS, 0, N_("to shops"), false, PAGE_NUMBER, false},
         {MR_STATS_V_SHOPS, 0, N_("between shops"), false, PAGE_NUMBER, false}}};
    char when[PAGE_TEXT_MAX], times[PAGE_TEXT_MAX], text[512];
    page_period(when, p, p->now);
    const struct page_figure all = page_one(p, MR_STATS_V_ALL, p->now, 0, 0);
    if (!is_kept_back(text, sizeof text, when, all))
        snprintf(text, sizeof text, _("%s: at this pace each unit is paid on %s times in a year."),
                 when, words(times, p, PAGE_NUMBER, all));
    put_series(p, &s, text);
}

static void people(const struct page *p)
{
    static const struct series s = {
        "people",
        N_("Who takes part"),
        "lines",
        PAGE_COUNT,
        3,
        {{MR_STATS_MEMBER_COUNT, 0, N_("members"), true, PAGE_COUNT, false},
         {MR_STATS_ACTIVE_IN, 0, N_("active in the period"), false, PAGE_COUNT, false},
         {MR_STATS_OPENED, 0, N_("new"), true, PAGE_COUNT, false}}};
    char when[PAGE_TEXT_MAX], all[PAGE_TEXT_MAX], active[PAGE_TEXT_MAX], text[512];
    page_period(when, p, p->now);
    const struct page_figure members = page_sum(p, MR_STATS_MEMBER_COUNT, p->now);
    if (!is_kept_back(text, sizeof text, when, members))
        snprintf(text, sizeof text, _("%s: %s of %s accounts paid or were paid."), when,
                 words(active, p, PAGE_COUNT, page_one(p, MR_STATS_ACTIVE_IN, p->now, 0, 0)),
                 words(all, p, PAGE_COUNT, members));
    put_series(p, &s, text);
}

/* --- of the whole ----------------------------------------------------------------------------- */

static void survival(const struct page *p)
{
    char when[PAGE_TEXT_MAX], share[PAGE_TEXT_MAX], days[32], text[512] = "";
    size_t count;
    const struct mr_stats_figure *const f = measure_figures(p->m, MR_STATS_SURVIVAL, &count);
    for (size_t i = 0; i < count; i++) {
        const struct page_figure x = page_of(p, &f[i]);
        if (x.den == 0 || (text[0] != '\0' && f[i].row > 30))
            continue;
        snprintf(text, sizeof text,
                 f[i].row == 0
                     ? _("Of the units that somebody received, %s were not paid on the same day.")
                     : ngettext("Of the units that somebody received, %s were not yet paid on "
                                "after %u day.",
                                "Of the units that somebody received, %s were not yet paid on "
                                "after %u days.",
                                f[i].row),
                 words(share, p, PAGE_PERCENT, x), (unsigned)f[i].row);
    }
    if (text[0] == '\0')
        return;
    begin(p, "survival", _("How long a unit rests"), "lines", "", text);
    define(p, MR_STATS_SURVIVAL);
    begin_table(p, _("Share not yet paid on"), _("days"));
    head(p, _("not yet paid on"));
    begin_rows(p);
    for (size_t i = 0; i < count; i++) {
        snprintf(days, sizeof days, "%u", (unsigned)f[i].row);
        snprintf(when, sizeof when, ngettext("%u day", "%u days", f[i].row), (unsigned)f[i].row);
        fprintf(p->f, "<tr><th scope=\"row\" data-at=\"%s\" data-short=\"%s\">", days, days);
        page_text(p->f, when);
        fputs("</th>", p->f);
        cell(p, PAGE_PERCENT, page_of(p, &f[i]));
        end_row(p);
    }
    end(p);
}

static void towns(const struct page *p)
{
    char name[MEASURE_NAME_MAX], share[PAGE_TEXT_MAX], text[512] = "";
    struct page_figure best = {0, 0, false};
    size_t count;
    const uint32_t whole = (uint32_t)p->m->periods_count;
    const struct mr_stats_figure *const f = measure_figures(p->m, MR_STATS_TOWN_KEPT, &count);
    for (size_t i = 0; i < count; i++) {
        const struct page_figure x = page_of(p, &f[i]);
        if (f[i].period != whole || x.den == 0 ||
            (best.den != 0 && x.num * best.den <= best.num * x.den))
            continue;
        best = x;
        measure_name(name, p->m, MR_STATS_AXIS_TOWN, f[i].row);
        snprintf(text, sizeof text, _("Most stays in %s: %s of what its accounts spend."), name,
                 words(share, p, PAGE_PERCENT, x));
    }
    if (text[0] == '\0')
        return;
    begin(p, "towns", _("What stays in each town"), "across", "", text);
    define(p, MR_STATS_TOWN_KEPT);
    begin_table(p, _("Share of spending that stays"), _("town"));
    head(p, _("stays"));
    begin_rows(p);
    for (size_t i = 0; i < count; i++) {
        if (f[i].period != whole)
            continue;
        measure_name(name, p->m, MR_STATS_AXIS_TOWN, f[i].row);
        begin_row(p, name, NULL);
        cell(p, PAGE_PERCENT, page_of(p, &f[i]));
        end_row(p);
    }
    end(p);
}

/* The thermometer: how near the thresholds are. */
static void law(const struct page *p)
{
    const struct page_figure paid = page_one(p, MR_STATS_LAW_PAID_SHARE, p->now, 0, 0);
    const struct page_figure mass = page_one(p, MR_STATS_LAW_MASS_SHARE, p->now, 0, 0);
    char first[PAGE_TEXT_MAX], second[PAGE_TEXT_MAX], text[512];
    if ((paid.den == 0 && !paid.blank) || (mass.den == 0 && !mass.blank))
        return;
    snprintf(text, sizeof text,
             _("The payments of twelve months stand at %s of the threshold of the law, the units "
               "outstanding at %s. Warnings begin at 70%%."),
             words(first, p, PAGE_PERCENT, paid), words(second, p, PAGE_PERCENT, mass));
    begin(p, "law", _("How near the thresholds of the law are"), "across", "70 90 100", text);
    define(p, MR_STATS_LAW_PAID_SHARE);
    define(p, MR_STATS_LAW_MASS_SHARE);
    begin_table(p, _("Share of the thresholds"), _("threshold"));
    head(p, _("reached"));
    begin_rows(p);
    begin_row(p, _("payments, 12 months"), NULL);
    cell(p, PAGE_PERCENT, paid);
    end_row(p);
    begin_row(p, _("units outstanding"), NULL);
    cell(p, PAGE_PERCENT, mass);
    end_row(p);
    end(p);
}

/* --- flows ------------------------------------------------------------------------------------ */

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

/* Names that move most, at most LABELS_MAX of them. */
static size_t find_labels(const struct page *p, enum mr_stats_id id, struct label ret[LABELS_MAX])
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
    n = n < LABELS_MAX ? n : LABELS_MAX;
    if (n > 0)
        memcpy(ret, all, n * sizeof *ret);
    free(all);
    return n;
}

static void label_name(char ret[MEASURE_NAME_MAX], const struct page *p, enum mr_stats_id id,
                       uint32_t value)
{
    if (value == MR_STATS_NONE)
        snprintf(ret, MEASURE_NAME_MAX, "%s", _("not listed"));
    else if (id == MR_STATS_FLOW_CLASS)
        snprintf(ret, MEASURE_NAME_MAX, "%s",
                 value == MR_STATS_CLASS_UNKNOWN ? _("unknown")
                                                 : class_word((enum mr_account_class)value));
    else
        measure_name(ret, p->m, mr_stats_indicator(id)->row, value);
}

static void say_flow(char *text, size_t size, const struct page *p, enum mr_stats_id id)
{
    char from[MEASURE_NAME_MAX], to[MEASURE_NAME_MAX], much[PAGE_TEXT_MAX];
    const struct mr_stats_figure *best = NULL;
    size_t count;
    const struct mr_stats_figure *const f = measure_figures(p->m, id, &count);
    for (size_t i = 0; i < count; i++) {
        const struct page_figure x = page_of(p, &f[i]);
        if (f[i].period == p->m->periods_count && x.den != 0 &&
            (best == NULL || f[i].num > best->num))
            best = &f[i];
    }
    text[0] = '\0';
    if (best == NULL)
        return;
    label_name(from, p, id, best->row);
    label_name(to, p, id, best->column);
    page_value(much, p, PAGE_AMOUNT, best->num, 1);
    snprintf(text, size, _("The largest flow goes from \"%s\" to \"%s\": %s over all the days."),
             from, to, much);
}

static void flows(const struct page *p, enum mr_stats_id id, const char *html, const char *title)
{
    struct label labels[LABELS_MAX];
    char name[MEASURE_NAME_MAX], text[512];
    const size_t n = find_labels(p, id, labels);
    say_flow(text, sizeof text, p, id);
    if (text[0] == '\0')
        return;
    begin(p, html, title, "matrix", "", text);
    define(p, id);
    begin_table(p, _("Who paid (row) whom (column)"), _("pays"));
    for (size_t c = 0; c < n; c++) {
        label_name(name, p, id, labels[c].value);
        head(p, name);
    }
    begin_rows(p);
    for (size_t r = 0; r < n; r++) {
        label_name(name, p, id, labels[r].value);
        begin_row(p, name, NULL);
        for (size_t c = 0; c < n; c++)
            cell(p, PAGE_AMOUNT,
                 page_one(p, id, (uint32_t)p->m->periods_count, labels[r].value, labels[c].value));
        end_row(p);
    }
    end(p);
}

void page_charts(const struct page *p)
{
    mass(p);
    volumes(p);
    velocity(p);
    people(p);
    flows(p, MR_STATS_FLOW_TRADE, "trades", _("Flows between trades"));
    flows(p, MR_STATS_FLOW_CLASS, "classes", _("Flows between kinds of accounts"));
    survival(p);
    towns(p);
    law(p);
}
