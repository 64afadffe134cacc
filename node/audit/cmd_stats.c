/* stats: figures of circulation, for people, as JSON, as CSV. indicators: what they are. */
#include <stdlib.h>
#include <string.h>

#include "audit/commands.h"
#include "audit/measure.h"
#include "audit/stats_list.h"
#include "common/amount_text.h"
#include "common/term.h"
#include "mereau/id.h"

const struct option_row stats_options[] = {
    SOURCE_OPTIONS,
    MEASURE_OPTIONS,
    {"only", 'o', N_("ID"), N_("this indicator alone; may be given several times")},
    {"csv", 0, NULL, N_("print all figures as comma-separated lines")},
    STATS_LIST_OPTIONS,
    {NULL, 0, NULL, NULL},
};

/* --- which ------------------------------------------------------------------------------------ */

static enum mr_status check_only(const struct command *c, struct out *out)
{
    const char *names[MR_STATS_IDS];
    for (enum mr_stats_id i = 0; i < MR_STATS_IDS; i++)
        names[i] = mr_stats_indicator(i)->id;
    for (size_t i = 0; i < opt_count(c, "only"); i++) {
        const char *const id = opt_nth(c, "only", i);
        if (mr_stats_indicator_find(id) != MR_STATS_IDS)
            continue;
        const char *const near = nearest_name(id, names, MR_STATS_IDS);
        return near == NULL
                   ? out_fail(out, MR_USAGE,
                              _("there is no indicator \"%s\"; mereau-audit indicators lists them"),
                              id)
                   : out_fail(out, MR_USAGE,
                              _("there is no indicator \"%s\"; did you mean \"%s\"?"), id, near);
    }
    return MR_OK;
}

static bool is_wanted(const struct command *c, const char *id)
{
    const size_t n = opt_count(c, "only");
    for (size_t i = 0; i < n; i++) {
        if (strcmp(opt_nth(c, "only", i), id) == 0)
            return true;
    }
    return n == 0;
}

static void choose(bool only[MR_STATS_IDS], const struct command *c)
{
    for (enum mr_stats_id i = 0; i < MR_STATS_IDS; i++)
        only[i] = is_wanted(c, mr_stats_indicator(i)->id);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void print_json(const struct measure *m, struct command *c, struct out *out)
{
    json_t *const all = json_array();
    measure_head(m, out);
    for (enum mr_stats_id id = 0; id < MR_STATS_IDS; id++) {
        size_t count;
        const struct mr_stats_figure *const f = measure_figures(m, id, &count);
        if (!is_wanted(c, mr_stats_indicator(id)->id))
            continue;
        json_t *const o = measure_indicator_json(id), *const figures = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(figures, measure_figure_json(m, &f[i]));
        json_object_set_new(o, "figures", figures);
        json_array_append_new(all, o);
    }
    out_json(out, "indicators", all);
}

/* --- CSV -------------------------------------------------------------------------------------- */

static void put_line(const struct measure *m, FILE *out, const struct mr_stats_figure *f,
                     const char *at)
{
    const struct mr_stats_indicator *const k = mr_stats_indicator(f->id);
    char from[16], to[16], name[MEASURE_NAME_MAX], value[MR_STATS_TEXT_MAX];
    measure_day(from, m->periods[f->period].from_day);
    measure_day(to, m->periods[f->period].to_day);
    fprintf(out, "%s,%s,%s,%s,", k->id, f->period == m->periods_count ? "whole" : "period", from,
            to);
    measure_name(name, m, k->row, f->row);
    measure_csv_text(out, name);
    putc(',', out);
    measure_name(name, m, k->column, f->column);
    measure_csv_text(out, name);
    mr_stats_figure_text(value, f);
    fprintf(out, ",%s,%s,%s,%llu,%s\n", value, mr_stats_measure_text(k->measure),
            measure_state_text(f->state), (unsigned long long)m->table.point.settled, at);
}

static void print_csv(const struct measure *m, struct out *out)
{
    char at[2 * MR_HASH_BYTES + 1] = "";
    if (m->table.point.has_state)
        mr_hex_format(at, m->table.point.state, MR_HASH_BYTES);
    fprintf(out->results,
            "indicator,of,from,to,row,column,value,measure,state,at_settled,at_hash\n");
    for (size_t i = 0; i < m->figures_count; i++)
        put_line(m, out->results, &m->figures[i], at);
}

/* --- people ----------------------------------------------------------------------------------- */

static void value_text(char *ret, const struct measure *m, const struct mr_stats_figure *f)
{
    const struct mr_stats_indicator *const k = mr_stats_indicator(f->id);
    const uint32_t unit = k->row == MR_STATS_AXIS_UNIT ? f->row : f->id == MR_STATS_RESERVE ? 1 : 0;
    if (f->state == MR_STATS_TOO_BIG)
        snprintf(ret, MR_STATS_TEXT_MAX, "%s", _("not computed: too large"));
    else if (f->state == MR_STATS_NO_CLASS)
        snprintf(ret, MR_STATS_TEXT_MAX, "%s", _("classes not known"));
    else if (f->state == MR_STATS_FAR)
        snprintf(ret, MR_STATS_TEXT_MAX, "%s", _("not within 10 years"));
    else if (f->state == MR_STATS_YOUNG)
        snprintf(ret, MR_STATS_TEXT_MAX, "%s", _("too early to say"));
    else if (f->state == MR_STATS_EMPTY)
        snprintf(ret, MR_STATS_TEXT_MAX, "-");
    else if (k->measure == MR_STATS_MINOR)
        amount_text(ret, (int64_t)f->num, m->table.units[unit].decimals, m->table.units[unit].code);
    else
        mr_stats_figure_text(ret, f);
    if (k->measure != MR_STATS_MINOR && k->measure != MR_STATS_DATE &&
        i18n_decimal_separator() == ',' && strchr(ret, '.') != NULL && f->state == MR_STATS_VALUE)
        *strchr(ret, '.') = ',';
}

static bool is_matrix(enum mr_stats_id id)
{
    return mr_stats_indicator(id)->column != MR_STATS_AXIS_NONE;
}

/* The whole, in one table; matrices and periods are for JSON and CSV. */
static void print_people(const struct measure *m, struct out *out)
{
    const struct table_column columns[] = {
        {_("indicator"), false}, {"", false}, {_("value"), true}};
    struct table *const t = table_create(columns, 3);
    char from[16], to[16], hash[2 * MR_HASH_BYTES + 1];
    measure_day(from, m->periods[m->periods_count].from_day);
    measure_day(to, m->periods[m->periods_count].to_day);
    mr_hex_format(hash, m->table.point.state, MR_HASH_BYTES);
    out_print(out,
              m->file != NULL ? _("%s to %s, of %llu rows of a file, SHA-256 %s\n\n")
                              : _("%s to %s, at %llu settled orders, state %s\n\n"),
              from, to, (unsigned long long)m->table.point.settled,
              m->table.point.has_state ? hash : "?");
    for (size_t i = 0; t != NULL && i < m->figures_count; i++) {
        const struct mr_stats_figure *const f = &m->figures[i];
        const struct mr_stats_indicator *const k = mr_stats_indicator(f->id);
        char name[MEASURE_NAME_MAX], value[MR_STATS_TEXT_MAX];
        if (f->period != m->periods_count || is_matrix(f->id))
            continue;
        measure_word(name, m, k->row, f->row);
        value_text(value, m, f);
        table_add(t, (const char *const[]){_(k->title), name, value});
    }
    table_print(out, t);
    out_print(out, _("\nPeriods and matrices: --json or --csv. Definitions: mereau-audit "
                     "indicators.\n"));
}

/* --- the law ----------------------------------------------------------------------------------
 */

static void warn_of(const struct measure *m, struct out *out, enum mr_stats_id id)
{
    static const uint32_t levels[] = {100, 90, 70};
    size_t count;
    const struct mr_stats_figure *const f = measure_figures(m, id, &count);
    for (size_t i = 0; count > 0 && i < 3; i++) {
        const struct mr_stats_figure *const last = &f[count - 1];
        if (last->num * 100 < last->den * levels[i])
            continue;
        char english[128];
        snprintf(english, sizeof english, "%s is at or above %u percent",
                 mr_stats_indicator(id)->id, (unsigned)levels[i]);
        out_warn(out, mr_stats_indicator(id)->id, english,
                 _("%s: at or above %u percent; look at the law of the country"),
                 _(mr_stats_indicator(id)->title), (unsigned)levels[i]);
        return;
    }
}

/* --- commands --------------------------------------------------------------------------------- */

void cmd_stats(struct command *c, struct out *out)
{
    static struct measure m;
    static bool only[MR_STATS_IDS];
    if (opt_flag(c, "csv") && c->json) {
        out_fail(out, MR_USAGE, _("give one of --csv and --json"));
        return;
    }
    if (opt_flag(c, "csv") && opt_text(c, "list") != NULL) {
        out_fail(out, MR_USAGE, _("--list is for people and for --json"));
        return;
    }
    enum mr_status st = check_only(c, out);
    if (st == MR_OK)
        st = stats_list_check(c, out);
    if (st == MR_OK)
        st = measure_open(&m, c, out);
    if (st == MR_OK) {
        choose(only, c);
        m.only = only;
        st = measure_run(&m, c, out);
    }
    if (st == MR_OK) {
        warn_of(&m, out, MR_STATS_LAW_PAID_SHARE);
        warn_of(&m, out, MR_STATS_LAW_MASS_SHARE);
    }
    if (st == MR_OK && c->json)
        print_json(&m, c, out);
    else if (st == MR_OK && opt_flag(c, "csv"))
        print_csv(&m, out);
    else if (st == MR_OK)
        print_people(&m, out);
    if (st == MR_OK)
        stats_list(&m, c, out);
    measure_close(&m);
}

void cmd_indicators(struct command *c, struct out *out)
{
    json_t *const all = json_array();
    (void)c;
    for (enum mr_stats_id id = 0; id < MR_STATS_IDS; id++) {
        const struct mr_stats_indicator *const k = mr_stats_indicator(id);
        out_print(out, "%s%s%s: %s\n  %s\n  %s\n", term_style(fileno(out->results), STYLE_BOLD),
                  k->id, term_style(fileno(out->results), STYLE_PLAIN), _(k->title),
                  _(k->definition), k->source);
        json_array_append_new(all, measure_indicator_json(id));
    }
    out_json(out, "indicators", all);
}
