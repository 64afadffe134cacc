#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fake_peer.h"
#include "lib/proxy.h"
#include "transport/peer_link.h"

enum { OWN = 3, WAIT_MS = 20000 };

static uv_loop_t loop;
static struct peer_link *under_test;
static struct mr_reply scratch;
static uint8_t ledger[32] = {7};

/* What the link told. */
static struct {
    int ups, downs, answers, heads, rooms;
    enum mr_status why, last;
    uint64_t order[64]; /* rep_follow.first of answers */
    bool has_seen;
} told;

/* --- the link's sink -------------------------------------------------------------------------- */

static void on_up(void *ctx)
{
    (void)ctx;
    told.ups++;
}

static void on_down(void *ctx, enum mr_status why)
{
    (void)ctx;
    told.downs++;
    told.why = why;
}

static void on_answer(void *ctx, enum mr_request_kind kind, enum mr_status st,
                      const struct mr_reply *reply, const uint8_t *bytes, size_t len)
{
    (void)ctx;
    ck_assert_int_eq(kind, MR_REQ_FOLLOW);
    ck_assert_int_eq(st == MR_OK, reply != NULL);
    ck_assert_int_eq(st == MR_OK, bytes != NULL && len > 0);
    if (reply != NULL && told.answers < 64)
        told.order[told.answers] = reply->body.u.follow.first;
    told.answers++;
    told.last = reply != NULL ? mr_status_from_number(reply->status) : st;
}

static void on_head(void *ctx, const struct mr_head *head)
{
    (void)ctx;
    ck_assert_uint_eq(head->size, 0);
    told.heads++;
}

static void on_room(void *ctx)
{
    (void)ctx;
    told.rooms++;
}

static bool seen(void *ctx, struct mr_head *ret)
{
    (void)ctx;
    *ret = (struct mr_head){.node = 1, .size = 99};
    return told.has_seen;
}

/* --- helpers ---------------------------------------------------------------------------------- */

static struct peer_link_times quick(void)
{
    return (struct peer_link_times){.tick_ms = 5,
                                    .shake_ms = 400,
                                    .margin_ms = 300,
                                    .beat_ms = 50,
                                    .silence_ms = 2000,
                                    .pause_ms = 10,
                                    .pause_max_ms = 80};
}

static enum mr_status open_at(const char *address, struct peer_link_times times)
{
    const struct peer_link_config config = {.address = address,
                                            .pinned = fake.identity,
                                            .ledger = ledger,
                                            .own = OWN,
                                            .key = &fake.member_key,
                                            .scratch = &scratch,
                                            .times = times,
                                            .random = randombytes_buf};
    const struct peer_link_sink sink = {.on_up = on_up,
                                        .on_down = on_down,
                                        .on_answer = on_answer,
                                        .on_head = on_head,
                                        .on_room = on_room,
                                        .seen = seen};
    return peer_link_create(&under_test, &loop, &config, &sink);
}

static void open_link(struct peer_link_times times)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)fake.port);
    ck_assert_int_eq(open_at(address, times), MR_OK);
}

static void on_timer(uv_timer_t *t)
{
    *(bool *)t->data = true;
}

static void run_for(uint64_t ms)
{
    uv_timer_t t;
    bool over = false;
    uv_timer_init(&loop, &t);
    t.data = &over;
    uv_timer_start(&t, on_timer, ms, 0);
    while (!over)
        uv_run(&loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&t, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
}

/* Run the loop until the condition holds. */
#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        uv_update_time(&loop);                                                                     \
        const uint64_t late = uv_now(&loop) + WAIT_MS;                                             \
        while (!(condition)) {                                                                     \
            ck_assert_msg(uv_now(&loop) < late, "not in time: %s", #condition);                    \
            run_for(2);                                                                            \
        }                                                                                          \
    } while (0)

static void follow(uint64_t from, uint32_t timeout_ms)
{
    struct mr_request_body b = {.kind = MR_REQ_FOLLOW};
    b.u.follow = (struct mr_req_follow){.epoch = 1, .from = from, .timeout_ms = timeout_ms};
    ck_assert(peer_link_has_room(under_test));
    ck_assert_int_eq(peer_link_ask(under_test, &b), MR_OK);
}

static void set_up(void)
{
    memset(&told, 0, sizeof told);
    fake_peer_init(ledger);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    fake_peer_open(&loop, 0);
}

static void tear_down(void)
{
    peer_link_destroy(under_test);
    under_test = NULL;
    fake_peer_close();
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

/* --- a peer that behaves ---------------------------------------------------------------------- */

START_TEST(comes_up_and_is_answered)
{
    told.has_seen = _i == 1;
    open_link(quick());
    ck_assert(!peer_link_has_room(under_test));
    UNTIL(told.ups == 1);
    ck_assert_int_eq(fake.auth.role, MR_AUTH_PEER);
    ck_assert_uint_eq(fake.auth.key_index, OWN);
    ck_assert_uint_eq(fake.auth.seen_count, (uint32_t)_i);
    follow(5, 0);
    UNTIL(told.answers == 1);
    ck_assert_int_eq(told.last, MR_OK);
    ck_assert_uint_eq(told.order[0], 5);
    UNTIL(fake.heads >= 2 && told.heads >= 2); /* the heartbeat */
    const struct peer_link_facts f = peer_link_facts(under_test);
    ck_assert(f.up);
    ck_assert_int_eq(f.trouble, MR_OK);
    ck_assert_uint_gt(f.rtt_us, 0);
    ck_assert_uint_gt(f.heard_ms, 0);
    ck_assert_uint_eq(f.asked, 1);
    ck_assert_uint_eq(f.answered, 1);
    ck_assert_int_eq(told.downs, 0);
}
END_TEST

/* Every place may be taken; a further one waits for room. */
START_TEST(answers_come_in_any_order)
{
    enum { PLACES = PEER_LINK_CALLS_MAX - 2 };
    fake.manner = FAKE_LATE;
    fake.only_follow = true;
    open_link(quick());
    UNTIL(told.ups == 1);
    for (uint64_t i = 0; i < PLACES; i++)
        follow(i, 10000);
    ck_assert(!peer_link_has_room(under_test));
    UNTIL(fake.held_count == PLACES);
    fake.manner = FAKE_WELL;
    for (size_t i = PLACES; i-- > 0;)
        fake_peer_answer(i);
    UNTIL(told.answers == PLACES);
    for (uint64_t i = 0; i < PLACES; i++)
        ck_assert_uint_eq(told.order[i], PLACES - 1 - i);
    ck_assert(peer_link_has_room(under_test));
    /* the same answer again answers nothing */
    fake_peer_answer(0);
    run_for(50);
    ck_assert_int_eq(told.answers, PLACES);
}
END_TEST

START_TEST(long_polls_outlast_the_margin)
{
    fake.manner = FAKE_LATE;
    fake.only_follow = true;
    open_link(quick());
    UNTIL(told.ups == 1);
    follow(1, 600);
    run_for(500); /* longer than the margin */
    ck_assert_int_eq(told.answers, 0);
    UNTIL(told.answers == 1);
    ck_assert_int_eq(told.last, MR_NO_ANSWER);
    ck_assert_int_eq(told.downs, 0);
}
END_TEST

/* --- a peer in trouble ------------------------------------------------------------------------ */

START_TEST(another_identity_is_not_talked_to)
{
    fake.imposes = true;
    open_link(quick());
    UNTIL(fake.hellos >= 3);
    ck_assert_int_eq(fake.auths, 0);
    ck_assert_int_eq(told.ups, 0);
    ck_assert_int_eq(peer_link_facts(under_test).trouble, MR_WRONG_NODE);
    fake.imposes = false;
    UNTIL(told.ups == 1);
    ck_assert_int_eq(peer_link_facts(under_test).trouble, MR_OK);
}
END_TEST

START_TEST(a_refused_proof_is_tried_again_later)
{
    fake.manner = FAKE_STATUS;
    fake.status = MR_BAD_KEY;
    open_link(quick());
    UNTIL(fake.hellos >= 3);
    ck_assert_int_eq(told.ups, 0);
    ck_assert_int_eq(peer_link_facts(under_test).trouble, MR_BAD_KEY);
    fake.manner = FAKE_WELL;
    UNTIL(told.ups == 1);
}
END_TEST

START_TEST(silence_is_an_end)
{
    struct peer_link_times times = quick();
    times.silence_ms = 300;
    open_link(times);
    UNTIL(told.ups == 1);
    follow(1, 20000);
    UNTIL(told.answers == 1);
    fake.manner = FAKE_SILENT;
    follow(2, 20000);
    UNTIL(told.downs == 1);
    ck_assert_int_eq(told.why, MR_NO_ANSWER);
    ck_assert_int_eq(told.answers, 1); /* it is void: nothing is told of it */
    ck_assert(!peer_link_has_room(under_test));
    fake.manner = FAKE_WELL;
    UNTIL(told.ups == 2);
    ck_assert_int_ge((int)peer_link_facts(under_test).connects, 2);
}
END_TEST

/* One request is lost, the heartbeat goes on. */
START_TEST(one_lost_answer_is_only_that)
{
    fake.manner = FAKE_SILENT;
    fake.only_follow = true;
    open_link(quick());
    UNTIL(told.ups == 1);
    follow(1, 0);
    UNTIL(told.answers == 1);
    ck_assert_int_eq(told.last, MR_NO_ANSWER);
    fake.manner = FAKE_WELL;
    follow(2, 0);
    UNTIL(told.answers == 2);
    ck_assert_int_eq(told.last, MR_OK);
    ck_assert_int_eq(told.downs, 0);
    ck_assert_uint_eq(peer_link_facts(under_test).unanswered, 1);
}
END_TEST

/* Bytes that open nothing are passed over; the request ends when its time is over. */
START_TEST(junk_answers_nothing)
{
    fake.manner = FAKE_JUNK;
    fake.only_follow = true;
    open_link(quick());
    UNTIL(told.ups == 1);
    follow(1, 0);
    UNTIL(told.answers == 1);
    ck_assert_int_eq(told.last, MR_NO_ANSWER);
    ck_assert_uint_ge(peer_link_facts(under_test).strays, 1);
    ck_assert_int_eq(told.downs, 0);
}
END_TEST

static const struct {
    enum fake_manner manner;
    enum mr_status expected;
} odd[] = {
    {FAKE_ODD_ID, MR_OUT_OF_RANGE},
    {FAKE_ODD_KIND, MR_UNKNOWN_TAG},
    {FAKE_ODD_BYTES, MR_TRUNCATED},
};

/* What the peer itself sealed and is no reply: told by its name, and it is asked more slowly. */
START_TEST(odd_replies_are_named)
{
    fake.only_follow = true;
    open_link(quick());
    UNTIL(told.ups == 1);
    fake.manner = odd[_i].manner;
    follow(1, 0);
    UNTIL(told.answers == 1);
    ck_assert_int_eq(told.last, odd[_i].expected);
    ck_assert(!peer_link_has_room(under_test));
    UNTIL(told.rooms == 1);
    ck_assert(peer_link_has_room(under_test));
    fake.manner = FAKE_WELL;
    follow(2, 0);
    UNTIL(told.answers == 2);
    ck_assert_int_eq(told.last, MR_OK);
    ck_assert_int_eq(told.downs, 0);
}
END_TEST

/* Refusals, open and sealed, slow the asker down: the second pause is longer than the first. */
START_TEST(a_busy_peer_is_asked_more_slowly)
{
    fake.only_follow = true;
    open_link(quick());
    UNTIL(told.ups == 1);
    fake.manner = _i == 0 ? FAKE_REFUSE : FAKE_STATUS;
    fake.status = MR_BUSY;
    uint64_t pause[2];
    for (int i = 0; i < 2; i++) {
        follow(1, 0);
        UNTIL(told.answers == i + 1);
        ck_assert_int_eq(told.last, MR_BUSY);
        pause[i] = uv_now(&loop);
        UNTIL(told.rooms == i + 1);
        pause[i] = uv_now(&loop) - pause[i];
    }
    ck_assert_uint_ge(pause[0], 80);
    ck_assert_uint_ge(pause[1], 180);
    ck_assert_int_eq(told.downs, 0);
}
END_TEST

/* A session that the peer has forgotten, or no longer takes for that of a peer. */
START_TEST(a_lost_session_is_made_anew)
{
    open_link(quick());
    UNTIL(told.ups == 1);
    follow(1, 0);
    UNTIL(told.answers == 1);
    if (_i == 0)
        memset(fake.sessions, 0, sizeof fake.sessions);
    else
        fake.sessions[0].proved = false;
    follow(2, 20000);
    UNTIL(told.ups == 2);
    ck_assert_int_eq(told.downs, 1);
    ck_assert_int_eq(told.why, _i == 0 ? MR_BAD_SESSION : MR_NOT_AUTHORISED);
    ck_assert_int_eq(told.answers, 1);
    ck_assert_uint_eq(peer_link_facts(under_test).connects, 1); /* the connection was good */
}
END_TEST

/* A line that repeats: the second copy of a request is refused, the first one is answered. */
START_TEST(repeated_messages_end_nothing)
{
    enum { POLLS = 6 };
    char address[32];
    struct proxy *const p = proxy_start(0, &fake.port, 1);
    ck_assert_ptr_nonnull(p);
    proxy_repeat(p, (uint32_t)_i);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)proxy_port(p));
    ck_assert_int_eq(open_at(address, quick()), MR_OK);
    fake.manner = FAKE_LATE;
    fake.only_follow = true;
    UNTIL(told.ups == 1);
    for (uint64_t i = 0; i < POLLS; i++)
        follow(i, 10000);
    UNTIL(fake.held_count == POLLS);
    run_for(200); /* heartbeats go on */
    for (size_t i = 0; i < POLLS; i++)
        fake_peer_answer(i);
    UNTIL(told.answers == POLLS);
    ck_assert_int_eq(told.ups, 1);
    ck_assert_int_eq(told.downs, 0);
    ck_assert_uint_gt(proxy_counts(p).repeated, 2);
    peer_link_destroy(under_test);
    under_test = NULL;
    proxy_stop(p);
}
END_TEST

/* One that never holds is not asked without end. */
START_TEST(sessions_that_do_not_hold_are_paused)
{
    fake.manner = FAKE_REFUSE;
    fake.status = MR_BAD_SESSION;
    fake.only_follow = true;
    struct peer_link_times times = quick();
    times.beat_ms = 10000; /* no answer that would be good */
    open_link(times);
    UNTIL(told.ups == 1);
    follow(1, 0);
    UNTIL(told.downs == 1);
    const uint64_t begin = uv_now(&loop);
    for (int i = 2; i <= 5; i++) {
        UNTIL(told.ups == i);
        follow(1, 0);
        UNTIL(told.downs == i);
    }
    ck_assert_uint_ge(uv_now(&loop) - begin, 10 + 20 + 40 + 80);
}
END_TEST

START_TEST(a_stopping_peer_is_left)
{
    fake.only_follow = true;
    open_link(quick());
    UNTIL(told.ups == 1);
    fake.manner = FAKE_REFUSE;
    fake.status = MR_STOPPING;
    follow(1, 0);
    UNTIL(told.downs == 1);
    ck_assert_int_eq(told.why, MR_STOPPING);
    fake.manner = FAKE_WELL;
    UNTIL(told.ups == 2);
}
END_TEST

START_TEST(a_cut_connection_is_made_anew)
{
    fake.only_follow = true;
    fake.manner = FAKE_LATE;
    open_link(quick());
    for (int i = 1; i <= 4; i++) {
        const uint16_t port = fake.port;
        UNTIL(told.ups == i);
        follow(1, 20000);
        UNTIL(fake.follows == i);
        fake_peer_close();
        UNTIL(told.downs == i);
        ck_assert_int_eq(told.answers, 0);
        run_for(30);
        fake.held_count = 0;
        fake_peer_open(&loop, port);
    }
    ck_assert(told.why == MR_UNREACHABLE || told.why == MR_BAD_SESSION);
    UNTIL(told.ups == 5);
}
END_TEST

/* Nobody there: attempts get rarer. */
START_TEST(pauses_double)
{
    struct peer_link_times times = quick();
    times.shake_ms = 10;
    times.pause_max_ms = 500;
    fake_peer_close();
    open_link(times);
    UNTIL(peer_link_facts(under_test).connects == 3);
    const uint64_t begin = uv_now(&loop);
    UNTIL(peer_link_facts(under_test).connects == 5);
    ck_assert_uint_ge(uv_now(&loop) - begin, 40 + 80);
    ck_assert_int_eq(peer_link_facts(under_test).trouble, MR_UNREACHABLE);
    fake_peer_open(&loop, fake.port);
    UNTIL(told.ups == 1);
}
END_TEST

START_TEST(a_request_has_a_largest_size)
{
    static struct mr_request_body b;
    open_link(quick());
    UNTIL(told.ups == 1);
    b = (struct mr_request_body){.kind = MR_REQ_SUBMIT};
    b.u.submit.order.order.body.kind = MR_KIND_PAY;
    b.u.submit.order.order.body.u.pay.lines_count = MR_LINES_MAX;
    for (size_t i = 0; i < MR_LINES_MAX; i++)
        b.u.submit.order.order.body.u.pay.lines[i] =
            (struct mr_pay_line){.amount = 1, .what = MR_LINE_PAYMENT};
    ck_assert_int_eq(peer_link_ask(under_test, &b), MR_TOO_LARGE);
    follow(1, 0);
    UNTIL(told.answers == 1);
}
END_TEST

START_TEST(the_caller_may_hold_and_reset)
{
    open_link(quick());
    UNTIL(told.ups == 1);
    peer_link_hold(under_test);
    ck_assert(!peer_link_has_room(under_test));
    UNTIL(told.rooms == 1);
    peer_link_reset(under_test, MR_NO_MEMORY);
    ck_assert_int_eq(told.downs, 1);
    ck_assert_int_eq(told.why, MR_NO_MEMORY);
    peer_link_reset(under_test, MR_NO_MEMORY); /* it is down already */
    ck_assert_int_eq(told.downs, 1);
    UNTIL(told.ups == 2);
}
END_TEST

/* --- no peer at all --------------------------------------------------------------------------- */

static struct {
    uv_tcp_t listener;
    uv_tcp_t conns[64];
    int count;
    const char *bytes;
    unsigned len;
    bool closes;
} villain;

static void on_written(uv_write_t *w, int status)
{
    (void)status;
    if (villain.closes)
        uv_close((uv_handle_t *)w->handle, NULL);
    free(w);
}

static void on_connection(uv_stream_t *s, int status)
{
    ck_assert_int_eq(status, 0);
    ck_assert_int_lt(villain.count, 64);
    uv_tcp_t *const c = &villain.conns[villain.count++];
    uv_write_t *const w = malloc(sizeof *w);
    const uv_buf_t b = uv_buf_init((char *)(uintptr_t)villain.bytes, villain.len);
    uv_tcp_init(&loop, c);
    ck_assert_int_eq(uv_accept(s, (uv_stream_t *)c), 0);
    ck_assert_int_eq(uv_write(w, (uv_stream_t *)c, &b, 1, on_written), 0);
}

static void villain_open(void)
{
    struct sockaddr_in a;
    uv_ip4_addr("127.0.0.1", fake.port, &a);
    uv_tcp_init(&loop, &villain.listener);
    ck_assert_int_eq(uv_tcp_bind(&villain.listener, (const struct sockaddr *)&a, 0), 0);
    ck_assert_int_eq(uv_listen((uv_stream_t *)&villain.listener, 100, on_connection), 0);
}

static void villain_close(void)
{
    uv_close((uv_handle_t *)&villain.listener, NULL);
    for (int i = 0; i < villain.count; i++)
        if (!uv_is_closing((uv_handle_t *)&villain.conns[i]))
            uv_close((uv_handle_t *)&villain.conns[i], NULL);
    run_for(5);
}

#define GREETING "\0SP\0\0\61\0\0"
static const struct {
    const char *what, *bytes;
    unsigned len;
    bool closes;
} villains[] = {
    {"closes at once", "", 0, true},
    {"says nothing", "", 0, false},
    {"garbage", "\1\2\3\4\5\6\7\10\11\12\13", 11, false},
    {"http", "HTTP/1.0 400 Bad Request\r\n\r\n", 28, true},
    {"greets and closes", GREETING, 8, true},
    {"greets and says nothing", GREETING, 8, false},
    {"another protocol", "\0SP\0\0\60\0\0", 8, false},
    {"absurd length", GREETING "\377\377\377\377\377\377\377\377", 16, false},
    {"2^40", GREETING "\0\0\1\0\0\0\0\0xxxx", 20, false},
    {"just too large", GREETING "\0\0\0\0\0\1\0\101", 16, false},
    {"empty message", GREETING "\0\0\0\0\0\0\0\0", 16, false},
    {"id of nobody", GREETING "\0\0\0\0\0\0\0\10\200\0\0\1abcd", 24, false},
    {"id of the hello, garbage", GREETING "\0\0\0\0\0\0\0\10\300\0\0\1abcd", 24, false},
    {"half a message", GREETING "\0\0\0\0\0\0\1\0\200\0\0\1abcd", 20, true},
};

/* It tries on, and finds a good peer at the place later. */
START_TEST(hostile_listeners_are_survived)
{
    struct peer_link_times times = quick();
    times.shake_ms = 100;
    villain.bytes = villains[_i].bytes;
    villain.len = villains[_i].len;
    villain.closes = villains[_i].closes;
    fake_peer_close();
    run_for(5);
    villain_open();
    open_link(times);
    UNTIL(villain.count >= 2 && peer_link_facts(under_test).trouble != MR_OK);
    ck_assert_int_eq(told.ups, 0);
    villain_close();
    fake_peer_open(&loop, fake.port);
    UNTIL(told.ups == 1);
    follow(1, 0);
    UNTIL(told.answers == 1);
}
END_TEST

/* Messages that answer nothing, without end: the link is cut. */
START_TEST(a_flood_is_cut_off)
{
    static const char frame[16] = "\0\0\0\0\0\0\0\10\200\0\0\1abcd";
    static char flood[8 + (PEER_LINK_STRAYS_MAX + 100) * sizeof frame];
    memcpy(flood, GREETING, 8);
    for (size_t i = 8; i < sizeof flood; i += sizeof frame)
        memcpy(flood + i, frame, sizeof frame);
    villain.bytes = flood;
    villain.len = sizeof flood;
    fake_peer_close();
    run_for(5);
    villain_open();
    open_link(peer_link_times());
    UNTIL(peer_link_facts(under_test).trouble == MR_TOO_MANY);
    villain_close();
    fake_peer_open(&loop, fake.port);
    UNTIL(told.ups == 1);
}
END_TEST

/* Names are looked up, all their addresses tried; one that does not exist is tried again. */
START_TEST(names_are_looked_up)
{
    char address[64];
    snprintf(address, sizeof address, _i == 0 ? "localhost:%u" : "nowhere.invalid:%u",
             (unsigned)fake.port);
    ck_assert_int_eq(open_at(address, quick()), MR_OK);
    if (_i == 0) {
        UNTIL(told.ups == 1);
    } else {
        UNTIL(peer_link_facts(under_test).trouble == MR_UNREACHABLE);
        ck_assert_uint_eq(peer_link_facts(under_test).connects, 0);
    }
}
END_TEST

START_TEST(bad_addresses)
{
    static const char *const texts[] = {"", "host", "host:", "host:0", ":1", "[::1"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_msg(open_at(texts[i], quick()) == MR_BAD_TEXT, "%s", texts[i]);
    ck_assert_ptr_null(under_test);
}
END_TEST

/* Destroyed at any moment of its life: nothing is left (tear_down), nobody is called. */
START_TEST(ends_cleanly)
{
    open_link(quick());
    for (int i = 0; i < _i; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    if (peer_link_has_room(under_test))
        follow(1, 20000);
    const int ups = told.ups;
    peer_link_destroy(under_test);
    under_test = NULL;
    run_for(20);
    ck_assert_int_eq(told.ups, ups);
    ck_assert_int_eq(told.downs, 0);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    Suite *s = suite_create("peer_link");
    TCase *c = tcase_create("peer_link");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, comes_up_and_is_answered, 0, 2);
    tcase_add_test(c, answers_come_in_any_order);
    tcase_add_test(c, long_polls_outlast_the_margin);
    tcase_add_test(c, another_identity_is_not_talked_to);
    tcase_add_test(c, a_refused_proof_is_tried_again_later);
    tcase_add_test(c, silence_is_an_end);
    tcase_add_test(c, one_lost_answer_is_only_that);
    tcase_add_test(c, junk_answers_nothing);
    tcase_add_loop_test(c, odd_replies_are_named, 0, 3);
    tcase_add_loop_test(c, a_busy_peer_is_asked_more_slowly, 0, 2);
    tcase_add_loop_test(c, a_lost_session_is_made_anew, 0, 2);
    tcase_add_loop_test(c, repeated_messages_end_nothing, 1, 4);
    tcase_add_test(c, sessions_that_do_not_hold_are_paused);
    tcase_add_test(c, a_stopping_peer_is_left);
    tcase_add_test(c, a_cut_connection_is_made_anew);
    tcase_add_test(c, pauses_double);
    tcase_add_test(c, a_flood_is_cut_off);
    tcase_add_test(c, a_request_has_a_largest_size);
    tcase_add_test(c, the_caller_may_hold_and_reset);
    tcase_add_loop_test(c, hostile_listeners_are_survived, 0, sizeof villains / sizeof villains[0]);
    tcase_add_loop_test(c, names_are_looked_up, 0, 2);
    tcase_add_test(c, bad_addresses);
    tcase_add_loop_test(c, ends_cleanly, 0, 40);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
