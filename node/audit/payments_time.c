/* Times as other people's files write them. */
#include <string.h>

#include "audit/payments.h"
#include "mereau/limits.h"
#include "mereau/time.h"

static bool digits(const char **at, unsigned count, uint32_t *ret)
{
    *ret = 0;
    for (; count > 0; count--, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *ret = *ret * 10 + (uint32_t)(**at - '0');
    }
    return true;
}

static bool sign(const char **at, const char *any)
{
    if (**at == '\0' || strchr(any, **at) == NULL)
        return false;
    (*at)++;
    return true;
}

/* "Z", "+02:00", "+02", or nothing, which is UTC: how many minutes it is ahead of UTC. */
static bool read_zone(const char *at, int64_t *ret)
{
    uint32_t h, m = 0;
    const bool behind = *at == '-';
    *ret = 0;
    if (*at == '\0' || strcmp(at, "Z") == 0)
        return true;
    if (!sign(&at, "+-") || !digits(&at, 2, &h))
        return false;
    if (*at != '\0') {
        sign(&at, ":");
        if (!digits(&at, 2, &m))
            return false;
    }
    if (*at != '\0' || h > 14 || m > 59)
        return false;
    *ret = (int64_t)(h * 60 + m) * (behind ? -1 : 1);
    return true;
}

/* "19:13:17.731529", "19:13", perhaps with a zone: milliseconds of the day in UTC, which may lie
 * outside of it. */
static bool read_clock(const char *at, int64_t *ret)
{
    uint32_t h, m, s = 0, ms = 0, scale = 100;
    int64_t zone;
    if (!digits(&at, 2, &h) || !sign(&at, ":") || !digits(&at, 2, &m) || h > 23 || m > 59)
        return false;
    if (sign(&at, ":")) {
        if (!digits(&at, 2, &s) || s > 60)
            return false;
        if (sign(&at, ".,")) {
            for (; *at >= '0' && *at <= '9'; at++, scale /= 10)
                ms += (uint32_t)(*at - '0') * scale;
        }
    }
    if (!read_zone(at, &zone))
        return false;
    *ret = ((int64_t)((h * 60 + m) * 60 + s) - zone * 60) * 1000 + ms;
    return true;
}

bool payments_time(uint64_t *ret, const char *text)
{
    struct mr_civil c;
    int64_t clock = 0;
    if (!digits(&text, 4, &c.year) || !sign(&text, "-") || !digits(&text, 2, &c.month) ||
        !sign(&text, "-") || !digits(&text, 2, &c.day) || c.year < 1970 || c.month < 1 ||
        c.month > 12 || c.day < 1)
        return false;
    const uint32_t day = mr_day_from_civil(c);
    if (mr_civil_of(day).day != c.day)
        return false;
    if (*text != '\0' && (!sign(&text, " T") || !read_clock(text, &clock)))
        return false;
    clock += (int64_t)day * (int64_t)MR_DAY_MS;
    if (clock <= 0)
        return false;
    *ret = (uint64_t)clock;
    return true;
}
