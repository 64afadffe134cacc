/* What nodes tell each other of their logs: how much is on the way at a time, and which turns wait
 * for company before they are synced. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ring.h"
#include "mereau/codec.h"
#include "mereau/order.h"

enum { NODES = 4, ASKED = 0, ASKS = 3, POLLS = 12, PAYMENTS = 420 };

static struct ring r;
static struct mr_request request;
static struct mr_reply answers[2 * POLLS];
static size_t answer_bytes[2 * POLLS];
static uint32_t answers_count;

/* Polls of a session that ended are answered without news. */
static void on_reply(void *ctx, uint64_t token, const uint8_t *bytes, size_t len)
{
    (void)ctx;
    (void)token;
    ck_assert_uint_lt(answers_count, 2 * POLLS);
    ck_assert_int_eq(mr_reply_decode(&answers[answers_count], bytes, len), MR_OK);
    answer_bytes[answers_count] = len;
    if (answers[answers_count].body.kind != MR_REQ_FOLLOW ||
        answers[answers_count].body.u.follow.leaves_count > 0)
        answers_count++;
}

static struct mr_effects fx = {on_reply, NULL};

static void step(uint32_t node, struct mr_event *ev)
{
    ev->now_ms = r.w.now_ms;
    ck_assert_int_eq(mr_engine_step(r.nodes[node].engine, ev, &fx), MR_OK);
}

static void sync(uint32_t node)
{
    struct ring_node *const n = &r.nodes[node];
    struct mr_turn t;
    while (mr_engine_cut(n->engine, &t, &fx)) {
        ck_assert_int_eq(
            n->journal->api->append(n->journal, t.log, t.log_len, t.bodies, t.bodies_len), MR_OK);
        step(node, &(struct mr_event){.kind = MR_EV_SYNCED});
    }
}

static void follow(uint32_t node, uint32_t asks, uint64_t from, bool on)
{
    const struct mr_principal who = {.peer = asks + 1};
    request.body = (struct mr_request_body){
        .kind = MR_REQ_FOLLOW,
        .u.follow = {.epoch = 1, .from = from, .on = on, .timeout_ms = 4000}};
    step(node, &(struct mr_event){.kind = MR_EV_REQUEST,
                                  .u.request = {.token = 1, .who = &who, .request = &request}});
    sync(node);
}

static uint64_t end_of(uint32_t answer)
{
    const struct mr_rep_follow *const f = &answers[answer].body.u.follow;
    return f->first + f->leaves_count;
}

static void setup(void)
{
    answers_count = 0;
    ring_init(&r, NODES, 3);
    ck_assert_int_eq(ring_open(&r, 0, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(ring_open(&r, 0, MR_CLASS_SHOP), MR_SETTLED);
    ck_assert_int_eq(ring_issue(&r, 0, 0, 1000000), MR_SETTLED);
    ring_wait(&r, 500);
}

static void teardown(void)
{
    ring_done(&r);
}

/* A peer that was away for long asks for a great deal at once. More than some 300 KiB that are not
 * read yet nanomsg would drop without a word, and the peer would wait for them until time is up. */
START_TEST(what_is_on_the_way_is_bounded)
{
    ring_kill(&r, ASKS);
    for (int i = 0; i < PAYMENTS; i++)
        ck_assert_int_eq(ring_pay(&r, ASKED, 0, 1, 1), MR_SETTLED);
    for (uint32_t i = 0; i < POLLS; i++)
        follow(ASKED, ASKS, 0, i > 0);
    size_t bytes = 0;
    for (uint32_t i = 0; i < answers_count; i++)
        bytes += answer_bytes[i];
    ck_assert_uint_gt(bytes, 128 << 10);
    ck_assert_uint_lt(bytes, 192 << 10);
    const uint32_t before = answers_count;
    ck_assert_uint_lt(before, POLLS);

    /* It has the first one: the next one follows. */
    follow(ASKED, ASKS, end_of(0), true);
    ck_assert_uint_eq(answers_count, before + 1);
    ck_assert_uint_eq(answers[before].body.u.follow.first, end_of(before - 1));

    /* What it does not take holds up nothing for ever; but not all of it comes at once then. */
    r.w.now_ms += 4000;
    step(ASKED, &(struct mr_event){.kind = MR_EV_TICK});
    ck_assert_uint_eq(answers_count, before + 2);
}
END_TEST

/* One whose link stayed up has all its questions under way when it comes back to them: it says what
 * came by asking on, and nobody waits for anybody. */
START_TEST(one_that_paused_catches_up_without_delay)
{
    struct mr_peer_facts p;
    struct mr_engine_facts f;
    for (uint32_t k = 0; k < NODES; k++)
        r.nodes[ASKS].cut[k] = true;
    for (int i = 0; i < PAYMENTS; i++)
        ck_assert_int_eq(ring_pay(&r, ASKED, 0, 1, 1), MR_SETTLED);
    for (uint32_t k = 0; k < NODES; k++)
        r.nodes[ASKS].cut[k] = false;
    ring_settle(&r);
    mr_engine_peer(r.nodes[ASKS].engine, ASKED + 1, &p);
    mr_engine_facts(r.nodes[ASKED].engine, &f);
    ck_assert_uint_eq(p.state.size, f.head.size);
}
END_TEST

/* Questions are answered in their order, also those that came while a turn was being synced. */
START_TEST(answers_go_in_the_order_of_questions)
{
    static struct mr_signed_order o;
    struct ring_node *const n = &r.nodes[ASKED];
    const struct mr_principal local = {.local = true}, who = {.peer = ASKS + 1};
    struct mr_keyset keys;
    struct mr_turn t;
    uint32_t generation;
    ring_kill(&r, ASKS);
    ring_order(&r, ASKED, &o, r.w.members[0].id, MR_KIND_PAY);
    world_pay_body(&r.w, &o.order.body.u.pay, 1, 1);
    world_sign(&r.w, &o);
    ck_assert_int_eq(mr_engine_signers(n->engine, &keys, &generation, &o.order), MR_OK);
    request.body.kind = MR_REQ_SUBMIT;
    request.body.u.submit.order = o;
    request.body.u.submit.memo_count = 0;
    step(ASKED, &(struct mr_event){.kind = MR_EV_REQUEST,
                                   .u.request = {.token = 1,
                                                 .who = &local,
                                                 .request = &request,
                                                 .signatures = mr_order_verify(&o, &keys, 1),
                                                 .generation = generation}});
    ck_assert(mr_engine_cut(n->engine, &t, &fx)); /* with a leaf */
    for (int i = 0; i < 2; i++) {
        request.body = (struct mr_request_body){
            .kind = MR_REQ_FOLLOW, .u.follow = {.epoch = 1, .on = i > 0, .timeout_ms = 4000}};
        step(ASKED,
             &(struct mr_event){.kind = MR_EV_REQUEST,
                                .u.request = {.token = 2, .who = &who, .request = &request}});
    }
    ck_assert_int_eq(n->journal->api->append(n->journal, t.log, t.log_len, t.bodies, t.bodies_len),
                     MR_OK);
    step(ASKED, &(struct mr_event){.kind = MR_EV_SYNCED});
    sync(ASKED);
    ck_assert_uint_ge(answers_count, 2);
    ck_assert_uint_eq(answers[0].body.u.follow.first, 0);
    ck_assert_uint_eq(answers[1].body.u.follow.first, end_of(0));
}
END_TEST

/* The head of the peer's log is known: what lies between comes in long answers, a few at a time. */
START_TEST(one_that_is_behind_asks_for_little_at_a_time)
{
    ring_kill(&r, ASKS);
    for (int i = 0; i < PAYMENTS; i++)
        ck_assert_int_eq(ring_pay(&r, ASKED, 0, 1, 1), MR_SETTLED);
    for (uint32_t k = 0; k < NODES; k++)
        r.nodes[ASKS].cut[k] = true;
    ring_start(&r, ASKS);
    struct mr_engine *const e = r.nodes[ASKS].engine;
    uint32_t asked = 0;
    struct mr_peer_facts p;
    ck_assert(mr_engine_ask(e, ASKED + 1, &request.body));
    ck_assert(!mr_engine_ask(e, ASKED + 1, &request.body));
    mr_engine_peer(e, ASKED + 1, &p);
    follow(ASKED, ASKS, p.state.size, false);
    ck_assert_uint_eq(answers_count, 1);
    step(ASKS, &(struct mr_event){.kind = MR_EV_ANSWER,
                                  .u.answer = {.peer = ASKED + 1,
                                               .kind = MR_REQ_FOLLOW,
                                               .reply = &answers[0],
                                               .head_good = true,
                                               .checked = (struct mr_checked[MR_BODIES_MAX]){
                                                   {.status = MR_ACCOUNT_UNKNOWN}}}});
    while (mr_engine_ask(e, ASKED + 1, &request.body))
        asked += request.body.kind == MR_REQ_FOLLOW;
    ck_assert_uint_ge(asked, 1);
    ck_assert_uint_le(asked, 3);
}
END_TEST

/* Leaves of a log that decide nothing here are written with what comes next. */
START_TEST(what_others_say_waits_for_company)
{
    enum { LISTENS = 1, SPEAKS = 2 };
    struct mr_peer_facts p;
    struct mr_engine *const e = r.nodes[LISTENS].engine;
    r.nodes[LISTENS].cut[SPEAKS] = true;
    ring_break(&r, LISTENS, SPEAKS);
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 100), MR_SETTLED);
    ck_assert_int_eq(ring_balance(&r, LISTENS, 1), 100);
    mr_engine_peer(e, SPEAKS + 1, &p);
    follow(SPEAKS, LISTENS, p.state.size, false);
    ck_assert_uint_eq(answers_count, 1);
    ck_assert_uint_gt(answers[0].body.u.follow.leaves_count, 0);
    ck_assert(!mr_engine_due(e));
    step(LISTENS, &(struct mr_event){.kind = MR_EV_ANSWER,
                                     .u.answer = {.peer = SPEAKS + 1,
                                                  .kind = MR_REQ_FOLLOW,
                                                  .reply = &answers[0],
                                                  .head_good = true,
                                                  .checked = (struct mr_checked[MR_BODIES_MAX]){
                                                      {.status = MR_ACCOUNT_UNKNOWN}}}});
    mr_engine_peer(e, SPEAKS + 1, &p);
    ck_assert_uint_eq(p.state.size, end_of(0));
    ck_assert(!mr_engine_due(e));

    /* Not for long. */
    r.w.now_ms += 100;
    step(LISTENS, &(struct mr_event){.kind = MR_EV_TICK});
    ck_assert(mr_engine_due(e));
    sync(LISTENS);
    ck_assert(!mr_engine_due(e));
}
END_TEST

/* Whoever asks hears what is synced, without delay. */
START_TEST(a_turn_with_an_answer_is_due)
{
    static const struct mr_principal local = {.local = true};
    struct mr_engine *const e = r.nodes[ASKED].engine;
    request.body = (struct mr_request_body){.kind = MR_REQ_NODE};
    step(ASKED, &(struct mr_event){.kind = MR_EV_REQUEST,
                                   .u.request = {.token = 1, .who = &local, .request = &request}});
    ck_assert(mr_engine_due(e));
    sync(ASKED);
    ck_assert_uint_eq(answers_count, 1);
    ck_assert(!mr_engine_due(e));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("news");
    TCase *c = tcase_create("news");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, what_is_on_the_way_is_bounded);
    tcase_add_test(c, one_that_paused_catches_up_without_delay);
    tcase_add_test(c, answers_go_in_the_order_of_questions);
    tcase_add_test(c, one_that_is_behind_asks_for_little_at_a_time);
    tcase_add_test(c, what_others_say_waits_for_company);
    tcase_add_test(c, a_turn_with_an_answer_is_due);
    suite_add_tcase(s, c);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    const int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
