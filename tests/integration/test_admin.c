/* An association at work: two operators, drafts, bank lines, a backup and what comes back of it. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "lib/office.h"
#include "lib/scratch.h"

static struct office office;
static char dir[SCRATCH_PATH_MAX], ana[OFFICE_ADDRESS_MAX], bob[OFFICE_ADDRESS_MAX];

#define RUN(...) OFFICE_RUN(&office, __VA_ARGS__)

/* A command, and how it must end. */
#define expect(code, ...)                                                                          \
    do {                                                                                           \
        const int got_ = RUN(__VA_ARGS__);                                                         \
        ck_assert_msg(got_ == (code), "exit %d, not %d: %s", got_, (code), office.text);           \
    } while (0)

static void expect_field(const char *field, const char *wanted)
{
    ck_assert_msg(strcmp(office_text(&office, field), wanted) == 0, "%s is not %s: %s", field,
                  wanted, office.text);
}

static void start(unsigned operators)
{
    scratch_make(dir);
    office_found(&office, dir, operators);
    office_join(&office, ana, "Ana", MR_CLASS_RESIDENT);
    office_join(&office, bob, "Bob", MR_CLASS_SHOP);
    expect(0, "admit", "--all");
    ck_assert_uint_eq(json_array_size(json_object_get(office.said, "admitted")), 2);
}

static void setup_one(void)
{
    start(1);
}

static void setup_two(void)
{
    start(2);
}

static void teardown(void)
{
    office_done(&office);
    scratch_remove(dir);
}

/* The path of the draft that the last command wrote or named. */
static void take_draft(char ret[2 * SCRATCH_PATH_MAX])
{
    snprintf(ret, 2 * SCRATCH_PATH_MAX, "%s", office_text(&office, "draft"));
    ck_assert_msg(ret[0] == '/', "no draft: %s", office.text);
}

/* --- members -----------------------------------------------------------------------------------
 */

START_TEST(test_members)
{
    char eve[OFFICE_ADDRESS_MAX], twin[OFFICE_ADDRESS_MAX];
    expect(0, "admit", "--all"); /* nobody is left */
    ck_assert_int_eq(office_ask(&office, eve, 0, true, "Eve", MR_CLASS_RESIDENT), MR_NOT_YOURS);
    expect(0, "requests");
    ck_assert_uint_eq(json_array_size(json_object_get(office.said, "requests")), 0);
    office_join(&office, eve, "Eve", MR_CLASS_RESIDENT);
    expect(0, "requests");
    ck_assert_uint_eq(json_array_size(json_object_get(office.said, "requests")), 1);
    expect(1, "admit", "Eva");
    expect(2, "admit");
    expect(0, "reject", "eve");
    expect(1, "reject", "eve");
    office_join(&office, eve, "Eve", MR_CLASS_RESIDENT);
    office_join(&office, twin, "Eve", MR_CLASS_RESIDENT);
    expect(1, "admit", "Eve"); /* two of them */
    expect(0, "admit", eve, "--class", "shop", "--dry-run");
    expect_field("state", "dry_run");
    expect(0, "admit", eve, "--class", "shop");
    expect(0, "member", "show", "Eve");
    json_t *member = json_object_get(office.said, "member");
    ck_assert_str_eq(json_string_value(json_object_get(member, "class")), "shop");
    expect(0, "member", "forget", "Eve");
    expect(1, "member", "show", "Eve");
    expect(0, "member", "show", eve);
    expect(0, "member", "forget", eve);
    expect_field("status", "ALREADY_DONE");
}
END_TEST

START_TEST(test_desk)
{
    expect(0, "freeze", "Ana", "--reason", "lost_key");
    expect(0, "freeze", ana);
    expect_field("status", "ALREADY_DONE");
    expect(0, "unfreeze", ana);
    expect(2, "list-shop", "Bob", "fournil");
    expect(1, "list-shop", "Bob", "Fournil", "--name", "Le Fournil");
    expect(0, "list-shop", "Bob", "fournil", "--name", "Le Fournil", "--town", "Lyon");
    expect(0, "list-shop", "fournil", "fournil");
    expect_field("status", "ALREADY_DONE");
    expect(0, "list-shop", "fournil", "fournil", "--opening", "8-12");
    expect(0, "unlist-shop", "fournil");
    expect(0, "unlist-shop", bob);
    expect_field("status", "ALREADY_DONE");
    /* A character was mistyped: which one is said. */
    char typo[OFFICE_ADDRESS_MAX];
    snprintf(typo, sizeof typo, "%s", ana);
    typo[10] = typo[10] == 'q' ? 'p' : 'q';
    expect(1, "freeze", typo);
    expect_field("status", "BAD_CHECKSUM");
}
END_TEST

/* --- money -------------------------------------------------------------------------------------
 */

START_TEST(test_issue_once)
{
    expect(0, "issue", "Ana", "12,50", "--bank-ref", "VIR 1");
    expect_field("state", "settled");
    ck_assert_int_eq(office_balance(&office, ana), 1250);
    expect(0, "issue", ana, "12.50", "--bank-ref", "vir-1");
    expect_field("status", "ALREADY_DONE");
    ck_assert_uint_eq(json_array_size(json_object_get(office.said, "already")), 1);
    expect(1, "issue", ana, "12.51", "--bank-ref", "vir-1");
    expect_field("status", "BANK_REF_USED");
    ck_assert_ptr_nonnull(json_object_get(office.said, "found"));
    expect(1, "issue", bob, "12.50", "--bank-ref", "vir-1");
    expect(0, "issue", ana, "12.50", "--bank-ref", "vir-1", "--bank-account", "other");
    ck_assert_int_eq(office_balance(&office, ana), 2500);
    expect(2, "issue", ana, "1");
    expect(2, "issue", ana, "--bank-ref", "x");
    expect(1, "issue", ana, "0", "--bank-ref", "x");
    expect(1, "issue", ana, "1.005", "--bank-ref", "x");
    expect(2, "issue", ana, "1", "--bank-ref", " - ");
    expect(1, "issue", "Nobody", "1", "--bank-ref", "x");
    expect(1, "issue", ana, "10000000", "--bank-ref", "x");
    expect_field("status", "CAP_EXCEEDED");
    expect(0, "status");
    ck_assert_int_eq(office_int(&office, "issued_minor"), 2500);
    ck_assert_int_eq(office_int(&office, "reserve_minor"), 2500);
    ck_assert_int_eq(office_int(&office, "coverage_basis_points"), 10000);
}
END_TEST

static void put_lines(const char *text)
{
    ck_assert_int_eq(file_write(office_path(&office, "lines.csv"), text, strlen(text), 0600, true),
                     MR_OK);
}

START_TEST(test_issue_file)
{
    char file[2 * SCRATCH_PATH_MAX];
    snprintf(file, sizeof file, "%s", office_path(&office, "lines.csv"));
    put_lines("member;amount;bank_ref;bank_amount\nAna;10;R1;15\nBob;5;R1;\nBob;2,5;R2;\n");
    expect(0, "issue", "--file", file);
    ck_assert_uint_eq(json_array_size(json_object_get(office.said, "issued")), 2);
    ck_assert_int_eq(office_balance(&office, ana), 1000);
    ck_assert_int_eq(office_balance(&office, bob), 750);
    expect(0, "issue", "--file", file);
    expect_field("status", "ALREADY_DONE");
    /* What is new in a file that was issued in part is issued, once. */
    put_lines("member;amount;bank_ref\nBob;5;R1\nAna;10;R1\nAna;1;R3\n");
    expect(0, "issue", "--file", file);
    ck_assert_uint_eq(json_array_size(json_object_get(office.said, "issued")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(office.said, "already")), 1);
    ck_assert_int_eq(office_balance(&office, ana), 1100);
    put_lines("member;amount;bank_ref;bank_amount\nAna;10;R4;11\n");
    expect(1, "issue", "--file", file);
    expect_field("status", "BANK_SUM");
    put_lines("member;amount;bank_ref\nAna;10;R5\nAna;1;R1\n");
    expect(1, "issue", "--file", file); /* one of its lines is refused: none is issued */
    ck_assert_int_eq(office_balance(&office, ana), 1100);
    put_lines("member;amount;bank_ref\nAna;x;R6\n");
    expect(2, "issue", "--file", file);
    ck_assert_int_eq(office_int(&office, "line"), 2);
}
END_TEST

/* More bank lines than one order holds. */
START_TEST(test_issue_many)
{
    char file[2 * SCRATCH_PATH_MAX], *text = NULL;
    size_t len;
    snprintf(file, sizeof file, "%s", office_path(&office, "lines.csv"));
    FILE *f = open_memstream(&text, &len);
    fputs("member,amount,bank_ref\n", f);
    for (int i = 0; i < 3 * MR_BANKS_MAX; i++)
        fprintf(f, "%s,1,R%d\n", i % 2 ? ana : bob, i);
    fclose(f);
    put_lines(text);
    free(text);
    expect(0, "issue", "--file", file);
    ck_assert_uint_eq(json_array_size(json_object_get(office.said, "issued")), 3 * MR_BANKS_MAX);
    ck_assert_int_eq(office_balance(&office, ana) + office_balance(&office, bob),
                     300 * MR_BANKS_MAX);
    expect(0, "issue", "--file", file);
    expect_field("status", "ALREADY_DONE");
}
END_TEST

START_TEST(test_grant)
{
    expect(0, "grant", "Ana", "--credit", "50");
    expect(0, "grant", "Ana", "--credit", "50");
    expect_field("status", "ALREADY_DONE");
    expect(1, "grant", "Ana", "--credit", "40");
    expect_field("status", "LOWERED");
    expect(1, "lower", ana, "--credit", "40"); /* an operator's key does not lower */
    office.key = "governance1";
    expect(1, "grant", ana, "--credit", "60");
    expect(0, "lower", ana, "--credit", "40");
    expect_field("state", "settled");
    expect(0, "cap", "5");
    expect(0, "cap", "5");
    expect_field("status", "ALREADY_DONE");
    office.key = "op1";
    expect(1, "issue", ana, "6", "--bank-ref", "x");
    expect_field("status", "CAP_EXCEEDED");
    expect(0, "sweep", ana);
    expect_field("status", "ALREADY_DONE");
}
END_TEST

START_TEST(test_policy)
{
    char file[2 * SCRATCH_PATH_MAX];
    snprintf(file, sizeof file, "%s", office_path(&office, "rules.json"));
    expect(0, "policy", "show");
    ck_assert_int_eq(file_write(file, office.text, strlen(office.text), 0600, true), MR_OK);
    office.key = "governance1";
    expect(1, "policy", "propose", file); /* no notice */
    expect_field("status", "POLICY_NOTICE");
    expect(2, "policy", "propose", file, "--start", "2099-02-30");
    expect(0, "policy", "propose", file, "--start", "2099-02-28");
    expect_field("state", "settled");
    expect(0, "policy", "show");
    ck_assert_uint_eq(json_array_size(json_object_get(office.said, "policies")), 2);
    put_lines("{\"version\":1}");
    expect(2, "policy", "propose", office_path(&office, "lines.csv"));
}
END_TEST

/* --- two operators -----------------------------------------------------------------------------
 */

START_TEST(test_two_sign)
{
    char draft[2 * SCRATCH_PATH_MAX];
    expect(0, "issue", ana, "5", "--bank-ref", "a");
    expect_field("state", "draft");
    take_draft(draft);
    ck_assert_int_eq(office_balance(&office, ana), 0);
    expect(0, "issue", ana, "5", "--bank-ref", "a"); /* drafted already */
    expect_field("state", "draft");
    expect(1, "issue", ana, "6", "--bank-ref", "a");
    expect(0, "draft", "list");
    ck_assert_uint_eq(json_array_size(json_object_get(office.said, "drafts")), 1);
    expect(0, "draft", "sign", draft); /* the same one again adds nothing */
    expect_field("state", "draft");
    expect(1, "draft", "submit", draft);
    expect_field("status", "SIGNATURES_MISSING");
    office.key = "op2";
    expect(0, "draft", "show", draft);
    expect(0, "draft", "sign", draft, "--no-submit");
    expect_field("state", "draft");
    expect(0, "draft", "submit", draft);
    expect_field("state", "settled");
    ck_assert_int_eq(office_balance(&office, ana), 500);
    expect(4, "draft", "sign", draft); /* it is gone */
    expect(0, "issue", ana, "5", "--bank-ref", "a");
    expect_field("status", "ALREADY_DONE");
}
END_TEST

/* A copy of the draft, where the second signer is, as it comes by e-mail. */
static void sign_a_copy(const char *draft)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    ck_assert_int_eq(file_read(&bytes, &len, draft, 1 << 20), MR_OK);
    ck_assert_int_eq(file_write(office_path(&office, "copy.draft"), bytes, len, 0600, true), MR_OK);
    free(bytes);
    office.key = "op2";
    expect(0, "draft", "sign", office_path(&office, "copy.draft"));
    expect_field("state", "settled");
    office.key = "op1";
}

static void drafts_are(size_t count)
{
    expect(0, "draft", "list");
    ck_assert_uint_eq(json_array_size(json_object_get(office.said, "drafts")), count);
}

START_TEST(test_sent_from_a_copy)
{
    char draft[2 * SCRATCH_PATH_MAX];
    expect(0, "issue", ana, "5", "--bank-ref", "a");
    take_draft(draft);
    sign_a_copy(draft);
    ck_assert_int_eq(office_balance(&office, ana), 500);
    drafts_are(1); /* nobody has asked the node yet */
    expect(0, "draft", "sign", draft);
    expect_field("state", "settled");
    drafts_are(0);
    /* The next command on that chain clears up, too. */
    expect(0, "issue", ana, "5", "--bank-ref", "b");
    take_draft(draft);
    sign_a_copy(draft);
    expect(0, "issue", ana, "5", "--bank-ref", "b");
    expect_field("status", "ALREADY_DONE");
    drafts_are(0);
    ck_assert_int_eq(office_balance(&office, ana), 1000);
}
END_TEST

/* A file that cannot be removed is not said to be. */
START_TEST(test_a_file_that_stays)
{
    char draft[2 * SCRATCH_PATH_MAX];
    expect(0, "issue", ana, "5", "--bank-ref", "a");
    take_draft(draft);
    sign_a_copy(draft);
    setenv("LD_PRELOAD", FAILSYNC, 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    setenv("FAILUNLINK", ".draft", 1);
    expect(0, "draft", "sign", draft);
    expect_field("state", "settled");
    ck_assert_ptr_nonnull(strstr(office.text, "it has settled\n"));
    ck_assert_ptr_nonnull(strstr(office.text, "cannot be removed; it is of no more use"));
    ck_assert_ptr_null(strstr(office.text, "the file is removed"));
    expect(0, "issue", ana, "6", "--bank-ref", "b", "--no-sign");
    take_draft(draft);
    expect(4, "draft", "withdraw", draft);
    ck_assert_ptr_nonnull(strstr(office.text, "the draft is not removed"));
    unsetenv("LD_PRELOAD");
    unsetenv("FAILUNLINK");
    unsetenv("ASAN_OPTIONS");
    expect(0, "draft", "withdraw", draft);
    expect_field("state", "removed");
}
END_TEST

static const char *part(size_t at, const char *field)
{
    const json_t *const one = json_array_get(json_object_get(office.said, "drafts"), at);
    const char *const text = json_string_value(json_object_get(one, field));
    return text != NULL ? text : "";
}

/* "drafts/" and a star: in the order of their chain, and one that is none does not stop the others.
 */
START_TEST(test_several_files)
{
    char first[2 * SCRATCH_PATH_MAX], second[2 * SCRATCH_PATH_MAX];
    expect(0, "issue", ana, "1", "--bank-ref", "a");
    take_draft(first);
    expect(0, "issue", bob, "2", "--bank-ref", "b");
    take_draft(second);
    ck_assert_int_eq(file_write(office_path(&office, "no.draft"), "x", 1, 0600, true), MR_OK);
    office.key = "op2";
    expect(4, "draft", "sign", second, first, office_path(&office, "no.draft"));
    ck_assert_str_eq(part(0, "draft"), office_path(&office, "no.draft"));
    ck_assert_str_ne(part(0, "status"), "OK");
    ck_assert_str_eq(part(1, "draft"), first);
    ck_assert_str_eq(part(1, "state"), "settled");
    ck_assert_str_eq(part(2, "draft"), second);
    ck_assert_str_eq(part(2, "state"), "settled");
    ck_assert_int_eq(office_balance(&office, ana), 100);
    ck_assert_int_eq(office_balance(&office, bob), 200);
    drafts_are(0);
    office.key = "op1";
    /* One that waits complete is sent on the way. */
    expect(0, "issue", ana, "1", "--bank-ref", "c");
    take_draft(first);
    expect(0, "issue", bob, "2", "--bank-ref", "d");
    take_draft(second);
    office.key = "op2";
    expect(0, "draft", "sign", first, "--no-submit");
    expect(0, "draft", "sign", first, second);
    ck_assert_str_eq(part(1, "state"), "settled");
    ck_assert_int_eq(office_balance(&office, bob), 400);
    office.key = "op1";
}
END_TEST

/* Drafts stand behind one another and settle in their order. */
START_TEST(test_chained_drafts)
{
    char first[2 * SCRATCH_PATH_MAX], second[2 * SCRATCH_PATH_MAX];
    expect(0, "issue", ana, "1", "--bank-ref", "a");
    take_draft(first);
    expect(0, "issue", bob, "2", "--bank-ref", "b");
    take_draft(second);
    ck_assert_str_ne(first, second);
    office.key = "op2";
    expect(3, "draft", "sign", second); /* waits for the one in front */
    expect_field("status", "PARKED");
    expect_field("cause", "SEQ_AHEAD");
    expect(0, "draft", "sign", first); /* and the node goes on with the one that waits */
    ck_assert_int_eq(office_balance(&office, ana), 100);
    ck_assert_int_eq(office_balance(&office, bob), 200);
    expect(0, "issue", bob, "2", "--bank-ref", "b");
    expect_field("status", "ALREADY_DONE");
}
END_TEST

START_TEST(test_withdraw)
{
    char draft[2 * SCRATCH_PATH_MAX], behind[2 * SCRATCH_PATH_MAX];
    expect(0, "issue", ana, "1", "--bank-ref", "a", "--no-sign");
    take_draft(draft);
    expect(0, "draft", "withdraw", draft); /* nobody signed: it is just removed */
    expect_field("state", "removed");
    expect(0, "issue", ana, "1", "--bank-ref", "a");
    take_draft(draft);
    expect(0, "issue", bob, "2", "--bank-ref", "b");
    take_draft(behind);
    expect(0, "draft", "withdraw", draft);
    expect_field("state", "withdrawing");
    office.key = "op2";
    expect(1, "draft", "sign", draft);
    expect(0, "draft", "withdraw", draft);
    expect_field("state", "withdrawn");
    expect(0, "draft", "withdraw", behind); /* stood on what is void: dead, no cancel is needed */
    expect_field("state", "removed");
    /* The places are free again, and the bank line too. */
    office.key = "op1";
    expect(0, "issue", ana, "3", "--bank-ref", "a");
    take_draft(draft);
    office.key = "op2";
    expect(0, "draft", "sign", draft);
    ck_assert_int_eq(office_balance(&office, ana), 300);
}
END_TEST

/* A draft that nobody has signed moves to where the chain is. */
START_TEST(test_rebase)
{
    char stale[2 * SCRATCH_PATH_MAX], draft[2 * SCRATCH_PATH_MAX];
    expect(0, "issue", ana, "1", "--bank-ref", "a", "--no-sign");
    take_draft(stale);
    expect(0, "issue", bob, "2", "--bank-ref", "b");
    take_draft(draft);
    office.key = "op2";
    expect(0, "draft", "sign", draft);
    expect(0, "draft", "sign", stale);
    office.key = "op1";
    expect(0, "draft", "sign", stale);
    expect_field("state", "settled");
    ck_assert_int_eq(office_balance(&office, ana), 100);
}
END_TEST

START_TEST(test_rotation)
{
    char draft[2 * SCRATCH_PATH_MAX];
    expect(0, "operator", "rotate");
    take_draft(draft);
    ck_assert(json_is_false(json_object_get(office.said, "adopted")));
    expect(0, "freeze", ana); /* the desk has the new key already */
    office.key = "op2";
    expect(0, "draft", "sign", draft);
    office.key = "op1";
    expect(0, "operator", "rotate");
    ck_assert(json_is_true(json_object_get(office.said, "adopted")));
    expect(0, "unfreeze", ana);
    expect(0, "issue", ana, "1", "--bank-ref", "a");
    take_draft(draft);
    office.key = "op2";
    expect(0, "draft", "sign", draft);
    expect_field("state", "settled");
}
END_TEST

/* --- the node's directory ----------------------------------------------------------------------
 */

static void flip(const char *name)
{
    const int fd = open(office_path(&office, name), O_RDWR);
    char byte;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &byte, 1, 180), 1);
    byte = (char)(byte ^ 1);
    ck_assert_int_eq(pwrite(fd, &byte, 1, 180), 1);
    close(fd);
}

START_TEST(test_check_and_rebuild)
{
    char root[80];
    expect(0, "issue", ana, "5", "--bank-ref", "a");
    expect(0, "check"); /* while it runs */
    ck_assert_int_eq(office_int(&office, "findings_count"), 0);
    ck_assert_int_eq(office_int(&office, "issued_minor"), 500);
    expect(4, "rebuild");
    expect_field("status", "IN_USE");
    office_node_stop(&office);
    expect(0, "stop");
    expect_field("status", "ALREADY_DONE");
    expect(0, "check");
    snprintf(root, sizeof root, "%s", office_text(&office, "state_root"));
    flip("data/store/data.mdb");
    expect(5, "check");
    ck_assert_int_ge(office_int(&office, "findings_count"), 1);
    expect(0, "rebuild");
    ck_assert_str_eq(office_text(&office, "state_root"), root);
    expect(0, "check");
    office_node_start(&office);
    ck_assert_int_eq(office_balance(&office, ana), 500);
    office_node_stop(&office);
    flip("data/journal/log-0000000000000000.seg");
    expect(5, "check");
    expect(4, "rebuild");
}
END_TEST

START_TEST(test_backup_and_restore)
{
    char bk[2 * SCRATCH_PATH_MAX], re[2 * SCRATCH_PATH_MAX];
    snprintf(bk, sizeof bk, "%s", office_path(&office, "backup"));
    snprintf(re, sizeof re, "%s", office_path(&office, "again"));
    expect(0, "issue", ana, "5", "--bank-ref", "a");
    expect(0, "backup", bk);
    expect(0, "issue", ana, "6", "--bank-ref", "b");
    expect(0, "backup", bk); /* goes on behind what it has */
    ck_assert_int_ge(office_int(&office, "turns_copied"), 1);
    expect(0, "status");
    ck_assert_int_gt(office_int(&office, "last_backup_ms"), 0);
    expect(0, "issue", ana, "7", "--bank-ref", "c"); /* the backup does not have this one */
    office_node_stop(&office);
    expect(0, "restore", bk, re);
    expect(1, "restore", bk, re);
    expect_field("status", "FILE_EXISTS");
    office.data = "again";
    expect(0, "check");
    ck_assert_int_eq(office_int(&office, "issued_minor"), 1100);
    office_node_start(&office);
    ck_assert_int_eq(office_balance(&office, ana), 1100);
    expect(3, "issue", ana, "8", "--bank-ref", "d");
    expect_field("status", "ABSTAINING");
    office.key = "governance1";
    expect(4, "restore", "--accept"); /* it runs */
    office_node_stop(&office);
    office.key = "op1";
    expect(1, "restore", "--accept"); /* not governance */
    office.key = NULL;
    expect(2, "restore", "--accept"); /* which governance key? */
    office.key = "governance1";
    expect(0, "restore", "--accept");
    ck_assert(json_is_true(json_object_get(office.said, "complete")));
    expect(1, "restore", "--accept"); /* nothing to accept any more */
    office_node_start(&office);
    office.key = "op1";
    ck_assert_int_eq(office_balance(&office, ana), 1100);
    expect(0, "freeze", bob);
    office_node_stop(&office);
    expect(0, "check");
    flip("backup/node.key");
    expect(4, "restore", bk, office_path(&office, "third"));
}
END_TEST

START_TEST(test_follow)
{
    char bk[2 * SCRATCH_PATH_MAX], re[2 * SCRATCH_PATH_MAX];
    snprintf(bk, sizeof bk, "%s", office_path(&office, "backup"));
    snprintf(re, sizeof re, "%s", office_path(&office, "again"));
    struct proc *p = office_start(&office, (const char *const[]){"backup", "--follow", bk, NULL});
    ck_assert(proc_line(p, NULL, 0, "following", PROC_DEADLINE_MS));
    expect(0, "issue", ana, "5", "--bank-ref", "a");
    office_node_stop(&office); /* it waits for the node to come back */
    ck_assert(proc_line(p, NULL, 0, "does not answer", PROC_DEADLINE_MS));
    office_node_start(&office);
    ck_assert(proc_line(p, NULL, 0, "answers again", PROC_DEADLINE_MS));
    expect(0, "issue", ana, "6", "--bank-ref", "b");
    proc_signal(p, SIGTERM);
    ck_assert_int_eq(proc_wait(p, PROC_DEADLINE_MS), 0);
    proc_end(p);
    expect(0, "restore", bk, re);
    office.data = "again";
    expect(0, "check");
    ck_assert_int_eq(office_int(&office, "issued_minor"), 1100);
    office.data = "data";
}
END_TEST

/* An operator on his own machine: key file and charter, no data directory. */
START_TEST(test_remote)
{
    char node[64], key[2 * SCRATCH_PATH_MAX], pass[2 * SCRATCH_PATH_MAX];
    snprintf(node, sizeof node, "127.0.0.1:%u", office.port);
    snprintf(key, sizeof key, "%s", office_path(&office, "data-keys/op1.key"));
    snprintf(pass, sizeof pass, "%s", office_path(&office, "pass"));
    const char *const argv[] = {MEREAU_BIN_DIR "/mereau-admin",
                                "freeze",
                                ana,
                                "--node",
                                node,
                                "--key",
                                key,
                                "--passphrase-file",
                                pass,
                                "--yes",
                                NULL};
    struct proc *p = proc_start(argv);
    const int code = proc_wait(p, PROC_DEADLINE_MS);
    char *text = proc_text(p);
    ck_assert_msg(code == 0, "exit %d: %s", code, text);
    free(text);
    proc_end(p);
    expect(0, "freeze", ana);
    expect_field("status", "ALREADY_DONE");
}
END_TEST

START_TEST(test_init_refuses)
{
    char data[2 * SCRATCH_PATH_MAX];
    snprintf(data, sizeof data, "%s", office_path(&office, "data"));
    expect(1, "init", "--name", "X", "--unit", "X", "--association", "X X", data);
    snprintf(data, sizeof data, "%s", office_path(&office, "other"));
    expect(2, "init", data);
    expect(2, "init", "--name", "Other", "--unit", "OTH", "--association", "Other", "--operators",
           "4", "--threshold", "2", data);
    expect(2, "init", "--name", "Other", "--unit", "OTH", "--association", "Other", "--governance",
           "two", data);
    expect(2, "init", "--name", "Other", "--unit", "OTH", "--association", "Other", "--prefix",
           "Oth", data);
    ck_assert(!file_exists(data));
    snprintf(data, sizeof data, "%s", office_path(&office, "other-keys"));
    ck_assert(!file_exists(data)); /* nothing is left of what failed */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("admin");
    TCase *one = tcase_create("one operator"), *two = tcase_create("two operators");
    tcase_set_timeout(one, 120);
    tcase_set_timeout(two, 120);
    tcase_add_checked_fixture(one, setup_one, teardown);
    tcase_add_checked_fixture(two, setup_two, teardown);
    tcase_add_test(one, test_members);
    tcase_add_test(one, test_desk);
    tcase_add_test(one, test_issue_once);
    tcase_add_test(one, test_issue_file);
    tcase_add_test(one, test_issue_many);
    tcase_add_test(one, test_grant);
    tcase_add_test(one, test_policy);
    tcase_add_test(one, test_check_and_rebuild);
    tcase_add_test(one, test_backup_and_restore);
    tcase_add_test(one, test_follow);
    tcase_add_test(one, test_remote);
    tcase_add_test(one, test_init_refuses);
    tcase_add_test(two, test_two_sign);
    tcase_add_test(two, test_sent_from_a_copy);
    tcase_add_test(two, test_a_file_that_stays);
    tcase_add_test(two, test_several_files);
    tcase_add_test(two, test_chained_drafts);
    tcase_add_test(two, test_withdraw);
    tcase_add_test(two, test_rebase);
    tcase_add_test(two, test_rotation);
    suite_add_tcase(s, one);
    suite_add_tcase(s, two);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
