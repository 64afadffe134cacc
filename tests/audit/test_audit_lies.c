/* One row of an honest book is changed at a time: exactly that finding. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/lies.h"

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

static void print(const char *name)
{
    fprintf(stderr, "%s: %u findings\n", name, (unsigned)found.count);
    for (uint32_t i = 0; i < found.count && i < STORY_FINDINGS_MAX; i++) {
        const struct mr_audit_finding *const f = &found.rows[i];
        fprintf(stderr, "    %s %s turn %llu entry %u: %s: expected %s, found %s\n", f->rule,
                mr_status_name(f->status), (unsigned long long)f->turn, (unsigned)f->entry, f->what,
                f->expected, f->found);
    }
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
    print("nothing changed");
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
        print(lie->name);
    ck_assert_msg(right, "%s: one finding %s %s wanted", lie->name, lie->rule,
                  mr_status_name(lie->status));
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
    Suite *const s = suite_create("audit lies");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
