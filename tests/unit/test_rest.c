/* How nodes come to agree on a checkpoint while people pay, and on the end of an epoch: SLOT-16 and
 * EPO-4 through real engines. */
#include <check.h>
#include <string.h>

#include "engine/internal.h"
#include "lib/ring.h"

enum { NODES = 4, QUORUM = 3, REST_MS = 3000, TURN_MS = 10000, APART_MS = 60000, AGAIN_MS = 75000 };

static struct ring r;

static void setup(void)
{
    ring_init(&r, NODES, QUORUM);
    ring_people(&r);
}

static void teardown(void)
{
    ring_done(&r);
}

static struct mr_engine_facts facts_of(uint32_t node)
{
    struct mr_engine_facts f;
    mr_engine_facts(r.nodes[node].engine, &f);
    return f;
}

static void expect_checkpoints(uint64_t count)
{
    for (uint32_t i = 0; i < NODES; i++)
        if (r.nodes[i].engine != NULL)
            ck_assert_uint_eq(facts_of(i).meta.checkpoints, count);
}

/* Which nodes rest now: bit i. */
static uint32_t resting(void)
{
    uint32_t set = 0;
    for (uint32_t i = 0; i < NODES; i++)
        if (r.nodes[i].engine != NULL && facts_of(i).resting)
            set |= UINT32_C(1) << i;
    return set;
}

static void due(uint32_t node)
{
    ring_due(&r, node);
    ring_settle(&r);
}

/* Payments wait while nodes rest, and settle when they have agreed. */
START_TEST(a_checkpoint_is_agreed_between_payments)
{
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 10), MR_SETTLED);
    due(0);
    ck_assert_uint_eq(resting(), 15);
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 10), MR_NO_ANSWER);
    expect_checkpoints(0);
    ring_wait(&r, 500);
    expect_checkpoints(1);
    ck_assert_uint_eq(resting(), 0);
    ck_assert_int_eq(r.status, MR_SETTLED);
    for (uint32_t i = 0; i < NODES; i++) {
        ck_assert_int_eq(ring_balance(&r, i, 1), 20);
        ck_assert_uint_eq(facts_of(i).rests, 1);
        ck_assert_uint_le(facts_of(i).rested_ms, 500);
        ck_assert_uint_ge(mr_engine_checkpoint_ms(r.nodes[i].engine), r.w.now_ms - 500);
    }
    ring_check(&r);
}
END_TEST

/* The turn goes round by the number; who lets it pass loses it after a while. */
START_TEST(each_asks_in_its_turn)
{
    due(2);
    ring_wait(&r, 2 * TURN_MS - 500);
    ck_assert_uint_eq(facts_of(0).rests, 0);
    ring_wait(&r, 1500);
    expect_checkpoints(1);
    ring_wait(&r, AGAIN_MS);
    due(1);
    ck_assert_uint_eq(resting(), 15);
    ring_wait(&r, 500);
    expect_checkpoints(2);
}
END_TEST

START_TEST(who_is_down_is_passed_over)
{
    ring_kill(&r, 0);
    due(1);
    ck_assert_uint_eq(resting(), 14);
    ring_wait(&r, 500);
    expect_checkpoints(1);
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 10), MR_SETTLED);
    ring_start(&r, 0);
    ring_wait(&r, 500);
    expect_checkpoints(1);
    ck_assert_uint_eq(resting(), 0);
    ring_check(&r);
}
END_TEST

/* Too few can sum up in time: payments go on, and it is tried again. */
START_TEST(a_rest_that_leads_nowhere_ends)
{
    r.nodes[2].no_sum = r.nodes[3].no_sum = true;
    due(0);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_NO_ANSWER);
    ring_wait(&r, REST_MS - 250);
    ck_assert_uint_eq(resting(), 15);
    ck_assert_int_eq(r.status, MR_NO_ANSWER);
    ring_wait(&r, 500);
    ck_assert_uint_eq(resting(), 0);
    ck_assert_int_eq(r.status, MR_SETTLED);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_SETTLED);
    expect_checkpoints(0);
    r.nodes[2].no_sum = r.nodes[3].no_sum = false;
    ring_wait(&r, AGAIN_MS - REST_MS - 1000);
    ck_assert_uint_eq(facts_of(0).rests, 1);
    ring_wait(&r, 6000); /* the order of the first attempt stands in the way: a ballot */
    expect_checkpoints(1);
    ck_assert_uint_eq(facts_of(0).rests, 2);
    ring_check(&r);
}
END_TEST

/* A sum that takes longer than the rest is of the state at rest all the same. */
START_TEST(a_late_sum_counts)
{
    struct mr_checkpoint at_rest[NODES];
    for (uint32_t i = 0; i < NODES; i++)
        r.nodes[i].no_sum = true;
    due(0);
    ring_wait(&r, 500);
    for (uint32_t i = 0; i < NODES; i++) {
        ck_assert(facts_of(i).sum_wanted);
        at_rest[i] = ring_sum(&r, i);
    }
    ring_wait(&r, REST_MS);
    ck_assert_uint_eq(resting(), 0);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_SETTLED);
    for (uint32_t i = 0; i < NODES; i++)
        ring_summed(&r, i, &at_rest[i], false);
    ring_settle(&r);
    expect_checkpoints(1);
    ck_assert_int_eq(ring_balance(&r, 3, 1), 10);
    ring_check(&r);
}
END_TEST

/* Whoever asks, and however often: nobody rests again at once. */
START_TEST(nobody_is_made_to_rest_again_at_once)
{
    r.nodes[2].no_sum = r.nodes[3].no_sum = true;
    due(0);
    ring_wait(&r, REST_MS);
    ring_kill(&r, 0); /* it forgets that it asked */
    ring_start(&r, 0);
    ring_wait(&r, 1000);
    due(0);
    ck_assert_uint_eq(resting(), 1);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_SETTLED);
    ring_wait(&r, APART_MS - REST_MS - 1000);
    ck_assert_uint_eq(resting(), 0);
    for (uint32_t i = 1; i < NODES; i++)
        ck_assert_uint_eq(facts_of(i).rests, 1);
    ring_check(&r);
}
END_TEST

/* One that starts anew in the middle votes on; the others do without it. */
START_TEST(a_restart_in_the_rest)
{
    due(0);
    ring_kill(&r, 1);
    ring_start(&r, 1);
    ring_settle(&r);
    ck_assert_uint_eq(resting(), 13);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_NO_ANSWER);
    ring_wait(&r, 2000);
    expect_checkpoints(1);
    ck_assert_int_eq(r.status, MR_SETTLED);
    ring_check(&r);
    for (uint32_t i = 0; i < NODES; i++) { /* and the journals tell the same */
        ring_kill(&r, i);
        ring_start(&r, i);
        ring_wait(&r, 500);
    }
    expect_checkpoints(1);
    ring_check(&r);
}
END_TEST

/* Whoever is in turn proposes a state that there is not: nobody votes for it, and the next one's
 * proposal settles. */
START_TEST(a_false_checkpoint_does_not_settle)
{
    r.nodes[0].false_sum = true;
    for (uint32_t i = 0; i < NODES; i++)
        ring_due(&r, i);
    ring_settle(&r);
    ck_assert_uint_eq(resting(), 15);
    ring_wait(&r, REST_MS + 1000);
    expect_checkpoints(0);
    ring_wait(&r, AGAIN_MS + 6000);
    expect_checkpoints(1);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_SETTLED);
    r.nodes[0].false_sum = false;
    ring_check(&r);
}
END_TEST

/* A REGROUP changes the keys of the nodes' chain behind the state that it names: that state, which
 * all summed up before, is none of the new epoch. */
START_TEST(a_state_of_the_epoch_before_does_not_settle)
{
    const struct mr_checkpoint before = ring_sum(&r, 0);
    ring_regroup_all(&r, QUORUM, 0);
    r.nodes[0].no_sum = true;
    due(0);
    ring_wait(&r, 500);
    ck_assert_uint_eq(resting(), 15);
    struct mr_checkpoint now = ring_sum(&r, 0);
    ck_assert_mem_ne(now.state_root, before.state_root, 32);
    memcpy(now.state_root, before.state_root, 32);
    ring_summed(&r, 0, &now, false);
    ring_settle(&r);
    expect_checkpoints(0);
}
END_TEST

/* Governance ends the epoch: nobody rests, and nobody begins to. */
START_TEST(the_end_of_an_epoch_comes_first)
{
    due(0);
    ck_assert_int_eq(ring_next(&r, 1, 0, 2, 2, 0), MR_NO_ANSWER);
    ring_wait(&r, REST_MS + 5000);
    ck_assert_uint_eq(ring_epoch(&r, 1), 2);
    ck_assert_uint_eq(resting(), 0);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_SETTLED);
    r.count = 3;
    ring_check(&r);
}
END_TEST

/* Two of governance let the same epoch begin, each at another node: one of them settles, or none,
 * and the next proposal does. */
START_TEST(rival_proposals_leave_room_for_a_later_one)
{
    ring_isolate(&r);
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 3, 1u << 0), MR_NO_ANSWER);
    r.nodes[0].generation--; /* the other one knows nothing of that key */
    ck_assert_int_eq(ring_next(&r, 1, 0, 3, 4, 0), MR_NO_ANSWER);
    ring_reunite(&r);
    ring_wait(&r, 30000);
    const uint32_t epoch = ring_epoch(&r, 0);
    ring_in_epoch(&r, 0, 3, epoch);
    r.nodes[0].generation = mr_engine_committee(r.nodes[1].engine)->seats[0].generation;
    ck_assert_int_eq(ring_next(&r, 2, 0, 3, 3, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_in_epoch(&r, 0, 3, epoch + 1);
    ck_assert_int_eq(ring_pay(&r, 3, 0, 1, 10), MR_SETTLED);
}
END_TEST

/* A checkpoint that `by` proposes in its own time, kept at another node. */
static void keep(uint32_t node, uint32_t by, uint32_t later_ms, bool spoilt)
{
    struct mr_engine *const e = r.nodes[by].engine, *const at = r.nodes[node].engine;
    struct mr_state_hot hot;
    struct mr_state_account a;
    uint8_t account[16], id[32];
    mr_sub_account(account, NULL, MR_CLASS_CHECKPOINTS);
    ck_assert_int_eq(mri_hot_get(&e->ledger, &hot, e->ledger.checkpoints), MR_OK);
    ck_assert_int_eq(mri_account_get(&e->ledger, &a, e->ledger.checkpoints), MR_OK);
    mri_node_order(e, &hot, MR_KIND_CHECKPOINT);
    e->order.order.time_ms += later_ms;
    mri_node_order_sign(e, id);
    e->order.sigs[0].sig[0] ^= spoilt;
    struct mri_open *const o = mri_open_get(at, account, hot.chain.next_seq, node + 1);
    ck_assert_ptr_nonnull(mri_keep(at, o, &e->order, id, NULL, spoilt ? 0 : a.generation));
}

static void expect_epoch_2(void)
{
    ck_assert_int_eq(ring_next(&r, 0, 0, NODES - 1, QUORUM, 0), MR_SETTLED);
    ring_wait(&r, 20000);
    ring_in_epoch(&r, 0, NODES - 1, 2);
}

/* Two orders that no key of this epoch signed are no conflict, and no reason to wait until one of
 * them is decided. */
START_TEST(spoilt_orders_hold_no_cut_up)
{
    for (uint32_t i = 0; i < NODES; i++)
        for (uint32_t k = 0; k < 2; k++)
            keep(i, i, k, true);
    expect_epoch_2();
}
END_TEST

/* Nor are two that are signed and that nobody voted for. */
START_TEST(orders_without_a_vote_hold_no_cut_up)
{
    for (uint32_t i = 0; i < NODES; i++)
        for (uint32_t k = 0; k < 2; k++)
            keep(i, k, 0, false);
    expect_epoch_2();
}
END_TEST

/* All that a node keeps of a slot are orders that lead nowhere: what the leader of a ballot votes
 * for is asked for, and takes the place of one of them. */
START_TEST(a_full_slot_takes_what_the_leader_votes_for)
{
    struct mr_engine *const e = r.nodes[1].engine;
    struct mri_clash none;
    struct mr_leaf vote = {.kind = MR_LEAF_VOTE, .u.vote = {.ballot = 2, .value = {7}}};
    for (uint32_t k = 0; k < MR_CANDIDATES_MAX; k++)
        keep(1, 0, k, false);
    struct mri_open *const o = e->opens.newest;
    memcpy(vote.u.vote.account, o->s.account, 16);
    vote.u.vote.seq = o->s.seq;
    ring_isolate(&r);
    ck_assert(mri_slot_promise(&o->s, 2));
    o->ballot_ms = r.w.now_ms;
    for (uint32_t i = 0; i < NODES; i++) {
        const uint32_t node = e->committee.seats[(i + o->s.seq) % NODES].number;
        mri_slot_hear(&o->s, node, 1000, &vote, &none);
        mri_open_due(e, o);
        ring_wait(&r, 250);
        ck_assert_int_eq(o->wanted, i >= 2);
        vote.u.vote.value[0]++;
    }
    const uint8_t led[32] = {9}, other[32] = {1};
    const struct mr_signed_order *const any = &r.nodes[0].engine->order;
    ck_assert_ptr_nonnull(mri_keep(e, o, any, led, NULL, 0));
    ck_assert_ptr_nonnull(mri_keep(e, o, any, other, NULL, 0));
    ck_assert_ptr_nonnull(mri_slot_order(&o->s, led));
}
END_TEST

/* One node alone sums up when it likes: nothing rests. */
START_TEST(one_node_never_rests)
{
    ring_done(&r);
    ring_init(&r, 1, 1);
    due(0);
    ring_wait(&r, 1000);
    ck_assert_uint_eq(facts_of(0).rests, 0);
    ck_assert(!facts_of(0).sum_wanted);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rest");
    TCase *c = tcase_create("rest");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_checkpoint_is_agreed_between_payments);
    tcase_add_test(c, each_asks_in_its_turn);
    tcase_add_test(c, who_is_down_is_passed_over);
    tcase_add_test(c, a_rest_that_leads_nowhere_ends);
    tcase_add_test(c, a_late_sum_counts);
    tcase_add_test(c, nobody_is_made_to_rest_again_at_once);
    tcase_add_test(c, a_restart_in_the_rest);
    tcase_add_test(c, a_false_checkpoint_does_not_settle);
    tcase_add_test(c, a_state_of_the_epoch_before_does_not_settle);
    tcase_add_test(c, the_end_of_an_epoch_comes_first);
    tcase_add_test(c, rival_proposals_leave_room_for_a_later_one);
    tcase_add_test(c, spoilt_orders_hold_no_cut_up);
    tcase_add_test(c, orders_without_a_vote_hold_no_cut_up);
    tcase_add_test(c, a_full_slot_takes_what_the_leader_votes_for);
    tcase_add_test(c, one_node_never_rests);
    suite_add_tcase(s, c);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    const int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
