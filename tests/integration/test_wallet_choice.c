/* Which nodes a wallet knows, and which it asks: the owner chooses, and the federation grows. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scene.h"

static void three_nodes(void)
{
    scene_begin(3, 2);
}

static void four_nodes(void)
{
    scene_begin(4, 3);
}

/* --- choosing --------------------------------------------------------------------------------- */

START_TEST(node_list_shows_who_answers)
{
    fake_stop(fakes, LYON);
    atomic_store(&node(BREST)->mode, MR_NO_QUORUM);
    want_code(run_words("--wallet=ana", "node", "list", NULL), 0);
    want_text(run_out, "galet");
    want_text(run_out, "answers (your association's) (asked first)");
    want_text(run_out, "does not answer");
    want_text(run_out, "too few nodes answer");
    want_text(run_out, "1 answer; an order settles with 2.");
    want_text(run_err, "orders wait until more are back");
    want_code(run_words("--wallet=ana", "--json", "node", "list", NULL), 0);
    ck_assert_str_eq(run_field("answering"), "1");
    ck_assert_str_eq(run_field("quorum"), "2");
    ck_assert_str_eq(run_field("count"), "3");
}
END_TEST

START_TEST(the_owner_may_prefer_another)
{
    char address[64];
    want_code(run_words("--wallet=ana", "--json", "node", "use", "lyon", NULL), 0);
    ck_assert_str_eq(run_field("number"), "2");
    want_code(pay("1", "x"), 0);
    ck_assert_str_eq(run_err, "");
    ck_assert_uint_eq(atomic_load(&node(LYON)->submits), 1);
    fake_stop(fakes, LYON);
    want_code(pay("1", "y"), 0);
    want_text(run_err, "lyon's node does not answer: going on through galet's");
    want_code(run_words("--wallet=ana", "node", "use", "--home", NULL), 0);
    want_code(pay("1", "z"), 0);
    ck_assert_str_eq(run_err, "");
    /* An address that the charter does not have is asked too: whoever answers must be in it. */
    snprintf(address, sizeof address, "localhost:%u", node(BREST)->port);
    want_code(run_words("--wallet=ana", "node", "use", address, NULL), 0);
    want_code(pay("1", "w"), 0);
    ck_assert_str_eq(run_err, "");
    ck_assert_uint_eq(atomic_load(&node(BREST)->submits), 1);
    want_code(run_words("--wallet=ana", "node", "use", "nowhere", NULL), 1);
    want_code(run_words("--wallet=ana", "node", "use", NULL), 2);
    want_code(run_words("--wallet=ana", "--node=nowhere", "balance", NULL), 2);
    ck_assert_int_eq(paid(), 400);
}
END_TEST

START_TEST(a_named_node_is_asked_alone)
{
    want_code(run_words("--wallet=ana", "--node=2", "pay", bob, "1", "--yes", NULL), 0);
    ck_assert_uint_eq(atomic_load(&node(LYON)->submits), 1);
    fake_stop(fakes, LYON);
    want_code(
        run_words("--wallet=ana", "--node=lyon", "pay", bob, "2", "--yes", "--timeout=1", NULL), 3);
    ck_assert_int_eq(paid(), 100);
}
END_TEST

/* --- four nodes, one liar --------------------------------------------------------------------- */

START_TEST(receipts_name_three_of_four)
{
    fake_stop(fakes, GALET);
    set_linked(~(UINT32_C(1) << GALET));
    want_code(pay("1", "x"), 0);
    want_code(run_words("--wallet=ana", "--json", "receipt", "show", "1", NULL), 0);
    ck_assert_str_eq(run_field("proofs"), "3");
    ck_assert_str_eq(run_field("liars_needed"), "2");
    ck_assert_str_eq(run_field("nodes.0.association"), "lyon");
    want_code(run_words("--wallet=ana", "status", NULL), 0);
    want_text(run_out, "Trust: 4 nodes, of which 3 settle an order");
    want_text(run_out, "safe while at most 1 of them lie");
    want_text(run_out, "going on while at most 1 of them are down");
}
END_TEST

/* --- one node becomes four -------------------------------------------------------------------- */

static void one_node(void)
{
    scene_begin(1, 1);
}

START_TEST(a_wallet_follows_its_federation)
{
    want_code(pay("1", "alone"), 0);
    want_code(run_words("--wallet=ana", "receipt", "show", "1", NULL), 0);
    want_text(run_out, "comes from a single node");
    fakes_grow(fakes, 4, 3);
    want_code(run_words("--wallet=ana", "balance", NULL), 0);
    want_text(run_out, "999.00 FAK");
    fake_stop(fakes, GALET);
    want_code(pay("2", "through a node that came later"), 0);
    want_text(run_err, "galet's node does not answer: going on through ");
    want_code(run_words("--wallet=ana", "--json", "receipt", "show", "2", NULL), 0);
    ck_assert_str_eq(run_field("proofs"), "3");
    ck_assert_str_eq(run_field("liars_needed"), "2");
    want_code(run_words("--wallet=ana", "receipt", "save", "2", "two.receipt", NULL), 0);
    want_code(run_words("receipt", "verify", "two.receipt", "--charter=ana/charter.mrc", NULL), 0);
    want_code(run_words("--wallet=ana", "receipt", "show", "1", NULL), 0);
    want_text(run_out, "comes from a single node");
    want_code(run_words("--wallet=ana", "status", NULL), 0);
    want_text(run_out, "Trust: 4 nodes, of which 3 settle an order");
    want_code(run_words("--wallet=ana", "--node=arles", "balance", NULL), 0);
    /* Its first word from the federation may come from a node of the second epoch. */
    char address[64];
    want_code(run_words("--wallet=ana", "backup", "--output=sheet.txt", NULL), 0);
    snprintf(address, sizeof address, "--node=127.0.0.1:%u", node(4)->port);
    want_code(run_words("--wallet=again", address, "restore", "--sheet-file=sheet.txt", "--kdf-min",
                        NULL),
              0);
    want_code(run_words("--wallet=again", "pay", bob, "1", "--yes", NULL), 0);
    ck_assert_int_eq(paid(), 400);
}
END_TEST

/* A receipt carries how the last epochs began; its file and the wallet reach over all of them. */
START_TEST(a_wallet_follows_many_changes)
{
    want_code(pay("1", "alone"), 0);
    for (uint32_t i = 0; i < 6; i++)
        fakes_grow(fakes, 4, 3);
    want_code(pay("2", "in the seventh epoch"), 0);
    for (uint32_t i = 0; i < 7; i++)
        fakes_grow(fakes, 4, 3);
    want_code(run_words("--wallet=ana", "balance", NULL), 0);
    want_text(run_out, "997.00 FAK");
    fake_stop(fakes, GALET);
    want_code(pay("4", "in the fourteenth"), 0);
    fake_start(fakes, GALET);
    for (const char *which = "1"; which != NULL; which = *which == '1'   ? "2"
                                                         : *which == '2' ? "3"
                                                                         : NULL) {
        want_code(run_words("--wallet=ana", "receipt", "show", which, NULL), 0);
        want_code(run_words("--wallet=ana", "receipt", "save", which, "saved", "--force", NULL), 0);
        want_code(run_words("receipt", "verify", "saved", "--charter=ana/charter.mrc", NULL), 0);
    }
    want_text(run_out, "3 of 3 signed proofs");
    want_text(run_out, "of Brest");
    /* A wallet that begins now has all of them to verify. */
    char address[64];
    want_code(run_words("--wallet=ana", "backup", "--output=sheet.txt", NULL), 0);
    snprintf(address, sizeof address, "--node=127.0.0.1:%u", node(4)->port);
    want_code(run_words("--wallet=again", address, "restore", "--sheet-file=sheet.txt", "--kdf-min",
                        NULL),
              0);
    want_code(run_words("--wallet=again", "pay", bob, "1", "--yes", NULL), 0);
    ck_assert_int_eq(paid(), 800);
}
END_TEST

/* Decision 23, for texts of others that a shop opens by double click. */
START_TEST(a_memo_is_no_formula)
{
    static const char *const memos[] = {"=1+1", "'@x", "-", "two \"loaves\""};
    for (size_t i = 0; i < sizeof memos / sizeof memos[0]; i++)
        want_code(pay("1", memos[i]), 0);
    want_code(run_words("--wallet=bob", "history", "--csv", NULL), 0);
    want_text(run_out, ",\"'=1+1\",");
    want_text(run_out, ",\"''@x\",");
    want_text(run_out, ",\"-\",");
    want_text(run_out, ",\"two \"\"loaves\"\"\",");
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

int main(void)
{
    Suite *const s = suite_create("wallet choice");
    TCase *const choice = add_case(s, "choice", three_nodes);
    tcase_add_test(choice, node_list_shows_who_answers);
    tcase_add_test(choice, the_owner_may_prefer_another);
    tcase_add_test(choice, a_named_node_is_asked_alone);
    tcase_add_test(add_case(s, "four", four_nodes), receipts_name_three_of_four);
    tcase_add_test(add_case(s, "formula", one_node), a_memo_is_no_formula);
    tcase_add_test(add_case(s, "grow", one_node), a_wallet_follows_its_federation);
    tcase_add_test(add_case(s, "many epochs", one_node), a_wallet_follows_many_changes);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
