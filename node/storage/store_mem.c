/* A skip list a table. Each entry holds two values: the committed one and the one the loop sees;
 * refresh makes them equal again for the entries that changed. */
#include "mereau/store.h"

#include <pthread.h>
#include <string.h>

#include "mereau/assert.h"
#include "storage/mem.h"
#include "storage/value.h"

enum { LEVELS = 16 };

/* A value with its checksum behind it; shared by `seen` and `now` after a refresh. */
struct value {
    size_t len; /* with checksum */
    uint8_t bytes[];
};

struct entry {
    struct value *seen, *now; /* NULL: absent */
    struct entry *changed;    /* list of entries that a commit touched since the last refresh */
    bool listed;
    enum mr_table table;
    size_t key_len;
    uint8_t key[MR_STORE_KEY_MAX];
    unsigned levels;
    struct entry *next[LEVELS]; /* only `levels` of them are allocated */
};

struct store_mem {
    struct mr_store base;
    struct mr_mem mem;
    struct mr_store_faults faults;
    pthread_mutex_t lock;
    bool dead;
    uint64_t dice; /* levels of new entries; fixed start, so that runs repeat */
    struct entry *changed;
    struct entry *heads[MR_TABLES][LEVELS];
};

static struct store_mem *self(struct mr_store *s)
{
    return (struct store_mem *)s;
}

static bool fails(const struct store_mem *m, const char *call)
{
    return m->faults.fails != NULL && m->faults.fails(m->faults.ctx, call);
}

static int compare(const struct entry *e, const uint8_t *key, size_t key_len)
{
    const size_t n = e->key_len < key_len ? e->key_len : key_len;
    const int c = memcmp(e->key, key, n);

    return c != 0 ? c : (e->key_len > key_len) - (e->key_len < key_len);
}

/* The first entry not below the key; links[l] is where an entry of level l would be put. */
static struct entry *seek(struct store_mem *m, enum mr_table table, const uint8_t *key,
                          size_t key_len, struct entry **links[LEVELS])
{
    struct entry **at = m->heads[table];

    for (unsigned l = LEVELS; l-- > 0;) {
        while (at[l] != NULL && compare(at[l], key, key_len) < 0)
            at = at[l]->next;
        if (links != NULL)
            links[l] = &at[l];
    }
    return at[0];
}

static unsigned roll_levels(struct store_mem *m)
{
    unsigned n = 1;

    m->dice = m->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    for (uint64_t bits = m->dice >> 32; n < LEVELS && (bits & 3) == 3; bits >>= 2)
        n++;
    return n;
}

static struct entry *entry_new(struct store_mem *m, enum mr_table table, const uint8_t *key,
                               size_t key_len)
{
    const unsigned levels = roll_levels(m);
    const size_t bytes = offsetof(struct entry, next) + levels * sizeof(struct entry *);
    struct entry *e = m->mem.get(m->mem.ctx, bytes);

    if (e == NULL)
        return NULL;
    memset(e, 0, bytes);
    e->levels = levels;
    e->table = table;
    e->key_len = key_len;
    memcpy(e->key, key, key_len);
    return e;
}

static void entry_link(struct entry *e, struct entry **links[LEVELS])
{
    for (unsigned l = 0; l < e->levels; l++) {
        e->next[l] = *links[l];
        *links[l] = e;
    }
}

static void set_value(struct store_mem *m, struct entry *e, struct value *v)
{
    if (e->now != e->seen)
        m->mem.put(m->mem.ctx, e->now);
    e->now = v;
    if (!e->listed) {
        e->listed = true;
        e->changed = m->changed;
        m->changed = e;
    }
}

static void entry_remove(struct store_mem *m, struct entry *e)
{
    struct entry **links[LEVELS];

    const struct entry *found = seek(m, e->table, e->key, e->key_len, links);
    mr_assert(found == e);
    for (unsigned l = 0; l < e->levels; l++)
        *links[l] = e->next[l];
    m->mem.put(m->mem.ctx, e);
}

static void show_changes(struct store_mem *m)
{
    while (m->changed != NULL) {
        struct entry *e = m->changed;

        m->changed = e->changed;
        e->listed = false;
        if (e->seen != e->now)
            m->mem.put(m->mem.ctx, e->seen);
        e->seen = e->now;
        if (e->now == NULL)
            entry_remove(m, e);
    }
}

static enum mr_status store_get(struct mr_store *s, enum mr_table table, const uint8_t *key,
                                size_t key_len, uint8_t *ret, size_t cap, size_t *ret_len)
{
    struct store_mem *m = self(s);
    enum mr_status st = MR_NOT_FOUND;
    size_t len;

    pthread_mutex_lock(&m->lock);
    if (m->dead || fails(m, "get")) {
        m->dead = true;
        st = MR_IO_ERROR;
        goto out;
    }
    struct entry *e = seek(m, table, key, key_len, NULL);
    if (e == NULL || e->seen == NULL || compare(e, key, key_len) != 0)
        goto out;
    st = value_open(&len, table, key, key_len, e->seen->bytes, e->seen->len);
    if (st == MR_OK && len > cap)
        st = MR_DAMAGED;
    if (st == MR_OK) {
        memcpy(ret, e->seen->bytes, len);
        *ret_len = len;
    }
out:
    pthread_mutex_unlock(&m->lock);
    return st;
}

/* The lock is free while the caller looks at an entry: it may call get. Only refresh, which the
 * same thread calls, frees what was seen. */
static enum mr_status store_walk(struct mr_store *s, enum mr_table table, const uint8_t *from,
                                 size_t from_len, mr_store_each each, void *ctx)
{
    struct store_mem *m = self(s);
    enum mr_status st = MR_OK;
    bool more = true;
    size_t len;

    pthread_mutex_lock(&m->lock);
    if (m->dead || fails(m, "walk")) {
        m->dead = true;
        st = MR_IO_ERROR;
    }
    struct entry *e = from == NULL ? m->heads[table][0] : seek(m, table, from, from_len, NULL);
    for (; st == MR_OK && more && e != NULL; e = e->next[0]) {
        if (e->seen == NULL)
            continue;
        st = value_open(&len, table, e->key, e->key_len, e->seen->bytes, e->seen->len);
        if (st != MR_OK)
            break;
        pthread_mutex_unlock(&m->lock);
        more = each(ctx, e->key, e->key_len, e->seen->bytes, len);
        pthread_mutex_lock(&m->lock);
    }
    pthread_mutex_unlock(&m->lock);
    return st;
}

static struct value *value_new(struct store_mem *m, const struct mr_put *p)
{
    struct value *v = m->mem.get(m->mem.ctx, sizeof *v + p->value_len + VALUE_CHECK_BYTES);

    if (v == NULL)
        return NULL;
    v->len = p->value_len + VALUE_CHECK_BYTES;
    memcpy(v->bytes, p->value, p->value_len);
    value_check(v->bytes + p->value_len, p->table, p->key, p->key_len, p->value, p->value_len);
    return v;
}

static enum mr_status put(struct store_mem *m, const struct mr_put *p)
{
    struct entry **links[LEVELS];
    struct value *v = NULL;
    struct entry *e;

    mr_assert(p->table < MR_TABLES);
    mr_assert(p->key_len >= 1 && p->key_len <= MR_STORE_KEY_MAX);
    mr_assert(p->value_len <= MR_STORE_VALUE_MAX);
    e = seek(m, p->table, p->key, p->key_len, links);
    if (e != NULL && compare(e, p->key, p->key_len) != 0)
        e = NULL;
    if (p->value == NULL) {
        if (e != NULL)
            set_value(m, e, NULL);
        return MR_OK;
    }
    v = value_new(m, p);
    if (v == NULL)
        return MR_NO_MEMORY;
    if (e == NULL) {
        e = entry_new(m, p->table, p->key, p->key_len);
        if (e == NULL) {
            m->mem.put(m->mem.ctx, v);
            return MR_NO_MEMORY;
        }
        entry_link(e, links);
    }
    set_value(m, e, v);
    return MR_OK;
}

static enum mr_status store_commit(struct mr_store *s, const struct mr_put *puts, size_t count)
{
    struct store_mem *m = self(s);
    enum mr_status st = MR_OK;

    pthread_mutex_lock(&m->lock);
    if (m->dead || fails(m, "commit"))
        st = MR_IO_ERROR;
    else if (fails(m, "space"))
        st = MR_DISK_FULL;
    for (size_t i = 0; st == MR_OK && i < count; i++)
        /* A half-done commit is not taken back: out of memory here ends the test anyway. */
        if (put(m, &puts[i]) != MR_OK)
            st = MR_IO_ERROR;
    if (st == MR_OK && fails(m, "committed"))
        st = MR_IO_ERROR;
    if (st == MR_IO_ERROR)
        m->dead = true;
    pthread_mutex_unlock(&m->lock);
    return st;
}

static enum mr_status store_refresh(struct mr_store *s)
{
    struct store_mem *m = self(s);
    enum mr_status st = MR_OK;

    pthread_mutex_lock(&m->lock);
    if (m->dead || fails(m, "refresh")) {
        m->dead = true;
        st = MR_IO_ERROR;
    } else {
        show_changes(m);
    }
    pthread_mutex_unlock(&m->lock);
    return st;
}

static void store_close(struct mr_store *s)
{
    if (s == NULL)
        return;

    struct store_mem *m = self(s);
    const struct mr_mem mem = m->mem;

    show_changes(m);
    for (enum mr_table t = 0; t < MR_TABLES; t++) {
        struct entry *next;

        for (struct entry *e = m->heads[t][0]; e != NULL; e = next) {
            next = e->next[0];
            mem.put(mem.ctx, e->seen);
            mem.put(mem.ctx, e);
        }
    }
    pthread_mutex_destroy(&m->lock);
    mem.put(mem.ctx, m);
}

static const struct mr_store_api api = {
    .get = store_get,
    .walk = store_walk,
    .commit = store_commit,
    .refresh = store_refresh,
    .close = store_close,
};

enum mr_status mr_store_mem_open(struct mr_store **ret, const struct mr_mem *mem,
                                 const struct mr_store_faults *faults)
{
    struct store_mem *m = mem->get(mem->ctx, sizeof *m);

    if (m == NULL)
        return MR_NO_MEMORY;
    memset(m, 0, sizeof *m);
    m->base.api = &api;
    m->mem = *mem;
    m->dice = 1;
    if (faults != NULL)
        m->faults = *faults;
    pthread_mutex_init(&m->lock, NULL);
    *ret = &m->base;
    return MR_OK;
}

void mr_store_mem_crash(struct mr_store *s)
{
    struct store_mem *m = self(s);

    show_changes(m);
    m->dead = false;
}

enum mr_status mr_store_mem_flip(struct mr_store *s, enum mr_table table, const uint8_t *key,
                                 size_t key_len)
{
    struct entry *e = seek(self(s), table, key, key_len, NULL);

    if (e == NULL || e->seen == NULL || compare(e, key, key_len) != 0)
        return MR_NOT_FOUND;
    e->seen->bytes[e->seen->len / 2] ^= 1;
    return MR_OK;
}
