/* Checkpoints of several nodes: they are due from the first second on, while everybody pays, and
 * must come. */
#include "sim/sim.h"

enum {
    DUE_US = 1000000,
    SOON_US = 4000000, /* where nothing goes wrong, it is agreed so long after, whatever the load */
};

static uint64_t checkpoints_of(const struct copy *c)
{
    struct mr_engine_facts f;
    mr_engine_facts(c->engine, &f);
    return f.meta.checkpoints;
}

void rest_tick(struct sim *s, struct copy *c)
{
    struct mr_event due = {.kind = MR_EV_DUE};
    if (s->clock.now_us < DUE_US || mr_engine_committee(c->engine)->count == 1 ||
        checkpoints_of(c) > 0)
        return;
    node_step(s, c, &due);
}

void rest_under_load(struct sim *s)
{
    for (uint32_t i = 0; i < s->copies_count; i++)
        s->counts.checkpoints += s->copies[i].up && checkpoints_of(&s->copies[i]) > 0;
    if (s->nodes > 1 && (s->o.profile == CALM || s->o.profile == BUSY) && !s->o.beyond &&
        s->counts.checkpoints == 0 && s->clock.now_us >= DUE_US + SOON_US)
        violated(s, "L7", "no checkpoint was agreed in %u ms of load", SOON_US / 1000);
}

bool rest_reached(struct sim *s, char *ret_why, size_t cap)
{
    for (uint32_t i = 0; i < s->copies_count; i++) {
        const struct copy *c = &s->copies[i];
        if (!in_service(s, c) || mr_engine_committee(c->engine)->count == 1 ||
            checkpoints_of(c) > 0)
            continue;
        snprintf(ret_why, cap, "node %u has no checkpoint", c->number);
        return false;
    }
    return true;
}
