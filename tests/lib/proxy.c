#include "lib/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PAIRS_MAX = 64,
    READ_BYTES = 65536,
    QUEUE_BYTES = 8 << 20, /* what one direction may have under way */
    GREETING = 8,          /* of the framing of nanomsg's tcp transport */
    LENGTH = 8,            /* in front of each message, big-endian */
    MESSAGE_MAX = 1 << 20, /* longer ones are not repeated */
};

struct chunk {
    struct chunk *next;
    uint64_t due_ns;
    size_t len, done;
    uint8_t bytes[];
};

/* Where in the framing a direction is; `message` gathers the one that will be repeated. */
struct framing {
    uint32_t every, count;
    size_t greeting, head;
    uint64_t left;
    uint8_t *message;
    size_t message_len;
};

struct way {
    int from, to;
    bool ended; /* nothing more comes: the other end is told when all has left */
    struct chunk *first, **last;
    size_t queued;
    struct framing framing;
};

struct pair {
    bool used;
    struct way ways[2];
};

struct proxy {
    int listener, wake;
    uint16_t port, targets[PROXY_TARGETS_MAX];
    size_t targets_count, turn;
    pthread_t thread;
    pthread_mutex_t lock; /* what follows, down to counts */
    bool stop, cut, closed, held;
    uint32_t delay_us, every;
    struct proxy_counts counts;
    struct pair pairs[PAIRS_MAX];
    uint8_t in[READ_BYTES];
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- one direction ---------------------------------------------------------------------------- */

static void way_init(struct way *w, int from, int to, uint32_t every)
{
    *w = (struct way){.from = from, .to = to, .framing = {.every = every, .greeting = GREETING}};
    w->last = &w->first;
    if (every > 0)
        w->framing.message = malloc(MESSAGE_MAX);
}

static void way_done(struct way *w)
{
    while (w->first != NULL) {
        struct chunk *const c = w->first;
        w->first = c->next;
        free(c);
    }
    free(w->framing.message);
}

static bool put(struct way *w, const uint8_t *bytes, size_t len, uint64_t due_ns)
{
    struct chunk *const c = malloc(sizeof *c + len);
    if (c == NULL)
        return false;
    *c = (struct chunk){.due_ns = due_ns, .len = len};
    memcpy(c->bytes, bytes, len);
    *w->last = c;
    w->last = &c->next;
    w->queued += len;
    return true;
}

static void gather(struct framing *f, const uint8_t *bytes, size_t len)
{
    if (f->message_len + len <= MESSAGE_MAX)
        memcpy(f->message + f->message_len, bytes, len);
    f->message_len += len;
}

/* How many of these bytes end at or before the end of a message; *ret_whole: one ends there. */
static size_t frame(struct framing *f, const uint8_t *in, size_t len, bool *ret_whole)
{
    size_t n = 0;
    *ret_whole = false;
    if (f->greeting > 0) {
        n = len < f->greeting ? len : f->greeting;
        f->greeting -= n;
        return n;
    }
    for (; f->head < LENGTH && n < len; n++, f->head++)
        f->left = f->left << 8 | in[n];
    if (f->head < LENGTH) {
        gather(f, in, n);
        return n;
    }
    const size_t rest = len - n < f->left ? len - n : (size_t)f->left;
    f->left -= rest;
    n += rest;
    gather(f, in, n);
    if (f->left == 0) {
        f->head = 0;
        *ret_whole = true;
    }
    return n;
}

/* Queue what came; a message whose turn it is twice. */
static bool take(struct proxy *p, struct way *w, const uint8_t *in, size_t len, uint64_t due_ns)
{
    struct framing *const f = &w->framing;
    if (f->message == NULL)
        return put(w, in, len, due_ns);
    while (len > 0) {
        bool whole;
        const size_t n = frame(f, in, len, &whole);
        if (!put(w, in, n, due_ns))
            return false;
        in += n;
        len -= n;
        if (!whole)
            continue;
        if (++f->count % f->every == 0 && f->message_len <= MESSAGE_MAX) {
            if (!put(w, f->message, f->message_len, due_ns))
                return false;
            p->counts.repeated++;
        }
        f->message_len = 0;
    }
    return true;
}

/* False: this connection is at its end. */
static bool read_way(struct proxy *p, struct way *w)
{
    const ssize_t n = recv(w->from, p->in, sizeof p->in, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0) {
        w->ended = true;
        return true;
    }
    p->counts.bytes += (uint64_t)n;
    return take(p, w, p->in, (size_t)n, now_ns() + p->delay_us * UINT64_C(1000));
}

static bool write_way(struct way *w, uint64_t now)
{
    while (w->first != NULL && w->first->due_ns <= now) {
        struct chunk *const c = w->first;
        const ssize_t n =
            send(w->to, c->bytes + c->done, c->len - c->done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        c->done += (size_t)n;
        w->queued -= (size_t)n;
        if (c->done < c->len)
            continue;
        w->first = c->next;
        if (w->first == NULL)
            w->last = &w->first;
        free(c);
    }
    return !w->ended || w->first != NULL;
}

/* --- pairs ------------------------------------------------------------------------------------ */

static void pair_done(struct proxy *p, struct pair *c)
{
    const struct linger hard = {.l_onoff = 1}; /* both ends see that it broke */
    for (int i = 0; i < 2; i++) {
        setsockopt(c->ways[i].from, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(c->ways[i].from);
        way_done(&c->ways[i]);
    }
    c->used = false;
    p->counts.broken++;
}

static int connect_to(uint16_t port)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A connection whose target does not run is broken; the next one tries the next target. */
static void accept_one(struct proxy *p)
{
    const int on = 1, fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    struct pair *free_one = NULL;
    if (fd < 0)
        return;
    for (size_t i = 0; i < PAIRS_MAX && free_one == NULL; i++)
        free_one = p->pairs[i].used ? NULL : &p->pairs[i];
    const int to =
        free_one == NULL || p->closed ? -1 : connect_to(p->targets[p->turn++ % p->targets_count]);
    if (to < 0) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    free_one->used = true;
    way_init(&free_one->ways[0], fd, to, p->every);
    way_init(&free_one->ways[1], to, fd, p->every);
    p->counts.connections++;
}

static void break_all(struct proxy *p)
{
    for (size_t i = 0; i < PAIRS_MAX; i++)
        if (p->pairs[i].used)
            pair_done(p, &p->pairs[i]);
}

/* What to poll for, two entries a pair; returns when the next chunk is due, UINT64_MAX: never. */
static uint64_t look_ahead(const struct proxy *p, struct pollfd *fds, uint64_t now)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        const struct pair *const c = &p->pairs[i];
        struct pollfd *const both = fds + 2 * i;
        both[0] = both[1] = (struct pollfd){.fd = -1};
        for (size_t k = 0; c->used && !p->held && k < 2; k++) {
            const struct way *const w = &c->ways[k];
            both[k].fd = w->from;
            if (!w->ended && w->queued < QUEUE_BYTES)
                both[k].events |= POLLIN;
            if (w->first == NULL)
                continue;
            if (w->first->due_ns <= now)
                both[1 - k].events |= POLLOUT;
            else if (w->first->due_ns < next)
                next = w->first->due_ns;
        }
        for (size_t k = 0; k < 2; k++)
            if (both[k].events == 0)
                both[k].fd = -1; /* else its end would be told again and again */
    }
    return next;
}

static void work(struct proxy *p, const struct pollfd *fds)
{
    const uint64_t now = now_ns();
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        struct pair *const c = &p->pairs[i];
        bool good = true;
        for (size_t k = 0; c->used && !p->held && good && k < 2; k++) {
            struct way *const w = &c->ways[k];
            if (fds[2 * i + k].revents != 0 && !w->ended)
                good = read_way(p, w);
            good = good && write_way(w, now);
        }
        if (!good)
            pair_done(p, c);
    }
}

/* --- the thread ------------------------------------------------------------------------------- */

static void *run(void *arg)
{
    struct proxy *const p = arg;
    struct pollfd fds[2 + 2 * PAIRS_MAX];
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        const uint64_t now = now_ns(), due = look_ahead(p, fds + 2, now);
        const uint64_t wait = due > now ? due - now : 0;
        const struct timespec until = {.tv_sec = (time_t)(wait / 1000000000u),
                                       .tv_nsec = (long)(wait % 1000000000u)};
        fds[0] = (struct pollfd){.fd = p->listener, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = p->wake, .events = POLLIN};
        pthread_mutex_unlock(&p->lock);
        const int n =
            ppoll(fds, sizeof fds / sizeof fds[0], due == UINT64_MAX ? NULL : &until, NULL);
        pthread_mutex_lock(&p->lock);
        uint64_t count;
        if (n > 0 && fds[1].revents != 0 && read(p->wake, &count, sizeof count) < 0)
            break;
        if (p->cut || p->closed)
            break_all(p);
        p->cut = false;
        if (n >= 0)
            work(p, fds + 2);
        if (n > 0 && fds[0].revents != 0)
            accept_one(p);
    }
    break_all(p);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void wake(struct proxy *p)
{
    const uint64_t one = 1;
    pthread_mutex_unlock(&p->lock);
    if (write(p->wake, &one, sizeof one) < 0)
        abort();
}

/* --- life ------------------------------------------------------------------------------------- */

static bool listen_on(struct proxy *p, uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    const int on = 1;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (p->listener < 0 || bind(p->listener, (const struct sockaddr *)&at, sizeof at) != 0 ||
        listen(p->listener, 64) != 0 || getsockname(p->listener, (struct sockaddr *)&at, &len) != 0)
        return false;
    p->port = ntohs(at.sin_port);
    return true;
}

static void release(struct proxy *p)
{
    if (p->listener >= 0)
        close(p->listener);
    if (p->wake >= 0)
        close(p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

struct proxy *proxy_start(uint16_t port, const uint16_t *targets, size_t count)
{
    struct proxy *const p = calloc(1, sizeof *p);
    if (p == NULL || count == 0 || count > PROXY_TARGETS_MAX) {
        free(p);
        return NULL;
    }
    pthread_mutex_init(&p->lock, NULL);
    memcpy(p->targets, targets, count * sizeof targets[0]);
    p->targets_count = count;
    p->listener = -1;
    p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->wake < 0 || !listen_on(p, port) || pthread_create(&p->thread, NULL, run, p) != 0) {
        release(p);
        return NULL;
    }
    return p;
}

uint16_t proxy_port(const struct proxy *p)
{
    return p->port;
}

void proxy_stop(struct proxy *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    wake(p);
    pthread_join(p->thread, NULL);
    release(p);
}

void proxy_delay(struct proxy *p, uint32_t us)
{
    pthread_mutex_lock(&p->lock);
    p->delay_us = us;
    wake(p);
}

void proxy_cut(struct proxy *p)
{
    pthread_mutex_lock(&p->lock);
    p->cut = true;
    wake(p);
}

void proxy_close(struct proxy *p, bool closed)
{
    pthread_mutex_lock(&p->lock);
    p->closed = closed;
    wake(p);
}

void proxy_hold(struct proxy *p, bool held)
{
    pthread_mutex_lock(&p->lock);
    p->held = held;
    wake(p);
}

void proxy_repeat(struct proxy *p, uint32_t every)
{
    pthread_mutex_lock(&p->lock);
    p->every = every;
    wake(p);
}

struct proxy_counts proxy_counts(struct proxy *p)
{
    pthread_mutex_lock(&p->lock);
    const struct proxy_counts counts = p->counts;
    pthread_mutex_unlock(&p->lock);
    return counts;
}
