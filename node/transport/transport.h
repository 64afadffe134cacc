/** What the wallet port, local control and the peer port have in common.
 *
 *  A request comes in with a token; its reply may be given at once, later, or never, in any order.
 *  A token is good for one reply; when the connection is gone, or it was used before, the reply is
 *  dropped and counted. All calls on the loop's thread. */
#ifndef MEREAU_TRANSPORT_TRANSPORT_H
#define MEREAU_TRANSPORT_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

/** A connection of the server; the peer port has none. */
struct conn;

struct transport_sink {
    /** body is valid during the call, at most MR_FRAME_MAX bytes. conn is NULL on the peer port. */
    void (*on_request)(void *ctx, struct conn *conn, uint64_t token, const uint8_t *body,
                       size_t len);
    /** The connection is gone; may run inside any call of the transport. May be NULL. */
    void (*on_closed)(void *ctx, struct conn *conn);
    void *ctx;
};

#endif
