#include <sodium.h>
#include <string.h>

#include "audit/state.h"

static size_t place(const struct mri_aud_map *m, const void *key)
{
    uint8_t h[crypto_shorthash_BYTES];
    uint64_t v;
    crypto_shorthash(h, key, m->key_len, m->seed);
    memcpy(&v, h, sizeof v);
    return (size_t)v & (m->cap - 1);
}

void *mri_aud_map_get(const struct mri_aud_map *m, const void *key)
{
    if (m->cap == 0)
        return NULL;
    for (size_t i = place(m, key); m->slots[i] != NULL; i = (i + 1) & (m->cap - 1)) {
        if (memcmp(m->slots[i], key, m->key_len) == 0)
            return m->slots[i];
    }
    return NULL;
}

static void insert(struct mri_aud_map *m, void *entry)
{
    size_t i = place(m, entry);
    while (m->slots[i] != NULL)
        i = (i + 1) & (m->cap - 1);
    m->slots[i] = entry;
}

enum mr_status mri_aud_map_put(struct mri_aud_map *m, const struct mr_mem *mem, void *entry)
{
    if (m->count + 1 > m->cap / 2) {
        struct mri_aud_map wider = *m;
        wider.cap = m->cap == 0 ? 64 : m->cap * 2;
        wider.slots = mem->get(mem->ctx, wider.cap * sizeof *wider.slots);
        if (wider.slots == NULL)
            return MR_NO_MEMORY;
        for (size_t i = 0; i < wider.cap; i++)
            wider.slots[i] = NULL;
        for (size_t i = 0; i < m->cap; i++) {
            if (m->slots[i] != NULL)
                insert(&wider, m->slots[i]);
        }
        mem->put(mem->ctx, m->slots);
        *m = wider;
    }
    insert(m, entry);
    m->count++;
    return MR_OK;
}

static void sift(void **v, size_t root, size_t count, size_t key_len)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && memcmp(v[child], v[child + 1], key_len) < 0)
            child++;
        if (memcmp(v[root], v[child], key_len) >= 0)
            return;
        void *const t = v[root];
        v[root] = v[child];
        v[child] = t;
        root = child;
    }
}

void **mri_aud_map_sorted(const struct mri_aud_map *m, const struct mr_mem *mem)
{
    if (m->count == 0)
        return NULL;
    void **const v = mem->get(mem->ctx, m->count * sizeof *v);
    if (v == NULL)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i] != NULL)
            v[n++] = m->slots[i];
    }
    mr_assert(n == m->count);
    for (size_t i = n / 2; i-- > 0;)
        sift(v, i, n, m->key_len);
    for (size_t end = n - 1; end > 0; end--) {
        void *const t = v[0];
        v[0] = v[end];
        v[end] = t;
        sift(v, 0, end, m->key_len);
    }
    return v;
}

void mri_aud_map_done(struct mri_aud_map *m, const struct mr_mem *mem, bool entries_too)
{
    for (size_t i = 0; entries_too && i < m->cap; i++)
        mem->put(mem->ctx, m->slots[i]);
    mem->put(mem->ctx, m->slots);
    m->slots = NULL;
    m->cap = m->count = 0;
}
