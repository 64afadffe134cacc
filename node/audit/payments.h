/** A file of recorded payments, read as a whole: its rows, its accounts, what rounding did. */
#ifndef MEREAU_AUDIT_PAYMENTS_H
#define MEREAU_AUDIT_PAYMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/name_set.h"
#include "mereau/status.h"

enum { BOOK_DECIMALS = 2 };
#define NO_MEMBER NO_NAME
#define NO_ROW    UINT32_MAX

/** What a row does. Nobody's key signs a reclamation: the operator takes units back. A replay
 *  settles it like a redemption and counts it apart. */
enum row_kind { ROW_ISSUE, ROW_PAY, ROW_REDEEM, ROW_RECLAIM };
enum { ROW_KINDS = 4 };

/** Why a row was not replayed; REASON_NONE: it was, or has not been tried yet. */
enum reason {
    REASON_NONE,
    REASON_COLUMNS,
    REASON_KIND,
    REASON_UNIT,
    REASON_ACCOUNT,
    REASON_TEXT,
    REASON_SELF,
    REASON_SYNTAX,
    REASON_ZERO,
    REASON_NEGATIVE,
    REASON_LARGE,
    REASON_REPEATED,
    REASON_UNFUNDED,
    REASON_SHORT,
    REASON_TIME,
};
enum { REASONS = REASON_TIME + 1 };

/** A sum of decimal fractions, exact to 18 digits behind the point. */
struct fraction {
    int64_t high, low; /* 10^-9 and 10^-18 of a unit */
};
void fraction_add(struct fraction *f, int64_t atto);
enum { FRACTION_TEXT_MAX = 64 };
/** ret holds FRACTION_TEXT_MAX bytes. */
void fraction_text(char *ret, const struct fraction *f);

/** Read a decimal number ("12", "0.125", "1e-05") and round it half to even to BOOK_DECIMALS
 *  digits. *ret_atto is what rounding added, in 10^-18 of a unit. REASON_NONE, _SYNTAX, _NEGATIVE,
 *  _ZERO (rounds to nothing), _LARGE. *ret is untouched on failure, *ret_atto only on _ZERO set. */
enum reason amount_round(int64_t *ret, int64_t *ret_atto, const char *text);

/** Read a moment: "2020-01-25", "2020-01-25 19:13", "2020-01-25T19:13:17.731529+01:00"; UTC unless
 * a zone is given. False: it is none after 1970 began, and *ret is left. Milliseconds. */
bool payments_time(uint64_t *ret, const char *text);

struct row {
    const char *id, *time; /* as in the file */
    uint64_t time_ms;      /* of a row that is used, where `dated` */
    int64_t minor;
    uint64_t line;                   /* in the file, from 1 */
    uint32_t payer, payee;           /* who it touches among members, or NO_MEMBER */
    uint32_t payer_next, payee_next; /* that member's next row */
    enum row_kind kind;
    bool assigned; /* an issue that a municipality paid for */
    enum reason reason;
    bool settled;
};

struct payments {
    uint8_t hash[32]; /* SHA-256 of the file */
    char *text;
    struct row *rows;
    size_t count, cap;
    struct name_set accounts; /* the members */
    struct name_set ids;      /* of rows that are used, where rows have one */
    uint32_t *first;          /* a member's first row */
    const char *unit;
    char separator; /* of the columns */
    bool dated;     /* rows need a time that can be read, and an id of their own */
    bool has_time;  /* there is a column of times */
    /* Of a file that is refused: the line with a byte that ends texts, from 1; or a column that the
     * head names twice. 0, NULL: neither. */
    uint64_t bad_line;
    const char *twice;
    uint64_t rounded, lost; /* rows whose amount was rounded; those that rounded to nothing */
    struct fraction added;  /* what rounding added in all */
};

/** Read at most `limit` rows (0: all). Columns are separated as the head does it: by semicolons or
 *  tabs where it has some, else by commas. MR_OK; MR_BAD_TEXT (no head that names the columns, or
 *  one of them twice, or a byte that ends texts); as file_read; MR_NO_MEMORY. payments_done() in
 *  any case. `dated`: a row whose time cannot be read, or whose id an earlier one has, is not used;
 *  whoever pays anew what was paid needs neither. */
enum mr_status payments_read(struct payments *ret, const char *path, uint64_t limit, bool dated);
void payments_done(struct payments *b);

/** The member of a name; NO_MEMBER: no row names it. */
uint32_t payments_member(const struct payments *b, const char *name);

/** Of a text of len bytes in memory that ends with a NUL: where its lines begin, behind a byte
 * order mark. *ret_bad_line is the line of the first NUL within, from 1; 0 when there is none. */
char *payments_begin(char *text, size_t len, uint64_t *ret_bad_line);

/** The next line, cut off; NULL behind the last one. */
char *payments_line(char **at);

/** What separates the columns of a file with this first line: semicolon, tab or comma. */
char payments_separator(const char *head);

/** A line's fields, cut and unquoted in place, the first `max` of them, each as it was meant
 *  (csv.h). Returns how many the line has. */
size_t payments_fields(char **ret, size_t max, char *line, char separator);

const char *payments_kind_text(enum row_kind k);
/** In English, to be translated for people. */
const char *payments_reason_text(enum reason r);

#endif
