/* Four real nodes on a bad line of the kernel's own: late, lossy, out of order, doubled packets.
 * In a network namespace of its own; where the machine allows none, or has no netem, the test is
 * skipped. */
#include <check.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/crowd.h"

enum { NODES = 4, QUORUM = 3, PAYERS = 8, PAYMENTS = 200, EXIT_SKIPPED = 77 };

static struct federation f;

static bool loopback_up(void)
{
    struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &r) == 0;
    if (fd >= 0)
        close(fd);
    return up;
}

static bool make_it_bad(void)
{
    static const char *const argv[] = {"/sbin/tc",  "qdisc", "add",     "dev", "lo",   "root",
                                       "netem",     "delay", "5ms",     "2ms", "loss", "1%",
                                       "duplicate", "1%",    "reorder", "5%",  "50%",  NULL};
    struct proc *const p = proc_start(argv);
    const bool done = p != NULL && proc_wait(p, PROC_DEADLINE_MS) == 0;
    proc_end(p);
    return done;
}

START_TEST(payments_cross_a_bad_line)
{
    federation_make(&f, NODES, QUORUM);
    crowd_gather(&f, PAYERS, 100000);
    struct crowd *const c = crowd_start(&f, PAYERS);
    crowd_wait(c, PAYMENTS);
    crowd_end(c);
    federation_done(&f);
}
END_TEST

int main(void)
{
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        puts("skipped: this machine allows no network namespace");
        return EXIT_SKIPPED;
    }
    if (!loopback_up() || !make_it_bad()) {
        puts("skipped: this kernel has no netem");
        return EXIT_SKIPPED;
    }
    Suite *s = suite_create("federation_netem");
    TCase *c = tcase_create("netem");
    tcase_set_timeout(c, 240);
    tcase_add_test(c, payments_cross_a_bad_line);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
