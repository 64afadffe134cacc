#include "wallet/memo.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/term.h"
#include "mereau/id.h"

static const char key_word[] = "memo-key:";

enum mr_status memo_seal(struct mr_memo_box *ret, const struct mr_order *order, const char *memo,
                         size_t len, const uint8_t payer[MR_KEY_BYTES],
                         const uint8_t payee[MR_KEY_BYTES])
{
    const uint8_t *const text = (const uint8_t *)memo;
    *ret = (struct mr_memo_box){0};
    mr_order_id(ret->order, order);
    if (crypto_box_seal(ret->payer, text, len, payer) != 0)
        return MR_BAD_KEY;
    ret->payer_len = (uint32_t)(len + crypto_box_SEALBYTES);
    if (payee == NULL)
        return MR_OK;
    if (crypto_box_seal(ret->payee, text, len, payee) != 0)
        return MR_BAD_KEY;
    ret->payee_len = ret->payer_len;
    return MR_OK;
}

static bool open_box(uint8_t *ret, size_t *ret_len, const uint8_t *box, size_t len,
                     const uint8_t secret[MR_KEY_BYTES])
{
    uint8_t public[MR_KEY_BYTES];
    if (len < crypto_box_SEALBYTES || len - crypto_box_SEALBYTES > MR_MEMO_MAX ||
        crypto_scalarmult_curve25519_base(public, secret) != 0 ||
        crypto_box_seal_open(ret, box, len, public, secret) != 0)
        return false;
    *ret_len = len - crypto_box_SEALBYTES;
    return true;
}

/* Key i of the wallet: the present one, then those given up. NULL behind the last. */
static const uint8_t *key_at(const struct wallet *w, uint32_t i)
{
    const struct mr_wallet_secret *const stored = &w->keys->stored;
    if (i == 0)
        return w->keys->memo_secret;
    return i <= stored->memo_keys_count ? stored->memo_keys[i - 1].secret : NULL;
}

enum mr_status memo_open(char *ret, const struct wallet *w, const struct mr_order *order,
                         const struct mr_memo_box *box)
{
    const uint8_t none[MR_HASH_BYTES] = {0};
    uint8_t text[MR_MEMO_MAX + 1], hash[MR_HASH_BYTES];
    const uint8_t *key;
    size_t len = 0;
    if (box == NULL || memcmp(order->memo, none, sizeof none) == 0)
        return MR_NOT_FOUND;
    for (uint32_t i = 0; (key = key_at(w, i)) != NULL; i++)
        if (open_box(text, &len, box->payer, box->payer_len, key) ||
            open_box(text, &len, box->payee, box->payee_len, key))
            break;
    if (key == NULL)
        return MR_NOT_FOUND;
    mr_memo_hash(hash, order->salt, (const char *)text, len);
    if (memcmp(hash, order->memo, sizeof hash) != 0)
        return MR_CHECK_FAILED;
    text[len] = '\0';
    memcpy(ret, text, len + 1);
    if (order->body.kind != MR_KIND_SETKEYS)
        text_clean(ret);
    sodium_memzero(text, sizeof text);
    return MR_OK;
}

/* --- keys that were given up ------------------------------------------------------------------ */

void memo_key_text(char ret[MEMO_KEY_TEXT_MAX], const struct wallet *w)
{
    memcpy(ret, key_word, sizeof key_word);
    mr_hex_format(ret + sizeof key_word - 1, w->keys->memo_secret, MR_KEY_BYTES);
}

static bool known(const struct wallet *w, const uint8_t secret[MR_KEY_BYTES])
{
    const uint8_t *key;
    for (uint32_t i = 0; (key = key_at(w, i)) != NULL; i++)
        if (sodium_memcmp(key, secret, MR_KEY_BYTES) == 0)
            return true;
    return false;
}

/* Takes the key that this slot's order hands on; true when it is new. */
static bool take_key(struct wallet *w, const struct slot *s)
{
    struct mr_wallet_secret *const stored = &w->keys->stored;
    struct mr_signed_order o;
    char text[MR_MEMO_MAX + 1];
    uint8_t secret[MR_KEY_BYTES];
    if (s->order == NULL || s->memo == NULL || stored->memo_keys_count == 64)
        return false;
    wallet_order(&o, s);
    if (o.order.body.kind != MR_KIND_SETKEYS || memo_open(text, w, &o.order, s->memo) != MR_OK)
        return false;
    const bool is_new = strncmp(text, key_word, sizeof key_word - 1) == 0 &&
                        mr_hex_parse(secret, sizeof secret, text + sizeof key_word - 1) == MR_OK &&
                        !known(w, secret);
    if (is_new)
        memcpy(stored->memo_keys[stored->memo_keys_count++].secret, secret, sizeof secret);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(text, sizeof text);
    return is_new;
}

enum mr_status memo_recover_keys(struct wallet *w, struct out *out)
{
    bool changed = false;
    for (size_t i = w->slot_count; i > 0; i--)
        changed = take_key(w, &w->slots[i - 1]) || changed;
    return changed ? wallet_save(w, out, &w->keys->stored) : MR_OK;
}
