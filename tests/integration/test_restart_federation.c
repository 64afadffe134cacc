/* Too few nodes are left to decide anything: governance restarts the federation with those that
 * go on, from the state that one of them holds. Real processes, as people do it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "lib/quartet.h"

static char rekeys[QUARTET_NODES][TYPED_PATH + 8];

/* A node whose disk is lost waits to be let in with a new key. */
static void comes_back(unsigned i, unsigned by)
{
    ADMIN("federation", "rekey", typed_data(i), "--node", quartet.wallet_port[by]);
    snprintf(rekeys[i], sizeof rekeys[i], "%u=%s", i + 1,
             typed_at(i == 1   ? "d2/offer.mro"
                      : i == 2 ? "d3/offer.mro"
                      : i == 3 ? "d4/offer.mro"
                               : "d1/offer.mro"));
    quartet_join(i, (const char *const[]){typed_data(i), NULL});
}

/* Signed by both governance keys that it takes. */
#define RESTART(at, ...)                                                                           \
    do {                                                                                           \
        RUN("mereau-admin", 0, "-d", typed_data(at), "--key", typed_at("d1-keys/governance1.key"), \
            "federation", "restart", "--yes", "--timeout", "1", "--output",                        \
            typed_at("restart.mrg"), __VA_ARGS__);                                                 \
        SAID("1 more of governance must sign");                                                    \
        RUN("mereau-admin", 1, "-d", typed_data(at), "federation", "restart",                      \
            typed_at("restart.mrg"));                                                              \
        SAID("has 1 of the 2 signatures of governance");                                           \
        RUN("mereau-admin", 0, "-d", typed_data(at), "--key", typed_at("d1-keys/governance3.key"), \
            "federation", "restart", typed_at("restart.mrg"), "--yes");                            \
        SAID("Governance has decided");                                                            \
    } while (0)

static void takes(unsigned i)
{
    ADMIN("-d", typed_data(i), "federation", "restart", typed_at("restart.mrg"));
    quartet_stop(i);
    quartet_start(i);
    quartet_wait_epoch(i, 3);
}

static void found(void)
{
    quartet_found("3/2");
    quartet_ana_and_bob();
    for (unsigned i = 1; i < QUARTET_NODES; i++)
        quartet_come(i);
    PROPOSE("--add", typed_at("d2/offer.mro"), "--add", typed_at("d3/offer.mro"), "--add",
            typed_at("d4/offer.mro"), "--json");
    char draft[TYPED_PATH];
    snprintf(draft, sizeof draft, "%s", typed_field("draft"));
    RUN("mereau-admin", 0, "-d", typed_data(0), "--key", typed_at("d1-keys/governance2.key"),
        "federation", "sign", draft, "--yes");
    for (unsigned i = 1; i < QUARTET_NODES; i++)
        quartet_come_in(i);
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_answering(i, QUARTET_NODES);
    /* With any command an operator's key gets to know who the nodes are now. */
    RUN("mereau-admin", 0, "-d", typed_data(0), "freeze", "bob", "--yes");
    SAID("Settled: freezing");
    RUN("mereau-admin", 0, "-d", typed_data(0), "unfreeze", "bob", "--yes");
    SAID("Settled: unfreezing");
}

static long balance(const char *who)
{
    WALLET("--wallet", typed_at(who), "balance");
    const json_t *row = json_array_get(json_object_get(typed.said, "balances"), 0);
    return (long)json_integer_value(json_object_get(row, "minor"));
}

static void all_books_are_right(void)
{
    for (unsigned i = 0; i < QUARTET_NODES; i++) {
        ADMIN("check", typed_data(i));
        ck_assert_int_eq(typed_number("findings_count"), 0);
        ck_assert(json_is_true(json_object_get(typed.said, "compared")));
    }
}

/* The book of a node that was there from the beginning. */
static void audited(unsigned i)
{
    quartet_stop(i);
    AUDIT(0, "verify", typed_data(i));
    quartet_start(i);
}

START_TEST(test_two_of_four_are_lost)
{
    found();
    quartet_pay("ana", "boulangerie", "1");
    WALLET("--wallet", typed_at("ana"), "receipt", "save", "1", typed_at("before.mrr"));
    /* As long as enough nodes work they decide. */
    RUN("mereau-admin", 1, "-d", typed_data(0), "--key", typed_at("d1-keys/governance1.key"),
        "federation", "restart", "--remove", "4", "--yes");
    SAID("4 of 4 nodes work, and 3 are enough to decide: propose the change");
    quartet_lose(2);
    quartet_lose(3);
    comes_back(2, 0);
    comes_back(3, 1);
    RESTART(0, "--rekey", rekeys[2], "--rekey", rekeys[3], "--reason", "a flood");
    takes(0);
    takes(1);
    quartet_come_in(2);
    quartet_come_in(3);
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_answering(i, QUARTET_NODES);
    quartet_pay("ana", "boulangerie", "2");
    ck_assert_int_eq(balance("ana"), 4700);
    WALLET("--wallet", typed_at("ana"), "receipt", "verify", typed_at("before.mrr"));
    AUDIT(0, "receipt", typed_at("before.mrr"), "--charter", typed_at("d1/charter.mrc"));
    WALLET("--wallet", typed_at("ana"), "receipt", "save", "2", typed_at("behind.mrr"));
    AUDIT(0, "receipt", typed_at("behind.mrr"), "--charter", typed_at("d1/charter.mrc"));
    all_books_are_right();
    audited(0);
    /* The nodes change as ever: the one that came back last leaves. */
    quartet_wait_answering(0, QUARTET_NODES);
    RUN("mereau-admin", 0, "-d", typed_data(0), "--key", typed_at("d1-keys/governance1.key"),
        "federation", "propose", "--remove", "4", "--yes", "--json");
    char draft[TYPED_PATH];
    snprintf(draft, sizeof draft, "%s", typed_field("draft"));
    RUN("mereau-admin", 0, "-d", typed_data(0), "--key", typed_at("d1-keys/governance2.key"),
        "federation", "sign", draft, "--yes");
    for (unsigned i = 0; i < 3; i++)
        quartet_wait_epoch(i, 4);
    quartet_pay("ana", "boulangerie", "3");
}
END_TEST

/* The one that is left was down while a payment settled: the wallet hands it in again. */
START_TEST(test_the_wallet_brings_back_what_settled)
{
    found();
    quartet_stop(1);
    quartet_pay("ana", "boulangerie", "4");
    quartet_pay("ana", "boulangerie", "5");
    quartet_lose(0);
    quartet_lose(2);
    quartet_lose(3);
    quartet_start(1);
    comes_back(0, 1);
    comes_back(2, 1);
    comes_back(3, 1);
    RESTART(1, "--rekey", rekeys[0], "--rekey", rekeys[2], "--rekey", rekeys[3]);
    takes(1);
    quartet_come_in(0);
    quartet_come_in(2);
    quartet_come_in(3);
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_answering(i, QUARTET_NODES);
    ck_assert_int_eq(balance("bob"), 0);
    ck_assert_int_eq(balance("ana"), 4100);
    ck_assert_int_eq(balance("bob"), 900);
    /* With receipts of those that go on: those of the lost nodes were handed in again. */
    for (const char *const *which = (const char *const[]){"1", "2", NULL}; *which != NULL;
         which++) {
        WALLET("--wallet", typed_at("ana"), "receipt", "save", *which, typed_at(*which));
        AUDIT(0, "receipt", typed_at(*which), "--charter", typed_at("d1/charter.mrc"));
        WALLET("--wallet", typed_at("ana"), "receipt", "show", *which);
        const json_t *const proofs =
            json_object_get(json_object_get(typed.said, "receipt"), "proofs");
        const json_t *const head = json_object_get(json_array_get(proofs, 0), "head");
        ck_assert_int_eq(json_integer_value(json_object_get(head, "epoch")), 3);
    }
    quartet_pay("ana", "boulangerie", "6");
    all_books_are_right();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("restart_federation");
    TCase *c = tcase_create("restart");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, quartet_setup, quartet_teardown);
    tcase_add_test(c, test_two_of_four_are_lost);
    tcase_add_test(c, test_the_wallet_brings_back_what_settled);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
