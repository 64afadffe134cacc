/* A server of node/transport on a loop and thread of its own, for tests. Start it in the test's
 * body or a checked fixture. */
#ifndef MEREAU_TESTS_SERVER_THREAD_H
#define MEREAU_TESTS_SERVER_THREAD_H

#include <pthread.h>
#include <uv.h>

#include "transport/server_uv.h"

struct server_thread {
    uv_loop_t loop;
    uv_async_t stop;
    pthread_t thread;
    struct server *server;
    uint16_t port;
    struct server_stats stats; /* after server_thread_stop */
    int leaked;                /* after server_thread_stop: what uv_loop_close returned */
};

/* Listens on a port of loopback (0 picks one), and at a path when it is not NULL. Aborts on
 * failure. */
void server_thread_start(struct server_thread *t, const struct server_config *config,
                         const struct transport_sink *sink, uint16_t port, const char *path);

void server_thread_stop(struct server_thread *t);

/* A connection to the port; -1 when refused. Greets when told to. */
int server_thread_connect(const struct server_thread *t, int greets);

/* Blocking with a deadline of 20 s. False when the server closed the connection. */
int tcp_send(int fd, const void *bytes, size_t len);
int tcp_recv(int fd, void *ret, size_t len);

/* Whether the server closes the connection within the deadline, whatever it sends before. */
int tcp_is_closed(int fd);

/* Whether there is something to read now. */
int tcp_is_readable(int fd);

/* One request frame with this id. */
int tcp_ask(int fd, uint32_t id, const void *body, size_t len);

/* The next reply frame: its id; body up to cap. -1: connection closed. */
long tcp_answer(int fd, uint32_t *ret_id, void *ret, size_t cap);

#endif
