/* What is due in a slot: vote, acknowledge, settle. Everything here looks at how things stand, not
 * at what just happened, so that it may be called at any time, as often as one likes. */
#include "engine/internal.h"

#include <string.h>

#include "base/teeth.h"
#include "mereau/assert.h"
#include "mereau/sign.h"

enum {
    RETRY_MS = 1000, /* an order that waits for more than votes */
    WATCH_MS = 500,  /* a slot with votes: ballots may have to begin */
    IDLE_MS = 5000,
    LOST_MS = 1500, /* what was acknowledged settles sooner */
    LOGS_MS = 500,  /* logs are read sooner */
};

/* --- what is said about a slot ---------------------------------------------------------------- */

static bool is_void(const struct mr_engine *e, const struct mri_open *o, const uint8_t value[32])
{
    uint8_t void_id[32];
    mr_void_id(void_id, e->ledger.id, o->s.account, o->s.seq);
    return memcmp(value, void_id, 32) == 0;
}

/* Append a leaf and tell the slot of it. */
static uint64_t say_about(struct mr_engine *e, struct mri_open *o, const struct mr_leaf *leaf)
{
    struct mri_clash none;
    const uint64_t index = mri_say_leaf(e, leaf);
    mri_slot_hear(&o->s, e->config.node, index, leaf, &none);
    mr_assert(!none.found || !MRI_RULE(vote_once) || !MRI_RULE(keep_promise));
    o->changed = true;
    return index;
}

void mri_say_vote(struct mr_engine *e, struct mri_open *o, uint32_t ballot, const uint8_t value[32])
{
    struct mr_leaf leaf = {.kind = MR_LEAF_VOTE, .u.vote = {.seq = o->s.seq, .ballot = ballot}};
    memcpy(leaf.u.vote.account, o->s.account, 16);
    memcpy(leaf.u.vote.value, value, 32);
    mri_slot_vote(&o->s, ballot, value);
    const uint64_t index = say_about(e, o, &leaf);
    const struct mri_candidate *const c = mri_slot_order(&o->s, value);
    if (c != NULL && o->opened_by == 0)
        mri_tell_body(e, index, &c->at);
}

static void say_ack(struct mr_engine *e, struct mri_open *o, const struct mr_certified *c)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_ACK, .u.ack = {.seq = o->s.seq, .ballot = c->ballot}};
    memcpy(leaf.u.ack.account, o->s.account, 16);
    memcpy(leaf.u.ack.value, c->value, 32);
    mri_slot_certificate(leaf.u.ack.certificate, &o->s, c);
    mri_slot_ack(&o->s, c);
    say_about(e, o, &leaf);
}

/* --- settling --------------------------------------------------------------------------------- */

/* Whether all that the order in e->plan refers to has settled here too. Elsewhere it has: somebody
 * honest voted for it. */
static bool is_complete(const struct mr_engine *e)
{
    const struct mri_plan *const p = &e->plan;
    const enum mr_order_kind kind = p->order->body.kind;
    if (p->unknown > 0 && MRI_RULE(payee_known) && kind != MR_KIND_OPEN)
        return false;
    if (kind == MR_KIND_CUT)
        return e->ledger.meta.next != 0 ||
               !MRI_RULE(next_first); /* its NEXT says who signs from then on */
    if (kind == MR_KIND_PAYOUT || kind == MR_KIND_RETURN)
        return p->redemption != 0;
    return mri_recovery_complete(p);
}

/* An order whose settling may be what others wait for, besides money. */
static bool frees_others(enum mr_order_kind kind)
{
    return kind == MR_KIND_OPEN || kind == MR_KIND_REDEEM || kind == MR_KIND_POLICY ||
           kind == MR_KIND_CAP || kind == MR_KIND_ISSUE || kind == MR_KIND_FLAG ||
           kind == MR_KIND_SETKEYS || kind == MR_KIND_RECOVER || kind == MR_KIND_STOP ||
           kind == MR_KIND_TAKEOVER || kind == MR_KIND_NEXT;
}

static void touch_waiting(struct mr_engine *e)
{
    for (struct mri_open *o = e->opens.oldest; o != NULL; o = o->newer)
        if (o->cause != MR_OK || mri_slot_reports(&o->s, o->s.promised) > 0)
            mri_open_due(e, o);
}

/* What was shown, and in the last place the own acknowledgement, if there is one: ascending. */
static void take_shown(struct mr_entry_settled *s, const struct mri_shown *shown, uint32_t own)
{
    struct mr_ack_ref mine = {0};
    for (uint32_t i = 0; i < s->acks_count; i++)
        if (s->acks[i].node == own)
            mine = s->acks[i];
    for (uint32_t i = 0; i < shown->acks_count; i++)
        if (shown->acks[i].node == own)
            mine.node = 0; /* it is among them */
    s->acks_count = shown->acks_count;
    memcpy(s->acks, shown->acks, shown->acks_count * sizeof s->acks[0]);
    if (mine.node == 0)
        return;
    uint32_t at = shown->acks_count - 1;
    for (; at > 0 && s->acks[at - 1].node > own; at--)
        s->acks[at] = s->acks[at - 1];
    s->acks[at] = mine;
}

static void begin_settled(struct mr_engine *e, const struct mri_open *o,
                          const struct mr_certified *c)
{
    struct mr_entry_settled *const s = &e->entry.u.settled;
    e->entry.kind = MR_ENTRY_SETTLED;
    memcpy(s->account, o->s.account, 16);
    s->seq = o->s.seq;
    s->ballot = c->ballot;
    memcpy(s->value, c->value, 32);
    s->acks_count = mri_slot_acks(&o->s, s->acks, c, e->config.node);
    const struct mri_shown *const shown = mri_shown_of(e, o);
    if (s->acks_count < e->committee.quorum && shown != NULL && shown->settled.ballot == c->ballot)
        take_shown(s, shown, e->config.node);
    mr_assert(s->acks_count == e->committee.quorum || e->ledger.meta.cut != 0 ||
              !MRI_RULE(acks_of_quorum));
    for (uint32_t i = 0; i < o->s.acks_count; i++)
        mri_doubt_ack(e, o->s.acks[i].node, o->s.acks[i].ballot, o->s.acks[i].value, c->ballot,
                      c->value);
    s->time_ms = e->now_ms;
    s->body_at = s->memo_at = 0;
    s->body_len = s->memo_len = 0;
    s->postings_count = 0;
}

static enum mr_status settle_void(struct mr_engine *e, struct mri_open *o,
                                  const struct mr_certified *c, uint64_t number)
{
    begin_settled(e, o, c);
    e->entry.u.settled.voided = true;
    const enum mr_status st = mri_ledger_void(&e->ledger, &e->entry.u.settled);
    if (st != MR_OK)
        return st;
    e->settled_turn = e->ledger.meta.turn + 1;
    mri_say(e, &e->entry);
    mri_touch(e, number, o->s.account, o->s.seq + 1);
    mri_open_close(e, o);
    return MR_OK;
}

/* The slot is decided and the next of its chain. *ret_closed: it is settled now. */
static enum mr_status settle(struct mr_engine *e, struct mri_open *o, const struct mr_certified *c,
                             uint64_t number, bool *ret_closed)
{
    struct mr_entry_settled *const s = &e->entry.u.settled;
    struct mri_candidate *const k = mri_slot_order(&o->s, c->value);
    *ret_closed = k == NULL && is_void(e, o, c->value);
    if (*ret_closed)
        return settle_void(e, o, c, number);
    mri_open_want(e, o, k == NULL);
    if (k == NULL)
        return MR_OK;
    const enum mr_status st = mri_keep_plan(e, k);
    if (mri_is_trouble(st))
        return st;
    if (st != MR_OK || !is_complete(e)) {
        mri_open_cause(e, o, MR_BEHIND, 0); /* what it refers to is on its way */
        return MR_OK;
    }
    if (mri_keep_verify(e, k) != MR_OK) {
        /* Some peer spoilt it. Nodes voted for it: they have it as its owner signed it. */
        mri_keep_drop(o, k);
        mri_open_want(e, o, true);
        return MR_OK;
    }
    begin_settled(e, o, c);
    s->voided = false;
    s->body_at = k->at.body_at;
    s->body_len = k->at.body_len;
    s->memo_at = k->at.memo_at;
    s->memo_len = k->at.memo_len;
    s->postings_count = e->plan.postings_count;
    memcpy(s->postings, e->plan.postings, e->plan.postings_count * sizeof s->postings[0]);
    mri_ledger_apply(&e->ledger, &e->plan, s);
    e->settled_turn = e->ledger.meta.turn + 1;
    mri_say(e, &e->entry);
    const enum mr_order_kind kind = e->plan.order->body.kind;
    for (uint32_t i = 0; i < e->plan.rows_count; i++)
        mri_touch(e, e->plan.rows[i].number, e->plan.rows[i].account.id,
                  e->plan.rows[i].hot.chain.next_seq);
    mri_open_close(e, o);
    if (frees_others(kind))
        touch_waiting(e);
    *ret_closed = true;
    return MR_OK;
}

/* --- voting ----------------------------------------------------------------------------------- */

bool mri_votes(const struct mr_engine *e)
{
    const enum mr_status mode = mri_mode(e);
    return mode == MR_OK || mode == MR_NO_QUORUM || mode == MR_BEHIND || mode == MR_CHANGING;
}

/* SLOT-2: the first kept order that may be voted for. */
static enum mr_status vote_first(struct mr_engine *e, struct mri_open *o, bool *ret_more)
{
    if (o->s.promised > 0 || (o->s.voted && MRI_RULE(vote_once)) || !mri_may_begin(e, o))
        return MR_OK;
    bool passed = !o->s.voted; /* a node without the rule goes on behind its last vote */
    for (uint32_t i = 0; i < o->s.orders_count; i++) {
        struct mri_candidate *const c = &o->s.orders[i];
        if (!passed) {
            passed = memcmp(o->s.vote, c->at.order, 32) == 0;
            continue;
        }
        const enum mr_status st = mri_keep_check(e, o, c);
        if (mri_is_trouble(st))
            return st;
        if (st != MR_OK)
            continue;
        mri_say_vote(e, o, 0, c->at.order);
        *ret_more = true;
        return MR_OK;
    }
    return MR_OK;
}

/* Whether somebody said something about it that is not taken back. */
static bool is_spoken_of(const struct mri_open *o)
{
    return o->s.votes_count > 0 || o->s.acks_count > 0 || o->s.reports_count > 0;
}

/* SLOT-13: an order nobody voted for is dropped when its last day has passed. */
static void drop_lapsed(struct mr_engine *e, struct mri_open *o)
{
    struct mri_slot *const s = &o->s;
    if (is_spoken_of(o))
        return;
    for (uint32_t i = 0; i < s->orders_count;) {
        if (s->orders[i].fresh || e->now_ms <= s->orders[i].at.not_after_ms) {
            i++;
            continue;
        }
        mri_keep_drop(o, &s->orders[i]);
    }
}

/* An order that nodes speak of and that is not known here. */
static void look_for_orders(struct mr_engine *e, struct mri_open *o)
{
    bool missing = false;
    for (uint32_t i = 0; i < o->s.votes_count && !missing; i++)
        missing = mri_slot_order(&o->s, o->s.votes[i].value) == NULL &&
                  !is_void(e, o, o->s.votes[i].value);
    const struct mr_said_vote *const led = mri_leaders_vote(e, o);
    if (o->s.orders_count == MR_CANDIDATES_MAX) /* that one makes its way all the same */
        missing =
            led != NULL && mri_slot_order(&o->s, led->value) == NULL && !is_void(e, o, led->value);
    /* A promise whose reason is not known here: the reporters have it. */
    for (uint32_t i = 0; i < o->s.reports_count; i++)
        missing = missing || (o->s.reports[i].ballot > o->s.promised && !o->s.triggered);
    /* A certificate that was reported and not seen; acknowledgements that lead nowhere. */
    for (uint32_t i = 0; i < o->s.reports_count; i++) {
        const struct mr_said_report *const r = &o->s.reports[i];
        missing = missing || (r->cert_ballot != MR_BALLOT_NONE && r->ballot >= o->s.promised &&
                              !mri_slot_is_certified(&o->s, r->cert_ballot, r->cert_value));
    }
    missing = missing || (o->s.acks_count > 0 && e->now_ms >= o->s.since_ms + LOST_MS);
    mri_open_want(e, o, missing);
}

/* --- one slot, all slots ---------------------------------------------------------------------- */

struct place {
    bool known, next; /* the chain exists here; the slot is its next one */
    uint64_t number, next_seq;
};

static enum mr_status find_place(struct mr_engine *e, const struct mri_open *o, struct place *ret)
{
    struct mr_state_hot hot;
    enum mr_status st = mri_account_number(&e->ledger, &ret->number, o->s.account);
    ret->known = st == MR_OK;
    ret->next = false;
    if (st == MR_NOT_FOUND)
        return MR_OK;
    if (st == MR_OK)
        st = mri_hot_get(&e->ledger, &hot, ret->number);
    if (st != MR_OK)
        return st;
    ret->next_seq = hot.chain.next_seq;
    ret->next = o->s.seq == ret->next_seq;
    return MR_OK;
}

/* Whether the slot is decided: by what was read, by what was shown, or by the end of the epoch. */
static bool is_decided(const struct mr_engine *e, const struct mri_open *o,
                       struct mr_certified *ret)
{
    if (mri_slot_settles(&o->s, ret) || mri_cut_settles(e, o, ret))
        return true;
    const struct mri_shown *const shown = mri_shown_of(e, o);
    if (shown != NULL)
        *ret = shown->settled;
    return shown != NULL;
}

/* Shown as settled before the logs that say so are read as far. The votes in them let this node
 * acknowledge as well, which a receipt under its own head wants: that is what witnesses cosign
 * here. Others do not wait for it. */
static bool is_early(const struct mr_engine *e, const struct mri_open *o)
{
    struct mr_certified c;
    if (e->now_ms >= o->s.since_ms + LOGS_MS || o->s.cert_ballot != MR_BALLOT_NONE)
        return false; /* mostly; what follows costs more */
    const struct mri_shown *const shown = mri_shown_of(e, o);
    if (shown == NULL || o->s.promised > shown->settled.ballot || mri_mode(e) != MR_OK ||
        !mri_speaks(e) || !mri_may_speak(e, o) || mri_slot_settles(&o->s, &c) ||
        mri_cut_settles(e, o, &c))
        return false;
    for (uint32_t i = 0; i < shown->acks_count; i++) {
        const struct mri_peer *const p = mri_peer_of(e, shown->acks[i].node);
        if (p != NULL && p->tree.size <= shown->acks[i].index)
            return true;
    }
    return false;
}

/* One thing that is due. *ret_closed: the slot is gone. *ret_more: there may be another one. */
static enum mr_status one(struct mr_engine *e, struct mri_open *o, bool *ret_closed, bool *ret_more)
{
    struct place at;
    struct mr_state_account account;
    struct mr_certified c, own;
    *ret_closed = *ret_more = false;
    enum mr_status st = find_place(e, o, &at);
    if (st != MR_OK)
        return st;
    if (at.known && o->s.seq < at.next_seq) {
        mri_open_close(e, o);
        *ret_closed = true;
        return MR_OK;
    }
    const bool decided = is_decided(e, o, &c);
    /* More acknowledgements than are needed: one that is lost with its node then is not missed. */
    if (decided && mri_slot_ack_due(&o->s, &own) && mri_speaks(e) && mri_may_speak(e, o)) {
        say_ack(e, o, &own);
        *ret_more = true;
        return MR_OK;
    }
    if (decided)
        return at.next && !is_early(e, o) ? settle(e, o, &c, at.number, ret_closed) : MR_OK;
    drop_lapsed(e, o);
    if (o->s.orders_count == 0 && !is_spoken_of(o) && !o->s.triggered) {
        mri_open_close(e, o);
        *ret_closed = true;
        return MR_OK;
    }
    look_for_orders(e, o);
    if (!mri_speaks(e) || !mri_may_speak(e, o))
        return MR_OK;
    if (mri_slot_ack_due(&o->s, &c)) {
        say_ack(e, o, &c);
        *ret_more = true;
        return MR_OK;
    }
    if (!at.next) {
        if (o->s.orders_count > 0)
            mri_open_cause(e, o, MR_SEQ_AHEAD, 0);
        return MR_OK;
    }
    st = mri_account_get(&e->ledger, &account, at.number);
    if (st == MR_OK)
        st = mri_ballot(e, o, &account, ret_more);
    if (st == MR_OK && !*ret_more)
        st = vote_first(e, o, ret_more);
    return st;
}

enum mr_status mri_work_on(struct mr_engine *e, struct mri_open *o)
{
    bool closed = false, more = true;
    while (more && !closed) {
        if (!mr_engine_ready(e)) {
            mri_open_due(e, o);
            return MR_OK;
        }
        enum mr_status st = mri_view_reserve(&e->view);
        if (st == MR_OK)
            st = one(e, o, &closed, &more);
        if (st != MR_OK)
            return st;
    }
    if (closed)
        return MR_OK;
    mri_keep_say(e, o);
    if (is_early(e, o))
        o->look_ms = o->s.since_ms + LOGS_MS;
    else if (o->cause != MR_OK)
        o->look_ms = e->now_ms + RETRY_MS;
    else if (o->s.voted || o->s.acks_count > 0 || o->s.triggered || o->s.reports_count > 0 ||
             o->s.orders_count > 1)
        o->look_ms = e->now_ms + WATCH_MS;
    else
        o->look_ms = e->now_ms + IDLE_MS;
    return MR_OK;
}

enum mr_status mri_work(struct mr_engine *e)
{
    struct mri_opens *const t = &e->opens;
    if (e->config.read_only)
        return MR_OK;
    while (t->due_first != NULL && mr_engine_ready(e)) {
        struct mri_open *const o = t->due_first;
        t->due_first = o->due_next;
        if (t->due_first == NULL)
            t->due_last = &t->due_first;
        o->due = false;
        const enum mr_status st = mri_work_on(e, o);
        if (st != MR_OK) {
            return st;
        }
    }
    return MR_OK;
}
