/** The head of a message on raw nanomsg sockets travels as control data beside the body. */
#ifndef MEREAU_COMMON_SP_NN_H
#define MEREAU_COMMON_SP_NN_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sp.h"

enum {
    SP_NN_CONTROL_MAX = 256,
    SP_NN_HEAD_MAX = SP_HEAD_MAX + 4, /* the connection's key in front */
    SP_NN_URL_MAX = 64,
};

/** Options of every socket of ours: small positive receive limit, no delay, no devices between,
 * fast reconnection. MR_OK or MR_NO_MEMORY. */
enum mr_status sp_nn_options(int socket);

/** Set the family before each connect or bind: 1.1.5 aborts when it connects to an IPv4 literal
 *  while IPv6 is allowed, and refuses IPv6 literals while it is not. MR_OK or MR_NO_MEMORY. */
enum mr_status sp_nn_family(int socket, bool is_v4);

/** The turn-th of a host's addresses (turn is taken modulo their number) as nanomsg wants it, with
 *  brackets round IPv6: nanomsg itself would try one address only. False: none is usable. */
bool sp_nn_url(char ret[SP_NN_URL_MAX], const struct addrinfo *all, unsigned turn, uint16_t port);

/** Send without blocking, or block up to the socket's send time-out. flags: NN_DONTWAIT or 0.
 *  0, or the error number. */
int sp_nn_send(int socket, const uint8_t *head, size_t head_len, const uint8_t *body, size_t len,
               int flags);

/** Receive. *ret_body is nanomsg's own buffer: free it with nn_freemsg. ret_head holds
 *  SP_NN_HEAD_MAX bytes; messages with less than an id or a longer head are dropped (EAGAIN). 0, or
 * the error number.
 */
int sp_nn_recv(int socket, uint8_t *ret_head, size_t *ret_head_len, uint8_t **ret_body,
               size_t *ret_len, int flags);

#endif
