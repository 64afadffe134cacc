/* mereau-audit as people run it: on a directory, on an export, on lies; and its JSON. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/lies.h"
#include "audit/program.h"
#include "common/file.h"
#include "lib/handlog.h"
#include "mereau/codec.h"
#include "mereau/stats.h"

static struct world w;
static struct book book;
static struct tamper t;

static void setup(void)
{
    scratch_make(program_dir);
    story_tell(&w);
    book_read(&book, w.journal);
    tamper_load(&t, &w, &book);
    program_charter(&w.charter, "charter.mrc");
}

static void teardown(void)
{
    tamper_done(&t);
    book_done(&book);
    world_done(&w);
    scratch_remove(program_dir);
}

static void tell(const struct lie *lies, const char *name)
{
    book_done(&book);
    lie_named(lies, name)->tell(&t);
    tamper_write(&t, &book);
}

START_TEST(an_honest_directory)
{
    program_journal(&book, w.ledger, 1, "journal");
    ck_assert_int_eq(program_run("verify ."), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "No finding."));
    ck_assert_ptr_nonnull(strstr(program_output, "the bank"));
    ck_assert_ptr_nonnull(strstr(program_output, "one node and no cosignature"));
    json_t *const o = program_json("verify --json --threads 3 .", 0);
    ck_assert(json_is_true(json_object_get(o, "ok")));
    ck_assert_str_eq(json_words(o, "status"), "OK");
    ck_assert_int_eq(json_number(o, "findings_total"), 0);
    const json_t *const totals = json_object_get(o, "totals");
    const json_t *const coverage = json_object_get(totals, "coverage");
    ck_assert_int_eq(json_number(coverage, "reserve_minor"),
                     json_number(coverage, "outstanding_minor"));
    const json_t *const pay = json_object_get(json_object_get(totals, "kinds"), "pay");
    ck_assert_int_eq(json_number(pay, "count"), 13);
    ck_assert_uint_eq(strlen(json_words(totals, "state_root")), 64);
    json_decref(o);
}
END_TEST

START_TEST(a_finding_is_a_row_and_exit_5)
{
    tell(lies_of_orders, "wrong posting");
    program_journal(&book, w.ledger, 1, "journal");
    ck_assert_int_eq(program_run("verify ."), 5);
    ck_assert_ptr_nonnull(strstr(program_output, "LED-20"));
    json_t *const o = program_json("verify --json .", 5);
    ck_assert(json_is_false(json_object_get(o, "ok")));
    ck_assert_str_eq(json_words(o, "status"), "CHECK_FAILED");
    ck_assert_int_eq(json_number(o, "exit_code"), 5);
    ck_assert_int_eq(json_number(o, "findings_total"), 1);
    const json_t *const row = json_array_get(json_object_get(o, "findings"), 0);
    ck_assert_str_eq(json_words(row, "rule"), "LED-20");
    ck_assert_str_eq(json_words(row, "what"), "posting");
    ck_assert_int_gt(json_number(row, "turn"), 0);
    ck_assert_int_eq(json_number(row, "entry"), 2);
    ck_assert_int_eq(json_number(row, "seq"), 4);
    ck_assert_int_eq(strncmp(json_words(row, "address"), "test1", 5), 0);
    ck_assert_str_ne(json_words(row, "expected"), json_words(row, "found"));
    json_decref(o);
}
END_TEST

START_TEST(a_bad_signature_is_found_on_every_number_of_threads)
{
    char command[64];
    tell(lies_of_orders, "bad second signature");
    program_journal(&book, w.ledger, 1, "journal");
    snprintf(command, sizeof command, "verify --json --threads %d .", _i + 1);
    json_t *const o = program_json(command, 5);
    const json_t *const row = json_array_get(json_object_get(o, "findings"), 0);
    ck_assert_int_eq(json_number(o, "findings_total"), 1);
    ck_assert_str_eq(json_words(row, "status"), "BAD_SIGNATURE");
    json_decref(o);
}
END_TEST

/* Figures of a book that is right: the same bytes every time, in every language. */
START_TEST(figures_of_an_honest_directory)
{
    program_journal(&book, w.ledger, 1, "journal");
    json_t *const o = program_json("stats --json .", 0);
    const json_t *const at = json_object_get(o, "at");
    ck_assert_uint_eq(strlen(json_words(at, "state_root")), 64);
    ck_assert_int_gt(json_number(at, "settled"), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(o, "indicators")), MR_STATS_IDS);
    json_decref(o);
    ck_assert_int_eq(program_run("stats --csv --threads 1 . > one.csv"), 0);
    ck_assert_int_eq(program_run("stats --csv --threads 3 --lang fr . > other.csv"), 0);
    ck_assert_int_eq(program_run("verify ."), 0);
    ck_assert_int_eq(program_shell("cmp one.csv other.csv"), 0);
    ck_assert_int_eq(program_run("stats --only coverage --csv ."), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "\ncoverage,whole,"));
    ck_assert_ptr_nonnull(strstr(program_output, ",1.000000,ratio,value,"));
    ck_assert_ptr_null(strstr(program_output, "velocity"));
    ck_assert_int_eq(program_run("stats ."), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "Holding time"));
    ck_assert_int_eq(program_run("indicators --lang fr"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "velocity_goods"));
}
END_TEST

START_TEST(nothing_is_measured_on_a_book_with_findings)
{
    tell(lies_of_orders, "wrong posting");
    program_journal(&book, w.ledger, 1, "journal");
    json_t *const o = program_json("stats --json .", 5);
    ck_assert_str_eq(json_words(o, "status"), "CHECK_FAILED");
    ck_assert_ptr_null(json_object_get(o, "indicators"));
    json_decref(o);
    ck_assert_int_eq(program_run("stats --csv ."), 5);
    ck_assert_str_eq(program_output, "");
}
END_TEST

START_TEST(figures_that_cannot_be_asked_for)
{
    static const char *const commands[] = {"stats --only nothing .", "stats --csv --json .",
                                           "stats --by hour .",      "stats --from 2026-13-01 .",
                                           "stats --rows . .",       "stats"};
    program_journal(&book, w.ledger, 1, "journal");
    ck_assert_int_eq(program_run(commands[_i]), 2);
}
END_TEST

START_TEST(an_export_says_the_same)
{
    program_journal(&book, w.ledger, 1, "journal");
    ck_assert_int_eq(program_run("export --output all.mrx ."), 0);
    ck_assert_int_eq(program_run("export --output all.mrx ."), 1);
    json_t *const a = program_json("verify --json .", 0);
    json_t *const b = program_json("verify --json all.mrx --charter charter.mrc", 0);
    ck_assert(json_equal(json_object_get(a, "totals"), json_object_get(b, "totals")));
    ck_assert(json_is_true(json_object_get(json_object_get(a, "unchecked"), "charter")));
    ck_assert(json_is_false(json_object_get(json_object_get(b, "unchecked"), "charter")));
    json_decref(a);
    json_decref(b);
}
END_TEST

/* _i: where a byte of the export is changed, in parts of its length. */
START_TEST(a_damaged_export_is_found)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    program_journal(&book, w.ledger, 1, "journal");
    ck_assert_int_eq(program_run("export --output all.mrx ."), 0);
    ck_assert_int_eq(file_read(&bytes, &n, scratch_path(program_dir, "all.mrx"), 1 << 24), MR_OK);
    const size_t at = _i == 20 ? n - 1 : n / 20 * (size_t)_i + 5;
    bytes[at] ^= 1;
    ck_assert_int_eq(file_write(scratch_path(program_dir, "all.mrx"), bytes, n, 0600, true), MR_OK);
    const int code = program_run("verify all.mrx --charter charter.mrc");
    ck_assert_msg(code == 5 || code == 4, "byte %zu: exit %d", at, code);
    ck_assert_int_eq(file_write(scratch_path(program_dir, "all.mrx"), bytes, at, 0600, true),
                     MR_OK);
    ck_assert_int_ne(program_run("verify all.mrx"), 0);
    free(bytes);
}
END_TEST

/* The last bytes of an export say how many turns it has, and their hash. */
START_TEST(an_export_that_ends_early)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    program_journal(&book, w.ledger, 1, "journal");
    ck_assert_int_eq(program_run("export --output all.mrx ."), 0);
    ck_assert_int_eq(file_read(&bytes, &n, scratch_path(program_dir, "all.mrx"), 1 << 24), MR_OK);
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "all.mrx"), bytes, n - 44 - 8, 0600, true), MR_OK);
    json_t *const o = program_json("verify --json all.mrx --charter charter.mrc", 5);
    ck_assert_int_eq(json_number(o, "findings_total"), 1);
    ck_assert_str_eq(json_words(json_array_get(json_object_get(o, "findings"), 0), "rule"),
                     "JNL-6");
    json_decref(o);
    free(bytes);
    static const char *const cut[] = {"5", "10", "100"};
    for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "head -c %s all.mrx >cut.mrx", cut[i]);
        ck_assert_int_eq(program_shell(line), 0);
        ck_assert_int_eq(program_run("verify cut.mrx"), 5);
    }
}
END_TEST

START_TEST(a_dump_is_lines_of_json)
{
    unsigned lines = 0;
    program_journal(&book, w.ledger, 1, "journal");
    ck_assert_int_eq(program_run("dump ."), 0);
    for (char *line = strtok(program_output, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_t *const o = json_loads(line, 0, NULL);
        ck_assert_msg(o != NULL, "%s", line);
        ck_assert_int_gt(json_number(o, "turn"), 0);
        ck_assert(json_is_object(json_object_get(o, "record")));
        json_decref(o);
        lines++;
    }
    ck_assert_uint_gt(lines, 200);
}
END_TEST

/* What cannot be read is no end of what there is. */
START_TEST(a_dump_of_what_cannot_be_read)
{
    program_lie(&w, &book, lies_of_log, "entry of no kind");
    const int code = program_run("dump . >/dev/null");
    ck_assert_msg(code == 4, "%d: %s", code, program_trouble());
    ck_assert_msg(strstr(program_trouble(), "cannot be read") != NULL, "%s", program_trouble());
}
END_TEST

/* --- receipts --------------------------------------------------------------------------------- */

static void save(const struct mr_receipt *r)
{
    static uint8_t bytes[sizeof *r];
    const size_t n = mr_receipt_encode(r, bytes, sizeof bytes);
    ck_assert_int_eq(file_write(scratch_path(program_dir, "r.mrr"), bytes, n, 0600, true), MR_OK);
}

START_TEST(receipts)
{
    static struct mr_receipt r, bad;
    ck_assert_int_eq(world_pay(&w, BEN, BAKERY, 1), MR_SETTLED);
    r = w.reply->body.u.submit.receipt[0];
    save(&r);
    ck_assert_int_eq(program_run("receipt r.mrr --charter charter.mrc"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "The receipt is right"));
    ck_assert_int_eq(program_run("receipt r.mrr"), 2);
    for (int i = 0; i < 7; i++) {
        bad = r;
        if (i == 0)
            bad.order[0].order.body.u.pay.lines[0].amount++;
        else if (i == 1)
            bad.proofs[0].head.root[0] ^= 1;
        else if (i == 2)
            bad.proofs[0].head.sig[0] ^= 1;
        else if (i == 3)
            bad.proofs[0].path[0].h[0] ^= 1;
        else if (i == 4)
            bad.proofs_count = 0;
        else if (i == 5)
            bad.proofs[0].index++;
        else
            bad.seq++;
        save(&bad);
        json_t *const o = program_json("receipt --json r.mrr --charter charter.mrc", 5);
        ck_assert_int_ge(json_number(o, "findings_total"), 1);
        json_decref(o);
    }
    ck_assert_int_eq(program_run("receipt charter.mrc --charter charter.mrc"), 5);
}
END_TEST

/* --- evidence --------------------------------------------------------------------------------- */

/* Two votes of the node, under two heads; `value` of the second. */
static void save_evidence(const char *name, uint8_t value)
{
    static struct handlog l;
    static struct mr_evidence e;
    static uint8_t bytes[sizeof e];
    struct mr_head head;
    e = (struct mr_evidence){.version = 1, .body.kind = MR_EVIDENCE_LEAVES};
    memcpy(e.ledger, w.ledger, 32);
    handlog_init(&l, w.ledger, 1, &w.log_key);
    handlog_start(&l);
    handlog_vote(&l, w.members[ANNA].id, 4, 0, 1);
    handlog_head(&l, &head, l.count, 1000);
    handlog_prove(&l, &e.body.u.leaves.first, 1, &head);
    handlog_vote(&l, w.members[ANNA].id, 5, 0, 1);
    handlog_vote(&l, w.members[ANNA].id, 4, 0, value);
    handlog_head(&l, &head, l.count, 2000);
    handlog_prove(&l, &e.body.u.leaves.second, 3, &head);
    const size_t n = mr_evidence_encode(&e, bytes, sizeof bytes);
    ck_assert_int_eq(file_write(scratch_path(program_dir, name), bytes, n, 0600, true), MR_OK);
}

START_TEST(evidence_that_convicts)
{
    save_evidence("e.mre", 2);
    ck_assert_int_eq(program_run("evidence e.mre --charter ."), 0);
    ck_assert_ptr_nonnull(
        strstr(program_output, "Node 1 of Test association voted for two values"));
    ck_assert_ptr_nonnull(strstr(program_output, "no. 4"));
    ck_assert_ptr_nonnull(strstr(program_output, "leaves 1 and 3"));
    ck_assert_int_eq(program_run("evidence e.mre --charter charter.mrc --lang=fr"), 0);
    ck_assert_ptr_nonnull(
        strstr(program_output, "Le n\xc5\x93ud 1 (Test association) a vot\xc3\xa9 pour"));
    json_t *const o = program_json("evidence --json e.mre --charter charter.mrc", 0);
    ck_assert(json_is_true(json_object_get(o, "ok")));
    ck_assert_str_eq(json_words(o, "kind"), "leaves");
    ck_assert_str_eq(json_words(o, "breach"), "TWO_VOTES");
    ck_assert_int_eq(json_number(o, "node"), 1);
    ck_assert_str_eq(json_words(o, "association_name"), "Test association");
    ck_assert_int_eq(json_number(o, "seq"), 4);
    ck_assert_int_eq(json_number(o, "first"), 1);
    ck_assert_int_eq(json_number(o, "second"), 3);
    ck_assert_uint_eq(strlen(json_words(o, "hash")), 64);
    ck_assert_int_eq(json_number(o, "findings_total"), 0);
    json_decref(o);
}
END_TEST

START_TEST(evidence_that_does_not)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    save_evidence("e.mre", 1); /* the same vote again */
    ck_assert_int_eq(program_run("evidence e.mre --charter charter.mrc"), 5);
    ck_assert_ptr_nonnull(strstr(program_output, "EVD-4"));
    ck_assert_ptr_null(strstr(program_output, "Node 1"));
    json_t *const o = program_json("evidence --json e.mre --charter charter.mrc", 5);
    ck_assert_str_eq(json_words(o, "status"), "BAD_EVIDENCE");
    ck_assert_int_eq(json_number(o, "findings_total"), 1);
    json_decref(o);
    save_evidence("e.mre", 2);
    ck_assert_int_eq(file_read(&bytes, &n, scratch_path(program_dir, "e.mre"), 1 << 16), MR_OK);
    for (size_t at = 0; at < n; at += 97) { /* any byte changed */
        bytes[at] ^= 1;
        ck_assert_int_eq(file_write(scratch_path(program_dir, "bad.mre"), bytes, n, 0600, true),
                         MR_OK);
        ck_assert_int_eq(program_run("evidence bad.mre --charter charter.mrc"), 5);
        bytes[at] ^= 1;
    }
    free(bytes);
    ck_assert_int_eq(program_run("evidence charter.mrc --charter charter.mrc"), 5);
    ck_assert_int_eq(program_run("evidence e.mre"), 2);
    ck_assert_int_eq(program_run("evidence nothing-here --charter charter.mrc"), 4);
}
END_TEST

/* What goes to stdout is what stands in mereaud.conf. */
START_TEST(a_key_for_the_configuration)
{
    ck_assert_int_eq(program_shell("echo secret >pass"), 0);
    ck_assert_int_eq(program_run("keygen new.key --passphrase-file pass"), 0);
    ck_assert_int_eq(strncmp(program_output, "[audit]\nkeys = ", 15), 0);
    ck_assert_uint_eq(strlen(program_output), 15 + 64 + 1);
}
END_TEST

START_TEST(usage_and_missing_files)
{
    ck_assert_int_eq(program_run("verify"), 2);
    ck_assert_int_eq(program_run("verify nothing-here"), 4);
    ck_assert_int_eq(program_run("verify charter.mrc"), 2);
    program_said("is no export of a ledger");
    ck_assert_int_eq(program_run("export ."), 2);
    ck_assert_int_eq(program_run("stats --from-csv ."), 2);
    program_said("is a directory");
    /* What stderr says stands in the object too. */
    json_t *const o = program_json("verify --json nothing-here", 4);
    ck_assert_str_eq(json_words(o, "detail"), "there is no nothing-here");
    ck_assert_str_eq(json_words(o, "message"), "the file does not exist");
    json_decref(o);
    ck_assert_int_eq(program_run("verify --node 127.0.0.1:1"), 2);
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("program");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, an_honest_directory);
    tcase_add_test(tc, a_finding_is_a_row_and_exit_5);
    tcase_add_loop_test(tc, a_bad_signature_is_found_on_every_number_of_threads, 0, 4);
    tcase_add_test(tc, figures_of_an_honest_directory);
    tcase_add_test(tc, nothing_is_measured_on_a_book_with_findings);
    tcase_add_loop_test(tc, figures_that_cannot_be_asked_for, 0, 6);
    tcase_add_test(tc, an_export_says_the_same);
    tcase_add_loop_test(tc, a_damaged_export_is_found, 0, 21);
    tcase_add_test(tc, an_export_that_ends_early);
    tcase_add_test(tc, a_dump_is_lines_of_json);
    tcase_add_test(tc, a_dump_of_what_cannot_be_read);
    tcase_add_test(tc, receipts);
    tcase_add_test(tc, evidence_that_convicts);
    tcase_add_test(tc, evidence_that_does_not);
    tcase_add_test(tc, usage_and_missing_files);
    tcase_add_test(tc, a_key_for_the_configuration);
    Suite *const s = suite_create("audit program");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
