/* Bank references: one entry, however it is typed, is one key; and only under the secret. */
#include <check.h>
#include <string.h>

#include "admin/bank.h"
#include "mereau/mandate.h"

static uint8_t secret[32] = {1, 2, 3};

static const struct {
    const char *typed, *normal; /* NULL: nothing is left */
} entries[] = {
    {"VIR 2231", "VIR2231"},
    {"vir-2231", "VIR2231"},
    {" v.i/r\t2231 ", "VIR2231"},
    {"é-1", "é1"}, /* only ASCII letters change */
    {"", NULL},
    {" -/. ", NULL},
};

START_TEST(test_normalising)
{
    char text[BANK_TEXT_MAX] = "untouched";
    const enum mr_status st = mr_reference_normalise(text, sizeof text, entries[_i].typed);
    if (entries[_i].normal == NULL) {
        ck_assert_int_eq(st, MR_BAD_TEXT);
    } else {
        ck_assert_int_eq(st, MR_OK);
        ck_assert_str_eq(text, entries[_i].normal);
    }
}
END_TEST

START_TEST(test_too_long)
{
    char small[4];
    ck_assert_int_eq(mr_reference_normalise(small, sizeof small, "a-b-c"), MR_OK);
    ck_assert_int_eq(mr_reference_normalise(small, sizeof small, "abcd"), MR_TOO_LARGE);
}
END_TEST

static void ref(uint8_t ret[32], const char *account, const char *entry)
{
    ck_assert_int_eq(bank_ref(ret, secret, account, entry), MR_OK);
}

START_TEST(test_keying)
{
    uint8_t a[32], b[32];
    ref(a, "FR76 1234", "VIR 2231");
    ref(b, "fr761234", "vir-2231");
    ck_assert_mem_eq(a, b, 32);
    ref(b, "FR76 1235", "VIR 2231");
    ck_assert_mem_ne(a, b, 32);
    ref(b, "", "VIR 2231");
    ck_assert_mem_ne(a, b, 32);
    /* Account and entry cannot run into each other. */
    ref(a, "12", "34");
    ref(b, "1", "234");
    ck_assert_mem_ne(a, b, 32);
    secret[0] ^= 1;
    ref(b, "12", "34");
    ck_assert_mem_ne(a, b, 32);
}
END_TEST

START_TEST(test_shares)
{
    static struct mr_issue issue;
    struct bank_share shares[MR_LINES_MAX];
    issue.banks_count = 2;
    memset(issue.banks[0].ref, 1, 32);
    memset(issue.banks[1].ref, 2, 32);
    issue.lines_count = 3;
    for (uint32_t i = 0; i < 3; i++) {
        memset(issue.lines[i].member, 9 - (int)i, 16);
        issue.lines[i].amount = 100 + i;
        issue.lines[i].bank = i == 1 ? 0 : 1;
    }
    ck_assert_uint_eq(bank_shares(shares, &issue, issue.banks[0].ref), 1);
    ck_assert_int_eq(shares[0].amount, 101);
    ck_assert_uint_eq(bank_shares(shares, &issue, issue.banks[1].ref), 2);
    ck_assert_int_eq(shares[0].amount, 102); /* sorted by member */
    ck_assert_int_eq(shares[1].amount, 100);
    uint8_t other[32] = {7};
    ck_assert_uint_eq(bank_shares(shares, &issue, other), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("admin_bank");
    TCase *t = tcase_create("bank");
    tcase_add_loop_test(t, test_normalising, 0, (int)(sizeof entries / sizeof entries[0]));
    tcase_add_test(t, test_too_long);
    tcase_add_test(t, test_keying);
    tcase_add_test(t, test_shares);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
