/* What stands in the files of a publication. */
#include "audit/publication.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/id.h"

enum file { FIGURES_CSV, FIGURES_JSON, DICTIONARY_CSV, DICTIONARY_JSON, PACKAGE };
enum { INDENT = 1, JSON_FLAGS = JSON_INDENT(INDENT) | JSON_SORT_KEYS };

static const char *const names[PUBLICATION_FILES] = {
    [FIGURES_CSV] = "figures.csv",       [FIGURES_JSON] = "figures.json",
    [DICTIONARY_CSV] = "dictionary.csv", [DICTIONARY_JSON] = "dictionary.json",
    [PACKAGE] = "datapackage.json",
};

/* The columns of figures.csv: its table schema. */
static const struct column {
    const char *name, *type, *title;
} columns[] = {
    {"indicator", "string", "Id of the indicator; see dictionary"},
    {"of", "string", "period, or whole: all periods as one"},
    {"from", "date", "First day"},
    {"to", "date", "Last day, in it"},
    {"row", "string",
     "What the indicator's row axis names; an apostrophe stands in front of = + - @"},
    {"column", "string", "What its column axis names; an apostrophe stands in front of = + - @"},
    {"value", "string", "As the measure says; amounts in minor units; empty without a value"},
    {"measure", "string", "minor, count, ratio, yearly, days or date; see dictionary"},
    {"state", "string",
     "value; suppressed: kept back for the sake of persons; empty: nothing to divide by; too_big; "
     "no_class; far: more than ten years away; young: too little was recorded yet"},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

const char *publication_file(size_t i)
{
    return names[i];
}

bool publication_has(const char *name)
{
    for (size_t i = 0; i < PUBLICATION_FILES; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return strcmp(name, PUBLICATION_STATEMENT) == 0 || strcmp(name, PUBLICATION_SIGNATURE) == 0;
}

bool publication_licence_fits(const char *id)
{
    const size_t n =
        strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-+");
    return n > 0 && n <= PUBLICATION_LICENCE_MAX && id[n] == '\0';
}

static enum mr_status close_text(FILE *f, enum mr_status st)
{
    const bool bad = ferror(f) != 0;
    return fclose(f) != 0 || bad ? MR_NO_MEMORY : st;
}

/* --- figures ---------------------------------------------------------------------------------- */

static const char *state_text(const struct published *p, size_t i)
{
    return published_why(p, i) != DISCLOSURE_SHOWN ? "suppressed"
                                                   : measure_state_text(p->m->figures[i].state);
}

static void put_prefix(FILE *out, const struct measure *m, size_t i)
{
    const struct mr_stats_figure *const f = &m->figures[i];
    const struct mr_stats_indicator *const k = mr_stats_indicator(f->id);
    char from[16], to[16], name[MEASURE_NAME_MAX];
    measure_day(from, m->periods[f->period].from_day);
    measure_day(to, m->periods[f->period].to_day);
    fprintf(out, "%s,%s,%s,%s,", k->id, f->period == m->periods_count ? "whole" : "period", from,
            to);
    measure_name(name, m, k->row, f->row);
    measure_csv_text(out, name);
    putc(',', out);
    measure_name(name, m, k->column, f->column);
    measure_csv_text(out, name);
    putc(',', out);
}

bool publication_prefix(char *ret, size_t size, const struct measure *m, size_t i)
{
    FILE *const f = fmemopen(ret, size, "w");
    if (f == NULL)
        return false;
    put_prefix(f, m, i);
    return close_text(f, MR_OK) == MR_OK;
}

static void put_figure(FILE *out, const struct published *p, size_t i)
{
    const struct mr_stats_figure *const f = &p->m->figures[i];
    const struct mr_stats_indicator *const k = mr_stats_indicator(f->id);
    char value[MR_STATS_TEXT_MAX] = "";
    put_prefix(out, p->m, i);
    if (published_why(p, i) == DISCLOSURE_SHOWN)
        mr_stats_figure_text(value, f);
    fprintf(out, "%s,%s,%s\n", value, mr_stats_measure_text(k->measure), state_text(p, i));
}

static void put_figures(FILE *out, const struct published *p)
{
    for (size_t i = 0; i < COLUMNS; i++)
        fprintf(out, "%s%s", i == 0 ? "" : ",", columns[i].name);
    putc('\n', out);
    for (size_t i = 0; i < p->m->figures_count; i++)
        put_figure(out, p, i);
}

static json_t *figures_json(const struct published *p)
{
    json_t *const all = json_array();
    for (size_t i = 0; i < p->m->figures_count; i++) {
        const struct mr_stats_figure *const f = &p->m->figures[i];
        json_t *const o = measure_figure_json(p->m, f);
        json_object_set_new(o, "indicator", json_string(mr_stats_indicator(f->id)->id));
        json_object_set_new(o, "state", json_string(state_text(p, i)));
        json_object_del(o, "why");
        if (published_why(p, i) != DISCLOSURE_SHOWN)
            json_object_set_new(o, "value", json_null());
        json_array_append_new(all, o);
    }
    return all;
}

/* --- dictionary ------------------------------------------------------------------------------- */

static void put_dictionary(FILE *out)
{
    static const char *const fields[] = {"id",     "title",    "definition", "measure", "row",
                                         "column", "excluded", "computed",   "source"};
    enum { FIELDS = sizeof fields / sizeof fields[0] };
    for (size_t i = 0; i < FIELDS; i++)
        fprintf(out, "%s%s", i == 0 ? "" : ",", fields[i]);
    putc('\n', out);
    for (enum mr_stats_id id = 0; id < MR_STATS_IDS; id++) {
        json_t *const o = measure_indicator_json(id);
        for (size_t i = 0; i < FIELDS; i++) {
            const char *const text = json_string_value(json_object_get(o, fields[i]));
            if (i > 0)
                putc(',', out);
            measure_csv_text(out, text == NULL ? "" : text);
        }
        putc('\n', out);
        json_decref(o);
    }
}

static json_t *dictionary_json(void)
{
    json_t *const all = json_array();
    for (enum mr_stats_id id = 0; id < MR_STATS_IDS; id++)
        json_array_append_new(all, measure_indicator_json(id));
    return all;
}

/* --- what it is all of ------------------------------------------------------------------------ */

static json_t *hex_json(const uint8_t *bytes)
{
    char text[2 * MR_HASH_BYTES + 1];
    mr_hex_format(text, bytes, MR_HASH_BYTES);
    return json_string(text);
}

static json_t *day_json(uint32_t day)
{
    char text[16];
    measure_day(text, day);
    return json_string(text);
}

static void set_period(json_t *o, const struct measure *m)
{
    json_object_set_new(o, "from", day_json(m->periods[m->periods_count].from_day));
    json_object_set_new(o, "to", day_json(m->periods[m->periods_count].to_day));
    json_object_set_new(o, "by", json_string(measure_by_text(m->by)));
}

/* State of the ledger, alike at every node; nothing of the node whose book was read. */
static json_t *at_json(const struct measure *m)
{
    const struct mr_stats_point *const p = &m->table.point;
    const uint32_t final = mr_stats_final_day(p);
    json_t *const o = json_object();
    json_object_set_new(o, "source", json_string(m->file != NULL ? "file" : "ledger"));
    json_object_set_new(o, m->file != NULL ? "rows" : "settled",
                        json_integer((json_int_t)p->settled));
    json_object_set_new(o, m->file != NULL ? "sha256" : "state_root",
                        p->has_state ? hex_json(p->state) : json_null());
    if (m->file != NULL)
        json_object_set_new(o, "rows_left_out",
                            json_integer((json_int_t)measure_file_left(m->file)));
    else
        json_object_set_new(o, "final_day", final == 0 ? json_null() : day_json(final));
    return o;
}

static json_t *suppression_json(void)
{
    return json_pack("{s:i,s:i,s:s}", "members_min", DISCLOSURE_MEMBERS_MIN, "share_max_percent",
                     DISCLOSURE_SHARE_MAX, "method",
                     "few members or one that dominates, behind a sum, a share, or what a share "
                     "leaves; and complements until elimination of the published equations solves "
                     "none");
}

static json_t *schema_json(void)
{
    json_t *const fields = json_array();
    for (size_t i = 0; i < COLUMNS; i++)
        json_array_append_new(fields, json_pack("{s:s,s:s,s:s}", "name", columns[i].name, "type",
                                                columns[i].type, "title", columns[i].title));
    return json_pack("{s:o,s:[s]}", "fields", fields, "missingValues", "");
}

static json_t *resource_json(enum file f, const char *name, const char *format)
{
    return json_pack("{s:s,s:s,s:s,s:s}", "name", name, "path", names[f], "format", format,
                     "encoding", "utf-8");
}

/* As the Data Package standard has it, which portals of open data read. */
static json_t *package_json(const struct measure *m, const char *licence)
{
    json_t *const o = json_object(), *const list = json_array();
    json_t *const figures = resource_json(FIGURES_CSV, "figures", "csv");
    json_object_set_new(figures, "profile", json_string("tabular-data-resource"));
    json_object_set_new(figures, "schema", schema_json());
    json_array_append_new(list, figures);
    json_array_append_new(list, resource_json(FIGURES_JSON, "figures-json", "json"));
    json_array_append_new(list, resource_json(DICTIONARY_CSV, "dictionary", "csv"));
    json_array_append_new(list, resource_json(DICTIONARY_JSON, "dictionary-json", "json"));
    json_object_set_new(o, "name", json_string("local-currency-circulation"));
    json_object_set_new(o, "profile", json_string("data-package"));
    json_object_set_new(o, "title",
                        json_sprintf("Circulation of a local currency%s%s",
                                     m->currency[0] == '\0' ? "" : ": ", m->currency));
    json_object_set_new(o, "licenses", json_pack("[{s:s}]", "name", licence));
    json_object_set_new(o, "resources", list);
    set_period(o, m);
    return o;
}

/* --- files ------------------------------------------------------------------------------------ */

static json_t *head_json(const struct measure *m, const char *licence)
{
    json_t *const o = json_object();
    json_object_set_new(o, "at", at_json(m));
    json_object_set_new(o, "currency", json_string(m->currency));
    json_object_set_new(o, "unit",
                        json_pack("{s:s,s:i}", "code", m->table.units[0].code, "decimals",
                                  (int)m->table.units[0].decimals));
    json_object_set_new(o, "licence", json_string(licence));
    json_object_set_new(o, "suppression", suppression_json());
    set_period(o, m);
    return o;
}

static enum mr_status put_json(FILE *out, json_t *o)
{
    const bool done = o != NULL && json_dumpf(o, out, JSON_FLAGS) == 0;
    putc('\n', out);
    json_decref(o);
    return done ? MR_OK : MR_NO_MEMORY;
}

static enum mr_status put_file(FILE *out, enum file f, const struct published *p,
                               const char *licence)
{
    json_t *o;
    switch (f) {
    case FIGURES_CSV:
        put_figures(out, p);
        return MR_OK;
    case FIGURES_JSON:
        o = head_json(p->m, licence);
        json_object_set_new(o, "figures", figures_json(p));
        return put_json(out, o);
    case DICTIONARY_CSV:
        put_dictionary(out);
        return MR_OK;
    case DICTIONARY_JSON:
        return put_json(out, json_pack("{s:o}", "indicators", dictionary_json()));
    case PACKAGE:
        break;
    }
    return put_json(out, package_json(p->m, licence));
}

static json_t *listed_json(const struct publication *b)
{
    json_t *const all = json_array();
    for (size_t i = 0; i < PUBLICATION_FILES; i++) {
        uint8_t hash[crypto_hash_sha256_BYTES];
        crypto_hash_sha256(hash, (const uint8_t *)b->files[i].text, b->files[i].len);
        json_array_append_new(all,
                              json_pack("{s:s,s:I,s:o}", "name", names[i], "bytes",
                                        (json_int_t)b->files[i].len, "sha256", hex_json(hash)));
    }
    return all;
}

static json_t *beside_json(const struct beside *b)
{
    json_t *const all = json_array();
    for (size_t i = 0; i < b->hashes_count; i++)
        json_array_append_new(all, hex_json(b->hashes[i]));
    return all;
}

static enum mr_status put_statement(FILE *out, const struct publication *b,
                                    const struct published *p, const struct beside *beside,
                                    const char *licence)
{
    json_t *const o = head_json(p->m, licence);
    json_object_set_new(o, "publication", json_integer(1));
    json_object_set_new(o, "ledger", hex_json(p->m->table.point.ledger));
    json_object_set_new(o, "beside", beside_json(beside));
    json_object_set_new(o, "files", listed_json(b));
    return put_json(out, o);
}

static enum mr_status put_signature(FILE *out, const struct publication *b,
                                    const struct published *p, const struct mr_seckey *key,
                                    const struct mr_pubkey *public)
{
    uint8_t sig[MR_SIG_BYTES];
    char text[2 * MR_SIG_BYTES + 1];
    mr_sign(sig, MR_PURPOSE_PUBLICATION, p->m->table.point.ledger, 0,
            (const uint8_t *)b->statement.text, b->statement.len, key);
    mr_hex_format(text, sig, sizeof sig);
    return put_json(out, json_pack("{s:s,s:s,s:o,s:s}", "algorithm", "Ed25519", "purpose",
                                   "mereau/publication", "public_key", hex_json(public->key),
                                   "signature", text));
}

enum mr_status publication_make(struct publication *ret, const struct published *p,
                                const struct beside *beside, const char *licence,
                                const struct mr_seckey *key, const struct mr_pubkey *public)
{
    enum mr_status st = MR_OK;
    *ret = (struct publication){.statement = {NULL, 0}};
    for (size_t i = 0; i < PUBLICATION_FILES && st == MR_OK; i++) {
        FILE *const f = open_memstream(&ret->files[i].text, &ret->files[i].len);
        st = f == NULL ? MR_NO_MEMORY : close_text(f, put_file(f, (enum file)i, p, licence));
        if (st == MR_OK && ret->files[i].len > PUBLICATION_BYTES_MAX)
            st = MR_TOO_LARGE;
    }
    if (st == MR_OK) {
        FILE *const f = open_memstream(&ret->statement.text, &ret->statement.len);
        st = f == NULL ? MR_NO_MEMORY : close_text(f, put_statement(f, ret, p, beside, licence));
    }
    if (st == MR_OK) {
        FILE *const f = open_memstream(&ret->signature.text, &ret->signature.len);
        st = f == NULL ? MR_NO_MEMORY : close_text(f, put_signature(f, ret, p, key, public));
    }
    return st;
}

void publication_done(struct publication *p)
{
    for (size_t i = 0; i < PUBLICATION_FILES; i++)
        free(p->files[i].text);
    free(p->statement.text);
    free(p->signature.text);
    *p = (struct publication){.statement = {NULL, 0}};
}
