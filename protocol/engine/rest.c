/* Rest: a moment in which nobody begins a slot, so that q nodes come to hold the same state and can
 * agree on a checkpoint (SLOT-16). It is for liveness only: what a node votes for, it computed. */
#include "engine/internal.h"

#include <string.h>

enum {
    REST_MS = 3000,    /* no rest is longer: who handed an order in waits 4 s for it */
    APART_MS = 60000,  /* from the beginning of one to that of the next, whoever asks */
    AGAIN_MS = 75000,  /* this node asks again: when nobody is still too early for it */
    TURN_MS = 10000,   /* a node that does not ask when it is its turn loses it after that */
    MISSING_MS = 1000, /* who has not said REST by then is not waited for */
    STUCK_MS = 2000,   /* nor is a slot that does not come to its end */
};

static uint64_t next_number(const struct mr_engine *e)
{
    return e->ledger.meta.checkpoints + 1;
}

/* --- whose turn it is ------------------------------------------------------------------------- */

/* How many nodes come before this one, by the number, passing over those that do not answer. */
static uint32_t rank_of(const struct mr_engine *e)
{
    const struct mr_committee *const c = &e->committee;
    uint32_t rank = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        const uint32_t node = c->seats[(e->ledger.meta.checkpoints + i) % c->count].number;
        const struct mri_peer *const p = mri_peer_of(e, node);
        if (p == NULL)
            break; /* this node */
        rank += p->up && p->heard;
    }
    return rank;
}

/* By this node's settings a checkpoint is due, and it is this node's turn to ask. */
static bool is_its_turn(const struct mr_engine *e)
{
    return e->rest.due == next_number(e) &&
           e->now_ms >= e->rest.due_ms + TURN_MS * (uint64_t)rank_of(e);
}

void mri_rest_due(struct mr_engine *e)
{
    if (e->rest.due == next_number(e))
        return;
    e->rest.due = next_number(e);
    e->rest.due_ms = e->now_ms;
}

/* Whoever asked proposes. One that lies may ask for nothing but rest, so another one may as well:
 * in the first rest for a number the node whose turn it is, then the next. */
static bool is_proposer(const struct mr_engine *e)
{
    const struct mri_rest *const r = &e->rest;
    return r->asked == r->last ||
           (r->due == r->last && rank_of(e) == (r->tries - 1) % e->committee.count);
}

bool mri_rest_proposes(const struct mr_engine *e, const struct mr_checkpoint *c)
{
    const struct mri_rest *const r = &e->rest;
    if (e->committee.count == 1)
        return true;
    /* The state must be the one at rest, also when the sum took longer than the rest. */
    const bool now = r->number != 0;
    return r->last == next_number(e) && c->turn >= (now ? e->settled_turn : r->settled_turn) &&
           (now || c->turn <= r->last_turn) && is_proposer(e);
}

/* --- beginning and end ------------------------------------------------------------------------ */

void mri_rest_hear(struct mr_engine *e, struct mri_peer *p, const struct mr_leaf_rest *leaf)
{
    p->rest = leaf->number;
    p->rest_ms = e->now_ms;
}

static bool is_past(const struct mr_engine *e, uint64_t since_ms, uint64_t ms)
{
    return since_ms == 0 || e->now_ms >= since_ms + ms;
}

/* Whether it rested when this node asked the last time, or has since. */
static bool answers(const struct mr_engine *e, const struct mri_peer *p)
{
    return e->rest.asked != next_number(e) || p->rest_ms >= e->rest.since_ms;
}

/* Whether q nodes will rest when this one asks: those that rested a moment ago would not, nor does
 * one that lies or remembers nothing. Who asks alone would only be out of step the next time. */
static bool are_ready(const struct mr_engine *e)
{
    uint32_t count = is_past(e, e->rest.since_ms, AGAIN_MS);
    for (uint32_t i = 0; count > 0 && i < e->peers_count; i++) {
        const struct mri_peer *const p = &e->peers[i];
        count += p->up && p->heard && answers(e, p) && is_past(e, p->rest_ms, AGAIN_MS);
    }
    return count >= e->committee.quorum;
}

/* Whether a peer rests now for the next checkpoint. */
static bool is_called(const struct mr_engine *e)
{
    for (uint32_t i = 0; i < e->peers_count; i++)
        if (e->peers[i].rest == next_number(e) && e->now_ms < e->peers[i].rest_ms + REST_MS)
            return true;
    return false;
}

static void begin(struct mr_engine *e)
{
    struct mri_rest *const r = &e->rest;
    const struct mr_leaf leaf = {.kind = MR_LEAF_REST, .u.rest = {.number = next_number(e)}};
    const bool called = is_called(e) && is_past(e, e->rest.since_ms, APART_MS);
    const bool asks = !called && is_its_turn(e) && are_ready(e);
    if (mri_mode(e) != MR_OK || !mri_speaks(e) || !mr_engine_ready(e) || !(called || asks))
        return;
    mri_say_leaf(e, &leaf);
    r->tries = r->last == leaf.u.rest.number ? r->tries + 1 : 1;
    r->number = r->last = leaf.u.rest.number;
    r->since_ms = e->now_ms;
    r->asked = asks ? r->number : 0;
    r->sum_turn = 0;
    r->count++;
}

static bool is_over(const struct mr_engine *e)
{
    return e->rest.number != next_number(e) || e->now_ms >= e->rest.since_ms + REST_MS ||
           e->ledger.meta.next != 0 || !mri_speaks(e);
}

static void end(struct mr_engine *e)
{
    struct mri_rest *const r = &e->rest;
    r->number = 0;
    r->sum_wanted = false;
    r->held_ms += e->now_ms - r->since_ms;
    r->last_turn = e->ledger.meta.turn;
    r->settled_turn = e->settled_turn;
    for (struct mri_open *o = e->opens.oldest; o != NULL; o = o->newer)
        if (o->s.orders_count > 0 && !o->s.voted) {
            const bool changed = o->changed;
            mri_open_due(e, o);
            o->changed = changed;
        }
}

/* --- at rest ---------------------------------------------------------------------------------- */

/* Whether the state stays as it is: all that are here have stopped voting, and what their votes
 * decided has settled. */
static bool is_at_rest(const struct mr_engine *e)
{
    const struct mri_rest *const r = &e->rest;
    uint32_t count = 1;
    for (uint32_t i = 0; i < e->peers_count; i++) {
        const struct mri_peer *const p = &e->peers[i];
        if (p->rest == r->number && p->rest_ms + REST_MS >= r->since_ms)
            count++;
        else if (p->up && p->heard && e->now_ms < r->since_ms + MISSING_MS)
            return false;
    }
    return count >= e->committee.quorum &&
           (mri_is_drained(e) || e->now_ms >= r->since_ms + STUCK_MS);
}

bool mri_rest_work(struct mr_engine *e)
{
    struct mri_rest *const r = &e->rest;
    if (r->number != 0 && is_over(e)) {
        end(e);
        return true;
    }
    if (e->committee.count == 1 || e->config.read_only || e->closing)
        return false;
    if (r->number == 0)
        begin(e);
    r->sum_wanted =
        r->number != 0 && is_at_rest(e) && (r->sum_turn == 0 || r->sum_turn < e->settled_turn);
    return false;
}
