/* Figures and indicators as JSON and CSV. */
#include <string.h>

#include "audit/measure.h"
#include "common/csv.h"

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *value_json(const struct mr_stats_figure *f)
{
    const enum mr_stats_measure measure = mr_stats_indicator(f->id)->measure;
    char text[MR_STATS_TEXT_MAX];
    if (f->state != MR_STATS_VALUE)
        return json_null();
    if (measure == MR_STATS_MINOR || measure == MR_STATS_COUNT)
        return json_integer((json_int_t)f->num);
    mr_stats_figure_text(text, f);
    return json_string(text);
}

static json_t *axis_json(const struct measure *m, enum mr_stats_axis axis, uint32_t value)
{
    char name[MEASURE_NAME_MAX];
    if (axis == MR_STATS_AXIS_NUMBER)
        return json_integer(value);
    if (value == MR_STATS_NONE)
        return json_null();
    measure_name(name, m, axis, value);
    return json_string(name);
}

json_t *measure_figure_json(const struct measure *m, const struct mr_stats_figure *f)
{
    const struct mr_stats_indicator *const k = mr_stats_indicator(f->id);
    json_t *const o = json_object();
    char day[16];
    measure_day(day, m->periods[f->period].from_day);
    json_object_set_new(o, "from", json_string(day));
    measure_day(day, m->periods[f->period].to_day);
    json_object_set_new(o, "to", json_string(day));
    json_object_set_new(o, "whole", json_boolean(f->period == m->periods_count));
    if (k->row != MR_STATS_AXIS_NONE)
        json_object_set_new(o, "row", axis_json(m, k->row, f->row));
    if (k->column != MR_STATS_AXIS_NONE)
        json_object_set_new(o, "column", axis_json(m, k->column, f->column));
    json_object_set_new(o, "value", value_json(f));
    if (f->state != MR_STATS_VALUE)
        json_object_set_new(o, "why", json_string(measure_state_text(f->state)));
    return o;
}

json_t *measure_indicator_json(enum mr_stats_id id)
{
    const struct mr_stats_indicator *const k = mr_stats_indicator(id);
    static const char *const whens[] = {"period", "whole", "month"};
    json_t *const o = json_object();
    json_object_set_new(o, "id", json_string(k->id));
    json_object_set_new(o, "title", json_string(k->title));
    json_object_set_new(o, "definition", json_string(k->definition));
    json_object_set_new(o, "source", json_string(k->source));
    json_object_set_new(o, "measure", json_string(mr_stats_measure_text(k->measure)));
    json_object_set_new(o, "row", json_string(mr_stats_axis_text(k->row)));
    json_object_set_new(o, "column", json_string(mr_stats_axis_text(k->column)));
    json_object_set_new(o, "excluded", json_string(mr_stats_scope_text(k->scope)));
    json_object_set_new(o, "computed", json_string(whens[k->when]));
    return o;
}

/* --- CSV -------------------------------------------------------------------------------------- */

void measure_csv_text(FILE *f, const char *text)
{
    const char *const guard = csv_is_formula(text) ? "'" : "";
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fprintf(f, "%s%s", guard, text);
        return;
    }
    fprintf(f, "\"%s", guard);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            putc('"', f);
        putc(*text, f);
    }
    putc('"', f);
}
