/* A payment order of more payees than one ISSUE has lines: its parts settle one after the other,
 * and what is left of it when one does not is neither lost nor done twice. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "lib/till.h"
#include "mereau/id.h"
#include "mereau/mandate.h"

enum { PAYEES = MR_LINES_MAX + 1, FILE_MAX = 1 << 20 };

static char town[OFFICE_ADDRESS_MAX], shop[OFFICE_ADDRESS_MAX];
static char payees[PAYEES][OFFICE_ADDRESS_MAX];

static void seed_of(uint8_t ret[32], size_t i)
{
    memset(ret, 7, 32);
    ret[0] = (uint8_t)i;
    ret[1] = (uint8_t)(i >> 8);
}

/* Like the shop's, of one payee. */
static void add_mandate(const struct mr_signed_mandate *like, size_t i)
{
    static struct mr_signed_mandate m;
    char text[MR_MANDATE_TEXT_MAX + 1];
    struct mr_seckey key;
    struct mr_pubkey public;
    uint8_t seed[32];
    size_t wrong;
    m = *like;
    m.sigs_count = 0;
    ck_assert_int_eq(mr_address_parse(m.mandate.payee, &wrong, NULL, payees[i]), MR_OK);
    seed_of(seed, i);
    mr_seckey_from_seed(&key, &public, seed);
    mr_mandate_sign(&m, 0, &key);
    mr_seckey_done(&key);
    mr_mandate_format(text, &m);
    DESK(0, "mandate", "add", text);
}

static void write_run(void)
{
    static char text[PAYEES * OFFICE_ADDRESS_MAX];
    size_t len = (size_t)snprintf(text, sizeof text, "payee,amount\n");
    for (size_t i = 0; i < PAYEES; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s,1\n", payees[i]);
    ck_assert_int_eq(file_write(office_path(&till.office, "run.csv"), text, len, 0600, true),
                     MR_OK);
}

static void open_run(unsigned operators)
{
    static struct mr_signed_mandate like;
    uint8_t seed[32];
    char name[32];
    size_t wrong;
    till_open(operators);
    till_join(town, "town", "Mairie", "municipality");
    till_join(shop, "shop", "Menuiserie", "shop");
    for (size_t i = 0; i < PAYEES; i++) {
        seed_of(seed, i);
        snprintf(name, sizeof name, "Payee %zu", i);
        const enum mr_status st =
            office_ask_as(&till.office, payees[i], seed, name, MR_CLASS_RESIDENT);
        ck_assert(st == MR_OK || st == MR_NOT_ADMITTED);
        if (i % 200 == 199)
            DESK(0, "admit", "--all");
    }
    DESK(0, "admit", "--all");
    PURSE(0, "shop", "mandate", "give", "--municipality", town);
    ck_assert_int_eq(mr_mandate_parse(&like, &wrong, typed_field("mandate")), MR_OK);
    for (size_t i = 0; i < PAYEES; i++)
        add_mandate(&like, i);
    write_run();
}

#define CONVERT_RUN(code, bank, ...)                                                               \
    DESK(code, "municipal", "convert", "--order", "2026/9", "--bank-ref", bank, "--total", "257",  \
         "--file", office_path(&till.office, "run.csv"), __VA_ARGS__)

static void status_is(const char *status)
{
    ck_assert_msg(strcmp(office_text(&till.office, "status"), status) == 0, "%.2000s, not %s",
                  till.office.text, status);
}

/* Each operator in turn; what the last one was told. */
static void both_withdraw(const char *draft)
{
    DESK(0, "draft", "withdraw", draft);
    till.office.key = "op2";
    DESK(0, "draft", "withdraw", draft);
    till.office.key = "op1";
    ck_assert_str_eq(office_text(&till.office, "state"), "withdrawn");
}

static void both_sign(int code, const char *draft)
{
    till.office.key = "op2";
    DESK(code, "draft", "sign", draft);
    till.office.key = "op1";
}

/* The cap is lowered between the signatures: the first part settles, and the second waits. */
START_TEST(what_waits_behind_the_first_part_is_withdrawn)
{
    char draft[TYPED_PATH];
    open_run(2);
    till_cap("256.50");
    CONVERT_RUN(1, "VIR-9", "--dry-run");
    status_is("CAP_EXCEEDED");
    CONVERT_RUN(1, "VIR-9", "--yes");
    status_is("CAP_EXCEEDED");
    ck_assert_int_eq(office_int(&till.office, "missing_minor"), 50);
    till_cap("10000");
    CONVERT_RUN(0, "VIR-9", "--yes");
    ck_assert_int_eq(office_int(&till.office, "new_count"), PAYEES);
    snprintf(draft, sizeof draft, "%s", office_text(&till.office, "draft"));
    till_cap("256.50");
    both_sign(3, draft);
    status_is("PARKED");
    ck_assert_int_eq(office_balance(&till.office, payees[0]), 100);
    both_withdraw(draft);
    /* Room is made: nothing of it settles. */
    till_cap("10000");
    ck_assert_int_eq(office_balance(&till.office, payees[PAYEES - 1]), 0);
    /* What was credited is known, by whatever bank entry it is asked for again. */
    CONVERT_RUN(1, "VIR-10", "--yes");
    status_is("PAYMENT_ORDER_USED");
    CONVERT_RUN(0, "VIR-9", "--yes");
    ck_assert_int_eq(office_int(&till.office, "already_count"), PAYEES - 1);
    ck_assert_int_eq(office_int(&till.office, "new_count"), 1);
    till_second_signs();
    ck_assert_int_eq(office_balance(&till.office, payees[0]), 100);
    ck_assert_int_eq(office_balance(&till.office, payees[PAYEES - 1]), 100);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("municipal_parts");
    TCase *tc = tcase_create("programs");
    tcase_add_checked_fixture(tc, NULL, till_close);
    tcase_set_timeout(tc, 180);
    tcase_add_test(tc, what_waits_behind_the_first_part_is_withdrawn);
    suite_add_tcase(s, tc);
    SRunner *n = srunner_create(s);
    srunner_run_all(n, CK_ENV);
    const int failed = srunner_ntests_failed(n);
    srunner_free(n);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
