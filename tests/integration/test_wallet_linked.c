/* An order of the wallet settled, and nobody has its receipt any more; the chain went on, by
 * another device. A later order names the one before it, and its receipt shows what became of both
 * (WAL-20).
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "lib/scene.h"

static void three_nodes(void)
{
    scene_begin(3, 2);
}

/* The second device of Ana, of the same keys. */
static void second_device(void)
{
    want_code(run_words("--wallet=ana", "backup", "--output=sheet.txt", "--force", NULL), 0);
    want_code(run_words("--wallet=two", "restore", "--sheet-file=sheet.txt", "--kdf-min", NULL), 0);
}

static int two(const char *verb, const char *a, const char *b, const char *c)
{
    return run_words("--wallet=two", "--json", verb, a, b, c, NULL);
}

static int ana_does(const char *verb)
{
    return run_words("--wallet=ana", "--json", verb, "--timeout=6", NULL);
}

static void lose(uint64_t seq)
{
    set_flag(&fakes->ledger.accounts[0].slots[seq - 1].lost, true);
}

/* Ana signs a payment that no node answers. */
static void left_open(void)
{
    for (uint32_t i = GALET; i <= BREST; i++)
        atomic_store(&node(i)->keeps, 1);
    set_hold(MR_VOTING);
    want_code(run_words("--wallet=ana", "--json", "pay", bob, "1", "--yes", "--timeout=2", NULL),
              3);
    for (uint32_t i = GALET; i <= BREST; i++)
        atomic_store(&node(i)->keeps, 0);
    set_hold(MR_OK);
}

/* The same settles, and the other device knows it from the history. */
static void settled_and_lost(void)
{
    left_open();
    lose(1);
    second_device();
}

START_TEST(a_later_receipt_shows_that_it_settled)
{
    settled_and_lost();
    want_code(ana_does("resume"), 3); /* nothing shows it yet */
    ck_assert_str_eq(run_field("status"), "UNSETTLED");
    want_code(two("pay", bob, "2", "--yes"), 0);
    want_code(two("pay", bob, "3", "--yes"), 0);
    want_code(ana_does("resume"), 0);
    ck_assert_str_eq(run_field("status"), "SETTLED");
    ck_assert_str_eq(run_field("amount_minor"), "100");
    want_text(run_err, "shown by the receipt of a later order, at place 3");
    ck_assert_uint_eq(run_count(run_err, "cannot help"), 0); /* nor is any of them behind */
    ck_assert_int_eq(paid(), 600);
    want_code(pay("4", "goes on"), 0);
    ck_assert_int_eq(paid(), 1000);
    want_code(run_words("--wallet=ana", "history", NULL), 0);
    ck_assert_uint_eq(run_count(run_out, "(shown by a later receipt)"), 1);
    want_code(run_words("--wallet=ana", "--json", "history", NULL), 0);
    ck_assert_uint_eq(run_count(run_out, "\"shown_by\":3"), 1);
}
END_TEST

START_TEST(receipt_show_tells_what_shows_it)
{
    settled_and_lost();
    want_code(two("pay", bob, "2", "--yes"), 0);
    for (int i = 0; i < 2; i++) { /* of the wallet that waited for it, and of the other one */
        const char *const wallet = i == 0 ? "--wallet=ana" : "--wallet=two";
        want_code(run_words(wallet, "--json", "receipt", "show", "1", "--timeout=6", NULL), 0);
        ck_assert_str_eq(run_field("outcome"), "SETTLED");
        ck_assert_str_eq(run_field("seq"), "1");
        ck_assert_str_eq(run_field("amount_minor"), "100");
        ck_assert_str_eq(run_field("shown_by"), "2");
        ck_assert_str_eq(run_field("receipt.seq"), "2");
        want_code(run_words(wallet, "receipt", "show", "1", "--timeout=6", NULL), 0);
        want_text(run_out, "1.00 FAK to");
        want_text(run_out, "Nobody has a receipt of this order any more. The order at place 2");
        want_text(run_out, "Verified: 2 of 2 signed proofs.");
        want_code(run_words(wallet, "receipt", "save", "1", "x.receipt", "--timeout=6", NULL), 1);
        want_text(run_err, "\"mereau receipt save 2");
    }
}
END_TEST

START_TEST(that_it_was_voided_is_shown_too)
{
    left_open();
    lose(1);
    set_flag(&fakes->ledger.accounts[0].slots[0].cancelled, true);
    second_device();
    want_code(two("pay", bob, "2", "--yes"), 0);
    want_code(ana_does("resume"), 1);
    ck_assert_str_eq(run_field("status"), "VOIDED");
    ck_assert_int_eq(paid(), 200);
}
END_TEST

START_TEST(another_order_in_its_place_is_shown_too)
{
    left_open();
    set_flag(&fakes->ledger.accounts[0].slots[0].has_order, false);
    fakes->ledger.accounts[0].slots[0].known = 0;
    second_device();
    want_code(two("pay", bob, "5", "--yes"), 0);
    lose(1);
    want_code(two("pay", bob, "6", "--yes"), 0);
    want_code(ana_does("resume"), 1);
    ck_assert_str_eq(run_field("status"), "SLOT_TAKEN");
    ck_assert_int_eq(paid(), 1100);
}
END_TEST

START_TEST(what_does_not_link_shows_nothing)
{
    settled_and_lost();
    want_code(two("pay", bob, "2", "--yes"), 0);
    want_code(two("pay", bob, "3", "--yes"), 0);
    fakes->ledger.forged = 2;
    want_code(ana_does("resume"), 3);
    ck_assert_str_eq(run_field("status"), "UNSETTLED");
    fakes->ledger.forged = 0;
    for (uint32_t i = GALET; i <= BREST; i++)
        set_flag(&fakes->ledger.lies[i - 1], true);
    want_code(ana_does("resume"), 3);
    for (uint32_t i = GALET; i <= BREST; i++)
        set_flag(&fakes->ledger.lies[i - 1], false);
    want_code(ana_does("resume"), 0);
}
END_TEST

/* A place that was closed without effect names nobody. */
START_TEST(a_void_place_behind_it_shows_nothing)
{
    settled_and_lost();
    set_hold(MR_VOTING);
    want_code(run_words("--wallet=two", "pay", bob, "2", "--yes", "--timeout=2", NULL), 3);
    set_flag(&fakes->ledger.accounts[0].slots[1].cancelled, true);
    set_hold(MR_OK);
    want_code(run_words("--wallet=two", "resume", NULL), 1);
    want_code(two("pay", bob, "3", "--yes"), 0);
    want_code(ana_does("resume"), 3);
    ck_assert_str_eq(run_field("status"), "UNSETTLED");
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("wallet linked");
    TCase *const tc = tcase_create("linked");
    tcase_add_checked_fixture(tc, three_nodes, scene_end);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, a_later_receipt_shows_that_it_settled);
    tcase_add_test(tc, receipt_show_tells_what_shows_it);
    tcase_add_test(tc, that_it_was_voided_is_shown_too);
    tcase_add_test(tc, another_order_in_its_place_is_shown_too);
    tcase_add_test(tc, what_does_not_link_shows_nothing);
    tcase_add_test(tc, a_void_place_behind_it_shows_nothing);
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
