/* The nodes of a currency change while it runs: one becomes four, one leaves, one that lost
 * everything comes back with a new key, one takes a new key in passing. Real processes, as people
 * do it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/file.h"
#include "lib/quartet.h"

/* In the first moments of an epoch nobody has signed much, and nobody is in doubt for it. */
static void nobody_is_in_doubt(unsigned i)
{
    const json_t *trouble;
    size_t at;
    ADMIN("-d", typed_data(i), "federation", "status");
    json_array_foreach(json_object_get(typed.said, "troubles"), at, trouble) ck_assert_msg(
        strcmp(json_string_value(json_object_get(trouble, "what")), "mute") != 0, "%s", typed.text);
    /* In the first moment it may not have heard enough of them. */
    for (int k = 0; k < 10 && !json_is_true(json_object_get(typed.said, "settles")); k++) {
        nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
        ADMIN("-d", typed_data(i), "federation", "status");
    }
    ck_assert(json_is_true(json_object_get(typed.said, "settles")));
}

/* The association of the node that left runs one again. The old directory is of no more use, but
 * for the register of its members. */
static void comes_back_under_its_name(void)
{
    RUN("mereau-admin", 1, "-d", typed_data(2), "federation", "rekey");
    SAID("node 3 is not one of the nodes any more");
    RUN("mereau-admin", 1, "federation", "join", typed_data(2));
    SAID("node 3 is not one of the nodes any more");
    ck_assert_int_eq(rename(typed_data(2), typed_at("left")), 0);
    RUN("mereau-admin", 0, "federation", "rekey", typed_data(2), "--node", quartet.wallet_port[0]);
    SAID("offer of a new node of Association 3");
    quartet_join(2, (const char *const[]){typed_data(2), NULL});
    PROPOSE("--add", typed_at("d3/offer.mro"), "--reason", "they are back");
    quartet_come_in(2);
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_answering(i, QUARTET_NODES);
    ADMIN("-d", typed_data(2), "federation", "status");
    ck_assert_int_eq(typed_number("node"), 5);
    quartet_stop(2);
    ck_assert_int_eq(rename(typed_at("d3/register"), typed_at("d3/empty")), 0);
    ck_assert_int_eq(rename(typed_at("left/register"), typed_at("d3/register")), 0);
    quartet_start(2);
    ADMIN("-d", typed_data(2), "issue", "carl", "4", "--bank-ref", "R2", "--yes");
    quartet_kill(3); /* its vote is needed */
    quartet_pay("carl", "boulangerie@asso1", "1");
    ADMIN("check", typed_data(2));
    ck_assert_int_eq(typed_number("findings_count"), 0);
}

START_TEST(test_story)
{
    quartet_found("1/1");
    quartet_ana_and_bob();
    quartet_pay("ana", "boulangerie", "1");
    quartet_become_four();
    ADMIN("-d", typed_data(2), "federation", "status");
    ck_assert_int_eq(typed_number("quorum"), 3);
    ck_assert_int_eq(typed_number("nodes_may_be_down"), 1);
    ck_assert_int_eq(typed_number("nodes_may_lie"), 1);
    quartet_pay("ana", "boulangerie", "2");
    /* A node of an association that joined has its own operators, who issue. */
    ADMIN("-d", typed_data(3), "status");
    ck_assert_int_eq(typed_number("issued_minor"), 5000);
    /* One loses everything. Its operator has his key; the others have the state. */
    quartet_lose(3);
    ADMIN("federation", "rekey", typed_data(3), "--node", quartet.wallet_port[0]);
    ck_assert_int_eq(typed_number("node"), 4);
    quartet_join(3, (const char *const[]){typed_data(3), NULL});
    char rekey[TYPED_PATH + 8];
    snprintf(rekey, sizeof rekey, "4=%s", typed_at("d4/offer.mro"));
    PROPOSE("--rekey", rekey, "--reason", "its disk broke");
    quartet_come_in(3);
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_answering(i, QUARTET_NODES);
    quartet_pay("ana", "boulangerie", "3");
    /* One takes a new key while it lives: the key file is replaced by itself. */
    ADMIN("-d", typed_data(1), "federation", "rekey");
    quartet_stop(1);
    quartet_start(1);
    snprintf(rekey, sizeof rekey, "2=%s", typed_at("d2/rekey.mro"));
    quartet_wait_answering(1, QUARTET_NODES);
    PROPOSE("--rekey", rekey);
    for (unsigned i = 0; i < QUARTET_NODES; i++) {
        quartet_wait_epoch(i, 4);
        nobody_is_in_doubt(i);
    }
    ck_assert(proc_line(quartet.nodes[1], NULL, 0, "key_replaced", PROC_DEADLINE_MS));
    ck_assert(!file_exists(typed_at("d2/node.next.key")));
    quartet_pay("ana", "boulangerie", "4");
    /* One leaves; its members go on through the others, and do not ask it for ever. */
    quartet_member(2, "carl", "resident");
    RUN("mereau-admin", 0, "-d", typed_data(2), "--key", typed_at("d1-keys/governance1.key"),
        "federation", "leave", "--yes");
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_epoch(i, 5);
    ADMIN("-d", typed_data(2), "federation", "status");
    ck_assert_str_eq(typed_field("mode"), "RETIRED");
    WALLET("--wallet", typed_at("carl"), "balance");
    quartet_stop(2);
    WALLET("--wallet", typed_at("carl"), "balance");
    ck_assert_msg(strstr(typed.text, "going on through") == NULL, "%s", typed.text);
    /* Their sheets bring the account back through any other node. */
    WALLET("--wallet", typed_at("carl"), "backup", "--output", typed_at("carl.sheet"));
    RUN("mereau", 3, "--wallet", typed_at("carl2"), "restore", "--sheet-file",
        typed_at("carl.sheet"), "--kdf-min");
    SAID("mereau status --node HOST:PORT");
    WALLET("--wallet", typed_at("carl2"), "status", "--node", quartet.wallet_port[0]);
    WALLET("--wallet", typed_at("carl2"), "balance");
    /* Nodes went over one after another, which is no trouble to look after. */
    ADMIN("-d", typed_data(0), "federation", "status");
    const json_t *peer;
    size_t at;
    json_array_foreach(json_object_get(typed.said, "peers"), at, peer)
        ck_assert_int_eq(json_integer_value(json_object_get(peer, "refused")), 0);
    quartet_pay("ana", "boulangerie", "5");
    WALLET("--wallet", typed_at("ana"), "balance");
    const json_t *balance = json_array_get(json_object_get(typed.said, "balances"), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(balance, "minor")), 3500);
    /* The book of the one that was there from the beginning replays over all epochs. */
    for (unsigned i = 0; i < QUARTET_NODES; i++) {
        ADMIN("check", typed_data(i));
        ck_assert_int_eq(typed_number("findings_count"), 0);
        ck_assert(json_is_true(json_object_get(typed.said, "compared")));
    }
    /* One that joined makes its store again from what it joined with. */
    quartet_stop(3);
    ck_assert_int_eq(remove(typed_at("d4/store/data.mdb")), 0);
    ADMIN("rebuild", typed_data(3));
    SAID("\"from_turn\":");
    ADMIN("check", typed_data(3));
    ck_assert_int_eq(typed_number("findings_count"), 0);
    quartet_start(3);
    quartet_wait_answering(0, 3);
    quartet_pay("ana", "boulangerie", "6");
    comes_back_under_its_name();
}
END_TEST

/* More changes than a message carries: wallets, files, the auditor and who joins reach over them.
 */
START_TEST(test_many)
{
    enum { CHANGES = 11 };
    quartet_found("1/1");
    quartet_ana_and_bob();
    quartet_pay("ana", "boulangerie", "1");
    for (long i = 0; i < CHANGES; i++) {
        char moves[64]; /* to another name of the same place, and back */
        snprintf(moves, sizeof moves, "1=%s%s", i % 2 == 0 ? "127.1" : "127.0.0.1",
                 strrchr(quartet.wallet_port[0], ':'));
        PROPOSE("--address", moves);
        quartet_wait_epoch(0, i + 2);
    }
    quartet_pay("ana", "boulangerie", "2");
    quartet_come(1);
    PROPOSE("--add", typed_at("d2/offer.mro"), "--quorum", "2");
    quartet_come_in(1);
    for (unsigned i = 0; i < 2; i++)
        quartet_wait_answering(i, 2);
    quartet_pay("ana", "boulangerie", "3");
    for (const char *const *which = (const char *const[]){"1", "2", "3", NULL}; *which != NULL;
         which++) {
        WALLET("--wallet", typed_at("ana"), "receipt", "save", *which, typed_at(*which));
        WALLET("receipt", "verify", typed_at(*which), "--charter", typed_at("d1/charter.mrc"));
        AUDIT(0, "receipt", typed_at(*which), "--charter", typed_at("d1/charter.mrc"));
    }
    WALLET("receipt", "verify", typed_at("3"), "--charter", typed_at("d1/charter.mrc"), "--json");
    ck_assert_int_eq(typed_number("proofs"), 2);
    quartet_stop(1);
    quartet_start(1);
    quartet_wait_answering(1, 2);
    quartet_pay("ana", "boulangerie", "4");
    AUDIT(0, "verify", typed_data(0));
    for (unsigned i = 0; i < 2; i++) {
        ADMIN("check", typed_data(i));
        ck_assert_int_eq(typed_number("findings_count"), 0);
    }
}
END_TEST

/* Who joins takes the state from the copy: an epoch does not end here before that is written. */
START_TEST(test_copy)
{
    char moved[64], snapshots[TYPED_PATH];
    const struct timespec while_s = {.tv_sec = 1};
    quartet_found("1/1");
    snprintf(snapshots, sizeof snapshots, "%s", typed_at("d1/snapshots"));
    remove(snapshots);
    ck_assert_int_eq(file_write(snapshots, "", 0, 0600, true), MR_OK);
    snprintf(moved, sizeof moved, "1=127.1%s", strrchr(quartet.wallet_port[0], ':'));
    PROPOSE("--address", moved);
    ck_assert(proc_line(quartet.nodes[0], NULL, 0, "epoch_waits", PROC_DEADLINE_MS));
    nanosleep(&while_s, NULL);
    ADMIN("-d", typed_data(0), "federation", "status");
    ck_assert_int_eq(typed_number("epoch"), 1);
    ck_assert_str_eq(typed_field("mode"), "CHANGING");
    SAID("\"what\":\"state_unkept\"");
    RUN("mereau-admin", 0, "-d", typed_data(0), "federation", "status");
    SAID("the copy of its last state cannot be written");
    SAID("DATA/snapshots");
    ck_assert_int_eq(remove(snapshots), 0);
    ck_assert_int_eq(mkdir(snapshots, 0700), 0);
    quartet_wait_epoch(0, 2);
}
END_TEST

START_TEST(test_refusals)
{
    char rekey[TYPED_PATH + 8];
    quartet_found("1/1");
    quartet_come(1);
    REFUSED(2, "the quorum is more than half", "--add", typed_at("d2/offer.mro"), "--quorum", "1");
    REFUSED(2, "the quorum is more than half", "--add", typed_at("d2/offer.mro"), "--quorum", "3");
    REFUSED(1, "there is no node 7 in the present epoch", "--remove", "7");
    REFUSED(2, "\"x\" is no node's number", "--remove", "x");
    REFUSED(2, "there is no node", "--remove", "1");
    REFUSED(2, "belong together", "--expel", "1");
    snprintf(rekey, sizeof rekey, "1=%s", typed_at("d2/offer.mro"));
    REFUSED(1, "node 1 is not one of Association 2", "--rekey", rekey);
    /* Somebody else answers where the new node should be; then nobody does. */
    snprintf(rekey, sizeof rekey, "2=%s", quartet.peer_port[0]);
    REFUSED(5, "another one answers at", "--add", typed_at("d2/offer.mro"), "--address", rekey);
    proc_end(quartet.joining[1]);
    quartet.joining[1] = NULL;
    REFUSED(3, "nobody answers there", "--add", typed_at("d2/offer.mro"), "--unreachable-ok");
    ADMIN("-d", typed_data(0), "federation", "status");
    ck_assert_int_eq(typed_number("epoch"), 1);
    /* Whoever waits no longer is told so, and nothing is half made. */
    RUN("mereau-admin", 3, "federation", "join", typed_data(1), "--wait", "1");
    SAID("no epoch names this node yet");
    ck_assert(!file_exists(typed_at("d2/charter.mrc")));
    RUN("mereau-admin", 0, "federation", "join", typed_data(1), "--wait", "0");
    SAID("The offer was made before");
}
END_TEST

/* Two of three govern: one signature is a draft, the second one begins the epoch. */
START_TEST(test_governance)
{
    quartet_found("3/2");
    quartet_come(1);
    RUN("mereau-admin", 0, "-d", typed_data(0), "--key", typed_at("d1-keys/governance1.key"),
        "federation", "propose", "--yes", "--add", typed_at("d2/offer.mro"), "--json");
    ck_assert_str_eq(typed_field("state"), "draft");
    char draft[TYPED_PATH];
    snprintf(draft, sizeof draft, "%s", typed_field("draft"));
    RUN("mereau-admin", 1, "-d", typed_data(0), "--key", typed_at("d1-keys/governance1.key"),
        "draft", "submit", draft);
    SAID("signatures are missing");
    ADMIN("-d", typed_data(0), "federation", "status");
    ck_assert_int_eq(typed_number("epoch"), 1);
    RUN("mereau-admin", 0, "-d", typed_data(0), "--key", typed_at("d1-keys/governance3.key"),
        "draft", "show", draft);
    SAID("node 2 (Association 2) joins");
    SAID("no node may be down");
    RUN("mereau-admin", 0, "-d", typed_data(0), "--key", typed_at("d1-keys/governance3.key"),
        "federation", "sign", draft, "--yes");
    quartet_come_in(1);
    quartet_wait_epoch(0, 2);
    quartet_wait_epoch(1, 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("epochs");
    TCase *c = tcase_create("epochs");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, quartet_setup, quartet_teardown);
    tcase_add_test(c, test_story);
    TCase *const many = tcase_create("many");
    tcase_set_timeout(many, 240);
    tcase_add_checked_fixture(many, quartet_setup, quartet_teardown);
    tcase_add_test(many, test_many);
    TCase *const copy = tcase_create("copy");
    tcase_set_timeout(copy, 300);
    tcase_add_checked_fixture(copy, quartet_setup, quartet_teardown);
    tcase_add_test(copy, test_copy);
    tcase_add_test(c, test_refusals);
    tcase_add_test(c, test_governance);
    suite_add_tcase(s, c);
    suite_add_tcase(s, many);
    suite_add_tcase(s, copy);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
