/** The schema of an export in PostgreSQL: tables, keys, comments, and how far they are filled. */
#ifndef MEREAU_AUDIT_EXPORT_SCHEMA_H
#define MEREAU_AUDIT_EXPORT_SCHEMA_H

#include "audit/export_db.h"
#include "audit/export_tables.h"

enum { EXPORT_SCHEMA_VERSION = 2 };

/** Sets run->known from the schema of --schema; 0 when it is not there. `make`: then it is made,
 * all of it or nothing, and later statements need not name it. MR_OK, or reported: MR_WRONG_LEDGER,
 * and MR_CONFIG when there is something else under this name, or when columns or rows are not as
 * they were written. */
enum mr_status export_schema_open(struct db *db, struct export_run *run, bool make);

/** COPY from so many bytes that export_copy_row wrote, into a table beside the one that is meant.
 */
enum mr_status export_schema_copy(struct db *db, enum export_table_id table, FILE *from,
                                  uint64_t len);

/** Takes what was copied beside a table into it; accounts and associations may be there already.
 *  What is in the table is counted and summed up beside it, so that rows that somebody else changes
 *  are noticed. In the transaction of the copy. */
enum mr_status export_schema_merge(struct db *db, enum export_table_id table);

/** Moves the position on, from where the database must stand: MR_IN_USE when somebody else did. */
enum mr_status export_schema_advance(struct db *db, uint64_t from,
                                     const uint8_t from_hash[EXPORT_HASH_BYTES], uint64_t to,
                                     const uint8_t to_hash[EXPORT_HASH_BYTES]);

#endif
