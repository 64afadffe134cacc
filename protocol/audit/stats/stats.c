/* Periods, jobs, and the list of figures. */
#include <string.h>

#include "audit/stats/stats.h"
#include "mereau/time.h"

/* The long ones first. */
static mri_stats_job *const jobs[] = {
    mri_stats_circularity_job, mri_stats_pairs_job,  mri_stats_fifo_job, mri_stats_people_job,
    mri_stats_public_job,      mri_stats_stocks_job, mri_stats_law_job};
enum { JOBS = sizeof jobs / sizeof jobs[0] };

/* --- figures ---------------------------------------------------------------------------------- */

struct mr_stats_figure *mri_stats_cell(struct mri_stats_list *l, enum mr_stats_id id,
                                       uint32_t period, uint32_t row, uint32_t column, wide num,
                                       wide den)
{
    l->lost.id = id;
    if (!l->wanted[id])
        return &l->lost;
    if (l->count == l->cap && l->status == MR_OK) {
        const size_t cap = l->cap == 0 ? 256 : l->cap * 2;
        struct mr_stats_figure *const wider = mri_stats_room(l->mem, cap, sizeof *wider);
        if (wider == NULL) {
            l->status = MR_NO_MEMORY;
        } else {
            if (l->count > 0)
                memcpy(wider, l->figures, l->count * sizeof *wider);
            mri_stats_free(l->mem, l->figures);
            l->figures = wider;
            l->cap = cap;
        }
    }
    if (l->status != MR_OK)
        return &l->lost;
    struct mr_stats_figure *const f = &l->figures[l->count++];
    *f = (struct mr_stats_figure){.id = id,
                                  .period = period,
                                  .row = row,
                                  .column = column,
                                  .state = den > 0 ? MR_STATS_VALUE : MR_STATS_EMPTY,
                                  .num = num,
                                  .den = den > 0 ? den : 1,
                                  .members = MR_STATS_NONE};
    return f;
}

struct mr_stats_figure *mri_stats_add(struct mri_stats_list *l, enum mr_stats_id id,
                                      uint32_t period, wide num, wide den)
{
    return mri_stats_cell(l, id, period, 0, 0, num, den);
}

void mri_stats_none(struct mri_stats_list *l, enum mr_stats_id id, uint32_t period,
                    enum mr_stats_state why)
{
    mri_stats_add(l, id, period, 0, 0)->state = why;
}

void mri_stats_behind(struct mri_stats_list *l, uint32_t members, int64_t largest)
{
    if (l->status != MR_OK || !l->wanted[l->lost.id])
        return;
    l->figures[l->count - 1].members = members;
    l->figures[l->count - 1].largest = largest;
}

static bool is_before(const struct mr_stats_figure *a, const struct mr_stats_figure *b)
{
    if (a->id != b->id)
        return a->id < b->id;
    if (a->period != b->period)
        return a->period < b->period;
    return a->row != b->row ? a->row < b->row : a->column < b->column;
}

static void sift(struct mr_stats_figure *f, size_t root, size_t count)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && is_before(&f[child], &f[child + 1]))
            child++;
        if (!is_before(&f[root], &f[child]))
            return;
        const struct mr_stats_figure x = f[root];
        f[root] = f[child];
        f[child] = x;
        root = child;
    }
}

static void sort_figures(struct mr_stats_figure *f, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift(f, i, count);
    for (size_t n = count; n-- > 1;) {
        const struct mr_stats_figure x = f[0];
        f[0] = f[n];
        f[n] = x;
        sift(f, 0, n);
    }
}

const struct mr_stats_figure *mr_stats_figures(struct mr_stats *s, size_t *ret_count)
{
    size_t count = 0;
    *ret_count = s->all.count;
    if (s->all.figures != NULL)
        return s->all.figures;
    for (size_t i = 0; i < JOBS; i++) {
        if (s->lists[i].status != MR_OK)
            return NULL;
        count += s->lists[i].count;
    }
    s->all.figures = mri_stats_room(&s->mem, count, sizeof *s->all.figures);
    if (s->all.figures == NULL)
        return NULL;
    for (size_t i = 0; i < JOBS; i++) {
        if (s->lists[i].count > 0)
            memcpy(s->all.figures + s->all.count, s->lists[i].figures,
                   s->lists[i].count * sizeof *s->all.figures);
        s->all.count += s->lists[i].count;
        mri_stats_free(&s->mem, s->lists[i].figures);
        s->lists[i].figures = NULL;
        s->lists[i].count = s->lists[i].cap = 0;
    }
    sort_figures(s->all.figures, s->all.count);
    *ret_count = s->all.count;
    return s->all.figures;
}

/* --- periods ---------------------------------------------------------------------------------- */

/* The last day of the period that a day is in. Day 0 was a Thursday. */
static uint32_t period_end(enum mr_stats_by by, uint32_t day)
{
    if (by == MR_STATS_BY_DAY)
        return day;
    if (by == MR_STATS_BY_WEEK)
        return day + 6 - (day + 3) % 7;
    struct mr_civil c = mr_civil_of(day);
    c.day = 1;
    if (by == MR_STATS_BY_YEAR || c.month == 12) {
        c.month = 1;
        c.year++;
    } else {
        c.month++;
    }
    return mr_day_from_civil(c) - 1;
}

static enum mr_status make_periods(struct mr_stats *s)
{
    const struct mr_stats_query *const q = &s->q;
    uint32_t count = 0;
    for (uint32_t day = q->from_day; day <= q->to_day; day = period_end(q->by, day) + 1) {
        if (++count > MR_STATS_PERIODS_MAX)
            return MR_OUT_OF_RANGE;
    }
    s->periods = mri_stats_room(&s->mem, (size_t)count + 1, sizeof *s->periods);
    s->first = mri_stats_room(&s->mem, (size_t)count + 1, sizeof *s->first);
    if (s->periods == NULL || s->first == NULL)
        return MR_NO_MEMORY;
    uint32_t day = q->from_day;
    for (; s->count < count; s->count++) {
        const uint32_t end = period_end(q->by, day);
        s->periods[s->count].from_day = day;
        s->periods[s->count].to_day = end < q->to_day ? end : q->to_day;
        s->first[s->count] = mr_stats_row_of(&s->t, day);
        day = end + 1;
    }
    s->periods[count].from_day = q->from_day;
    s->periods[count].to_day = q->to_day;
    s->first[count] = mr_stats_row_of(&s->t, (uint64_t)q->to_day + 1);
    return MR_OK;
}

uint64_t mri_stats_end_ms(const struct mr_stats *s, uint32_t period)
{
    return ((uint64_t)s->periods[period].to_day + 1) * MR_DAY_MS;
}

uint64_t mri_stats_begin_ms(const struct mr_stats *s, uint32_t period)
{
    return (uint64_t)s->periods[period].from_day * MR_DAY_MS;
}

uint32_t mri_stats_month_begin(uint32_t day, uint32_t back)
{
    const uint32_t first = 1970 * 12, month = mr_month_of(day);
    const uint32_t then = month < first + back ? first : month - back;
    return mr_day_from_civil((struct mr_civil){then / 12, then % 12 + 1, 1});
}

bool mri_stats_monthly(const struct mr_stats *s)
{
    return s->q.by == MR_STATS_BY_MONTH || s->q.by == MR_STATS_BY_YEAR;
}

const struct mr_stats_period *mr_stats_periods(const struct mr_stats *s, size_t *ret_count)
{
    *ret_count = s->count;
    return s->periods;
}

/* --- the whole -------------------------------------------------------------------------------- */

static uint8_t what_is(uint32_t class)
{
    unsigned is = 0;
    is |= mr_stats_in_scope(MR_STATS_MEMBERS, class) ? IS_MEMBER : 0;
    is |= mr_stats_in_scope(MR_STATS_CIRCULATING, class) ? IS_CIRCULATING : 0;
    is |= class == MR_CLASS_SHOP ? IS_SHOP : 0;
    is |= class == MR_CLASS_RESIDENT ? IS_PERSON : 0;
    is |= class == MR_CLASS_MUNICIPALITY ? IS_TOWN : 0;
    is |= class == MR_CLASS_ISSUER ? IS_ISSUER : 0;
    is |= class == MR_CLASS_RESERVE ? IS_RESERVE : 0;
    return (uint8_t)is;
}

static bool is_too_large(struct mr_stats *s)
{
    wide sum = 0;
    for (size_t i = 0; i < s->t.rows; i++) {
        sum += s->t.amount[i];
        s->largest = s->t.amount[i] > s->largest ? s->t.amount[i] : s->largest;
    }
    return sum > MRI_STATS_SUM_MAX;
}

bool mri_stats_wants(const struct mr_stats *s, enum mr_stats_id first, enum mr_stats_id last)
{
    for (enum mr_stats_id i = first; i <= last; i++) {
        if (s->wanted[i])
            return true;
    }
    return false;
}

static enum mr_status begin(struct mr_stats *s)
{
    if (is_too_large(s))
        return MR_AMOUNT_TOO_LARGE;
    s->lists = mri_stats_room(&s->mem, JOBS, sizeof *s->lists);
    s->is = mri_stats_room(&s->mem, s->t.accounts_count, 1);
    if (s->lists == NULL || s->is == NULL)
        return MR_NO_MEMORY;
    for (size_t i = 0; i < JOBS; i++) {
        s->lists[i].mem = &s->mem;
        s->lists[i].wanted = s->wanted;
    }
    for (uint32_t i = 0; i < s->t.accounts_count; i++) {
        s->is[i] = what_is(s->t.accounts[i].class);
        s->classes = s->classes || s->t.accounts[i].class == MR_CLASS_RESIDENT ||
                     s->t.accounts[i].class == MR_CLASS_SHOP;
    }
    return make_periods(s);
}

enum mr_status mr_stats_create(struct mr_stats **ret, const struct mr_mem *mem,
                               const struct mr_stats_table *table,
                               const struct mr_stats_query *query)
{
    enum { EDGES_MAX = 500000, DAY_MAX = 2900000 }; /* the year 9900 */
    *ret = NULL;
    if (query->from_day > query->to_day || query->to_day > DAY_MAX)
        return MR_OUT_OF_RANGE;
    struct mr_stats *const s = mri_stats_room(mem, 1, sizeof *s);
    if (s == NULL)
        return MR_NO_MEMORY;
    s->mem = *mem;
    s->t = *table;
    s->q = *query;
    s->q.only = NULL;
    for (enum mr_stats_id i = 0; i < MR_STATS_IDS; i++)
        s->wanted[i] = query->only == NULL || query->only[i];
    s->q.edges_max = query->edges_max == 0 ? EDGES_MAX : query->edges_max;
    const enum mr_status st = begin(s);
    if (st == MR_OK)
        *ret = s;
    else
        mr_stats_destroy(s);
    return st;
}

void mr_stats_destroy(struct mr_stats *s)
{
    if (s == NULL)
        return;
    const struct mr_mem mem = s->mem;
    for (size_t i = 0; s->lists != NULL && i < JOBS; i++)
        mri_stats_free(&mem, s->lists[i].figures);
    mri_stats_free(&mem, s->all.figures);
    mri_stats_free(&mem, s->lists);
    mri_stats_free(&mem, s->is);
    mri_stats_free(&mem, s->first);
    mri_stats_free(&mem, s->periods);
    mri_stats_free(&mem, s);
}

void mr_stats_few(struct mr_stats *s, uint32_t members, uint32_t share)
{
    s->few_members = members;
    s->few_share = share;
}

size_t mr_stats_jobs(const struct mr_stats *s)
{
    (void)s;
    return JOBS;
}

enum mr_status mr_stats_run(struct mr_stats *s, size_t job)
{
    struct mri_stats_list *const l = &s->lists[job];
    const enum mr_status st = jobs[job](s, l);
    if (l->status == MR_OK)
        l->status = st;
    return l->status;
}

uint32_t mr_stats_final_day(const struct mr_stats_point *p)
{
    enum { LONGEST_DAYS = 31, AHEAD_DAYS = 1 }; /* LED-10: not_after, and a payer's clock */
    const uint32_t day = mr_day_of(p->time_ms);
    return day > LONGEST_DAYS + AHEAD_DAYS ? day - LONGEST_DAYS - AHEAD_DAYS : 0;
}
