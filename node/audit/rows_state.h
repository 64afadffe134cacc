/* Private parts of rows.h. */
#ifndef MEREAU_AUDIT_ROWS_STATE_H
#define MEREAU_AUDIT_ROWS_STATE_H

#include <sodium.h>

#include "audit/rows.h"
#include "common/file.h"

/* Numbers stand in the files as the machine has them. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rows are little-endian");

struct column {
    uint8_t *bytes;   /* rows in memory; of a directory that is extended those not committed */
    size_t len, cap;  /* in bytes */
    uint8_t *mapped;  /* what stands in the file, or NULL */
    size_t committed; /* its bytes */
    int fd;           /* of a directory that is extended, or -1 */
    uint8_t *hashes;  /* of the blocks of the committed bytes, one after another */
    size_t hashes_cap;
    crypto_generichash_state hash; /* of the last block, when it is not full */
};

struct open_redemption {
    uint32_t account, association;
    uint64_t seq;
    int64_t amount;
    uint32_t order;
};

struct rows {
    struct column columns[ROWS_COLUMNS];
    size_t counts[ROWS_TABLES]; /* rows, the committed ones too */
    size_t first[ROWS_TABLES];  /* the first that is in memory */
    char dir[FILE_PATH_MAX];    /* empty: in memory */
    bool loaded;                /* to read only */
    char text[ROWS_TEXT_MAX];
    enum mr_status status;
    uint8_t ledger[MR_HASH_BYTES];
    struct mr_charter *charter; /* of the last commit */
    struct mr_stats_point point;
    const struct mr_audit *audit; /* followed */
    /* accounts by id: numbers plus 1; 0: free */
    uint32_t *buckets;
    size_t buckets_count;
    uint8_t seed[crypto_shorthash_KEYBYTES];
    uint64_t latest_ms;    /* time of an order */
    uint32_t associations; /* of the charter that have their accounts */
    struct open_redemption *open;
    size_t open_count, open_cap;
    /* what rows_table made */
    struct rows_made *made;
};

unsigned rows_width(enum rows_column c);
enum rows_table rows_table_of(enum rows_column c);
/* "moves.amount" */
void rows_file_name(char ret[64], enum rows_column c);

/* Bytes of row `i`, wherever it stands; valid until the next row. */
const void *rows_cell(const struct rows *r, enum rows_column c, size_t i);
/* One value into a column; rows_end_row then counts the row. */
void rows_put(struct rows *r, enum rows_column c, const void *value);
void rows_put_u(struct rows *r, enum rows_column c, uint64_t value);
void rows_end_row(struct rows *r, enum rows_table t);
uint64_t rows_get_u(const struct rows *r, enum rows_column c, size_t i);

void rows_note_account(struct rows *r);
/* Latest time and associations out of what is there. */
void rows_recall(struct rows *r);
void rows_fail(struct rows *r, enum mr_status st, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Accounts that the charter's associations and the ledger have by themselves. */
void rows_derive(struct rows *r, const struct mr_charter *c);

/* What was read from files names only what is there, in bounds; who extends them looks at accounts
 * alone. False, and reported as damage. */
bool rows_check(struct rows *r, bool extend);

enum mr_status rows_open_files(struct rows *r, bool extend);
enum mr_status rows_write_files(struct rows *r);
void rows_close_files(struct rows *r);
void rows_unmake(struct rows *r);

#endif
