#include "sim/clock.h"

#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"

void clock_done(struct clock *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->heap[i].bytes);
    free(c->heap);
    *c = (struct clock){0};
}

static bool earlier(const struct event *x, const struct event *y)
{
    return x->at_us != y->at_us ? x->at_us < y->at_us : x->order < y->order;
}

static void swap(struct event *x, struct event *y)
{
    const struct event t = *x;
    *x = *y;
    *y = t;
}

void clock_set_with(struct clock *c, uint64_t delay_us, const struct event *ev,
                    const uint8_t *bytes, size_t len)
{
    if (c->count == c->cap) {
        c->cap = c->cap == 0 ? 256 : 2 * c->cap;
        c->heap = realloc(c->heap, c->cap * sizeof *c->heap);
        mr_assert(c->heap != NULL);
    }
    struct event *e = &c->heap[c->count];
    *e = *ev;
    e->at_us = c->now_us + delay_us;
    e->order = c->orders++;
    e->len = len;
    e->bytes = NULL;
    if (len > 0) {
        e->bytes = malloc(len);
        mr_assert(e->bytes != NULL);
        memcpy(e->bytes, bytes, len);
    }
    for (size_t i = c->count++; i > 0 && earlier(&c->heap[i], &c->heap[(i - 1) / 2]);
         i = (i - 1) / 2)
        swap(&c->heap[i], &c->heap[(i - 1) / 2]);
}

void clock_set(struct clock *c, uint64_t delay_us, const struct event *ev)
{
    clock_set_with(c, delay_us, ev, NULL, 0);
}

static struct event take(struct clock *c)
{
    const struct event first = c->heap[0];
    c->heap[0] = c->heap[--c->count];
    for (size_t i = 0;;) {
        size_t low = i;
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < c->count; k++)
            if (earlier(&c->heap[k], &c->heap[low]))
                low = k;
        if (low == i)
            return first;
        swap(&c->heap[i], &c->heap[low]);
        i = low;
    }
}

bool clock_step(struct sim *s, struct clock *c)
{
    if (c->count == 0)
        return false;
    struct event ev = take(c);
    mr_assert(ev.at_us >= c->now_us);
    c->now_us = ev.at_us;
    c->steps++;
    ev.run(s, &ev);
    free(ev.bytes);
    return true;
}
