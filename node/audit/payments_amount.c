/* Decimal numbers of other people's files, with more digits than a unit has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/payments.h"
#include "mereau/limits.h"

enum { DIGITS_MAX = 80, ATTO_DIGITS = 18, POINT_MAX = 40 };

enum { NANO = 1000000000 };

void fraction_add(struct fraction *f, int64_t atto)
{
    f->low += atto % NANO;
    f->high += atto / NANO + f->low / NANO;
    f->low %= NANO;
}

void fraction_text(char *ret, const struct fraction *f)
{
    int64_t high = f->high, low = f->low;
    if (high > 0 && low < 0) {
        high--;
        low += NANO;
    } else if (high < 0 && low > 0) {
        high++;
        low -= NANO;
    }
    int n = snprintf(ret, FRACTION_TEXT_MAX, "%s%lld.%09lld%09lld", high < 0 || low < 0 ? "-" : "",
                     llabs(high) / NANO, llabs(high) % NANO, llabs(low));
    while (ret[n - 1] == '0')
        ret[--n] = '\0';
    if (ret[n - 1] == '.')
        ret[--n] = '\0';
}

struct decimal {
    uint8_t digits[DIGITS_MAX];
    int count, point; /* value = 0.d1 d2 d3 ... * 10^point */
    bool negative;
};

/* The digit of weight 10^power. */
static int digit(const struct decimal *d, int power)
{
    const int at = d->point - 1 - power;
    return at >= 0 && at < d->count ? d->digits[at] : 0;
}

static bool read_decimal(struct decimal *d, const char *text)
{
    bool any = false, point = false;
    *d = (struct decimal){0};
    if (*text == '-' || *text == '+')
        d->negative = *text++ == '-';
    for (; (*text >= '0' && *text <= '9') || (*text == '.' && !point); text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        any = true;
        if (d->count == DIGITS_MAX)
            return false;
        d->digits[d->count++] = (uint8_t)(*text - '0');
        d->point += point ? 0 : 1;
    }
    if (!any)
        return false;
    if (*text == 'e' || *text == 'E') {
        char *end;
        const long power = strtol(text + 1, &end, 10);
        if (end == text + 1 || labs(power) > POINT_MAX)
            return false;
        d->point += (int)power;
        text = end;
    }
    return *text == '\0';
}

enum reason amount_round(int64_t *ret, int64_t *ret_atto, const char *text)
{
    struct decimal d;
    int64_t minor = 0, rest = 0, whole = 1;
    bool beyond = false;
    if (!read_decimal(&d, text))
        return REASON_SYNTAX;
    for (int power = d.point - 1 < 0 ? 0 : d.point - 1; power >= -BOOK_DECIMALS; power--) {
        minor = minor * 10 + digit(&d, power);
        if (minor > MR_AMOUNT_MAX)
            return REASON_LARGE;
    }
    for (int power = -BOOK_DECIMALS - 1; power >= -ATTO_DIGITS; power--, whole *= 10)
        rest = rest * 10 + digit(&d, power);
    for (int power = -ATTO_DIGITS - 1; power >= d.point - d.count; power--)
        beyond = beyond || digit(&d, power) != 0;
    if (d.negative && (minor > 0 || rest > 0 || beyond))
        return REASON_NEGATIVE;
    const bool tie = rest == whole / 2 && !beyond;
    const bool up = tie ? minor % 2 == 1 : rest >= whole / 2;
    minor += up ? 1 : 0;
    *ret_atto = up ? whole - rest : -rest;
    if (minor == 0)
        return REASON_ZERO;
    if (minor > MR_AMOUNT_MAX)
        return REASON_LARGE;
    *ret = minor;
    return REASON_NONE;
}
