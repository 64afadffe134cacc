/* Order of rows, and balances. */
#include <string.h>

#include "audit/stats/stats.h"
#include "mereau/time.h"

void *mri_stats_raw(const struct mr_mem *mem, size_t count, size_t size)
{
    if (count > SIZE_MAX / 2 / size)
        return NULL;
    return mem->get(mem->ctx, count == 0 ? size : count * size);
}

void *mri_stats_room(const struct mr_mem *mem, size_t count, size_t size)
{
    void *const p = mri_stats_raw(mem, count, size);
    if (p != NULL)
        memset(p, 0, count == 0 ? size : count * size);
    return p;
}

void mri_stats_free(const struct mr_mem *mem, void *p)
{
    mem->put(mem->ctx, p);
}

/* --- sorting ---------------------------------------------------------------------------------- */

enum { DIGIT_BITS = 12, DIGITS = 1 << DIGIT_BITS };

/* One pass of a radix sort: stable by a digit of the time behind the first one. */
static void pass(uint32_t *ret, const uint32_t *in, const uint64_t *time_ms, size_t rows,
                 uint64_t first, unsigned shift, size_t count[DIGITS])
{
    size_t sum = 0;
    memset(count, 0, DIGITS * sizeof *count);
    for (size_t i = 0; i < rows; i++)
        count[((time_ms[i] - first) >> shift) & (DIGITS - 1)]++;
    for (size_t d = 0; d < DIGITS; d++) {
        const size_t n = count[d];
        count[d] = sum;
        sum += n;
    }
    for (size_t i = 0; i < rows; i++)
        ret[count[((time_ms[in[i]] - first) >> shift) & (DIGITS - 1)]++] = in[i];
}

static enum mr_status by_time(uint32_t *ret, const struct mr_mem *mem, const uint64_t *time_ms,
                              size_t rows, uint64_t first, uint64_t last)
{
    size_t *const count = mri_stats_room(mem, DIGITS, sizeof *count);
    uint32_t *const other = mri_stats_room(mem, rows, sizeof *other);
    if (count != NULL && other != NULL) {
        for (unsigned shift = 0; shift < 64 && (last - first) >> shift != 0; shift += DIGIT_BITS) {
            memcpy(other, ret, rows * sizeof *ret);
            pass(ret, other, time_ms, rows, first, shift, count);
        }
    }
    mri_stats_free(mem, count);
    mri_stats_free(mem, other);
    return count != NULL && other != NULL ? MR_OK : MR_NO_MEMORY;
}

static void sift(uint32_t *places, size_t root, size_t count, mr_stats_rank rank, void *ctx)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && rank(ctx, places[child], places[child + 1]) < 0)
            child++;
        if (rank(ctx, places[root], places[child]) >= 0)
            return;
        const uint32_t p = places[root];
        places[root] = places[child];
        places[child] = p;
        root = child;
    }
}

/* Rows of one millisecond: a heap sort, unless they stand right, as they mostly do. */
static void settle_ties(uint32_t *places, size_t count, mr_stats_rank rank, void *ctx)
{
    size_t right = 1;
    while (right < count && rank(ctx, places[right - 1], places[right]) <= 0)
        right++;
    if (right == count)
        return;
    for (size_t i = count / 2; i-- > 0;)
        sift(places, i, count, rank, ctx);
    for (size_t n = count; n-- > 1;) {
        const uint32_t p = places[0];
        places[0] = places[n];
        places[n] = p;
        sift(places, 0, n, rank, ctx);
    }
}

enum mr_status mr_stats_sort(uint32_t *ret, const struct mr_mem *mem, const uint64_t *time_ms,
                             size_t rows, mr_stats_rank rank, void *ctx)
{
    uint64_t first = rows > 0 ? time_ms[0] : 0, last = first;
    bool sorted = true;
    for (size_t i = 0; i < rows; i++) {
        ret[i] = (uint32_t)i;
        sorted = sorted && (i == 0 || time_ms[i - 1] <= time_ms[i]);
        first = time_ms[i] < first ? time_ms[i] : first;
        last = time_ms[i] > last ? time_ms[i] : last;
    }
    if (!sorted) {
        const enum mr_status st = by_time(ret, mem, time_ms, rows, first, last);
        if (st != MR_OK)
            return st;
    }
    for (size_t i = 0, n; i < rows; i += n) {
        for (n = 1; i + n < rows && time_ms[ret[i + n]] == time_ms[ret[i]]; n++)
            ;
        if (n > 1)
            settle_ties(ret + i, n, rank, ctx);
    }
    return MR_OK;
}

size_t mr_stats_row_of(const struct mr_stats_table *t, uint64_t day)
{
    size_t low = 0, high = t->rows;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (t->time_ms[middle] < day * MR_DAY_MS)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- balances --------------------------------------------------------------------------------- */

void mr_stats_balances(int64_t *ret, const struct mr_stats_table *t, uint32_t unit, uint32_t to_day)
{
    memset(ret, 0, t->accounts_count * sizeof *ret);
    const uint64_t end = to_day == UINT32_MAX ? UINT64_MAX : ((uint64_t)to_day + 1) * MR_DAY_MS;
    for (size_t i = 0; i < t->rows && t->time_ms[i] < end; i++) {
        if (t->unit[i] != unit)
            continue;
        ret[t->from[i]] -= t->amount[i];
        ret[t->to[i]] += t->amount[i];
    }
}
