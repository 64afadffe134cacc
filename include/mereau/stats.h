/** Statistics of circulation (spec/75-statistics.md STA-n): figures out of movements.
 *
 *  Pure: no file, no clock, no floating point. The same movements give the same figures, to the
 *  byte, on any machine and from the book of any node of the ledger: rows are sorted by what is in
 *  them, and figures are exact integers or quotients of integers until they are printed.
 *
 *      mr_stats_create(&s, &mem, &table, &query)
 *      mr_stats_run(s, i) for every job i            any thread, in any order
 *      mr_stats_figures(s, &count)                   all were run: sorted, lent
 *      mr_stats_destroy(s)
 */
#ifndef MEREAU_STATS_H
#define MEREAU_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/limits.h"
#include "mereau/mem.h"
#include "mereau/record.h"
#include "mereau/status.h"

/* --- what is measured -------------------------------------------------------------------------
 */

#define MR_STATS_NONE UINT32_MAX

/** What a movement is. Numbers stand in files of rows: they are never reused. */
enum mr_stats_kind {
    MR_STATS_OTHER = 0,
    MR_STATS_ISSUE = 1,       /**< issuer to a member, against euros */
    MR_STATS_PAY = 2,         /**< one payment line; from `own` when a treasury pays */
    MR_STATS_FEE = 3,         /**< of a payment, to the association's `own` */
    MR_STATS_REDEEM = 4,      /**< member to `redeemed` */
    MR_STATS_PAYOUT = 5,      /**< `redeemed` to the issuer: the euros were paid */
    MR_STATS_PAYOUT_FEE = 6,  /**< `redeemed` to `own` */
    MR_STATS_RETURN = 7,      /**< `redeemed` back to the member */
    MR_STATS_SWEEP = 8,       /**< a closed account to `own` */
    MR_STATS_CLEAR = 9,       /**< between two issuers: debt changes hands */
    MR_STATS_RESERVE_IN = 10, /**< unit 1, world to a reserve */
    MR_STATS_RESERVE_OUT = 11,
    MR_STATS_RESERVE_CLEAR = 12,
    MR_STATS_ASSIGNED = 13, /**< ISSUE that a municipality paid for (assigned conversion) */
};
enum { MR_STATS_KINDS = 14 };

/** Class of an account that nothing is known of: those of a payments file without a list of
 *  accounts. It counts as circulating; what needs a class is not computed where there is one. */
enum { MR_STATS_CLASS_UNKNOWN = 0, MR_STATS_CLASSES = 25 };

struct mr_stats_account {
    uint8_t id[MR_ACCOUNT_BYTES];
    uint32_t class;       /**< enum mr_account_class, or MR_STATS_CLASS_UNKNOWN */
    uint32_t association; /**< home, index in the table's; MR_STATS_NONE */
    uint32_t trade, town; /**< of its last listing, index in the table's labels; MR_STATS_NONE */
    uint64_t opened_ms;   /**< 0: from the beginning */
    uint64_t closed_ms;   /**< 0: it is open */
};

struct mr_stats_association {
    uint8_t id[MR_ACCOUNT_BYTES];
    const char *name;
};

struct mr_stats_redemption {
    uint32_t member;      /**< account */
    uint32_t association; /**< that shall pay; MR_STATS_NONE */
    int64_t amount;
    uint64_t asked_ms, done_ms; /**< done 0: open */
    bool returned;
};

/** Where the ledger stood: every figure is of this state. */
struct mr_stats_point {
    uint8_t ledger[MR_HASH_BYTES]; /**< hash of the charter; of a payments file: zero */
    uint64_t settled;              /**< orders, void slots too; of a payments file: its rows */
    bool has_state;
    uint8_t state[MR_HASH_BYTES]; /**< LED-50: the same at every node that settled the same; of a
                                     payments file: SHA-256 of it */
    /* of the book that was read, another at each node */
    uint32_t node, epoch;
    uint64_t turn, log_size;
    uint8_t log_root[MR_HASH_BYTES];
    uint64_t time_ms; /**< the latest time of an order: no node's clock */
};

/** Everything is lent and must stay while the statistics live. Columns of movements have `rows`
 *  elements each and ascend by time. */
struct mr_stats_table {
    struct mr_stats_point point;
    uint32_t units_count;
    struct {
        char code[MR_CODE_MAX + 1];
        uint32_t decimals;
        enum mr_unit_role role;
    } units[MR_UNITS_MAX];
    const struct mr_stats_association *associations;
    uint32_t associations_count;
    const char *const *labels; /**< trades and towns; no two are equal */
    uint32_t labels_count;
    const struct mr_stats_account *accounts;
    uint32_t accounts_count;
    const struct mr_stats_redemption *redemptions; /**< ascending by asked_ms; NULL: not known */
    size_t redemptions_count;
    size_t rows;
    const uint64_t *time_ms;
    const uint32_t *from, *to; /**< accounts; never equal */
    const int64_t *amount;     /**< above zero */
    const uint8_t *kind, *unit;
};

/* --- indicators -------------------------------------------------------------------------------
 */

/** What a figure is counted in, and so how it is printed. */
enum mr_stats_measure {
    MR_STATS_MINOR,  /**< minor units of the unit, whole */
    MR_STATS_COUNT,  /**< whole */
    MR_STATS_RATIO,  /**< 6 decimals */
    MR_STATS_YEARLY, /**< times a year, 6 decimals */
    MR_STATS_DAYS,   /**< 3 decimals */
    MR_STATS_DATE,   /**< days since 1970-01-01, printed as a date */
};

/** What row and column of a figure name. */
enum mr_stats_axis {
    MR_STATS_AXIS_NONE,
    MR_STATS_AXIS_UNIT,        /**< index in the table's units */
    MR_STATS_AXIS_CLASS,       /**< enum mr_account_class */
    MR_STATS_AXIS_ASSOCIATION, /**< index in the table's; MR_STATS_NONE: of none */
    MR_STATS_AXIS_TRADE,       /**< index in the table's labels; MR_STATS_NONE: not listed */
    MR_STATS_AXIS_TOWN,        /**< the same */
    MR_STATS_AXIS_NUMBER,      /**< days, months: the definition says */
};

/** Whom an indicator leaves out; the sets are in the registry. */
enum mr_stats_scope {
    MR_STATS_ALL,         /**< every account */
    MR_STATS_MEMBERS,     /**< system accounts are excluded */
    MR_STATS_CIRCULATING, /**< system accounts, offices and funds are excluded */
    MR_STATS_SHOPS,       /**< all but shops */
    MR_STATS_PERSONS,     /**< all but residents */
};

/** protocol/registry/indicators.def; ids are never reused with another meaning. */
enum mr_stats_id {
#define MR_INDICATOR(NAME, id, measure, row, column, scope, when, title, definition, source)       \
    MR_STATS_##NAME,
#include "registry/indicators.def"
#undef MR_INDICATOR
    MR_STATS_IDS
};

/** When an indicator is computed. */
enum mr_stats_when {
    MR_STATS_EACH,  /**< for each period and for the whole */
    MR_STATS_ONCE,  /**< for the whole alone */
    MR_STATS_MONTH, /**< for the whole, and for each period when periods are months or years */
};

struct mr_stats_indicator {
    const char *id;
    enum mr_stats_measure measure;
    enum mr_stats_axis row, column;
    enum mr_stats_scope scope;
    enum mr_stats_when when;
    const char *title, *definition, *source; /**< English; titles and definitions are translated */
};

/** Static; id < MR_STATS_IDS. */
const struct mr_stats_indicator *mr_stats_indicator(enum mr_stats_id id);
/** By its id in the registry; MR_STATS_IDS: there is none. */
enum mr_stats_id mr_stats_indicator_find(const char *id);
/** "minor", "count", "ratio" ...; "system accounts ..."; static. */
const char *mr_stats_measure_text(enum mr_stats_measure m);
const char *mr_stats_axis_text(enum mr_stats_axis a);
const char *mr_stats_scope_text(enum mr_stats_scope s);
/** Whether an account of this class is counted. */
bool mr_stats_in_scope(enum mr_stats_scope s, uint32_t class);

/* --- figures ----------------------------------------------------------------------------------
 */

enum mr_stats_by { MR_STATS_BY_DAY, MR_STATS_BY_WEEK, MR_STATS_BY_MONTH, MR_STATS_BY_YEAR };

struct mr_stats_query {
    uint32_t from_day, to_day; /**< first and last day, UTC; from <= to */
    enum mr_stats_by by;       /**< weeks begin on Monday; the first and last may be cut */
    uint32_t edges_max;        /**< circularity of more netted pairs is not computed; 0: 500,000 */
    const bool *only;          /**< by id: what is wanted, lent for the call; NULL: all */
};

enum { MR_STATS_PERIODS_MAX = 40000 };

struct mr_stats_period {
    uint32_t from_day, to_day; /**< both in it */
};

enum mr_stats_state {
    MR_STATS_VALUE,
    MR_STATS_EMPTY,    /**< nothing to divide by: no payment, no unit, no account */
    MR_STATS_TOO_BIG,  /**< more edges than are computed with */
    MR_STATS_NO_CLASS, /**< the classes of accounts are not known */
    MR_STATS_FAR,      /**< a date more than ten years away: no trend holds so long */
    MR_STATS_YOUNG,    /**< the rows do not reach back so far as the trend is taken over */
};

__extension__ typedef __int128 mr_stats_wide;

struct mr_stats_figure {
    enum mr_stats_id id;
    uint32_t period;      /**< index; mr_stats_periods' count: the whole */
    uint32_t row, column; /**< as the indicator's axes say; 0 when it has none */
    enum mr_stats_state state;
    mr_stats_wide num, den; /**< den > 0; 1 for whole numbers */
    /** For publication: how many accounts stand behind a sum, and the part of the largest of them,
     *  in its numerator. Of a cell of a matrix the fewer of payers and payees, and the larger of
     *  their largest. members MR_STATS_NONE: no sum over accounts. */
    uint32_t members;
    int64_t largest;
    /** Of a share, when mr_stats_few was called: few stand behind its numerator, behind what its
     *  denominator has besides, or behind the difference from the figure in front of it (of other
     *  days) that does not tell of few itself (STA-10). */
    bool few;
};

struct mr_stats;

/** MR_OK; MR_NO_MEMORY; MR_OUT_OF_RANGE (more periods than MR_STATS_PERIODS_MAX, from above to);
 *  MR_AMOUNT_TOO_LARGE (all movements sum to more than 2^61: these are none of a ledger).
 *  `mem` is copied, and used by several threads at a time when jobs run so. */
enum mr_status mr_stats_create(struct mr_stats **ret, const struct mr_mem *mem,
                               const struct mr_stats_table *table,
                               const struct mr_stats_query *query);
/** NULL is fine. */
void mr_stats_destroy(struct mr_stats *s);

/** Mark what tells of few: of fewer members, or of one that has more than so many hundredths. Takes
 *  longer; before the jobs are run. */
void mr_stats_few(struct mr_stats *s, uint32_t members, uint32_t share);

/** Jobs, the long ones first. Each is run once; different ones may run at a time. MR_OK,
 *  MR_NO_MEMORY. */
size_t mr_stats_jobs(const struct mr_stats *s);
enum mr_status mr_stats_run(struct mr_stats *s, size_t job);

/** The periods; behind the last one stands the whole. */
const struct mr_stats_period *mr_stats_periods(const struct mr_stats *s, size_t *ret_count);
/** Sorted by id, period, row, column; rows and columns by what they name, not by index. NULL: no
 *  memory, or a job failed. */
const struct mr_stats_figure *mr_stats_figures(struct mr_stats *s, size_t *ret_count);

/** The last day that no order can come to any more, because every order dated in it has lapsed
 *  (rules of LED-10): figures up to it are final. 0: none. */
uint32_t mr_stats_final_day(const struct mr_stats_point *p);

/** num / den, rounded half to even, with so many decimals (at most 9), and a point. ret holds
 *  MR_STATS_TEXT_MAX bytes. */
enum { MR_STATS_TEXT_MAX = 64 };
void mr_stats_format(char *ret, mr_stats_wide num, mr_stats_wide den, uint32_t decimals);
/** A figure as it is printed: "2026-11-28" for dates; "" unless its state is MR_STATS_VALUE. */
void mr_stats_figure_text(char *ret, const struct mr_stats_figure *f);

/* --- accounts, one by one ---------------------------------------------------------------------
 */

/** What an account did in some days, and how it stands at their end. These tell of persons: they
 * are for those who animate the currency, and for no publication. */
struct mr_stats_deeds {
    int64_t given, received; /**< circulation payments */
    int64_t redeemed;
    int64_t balance;  /**< at the end, local unit */
    uint64_t last_ms; /**< last circulation payment, given or got, up to the end; 0: never */
    int64_t held[3];  /**< balances before the last three months of "blocked_shops" began */
    bool gave_lately; /**< paid somebody in these months */
    bool blocked;     /**< a shop that "blocked_shops" counts */
};

/** Of each account: ret[accounts_count]. from <= to. */
void mr_stats_accounts(struct mr_stats_deeds *ret, const struct mr_stats_table *t,
                       uint32_t from_day, uint32_t to_day);

/* --- rows -------------------------------------------------------------------------------------
 */

/** Order in which rows are measured: by time; rows of one millisecond by `rank`, which must not
 *  depend on the node that they come from. ret[rows] gets the places. MR_OK, MR_NO_MEMORY. */
typedef int (*mr_stats_rank)(void *ctx, size_t a, size_t b);
enum mr_status mr_stats_sort(uint32_t *ret, const struct mr_mem *mem, const uint64_t *time_ms,
                             size_t rows, mr_stats_rank rank, void *ctx);

/** The first row that is dated on this day or later; t->rows: none. */
size_t mr_stats_row_of(const struct mr_stats_table *t, uint64_t day);

/** Balances behind the rows dated up to and on a day (UINT32_MAX: all), in one unit, by account.
 *  ret[accounts_count]. */
void mr_stats_balances(int64_t *ret, const struct mr_stats_table *t, uint32_t unit,
                       uint32_t to_day);

#endif
