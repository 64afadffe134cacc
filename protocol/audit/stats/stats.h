/* Private parts of the statistics. Like the auditor they share base/ and wire/ only. */
#ifndef MEREAU_AUDIT_STATS_STATS_H
#define MEREAU_AUDIT_STATS_STATS_H

#include "mereau/assert.h"
#include "mereau/stats.h"

typedef mr_stats_wide wide;

/* All amounts together stay below: squares of their sums fit in 123 bits. */
#define MRI_STATS_SUM_MAX (INT64_C(1) << 61)

enum { LOCAL = 0, RESERVE = 1, HALF_YEAR = 180, YEAR_DAYS = 365 };

/* What one job found. */
struct mri_stats_list {
    struct mr_stats_figure *figures;
    size_t count, cap;
    const struct mr_mem *mem;
    const bool *wanted;
    enum mr_status status;
    struct mr_stats_figure lost; /* written to when there is no room, or it is not wanted */
};

/* Bits of what an account is, so that rows are judged by two loads. */
enum {
    IS_MEMBER = 1,
    IS_CIRCULATING = 2,
    IS_SHOP = 4,
    IS_PERSON = 8,
    IS_TOWN = 16, /* a municipality */
    IS_ISSUER = 32,
    IS_RESERVE = 64,
};

struct mr_stats {
    struct mr_mem mem;
    struct mr_stats_table t;
    struct mr_stats_query q;
    struct mr_stats_period *periods; /* count, and the whole behind them */
    uint32_t count;
    size_t *first; /* first row of each period; [count]: behind the last one */
    uint8_t *is;   /* by account */
    bool classes;  /* some account has a class */
    bool wanted[MR_STATS_IDS];
    uint32_t few_members, few_share; /* as mr_stats_few was told; 0: nobody asked */
    int64_t largest;                 /* amount of a row */
    struct mri_stats_list *lists;    /* by job */
    struct mri_stats_list all;
};

/* Room for count things, zeroed; NULL: no memory (never for a count of 0). */
void *mri_stats_room(const struct mr_mem *mem, size_t count, size_t size);
/* The same, not zeroed. */
void *mri_stats_raw(const struct mr_mem *mem, size_t count, size_t size);
void mri_stats_free(const struct mr_mem *mem, void *p);

/* Whether one of the indicators from `first` to `last` in the registry is wanted. */
bool mri_stats_wants(const struct mr_stats *s, enum mr_stats_id first, enum mr_stats_id last);

/* --- figures ---------------------------------------------------------------------------------- */

struct mr_stats_figure *mri_stats_add(struct mri_stats_list *l, enum mr_stats_id id,
                                      uint32_t period, wide num, wide den);
/* The same with what its axes name. */
struct mr_stats_figure *mri_stats_cell(struct mri_stats_list *l, enum mr_stats_id id,
                                       uint32_t period, uint32_t row, uint32_t column, wide num,
                                       wide den);
void mri_stats_none(struct mri_stats_list *l, enum mr_stats_id id, uint32_t period,
                    enum mr_stats_state why);
/* Who stands behind the figure added last. */
void mri_stats_behind(struct mri_stats_list *l, uint32_t members, int64_t largest);

/* --- what tells of few ------------------------------------------------------------------------ */

/* Accounts behind a part of a figure, and the most of one of them. */
struct mri_stats_group {
    wide sum;
    int64_t largest;
    uint32_t members;
};

/* An account with an amount above zero. */
void mri_stats_group_add(struct mri_stats_group *g, int64_t amount);
/* No account is in both. */
void mri_stats_group_join(struct mri_stats_group *a, const struct mri_stats_group *b);
/* Somebody stands behind it, and too few, or one with too much; false when nobody asked. */
bool mri_stats_is_few(const struct mr_stats *s, const struct mri_stats_group *g);
/* The same of accounts that are counted. */
bool mri_stats_is_few_of(const struct mr_stats *s, uint64_t count);
/* The figure added last tells of few. */
void mri_stats_mark(struct mri_stats_list *l, bool few);

/* The same in bounded room, of amounts that come one by one: the largest accounts, each at least
 * as large as it is. With up to MRI_STATS_TOP accounts it is exact. */
enum { MRI_STATS_TOP = 16 };
struct mri_stats_share {
    uint32_t account;
    int64_t amount;
};
struct mri_stats_tally {
    wide sum;
    uint32_t count;
    int64_t other; /* the most that one without a place may have; none of those here has less */
    struct mri_stats_share top[MRI_STATS_TOP];
};
void mri_stats_tally_add(struct mri_stats_tally *t, uint32_t account, int64_t amount);
void mri_stats_tally_join(struct mri_stats_tally *a, const struct mri_stats_tally *b);
bool mri_stats_tally_few(const struct mr_stats *s, const struct mri_stats_tally *t);

/* Whether an indicator that is computed by the month has figures for each period. */
bool mri_stats_monthly(const struct mr_stats *s);

/* num / den, rounded half to even; den > 0. */
wide mri_stats_round(wide num, wide den);

/* --- rows ------------------------------------------------------------------------------------- */

uint64_t mri_stats_end_ms(const struct mr_stats *s, uint32_t period); /* behind its last day */
uint64_t mri_stats_begin_ms(const struct mr_stats *s, uint32_t period);
/* First day of the month `back` months before that of a day. */
uint32_t mri_stats_month_begin(uint32_t day, uint32_t back);

/* A payment between circulating accounts, in the local unit. */
static inline bool mri_stats_circulates(const struct mr_stats *s, size_t i)
{
    return s->t.kind[i] == MR_STATS_PAY && s->t.unit[i] == LOCAL &&
           (s->is[s->t.from[i]] & s->is[s->t.to[i]] & IS_CIRCULATING) != 0;
}

static inline bool mri_stats_is_issue(uint8_t kind)
{
    return kind == MR_STATS_ISSUE || kind == MR_STATS_ASSIGNED;
}

/* Ascending. `other` holds as many. Values are not below zero. */
void mri_stats_sort_values(int64_t *values, int64_t *other, size_t count);
/* The lower one of the middle. count > 0. */
int64_t mri_stats_median(int64_t *values, int64_t *other, size_t count);
/* LED: sum (2i - n - 1) x_i over n sum x, over ascending values. */
void mri_stats_gini(struct mri_stats_list *l, enum mr_stats_id id, uint32_t period,
                    const int64_t *ascending, size_t count);

/* --- payments between pairs of accounts --------------------------------------------------------
 */

struct mri_stats_pair {
    uint32_t from, to;
    int64_t sum;
};

struct mri_stats_pairs {
    struct mri_stats_pair *pairs; /* ascending by from, then to */
    size_t count;
};

/* Totals of payments in the local unit of the rows [begin, end): all of them, or circulation alone.
 * MR_OK, MR_NO_MEMORY. */
enum mr_status mri_stats_pairs_of(struct mri_stats_pairs *ret, const struct mr_stats *s,
                                  size_t begin, size_t end, bool circulation);
/* a takes b's in; both are used up. */
enum mr_status mri_stats_pairs_join(struct mri_stats_pairs *a, struct mri_stats_pairs *b,
                                    const struct mr_mem *mem);
void mri_stats_pairs_done(struct mri_stats_pairs *p, const struct mr_mem *mem);
enum mr_status mri_stats_pairs_copy(struct mri_stats_pairs *ret, const struct mri_stats_pairs *p,
                                    const struct mr_mem *mem);

/* Many lists that become one. What is added is used up, and so are the runs by mri_stats_runs_all.
 */
enum { MRI_STATS_RUNS = 40 };
enum mr_status mri_stats_runs_add(struct mri_stats_pairs runs[MRI_STATS_RUNS],
                                  struct mri_stats_pairs *p, const struct mr_mem *mem);
enum mr_status mri_stats_runs_all(struct mri_stats_pairs *ret,
                                  struct mri_stats_pairs runs[MRI_STATS_RUNS],
                                  const struct mr_mem *mem);
/* Places of each account's pairs: ret[accounts + 1]. */
void mri_stats_pairs_index(size_t *ret, const struct mri_stats_pairs *p, uint32_t accounts);

/* What one paid the other; NULL: nothing. index from mri_stats_pairs_index. */
struct mri_stats_pair *mri_stats_pairs_find(const struct mri_stats_pairs *p, const size_t *index,
                                            uint32_t from, uint32_t to);

/* Largest strongly connected component: marks its accounts in ret_in[accounts] and gives their
 * number; 0: no cycle. index from mri_stats_pairs_index. */
uint32_t mri_stats_core(uint8_t *ret_in, const struct mri_stats_pairs *p, const size_t *index,
                        uint32_t accounts, const struct mr_mem *mem, enum mr_status *ret_status);

/* Value of the maximum circulation under pair totals (sum > 0). ret_left, if not NULL: what goes
 * round of each pair, in one such circulation; one a pair. MR_OK, MR_NO_MEMORY. */
enum mr_status mri_stats_circulation(wide *ret, int64_t *ret_left, const struct mri_stats_pairs *p,
                                     uint32_t accounts, const struct mr_mem *mem);

/* --- jobs ------------------------------------------------------------------------------------- */

typedef enum mr_status mri_stats_job(struct mr_stats *s, struct mri_stats_list *l);
mri_stats_job mri_stats_pairs_job, mri_stats_circularity_job, mri_stats_people_job,
    mri_stats_fifo_job, mri_stats_public_job, mri_stats_stocks_job, mri_stats_law_job;

#endif
