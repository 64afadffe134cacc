#include "mereau/amount.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/letters.h"

enum { DECIMALS_MAX = 6 };

bool mr_amount_add(int64_t *ret, int64_t a, int64_t b)
{
    mr_assert(a >= -MR_AMOUNT_MAX);
    mr_assert(a <= MR_AMOUNT_MAX);
    mr_assert(b >= -MR_AMOUNT_MAX);
    mr_assert(b <= MR_AMOUNT_MAX);
    const int64_t sum = a + b; /* 2^53 at most */
    if (sum < -MR_AMOUNT_MAX || sum > MR_AMOUNT_MAX)
        return false;
    *ret = sum;
    return true;
}

int64_t mr_amount_part(int64_t amount, uint32_t basis_points)
{
    mr_assert(amount >= 0);
    mr_assert(amount <= MR_AMOUNT_MAX);
    mr_assert(basis_points <= 10000);
    const int64_t points = basis_points;
    return amount / 10000 * points + (amount % 10000 * points + 5000) / 10000;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct number {
    uint64_t minor; /* all digits as one number; stops growing past MR_AMOUNT_MAX */
    uint32_t digits_behind;
    uint32_t separators;
    bool is_grouped;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static size_t any_of(const char *text, const char *const *choices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const size_t n = strlen(choices[i]);
        if (strncmp(text, choices[i], n) == 0)
            return n;
    }
    return 0;
}

/* Bytes of the blank at text; 0 when there is none. Keyboards and spreadsheets of several countries
 * write no-break, narrow and thin spaces. */
static size_t blank_at(const char *text)
{
    static const char *const blanks[] = {" ",        "\t",           "\n",          "\r",
                                         "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89"};
    return any_of(text, blanks, sizeof blanks / sizeof blanks[0]);
}

/* Likewise an apostrophe (straight or curly) or an underscore between digits. */
static size_t mark_at(const char *text)
{
    static const char *const marks[] = {"'", "_", "\xe2\x80\x99"};
    return any_of(text, marks, sizeof marks / sizeof marks[0]);
}

static size_t minus_at(const char *text)
{
    static const char *const signs[] = {"-", "\xe2\x88\x92"};
    return any_of(text, signs, sizeof signs / sizeof signs[0]);
}

static const char *skip_blanks(const char *text)
{
    for (size_t n = blank_at(text); n > 0; n = blank_at(text))
        text += n;
    return text;
}

/* Bytes from a digit's end to the next digit when only a grouping mark is between; else 0. */
static size_t group_gap(const char *text)
{
    const size_t mark = mark_at(text);
    const char *const next = mark > 0 ? text + mark : skip_blanks(text);
    return next != text && is_digit(*next) ? (size_t)(next - text) : 0;
}

/* Digits with whatever people put between them. Returns the place behind, NULL when there is no
 * number at all. */
static const char *scan(struct number *ret, const char *text)
{
    *ret = (struct number){0};
    if (!is_digit(*text))
        return NULL;
    for (;;) {
        for (; is_digit(*text); text++) {
            if (ret->minor <= (uint64_t)MR_AMOUNT_MAX)
                ret->minor = ret->minor * 10 + (uint64_t)(*text - '0');
            ret->digits_behind += ret->digits_behind < UINT32_MAX ? 1 : 0;
        }
        const size_t gap = group_gap(text);
        if (gap > 0) {
            ret->is_grouped = true;
            text += gap;
        } else if (*text == '.' || *text == ',') {
            ret->separators++;
            ret->digits_behind = 0;
            if (!is_digit(*++text))
                return NULL;
        } else {
            return text;
        }
    }
}

/* What stands behind the number: nothing, or the unit's code. */
static enum mr_status read_unit(const char *text, const char *code)
{
    size_t len = 0;
    bool is_word = true;
    text = skip_blanks(text);
    for (; text[len] != '\0' && blank_at(text + len) == 0; len++)
        is_word = is_word && is_letter(text[len]);
    if (*skip_blanks(text + len) != '\0')
        return MR_AMOUNT_SYNTAX;
    if (len == 0)
        return MR_OK;
    bool same = code != NULL && strlen(code) == len;
    for (size_t i = 0; same && i < len; i++)
        same = mr_lower(text[i]) == mr_lower(code[i]);
    if (same)
        return MR_OK;
    return is_word && code != NULL ? MR_AMOUNT_UNIT : MR_AMOUNT_SYNTAX;
}

/* Whether the marks and digits can be an amount of such a unit. Three digits behind a mark are
 * thousands to most people, so they are never taken for decimals unless the unit has as many. */
static enum mr_status judge(const struct number *number, uint32_t decimals)
{
    const uint32_t behind = number->separators == 0 ? 0 : number->digits_behind;
    if (number->is_grouped || number->separators > 1)
        return MR_AMOUNT_GROUPED;
    return behind > decimals ? MR_AMOUNT_DECIMALS : MR_OK;
}

enum mr_status mr_amount_parse(int64_t *ret, const char *text, uint32_t decimals, const char *code)
{
    mr_assert(decimals <= DECIMALS_MAX);
    struct number number;
    text = skip_blanks(text);
    const size_t minus = minus_at(text);
    const char *const rest = scan(&number, skip_blanks(text + minus));
    if (rest == NULL)
        return MR_AMOUNT_SYNTAX;
    enum mr_status st = read_unit(rest, code);
    if (st == MR_OK)
        st = judge(&number, decimals);
    if (st != MR_OK)
        return st;
    if (minus > 0)
        return MR_AMOUNT_NEGATIVE;
    uint32_t missing = decimals - (number.separators == 0 ? 0 : number.digits_behind);
    for (; missing > 0 && number.minor <= (uint64_t)MR_AMOUNT_MAX; missing--)
        number.minor *= 10;
    if (number.minor > (uint64_t)MR_AMOUNT_MAX)
        return MR_AMOUNT_TOO_LARGE;
    if (number.minor == 0)
        return MR_AMOUNT_ZERO;
    *ret = (int64_t)number.minor;
    return MR_OK;
}

/* --- printing --------------------------------------------------------------------------------- */

void mr_amount_format(char *ret, int64_t minor, uint32_t decimals, char separator)
{
    mr_assert(decimals <= DECIMALS_MAX);
    mr_assert(minor > INT64_MIN);
    char reversed[MR_AMOUNT_TEXT_MAX];
    size_t n = 0;
    uint64_t rest = (uint64_t)(minor < 0 ? -minor : minor);
    for (uint32_t digit = 0; rest > 0 || digit <= decimals; digit++) {
        if (digit == decimals && decimals > 0)
            reversed[n++] = separator;
        reversed[n++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (minor < 0)
        reversed[n++] = '-';
    mr_assert(n < MR_AMOUNT_TEXT_MAX);
    while (n > 0)
        *ret++ = reversed[--n];
    *ret = '\0';
}
