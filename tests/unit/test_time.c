/* Calendar against the C library's, for every day. */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "mereau/limits.h"
#include "mereau/time.h"

START_TEST(test_every_day)
{
    struct tm last_tm = {.tm_year = 2200 - 1900, .tm_mon = 11, .tm_mday = 31};
    const uint32_t last = (uint32_t)(timegm(&last_tm) / 86400);
    for (uint32_t day = 0; day <= last; day++) {
        const time_t t = (time_t)day * 86400;
        struct tm tm;
        ck_assert(gmtime_r(&t, &tm) != NULL);
        const struct mr_civil c = mr_civil_of(day);
        ck_assert_uint_eq(c.year, (unsigned)tm.tm_year + 1900);
        ck_assert_uint_eq(c.month, (unsigned)tm.tm_mon + 1);
        ck_assert_uint_eq(c.day, (unsigned)tm.tm_mday);
        ck_assert_uint_eq(mr_day_from_civil(c), (uint32_t)(timegm(&tm) / 86400));
        ck_assert_uint_eq(mr_month_of(day), c.year * 12 + c.month - 1);
    }
}
END_TEST

START_TEST(test_edges)
{
    ck_assert_uint_eq(mr_day_of(0), 0);
    ck_assert_uint_eq(mr_day_of(MR_DAY_MS - 1), 0);
    ck_assert_uint_eq(mr_day_of(MR_DAY_MS), 1);
    const struct mr_civil last = {9999, 12, 31};
    const uint32_t day = mr_day_from_civil(last);
    const struct mr_civil back = mr_civil_of(day);
    ck_assert_uint_eq(back.year, 9999);
    ck_assert_uint_eq(back.month, 12);
    ck_assert_uint_eq(back.day, 31);
    ck_assert_uint_eq(mr_civil_of(day + 1).year, 10000);
    /* the latest time and day that a record can hold */
    ck_assert_uint_ge(mr_civil_of(mr_day_of(MR_TIME_MS_MAX)).year, 100000);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("time");
    TCase *const c = tcase_create("time");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, test_every_day);
    tcase_add_test(c, test_edges);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
