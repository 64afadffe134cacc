/* What nodes do together: SLOT-2 to SLOT-11 through real engines. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "engine/internal.h"
#include "lib/ring.h"
#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/receipt.h"
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

static void expect_receipt(void)
{
    struct mr_receipt_facts f;
    ck_assert_uint_eq(r.reply->body.u.submit.receipt_count, 1);
    ck_assert_int_eq(mr_receipt_verify(&f, &r.w.charter, NULL, &r.reply->body.u.submit.receipt[0]),
                     MR_OK);
    ck_assert_uint_eq(f.quorum, 3);
}

START_TEST(a_payment_settles_everywhere_with_a_receipt_of_q_nodes)
{
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 1250), MR_SETTLED);
    expect_receipt();
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_int_eq(ring_balance(&r, i, 0), 98750);
        ck_assert_int_eq(ring_balance(&r, i, 1), 1250);
    }
    ring_check(&r);
}
END_TEST

START_TEST(one_node_may_be_down_and_catches_up)
{
    ring_kill(&r, 3);
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 100), MR_SETTLED);
    ring_kill(&r, 2);
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 100), MR_NO_ANSWER);
    ring_wait(&r, 5000);
    ck_assert_int_eq(r.status, MR_VOTING);
    ring_start(&r, 3);
    ring_settle(&r);
    ring_start(&r, 2);
    ring_wait(&r, 1000);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(ring_balance(&r, i, 1), 200);
    ring_check(&r);
}
END_TEST

START_TEST(a_cancel_voids_an_order_that_waits)
{
    static struct mr_signed_order o;
    struct mr_signed_cancel c = {.cancel.seq = 0};
    ring_order(&r, 0, &o, r.w.members[0].id, MR_KIND_PAY);
    memcpy(c.cancel.ledger, r.w.ledger, 32);
    memcpy(c.cancel.account, r.w.members[0].id, 16);
    c.cancel.seq = o.order.seq;
    world_pay_body(&r.w, &o.order.body.u.pay, 1, 99999999);
    world_sign(&r.w, &o);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_LIMIT_PAYMENT);
    mr_cancel_sign(&c, 0, &r.w.members[0].key);
    ck_assert_int_eq(ring_cancel(&r, 2, &c), MR_VOIDED);
    ring_check(&r);
}
END_TEST

/* Two orders for one slot, handed in at two nodes each before either has heard of the other's. */
START_TEST(two_orders_of_one_owner_are_decided_within_seconds)
{
    static struct mr_signed_order a, b;
    ring_order(&r, 0, &a, r.w.members[0].id, MR_KIND_PAY);
    b = a;
    world_pay_body(&r.w, &a.order.body.u.pay, 1, 100);
    world_pay_body(&r.w, &b.order.body.u.pay, 1, 200);
    world_sign(&r.w, &a);
    world_sign(&r.w, &b);
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t k = 0; k < 4; k++)
            r.nodes[i].cut[k] = true;
    /* What was under way is answered first; nothing new is asked. */
    ring_submit(&r, 0, &a);
    ring_submit(&r, 1, &a);
    ring_submit(&r, 2, &b);
    ring_submit(&r, 3, &b);
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t k = 0; k < 4; k++)
            r.nodes[i].cut[k] = false;
    ring_settle(&r);
    ring_wait(&r, 15000);
    const int64_t got = ring_balance(&r, 0, 1);
    ck_assert(got == 0 || got == 100 || got == 200);
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 7), MR_SETTLED);
    ck_assert_int_eq(ring_balance(&r, 3, 1), got + 7);
    ring_check(&r);
}
END_TEST

START_TEST(nodes_restart_in_the_middle)
{
    for (uint32_t i = 0; i < 12; i++) {
        ring_kill(&r, i % 4);
        ring_start(&r, i % 4);
        ring_settle(&r);
        ck_assert_int_eq(ring_pay(&r, (i + 1) % 4, 0, 1, 10), MR_SETTLED);
    }
    ring_wait(&r, 500);
    ring_check(&r);
}
END_TEST

/* Makes a node say what no rule allows. */
static void lie_vote(uint32_t node, const struct mr_order *o)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_VOTE, .u.vote.seq = o->seq};
    memcpy(leaf.u.vote.account, o->account, 16);
    mr_order_id(leaf.u.vote.value, o);
    mri_say_leaf(r.nodes[node].engine, &leaf);
}

/* As many votes as may be lies tell nothing: the owner hears what is missing. */
START_TEST(a_liars_vote_hides_no_reason)
{
    static struct mr_signed_order o;
    ring_order(&r, 0, &o, r.w.members[1].id, MR_KIND_PAY);
    world_pay_body(&r.w, &o.order.body.u.pay, 0, 500);
    world_sign(&r.w, &o);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_PARKED);
    lie_vote(3, &o.order);
    ring_wait(&r, 500);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_PARKED);
    ck_assert_uint_eq(r.reply->body.u.submit.cause, MR_FUNDS_SHORT);
    ck_assert_int_eq(r.reply->body.u.submit.missing, 500);
    ck_assert_uint_eq(r.reply->body.u.submit.votes, 0);
    lie_vote(2, &o.order); /* two are more than may lie: one of them is right, and knows more */
    ring_wait(&r, 500);
    ring_submit(&r, 0, &o);
    ring_wait(&r, 10000);
    ck_assert_int_eq(r.status, MR_VOTING);
}
END_TEST

/* --- epochs ----------------------------------------------------------------------------------- */

START_TEST(a_node_leaves)
{
    ck_assert_int_eq(ring_next(&r, 0, 0, 2, 3, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 3, 2);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 1250), MR_SETTLED);
    expect_receipt();
    ck_assert_uint_eq(r.reply->body.u.submit.receipt[0].handover_count, 1);
    ck_assert_int_eq(ring_pay(&r, 3, 0, 1, 1250), MR_RETIRED);
    ring_kill(&r, 3);
    ring_check(&r);
}
END_TEST

START_TEST(a_node_gets_a_new_key)
{
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 5), MR_SETTLED);
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 3, 1u << 2), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 3, 2);
    ring_kill(&r, 0);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_SETTLED);
    expect_receipt();
    ring_start(&r, 0);
    ring_wait(&r, 1000);
    ring_check(&r);
}
END_TEST

/* A node that was down while the epoch changed reads the end of it in the others' logs. */
START_TEST(a_node_comes_back_after_the_change)
{
    ring_kill(&r, 3);
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 3, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 2, 2);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_SETTLED);
    ring_start(&r, 3);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 3, 2);
    ck_assert_int_eq(ring_pay(&r, 3, 0, 1, 10), MR_SETTLED);
    ring_check(&r);
}
END_TEST

START_TEST(one_node_becomes_four_and_one_again)
{
    ring_done(&r);
    ring_one_of_four(&r);
    ring_in_epoch(&r, 0, 0, 2);
    ring_kill(&r, 0); /* what the others are shown of the end stands in the journal */
    ring_start(&r, 0);
    ring_join_others(&r);
    ck_assert_int_eq(ring_pay(&r, 3, 0, 1, 10), MR_SETTLED);
    expect_receipt();
    ring_kill(&r, 2);
    ring_start(&r, 2);
    ring_wait(&r, 1000);
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 10), MR_SETTLED);
    ring_check(&r);
    ck_assert_int_eq(ring_next(&r, 1, 0, 0, 1, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 3, 3);
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 10), MR_SETTLED);
    ck_assert_int_eq(ring_balance(&r, 0, 1), 30);
}
END_TEST

/* FINAL is the last leaf of a log, whatever comes while it is being synced. */
START_TEST(nothing_is_said_behind_final)
{
    static struct mr_request q = {.body = {.kind = MR_REQ_HANDOVER, .u.handover = {2, 1}}};
    ring_wait(&r, 250); /* all say what they saw, and are to do so again in two seconds */
    r.slow = true;
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 3, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 3, 2);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_int_eq(ring_request(&r, i, &q), MR_OK);
        ck_assert_uint_eq(r.reply->body.u.handover.final_count, 1);
    }
}
END_TEST

static enum mr_status identify(uint32_t node, uint32_t peer)
{
    const struct mr_req_auth auth = {.role = MR_AUTH_PEER, .key_index = peer + 1};
    struct mr_principal who = {.peer = 0};
    struct mr_pubkey key;
    return mr_engine_identify(r.nodes[node].engine, &key, &who, &auth);
}

/* Who leaves may have to read the end of its last epoch still, whatever the others do meanwhile. */
START_TEST(who_leaves_is_let_in_after_a_restart)
{
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_int_eq(ring_next(&r, 0, 0, 2 - i, 3 - i, 0), MR_SETTLED);
        ring_wait(&r, 10000);
        ring_sum(&r, 0); /* the journal has nothing of it any more */
        ring_kill(&r, 0);
        ck_assert_uint_eq(ring_epoch(&r, 1), i + 2);
        ring_start(&r, 0);
        ck_assert_int_eq(identify(0, 3 - i), MR_OK);
    }
    ck_assert_int_eq(identify(0, 3), MR_BAD_KEY);
}
END_TEST

static const struct mr_head *head_of(uint32_t node)
{
    static struct mr_request q = {.body.kind = MR_REQ_HEAD};
    const enum mr_status st = ring_request(&r, node, &q);
    ck_assert_msg(st == MR_OK || st == MR_BUSY, "%s", mr_status_name(st));
    return st == MR_OK ? &r.reply->body.u.head.head : NULL;
}

/* In the first moments of an epoch there is no head yet, and a node that is none has none. */
START_TEST(a_head_that_is_shown_is_signed)
{
    static struct mr_request q = {.body = {.kind = MR_REQ_HEAD, .u.head.from_size = 2}};
    ck_assert_int_eq(ring_next(&r, 0, 0, 2, 3, 0), MR_SETTLED);
    while (ring_epoch(&r, 0) == 1)
        ring_wait(&r, 250);
    ring_wait(&r, 5000);
    const uint32_t epochs[] = {2, 2, 2, 1};
    for (uint32_t i = 0; i < 4; i++) {
        const struct mr_head *const h = head_of(i);
        ck_assert_ptr_nonnull(h);
        ck_assert_uint_eq(h->epoch, epochs[i]);
        ck_assert(mr_head_verify(h, r.w.ledger, &r.w.charter.nodes[i].log_key));
    }
    const struct mr_head *const last = &r.reply->body.u.head.head;
    const struct mr_head was = *last;
    ck_assert_int_eq(ring_request(&r, 3, &q), MR_OK);
    ck_assert_uint_gt(r.reply->body.u.head.consistency_count, 0);
    ck_assert_mem_eq(last->root, was.root, 32);
    /* Nothing of the new log is synced yet. */
    r.nodes[0].engine->head = (struct mr_head){.time_ms = was.time_ms};
    ck_assert_ptr_null(head_of(0));
}
END_TEST

/* A sum that was begun before the epoch ended has no copy that nodes could join: once more. */
START_TEST(final_is_a_state_that_is_kept)
{
    struct mr_engine_facts f;
    r.nodes[0].no_sum = true;
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 3, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 0, 1);
    const struct mr_checkpoint c = ring_sum(&r, 0);
    ring_summed(&r, 0, &c, false);
    mr_engine_facts(r.nodes[0].engine, &f);
    ck_assert(f.sum_wanted && f.sum_kept && !f.meta.finished);
    ring_wait(&r, 1000);
    ring_in_epoch(&r, 0, 0, 1);
    ring_summed(&r, 0, &c, true);
    ring_wait(&r, 1000);
    ring_in_epoch(&r, 0, 3, 2);
}
END_TEST

/* What the CUT names of its own log it may have forgotten: what only that decides it cannot settle,
 * and it would begin the epoch with another state. It stays, and joins anew. */
START_TEST(who_forgot_its_own_sealed_log_stays)
{
    r.nodes[0].no_sum = true;
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 3, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    struct mr_engine *const e = r.nodes[0].engine;
    bool named = false;
    for (uint32_t i = 0; i < e->cut.logs_count; i++) {
        named = named || e->cut.logs[i].node == 1;
        e->cut.logs[i].root[0] ^= e->cut.logs[i].node == 1;
    }
    ck_assert(named && e->cut_read);
    e->cut_read = false;
    r.nodes[0].no_sum = false;
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 1, 3, 2);
    ring_in_epoch(&r, 0, 0, 1);
}
END_TEST

/* With its own key it might contradict what it forgot: it comes back with a new one. */
START_TEST(a_node_that_lost_everything_returns_with_a_new_key)
{
    ck_assert_int_eq(ring_pay(&r, 3, 0, 1, 10), MR_SETTLED);
    ring_kill(&r, 3);
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 3, 1u << 3), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 2, 2);
    ring_join(&r, 3, 0);
    ring_wait(&r, 1000);
    ring_kill(&r, 1);
    ck_assert_int_eq(ring_pay(&r, 3, 0, 1, 10), MR_SETTLED);
    expect_receipt();
    ring_check(&r);
}
END_TEST

/* What it asked before it was gone is held by the others still: news must not go there. With a
 * second node down its vote is needed. */
START_TEST(a_node_that_is_back_hears_at_once)
{
    ring_kill(&r, 2);
    for (uint32_t i = 0; i < 3; i++) {
        ring_kill(&r, 3);
        ring_start(&r, 3);
        ring_settle(&r);
        ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 10), MR_SETTLED);
        ck_assert_int_eq(ring_balance(&r, 3, 1), 10 * (i + 1));
    }
    ring_check(&r);
}
END_TEST

/* The long polls of a node that leaves are answered: nothing waits for news that never come. */
START_TEST(who_leaves_is_answered)
{
    ck_assert_int_eq(ring_next(&r, 0, 0, 2, 3, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 2, 2);
    for (uint32_t i = 0; i < RING_MAIL_MAX; i++)
        ck_assert_msg(!r.mail[i].used || r.mail[i].from != 4, "node %u owes an answer",
                      r.mail[i].to);
}
END_TEST

/* --- what a CUT settles ----------------------------------------------------------------------- */

/* One node reads the log of another as it is now, and nothing else moves. */
static void let_read(uint32_t node, uint32_t peer)
{
    r.nodes[node].cut[peer] = false;
    ring_settle(&r);
    ring_isolate(&r);
}

/* Node 0 seals its log before it hears of a payment that node 1 acknowledged; node 2, which voted
 * for it too, is gone. The CUT settles it on that one acknowledgement. */
static void settle_by_cut(uint32_t rekey)
{
    ring_done(&r);
    ring_init(&r, 3, 2);
    ring_people(&r);
    ring_wait(&r, 1000);
    ring_isolate(&r);
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 10), MR_NO_ANSWER);
    ck_assert_int_eq(ring_next(&r, 0, 0, 2, 2, rekey), MR_NO_ANSWER);
    let_read(1, 0);
    let_read(0, 1);
    let_read(1, 2);
    ring_kill(&r, 2);
    ring_reunite(&r);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 1, 2);
    ck_assert_int_eq(ring_balance(&r, 0, 1), 10);
}

static bool has_receipt(uint32_t node)
{
    static struct mr_request q = {.body = {.kind = MR_REQ_SLOT, .u.slot.seq = 1}};
    struct mr_receipt_facts f;
    memcpy(q.body.u.slot.account, r.w.members[0].id, 16);
    ck_assert_int_eq(ring_request(&r, node, &q), MR_SETTLED);
    const struct mr_rep_slot *const s = &r.reply->body.u.slot;
    if (s->receipt_count == 0)
        return false;
    ck_assert_int_eq(mr_receipt_verify(&f, &r.w.charter, NULL, &s->receipt[0]), MR_OK);
    ck_assert_uint_eq(s->receipt[0].proofs[0].head.epoch, 2);
    return true;
}

/* SLOT-17: who is asked for its receipt says in the new epoch that it settled, and so do others. */
START_TEST(what_a_cut_settles_gets_a_receipt_in_the_next_epoch)
{
    settle_by_cut(0);
    has_receipt(0);
    ring_wait(&r, 500);
    ck_assert(has_receipt(0));
    ck_assert(has_receipt(1));
    ring_kill(&r, 0); /* out of the journal */
    ring_start(&r, 0);
    ck_assert(has_receipt(0));
    ring_sum(&r, 0); /* out of the store */
    ring_kill(&r, 0);
    ring_start(&r, 0);
    ck_assert(has_receipt(0));
    ring_check(&r);
}
END_TEST

/* The state that a node took over ends the chain with it: q nodes vouched for that. */
START_TEST(a_node_that_joined_acknowledges_what_a_cut_settled)
{
    struct mr_receipt_facts f;
    settle_by_cut(1u << 2);
    ring_join(&r, 2, 0);
    ring_kill(&r, 1);
    has_receipt(0);
    ring_wait(&r, 500);
    ck_assert(has_receipt(0));
    const struct mr_signed_order paid = r.reply->body.u.slot.receipt[0].order[0];
    ck_assert(!has_receipt(2)); /* the order stands in the journals of others */
    ck_assert_int_eq(ring_submit(&r, 2, &paid), MR_SETTLED);
    ck_assert_uint_eq(r.reply->body.u.submit.receipt_count, 1);
    ck_assert_int_eq(mr_receipt_verify(&f, &r.w.charter, NULL, &r.reply->body.u.submit.receipt[0]),
                     MR_OK);
    ring_check(&r);
}
END_TEST

/* Rows of slots are one node's word: the state root does not cover them. */
START_TEST(a_node_that_joined_believes_no_row)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_ACK, .u.ack.seq = 1};
    struct mr_state_slot slot;
    uint8_t key[16], bytes[1024];
    settle_by_cut(1u << 2);
    struct mr_engine *const e = r.nodes[0].engine;
    uint64_t number;
    ck_assert_int_eq(mri_account_number(&e->ledger, &number, r.w.members[0].id), MR_OK);
    ck_assert_int_eq(mri_slot_get(&e->ledger, &slot, number, 1), MR_OK);
    slot.value[0] ^= 1;
    struct mr_store *const final = r.nodes[0].final;
    const struct mr_put put = {.table = MR_TABLE_SLOT,
                               .key = key,
                               .key_len = (uint32_t)mri_key_pair(key, number, 1),
                               .value = bytes,
                               .value_len =
                                   (uint32_t)mr_state_slot_encode(&slot, bytes, sizeof bytes)};
    ck_assert_int_eq(final->api->commit(final, &put, 1), MR_OK);
    ck_assert_int_eq(final->api->refresh(final), MR_OK);
    ring_join(&r, 2, 0);
    const uint64_t size = r.nodes[2].engine->tree.size;
    memcpy(leaf.u.ack.account, r.w.members[0].id, 16);
    memcpy(leaf.u.ack.value, slot.value, 32);
    mr_hash(leaf.u.ack.certificate, "mereau/certificate", "", 0, NULL, 0);
    mri_say_leaf(e, &leaf);
    ring_wait(&r, 500);
    ck_assert_uint_eq(r.nodes[2].engine->anew_count, 0); /* it has read it */
    for (uint64_t i = size; i < r.nodes[2].engine->tree.size; i++)
        ck_assert_uint_ne(r.nodes[2].engine->told[i % MRI_RING].bytes[3], MR_LEAF_ACK);
}
END_TEST

/* --- what was shown --------------------------------------------------------------------------- */

/* How many acknowledgements of member 0's first order a node shows a peer. */
static uint32_t shown_by(uint32_t node)
{
    const struct mr_principal who = {.peer = 1};
    static struct mr_request q = {.body = {.kind = MR_REQ_FETCH, .u.fetch.slots_count = 1}};
    struct mr_engine *const e = r.nodes[node].engine;
    struct mr_event ev = {.kind = MR_EV_REQUEST};
    memcpy(q.body.u.fetch.slots[0].account, r.w.members[0].id, 16);
    q.body.u.fetch.slots[0].seq = 1;
    ev.u.request.who = &who;
    ev.u.request.request = &q;
    mri_reply(e, MR_REQ_FETCH);
    ck_assert_int_eq(mri_fetch(e, &ev), MR_OK);
    return e->reply.body.u.fetch.proofs_count;
}

/* Node 3 reads the log of node 0 only, and is shown by it what the others acknowledged. */
static void settle_on_shown(void)
{
    for (uint32_t i = 0; i < 3; i++) {
        r.nodes[i].cut[3] = true;
        ring_break(&r, i, 3);
    }
    for (uint32_t i = 1; i < 3; i++) {
        r.nodes[3].cut[i] = true;
        ring_break(&r, 3, i);
    }
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 10), MR_SETTLED);
    ring_wait(&r, 5000);
    ck_assert_int_eq(ring_balance(&r, 3, 1), 10);
}

START_TEST(what_was_shown_is_shown_on)
{
    static struct mr_request q = {.body = {.kind = MR_REQ_SLOT, .u.slot.seq = 1}};
    struct mr_receipt_facts f;
    settle_on_shown();
    memcpy(q.body.u.slot.account, r.w.members[0].id, 16);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_ge(shown_by(3), 3);
        ck_assert_int_eq(ring_request(&r, 3, &q), MR_SETTLED);
        ck_assert_uint_eq(r.reply->body.u.slot.receipt_count, 1);
        ck_assert_int_eq(
            mr_receipt_verify(&f, &r.w.charter, NULL, &r.reply->body.u.slot.receipt[0]), MR_OK);
        if (i == 1)
            ring_sum(&r, 3); /* out of the store, then */
        ring_kill(&r, 3);
        ring_start(&r, 3);
    }
}
END_TEST

/* Node 3 comes late, reads the log of node 0 only, and is shown by it that an order is settled. */
static void hear_late(void)
{
    for (uint32_t i = 0; i < 3; i++) {
        r.nodes[3].cut[i] = true;
        ring_break(&r, 3, i);
    }
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 10), MR_SETTLED);
    ring_wait(&r, 1000);
    r.nodes[3].cut[0] = false;
    ring_break(&r, 3, 0);
    ring_settle(&r);
    ck_assert_uint_ge(shown_by(0), 3);
    const struct mr_rep_fetch *const shown = &r.nodes[0].engine->reply.body.u.fetch;
    ck_assert_int_eq(mri_shown_take(r.nodes[3].engine, shown->proofs, shown->proofs_count), MR_OK);
    ring_wait(&r, 1);
    ck_assert_ptr_nonnull(r.nodes[3].engine->opens.oldest);
    ck_assert_ptr_nonnull(mri_shown_of(r.nodes[3].engine, r.nodes[3].engine->opens.oldest));
    ck_assert_int_eq(ring_balance(&r, 3, 1), 0);
}

/* Who settled member 0's first order, as node 3 remembers it: bit i for node i. */
static uint32_t settled_by(void)
{
    struct mr_engine *const e = r.nodes[3].engine;
    struct mr_state_slot slot;
    uint64_t number;
    uint32_t set = 0;
    ck_assert_int_eq(mri_account_number(&e->ledger, &number, r.w.members[0].id), MR_OK);
    ck_assert_int_eq(mri_slot_get(&e->ledger, &slot, number, 1), MR_OK);
    ck_assert_uint_eq(slot.acks_count, 3);
    for (uint32_t i = 0; i < slot.acks_count; i++) {
        ck_assert(i == 0 || slot.acks[i].node > slot.acks[i - 1].node);
        set |= 1u << (slot.acks[i].node - 1);
    }
    return set;
}

START_TEST(what_is_shown_early_is_acknowledged_too)
{
    hear_late();
    for (uint32_t i = 1; i < 3; i++) {
        r.nodes[3].cut[i] = false;
        ring_break(&r, 3, i);
    }
    ring_settle(&r);
    ck_assert_int_eq(ring_balance(&r, 3, 1), 10);
    ck_assert_uint_eq(settled_by(), 0xb);
}
END_TEST

START_TEST(what_is_shown_early_does_not_wait_for_long)
{
    hear_late();
    ring_wait(&r, 500);
    ck_assert_int_eq(ring_balance(&r, 3, 1), 10);
    ck_assert_uint_eq(settled_by(), 0x7);
}
END_TEST

START_TEST(a_change_that_breaks_the_bounds_is_refused)
{
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 2, 0), MR_OUT_OF_RANGE);
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 5, 0), MR_OUT_OF_RANGE);
    ck_assert_int_eq(ring_pay(&r, 3, 0, 1, 10), MR_SETTLED);
}
END_TEST

/* LED-5a: the caps that are in force count, not those of the charter. */
START_TEST(who_joins_brings_no_cap_that_is_too_much)
{
    static struct mr_signed_order o;
    ring_done(&r);
    ring_init_founders(&r, 4, 3, 2, 1);
    ring_order(&r, 0, &o, r.w.system, MR_KIND_CAP);
    memcpy(o.order.body.u.cap.association, r.w.charter.associations[0].id, 16);
    o.order.body.u.cap.cap = MR_CAPS_MAX - 5;
    world_sign(&r.w, &o);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_SETTLED);
    ring_next_order(&r, 0, &o);
    struct mr_next_epoch *const n = &o.order.body.u.next;
    n->associations_count = 1;
    n->associations[0] = r.w.charter.associations[1];
    n->associations[0].cap = 6;
    world_sign(&r.w, &o);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_OUT_OF_RANGE);
    n->associations[0].cap = 5;
    world_sign(&r.w, &o);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 3, 2);
    ring_check(&r);
}
END_TEST

/* A receipt carries the last changes, a file all of them, and who knows them needs none. */
static void expect_reach(uint32_t epoch)
{
    static uint8_t bytes[sizeof(struct mr_receipt) + MR_CHAIN_BYTES_MAX];
    static struct mr_receipt good, read;
    struct mr_receipt_facts f;
    struct mr_chain behind;
    good = r.reply->body.u.submit.receipt[0];
    ck_assert_uint_eq(good.proofs[0].head.epoch, epoch);
    ck_assert_uint_le(mr_receipt_size(&good), MR_FRAME_MAX - 1024);
    ck_assert_uint_ge(good.handover_count, 1);
    ck_assert_uint_lt(good.handover_count, epoch - 1);
    struct mr_chain all = ring_chain(&r, 1);
    ck_assert_uint_eq(all.count, epoch - 1);
    ck_assert_int_eq(mr_receipt_verify(&f, &r.w.charter, NULL, &good), MR_BAD_HEAD);
    ck_assert_int_eq(mr_receipt_verify(&f, &r.w.charter, &all, &good), MR_OK);
    size_t n = mr_receipt_encode(&good, bytes, sizeof bytes);
    const size_t record = n,
                 whole = record + mr_chain_prefix(&all, epoch - 1 - good.handover_count);
    memcpy(bytes + n, all.bytes, all.len);
    ck_assert_int_eq(mr_receipt_read(&read, &behind, bytes, whole), MR_OK);
    ck_assert_int_eq(mr_receipt_verify(&f, &r.w.charter, &behind, &read), MR_OK);
    ck_assert_int_eq(mr_receipt_read(&read, &behind, bytes, record + all.len), MR_OK);
    ck_assert_int_eq(mr_receipt_verify(&f, &r.w.charter, &behind, &read), MR_OK);
    n = record + mr_chain_prefix(&all, epoch - 2 - good.handover_count);
    ck_assert_int_eq(mr_receipt_read(&read, &behind, bytes, n), MR_OK);
    ck_assert_int_eq(mr_receipt_verify(&f, &r.w.charter, &behind, &read), MR_BAD_HEAD);
    ck_assert_int_eq(mr_receipt_read(&read, &behind, bytes, whole - 4), MR_TRUNCATED);
    bytes[whole - 200] ^= 1; /* what q nodes signed is another thing */
    if (mr_receipt_read(&read, &behind, bytes, whole) == MR_OK)
        ck_assert_int_eq(mr_receipt_verify(&f, &r.w.charter, &behind, &read), MR_BAD_HEAD);
}

START_TEST(a_ledger_changes_its_nodes_many_times)
{
    static struct mr_request head = {.body.kind = MR_REQ_HEAD};
    for (uint32_t i = 0; i < 65; i++) {
        const uint32_t rekey = i % 3 == 0 ? 1u << i % 4 : 0;
        if (i % 20 == 7)
            ring_regroup_all(&r, 3, rekey);
        else
            ck_assert_int_eq(ring_next(&r, i % 4, 0, 3, 3, rekey), MR_SETTLED);
        ring_wait(&r, 10000);
        ring_in_epoch(&r, 0, 3, i + 2);
    }
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 1250), MR_SETTLED);
    expect_reach(66);
    ck_assert_int_eq(ring_request(&r, 2, &head), MR_OK);
    ck_assert_uint_eq(r.reply->body.u.head.head.epoch, 66);
    ring_kill(&r, 3);
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 3, 1u << 3), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 2, 67);
    ring_join(&r, 3, 0);
    ring_wait(&r, 1000);
    ring_kill(&r, 1);
    ck_assert_int_eq(ring_pay(&r, 3, 0, 1, 10), MR_SETTLED);
    ring_start(&r, 1);
    ring_wait(&r, 1000);
    ring_check(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("committee");
    TCase *c = tcase_create("committee");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_payment_settles_everywhere_with_a_receipt_of_q_nodes);
    tcase_add_test(c, one_node_may_be_down_and_catches_up);
    tcase_add_test(c, a_cancel_voids_an_order_that_waits);
    tcase_add_test(c, two_orders_of_one_owner_are_decided_within_seconds);
    tcase_add_test(c, nodes_restart_in_the_middle);
    tcase_add_test(c, a_liars_vote_hides_no_reason);
    tcase_add_test(c, a_node_leaves);
    tcase_add_test(c, a_node_gets_a_new_key);
    tcase_add_test(c, a_node_comes_back_after_the_change);
    tcase_add_test(c, one_node_becomes_four_and_one_again);
    tcase_add_test(c, a_node_that_lost_everything_returns_with_a_new_key);
    tcase_add_test(c, who_leaves_is_answered);
    tcase_add_test(c, what_was_shown_is_shown_on);
    tcase_add_test(c, what_is_shown_early_is_acknowledged_too);
    tcase_add_test(c, what_is_shown_early_does_not_wait_for_long);
    tcase_add_test(c, final_is_a_state_that_is_kept);
    tcase_add_test(c, who_forgot_its_own_sealed_log_stays);
    tcase_add_test(c, a_head_that_is_shown_is_signed);
    tcase_add_test(c, who_leaves_is_let_in_after_a_restart);
    tcase_add_test(c, what_a_cut_settles_gets_a_receipt_in_the_next_epoch);
    tcase_add_test(c, a_node_that_joined_acknowledges_what_a_cut_settled);
    tcase_add_test(c, a_node_that_joined_believes_no_row);
    tcase_add_test(c, a_change_that_breaks_the_bounds_is_refused);
    tcase_add_test(c, a_node_that_is_back_hears_at_once);
    tcase_add_test(c, who_joins_brings_no_cap_that_is_too_much);
    tcase_add_test(c, nothing_is_said_behind_final);
    suite_add_tcase(s, c);
    TCase *const many = tcase_create("many epochs");
    tcase_add_checked_fixture(many, setup, teardown);
    tcase_set_timeout(many, 300);
    tcase_add_test(many, a_ledger_changes_its_nodes_many_times);
    suite_add_tcase(s, many);
    SRunner *n = srunner_create(s);
    srunner_run_all(n, CK_ENV);
    const int failed = srunner_ntests_failed(n);
    srunner_free(n);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
