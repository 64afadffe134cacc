/** The peer port: a raw nanomsg REP socket over tcp, on a libuv loop. Nodes of a ledger ask each
 * other here; the content of messages is authenticated and sealed like everywhere (TRA-2).
 *
 *  nanomsg can neither name nor close one connection. So requests are counted by the connection's
 * key in a fixed number of lanes, a full lane drops what comes on (peers repeat), and the endpoint
 * is bound anew now and then, which frees what dead connections hold. Listen where only peers reach
 * it. */
#ifndef MEREAU_TRANSPORT_PEER_NN_H
#define MEREAU_TRANSPORT_PEER_NN_H

#include <uv.h>

#include "mereau/status.h"
#include "transport/transport.h"

enum { PEER_DRAIN_MAX = 64 }; /* messages taken in one turn: timers stay on time */

struct peer_config {
    size_t requests_max; /* open requests of one lane */
    uint32_t renew_ms;   /* bind anew that often; 0: never */
};

/** For a node with up to MR_NODES_MAX peers. */
struct peer_config peer_defaults(void);

struct peer_stats {
    uint64_t requests, replies;
    uint64_t late;    /* replies to tokens that were used */
    uint64_t dropped; /* requests over the budget of their lane, and replies nanomsg did not take */
    uint64_t renewed;
    /* What nanomsg counts. A message without an id in its head it drops uncounted; whatever else
     * breaks the framing ends its connection, as one that was closed by the other side does. */
    uint64_t accepted, ended;
    size_t in_flight;
};

struct peer_port;

/** Listen on "address:port" with a literal address or *. sink->on_closed is not called. MR_OK;
 *  MR_BAD_TEXT; MR_IN_USE (port taken); MR_CONFIG (no such address); MR_NO_MEMORY. */
enum mr_status peer_create(struct peer_port **ret, uv_loop_t *loop, const char *address,
                           const struct peer_config *config, const struct transport_sink *sink);

/** Answer. At most MR_FRAME_MAX bytes, copied. */
void peer_reply(struct peer_port *p, uint64_t token, const uint8_t *body, size_t len);

struct peer_stats peer_stats(const struct peer_port *p);

/** The memory goes once the loop has run the close callbacks. NULL is fine. */
void peer_destroy(struct peer_port *p);

#endif
