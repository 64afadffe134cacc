/* Publications of payments files in which few paid for a while, and of files that grew: what
 * readers have together tells of nobody. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/figures_read.h"
#include "audit/program.h"
#include "common/file.h"

static void setup(void)
{
    scratch_make(program_dir);
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "pass"), "correct horse\n", 14, 0600, true), MR_OK);
    ck_assert_int_eq(program_run("keygen k.key --passphrase-file pass"), 0);
}

static void teardown(void)
{
    scratch_remove(program_dir);
}

/* Twenty pay in each week, and in the first one of two weeks four alone; `more`: lines behind. */
static void write_weeks(const char *name, bool four, const char *more)
{
    FILE *const f = fopen(scratch_path(program_dir, name), "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "time,kind,payer,payee,amount\n");
    for (int i = 0; i < 20; i++)
        fprintf(f, "2026-01-05,issue,,a%d,1000\n", i);
    for (int i = 0; i < (four ? 4 : 20); i++)
        fprintf(f, "2026-01-06,pay,a%d,a%d,%d\n", i, four ? (i + 1) % 4 : (i + 3) % 20, 10 + i);
    for (int i = 0; i < 20; i++)
        fprintf(f, "2026-01-13,pay,a%d,a%d,%d\n", i, (i + 3) % 20, 20 + i);
    fputs(more, f);
    ck_assert_int_eq(fclose(f), 0);
}

#define WEEKS " --by week --sign k.key --passphrase-file pass --from-csv "

/* Without classes nothing is known of parts: the week of few must not follow from velocities, mean
 * stocks and sums of twelve months. */
START_TEST(a_week_of_few_without_classes)
{
    write_weeks("few.csv", true, "");
    ck_assert_int_eq(program_run("publish out" WEEKS "few.csv"), 0);
    figures_read("out/figures.csv");
    const bool stock = figures_shown("mean_stock", "period", "2026-01-05");
    const bool last_stock = figures_shown("mean_stock", "period", "2026-01-12");
    ck_assert(!figures_shown("turnover", "period", "2026-01-05"));
    ck_assert(!stock || !figures_shown("velocity_all", "period", "2026-01-05"));
    const bool second = figures_shown("turnover", "period", "2026-01-12") ||
                        (last_stock && figures_shown("velocity_all", "period", "2026-01-12"));
    ck_assert(!second || !figures_shown("law_payments_12m", "period", "2026-01-12"));
    ck_assert(!second || !figures_shown("turnover", "whole", "2026-01-05"));
    ck_assert(second || figures_shown("turnover", "whole", "2026-01-05"));
}
END_TEST

/* A day of one payment more: concentrations tell of it, whatever sums are blank. */
START_TEST(days_of_few_cannot_be_added)
{
    write_weeks("one.csv", false, "");
    write_weeks("two.csv", false, "2026-01-14,pay,a3,a4,7.77\n");
    ck_assert_int_eq(program_run("publish one" WEEKS "one.csv"), 0);
    ck_assert_int_eq(program_run("publish two" WEEKS "two.csv --beside one"), 5);
    program_said("beside what was published before");
    ck_assert(!file_exists(scratch_path(program_dir, "two")));
}
END_TEST

/* The same days with one payment more: the difference of two totals is that payment. */
START_TEST(what_came_later_is_not_told_of)
{
    static const char late[] = "2026-01-13,pay,a3,a4,7.77\n";
    char more[256];
    write_weeks("one.csv", false, "");
    write_weeks("late.csv", false, late);
    ck_assert_int_eq(program_run("publish one" WEEKS "one.csv"), 0);
    ck_assert_int_eq(program_run("publish late" WEEKS "late.csv --beside one"), 5);
    program_said("as it was before these days were over");
    program_said("tell of what came later");
    ck_assert(!file_exists(scratch_path(program_dir, "late")));
    ck_assert_int_eq(program_run("publish one --force" WEEKS "late.csv"), 5);
    ck_assert_int_eq(program_run("publish --check one"), 0);
    figures_read("one/figures.csv");
    ck_assert(figures_shown("turnover", "whole", "2026-01-05"));
    /* whole weeks behind may come */
    int at = 0;
    for (int i = 0; i < 6; i++)
        at += snprintf(more + at, sizeof more - (size_t)at, "2026-01-20,pay,a%d,a%d,9\n", i, i + 6);
    write_weeks("grown.csv", false, more);
    ck_assert_int_eq(program_run("publish first --to 2026-01-18" WEEKS "grown.csv"), 0);
    ck_assert_int_eq(program_run("publish first --force" WEEKS "grown.csv"), 0);
}
END_TEST

/* Who published a week that was not over goes on behind it, and keeps what readers have in view. */
START_TEST(behind_what_was_not_over)
{
    char more[1024];
    int at = snprintf(more, sizeof more, "2026-01-13,pay,a3,a4,7.77\n");
    for (int i = 0; i < 12; i++)
        at += snprintf(more + at, sizeof more - (size_t)at, "2026-01-%d,pay,a%d,a%d,9\n",
                       i < 6 ? 20 : 27, i % 6, i % 6 + 6);
    write_weeks("one.csv", false, "");
    write_weeks("more.csv", false, more);
    ck_assert_int_eq(program_run("publish one" WEEKS "one.csv"), 0);
    ck_assert_int_eq(program_run("publish all" WEEKS "more.csv --beside one"), 5);
    program_said("show days at least a whole period behind 2026-01-13 alone");
    ck_assert_int_eq(program_run("publish on --from 2026-01-19" WEEKS "more.csv --beside one"), 0);
    figures_read("on/figures.csv");
    ck_assert(figures_shown("turnover", "whole", "2026-01-19"));
}
END_TEST

/* A page is beside publications too: what it may show and they did not, and what they may show. */
START_TEST(pages_beside_publications)
{
    char line[512];
    write_weeks("one.csv", false, "");
    write_weeks("two.csv", false, "2026-01-14,pay,a3,a4,7.77\n");
    ck_assert_int_eq(program_run("publish one" WEEKS "one.csv"), 0);
    ck_assert_int_eq(program_run("report --html a.html --by week --from-csv one.csv --beside one"),
                     0);
    ck_assert_int_eq(program_run("report --html b.html --by week --from-csv two.csv"), 0);
    ck_assert_int_eq(program_run("report --html c.html --by week --from-csv two.csv --beside one"),
                     5);
    program_said("beside what was published before");
    ck_assert(!file_exists(scratch_path(program_dir, "c.html")));
    ck_assert_int_eq(program_run("report --html d.html --small-cells --from-csv two.csv "
                                 "--beside one"),
                     2);
    /* one that is served below /data/ counts by itself */
    static const char *const options[] = {"--beside", "--published"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(line, sizeof line,
                 "serve --listen 127.0.0.1:0 --by week --from-csv two.csv %s one", options[i]);
        ck_assert_int_eq(program_run(line), 5);
        program_said("beside what was published before");
    }
}
END_TEST

/* A payments file to be continued: a0 has money. */
static FILE *begin_few(void)
{
    FILE *const f = fopen(scratch_path(program_dir, "few.csv"), "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "time,kind,payer,payee,amount\n2026-01-05,issue,,a0,1000\n");
    return f;
}

static void publish_few(FILE *f)
{
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(program_run("publish out" WEEKS "few.csv"), 0);
    figures_read("out/figures.csv");
}

/* Fourteen are paid, two of them by each other: what these paid each other, and what the four
 * beside the ten largest got, are shares of a turnover that is shown. */
START_TEST(shares_of_few)
{
    FILE *const f = begin_few();
    for (int i = 0; i < 14; i++)
        fprintf(f, "2026-01-06,pay,%s%d,a%d,%d\n", i == 0 ? "a" : "b", i, i + 1, 30 + i);
    fprintf(f, "2026-01-07,pay,a1,a0,12\n");
    publish_few(f);
    ck_assert(figures_shown("turnover", "whole", "2026-01-05"));
    ck_assert(!figures_shown("reciprocity", "whole", "2026-01-05"));
    ck_assert(!figures_shown("circularity_reciprocal", "whole", "2026-01-05"));
    ck_assert(!figures_shown("circularity_gross", "whole", "2026-01-05"));
    ck_assert(figures_shown("circularity", "whole", "2026-01-05")); /* it is nothing */
}
END_TEST

/* What was issued less what is there is what the operator took back, from three. */
START_TEST(what_was_taken_back)
{
    static const char more[] = "2026-01-07,reclaim,a1,,5\n2026-01-07,reclaim,a2,,6\n"
                               "2026-01-07,redeem,a3,,7\n";
    write_weeks("taken.csv", false, more);
    ck_assert_int_eq(program_run("publish out" WEEKS "taken.csv"), 0);
    figures_read("out/figures.csv");
    ck_assert(!figures_shown("converted", "whole", "2026-01-05") ||
              !figures_shown("mass", "whole", "2026-01-05"));
    ck_assert(figures_shown("converted", "whole", "2026-01-05") ||
              figures_shown("mass", "whole", "2026-01-05"));
}
END_TEST

START_TEST(the_rest_beside_ten)
{
    FILE *const f = begin_few();
    for (int i = 0; i < 28; i++)
        fprintf(f, "2026-01-%02d,pay,b%d,a%d,%d\n", i < 11 ? 6 : 13, i, i < 11 ? i : i - 11,
                30 + i);
    publish_few(f);
    ck_assert(figures_shown("turnover", "period", "2026-01-05"));
    ck_assert(!figures_shown("top10_share", "period", "2026-01-05"));
    ck_assert(figures_shown("top10_share", "period", "2026-01-12"));
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("program");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 180);
    tcase_add_test(tc, a_week_of_few_without_classes);
    tcase_add_test(tc, days_of_few_cannot_be_added);
    tcase_add_test(tc, shares_of_few);
    tcase_add_test(tc, what_was_taken_back);
    tcase_add_test(tc, the_rest_beside_ten);
    tcase_add_test(tc, what_came_later_is_not_told_of);
    tcase_add_test(tc, behind_what_was_not_over);
    tcase_add_test(tc, pages_beside_publications);
    Suite *const s = suite_create("audit publish again");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
