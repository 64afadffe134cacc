/** Papers for people who file them: one HTML text that needs nothing else, made for A4, and CSV of
 *  the same rows. Whatever is put in is escaped here.
 *
 *  Amounts and times come as the programs print them, and stand on the paper as its readers write
 *  them: "12345,60 GAL" with thousands apart, "2025-01-31 09:30" in French as 31/01/2025 09:30.
 *
 *  A paper grows in memory and is written as a whole: nobody ever finds half of one. A failed
 *  allocation is kept and told by paper_save. Texts are copied. */
#ifndef MEREAU_COMMON_PAPER_H
#define MEREAU_COMMON_PAPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/command.h"

enum { PAPER_COLUMNS_MAX = 12 };

/** What a cell or fact holds, and so how it is written and where it may break. */
enum paper_look {
    PAPER_PLAIN,
    PAPER_AMOUNT, /* begins with an amount: to the right, in one line */
    PAPER_TIME,   /* times and days: in one line */
    PAPER_DIGITS, /* ids, addresses, references: may break anywhere */
};

struct paper_column {
    const char *heading; /* translated */
    enum paper_look look;
};

struct paper {
    char *text;
    size_t len, cap;
    bool short_of_memory;
    size_t columns; /* of the table or CSV under way */
    enum paper_look looks[PAPER_COLUMNS_MAX];
    bool in_body; /* rows of a table are open */
};

struct paper_fact {
    const char *name, *value;
    enum paper_look look;
};

/** Empty; paper_done in any case. */
void paper_begin(struct paper *p);
void paper_done(struct paper *p);

/** Write it, replacing a file that is there only with `force`. MR_OK, or reported. */
enum mr_status paper_save(const struct paper *p, struct out *out, const char *path, bool force);

/** Puts all of what `ctx` is about into a paper that is empty. */
typedef void (*paper_fill)(struct paper *p, const void *ctx);

/** What --html and --csv ask for, under --force; named in the output once all is written. MR_OK, or
 *  reported. */
enum mr_status paper_files(const struct command *c, struct out *out, paper_fill html,
                           paper_fill csv, const void *ctx);

/* --- HTML, in this order: head, then sections of facts, tables, notes; end ----------------------
 */

/** Title of the paper and who issues it. `lang` is "fr" or "en". */
void paper_head(struct paper *p, const char *lang, const char *title, const char *issuer);
void paper_end(struct paper *p);

/** A heading; `new_page`: printed at the top of a sheet. */
void paper_section(struct paper *p, const char *title, bool new_page);

/** Name and value, one below the other. */
void paper_facts(struct paper *p, const struct paper_fact *facts, size_t count);

/** A table: caption, headings, rows, and a line of totals (cells as many as columns). */
void paper_table(struct paper *p, const char *caption, const struct paper_column *columns,
                 size_t count);
void paper_row(struct paper *p, const char *const *cells);
void paper_totals(struct paper *p, const char *const *cells);
void paper_table_end(struct paper *p);

/** A paragraph. */
void paper_note(struct paper *p, const char *text);

/** Long digits (ids, signed texts) that may break anywhere, under a small heading. */
void paper_code(struct paper *p, const char *title, const char *text);

/** Places to sign, side by side. */
void paper_signatures(struct paper *p, const char *const *who, size_t count);

/* --- CSV (RFC 4180) -----------------------------------------------------------------------------
 */

/** One line. Cells are quoted where they need it; one that a spreadsheet would take for a formula
 *  gets an apostrophe in front, a negative number does not. */
void paper_csv(struct paper *p, const char *const *cells, size_t count);

#endif
