#include "lib/crowd.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/exit.h"
#include "mereau/order.h"

enum { PAYERS_MAX = 16, PATIENCE_MS = 2000, DEADLINE_S = 60 };

struct payer {
    struct crowd *crowd;
    uint32_t member, node;
    struct mr_state_chain chain;
    uint32_t policy;
    int64_t before;
    uint64_t acked;
    enum mr_status odd; /* that no honest node may say here; OK: none */
    struct mr_signed_order order;
    struct mr_request_body ask;
    struct mr_reply reply;
    struct link *link;
    pthread_t thread;
};

struct crowd {
    struct federation *f;
    uint32_t count;
    pthread_mutex_t lock;
    pthread_cond_t news;
    bool stop;
    uint64_t acked;
    struct payer payers[PAYERS_MAX];
};

/* --- one payer -------------------------------------------------------------------------------- */

static bool connect_to(struct payer *p)
{
    const struct federation *const f = p->crowd->f;
    const struct mr_node *const to = &f->w.charter.nodes[p->node];
    const struct link_config config = {.address = to->address,
                                       .pinned = &to->transport_key,
                                       .ledger = f->w.ledger,
                                       .timeout_ms = PATIENCE_MS};
    return link_open(&p->link, &config) == MR_OK;
}

/* This node does not answer: its neighbour may. */
static void move_on(struct payer *p)
{
    link_close(p->link);
    p->link = NULL;
    p->node = (p->node + 1) % p->crowd->f->n;
}

static void next_order(struct payer *p)
{
    struct crowd *const c = p->crowd;
    struct world *const w = &c->f->w;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    pthread_mutex_lock(&c->lock); /* the world counts salts */
    w->now_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
    world_order_on(w, &p->order, w->members[p->member].id, &p->chain, p->policy, MR_KIND_PAY);
    world_pay_body(w, &p->order.order.body.u.pay, (p->member + 1) % c->count, 1);
    world_sign(w, &p->order);
    pthread_mutex_unlock(&c->lock);
}

static void count(struct payer *p)
{
    struct crowd *const c = p->crowd;
    p->chain.next_seq++;
    mr_order_id(p->chain.head, &p->order.order);
    pthread_mutex_lock(&c->lock);
    p->acked++;
    c->acked++;
    pthread_cond_broadcast(&c->news);
    pthread_mutex_unlock(&c->lock);
}

static bool is_over(struct payer *p)
{
    pthread_mutex_lock(&p->crowd->lock);
    const bool stop = p->crowd->stop;
    pthread_mutex_unlock(&p->crowd->lock);
    return stop;
}

/* What says that it may still settle, here or at another node. */
static bool is_undecided(enum mr_status st)
{
    return st == MR_VOTING || st == MR_CERTIFIED || st == MR_PARKED || st == MR_BUSY ||
           st == MR_BEHIND;
}

static bool is_away(enum mr_status st)
{
    return st == MR_NO_ANSWER || st == MR_UNREACHABLE || st == MR_STOPPING || st == MR_STARTING ||
           st == MR_NO_QUORUM;
}

/* Hand the order in until it is settled. */
static bool settle(struct payer *p)
{
    p->ask.kind = MR_REQ_SUBMIT;
    p->ask.u.submit.order = p->order;
    p->ask.u.submit.memo_count = 0;
    for (;;) {
        if (p->link == NULL && !connect_to(p))
            return false;
        const enum mr_status st = link_call(p->link, &p->reply, &p->ask);
        if (st == MR_SETTLED)
            return true;
        if (is_away(st)) {
            move_on(p);
        } else if (!is_undecided(st)) {
            p->odd = st;
            return false;
        }
    }
}

static void *pay(void *arg)
{
    struct payer *const p = arg;
    while (!is_over(p)) {
        next_order(p);
        if (!settle(p))
            break;
        count(p);
    }
    link_close(p->link);
    return NULL;
}

/* --- all -------------------------------------------------------------------------------------- */

struct crowd *crowd_start(struct federation *f, uint32_t payers)
{
    struct crowd *const c = calloc(1, sizeof *c);
    pthread_condattr_t clock;
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_le(payers, PAYERS_MAX);
    c->f = f;
    c->count = payers;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&c->news, &clock);
    for (uint32_t i = 0; i < payers; i++) {
        struct payer *const p = &c->payers[i];
        p->crowd = c;
        p->member = i;
        p->node = i % f->n;
        p->chain = federation_chain(f, p->node, i, &p->policy);
        p->before = p->chain.balances[0].minor;
    }
    for (uint32_t i = 0; i < payers; i++)
        ck_assert_int_eq(pthread_create(&c->payers[i].thread, NULL, pay, &c->payers[i]), 0);
    return c;
}

void crowd_wait(struct crowd *c, uint64_t more)
{
    struct timespec until;
    int late = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DEADLINE_S;
    pthread_mutex_lock(&c->lock);
    const uint64_t wanted = c->acked + more;
    while (c->acked < wanted && late == 0)
        late = pthread_cond_timedwait(&c->news, &c->lock, &until);
    const uint64_t got = c->acked;
    pthread_mutex_unlock(&c->lock);
    ck_assert_msg(got >= wanted, "%llu of %llu payments", (unsigned long long)got,
                  (unsigned long long)wanted);
}

uint64_t crowd_stop(struct crowd *c)
{
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_mutex_unlock(&c->lock);
    for (uint32_t i = 0; i < c->count; i++)
        pthread_join(c->payers[i].thread, NULL);
    for (uint32_t i = 0; i < c->count; i++)
        ck_assert_msg(c->payers[i].odd == MR_OK, "payer %u was answered %s", (unsigned)i,
                      mr_status_name(c->payers[i].odd));
    return c->acked;
}

void crowd_check(struct crowd *c)
{
    for (uint32_t node = 0; node < c->f->n; node++) {
        if (c->f->nodes[node].proc == NULL)
            continue;
        for (uint32_t i = 0; i < c->count; i++) {
            const struct payer *const p = &c->payers[i];
            const uint64_t got = c->payers[(i + c->count - 1) % c->count].acked;
            uint32_t policy;
            const struct mr_state_chain now = federation_chain(c->f, node, i, &policy);
            ck_assert_uint_eq(now.next_seq, p->chain.next_seq);
            ck_assert_mem_eq(now.head, p->chain.head, sizeof now.head);
            ck_assert_int_eq(now.balances[0].minor, p->before + (int64_t)got - (int64_t)p->acked);
        }
    }
    pthread_cond_destroy(&c->news);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* --- a whole test ----------------------------------------------------------------------------- */

void crowd_gather(struct federation *f, uint32_t payers, int64_t each)
{
    federation_start_all(f);
    for (uint32_t i = 0; i < f->n; i++)
        federation_wait_mode(f, i, MR_OK);
    for (uint32_t i = 0; i < payers; i++)
        federation_open(f, i % f->n, i % f->n, MR_CLASS_RESIDENT);
    for (uint32_t i = 0; i < payers; i++)
        federation_issue(f, i % f->n, i % f->n, i, each);
    federation_agree(f, 2 * payers);
}

void crowd_end(struct crowd *c)
{
    struct federation *const f = c->f;
    const uint64_t others = 2 * c->count, acked = crowd_stop(c);
    federation_agree(f, others + acked);
    crowd_check(c);
    for (uint32_t i = 0; i < f->n; i++)
        ck_assert_uint_eq(federation_peers(f, i)->evidence, 0);
    for (uint32_t i = 0; i < f->n; i++)
        ck_assert_int_eq(federation_stop(f, i), EXIT_DONE);
    for (uint32_t i = 0; i < f->n; i++)
        federation_audit(f, i);
}
