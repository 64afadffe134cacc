/* A small made-up file of payments: every figure against its definition, and what is left out. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "audit/measure.h"
#include "mereau/time.h"
#include "stats/reference.h"

#define FILE_OF(name) MEREAU_SOURCE_DIR "/tests/stats/" name

static struct measure m;
static struct out out;

static const struct option_row options[] = {SOURCE_OPTIONS, MEASURE_OPTIONS, {NULL, 0, NULL, NULL}};
static const struct command_row row = {.name = "stats", .options = options};
static const struct program program = {.name = "test", .commands = &row};

static const struct option_row *option(const char *name)
{
    const struct option_row *o = options;
    while (strcmp(o->name, name) != 0)
        o++;
    return o;
}

/* The words of pairs, up to NULL, as the command line gives them. */
static enum mr_status open_with(const char *const *words)
{
    static struct option_value values[16];
    static struct command c;
    c = (struct command){.program = &program, .row = &row, .values = values};
    for (; words[0] != NULL; words += 2)
        values[c.value_count++] = (struct option_value){option(words[0]), words[1]};
    out_begin(&out, "test", true, true);
    enum mr_status st = measure_open(&m, &c, &out);
    if (st == MR_OK)
        st = measure_run(&m, &c, &out);
    return st;
}

static void done(void)
{
    measure_close(&m);
    json_decref(out.fields);
}

static void agrees_with_the_reference(void)
{
    static struct reference ref;
    const struct mr_stats_query q = {m.periods[0].from_day, m.periods[m.periods_count].to_day, m.by,
                                     0, NULL};
    reference_make(&ref, &m.table, &q);
    ck_assert_uint_eq(m.figures_count, ref.figures_count);
    for (size_t i = 0; i < m.figures_count; i++) {
        char a[MR_STATS_TEXT_MAX], b[MR_STATS_TEXT_MAX];
        mr_stats_figure_text(a, &m.figures[i]);
        mr_stats_figure_text(b, &ref.figures[i]);
        ck_assert_int_eq(reference_order(&m.figures[i], &ref.figures[i]), 0);
        ck_assert_int_eq(m.figures[i].state, ref.figures[i].state);
        ck_assert_msg(strcmp(a, b) == 0, "%s: %s, not %s", mr_stats_indicator(m.figures[i].id)->id,
                      a, b);
    }
    reference_done(&ref);
}

/* The value of the whole, as it is printed. */
static const char *whole(enum mr_stats_id id)
{
    static char text[MR_STATS_TEXT_MAX];
    size_t n;
    const struct mr_stats_figure *const f = measure_figures(&m, id, &n);
    ck_assert_uint_gt(n, 0);
    mr_stats_figure_text(text, &f[n - 1]);
    return text;
}

START_TEST(figures_of_the_file)
{
    static const char *const by[] = {"day", "week", "month", "year"};
    ck_assert_int_eq(
        open_with((const char *const[]){"from-csv", FILE_OF("payments.csv"), "accounts",
                                        FILE_OF("accounts.csv"), "by", by[_i], NULL}),
        MR_OK);
    agrees_with_the_reference();
    /* by hand */
    ck_assert_str_eq(whole(MR_STATS_CONVERTED), "85000");
    ck_assert_str_eq(whole(MR_STATS_REDEEMED), "7000");
    ck_assert_str_eq(whole(MR_STATS_PUBLIC_SPENT), "60000");
    ck_assert_str_eq(whole(MR_STATS_PAYMENTS), "14");
    done();
}
END_TEST

START_TEST(without_accounts_no_figure_needs_a_class)
{
    ck_assert_int_eq(open_with((const char *const[]){"from-csv", FILE_OF("payments.csv"), NULL}),
                     MR_OK);
    agrees_with_the_reference();
    ck_assert_str_eq(whole(MR_STATS_V_GOODS), "");
    done();
}
END_TEST

START_TEST(what_is_left_out_is_named)
{
    static const struct {
        const char *reason;
        json_int_t line;
    } expected[] = {{"the line has not the columns of the head", 26},
                    {"payer and payee are the same account", 12},
                    {"the amount is no number", 13},
                    {"the time cannot be read", 14}};
    ck_assert_int_eq(open_with((const char *const[]){"from-csv", FILE_OF("payments.csv"), NULL}),
                     MR_OK);
    const json_t *const left = json_object_get(out.fields, "left_out");
    ck_assert_uint_eq(json_array_size(left), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *const why = json_array_get(left, i);
        const json_t *const lines = json_object_get(why, "lines");
        ck_assert_str_eq(json_string_value(json_object_get(why, "reason")), expected[i].reason);
        ck_assert_int_eq(json_integer_value(json_object_get(why, "rows")), 1);
        ck_assert_int_eq(json_integer_value(json_array_get(lines, 0)), expected[i].line);
    }
    ck_assert_int_eq(json_integer_value(json_object_get(out.fields, "rows")), 25);
    ck_assert_int_eq(json_integer_value(json_object_get(out.fields, "rows_used")), 21);
    ck_assert_ptr_nonnull(json_object_get(out.fields, "warning_rows"));
    done();
}
END_TEST

START_TEST(periods_and_files_that_do_not_do)
{
    static const struct {
        const char *words[8];
        enum mr_status status;
    } rows[] = {
        {{"from-csv", FILE_OF("nothing.csv")}, MR_NO_SUCH_FILE},
        {{"from-csv", FILE_OF("accounts.csv")}, MR_BAD_TEXT},
        {{"from-csv", FILE_OF("payments.csv"), "accounts", FILE_OF("payments.csv")}, MR_BAD_TEXT},
        {{"from-csv", FILE_OF("payments.csv"), "from", "2025-02-30"}, MR_USAGE},
        {{"from-csv", FILE_OF("payments.csv"), "to", "tomorrow"}, MR_USAGE},
        {{"from-csv", FILE_OF("payments.csv"), "by", "decade"}, MR_USAGE},
        {{"from-csv", FILE_OF("payments.csv"), "from", "2026-01-01", "to", "2025-01-01"}, MR_USAGE},
        {{"from-csv", FILE_OF("payments.csv"), "rows", "/nonexistent"}, MR_USAGE},
        {{"rows", "/nonexistent"}, MR_NO_SUCH_FILE},
        {{"accounts", FILE_OF("accounts.csv")}, MR_USAGE},
    };
    ck_assert_int_eq(open_with(rows[_i].words), rows[_i].status);
    done();
}
END_TEST

START_TEST(a_period_without_data)
{
    ck_assert_int_eq(open_with((const char *const[]){"from-csv", FILE_OF("payments.csv"), "from",
                                                     "2030-01-01", "to", "2030-12-31", NULL}),
                     MR_OK);
    ck_assert_str_eq(whole(MR_STATS_PAYMENTS), "0");
    ck_assert_str_eq(whole(MR_STATS_RHO), "");
    agrees_with_the_reference();
    done();
}
END_TEST

/* MEREAU_SAMPLE: a file of recorded payments, of at most 500 accounts; without it nothing is done.
 */
START_TEST(a_file_of_ones_own)
{
    static const char *const by[] = {"day", "week", "month", "year"};
    const char *const path = getenv("MEREAU_SAMPLE");
    if (path == NULL)
        return;
    ck_assert_int_eq(open_with((const char *const[]){"from-csv", path, "by", by[_i], NULL}), MR_OK);
    agrees_with_the_reference();
    done();
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("stats_file");
    TCase *const c = tcase_create("file");
    tcase_add_loop_test(c, figures_of_the_file, 0, 4);
    tcase_add_test(c, without_accounts_no_figure_needs_a_class);
    tcase_add_test(c, what_is_left_out_is_named);
    tcase_add_loop_test(c, periods_and_files_that_do_not_do, 0, 10);
    tcase_add_test(c, a_period_without_data);
    tcase_add_loop_test(c, a_file_of_ones_own, 0, 4);
    tcase_set_timeout(c, 300);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0;
}
