/* The end of an epoch: SEAL, CUT, FINAL, and over to the nodes that a NEXT names (spec/47-epochs.md
 * EPO-n). Looks at how things stand, like everything about slots. */
#include "engine/internal.h"

#include <string.h>

#include "base/teeth.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/order.h"
#include "mereau/sign.h"

enum {
    DRAIN_MS = 3000,   /* what was acknowledged has this long to settle before SEAL */
    PROPOSE_MS = 2000, /* the next node proposes a CUT when none came from the one before */
    AGAIN_MS = 500,    /* a node proposes again at the earliest then */
};

/* --- what may still be said ------------------------------------------------------------------- */

bool mri_signs(const struct mr_engine *e)
{
    return e->seated && e->key != NULL && !e->ledger.meta.abstaining;
}

bool mri_is_sub_account(const uint8_t account[16], enum mr_account_class class)
{
    uint8_t id[16];
    mr_sub_account(id, NULL, class);
    return memcmp(account, id, 16) == 0;
}

static bool is_checkpoints(const struct mri_open *o)
{
    return mri_is_sub_account(o->s.account, MR_CLASS_CHECKPOINTS);
}

bool mri_speaks(const struct mr_engine *e)
{
    return mri_votes(e) && !e->ledger.meta.finished;
}

bool mri_may_speak(const struct mr_engine *e, const struct mri_open *o)
{
    return e->ledger.meta.sealed == 0 || is_checkpoints(o) || !MRI_RULE(seal_silent);
}

bool mri_may_begin(const struct mr_engine *e, const struct mri_open *o)
{
    const bool rests = e->rest.number != 0 && MRI_RULE(rest);
    return (e->ledger.meta.next == 0 && !rests) || is_checkpoints(o);
}

/* --- what a log is worth -----------------------------------------------------------------------
 */

void mri_doubt_ack(struct mr_engine *e, uint32_t node, uint32_t ballot, const uint8_t value[32],
                   uint32_t settled_ballot, const uint8_t settled_value[32])
{
    struct mri_peer *const p = mri_peer_of(e, node);
    if (p != NULL && ballot >= settled_ballot && memcmp(value, settled_value, 32) != 0)
        p->lied = true;
}

/* Whether an ACK may decide a slot (EPO-5) and its q votes are not known here. */
static bool is_bare(const struct mri_open *o, const struct mr_said_ack *a)
{
    if (mri_slot_is_certified(&o->s, a->ballot, a->value))
        return false;
    for (uint32_t i = 0; i < o->s.certified_count; i++)
        if (o->s.certified[i].ballot > a->ballot)
            return false; /* that one decides */
    return true;
}

/* Who lies may acknowledge what nobody voted for. A log with an ACK that decides, and whose
 * certificate this node has not seen, does not go into a CUT that it votes for; honest nodes show
 * theirs (SLOT-14). Bit n: node n. */
static uint64_t doubtful(const struct mr_engine *e)
{
    uint64_t set = 0;
    if (2 * e->committee.quorum <= e->committee.count + 1 || !MRI_RULE(cut_certified))
        return 0; /* q is not for nodes that lie */
    for (uint32_t i = 0; i < e->peers_count; i++)
        set |= e->peers[i].lied ? UINT64_C(1) << e->peers[i].seat->number : 0;
    for (const struct mri_open *o = e->opens.oldest; o != NULL; o = o->newer) {
        if (o->s.acks_count == 0 || is_checkpoints(o))
            continue;
        for (uint32_t i = 0; i < o->s.acks_count; i++)
            if (is_bare(o, &o->s.acks[i]))
                set |= UINT64_C(1) << o->s.acks[i].node;
    }
    return set;
}

/* --- the CUT ---------------------------------------------------------------------------------- */

static const struct mr_sealed_log *named(const struct mr_cut *c, uint32_t node)
{
    for (uint32_t i = 0; i < c->logs_count; i++)
        if (c->logs[i].node == node)
            return &c->logs[i];
    return NULL;
}

uint32_t mri_cut_lacks(const struct mr_engine *e, const struct mri_peer *asked)
{
    for (uint32_t i = 0; i < e->cut.logs_count; i++) {
        const struct mri_peer *p = mri_peer_of(e, e->cut.logs[i].node);
        if (p == NULL && e->self.astray)
            p = &e->self;
        if (p == NULL || p == asked || (p->astray && p->guide != asked->seat->number))
            continue;
        if (p->afresh || p->tree.size < e->cut.logs[i].size)
            return p->seat->number;
    }
    return 0;
}

void mri_go_astray(struct mr_engine *e, struct mri_peer *p)
{
    struct mri_peer *next = NULL;
    for (uint32_t i = 0; i < e->peers_count; i++) {
        struct mri_peer *const q = &e->peers[i];
        const bool behind = next != NULL && next->seat->number > p->guide;
        if (q == p || !q->up)
            continue;
        if (next == NULL || (!behind && q->seat->number > p->guide))
            next = q;
    }
    p->astray = p->afresh = true;
    p->guide = next != NULL ? next->seat->number : 0;
}

static enum mr_status has_root(struct mri_tree *t, const struct mr_sealed_log *log, bool *ret)
{
    uint8_t root[32];
    const enum mr_status st = mri_tree_root(t, root, log->size);
    *ret = st == MR_OK && memcmp(root, log->root, 32) == 0;
    return st;
}

/* The own log. What was forgotten of it decides slots, too: it is read where others have it, and
 * counts as what another node said. */
static enum mr_status look_at_own(struct mr_engine *e, const struct mr_sealed_log *log,
                                  struct mri_peer **ret_other, bool *ret)
{
    const enum mr_status st = e->tree.size < log->size ? MR_OK : has_root(&e->tree, log, ret);
    *ret_other = NULL;
    if (st != MR_OK || *ret || mri_signs(e) || !e->seated)
        return st;
    if (!e->self.astray && e->self.tree.size < log->size)
        mri_go_astray(e, &e->self);
    *ret_other = &e->self;
    return MR_OK;
}

/* One log of the CUT. Of a node that shows several histories another one may have been read than
 * the CUT names: nothing follows from that one. */
static enum mr_status look_at_log(struct mr_engine *e, const struct mr_sealed_log *log, bool *ret)
{
    struct mri_peer *p = mri_peer_of(e, log->node);
    enum mr_status st = MR_OK;
    *ret = false;
    if (p == NULL)
        st = look_at_own(e, log, &p, ret);
    if (st != MR_OK || p == NULL)
        return st;
    const struct mri_peer *const guide = mri_peer_of(e, p->guide);
    if (p->astray && (guide == NULL || !guide->up))
        mri_go_astray(e, p);
    if (p->afresh || p->tree.size < log->size)
        return MR_OK;
    st = has_root(&p->tree, log, ret);
    if (st == MR_OK && !*ret)
        mri_go_astray(e, p);
    if (*ret)
        p->astray = false;
    return st;
}

/* Whether this node has read all of the logs that the CUT names. */
static enum mr_status look_at_logs(struct mr_engine *e)
{
    const struct mr_cut *const c = &e->cut;
    bool read = true;
    for (uint32_t i = 0; i < c->logs_count && MRI_RULE(cut_read); i++) {
        bool one = false;
        const enum mr_status st = look_at_log(e, &c->logs[i], &one);
        if (st != MR_OK)
            return st;
        read = read && one;
    }
    e->cut_read = read && c->logs_count > 0;
    for (struct mri_open *o = e->opens.oldest; e->cut_read && o != NULL; o = o->newer)
        mri_open_due(e, o);
    return MR_OK;
}

bool mri_cut_settles(const struct mr_engine *e, const struct mri_open *o, struct mr_certified *ret)
{
    const struct mr_said_ack *best = NULL;
    if (!e->cut_read)
        return false;
    for (uint32_t i = 0; i < o->s.acks_count; i++) {
        const struct mr_said_ack *const a = &o->s.acks[i];
        const struct mr_sealed_log *const log = named(&e->cut, a->node);
        if (log != NULL && a->index < log->size && (best == NULL || a->ballot > best->ballot))
            best = a;
    }
    if (best == NULL)
        return false;
    ret->ballot = best->ballot;
    memcpy(ret->value, best->value, 32);
    return true;
}

/* One log of a CUT, as this node knows it. */
static enum mr_status check_log(struct mr_engine *e, const struct mr_sealed_log *log, bool *ret)
{
    struct mri_peer *const p = mri_peer_of(e, log->node);
    const uint64_t sealed = p != NULL ? p->state.sealed : e->ledger.meta.sealed;
    struct mri_tree *const tree = p != NULL ? &p->tree : &e->tree;
    uint8_t root[32];
    *ret = mri_seat_of(e, log->node) != NULL && sealed == log->size && tree->size >= log->size;
    if (!*ret)
        return MR_OK;
    const enum mr_status st = mri_tree_root(tree, root, log->size);
    *ret = st == MR_OK && memcmp(root, log->root, 32) == 0;
    return st;
}

enum mr_status mri_cut_check(struct mr_engine *e, const struct mr_cut *c, bool *ret)
{
    struct mr_state_slot next;
    enum mr_status st = mri_slot_get(&e->ledger, &next, e->ledger.system, e->ledger.meta.next);
    *ret = st == MR_OK && memcmp(next.value, c->next, 32) == 0 &&
           (c->logs_count == e->committee.quorum || !MRI_RULE(cut_quorum));
    const uint64_t doubt = doubtful(e);
    for (uint32_t i = 0; st == MR_OK && *ret && i < c->logs_count; i++) {
        if ((i > 0 && c->logs[i].node <= c->logs[i - 1].node) ||
            (doubt >> c->logs[i].node & 1) != 0)
            *ret = false;
        else
            st = check_log(e, &c->logs[i], ret);
    }
    return st == MR_NOT_FOUND ? MR_OK : st;
}

/* Who has read the log of a node that is silent now, or forgot it, may be the only one who ever
 * did. */
static bool is_heard(const struct mr_engine *e, uint32_t node)
{
    const struct mri_peer *const p = mri_peer_of(e, node);
    return p == NULL || (mri_heard_lately(e, p) && !p->lost);
}

static uint64_t sealed_size(const struct mr_engine *e, uint32_t node)
{
    const struct mri_peer *const p = mri_peer_of(e, node);
    return p != NULL ? p->state.sealed : e->ledger.meta.sealed;
}

/* How good a log is for a CUT. Of a node that is known to lie others may have read another one. */
static int worth(const struct mr_engine *e, uint32_t node)
{
    const struct mri_peer *const p = mri_peer_of(e, node);
    return is_heard(e, node) ? (p != NULL && p->state.convicted ? 1 : 2) : 0;
}

/* The sealed logs to name, the best ones: bit i for seat i. */
static uint32_t choose_logs(const struct mr_engine *e)
{
    const uint64_t doubt = doubtful(e);
    uint32_t set = 0, count = 0;
    for (int least = 2; least >= 0; least--)
        for (uint32_t i = 0; i < e->committee.count && count < e->committee.quorum; i++) {
            const uint32_t node = e->committee.seats[i].number;
            if (sealed_size(e, node) == 0 || (doubt >> node & 1) != 0 || worth(e, node) != least)
                continue;
            set |= UINT32_C(1) << i;
            count++;
        }
    return set;
}

/* What the CUT that this node would propose is worth: 2, or 1 and less. */
static int best_worth(const struct mr_engine *e)
{
    const uint32_t set = choose_logs(e);
    int best = 2;
    for (uint32_t i = 0; i < e->committee.count; i++)
        if ((set >> i & 1) != 0 && worth(e, e->committee.seats[i].number) < best)
            best = 1;
    return best;
}

/* q sealed logs, into a CUT. False: there are fewer. */
static enum mr_status gather(struct mr_engine *e, struct mr_cut *ret, bool *ret_enough)
{
    const uint32_t chosen = choose_logs(e);
    ret->logs_count = 0;
    for (uint32_t i = 0; i < e->committee.count; i++) {
        const uint32_t node = e->committee.seats[i].number;
        struct mri_peer *const p = mri_peer_of(e, node);
        const uint64_t size = sealed_size(e, node);
        struct mr_sealed_log *const log = &ret->logs[ret->logs_count];
        if ((chosen >> i & 1) == 0)
            continue;
        log->node = node;
        log->size = size;
        const enum mr_status st = mri_tree_root(p != NULL ? &p->tree : &e->tree, log->root, size);
        if (st != MR_OK)
            return st;
        ret->logs_count++;
    }
    *ret_enough = ret->logs_count == e->committee.quorum || !MRI_RULE(cut_quorum);
    return MR_OK;
}

/* How many nodes propose before this one. */
static uint32_t rank_of(const struct mr_engine *e)
{
    const struct mr_committee *const c = &e->committee;
    for (uint32_t i = 0; i < c->count; i++)
        if (c->seats[(c->epoch + i) % c->count].number == e->config.node)
            return i;
    return c->count;
}

/* A CUT of this node's own for the next place of the chain, kept there. */
static enum mr_status offer(struct mr_engine *e, const struct mr_state_hot *hot)
{
    struct mr_cut *const c = &e->order.order.body.u.cut;
    struct mr_state_account a;
    struct mr_state_slot next;
    bool enough = false;
    uint8_t account[16], id[32];
    enum mr_status st = mri_slot_get(&e->ledger, &next, e->ledger.system, e->ledger.meta.next);
    if (st == MR_OK)
        st = mri_account_get(&e->ledger, &a, e->ledger.checkpoints);
    if (st != MR_OK)
        return st;
    mri_node_order(e, hot, MR_KIND_CUT);
    c->epoch = e->committee.epoch;
    memcpy(c->next, next.value, 32);
    st = gather(e, c, &enough);
    if (st != MR_OK || !enough)
        return st;
    e->offer_ms = e->now_ms + AGAIN_MS;
    mri_node_order_sign(e, id);
    mr_sub_account(account, NULL, MR_CLASS_CHECKPOINTS);
    struct mri_open *const o = mri_open_get(e, account, hot->chain.next_seq, e->config.node);
    if (mri_slot_order(&o->s, id) != NULL)
        return MR_OK;
    mri_open_handed_in(e, o);
    mri_keep(e, o, &e->order, id, NULL, a.generation);
    return MR_OK;
}

/* Whether somebody voted, and two of the slot's orders are signed: then ballots decide it, and
 * their leaders propose. Those that no key of this epoch signed contradict nothing. */
static enum mr_status is_contested(struct mr_engine *e, struct mri_open *o, bool *ret)
{
    uint32_t count = 0;
    const enum mr_status st = mri_keep_verify_all(e, o);
    for (uint32_t i = 0; i < o->s.orders_count; i++)
        count += o->s.orders[i].verified != 0;
    *ret = count > 1 && (o->s.votes_count > 0 || o->s.reports_count > 0);
    return st;
}

static enum mr_status propose(struct mr_engine *e)
{
    struct mr_state_hot hot;
    uint8_t account[16];
    bool contested = false;
    if (e->ledger.meta.sealed == 0 || !mri_votes(e) || e->now_ms < e->offer_ms ||
        e->now_ms < e->next_ms + PROPOSE_MS * (uint64_t)rank_of(e))
        return MR_OK;
    enum mr_status st = mri_hot_get(&e->ledger, &hot, e->ledger.checkpoints);
    if (st != MR_OK)
        return st;
    mr_sub_account(account, NULL, MR_CLASS_CHECKPOINTS);
    struct mri_open *o = mri_open_find(e, account, hot.chain.next_seq);
    if (o != NULL && o->s.voted)
        return MR_OK;
    if (o != NULL)
        st = is_contested(e, o, &contested);
    if (contested)
        e->offer_ms = e->now_ms + AGAIN_MS; /* signatures were verified to find out */
    if (st != MR_OK || contested)
        return st;
    st = offer(e, &hot);
    o = mri_open_find(e, account, hot.chain.next_seq);
    return st == MR_OK && o != NULL ? mri_work_on(e, o) : st;
}

/* Whether all logs that it names are worth that: 1, their nodes can still be asked for them. */
static enum mr_status is_readable(struct mr_engine *e, const struct mri_candidate *k, int least,
                                  bool *ret)
{
    const enum mr_status st = mri_read_body(e, &e->body, k->at.body_at, k->at.body_len);
    *ret = st == MR_OK && e->body.u.order.order.body.kind == MR_KIND_CUT;
    for (uint32_t i = 0; *ret && i < e->body.u.order.order.body.u.cut.logs_count; i++)
        *ret = worth(e, e->body.u.order.order.body.u.cut.logs[i].node) >= least;
    return st;
}

/* The first CUT kept for the slot that is worth that and can be voted for; NULL: none. */
static enum mr_status find_cut(struct mr_engine *e, struct mri_open *o, int least,
                               const uint8_t **ret)
{
    bool good = false;
    *ret = NULL;
    for (uint32_t i = 0; i < o->s.orders_count; i++) {
        struct mri_candidate *const k = &o->s.orders[i];
        const enum mr_status st = is_readable(e, k, least, &good);
        if (st != MR_OK)
            return st;
        if (good && mri_keep_check(e, o, k) == MR_OK) {
            *ret = k->at.order;
            return MR_OK;
        }
    }
    return MR_OK;
}

enum mr_status mri_cut_choose(struct mr_engine *e, struct mri_open *o, const uint8_t **ret)
{
    struct mr_state_hot hot;
    *ret = NULL;
    if (e->ledger.meta.sealed == 0 || e->ledger.meta.cut != 0 || !is_checkpoints(o))
        return MR_OK;
    const int best = best_worth(e);
    enum mr_status st = find_cut(e, o, best, ret);
    if (st != MR_OK || *ret != NULL)
        return st;
    st = mri_hot_get(&e->ledger, &hot, e->ledger.checkpoints);
    if (st == MR_OK)
        st = offer(e, &hot);
    for (int least = best; st == MR_OK && *ret == NULL && least > 0; least--)
        st = find_cut(e, o, least, ret);
    return st;
}

enum mr_status mri_epoch_load(struct mr_engine *e)
{
    struct mr_state_slot s;
    e->cut.logs_count = 0;
    e->cut_read = false;
    if (e->ledger.meta.cut == 0)
        return MR_OK;
    enum mr_status st = mri_slot_get(&e->ledger, &s, e->ledger.checkpoints, e->ledger.meta.cut);
    if (st == MR_OK)
        st = mri_read_body(e, &e->body, s.body_at, s.body_len);
    if (st == MR_OK &&
        (e->body.kind != MR_BODY_ORDER || e->body.u.order.order.body.kind != MR_KIND_CUT))
        st = MR_DAMAGED;
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    e->cut = e->body.u.order.order.body.u.cut;
    return MR_OK;
}

/* --- SEAL and FINAL --------------------------------------------------------------------------- */

bool mri_is_drained(const struct mr_engine *e)
{
    for (const struct mri_open *o = e->opens.oldest; o != NULL; o = o->newer)
        if (o->s.cert_ballot != MR_BALLOT_NONE)
            return false;
    return true;
}

static enum mr_status say_seal(struct mr_engine *e)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_SEAL, .u.seal = {.epoch = e->committee.epoch}};
    struct mr_state_slot next;
    const enum mr_status st =
        mri_slot_get(&e->ledger, &next, e->ledger.system, e->ledger.meta.next);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    memcpy(leaf.u.seal.next, next.value, 32);
    e->ledger.meta.sealed = mri_say_leaf(e, &leaf) + 1;
    return MR_OK;
}

static bool waits_for_cut(const struct mr_engine *e)
{
    struct mr_certified c;
    if (!e->cut_read)
        return e->cut.logs_count > 0 || MRI_RULE(cut_first);
    for (const struct mri_open *o = e->opens.oldest; o != NULL; o = o->newer)
        if (mri_cut_settles(e, o, &c))
            return true;
    return false;
}

void mri_epoch_sum(struct mr_engine *e, const struct mr_checkpoint *c, bool kept)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_FINAL,
                           .u.final = {.epoch = e->committee.epoch, .accounts = c->accounts}};
    if (!e->sum_wanted || !kept || c->turn < e->settled_turn || !mri_votes(e) ||
        (waits_for_cut(e) && MRI_RULE(final_last)))
        return;
    memcpy(leaf.u.final.state_root, c->state_root, 32);
    mri_say_leaf(e, &leaf);
    e->ledger.meta.finished = true;
    e->sum_wanted = false;
}

/* --- over ------------------------------------------------------------------------------------- */

/* The NEXT with the acknowledgements that prove it, once heads over all that was said are at hand.
 */
static enum mr_status go_over(struct mr_engine *e)
{
    struct mr_state_slot slot;
    struct mr_handover_next *const h = &e->handover.u.next;
    if (e->synced_leaves != e->tree.size || (mri_signs(e) && e->head.size != e->tree.size))
        return MR_OK;
    struct mr_receipt *const r = &mri_reply(e, MR_REQ_SLOT)->body.u.slot.receipt[0];
    enum mr_status st = mri_slot_get(&e->ledger, &slot, e->ledger.system, e->ledger.meta.next);
    if (st == MR_OK)
        st = mri_receipt(e, r, e->ledger.system, e->ledger.meta.next, &slot);
    if (st == MR_OK) {
        h->order = r->order[0];
        h->proofs_count = r->proofs_count;
        memcpy(h->proofs, r->proofs, r->proofs_count * sizeof r->proofs[0]);
    } else if (st == MR_NOT_FOUND) { /* a head that covers one is still on its way, or lost */
        st = mri_shown_next(e, h, &slot);
    }
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_OK : st;
    mri_journal_head(e); /* over FINAL: whoever replays this shows it too */
    e->entry.kind = MR_ENTRY_EPOCH;
    e->entry.u.epoch = *h;
    mri_say(e, &e->entry);
    st = mri_epoch_apply(e, &e->entry.u.epoch);
    if (st == MR_OK && mri_signs(e)) /* who forgot what it said there before begins no other log */
        mri_say_start(e);
    return st;
}

enum mr_status mri_epoch_work(struct mr_engine *e)
{
    struct mr_state_meta *const m = &e->ledger.meta;
    enum mr_status st = MR_OK;
    if (mri_regroup_waits(e))
        return mri_regroup_work(e);
    if (m->next == 0 || e->config.read_only || e->closing || !mr_engine_ready(e)) {
        e->next_ms = m->next == 0 ? 0 : e->next_ms;
        return MR_OK;
    }
    if (e->next_ms == 0)
        e->next_ms = e->now_ms;
    if (m->cut != 0 && e->cut.logs_count == 0)
        st = mri_epoch_load(e);
    if (st == MR_OK && e->cut.logs_count > 0 && !e->cut_read) {
        st = look_at_logs(e);
        if (st == MR_OK)
            st = mri_work(e);
    }
    if (st == MR_OK && m->sealed == 0 && mri_votes(e) &&
        (mri_is_drained(e) || m->cut != 0 || e->now_ms >= e->next_ms + DRAIN_MS))
        st = say_seal(e);
    if (st != MR_OK)
        return st;
    if (m->cut == 0 && MRI_RULE(cut_first))
        return propose(e);
    if (!m->finished && (!waits_for_cut(e) || !MRI_RULE(final_last))) {
        e->sum_wanted = mri_votes(e);
        m->finished = !mri_signs(e); /* who does not sign has nothing to say at the end */
    }
    return m->finished ? go_over(e) : MR_OK;
}
