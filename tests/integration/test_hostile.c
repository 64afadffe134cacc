/* Hostile clients on every endpoint, while a good one is served all the time. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/exit.h"
#include "common/sp.h"
#include "lib/loopback.h"
#include "lib/server_thread.h"
#include "lib/teller.h"
#include "mereau/codec.h"
#include "mereau/session.h"

enum { GARBAGE_RUNS = 12, DRIPS = 100, FLOOD = 3000 };

static struct teller t;
static uint16_t peer_port, http_port;

/* --- the good client -------------------------------------------------------------------------- */

static struct {
    pthread_t thread;
    atomic_bool stop;
    atomic_uint served;
    atomic_int last; /* enum mr_status */
} good;

static void *be_good(void *arg)
{
    static const struct mr_request_body ask = {.kind = MR_REQ_NODE};
    struct mr_reply *reply = malloc(sizeof *reply);
    struct link *l = teller_wallet(&t);
    (void)arg;
    do {
        atomic_store(&good.last, (int)link_call(l, reply, &ask));
        atomic_fetch_add(&good.served, 1);
    } while (atomic_load(&good.last) == MR_OK && !atomic_load(&good.stop));
    link_close(l);
    free(reply);
    return NULL;
}

/* The good client has been served anew since this was called. */
static void still_served(void)
{
    const unsigned before = atomic_load(&good.served);
    while (atomic_load(&good.served) < before + 3 && atomic_load(&good.last) == MR_OK)
        sched_yield();
    ck_assert_int_eq(atomic_load(&good.last), MR_OK);
}

static void setup(void)
{
    char conf[256];
    peer_port = loopback_free_port();
    http_port = loopback_free_port();
    snprintf(conf, sizeof conf,
             "[wallet]\nlisten = 127.0.0.1:0\n[peer]\nlisten = 127.0.0.1:%u\n"
             "[http]\nlisten = 127.0.0.1:%u\n",
             (unsigned)peer_port, (unsigned)http_port);
    teller_make(&t, conf);
    teller_start(&t);
    good.last = MR_OK;
    atomic_store(&good.stop, false);
    ck_assert_int_eq(pthread_create(&good.thread, NULL, be_good, NULL), 0);
    still_served();
}

static void teardown(void)
{
    still_served();
    atomic_store(&good.stop, true);
    pthread_join(good.thread, NULL);
    ck_assert_int_eq(teller_stop(&t), EXIT_DONE);
    teller_done(&t);
}

/* --- endpoints -------------------------------------------------------------------------------- */

static int over_tcp(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval patience = {.tv_sec = 20};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static int to_wallet(void)
{
    return over_tcp(t.port);
}

static int to_peer(void)
{
    return over_tcp(peer_port);
}

static int to_http(void)
{
    return over_tcp(http_port);
}

static int to_control(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = 20};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%.80s/run/control.sock", t.data);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static const struct {
    const char *name;
    int (*open)(void);
    bool framed; /* the framing of sp.h */
} endpoints[] = {{"wallet", to_wallet, true},
                 {"control", to_control, true},
                 {"peer", to_peer, true},
                 {"http", to_http, false}};

/* What a hostile peer may see: it may be closed at any moment. */
static void push(int fd, const void *bytes, size_t len)
{
    (void)!send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void greet(int fd)
{
    uint8_t hi[SP_GREETING_BYTES];
    sp_greeting(hi, SP_REQ);
    push(fd, hi, sizeof hi);
}

/* --- attacks ---------------------------------------------------------------------------------- */

START_TEST(garbage)
{
    uint8_t bytes[8192], seed[randombytes_SEEDBYTES] = {(uint8_t)_i};
    for (uint8_t run = 0; run < GARBAGE_RUNS; run++) {
        seed[1] = run;
        randombytes_buf_deterministic(bytes, sizeof bytes, seed);
        const int fd = endpoints[_i].open();
        if (run % 2 == 0)
            greet(fd);
        if (run % 4 == 0) { /* a right frame with nonsense in it */
            memset(bytes, 0, 8);
            bytes[6] = 4;
            bytes[8] = 0x80;
        }
        push(fd, bytes, sizeof bytes);
        close(fd);
    }
    still_served();
}
END_TEST

START_TEST(lengths_that_lie)
{
    static const uint64_t lengths[] = {
        0, 1, 3, MR_FRAME_MAX + SP_HEAD_MAX + 1, UINT32_MAX, UINT64_MAX / 2, UINT64_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t frame[16];
        const int fd = endpoints[_i].open();
        greet(fd);
        for (int k = 0; k < 8; k++)
            frame[k] = (uint8_t)(lengths[i] >> (56 - 8 * k));
        memset(frame + 8, 0x80, 8);
        push(fd, frame, sizeof frame);
        if (endpoints[_i].framed && i > 2 && _i < 2)
            ck_assert(tcp_is_closed(fd)); /* the peer port is nanomsg's: it may wait */
        close(fd);
    }
    still_served();
}
END_TEST

START_TEST(cut_short)
{
    uint8_t hello[MR_WELCOME_BYTES], frame[SP_FRONT_MAX + MR_WELCOME_BYTES], seed[32] = {1};
    static const uint8_t head[4] = {0x80, 0, 0, 1};
    struct mr_session_hello h;
    const size_t n = mr_session_hello(&h, hello, sizeof hello, seed);
    const size_t front = sp_front(frame, head, sizeof head, n);
    memcpy(frame + front, hello, n);
    for (size_t cut = 0; cut < front + n; cut += 5) {
        const int fd = endpoints[_i].open();
        greet(fd);
        push(fd, frame, cut);
        close(fd);
    }
    still_served();
}
END_TEST

/* Connections that say a little and then nothing; closed only when others were served. */
START_TEST(drips)
{
    int fds[DRIPS];
    for (int i = 0; i < DRIPS; i++) {
        fds[i] = endpoints[_i].open();
        if (i % 2 == 0)
            greet(fds[i]);
        push(fds[i], "\0\0\0\0", (size_t)(i % 5));
    }
    still_served();
    for (int i = 0; i < DRIPS; i++)
        push(fds[i], "", 1);
    still_served();
    for (int i = 0; i < DRIPS; i++)
        close(fds[i]);
}
END_TEST

/* Requests without end, and nobody takes the answers. */
START_TEST(floods)
{
    uint8_t hello[MR_WELCOME_BYTES], frame[SP_FRONT_MAX + MR_WELCOME_BYTES], seed[32] = {1};
    uint8_t head[4] = {0x80};
    struct mr_session_hello h;
    const size_t n = mr_session_hello(&h, hello, sizeof hello, seed);
    const int fd = endpoints[_i].open();
    greet(fd);
    for (uint32_t i = 0; i < FLOOD; i++) {
        head[2] = (uint8_t)(i >> 8);
        head[3] = (uint8_t)i;
        const size_t front = sp_front(frame, head, sizeof head, n);
        memcpy(frame + front, hello, n);
        push(fd, frame, front + n);
    }
    still_served();
    close(fd);
}
END_TEST

/* --- inside a session ------------------------------------------------------------------------- */

struct talk {
    int fd;
    struct mr_session session;
};

static void talk_open(struct talk *k, int fd)
{
    uint8_t bytes[MR_WELCOME_BYTES], greeting[SP_GREETING_BYTES], seed[32];
    struct mr_envelope *e = malloc(sizeof *e);
    struct mr_session_hello h;
    uint32_t id;
    k->fd = fd;
    greet(fd);
    ck_assert(tcp_recv(fd, greeting, sizeof greeting));
    randombytes_buf(seed, sizeof seed);
    const size_t n = mr_session_hello(&h, bytes, sizeof bytes, seed);
    ck_assert(tcp_ask(fd, 1, bytes, n));
    const long got = tcp_answer(fd, &id, bytes, sizeof bytes);
    ck_assert_int_gt(got, 0);
    ck_assert_int_eq(mr_envelope_decode(e, bytes, (size_t)got), MR_OK);
    ck_assert_int_eq(e->kind, MR_ENV_WELCOME);
    ck_assert_int_eq(mr_session_welcome(&k->session, NULL, &h, &e->u.welcome,
                                        &t.w.charter.nodes[0].transport_key),
                     MR_OK);
    free(e);
}

static size_t seal_ask(struct talk *k, uint8_t *ret, size_t cap)
{
    static const struct mr_request ask = {.id = 5, .body = {.kind = MR_REQ_NODE}};
    uint8_t plain[64];
    const size_t n = mr_request_encode(&ask, plain, sizeof plain);
    return mr_session_seal(&k->session, ret, cap, plain, n, 0);
}

/* What comes back for an envelope: MR_OK for a sealed reply, else the refusal's status. */
static enum mr_status fate(struct talk *k, const uint8_t *bytes, size_t n)
{
    static uint8_t in[MR_FRAME_MAX];
    uint32_t id;
    ck_assert(tcp_ask(k->fd, 9, bytes, n));
    const long got = tcp_answer(k->fd, &id, in, sizeof in);
    ck_assert_int_ge(got, 8);
    ck_assert_uint_eq(id & 0x7fffffff, 9);
    return in[3] == MR_ENV_SEALED ? MR_OK : mr_status_from_number(in[7]);
}

START_TEST(replays_and_other_orders)
{
    uint8_t a[3][256], changed[256], plain[64];
    size_t n[3];
    struct talk k, other;
    talk_open(&k, endpoints[_i].open());
    for (int i = 0; i < 3; i++)
        n[i] = seal_ask(&k, a[i], sizeof a[i]);
    /* Other orders are fine, each once. */
    ck_assert_int_eq(fate(&k, a[2], n[2]), MR_OK);
    ck_assert_int_eq(fate(&k, a[0], n[0]), MR_OK);
    ck_assert_int_eq(fate(&k, a[1], n[1]), MR_OK);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(fate(&k, a[i], n[i]), MR_REPLAYED);
    /* On another connection, too; and it does not open in another session. */
    talk_open(&other, endpoints[_i].open());
    ck_assert_int_eq(fate(&other, a[0], n[0]), MR_REPLAYED);
    n[0] = seal_ask(&k, a[0], sizeof a[0]);
    memcpy(changed, a[0], n[0]);
    memcpy(changed + 4, other.session.id, sizeof other.session.id);
    ck_assert_int_eq(fate(&other, changed, n[0]), MR_BAD_SESSION);
    /* Any byte changed, and it is refused; the right one is served afterwards. */
    for (size_t i = 0; i < n[0]; i += 3) {
        memcpy(changed, a[0], n[0]);
        changed[i] ^= 0x40;
        ck_assert_int_ne(fate(&k, changed, n[0]), MR_OK);
    }
    ck_assert_int_eq(fate(&k, a[0], n[0]), MR_OK);
    /* A sealed request that is none. */
    randombytes_buf(plain, sizeof plain);
    n[0] = mr_session_seal(&k.session, a[0], sizeof a[0], plain, sizeof plain, 0);
    ck_assert_int_ne(fate(&k, a[0], n[0]), MR_OK);
    n[0] = seal_ask(&k, a[0], sizeof a[0]);
    ck_assert_int_eq(fate(&k, a[0], n[0]), MR_OK);
    close(k.fd);
    close(other.fd);
    still_served();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hostile");
    TCase *c = tcase_create("endpoints");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, garbage, 0, 4);
    tcase_add_loop_test(c, lengths_that_lie, 0, 4);
    tcase_add_loop_test(c, cut_short, 0, 4);
    tcase_add_loop_test(c, drips, 0, 4);
    tcase_add_loop_test(c, floods, 0, 4);
    tcase_add_loop_test(c, replays_and_other_orders, 0, 3);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
