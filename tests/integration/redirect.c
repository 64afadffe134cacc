/* Preloaded into a node: what it connects to on ports of loopback goes to other ports, as REDIRECT
 * says: "FROM=TO,FROM=TO". So a test puts a proxy between two nodes, for one direction alone. */
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static in_port_t instead_of(unsigned port)
{
    const char *at = getenv("REDIRECT");
    while (at != NULL && *at != '\0') {
        char *end;
        const unsigned long from = strtoul(at, &end, 10);
        const unsigned long to = *end == '=' ? strtoul(end + 1, &end, 10) : from;
        if (from == port)
            return (in_port_t)to;
        at = *end == ',' ? end + 1 : NULL;
    }
    return (in_port_t)port;
}

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
    static int (*real)(int, const struct sockaddr *, socklen_t);
    struct sockaddr_in other;
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "connect");
    if (to->sa_family != AF_INET || len < sizeof other)
        return real(fd, to, len);
    memcpy(&other, to, sizeof other);
    if (ntohl(other.sin_addr.s_addr) == INADDR_LOOPBACK)
        other.sin_port = htons(instead_of(ntohs(other.sin_port)));
    return real(fd, (const struct sockaddr *)&other, sizeof other);
}
