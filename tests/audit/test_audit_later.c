/* mereau-audit on later epochs: books of nodes that joined, receipts and evidence that reach back
 * to the charter by handovers, books compared over the end of an epoch. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "audit/lies.h"
#include "audit/program.h"
#include "audit/turn.h"
#include "common/file.h"
#include "lib/handlog.h"
#include "mereau/codec.h"

static struct ring r;
static struct book book;

static void joined(void)
{
    scratch_make(program_dir);
    program_joined(&r);
    program_charter(&r.w.charter, "charter.mrc");
}

static void turned(void)
{
    static struct mr_signed_order paid;
    scratch_make(program_dir);
    turn_tell(&r, &paid);
    program_charter(&r.w.charter, "charter.mrc");
    program_nodes(&r);
}

static void teardown(void)
{
    ring_done(&r);
    scratch_remove(program_dir);
}

/* --- verify ----------------------------------------------------------------------------------- */

START_TEST(a_book_that_begins_later_needs_another_one)
{
    ck_assert_int_eq(program_run("verify node3"), 5);
    ck_assert_ptr_nonnull(strstr(program_output, "epoch a book begins in"));
    json_t *const o = program_json("verify --json node3", 5);
    ck_assert_int_eq(json_number(o, "findings_total"), 1);
    json_decref(o);
    ck_assert_int_eq(program_run("verify --base node2 node3"), 5);
    ck_assert_int_eq(program_run("verify --base nothing node3"), 4);
}
END_TEST

static void state_root(const char *command, char ret[65])
{
    json_t *const o = program_json(command, 0);
    snprintf(ret, 65, "%s", json_words(json_object_get(o, "totals"), "state_root"));
    json_decref(o);
}

START_TEST(a_book_that_begins_later_behind_another_one)
{
    char first[65], other[65];
    state_root("verify --json node1", first);
    for (int i = 2; i <= 4; i++) {
        char command[64];
        snprintf(command, sizeof command, "verify --json --base node1 node%d", i);
        state_root(command, other);
        ck_assert_str_eq(first, other);
    }
    ck_assert_int_eq(program_run("verify --base node1 node4"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "Epoch 1: nodes 1, quorum 1"));
    ck_assert_ptr_nonnull(
        strstr(program_output, "Epoch 2: nodes 1 2 3 4, quorum 3, 4 slots settled"));
    state_root("verify --json --base node2 node1", other); /* it needs none */
    ck_assert_str_eq(first, other);
    json_t *const o = program_json("verify --json node1", 0);
    const json_t *const epochs = json_object_get(json_object_get(o, "totals"), "epochs");
    ck_assert_uint_eq(json_array_size(epochs), 2);
    const json_t *const second = json_array_get(epochs, 1);
    ck_assert_int_eq(json_number(second, "quorum"), 3);
    ck_assert_uint_eq(json_array_size(json_object_get(second, "nodes")), 4);
    json_decref(o);
}
END_TEST

/* What is wrong in the other book is not passed over. */
START_TEST(a_base_that_is_not_right)
{
    book_read(&book, r.nodes[0].journal);
    uint8_t *const p = (uint8_t *)(uintptr_t)book.turns[2].log + MR_FRAME_HEAD_BYTES;
    p[book_payload_len(book.turns[2].log) - 1] ^= 1;
    book_frame(&book);
    program_directory(&book, &r.w.charter, 1, "bad");
    book_done(&book);
    ck_assert_int_eq(program_run("verify bad"), 5);
    ck_assert_int_eq(program_run("verify --base bad node2"), 5);
}
END_TEST

/* --- compare ---------------------------------------------------------------------------------- */

START_TEST(compare_with_books_that_begin_later)
{
    json_t *const o = program_json("compare --json node4 node1 node2 node3", 0);
    ck_assert(json_is_true(json_object_get(o, "equal")));
    ck_assert_int_eq(json_number(o, "logs_unchecked"), 0);
    ck_assert_int_eq(json_number(json_array_get(json_object_get(o, "books"), 0), "epoch"), 2);
    json_decref(o);
    ck_assert_int_eq(program_run("compare node2 node3"), 5);
}
END_TEST

START_TEST(compare_over_the_end_of_an_epoch)
{
    json_t *o = program_json("compare --json node1 node2 node3 node4", 0);
    ck_assert(json_is_true(json_object_get(o, "equal")));
    ck_assert_int_eq(json_number(o, "logs_unchecked"), 0);
    json_decref(o);
    ring_kill(&r, 3);
    ck_assert_int_eq(ring_next(&r, 0, 0, 2, 3, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 10), MR_SETTLED);
    book_read(&book, r.nodes[0].journal);
    program_directory(&book, &r.w.charter, 1, "later");
    book_done(&book);
    o = program_json("compare --json later node4", 0);
    ck_assert(json_is_false(json_object_get(o, "equal")));
    ck_assert_int_eq(json_number(json_array_get(json_object_get(o, "books"), 0), "epoch"), 3);
    ck_assert_int_eq(json_number(json_array_get(json_object_get(o, "books"), 1), "epoch"), 2);
    json_decref(o);
}
END_TEST

/* A vote more in a log of the first epoch, which the other books do not have. */
START_TEST(compare_logs_of_epochs_that_are_over)
{
    static struct doctor d;
    static struct book told;
    book_read(&book, r.nodes[0].journal);
    doctor_load(&d, &r, 1, &book);
    lies_of_turn[0].tell(&d);
    doctor_write(&d, &told);
    doctor_done(&d);
    book_done(&book);
    program_directory(&told, &r.w.charter, 1, "liar");
    book_done(&told);
    json_t *const o = program_json("compare --json liar node2", 5);
    const json_t *const forks = json_object_get(o, "forks");
    bool first = false;
    for (size_t i = 0; i < json_array_size(forks); i++)
        first = first || json_number(json_array_get(forks, i), "epoch") == 1;
    ck_assert(first);
    json_decref(o);
}
END_TEST

/* --- receipts --------------------------------------------------------------------------------- */

static void save(const char *name, const uint8_t *bytes, size_t n)
{
    ck_assert_int_eq(file_write(scratch_path(program_dir, name), bytes, n, 0600, true), MR_OK);
}

static void check_receipt(const struct mr_receipt *x, int code)
{
    static uint8_t bytes[sizeof *x];
    save("r.mrr", bytes, mr_receipt_encode(x, bytes, sizeof bytes));
    json_decref(program_json("receipt --json r.mrr --charter charter.mrc", code));
}

START_TEST(receipts_of_a_later_epoch)
{
    static struct mr_receipt good, bad;
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 9), MR_SETTLED);
    good = r.reply->body.u.submit.receipt[0];
    ck_assert_uint_eq(good.handover_count, 1);
    check_receipt(&good, 0);
    for (int i = 0; i < 9; i++) {
        bad = good;
        struct mr_handover_next *const h = &bad.handover[0].u.next;
        if (i == 0)
            bad.handover_count = 0;
        else if (i == 1)
            h->proofs_count = 0;
        else if (i == 2)
            h->proofs[0].head.sig[0] ^= 1;
        else if (i == 3)
            h->proofs[0].index++;
        else if (i == 4)
            h->order.order.body.u.next.quorum = 4; /* another order */
        else if (i == 5)
            h->order.order.body.u.next.epoch = 3;
        else if (i == 6)
            h->order.order.ledger[0] ^= 1;
        else if (i == 7)
            bad.proofs_count = 2;
        else
            h->proofs[0].leaf.u.ack.ballot = 2;
        check_receipt(&bad, 5);
    }
}
END_TEST

/* --- evidence --------------------------------------------------------------------------------- */

static void check_evidence(const struct mr_evidence *e, int code)
{
    static uint8_t bytes[sizeof *e];
    save("e.mre", bytes, mr_evidence_encode(e, bytes, sizeof bytes));
    json_t *const o = program_json("evidence --json e.mre --charter charter.mrc", code);
    if (code == 0) {
        ck_assert_int_eq(json_number(o, "node"), 3);
        ck_assert_int_eq(json_number(o, "epoch"), 2);
    }
    json_decref(o);
}

START_TEST(evidence_of_a_later_epoch)
{
    static struct handlog l;
    static struct mr_evidence e;
    static const uint8_t account[16] = {42};
    struct mr_head head;
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 9), MR_SETTLED);
    e.version = 1;
    memcpy(e.ledger, r.w.ledger, 32);
    e.handover_count = 1;
    e.handover[0] = r.reply->body.u.submit.receipt[0].handover[0];
    e.body.kind = MR_EVIDENCE_LEAVES;
    handlog_init(&l, r.w.ledger, 3, &r.nodes[2].log_key);
    l.epoch = 2;
    handlog_start(&l);
    handlog_vote(&l, account, 1, 0, 1);
    handlog_vote(&l, account, 1, 0, 2);
    handlog_head(&l, &head, 3, 1);
    handlog_prove(&l, &e.body.u.leaves.first, 1, &head);
    handlog_prove(&l, &e.body.u.leaves.second, 2, &head);
    check_evidence(&e, 0);
    e.handover[0].u.next.proofs[0].head.sig[5] ^= 1;
    check_evidence(&e, 5);
    e.handover_count = 0;
    check_evidence(&e, 5);
}
END_TEST

/* --- many epochs ------------------------------------------------------------------------------ */

/* More than a record carries, a REGROUP among those before. */
static void many(void)
{
    scratch_make(program_dir);
    ring_init(&r, 4, 3);
    ring_people(&r);
    for (uint32_t i = 0; i < 11; i++) {
        if (i == 1)
            ring_regroup_all(&r, 3, 1u << 2);
        else
            ck_assert_int_eq(ring_next(&r, 0, 0, 3, 3, i % 2 << i % 4), MR_SETTLED);
        ring_wait(&r, 10000);
        ck_assert_uint_eq(ring_epoch(&r, 3), i + 2);
    }
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 9), MR_SETTLED);
    ring_wait(&r, 3000);
}

/* A record with the first `count` handovers behind it. */
static void save_chained(const char *name, uint8_t *bytes, size_t n, const struct mr_chain *chain,
                         uint32_t count)
{
    const size_t behind = mr_chain_prefix(chain, count);
    memcpy(bytes + n, chain->bytes, behind);
    save(name, bytes, n + behind);
}

START_TEST(a_receipt_behind_many_epochs)
{
    static uint8_t bytes[sizeof(struct mr_receipt) + MR_CHAIN_BYTES_MAX];
    static struct mr_receipt x;
    x = r.reply->body.u.submit.receipt[0];
    const struct mr_chain chain = ring_chain(&r, 0);
    const uint32_t before = chain.count - x.handover_count;
    const size_t n = mr_receipt_encode(&x, bytes, sizeof bytes);
    program_charter(&r.w.charter, "charter.mrc");
    program_nodes(&r);
    ck_assert_uint_eq(chain.count, 11);
    ck_assert_uint_gt(before, 0);
    save_chained("r.mrr", bytes, n, &chain, before);
    ck_assert_int_eq(program_run("receipt r.mrr --charter charter.mrc"), 0);
    save_chained("r.mrr", bytes, n, &chain, chain.count);
    ck_assert_int_eq(program_run("receipt r.mrr --charter charter.mrc"), 0);
    save_chained("r.mrr", bytes, n, &chain, before - 1);
    ck_assert_int_eq(program_run("receipt r.mrr --charter charter.mrc"), 5);
    ck_assert_ptr_nonnull(strstr(program_output, "epoch of a head, at most"));
    save_chained("r.mrr", bytes, n, &chain, 0);
    ck_assert_int_eq(program_run("receipt r.mrr --charter charter.mrc"), 5);
    save_chained("r.mrr", bytes, n, &chain, before);
    save("r.mrr", bytes, n + mr_chain_prefix(&chain, before) - 4);
    ck_assert_int_eq(program_run("receipt r.mrr --charter charter.mrc"), 5);
    /* A head in the first handover that its node did not sign. */
    struct mr_handover h;
    size_t used;
    ck_assert_int_eq(mr_handover_decode_first(&h, &used, bytes + n, chain.len), MR_OK);
    h.u.next.proofs[1].head.sig[7] ^= 1;
    mr_handover_encode(&h, bytes + n, used);
    save("r.mrr", bytes, n + mr_chain_prefix(&chain, before));
    ck_assert_int_eq(program_run("receipt r.mrr --charter charter.mrc"), 5);
    ck_assert_ptr_nonnull(strstr(program_output, "signature of a head that proves a NEXT"));
}
END_TEST

START_TEST(evidence_behind_many_epochs)
{
    static uint8_t bytes[sizeof(struct mr_evidence) + MR_CHAIN_BYTES_MAX];
    static struct handlog l;
    static struct mr_evidence e;
    static const uint8_t account[16] = {42};
    struct mr_head head;
    const struct mr_receipt *const x = &r.reply->body.u.submit.receipt[0];
    e = (struct mr_evidence){.version = 1, .handover_count = x->handover_count};
    memcpy(e.ledger, r.w.ledger, 32);
    memcpy(e.handover, x->handover, x->handover_count * sizeof e.handover[0]);
    e.body.kind = MR_EVIDENCE_LEAVES;
    handlog_init(&l, r.w.ledger, 1, &r.nodes[0].log_key);
    l.epoch = 12;
    handlog_start(&l);
    handlog_vote(&l, account, 1, 0, 1);
    handlog_vote(&l, account, 1, 0, 2);
    handlog_head(&l, &head, 3, 1);
    handlog_prove(&l, &e.body.u.leaves.first, 1, &head);
    handlog_prove(&l, &e.body.u.leaves.second, 2, &head);
    const size_t n = mr_evidence_encode(&e, bytes, sizeof bytes);
    const struct mr_chain chain = ring_chain(&r, 0);
    program_charter(&r.w.charter, "charter.mrc");
    save_chained("e.mre", bytes, n, &chain, chain.count - e.handover_count);
    json_t *const o = program_json("evidence --json e.mre --charter charter.mrc", 0);
    ck_assert_int_eq(json_number(o, "node"), 1);
    ck_assert_int_eq(json_number(o, "epoch"), 12);
    json_decref(o);
    save_chained("e.mre", bytes, n, &chain, 1);
    ck_assert_int_eq(program_run("evidence e.mre --charter charter.mrc"), 5);
}
END_TEST

START_TEST(books_of_many_epochs)
{
    program_charter(&r.w.charter, "charter.mrc");
    program_nodes(&r);
    ck_assert_int_eq(program_run("verify node1"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "Epoch 12: nodes 1 2 3 4, quorum 3"));
    ck_assert_int_eq(program_run("compare node1 node2 node3 node4"), 0);
}
END_TEST

int main(void)
{
    TCase *const join = tcase_create("joined");
    tcase_add_checked_fixture(join, joined, teardown);
    tcase_set_timeout(join, 120);
    tcase_add_test(join, a_book_that_begins_later_needs_another_one);
    tcase_add_test(join, a_book_that_begins_later_behind_another_one);
    tcase_add_test(join, a_base_that_is_not_right);
    tcase_add_test(join, compare_with_books_that_begin_later);
    tcase_add_test(join, receipts_of_a_later_epoch);
    tcase_add_test(join, evidence_of_a_later_epoch);
    TCase *const turn = tcase_create("turned");
    tcase_add_checked_fixture(turn, turned, teardown);
    tcase_set_timeout(turn, 120);
    tcase_add_test(turn, compare_over_the_end_of_an_epoch);
    tcase_add_test(turn, compare_logs_of_epochs_that_are_over);
    TCase *const epochs = tcase_create("many epochs");
    tcase_add_checked_fixture(epochs, many, teardown);
    tcase_set_timeout(epochs, 120);
    tcase_add_test(epochs, a_receipt_behind_many_epochs);
    tcase_add_test(epochs, evidence_behind_many_epochs);
    tcase_add_test(epochs, books_of_many_epochs);
    Suite *const s = suite_create("audit later");
    suite_add_tcase(s, join);
    suite_add_tcase(s, turn);
    suite_add_tcase(s, epochs);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
