/* Who signs two things that exclude each other: a node that runs twice, and an owner. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/exit.h"
#include "lib/federation.h"
#include "mereau/evidence.h"

enum { NODES = 4, QUORUM = 3, COPIED = 3, TWIN = NODES, GIFT = 10000 };

static struct federation f;

static void setup(void)
{
    federation_make_proxied(&f, NODES, QUORUM);
    federation_start_all(&f);
    for (uint32_t i = 0; i < NODES; i++)
        federation_wait_mode(&f, i, MR_OK);
    for (uint32_t i = 0; i < NODES; i++)
        federation_open(&f, i, i, MR_CLASS_RESIDENT);
    for (uint32_t i = 0; i < NODES; i++)
        federation_issue(&f, i, i, i, GIFT);
    federation_agree(&f, 2 * NODES);
}

static void teardown(void)
{
    federation_done(&f);
}

/* A payment by a node that votes for it and hears of no other vote. */
static void pay_unheard(uint32_t node, uint32_t from, uint32_t to, int64_t amount)
{
    static struct mr_signed_order o;
    federation_order(&f, node, &o, f.w.members[from].id, MR_KIND_PAY);
    world_pay_body(&f.w, &o.order.body.u.pay, to, amount);
    federation_sign(&f, &o);
    const enum mr_status st = federation_submit(&f, node, &o, 0);
    ck_assert_msg(st == MR_VOTING, "%s", mr_status_name(st));
}

/* The first piece of evidence a node holds, if it holds one. */
static bool evidence(uint32_t node, struct mr_evidence *ret)
{
    *f.ask = (struct mr_request_body){.kind = MR_REQ_EVIDENCE, .u.evidence = {.from = 1}};
    ck_assert_int_eq(federation_call(&f, node), MR_OK);
    if (f.reply->body.u.evidence.items_count == 0)
        return false;
    *ret = f.reply->body.u.evidence.items[0];
    return true;
}

static bool any_evidence(struct mr_evidence *ret)
{
    for (uint32_t i = 0; i < COPIED; i++)
        if (evidence(i, ret))
            return true;
    return false;
}

/* Node 4 is copied, and each copy votes for an order that the other has not heard of. Then some
 * nodes see the one and some the other. */
START_TEST(a_node_that_runs_twice_is_convicted_by_its_log)
{
    static struct mr_evidence e;
    struct mr_evidence_facts facts;
    const uint16_t seen_at = proxy_port(f.nodes[COPIED].proxy);
    ck_assert_int_eq(federation_stop(&f, COPIED), EXIT_DONE);
    proxy_stop(f.nodes[COPIED].proxy);
    federation_copy(&f, COPIED, TWIN);
    federation_start(&f, COPIED);
    federation_start(&f, TWIN);
    federation_wait_mode(&f, COPIED, MR_OK);
    federation_wait_mode(&f, TWIN, MR_OK);
    pay_unheard(COPIED, 3, 0, 10);
    pay_unheard(TWIN, 2, 1, 20);
    f.nodes[COPIED].proxy =
        proxy_start(seen_at, (const uint16_t[]){f.nodes[COPIED].peer, f.nodes[TWIN].peer}, 2);
    ck_assert_ptr_nonnull(f.nodes[COPIED].proxy);
    const time_t late = time(NULL) + 60;
    while (!any_evidence(&e))
        ck_assert_msg(time(NULL) < late, "nobody holds evidence");
    ck_assert_int_eq(e.body.kind, MR_EVIDENCE_FORK);
    ck_assert_int_eq(mr_evidence_verify(&facts, &f.w.charter, NULL, &e), MR_OK);
    ck_assert_uint_eq(facts.node, COPIED + 1);
    ck_assert_int_eq(facts.breach, MR_BREACH_TWO_HISTORIES);
    /* Both notice, and sign nothing more; nothing that was handed to them is lost. */
    federation_wait_mode(&f, COPIED, MR_ABSTAINING);
    federation_wait_mode(&f, TWIN, MR_ABSTAINING);
    federation_kill(&f, COPIED);
    federation_kill(&f, TWIN);
    federation_agree(&f, 2 * NODES + 2);
    ck_assert_int_eq(federation_balance(&f, 0, 0), GIFT + 10);
    ck_assert_int_eq(federation_balance(&f, 0, 1), GIFT + 20);
    ck_assert_int_eq(federation_pay(&f, 0, 0, 1, 5), MR_SETTLED);
    federation_agree(&f, 2 * NODES + 3);
}
END_TEST

/* The same without a lie: the copy is started instead of the node, after it went on without it. */
START_TEST(a_node_from_an_old_copy_signs_nothing)
{
    ck_assert_int_eq(federation_stop(&f, COPIED), EXIT_DONE);
    federation_copy(&f, COPIED, TWIN);
    federation_start(&f, COPIED);
    federation_wait_mode(&f, COPIED, MR_OK);
    ck_assert_int_eq(federation_pay(&f, COPIED, 3, 0, 10), MR_SETTLED);
    federation_agree(&f, 2 * NODES + 1);
    federation_kill(&f, COPIED);
    federation_start(&f, TWIN);
    federation_wait_mode(&f, TWIN, MR_ABSTAINING);
    ck_assert_int_eq(federation_pay(&f, 0, 0, 1, 5), MR_SETTLED);
    for (uint32_t i = 0; i < COPIED; i++)
        ck_assert_uint_eq(federation_peers(&f, i)->evidence, 0);
    federation_kill(&f, TWIN);
}
END_TEST

/* An owner hands in two orders for one slot at two nodes, before either has heard of the other. */
START_TEST(two_orders_of_one_owner_are_decided)
{
    const struct timespec step = {.tv_nsec = 50000000};
    uint32_t policy;
    const uint64_t seq = federation_chain(&f, 0, 0, &policy).next_seq;
    for (uint32_t i = 0; i < NODES; i++)
        proxy_hold(f.nodes[i].proxy, true);
    pay_unheard(0, 0, 1, 100);
    pay_unheard(1, 0, 2, 200);
    for (uint32_t i = 0; i < NODES; i++)
        proxy_hold(f.nodes[i].proxy, false);
    const time_t late = time(NULL) + 60;
    while (federation_chain(&f, 0, 0, &policy).next_seq == seq) {
        ck_assert_msg(time(NULL) < late, "undecided");
        nanosleep(&step, NULL);
    }
    federation_agree(&f, 2 * NODES);
    const int64_t left = federation_balance(&f, 0, 0);
    ck_assert_msg(left == GIFT || left == GIFT - 100 || left == GIFT - 200, "%lld",
                  (long long)left);
    ck_assert_int_eq(federation_balance(&f, 2, 1) + federation_balance(&f, 2, 2) + left, 3 * GIFT);
    ck_assert_int_eq(federation_pay(&f, 1, 0, 1, 7), MR_SETTLED);
    for (uint32_t i = 0; i < NODES; i++)
        ck_assert_uint_eq(federation_peers(&f, i)->evidence, 0);
    for (uint32_t i = 0; i < NODES; i++)
        ck_assert_int_eq(federation_stop(&f, i), EXIT_DONE);
    for (uint32_t i = 0; i < NODES; i++)
        federation_audit(&f, i);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("federation_twin");
    TCase *c = tcase_create("twin");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_node_that_runs_twice_is_convicted_by_its_log);
    tcase_add_test(c, a_node_from_an_old_copy_signs_nothing);
    tcase_add_test(c, two_orders_of_one_owner_are_decided);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
