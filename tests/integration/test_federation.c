/* Four associations, four real nodes, one currency. */
#include <check.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/exit.h"
#include "common/file.h"
#include "lib/federation.h"

enum { NODES = 4, QUORUM = 3 };

static struct federation f;

static bool knows_all(uint32_t node)
{
    const struct mr_rep_peers *const p = federation_peers(&f, node);
    for (uint32_t k = 0; k < p->peers_count; k++)
        if (!p->peers[k].connected || p->peers[k].size == 0 || p->peers[k].sent == 0)
            return false;
    return true;
}

static void setup(void)
{
    federation_make(&f, NODES, QUORUM);
    federation_start_all(&f);
    for (uint32_t i = 0; i < NODES; i++) {
        federation_wait_mode(&f, i, MR_OK);
        while (!knows_all(i)) /* the test's time-out ends this */
            sched_yield();
    }
}

static void teardown(void)
{
    federation_done(&f);
}

/* One member of each association, by its own node, with money. */
static void settle_in(void)
{
    for (uint32_t i = 0; i < NODES; i++)
        federation_open(&f, i, i, i % 2 == 0 ? MR_CLASS_RESIDENT : MR_CLASS_SHOP);
    for (uint32_t i = 0; i < NODES; i++)
        federation_issue(&f, i, i, i, 10000);
    federation_agree(&f, 2 * NODES);
}

START_TEST(payments_cross_associations)
{
    settle_in();
    for (uint32_t i = 0; i < NODES; i++)
        ck_assert_int_eq(federation_pay(&f, i, i, (i + 1) % NODES, 100 + i), MR_SETTLED);
    federation_agree(&f, 3 * NODES);
    for (uint32_t i = 0; i < NODES; i++)
        ck_assert_int_eq(federation_balance(&f, 0, i),
                         10000 - (100 + i) + (100 + (i + NODES - 1) % NODES));
    /* and by way of another association's node */
    ck_assert_int_eq(federation_pay(&f, 2, 0, 1, 7), MR_SETTLED);
    federation_agree(&f, 3 * NODES + 1);
    for (uint32_t i = 0; i < NODES; i++)
        ck_assert_int_eq(federation_stop(&f, i), EXIT_DONE);
}
END_TEST

START_TEST(a_killed_node_is_not_missed_and_catches_up)
{
    enum { ROUNDS = 5 };
    settle_in();
    federation_kill(&f, 3);
    for (uint32_t k = 0; k < ROUNDS; k++)
        for (uint32_t i = 0; i < 3; i++)
            ck_assert_int_eq(federation_pay(&f, i, i, 3, 10), MR_SETTLED);
    federation_agree(&f, 2 * NODES + 3 * ROUNDS);
    federation_start(&f, 3);
    federation_wait_mode(&f, 3, MR_OK);
    federation_agree(&f, 2 * NODES + 3 * ROUNDS);
    ck_assert_int_eq(federation_balance(&f, 3, 3), 10000 + 3 * ROUNDS * 10);
    /* it votes again: with another one gone it is needed */
    federation_kill(&f, 0);
    ck_assert_int_eq(federation_pay(&f, 3, 3, 1, 1), MR_SETTLED);
    federation_agree(&f, 2 * NODES + 3 * ROUNDS + 1);
}
END_TEST

/* One after the other is killed and comes back while payments go on. */
START_TEST(nodes_die_in_turn)
{
    uint64_t settled = 2 * NODES;
    settle_in();
    for (uint32_t k = 0; k < 2 * NODES; k++) {
        const uint32_t gone = k % NODES;
        federation_kill(&f, gone);
        for (uint32_t i = 1; i < NODES; i++) {
            const uint32_t at = (gone + i) % NODES;
            ck_assert_int_eq(federation_pay(&f, at, at, gone, 10), MR_SETTLED);
            settled++;
        }
        federation_start(&f, gone);
        federation_wait_mode(&f, gone, MR_OK);
        federation_agree(&f, settled);
        ck_assert_int_eq(federation_pay(&f, gone, gone, (gone + 1) % NODES, 1), MR_SETTLED);
        settled++;
        federation_agree(&f, settled);
    }
    ck_assert_uint_eq(federation_peers(&f, 0)->evidence, 0);
    for (uint32_t i = 0; i < NODES; i++)
        ck_assert_int_eq(federation_stop(&f, i), EXIT_DONE);
}
END_TEST

/* A node that stands still, connections and all, and goes on later: links are made anew, it takes
 * up what it missed. */
START_TEST(a_frozen_node_is_not_missed)
{
    settle_in();
    proc_signal(f.nodes[3].proc, SIGSTOP);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_int_eq(federation_pay(&f, i, i, 3, 10), MR_SETTLED);
    ck_assert(proc_line(f.nodes[0].proc, NULL, 0, " peer_down peer=4 status=NO_ANSWER ",
                        PROC_DEADLINE_MS));
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_int_eq(federation_pay(&f, i, i, 3, 10), MR_SETTLED);
    proc_signal(f.nodes[3].proc, SIGCONT);
    federation_agree(&f, 2 * NODES + 6);
    /* its vote is needed */
    federation_kill(&f, 2);
    ck_assert_int_eq(federation_pay(&f, 0, 0, 3, 10), MR_SETTLED);
    federation_agree(&f, 2 * NODES + 7);
}
END_TEST

/* Too few to settle: orders wait, nothing is lost, and they settle when a node is back. */
START_TEST(without_a_quorum_orders_wait)
{
    static struct mr_signed_order o;
    settle_in();
    federation_kill(&f, 2);
    federation_kill(&f, 3);
    federation_order(&f, 0, &o, f.w.members[0].id, MR_KIND_PAY);
    world_pay_body(&f.w, &o.order.body.u.pay, 1, 5);
    federation_sign(&f, &o);
    const enum mr_status st = federation_submit(&f, 0, &o, 1000);
    ck_assert_msg(st == MR_VOTING || st == MR_NO_QUORUM, "%s", mr_status_name(st));
    federation_wait_mode(&f, 0, MR_NO_QUORUM);
    ck_assert_ptr_nonnull(f.nodes[0].proc);
    ck_assert(proc_line(f.nodes[0].proc, NULL, 0, " no_quorum ", PROC_DEADLINE_MS));
    ck_assert(proc_line(f.nodes[0].proc, NULL, 0, " peer_silent peer=3 ", PROC_DEADLINE_MS));
    federation_start(&f, 2);
    ck_assert_int_eq(federation_submit(&f, 0, &o, 60000), MR_SETTLED);
    federation_agree(&f, 2 * NODES + 1);
    federation_wait_mode(&f, 0, MR_OK);
}
END_TEST

/* What REQ_PEERS tells. */
START_TEST(nodes_know_of_each_other)
{
    settle_in();
    for (uint32_t i = 0; i < NODES; i++) {
        const struct mr_rep_peers *const p = federation_peers(&f, i);
        ck_assert_uint_eq(p->node, i + 1);
        ck_assert_uint_eq(p->nodes, NODES);
        ck_assert_uint_eq(p->quorum, QUORUM);
        ck_assert_uint_eq(p->evidence, 0);
        ck_assert_uint_eq(p->peers_count, NODES - 1);
        for (uint32_t k = 0; k < NODES - 1; k++) {
            const struct mr_peer_status *const s = &p->peers[k];
            ck_assert_uint_eq(s->node, k + 1 + (k >= i));
            ck_assert_mem_eq(s->association, f.w.charter.associations[s->node - 1].id, 16);
            ck_assert(!s->convicted);
            ck_assert_uint_eq(s->trouble, MR_OK);
            ck_assert_uint_gt(s->seen_ms, 0);
            ck_assert_int_lt(llabs(s->offset_ms), 1000);
            ck_assert_uint_eq(s->refused, 0);
        }
    }
}
END_TEST

/* A node whose clock is wrong is named by the others; payments go on. */
START_TEST(a_wrong_clock_is_named)
{
    const char *const skew[] = {_i == 0 ? "SKEW_MS=3000" : "SKEW_MS=-600000", "LD_PRELOAD=" SKEW,
                                "ASAN_OPTIONS=verify_asan_link_order=0", NULL};
    char what[64];
    settle_in();
    ck_assert_int_eq(federation_stop(&f, 3), EXIT_DONE);
    federation_start_in(&f, 3, skew);
    federation_wait_mode(&f, 3, MR_OK);
    ck_assert_int_eq(federation_pay(&f, _i == 0 ? 3 : 0, 3, 0, 10), MR_SETTLED);
    snprintf(what, sizeof what, " peer_clock peer=4 offset_ms=%s", _i == 0 ? "" : "-");
    ck_assert(proc_line(f.nodes[0].proc, NULL, 0, what, 50000));
    const struct mr_peer_status *const s = &federation_peers(&f, 0)->peers[2];
    /* A clock that was set back over a restart: the time of the node's heads stands (LOG-4). */
    ck_assert_int_gt(s->offset_ms, _i == 0 ? 1500 : -80000);
    ck_assert_int_lt(s->offset_ms, _i == 0 ? 3500 : -1000);
    federation_agree(&f, 2 * NODES + 1);
}
END_TEST

/* Set back while the node runs: its time goes on, at half the pace, and so do its timers. */
START_TEST(a_clock_that_is_set_back)
{
    char file[SCRATCH_PATH_MAX + 16], word[SCRATCH_PATH_MAX + 32];
    static struct mr_signed_order o;
    const char *const skew[] = {word, "LD_PRELOAD=" SKEW, "ASAN_OPTIONS=verify_asan_link_order=0",
                                NULL};
    snprintf(file, sizeof file, "%s/skew", f.dir);
    snprintf(word, sizeof word, "SKEW_FILE=%s", file);
    settle_in();
    ck_assert_int_eq(federation_stop(&f, 3), EXIT_DONE);
    federation_start_in(&f, 3, skew);
    federation_wait_mode(&f, 3, MR_OK);
    ck_assert_int_eq(file_write(file, "-600000", 7, 0600, false), MR_OK);
    ck_assert(proc_line(f.nodes[3].proc, NULL, 0, " clock_back ", 10000));
    ck_assert_int_eq(federation_pay(&f, 3, 3, 0, 10), MR_SETTLED);
    /* Two others are away: whoever waits for an answer gets one all the same. */
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_int_eq(federation_stop(&f, i), EXIT_DONE);
    federation_order(&f, 3, &o, f.w.members[3].id, MR_KIND_PAY);
    world_pay_body(&f.w, &o.order.body.u.pay, 0, 10);
    federation_sign(&f, &o);
    ck_assert_int_eq(federation_submit(&f, 3, &o, 100), MR_VOTING);
    for (uint32_t i = 0; i < 2; i++)
        federation_start(&f, i);
    ck_assert_int_eq(federation_submit(&f, 3, &o, 60000), MR_SETTLED);
    ck_assert_int_eq(file_write(file, "0", 1, 0600, true), MR_OK);
    ck_assert(proc_line(f.nodes[3].proc, NULL, 0, " clock_right ", 10000));
    federation_agree(&f, 2 * NODES + 2);
}
END_TEST

/* Governance ends an epoch: the others go on without the one that left, and drop their links. */
START_TEST(a_node_leaves)
{
    static struct mr_signed_order o;
    struct mr_next_epoch *const next = &o.order.body.u.next;
    settle_in();
    federation_order(&f, 0, &o, f.w.system, MR_KIND_NEXT);
    next->epoch = 2;
    next->quorum = QUORUM;
    next->seats_count = NODES - 1;
    for (uint32_t i = 0; i < NODES - 1; i++) {
        next->seats[i].node = f.w.charter.nodes[i];
        next->seats[i].generation = 1;
    }
    federation_sign(&f, &o);
    ck_assert_int_eq(federation_submit(&f, 0, &o, 60000), MR_SETTLED);
    for (uint32_t i = 0; i < NODES - 1; i++) {
        while (federation_peers(&f, i)->epoch != 2) /* the test's time-out ends this */
            sched_yield();
        federation_wait_mode(&f, i, MR_OK);
        const struct mr_rep_peers *const p = federation_peers(&f, i);
        ck_assert_uint_eq(p->nodes, NODES - 1);
        ck_assert_uint_eq(p->peers_count, NODES - 2);
        for (uint32_t k = 0; k < p->peers_count; k++)
            ck_assert_uint_ne(p->peers[k].node, NODES);
    }
    federation_wait_mode(&f, NODES - 1, MR_RETIRED);
    ck_assert_int_eq(federation_stop(&f, NODES - 1), EXIT_DONE);
    for (uint32_t i = 0; i < NODES - 1; i++)
        ck_assert_int_eq(federation_pay(&f, i, i, NODES - 1, 10), MR_SETTLED);
    federation_agree(&f, 2 * NODES + 1 + NODES - 1);
    /* and so it stays */
    federation_kill(&f, 1);
    federation_start(&f, 1);
    federation_wait_mode(&f, 1, MR_OK);
    ck_assert_int_eq(federation_pay(&f, 1, 1, 0, 1), MR_SETTLED);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("federation");
    TCase *c = tcase_create("federation");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, payments_cross_associations);
    tcase_add_test(c, a_killed_node_is_not_missed_and_catches_up);
    tcase_add_test(c, nodes_die_in_turn);
    tcase_add_test(c, a_frozen_node_is_not_missed);
    tcase_add_test(c, without_a_quorum_orders_wait);
    tcase_add_test(c, nodes_know_of_each_other);
    tcase_add_test(c, a_node_leaves);
    tcase_add_loop_test(c, a_wrong_clock_is_named, 0, 2);
    tcase_add_test(c, a_clock_that_is_set_back);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
