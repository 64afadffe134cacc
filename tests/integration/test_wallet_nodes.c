/* The wallet and several nodes (lib/fakes): its own does not answer, hangs, refuses, lies or stops
 * half way; it pays through another one, and never twice. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "common/file.h"
#include "lib/scene.h"

enum { KILLS = 40 };

static void three_nodes(void)
{
    scene_begin(3, 2);
}

/* --- the own node is not there ---------------------------------------------------------------- */

START_TEST(a_dead_node_is_left_for_another)
{
    want_code(pay("1", "before"), 0);
    ck_assert_uint_eq(atomic_load(&node(GALET)->submits), 1);
    ck_assert_str_eq(run_err, "");
    fake_stop(fakes, GALET);
    want_code(pay("2", "through another"), 0);
    ck_assert_str_eq(run_field("status"), "SETTLED");
    ck_assert_uint_eq(run_count(run_err, "galet's node does not answer: going on through "), 1);
    ck_assert_uint_eq(run_count(run_err, "\n"), 1);
    ck_assert_uint_eq(atomic_load(&node(LYON)->submits) + atomic_load(&node(BREST)->submits), 1);
    ck_assert_int_eq(paid(), 300);
    fake_start(fakes, GALET);
    want_code(pay("4", "at home again"), 0);
    ck_assert_str_eq(run_err, "");
    ck_assert_uint_eq(atomic_load(&node(GALET)->submits), 2);
    ck_assert_int_eq(paid(), 700);
}
END_TEST

START_TEST(a_silent_node_is_left_for_another)
{
    atomic_store(&node(GALET)->mute, 1);
    want_code(pay("1", "x"), 0);
    want_text(run_err, "galet's node does not answer");
    ck_assert_int_eq(paid(), 100);
}
END_TEST

/* The node dies after it took the order; others have it already, or never heard of it (_i). */
START_TEST(an_answer_that_is_lost_does_not_pay_twice)
{
    set_linked(_i == 0 ? ~UINT32_C(0) : ~(UINT32_C(1) << GALET));
    atomic_store(&node(GALET)->swallows, 1);
    want_code(pay("1", "x"), 0);
    ck_assert_str_eq(run_field("status"), "SETTLED");
    ck_assert_uint_ge(atomic_load(&node(GALET)->submits), 1);
    ck_assert_uint_eq(atomic_load(&node(LYON)->submits) + atomic_load(&node(BREST)->submits),
                      (unsigned)_i);
    ck_assert_int_eq(paid(), 100);
    ck_assert_uint_eq(fakes_chain(fakes, 0), 1);
}
END_TEST

/* A node may keep SUBMIT until it settles; SLOT tells meanwhile. */
START_TEST(a_node_that_keeps_the_answer_is_asked_how_it_goes)
{
    atomic_store(&node(GALET)->keeps, 1);
    want_code(pay("1", "x"), 0);
    ck_assert_str_eq(run_err, "");
    ck_assert_uint_eq(atomic_load(&node(GALET)->submits), 1);
    set_hold(MR_VOTING);
    /* Whatever the patience: much later it would be handed to others, too. */
    want_code(
        run_words("--wallet=ana", "--json", "pay", bob, "2", "--yes", "--timeout", "5", NULL), 3);
    ck_assert_str_eq(run_field("status"), "VOTING");
    set_hold(MR_OK);
    want_code(run_words("--wallet=ana", "--json", "cancel", NULL), 0);
    ck_assert_uint_eq(atomic_load(&node(LYON)->submits) + atomic_load(&node(BREST)->submits), 0);
    ck_assert_int_eq(paid(), 100);
}
END_TEST

static const enum mr_status refusals[] = {MR_STOPPING,  MR_ABSTAINING, MR_STARTING,
                                          MR_NO_QUORUM, MR_BEHIND,     MR_DISK_FULL};

START_TEST(what_a_node_cannot_do_another_does)
{
    atomic_store(&node(GALET)->refuses, (int)refusals[_i]);
    want_code(pay("1", "x"), 0);
    ck_assert_str_eq(run_field("status"), "SETTLED");
    ck_assert_uint_eq(run_count(run_err, "galet's node"), 1);
    ck_assert_int_eq(paid(), 100);
}
END_TEST

START_TEST(how_a_node_is_counts_before_it_is_asked)
{
    atomic_store(&node(GALET)->mode, (int)refusals[_i]);
    want_code(pay("1", "x"), 0);
    ck_assert_uint_eq(atomic_load(&node(GALET)->submits), 0);
    want_text(run_err, "galet's node cannot help (");
    ck_assert_int_eq(paid(), 100);
    if (_i > 0)
        return;
    /* When no other is better, its own is good enough to look. */
    fake_stop(fakes, LYON);
    fake_stop(fakes, BREST);
    want_code(run_words("--wallet=ana", "balance", NULL), 0);
    want_text(run_out, "999.00 FAK");
}
END_TEST

/* To go to and fro between them helps nobody, and is told once. */
START_TEST(that_none_can_help_is_said_once)
{
    for (uint32_t i = GALET; i <= BREST; i++) {
        atomic_store(&node(i)->mode, MR_NO_QUORUM);
        atomic_store(&node(i)->refuses, MR_NO_QUORUM);
    }
    want_code(run_words("--wallet=ana", "--json", "pay", bob, "1", "--yes", "--timeout=4", NULL),
              3);
    ck_assert_uint_eq(run_count(run_err, "cannot help"), 0);
    ck_assert_uint_eq(run_count(run_err, "none of the nodes that answer can help now (too few"), 1);
    ck_assert_int_eq(paid(), 0);
    /* Once it was said, who helps in the end is told. */
    atomic_store(&node(BREST)->mode, MR_OK);
    atomic_store(&node(BREST)->refuses, MR_OK);
    want_code(run_words("--wallet=ana", "--json", "resume", NULL), 0);
    want_text(run_err, "galet's node cannot help (too few");
    want_text(run_err, "going on through brest's");
    ck_assert_int_eq(paid(), 100);
}
END_TEST

START_TEST(nobody_answers)
{
    for (uint32_t i = 1; i <= 3; i++)
        fake_stop(fakes, i);
    want_code(run_words("--wallet=ana", "--json", "pay", bob, "1", "--yes", "--timeout=5", NULL),
              3);
    want_text(run_err, "none of the 3 nodes of this currency answers");
    ck_assert_int_eq(paid(), 0);
    fake_start(fakes, BREST);
    fake_start(fakes, LYON);
    want_code(pay("1", "x"), 0);
    ck_assert_int_eq(paid(), 100);
}
END_TEST

START_TEST(another_key_at_the_address_is_told_and_left)
{
    atomic_store(&node(GALET)->impostor, 1);
    want_code(pay("1", "x"), 0);
    want_text(run_err, "another key answers at 127.0.0.1:");
    want_text(run_field("warning_wrong_node"), "another key answers");
    ck_assert_uint_eq(atomic_load(&node(GALET)->submits), 0);
    ck_assert_int_eq(paid(), 100);
    want_code(run_words("--wallet=ana", "--node=galet", "balance", NULL), 5);
    /* Nor may a node of the currency pass for another one. */
    atomic_store(&node(GALET)->impostor, 0);
    atomic_store(&node(GALET)->says_node, LYON);
    want_code(run_words("--wallet=ana", "--node=1", "balance", NULL), 5);
}
END_TEST

START_TEST(the_home_node_is_gone_for_good)
{
    char id[128];
    want_code(pay("1", "from home"), 0);
    want_code(run_words("--wallet=bob", "--json", "pay", ana, "0.50", "--memo=back", "--yes", NULL),
              0);
    snprintf(id, sizeof id, "%s", run_field("order"));
    fake_stop(fakes, GALET);
    want_code(run_words("--wallet=ana", "balance", NULL), 0);
    want_text(run_out, "999.50 FAK");
    want_code(run_words("--wallet=ana", "history", NULL), 0);
    want_text(run_out, "from home");
    want_text(run_out, "back");
    want_code(run_words("--wallet=ana", "receipt", "show", id, NULL), 0);
    want_text(run_out, "0.50 FAK");
    want_code(run_words("--wallet=ana", "request", "3", "--json", NULL), 0);
    want_code(run_words("--wallet=ana", "directory", NULL), 0);
    want_code(run_words("--wallet=ana", "status", "--json", NULL), 0);
    ck_assert_str_eq(run_field("admitted"), "true");
    ck_assert_str_eq(run_field("node_is_home"), "false");
    want_code(pay("2", "on"), 0);
    want_code(run_words("--wallet=ana", "backup", "--output=sheet.txt", NULL), 0);
    char address[64];
    char *const sheet = run_read("sheet.txt");
    snprintf(address, sizeof address, "or              127.0.0.1:%u\n", node(BREST)->port);
    want_text(sheet, address);
    free(sheet);
    want_code(run_words("--wallet=anew", "restore", "--sheet-file=sheet.txt", "--kdf-min",
                        "--timeout=1", NULL),
              3);
    want_text(run_err, "--node HOST:PORT");
    snprintf(address, sizeof address, "--node=127.0.0.1:%u", node(BREST)->port);
    want_code(run_words("--wallet=again", address, "restore", "--sheet-file=sheet.txt", "--kdf-min",
                        "--json", NULL),
              0);
    ck_assert_str_eq(run_field("account"), ana);
    ck_assert_str_eq(run_field("balance_minor"), "99750");
    want_code(run_words("--wallet=again", "pay", bob, "1", "--yes", NULL), 0);
    ck_assert_int_eq(paid(), 350);
}
END_TEST

static int restore_anew(const char *wallet)
{
    want_code(run_words("--wallet=ana", "backup", "--output=sheet.txt", "--force", NULL), 0);
    return run_words("--wallet", wallet, "--json", "restore", "--sheet-file=sheet.txt", "--kdf-min",
                     NULL);
}

/* What the first node has not heard of, another one has: n - q + 1 are asked. */
START_TEST(a_restored_wallet_asks_more_than_one)
{
    want_code(pay("1", "x"), 0);
    set_sees(GALET, 0);
    want_code(restore_anew("late"), 0);
    ck_assert_str_eq(run_field("orders"), "1");
    ck_assert_str_eq(run_field("balance_minor"), "99900");
    set_sees(GALET, UINT64_MAX);
    /* An order that stands at another node only. */
    fake_stop(fakes, BREST);
    set_linked(UINT32_C(1) << GALET);
    want_code(
        run_words("--wallet=ana", "--node=lyon", "pay", bob, "7", "--yes", "--timeout=1", NULL), 3);
    want_code(restore_anew("again"), 0);
    ck_assert_str_eq(run_field("order_open"), "true");
    want_code(run_words("--wallet=again", "--json", "pay", bob, "8", "--yes", NULL), 1);
    ck_assert_str_eq(run_field("status"), "ORDER_OPEN");
    ck_assert_str_eq(run_field("amount_minor"), "700");
    /* Nobody else is there to ask: it says so. */
    fake_stop(fakes, LYON);
    want_code(restore_anew("alone"), 0);
    want_text(run_err, "too few nodes answer to know of every order");
}
END_TEST

/* --- on its way ------------------------------------------------------------------------------- */

static const enum mr_status stages[] = {MR_VOTING, MR_CERTIFIED};

START_TEST(only_settled_is_money)
{
    set_hold(stages[_i]);
    want_code(run_words("--wallet=ana", "--json", "pay", bob, "1", "--yes", "--timeout=1", NULL),
              3);
    ck_assert_str_eq(run_field("status"), mr_status_name(stages[_i]));
    ck_assert_str_eq(run_field("ok"), "false");
    ck_assert_str_eq(run_field("votes"), "1");
    ck_assert_str_eq(run_field("quorum"), "2");
    ck_assert_str_eq(run_field("retry"), "true");
    want_text(run_err, "mereau resume");
    ck_assert_int_eq(paid(), 0);
    want_code(run_words("--wallet=ana", "--json", "resume", "--timeout=1", NULL), 3);
    want_code(run_words("--wallet=ana", "--json", "pay", bob, "5", "--yes", "--timeout=1", NULL),
              1);
    ck_assert_str_eq(run_field("status"), "ORDER_OPEN");
    set_hold(MR_OK);
    want_code(run_words("--wallet=ana", "--json", "resume", NULL), 0);
    ck_assert_str_eq(run_field("status"), "SETTLED");
    ck_assert_str_eq(run_field("amount_minor"), "100");
    ck_assert_int_eq(paid(), 100);
    ck_assert_uint_eq(fakes_chain(fakes, 0), 1);
}
END_TEST

START_TEST(a_cancellation_is_waited_for_too)
{
    set_hold(MR_VOTING);
    want_code(run_words("--wallet=ana", "pay", bob, "1", "--yes", "--timeout=1", NULL), 3);
    want_code(run_words("--wallet=ana", "cancel", "--json", "--timeout=1", NULL), 3);
    ck_assert_str_eq(run_field("status"), "VOTING");
    want_text(run_err, "the cancellation is under way");
    set_hold(MR_OK);
    want_code(run_words("--wallet=ana", "cancel", "--json", NULL), 0);
    ck_assert_str_eq(run_field("outcome"), "VOIDED");
    ck_assert_int_eq(paid(), 0);
    want_code(pay("1", "after"), 0);
    ck_assert_int_eq(paid(), 100);
}
END_TEST

START_TEST(a_node_cut_off_from_the_others_is_not_waited_for)
{
    set_linked(~(UINT32_C(1) << GALET));
    want_code(run_words("--wallet=ana", "--json", "pay", bob, "1", "--yes", "--timeout=20", NULL),
              0);
    ck_assert_str_eq(run_field("status"), "SETTLED");
    ck_assert_uint_eq(run_count(run_err, "no further vote came for a while"), 1);
    ck_assert_uint_eq(run_count(run_err, "cannot help"), 0); /* nobody knows that */
    ck_assert_uint_eq(atomic_load(&node(GALET)->submits), 1);
    ck_assert_int_eq(paid(), 100);
    ck_assert_uint_eq(fakes_chain(fakes, 0), 1);
}
END_TEST

START_TEST(another_device_is_warned_of)
{
    set_flag(&fakes->ledger.conflict, true);
    set_hold(MR_VOTING);
    want_code(run_words("--wallet=ana", "pay", bob, "1", "--json", "--yes", "--timeout=1", NULL),
              3);
    ck_assert_uint_eq(run_count(run_err, "ANOTHER signed order"), 1);
    want_text(run_field("warning_conflict"), "another signed order");
    ck_assert_str_eq(run_field("conflict"), "true");
}
END_TEST

START_TEST(an_order_of_another_device_under_way_comes_first)
{
    want_code(run_words("--wallet=ana", "balance", NULL), 0);
    ck_assert_int_eq(system("cp -r ana twin"), 0); /* allow: a test's own directory */
    set_hold(MR_VOTING);
    want_code(run_words("--wallet=ana", "pay", bob, "1", "--yes", "--timeout=1", NULL), 3);
    want_code(run_words("--wallet=twin", "pay", bob, "2", "--json", "--yes", "--timeout=1", NULL),
              1);
    ck_assert_str_eq(run_field("status"), "ORDER_OPEN");
    ck_assert_str_eq(run_field("amount_minor"), "100");
    set_hold(MR_OK);
    want_code(run_words("--wallet=twin", "resume", NULL), 0);
    ck_assert_int_eq(paid(), 100);
}
END_TEST

START_TEST(a_terminal_shows_the_votes)
{
    char script[1024];
    set_hold(MR_VOTING);
    snprintf(script, sizeof script,
             "set timeout 20\nlog_user 0\n"
             "spawn %s/mereau --wallet ana --passphrase-file pass --lang en pay %s 1 --yes "
             "--timeout 3\n"
             "expect \"\\r1 of 2 nodes voted\" {} timeout {exit 99} eof {exit 98}\n"
             "expect \"mereau resume\"\nexpect eof\nexit [lindex [wait] 3]\n",
             MEREAU_BIN_DIR, bob);
    ck_assert_int_eq(file_write("votes.exp", script, strlen(script), 0600, true), MR_OK);
    const int status = system("expect -f votes.exp"); /* a terminal, played */
    ck_assert_int_eq(WEXITSTATUS(status), 3);
}
END_TEST

/* The new keys are in force before the wallet hears that its rotation settled. */
START_TEST(a_rotation_settles_while_it_is_looked_at)
{
    struct mr_rep_slot *const slot = malloc(sizeof *slot);
    struct mr_req_slot ask = {.seq = 1};
    const char *const args[] = {"--wallet=ana",       "--json", "keys", "rotate", "--yes",
                                "--output=sheet.txt", NULL};
    ck_assert_ptr_nonnull(slot);
    set_hold(MR_VOTING);
    const pid_t pid = run_start(args);
    while (atomic_load(&node(GALET)->looks) < 3)
        sleep_us(10000);
    pthread_mutex_lock(&fakes->lock);
    memcpy(ask.account, fakes->ledger.accounts[0].state.id, sizeof ask.account);
    fakes->ledger.hold = MR_OK;
    ck_assert_int_eq(fake_look(&fakes->ledger, LYON, &ask, slot), MR_SETTLED);
    pthread_mutex_unlock(&fakes->lock);
    free(slot);
    want_code(run_finish(pid), 0);
    ck_assert_str_eq(run_field("generation"), "2");
    want_code(pay("1", "with the new keys"), 0);
}
END_TEST

/* --- proofs ----------------------------------------------------------------------------------- */

START_TEST(settled_without_proof_is_not_paid)
{
    set_flag(&fakes->ledger.unproved[GALET - 1], true);
    want_code(pay("1", "another proves it"), 0);
    ck_assert_str_eq(run_field("status"), "SETTLED");
    ck_assert_str_eq(run_err, ""); /* its own may have joined later: nothing is wrong with it */
    want_code(run_words("--wallet=ana", "receipt", "save", "1", "one.receipt", NULL), 0);
    want_code(run_words("--wallet=ana", "receipt", "verify", "one.receipt", NULL), 0);
    set_flag(&fakes->ledger.unproved[LYON - 1], true);
    set_flag(&fakes->ledger.unproved[BREST - 1], true);
    want_code(run_words("--wallet=ana", "--json", "pay", bob, "2", "--yes", "--timeout=5", NULL),
              3);
    ck_assert_str_eq(run_field("status"), "UNSETTLED");
    want_text(run_err, "none has proved it");
    set_flag(&fakes->ledger.unproved[LYON - 1], false);
    want_code(run_words("--wallet=ana", "--json", "resume", NULL), 0);
    ck_assert_str_eq(run_field("amount_minor"), "200");
    ck_assert_int_eq(paid(), 300);
}
END_TEST

/* Of an order of before its time a node that joined later has no receipt, and is well. */
START_TEST(a_receipt_that_one_node_lacks_is_asked_for_elsewhere)
{
    char id[128];
    want_code(run_words("--wallet=bob", "--json", "pay", ana, "1", "--yes", NULL), 0);
    snprintf(id, sizeof id, "%s", run_field("order"));
    set_flag(&fakes->ledger.unproved[GALET - 1], true);
    want_code(run_words("--wallet=ana", "--json", "receipt", "show", id, NULL), 0);
    ck_assert_str_eq(run_field("proofs"), "2");
    ck_assert_str_eq(run_err, "");
    set_flag(&fakes->ledger.lies[LYON - 1], true);
    set_flag(&fakes->ledger.unproved[BREST - 1], true);
    want_code(run_words("--wallet=ana", "--json", "receipt", "show", id, NULL), 1);
    want_text(run_err, "lyon's node cannot help (the receipt proves nothing");
    want_text(run_err, "none of the nodes shows a receipt of it");
    set_flag(&fakes->ledger.unproved[GALET - 1], false);
    set_flag(&fakes->ledger.lies[GALET - 1], true);
    set_flag(&fakes->ledger.unproved[BREST - 1], false);
    want_code(run_words("--wallet=ana", "--json", "receipt", "show", id, NULL), 0);
    want_text(run_err, "galet's node cannot help (the receipt proves nothing");
}
END_TEST

START_TEST(a_receipt_of_too_few_nodes_is_not_believed)
{
    set_flag(&fakes->ledger.lies[GALET - 1], true);
    want_code(pay("1", "another proves it"), 0);
    want_text(run_err, "galet's node cannot help (the receipt proves nothing");
    want_code(run_words("--wallet=ana", "--json", "receipt", "show", "1", NULL), 0);
    ck_assert_str_eq(run_field("proofs"), "2");
    ck_assert_str_eq(run_field("single_node"), "false");
    ck_assert_str_eq(run_field("liars_needed"), "1");
    ck_assert_str_eq(run_field("nodes.0.association"), "galet");
    ck_assert_str_eq(run_field("nodes.1.association"), "lyon");
    want_code(run_words("--wallet=ana", "receipt", "show", "1", NULL), 0);
    want_text(run_out, "Verified: 2 of 2 signed proofs.");
    want_text(run_out, "acknowledged by node 1, of Galet");
    want_text(run_out, "acknowledged by node 2, of Lyon");
    want_text(run_out, "only if 1 of these nodes lied");
    ck_assert_ptr_null(strstr(run_out, "single node"));
    /* Where all lie, nothing counts as paid. */
    set_flag(&fakes->ledger.lies[LYON - 1], true);
    set_flag(&fakes->ledger.lies[BREST - 1], true);
    want_code(run_words("--wallet=ana", "--json", "pay", bob, "2", "--yes", "--timeout=5", NULL),
              3);
    ck_assert_str_eq(run_field("status"), "UNSETTLED");
}
END_TEST

/* OK is no answer to SLOT: nothing that comes with it is looked at. */
START_TEST(a_receipt_is_only_of_what_is_settled)
{
    for (uint32_t i = 1; i <= 3; i++)
        atomic_store(&node(i)->vague, 1);
    want_code(run_words("--wallet=ana", "--json", "receipt", "show", "1", NULL), 1);
    ck_assert_str_eq(run_field("status"), "NOT_FOUND");
    want_text(run_err, "nothing is settled at this place yet");
}
END_TEST

START_TEST(an_older_history_is_told_and_left)
{
    want_code(pay("1", "x"), 0);
    set_flag(&fakes->ledger.rewound[GALET - 1], true);
    want_code(pay("2", "y"), 0);
    ck_assert_uint_eq(atomic_load(&node(GALET)->seen), 2);
    want_text(run_err, "OLDER or ANOTHER history");
    want_text(run_field("warning_forked"), "galet");
    ck_assert_uint_eq(atomic_load(&node(GALET)->submits), 1);
    ck_assert_int_eq(paid(), 300);
    want_code(run_words("--wallet=ana", "--node=galet", "--json", "balance", NULL), 5);
    ck_assert_str_eq(run_field("status"), "FORKED");
    ck_assert_str_eq(run_field("shown_size"), "1");
    set_flag(&fakes->ledger.rewound[GALET - 1], false);
    want_code(run_words("--wallet=ana", "balance", NULL), 0);
    ck_assert_str_eq(run_err, "");
}
END_TEST

/* The receipt that galet gave shows a head of lyon's too: lyon is held to it. */
START_TEST(heads_are_remembered_of_each_node)
{
    want_code(pay("1", "x"), 0);
    want_code(run_words("--wallet=ana", "--node=lyon", "balance", NULL), 0);
    ck_assert_uint_eq(atomic_load(&node(LYON)->seen), 2);
    set_flag(&fakes->ledger.rewound[LYON - 1], true);
    want_code(run_words("--wallet=ana", "--node=lyon", "balance", NULL), 5);
    want_code(run_words("--wallet=ana", "--node=galet", "balance", NULL), 0);
    want_code(run_words("--wallet=bob", "--node=lyon", "balance", NULL), 0);
}
END_TEST

/* --- nodes that come late --------------------------------------------------------------------- */

START_TEST(a_node_that_is_behind_is_left_for_another)
{
    want_code(pay("1", "x"), 0);
    set_sees(LYON, 0);
    fake_stop(fakes, GALET);
    want_code(run_words("--wallet=ana", "balance", NULL), 0);
    want_text(run_out, "999.00 FAK");
    want_code(pay("2", "y"), 0);
    ck_assert_int_eq(paid(), 300);
    set_sees(BREST, 0);
    want_code(run_words("--wallet=ana", "--json", "balance", "--timeout=5", NULL), 3);
    ck_assert_str_eq(run_field("status"), "BEHIND");
    set_sees(BREST, UINT64_MAX);
    want_code(run_words("--wallet=ana", "balance", NULL), 0);
}
END_TEST

/* It does not know whom another node opened a moment ago: the others are asked before anybody is
 * told that there is no such account. */
START_TEST(who_is_unknown_at_one_node_is_looked_for_at_others)
{
    atomic_store(&node(GALET)->blind, 1);
    want_code(pay("1", "x"), 0);
    ck_assert_int_eq(paid(), 100);
    ck_assert_uint_eq(atomic_load(&node(GALET)->submits), 0);
    for (uint32_t i = GALET; i <= BREST; i++)
        atomic_store(&node(i)->blind, 1);
    want_code(pay("2", "y"), 1);
    ck_assert_str_eq(run_field("status"), "PAYEE_UNKNOWN");
    ck_assert_int_eq(paid(), 100);
}
END_TEST

/* Every node numbers what came in by itself; the list is whole at each. */
START_TEST(histories_are_whole_at_every_node)
{
    static const char *const names[] = {"--node=galet", "--node=lyon", "--node=brest"};
    for (int i = 0; i < 5; i++)
        want_code(
            run_words("--wallet=bob", "--quiet", "pay", ana, "0.01", "--again", "--yes", NULL), 0);
    for (size_t i = 0; i < 3; i++) {
        want_code(run_words("--wallet=ana", names[i], "--json", "history", NULL), 0);
        ck_assert_str_eq(run_field("count"), "5");
    }
}
END_TEST

static void wait_for(const char *file, const char *part)
{
    const struct timespec pause = {0, 20000000};
    for (int i = 0; i < 1500; i++) {
        char *const text = run_read(file);
        const bool found = strstr(text, part) != NULL;
        free(text);
        if (found)
            return;
        nanosleep(&pause, NULL);
    }
    ck_abort_msg("no \"%s\" in %s", part, file);
}

START_TEST(follow_goes_on_at_another_node)
{
    const char *const args[] = {"--wallet=ana", "history", "--follow", "--csv", NULL};
    want_code(run_words("--wallet=bob", "pay", ana, "0.01", "--memo=one", "--yes", NULL), 0);
    const pid_t pid = run_start(args);
    wait_for("stdout", "\"one\"");
    ck_assert_int_eq(rename("stdout", "followed"), 0);
    want_code(run_words("--wallet=bob", "pay", ana, "0.01", "--memo=two", "--yes", NULL), 0);
    wait_for("followed", "\"two\"");
    fake_stop(fakes, GALET);
    want_code(run_words("--wallet=bob", "pay", ana, "0.01", "--memo=three", "--yes", NULL), 0);
    wait_for("followed", "\"three\"");
    kill(pid, SIGTERM);
    run_finish(pid);
    char *const text = run_read("followed");
    ck_assert_uint_eq(run_count(text, "\"one\""), 1);
    ck_assert_uint_eq(run_count(text, "\"two\""), 1);
    ck_assert_uint_eq(run_count(text, "\"three\""), 1);
    free(text);
}
END_TEST

/* --- killed ----------------------------------------------------------------------------------- */

/* Nodes come and go and lose answers while the wallet is killed; it is paid once each time. */
START_TEST(killed_between_nodes_it_pays_exactly_once)
{
    srandom(7);
    for (int round = 1; round <= KILLS; round++) {
        char id[32];
        snprintf(id, sizeof id, "--id=%d", round);
        const char *const args[] = {"--wallet=ana", "pay", bob, "0.01", id, "--yes", NULL};
        struct fake *const n = node((uint32_t)(1 + random() % 3));
        atomic_int *const trouble[] = {&n->mute, &n->swallows, &n->refuses};
        atomic_int *const what = trouble[random() % 3];
        atomic_store(what, what == &n->refuses ? MR_STOPPING : 1);
        const pid_t pid = run_start(args);
        sleep_us(random() % 60000);
        kill(pid, SIGKILL);
        run_finish(pid);
        if (round % 2 == 0)
            atomic_store(what, 0);
        int code = 3;
        for (int i = 0; code == 3 && i < 5; i++)
            code = run_mereau(args);
        want_code(code, 0);
        atomic_store(what, 0);
        ck_assert_int_eq(paid(), round);
    }
    ck_assert_uint_eq(fakes_chain(fakes, 0), KILLS);
}
END_TEST

static TCase *add_case(Suite *s, const char *name, void (*begin)(void))
{
    TCase *const tc = tcase_create(name);
    tcase_add_checked_fixture(tc, begin, scene_end);
    tcase_set_timeout(tc, 120);
    suite_add_tcase(s, tc);
    return tc;
}

static void add_away(TCase *tc)
{
    const int count = sizeof refusals / sizeof refusals[0];
    tcase_add_test(tc, a_dead_node_is_left_for_another);
    tcase_add_test(tc, a_silent_node_is_left_for_another);
    tcase_add_loop_test(tc, an_answer_that_is_lost_does_not_pay_twice, 0, 2);
    tcase_add_test(tc, a_node_that_keeps_the_answer_is_asked_how_it_goes);
    tcase_add_loop_test(tc, what_a_node_cannot_do_another_does, 0, count);
    tcase_add_loop_test(tc, how_a_node_is_counts_before_it_is_asked, 0, count);
    tcase_add_test(tc, that_none_can_help_is_said_once);
    tcase_add_test(tc, nobody_answers);
    tcase_add_test(tc, another_key_at_the_address_is_told_and_left);
    tcase_add_test(tc, the_home_node_is_gone_for_good);
    tcase_add_test(tc, a_restored_wallet_asks_more_than_one);
}

static void add_way(TCase *tc)
{
    tcase_add_loop_test(tc, only_settled_is_money, 0, sizeof stages / sizeof stages[0]);
    tcase_add_test(tc, a_cancellation_is_waited_for_too);
    tcase_add_test(tc, a_node_cut_off_from_the_others_is_not_waited_for);
    tcase_add_test(tc, another_device_is_warned_of);
    tcase_add_test(tc, an_order_of_another_device_under_way_comes_first);
    tcase_add_test(tc, a_terminal_shows_the_votes);
    tcase_add_test(tc, a_rotation_settles_while_it_is_looked_at);
}

static void add_proof(TCase *tc)
{
    tcase_add_test(tc, settled_without_proof_is_not_paid);
    tcase_add_test(tc, a_receipt_that_one_node_lacks_is_asked_for_elsewhere);
    tcase_add_test(tc, a_receipt_of_too_few_nodes_is_not_believed);
    tcase_add_test(tc, a_receipt_is_only_of_what_is_settled);
    tcase_add_test(tc, an_older_history_is_told_and_left);
    tcase_add_test(tc, heads_are_remembered_of_each_node);
}

static void add_late(TCase *tc)
{
    tcase_add_test(tc, a_node_that_is_behind_is_left_for_another);
    tcase_add_test(tc, who_is_unknown_at_one_node_is_looked_for_at_others);
    tcase_add_test(tc, histories_are_whole_at_every_node);
    tcase_add_test(tc, follow_goes_on_at_another_node);
}

int main(void)
{
    Suite *const s = suite_create("wallet nodes");
    add_away(add_case(s, "away", three_nodes));
    add_way(add_case(s, "way", three_nodes));
    add_proof(add_case(s, "proof", three_nodes));
    add_late(add_case(s, "late", three_nodes));
    tcase_add_test(add_case(s, "kill", three_nodes), killed_between_nodes_it_pays_exactly_once);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
