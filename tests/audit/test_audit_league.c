/* Books of several nodes: what the real engines write has no finding, on any of them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/hostile.h"
#include "audit/lies.h"

static struct ring r;
static struct book book;
static struct found found;

static void setup(void)
{
    league_tell(&r);
}

static void teardown(void)
{
    ring_done(&r);
}

static void no_findings(uint32_t node)
{
    char name[16];
    snprintf(name, sizeof name, "node %u", (unsigned)node);
    if (found.count > 0)
        found_print(&found, name);
    ck_assert_uint_eq(found.count, 0);
}

START_TEST(honest_books_have_no_finding)
{
    struct mr_audit_totals first = {0}, t;
    for (uint32_t i = 0; i < r.count; i++) {
        book_read(&book, r.nodes[i].journal);
        book_audit(&found, &t, &r.w.charter, &book, true);
        book_done(&book);
        no_findings(i + 1);
        if (i == 0)
            first = t;
        ck_assert(t.state_known);
        ck_assert_mem_eq(t.state_root, first.state_root, 32);
        ck_assert_uint_eq(t.settled, first.settled);
        ck_assert_uint_ge(t.voided, 2);
        ck_assert_uint_eq(t.open, 0);
        ck_assert_uint_eq(t.overdrawn, 0);
        ck_assert_uint_eq(t.convicted, 0);
        ck_assert_uint_eq(t.heads_unchecked, 0);
        ck_assert_uint_gt(t.peer_leaves, 2 * t.leaves);
    }
}
END_TEST

/* The story has what the audit is to look at. */
START_TEST(the_story_has_everything)
{
    static struct doctor d;
    uint32_t triggers[8] = {0}, entries[16] = {0}, leaves[8] = {0}, far = 0;
    for (uint32_t i = 0; i < r.count; i++) {
        book_read(&book, r.nodes[i].journal);
        doctor_load(&d, &r, i + 1, &book);
        for (uint32_t k = 0; k < d.count; k++)
            for (const struct doc_row *row = d.turns[k].rows; row != NULL; row = row->next) {
                entries[row->e.kind]++;
                if (row->e.kind == MR_ENTRY_LEAF)
                    leaves[row->e.u.leaf.kind]++;
                else if (row->e.kind == MR_ENTRY_TRIGGER)
                    triggers[row->e.u.trigger.kind]++;
                else if (row->e.kind == MR_ENTRY_SETTLED)
                    far += row->e.u.settled.ballot > 0;
            }
        doctor_done(&d);
        book_done(&book);
    }
    for (unsigned k = MR_TRIGGER_CANCEL; k <= MR_TRIGGER_EXPIRED; k++)
        ck_assert_msg(triggers[k] > 0, "no trigger %s",
                      mr_trigger_kind_text((enum mr_trigger_kind)k));
    for (unsigned k = MR_LEAF_START; k <= MR_LEAF_SEEN; k++)
        ck_assert_msg(leaves[k] > 0, "no leaf %s", mr_leaf_kind_text((enum mr_leaf_kind)k));
    ck_assert_uint_gt(entries[MR_ENTRY_PARKED], 0);
    ck_assert_uint_gt(far, 4);
}
END_TEST

/* --- no lies ---------------------------------------------------------------------------------- */

static struct doctor d;
static struct book told;

/* What an honest node does that crashed and whose clock was set back: it is told, and no finding.
 */
START_TEST(a_peer_whose_clock_went_back)
{
    struct mr_audit_totals t;
    book_audit(&found, &t, &r.w.charter, &book, true);
    ck_assert_uint_eq(t.clocks_back, 0);
    league_head_of_an_hour_ago(&d);
    doctor_write(&d, &told);
    book_audit(&found, &t, &r.w.charter, &told, true);
    no_findings(1);
    ck_assert_uint_ne(t.clocks_back, 0);
}
END_TEST

/* --- lies ------------------------------------------------------------------------------------- */

static void take_apart(void)
{
    setup();
    book_read(&book, r.nodes[0].journal);
    doctor_load(&d, &r, 1, &book);
}

static void put_away(void)
{
    doctor_done(&d);
    book_done(&book);
    book_done(&told);
    teardown();
}

START_TEST(taken_apart_and_put_together)
{
    doctor_write(&d, &told);
    ck_assert_uint_eq(told.count, book.count);
    book_audit(&found, NULL, &r.w.charter, &told, true);
    no_findings(1);
}
END_TEST

START_TEST(a_lie)
{
    const struct league_lie *const lie = &lies_of_league[_i];
    lie->tell(&d);
    doctor_write(&d, &told);
    book_audit(&found, NULL, &r.w.charter, &told, true);
    const struct mr_audit_finding *const f = &found.rows[0];
    const bool right = found.count == 1 && strcmp(f->rule, lie->rule) == 0 &&
                       f->status == lie->status && (f->node != 0) == lie->convicts;
    if (!right)
        found_print(&found, lie->name);
    ck_assert_msg(right, "%s: one finding %s %s wanted", lie->name, lie->rule,
                  mr_status_name(lie->status));
    lie_is_told_in_french(f);
}
END_TEST

/* --- bytes that are wrong on purpose ------------------------------------------------------------
 */

START_TEST(payloads_changed_on_purpose)
{
    hostile_payloads(&book, &r.w.charter, 777 + (uint32_t)_i);
}
END_TEST

START_TEST(every_allocation_refused_once)
{
    hostile_memory(&book, &r.w.charter, _i, 5);
}
END_TEST

int main(void)
{
    int lies = 0;
    while (lies_of_league[lies].name != NULL)
        lies++;
    TCase *const honest = tcase_create("honest");
    tcase_add_checked_fixture(honest, setup, teardown);
    tcase_set_timeout(honest, 120);
    tcase_add_test(honest, honest_books_have_no_finding);
    tcase_add_test(honest, the_story_has_everything);
    TCase *const lying = tcase_create("lies");
    tcase_add_checked_fixture(lying, take_apart, put_away);
    tcase_set_timeout(lying, 120);
    tcase_add_test(lying, taken_apart_and_put_together);
    tcase_add_test(lying, a_peer_whose_clock_went_back);
    tcase_add_loop_test(lying, a_lie, 0, lies);
    tcase_add_loop_test(lying, payloads_changed_on_purpose, 0, 2);
    tcase_add_loop_test(lying, every_allocation_refused_once, 0, 5);
    Suite *const s = suite_create("audit league");
    suite_add_tcase(s, honest);
    suite_add_tcase(s, lying);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
