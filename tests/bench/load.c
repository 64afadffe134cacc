/* Wallets over TCP loopback: one thread, one epoll, lean clients. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"
#include "common/link_async.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/receipt.h"

enum { FLIGHTS = 1024, READ_BYTES = SP_FEED_MAX, SILENCE_MS = 30000 };

/* A request that waits for its answer, found by its number. */
struct flight {
    uint32_t chain;
    uint64_t start_ns;
};

struct conn {
    int fd;
    uint32_t node;
    bool up, want_out;
    struct lean_client lean;
    unsigned flying;
    struct flight flights[FLIGHTS];
    uint32_t *idle; /* ring of chains that may send, own share of all */
    uint32_t idle_first, idle_count, idle_cap;
    uint8_t *out;
    size_t out_len, out_cap;
    uint8_t *last; /* last settled reply, for its receipt */
    size_t last_len;
};

struct run {
    const struct estate *estate;
    struct deck *deck;
    const struct load *load;
    struct outcome *outcome;
    int epoll;
    struct conn conns[CONNS_MAX];
    unsigned up;
    uint64_t sent, flying, start_ns, end_ns;
    uint32_t *took_us; /* of every settled request */
    uint8_t in[READ_BYTES], room[MR_FRAME_MAX];
};

static void put_idle(struct conn *c, uint32_t chain)
{
    c->idle[(c->idle_first + c->idle_count++) % c->idle_cap] = chain;
}

static uint32_t take_idle(struct conn *c)
{
    const uint32_t chain = c->idle[c->idle_first];
    c->idle_first = (c->idle_first + 1) % c->idle_cap;
    c->idle_count--;
    return chain;
}

static uint8_t *out_room(struct conn *c, size_t n)
{
    if (c->out_len + n > c->out_cap) {
        const size_t cap = (c->out_len + n) * 2;
        uint8_t *out = realloc(c->out, cap);
        if (out == NULL)
            return NULL;
        c->out = out;
        c->out_cap = cap;
    }
    return c->out + c->out_len;
}

/* --- sending ---------------------------------------------------------------------------------- */

static enum mr_status send_out(struct run *r, struct conn *c)
{
    size_t done = 0;
    while (done < c->out_len) {
        const ssize_t n =
            send(c->fd, c->out + done, c->out_len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return MR_UNREACHABLE;
        if (n < 0)
            break;
        done += (size_t)n;
    }
    memmove(c->out, c->out + done, c->out_len - done);
    c->out_len -= done;
    if (c->want_out != (c->out_len > 0)) {
        c->want_out = c->out_len > 0;
        struct epoll_event ev = {.events = EPOLLIN | (c->want_out ? (uint32_t)EPOLLOUT : 0),
                                 .data.ptr = c};
        epoll_ctl(r->epoll, EPOLL_CTL_MOD, c->fd, &ev);
    }
    return MR_OK;
}

static enum mr_status request(struct run *r, struct conn *c, uint32_t chain, uint64_t start_ns)
{
    const struct chain *s = &r->deck->chains[chain];
    const uint8_t *cell = r->deck->cells + (s->first + s->next * s->step) * r->deck->cell_bytes;
    uint32_t len, number;
    memcpy(&len, cell, sizeof len);
    uint8_t *out = out_room(c, len + LEAN_OVERHEAD);
    if (out == NULL)
        return MR_NO_MEMORY;
    c->out_len += lean_request(&c->lean, out, &number, cell + sizeof len, len);
    c->flights[number % FLIGHTS] = (struct flight){chain, start_ns};
    c->flying++;
    r->flying++;
    r->sent++;
    return MR_OK;
}

/* Whether one more request is due, and since when. */
static bool is_due(const struct run *r, uint64_t *ret_since, uint64_t now)
{
    if (r->sent >= r->load->requests || r->outcome->failed > 0 ||
        (r->load->seconds > 0 && now - r->start_ns >= r->load->seconds * UINT64_C(1000000000)))
        return false;
    *ret_since = r->load->rate == 0
                     ? now
                     : r->start_ns + (uint64_t)((double)r->sent * 1e9 / (double)r->load->rate);
    return *ret_since <= now;
}

/* What this connection may send now. */
static enum mr_status fill(struct run *r, struct conn *c)
{
    enum mr_status st = MR_OK;
    uint64_t since;
    const uint64_t now = bench_ns();
    while (st == MR_OK && c->up && c->flying < r->load->window && c->idle_count > 0 &&
           is_due(r, &since, now)) {
        st = request(r, c, take_idle(c), since);
        if (r->load->rate > 0)
            break; /* the rate is shared out one by one */
    }
    return st == MR_OK ? send_out(r, c) : st;
}

/* --- receiving -------------------------------------------------------------------------------- */

/* The last three: several nodes have to agree, and it takes a while. */
static bool is_worth_repeating(enum mr_status st)
{
    return st == MR_BUSY || st == MR_TOO_MANY || st == MR_VOTING || st == MR_CERTIFIED ||
           st == MR_PARKED;
}

static void settled(struct run *r, struct conn *c, const struct lean_reply *reply, uint32_t chain,
                    uint64_t start_ns)
{
    struct chain *s = &r->deck->chains[chain];
    const uint64_t now = bench_ns();
    r->took_us[r->outcome->settled++] = (uint32_t)((now - start_ns) / 1000);
    r->end_ns = now;
    if (++s->next < s->count)
        put_idle(c, chain);
    memcpy(c->last, reply->plain, reply->len);
    c->last_len = reply->len;
}

static void answered(struct run *r, struct conn *c, const struct lean_reply *reply)
{
    const struct flight f = c->flights[reply->number % FLIGHTS];
    const enum mr_status st = reply->got == LEAN_REFUSED ? reply->status
                              : reply->len >= 8          ? mr_status_from_number(reply->plain[7])
                                                         : MR_TRUNCATED;
    c->flying--;
    r->flying--;
    if (st == MR_SETTLED) {
        settled(r, c, reply, f.chain, f.start_ns);
    } else if (is_worth_repeating(st)) {
        r->outcome->repeated++;
        r->sent--;
        put_idle(c, f.chain);
    } else {
        if (r->outcome->failed++ == 0)
            r->outcome->status = st;
    }
}

static enum mr_status take_replies(struct run *r, struct conn *c)
{
    const struct mr_pubkey *const pinned = &r->estate->charter.nodes[c->node].transport_key;
    for (;;) {
        const struct lean_reply reply = lean_next(&c->lean, r->room, pinned);
        switch (reply.got) {
        case LEAN_MORE:
            return lean_keep(&c->lean);
        case LEAN_ESTABLISHED:
            c->up = true;
            r->up++;
            break;
        case LEAN_REPLY:
            answered(r, c, &reply);
            break;
        case LEAN_REFUSED:
            if (!c->up)
                return reply.status;
            answered(r, c, &reply);
            break;
        case LEAN_BROKEN:
            return reply.status;
        }
    }
}

static enum mr_status receive(struct run *r, struct conn *c)
{
    const ssize_t n = recv(c->fd, r->in, sizeof r->in, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return MR_UNREACHABLE;
    if (n < 0)
        return MR_OK;
    const enum mr_status st = lean_feed(&c->lean, r->in, (size_t)n);
    return st == MR_OK ? take_replies(r, c) : st;
}

/* --- one run ---------------------------------------------------------------------------------- */

static enum mr_status open_conn(struct run *r, struct conn *c)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(r->estate->nodes[c->node].port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    const int on = 1;
    uint8_t seed[32];
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&at, sizeof at) != 0)
        return MR_UNREACHABLE;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->last = malloc(MR_FRAME_MAX);
    if (c->last == NULL || out_room(c, LEAN_START_MAX) == NULL)
        return MR_NO_MEMORY;
    randombytes_buf(seed, sizeof seed);
    c->out_len = lean_start(&c->lean, c->out, seed);
    if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0)
        return MR_IO_ERROR;
    return send_out(r, c);
}

static enum mr_status share_out(struct run *r)
{
    const unsigned n = r->load->conns;
    const uint32_t chains = r->deck->chains_count;
    uint32_t node = 0;
    for (unsigned i = 0; i < n; i++) {
        do
            node = (node + 1) % r->estate->nodes_count;
        while (r->estate->nodes[node].proc == NULL);
        r->conns[i].node = node;
    }
    for (unsigned i = 0; i < n; i++) {
        struct conn *c = &r->conns[i];
        c->idle_cap = chains / n + 1;
        c->idle = calloc(c->idle_cap, sizeof *c->idle);
        if (c->idle == NULL)
            return MR_NO_MEMORY;
    }
    for (uint32_t k = 0; k < chains; k++)
        if (r->deck->chains[k].next < r->deck->chains[k].count)
            put_idle(&r->conns[k % n], k);
    return MR_OK;
}

/* Milliseconds until something is to be sent without being asked for. */
static int pause_ms(const struct run *r)
{
    return r->load->rate > 0 && r->sent < r->load->requests ? 1 : SILENCE_MS;
}

static bool is_over(const struct run *r)
{
    uint64_t since;
    if (r->flying > 0)
        return false;
    bool any = false;
    for (unsigned i = 0; i < r->load->conns; i++)
        any = any || r->conns[i].idle_count > 0;
    return !any || (r->load->rate == 0 && !is_due(r, &since, bench_ns())) ||
           (r->load->rate > 0 && (r->sent >= r->load->requests || r->outcome->failed > 0));
}

/* Wait once and take what came. */
static enum mr_status turn(struct run *r, int ms)
{
    struct epoll_event events[64];
    enum mr_status st = MR_OK;
    const int n = epoll_wait(r->epoll, events, 64, ms);
    if (n == 0 && ms == SILENCE_MS)
        return MR_NO_ANSWER;
    for (int i = 0; i < n && st == MR_OK; i++) {
        struct conn *c = events[i].data.ptr;
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            st = receive(r, c);
        if (st == MR_OK && r->start_ns > 0 && r->load->rate == 0)
            st = fill(r, c);
        else if (st == MR_OK)
            st = send_out(r, c);
    }
    return st;
}

static enum mr_status pace(struct run *r)
{
    enum mr_status st = MR_OK;
    uint64_t before;
    do {
        before = r->sent;
        for (unsigned i = 0; i < r->load->conns && st == MR_OK; i++)
            st = fill(r, &r->conns[(before + i) % r->load->conns]);
    } while (st == MR_OK && r->sent > before);
    return st;
}

static enum mr_status drive(struct run *r, struct progress *p)
{
    enum mr_status st = share_out(r);
    for (unsigned i = 0; st == MR_OK && i < r->load->conns; i++)
        st = open_conn(r, &r->conns[i]);
    while (st == MR_OK && r->up < r->load->conns)
        st = turn(r, SILENCE_MS);
    r->start_ns = r->end_ns = bench_ns();
    for (unsigned i = 0; st == MR_OK && i < r->load->conns; i++)
        st = fill(r, &r->conns[i]);
    while (st == MR_OK && !is_over(r)) {
        st = turn(r, pause_ms(r));
        if (st == MR_OK && r->load->rate > 0)
            st = pace(r);
        progress_update(p, r->outcome->settled);
    }
    return st;
}

static bool receipt_is_good(const struct run *r, const struct conn *c, struct mr_reply *reply)
{
    struct mr_receipt_facts facts;
    if (c->last_len == 0 || mr_reply_decode(reply, c->last, c->last_len) != MR_OK ||
        reply->body.kind != MR_REQ_SUBMIT || reply->body.u.submit.receipt_count != 1)
        return false;
    return mr_receipt_verify(&facts, &r->estate->charter, NULL, &reply->body.u.submit.receipt[0]) ==
           MR_OK;
}

static int by_size(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void sum_up(struct run *r)
{
    struct outcome *o = r->outcome;
    struct mr_reply *reply = malloc(sizeof *reply);
    o->ns = r->end_ns - r->start_ns;
    if (o->settled > 0) {
        qsort(r->took_us, o->settled, sizeof *r->took_us, by_size);
        o->p50_us = r->took_us[o->settled / 2];
        o->p99_us = r->took_us[o->settled * 99 / 100];
        o->most_us = r->took_us[o->settled - 1];
    }
    for (unsigned i = 0; reply != NULL && i < r->load->conns; i++)
        o->receipts += receipt_is_good(r, &r->conns[i], reply) ? 1 : 0;
    free(reply);
}

enum mr_status load_run(struct outcome *ret, const struct estate *e, struct deck *d,
                        const struct load *l, struct progress *p)
{
    struct run *r = calloc(1, sizeof *r);
    mr_assert(l->conns > 0 && l->conns <= CONNS_MAX && l->window <= WINDOW_MAX);
    if (r == NULL)
        return MR_NO_MEMORY;
    *ret = (struct outcome){.status = MR_OK};
    r->estate = e;
    r->deck = d;
    r->load = l;
    r->outcome = ret;
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    r->took_us = malloc((d->cells_count + 1) * sizeof *r->took_us);
    for (unsigned i = 0; i < CONNS_MAX; i++)
        r->conns[i].fd = -1;
    const enum mr_status st = r->epoll < 0 || r->took_us == NULL ? MR_NO_MEMORY : drive(r, p);
    sum_up(r);
    for (unsigned i = 0; i < l->conns; i++) {
        struct conn *c = &r->conns[i];
        if (c->fd >= 0)
            close(c->fd);
        lean_done(&c->lean);
        free(c->idle);
        free(c->out);
        free(c->last);
    }
    if (r->epoll >= 0)
        close(r->epoll);
    free(r->took_us);
    free(r);
    return st;
}
