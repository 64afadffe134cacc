/* Queues of work for other threads. */
#include <stdlib.h>

#include "common/log.h"
#include "daemon/node.h"
#include "mereau/assert.h"

enum { BATCH = 8, THREADS_MAX = 64 };

struct workers {
    struct node *node;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct queue todo[LANES], done; /* under lock */
    int lane;                       /* under lock: whose turn it is */
    bool stop;                      /* under lock */
    size_t load;                    /* the loop's */
    uv_async_t async;
    unsigned threads;
    pthread_t thread[THREADS_MAX];
};

void queue_init(struct queue *q)
{
    q->first = NULL;
    q->last = &q->first;
}

void queue_push(struct queue *q, struct task *t)
{
    t->next = NULL;
    *q->last = t;
    q->last = &t->next;
}

struct task *queue_pop(struct queue *q)
{
    struct task *const t = q->first;
    if (t == NULL)
        return NULL;
    q->first = t->next;
    if (q->first == NULL)
        q->last = &q->first;
    return t;
}

void queue_push_front(struct queue *q, struct task *t)
{
    t->next = q->first;
    if (t->next == NULL)
        q->last = &t->next;
    q->first = t;
}

static struct task *take_all(struct queue *q)
{
    struct task *t = q->first;
    queue_init(q);
    return t;
}

/* A few tasks of one lane at once: fewer wake-ups, and no thread waits long for the others. The
 * lanes take turns. */
static struct task *take_some(struct workers *w)
{
    struct queue some;
    queue_init(&some);
    for (int i = 0; i < LANES && some.first == NULL; i++) {
        struct queue *const q = &w->todo[w->lane];
        w->lane = (w->lane + 1) % LANES;
        struct task *t;
        for (int k = 0; k < BATCH && (t = queue_pop(q)) != NULL; k++)
            queue_push(&some, t);
    }
    return some.first;
}

static void *worker(void *arg)
{
    struct workers *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        struct task *some;
        while ((some = take_some(w)) == NULL && !w->stop)
            pthread_cond_wait(&w->wake, &w->lock);
        if (some == NULL)
            break;
        pthread_mutex_unlock(&w->lock);
        for (struct task *t = some; t != NULL; t = t->next)
            t->run(t);
        pthread_mutex_lock(&w->lock);
        const bool first = w->done.first == NULL;
        while (some != NULL) {
            struct task *next = some->next;
            queue_push(&w->done, some);
            some = next;
        }
        if (first)
            uv_async_send(&w->async);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void on_done(uv_async_t *a)
{
    struct workers *w = a->data;
    pthread_mutex_lock(&w->lock);
    struct task *t = take_all(&w->done);
    pthread_mutex_unlock(&w->lock);
    while (t != NULL) {
        struct task *next = t->next;
        w->load--;
        t->done(w->node, t);
        t = next;
    }
}

enum mr_status workers_start(struct workers **ret, struct node *n, unsigned threads)
{
    struct workers *w = calloc(1, sizeof *w);
    if (w == NULL)
        return MR_NO_MEMORY;
    w->node = n;
    for (int i = 0; i < LANES; i++)
        queue_init(&w->todo[i]);
    queue_init(&w->done);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    w->async.data = w;
    if (uv_async_init(&n->loop, &w->async, on_done) != 0) {
        free(w);
        return MR_NO_MEMORY;
    }
    for (; w->threads < threads && w->threads < THREADS_MAX; w->threads++)
        if (pthread_create(&w->thread[w->threads], NULL, worker, w) != 0)
            break;
    if (w->threads == 0) {
        log_event(LOG_LEVEL_ERROR, "no_thread", log_with(log_uint("wanted", threads)));
        return MR_NO_MEMORY; /* the process ends: nothing is taken apart */
    }
    *ret = w;
    return MR_OK;
}

void workers_give(struct workers *w, struct task *t)
{
    w->load++;
    pthread_mutex_lock(&w->lock);
    queue_push(&w->todo[t->lane], t);
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

size_t workers_load(const struct workers *w)
{
    return w->load;
}

static void free_workers(uv_handle_t *h)
{
    struct workers *w = h->data;
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
    free(w);
}

void workers_stop(struct workers *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->threads; i++)
        pthread_join(w->thread[i], NULL);
    for (int i = 0; i < LANES; i++)
        mr_assert(w->todo[i].first == NULL);
    uv_close((uv_handle_t *)&w->async, free_workers);
}
