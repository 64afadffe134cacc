#include "admin/signer.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/order.h"

static const char operator_kind[] = "operator";
static const char governance_kind[] = "governance";
static const uint8_t zero[32];

enum { SLOTS_MAX = 512, FLOORS_MAX = 4 };
_Static_assert(SIGNER_KEPT * 3 + MR_PAGE_MAX * 4 <= SLOTS_MAX, "three chains and a draft fit");

static const char *kind_of(const struct mr_signer_key *key)
{
    return sodium_is_zero(key->association, MR_ACCOUNT_BYTES) ? governance_kind : operator_kind;
}

void signer_make_seed(struct mr_signer_key *key, struct mr_pubkey *ret_public)
{
    struct mr_seckey secret;
    randombytes_buf(key->seed, sizeof key->seed);
    mr_seckey_from_seed(&secret, ret_public, key->seed);
    mr_seckey_done(&secret);
}

/* The encoded key, in guarded memory. */
static enum mr_status encode(struct secret *ret, const struct mr_signer_key *key)
{
    const enum mr_status st = secret_alloc(ret, mr_signer_key_size(key));
    if (st == MR_OK)
        mr_signer_key_encode(key, ret->bytes, ret->len);
    return st;
}

enum mr_status signer_create(const char *path, enum keyfile_profile profile,
                             const struct secret *passphrase, const struct mr_signer_key *key)
{
    struct secret payload = {NULL, 0};
    enum mr_status st = encode(&payload, key);
    if (st == MR_OK)
        st = keyfile_create(NULL, path, kind_of(key), profile, passphrase, payload.bytes,
                            payload.len, false);
    secret_free(&payload);
    return st;
}

enum mr_status signer_probe(bool *ret_governance, const char *path)
{
    enum mr_status st = keyfile_check(path, operator_kind);
    bool governance = false;
    if (st == MR_BAD_KEY) {
        governance = true;
        st = keyfile_check(path, governance_kind);
    }
    if (st == MR_OK)
        *ret_governance = governance;
    return st;
}

static void read_secrets(struct signer *s)
{
    mr_seckey_from_seed(&s->secret, &s->public, s->key->seed);
    s->has_next = !sodium_is_zero(s->key->next_seed, sizeof s->key->next_seed);
    s->use_next = s->use_next && s->has_next;
    if (s->has_next)
        mr_seckey_from_seed(&s->next_secret, &s->next_public, s->key->next_seed);
}

const struct mr_seckey *signer_secret(const struct signer *s)
{
    return s->use_next ? &s->next_secret : &s->secret;
}

static enum mr_status read_payload(struct signer *s)
{
    size_t len;
    const uint8_t *bytes = keyfile_payload(s->file, &len);
    s->key = sodium_malloc(sizeof *s->key);
    if (s->key == NULL)
        return MR_NO_MEMORY;
    if (mr_signer_key_decode(s->key, bytes, len) != MR_OK || s->key->version != SIGNER_VERSION)
        return MR_DAMAGED;
    read_secrets(s);
    return MR_OK;
}

enum mr_status signer_open(struct signer **ret, const char *path, const struct secret *passphrase)
{
    bool governance;
    enum mr_status st = signer_probe(&governance, path);
    if (st != MR_OK)
        return st;
    struct signer *s = calloc(1, sizeof *s);
    if (s == NULL)
        return MR_NO_MEMORY;
    st = keyfile_open(&s->file, path, governance ? governance_kind : operator_kind, passphrase);
    if (st == MR_OK)
        st = read_payload(s);
    if (st != MR_OK) {
        signer_close(s);
        return st;
    }
    *ret = s;
    return MR_OK;
}

void signer_close(struct signer *s)
{
    if (s == NULL)
        return;
    keyfile_close(s->file);
    sodium_free(s->key);
    mr_seckey_done(&s->secret);
    mr_seckey_done(&s->next_secret);
    sodium_memzero(s, sizeof *s);
    free(s);
}

bool signer_is_governance(const struct signer *s)
{
    return kind_of(s->key) == governance_kind;
}

enum mr_status signer_save(struct signer *s)
{
    struct secret payload = {NULL, 0};
    enum mr_status st = encode(&payload, s->key);
    if (st == MR_OK)
        st = keyfile_save(s->file, payload.bytes, payload.len);
    secret_free(&payload);
    return st;
}

/* --- memory of slots ---------------------------------------------------------------------------
 */

static const struct mr_signed_slot *remembered(const struct signer *s, const struct mr_order *o)
{
    for (uint32_t i = 0; i < s->key->slots_count; i++) {
        const struct mr_signed_slot *slot = &s->key->slots[i];
        if (slot->seq == o->seq && memcmp(slot->account, o->account, MR_ACCOUNT_BYTES) == 0)
            return slot;
    }
    return NULL;
}

static uint64_t floor_of(const struct signer *s, const uint8_t account[MR_ACCOUNT_BYTES])
{
    for (uint32_t i = 0; i < s->key->floors_count; i++)
        if (memcmp(s->key->floors[i].account, account, MR_ACCOUNT_BYTES) == 0)
            return s->key->floors[i].seq;
    return 0;
}

/* Chains this key stands in the key set of. */
static bool is_own_chain(const struct signer *s, const uint8_t account[MR_ACCOUNT_BYTES])
{
    const enum mr_account_class classes[] = {MR_CLASS_DESK, MR_CLASS_TREASURY};
    uint8_t id[MR_ACCOUNT_BYTES];
    if (signer_is_governance(s)) {
        mr_sub_account(id, NULL, MR_CLASS_SYSTEM);
        return memcmp(id, account, sizeof id) == 0;
    }
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        mr_sub_account(id, s->key->association, classes[i]);
        if (memcmp(id, account, sizeof id) == 0)
            return true;
    }
    return false;
}

/* Its own chains, and members' for a TAKEOVER. Nothing else is signed or remembered. */
static bool may_sign(const struct signer *s, const struct mr_order *o)
{
    return is_own_chain(s, o->account) ||
           (o->body.kind == MR_KIND_TAKEOVER && !signer_is_governance(s));
}

/* Whether an order that was signed before can certainly never settle any more, because it does not
 * stand on what settled, stands on one that is itself dead, or is past its last day. A clock that
 * is a little wrong must not free a slot. */
static bool is_dead(const struct mr_signed_slot *slot, const uint8_t *settled, const uint8_t *dead,
                    uint64_t now_ms)
{
    return (settled != NULL && memcmp(slot->prev, settled, MR_HASH_BYTES) != 0) ||
           (dead != NULL && memcmp(slot->prev, dead, MR_HASH_BYTES) == 0) ||
           slot->not_after_ms + UINT64_C(2) * MR_CLOCK_AHEAD_MS < now_ms;
}

enum mr_status signer_allows(const struct signer *s, size_t *ret_at,
                             const struct mr_signed_order *orders, size_t count,
                             const struct signer_view *view)
{
    const uint8_t *dead = NULL; /* id of the dead order in the slot before */
    for (size_t i = 0; i < count; i++) {
        const struct mr_order *o = &orders[i].order;
        const struct mr_signed_slot *slot = remembered(s, o);
        uint8_t id[MR_HASH_BYTES];
        mr_order_id(id, o);
        *ret_at = i;
        if (!may_sign(s, o))
            return MR_WRONG_CHAIN;
        if (slot == NULL && o->seq <= floor_of(s, o->account))
            return MR_SEQ_OLD;
        if (slot == NULL || memcmp(slot->order, id, sizeof id) == 0) {
            dead = NULL;
            continue;
        }
        if (!is_dead(slot, i == 0 ? view->settled : NULL, dead, view->now_ms))
            return MR_SLOT_TAKEN;
        dead = slot->order;
    }
    return MR_OK;
}

bool signer_remembers(const struct signer *s, const struct mr_signed_order *orders, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct mr_signed_slot *slot = remembered(s, &orders[i].order);
        uint8_t id[MR_HASH_BYTES];
        mr_order_id(id, &orders[i].order);
        if (slot == NULL || memcmp(slot->order, id, sizeof id) != 0)
            return false;
    }
    return true;
}

static int slot_order(const void *a, const void *b)
{
    const struct mr_signed_slot *x = a, *y = b;
    const int by_account = memcmp(x->account, y->account, MR_ACCOUNT_BYTES);
    if (by_account != 0)
        return by_account;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void raise_floor(struct mr_signer_key *key, const struct mr_signed_slot *slot)
{
    for (uint32_t i = 0; i < key->floors_count; i++) {
        if (memcmp(key->floors[i].account, slot->account, MR_ACCOUNT_BYTES) == 0) {
            if (key->floors[i].seq < slot->seq)
                key->floors[i].seq = slot->seq;
            return;
        }
    }
    mr_assert(key->floors_count < FLOORS_MAX);
    struct mr_state_slot_ref *floor = &key->floors[key->floors_count++];
    memcpy(floor->account, slot->account, MR_ACCOUNT_BYTES);
    floor->seq = slot->seq;
}

/* There are many members' chains: what was signed there is kept until nobody votes for it, by any
 * clock. Governance has no such places. */
static void forget_takeovers(struct signer *s, uint64_t now_ms)
{
    struct mr_signer_key *const key = s->key;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < key->slots_count; i++)
        if (signer_is_governance(s) || is_own_chain(s, key->slots[i].account) ||
            key->slots[i].not_after_ms + MR_DAY_MS >= now_ms)
            key->slots[kept++] = key->slots[i];
    key->slots_count = kept;
}

/* Keep the newest slots of each chain; what is older can only be refused. */
static void forget_old(struct mr_signer_key *key)
{
    uint32_t kept = 0;
    qsort(key->slots, key->slots_count, sizeof key->slots[0], slot_order);
    for (uint32_t i = 0; i < key->slots_count; i++) {
        const uint32_t later = i + SIGNER_KEPT;
        if (later < key->slots_count &&
            memcmp(key->slots[i].account, key->slots[later].account, MR_ACCOUNT_BYTES) == 0)
            raise_floor(key, &key->slots[i]);
        else
            key->slots[kept++] = key->slots[i];
    }
    key->slots_count = kept;
}

static void keep_slot(struct mr_signer_key *key, const struct mr_signed_slot *slot)
{
    for (uint32_t i = 0; i < key->slots_count; i++) {
        if (slot_order(&key->slots[i], slot) == 0) {
            key->slots[i] = *slot;
            return;
        }
    }
    mr_assert(key->slots_count < SLOTS_MAX);
    key->slots[key->slots_count++] = *slot;
}

static void remember(struct mr_signer_key *key, const struct mr_order *o)
{
    struct mr_signed_slot slot = {.seq = o->seq, .not_after_ms = o->not_after_ms};
    memcpy(slot.account, o->account, sizeof slot.account);
    memcpy(slot.prev, o->prev, sizeof slot.prev);
    mr_order_id(slot.order, o);
    keep_slot(key, &slot);
}

enum mr_status signer_sign(struct signer *s, struct mr_signed_order *orders, size_t count,
                           const struct signer_view *view)
{
    size_t at;
    enum mr_status st = signer_allows(s, &at, orders, count, view);
    if (st != MR_OK)
        return st;
    mr_assert(count <= MR_PAGE_MAX);
    struct mr_signer_key *before = sodium_malloc(sizeof *before);
    if (before == NULL)
        return MR_NO_MEMORY;
    memcpy(before, s->key, sizeof *before);
    forget_takeovers(s, view->now_ms);
    for (size_t i = 0; i < count; i++)
        remember(s->key, &orders[i].order);
    forget_old(s->key);
    st = signer_save(s);
    if (st != MR_OK)
        memcpy(s->key, before, sizeof *before);
    sodium_free(before);
    for (size_t i = 0; st == MR_OK && i < count; i++)
        mr_order_sign(&orders[i], s->key->key_index, signer_secret(s));
    return st;
}

/* Kept as a slot of the nodes' chain, which nobody signs orders of with these keys. */
static enum mr_status remember_epoch(struct signer *s, uint32_t epoch, const uint8_t hash[32],
                                     bool again)
{
    struct mr_order place = {.seq = epoch, .not_after_ms = MR_TIME_MS_MAX};
    struct mr_signed_slot slot = {.seq = place.seq, .not_after_ms = place.not_after_ms};
    mr_sub_account(place.account, NULL, MR_CLASS_CHECKPOINTS);
    memcpy(slot.account, place.account, sizeof slot.account);
    memcpy(slot.order, hash, sizeof slot.order);
    const struct mr_signed_slot *known = remembered(s, &place);
    if (known != NULL && memcmp(known->order, slot.order, sizeof slot.order) != 0 && !again)
        return MR_SLOT_TAKEN;
    keep_slot(s->key, &slot);
    forget_old(s->key);
    return signer_save(s);
}

enum mr_status signer_sign_restart(struct signer *s, struct mr_signed_restart *restart, bool again)
{
    uint8_t bytes[sizeof restart->restart], hash[32];
    mr_hash(hash, "mereau/restart", bytes,
            mr_restart_encode(&restart->restart, bytes, sizeof bytes), NULL, 0);
    const enum mr_status st = remember_epoch(s, restart->restart.epoch, hash, again);
    if (st == MR_OK)
        mr_restart_sign(restart, s->key->key_index, &s->secret);
    return st;
}

enum mr_status signer_sign_regroup(struct signer *s, struct mr_signed_regroup *regroup, bool again)
{
    uint8_t bytes[sizeof regroup->regroup], hash[32];
    mr_hash(hash, "mereau/regroup", bytes,
            mr_regroup_encode(&regroup->regroup, bytes, sizeof bytes), NULL, 0);
    const enum mr_status st = remember_epoch(s, regroup->regroup.next.epoch, hash, again);
    if (st == MR_OK)
        mr_regroup_sign(regroup, s->key->key_index, &s->secret);
    return st;
}

/* --- another key -------------------------------------------------------------------------------
 */

enum mr_status signer_prepare_next(struct signer *s)
{
    if (s->has_next)
        return MR_OK;
    randombytes_buf(s->key->next_seed, sizeof s->key->next_seed);
    const enum mr_status st = signer_save(s);
    if (st != MR_OK)
        memcpy(s->key->next_seed, zero, sizeof zero);
    read_secrets(s);
    return st;
}

enum mr_status signer_adopt_next(struct signer *s)
{
    mr_assert(s->has_next);
    struct secret old = {NULL, 0};
    enum mr_status st = secret_copy(&old, s->key->seed, sizeof s->key->seed);
    if (st != MR_OK)
        return st;
    memcpy(s->key->seed, s->key->next_seed, sizeof s->key->seed);
    memcpy(s->key->next_seed, zero, sizeof zero);
    st = signer_save(s);
    if (st != MR_OK) {
        memcpy(s->key->next_seed, s->key->seed, sizeof s->key->seed);
        memcpy(s->key->seed, old.bytes, sizeof s->key->seed);
    }
    secret_free(&old);
    read_secrets(s);
    return st;
}
