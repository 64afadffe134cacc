/* The network: one path from each end to each other, with its own delay, loss and cuts. */
#include <string.h>

#include "mereau/assert.h"
#include "sim/sim.h"

void net_make(struct sim *s)
{
    for (uint32_t i = 0; i < ENDS_MAX; i++) {
        for (uint32_t k = 0; k < ENDS_MAX; k++) {
            struct path *p = &s->paths[i][k];
            *p = (struct path){.delay_us =
                                   (uint32_t)rng_between(&s->net, s->w.delay_us / 2, s->w.delay_us),
                               .jitter_us = s->w.jitter_us,
                               .loss = s->w.loss,
                               .repeat = s->w.repeat};
        }
    }
}

void net_send(struct sim *s, uint32_t from, uint32_t to, const struct event *ev,
              const uint8_t *bytes, size_t len)
{
    const struct path *p = &s->paths[from][to];
    mr_assert(from < ENDS_MAX);
    mr_assert(to < ENDS_MAX);
    s->counts.messages++;
    if (p->cut || rng_chance(&s->net, p->loss)) {
        s->counts.lost++;
        return;
    }
    const unsigned times = rng_chance(&s->net, p->repeat) ? 2 : 1;
    for (unsigned i = 0; i < times; i++) {
        /* Mostly near the usual delay, now and then far behind it. */
        uint64_t late = rng_below(&s->net, (uint64_t)p->jitter_us + 1);
        if (!rng_chance(&s->net, 200))
            late /= 8;
        clock_set_with(&s->clock, p->delay_us + late, ev, bytes, len);
    }
}

struct copy *net_route(struct sim *s, uint32_t asker, uint32_t number)
{
    for (uint32_t i = 0; i < s->copies_count; i++) {
        struct copy *c = &s->copies[i];
        if (c->number == number && c->up && (c->serves >> asker & 1) != 0)
            return c;
    }
    return NULL;
}
