#include "audit/name_set.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS_START = 1024 };

static uint32_t hash_of(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name != '\0'; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return h;
}

static uint32_t *bucket_of(const struct name_set *s, const char *name)
{
    uint32_t at = hash_of(name) & (s->buckets_count - 1);
    while (s->buckets[at] != NO_NAME && strcmp(s->names[s->buckets[at]], name) != 0)
        at = (at + 1) & (s->buckets_count - 1);
    return &s->buckets[at];
}

uint32_t name_set_find(const struct name_set *s, const char *name)
{
    return s->buckets_count == 0 ? NO_NAME : *bucket_of(s, name);
}

static bool grow(struct name_set *s)
{
    const uint32_t cap = s->cap == 0 ? BUCKETS_START / 2 : s->cap * 2;
    const char **names = realloc(s->names, cap * sizeof *names);
    if (names != NULL)
        s->names = names;
    const size_t bytes = sizeof(uint32_t) * cap * 2;
    uint32_t *buckets = malloc(bytes);
    if (names == NULL || buckets == NULL) {
        free(buckets);
        return false;
    }
    free(s->buckets);
    memset(buckets, 0xff, bytes); /* NO_NAME */
    s->buckets = buckets;
    s->buckets_count = cap * 2;
    s->cap = cap;
    for (uint32_t i = 0; i < s->count; i++)
        *bucket_of(s, s->names[i]) = i;
    return true;
}

uint32_t name_set_add(struct name_set *s, const char *name, bool *ret_new)
{
    if (s->count == s->cap && !grow(s))
        return NO_NAME;
    uint32_t *at = bucket_of(s, name);
    *ret_new = *at == NO_NAME;
    if (*ret_new) {
        s->names[s->count] = name;
        *at = s->count++;
    }
    return *at;
}

void name_set_done(struct name_set *s)
{
    free(s->names);
    free(s->buckets);
    *s = (struct name_set){0};
}
