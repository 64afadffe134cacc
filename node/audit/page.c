/* The page as a whole: head, headline figures, charts, what it is all of. */
#include "audit/page.h"

#include <sodium.h>
#include <string.h>

#include "audit/page_assets.h"
#include "mereau/id.h"

/* --- head ------------------------------------------------------------------------------------- */

static void put_bytes(FILE *f, const unsigned char *bytes, size_t len)
{
    fwrite(bytes, 1, len, f);
}

/* Only these two scripts run, whatever a name in the ledger may hold. */
static void allow_script(FILE *f, const unsigned char *bytes, size_t len)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    crypto_hash_sha256(hash, bytes, len);
    sodium_bin2base64(text, sizeof text, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
    fprintf(f, " 'sha256-%s'", text);
}

static void put_title(const struct page *p)
{
    const char *const code = p->m->table.units[0].code;
    const char *const name = p->m->currency[0] != '\0' ? p->m->currency : code;
    char text[512];
    if (name[0] == '\0')
        snprintf(text, sizeof text, "%s", _("How the local currency circulates"));
    else
        snprintf(text, sizeof text, _("%s: how the money circulates"), name);
    page_text(p->f, text);
}

static void put_head(const struct page *p)
{
    fprintf(p->f,
            "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "style-src 'unsafe-inline'; script-src",
            i18n_decimal_separator() == ',' ? "fr" : "en");
    allow_script(p->f, page_d3, page_d3_len);
    allow_script(p->f, page_charts_js, page_charts_js_len);
    fputs("\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"referrer\" content=\"no-referrer\">\n<title>",
          p->f);
    put_title(p);
    fputs("</title>\n<style>\n", p->f);
    put_bytes(p->f, page_style, page_style_len);
    fputs("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#charts\">", p->f);
    page_text(p->f, _("To the charts"));
    fputs("</a>\n<header>\n<h1>", p->f);
    put_title(p);
    fputs("</h1>\n", p->f);
}

static void put_period(const struct page *p)
{
    char days[PAGE_TEXT_MAX], text[512];
    page_days(days, &p->m->periods[p->m->periods_count]);
    snprintf(text, sizeof text,
             p->m->file != NULL
                 ? _("%s. Figures of a file of recorded payments.")
                 : _("%s. Figures that the auditor computed from the signed ledger."),
             days);
    fputs("<p>", p->f);
    page_text(p->f, text);
    fputs("</p>\n", p->f);
    fputs(p->shown == NULL ? "<p class=\"warn\">" : "<p>", p->f);
    page_text(p->f, p->shown == NULL
                        ? _("Not for publication: figures of few persons are shown.")
                        : _("Figures that tell of fewer than 5 persons, or mostly of one, are kept "
                            "back, and those from which they could be computed."));
    fputs("</p>\n</header>\n<main>\n", p->f);
}

/* --- headline figures ------------------------------------------------------------------------- */

/* What stands in a tile: words of its own, for people who read no definitions. What is followed
 * through later payments is told of the whole: of the latest period little has followed yet, so
 * that it would always seem to fall. */
static const struct headline {
    enum mr_stats_id id;
    enum page_look look;
    bool whole;
    uint32_t row;            /* a class of accounts; 0 */
    const char *name, *note; /* note NULL: the name says it */
} headlines[] = {
    {MR_STATS_MASS, PAGE_AMOUNT, false, 0, N_("Money in circulation"), NULL},
    {MR_STATS_COVERAGE, PAGE_PERCENT, false, 0, N_("Covered by the reserve"),
     N_("euros in reserve by the books, of what the issuers owe")},
    {MR_STATS_TURNOVER, PAGE_AMOUNT, false, 0, N_("Paid among members"), NULL},
    {MR_STATS_PAYMENTS, PAGE_COUNT, false, 0, N_("Payments"), NULL},
    {MR_STATS_V_ALL, PAGE_NUMBER, false, 0, N_("Times a unit is paid on in a year"),
     N_("at the pace of the period")},
    {MR_STATS_ACTIVE_IN, PAGE_COUNT, false, 0, N_("Accounts that paid or were paid"), NULL},
    {MR_STATS_MEMBER_COUNT, PAGE_COUNT, false, MR_CLASS_RESIDENT, N_("Residents who take part"),
     N_("at the end of the period")},
    {MR_STATS_MEMBER_COUNT, PAGE_COUNT, false, MR_CLASS_SHOP, N_("Shops that take part"),
     N_("at the end of the period")},
    {MR_STATS_MEMBER_COUNT, PAGE_COUNT, false, MR_STATS_CLASS_UNKNOWN, N_("Members"),
     N_("at the end of the period")},
    {MR_STATS_BASKET, PAGE_AMOUNT, false, 0, N_("Typical payment"),
     N_("half of the payments are smaller")},
    {MR_STATS_LM3, PAGE_NUMBER, true, 0, N_("Local multiplier LM3"),
     N_("units spent locally in three rounds, for one in the first; over the whole time")},
    {MR_STATS_PUBLIC_KEPT, PAGE_PERCENT, true, 0, N_("Public money that still circulates"),
     N_("of what the municipality spent; over the whole time")},
};

/* EXACT_BITS: of a denominator that loses its last bit, the quotient keeps nine digits. */
enum { TERM_BITS = 56, EXACT_BITS = 30 };

static bool is_long(mr_stats_wide x)
{
    const mr_stats_wide most = (mr_stats_wide)1 << TERM_BITS;
    return x > most || x < -most;
}

static void shorten_one(struct page_figure *x)
{
    while ((is_long(x->num) || is_long(x->den)) && x->den >> EXACT_BITS != 0) {
        x->num /= 2;
        x->den /= 2;
    }
}

/* Two fractions of one indicator, whose terms are multiplied with each other below. Last bits go,
 * far behind the digits that are shown. What is still long then is no percentage, and both may be
 * divided by the same. */
static void shorten(struct page_figure *x, struct page_figure *y)
{
    shorten_one(x);
    shorten_one(y);
    while (is_long(x->num) || is_long(y->num)) {
        x->num /= 2;
        y->num /= 2;
    }
}

/* By how much a figure changed, of percents the points: "+3.1%", "unchanged". Empty: it began, and
 * no percentage says much. */
static void change_text(char by[PAGE_TEXT_MAX], const struct page *p, enum page_look look,
                        struct page_figure now, struct page_figure old)
{
    char text[PAGE_TEXT_MAX], size[PAGE_TEXT_MAX];
    shorten(&now, &old);
    const mr_stats_wide a = now.num * old.den, b = now.den * old.num;
    by[0] = '\0';
    if (a == b) {
        snprintf(by, PAGE_TEXT_MAX, "%s", _("unchanged"));
    } else if (look == PAGE_PERCENT) {
        mr_stats_format(text, (a - b) * 100, now.den * old.den, 1);
        page_grouped(size, text);
        snprintf(text, sizeof text, _("%.64s points"), size);
        snprintf(by, PAGE_TEXT_MAX, "%s%.100s", a > b ? "+" : "", text);
    } else if (b > 0 && a <= 10 * b) {
        page_value(size, p, PAGE_PERCENT, a - b, b); /* now / old - 1 */
        snprintf(by, PAGE_TEXT_MAX, "%s%.100s", a > b ? "+" : "", size);
    }
}

static void put_change(const struct page *p, const struct headline *h, struct page_figure now)
{
    char by[PAGE_TEXT_MAX], when[PAGE_TEXT_MAX], was[PAGE_TEXT_MAX], text[512];
    const struct page_figure old = p->before == MR_STATS_NONE || h->whole
                                       ? (struct page_figure){0, 0, false}
                                       : page_one(p, h->id, p->before, h->row, 0);
    if (old.den == 0 || now.den == 0)
        return;
    change_text(by, p, h->look, now, old);
    page_period(when, p, p->before);
    page_value(was, p, h->look, old.num, old.den);
    snprintf(text, sizeof text, _("%s (%s: %s)"), by, when, was);
    fputs("<span class=\"change\">", p->f);
    page_text(p->f, by[0] == '\0' ? text + 1 : text);
    fputs("</span>", p->f);
}

/* In a tile a unit may stand below its amount. */
static void let_break(char *value)
{
    char *const blank = strstr(value, "\xc2\xa0");
    if (blank == NULL)
        return;
    blank[0] = ' ';
    memmove(blank + 1, blank + 2, strlen(blank + 2) + 1);
}

static void put_headline(const struct page *p, const struct headline *h)
{
    char value[PAGE_TEXT_MAX];
    const struct page_figure x =
        page_one(p, h->id, h->whole ? (uint32_t)p->m->periods_count : p->now, h->row, 0);
    if (x.den == 0 && !x.blank)
        return;
    fputs("<li><span class=\"name\">", p->f);
    page_text(p->f, _(h->name));
    fputs(x.blank ? "</span><span class=\"value kept\">" : "</span><span class=\"value\">", p->f);
    if (x.blank)
        snprintf(value, sizeof value, "%s", _("kept back"));
    else
        page_value(value, p, h->look, x.num, x.den);
    let_break(value);
    page_text(p->f, value);
    fputs("</span>", p->f);
    put_change(p, h, x);
    if (h->note != NULL) {
        fputs("<span class=\"aside\">", p->f);
        page_text(p->f, _(h->note));
        fputs("</span>", p->f);
    }
    fputs("</li>\n", p->f);
}

static void put_headlines(const struct page *p)
{
    char when[PAGE_TEXT_MAX], text[512];
    page_period(when, p, p->now);
    snprintf(text, sizeof text, _("Key figures: %s"), when);
    fputs("<section aria-labelledby=\"heads\">\n<h2 id=\"heads\">", p->f);
    page_text(p->f, text);
    fputs("</h2>\n<ul class=\"heads\">\n", p->f);
    for (size_t i = 0; i < sizeof headlines / sizeof *headlines; i++)
        put_headline(p, &headlines[i]);
    fputs("</ul>\n</section>\n<p class=\"hint\">", p->f);
    page_text(p->f,
              _("Point at a chart, or move through it with the arrow keys, to read its values. "
                "Each has its figures as a table below it."));
    fputs("</p>\n", p->f);
}

/* --- foot ------------------------------------------------------------------------------------- */

static void put_hash(const struct page *p, const char *name, const uint8_t *hash)
{
    char hex[2 * MR_HASH_BYTES + 1];
    mr_hex_format(hex, hash, MR_HASH_BYTES);
    fputs("<br>", p->f);
    page_text(p->f, name);
    page_text(p->f, _(": "));
    fprintf(p->f, "<span class=\"hash\">%s</span>", hex);
}

/* Up to when nothing changes any more (STA-7); a file says nothing of it. */
static void put_final(const struct page *p)
{
    char day[PAGE_TEXT_MAX / 4], text[256];
    const uint32_t final = mr_stats_final_day(&p->m->table.point);
    if (p->m->file != NULL || final == 0)
        return;
    page_day(day, final);
    if (final < p->m->periods[p->m->periods_count].from_day)
        snprintf(
            text, sizeof text, "%s",
            _("All figures may still change a little: orders of these days can still settle."));
    else
        snprintf(text, sizeof text,
                 _("Figures up to %s are final; later ones may still change a little: orders of "
                   "those days can still settle."),
                 day);
    fputs("<br>", p->f);
    page_text(p->f, text);
}

static void put_foot(const struct page *p)
{
    const struct mr_stats_point *const at = &p->m->table.point;
    char plain[32], count[PAGE_TEXT_MAX], text[256];
    snprintf(plain, sizeof plain, "%llu", (unsigned long long)at->settled);
    page_grouped(count, plain);
    fputs("</div>\n</main>\n<footer>\n<p>", p->f);
    snprintf(text, sizeof text,
             p->m->file != NULL
                 ? ngettext("Computed from %s row", "Computed from %s rows", at->settled)
                 : ngettext("Computed from the ledger as it stood after %s settled order",
                            "Computed from the ledger as it stood after %s settled orders",
                            at->settled),
             count);
    page_text(p->f, text);
    if (p->m->file != NULL && measure_file_left(p->m->file) > 0) {
        const unsigned long long left = measure_file_left(p->m->file);
        snprintf(text, sizeof text,
                 ngettext("; %llu row of the file could not be used and is not in it",
                          "; %llu rows of the file could not be used and are not in it", left),
                 left);
        page_text(p->f, text);
    }
    put_final(p);
    if (p->m->file == NULL)
        put_hash(p, _("ledger"), at->ledger);
    if (at->has_state)
        put_hash(p, p->m->file != NULL ? _("SHA-256 of the file") : _("state"), at->state);
    fputs("</p>\n<p>", p->f);
    page_text(p->f,
              _("Whoever has the same ledger gets the same figures: mereau-audit stats. All "
                "definitions with their sources: mereau-audit indicators. The ledger proves that "
                "books and units agree; that the euros are there, the bank's statements prove."));
    fputs("</p>\n<p>", p->f);
    page_text(p->f, _("Charts: D3, copyright Michael Bostock, BSD licence."));
    fputs("</p>\n</footer>\n<!--\n", p->f);
    put_bytes(p->f, page_licence, page_licence_len);
    fputs("-->\n<script>", p->f);
    put_bytes(p->f, page_d3, page_d3_len);
    fputs("</script>\n<script>", p->f);
    put_bytes(p->f, page_charts_js, page_charts_js_len);
    fputs("</script>\n</body>\n</html>\n", p->f);
}

/* --- the whole -------------------------------------------------------------------------------- */

static void choose_period(struct page *p)
{
    p->now = (uint32_t)p->m->periods_count - 1;
    if (p->now > 0 && page_is_cut(p, p->now) && !page_is_cut(p, p->now - 1))
        p->now--;
    p->before = p->now > 0 && !page_is_cut(p, p->now) && !page_is_cut(p, p->now - 1)
                    ? p->now - 1
                    : MR_STATS_NONE;
}

enum mr_status page_write(FILE *f, const struct measure *m, const struct published *shown)
{
    struct page p = {.f = f, .m = m, .shown = shown};
    choose_period(&p);
    put_head(&p);
    put_period(&p);
    put_headlines(&p);
    fputs("<div class=\"charts\" id=\"charts\">\n", f);
    page_charts(&p);
    put_foot(&p);
    return ferror(f) != 0 ? MR_NO_MEMORY : MR_OK;
}
