/** Server for strangers: the wallet port over tcp and local control over a unix socket, both with
 * the framing of common/sp.h, on one libuv loop (TRA-1, TRA-10). nanomsg REQ clients work against
 * it.
 *
 *  Every connection has budgets. One that breaks the framing, is silent too long, does not take its
 *  replies or comes once too often from its address is closed; the others do not notice. A
 * connection at its budget of open requests or unread replies is not read until that is better.
 * Replies given in one turn of the loop leave in one write a connection. */
#ifndef MEREAU_TRANSPORT_SERVER_UV_H
#define MEREAU_TRANSPORT_SERVER_UV_H

#include <stdbool.h>
#include <uv.h>

#include "mereau/status.h"
#include "transport/transport.h"

struct server_config {
    size_t connections_max; /* the longest idle one makes room for a new one */
    size_t address_max;     /* connections of one IPv4 address or IPv6 /64; not for local control */
    size_t requests_max;    /* open requests of one connection */
    size_t out_high;        /* bytes of replies not taken: no more reading */
    size_t out_max;         /* bytes of replies not taken: closed */
    uint32_t greeting_ms;   /* a greeting is complete by then */
    uint32_t message_ms;    /* a message is complete that long after its first byte */
    uint32_t idle_ms;       /* nothing asked and nothing owed */
    uint32_t stall_ms;      /* the client took no byte of what is owed */
    uint32_t sweep_ms;      /* how often times are looked at */
};

/** For a node on the internet. */
struct server_config server_defaults(void);

struct server_stats {
    uint64_t accepted, requests, replies, bytes_in, bytes_out;
    uint64_t late;      /* replies whose connection was gone */
    uint64_t refused;   /* connections over a limit, or of another user */
    uint64_t broken;    /* closed: not this protocol */
    uint64_t timed_out; /* closed: silent, dripping or not reading */
    uint64_t evicted;   /* closed: idle, made room */
    size_t connections; /* now */
    size_t in_flight;   /* requests without reply, now */
};

struct server;

/** MR_OK or MR_NO_MEMORY. config and sink are copied. */
enum mr_status server_create(struct server **ret, uv_loop_t *loop,
                             const struct server_config *config, const struct transport_sink *sink);

/** Listen on "host:port"; port 0 picks one. *ret_port may be NULL. MR_OK; MR_BAD_TEXT (address);
 *  MR_IN_USE (port taken); MR_CONFIG (no such address here); MR_IO_ERROR; MR_NO_MEMORY. */
enum mr_status server_listen_tcp(struct server *s, uint16_t *ret_port, const char *address);

/** Local control at a path. Its directory is made with mode 0700 when it is missing; it must be
 * ours and closed to others. A socket left behind there is replaced: hold the data directory's
 * lock. Only processes of this user and root are let in. MR_OK; MR_CONFIG; MR_IO_ERROR;
 * MR_NO_MEMORY. */
enum mr_status server_listen_local(struct server *s, const char *path);

/** Answer. At most MR_FRAME_MAX bytes, copied. */
void server_reply(struct server *s, uint64_t token, const uint8_t *body, size_t len);

/** No new connections and no new requests; replies still leave. */
void server_drain(struct server *s);

/** Whether nothing is owed: no open requests, no bytes to write. */
bool server_is_quiet(const struct server *s);

struct server_stats server_stats(const struct server *s);

/** Close everything; the memory goes once the loop has run all close callbacks. NULL is fine. */
void server_destroy(struct server *s);

/** About a connection. The text is "a.b.c.d:port", "[v6]:port" or "local". */
bool conn_is_local(const struct conn *c);
uint64_t conn_number(const struct conn *c);   /* never given twice */
uint64_t conn_requests(const struct conn *c); /* since it was opened */
void conn_peer(const struct conn *c, char *ret, size_t cap);
void conn_set_user(struct conn *c, void *user);
void *conn_user(const struct conn *c);
void conn_kick(struct conn *c);

#endif
