#include "bench/replay/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/hostport.h"
#include "common/link_async.h"
#include "mereau/codec.h"

enum { PAUSE_MS = 2, PAUSE_MS_MAX = 500, RECONNECT_MS = 200, SOON_MS = 1000 };

struct call {
    struct call *next;
    void *job;
    uint8_t *plain;
    size_t len;
    int lane;
    uint64_t due_ms;
    unsigned pause_ms;
    uint32_t number;
};

struct conn {
    int fd;
    bool up;
    uint64_t retry_ms;
    struct lean_client lean;
    struct call *flights[POOL_WINDOW];
    unsigned flying;
    uint8_t *out;
    size_t out_len, out_cap;
};

struct pool {
    struct hostport at;
    struct mr_pubkey pinned;
    pool_answer answer;
    void *ctx;
    unsigned conns_count, turn;
    struct conn conns[POOL_CONNS_MAX];
    struct call *first, **last;
    size_t open;
    uint64_t heard_ms;
    struct mr_request request;
    struct mr_reply reply;
    uint8_t in[SP_FEED_MAX], room[MR_FRAME_MAX];
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void queue(struct pool *p, struct call *c)
{
    c->next = NULL;
    *p->last = c;
    p->last = &c->next;
}

static void call_free(struct call *c)
{
    if (c != NULL)
        free(c->plain);
    free(c);
}

enum mr_status pool_open(struct pool **ret, const char *address, const struct mr_pubkey *pinned,
                         unsigned conns, pool_answer answer, void *ctx)
{
    struct pool *p = calloc(1, sizeof *p);
    if (p == NULL)
        return MR_NO_MEMORY;
    if (hostport_parse(&p->at, address) != MR_OK) {
        free(p);
        return MR_BAD_TEXT;
    }
    p->pinned = *pinned;
    p->conns_count = conns < POOL_CONNS_MAX ? conns : POOL_CONNS_MAX;
    p->answer = answer;
    p->ctx = ctx;
    p->last = &p->first;
    p->heard_ms = now_ms();
    for (unsigned i = 0; i < p->conns_count; i++)
        p->conns[i].fd = -1;
    *ret = p;
    return MR_OK;
}

enum mr_status pool_send(struct pool *p, void *job, int lane, const struct mr_request_body *body)
{
    struct call *c = calloc(1, sizeof *c);
    if (c == NULL)
        return MR_NO_MEMORY;
    p->request.body = *body;
    c->len = mr_request_size(&p->request);
    c->plain = malloc(c->len);
    if (c->plain == NULL) {
        free(c);
        return MR_NO_MEMORY;
    }
    mr_request_encode(&p->request, c->plain, c->len);
    c->job = job;
    c->lane = lane;
    if (p->open++ == 0)
        p->heard_ms = now_ms();
    queue(p, c);
    return MR_OK;
}

size_t pool_open_requests(const struct pool *p)
{
    return p->open;
}

/* --- connections ------------------------------------------------------------------------------ */

static bool append(struct conn *c, size_t n)
{
    if (c->out_len + n <= c->out_cap)
        return true;
    const size_t cap = 2 * (c->out_len + n);
    uint8_t *out = realloc(c->out, cap);
    if (out == NULL)
        return false;
    c->out = out;
    c->out_cap = cap;
    return true;
}

/* What was under way is asked again elsewhere. */
static void drop(struct pool *p, struct conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    lean_done(&c->lean);
    c->fd = -1;
    c->up = false;
    c->out_len = 0;
    c->retry_ms = now_ms() + RECONNECT_MS;
    for (unsigned i = 0; i < c->flying; i++)
        queue(p, c->flights[i]);
    c->flying = 0;
}

static int dial(const struct hostport *at)
{
    char port[8];
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int fd = -1;
    const int yes = 1;
    snprintf(port, sizeof port, "%u", at->port);
    if (getaddrinfo(at->host, port, &hints, &list) != 0)
        return -1;
    for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

static enum mr_status greet(struct pool *p, struct conn *c)
{
    uint8_t seed[32];
    c->fd = dial(&p->at);
    if (c->fd < 0) {
        c->retry_ms = now_ms() + RECONNECT_MS;
        return MR_OK;
    }
    if (!append(c, LEAN_START_MAX))
        return MR_NO_MEMORY;
    randombytes_buf(seed, sizeof seed);
    c->out_len = lean_start(&c->lean, c->out, seed);
    return MR_OK;
}

static void write_out(struct pool *p, struct conn *c)
{
    while (c->out_len > 0) {
        const ssize_t n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n < 0) {
            drop(p, c);
            return;
        }
        memmove(c->out, c->out + n, c->out_len - (size_t)n);
        c->out_len -= (size_t)n;
    }
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Answers that are worth asking again. */
static bool is_passing(enum mr_status st)
{
    return st == MR_PARKED || st == MR_BUSY || st == MR_TOO_MANY || st == MR_DISK_FULL ||
           st == MR_STOPPING || st == MR_REPLAYED;
}

static void again(struct pool *p, struct call *call)
{
    call->pause_ms = call->pause_ms == 0 ? PAUSE_MS : call->pause_ms * 2;
    if (call->pause_ms > PAUSE_MS_MAX)
        call->pause_ms = PAUSE_MS_MAX;
    call->due_ms = now_ms() + call->pause_ms;
    queue(p, call);
}

static void take(struct pool *p, struct conn *c, const struct lean_reply *r)
{
    unsigned i = 0;
    while (i < c->flying && c->flights[i]->number != r->number)
        i++;
    if (i == c->flying)
        return;
    struct call *call = c->flights[i];
    c->flights[i] = c->flights[--c->flying];
    enum mr_status st = r->status;
    if (r->got == LEAN_REPLY) {
        if (mr_reply_decode(&p->reply, r->plain, r->len) != MR_OK) {
            queue(p, call);
            drop(p, c);
            return;
        }
        st = (enum mr_status)p->reply.status;
    }
    if (is_passing(st)) {
        again(p, call);
        return;
    }
    if (r->got == LEAN_REFUSED) {
        queue(p, call);
        drop(p, c); /* the session is gone */
        return;
    }
    p->heard_ms = now_ms();
    p->open--;
    p->answer(p->ctx, call->job, &p->reply);
    call_free(call);
}

static enum mr_status read_in(struct pool *p, struct conn *c)
{
    const ssize_t n = recv(c->fd, p->in, sizeof p->in, 0);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
            drop(p, c);
        return MR_OK;
    }
    if (lean_feed(&c->lean, p->in, (size_t)n) != MR_OK)
        return MR_NO_MEMORY;
    while (c->fd >= 0) {
        const struct lean_reply r = lean_next(&c->lean, p->room, &p->pinned);
        if (r.got == LEAN_MORE)
            break;
        if (r.got == LEAN_BROKEN)
            return r.status;
        if (r.got == LEAN_ESTABLISHED)
            c->up = true;
        else
            take(p, c, &r);
    }
    return c->fd < 0 ? MR_OK : lean_keep(&c->lean);
}

/* --- turns ------------------------------------------------------------------------------------ */

static struct conn *conn_for(struct pool *p, int lane)
{
    if (lane != POOL_NO_LANE) {
        struct conn *c = &p->conns[(unsigned)lane % p->conns_count];
        return c->up && c->flying < POOL_WINDOW ? c : NULL;
    }
    for (unsigned i = 0; i < p->conns_count; i++) {
        struct conn *c = &p->conns[p->turn++ % p->conns_count];
        if (c->up && c->flying < POOL_WINDOW)
            return c;
    }
    return NULL;
}

/* Hand waiting requests to connections. *ret_wait_ms: until the next is due. */
static enum mr_status hand_out(struct pool *p, uint64_t *ret_wait_ms)
{
    const uint64_t now = now_ms();
    struct call **at = &p->first;
    *ret_wait_ms = SOON_MS;
    while (*at != NULL) {
        struct call *call = *at;
        struct conn *c = call->due_ms > now ? NULL : conn_for(p, call->lane);
        if (c == NULL) {
            if (call->due_ms > now && call->due_ms - now < *ret_wait_ms)
                *ret_wait_ms = call->due_ms - now;
            at = &call->next;
            continue;
        }
        if (!append(c, call->len + LEAN_OVERHEAD))
            return MR_NO_MEMORY;
        *at = call->next;
        if (p->last == &call->next)
            p->last = at;
        c->out_len +=
            lean_request(&c->lean, c->out + c->out_len, &call->number, call->plain, call->len);
        c->flights[c->flying++] = call;
    }
    return MR_OK;
}

enum mr_status pool_wait(struct pool *p)
{
    struct pollfd fds[POOL_CONNS_MAX];
    uint64_t wait_ms;
    enum mr_status st = MR_OK;
    const uint64_t now = now_ms();
    if (p->open > 0 && now - p->heard_ms > POOL_SILENCE_MS)
        return MR_NO_ANSWER;
    for (unsigned i = 0; i < p->conns_count && st == MR_OK; i++)
        if (p->conns[i].fd < 0 && p->conns[i].retry_ms <= now)
            st = greet(p, &p->conns[i]);
    if (st == MR_OK)
        st = hand_out(p, &wait_ms);
    if (st != MR_OK)
        return st;
    for (unsigned i = 0; i < p->conns_count; i++) {
        struct conn *c = &p->conns[i];
        if (c->fd >= 0)
            write_out(p, c);
        fds[i] = (struct pollfd){.fd = c->fd,
                                 .events = (short)(POLLIN | (c->out_len > 0 ? POLLOUT : 0))};
        if (c->fd < 0 && wait_ms > RECONNECT_MS)
            wait_ms = RECONNECT_MS;
    }
    if (poll(fds, p->conns_count, (int)wait_ms) < 0 && errno != EINTR)
        return MR_IO_ERROR;
    for (unsigned i = 0; i < p->conns_count && st == MR_OK; i++)
        if (p->conns[i].fd >= 0 && (fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
            st = read_in(p, &p->conns[i]);
    return st;
}

void pool_close(struct pool *p)
{
    if (p == NULL)
        return;
    for (unsigned i = 0; i < p->conns_count; i++) {
        drop(p, &p->conns[i]);
        free(p->conns[i].out);
    }
    for (struct call *c = p->first, *next; c != NULL; c = next) {
        next = c->next;
        call_free(c);
    }
    free(p);
}
