/* What commands say: one JSON object, rows, tables by columns, and nothing that drives a terminal.
 */
#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/output.h"
#include "common/term.h"

static struct out out;
static char *results, *notes;
static size_t results_len, notes_len;

static void begin(bool json, bool quiet)
{
    out_begin(&out, "prog", json, quiet);
    out.results = open_memstream(&results, &results_len);
    out.notes = open_memstream(&notes, &notes_len);
}

static void end(int code, const char *wanted_results, const char *wanted_notes)
{
    ck_assert_int_eq(out_end(&out), code);
    fclose(out.results);
    fclose(out.notes);
    ck_assert_str_eq(results, wanted_results);
    ck_assert_str_eq(notes, wanted_notes);
    free(results);
    free(notes);
}

START_TEST(test_people)
{
    begin(false, false);
    out_print(&out, "paid %d\n", 12);
    out_note(&out, "that was %s", "quick");
    out_warn(&out, "old", "english", "this is old");
    out_int(&out, "amount_minor", 12);
    out_text(&out, "name", "x");
    out_row(&out, json_object());
    out_json(&out, "list", json_array());
    end(0, "paid 12\n", "that was quick\nwarning: this is old\n");
    begin(false, true);
    out_print(&out, "paid\n");
    out_note(&out, "quiet");
    out_warn(&out, "old", "english", "this is old");
    out_fail(&out, MR_NO_ANSWER, NULL);
    end(3, "paid\n", "warning: this is old\nprog: no answer came in time\n");
}
END_TEST

/* `mereau backup > sheet.txt 2>&1`: a note never stands inside what was printed before it. */
START_TEST(test_one_file)
{
    char text[64] = "";
    FILE *const file = tmpfile();
    ck_assert_ptr_nonnull(file);
    out_begin(&out, "prog", false, false);
    out.results = fdopen(dup(fileno(file)), "w");
    out.notes = fdopen(dup(fileno(file)), "w");
    setvbuf(out.notes, NULL, _IONBF, 0);
    out_print(&out, "one\n");
    out_note(&out, "two");
    out_print(&out, "three\n");
    out_warn(&out, "four", "english", "four");
    out_print(&out, "five\n");
    out_fail(&out, MR_NO_CHANGE, "six");
    out_end(&out);
    fclose(out.results);
    fclose(out.notes);
    rewind(file);
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, file), 0);
    fclose(file);
    ck_assert_str_eq(text, "one\ntwo\nthree\nwarning: four\nfive\nprog: six\n");
}
END_TEST

START_TEST(test_json)
{
    begin(true, false);
    out_print(&out, "paid\n");
    out_int(&out, "amount_minor", 4503599627370496);
    out_text(&out, "name", "caf\xc3\xa9 \"A\"\n");
    out_text(&out, "nobody", NULL);
    out_text(&out, "broken", "\xff");
    out_bool(&out, "open", true);
    out_int(&out, "amount_minor", 7);
    out_warn(&out, "clock", "the clock is off", "l'horloge avance");
    out_status(&out, MR_ALREADY_DONE);
    end(0,
        "{\"ok\":true,\"status\":\"ALREADY_DONE\",\"status_code\":5,\"amount_minor\":7,"
        "\"name\":\"caf\xc3\xa9 \\\"A\\\"\\n\",\"nobody\":null,\"broken\":null,\"open\":true,"
        "\"warning_clock\":\"the clock is off\"}\n",
        "warning: l'horloge avance\n");
}
END_TEST

START_TEST(test_json_failure)
{
    begin(true, false);
    out_int(&out, "status_code", 1); /* cannot hide the real one */
    ck_assert_int_eq(out_fail(&out, MR_PARKED, "il attend"), MR_PARKED);
    ck_assert_int_eq(out_fail(&out, MR_IO_ERROR, "later"), MR_IO_ERROR);
    out_status(&out, MR_OK);
    end(3,
        "{\"ok\":false,\"status\":\"PARKED\",\"status_code\":1,\"message\":\"the order is kept and "
        "waits\",\"detail\":\"il attend\",\"retry\":true,\"exit_code\":3}\n",
        "prog: il attend\n");
}
END_TEST

START_TEST(test_rows)
{
    begin(true, false);
    out_row(&out, json_pack("{s:i}", "a", 1));
    out_row(&out, json_pack("{s:i}", "a", 2));
    out_int(&out, "count", 2);
    end(0, "{\"a\":1}\n{\"a\":2}\n{\"ok\":true,\"status\":\"OK\",\"status_code\":0,\"count\":2}\n",
        "");
}
END_TEST

START_TEST(test_table)
{
    static const struct table_column columns[] = {
        {"Who", false}, {"Amount", true}, {"Note", false}};
    static const char *const first[] = {"\u00c9lo\u00efse", "12,50", "bread"};
    static const char *const second[] = {"\u6771\u4eac", "7,00", ""};
    static const char *const hostile[] = {"a\033[31mb\n", "1", "\xff\u202ex"};
    begin(false, false);
    struct table *t = table_create(columns, 3);
    ck_assert_ptr_nonnull(t);
    ck_assert_int_eq(table_add(t, first), MR_OK);
    ck_assert_int_eq(table_add(t, second), MR_OK);
    ck_assert_int_eq(table_add(t, hostile), MR_OK);
    table_print(&out, t);
    table_print(&out, table_create(columns, 3)); /* empty: nothing */
    table_print(&out, NULL);
    end(0,
        "Who       Amount  Note\n"
        "\u00c9lo\u00efse     12,50  bread\n"
        "\u6771\u4eac        7,00  \n"
        "a?[31mb?       1  ??x\n",
        "");
}
END_TEST

START_TEST(test_table_grows)
{
    static const struct table_column columns[] = {{"N", true}};
    begin(false, false);
    struct table *t = table_create(columns, 1);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(table_add(t, (const char *const[]){"1"}), MR_OK);
    table_print(&out, t);
    out_end(&out);
    fclose(out.results);
    fclose(out.notes);
    ck_assert_uint_eq(strlen(results), 2 * 1001);
    free(results);
    free(notes);
}
END_TEST

static const struct {
    const char *text, *tamed, *clean;
    size_t width; /* of the clean one */
} texts[] = {
    {"plain\n\ttext", "plain\n\ttext", "plain??text", 11},
    {"\033[1mbold\033[0m", "\033[1mbold\033[0m", "?[1mbold?[0m", 12},
    {"\033[2J\033]0;title\007", "?[2J?]0;title?", "?[2J?]0;title?", 14},
    {"\033[31", "?[31", "?[31", 4},
    {"\u202eevil\u2066", "?evil?", "?evil?", 6},
    {"\xc2\x9b"
     "2J",
     "?2J", "?2J", 3},
    {"\xc0\xaf\xed\xa0\x80\xf5\xff", "???????", "???????", 7},
    {"a\xc3", "a?", "a?", 2},
    {"\u20ac\U0001f956", "\u20ac\U0001f956", "\u20ac\U0001f956", 3},
    {"e\u0301", "e\u0301", "e\u0301", 1},
    {"", "", "", 0},
};

START_TEST(test_text)
{
    char text[64];
    strcpy(text, texts[_i].text);
    text_tame(text);
    ck_assert_str_eq(text, texts[_i].tamed);
    strcpy(text, texts[_i].text);
    text_clean(text);
    ck_assert_str_eq(text, texts[_i].clean);
    ck_assert_uint_eq(text_width(text), texts[_i].width);
}
END_TEST

START_TEST(test_hostile_print)
{
    begin(false, false);
    out_print(&out, "memo: %s\n", "\033]0;x\007");
    out_fail(&out, MR_BAD_TEXT, "\"%s\" is wrong", "\033c");
    end(2, "memo: ?]0;x?\n", "prog: \"?c\" is wrong\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("output");
    TCase *t = tcase_create("output");
    setlocale(LC_CTYPE, "C.UTF-8");
    tcase_add_test(t, test_people);
    tcase_add_test(t, test_one_file);
    tcase_add_test(t, test_json);
    tcase_add_test(t, test_json_failure);
    tcase_add_test(t, test_rows);
    tcase_add_test(t, test_table);
    tcase_add_test(t, test_table_grows);
    tcase_add_loop_test(t, test_text, 0, (int)(sizeof texts / sizeof texts[0]));
    tcase_add_test(t, test_hostile_print);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
