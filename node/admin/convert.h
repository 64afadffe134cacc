/** Assigned conversions of one payment order: who is to be credited, what was done of it before,
 * and which mandates bear the rest (spec/95-municipal.md MUN-3, MUN-4). */
#ifndef MEREAU_ADMIN_CONVERT_H
#define MEREAU_ADMIN_CONVERT_H

#include "admin/conversion.h"
#include "admin/csv_lines.h"
#include "admin/members.h"
#include "admin/work.h"

enum {
    CONVERT_LINES_MAX = MR_PAGE_MAX * MR_LINES_MAX, /* what one draft holds */
    CONVERT_PARTS_MAX = 2 * MR_PAGE_MAX,
};

enum convert_state {
    CONVERT_NEW,     /* to be signed */
    CONVERT_DRAFTED, /* in a draft that waits for signatures */
    CONVERT_DONE,    /* credited */
    CONVERT_REFUSED, /* st and why say it */
};

/** One payee. */
struct convert_line {
    unsigned line; /* of the file; 0: typed */
    enum convert_state state;
    char payee[CSV_FIELD_MAX + 1], mandate[CSV_FIELD_MAX + 1]; /* as typed; "": not said */
    struct mr_conversion want;
    uint8_t key[MR_ACCOUNT_BYTES];
    bool keyed;                    /* the register has it: key is its */
    struct conversion_facts facts; /* CONVERT_DONE */
    enum mr_status st;
    char why[HINT_MAX];
    int64_t max, used; /* st MR_MANDATE_OVER: of the mandate */
};

/** One bank entry pays for one ISSUE, or for several: its parts. */
struct convert_part {
    struct mr_bank_note note;
    bool used; /* by this payment order, or in a draft of it */
};

struct converting {
    struct admin *a;
    const char *file; /* NULL: one payee, typed */
    struct convert_line *lines;
    size_t count, cap;
    int64_t sum, stated; /* of the lines; what the payment order says (0: it does not) */
    char typed[CONVERSION_ORDER_MAX + 1],
        order[CONVERSION_ORDER_MAX + 1]; /* the latter normalised */
    uint8_t town[MR_ACCOUNT_BYTES];
    bool has_town;    /* known who paid */
    struct roll roll; /* with a file */
    struct mandates mandates;
    struct conversions all;
    struct convert_part parts[CONVERT_PARTS_MAX];
    const char *draft; /* one that was found waiting, below */
    char draft_path[FILE_PATH_MAX];
};

/** Read what is wanted: a payee and an amount, or --file. Lines that cannot be read are refused and
 *  kept. Reported; convert_done in any case. */
enum mr_status convert_read(struct converting *v);
void convert_done(struct converting *v);

/** Find out what was done before, and the mandates of the rest; lines that may not be are refused
 *  and named. MR_OK; reported when nothing may be signed. */
enum mr_status convert_check(struct converting *v, struct work *w);

/** Refuse a line; the first reason counts. */
__attribute__((format(printf, 3, 4))) void
convert_refuse(struct convert_line *line, enum mr_status st, const char *format, ...);

size_t convert_count(const struct converting *v, enum convert_state state, int64_t *ret_sum);

#endif
