/* A node of several that comes back: restored from a backup (EPO-5, EPO-6, JNL-9), late, or with a
 * clock that was set back (LOG-4). */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "engine/internal.h"
#include "lib/ring.h"
#include "mereau/journal.h"

static struct ring r;

static void begin(uint32_t quorum)
{
    ring_init(&r, 3, quorum);
    ring_people(&r);
    ring_wait(&r, 1000);
}

static void teardown(void)
{
    ring_done(&r);
}

static void restore(uint32_t node, struct mr_journal *backup)
{
    ring_kill(&r, node);
    ring_restore(&r, node, backup);
    ring_start(&r, node);
    ring_wait(&r, 20000);
}

static void again(uint32_t node)
{
    ring_kill(&r, node);
    ring_start(&r, node);
    ring_wait(&r, 1000);
}

/* The CUTs of two epochs name its own log, which it forgot: it reads that again where the others
 * have it, goes on with them as a reader, and signs again with a new key. */
START_TEST(it_follows_through_epochs)
{
    struct mr_journal *backup;
    begin(3);
    ring_backup(&r, 2, &backup);
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 10), MR_SETTLED);
    for (uint32_t epoch = 2; epoch <= 3; epoch++) {
        ck_assert_int_eq(ring_next(&r, 0, 0, 2, 5 - epoch, 0), MR_SETTLED);
        ring_wait(&r, 10000);
        ring_in_epoch(&r, 0, 2, epoch);
    }
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 20), MR_SETTLED);
    restore(2, backup);
    ring_in_epoch(&r, 2, 2, 3);
    ck_assert_int_eq(ring_balance(&r, 2, 1), 30);
    ck_assert_uint_eq(r.nodes[2].engine->tree.size, 0); /* it said something else there once */
    ring_kill(&r, 1);
    again(0); /* it is answered, by a node that will never have a log here */
    ck_assert_int_eq(mri_mode(r.nodes[0].engine), MR_NO_QUORUM);
    ring_start(&r, 1);
    ring_wait(&r, 1000);
    r.nodes[2].abstain = false;
    again(2); /* out of the journal */
    ck_assert(r.nodes[2].engine->ledger.meta.abstaining);
    ck_assert_int_eq(ring_next(&r, 0, 0, 2, 2, 1u << 2), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 2, 4);
    ring_kill(&r, 1);
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 10), MR_SETTLED);
    ring_start(&r, 1);
    ring_wait(&r, 1000);
    ring_check(&r);
}
END_TEST

/* One node reads the log of another as it is now, and nothing else moves. */
static void let_read(uint32_t node, uint32_t peer)
{
    r.nodes[node].cut[peer] = false;
    ring_settle(&r);
    ring_isolate(&r);
}

/* Node 0 seals its log before it hears of a payment that node 1 acknowledged; node 2, which voted
 * for it too, is gone: the acknowledgement of node 1 alone decides, and node 1 forgot it. */
START_TEST(what_it_forgot_decides)
{
    struct mr_journal *backup;
    begin(2);
    ring_isolate(&r);
    ring_backup(&r, 1, &backup);
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 10), MR_NO_ANSWER);
    ck_assert_int_eq(ring_next(&r, 0, 0, 2, 2, 0), MR_NO_ANSWER);
    let_read(1, 0);
    let_read(0, 1);
    let_read(1, 2);
    ring_kill(&r, 2);
    ring_reunite(&r);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 1, 2);
    restore(1, backup);
    ring_in_epoch(&r, 0, 1, 2);
    ck_assert_int_eq(ring_balance(&r, 1, 1), 10);
    ring_check(&r);
    ring_sum(&r, 1);
    again(1); /* out of the store */
    ring_check(&r);
}
END_TEST

/* Who is last to end an epoch, and starts again, hears only a node that was put back and is over
 * already: its log is shorter than the one that was read. */
START_TEST(a_shorter_log_is_an_answer)
{
    struct mr_journal *backup;
    begin(2);
    ring_backup(&r, 1, &backup);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_SETTLED);
    r.nodes[0].no_sum = r.nodes[1].no_sum = true;
    ck_assert_int_eq(ring_next(&r, 0, 0, 2, 2, 1u << 1), MR_SETTLED);
    ring_wait(&r, 10000);
    restore(1, backup);
    ring_in_epoch(&r, 1, 2, 2);
    ring_in_epoch(&r, 0, 0, 1);
    ring_kill(&r, 2);
    r.nodes[0].no_sum = false;
    again(0);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 1, 2);
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 20), MR_SETTLED);
    ring_start(&r, 2);
    ring_wait(&r, 1000);
    ring_check(&r);
}
END_TEST

/* Those who went over know what it said in the epoch that ended. */
START_TEST(who_went_over_tells_what_was_forgotten)
{
    struct mr_journal *backup;
    begin(2);
    ring_backup(&r, 1, &backup);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_SETTLED);
    ck_assert_int_eq(ring_next(&r, 0, 0, 2, 2, 0), MR_SETTLED);
    ring_wait(&r, 500);
    ring_in_epoch(&r, 0, 2, 2);
    ring_kill(&r, 1);
    ring_restore(&r, 1, backup);
    r.nodes[1].abstain = false; /* nobody noticed */
    ring_start(&r, 1);
    ring_settle(&r);
    ck_assert(r.nodes[1].engine->ledger.meta.abstaining);
}
END_TEST

static struct mr_head head_of(uint32_t node)
{
    static struct mr_request q = {.body.kind = MR_REQ_HEAD};
    ck_assert_int_eq(ring_request(&r, node, &q), MR_OK);
    return r.reply->body.u.head.head;
}

/* Nothing happens, and it shows all the same that it works. */
START_TEST(a_clock_that_was_set_back_stops_no_heartbeat)
{
    begin(2);
    ring_wait(&r, 10000);
    ring_kill(&r, 2);
    r.w.now_ms -= 600000;
    ring_start(&r, 2);
    ring_wait(&r, 10000);
    const struct mr_head was = head_of(2);
    ck_assert_uint_gt(was.time_ms, r.w.now_ms); /* it did not go back (LOG-4) */
    ring_wait(&r, 10000);
    const struct mr_head now = head_of(2);
    ck_assert_uint_eq(now.size, was.size);
    ck_assert_uint_ge(now.time_ms, was.time_ms + 3);    /* each heartbeat is a later one, */
    ck_assert_uint_lt(now.time_ms, was.time_ms + 1000); /* and the time does not go on by itself */
}
END_TEST

/* A node that is alone goes on to ballot after ballot. Those that come back, further behind than
 * they are led at a time, meet it all the same (SLOT-11). */
START_TEST(nodes_meet_in_a_ballot_however_far_apart)
{
    static struct mr_signed_order o;
    struct mr_signed_cancel c = {.cancel.seq = 0};
    begin(3);
    ring_isolate(&r);
    ring_order(&r, 0, &o, r.w.members[0].id, MR_KIND_PAY);
    world_pay_body(&r.w, &o.order.body.u.pay, 1, 10);
    world_sign(&r.w, &o);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_NO_ANSWER);
    memcpy(c.cancel.ledger, r.w.ledger, 32);
    memcpy(c.cancel.account, r.w.members[0].id, 16);
    c.cancel.seq = o.order.seq;
    mr_cancel_sign(&c, 0, &r.w.members[0].key);
    ck_assert_int_eq(ring_cancel(&r, 0, &c), MR_NO_ANSWER);
    for (uint32_t i = 1; i < 3; i++)
        ring_kill(&r, i);
    ring_wait(&r, 600000);
    for (uint32_t i = 1; i < 3; i++)
        ring_start(&r, i);
    ring_reunite(&r);
    ring_wait(&r, 20000);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 20), MR_SETTLED);
    ck_assert_int_eq(ring_balance(&r, 2, 1), 20);
    ring_check(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("restored");
    TCase *c = tcase_create("restored");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, NULL, teardown);
    tcase_add_test(c, it_follows_through_epochs);
    tcase_add_test(c, what_it_forgot_decides);
    tcase_add_test(c, a_shorter_log_is_an_answer);
    tcase_add_test(c, who_went_over_tells_what_was_forgotten);
    tcase_add_test(c, a_clock_that_was_set_back_stops_no_heartbeat);
    tcase_add_test(c, nodes_meet_in_a_ballot_however_far_apart);
    suite_add_tcase(s, c);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
