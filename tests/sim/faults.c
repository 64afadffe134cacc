/* The weather: once a virtual second, what goes wrong. */
#include <string.h>

#include "mereau/assert.h"
#include "sim/sim.h"
#include "sim/watch.h"

static void weather(struct sim *s, struct event *ev);

static uint64_t some_time(struct sim *s, uint64_t most_s)
{
    return rng_between(&s->chance, SECOND / 10, most_s * SECOND);
}

static void later(struct sim *s, uint64_t delay_us, event_fn run, uint32_t a, uint32_t b)
{
    const struct event ev = {.run = run, .a = a, .b = b};
    clock_set(&s->clock, delay_us, &ev);
}

/* --- network ---------------------------------------------------------------------------------- */

static void mend(struct sim *s, struct event *ev)
{
    struct path *p = &s->paths[ev->a][ev->b];
    p->cut = false;
    p->delay_us = s->w.delay_us;
}

static void cut(struct sim *s, uint32_t from, uint32_t to, uint64_t for_us)
{
    s->paths[from][to].cut = true;
    later(s, for_us, mend, from, to);
}

static void cut_one_way(struct sim *s)
{
    const uint32_t ends = s->copies_count + 1;
    const uint32_t from = (uint32_t)rng_below(&s->chance, ends);
    const uint32_t to = (uint32_t)rng_below(&s->chance, ends);
    tell(s, "path %u to %u is cut", from, to);
    cut(s, from, to, some_time(s, 15));
}

static void slow_path(struct sim *s)
{
    const uint32_t ends = s->copies_count + 1;
    const uint32_t from = (uint32_t)rng_below(&s->chance, ends);
    const uint32_t to = (uint32_t)rng_below(&s->chance, ends);
    s->paths[from][to].delay_us *= (uint32_t)rng_between(&s->chance, 2, 20);
    later(s, some_time(s, 10), mend, from, to);
}

static void part(struct sim *s)
{
    const uint64_t side = rng_next(&s->chance), for_us = some_time(s, 20);
    tell(s, "partition %llx", (unsigned long long)(side & 0xff));
    for (uint32_t i = 0; i <= s->copies_count; i++)
        for (uint32_t k = 0; k <= s->copies_count; k++)
            if ((side >> i & 1) != (side >> k & 1) && i > 0 && k > 0)
                cut(s, i, k, for_us);
}

/* --- nodes ------------------------------------------------------------------------------------ */

static void rise(struct sim *s, struct event *ev)
{
    struct copy *c = &s->copies[ev->a];
    if (!c->up && !c->gone)
        node_start(s, c);
}

static void fall(struct sim *s, struct copy *c)
{
    node_kill(s, c);
    later(s, some_time(s, 8), rise, c->index, 0);
}

/* It hears and says nothing for a while. */
static void pause(struct sim *s, const struct copy *c)
{
    const uint64_t for_us = some_time(s, 8);
    tell(s, "node %u pauses", c->number);
    for (uint32_t i = 0; i <= s->copies_count; i++) {
        cut(s, i, end_of(c), for_us);
        cut(s, end_of(c), i, for_us);
    }
}

static void jump(struct sim *s, struct copy *c)
{
    c->offset_us = (int64_t)rng_below(&s->chance, 60 * SECOND) - 30 * SECOND;
    tell(s, "clock of node %u is %lld us off", c->number, (long long)c->offset_us);
}

/* --- disks ------------------------------------------------------------------------------------ */

static void disk_mends(struct sim *s, struct event *ev)
{
    struct copy *c = &s->copies[ev->a];
    if (ev->b == 0)
        c->slow = 0;
    else
        c->disk_full = false;
}

static void disk_slows(struct sim *s, struct copy *c)
{
    c->slow = (uint32_t)rng_between(&s->chance, 2, 100);
    later(s, some_time(s, 6), disk_mends, c->index, 0);
}

static void disk_fills(struct sim *s, struct copy *c)
{
    tell(s, "disk of node %u is full", c->number);
    c->disk_full = true;
    later(s, some_time(s, 8), disk_mends, c->index, 1);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Enough honest nodes have seen more than the node remembers: whichever q - 1 it hears first, one
 * of them tells. */
static bool others_know(struct sim *s, const struct copy *c)
{
    /* Its START says what the one that was forgotten said. */
    const uint64_t leaves = watch_leaves(c->watch) > 0 ? watch_leaves(c->watch) : 1;
    uint32_t knowing = 0;
    for (uint32_t i = 0; i < s->copies_count; i++) {
        const struct copy *o = &s->copies[i];
        if (o->number != c->number && o->honest && !o->amnesic &&
            watch_epoch(o->watch) == watch_epoch(c->watch) &&
            watch_heard(o->watch, c->number) > leaves)
            knowing++;
    }
    const struct era *e = &s->eras[watch_epoch(c->watch)];
    return knowing > e->count - e->quorum;
}

/* The node's disk is put back to what it was some turns ago. */
static void forget(struct sim *s, struct copy *c, bool restored)
{
    struct mr_journal_end end;
    node_kill(s, c);
    c->journal->api->end(c->journal, &end);
    watch_read(s, c);
    const uint64_t first = watch_turn(c->watch);
    const uint64_t back = rng_between(&s->chance, first < end.turn ? first : end.turn, end.turn);
    tell(s, "node %u is put back to turn %llu of %llu", c->number, (unsigned long long)back,
         (unsigned long long)end.turn);
    s->forgot[c->number] |= UINT32_C(1) << watch_epoch(c->watch);
    c->amnesic = c->forgetful = true;
    c->restored = restored;
    node_roll_back(s, c, back);
    watch_read(s, c);
    c->must_abstain = restored || others_know(s, c);
    later(s, some_time(s, 5), rise, c->index, 0);
}

/* It is alone, and whether its disk holds all that it said nobody can tell. */
static void restart(struct sim *s, struct copy *c)
{
    node_kill(s, c);
    govern_restart(s, c);
    later(s, some_time(s, 5), rise, c->index, 0);
}

/* Disks are lost all at once, and too few nodes are left to decide who goes on. */
static void disaster(struct sim *s)
{
    if (!govern_regroup(s))
        return;
    for (uint32_t i = 0; i < s->copies_count; i++)
        if (s->copies[i].regroups && !s->copies[i].up)
            later(s, some_time(s, 5), rise, i, 0);
}

static void may_forget(struct sim *s, struct copy *c)
{
    const bool alone = s->decided == s->epoch && s->eras[s->epoch].count == 1;
    if (s->liar[c->number] || c->amnesic || !era_has(&s->eras[s->epoch], c->number) ||
        watch_epoch(c->watch) != s->epoch)
        return;
    if (alone && s->epoch < EPOCHS_MAX && rng_chance(&s->chance, s->w.losses))
        restart(s, c);
    else if (!may_fail(s, true))
        return;
    else if (c->joined == 0 && may_fail(s, false) && rng_chance(&s->chance, s->w.rollbacks))
        forget(s, c, false);
    else if (c->joined == 0 && rng_chance(&s->chance, s->w.restores))
        forget(s, c, true);
    else if (s->decided == s->epoch && s->epoch < EPOCHS_MAX && rng_chance(&s->chance, s->w.losses))
        govern_lose(s, c);
    else
        return;
    s->counts.faults++;
}

/* --- all of it -------------------------------------------------------------------------------- */

static void on_copy(struct sim *s, struct copy *c)
{
    const struct {
        uint32_t rate;
        void (*run)(struct sim *, struct copy *);
    } rows[] = {{s->w.kills, fall},
                {s->w.jumps, jump},
                {s->w.disk_slow, disk_slows},
                {s->w.disk_full, disk_fills}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!c->up || !rng_chance(&s->chance, rows[i].rate))
            continue;
        rows[i].run(s, c);
        s->counts.faults++;
    }
    if (c->up && rng_chance(&s->chance, s->w.disk_fails)) {
        c->append_fails = true;
        s->counts.faults++;
    }
    if (c->up && rng_chance(&s->chance, s->w.pauses)) {
        pause(s, c);
        s->counts.faults++;
    }
    if (c->up)
        may_forget(s, c);
    if (!c->up && !c->gone && !rng_chance(&s->chance, 900))
        later(s, 0, rise, c->index, 0); /* whoever died of its disk comes back, too */
}

static void weather(struct sim *s, struct event *ev)
{
    const struct {
        uint32_t rate;
        void (*run)(struct sim *);
    } rows[] = {{s->w.cuts, cut_one_way},
                {s->w.partitions, part},
                {s->w.slows, slow_path},
                {s->w.disasters, disaster}};
    if (s->calm)
        return;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!rng_chance(&s->chance, rows[i].rate))
            continue;
        rows[i].run(s);
        s->counts.faults++;
    }
    for (uint32_t i = 0; i < s->copies_count; i++)
        on_copy(s, &s->copies[i]);
    clock_set(&s->clock, SECOND, ev);
}

void faults_start(struct sim *s)
{
    const struct event ev = {.run = weather};
    clock_set(&s->clock, SECOND, &ev);
}

void faults_heal(struct sim *s)
{
    tell(s, "calm");
    s->calm = true;
    s->calm_us = s->clock.now_us;
    s->w.loss = s->w.repeat = s->w.jitter_us = 0;
    s->w.delay_us = s->w.delay_us < 20000 ? s->w.delay_us : 20000;
    s->w.disk_us = s->w.disk_us < 5000 ? s->w.disk_us : 5000;
    net_make(s);
    for (uint32_t i = 0; i < s->copies_count; i++) {
        struct copy *c = &s->copies[i];
        c->slow = 0;
        c->offset_us = 0;
        c->disk_full = c->append_fails = false;
        if (!c->up && !c->gone)
            node_start(s, c);
    }
}
