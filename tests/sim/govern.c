/* Governance: it changes who votes, brings back who lost its memory, and lets a node that is alone
 * go on where it does not trust its own. */
#include <string.h>

#include "mereau/assert.h"
#include "mereau/handover.h"
#include "sim/sim.h"
#include "sim/truth.h"
#include "sim/watch.h"
#include "storage/mem.h"

enum { PLANS = 40 };

/* Who shall vote in the next epoch. */
struct plan {
    uint32_t seats, rekeyed; /* bit n: node n */
};

static bool has(uint32_t set, uint32_t number)
{
    return (set >> number & 1) != 0;
}

/* The keys that its people have made are that of its generation and the next one: a node that is
 * behind must not need an older one still. */
static bool has_next_key(const struct sim *s, uint32_t number)
{
    const struct era *now = &s->eras[s->epoch];
    for (uint32_t i = 0; i < s->copies_count; i++) {
        const struct copy *c = &s->copies[i];
        if (c->number == number && !c->gone &&
            s->eras[watch_epoch(c->watch)].generations[number] != now->generations[number])
            return false;
    }
    return true;
}

/* --- plans ------------------------------------------------------------------------------------ */

static uint32_t some_of(struct sim *s, uint32_t set)
{
    uint32_t number;
    do
        number = (uint32_t)rng_below(&s->people, NODES_MAX + 1);
    while (!has(set, number));
    return number;
}

static void add(const struct sim *s, struct plan *p, uint32_t nodes)
{
    for (uint32_t i = 1; i <= nodes; i++)
        if (s->numbers + i <= NODES_MAX && s->copies_count + i <= COPIES_MAX)
            p->seats |= UINT32_C(1) << (s->numbers + i);
}

static void drop(struct sim *s, struct plan *p)
{
    if (count_of(p->seats) > 1)
        p->seats &= ~(UINT32_C(1) << some_of(s, p->seats));
}

static struct plan draw(struct sim *s)
{
    const uint32_t nodes = s->eras[s->epoch].count;
    struct plan p = {.seats = s->eras[s->epoch].seats};
    switch (rng_below(&s->people, 6)) {
    case 0: /* the same: new keys perhaps */
        break;
    case 1:
        add(s, &p, 1);
        break;
    case 2:
        drop(s, &p);
        break;
    case 3:
        drop(s, &p);
        add(s, &p, 1);
        break;
    case 4: /* one alone begins, or ends, a federation */
        if (nodes == 1)
            add(s, &p, 3);
        else if (rng_chance(&s->people, 300))
            p.seats = UINT32_C(1) << some_of(s, p.seats);
        break;
    default:
        p.rekeyed |= UINT32_C(1) << some_of(s, p.seats);
        break;
    }
    return p;
}

/* Whether the next epoch tolerates what is wrong with its nodes, and they are as many as the run
 * shall have. */
static bool tolerable(const struct sim *s, const struct plan *p)
{
    const uint32_t n = count_of(p->seats), q = quorum_of(n);
    const uint32_t most = s->o.nodes < 4 ? 4 : s->o.nodes + 1;
    uint32_t liars = 0, sound = 0;
    for (uint32_t i = 1; i <= NODES_MAX; i++) {
        if (!has(p->seats, i))
            continue;
        liars += s->liar[i];
        sound += i <= s->numbers && !s->liar[i] && !lost_memory(s, i);
        if (has(p->rekeyed, i) && !has_next_key(s, i))
            return false;
    }
    return n <= most && n <= SEATS_MAX && liars < 2 * q - n && liars <= n - q && sound > 0 &&
           (n > 1 || sound == 1);
}

/* Whoever lost its memory comes back with a new key. */
static void bring_back(const struct sim *s, struct plan *p)
{
    for (uint32_t i = 1; i <= s->numbers; i++)
        if (has(p->seats, i) && lost_memory(s, i))
            p->rekeyed |= UINT32_C(1) << i;
}

static bool make_plan(struct sim *s, struct plan *ret)
{
    for (int i = 0; i < PLANS; i++) {
        *ret = draw(s);
        bring_back(s, ret);
        ret->rekeyed &= ret->seats;
        if (tolerable(s, ret))
            return true;
    }
    return false;
}

bool govern_next(struct sim *s)
{
    struct mr_next_epoch *next = &s->order.order.body.u.next;
    const struct era *now = &s->eras[s->epoch];
    struct plan p;
    if (s->w.changes_s == 0 || s->decided != s->epoch || s->epoch == EPOCHS_MAX ||
        s->clock.now_us < s->change_us || !make_plan(s, &p))
        return false;
    s->order.order.body.kind = MR_KIND_NEXT;
    s->eras[0] = (struct era){.epoch = s->epoch + 1,
                              .quorum = quorum_of(count_of(p.seats)),
                              .count = count_of(p.seats),
                              .seats = p.seats};
    next->epoch = s->epoch + 1;
    next->quorum = quorum_of(count_of(p.seats));
    for (uint32_t i = 1; i <= NODES_MAX; i++) {
        if (!has(p.seats, i))
            continue;
        struct mr_epoch_seat *seat = &next->seats[next->seats_count++];
        seat->generation = era_has(now, i) ? now->generations[i] + (has(p.rekeyed, i) ? 1 : 0) : 1;
        world_node(s, &seat->node, i, seat->generation);
    }
    tell(s, "governance: epoch %u shall have nodes %x, new keys %x", next->epoch, p.seats,
         p.rekeyed);
    return true;
}

/* --- memory ----------------------------------------------------------------------------------- */

void govern_lose(struct sim *s, struct copy *c)
{
    if (c->up)
        node_kill(s, c);
    tell(s, "node %u loses everything", c->number);
    node_empty(c);
    c->disk_full = c->append_fails = false; /* it gets another disk */
    c->gone = c->forgetful = true;
    c->lost = s->eras[watch_epoch(c->watch)].generations[c->number];
    c->amnesic = c->must_abstain = c->restored = c->restarts = c->regroups = false;
}

void govern_restart(struct sim *s, struct copy *c)
{
    const uint32_t epoch = watch_epoch(c->watch);
    struct mr_restart *r = &c->restart.restart;
    struct mr_seckey keys[2], unused;
    const struct owner *w = s->owners;
    mr_assert(!c->up);
    mr_journal_mem_reopen(c->journal, NULL);
    watch_read(s, c);
    const uint8_t *root = watch_root(c->watch, epoch, watch_leaves(c->watch));
    if (root == NULL || watch_epoch(c->watch) != epoch || s->decided != epoch)
        return;
    while (w->role != ROLE_GOVERNANCE)
        w++;
    c->restart = (struct mr_signed_restart){0};
    *r = (struct mr_restart){.version = 1,
                             .epoch = epoch + 1,
                             .node = c->number,
                             .generation = s->eras[epoch].generations[c->number] + 1,
                             .last_size = watch_leaves(c->watch),
                             .time_ms = clock_of(s, c),
                             .claims_until_ms = clock_of(s, c) + 1000};
    memcpy(r->ledger, s->ledger, 32);
    memcpy(r->last_root, root, 32);
    world_log_key(&unused, &r->log_key, c->number, r->generation);
    owner_keys(w, 1, keys, NULL);
    for (uint32_t i = 0; i < w->keys; i++)
        mr_restart_sign(&c->restart, i, &keys[i]);
    c->restarts = true;
    tell(s, "governance: node %u goes on in a new log, epoch %u", c->number, r->epoch);
}

/* --- too few are left ------------------------------------------------------------------------- */

/* Whether what settled anywhere has settled here, and nothing is on its way: no node acknowledged
 * what is open still. What settles beyond the state that governance names would be lost. */
static bool holds_all(struct sim *s, const struct copy *c)
{
    for (uint32_t i = 0; i < s->owners_count; i++)
        for (uint64_t k = 0; k < s->truth.chains[i].count; k++) {
            const struct slot *at = &s->truth.chains[i].slots[k];
            const bool here = watch_reached(c->watch, i)->next_seq > k + 1;
            if (at->settled ? !here : truth_acknowledged(at, s->epoch))
                return false;
        }
    return true;
}

static bool survives(struct sim *s, const struct copy *c)
{
    return c->up && c->honest && !c->amnesic && !c->forgetful && !c->restored &&
           watch_epoch(c->watch) == s->epoch && holds_all(s, c);
}

/* Who is left, by copy: at least one, fewer than q. 0: it cannot be. */
static uint32_t draw_left(struct sim *s, const struct era *now)
{
    uint32_t left = 0;
    if (now->count == 1 || now->ended || s->decided != s->epoch || s->epoch == EPOCHS_MAX)
        return 0;
    for (uint32_t i = 1; i <= s->numbers; i++)
        if (era_has(now, i) && (is_faulty(s, i, s->epoch) || lost_memory(s, i)))
            return 0;
    const uint32_t most = 1 + (uint32_t)rng_below(&s->people, now->quorum - 1);
    for (uint32_t i = 0; i < s->copies_count && count_of(left) < most; i++)
        if (era_has(now, s->copies[i].number) && survives(s, &s->copies[i]))
            left |= UINT32_C(1) << i;
    return left;
}

static void sign(struct sim *s, const struct mr_checkpoint *state, uint32_t left)
{
    const struct era *now = &s->eras[s->epoch];
    const struct owner *w = s->owners;
    struct mr_seckey keys[2];
    struct mr_regroup *r = &s->regroup.regroup;
    while (w->role != ROLE_GOVERNANCE)
        w++;
    s->regroup = (struct mr_signed_regroup){0};
    *r = (struct mr_regroup){.version = 1,
                             .time_ms = SIM_START_MS + s->clock.now_us / 1000,
                             .claims_until_ms = SIM_START_MS + s->clock.now_us / 1000 + 1000,
                             .accounts = state->accounts};
    memcpy(r->ledger, s->ledger, 32);
    memcpy(r->state_root, state->state_root, 32);
    r->next.epoch = s->epoch + 1;
    r->next.quorum = now->quorum;
    for (uint32_t i = 1; i <= s->numbers; i++) {
        if (!era_has(now, i))
            continue;
        struct mr_epoch_seat *seat = &r->next.seats[r->next.seats_count++];
        seat->generation = now->generations[i] + (has(left, i) ? 0 : 1);
        world_node(s, &seat->node, i, seat->generation);
    }
    owner_keys(w, 1, keys, NULL);
    for (uint32_t i = 0; i < w->keys; i++)
        mr_regroup_sign(&s->regroup, i, &keys[i]);
}

bool govern_regroup(struct sim *s)
{
    const struct era *now = &s->eras[s->epoch];
    const uint32_t left = draw_left(s, now);
    struct mr_checkpoint state;
    uint32_t numbers = 0;
    struct copy *one = NULL;
    if (left == 0)
        return false;
    for (uint32_t i = 0; i < s->copies_count; i++) {
        struct copy *c = &s->copies[i];
        c->regroups = (left >> i & 1) != 0;
        if (!c->regroups)
            continue;
        node_kill(s, c);
        node_catch_up(s, c);
        numbers |= UINT32_C(1) << c->number;
        one = c;
    }
    mr_assert(one != NULL);
    if (node_sum(s, one, &state) != MR_OK)
        violated(s, "S19", "node %u cannot sum up its state", one->number);
    for (uint32_t i = 0; i < s->copies_count; i++)
        if (era_has(now, s->copies[i].number) && !s->copies[i].regroups)
            govern_lose(s, &s->copies[i]);
    sign(s, &state, numbers);
    tell(s, "governance: nodes %x are left of %x and go on", numbers, now->seats);
    s->counts.regroups++;
    s->eras[s->epoch].broken_off = true;
    epoch_decided(s, &s->regroup.regroup.next);
    return true;
}
