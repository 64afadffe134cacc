/* The state root and the supply: LED-50, LED-51. */
#include <sodium.h>
#include <string.h>

#include "ledger/view.h"
#include "mereau/codec.h"
#include "mereau/engine.h"
#include "mereau/log.h"
#include "mereau/order.h"

enum { LEAF_MAX = 8192, STACK = 64 };

/* Roots of complete subtrees, largest first: a tree hash in one pass and constant memory. */
struct sum {
    struct mr_store *store;
    struct mr_checkpoint *ret;
    uint64_t leaves;
    uint32_t height[STACK], depth;
    uint8_t node[STACK][32];
    enum mr_status st;
};

static void add_leaf(struct sum *s, const uint8_t *bytes, size_t len)
{
    uint8_t hash[32];
    uint32_t height = 0;
    mr_leaf_hash(hash, bytes, len);
    while (s->depth > 0 && s->height[s->depth - 1] == height) {
        mr_node_hash(hash, s->node[s->depth - 1], hash);
        s->depth--;
        height++;
    }
    memcpy(s->node[s->depth], hash, 32);
    s->height[s->depth++] = height;
    s->leaves++;
}

static void finish(struct sum *s, uint8_t ret[32])
{
    if (s->depth == 0) {
        crypto_hash_sha256(ret, NULL, 0);
        return;
    }
    memcpy(ret, s->node[s->depth - 1], 32);
    for (uint32_t i = s->depth - 1; i > 0; i--)
        mr_node_hash(ret, s->node[i - 1], ret);
}

static void add_supply(struct sum *s, const struct mr_state_account *a,
                       const struct mr_state_chain *c)
{
    s->ret->accounts++;
    if (a->class != MR_CLASS_ISSUER && a->class != MR_CLASS_WORLD)
        return;
    for (uint32_t u = 0; u < c->balances_count && u < s->ret->supply_count; u++)
        if (c->balances[u].minor < 0)
            s->ret->supply[u].issued -= c->balances[u].minor;
}

static bool each_account(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                         size_t value_len)
{
    struct sum *s = ctx;
    struct mr_state_account a;
    struct mr_state_hot h;
    uint8_t leaf[LEAF_MAX] = {1};
    size_t n;
    (void)key;
    (void)key_len;
    (void)value_len;
    s->st = s->store->api->get(s->store, MR_TABLE_ACCOUNT, value, 8, leaf + 1, LEAF_MAX - 1, &n);
    if (s->st == MR_OK)
        s->st = mr_state_account_decode(&a, leaf + 1, n) == MR_OK ? MR_OK : MR_DAMAGED;
    uint8_t hot[1024];
    size_t hot_len = 0;
    if (s->st == MR_OK)
        s->st = s->store->api->get(s->store, MR_TABLE_HOT, value, 8, hot, sizeof hot, &hot_len);
    if (s->st == MR_OK)
        s->st = mr_state_hot_decode(&h, hot, hot_len) == MR_OK ? MR_OK : MR_DAMAGED;
    if (s->st != MR_OK)
        return false;
    n += 1;
    n += mr_state_chain_encode(&h.chain, leaf + n, LEAF_MAX - n);
    add_leaf(s, leaf, n);
    add_supply(s, &a, &h.chain);
    return true;
}

static bool each_bank(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                      size_t value_len)
{
    uint8_t leaf[LEAF_MAX] = {2};
    memcpy(leaf + 1, key, key_len);
    memcpy(leaf + 1 + key_len, value, value_len);
    add_leaf(ctx, leaf, 1 + key_len + value_len);
    return true;
}

/* Table 3 and 4 are walked by their key; the record stands under its number. */
static bool add_record(struct sum *s, uint8_t tag, enum mr_table table, const uint8_t *number)
{
    uint8_t leaf[LEAF_MAX] = {tag};
    size_t n;
    s->st = s->store->api->get(s->store, table, number, 8, leaf + 1, LEAF_MAX - 1, &n);
    if (s->st != MR_OK)
        return false;
    add_leaf(s, leaf, n + 1);
    return true;
}

static bool each_redemption(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                            size_t value_len)
{
    (void)key;
    (void)key_len;
    return value_len == 8 && add_record(ctx, 3, MR_TABLE_REDEMPTION, value);
}

static bool each_alias(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                       size_t value_len)
{
    (void)key;
    (void)key_len;
    return value_len == 8 && add_record(ctx, 4, MR_TABLE_LISTING, value);
}

static bool each_policy(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                        size_t value_len)
{
    uint8_t leaf[LEAF_MAX] = {5};
    (void)key;
    (void)key_len;
    memcpy(leaf + 1, value, value_len);
    add_leaf(ctx, leaf, value_len + 1);
    return true;
}

static enum mr_status read_meta(struct mr_checkpoint *ret, struct mr_store *store)
{
    struct mr_state_meta meta;
    uint8_t bytes[1024];
    size_t n;
    const enum mr_status st =
        store->api->get(store, MR_TABLE_META, (const uint8_t *)"m", 1, bytes, sizeof bytes, &n);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    if (mr_state_meta_decode(&meta, bytes, n) != MR_OK)
        return MR_DAMAGED;
    ret->turn = meta.turn;
    ret->log_size = meta.leaves;
    return MR_OK;
}

enum mr_status mr_state_sum(struct mr_checkpoint *ret, struct mr_store *store,
                            const struct mr_charter *charter, const struct mr_mem *mem)
{
    static const struct {
        enum mr_table table;
        mr_store_each each;
    } parts[] = {{MR_TABLE_ACCOUNT_NO, each_account},
                 {MR_TABLE_BANK, each_bank},
                 {MR_TABLE_REDEMPTION_NO, each_redemption},
                 {MR_TABLE_ALIAS, each_alias},
                 {MR_TABLE_POLICY, each_policy}};
    struct mr_checkpoint c = {.supply_count = charter->units_count};
    struct sum *s = mem->get(mem->ctx, sizeof *s);
    if (s == NULL)
        return MR_NO_MEMORY;
    *s = (struct sum){.store = store, .ret = &c};
    enum mr_status st = read_meta(&c, store);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && st == MR_OK; i++) {
        st = store->api->walk(store, parts[i].table, NULL, 0, parts[i].each, s);
        if (st == MR_OK)
            st = s->st;
    }
    if (st == MR_OK) {
        finish(s, c.state_root);
        *ret = c;
    }
    mem->put(mem->ctx, s);
    return st;
}
