/* Numbers: rounding, printing, medians, Gini. No floating point. */
#include <stdio.h>
#include <string.h>

#include "audit/stats/stats.h"
#include "mereau/time.h"

wide mri_stats_round(wide num, wide den)
{
    const bool negative = num < 0;
    const wide n = negative ? -num : num;
    wide q = n / den;
    const wide rest = n % den;
    if (rest > den - rest || (rest == den - rest && q % 2 == 1))
        q++;
    return negative ? -q : q;
}

/* One digit after the other, so that the quotient need not fit with its decimals. */
void mr_stats_format(char *ret, wide num, wide den, uint32_t decimals)
{
    char digits[MR_STATS_TEXT_MAX];
    const bool negative = num < 0;
    wide whole = negative ? -num : num, scale = 1, part = 0;
    wide rest = whole % den;
    whole /= den;
    for (uint32_t i = 0; i < decimals; i++) {
        rest *= 10;
        part = part * 10 + rest / den;
        rest %= den;
        scale *= 10;
    }
    const wide last = decimals == 0 ? whole : part;
    if (rest > den - rest || (rest == den - rest && last % 2 == 1))
        part++;
    if (part == scale) {
        whole++;
        part = 0;
    }
    const bool zero = whole == 0 && part == 0;
    size_t n = 0;
    for (uint32_t i = 0; i < decimals; i++, part /= 10)
        digits[n++] = (char)('0' + (int)(part % 10));
    if (decimals > 0)
        digits[n++] = '.';
    do {
        digits[n++] = (char)('0' + (int)(whole % 10));
        whole /= 10;
    } while (whole > 0 && n < MR_STATS_TEXT_MAX - 2);
    if (negative && !zero)
        digits[n++] = '-';
    for (size_t i = 0; i < n; i++)
        ret[i] = digits[n - 1 - i];
    ret[n] = '\0';
}

void mr_stats_figure_text(char *ret, const struct mr_stats_figure *f)
{
    static const uint32_t decimals[] = {0, 0, 6, 6, 3, 0};
    const enum mr_stats_measure m = mr_stats_indicator(f->id)->measure;
    *ret = '\0';
    if (f->state != MR_STATS_VALUE)
        return;
    if (m == MR_STATS_DATE) {
        const struct mr_civil c = mr_civil_of((uint32_t)f->num);
        snprintf(ret, MR_STATS_TEXT_MAX, "%04u-%02u-%02u", (unsigned)c.year, (unsigned)c.month,
                 (unsigned)c.day);
        return;
    }
    mr_stats_format(ret, f->num, f->den, decimals[m]);
}

/* --- values ----------------------------------------------------------------------------------- */

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

void mri_stats_sort_values(int64_t *values, int64_t *other, size_t count)
{
    uint32_t place[DIGITS];
    int64_t max = 0;
    for (size_t i = 0; i < count; i++)
        max = values[i] > max ? values[i] : max;
    for (unsigned shift = 0; shift < 63 && max >> shift != 0; shift += DIGIT_BITS) {
        uint32_t sum = 0;
        memset(place, 0, sizeof place);
        for (size_t i = 0; i < count; i++)
            place[(values[i] >> shift) & (DIGITS - 1)]++;
        for (size_t d = 0; d < DIGITS; d++) {
            const uint32_t n = place[d];
            place[d] = sum;
            sum += n;
        }
        for (size_t i = 0; i < count; i++)
            other[place[(values[i] >> shift) & (DIGITS - 1)]++] = values[i];
        memcpy(values, other, count * sizeof *values);
    }
}

int64_t mri_stats_median(int64_t *values, int64_t *other, size_t count)
{
    mri_stats_sort_values(values, other, count);
    return values[(count - 1) / 2];
}

void mri_stats_gini(struct mri_stats_list *l, enum mr_stats_id id, uint32_t period,
                    const int64_t *ascending, size_t count)
{
    wide num = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        num += (2 * (wide)(i + 1) - (wide)count - 1) * ascending[i];
        sum += ascending[i];
    }
    mri_stats_add(l, id, period, num, sum * (wide)count);
}
