/** What exactly is hashed and signed (spec/10-encoding.md ENC-8 to ENC-11).
 *
 *  What is signed is the BLAKE2b-256 hash of: purpose string, 0x00, algorithm byte, ledger id,
 *  epoch (4 bytes big-endian, 0 when a person signs), then the XDR bytes of the record. Only heads
 *  differ: they sign their C2SP checkpoint text, which names ledger, epoch and node (LOG-5). */
#ifndef MEREAU_SIGN_H
#define MEREAU_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/record.h"
#include "mereau/status.h"

enum mr_purpose {
#define MR_PURPOSE(name, number, text) MR_PURPOSE_##name = (number),
#include "registry/purposes.def"
#undef MR_PURPOSE
};

enum { MR_ALG_ED25519 = 1 };

/** A secret Ed25519 key. Wiped by its owner with mr_seckey_done; never copied. */
struct mr_seckey {
    uint8_t bytes[64];
};

void mr_seckey_from_seed(struct mr_seckey *ret, struct mr_pubkey *ret_public,
                         const uint8_t seed[32]);
void mr_seckey_done(struct mr_seckey *key);

/** Whether a key may enter a key set: a canonical point of the prime-order group. */
bool mr_pubkey_usable(const struct mr_pubkey *key);

/** Sign or verify `len` bytes of a record for a purpose. verify refuses non-canonical signatures
 *  and keys of small order; whether a key is usable at all is decided once, where it enters a key
 *  set. Neither allocates; records up to MR_FRAME_MAX. */
void mr_sign(uint8_t ret_sig[MR_SIG_BYTES], enum mr_purpose why, const uint8_t ledger[32],
             uint32_t epoch, const uint8_t *record, size_t len, const struct mr_seckey *key);
bool mr_verify(const uint8_t sig[MR_SIG_BYTES], enum mr_purpose why, const uint8_t ledger[32],
               uint32_t epoch, const uint8_t *record, size_t len, const struct mr_pubkey *key);

/** BLAKE2b-256 with a domain: hash of the domain's text, 0x00, then the parts. */
void mr_hash(uint8_t ret[32], const char *domain, const void *a, size_t a_len, const void *b,
             size_t b_len);

/** ENC-10: ledger id of a charter; order id; value that closes a slot without effect. */
void mr_ledger_id(uint8_t ret[32], const struct mr_charter *charter);
void mr_order_id(uint8_t ret[32], const struct mr_order *order);
void mr_void_id(uint8_t ret[32], const uint8_t ledger[32], const uint8_t account[16], uint64_t seq);

/** ENC-11: salted commitments of a memo and of a caller's --id text. */
void mr_memo_hash(uint8_t ret[32], const uint8_t salt[16], const char *memo, size_t len);
void mr_ref_hash(uint8_t ret[32], const uint8_t salt[16], const char *text, size_t len);

#endif
