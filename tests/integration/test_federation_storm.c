/* Four real nodes whose lines are cut, slow and repeat, and who die under load: what was
 * acknowledged stays, everywhere, once, and nobody is accused of it. */
#include <check.h>
#include <signal.h>

#include "lib/crowd.h"

enum { NODES = 4, QUORUM = 3, PAYERS = 8, ENOUGH = 12 };

static struct federation f;

static void setup(void)
{
    federation_make_proxied(&f, NODES, QUORUM);
    crowd_gather(&f, PAYERS, 100000);
}

static void teardown(void)
{
    federation_done(&f);
}

START_TEST(lines_that_break_delay_and_repeat)
{
    enum { CUTS = 24, REPEAT_EVERY = 5, DELAY_US = 2000 };
    uint64_t repeated = 0, broken = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        proxy_repeat(f.nodes[i].proxy, REPEAT_EVERY);
        proxy_delay(f.nodes[i].proxy, i * DELAY_US);
        proxy_cut(f.nodes[i].proxy);
    }
    struct crowd *const c = crowd_start(&f, PAYERS);
    for (uint32_t i = 0; i < CUTS; i++) {
        crowd_wait(c, ENOUGH);
        proxy_cut(f.nodes[i % NODES].proxy);
    }
    for (uint32_t i = 0; i < NODES; i++) {
        repeated += proxy_counts(f.nodes[i].proxy).repeated;
        broken += proxy_counts(f.nodes[i].proxy).broken;
    }
    ck_assert_uint_gt(repeated, CUTS);
    ck_assert_uint_gt(broken, CUTS);
    crowd_end(c);
}
END_TEST

/* A line that stands and carries nothing; then one that does not stand: the others do not wait. */
START_TEST(one_node_cannot_be_heard)
{
    struct crowd *const c = crowd_start(&f, PAYERS);
    crowd_wait(c, ENOUGH);
    for (uint32_t i = 0; i < NODES; i++) {
        proxy_hold(f.nodes[i].proxy, true);
        crowd_wait(c, 4 * ENOUGH);
        proxy_hold(f.nodes[i].proxy, false);
        proxy_close(f.nodes[(i + 1) % NODES].proxy, true);
        crowd_wait(c, 4 * ENOUGH);
        proxy_close(f.nodes[(i + 1) % NODES].proxy, false);
    }
    crowd_end(c);
}
END_TEST

START_TEST(nodes_die_under_load)
{
    enum { ROUNDS = 6 };
    struct crowd *const c = crowd_start(&f, PAYERS);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        crowd_wait(c, ENOUGH);
        federation_kill(&f, i % NODES);
        crowd_wait(c, ENOUGH);
        federation_start(&f, i % NODES);
        federation_wait_mode(&f, i % NODES, MR_OK);
    }
    crowd_end(c);
}
END_TEST

/* The lights go out in the whole region. */
START_TEST(all_nodes_die_at_once)
{
    enum { ROUNDS = 3 };
    struct crowd *const c = crowd_start(&f, PAYERS);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        crowd_wait(c, ENOUGH);
        for (uint32_t k = 0; k < NODES; k++)
            proc_signal(f.nodes[k].proc, SIGKILL);
        for (uint32_t k = 0; k < NODES; k++)
            federation_kill(&f, k);
        federation_start_all(&f);
        for (uint32_t k = 0; k < NODES; k++)
            federation_wait_mode(&f, k, MR_OK);
    }
    crowd_end(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("federation_storm");
    TCase *c = tcase_create("storm");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, lines_that_break_delay_and_repeat);
    tcase_add_test(c, one_node_cannot_be_heard);
    tcase_add_test(c, nodes_die_under_load);
    tcase_add_test(c, all_nodes_die_at_once);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
