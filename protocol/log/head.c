#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/id.h"
#include "mereau/log.h"

enum { ORIGIN_MAX = 128 };

static void origin(char ret[ORIGIN_MAX], const uint8_t ledger[32], const struct mr_head *h)
{
    char hex[65];
    mr_hex_format(hex, ledger, 32);
    const int n =
        snprintf(ret, ORIGIN_MAX, "mereau/%s/%u/%u/%u", hex, h->epoch, h->node, h->generation);
    mr_assert(n > 0);
    mr_assert(n < ORIGIN_MAX);
}

size_t mr_head_text(char ret[MR_HEAD_TEXT_MAX], const uint8_t ledger[32], const struct mr_head *h)
{
    char name[ORIGIN_MAX], root[48];
    origin(name, ledger, h);
    sodium_bin2base64(root, sizeof root, h->root, 32, sodium_base64_VARIANT_ORIGINAL);
    const int n = snprintf(ret, MR_HEAD_TEXT_MAX, "%s\n%llu\n%s\ntime %llu\n", name,
                           (unsigned long long)h->size, root, (unsigned long long)h->time_ms);
    mr_assert(n > 0);
    mr_assert(n < MR_HEAD_TEXT_MAX);
    return (size_t)n;
}

size_t mr_head_note(char ret[MR_NOTE_MAX], const uint8_t ledger[32], const struct mr_head *h,
                    const struct mr_pubkey *key)
{
    char text[MR_HEAD_TEXT_MAX], name[ORIGIN_MAX], base64[128];
    uint8_t id_text[ORIGIN_MAX + 2 + 32], id[32], tail[4 + MR_SIG_BYTES];
    mr_head_text(text, ledger, h);
    origin(name, ledger, h);
    const size_t n = strlen(name);
    memcpy(id_text, name, n);
    id_text[n] = '\n';
    id_text[n + 1] = 1; /* signed-note: Ed25519 */
    memcpy(id_text + n + 2, key->key, 32);
    crypto_hash_sha256(id, id_text, n + 34);
    memcpy(tail, id, 4);
    memcpy(tail + 4, h->sig, MR_SIG_BYTES);
    sodium_bin2base64(base64, sizeof base64, tail, sizeof tail, sodium_base64_VARIANT_ORIGINAL);
    const int len = snprintf(ret, MR_NOTE_MAX, "%s\n\xe2\x80\x94 %s %s\n", text, name, base64);
    mr_assert(len > 0);
    mr_assert(len < MR_NOTE_MAX);
    return (size_t)len;
}

void mr_head_sign(struct mr_head *h, const uint8_t ledger[32], const struct mr_seckey *key)
{
    char text[MR_HEAD_TEXT_MAX];
    const size_t n = mr_head_text(text, ledger, h);
    crypto_sign_ed25519_detached(h->sig, NULL, (const uint8_t *)text, n, key->bytes);
}

bool mr_head_verify(const struct mr_head *h, const uint8_t ledger[32], const struct mr_pubkey *key)
{
    char text[MR_HEAD_TEXT_MAX];
    const size_t n = mr_head_text(text, ledger, h);
    return key->alg == MR_ALG_ED25519 &&
           crypto_sign_ed25519_verify_detached(h->sig, (const uint8_t *)text, n, key->key) == 0;
}
