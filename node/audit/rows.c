/* Columns in memory, and the accounts by id. */
#include "audit/rows_state.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_START = 1024, COLUMN_BYTES_START = 4096 };

static const struct {
    enum rows_table table;
    unsigned width;
    const char *name;
} columns[ROWS_COLUMNS] = {
#define ROWS_TABLE(t)
#define ROWS_COLUMN(t, c, w) {ROWS_##t, w, #t "." #c},
#include "audit/rows.def"
#undef ROWS_TABLE
#undef ROWS_COLUMN
};

unsigned rows_width(enum rows_column c)
{
    return columns[c].width;
}

enum rows_table rows_table_of(enum rows_column c)
{
    return columns[c].table;
}

void rows_file_name(char ret[64], enum rows_column c)
{
    size_t n = 0;
    for (const char *p = columns[c].name; *p != '\0' && n < 63; p++)
        ret[n++] = (char)tolower((unsigned char)*p);
    ret[n] = '\0';
}

void rows_fail(struct rows *r, enum mr_status st, const char *format, ...)
{
    va_list args;
    if (r->status != MR_OK)
        return;
    r->status = st;
    va_start(args, format);
    vsnprintf(r->text, sizeof r->text, format, args);
    va_end(args);
}

const char *rows_text(const struct rows *r)
{
    return r->text;
}

enum mr_status rows_status(const struct rows *r)
{
    return r->status;
}

/* --- cells ------------------------------------------------------------------------------------ */

void rows_put(struct rows *r, enum rows_column c, const void *value)
{
    struct column *const k = &r->columns[c];
    const unsigned width = columns[c].width;
    if (r->status != MR_OK)
        return;
    if (k->cap - k->len < width) {
        const size_t cap = k->cap == 0 ? COLUMN_BYTES_START : k->cap * 2;
        uint8_t *const bytes = realloc(k->bytes, cap);
        if (bytes == NULL) {
            rows_fail(r, MR_NO_MEMORY, "no memory for another row");
            return;
        }
        k->bytes = bytes;
        k->cap = cap;
    }
    memcpy(k->bytes + k->len, value, width);
    k->len += width;
}

void rows_put_u(struct rows *r, enum rows_column c, uint64_t value)
{
    rows_put(r, c, &value);
}

void rows_end_row(struct rows *r, enum rows_table t)
{
    if (r->counts[t] >= UINT32_MAX - 1)
        rows_fail(r, MR_TOO_LARGE, "more rows than can be numbered");
    else
        r->counts[t]++;
}

const void *rows_cell(const struct rows *r, enum rows_column c, size_t i)
{
    const size_t first = r->first[columns[c].table], width = columns[c].width;
    return i < first ? r->columns[c].mapped + i * width : r->columns[c].bytes + (i - first) * width;
}

uint64_t rows_get_u(const struct rows *r, enum rows_column c, size_t i)
{
    uint64_t v = 0;
    memcpy(&v, rows_cell(r, c, i), columns[c].width);
    return v;
}

size_t rows_count(const struct rows *r, enum rows_table t)
{
    return r->counts[t];
}

const void *rows_column(const struct rows *r, enum rows_column c)
{
    static const uint64_t none;
    const void *const at = r->loaded ? r->columns[c].mapped : r->columns[c].bytes;
    return at != NULL ? at : &none;
}

const char *rows_string(const struct rows *r, uint32_t at)
{
    return at < r->counts[ROWS_TEXTS] ? rows_cell(r, ROWS_TEXTS_BYTES, at) : "";
}

/* --- accounts ---------------------------------------------------------------------------------
 */

static uint32_t *bucket_of(const struct rows *r, const uint8_t id[16])
{
    uint8_t h[crypto_shorthash_BYTES];
    uint64_t v;
    crypto_shorthash(h, id, 16, r->seed);
    memcpy(&v, h, sizeof v);
    size_t at = (size_t)v & (r->buckets_count - 1);
    while (r->buckets[at] != 0 &&
           memcmp(rows_cell(r, ROWS_ACCOUNTS_ID, r->buckets[at] - 1), id, 16) != 0)
        at = (at + 1) & (r->buckets_count - 1);
    return &r->buckets[at];
}

/* Room for as many accounts as there are, and one more. */
static bool widen(struct rows *r)
{
    const size_t count = r->counts[ROWS_ACCOUNTS];
    if (count + 1 <= r->buckets_count / 2)
        return true;
    size_t wider = r->buckets_count == 0 ? BUCKETS_START : r->buckets_count;
    while (count + 1 > wider / 2)
        wider *= 2;
    uint32_t *const buckets = calloc(wider, sizeof *buckets);
    if (buckets == NULL) {
        rows_fail(r, MR_NO_MEMORY, "no memory for another account");
        return false;
    }
    free(r->buckets);
    r->buckets = buckets;
    r->buckets_count = wider;
    for (size_t i = 0; i < count; i++)
        *bucket_of(r, rows_cell(r, ROWS_ACCOUNTS_ID, i)) = (uint32_t)i + 1;
    return true;
}

uint32_t rows_account(const struct rows *r, const uint8_t id[MR_ACCOUNT_BYTES])
{
    const uint32_t at = r->buckets_count == 0 ? 0 : *bucket_of(r, id);
    return at == 0 ? MR_STATS_NONE : at - 1;
}

/* The last row of the accounts takes its place in the map. */
void rows_note_account(struct rows *r)
{
    const size_t count = r->counts[ROWS_ACCOUNTS];
    if (r->status == MR_OK && widen(r))
        *bucket_of(r, rows_cell(r, ROWS_ACCOUNTS_ID, count - 1)) = (uint32_t)count;
}

/* --- making ----------------------------------------------------------------------------------- */

static struct rows *blank(void)
{
    struct rows *const r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    for (size_t i = 0; i < ROWS_COLUMNS; i++)
        r->columns[i].fd = -1;
    r->charter = malloc(sizeof *r->charter);
    if (r->charter == NULL) {
        free(r);
        return NULL;
    }
    randombytes_buf(r->seed, sizeof r->seed);
    return r;
}

static void begin(struct rows *r, const struct mr_charter *charter)
{
    if (r->counts[ROWS_TEXTS] == 0) {
        rows_put_u(r, ROWS_TEXTS_BYTES, 0);
        rows_end_row(r, ROWS_TEXTS);
    }
    if (widen(r))
        rows_recall(r);
    rows_derive(r, charter);
}

enum mr_status rows_create(struct rows **ret, const char *dir, const struct mr_charter *charter,
                           const uint8_t ledger[MR_HASH_BYTES])
{
    struct rows *const r = *ret = blank();
    if (r == NULL)
        return MR_NO_MEMORY;
    memcpy(r->ledger, ledger, MR_HASH_BYTES);
    *r->charter = *charter;
    if (dir != NULL && snprintf(r->dir, sizeof r->dir, "%s", dir) >= (int)sizeof r->dir)
        rows_fail(r, MR_TOO_LARGE, "the name is too long");
    else if (dir != NULL)
        rows_open_files(r, true);
    if (r->status == MR_OK && memcmp(r->ledger, ledger, MR_HASH_BYTES) != 0)
        rows_fail(r, MR_WRONG_LEDGER, "%s: rows of another ledger", r->dir);
    if (r->status == MR_OK)
        begin(r, charter);
    return r->status;
}

enum mr_status rows_load(struct rows **ret, const char *dir)
{
    struct rows *const r = *ret = blank();
    if (r == NULL)
        return MR_NO_MEMORY;
    r->loaded = true;
    if (snprintf(r->dir, sizeof r->dir, "%s", dir) >= (int)sizeof r->dir)
        rows_fail(r, MR_TOO_LARGE, "the name is too long");
    else if (rows_open_files(r, false) == MR_OK)
        widen(r);
    return r->status;
}

void rows_destroy(struct rows *r)
{
    if (r == NULL)
        return;
    rows_unmake(r);
    rows_close_files(r);
    for (size_t i = 0; i < ROWS_COLUMNS; i++)
        free(r->columns[i].bytes);
    free(r->buckets);
    free(r->open);
    free(r->charter);
    free(r);
}

enum mr_status rows_commit(struct rows *r, const struct mr_charter *now,
                           const struct mr_stats_point *point)
{
    if (r->status != MR_OK)
        return r->status;
    *r->charter = *now;
    r->point = *point;
    r->point.time_ms = r->latest_ms;
    rows_derive(r, now);
    if (r->status == MR_OK && r->dir[0] != '\0')
        rows_write_files(r);
    return r->status;
}

const struct mr_stats_point *rows_at(const struct rows *r)
{
    return &r->point;
}

const struct mr_charter *rows_charter(const struct rows *r)
{
    return r->charter;
}
