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

/* One of its logs. */
struct log_seen {
    struct leaf_seen *leaves;
    uint64_t count, cap;
    uint8_t edge[64][32]; /* complete subtrees on the right edge, by height */
    uint64_t sealed;      /* leaves up to SEAL; 0: none was said */
    bool finished;        /* FINAL was said */
};

struct watch {
    uint64_t log_at, turn;
    uint8_t check[32];
    uint32_t epoch;
    uint64_t epoch_turn;                  /* in which it began */
    struct log_seen logs[EPOCHS_MAX + 1]; /* by epoch */
    struct reached reached[OWNERS_MAX];
    struct {
        struct stance *at; /* by seq - 1 */
        uint64_t count;
    } stances[OWNERS_MAX];
    uint64_t heard[NODES_MAX + 1]; /* leaves of the others' logs, by node */
    /* what left the node */
    uint64_t head_size, head_ms;
    uint32_t head_epoch, head_run; /* head_run: in which run of the node */
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
    w->log_at = w->turn = w->epoch_turn = 0;
    w->epoch = 1;
    for (int i = 0; i <= EPOCHS_MAX; i++) {
        w->logs[i].count = w->logs[i].sealed = 0;
        w->logs[i].finished = false;
    }
    memset(w->check, 0, sizeof w->check);
    memset(w->heard, 0, sizeof w->heard);
    for (uint32_t i = 0; i < OWNERS_MAX; i++) {
        w->reached[i] = (struct reached){.next_seq = 1};
        w->stances[i].count = 0;
    }
}

void watch_forgive(struct watch *w)
{
    w->head_size = w->head_epoch = 0;
}

void watch_free(struct watch *w)
{
    for (uint32_t i = 0; i < OWNERS_MAX; i++)
        free(w->stances[i].at);
    for (int i = 0; i <= EPOCHS_MAX; i++)
        free(w->logs[i].leaves);
    free(w);
}

/* What is only true of one epoch. */
static void begin_epoch(struct watch *w, uint32_t epoch)
{
    mr_assert(epoch <= EPOCHS_MAX);
    w->epoch = epoch;
    memset(w->heard, 0, sizeof w->heard);
    for (uint32_t i = 0; i < OWNERS_MAX; i++)
        for (uint64_t k = 0; k < w->stances[i].count; k++)
            w->stances[i].at[k] = (struct stance){.cert_ballot = MR_BALLOT_NONE};
}

void watch_join(struct watch *w, const struct era *began)
{
    w->log_at = w->turn = w->epoch_turn = 0;
    memset(w->check, 0, sizeof w->check);
    begin_epoch(w, began->epoch);
    for (uint32_t i = 0; i < OWNERS_MAX; i++) {
        w->reached[i].next_seq = began->next_seq[i];
        memcpy(w->reached[i].prev, began->prev[i], 32);
    }
}

uint32_t watch_epoch(const struct watch *w)
{
    return w->epoch;
}

uint64_t watch_turn(const struct watch *w)
{
    return w->epoch_turn;
}

uint64_t watch_leaves(const struct watch *w)
{
    return w->logs[w->epoch].count;
}

uint64_t watch_sealed(const struct watch *w, uint32_t epoch)
{
    return w->logs[epoch].sealed;
}

const uint8_t *watch_root(const struct watch *w, uint32_t epoch, uint64_t size)
{
    const struct log_seen *l = &w->logs[epoch];
    return size == 0 || size > l->count ? NULL : l->leaves[size - 1].root;
}

uint64_t watch_heard(const struct watch *w, uint32_t node)
{
    return w->heard[node];
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

static void grow(struct log_seen *w, const uint8_t hash[32])
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
    if (!c->honest || h->size == 0 || c->amnesic)
        return;
    if (h->epoch <= EPOCHS_MAX && s->forgot[c->number] >> h->epoch != 0)
        return; /* what it forgot comes back to it: SLOT-14, EPO-5 */
    if (h->epoch == 0 || h->epoch > EPOCHS_MAX || h->size > c->watch->logs[h->epoch].count)
        violated(s, "S12",
                 "node %u shows a head of %llu leaves of epoch %u and has not synced them",
                 c->number, (unsigned long long)h->size, h->epoch);
    const struct log_seen *l = &c->watch->logs[h->epoch];
    if (memcmp(l->leaves[h->size - 1].root, h->root, 32) != 0)
        violated(s, "S13", "node %u: the head of size %llu is not that of its log, which has %llu",
                 c->number, (unsigned long long)h->size, (unsigned long long)l->count);
}

/* --- entries ---------------------------------------------------------------------------------- */

/* A leaf of another node's log, as this node took it up. */
static void heard(struct sim *s, struct copy *c, uint32_t node, uint64_t index,
                  const struct mr_leaf *leaf)
{
    uint8_t bytes[1024], hash[32];
    const size_t n = mr_leaf_encode(leaf, bytes, sizeof bytes);
    mr_leaf_hash(hash, bytes, n);
    if (is_faulty(s, node, c->watch->epoch)) {
        truth_say(s, node, c->watch->epoch, index, leaf);
        return;
    }
    for (uint32_t i = 0; i < s->copies_count; i++) {
        const struct log_seen *l = &s->copies[i].watch->logs[c->watch->epoch];
        if (s->copies[i].number != node)
            continue;
        if (index >= l->count || memcmp(l->leaves[index].hash, hash, 32) != 0)
            violated(s, "S12", "node %u heard leaf %llu of node %u, which that never synced",
                     c->number, (unsigned long long)index, node);
    }
}

static void take_peer(struct sim *s, struct copy *c, const struct mr_entry_peer *p)
{
    const struct era *e = &s->eras[c->watch->epoch];
    if (c->honest && (!era_has(e, p->node) || p->head.epoch != e->epoch ||
                      p->head.generation != e->generations[p->node] ||
                      !mr_head_verify(&p->head, s->ledger, &e->keys[p->node])))
        violated(s, "S18", "node %u follows in epoch %u what is no log of its nodes", c->number,
                 e->epoch);
    tell(s, "node %u, turn %llu: takes leaves %llu to %llu of node %u", c->number,
         (unsigned long long)c->watch->turn + 1, (unsigned long long)p->first,
         (unsigned long long)p->first + p->leaves_count, p->node);
    c->watch->heard[p->node] = p->first + p->leaves_count;
    for (uint32_t i = 0; i < p->leaves_count; i++)
        heard(s, c, p->node, p->first + i, &p->leaves[i]);
}

static void take_evidence(struct sim *s, const struct copy *c, const struct mr_evidence *e)
{
    const struct mr_head *h =
        e->body.kind == MR_EVIDENCE_FORK ? &e->body.u.fork.older : &e->body.u.leaves.first.head;
    const uint32_t node = h->node;
    tell(s, "node %u holds evidence against node %u", c->number, node);
    if (!is_faulty(s, node, h->epoch))
        violated(s, "S14", "node %u convicts node %u, which is honest", c->number, node);
    if (c->honest) {
        s->convicted |= UINT32_C(1) << node;
        s->counts.evidence++;
    }
}

/* An own leaf. */
static void take_leaf(struct sim *s, struct copy *c, const struct mr_leaf *leaf,
                      const uint8_t hash[32])
{
    struct log_seen *l = &c->watch->logs[c->watch->epoch];
    truth_leaf(s, c, leaf, l->count);
    if (c->honest && !c->amnesic && l->finished)
        violated(s, "S17", "node %u speaks behind its FINAL of epoch %u", c->number,
                 c->watch->epoch);
    grow(l, hash);
    if (leaf->kind == MR_LEAF_SEAL) {
        l->sealed = l->count;
        tell(s, "node %u: SEAL of epoch %u behind %llu leaves", c->number, c->watch->epoch,
             (unsigned long long)l->count);
    }
    if (leaf->kind != MR_LEAF_FINAL)
        return;
    l->finished = true;
    if (c->honest)
        epoch_final(s, c, &leaf->u.final);
}

static void take_epoch(struct sim *s, struct copy *c, const struct mr_handover *h)
{
    epoch_entered(s, c, h);
    begin_epoch(c->watch, c->watch->epoch + 1);
    c->watch->epoch_turn = c->watch->turn + 1;
}

static void take_entry(struct sim *s, struct copy *c, const struct mr_entry *e,
                       const uint8_t *bytes, size_t len)
{
    static struct mr_handover handover;
    uint8_t hash[32];
    switch (e->kind) {
    case MR_ENTRY_LEAF:
        mr_leaf_hash(hash, bytes + 4, len - 4);
        take_leaf(s, c, &e->u.leaf, hash);
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
        c->restored = c->restored && !c->up; /* it stands in its journal now */
        break;
    case MR_ENTRY_HEAD:
        check_head(s, c, &e->u.head);
        break;
    case MR_ENTRY_OPENED:
    case MR_ENTRY_PARKED:
    case MR_ENTRY_CLOSED:
    case MR_ENTRY_TRIGGER:
    case MR_ENTRY_SHOWN:
        break;
    case MR_ENTRY_REGROUP:
        handover.kind = MR_HANDOVER_REGROUP;
        handover.u.regroup = e->u.regroup;
        take_epoch(s, c, &handover);
        break;
    case MR_ENTRY_RESTART:
        handover.kind = MR_HANDOVER_RESTART;
        handover.u.restart = e->u.restart;
        take_epoch(s, c, &handover);
        break;
    case MR_ENTRY_EPOCH:
        handover.kind = MR_HANDOVER_NEXT;
        handover.u.next = e->u.epoch;
        take_epoch(s, c, &handover);
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
    if (h->epoch < w->head_epoch || (h->epoch == w->head_epoch && h->size < w->head_size))
        return; /* an old one, in a receipt or an answer built before */
    w->head_epoch = h->epoch;
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
        if (h->node != c->number)
            return; /* another node's log, handed on */
        if (w->head_run != c->run)
            w->head_ms = 0;
        w->head_run = c->run;
        /* An answer that waited for its turn may show an older head than one that did not. */
        if (c->honest && h->epoch == w->head_epoch && h->size > w->head_size &&
            h->time_ms < w->head_ms)
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
    const struct log_seen *l = &w->logs[w->epoch];
    mr_engine_facts(c->engine, &f);
    tell(s, "node %u has %llu leaves, and %llu with what it says now; its head is of %llu",
         c->number, (unsigned long long)l->count, (unsigned long long)f.meta.leaves,
         (unsigned long long)f.head.size);
    if (l->count > 0 && f.meta.epoch == w->epoch &&
        (f.meta.leaves < l->count ||
         (f.meta.leaves == l->count && memcmp(f.log_root, l->leaves[l->count - 1].root, 32) != 0)))
        violated(s, "S13", "node %u starts with another log than the one it wrote", c->number);
    if (!c->honest || c->amnesic || w->head_size == 0)
        return;
    const uint8_t *root = watch_root(w, w->head_epoch, w->head_size);
    if (root == NULL || memcmp(root, w->head_root, 32) != 0)
        violated(s, "S12", "node %u starts with %llu leaves and had shown %llu of epoch %u",
                 c->number, (unsigned long long)l->count, (unsigned long long)w->head_size,
                 w->head_epoch);
}
