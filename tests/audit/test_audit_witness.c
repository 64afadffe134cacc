/* mereau-audit witness: what it cosigns, what it refuses, and what a receipt gains by it. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/program.h"
#include "audit/shown.h"
#include "common/file.h"
#include "lib/federation.h"
#include "lib/procs.h"
#include "lib/ring.h"
#include "lib/run.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/log.h"
#include "mereau/receipt.h"

static char public_key[2 * MR_KEY_BYTES + 1];

static void make_key(void)
{
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "pass"), "secret words\n", 13, 0600, true), MR_OK);
    json_t *const o = program_json("keygen --json w.key --passphrase-file pass", 0);
    snprintf(public_key, sizeof public_key, "%s", json_words(o, "public_key"));
    json_decref(o);
}

static const char *witness(const char *address)
{
    static char line[512];
    snprintf(line, sizeof line,
             "witness --json --once --name witness.example.org --key w.key --passphrase-file pass "
             "--charter charter.mrc seen --node %s",
             address);
    return line;
}

/* --- a node that is not honest ---------------------------------------------------------------- */

static struct ring r;
static struct book book;
static struct shown node;

static void setup(void)
{
    scratch_make(program_dir);
    ring_init(&r, 4, 3);
    program_charter(&r.w.charter, "charter.mrc");
    make_key();
    book.count = 0;
    shown_start(&node, &r.w.charter, 1, &book, NULL);
}

static void teardown(void)
{
    shown_stop(&node);
    ring_done(&r);
    scratch_remove(program_dir);
}

static void show_head(uint64_t size, uint8_t root, uint64_t time_ms)
{
    node.head =
        (struct mr_head){.epoch = 1, .node = 1, .generation = 1, .size = size, .time_ms = time_ms};
    memset(node.head.root, root, sizeof node.head.root);
    mr_head_sign(&node.head, r.w.ledger, &r.nodes[0].log_key);
}

START_TEST(a_head_is_cosigned)
{
    show_head(10, 1, 1000);
    json_t *const o = program_json(witness(node.address), 0);
    ck_assert_int_eq(json_number(o, "cosigned"), 1);
    ck_assert_mem_eq(&node.cosigned.head.root, node.head.root, 32);
    ck_assert(mr_cosignature_verify(&node.cosigned.cosignature, &node.head, r.w.ledger));
    ck_assert_str_eq(node.cosigned.cosignature.name, "witness.example.org");
    json_decref(o);
    show_head(10, 1, 2000); /* a heartbeat */
    json_decref(program_json(witness(node.address), 0));
    ck_assert_uint_eq(node.cosigned.head.time_ms, 2000);
}
END_TEST

/* Each contradicts one of ten leaves with root 1 at second 1. */
static const struct {
    uint64_t size;
    uint8_t root;
    uint64_t time_ms;
    const char *why;
} heads[] = {{10, 2, 2000, "another history of the same size"},
             {9, 1, 2000, "it went back"},
             {20, 3, 2000, "does not extend"},
             {10, 1, 999, "the time of its head goes back"}};

/* What was cosigned before is on the disk: nothing else is, in this run or the next. */
START_TEST(another_history_is_refused)
{
    show_head(10, 1, 1000);
    json_decref(program_json(witness(node.address), 0));
    memset(&node.cosigned, 0, sizeof node.cosigned);
    show_head(heads[_i].size, heads[_i].root, heads[_i].time_ms);
    for (int i = 0; i < 2; i++) {
        json_t *const o = program_json(witness(node.address), 5);
        ck_assert_int_eq(json_number(o, "cosigned"), 0);
        json_decref(o);
    }
    ck_assert_uint_eq(node.cosigned.head.size, 0);
    if (_i == 0)
        json_decref(program_json("evidence --json --charter charter.mrc "
                                 "seen/evidence-node1-epoch1.mre",
                                 0));
}
END_TEST

/* One that runs; it is asked to end with SIGTERM. */
static struct proc *keep_watch(void)
{
    const char *const words[] = {"LC_ALL=C",
                                 MEREAU_BIN_DIR "/mereau-audit",
                                 "witness",
                                 "--name",
                                 "witness.example.org",
                                 "--key",
                                 "w.key",
                                 "--passphrase-file",
                                 "pass",
                                 "--charter",
                                 "charter.mrc",
                                 "seen",
                                 "--node",
                                 node.address,
                                 NULL};
    ck_assert_int_eq(chdir(program_dir), 0);
    struct proc *const p = proc_start(words);
    ck_assert_ptr_nonnull(p);
    return p;
}

/* The node says nothing meanwhile: nobody sees half a head. */
static void show_another(uint64_t size, uint8_t root, uint64_t time_ms)
{
    node.silent = true;
    usleep(100000);
    show_head(size, root, time_ms);
    node.silent = false;
}

static void wait_cosigned(uint64_t time_ms)
{
    for (int i = 0; i < 300 && node.cosigned.head.time_ms != time_ms; i++)
        usleep(100000);
    ck_assert_uint_eq(node.cosigned.head.time_ms, time_ms);
}

/* It waits ten seconds for an answer, and not when it is to end. */
START_TEST(it_ends_soon_after_a_signal)
{
    show_head(10, 1, 1000);
    struct proc *const p = keep_watch();
    wait_cosigned(1000);
    node.silent = true;
    sleep(2);
    proc_signal(p, SIGTERM);
    ck_assert_int_eq(proc_wait(p, 5000), 3);
    proc_end(p);
}
END_TEST

/* A witness that runs looks again, and cosigns what extends what it cosigned. What it wrote of the
 * other history stays. */
START_TEST(a_node_that_is_right_again)
{
    show_head(10, 1, 1000);
    struct proc *const p = keep_watch();
    wait_cosigned(1000);
    show_another(heads[_i].size, heads[_i].root, heads[_i].time_ms);
    ck_assert(proc_line(p, NULL, 0, heads[_i].why, PROC_DEADLINE_MS));
    sleep(4); /* it is looked at and refused again, and nothing is said */
    ck_assert_uint_eq(node.cosigned.head.time_ms, 1000);
    show_another(10, 1, 3000);
    ck_assert(proc_line(p, NULL, 0, "is right again", PROC_DEADLINE_MS));
    wait_cosigned(3000);
    proc_signal(p, SIGTERM);
    ck_assert_int_eq(proc_wait(p, PROC_DEADLINE_MS), 0);
    char *const text = proc_text(p);
    ck_assert_uint_eq(run_count(text, heads[_i].why), 1);
    ck_assert_uint_eq(run_count(text, "is right again"), 1);
    free(text);
    proc_end(p);
    ck_assert_int_eq(program_shell("test $(ls seen/refused-1-1-1-*.note | wc -l) -eq 1"), 0);
    ck_assert(_i != 0 || file_exists(scratch_path(program_dir, "seen/evidence-node1-epoch1.mre")));
}
END_TEST

/* It contradicts itself in one way, and then in one that convicts it; at its end it is refused. */
START_TEST(a_node_that_contradicts_itself_further)
{
    show_head(10, 1, 1000);
    struct proc *const p = keep_watch();
    wait_cosigned(1000);
    show_another(9, 1, 2000);
    ck_assert(proc_line(p, NULL, 0, heads[1].why, PROC_DEADLINE_MS));
    show_another(10, 2, 2000);
    ck_assert(proc_line(p, NULL, 0, heads[0].why, PROC_DEADLINE_MS));
    ck_assert(file_exists(scratch_path(program_dir, "seen/evidence-node1-epoch1.mre")));
    proc_signal(p, SIGTERM);
    ck_assert_int_eq(proc_wait(p, PROC_DEADLINE_MS), 5);
    proc_end(p);
    ck_assert_uint_eq(node.cosigned.head.time_ms, 1000);
}
END_TEST

START_TEST(a_head_of_another_key)
{
    show_head(10, 1, 1000);
    node.head.sig[0] ^= 1;
    json_decref(program_json(witness(node.address), 5));
    ck_assert_uint_eq(node.cosigned.head.size, 0);
    /* Nothing was cosigned: no charter is the one that this witness trusts. */
    ck_assert(!file_exists(scratch_path(program_dir, "seen/charter.mrc")));
    show_head(10, 1, 1000);
    json_decref(program_json(witness(node.address), 0));
    ck_assert(file_exists(scratch_path(program_dir, "seen/charter.mrc")));
}
END_TEST

START_TEST(what_was_cosigned_is_damaged)
{
    show_head(10, 1, 1000);
    json_decref(program_json(witness(node.address), 0));
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "seen/cosigned-1-1-1.head"), "x", 1, 0600, true),
        MR_OK);
    json_decref(program_json(witness(node.address), 4));
}
END_TEST

/* Its directory is an older copy; the node hands out what this key cosigned since. It goes on from
 * there, and a history without that is refused. */
START_TEST(a_memory_that_went_back)
{
    show_head(10, 1, 1000);
    json_decref(program_json(witness(node.address), 0));
    ck_assert_int_eq(program_shell("cp -r seen copy"), 0);
    const struct mr_head first = node.head;
    show_head(10, 1, 5000);
    json_decref(program_json(witness(node.address), 0));
    node.seen.heads_count = 1;
    node.seen.heads[0].head = node.cosigned.head;
    node.seen.heads[0].cosignatures_count = 1;
    node.seen.heads[0].cosignatures[0] = node.cosigned.cosignature;
    ck_assert_int_eq(program_shell("rm -rf seen; mv copy seen"), 0);
    node.head = first; /* older than what was cosigned, and not than what the copy knows of */
    json_t *o = program_json(witness(node.address), 5);
    ck_assert_int_eq(json_number(o, "cosigned"), 0);
    ck_assert_ptr_nonnull(strstr(json_words(o, "warning_memory"), "forgotten"));
    json_decref(o);
    /* What somebody else signed, or nobody, is no memory. */
    node.seen.heads[0].cosignatures[0].sig[3] ^= 1;
    node.seen.heads[0].head.time_ms = 9000;
    show_head(10, 1, 6000);
    o = program_json(witness(node.address), 0);
    ck_assert_ptr_null(json_object_get(o, "warning_memory"));
    json_decref(o);
}
END_TEST

START_TEST(asked_wrongly)
{
    ck_assert_int_eq(program_run("witness seen"), 2);
    ck_assert_int_eq(program_run("witness seen --node 127.0.0.1:1 --key w.key"), 2);
    node.silent = true;
    char line[600];
    snprintf(line, sizeof line, "%s --timeout 1", witness(node.address));
    ck_assert_int_eq(program_run(line), 3);
}
END_TEST

/* --- what an auditor makes of it -------------------------------------------------------------- */

static struct world w;
static struct mr_seckey cosigner;
static struct mr_head early, at_checkpoint, last;

static void take_head(struct mr_head *ret)
{
    memset(&w.request->body, 0, sizeof w.request->body);
    w.request->body.kind = MR_REQ_HEAD;
    ck_assert_int_eq(world_request(&w, NULL), MR_OK);
    *ret = w.reply->body.u.head.head;
}

static void checkpoint(void)
{
    struct mr_checkpoint c;
    struct mr_event ev = {
        .kind = MR_EV_CHECKPOINT, .now_ms = w.now_ms, .u.checkpoint = {.sum = &c}};
    struct mr_effects fx = {NULL, NULL};
    world_flush(&w);
    ck_assert_int_eq(mr_state_sum(&c, w.store, &w.charter, &w.mem), MR_OK);
    ck_assert_int_eq(mr_engine_step(w.engine, &ev, &fx), MR_OK);
    world_turn(&w);
}

/* The only node is the one that shown_start makes. */
static void name_witness(struct mr_charter *c)
{
    const uint8_t of_node[32] = {0}, seed[32] = {77};
    struct mr_seckey unused;
    struct mr_witness *const x = &c->witnesses.members[0];
    mr_seckey_from_seed(&unused, &c->nodes[0].transport_key, of_node);
    c->witnesses.quorum = c->witnesses.members_count = 1;
    mr_seckey_from_seed(&cosigner, &x->key, seed);
    x->name_len = 6;
    memcpy(x->name, "mairie", 7);
}

/* A book whose last checkpoint is twenty minutes older than its last head. */
static void setup_book(void)
{
    scratch_make(program_dir);
    story_tell_under(&w, name_witness);
    take_head(&early);
    checkpoint();
    take_head(&at_checkpoint);
    w.now_ms += 1200000;
    ck_assert_int_eq(world_pay(&w, BEN, GROCER, 50), MR_SETTLED);
    take_head(&last);
    program_charter(&w.charter, "charter.mrc");
    book_read(&book, w.journal);
    shown_start(&node, &w.charter, 1, &book, scratch_path(program_dir, "control"));
    node.head = last;
}

static void teardown_book(void)
{
    shown_stop(&node);
    book_done(&book);
    world_done(&w);
    scratch_remove(program_dir);
}

static void hand_out(const struct mr_head *h)
{
    struct mr_cosigned_head *const c = &node.seen.heads[0];
    node.seen.heads_count = 1;
    c->head = *h;
    c->cosignatures_count = 1;
    memcpy(c->cosignatures[0].name, "mairie", 7);
    c->cosignatures[0].name_len = 6;
    mr_cosignature_sign(&c->cosignatures[0], h, w.ledger, &cosigner,
                        &w.charter.witnesses.members[0].key, 1000);
}

/* What follow says of the witnesses, and its first contradiction ("": none). */
static void want(const char *state, const char *kind)
{
    json_t *const o =
        program_json("follow --json --once --charter charter.mrc --control ./control mirror",
                     kind[0] == '\0' ? 0 : 5);
    const json_t *const row = json_array_get(json_object_get(o, "witnessed"), 0);
    const json_t *const k = json_array_get(json_object_get(o, "contradictions"), 0);
    ck_assert_str_eq(row == NULL ? "" : json_words(row, "state"), state);
    ck_assert_str_eq(k == NULL ? "" : json_words(k, "kind"), kind);
    json_decref(o);
}

START_TEST(what_follow_says_of_witnesses)
{
    want("missing", "NOT_WITNESSED");
    hand_out(&last);
    want("witnessed", "");
    hand_out(&at_checkpoint);
    want("witnessed", "");
    hand_out(&early);
    want("late", "NOT_WITNESSED");
    node.head = at_checkpoint; /* just now */
    want("waits", "");
    node.head = last;
    /* What nobody signed says nothing. */
    hand_out(&last);
    node.seen.heads[0].cosignatures[0].sig[3] ^= 1;
    want("missing", "NOT_WITNESSED");
    /* The witness saw another history than the node shows here. */
    struct mr_head other = early;
    other.root[0] ^= 1;
    mr_head_sign(&other, w.ledger, &w.log_key);
    hand_out(&other);
    want("", "OTHER_THAN_WITNESSED");
}
END_TEST

/* The node was just started, and the witness comes by a second later. */
START_TEST(cosignatures_come_a_moment_later)
{
    hand_out(&last);
    node.seen_later = 4;
    want("witnessed", "");
    ck_assert_uint_eq(node.seen_later, 0);
}
END_TEST

/* Whoever serves the book and hides this was not followed to its end. */
START_TEST(cosignatures_are_not_shown)
{
    hand_out(&last);
    node.hides_seen = true;
    ck_assert_int_eq(program_run("follow --once --charter charter.mrc --control ./control mirror"),
                     3);
    ck_assert_ptr_nonnull(strstr(program_output, "did not say what the witnesses cosigned"));
}
END_TEST

/* It says what it asked for, and not that this was left out. */
START_TEST(what_was_asked_is_not_unchecked)
{
    static const char line[] = "follow --once --charter charter.mrc --control ./control mirror";
    hand_out(&last);
    ck_assert_int_eq(program_run(line), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "witnessed up to"));
    ck_assert_ptr_null(strstr(program_output, "cosignature"));
    json_t *o = program_json("verify --json --charter charter.mrc mirror", 0);
    ck_assert(json_is_true(json_object_get(json_object_get(o, "unchecked"), "cosignatures")));
    json_decref(o);
    o = program_json("follow --json --once --charter charter.mrc --control ./control mirror", 0);
    ck_assert(json_is_false(json_object_get(json_object_get(o, "unchecked"), "cosignatures")));
    json_decref(o);
}
END_TEST

/* --- a real one ------------------------------------------------------------------------------- */

static struct federation f;
static char address[32];

static void allow_auditor(void)
{
    char line[128];
    FILE *const conf = fopen(scratch_path(f.nodes[0].data, "mereaud.conf"), "a");
    ck_assert_ptr_nonnull(conf);
    snprintf(line, sizeof line, "\n[audit]\nkeys = %s\n", public_key);
    fputs(line, conf);
    fclose(conf);
}

static void setup_real(void)
{
    federation_make(&f, 1, 1);
    memcpy(program_dir, f.dir, sizeof program_dir);
    program_charter(&f.w.charter, "charter.mrc");
    make_key();
    allow_auditor();
    federation_start_all(&f);
    federation_wait_mode(&f, 0, MR_OK);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)f.nodes[0].wallet);
    federation_open(&f, 0, 0, MR_CLASS_RESIDENT);
    federation_open(&f, 0, 0, MR_CLASS_SHOP);
    federation_issue(&f, 0, 0, 0, 10000);
}

static void teardown_real(void)
{
    federation_done(&f);
}

/* The receipt of a payment, as the node gives it when it is asked again. */
static void pay(struct mr_signed_order *o)
{
    federation_order(&f, 0, o, f.w.members[0].id, MR_KIND_PAY);
    struct mr_pay *const p = &o->order.body.u.pay;
    p->lines_count = 1;
    p->lines[0].what = MR_LINE_PAYMENT;
    p->lines[0].amount = 100;
    memcpy(p->lines[0].payee, f.w.members[1].id, MR_ACCOUNT_BYTES);
    federation_sign(&f, o);
    ck_assert_int_eq(federation_submit(&f, 0, o, 5000), MR_SETTLED);
}

static struct mr_receipt *receipt_again(const struct mr_signed_order *o)
{
    ck_assert_int_eq(federation_submit(&f, 0, o, 5000), MR_SETTLED);
    ck_assert_uint_eq(f.reply->body.u.submit.receipt_count, 1);
    return &f.reply->body.u.submit.receipt[0];
}

static void save(const struct mr_receipt *x)
{
    static uint8_t bytes[sizeof *x];
    const size_t n = mr_receipt_encode(x, bytes, sizeof bytes);
    ck_assert_int_eq(file_write(scratch_path(program_dir, "r.mrr"), bytes, n, 0600, true), MR_OK);
}

static json_t *check_receipt(const char *key, int code)
{
    char line[256];
    snprintf(line, sizeof line, "receipt --json --charter charter.mrc --witness %s r.mrr", key);
    return program_json(line, code);
}

START_TEST(a_receipt_that_was_witnessed)
{
    static struct mr_signed_order o;
    struct mr_receipt_facts facts;
    char other[sizeof public_key];
    pay(&o);
    ck_assert_uint_eq(receipt_again(&o)->cosignatures_count, 0);
    json_decref(program_json(witness(address), 0));
    struct mr_receipt *const r1 = receipt_again(&o);
    ck_assert_uint_eq(r1->cosignatures_count, 1);
    ck_assert_int_eq(mr_receipt_verify(&facts, &f.w.charter, NULL, r1), MR_OK);
    ck_assert_uint_eq(facts.witnesses, 1);
    save(r1);
    json_t *a = check_receipt(public_key, 0);
    ck_assert_int_eq(json_number(a, "witnesses_trusted"), 1);
    json_decref(a);
    mr_hex_format(other, f.w.governance_public.key, MR_KEY_BYTES);
    json_decref(check_receipt(other, 5));
    for (int i = 0; i < 3; i++) {
        struct mr_cosignature *const c = &r1->cosignatures[0];
        const struct mr_cosignature was = *c;
        if (i == 0)
            c->sig[5] ^= 1;
        else if (i == 1)
            c->time_s++;
        else {
            r1->cosignatures[1] = *c;
            r1->cosignatures_count = 2;
        }
        ck_assert_int_eq(mr_receipt_verify(&facts, &f.w.charter, NULL, r1), MR_BAD_RECEIPT);
        save(r1);
        a = check_receipt(public_key, 5);
        ck_assert_str_eq(json_words(json_array_get(json_object_get(a, "findings"), 0), "rule"),
                         "RCP-4");
        json_decref(a);
        *c = was;
    }
    /* The log goes on, and is proved to have gone on. */
    pay(&o);
    json_decref(program_json(witness(address), 0));
    ck_assert_uint_eq(receipt_again(&o)->cosignatures_count, 1);
}
END_TEST

/* Its data directory is put back to what it was before the witness came: a single node that
 * rewrites is found out, and stops signing when it is shown its own head. */
START_TEST(a_single_node_that_rewrites)
{
    static struct mr_signed_order o;
    char line[2 * SCRATCH_PATH_MAX + 64];
    ck_assert_int_eq(federation_stop(&f, 0), 0);
    snprintf(line, sizeof line, "cp -r '%s' old", f.nodes[0].data);
    ck_assert_int_eq(program_shell(line), 0);
    federation_start(&f, 0);
    federation_wait_mode(&f, 0, MR_OK);
    pay(&o);
    json_decref(program_json(witness(address), 0));
    ck_assert_int_eq(federation_stop(&f, 0), 0);
    snprintf(line, sizeof line, "rm -rf '%s'; mv old '%s'", f.nodes[0].data, f.nodes[0].data);
    ck_assert_int_eq(program_shell(line), 0);
    federation_start(&f, 0);
    federation_wait_mode(&f, 0, MR_OK);
    json_decref(program_json(witness(address), 5));
    federation_wait_mode(&f, 0, MR_ABSTAINING);
}
END_TEST

static TCase *make_case(const char *name, void (*up)(void), void (*down)(void))
{
    TCase *const tc = tcase_create(name);
    tcase_add_checked_fixture(tc, up, down);
    tcase_set_timeout(tc, 180);
    return tc;
}

int main(void)
{
    TCase *const tc = make_case("shown", setup, teardown);
    tcase_add_test(tc, a_head_is_cosigned);
    tcase_add_loop_test(tc, another_history_is_refused, 0, 4);
    tcase_add_test(tc, it_ends_soon_after_a_signal);
    tcase_add_loop_test(tc, a_node_that_is_right_again, 0, 4);
    tcase_add_test(tc, a_node_that_contradicts_itself_further);
    tcase_add_test(tc, a_head_of_another_key);
    tcase_add_test(tc, what_was_cosigned_is_damaged);
    tcase_add_test(tc, a_memory_that_went_back);
    tcase_add_test(tc, asked_wrongly);
    TCase *const told = make_case("told", setup_book, teardown_book);
    tcase_add_test(told, what_follow_says_of_witnesses);
    tcase_add_test(told, cosignatures_come_a_moment_later);
    tcase_add_test(told, what_was_asked_is_not_unchecked);
    tcase_add_test(told, cosignatures_are_not_shown);
    TCase *const real = make_case("real", setup_real, teardown_real);
    tcase_add_test(real, a_receipt_that_was_witnessed);
    tcase_add_test(real, a_single_node_that_rewrites);
    Suite *const s = suite_create("audit witness");
    suite_add_tcase(s, tc);
    suite_add_tcase(s, told);
    suite_add_tcase(s, real);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
