/** From what the command line names to figures: a verified book, rows that a mirror keeps, or a
 * file of recorded payments. What stats, report and publish share. */
#ifndef MEREAU_AUDIT_MEASURE_H
#define MEREAU_AUDIT_MEASURE_H

#include "audit/payments.h"
#include "audit/rows.h"
#include "audit/source.h"
#include "mereau/stats.h"

/** Options of all commands that measure, beside SOURCE_OPTIONS. */
#define MEASURE_OPTIONS                                                                            \
    {"base", 'b', N_("SOURCE"), N_("book of an earlier node, for one that joined later")},         \
        {"rows", 'r', N_("DIR"), N_("rows of a mirror, in place of a book")},                      \
        {"from-csv", 0, N_("FILE"), N_("a file of recorded payments, in place of a book")},        \
        {"accounts", 0, N_("FILE"), N_("classes, trades and towns, for --from-csv")},              \
        {"from", 0, N_("DAY"), N_("first day, as 2026-01-31 (the first one with a movement)")},    \
        {"to", 0, N_("DAY"), N_("last day (the last one with a movement)")},                       \
        {"by", 0, N_("PERIOD"), N_("day, week, month or year (month)")},                           \
        {"edges", 0, N_("N"), N_("largest circularity that is computed (500000 pairs)")},          \
    {                                                                                              \
        "threads", 't', N_("N"), N_("threads (else one a processor)")                              \
    }

/** Accounts of a payments file, made from its names. */
struct measure_file;

struct measure {
    struct rows *rows;         /* or */
    struct measure_file *file; /* one of them */
    struct mr_stats_table table;
    struct mr_stats *stats;
    const struct mr_stats_period *periods;
    size_t periods_count;
    const struct mr_stats_figure *figures;
    size_t figures_count;
    char currency[MR_NAME_MAX + 1]; /* empty: of a payments file */
    enum mr_stats_by by;
    /* to be set behind measure_open: */
    const bool *only; /* by id: what measure_run computes; NULL: all */
    bool few;         /* mark what tells of few: it is for publication */
    bool finished;    /* of a ledger, without --to: periods that are over and final alone */
};

/** Read what is named and make the table. A book with findings is MR_CHECK_FAILED: nothing is
 *  measured on it. MR_OK, or reported. Put it away in any case. */
enum mr_status measure_open(struct measure *ret, struct command *c, struct out *out);

/** Compute all figures for the periods that the options name. MR_OK, or reported. */
enum mr_status measure_run(struct measure *m, struct command *c, struct out *out);

/** For periods of one's own. */
enum mr_status measure_query(struct measure *m, struct command *c, struct out *out,
                             const struct mr_stats_query *query);

void measure_close(struct measure *m);

/** Fields that say of what the figures are: "currency", "at", "periods", "final_day". */
void measure_head(const struct measure *m, struct out *out);

/** What a value on an axis is called: a class, an association's name, a label; "" when there is
 *  none. `ret` holds MEASURE_NAME_MAX bytes. */
enum { MEASURE_NAME_MAX = 80 };
void measure_name(char *ret, const struct measure *m, enum mr_stats_axis axis, uint32_t value);
/** The same for people: classes are translated. */
void measure_word(char *ret, const struct measure *m, enum mr_stats_axis axis, uint32_t value);

/** What an account is called: its address, or its name in a payments file. ret holds
 * MEASURE_NAME_MAX bytes; a longer name is cut. */
void measure_account(char *ret, const struct measure *m, uint32_t account);

/** "2026-01-31" in ret (16 bytes). */
void measure_day(char ret[16], uint32_t day);
const char *measure_state_text(enum mr_stats_state s);
/** "day", "week", "month", "year", as --by has it and a publication says it. */
const char *measure_by_text(enum mr_stats_by by);
/** False: it is none of them, and *ret is left. */
bool measure_by_parse(enum mr_stats_by *ret, const char *text);

/** The figures of one indicator: the first and how many. */
const struct mr_stats_figure *measure_figures(const struct measure *m, enum mr_stats_id id,
                                              size_t *ret_count);

/** As JSON, the caller's: one figure with its period, axes, value; what an indicator is. */
json_t *measure_figure_json(const struct measure *m, const struct mr_stats_figure *f);
json_t *measure_indicator_json(enum mr_stats_id id);

/** A field of comma-separated lines (RFC 4180), quoted where it must be. */
void measure_csv_text(FILE *f, const char *text);

/* Parts of it: measure_file.c. */
enum mr_status measure_file_open(struct measure *m, const struct command *c, struct out *out,
                                 const char *path);
void measure_file_close(struct measure_file *f);
uint64_t measure_file_left(const struct measure_file *f); /* rows that are not measured */
const char *measure_file_name(const struct measure_file *f, uint32_t account); /* lent */

#endif
