/** Texts "host:port" and "[v6 address]:port". */
#ifndef MEREAU_COMMON_HOSTPORT_H
#define MEREAU_COMMON_HOSTPORT_H

#include <stdint.h>
#include <sys/socket.h>

#include "mereau/status.h"

enum { HOSTPORT_HOST_MAX = 255 };

struct hostport {
    char host[HOSTPORT_HOST_MAX + 1]; /* without brackets */
    uint16_t port;
};

/** Host not empty, port 0 to 65535 in decimal. MR_OK or MR_BAD_TEXT. */
enum mr_status hostport_parse(struct hostport *ret, const char *text);

/** The socket address of a literal address and port; no name is looked up. MR_OK or MR_BAD_TEXT. */
enum mr_status hostport_literal(struct sockaddr_storage *ret, const char *text);

#endif
