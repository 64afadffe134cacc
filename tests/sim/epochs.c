/* Who votes when, as governance decided it, and what must hold where one epoch ends and the next
 * begins: S16, S17, S18, S19. */
#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/handover.h"
#include "sim/sim.h"
#include "sim/truth.h"
#include "sim/watch.h"

/* --- who votes -------------------------------------------------------------------------------- */

uint32_t quorum_of(uint32_t nodes)
{
    return (nodes + (nodes - 1) / 3) / 2 + 1;
}

uint32_t count_of(uint32_t set)
{
    uint32_t n = 0;
    for (; set != 0; set &= set - 1)
        n++;
    return n;
}

bool era_has(const struct era *e, uint32_t number)
{
    return number <= NODES_MAX && (e->seats >> number & 1) != 0;
}

static void add_seat(struct era *e, const struct mr_node *n, uint32_t generation)
{
    mr_assert(n->number <= NODES_MAX);
    e->count++;
    e->seats |= UINT32_C(1) << n->number;
    e->generations[n->number] = generation;
    e->keys[n->number] = n->log_key;
}

void epochs_make(struct sim *s)
{
    struct era *e = &s->eras[1];
    *e = (struct era){
        .epoch = 1, .quorum = s->quorum, .decided = true, .began = true, .bounded = true};
    for (uint32_t i = 0; i < s->charter.nodes_count; i++)
        add_seat(e, &s->charter.nodes[i], 1);
    for (uint32_t i = 0; i < OWNERS_MAX; i++)
        e->next_seq[i] = 1;
    s->epoch = s->decided = 1;
}

void epoch_keys(struct copy *c, uint32_t generation)
{
    for (uint32_t g = generation; g <= generation + 1; g++)
        world_log_key(&c->keys[g & 1], NULL, c->number, g);
}

/* --- who may fail ----------------------------------------------------------------------------- */

bool is_faulty(const struct sim *s, uint32_t number, uint32_t epoch)
{
    return s->liar[number] || (s->forgot[number] >> epoch & 1) != 0;
}

bool lost_memory(const struct sim *s, uint32_t number)
{
    for (uint32_t i = 0; i < s->copies_count; i++)
        if (s->copies[i].number == number && (s->copies[i].gone || s->copies[i].amnesic))
            return true;
    return false;
}

static bool fits(const struct sim *s, const struct era *e, bool down)
{
    uint32_t faulty = 0, silent = 0;
    for (uint32_t i = 1; i <= s->numbers; i++) {
        faulty += era_has(e, i) && is_faulty(s, i, e->epoch);
        silent += era_has(e, i) && (is_faulty(s, i, e->epoch) || lost_memory(s, i));
    }
    return silent < e->count - e->quorum && (down || faulty + e->count + 1 < 2 * e->quorum);
}

bool may_fail(const struct sim *s, bool down)
{
    const struct era *wish = &s->eras[0];
    return fits(s, &s->eras[s->epoch], down) && fits(s, &s->eras[s->decided], down) &&
           (wish->epoch <= s->decided || fits(s, wish, down));
}

/* --- an epoch is decided ---------------------------------------------------------------------- */

static struct copy *copy_of(struct sim *s, uint32_t number)
{
    for (uint32_t i = 0; i < s->copies_count; i++)
        if (s->copies[i].number == number)
            return &s->copies[i];
    struct copy *c = &s->copies[s->copies_count];
    mr_assert(s->copies_count < COPIES_MAX);
    node_make(s, c, number);
    c->gone = true;
    s->numbers = number > s->numbers ? number : s->numbers;
    return c;
}

void epoch_decided(struct sim *s, const struct mr_next_epoch *next)
{
    if (next->epoch != s->decided + 1 || next->epoch > EPOCHS_MAX)
        violated(s, "S18", "a NEXT of epoch %u settles where %u is decided", next->epoch,
                 s->decided);
    struct era *e = &s->eras[next->epoch];
    *e = (struct era){.epoch = next->epoch, .quorum = next->quorum, .decided = true};
    for (uint32_t i = 0; i < next->seats_count; i++)
        add_seat(e, &next->seats[i].node, next->seats[i].generation);
    s->decided = e->epoch;
    tell(s, "epoch %u is decided: nodes %x, quorum %u", e->epoch, e->seats, e->quorum);
    for (uint32_t i = 0; i < next->seats_count; i++) {
        struct copy *c = copy_of(s, next->seats[i].node.number);
        if (c->gone)
            join_begin(s, c);
    }
}

/* --- it ends: S16 ----------------------------------------------------------------------------- */

/* What the logs of a CUT that can be relied on acknowledged last in a slot. */
static const struct said *last_ack(const struct sim *s, const struct era *e, const struct slot *at,
                                   bool reliable)
{
    const struct said *best = NULL;
    for (uint32_t i = 0; i < at->said_count; i++) {
        const struct said *a = &at->said[i];
        const bool faulty = is_faulty(s, a->node, e->epoch);
        if (a->kind != MR_LEAF_ACK || a->epoch != e->epoch || (reliable && faulty))
            continue;
        for (uint32_t k = 0; k < e->cut.logs_count; k++)
            if (e->cut.logs[k].node == a->node && a->index < e->cut.logs[k].size &&
                (best == NULL || a->ballot > best->ballot))
                best = a;
    }
    return best;
}

void epoch_covers(struct sim *s, const struct slot *at, uint32_t epoch, const uint8_t value[32],
                  const char *name)
{
    const struct era *e = &s->eras[epoch];
    const struct said *a = last_ack(s, e, at, true);
    if (a == NULL)
        a = last_ack(s, e, at, false);
    if (a == NULL)
        violated(s, "S16", "%s settles in epoch %u, and no log of its CUT acknowledged it", name,
                 epoch);
    if (memcmp(a->value, value, 32) != 0)
        violated(s, "S16", "%s settles in epoch %u with %s, and its CUT says otherwise", name,
                 epoch, brief(value));
    if (truth_count(at, MR_LEAF_VOTE, epoch, a->ballot, value) < e->quorum)
        violated(s, "S16", "%s settles by the CUT of epoch %u, and never had %u votes", name, epoch,
                 e->quorum);
}

/* Each log as its node wrote it, up to SEAL. */
static void check_logs(struct sim *s, const struct era *e)
{
    for (uint32_t i = 0; i < e->cut.logs_count; i++) {
        const struct mr_sealed_log *l = &e->cut.logs[i];
        if ((i > 0 && l->node <= e->cut.logs[i - 1].node) || !era_has(e, l->node))
            violated(s, "S16", "the CUT of epoch %u names no %u of its nodes", e->epoch, e->quorum);
        for (uint32_t k = 0; k < s->copies_count; k++) {
            const struct copy *c = &s->copies[k];
            const uint8_t *root = watch_root(c->watch, e->epoch, l->size);
            if (c->number != l->node || is_faulty(s, l->node, e->epoch))
                continue;
            if (watch_sealed(c->watch, e->epoch) != l->size || memcmp(root, l->root, 32) != 0)
                violated(s, "S16", "the CUT of epoch %u names a log that node %u did not seal so",
                         e->epoch, l->node);
        }
    }
}

/* A value that q nodes acknowledged, whether any node has settled it or not; NULL: none. */
static const struct said *acknowledged(const struct era *e, const struct slot *at)
{
    for (uint32_t i = 0; i < at->said_count; i++)
        if (at->said[i].kind == MR_LEAF_ACK && at->said[i].epoch == e->epoch &&
            !truth_anew(at, &at->said[i]) &&
            truth_count(at, MR_LEAF_ACK, e->epoch, at->said[i].ballot, at->said[i].value) >=
                e->quorum)
            return &at->said[i];
    return NULL;
}

void epoch_cut(struct sim *s, const struct mr_cut *cut)
{
    if (cut->epoch == 0 || cut->epoch > s->epoch || s->eras[cut->epoch].ended)
        violated(s, "S16", "a CUT settles for epoch %u", cut->epoch);
    struct era *e = &s->eras[cut->epoch];
    e->ended = true;
    e->cut = *cut;
    for (uint32_t i = 0; i < cut->logs_count; i++)
        tell(s, "the CUT of epoch %u names %llu leaves of node %u", e->epoch,
             (unsigned long long)cut->logs[i].size, cut->logs[i].node);
    if (cut->logs_count != e->quorum)
        violated(s, "S16", "the CUT of epoch %u names %u logs, not %u", e->epoch, cut->logs_count,
                 e->quorum);
    check_logs(s, e);
    for (uint32_t i = 0; i < s->owners_count; i++)
        for (uint64_t k = 0; k < s->truth.chains[i].count; k++) {
            const struct slot *at = &s->truth.chains[i].slots[k];
            const struct said *a = acknowledged(e, at);
            if (a != NULL && s->owners[i].role != ROLE_CHECKPOINTS)
                epoch_covers(s, at, e->epoch, a->value, truth_slot_name(s, i, k + 1));
        }
}

void epoch_final(struct sim *s, const struct copy *c, const struct mr_leaf_final *f)
{
    struct era *e = &s->eras[watch_epoch(c->watch)];
    if (f->epoch != e->epoch || !e->ended)
        violated(s, "S16", "node %u says FINAL of epoch %u, which has no CUT", c->number, f->epoch);
    tell(s, "node %u: FINAL of epoch %u, root %s", c->number, f->epoch, brief(f->state_root));
    if (e->summed && memcmp(e->root, f->state_root, 32) != 0)
        violated(s, "S19", "node %u ends epoch %u with another state than others", c->number,
                 e->epoch);
    e->summed = true;
    memcpy(e->root, f->state_root, 32);
}

/* --- the next one begins: S16, S18 ------------------------------------------------------------ */

/* S16: all go over with the same settled. */
static void check_boundary(struct sim *s, const struct copy *c, struct era *e)
{
    for (uint32_t i = 0; i < s->owners_count; i++) {
        const struct reached *r = watch_reached(c->watch, i);
        if (e->bounded && r->next_seq != e->next_seq[i])
            violated(s, "S16", "node %u begins epoch %u with owner %u's chain at %llu, others %llu",
                     c->number, e->epoch, i, (unsigned long long)r->next_seq,
                     (unsigned long long)e->next_seq[i]);
        e->next_seq[i] = r->next_seq;
        memcpy(e->prev[i], r->prev, 32);
    }
    e->bounded = true;
}

/* A RESTART makes an epoch by itself. */
static void restarted(struct sim *s, const struct mr_restart *r)
{
    struct era *e = &s->eras[r->epoch];
    if (e->decided)
        return;
    *e = s->eras[r->epoch - 1];
    e->epoch = r->epoch;
    s->eras[r->epoch - 1].broken_off = true;
    e->began = e->bounded = e->ended = e->summed = false;
    e->generations[r->node] = r->generation;
    e->keys[r->node] = r->log_key;
    e->decided = true;
    s->decided = r->epoch;
}

struct mr_chain epochs_chain(const struct mr_handover *handovers, uint32_t count)
{
    static uint8_t bytes[EPOCHS_MAX * MR_FRAME_MAX];
    struct mr_chain chain = {.bytes = bytes, .count = count};
    for (uint32_t i = 0; i < count; i++)
        chain.len += mr_handover_encode(&handovers[i], bytes + chain.len, sizeof bytes - chain.len);
    return chain;
}

/* S18: by what stands in the epoch before, back to the charter. */
static void check_descent(struct sim *s, const struct copy *c, uint32_t epoch,
                          const struct mr_handover *h)
{
    struct mr_roster roster;
    if (epoch > EPOCHS_MAX ||
        mr_roster_reach(&roster, &s->charter, NULL, s->handovers, epoch - 2, epoch - 1) != MR_OK ||
        mr_roster_step(&roster, &s->charter, h) != MR_OK)
        violated(s, "S18", "node %u begins epoch %u with a handover that does not verify",
                 c->number, epoch);
    if (h->kind == MR_HANDOVER_RESTART) {
        restarted(s, &h->u.restart.restart);
        return;
    }
    if (h->kind == MR_HANDOVER_REGROUP) {
        if (!s->eras[epoch - 1].broken_off || !s->eras[epoch].decided)
            violated(s, "S18", "node %u begins epoch %u, which governance did not name", c->number,
                     epoch);
        return;
    }
    const struct mr_order *o = &h->u.next.order.order;
    const struct owner *w = truth_owner(s, o->account);
    uint8_t id[32];
    mr_order_id(id, o);
    const struct slot *at =
        w == NULL || w->role != ROLE_GOVERNANCE ? NULL : truth_slot(s, w->index, o->seq);
    if (at == NULL || !at->settled || memcmp(at->value, id, 32) != 0 || !s->eras[epoch].decided)
        violated(s, "S18", "node %u begins epoch %u, which nobody decided", c->number, epoch);
    if (!s->eras[epoch - 1].ended)
        violated(s, "S16", "node %u begins epoch %u, and the one before has no CUT", c->number,
                 epoch);
}

void epoch_entered(struct sim *s, struct copy *c, const struct mr_handover *h)
{
    const uint32_t epoch = watch_epoch(c->watch) + 1;
    if (c->honest)
        check_descent(s, c, epoch, h);
    struct era *e = &s->eras[epoch];
    const struct era *before = &s->eras[epoch - 1];
    if (c->honest)
        check_boundary(s, c, e);
    tell(s, "node %u: epoch %u", c->number, epoch);
    if (era_has(e, c->number)) {
        epoch_keys(c, e->generations[c->number]);
        /* With a new key nothing that it says contradicts what it forgot. */
        if (e->generations[c->number] != before->generations[c->number] &&
            s->forgot[c->number] >> epoch == 0) {
            c->amnesic = c->must_abstain = false;
            watch_forgive(c->watch);
        }
    }
    if (e->began || !c->honest)
        return;
    e->began = true;
    s->handovers[epoch - 2] = *h;
    s->epoch = epoch;
    s->counts.epochs++;
    s->change_us = s->clock.now_us + rng_between(&s->people, 1, 2 * s->w.changes_s + 1) * SECOND;
}

void epoch_committee(struct sim *s, struct copy *c)
{
    const struct mr_committee *k = mr_engine_committee(c->engine);
    if (k->epoch == c->committee)
        return;
    c->committee = k->epoch;
    peer_follow_committee(s, c);
    const struct era *e = &s->eras[k->epoch <= EPOCHS_MAX ? k->epoch : 0];
    if (!c->honest || (c->restarts && !e->decided))
        return;
    bool same = e->decided && k->count == e->count && k->quorum == e->quorum;
    for (uint32_t i = 0; same && i < k->count; i++)
        same = era_has(e, k->seats[i].number) &&
               k->seats[i].generation == e->generations[k->seats[i].number] &&
               memcmp(k->seats[i].log_key.key, e->keys[k->seats[i].number].key, 32) == 0;
    if (!same)
        violated(s, "S18", "node %u believes in nodes of epoch %u that nobody decided", c->number,
                 k->epoch);
}
