/* Requests signed beforehand. */
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/order.h"

enum { GIFT = 10000000, THREADS_MAX = 64, LENGTH_BYTES = 4 };

static uint64_t today_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000;
}

void deck_done(struct deck *d)
{
    free(d->cells);
    free(d->chains);
    *d = (struct deck){0};
}

static enum mr_status deck_make(struct deck *d, uint32_t chains, size_t cells, size_t cell_bytes)
{
    *d = (struct deck){.cells = malloc(cells * cell_bytes),
                       .cell_bytes = cell_bytes,
                       .cells_count = cells,
                       .chains = calloc(chains, sizeof *d->chains),
                       .chains_count = chains};
    if (d->cells != NULL && d->chains != NULL)
        return MR_OK;
    deck_done(d);
    return MR_NO_MEMORY;
}

/* Start the next order of a chain in r. */
static struct mr_order *order_begin(const struct estate *e, struct mr_request *r,
                                    const uint8_t account[16], uint64_t seq, const uint8_t prev[32],
                                    enum mr_order_kind kind)
{
    struct mr_order *o = &r->body.u.submit.order.order;
    r->id = 1;
    r->body.kind = MR_REQ_SUBMIT;
    r->body.u.submit.order.sigs_count = 0;
    r->body.u.submit.memo_count = 0;
    o->version = 1;
    memcpy(o->ledger, e->ledger, 32);
    memcpy(o->account, account, 16);
    o->seq = seq;
    memcpy(o->prev, prev, 32);
    o->time_ms = today_ms();
    o->not_after_ms = o->time_ms + 7 * MR_DAY_MS;
    o->policy = 1;
    randombytes_buf(o->salt, sizeof o->salt);
    memset(o->ref, 0, sizeof o->ref);
    memset(o->memo, 0, sizeof o->memo);
    o->body.kind = kind;
    return o;
}

/* The signed request into its cell; `head` becomes the order's id. */
static void order_end(struct deck *d, size_t cell, const struct mr_request *r, uint8_t head[32])
{
    uint8_t *const at = d->cells + cell * d->cell_bytes;
    const size_t n = mr_request_encode(r, at + LENGTH_BYTES, d->cell_bytes - LENGTH_BYTES);
    const uint32_t len = (uint32_t)n;
    memcpy(at, &len, sizeof len);
    mr_order_id(head, &r->body.u.submit.order.order);
}

/* How many members association i has, and the number of the k-th. */
static uint32_t members_of(const struct estate *e, uint32_t i)
{
    const uint32_t all = e->members_count, homes = e->charter.associations_count;
    return all / homes + (i < all % homes ? 1 : 0);
}

static struct member *member_of(const struct estate *e, uint32_t i, uint32_t k)
{
    return &e->members[i + (size_t)k * e->charter.associations_count];
}

enum mr_status estate_opens(struct estate *e, struct deck *ret)
{
    const uint32_t homes = e->charter.associations_count;
    const size_t most = members_of(e, 0);
    struct mr_request *r = calloc(1, sizeof *r);
    if (r == NULL || deck_make(ret, homes, homes * most, 640) != MR_OK) {
        free(r);
        return MR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < homes; i++) {
        uint8_t desk[16], head[32] = {0};
        ret->chains[i] = (struct chain){i * most, 1, members_of(e, i), 0};
        mr_sub_account(desk, e->charter.associations[i].id, MR_CLASS_DESK);
        for (uint32_t k = 0; k < ret->chains[i].count; k++) {
            const struct member *m = member_of(e, i, k);
            struct mr_open *b = &order_begin(e, r, desk, k + 1, head, MR_KIND_OPEN)->body.u.open;
            memcpy(b->account, m->id, 16);
            b->class = MR_CLASS_SHOP;
            b->keys.threshold = b->keys.keys_count = 1;
            b->keys.keys[0] = m->public;
            mr_order_sign(&r->body.u.submit.order, 0, &e->operators[0]);
            order_end(ret, i * most + k, r, head);
        }
    }
    free(r);
    return MR_OK;
}

static void issue_lines(const struct estate *e, struct mr_issue *b, uint32_t home, uint32_t from)
{
    const uint32_t left = members_of(e, home) - from;
    b->lines_count = left < LINES_OF_ISSUE ? left : LINES_OF_ISSUE;
    b->banks_count = 1;
    randombytes_buf(b->banks[0].ref, sizeof b->banks[0].ref);
    b->banks[0].amount = (int64_t)b->lines_count * GIFT;
    for (uint32_t k = 0; k < b->lines_count; k++) {
        memcpy(b->lines[k].member, member_of(e, home, from + k)->id, 16);
        b->lines[k].amount = GIFT;
        b->lines[k].bank = 0;
    }
}

enum mr_status estate_issues(struct estate *e, struct deck *ret)
{
    const uint32_t homes = e->charter.associations_count;
    const size_t most = (members_of(e, 0) + LINES_OF_ISSUE - 1) / LINES_OF_ISSUE;
    struct mr_request *r = calloc(1, sizeof *r);
    if (r == NULL || deck_make(ret, homes, homes * most, 8192) != MR_OK) {
        free(r);
        return MR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < homes; i++) {
        uint8_t treasury[16], head[32] = {0};
        const uint32_t members = members_of(e, i);
        ret->chains[i] =
            (struct chain){i * most, 1, (members + LINES_OF_ISSUE - 1) / LINES_OF_ISSUE, 0};
        mr_sub_account(treasury, e->charter.associations[i].id, MR_CLASS_TREASURY);
        for (uint32_t k = 0; k < ret->chains[i].count; k++) {
            struct mr_order *o = order_begin(e, r, treasury, k + 1, head, MR_KIND_ISSUE);
            issue_lines(e, &o->body.u.issue, i, k * LINES_OF_ISSUE);
            mr_order_sign(&r->body.u.submit.order, 0, &e->operators[0]);
            mr_order_sign(&r->body.u.submit.order, 1, &e->operators[1]);
            order_end(ret, i * most + k, r, head);
        }
    }
    free(r);
    return MR_OK;
}

struct signing {
    struct estate *e;
    struct deck *deck;
    uint32_t rounds, first, step;
    pthread_t thread;
    bool failed;
};

static void *sign_payments(void *arg)
{
    struct signing *s = arg;
    struct estate *e = s->e;
    struct mr_request *r = calloc(1, sizeof *r);
    if (r == NULL) {
        s->failed = true;
        return NULL;
    }
    for (uint32_t i = s->first; i < e->members_count; i += s->step) {
        struct member *m = &e->members[i];
        s->deck->chains[i] = (struct chain){i, e->members_count, s->rounds, 0};
        for (uint32_t k = 0; k < s->rounds; k++) {
            struct mr_order *o = order_begin(e, r, m->id, m->next_seq, m->head, MR_KIND_PAY);
            struct mr_pay *b = &o->body.u.pay;
            b->unit = 0;
            b->lines_count = 1;
            memcpy(b->lines[0].payee, e->members[(i + 1) % e->members_count].id, 16);
            b->lines[0].amount = 1 + k % 100;
            b->lines[0].what = MR_LINE_PAYMENT;
            mr_order_sign(&r->body.u.submit.order, 0, &m->key);
            order_end(s->deck, i + (size_t)k * e->members_count, r, m->head);
            m->next_seq++;
        }
    }
    free(r);
    return NULL;
}

enum mr_status estate_payments(struct estate *e, struct deck *ret, uint32_t rounds,
                               unsigned threads)
{
    struct signing s[THREADS_MAX];
    enum mr_status st = deck_make(ret, e->members_count, (size_t)rounds * e->members_count, 448);
    if (st != MR_OK)
        return st;
    threads = threads > THREADS_MAX ? THREADS_MAX : threads;
    unsigned started = 0;
    for (; started < threads; started++) {
        s[started] = (struct signing){
            .e = e, .deck = ret, .rounds = rounds, .first = started, .step = threads};
        if (pthread_create(&s[started].thread, NULL, sign_payments, &s[started]) != 0)
            break;
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(s[i].thread, NULL);
        if (s[i].failed)
            st = MR_NO_MEMORY;
    }
    return started == threads ? st : MR_NO_MEMORY;
}
