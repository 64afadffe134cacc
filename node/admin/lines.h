/** Lines of an issue: who gets how much for which bank entry, from a CSV file or one command. */
#ifndef MEREAU_ADMIN_LINES_H
#define MEREAU_ADMIN_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "admin/csv_lines.h"
#include "common/output.h"
#include "mereau/record.h"

enum { LINES_MAX = 10000, LINE_FIELD_MAX = CSV_FIELD_MAX };

/** One row. bank_amount is 0 when the file does not name it. */
struct issue_row {
    unsigned line; /* in the file, from 1 */
    int64_t amount, bank_amount;
    char member[LINE_FIELD_MAX + 1];
    char bank_ref[LINE_FIELD_MAX + 1];
    char bank_account[MR_NAME_MAX + 1]; /* "": the key file's */
};

struct issue_rows {
    struct issue_row *rows;
    size_t count;
};

/** Read a CSV text (RFC 4180; comma, semicolon or tab; a heading names the columns member, amount,
 *  bank_ref and, if wanted, bank_account and bank_amount). `file` names it in messages. MR_OK, or
 *  reported: MR_USAGE with the line and what is wrong, MR_NO_MEMORY. lines_free in any case. */
enum mr_status lines_parse(struct issue_rows *ret, struct out *out, const char *file,
                           const char *text, const struct mr_unit *unit);

/** The same from a file. Also MR_NO_SUCH_FILE, MR_TOO_LARGE, MR_IO_ERROR. */
enum mr_status lines_read(struct issue_rows *ret, struct out *out, const char *path,
                          const struct mr_unit *unit);

void lines_free(struct issue_rows *r);

#endif
