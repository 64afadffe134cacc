#include <stdlib.h>
#include <string.h>

#include "exhaust.h"
#include "mereau/assert.h"

enum { CAP_FIRST = 1024 };

void table_done(struct table *t)
{
    free(t->keys);
    free(t->numbers);
    *t = (struct table){0};
}

/* Where the key is, or the free place where it belongs. */
static size_t place_of(const struct table *t, const uint32_t key[KEY_WORDS])
{
    uint64_t h = 0;
    for (uint32_t i = 0; i < KEY_WORDS; i++) {
        h = (h ^ key[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    size_t at = (size_t)h & (t->cap - 1);
    while (t->keys[at][0] != UINT32_MAX && memcmp(t->keys[at], key, sizeof t->keys[at]) != 0)
        at = (at + 1) & (t->cap - 1);
    return at;
}

static void grow(struct table *t)
{
    const struct table old = *t;
    t->cap = old.cap == 0 ? CAP_FIRST : 2 * old.cap;
    t->keys = malloc(t->cap * sizeof t->keys[0]);
    t->numbers = malloc(t->cap * sizeof t->numbers[0]);
    mr_assert(t->keys != NULL);
    mr_assert(t->numbers != NULL);
    memset(t->keys, 0xff, t->cap * sizeof t->keys[0]);
    for (size_t i = 0; i < old.cap; i++) {
        if (old.keys[i][0] == UINT32_MAX)
            continue;
        const size_t at = place_of(t, old.keys[i]);
        memcpy(t->keys[at], old.keys[i], sizeof t->keys[at]);
        t->numbers[at] = old.numbers[i];
    }
    free(old.keys);
    free(old.numbers);
}

uint64_t *table_find(const struct table *t, const uint32_t key[KEY_WORDS])
{
    if (t->cap == 0)
        return NULL;
    const size_t at = place_of(t, key);
    return t->keys[at][0] == UINT32_MAX ? NULL : &t->numbers[at];
}

void table_put(struct table *t, const uint32_t key[KEY_WORDS], uint64_t number)
{
    mr_assert(key[0] != UINT32_MAX);
    if (2 * (t->count + 1) > t->cap)
        grow(t);
    const size_t at = place_of(t, key);
    mr_assert(t->keys[at][0] == UINT32_MAX);
    memcpy(t->keys[at], key, sizeof t->keys[at]);
    t->numbers[at] = number;
    t->count++;
}
