/* Life of the engine: creation, turns, events. */
#include "engine/internal.h"

#include <string.h>

#include "base/teeth.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/order.h"

enum { HEARTBEAT_MS = 2000, HOLD_MS = 100 };

/* --- what is said ----------------------------------------------------------------------------- */

void mri_say(struct mr_engine *e, const struct mr_entry *entry)
{
    struct mri_turn *const t = e->current;
    struct mri_buffer *const b = &t->log;
    if (b->used == MR_FRAME_HEAD_BYTES)
        t->since_ms = e->now_ms;
    if (entry->kind != MR_ENTRY_PEER && entry->kind != MR_ENTRY_SETTLED &&
        entry->kind != MR_ENTRY_HEAD)
        t->wanted = true;
    mr_assert(mr_entry_size(entry) <= MRI_TURN_BUFFER - b->used);
    b->used += mr_entry_encode(entry, b->bytes + b->used, MRI_TURN_BUFFER - b->used);
}

uint64_t mri_say_leaf(struct mr_engine *e, const struct mr_leaf *leaf)
{
    struct mri_buffer *b = &e->current->log;
    uint8_t hash[32];
    const size_t n = mr_leaf_size(leaf);
    mr_assert(n + 4 <= MRI_TURN_BUFFER - b->used);
    /* The entry is its kind and the leaf: hash the leaf where it stands. */
    uint8_t *at = b->bytes + b->used;
    memcpy(at, (const uint8_t[]){0, 0, 0, MR_ENTRY_LEAF}, 4);
    mr_leaf_encode(leaf, at + 4, n);
    b->used += 4 + n;
    mr_leaf_hash(hash, at + 4, n);
    mri_tell(e, e->tree.size, at + 4, n);
    mri_tree_append(&e->tree, hash, NULL);
    e->ledger.meta.leaves = e->tree.size;
    e->current->said = e->current->wanted = true;
    return e->tree.size - 1;
}

/* The record is its kind and the order, which is too large to copy for that. */
void mri_say_order(struct mr_engine *e, uint64_t *ret_at, uint32_t *ret_len,
                   const struct mr_signed_order *order)
{
    struct mri_buffer *b = &e->current->bodies;
    uint8_t *const at = b->bytes + b->used;
    const size_t n = 4 + mr_signed_order_size(order);
    mr_assert(n <= MRI_TURN_BUFFER - b->used);
    *ret_at = e->current->bodies_at + b->used;
    *ret_len = (uint32_t)n;
    memcpy(at, (const uint8_t[]){0, 0, 0, MR_BODY_ORDER}, 4);
    mr_signed_order_encode(order, at + 4, n - 4);
    b->used += n;
}

void mri_say_body(struct mr_engine *e, uint64_t *ret_at, uint32_t *ret_len,
                  const struct mr_body *body)
{
    struct mri_buffer *b = &e->current->bodies;
    const size_t n = mr_body_size(body);
    mr_assert(n <= MRI_TURN_BUFFER - b->used);
    *ret_at = e->current->bodies_at + b->used;
    *ret_len = (uint32_t)n;
    mr_body_encode(body, b->bytes + b->used, n);
    b->used += n;
}

/* The bodies of the turns that were cut last stay in memory: an order is looked at again when it
 * settles, and handed to each peer, within moments. */
static void keep_recent(struct mr_engine *e, const uint8_t *bytes, size_t len)
{
    const size_t at = (size_t)(e->bodies_at % MRI_RECENT_BYTES);
    const size_t first = len < MRI_RECENT_BYTES - at ? len : MRI_RECENT_BYTES - at;
    memcpy(e->recent + at, bytes, first);
    memcpy(e->recent, bytes + first, len - first);
    const uint64_t end = e->bodies_at + len;
    if (end - e->recent_from > MRI_RECENT_BYTES)
        e->recent_from = end - MRI_RECENT_BYTES;
}

static bool copy_recent(const struct mr_engine *e, uint8_t *ret, uint64_t from, size_t len)
{
    if (from < e->recent_from || from + len > e->bodies_at)
        return false;
    const size_t at = (size_t)(from % MRI_RECENT_BYTES);
    const size_t first = len < MRI_RECENT_BYTES - at ? len : MRI_RECENT_BYTES - at;
    memcpy(ret, e->recent + at, first);
    memcpy(ret + first, e->recent, len - first);
    return true;
}

enum mr_status mri_read_body(struct mr_engine *e, struct mr_body *ret, uint64_t at, uint32_t len)
{
    const struct mri_turn *const unsynced[] = {e->current, e->flying};
    const uint8_t *from = NULL;
    size_t got = 0;
    if (len > sizeof e->bytes)
        return MR_DAMAGED;
    if (len == 0)
        return MR_BODY_ERASED; /* this node joined later */
    for (size_t i = 0; i < 2 && from == NULL; i++) {
        const struct mri_turn *t = unsynced[i];
        if (t != NULL && at >= t->bodies_at && at - t->bodies_at + len <= t->bodies.used)
            from = t->bodies.bytes + (at - t->bodies_at);
    }
    if (from == NULL && copy_recent(e, e->bytes, at, len))
        from = e->bytes;
    if (from == NULL) {
        const enum mr_status st = e->config.journal->api->read(e->config.journal, MR_FAMILY_BODIES,
                                                               at, e->bytes, len, &got);
        if (st != MR_OK)
            return st;
        if (got < len)
            return MR_DAMAGED;
        from = e->bytes;
    }
    return mr_body_decode(ret, from, len) == MR_OK ? MR_OK : MR_DAMAGED;
}

/* --- turns ------------------------------------------------------------------------------------ */

static void turn_reset(struct mr_engine *e, struct mri_turn *t)
{
    t->log.used = t->bodies.used = MR_FRAME_HEAD_BYTES;
    t->replies_used = 0;
    t->answers_count = 0;
    t->said = t->wanted = false;
    t->bodies_at = e->bodies_at;
    t->first_leaf = e->tree.size;
}

static bool turn_wrote(const struct mri_turn *t)
{
    return t->log.used > MR_FRAME_HEAD_BYTES;
}

bool mr_engine_due(const struct mr_engine *e)
{
    const struct mri_turn *const t = e->current;
    if (t->answers_count > 0)
        return true;
    return turn_wrote(t) && (t->wanted || e->news || e->draining || !mr_engine_ready(e) ||
                             e->now_ms >= t->since_ms + HOLD_MS);
}

/* Frame one stream of a turn; its bytes, padding included. */
static size_t frame(struct mri_buffer *b, struct mr_frame *f, const uint8_t *prev)
{
    f->len = (uint32_t)(b->used - MR_FRAME_HEAD_BYTES);
    const size_t whole = mr_frame_size(f->len);
    memset(b->bytes + b->used, 0, whole - b->used);
    mr_frame_write(b->bytes, f, prev);
    return whole;
}

bool mr_engine_cut(struct mr_engine *e, struct mr_turn *ret, struct mr_effects *fx)
{
    struct mri_turn *t = e->current;
    mr_assert(e->flying == NULL);
    if (!turn_wrote(t)) {
        /* Trouble while building a reply becomes that reply's status: nothing is lost. */
        (void)mri_release(e, t, fx);
        turn_reset(e, t);
        return false;
    }
    struct mr_frame bodies = {.family = MR_FAMILY_BODIES, .turn = e->ledger.meta.turn + 1};
    struct mr_frame log = {.family = MR_FAMILY_LOG, .turn = e->ledger.meta.turn + 1};
    *ret = (struct mr_turn){.number = log.turn, .log = t->log.bytes, .bodies = t->bodies.bytes};
    if (t->bodies.used > MR_FRAME_HEAD_BYTES) {
        bodies.end = e->bodies_at + mr_frame_size(t->bodies.used - MR_FRAME_HEAD_BYTES);
        ret->bodies_len = frame(&t->bodies, &bodies, NULL);
        memcpy(log.bodies_check, bodies.check, 32);
        keep_recent(e, t->bodies.bytes, ret->bodies_len);
        e->bodies_at = bodies.end;
    }
    log.end = e->bodies_at;
    ret->log_len = frame(&t->log, &log, e->check);
    memcpy(e->check, log.check, 32);
    mri_leaf_positions(e, e->log_at, t->first_leaf, e->tree.size);
    e->log_at += ret->log_len;
    e->ledger.meta.turn = log.turn;
    e->ledger.meta.log_at = e->log_at;
    e->ledger.meta.bodies_at = e->bodies_at;
    memcpy(e->ledger.meta.chain, e->check, 32);
    t->number = log.turn;
    t->leaves = e->tree.size;
    t->epoch = e->ledger.meta.epoch;
    /* The right edge is in memory: this cannot meet the store's trouble. */
    const enum mr_status st = mri_tree_root(&e->tree, t->root, t->leaves);
    mr_assert(st == MR_OK);
    e->flying = t;
    e->current = t == &e->turns[0] ? &e->turns[1] : &e->turns[0];
    turn_reset(e, e->current);
    return true;
}

static void sign_head(struct mr_engine *e, uint64_t leaves, const uint8_t root[32])
{
    struct mr_head *h = &e->head;
    h->epoch = e->ledger.meta.epoch;
    h->node = e->config.node;
    h->generation = e->ledger.meta.generation;
    memmove(h->root, root, 32);
    h->size = leaves;
    if (e->now_ms > h->time_ms)
        h->time_ms = e->now_ms;
    if (e->head_floor_ms > h->time_ms)
        h->time_ms = e->head_floor_ms;
    e->signed_ms = e->now_ms;
    mr_head_sign(h, e->ledger.id, e->key);
    e->head_due = true;
}

/* A head stands in a later turn than its leaves: JNL-7. */
void mri_journal_head(struct mr_engine *e)
{
    uint8_t bytes[256];
    if (!e->head_due)
        return;
    e->entry.kind = MR_ENTRY_HEAD;
    e->entry.u.head = e->head;
    mri_say(e, &e->entry);
    e->ledger.meta.head_ms = e->head.time_ms;
    mri_view_put(&e->view, MR_TABLE_META, (const uint8_t *)"h", 1, bytes,
                 mr_head_encode(&e->head, bytes, sizeof bytes));
    e->head_due = false;
}

static enum mr_status synced(struct mr_engine *e, struct mr_effects *fx)
{
    struct mri_turn *t = e->flying;
    mr_assert(t != NULL);
    e->synced_turn = t->number;
    if (t->epoch == e->ledger.meta.epoch)
        e->synced_leaves = t->leaves;
    e->flying = NULL;
    if (t->said && t->epoch == e->ledger.meta.epoch && !e->ledger.meta.abstaining && e->key != NULL)
        sign_head(e, t->leaves, t->root);
    enum mr_status st = mri_release(e, t, fx);
    if (st == MR_OK)
        st = mri_polls(e, fx);
    return st == MR_OK ? mri_waiters(e, fx) : st;
}

/* --- events ----------------------------------------------------------------------------------- */

bool mr_engine_ready(const struct mr_engine *e)
{
    const struct mri_turn *t = e->current;
    return t->log.used + MRI_EVENT_LOG_MAX <= MRI_TURN_BUFFER &&
           t->bodies.used + MRI_EVENT_BODIES_MAX <= MRI_TURN_BUFFER &&
           t->replies_used + (size_t)2 * MR_FRAME_MAX <= MRI_REPLIES_BUFFER &&
           t->answers_count + 2 * MRI_ASKERS_A_SLOT < MRI_ANSWERS_MAX;
}

static void request(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble)
{
    const enum mr_request_kind kind = ev->u.request.request->body.kind;
    if (kind == MR_REQ_SUBMIT)
        mri_submit(e, ev, ret_trouble);
    else if (kind == MR_REQ_CANCEL)
        mri_cancel(e, ev, ret_trouble);
    else if (kind == MR_REQ_FOLLOW)
        mri_follow(e, ev, ret_trouble);
    else
        mri_read_request(e, ev, ret_trouble);
}

static void abstain(struct mr_engine *e, uint64_t seen_size)
{
    if (e->ledger.meta.abstaining || e->config.read_only || !MRI_RULE(abstain))
        return;
    e->ledger.meta.abstaining = true;
    e->entry.kind = MR_ENTRY_ABSTAIN;
    e->entry.u.abstain = (struct mr_entry_abstain){.time_ms = e->now_ms, .seen_size = seen_size};
    mri_say(e, &e->entry);
}

/* A head that was signed and not written down before a crash: the clock may have been set back
 * since then, and time never decreases in a log (LOG-4). */
static void raise_floor(struct mr_engine *e, const struct mr_head *h)
{
    if (h->time_ms > e->head.time_ms && h->time_ms > e->head_floor_ms &&
        mr_head_verify(h, e->ledger.id, &e->ledger.meta.log_key))
        e->head_floor_ms = h->time_ms;
}

/* Rules of lost memory: somebody outside holds a head of ours that our log does not extend. */
enum mr_status mri_seen_head(struct mr_engine *e, const struct mr_head *h)
{
    uint8_t root[32];
    if (h->node != e->config.node || h->epoch != e->ledger.meta.epoch ||
        h->generation != e->ledger.meta.generation)
        return MR_OK;
    if (h->size <= e->tree.size) {
        const enum mr_status st = mri_tree_root(&e->tree, root, h->size);
        if (st != MR_OK)
            return st;
        if (memcmp(root, h->root, 32) == 0) {
            raise_floor(e, h);
            return MR_OK;
        }
    }
    /* Looked at last: whoever shows our own past costs no verification. */
    if (mr_head_verify(h, e->ledger.id, &e->ledger.meta.log_key))
        abstain(e, h->size);
    return MR_OK;
}

static void close_turn(struct mr_engine *e)
{
    if (e->closing)
        return;
    e->closing = true;
    e->entry.kind = MR_ENTRY_CLOSED;
    e->entry.u.closed = (struct mr_entry_closed){.time_ms = e->now_ms};
    mri_say(e, &e->entry);
}

/* The same again, later: the node works. Where its clock was set back that shows all the same, and
 * others see how far it is off. */
static void heartbeat(struct mr_engine *e)
{
    if (e->now_ms <= e->head.time_ms)
        e->head.time_ms++;
    sign_head(e, e->head.size, e->head.root);
}

static enum mr_status tick(struct mr_engine *e, struct mr_effects *fx)
{
    if (e->peers_count > 0 && e->key != NULL && e->seated && e->flying == NULL &&
        !e->ledger.meta.abstaining && e->head.size > 0 && e->now_ms >= e->signed_ms + HEARTBEAT_MS)
        heartbeat(e);
    mri_work_tick(e);
    enum mr_status st = mri_peers_tick(e, fx);
    return st == MR_OK ? mri_waiters(e, fx) : st;
}

enum mr_status mr_engine_step(struct mr_engine *e, const struct mr_event *ev, struct mr_effects *fx)
{
    enum mr_status st = MR_OK;
    if (ev->now_ms > e->now_ms)
        e->now_ms = ev->now_ms;
    e->planned = NULL;
    if (ev->kind == MR_EV_SYNCED)
        st = synced(e, fx);
    if (st == MR_OK)
        st = mri_view_reserve(&e->view);
    if (st == MR_OK)
        st = mri_opens_reserve(e);
    if (st != MR_OK)
        return ev->kind == MR_EV_SYNCED && st == MR_NO_MEMORY ? MR_OK : st;
    switch (ev->kind) {
    case MR_EV_REQUEST:
        mr_assert(mr_engine_ready(e));
        request(e, ev, &st);
        if (st == MR_OK && ev->u.request.request->body.kind == MR_REQ_FOLLOW)
            st = mri_polls(e, fx);
        break;
    case MR_EV_TICK:
        st = tick(e, fx);
        break;
    case MR_EV_SEEN:
        st = mri_seen_head(e, ev->u.seen);
        break;
    case MR_EV_ANSWER:
        mr_assert(mr_engine_ready(e));
        st = mri_peer_answer(e, ev);
        break;
    case MR_EV_PEER:
        mri_peer_link(e, ev);
        break;
    case MR_EV_CHECKPOINT:
        st = mri_checkpoint(e, ev->u.checkpoint.sum, ev->u.checkpoint.kept);
        break;
    case MR_EV_DUE:
        mri_rest_due(e);
        break;
    case MR_EV_ROOM:
        e->disk_full = !ev->u.room;
        break;
    case MR_EV_DRAIN:
        e->draining = true;
        mri_work_tick(e);
        st = mri_waiters(e, fx);
        break;
    case MR_EV_CLOSE:
        close_turn(e);
        break;
    case MR_EV_SYNCED:
        break;
    }
    if (st == MR_OK)
        st = mri_work(e);
    if (st == MR_OK)
        st = mri_anew_work(e);
    if (st == MR_OK)
        st = mri_epoch_work(e);
    if (st == MR_OK && mri_rest_work(e))
        st = mri_work(e);
    if (st == MR_OK && turn_wrote(e->current))
        mri_journal_head(e);
    return st;
}

/* --- flushing --------------------------------------------------------------------------------- */

enum mr_status mr_engine_freeze(struct mr_engine *e, struct mr_put **ret_puts, size_t *ret_count)
{
    mr_assert(!turn_wrote(e->current));
    enum mr_status st = mri_view_reserve(&e->view);
    if (st != MR_OK)
        return st;
    mri_tree_store(&e->tree);
    mri_peers_store(e);
    mri_ledger_store(&e->ledger);
    st = mri_opens_store(e);
    if (st != MR_OK)
        return st;
    return mri_view_freeze(&e->view, ret_puts, ret_count);
}

void mr_engine_flushed(struct mr_engine *e, struct mr_put *puts)
{
    mri_view_flushed(&e->view, puts);
}

bool mr_engine_flushing(const struct mr_engine *e)
{
    return e->view.flushing;
}

size_t mr_engine_dirty(const struct mr_engine *e)
{
    return mri_view_dirty(&e->view);
}

/* --- life ------------------------------------------------------------------------------------- */

static enum mr_status turn_create(struct mr_engine *e, struct mri_turn *t)
{
    const struct mr_mem *m = &e->config.mem;
    t->log.bytes = m->get(m->ctx, MRI_TURN_BUFFER + MR_FRAME_ALIGN);
    t->bodies.bytes = m->get(m->ctx, MRI_TURN_BUFFER + MR_FRAME_ALIGN);
    t->replies = m->get(m->ctx, MRI_REPLIES_BUFFER);
    t->answers = m->get(m->ctx, MRI_ANSWERS_MAX * sizeof *t->answers);
    return t->log.bytes != NULL && t->bodies.bytes != NULL && t->replies != NULL &&
                   t->answers != NULL
               ? MR_OK
               : MR_NO_MEMORY;
}

static enum mr_status load_head(struct mr_engine *e)
{
    uint8_t bytes[512];
    size_t len;
    const enum mr_status st =
        mri_view_get(&e->view, MR_TABLE_META, (const uint8_t *)"h", 1, bytes, sizeof bytes, &len);
    if (st == MR_NOT_FOUND)
        return MR_OK;
    if (st == MR_OK && mr_head_decode(&e->head, bytes, len) != MR_OK)
        return MR_DAMAGED;
    if (e->head.epoch != e->ledger.meta.epoch)
        e->head = (struct mr_head){.time_ms = e->head.time_ms}; /* of the log that ended */
    return st;
}

/* The first words of this run: it has opened; a RESTART; on a new log, START. */
static enum mr_status say_opening(struct mr_engine *e)
{
    const char *const name = e->config.software;
    const size_t n = strlen(name) < MR_NAME_MAX ? strlen(name) : MR_NAME_MAX;
    e->entry.kind = MR_ENTRY_OPENED;
    e->entry.u.opened = (struct mr_entry_opened){.time_ms = e->now_ms, .software_len = (uint32_t)n};
    memcpy(e->entry.u.opened.software, name, n);
    mri_say(e, &e->entry);
    const struct mr_signed_regroup *const regroup = e->config.regroup;
    if (regroup != NULL && regroup->regroup.next.epoch > e->ledger.meta.epoch) {
        const enum mr_status st = mr_regroup_verify(regroup, e->config.charter);
        if (st != MR_OK)
            return st;
    }
    const uint32_t epoch = e->ledger.meta.epoch;
    if (e->config.restart != NULL) {
        const enum mr_status st = mri_restart_say(e, e->config.restart);
        if (st != MR_OK)
            return st;
    }
    if (e->config.abstain && e->ledger.meta.epoch == epoch) /* a RESTART that was taken is past */
        abstain(e, 0);
    if (e->key == NULL && e->seated)
        return MR_BAD_KEY;
    const bool signs = e->seated && !e->ledger.meta.abstaining;
    if (e->tree.size == 0 && signs)
        mri_say_start(e);
    /* A head at once, since readers need one; but nothing is signed with a memory in doubt. */
    e->current->said = signs;
    return MR_OK;
}

static enum mr_status load(struct mr_engine *e)
{
    enum mr_status st = mri_ledger_load(&e->ledger, &e->view, e->config.charter);
    e->ledger.meta.node = e->config.node;
    if (st == MR_OK && e->ledger.meta.epoch == 1) {
        if (e->config.node > e->config.charter->nodes_count)
            return MR_CONFIG;
        e->ledger.meta.log_key = e->config.charter->nodes[e->config.node - 1].log_key;
    }
    if (st == MR_OK)
        st = mri_regroup_adopted(e);
    if (st == MR_OK)
        st = mri_tree_load(&e->tree, &e->view, e->config.node, e->ledger.meta.epoch,
                           e->ledger.meta.leaves);
    if (st == MR_OK)
        st = load_head(e);
    if (st == MR_OK)
        st = mri_peers_init(e);
    if (st == MR_OK)
        st = mri_past_load(e);
    if (st == MR_OK)
        st = mri_opens_init(e);
    if (st == MR_OK)
        st = mri_peers_load(e);
    if (st == MR_OK)
        st = mri_opens_load(e);
    if (st != MR_OK)
        return st;
    mri_choose_key(e);
    memcpy(e->check, e->ledger.meta.chain, 32);
    e->log_at = e->ledger.meta.log_at;
    e->bodies_at = e->ledger.meta.bodies_at;
    e->current = &e->turns[0];
    turn_reset(e, e->current);
    e->replaying = true;
    st = mri_replay(e);
    e->replaying = false;
    turn_reset(e, e->current);
    e->recent_from = e->bodies_at;
    e->synced_turn = e->ledger.meta.turn;
    e->synced_leaves = e->tree.size;
    return st;
}

enum mr_status mr_engine_create(struct mr_engine **ret, const struct mr_engine_config *config)
{
    const struct mr_mem *m = &config->mem;
    const char *what;
    if (mr_charter_check(config->charter, &what) != MR_OK || config->node == 0 ||
        config->node > MR_NODES_MAX)
        return MR_CONFIG;
    struct mr_engine *e = m->get(m->ctx, sizeof *e);
    if (e == NULL)
        return MR_NO_MEMORY;
    memset(e, 0, sizeof *e);
    e->config = *config;
    e->now_ms = e->started_ms = config->now_ms;
    e->recent_from = UINT64_MAX; /* nothing is in it before the journal was replayed */
    mri_view_init(&e->view, config->store, m);
    enum mr_status st = turn_create(e, &e->turns[0]);
    if (st == MR_OK)
        st = turn_create(e, &e->turns[1]);
    e->recent = m->get(m->ctx, MRI_RECENT_BYTES);
    if (e->recent == NULL)
        st = MR_NO_MEMORY;
    if (st == MR_OK)
        st = load(e);
    if (st == MR_OK && !config->read_only) {
        st = mri_view_reserve(&e->view);
        if (st == MR_OK)
            st = say_opening(e);
    }
    if (st != MR_OK) {
        mr_engine_destroy(e);
        return st;
    }
    *ret = e;
    return MR_OK;
}

void mr_engine_destroy(struct mr_engine *e)
{
    if (e == NULL)
        return;
    const struct mr_mem m = e->config.mem;
    for (int i = 0; i < 2; i++) {
        m.put(m.ctx, e->turns[i].log.bytes);
        m.put(m.ctx, e->turns[i].bodies.bytes);
        m.put(m.ctx, e->turns[i].replies);
        m.put(m.ctx, e->turns[i].answers);
    }
    mri_opens_done(e);
    mri_peers_done(e);
    mri_view_done(&e->view);
    m.put(m.ctx, e->recent);
    m.put(m.ctx, e);
}

enum mr_status mr_engine_keys(struct mr_engine *e, struct mr_keyset *ret, uint32_t *ret_generation,
                              const uint8_t account[16])
{
    struct mr_state_account a;
    uint64_t number;
    enum mr_status st = mri_account_number(&e->ledger, &number, account);
    if (st == MR_OK)
        st = mri_account_get(&e->ledger, &a, number);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_ACCOUNT_UNKNOWN : st;
    *ret = a.keys;
    *ret_generation = a.generation;
    return MR_OK;
}

enum mr_status mr_engine_signers(struct mr_engine *e, struct mr_keyset *ret,
                                 uint32_t *ret_generation, const struct mr_order *order)
{
    return mri_ledger_signers(&e->ledger, ret, ret_generation, order);
}

enum mr_status mr_engine_identify(struct mr_engine *e, struct mr_pubkey *ret_key,
                                  struct mr_principal *ret, const struct mr_req_auth *auth)
{
    static const uint8_t none[MR_KEY_BYTES] = {0};
    struct mr_state_account a;
    uint64_t number;
    if (auth->role == MR_AUTH_PEER) {
        const struct mr_seat *seat = mri_seat_of(e, auth->key_index);
        for (uint32_t i = 0; seat == NULL && i < e->past_committee.count; i++)
            if (e->past_committee.seats[i].number == auth->key_index)
                seat = &e->past_committee.seats[i]; /* it may still finish the last epoch */
        if (seat == NULL || seat->number == e->config.node)
            return MR_BAD_KEY;
        *ret_key = seat->transport_key;
        ret->peer = seat->number;
        return MR_OK;
    }
    enum mr_status st = mri_account_number(&e->ledger, &number, auth->account);
    if (st == MR_OK)
        st = mri_account_get(&e->ledger, &a, number);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_ACCOUNT_UNKNOWN : st;
    if (auth->role == MR_AUTH_READER) {
        if (memcmp(a.reader_key, none, sizeof none) == 0)
            return MR_BAD_KEY;
        ret_key->alg = MR_ALG_ED25519;
        memcpy(ret_key->key, a.reader_key, MR_KEY_BYTES);
    } else if (auth->role == MR_AUTH_OWNER && auth->key_index < a.keys.keys_count) {
        *ret_key = a.keys.keys[auth->key_index];
    } else {
        return MR_BAD_KEY;
    }
    ret->proved = true;
    ret->role = auth->role;
    memcpy(ret->account, a.id, 16);
    ret->class = a.class;
    memcpy(ret->association, a.association, 16);
    ret->generation = a.generation;
    return MR_OK;
}

bool mr_engine_current(struct mr_engine *e, const struct mr_principal *who)
{
    struct mr_state_account a;
    uint64_t number;
    if (!who->proved || who->peer != 0)
        return true; /* a node's transport key is the charter's */
    return mri_account_number(&e->ledger, &number, who->account) == MR_OK &&
           mri_account_get(&e->ledger, &a, number) == MR_OK && a.generation == who->generation;
}

bool mr_engine_sum_wanted(const struct mr_engine *e)
{
    return e->sum_wanted || e->rest.sum_wanted;
}

uint64_t mr_engine_checkpoint_ms(struct mr_engine *e)
{
    struct mr_state_hot hot;
    const bool any = mri_hot_get(&e->ledger, &hot, e->ledger.checkpoints) == MR_OK;
    return any && hot.chain.time_ms > 0 ? hot.chain.time_ms : e->config.charter->created_ms;
}

void mr_engine_facts(struct mr_engine *e, struct mr_engine_facts *ret)
{
    *ret = (struct mr_engine_facts){.meta = e->ledger.meta,
                                    .synced_turn = e->synced_turn,
                                    .parked = e->opens.parked,
                                    .open = e->opens.count,
                                    .oldest_ms =
                                        e->opens.oldest != NULL ? e->opens.oldest->s.since_ms : 0,
                                    .evidence = e->ledger.meta.evidence,
                                    .mode = mri_mode(e),
                                    .sum_wanted = mr_engine_sum_wanted(e),
                                    .sum_kept = e->sum_wanted,
                                    .regroup_differs = mri_regroup_waits(e) && !e->regroups &&
                                                       !e->sum_wanted && e->regroup_turn > 0,
                                    .resting = e->rest.number != 0,
                                    .rests = e->rest.count,
                                    .rested_ms = e->rest.held_ms,
                                    .waiting = e->waiters_count,
                                    .dirty_bytes = mri_view_dirty(&e->view),
                                    .disk_full = e->disk_full,
                                    .abstaining = e->ledger.meta.abstaining,
                                    .closing = e->closing,
                                    .head = e->head};
    /* The right edge is in memory. */
    const enum mr_status st = mri_tree_root(&e->tree, ret->log_root, e->tree.size);
    mr_assert(st == MR_OK);
}
