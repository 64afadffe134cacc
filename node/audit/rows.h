/** A ledger as rows in columns: accounts, orders, movements, listings. What statistics, reports,
 *  exports and mirrors share.
 *
 *  Rows come out of an audit that runs (rows_follow). They are held in memory, or in a directory of
 *  plain files that a mirror extends turn by turn and everybody else maps:
 *
 *      rows_create(&r, NULL, charter, ledger)       in memory
 *      rows_create(&r, dir, charter, ledger)        made, or taken up where its last commit ended
 *      rows_follow(r, audit); mr_audit_feed(...) ...
 *      rows_commit(r, charter_now, &point)          durable: all of it or none
 *
 *      rows_load(&r, dir); rows_table(r, &table)    another process, at any time
 *
 *  Files: one a column, `<table>.<column>`, fixed width, little-endian, only ever appended to; and
 *  `head`, replaced at every commit, which says how many rows count, with a hash of each MiB of a
 *  column and of itself. What stands behind that was not committed and is written over. rows_load
 *  checks every byte, and that every number names something that is there. rows_create checks what
 *  it goes on from, so that it takes no longer where there are more rows: head, accounts, and the
 *  last block of each column. Widths and meaning: rows.def; a change of them is a new version.
 *
 *  One thread. Numbers of accounts and orders are those of this book: another node settles in
 *  another order. Only what rows_table sorts is the same everywhere. */
#ifndef MEREAU_AUDIT_ROWS_H
#define MEREAU_AUDIT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/audit.h"
#include "mereau/stats.h"

enum { ROWS_VERSION = 2, ROWS_TEXT_MAX = 512 };

struct rows;

/** dir NULL: in memory. A directory that is there must be of this ledger. MR_OK; MR_NO_MEMORY;
 *  MR_WRONG_LEDGER; MR_DAMAGED (rows_text says what); as file_status. *ret is set unless memory is
 *  short: put it away. Charter and ledger are copied. */
enum mr_status rows_create(struct rows **ret, const char *dir, const struct mr_charter *charter,
                           const uint8_t ledger[MR_HASH_BYTES]);

/** A directory to read. The same statuses; MR_NO_SUCH_FILE: there are no rows. */
enum mr_status rows_load(struct rows **ret, const char *dir);

/** NULL is fine. What was not committed is not in the directory. */
void rows_destroy(struct rows *r);

/** What is wrong, English; empty when nothing is. Lent. */
const char *rows_text(const struct rows *r);

/** From now on what this audit settles becomes rows. The audit must be where the rows end: what it
 *  settles is not looked for among them. Trouble is kept: rows_status, and rows_commit, tell it. */
void rows_follow(struct rows *r, struct mr_audit *a);
enum mr_status rows_status(const struct rows *r);

/** Where the ledger stands, for rows_commit, which fills in time_ms. */
void rows_point(struct mr_stats_point *ret, const struct mr_audit *a,
                const struct mr_audit_totals *t);

/** Make everything so far durable, in memory only note the point. `now`: the charter as it stands.
 *  MR_OK; what rows_status says; MR_DISK_FULL, MR_IO_ERROR: nothing was committed, and the rows
 *  must be put away and opened again. */
enum mr_status rows_commit(struct rows *r, const struct mr_charter *now,
                           const struct mr_stats_point *point);

/** The point of the last commit, and the charter as it stood. Lent. */
const struct mr_stats_point *rows_at(const struct rows *r);
const struct mr_charter *rows_charter(const struct rows *r);

/** For statistics: of rows in memory or loaded. Lent until the rows change. MR_OK, MR_NO_MEMORY. */
enum mr_status rows_table(struct rows *r, struct mr_stats_table *ret);

/* --- columns, as they stand -------------------------------------------------------------------
 */

#define ROWS_TABLE(table)             ROWS_##table,
#define ROWS_COLUMN(table, column, w) /* in the second enumeration */
enum rows_table {
#include "audit/rows.def"
    ROWS_TABLES
};
#undef ROWS_TABLE
#undef ROWS_COLUMN

#define ROWS_TABLE(table)
#define ROWS_COLUMN(table, column, w) ROWS_##table##_##column,
enum rows_column {
#include "audit/rows.def"
    ROWS_COLUMNS
};
#undef ROWS_TABLE
#undef ROWS_COLUMN

/** Rows of a table, and a column's first element: of rows in memory or loaded. Lent. */
size_t rows_count(const struct rows *r, enum rows_table t);
const void *rows_column(const struct rows *r, enum rows_column c);

/** A text of the listings: never NULL. Lent. */
const char *rows_string(const struct rows *r, uint32_t at);

/** Number of an account, MR_STATS_NONE when it has no row. */
uint32_t rows_account(const struct rows *r, const uint8_t id[MR_ACCOUNT_BYTES]);

#endif
