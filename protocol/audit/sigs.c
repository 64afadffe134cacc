/* What is signed (ENC-9, LOG-5), and the batches that callers verify on their threads. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "audit/state.h"

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

void mri_aud_digest(uint8_t ret[32], enum mr_purpose why, const uint8_t ledger[32], uint32_t epoch,
                    const uint8_t *record, size_t len)
{
    const char *const text = purpose_text(why);
    const uint8_t alg = MR_ALG_ED25519;
    const uint8_t e[4] = {(uint8_t)(epoch >> 24), (uint8_t)(epoch >> 16), (uint8_t)(epoch >> 8),
                          (uint8_t)epoch};
    crypto_generichash_state st;
    crypto_generichash_init(&st, NULL, 0, 32);
    crypto_generichash_update(&st, (const uint8_t *)text, strlen(text) + 1);
    crypto_generichash_update(&st, &alg, 1);
    crypto_generichash_update(&st, ledger, 32);
    crypto_generichash_update(&st, e, sizeof e);
    crypto_generichash_update(&st, record, len);
    crypto_generichash_final(&st, ret, 32);
}

size_t mri_aud_head_text(char *ret, size_t cap, const uint8_t ledger[32], const struct mr_head *h)
{
    char hex[65], root[sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_ORIGINAL)];
    sodium_bin2hex(hex, sizeof hex, ledger, 32);
    sodium_bin2base64(root, sizeof root, h->root, 32, sodium_base64_VARIANT_ORIGINAL);
    const int n = snprintf(ret, cap, "mereau/%s/%u/%u/%u\n%llu\n%s\ntime %llu\n", hex,
                           (unsigned)h->epoch, (unsigned)h->node, (unsigned)h->generation,
                           (unsigned long long)h->size, root, (unsigned long long)h->time_ms);
    mr_assert(n > 0);
    mr_assert((size_t)n < cap);
    return (size_t)n;
}

static struct mr_audit_batch *empty_batch(struct mr_audit *a)
{
    struct mr_audit_batch *const b = a->spares;
    if (b == NULL)
        return mri_aud_get(a, sizeof *b);
    a->spares = b->next;
    b->next = NULL;
    b->count = 0;
    return b;
}

void mri_aud_batches_done(struct mr_audit *a)
{
    while (a->spares != NULL) {
        struct mr_audit_batch *const b = empty_batch(a);
        mri_aud_put(a, b->sigs);
        mri_aud_put(a, b);
    }
    if (a->batch != NULL)
        mri_aud_put(a, a->batch->sigs);
    mri_aud_put(a, a->batch);
}

void mri_aud_sign_job(struct mr_audit *a, const char *rule, const char *what, const uint8_t *text,
                      size_t len, const uint8_t sig[64], const uint8_t key[32], uint32_t key_index)
{
    if (a->batch == NULL)
        a->batch = empty_batch(a);
    if (a->batch == NULL)
        return;
    void *sigs = a->batch->sigs;
    if (!mri_aud_room(a, &sigs, &a->batch->cap, a->batch->count, sizeof *a->batch->sigs))
        return;
    a->batch->sigs = sigs;
    struct mri_aud_sig *const s = &a->batch->sigs[a->batch->count++];
    mr_assert(len <= sizeof s->text);
    memcpy(s->text, text, len);
    s->text_len = len;
    memcpy(s->sig, sig, 64);
    memcpy(s->key, key, 32);
    s->rule = rule;
    s->what = what;
    s->turn = a->turn;
    s->entry = a->entry;
    s->key_index = key_index;
    s->has_slot = a->has_slot;
    memcpy(s->account, a->account, 16);
    s->seq = a->seq;
    s->good = false;
}

void mri_aud_check_sigs(struct mr_audit *a, const struct mri_aud_signers *by,
                        const struct mr_sig *sigs, uint32_t count, const uint8_t digest[32])
{
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = sigs[i].key_index;
        if (at >= by->keys_count || (i > 0 && at <= sigs[i - 1].key_index)) {
            mri_aud_u64(a, by->rule, MR_BAD_SIGNATURE, "key index of a signature",
                        i == 0 ? 0 : sigs[i - 1].key_index + 1, at);
            return;
        }
        mri_aud_sign_job(a, by->rule, by->what, digest, 32, sigs[i].sig, by->keys[at].key, at);
    }
    if (count < by->threshold)
        mri_aud_u64(a, by->rule, MR_SIGNATURES_MISSING, by->number, by->threshold, count);
}

/* LED-10.4 */
static void check_owner(struct mr_audit *a, const struct mr_pubkey *keys, uint32_t keys_count,
                        uint32_t threshold, const struct mr_sig *sigs, uint32_t count,
                        const uint8_t digest[32])
{
    const struct mri_aud_signers by = {
        "LED-10", "signature of the owner", "number of signatures", keys, keys_count, threshold};
    mri_aud_check_sigs(a, &by, sigs, count, digest);
}

void mri_aud_owner_sigs(struct mr_audit *a, const struct mri_aud_account *account,
                        const struct mr_sig *sigs, uint32_t count, enum mr_purpose why,
                        const uint8_t *record, size_t len)
{
    const struct mri_aud_cold *const x = &account->cold;
    uint8_t digest[32];
    mri_aud_digest(digest, why, a->ledger, 0, record, len);
    check_owner(a, x->keys, x->key_count, x->threshold, sigs, count, digest);
}

void mri_aud_named_sigs(struct mr_audit *a, const struct mr_keyset *keys,
                        const struct mr_signed_order *so, const uint8_t *record, size_t len)
{
    uint8_t digest[32];
    mri_aud_digest(digest, MR_PURPOSE_ORDER, a->ledger, 0, record, len);
    check_owner(a, keys->keys, keys->keys_count, keys->threshold, so->sigs, so->sigs_count, digest);
}

/* LED-6 */
bool mri_aud_keyset_right(const struct mr_keyset *keys, enum mr_account_class class)
{
    if (keys->keys_count == 0 || keys->threshold == 0 || keys->threshold > keys->keys_count)
        return false;
    if ((class == MR_CLASS_TREASURY || class == MR_CLASS_SYSTEM) &&
        2 * keys->threshold <= keys->keys_count)
        return false;
    if (class == MR_CLASS_DESK && keys->threshold != 1)
        return false;
    for (uint32_t i = 0; i < keys->keys_count; i++) {
        if (!mr_pubkey_usable(&keys->keys[i]))
            return false;
        for (uint32_t k = 0; k < i; k++) {
            if (memcmp(keys->keys[i].key, keys->keys[k].key, MR_KEY_BYTES) == 0)
                return false;
        }
    }
    return true;
}

size_t mr_audit_pending(const struct mr_audit *a)
{
    return a->batch == NULL ? 0 : a->batch->count;
}

struct mr_audit_batch *mr_audit_take(struct mr_audit *a)
{
    struct mr_audit_batch *const b = a->batch;
    a->batch = NULL;
    return b;
}

size_t mr_audit_batch_count(const struct mr_audit_batch *b)
{
    return b->count;
}

void mr_audit_verify(struct mr_audit_batch *b, size_t i)
{
    struct mri_aud_sig *const s = &b->sigs[i];
    s->good = crypto_sign_ed25519_verify_detached(s->sig, s->text, s->text_len, s->key) == 0;
}

void mr_audit_give(struct mr_audit *a, struct mr_audit_batch *b)
{
    if (b == NULL)
        return;
    const uint64_t turn = a->turn;
    const uint32_t entry = a->entry;
    for (size_t i = 0; i < b->count; i++) {
        const struct mri_aud_sig *const s = &b->sigs[i];
        if (s->good)
            continue;
        char expected[MR_AUDIT_TEXT_MAX], found[2 * MR_SIG_BYTES + 1], key[65];
        sodium_bin2hex(key, sizeof key, s->key, 32);
        snprintf(expected, sizeof expected, "a signature by key %u, %s", (unsigned)s->key_index,
                 key);
        sodium_bin2hex(found, sizeof found, s->sig, sizeof s->sig);
        a->turn = s->turn;
        a->entry = s->entry;
        mri_aud_at(a, s->has_slot ? s->account : NULL, s->seq);
        mri_aud_text(a, s->rule, MR_BAD_SIGNATURE, s->what, expected, found);
    }
    a->totals.signatures += b->count;
    a->turn = turn;
    a->entry = entry;
    mri_aud_at(a, NULL, 0);
    b->next = a->spares;
    a->spares = b;
}

void mri_aud_verify_now(struct mr_audit *a)
{
    struct mr_audit_batch *const b = mr_audit_take(a);
    for (size_t i = 0; b != NULL && i < b->count; i++)
        mr_audit_verify(b, i);
    mr_audit_give(a, b);
}
