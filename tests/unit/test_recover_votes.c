/* LED-33 at several nodes: what one node has seen and another has not splits no votes and makes no
 * other state; the owner and the association in one slot come to one outcome. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ring.h"

enum { ANA, BEN, NODES = 4, LAGS = 3 };

static struct ring r;
static struct mr_signed_order o, other;
static struct mr_recover recover;
static uint64_t place; /* of the RECOVER */

static void setup(void)
{
    ring_init(&r, NODES, 3);
    ck_assert_int_eq(ring_open(&r, 0, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(ring_open(&r, 0, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(ring_issue(&r, 0, ANA, 10000), MR_SETTLED);
    ring_wait(&r, 500);
}

static void teardown(void)
{
    ring_done(&r);
}

static const struct mr_state_account *account_at(uint32_t node, uint32_t member)
{
    static struct mr_signed_order any;
    ring_order(&r, node, &any, r.w.members[member].id, MR_KIND_CLOSE);
    return &r.reply->body.u.account.account;
}

static void cut_off(uint32_t node, bool cut)
{
    for (uint32_t i = 0; i < NODES; i++)
        if (i != node)
            r.nodes[i].cut[node] = r.nodes[node].cut[i] = cut;
}

/* One node hears of nothing more, nor by what it asked before. */
static void deafen(void)
{
    cut_off(LAGS, true);
    for (uint32_t i = 0; i < LAGS; i++)
        ring_break(&r, LAGS, i);
}

static void make_recover(uint32_t node)
{
    world_recover_body(&r.w, &recover, ANA, 2);
    ring_order(&r, node, &o, r.w.treasury, MR_KIND_RECOVER);
    o.order.not_after_ms = o.order.time_ms + MR_DAY_MS;
    o.order.body.u.recover = recover;
    place = o.order.seq;
    world_sign(&r.w, &o);
}

static void order_recovery(void)
{
    make_recover(0);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_SETTLED);
    ring_wait(&r, 500);
}

static void wait_out(void)
{
    r.w.now_ms += MR_DAY_MS + MR_RECOVERY_MS;
    ring_wait(&r, 2000);
}

static void make_takeover(uint32_t node, struct mr_signed_order *ret)
{
    ring_order(&r, node, ret, r.w.members[ANA].id, MR_KIND_TAKEOVER);
    world_takeover_body(&r.w, &ret->order.body.u.takeover, &recover, place);
    world_sign(&r.w, ret);
}

static void make_stop(uint32_t node, struct mr_signed_order *ret)
{
    ring_order(&r, node, ret, r.w.members[ANA].id, MR_KIND_STOP);
    ret->order.body.u.stop.upto = place;
    world_sign(&r.w, ret);
}

/* Who got the slot: the generation of the keys and what was stopped are the same everywhere, and
 * not both have changed. */
static void expect_one_outcome(uint64_t seq)
{
    const struct mr_state_account first = *account_at(0, ANA);
    ck_assert_uint_eq(first.generation == 2 && first.stopped == place, false);
    for (uint32_t i = 0; i < NODES; i++) {
        const struct mr_state_account *const a = account_at(i, ANA);
        ck_assert_uint_eq(a->generation, first.generation);
        ck_assert_uint_eq(a->stopped, first.stopped);
        ck_assert_uint_eq(r.reply->body.u.account.hot.chain.next_seq, seq + 1);
    }
    ring_check(&r);
}

/* --- the race --------------------------------------------------------------------------------- */

START_TEST(a_recovery_is_finished_at_all_nodes)
{
    order_recovery();
    wait_out();
    make_takeover(2, &o);
    ck_assert_int_eq(ring_submit(&r, 2, &o), MR_SETTLED);
    ring_wait(&r, 500);
    world_taken_over(&r.w, ANA);
    ck_assert_int_eq(ring_pay(&r, 1, ANA, BEN, 100), MR_SETTLED);
    expect_one_outcome(o.order.seq + 1);
    ck_assert_uint_eq(account_at(3, ANA)->generation, 2);
}
END_TEST

/* Each is handed in at half of the nodes before they hear of the other: neither half is q. */
static void race(void (*owner)(uint32_t node, struct mr_signed_order *ret))
{
    order_recovery();
    wait_out();
    make_takeover(0, &o);
    owner(0, &other);
    for (uint32_t i = 0; i < NODES; i++)
        cut_off(i, true);
    ring_submit(&r, 0, &o);
    ring_submit(&r, 1, &o);
    ring_submit(&r, 2, &other);
    ring_submit(&r, 3, &other);
    for (uint32_t i = 0; i < NODES; i++)
        cut_off(i, false);
    ring_settle(&r);
    ring_wait(&r, 8000);
    expect_one_outcome(o.order.seq);
}

START_TEST(stop_and_takeover_in_one_slot)
{
    race(make_stop);
}
END_TEST

static void make_payment(uint32_t node, struct mr_signed_order *ret)
{
    ring_order(&r, node, ret, r.w.members[ANA].id, MR_KIND_PAY);
    world_pay_body(&r.w, &ret->order.body.u.pay, BEN, 100);
    world_sign(&r.w, ret);
}

START_TEST(a_payment_and_a_takeover_in_one_slot)
{
    race(make_payment);
    ck_assert_int_eq(ring_balance(&r, 0, BEN), account_at(0, ANA)->generation == 2 ? 0 : 100);
}
END_TEST

/* An order of the owner with a certificate wins, whoever comes later. */
START_TEST(what_is_certified_wins)
{
    order_recovery();
    wait_out();
    make_takeover(0, &o);
    make_stop(0, &other);
    cut_off(3, true);
    ck_assert_int_eq(ring_submit(&r, 0, &other), MR_SETTLED);
    ring_submit(&r, 3, &o);
    cut_off(3, false);
    ring_settle(&r);
    ring_wait(&r, 8000);
    expect_one_outcome(o.order.seq);
    ck_assert_uint_eq(account_at(3, ANA)->stopped, place);
}
END_TEST

START_TEST(the_owner_cancels_the_slot_of_a_takeover)
{
    struct mr_signed_cancel c = {.cancel.seq = 1};
    order_recovery();
    wait_out();
    make_takeover(0, &o);
    for (uint32_t i = 0; i < NODES; i++)
        cut_off(i, true);
    ring_submit(&r, 0, &o);
    for (uint32_t i = 0; i < NODES; i++)
        cut_off(i, false);
    memcpy(c.cancel.ledger, r.w.ledger, 32);
    memcpy(c.cancel.account, r.w.members[ANA].id, 16);
    c.cancel.seq = o.order.seq;
    mr_cancel_sign(&c, 0, &r.w.members[ANA].key);
    ring_cancel(&r, 1, &c);
    ring_settle(&r);
    ring_wait(&r, 8000);
    expect_one_outcome(o.order.seq);
}
END_TEST

/* --- who has not heard ------------------------------------------------------------------------ */

/* A STOP and a later RECOVER reach a node in the other order. */
START_TEST(the_two_chains_commute)
{
    order_recovery();
    deafen();
    make_stop(0, &o);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_SETTLED);
    make_recover(0);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_SETTLED);
    make_recover(0);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_SETTLED);
    ck_assert_uint_eq(account_at(LAGS, ANA)->recoveries_count, 1);
    cut_off(LAGS, false);
    ring_settle(&r);
    ring_wait(&r, 5000);
    ck_assert_uint_eq(account_at(LAGS, ANA)->recoveries_count, 2);
    ring_check(&r);
}
END_TEST

/* Four wait; the owner stops them, and a fifth comes to a node that has not heard of that. */
START_TEST(a_fifth_before_the_stop_that_made_room)
{
    for (int i = 0; i < 4; i++)
        order_recovery();
    deafen();
    make_stop(0, &other);
    other.order.body.u.stop.upto = place - 2;
    world_sign(&r.w, &other);
    ck_assert_int_eq(ring_submit(&r, 0, &other), MR_SETTLED);
    make_recover(0);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_SETTLED);
    ck_assert_uint_eq(account_at(LAGS, ANA)->recoveries_count, 4);
    cut_off(LAGS, false);
    ring_settle(&r);
    ring_wait(&r, 5000);
    ck_assert_uint_eq(account_at(LAGS, ANA)->recoveries_count, 3);
    ring_check(&r);
}
END_TEST

/* The treasury changes its keys while a TAKEOVER under the old ones is on its way. */
START_TEST(new_keys_of_the_treasury_split_no_votes)
{
    order_recovery();
    wait_out();
    deafen();
    make_takeover(0, &other);
    ring_order(&r, 0, &o, r.w.treasury, MR_KIND_SETKEYS);
    o.order.body.u.setkeys.generation = 2;
    o.order.body.u.setkeys.keys = r.w.charter.associations[0].treasury;
    o.order.body.u.setkeys.keys.keys[0] = r.w.members[BEN].public;
    world_sign(&r.w, &o);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_SETTLED);
    ck_assert_int_eq(ring_submit(&r, 0, &other), MR_KEYS_OLD);
    ring_submit(&r, LAGS, &other);
    cut_off(LAGS, false);
    ring_settle(&r);
    ring_wait(&r, 5000);
    expect_one_outcome(other.order.seq);
    ck_assert_uint_eq(account_at(0, ANA)->generation, 2);
}
END_TEST

/* A stranger's TAKEOVER under keys that are no treasury's is nobody's order: it takes no place and
 * makes no conflict. */
START_TEST(a_key_set_of_ones_own_is_no_treasury)
{
    order_recovery();
    wait_out();
    make_takeover(0, &o);
    o.sigs_count = 0;
    o.order.body.u.takeover.treasury.threshold = o.order.body.u.takeover.treasury.keys_count = 1;
    o.order.body.u.takeover.treasury.keys[0] = r.w.members[BEN].public;
    mr_order_sign(&o, 0, &r.w.members[BEN].key);
    for (uint32_t i = 0; i < NODES; i++)
        ck_assert_int_eq(ring_submit(&r, i, &o), MR_BAD_KEY);
    ck_assert_int_eq(ring_pay(&r, 0, ANA, BEN, 100), MR_SETTLED);
    ring_wait(&r, 500);
    expect_one_outcome(o.order.seq);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("recover votes");
    TCase *tc = tcase_create("votes");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_recovery_is_finished_at_all_nodes);
    tcase_add_test(tc, stop_and_takeover_in_one_slot);
    tcase_add_test(tc, a_payment_and_a_takeover_in_one_slot);
    tcase_add_test(tc, what_is_certified_wins);
    tcase_add_test(tc, the_owner_cancels_the_slot_of_a_takeover);
    tcase_add_test(tc, the_two_chains_commute);
    tcase_add_test(tc, a_fifth_before_the_stop_that_made_room);
    tcase_add_test(tc, new_keys_of_the_treasury_split_no_votes);
    tcase_add_test(tc, a_key_set_of_ones_own_is_no_treasury);
    suite_add_tcase(s, tc);
    SRunner *n = srunner_create(s);
    srunner_run_all(n, CK_ENV);
    const int failed = srunner_ntests_failed(n);
    srunner_free(n);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
