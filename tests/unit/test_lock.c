/* One process a directory, and who has it. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "storage/lock.h"

static char dir[SCRATCH_PATH_MAX];

static void setup(void)
{
    scratch_make(dir);
}

static void teardown(void)
{
    scratch_remove(dir);
}

START_TEST(a_lock_is_taken_once)
{
    struct dir_lock *l, *second = NULL;
    pid_t holder = 0;

    ck_assert_int_eq(lock_take(&l, dir, NULL), MR_OK);
    ck_assert_int_eq(lock_take(&second, dir, &holder), MR_IN_USE);
    ck_assert_ptr_null(second);
    ck_assert_int_eq(holder, getpid());
    lock_release(l);
    ck_assert_int_eq(lock_take(&l, dir, NULL), MR_OK);
    lock_release(l);
    lock_release(NULL);
}
END_TEST

START_TEST(a_directory_must_be_there)
{
    struct dir_lock *l;

    ck_assert_int_eq(lock_take(&l, scratch_path(dir, "none"), NULL), MR_NO_SUCH_FILE);
}
END_TEST

/* Another process holds it; when it is killed, the lock is free at once. */
START_TEST(a_killed_process_holds_nothing)
{
    int ready[2];
    struct dir_lock *l;
    pid_t holder = 0;
    char byte;

    ck_assert_int_eq(pipe(ready), 0);
    const pid_t parent = getpid(), child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent && lock_take(&l, dir, NULL) == MR_OK)
            (void)!write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    const enum mr_status st = lock_take(&l, dir, &holder);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(st, MR_IN_USE);
    ck_assert_int_eq(holder, child);
    ck_assert_int_eq(lock_take(&l, dir, &holder), MR_OK);
    lock_release(l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lock");
    TCase *tc = tcase_create("lock");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_lock_is_taken_once);
    tcase_add_test(tc, a_directory_must_be_there);
    tcase_add_test(tc, a_killed_process_holds_nothing);
    suite_add_tcase(s, tc);

    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    const int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
