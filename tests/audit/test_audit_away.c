/* The book of a node that was down while others settled: of that it can only judge the sums. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/lies.h"

static struct ring r;
static struct doctor d;
static struct book book, told;
static struct found found;
static struct mr_audit_totals totals;

static void setup(void)
{
    ring_init(&r, 4, 3);
    ck_assert_int_eq(ring_open(&r, 0, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(ring_open(&r, 1, MR_CLASS_SHOP), MR_SETTLED);
    ck_assert_int_eq(ring_issue(&r, 0, 0, 100000), MR_SETTLED);
    ring_wait(&r, 1000);
    ring_kill(&r, 2);
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 10), MR_SETTLED);
    ring_wait(&r, 1000);
    ring_start(&r, 2);
    ring_wait(&r, 2000);
    ring_check(&r);
    book_read(&book, r.nodes[2].journal);
    doctor_load(&d, &r, 3, &book);
}

static void teardown(void)
{
    doctor_done(&d);
    book_done(&book);
    book_done(&told);
    ring_done(&r);
}

static void audit(const char *name)
{
    doctor_write(&d, &told);
    book_audit(&found, &totals, &r.w.charter, &told, true);
    found_print(&found, name);
}

START_TEST(taken_apart_and_put_together)
{
    audit("honest");
    ck_assert_uint_eq(found.count, 0);
    ck_assert_uint_eq(totals.open, 0);
    ck_assert_uint_eq(totals.overdrawn, 0);
}
END_TEST

START_TEST(a_lie)
{
    const struct league_lie *const lie = &lies_of_away[_i];
    lie->tell(&d);
    audit(lie->name);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.rows[0].rule, lie->rule);
    ck_assert_int_eq(found.rows[0].status, lie->status);
    ck_assert_uint_eq(found.rows[0].node, 0);
    lie_is_told_in_french(&found.rows[0]);
}
END_TEST

/* Who holds evidence against another node is judged no less. */
START_TEST(a_lie_beside_evidence)
{
    lies_of_away[_i].tell(&d);
    league_lie_named(lies_of_league, "evidence that convicts")->tell(&d);
    audit(lies_of_away[_i].name);
    ck_assert_uint_eq(found.count, 2);
    ck_assert_uint_eq(totals.convictions, 1);
    ck_assert_str_eq(found.rows[1].rule, lies_of_away[_i].rule);
}
END_TEST

int main(void)
{
    int lies = 0;
    while (lies_of_away[lies].name != NULL)
        lies++;
    TCase *const tc = tcase_create("away");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, taken_apart_and_put_together);
    tcase_add_loop_test(tc, a_lie, 0, lies);
    tcase_add_loop_test(tc, a_lie_beside_evidence, 0, lies);
    Suite *const s = suite_create("audit away");
    suite_add_tcase(s, tc);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
