/* The nodes of a currency change while it runs: one becomes four, one leaves, one that lost
 * everything comes back with a new key, one takes a new key in passing. Real processes, as people
 * do it. */
#include <ftw.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "lib/loopback.h"
#include "lib/nodedir.h"
#include "lib/typed.h"

enum { WORDS_MAX = 48, NODES = 4, PATIENCE_S = 60 };

static char invitation[512], wallet_port[NODES][32], peer_port[NODES][32];
static struct proc *nodes[NODES], *joining[NODES];

/* --- epochs ------------------------------------------------------------------------------------
 */

static void wait_epoch(unsigned i, long epoch)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    for (int k = 0; k < 10 * PATIENCE_S; k++) {
        ADMIN("-d", typed_data(i), "federation", "status");
        if (typed_number("epoch") == epoch && strcmp(typed_field("mode"), "CHANGING") != 0)
            return;
        nanosleep(&pause, NULL);
    }
    ck_abort_msg("%s", typed.text);
}

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

static void start_node(unsigned i)
{
    nodes[i] = nodedir_start(typed_data(i), NULL);
    ck_assert_ptr_nonnull(nodes[i]);
}

static struct proc *start_join(const char *const *words)
{
    const char *argv[WORDS_MAX + 1] = {"LC_ALL=C.UTF-8",    MEREAU_BIN_DIR "/mereau-admin",
                                       "--passphrase-file", typed_at("pass"),
                                       "federation",        "join"};
    size_t n = 6;
    while (*words != NULL && n < WORDS_MAX)
        argv[n++] = *words++;
    argv[n] = NULL;
    struct proc *p = proc_start(argv);
    ck_assert_ptr_nonnull(p);
    ck_assert(proc_line(p, NULL, 0, "waiting until governance", PROC_DEADLINE_MS));
    return p;
}

static void come(unsigned i)
{
    char name[32], alias[16];
    snprintf(name, sizeof name, "Association %u", i + 1);
    snprintf(alias, sizeof alias, "asso%u", i + 1);
    joining[i] = start_join((const char *const[]){
        invitation, typed_data(i), "--association", name, "--alias", alias, "--operators", "1",
        "--listen", wallet_port[i], "--peer-listen", peer_port[i], "--kdf-min", "--yes", NULL});
}

static void finish_join(unsigned i)
{
    const int code = proc_wait(joining[i], PATIENCE_S * 1000);
    char *said_by = proc_text(joining[i]);
    ck_assert_msg(code == 0, "exit %d: %s", code, said_by);
    free(said_by);
    proc_end(joining[i]);
    joining[i] = NULL;
    start_node(i);
}

/* One governs alone here; two of three do in test_governance. */
#define PROPOSE(...)                                                                               \
    RUN("mereau-admin", 0, "-d", typed_data(0), "--key", typed_at("d1-keys/governance1.key"),      \
        "federation", "propose", "--yes", __VA_ARGS__)
#define REFUSED(code, why, ...)                                                                    \
    do {                                                                                           \
        RUN("mereau-admin", code, "-d", typed_data(0), "--key",                                    \
            typed_at("d1-keys/governance1.key"), "federation", "propose", "--yes", "--timeout",    \
            "1", __VA_ARGS__);                                                                     \
        ck_assert_msg(strstr(typed.text, why) != NULL, "%s", typed.text);                          \
    } while (0)

static void found(const char *governance)
{
    for (unsigned i = 0; i < NODES; i++) {
        snprintf(wallet_port[i], sizeof wallet_port[i], "127.0.0.1:%u", loopback_free_port());
        snprintf(peer_port[i], sizeof peer_port[i], "127.0.0.1:%u", loopback_free_port());
    }
    ADMIN("init", typed_data(0), "--name", "Galet", "--unit", "GAL", "--association",
          "Association 1", "--alias", "asso1", "--operators", "1", "--governance", governance,
          "--listen", wallet_port[0], "--peer-listen", peer_port[0], "--kdf-min", "--yes");
    start_node(0);
    ADMIN("-d", typed_data(0), "federation", "invite");
    snprintf(invitation, sizeof invitation, "%s", typed_field("join_link"));
}

static void become_four(void)
{
    for (unsigned i = 1; i < NODES; i++)
        come(i);
    PROPOSE("--add", typed_at("d2/offer.mro"), "--add", typed_at("d3/offer.mro"), "--add",
            typed_at("d4/offer.mro"), "--reason", "four of us");
    for (unsigned i = 1; i < NODES; i++)
        finish_join(i);
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

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    return remove(path);
}

static void setup(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    scratch_make(typed.dir);
    ck_assert_int_eq(file_write(typed_at("pass"), "secret\n", 7, 0600, true), MR_OK);
}

static void teardown(void)
{
    for (unsigned i = 0; i < NODES; i++) {
        proc_end(nodes[i]);
        proc_end(joining[i]);
        nodes[i] = joining[i] = NULL;
    }
    free(typed.text);
    json_decref(typed.said);
    typed.text = NULL;
    typed.said = NULL;
    scratch_remove(typed.dir);
}

static void pay(const char *who, const char *whom, const char *amount)
{
    WALLET("--wallet", typed_at(who), "pay", whom, amount, "--yes");
    ck_assert_str_eq(typed_field("status"), "SETTLED");
}

START_TEST(test_story)
{
    found("1/1");
    join(0, "ana", "resident");
    join(0, "bob", "shop");
    ADMIN("-d", typed_data(0), "issue", "ana", "50", "--bank-ref", "R1", "--yes");
    ADMIN("-d", typed_data(0), "list-shop", "bob", "boulangerie", "--name", "Fournil", "--yes");
    pay("ana", "boulangerie", "1");
    become_four();
    ADMIN("-d", typed_data(2), "federation", "status");
    ck_assert_int_eq(typed_number("quorum"), 3);
    ck_assert_int_eq(typed_number("nodes_may_be_down"), 1);
    ck_assert_int_eq(typed_number("nodes_may_lie"), 1);
    pay("ana", "boulangerie", "2");
    /* A node of an association that joined has its own operators, who issue. */
    ADMIN("-d", typed_data(3), "status");
    ck_assert_int_eq(typed_number("issued_minor"), 5000);
    /* One loses everything. Its operator has his key; the others have the state. */
    proc_signal(nodes[3], SIGKILL);
    proc_end(nodes[3]);
    nodes[3] = NULL;
    ck_assert_int_eq(nftw(typed_data(3), remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    ADMIN("federation", "rekey", typed_data(3), "--node", wallet_port[0]);
    ck_assert_int_eq(typed_number("node"), 4);
    joining[3] = start_join((const char *const[]){typed_data(3), NULL});
    char rekey[TYPED_PATH + 8];
    snprintf(rekey, sizeof rekey, "4=%s", typed_at("d4/offer.mro"));
    PROPOSE("--rekey", rekey, "--reason", "its disk broke");
    finish_join(3);
    for (unsigned i = 0; i < NODES; i++)
        wait_answering(i, NODES);
    pay("ana", "boulangerie", "3");
    /* One takes a new key while it lives: the key file is replaced by itself. */
    ADMIN("-d", typed_data(1), "federation", "rekey");
    ADMIN("-d", typed_data(1), "stop");
    ck_assert_int_eq(proc_wait(nodes[1], PROC_DEADLINE_MS), 0);
    proc_end(nodes[1]);
    start_node(1);
    snprintf(rekey, sizeof rekey, "2=%s", typed_at("d2/rekey.mro"));
    wait_answering(1, NODES);
    PROPOSE("--rekey", rekey);
    for (unsigned i = 0; i < NODES; i++)
        wait_epoch(i, 4);
    ck_assert(proc_line(nodes[1], NULL, 0, "key_replaced", PROC_DEADLINE_MS));
    ck_assert(!file_exists(typed_at("d2/node.next.key")));
    pay("ana", "boulangerie", "4");
    /* One leaves; its members would pay through the others. */
    RUN("mereau-admin", 0, "-d", typed_data(2), "--key", typed_at("d1-keys/governance1.key"),
        "federation", "leave", "--yes");
    for (unsigned i = 0; i < NODES; i++)
        wait_epoch(i, 5);
    ADMIN("-d", typed_data(2), "federation", "status");
    ck_assert_str_eq(typed_field("mode"), "RETIRED");
    pay("ana", "boulangerie", "5");
    WALLET("--wallet", typed_at("ana"), "balance");
    const json_t *balance = json_array_get(json_object_get(typed.said, "balances"), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(balance, "minor")), 3500);
    /* The book of the one that was there from the beginning replays over all epochs. */
    for (unsigned i = 0; i < NODES; i++) {
        ADMIN("check", typed_data(i));
        ck_assert_int_eq(typed_number("findings_count"), 0);
    }
}
END_TEST

START_TEST(test_refusals)
{
    char rekey[TYPED_PATH + 8];
    found("1/1");
    come(1);
    REFUSED(2, "the quorum is more than half", "--add", typed_at("d2/offer.mro"), "--quorum", "1");
    REFUSED(2, "the quorum is more than half", "--add", typed_at("d2/offer.mro"), "--quorum", "3");
    REFUSED(1, "there is no node 7 in the present epoch", "--remove", "7");
    REFUSED(2, "\"x\" is no node's number", "--remove", "x");
    REFUSED(2, "there is no node", "--remove", "1");
    REFUSED(2, "belong together", "--expel", "1");
    snprintf(rekey, sizeof rekey, "1=%s", typed_at("d2/offer.mro"));
    REFUSED(1, "node 1 is not one of Association 2", "--rekey", rekey);
    /* Somebody else answers where the new node should be; then nobody does. */
    snprintf(rekey, sizeof rekey, "2=%s", peer_port[0]);
    REFUSED(5, "another one answers at", "--add", typed_at("d2/offer.mro"), "--address", rekey);
    proc_end(joining[1]);
    joining[1] = NULL;
    REFUSED(3, "nobody answers there", "--add", typed_at("d2/offer.mro"), "--unreachable-ok");
    ADMIN("-d", typed_data(0), "federation", "status");
    ck_assert_int_eq(typed_number("epoch"), 1);
    /* Whoever waits no longer is told so, and nothing is half made. */
    RUN("mereau-admin", 3, "federation", "join", typed_data(1), "--wait", "1");
    ck_assert_msg(strstr(typed.text, "no epoch names this node yet") != NULL, "%s", typed.text);
    ck_assert(!file_exists(typed_at("d2/charter.mrc")));
}
END_TEST

/* Two of three govern: one signature is a draft, the second one begins the epoch. */
START_TEST(test_governance)
{
    found("3/2");
    come(1);
    RUN("mereau-admin", 0, "-d", typed_data(0), "--key", typed_at("d1-keys/governance1.key"),
        "federation", "propose", "--yes", "--add", typed_at("d2/offer.mro"), "--json");
    ck_assert_str_eq(typed_field("state"), "draft");
    char draft[TYPED_PATH];
    snprintf(draft, sizeof draft, "%s", typed_field("draft"));
    RUN("mereau-admin", 1, "-d", typed_data(0), "--key", typed_at("d1-keys/governance1.key"),
        "draft", "submit", draft);
    ck_assert_msg(strstr(typed.text, "signatures are missing") != NULL, "%s", typed.text);
    ADMIN("-d", typed_data(0), "federation", "status");
    ck_assert_int_eq(typed_number("epoch"), 1);
    RUN("mereau-admin", 0, "-d", typed_data(0), "--key", typed_at("d1-keys/governance3.key"),
        "draft", "show", draft);
    ck_assert_msg(strstr(typed.text, "node 2 (Association 2) joins") != NULL, "%s", typed.text);
    ck_assert_msg(strstr(typed.text, "no node may be down") != NULL, "%s", typed.text);
    RUN("mereau-admin", 0, "-d", typed_data(0), "--key", typed_at("d1-keys/governance3.key"),
        "federation", "sign", draft, "--yes");
    finish_join(1);
    wait_epoch(0, 2);
    wait_epoch(1, 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("epochs");
    TCase *c = tcase_create("epochs");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_story);
    tcase_add_test(c, test_refusals);
    tcase_add_test(c, test_governance);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
