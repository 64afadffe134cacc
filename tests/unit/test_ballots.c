/* Who follows whom from ballot to ballot: SLOT-11 through real engines. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "engine/internal.h"
#include "lib/ring.h"
#include "mereau/sign.h"

static struct ring r;
static struct mr_signed_order o, other;

static void setup(void)
{
    ring_init(&r, 4, 3);
    ring_people(&r);
}

static void teardown(void)
{
    ring_done(&r);
}

/* Two orders of one owner, two votes each: neither is certified, and ballots have to decide. The
 * first begins after two seconds. */
static void split_votes(void)
{
    ring_order(&r, 0, &o, r.w.members[0].id, MR_KIND_PAY);
    other = o;
    world_pay_body(&r.w, &o.order.body.u.pay, 1, 5);
    world_pay_body(&r.w, &other.order.body.u.pay, 1, 7);
    world_sign(&r.w, &o);
    world_sign(&r.w, &other);
    ring_isolate(&r);
    for (uint32_t i = 0; i < 4; i++)
        ring_submit(&r, i, i % 2 == 0 ? &o : &other);
    ring_reunite(&r);
    ring_wait(&r, 100);
}

static struct mri_open *slot_at(uint32_t node)
{
    struct mri_open *const found =
        mri_open_find(r.nodes[node].engine, o.order.account, o.order.seq);
    ck_assert_msg(found != NULL, "the slot is decided at node %u", node);
    return found;
}

/* Makes a node say what no rule asks of it. */
static void say_unlock(uint32_t node, uint32_t ballot)
{
    struct mr_leaf leaf = {
        .kind = MR_LEAF_UNLOCK,
        .u.unlock = {.seq = o.order.seq, .ballot = ballot, .cert_ballot = MR_BALLOT_NONE}};
    memcpy(leaf.u.unlock.account, o.order.account, 16);
    memcpy(leaf.u.unlock.trigger, slot_at(node)->s.trigger.hash, 32);
    mri_say_leaf(r.nodes[node].engine, &leaf);
}

/* One may lie, and would lead all others to ballots in which it leads itself. With a second one
 * they follow, and decide at once. */
START_TEST(one_report_leads_nobody)
{
    split_votes();
    ck_assert(slot_at(0)->s.triggered && slot_at(1)->s.triggered);
    say_unlock(3, 6);
    ring_wait(&r, 1);
    ck_assert_uint_eq(slot_at(0)->s.promised, 0);
    ck_assert_uint_eq(slot_at(1)->s.promised, 0);
    say_unlock(2, 6);
    ring_wait(&r, 1);
    ck_assert_ptr_null(mri_open_find(r.nodes[0].engine, o.order.account, o.order.seq));
    ring_check(&r);
}
END_TEST

/* Two of four do not decide: they wait for others where they are. */
START_TEST(nobody_runs_ahead)
{
    split_votes();
    ring_kill(&r, 2);
    ring_kill(&r, 3);
    ring_wait(&r, 600000);
    ck_assert_uint_gt(slot_at(0)->s.promised, 0);
    ck_assert_uint_le(slot_at(0)->s.promised, 4);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ballots");
    TCase *c = tcase_create("ballots");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, one_report_leads_nobody);
    tcase_add_test(c, nobody_runs_ahead);
    suite_add_tcase(s, c);
    SRunner *n = srunner_create(s);
    srunner_run_all(n, CK_ENV);
    const int failed = srunner_ntests_failed(n);
    srunner_free(n);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
