/* A node is killed at random moments while payments run; clients repeat until they are answered.
 * What was acknowledged is there, once; nothing else is. */
#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/exit.h"
#include "lib/loopback.h"
#include "lib/teller.h"
#include "mereau/receipt.h"

enum { PAYERS = 6, START = 100000, KILLS = 20, PAYMENTS_MAX = 20000 };

static unsigned kills = KILLS;
static uint64_t seed;
static struct teller t;

struct payment {
    uint8_t order[32];
    uint32_t to;
    int64_t amount;
};

static struct payer {
    pthread_t thread;
    uint32_t number;
    uint64_t random;
    uint32_t count; /* acknowledged */
    struct payment paid[PAYMENTS_MAX];
    const char *wrong; /* what went wrong, or NULL */
    enum mr_status status;
} payers[PAYERS];

static atomic_bool enough;
static atomic_uint acknowledged;

static uint64_t step(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* --- payers ----------------------------------------------------------------------------------- */

static void next_order(struct payer *p, struct mr_signed_order *o, const uint8_t prev[32],
                       struct payment *ret)
{
    const struct world_member *m = &t.w.members[p->number];
    memset(o, 0, sizeof *o);
    o->order.version = 1;
    memcpy(o->order.ledger, t.w.ledger, 32);
    memcpy(o->order.account, m->id, 16);
    o->order.seq = p->count + 1;
    memcpy(o->order.prev, prev, 32);
    o->order.time_ms = t.w.now_ms;
    o->order.not_after_ms = o->order.time_ms + MR_DAY_MS;
    o->order.policy = 1;
    o->order.body.kind = MR_KIND_PAY;
    ret->to = (p->number + 1 + (uint32_t)(step(&p->random) % (PAYERS - 1))) % PAYERS;
    ret->amount = 1 + (int64_t)(step(&p->random) % 9);
    world_pay_body(&t.w, &o->order.body.u.pay, ret->to, ret->amount);
    mr_order_sign(o, 0, &m->key);
    mr_order_id(ret->order, &o->order);
}

/* Ask until there is an answer. */
static enum mr_status insist(struct link *l, struct mr_reply *reply,
                             const struct mr_request_body *ask)
{
    enum mr_status st;
    do
        st = link_call(l, reply, ask);
    while (st == MR_NO_ANSWER || st == MR_UNREACHABLE || st == MR_BUSY || st == MR_STOPPING);
    return st;
}

static bool proves(const struct mr_reply *reply, const struct payment *paid)
{
    struct mr_receipt_facts facts;
    return reply->body.u.submit.receipt_count == 1 &&
           mr_receipt_verify(&facts, &t.w.charter, NULL, &reply->body.u.submit.receipt[0]) ==
               MR_OK &&
           !facts.voided && memcmp(facts.value, paid->order, 32) == 0;
}

static void *keep_paying(void *arg)
{
    struct payer *p = arg;
    struct mr_reply *reply = malloc(sizeof *reply);
    struct mr_request_body *ask = calloc(1, sizeof *ask);
    struct link *l = teller_wallet(&t);
    uint8_t prev[32] = {0};
    link_set_timeout(l, 3000);
    while (!atomic_load(&enough) && p->count < PAYMENTS_MAX) {
        struct payment *paid = &p->paid[p->count];
        ask->kind = MR_REQ_SUBMIT;
        next_order(p, &ask->u.submit.order, prev, paid);
        p->status = insist(l, reply, ask);
        if (p->status != MR_SETTLED || !proves(reply, paid)) {
            p->wrong = p->status != MR_SETTLED ? "an answer" : "a receipt";
            break;
        }
        memcpy(prev, paid->order, 32);
        p->count++;
        atomic_fetch_add(&acknowledged, 1);
    }
    link_close(l);
    free(reply);
    free(ask);
    return NULL;
}

/* --- the killer ------------------------------------------------------------------------------- */

static void nothing_wrong(void)
{
    for (uint32_t i = 0; i < PAYERS; i++)
        ck_assert_msg(payers[i].wrong == NULL, "payer %u: %s was wrong: %s", i, payers[i].wrong,
                      mr_status_name(payers[i].status));
}

/* A while of random length that ends in the midst of payments. */
static void let_pay(void)
{
    const unsigned until = atomic_load(&acknowledged) + (unsigned)(step(&seed) % 150);
    while (atomic_load(&acknowledged) < until) {
        nothing_wrong();
        sched_yield();
    }
}

/* Kill a node in the midst of its start. */
static void kill_while_starting(void)
{
    struct proc *p = nodedir_run(t.data, NULL, NULL);
    static const char *const moments[] = {" loaded ", " ready "};
    proc_line(p, NULL, 0, moments[step(&seed) % 2], PROC_DEADLINE_MS);
    proc_end(p);
}

static void be_paid(void)
{
    for (uint32_t i = 0; i < PAYERS; i++) {
        payers[i] = (struct payer){.number = i, .random = step(&seed)};
        ck_assert_int_eq(pthread_create(&payers[i].thread, NULL, keep_paying, &payers[i]), 0);
    }
    for (unsigned i = 0; i < kills; i++) {
        let_pay();
        teller_kill(&t);
        if (step(&seed) % 4 == 0)
            kill_while_starting();
        teller_start(&t);
    }
    let_pay();
    atomic_store(&enough, true);
    for (uint32_t i = 0; i < PAYERS; i++)
        pthread_join(payers[i].thread, NULL);
    nothing_wrong();
}

/* --- the reckoning ---------------------------------------------------------------------------- */

static void slot_is(uint32_t payer, uint64_t seq, const struct payment *paid)
{
    t.ask->kind = MR_REQ_SLOT;
    memcpy(t.ask->u.slot.account, t.w.members[payer].id, 16);
    t.ask->u.slot.seq = seq;
    ck_assert_int_eq(teller_call(&t), MR_SETTLED);
    ck_assert(proves(t.reply, paid));
}

static void reckon(void)
{
    int64_t balances[PAYERS], sum = 0;
    uint64_t credits[PAYERS] = {0};
    for (uint32_t i = 0; i < PAYERS; i++)
        balances[i] = START;
    for (uint32_t i = 0; i < PAYERS; i++) {
        for (uint32_t k = 0; k < payers[i].count; k++) {
            const struct payment *paid = &payers[i].paid[k];
            slot_is(i, k + 1, paid);
            balances[i] -= paid->amount;
            balances[paid->to] += paid->amount;
            credits[paid->to]++;
        }
    }
    for (uint32_t i = 0; i < PAYERS; i++) {
        t.ask->kind = MR_REQ_ACCOUNT;
        memcpy(t.ask->u.account.account, t.w.members[i].id, 16);
        ck_assert_int_eq(teller_call(&t), MR_OK);
        const struct mr_state_hot *hot = &t.reply->body.u.account.hot;
        ck_assert_uint_eq(hot->chain.next_seq, payers[i].count + 1);
        ck_assert_int_eq(hot->chain.balances[0].minor, balances[i]);
        ck_assert_uint_eq(hot->credits, credits[i] + 1); /* and the issue */
        sum += hot->chain.balances[0].minor;
    }
    ck_assert_int_eq(sum, PAYERS * START);
}

static void agrees(const char *program, const char *command)
{
    const char *const argv[] = {program, command, t.data, NULL};
    struct proc *p = proc_start(argv);
    ck_assert_ptr_nonnull(p);
    const int code = proc_wait(p, 4 * PROC_DEADLINE_MS);
    char *text = proc_text(p);
    ck_assert_msg(code == EXIT_DONE, "%s %s: exit %d:\n%s", program, command, code, text);
    free(text);
    proc_end(p);
}

START_TEST(acknowledged_is_kept_and_nothing_doubled)
{
    char conf[256];
    snprintf(conf, sizeof conf,
             "[wallet]\nlisten = 127.0.0.1:%u\n"
             "[journal]\nsegment-size = 8MiB\n"
             "[store]\nflush-after = 50ms\nmap-size = 1MiB\n"
             "[checkpoint]\norders = 300\n",
             (unsigned)loopback_free_port());
    teller_make(&t, conf);
    teller_start(&t);
    for (uint32_t i = 0; i < PAYERS; i++) {
        ck_assert_int_eq(teller_open(&t, MR_CLASS_SHOP), MR_SETTLED);
        ck_assert_int_eq(teller_issue(&t, i, START), MR_SETTLED);
    }
    be_paid();
    reckon();
    ck_assert_int_eq(teller_stop(&t), EXIT_DONE);
    agrees(MEREAU_BIN_DIR "/mereau-admin", "check");
    agrees(MEREAU_BIN_DIR "/mereau-audit", "verify");
    teller_start(&t);
    reckon();
    printf("%u payments, %u kills, each payment there once\n", atomic_load(&acknowledged), kills);
    teller_done(&t);
}
END_TEST

int main(int argc, char **argv)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (argc > 1)
        kills = (unsigned)strtoul(argv[1], NULL, 10);
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)now.tv_nsec * 2654435761u + 1;
    printf("%u kills, seed %llu\n", kills, (unsigned long long)seed);
    fflush(stdout);
    Suite *s = suite_create("crash");
    TCase *c = tcase_create("kill");
    tcase_set_timeout(c, 60 + kills * 10);
    tcase_add_test(c, acknowledged_is_kept_and_nothing_doubled);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
