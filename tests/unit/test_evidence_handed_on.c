/* Evidence goes from node to node: EVD-9. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "engine/internal.h"
#include "lib/ring.h"
#include "mereau/sign.h"

static struct ring r;

static void setup(void)
{
    ring_init(&r, 4, 3);
    ring_people(&r);
}

static void teardown(void)
{
    ring_done(&r);
}

static bool is_convicted(uint32_t by, uint32_t node)
{
    struct mr_peer_facts f;
    ck_assert(mr_engine_peer(r.nodes[by].engine, node + 1, &f));
    return f.state.convicted;
}

static uint64_t pieces(uint32_t node)
{
    struct mr_engine_facts f;
    mr_engine_facts(r.nodes[node].engine, &f);
    return f.evidence;
}

/* Makes a node say what no rule allows. */
static void lie_vote(uint32_t node, const struct mr_order *o)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_VOTE, .u.vote.seq = o->seq};
    memcpy(leaf.u.vote.account, o->account, 16);
    mr_order_id(leaf.u.vote.value, o);
    mri_say_leaf(r.nodes[node].engine, &leaf);
}

static void cut(uint32_t node, uint32_t peer)
{
    r.nodes[node].cut[peer] = true;
    ring_break(&r, node, peer);
}

/* Node 3 votes for two orders of one slot. */
static void vote_twice(void)
{
    static struct mr_signed_order o;
    ring_order(&r, 1, &o, r.w.members[1].id, MR_KIND_PAY);
    world_pay_body(&r.w, &o.order.body.u.pay, 0, 500);
    lie_vote(3, &o.order);
    world_pay_body(&r.w, &o.order.body.u.pay, 0, 501);
    lie_vote(3, &o.order);
    ring_wait(&r, 2000);
}

/* EVD-9: who announces evidence is asked for it, by whoever has not read what it shows. */
START_TEST(evidence_is_handed_on)
{
    cut(2, 3); /* does not read its log */
    vote_twice();
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_msg(is_convicted(i, 3), "node %u", i);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(pieces(i), 1);
    ring_kill(&r, 2);
    ring_start(&r, 2);
    ring_wait(&r, 1000);
    ck_assert(is_convicted(2, 3));
    ck_assert_uint_eq(pieces(2), 1);
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 5), MR_SETTLED);
}
END_TEST

/* What nobody holds is asked for a few times, and convicts nobody. */
START_TEST(evidence_that_is_not_there)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_EVIDENCE, .u.evidence.node = 1};
    for (uint32_t i = 0; i < 20; i++) {
        leaf.u.evidence.node = 1 + i % 5; /* the own node and one that is none, too */
        mri_say_leaf(r.nodes[3].engine, &leaf);
    }
    ring_wait(&r, 500);
    const struct mri_peer *const p = mri_peer_of(r.nodes[1].engine, 4);
    ck_assert_uint_gt(p->questions, 0);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 5), MR_SETTLED);
    ring_wait(&r, 30000);
    ck_assert_uint_eq(p->questions, 0);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(pieces(i), 0);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 5), MR_SETTLED);
}
END_TEST

static struct mr_rep_evidence answer;

static void ignore(void *ctx, uint64_t token, const uint8_t *bytes, size_t len)
{
    (void)ctx, (void)token, (void)bytes, (void)len;
}

/* Node 0 is answered by node 1. */
static void give(const struct mr_rep_evidence *what)
{
    struct mr_effects fx = {.reply = ignore};
    r.reply->status = MR_OK;
    r.reply->body.kind = MR_REQ_EVIDENCE;
    r.reply->body.u.evidence = *what;
    const struct mr_event ev = {.kind = MR_EV_ANSWER,
                                .now_ms = r.w.now_ms,
                                .u.answer = {.peer = 2, .kind = MR_REQ_EVIDENCE, .reply = r.reply}};
    ck_assert_int_eq(mr_engine_step(r.nodes[0].engine, &ev, &fx), MR_OK);
}

/* The piece that node 1 holds, found at node 0 to be none after every change. */
START_TEST(evidence_that_proves_nothing)
{
    struct mr_request q = {.body.kind = MR_REQ_EVIDENCE, .body.u.evidence = {.from = 1}};
    for (uint32_t i = 1; i < 4; i++)
        cut(0, i);
    vote_twice();
    ck_assert_int_eq(ring_request(&r, 1, &q), MR_OK);
    answer = r.reply->body.u.evidence;
    ck_assert_uint_eq(answer.items_count, 1);
    static struct mr_rep_evidence lie;
    struct mr_evidence_leaves *const l = &lie.items[0].body.u.leaves;
    static struct mr_rep_evidence all[12];
    uint32_t count = 0;
#define LIE(change)                                                                                \
    do {                                                                                           \
        lie = answer;                                                                              \
        change;                                                                                    \
        all[count++] = lie;                                                                        \
    } while (0)
    ck_assert_int_eq(answer.items[0].body.kind, MR_EVIDENCE_LEAVES);
    LIE(lie.items[0].ledger[0] ^= 1);
    LIE(lie.items[0].version = 0);
    LIE(l->first.head.sig[0] ^= 1);
    LIE(l->second.head.sig[0] ^= 1);
    LIE(l->second.head.root[5] ^= 1);
    LIE(l->first.head.node = l->second.head.node = 1);  /* the reader itself */
    LIE(l->first.head.node = l->second.head.node = 3);  /* somebody else */
    LIE(l->first.head.node = l->second.head.node = 31); /* nobody */
    LIE(l->first.head.epoch = l->second.head.epoch = 2);
    LIE(l->first.leaf.u.vote.seq++);
    LIE(l->second = l->first);
    LIE(lie.items_count = 0);
#undef LIE
    for (uint32_t i = 0; i < count; i++) {
        give(&all[i]);
        ck_assert_msg(!is_convicted(0, 3) && pieces(0) == 0, "lie %u", i);
    }
    give(&answer);
    ck_assert(is_convicted(0, 3));
    give(&answer);
    ck_assert_uint_eq(pieces(0), 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evidence_handed_on");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, evidence_is_handed_on);
    tcase_add_test(c, evidence_that_is_not_there);
    tcase_add_test(c, evidence_that_proves_nothing);
    suite_add_tcase(s, c);
    SRunner *n = srunner_create(s);
    srunner_run_all(n, CK_ENV);
    const int failed = srunner_ntests_failed(n);
    srunner_free(n);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
