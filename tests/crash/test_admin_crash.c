/* mereau-admin is killed at random moments of `issue`, and so is its node now and then; the same
 * command again ends with the first result. Each bank line is issued exactly once. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/office.h"
#include "lib/scratch.h"

enum { ROUNDS = 40, REPEATS_MAX = 20, LONGEST_US = 60000 };

static struct office office;
static char dir[SCRATCH_PATH_MAX], ana[OFFICE_ADDRESS_MAX];

static unsigned rounds(void)
{
    const char *more = getenv("MEREAU_CRASH_ROUNDS");
    return more != NULL ? (unsigned)strtoul(more, NULL, 10) : ROUNDS;
}

static unsigned random_below(unsigned n)
{
    return (unsigned)random() % n;
}

/* Begin the command and kill it, or the node, a random moment later. */
static void interrupt(const char *const *words)
{
    struct proc *p = office_start(&office, words);
    const struct timespec moment = {.tv_nsec = (long)random_below(LONGEST_US) * 1000};
    nanosleep(&moment, NULL);
    if (random_below(4) == 0) {
        proc_signal(office.node, SIGKILL);
        proc_wait(office.node, PROC_DEADLINE_MS);
        proc_end(office.node);
        office_node_start(&office);
    } else {
        proc_signal(p, SIGKILL);
    }
    ck_assert_int_ge(proc_wait(p, PROC_DEADLINE_MS), 0);
    proc_end(p);
}

static void repeat_until_done(const char *const *words)
{
    for (int i = 0; i < REPEATS_MAX; i++) {
        const int code = office_run(&office, words);
        ck_assert_msg(code == 0 || code == 3, "exit %d: %s", code, office.text);
        if (code == 0)
            return;
    }
    ck_abort_msg("never done: %s", office.text);
}

START_TEST(test_issue)
{
    const unsigned count = rounds();
    for (unsigned i = 0; i < count; i++) {
        char ref[32];
        snprintf(ref, sizeof ref, "R%u", i);
        const char *const words[] = {"issue", ana, "1.00", "--bank-ref", ref, NULL};
        for (unsigned kills = 1 + random_below(2); kills > 0; kills--)
            interrupt(words);
        repeat_until_done(words);
        ck_assert_int_eq(office_balance(&office, ana), 100 * (int64_t)(i + 1));
    }
    ck_assert_int_eq(OFFICE_RUN(&office, "check"), 0);
    ck_assert_int_eq(office_int(&office, "issued_minor"), 100 * (int64_t)count);
    ck_assert_int_eq(OFFICE_RUN(&office, "draft", "list"), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(office.said, "drafts")), 0);
}
END_TEST

/* The same for people who are admitted: account and register agree in the end. */
START_TEST(test_admit)
{
    const unsigned count = rounds() / 4;
    for (unsigned i = 0; i < count; i++) {
        char name[32], address[OFFICE_ADDRESS_MAX];
        snprintf(name, sizeof name, "Member %u", i);
        office_join(&office, address, name, MR_CLASS_RESIDENT);
        const char *const words[] = {"admit", "--all", NULL};
        interrupt(words);
        repeat_until_done(words);
        ck_assert_int_eq(OFFICE_RUN(&office, "member", "show", name), 0);
        ck_assert_int_eq(OFFICE_RUN(&office, "requests"), 0);
        ck_assert_uint_eq(json_array_size(json_object_get(office.said, "requests")), 0);
    }
}
END_TEST

static void setup(void)
{
    srandom(20250131);
    scratch_make(dir);
    office_found(&office, dir, 1);
    office_join(&office, ana, "Ana", MR_CLASS_RESIDENT);
    ck_assert_int_eq(OFFICE_RUN(&office, "admit", "Ana"), 0);
}

static void teardown(void)
{
    office_done(&office);
    scratch_remove(dir);
}

int main(void)
{
    Suite *s = suite_create("admin_crash");
    TCase *t = tcase_create("crash");
    tcase_set_timeout(t, 540);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_issue);
    tcase_add_test(t, test_admit);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
