#include "lib/server_thread.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sp.h"

enum { DEADLINE_MS = 20000 };

static void must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "server_thread: %s\n", what);
    abort();
}

static void on_stop(uv_async_t *a)
{
    struct server_thread *const t = a->data;
    t->stats = server_stats(t->server);
    server_destroy(t->server);
    uv_close((uv_handle_t *)a, NULL);
}

static void *run(void *arg)
{
    struct server_thread *const t = arg;
    uv_run(&t->loop, UV_RUN_DEFAULT);
    t->leaked = uv_loop_close(&t->loop);
    return NULL;
}

void server_thread_start(struct server_thread *t, const struct server_config *config,
                         const struct transport_sink *sink, uint16_t port, const char *path)
{
    char address[32];
    must(uv_loop_init(&t->loop) == 0, "loop");
    must(uv_async_init(&t->loop, &t->stop, on_stop) == 0, "async");
    t->stop.data = t;
    must(server_create(&t->server, &t->loop, config, sink) == MR_OK, "create");
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
    must(server_listen_tcp(t->server, &t->port, address) == MR_OK, "listen on tcp");
    must(path == NULL || server_listen_local(t->server, path) == MR_OK, "listen on path");
    must(pthread_create(&t->thread, NULL, run, t) == 0, "thread");
}

void server_thread_stop(struct server_thread *t)
{
    uv_async_send(&t->stop);
    pthread_join(t->thread, NULL);
}

int server_thread_connect(const struct server_thread *t, int greets)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(t->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    must(fd >= 0, "socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    uint8_t greeting[SP_GREETING_BYTES], expected[SP_GREETING_BYTES];
    if (!greets)
        return fd;
    sp_greeting(greeting, SP_REQ);
    sp_greeting(expected, SP_REP);
    if (!tcp_send(fd, greeting, sizeof greeting) || !tcp_recv(fd, greeting, sizeof greeting) ||
        memcmp(greeting, expected, sizeof expected) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n;
    do
        n = poll(&p, 1, DEADLINE_MS);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

int tcp_send(int fd, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        if (!wait_for(fd, POLLOUT))
            return 0;
        const ssize_t n = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            return 0;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return 1;
}

int tcp_recv(int fd, void *ret, size_t len)
{
    uint8_t *at = ret;
    while (len > 0) {
        if (!wait_for(fd, POLLIN))
            return 0;
        const ssize_t n = recv(fd, at, len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return 0;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return 1;
}

int tcp_is_closed(int fd)
{
    uint8_t bytes[4096];
    for (;;) {
        if (!wait_for(fd, POLLIN))
            return 0;
        const ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return 1;
    }
}

int tcp_is_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

int tcp_ask(int fd, uint32_t id, const void *body, size_t len)
{
    uint8_t front[SP_FRONT_MAX];
    id = htonl(id | UINT32_C(0x80000000));
    const size_t n = sp_front(front, (const uint8_t *)&id, sizeof id, len);
    return tcp_send(fd, front, n) && tcp_send(fd, body, len);
}

long tcp_answer(int fd, uint32_t *ret_id, void *ret, size_t cap)
{
    uint8_t front[SP_LENGTH_BYTES + 4];
    if (!tcp_recv(fd, front, sizeof front))
        return -1;
    const size_t len = ((size_t)front[5] << 16 | (size_t)front[6] << 8 | front[7]) - 4;
    must(len <= cap, "room for the reply");
    *ret_id = (uint32_t)(front[8] & 0x7f) << 24 | (uint32_t)front[9] << 16 |
              (uint32_t)front[10] << 8 | front[11];
    return tcp_recv(fd, ret, len) ? (long)len : -1;
}
