/* Who may ask what on the peer port, and what a node does about peers that lie. */
#include <check.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/asker.h"
#include "common/exit.h"
#include "common/link_wire.h"
#include "lib/fake_peer.h"
#include "lib/federation.h"
#include "lib/loopback.h"
#include "lib/random_record.h"
#include "lib/server_thread.h"

/* Three nodes run and are all that settles; the place of the fourth is the test's. */
enum { NODES = 4, QUORUM = 3, OURS = 3 };

static struct federation f;

static void setup(void)
{
    federation_make(&f, NODES, QUORUM);
    for (uint32_t i = 0; i < OURS; i++)
        federation_start(&f, i);
    for (uint32_t i = 0; i < OURS; i++)
        federation_wait_mode(&f, i, MR_OK);
}

static void teardown(void)
{
    for (uint32_t i = 0; i < OURS; i++)
        ck_assert_int_eq(federation_stop(&f, i), EXIT_DONE);
    federation_done(&f);
}

static struct link *to_peer_port(const struct mr_seckey *key)
{
    return federation_as_peer(&f, 0, f.nodes[0].peer, OURS + 1, key);
}

static enum mr_status ask_follow(struct link *l, uint32_t epoch, uint64_t from, uint32_t timeout_ms)
{
    *f.ask = (struct mr_request_body){.kind = MR_REQ_FOLLOW};
    f.ask->u.follow =
        (struct mr_req_follow){.epoch = epoch, .from = from, .timeout_ms = timeout_ms};
    return link_call(l, f.reply, f.ask);
}

/* --- who may ask what ------------------------------------------------------------------------- */

/* All requests there are, by somebody unknown and by a peer. */
START_TEST(peers_ask_what_is_theirs_and_nothing_else)
{
    struct random_source g = random_source_of(1);
    struct link *l = to_peer_port(_i == 0 ? NULL : &f.nodes[OURS].transport_key);
    g.size = RANDOM_EMPTY;
    int told = 0;
    for (int arm = 0; arm < MR_REQ_COSIGN; arm++) { /* the last kind */
        g.arm = arm;
        random_request_body(&g, f.ask);
        if (f.ask->kind == MR_REQ_AUTH)
            continue;
        const bool theirs = f.ask->kind == MR_REQ_FOLLOW || f.ask->kind == MR_REQ_FETCH ||
                            f.ask->kind == MR_REQ_HANDOVER || f.ask->kind == MR_REQ_STATE ||
                            f.ask->kind == MR_REQ_EVIDENCE;
        const bool may = f.ask->kind == MR_REQ_HEAD || (_i == 1 && theirs);
        const enum mr_status st = link_call(l, f.reply, f.ask);
        ck_assert_msg((st != MR_NOT_AUTHORISED) == may, "request %d: %s", (int)f.ask->kind,
                      mr_status_name(st));
        told += may;
    }
    ck_assert_int_eq(told, _i == 0 ? 1 : 6);
    link_close(l);
}
END_TEST

/* Other ports are not for peers. */
START_TEST(peers_have_a_port_of_their_own)
{
    const struct mr_seckey *const key = &f.nodes[OURS].transport_key;
    struct link *l = federation_as_peer(&f, 0, f.nodes[0].wallet, OURS + 1, key);
    ck_assert_int_eq(ask_follow(l, 1, 0, 0), MR_NOT_AUTHORISED); /* its proof is taken there */
    link_close(l);
    l = federation_as_peer(&f, 0, f.nodes[0].wallet, 0, NULL);
    ck_assert_int_eq(ask_follow(l, 1, 0, 0), MR_NOT_AUTHORISED);
    *f.ask = (struct mr_request_body){.kind = MR_REQ_PEERS};
    ck_assert_int_eq(link_call(l, f.reply, f.ask), MR_NOT_AUTHORISED);
    *f.ask = (struct mr_request_body){.kind = MR_REQ_EVIDENCE, .u.evidence = {.from = 1}};
    ck_assert_int_eq(link_call(l, f.reply, f.ask), MR_NOT_AUTHORISED);
    link_close(l);
    ck_assert_int_eq(ask_follow(f.nodes[0].local, 1, 0, 0), MR_NOT_AUTHORISED);
}
END_TEST

static const struct {
    uint32_t number;
    int key; /* node whose transport key is used */
    enum mr_status expected;
} claims[] = {
    {4, 3, MR_OK},
    {4, 2, MR_BAD_SIGNATURE},
    {3, 3, MR_BAD_SIGNATURE},
    {1, 0, MR_BAD_KEY} /* the asked node itself */,
    {5, 3, MR_BAD_KEY},
    {0, 3, MR_BAD_KEY},
};

START_TEST(a_peer_proves_its_transport_key)
{
    struct link *l = federation_as_peer(&f, 0, f.nodes[0].peer, claims[_i].number,
                                        &f.nodes[claims[_i].key].transport_key);
    ck_assert_int_eq(ask_follow(l, 1, 0, 0), claims[_i].expected);
    link_close(l);
}
END_TEST

START_TEST(a_log_is_followed)
{
    struct link *l = to_peer_port(&f.nodes[OURS].transport_key);
    const struct mr_rep_follow *const r = &f.reply->body.u.follow;
    ck_assert_int_eq(ask_follow(l, 1, 0, 0), MR_OK);
    ck_assert_uint_gt(r->leaves_count, 0);
    ck_assert_int_eq(r->leaves[0].kind, MR_LEAF_START);
    ck_assert_uint_eq(r->head.node, 1);
    ck_assert_int_eq(ask_follow(l, 2, 0, 0), MR_WRONG_EPOCH);
    /* behind its end: who asks has read more than it has, and is told where it ends */
    ck_assert_int_eq(ask_follow(l, 1, UINT64_C(1) << 40, 0), MR_OK);
    ck_assert_uint_eq(r->leaves_count, 0);
    ck_assert_uint_eq(r->first, r->head.size);
    /* a long poll, until its time is over */
    uint64_t begin, size = 1;
    do {
        begin = wire_now_ms();
        ck_assert_int_eq(ask_follow(l, 1, size, 700), MR_OK);
        size = r->head.size;
    } while (r->leaves_count > 0);
    ck_assert_uint_ge(wire_now_ms() - begin, 600);
    /* and slots that nobody has heard of */
    *f.ask = (struct mr_request_body){.kind = MR_REQ_FETCH};
    f.ask->u.fetch.slots_count = 1;
    f.ask->u.fetch.slots[0].seq = 7;
    ck_assert_int_eq(link_call(l, f.reply, f.ask), MR_OK);
    ck_assert_uint_eq(f.reply->body.u.fetch.bodies_count, 0);
    link_close(l);
}
END_TEST

/* --- while payments go on --------------------------------------------------------------------- */

static void settle_in(void)
{
    federation_open(&f, 0, 0, MR_CLASS_RESIDENT);
    federation_open(&f, 1, 1, MR_CLASS_SHOP);
    federation_issue(&f, 0, 0, 0, 100000);
    federation_agree(&f, 3);
}

/* Each by another node than the one before, which may not have heard of that yet. */
static void payments_go_on(uint32_t count)
{
    static struct mr_signed_order o;
    for (uint32_t i = 0; i < count; i++) {
        federation_order(&f, (i + OURS - 1) % OURS, &o, f.w.members[0].id, MR_KIND_PAY);
        world_pay_body(&f.w, &o.order.body.u.pay, 1, 1);
        federation_sign(&f, &o);
        ck_assert_int_eq(federation_submit(&f, i % OURS, &o, 20000), MR_SETTLED);
    }
}

/* A peer that sends many requests ahead: each is answered or refused, up to its budget, and the
 * others are served all the time. */
START_TEST(a_peer_that_floods_is_bounded)
{
    enum { AHEAD = 200 };
    static uint8_t room[MR_FRAME_MAX], bytes[MR_FRAME_MAX], plain[2048];
    const struct mr_pubkey *const pinned = &f.w.charter.nodes[0].transport_key;
    static struct mr_request request;
    char address[32];
    uint8_t seed[32];
    struct wire *w;
    struct asker a = {.established = false};
    uint64_t number;
    uint32_t id;
    size_t len;
    int answered = 0, refused = 0;
    settle_in();
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)f.nodes[0].peer);
    ck_assert_int_eq(wire_open(&w, address), MR_OK);
    randombytes_buf(seed, sizeof seed);
    len = asker_hello(&a, bytes, sizeof bytes, seed);
    ck_assert_int_eq(wire_send(w, 0x80000000, bytes, len, wire_now_ms() + 20000), MR_OK);
    ck_assert_int_eq(wire_recv(w, &id, room, sizeof room, &len, wire_now_ms() + 20000), MR_OK);
    ck_assert_int_eq(asker_take(&a, plain, room, len, 0, pinned).got, ASKER_ESTABLISHED);
    request = (struct mr_request){.id = 1, .body.kind = MR_REQ_AUTH};
    request.body.u.auth.role = MR_AUTH_PEER;
    request.body.u.auth.key_index = OURS + 1;
    asker_sign(&a, &request.body.u.auth, f.w.ledger, &f.nodes[OURS].transport_key);
    len = mr_request_encode(&request, plain, sizeof plain);
    len = asker_seal(&a, bytes, sizeof bytes, &number, plain, len);
    ck_assert_int_eq(wire_send(w, 0x80000001, bytes, len, wire_now_ms() + 20000), MR_OK);
    ck_assert_int_eq(wire_recv(w, &id, room, sizeof room, &len, wire_now_ms() + 20000), MR_OK);
    request = (struct mr_request){.id = 2, .body.kind = MR_REQ_FOLLOW};
    request.body.u.follow = (struct mr_req_follow){.epoch = 1, .timeout_ms = 60000, .from = 1};
    for (uint32_t i = 0; i < AHEAD; i++) {
        len = mr_request_encode(&request, plain, sizeof plain);
        len = asker_seal(&a, bytes, sizeof bytes, &number, plain, len);
        ck_assert_int_eq(
            wire_send(w, 0x80000000 | (uint32_t)number, bytes, len, wire_now_ms() + 20000), MR_OK);
    }
    payments_go_on(OURS * 3);
    while (wire_recv(w, &id, room, sizeof room, &len, wire_now_ms() + 2000) == MR_OK) {
        refused += room[3] == MR_ENV_REFUSED;
        answered += room[3] == MR_ENV_SEALED;
    }
    ck_assert_int_gt(answered, 0);
    ck_assert_int_le(answered + refused, AHEAD);
    payments_go_on(OURS * 3);
    wire_close(w);
}
END_TEST

/* Garbage, half messages and silence on the peer ports of all nodes. */
START_TEST(strangers_on_the_peer_port_disturb_nobody)
{
    enum { CONNS = 60, ROUNDS = 6 };
    static uint8_t junk[70000];
    int fds[CONNS];
    settle_in();
    randombytes_buf(junk, sizeof junk);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < CONNS; i++) {
            const struct server_thread to = {.port = f.nodes[i % OURS].peer};
            fds[i] = server_thread_connect(&to, i % 4 != 0);
            if (fds[i] < 0)
                continue;
            if (i % 4 == 1)
                tcp_send(fds[i], "\0\0\0\0\0\0\1\0\200\0\0\1half", 16);
            else if (i % 4 == 2)
                tcp_ask(fds[i], i, junk, 4 + i * 1000 % 60000);
            else
                tcp_send(fds[i], junk, 100);
        }
        payments_go_on(3);
        for (uint32_t i = 0; i < CONNS; i++)
            if (fds[i] >= 0)
                close(fds[i]);
    }
}
END_TEST

/* --- a peer that lies ------------------------------------------------------------------------- */

static struct {
    uv_loop_t loop;
    uv_async_t stop;
    pthread_t thread;
} liar;

static void on_stop(uv_async_t *a)
{
    fake_peer_close();
    uv_close((uv_handle_t *)a, NULL);
}

static void *lie(void *arg)
{
    uv_run(&liar.loop, UV_RUN_DEFAULT);
    return arg;
}

static void liar_start(enum fake_manner manner, bool only_follow)
{
    fake_peer_init(f.w.ledger);
    fake.secret = f.nodes[OURS].transport_key;
    fake.identity = f.w.charter.nodes[OURS].transport_key;
    fake.trusting = true;
    fake.manner = manner;
    fake.status = MR_BUSY;
    fake.only_follow = only_follow;
    ck_assert_int_eq(uv_loop_init(&liar.loop), 0);
    uv_async_init(&liar.loop, &liar.stop, on_stop);
    fake_peer_open(&liar.loop, f.nodes[OURS].peer);
    ck_assert_int_eq(pthread_create(&liar.thread, NULL, lie, NULL), 0);
}

static void liar_stop(void)
{
    uv_async_send(&liar.stop);
    pthread_join(liar.thread, NULL);
    ck_assert_int_eq(uv_loop_close(&liar.loop), 0);
}

static const struct {
    const char *what;
    enum fake_manner manner;
    bool only_follow;
    const char *reason; /* that node 1 counts; NULL: none */
} lies[] = {
    {"a head that nobody signed", FAKE_WELL, false, "BAD_HEAD"},
    {"another request's id", FAKE_ODD_ID, true, "OUT_OF_RANGE"},
    {"another kind", FAKE_ODD_KIND, true, "UNKNOWN_TAG"},
    {"bytes cut off", FAKE_ODD_BYTES, true, "TRUNCATED"},
    {"busy for ever", FAKE_STATUS, true, "BUSY"},
    {"busy for ever, in the open", FAKE_REFUSE, true, "BUSY"},
    {"junk", FAKE_JUNK, false, NULL},
    {"silence", FAKE_SILENT, false, NULL},
};

static void wait_counted(const char *reason)
{
    static char page[200000];
    char line[80];
    snprintf(line, sizeof line, "\nmereau_peer_refused{peer=\"4\",reason=\"%s\"} ", reason);
    const uint64_t late = wire_now_ms() + 20000;
    do {
        ck_assert_msg(wire_now_ms() < late, "%s is not counted", reason);
        loopback_get(page, sizeof page, f.nodes[0].http, "GET /metrics HTTP/1.0\r\n\r\n");
    } while (strstr(page, line) == NULL);
}

static void wait_trouble(enum mr_status trouble)
{
    const uint64_t late = wire_now_ms() + 20000;
    while (federation_peers(&f, 0)->peers[2].trouble != (uint32_t)trouble)
        ck_assert_msg(wire_now_ms() < late, "trouble is %u",
                      (unsigned)f.reply->body.u.peers.peers[2].trouble);
    ck_assert(!f.reply->body.u.peers.peers[2].connected);
}

/* The three others settle; what it does is counted; it is not asked without end. */
START_TEST(a_liar_is_counted_and_disturbs_nobody)
{
    settle_in();
    liar_start(lies[_i].manner, lies[_i].only_follow);
    payments_go_on(OURS * 7);
    if (lies[_i].reason != NULL)
        wait_counted(lies[_i].reason);
    const int before = fake.follows;
    sleep(2);
    ck_assert_msg(fake.follows - before < OURS * 2 * 30, "%s: asked %d times", lies[_i].what,
                  fake.follows - before);
    const struct mr_peer_status *const s = &federation_peers(&f, 0)->peers[2];
    ck_assert_uint_eq(s->node, 4);
    ck_assert_uint_eq(s->size, 0);
    if (lies[_i].reason == NULL)
        wait_trouble(MR_NO_ANSWER);
    else
        ck_assert_uint_gt(s->refused, 0);
    payments_go_on(OURS);
    federation_agree(&f, 3 + OURS * 8);
    liar_stop();
}
END_TEST

/* An identity that is not in the charter is not talked to. */
START_TEST(an_impostor_is_named)
{
    liar_start(FAKE_WELL, false);
    fake.imposes = true;
    wait_trouble(MR_WRONG_NODE);
    ck_assert_int_eq(fake.auths, 0);
    liar_stop();
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    Suite *s = suite_create("peer_port");
    TCase *c = tcase_create("peer_port");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, peers_ask_what_is_theirs_and_nothing_else, 0, 2);
    tcase_add_test(c, peers_have_a_port_of_their_own);
    tcase_add_loop_test(c, a_peer_proves_its_transport_key, 0, sizeof claims / sizeof claims[0]);
    tcase_add_test(c, a_log_is_followed);
    tcase_add_test(c, a_peer_that_floods_is_bounded);
    tcase_add_test(c, strangers_on_the_peer_port_disturb_nobody);
    tcase_add_loop_test(c, a_liar_is_counted_and_disturbs_nobody, 0, sizeof lies / sizeof lies[0]);
    tcase_add_test(c, an_impostor_is_named);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
