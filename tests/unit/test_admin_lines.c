/* Lines of an issue as spreadsheets write them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/lines.h"

static const struct mr_unit unit = {
    .code_len = 4, .code = "EUSK", .decimals = 2, .role = MR_UNIT_LOCAL};

static enum mr_status parse(struct issue_rows *ret, const char *text)
{
    struct out out;
    out_begin(&out, "test", false, true);
    FILE *sink = fopen("/dev/null", "w");
    ck_assert_ptr_nonnull(sink);
    out.notes = sink;
    const enum mr_status st = lines_parse(ret, &out, "lines.csv", text, &unit);
    ck_assert_int_eq(out.failed, st != MR_OK);
    fclose(sink);
    return st;
}

/* Both rows of each: ana 12.50 R1, then "bo;b" 3.00 R2. */
static const char *const same[] = {
    "member,amount,bank_ref\nana,12.50,R1\n\"bo;b\",3,R2\n",
    "member;amount;bank_ref\r\nana;12,50;R1\r\n\"bo;b\";3;R2\r\n",
    "\xef\xbb\xbfmember\tamount\tbank_ref\nana\t12,5\tR1\n\nbo;b\t3.00 EUSK\tR2",
    "bank_ref,amount,member\nR1,\"12,50\",ana \nR2,3,bo;b\n",
    "bank_account,bank_ref,member,amount,bank_amount\n,R1,ana,12.50,\n,R2,bo;b,3,\n",
    "member,amount,bank_ref\nana,12.50,R1,,\n\"bo;b\",3,R2,\n",
};

START_TEST(test_forms)
{
    struct issue_rows r;
    ck_assert_int_eq(parse(&r, same[_i]), MR_OK);
    ck_assert_uint_eq(r.count, 2);
    ck_assert_str_eq(r.rows[0].member, "ana");
    ck_assert_int_eq(r.rows[0].amount, 1250);
    ck_assert_int_eq(r.rows[0].bank_amount, 0);
    ck_assert_str_eq(r.rows[0].bank_ref, "R1");
    ck_assert_str_eq(r.rows[0].bank_account, "");
    ck_assert_str_eq(r.rows[1].member, "bo;b");
    ck_assert_int_eq(r.rows[1].amount, 300);
    lines_free(&r);
}
END_TEST

START_TEST(test_all_columns)
{
    struct issue_rows r;
    ck_assert_int_eq(parse(&r, "member,amount,bank_ref,bank_account,bank_amount\n"
                               "\"a \"\"b\"\"\",1,R,FR76,\"2,50\"\n"),
                     MR_OK);
    ck_assert_uint_eq(r.count, 1);
    ck_assert_str_eq(r.rows[0].member, "a \"b\"");
    ck_assert_str_eq(r.rows[0].bank_account, "FR76");
    ck_assert_int_eq(r.rows[0].bank_amount, 250);
    ck_assert_uint_eq(r.rows[0].line, 2);
    lines_free(&r);
}
END_TEST

static const char *const wrong[] = {
    "",
    "member,amount,bank_ref\n",
    "member,amount\nana,1\n",
    "member,amount,bank_ref,colour\nana,1,R,red\n",
    "member,amount,bank_ref,member\nana,1,R,bob\n",
    "member,amount,bank_ref\n,1,R\n",
    "member,amount,bank_ref\nana,1\n",
    "member,amount,bank_ref\nana,0,R\n",
    "member,amount,bank_ref\nana,-1,R\n",
    "member,amount,bank_ref\nana,1.005,R\n",
    "member,amount,bank_ref\nana,1 000,R\n",
    "member,amount,bank_ref\nana,x,R\n",
    "member,amount,bank_ref\nana,1 XYZ,R\n",
    "member,amount,bank_ref\n\"ana,1,R\n",
    "member,amount,bank_ref\n\"ana\"x,1,R\n",
    "member,amount,bank_ref,bank_amount\nana,1,R,abc\n",
    "member,amount,bank_ref\nana,12,50,R1\n", /* the amount's comma */
};

START_TEST(test_refused)
{
    struct issue_rows r;
    ck_assert_int_eq(parse(&r, wrong[_i]), MR_USAGE);
    lines_free(&r);
}
END_TEST

START_TEST(test_bounds)
{
    struct issue_rows r;
    char text[512] = "member,amount,bank_ref\n";
    memset(text + strlen(text), 'a', LINE_FIELD_MAX);
    strcat(text, ",1,R\n");
    ck_assert_int_eq(parse(&r, text), MR_OK);
    lines_free(&r);
    strcpy(text, "member,amount,bank_ref\n");
    memset(text + strlen(text), 'a', LINE_FIELD_MAX + 1);
    strcat(text, ",1,R\n");
    ck_assert_int_eq(parse(&r, text), MR_USAGE);
    lines_free(&r);
}
END_TEST

START_TEST(test_many)
{
    struct issue_rows r;
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    fputs("member,amount,bank_ref\n", f);
    for (int i = 0; i <= LINES_MAX; i++)
        fprintf(f, "m%d,1,R%d\n", i, i);
    fclose(f);
    ck_assert_int_eq(parse(&r, text), MR_USAGE);
    lines_free(&r);
    *strrchr(text, 'm') = '\0'; /* without the last line it fits */
    ck_assert_int_eq(parse(&r, text), MR_OK);
    ck_assert_uint_eq(r.count, LINES_MAX);
    lines_free(&r);
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("admin_lines");
    TCase *t = tcase_create("lines");
    tcase_add_loop_test(t, test_forms, 0, (int)(sizeof same / sizeof same[0]));
    tcase_add_test(t, test_all_columns);
    tcase_add_loop_test(t, test_refused, 0, (int)(sizeof wrong / sizeof wrong[0]));
    tcase_add_test(t, test_bounds);
    tcase_add_test(t, test_many);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
