#include "audit/export_cells.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/csv.h"
#include "mereau/id.h"
#include "mereau/time.h"

void export_time_text(char ret[EXPORT_TIME_TEXT_MAX], uint64_t time_ms)
{
    const struct mr_civil d = mr_civil_of(mr_day_of(time_ms));
    const unsigned ms = (unsigned)(time_ms % MR_DAY_MS), s = ms / 1000;
    snprintf(ret, EXPORT_TIME_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", d.year, d.month,
             d.day, s / 3600, s / 60 % 60, s % 60, ms % 1000);
}

static void put_hex(FILE *f, const struct export_cell *c)
{
    char hex[2 * MR_HASH_BYTES + 1];
    mr_hex_format(hex, c->bytes, c->len);
    fputs(hex, f);
}

/* Values that are written the same way everywhere, but for quotes. */
static void put_plain(FILE *f, enum export_type type, const struct export_cell *c)
{
    char time[EXPORT_TIME_TEXT_MAX];
    if (type == EXPORT_NUMBER) {
        fprintf(f, "%" PRId64, c->number);
    } else if (type == EXPORT_BOOL) {
        fputs(c->number != 0 ? "true" : "false", f);
    } else if (type == EXPORT_TIME) {
        export_time_text(time, (uint64_t)c->number);
        fputs(time, f);
    } else {
        put_hex(f, c);
    }
}

/* --- CSV ----------------------------------------------------------------------------------------
 */

void export_csv_head(FILE *f, enum export_table_id table)
{
    const struct export_table *const t = &export_tables[table];
    for (unsigned i = 0; i < t->count; i++)
        fprintf(f, "%s%s", i == 0 ? "" : ",", t->columns[i].name);
    fputs("\r\n", f);
}

/* What lacks is nothing at all; an empty text is two quotes. */
static void csv_text(FILE *f, const struct export_cell *c)
{
    const char *const text = c->bytes, *const guard = c->len > 0 && csv_is_formula(text) ? "'" : "";
    if (c->len > 0 && strpbrk(text, ",\"\r\n") == NULL) {
        fputs(guard, f);
        fwrite(text, 1, c->len, f);
        return;
    }
    fprintf(f, "\"%s", guard);
    for (size_t i = 0; i < c->len; i++) {
        if (text[i] == '"')
            fputc('"', f);
        fputc(text[i], f);
    }
    fputc('"', f);
}

void export_csv_row(FILE *f, enum export_table_id table, const struct export_cell *cells)
{
    const struct export_table *const t = &export_tables[table];
    for (unsigned i = 0; i < t->count; i++) {
        if (i > 0)
            fputc(',', f);
        if (cells[i].lacks)
            continue;
        if (t->columns[i].type == EXPORT_TEXT)
            csv_text(f, &cells[i]);
        else
            put_plain(f, t->columns[i].type, &cells[i]);
    }
    fputs("\r\n", f);
}

/* --- JSON lines ---------------------------------------------------------------------------------
 */

static bool needs_no_escape(const struct export_cell *c)
{
    const unsigned char *const text = c->bytes;
    for (size_t i = 0; i < c->len; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '"' || text[i] == '\\')
            return false;
    }
    return true;
}

static enum mr_status json_text(FILE *f, const struct export_cell *c)
{
    if (needs_no_escape(c)) {
        fprintf(f, "\"%.*s\"", (int)c->len, (const char *)c->bytes);
        return MR_OK;
    }
    json_t *const text = json_stringn(c->bytes, c->len);
    const int rc = text == NULL ? -1 : json_dumpf(text, f, JSON_ENCODE_ANY);
    json_decref(text);
    return rc == 0 || ferror(f) != 0 ? MR_OK : MR_NO_MEMORY;
}

enum mr_status export_json_row(FILE *f, enum export_table_id table, const struct export_cell *cells)
{
    const struct export_table *const t = &export_tables[table];
    enum mr_status st = MR_OK;
    fprintf(f, "{\"table\":\"%s\"", t->name);
    for (unsigned i = 0; i < t->count && st == MR_OK; i++) {
        const enum export_type type = t->columns[i].type;
        const char *const quote =
            type == EXPORT_ID || type == EXPORT_HASH || type == EXPORT_TIME ? "\"" : "";
        fprintf(f, ",\"%s\":%s", t->columns[i].name, cells[i].lacks ? "null" : quote);
        if (cells[i].lacks)
            continue;
        if (type == EXPORT_TEXT)
            st = json_text(f, &cells[i]);
        else
            put_plain(f, type, &cells[i]);
        fputs(quote, f);
    }
    fputs("}\n", f);
    return st;
}

/* --- COPY ---------------------------------------------------------------------------------------
 */

/* What stands behind the backslash; 0: none is needed. */
static char copy_escape(char c)
{
    switch (c) {
    case '\\':
        return '\\';
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    default:
        return '\0';
    }
}

static void copy_text(FILE *f, const struct export_cell *c)
{
    const char *const text = c->bytes;
    for (size_t i = 0; i < c->len; i++) {
        const char behind = copy_escape(text[i]);
        if (behind != '\0')
            fputc('\\', f);
        fputc(behind != '\0' ? behind : text[i], f);
    }
}

void export_copy_row(FILE *f, enum export_table_id table, const struct export_cell *cells)
{
    const struct export_table *const t = &export_tables[table];
    for (unsigned i = 0; i < t->count; i++) {
        const enum export_type type = t->columns[i].type;
        if (i > 0)
            fputc('\t', f);
        if (cells[i].lacks) {
            fputs("\\N", f);
        } else if (type == EXPORT_TEXT) {
            copy_text(f, &cells[i]);
        } else {
            if (type == EXPORT_HASH)
                fputs("\\\\x", f);
            put_plain(f, type, &cells[i]);
        }
    }
    fputc('\n', f);
}
