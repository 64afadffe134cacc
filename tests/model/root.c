/* LED-50, by the recursive definition of RFC 6962. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/codec.h"
#include "model/model.h"

enum { LEAF_MAX = 8192, LEAVES_MAX = 8192 };

struct leaves {
    struct leaf {
        uint8_t key[64]; /* table first, then what the table is sorted by */
        uint8_t hash[32];
    } l[LEAVES_MAX];
    uint32_t count;
    uint8_t bytes[LEAF_MAX];
};

static void add(struct leaves *t, uint8_t table, const void *key, size_t key_len, size_t len)
{
    crypto_hash_sha256_state s;
    struct leaf *l = &t->l[t->count++];
    const uint8_t head[2] = {0, table};
    memset(l->key, 0, sizeof l->key);
    l->key[0] = table;
    memcpy(l->key + 1, key, key_len);
    crypto_hash_sha256_init(&s);
    crypto_hash_sha256_update(&s, head, 2);
    crypto_hash_sha256_update(&s, t->bytes, len);
    crypto_hash_sha256_final(&s, l->hash);
}

static int by_key(const void *a, const void *b)
{
    return memcmp(((const struct leaf *)a)->key, ((const struct leaf *)b)->key, 64);
}

static void tree(uint8_t ret[32], const struct leaf *l, uint32_t n)
{
    uint8_t in[65] = {1};
    uint32_t k = 1;
    if (n == 1) {
        memcpy(ret, l[0].hash, 32);
        return;
    }
    while (2 * k < n)
        k *= 2;
    tree(in + 1, l, k);
    tree(in + 33, l + k, n - k);
    crypto_hash_sha256(ret, in, sizeof in);
}

static void put_past(const struct model *m, struct mr_past_keys *ret, const struct m_keys *k,
                     uint64_t until_ms)
{
    static struct mr_keyset keys;
    uint8_t bytes[1024];
    memset(&keys, 0, sizeof keys);
    model_keyset(m, &keys, k);
    mr_hash(ret->hash, "mereau/keyset", bytes, mr_keyset_encode(&keys, bytes, sizeof bytes), NULL,
            0);
    ret->until_ms = until_ms;
}

static void put_recovery(struct mr_recovery *ret, const struct m_recovery *r)
{
    uint8_t bytes[2048];
    ret->seq = r->seq;
    ret->ready_ms = r->ready_ms;
    mr_hash(ret->hash, "mereau/recovery", bytes, mr_setkeys_encode(&r->keys, bytes, sizeof bytes),
            NULL, 0);
}

static void put_account(struct model *m, struct leaves *t, const struct m_account *a)
{
    static struct mr_state_account s;
    static struct mr_state_chain c;
    memset(&s, 0, sizeof s);
    memset(&c, 0, sizeof c);
    memcpy(s.id, a->id, 16);
    s.class = a->class;
    if (a->home != NO_HOME)
        memcpy(s.association, m->charter->associations[a->home].id, 16);
    model_keyset(m, &s.keys, &a->keys);
    if (a->class == MR_CLASS_CHECKPOINTS) {
        s.keys.threshold = s.keys.keys_count = 1;
        s.keys.keys[0] = m->charter->nodes[0].log_key;
    }
    s.generation = a->generation;
    memcpy(s.enc_key, a->enc_key, 32);
    memcpy(s.reader_key, a->reader_key, 32);
    s.frozen = a->frozen;
    s.closed = a->closed;
    s.credit = a->credit;
    s.limit_payment = a->limits[0];
    s.limit_day = a->limits[1];
    s.limit_month = a->limits[2];
    s.opened_ms = a->opened_ms;
    s.issued = a->issued;
    s.cleared = a->cleared;
    s.past_count = a->past_count;
    for (uint32_t i = 0; i < a->past_count; i++)
        put_past(m, &s.past[i], &a->past[i].keys, a->past[i].until_ms);
    s.stopped = a->stopped;
    s.lowered_count = a->lowered;
    s.lowered[0] = (struct mr_terms){a->most_credit, a->most[0], a->most[1], a->most[2]};
    for (uint32_t i = 0; i < a->recoveries_count; i++)
        if (model_recovery(a, a->recoveries[i].seq) != NULL)
            put_recovery(&s.recoveries[s.recoveries_count++], &a->recoveries[i]);
    c.next_seq = a->next;
    memcpy(c.head, a->head, 32);
    c.time_ms = a->time_ms;
    c.day = a->day;
    c.day_spent = a->day_spent;
    c.month = a->month;
    c.month_spent = a->month_spent;
    c.balances_count = UNITS;
    for (uint32_t i = 0; i < UNITS; i++)
        c.balances[i].minor = a->balance[i];
    const size_t n = mr_state_account_encode(&s, t->bytes, LEAF_MAX);
    add(t, 1, a->id, 16, n + mr_state_chain_encode(&c, t->bytes + n, LEAF_MAX - n));
}

static void put_bank(struct model *m, struct leaves *t, const struct m_bank *b)
{
    memcpy(t->bytes, m->charter->associations[b->home].id, 16);
    memcpy(t->bytes + 16, b->ref, 32);
    uint8_t key[48];
    memcpy(key, t->bytes, 48);
    add(t, 2, key, 48, 48 + mr_state_slot_ref_encode(&b->slot, t->bytes + 48, LEAF_MAX - 48));
}

static void put_redemption(struct model *m, struct leaves *t, const struct m_redemption *r)
{
    struct mr_state_redemption s = {
        .ref = r->ref, .fee = r->fee, .time_ms = r->time_ms, .done = r->done};
    uint8_t key[24];
    memcpy(s.association, m->charter->associations[r->by].id, 16);
    memcpy(key, r->ref.account, 16);
    for (int i = 0; i < 8; i++)
        key[16 + i] = (uint8_t)(r->ref.seq >> (56 - 8 * i));
    add(t, 3, key, 24, mr_state_redemption_encode(&s, t->bytes, LEAF_MAX));
}

static void put_listing(struct model *m, struct leaves *t, const struct m_listing *l)
{
    struct mr_state_alias s = {.listing = l->list, .slot = l->slot, .until_day = l->until_day};
    uint8_t key[16 + MR_ALIAS_MAX] = {0};
    memcpy(s.association, m->charter->associations[l->home].id, 16);
    memcpy(key, s.association, 16);
    memcpy(key + 16, l->list.alias, l->list.alias_len);
    add(t, 4, key, sizeof key, mr_state_alias_encode(&s, t->bytes, LEAF_MAX));
}

void model_root(struct model *m, uint8_t ret[32])
{
    struct leaves *t = malloc(sizeof *t);
    t->count = 0;
    for (uint32_t i = 0; i < m->accounts_count; i++)
        put_account(m, t, &m->accounts[i]);
    for (uint32_t i = 0; i < m->banks_count; i++)
        put_bank(m, t, &m->banks[i]);
    for (uint32_t i = 0; i < m->redemptions_count; i++)
        put_redemption(m, t, &m->redemptions[i]);
    for (uint32_t i = 0; i < m->listings_count; i++)
        put_listing(m, t, &m->listings[i]);
    for (uint32_t i = 0; i < m->policies_count; i++) {
        const uint8_t key[1] = {(uint8_t)m->policies[i].version};
        add(t, 5, key, 1, mr_policy_encode(&m->policies[i], t->bytes, LEAF_MAX));
    }
    qsort(t->l, t->count, sizeof t->l[0], by_key);
    tree(ret, t->l, t->count);
    free(t);
}
