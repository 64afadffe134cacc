/* Orders kept for a slot: their bodies stand in the journal, and they are looked at until the slot
 * is settled. */
#include "engine/internal.h"

#include <string.h>

#include "base/teeth.h"
#include "mereau/assert.h"
#include "mereau/order.h"
#include "mereau/sign.h"

/* The candidate that makes way for one more: neither the own vote's nor a certificate's, nor what
 * the leader of the ballot voted for. */
static struct mri_candidate *make_way(const struct mr_engine *e, struct mri_open *o)
{
    struct mri_slot *const s = &o->s;
    const struct mr_said_vote *const led = mri_leaders_vote(e, o);
    struct mr_certified c;
    for (uint32_t i = s->orders_count; i > 0; i--) {
        struct mri_candidate *const k = &s->orders[i - 1];
        bool needed = i == 1 || (s->voted && memcmp(s->vote, k->at.order, 32) == 0);
        for (uint32_t j = 0; j < s->certified_count; j++)
            needed = needed || memcmp(s->certified[j].value, k->at.order, 32) == 0;
        needed = needed || (led != NULL && memcmp(led->value, k->at.order, 32) == 0);
        if (mri_slot_settles(s, &c))
            needed = needed || memcmp(c.value, k->at.order, 32) == 0;
        if (!needed)
            return k;
    }
    return NULL;
}

/* Its bodies go into the journal, and PARKED follows. */
static void write_down(struct mr_engine *e, struct mri_open *o, struct mri_candidate *c,
                       const struct mr_signed_order *order, const struct mr_memo_box *memo)
{
    c->fresh = true;
    mri_say_order(e, &c->at.body_at, &c->at.body_len, order);
    if (memo != NULL) {
        e->body.kind = MR_BODY_MEMO;
        e->body.u.memo = *memo;
        mri_say_body(e, &c->at.memo_at, &c->at.memo_len, &e->body);
    }
    mri_open_due(e, o);
}

struct mri_candidate *mri_keep(struct mr_engine *e, struct mri_open *o,
                               const struct mr_signed_order *order, const uint8_t id[32],
                               const struct mr_memo_box *memo, uint32_t verified)
{
    struct mri_slot *const s = &o->s;
    struct mri_candidate *c =
        s->orders_count < MR_CANDIDATES_MAX ? &s->orders[s->orders_count++] : make_way(e, o);
    if (c == NULL)
        return NULL;
    *c = (struct mri_candidate){.verified = verified};
    c->at.seq = s->seq;
    c->at.not_after_ms = order->order.not_after_ms;
    memcpy(c->at.account, s->account, 16);
    memcpy(c->at.order, id, 32);
    write_down(e, o, c, order, memo);
    return c;
}

void mri_keep_instead(struct mr_engine *e, struct mri_open *o, struct mri_candidate *c,
                      const struct mr_signed_order *order, const struct mr_memo_box *memo,
                      uint32_t verified)
{
    c->verified = verified;
    write_down(e, o, c, order, memo);
    if (e->planned == &e->kept.u.order)
        e->planned = NULL; /* the same order under other signatures */
}

void mri_keep_drop(struct mri_open *o, struct mri_candidate *c)
{
    struct mri_slot *const s = &o->s;
    const uint32_t i = (uint32_t)(c - s->orders);
    mr_assert(i < s->orders_count);
    memmove(&s->orders[i], &s->orders[i + 1], (s->orders_count - i - 1) * sizeof s->orders[0]);
    s->orders_count--;
    o->changed = true;
}

enum mr_status mri_keep_verify(struct mr_engine *e, struct mri_candidate *c)
{
    const struct mr_state_account *const a = &e->plan.rows[0].account;
    const struct mr_takeover *const t = &e->plan.order->body.u.takeover;
    /* Whether the key set that a TAKEOVER names is the treasury's is for those who vote to say. */
    const bool named = e->plan.order->body.kind == MR_KIND_TAKEOVER;
    const uint32_t generation = named ? t->generation : a->generation;
    if (c->verified == generation || !MRI_RULE(keys_in_force))
        return MR_OK;
    const enum mr_status st =
        mr_order_verify(e->planned, named ? &t->treasury : &a->keys, e->ledger.meta.epoch);
    c->verified = st == MR_OK ? generation : 0;
    return st;
}

enum mr_status mri_keep_verify_all(struct mr_engine *e, struct mri_open *o)
{
    for (uint32_t i = 0; i < o->s.orders_count && o->s.orders_count > 1; i++) {
        struct mri_candidate *const c = &o->s.orders[i];
        if (c->verified != 0)
            continue;
        const enum mr_status st = mri_keep_plan(e, c);
        if (mri_is_trouble(st))
            return st;
        if (st == MR_OK)
            (void)mri_keep_verify(e, c); /* what is spoilt stays so */
    }
    return MR_OK;
}

void mri_keep_say(struct mr_engine *e, struct mri_open *o)
{
    for (uint32_t i = 0; i < o->s.orders_count; i++) {
        struct mri_candidate *const c = &o->s.orders[i];
        if (!c->fresh)
            continue;
        c->fresh = false;
        c->at.cause = (uint32_t)o->cause;
        e->entry.kind = MR_ENTRY_PARKED;
        e->entry.u.parked = c->at;
        mri_say(e, &e->entry);
    }
}

enum mr_status mri_keep_plan(struct mr_engine *e, const struct mri_candidate *c)
{
    if (e->planned != NULL && e->planned_at == e->ledger.meta.settled &&
        memcmp(e->plan.order_id, c->at.order, 32) == 0)
        return MR_OK;
    e->planned = NULL;
    enum mr_status st = mri_read_body(e, &e->kept, c->at.body_at, c->at.body_len);
    if (st != MR_OK)
        return st;
    if (e->kept.kind != MR_BODY_ORDER)
        return MR_DAMAGED;
    st = mri_ledger_prepare(&e->ledger, &e->plan, &e->kept.u.order.order, c->at.order);
    if (st == MR_OK) {
        e->planned = &e->kept.u.order;
        e->planned_at = e->ledger.meta.settled;
    }
    return st;
}

/* A CUT is voted for by who holds the logs it names. */
static enum mr_status cut_holds(struct mr_engine *e, const struct mr_cut *cut)
{
    bool holds = false;
    const enum mr_status st = mri_cut_check(e, cut, &holds);
    return st != MR_OK ? st : holds ? MR_OK : MR_BEHIND;
}

/* A CHECKPOINT is voted for by who computed its state, and reads in the log of who signed it what
 * it says of that: neither ever changes again. */
static enum mr_status checkpoint_holds(struct mr_engine *e, const struct mr_checkpoint *c)
{
    const uint32_t place = e->planned->sigs[0].key_index;
    if (place >= e->committee.count)
        return MR_BAD_SIGNATURE;
    struct mri_peer *const p = mri_peer_of(e, e->committee.seats[place].number);
    struct mri_tree *const tree = p != NULL ? &p->tree : &e->tree;
    uint8_t root[32];
    if (e->ledger.meta.next != 0)
        return MR_CHANGING;
    if (!mri_checkpoint_agrees(e, c))
        return MR_STATE_MISMATCH;
    if (c->log_size > tree->size)
        return MR_BEHIND;
    const enum mr_status st = mri_tree_root(tree, root, c->log_size);
    if (st != MR_OK)
        return st;
    return memcmp(root, c->log_root, 32) == 0 ? MR_OK : MR_STATE_MISMATCH;
}

enum mr_status mri_keep_check(struct mr_engine *e, struct mri_open *o, struct mri_candidate *c)
{
    enum mr_status st = mri_keep_plan(e, c);
    if (st != MR_OK)
        return st;
    st = mri_ledger_check(&e->ledger, &e->plan, e->now_ms);
    if (st == MR_OK)
        st = mri_keep_verify(e, c);
    if (st == MR_OK && e->plan.order->body.kind == MR_KIND_CHECKPOINT)
        st = checkpoint_holds(e, &e->plan.order->body.u.checkpoint);
    if (st == MR_OK && e->plan.order->body.kind == MR_KIND_CUT)
        st = cut_holds(e, &e->plan.order->body.u.cut);
    if (c == &o->s.orders[0] || st == MR_OK)
        mri_open_cause(e, o, st, e->plan.missing);
    return st;
}

enum mr_status mri_keep_replay(struct mr_engine *e, const struct mr_entry_parked *w)
{
    struct mri_open *const o = mri_open_get(e, w->account, w->seq, e->config.node);
    struct mri_slot *const s = &o->s;
    struct mri_candidate *c = mri_slot_order(s, w->order);
    if (c == NULL)
        c = s->orders_count < MR_CANDIDATES_MAX ? &s->orders[s->orders_count++] : make_way(e, o);
    if (c == NULL) /* what was said behind it stands before it: others have it still */
        return MR_OK;
    *c = (struct mri_candidate){.at = *w};
    mri_open_due(e, o);
    return MR_OK;
}
