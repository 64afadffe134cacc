#include "lib/loopback.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Not one of those that connections get by themselves, nor one of another test that runs beside:
 * a node that is down for a while would find its port taken. ctest names a test's own hundred. */
static uint32_t first_port(uint32_t *ret_count)
{
    enum { FIRST = 10000, LAST = 32700, OWN = 100 };
    const char *const own = getenv("MEREAU_TEST_PORTS");
    *ret_count = own != NULL ? OWN : LAST - FIRST;
    return own != NULL ? (uint32_t)strtoul(own, NULL, 10) : FIRST;
}

uint16_t loopback_free_port(void)
{
    static uint32_t next; /* none is given twice */
    uint32_t count;
    const uint32_t first = first_port(&count);
    if (next == 0)
        next = 1 + randombytes_uniform(count);
    for (uint32_t i = 0; i < count; i++) {
        const uint16_t port = (uint16_t)(first + next++ % count);
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
