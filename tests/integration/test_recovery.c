/* Lost keys, through the programs: the new device, the desk of two operators, the owner who
 * objects, and a clock that the test moves (skew.c). */
#include <stdlib.h>
#include <string.h>

#include "lib/till.h"

static char ana[OFFICE_ADDRESS_MAX];

/* Of all programs that are started from now on. */
static void clock_ahead(const char *ms)
{
    setenv("SKEW_MS", ms, 1);
}

static void setup(void)
{
    setenv("LD_PRELOAD", SKEW, 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    clock_ahead("0");
    till_open(2);
    till_join(ana, "ana", "Ana", "resident");
    DESK(0, "admit", "--all");
    DESK(0, "issue", "Ana", "50", "--bank-ref", "VIR-1");
    till_second_signs();
}

/* The new device asks, the operators announce. */
static void announce(void)
{
    const char *const request = typed_at("request");
    PURSE(0, "new", "recover", till.link, ana, "--kdf-min", "--output", request, "--force");
    ck_assert(!json_is_true(json_object_get(typed.said, "recovered")));
    ck_assert_int_eq(strncmp(typed_field("request"), "mereau-recover:mrkeys1", 22), 0);
    DESK(0, "member", "recover", "Ana", "--request", request);
    till_second_signs();
    DESK(0, "member", "recover", "Ana", "--request", typed_field("request"));
    ck_assert_str_eq(office_text(&till.office, "status"), "ALREADY_DONE");
}

static void ten_days_pass(void)
{
    office_node_stop(&till.office);
    clock_ahead("864000000");
    office_node_start(&till.office);
    till_read_link();
}

START_TEST(the_account_comes_back)
{
    announce();
    DESK(1, "member", "recover", "Ana", "--finish");
    ck_assert_str_eq(office_text(&till.office, "status"), "RECOVERY_EARLY");
    DESK(0, "member", "recoveries");
    ck_assert_ptr_nonnull(strstr(till.office.text, "\"ready\":false"));
    PURSE(1, "new", "balance");
    /* Nobody has the old keys any more, or whoever has them does not mind. */
    ten_days_pass();
    DESK(0, "member", "recover", ana, "--finish");
    till_second_signs();
    PURSE(0, "new", "recover", till.link, ana);
    ck_assert(json_is_true(json_object_get(typed.said, "recovered")));
    ck_assert_int_eq(typed_number("balance_minor"), 5000);
    ck_assert_int_eq(typed_number("generation"), 2);
    PURSE(0, "new", "history");
    PURSE(0, "ana", "join", till.link); /* the node has moved */
    PURSE(1, "ana", "balance");
    DESK(1, "member", "recover", ana, "--finish");
    ck_assert_str_eq(office_text(&till.office, "status"), "RECOVERY_UNKNOWN");
    PURSE(0, "new", "close", "--give-up-balance");
}
END_TEST

START_TEST(the_owner_objects)
{
    announce();
    PURSE(0, "new", "recover", till.link, ana);
    ck_assert(json_is_true(json_object_get(typed.said, "announced")));
    ck_assert_int_gt(typed_number("ready_ms"), 0);
    ck_assert_ptr_null(strstr(typed.text, "Take this to the desk"));
    PURSE(0, "ana", "balance");
    ck_assert_str_ne(typed_field("warning_recovery"), "");
    ck_assert_int_gt(typed_number("recovery_ready_ms"), 0);
    DESK(0, "freeze", "Ana", "--reason", "lost_key");
    PURSE(0, "ana", "stop-recovery");
    ck_assert_str_eq(typed_field("status"), "SETTLED");
    PURSE(0, "ana", "stop-recovery");
    ck_assert_str_eq(typed_field("status"), "ALREADY_DONE");
    ck_assert_ptr_null(json_object_get(typed.said, "warning_recovery"));
    /* Both sides are told that it was, by which keys, and when. */
    DESK(0, "member", "recoveries");
    ck_assert_ptr_null(strstr(till.office.text, "\"ready\":"));
    ck_assert_ptr_nonnull(strstr(till.office.text, "\"stopped\":true"));
    ck_assert_ptr_null(strstr(till.office.text, "\"stopped_ms\":0"));
    PURSE(1, "new", "recover", till.link, ana);
    ck_assert_str_eq(typed_field("status"), "RECOVERY_STOPPED");
    ck_assert_int_gt(typed_number("stopped_ms"), 0);
    ck_assert_ptr_nonnull(strstr(typed.text, "with the keys that the account has"));
    ck_assert_ptr_null(strstr(typed.text, "Take this to the desk"));
    ten_days_pass();
    DESK(1, "member", "recover", "Ana", "--finish");
    ck_assert_str_eq(office_text(&till.office, "status"), "RECOVERY_UNKNOWN");
    ck_assert_ptr_nonnull(strstr(till.office.text, "was stopped with the keys"));
}
END_TEST

START_TEST(what_the_desk_is_shown_must_fit)
{
    char other[OFFICE_ADDRESS_MAX];
    announce();
    DESK(2, "member", "recover", "Ana");
    DESK(1, "member", "recover", "Ana", "--request", "mereau-recover:mrkeys1qqqq");
    ck_assert_str_eq(office_text(&till.office, "status"), "BAD_CHECKSUM");
    office_join(&till.office, other, "Bob", MR_CLASS_RESIDENT);
    DESK(0, "admit", "Bob");
    DESK(1, "member", "recover", "Bob", "--request", typed_field("request"));
    ck_assert_str_eq(office_text(&till.office, "status"), "NOT_YOURS");
    DESK(1, "member", "recover", "Bob", "--finish");
    ck_assert_str_eq(office_text(&till.office, "status"), "RECOVERY_UNKNOWN");
    PURSE(1, "typo", "recover", till.link, "tst1qqqqqqqq", "--kdf-min");
    PURSE(1, "new", "recover", till.link, other, "--kdf-min");
    ck_assert_str_eq(typed_field("status"), "FILE_EXISTS");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("recover");
    TCase *tc = tcase_create("programs");
    tcase_add_checked_fixture(tc, setup, till_close);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, the_account_comes_back);
    tcase_add_test(tc, the_owner_objects);
    tcase_add_test(tc, what_the_desk_is_shown_must_fit);
    suite_add_tcase(s, tc);
    SRunner *n = srunner_create(s);
    srunner_run_all(n, CK_ENV);
    const int failed = srunner_ntests_failed(n);
    srunner_free(n);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
