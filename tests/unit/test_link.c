#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/link.h"
#include "common/link_async.h"
#include "common/link_wire.h"
#include "lib/scratch.h"
#include "lib/server_thread.h"
#include "mereau/codec.h"

/* --- a node that knows HELLO, AUTH, NODE and WAIT --------------------------------------------- */
enum { SESSIONS = 64, WAITS = 8 };

static struct {
    struct server_thread at;
    struct mr_seckey secret;
    struct mr_pubkey identity;
    struct mr_pubkey member; /* whose AUTH is accepted */
    struct {
        struct mr_session s;
        bool used, proved;
    } sessions[SESSIONS];
    int next;
    uv_timer_t waits[WAITS];
    uint64_t wait_tokens[WAITS], wait_counters[WAITS];
    uint32_t wait_ids[WAITS];
    int wait_session[WAITS], waiting;
    /* set by the test, between or during calls */
    atomic_int drop, busy, stopping, refuse, forget, odd;
    atomic_int status; /* of the answer to NODE */
    /* counted here */
    atomic_int hellos, auths, asked;
} node;

enum odd_reply { ODD_NONE, ODD_KIND, ODD_ID, ODD_BYTES };

static uint8_t ledger[32] = {7};
static const uint8_t account[16] = {1, 2, 3};

static void send_refused(uint64_t token, enum mr_status st)
{
    struct mr_envelope *const e = calloc(1, sizeof *e);
    uint8_t bytes[16];
    e->kind = MR_ENV_REFUSED;
    e->u.refused.status = (uint32_t)st;
    server_reply(node.at.server, token, bytes, mr_envelope_encode(e, bytes, sizeof bytes));
    free(e);
}

static void send_reply(int i, uint64_t token, uint64_t answers, const struct mr_reply *reply)
{
    static uint8_t plain[MR_FRAME_MAX], sealed[MR_FRAME_MAX];
    const int odd = atomic_load(&node.odd);
    size_t len = mr_reply_encode(reply, plain, sizeof plain);
    if (odd == ODD_BYTES)
        len -= 4;
    const size_t n =
        mr_session_seal(&node.sessions[i].s, sealed, sizeof sealed, plain, len, answers);
    server_reply(node.at.server, token, sealed, n);
}

static void on_wait_over(uv_timer_t *t)
{
    static struct mr_reply reply;
    const long w = t - node.waits;
    reply = (struct mr_reply){.id = node.wait_ids[w], .status = MR_OK};
    reply.body.kind = MR_REQ_WAIT;
    reply.body.u.wait.credits = 5;
    send_reply(node.wait_session[w], node.wait_tokens[w], node.wait_counters[w], &reply);
    uv_close((uv_handle_t *)t, NULL);
}

static enum mr_status check_auth(int i, const struct mr_req_auth *a)
{
    uint8_t text[96];
    const size_t n =
        mr_session_auth_text(text, &node.sessions[i].s, a->role, a->account, a->key_index);
    atomic_fetch_add(&node.auths, 1);
    if (!mr_verify(a->sig, MR_PURPOSE_SESSION, ledger, 0, text, n, &node.member))
        return MR_BAD_SIGNATURE;
    node.sessions[i].proved = true;
    return MR_OK;
}

static void on_wait(int i, uint64_t token, uint64_t counter, const struct mr_request *r)
{
    const int w = node.waiting++;
    node.wait_ids[w] = r->id;
    node.wait_tokens[w] = token;
    node.wait_counters[w] = counter;
    node.wait_session[w] = i;
    uv_timer_init(&node.at.loop, &node.waits[w]);
    uv_timer_start(&node.waits[w], on_wait_over, 500, 0);
}

static void on_opened(int i, uint64_t token, uint64_t counter, const struct mr_request *r)
{
    static struct mr_reply reply;
    const int odd = atomic_load(&node.odd);
    if (r->body.kind == MR_REQ_WAIT) {
        on_wait(i, token, counter, r);
        return;
    }
    reply = (struct mr_reply){.id = r->id};
    reply.body.kind = r->body.kind;
    if (r->body.kind == MR_REQ_AUTH) {
        reply.status = (uint32_t)check_auth(i, &r->body.u.auth);
    } else {
        atomic_fetch_add(&node.asked, 1);
        reply.status = (uint32_t)atomic_load(&node.status);
        strcpy(reply.body.u.node.software, "fake"); /* allow: fits */
        reply.body.u.node.software_len = 4;
        reply.body.u.node.accounts = node.sessions[i].proved ? 1 : 0;
        if (odd == ODD_KIND)
            reply.body = (struct mr_reply_body){.kind = MR_REQ_CONTROL};
        if (odd == ODD_ID)
            reply.id ^= 1;
    }
    send_reply(i, token, counter, &reply);
}

static void on_hello(uint64_t token, const struct mr_hello *hello)
{
    uint8_t seed[48], out[MR_WELCOME_BYTES];
    size_t n;
    const int i = node.next++ % SESSIONS;
    randombytes_buf(seed, sizeof seed);
    atomic_fetch_add(&node.hellos, 1);
    const enum mr_status st = mr_session_accept(&node.sessions[i].s, out, sizeof out, &n, hello,
                                                seed, &node.identity, &node.secret);
    node.sessions[i].used = st == MR_OK;
    node.sessions[i].proved = false;
    if (st == MR_OK)
        server_reply(node.at.server, token, out, n);
    else
        send_refused(token, st);
}

static bool takes_one(atomic_int *count)
{
    int v = atomic_load(count);
    while (v > 0)
        if (atomic_compare_exchange_weak(count, &v, v - 1))
            return true;
    return false;
}

static void on_request(void *ctx, struct conn *c, uint64_t token, const uint8_t *body, size_t len)
{
    static uint8_t plain[MR_FRAME_MAX];
    static struct mr_envelope e;
    static struct mr_request request;
    uint8_t id[MR_SALT_BYTES];
    uint64_t counter;
    size_t n;
    (void)ctx;
    (void)c;
    if (atomic_exchange(&node.forget, 0) == 1)
        memset(node.sessions, 0, sizeof node.sessions);
    if (takes_one(&node.drop))
        return;
    if (takes_one(&node.busy)) {
        send_refused(token, MR_BUSY);
        return;
    }
    if (takes_one(&node.stopping)) {
        send_refused(token, MR_STOPPING);
        return;
    }
    if (takes_one(&node.refuse)) {
        send_refused(token, MR_ACCOUNT_UNKNOWN);
        return;
    }
    if (mr_session_peek(id, body, len) != MR_OK) {
        if (mr_envelope_decode(&e, body, len) == MR_OK && e.kind == MR_ENV_HELLO)
            on_hello(token, &e.u.hello);
        else
            send_refused(token, MR_UNKNOWN_TAG);
        return;
    }
    for (int i = 0; i < SESSIONS; i++) {
        if (!node.sessions[i].used || memcmp(node.sessions[i].s.id, id, sizeof id) != 0)
            continue;
        const enum mr_status st = mr_session_open_bytes(&node.sessions[i].s, plain, sizeof plain,
                                                        &n, &counter, body, len, 0);
        if (st == MR_OK && mr_request_decode(&request, plain, n) == MR_OK)
            on_opened(i, token, counter, &request);
        else
            send_refused(token, st);
        return;
    }
    send_refused(token, MR_BAD_SESSION);
}

static const struct transport_sink sink = {.on_request = on_request};

static struct mr_seckey member_key;
static char dir[SCRATCH_PATH_MAX];

static void node_start(uint16_t port, const char *path)
{
    struct server_config config = server_defaults();
    memset(node.sessions, 0, sizeof node.sessions);
    server_thread_start(&node.at, &config, &sink, port, path);
}

static void node_stop(void)
{
    server_thread_stop(&node.at);
    ck_assert_int_eq(node.at.leaked, 0);
}

static void set_up(void)
{
    uint8_t seed[32] = {1};
    memset(&node, 0, sizeof node);
    mr_seckey_from_seed(&node.secret, &node.identity, seed);
    seed[0] = 2;
    mr_seckey_from_seed(&member_key, &node.member, seed);
    scratch_make(dir);
}

static void tear_down(void)
{
    scratch_remove(dir);
}

/* --- helpers ---------------------------------------------------------------------------------- */
static struct mr_reply reply;
static char address[32];

static struct link *open_link(const char *to, int timeout_ms)
{
    struct link *l = NULL;
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)node.at.port);
    const struct link_config config = {.address = to != NULL ? to : address,
                                       .pinned = &node.identity,
                                       .ledger = ledger,
                                       .timeout_ms = timeout_ms};
    ck_assert_int_eq(link_open(&l, &config), MR_OK);
    return l;
}

static enum mr_status ask(struct link *l, enum mr_request_kind kind)
{
    static struct mr_request_body body;
    body = (struct mr_request_body){.kind = kind};
    if (kind == MR_REQ_WAIT)
        body.u.wait.timeout_ms = 15000;
    return link_call(l, &reply, &body);
}

/* --- a node that behaves ---------------------------------------------------------------------- */

/* Over tcp, and by local control when _i is 1. */
START_TEST(calls_are_answered)
{
    const char *const path = scratch_path(dir, "control/socket");
    node_start(0, path);
    struct link *l = open_link(_i == 0 ? NULL : path, 20000);
    for (uint32_t i = 0; i < 100; i++) {
        ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
        ck_assert_str_eq(reply.body.u.node.software, "fake");
        ck_assert_uint_eq(reply.body.u.node.accounts, 0);
    }
    link_close(l);
    node_stop();
    ck_assert_int_eq(node.hellos, 1);
    ck_assert_int_eq(node.asked, 100);
}
END_TEST

START_TEST(identity_is_pinned)
{
    node_start(0, NULL);
    struct link *l = open_link(NULL, 20000);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    link_close(l);
    struct mr_pubkey other = node.member;
    const struct link_config config = {.address = address, .pinned = &other, .ledger = ledger};
    ck_assert_int_eq(link_open(&l, &config), MR_OK);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_WRONG_NODE);
    link_close(l);
    const struct link_config any = {.address = address, .ledger = ledger};
    ck_assert_int_eq(link_open(&l, &any), MR_OK);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    link_close(l);
    node_stop();
}
END_TEST

START_TEST(any_node_of_a_charter_is_accepted)
{
    struct mr_node nodes[2] = {{.number = 1, .transport_key = node.member},
                               {.number = 2, .transport_key = node.identity}};
    node_start(0, NULL);
    struct link *l = open_link(NULL, 20000);
    ck_assert_ptr_null(link_identity(l));
    link_accept(l, nodes, 1);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_WRONG_NODE);
    ck_assert_ptr_null(link_identity(l));
    link_accept(l, nodes, 2);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    ck_assert_mem_eq(link_identity(l), &node.identity, sizeof node.identity);
    link_close(l);
    node_stop();
}
END_TEST

START_TEST(stages_of_an_order_have_a_result)
{
    static const enum mr_status stages[] = {MR_VOTING, MR_CERTIFIED};
    node_start(0, NULL);
    struct link *l = open_link(NULL, 20000);
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        atomic_store(&node.status, (int)stages[i]);
        atomic_store(&node.odd, ODD_NONE);
        ck_assert_int_eq(ask(l, MR_REQ_NODE), stages[i]);
        atomic_store(&node.odd, ODD_KIND);
        ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_UNKNOWN_TAG);
    }
    link_close(l);
    node_stop();
}
END_TEST

/* Who knows another node does not wait for one that goes. */
START_TEST(a_stopping_node_may_be_left)
{
    node_start(0, NULL);
    struct link *l = open_link(NULL, 20000);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    atomic_store(&node.stopping, 1);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    link_leave_stopping(l);
    atomic_store(&node.stopping, 1);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_STOPPING);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    link_close(l);
    node_stop();
}
END_TEST

START_TEST(keys_are_proved_in_every_session)
{
    node_start(0, NULL);
    struct link *l = open_link(NULL, 20000);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    ck_assert_uint_eq(reply.body.u.node.accounts, 0);
    link_identify(l, MR_AUTH_OWNER, account, 0, &member_key, NULL);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
        ck_assert_uint_eq(reply.body.u.node.accounts, 1);
    }
    ck_assert_int_eq(node.auths, 1);
    node.forget = 1;
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    ck_assert_uint_eq(reply.body.u.node.accounts, 1);
    ck_assert_int_eq(node.auths, 2);
    ck_assert_int_eq(node.hellos, 2);
    link_identify(l, MR_AUTH_OWNER, account, 0, &node.secret, NULL);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_BAD_SIGNATURE);
    ck_assert_uint_eq(reply.status, MR_BAD_SIGNATURE);
    link_close(l);
    node_stop();
}
END_TEST

START_TEST(long_poll_outlasts_the_timeout)
{
    node_start(0, NULL);
    struct link *l = open_link(NULL, 300);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    ck_assert_int_eq(ask(l, MR_REQ_WAIT), MR_OK);
    ck_assert_uint_eq(reply.body.u.wait.credits, 5);
    link_close(l);
    node_stop();
    ck_assert_int_eq(node.waiting, 1);
}
END_TEST

/* --- a node in trouble ------------------------------------------------------------------------ */

/* Lost requests and replies are repeated, HELLO and AUTH as well: _i of them in a row. */
START_TEST(silence_is_survived)
{
    const char *const path = scratch_path(dir, "control/socket");
    node_start(0, path);
    struct link *l = open_link(_i % 2 == 0 ? NULL : path, 4000);
    link_identify(l, MR_AUTH_OWNER, account, 0, &member_key, NULL);
    node.drop = _i / 2;
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    node.drop = _i / 2;
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    ck_assert_uint_eq(reply.body.u.node.accounts, 1);
    link_close(l);
    node_stop();
}
END_TEST

START_TEST(endless_silence_is_no_answer)
{
    node_start(0, NULL);
    struct link *l = open_link(NULL, 600);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    node.drop = 1000000;
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_NO_ANSWER);
    node.drop = 0;
    link_set_timeout(l, 10000);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    link_close(l);
    node_stop();
}
END_TEST

START_TEST(busy_is_repeated)
{
    node_start(0, NULL);
    struct link *l = open_link(NULL, 20000);
    node.busy = 3;
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    link_set_timeout(l, 300);
    node.busy = 1000000;
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_BUSY);
    link_close(l);
    node_stop();
}
END_TEST

/* What is not authenticated cannot say that an order was refused. */
START_TEST(open_refusal_decides_nothing)
{
    node_start(0, NULL);
    struct link *l = open_link(NULL, 400);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    node.refuse = 1000000;
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_NO_ANSWER);
    link_set_timeout(l, 10000);
    node.refuse = 1;
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    link_close(l);
    node_stop();
}
END_TEST

START_TEST(restart_is_survived)
{
    node_start(0, NULL);
    const uint16_t port = node.at.port;
    struct link *l = open_link(NULL, 20000);
    link_identify(l, MR_AUTH_OWNER, account, 0, &member_key, NULL);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
        ck_assert_uint_eq(reply.body.u.node.accounts, 1);
        node_stop();
        node_start(port, NULL);
    }
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    link_close(l);
    node_stop();
}
END_TEST

START_TEST(nobody_there_is_unreachable)
{
    node_start(0, NULL);
    node_stop();
    struct link *l = open_link(_i == 0 ? NULL : scratch_path(dir, "socket"), 300);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_UNREACHABLE);
    link_close(l);
}
END_TEST

static const struct {
    enum odd_reply odd;
    enum mr_status expected;
} odd_replies[] = {
    {ODD_KIND, MR_UNKNOWN_TAG},
    {ODD_ID, MR_OUT_OF_RANGE},
    {ODD_BYTES, MR_TRUNCATED},
};

START_TEST(odd_replies_are_named)
{
    node_start(0, NULL);
    struct link *l = open_link(NULL, 20000);
    node.odd = (int)odd_replies[_i].odd;
    ck_assert_int_eq(ask(l, MR_REQ_NODE), odd_replies[_i].expected);
    node.odd = ODD_NONE;
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    link_close(l);
    node_stop();
}
END_TEST

START_TEST(bad_addresses)
{
    static const char *const texts[] = {"",       "host",   "host:",      "host:0", ":1",
                                        "host:x", "[::1]1", "host:99999", "[::1"};
    char path[400];
    struct link *l = NULL;
    struct link_config config = {.ledger = ledger};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        config.address = texts[i];
        ck_assert_msg(link_open(&l, &config) == MR_BAD_TEXT, "%s", texts[i]);
    }
    snprintf(path, sizeof path, "/%0200d", 1);
    config.address = path;
    ck_assert_int_eq(link_open(&l, &config), MR_BAD_TEXT);
    ck_assert_ptr_null(l);
    link_close(NULL);
}
END_TEST

/* --- no node at all --------------------------------------------------------------------------- */

/* What a hostile listener does with a connection; it lives until told to stop. */
static struct {
    int listener, stop;
    pthread_t thread;
    const uint8_t *bytes;
    size_t len;
    bool closes;
    atomic_int accepted;
} villain;

static void *villain_run(void *arg)
{
    int kept[4096];
    size_t count = 0;
    struct pollfd p[2] = {{.fd = villain.listener, .events = POLLIN},
                          {.fd = villain.stop, .events = POLLIN}};
    while (poll(p, 2, -1) >= 0 && p[1].revents == 0) {
        const int fd = accept(villain.listener, NULL, NULL);
        if (fd < 0)
            continue;
        atomic_fetch_add(&villain.accepted, 1);
        if (villain.len > 0)
            send(fd, villain.bytes, villain.len, MSG_NOSIGNAL);
        if (villain.closes || count == sizeof kept / sizeof kept[0])
            close(fd);
        else
            kept[count++] = fd;
    }
    while (count > 0)
        close(kept[--count]);
    return arg;
}

static uint16_t villain_start(const char *bytes, size_t len, bool closes)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    const int on = 1;
    villain.bytes = (const uint8_t *)bytes;
    villain.len = len;
    villain.closes = closes;
    villain.stop = eventfd(0, 0);
    villain.listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(villain.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ck_assert_int_eq(bind(villain.listener, (const struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(villain.listener, 100), 0);
    ck_assert_int_eq(getsockname(villain.listener, (struct sockaddr *)&a, &size), 0);
    ck_assert_int_eq(pthread_create(&villain.thread, NULL, villain_run, NULL), 0);
    return ntohs(a.sin_port);
}

static void villain_stop(void)
{
    const uint64_t one = 1;
    ck_assert_int_eq(write(villain.stop, &one, sizeof one), sizeof one);
    pthread_join(villain.thread, NULL);
    close(villain.listener);
    close(villain.stop);
}

#define GREETING "\0SP\0\0\61\0\0"
static const struct {
    const char *what;
    const char *bytes;
    size_t len;
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
    {"no id", GREETING "\0\0\0\0\0\0\0\2\200\0", 18, false},
    {"id of nobody", GREETING "\0\0\0\0\0\0\0\10\200\0\0\1abcd", 24, false},
    {"half a message", GREETING "\0\0\0\0\0\0\1\0\200\0\0\1abcd", 20, true},
};

/* The process lives, the call ends in time, and the same link finds a good node at the place later:
 * a 1.1.5 connector alone would stay stuck after some of these. */
START_TEST(hostile_servers_are_survived)
{
    const uint16_t port = villain_start(villains[_i].bytes, villains[_i].len, villains[_i].closes);
    node.at.port = port;
    struct link *l = open_link(NULL, 700);
    const enum mr_status st = ask(l, MR_REQ_NODE);
    ck_assert_msg(st == MR_NO_ANSWER || st == MR_UNREACHABLE, "%s: %s", villains[_i].what,
                  mr_status_name(st));
    ck_assert_int_gt(villain.accepted, 0);
    villain_stop();
    node_start(port, NULL);
    link_set_timeout(l, 20000);
    ck_assert_int_eq(ask(l, MR_REQ_NODE), MR_OK);
    link_close(l);
    node_stop();
}
END_TEST

/* --- the lean client -------------------------------------------------------------------------- */

static struct lean_reply lean_wait(struct lean_client *c, int fd, uint8_t *room,
                                   const struct mr_pubkey *pinned)
{
    static uint8_t bytes[4096]; /* borrowed by the client until lean_keep */
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        const struct lean_reply r = lean_next(c, room, pinned);
        if (r.got != LEAN_MORE)
            return r;
        ck_assert_int_eq(lean_keep(c), MR_OK);
        ck_assert_int_eq(poll(&p, 1, 20000), 1);
        const ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        ck_assert_int_gt(n, 0);
        ck_assert_int_eq(lean_feed(c, bytes, (size_t)n), MR_OK);
    }
}

static size_t node_request(uint8_t *ret, size_t cap, uint32_t id)
{
    static struct mr_request r;
    r = (struct mr_request){.id = id, .body = {.kind = MR_REQ_NODE}};
    return mr_request_encode(&r, ret, cap);
}

START_TEST(lean_client_pipelines)
{
    enum { AHEAD = 50 };
    static uint8_t room[MR_FRAME_MAX];
    uint8_t seed[32] = {9}, out[LEAN_START_MAX + 512], plain[64];
    struct lean_client c;
    int seen[AHEAD + 1] = {0};
    node_start(0, NULL);
    const int fd = server_thread_connect(&node.at, 0);
    ck_assert(tcp_send(fd, out, lean_start(&c, out, seed)));
    ck_assert_int_eq(lean_wait(&c, fd, room, &node.identity).got, LEAN_ESTABLISHED);
    for (uint32_t i = 1; i <= AHEAD; i++) {
        uint32_t number;
        const size_t n = node_request(plain, sizeof plain, i);
        ck_assert(tcp_send(fd, out, lean_request(&c, out, &number, plain, n)));
        ck_assert_uint_eq(number, i);
    }
    for (int i = 0; i < AHEAD; i++) {
        const struct lean_reply r = lean_wait(&c, fd, room, &node.identity);
        ck_assert_int_eq(r.got, LEAN_REPLY);
        ck_assert_int_eq(mr_reply_decode(&reply, r.plain, r.len), MR_OK);
        ck_assert_uint_eq(reply.id, r.number);
        seen[r.number]++;
    }
    for (int i = 1; i <= AHEAD; i++)
        ck_assert_int_eq(seen[i], 1);
    close(fd);
    /* the same session on a new connection */
    const int again = server_thread_connect(&node.at, 0);
    uint32_t number;
    size_t n = lean_resume(&c, out);
    n += lean_request(&c, out + n, &number, plain, node_request(plain, sizeof plain, 77));
    ck_assert(tcp_send(again, out, n));
    ck_assert_int_eq(lean_wait(&c, again, room, NULL).got, LEAN_REPLY);
    /* and a refusal */
    node.forget = 1;
    ck_assert(tcp_send(again, out, lean_request(&c, out, &number, plain, 12)));
    const struct lean_reply r = lean_wait(&c, again, room, NULL);
    ck_assert_int_eq(r.got, LEAN_REFUSED);
    ck_assert_int_eq(r.status, MR_BAD_SESSION);
    ck_assert_uint_eq(r.number, number);
    lean_done(&c);
    close(again);
    node_stop();
    ck_assert_int_eq(node.hellos, 1);
}
END_TEST

START_TEST(lean_client_pins)
{
    static uint8_t room[MR_FRAME_MAX];
    uint8_t seed[32] = {9}, out[LEAN_START_MAX];
    struct lean_client c;
    node_start(0, NULL);
    const int fd = server_thread_connect(&node.at, 0);
    ck_assert(tcp_send(fd, out, lean_start(&c, out, seed)));
    const struct lean_reply r = lean_wait(&c, fd, room, &node.member);
    ck_assert_int_eq(r.got, LEAN_BROKEN);
    ck_assert_int_eq(r.status, MR_WRONG_NODE);
    lean_done(&c);
    close(fd);
    node_stop();
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    Suite *s = suite_create("link");
    TCase *c = tcase_create("link");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, calls_are_answered, 0, 2);
    tcase_add_test(c, identity_is_pinned);
    tcase_add_test(c, any_node_of_a_charter_is_accepted);
    tcase_add_test(c, stages_of_an_order_have_a_result);
    tcase_add_test(c, a_stopping_node_may_be_left);
    tcase_add_test(c, keys_are_proved_in_every_session);
    tcase_add_test(c, long_poll_outlasts_the_timeout);
    tcase_add_loop_test(c, silence_is_survived, 0, 6);
    tcase_add_test(c, endless_silence_is_no_answer);
    tcase_add_test(c, busy_is_repeated);
    tcase_add_test(c, open_refusal_decides_nothing);
    tcase_add_test(c, restart_is_survived);
    tcase_add_loop_test(c, nobody_there_is_unreachable, 0, 2);
    tcase_add_loop_test(c, odd_replies_are_named, 0, 3);
    tcase_add_test(c, bad_addresses);
    tcase_add_loop_test(c, hostile_servers_are_survived, 0, sizeof villains / sizeof villains[0]);
    tcase_add_test(c, lean_client_pipelines);
    tcase_add_test(c, lean_client_pins);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
