/* Reserve between associations: LED-31. */
#include <string.h>

#include "audit/state.h"

static void keyset_hash(uint8_t ret[32], const struct mr_keyset *keys)
{
    uint8_t bytes[sizeof *keys];
    mr_hash(ret, "mereau/keyset", bytes, mr_keyset_encode(keys, bytes, sizeof bytes), NULL, 0);
}

/* The key set that an account has now. */
static void present_hash(uint8_t ret[32], const struct mri_aud_account *x)
{
    struct mr_keyset keys = {.threshold = x->cold.threshold, .keys_count = x->cold.key_count};
    memcpy(keys.keys, x->cold.keys, x->cold.key_count * sizeof *x->cold.keys);
    keyset_hash(ret, &keys);
}

void mri_aud_keep_past_keys(struct mr_audit *a, struct mri_aud_account *treasury, uint64_t time_ms)
{
    struct mri_aud_past_keys *const p = mri_aud_get(a, sizeof *p);
    if (p == NULL)
        return;
    p->older = treasury->cold.past;
    p->made_before = a->past_keys;
    a->past_keys = p;
    p->generation = treasury->cold.generation;
    p->until_ms =
        time_ms < MR_TIME_MS_MAX - MR_PAST_KEYS_MS ? time_ms + MR_PAST_KEYS_MS : MR_TIME_MS_MAX;
    present_hash(p->hash, treasury);
    treasury->cold.past = p;
}

/* What a treasury had as that generation of its keys, when that still counts for the order. */
static bool key_set_of(struct mr_audit *a, struct mri_aud_case *c, uint8_t ret[32],
                       const struct mri_aud_account *treasury, uint32_t generation)
{
    const struct mri_aud_past_keys *p = treasury->cold.past;
    if (generation > treasury->cold.generation) {
        mri_aud_wrong(a, c, MR_KEYS_UNKNOWN, "generation of a treasury's keys, at most",
                      treasury->cold.generation, generation);
        return false;
    }
    if (generation == treasury->cold.generation) {
        present_hash(ret, treasury);
        return true;
    }
    for (uint32_t i = 0; p != NULL && p->generation != generation; i++)
        p = i + 1 < MR_PAST_KEYS_MAX ? p->older : NULL;
    if (p == NULL)
        mri_aud_wrong(a, c, MR_KEYS_OLD, "generation of a treasury's keys",
                      treasury->cold.generation, generation);
    else if (c->order->time_ms >= p->until_ms)
        mri_aud_wrong(a, c, MR_KEYS_OLD, "time of an order with replaced keys, before",
                      (int64_t)p->until_ms, (int64_t)c->order->time_ms);
    else
        memcpy(ret, p->hash, 32);
    return !c->wrong;
}

bool mri_aud_keys_named(struct mr_audit *a, struct mri_aud_case *c,
                        const struct mri_aud_account *treasury, uint32_t generation,
                        const struct mr_keyset *keys)
{
    uint8_t right[32], named[32];
    char e[65], f[65];
    if (c->wrong || !key_set_of(a, c, right, treasury, generation))
        return false;
    keyset_hash(named, keys);
    if (memcmp(right, named, 32) == 0)
        return true;
    mr_hex_format(e, right, 32);
    mr_hex_format(f, named, 32);
    mri_aud_wrong_text(a, c, MR_BAD_KEY, "key set of a treasury", e, f);
    return false;
}

static void check_sigs(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_clear *const k = &c->order->body.u.clear;
    uint8_t bytes[sizeof k->clearing], digest[32];
    mri_aud_digest(digest, MR_PURPOSE_CLEAR, a->ledger, 0, bytes,
                   mr_clearing_encode(&k->clearing, bytes, sizeof bytes));
    for (uint32_t i = 0; i < k->sigs_count; i++) {
        const uint32_t at = k->sigs[i].key_index;
        if (at >= k->keys.keys_count || (i > 0 && at <= k->sigs[i - 1].key_index)) {
            mri_aud_wrong(a, c, MR_BAD_SIGNATURE, "key index of a countersignature",
                          i == 0 ? 0 : k->sigs[i - 1].key_index + 1, at);
            return;
        }
        mri_aud_sign_job(a, "LED-31", "countersignature", digest, sizeof digest, k->sigs[i].sig,
                         k->keys.keys[at].key, at);
    }
    if (k->sigs_count < k->keys.threshold)
        mri_aud_wrong(a, c, MR_SIGNATURES_MISSING, "number of countersignatures", k->keys.threshold,
                      k->sigs_count);
}

void mri_aud_check_clear(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_clearing *const k = &c->order->body.u.clear.clearing;
    const struct mri_aud_account *const reserve = a->of[c->home].reserve;
    const int to = mri_aud_association(a, k->to);
    char hex[33];
    mr_hex_format(hex, k->to, 16);
    if (to < 0 || to == c->home) {
        mri_aud_wrong_text(a, c, to < 0 ? MR_NOT_FOUND : MR_PAYEE_SELF, "association cleared with",
                           "another one of the charter", hex);
        return;
    }
    mri_aud_plan(c, a->of[c->home].issuer, 0, k->amount);
    mri_aud_plan(c, a->of[to].issuer, 0, -k->amount);
    mri_aud_plan(c, a->of[c->home].reserve, 1, -k->amount);
    mri_aud_plan(c, a->of[to].reserve, 1, k->amount);
    c->planned = true;
    mr_hex_format(hex, k->from, 16);
    if (mri_aud_association(a, k->from) != c->home)
        mri_aud_wrong_text(a, c, MR_NOT_YOURS, "association that clears", "this one", hex);
    if (c->account->cold.cleared + k->amount > MR_CLEAR_MAX && !c->account->blurred)
        mri_aud_wrong(a, c, MR_AMOUNT_TOO_LARGE, "cleared by this treasury, at most", MR_CLEAR_MAX,
                      c->account->cold.cleared + k->amount);
    mri_aud_check_ref(a, c, k->bank_ref);
    if (a->incomplete) /* the keys may have been others */
        a->totals.orders_unchecked++;
    else if (mri_aud_keys_named(a, c, a->of[to].treasury, c->order->body.u.clear.generation,
                                &c->order->body.u.clear.keys))
        check_sigs(a, c);
    if (reserve->hot.balance[1] < k->amount)
        mri_aud_wrong(a, c, MR_COVERAGE, "reserve, at least", k->amount, reserve->hot.balance[1]);
}
