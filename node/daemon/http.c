/* A read-only page for machines that watch: /healthz and /metrics (Prometheus text). It runs on its
 * own thread and sees a copy of the figures, never the node. */
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hostport.h"
#include "daemon/node.h"

enum { PAGE_MAX = 8192 };

struct http {
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    char page[PAGE_MAX]; /* under lock */
    size_t len;          /* under lock */
    bool healthy;        /* under lock */
};

static enum MHD_Result send_text(struct MHD_Connection *c, unsigned code, const char *text,
                                 size_t len)
{
    char *copy = malloc(len + 1);
    if (copy == NULL)
        return MHD_NO;
    memcpy(copy, text, len);
    struct MHD_Response *r = MHD_create_response_from_buffer_with_free_callback(len, copy, free);
    if (r == NULL) {
        free(copy);
        return MHD_NO;
    }
    MHD_add_response_header(r, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    const enum MHD_Result done = MHD_queue_response(c, code, r);
    MHD_destroy_response(r);
    return done;
}

static enum MHD_Result on_get(void *ctx, struct MHD_Connection *c, const char *url,
                              const char *method, const char *http_version, const char *upload,
                              size_t *upload_len, void **state)
{
    struct http *h = ctx;
    char page[PAGE_MAX];
    (void)http_version;
    (void)upload;
    (void)upload_len;
    (void)state;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return send_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "read only\n", 10);
    pthread_mutex_lock(&h->lock);
    const size_t len = h->len;
    const bool healthy = h->healthy;
    memcpy(page, h->page, len);
    pthread_mutex_unlock(&h->lock);
    if (strcmp(url, "/healthz") == 0)
        return healthy ? send_text(c, MHD_HTTP_OK, "ok\n", 3)
                       : send_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, "not taking orders\n", 18);
    if (strcmp(url, "/metrics") == 0)
        return send_text(c, MHD_HTTP_OK, page, len);
    return send_text(c, MHD_HTTP_NOT_FOUND, "/healthz or /metrics\n", 21);
}

struct metric {
    const char *name, *type, *help;
    double value;
};

void http_publish(struct http *h, const struct node *n)
{
    const struct server_stats w = server_stats(n->wallet);
    struct mr_engine_facts f;
    char page[PAGE_MAX];
    size_t len = 0;
    mr_engine_facts(n->engine, &f);
    const struct metric metrics[] = {
        {"up_seconds", "gauge", "since the node started",
         (double)(now_ms() - n->started_ms) / 1000},
        {"turn", "counter", "last turn synced", (double)f.synced_turn},
        {"flushed_turn", "counter", "last turn in the store", (double)n->flushed_turn},
        {"log_leaves", "counter", "leaves of the node's log", (double)f.meta.leaves},
        {"slots_settled", "counter", "slots settled since genesis", (double)f.meta.settled},
        {"accounts", "gauge", "accounts, sub-accounts included", (double)f.meta.accounts},
        {"orders_parked", "gauge", "orders that wait", (double)f.parked},
        {"orders_answered_settled", "counter", "SUBMIT answered settled",
         (double)n->counters.orders_settled},
        {"orders_answered_refused", "counter", "SUBMIT answered with a refusal",
         (double)n->counters.orders_refused},
        {"orders_answered_parked", "counter", "SUBMIT answered parked",
         (double)n->counters.orders_parked},
        {"requests", "counter", "messages received", (double)n->counters.requests},
        {"requests_refused", "counter", "messages refused without a session",
         (double)n->counters.refused},
        {"sessions", "gauge", "sessions open", (double)n->sessions.count},
        {"waiting", "gauge", "long polls open", (double)f.waiting},
        {"wallet_connections", "gauge", "connections of wallets", (double)w.connections},
        {"wallet_broken", "counter", "connections closed for breaking the framing",
         (double)w.broken},
        {"wallet_timed_out", "counter", "connections closed for being too slow",
         (double)w.timed_out},
        {"journal_syncs", "counter", "turns appended and synced", (double)n->counters.turns},
        {"journal_sync_seconds", "counter", "time spent on that",
         (double)n->counters.syncs_ns / 1e9},
        {"store_flushes", "counter", "commits of the store", (double)n->counters.flushes},
        {"store_dirty_bytes", "gauge", "changes not yet in the store", (double)f.dirty_bytes},
        {"join_requests", "gauge", "join requests that wait", (double)n->requests_waiting},
        {"disk_full", "gauge", "1: new orders are refused", f.disk_full ? 1 : 0},
        {"abstaining", "gauge", "1: the node does not sign", f.abstaining ? 1 : 0},
    };
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        const struct metric *m = &metrics[i];
        const int k = snprintf(page + len, sizeof page - len,
                               "# HELP mereau_%s %s\n# TYPE mereau_%s %s\nmereau_%s %.17g\n",
                               m->name, m->help, m->name, m->type, m->name, m->value);
        if (k < 0 || (size_t)k >= sizeof page - len)
            break;
        len += (size_t)k;
    }
    pthread_mutex_lock(&h->lock);
    memcpy(h->page, page, len);
    h->len = len;
    h->healthy = !f.disk_full && !f.abstaining && !n->stopping;
    pthread_mutex_unlock(&h->lock);
}

/* A literal address and port. */
static enum mr_status resolve(struct sockaddr_storage *ret, const char *address)
{
    struct hostport at;
    struct addrinfo *found,
        hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    char port[8];
    const enum mr_status st = hostport_parse(&at, address);
    if (st != MR_OK)
        return st;
    snprintf(port, sizeof port, "%u", (unsigned)at.port);
    if (getaddrinfo(at.host, port, &hints, &found) != 0)
        return MR_BAD_TEXT;
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return MR_OK;
}

enum mr_status http_start(struct http **ret, const char *address)
{
    struct sockaddr_storage at;
    const enum mr_status st = resolve(&at, address);
    if (st != MR_OK)
        return st;
    struct http *h = calloc(1, sizeof *h);
    if (h == NULL)
        return MR_NO_MEMORY;
    pthread_mutex_init(&h->lock, NULL);
    const unsigned flags =
        MHD_USE_INTERNAL_POLLING_THREAD | (at.ss_family == AF_INET6 ? (unsigned)MHD_USE_IPv6 : 0u);
    h->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, on_get, h, MHD_OPTION_SOCK_ADDR, &at,
                         MHD_OPTION_CONNECTION_LIMIT, 64u, MHD_OPTION_CONNECTION_TIMEOUT, 10u,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_END);
    if (h->daemon == NULL) {
        pthread_mutex_destroy(&h->lock);
        free(h);
        return MR_IN_USE;
    }
    *ret = h;
    return MR_OK;
}

void http_stop(struct http *h)
{
    if (h == NULL)
        return;
    MHD_stop_daemon(h->daemon);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
