#include "lib/loopback.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

uint16_t loopback_free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(s, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(getsockname(s, (struct sockaddr *)&at, &len), 0);
    close(s);
    return ntohs(at.sin_port);
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
