#include "mereau/time.h"

#include <stdbool.h>

#include "mereau/assert.h"
#include "mereau/limits.h"

static bool is_leap(uint32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static uint32_t days_in_month(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

uint32_t mr_day_of(uint64_t time_ms)
{
    return (uint32_t)(time_ms / MR_DAY_MS);
}

/* Days from 1970 to the first of a year. */
static uint32_t days_before(uint32_t year)
{
    const uint32_t y = year - 1, leaps_to_1969 = 477;
    return (year - 1970) * 365 + y / 4 - y / 100 + y / 400 - leaps_to_1969;
}

struct mr_civil mr_civil_of(uint32_t day)
{
    const uint32_t days_in_400_years = 146097;
    struct mr_civil c = {1970 + day / days_in_400_years * 400, 1, 1};
    day %= days_in_400_years;
    const uint32_t whole = day / 366; /* at least so many years have passed */
    day -= days_before(1970 + whole);
    c.year += whole;
    while (day >= (is_leap(c.year) ? 366u : 365u))
        day -= is_leap(c.year++) ? 366 : 365;
    while (day >= days_in_month(c.year, c.month))
        day -= days_in_month(c.year, c.month++);
    c.day += day;
    return c;
}

uint32_t mr_month_of(uint32_t day)
{
    const struct mr_civil c = mr_civil_of(day);
    return c.year * 12 + c.month - 1;
}

uint32_t mr_day_from_civil(struct mr_civil civil)
{
    mr_assert(civil.year >= 1970);
    mr_assert(civil.year <= 9999);
    uint32_t day = days_before(civil.year);
    for (uint32_t m = 1; m < civil.month; m++)
        day += days_in_month(civil.year, m);
    return day + civil.day - 1;
}
