#include <check.h>
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/link_wire.h"
#include "common/sp.h"
#include "lib/server_thread.h"

enum { HELD_MAX = 4096, BIG = 60000 };

/* What the server does is told by the first byte of a request: 'e' echo, 'h' hold, 'r' release all
 * that is held, the last first, 'b' answer with BIG bytes, 'k' close this connection, '2' answer
 * twice, 'p' who asks. Used on the server's thread only. */
static struct server_thread server;
static uint64_t held[HELD_MAX];
static uint8_t held_mark[HELD_MAX];
static size_t held_count, held_most;
static uint8_t big[BIG];

static void on_request(void *ctx, struct conn *c, uint64_t token, const uint8_t *body, size_t len)
{
    struct server_thread *const t = ctx;
    switch (len > 0 ? body[0] : 'e') {
    case 'h':
        held_mark[held_count] = body[1];
        held[held_count++] = token;
        if (held_most < held_count)
            held_most = held_count;
        return;
    case 'r':
        while (held_count > 0) {
            held_count--;
            server_reply(t->server, held[held_count], &held_mark[held_count], 1);
        }
        server_reply(t->server, token, body, len);
        return;
    case 'b':
        server_reply(t->server, token, big, sizeof big);
        return;
    case 'k':
        conn_kick(c);
        server_reply(t->server, token, body, len);
        return;
    case 'p': {
        char text[128];
        const size_t used = (size_t)snprintf(text, sizeof text, "%u %u ", (unsigned)conn_number(c),
                                             (unsigned)conn_requests(c));
        conn_peer(c, text + used, sizeof text - used);
        if (conn_user(c) != (conn_requests(c) == 1 ? NULL : t))
            abort();
        conn_set_user(c, t);
        server_reply(t->server, token, (const uint8_t *)text, strlen(text));
        return;
    }
    case '2':
        server_reply(t->server, token, body, len);
        server_reply(t->server, token, body, len);
        return;
    default:
        server_reply(t->server, token, body, len);
    }
}

/* Told whenever the server closed a connection. */
static int closed_event;

static void on_closed(void *ctx, struct conn *c)
{
    const uint64_t one = 1;
    (void)ctx;
    (void)c;
    if (write(closed_event, &one, sizeof one) != sizeof one)
        abort();
}

static const struct transport_sink sink = {
    .on_request = on_request, .on_closed = on_closed, .ctx = &server};

static struct server_config config;

static void set_up(void)
{
    config = server_defaults();
    config.sweep_ms = 10;
    held_count = held_most = 0;
    closed_event = eventfd(0, EFD_CLOEXEC);
    ck_assert_int_ge(closed_event, 0);
}

static void start(void)
{
    server_thread_start(&server, &config, &sink, 0, NULL);
}

static void stop(void)
{
    server_thread_stop(&server);
    ck_assert_int_eq(server.leaked, 0);
}

static int greeted(void)
{
    const int fd = server_thread_connect(&server, 1);
    ck_assert_int_ge(fd, 0);
    return fd;
}

/* A client that behaves is answered, whatever the others do. */
static void good_client_is_answered(int fd)
{
    static uint32_t id;
    uint32_t got;
    char text[16], back[16];
    snprintf(text, sizeof text, "e%u", ++id);
    ck_assert(tcp_ask(fd, id, text, strlen(text)));
    ck_assert_int_eq(tcp_answer(fd, &got, back, sizeof back), (long)strlen(text));
    ck_assert_uint_eq(got, id);
    ck_assert_mem_eq(text, back, strlen(text));
}

static const size_t sizes[] = {0, 1, 31, 32, 33, 1000, 16384, 65535, MR_FRAME_MAX};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

START_TEST(nanomsg_req_is_served)
{
    static char out[MR_FRAME_MAX], back[MR_FRAME_MAX];
    char url[64];
    const int wait_ms = 20000, max = -1;
    start();
    snprintf(url, sizeof url, "tcp://127.0.0.1:%u", (unsigned)server.port);
    const int s = nn_socket(AF_SP, NN_REQ);
    ck_assert_int_ge(s, 0);
    nn_setsockopt(s, NN_SOL_SOCKET, NN_RCVTIMEO, &wait_ms, sizeof wait_ms);
    nn_setsockopt(s, NN_SOL_SOCKET, NN_RCVMAXSIZE, &max, sizeof max);
    ck_assert_int_ge(nn_connect(s, url), 0);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < SIZES; i++) {
            memset(out, 'e', sizes[i]);
            ck_assert_int_eq(nn_send(s, out, sizes[i], 0), (int)sizes[i]);
            ck_assert_int_eq(nn_recv(s, back, sizeof back, 0), (int)sizes[i]);
            ck_assert_int_eq(memcmp(out, back, sizes[i]), 0);
        }
    }
    nn_close(s);
    stop();
    ck_assert_uint_eq(server.stats.requests, 3 * SIZES);
    ck_assert_uint_eq(server.stats.replies, 3 * SIZES);
}
END_TEST

/* The link's bytes: raw nanomsg, and a local socket when _i is 1. */
START_TEST(wire_is_served)
{
    static uint8_t out[MR_FRAME_MAX], back[MR_FRAME_MAX];
    char dir[] = "/tmp/mereau-server-XXXXXX", path[64], address[64];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/control/socket", dir);
    char inner[64];
    snprintf(inner, sizeof inner, "%s/control", dir);
    server_thread_start(&server, &config, &sink, 0, path);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)server.port);
    struct wire *w;
    ck_assert_int_eq(wire_open(&w, _i == 0 ? address : path), MR_OK);
    for (uint32_t i = 0; i < 3 * SIZES; i++) {
        const size_t size = sizes[i % SIZES];
        const uint64_t deadline = wire_now_ms() + 20000;
        uint32_t id = 0;
        size_t len = 0;
        memset(out, 'e', size);
        ck_assert_int_eq(wire_send(w, 0x80000000 + i, out, size, deadline), MR_OK);
        ck_assert_int_eq(wire_recv(w, &id, back, sizeof back, &len, deadline), MR_OK);
        ck_assert_uint_eq(id, 0x80000000 + i);
        ck_assert_uint_eq(len, size);
        if (i % 5 == 4)
            wire_reset(w);
    }
    wire_close(w);
    stop();
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_int_eq(rmdir(inner), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(replies_come_in_any_order)
{
    start();
    const int fd = greeted(), other = greeted();
    uint32_t id;
    uint8_t mark;
    for (uint8_t i = 1; i <= 20; i++)
        ck_assert(tcp_ask(fd, i, (const uint8_t[]){'h', i}, 2));
    good_client_is_answered(fd); /* behind the held ones */
    ck_assert(tcp_ask(other, 1, "r", 1));
    for (uint8_t i = 20; i >= 1; i--) {
        ck_assert_int_eq(tcp_answer(fd, &id, &mark, 1), 1);
        ck_assert_uint_eq(id, i);
        ck_assert_uint_eq(mark, i);
    }
    close(fd);
    close(other);
    stop();
}
END_TEST

/* Above its open requests a connection is not read; nothing is lost, and others go on. */
START_TEST(open_requests_are_bounded)
{
    enum { ASKED = 100 };
    config.requests_max = 8;
    start();
    const int fd = greeted(), other = greeted();
    int seen[ASKED + 1] = {0};
    uint8_t mark;
    for (uint8_t i = 1; i <= ASKED; i++)
        ck_assert(tcp_ask(fd, i, (const uint8_t[]){'h', i}, 2));
    for (int rest = ASKED; rest > 0;) {
        uint32_t id;
        char r;
        ck_assert(tcp_ask(other, 1, "r", 1));
        ck_assert_int_eq(tcp_answer(other, &id, &r, 1), 1);
        for (; tcp_is_readable(fd); rest--) {
            ck_assert_int_eq(tcp_answer(fd, &id, &mark, 1), 1);
            ck_assert_uint_eq(id, mark);
            seen[id]++;
        }
    }
    for (int i = 1; i <= ASKED; i++)
        ck_assert_int_eq(seen[i], 1);
    close(fd);
    close(other);
    stop();
    ck_assert_uint_eq(held_most, 8);
}
END_TEST

static const struct {
    const char *what;
    uint8_t bytes[32];
    size_t len;
    int greets;
} hostile[] = {
    {"garbage", {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, 10, 0},
    {"http", {'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P'}, 10, 0},
    {"another protocol", {0, 'S', 'P', 0, 0, 16, 0, 0}, 8, 0},
    {"too large", {0, 0, 0, 0, 0, 1, 0, 65}, 8, 1},
    {"absurd length", {255, 255, 255, 255, 255, 255, 255, 255}, 8, 1},
    {"empty message", {0}, 8, 1},
    {"no id", {0, 0, 0, 0, 0, 0, 0, 2, 0x80, 0}, 10, 1},
    {"id without end", {0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4}, 12, 1},
};

START_TEST(broken_framing_is_closed)
{
    start();
    const int good = greeted();
    for (int i = 0; i < 20; i++) {
        const int fd = server_thread_connect(&server, hostile[_i].greets);
        ck_assert_int_ge(fd, 0);
        ck_assert(tcp_send(fd, hostile[_i].bytes, hostile[_i].len));
        good_client_is_answered(good);
        ck_assert_msg(tcp_is_closed(fd), "%s", hostile[_i].what);
        close(fd);
    }
    good_client_is_answered(good);
    close(good);
    stop();
    ck_assert_uint_eq(server.stats.broken, 20);
    ck_assert_uint_eq(server.stats.timed_out, 0);
}
END_TEST

static const struct {
    const char *what;
    const char *bytes;
    size_t len;
    int greets;
} silent[] = {
    {"no greeting", "", 0, 0},
    {"half a greeting", "\0SP", 3, 0},
    {"greeted only", "", 0, 1},
    {"half a length", "\0\0\0", 3, 1},
    {"half a message", "\0\0\0\0\0\0\1\0\200\0\0\1e", 13, 1},
};

START_TEST(silence_is_closed)
{
    config.greeting_ms = config.message_ms = config.idle_ms = 60;
    start();
    const int fd = server_thread_connect(&server, silent[_i].greets);
    ck_assert_int_ge(fd, 0);
    ck_assert(tcp_send(fd, silent[_i].bytes, silent[_i].len));
    ck_assert_msg(tcp_is_closed(fd), "%s", silent[_i].what);
    close(fd);
    stop();
    ck_assert_uint_eq(server.stats.timed_out, 1);
}
END_TEST

/* A byte now and then does not keep a message open for ever. */
START_TEST(slow_drip_is_closed)
{
    config.message_ms = 80;
    start();
    const int good = greeted(), fd = greeted();
    ck_assert(tcp_send(fd, "\0\0\0\0\0\0\377\0\200\0\0\1", 12));
    for (int i = 0; i < 0xff00 - 4 - 1; i++) {
        if (!tcp_send(fd, "x", 1))
            break;
        if (i % 16 == 0)
            good_client_is_answered(good);
    }
    ck_assert(tcp_is_closed(fd));
    good_client_is_answered(good);
    close(fd);
    close(good);
    stop();
    ck_assert_uint_eq(server.stats.timed_out, 1);
}
END_TEST

/* An open request keeps a connection: a long poll is not silence. */
START_TEST(long_poll_is_not_silence)
{
    config.idle_ms = 40;
    start();
    const int fd = greeted(), idle = greeted();
    uint32_t id;
    uint8_t mark;
    ck_assert(tcp_ask(fd, 7, "hx", 2));
    ck_assert(tcp_is_closed(idle)); /* ten sweeps later */
    const int other = greeted();
    ck_assert(tcp_ask(other, 1, "r", 1));
    ck_assert_int_eq(tcp_answer(fd, &id, &mark, 1), 1);
    ck_assert_uint_eq(id, 7);
    close(fd);
    close(idle);
    close(other);
    stop();
}
END_TEST

/* Asks for much and reads nothing: first it is not read any more, then it is closed. */
START_TEST(flood_without_reading_is_closed)
{
    config.stall_ms = 100;
    start();
    const int good = greeted(), fd = greeted();
    /* Where this side is slow it is closed in the middle of its flood. */
    for (uint32_t i = 0; i < 2000 && tcp_ask(fd, i, "b", 1); i++)
        if (i % 100 == 0)
            good_client_is_answered(good);
    struct pollfd p = {.fd = closed_event, .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, 20000), 1);
    good_client_is_answered(good);
    close(fd);
    close(good);
    stop();
    ck_assert_uint_eq(server.stats.timed_out, 1);
    ck_assert_uint_lt(server.stats.requests, 1000);
}
END_TEST

/* The same from one that reads: all of it arrives. */
START_TEST(much_is_delivered_to_who_reads)
{
    static uint8_t back[BIG];
    start();
    const int fd = greeted();
    for (uint32_t i = 0; i < 300; i++)
        ck_assert(tcp_ask(fd, i, "b", 1));
    for (uint32_t i = 0; i < 300; i++) {
        uint32_t id;
        ck_assert_int_eq(tcp_answer(fd, &id, back, sizeof back), BIG);
        ck_assert_uint_eq(id, i);
    }
    close(fd);
    stop();
}
END_TEST

START_TEST(idle_crowd_disturbs_nobody)
{
    enum { CROWD = 200 };
    int fd[CROWD];
    config.address_max = CROWD + 1;
    start();
    const int good = greeted();
    for (int i = 0; i < CROWD; i++) {
        fd[i] = greeted();
        if (i % 10 == 0)
            good_client_is_answered(good);
    }
    for (int i = 0; i < CROWD; i++)
        good_client_is_answered(fd[i]);
    ck_assert_int_eq(server_thread_connect(&server, 1), -1); /* one too many from one address */
    for (int i = 0; i < CROWD; i++)
        close(fd[i]);
    good_client_is_answered(good);
    close(good);
    stop();
    ck_assert_uint_eq(server.stats.refused, 1);
}
END_TEST

START_TEST(longest_idle_gives_its_place)
{
    config.connections_max = 3;
    start();
    const int a = greeted(), b = greeted(), c = greeted();
    ck_assert(tcp_ask(a, 1, "hx", 2)); /* the oldest, but it waits for something */
    good_client_is_answered(b);
    good_client_is_answered(c);
    const int d = greeted();
    ck_assert(tcp_is_closed(b));
    good_client_is_answered(c);
    good_client_is_answered(d);
    ck_assert(tcp_ask(c, 2, "hy", 2));
    ck_assert(tcp_ask(d, 3, "hz", 2));
    close(a);
    close(b);
    close(c);
    close(d);
    stop();
    ck_assert_uint_eq(server.stats.evicted, 1);
}
END_TEST

START_TEST(late_and_double_replies_are_dropped)
{
    start();
    const int fd = greeted(), gone = greeted(), kicked = greeted();
    uint32_t id;
    char back;
    ck_assert(tcp_ask(gone, 1, "hx", 2));
    good_client_is_answered(gone);
    close(gone);
    ck_assert(tcp_ask(kicked, 1, "k", 1));
    ck_assert(tcp_is_closed(kicked));
    close(kicked);
    /* The server learns of the closed connection before it reads this or just after: a reply into
     * the void is as harmless as a dropped one. */
    ck_assert(tcp_ask(fd, 2, "r", 1));
    ck_assert_int_eq(tcp_answer(fd, &id, &back, 1), 1);
    ck_assert(tcp_ask(fd, 3, "2", 1));
    ck_assert_int_eq(tcp_answer(fd, &id, &back, 1), 1);
    ck_assert_uint_eq(id, 3);
    good_client_is_answered(fd);
    close(fd);
    stop();
    ck_assert_uint_ge(server.stats.late, 2);
    ck_assert_uint_eq(server.stats.in_flight, 0);
}
END_TEST

START_TEST(request_heads_of_devices_come_back)
{
    static const uint8_t ask[] = {0, 0, 0, 0, 0, 0,    0, 13, 0, 0,  0,
                                  5, 1, 2, 3, 4, 0x80, 0, 0,  9, 'e'};
    uint8_t back[sizeof ask];
    start();
    const int fd = greeted();
    ck_assert(tcp_send(fd, ask, sizeof ask));
    ck_assert(tcp_recv(fd, back, sizeof back));
    ck_assert_mem_eq(ask, back, sizeof ask);
    close(fd);
    stop();
}
END_TEST

START_TEST(connections_are_told_apart)
{
    char expected[64], back[64] = "";
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    start();
    for (int i = 1; i <= 2; i++) {
        const int fd = greeted();
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
        for (int k = 1; k <= 2; k++) {
            uint32_t id;
            snprintf(expected, sizeof expected, "%d %d 127.0.0.1:%u", i, k,
                     (unsigned)ntohs(a.sin_port));
            ck_assert(tcp_ask(fd, 1, "p", 1));
            const long n = tcp_answer(fd, &id, back, sizeof back - 1);
            ck_assert_int_gt(n, 0);
            back[n] = '\0';
            ck_assert_str_eq(back, expected);
        }
        close(fd);
    }
    stop();
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
        {"127.0.0.1:", MR_BAD_TEXT},
        {":80", MR_BAD_TEXT},
        {"127.0.0.1:7x", MR_BAD_TEXT},
        {"127.0.0.1:70000", MR_BAD_TEXT},
        {"[::1]8", MR_BAD_TEXT},
        {"[::1", MR_BAD_TEXT},
        {"192.0.2.1:0", MR_CONFIG},
        {"127.0.0.1:-1", MR_BAD_TEXT},
    };
    uv_loop_t loop;
    struct server *s;
    char address[32];
    uint16_t port;
    start();
    uv_loop_init(&loop);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        ck_assert_int_eq(server_create(&s, &loop, &config, &sink), MR_OK);
        ck_assert_msg(server_listen_tcp(s, &port, places[i].address) == places[i].expected, "%s",
                      places[i].address);
        server_destroy(s);
    }
    ck_assert_int_eq(server_create(&s, &loop, &config, &sink), MR_OK);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)server.port);
    ck_assert_int_eq(server_listen_tcp(s, NULL, address), MR_IN_USE);
    server_destroy(s);
    server_destroy(NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    stop();
}
END_TEST

static enum mr_status listen_local(const char *path)
{
    uv_loop_t loop;
    struct server *s;
    uv_loop_init(&loop);
    ck_assert_int_eq(server_create(&s, &loop, &config, &sink), MR_OK);
    const enum mr_status st = server_listen_local(s, path);
    server_destroy(s);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    return st;
}

START_TEST(control_directory_is_private)
{
    char dir[] = "/tmp/mereau-server-XXXXXX", path[256];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/socket", dir);
    ck_assert_int_eq(listen_local(path), MR_OK);
    ck_assert_int_eq(chmod(dir, 0710), 0);
    ck_assert_int_eq(listen_local(path), MR_CONFIG);
    ck_assert_int_eq(chmod(dir, 0700), 0);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fclose(f);
    ck_assert_int_eq(listen_local(path), MR_CONFIG); /* a file stands there: not ours to remove */
    ck_assert_int_eq(unlink(path), 0);
    snprintf(path, sizeof path, "%s/%0150d", dir, 1);
    ck_assert_int_eq(listen_local(path), MR_CONFIG);
    ck_assert_int_eq(listen_local("socket"), MR_CONFIG);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* All on this thread, so that the moments are certain. */
START_TEST(drain_lets_replies_leave)
{
    uv_loop_t loop;
    uint16_t port;
    uv_loop_init(&loop);
    ck_assert_int_eq(server_create(&server.server, &loop, &config, &sink), MR_OK);
    ck_assert_int_eq(server_listen_tcp(server.server, &port, "127.0.0.1:0"), MR_OK);
    server.port = port;
    const int fd = server_thread_connect(&server, 0);
    uint8_t greeting[SP_GREETING_BYTES], mark;
    uint32_t id;
    sp_greeting(greeting, SP_REQ);
    ck_assert(tcp_send(fd, greeting, sizeof greeting));
    ck_assert(tcp_ask(fd, 5, "hx", 2));
    while (held_count == 0)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert(!server_is_quiet(server.server));
    server_drain(server.server);
    ck_assert(tcp_ask(fd, 6, "hy", 2)); /* too late */
    server_reply(server.server, held[0], &held_mark[0], 1);
    ck_assert(!server_is_quiet(server.server));
    while (!server_is_quiet(server.server))
        uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert(tcp_recv(fd, greeting, sizeof greeting));
    ck_assert_int_eq(tcp_answer(fd, &id, &mark, 1), 1);
    ck_assert_uint_eq(id, 5);
    ck_assert_int_eq(server_thread_connect(&server, 0), -1);
    ck_assert_uint_eq(held_count, 1);
    server_destroy(server.server);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("server");
    TCase *c = tcase_create("server");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, set_up, NULL);
    tcase_add_test(c, nanomsg_req_is_served);
    tcase_add_loop_test(c, wire_is_served, 0, 2);
    tcase_add_test(c, replies_come_in_any_order);
    tcase_add_test(c, open_requests_are_bounded);
    tcase_add_loop_test(c, broken_framing_is_closed, 0, sizeof hostile / sizeof hostile[0]);
    tcase_add_loop_test(c, silence_is_closed, 0, sizeof silent / sizeof silent[0]);
    tcase_add_test(c, slow_drip_is_closed);
    tcase_add_test(c, long_poll_is_not_silence);
    tcase_add_test(c, flood_without_reading_is_closed);
    tcase_add_test(c, much_is_delivered_to_who_reads);
    tcase_add_test(c, idle_crowd_disturbs_nobody);
    tcase_add_test(c, longest_idle_gives_its_place);
    tcase_add_test(c, late_and_double_replies_are_dropped);
    tcase_add_test(c, request_heads_of_devices_come_back);
    tcase_add_test(c, connections_are_told_apart);
    tcase_add_test(c, bad_places_to_listen);
    tcase_add_test(c, control_directory_is_private);
    tcase_add_test(c, drain_lets_replies_leave);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
