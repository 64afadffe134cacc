#include "lib/loopback.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Not one of those that connections get by themselves: a node that is down for a while would find
 * its port taken by another node's connection. */
uint16_t loopback_free_port(void)
{
    enum { FIRST = 12000, LAST = 32000, TRIES = 1000 };
    static uint32_t next; /* none is given twice */
    if (next == 0)
        next = 1 + randombytes_uniform(LAST - FIRST);
    for (int i = 0; i < TRIES; i++) {
        const uint16_t port = (uint16_t)(FIRST + next++ % (LAST - FIRST));
        const struct sockaddr_in at = {
            .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
        const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const bool is_free = bind(s, (const struct sockaddr *)&at, sizeof at) == 0;
        close(s);
        if (is_free)
            return port;
    }
    ck_abort_msg("no port is free");
}

void loopback_get(char *ret, size_t cap, uint16_t port, const char *request)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval patience = {.tv_sec = 20};
    const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t len = 0;
    ssize_t n;
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ck_assert_int_eq(connect(s, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(send(s, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    while (len < cap - 1 && (n = recv(s, ret + len, cap - 1 - len, 0)) > 0)
        len += (size_t)n;
    ret[len] = '\0';
    close(s);
}
