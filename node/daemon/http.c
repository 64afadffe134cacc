/* A read-only page for machines that watch: /healthz and /metrics (Prometheus text); and the files
 * of one directory, which the municipality publishes, for everybody. It runs on its own thread and
 * sees a copy of the figures, never the node. */
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hostport.h"
#include "daemon/metrics.h"

enum { PUBLIC_NAME_MAX = 64, PUBLIC_BYTES_MAX = 1 << 28 };

struct http {
    struct MHD_Daemon *daemon;
    const char *dir; /* lent; empty: none */
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

/* Type of a file by the end of its name; NULL: it is none that is served. A name is of small
 * letters, digits, point and hyphen, and begins with a letter or digit: no path, no hidden file. */
static const char *public_type(const char *name)
{
    static const char *const types[][2] = {{".csv", "text/csv; charset=utf-8"},
                                           {".json", "application/json"},
                                           {".sig", "application/json"},
                                           {".html", "text/html; charset=utf-8"}};
    const size_t len = strlen(name);
    if (len == 0 || len > PUBLIC_NAME_MAX || name[0] == '.' || name[0] == '-' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != len)
        return NULL;
    const char *const end = strrchr(name, '.');
    for (size_t i = 0; end != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(end, types[i][0]) == 0)
            return types[i][1];
    }
    return NULL;
}

/* A plain file in the directory itself, its size; -1: there is none. */
static int open_public(const char *dir, const char *name, size_t *ret_len)
{
    struct stat info;
    const int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int fd = at < 0 ? -1 : openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (at >= 0)
        close(at);
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= 0 &&
        info.st_size <= PUBLIC_BYTES_MAX) {
        *ret_len = (size_t)info.st_size;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static enum MHD_Result send_public(struct MHD_Connection *c, const char *dir, const char *name)
{
    size_t len = 0;
    const char *const type = dir[0] == '\0' ? NULL : public_type(name);
    const int fd = type == NULL ? -1 : open_public(dir, name, &len);
    if (fd < 0)
        return send_text(c, MHD_HTTP_NOT_FOUND, "no such file\n", 13);
    struct MHD_Response *const r = MHD_create_response_from_fd(len, fd);
    if (r == NULL) {
        close(fd);
        return MHD_NO;
    }
    MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    const enum MHD_Result done = MHD_queue_response(c, MHD_HTTP_OK, r);
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
    if (strncmp(url, "/public/", 8) == 0)
        return send_public(c, h->dir, url + 8);
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

enum mr_status http_start(struct http **ret, const char *address, const char *dir)
{
    struct sockaddr_storage at;
    const enum mr_status st = hostport_literal(&at, address);
    if (st != MR_OK)
        return st;
    struct http *h = calloc(1, sizeof *h);
    if (h == NULL)
        return MR_NO_MEMORY;
    h->dir = dir;
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
