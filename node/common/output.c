#include "common/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/i18n.h"
#include "common/term.h"
#include "mereau/assert.h"

void out_begin(struct out *out, const char *program, bool json, bool quiet)
{
    *out = (struct out){.json = json,
                        .quiet = quiet,
                        .status = MR_OK,
                        .results = stdout,
                        .notes = stderr,
                        .program = program,
                        .fields = json ? json_object() : NULL};
}

/* Names and memos come from other people: nothing of them may drive the terminal. */
OUT_PRINTF(4, 0)
static void put(FILE *f, const char *before, const char *after, const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        return;
    text_tame(text);
    fprintf(f, "%s%s%s", before, text, after);
    free(text);
}

void out_print(struct out *out, const char *format, ...)
{
    va_list args;
    if (out->json)
        return;
    va_start(args, format);
    put(out->results, "", "", format, args);
    va_end(args);
}

/* Where both go into one file, notes stand behind the results printed before, not inside them. */
static void notes_next(struct out *out)
{
    fflush(out->results);
}

void out_note(struct out *out, const char *format, ...)
{
    va_list args;
    if (out->quiet)
        return;
    notes_next(out);
    va_start(args, format);
    put(out->notes, "", "\n", format, args);
    va_end(args);
}

void out_warn(struct out *out, const char *what, const char *english, const char *format, ...)
{
    va_list args;
    char name[64];
    notes_next(out);
    va_start(args, format);
    fputs(_("warning: "), out->notes);
    put(out->notes, "", "\n", format, args);
    va_end(args);
    snprintf(name, sizeof name, "warning_%s", what);
    out_text(out, name, english);
}

void out_status(struct out *out, enum mr_status st)
{
    if (!out->failed)
        out->status = st;
}

enum mr_status(out_fail)(struct out *out, enum mr_status st, const char *format, ...)
{
    va_list args;
    if (out->failed)
        return st;
    out->failed = true;
    out->status = st;
    notes_next(out);
    va_start(args, format);
    char *text = NULL;
    if (format != NULL && vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    if (text != NULL)
        text_tame(text);
    const char *const sentence = text != NULL ? text : status_sentence(st);
    fprintf(out->notes, "%s: %s\n", out->program, sentence);
    out_text(out, "detail", sentence);
    free(text);
    return st;
}

enum mr_status out_cannot_write(struct out *out, const char *path, enum mr_status st)
{
    if (st == MR_DISK_FULL)
        return out_fail(out, MR_IO_ERROR,
                        _("the disk is full: %s was not written. Make room and repeat the command"),
                        path);
    return out_fail(out, st, _("%s cannot be written: %s"), path, status_sentence(st));
}

void out_json(struct out *out, const char *name, json_t *value)
{
    if (out->json)
        json_object_set_new(out->fields, name, value != NULL ? value : json_null());
    else
        json_decref(value);
}

void out_text(struct out *out, const char *name, const char *text)
{
    if (out->json)
        out_json(out, name, text != NULL ? json_string(text) : NULL);
}

void out_int(struct out *out, const char *name, int64_t value)
{
    if (out->json)
        out_json(out, name, json_integer(value));
}

void out_bool(struct out *out, const char *name, bool value)
{
    if (out->json)
        out_json(out, name, json_boolean(value));
}

static void put_line(struct out *out, const json_t *value)
{
    char *line = json_dumps(value, JSON_COMPACT);
    if (line == NULL) {
        out_fail(out, MR_NO_MEMORY, NULL);
        return;
    }
    fprintf(out->results, "%s\n", line);
    free(line);
}

void out_row(struct out *out, json_t *row)
{
    if (out->json) {
        put_line(out, row);
        /* Whoever follows a list wants each row when it comes. */
        fflush(out->results);
    }
    json_decref(row);
}

static void put_object(struct out *out, enum exit_code code)
{
    json_t *object = json_object();
    const enum mr_status st = out->status;
    json_object_set_new(object, "ok", json_boolean(code == EXIT_DONE));
    json_object_set_new(object, "status", json_string(mr_status_name(st)));
    json_object_set_new(object, "status_code", json_integer((json_int_t)st));
    if (code != EXIT_DONE) {
        json_object_set_new(object, "message", json_string(mr_status_text(st)));
        json_object_set(object, "detail", json_object_get(out->fields, "detail"));
        json_object_set_new(object, "retry", json_boolean(mr_status_retry(st)));
        json_object_set_new(object, "exit_code", json_integer((json_int_t)code));
    }
    json_object_update_missing(object, out->fields);
    put_line(out, object);
    json_decref(object);
}

int out_end(struct out *out)
{
    enum exit_code code = exit_code_of(out->status);
    if (out->json)
        put_object(out, code);
    json_decref(out->fields);
    out->fields = NULL;
    if (fflush(out->results) != 0 || ferror(out->results)) {
        fprintf(out->notes, "%s: ", out->program);
        fprintf(out->notes, _("the result cannot be written: %s\n"), strerror(errno));
        code = EXIT_HOST;
    }
    return (int)code;
}

/* --- tables ------------------------------------------------------------------------------------
 */

struct table {
    struct table_column columns[TABLE_COLUMNS_MAX];
    size_t width[TABLE_COLUMNS_MAX];
    size_t column_count, row_count, row_cap;
    char **cells; /* row_count * column_count */
};

struct table *table_create(const struct table_column *columns, size_t count)
{
    struct table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    mr_assert(count > 0);
    mr_assert(count <= TABLE_COLUMNS_MAX);
    t->column_count = count;
    for (size_t i = 0; i < count; i++) {
        t->columns[i] = columns[i];
        t->width[i] = text_width(columns[i].heading);
    }
    return t;
}

static enum mr_status table_grow(struct table *t)
{
    if (t->row_count < t->row_cap)
        return MR_OK;
    const size_t cap = t->row_cap == 0 ? 16 : t->row_cap * 2;
    char **cells = reallocarray(t->cells, cap * t->column_count, sizeof *cells);
    if (cells == NULL)
        return MR_NO_MEMORY;
    t->cells = cells;
    t->row_cap = cap;
    return MR_OK;
}

enum mr_status table_add(struct table *t, const char *const *cells)
{
    if (table_grow(t) != MR_OK)
        return MR_NO_MEMORY;
    char **row = t->cells + t->row_count * t->column_count;
    for (size_t i = 0; i < t->column_count; i++) {
        row[i] = strdup(cells[i]);
        if (row[i] == NULL) {
            while (i > 0)
                free(row[--i]);
            return MR_NO_MEMORY;
        }
        text_clean(row[i]);
        const size_t width = text_width(row[i]);
        if (width > t->width[i])
            t->width[i] = width;
    }
    t->row_count++;
    return MR_OK;
}

static void table_cell(struct out *out, const struct table *t, size_t column, const char *text)
{
    const bool last = column + 1 == t->column_count;
    const int fill = (int)(t->width[column] - text_width(text));
    if (t->columns[column].right)
        out_print(out, "%*s%s%s", fill, "", text, last ? "\n" : "  ");
    else
        out_print(out, "%s%*s%s", text, last ? 0 : fill, "", last ? "\n" : "  ");
}

void table_print(struct out *out, struct table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; t->row_count > 0 && i < t->column_count; i++)
        table_cell(out, t, i, t->columns[i].heading);
    for (size_t i = 0; i < t->row_count * t->column_count; i++) {
        table_cell(out, t, i % t->column_count, t->cells[i]);
        free(t->cells[i]);
    }
    free(t->cells);
    free(t);
}
