/* Municipal money over four nodes, through the programs: conversions while a node is down, one that
 * waits while two are and counts once, the account that collects, and papers of many lines whose
 * receipts the signatures of the nodes prove. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "lib/quartet.h"
#include "lib/run.h"

enum { LINES = 40, AMOUNT_MINOR = 101 };

static void convert(int code, int i, const char *timeout)
{
    char order[32], bank[32], amount[32];
    snprintf(order, sizeof order, "2026/%d", i);
    snprintf(bank, sizeof bank, "VIR-%d", i);
    snprintf(amount, sizeof amount, "%d.%02d", i * AMOUNT_MINOR / 100, i * AMOUNT_MINOR % 100);
    RUN("mereau-admin", code, "-d", typed_data(0), "municipal", "convert", "shop", amount,
        "--order", order, "--bank-ref", bank, "--timeout", timeout, "--yes", "--json");
}

static long balance_of_shop(void)
{
    WALLET("--wallet", typed_at("shop"), "balance");
    return json_integer_value(
        json_object_get(json_array_get(json_object_get(typed.said, "balances"), 0), "minor"));
}

static void open_doors(void)
{
    quartet_found("1/1");
    quartet_become_four();
    quartet_member(0, "town", "municipality");
    quartet_member(0, "shop", "shop");
    quartet_member(0, "ana", "resident");
    ADMIN("-d", typed_data(0), "list-shop", "town", "mairie", "--name", "Mairie", "--yes");
    WALLET("--wallet", typed_at("shop"), "mandate", "give", "--municipality", "mairie", "--output",
           typed_at("shop.mandate"), "--yes");
    ADMIN("-d", typed_data(0), "mandate", "add", typed_at("shop.mandate"), "--yes");
    WALLET("--wallet", typed_at("ana"), "mandate", "give", "--municipality", "mairie", "--output",
           typed_at("ana.mandate"), "--yes");
    ADMIN("-d", typed_data(0), "mandate", "add", typed_at("ana.mandate"), "--yes");
    ADMIN("-d", typed_data(0), "issue", "ana", "100", "--bank-ref", "R1", "--yes");
}

/* What was collected elsewhere comes back as euros. */
static void collect_and_convert(void)
{
    WALLET("--wallet", typed_at("ana"), "pay", "mairie", "30", "--memo", "cantine", "--yes");
    WALLET("--wallet", typed_at("ana"), "pay", "mairie", "12.50", "--memo", "piscine", "--yes");
    RUN("mereau", 1, "--wallet", typed_at("town"), "pay", "shop", "1", "--yes", "--json");
    WALLET("--wallet", typed_at("town"), "regie", "convert");
    ck_assert_int_eq(typed_number("amount_minor"), 4250);
    RUN("mereau-admin", 0, "-d", typed_data(0), "redemptions");
    SAID("40.37 EUR"); /* what the bank is told to transfer */
    ADMIN("-d", typed_data(0), "payout", "town", "--bank-ref", "OUT-1", "--yes");
}

static char *content(const char *name)
{
    uint8_t *text = NULL;
    size_t len;
    ck_assert_int_eq(file_read(&text, &len, typed_at(name), 1 << 22), MR_OK);
    return (char *)text;
}

/* Each line of the paper: its payment order, and its receipt, which cites mandate and order. */
static void check_papers(long sum)
{
    char name[64], order[32];
    ADMIN("-d", typed_data(0), "municipal", "slip", "town", "--html", typed_at("slip.html"),
          "--csv", typed_at("slip.csv"), "--receipts", typed_at("receipts"));
    ck_assert_int_eq(typed_number("converted_count"), LINES);
    ck_assert_int_eq(typed_number("converted_minor"), sum);
    ck_assert_int_eq(typed_number("paid_out_minor"), 4250);
    ck_assert_int_eq(typed_number("unproved"), 0);
    char *const html = content("slip.html"), *const csv = content("slip.csv");
    ck_assert_uint_eq(run_count(csv, "\nconversion,"), LINES);
    ck_assert_uint_eq(run_count(csv, ",proved"), LINES + 1);
    for (int i = 1; i <= LINES; i++) {
        snprintf(order, sizeof order, ",2026/%d,", i);
        ck_assert_uint_eq(run_count(csv, order), 1);
    }
    ck_assert_uint_eq(run_count(html, "Conversion for payment order"), LINES);
    char *const line = strstr(csv, ",2026/7,");
    char *const end = line + strcspn(line, "\n");
    *end = '\0';
    const char *const id = strstr(line, ",proved") - 1;
    const char *at = id;
    while (*at != ',') /* back over the place in the chain */
        at--;
    snprintf(name, sizeof name, "receipts/%.16s.receipt", at - 64);
    RUN("mereau", 0, "receipt", "verify", typed_at(name), "--charter", typed_at("d1/charter.mrc"),
        "--mandate", typed_at("shop.mandate"), "--payment-order", "2026/7", "--json");
    ck_assert(json_is_true(json_object_get(typed.said, "cited")));
    RUN("mereau", 5, "receipt", "verify", typed_at(name), "--charter", typed_at("d1/charter.mrc"),
        "--mandate", typed_at("shop.mandate"), "--payment-order", "2026/8", "--json");
    free(html);
    free(csv);
}

/* Nobody runs the witness that the charter names from now on. */
static void check_unwitnessed(void)
{
    char witness[160];
    AUDIT(0, "keygen", "--json", typed_at("w.key"), "--passphrase-file", typed_at("pass"));
    snprintf(witness, sizeof witness, "w=%s", typed_field("public_key"));
    PROPOSE("--witness", witness, "--witness-quorum", "1");
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_epoch(i, 3);
    convert(0, LINES + 1, "60");
    ADMIN("-d", typed_data(0), "municipal", "slip", "town", "--csv", typed_at("later.csv"));
    ck_assert_int_eq(typed_number("unproved"), 0);
    ck_assert_int_eq(typed_number("unwitnessed"), 1);
    SAID("not yet witnessed");
    char *const csv = content("later.csv");
    ck_assert_uint_eq(run_count(csv, ",not witnessed"), 1);
    free(csv);
}

/* Several payees in one order, whose receipt the nodes prove once for all of them. */
static void check_run(void)
{
    static const char lines[] = "payee,amount,label\nshop,1.50,first\nana,2.50,second\n";
    ck_assert_int_eq(file_write(typed_at("run.csv"), lines, sizeof lines - 1, 0600, true), MR_OK);
    for (int i = 0; i < 2; i++)
        RUN("mereau-admin", 0, "-d", typed_data(0), "municipal", "convert", "--file",
            typed_at("run.csv"), "--total", "4", "--order", "2026/run", "--bank-ref", "VIR-run",
            "--yes", "--json");
    ck_assert_int_eq(typed_number("already_minor"), 400);
    ADMIN("-d", typed_data(0), "municipal", "slip", "town", "--csv", typed_at("run-slip.csv"));
    ck_assert_int_eq(typed_number("unproved"), 0);
    char *const csv = content("run-slip.csv");
    ck_assert_uint_eq(run_count(csv, ",2026/run,"), 2);
    free(csv);
}

START_TEST(test_four_nodes)
{
    long sum = 0;
    open_doors();
    for (int i = 1; i <= LINES - 2; i++)
        convert(0, i, "60");
    quartet_kill(3); /* one may be down */
    convert(0, LINES - 1, "60");
    for (int i = 1; i < LINES; i++)
        sum += i * AMOUNT_MINOR;
    ck_assert_int_eq(balance_of_shop(), sum);
    quartet_kill(2); /* with two away it waits, and nothing is credited */
    convert(3, LINES, "2");
    ck_assert_int_eq(balance_of_shop(), sum);
    quartet_start(2);
    quartet_start(3);
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_answering(i, QUARTET_NODES);
    convert(0, LINES, "60"); /* the same command ends with the first result */
    convert(0, LINES, "60");
    ck_assert_str_eq(typed_field("state"), "settled");
    sum += LINES * AMOUNT_MINOR;
    ck_assert_int_eq(balance_of_shop(), sum);
    collect_and_convert();
    check_papers(sum);
    AUDIT(0, "verify", typed_data(0));
    for (unsigned i = 1; i < QUARTET_NODES; i++)
        AUDIT(0, "verify", "--base", typed_data(0), typed_data(i));
    AUDIT(0, "compare", typed_data(0), typed_data(1), typed_data(2), typed_data(3));
    check_unwitnessed();
    check_run();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("municipal federation");
    TCase *c = tcase_create("four");
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, quartet_setup, quartet_teardown);
    tcase_add_test(c, test_four_nodes);
    suite_add_tcase(s, c);
    SRunner *n = srunner_create(s);
    srunner_run_all(n, CK_ENV);
    const int failed = srunner_ntests_failed(n);
    srunner_free(n);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
