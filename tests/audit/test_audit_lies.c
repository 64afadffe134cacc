/* One row of an honest book is changed at a time: exactly that finding. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/lies.h"
#include "lib/scratch.h"
#include "mereau/codec.h"

static struct world w;
static struct book honest, told;
static struct tamper t;
static struct found found;

static void setup(void)
{
    story_tell(&w);
    book_read(&honest, w.journal);
    tamper_load(&t, &w, &honest);
}

static void teardown(void)
{
    tamper_done(&t);
    book_done(&honest);
    book_done(&told);
    world_done(&w);
}

/* The tool of this test itself tells the truth. */
START_TEST(taken_apart_and_put_together)
{
    tamper_write(&t, &told);
    ck_assert_uint_eq(told.count, honest.count);
    for (uint32_t i = 0; i < told.count; i++) {
        ck_assert_uint_eq(told.turns[i].log_len, honest.turns[i].log_len);
        ck_assert_uint_eq(told.turns[i].bodies_len, honest.turns[i].bodies_len);
    }
    book_audit(&found, NULL, &w.charter, &told, true);
    found_print(&found, "nothing changed");
    ck_assert_uint_eq(found.count, 0);
}
END_TEST

static void tell(const struct lie *lie)
{
    lie->tell(&t);
    tamper_write(&t, &told);
    book_audit(&found, NULL, &w.charter, &told, true);
    const bool right = found.count == 1 && strcmp(found.rows[0].rule, lie->rule) == 0 &&
                       found.rows[0].status == lie->status;
    if (!right)
        found_print(&found, lie->name);
    ck_assert_msg(right, "%s: one finding %s %s wanted", lie->name, lie->rule,
                  mr_status_name(lie->status));
    lie_is_told_in_french(&found.rows[0]);
}

START_TEST(lie_of_an_order)
{
    tell(&lies_of_orders[_i]);
}
END_TEST

START_TEST(lie_of_recovery)
{
    tell(&lies_of_recovery[_i]);
}
END_TEST

START_TEST(lie_of_the_log)
{
    tell(&lies_of_log[_i]);
}
END_TEST

START_TEST(lie_about_a_sum)
{
    tell(&lies_of_sums[_i]);
}
END_TEST

/* _i: the lie; the audit goes on from the beginning, or from what was saved. */
static void tell_the_auditor(const struct own_lie *lie, bool saved)
{
    static uint8_t charter[sizeof w.charter];
    const size_t len = mr_charter_encode(&w.charter, charter, sizeof charter);
    struct mr_audit *a = NULL;
    struct mr_audit_totals totals;
    struct saved s = {NULL, 0, 0};
    found.count = 0;
    ck_assert_int_eq(mr_audit_create(&a, &scratch_mem, found_add, &found, charter, len), MR_OK);
    for (uint32_t i = 0; i < honest.count; i++)
        ck_assert_int_eq(mr_audit_feed(a, &honest.turns[i]), MR_OK);
    audit_verify(a);
    lie->tell(a);
    if (saved) {
        audit_save(&s, a);
        mr_audit_destroy(a);
        ck_assert_int_eq(mr_audit_create(&a, &scratch_mem, found_add, &found, charter, len), MR_OK);
        ck_assert_int_eq(mr_audit_load(a, s.bytes, s.len), MR_OK);
        free(s.bytes);
    }
    ck_assert_int_eq(mr_audit_end(a, &totals), MR_OK);
    mr_audit_destroy(a);
    const bool right = found.count == 1 && strcmp(found.rows[0].rule, lie->rule) == 0;
    if (!right)
        found_print(&found, lie->name);
    ck_assert_msg(right, "%s: one finding %s wanted", lie->name, lie->rule);
    lie_is_told_in_french(&found.rows[0]);
}

START_TEST(lie_to_the_auditor)
{
    tell_the_auditor(&lies_of_auditor[_i], false);
    tell_the_auditor(&lies_of_auditor[_i], true);
}
END_TEST

static int count(const struct lie *lies)
{
    int n = 0;
    while (lies[n].name != NULL)
        n++;
    return n;
}

int main(void)
{
    TCase *const tc = tcase_create("lies");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, taken_apart_and_put_together);
    tcase_add_loop_test(tc, lie_of_an_order, 0, count(lies_of_orders));
    tcase_add_loop_test(tc, lie_of_recovery, 0, count(lies_of_recovery));
    tcase_add_loop_test(tc, lie_of_the_log, 0, count(lies_of_log));
    tcase_add_loop_test(tc, lie_about_a_sum, 0, count(lies_of_sums));
    int own = 0;
    while (lies_of_auditor[own].name != NULL)
        own++;
    tcase_add_loop_test(tc, lie_to_the_auditor, 0, own);
    Suite *const s = suite_create("audit lies");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
