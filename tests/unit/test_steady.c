/* A clock that is set back does not stop a node's timers, and its time never goes back. */
#include <check.h>
#include <stdlib.h>

#include "daemon/steady.h"

START_TEST(it_is_the_wall_clock)
{
    struct steady s = {0};
    ck_assert_uint_eq(steady_ms(&s, 5000, 100), 5000);
    ck_assert_uint_eq(steady_ms(&s, 5001, 900), 5001);
    ck_assert_uint_eq(steady_ms(&s, 900000, 901), 900000); /* set on: it follows */
    ck_assert_uint_eq(s.behind_ms, 0);
}
END_TEST

/* Set back by 100 s: half as fast, in steps of a millisecond, until the wall clock is there. */
START_TEST(it_goes_on_slower_while_the_wall_clock_is_behind)
{
    struct steady s = {0};
    uint64_t last = steady_ms(&s, 1000000, 0);
    for (uint64_t mono = 1; mono <= 250000; mono++) {
        const uint64_t wall = 900000 + mono, slow = 1000000 + (mono - 1) / 2;
        const uint64_t now = steady_ms(&s, wall, mono);
        ck_assert_uint_ge(now, last);
        ck_assert_uint_le(now - last, 1);
        ck_assert_uint_eq(now, wall >= last ? wall : slow);
        ck_assert_uint_eq(s.behind_ms, now - wall);
        last = now;
    }
}
END_TEST

/* Again while it is behind, and to and fro. */
START_TEST(it_never_goes_back)
{
    struct steady s = {0};
    uint64_t last = steady_ms(&s, 50000, 10);
    const uint64_t walls[] = {40000, 39000, 45000, 10, 50003, 49000, 60000, 0, 1};
    uint64_t mono = 10;
    for (size_t i = 0; i < sizeof walls / sizeof *walls; i++) {
        mono += 8;
        const uint64_t now = steady_ms(&s, walls[i], mono);
        ck_assert_uint_ge(now, last);
        ck_assert_uint_ge(now, walls[i]);
        last = now;
    }
    ck_assert_uint_eq(steady_ms(&s, 2, mono + 1000), last + 500);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("steady");
    TCase *const tc = tcase_create("steady");
    tcase_add_test(tc, it_is_the_wall_clock);
    tcase_add_test(tc, it_goes_on_slower_while_the_wall_clock_is_behind);
    tcase_add_test(tc, it_never_goes_back);
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
