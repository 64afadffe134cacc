#include "mereau/sign.h"

#include <sodium.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"

enum { PREAMBLE_MAX = 64 + 1 + 1 + 32 + 4 };

static const char *purpose_text(enum mr_purpose why)
{
    switch (why) {
#define MR_PURPOSE(name, number, text)                                                             \
    case MR_PURPOSE_##name:                                                                        \
        return text;
#include "registry/purposes.def"
#undef MR_PURPOSE
    }
    mr_bug("purpose");
}

void mr_seckey_from_seed(struct mr_seckey *ret, struct mr_pubkey *ret_public,
                         const uint8_t seed[32])
{
    ret_public->alg = MR_ALG_ED25519;
    crypto_sign_ed25519_seed_keypair(ret_public->key, ret->bytes, seed);
}

void mr_seckey_done(struct mr_seckey *key)
{
    sodium_memzero(key, sizeof *key);
}

bool mr_pubkey_usable(const struct mr_pubkey *key)
{
    return key->alg == MR_ALG_ED25519 && crypto_core_ed25519_is_valid_point(key->key) == 1;
}

/* What is signed is hashed first: Ed25519 reads its message twice, and a fixed-size message needs
 * no buffer. */
static void digest(uint8_t ret[32], enum mr_purpose why, const uint8_t ledger[32], uint32_t epoch,
                   const uint8_t *record, size_t len)
{
    uint8_t preamble[PREAMBLE_MAX];
    const char *const text = purpose_text(why);
    const size_t n = strlen(text);
    mr_assert(n < 64);
    memcpy(preamble, text, n);
    preamble[n] = 0;
    preamble[n + 1] = MR_ALG_ED25519;
    memcpy(preamble + n + 2, ledger, 32);
    const uint8_t e[4] = {(uint8_t)(epoch >> 24), (uint8_t)(epoch >> 16), (uint8_t)(epoch >> 8),
                          (uint8_t)epoch};
    memcpy(preamble + n + 34, e, 4);
    crypto_generichash_state st;
    crypto_generichash_init(&st, NULL, 0, 32);
    crypto_generichash_update(&st, preamble, n + 38);
    crypto_generichash_update(&st, record, len);
    crypto_generichash_final(&st, ret, 32);
}

void mr_sign(uint8_t ret_sig[MR_SIG_BYTES], enum mr_purpose why, const uint8_t ledger[32],
             uint32_t epoch, const uint8_t *record, size_t len, const struct mr_seckey *key)
{
    uint8_t d[32];
    digest(d, why, ledger, epoch, record, len);
    crypto_sign_ed25519_detached(ret_sig, NULL, d, sizeof d, key->bytes);
}

bool mr_verify(const uint8_t sig[MR_SIG_BYTES], enum mr_purpose why, const uint8_t ledger[32],
               uint32_t epoch, const uint8_t *record, size_t len, const struct mr_pubkey *key)
{
    uint8_t d[32];
    if (key->alg != MR_ALG_ED25519)
        return false;
    digest(d, why, ledger, epoch, record, len);
    return crypto_sign_ed25519_verify_detached(sig, d, sizeof d, key->key) == 0;
}

void mr_hash(uint8_t ret[32], const char *domain, const void *a, size_t a_len, const void *b,
             size_t b_len)
{
    crypto_generichash_state st;
    crypto_generichash_init(&st, NULL, 0, 32);
    crypto_generichash_update(&st, (const uint8_t *)domain, strlen(domain) + 1);
    crypto_generichash_update(&st, a, a_len);
    crypto_generichash_update(&st, b, b_len);
    crypto_generichash_final(&st, ret, 32);
}

void mr_ledger_id(uint8_t ret[32], const struct mr_charter *charter)
{
    uint8_t bytes[sizeof *charter];
    const size_t n = mr_charter_encode(charter, bytes, sizeof bytes);
    mr_hash(ret, "mereau/charter", bytes, n, NULL, 0);
}

void mr_order_id(uint8_t ret[32], const struct mr_order *order)
{
    uint8_t bytes[sizeof *order];
    const size_t n = mr_order_encode(order, bytes, sizeof bytes);
    mr_hash(ret, "mereau/order-id", bytes, n, NULL, 0);
}

void mr_void_id(uint8_t ret[32], const uint8_t ledger[32], const uint8_t account[16], uint64_t seq)
{
    uint8_t slot[24];
    memcpy(slot, account, 16);
    for (int i = 0; i < 8; i++)
        slot[16 + i] = (uint8_t)(seq >> (56 - 8 * i));
    mr_hash(ret, "mereau/void", ledger, 32, slot, sizeof slot);
}

void mr_memo_hash(uint8_t ret[32], const uint8_t salt[16], const char *memo, size_t len)
{
    mr_hash(ret, "mereau/memo", salt, MR_SALT_BYTES, memo, len);
}

void mr_ref_hash(uint8_t ret[32], const uint8_t salt[16], const char *text, size_t len)
{
    mr_hash(ret, "mereau/ref", salt, MR_SALT_BYTES, text, len);
}
