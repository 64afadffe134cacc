/* Evidence: every breach convicts with real proofs; what honest nodes do is never one; and nothing
 * is believed that the node's key did not sign. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/handlog.h"
#include "lib/random_record.h"
#include "lib/world.h"
#include "mereau/codec.h"
#include "mereau/evidence.h"
#include "mereau/log.h"

enum { NODES = 4, LIAR = 3, A = 0xaa, B = 0xbb, NONE = MR_BALLOT_NONE };

static struct world w;
static struct mr_seckey keys[NODES];
static struct handlog one, other; /* two histories of the liar */
static struct mr_evidence e;
static struct mr_evidence_facts facts;
static const uint8_t account[16] = {1, 2, 3};
static const uint8_t elsewhere[16] = {4, 5, 6};

static void setup(void)
{
    world_init(&w);
    for (uint32_t i = 0; i < NODES; i++) {
        uint8_t seed[32] = {(uint8_t)(i + 1)};
        struct mr_node *const n = &w.charter.nodes[i];
        *n = w.charter.nodes[0];
        n->number = i + 1;
        mr_seckey_from_seed(&keys[i], &n->log_key, seed);
    }
    w.charter.nodes_count = NODES;
    w.charter.quorum = 3;
    mr_ledger_id(w.ledger, &w.charter);
    handlog_init(&one, w.ledger, LIAR, &keys[LIAR - 1]);
    handlog_init(&other, w.ledger, LIAR, &keys[LIAR - 1]);
    memset(&facts, 0, sizeof facts);
    memset(&e, 0, sizeof e);
    e.version = 1;
    memcpy(e.ledger, w.ledger, 32);
    handlog_start(&one);
    handlog_start(&other);
}

static void teardown(void)
{
    world_done(&w);
}

/* As it would be read from a file. */
static enum mr_status verify(void)
{
    static uint8_t bytes[sizeof e];
    static struct mr_evidence read;
    const size_t n = mr_evidence_encode(&e, bytes, sizeof bytes);
    ck_assert_int_eq(mr_evidence_decode(&read, bytes, n), MR_OK);
    return mr_evidence_verify(&facts, &w.charter, NULL, &read);
}

/* Fork evidence of `one` at a size against `other` at another. */
static void fork_of(uint64_t old_size, uint64_t new_size)
{
    struct mr_evidence_fork *const k = &e.body.u.fork;
    e.body.kind = MR_EVIDENCE_FORK;
    handlog_head(&one, &k->older, old_size, 1000);
    handlog_head(&other, &k->newer, new_size, 2000);
    handlog_root(&other, k->root, old_size);
    k->consistency_count = handlog_consistency(&other, k->consistency, old_size, new_size);
}

/* Evidence of two leaves, under a head of each log. */
static void leaves_of(const struct handlog *a, uint64_t first, const struct handlog *b,
                      uint64_t second)
{
    struct mr_head head;
    e.body.kind = MR_EVIDENCE_LEAVES;
    handlog_head(a, &head, a->count, 1000);
    handlog_prove(a, &e.body.u.leaves.first, first, &head);
    handlog_head(b, &head, b->count, 2000);
    handlog_prove(b, &e.body.u.leaves.second, second, &head);
}

static void expect_slot(enum mr_breach breach, uint64_t first, uint64_t second)
{
    ck_assert_int_eq(verify(), MR_OK);
    ck_assert_str_eq(mr_breach_name(facts.breach), mr_breach_name(breach));
    ck_assert_uint_eq(facts.node, LIAR);
    ck_assert_uint_eq(facts.epoch, 1);
    ck_assert_uint_eq(facts.generation, 1);
    ck_assert_mem_eq(facts.association, w.charter.associations[0].id, 16);
    ck_assert(facts.has_slot);
    ck_assert_mem_eq(facts.account, account, 16);
    ck_assert_uint_eq(facts.seq, 5);
    ck_assert_uint_eq(facts.first, first);
    ck_assert_uint_eq(facts.second, second);
}

/* --- forks ------------------------------------------------------------------------------------ */

/* All pairs of sizes, the logs differing from a leaf on: a fork when that leaf is below the older
 * size, honest growth otherwise. */
START_TEST(forks_of_all_sizes)
{
    enum { MAX = 19 };
    const uint64_t differ = (uint64_t)_i;
    for (uint64_t i = 1; i < MAX; i++) {
        handlog_vote(&one, account, i, 0, A);
        handlog_vote(&other, account, i, 0, i == differ ? B : A);
    }
    for (uint64_t m = 1; m <= MAX; m++) {
        for (uint64_t n = m; n <= MAX; n++) {
            fork_of(m, n);
            const bool fork = differ < m;
            ck_assert_int_eq(verify(), fork ? MR_OK : MR_BAD_EVIDENCE);
            if (!fork)
                continue;
            ck_assert_int_eq(facts.breach, MR_BREACH_TWO_HISTORIES);
            ck_assert_uint_eq(facts.node, LIAR);
            ck_assert(!facts.has_slot);
            ck_assert_uint_eq(facts.first, m);
            ck_assert_uint_eq(facts.second, n);
            e.body.u.fork.consistency_count++;
            ck_assert_int_eq(verify(), MR_BAD_PROOF);
        }
    }
}
END_TEST

/* An older root that is only claimed, not proven, convicts nobody. */
START_TEST(fork_with_a_made_up_root)
{
    for (uint64_t i = 1; i < 12; i++) {
        handlog_vote(&one, account, i, 0, A);
        handlog_vote(&other, account, i, 0, A);
    }
    for (uint64_t m = 1; m <= 12; m++) {
        fork_of(m, 12);
        e.body.u.fork.root[7] ^= 1;
        ck_assert_int_eq(verify(), MR_BAD_PROOF);
    }
}
END_TEST

/* A tree of nothing is the beginning of every tree. */
START_TEST(fork_of_an_empty_log)
{
    handlog_vote(&other, account, 1, 0, A);
    fork_of(0, 2);
    memset(e.body.u.fork.root, 9, 32);
    ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
}
END_TEST

START_TEST(heartbeats_and_clocks)
{
    struct mr_evidence_fork *const k = &e.body.u.fork;
    handlog_vote(&one, account, 1, 0, A);
    handlog_vote(&one, account, 2, 0, A);
    other = one;
    fork_of(3, 3); /* the same head again, later */
    ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
    fork_of(2, 3); /* a log that grew while the clock went back */
    handlog_head(&one, &k->older, 2, 3000);
    ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
}
END_TEST

START_TEST(fork_the_wrong_way_round)
{
    handlog_vote(&one, account, 1, 0, A);
    handlog_vote(&other, account, 1, 0, B);
    handlog_vote(&other, account, 2, 0, B);
    fork_of(2, 3);
    const struct mr_head older = e.body.u.fork.older;
    e.body.u.fork.older = e.body.u.fork.newer;
    e.body.u.fork.newer = older;
    ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
}
END_TEST

/* --- leaves ----------------------------------------------------------------------------------- */

START_TEST(two_votes)
{
    const uint64_t first = handlog_vote(&one, account, 5, 2, A);
    handlog_vote(&one, account, 6, 0, A);
    const uint64_t second = handlog_vote(&one, account, 5, 2, B);
    leaves_of(&one, first, &one, second);
    expect_slot(MR_BREACH_TWO_VOTES, 1, 3);
    leaves_of(&one, second, &one, first);
    ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
}
END_TEST

/* Each history is honest by itself: both together are not. */
START_TEST(two_votes_in_two_histories)
{
    handlog_vote(&one, account, 5, 0, A);
    handlog_vote(&other, account, 9, 0, A);
    handlog_vote(&other, account, 5, 0, B);
    leaves_of(&one, 1, &other, 2);
    expect_slot(MR_BREACH_TWO_VOTES, 1, 2);
}
END_TEST

START_TEST(two_leaves_of_one_index)
{
    handlog_vote(&one, account, 5, 0, A);
    handlog_vote(&other, elsewhere, 5, 0, A);
    leaves_of(&one, 1, &other, 1);
    ck_assert_int_eq(verify(), MR_OK);
    ck_assert_int_eq(facts.breach, MR_BREACH_TWO_HISTORIES);
    ck_assert(!facts.has_slot);
    leaves_of(&one, 1, &one, 1);
    ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
}
END_TEST

START_TEST(two_acks)
{
    handlog_ack(&one, account, 5, 0, A);
    handlog_ack(&one, account, 5, 0, B);
    leaves_of(&one, 1, &one, 2);
    expect_slot(MR_BREACH_TWO_ACKS, 1, 2);
}
END_TEST

START_TEST(two_starts)
{
    handlog_vote(&one, account, 5, 0, A);
    handlog_start(&one);
    leaves_of(&one, 0, &one, 2);
    ck_assert_int_eq(verify(), MR_OK);
    ck_assert_int_eq(facts.breach, MR_BREACH_TWO_STARTS);
    ck_assert(!facts.has_slot);
    leaves_of(&one, 1, &one, 2); /* a START that is not the first leaf needs no other */
    ck_assert_int_eq(verify(), MR_OK);
    ck_assert_int_eq(facts.breach, MR_BREACH_TWO_STARTS);
}
END_TEST

enum said { VOTE, ACK, UNLOCK };

static uint64_t say(enum said what, uint32_t ballot, uint8_t value, uint32_t cert,
                    uint8_t cert_value)
{
    switch (what) {
    case VOTE:
        return handlog_vote(&one, account, 5, ballot, value);
    case ACK:
        return handlog_ack(&one, account, 5, ballot, value);
    case UNLOCK:
        return handlog_unlock(&one, account, 5, ballot, cert, cert_value);
    }
    return 0;
}

/* What was said first, then; the breach, or 0. */
static const struct {
    enum said first;
    uint32_t ballot, cert;
    enum said second;
    uint32_t ballot2;
    uint8_t value2;
    uint32_t cert2;
    uint8_t cert_value2;
    int breach;
} pairs[] = {
    {VOTE, 0, NONE, VOTE, 0, B, NONE, 0, MR_BREACH_TWO_VOTES},
    {VOTE, 0, NONE, VOTE, 0, A, NONE, 0, 0},
    {VOTE, 0, NONE, VOTE, 2, B, NONE, 0, 0},
    {VOTE, 2, NONE, VOTE, 0, B, NONE, 0, 0},
    {VOTE, 0, NONE, ACK, 0, B, NONE, 0, 0}, /* out-voted, and says so */
    {VOTE, 0, NONE, ACK, 0, A, NONE, 0, 0},
    {VOTE, 0, NONE, UNLOCK, 1, 0, NONE, 0, 0},
    {VOTE, 4, NONE, UNLOCK, 1, 0, NONE, 0, 0},
    {ACK, 0, NONE, ACK, 0, B, NONE, 0, MR_BREACH_TWO_ACKS},
    {ACK, 0, NONE, ACK, 0, A, NONE, 0, 0},
    {ACK, 0, NONE, ACK, 2, B, NONE, 0, 0},
    {ACK, 0, NONE, VOTE, 0, B, NONE, 0, 0},
    {ACK, 0, NONE, VOTE, 1, B, NONE, 0, 0}, /* the reports of others may justify it */
    {ACK, 0, NONE, UNLOCK, 1, 0, NONE, 0, MR_BREACH_FALSE_REPORT},
    {ACK, 2, NONE, UNLOCK, 4, 0, 1, A, MR_BREACH_FALSE_REPORT},
    {ACK, 2, NONE, UNLOCK, 4, 0, 2, B, MR_BREACH_FALSE_REPORT},
    {ACK, 2, NONE, UNLOCK, 4, 0, 2, A, 0},
    {ACK, 2, NONE, UNLOCK, 5, 0, 4, B, 0}, /* a later certificate takes the earlier one's place */
    {ACK, 2, NONE, UNLOCK, 2, 0, NONE, 0, 0},
    {ACK, 2, NONE, UNLOCK, 1, 0, NONE, 0, 0},
    {UNLOCK, 3, NONE, VOTE, 2, A, NONE, 0, MR_BREACH_LATE_VOTE},
    {UNLOCK, 3, NONE, VOTE, 3, A, NONE, 0, 0},
    {UNLOCK, 3, NONE, VOTE, 4, A, NONE, 0, 0},
    {UNLOCK, 3, NONE, ACK, 2, A, NONE, 0, MR_BREACH_LATE_ACK},
    {UNLOCK, 3, 2, ACK, 2, A, NONE, 0, MR_BREACH_LATE_ACK},
    {UNLOCK, 3, NONE, ACK, 3, A, NONE, 0, 0},
    {UNLOCK, 1, NONE, UNLOCK, 3, 0, NONE, 0, 0},
    {UNLOCK, 3, NONE, UNLOCK, 1, 0, NONE, 0, 0},
    {UNLOCK, 1, 0, UNLOCK, 3, 0, NONE, 0, 0},
};

START_TEST(pairs_of_leaves)
{
    const uint64_t first = say(pairs[_i].first, pairs[_i].ballot, A, pairs[_i].cert, A);
    for (uint64_t i = 0; i < 5; i++)
        handlog_vote(&one, elsewhere, i + 1, 0, A);
    const uint64_t second = say(pairs[_i].second, pairs[_i].ballot2, pairs[_i].value2,
                                pairs[_i].cert2, pairs[_i].cert_value2);
    leaves_of(&one, first, &one, second);
    if (pairs[_i].breach == 0)
        ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
    else
        expect_slot((enum mr_breach)pairs[_i].breach, 1, 7);
}
END_TEST

/* The same leaves about two slots contradict nothing. */
START_TEST(pairs_in_other_slots)
{
    const uint64_t first = say(pairs[_i].first, pairs[_i].ballot, A, pairs[_i].cert, A);
    const uint64_t second = say(pairs[_i].second, pairs[_i].ballot2, pairs[_i].value2,
                                pairs[_i].cert2, pairs[_i].cert_value2);
    struct mr_leaf leaf = one.leaves[second];
    leaf.u.vote.seq++; /* account and seq begin every leaf about a slot */
    const uint64_t next = handlog_add(&one, &leaf);
    leaf = one.leaves[second];
    memcpy(leaf.u.vote.account, elsewhere, 16);
    const uint64_t there = handlog_add(&one, &leaf);
    leaves_of(&one, first, &one, next);
    ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
    leaves_of(&one, first, &one, there);
    ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
}
END_TEST

/* An honest log through every ballot of a slot: no two of its leaves, no two of its heads. */
START_TEST(an_honest_log)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_SEEN};
    say(VOTE, 0, A, 0, 0);
    say(ACK, 0, A, 0, 0);
    handlog_head(&other, &leaf.u.seen.head, 1, 1);
    handlog_add(&one, &leaf);
    say(UNLOCK, 1, 0, 0, A);
    say(VOTE, 1, A, 0, 0);
    say(UNLOCK, 2, 0, 0, A);
    say(VOTE, 2, B, 0, 0);
    say(ACK, 2, B, 0, 0);
    leaf = (struct mr_leaf){.kind = MR_LEAF_EVIDENCE, .u.evidence.node = 1};
    handlog_add(&one, &leaf);
    handlog_add(&one, &leaf);
    say(UNLOCK, 5, 0, 2, B);
    say(VOTE, 5, B, 0, 0);
    say(ACK, 5, B, 0, 0);
    other = one;
    for (uint64_t i = 0; i < one.count; i++) {
        for (uint64_t k = 0; k < one.count; k++) {
            leaves_of(&one, i, &one, k);
            ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
            fork_of(i < k ? i : k, i < k ? k : i);
            ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
        }
    }
}
END_TEST

/* --- what is not the node's ---------------------------------------------------------------------
 */

static void good_leaves(void)
{
    handlog_vote(&one, account, 5, 0, A);
    handlog_vote(&one, account, 5, 0, B);
    leaves_of(&one, 1, &one, 2);
    ck_assert_int_eq(verify(), MR_OK);
}

START_TEST(heads_of_others)
{
    struct mr_head *const head = &e.body.u.leaves.second.head;
    good_leaves();
    const struct mr_head good = *head;
    head->time_ms++;
    ck_assert_int_eq(verify(), MR_BAD_HEAD);
    *head = good;
    mr_head_sign(head, w.ledger, &keys[0]); /* by another node */
    ck_assert_int_eq(verify(), MR_BAD_HEAD);
    *head = good;
    head->node = 1; /* two nodes may well differ */
    mr_head_sign(head, w.ledger, &keys[0]);
    ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
    *head = good;
    head->generation = 2;
    mr_head_sign(head, w.ledger, &keys[LIAR - 1]);
    ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
    e.body.u.leaves.first.head = *head; /* a generation that nothing leads to */
    ck_assert_int_eq(verify(), MR_BAD_HEAD);
    *head = good;
    head->epoch = 2;
    mr_head_sign(head, w.ledger, &keys[LIAR - 1]);
    e.body.u.leaves.first.head = *head;
    ck_assert_int_eq(verify(), MR_BAD_HEAD);
    head->node = e.body.u.leaves.first.head.node = 9;
    ck_assert_int_eq(verify(), MR_BAD_HEAD);
}
END_TEST

START_TEST(leaves_that_are_not_there)
{
    good_leaves();
    e.body.u.leaves.second.leaf.u.vote.value[0] ^= 1;
    ck_assert_int_eq(verify(), MR_BAD_PROOF);
    good_leaves();
    e.body.u.leaves.first.index = 0;
    ck_assert_int_eq(verify(), MR_BAD_PROOF);
    good_leaves();
    e.body.u.leaves.first.path[0].h[3] ^= 1;
    ck_assert_int_eq(verify(), MR_BAD_PROOF);
}
END_TEST

START_TEST(of_another_ledger)
{
    good_leaves();
    e.ledger[0] ^= 1;
    ck_assert_int_eq(verify(), MR_WRONG_LEDGER);
    e.ledger[0] ^= 1;
    e.version = 0;
    ck_assert_int_eq(verify(), MR_BAD_EVIDENCE);
}
END_TEST

/* The liar's key is renewed by a RESTART: its second log is judged by the new one. */
START_TEST(after_a_restart)
{
    uint8_t seed[32] = {77};
    struct mr_seckey fresh;
    struct mr_signed_restart *const r = &e.handover[0].u.restart;
    *r = (struct mr_signed_restart){
        .restart = {.version = 1, .epoch = 2, .node = LIAR, .generation = 2}};
    memcpy(r->restart.ledger, w.ledger, 32);
    mr_seckey_from_seed(&fresh, &r->restart.log_key, seed);
    mr_restart_sign(r, 0, &w.governance);
    e.handover_count = 1;
    e.handover[0].kind = MR_HANDOVER_RESTART;
    handlog_init(&one, w.ledger, LIAR, &fresh);
    one.epoch = one.generation = 2;
    handlog_start(&one);
    handlog_vote(&one, account, 5, 0, A);
    handlog_vote(&one, account, 5, 0, B);
    leaves_of(&one, 1, &one, 2);
    ck_assert_int_eq(verify(), MR_OK);
    ck_assert_uint_eq(facts.generation, 2);
    r->sigs[0].sig[0] ^= 1;
    ck_assert_int_eq(verify(), MR_BAD_HEAD);
    r->sigs[0].sig[0] ^= 1;
    e.handover_count = 0;
    ck_assert_int_eq(verify(), MR_BAD_HEAD);
}
END_TEST

START_TEST(hash_and_words)
{
    uint8_t bytes[sizeof e], want[32], hash[32];
    good_leaves();
    mr_hash(want, "mereau/evidence", bytes, mr_evidence_encode(&e, bytes, sizeof bytes), NULL, 0);
    mr_evidence_hash(hash, &e);
    ck_assert_mem_eq(hash, want, 32);
    e.body.u.leaves.first.index++;
    mr_evidence_hash(hash, &e);
    ck_assert_mem_ne(hash, want, 32);
    ck_assert_str_eq(mr_breach_name(MR_BREACH_FALSE_REPORT), "FALSE_REPORT");
    ck_assert_str_eq(mr_breach_text(MR_BREACH_TWO_STARTS), "began its log a second time");
}
END_TEST

/* Random records are refused, and read within their bounds (for the sanitizers). */
START_TEST(noise)
{
    struct random_source g = random_source_of(4711);
    for (int i = 0; i < 2000; i++) {
        random_evidence(&g, &e);
        memcpy(e.ledger, w.ledger, 32);
        e.version = 1;
        ck_assert_int_ne(mr_evidence_verify(&facts, &w.charter, NULL, &e), MR_OK);
    }
}
END_TEST

int main(void)
{
    const int pairs_count = (int)(sizeof pairs / sizeof *pairs);
    Suite *s = suite_create("evidence");
    TCase *t = tcase_create("evidence");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, forks_of_all_sizes, 1, 19);
    tcase_add_test(t, fork_with_a_made_up_root);
    tcase_add_test(t, fork_of_an_empty_log);
    tcase_add_test(t, heartbeats_and_clocks);
    tcase_add_test(t, fork_the_wrong_way_round);
    tcase_add_test(t, two_votes);
    tcase_add_test(t, two_votes_in_two_histories);
    tcase_add_test(t, two_leaves_of_one_index);
    tcase_add_test(t, two_acks);
    tcase_add_test(t, two_starts);
    tcase_add_loop_test(t, pairs_of_leaves, 0, pairs_count);
    tcase_add_loop_test(t, pairs_in_other_slots, 0, pairs_count);
    tcase_add_test(t, an_honest_log);
    tcase_add_test(t, heads_of_others);
    tcase_add_test(t, leaves_that_are_not_there);
    tcase_add_test(t, of_another_ledger);
    tcase_add_test(t, after_a_restart);
    tcase_add_test(t, hash_and_words);
    tcase_add_test(t, noise);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
