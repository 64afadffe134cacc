#include "common/amount_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/i18n.h"
#include "common/output.h"
#include "common/term.h"

void amount_text(char *ret, int64_t minor, uint32_t decimals, const char *code)
{
    char number[MR_AMOUNT_TEXT_MAX];
    mr_amount_format(number, minor, decimals, i18n_decimal_separator());
    snprintf(ret, AMOUNT_PEOPLE_MAX, "%s%s%s", number, code != NULL ? " " : "",
             code != NULL ? code : "");
}

static void say(char *ret, const char *format, ...) OUT_PRINTF(2, 3);

static void say(char *ret, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret, HINT_MAX, format, args);
    va_end(args);
}

/* What was typed, short enough for a sentence and harmless to a terminal. */
enum { SHOWN_BYTES = 100 };

static const char *shown(char ret[SHOWN_BYTES + 4], const char *text)
{
    const size_t len = strnlen(text, SHOWN_BYTES + 1);
    snprintf(ret, SHOWN_BYTES + 4, "%.*s%s", SHOWN_BYTES, text, len > SHOWN_BYTES ? "..." : "");
    text_clean(ret);
    return ret;
}

static void decimals_hint(char *ret, const char *typed, uint32_t decimals, const char *code)
{
    if (decimals == 0)
        say(ret, _("\"%s\" has decimals, but %s is counted in whole units"), typed, code);
    else
        say(ret,
            _("\"%s\" has too many decimals: %s has %u; thousands are written without a mark, as "
              "1250"),
            typed, code, (unsigned)decimals);
}

void amount_hint(char *ret, enum mr_status st, const char *text, uint32_t decimals,
                 const char *code)
{
    char typed[SHOWN_BYTES + 4], largest[AMOUNT_PEOPLE_MAX];
    shown(typed, text);
    if (code == NULL)
        code = _("this unit");
    if (st == MR_AMOUNT_ZERO)
        say(ret, _("the amount is zero: give one above zero"));
    else if (st == MR_AMOUNT_NEGATIVE)
        say(ret, _("\"%s\" is negative: give an amount above zero"), typed);
    else if (st == MR_AMOUNT_TOO_LARGE) {
        amount_text(largest, MR_AMOUNT_MAX, decimals, NULL);
        say(ret, _("\"%s\" is too large: a ledger holds at most %s"), typed, largest);
    } else if (st == MR_AMOUNT_DECIMALS)
        decimals_hint(ret, typed, decimals, code);
    else if (st == MR_AMOUNT_GROUPED)
        say(ret, _("\"%s\" has grouping marks: write 1250.00 or 1250,00, without grouping"), typed);
    else if (st == MR_AMOUNT_UNIT)
        say(ret, _("\"%s\" names another unit: this is in %s"), typed, code);
    else if (st == MR_AMOUNT_SYNTAX)
        say(ret, _("\"%s\" is not an amount: write 12, 12.50 or 12,50"), typed);
    else
        say(ret, "%s", status_sentence(st));
}

static void character_hint(char *ret, enum mr_status st, const char *text, size_t wrong)
{
    const char shown_char = text[wrong];
    if (shown_char < '!' || shown_char > '~')
        say(ret, _("character %zu of the address cannot stand there: copy the address again"),
            wrong + 1);
    else if (st == MR_BAD_CHECKSUM)
        say(ret,
            _("character %zu (\"%c\") of the address is mistyped: compare it with the original"),
            wrong + 1, shown_char);
    else
        say(ret,
            _("character %zu (\"%c\") of the address cannot stand there: compare it with the "
              "original"),
            wrong + 1, shown_char);
}

void address_hint(char *ret, enum mr_status st, const char *text, size_t wrong, const char *prefix)
{
    char typed[SHOWN_BYTES + 4];
    shown(typed, text);
    if ((st == MR_BAD_TEXT || st == MR_BAD_CHECKSUM) && wrong < strlen(text))
        character_hint(ret, st, text, wrong);
    else if (st == MR_BAD_CHECKSUM)
        say(ret, _("\"%s\" has several mistyped characters: copy the address again"), typed);
    else if (st == MR_WRONG_PREFIX && prefix != NULL)
        say(ret, _("\"%s\" is an address of another currency: here they begin with \"%s1\""), typed,
            prefix);
    else if (st == MR_BAD_TEXT && prefix != NULL)
        say(ret,
            _("\"%s\" is not an address: addresses here begin with \"%s1\" and are %zu "
              "characters long"),
            typed, prefix, strlen(prefix) + 33);
    else
        say(ret, "%s", status_sentence(st));
}
