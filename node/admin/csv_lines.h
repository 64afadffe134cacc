/** CSV files as people's spreadsheets write them (RFC 4180; comma, semicolon or tab; a heading
 * names the columns, in any order), line by line. A line that cannot be read is named, and the next
 * one can be read all the same. */
#ifndef MEREAU_ADMIN_CSV_LINES_H
#define MEREAU_ADMIN_CSV_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/output.h"
#include "mereau/status.h"

enum { CSV_FIELDS_MAX = 32, CSV_COLUMNS_MAX = 8, CSV_FIELD_MAX = 128, CSV_FILE_MAX = 4 << 20 };

/** What a file may hold; the first `needed` columns have to be there. */
struct csv_form {
    const char *const *names;
    size_t columns, needed;
    const char *unknown, *missing; /* what is said of another heading; N_() */
};

struct csv_lines {
    const struct csv_form *form;
    const char *at;
    char separator;
    unsigned line;     /* of what was read last, from 1 */
    const char *wrong; /* what is wrong with it, translated; NULL: nothing */
    char fields[CSV_FIELDS_MAX][CSV_FIELD_MAX + 1];
    size_t count;
    size_t width;                  /* fields of the heading */
    size_t where[CSV_COLUMNS_MAX]; /* field of a column; CSV_FIELDS_MAX: not there */
};

/** Read the heading. `form` and `text` are borrowed. MR_OK; MR_USAGE and c->wrong. */
enum mr_status csv_begin(struct csv_lines *c, const struct csv_form *form, const char *text);

/** Read the next line that is not blank. MR_OK; MR_NOT_FOUND at the end; MR_USAGE and c->wrong. */
enum mr_status csv_next(struct csv_lines *c);

/** A field of the line that was read last; "": the line or the file has no such column. */
const char *csv_cell(const struct csv_lines *c, size_t column);

/** The whole text of such a file; *ret is the caller's to free. Reported. */
enum mr_status csv_read_file(char **ret, struct out *out, const char *path);

#endif
