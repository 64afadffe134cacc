/* Payments files of others through the program: what cannot be used is named with its line and
 * counted, in what is printed, in the page and in the publication. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/program.h"
#include "common/file.h"

static const char head[] = "time,kind,payer,payee,amount\n";

static void setup(void)
{
    scratch_make(program_dir);
    ck_assert_int_eq(file_write(scratch_path(program_dir, "pass"), "secret\n", 7, 0600, true),
                     MR_OK);
}

static void teardown(void)
{
    scratch_remove(program_dir);
}

static void put(const char *name, const char *rows)
{
    char text[4096];
    snprintf(text, sizeof text, "%s%s", head, rows);
    ck_assert_int_eq(file_write(scratch_path(program_dir, name), text, strlen(text), 0600, true),
                     MR_OK);
}

static const char broken[] = "2025-01-01,issue,,a,100\n"
                             "2025-01-02,pay,a,b,ten\n"
                             "2025-01-02,pay,a,b,-3\n"
                             "yesterday,pay,a,b,3\n"
                             "2025-01-02,pay,a,\xe9,3\n"
                             "2025-01-02\n"
                             "2025-01-03,pay,a,b,10\n";

START_TEST(broken_rows_are_named_and_counted)
{
    put("broken.csv", broken);
    json_t *const o = program_json("stats --from-csv broken.csv --json", 0);
    ck_assert_int_eq(json_number(o, "rows"), 7);
    ck_assert_int_eq(json_number(o, "rows_used"), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(o, "left_out")), 5);
    json_decref(o);
    ck_assert_int_eq(program_run("stats --from-csv broken.csv"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "of 2 rows of a file, SHA-256"));
    program_said("left out: 1 row, the amount is no number (line 3)");
    program_said("left out: 1 row, the amount is below zero (line 4)");
    program_said("left out: 1 row, the time cannot be read (line 5)");
    program_said(
        "left out: 1 row, an account or the unit is not named in UTF-8, or with signs that cannot "
        "be shown "
        "(line 6)");
    program_said("left out: 1 row, the line has not the columns of the head (line 7)");
    program_said("5 rows of 7 were left out");
    ck_assert_int_eq(program_run("stats --from-csv broken.csv --lang fr"), 0);
    program_said("le montant est négatif (ligne 4)");
}
END_TEST

/* More lines than a sentence holds: it says that there are more. */
START_TEST(many_broken_rows)
{
    char rows[4096] = "2025-01-01,issue,,a,100\n";
    for (int i = 0; i < 150; i++)
        strcat(rows, "x,pay,a,b,1\n");
    put("broken.csv", rows);
    ck_assert_int_eq(program_run("stats --from-csv broken.csv"), 0);
    program_said("left out: 150 rows");
    program_said(" ...)");
}
END_TEST

/* Who reads the page or the publication alone learns it, too. */
START_TEST(what_is_left_out_is_published)
{
    put("broken.csv", broken);
    ck_assert_int_eq(program_run("report --from-csv broken.csv --html page.html"), 0);
    ck_assert_int_eq(
        program_shell("grep -q '5 rows of the file could not be used and are not in it' page.html"),
        0);
    ck_assert_int_eq(program_run("keygen key --passphrase-file pass"), 0);
    ck_assert_int_eq(
        program_run("publish open --from-csv broken.csv --sign key --passphrase-file pass"), 0);
    ck_assert_int_eq(program_shell("grep -q '\"rows_left_out\": 5' open/statement.json"), 0);
    ck_assert_int_eq(program_run("publish --check open"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "from a payments file: 2 rows, 5 left out"));
}
END_TEST

static const struct {
    const char *file, *words;
} refused[] = {
    {"", "the first line must name the columns"},
    {"time,kind,payer,payee\n", "the first line must name the columns"},
    {"kind,payer,payee,amount\nissue,,a,1\n", "the first line must name the columns time"},
    {"time\n2025-01-01\n", "the first line must name the columns"},
    {"time,kind,payer,payee,amount,Amount\n", "the first line names the column \"Amount\" twice"},
    {"time,kind,payer,payee,amount\n", "no row stands behind the first line"},
    {"time,kind,payer,payee,amount\nx,issue,,a,1\n", "no row can be used"},
    {"time,kind,payer,payee,amount\n1971-01-01,issue,,a,1\n9999-12-31,pay,a,b,1\n",
     "from 1971-01-01 to 9999-12-31 there are more than 40000 periods"},
};

START_TEST(files_that_cannot_be_measured)
{
    ck_assert_int_eq(file_write(scratch_path(program_dir, "f.csv"), refused[_i].file,
                                strlen(refused[_i].file), 0600, true),
                     MR_OK);
    ck_assert_int_eq(program_run("stats --from-csv f.csv"), 2);
    program_said(refused[_i].words);
}
END_TEST

START_TEST(a_file_that_is_no_text)
{
    ck_assert_int_eq(program_shell("printf 'time,kind,payer,payee,amount\\nx\\0' >f.csv"), 0);
    ck_assert_int_eq(program_run("stats --from-csv f.csv"), 2);
    program_said("line 2: this is no text in UTF-8");
}
END_TEST

/* Sums beyond what one amount may be are printed; those that cannot be measured are refused. */
START_TEST(huge_amounts)
{
    enum { TOO_MANY = 520 };
    static const char row[] = "2025-01-01,issue,,a,45035996273704.96\n";
    put("huge.csv", "2025-01-01,issue,,a,45035996273704.96\n"
                    "2025-01-01,issue,,a,45035996273704.96\n"
                    "2025-01-02,pay,a,b,45035996273704.96\n");
    ck_assert_int_eq(program_run("stats --from-csv huge.csv --list blocked"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "90071992547409.92"));
    char *const many = calloc(TOO_MANY + 1, sizeof row);
    ck_assert_ptr_nonnull(many);
    strcpy(many, head);
    for (int i = 0; i < TOO_MANY; i++)
        strcat(many, row);
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "more.csv"), many, strlen(many), 0600, true), MR_OK);
    free(many);
    ck_assert_int_eq(program_run("stats --from-csv more.csv"), 2);
    program_said("more than can be measured");
}
END_TEST

static const struct {
    const char *list, *words;
} lists[] = {
    {"account,class\na,resident\nb,shop\na,shop\n", "line 4: its account stood in a line before"},
    {"account,class\nz,shop\na,resident\nz,shop\n", "line 4: its account stood in a line before"},
    {"account,class\na,citizen\n", "line 2: the class is none of resident"},
    {"account,class\na\n", "line 2: it has not the columns of the first line"},
    {"account;class;town\na;resident;\nb;shop;Ch\xe2lons\n", "line 3: it is not in UTF-8"},
    {"account,trade\n", "the first line must name the columns account and class"},
};

START_TEST(lists_of_accounts_that_are_wrong)
{
    put("f.csv", "2025-01-01,issue,,a,5\n2025-01-02,pay,a,b,1\n");
    ck_assert_int_eq(file_write(scratch_path(program_dir, "list.csv"), lists[_i].list,
                                strlen(lists[_i].list), 0600, true),
                     MR_OK);
    ck_assert_int_eq(program_run("stats --from-csv f.csv --accounts list.csv"), 2);
    program_said(lists[_i].words);
}
END_TEST

/* A list that is empty says so, and why where it can. */
START_TEST(lists_of_nobody)
{
    put("f.csv", "2025-01-01,issue,,a,5\n2025-01-02,pay,a,b,1\n");
    ck_assert_int_eq(program_run("stats --from-csv f.csv --list shops"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "No account is known as a shop: --accounts"));
    ck_assert_int_eq(program_shell("printf 'account,class\na,resident\n' >l.csv"), 0);
    ck_assert_int_eq(program_run("stats --from-csv f.csv --accounts l.csv --list shops"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "\nNone.\n"));
}
END_TEST

/* Names longer than there is room for are cut between characters. */
START_TEST(long_names)
{
    put("f.csv", "2025-01-01,issue,,a,5\n2025-01-02,pay,a,b,1\n2025-01-03,pay,b,c,1\n");
    ck_assert_int_eq(
        program_shell("{ printf '\\357\\273\\277account;class;trade\\r\\nc;shop;\\r\\nb;shop;x'; "
                      "for i in $(seq 60); do printf 'é'; done; } >l.csv"),
        0);
    json_t *const o =
        program_json("stats --from-csv f.csv --accounts l.csv --only flow_trade --json", 0);
    const json_t *const all = json_object_get(o, "indicators");
    const json_t *const figures = json_object_get(json_array_get(all, 0), "figures");
    bool found = false;
    for (size_t i = 0; i < json_array_size(figures); i++) {
        const json_t *const trade = json_object_get(json_array_get(figures, i), "row");
        ck_assert_ptr_nonnull(trade);
        found = found || (json_is_string(trade) && json_string_length(trade) == 79);
    }
    ck_assert(found);
    json_decref(o);
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("file");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, broken_rows_are_named_and_counted);
    tcase_add_test(tc, many_broken_rows);
    tcase_add_test(tc, what_is_left_out_is_published);
    tcase_add_loop_test(tc, files_that_cannot_be_measured, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tc, a_file_that_is_no_text);
    tcase_add_test(tc, huge_amounts);
    tcase_add_loop_test(tc, lists_of_accounts_that_are_wrong, 0,
                        (int)(sizeof lists / sizeof lists[0]));
    tcase_add_test(tc, lists_of_nobody);
    tcase_add_test(tc, long_names);
    Suite *const s = suite_create("audit file");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
