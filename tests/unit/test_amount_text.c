/* Amounts in the reader's language, and hints that say what was wrong with what was typed. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/amount_text.h"
#include "common/i18n.h"

static const struct {
    int64_t minor;
    uint32_t decimals;
    const char *code, *text;
} amounts[] = {
    {1250, 2, "EUSK", "12.50 EUSK"},
    {-5, 2, "EUSK", "-0.05 EUSK"},
    {1250, 2, NULL, "12.50"},
    {7, 0, "H", "7 H"},
    {-MR_AMOUNT_MAX, 2, "ABCDEFGH", "-45035996273704.96 ABCDEFGH"},
};

START_TEST(test_amount)
{
    char text[AMOUNT_PEOPLE_MAX];
    amount_text(text, amounts[_i].minor, amounts[_i].decimals, amounts[_i].code);
    ck_assert_str_eq(text, amounts[_i].text);
}
END_TEST

static const struct {
    const char *text, *hint;
} wrong_amounts[] = {
    {"0", "the amount is zero: give one above zero"},
    {"-3", "\"-3\" is negative: give an amount above zero"},
    {"99999999999999999", "\"99999999999999999\" is too large: a ledger holds at most "
                          "45035996273704.96"},
    {"1.0055", "\"1.0055\" has too many decimals: EUSK has 2; thousands are written without a "
               "mark, as 1250"},
    {"1,250.00", "\"1,250.00\" has grouping marks: write 1250.00 or 1250,00, without grouping"},
    {"1 250,00", "\"1 250,00\" has grouping marks: write 1250.00 or 1250,00, without grouping"},
    {"12 EUR", "\"12 EUR\" names another unit: this is in EUSK"},
    {"ten", "\"ten\" is not an amount: write 12, 12.50 or 12,50"},
    {"\033[2J", "\"?[2J\" is not an amount: write 12, 12.50 or 12,50"},
};

START_TEST(test_amount_hint)
{
    char hint[HINT_MAX];
    int64_t minor = 0;
    const enum mr_status st = mr_amount_parse(&minor, wrong_amounts[_i].text, 2, "EUSK");
    ck_assert_int_ne(st, MR_OK);
    amount_hint(hint, st, wrong_amounts[_i].text, 2, "EUSK");
    ck_assert_str_eq(hint, wrong_amounts[_i].hint);
}
END_TEST

START_TEST(test_amount_hint_is_bounded)
{
    char hint[HINT_MAX], text[3000];
    memset(text, '9', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    amount_hint(hint, MR_AMOUNT_SYNTAX, text, 2, NULL);
    ck_assert_uint_lt(strlen(hint), 200);
    ck_assert_ptr_nonnull(strstr(hint, "999...\""));
    amount_hint(hint, MR_AMOUNT_DECIMALS, "1,5", 0, "H");
    ck_assert_str_eq(hint, "\"1,5\" has decimals, but H is counted in whole units");
}
END_TEST

START_TEST(test_address_hint)
{
    static const uint8_t account[MR_ACCOUNT_BYTES] = {1, 2, 3};
    char address[MR_ADDRESS_TEXT_MAX], typed[MR_ADDRESS_TEXT_MAX], hint[HINT_MAX], want[HINT_MAX];
    uint8_t got[MR_ACCOUNT_BYTES];
    size_t wrong = SIZE_MAX;
    mr_address_format(address, "eusk", account);

    strcpy(typed, address);
    typed[9] = typed[9] == 'q' ? 'p' : 'q';
    enum mr_status st = mr_address_parse(got, &wrong, "eusk", typed);
    address_hint(hint, st, typed, wrong, "eusk");
    snprintf(want, sizeof want,
             "character 10 (\"%c\") of the address is mistyped: compare it with the original",
             typed[9]);
    ck_assert_str_eq(hint, want);

    typed[7] = typed[7] == 'z' ? 'x' : 'z';
    st = mr_address_parse(got, &wrong, "eusk", typed);
    address_hint(hint, st, typed, wrong, "eusk");
    ck_assert_ptr_nonnull(strstr(hint, "has several mistyped characters"));

    strcpy(typed, address);
    typed[12] = 'b'; /* not a character of the code */
    st = mr_address_parse(got, &wrong, "eusk", typed);
    address_hint(hint, st, typed, wrong, "eusk");
    ck_assert_str_eq(hint, "character 13 (\"b\") of the address cannot stand there: compare it "
                           "with the original");

    st = mr_address_parse(got, &wrong, "gonette", address);
    address_hint(hint, st, address, wrong, "gonette");
    ck_assert_ptr_nonnull(strstr(hint, "another currency: here they begin with \"gonette1\""));

    st = mr_address_parse(got, &wrong, "eusk", "baker");
    address_hint(hint, st, "baker", wrong, "eusk");
    snprintf(want, sizeof want,
             "\"baker\" is not an address: addresses here begin with \"eusk1\" and are %zu "
             "characters long",
             strlen(address));
    ck_assert_str_eq(hint, want);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("amount_text");
    TCase *t = tcase_create("amount_text");
    i18n_start("en");
    tcase_add_loop_test(t, test_amount, 0, (int)(sizeof amounts / sizeof amounts[0]));
    tcase_add_loop_test(t, test_amount_hint, 0,
                        (int)(sizeof wrong_amounts / sizeof wrong_amounts[0]));
    tcase_add_test(t, test_amount_hint_is_bounded);
    tcase_add_test(t, test_address_hint);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
