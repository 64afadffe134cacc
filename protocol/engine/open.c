/* The slots that are not settled here: found by chain and place, looked at when something changes.
 * They live in memory; the store gets those that changed with each flush. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"

enum {
    BUCKETS = 1 << 14,
    CHUNK = 64,
    RESERVE = MR_LEAVES_MAX + MR_BODIES_MAX + 8,
    KEY_BYTES = 24,
    HOLD_MS = 4000, /* a caller waits so long for its order to settle */
};

struct mri_open_chunk {
    struct mri_open_chunk *next;
};

/* --- memory ----------------------------------------------------------------------------------- */

static size_t slot_bytes(const struct mr_engine *e)
{
    const size_t n = sizeof(struct mri_open) + mri_slot_room(e->committee.count);
    return (n + 15) & ~(size_t)15;
}

enum mr_status mri_opens_reserve(struct mr_engine *e)
{
    struct mri_opens *const t = &e->opens;
    const uint32_t want = e->peers_count > 0 ? RESERVE : 2;
    while (t->free_count < want) {
        const size_t each = slot_bytes(e);
        struct mri_open_chunk *const c = e->config.mem.get(e->config.mem.ctx, 16 + CHUNK * each);
        if (c == NULL)
            return MR_NO_MEMORY;
        c->next = t->chunks;
        t->chunks = c;
        for (size_t i = 0; i < CHUNK; i++) {
            struct mri_open *const o = (struct mri_open *)((uint8_t *)c + 16 + i * each);
            o->hash_next = t->free;
            t->free = o;
        }
        t->free_count += CHUNK;
    }
    return MR_OK;
}

enum mr_status mri_opens_init(struct mr_engine *e)
{
    const struct mr_mem *const m = &e->config.mem;
    struct mri_opens *const t = &e->opens;
    t->buckets = m->get(m->ctx, BUCKETS * sizeof *t->buckets);
    t->askers = m->get(m->ctx, MRI_ASKERS_MAX * sizeof *t->askers);
    if (t->buckets == NULL || t->askers == NULL)
        return MR_NO_MEMORY;
    memset(t->buckets, 0, BUCKETS * sizeof *t->buckets);
    t->due_last = &t->due_first;
    for (uint32_t i = 0; i < MRI_ASKERS_MAX; i++)
        t->askers[i].next = i + 1 < MRI_ASKERS_MAX ? i + 2 : 0;
    t->askers_free = 1;
    return mri_opens_reserve(e);
}

void mri_opens_done(struct mr_engine *e)
{
    const struct mr_mem *const m = &e->config.mem;
    while (e->opens.chunks != NULL) {
        struct mri_open_chunk *const next = e->opens.chunks->next;
        m->put(m->ctx, e->opens.chunks);
        e->opens.chunks = next;
    }
    m->put(m->ctx, e->opens.buckets);
    m->put(m->ctx, e->opens.askers);
}

/* --- the table -------------------------------------------------------------------------------- */

static struct mri_open **bucket(struct mr_engine *e, const uint8_t account[16], uint64_t seq)
{
    /* Behind what an association's ids have in common they are random, or hashes. */
    uint64_t h;
    memcpy(&h, account + MR_ACCOUNT_BYTES - sizeof h, sizeof h);
    h = (h ^ seq) * 0x9e3779b97f4a7c15u;
    return &e->opens.buckets[h >> 50];
}

struct mri_open *mri_open_find(struct mr_engine *e, const uint8_t account[16], uint64_t seq)
{
    struct mri_open *o = *bucket(e, account, seq);
    while (o != NULL && (o->s.seq != seq || memcmp(o->s.account, account, 16) != 0))
        o = o->hash_next;
    return o;
}

struct mri_open *mri_open_get(struct mr_engine *e, const uint8_t account[16], uint64_t seq,
                              uint32_t by)
{
    struct mri_opens *const t = &e->opens;
    struct mri_open *o = mri_open_find(e, account, seq);
    /* What peers say is bounded where they are asked: nothing said may be lost. */
    if (o != NULL || (by == 0 && t->count >= MRI_OPEN_MAX))
        return o;
    mr_assert(t->free != NULL);
    o = t->free;
    t->free = o->hash_next;
    t->free_count--;
    struct mri_open **const at = bucket(e, account, seq);
    *o = (struct mri_open){.hash_next = *at, .older = t->newest, .opened_by = by};
    mri_slot_init(&o->s, o + 1, e->committee.count, e->committee.quorum, account, seq, e->now_ms);
    *at = o;
    *(t->newest != NULL ? &t->newest->newer : &t->oldest) = o;
    t->newest = o;
    t->count++;
    struct mri_peer *const p = mri_peer_of(e, by);
    if (p != NULL)
        p->opened++;
    return o;
}

void mri_open_handed_in(struct mr_engine *e, struct mri_open *o)
{
    struct mri_peer *const p = mri_peer_of(e, o->opened_by);
    if (p != NULL)
        p->opened--;
    o->opened_by = 0;
}

static void leave_due(struct mri_opens *t, struct mri_open *o)
{
    struct mri_open **at = &t->due_first;
    while (*at != o)
        at = &(*at)->due_next;
    *at = o->due_next;
    if (*at == NULL)
        t->due_last = at;
    o->due = false;
}

void mri_open_cause(struct mr_engine *e, struct mri_open *o, enum mr_status cause, int64_t missing)
{
    e->opens.parked += cause != MR_OK;
    e->opens.parked -= o->cause != MR_OK;
    o->cause = cause;
    o->missing = missing;
}

void mri_open_want(struct mr_engine *e, struct mri_open *o, bool wanted)
{
    e->opens.wanted += wanted;
    e->opens.wanted -= o->wanted;
    o->wanted = wanted;
}

static size_t open_key(uint8_t ret[KEY_BYTES], const struct mri_open *o)
{
    memcpy(ret, o->s.account, 16);
    mri_key_u64(ret + 16, o->s.seq);
    return KEY_BYTES;
}

/* All that waited for the slot is told how it stands. */
static void answer_askers(struct mr_engine *e, struct mri_open *o, bool late)
{
    struct mri_opens *const t = &e->opens;
    uint32_t *at = &o->askers;
    uint64_t number = 0;
    const bool known = mri_account_number(&e->ledger, &number, o->s.account) == MR_OK;
    while (*at != 0) {
        const uint32_t i = *at - 1;
        struct mri_asker *const a = &t->askers[i];
        if ((late && e->now_ms < a->until_ms) || e->current->answers_count >= MRI_ANSWERS_MAX) {
            at = &a->next;
            continue;
        }
        struct mr_state_slot slot;
        if (known && mri_slot_get(&e->ledger, &slot, number, o->s.seq) == MR_OK) {
            mri_answer_asker(e, a, number, o->s.seq);
        } else {
            struct mr_reply *const r = mri_reply(e, a->kind);
            const enum mr_status st = mri_open_stage(e, o, &r->body.u.slot);
            mri_answer_to(e, a->token, a->id, mri_is_trouble(st) ? MR_BUSY : st);
        }
        *at = a->next;
        a->next = t->askers_free;
        t->askers_free = i + 1;
        t->askers_count--;
        o->askers_count--;
    }
}

void mri_open_close(struct mr_engine *e, struct mri_open *o)
{
    struct mri_opens *const t = &e->opens;
    uint8_t key[KEY_BYTES];
    answer_askers(e, o, false);
    mr_assert(o->askers == 0);
    mri_open_cause(e, o, MR_OK, 0);
    mri_open_want(e, o, false);
    if (o->due)
        leave_due(t, o);
    if (o->stored)
        mri_view_put(&e->view, MR_TABLE_OPEN, key, open_key(key, o), NULL, 0);
    struct mri_open **at = bucket(e, o->s.account, o->s.seq);
    while (*at != o)
        at = &(*at)->hash_next;
    *at = o->hash_next;
    *(o->older != NULL ? &o->older->newer : &t->oldest) = o->newer;
    *(o->newer != NULL ? &o->newer->older : &t->newest) = o->older;
    struct mri_peer *const p = mri_peer_of(e, o->opened_by);
    if (p != NULL)
        p->opened--;
    t->count--;
    o->hash_next = t->free;
    t->free = o;
    t->free_count++;
}

void mri_open_due(struct mr_engine *e, struct mri_open *o)
{
    o->changed = true;
    if (o->due)
        return;
    o->due = true;
    o->due_next = NULL;
    *e->opens.due_last = o;
    e->opens.due_last = &o->due_next;
}

void mri_touch(struct mr_engine *e, uint64_t number, const uint8_t account[16], uint64_t next_seq)
{
    mri_bloom_add(e->touched, number);
    e->news = e->news || mri_bloom_has(e->awaited, number);
    struct mri_open *const o = next_seq > 0 ? mri_open_find(e, account, next_seq) : NULL;
    if (o != NULL)
        mri_open_due(e, o);
}

/* --- who waits for it ------------------------------------------------------------------------- */

bool mri_open_ask(struct mr_engine *e, struct mri_open *o, const struct mr_event *ev)
{
    struct mri_opens *const t = &e->opens;
    if (t->askers_free == 0 || o->askers_count == MRI_ASKERS_A_SLOT || e->draining)
        return false;
    const uint32_t i = t->askers_free - 1;
    struct mri_asker *const a = &t->askers[i];
    t->askers_free = a->next;
    *a = (struct mri_asker){.token = ev->u.request.token,
                            .id = ev->u.request.request->id,
                            .kind = ev->u.request.request->body.kind,
                            .until_ms = e->now_ms + HOLD_MS,
                            .next = o->askers};
    o->askers = i + 1;
    o->askers_count++;
    t->askers_count++;
    return true;
}

/* Votes of so many nodes say nothing about what is missing: all of them may be lies. */
static uint32_t may_lie(const struct mr_engine *e)
{
    const struct mr_committee *const c = &e->committee;
    return 2 * c->quorum - c->count - 1;
}

enum mr_status mri_open_stage(struct mr_engine *e, const struct mri_open *o,
                              struct mr_rep_slot *ret)
{
    const struct mri_slot *const s = &o->s;
    const struct mri_candidate *c = s->orders_count > 0 ? &s->orders[0] : NULL;
    for (uint32_t i = 0; i < s->orders_count; i++)
        if (s->voted && memcmp(s->orders[i].at.order, s->vote, 32) == 0)
            c = &s->orders[i];
    ret->conflict = s->orders_count > 1;
    ret->quorum = e->committee.quorum;
    if (c == NULL) {
        ret->quorum = 0;
        return s->triggered ? MR_VOTING : MR_UNSETTLED;
    }
    const enum mr_status st = mri_read_body(e, &e->body, c->at.body_at, c->at.body_len);
    if (st != MR_OK)
        return st;
    ret->order[0] = e->body.u.order;
    ret->order_count = 1;
    for (uint32_t i = 0; i < s->certified_count; i++)
        if (memcmp(s->certified[i].value, c->at.order, 32) == 0) {
            ret->votes = mri_slot_acks_for(s, s->certified[i].ballot, c->at.order);
            return MR_CERTIFIED;
        }
    ret->votes = mri_slot_votes_for(s, 0, c->at.order);
    if (o->cause != MR_OK && !s->voted && ret->votes <= may_lie(e)) {
        ret->votes = 0;
        ret->cause = (uint32_t)o->cause;
        ret->missing = o->missing;
        ret->quorum = 0;
        return MR_PARKED;
    }
    return MR_VOTING;
}

void mri_work_tick(struct mr_engine *e)
{
    for (struct mri_open *o = e->opens.oldest; o != NULL; o = o->newer) {
        if (o->look_ms != 0 && e->now_ms >= o->look_ms) {
            const bool changed = o->changed;
            mri_open_due(e, o);
            o->changed = changed;
        }
        if (o->askers != 0)
            answer_askers(e, o, !e->draining);
    }
}

/* What outlives an epoch: orders, a cancel, and who waits. */
static void move_over(struct mr_engine *e, struct mri_open *from, struct mri_asker *askers)
{
    struct mri_open *const o = mri_open_get(e, from->s.account, from->s.seq, e->config.node);
    struct mri_opens *const t = &e->opens;
    o->s.since_ms = from->s.since_ms;
    o->s.orders_count = from->s.orders_count;
    memcpy(o->s.orders, from->s.orders, sizeof o->s.orders);
    if (from->s.triggered && from->s.trigger.kind == MR_TRIGGER_CANCEL) {
        o->s.triggered = true;
        o->s.trigger = from->s.trigger;
    }
    o->stored = from->stored;
    o->opened_by = from->opened_by == 0 ? 0 : e->config.node;
    for (uint32_t at = from->askers; at != 0; at = askers[at - 1].next) {
        const uint32_t i = t->askers_free - 1;
        struct mri_asker *const a = &t->askers[i];
        t->askers_free = a->next;
        *a = askers[at - 1];
        a->next = o->askers;
        o->askers = i + 1;
        o->askers_count++;
        t->askers_count++;
    }
    mri_open_due(e, o);
}

enum mr_status mri_opens_renew(struct mr_engine *e)
{
    const struct mr_mem *const m = &e->config.mem;
    struct mri_opens old = e->opens;
    uint8_t key[KEY_BYTES];
    enum mr_status st = MR_OK;
    e->opens = (struct mri_opens){0};
    st = mri_opens_init(e);
    for (struct mri_open *o = old.oldest; st == MR_OK && o != NULL; o = o->newer) {
        st = mri_opens_reserve(e);
        if (st == MR_OK)
            st = mri_view_reserve(&e->view);
        if (st != MR_OK)
            break;
        if (o->s.orders_count > 0 || o->askers != 0)
            move_over(e, o, old.askers);
        else if (o->stored)
            mri_view_put(&e->view, MR_TABLE_OPEN, key, open_key(key, o), NULL, 0);
    }
    while (old.chunks != NULL) {
        struct mri_open_chunk *const next = old.chunks->next;
        m->put(m->ctx, old.chunks);
        old.chunks = next;
    }
    m->put(m->ctx, old.buckets);
    m->put(m->ctx, old.askers);
    return st;
}

/* --- the store -------------------------------------------------------------------------------- */

enum mr_status mri_opens_store(struct mr_engine *e)
{
    uint8_t bytes[MR_STORE_VALUE_MAX], key[KEY_BYTES];
    for (struct mri_open *o = e->opens.oldest; o != NULL; o = o->newer) {
        if (!o->changed)
            continue;
        const enum mr_status st = mri_view_reserve(&e->view);
        if (st != MR_OK)
            return st;
        mri_slot_save(&e->open, &o->s);
        mri_view_put(&e->view, MR_TABLE_OPEN, key, open_key(key, o), bytes,
                     mr_state_open_encode(&e->open, bytes, sizeof bytes));
        o->stored = true;
        o->changed = false;
    }
    return MR_OK;
}

struct loading {
    struct mr_engine *e;
    enum mr_status st;
};

static bool fits(const struct mr_engine *e, const struct mr_state_open *s)
{
    const uint32_t n = e->committee.count;
    return s->votes_count <= n * MRI_VOTES_A_NODE && s->acks_count <= n * MRI_ACKS_A_NODE &&
           s->reports_count <= n;
}

static bool each_open(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                      size_t value_len)
{
    struct loading *const l = ctx;
    struct mr_engine *const e = l->e;
    l->st = mri_opens_reserve(e);
    if (l->st != MR_OK)
        return false;
    if (key_len != KEY_BYTES || mr_state_open_decode(&e->open, value, value_len) != MR_OK ||
        memcmp(e->open.account, key, 16) != 0 || !fits(e, &e->open)) {
        l->st = MR_DAMAGED;
        return false;
    }
    struct mri_open *const o = mri_open_get(e, e->open.account, e->open.seq, e->config.node);
    mri_slot_restore(&o->s, &e->open);
    mri_open_due(e, o);
    o->stored = true;
    o->changed = false;
    return true;
}

/* Before replay: what the store holds is as of its last commit. */
enum mr_status mri_opens_load(struct mr_engine *e)
{
    struct mr_store *const s = e->config.store;
    struct loading l = {e, MR_OK};
    const enum mr_status st = s->api->walk(s, MR_TABLE_OPEN, NULL, 0, each_open, &l);
    return st == MR_OK ? l.st : st;
}
