/* LED-31, LED-32 at several nodes: what one node has seen and another has not does not split their
 * votes for a CLEAR. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ring.h"

enum { A, B, HOMES, NODES = 3, LAGS = 2 };

static struct ring r;
static struct mr_signed_order o;

static enum mr_status order(uint32_t node, uint32_t home, enum mr_order_kind kind,
                            void (*fill)(struct mr_order_body *b))
{
    ring_order(&r, node, &o, r.w.homes[home].treasury, kind);
    fill(&o.order.body);
    world_sign(&r.w, &o);
    return ring_submit(&r, node, &o);
}

static void issue_to_first(struct mr_order_body *b)
{
    world_issue_body(&r.w, &b->u.issue, 0, 900000000);
}

static void issue_to_second(struct mr_order_body *b)
{
    world_issue_body(&r.w, &b->u.issue, 1, 900000000);
}

static void clear_to_second(struct mr_order_body *b)
{
    world_clear_body(&r.w, &b->u.clear, A, B, 800000000);
    world_countersign(&r.w, &b->u.clear);
}

static void new_keys(struct mr_order_body *b)
{
    b->u.setkeys.generation = 2;
    b->u.setkeys.keys = r.w.charter.associations[A].treasury;
}

static enum mr_status open_at(uint32_t home)
{
    ring_order(&r, 0, &o, r.w.homes[home].desk, MR_KIND_OPEN);
    world_open_body(&r.w, &o.order.body.u.open, home, MR_CLASS_RESIDENT);
    world_sign(&r.w, &o);
    r.w.members_count++;
    return ring_submit(&r, 0, &o);
}

static void cut_off(bool cut)
{
    for (uint32_t i = 0; i < NODES; i++)
        if (i != LAGS)
            r.nodes[i].cut[LAGS] = r.nodes[LAGS].cut[i] = cut;
}

static void setup(void)
{
    ring_init_homes(&r, NODES, 2, HOMES);
    ck_assert_int_eq(open_at(A), MR_SETTLED);
    ck_assert_int_eq(open_at(B), MR_SETTLED);
    ck_assert_int_eq(order(0, A, MR_KIND_ISSUE, issue_to_first), MR_SETTLED);
    ring_wait(&r, 500);
}

static void teardown(void)
{
    ring_done(&r);
}

/* One node does not hear what the others settle about B, nor by what it asked before. */
static void settle_unheard(enum mr_order_kind kind, void (*fill)(struct mr_order_body *b))
{
    cut_off(true);
    for (uint32_t i = 0; i < LAGS; i++)
        ring_break(&r, LAGS, i);
    ck_assert_int_eq(order(0, B, kind, fill), MR_SETTLED);
}

static void expect_cleared(int64_t owed)
{
    cut_off(false);
    ring_settle(&r);
    ring_wait(&r, 5000);
    for (uint32_t i = 0; i < NODES; i++) {
        ring_order(&r, i, &o, r.w.homes[B].issuer, MR_KIND_CLEAR);
        ck_assert_int_eq(r.reply->body.u.account.hot.chain.balances[0].minor, -owed);
    }
    ring_check(&r);
}

/* B issued meanwhile: together it owes more than its cap, and yet nobody's vote is missing. */
START_TEST(the_cap_of_the_other_splits_no_votes)
{
    settle_unheard(MR_KIND_ISSUE, issue_to_second);
    ck_assert_int_eq(order(0, A, MR_KIND_CLEAR, clear_to_second), MR_CAP_EXCEEDED);
    order(LAGS, A, MR_KIND_CLEAR, clear_to_second);
    expect_cleared(1700000000);
}
END_TEST

START_TEST(new_keys_of_the_other_split_no_votes)
{
    settle_unheard(MR_KIND_SETKEYS, new_keys);
    ck_assert_int_eq(order(0, A, MR_KIND_CLEAR, clear_to_second), MR_KEYS_OLD);
    order(LAGS, A, MR_KIND_CLEAR, clear_to_second);
    expect_cleared(800000000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("clear votes");
    TCase *tc = tcase_create("votes");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_cap_of_the_other_splits_no_votes);
    tcase_add_test(tc, new_keys_of_the_other_split_no_votes);
    suite_add_tcase(s, tc);
    SRunner *n = srunner_create(s);
    srunner_run_all(n, CK_ENV);
    const int failed = srunner_ntests_failed(n);
    srunner_free(n);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
