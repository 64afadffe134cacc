#include <check.h>
#include <stdlib.h>

#include "daemon/peers.h"

enum { BEAT_MS = 1700, START_MS = 1000000 };

/* Heads of a peer whose clock is off by `off`, each `age` old, over so long a time. */
static uint64_t feed(struct peer_clock *c, uint64_t now, int64_t off, uint64_t age, uint64_t ms)
{
    for (const uint64_t end = now + ms; now < end; now += BEAT_MS)
        clock_take(c, (uint64_t)((int64_t)(now - age) + off), now);
    return now;
}

START_TEST(nothing_is_known_from_one_head)
{
    struct peer_clock c = {.last_head_ms = 0};
    int64_t off = 7;
    ck_assert(!clock_offset(&c, &off));
    ck_assert_int_eq(off, 0);
    clock_take(&c, START_MS + 5000, START_MS); /* it may be as old as it likes */
    ck_assert(!clock_offset(&c, &off));
    clock_take(&c, START_MS + 5000, START_MS + 9000); /* the same head again says nothing */
    ck_assert(!clock_offset(&c, &off));
    ck_assert_uint_eq(c.came_ms, 0);
    clock_take(&c, START_MS + 5001, START_MS + 9500); /* but it works */
    ck_assert_uint_eq(c.came_ms, START_MS + 9500);
}
END_TEST

START_TEST(a_clock_ahead_shows_at_once)
{
    struct peer_clock c = {.last_head_ms = 0};
    int64_t off;
    feed(&c, START_MS, 5000, 400, 2 * BEAT_MS);
    ck_assert(clock_offset(&c, &off));
    ck_assert_int_eq(off, 4600);
}
END_TEST

START_TEST(a_clock_behind_shows_when_no_head_was_younger)
{
    struct peer_clock c = {.last_head_ms = 0};
    int64_t off;
    uint64_t now = feed(&c, START_MS, -3000, 100, 29000);
    ck_assert(!clock_offset(&c, &off));
    now = feed(&c, now, -3000, 100, 10000);
    ck_assert(clock_offset(&c, &off));
    ck_assert_int_eq(off, -3100);
    /* and is forgotten once it is right again */
    feed(&c, now, 0, 0, 70000);
    ck_assert(clock_offset(&c, &off));
    ck_assert_int_eq(off, 0);
}
END_TEST

/* Old heads among young ones do not matter. */
START_TEST(the_youngest_head_counts)
{
    struct peer_clock c = {.last_head_ms = 0};
    int64_t off;
    uint64_t now = START_MS;
    for (int i = 0; i < 60; i++)
        now = feed(&c, now, 0, i % 5 == 0 ? 20 : 1600, 1);
    ck_assert(clock_offset(&c, &off));
    ck_assert_int_eq(off, -20);
}
END_TEST

START_TEST(alarms_have_two_marks)
{
    static const struct {
        uint64_t value;
        bool on, moved;
    } steps[] = {
        {0, false, false}, {100, false, false}, {101, true, true},  {100, true, false},
        {50, true, false}, {49, false, true},   {99, false, false}, {1000, true, true},
    };
    bool on = false;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        ck_assert_int_eq(alarm_moves(&on, steps[i].value, 100, 50), steps[i].moved);
        ck_assert_int_eq(on, steps[i].on);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("peers_watch");
    TCase *c = tcase_create("peers_watch");
    tcase_add_test(c, nothing_is_known_from_one_head);
    tcase_add_test(c, a_clock_ahead_shows_at_once);
    tcase_add_test(c, a_clock_behind_shows_when_no_head_was_younger);
    tcase_add_test(c, the_youngest_head_counts);
    tcase_add_test(c, alarms_have_two_marks);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
