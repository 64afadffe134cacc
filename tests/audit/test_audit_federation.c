/* Four real nodes, payments between them, one killed and started again: the auditor finds nothing
 * in any of their directories, running or stopped, and the books agree. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/program.h"
#include "common/exit.h"
#include "lib/federation.h"

enum { NODES = 4, QUORUM = 3, ROUNDS = 8 };

static struct federation f;

static void setup(void)
{
    federation_make(&f, NODES, QUORUM);
    memcpy(program_dir, f.dir, sizeof program_dir);
    federation_start_all(&f);
    for (uint32_t i = 0; i < NODES; i++)
        federation_wait_mode(&f, i, MR_OK);
}

static void teardown(void)
{
    federation_done(&f);
}

static void verify(uint32_t node)
{
    char command[SCRATCH_PATH_MAX + 32];
    snprintf(command, sizeof command, "verify --json '%s'", f.nodes[node].data);
    json_t *const o = program_json(command, 0);
    const json_t *const totals = json_object_get(o, "totals");
    ck_assert_int_gt(json_number(totals, "peer_leaves"), json_number(totals, "log_size"));
    ck_assert_uint_eq(json_array_size(json_object_get(totals, "convicted")), 0);
    json_decref(o);
}

/* The mirror of a running node, brought up to date while payments go on. */
static void follow(uint32_t node)
{
    char command[2 * SCRATCH_PATH_MAX + 64];
    snprintf(command, sizeof command, "follow --json --once mirror --control '%s/run/control.sock'",
             f.nodes[node].data);
    json_t *const o = program_json(command, 0);
    const json_t *const row = json_array_get(json_object_get(o, "nodes"), 0);
    ck_assert_int_eq(json_number(row, "node"), node + 1);
    ck_assert_int_gt(json_number(row, "new_turns"), 0);
    json_t *const v = program_json("verify --json mirror", 0);
    ck_assert(json_equal(json_object_get(v, "totals"), json_object_get(o, "totals")));
    json_decref(v);
    json_decref(o);
}

START_TEST(real_nodes_leave_books_without_a_finding)
{
    char command[NODES * (SCRATCH_PATH_MAX + 3) + 32] = "compare --json";
    for (uint32_t i = 0; i < NODES; i++)
        federation_open(&f, i, i, i % 2 == 0 ? MR_CLASS_RESIDENT : MR_CLASS_SHOP);
    for (uint32_t i = 0; i < NODES; i++)
        federation_issue(&f, i, i, i, 10000);
    federation_agree(&f, 2 * NODES);
    follow(0);
    federation_kill(&f, 3);
    for (uint32_t k = 0; k < ROUNDS; k++)
        ck_assert_int_eq(federation_pay(&f, k % 3, k % 3, 3, 10), MR_SETTLED);
    federation_start(&f, 3);
    federation_wait_mode(&f, 3, MR_OK);
    federation_agree(&f, 2 * NODES + ROUNDS);
    ck_assert_int_eq(federation_pay(&f, 3, 3, 0, 5), MR_SETTLED);
    federation_agree(&f, 2 * NODES + ROUNDS + 1);
    verify(0); /* while it runs */
    follow(0);
    for (uint32_t i = 0; i < NODES; i++)
        ck_assert_int_eq(federation_stop(&f, i), EXIT_DONE);
    for (uint32_t i = 0; i < NODES; i++) {
        const size_t n = strlen(command);
        verify(i);
        snprintf(command + n, sizeof command - n, " '%s'", f.nodes[i].data);
    }
    json_t *const o = program_json(command, 0);
    ck_assert(json_is_true(json_object_get(o, "equal")));
    json_decref(o);
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("federation");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 240);
    tcase_add_test(tc, real_nodes_leave_books_without_a_finding);
    Suite *const s = suite_create("audit federation");
    suite_add_tcase(s, tc);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
