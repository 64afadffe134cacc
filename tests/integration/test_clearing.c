/* Reserves between associations, through the programs: a shop gives units back where the euros are
 * not, the one that has them gives reserve, and both treasuries sign. */
#include <stdlib.h>
#include <string.h>

#include "lib/quartet.h"

static void two_associations(void)
{
    quartet_found("1/1");
    quartet_ana_and_bob();
    quartet_come(1);
    PROPOSE("--add", typed_at("d2/offer.mro"), "--quorum", "2");
    quartet_come_in(1);
    for (unsigned i = 0; i < 2; i++)
        quartet_wait_answering(i, 2);
    quartet_member(1, "cleo", "shop");
    ADMIN("-d", typed_data(1), "list-shop", "cleo", "epicerie", "--name", "Cleo", "--yes");
    quartet_pay("ana", "epicerie@asso2", "40");
    WALLET("--wallet", typed_at("cleo"), "redeem", "30", "--yes");
}

static void refused(const char *status, unsigned i, const char *words[4])
{
    RUN("mereau-admin", 1, "-d", typed_data(i), "--yes", "--json", words[0], words[1], words[2],
        words[3]);
    ck_assert_str_eq(typed_field("status"), status);
}

static void expect_left(const char *alias, long left_minor)
{
    const json_t *row = NULL;
    ADMIN("-d", typed_data(0), "clearing");
    const json_t *const rows = json_object_get(typed.said, "associations");
    for (size_t i = 0; i < json_array_size(rows) && row == NULL; i++) {
        const json_t *const one = json_array_get(rows, i);
        if (strcmp(json_string_value(json_object_get(one, "alias")), alias) == 0)
            row = one;
    }
    ck_assert_msg(row != NULL, "%s is not there", alias);
    ck_assert_int_eq(json_integer_value(json_object_get(row, "left_minor")), left_minor);
}

START_TEST(test_both_sign)
{
    char draft[TYPED_PATH];
    two_associations();
    /* The euros are with the other association, and the operator is told where to look. */
    refused("COVERAGE", 1, (const char *[]){"payout", "cleo", "--bank-ref", "OUT-1"});
    SAID("clearing\" shows who has euros");
    expect_left("asso1", 5000);
    expect_left("asso2", -3000);
    /* Who owes nothing proposes nothing; the receiving side signs first. */
    refused("NO_CHANGE", 1, (const char *[]){"clearing", "propose", "--bank-ref", "C-1"});
    ADMIN("-d", typed_data(0), "clearing", "propose", "--bank-ref", "C-1", "--yes");
    snprintf(draft, sizeof draft, "%s", typed_field("draft"));
    RUN("mereau-admin", 1, "-d", typed_data(0), "draft", "sign", draft, "--yes");
    SAID("the operators of Association 2 sign first");
    ADMIN("-d", typed_data(1), "draft", "sign", draft, "--yes");
    expect_left("asso2", -3000);
    ADMIN("-d", typed_data(0), "draft", "sign", draft, "--yes");
    expect_left("asso1", 2000);
    expect_left("asso2", 0);
    /* The same bank line again is the same transfer; the shop gets its euros now. */
    ADMIN("-d", typed_data(0), "clearing", "propose", "asso2", "--bank-ref", "C-1", "--amount",
          "30", "--yes");
    ck_assert_str_eq(typed_field("state"), "settled");
    expect_left("asso1", 2000);
    ADMIN("-d", typed_data(1), "payout", "cleo", "--bank-ref", "OUT-1", "--yes");
    AUDIT(0, "verify", typed_data(0));
    AUDIT(0, "compare", typed_data(0), typed_data(1));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("clearing");
    TCase *c = tcase_create("clearing");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, quartet_setup, quartet_teardown);
    tcase_add_test(c, test_both_sign);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
