#include "common/hostport.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

static enum mr_status parse_port(uint16_t *ret, const char *text)
{
    unsigned v = 0;
    const size_t n = strlen(text);
    if (n == 0 || n > 5)
        return MR_BAD_TEXT;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return MR_BAD_TEXT;
        v = v * 10 + (unsigned)(text[i] - '0');
    }
    if (v > UINT16_MAX)
        return MR_BAD_TEXT;
    *ret = (uint16_t)v;
    return MR_OK;
}

enum mr_status hostport_parse(struct hostport *ret, const char *text)
{
    const char *host = text, *end, *port;
    if (text[0] == '[') {
        host = text + 1;
        end = strchr(host, ']');
        if (end == NULL || end[1] != ':')
            return MR_BAD_TEXT;
        port = end + 2;
    } else {
        end = strchr(text, ':');
        if (end == NULL)
            return MR_BAD_TEXT;
        port = end + 1;
    }
    const size_t n = (size_t)(end - host);
    if (n == 0 || n > HOSTPORT_HOST_MAX)
        return MR_BAD_TEXT;
    struct hostport v = {.port = 0};
    const enum mr_status st = parse_port(&v.port, port);
    if (st != MR_OK)
        return st;
    memcpy(v.host, host, n);
    *ret = v;
    return MR_OK;
}

enum mr_status hostport_literal(struct sockaddr_storage *ret, const char *text)
{
    struct hostport at;
    struct addrinfo *found,
        hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    char port[8];
    const enum mr_status st = hostport_parse(&at, text);
    if (st != MR_OK)
        return st;
    snprintf(port, sizeof port, "%u", (unsigned)at.port);
    if (getaddrinfo(at.host, port, &hints, &found) != 0)
        return MR_BAD_TEXT;
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return MR_OK;
}
