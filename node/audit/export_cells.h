/** Values of a row as text: RFC 4180, JSON, and what COPY of PostgreSQL reads. Times are RFC 3339
 * in UTC with milliseconds, ids hexadecimal, amounts whole minor units. */
#ifndef MEREAU_AUDIT_EXPORT_CELLS_H
#define MEREAU_AUDIT_EXPORT_CELLS_H

#include <stdio.h>

#include "audit/export_tables.h"

enum { EXPORT_TIME_TEXT_MAX = 40 };

/** "2026-03-01T10:00:00.000Z". */
void export_time_text(char ret[EXPORT_TIME_TEXT_MAX], uint64_t time_ms);

/** One line with its end. Trouble is found by ferror(); NO_MEMORY only of the JSON one. */
void export_csv_head(FILE *f, enum export_table_id table);
void export_csv_row(FILE *f, enum export_table_id table, const struct export_cell *cells);
enum mr_status export_json_row(FILE *f, enum export_table_id table,
                               const struct export_cell *cells);
void export_copy_row(FILE *f, enum export_table_id table, const struct export_cell *cells);

#endif
