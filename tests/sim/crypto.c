/* A stand-in for Ed25519: linked in front of libsodium, it makes a signature one hash, so that a
 * simulated second costs milliseconds. A signature is H(public key, message); whoever knows the
 * public key could make one, but nobody in the simulation does so without the secret key.
 * crypto_real(true) passes everything on to libsodium. */
#include <dlfcn.h>
#include <sodium.h>
#include <string.h>

#include "mereau/assert.h"
#include "sim/sim.h"

static bool real;

void crypto_real(bool on)
{
    real = on;
}

/* A function of libsodium that this file hides. */
static void (*hidden(const char *name))(void)
{
    void (*fn)(void);
    void *const at = dlsym(RTLD_NEXT, name);
    mr_assert(at != NULL);
    memcpy(&fn, &at, sizeof fn); /* ISO C has no cast for it */
    return fn;
}

static void mark(uint8_t ret[64], const uint8_t *key, const uint8_t *m, unsigned long long len)
{
    crypto_generichash_state st;
    crypto_generichash_init(&st, NULL, 0, 64);
    crypto_generichash_update(&st, key, 32);
    crypto_generichash_update(&st, m, len);
    crypto_generichash_final(&st, ret, 64);
}

int crypto_sign_ed25519_seed_keypair(unsigned char *pk, unsigned char *sk,
                                     const unsigned char *seed)
{
    if (real)
        return ((int (*)(unsigned char *, unsigned char *, const unsigned char *))hidden(
            "crypto_sign_ed25519_seed_keypair"))(pk, sk, seed);
    crypto_generichash(pk, 32, seed, 32, NULL, 0);
    memcpy(sk, seed, 32);
    memcpy(sk + 32, pk, 32);
    return 0;
}

int crypto_core_ed25519_is_valid_point(const unsigned char *p)
{
    if (real)
        return ((int (*)(const unsigned char *))hidden("crypto_core_ed25519_is_valid_point"))(p);
    return sodium_is_zero(p, 32) ? 0 : 1;
}

int crypto_sign_ed25519_detached(unsigned char *sig, unsigned long long *siglen_p,
                                 const unsigned char *m, unsigned long long mlen,
                                 const unsigned char *sk)
{
    if (real)
        return ((int (*)(unsigned char *, unsigned long long *, const unsigned char *,
                         unsigned long long,
                         const unsigned char *))hidden("crypto_sign_ed25519_detached"))(
            sig, siglen_p, m, mlen, sk);
    mark(sig, sk + 32, m, mlen);
    if (siglen_p != NULL)
        *siglen_p = 64;
    return 0;
}

int crypto_sign_ed25519_verify_detached(const unsigned char *sig, const unsigned char *m,
                                        unsigned long long mlen, const unsigned char *pk)
{
    if (real)
        return ((int (*)(const unsigned char *, const unsigned char *, unsigned long long,
                         const unsigned char *))hidden("crypto_sign_ed25519_verify_detached"))(
            sig, m, mlen, pk);
    uint8_t want[64];
    mark(want, pk, m, mlen);
    return memcmp(want, sig, 64) == 0 ? 0 : -1;
}
