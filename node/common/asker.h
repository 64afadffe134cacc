/** The asking end of a session as pure bytes: what links of programs (link.h), the lean client
 *  (link_async.h) and the links between nodes (transport/peer_link.h) have in common.
 *
 *  Whoever carries the envelopes keeps the number of each request and hands it in with its answer.
 */
#ifndef MEREAU_COMMON_ASKER_H
#define MEREAU_COMMON_ASKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/record.h"
#include "mereau/session.h"
#include "mereau/sign.h"
#include "mereau/status.h"

struct asker {
    struct mr_session_hello hello;
    struct mr_session session;
    struct mr_pubkey identity; /* of the other end, once established */
    bool established;
};

enum asker_got {
    ASKER_NOTHING,     /* not an answer, or not of this session */
    ASKER_ESTABLISHED, /* WELCOME: the session stands */
    ASKER_REPLY,       /* plain holds the XDR of record reply */
    ASKER_REFUSED,     /* not authenticated: status only says how to go on */
    ASKER_BROKEN,      /* a WELCOME of somebody we do not talk to: status says why */
};

struct asker_answer {
    enum asker_got got;
    enum mr_status status; /* of ASKER_REFUSED and ASKER_BROKEN */
    const uint8_t *plain;  /* in the caller's room */
    size_t len;
};

/** Begin anew: a HELLO envelope into out (cap >= MR_WELCOME_BYTES). Returns its length. seed: 32
 *  fresh random bytes. */
size_t asker_hello(struct asker *a, uint8_t *out, size_t cap, const uint8_t seed[32]);

/** Seal one request (XDR of record request) into out, which holds len + MR_ENVELOPE_OVERHEAD +
 *  MR_SEAL_OVERHEAD. Returns its length; *ret_number is never 0 and never given twice. */
size_t asker_seal(struct asker *a, uint8_t *out, size_t cap, uint64_t *ret_number,
                  const uint8_t *plain, size_t len);

/** What an envelope is. number: of the request it answers, 0 for a HELLO. room holds MR_FRAME_MAX
 *  bytes. pinned NULL: any identity. */
struct asker_answer asker_take(struct asker *a, uint8_t *room, const uint8_t *envelope, size_t len,
                               uint64_t number, const struct mr_pubkey *pinned);

/** Read and check the reply to request `id` of this kind. The reply's own status; or what made the
 *  bytes invalid, MR_OUT_OF_RANGE (another id), MR_UNKNOWN_TAG (a result of another kind): then
 *  *ret_valid is false. */
enum mr_status asker_read(struct mr_reply *ret, bool *ret_valid, const uint8_t *plain, size_t len,
                          uint32_t id, enum mr_request_kind kind);

/** Sign a REQ_AUTH for this session: role, account and key_index are filled in before. */
void asker_sign(const struct asker *a, struct mr_req_auth *auth, const uint8_t ledger[32],
                const struct mr_seckey *key);

/** Wipes the session. */
void asker_done(struct asker *a);

#endif
