/* Words and numbers of the page. */
#include <stdio.h>
#include <string.h>

#include "audit/page.h"
#include "mereau/time.h"

void page_text(FILE *f, const char *text)
{
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '&')
            fputs("&amp;", f);
        else if (c == '<')
            fputs("&lt;", f);
        else if (c == '>')
            fputs("&gt;", f);
        else if (c == '"')
            fputs("&quot;", f);
        else if (c == '\'')
            fputs("&#39;", f);
        else if (c >= ' ' && c != 127)
            putc(c, f);
    }
}

/* --- numbers ---------------------------------------------------------------------------------- */

static bool is_french(void)
{
    return i18n_decimal_separator() == ',';
}

/* Thousands apart: a narrow blank that does not break, or a comma. */
static void group(char *ret, const char *plain)
{
    const char *const apart = is_french() ? "\xe2\x80\xaf" : ",";
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

static uint32_t decimals_of(const struct page *p, enum page_look look)
{
    return look == PAGE_AMOUNT    ? p->m->table.units[0].decimals
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
    return look == PAGE_AMOUNT ? den * power(p->m->table.units[0].decimals) : den;
}

void page_plain(char *ret, const struct page *p, enum page_look look, mr_stats_wide num,
                mr_stats_wide den)
{
    mr_stats_format(ret, look == PAGE_PERCENT ? num * 100 : num, scaled_den(p, look, den),
                    look == PAGE_COUNT ? 0 : 4);
}

void page_value(char *ret, const struct page *p, enum page_look look, mr_stats_wide num,
                mr_stats_wide den)
{
    char plain[MR_STATS_TEXT_MAX], grouped[PAGE_TEXT_MAX];
    const mr_stats_wide of = scaled_den(p, look, den), size = num < 0 ? -num : num;
    const bool large = look == PAGE_AMOUNT && size >= 1000 * of;
    mr_stats_format(plain, look == PAGE_PERCENT ? num * 100 : num, of,
                    large ? 0 : decimals_of(p, look));
    group(grouped, plain);
    if (look == PAGE_AMOUNT && p->m->table.units[0].code[0] != '\0')
        snprintf(ret, PAGE_TEXT_MAX, "%.64s\xc2\xa0%s", grouped, p->m->table.units[0].code);
    else if (look == PAGE_PERCENT)
        snprintf(ret, PAGE_TEXT_MAX, "%.64s%s%%", grouped, is_french() ? "\xc2\xa0" : "");
    else
        snprintf(ret, PAGE_TEXT_MAX, "%s", grouped);
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

void page_period_short(char *ret, const struct page *p, uint32_t period)
{
    const struct mr_civil c = mr_civil_of(p->m->periods[period].from_day);
    if (p->m->by == MR_STATS_BY_YEAR)
        snprintf(ret, PAGE_TEXT_MAX, "%u", c.year);
    else if (p->m->by == MR_STATS_BY_MONTH)
        snprintf(ret, PAGE_TEXT_MAX, "%02u/%02u", c.month, c.year % 100);
    else
        snprintf(ret, PAGE_TEXT_MAX, "%02u%s%02u", is_french() ? c.day : c.month,
                 is_french() ? "/" : "-", is_french() ? c.month : c.day);
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
