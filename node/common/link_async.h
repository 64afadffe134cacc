/** A client of a node as pure bytes: no socket, no clock, no waiting. For programs that hold
 * thousands of connections, such as the load generator; everybody else uses link.h.
 *
 *  The caller owns a TCP (or unix) socket, sends what is appended to `out`, and hands in what
 * comes. Requests may be sent ahead of replies; replies come in any order and name their request.
 */
#ifndef MEREAU_COMMON_LINK_ASYNC_H
#define MEREAU_COMMON_LINK_ASYNC_H

#include "common/asker.h"
#include "common/sp.h"
#include "mereau/session.h"
#include "mereau/sign.h"

enum {
    LEAN_START_MAX = SP_GREETING_BYTES + SP_FRONT_MAX + MR_WELCOME_BYTES,
    LEAN_OVERHEAD = SP_FRONT_MAX + MR_ENVELOPE_OVERHEAD + MR_SEAL_OVERHEAD,
};

struct lean_client {
    struct sp_stream in;
    struct asker asker;
};

/** What lean_next found. */
enum lean_got {
    LEAN_MORE,        /* hand in more bytes */
    LEAN_ESTABLISHED, /* the session stands: requests may be sent */
    LEAN_REPLY,       /* a reply */
    LEAN_REFUSED,     /* the node refused an envelope: status says why */
    LEAN_BROKEN,      /* not a node we may talk to: close; status says why */
};

struct lean_reply {
    enum lean_got got;
    enum mr_status status; /* of LEAN_REFUSED and LEAN_BROKEN */
    uint32_t number;       /* of the request, as lean_request returned it */
    const uint8_t *plain;  /* XDR of record reply: in the caller's buffer */
    size_t len;
};

/** Bytes that open a connection and a session, into out (LEAN_START_MAX). Returns their number.
 *  seed: 32 fresh random bytes. */
size_t lean_start(struct lean_client *c, uint8_t *out, const uint8_t seed[32]);

/** Continue an established session on a new connection: appends the greeting only. */
size_t lean_resume(struct lean_client *c, uint8_t *out);

/** One request, sealed and framed, into out (len + LEAN_OVERHEAD). plain: XDR of record request.
 *  Returns the number of bytes. A client sends fewer than 2^31 requests in a session. */
size_t lean_request(struct lean_client *c, uint8_t *out, uint32_t *ret_number, const uint8_t *plain,
                    size_t len);

/** A REQ_AUTH is signed by asker_sign(&c->asker, ..). */

/** Hand in bytes, at most SP_FEED_MAX; then call lean_next until it finds LEAN_MORE, then
 *  lean_keep. MR_OK or MR_NO_MEMORY. */
enum mr_status lean_feed(struct lean_client *c, const uint8_t *in, size_t len);

/** room holds MR_FRAME_MAX bytes; pinned as in mr_session_welcome. Replies that do not open
 * (repeats, another session) are skipped. */
struct lean_reply lean_next(struct lean_client *c, uint8_t *room, const struct mr_pubkey *pinned);

enum mr_status lean_keep(struct lean_client *c);

/** Wipes the session. */
void lean_done(struct lean_client *c);

#endif
