/* What governance decides about nodes, through the programs: expulsion on evidence, a node that
 * moves, a proposal that is given up, proposals that cannot be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/file.h"
#include "lib/loopback.h"
#include "lib/nodedir.h"
#include "lib/proxy.h"
#include "lib/quartet.h"

static struct proxy *proxy;
static struct proc *twin;

static void teardown(void)
{
    proc_end(twin);
    twin = NULL;
    quartet_teardown();
    proxy_stop(proxy);
    proxy = NULL;
}

static uint16_t port_of(const char *address)
{
    return (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
}

/* A book that holds what node 4 was expelled for is right, and says so: of a node that found it out
 * and of one that was handed it. All but the first node joined later. */
static void audit_convicts(void)
{
    static const char *const right = "This book is right; it holds evidence against node 4 "
                                     "(Association 4), which votes no more.";
    quartet_stop(0);
    AUDIT(0, "verify", typed_data(0));
    SAID(right);
    for (unsigned i = 1; i < 3; i++) {
        quartet_stop(i);
        AUDIT(0, "verify", typed_data(i), "--base", typed_at("d1"));
        SAID(right);
    }
}

/* In a file of configuration: this text becomes that one. */
static void rewrite(const char *path, const char *from, const char *to)
{
    char text[8192] = "";
    uint8_t *bytes = NULL;
    size_t len = 0;
    ck_assert_int_eq(file_read(&bytes, &len, path, sizeof text), MR_OK);
    const char *const at = strstr((const char *)bytes, from);
    ck_assert_msg(at != NULL, "no %s in %s", from, path);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - (const char *)bytes), (const char *)bytes,
             to, at + strlen(from));
    ck_assert_int_eq(file_write(path, text, strlen(text), 0600, true), MR_OK);
    free(bytes);
}

/* --- expulsion ---------------------------------------------------------------------------------
 */

/* Node 4 is found behind a proxy, so that two may sit there. */
static void four_with_a_proxy(void)
{
    char at[32];
    const uint16_t real = port_of(quartet.peer_port[3]);
    proxy = proxy_start(0, &real, 1);
    ck_assert_ptr_nonnull(proxy);
    snprintf(at, sizeof at, "127.0.0.1:%u", proxy_port(proxy));
    quartet_come(1);
    quartet_come(2);
    quartet_join(3, (const char *const[]){quartet.invitation, typed_data(3), "--association",
                                          "Association 4", "--alias", "asso4", "--operators", "1",
                                          "--listen", quartet.wallet_port[3], "--peer-listen",
                                          quartet.peer_port[3], "--peer-address", at, "--kdf-min",
                                          "--yes", NULL});
    PROPOSE("--add", typed_at("d2/offer.mro"), "--add", typed_at("d3/offer.mro"), "--add",
            typed_at("d4/offer.mro"));
    for (unsigned i = 1; i < QUARTET_NODES; i++)
        quartet_come_in(i);
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_answering(i, QUARTET_NODES);
}

/* A copy of node 4 runs beside it, with its keys. */
static uint16_t start_twin(void)
{
    char wallet[32], peer[32];
    const char *const argv[] = {"/bin/cp", "-r", typed_data(3), typed_at("twin"), NULL};
    struct proc *const p = proc_start(argv);
    ck_assert(p != NULL && proc_wait(p, PROC_DEADLINE_MS) == 0);
    proc_end(p);
    snprintf(wallet, sizeof wallet, "127.0.0.1:%u", loopback_free_port());
    snprintf(peer, sizeof peer, "127.0.0.1:%u", loopback_free_port());
    rewrite(typed_at("twin/mereaud.conf"), quartet.wallet_port[3], wallet);
    rewrite(typed_at("twin/mereaud.conf"), quartet.peer_port[3], peer);
    twin = nodedir_start(typed_at("twin"), NULL);
    ck_assert_ptr_nonnull(twin);
    return port_of(peer);
}

static bool is_convicted(unsigned i)
{
    ADMIN("-d", typed_data(i), "federation", "status");
    return typed_number("nodes_convicted") > 0;
}

static void wait_said_more(const char *data, long than)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    for (int k = 0; k < 20 * QUARTET_PATIENCE_S; k++) {
        ADMIN("-d", data, "federation", "status");
        if (typed_number("leaves") > than)
            return;
        nanosleep(&pause, NULL);
    }
    ck_abort_msg("nothing is said: %s", typed.text);
}

/* A copy that hears of more than it said signs nothing. So each says something while nobody reads
 * its log, and the other is away: then they are two histories of one log. */
static void say_two_things(long said, uint16_t *ret_other)
{
    *ret_other = start_twin();
    quartet_pay("ana", "boulangerie", "1");
    wait_said_more(typed_at("twin"), said);
    RUN("mereau-admin", 0, "-d", typed_at("twin"), "stop");
    ck_assert_int_eq(proc_wait(twin, PROC_DEADLINE_MS), 0);
    proc_end(twin);
    quartet_start(3);
    quartet_pay("ana", "boulangerie", "2");
    wait_said_more(typed_data(3), said);
    twin = nodedir_start(typed_at("twin"), NULL);
    ck_assert_ptr_nonnull(twin);
}

/* Who has read one of the two histories only is handed the evidence. */
static void wait_evidence(void)
{
    const struct timespec pause = {.tv_nsec = 200000000};
    unsigned holders = 0;
    for (int k = 0; k < 5 * QUARTET_PATIENCE_S; k++) {
        while (holders < 3 && is_convicted(holders))
            holders++;
        if (holders == 3)
            return;
        nanosleep(&pause, NULL);
    }
    ck_abort_msg("node %u convicts nobody: %s", holders + 1, typed.text);
}

START_TEST(test_expulsion)
{
    char proof[TYPED_PATH];
    quartet_found("1/1");
    quartet_ana_and_bob();
    four_with_a_proxy();
    ADMIN("-d", typed_data(3), "federation", "status");
    const long said = typed_number("leaves");
    quartet_stop(3);
    const uint16_t seen_at = proxy_port(proxy);
    proxy_stop(proxy);
    proxy = NULL;
    uint16_t other;
    say_two_things(said, &other);
    proxy = proxy_start(seen_at, (const uint16_t[]){port_of(quartet.peer_port[3]), other}, 2);
    ck_assert_ptr_nonnull(proxy);
    wait_evidence();
    for (unsigned i = 0; i < 3; i++) {
        RUN("mereau-admin", 0, "-d", typed_data(i), "federation", "status");
        SAID("node 4 (Association 4) broke the rules, and its own log proves it");
        SAID("federation evidence --out DIR");
        SAID("none may lie");
    }
    ADMIN("-d", typed_data(2), "federation", "evidence", "--out", typed_at("proofs"));
    const json_t *const first = json_array_get(json_object_get(typed.said, "evidence"), 0);
    snprintf(proof, sizeof proof, "%s", json_string_value(json_object_get(first, "file")));
    AUDIT(0, "evidence", proof, "--charter", typed_at("d1/charter.mrc"));
    REFUSED(5, "is about node 4, not node 3", "--expel", "3", "--evidence", proof);
    REFUSED(5, "convicts nobody", "--expel", "4", "--evidence", typed_at("d1/charter.mrc"));
    REFUSED(2, "belong together", "--expel", "4");
    PROPOSE("--expel", "4", "--evidence", proof, "--reason", "it ran twice");
    for (unsigned i = 0; i < 3; i++)
        quartet_wait_epoch(i, 3);
    RUN("mereau-admin", 0, "-d", typed_data(0), "federation", "status");
    SAID("3 nodes, 3 of them settle");
    quartet_pay("ana", "boulangerie", "3");
    audit_convicts();
}
END_TEST

/* --- a backup ----------------------------------------------------------------------------------
 */

static void wait_mode(unsigned i, const char *mode)
{
    const struct timespec pause = {.tv_nsec = 200000000};
    for (int k = 0; k < 5 * QUARTET_PATIENCE_S; k++) {
        ADMIN("-d", typed_data(i), "federation", "status");
        if (strcmp(typed_field("mode"), mode) == 0)
            return;
        nanosleep(&pause, NULL);
    }
    ck_abort_msg("%s", typed.text);
}

static void all_wait_epoch(long epoch)
{
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_epoch(i, epoch);
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_answering(i, QUARTET_NODES);
}

/* As all papers say it; the epoch is the one that names the new key. */
static void come_back_with_a_new_key(unsigned node, long epoch)
{
    char rekey[TYPED_PATH + 8], name[32];
    ADMIN("-d", typed_data(node), "federation", "rekey");
    quartet_stop(node);
    quartet_start(node);
    snprintf(name, sizeof name, "d%u/rekey.mro", node + 1);
    snprintf(rekey, sizeof rekey, "%u=%s", node + 1, typed_at(name));
    quartet_wait_answering(0, QUARTET_NODES - 1); /* it signs nothing, and does not count */
    PROPOSE("--rekey", rekey);
    all_wait_epoch(epoch);
    quartet_stop(node); /* nothing of it is left for its next start */
    quartet_start(node);
    wait_mode(node, "OK");
}

/* A node that joined is restored from a backup that lacks its last words: it abstains, reads on
 * what the others have, and signs again with a new key. */
START_TEST(test_a_restored_node_comes_back)
{
    quartet_found("1/1");
    quartet_ana_and_bob();
    quartet_become_four();
    quartet_pay("ana", "boulangerie", "1");
    ADMIN("-d", typed_data(3), "backup", typed_at("backup"));
    quartet_pay("ana", "boulangerie", "2");
    quartet_lose(3);
    RUN("mereau-admin", 0, "restore", typed_at("backup"), typed_data(3));
    SAID("it signs again with a new key");
    quartet_start(3);
    wait_mode(3, "ABSTAINING");
    RUN("mereau-admin", 0, "-d", typed_data(3), "status");
    SAID("it signs nothing");
    RUN("mereau-admin", 1, "-d", typed_data(3), "--key", typed_at("d1-keys/governance1.key"),
        "restore", "--accept", "--yes");
    SAID("comes back with a new key");
    come_back_with_a_new_key(3, 3);
    quartet_kill(2);
    quartet_pay("ana", "boulangerie", "3");
    ADMIN("check", typed_data(3));
    ck_assert_int_eq(typed_number("findings_count"), 0);
}
END_TEST

/* The same of a backup that is older than the end of an epoch whose CUT names its log: it follows
 * the others into the next one, and its book is right. */
START_TEST(test_a_restored_node_follows_into_an_epoch)
{
    quartet_found("1/1");
    quartet_ana_and_bob();
    quartet_come(1);
    quartet_come(2);
    PROPOSE("--add", typed_at("d2/offer.mro"), "--add", typed_at("d3/offer.mro"), "--quorum", "3");
    quartet_come_in(1);
    quartet_come_in(2);
    quartet_wait_answering(0, 3);
    quartet_pay("ana", "boulangerie", "1");
    ADMIN("-d", typed_data(2), "backup", typed_at("backup"));
    quartet_pay("ana", "boulangerie", "2");
    quartet_come(3);
    PROPOSE("--add", typed_at("d4/offer.mro"));
    quartet_come_in(3);
    quartet_wait_answering(0, QUARTET_NODES);
    all_wait_epoch(3);
    quartet_pay("ana", "boulangerie", "3");
    quartet_lose(2);
    RUN("mereau-admin", 0, "restore", typed_at("backup"), typed_data(2));
    RUN("mereau-admin", 1, "federation", "join", typed_data(2));
    SAID("is a node's already, in epoch 2, and the others are in epoch 3");
    quartet_start(2);
    quartet_wait_epoch(2, 3);
    wait_mode(2, "ABSTAINING");
    come_back_with_a_new_key(2, 4);
    RUN("mereau-admin", 0, "federation", "join", typed_data(2));
    SAID("is a node's already: start it");
    quartet_kill(1);
    quartet_pay("ana", "boulangerie", "4");
    AUDIT(0, "verify", typed_data(2), "--base", typed_data(0));
    AUDIT(0, "verify", typed_data(0));
}
END_TEST

/* A node that cannot go over, as it has no place for the copy of the state: what it says of the
 * others is not that they say nothing. */
START_TEST(test_the_others_are_in_a_later_epoch)
{
    const struct timespec pause = {.tv_nsec = 500000000};
    quartet_found("1/1");
    quartet_ana_and_bob();
    quartet_become_four();
    quartet_stop(3);
    ck_assert_int_eq(rename(typed_at("d4/snapshots"), typed_at("d4/aside")), 0);
    ck_assert_int_eq(file_write(typed_at("d4/snapshots"), "", 0, 0600, false), MR_OK);
    quartet_start(3);
    quartet_wait_answering(0, QUARTET_NODES);
    PROPOSE("--quorum", "4");
    for (unsigned i = 0; i < 3; i++)
        quartet_wait_epoch(i, 3);
    for (int k = 0; k < 2 * QUARTET_PATIENCE_S; k++) {
        RUN("mereau-admin", 0, "-d", typed_data(3), "federation", "status");
        if (strstr(typed.text, "is in epoch 3, and this node in epoch 2") != NULL)
            break;
        nanosleep(&pause, NULL);
    }
    SAID("node 1 (Association 1) is in epoch 3, and this node in epoch 2");
    SAID("set its directory aside");
    SAID("this node stays in the epoch that ends: the copy of its last state cannot be written");
    ck_assert_msg(strstr(typed.text, "has signed nothing since") == NULL, "%s", typed.text);
    RUN("mereau-admin", 1, "-d", typed_data(3), "federation", "rekey");
    SAID("is a node's already, in epoch 2, and the others are in epoch 3");
    ck_assert(!file_exists(typed_at("d4/rekey.mro")));
}
END_TEST

/* --- moving ------------------------------------------------------------------------------------
 */

START_TEST(test_a_node_moves)
{
    char wallet[32], peer[32], address[48], peer_address[48];
    quartet_found("1/1");
    quartet_ana_and_bob();
    quartet_become_four();
    quartet_member(1, "cy", "resident");
    quartet_pay("ana", "boulangerie", "1");
    quartet_stop(1);
    snprintf(wallet, sizeof wallet, "127.0.0.1:%u", loopback_free_port());
    snprintf(peer, sizeof peer, "127.0.0.1:%u", loopback_free_port());
    rewrite(typed_at("d2/mereaud.conf"), quartet.wallet_port[1], wallet);
    rewrite(typed_at("d2/mereaud.conf"), quartet.peer_port[1], peer);
    quartet_start(1);
    quartet_wait_answering(1, QUARTET_NODES); /* it reaches the others; they do not find it */
    snprintf(address, sizeof address, "2=%s", wallet);
    snprintf(peer_address, sizeof peer_address, "2=%s", peer);
    REFUSED(3, "node 2 does not answer at", "--address", address, "--peer-address",
            "2=127.0.0.1:9");
    REFUSED(2, "is no address", "--address", "2=nowhere");
    REFUSED(1, "nothing would change", "--reason", "none");
    PROPOSE("--address", address, "--peer-address", peer_address, "--reason", "a new line");
    for (unsigned i = 0; i < QUARTET_NODES; i++) {
        quartet_wait_epoch(i, 3);
        quartet_wait_answering(i, QUARTET_NODES);
    }
    /* Its member's wallet asks another node once, and then knows where its own is. */
    WALLET("--wallet", typed_at("cy"), "balance");
    RUN("mereau", 0, "--wallet", typed_at("cy"), "balance");
    ck_assert_msg(strstr(typed.text, "going on through") == NULL, "%s", typed.text);
    RUN("mereau", 0, "--wallet", typed_at("cy"), "node", "list");
    SAID(wallet);
    /* With others down it is needed, and found. */
    quartet_kill(2);
    quartet_pay("ana", "boulangerie", "2");
}
END_TEST

/* --- a proposal given up -----------------------------------------------------------------------
 */

#define GOVERNOR(number, ...)                                                                      \
    "-d", typed_data(0), "--key", typed_at("d1-keys/governance" number ".key"), __VA_ARGS__

START_TEST(test_a_proposal_is_withdrawn)
{
    char draft[TYPED_PATH];
    quartet_found("3/2");
    quartet_come(1);
    quartet_come(2);
    REFUSED(2, "its offer is named twice", "--add", typed_at("d2/offer.mro"), "--add",
            typed_at("d2/offer.mro"));
    REFUSED(2, "node 1 is named twice", "--add", typed_at("d2/offer.mro"), "--remove", "1",
            "--remove", "1");
    REFUSED(2, "from 2 to 2; without --quorum it is 2", "--add", typed_at("d2/offer.mro"),
            "--quorum", "3");
    RUN("mereau-admin", 1, "-d", typed_data(0), "--key", typed_at("d1-keys/op1.key"), "federation",
        "propose", "--add", typed_at("d2/offer.mro"), "--yes");
    SAID("governance keys: name one with --key");
    PROPOSE("--add", typed_at("d2/offer.mro"), "--add", typed_at("d3/offer.mro"), "--json");
    snprintf(draft, sizeof draft, "%s", typed_field("draft"));
    /* Another one for the same epoch could never settle. */
    REFUSED(1, "a proposal for epoch 2 waits for signatures already", "--add",
            typed_at("d2/offer.mro"));
    RUN("mereau-admin", 1, GOVERNOR("1", "draft", "submit", draft));
    SAID("signatures are missing");
    RUN("mereau-admin", 0, GOVERNOR("1", "draft", "withdraw", draft, "--yes"));
    SAID("needs another signer too");
    RUN("mereau-admin", 0, GOVERNOR("2", "draft", "withdraw", draft, "--yes"));
    SAID("closed without effect");
    ck_assert(!file_exists(draft));
    ADMIN("-d", typed_data(0), "federation", "status");
    ck_assert_int_eq(typed_number("epoch"), 1);
    /* The next one stands in the place behind it. */
    PROPOSE("--add", typed_at("d3/offer.mro"), "--json");
    snprintf(draft, sizeof draft, "%s", typed_field("draft"));
    RUN("mereau-admin", 0, GOVERNOR("3", "federation", "sign", draft, "--yes"));
    quartet_come_in(2);
    quartet_wait_epoch(0, 2);
    quartet_wait_answering(0, 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("federation_changes");
    TCase *c = tcase_create("changes");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, quartet_setup, teardown);
    tcase_add_test(c, test_expulsion);
    tcase_add_test(c, test_a_restored_node_comes_back);
    tcase_add_test(c, test_a_restored_node_follows_into_an_epoch);
    tcase_add_test(c, test_the_others_are_in_a_later_epoch);
    tcase_add_test(c, test_a_node_moves);
    tcase_add_test(c, test_a_proposal_is_withdrawn);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
