/* Municipal money through the programs: a mandate, conversions that cite it, one and a file of
 * them, what is refused; the account that collects and converts by itself; papers whose figures are
 * the ledger's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "lib/run.h"
#include "lib/till.h"
#include "mereau/id.h"

enum { FILE_MAX = 1 << 20 };

static char town[OFFICE_ADDRESS_MAX], shop[OFFICE_ADDRESS_MAX], ana[OFFICE_ADDRESS_MAX];
static char mandate[MR_MANDATE_TEXT_MAX + 1], mandate_id[2 * MR_HASH_BYTES + 1];

static void keep_mandate(void)
{
    snprintf(mandate, sizeof mandate, "%s", typed_field("mandate"));
    snprintf(mandate_id, sizeof mandate_id, "%s", typed_field("id"));
}
/* The shop lets the town pay it. */
#define GIVE(...)                                                                                  \
    do {                                                                                           \
        PURSE(0, "shop", "mandate", "give", "--municipality", town, __VA_ARGS__);                  \
        keep_mandate();                                                                            \
    } while (0)

/* Everybody is admitted. */
static void open_doors(void)
{
    till_join(town, "town", "Mairie de <Testa> & \"C\"", "municipality");
    till_join(shop, "shop", "Menuiserie", "shop");
    till_join(ana, "ana", "Ana", "resident");
    DESK(0, "admit", "--all");
}

static void setup(void)
{
    till_open(2);
    open_doors();
}

static void refused(const char *status)
{
    ck_assert_msg(strcmp(office_text(&till.office, "status"), status) == 0, "%s, not %s",
                  till.office.text, status);
}

/* --- assigned conversion -----------------------------------------------------------------------
 */

/* The bank line, and options behind it. */
#define CONVERT(code, payee, amount, order, ...)                                                   \
    DESK(code, "municipal", "convert", payee, amount, "--order", order, "--bank-ref", __VA_ARGS__)

START_TEST(the_payee_is_credited_once)
{
    CONVERT(1, shop, "100", "2025/14", "VIR-1");
    refused("MANDATE_UNKNOWN");
    GIVE("--max", "150");
    DESK(0, "mandate", "add", mandate);
    DESK(0, "mandate", "add", mandate);
    refused("ALREADY_DONE");
    CONVERT(0, shop, "100", "2025/14", "VIR-1", "--dry-run");
    DESK(0, "mandate", "show", mandate_id);
    ck_assert_int_eq(office_int(&till.office, "used_minor"), 0);
    CONVERT(0, shop, "100", "2025/14", "VIR-1");
    /* Asked again before the second signature: the same draft. */
    char draft[2 * SCRATCH_PATH_MAX];
    snprintf(draft, sizeof draft, "%s", office_text(&till.office, "draft"));
    CONVERT(0, shop, "100", "2025/14", "VIR-1");
    refused("ALREADY_DONE");
    ck_assert_str_eq(office_text(&till.office, "draft"), draft);
    till_second_signs();
    ck_assert_int_eq(office_balance(&till.office, shop), 10000);
    /* And after it, however it is written: the first result. */
    CONVERT(0, shop, "100", "2025 / 14", "vir 1");
    refused("ALREADY_DONE");
    ck_assert_str_eq(office_text(&till.office, "state"), "settled");
    ck_assert_int_gt(office_int(&till.office, "settled_ms"), 0);
    ck_assert_int_eq(office_balance(&till.office, shop), 10000);
    DESK(0, "mandate", "show", mandate_id);
    ck_assert_int_eq(office_int(&till.office, "used_minor"), 10000);
}
END_TEST

START_TEST(what_the_mandate_does_not_bear_is_refused)
{
    GIVE("--max", "150");
    DESK(0, "mandate", "add", mandate);
    CONVERT(0, shop, "100", "2025/14", "VIR-1");
    till_second_signs();
    /* The same payment order, the same bank line, for something else. */
    CONVERT(1, shop, "10", "2025/14", "VIR-2");
    refused("PAYMENT_ORDER_USED");
    CONVERT(1, shop, "100", "2025/15", "VIR-1");
    refused("BANK_REF_USED");
    /* Over the maximum, by what was used; to the cent. */
    CONVERT(1, shop, "50.01", "2025/16", "VIR-3");
    refused("MANDATE_OVER");
    ck_assert_int_eq(office_int(&till.office, "used_minor"), 10000);
    CONVERT(0, shop, "50", "2025/16", "VIR-3");
    till_second_signs();
    CONVERT(1, shop, "0.01", "2025/17", "VIR-4");
    refused("MANDATE_OVER");
    /* Another payee. */
    CONVERT(1, ana, "1", "2025/18", "VIR-5");
    refused("MANDATE_UNKNOWN");
    CONVERT(1, ana, "1", "2025/18", "VIR-5", "--mandate", mandate_id);
    refused("MANDATE_OTHER");
    DESK(0, "mandate", "revoke", mandate_id, "--reason", "contract ended");
    CONVERT(1, shop, "1", "2025/19", "VIR-6");
    refused("MANDATE_REVOKED");
    DESK(1, "mandate", "add", mandate);
    refused("MANDATE_REVOKED");
    DESK(0, "mandate", "revoke", mandate_id);
    refused("ALREADY_DONE");
    /* What was done stays done. */
    CONVERT(0, shop, "50", "2025/16", "VIR-3");
    refused("ALREADY_DONE");
    ck_assert_int_eq(office_balance(&till.office, shop), 15000);
    DESK(2, "municipal", "convert", shop, "5", "--bank-ref", "VIR-9");
    DESK(2, "municipal", "convert", shop, "5", "--order", "2025/20");
    CONVERT(2, shop, "5", "--", "VIR-9");
}
END_TEST

START_TEST(a_plain_issue_does_not_pass_for_one)
{
    GIVE("--yes");
    DESK(0, "mandate", "add", mandate);
    DESK(0, "issue", shop, "20", "--bank-ref", "VIR-1");
    CONVERT(1, shop, "20", "2025/1", "VIR-1");
    refused("BANK_REF_USED");
    ck_assert_ptr_nonnull(strstr(till.office.text, "a draft for something else"));
}
END_TEST

START_TEST(a_mandate_revoked_meanwhile_is_not_signed)
{
    char draft[2 * SCRATCH_PATH_MAX];
    GIVE("--max", "100");
    DESK(0, "mandate", "add", mandate);
    CONVERT(0, shop, "100", "2025/1", "VIR-1");
    snprintf(draft, sizeof draft, "%s", office_text(&till.office, "draft"));
    /* What waits counts. */
    CONVERT(1, shop, "1", "2025/2", "VIR-2");
    refused("MANDATE_OVER");
    DESK(0, "mandate", "revoke", mandate_id);
    till.office.key = "op2";
    DESK(1, "draft", "sign", draft);
    refused("MANDATE_REVOKED");
    till.office.key = "op1";
    DESK(0, "draft", "withdraw", draft);
    till.office.key = "op2";
    DESK(0, "draft", "withdraw", draft);
    till.office.key = "op1";
    /* Given up, it takes nothing of another mandate, and its payment order is free. */
    GIVE("--max", "100");
    DESK(0, "mandate", "add", mandate);
    CONVERT(0, shop, "90", "2025/1", "VIR-1");
    till_second_signs();
    ck_assert_int_eq(office_balance(&till.office, shop), 9000);
}
END_TEST

START_TEST(only_the_payee_s_signature_makes_a_mandate)
{
    struct mr_signed_mandate m;
    char bad[MR_MANDATE_TEXT_MAX + 1];
    size_t wrong;
    PURSE(1, "shop", "mandate", "give", "--municipality", ana);
    ck_assert_str_eq(typed_field("status"), "PAYEE_CLASS");
    PURSE(2, "shop", "mandate", "give", "--municipality", town, "--until", "2001-02-03");
    PURSE(2, "shop", "mandate", "give", "--municipality", town, "--until", "2099-02-30");
    PURSE(2, "shop", "mandate", "give");
    GIVE("--until", "2099-12-31");
    ck_assert_int_eq(mr_mandate_parse(&m, &wrong, mandate), MR_OK);
    m.mandate.max = 1;
    mr_mandate_format(bad, &m);
    DESK(1, "mandate", "add", bad);
    refused("BAD_SIGNATURE");
    ck_assert_int_eq(mr_mandate_parse(&m, &wrong, mandate), MR_OK);
    m.mandate.generation = 2;
    mr_mandate_format(bad, &m);
    DESK(1, "mandate", "add", bad);
    refused("KEYS_UNKNOWN");
    DESK(1, "mandate", "add", "mereau-mandate:mrmand1qqqq");
    refused("BAD_CHECKSUM");
    PURSE(0, "shop", "keys", "rotate", "--output", office_path(&till.office, "sheet"));
    DESK(1, "mandate", "add", mandate);
    refused("KEYS_OLD");
    GIVE("--until", "2099-12-31");
    DESK(0, "mandate", "add", mandate);
    /* Rotated afterwards, it stays what it was. */
    PURSE(0, "shop", "keys", "rotate", "--output", office_path(&till.office, "sheet"), "--force");
    CONVERT(0, shop, "3", "2025/1", "VIR-1");
    till_second_signs();
    DESK(2, "mandate", "show", "xyz");
    DESK(1, "mandate", "show", "0123456789ab");
    DESK(0, "mandate", "list");
}
END_TEST

/* A call that was killed before it wrote its draft leaves its conversion in the register. */
START_TEST(a_conversion_without_a_draft_goes_on)
{
    char draft[2 * SCRATCH_PATH_MAX];
    GIVE("--max", "100");
    DESK(0, "mandate", "add", mandate);
    CONVERT(0, shop, "100", "2025/1", "VIR-1", "--no-sign");
    snprintf(draft, sizeof draft, "%s", office_text(&till.office, "draft"));
    ck_assert_int_eq(unlink(draft), 0);
    CONVERT(0, shop, "100", "2025/1", "VIR-1");
    ck_assert_str_eq(office_text(&till.office, "status"), "OK");
    DESK(0, "draft", "show", office_text(&till.office, "draft"));
    ck_assert_ptr_nonnull(strstr(till.office.text, "\"draft\""));
    CONVERT(0, shop, "100", "2025/1", "VIR-1");
    till_second_signs();
    ck_assert_int_eq(office_balance(&till.office, shop), 10000);
}
END_TEST

static char *read_file(const char *name)
{
    uint8_t *bytes = NULL;
    size_t len;
    ck_assert_int_eq(file_read(&bytes, &len, office_path(&till.office, name), FILE_MAX), MR_OK);
    ck_assert_uint_eq(strlen((const char *)bytes), len);
    return (char *)bytes;
}

static void has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "lacks \"%s\":\n%.3000s", part, text);
}

/* --- a payment order of several payees ---------------------------------------------------------
 */

static void write_run(const char *text)
{
    ck_assert_int_eq(
        file_write(office_path(&till.office, "run.csv"), text, strlen(text), 0600, true), MR_OK);
}

/* The file of this test, by payment order 2026/9 and bank line VIR-9. */
#define CONVERT_RUN(code, total, ...)                                                              \
    DESK(code, "municipal", "convert", "--order", "2026/9", "--bank-ref", "VIR-9", "--total",      \
         total, "--file", office_path(&till.office, "run.csv"), __VA_ARGS__)

static char bob[OFFICE_ADDRESS_MAX];

static void mandates_of_all(void)
{
    till_join(bob, "bob", "Bob", "resident");
    DESK(0, "admit", "--all");
    GIVE("--max", "1000");
    DESK(0, "mandate", "add", mandate);
    PURSE(0, "ana", "mandate", "give", "--municipality", town, "--max", "100");
    DESK(0, "mandate", "add", typed_field("mandate"));
}

/* Nothing is signed, and each line that stands against it is named. */
static void refuse_lines(void)
{
    static const int lines[] = {3, 4, 6, 7, 8};
    static const char *const status[] = {"NOT_FOUND", "USAGE", "AMOUNT_DECIMALS", "PAYEE_TWICE",
                                         "MANDATE_OVER"};
    const json_t *row;
    size_t i;
    char text[1024];
    snprintf(text, sizeof text,
             "payee,amount,label\nMenuiserie,10,first\nnobody,1,\n\"open,1\n\nAna,1.005\n%s,2\n"
             "%s,100.01\n",
             shop, ana);
    write_run(text);
    CONVERT_RUN(1, "10", "--dry-run");
    refused("NOT_FOUND");
    const json_t *const rows = json_object_get(till.office.said, "refused");
    ck_assert_uint_eq(json_array_size(rows), sizeof lines / sizeof lines[0]);
    json_array_foreach(rows, i, row)
    {
        ck_assert_int_eq(json_integer_value(json_object_get(row, "line")), lines[i]);
        ck_assert_str_eq(json_string_value(json_object_get(row, "status")), status[i]);
    }
    CONVERT_RUN(1, "10", "--dry-run");
    ck_assert_ptr_nonnull(strstr(till.office.text, "5 of 6 lines are refused"));
    write_run("payee,amount,colour\nAna,1,red\n");
    CONVERT_RUN(2, "1", "--dry-run");
    write_run("payee,amount\n");
    CONVERT_RUN(2, "1", "--dry-run");
    DESK(2, "municipal", "convert", "--order", "1", "--bank-ref", "V", "--file", "run.csv");
    DESK(2, "municipal", "convert", shop, "--order", "1", "--bank-ref", "V");
}

/* All payees are listed, and the receipt of their order cites each one's mandate. */
static void check_run_papers(void)
{
    char receipt[2 * SCRATCH_PATH_MAX], charter[2 * SCRATCH_PATH_MAX], name[64];
    char *const html = read_file("run.html"), *const csv = read_file("slip.csv");
    ck_assert_uint_eq(run_count(csv, "\nconversion,"), 3);
    ck_assert_uint_eq(run_count(csv, ",2026/9,"), 3);
    has(csv, "'=bonus");
    has(csv, ",VIR-9#2,5.00,");
    ck_assert_uint_eq(run_count(html, "Conversion for payment order"), 1);
    has(html, "3 payees");
    has(html, mandate);
    const char *const row = strstr(csv, ",VIR-9,60.05,");
    ck_assert_ptr_nonnull(row);
    const char *const order = strstr(row, ",6005,0,6005,,");
    ck_assert_ptr_nonnull(order);
    snprintf(name, sizeof name, "receipts/%.16s.receipt", order + strlen(",6005,0,6005,,"));
    snprintf(receipt, sizeof receipt, "%s", office_path(&till.office, name));
    snprintf(charter, sizeof charter, "%s", office_path(&till.office, "data/charter.mrc"));
    free(html);
    free(csv);
#define VERIFY_RUN(code, order_)                                                                   \
    PURSE(code, "ana", "receipt", "verify", receipt, "--charter", charter, "--mandate", mandate,   \
          "--payment-order", order_)
    VERIFY_RUN(0, "2026-9");
    ck_assert(json_is_true(json_object_get(typed.said, "cited")));
    VERIFY_RUN(5, "2026/8");
    /* The ids of the other mandates belong to it. */
    snprintf(strstr(name, ".receipt"), 10, ".mandates");
    char *const ids = read_file(name);
    ids[0] = ids[0] == '0' ? '1' : '0';
    ck_assert_int_eq(file_write(office_path(&till.office, name), ids, strlen(ids), 0600, true),
                     MR_OK);
    VERIFY_RUN(5, "2026/9");
    ids[1] = 'x';
    ck_assert_int_eq(file_write(office_path(&till.office, name), ids, strlen(ids), 0600, true),
                     MR_OK);
    VERIFY_RUN(5, "2026/9");
    free(ids);
    ck_assert_int_eq(unlink(office_path(&till.office, name)), 0);
    VERIFY_RUN(1, "2026/9");
}

START_TEST(a_file_of_payees_is_credited_once)
{
    mandates_of_all();
    refuse_lines();
    /* Bob gave no mandate; then the sum has to be that of the payment order. */
    write_run("payee;amount;label\nMenuiserie;60,05;\nAna;39,95;=bonus\nBob;5;\n");
    CONVERT_RUN(1, "105", "--yes");
    refused("MANDATE_UNKNOWN");
    write_run("payee;amount;label\nMenuiserie;60,05;\nAna;39,95;=bonus\n");
    CONVERT_RUN(1, "100.01", "--yes");
    refused("BANK_SUM");
    CONVERT_RUN(0, "100", "--dry-run");
    ck_assert_int_eq(office_int(&till.office, "new_count"), 2);
    CONVERT_RUN(0, "100", "--yes");
    ck_assert_str_eq(office_text(&till.office, "state"), "draft");
    CONVERT_RUN(0, "100", "--yes");
    refused("ALREADY_DONE");
    ck_assert_int_eq(office_int(&till.office, "waiting_count"), 2);
    till_second_signs();
    ck_assert_int_eq(office_balance(&till.office, shop), 6005);
    ck_assert_int_eq(office_balance(&till.office, ana), 3995);
    CONVERT_RUN(0, "100", "--yes");
    refused("ALREADY_DONE");
    ck_assert_str_eq(office_text(&till.office, "state"), "settled");
    ck_assert_int_eq(office_int(&till.office, "already_minor"), 10000);
    /* Another amount, a payee fewer, one payee alone: not the same payment order. */
    write_run("payee;amount\nMenuiserie;60,05\nAna;39,96\n");
    CONVERT_RUN(1, "100.01", "--yes");
    refused("PAYMENT_ORDER_USED");
    ck_assert_int_eq(office_int(&till.office, "line"), 3);
    write_run("payee;amount\nMenuiserie;60,05\n");
    CONVERT_RUN(1, "60.05", "--yes");
    refused("PAYMENT_ORDER_USED");
    CONVERT(1, ana, "1", "2026/9", "VIR-10");
    refused("PAYMENT_ORDER_USED");
    PURSE(0, "bob", "mandate", "give", "--municipality", town);
    DESK(0, "mandate", "add", typed_field("mandate"));
    CONVERT(1, bob, "1", "2026/9", "VIR-10");
    refused("PAYMENT_ORDER_USED");
    CONVERT(1, bob, "1", "2026/10", "VIR-9");
    refused("BANK_REF_USED");
    /* One more payee: only he is credited, out of the next part of the bank entry. */
    write_run("payee;amount\nBob;5\nAna;39,95\nMenuiserie;60,05\n");
    CONVERT_RUN(0, "105", "--yes");
    ck_assert_int_eq(office_int(&till.office, "new_minor"), 500);
    till_second_signs();
    ck_assert_int_eq(office_balance(&till.office, bob), 500);
    ck_assert_int_eq(office_balance(&till.office, shop), 6005);
    DESK(0, "municipal", "slip", town, "--html", office_path(&till.office, "run.html"), "--csv",
         office_path(&till.office, "slip.csv"), "--receipts",
         office_path(&till.office, "receipts"));
    ck_assert_int_eq(office_int(&till.office, "converted_minor"), 10500);
    ck_assert_int_eq(office_int(&till.office, "payment_orders"), 1);
    ck_assert_int_eq(office_int(&till.office, "unproved"), 0);
    check_run_papers();
}
END_TEST

/* Killed behind the register, revoked before the second signature: nobody is credited by halves. */
START_TEST(a_run_that_is_cut_off_goes_on)
{
    char draft[2 * SCRATCH_PATH_MAX];
    mandates_of_all();
    write_run("payee,amount\nMenuiserie,10\nAna,20\n");
    CONVERT_RUN(0, "30", "--no-sign");
    snprintf(draft, sizeof draft, "%s", office_text(&till.office, "draft"));
    ck_assert_int_eq(unlink(draft), 0);
    CONVERT_RUN(0, "30", "--yes");
    snprintf(draft, sizeof draft, "%s", office_text(&till.office, "draft"));
    DESK(0, "mandate", "revoke", mandate_id);
    till.office.key = "op2";
    DESK(1, "draft", "sign", draft);
    refused("MANDATE_REVOKED");
    till.office.key = "op1";
    DESK(0, "draft", "withdraw", draft);
    till.office.key = "op2";
    DESK(0, "draft", "withdraw", draft);
    till.office.key = "op1";
    ck_assert_int_eq(office_balance(&till.office, ana), 0);
    write_run("payee,amount\nAna,25\n");
    CONVERT_RUN(0, "25", "--yes");
    till_second_signs();
    ck_assert_int_eq(office_balance(&till.office, ana), 2500);
    ck_assert_int_eq(office_balance(&till.office, shop), 0);
}
END_TEST

/* Two operators who have not the same drafts: what the second one could not do takes nothing from
 * the first one. */
START_TEST(what_another_operator_drafted_stays)
{
    char draft[2 * SCRATCH_PATH_MAX], away[2 * SCRATCH_PATH_MAX];
    GIVE("--max", "100");
    DESK(0, "mandate", "add", mandate);
    CONVERT(0, shop, "100", "2025/1", "VIR-1");
    snprintf(draft, sizeof draft, "%s", office_text(&till.office, "draft"));
    snprintf(away, sizeof away, "%s", office_path(&till.office, "away"));
    ck_assert_int_eq(rename(draft, away), 0);
    till_cap("5");
    till.office.key = "op2";
    CONVERT(1, shop, "100", "2025/1", "VIR-1");
    refused("CAP_EXCEEDED");
    till.office.key = "op1";
    till_cap("10000");
    ck_assert_int_eq(rename(away, draft), 0);
    till.office.key = "op2";
    DESK(0, "draft", "sign", draft);
    till.office.key = "op1";
    ck_assert_int_eq(office_balance(&till.office, shop), 10000);
}
END_TEST

/* What is wrong with a file that was credited before is its line, not the payment order. */
START_TEST(a_line_that_cannot_be_read_is_named_first)
{
    char ref[127];
    mandates_of_all();
    write_run("payee,amount\nMenuiserie,60.05\nAna,39.95\n");
    CONVERT_RUN(0, "100", "--yes");
    const json_t *const rows = json_object_get(till.office.said, "conversions");
    const json_t *const first = json_array_get(rows, 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "state")), "draft");
    till_second_signs();
    write_run("payee,amount\nMenuiserie,60.05\nAna,39.9x\n");
    CONVERT_RUN(1, "100", "--yes");
    ck_assert_int_eq(json_integer_value(json_object_get(
                         json_array_get(json_object_get(till.office.said, "refused"), 0), "line")),
                     3);
    /* The bank line of another payment order is nobody's. */
    write_run("payee,amount\nAna,1\n");
    DESK(1, "municipal", "convert", "--order", "2026/10", "--bank-ref", "VIR-9", "--total", "1",
         "--file", office_path(&till.office, "run.csv"), "--yes");
    refused("BANK_REF_USED");
    ck_assert_ptr_null(json_object_get(till.office.said, "wanted"));
    /* As long as a bank line may be: it has one part. */
    memset(ref, 'a', sizeof ref - 1);
    ref[sizeof ref - 1] = '\0';
    DESK(0, "municipal", "convert", "--order", "2026/10", "--bank-ref", ref, "--total", "1",
         "--file", office_path(&till.office, "run.csv"), "--yes");
}
END_TEST

static void setup_clock(void)
{
    till_open_skewed(2, SKEW);
    open_doors();
}

/* A draft that nobody signed is put behind the chain again days later: what it converts counts from
 * then on, and what counted no more is not signed. */
START_TEST(a_draft_signed_late_counts_as_long_as_it_lives)
{
    char draft[2 * SCRATCH_PATH_MAX];
    mandates_of_all();
    write_run("payee,amount\nMenuiserie,10\nAna,20\n");
    CONVERT_RUN(0, "30", "--no-sign");
    snprintf(draft, sizeof draft, "%s", office_text(&till.office, "draft"));
    till_clock_ahead(10800);
    DESK(0, "draft", "sign", draft);
    till_clock_ahead(12960);
    write_run("payee,amount\nAna,20\n");
    CONVERT_RUN(1, "20", "--yes");
    refused("PAYMENT_ORDER_USED");
    CONVERT(1, ana, "20", "2026/9", "VIR-10");
    refused("PAYMENT_ORDER_USED");
    till.office.key = "op2";
    DESK(0, "draft", "sign", draft);
    till.office.key = "op1";
    ck_assert_int_eq(office_balance(&till.office, ana), 2000);
    CONVERT(0, shop, "5", "2026/11", "VIR-11", "--no-sign");
    snprintf(draft, sizeof draft, "%s", office_text(&till.office, "draft"));
    till_clock_ahead(25920);
    DESK(1, "draft", "sign", draft);
    refused("EXPIRED");
}
END_TEST

/* --- the account that collects -----------------------------------------------------------------
 */

static void collect(const char *amount, const char *memo)
{
    PURSE(0, "ana", "pay", town, amount, "--memo", memo, "--again");
}

START_TEST(the_collecting_account_converts_and_does_not_pay)
{
    DESK(0, "issue", ana, "200", "--bank-ref", "VIR-1");
    till_second_signs();
    PURSE(0, "town", "regie", "convert");
    ck_assert_str_eq(typed_field("status"), "ALREADY_DONE");
    collect("12.50", "canteen");
    PURSE(0, "town", "regie", "convert");
    ck_assert_str_eq(typed_field("status"), "ALREADY_DONE");
    ck_assert_int_eq(typed_number("balance_minor"), 1250); /* below the least that is given back */
    collect("40", "library");
    PURSE(1, "town", "pay", shop, "5");
    ck_assert_str_eq(typed_field("status"), "CLASS_FORBIDS");
    ck_assert_ptr_nonnull(strstr(typed.text, "a municipality may not pay in TST"));
    ck_assert_ptr_nonnull(strstr(typed.text, "number 1, in force since"));
    PURSE(0, "town", "regie", "convert", "--min", "60");
    ck_assert_int_eq(typed_number("amount_minor"), 0);
    PURSE(0, "town", "regie", "convert");
    ck_assert_str_eq(typed_field("status"), "SETTLED");
    ck_assert_int_eq(typed_number("amount_minor"), 5250);
    ck_assert_int_eq(typed_number("balance_minor"), 0);
    PURSE(0, "town", "regie", "convert");
    ck_assert_str_eq(typed_field("status"), "ALREADY_DONE");
    collect("30", "pool");
    PURSE(0, "town", "regie", "convert");
    ck_assert_int_eq(typed_number("amount_minor"), 3000);
    PURSE(1, "shop", "regie", "convert");
    ck_assert_str_eq(typed_field("status"), "CLASS_FORBIDS");
    DESK(0, "redemptions");
    ck_assert_int_eq(office_int(&till.office, "count"), 2);
}
END_TEST

/* Nothing of one country is in the code: other rules let a municipality pay. */
START_TEST(other_rules_let_a_municipality_pay)
{
    char policy[2 * SCRATCH_PATH_MAX], here[SCRATCH_PATH_MAX];
    struct office first;
    DESK(0, "policy", "show");
    json_t *const rules = json_array_get(json_object_get(till.office.said, "policies"), 0);
    ck_assert_ptr_nonnull(rules);
    json_t *class;
    size_t i;
    json_array_foreach(json_object_get(rules, "classes"), i, class)
    {
        const char *const name = json_string_value(json_object_get(class, "class"));
        if (strcmp(name, "municipality") == 0)
            json_object_set_new(class, "may_pay", json_true());
    }
    snprintf(policy, sizeof policy, "%s", office_path(&till.office, "policy.json"));
    ck_assert_int_eq(json_dump_file(rules, policy, 0), 0);
    first = till.office;
    snprintf(here, sizeof here, "%s", typed.dir);
    scratch_make(typed.dir);
    office_found_under(&till.office, typed.dir, 1, policy);
    till_read_link();
    open_doors();
    DESK(0, "issue", town, "10", "--bank-ref", "VIR-1");
    PURSE(0, "town", "pay", shop, "4");
    ck_assert_int_eq(office_balance(&till.office, shop), 400);
    office_done(&till.office);
    scratch_remove(typed.dir);
    snprintf(typed.dir, sizeof typed.dir, "%s", here);
    till.office = first;
}
END_TEST

/* Each municipality pays through its own association, which credits its own members only. */
START_TEST(another_association_has_no_part_in_it)
{
    struct office port, quai;
    char here[SCRATCH_PATH_MAX], far[OFFICE_ADDRESS_MAX];
    const struct office first = till.office;
    snprintf(here, sizeof here, "%s", typed.dir);
    scratch_make(typed.dir);
    office_found_two(&quai, &port, typed.dir);
    till.office = quai;
    till_read_link();
    open_doors();
    quai = till.office;
    till.office = port;
    till_read_link();
    till_join(far, "far", "Far", "shop");
    DESK(0, "admit", "--all");
    PURSE(1, "far", "mandate", "give", "--municipality", town);
    ck_assert_str_eq(typed_field("status"), "NOT_YOURS");
    GIVE("--yes");
    DESK(1, "mandate", "add", mandate);
    refused("MANDATE_OTHER");
    DESK(1, "municipal", "slip", town);
    refused("NOT_YOURS");
    CONVERT(1, shop, "5", "1", "VIR-1");
    refused("MANDATE_UNKNOWN");
    /* Nor are its members admitted here: their ids are not this association's. */
    ck_assert_int_eq(office_ask(&till.office, far, 0, false, "Lost", MR_CLASS_RESIDENT), MR_OK);
    DESK(1, "admit", "--all");
    refused("NOT_YOURS");
    DESK(0, "reject", far);
    DESK(0, "admit", "--all");
    office_done(&till.office);
    till.office = quai;
    office_done(&till.office);
    scratch_remove(typed.dir);
    snprintf(typed.dir, sizeof typed.dir, "%s", here);
    till.office = first;
}
END_TEST

/* --- papers ------------------------------------------------------------------------------------
 */

static void verify_book(void)
{
    office_node_stop(&till.office);
    AUDIT(0, "verify", "--json", office_path(&till.office, "data"));
}

/* The public accountant holds a receipt, the mandate's text and the payment order. */
static void check_receipt(void)
{
    char receipt[2 * SCRATCH_PATH_MAX], charter[2 * SCRATCH_PATH_MAX], name[48];
    const char *order = NULL;
    for (const char *at = till.office.text; at != NULL && *at != '\0'; at = strchr(at, '\n')) {
        at += *at == '\n';
        json_t *const row = json_loadb(at, strcspn(at, "\n"), 0, NULL);
        const char *const paid = json_string_value(json_object_get(row, "payment_order"));
        if (paid != NULL && strcmp(paid, "2025/1413") == 0) {
            snprintf(name, sizeof name, "receipts/%.16s.receipt",
                     json_string_value(json_object_get(row, "order")));
            order = name;
        }
        json_decref(row);
    }
    ck_assert_ptr_nonnull(order);
    snprintf(receipt, sizeof receipt, "%s", office_path(&till.office, order));
    snprintf(charter, sizeof charter, "%s", office_path(&till.office, "data/charter.mrc"));
#define VERIFY(code, mandate_, order_)                                                             \
    PURSE(code, "ana", "receipt", "verify", receipt, "--charter", charter, "--mandate", mandate_,  \
          "--payment-order", order_)
    VERIFY(0, mandate, "2025-1413");
    ck_assert(json_is_true(json_object_get(typed.said, "cited")));
    ck_assert_int_eq(typed_number("amount_minor"), 6005);
    VERIFY(5, mandate, "2025/1412");
    VERIFY(1, "mereau-mandate:mrmand1qqqq", "2025/1413");
    VERIFY(2, mandate, "-");
    PURSE(2, "ana", "receipt", "verify", receipt, "--charter", charter, "--mandate", mandate);
}

START_TEST(the_papers_say_what_the_ledger_says)
{
    char redemption[2 * MR_HASH_BYTES + 1], hex[17];
    GIVE("--max", "1000", "--until", "2099-12-31");
    DESK(0, "mandate", "add", mandate);
    CONVERT(0, shop, "840", "2025/1412 <b>", "VIR-3310");
    till_second_signs();
    CONVERT(0, shop, "60.05", "2025/1413", "=VIR-3311");
    till_second_signs();
    DESK(0, "issue", ana, "100", "--bank-ref", "VIR-9");
    till_second_signs();
    collect("55", "cantine <script>alert(1)</script>");
    PURSE(0, "town", "regie", "convert");
    const int64_t fee = typed_number("fee_minor");
    snprintf(redemption, sizeof redemption, "%s",
             json_string_value(json_object_get(
                 json_array_get(json_object_get(typed.said, "orders"), 0), "order")));
    DESK(0, "payout", redemption, "--bank-ref", "OUT-77");
    till_second_signs();
    collect("21", "pool");
    DESK(0, "municipal", "slip", town, "--html", office_path(&till.office, "slip.html"), "--csv",
         office_path(&till.office, "slip.csv"), "--receipts",
         office_path(&till.office, "receipts"));
    ck_assert_int_eq(office_int(&till.office, "converted_minor"), 90005);
    ck_assert_int_eq(office_int(&till.office, "converted_count"), 2);
    ck_assert_int_eq(office_int(&till.office, "paid_out_minor"), 5500);
    ck_assert_int_eq(office_int(&till.office, "euros_minor"), 5500 - fee);
    ck_assert_int_eq(office_int(&till.office, "waiting_count"), 0);
    ck_assert_int_eq(office_int(&till.office, "unproved"), 0);
    check_receipt();
    ck_assert_int_eq(office_balance(&till.office, shop), 90005);
    char *html = read_file("slip.html"), *csv = read_file("slip.csv");
    has(html, "2025/1412 &lt;b&gt;");
    has(html, "Mairie de &lt;Testa&gt; &amp; &quot;C&quot;");
    has(html, mandate_id);
    has(html, mandate);
    has(html, "OUT-77");
    has(html, "900.05\u00a0EUR");
    ck_assert_ptr_null(strstr(html, "<b>"));
    ck_assert_ptr_null(strstr(html, "http://"));
    ck_assert_ptr_null(strstr(html, "https://"));
    ck_assert_ptr_null(strstr(html, "<script"));
    has(csv, ",84000,0,84000,");
    has(csv, "\"'=VIR-3311\"");
    has(csv, "OUT-77");
    has(csv, redemption);
    free(html);
    free(csv);
    /* Not over a file that is there. */
    DESK(1, "municipal", "slip", town, "--html", office_path(&till.office, "slip.html"));
    refused("FILE_EXISTS");
    DESK(1, "municipal", "slip", shop);
    refused("PAYEE_CLASS");
    DESK(0, "municipal", "slip", town, "--from", "2001-01-01", "--to", "2001-01-31");
    ck_assert_int_eq(office_int(&till.office, "converted_count"), 0);

    PURSE(0, "town", "regie", "slip", "--html", office_path(&till.office, "day.html"), "--csv",
          office_path(&till.office, "day.csv"));
    ck_assert_int_eq(typed_number("opening_minor"), 0);
    ck_assert_int_eq(typed_number("collected_minor"), 7600);
    ck_assert_int_eq(typed_number("collected_count"), 2);
    ck_assert_int_eq(typed_number("converted_minor"), 5500);
    ck_assert_int_eq(typed_number("fees_minor"), fee);
    ck_assert_int_eq(typed_number("closing_minor"), 2100);
    ck_assert_int_eq(typed_number("unproved"), 0);
    ck_assert_int_eq(office_balance(&till.office, town), 2100);
    html = read_file("day.html");
    csv = read_file("day.csv");
    has(html, "cantine &lt;script&gt;");
    snprintf(hex, sizeof hex, "%.16s", redemption);
    has(html, hex);
    has(csv, redemption);
    free(html);
    free(csv);
    PURSE(2, "town", "regie", "slip", "--from", "2025-02-30");
    PURSE(2, "town", "regie", "slip", "--from", "2025-02-03", "--to", "2025-02-02");
    PURSE(0, "town", "regie", "slip", "--from", "2025-02-01", "--to", "2025-02-02");
    ck_assert_int_eq(typed_number("collected_count"), 0);
    ck_assert_int_eq(typed_number("closing_minor"), 0);
    verify_book();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("municipal");
    TCase *tc = tcase_create("programs");
    tcase_add_checked_fixture(tc, setup, till_close);
    tcase_set_timeout(tc, 180);
    tcase_add_test(tc, the_payee_is_credited_once);
    tcase_add_test(tc, what_the_mandate_does_not_bear_is_refused);
    tcase_add_test(tc, a_plain_issue_does_not_pass_for_one);
    tcase_add_test(tc, a_mandate_revoked_meanwhile_is_not_signed);
    tcase_add_test(tc, a_conversion_without_a_draft_goes_on);
    tcase_add_test(tc, a_file_of_payees_is_credited_once);
    tcase_add_test(tc, a_run_that_is_cut_off_goes_on);
    tcase_add_test(tc, what_another_operator_drafted_stays);
    tcase_add_test(tc, a_line_that_cannot_be_read_is_named_first);
    tcase_add_test(tc, only_the_payee_s_signature_makes_a_mandate);
    tcase_add_test(tc, the_collecting_account_converts_and_does_not_pay);
    tcase_add_test(tc, other_rules_let_a_municipality_pay);
    tcase_add_test(tc, another_association_has_no_part_in_it);
    tcase_add_test(tc, the_papers_say_what_the_ledger_says);
    suite_add_tcase(s, tc);
    TCase *const late = tcase_create("clock");
    tcase_add_checked_fixture(late, setup_clock, till_close);
    tcase_set_timeout(late, 180);
    tcase_add_test(late, a_draft_signed_late_counts_as_long_as_it_lives);
    suite_add_tcase(s, late);
    SRunner *n = srunner_create(s);
    srunner_run_all(n, CK_ENV);
    const int failed = srunner_ntests_failed(n);
    srunner_free(n);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
