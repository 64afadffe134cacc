/* Reading other people's files: every amount and line by a rule, none by chance. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/payments.h"
#include "common/file.h"
#include "lib/scratch.h"

static const struct {
    const char *text;
    enum reason reason;
    int64_t minor, atto;
} amounts[] = {
    {"12", REASON_NONE, 1200, 0},
    {"12.5", REASON_NONE, 1250, 0},
    {"12.50", REASON_NONE, 1250, 0},
    {".5", REASON_NONE, 50, 0},
    {"5.", REASON_NONE, 500, 0},
    {"+1", REASON_NONE, 100, 0},
    {"0.005", REASON_ZERO, 0, -5000000000000000},
    {"0.015", REASON_NONE, 2, 5000000000000000},
    {"0.025", REASON_NONE, 2, -5000000000000000},
    {"0.0250000000000000000001", REASON_NONE, 3, 5000000000000000},
    {"0.0249999999999999999999", REASON_NONE, 2, -4999999999999999},
    {"1.999", REASON_NONE, 200, 1000000000000000},
    {"25378.72600155909", REASON_NONE, 2537873, 3998440910000000},
    {"1e-05", REASON_ZERO, 0, -10000000000000},
    {"1.25E2", REASON_NONE, 12500, 0},
    {"0.00125e3", REASON_NONE, 125, 0},
    {"0", REASON_ZERO, 0, 0},
    {"-0.0", REASON_ZERO, 0, 0},
    {"-1", REASON_NEGATIVE, 0, 0},
    {"-0.0001", REASON_NEGATIVE, 0, 0},
    {"45035996273704.96", REASON_NONE, 4503599627370496, 0},
    {"45035996273704.961", REASON_NONE, 4503599627370496, -1000000000000000},
    {"45035996273704.966", REASON_LARGE, 0, 0},
    {"45035996273704.97", REASON_LARGE, 0, 0},
    {"99999999999999999999999999999999", REASON_LARGE, 0, 0},
    {"1e30", REASON_LARGE, 0, 0},
    {"1e41", REASON_SYNTAX, 0, 0},
    {"1e", REASON_SYNTAX, 0, 0},
    {"", REASON_SYNTAX, 0, 0},
    {".", REASON_SYNTAX, 0, 0},
    {"1,5", REASON_SYNTAX, 0, 0},
    {"1.5 ", REASON_SYNTAX, 0, 0},
    {"0x10", REASON_SYNTAX, 0, 0},
    {"1.2.3", REASON_SYNTAX, 0, 0},
    {"nan", REASON_SYNTAX, 0, 0},
};

START_TEST(amounts_round_half_to_even)
{
    int64_t minor = -7, atto = 0;
    const enum reason got = amount_round(&minor, &atto, amounts[_i].text);
    ck_assert_msg(got == amounts[_i].reason, "%s: %s", amounts[_i].text, payments_reason_text(got));
    ck_assert_int_eq(minor, got == REASON_NONE ? amounts[_i].minor : -7);
    if (got == REASON_NONE || got == REASON_ZERO)
        ck_assert_int_eq(atto, amounts[_i].atto);
}
END_TEST

START_TEST(fractions_add_exactly)
{
    static const struct {
        int64_t parts[4];
        const char *text;
    } rows[] = {
        {{0, 0, 0, 0}, "0"},
        {{1, 0, 0, 0}, "0.000000000000000001"},
        {{-1, 0, 0, 0}, "-0.000000000000000001"},
        {{5000000000000000, 5000000000000000, 0, 0}, "0.01"},
        {{4999999999999999, -5000000000000000, 0, 0}, "-0.000000000000000001"},
        {{-999999999, -1, 0, 0}, "-0.000000001"},
        {{1000000001, -2, 0, 0}, "0.000000000999999999"},
        {{900000000000000000, 900000000000000000, 200000000000000000, 1}, "2.000000000000000001"},
    };
    char text[FRACTION_TEXT_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fraction f = {0};
        for (size_t k = 0; k < 4; k++)
            fraction_add(&f, rows[i].parts[k]);
        fraction_text(text, &f);
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

static enum mr_status read_text(struct payments *ret, const char *text, uint64_t limit)
{
    char dir[SCRATCH_PATH_MAX];
    scratch_make(dir);
    const char *path = scratch_path(dir, "book.csv");
    ck_assert_int_eq(file_write(path, text, strlen(text), 0600, false), MR_OK);
    const enum mr_status st = payments_read(ret, path, limit, true);
    scratch_remove(dir);
    return st;
}

START_TEST(generic_columns_in_any_order)
{
    struct payments b;
    ck_assert_int_eq(read_text(&b,
                               "amount,Kind,\"payer\",payee,id\r\n"
                               "10,issue,,a,x1\r\n"
                               "\r\n"
                               "\"2.5\",pay,a,\"b, \"\"the\"\" shop\",x2\n"
                               "1,redeem,b,,\n"
                               "1,reclaim,a,op,x4",
                               0),
                     MR_OK);
    ck_assert_uint_eq(b.count, 4);
    ck_assert_uint_eq(b.accounts.count, 3); /* b and the shop differ */
    for (size_t i = 0; i < b.count; i++)
        ck_assert_int_eq(b.rows[i].reason, REASON_NONE);
    ck_assert_str_eq(b.accounts.names[b.rows[1].payee], "b, \"the\" shop");
    ck_assert_uint_eq(b.rows[1].line, 4);
    ck_assert_str_eq(b.rows[1].id, "x2");
    ck_assert_int_eq(b.rows[1].minor, 250);
    ck_assert_str_eq(b.rows[2].id, "");
    ck_assert_int_eq(b.rows[3].kind, ROW_RECLAIM);
    /* a's rows: 0, 1, 3 */
    ck_assert_uint_eq(b.first[b.rows[0].payee], 0);
    ck_assert_uint_eq(b.rows[0].payee_next, 1);
    ck_assert_uint_eq(b.rows[1].payer_next, 3);
    ck_assert_uint_eq(b.rows[3].payer_next, NO_ROW);
    payments_done(&b);
}
END_TEST

START_TEST(sample_has_a_reason_for_every_bad_row)
{
    static const enum reason expected[20] = {
        [8] = REASON_SELF,  [9] = REASON_ZERO,     [10] = REASON_KIND,     [11] = REASON_SYNTAX,
        [12] = REASON_UNIT, [13] = REASON_COLUMNS, [19] = REASON_NEGATIVE,
    };
    struct payments b;
    ck_assert_int_eq(payments_read(&b, MEREAU_SOURCE_DIR "/tests/bench/replay/sample.csv", 0, true),
                     MR_OK);
    ck_assert_uint_eq(b.count, 20);
    for (size_t i = 0; i < b.count; i++)
        ck_assert_msg(b.rows[i].reason == expected[i], "row %zu: %s", i,
                      payments_reason_text(b.rows[i].reason));
    ck_assert_uint_eq(b.rounded, 5);
    ck_assert_uint_eq(b.lost, 1);
    payments_done(&b);
}
END_TEST

/* What spreadsheets write: a byte order mark, semicolons or tabs, commas in front of decimals. */
static const struct {
    const char *text;
    int64_t minor;
} dialects[] = {
    {"\xef\xbb\xbf"
     "kind,payer,payee,amount\r\nissue,,a,12.5\r\n",
     1250},
    {"kind;payer;payee;amount\nissue;;a;12.5\n", 1250},
    {"\xef\xbb\xbfkind;payer;payee;amount\r\nissue;;\"a\";12,5\r\n", 1250},
    {"kind\tpayer\tpayee\tamount\nissue\t\ta\t1250,00\n", 125000},
};

START_TEST(dialects_of_spreadsheets)
{
    struct payments b;
    ck_assert_int_eq(read_text(&b, dialects[_i].text, 0), MR_OK);
    ck_assert_uint_eq(b.count, 1);
    ck_assert_int_eq(b.rows[0].reason, REASON_NONE);
    ck_assert_int_eq(b.rows[0].minor, dialects[_i].minor);
    ck_assert_str_eq(b.accounts.names[b.rows[0].payee], "a");
    payments_done(&b);
}
END_TEST

static const struct {
    const char *row;
    enum reason reason;
} rows[] = {
    {"2,pay,a,b,1", REASON_NONE},
    {"1,pay,a,b,1", REASON_REPEATED},
    {",pay,a,b,1", REASON_NONE},
    {"2,pay,Zo\xc3\xab,b,1", REASON_NONE},
    {"2,pay,Zo\xeb,b,1", REASON_TEXT},
    {"2,pay,a\033[2J,b,1", REASON_TEXT},
    {"2,pay,a,\"b,1", REASON_COLUMNS},
    {"2,pay,a,\"b\"c,1", REASON_COLUMNS},
    {"2,pay,a,b,1,", REASON_COLUMNS},
    {"2", REASON_COLUMNS},
    {"  ", REASON_COLUMNS},
    {"2,pay,a,b,\"1,5\"", REASON_SYNTAX},
};

START_TEST(every_row_has_its_reason)
{
    char text[200];
    struct payments b;
    snprintf(text, sizeof text, "id,kind,payer,payee,amount\n1,issue,,a,5\n\n%s\n", rows[_i].row);
    ck_assert_int_eq(read_text(&b, text, 0), MR_OK);
    ck_assert_uint_eq(b.count, 2);
    ck_assert_msg(b.rows[1].reason == rows[_i].reason, "%s: %s", rows[_i].row,
                  payments_reason_text(b.rows[1].reason));
    ck_assert_uint_eq(b.rows[1].line, 4);
    payments_done(&b);
}
END_TEST

/* A row that cannot be used does not take the id from the one that mends it. */
START_TEST(an_id_is_of_the_row_that_is_used)
{
    struct payments b;
    ck_assert_int_eq(read_text(&b,
                               "id,kind,payer,payee,amount\n"
                               "1,issue,,a,five\n"
                               "1,issue,,a,5\n"
                               "1,issue,,a,0.001\n",
                               0),
                     MR_OK);
    ck_assert_int_eq(b.rows[0].reason, REASON_SYNTAX);
    ck_assert_int_eq(b.rows[1].reason, REASON_NONE);
    ck_assert_int_eq(b.rows[2].reason, REASON_ZERO);
    payments_done(&b);
}
END_TEST

/* A row that is not used leaves its id and its unit to the others, and is not counted as rounded.
 */
START_TEST(a_row_that_is_not_used_says_nothing)
{
    struct payments b;
    ck_assert_int_eq(read_text(&b,
                               "id,time,kind,payer,payee,amount,unit\n"
                               ",,,,,,\n"
                               "1,yesterday,issue,,a,5.001,EUR\n"
                               "1,2025-01-02,issue,,a,5,EUR\n"
                               "2,2025-01-02,issue,,a,5,M\xe9reau\n",
                               0),
                     MR_OK);
    ck_assert_int_eq(b.rows[0].reason, REASON_KIND);
    ck_assert_int_eq(b.rows[1].reason, REASON_TIME);
    ck_assert_int_eq(b.rows[2].reason, REASON_NONE);
    ck_assert_uint_eq(b.rows[2].time_ms, UINT64_C(1735776000000));
    ck_assert_int_eq(b.rows[3].reason, REASON_TEXT);
    ck_assert_str_eq(b.unit, "EUR");
    ck_assert_uint_eq(b.rounded, 0);
    payments_done(&b);
}
END_TEST

/* What was paid is paid anew whatever its row says of time and id. */
START_TEST(a_replay_needs_no_time_and_no_id)
{
    static const char text[] = "id,time,kind,payer,payee,amount\n"
                               "1,yesterday,issue,,a,5\n"
                               "1,2025-01-02,issue,,a,5\n";
    struct payments b;
    char dir[SCRATCH_PATH_MAX];
    scratch_make(dir);
    const char *const path = scratch_path(dir, "replay.csv");
    ck_assert_int_eq(file_write(path, text, sizeof text - 1, 0600, true), MR_OK);
    ck_assert_int_eq(payments_read(&b, path, 0, false), MR_OK);
    scratch_remove(dir);
    ck_assert_int_eq(b.rows[0].reason, REASON_NONE);
    ck_assert_int_eq(b.rows[1].reason, REASON_NONE);
    payments_done(&b);
}
END_TEST

static const struct {
    const char *text;
    uint64_t ms; /* 0: no time */
} times[] = {
    {"1970-01-01 00:00:00.001", 1},
    {"1970-01-02", 86400000},
    {"1970-01-01T00:01Z", 60000},
    {"1970-01-01 01:00:00+00:30", 1800000},
    {"1970-01-01 00:30:00.5-0030", 3600500},
    {"1970-01-01 02:00:00+01", 3600000},
    {"2020-02-29T23:59:60,25Z", UINT64_C(1583020800250)},
    {"1970-01-01", 0},
    {"1970-01-01 01:00:00+01:00", 0},
    {"1969-12-31 23:59:59", 0},
    {"2025-02-29", 0},
    {"2025-13-01", 0},
    {"2025-1-1", 0},
    {"25/12/2025", 0},
    {"2025-01-01 24:00:00", 0},
    {"2025-01-01 12:60", 0},
    {"2025-01-01 12", 0},
    {"2025-01-01 12:00:00+15:00", 0},
    {"2025-01-01 12:00:00+01:00x", 0},
    {"2025-01-01 12:00:00 CET", 0},
    {"2025-01-01 ", 0},
    {"", 0},
};

START_TEST(times_are_read_as_they_are_written)
{
    uint64_t ms = 0;
    ck_assert_int_eq(payments_time(&ms, times[_i].text), times[_i].ms != 0);
    ck_assert_msg(ms == times[_i].ms, "%s: %llu", times[_i].text, (unsigned long long)ms);
}
END_TEST

/* _i: a NUL in this line. */
START_TEST(a_byte_that_ends_texts)
{
    struct payments b;
    char dir[SCRATCH_PATH_MAX], text[] = "kind,payer,payee,amount\nissue,,a,1\nissue,,b,1\n";
    scratch_make(dir);
    const char *path = scratch_path(dir, "book.csv");
    text[_i == 1 ? 3 : _i == 2 ? 30 : sizeof text - 2] = '\0';
    ck_assert_int_eq(file_write(path, text, sizeof text - 1, 0600, false), MR_OK);
    ck_assert_int_eq(payments_read(&b, path, 0, true), MR_BAD_TEXT);
    ck_assert_uint_eq(b.bad_line, (unsigned)_i);
    payments_done(&b);
    scratch_remove(dir);
}
END_TEST

START_TEST(bounds_of_a_file)
{
    struct payments b;
    char wide[400] = "kind,payer,payee,amount";
    ck_assert_int_eq(read_text(&b, "", 0), MR_BAD_TEXT);
    payments_done(&b);
    ck_assert_int_eq(read_text(&b, "\xef\xbb\xbf", 0), MR_BAD_TEXT);
    payments_done(&b);
    ck_assert_int_eq(read_text(&b, "kind,payer,payee\n", 0), MR_BAD_TEXT);
    payments_done(&b);
    ck_assert_int_eq(read_text(&b, "kind,payer,payee,amount,source\nissue,,a,1,\n", 0),
                     MR_BAD_TEXT);
    ck_assert_str_eq(b.twice, "source");
    payments_done(&b);
    for (int i = 0; i < 61; i++)
        strcat(wide, ",x");
    ck_assert_int_eq(read_text(&b, wide, 0), MR_BAD_TEXT);
    payments_done(&b);
    ck_assert_int_eq(payments_read(&b, "/nonexistent", 0, true), MR_NO_SUCH_FILE);
    payments_done(&b);
    ck_assert_int_eq(read_text(&b, "kind,payer,payee,amount\n", 0), MR_OK);
    ck_assert_uint_eq(b.count, 0);
    payments_done(&b);
    ck_assert_int_eq(read_text(&b, "kind,payer,payee,amount\nissue,,a,1\nissue,,b,1\n", 1), MR_OK);
    ck_assert_uint_eq(b.count, 1);
    ck_assert_uint_eq(b.accounts.count, 1);
    payments_done(&b);
}
END_TEST

START_TEST(many_members_are_found_again)
{
    enum { MANY = 5000 };
    char *text = malloc(64 * MANY);
    ck_assert_ptr_nonnull(text);
    int n = sprintf(text, "kind,payer,payee,amount\n");
    for (int i = 0; i < 2 * MANY; i++)
        n += sprintf(text + n, "issue,,m%d,1\n", i % MANY);
    struct payments b;
    ck_assert_int_eq(read_text(&b, text, 0), MR_OK);
    ck_assert_uint_eq(b.accounts.count, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        ck_assert_uint_eq(b.first[i], i);
        ck_assert_uint_eq(b.rows[i].payee_next, i + MANY);
    }
    payments_done(&b);
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("payments");
    TCase *tc = tcase_create("book");
    tcase_add_loop_test(tc, amounts_round_half_to_even, 0,
                        (int)(sizeof amounts / sizeof amounts[0]));
    tcase_add_test(tc, fractions_add_exactly);
    tcase_add_test(tc, generic_columns_in_any_order);
    tcase_add_test(tc, sample_has_a_reason_for_every_bad_row);
    tcase_add_loop_test(tc, dialects_of_spreadsheets, 0,
                        (int)(sizeof dialects / sizeof dialects[0]));
    tcase_add_loop_test(tc, every_row_has_its_reason, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_test(tc, an_id_is_of_the_row_that_is_used);
    tcase_add_test(tc, a_row_that_is_not_used_says_nothing);
    tcase_add_test(tc, a_replay_needs_no_time_and_no_id);
    tcase_add_loop_test(tc, times_are_read_as_they_are_written, 0,
                        (int)(sizeof times / sizeof times[0]));
    tcase_add_loop_test(tc, a_byte_that_ends_texts, 1, 4);
    tcase_add_test(tc, bounds_of_a_file);
    tcase_add_test(tc, many_members_are_found_again);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    const int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
