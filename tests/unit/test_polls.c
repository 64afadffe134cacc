/* Long polls between nodes: how many are under way. */
#include <check.h>
#include <stdlib.h>

#include "lib/ring.h"

static struct ring r;

static void setup(void)
{
    ring_init(&r, 4, 3);
    ring_people(&r);
}

static void teardown(void)
{
    ring_done(&r);
}

static uint32_t polls_of(uint32_t node, uint32_t peer)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < RING_MAIL_MAX; i++)
        n += r.mail[i].used && r.mail[i].kind == MR_REQ_FOLLOW && r.mail[i].from == node + 1 &&
             r.mail[i].to == peer + 1;
    return n;
}

/* Each of many turns a second finds a poll that waits for it; silence costs next to nothing. */
START_TEST(polls_are_as_many_as_there_is_news)
{
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 1), MR_SETTLED);
    ck_assert_uint_eq(polls_of(1, 0), MR_ASKS_MAX - 1);
    ring_wait(&r, 30000);
    ck_assert_uint_eq(polls_of(1, 0), 4);
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 1), MR_SETTLED);
    ck_assert_uint_gt(polls_of(1, 0), 4);
    ring_check(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("polls");
    TCase *c = tcase_create("polls");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, polls_are_as_many_as_there_is_news);
    suite_add_tcase(s, c);
    SRunner *n = srunner_create(s);
    srunner_run_all(n, CK_ENV);
    const int failed = srunner_ntests_failed(n);
    srunner_free(n);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
