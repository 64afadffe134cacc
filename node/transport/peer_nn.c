#include "transport/peer_nn.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hostport.h"
#include "common/sp_nn.h"
#include "mereau/assert.h"
#include "transport/pending.h"

enum { LANES = 64, URL_MAX = HOSTPORT_HOST_MAX + 32, RETRY_MS = 10 };

struct peer_port {
    struct peer_config config;
    struct transport_sink sink;
    struct peer_stats stats;
    struct pending pending;
    struct pending_owner lanes[LANES];
    char url[URL_MAX];
    bool is_v4;
    int socket, endpoint; /* endpoint -1: to be bound again */
    uv_poll_t poll;
    uv_timer_t renew;
    int handles;
};

struct peer_config peer_defaults(void)
{
    return (struct peer_config){.requests_max = 256, .renew_ms = 3600000};
}

/* The first four bytes of a head are nanomsg's random key of the connection. */
static struct pending_owner *lane_of(struct peer_port *p, const uint8_t *head)
{
    return &p->lanes[(head[0] ^ head[1] ^ head[2] ^ head[3]) % LANES];
}

static void take(struct peer_port *p, const uint8_t *head, size_t head_len, const uint8_t *body,
                 size_t len)
{
    uint64_t token;
    mr_assert(head_len >= 4);
    struct pending_owner *const lane = lane_of(p, head);
    if (lane->count >= p->config.requests_max ||
        pending_add(&p->pending, &token, lane, head, head_len) != MR_OK) {
        p->stats.dropped++;
        return;
    }
    p->stats.requests++;
    p->stats.in_flight++;
    p->sink.on_request(p->sink.ctx, NULL, token, body, len);
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    struct peer_port *const p = h->data;
    (void)status;
    (void)events;
    /* The descriptor stays readable while there is more: the loop comes back by itself. */
    for (int i = 0; i < PEER_DRAIN_MAX; i++) {
        uint8_t head[SP_NN_HEAD_MAX], *body;
        size_t head_len, len;
        if (sp_nn_recv(p->socket, head, &head_len, &body, &len, NN_DONTWAIT) != 0)
            return;
        take(p, head, head_len, body, len);
        nn_freemsg(body);
    }
}

void peer_reply(struct peer_port *p, uint64_t token, const uint8_t *body, size_t len)
{
    uint8_t head[SP_NN_HEAD_MAX];
    size_t head_len;
    mr_assert(len <= MR_FRAME_MAX);
    if (pending_take(&p->pending, token, head, &head_len) == NULL) {
        p->stats.late++;
        return;
    }
    p->stats.in_flight--;
    if (sp_nn_send(p->socket, head, head_len, body, len, NN_DONTWAIT) == 0)
        p->stats.replies++;
    else
        p->stats.dropped++;
}

static enum mr_status bind_endpoint(struct peer_port *p)
{
    p->endpoint = nn_bind(p->socket, p->url);
    if (p->endpoint >= 0)
        return MR_OK;
    return nn_errno() == EADDRINUSE ? MR_IN_USE : MR_CONFIG;
}

/* nn_shutdown ends in the background: the port is free a moment later. */
static void on_renew(uv_timer_t *t)
{
    struct peer_port *const p = t->data;
    if (p->endpoint >= 0) {
        nn_shutdown(p->socket, p->endpoint);
        p->endpoint = -1;
        p->stats.renewed++;
    }
    const enum mr_status st = bind_endpoint(p);
    uv_timer_start(t, on_renew, st == MR_OK ? p->config.renew_ms : RETRY_MS, 0);
}

static enum mr_status open_socket(struct peer_port *p)
{
    p->socket = nn_socket(AF_SP_RAW, NN_REP);
    if (p->socket < 0)
        return MR_NO_MEMORY;
    enum mr_status st = sp_nn_options(p->socket);
    if (st == MR_OK)
        st = sp_nn_family(p->socket, p->is_v4);
    return st == MR_OK ? bind_endpoint(p) : st;
}

static void on_closed(uv_handle_t *h)
{
    struct peer_port *const p = h->data;
    if (--p->handles > 0)
        return;
    pending_done(&p->pending);
    free(p);
}

static enum mr_status start(struct peer_port *p, uv_loop_t *loop)
{
    int fd;
    size_t len = sizeof fd;
    if (nn_getsockopt(p->socket, NN_SOL_SOCKET, NN_RCVFD, &fd, &len) != 0 ||
        uv_poll_init(loop, &p->poll, fd) != 0)
        return MR_NO_MEMORY;
    uv_timer_init(loop, &p->renew);
    p->poll.data = p->renew.data = p;
    p->handles = 2;
    uv_poll_start(&p->poll, UV_READABLE, on_readable);
    if (p->config.renew_ms > 0)
        uv_timer_start(&p->renew, on_renew, p->config.renew_ms, 0);
    return MR_OK;
}

enum mr_status peer_create(struct peer_port **ret, uv_loop_t *loop, const char *address,
                           const struct peer_config *config, const struct transport_sink *sink)
{
    struct hostport to;
    enum mr_status st = hostport_parse(&to, address);
    if (st != MR_OK)
        return st;
    if (to.port == 0) /* nanomsg could not tell which one it took */
        return MR_BAD_TEXT;
    struct peer_port *const p = calloc(1, sizeof *p);
    if (p == NULL)
        return MR_NO_MEMORY;
    const bool is_v6 = strchr(to.host, ':') != NULL;
    snprintf(p->url, sizeof p->url, is_v6 ? "tcp://[%s]:%u" : "tcp://%s:%u", to.host,
             (unsigned)to.port);
    p->is_v4 = !is_v6 && strcmp(to.host, "*") != 0;
    p->config = *config;
    p->sink = *sink;
    st = open_socket(p);
    if (st == MR_OK)
        st = start(p, loop);
    if (st == MR_OK) {
        *ret = p;
        return MR_OK;
    }
    if (p->socket >= 0)
        nn_close(p->socket);
    free(p);
    return st;
}

struct peer_stats peer_stats(const struct peer_port *p)
{
    struct peer_stats stats = p->stats;
    stats.accepted = nn_get_statistic(p->socket, NN_STAT_ACCEPTED_CONNECTIONS);
    stats.ended = nn_get_statistic(p->socket, NN_STAT_BROKEN_CONNECTIONS);
    return stats;
}

void peer_destroy(struct peer_port *p)
{
    if (p == NULL)
        return;
    /* First the loop lets go of the descriptor: nanomsg closes it and its number is used again. */
    uv_poll_stop(&p->poll);
    uv_close((uv_handle_t *)&p->poll, on_closed);
    uv_close((uv_handle_t *)&p->renew, on_closed);
    nn_close(p->socket);
}
