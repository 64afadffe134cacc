#include "ledger/view.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"

/* The most one step can put: the rows, credits and indexes of the largest order, and tree tiles. */
enum { STEP_ENTRIES = 2048, STEP_BYTES = 1 << 20, CHUNK_BYTES = 4 << 20, FIRST_BUCKETS = 1 << 13 };

struct mri_entry {
    uint64_t hash;
    struct mri_entry *next;
    uint8_t *value;
    uint32_t value_len, value_cap;
    uint8_t table, key_len;
    bool deleted;
    uint8_t key[MR_STORE_KEY_MAX];
};

struct mri_chunk {
    struct mri_chunk *next;
    size_t used, cap;
    uint8_t bytes[];
};

/* Larger values are tree tiles, which the trees keep themselves. */
enum { READ_VALUE_MAX = 1024, READ_ROOM = sizeof(struct mri_entry) + READ_VALUE_MAX + 32 };

size_t mri_key_u64(uint8_t ret[8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        ret[i] = (uint8_t)(v >> (56 - 8 * i));
    return 8;
}

size_t mri_key_pair(uint8_t ret[16], uint64_t a, uint64_t b)
{
    mri_key_u64(ret, a);
    mri_key_u64(ret + 8, b);
    return 16;
}

uint64_t mri_key_read(const uint8_t key[8])
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | key[i];
    return v;
}

static uint64_t hash_of(enum mr_table table, const uint8_t *key, size_t len)
{
    /* Keys are record numbers or verified ids; a fixed key keeps runs repeatable. */
    static const uint8_t seed[crypto_shorthash_KEYBYTES] = "mereau/view";
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t h;
    crypto_shorthash(out, key, len, seed);
    memcpy(&h, out, sizeof h);
    return h ^ (uint64_t)table << 56;
}

void mri_view_init(struct mri_view *v, struct mr_store *store, const struct mr_mem *mem)
{
    *v = (struct mri_view){.mem = *mem, .store = store};
}

static void layer_done(struct mri_layer *l, const struct mr_mem *mem)
{
    while (l->chunks != NULL) {
        struct mri_chunk *next = l->chunks->next;
        mem->put(mem->ctx, l->chunks);
        l->chunks = next;
    }
    mem->put(mem->ctx, l->buckets);
    *l = (struct mri_layer){0};
}

void mri_view_done(struct mri_view *v)
{
    layer_done(&v->active, &v->mem);
    layer_done(&v->frozen, &v->mem);
    layer_done(&v->read, &v->mem);
}

static enum mr_status grow_buckets(struct mri_layer *l, const struct mr_mem *mem)
{
    const size_t count = l->buckets_count == 0 ? FIRST_BUCKETS : l->buckets_count * 2;
    struct mri_entry **b = mem->get(mem->ctx, count * sizeof *b);
    if (b == NULL)
        return MR_NO_MEMORY;
    memset(b, 0, count * sizeof *b);
    for (size_t i = 0; i < l->buckets_count; i++) {
        for (struct mri_entry *e = l->buckets[i], *next; e != NULL; e = next) {
            next = e->next;
            e->next = b[e->hash & (count - 1)];
            b[e->hash & (count - 1)] = e;
        }
    }
    mem->put(mem->ctx, l->buckets);
    l->buckets = b;
    l->buckets_count = count;
    return MR_OK;
}

static bool has_read_room(const struct mri_layer *l)
{
    return l->chunks != NULL && l->chunks->cap - l->chunks->used >= READ_ROOM;
}

static enum mr_status reserve(struct mri_layer *l, const struct mr_mem *mem, size_t entries,
                              size_t bytes)
{
    if (l->buckets_count < l->entries + entries) {
        const enum mr_status st = grow_buckets(l, mem);
        if (st != MR_OK)
            return st;
    }
    if (l->chunks == NULL || l->chunks->cap - l->chunks->used < bytes) {
        struct mri_chunk *c = mem->get(mem->ctx, sizeof *c + CHUNK_BYTES);
        if (c == NULL)
            return MR_NO_MEMORY;
        *c = (struct mri_chunk){.next = l->chunks, .cap = CHUNK_BYTES};
        l->chunks = c;
    }
    return MR_OK;
}

/* What was read is forgotten as a whole when there is no more room. */
enum mr_status mri_view_reserve(struct mri_view *v)
{
    if (!has_read_room(&v->read))
        layer_done(&v->read, &v->mem);
    const enum mr_status st = reserve(&v->read, &v->mem, STEP_ENTRIES, READ_ROOM);
    return st == MR_OK ? reserve(&v->active, &v->mem, STEP_ENTRIES, STEP_BYTES) : st;
}

static void *take(struct mri_layer *l, size_t n)
{
    n = (n + 15) / 16 * 16;
    mr_assert(l->chunks != NULL);
    mr_assert(n <= l->chunks->cap - l->chunks->used);
    void *p = l->chunks->bytes + l->chunks->used;
    l->chunks->used += n;
    l->bytes += n;
    return p;
}

static struct mri_entry *find(const struct mri_layer *l, enum mr_table table, const uint8_t *key,
                              size_t len, uint64_t hash)
{
    if (l->buckets_count == 0)
        return NULL;
    for (struct mri_entry *e = l->buckets[hash & (l->buckets_count - 1)]; e != NULL; e = e->next)
        if (e->hash == hash && e->table == (uint8_t)table && e->key_len == len &&
            memcmp(e->key, key, len) == 0)
            return e;
    return NULL;
}

static struct mri_entry *add(struct mri_layer *l, enum mr_table table, const uint8_t *key,
                             size_t key_len, uint64_t hash)
{
    struct mri_entry *const e = take(l, sizeof *e);
    struct mri_entry **const at = &l->buckets[hash & (l->buckets_count - 1)];
    *e = (struct mri_entry){
        .hash = hash, .next = *at, .table = (uint8_t)table, .key_len = (uint8_t)key_len};
    memcpy(e->key, key, key_len);
    *at = e;
    l->entries++;
    return e;
}

/* NULL: deleted. There is room for a larger value than the last one. */
static void set(struct mri_layer *l, struct mri_entry *e, const uint8_t *value, size_t len)
{
    e->deleted = value == NULL;
    e->value_len = (uint32_t)len;
    if (value == NULL)
        return;
    if (len > e->value_cap) {
        e->value = take(l, len);
        e->value_cap = (uint32_t)len;
    }
    memcpy(e->value, value, len);
}

static enum mr_status copy(const struct mri_entry *e, uint8_t *ret, size_t cap, size_t *ret_len)
{
    if (e->deleted)
        return MR_NOT_FOUND;
    mr_assert(e->value_len <= cap);
    memcpy(ret, e->value, e->value_len);
    *ret_len = e->value_len;
    return MR_OK;
}

/* The same few accounts are looked at again and again. */
static void keep_read(struct mri_view *v, enum mr_table table, const uint8_t *key, size_t key_len,
                      uint64_t hash, const uint8_t *value, size_t len)
{
    struct mri_layer *const l = &v->read;
    if (len <= READ_VALUE_MAX && has_read_room(l))
        set(l, add(l, table, key, key_len, hash), value, len);
}

/* What was kept is no longer so, unless it can be what is put now. */
static void put_read(struct mri_view *v, enum mr_table table, const uint8_t *key, size_t key_len,
                     uint64_t hash, const uint8_t *value, size_t len)
{
    struct mri_entry *const e = find(&v->read, table, key, key_len, hash);
    if (e != NULL && len <= e->value_cap)
        set(&v->read, e, value, len);
    else if (e != NULL)
        e->key_len = 0; /* no key is so short */
}

enum mr_status mri_view_get(struct mri_view *v, enum mr_table table, const uint8_t *key,
                            size_t key_len, uint8_t *ret, size_t cap, size_t *ret_len)
{
    const uint64_t hash = hash_of(table, key, key_len);
    const struct mri_entry *e = find(&v->read, table, key, key_len, hash);
    if (e == NULL)
        e = find(&v->active, table, key, key_len, hash);
    if (e == NULL)
        e = find(&v->frozen, table, key, key_len, hash);
    if (e != NULL)
        return copy(e, ret, cap, ret_len);
    const enum mr_status st = v->store->api->get(v->store, table, key, key_len, ret, cap, ret_len);
    if (st == MR_OK)
        keep_read(v, table, key, key_len, hash, ret, *ret_len);
    return st;
}

void mri_view_put(struct mri_view *v, enum mr_table table, const uint8_t *key, size_t key_len,
                  const uint8_t *value, size_t value_len)
{
    struct mri_layer *l = &v->active;
    const uint64_t hash = hash_of(table, key, key_len);
    struct mri_entry *e = find(l, table, key, key_len, hash);
    mr_assert(key_len >= 1 && key_len <= MR_STORE_KEY_MAX);
    mr_assert(value_len <= MR_STORE_VALUE_MAX);
    if (e == NULL)
        e = add(l, table, key, key_len, hash);
    set(l, e, value, value_len);
    put_read(v, table, key, key_len, hash, value, value_len);
}

size_t mri_view_dirty(const struct mri_view *v)
{
    return v->active.bytes;
}

static int by_key(const void *a, const void *b)
{
    const struct mr_put *x = a, *y = b;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    const int c = memcmp(x->key, y->key, x->key_len < y->key_len ? x->key_len : y->key_len);
    return c != 0 ? c : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

void mr_puts_sort(struct mr_put *puts, size_t count)
{
    qsort(puts, count, sizeof *puts, by_key);
}

enum mr_status mri_view_freeze(struct mri_view *v, struct mr_put **ret_puts, size_t *ret_count)
{
    mr_assert(!v->flushing);
    const struct mri_layer *l = &v->active;
    struct mr_put *puts = v->mem.get(v->mem.ctx, (l->entries + 1) * sizeof *puts);
    size_t n = 0;
    if (puts == NULL)
        return MR_NO_MEMORY;
    for (size_t i = 0; i < l->buckets_count; i++)
        for (const struct mri_entry *e = l->buckets[i]; e != NULL; e = e->next)
            puts[n++] = (struct mr_put){(enum mr_table)e->table, e->key,
                                        e->deleted ? NULL : e->value, e->key_len, e->value_len};
    mr_assert(n == l->entries);
    v->frozen = v->active;
    v->active = (struct mri_layer){0};
    v->flushing = true;
    *ret_puts = puts;
    *ret_count = n;
    return MR_OK;
}

void mri_view_flushed(struct mri_view *v, struct mr_put *puts)
{
    mr_assert(v->flushing);
    layer_done(&v->frozen, &v->mem);
    v->mem.put(v->mem.ctx, puts);
    v->flushing = false;
}

enum mr_status mri_view_commit(struct mri_view *v, struct mr_put *puts, size_t count)
{
    struct mr_store *const s = v->store;
    mr_puts_sort(puts, count);
    enum mr_status st = s->api->commit(s, puts, count);
    if (st == MR_OK)
        st = s->api->refresh(s);
    mri_view_flushed(v, puts);
    return st;
}
