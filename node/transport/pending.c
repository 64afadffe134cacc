#include "transport/pending.h"

#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"

enum { FIRST_CAP = 256 };

/* Slots are numbered from 1; 0 ends a list. */
struct pending_slot {
    uint32_t generation; /* of the token in use, or of the next one */
    uint32_t next, before;
    uint32_t head_len;
    struct pending_owner *owner; /* NULL: free */
    uint8_t head[SP_NN_HEAD_MAX];
};

void pending_done(struct pending *p)
{
    free(p->slots);
    *p = (struct pending){0};
}

static bool grow(struct pending *p)
{
    const uint32_t cap = p->cap == 0 ? FIRST_CAP : p->cap * 2;
    if (cap < p->cap)
        return false;
    struct pending_slot *const slots = realloc(p->slots, (cap + 1) * sizeof *slots);
    if (slots == NULL)
        return false;
    p->slots = slots;
    for (uint32_t i = cap; i > p->cap; i--) {
        slots[i] = (struct pending_slot){.generation = 1, .next = p->free_first};
        p->free_first = i;
    }
    p->cap = cap;
    return true;
}

enum mr_status pending_add(struct pending *p, uint64_t *ret_token, struct pending_owner *owner,
                           const uint8_t *head, size_t head_len)
{
    mr_assert(head_len <= SP_NN_HEAD_MAX);
    if (p->free_first == 0 && !grow(p))
        return MR_NO_MEMORY;
    const uint32_t i = p->free_first;
    struct pending_slot *const s = &p->slots[i];
    p->free_first = s->next;
    p->used++;
    s->owner = owner;
    s->before = 0;
    s->next = owner->first;
    if (s->next != 0)
        p->slots[s->next].before = i;
    owner->first = i;
    owner->count++;
    s->head_len = (uint32_t)head_len;
    memcpy(s->head, head, head_len);
    *ret_token = (uint64_t)s->generation << 32 | i;
    return MR_OK;
}

static void release(struct pending *p, uint32_t i)
{
    struct pending_slot *const s = &p->slots[i];
    struct pending_owner *const o = s->owner;
    mr_assert(o != NULL);
    if (s->before != 0)
        p->slots[s->before].next = s->next;
    else
        o->first = s->next;
    if (s->next != 0)
        p->slots[s->next].before = s->before;
    o->count--;
    s->owner = NULL;
    s->generation++;
    s->next = p->free_first;
    p->free_first = i;
    p->used--;
}

struct pending_owner *pending_take(struct pending *p, uint64_t token, uint8_t *ret_head,
                                   size_t *ret_head_len)
{
    const uint32_t i = (uint32_t)token;
    if (i == 0 || i > p->cap)
        return NULL;
    const struct pending_slot *const s = &p->slots[i];
    struct pending_owner *const owner = s->owner;
    if (owner == NULL || s->generation != (uint32_t)(token >> 32))
        return NULL;
    memcpy(ret_head, s->head, s->head_len);
    *ret_head_len = s->head_len;
    release(p, i);
    return owner;
}

void pending_drop(struct pending *p, struct pending_owner *owner)
{
    while (owner->first != 0)
        release(p, owner->first);
    mr_assert(owner->count == 0);
}
