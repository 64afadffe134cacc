/* The registry of results: every line is found by its number, and none twice. */
#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/status.h"

static const struct {
    enum mr_status st;
    unsigned number;
    const char *name;
} lines[] = {
#define MR_STATUS(name, number, fault, retry, text) {MR_##name, number, #name},
#include "registry/status.def"
#undef MR_STATUS
};
enum { LINES = sizeof lines / sizeof lines[0] };

START_TEST(test_lines)
{
    for (size_t i = 0; i < LINES; i++) {
        const char *const text = mr_status_text(lines[i].st);
        ck_assert_uint_le(lines[i].number, 255); /* records carry a status in 0..255 */
        ck_assert_str_eq(mr_status_name(lines[i].st), lines[i].name);
        ck_assert_int_eq(mr_status_from_number(lines[i].number), lines[i].st);
        ck_assert(islower((unsigned char)text[0]));
        ck_assert(text[strlen(text) - 1] != '.');
        for (size_t k = 0; k < i; k++) {
            ck_assert_uint_ne(lines[i].number, lines[k].number);
            ck_assert_str_ne(mr_status_name(lines[i].st), mr_status_name(lines[k].st));
            ck_assert_str_ne(text, mr_status_text(lines[k].st));
        }
    }
}
END_TEST

START_TEST(test_unknown_numbers)
{
    for (unsigned n = 0; n < 1000; n++) {
        bool known = false;
        for (size_t i = 0; i < LINES; i++)
            known = known || lines[i].number == n;
        if (!known)
            ck_assert_int_eq(mr_status_from_number(n), MR_UNKNOWN_STATUS);
    }
    ck_assert_int_eq(mr_status_from_number(0xffffffff), MR_UNKNOWN_STATUS);
    ck_assert_str_eq(mr_status_name((enum mr_status)77), "UNKNOWN_STATUS");
    ck_assert_str_eq(mr_status_text((enum mr_status)77), mr_status_text(MR_UNKNOWN_STATUS));
}
END_TEST

START_TEST(test_fault_and_retry)
{
    static const struct {
        enum mr_status st;
        enum mr_fault fault;
        bool retry;
    } rows[] = {
        {MR_OK, MR_FAULT_NONE, false},           {MR_PARKED, MR_FAULT_NONE, true},
        {MR_TRUNCATED, MR_FAULT_PEER, false},    {MR_FUNDS_SHORT, MR_FAULT_CALLER, true},
        {MR_SLOT_TAKEN, MR_FAULT_CALLER, false}, {MR_DISK_FULL, MR_FAULT_HOST, true},
        {MR_DAMAGED, MR_FAULT_HOST, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(mr_status_fault(rows[i].st), rows[i].fault);
        ck_assert(mr_status_retry(rows[i].st) == rows[i].retry);
    }
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("status");
    TCase *const c = tcase_create("status");
    tcase_add_test(c, test_lines);
    tcase_add_test(c, test_unknown_numbers);
    tcase_add_test(c, test_fault_and_retry);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
