/* The other nodes of the committee: how far their logs were followed, what they are asked next. */
#include "engine/internal.h"

#include <string.h>

#include "base/teeth.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/order.h"

enum {
    POLL_MS = 4000,
    FETCH_AGAIN_MS = 400,
    RELAY_MS = 700,
    FETCH_SCAN_MAX = 4096,
    SILENT_MS = 10000,
    BEHIND_LEAVES = 4096,
    AHEAD_SLOTS = 1024,
    PEER_BYTES = 2048,
    MRI_SELF = 1 << 16, /* above all numbers of nodes */
    LONG_FOLLOWS_MAX = 3,
};

/* --- the committee ---------------------------------------------------------------------------- */

const struct mr_committee *mr_engine_committee(const struct mr_engine *e)
{
    return &e->committee;
}

struct mr_seat *mri_seat_add(struct mr_committee *c, const struct mr_node *n, uint32_t generation)
{
    struct mr_seat *const s = &c->seats[c->count++];
    *s = (struct mr_seat){.number = n->number,
                          .generation = generation,
                          .log_key = n->log_key,
                          .transport_key = n->transport_key};
    memcpy(s->association, n->association, sizeof s->association);
    return s;
}

static void load_committee(struct mr_engine *e)
{
    const struct mr_charter *const c = &e->ledger.present.charter;
    struct mr_committee *const k = &e->committee;
    *k = (struct mr_committee){.epoch = e->ledger.meta.epoch, .quorum = c->quorum};
    for (uint32_t i = 0; i < c->nodes_count; i++) {
        const struct mr_node *const n = &c->nodes[i];
        struct mr_seat *const s = mri_seat_add(k, n, e->ledger.present.generations[i].number);
        s->address = n->address;
        s->peer_address = n->peer_address;
    }
}

const struct mr_seat *mri_seat_of(const struct mr_engine *e, uint32_t node)
{
    for (uint32_t i = 0; i < e->committee.count; i++)
        if (e->committee.seats[i].number == node)
            return &e->committee.seats[i];
    return NULL;
}

struct mri_peer *mri_peer_of(const struct mr_engine *e, uint32_t node)
{
    for (uint32_t i = 0; i < e->peers_count; i++)
        if (e->peers[i].seat->number == node)
            return &e->peers[i];
    return NULL;
}

struct mri_peer *mri_followed(struct mr_engine *e, uint32_t node)
{
    if (node == e->config.node)
        return e->seated ? &e->self : NULL;
    return mri_peer_of(e, node);
}

/* Its tiles stand beside those of the own log. */
static uint32_t tree_of(const struct mr_engine *e, const struct mri_peer *p)
{
    return p->seat->number + (p == &e->self ? MRI_SELF : 0);
}

/* --- life ------------------------------------------------------------------------------------- */

enum mr_status mri_peers_init(struct mr_engine *e)
{
    const struct mr_mem *const m = &e->config.mem;
    load_committee(e);
    e->self = (struct mri_peer){.seat = mri_seat_of(e, e->config.node)};
    e->seated = e->self.seat != NULL;
    const uint32_t others = e->committee.count - e->seated;
    e->peers_count = 0;
    e->scan = m->get(m->ctx, MRI_TURN_BUFFER + MR_FRAME_ALIGN);
    if (e->scan == NULL)
        return MR_NO_MEMORY;
    if (others == 0)
        return MR_OK;
    e->peers = m->get(m->ctx, others * sizeof *e->peers);
    e->told = m->get(m->ctx, MRI_RING * sizeof *e->told);
    if (e->peers == NULL || e->told == NULL)
        return MR_NO_MEMORY;
    memset(e->peers, 0, others * sizeof *e->peers);
    for (uint32_t i = 0; i < e->committee.count; i++)
        if (e->committee.seats[i].number != e->config.node)
            e->peers[e->peers_count++].seat = &e->committee.seats[i];
    return MR_OK;
}

static void release(struct mr_engine *e, struct mri_peer *peers)
{
    const struct mr_mem *const m = &e->config.mem;
    m->put(m->ctx, peers);
    m->put(m->ctx, e->told);
    m->put(m->ctx, e->scan);
    e->told = NULL;
    e->scan = NULL;
}

void mri_peers_done(struct mr_engine *e)
{
    release(e, e->peers);
    e->peers = NULL;
    e->peers_count = 0;
}

/* What outlives an epoch of a peer: its link, and who waits on it. */
static void go_on(struct mri_peer *p, const struct mri_peer *was)
{
    p->up = was->up;
    p->heard = was->heard;
    p->heard_ms = was->heard_ms;
    p->follows = was->follows;
    p->stale = was->stale;
    p->fetches = was->fetches;
    p->relaying = was->relaying;
    p->refused = was->refused;
    p->polls_count = was->polls_count;
    memcpy(p->polls, was->polls, sizeof p->polls);
    for (uint32_t i = 0; i < p->polls_count; i++)
        p->polls[i].until_ms = 0; /* answered at once: they are about the last epoch's log */
}

/* Of a node that is none any more: it waits for a log that has ended. */
static void send_away(struct mr_engine *e, const struct mri_peer *was)
{
    for (uint32_t i = 0; i < was->polls_count && mr_engine_ready(e); i++) {
        mri_reply(e, MR_REQ_FOLLOW);
        mri_answer_to(e, was->polls[i].token, was->polls[i].id, MR_WRONG_EPOCH);
    }
}

enum mr_status mri_peers_renew(struct mr_engine *e)
{
    struct mri_peer *const old = e->peers;
    const uint32_t count = e->peers_count;
    uint32_t numbers[MR_NODES_MAX] = {0};
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = old[i].seat->number;
    e->peers = NULL;
    release(e, NULL);
    const enum mr_status st = mri_peers_init(e);
    for (uint32_t i = 0; st == MR_OK && i < count; i++) {
        struct mri_peer *const p = mri_peer_of(e, numbers[i]);
        if (p != NULL)
            go_on(p, &old[i]);
        else
            send_away(e, &old[i]);
    }
    e->config.mem.put(e->config.mem.ctx, old);
    return st;
}

static size_t peer_key(uint8_t ret[8], const struct mr_engine *e, const struct mri_peer *p)
{
    return mri_key_u64(ret, (uint64_t)p->seat->number << 32 | e->committee.epoch);
}

static enum mr_status load_peer(struct mr_engine *e, struct mri_peer *p)
{
    uint8_t key[8], bytes[PEER_BYTES];
    size_t len;
    p->state = (struct mr_state_peer){.node = p->seat->number, .epoch = e->committee.epoch};
    enum mr_status st =
        mri_view_get(&e->view, MR_TABLE_PEER, key, peer_key(key, e, p), bytes, sizeof bytes, &len);
    if (st == MR_OK && mr_state_peer_decode(&p->state, bytes, len) != MR_OK)
        st = MR_DAMAGED;
    if (st == MR_OK || st == MR_NOT_FOUND)
        st = mri_tree_load(&p->tree, &e->view, tree_of(e, p), e->committee.epoch, p->state.size);
    if (p->state.proven_count > 0)
        p->head = p->state.proven[0];
    if (p->state.pending_count > 0)
        p->head = p->state.pending[0];
    return st;
}

/* Before replay. */
enum mr_status mri_peers_load(struct mr_engine *e)
{
    enum mr_status st = e->seated ? load_peer(e, &e->self) : MR_OK;
    for (uint32_t i = 0; st == MR_OK && i < e->peers_count; i++)
        st = load_peer(e, &e->peers[i]);
    e->told_from = e->tree.size;
    return st;
}

static void store_peer(struct mr_engine *e, struct mri_peer *p)
{
    uint8_t key[8], bytes[PEER_BYTES];
    mri_tree_store(&p->tree);
    if (!p->changed)
        return;
    mri_view_put(&e->view, MR_TABLE_PEER, key, peer_key(key, e, p), bytes,
                 mr_state_peer_encode(&p->state, bytes, sizeof bytes));
    p->changed = false;
}

void mri_peers_store(struct mr_engine *e)
{
    for (uint32_t i = 0; i < e->peers_count; i++)
        store_peer(e, &e->peers[i]);
    if (e->seated && e->self.state.size > 0)
        store_peer(e, &e->self);
}

/* --- how it stands ---------------------------------------------------------------------------- */

static uint64_t lag_of(const struct mri_peer *p)
{
    return p->head.size > p->state.size ? p->head.size - p->state.size : 0;
}

bool mri_heard_lately(const struct mr_engine *e, const struct mri_peer *p)
{
    return p->heard && e->now_ms < p->heard_ms + SILENT_MS;
}

enum mr_status mri_mode(const struct mr_engine *e)
{
    uint32_t heard = 1, lately = 1;
    uint64_t lag = 0;
    for (uint32_t i = 0; i < e->peers_count; i++) {
        const struct mri_peer *const p = &e->peers[i];
        heard += p->heard;
        lately += mri_heard_lately(e, p);
        lag = lag_of(p) > lag ? lag_of(p) : lag;
    }
    if (e->closing)
        return MR_STOPPING;
    if (!e->seated)
        return MR_RETIRED;
    if (e->ledger.meta.abstaining || e->key == NULL)
        return MR_ABSTAINING;
    if (e->disk_full)
        return MR_DISK_FULL;
    if (heard < e->committee.quorum && MRI_RULE(hear_first))
        return MR_STARTING;
    if (e->ledger.meta.next != 0)
        return MR_CHANGING;
    if (lately < e->committee.quorum)
        return MR_NO_QUORUM;
    return lag > BEHIND_LEAVES ? MR_BEHIND : MR_OK;
}

bool mr_engine_peer(const struct mr_engine *e, uint32_t peer, struct mr_peer_facts *ret)
{
    const struct mri_peer *const p = mri_peer_of(e, peer);
    if (p == NULL)
        return false;
    *ret = (struct mr_peer_facts){.state = p->state,
                                  .head = p->head,
                                  .sent = p->sent,
                                  .heard_ms = p->heard_ms,
                                  .refused = p->refused,
                                  .trouble = p->trouble};
    return true;
}

void mri_peer_link(struct mr_engine *e, const struct mr_event *ev)
{
    struct mri_peer *const p = mri_peer_of(e, ev->u.peer.peer);
    if (p == NULL)
        return;
    p->up = ev->u.peer.up;
    p->follows = p->stale = p->fetches = p->relaying = 0;
    p->resync = false;
    p->resync_from = 0;
}

/* --- what is asked next ----------------------------------------------------------------------- */

_Static_assert(MRI_FOLLOWS_MAX + 1 == MR_ASKS_MAX, "the leaves, and one more thing");

static bool spoke_of(const struct mri_slot *s, uint32_t node)
{
    for (uint32_t i = 0; i < s->votes_count; i++)
        if (s->votes[i].node == node)
            return true;
    for (uint32_t i = 0; i < s->acks_count; i++)
        if (s->acks[i].node == node)
            return true;
    for (uint32_t i = 0; i < s->reports_count; i++)
        if (s->reports[i].node == node)
            return true;
    return false;
}

/* Who is asked for what a slot lacks: first those who spoke of it, then the others, who may have
 * settled it without a word; then all over again, since some may not have it, or lie. */
static int turn_of(const struct mri_open *o, const struct mri_peer *p, uint32_t index)
{
    if ((o->asked >> index & 1) != 0)
        return 2;
    return spoke_of(&o->s, p->seat->number) ? 0 : 1;
}

static bool has_turn(struct mr_engine *e, struct mri_open *o, const struct mri_peer *p)
{
    const uint32_t index = (uint32_t)(p - e->peers);
    const int turn = turn_of(o, p, index);
    for (uint32_t i = 0; i < e->peers_count; i++)
        if (e->peers[i].up && turn_of(o, &e->peers[i], i) < turn)
            return false;
    o->asked = (turn == 2 ? 0 : o->asked) | UINT64_C(1) << index;
    return true;
}

/* The proof of the NEXT is asked of one peer after the other: not all can give it. */
static bool has_next_turn(struct mr_engine *e, const struct mri_peer *p)
{
    for (uint32_t i = 0; i < e->peers_count && !e->peers[e->next_turn % e->peers_count].up; i++)
        e->next_turn++;
    return &e->peers[e->next_turn % e->peers_count] == p;
}

/* Slots whose orders this peer may have. */
static bool ask_bodies(struct mr_engine *e, struct mri_peer *p, struct mr_request_body *ret)
{
    struct mr_req_fetch *const q = &ret->u.fetch;
    uint32_t scanned = 0;
    if ((e->opens.wanted == 0 && !e->next_unproven) || p->fetches > 0)
        return false;
    ret->kind = MR_REQ_FETCH;
    q->slots_count = 0;
    if (e->next_unproven && e->ledger.meta.next != 0 &&
        e->now_ms >= e->next_asked_ms + FETCH_AGAIN_MS && has_next_turn(e, p)) {
        e->next_asked_ms = e->now_ms;
        e->next_turn++;
        mr_sub_account(q->slots[0].account, NULL, MR_CLASS_SYSTEM);
        q->slots[q->slots_count++].seq = e->ledger.meta.next;
    }
    for (struct mri_open *o = e->opens.oldest;
         o != NULL && q->slots_count < MR_PAGE_MAX && scanned < FETCH_SCAN_MAX;
         o = o->newer, scanned++) {
        if (!o->wanted || e->now_ms < o->asked_ms + FETCH_AGAIN_MS || !has_turn(e, o, p))
            continue;
        o->asked_ms = e->now_ms;
        memcpy(q->slots[q->slots_count].account, o->s.account, 16);
        q->slots[q->slots_count++].seq = o->s.seq;
    }
    p->fetches += q->slots_count > 0;
    return q->slots_count > 0;
}

/* How many FOLLOWs may be under way. One that runs ahead of the others opens slots that nothing is
 * known of yet, and whose orders would be fetched although they are on their way. What is long
 * known at the peer comes in long answers, which a line holds few of; but what came is told by
 * asking on, else the peer waits for that (TRA-20). */
static uint32_t follows_max(const struct mri_peer *p)
{
    if (!p->heard || p->opened >= AHEAD_SLOTS)
        return 1;
    return p->tree.size < p->head.size && p->asked_from == p->state.size
               ? LONG_FOLLOWS_MAX
               : MRI_FOLLOWS_MIN + p->more;
}

static bool ask_leaves(struct mr_engine *e, struct mri_peer *p, struct mr_request_body *ret)
{
    const uint32_t stale = p->resync ? p->follows : p->stale;
    if (p->follows == MRI_FOLLOWS_MAX || p->follows - stale >= follows_max(p) ||
        p->opened > MRI_OPEN_A_PEER || e->opens.count + MR_LEAVES_MAX > MRI_OPEN_MAX)
        return false;
    if (e->now_ms < p->quiet_ms)
        return false;
    ret->kind = MR_REQ_FOLLOW;
    ret->u.follow = (struct mr_req_follow){
        .epoch = e->committee.epoch,
        .from = p->resync_from != 0 ? p->resync_from : p->state.size,
        .on = p->follows > stale,
        .timeout_ms = p->heard ? POLL_MS : 0}; /* a node that starts wants an answer at once */
    /* The peer ends them at once, with nothing. */
    p->stale = stale;
    p->resync = false;
    p->resync_from = 0;
    p->asked_ms = e->now_ms;
    p->asked_from = p->state.size;
    p->follows++;
    return true;
}

/* A log that the CUT names, of a node that may be gone: whoever has read it hands it on. */
static bool ask_relay(struct mr_engine *e, struct mri_peer *p, struct mr_request_body *ret)
{
    if (p->fetches > 0 || e->now_ms < e->relay_ms + RELAY_MS)
        return false;
    const uint32_t node = mri_cut_lacks(e, p);
    if (node == 0)
        return false;
    const struct mri_peer *const of = mri_followed(e, node);
    e->relay_ms = e->now_ms;
    ret->kind = MR_REQ_FOLLOW;
    ret->u.follow = (struct mr_req_follow){
        .node = node, .epoch = e->committee.epoch, .from = of->afresh ? 0 : of->state.size};
    p->fetches++;
    p->relaying = node;
    return true;
}

bool mr_engine_ask(struct mr_engine *e, uint32_t peer, struct mr_request_body *ret)
{
    struct mri_peer *const p = mri_peer_of(e, peer);
    if (p == NULL || !p->up || !e->seated || e->closing || e->config.read_only)
        return false;
    return ask_bodies(e, p, ret) || ask_relay(e, p, ret) || mri_evidence_ask(e, p, ret) ||
           ask_leaves(e, p, ret);
}
