/* Papers: whatever is put in stays text; CSV that spreadsheets do not take for formulas; days. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/day.h"
#include "common/i18n.h"
#include "common/paper.h"
#include "lib/scratch.h"
#include "mereau/limits.h"

static struct paper p;

static void setup(void)
{
    paper_begin(&p);
}

static void teardown(void)
{
    paper_done(&p);
}

static const char *text(void)
{
    static char copy[1 << 16];
    ck_assert_uint_lt(p.len, sizeof copy);
    memcpy(copy, p.text, p.len);
    copy[p.len] = '\0';
    return copy;
}

static const char evil[] = "</td><script>alert('x')</script>&amp;\"";

START_TEST(test_nothing_is_markup)
{
    const struct paper_column columns[] = {{evil, PAPER_PLAIN}, {evil, PAPER_AMOUNT}};
    const struct paper_fact facts[] = {{evil, evil, PAPER_PLAIN}};
    const char *const cells[] = {evil, evil};
    paper_head(&p, "fr", evil, evil);
    paper_section(&p, evil, true);
    paper_facts(&p, facts, 1);
    paper_table(&p, evil, columns, 2);
    paper_row(&p, cells);
    paper_totals(&p, cells);
    paper_table_end(&p);
    paper_note(&p, evil);
    paper_code(&p, evil, evil);
    paper_signatures(&p, cells, 2);
    paper_end(&p);
    const char *const html = text();
    ck_assert_ptr_null(strstr(html, "<script"));
    ck_assert_ptr_null(strstr(html, "'x'"));
    ck_assert_ptr_null(strstr(html, "&amp;\""));
    ck_assert_ptr_nonnull(strstr(html, "&lt;/td&gt;&lt;script&gt;alert(&#39;x&#39;)"));
    ck_assert_ptr_nonnull(strstr(html, "&amp;amp;&quot;"));
    ck_assert_ptr_nonnull(strstr(html, "<html lang=\"fr\">"));
    ck_assert_ptr_nonnull(strstr(html, "default-src 'none'"));
    ck_assert_ptr_nonnull(strstr(html, "size:A4"));
    ck_assert_ptr_null(strstr(html, "src="));
    ck_assert_ptr_null(strstr(html, "href="));
    ck_assert_ptr_null(strstr(html, "url("));
}
END_TEST

static void check_fact(enum paper_look look, const char *value, const char *wanted)
{
    char cell[256];
    struct paper one;
    const struct paper_fact fact = {"name", value, look};
    snprintf(cell, sizeof cell, "<td>%s</td>", wanted);
    paper_begin(&one);
    paper_facts(&one, &fact, 1);
    ck_assert_ptr_nonnull(memmem(one.text, one.len, cell, strlen(cell)));
    paper_done(&one);
}

START_TEST(test_amounts_and_days)
{
    check_fact(PAPER_AMOUNT, "1234567.80 GAL (3)", "1,234,567.80\u00a0GAL (3)");
    check_fact(PAPER_AMOUNT, "-", "-");
    check_fact(PAPER_AMOUNT, "", "");
    check_fact(PAPER_AMOUNT, "1<b>", "1&lt;b&gt;");
    check_fact(PAPER_TIME, "2026-11-28 12:29", "2026-11-28 12:29");
    i18n_start("fr");
    check_fact(PAPER_AMOUNT, "-2074,56 EUR", "\u22122\u202f074,56\u00a0EUR");
    check_fact(PAPER_AMOUNT, "840,00", "840,00");
    check_fact(PAPER_TIME, "2026-11-01 à 2026-11-28", "01/11/2026 à 28/11/2026");
    check_fact(PAPER_TIME, "2026-11-28 12:29, par <b>", "28/11/2026 12:29, par &lt;b&gt;");
    check_fact(PAPER_TIME, "2026-11-2", "2026-11-2");
    check_fact(PAPER_PLAIN, "2026-11-28 1234,00", "2026-11-28 1234,00"); /* an order's number */
    i18n_start("en");
}
END_TEST

START_TEST(test_table_without_totals)
{
    const struct paper_column columns[] = {{"a", PAPER_TIME}, {"b", PAPER_DIGITS}};
    paper_table(&p, "none", columns, 2);
    paper_table_end(&p);
    const char *const html = text();
    ck_assert_ptr_nonnull(strstr(html, "<tbody>\n</tbody>\n</table>"));
    ck_assert_ptr_null(strstr(html, "<tfoot>"));
}
END_TEST

static const struct {
    const char *cell, *text;
} cells[] = {
    {"plain", "plain"},
    {"", ""},
    {"a,b", "\"a,b\""},
    {"a;b", "\"a;b\""},
    {"say \"x\"", "\"say \"\"x\"\"\""},
    {"=1+1", "\"'=1+1\""},
    {"+33 6", "\"'+33 6\""},
    {"-12.50", "-12.50"},
    {"-x", "\"'-x\""},
    {"@cmd", "\"'@cmd\""},
    {"-", "-"},
    {"'=1", "\"''=1\""},
    {"two\nlines", "\"two\nlines\""},
};

START_TEST(test_csv)
{
    char wanted[256];
    paper_csv(&p, (const char *[]){cells[_i].cell, "1"}, 2);
    snprintf(wanted, sizeof wanted, "%s,1\r\n", cells[_i].text);
    ck_assert_str_eq(text(), wanted);
}
END_TEST

START_TEST(test_save)
{
    char dir[SCRATCH_PATH_MAX], path[SCRATCH_PATH_MAX + 8];
    struct out out;
    scratch_make(dir);
    snprintf(path, sizeof path, "%s/x", dir);
    paper_note(&p, "one");
    out_begin(&out, "test", true, true);
    ck_assert_int_eq(paper_save(&p, &out, path, false), MR_OK);
    ck_assert_int_eq(paper_save(&p, &out, path, true), MR_OK);
    out.notes = fopen("/dev/null", "w");
    ck_assert_int_eq(paper_save(&p, &out, path, false), MR_FILE_EXISTS);
    fclose(out.notes);
    out.notes = stderr;
    out.results = fopen("/dev/null", "w");
    out_end(&out);
    scratch_remove(dir);
}
END_TEST

static const struct {
    const char *text;
    uint32_t year, month, day; /* year 0: refused */
} days[] = {
    {"2025-01-31", 2025, 1, 31},  {"2024-02-29", 2024, 2, 29},
    {"9999-12-31", 9999, 12, 31}, {"1970-01-01", 1970, 1, 1},
    {"2025-02-29", 0, 0, 0},      {"2025-04-31", 0, 0, 0},
    {"2025-00-10", 0, 0, 0},      {"2025-13-10", 0, 0, 0},
    {"2025-01-00", 0, 0, 0},      {"1969-12-31", 0, 0, 0},
    {"2025-1-31", 0, 0, 0},       {"2025-01-311", 0, 0, 0},
    {"2025/01/31", 0, 0, 0},      {" 2025-01-31", 0, 0, 0},
    {"2025-01-3x", 0, 0, 0},      {"", 0, 0, 0},
    {"+025-01-31", 0, 0, 0},
};

START_TEST(test_day)
{
    uint32_t day = 7;
    char back[DAY_TEXT_MAX];
    const enum mr_status st = day_parse(&day, days[_i].text);
    if (days[_i].year == 0) {
        ck_assert_int_eq(st, MR_BAD_TEXT);
        ck_assert_uint_eq(day, 7);
        return;
    }
    const struct mr_civil civil = {days[_i].year, days[_i].month, days[_i].day};
    ck_assert_int_eq(st, MR_OK);
    ck_assert_uint_eq(day, mr_day_from_civil(civil));
    day_text(back, day * MR_DAY_MS);
    ck_assert_str_eq(back, days[_i].text);
    day_text(back, (day + UINT64_C(1)) * MR_DAY_MS - 1);
    ck_assert_str_eq(back, days[_i].text);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("paper");
    TCase *const c = tcase_create("paper");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_nothing_is_markup);
    tcase_add_test(c, test_amounts_and_days);
    tcase_add_test(c, test_table_without_totals);
    tcase_add_loop_test(c, test_csv, 0, sizeof cells / sizeof cells[0]);
    tcase_add_test(c, test_save);
    tcase_add_loop_test(c, test_day, 0, sizeof days / sizeof days[0]);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
