/* A payment that is under way when the nodes change, and that too few of them acknowledged: the CUT
 * settles it, and its owner's wallet ends with a receipt that the nodes of the next epoch made anew
 * (EPO-5, SLOT-17). Four real nodes and a proxy in front of each direction between two of them, so
 * that it is certain who has read what. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/nodedir.h"
#include "lib/proxy.h"
#include "lib/quartet.h"

enum { A, B, C, D, LINE_MAX_BYTES = 1024 };

static struct proxy *line[QUARTET_NODES][QUARTET_NODES]; /* [who reads][whose log] */

static uint16_t port_of(const char *address)
{
    return (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
}

static void pause_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* Its lines to the others are the proxies'. */
static void start_behind_proxies(unsigned i)
{
    char redirect[LINE_MAX_BYTES] = "REDIRECT=";
    const char *const env[] = {redirect, "LD_PRELOAD=" REDIRECT,
                               "ASAN_OPTIONS=verify_asan_link_order=0", NULL};
    for (unsigned k = 0; k < QUARTET_NODES; k++) {
        const uint16_t to = port_of(quartet.peer_port[k]);
        if (k == i)
            continue;
        if (line[i][k] == NULL)
            line[i][k] = proxy_start(0, &to, 1);
        ck_assert_ptr_nonnull(line[i][k]);
        const size_t n = strlen(redirect);
        snprintf(redirect + n, sizeof redirect - n, "%u=%u,", to, proxy_port(line[i][k]));
    }
    quartet.nodes[i] = nodedir_start_in(typed_data(i), env, NULL);
    ck_assert_ptr_nonnull(quartet.nodes[i]);
}

static void hold(unsigned from, unsigned to, bool held)
{
    for (unsigned i = from; i <= to; i++)
        for (unsigned k = from; k <= to; k++)
            if (i != k)
                proxy_hold(line[i][k], held);
}

static void teardown(void)
{
    quartet_teardown();
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        for (unsigned k = 0; k < QUARTET_NODES; k++) {
            proxy_stop(line[i][k]);
            line[i][k] = NULL;
        }
}

static long leaves(unsigned i)
{
    ADMIN("-d", typed_data(i), "federation", "status");
    return typed_number("leaves");
}

/* How much of a node's log another one has taken up. */
static long taken(unsigned i, unsigned whose)
{
    const json_t *peer;
    size_t at;
    ADMIN("-d", typed_data(i), "federation", "status");
    json_array_foreach(json_object_get(typed.said, "peers"), at,
                       peer) if (json_integer_value(json_object_get(peer, "node")) ==
                                 (json_int_t)whose + 1) return (long)
        json_integer_value(json_object_get(peer, "size"));
    return 0;
}

/* One node reads the log of another as it is now, and nothing else moves. */
static void let_read(unsigned i, unsigned whose)
{
    const long until = leaves(whose);
    proxy_hold(line[i][whose], false);
    for (int k = 0; k < 20 * QUARTET_PATIENCE_S && taken(i, whose) < until; k++)
        pause_ms(50);
    proxy_hold(line[i][whose], true);
    ck_assert_int_ge(taken(i, whose), until);
    pause_ms(200); /* what it says to that */
}

static struct proc *propose(void)
{
    static char moves[64];
    snprintf(moves, sizeof moves, "4=127.1%s", strrchr(quartet.wallet_port[D], ':'));
    const char *const argv[] = {"LC_ALL=C.UTF-8",
                                MEREAU_BIN_DIR "/mereau-admin",
                                "--passphrase-file",
                                typed_at("pass"),
                                "-d",
                                typed_data(A),
                                "--key",
                                typed_at("d1-keys/governance1.key"),
                                "federation",
                                "propose",
                                "--yes",
                                "--address",
                                moves,
                                NULL};
    const long before = leaves(A);
    struct proc *const p = proc_start(argv);
    ck_assert_ptr_nonnull(p);
    for (int k = 0; k < 20 * QUARTET_PATIENCE_S && leaves(A) == before; k++)
        pause_ms(50);
    ck_assert_int_gt(leaves(A), before);
    return p;
}

static void four_nodes(void)
{
    quartet_found("1/1");
    quartet_ana_and_bob();
    quartet_become_four();
    for (unsigned i = 0; i < QUARTET_NODES; i++) {
        quartet_stop(i);
        start_behind_proxies(i);
    }
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_answering(i, QUARTET_NODES);
    quartet_pay("ana", "boulangerie", "1");
    pause_ms(1000);
}

/* A seals its log before it hears of a payment that B acknowledged; C voted for it, and D, which
 * the wallet handed it to, dies. */
static void settle_by_cut(void)
{
    hold(A, D, true);
    RUN("mereau", 3, "--wallet", typed_at("ana"), "--json", "pay", "boulangerie", "2", "--yes",
        "--node", quartet.wallet_port[D], "--timeout", "2");
    struct proc *const proposing = propose();
    let_read(B, A);
    let_read(C, A);
    let_read(B, C);
    let_read(C, B);
    let_read(A, B);
    let_read(A, C);
    for (int k = 0; k < 20 * QUARTET_PATIENCE_S; k++) {
        ADMIN("-d", typed_data(A), "federation", "status");
        if (strcmp(typed_field("mode"), "CHANGING") == 0)
            break;
        pause_ms(50);
    }
    ck_assert_str_eq(typed_field("mode"), "CHANGING");
    pause_ms(1000); /* A acknowledged nothing that is open: it seals at once */
    let_read(B, D);
    let_read(C, D);
    let_read(B, C);
    quartet_kill(D);
    hold(A, C, false);
    ck_assert_int_eq(proc_wait(proposing, QUARTET_PATIENCE_S * 1000), 0);
    proc_end(proposing);
    for (unsigned i = A; i <= C; i++)
        quartet_wait_epoch(i, 3);
}

static void has_receipt_of_epoch(const char *place, long epoch)
{
    const json_t *proof;
    size_t at;
    WALLET("--wallet", typed_at("ana"), "receipt", "show", place);
    ck_assert_str_eq(typed_field("outcome"), "SETTLED");
    ck_assert_int_eq(typed_number("proofs"), 3);
    ck_assert_ptr_null(json_object_get(typed.said, "shown_by"));
    json_array_foreach(json_object_get(json_object_get(typed.said, "receipt"), "proofs"), at, proof)
        ck_assert_int_eq(
            json_integer_value(json_object_get(json_object_get(proof, "head"), "epoch")), epoch);
}

START_TEST(what_a_cut_settled_ends_with_a_receipt)
{
    four_nodes();
    settle_by_cut();
    WALLET("--wallet", typed_at("ana"), "resume");
    ck_assert_str_eq(typed_field("status"), "SETTLED");
    ck_assert_int_eq(typed_number("amount_minor"), 200);
    has_receipt_of_epoch("1", 2);
    has_receipt_of_epoch("2", 3); /* nobody has one of the epoch that it settled in */
    WALLET("--wallet", typed_at("ana"), "receipt", "save", "2", typed_at("two.mrr"));
    WALLET("receipt", "verify", typed_at("two.mrr"), "--charter", typed_at("d1/charter.mrc"));
    AUDIT(0, "receipt", typed_at("two.mrr"), "--charter", typed_at("d1/charter.mrc"));
    quartet_pay("ana", "boulangerie", "4");
    WALLET("--wallet", typed_at("bob"), "balance");
    const json_t *const balance = json_array_get(json_object_get(typed.said, "balances"), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(balance, "minor")), 700);
    /* The one that died reads the end of the epoch, and all agree. */
    hold(A, D, false);
    start_behind_proxies(D);
    for (unsigned i = A; i <= D; i++)
        quartet_wait_answering(i, QUARTET_NODES);
    quartet_wait_epoch(D, 3);
    quartet_pay("ana", "boulangerie", "5");
    /* Where too few nodes are left, an operator is told how far it came and what to do. */
    quartet_kill(C);
    quartet_kill(D);
    RUN("mereau-admin", 3, "-d", typed_data(A), "freeze", "bob", "--yes", "--timeout", "8");
    SAID("2 of the 3 that it takes voted for it so far");
    SAID("federation status");
    start_behind_proxies(C);
    start_behind_proxies(D);
    for (unsigned i = A; i <= D; i++)
        quartet_wait_answering(i, QUARTET_NODES);
    ADMIN("-d", typed_data(A), "freeze", "bob", "--yes");
    for (unsigned i = A; i <= D; i++) {
        ADMIN("check", typed_data(i));
        ck_assert_int_eq(typed_number("findings_count"), 0);
    }
    quartet_stop(A);
    AUDIT(0, "verify", typed_data(A));
}
END_TEST

/* A node's disk is lost, and it comes back with a new key and the state that others vouch for. */
static void lose_and_join(unsigned i, const char *offer, long epoch)
{
    char rekey[TYPED_PATH + 8];
    quartet_lose(i);
    ADMIN("federation", "rekey", typed_data(i), "--node", quartet.wallet_port[A]);
    quartet_join(i, (const char *const[]){typed_data(i), NULL});
    snprintf(rekey, sizeof rekey, "%u=%s", i + 1, typed_at(offer));
    PROPOSE("--rekey", rekey, "--reason", "its disk broke");
    quartet_come_in(i);
    for (unsigned k = A; k <= D; k++)
        quartet_wait_epoch(k, epoch);
    for (unsigned k = A; k <= D; k++)
        quartet_wait_answering(k, QUARTET_NODES);
}

/* Nobody asked for the receipt in time: another device went on, and two of four nodes were lost and
 * know of it by the word of others only. Mostly nobody can prove it any more; a later order shows
 * that it settled (WAL-20; test_wallet_linked has that alone). The owner learns it in any case. */
START_TEST(what_nobody_can_prove_is_shown_by_a_later_order)
{
    four_nodes();
    WALLET("--wallet", typed_at("ana"), "backup", "--output", typed_at("ana.sheet"));
    settle_by_cut();
    hold(A, D, false);
    start_behind_proxies(D);
    for (unsigned i = A; i <= D; i++)
        quartet_wait_answering(i, QUARTET_NODES);
    WALLET("--wallet", typed_at("ana2"), "restore", "--sheet-file", typed_at("ana.sheet"),
           "--kdf-min", "--node", quartet.wallet_port[A]);
    quartet_pay("ana2", "boulangerie", "4");
    lose_and_join(B, "d2/offer.mro", 4);
    lose_and_join(C, "d3/offer.mro", 5);
    WALLET("--wallet", typed_at("ana"), "resume");
    ck_assert_str_eq(typed_field("status"), "SETTLED");
    ck_assert_int_eq(typed_number("amount_minor"), 200);
    const bool shown =
        strstr(typed.text, "shown by the receipt of a later order, at place 3") != NULL;
    WALLET("--wallet", typed_at("ana"), "receipt", "show", "2");
    ck_assert_str_eq(typed_field("outcome"), "SETTLED");
    if (shown)
        ck_assert_int_eq(typed_number("shown_by"), 3);
    else
        ck_assert_int_eq(typed_number("proofs"), 3); /* one that came in acknowledged it in time */
    quartet_pay("ana", "boulangerie", "5");
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("epoch cut");
    TCase *const c = tcase_create("cut");
    tcase_set_timeout(c, 400);
    tcase_add_checked_fixture(c, quartet_setup, teardown);
    tcase_add_test(c, what_a_cut_settled_ends_with_a_receipt);
    TCase *const later = tcase_create("later");
    tcase_set_timeout(later, 400);
    tcase_add_checked_fixture(later, quartet_setup, teardown);
    tcase_add_test(later, what_nobody_can_prove_is_shown_by_a_later_order);
    suite_add_tcase(s, c);
    suite_add_tcase(s, later);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
