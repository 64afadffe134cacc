/* One chart of the page: a sentence, a place for the drawing, definitions, and the table that it is
 * drawn from. */
#include <string.h>

#include "audit/page.h"

void page_chart_begin(const struct page *p, const struct page_chart *c, const char *sentence)
{
    fprintf(p->f, "<figure class=\"chart\" aria-labelledby=\"%s\">\n<h2 id=\"%s\">", c->id, c->id);
    page_text(p->f, c->title);
    fprintf(p->f, "</h2>\n<p class=\"say\" id=\"%s-say\">", c->id);
    page_text(p->f, sentence);
    fprintf(p->f,
            "</p>\n<div class=\"plot\" role=\"img\" data-kind=\"%s\" data-limits=\"%s\" "
            "data-most=\"%d\" "
            "aria-labelledby=\"%s %s-say\" data-unit=\"",
            c->kind, c->limits, PAGE_DRAWN_MAX, c->id, c->id);
    page_text(p->f, c->unit);
    fputs("\" data-along=\"", p->f);
    page_text(p->f, c->along);
    fputs("\" data-none=\"", p->f);
    page_text(p->f, _("Nothing to draw: kept back, or nothing there."));
    fputs("\" data-gaps=\"", p->f);
    page_text(p->f, strcmp(c->kind, "matrix") == 0 ? _("hatched: kept back")
                                                   : _("where nothing is drawn: kept back"));
    fputs("\"></div>\n<output class=\"read\" aria-live=\"polite\"></output>\n", p->f);
}

void page_chart_note(const struct page *p, const char *text)
{
    fputs("<p class=\"note\">", p->f);
    page_text(p->f, text);
    fputs("</p>\n", p->f);
}

/* Words of the registry, where `own` is a name. */
static void definition_text(const struct page *p, const char *text)
{
    char part[512];
    for (bool code = false; *text != '\0'; code = !code) {
        const size_t n = strcspn(text, "`");
        snprintf(part, sizeof part, "%.*s", (int)(n < sizeof part ? n : sizeof part - 1), text);
        fputs(code ? "<code>" : "", p->f);
        page_text(p->f, part);
        fputs(code ? "</code>" : "", p->f);
        text += n + (text[n] == '`');
    }
}

void page_chart_definitions(const struct page *p, const enum mr_stats_id *ids, size_t count)
{
    fputs("<details class=\"definitions\"><summary>", p->f);
    page_text(p->f, _("How this is computed"));
    fputs("</summary>\n", p->f);
    for (size_t i = 0; i < count; i++) {
        const struct mr_stats_indicator *const k = mr_stats_indicator(ids[i]);
        fputs("<p class=\"definition\"><strong>", p->f);
        page_text(p->f, _(k->title));
        fputs("</strong>", p->f);
        page_text(p->f, _(": "));
        definition_text(p, _(k->definition));
        fputs("</p>\n", p->f);
    }
    fputs("</details>\n", p->f);
}

void page_table_begin(const struct page *p, const char *caption, const char *first)
{
    fputs("<details><summary>", p->f);
    page_text(p->f, _("The figures as a table"));
    fputs("</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", p->f);
    page_text(p->f, caption);
    fputs("\">\n<table><caption>", p->f);
    page_text(p->f, caption);
    fputs("</caption>\n<thead><tr><th scope=\"col\">", p->f);
    page_text(p->f, first);
    fputs("</th>", p->f);
}

void page_table_head(const struct page *p, const char *text, const char *unit, bool aside)
{
    fprintf(p->f, "<th scope=\"col\" dir=\"auto\"%s data-unit=\"",
            aside ? " data-aside=\"1\"" : "");
    page_text(p->f, unit);
    fputs("\">", p->f);
    page_text(p->f, text);
    fputs("</th>", p->f);
}

void page_table_rows(const struct page *p)
{
    fputs("</tr></thead>\n<tbody>\n", p->f);
}

static void attribute(const struct page *p, const char *name, const char *value)
{
    if (value == NULL)
        return;
    fprintf(p->f, " %s=\"", name);
    page_text(p->f, value);
    putc('"', p->f);
}

void page_row_begin(const struct page *p, const char *name, const char *brief, const char *at)
{
    fputs("<tr><th scope=\"row\" dir=\"auto\"", p->f);
    attribute(p, "data-at", at);
    attribute(p, "data-short", brief);
    putc('>', p->f);
    page_text(p->f, name);
    fputs("</th>", p->f);
}

void page_cell(const struct page *p, enum page_look look, struct page_figure x)
{
    char value[PAGE_TEXT_MAX];
    if (x.blank) {
        fputs("<td data-kept=\"1\">", p->f);
        page_text(p->f, _("kept back"));
    } else if (x.den == 0) {
        fputs("<td>\xe2\x80\x93", p->f);
    } else {
        page_plain(value, p, look, x.num, x.den);
        fprintf(p->f, "<td data-v=\"%s\">", value);
        page_exact(value, p, look, x.num, x.den);
        page_text(p->f, value);
    }
    fputs("</td>", p->f);
}

void page_row_end(const struct page *p)
{
    fputs("</tr>\n", p->f);
}

void page_chart_end(const struct page *p)
{
    fputs("</tbody></table></div></details>\n</figure>\n", p->f);
}
