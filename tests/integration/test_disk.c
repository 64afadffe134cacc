/* Disks that are full, that fail, and stores that outgrow their map. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/exit.h"
#include "lib/teller.h"

enum { MEMBERS = 60, PATIENCE = 200000, DISK_BYTES = 160 << 20 };

static struct teller t;

static void teardown(void)
{
    teller_done(&t);
}

static void populate(void)
{
    for (uint32_t i = 0; i < MEMBERS; i++)
        ck_assert_int_eq(teller_open(&t, MR_CLASS_SHOP), MR_SETTLED);
    ck_assert_int_eq(teller_issue(&t, 0, 100000000), MR_SETTLED);
}

/* The first member pays all others one unit each. */
static enum mr_status pay_all(void)
{
    static struct mr_signed_order o;
    teller_order(&t, &o, t.w.members[0].id, MR_KIND_PAY);
    struct mr_pay *b = &o.order.body.u.pay;
    b->lines_count = MEMBERS - 1;
    for (uint32_t i = 1; i < MEMBERS; i++) {
        memcpy(b->lines[i - 1].payee, t.w.members[i].id, 16);
        b->lines[i - 1].amount = 1;
        b->lines[i - 1].what = MR_LINE_PAYMENT;
    }
    world_sign(&t.w, &o);
    return teller_submit(&t, &o);
}

static void sums_are(int64_t rounds)
{
    ck_assert_int_eq(teller_balance(&t, t.w.members[0].id, 0), 100000000 - rounds * (MEMBERS - 1));
    for (uint32_t i = 1; i < MEMBERS; i++)
        ck_assert_int_eq(teller_balance(&t, t.w.members[i].id, 0), rounds);
}

/* --- a full disk ------------------------------------------------------------------------------ */

/* Take all space there is. */
static void put_ballast(void)
{
    static char block[65536];
    size_t n = sizeof block;
    const int fd = open(scratch_path(t.dir, "ballast"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    while (n > 0)
        if (write(fd, block, n) < 0)
            n /= 2;
    close(fd);
}

/* Pay until the disk is full; how often. */
static int64_t pay_until_full(void)
{
    int64_t rounds = 0;
    enum mr_status st;
    put_ballast();
    while ((st = pay_all()) == MR_SETTLED && rounds < PATIENCE)
        rounds++;
    ck_assert_int_eq(st, MR_DISK_FULL);
    return rounds;
}

static void recover(void)
{
    enum mr_status st = MR_DISK_FULL;
    unlink(scratch_path(t.dir, "ballast"));
    for (int i = 0; i < PATIENCE && (st = pay_all()) == MR_DISK_FULL; i++)
        ;
    ck_assert_int_eq(st, MR_SETTLED);
}

static const char small_conf[] = "[wallet]\nlisten = 127.0.0.1:0\n"
                                 "[journal]\nsegment-size = 8MiB\n"
                                 "[store]\nflush-after = 100ms\nmap-size = 1MiB\n";

START_TEST(a_full_disk_is_refused_and_recovers)
{
    if (!teller_make_small(&t, small_conf, DISK_BYTES))
        return; /* needs the right to mount */
    teller_start(&t);
    populate();
    int64_t rounds = pay_until_full();
    ck_assert_int_gt(rounds, 0);
    /* Reading goes on, other orders are refused, the next try too. */
    sums_are(rounds);
    ck_assert_int_eq(teller_pay(&t, 1, 2, 1), MR_DISK_FULL);
    ck_assert_int_eq(pay_all(), MR_DISK_FULL);
    recover();
    sums_are(rounds + 1);
    /* It stops in good order on a full disk, too. */
    rounds += 1 + pay_until_full();
    ck_assert_int_eq(teller_stop(&t), EXIT_DONE);
    unlink(scratch_path(t.dir, "ballast"));
    teller_start(&t);
    sums_are(rounds);
    ck_assert_int_eq(pay_all(), MR_SETTLED);
    ck_assert_int_eq(teller_stop(&t), EXIT_DONE);
}
END_TEST

START_TEST(a_node_starts_on_a_full_disk)
{
    if (!teller_make_small(&t, small_conf, DISK_BYTES))
        return; /* needs the right to mount */
    teller_start(&t);
    populate();
    ck_assert_int_eq(pay_all(), MR_SETTLED);
    ck_assert_int_eq(teller_stop(&t), EXIT_DONE);
    put_ballast();
    struct proc *p = nodedir_run(t.data, NULL, NULL);
    if (!proc_line(p, NULL, 0, " ready ", PROC_DEADLINE_MS)) {
        /* Not a byte left: it says so, and comes up once there is room. */
        ck_assert_int_eq(proc_wait(p, PROC_DEADLINE_MS), EXIT_HOST);
        ck_assert(proc_line(p, NULL, 0, "DISK_FULL", 0));
        proc_end(p);
        unlink(scratch_path(t.dir, "ballast"));
        teller_start(&t);
    } else {
        proc_end(p);
        teller_start(&t);
        ck_assert_int_eq(pay_all(), MR_DISK_FULL);
        sums_are(1);
    }
    recover();
    sums_are(2);
}
END_TEST

/* --- a failing disk --------------------------------------------------------------------------- */

static const char *const preload[] = {"LD_PRELOAD=" FAILSYNC,
                                      "ASAN_OPTIONS=verify_asan_link_order=0", NULL, NULL};

START_TEST(a_failed_sync_ends_the_node)
{
    char word[SCRATCH_PATH_MAX + 32];
    const char *env[4];
    teller_make(&t, NULL);
    teller_start(&t);
    populate();
    ck_assert_int_eq(teller_stop(&t), EXIT_DONE);
    snprintf(word, sizeof word, "FAILSYNC=%s/fail", t.dir);
    memcpy(env, preload, sizeof env);
    env[2] = word;
    t.node = nodedir_run(t.data, env, NULL);
    ck_assert(proc_line(t.node, NULL, 0, " ready ", PROC_DEADLINE_MS));
    snprintf(word, sizeof word, "%s/run/control.sock", t.data);
    const struct link_config config = {.address = word, .ledger = t.w.ledger, .timeout_ms = 2000};
    ck_assert_int_eq(link_open(&t.local, &config), MR_OK);
    ck_assert_int_eq(pay_all(), MR_SETTLED);
    close(open(scratch_path(t.dir, "fail"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    /* No answer, let alone a good one: what is not on the disk was not said. */
    const enum mr_status st = pay_all();
    ck_assert_msg(st == MR_NO_ANSWER || st == MR_UNREACHABLE, "%s", mr_status_name(st));
    ck_assert_int_eq(proc_wait(t.node, PROC_DEADLINE_MS), EXIT_HOST);
    ck_assert(proc_line(t.node, NULL, 0, "IO_ERROR", 0));
    proc_end(t.node);
    t.node = NULL;
    link_close(t.local);
    t.local = NULL;
    /* A good disk again: the same order is paid once, whether it had reached the disk or not. */
    static struct mr_request_body ask;
    ask = *t.ask;
    teller_start(&t);
    ck_assert_int_eq(link_call(t.local, t.reply, &ask), MR_SETTLED);
    ck_assert_int_eq(link_call(t.local, t.reply, &ask), MR_SETTLED);
    sums_are(2);
}
END_TEST

/* --- a map that grows ------------------------------------------------------------------------- */

START_TEST(the_map_grows)
{
    struct stat about;
    int64_t rounds = 0;
    teller_make(&t, "[wallet]\nlisten = 127.0.0.1:0\n"
                    "[store]\nflush-after = 50ms\nmap-size = 1MiB\n");
    teller_start(&t);
    populate();
    do {
        for (int i = 0; i < 50; i++)
            ck_assert_int_eq(pay_all(), MR_SETTLED);
        rounds += 50;
        ck_assert_int_eq(stat(scratch_path(t.data, "store/data.mdb"), &about), 0);
    } while (about.st_size < 3 << 20 && rounds < PATIENCE);
    ck_assert_int_ge(about.st_size, 3 << 20);
    sums_are(rounds);
    teller_kill(&t);
    teller_start(&t);
    sums_are(rounds);
    ck_assert_int_eq(teller_stop(&t), EXIT_DONE);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("disk");
    TCase *c = tcase_create("disk");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, NULL, teardown);
    tcase_add_test(c, a_full_disk_is_refused_and_recovers);
    tcase_add_test(c, a_node_starts_on_a_full_disk);
    tcase_add_test(c, a_failed_sync_ends_the_node);
    tcase_add_test(c, the_map_grows);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
