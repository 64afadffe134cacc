/* Witnesses of the charter beside four real nodes (decision 22): what settles is witnessed a moment
 * later whichever node is asked; one witness stops, one node dies, and governance changes who they
 * are. Programs as people run them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/quartet.h"

enum { SEEN_S = 30 };

static char mairie[128], agglo[128]; /* NAME=KEY */
static struct proc *running[2];      /* of mairie, of agglo */

static void make_witness(char ret[128], const char *name)
{
    char file[64];
    snprintf(file, sizeof file, "%s.key", name);
    AUDIT(0, "keygen", "--json", typed_at(file), "--passphrase-file", typed_at("pass"));
    snprintf(ret, 128, "%s=%s", name, typed_field("public_key"));
}

/* It looks at the first `nodes` nodes until it is told to stop. */
static void start_witness(unsigned which, const char *name, unsigned nodes)
{
    char key[64], seen[64];
    snprintf(key, sizeof key, "%s.key", name);
    snprintf(seen, sizeof seen, "seen-%s", name);
    const char *argv[24] = {MEREAU_BIN_DIR "/mereau-audit",
                            "witness",
                            "--name",
                            name,
                            "--key",
                            typed_at(key),
                            "--passphrase-file",
                            typed_at("pass"),
                            "--charter",
                            typed_at("d1/charter.mrc"),
                            typed_at(seen)};
    for (unsigned i = 0; i < nodes; i++) {
        argv[11 + 2 * i] = "--node";
        argv[12 + 2 * i] = quartet.wallet_port[i];
    }
    running[which] = proc_start(argv);
    ck_assert_ptr_nonnull(running[which]);
}

static void stop_witness(unsigned which)
{
    if (running[which] == NULL)
        return;
    proc_signal(running[which], SIGTERM);
    const int code = proc_wait(running[which], PROC_DEADLINE_MS);
    ck_assert_msg(code == 0, "%d: %s", code, proc_text(running[which]));
    proc_end(running[which]);
    running[which] = NULL;
}

static void setup(void)
{
    quartet_setup();
    make_witness(mairie, "mairie");
    make_witness(agglo, "agglo");
    quartet_found("1/1");
    quartet_ana_and_bob();
    quartet_become_four();
}

static void teardown(void)
{
    for (unsigned i = 0; i < 2; i++) {
        proc_end(running[i]);
        running[i] = NULL;
    }
    quartet_teardown();
}

static void all_in_epoch(long epoch, unsigned nodes)
{
    for (unsigned i = 0; i < nodes; i++)
        quartet_wait_epoch(i, epoch);
}

static bool is(const char *field)
{
    return json_is_true(json_object_get(typed.said, field));
}

/* Ana pays through a node; its receipt is at this place of her chain. */
static void pay(unsigned i, const char *amount)
{
    WALLET("--wallet", typed_at("ana"), "pay", "boulangerie", amount, "--yes", "--node",
           quartet.wallet_port[i]);
    ck_assert_str_eq(typed_field("status"), "SETTLED");
}

/* The receipt as Bob, who was paid, gets it: he holds none of his own. This node is asked first. */
static void witnessed_at(int code, unsigned i, const char *order, const char *patience)
{
    char number[8];
    snprintf(number, sizeof number, "%u", i + 1);
    WALLET("--wallet", typed_at("bob"), "node", "use", number);
    const struct timespec pause = {.tv_nsec = 200000000};
    int got = 1; /* the node may hear of it a moment after the one that took it */
    for (int k = 0; k < 25 && got == 1; k++) {
        got =
            typed_run(MEREAU_BIN_DIR "/mereau",
                      (const char *const[]){"--wallet", typed_at("bob"), "--json", "receipt",
                                            "show", order, "--wait", "--timeout", patience, NULL});
        if (got == 1)
            nanosleep(&pause, NULL);
    }
    TYPED_CODE(got, code);
}

static long unwitnessed(unsigned i, const char *wallet)
{
    WALLET("--wallet", typed_at(wallet), "balance", "--node", quartet.wallet_port[i]);
    return typed_number("unwitnessed_minor");
}

static void wait_unwitnessed(unsigned i, const char *wallet, long minor)
{
    const struct timespec pause = {.tv_nsec = 200000000};
    for (int k = 0; k < 5 * SEEN_S && unwitnessed(i, wallet) != minor; k++)
        nanosleep(&pause, NULL);
    ck_assert_int_eq(typed_number("unwitnessed_minor"), minor);
}

static void all_is_witnessed(unsigned i, const char *wallet)
{
    wait_unwitnessed(i, wallet, 0);
}

/* The wallet as it would be that much later: it only looks. */
static void balance_later(const char *skew_ms)
{
    ck_assert_int_eq(setenv("LD_PRELOAD", SKEW, 1), 0);
    ck_assert_int_eq(setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0), 0);
    ck_assert_int_eq(setenv("SKEW_MS", skew_ms, 1), 0);
    RUN("mereau", 0, "--wallet", typed_at("bob"), "balance", "--node", quartet.wallet_port[1]);
    ck_assert_int_eq(unsetenv("LD_PRELOAD"), 0);
    ck_assert_int_eq(unsetenv("SKEW_MS"), 0);
}

static bool said(const char *what)
{
    return strstr(typed.text, what) != NULL;
}

static void save_and_verify(int code, const char *place)
{
    WALLET("--wallet", typed_at("ana"), "receipt", "save", place, typed_at("r"), "--force");
    RUN("mereau", code, "receipt", "verify", typed_at("r"), "--charter",
        typed_at("d1/charter.mrc"));
    AUDIT(code, "receipt", typed_at("r"), "--charter", typed_at("d1/charter.mrc"));
}

START_TEST(settled_at_once_witnessed_later_changed_and_missed)
{
    char order[128], missed[128];
    PROPOSE("--witness", mairie, "--witness", agglo, "--witness-quorum", "2", "--reason",
            "the town and the country look");
    all_in_epoch(3, 4);
    /* Nobody looks yet: a till takes it, and is told. */
    pay(0, "1");
    ck_assert(!is("witnessed"));
    save_and_verify(5, "1");
    wait_unwitnessed(2, "bob", 100); /* a node may hear of it later */
    ck_assert(said("NO WITNESS has cosigned this node's history"));
    start_witness(0, "mairie", QUARTET_NODES);
    start_witness(1, "agglo", QUARTET_NODES);
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        all_is_witnessed(i, "bob");
    WALLET("--wallet", typed_at("ana"), "receipt", "show", "1", "--wait", "--timeout", "30");
    ck_assert(is("witnessed"));
    ck_assert_int_eq(typed_number("witnesses_charter"), 2);
    save_and_verify(0, "1");
    /* Whoever is asked, and whoever took the payment. */
    for (unsigned i = 0; i < QUARTET_NODES; i++) {
        pay(i, i == 0 ? "2" : i == 1 ? "3" : i == 2 ? "4" : "5");
        snprintf(order, sizeof order, "%s", typed_field("order"));
        witnessed_at(0, (i + 1) % QUARTET_NODES, order, "30");
        ck_assert(is("witnessed"));
    }
    /* A node that dies, and one that hangs, do not keep the witnesses from the others. */
    for (unsigned how = 0; how < 2; how++) {
        if (how == 0)
            quartet_kill(3);
        else
            proc_signal(quartet.nodes[3], SIGSTOP);
        pay(2, how == 0 ? "6" : "7");
        snprintf(missed, sizeof missed, "%s", typed_field("order"));
        witnessed_at(0, 1, missed, "30");
        for (unsigned i = 0; i < 3; i++) {
            pay(i, how == 0 ? i == 0   ? "0.10"
                              : i == 1 ? "0.11"
                                       : "0.12"
                   : i == 0 ? "0.20"
                   : i == 1 ? "0.21"
                            : "0.22");
            snprintf(order, sizeof order, "%s", typed_field("order"));
            witnessed_at(0, 1, order, "12");
        }
        if (how == 0)
            quartet_start(3);
        else
            proc_signal(quartet.nodes[3], SIGCONT);
        quartet_wait_answering(3, QUARTET_NODES);
        witnessed_at(0, 3, missed, "30"); /* it may not have acknowledged it itself */
        for (unsigned i = 0; i < QUARTET_NODES; i++)
            all_is_witnessed(i, "bob");
    }
    /* One of the two stops: payments go on, and are told as not yet witnessed. */
    stop_witness(1);
    pay(0, "8");
    ck_assert(!is("witnessed"));
    snprintf(order, sizeof order, "%s", typed_field("order"));
    witnessed_at(3, 1, order, "2");
    ck_assert_int_ge(unwitnessed(1, "bob"), 800);
    balance_later("600000");
    ck_assert_msg(!said("THE WITNESSES have cosigned nothing since"), "%s", typed.text);
    balance_later("960000");
    ck_assert_msg(said("THE WITNESSES have cosigned nothing since"), "%s", typed.text);
    WALLET("--wallet", typed_at("ana"), "witnesses", "--patience", "600");
    pay(0, "1.50");
    /* Governance goes on with the one that is left, who follows into the new epoch by itself. */
    PROPOSE("--drop-witness", "agglo", "--witness-quorum", "1");
    all_in_epoch(4, 4);
    WALLET("--wallet", typed_at("ana"), "balance");
    ck_assert_msg(said("CHANGED WHO HAS TO COSIGN"), "%s", typed.text);
    all_is_witnessed(1, "bob"); /* her patience wants a cosignature of the new epoch */
    pay(1, "9");
    snprintf(order, sizeof order, "%s", typed_field("order"));
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        witnessed_at(0, i, order, "30");
    ck_assert_int_eq(typed_number("witnesses_charter"), 1);
    save_and_verify(0, "1"); /* two were wanted then, and two cosigned */
    all_is_witnessed(0, "bob");
    stop_witness(0);
    ADMIN("check", typed_data(0));
    ck_assert_int_eq(typed_number("findings_count"), 0);
}
END_TEST

/* Whoever waits at a node that no witness looks at gets the receipt of another one. */
START_TEST(a_receipt_is_sought_where_witnesses_look)
{
    char order[128];
    PROPOSE("--witness", mairie, "--witness-quorum", "1");
    all_in_epoch(3, QUARTET_NODES);
    start_witness(0, "mairie", 2);
    /* A node that joined has no receipt of how the shop was listed: others have, without a word. */
    RUN("mereau", 5, "--wallet", typed_at("ana"), "pay", "boulangerie", "1", "--yes", "--node",
        quartet.wallet_port[2]);
    SAID("this node alone cannot prove");
    WALLET("--wallet", typed_at("ana"), "balance");
    WALLET("--wallet", typed_at("ana"), "node", "use", "3");
    quartet_pay("ana", "boulangerie", "1");
    ck_assert_msg(!said("going on through"), "%s", typed.text);
    snprintf(order, sizeof order, "%s", typed_field("order"));
    WALLET("--wallet", typed_at("bob"), "balance", "--node", quartet.wallet_port[3]);
    witnessed_at(0, 3, order, "30");
    ck_assert(is("witnessed"));
    /* The payer's own copy gets what was found elsewhere. */
    WALLET("--wallet", typed_at("ana"), "receipt", "show", "1", "--wait", "--timeout", "30");
    WALLET("--wallet", typed_at("ana"), "receipt", "show", "1", "--node", quartet.wallet_port[3]);
    ck_assert(is("witnessed"));
    save_and_verify(0, "1");
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("witness federation");
    TCase *const c = tcase_create("witness");
    tcase_set_timeout(c, 400);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, settled_at_once_witnessed_later_changed_and_missed);
    tcase_add_test(c, a_receipt_is_sought_where_witnesses_look);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
