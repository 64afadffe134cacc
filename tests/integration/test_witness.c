/* A charter that wants witnesses, through the programs: what settles at once is witnessed later,
 * and a node that rewrites its history finds nobody to cosign it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "lib/till.h"

static char ana[OFFICE_ADDRESS_MAX], bob[OFFICE_ADDRESS_MAX], eve[OFFICE_ADDRESS_MAX];
static char first[128], second[128]; /* NAME=KEY */

static void make_witness(char ret[128], const char *name)
{
    char file[64];
    snprintf(file, sizeof file, "%s.key", name);
    AUDIT(0, "keygen", "--json", typed_at(file), "--passphrase-file", typed_at("pass"));
    snprintf(ret, 128, "%s=%s", name, typed_field("public_key"));
}

static void setup(void)
{
    scratch_make(typed.dir);
    ck_assert_int_eq(file_write(typed_at("pass"), "secret\n", 7, 0600, true), MR_OK);
    make_witness(first, "mairie");
    make_witness(second, "agglo");
    office_found_with(&till.office, typed.dir, 1,
                      (const char *const[]){"--witness", first, "--witness-quorum", "1", NULL});
    till_read_link();
    till_join(ana, "ana", "Ana", "resident");
    till_join(bob, "bob", "Bob", "shop");
    till_join(eve, "eve", "Eve", "resident");
    DESK(0, "admit", "--all");
    DESK(0, "issue", "Ana", "50", "--bank-ref", "VIR-1");
    DESK(0, "issue", "Eve", "20", "--bank-ref", "VIR-2");
}

/* One round of a witness; its exit code. */
static void cosign(int code, const char *name)
{
    char file[64], node[32], seen[64];
    snprintf(file, sizeof file, "%s.key", name);
    snprintf(seen, sizeof seen, "seen-%s", name);
    snprintf(node, sizeof node, "127.0.0.1:%u", till.office.port);
    AUDIT(code, "witness", "--json", "--once", "--name", name, "--key", typed_at(file),
          "--passphrase-file", typed_at("pass"), "--charter", typed_at("data/charter.mrc"),
          typed_at(seen), "--node", node);
}

static bool is(const char *field)
{
    return json_is_true(json_object_get(typed.said, field));
}

static void verify(int code, const char *file)
{
    RUN("mereau", code, "receipt", "verify", "--json", typed_at(file), "--charter",
        typed_at("data/charter.mrc"));
    AUDIT(code, "receipt", "--json", "--charter", typed_at("data/charter.mrc"), typed_at(file));
    if (code != 0)
        ck_assert_str_eq(typed_field("status"), "NOT_WITNESSED");
}

/* Everything that a shop sees of it, from settled to witnessed. */
START_TEST(settled_at_once_and_witnessed_later)
{
    PURSE(0, "ana", "pay", bob, "10");
    ck_assert_str_eq(typed_field("status"), "SETTLED");
    ck_assert(json_is_false(json_object_get(typed.said, "witnessed")));
    PURSE(0, "bob", "balance");
    ck_assert_int_eq(typed_number("unwitnessed_minor"), 1000);
    ck_assert_int_eq(typed_number("witnessed_ms"), 0);
    PURSE(0, "ana", "receipt", "show", "1");
    ck_assert_str_eq(typed_field("outcome"), "SETTLED");
    ck_assert(!is("witnessed"));
    PURSE(3, "ana", "receipt", "show", "1", "--wait", "--timeout", "1");
    PURSE(0, "ana", "receipt", "save", "1", typed_at("early"));
    verify(5, "early");
    cosign(0, "mairie");
    PURSE(0, "bob", "balance");
    ck_assert_int_eq(typed_number("unwitnessed_minor"), 0);
    PURSE(0, "ana", "receipt", "show", "1", "--wait");
    ck_assert(is("witnessed"));
    ck_assert_int_eq(typed_number("witnesses_charter"), 1);
    PURSE(0, "ana", "receipt", "save", "1", typed_at("late"));
    verify(0, "late");
    DESK(0, "status");
    ck_assert_ptr_nonnull(strstr(till.office.text, "\"name\":\"mairie\""));
    ck_assert_ptr_null(strstr(till.office.text, "\"cosigned_ms\":0"));
    /* The payment does not wait for a witness that is away. */
    PURSE(0, "ana", "pay", bob, "1");
    ck_assert_str_eq(typed_field("status"), "SETTLED");
}
END_TEST

static void follow(int code, const char *state)
{
    AUDIT(code, "follow", "--json", "--once", "--control", typed_at("data/run/control.sock"),
          typed_at("mirror"));
    const json_t *const row = json_array_get(json_object_get(typed.said, "witnessed"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(row, "state")), state);
}

START_TEST(the_auditor_names_what_is_missing)
{
    follow(5, "missing");
    const json_t *const k = json_array_get(json_object_get(typed.said, "contradictions"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(k, "kind")), "NOT_WITNESSED");
    ck_assert_str_eq(json_string_value(json_object_get(k, "missing")), "mairie");
    cosign(0, "mairie");
    follow(0, "witnessed");
}
END_TEST

static void shell(const char *what, const char *one, const char *other)
{
    char line[3 * TYPED_PATH];
    snprintf(line, sizeof line, "%s '%s' '%s'", what, one, other);
    ck_assert_int_eq(system(line), 0); /* allow: a test's own directory */
}

static void restart_node(void)
{
    office_node_start(&till.office);
    till_read_link();
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", till.office.port);
    PURSE(0, "eve", "node", "use", address);
    PURSE(0, "ana", "node", "use", address);
}

/* The association puts the data directory back to what it was before a payment. The witness has
 * seen that payment; Eve was not there and has nothing to compare with, and is told all the same.
 */
START_TEST(a_rewrite_is_not_cosigned)
{
    office_node_stop(&till.office);
    shell("cp -r", typed_at("data"), typed_at("old"));
    restart_node();
    PURSE(0, "ana", "pay", bob, "10");
    cosign(0, "mairie");
    office_node_stop(&till.office);
    shell("rm -rf", typed_at("data"), typed_at("run"));
    shell("mv", typed_at("old"), typed_at("data"));
    restart_node();
    /* She wants to see a witness first, and there is none. */
    PURSE(0, "eve", "witnesses", "--patience", "60");
    PURSE(5, "eve", "pay", bob, "5");
    ck_assert_str_eq(typed_field("status"), "NOT_WITNESSED");
    /* Else it settles, as the node says; its receipt is never witnessed. */
    PURSE(0, "eve", "witnesses", "--patience", "0");
    PURSE(0, "eve", "pay", bob, "5");
    ck_assert(json_is_false(json_object_get(typed.said, "witnessed")));
    cosign(5, "mairie");
    ck_assert_int_eq(typed_number("cosigned"), 0);
    PURSE(0, "eve", "receipt", "save", "1", typed_at("rewritten"));
    verify(5, "rewritten");
    PURSE(3, "eve", "receipt", "show", "1", "--wait", "--timeout", "1");
    /* Ana was there: the head that she holds tells her. */
    PURSE(5, "ana", "balance");
    ck_assert_str_eq(typed_field("status"), "FORKED");
}
END_TEST

/* Governance takes a second witness in, and wants both: a new epoch says so. Both cosign one head,
 * though each comes by when it likes. */
START_TEST(the_charter_is_changed)
{
    PURSE(0, "ana", "pay", bob, "10");
    cosign(0, "mairie");
    PURSE(0, "ana", "receipt", "save", "1", typed_at("before"));
    till.office.key = "governance1";
    DESK(2, "federation", "propose", "--witness-quorum", "2");
    DESK(1, "federation", "propose", "--witness-quorum", "1");
    DESK(1, "federation", "propose", "--drop-witness", "nobody");
    DESK(0, "federation", "propose", "--witness", second, "--witness-quorum", "2", "--reason",
         "two");
    ck_assert_str_eq(office_text(&till.office, "state"), "settled");
    till.office.key = "op1";
    for (int i = 0; i < 100; i++) {
        PURSE(0, "ana", "witnesses");
        if (json_integer_value(
                json_object_get(json_object_get(typed.said, "charter_witnesses"), "quorum")) == 2)
            break;
        usleep(100000);
    }
    /* The node lets new witnesses in when its store knows of them. */
    for (int i = 0; i < 300 && access(typed_at("data/epochs.mrh"), F_OK) != 0; i++)
        usleep(100000);
    PURSE(0, "ana", "pay", bob, "1", "--again");
    PURSE(0, "ana", "receipt", "save", "2", typed_at("none"));
    verify(5, "none");
    cosign(0, "mairie");
    PURSE(0, "ana", "receipt", "save", "2", typed_at("one"));
    verify(5, "one");
    cosign(0, "agglo");
    PURSE(0, "ana", "receipt", "save", "2", typed_at("both"));
    verify(0, "both");
    ck_assert_int_eq(typed_number("witnesses_charter"), 2);
    verify(0, "before"); /* one was enough then */
}
END_TEST

/* The owner wants more than the charter: kept in the wallet. */
START_TEST(what_the_owner_wants)
{
    cosign(0, "mairie");
    PURSE(2, "ana", "witnesses", "--need", "1");
    PURSE(2, "ana", "witnesses", "--witness", "x");
    PURSE(2, "ana", "witnesses", "--witness", second, "--need", "2");
    PURSE(0, "ana", "witnesses", "--witness", second);
    PURSE(0, "ana", "pay", bob, "1");
    cosign(0, "mairie");
    PURSE(0, "ana", "receipt", "show", "1");
    ck_assert_int_eq(typed_number("witnesses_charter"), 1);
    ck_assert(!is("witnessed"));
    PURSE(0, "ana", "witnesses", "--none");
    PURSE(0, "ana", "receipt", "show", "1");
    ck_assert(is("witnessed"));
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("witness");
    tcase_add_checked_fixture(tc, setup, till_close);
    tcase_set_timeout(tc, 180);
    tcase_add_test(tc, settled_at_once_and_witnessed_later);
    tcase_add_test(tc, the_auditor_names_what_is_missing);
    tcase_add_test(tc, a_rewrite_is_not_cosigned);
    tcase_add_test(tc, the_charter_is_changed);
    tcase_add_test(tc, what_the_owner_wants);
    Suite *const s = suite_create("witness");
    suite_add_tcase(s, tc);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
