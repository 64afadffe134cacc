/* What a federation bears now, and what troubles it, from what one of its nodes says. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "admin/federation.h"
#include "common/ledger_words.h"

enum { NOW = 1790000000 };

static struct mr_rep_node node;
static struct mr_rep_peers peers;
static struct federation_view view;

/* n nodes, all well, seen from node 1. */
static void make(uint32_t n, uint32_t q)
{
    node = (struct mr_rep_node){.time_ms = NOW, .node = 1, .epoch = 1};
    peers = (struct mr_rep_peers){
        .node = 1, .nodes = n, .quorum = q, .epoch = 1, .leaves = 5000, .peers_count = n - 1};
    for (uint32_t i = 0; i + 1 < n; i++)
        peers.peers[i] = (struct mr_peer_status){.node = i + 2,
                                                 .connected = true,
                                                 .seen_ms = NOW - 100,
                                                 .size = 4000,
                                                 .head_size = 4000,
                                                 .head_ms = NOW - 50,
                                                 .sent = 5000};
}

static void look(void)
{
    federation_look(&view, &node, &peers);
}

static const struct trouble *find(enum trouble_kind kind)
{
    const struct trouble *found = NULL;
    for (uint32_t i = 0; i < view.troubles_count; i++) {
        if (view.troubles[i].kind != kind)
            continue;
        ck_assert_msg(found == NULL, "two of %s", trouble_word(kind));
        found = &view.troubles[i];
    }
    return found;
}

static void expect_words(const char *wanted, bool further)
{
    char words[TOLERANCE_MAX];
    tolerance_words(words, view.may_be_down, view.may_lie, further);
    ck_assert_str_eq(words, wanted);
}

START_TEST(test_well)
{
    make(4, 3);
    look();
    ck_assert_uint_eq(view.answering, 4);
    ck_assert_uint_eq(view.troubles_count, 0);
    expect_words("one node may be down, one may lie", false);
    make(7, 5);
    look();
    expect_words("2 nodes may be down, 2 may lie", false);
    make(3, 3);
    look();
    expect_words("no node may be down, 2 may lie", false);
    make(6, 4);
    look();
    expect_words("2 nodes may be down, one may lie", false);
    make(1, 1);
    look();
    ck_assert_uint_eq(view.answering, 1);
    expect_words("no node may be down, none may lie", false);
}
END_TEST

START_TEST(test_away)
{
    make(4, 3);
    peers.peers[1].connected = false;
    peers.peers[1].trouble = MR_UNREACHABLE;
    look();
    ck_assert_uint_eq(view.answering, 3);
    expect_words("no further node may be down, one may lie", true);
    const struct trouble *t = find(TROUBLE_AWAY);
    ck_assert_ptr_nonnull(t);
    ck_assert_uint_eq(t->node, 3);
    ck_assert_int_eq(t->status, MR_UNREACHABLE);
    ck_assert_uint_eq(t->time_ms, NOW - 100);
    peers.peers[0].connected = false;
    look();
    ck_assert_uint_eq(view.answering, 2);
    ck_assert_uint_lt(view.answering, view.quorum);
    ck_assert_uint_eq(view.may_be_down, 0);
    ck_assert_uint_eq(view.troubles_count, 2);
    make(7, 5);
    peers.peers[5].connected = false;
    look();
    expect_words("one further node may be down, 2 may lie", true);
}
END_TEST

/* A session may stand that nothing comes over any more. */
START_TEST(test_silent)
{
    make(4, 3);
    peers.peers[2].seen_ms = NOW - FEDERATION_SILENT_MS;
    look();
    ck_assert_uint_eq(view.answering, 4);
    peers.peers[2].seen_ms--;
    look();
    ck_assert_uint_eq(view.answering, 3);
    ck_assert_uint_eq(find(TROUBLE_AWAY)->node, 4);
}
END_TEST

/* The asked node counts when it votes. */
START_TEST(test_own_mode)
{
    static const struct {
        enum mr_status mode;
        bool counts;
    } rows[] = {{MR_OK, true},        {MR_BEHIND, true},      {MR_NO_QUORUM, true},
                {MR_STARTING, false}, {MR_ABSTAINING, false}, {MR_DISK_FULL, false},
                {MR_STOPPING, false}};
    make(4, 3);
    peers.mode = (uint32_t)rows[_i].mode;
    look();
    ck_assert_uint_eq(view.answering, rows[_i].counts ? 4 : 3);
    const struct trouble *t = find(TROUBLE_MODE);
    ck_assert_int_eq(t != NULL, rows[_i].mode != MR_OK);
    if (t != NULL)
        ck_assert_int_eq(t->status, rows[_i].mode);
}
END_TEST

/* While too few others answer, one that starts is one of those that wait. */
START_TEST(test_starting)
{
    make(4, 3);
    peers.mode = (uint32_t)MR_STARTING;
    node.started_ms = NOW - FEDERATION_START_MS - 1;
    peers.peers[0].connected = peers.peers[1].connected = false;
    look();
    ck_assert_uint_eq(view.answering, 2);
    ck_assert_int_eq(find(TROUBLE_MODE)->status, MR_STARTING);
    ck_assert_uint_eq(find(TROUBLE_MODE)->leaves, 2);
    peers.peers[2].connected = false;
    look();
    ck_assert_uint_eq(find(TROUBLE_MODE)->leaves, 1);
    node.started_ms++; /* they may be about to answer */
    look();
    ck_assert_uint_eq(find(TROUBLE_MODE)->leaves, 0);
    node.started_ms = 0;
    peers.peers[2].connected = peers.peers[1].connected = true; /* enough: it will go on */
    look();
    ck_assert_uint_eq(view.answering, 2);
    ck_assert_uint_eq(find(TROUBLE_MODE)->leaves, 0);
}
END_TEST

START_TEST(test_convicted)
{
    make(4, 3);
    peers.peers[0].convicted = true;
    look();
    ck_assert_uint_eq(view.answering, 4);
    /* It votes as long as it likes to: nothing counts on that. */
    ck_assert_uint_eq(view.doubtful, 1);
    expect_words("no node may be down, none may lie", false);
    ck_assert_uint_eq(find(TROUBLE_CONVICTED)->node, 2);
    ck_assert_ptr_null(find(TROUBLE_BROKEN));
    peers.peers[1].convicted = true;
    look();
    ck_assert_uint_eq(view.convicted, 2);
    ck_assert_uint_eq(view.may_lie, 0);
    ck_assert_int_eq(view.troubles[0].kind, TROUBLE_BROKEN); /* before everything else */
    ck_assert_uint_eq(view.troubles[0].leaves, 1);
}
END_TEST

/* Right after a start or a new epoch the asked node may not hear enough of those that answer. */
START_TEST(test_too_few_are_heard)
{
    make(4, 3);
    look();
    ck_assert(view.settles);
    peers.mode = node.mode = MR_NO_QUORUM;
    look();
    ck_assert(!view.settles);
    ck_assert_uint_eq(view.answering, 4);
}
END_TEST

/* What an epoch waits for at this node is told by PEERS alone: NODE tells wallets that it changes.
 */
START_TEST(test_the_last_state_is_not_kept)
{
    make(4, 3);
    node.mode = peers.mode = MR_CHANGING;
    look();
    ck_assert_int_eq(find(TROUBLE_MODE)->status, MR_CHANGING);
    peers.mode = MR_DISK_FULL;
    look();
    ck_assert_ptr_null(find(TROUBLE_MODE));
    ck_assert_int_eq(find(TROUBLE_UNKEPT)->status, MR_DISK_FULL);
    node.mode = MR_DISK_FULL;
    look();
    ck_assert_int_eq(find(TROUBLE_MODE)->status, MR_DISK_FULL);
}
END_TEST

/* A node that a later epoch left out is no stranger to the others, nor are they to it. */
START_TEST(test_others_went_on)
{
    make(4, 3);
    for (int i = 0; i < 2; i++) {
        peers.peers[i].connected = false;
        peers.peers[i].trouble = MR_BAD_KEY;
    }
    peers.mode = MR_STARTING;
    look();
    ck_assert_int_eq(find(TROUBLE_MODE)->status, MR_STARTING);
    ck_assert_ptr_null(federation_trouble(&view, TROUBLE_LATER));
    federation_ahead(&view, 2, 5, true);
    const struct trouble *const t = find(TROUBLE_LATER);
    ck_assert_ptr_eq(federation_trouble(&view, TROUBLE_LATER), t);
    ck_assert_uint_eq(t->node, 2);
    ck_assert_uint_eq(t->leaves, 5);
    ck_assert(t->without);
    ck_assert_uint_eq(find(TROUBLE_AWAY)->node, 3);
    make(4, 3);
    look();
    ck_assert(view.settles);
    federation_ahead(&view, 4, 5, false); /* it answers still */
    ck_assert_uint_eq(find(TROUBLE_LATER)->node, 4);
    ck_assert(!view.settles);
}
END_TEST

START_TEST(test_lag)
{
    make(4, 3);
    peers.peers[0].sent = peers.leaves - FEDERATION_LAG_LEAVES;
    peers.peers[1].size = peers.peers[1].head_size - FEDERATION_LAG_LEAVES;
    look();
    ck_assert_uint_eq(view.troubles_count, 0);
    peers.peers[0].sent--;
    peers.peers[1].size--;
    look();
    ck_assert_uint_eq(view.troubles_count, 2);
    ck_assert_uint_eq(find(TROUBLE_LAGS)->node, 2);
    ck_assert_uint_eq(find(TROUBLE_LAGS)->leaves, FEDERATION_LAG_LEAVES + 1);
    ck_assert_uint_eq(find(TROUBLE_BEHIND)->node, 3);
    ck_assert_uint_eq(find(TROUBLE_BEHIND)->leaves, FEDERATION_LAG_LEAVES + 1);
    ck_assert_uint_eq(find(TROUBLE_BEHIND)->time_ms, NOW - 50);
    peers.peers[0].connected = peers.peers[1].connected =
        false; /* that they are away says it all */
    look();
    ck_assert_ptr_null(find(TROUBLE_LAGS));
    ck_assert_ptr_null(find(TROUBLE_BEHIND));
    make(4, 3);
    peers.peers[0].sent = peers.leaves + 7; /* it asked ahead: no lag below zero */
    peers.peers[0].size = peers.peers[0].head_size + 7;
    look();
    ck_assert_uint_eq(view.troubles_count, 0);
}
END_TEST

START_TEST(test_clock)
{
    make(4, 3);
    peers.peers[0].offset_ms = FEDERATION_CLOCK_MS;
    peers.peers[1].offset_ms = -FEDERATION_CLOCK_MS;
    look();
    ck_assert_uint_eq(view.troubles_count, 0);
    peers.peers[0].offset_ms++;
    look();
    ck_assert_int_eq(find(TROUBLE_CLOCK)->offset_ms, FEDERATION_CLOCK_MS + 1);
    ck_assert_ptr_null(find(TROUBLE_OWN_CLOCK));
}
END_TEST

START_TEST(test_own_clock)
{
    make(4, 3);
    peers.peers[0].offset_ms = 3000;
    peers.peers[1].offset_ms = 2500;
    peers.peers[2].offset_ms = 4000;
    look();
    ck_assert_uint_eq(view.troubles_count, 1);
    ck_assert_int_eq(find(TROUBLE_OWN_CLOCK)->offset_ms, -2500);
    peers.peers[2].connected = false; /* two who agree are enough */
    peers.peers[2].offset_ms = 0;
    look();
    ck_assert_int_eq(find(TROUBLE_OWN_CLOCK)->offset_ms, -2500);
    peers.peers[1].connected = false; /* one against one: nobody knows */
    look();
    ck_assert_ptr_null(find(TROUBLE_OWN_CLOCK));
    ck_assert_uint_eq(find(TROUBLE_CLOCK)->node, 2);
    make(4, 3);
    peers.peers[0].offset_ms = 3000;
    peers.peers[1].offset_ms = -3000;
    peers.peers[2].offset_ms = 3000;
    look();
    ck_assert_ptr_null(find(TROUBLE_OWN_CLOCK));
    ck_assert_uint_eq(view.troubles_count, 3);
}
END_TEST

START_TEST(test_refused_and_waiting)
{
    make(4, 3);
    peers.peers[1].refused = 3;
    peers.peers[1].trouble = MR_BAD_HEAD;
    peers.open = 2;
    peers.oldest_ms = NOW - FEDERATION_WAIT_MS;
    look();
    ck_assert_uint_eq(view.troubles_count, 1);
    ck_assert_uint_eq(find(TROUBLE_REFUSED)->leaves, 3);
    ck_assert_int_eq(find(TROUBLE_REFUSED)->status, MR_BAD_HEAD);
    peers.oldest_ms--;
    look();
    ck_assert_uint_eq(find(TROUBLE_WAITING)->leaves, 2);
    peers.open = 0;
    look();
    ck_assert_ptr_null(find(TROUBLE_WAITING));
}
END_TEST

/* What the count leaves out is no reason for it: nodes go over to an epoch one after another. */
START_TEST(test_another_epoch_is_no_refusal)
{
    make(4, 3);
    peers.peers[1].refused = 24;
    peers.peers[1].trouble = MR_WRONG_EPOCH;
    look();
    ck_assert_uint_eq(view.troubles_count, 0);
    peers.peers[1].trouble = MR_BAD_PROOF;
    look();
    ck_assert_uint_eq(find(TROUBLE_REFUSED)->leaves, 24);
}
END_TEST

/* Requests that a node which hangs or stopped never answered are no answers that were refused. */
START_TEST(test_silence_is_no_refusal)
{
    static const enum mr_status why[] = {MR_UNREACHABLE, MR_NO_ANSWER, MR_STOPPING};
    make(4, 3);
    peers.peers[1].refused = 20;
    peers.peers[1].connected = false;
    peers.peers[1].trouble = (uint32_t)why[_i];
    look();
    ck_assert_uint_eq(find(TROUBLE_AWAY)->node, 3);
    ck_assert_ptr_null(find(TROUBLE_REFUSED));
}
END_TEST

/* One that abstains answers, and is of no use: it signs no heads. Its clock does not matter. */
START_TEST(test_mute)
{
    make(4, 3);
    peers.peers[1].head_ms = NOW - FEDERATION_MUTE_MS - 1;
    peers.peers[2].head_ms = NOW - 3600000 - FEDERATION_MUTE_MS;
    peers.peers[2].offset_ms = -3600000;
    look();
    ck_assert_uint_eq(view.answering, 3);
    expect_words("no further node may be down, one may lie", true);
    ck_assert_uint_eq(find(TROUBLE_MUTE)->node, 3);
    ck_assert_uint_eq(find(TROUBLE_MUTE)->time_ms, NOW - FEDERATION_MUTE_MS - 1);
    ck_assert_ptr_null(find(TROUBLE_AWAY));
    peers.peers[1].head_ms++;
    peers.peers[2].head_ms = 0;
    peers.peers[2].offset_ms = 0;
    node.started_ms = NOW - FEDERATION_MUTE_MS;
    look();
    ck_assert_uint_eq(view.answering, 4);
    node.started_ms--;
    look();
    ck_assert_uint_eq(find(TROUBLE_MUTE)->node, 4);
    ck_assert_uint_eq(find(TROUBLE_MUTE)->time_ms, 0);
}
END_TEST

/* Everything at once, and numbers that no honest node says, stay within bounds. */
START_TEST(test_worst)
{
    make(MR_NODES_MAX, MR_NODES_MAX);
    peers.mode = MR_NO_QUORUM;
    peers.open = 1;
    peers.oldest_ms = 1;
    for (uint32_t i = 0; i < peers.peers_count; i++) {
        struct mr_peer_status *p = &peers.peers[i];
        p->convicted = true;
        p->refused = 1;
        p->trouble = MR_BAD_HEAD;
        p->sent = p->size = 0;
        p->offset_ms = i % 2 == 0 ? MR_AMOUNT_MAX : -MR_AMOUNT_MAX;
    }
    look();
    ck_assert_uint_eq(view.troubles_count, 5 * (MR_NODES_MAX - 1) + 2);
    peers.nodes = peers.quorum = 0;
    look();
    ck_assert_uint_eq(view.may_lie, 0);
    ck_assert_ptr_nonnull(find(TROUBLE_BROKEN));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("admin_federation");
    TCase *c = tcase_create("look");
    tcase_add_test(c, test_well);
    tcase_add_test(c, test_away);
    tcase_add_test(c, test_silent);
    tcase_add_loop_test(c, test_own_mode, 0, 7);
    tcase_add_test(c, test_starting);
    tcase_add_test(c, test_convicted);
    tcase_add_test(c, test_too_few_are_heard);
    tcase_add_test(c, test_the_last_state_is_not_kept);
    tcase_add_test(c, test_others_went_on);
    tcase_add_test(c, test_lag);
    tcase_add_test(c, test_clock);
    tcase_add_test(c, test_own_clock);
    tcase_add_test(c, test_refused_and_waiting);
    tcase_add_test(c, test_another_epoch_is_no_refusal);
    tcase_add_loop_test(c, test_silence_is_no_refusal, 0, 3);
    tcase_add_test(c, test_mute);
    tcase_add_test(c, test_worst);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
