/** Bytes of a link: requests and replies to one address, one thread, with deadlines.
 *  A raw nanomsg REQ socket for host:port, a plain unix socket for a path. Not to be used but by
 *  link.c and tests. Deadlines are of wire_now_ms. */
#ifndef MEREAU_COMMON_LINK_WIRE_H
#define MEREAU_COMMON_LINK_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/status.h"

struct wire;

/** Monotonic milliseconds. */
uint64_t wire_now_ms(void);

/** A call begins: when a stop is wanted already (link_stop.h), it has its time from now on. */
void wire_begin(void);

/** Milliseconds until then, 0 when it is over; less when a stop is wanted. */
int wire_left_ms(uint64_t deadline_ms);

/** Nothing is sent yet. MR_OK, MR_BAD_TEXT (address), MR_NO_MEMORY. */
enum mr_status wire_open(struct wire **ret, const char *address);

/** Send one request, connecting when needed. The top bit of id is set. MR_OK; MR_UNREACHABLE. */
enum mr_status wire_send(struct wire *w, uint32_t id, const uint8_t *body, size_t len,
                         uint64_t deadline_ms);

/** The next reply, whatever its id. ret holds cap bytes; larger replies are dropped. MR_OK;
 *  MR_NO_ANSWER when the deadline passed; MR_UNREACHABLE when the connection is gone. */
enum mr_status wire_recv(struct wire *w, uint32_t *ret_id, uint8_t *ret, size_t cap,
                         size_t *ret_len, uint64_t deadline_ms);

/** Drop the connection; the next wire_send makes a new one. */
void wire_reset(struct wire *w);

/** NULL is fine. */
void wire_close(struct wire *w);

#endif
