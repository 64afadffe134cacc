/* Periods and the common questions. */
#include "stats/reference.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/time.h"

struct mr_stats_figure *ref_put(struct reference *r, enum mr_stats_id id, uint32_t period,
                                uint32_t row, uint32_t column, wide num, wide den)
{
    ck_assert_uint_lt(r->figures_count, REF_FIGURES_MAX);
    struct mr_stats_figure *const f = &r->figures[r->figures_count++];
    *f = (struct mr_stats_figure){.id = id,
                                  .period = period,
                                  .row = row,
                                  .column = column,
                                  .num = num,
                                  .den = den,
                                  .members = MR_STATS_NONE,
                                  .state = den > 0 ? MR_STATS_VALUE : MR_STATS_EMPTY};
    return f;
}

void ref_none(struct reference *r, enum mr_stats_id id, uint32_t period, enum mr_stats_state why)
{
    ref_put(r, id, period, 0, 0, 0, 0)->state = why;
}

uint64_t ref_begin(const struct reference *r, uint32_t period)
{
    return r->periods[period].from_day * MR_DAY_MS;
}

uint64_t ref_end(const struct reference *r, uint32_t period)
{
    return (r->periods[period].to_day + UINT64_C(1)) * MR_DAY_MS;
}

uint32_t ref_class(const struct reference *r, uint32_t account)
{
    return r->t->accounts[account].class;
}

bool ref_is(const struct reference *r, uint32_t account, enum mr_stats_scope scope)
{
    const uint32_t c = ref_class(r, account);
    if (scope == MR_STATS_CIRCULATING)
        return c == MR_STATS_CLASS_UNKNOWN || c == MR_CLASS_RESIDENT || c == MR_CLASS_SHOP ||
               c == MR_CLASS_ASSOCIATION || c == MR_CLASS_MUNICIPALITY;
    if (scope == MR_STATS_MEMBERS)
        return ref_is(r, account, MR_STATS_CIRCULATING) || c == MR_CLASS_OFFICE ||
               c == MR_CLASS_FUND;
    return true;
}

bool ref_pays(const struct reference *r, size_t i, uint64_t begin, uint64_t end)
{
    const struct mr_stats_table *const t = r->t;
    return t->kind[i] == MR_STATS_PAY && t->unit[i] == 0 && t->time_ms[i] >= begin &&
           t->time_ms[i] < end && ref_is(r, t->from[i], MR_STATS_CIRCULATING) &&
           ref_is(r, t->to[i], MR_STATS_CIRCULATING);
}

int64_t ref_balance(const struct reference *r, uint32_t account, uint32_t unit, uint64_t before)
{
    int64_t sum = 0;
    for (size_t i = 0; i < r->t->rows; i++) {
        if (r->t->unit[i] != unit || r->t->time_ms[i] >= before)
            continue;
        sum -= r->t->from[i] == account ? r->t->amount[i] : 0;
        sum += r->t->to[i] == account ? r->t->amount[i] : 0;
    }
    return sum;
}

bool ref_has_classes(const struct reference *r)
{
    for (uint32_t a = 0; a < r->t->accounts_count; a++) {
        if (ref_class(r, a) == MR_CLASS_RESIDENT || ref_class(r, a) == MR_CLASS_SHOP)
            return true;
    }
    return false;
}

void ref_sort(int64_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i + 1; k < n; k++) {
            if (v[k] < v[i]) {
                const int64_t x = v[i];
                v[i] = v[k];
                v[k] = x;
            }
        }
    }
}

/* The key that days of one period share. */
static uint64_t key_of(enum mr_stats_by by, uint32_t day)
{
    const struct mr_civil c = mr_civil_of(day);
    switch (by) {
    case MR_STATS_BY_DAY:
        return day;
    case MR_STATS_BY_WEEK:
        return (day + 3) / 7; /* 1970-01-01 was a Thursday */
    case MR_STATS_BY_MONTH:
        return c.year * UINT64_C(100) + c.month;
    case MR_STATS_BY_YEAR:
        return c.year;
    }
    return 0;
}

uint64_t ref_month_begin(uint32_t day, uint32_t back)
{
    struct mr_civil c = mr_civil_of(day);
    for (; back > 0; back--) {
        c.year -= c.month == 1;
        c.month = c.month == 1 ? 12 : c.month - 1;
    }
    c.day = 1;
    return mr_day_from_civil(c) * MR_DAY_MS;
}

int reference_order(const void *a, const void *b)
{
    const struct mr_stats_figure *const x = a, *const y = b;
    const uint32_t p[] = {x->id, x->period, x->row, x->column};
    const uint32_t q[] = {y->id, y->period, y->row, y->column};
    for (int i = 0; i < 4; i++) {
        if (p[i] != q[i])
            return p[i] < q[i] ? -1 : 1;
    }
    return 0;
}

void reference_make(struct reference *r, const struct mr_stats_table *t,
                    const struct mr_stats_query *q)
{
    *r = (struct reference){.t = t};
    r->monthly = q->by == MR_STATS_BY_MONTH || q->by == MR_STATS_BY_YEAR;
    r->figures = calloc(REF_FIGURES_MAX, sizeof *r->figures);
    ck_assert_ptr_nonnull(r->figures);
    for (uint32_t day = q->from_day; day <= q->to_day; day++) {
        if (r->count == 0 ||
            key_of(q->by, day) != key_of(q->by, r->periods[r->count - 1].from_day)) {
            ck_assert_uint_lt(r->count + 1, 2000);
            r->periods[r->count++].from_day = day;
        }
        r->periods[r->count - 1].to_day = day;
    }
    r->periods[r->count].from_day = q->from_day;
    r->periods[r->count].to_day = q->to_day;
    for (uint32_t p = 0; p <= r->count; p++) {
        reference_stocks(r, p);
        reference_people(r, p);
        reference_flows(r, p);
    }
    reference_fifo(r);
    qsort(r->figures, r->figures_count, sizeof *r->figures, reference_order);
}

void reference_done(struct reference *r)
{
    free(r->figures);
}
