#include "common/paper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/csv.h"
#include "common/file.h"
#include "common/i18n.h"
#include "common/save.h"
#include "mereau/assert.h"

enum { GROW_BYTES = 16384 };

/* Sober, black on white; tables repeat their headings on each sheet, rows are never cut in two. */
static const char style[] =
    "@page{size:A4;margin:16mm 14mm 18mm;"
    "@bottom-right{content:counter(page) \" / \" counter(pages);font:8pt sans-serif}}\n"
    "*{box-sizing:border-box}\n"
    "body{font:10pt/1.4 \"DejaVu Sans\",\"Liberation Sans\",Arial,sans-serif;color:#111;"
    "background:#fff;max-width:182mm;margin:0 auto;padding:6mm 3mm}\n"
    "header{border-bottom:2pt solid #111;margin-bottom:5mm;padding-bottom:3mm}\n"
    "h1{font-size:15pt;line-height:1.2;margin:1mm 0 0}\n"
    "h2{font-size:11.5pt;margin:6mm 0 2mm;break-after:avoid}\n"
    "h3{font-size:9pt;margin:4mm 0 1mm;break-after:avoid}\n"
    ".issuer{font-size:10pt;margin:0}\n"
    ".scroll{overflow-x:auto;margin:0 0 5mm}\n"
    "table{border-collapse:collapse;width:100%;font-size:8pt;line-height:1.3}\n"
    "caption{text-align:left;font-weight:bold;font-size:9.5pt;padding:0 0 1.5mm}\n"
    "thead{display:table-header-group}\n"
    "tfoot{display:table-row-group}\n"
    "tr{break-inside:avoid}\n"
    "th,td{border:.5pt solid #777;padding:1mm 1.5mm;text-align:left;vertical-align:top;"
    "overflow-wrap:break-word}\n"
    "thead th{background:#eee}\n"
    "td.d,.facts td{overflow-wrap:anywhere}\n"
    "td.t{white-space:nowrap}\n"
    "tfoot td,tfoot th{font-weight:bold;border-top:1.2pt solid #111}\n"
    ".n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}\n"
    ".facts{font-size:9pt;margin:0 0 3mm}\n"
    ".facts th{width:34%;font-weight:normal;background:#f6f6f6}\n"
    ".code{font:7.5pt/1.35 \"DejaVu Sans Mono\",\"Liberation Mono\",monospace;"
    "overflow-wrap:anywhere;margin:0}\n"
    ".note{font-size:8.5pt;margin:2mm 0}\n"
    ".sign{display:flex;gap:6mm;margin-top:8mm;break-inside:avoid}\n"
    ".sign div{flex:1;border-top:.7pt solid #111;padding-top:1mm;min-height:24mm;font-size:8.5pt}\n"
    "@media screen{.scroll table{min-width:170mm}}\n"
    ".page{break-before:page;font-size:14pt}\n"
    "@media print{body{max-width:none;padding:0 1px}.scroll{overflow:visible}"
    "thead th,.facts th{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";

void paper_begin(struct paper *p)
{
    *p = (struct paper){.text = NULL};
}

void paper_done(struct paper *p)
{
    free(p->text);
    *p = (struct paper){.text = NULL};
}

static void put_bytes(struct paper *p, const char *bytes, size_t n)
{
    if (p->short_of_memory || n == 0)
        return;
    if (n > p->cap - p->len) {
        const size_t cap = p->len + n + GROW_BYTES + p->cap / 2;
        char *const grown = realloc(p->text, cap);
        if (grown == NULL) {
            p->short_of_memory = true;
            return;
        }
        p->text = grown;
        p->cap = cap;
    }
    memcpy(p->text + p->len, bytes, n);
    p->len += n;
}

static void put(struct paper *p, const char *markup)
{
    put_bytes(p, markup, strlen(markup));
}

/* Text of anybody: nothing of it is ever markup, in an element or in a quoted attribute. */
static void put_text(struct paper *p, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        const char *const entity = *at == '&'    ? "&amp;"
                                   : *at == '<'  ? "&lt;"
                                   : *at == '>'  ? "&gt;"
                                   : *at == '"'  ? "&quot;"
                                   : *at == '\'' ? "&#39;"
                                                 : NULL;
        if (entity != NULL)
            put(p, entity);
        else
            put_bytes(p, at, 1);
    }
}

/* --- as people write it ----------------------------------------------------------------------- */

#define BLANK  "\xc2\xa0"     /* that does not break */
#define NARROW "\xe2\x80\xaf" /* the same between thousands */

static bool is_french(void)
{
    return i18n_decimal_separator() == ',';
}

/* "-12345,60 GAL (3)": the number that it begins with, its thousands apart; its unit stays with
 * it. */
static void put_amount(struct paper *p, const char *text)
{
    const size_t sign = *text == '-', whole = strspn(text + sign, "0123456789");
    if (whole > 0) {
        put(p, sign > 0 ? "\xe2\x88\x92" : ""); /* a minus sign */
        text += sign;
        for (size_t left = whole; left > 0; left--) {
            put_bytes(p, text++, 1);
            put(p, left % 3 != 1 || left == 1 ? "" : is_french() ? NARROW : ",");
        }
        const size_t decimals = strspn(text, ",.0123456789");
        put_bytes(p, text, decimals);
        text += decimals;
        put(p, *text == ' ' ? BLANK : "");
        text += *text == ' ';
    }
    put_text(p, text);
}

static bool is_day(const char *text)
{
    static const char form[] = "0000-00-00";
    for (size_t i = 0; form[i] != '\0'; i++) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == '0' ? !digit : text[i] != '-')
            return false;
    }
    return true;
}

/* Days in the order in which a French reader has them. */
static void put_time(struct paper *p, const char *text)
{
    char day[16];
    while (*text != '\0') {
        if (is_french() && is_day(text)) {
            snprintf(day, sizeof day, "%.2s/%.2s/%.4s", text + 8, text + 5, text);
            put(p, day);
            text += 10;
        } else {
            const char one[2] = {*text++, '\0'};
            put_text(p, one);
        }
    }
}

static void put_value(struct paper *p, enum paper_look look, const char *text)
{
    if (look == PAPER_AMOUNT)
        put_amount(p, text);
    else if (look == PAPER_TIME)
        put_time(p, text);
    else
        put_text(p, text);
}

/* <tag class>text</tag> */
static void put_element(struct paper *p, const char *open, const char *text, const char *close)
{
    put(p, open);
    put_text(p, text);
    put(p, close);
}

enum mr_status paper_save(const struct paper *p, struct out *out, const char *path, bool force)
{
    if (p->short_of_memory)
        return out_fail(out, MR_NO_MEMORY, NULL);
    mr_assert(p->len > 0);
    const enum mr_status st = file_write(path, p->text, p->len, 0644, force);
    return st == MR_OK ? st : save_failed(out, st, path);
}

static enum mr_status write_file(const struct command *c, struct out *out, const char *path,
                                 paper_fill fill, const void *ctx)
{
    struct paper p;
    if (path == NULL)
        return MR_OK;
    paper_begin(&p);
    fill(&p, ctx);
    const enum mr_status st = paper_save(&p, out, path, opt_flag(c, "force"));
    paper_done(&p);
    return st;
}

enum mr_status paper_files(const struct command *c, struct out *out, paper_fill html,
                           paper_fill csv, const void *ctx)
{
    const char *const html_path = opt_text(c, "html"), *const csv_path = opt_text(c, "csv");
    enum mr_status st = write_file(c, out, html_path, html, ctx);
    if (st == MR_OK)
        st = write_file(c, out, csv_path, csv, ctx);
    if (st == MR_OK && html_path != NULL)
        out_text(out, "html", html_path);
    if (st == MR_OK && csv_path != NULL)
        out_text(out, "csv", csv_path);
    return st;
}

/* --- HTML --------------------------------------------------------------------------------------
 */

void paper_head(struct paper *p, const char *lang, const char *title, const char *issuer)
{
    put_element(p, "<!DOCTYPE html>\n<html lang=\"", lang,
                "\">\n<head>\n<meta charset=\"utf-8\">\n");
    put(p, "<meta http-equiv=\"Content-Security-Policy\" "
           "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
           "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    put_element(p, "<title>", title, "</title>\n<style>\n");
    put(p, style);
    put_element(p, "</style>\n</head>\n<body>\n<header>\n<p class=\"issuer\">", issuer, "</p>\n");
    put_element(p, "<h1>", title, "</h1>\n</header>\n<main>\n");
}

void paper_end(struct paper *p)
{
    put(p, "</main>\n</body>\n</html>\n");
}

void paper_section(struct paper *p, const char *title, bool new_page)
{
    put_element(p, new_page ? "<h2 class=\"page\">" : "<h2>", title, "</h2>\n");
}

void paper_facts(struct paper *p, const struct paper_fact *facts, size_t count)
{
    put(p, "<table class=\"facts\"><tbody>\n");
    for (size_t i = 0; i < count; i++) {
        put_element(p, "<tr><th scope=\"row\">", facts[i].name, "</th>");
        put(p, "<td>");
        put_value(p, facts[i].look, facts[i].value);
        put(p, "</td></tr>\n");
    }
    put(p, "</tbody></table>\n");
}

void paper_table(struct paper *p, const char *caption, const struct paper_column *columns,
                 size_t count)
{
    mr_assert(count <= PAPER_COLUMNS_MAX);
    p->columns = count;
    p->in_body = true;
    put_element(p, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", caption,
                "\"><table>\n");
    put_element(p, "<caption>", caption, "</caption>\n<thead><tr>");
    for (size_t i = 0; i < count; i++) {
        p->looks[i] = columns[i].look;
        put_element(p,
                    columns[i].look == PAPER_AMOUNT ? "<th scope=\"col\" class=\"n\">"
                                                    : "<th scope=\"col\">",
                    columns[i].heading, "</th>");
    }
    put(p, "</tr></thead>\n<tbody>\n");
}

static void put_cells(struct paper *p, const char *const *cells)
{
    static const char *const opens[] = {[PAPER_PLAIN] = "<td>",
                                        [PAPER_AMOUNT] = "<td class=\"n\">",
                                        [PAPER_TIME] = "<td class=\"t\">",
                                        [PAPER_DIGITS] = "<td class=\"d\">"};
    put(p, "<tr>");
    for (size_t i = 0; i < p->columns; i++) {
        put(p, opens[p->looks[i]]);
        put_value(p, p->looks[i], cells[i]);
        put(p, "</td>");
    }
    put(p, "</tr>\n");
}

void paper_row(struct paper *p, const char *const *cells)
{
    mr_assert(p->in_body);
    put_cells(p, cells);
}

void paper_totals(struct paper *p, const char *const *cells)
{
    mr_assert(p->in_body);
    p->in_body = false;
    put(p, "</tbody>\n<tfoot>\n");
    put_cells(p, cells);
    put(p, "</tfoot>\n");
}

void paper_table_end(struct paper *p)
{
    put(p, p->in_body ? "</tbody>\n</table></div>\n" : "</table></div>\n");
    p->in_body = false;
}

void paper_note(struct paper *p, const char *text)
{
    put_element(p, "<p class=\"note\">", text, "</p>\n");
}

void paper_code(struct paper *p, const char *title, const char *text)
{
    put_element(p, "<h3>", title, "</h3>\n");
    put_element(p, "<p class=\"code\">", text, "</p>\n");
}

void paper_signatures(struct paper *p, const char *const *who, size_t count)
{
    put(p, "<div class=\"sign\">");
    for (size_t i = 0; i < count; i++)
        put_element(p, "<div>", who[i], "</div>");
    put(p, "</div>\n");
}

/* --- CSV ---------------------------------------------------------------------------------------
 */

static bool is_number(const char *text)
{
    text += *text == '-';
    return *text != '\0' && text[strspn(text, "0123456789.")] == '\0';
}

void paper_csv(struct paper *p, const char *const *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *const text = cells[i];
        const bool formula = csv_is_formula(text) && !is_number(text);
        const bool quoted = strpbrk(text, "\",\n\r;") != NULL || formula;
        put(p, i > 0 ? "," : "");
        put(p, quoted ? "\"" : "");
        put(p, formula ? "'" : "");
        for (const char *at = text; *at != '\0'; at++)
            put_bytes(p, *at == '"' ? "\"\"" : at, *at == '"' ? 2 : 1);
        put(p, quoted ? "\"" : "");
    }
    put(p, "\r\n");
}
