#include "mereau/session.h"

#include <sodium.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "wire/cursor.h"

enum {
    KIND_BYTES = 4,
    HELLO_BYTES = 4 + MR_KEY_BYTES,
    WELCOME_BYTES = 4 + MR_SALT_BYTES + MR_KEY_BYTES + 4 + MR_KEY_BYTES + MR_SIG_BYTES,
    SEALED_HEAD = KIND_BYTES + MR_SALT_BYTES + 8 + 4, /* what stands in front of the box */
    NONCE_BYTES = crypto_aead_chacha20poly1305_IETF_NPUBBYTES,
    EXTRA_BYTES = MR_SALT_BYTES + 8 + 8,
    WINDOW_BITS = 64,
    AUTH_TEXT_BYTES = 32 + 4 + 16 + 4,
};

_Static_assert(SEALED_HEAD + 3 <= MR_ENVELOPE_OVERHEAD, "a sealed envelope fits in its overhead");
_Static_assert(crypto_aead_chacha20poly1305_IETF_ABYTES == MR_SEAL_OVERHEAD, "size of the tag");
_Static_assert(KIND_BYTES + WELCOME_BYTES <= MR_WELCOME_BYTES, "a WELCOME fits");
_Static_assert(AUTH_TEXT_BYTES <= 96, "the text of REQ_AUTH fits");

/* The client of a HELLO may not know the ledger yet: no ledger, no epoch (TRA-4). */
static const uint8_t no_ledger[32];

void mr_session_done(struct mr_session *s)
{
    sodium_memzero(s, sizeof *s);
}

size_t mr_session_hello(struct mr_session_hello *ret, uint8_t *ret_out, size_t cap,
                        const uint8_t seed[32])
{
    memcpy(ret->secret, seed, sizeof ret->secret);
    crypto_scalarmult_base(ret->public, ret->secret);
    struct mr_hello hello = {.version = 1};
    memcpy(hello.ephemeral, ret->public, sizeof hello.ephemeral);
    struct mri_wr w = {ret_out, cap};
    mri_wr_u32(&w, MR_ENV_HELLO);
    return KIND_BYTES + mr_hello_encode(&hello, w.p, w.left);
}

/* TRA-4: hash of the HELLO record and of the WELCOME record without its signature. */
static void transcript(uint8_t ret[32], const uint8_t client[MR_KEY_BYTES],
                       const struct mr_welcome *welcome)
{
    struct mr_hello hello = {.version = 1};
    memcpy(hello.ephemeral, client, sizeof hello.ephemeral);
    uint8_t h[HELLO_BYTES], w[WELCOME_BYTES];
    mr_hello_encode(&hello, h, sizeof h);
    mr_welcome_encode(welcome, w, sizeof w);
    mr_hash(ret, "mereau/transcript", h, sizeof h, w, sizeof w - MR_SIG_BYTES);
}

/* TRA-5: two keys from the shared secret and the transcript, client to node first. False when the
 * other side's key is of small order, which would make the secret known to everybody. */
static bool derive(uint8_t ret[64], const uint8_t secret[32], const uint8_t other[32],
                   const uint8_t transcript_hash[32])
{
    static const char domain[] = "mereau/session-keys";
    uint8_t shared[32];
    if (crypto_scalarmult(shared, secret, other) != 0)
        return false;
    crypto_generichash_state st;
    crypto_generichash_init(&st, shared, sizeof shared, 64);
    crypto_generichash_update(&st, (const uint8_t *)domain, sizeof domain);
    crypto_generichash_update(&st, transcript_hash, 32);
    crypto_generichash_final(&st, ret, 64);
    sodium_memzero(shared, sizeof shared);
    sodium_memzero(&st, sizeof st);
    return true;
}

static void establish(struct mr_session *ret, const uint8_t id[MR_SALT_BYTES],
                      const uint8_t hash[32], const uint8_t key_out[32], const uint8_t key_in[32])
{
    *ret = (struct mr_session){0};
    memcpy(ret->id, id, sizeof ret->id);
    memcpy(ret->transcript, hash, sizeof ret->transcript);
    memcpy(ret->key_out, key_out, sizeof ret->key_out);
    memcpy(ret->key_in, key_in, sizeof ret->key_in);
}

enum mr_status mr_session_accept(struct mr_session *ret, uint8_t *ret_out, size_t cap,
                                 size_t *ret_len, const struct mr_hello *hello,
                                 const uint8_t seed[48], const struct mr_pubkey *identity,
                                 const struct mr_seckey *identity_secret)
{
    mr_assert(cap >= KIND_BYTES + WELCOME_BYTES);
    if (hello->version != 1)
        return MR_BAD_VERSION;
    struct mr_welcome welcome = {.version = 1, .transport_key = *identity};
    crypto_scalarmult_base(welcome.ephemeral, seed);
    memcpy(welcome.session, seed + 32, sizeof welcome.session);
    uint8_t hash[32], keys[64];
    transcript(hash, hello->ephemeral, &welcome);
    if (!derive(keys, seed, hello->ephemeral, hash))
        return MR_BAD_KEY;
    mr_sign(welcome.sig, MR_PURPOSE_TRANSPORT, no_ledger, 0, hash, sizeof hash, identity_secret);
    establish(ret, welcome.session, hash, keys + 32, keys);
    sodium_memzero(keys, sizeof keys);
    struct mri_wr w = {ret_out, cap};
    mri_wr_u32(&w, MR_ENV_WELCOME);
    *ret_len = KIND_BYTES + mr_welcome_encode(&welcome, w.p, w.left);
    return MR_OK;
}

static enum mr_status check_welcome(const struct mr_welcome *welcome, const uint8_t hash[32],
                                    const struct mr_pubkey *pinned)
{
    const struct mr_pubkey *const key = &welcome->transport_key;
    if (pinned != NULL &&
        (key->alg != pinned->alg || memcmp(key->key, pinned->key, sizeof key->key) != 0))
        return MR_WRONG_NODE;
    if (!mr_pubkey_usable(key))
        return MR_BAD_KEY;
    if (!mr_verify(welcome->sig, MR_PURPOSE_TRANSPORT, no_ledger, 0, hash, 32, key))
        return MR_BAD_SIGNATURE;
    return MR_OK;
}

enum mr_status mr_session_welcome(struct mr_session *ret, struct mr_pubkey *ret_identity,
                                  struct mr_session_hello *hello, const struct mr_welcome *welcome,
                                  const struct mr_pubkey *pinned)
{
    uint8_t hash[32], keys[64];
    enum mr_status st = MR_BAD_VERSION;
    if (welcome->version != 1)
        goto out;
    transcript(hash, hello->public, welcome);
    st = check_welcome(welcome, hash, pinned);
    if (st != MR_OK)
        goto out;
    if (!derive(keys, hello->secret, welcome->ephemeral, hash)) {
        st = MR_BAD_KEY;
        goto out;
    }
    establish(ret, welcome->session, hash, keys, keys + 32);
    sodium_memzero(keys, sizeof keys);
    if (ret_identity != NULL)
        *ret_identity = welcome->transport_key;
out:
    sodium_memzero(hello, sizeof *hello);
    return st;
}

static void put_u64(uint8_t *out, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static uint64_t get_u64(const uint8_t *p)
{
    return (uint64_t)get_u32(p) << 32 | get_u32(p + 4);
}

/* TRA-6. The nonce names the direction; answers is 0 exactly in requests. */
static void nonce_and_extra(uint8_t nonce[NONCE_BYTES], uint8_t extra[EXTRA_BYTES],
                            const uint8_t id[MR_SALT_BYTES], uint64_t counter, uint64_t answers)
{
    memset(nonce, 0, 4);
    nonce[3] = answers == 0 ? 1 : 2;
    put_u64(nonce + 4, counter);
    memcpy(extra, id, MR_SALT_BYTES);
    put_u64(extra + MR_SALT_BYTES, counter);
    put_u64(extra + MR_SALT_BYTES + 8, answers);
}

static size_t padded(size_t n)
{
    return (n + 3) / 4 * 4;
}

size_t mr_session_seal(struct mr_session *s, uint8_t *out, size_t cap, const uint8_t *plain,
                       size_t len, uint64_t answers)
{
    mr_assert(len <= MR_SESSION_PLAIN_MAX);
    mr_assert(s->counter_out < MR_SEQ_MAX);
    const size_t box_len = len + MR_SEAL_OVERHEAD;
    const size_t total = SEALED_HEAD + padded(box_len);
    mr_assert(cap >= total);
    const uint64_t counter = ++s->counter_out;
    uint8_t nonce[NONCE_BYTES], extra[EXTRA_BYTES];
    nonce_and_extra(nonce, extra, s->id, counter, answers);
    crypto_aead_chacha20poly1305_ietf_encrypt(out + SEALED_HEAD, NULL, plain, len, extra,
                                              sizeof extra, NULL, nonce, s->key_out);
    struct mri_wr w = {out, SEALED_HEAD};
    mri_wr_u32(&w, MR_ENV_SEALED);
    mri_wr_opaque(&w, s->id, sizeof s->id);
    mri_wr_u64(&w, counter);
    mri_wr_u32(&w, (uint32_t)box_len);
    memset(out + SEALED_HEAD + box_len, 0, padded(box_len) - box_len);
    return total;
}

/* TRA-7: a counter is taken once; those older than the window are refused unseen. */
static bool is_fresh(const struct mr_session *s, uint64_t counter)
{
    if (counter == 0)
        return false;
    if (counter > s->counter_in)
        return true;
    const uint64_t age = s->counter_in - counter;
    return age < WINDOW_BITS && (s->window >> age & 1) == 0;
}

static void take_counter(struct mr_session *s, uint64_t counter)
{
    if (counter <= s->counter_in) {
        s->window |= UINT64_C(1) << (s->counter_in - counter);
        return;
    }
    const uint64_t ahead = counter - s->counter_in;
    s->window = (ahead < WINDOW_BITS ? s->window << ahead : 0) | 1;
    s->counter_in = counter;
}

static enum mr_status open_box(struct mr_session *s, uint8_t *ret, size_t cap, size_t *ret_len,
                               uint64_t counter, const uint8_t *box, size_t box_len,
                               uint64_t answers)
{
    if (box_len < MR_SEAL_OVERHEAD)
        return MR_BAD_SESSION;
    if (box_len - MR_SEAL_OVERHEAD > cap)
        return MR_TOO_LARGE;
    if (!is_fresh(s, counter))
        return MR_REPLAYED;
    uint8_t nonce[NONCE_BYTES], extra[EXTRA_BYTES];
    nonce_and_extra(nonce, extra, s->id, counter, answers);
    unsigned long long len;
    if (crypto_aead_chacha20poly1305_ietf_decrypt(ret, &len, NULL, box, box_len, extra,
                                                  sizeof extra, nonce, s->key_in) != 0)
        return MR_BAD_SESSION;
    take_counter(s, counter);
    *ret_len = (size_t)len;
    return MR_OK;
}

enum mr_status mr_session_open(struct mr_session *s, uint8_t *ret, size_t cap, size_t *ret_len,
                               const struct mr_sealed *sealed, uint64_t answers)
{
    if (memcmp(sealed->session, s->id, sizeof s->id) != 0)
        return MR_BAD_SESSION;
    return open_box(s, ret, cap, ret_len, sealed->counter, sealed->box, sealed->box_len, answers);
}

enum mr_status mr_session_open_bytes(struct mr_session *s, uint8_t *ret, size_t cap,
                                     size_t *ret_len, uint64_t *ret_counter,
                                     const uint8_t *envelope, size_t len, uint64_t answers)
{
    uint8_t id[MR_SALT_BYTES];
    enum mr_status st = mr_session_peek(id, envelope, len);
    if (st != MR_OK)
        return st;
    if (memcmp(id, s->id, sizeof id) != 0)
        return MR_BAD_SESSION;
    const uint64_t counter = get_u64(envelope + KIND_BYTES + MR_SALT_BYTES);
    const size_t box_len = get_u32(envelope + SEALED_HEAD - 4);
    if (counter > MR_SEQ_MAX || box_len > MR_FRAME_MAX)
        return MR_OUT_OF_RANGE;
    if (padded(box_len) != len - SEALED_HEAD)
        return padded(box_len) > len - SEALED_HEAD ? MR_TRUNCATED : MR_TRAILING;
    for (size_t i = SEALED_HEAD + box_len; i < len; i++)
        if (envelope[i] != 0)
            return MR_NOT_CANONICAL;
    st = open_box(s, ret, cap, ret_len, counter, envelope + SEALED_HEAD, box_len, answers);
    if (st == MR_OK)
        *ret_counter = counter;
    return st;
}

enum mr_status mr_session_peek(uint8_t ret_id[MR_SALT_BYTES], const uint8_t *envelope, size_t len)
{
    if (len < KIND_BYTES)
        return MR_TRUNCATED;
    if (get_u32(envelope) != MR_ENV_SEALED)
        return MR_UNKNOWN_TAG;
    if (len < SEALED_HEAD)
        return MR_TRUNCATED;
    memcpy(ret_id, envelope + KIND_BYTES, MR_SALT_BYTES);
    return MR_OK;
}

size_t mr_session_auth_text(uint8_t ret[96], const struct mr_session *s, enum mr_auth_role role,
                            const uint8_t account[16], uint32_t key_index)
{
    struct mri_wr w = {ret, AUTH_TEXT_BYTES};
    mri_wr_opaque(&w, s->transcript, sizeof s->transcript);
    mri_wr_u32(&w, (uint32_t)role);
    mri_wr_opaque(&w, account, MR_ACCOUNT_BYTES);
    mri_wr_u32(&w, key_index);
    return AUTH_TEXT_BYTES;
}
