#include "audit/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { SLOTS = 64, BATCH = 256 };

struct slot {
    struct mr_audit_batch *batch;
    bool done;
};

/* A ring: [given, taken) is being verified or waits to be given back, [taken, pushed) waits. */
struct pool {
    struct mr_audit *audit;
    pthread_t *threads;
    unsigned count;
    pthread_mutex_t lock;
    pthread_cond_t work, finished;
    struct slot slots[SLOTS];
    size_t pushed, taken, given;
    bool stop;
};

static void *run(void *ctx)
{
    struct pool *const p = ctx;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->taken == p->pushed && !p->stop)
            pthread_cond_wait(&p->work, &p->lock);
        if (p->taken == p->pushed)
            break;
        struct slot *const s = &p->slots[p->taken++ % SLOTS];
        pthread_mutex_unlock(&p->lock);
        const size_t n = mr_audit_batch_count(s->batch);
        for (size_t i = 0; i < n; i++)
            mr_audit_verify(s->batch, i);
        pthread_mutex_lock(&p->lock);
        s->done = true;
        pthread_cond_signal(&p->finished);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

unsigned pool_threads(void)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > POOL_THREADS_MAX ? POOL_THREADS_MAX : (unsigned)online;
}

enum mr_status pool_threads_given(const struct command *c, struct out *out, unsigned *ret)
{
    int64_t threads = pool_threads();
    const enum mr_status st = opt_int(c, out, &threads, "threads", 1, POOL_THREADS_MAX);
    *ret = (unsigned)threads;
    return st == MR_USAGE ? st : MR_OK;
}

enum mr_status pool_create(struct pool **ret, struct mr_audit *audit, unsigned threads)
{
    struct pool *const p = calloc(1, sizeof *p);
    if (p == NULL)
        return MR_NO_MEMORY;
    p->audit = audit;
    p->threads = calloc(threads, sizeof *p->threads);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->finished, NULL);
    while (p->threads != NULL && p->count < threads &&
           pthread_create(&p->threads[p->count], NULL, run, p) == 0)
        p->count++;
    if (p->count == 0) {
        pool_destroy(p);
        return MR_NO_MEMORY;
    }
    *ret = p;
    return MR_OK;
}

/* Called with the lock held; gives back outside of it. */
static void give(struct pool *p, size_t until)
{
    while (p->given < until || (p->given < p->pushed && p->slots[p->given % SLOTS].done)) {
        struct slot *const s = &p->slots[p->given % SLOTS];
        while (!s->done)
            pthread_cond_wait(&p->finished, &p->lock);
        struct mr_audit_batch *const b = s->batch;
        p->given++;
        pthread_mutex_unlock(&p->lock);
        mr_audit_give(p->audit, b);
        pthread_mutex_lock(&p->lock);
    }
}

static void push(struct pool *p)
{
    struct mr_audit_batch *const b = mr_audit_take(p->audit);
    if (b == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    give(p, p->pushed < SLOTS ? 0 : p->pushed - SLOTS + 1);
    p->slots[p->pushed++ % SLOTS] = (struct slot){b, false};
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
}

enum mr_status pool_feed(struct pool *p, const struct mr_audit_turn *turn)
{
    const enum mr_status st = mr_audit_feed(p->audit, turn);
    if (st == MR_OK && mr_audit_pending(p->audit) >= BATCH)
        push(p);
    return st;
}

static void finish(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    give(p, p->pushed);
    pthread_mutex_unlock(&p->lock);
}

void pool_drain(struct pool *p)
{
    push(p);
    finish(p);
}

void pool_destroy(struct pool *p)
{
    if (p == NULL)
        return;
    if (p->count > 0)
        finish(p);
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->count; i++)
        pthread_join(p->threads[i], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->finished);
    free(p->threads);
    free(p);
}
