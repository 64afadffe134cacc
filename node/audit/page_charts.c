/* The charts of the page. */
#include <string.h>

#include "audit/page.h"

enum { COLUMNS_MAX = 5 };

/* --- words ------------------------------------------------------------------------------------ */

/* A figure as words. */
static const char *words(char ret[PAGE_TEXT_MAX], const struct page *p, enum page_look look,
                         struct page_figure x)
{
    if (x.blank || x.den == 0)
        snprintf(ret, PAGE_TEXT_MAX, "%s", x.blank ? _("(kept back)") : _("nothing"));
    else
        page_value(ret, p, look, x.num, x.den);
    return ret;
}

/* What forms of the plural go by. */
static unsigned long plural_of(struct page_figure x)
{
    return x.num < 0 || x.num > 1000000 ? 1000000 : (unsigned long)x.num;
}

/* The period that is told of, as a sentence begins. */
static void now_text(char ret[PAGE_TEXT_MAX], const struct page *p)
{
    page_period(ret, p, p->now);
    page_sentence_case(ret);
}

/* A sentence of its own, when the figure it would be about is not shown. It may be blank only so
 * that others do not follow: that few are behind it would be no true reason. */
static bool is_kept_back(char *text, size_t size, const char *when, struct page_figure x)
{
    if (x.blank)
        snprintf(text, size,
                 _("%s: this figure is kept back. It tells of few persons, or would give away one "
                   "that does."),
                 when);
    return x.blank;
}

/* --- over periods ----------------------------------------------------------------------------- */

struct series {
    const char *id, *title, *kind;
    const char *unit; /* NULL: of the money */
    size_t count;
    struct {
        enum mr_stats_id id;
        const char *name;
        enum page_look look;
        bool sum;     /* of all rows */
        bool aside;   /* in the table, not in the drawing */
        uint32_t row; /* a class of accounts; 0 */
    } columns[COLUMNS_MAX];
};

static struct page_figure value_of(const struct page *p, const struct series *s, size_t column,
                                   uint32_t period)
{
    return s->columns[column].sum
               ? page_sum(p, s->columns[column].id, period)
               : page_one(p, s->columns[column].id, period, s->columns[column].row, 0);
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
    enum mr_stats_id ids[COLUMNS_MAX];
    size_t count = 0;
    char caption[512];
    for (size_t k = 0; k < s->count; k++) {
        if (has[k] && (count == 0 || ids[count - 1] != s->columns[k].id))
            ids[count++] = s->columns[k].id;
    }
    page_chart_definitions(p, ids, count);
    if (s->unit == NULL)
        snprintf(caption, sizeof caption, _("%s, in %s"), _(s->title), page_unit(p, PAGE_AMOUNT));
    else
        snprintf(caption, sizeof caption, "%s", _(s->title));
    page_table_begin(p, caption, _("period"));
    for (size_t k = 0; k < s->count; k++) {
        const enum page_look look = s->columns[k].look;
        if (has[k])
            page_table_head(p, _(s->columns[k].name),
                            look == PAGE_PERCENT ? "" : page_unit(p, look), s->columns[k].aside);
    }
    page_table_rows(p);
}

/* Units of the axis: of the money, and of the reserve where that is drawn too. */
static void axis_unit(char ret[PAGE_TEXT_MAX], const struct page *p, const struct series *s,
                      const bool has[COLUMNS_MAX])
{
    bool reserve = false;
    for (size_t k = 0; k < s->count; k++)
        reserve = reserve || (has[k] && s->columns[k].look == PAGE_RESERVE);
    if (s->unit != NULL)
        snprintf(ret, PAGE_TEXT_MAX, "%s", _(s->unit));
    else if (reserve)
        snprintf(ret, PAGE_TEXT_MAX, _("%s; reserve: %s"), page_unit(p, PAGE_AMOUNT),
                 page_unit(p, PAGE_RESERVE));
    else
        snprintf(ret, PAGE_TEXT_MAX, "%s", page_unit(p, PAGE_AMOUNT));
}

static void put_series(const struct page *p, const struct series *s, const char *sentence)
{
    char name[PAGE_TEXT_MAX], brief[PAGE_TEXT_MAX], unit[PAGE_TEXT_MAX];
    bool has[COLUMNS_MAX] = {false};
    for (size_t k = 0; k < s->count; k++)
        has[k] = has_any(p, s, k);
    axis_unit(unit, p, s, has);
    page_chart_begin(p, &(struct page_chart){s->id, _(s->title), s->kind, unit, "", ""}, sentence);
    put_series_head(p, s, has);
    for (uint32_t i = 0; i < p->m->periods_count; i++) {
        page_period(name, p, i);
        page_period_short(brief, p, i);
        page_row_begin(p, name, brief, NULL);
        for (size_t k = 0; k < s->count; k++) {
            if (has[k])
                page_cell(p, s->columns[k].look, value_of(p, s, k, i));
        }
        page_row_end(p);
    }
    page_chart_end(p);
}

static void mass(const struct page *p)
{
    static const struct series s = {
        "mass",
        N_("Money in circulation and its reserve"),
        "lines",
        NULL,
        4,
        {{MR_STATS_MASS, N_("in circulation"), PAGE_AMOUNT, false, false, 0},
         {MR_STATS_OUTSTANDING, N_("owed by the issuers"), PAGE_AMOUNT, true, false, 0},
         {MR_STATS_RESERVE, N_("reserve in euros"), PAGE_RESERVE, true, false, 0},
         {MR_STATS_COVERAGE, N_("coverage"), PAGE_PERCENT, false, true, 0}}};
    char when[PAGE_TEXT_MAX], much[PAGE_TEXT_MAX], covered[PAGE_TEXT_MAX], text[512];
    const struct page_figure coverage = page_one(p, MR_STATS_COVERAGE, p->now, 0, 0);
    const struct page_figure all = page_one(p, MR_STATS_MASS, p->now, 0, 0);
    struct series shown = s;
    if (p->m->file != NULL) /* it knows of no reserve */
        shown.title = N_("Money in circulation");
    now_text(when, p);
    words(much, p, PAGE_AMOUNT, all);
    if (is_kept_back(text, sizeof text, when, all)) {
        put_series(p, &shown, text);
        return;
    }
    if (coverage.den == 0)
        snprintf(text, sizeof text, _("%s: at the end %s were in circulation."), when, much);
    else
        snprintf(text, sizeof text,
                 _("%s: at the end %s were in circulation; by the books the reserve covers %s "
                   "of what the issuers owe."),
                 when, much, words(covered, p, PAGE_PERCENT, coverage));
    put_series(p, &shown, text);
}

enum { PAGE_COUNT_MAX = 2 * PAGE_TEXT_MAX };

/* "553 payments" */
static void payments_text(char ret[PAGE_COUNT_MAX], const struct page *p)
{
    char number[PAGE_TEXT_MAX];
    const struct page_figure x = page_one(p, MR_STATS_PAYMENTS, p->now, 0, 0);
    if (x.blank)
        snprintf(ret, PAGE_COUNT_MAX, "%s", _("payments whose number is kept back"));
    else
        snprintf(ret, PAGE_COUNT_MAX, ngettext("%s payment", "%s payments", plural_of(x)),
                 words(number, p, PAGE_COUNT, x));
}

static void volumes(const struct page *p)
{
    static const struct series s = {
        "volumes",
        N_("Payments, conversions, redemptions"),
        "bars",
        NULL,
        4,
        {{MR_STATS_TURNOVER, N_("paid"), PAGE_AMOUNT, false, false, 0},
         {MR_STATS_CONVERTED, N_("converted from euros"), PAGE_AMOUNT, false, false, 0},
         {MR_STATS_REDEEMED, N_("given back for euros"), PAGE_AMOUNT, false, false, 0},
         {MR_STATS_PAYMENTS, N_("number of payments"), PAGE_COUNT, false, true, 0}}};
    char when[PAGE_TEXT_MAX], paid[PAGE_TEXT_MAX], count[PAGE_COUNT_MAX], in[PAGE_TEXT_MAX],
        back[PAGE_TEXT_MAX], text[1024];
    now_text(when, p);
    const struct page_figure turnover = page_one(p, MR_STATS_TURNOVER, p->now, 0, 0);
    payments_text(count, p);
    if (!is_kept_back(text, sizeof text, when, turnover))
        snprintf(
            text, sizeof text,
            _("%s: people and shops paid each other %s, in %s; converted from euros: %s; given "
              "back: %s."),
            when, words(paid, p, PAGE_AMOUNT, turnover), count,
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
        N_("times a year"),
        3,
        {{MR_STATS_V_ALL, N_("all payments"), PAGE_NUMBER, false, false, 0},
         {MR_STATS_V_GOODS, N_("to shops"), PAGE_NUMBER, false, false, 0},
         {MR_STATS_V_SHOPS, N_("between shops"), PAGE_NUMBER, false, false, 0}}};
    char when[PAGE_TEXT_MAX], times[PAGE_TEXT_MAX], text[512];
    now_text(when, p);
    const struct page_figure all = page_one(p, MR_STATS_V_ALL, p->now, 0, 0);
    if (all.den != 0 && all.num == 0)
        snprintf(text, sizeof text, _("%s: nothing was paid, the money rested."), when);
    else if (!is_kept_back(text, sizeof text, when, all))
        snprintf(text, sizeof text, _("%s: at this pace each unit is paid on %s times in a year."),
                 when, words(times, p, PAGE_NUMBER, all));
    put_series(p, &s, text);
}

/* Residents and shops, each: of all together nothing could be told where there are few of some
 * other class, as there are of municipalities. */
static void people(const struct page *p)
{
    static const struct series s = {
        "people",
        N_("Who takes part"),
        "lines",
        N_("accounts"),
        5,
        {{MR_STATS_MEMBER_COUNT, N_("residents"), PAGE_COUNT, false, false, MR_CLASS_RESIDENT},
         {MR_STATS_MEMBER_COUNT, N_("shops"), PAGE_COUNT, false, false, MR_CLASS_SHOP},
         {MR_STATS_MEMBER_COUNT, N_("members"), PAGE_COUNT, false, false, MR_STATS_CLASS_UNKNOWN},
         {MR_STATS_ACTIVE_IN, N_("active in the period"), PAGE_COUNT, false, false, 0},
         {MR_STATS_OPENED, N_("new"), PAGE_COUNT, true, false, 0}}};
    char when[PAGE_TEXT_MAX], all[PAGE_TEXT_MAX], some[PAGE_TEXT_MAX], text[512];
    now_text(when, p);
    const struct page_figure members = page_sum(p, MR_STATS_MEMBER_COUNT, p->now);
    const struct page_figure active = page_one(p, MR_STATS_ACTIVE_IN, p->now, 0, 0);
    words(some, p, PAGE_COUNT, active);
    if (is_kept_back(text, sizeof text, when, active)) {
        put_series(p, &s, text);
        return;
    }
    if (members.blank)
        snprintf(text, sizeof text,
                 ngettext("%s: %s account paid or was paid.", "%s: %s accounts paid or were paid.",
                          plural_of(active)),
                 when, some);
    else
        snprintf(text, sizeof text,
                 ngettext("%s: %s account of %s paid or was paid.",
                          "%s: %s accounts of %s paid or were paid.", plural_of(active)),
                 when, some, words(all, p, PAGE_COUNT, members));
    put_series(p, &s, text);
}

/* --- of the whole ----------------------------------------------------------------------------- */

/* What is left after 30 days, or after the most days up to there that are shown. */
static void say_survival(char *text, size_t size, const struct page *p)
{
    char share[PAGE_TEXT_MAX];
    size_t count;
    const struct mr_stats_figure *const f = measure_figures(p->m, MR_STATS_SURVIVAL, &count);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct page_figure x = page_of(p, &f[i]);
        if (x.den == 0 || (text[0] != '\0' && f[i].row > 30))
            continue;
        snprintf(text, size,
                 f[i].row == 0
                     ? _("Of the units that somebody received, %s were not paid on the same day.")
                     : ngettext("Of the units that somebody received, %s were not yet paid on "
                                "after %u day.",
                                "Of the units that somebody received, %s were not yet paid on "
                                "after %u days.",
                                f[i].row),
                 words(share, p, PAGE_PERCENT, x), (unsigned)f[i].row);
    }
}

static void survival(const struct page *p)
{
    char when[PAGE_TEXT_MAX], days[32], text[512];
    size_t count;
    const struct mr_stats_figure *const f = measure_figures(p->m, MR_STATS_SURVIVAL, &count);
    say_survival(text, sizeof text, p);
    if (text[0] == '\0')
        return;
    page_chart_begin(p,
                     &(struct page_chart){"survival", _("How long a unit rests"), "lines",
                                          _("not yet paid on (%)"), _("days since it was received"),
                                          ""},
                     text);
    page_chart_definitions(p, &(enum mr_stats_id){MR_STATS_SURVIVAL}, 1);
    page_table_begin(p, _("Share not yet paid on"), _("days"));
    page_table_head(p, _("not yet paid on"), "", false);
    page_table_rows(p);
    for (size_t i = 0; i < count; i++) {
        snprintf(days, sizeof days, "%u", (unsigned)f[i].row);
        snprintf(when, sizeof when, ngettext("%u day", "%u days", f[i].row), (unsigned)f[i].row);
        page_row_begin(p, when, days, days);
        page_cell(p, PAGE_PERCENT, page_of(p, &f[i]));
        page_row_end(p);
    }
    page_chart_end(p);
}

/* Of the town that keeps most. Empty: no town is shown. */
static void say_towns(char *text, size_t size, const struct page *p)
{
    char name[MEASURE_NAME_MAX], quoted[PAGE_TEXT_MAX], share[PAGE_TEXT_MAX];
    struct page_figure best = {0, 0, false};
    size_t count;
    const struct mr_stats_figure *const f = measure_figures(p->m, MR_STATS_TOWN_KEPT, &count);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct page_figure x = page_of(p, &f[i]);
        if (f[i].period != p->m->periods_count || x.den == 0 ||
            (best.den != 0 && x.num * best.den <= best.num * x.den))
            continue;
        best = x;
        measure_name(name, p->m, MR_STATS_AXIS_TOWN, f[i].row);
        page_quote(quoted, name);
        snprintf(text, size, _("Most stays in %s: %s of what its accounts spend."), quoted,
                 words(share, p, PAGE_PERCENT, x));
    }
    if (best.den != 0 && best.num == 0)
        snprintf(text, size, "%s", _("In no town is anything paid to accounts of the same town."));
}

static size_t towns_count(const struct page *p)
{
    size_t count, n = 0;
    const struct mr_stats_figure *const f = measure_figures(p->m, MR_STATS_TOWN_KEPT, &count);
    for (size_t i = 0; i < count; i++)
        n += f[i].period == p->m->periods_count;
    return n;
}

static void towns(const struct page *p)
{
    char name[MEASURE_NAME_MAX], text[512];
    size_t count;
    const struct mr_stats_figure *const f = measure_figures(p->m, MR_STATS_TOWN_KEPT, &count);
    say_towns(text, sizeof text, p);
    if (text[0] == '\0')
        return;
    page_chart_begin(
        p, &(struct page_chart){"towns", _("What stays in each town"), "across", "%", "", ""},
        text);
    if (towns_count(p) > PAGE_DRAWN_MAX) {
        snprintf(text, sizeof text, _("Drawn are the %d where most stays; the table has all."),
                 PAGE_DRAWN_MAX);
        page_chart_note(p, text);
    }
    page_chart_definitions(p, &(enum mr_stats_id){MR_STATS_TOWN_KEPT}, 1);
    page_table_begin(p, _("Share of spending that stays"), _("town"));
    page_table_head(p, _("stays"), "", false);
    page_table_rows(p);
    for (size_t i = 0; i < count; i++) {
        if (f[i].period != p->m->periods_count)
            continue;
        measure_name(name, p->m, MR_STATS_AXIS_TOWN, f[i].row);
        page_row_begin(p, name, NULL, NULL);
        page_cell(p, PAGE_PERCENT, page_of(p, &f[i]));
        page_row_end(p);
    }
    page_chart_end(p);
}

/* --- the law ---------------------------------------------------------------------------------- */

/* When a threshold is reached as things go, as a sentence; or that it is. */
static void say_date(const struct page *p, enum mr_stats_id id, struct page_figure share)
{
    char day[PAGE_TEXT_MAX / 4], text[512];
    const struct page_figure x = page_one(p, id, p->now, 0, 0);
    if (share.den != 0 && share.num >= share.den) {
        page_chart_note(p, id == MR_STATS_LAW_PAID_DATE
                               ? _("The threshold of payments is reached.")
                               : _("The threshold of units outstanding is reached."));
        return;
    }
    if (x.den == 0 || x.num <= 0 || x.num > UINT32_MAX)
        return;
    page_day(day, (uint32_t)x.num);
    snprintf(text, sizeof text,
             id == MR_STATS_LAW_PAID_DATE
                 ? _("If payments go on growing as in the last 90 days, they reach the threshold "
                     "on %s.")
                 : _("If the units outstanding go on growing as in the last 90 days, they reach "
                     "the threshold on %s."),
             day);
    page_chart_note(p, text);
}

/* The thermometer: how near the thresholds are. */
static void law(const struct page *p)
{
    static const enum mr_stats_id ids[] = {MR_STATS_LAW_PAID, MR_STATS_LAW_PAID_SHARE,
                                           MR_STATS_LAW_PAID_DATE, MR_STATS_LAW_MASS_SHARE,
                                           MR_STATS_LAW_MASS_DATE};
    const struct page_figure paid = page_one(p, MR_STATS_LAW_PAID_SHARE, p->now, 0, 0);
    const struct page_figure mass = page_one(p, MR_STATS_LAW_MASS_SHARE, p->now, 0, 0);
    char first[PAGE_TEXT_MAX], second[PAGE_TEXT_MAX], text[512];
    if ((paid.den == 0 && !paid.blank) || (mass.den == 0 && !mass.blank))
        return;
    snprintf(text, sizeof text,
             _("The payments of twelve months stand at %s of the threshold of the law, the units "
               "outstanding at %s. Warnings begin at 70%%."),
             words(first, p, PAGE_PERCENT, paid), words(second, p, PAGE_PERCENT, mass));
    page_chart_begin(p,
                     &(struct page_chart){"law", _("How near the thresholds of the law are"),
                                          "across", "%", "", "70 90 100"},
                     text);
    say_date(p, MR_STATS_LAW_PAID_DATE, paid);
    say_date(p, MR_STATS_LAW_MASS_DATE, mass);
    page_chart_note(p, _("Each threshold is 1,000,000 euros (French monetary and financial code, "
                         "L.521-3 and L.525-6)."));
    page_chart_definitions(p, ids, sizeof ids / sizeof *ids);
    page_table_begin(p, _("Share of the thresholds"), _("threshold"));
    page_table_head(p, _("reached"), "", false);
    page_table_rows(p);
    page_row_begin(p, _("payments, 12 months"), NULL, NULL);
    page_cell(p, PAGE_PERCENT, paid);
    page_row_end(p);
    page_row_begin(p, _("units outstanding"), NULL, NULL);
    page_cell(p, PAGE_PERCENT, mass);
    page_row_end(p);
    page_chart_end(p);
}

void page_charts(const struct page *p)
{
    mass(p);
    volumes(p);
    velocity(p);
    people(p);
    page_flows(p, MR_STATS_FLOW_TRADE, "trades", _("Flows between trades"));
    page_flows(p, MR_STATS_FLOW_CLASS, "classes", _("Flows between kinds of accounts"));
    survival(p);
    towns(p);
    law(p);
}
