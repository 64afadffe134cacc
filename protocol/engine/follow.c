/* Serving peers: the own log from any leaf on, and the orders held for a slot. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/log.h"

enum {
    REPLY_BYTES_MAX = 60 << 10,
    FLIGHT_BYTES_MAX = 128 << 10,
    LEAVES_AN_ENTRY = 256, /* MR_TABLE_LEAF */
};

/* --- the own leaves ----------------------------------------------------------------------------
 */

void mri_tell(struct mr_engine *e, uint64_t index, const uint8_t *bytes, size_t len)
{
    if (e->told == NULL)
        return;
    struct mri_told *const t = &e->told[index % MRI_RING];
    mr_assert(len <= sizeof t->bytes);
    *t = (struct mri_told){.len = (uint32_t)len};
    memcpy(t->bytes, bytes, len);
    if (index >= e->told_from + MRI_RING)
        e->told_from = index + 1 - MRI_RING;
}

void mri_tell_body(struct mr_engine *e, uint64_t index, const struct mr_entry_parked *at)
{
    if (e->told == NULL)
        return;
    struct mri_told *const t = &e->told[index % MRI_RING];
    t->body_at = at->body_at;
    t->body_len = at->body_len;
    t->memo_at = at->memo_at;
    t->memo_len = at->memo_len;
}

void mri_leaf_positions(struct mr_engine *e, uint64_t position, uint64_t from, uint64_t to)
{
    uint8_t key[16], value[16];
    for (uint64_t k = (from + LEAVES_AN_ENTRY - 1) / LEAVES_AN_ENTRY; k * LEAVES_AN_ENTRY < to; k++)
        mri_view_put(&e->view, MR_TABLE_LEAF, key, mri_key_pair(key, e->committee.epoch, k), value,
                     mri_key_pair(value, position, from));
}

/* One of this node's logs: the present epoch's, or one that ended. */
struct own_log {
    uint32_t epoch;
    struct mr_head head;
    struct mri_tree *tree;
};

static enum mr_status open_log(struct mr_engine *e, struct own_log *ret, uint32_t epoch)
{
    *ret = (struct own_log){.epoch = epoch, .head = e->head, .tree = &e->tree};
    if (epoch == e->committee.epoch)
        return MR_OK;
    ret->tree = &e->past;
    const enum mr_status st = mri_past_head(e, &ret->head, epoch);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_WRONG_EPOCH : st;
    return mri_tree_load(&e->past, &e->view, e->config.node, epoch, ret->head.size);
}

/* MR_NOT_FOUND: it is not synced yet. */
enum mr_status mri_read_frame(struct mr_engine *e, struct mr_frame *ret, uint64_t position)
{
    struct mr_journal *const j = e->config.journal;
    size_t got;
    enum mr_status st =
        j->api->read(j, MR_FAMILY_LOG, position, e->scan, MR_FRAME_HEAD_BYTES, &got);
    if (st != MR_OK || got < MR_FRAME_HEAD_BYTES)
        return st == MR_OK ? MR_NOT_FOUND : st;
    if (mr_frame_read(ret, e->scan, got, NULL) == MR_DAMAGED || ret->len > MRI_TURN_BUFFER)
        return MR_DAMAGED;
    st = j->api->read(j, MR_FAMILY_LOG, position, e->scan, mr_frame_size(ret->len), &got);
    return st == MR_OK && mr_frame_read(ret, e->scan, got, NULL) != MR_OK ? MR_DAMAGED : st;
}

/* Whether the leaves behind an entry are of the next log. */
static bool ends_log(const struct mr_entry *entry)
{
    return entry->kind == MR_ENTRY_EPOCH || entry->kind == MR_ENTRY_RESTART ||
           entry->kind == MR_ENTRY_REGROUP;
}

/* The leaves of one frame, from *index on into r, as far as there is room. A log ends where another
 * begins. */
static enum mr_status scan_entries(struct mr_engine *e, struct mr_rep_follow *r, uint64_t *index,
                                   uint64_t from, size_t len)
{
    const uint8_t *in = e->scan + MR_FRAME_HEAD_BYTES;
    while (len > 0 && r->leaves_count < MR_LEAVES_MAX && *index < r->head.size) {
        size_t n;
        if (mr_entry_decode_first(&e->entry, &n, in, len) != MR_OK)
            return MR_DAMAGED;
        if (ends_log(&e->entry))
            *index = 0;
        if (e->entry.kind == MR_ENTRY_LEAF && (*index)++ >= from)
            r->leaves[r->leaves_count++] = e->entry.u.leaf;
        in += n;
        len -= n;
    }
    return MR_OK;
}

/* Leaves that are no longer in memory, from the journal. */
static enum mr_status read_leaves(struct mr_engine *e, struct mr_rep_follow *r, uint32_t epoch,
                                  uint64_t from)
{
    uint8_t key[16], value[16];
    size_t got;
    if (from >= r->head.size)
        return MR_OK;
    enum mr_status st =
        mri_view_get(&e->view, MR_TABLE_LEAF, key, mri_key_pair(key, epoch, from / LEAVES_AN_ENTRY),
                     value, sizeof value, &got);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    uint64_t position = mri_key_read(value), index = mri_key_read(value + 8);
    while (r->leaves_count < MR_LEAVES_MAX && index < r->head.size) {
        struct mr_frame f;
        st = mri_read_frame(e, &f, position);
        if (st == MR_OK)
            st = scan_entries(e, r, &index, from, f.len);
        if (st != MR_OK)
            return st == MR_NOT_FOUND ? MR_DAMAGED : st; /* all that a head covers is synced */
        position += mr_frame_size(f.len);
    }
    return MR_OK;
}

/* That the leaves in r stand in the log behind r->first and in front of the rest, under its head.
 */
static enum mr_status prove_leaves(struct mr_rep_follow *r, struct mri_tree *tree)
{
    const uint64_t to = r->first + r->leaves_count;
    enum mr_status st = mri_tree_root(tree, r->root, r->first);
    if (st == MR_OK)
        st = mri_tree_consistency(tree, r->behind, &r->behind_count, r->first, r->head.size);
    if (st == MR_OK)
        st = mri_tree_consistency(tree, r->ahead, &r->ahead_count, to, r->head.size);
    return st;
}

/* --- leaves of others ---------------------------------------------------------------------------
 */

static size_t peer_leaf_key(uint8_t ret[16], uint32_t epoch, uint32_t node, uint64_t index)
{
    return mri_key_pair(ret, (uint64_t)node << 32 | epoch, index / LEAVES_AN_ENTRY);
}

void mri_peer_positions(struct mr_engine *e, uint32_t node, uint64_t first, uint32_t count)
{
    uint8_t key[16], value[16];
    uint64_t at = (first + LEAVES_AN_ENTRY - 1) / LEAVES_AN_ENTRY * LEAVES_AN_ENTRY;
    for (; at < first + count; at += LEAVES_AN_ENTRY)
        mri_view_put(&e->view, MR_TABLE_LEAF, key, peer_leaf_key(key, e->committee.epoch, node, at),
                     value, mri_key_pair(value, e->log_at, first));
}

/* The next leaves of a peer's log among the entries of one frame. True: the epoch ends here. */
static enum mr_status scan_peer(struct mr_engine *e, struct mr_rep_follow *r, uint32_t node,
                                size_t len, bool *ret_end)
{
    const uint8_t *in = e->scan + MR_FRAME_HEAD_BYTES;
    const struct mr_entry_peer *const p = &e->entry.u.peer;
    while (len > 0 && !*ret_end) {
        size_t n;
        if (mr_entry_decode_first(&e->entry, &n, in, len) != MR_OK)
            return MR_DAMAGED;
        *ret_end = ends_log(&e->entry);
        for (uint32_t i = 0;
             e->entry.kind == MR_ENTRY_PEER && p->node == node && i < p->leaves_count &&
             r->leaves_count < MR_LEAVES_MAX && r->first + r->leaves_count < r->head.size;
             i++)
            if (p->first + i == r->first + r->leaves_count)
                r->leaves[r->leaves_count++] = p->leaves[i];
        in += n;
        len -= n;
    }
    return MR_OK;
}

static enum mr_status read_peer(struct mr_engine *e, struct mr_rep_follow *r, uint32_t epoch,
                                uint32_t node)
{
    uint8_t key[16], value[16];
    size_t got;
    bool end = false;
    enum mr_status st =
        mri_view_get(&e->view, MR_TABLE_LEAF, key, peer_leaf_key(key, epoch, node, r->first), value,
                     sizeof value, &got);
    uint64_t position = st == MR_OK ? mri_key_read(value) : 0;
    while (st == MR_OK && !end && r->leaves_count < MR_LEAVES_MAX &&
           r->first + r->leaves_count < r->head.size) {
        struct mr_frame f;
        st = mri_read_frame(e, &f, position);
        if (st == MR_OK)
            st = scan_peer(e, r, node, f.len, &end);
        position += st == MR_OK ? mr_frame_size(f.len) : 0;
    }
    return st == MR_NOT_FOUND ? MR_OK : st;
}

/* A log that the asking node cannot read at its node any more: EPO-5. */
static enum mr_status relay(struct mr_engine *e, const struct mr_req_follow *q)
{
    struct mr_rep_follow *const r = &mri_reply(e, MR_REQ_FOLLOW)->body.u.follow;
    struct mri_tree *tree;
    enum mr_status st = q->epoch <= e->committee.epoch
                            ? mri_mirror(e, &r->head, &tree, q->epoch, q->node)
                            : MR_WRONG_EPOCH;
    if (st != MR_OK || q->from >= r->head.size)
        return st == MR_OK ? MR_NOT_FOUND : st;
    r->first = q->from;
    st = read_peer(e, r, q->epoch, q->node);
    return st == MR_OK ? prove_leaves(r, tree) : st;
}

/* --- FOLLOW ------------------------------------------------------------------------------------
 */

static enum mr_status add_body(struct mr_engine *e, struct mr_body *ret, uint32_t *count,
                               size_t *used, uint64_t at, uint32_t len)
{
    const enum mr_status st = mri_read_body(e, &ret[*count], at, len);
    if (st == MR_BODY_ERASED)
        return MR_OK;
    if (st != MR_OK)
        return st;
    ++*count;
    *used += len;
    return MR_OK;
}

/* Leaves in memory, and the orders that were handed in here and voted for in them. */
static enum mr_status told_leaves(struct mr_engine *e, struct mr_rep_follow *r, uint64_t from)
{
    size_t used = 8192; /* head and proofs */
    for (uint64_t i = from; i < e->head.size && r->leaves_count < MR_LEAVES_MAX; i++) {
        const struct mri_told *const t = &e->told[i % MRI_RING];
        used += t->len;
        if (used + t->body_len + t->memo_len > REPLY_BYTES_MAX ||
            r->bodies_count + 2 > MR_BODIES_MAX)
            return MR_OK;
        if (mr_leaf_decode(&r->leaves[r->leaves_count++], t->bytes, t->len) != MR_OK)
            mr_bug("own leaf");
        enum mr_status st = MR_OK;
        if (t->body_len > 0)
            st = add_body(e, r->bodies, &r->bodies_count, &used, t->body_at, t->body_len);
        if (st == MR_OK && t->memo_len > 0)
            st = add_body(e, r->bodies, &r->bodies_count, &used, t->memo_at, t->memo_len);
        if (st != MR_OK)
            return st;
    }
    return MR_OK;
}

/* A log from `from` on, into e->reply. from <= the head's size. */
static enum mr_status log_reply(struct mr_engine *e, const struct own_log *log, uint64_t from)
{
    struct mr_rep_follow *const r = &mri_reply(e, MR_REQ_FOLLOW)->body.u.follow;
    r->first = from;
    r->head = log->head;
    const enum mr_status st = log->epoch == e->committee.epoch && from >= e->told_from
                                  ? told_leaves(e, r, from)
                                  : read_leaves(e, r, log->epoch, from);
    return st == MR_OK ? prove_leaves(r, log->tree) : st;
}

static void show_yours(struct mr_rep_follow *r, const struct mr_head *head)
{
    if (head->size == 0)
        return;
    r->yours[0] = *head;
    r->yours_count = 1;
}

static enum mr_status follow_reply(struct mr_engine *e, struct mri_peer *p, uint64_t from)
{
    const struct own_log log = {e->committee.epoch, e->head, &e->tree};
    struct mr_rep_follow *const r = &e->reply.body.u.follow;
    const enum mr_status st = log_reply(e, &log, from);
    if (st != MR_OK)
        return st;
    show_yours(r, &p->head);
    p->sent = from + r->leaves_count;
    if (r->leaves_count > 0 && p->flights_count < MRI_POLLS_A_PEER)
        p->flights[p->flights_count++] = (struct mri_flight){p->sent, mr_reply_size(&e->reply)};
    return MR_OK;
}

/* What a peer asks behind has arrived. */
static void arrived(struct mri_peer *p, uint64_t from)
{
    uint32_t n = 0;
    while (n < p->flights_count && p->flights[n].end <= from)
        n++;
    p->flights_count -= n;
    memmove(p->flights, p->flights + n, p->flights_count * sizeof p->flights[0]);
}

/* nanomsg drops what a slow reader has not taken (some 300 KiB), and says nothing. */
static bool has_room(const struct mri_peer *p)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < p->flights_count; i++)
        bytes += p->flights[i].bytes;
    return bytes <= FLIGHT_BYTES_MAX && p->flights_count < MRI_POLLS_A_PEER;
}

/* What is left of an epoch that ended here, for a node that has not got so far, and what is known
 * of its own log there. It may have read more of this one than this node remembers. */
static enum mr_status follow_past(struct mr_engine *e, const struct mr_req_follow *q, uint32_t peer)
{
    struct own_log log;
    struct mr_head theirs;
    enum mr_status st = open_log(e, &log, q->epoch);
    struct mr_rep_follow *const r = &mri_reply(e, MR_REQ_FOLLOW)->body.u.follow;
    if (st == MR_OK)
        r->head = log.head; /* of size 0 where this node signed nothing in that epoch */
    if (st == MR_OK && log.head.size > 0)
        st = log_reply(e, &log, q->from < log.head.size ? q->from : log.head.size);
    if (st != MR_OK)
        return st;
    st = mri_past_followed(e, &theirs, q->epoch, peer);
    if (st == MR_OK)
        show_yours(r, &theirs);
    return st == MR_NOT_FOUND ? MR_OK : st;
}

/* There is no head. The log of this epoch has just begun; or none ever does, of a node that forgot
 * what it said there: all that it can tell is what it knows of others. */
static enum mr_status follow_none(struct mr_engine *e, const struct mri_peer *p)
{
    if (mri_signs(e))
        return e->committee.epoch > 1 ? MR_WRONG_EPOCH : MR_BUSY;
    show_yours(&mri_reply(e, MR_REQ_FOLLOW)->body.u.follow, &p->head);
    return MR_OK;
}

static uint64_t start_of(const struct mri_peer *p, uint64_t from, bool on)
{
    return on && p->sent > from ? p->sent : from;
}

static enum mr_status follow(struct mr_engine *e, const struct mr_event *ev, bool *ret_queued)
{
    const struct mr_req_follow *const q = &ev->u.request.request->body.u.follow;
    struct mri_peer *const p = mri_peer_of(e, ev->u.request.who->peer);
    if (ev->u.request.who->peer == 0)
        return MR_NOT_AUTHORISED;
    if (q->node != 0 && q->node != e->config.node)
        return relay(e, q);
    if (q->epoch < e->committee.epoch)
        return follow_past(e, q, ev->u.request.who->peer);
    if (p == NULL || q->epoch > e->committee.epoch)
        return p == NULL ? MR_NOT_AUTHORISED : MR_WRONG_EPOCH;
    /* It begins anew: what it asked before in another session would swallow news. */
    for (uint32_t i = 0; !q->on && i < p->polls_count; i++)
        p->polls[i].over = true;
    arrived(p, q->on ? q->from : UINT64_MAX);
    const uint64_t from = start_of(p, q->from, q->on);
    if (e->head.size == 0)
        return follow_none(e, p);
    /* It may hold more than this log has. */
    if (p->polls_count == MRI_POLLS_A_PEER || q->from > e->tree.size)
        return follow_reply(e, p, from < e->head.size ? from : e->head.size);
    p->polls[p->polls_count++] = (struct mri_poll){.token = ev->u.request.token,
                                                   .id = ev->u.request.request->id,
                                                   .from = q->from,
                                                   .on = q->on,
                                                   .until_ms = e->now_ms + q->timeout_ms};
    *ret_queued = true;
    return MR_OK;
}

void mri_follow(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble)
{
    bool queued = false;
    const enum mr_status st = follow(e, ev, &queued);
    if (mri_is_trouble(st)) {
        *ret_trouble = st;
        return;
    }
    if (queued)
        return;
    if (st != MR_OK)
        mri_reply(e, MR_REQ_FOLLOW);
    mri_answer(e, ev, st);
}

/* The first poll of a peer that has news, or has waited; they are answered in their order. */
static enum mr_status serve(struct mr_engine *e, struct mri_peer *p, struct mr_effects *fx)
{
    while (p->polls_count > 0) {
        const struct mri_poll w = p->polls[0];
        const uint64_t from = w.over ? e->head.size : start_of(p, w.from, w.on), sent = p->sent;
        const bool blocked = from < e->head.size && !has_room(p);
        if ((blocked || from >= e->head.size) && e->now_ms < w.until_ms && !e->draining && !w.over)
            return MR_OK;
        memmove(p->polls, p->polls + 1, --p->polls_count * sizeof p->polls[0]);
        const bool begun = e->head.size > 0; /* else it was asked in the epoch before */
        if (!begun)
            mri_reply(e, MR_REQ_FOLLOW);
        const enum mr_status st =
            begun ? follow_reply(e, p, from < e->head.size ? from : e->head.size) : MR_OK;
        if (st != MR_OK)
            return st;
        if (w.over)
            p->sent = sent;
        e->reply.id = w.id;
        e->reply.status = begun ? MR_OK : MR_WRONG_EPOCH;
        fx->reply(fx->ctx, w.token, e->bytes,
                  mr_reply_encode(&e->reply, e->bytes, sizeof e->bytes));
        if (blocked && !e->draining)
            return MR_OK; /* its time is over and room is not: one at a tick */
    }
    return MR_OK;
}

enum mr_status mri_polls(struct mr_engine *e, struct mr_effects *fx)
{
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; st == MR_OK && i < e->peers_count; i++)
        st = serve(e, &e->peers[i], fx);
    return st;
}

/* --- FETCH -------------------------------------------------------------------------------------
 */

struct fetching {
    struct mr_rep_fetch *r;
    size_t used;
};

static enum mr_status add(struct mr_engine *e, struct fetching *f, uint64_t at, uint32_t len)
{
    if (len == 0 || f->used + len > REPLY_BYTES_MAX || f->r->bodies_count == MR_BODIES_MAX)
        return MR_OK;
    return add_body(e, f->r->bodies, &f->r->bodies_count, &f->used, at, len);
}

static enum mr_status fetch_open(struct mr_engine *e, struct fetching *f, const struct mri_open *o)
{
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; st == MR_OK && i < o->s.orders_count; i++) {
        const struct mr_entry_parked *const at = &o->s.orders[i].at;
        st = add(e, f, at->body_at, at->body_len);
        if (st == MR_OK)
            st = add(e, f, at->memo_at, at->memo_len);
    }
    if (st == MR_OK && o->s.triggered)
        st = add(e, f, o->s.trigger.body_at, o->s.trigger.body_len);
    return st == MR_OK ? mri_show_open(e, f->r, &f->used, o) : st;
}

static enum mr_status fetch_settled(struct mr_engine *e, struct fetching *f,
                                    const struct mr_state_slot_ref *q)
{
    struct mr_state_slot s;
    uint64_t number;
    enum mr_status st = mri_account_number(&e->ledger, &number, q->account);
    if (st == MR_OK)
        st = mri_slot_get(&e->ledger, &s, number, q->seq);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_OK : st;
    if (!s.voided)
        st = add(e, f, s.body_at, s.body_len);
    if (st == MR_OK && !s.voided)
        st = add(e, f, s.memo_at, s.memo_len);
    return st == MR_OK ? mri_show_settled(e, f->r, &f->used, q->account, q->seq, &s) : st;
}

enum mr_status mri_fetch(struct mr_engine *e, const struct mr_event *ev)
{
    const struct mr_req_fetch *const q = &ev->u.request.request->body.u.fetch;
    struct fetching f = {&e->reply.body.u.fetch, 1024};
    if (ev->u.request.who->peer == 0)
        return MR_NOT_AUTHORISED;
    for (uint32_t i = 0; i < q->slots_count; i++) {
        const struct mri_open *const o = mri_open_find(e, q->slots[i].account, q->slots[i].seq);
        const enum mr_status st =
            o != NULL ? fetch_open(e, &f, o) : fetch_settled(e, &f, &q->slots[i]);
        if (st != MR_OK)
            return st;
    }
    return MR_OK;
}

/* --- HANDOVER ----------------------------------------------------------------------------------
 */

/* The FINAL leaf at the end of an epoch that is over, if this node said one. */
static enum mr_status add_final(struct mr_engine *e, uint32_t epoch)
{
    struct own_log log;
    struct mr_rep_handover *const r = &e->reply.body.u.handover;
    struct mr_proof *const p = &r->final[0];
    const struct mr_handover began = r->handover[0];
    enum mr_status st = open_log(e, &log, epoch);
    if (st == MR_OK && log.head.size > 0)
        st = log_reply(e, &log, log.head.size - 1);
    if (st == MR_WRONG_EPOCH || (st == MR_OK && log.head.size == 0))
        return MR_OK;
    if (st != MR_OK)
        return st;
    const struct mr_leaf last = e->reply.body.u.follow.leaves[0];
    const bool is_final = e->reply.body.u.follow.leaves_count == 1 && last.kind == MR_LEAF_FINAL;
    mri_reply(e, MR_REQ_HANDOVER);
    r->handover[0] = began;
    r->handover_count = 1;
    if (!is_final)
        return MR_OK;
    p->head = log.head;
    p->index = log.head.size - 1;
    p->leaf = last;
    r->final_count = 1;
    return mri_tree_path(log.tree, p->path, &p->path_count, p->index, log.head.size);
}

enum mr_status mri_read_handover(struct mr_engine *e, const struct mr_event *ev)
{
    const uint64_t epoch = ev->u.request.request->body.u.handover.from;
    struct mr_rep_handover *const r = &e->reply.body.u.handover;
    if (epoch < 2 || epoch > e->committee.epoch)
        return MR_OK;
    const enum mr_status st = mri_epoch_get(e, &r->handover[0], (uint32_t)epoch);
    if (st != MR_OK)
        return st;
    r->handover_count = 1;
    return add_final(e, (uint32_t)epoch - 1);
}
