/* A read-only page for machines that watch: /healthz and /metrics (Prometheus text). It runs on its
 * own thread and sees a copy of the figures, never the node. */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hostport.h"
#include "daemon/metrics.h"

struct http {
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    char next[METRICS_MAX]; /* the loop's */
    char page[METRICS_MAX]; /* under lock */
    size_t len;             /* under lock */
    bool healthy;           /* under lock */
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
    char page[METRICS_MAX];
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

void http_publish(struct http *h, struct node *n)
{
    const size_t len = metrics_page(h->next, sizeof h->next, n);
    const bool healthy = metrics_healthy(n);
    pthread_mutex_lock(&h->lock);
    memcpy(h->page, h->next, len);
    h->len = len;
    h->healthy = healthy;
    pthread_mutex_unlock(&h->lock);
}

enum mr_status http_start(struct http **ret, const char *address)
{
    struct sockaddr_storage at;
    const enum mr_status st = hostport_literal(&at, address);
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
