/* Words and numbers of the page. */
#include <stdio.h>
#include <string.h>

#include "audit/page.h"
#include "mereau/time.h"

#define NARROW "\xe2\x80\xaf" /* a narrow blank that does not break */
#define BLANK  "\xc2\xa0"     /* a blank that does not break */
#define EURO   "\xe2\x82\xac"

static bool is_french(void)
{
    return i18n_decimal_separator() == ',';
}

/* --- text ------------------------------------------------------------------------------------- */

static const char *entity(unsigned char c)
{
    return c == '&'    ? "&amp;"
           : c == '<'  ? "&lt;"
           : c == '>'  ? "&gt;"
           : c == '"'  ? "&quot;"
           : c == '\'' ? "&#39;"
                       : NULL;
}

/* No line of French begins with ":" or ends with an opening guillemet. NULL: an ordinary blank. */
static const char *french_blank(const char *text, const char *at)
{
    if (strchr(";!?%", at[1]) != NULL && at[1] != '\0')
        return NARROW;
    const bool closes = at[1] == ':' || strncmp(at + 1, "\xc2\xbb", 2) == 0;
    const bool opens = at - text >= 2 && strncmp(at - 2, "\xc2\xab", 2) == 0;
    return closes || opens ? BLANK : NULL;
}

void page_text(FILE *f, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        const unsigned char c = (unsigned char)*at;
        const char *const blank = c == ' ' && is_french() ? french_blank(text, at) : NULL;
        if (blank != NULL)
            fputs(blank, f);
        else if (entity(c) != NULL)
            fputs(entity(c), f);
        else if (c >= ' ' && c != 127)
            putc(c, f);
    }
}

void page_sentence_case(char *text)
{
    if (*text >= 'a' && *text <= 'z')
        *text = (char)(*text - 'a' + 'A');
}

void page_quote(char ret[PAGE_TEXT_MAX], const char *name)
{
    snprintf(ret, PAGE_TEXT_MAX, "\xe2\x81\xa8%s\xe2\x81\xa9", name);
}

/* --- numbers ---------------------------------------------------------------------------------- */

void page_grouped(char *ret, const char *plain)
{
    const char *const apart = is_french() ? NARROW : ",";
    const char *at = plain;
    size_t n = 0, whole;
    if (*at == '-') {
        memcpy(ret, "\xe2\x88\x92", 3); /* a minus sign */
        n = 3;
        at++;
    }
    for (whole = strcspn(at, "."); whole > 0; whole--) {
        ret[n++] = *at++;
        if (whole % 3 == 1 && whole > 1) {
            memcpy(ret + n, apart, strlen(apart));
            n += strlen(apart);
        }
    }
    snprintf(ret + n, PAGE_TEXT_MAX - n, "%s", at);
    if (*at == '.' && is_french())
        ret[n] = ',';
}

static bool is_money(enum page_look look)
{
    return look == PAGE_AMOUNT || look == PAGE_RESERVE;
}

/* Of the table's units: the local one, or that of the reserve. */
static uint32_t unit_of(const struct page *p, enum page_look look)
{
    for (uint32_t i = 0; look == PAGE_RESERVE && i < p->m->table.units_count; i++) {
        if (p->m->table.units[i].role == MR_UNIT_RESERVE)
            return i;
    }
    return 0;
}

static uint32_t decimals_of(const struct page *p, enum page_look look)
{
    return is_money(look)         ? p->m->table.units[unit_of(p, look)].decimals
           : look == PAGE_COUNT   ? 0
           : look == PAGE_PERCENT ? 1
                                  : 2;
}

/* Of 10^k. */
static mr_stats_wide power(uint32_t k)
{
    return k == 0 ? 1 : 10 * power(k - 1);
}

static mr_stats_wide scaled_den(const struct page *p, enum page_look look, mr_stats_wide den)
{
    return is_money(look) ? den * power(decimals_of(p, look)) : den;
}

void page_plain(char *ret, const struct page *p, enum page_look look, mr_stats_wide num,
                mr_stats_wide den)
{
    mr_stats_format(ret, look == PAGE_PERCENT ? num * 100 : num, scaled_den(p, look, den),
                    look == PAGE_COUNT ? 0 : 4);
}

const char *page_unit(const struct page *p, enum page_look look)
{
    const char *const code = p->m->table.units[unit_of(p, look)].code;
    if (!is_money(look))
        return look == PAGE_PERCENT ? "%" : "";
    return code[0] == '\0' ? _("units") : strcmp(code, "EUR") == 0 ? EURO : code;
}

/* With so many decimals, and a percent sign where there is one. */
static void number(char *ret, const struct page *p, enum page_look look, uint32_t decimals,
                   mr_stats_wide num, mr_stats_wide den)
{
    char plain[MR_STATS_TEXT_MAX], grouped[PAGE_TEXT_MAX];
    mr_stats_format(plain, look == PAGE_PERCENT ? num * 100 : num, scaled_den(p, look, den),
                    decimals);
    page_grouped(grouped, plain);
    snprintf(ret, PAGE_TEXT_MAX, "%.64s%s", grouped,
             look != PAGE_PERCENT ? ""
             : is_french()        ? NARROW "%"
                                  : "%");
}

void page_exact(char *ret, const struct page *p, enum page_look look, mr_stats_wide num,
                mr_stats_wide den)
{
    number(ret, p, look, decimals_of(p, look), num, den);
}

void page_value(char *ret, const struct page *p, enum page_look look, mr_stats_wide num,
                mr_stats_wide den)
{
    char text[PAGE_TEXT_MAX];
    const mr_stats_wide size = num < 0 ? -num : num;
    const bool large = is_money(look) && size >= 1000 * scaled_den(p, look, den);
    number(text, p, look, large ? 0 : decimals_of(p, look), num, den);
    if (is_money(look))
        snprintf(ret, PAGE_TEXT_MAX, "%.80s" BLANK "%s", text, page_unit(p, look));
    else
        snprintf(ret, PAGE_TEXT_MAX, "%s", text);
}

/* --- periods ---------------------------------------------------------------------------------- */

bool page_is_cut(const struct page *p, uint32_t period)
{
    const struct mr_stats_period *const x = &p->m->periods[period];
    const struct mr_civil first = mr_civil_of(x->from_day), next = mr_civil_of(x->to_day + 1);
    switch (p->m->by) {
    case MR_STATS_BY_DAY:
        return false;
    case MR_STATS_BY_WEEK:
        return x->to_day - x->from_day != 6;
    case MR_STATS_BY_MONTH:
        return first.day != 1 || next.day != 1;
    case MR_STATS_BY_YEAR:
        break;
    }
    return first.day != 1 || first.month != 1 || next.day != 1 || next.month != 1;
}

static const char *month_short(uint32_t month)
{
    static const char *const months[] = {N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"),
                                         N_("May"), N_("Jun"), N_("Jul"), N_("Aug"),
                                         N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec")};
    return _(months[month - 1]);
}

static const char *month_name(uint32_t month)
{
    static const char *const months[] = {N_("January"), N_("February"), N_("March"),
                                         N_("April"),   N_("May"),      N_("June"),
                                         N_("July"),    N_("August"),   N_("September"),
                                         N_("October"), N_("November"), N_("December")};
    return _(months[month - 1]);
}

void page_day(char *ret, uint32_t day)
{
    const struct mr_civil c = mr_civil_of(day);
    snprintf(ret, PAGE_TEXT_MAX / 4, "%u%s %s %u", c.day, is_french() && c.day == 1 ? "er" : "",
             month_name(c.month), c.year);
}

void page_period(char *ret, const struct page *p, uint32_t period)
{
    const struct mr_stats_period *const x = &p->m->periods[period];
    const struct mr_civil c = mr_civil_of(x->from_day);
    char day[PAGE_TEXT_MAX / 4], name[PAGE_TEXT_MAX / 2];
    page_day(day, x->from_day);
    if (p->m->by == MR_STATS_BY_MONTH) {
        snprintf(name, sizeof name, "%s %u", month_name(c.month), c.year);
    } else if (p->m->by == MR_STATS_BY_YEAR) {
        snprintf(name, sizeof name, "%u", c.year);
    } else if (p->m->by == MR_STATS_BY_WEEK) {
        snprintf(name, sizeof name, _("week from %s"), day);
    } else {
        snprintf(name, sizeof name, "%s", day);
    }
    if (page_is_cut(p, period))
        snprintf(ret, PAGE_TEXT_MAX, _("%s (in part)"), name);
    else
        snprintf(ret, PAGE_TEXT_MAX, "%s", name);
}

void page_days(char ret[PAGE_TEXT_MAX], const struct mr_stats_period *days)
{
    char from[PAGE_TEXT_MAX / 4], to[PAGE_TEXT_MAX / 4];
    page_day(from, days->from_day);
    page_day(to, days->to_day);
    if (days->from_day == days->to_day)
        snprintf(ret, PAGE_TEXT_MAX, "%s", from);
    else
        snprintf(ret, PAGE_TEXT_MAX, _("From %s to %s"), from, to);
}

void page_period_short(char *ret, const struct page *p, uint32_t period)
{
    const struct mr_civil c = mr_civil_of(p->m->periods[period].from_day);
    if (p->m->by == MR_STATS_BY_YEAR)
        snprintf(ret, PAGE_TEXT_MAX, "%u", c.year);
    else if (p->m->by == MR_STATS_BY_MONTH)
        snprintf(ret, PAGE_TEXT_MAX, "%s %u", month_short(c.month), c.year);
    else
        snprintf(ret, PAGE_TEXT_MAX, "%u %s", c.day, month_short(c.month));
}

/* --- figures ---------------------------------------------------------------------------------- */

static void take(const struct page *p, struct page_figure *sum, const struct mr_stats_figure *f)
{
    const size_t i = (size_t)(f - p->m->figures);
    if (f->state != MR_STATS_VALUE)
        return;
    if (p->shown != NULL && published_why(p->shown, i) != DISCLOSURE_SHOWN) {
        sum->blank = true;
        return;
    }
    sum->num += f->num; /* sums are of whole numbers: den is 1 */
    sum->den = f->den;
}

struct page_figure page_of(const struct page *p, const struct mr_stats_figure *f)
{
    struct page_figure ret = {0, 0, false};
    take(p, &ret, f);
    return ret;
}

struct page_figure page_one(const struct page *p, enum mr_stats_id id, uint32_t period,
                            uint32_t row, uint32_t column)
{
    struct page_figure ret = {0, 0, false};
    size_t count;
    const struct mr_stats_figure *const f = measure_figures(p->m, id, &count);
    for (size_t i = 0; i < count; i++) {
        if (f[i].period == period && f[i].row == row && f[i].column == column)
            take(p, &ret, &f[i]);
    }
    return ret;
}

struct page_figure page_sum(const struct page *p, enum mr_stats_id id, uint32_t period)
{
    struct page_figure ret = {0, 0, false};
    size_t count;
    const struct mr_stats_figure *const f = measure_figures(p->m, id, &count);
    for (size_t i = 0; i < count; i++) {
        if (f[i].period == period)
            take(p, &ret, &f[i]);
    }
    if (ret.blank)
        ret.num = ret.den = 0;
    return ret;
}
