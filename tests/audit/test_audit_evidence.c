/* Two judges of evidence, the node's and the auditor's, written apart: over random pieces, true and
 * spoilt, they say the same of everybody. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "audit/state.h"
#include "audit/story.h"
#include "lib/handlog.h"
#include "lib/random_record.h"
#include "lib/scratch.h"
#include "mereau/codec.h"
#include "mereau/log.h"

enum { NODES = 4, ROUNDS = 6000 };

static struct world w;
static struct mr_seckey keys[NODES];
static struct mr_seckey fresh; /* the last node's, after its RESTART */
static struct mr_signed_restart restart;
static struct handlog one, other;
static struct mr_evidence e;
static struct random_source g;
static unsigned outcomes[256], breaches[16];

static void setup(void)
{
    static const uint8_t seed[32] = {99};
    world_init(&w);
    for (uint32_t i = 0; i < NODES; i++) {
        const uint8_t own[32] = {(uint8_t)(i + 1)};
        w.charter.nodes[i] = w.charter.nodes[0];
        w.charter.nodes[i].number = i + 1;
        mr_seckey_from_seed(&keys[i], &w.charter.nodes[i].log_key, own);
    }
    w.charter.nodes_count = NODES;
    w.charter.quorum = 3;
    mr_ledger_id(w.ledger, &w.charter);
    restart = (struct mr_signed_restart){
        .restart = {.version = 1, .epoch = 2, .node = NODES, .generation = 2}};
    memcpy(restart.restart.ledger, w.ledger, 32);
    mr_seckey_from_seed(&fresh, &restart.restart.log_key, seed);
    mr_restart_sign(&restart, 0, &w.governance);
    memset(outcomes, 0, sizeof outcomes);
    memset(breaches, 0, sizeof breaches);
}

static void teardown(void)
{
    world_done(&w);
}

/* --- making ----------------------------------------------------------------------------------- */

static uint32_t below(uint32_t n)
{
    return (uint32_t)random_below(&g, n);
}

/* A few slots, ballots and values, so that leaves often meet. */
static void random_leaf_of(struct handlog *l)
{
    static const uint8_t accounts[2][16] = {{1}, {2}};
    const uint8_t *const account = accounts[below(16) == 0];
    const uint64_t seq = 1 + (below(16) == 0);
    const uint32_t ballot = below(3);
    const uint32_t cert = below(3) == 0 ? MR_BALLOT_NONE : below(3);
    switch (below(10)) {
    case 0:
        handlog_start(l);
        return;
    case 1:
    case 2:
    case 3:
        handlog_vote(l, account, seq, ballot, (uint8_t)below(2));
        return;
    case 4:
    case 5:
    case 6:
        handlog_ack(l, account, seq, ballot, (uint8_t)below(2));
        return;
    default:
        handlog_unlock(l, account, seq, ballot, cert, (uint8_t)below(2));
    }
}

/* Two logs of one node that part somewhere, or never. */
static void make_logs(void)
{
    const bool second_epoch = below(4) == 0;
    const uint32_t node = second_epoch ? NODES : 1 + below(NODES);
    const uint64_t common = 1 + below(12);
    handlog_init(&one, w.ledger, node, second_epoch ? &fresh : &keys[node - 1]);
    if (second_epoch)
        one.epoch = one.generation = 2;
    handlog_start(&one);
    while (one.count < common)
        random_leaf_of(&one);
    other = one;
    for (uint32_t i = 0; i < 8; i++) {
        random_leaf_of(&one);
        if (below(3) == 0)
            random_leaf_of(&other);
        else
            handlog_add(&other, &one.leaves[one.count - 1]);
    }
}

static void make_fork(void)
{
    struct mr_evidence_fork *const k = &e.body.u.fork;
    const uint64_t n = 1 + below((uint32_t)other.count), m = 1 + below((uint32_t)n);
    e.body.kind = MR_EVIDENCE_FORK;
    handlog_head(&one, &k->older, m, 1000 + below(3));
    handlog_head(&other, &k->newer, n, 1000 + below(3));
    handlog_root(&other, k->root, m);
    k->consistency_count = handlog_consistency(&other, k->consistency, m, n);
}

static void make_leaf(struct mr_proof *p, const struct handlog *l)
{
    struct mr_head head;
    const uint64_t size = 1 + below((uint32_t)l->count);
    handlog_head(l, &head, size, 1000);
    handlog_prove(l, p, below((uint32_t)size), &head);
}

static void make(void)
{
    memset(&e, 0, sizeof e);
    e.version = 1;
    memcpy(e.ledger, w.ledger, 32);
    make_logs();
    if (one.epoch == 2) {
        e.handover_count = 1;
        e.handover[0] = (struct mr_handover){.kind = MR_HANDOVER_RESTART, .u.restart = restart};
    }
    if (below(3) == 0) {
        make_fork();
        return;
    }
    e.body.kind = MR_EVIDENCE_LEAVES;
    make_leaf(&e.body.u.leaves.first, &one);
    make_leaf(&e.body.u.leaves.second, below(2) == 0 ? &one : &other);
}

/* --- spoiling: with the right signatures round it ------------------------------------------------
 */

static void sign_again(struct mr_head *h)
{
    mr_head_sign(h, w.ledger, &one.key);
}

static void spoil_field(void)
{
    const bool fork = e.body.kind == MR_EVIDENCE_FORK;
    struct mr_head *const x = fork ? &e.body.u.fork.older : &e.body.u.leaves.first.head;
    struct mr_proof *const p = &e.body.u.leaves.second;
    switch (below(8)) {
    case 0:
        x->size = below(20);
        sign_again(x);
        return;
    case 1:
        x->root[below(32)] ^= 1;
        sign_again(x);
        return;
    case 2:
        x->generation = 1 + below(3);
        sign_again(x);
        return;
    case 3:
        x->node = below(7);
        sign_again(x);
        return;
    case 4:
        e.handover_count = e.handover_count == 0;
        e.handover[0] = (struct mr_handover){.kind = MR_HANDOVER_RESTART, .u.restart = restart};
        return;
    case 5:
        e.handover[0].u.restart.sigs_count = below(2);
        return;
    case 6:
        if (fork)
            e.body.u.fork.consistency_count = below(6);
        else
            p->path_count = below(6);
        return;
    default:
        if (fork)
            memcpy(e.body.u.fork.root, e.body.u.fork.older.root, 32);
        else
            p->index = below(20);
    }
}

/* --- judging ---------------------------------------------------------------------------------- */

static void same_facts(const struct mr_evidence_facts *x, const struct mr_evidence_facts *y)
{
    ck_assert_int_eq(x->breach, y->breach);
    ck_assert_uint_eq(x->node, y->node);
    ck_assert_uint_eq(x->epoch, y->epoch);
    ck_assert_uint_eq(x->generation, y->generation);
    ck_assert_mem_eq(x->association, y->association, 16);
    ck_assert_int_eq(x->has_slot, y->has_slot);
    ck_assert_mem_eq(x->account, y->account, 16);
    ck_assert_uint_eq(x->seq, y->seq);
    ck_assert_uint_eq(x->first, y->first);
    ck_assert_uint_eq(x->second, y->second);
}

static struct mr_audit *auditor(struct found *found)
{
    static uint8_t bytes[sizeof w.charter];
    struct mr_audit *a = NULL;
    const size_t n = mr_charter_encode(&w.charter, bytes, sizeof bytes);
    ck_assert_int_eq(mr_audit_create(&a, &scratch_mem, found_add, found, bytes, n), MR_OK);
    return a;
}

static void judge(struct mr_audit *a, struct found *found, const uint8_t *bytes, size_t len)
{
    static struct mr_evidence mine, theirs;
    struct mr_evidence_facts f = {0}, own = {0};
    found->count = 0;
    const enum mr_status st = mr_audit_evidence(a, &f, &mine, bytes, len);
    enum mr_status want = mr_evidence_decode(&theirs, bytes, len);
    const bool read = want == MR_OK;
    if (read)
        want = mr_evidence_verify(&own, &w.charter, NULL, &theirs);
    ck_assert_msg(st == want, "auditor %s, node %s", mr_status_name(st), mr_status_name(want));
    outcomes[st]++;
    if (st == MR_OK) {
        same_facts(&f, &own);
        breaches[f.breach]++;
    }
    /* Whoever is not convicted is told why. */
    ck_assert_int_eq(found->count > 0, read && st != MR_OK);
}

START_TEST(two_judges_agree)
{
    static uint8_t bytes[sizeof e];
    static struct found found;
    struct mr_audit *const a = auditor(&found);
    g = random_source_of(1000 + (uint64_t)_i);
    for (int round = 0; round < ROUNDS; round++) {
        make();
        if (round % 2 == 1)
            spoil_field();
        size_t n = mr_evidence_encode(&e, bytes, sizeof bytes);
        if (round % 8 == 5)
            bytes[below((uint32_t)n)] ^= (uint8_t)(1 << below(8));
        judge(a, &found, bytes, n);
    }
    mr_audit_destroy(a);
    const enum mr_status all[] = {MR_OK, MR_BAD_HEAD, MR_BAD_PROOF, MR_BAD_EVIDENCE,
                                  MR_WRONG_LEDGER};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ck_assert_msg(outcomes[all[i]] > 0, "%s never came up", mr_status_name(all[i]));
    for (unsigned b = MR_BREACH_TWO_HISTORIES; b <= MR_BREACH_FALSE_REPORT; b++)
        ck_assert_msg(breaches[b] > 0, "%s never came up", mr_breach_name((enum mr_breach)b));
}
END_TEST

/* The auditor's reading of consistency proofs against the node's, right and spoilt. */
START_TEST(consistency_proofs)
{
    enum { MAX = 40 };
    struct mr_hash proof[2 * MR_PATH_MAX];
    uint8_t old_root[32], root[32];
    g = random_source_of(5);
    handlog_init(&one, w.ledger, 1, &keys[0]);
    for (uint64_t n = 1; n <= MAX; n++) {
        random_leaf_of(&one);
        handlog_root(&one, root, n);
        for (uint64_t m = 0; m <= n; m++) {
            handlog_root(&one, old_root, m);
            const uint32_t count = handlog_consistency(&one, proof, m, n);
            ck_assert(mri_aud_grows(old_root, m, root, n, proof, count));
            for (uint32_t k = 0; k < 30; k++) {
                uint64_t x = m, y = n;
                uint32_t length = count;
                if (k % 5 == 0)
                    x = below(MAX + 1);
                else if (k % 5 == 1)
                    y = below(MAX + 1);
                else if (k % 5 == 2)
                    length = below(count + 2);
                else if (k % 5 == 3 && count > 0)
                    proof[below(count)].h[below(32)] ^= 1;
                else
                    root[below(32)] ^= 1;
                ck_assert_int_eq(mri_aud_grows(old_root, x, root, y, proof, length),
                                 mr_consistency_verify(old_root, x, root, y, proof, length));
                handlog_root(&one, root, n);
                handlog_consistency(&one, proof, m, n);
            }
        }
    }
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("evidence");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, two_judges_agree, 0, 3);
    tcase_add_test(tc, consistency_proofs);
    Suite *const s = suite_create("audit evidence");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
