/* Four associations found one currency with files, start their nodes, and pay across; one node dies
 * and the others go on. All of it through the programs, as people do it. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/quartet.h"

/* --- the ceremony ------------------------------------------------------------------------------
 */

static void offer(unsigned i)
{
    char name[32], alias[16];
    snprintf(name, sizeof name, "Association %u", i + 1);
    snprintf(alias, sizeof alias, "asso%u", i + 1);
    ADMIN("federation", "offer", typed_data(i), "--association", name, "--alias", alias,
          "--operators", "1", "--listen", quartet.wallet_port[i], "--peer-listen",
          quartet.peer_port[i], "--kdf-min");
}

static void found(void)
{
    quartet_ports();
    for (unsigned i = 1; i < QUARTET_NODES; i++)
        offer(i);
    ADMIN("init", typed_data(0), "--name", "Galet", "--unit", "GAL", "--association",
          "Association 1", "--alias", "asso1", "--operators", "1", "--listen",
          quartet.wallet_port[0], "--peer-listen", quartet.peer_port[0], "--kdf-min", "--yes",
          "--offer", typed_at("d2/offer.mro"), "--offer", typed_at("d3/offer.mro"), "--offer",
          typed_at("d4/offer.mro"));
    for (unsigned i = 1; i < QUARTET_NODES; i++) {
        ADMIN("federation", "found", typed_data(i), typed_at("d1/charter.mrc"), "--yes");
        ck_assert_int_eq(typed_number("node"), i + 1);
    }
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_start(i);
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_answering(i, QUARTET_NODES);
}

static void setup(void)
{
    quartet_setup();
    found();
}

START_TEST(test_pay_across)
{
    ADMIN("-d", typed_data(2), "federation", "status");
    ck_assert_int_eq(typed_number("node"), 3);
    ck_assert_int_eq(typed_number("nodes_may_be_down"), 1);
    ck_assert_int_eq(typed_number("nodes_may_lie"), 1);
    quartet_member(2, "ana", "resident");
    quartet_member(3, "bob", "shop");
    ADMIN("-d", typed_data(2), "issue", "ana", "50", "--bank-ref", "R1", "--yes");
    ADMIN("-d", typed_data(3), "list-shop", "bob", "boulangerie", "--name", "Fournil", "--yes");
    quartet_pay("ana", "boulangerie@asso4", "12.50");
    /* One node dies; the others pay on and say that no further one may. */
    quartet_kill(1);
    quartet_wait_answering(3, QUARTET_NODES - 1);
    RUN("mereau-admin", 0, "-d", typed_data(3), "federation", "status");
    SAID("no further node may be down, one may lie");
    ADMIN("-d", typed_data(2), "issue", "ana", "1", "--bank-ref", "R2", "--yes");
    ADMIN("-d", typed_data(3), "status");
    ck_assert_int_eq(typed_number("issued_minor"), 5100);
    /* It comes back and catches up by itself. */
    quartet_start(1);
    quartet_wait_answering(3, QUARTET_NODES);
    quartet_wait_answering(1, QUARTET_NODES);
}
END_TEST

/* What is done to a data directory is done as its own node. */
START_TEST(test_own_node)
{
    quartet_member(2, "ana", "resident");
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
    tcase_add_checked_fixture(c, setup, quartet_teardown);
    tcase_add_test(c, test_pay_across);
    tcase_add_test(c, test_own_node);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
