/* What peers answered: leaves of their logs, orders they hold. Nothing is believed that a signed
 * head or an owner's signature does not prove. */
#include "engine/internal.h"

#include <string.h>

#include "base/teeth.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/order.h"
#include "mereau/sign.h"

enum { SEEN_MS = 2000, SOON_MS = 500, QUIET_MS = 100, REFUSED_MS = 500 };

/* --- orders ----------------------------------------------------------------------------------- */

static bool names(const struct mri_slot *s, const uint8_t id[32])
{
    for (uint32_t i = 0; i < s->votes_count; i++)
        if (memcmp(s->votes[i].value, id, 32) == 0)
            return true;
    for (uint32_t i = 0; i < s->acks_count; i++)
        if (memcmp(s->acks[i].value, id, 32) == 0)
            return true;
    for (uint32_t i = 0; i < s->certified_count; i++)
        if (memcmp(s->certified[i].value, id, 32) == 0)
            return true;
    return false;
}

/* An order is kept when a node voted for it, or when it shows that its owner signed two. */
static void take_order(struct mr_engine *e, const struct mr_signed_order *order,
                       const uint8_t id[32], const struct mr_memo_box *memo,
                       const struct mr_checked *checked)
{
    if (memcmp(order->order.ledger, e->ledger.id, 32) != 0)
        return;
    struct mri_open *const o = mri_open_find(e, order->order.account, order->order.seq);
    if (o == NULL)
        return;
    struct mri_candidate *const held = mri_slot_order(&o->s, id);
    const bool is_signed = checked->status == MR_OK && checked->generation != 0;
    if (held != NULL) {
        if (is_signed && held->verified == 0)
            mri_keep_instead(e, o, held, order, memo, checked->generation);
        return;
    }
    /* What is not signed is kept only for the sake of what nodes vouch for. */
    const struct mri_shown *const shown = mri_shown_of(e, o);
    if (names(&o->s, id) || (shown != NULL && memcmp(shown->settled.value, id, 32) == 0) ||
        (is_signed && o->s.orders_count > 0))
        mri_keep(e, o, order, id, memo, is_signed ? checked->generation : 0);
}

static void take_cancel(struct mr_engine *e, const struct mr_signed_cancel *c,
                        const struct mr_checked *checked)
{
    if (memcmp(c->cancel.ledger, e->ledger.id, 32) != 0 || checked->status != MR_OK ||
        checked->generation == 0)
        return;
    struct mri_open *const o = mri_open_find(e, c->cancel.account, c->cancel.seq);
    if (o != NULL && (!o->s.triggered || o->s.trigger.kind != MR_TRIGGER_CANCEL))
        mri_trigger(e, o, MR_TRIGGER_CANCEL, c);
}

static void take_bodies(struct mr_engine *e, const struct mr_body *bodies, uint32_t count,
                        const struct mr_checked *checked)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct mr_body *const b = &bodies[i];
        const struct mr_memo_box *memo = NULL;
        if (b->kind == MR_BODY_CANCEL)
            take_cancel(e, &b->u.cancel, &checked[i]);
        if (b->kind != MR_BODY_ORDER)
            continue;
        if (i + 1 < count && bodies[i + 1].kind == MR_BODY_MEMO)
            memo = &bodies[i + 1].u.memo;
        uint8_t id[32];
        mr_order_id(id, &b->u.order.order);
        if (memo != NULL && memcmp(memo->order, id, 32) != 0)
            memo = NULL;
        take_order(e, &b->u.order, id, memo, &checked[i]);
    }
}

/* --- leaves ----------------------------------------------------------------------------------- */

static enum mr_status refuse(struct mr_engine *e, struct mri_peer *p, enum mr_status why)
{
    p->quiet_ms = e->now_ms + REFUSED_MS;
    p->refused++;
    p->trouble = why;
    p->resync = true;
    return MR_OK;
}

/* Whether the head may stand over a log of this peer in this epoch. */
static bool is_head_of(const struct mr_engine *e, const struct mri_peer *p, const struct mr_head *h)
{
    return h->node == p->seat->number && h->epoch == e->committee.epoch &&
           h->generation == p->seat->generation;
}

/* The log that was shown has another beginning than the one followed so far. */
static enum mr_status split(struct mr_engine *e, struct mri_peer *p, const struct mr_rep_follow *r)
{
    if (!mr_consistency_verify(r->root, r->first, r->head.root, r->head.size, r->behind,
                               r->behind_count))
        return refuse(e, p, MR_BAD_PROOF);
    if (p->state.proven_count == 0 || p->state.proven[0].size != r->first) {
        p->resync_from = p->state.proven_count > 0 ? p->state.proven[0].size : 0;
        return refuse(e, p, MR_FORKED);
    }
    const enum mr_status st =
        mri_convict_fork(e, p, &p->state.proven[0], &r->head, r->root, r->behind, r->behind_count);
    if (st == MR_OK)
        refuse(e, p, MR_FORKED);
    return st;
}

/* Whether the mirror up to these leaves, and they behind it, is what the head signs. */
static enum mr_status leads_to_head(struct mr_engine *e, struct mri_peer *p,
                                    const struct mr_rep_follow *r, bool *ret)
{
    struct mri_frontier f = {.size = 0};
    const uint8_t *const root = e->joins.root;
    const enum mr_status st = r->first > 0 ? mri_tree_frontier(&p->tree, &f) : MR_OK;
    if (st != MR_OK)
        return st;
    mri_hash_leaves(e, r->leaves, r->leaves_count);
    for (uint32_t i = 0; i < r->leaves_count; i++)
        mri_frontier_append(&f, e->hashes[i], &e->joins);
    mri_frontier_root(&f, &e->joins);
    *ret = f.size <= r->head.size &&
           (f.size == r->head.size ? memcmp(root, r->head.root, 32) == 0
                                   : mr_consistency_verify(root, f.size, r->head.root, r->head.size,
                                                           r->ahead, r->ahead_count));
    return MR_OK;
}

static enum mr_status take_leaves(struct mr_engine *e, struct mri_peer *p,
                                  const struct mr_rep_follow *r)
{
    bool good = false;
    const enum mr_status st = leads_to_head(e, p, r, &good);
    if (st != MR_OK)
        return st;
    if (!good)
        return refuse(e, p, MR_BAD_PROOF);
    struct mr_entry_peer *const n = &e->entry.u.peer;
    e->entry.kind = MR_ENTRY_PEER;
    n->node = p->seat->number;
    n->head = r->head;
    n->first = r->first;
    n->leaves_count = r->leaves_count;
    memcpy(n->leaves, r->leaves, r->leaves_count * sizeof r->leaves[0]);
    n->consistency_count = r->ahead_count;
    memcpy(n->consistency, r->ahead, r->ahead_count * sizeof r->ahead[0]);
    mri_say(e, &e->entry);
    return mri_peer_take(e, n);
}

/* Nodes go over to an epoch one after another. */
static bool is_next_door(uint32_t epoch, uint32_t other)
{
    return other == epoch + 1 || (other > 0 && other + 1 == epoch);
}

/* What a peer knows of this node's own log. */
static enum mr_status take_yours(struct mr_engine *e, const struct mr_rep_follow *r)
{
    return r->yours_count > 0 ? mri_seen_head(e, &r->yours[0]) : MR_OK;
}

/* It signs nothing in this epoch, and said so: what it knows of others is worth as much. */
static enum mr_status take_none(struct mr_engine *e, struct mri_peer *p,
                                const struct mr_rep_follow *r)
{
    p->heard = p->lost = true;
    p->quiet_ms = e->now_ms + REFUSED_MS;
    p->trouble = MR_OK;
    return take_yours(e, r);
}

static enum mr_status take_follow(struct mr_engine *e, struct mri_peer *p,
                                  const struct mr_event *ev)
{
    const struct mr_rep_follow *const r = &ev->u.answer.reply->body.u.follow;
    uint8_t root[32];
    enum mr_status st;
    if (r->head.size == 0 && r->leaves_count == 0)
        return take_none(e, p, r);
    if (is_next_door(e->committee.epoch, r->head.epoch))
        return refuse(e, p, MR_WRONG_EPOCH);
    if (!ev->u.answer.head_good || !is_head_of(e, p, &r->head) || r->first > r->head.size)
        return refuse(e, p, MR_BAD_HEAD);
    st = take_yours(e, r);
    if (st != MR_OK)
        return st;
    const bool first = !p->heard;
    p->lost = r->head.size < p->tree.size && p->follows == 0; /* else others are on the way */
    p->heard = true;
    p->heard_ms = e->now_ms;
    p->trouble = MR_OK;
    if (p->astray) { /* what it shows of its log here is not what others hold it to */
        p->quiet_ms = e->now_ms + REFUSED_MS;
        return MR_OK;
    }
    if (r->first > p->tree.size) {
        p->resync = true; /* an answer before this one was lost */
        return MR_OK;
    }
    st = mri_tree_root(&p->tree, root, r->first);
    if (st != MR_OK)
        return st;
    if (memcmp(root, r->root, 32) != 0)
        return split(e, p, r);
    if (r->head.time_ms > p->head.time_ms && r->head.size >= p->head.size)
        p->head = r->head;
    if (r->first < p->tree.size) {
        p->resync = true; /* known already */
        if (p->lost)
            p->quiet_ms = e->now_ms + REFUSED_MS;
        return MR_OK;
    }
    if (r->leaves_count == 0) {
        p->more -= p->more > 0;
        /* Whoever says at once that there is nothing, such as of a log that ended, would say it
         * again at once. */
        if (!first && e->now_ms < p->asked_ms + SOON_MS)
            p->quiet_ms = e->now_ms + QUIET_MS;
        return MR_OK;
    }
    p->more += p->more < MRI_FOLLOWS_MAX - MRI_FOLLOWS_MIN;
    st = take_leaves(e, p, r);
    if (st == MR_OK)
        take_bodies(e, r->bodies, r->bodies_count, ev->u.answer.checked);
    return st;
}

/* A peer's log by way of another. It says nothing about whether its node lives. */
static enum mr_status take_relayed(struct mr_engine *e, struct mri_peer *p,
                                   const struct mr_event *ev)
{
    const struct mr_rep_follow *const r = &ev->u.answer.reply->body.u.follow;
    const uint64_t first = p->afresh ? 0 : p->tree.size;
    uint8_t root[32];
    if (!ev->u.answer.head_good || !is_head_of(e, p, &r->head) || r->first != first ||
        r->leaves_count == 0)
        return MR_OK;
    const enum mr_status st = mri_tree_root(&p->tree, root, first);
    if (st != MR_OK)
        return st;
    if (memcmp(root, r->root, 32) != 0) {
        if (mr_consistency_verify(r->root, first, r->head.root, r->head.size, r->behind,
                                  r->behind_count))
            mri_go_astray(e, p);
        return p == &e->self ? MR_OK : split(e, p, r); /* it convicts itself of nothing */
    }
    e->relay_ms = 0; /* the next ones at once */
    return take_leaves(e, p, r);
}

/* The answer to a question for another node's log. */
static enum mr_status relayed(struct mr_engine *e, struct mri_peer *of, const struct mr_event *ev,
                              bool good)
{
    const uint64_t had = of->tree.size;
    const bool afresh = of->afresh;
    const enum mr_status st = good ? take_relayed(e, of, ev) : MR_OK;
    if (st == MR_OK && of->astray && of->tree.size == had && of->afresh == afresh)
        mri_go_astray(e, of); /* that one does not lead on */
    return st;
}

/* Whatever was asked: one that was lost itself is never answered, and must not be waited for in
 * place of this one. */
static bool brings_next(const struct mri_peer *p, const struct mr_rep_follow *r)
{
    return r->leaves_count > 0 && r->first == p->tree.size;
}

enum mr_status mri_peer_answer(struct mr_engine *e, const struct mr_event *ev)
{
    struct mri_peer *const p = mri_peer_of(e, ev->u.answer.peer);
    const struct mr_reply *const r = ev->u.answer.reply;
    if (p == NULL)
        return MR_OK;
    const bool good = r != NULL && r->status == MR_OK && r->body.kind == ev->u.answer.kind;
    if (ev->u.answer.kind == MR_REQ_FOLLOW && p->relaying != 0 &&
        (!good || r->body.u.follow.head.node == p->relaying)) {
        struct mri_peer *const of = mri_followed(e, p->relaying); /* it was asked for its log */
        p->relaying = 0;
        p->fetches -= p->fetches > 0;
        return of != NULL ? relayed(e, of, ev, good) : MR_OK;
    }
    uint32_t *const under_way = ev->u.answer.kind == MR_REQ_FOLLOW ? &p->follows : &p->fetches;
    if (*under_way > 0)
        (*under_way)--;
    const bool follow = ev->u.answer.kind == MR_REQ_FOLLOW;
    if (follow && p->stale > 0 && !(good && brings_next(p, &r->body.u.follow))) {
        p->stale--;
        return MR_OK;
    }
    if (p->stale > p->follows) /* one of them brought something all the same */
        p->stale = p->follows;
    if (ev->u.answer.kind == MR_REQ_EVIDENCE)
        return mri_evidence_take(e, p, good ? &r->body.u.evidence : NULL);
    if (!good)
        return refuse(e, p,
                      r == NULL            ? MR_NO_ANSWER
                      : r->status != MR_OK ? (enum mr_status)r->status
                                           : MR_UNKNOWN_TAG);
    if (ev->u.answer.kind == MR_REQ_FOLLOW)
        return take_follow(e, p, ev);
    const enum mr_status st =
        mri_shown_take(e, r->body.u.fetch.proofs, r->body.u.fetch.proofs_count);
    take_bodies(e, r->body.u.fetch.bodies, r->body.u.fetch.bodies_count, ev->u.answer.checked);
    return st;
}

/* --- time passes ------------------------------------------------------------------------------ */

/* What this node saw of the others' logs: whoever shows different logs to different nodes is found
 * out by any two of them. What a log says of other logs is not worth an answer: that would never
 * end. */
static void say_seen(struct mr_engine *e, struct mri_peer *p)
{
    const struct mr_state_peer *const s = &p->state;
    if (!MRI_RULE(say_seen) || s->proven_count == 0 || s->proven[0].size == p->seen_size ||
        p->seen_size >= p->spoke || e->now_ms < p->seen_ms + SEEN_MS || !mri_speaks(e) ||
        !mr_engine_ready(e))
        return;
    struct mr_leaf leaf = {.kind = MR_LEAF_SEEN, .u.seen = {.head = s->proven[0]}};
    mri_say_leaf(e, &leaf);
    p->seen_ms = e->now_ms;
    p->seen_size = s->proven[0].size;
}

enum mr_status mri_peers_tick(struct mr_engine *e, struct mr_effects *fx)
{
    for (uint32_t i = 0; i < e->peers_count; i++)
        say_seen(e, &e->peers[i]);
    return mri_polls(e, fx);
}
