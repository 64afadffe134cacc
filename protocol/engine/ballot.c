/* Ballots above 0: they free a slot whose owner cancelled it, signed two orders, was frozen or let
 * an order lapse (SLOT-7 to SLOT-11). */
#include "engine/internal.h"

#include <string.h>

#include "base/teeth.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/sign.h"

enum {
    PATIENCE_MS = 2000, /* ballot 0 may still settle a contested slot by itself */
    TIMEOUT_MS = 1000,  /* of ballot 1 or 2; doubles */
    DOUBLINGS_MAX = 5,
    FIRST_OF_NODES = 2,
    JUMP_MAX = 8, /* no node is led further by one report: ballots would run out */
};

/* --- triggers --------------------------------------------------------------------------------- */

static void trigger_hash(uint8_t ret[32], const struct mri_open *o, enum mr_trigger_kind kind)
{
    uint8_t text[28];
    for (int i = 0; i < 4; i++)
        text[i] = (uint8_t)((uint32_t)kind >> (24 - 8 * i));
    memcpy(text + 4, o->s.account, 16);
    mri_key_u64(text + 20, o->s.seq);
    mr_hash(ret, "mereau/trigger", text, sizeof text, NULL, 0);
}

void mri_trigger(struct mr_engine *e, struct mri_open *o, enum mr_trigger_kind kind,
                 const struct mr_signed_cancel *cancel)
{
    struct mr_entry_trigger *const t = &o->s.trigger;
    *t = (struct mr_entry_trigger){.seq = o->s.seq, .kind = kind, .time_ms = e->now_ms};
    memcpy(t->account, o->s.account, 16);
    if (cancel != NULL) {
        uint8_t bytes[2048];
        e->body.kind = MR_BODY_CANCEL;
        e->body.u.cancel = *cancel;
        mri_say_body(e, &t->body_at, &t->body_len, &e->body);
        mr_hash(t->hash, "mereau/trigger", bytes,
                mr_signed_cancel_encode(cancel, bytes, sizeof bytes), NULL, 0);
    } else {
        trigger_hash(t->hash, o, kind);
    }
    o->s.triggered = true;
    e->entry.kind = MR_ENTRY_TRIGGER;
    e->entry.u.trigger = *t;
    mri_say(e, &e->entry);
    mri_open_due(e, o);
}

enum mr_status mri_trigger_replay(struct mr_engine *e, const struct mr_entry_trigger *t)
{
    struct mri_open *const o = mri_open_get(e, t->account, t->seq, e->config.node);
    o->s.trigger = *t;
    o->s.triggered = true;
    mri_open_due(e, o);
    return MR_OK;
}

/* What this node sees by itself. Each stays true once it is. */
static bool sees_trigger(const struct mr_engine *e, const struct mri_open *o,
                         const struct mr_state_account *a, enum mr_trigger_kind *ret)
{
    uint32_t signed_ones = 0;
    bool lapsed = false;
    for (uint32_t i = 0; i < o->s.orders_count; i++) {
        const struct mri_candidate *const c = &o->s.orders[i];
        signed_ones += c->verified != 0;
        lapsed = lapsed || e->now_ms > c->at.not_after_ms;
    }
    *ret = signed_ones > 1 ? MR_TRIGGER_CONFLICT
           : a->frozen     ? MR_TRIGGER_FROZEN
                           : MR_TRIGGER_EXPIRED;
    return signed_ones > 1 || a->frozen || lapsed || !MRI_RULE(trigger);
}

/* --- promising -------------------------------------------------------------------------------- */

static void say_unlock(struct mr_engine *e, struct mri_open *o, uint32_t ballot)
{
    struct mri_clash none;
    struct mr_leaf leaf = {
        .kind = MR_LEAF_UNLOCK,
        .u.unlock = {.seq = o->s.seq, .ballot = ballot, .cert_ballot = o->s.cert_ballot}};
    memcpy(leaf.u.unlock.account, o->s.account, 16);
    memcpy(leaf.u.unlock.cert_value, o->s.cert_value, 32);
    if (!MRI_RULE(report_truth)) {
        leaf.u.unlock.cert_ballot = MR_BALLOT_NONE;
        memset(leaf.u.unlock.cert_value, 0, 32);
    }
    memcpy(leaf.u.unlock.trigger, o->s.trigger.hash, 32);
    const bool promised = mri_slot_promise(&o->s, ballot);
    mr_assert(promised);
    mri_slot_hear(&o->s, e->config.node, mri_say_leaf(e, &leaf), &leaf, &none);
    mr_assert(!none.found || !MRI_RULE(report_truth));
    o->ballot_ms = e->now_ms;
    o->changed = true;
}

static bool is_far_ahead(const struct mr_engine *e, const struct mri_open *o,
                         const struct mr_said_report *r)
{
    return r->node != e->config.node && r->ballot > o->s.promised &&
           r->ballot - o->s.promised > JUMP_MAX;
}

static bool others_are_far_ahead(const struct mr_engine *e, const struct mri_open *o)
{
    for (uint32_t i = 0; i < o->s.reports_count; i++)
        if (is_far_ahead(e, o, &o->s.reports[i]))
            return true;
    return false;
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

/* The largest that makes as many seats lead in turn as steps of 2 do. */
static uint32_t large_step(uint32_t seats)
{
    uint32_t step = JUMP_MAX;
    while (gcd(step, seats) != gcd(2, seats))
        step -= 2;
    return step;
}

/* Owners' ballots are odd, nodes' even: SLOT-11. */
static uint32_t next_ballot(const struct mr_engine *e, const struct mri_open *o)
{
    const uint32_t b = o->s.promised + 1;
    const uint32_t odd = o->s.trigger.kind == MR_TRIGGER_CANCEL ? 1 : 0;
    const uint32_t more = others_are_far_ahead(e, o) ? large_step(e->committee.count) - 2 : 0;
    return b + ((b & 1) != odd) + more;
}

/* Nodes that have promised this ballot or a higher one. */
static uint32_t reports_from(const struct mri_open *o, uint32_t ballot)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < o->s.reports_count; i++)
        n += o->s.reports[i].ballot >= ballot;
    return n;
}

/* More nodes than may lie while the others go on: one of them is honest. */
static uint32_t believed(const struct mr_committee *c)
{
    const uint32_t away = c->count - c->quorum, split = 2 * c->quorum - c->count - 1;
    return (away < split ? away : split) + 1;
}

/* A ballot that others have promised, one that does not lie among them. 0: none to follow. */
static uint32_t joined_ballot(const struct mr_engine *e, const struct mri_open *o)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < o->s.reports_count; i++) {
        const struct mr_said_report *const r = &o->s.reports[i];
        if (r->node != e->config.node && r->ballot > o->s.promised && !is_far_ahead(e, o, r) &&
            r->ballot > best && reports_from(o, r->ballot) >= believed(&e->committee))
            best = r->ballot;
    }
    return best;
}

static uint64_t timeout_of(uint32_t ballot)
{
    const uint32_t k = ballot / 2;
    return (uint64_t)TIMEOUT_MS << (k < DOUBLINGS_MAX ? k : DOUBLINGS_MAX);
}

/* Whether this node begins a ballot by itself now. It waits where it is for a quorum: alone it
 * would run ahead of those that come back. */
static bool begins(const struct mr_engine *e, struct mri_open *o)
{
    if (o->s.promised > 0)
        return e->now_ms >= o->ballot_ms + timeout_of(o->s.promised) &&
               (reports_from(o, o->s.promised) >= e->committee.quorum ||
                others_are_far_ahead(e, o));
    if (o->s.trigger.kind == MR_TRIGGER_CANCEL && o->s.certified_count == 0)
        return true;
    if (o->ballot_ms == 0)
        o->ballot_ms = e->now_ms;
    return e->now_ms >= o->ballot_ms + PATIENCE_MS;
}

/* --- voting in a ballot ----------------------------------------------------------------------- */

/* Whether this node may vote for a value that no certificate forces. */
static enum mr_status is_allowed(struct mr_engine *e, struct mri_open *o, const uint8_t value[32],
                                 bool *ret)
{
    uint8_t void_id[32];
    mr_void_id(void_id, e->ledger.id, o->s.account, o->s.seq);
    *ret = memcmp(value, void_id, 32) == 0;
    struct mri_candidate *const c = *ret ? NULL : mri_slot_order(&o->s, value);
    if (c == NULL)
        return MR_OK;
    const enum mr_status st = mri_keep_check(e, o, c);
    *ret = st == MR_OK;
    return mri_is_trouble(st) ? st : MR_OK;
}

/* A checkpoint that others may never have computed, or have no room for, would stand in the way of
 * every later one: only the state of the last rest is tried, once. */
static bool is_stale(const struct mr_engine *e, const struct mri_open *o)
{
    return e->plan.order->body.kind == MR_KIND_CHECKPOINT &&
           (o->s.promised > FIRST_OF_NODES ||
            !mri_checkpoint_is_latest(e, &e->plan.order->body.u.checkpoint));
}

/* The leader's choice where nothing forces one: after a conflict, an order that may settle; else
 * the slot is closed without effect. */
static enum mr_status choose(struct mr_engine *e, struct mri_open *o, uint8_t ret[32])
{
    bool may = false;
    mr_void_id(ret, e->ledger.id, o->s.account, o->s.seq);
    if (o->s.trigger.kind != MR_TRIGGER_CONFLICT)
        return MR_OK;
    const uint8_t *best = NULL;
    uint32_t most = 0;
    enum mr_status st = mri_cut_choose(e, o, &best);
    if (best != NULL)
        memcpy(ret, best, 32);
    if (st != MR_OK || best != NULL)
        return st;
    for (uint32_t i = 0; i < o->s.orders_count; i++) {
        const uint8_t *const id = o->s.orders[i].at.order;
        st = is_allowed(e, o, id, &may);
        if (st != MR_OK)
            return st;
        const uint32_t votes = mri_slot_votes_for(&o->s, 0, id);
        if (may && !is_stale(e, o) && (best == NULL || votes > most)) {
            best = id;
            most = votes;
        }
    }
    if (best != NULL)
        memcpy(ret, best, 32);
    return MR_OK;
}

static uint32_t leader_of(const struct mr_engine *e, const struct mri_open *o)
{
    const struct mr_committee *const c = &e->committee;
    return c->seats[(o->s.promised + o->s.seq) % c->count].number;
}

const struct mr_said_vote *mri_leaders_vote(const struct mr_engine *e, const struct mri_open *o)
{
    return o->s.promised == 0 ? NULL : mri_slot_vote_of(&o->s, leader_of(e, o), o->s.promised);
}

static enum mr_status vote_in(struct mr_engine *e, struct mri_open *o, bool *ret_more)
{
    const uint32_t ballot = o->s.promised;
    uint8_t value[32], void_id[32];
    bool is_free = false, may = true;
    enum mr_status st = MR_OK;
    if (ballot == 0 || o->s.voted || mri_slot_reports(&o->s, ballot) < e->committee.quorum)
        return MR_OK;
    mr_void_id(void_id, e->ledger.id, o->s.account, o->s.seq);
    if (leader_of(e, o) == e->config.node) {
        if (!mri_slot_forced(&o->s, ballot, value)) {
            if (!mri_slot_justified(&o->s, ballot, void_id, &is_free))
                return MR_OK; /* certificates were reported that are not seen yet */
            st = choose(e, o, value);
        }
    } else {
        const struct mr_said_vote *const v = mri_leaders_vote(e, o);
        if (v == NULL || !mri_slot_justified(&o->s, ballot, v->value, &is_free))
            return MR_OK;
        memcpy(value, v->value, 32);
        if (is_free)
            st = is_allowed(e, o, value, &may);
    }
    if (st != MR_OK || !may)
        return st;
    mri_say_vote(e, o, ballot, value);
    *ret_more = true;
    return MR_OK;
}

enum mr_status mri_ballot(struct mr_engine *e, struct mri_open *o, const struct mr_state_account *a,
                          bool *ret_more)
{
    enum mr_trigger_kind kind;
    const uint32_t join = joined_ballot(e, o);
    /* A slot that nobody voted in is not stuck. */
    const bool stuck = o->s.votes_count > 0 || o->s.reports_count > 0;
    if (!o->s.triggered && stuck) {
        const enum mr_status st = mri_keep_verify_all(e, o);
        if (st != MR_OK)
            return st;
    }
    if (!o->s.triggered && stuck && sees_trigger(e, o, a, &kind))
        mri_trigger(e, o, kind, NULL);
    if (!o->s.triggered)
        return MR_OK;
    if (join > 0 || begins(e, o)) {
        say_unlock(e, o, join > 0 ? join : next_ballot(e, o));
        *ret_more = true;
        return MR_OK;
    }
    return vote_in(e, o, ret_more);
}
