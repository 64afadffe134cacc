/* The table of sessions: by id, and by how long they were not used. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/node.h"

enum { IDLE_MS = 600000 };

enum mr_status sessions_init(struct sessions *s, size_t max)
{
    size_t buckets = 1024;
    while (buckets < max)
        buckets *= 2;
    *s = (struct sessions){
        .buckets = calloc(buckets, sizeof *s->buckets), .buckets_count = buckets, .max = max};
    return s->buckets != NULL ? MR_OK : MR_NO_MEMORY;
}

/* Session ids are random: any eight bytes of one are a hash. */
static struct session **bucket(const struct sessions *s, const uint8_t id[MR_SALT_BYTES])
{
    uint64_t h;
    memcpy(&h, id, sizeof h);
    return &s->buckets[h & (s->buckets_count - 1)];
}

static void unlink_age(struct sessions *s, struct session *one)
{
    *(one->older != NULL ? &one->older->newer : &s->oldest) = one->newer;
    *(one->newer != NULL ? &one->newer->older : &s->newest) = one->older;
}

static void link_newest(struct sessions *s, struct session *one)
{
    one->newer = NULL;
    one->older = s->newest;
    *(s->newest != NULL ? &s->newest->newer : &s->oldest) = one;
    s->newest = one;
}

void sessions_end(struct sessions *s, struct session *one)
{
    struct session **at = bucket(s, one->keys.id);
    while (*at != one)
        at = &(*at)->hash_next;
    *at = one->hash_next;
    unlink_age(s, one);
    s->count--;
    mr_session_done(&one->keys);
    free(one);
}

void sessions_done(struct sessions *s)
{
    while (s->oldest != NULL)
        sessions_end(s, s->oldest);
    free(s->buckets);
    *s = (struct sessions){0};
}

struct session *sessions_add(struct sessions *s, const struct mr_session *keys, uint64_t now_ms)
{
    while (s->oldest != NULL && (s->count >= s->max || now_ms > s->oldest->used_ms + IDLE_MS))
        sessions_end(s, s->oldest);
    struct session *one = calloc(1, sizeof *one);
    if (one == NULL)
        return NULL;
    one->keys = *keys;
    one->used_ms = now_ms;
    struct session **at = bucket(s, keys->id);
    one->hash_next = *at;
    *at = one;
    link_newest(s, one);
    s->count++;
    return one;
}

struct session *sessions_find(struct sessions *s, const uint8_t id[MR_SALT_BYTES], uint64_t now_ms)
{
    struct session *one = *bucket(s, id);
    while (one != NULL && memcmp(one->keys.id, id, MR_SALT_BYTES) != 0)
        one = one->hash_next;
    if (one == NULL)
        return NULL;
    if (now_ms > one->used_ms + IDLE_MS) {
        sessions_end(s, one);
        return NULL;
    }
    one->used_ms = now_ms;
    unlink_age(s, one);
    link_newest(s, one);
    return one;
}
