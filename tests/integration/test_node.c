/* A running node: its ports, its start, its end. */
#include <arpa/inet.h>
#include <check.h>
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/exit.h"
#include "common/file.h"
#include "lib/loopback.h"
#include "lib/teller.h"
#include "mereau/codec.h"
#include "mereau/receipt.h"
#include "mereau/session.h"

static struct teller t;

static void setup(void)
{
    teller_make(&t, "[wallet]\nlisten = 127.0.0.1:0\n");
    teller_start(&t);
}

static void setup_dir(void)
{
    teller_make(&t, NULL);
}

static void teardown(void)
{
    teller_done(&t);
}

/* --- ports ------------------------------------------------------------------------------------ */

/* One request and its reply through a cooked REQ socket of nanomsg. */
static size_t exchange(int s, uint8_t *ret, size_t cap, const uint8_t *bytes, size_t len)
{
    ck_assert_int_eq(nn_send(s, bytes, len, 0), (int)len);
    const int n = nn_recv(s, ret, cap, 0);
    ck_assert_int_gt(n, 0);
    return (size_t)n;
}

static int cooked_socket(void)
{
    char url[64];
    const int patience = 20000, s = nn_socket(AF_SP, NN_REQ);
    snprintf(url, sizeof url, "tcp://127.0.0.1:%u", (unsigned)t.port);
    nn_setsockopt(s, NN_SOL_SOCKET, NN_RCVTIMEO, &patience, sizeof patience);
    ck_assert_int_ge(nn_connect(s, url), 0);
    return s;
}

START_TEST(a_nanomsg_client_is_served)
{
    static uint8_t in[MR_FRAME_MAX], out[MR_FRAME_MAX], plain[MR_FRAME_MAX];
    static struct mr_envelope envelope;
    static struct mr_reply reply;
    const struct mr_pubkey *pinned = &t.w.charter.nodes[0].transport_key;
    const struct mr_request ask = {.id = 7, .body = {.kind = MR_REQ_NODE}};
    struct mr_session_hello hello;
    struct mr_session session;
    uint8_t seed[32];
    uint64_t counter;
    size_t plain_len;
    const int s = cooked_socket();

    randombytes_buf(seed, sizeof seed);
    size_t n = mr_session_hello(&hello, out, sizeof out, seed);
    n = exchange(s, in, sizeof in, out, n);
    ck_assert_int_eq(mr_envelope_decode(&envelope, in, n), MR_OK);
    ck_assert_int_eq(envelope.kind, MR_ENV_WELCOME);
    ck_assert_int_eq(mr_session_welcome(&session, NULL, &hello, &envelope.u.welcome, pinned),
                     MR_OK);
    n = mr_request_encode(&ask, plain, sizeof plain);
    n = mr_session_seal(&session, out, sizeof out, plain, n, 0);
    n = exchange(s, in, sizeof in, out, n);
    ck_assert_int_eq(mr_session_open_bytes(&session, plain, sizeof plain, &plain_len, &counter, in,
                                           n, session.counter_out),
                     MR_OK);
    ck_assert_int_eq(mr_reply_decode(&reply, plain, plain_len), MR_OK);
    ck_assert_uint_eq(reply.id, 7);
    ck_assert_uint_eq(reply.status, MR_OK);
    ck_assert_uint_eq(reply.body.u.node.node, 1);
    nn_close(s);
}
END_TEST

START_TEST(money_moves_over_the_wallet_port)
{
    static struct mr_signed_order o;
    static struct mr_request_body ask;
    struct mr_receipt_facts facts;
    ck_assert_int_eq(teller_open(&t, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(teller_open(&t, MR_CLASS_SHOP), MR_SETTLED);
    ck_assert_int_eq(teller_issue(&t, 0, 5000), MR_SETTLED);
    teller_order(&t, &o, t.w.members[0].id, MR_KIND_PAY);
    world_pay_body(&t.w, &o.order.body.u.pay, 1, 1250);
    world_sign(&t.w, &o);
    struct link *l = teller_wallet(&t);
    link_identify(l, MR_AUTH_OWNER, t.w.members[0].id, 0, &t.w.members[0].key, NULL);
    ask.kind = MR_REQ_SUBMIT;
    ask.u.submit.order = o;
    for (int i = 0; i < 2; i++) { /* the same order again has the same answer */
        ck_assert_int_eq(link_call(l, t.reply, &ask), MR_SETTLED);
        ck_assert_uint_eq(t.reply->body.u.submit.receipt_count, 1);
        ck_assert_int_eq(
            mr_receipt_verify(&facts, &t.w.charter, NULL, &t.reply->body.u.submit.receipt[0]),
            MR_OK);
    }
    link_close(l);
    ck_assert_int_eq(teller_balance(&t, t.w.members[0].id, 0), 3750);
    ck_assert_int_eq(teller_balance(&t, t.w.members[1].id, 0), 1250);
}
END_TEST

START_TEST(strangers_may_not_use_local_rights)
{
    static const struct mr_request_body asks[] = {
        {.kind = MR_REQ_STREAM, .u.stream = {.family = MR_FAMILY_LOG}},
        {.kind = MR_REQ_CONTROL, .u.control = {MR_CONTROL_STOP}},
    };
    struct link *l = teller_wallet(&t);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(link_call(l, t.reply, &asks[i]), MR_NOT_AUTHORISED);
        ck_assert_int_ne(link_call(t.local, t.reply, &asks[i]), MR_NOT_AUTHORISED);
    }
    link_close(l);
    ck_assert_int_eq(proc_wait(t.node, PROC_DEADLINE_MS), EXIT_DONE); /* the local STOP */
}
END_TEST

/* --- start and end ---------------------------------------------------------------------------- */

START_TEST(a_second_node_is_refused)
{
    char pid[32], line[1024];
    struct proc *second = nodedir_run(t.data, NULL, NULL);
    ck_assert_ptr_nonnull(second);
    ck_assert_int_eq(proc_wait(second, PROC_DEADLINE_MS), EXIT_HOST);
    snprintf(pid, sizeof pid, "process %d ", (int)proc_pid(t.node));
    ck_assert(proc_line(second, line, sizeof line, pid, 0));
    ck_assert_ptr_nonnull(strstr(line, "IN_USE"));
    proc_end(second);
    ck_assert_int_eq(teller_open(&t, MR_CLASS_SHOP), MR_SETTLED); /* the first one goes on */
}
END_TEST

struct payer {
    pthread_t thread;
    uint32_t from;
    uint32_t settled;
    enum mr_status last;
    uint64_t last_seq;
};

/* Pays one unit after the other until the node stops. */
static void *keep_paying(void *arg)
{
    struct payer *p = arg;
    const struct world_member *m = &t.w.members[p->from];
    struct mr_reply *reply = malloc(sizeof *reply);
    struct mr_request_body *ask = calloc(1, sizeof *ask);
    struct mr_signed_order *o = &ask->u.submit.order;
    struct link *l = teller_wallet(&t);
    uint8_t prev[32] = {0};
    link_set_timeout(l, 2000);
    for (uint64_t seq = 1;; seq++) {
        memset(ask, 0, sizeof *ask);
        ask->kind = MR_REQ_SUBMIT;
        o->order.version = 1;
        memcpy(o->order.ledger, t.w.ledger, 32);
        memcpy(o->order.account, m->id, 16);
        o->order.seq = seq;
        memcpy(o->order.prev, prev, 32);
        o->order.time_ms = t.w.now_ms;
        o->order.not_after_ms = o->order.time_ms + MR_DAY_MS;
        o->order.policy = 1;
        o->order.body.kind = MR_KIND_PAY;
        world_pay_body(&t.w, &o->order.body.u.pay, p->from ^ 1, 1);
        mr_order_sign(o, 0, &m->key);
        mr_order_id(prev, &o->order);
        p->last = link_call(l, reply, ask);
        if (p->last != MR_SETTLED)
            break;
        p->settled++;
        __atomic_store_n(&p->last_seq, seq, __ATOMIC_RELEASE);
    }
    link_close(l);
    free(reply);
    free(ask);
    return NULL;
}

/* Stop a node in the midst of payments; it comes back with all that was answered. */
static void stop_under_load(int number)
{
    struct payer payers[4];
    int64_t sum = 0;
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_int_eq(teller_open(&t, MR_CLASS_SHOP), MR_SETTLED);
        ck_assert_int_eq(teller_issue(&t, i, 100000), MR_SETTLED);
    }
    for (uint32_t i = 0; i < 4; i++) {
        payers[i] = (struct payer){.from = i};
        ck_assert_int_eq(pthread_create(&payers[i].thread, NULL, keep_paying, &payers[i]), 0);
    }
    while (__atomic_load_n(&payers[0].last_seq, __ATOMIC_ACQUIRE) < 20)
        sched_yield();
    proc_signal(t.node, number);
    const int code = proc_wait(t.node, PROC_DEADLINE_MS);
    ck_assert_int_eq(code, EXIT_DONE);
    ck_assert(proc_line(t.node, NULL, 0, " stopped ", 0));
    for (uint32_t i = 0; i < 4; i++)
        pthread_join(payers[i].thread, NULL);
    teller_kill(&t);
    teller_start(&t);
    for (uint32_t i = 0; i < 4; i++) {
        t.ask->kind = MR_REQ_ACCOUNT;
        memcpy(t.ask->u.account.account, t.w.members[i].id, 16);
        ck_assert_int_eq(teller_call(&t), MR_OK);
        const struct mr_state_chain *c = &t.reply->body.u.account.hot.chain;
        ck_assert_uint_ge(c->next_seq - 1, payers[i].settled);
        ck_assert_uint_le(c->next_seq - 1, payers[i].settled + 1u); /* one answer may be lost */
        sum += c->balances[0].minor;
    }
    ck_assert_int_eq(sum, 400000);
}

START_TEST(sigterm_drains)
{
    stop_under_load(SIGTERM);
}
END_TEST

START_TEST(sigint_drains)
{
    stop_under_load(SIGINT);
}
END_TEST

static void put_conf(const char *text)
{
    ck_assert_int_eq(
        file_write(scratch_path(t.data, "mereaud.conf"), text, strlen(text), 0600, true), MR_OK);
}

START_TEST(all_errors_of_a_configuration_are_told)
{
    static const char *const args[] = {"--check-config", NULL};
    static const char *const said[] = {
        "mereaud.conf:2: there is no setting \"lisen\" in [wallet]; did you mean \"listen\"?",
        "mereaud.conf:4: \"many\"", "mereaud.conf:6: \"3\"", "mereaud.conf:7: \"nonsense\"",
        "mereaud.conf:9: \"1GiBB\""};
    put_conf("[wallet]\nlisen = 127.0.0.1:0\n"
             "[node]\nverify-threads = many\n"
             "[store]\nflush-after = 3\n"
             "nonsense\n"
             "[journal]\nsegment-size = 1GiBB\n");
    for (size_t k = 0; k < 2; k++) {
        struct proc *p = nodedir_run(t.data, NULL, k == 0 ? args : NULL);
        ck_assert_int_eq(proc_wait(p, PROC_DEADLINE_MS), EXIT_USAGE);
        char *text = proc_text(p);
        for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
            ck_assert_msg(strstr(text, said[i]) != NULL, "%s in:\n%s", said[i], text);
        free(text);
        proc_end(p);
    }
    put_conf(nodedir_conf);
    struct proc *p = nodedir_run(t.data, NULL, args);
    ck_assert_int_eq(proc_wait(p, PROC_DEADLINE_MS), EXIT_DONE);
    proc_end(p);
}
END_TEST

START_TEST(ports_that_cannot_be_had_are_told)
{
    static const char *const args[] = {"--listen", "192.0.2.1:7000", NULL};
    struct proc *p = nodedir_run(t.data, NULL, args);
    ck_assert_int_eq(proc_wait(p, PROC_DEADLINE_MS), EXIT_USAGE);
    ck_assert(proc_line(p, NULL, 0, "192.0.2.1:7000", 0));
    proc_end(p);
}
END_TEST

/* --- health page ------------------------------------------------------------------------------ */

START_TEST(the_health_page_is_served)
{
    static char conf[128], text[65536];
    const uint16_t port = loopback_free_port();
    snprintf(conf, sizeof conf, "[wallet]\nlisten = 127.0.0.1:0\n[http]\nlisten = 127.0.0.1:%u\n",
             (unsigned)port);
    put_conf(conf);
    teller_start(&t);
    ck_assert_int_eq(teller_open(&t, MR_CLASS_SHOP), MR_SETTLED);
    loopback_get(text, sizeof text, port, "GET /healthz HTTP/1.0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(text, " 200 "));
    loopback_get(text, sizeof text, port, "GET /metrics HTTP/1.0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(text, " 200 "));
    ck_assert_ptr_nonnull(strstr(text, "# TYPE mereau_slots_settled counter\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nmereau_accounts "));
    loopback_get(text, sizeof text, port, "GET /public/figures.csv HTTP/1.0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(text, " 404 ")); /* none was named */
    loopback_get(text, sizeof text, port, "GET /else HTTP/1.0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(text, " 404 "));
    loopback_get(text, sizeof text, port, "POST /metrics HTTP/1.0\r\nContent-Length: 1\r\n\r\nx");
    ck_assert_ptr_nonnull(strstr(text, " 405 "));
    loopback_get(text, sizeof text, port, "garbage\r\n\r\n");
    ck_assert_ptr_null(strstr(text, " 200 "));
    ck_assert_int_eq(teller_stop(&t), EXIT_DONE);
}
END_TEST

/* Plain files of one directory, by strict names. */
START_TEST(what_is_public_is_served)
{
    static const char *const refused[] = {"",
                                          "../mereaud.conf",
                                          "%2e%2e/mereaud.conf",
                                          ".hidden.csv",
                                          "link.csv",
                                          "sub.csv",
                                          "a.txt",
                                          "A.csv",
                                          "no.csv"};
    static char conf[8192], text[65536], dir[SCRATCH_PATH_MAX], path[2 * SCRATCH_PATH_MAX];
    const uint16_t port = loopback_free_port();
    scratch_make(dir);
    snprintf(conf, sizeof conf,
             "[wallet]\nlisten = 127.0.0.1:0\n[http]\nlisten = 127.0.0.1:%u\npublic = %s\n",
             (unsigned)port, dir);
    for (const char *const *name =
             (const char *const[]){"figures.csv", ".hidden.csv", "a.txt", "A.csv", NULL};
         *name != NULL; name++) {
        snprintf(path, sizeof path, "%s/%s", dir, *name);
        ck_assert_int_eq(file_write(path, "a,b\n", 4, 0600, false), MR_OK);
    }
    snprintf(path, sizeof path, "%s/link.csv", dir);
    ck_assert_int_eq(symlink("figures.csv", path), 0);
    snprintf(path, sizeof path, "%s/sub.csv", dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    put_conf(conf);
    teller_start(&t);
    loopback_get(text, sizeof text, port, "GET /public/figures.csv HTTP/1.0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(text, " 200 "));
    ck_assert_ptr_nonnull(strstr(text, "text/csv"));
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\na,b\n"));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        snprintf(path, sizeof path, "GET /public/%s HTTP/1.0\r\n\r\n", refused[i]);
        loopback_get(text, sizeof text, port, path);
        ck_assert_msg(strstr(text, " 404 ") != NULL, "%s", refused[i]);
    }
    ck_assert_int_eq(teller_stop(&t), EXIT_DONE);
    scratch_remove(dir);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("node");
    TCase *running = tcase_create("running"), *starting = tcase_create("starting");
    tcase_set_timeout(running, 120);
    tcase_set_timeout(starting, 120);
    tcase_add_checked_fixture(running, setup, teardown);
    tcase_add_checked_fixture(starting, setup_dir, teardown);
    tcase_add_test(running, a_nanomsg_client_is_served);
    tcase_add_test(running, money_moves_over_the_wallet_port);
    tcase_add_test(running, strangers_may_not_use_local_rights);
    tcase_add_test(running, a_second_node_is_refused);
    tcase_add_test(running, sigterm_drains);
    tcase_add_test(running, sigint_drains);
    tcase_add_test(starting, all_errors_of_a_configuration_are_told);
    tcase_add_test(starting, ports_that_cannot_be_had_are_told);
    tcase_add_test(starting, the_health_page_is_served);
    tcase_add_test(starting, what_is_public_is_served);
    suite_add_tcase(s, running);
    suite_add_tcase(s, starting);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
