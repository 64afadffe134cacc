/** Framing of requests and replies over a byte stream: what nanomsg 1.1.5 speaks over tcp (TRA-1).
 *
 *  Each side first sends a greeting of 8 bytes that names its protocol. A message is its length
 *  (8 bytes, big-endian), a head of 1 to 16 ids of 4 bytes (only the last one has its top bit set),
 *  and a body. The head of a reply is that of its request.
 *
 *  No input and output here: bytes come in by sp_feed and leave as frames by sp_take. */
#ifndef MEREAU_COMMON_SP_H
#define MEREAU_COMMON_SP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/limits.h"
#include "mereau/status.h"

enum {
    SP_REQ = 48,
    SP_REP = 49,
    SP_GREETING_BYTES = 8,
    SP_LENGTH_BYTES = 8,
    SP_HEAD_MAX = 64,
    SP_MESSAGE_MAX = SP_HEAD_MAX + MR_FRAME_MAX,
    SP_FRONT_MAX = SP_LENGTH_BYTES + SP_HEAD_MAX,
    SP_FEED_MAX = 65536, /* bytes of one sp_feed */
};

/** One message. Pointers are valid until the next sp_feed or sp_keep. */
struct sp_frame {
    const uint8_t *head, *body;
    size_t head_len, body_len;
};

/** Bytes of one direction of one connection. Between sp_feed and sp_keep it borrows the fed bytes;
 *  its own memory is never more than one message and SP_FEED_MAX, and grows with bytes that came,
 *  not with a length that was announced. */
struct sp_stream {
    unsigned peer; /* protocol the greeting must name */
    bool greeted;
    bool broken;
    bool borrows; /* `at` is in the fed bytes, else in `held` */
    const uint8_t *at;
    size_t left;
    uint8_t *held;
    size_t held_cap;
};

enum sp_got {
    SP_FRAME,  /* one message was taken */
    SP_MORE,   /* wait for more bytes */
    SP_BROKEN, /* not this protocol, or too large: close the connection */
};

void sp_init(struct sp_stream *s, unsigned peer);
void sp_done(struct sp_stream *s);

/** Add up to SP_FEED_MAX bytes behind those kept, whose messages must all have been taken; len 0
 *  goes on with what was kept. Comes first or after sp_keep. MR_OK or MR_NO_MEMORY. */
enum mr_status sp_feed(struct sp_stream *s, const uint8_t *in, size_t len);

/** The next complete message. */
enum sp_got sp_take(struct sp_stream *s, struct sp_frame *ret);

/** Keep what was not taken; the fed bytes are no longer needed. MR_OK or MR_NO_MEMORY (then only
 *  sp_done may follow). */
enum mr_status sp_keep(struct sp_stream *s);

/** Bytes kept or fed and not yet taken. */
size_t sp_waiting(const struct sp_stream *s);

/** The 8 bytes that open a connection. */
void sp_greeting(uint8_t ret[SP_GREETING_BYTES], unsigned own);

/** What stands in front of a body: length and head. Returns SP_LENGTH_BYTES + head_len. */
size_t sp_front(uint8_t ret[SP_FRONT_MAX], const uint8_t *head, size_t head_len, size_t body_len);

/** Length of the head at the start of a message, 0 when there is none within SP_HEAD_MAX. */
size_t sp_head_len(const uint8_t *message, size_t len);

#endif
