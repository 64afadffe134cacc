/** Authenticated, forward-secret sessions inside request/response messages
 *  (spec/60-transport.md TRA-n). Both sides, pure: random bytes are handed in.
 *
 *  HELLO (client's ephemeral key) - WELCOME (node's ephemeral key, identity, signature over the
 *  transcript) - then SEALED both ways. The client proves an account's key inside the session with
 *  REQ_AUTH, which signs the transcript hash. A session is not bound to a connection. */
#ifndef MEREAU_SESSION_H
#define MEREAU_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/record.h"
#include "mereau/sign.h"
#include "mereau/status.h"

enum {
    MR_SEAL_OVERHEAD = 16,
    MR_ENVELOPE_OVERHEAD = 64,
    MR_SESSION_PLAIN_MAX = MR_FRAME_MAX - MR_SEAL_OVERHEAD - MR_ENVELOPE_OVERHEAD,
    MR_WELCOME_BYTES = 160, /**< holds a HELLO or WELCOME envelope */
};

/** One end of an established session. Wipe with mr_session_done. */
struct mr_session {
    uint8_t id[MR_SALT_BYTES];
    uint8_t transcript[32]; /**< hash that REQ_AUTH signs */
    uint8_t key_out[32], key_in[32];
    uint64_t counter_out; /**< last counter used */
    uint64_t counter_in;  /**< highest counter received */
    uint64_t window;      /**< bit i: counter_in - i was received */
};
void mr_session_done(struct mr_session *s);

/** Client: secret state between HELLO and WELCOME. Wiped by mr_session_welcome. */
struct mr_session_hello {
    uint8_t secret[32], public[32];
};

/** Client's first message. ret_out holds an encoded envelope; its length is returned.
 *  seed: 32 fresh random bytes. */
size_t mr_session_hello(struct mr_session_hello *ret, uint8_t *ret_out, size_t cap,
                        const uint8_t seed[32]);

/** Node: answer a HELLO. seed: 48 fresh random bytes (ephemeral key, session id). On MR_OK *ret is
 *  established and ret_out (cap >= MR_WELCOME_BYTES) holds the WELCOME envelope. MR_BAD_KEY for a
 *  useless ephemeral key; MR_BAD_VERSION. */
enum mr_status mr_session_accept(struct mr_session *ret, uint8_t *ret_out, size_t cap,
                                 size_t *ret_len, const struct mr_hello *hello,
                                 const uint8_t seed[48], const struct mr_pubkey *identity,
                                 const struct mr_seckey *identity_secret);

/** Client: take the WELCOME. pinned NULL accepts any identity and returns it in *ret_identity (may
 *  be NULL). MR_OK; MR_WRONG_NODE (another identity than pinned); MR_BAD_SIGNATURE; MR_BAD_KEY;
 *  MR_BAD_VERSION. *hello is wiped in every case. */
enum mr_status mr_session_welcome(struct mr_session *ret, struct mr_pubkey *ret_identity,
                                  struct mr_session_hello *hello, const struct mr_welcome *welcome,
                                  const struct mr_pubkey *pinned);

/** Seal plain bytes (at most MR_SESSION_PLAIN_MAX) into an encoded SEALED envelope: out must hold
 *  len + MR_SEAL_OVERHEAD + MR_ENVELOPE_OVERHEAD. Returns its length. Uses the next counter, which
 *  is s->counter_out afterwards. A reply binds the counter of the request it answers (`answers`;
 *  0 in requests). */
size_t mr_session_seal(struct mr_session *s, uint8_t *out, size_t cap, const uint8_t *plain,
                       size_t len, uint64_t answers);

/** Open a SEALED envelope's content in place of `ret` (cap >= box_len - MR_SEAL_OVERHEAD).
 *  MR_OK; MR_REPLAYED (counter seen, or older than the window); MR_BAD_SESSION (another session, or
 *  the box does not open); MR_TOO_LARGE for cap. A failed open leaves the session as it was; the
 *  bytes in ret are then unspecified. */
enum mr_status mr_session_open(struct mr_session *s, uint8_t *ret, size_t cap, size_t *ret_len,
                               const struct mr_sealed *sealed, uint64_t answers);

/** Zero-copy variant for the hot path: the envelope's bytes are parsed in place. Also MR_TRUNCATED,
 *  MR_TRAILING, MR_NOT_CANONICAL, MR_OUT_OF_RANGE, MR_UNKNOWN_TAG (not SEALED). */
enum mr_status mr_session_open_bytes(struct mr_session *s, uint8_t *ret, size_t cap,
                                     size_t *ret_len, uint64_t *ret_counter,
                                     const uint8_t *envelope, size_t len, uint64_t answers);

/** The session id an encoded SEALED envelope names; MR_UNKNOWN_TAG for another kind. */
enum mr_status mr_session_peek(uint8_t ret_id[MR_SALT_BYTES], const uint8_t *envelope, size_t len);

/** What REQ_AUTH signs (purpose SESSION, epoch 0): transcript, role, account, key index. */
size_t mr_session_auth_text(uint8_t ret[96], const struct mr_session *s, enum mr_auth_role role,
                            const uint8_t account[16], uint32_t key_index);

#endif
