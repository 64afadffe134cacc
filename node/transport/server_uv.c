#include "transport/server_uv.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/hostport.h"
#include "common/sp.h"
#include "mereau/assert.h"
#include "transport/pending.h"

enum { BACKLOG = 512, LISTENERS_MAX = 4, OUT_MIN = 1024, OUT_KEPT = 8192, KEEPALIVE_S = 60 };

union stream {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct conn {
    union stream u;
    struct server *server;
    TAILQ_ENTRY(conn) by_activity;
    STAILQ_ENTRY(conn) to_serve;
    bool is_local, closing, queued, paused;
    uint64_t number, requests;
    uint8_t address[16];
    struct sp_stream in;
    struct pending_owner open;
    uint8_t *out; /* replies not given to the kernel */
    size_t out_len, out_cap;
    uv_write_t write;
    uint8_t *writing; /* what the kernel did not take at once; NULL: nothing */
    size_t writing_len, stall_left;
    uint64_t opened_ms, active_ms, stall_ms;
    uint64_t partial_ms; /* when the first byte of an incomplete message came; 0: none */
    void *user;
};

struct listener {
    union stream u;
    bool is_local;
    bool starved; /* a connection could not be taken for want of memory */
};

struct server {
    uv_loop_t *loop;
    struct server_config config;
    struct transport_sink sink;
    struct server_stats stats;
    struct pending pending;
    TAILQ_HEAD(, conn) by_activity; /* longest idle first */
    STAILQ_HEAD(, conn) to_serve;   /* something to write, or may be read again */
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    uint64_t last_number;
    uv_prepare_t prepare;
    uv_timer_t sweep;
    size_t handles; /* not yet closed */
    bool draining;
    uint8_t read[SP_FEED_MAX];
};

struct server_config server_defaults(void)
{
    return (struct server_config){
        .connections_max = 4096,
        .address_max = 256,
        .requests_max = 64,
        .out_high = 262144,
        .out_max = 1048576,
        .greeting_ms = 3000,
        .message_ms = 15000,
        .idle_ms = 600000,
        .stall_ms = 30000,
        .sweep_ms = 500,
    };
}

static void handle_gone(struct server *s)
{
    mr_assert(s->handles > 0);
    if (--s->handles > 0)
        return;
    pending_done(&s->pending);
    free(s);
}

/* --- one connection --------------------------------------------------------------------------- */

static void on_conn_closed(uv_handle_t *h)
{
    struct conn *const c = h->data;
    struct server *const s = c->server;
    sp_done(&c->in);
    free(c->out);
    free(c->writing);
    free(c);
    handle_gone(s);
}

static void conn_close(struct conn *c)
{
    struct server *const s = c->server;
    if (c->closing)
        return;
    c->closing = true;
    s->stats.in_flight -= c->open.count;
    pending_drop(&s->pending, &c->open);
    TAILQ_REMOVE(&s->by_activity, c, by_activity);
    if (c->queued)
        STAILQ_REMOVE(&s->to_serve, c, conn, to_serve);
    s->stats.connections--;
    if (s->sink.on_closed != NULL)
        s->sink.on_closed(s->sink.ctx, c);
    uv_close(&c->u.handle, on_conn_closed);
}

static void serve_later(struct conn *c)
{
    if (c->queued || c->closing)
        return;
    c->queued = true;
    STAILQ_INSERT_TAIL(&c->server->to_serve, c, to_serve);
}

static bool is_over_budget(const struct conn *c)
{
    const struct server_config *const limits = &c->server->config;
    return c->open.count >= limits->requests_max || c->out_len + c->writing_len >= limits->out_high;
}

static void deliver(struct conn *c, const struct sp_frame *f)
{
    struct server *const s = c->server;
    uint64_t token;
    if (pending_add(&s->pending, &token, &c->open, f->head, f->head_len) != MR_OK) {
        conn_close(c);
        return;
    }
    c->requests++;
    s->stats.requests++;
    s->stats.in_flight++;
    c->active_ms = uv_now(s->loop);
    TAILQ_REMOVE(&s->by_activity, c, by_activity);
    TAILQ_INSERT_TAIL(&s->by_activity, c, by_activity);
    s->sink.on_request(s->sink.ctx, c, token, f->body, f->body_len);
}

/* Take the messages that are there, up to the connection's budget. */
static void take_messages(struct conn *c)
{
    struct server *const s = c->server;
    struct sp_frame f;
    enum sp_got got = SP_FRAME;
    bool moved = false;
    c->paused = false;
    while (got == SP_FRAME && !c->closing) {
        c->paused = s->draining || is_over_budget(c);
        if (c->paused)
            break;
        got = sp_take(&c->in, &f);
        if (got == SP_FRAME) {
            moved = true;
            deliver(c, &f);
        }
    }
    if (c->closing)
        return;
    if (got == SP_BROKEN) {
        s->stats.broken++;
        conn_close(c);
        return;
    }
    if (sp_keep(&c->in) != MR_OK) {
        conn_close(c);
        return;
    }
    if (c->paused)
        uv_read_stop(&c->u.stream);
    if (c->paused || sp_waiting(&c->in) == 0)
        c->partial_ms = 0;
    else if (moved || c->partial_ms == 0)
        c->partial_ms = uv_now(s->loop);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    struct conn *const c = h->data;
    (void)suggested;
    /* One buffer for all: it is emptied before the next connection is read. */
    *ret = uv_buf_init((char *)c->server->read, sizeof c->server->read);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *const c = stream->data;
    if (n == 0 || c->closing)
        return;
    if (n < 0) {
        conn_close(c);
        return;
    }
    c->server->stats.bytes_in += (uint64_t)n;
    if (sp_feed(&c->in, (const uint8_t *)buf->base, (size_t)n) != MR_OK)
        conn_close(c);
    else
        take_messages(c);
}

static bool start_reading(struct conn *c)
{
    return uv_read_start(&c->u.stream, on_alloc, on_read) == 0;
}

/* A connection that was at its budget: first what is here already, then the socket again. */
static void go_on_reading(struct conn *c)
{
    if (!c->paused || c->server->draining || is_over_budget(c))
        return;
    if (sp_feed(&c->in, NULL, 0) != MR_OK) {
        conn_close(c);
        return;
    }
    take_messages(c);
    if (!c->closing && !c->paused && !start_reading(c))
        conn_close(c);
}

static void on_written(uv_write_t *w, int status)
{
    struct conn *const c = w->data;
    free(c->writing);
    c->writing = NULL;
    c->writing_len = 0;
    if (status < 0)
        conn_close(c);
    else
        serve_later(c);
}

static void forget_out(struct conn *c)
{
    c->out_len = 0;
    if (c->out_cap <= OUT_KEPT)
        return;
    free(c->out);
    c->out = NULL;
    c->out_cap = 0;
}

/* All replies of this turn in one write; what the kernel does not take waits in libuv. */
static void write_out(struct conn *c)
{
    struct server *const s = c->server;
    if (c->writing != NULL || c->out_len == 0)
        return;
    uv_buf_t buf = uv_buf_init((char *)c->out, (unsigned)c->out_len);
    int n = uv_try_write(&c->u.stream, &buf, 1);
    if (n == UV_EAGAIN)
        n = 0;
    if (n < 0) {
        conn_close(c);
        return;
    }
    s->stats.bytes_out += c->out_len;
    if ((size_t)n == c->out_len) {
        forget_out(c);
        return;
    }
    c->writing = c->out;
    c->writing_len = c->out_len - (size_t)n;
    c->stall_left = c->writing_len;
    c->stall_ms = uv_now(s->loop);
    c->out = NULL;
    c->out_len = c->out_cap = 0;
    buf = uv_buf_init((char *)c->writing + n, (unsigned)c->writing_len);
    c->write.data = c;
    if (uv_write(&c->write, &c->u.stream, &buf, 1, on_written) != 0)
        conn_close(c);
}

static bool make_room(struct conn *c, size_t more)
{
    const size_t need = c->out_len + more;
    if (need + c->writing_len > c->server->config.out_max)
        return false;
    if (need <= c->out_cap)
        return true;
    size_t cap = c->out_cap == 0 ? OUT_MIN : c->out_cap;
    while (cap < need)
        cap *= 2;
    uint8_t *const p = realloc(c->out, cap);
    if (p == NULL)
        return false;
    c->out = p;
    c->out_cap = cap;
    return true;
}

void server_reply(struct server *s, uint64_t token, const uint8_t *body, size_t len)
{
    uint8_t head[SP_NN_HEAD_MAX];
    size_t head_len;
    mr_assert(len <= MR_FRAME_MAX);
    const struct pending_owner *const owner = pending_take(&s->pending, token, head, &head_len);
    if (owner == NULL) {
        s->stats.late++;
        return;
    }
    struct conn *const c = owner->who;
    s->stats.in_flight--;
    const size_t bytes = SP_LENGTH_BYTES + head_len + len;
    if (c->out_len + bytes > s->config.out_high)
        write_out(c);
    if (c->closing)
        return;
    if (!make_room(c, bytes)) {
        s->stats.timed_out++;
        conn_close(c);
        return;
    }
    s->stats.replies++;
    c->out_len += sp_front(c->out + c->out_len, head, head_len, len);
    if (len > 0)
        memcpy(c->out + c->out_len, body, len);
    c->out_len += len;
    c->active_ms = uv_now(s->loop);
    serve_later(c);
}

/* Before the loop waits: everything that was answered leaves. */
static void on_prepare(uv_prepare_t *h)
{
    struct server *const s = h->data;
    struct conn *c;
    while ((c = STAILQ_FIRST(&s->to_serve)) != NULL) {
        STAILQ_REMOVE_HEAD(&s->to_serve, to_serve);
        c->queued = false;
        write_out(c);
        if (!c->closing)
            go_on_reading(c);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static bool is_idle(const struct conn *c)
{
    return c->open.count == 0 && c->out_len == 0 && c->writing == NULL;
}

static bool is_late(struct conn *c, uint64_t now)
{
    const struct server_config *const limits = &c->server->config;
    if (!c->in.greeted && now - c->opened_ms >= limits->greeting_ms)
        return true;
    if (c->partial_ms != 0 && now - c->partial_ms >= limits->message_ms)
        return true;
    if (is_idle(c) && now - c->active_ms >= limits->idle_ms)
        return true;
    if (c->writing == NULL)
        return false;
    const size_t left = uv_stream_get_write_queue_size(&c->u.stream);
    if (left != c->stall_left) {
        c->stall_left = left;
        c->stall_ms = now;
    }
    return now - c->stall_ms >= limits->stall_ms;
}

static void on_connection(uv_stream_t *stream, int status);

static void on_sweep(uv_timer_t *t)
{
    struct server *const s = t->data;
    const uint64_t now = uv_now(s->loop);
    struct conn *next;
    for (struct conn *c = TAILQ_FIRST(&s->by_activity); c != NULL; c = next) {
        next = TAILQ_NEXT(c, by_activity);
        if (!is_late(c, now))
            continue;
        s->stats.timed_out++;
        conn_close(c);
    }
    for (size_t i = 0; i < s->listener_count; i++)
        if (s->listeners[i].starved)
            on_connection(&s->listeners[i].u.stream, 0);
    uv_timer_start(t, on_sweep, s->config.sweep_ms, 0);
}

/* --- accepting -------------------------------------------------------------------------------- */

/* An IPv4 address whole, of an IPv6 address the /64: what one household or one host commands. */
static void read_address(struct conn *c)
{
    struct sockaddr_storage a;
    int len = sizeof a;
    memset(c->address, 0, sizeof c->address);
    if (uv_tcp_getpeername(&c->u.tcp, (struct sockaddr *)&a, &len) != 0)
        return;
    if (a.ss_family == AF_INET) {
        const struct sockaddr_in *const v4 = (const struct sockaddr_in *)&a;
        memset(c->address + 10, 0xff, 2);
        memcpy(c->address + 12, &v4->sin_addr, 4);
    } else if (a.ss_family == AF_INET6) {
        const struct sockaddr_in6 *const v6 = (const struct sockaddr_in6 *)&a;
        const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
        memcpy(c->address, &v6->sin6_addr, mapped ? 16 : 8);
    }
}

static bool is_address_full(const struct server *s, const struct conn *of)
{
    const struct conn *c;
    size_t n = 0;
    TAILQ_FOREACH(c, &s->by_activity, by_activity)
    n += !c->is_local && memcmp(c->address, of->address, sizeof c->address) == 0;
    return n >= s->config.address_max;
}

static bool is_of_this_user(const struct conn *c)
{
    struct ucred who;
    socklen_t len = sizeof who;
    uv_os_fd_t fd;
    if (uv_fileno(&c->u.handle, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
        return false;
    return who.uid == geteuid() || who.uid == 0;
}

/* When all places are taken, the connection that has been idle longest gives its own. */
static bool has_place(struct server *s)
{
    struct conn *c;
    if (s->stats.connections < s->config.connections_max)
        return true;
    TAILQ_FOREACH(c, &s->by_activity, by_activity)
    if (is_idle(c)) {
        s->stats.evicted++;
        conn_close(c);
        return true;
    }
    return false;
}

static bool is_welcome(struct server *s, struct conn *c)
{
    if (s->draining)
        return false;
    if (c->is_local)
        return is_of_this_user(c) && has_place(s);
    read_address(c);
    return !is_address_full(s, c) && has_place(s);
}

static void on_refused_closed(uv_handle_t *h)
{
    struct conn *const c = h->data;
    struct server *const s = c->server;
    free(c);
    handle_gone(s);
}

static struct conn *conn_new(struct server *s, bool is_local)
{
    struct conn *const c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    const int error =
        is_local ? uv_pipe_init(s->loop, &c->u.pipe, 0) : uv_tcp_init(s->loop, &c->u.tcp);
    if (error != 0) {
        free(c);
        return NULL;
    }
    c->server = s;
    c->is_local = is_local;
    c->u.handle.data = c;
    c->open.who = c;
    sp_init(&c->in, SP_REQ);
    s->handles++;
    return c;
}

static void greet(struct conn *c)
{
    struct server *const s = c->server;
    c->number = ++s->last_number;
    c->opened_ms = c->active_ms = uv_now(s->loop);
    s->stats.accepted++;
    s->stats.connections++;
    TAILQ_INSERT_TAIL(&s->by_activity, c, by_activity);
    if (!c->is_local) {
        uv_tcp_nodelay(&c->u.tcp, 1);
        uv_tcp_keepalive(&c->u.tcp, 1, KEEPALIVE_S);
    }
    if (!make_room(c, SP_GREETING_BYTES) || !start_reading(c)) {
        conn_close(c);
        return;
    }
    sp_greeting(c->out, SP_REP);
    c->out_len = SP_GREETING_BYTES;
    serve_later(c);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct server *const s = stream->data;
    struct listener *const l = (struct listener *)(void *)stream;
    if (status < 0 || s->draining)
        return;
    struct conn *const c = conn_new(s, l->is_local);
    /* libuv waits with further connections until this one is taken. */
    l->starved = c == NULL;
    if (c == NULL)
        return;
    if (uv_accept(stream, &c->u.stream) == 0 && is_welcome(s, c)) {
        greet(c);
        return;
    }
    s->stats.refused++;
    uv_close(&c->u.handle, on_refused_closed);
}

/* --- listening -------------------------------------------------------------------------------- */

static enum mr_status of_error(int error)
{
    switch (error) {
    case 0:
        return MR_OK;
    case UV_EADDRINUSE:
        return MR_IN_USE;
    case UV_EADDRNOTAVAIL:
    case UV_EACCES:
    case UV_EPERM:
    case UV_EINVAL:
        return MR_CONFIG;
    case UV_ENOMEM:
        return MR_NO_MEMORY;
    default:
        return MR_IO_ERROR;
    }
}

static void on_listener_closed(uv_handle_t *h)
{
    handle_gone(h->data);
}

static enum mr_status listener_start(struct server *s, struct listener *l, int error)
{
    l->u.handle.data = s;
    s->handles++;
    if (error == 0)
        error = uv_listen(&l->u.stream, BACKLOG, on_connection);
    s->listener_count++;
    return of_error(error);
}

enum mr_status server_listen_tcp(struct server *s, uint16_t *ret_port, const char *address)
{
    struct hostport to;
    char port[8];
    const enum mr_status st = hostport_parse(&to, address);
    if (st != MR_OK)
        return st;
    if (s->listener_count == LISTENERS_MAX)
        return MR_FULL;
    snprintf(port, sizeof port, "%u", (unsigned)to.port);
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found;
    if (getaddrinfo(to.host, port, &hints, &found) != 0)
        return MR_CONFIG;
    struct listener *const l = &s->listeners[s->listener_count];
    l->is_local = false;
    int error = uv_tcp_init(s->loop, &l->u.tcp);
    if (error != 0) {
        freeaddrinfo(found);
        return of_error(error);
    }
    error = uv_tcp_bind(&l->u.tcp, found->ai_addr, 0);
    freeaddrinfo(found);
    const enum mr_status started = listener_start(s, l, error);
    if (started != MR_OK || ret_port == NULL)
        return started;
    struct sockaddr_storage a;
    int len = sizeof a;
    error = uv_tcp_getsockname(&l->u.tcp, (struct sockaddr *)&a, &len);
    if (error == 0) /* the port stands at the same place for both families */
        *ret_port = ntohs(((const struct sockaddr_in *)&a)->sin_port);
    return of_error(error);
}

/* The directory of a path: ours, and closed to everybody else. */
static enum mr_status check_directory(const char *path)
{
    char dir[sizeof((struct sockaddr_un *)0)->sun_path];
    const char *const slash = strrchr(path, '/');
    if (slash == NULL || slash == path || strlen(path) >= sizeof dir)
        return MR_CONFIG;
    memcpy(dir, path, (size_t)(slash - path));
    dir[slash - path] = '\0';
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return MR_IO_ERROR;
    struct stat st;
    if (lstat(dir, &st) != 0)
        return MR_IO_ERROR;
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
        return MR_CONFIG;
    if (lstat(path, &st) != 0)
        return MR_OK;
    if (!S_ISSOCK(st.st_mode))
        return MR_CONFIG;
    return unlink(path) == 0 ? MR_OK : MR_IO_ERROR;
}

enum mr_status server_listen_local(struct server *s, const char *path)
{
    if (s->listener_count == LISTENERS_MAX)
        return MR_FULL;
    const enum mr_status st = check_directory(path);
    if (st != MR_OK)
        return st;
    struct listener *const l = &s->listeners[s->listener_count];
    l->is_local = true;
    const int error = uv_pipe_init(s->loop, &l->u.pipe, 0);
    if (error != 0)
        return of_error(error);
    return listener_start(s, l, uv_pipe_bind(&l->u.pipe, path));
}

/* --- the server ------------------------------------------------------------------------------- */

enum mr_status server_create(struct server **ret, uv_loop_t *loop,
                             const struct server_config *config, const struct transport_sink *sink)
{
    struct server *const s = calloc(1, sizeof *s);
    if (s == NULL)
        return MR_NO_MEMORY;
    s->loop = loop;
    s->config = *config;
    s->sink = *sink;
    TAILQ_INIT(&s->by_activity);
    STAILQ_INIT(&s->to_serve);
    uv_prepare_init(loop, &s->prepare);
    uv_timer_init(loop, &s->sweep);
    s->handles = 2;
    s->prepare.data = s;
    s->sweep.data = s;
    uv_prepare_start(&s->prepare, on_prepare);
    uv_timer_start(&s->sweep, on_sweep, config->sweep_ms, 0);
    *ret = s;
    return MR_OK;
}

static void close_listeners(struct server *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        if (!uv_is_closing(&s->listeners[i].u.handle))
            uv_close(&s->listeners[i].u.handle, on_listener_closed);
}

void server_drain(struct server *s)
{
    struct conn *c;
    s->draining = true;
    close_listeners(s);
    TAILQ_FOREACH(c, &s->by_activity, by_activity)
    {
        uv_read_stop(&c->u.stream);
        c->paused = true;
        c->partial_ms = 0;
    }
}

bool server_is_quiet(const struct server *s)
{
    const struct conn *c;
    TAILQ_FOREACH(c, &s->by_activity, by_activity)
    if (!is_idle(c))
        return false;
    return true;
}

struct server_stats server_stats(const struct server *s)
{
    return s->stats;
}

void server_destroy(struct server *s)
{
    if (s == NULL)
        return;
    server_drain(s);
    while (!TAILQ_EMPTY(&s->by_activity)) {
        struct conn *const c = TAILQ_FIRST(&s->by_activity);
        write_out(c);
        conn_close(c);
    }
    uv_close((uv_handle_t *)&s->prepare, on_listener_closed);
    uv_close((uv_handle_t *)&s->sweep, on_listener_closed);
}

/* --- about a connection ----------------------------------------------------------------------- */

bool conn_is_local(const struct conn *c)
{
    return c->is_local;
}

uint64_t conn_number(const struct conn *c)
{
    return c->number;
}

uint64_t conn_requests(const struct conn *c)
{
    return c->requests;
}

void conn_peer(const struct conn *c, char *ret, size_t cap)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    char host[64], port[8];
    uv_os_fd_t fd;
    if (c->is_local) {
        snprintf(ret, cap, "local");
    } else if (uv_fileno(&c->u.handle, &fd) == 0 &&
               getpeername(fd, (struct sockaddr *)&a, &len) == 0 &&
               getnameinfo((struct sockaddr *)&a, len, host, sizeof host, port, sizeof port,
                           NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        snprintf(ret, cap, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
    } else {
        snprintf(ret, cap, "unknown");
    }
}

void conn_set_user(struct conn *c, void *user)
{
    c->user = user;
}

void *conn_user(const struct conn *c)
{
    return c->user;
}

void conn_kick(struct conn *c)
{
    conn_close(c);
}
