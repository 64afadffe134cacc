#include "common/link_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/hostport.h"
#include "common/link_stop.h"
#include "common/sp.h"
#include "common/sp_nn.h"
#include "mereau/assert.h"

/* STOP_MS: more than a step of a long poll (STEP_MS of the auditor's follower), so that a node that
 * answers is not taken for one that does not. LOOK_MS: how often the flag is looked at. */
enum { READ_BYTES = 16384, CONNECT_MS = 1500, STOP_MS = 700, LOOK_MS = 100 };

struct wire {
    bool local;
    /* host:port */
    struct hostport to;
    int socket;   /* nanomsg's */
    int endpoint; /* -1: not connected */
    unsigned turn;
    /* a path */
    struct sockaddr_un path;
    int fd; /* -1: not connected */
    struct sp_stream in;
    uint8_t read[READ_BYTES];
};

uint64_t wire_now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

/* A signal is of the whole process, and so is this. Programs that end otherwise may have links on
 * several threads: without a flag nothing is written here. */
static const volatile sig_atomic_t *stop_flag;
static uint64_t stopped_ms; /* since when the flag was seen set; 0: it was not */

void link_stop_on(const volatile sig_atomic_t *flag)
{
    stop_flag = flag;
}

void wire_begin(void)
{
    if (stop_flag != NULL)
        stopped_ms = 0;
}

int wire_left_ms(uint64_t deadline_ms)
{
    const uint64_t now = wire_now_ms();
    if (stop_flag != NULL && *stop_flag != 0) {
        stopped_ms = stopped_ms == 0 ? now : stopped_ms;
        if (stopped_ms + STOP_MS < deadline_ms)
            deadline_ms = stopped_ms + STOP_MS;
    }
    if (now >= deadline_ms)
        return 0;
    return deadline_ms - now < 3600000 ? (int)(deadline_ms - now) : 3600000;
}

/* What one call of the system waits: not past the next look at the flag. */
static int slice_ms(uint64_t deadline_ms)
{
    const int left = wire_left_ms(deadline_ms);
    return stop_flag != NULL && left > LOOK_MS ? LOOK_MS : left;
}

static enum mr_status open_local(struct wire *w, const char *address)
{
    if (strlen(address) >= sizeof w->path.sun_path)
        return MR_BAD_TEXT;
    w->local = true;
    w->path.sun_family = AF_UNIX;
    snprintf(w->path.sun_path, sizeof w->path.sun_path, "%s", address);
    return MR_OK;
}

static enum mr_status open_nn(struct wire *w, const char *address)
{
    const enum mr_status st = hostport_parse(&w->to, address);
    if (st != MR_OK)
        return st;
    if (w->to.port == 0)
        return MR_BAD_TEXT;
    /* Raw: a cooked REQ can be aborted by any server with one oversize frame. */
    w->socket = nn_socket(AF_SP_RAW, NN_REQ);
    return w->socket < 0 ? MR_NO_MEMORY : sp_nn_options(w->socket);
}

enum mr_status wire_open(struct wire **ret, const char *address)
{
    struct wire *w = calloc(1, sizeof *w);
    if (w == NULL)
        return MR_NO_MEMORY;
    w->socket = w->endpoint = w->fd = -1;
    const enum mr_status st =
        strchr(address, '/') != NULL ? open_local(w, address) : open_nn(w, address);
    if (st == MR_OK)
        *ret = w;
    else
        wire_close(w);
    return st;
}

void wire_reset(struct wire *w)
{
    if (w->endpoint >= 0)
        nn_shutdown(w->socket, w->endpoint);
    w->endpoint = -1;
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    sp_done(&w->in);
}

void wire_close(struct wire *w)
{
    if (w == NULL)
        return;
    wire_reset(w);
    if (w->socket >= 0)
        nn_close(w->socket);
    free(w);
}

/* --- host:port -------------------------------------------------------------------------------- */

static bool resolve(const struct wire *w, char ret[SP_NN_URL_MAX])
{
    struct addrinfo *all = NULL;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    if (getaddrinfo(w->to.host, NULL, &hints, &all) != 0)
        return false;
    const bool ok = sp_nn_url(ret, all, w->turn, w->to.port);
    freeaddrinfo(all);
    return ok;
}

static enum mr_status send_nn(struct wire *w, uint32_t id, const uint8_t *body, size_t len,
                              uint64_t deadline_ms)
{
    char url[SP_NN_URL_MAX];
    const bool connecting = w->endpoint < 0;
    if (connecting) {
        if (!resolve(w, url))
            return MR_UNREACHABLE;
        w->turn++;
        if (sp_nn_family(w->socket, strchr(url, '[') == NULL) != MR_OK)
            return MR_UNREACHABLE;
        w->endpoint = nn_connect(w->socket, url);
        if (w->endpoint < 0)
            return MR_UNREACHABLE;
    }
    const uint64_t now = wire_now_ms();
    if (connecting && deadline_ms > now + CONNECT_MS)
        deadline_ms = now + CONNECT_MS;
    const uint8_t head[4] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                             (uint8_t)id};
    int wait;
    while ((wait = slice_ms(deadline_ms)) > 0) {
        if (nn_setsockopt(w->socket, NN_SOL_SOCKET, NN_SNDTIMEO, &wait, sizeof wait) != 0)
            return MR_UNREACHABLE;
        const int error = sp_nn_send(w->socket, head, sizeof head, body, len, 0);
        if (error == 0)
            return MR_OK;
        if (error != EINTR && error != ETIMEDOUT && error != EAGAIN)
            return MR_UNREACHABLE;
    }
    return MR_UNREACHABLE;
}

static enum mr_status recv_nn(struct wire *w, uint32_t *ret_id, uint8_t *ret, size_t cap,
                              size_t *ret_len, uint64_t deadline_ms)
{
    int wait;
    while ((wait = slice_ms(deadline_ms)) > 0) {
        uint8_t head[SP_NN_HEAD_MAX], *body;
        size_t head_len, len;
        if (nn_setsockopt(w->socket, NN_SOL_SOCKET, NN_RCVTIMEO, &wait, sizeof wait) != 0)
            return MR_UNREACHABLE;
        const int error = sp_nn_recv(w->socket, head, &head_len, &body, &len, 0);
        if (error == EBADF || error == ETERM)
            return MR_UNREACHABLE;
        if (error != 0)
            continue;
        const bool fits = head_len == 4 && len <= cap;
        if (fits) {
            *ret_id = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 |
                      head[3];
            *ret_len = len;
            memcpy(ret, body, len);
        }
        nn_freemsg(body);
        if (fits)
            return MR_OK;
    }
    return MR_NO_ANSWER;
}

/* --- a path ----------------------------------------------------------------------------------- */

static bool ready(int fd, short events, uint64_t deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        const int wait = slice_ms(deadline_ms);
        const int n = poll(&p, 1, wait);
        if (n > 0)
            return true;
        if (n < 0 ? errno != EINTR : wait == 0)
            return false;
    }
}

static bool write_all(int fd, const uint8_t *bytes, size_t len, uint64_t deadline_ms)
{
    while (len > 0) {
        const ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) {
            if (!ready(fd, POLLOUT, deadline_ms))
                return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

static bool connect_local(struct wire *w, uint64_t deadline_ms)
{
    uint8_t greeting[SP_GREETING_BYTES];
    sp_greeting(greeting, SP_REQ);
    sp_init(&w->in, SP_REP);
    w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->fd < 0)
        return false;
    const struct sockaddr *const to = (const struct sockaddr *)&w->path;
    return connect(w->fd, to, sizeof w->path) == 0 &&
           write_all(w->fd, greeting, sizeof greeting, deadline_ms);
}

static enum mr_status send_local(struct wire *w, uint32_t id, const uint8_t *body, size_t len,
                                 uint64_t deadline_ms)
{
    if (w->fd < 0 && !connect_local(w, deadline_ms)) {
        wire_reset(w);
        return MR_UNREACHABLE;
    }
    uint8_t front[SP_FRONT_MAX];
    const uint8_t head[4] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                             (uint8_t)id};
    const size_t n = sp_front(front, head, sizeof head, len);
    if (write_all(w->fd, front, n, deadline_ms) && write_all(w->fd, body, len, deadline_ms))
        return MR_OK;
    wire_reset(w);
    return MR_UNREACHABLE;
}

/* One read into the stream; false when the connection is of no more use. */
static bool read_more(struct wire *w)
{
    const ssize_t n = recv(w->fd, w->read, sizeof w->read, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    return n > 0 && sp_feed(&w->in, w->read, (size_t)n) == MR_OK && sp_keep(&w->in) == MR_OK;
}

static enum mr_status recv_local(struct wire *w, uint32_t *ret_id, uint8_t *ret, size_t cap,
                                 size_t *ret_len, uint64_t deadline_ms)
{
    while (w->fd >= 0) {
        struct sp_frame f;
        const enum sp_got got = sp_take(&w->in, &f);
        if (got == SP_FRAME && f.head_len == 4 && f.body_len <= cap) {
            *ret_id = (uint32_t)f.head[0] << 24 | (uint32_t)f.head[1] << 16 |
                      (uint32_t)f.head[2] << 8 | f.head[3];
            *ret_len = f.body_len;
            memcpy(ret, f.body, f.body_len);
            return MR_OK;
        }
        if (got == SP_BROKEN)
            break;
        if (got == SP_FRAME)
            continue;
        if (!ready(w->fd, POLLIN, deadline_ms))
            return MR_NO_ANSWER;
        if (sp_keep(&w->in) != MR_OK || !read_more(w))
            break;
    }
    wire_reset(w);
    return MR_UNREACHABLE;
}

enum mr_status wire_send(struct wire *w, uint32_t id, const uint8_t *body, size_t len,
                         uint64_t deadline_ms)
{
    mr_assert(id >> 31 == 1);
    mr_assert(len <= MR_FRAME_MAX);
    return w->local ? send_local(w, id, body, len, deadline_ms)
                    : send_nn(w, id, body, len, deadline_ms);
}

enum mr_status wire_recv(struct wire *w, uint32_t *ret_id, uint8_t *ret, size_t cap,
                         size_t *ret_len, uint64_t deadline_ms)
{
    return w->local ? recv_local(w, ret_id, ret, cap, ret_len, deadline_ms)
                    : recv_nn(w, ret_id, ret, cap, ret_len, deadline_ms);
}
