#include "sim/watch.h"

#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/log.h"
#include "sim/truth.h"
#include "storage/mem.h"

struct leaf_seen {
    uint8_t hash[32], root[32]; /* root: of the tree that ends with it */
};

struct watch {
    uint64_t log_at, turn;
    uint8_t check[32];
    struct leaf_seen *leaves;
    uint64_t count, cap;
    uint8_t edge[64][32]; /* complete subtrees on the right edge, by height */
    struct reached reached[OWNERS_MAX];
    struct {
        struct stance *at; /* by seq - 1 */
        uint64_t count;
    } stances[OWNERS_MAX];
    uint64_t heard[NODES_MAX + 1]; /* leaves of the others' logs, by node */
    /* what left the node */
    uint64_t head_size, head_ms;
    uint32_t head_run; /* in which run of the node */
    uint8_t head_root[32];
};

struct watch *watch_new(void)
{
    struct watch *w = calloc(1, sizeof *w);
    mr_assert(w != NULL);
    watch_reset(w);
    return w;
}

void watch_reset(struct watch *w)
{
    w->log_at = w->turn = w->count = 0;
    memset(w->check, 0, sizeof w->check);
    memset(w->heard, 0, sizeof w->heard);
    for (uint32_t i = 0; i < OWNERS_MAX; i++) {
        w->reached[i] = (struct reached){.next_seq = 1};
        w->stances[i].count = 0;
    }
}

void watch_free(struct watch *w)
{
    for (uint32_t i = 0; i < OWNERS_MAX; i++)
        free(w->stances[i].at);
    free(w->leaves);
    free(w);
}

uint64_t watch_leaves(const struct watch *w)
{
    return w->count;
}

const uint8_t *watch_leaf_hash(const struct watch *w, uint64_t index)
{
    return w->leaves[index].hash;
}

uint64_t watch_heard(const struct watch *w, uint32_t node)
{
    return w->heard[node];
}

uint64_t watch_released(const struct watch *w)
{
    return w->head_size;
}

struct reached *watch_reached(struct watch *w, uint32_t owner)
{
    return &w->reached[owner];
}

struct stance *watch_stance(struct watch *w, uint32_t owner, uint64_t seq)
{
    if (seq > w->stances[owner].count) {
        const uint64_t old = w->stances[owner].count, count = seq + 8;
        struct stance *at = realloc(w->stances[owner].at, count * sizeof *at);
        mr_assert(at != NULL);
        for (uint64_t i = old; i < count; i++)
            at[i] = (struct stance){.cert_ballot = MR_BALLOT_NONE};
        w->stances[owner].at = at;
        w->stances[owner].count = count;
    }
    return &w->stances[owner].at[seq - 1];
}

/* --- the tree --------------------------------------------------------------------------------- */

static void grow(struct watch *w, const uint8_t hash[32])
{
    uint8_t up[32];
    unsigned height = 0;
    if (w->count == w->cap) {
        w->cap = w->cap == 0 ? 256 : 2 * w->cap;
        w->leaves = realloc(w->leaves, w->cap * sizeof *w->leaves);
        mr_assert(w->leaves != NULL);
    }
    struct leaf_seen *l = &w->leaves[w->count];
    memcpy(l->hash, hash, 32);
    memcpy(up, hash, 32);
    for (; (w->count >> height & 1) != 0; height++)
        mr_node_hash(up, w->edge[height], up);
    memcpy(w->edge[height], up, 32);
    w->count++;
    /* The root: all subtrees of the edge, from the smallest up. */
    for (height = 0; (w->count >> height & 1) == 0; height++)
        continue;
    memcpy(l->root, w->edge[height], 32);
    while (w->count >> ++height != 0)
        if ((w->count >> height & 1) != 0)
            mr_node_hash(l->root, w->edge[height], l->root);
}

/* S12, S13: a head of the node's own is over leaves it has synced, and of this log. */
static void check_head(struct sim *s, const struct copy *c, const struct mr_head *h)
{
    const struct watch *w = c->watch;
    if (!c->honest || h->size == 0)
        return;
    if (h->size > w->count)
        violated(s, "S12", "node %u shows a head of %llu leaves and has synced %llu", c->number,
                 (unsigned long long)h->size, (unsigned long long)w->count);
    if (memcmp(w->leaves[h->size - 1].root, h->root, 32) != 0)
        violated(s, "S13", "node %u: the head of size %llu is not that of its log, which has %llu",
                 c->number, (unsigned long long)h->size, (unsigned long long)w->count);
}

/* --- entries ---------------------------------------------------------------------------------- */

/* A leaf of another node's log, as this node took it up. */
static void heard(struct sim *s, struct copy *c, uint32_t node, uint64_t index,
                  const struct mr_leaf *leaf)
{
    uint8_t bytes[1024], hash[32];
    const size_t n = mr_leaf_encode(leaf, bytes, sizeof bytes);
    mr_leaf_hash(hash, bytes, n);
    if (s->liar[node]) {
        truth_say(s, node, leaf);
        return;
    }
    for (uint32_t i = 0; i < s->copies_count; i++) {
        const struct watch *w = s->copies[i].watch;
        if (s->copies[i].number != node)
            continue;
        if (index >= w->count || memcmp(w->leaves[index].hash, hash, 32) != 0)
            violated(s, "S12", "node %u heard leaf %llu of node %u, which that never synced",
                     c->number, (unsigned long long)index, node);
    }
}

static void take_peer(struct sim *s, struct copy *c, const struct mr_entry_peer *p)
{
    c->watch->heard[p->node] = p->first + p->leaves_count;
    for (uint32_t i = 0; i < p->leaves_count; i++)
        heard(s, c, p->node, p->first + i, &p->leaves[i]);
}

static void take_evidence(struct sim *s, const struct copy *c, const struct mr_evidence *e)
{
    const uint32_t node = e->body.kind == MR_EVIDENCE_FORK ? e->body.u.fork.older.node
                                                           : e->body.u.leaves.first.head.node;
    tell(s, "node %u holds evidence against node %u", c->number, node);
    if (!s->liar[node])
        violated(s, "S14", "node %u convicts node %u, which is honest", c->number, node);
    if (c->honest) {
        s->convicted |= UINT32_C(1) << node;
        s->counts.evidence++;
    }
}

static void take_entry(struct sim *s, struct copy *c, const struct mr_entry *e,
                       const uint8_t *bytes, size_t len)
{
    uint8_t hash[32];
    switch (e->kind) {
    case MR_ENTRY_LEAF:
        mr_leaf_hash(hash, bytes + 4, len - 4);
        truth_leaf(s, c, &e->u.leaf);
        grow(c->watch, hash);
        break;
    case MR_ENTRY_SETTLED:
        truth_settled(s, c, &e->u.settled);
        break;
    case MR_ENTRY_PEER:
        take_peer(s, c, &e->u.peer);
        break;
    case MR_ENTRY_EVIDENCE:
        take_evidence(s, c, &e->u.evidence);
        break;
    case MR_ENTRY_ABSTAIN:
        tell(s, "node %u abstains", c->number);
        break;
    case MR_ENTRY_HEAD:
        check_head(s, c, &e->u.head);
        break;
    case MR_ENTRY_OPENED:
    case MR_ENTRY_PARKED:
    case MR_ENTRY_CLOSED:
    case MR_ENTRY_RESTART:
    case MR_ENTRY_REGROUP:
    case MR_ENTRY_TRIGGER:
    case MR_ENTRY_SHOWN:
    case MR_ENTRY_EPOCH:
        break;
    }
}

void watch_read(struct sim *s, struct copy *c)
{
    struct watch *w = c->watch;
    size_t len;
    const uint8_t *log = mr_journal_mem_bytes(c->journal, MR_FAMILY_LOG, &len);
    while (w->log_at < len) {
        struct mr_frame f;
        if (mr_frame_read(&f, log + w->log_at, len - w->log_at, w->check) != MR_OK ||
            f.turn != w->turn + 1)
            violated(s, "S13", "node %u: its journal does not go on behind turn %llu", c->number,
                     (unsigned long long)w->turn);
        const uint8_t *at = log + w->log_at + MR_FRAME_HEAD_BYTES, *end = at + f.len;
        while (at < end) {
            size_t n;
            if (mr_entry_decode_first(&s->entry, &n, at, (size_t)(end - at)) != MR_OK)
                violated(s, "S13", "node %u wrote an entry that cannot be read", c->number);
            take_entry(s, c, &s->entry, at, n);
            at += n;
        }
        w->log_at += mr_frame_size(f.len);
        w->turn = f.turn;
        memcpy(w->check, f.check, 32);
    }
}

/* --- what leaves ------------------------------------------------------------------------------ */

static void head_leaves(struct sim *s, struct copy *c, const struct mr_head *h)
{
    struct watch *w = c->watch;
    if (h->node != c->number || h->size == 0 || !c->honest)
        return;
    check_head(s, c, h);
    if (h->size < w->head_size)
        return; /* an old one, in a receipt or an answer built before */
    w->head_size = h->size;
    memcpy(w->head_root, h->root, 32);
}

static void receipt_leaves(struct sim *s, struct copy *c, const struct mr_receipt *r)
{
    for (uint32_t i = 0; i < r->proofs_count; i++)
        head_leaves(s, c, &r->proofs[i].head);
}

void watch_reply(struct sim *s, struct copy *c, const uint8_t *bytes, size_t len)
{
    const struct mr_reply *r = &s->reply;
    if (mr_reply_decode(&s->reply, bytes, len) != MR_OK)
        violated(s, "S26", "node %u sends a reply that cannot be read", c->number);
    if (r->body.kind == MR_REQ_FOLLOW) {
        const struct mr_head *h = &r->body.u.follow.head;
        struct watch *w = c->watch;
        if (w->head_run != c->run)
            w->head_ms = 0;
        w->head_run = c->run;
        /* An answer that waited for its turn may show an older head than one that did not. */
        if (c->honest && h->size > w->head_size && h->time_ms < w->head_ms)
            violated(s, "S13", "node %u: the time of its heads goes back", c->number);
        if (h->time_ms > w->head_ms)
            w->head_ms = h->time_ms;
        head_leaves(s, c, h);
    }
    if (r->body.kind == MR_REQ_HEAD)
        head_leaves(s, c, &r->body.u.head.head);
    if (r->body.kind == MR_REQ_SUBMIT || r->body.kind == MR_REQ_CANCEL ||
        r->body.kind == MR_REQ_SLOT)
        for (uint32_t i = 0; i < r->body.u.slot.receipt_count; i++)
            receipt_leaves(s, c, &r->body.u.slot.receipt[i]);
}

void watch_started(struct sim *s, struct copy *c)
{
    const struct watch *w = c->watch;
    struct mr_engine_facts f;
    watch_read(s, c);
    mr_engine_facts(c->engine, &f);
    tell(s, "node %u has %llu leaves, and %llu with what it says now; its head is of %llu",
         c->number, (unsigned long long)w->count, (unsigned long long)f.meta.leaves,
         (unsigned long long)f.head.size);
    if (w->count > 0 &&
        (f.meta.leaves < w->count ||
         (f.meta.leaves == w->count && memcmp(f.log_root, w->leaves[w->count - 1].root, 32) != 0)))
        violated(s, "S13", "node %u starts with another log than the one it wrote", c->number);
    if (!c->honest || c->amnesic || w->head_size == 0)
        return;
    if (w->count < w->head_size || memcmp(w->leaves[w->head_size - 1].root, w->head_root, 32) != 0)
        violated(s, "S12", "node %u starts with %llu leaves and had shown %llu", c->number,
                 (unsigned long long)w->count, (unsigned long long)w->head_size);
}
