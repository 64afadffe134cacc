/** What a command says: people's text, or exactly one JSON object, from the same calls.
 *
 *  Without --json: results to stdout, everything else to stderr. With --json: one line on stdout,
 *  {"ok":true,"status":"OK","status_code":0,...}, for success and failure alike, the same bytes in
 *  every locale; nothing for people on stdout. Long lists (out_row) are JSON lines: each row is an
 *  object of its own and the object with "ok" is the last line. On failure the object also has
 *  "message" (about the status, English), "retry", "exit_code", and "detail": the sentence that
 *  stderr has, in the reader's language. */
#ifndef MEREAU_COMMON_OUTPUT_H
#define MEREAU_COMMON_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/exit.h"
#include "mereau/status.h"

struct out {
    bool json, quiet;
    enum mr_status status; /* MR_OK, or the last out_status(), or the first out_fail() */
    bool failed;
    json_t *fields;        /* JSON mode only */
    FILE *results, *notes; /* stdout and stderr, or a test's */
    const char *program;
};

#define OUT_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/** `program` is what error lines begin with; borrowed. */
void out_begin(struct out *out, const char *program, bool json, bool quiet);

/** Prints the JSON object, flushes stdout, and returns the exit code: that of the status, or
 *  EXIT_HOST when stdout cannot be written (disk full, closed). Releases what `out` holds. */
int out_end(struct out *out);

/* --- results for people (nothing in JSON mode) ------------------------------------------------ */

/** To stdout; ends with what you end it with. */
void out_print(struct out *out, const char *format, ...) OUT_PRINTF(2, 3);

/* --- remarks for people, to stderr (also in JSON mode; not with --quiet) -----------------------
 */

/** One line; the newline is added. */
void out_note(struct out *out, const char *format, ...) OUT_PRINTF(2, 3);

/** A warning: "warning: ..." for people (also with --quiet), field "warning_<what>": `english` in
 *  JSON. `format` is translated. */
void out_warn(struct out *out, const char *what, const char *english, const char *format, ...)
    OUT_PRINTF(4, 5);

/* --- outcome -----------------------------------------------------------------------------------
 */

/** A good end other than MR_OK (MR_SETTLED, MR_ALREADY_DONE). */
void out_status(struct out *out, enum mr_status st);

/** The command fails with this status; a translated sentence says why and what to do next. It goes
 *  to stderr at once, as one line "program: sentence". The first failure counts: a later one is
 *  not shown. `format` NULL: status_sentence(st). Returns st, so that one can return it. */
enum mr_status out_fail(struct out *out, enum mr_status st, const char *format, ...)
    OUT_PRINTF(3, 4);
#ifdef __clang_analyzer__
/* The analyzer reads one file at a time; here it learns that the status comes back as given. */
static inline enum mr_status out_given(enum mr_status returned, enum mr_status st)
{
    (void)returned;
    return st;
}
#define out_fail(out, st, ...) out_given((out_fail)((out), (st), __VA_ARGS__), (st))
#endif

/** What went wrong with a file or directory of this host: status_sentence speaks of the node's
 * disk. Returns what it reported: of a full disk MR_IO_ERROR. */
enum mr_status out_cannot_write(struct out *out, const char *path, enum mr_status st);

/* --- fields of the JSON object (nothing otherwise) ----------------------------------------------
 */

/** Names are snake_case with their unit (amount_minor, not_after_ms). Setting one again replaces
 *  it. Text that is not UTF-8 becomes null. */
void out_text(struct out *out, const char *name, const char *text);
void out_int(struct out *out, const char *name, int64_t value);
void out_bool(struct out *out, const char *name, bool value);

/** Any value, whose reference is taken over (freed when not in JSON mode). */
void out_json(struct out *out, const char *name, json_t *value);

/** One row of a long list: a line of its own, now. Takes over the reference. */
void out_row(struct out *out, json_t *row);

/* --- tables for people -------------------------------------------------------------------------
 */

enum { TABLE_COLUMNS_MAX = 12 };

struct table_column {
    const char *heading; /* translated */
    bool right;          /* numbers stand to the right */
};

struct table;

/** Columns are aligned by what a terminal shows, not by bytes. NULL when memory is short. */
struct table *table_create(const struct table_column *columns, size_t count);

/** As many texts as columns; copied. MR_OK or MR_NO_MEMORY. */
enum mr_status table_add(struct table *t, const char *const *cells);

/** Headings and rows through out_print; no rows, no headings. Frees the table; NULL is fine. */
void table_print(struct out *out, struct table *t);

#endif
