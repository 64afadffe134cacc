/** Time is unix milliseconds, handed in by the shell; the library has no clock.
 *  Days and months are UTC (LED-7). */
#ifndef MEREAU_TIME_H
#define MEREAU_TIME_H

#include <stdint.h>

/** Days since 1970-01-01. */
uint32_t mr_day_of(uint64_t time_ms);

/** year * 12 + (month - 1) of that day, proleptic Gregorian. */
uint32_t mr_month_of(uint32_t day);

struct mr_civil {
    uint32_t year, month, day; /* month and day from 1 */
};

struct mr_civil mr_civil_of(uint32_t day);
uint32_t mr_day_from_civil(struct mr_civil civil); /* year 1970 to 9999 */

#endif
