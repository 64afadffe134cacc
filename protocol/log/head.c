#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "log/note.h"
#include "mereau/assert.h"
#include "mereau/id.h"
#include "mereau/log.h"

enum { ORIGIN_MAX = MRI_NOTE_NAME_MAX };

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
    char text[MR_HEAD_TEXT_MAX], name[ORIGIN_MAX];
    mr_head_text(text, ledger, h);
    origin(name, ledger, h);
    const struct mri_note_line line = {.name = name,
                                       .name_len = strlen(name),
                                       .type = 1, /* Ed25519 */
                                       .key = key->key,
                                       .body = h->sig,
                                       .body_len = sizeof h->sig};
    const int n = snprintf(ret, MR_NOTE_MAX, "%s\n", text);
    mr_assert(n > 0);
    mr_assert(n < MR_NOTE_MAX);
    return (size_t)n + mri_note_line(ret + n, MR_NOTE_MAX - (size_t)n, &line);
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
