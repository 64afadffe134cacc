#include "common/day.h"

#include <string.h>

#include "mereau/limits.h"

static bool digits(uint32_t *ret, const char *text, size_t count)
{
    *ret = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *ret = *ret * 10 + (uint32_t)(text[i] - '0');
    }
    return true;
}

enum mr_status day_parse(uint32_t *ret, const char *text)
{
    struct mr_civil d;
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || !digits(&d.year, text, 4) ||
        !digits(&d.month, text + 5, 2) || !digits(&d.day, text + 8, 2))
        return MR_BAD_TEXT;
    if (d.year < 1970 || d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31)
        return MR_BAD_TEXT;
    const uint32_t day = mr_day_from_civil(d);
    /* The 30th of February would be a day of March. */
    if (mr_civil_of(day).day != d.day)
        return MR_BAD_TEXT;
    *ret = day;
    return MR_OK;
}

enum mr_status opt_day(const struct command *c, struct out *out, uint32_t *ret, const char *name)
{
    const char *const text = opt_text(c, name);
    if (text == NULL)
        return MR_NOT_FOUND;
    if (day_parse(ret, text) == MR_OK)
        return MR_OK;
    return out_fail(out, MR_USAGE, _("--%s takes a day like 2025-01-31, not \"%.40s\""), name,
                    text);
}

enum mr_status opt_period(const struct command *c, struct out *out, struct period *ret,
                          uint64_t now_ms, bool month)
{
    uint32_t to = mr_day_of(now_ms), from = 0;
    enum mr_status st = opt_day(c, out, &to, "to");
    if (st != MR_OK && st != MR_NOT_FOUND)
        return st;
    st = opt_day(c, out, &from, "from");
    if (st == MR_NOT_FOUND)
        from = month ? to - (mr_civil_of(to).day - 1) : to;
    else if (st != MR_OK)
        return st;
    if (from > to)
        return out_fail(out, MR_USAGE, _("the period ends before it begins"));
    *ret = (struct period){from * MR_DAY_MS, (to + UINT64_C(1)) * MR_DAY_MS};
    return MR_OK;
}

void day_text(char ret[DAY_TEXT_MAX], uint64_t time_ms)
{
    const struct mr_civil d = mr_civil_of(mr_day_of(time_ms));
    snprintf(ret, DAY_TEXT_MAX, "%04u-%02u-%02u", d.year % 10000, d.month % 100, d.day % 100);
}
