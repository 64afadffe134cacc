/* mereau-audit on what several nodes wrote: verify, compare, receipts of q nodes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "audit/lies.h"
#include "audit/program.h"
#include "common/file.h"
#include "lib/handlog.h"
#include "mereau/codec.h"
#include "mereau/log.h"

static struct ring r;
static struct book book;
static struct doctor d;

static void setup(void)
{
    scratch_make(program_dir);
    league_tell(&r);
    program_charter(&r.w.charter, "charter.mrc");
    program_nodes(&r);
}

static void teardown(void)
{
    ring_done(&r);
    scratch_remove(program_dir);
}

/* --- verify ----------------------------------------------------------------------------------- */

START_TEST(verify_a_node)
{
    char command[64];
    snprintf(command, sizeof command, "verify node%d", _i);
    ck_assert_int_eq(program_run(command), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "4 nodes, 3 of them settle"));
    ck_assert_ptr_nonnull(strstr(program_output, "No finding."));
    ck_assert_ptr_null(strstr(program_output, "Convicted"));
    snprintf(command, sizeof command, "verify --json node%d", _i);
    json_t *const o = program_json(command, 0);
    const json_t *const totals = json_object_get(o, "totals");
    ck_assert_int_gt(json_number(totals, "peer_leaves"), 100);
    ck_assert_int_eq(json_number(totals, "open"), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(totals, "convicted")), 0);
    json_decref(o);
}
END_TEST

/* Node 1's book with a lie in it, in a directory of its own. */
static void write_lie(void (*lie)(struct doctor *d))
{
    static struct book told;
    book_read(&book, r.nodes[0].journal);
    doctor_load(&d, &r, 1, &book);
    lie(&d);
    doctor_write(&d, &told);
    book_done(&book);
    book = told;
    program_directory(&book, &r.w.charter, 1, "liar");
    book_done(&book);
    doctor_done(&d);
}

static void tell(const char *name)
{
    write_lie(league_lie_named(lies_of_league, name)->tell);
}

static void evidence_in_a_wrong_book(struct doctor *x)
{
    league_lie_named(lies_of_league, "evidence that convicts")->tell(x);
    league_lie_named(lies_of_league, "evidence that is not there")->tell(x);
}

static const char *association_of(uint32_t node)
{
    const struct mr_charter *const c = &r.w.charter;
    const uint8_t *const id = c->nodes[node - 1].association;
    uint32_t i = 0;
    while (memcmp(c->associations[i].id, id, MR_ACCOUNT_BYTES) != 0)
        i++;
    return c->associations[i].name;
}

/* A book that holds what convicts another node is right. */
START_TEST(a_book_that_holds_evidence)
{
    tell("evidence that convicts");
    ck_assert_int_eq(program_run("verify liar"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "EVD-4"));
    ck_assert_ptr_nonnull(strstr(program_output, ", convicts node 4"));
    ck_assert_ptr_nonnull(strstr(program_output, "Convicted by its own log: node 4"));
    char sentence[128];
    snprintf(sentence, sizeof sentence,
             "This book is right; it holds evidence against node 4 (%s), which still votes.",
             association_of(4));
    ck_assert_msg(strstr(program_output, sentence) != NULL, "%s", sentence);
    ck_assert_ptr_null(strstr(program_output, "No finding."));
    ck_assert_int_eq(program_run("verify liar --lang fr"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "aucune contradiction dans le journal du nœud 4"));
    ck_assert_ptr_nonnull(
        strstr(program_output, "le nœud 4 a voté pour deux valeurs dans un même scrutin"));
    ck_assert_ptr_nonnull(strstr(program_output, ": feuilles 1 et 2\n"));
    json_t *const o = program_json("verify --json liar --lang fr", 0);
    ck_assert_str_eq(json_words(json_array_get(json_object_get(o, "convictions"), 0), "what"),
                     "what a node said, against what it said before");
    const json_t *const row = json_array_get(json_object_get(o, "convictions"), 0);
    const json_t *const against = json_object_get(o, "evidence_against");
    const json_t *const first = json_array_get(against, 0);
    ck_assert_int_eq(json_number(o, "findings_total"), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(o, "findings")), 0);
    ck_assert_int_eq(json_number(o, "convictions_total"), 1);
    ck_assert_int_eq(json_number(row, "node"), 4);
    ck_assert_str_eq(json_words(row, "rule"), "EVD-4");
    ck_assert_uint_eq(json_array_size(against), 1);
    ck_assert_int_eq(json_number(first, "node"), 4);
    ck_assert_str_eq(json_words(first, "association_name"), association_of(4));
    ck_assert(json_is_true(json_object_get(first, "votes")));
    json_decref(o);
    ck_assert_int_eq(program_run("stats liar"), 0);
    ck_assert_int_eq(program_run("stats --json node1"), 0);
}
END_TEST

/* The same, and something that is wrong with the book. */
START_TEST(a_wrong_book_that_holds_evidence)
{
    write_lie(evidence_in_a_wrong_book);
    ck_assert_int_eq(program_run("verify liar"), 5);
    ck_assert_ptr_null(strstr(program_output, "This book is right"));
    json_t *const o = program_json("verify --json liar", 5);
    ck_assert_int_eq(json_number(o, "findings_total"), 1);
    ck_assert_int_eq(json_number(o, "convictions_total"), 1);
    ck_assert_str_eq(json_words(json_array_get(json_object_get(o, "findings"), 0), "rule"),
                     "EVD-7");
    json_decref(o);
}
END_TEST

/* Whoever keeps a book that convicts himself has no right book. */
START_TEST(a_book_that_convicts_its_own_node)
{
    tell("seen: a fork of this node");
    ck_assert_int_eq(program_run("verify liar"), 5);
    json_t *const o = program_json("verify --json liar", 5);
    ck_assert_int_eq(json_number(o, "findings_total"), 1);
    ck_assert_int_eq(json_number(o, "convictions_total"), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(o, "evidence_against")), 0);
    json_decref(o);
    ck_assert_int_eq(program_run("stats liar"), 5);
}
END_TEST

/* --- compare ---------------------------------------------------------------------------------- */

START_TEST(books_that_agree)
{
    ck_assert_int_eq(program_run("compare node1 node2 node3 node4"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "down to the root of their states"));
    ck_assert_int_eq(program_run("export node2 --output two.mrx"), 0);
    json_t *const o = program_json("compare --json node1 two.mrx --charter charter.mrc", 0);
    ck_assert(json_is_true(json_object_get(o, "equal")));
    ck_assert_uint_eq(json_array_size(json_object_get(o, "books")), 2);
    ck_assert_int_eq(json_number(json_array_get(json_object_get(o, "books"), 1), "node"), 2);
    ck_assert_int_eq(json_number(o, "conflicts_total"), 0);
    json_decref(o);
}
END_TEST

/* Node 3 goes on without node 4, which is behind then and contradicts nobody. */
START_TEST(a_book_that_is_behind)
{
    ring_kill(&r, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(ring_pay(&r, 0, ALICE, SHOP, 3), MR_SETTLED);
    ring_wait(&r, 1000);
    book_read(&book, r.nodes[2].journal);
    program_directory(&book, &r.w.charter, 3, "later");
    book_done(&book);
    ck_assert_int_eq(program_run("compare later node4"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "3 of the others' missing"));
    ck_assert_ptr_nonnull(strstr(program_output, "No contradiction"));
    json_t *const o = program_json("compare --json later node4", 0);
    ck_assert(json_is_false(json_object_get(o, "equal")));
    ck_assert_int_eq(json_number(json_array_get(json_object_get(o, "books"), 1), "missing"), 3);
    json_decref(o);
}
END_TEST

/* All that is said of the last payment is said of another order. */
static void settle_another(struct doctor *x)
{
    const struct doc_slot s = doctor_slot(x, false, 0);
    struct doc_row *row;
    s.vote->e.u.leaf.u.vote.value[0] ^= 1;
    s.ack->e.u.leaf.u.ack.value[0] ^= 1;
    s.settled->e.u.settled.value[0] ^= 1;
    for (uint32_t node = 2; node <= 4; node++) {
        struct mr_leaf *l = doctor_said(x, &s, node, MR_LEAF_VOTE, &row);
        if (l != NULL)
            l->u.vote.value[0] ^= 1;
        l = doctor_said(x, &s, node, MR_LEAF_ACK, &row);
        if (l != NULL)
            l->u.ack.value[0] ^= 1;
    }
}

START_TEST(books_with_another_value_in_a_slot)
{
    write_lie(settle_another);
    json_t *const o = program_json("compare --json liar node2", 5);
    ck_assert_str_eq(json_words(o, "status"), "CHECK_FAILED");
    ck_assert_int_eq(json_number(o, "conflicts_total"), 1);
    const json_t *const row = json_array_get(json_object_get(o, "conflicts"), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(row, "values")), 2);
    json_decref(o);
    ck_assert_int_eq(program_run("compare liar node2"), 5);
    ck_assert_ptr_nonnull(strstr(program_output, "is settled with two values"));
}
END_TEST

/* Node 1's own book against what it showed the others. */
START_TEST(a_node_that_shows_two_histories)
{
    tell("two votes");
    ck_assert_int_eq(program_run("compare liar node2"), 5);
    ck_assert_ptr_nonnull(strstr(program_output, "Node 1 showed two histories"));
    ck_assert_int_eq(program_run("stats liar"), 5);
    json_t *const o = program_json("compare --json liar node2 node3", 5);
    const json_t *const forks = json_object_get(o, "forks");
    ck_assert_uint_ge(json_array_size(forks), 2); /* the doctor's logs of the others differ too */
    ck_assert_int_eq(json_number(json_array_get(forks, 0), "node"), 1);
    json_decref(o);
}
END_TEST

START_TEST(books_that_cannot_be_compared)
{
    ck_assert_int_eq(program_run("compare"), 2);
    ck_assert_int_eq(program_run("compare node1"), 2);
    ck_assert_int_eq(program_run("compare node1 nothing-here"), 4);
    r.w.charter.salt[0] ^= 1;
    program_charter(&r.w.charter, "node2/charter.mrc");
    ck_assert_int_ne(program_run("compare node1 node2"), 0);
}
END_TEST

/* --- receipts --------------------------------------------------------------------------------- */

static struct mr_receipt receipt;

static void save(const struct mr_receipt *x)
{
    static uint8_t bytes[sizeof *x];
    const size_t n = mr_receipt_encode(x, bytes, sizeof bytes);
    ck_assert_int_eq(file_write(scratch_path(program_dir, "r.mrr"), bytes, n, 0600, true), MR_OK);
}

static json_t *check_receipt(const struct mr_receipt *x, int code)
{
    save(x);
    return program_json("receipt --json r.mrr --charter charter.mrc", code);
}

START_TEST(receipts_of_three_nodes)
{
    static struct mr_receipt bad;
    ck_assert_int_eq(ring_pay(&r, 2, ALICE, SHOP, 9), MR_SETTLED);
    receipt = r.reply->body.u.submit.receipt[0];
    json_decref(check_receipt(&receipt, 0));
    ck_assert_int_eq(receipt.proofs_count, 3);
    ck_assert_int_eq(program_run("receipt r.mrr --charter charter.mrc"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "The receipt is right"));
    ck_assert_ptr_null(strstr(program_output, "One node and no cosignature"));
    for (int i = 0; i < 6; i++) {
        bad = receipt;
        if (i == 0)
            bad.proofs_count = 2;
        else if (i == 1)
            bad.proofs[2] = bad.proofs[1];
        else if (i == 2)
            bad.proofs[1].leaf.u.ack.ballot = 2;
        else if (i == 3)
            bad.proofs[2].head.sig[0] ^= 1;
        else if (i == 4)
            bad.proofs[2].index++;
        else
            mr_head_sign(&bad.proofs[2].head, r.w.ledger, &r.nodes[0].log_key);
        json_t *const o = check_receipt(&bad, 5);
        ck_assert_str_eq(json_words(o, "status"), "BAD_RECEIPT");
        ck_assert_int_ge(json_number(o, "findings_total"), 1);
        ck_assert_str_eq(json_words(json_array_get(json_object_get(o, "findings"), 0), "rule"),
                         "RCP-1");
        json_decref(o);
    }
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("nodes");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, verify_a_node, 1, 5);
    tcase_add_test(tc, a_book_that_holds_evidence);
    tcase_add_test(tc, a_wrong_book_that_holds_evidence);
    tcase_add_test(tc, a_book_that_convicts_its_own_node);
    tcase_add_test(tc, books_that_agree);
    tcase_add_test(tc, a_book_that_is_behind);
    tcase_add_test(tc, books_with_another_value_in_a_slot);
    tcase_add_test(tc, a_node_that_shows_two_histories);
    tcase_add_test(tc, books_that_cannot_be_compared);
    tcase_add_test(tc, receipts_of_three_nodes);
    Suite *const s = suite_create("audit nodes");
    suite_add_tcase(s, tc);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
