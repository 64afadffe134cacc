/* Four associations found one currency with files, start their nodes, and pay across; one node dies
 * and the others go on. All of it through the programs, as people do it. */
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/file.h"
#include "lib/federation.h"
#include "lib/loopback.h"
#include "lib/typed.h"

enum { NODES = 4, PATIENCE_S = 60 };

static char wallet_port[NODES][32], peer_port[NODES][32];
static struct proc *nodes[NODES];

/* Until the node says that so many answer it. */
static void wait_answering(unsigned i, long count)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    for (int k = 0; k < 10 * PATIENCE_S; k++) {
        ADMIN("-d", typed_data(i), "federation", "status");
        if (typed_number("nodes_answering") == count)
            return;
        nanosleep(&pause, NULL);
    }
    ck_abort_msg("%s", typed.text);
}

/* --- the ceremony ------------------------------------------------------------------------------
 */

static void offer(unsigned i)
{
    char name[32], alias[16];
    snprintf(name, sizeof name, "Association %u", i + 1);
    snprintf(alias, sizeof alias, "asso%u", i + 1);
    ADMIN("federation", "offer", typed_data(i), "--association", name, "--alias", alias,
          "--operators", "1", "--listen", wallet_port[i], "--peer-listen", peer_port[i],
          "--kdf-min");
}

static void found(void)
{
    for (unsigned i = 0; i < NODES; i++) {
        snprintf(wallet_port[i], sizeof wallet_port[i], "127.0.0.1:%u", loopback_free_port());
        snprintf(peer_port[i], sizeof peer_port[i], "127.0.0.1:%u", loopback_free_port());
    }
    for (unsigned i = 1; i < NODES; i++)
        offer(i);
    ADMIN("init", typed_data(0), "--name", "Galet", "--unit", "GAL", "--association",
          "Association 1", "--alias", "asso1", "--operators", "1", "--listen", wallet_port[0],
          "--peer-listen", peer_port[0], "--kdf-min", "--yes", "--offer", typed_at("d2/offer.mro"),
          "--offer", typed_at("d3/offer.mro"), "--offer", typed_at("d4/offer.mro"));
    for (unsigned i = 1; i < NODES; i++) {
        ADMIN("federation", "found", typed_data(i), typed_at("d1/charter.mrc"), "--yes");
        ck_assert_int_eq(typed_number("node"), i + 1);
    }
    for (unsigned i = 0; i < NODES; i++) {
        nodes[i] = nodedir_start(typed_data(i), NULL);
        ck_assert_ptr_nonnull(nodes[i]);
    }
    for (unsigned i = 0; i < NODES; i++)
        wait_answering(i, NODES);
}

/* Somebody joins an association at its node and is admitted by its operator. */
static void join(unsigned i, const char *name, const char *class)
{
    char link[512];
    ADMIN("-d", typed_data(i), "link");
    snprintf(link, sizeof link, "%s", typed_field("join_link"));
    WALLET("--wallet", typed_at(name), "join", link, "--name", name, "--contact", "x", "--class",
           class, "--kdf-min");
    ADMIN("-d", typed_data(i), "admit", name, "--yes");
}

static void setup(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    scratch_make(typed.dir);
    ck_assert_int_eq(file_write(typed_at("pass"), "secret\n", 7, 0600, true), MR_OK);
    found();
}

static void teardown(void)
{
    for (unsigned i = 0; i < NODES; i++)
        proc_end(nodes[i]);
    free(typed.text);
    json_decref(typed.said);
    typed.text = NULL;
    typed.said = NULL;
    scratch_remove(typed.dir);
}

START_TEST(test_pay_across)
{
    ADMIN("-d", typed_data(2), "federation", "status");
    ck_assert_int_eq(typed_number("node"), 3);
    ck_assert_int_eq(typed_number("nodes_may_be_down"), 1);
    ck_assert_int_eq(typed_number("nodes_may_lie"), 1);
    join(2, "ana", "resident");
    join(3, "bob", "shop");
    ADMIN("-d", typed_data(2), "issue", "ana", "50", "--bank-ref", "R1", "--yes");
    ADMIN("-d", typed_data(3), "list-shop", "bob", "boulangerie", "--name", "Fournil", "--yes");
    WALLET("--wallet", typed_at("ana"), "pay", "boulangerie@asso4", "12.50", "--yes");
    ck_assert_str_eq(typed_field("status"), "SETTLED");
    /* One node dies; the others pay on and say that no further one may. */
    proc_signal(nodes[1], SIGKILL);
    wait_answering(3, NODES - 1);
    RUN("mereau-admin", 0, "-d", typed_data(3), "federation", "status");
    ck_assert_msg(strstr(typed.text, "no further node may be down, one may lie") != NULL, "%s",
                  typed.text);
    ADMIN("-d", typed_data(2), "issue", "ana", "1", "--bank-ref", "R2", "--yes");
    ADMIN("-d", typed_data(3), "status");
    ck_assert_int_eq(typed_number("issued_minor"), 5100);
    /* It comes back and catches up by itself. */
    proc_end(nodes[1]);
    nodes[1] = nodedir_start(typed_data(1), NULL);
    wait_answering(3, NODES);
    wait_answering(1, NODES);
}
END_TEST

/* What is done to a data directory is done as its own node. */
START_TEST(test_own_node)
{
    join(2, "ana", "resident");
    ADMIN("-d", typed_data(2), "issue", "ana", "50", "--bank-ref", "R1", "--yes");
    ADMIN("-d", typed_data(2), "backup", typed_at("b3"));
    RUN("mereau-admin", 1, "-d", typed_data(1), "backup", typed_at("b3"));
    ADMIN("check", typed_data(2));
    ADMIN("-d", typed_data(2), "stop");
    ADMIN("check", typed_data(2));
    ADMIN("rebuild", typed_data(2));
    ADMIN("-d", typed_data(2), "backup", typed_at("b3"));
    ADMIN("restore", typed_at("b3"), typed_at("r3"));
    ADMIN("check", typed_at("r3"));
    ck_assert_int_eq(typed_number("findings_count"), 0);
    ck_assert_int_eq(typed_number("issued_minor"), 5000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ceremony");
    TCase *c = tcase_create("four");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_pay_across);
    tcase_add_test(c, test_own_node);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
