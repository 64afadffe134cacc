/* Four real nodes agree on checkpoints while people pay without rest. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/exit.h"
#include "common/file.h"
#include "lib/crowd.h"
#include "lib/loopback.h"

enum { NODES = 4, QUORUM = 3, PAYERS = 8, ORDERS = 200, LONG_MS = 120000 };

static struct federation f;

static void setup(void)
{
    char conf[64];
    snprintf(conf, sizeof conf, "[checkpoint]\norders = %d\n", ORDERS);
    federation_make(&f, NODES, QUORUM);
    for (uint32_t i = 0; i < NODES; i++)
        federation_configure(&f, i, conf);
    crowd_gather(&f, PAYERS, 1000000);
}

static void teardown(void)
{
    federation_done(&f);
}

static const struct mr_rep_node *about(uint32_t node)
{
    f.ask->kind = MR_REQ_NODE;
    f.ask->u.node.reserved = 0;
    ck_assert_int_eq(federation_call(&f, node), MR_OK);
    return &f.reply->body.u.node;
}

/* How long a node held orders for the first checkpoint, by its own word. */
static unsigned long long rested_ms(uint32_t node)
{
    char line[512];
    ck_assert(
        proc_line(f.nodes[node].proc, line, sizeof line, " checkpoint_agreed number=1 ", LONG_MS));
    const char *const at = strstr(line, "rested_ms=");
    ck_assert_ptr_nonnull(at);
    return strtoull(at + strlen("rested_ms="), NULL, 10);
}

/* What people read of it. */
static void expect_status(uint32_t node)
{
    const char *const argv[] = {MEREAU_BIN_DIR "/mereau-admin", "-d", f.nodes[node].data, "status",
                                NULL};
    struct proc *const p = proc_start(argv);
    ck_assert_ptr_nonnull(p);
    const int code = proc_wait(p, PROC_DEADLINE_MS);
    char *const text = proc_text(p);
    ck_assert_msg(code == 0 && strstr(text, "the last one of 20") != NULL, "%d: %s", code, text);
    free(text);
    proc_end(p);
}

static void end(struct crowd *c)
{
    const uint64_t acked = crowd_stop(c);
    federation_agree(&f, 2 * PAYERS + 1 + acked);
    crowd_check(c);
    for (uint32_t i = 0; i < NODES; i++)
        ck_assert_uint_ge(about(i)->checkpoints, 1);
    expect_status(3);
    for (uint32_t i = 0; i < NODES; i++)
        ck_assert_int_eq(federation_stop(&f, i), EXIT_DONE);
    for (uint32_t i = 0; i < NODES; i++)
        federation_audit(&f, i);
}

START_TEST(under_load)
{
    struct crowd *const c = crowd_start(&f, PAYERS);
    for (uint32_t i = 0; i < NODES; i++) {
        const unsigned long long ms = rested_ms(i);
        fprintf(stderr, "node %u rested for %llu ms\n", (unsigned)i + 1, ms);
        ck_assert_uint_le(ms, 3000);
    }
    crowd_wait(c, ORDERS); /* payments go on */
    end(c);
}
END_TEST

/* Without the first one in turn, which comes back later and has it too. */
START_TEST(with_a_node_down)
{
    struct crowd *const c = crowd_start(&f, PAYERS);
    federation_kill(&f, 0);
    for (uint32_t i = 1; i < NODES; i++)
        rested_ms(i);
    federation_start(&f, 0);
    federation_wait_mode(&f, 0, MR_OK);
    rested_ms(0);
    end(c);
}
END_TEST

/* The alarm on the page that monitoring reads. */
static bool is_late(uint32_t node)
{
    static char page[1 << 16];
    loopback_get(page, sizeof page, f.nodes[node].http, "GET /metrics HTTP/1.0\r\n\r\n");
    const char *const at = strstr(page, "\nmereau_checkpoint_late ");
    ck_assert_ptr_nonnull(at);
    return at[strlen("\nmereau_checkpoint_late ")] == '1';
}

static char clock_file[SCRATCH_PATH_MAX + 16], clock_word[SCRATCH_PATH_MAX + 32];

/* All nodes go by a clock that the test moves. */
static const char *const moved[] = {clock_word, "LD_PRELOAD=" SKEW,
                                    "ASAN_OPTIONS=verify_asan_link_order=0", NULL};

static void setup_moved(void)
{
    federation_make(&f, NODES, QUORUM);
    snprintf(clock_file, sizeof clock_file, "%s/skew", f.dir);
    snprintf(clock_word, sizeof clock_word, "SKEW_FILE=%s", clock_file);
    for (uint32_t i = 0; i < NODES; i++)
        federation_start_in(&f, i, moved);
    for (uint32_t i = 0; i < NODES; i++)
        federation_wait_mode(&f, i, MR_OK);
    federation_open(&f, 0, 0, MR_CLASS_RESIDENT);
}

/* Two of four are away: none comes of it, and after ten minutes the alarm says so. It is over when
 * they are back and agree. */
START_TEST(an_alarm_when_none_is_agreed)
{
    char ms[24];
    bool told = false;
    ck_assert(!is_late(0));
    federation_kill(&f, 2);
    federation_kill(&f, 3);
    f.ask->kind = MR_REQ_CONTROL;
    f.ask->u.control.what = MR_CONTROL_CHECKPOINT;
    ck_assert_int_eq(federation_call(&f, 0), MR_OK);
    ck_assert(!proc_line(f.nodes[0].proc, NULL, 0, " checkpoint_late ", 1500));
    for (long now = 601000; !told && now < 100 * 601000L; now += 601000) {
        const int n = snprintf(ms, sizeof ms, "%ld", now);
        ck_assert_int_eq(file_write(clock_file, ms, (size_t)n, 0600, true), MR_OK);
        told = proc_line(f.nodes[0].proc, NULL, 0, " checkpoint_late ", 3000);
    }
    ck_assert(told);
    while (!is_late(0)) /* the page is made anew now and then; the test's time-out ends this */
        proc_line(f.nodes[0].proc, NULL, 0, " never ", 100);
    for (uint32_t i = 2; i < NODES; i++)
        federation_start_in(&f, i, moved);
    ck_assert(proc_line(f.nodes[0].proc, NULL, 0, " checkpoint_agreed number=1 ", LONG_MS));
    while (is_late(0))
        proc_line(f.nodes[0].proc, NULL, 0, " never ", 100);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("federation checkpoint");
    TCase *c = tcase_create("federation checkpoint");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, under_load);
    tcase_add_test(c, with_a_node_down);
    TCase *const alarm = tcase_create("alarm");
    tcase_set_timeout(alarm, 240);
    tcase_add_checked_fixture(alarm, setup_moved, teardown);
    tcase_add_test(alarm, an_alarm_when_none_is_agreed);
    suite_add_tcase(s, c);
    suite_add_tcase(s, alarm);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
