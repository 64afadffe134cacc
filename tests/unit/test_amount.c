/* Amounts as people write them, each wrong way with its own answer. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/amount.h"

#define NBSP  "\xc2\xa0"
#define NNBSP "\xe2\x80\xaf"

static const struct {
    const char *text;
    uint32_t decimals;
    const char *code;
    enum mr_status st;
    int64_t minor;
} texts[] = {
    /* taken */
    {"12", 2, NULL, MR_OK, 1200},
    {"12,5", 2, NULL, MR_OK, 1250},
    {"12.5", 2, NULL, MR_OK, 1250},
    {"12.50", 2, NULL, MR_OK, 1250},
    {"0.01", 2, NULL, MR_OK, 1},
    {"007", 2, NULL, MR_OK, 700},
    {" 12.50\t", 2, NULL, MR_OK, 1250},
    {NBSP "12.50" NNBSP, 2, NULL, MR_OK, 1250},
    {"12", 0, NULL, MR_OK, 12},
    {"1.250", 3, NULL, MR_OK, 1250},
    {"1,250", 3, NULL, MR_OK, 1250},
    {"1.25", 3, NULL, MR_OK, 1250},
    {"0.000001", 6, NULL, MR_OK, 1},
    {"1234567", 2, NULL, MR_OK, 123456700},
    {"12.50 EUR", 2, "EUR", MR_OK, 1250},
    {"12.50eur", 2, "EUR", MR_OK, 1250},
    {"12.50" NBSP "Eur ", 2, "EUR", MR_OK, 1250},
    {"12.50", 2, "EUR", MR_OK, 1250},
    {"12 \xe2\x82\xac", 2, "\xe2\x82\xac", MR_OK, 1200},
    {"12 C3", 2, "C3", MR_OK, 1200},
    {"45035996273704.96", 2, NULL, MR_OK, MR_AMOUNT_MAX},
    {"4503599627370496", 0, NULL, MR_OK, MR_AMOUNT_MAX},
    /* zero */
    {"0", 2, NULL, MR_AMOUNT_ZERO, 0},
    {"0.00", 2, NULL, MR_AMOUNT_ZERO, 0},
    {"000", 0, NULL, MR_AMOUNT_ZERO, 0},
    {"0 EUR", 2, "EUR", MR_AMOUNT_ZERO, 0},
    /* negative */
    {"-5", 2, NULL, MR_AMOUNT_NEGATIVE, 0},
    {"- 5", 2, NULL, MR_AMOUNT_NEGATIVE, 0},
    {"-0.50", 2, NULL, MR_AMOUNT_NEGATIVE, 0},
    {"\xe2\x88\x92"
     "5",
     2, NULL, MR_AMOUNT_NEGATIVE, 0},
    {"-5 EUR", 2, "EUR", MR_AMOUNT_NEGATIVE, 0},
    /* too many decimals */
    {"1.5", 0, NULL, MR_AMOUNT_DECIMALS, 0},
    {"1.0", 0, NULL, MR_AMOUNT_DECIMALS, 0},
    {"1.25", 1, NULL, MR_AMOUNT_DECIMALS, 0},
    {"1.2500", 2, NULL, MR_AMOUNT_DECIMALS, 0},
    {"1.0000", 3, NULL, MR_AMOUNT_DECIMALS, 0},
    {"0.0000001", 6, NULL, MR_AMOUNT_DECIMALS, 0},
    {"1.00000000000000000000000000", 2, NULL, MR_AMOUNT_DECIMALS, 0},
    /* overflow */
    {"45035996273704.97", 2, NULL, MR_AMOUNT_TOO_LARGE, 0},
    {"4503599627370497", 0, NULL, MR_AMOUNT_TOO_LARGE, 0},
    {"4503599627370496", 1, NULL, MR_AMOUNT_TOO_LARGE, 0},
    {"9223372036854775808", 2, NULL, MR_AMOUNT_TOO_LARGE, 0},
    {"18446744073709551617", 0, NULL, MR_AMOUNT_TOO_LARGE, 0},
    {"100000000000000000000000000000000000000000000000000000", 6, NULL, MR_AMOUNT_TOO_LARGE, 0},
    /* grouping marks */
    {"1,250.00", 2, NULL, MR_AMOUNT_GROUPED, 0},
    {"1.250,00", 2, NULL, MR_AMOUNT_GROUPED, 0},
    {"1 250,00", 2, NULL, MR_AMOUNT_GROUPED, 0},
    {"1 250", 2, NULL, MR_AMOUNT_GROUPED, 0},
    {"1" NBSP "250,00", 2, NULL, MR_AMOUNT_GROUPED, 0},
    {"1" NNBSP "250,00", 2, NULL, MR_AMOUNT_GROUPED, 0},
    {"1\xe2\x80\x89"
     "250",
     2, NULL, MR_AMOUNT_GROUPED, 0},
    {"1'250", 2, NULL, MR_AMOUNT_GROUPED, 0},
    {"1\xe2\x80\x99"
     "250.00",
     2, NULL, MR_AMOUNT_GROUPED, 0},
    {"1_250", 2, NULL, MR_AMOUNT_GROUPED, 0},
    {"1,250", 2, NULL, MR_AMOUNT_DECIMALS, 0},
    {"1.250", 2, NULL, MR_AMOUNT_DECIMALS, 0},
    {"1,250", 0, NULL, MR_AMOUNT_DECIMALS, 0},
    {"1,250,000", 2, NULL, MR_AMOUNT_GROUPED, 0},
    {"1.250.000", 3, NULL, MR_AMOUNT_GROUPED, 0},
    {"1,250.00 EUR", 2, "EUR", MR_AMOUNT_GROUPED, 0},
    {"12 34", 2, NULL, MR_AMOUNT_GROUPED, 0},
    {"-1 250", 2, NULL, MR_AMOUNT_GROUPED, 0},
    /* another unit */
    {"12.50 USD", 2, "EUR", MR_AMOUNT_UNIT, 0},
    {"12.50 EURO", 2, "EUR", MR_AMOUNT_UNIT, 0},
    {"12.50 EU", 2, "EUR", MR_AMOUNT_UNIT, 0},
    {"12 \xe2\x82\xac", 2, "EUR", MR_AMOUNT_UNIT, 0},
    {"12\xe2\x82\xac", 2, "EUR", MR_AMOUNT_UNIT, 0},
    {"1,250.00 USD", 2, "EUR", MR_AMOUNT_UNIT, 0},
    /* no amount */
    {"", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"  ", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"-", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"--5", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"+5", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"5-", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {".5", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"5.", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"5,", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"5..0", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"5., 0", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"1e5", 2, "EUR", MR_AMOUNT_SYNTAX, 0},
    {"0x10", 2, "EUR", MR_AMOUNT_SYNTAX, 0},
    {"inf", 2, "EUR", MR_AMOUNT_SYNTAX, 0},
    {"EUR 5", 2, "EUR", MR_AMOUNT_SYNTAX, 0},
    {"EUR", 2, "EUR", MR_AMOUNT_SYNTAX, 0},
    {"5 EUR 5", 2, "EUR", MR_AMOUNT_SYNTAX, 0},
    {"5 EUR EUR", 2, "EUR", MR_AMOUNT_SYNTAX, 0},
    {"5 EUR", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"5 %", 2, "EUR", MR_AMOUNT_SYNTAX, 0},
    {"5;5", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"5'", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"1''250", 2, NULL, MR_AMOUNT_SYNTAX, 0},
    {"\xd9\xa1", 2, NULL, MR_AMOUNT_SYNTAX, 0}, /* ARABIC-INDIC DIGIT ONE */
};

START_TEST(test_parse)
{
    int64_t minor = 77;
    ck_assert_int_eq(mr_amount_parse(&minor, texts[_i].text, texts[_i].decimals, texts[_i].code),
                     texts[_i].st);
    ck_assert_int_eq(minor, texts[_i].st == MR_OK ? texts[_i].minor : 77);
}
END_TEST

static const struct {
    int64_t minor;
    uint32_t decimals;
    char separator;
    const char *text;
} prints[] = {
    {0, 2, '.', "0.00"},
    {0, 0, '.', "0"},
    {1, 2, ',', "0,01"},
    {-1, 2, '.', "-0.01"},
    {1250, 2, '.', "12.50"},
    {1250, 0, '.', "1250"},
    {-1250, 3, ',', "-1,250"},
    {1, 6, '.', "0.000001"},
    {MR_AMOUNT_MAX, 0, '.', "4503599627370496"},
    {-MR_AMOUNT_MAX, 6, '.', "-4503599627.370496"},
    {-MR_AMOUNT_MAX, 2, ',', "-45035996273704,96"},
    {MR_AMOUNT_MAX * 3, 2, '.', "135107988821114.88"}, /* a sum */
    {-INT64_MAX, 6, '.', "-9223372036854.775807"},
};

START_TEST(test_format)
{
    char text[MR_AMOUNT_TEXT_MAX];
    mr_amount_format(text, prints[_i].minor, prints[_i].decimals, prints[_i].separator);
    ck_assert_str_eq(text, prints[_i].text);
}
END_TEST

/* What is printed is read back as the same number, for every number of decimals. */
START_TEST(test_there_and_back)
{
    for (int64_t minor = 1; minor < MR_AMOUNT_MAX; minor = minor * 3 + 1) {
        for (uint32_t decimals = 0; decimals <= 6; decimals++) {
            char text[MR_AMOUNT_TEXT_MAX];
            int64_t back = 0;
            mr_amount_format(text, minor, decimals, decimals % 2 == 0 ? '.' : ',');
            ck_assert_int_eq(mr_amount_parse(&back, text, decimals, "EUR"), MR_OK);
            ck_assert_int_eq(back, minor);
        }
    }
}
END_TEST

START_TEST(test_add)
{
    static const struct {
        int64_t a, b;
        bool fits;
    } sums[] = {
        {1, 2, true},
        {MR_AMOUNT_MAX, 0, true},
        {MR_AMOUNT_MAX - 1, 1, true},
        {MR_AMOUNT_MAX, 1, false},
        {MR_AMOUNT_MAX, MR_AMOUNT_MAX, false},
        {-MR_AMOUNT_MAX, -1, false},
        {-MR_AMOUNT_MAX, MR_AMOUNT_MAX, true},
        {-MR_AMOUNT_MAX, -MR_AMOUNT_MAX, false},
    };
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        int64_t sum = 77;
        ck_assert(mr_amount_add(&sum, sums[i].a, sums[i].b) == sums[i].fits);
        ck_assert_int_eq(sum, sums[i].fits ? sums[i].a + sums[i].b : 77);
    }
}
END_TEST

START_TEST(test_part)
{
    static const struct {
        int64_t amount;
        uint32_t points;
        int64_t part;
    } parts[] = {
        {0, 10000, 0},
        {1, 10000, 1},
        {1, 5000, 1},
        {1, 4999, 0},
        {100, 49, 0},
        {100, 50, 1},
        {100, 149, 1},
        {100, 150, 2},
        {12345, 200, 247},
        {9999, 9999, 9998},
        {10001, 1, 1},
        {MR_AMOUNT_MAX, 0, 0},
        {MR_AMOUNT_MAX, 10000, MR_AMOUNT_MAX},
        {MR_AMOUNT_MAX, 9999, INT64_C(4503149267407759)},
        {MR_AMOUNT_MAX, 1, INT64_C(450359962737)},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        ck_assert_int_eq(mr_amount_part(parts[i].amount, parts[i].points), parts[i].part);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("amount");
    TCase *const c = tcase_create("amount");
    tcase_add_loop_test(c, test_parse, 0, sizeof texts / sizeof texts[0]);
    tcase_add_loop_test(c, test_format, 0, sizeof prints / sizeof prints[0]);
    tcase_add_test(c, test_there_and_back);
    tcase_add_test(c, test_add);
    tcase_add_test(c, test_part);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
