#include <check.h>
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/link_wire.h"
#include "common/sp.h"
#include "lib/loopback.h"
#include "lib/server_thread.h"
#include "transport/peer_nn.h"

enum { HELD_MAX = 2000 };

/* The peer port on a loop and thread of its own. 'h' holds a request, 'r' releases the held ones,
 * the last first, '2' answers twice, anything else is echoed. */
static struct {
    uv_loop_t loop;
    uv_async_t stop;
    pthread_t thread;
    struct peer_port *port;
    uint16_t number;
    struct peer_stats stats;
    int leaked;
    uint64_t held[HELD_MAX];
    uint8_t marks[HELD_MAX];
    size_t held_count;
} peer;

static void on_request(void *ctx, struct conn *c, uint64_t token, const uint8_t *body, size_t len)
{
    (void)ctx;
    if (c != NULL)
        abort();
    const uint8_t what = len > 0 ? body[0] : 'e';
    if (what == 'h') {
        peer.marks[peer.held_count] = body[1];
        peer.held[peer.held_count++] = token;
        return;
    }
    while (what == 'r' && peer.held_count > 0) {
        peer.held_count--;
        peer_reply(peer.port, peer.held[peer.held_count], &peer.marks[peer.held_count], 1);
    }
    peer_reply(peer.port, token, body, len);
    if (what == '2')
        peer_reply(peer.port, token, body, len);
}

static void on_stop(uv_async_t *a)
{
    peer.stats = peer_stats(peer.port);
    peer_destroy(peer.port);
    uv_close((uv_handle_t *)a, NULL);
}

static void *run(void *arg)
{
    uv_run(&peer.loop, UV_RUN_DEFAULT);
    peer.leaked = uv_loop_close(&peer.loop);
    return arg;
}

static void open_port(const struct peer_config *config)
{
    const struct transport_sink sink = {.on_request = on_request};
    char address[32];
    enum mr_status st;
    ck_assert_int_eq(uv_loop_init(&peer.loop), 0);
    do {
        peer.number = loopback_free_port();
        snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)peer.number);
        st = peer_create(&peer.port, &peer.loop, address, config, &sink);
    } while (st == MR_IN_USE);
    ck_assert_int_eq(st, MR_OK);
}

static void start(const struct peer_config *config)
{
    open_port(config);
    uv_async_init(&peer.loop, &peer.stop, on_stop);
    ck_assert_int_eq(pthread_create(&peer.thread, NULL, run, NULL), 0);
}

static void stop(void)
{
    uv_async_send(&peer.stop);
    pthread_join(peer.thread, NULL);
    ck_assert_int_eq(peer.leaked, 0);
}

static struct wire *dial(void)
{
    char address[32];
    struct wire *w;
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)peer.number);
    ck_assert_int_eq(wire_open(&w, address), MR_OK);
    return w;
}

static void ask(struct wire *w, uint32_t id, const void *body, size_t len)
{
    ck_assert_int_eq(wire_send(w, 0x80000000 | id, body, len, wire_now_ms() + 20000), MR_OK);
}

static uint32_t answer(struct wire *w, uint8_t *ret, size_t cap, size_t *ret_len)
{
    uint32_t id;
    ck_assert_int_eq(wire_recv(w, &id, ret, cap, ret_len, wire_now_ms() + 20000), MR_OK);
    return id & 0x7fffffff;
}

static void is_answered(struct wire *w)
{
    uint8_t back[8];
    size_t len;
    ask(w, 4711, "echo", 4);
    ck_assert_uint_eq(answer(w, back, sizeof back, &len), 4711);
    ck_assert_uint_eq(len, 4);
}

START_TEST(raw_and_cooked_requests_are_served)
{
    static uint8_t out[MR_FRAME_MAX], back[MR_FRAME_MAX];
    static const size_t sizes[] = {0, 1, 31, 32, 1000, MR_FRAME_MAX};
    const struct peer_config config = peer_defaults();
    start(&config);
    struct wire *w = dial();
    char url[40];
    const int s = nn_socket(AF_SP, NN_REQ), max = -1, wait_ms = 20000;
    nn_setsockopt(s, NN_SOL_SOCKET, NN_RCVMAXSIZE, &max, sizeof max);
    nn_setsockopt(s, NN_SOL_SOCKET, NN_RCVTIMEO, &wait_ms, sizeof wait_ms);
    snprintf(url, sizeof url, "tcp://127.0.0.1:%u", (unsigned)peer.number);
    ck_assert_int_ge(nn_connect(s, url), 0);
    memset(out, 'e', sizeof out);
    for (uint32_t i = 0; i < 6; i++) {
        size_t len;
        ask(w, i, out, sizes[i]);
        ck_assert_uint_eq(answer(w, back, sizeof back, &len), i);
        ck_assert_uint_eq(len, sizes[i]);
        ck_assert_int_eq(nn_send(s, out, sizes[i], 0), (int)sizes[i]);
        ck_assert_int_eq(nn_recv(s, back, sizeof back, 0), (int)sizes[i]);
    }
    nn_close(s);
    wire_close(w);
    stop();
    ck_assert_uint_eq(peer.stats.replies, 12);
}
END_TEST

START_TEST(many_at_once_in_any_order)
{
    enum { ASKED = 200 };
    const struct peer_config config = peer_defaults();
    int seen[ASKED] = {0};
    start(&config);
    struct wire *w = dial();
    for (uint32_t i = 0; i < ASKED; i++)
        ask(w, i, (const uint8_t[]){'h', (uint8_t)i}, 2);
    ask(w, 9999, "r", 1);
    for (uint32_t i = 0; i <= ASKED; i++) {
        uint8_t mark;
        size_t len;
        const uint32_t id = answer(w, &mark, 1, &len);
        if (id == 9999)
            continue;
        ck_assert_uint_eq(mark, (uint8_t)id);
        seen[id]++;
    }
    for (int i = 0; i < ASKED; i++)
        ck_assert_int_eq(seen[i], 1);
    wire_close(w);
    stop();
    ck_assert_uint_eq(peer.stats.in_flight, 0);
}
END_TEST

/* Above its lane's budget a peer's requests are dropped; it repeats them, the others do not notice.
 * All on this thread, so that the moments are certain. */
START_TEST(lanes_are_bounded)
{
    enum { ASKED = 50, BUDGET = 10 };
    const struct peer_config config = {.requests_max = BUDGET};
    struct peer_stats seen;
    uint8_t mark;
    size_t len;
    open_port(&config);
    struct wire *w = dial();
    for (uint32_t i = 0; i < ASKED; i++)
        ask(w, i, (const uint8_t[]){'h', (uint8_t)i}, 2);
    do {
        uv_run(&peer.loop, UV_RUN_NOWAIT);
        seen = peer_stats(peer.port);
    } while (seen.requests + seen.dropped < ASKED);
    ck_assert_uint_eq(seen.requests, BUDGET);
    ck_assert_uint_eq(seen.in_flight, BUDGET);
    while (peer.held_count > 0) {
        peer.held_count--;
        peer_reply(peer.port, peer.held[peer.held_count], &peer.marks[peer.held_count], 1);
    }
    for (uint32_t i = BUDGET; i-- > 0;)
        ck_assert_uint_eq(answer(w, &mark, 1, &len), i);
    ask(w, 77, "h", 2);
    while (peer.held_count == 0)
        uv_run(&peer.loop, UV_RUN_NOWAIT);
    wire_close(w);
    peer_destroy(peer.port);
    uv_run(&peer.loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&peer.loop), 0);
}
END_TEST

START_TEST(double_replies_are_dropped)
{
    const struct peer_config config = peer_defaults();
    uint8_t back;
    size_t len;
    start(&config);
    struct wire *w = dial();
    ask(w, 5, "2", 1);
    ck_assert_uint_eq(answer(w, &back, 1, &len), 5);
    is_answered(w);
    wire_close(w);
    stop();
    ck_assert_uint_eq(peer.stats.late, 1);
}
END_TEST

static const struct {
    const char *what;
    const char *bytes;
    size_t len;
    int greets;
} hostile[] = {
    {"garbage", "\1\2\3\4\5\6\7\10\11", 9, 0},
    {"http", "GET / HTTP/1.1\r\n\r\n", 18, 0},
    {"absurd length", "\377\377\377\377\377\377\377\377", 8, 1},
    {"too large", "\0\0\0\0\0\2\0\0", 8, 1},
    {"empty", "\0\0\0\0\0\0\0\0", 8, 1},
    {"id without end", "\0\0\0\0\0\0\0\10\1\2\3\4\1\2\3\4", 16, 1},
    {"no id", "\0\0\0\0\0\0\0\2\1\2", 10, 1},
    {"half a message", "\0\0\0\0\0\0\377\0\200\0\0\1xyz", 15, 1},
};

START_TEST(hostile_bytes_disturb_nobody)
{
    const struct peer_config config = peer_defaults();
    struct server_thread to = {.port = 0};
    start(&config);
    to.port = peer.number;
    struct wire *w = dial();
    is_answered(w);
    for (int i = 0; i < 30; i++) {
        const int fd = server_thread_connect(&to, hostile[_i].greets);
        ck_assert_int_ge(fd, 0);
        ck_assert(tcp_send(fd, hostile[_i].bytes, hostile[_i].len));
        is_answered(w);
        close(fd);
    }
    is_answered(w);
    wire_close(w);
    stop();
    ck_assert_uint_ge(peer.stats.accepted, 30);
    ck_assert_uint_ge(peer.stats.ended, 20); /* of the last ones nanomsg hears a moment later */
}
END_TEST

/* Bound anew many times a second: a client that repeats loses nothing. */
START_TEST(renewal_is_survived)
{
    const struct peer_config config = {.requests_max = 10, .renew_ms = 30};
    uint8_t back[8];
    size_t len;
    uint32_t id;
    start(&config);
    struct wire *w = dial();
    for (int renewals = 0; renewals < 5; renewals++) {
        /* A lost reply tells that the endpoint was taken away in between. */
        for (uint32_t i = 0;; i++) {
            const uint64_t soon = wire_now_ms() + 200;
            if (wire_send(w, 0x80000000 | i, (const uint8_t *)"e", 1, soon) != MR_OK ||
                wire_recv(w, &id, back, sizeof back, &len, soon) != MR_OK)
                break;
        }
        wire_reset(w);
    }
    wire_close(w);
    stop();
    ck_assert_uint_ge(peer.stats.renewed, 5);
}
END_TEST

START_TEST(bad_places_to_listen)
{
    static const struct {
        const char *address;
        enum mr_status expected;
    } places[] = {
        {"", MR_BAD_TEXT},
        {"127.0.0.1", MR_BAD_TEXT},
        {"127.0.0.1:0", MR_BAD_TEXT},
        {"127.0.0.1:x", MR_BAD_TEXT},
        {"192.0.2.1:7000", MR_CONFIG},
        {"no such host:7000", MR_CONFIG},
    };
    const struct transport_sink sink = {.on_request = on_request};
    const struct peer_config config = peer_defaults();
    uv_loop_t loop;
    struct peer_port *p;
    char address[32];
    uv_loop_init(&loop);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        ck_assert_msg(peer_create(&p, &loop, places[i].address, &config, &sink) ==
                          places[i].expected,
                      "%s", places[i].address);
    start(&config);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)peer.number);
    ck_assert_int_eq(peer_create(&p, &loop, address, &config, &sink), MR_IN_USE);
    peer_destroy(NULL);
    stop();
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("peer_nn");
    TCase *c = tcase_create("peer_nn");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, raw_and_cooked_requests_are_served);
    tcase_add_test(c, many_at_once_in_any_order);
    tcase_add_test(c, lanes_are_bounded);
    tcase_add_test(c, double_replies_are_dropped);
    tcase_add_loop_test(c, hostile_bytes_disturb_nobody, 0, sizeof hostile / sizeof hostile[0]);
    tcase_add_test(c, renewal_is_survived);
    tcase_add_test(c, bad_places_to_listen);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
