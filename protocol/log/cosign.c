/* Cosignatures of witnesses, C2SP cosignature/v1: LOG-7. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "log/note.h"
#include "mereau/assert.h"
#include "mereau/log.h"

enum { TEXT_MAX = 64 + MR_HEAD_TEXT_MAX };

static size_t signed_text(char ret[TEXT_MAX], const struct mr_head *h, const uint8_t ledger[32],
                          uint64_t time_s)
{
    char head[MR_HEAD_TEXT_MAX];
    mr_head_text(head, ledger, h);
    const int n =
        snprintf(ret, TEXT_MAX, "cosignature/v1\ntime %llu\n%s", (unsigned long long)time_s, head);
    mr_assert(n > 0);
    mr_assert(n < TEXT_MAX);
    return (size_t)n;
}

void mr_cosignature_sign(struct mr_cosignature *c, const struct mr_head *h,
                         const uint8_t ledger[32], const struct mr_seckey *key,
                         const struct mr_pubkey *public, uint64_t time_s)
{
    char text[TEXT_MAX];
    memcpy(c->key, public->key, MR_KEY_BYTES);
    c->time_s = time_s;
    const size_t n = signed_text(text, h, ledger, time_s);
    crypto_sign_ed25519_detached(c->sig, NULL, (const uint8_t *)text, n, key->bytes);
}

bool mr_cosignature_verify(const struct mr_cosignature *c, const struct mr_head *h,
                           const uint8_t ledger[32])
{
    char text[TEXT_MAX];
    struct mr_pubkey key = {.alg = MR_ALG_ED25519};
    memcpy(key.key, c->key, MR_KEY_BYTES);
    const size_t n = signed_text(text, h, ledger, c->time_s);
    return mr_pubkey_usable(&key) &&
           crypto_sign_ed25519_verify_detached(c->sig, (const uint8_t *)text, n, c->key) == 0;
}

bool mr_cosignatures_verify(const struct mr_cosignature *list, uint32_t count,
                            const struct mr_head *h, const uint8_t ledger[32])
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (memcmp(list[i].key, list[k].key, MR_KEY_BYTES) == 0)
                return false;
        }
        if (!mr_cosignature_verify(&list[i], h, ledger))
            return false;
    }
    return true;
}

size_t mr_cosignature_line(char ret[MR_COSIGNATURE_LINE_MAX], const struct mr_cosignature *c)
{
    uint8_t body[8 + MR_SIG_BYTES];
    for (unsigned i = 0; i < 8; i++)
        body[i] = (uint8_t)(c->time_s >> (56 - 8 * i));
    memcpy(body + 8, c->sig, MR_SIG_BYTES);
    const struct mri_note_line line = {.name = c->name,
                                       .name_len = c->name_len,
                                       .type = 4, /* cosignature/v1 by Ed25519 */
                                       .key = c->key,
                                       .body = body,
                                       .body_len = sizeof body};
    return mri_note_line(ret, MR_COSIGNATURE_LINE_MAX, &line);
}

bool mr_is_witness(const struct mr_witness_set *w, const uint8_t key[MR_KEY_BYTES])
{
    for (uint32_t i = 0; i < w->members_count; i++)
        if (memcmp(w->members[i].key.key, key, MR_KEY_BYTES) == 0)
            return true;
    return false;
}

uint32_t mr_cosigned_by(const struct mr_witness_set *w, const struct mr_cosignature *list,
                        uint32_t count)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        n += mr_is_witness(w, list[i].key);
    return n;
}
