/** A TCP proxy on loopback that harms what goes through it: delays, cuts, holds up, repeats. For
 *  the ports where nodes take each other. One thread each; calls may come from any other thread. */
#ifndef MEREAU_TESTS_PROXY_H
#define MEREAU_TESTS_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proxy;

enum { PROXY_TARGETS_MAX = 8 };

/** Listen on a port of loopback and pass each connection on to one of the targets, in turn. Port 0
 *  takes a free one. NULL: it cannot listen, or there is no memory. */
struct proxy *proxy_start(uint16_t port, const uint16_t *targets, size_t count);
uint16_t proxy_port(const struct proxy *p);
/** Breaks all connections. NULL is fine. */
void proxy_stop(struct proxy *p);

/** What comes from now on arrives that much later, in each direction. */
void proxy_delay(struct proxy *p, uint32_t us);

/** Break all connections; what is under way is lost, a message in its middle too. */
void proxy_cut(struct proxy *p);

/** Closed: connections are taken and broken at once, as those that stand. */
void proxy_close(struct proxy *p, bool closed);

/** Held up: connections stand and nothing goes through, until it is let go again. */
void proxy_hold(struct proxy *p, bool held);

/** Send every n-th message of a connection twice; 0: none. Applies to new connections. */
void proxy_repeat(struct proxy *p, uint32_t every);

struct proxy_counts {
    uint64_t connections, bytes, repeated, broken;
};
struct proxy_counts proxy_counts(struct proxy *p);

#endif
