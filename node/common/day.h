/** Days as people type them. Days are UTC (LED-7). */
#ifndef MEREAU_COMMON_DAY_H
#define MEREAU_COMMON_DAY_H

#include "common/command.h"
#include "mereau/time.h"

/** A day like 2025-01-31, from 1970 to 9999. MR_OK (*ret: days since 1970-01-01) or MR_BAD_TEXT. */
enum mr_status day_parse(uint32_t *ret, const char *text);

/** Of an option. MR_OK, MR_NOT_FOUND (not given, *ret untouched), or reported: MR_USAGE. */
enum mr_status opt_day(const struct command *c, struct out *out, uint32_t *ret, const char *name);

/** A span of time in milliseconds: from `begin` to the one before `end`. */
struct period {
    uint64_t begin, end;
};

/** --from and --to, both days included; without --to up to today, without --from from the first day
 *  of the month (`month`) or today on, but not behind --to. MR_OK, or reported: MR_USAGE. */
enum mr_status opt_period(const struct command *c, struct out *out, struct period *ret,
                          uint64_t now_ms, bool month);

static inline bool period_has(const struct period *p, uint64_t time_ms)
{
    return time_ms >= p->begin && time_ms < p->end;
}

/** "2025-01-31" of a time; ret holds DAY_TEXT_MAX bytes. */
enum { DAY_TEXT_MAX = 16 };
void day_text(char ret[DAY_TEXT_MAX], uint64_t time_ms);

#endif
