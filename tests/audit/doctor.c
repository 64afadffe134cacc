#include "audit/doctor.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/codec.h"
#include "mereau/journal.h"
#include "mereau/log.h"

static void *new (size_t n)
{
    void *const p = calloc(1, n);
    ck_assert_ptr_nonnull(p);
    return p;
}

/* --- taking apart ----------------------------------------------------------------------------- */

static bool is_seen(const struct mr_leaf *l)
{
    return l->kind == MR_LEAF_SEEN;
}

void doctor_hush(struct doc_row *peer, const struct mr_leaf *leaf)
{
    struct mr_entry_peer *const p = &peer->e.u.peer;
    const uint32_t at = (uint32_t)(leaf - p->leaves);
    memmove(&p->leaves[at], &p->leaves[at + 1], (p->leaves_count - at - 1) * sizeof p->leaves[0]);
    memmove(&peer->olds[at], &peer->olds[at + 1],
            (p->leaves_count - at - 1) * sizeof peer->olds[0]);
    p->leaves_count--;
}

void doctor_let_say(struct doc_row *peer, const struct mr_leaf *leaf)
{
    struct mr_entry_peer *const p = &peer->e.u.peer;
    ck_assert_uint_lt(p->leaves_count, MR_LEAVES_MAX);
    peer->olds[p->leaves_count] = DOCTOR_NEW;
    p->leaves[p->leaves_count++] = *leaf;
}

static void load_row(struct doc_row *r, uint32_t *own)
{
    if (r->e.kind == MR_ENTRY_LEAF) {
        r->old = (*own)++;
        r->dropped = is_seen(&r->e.u.leaf);
    } else if (r->e.kind == MR_ENTRY_HEAD) {
        r->old_size = r->e.u.head.size;
    } else if (r->e.kind == MR_ENTRY_PEER) {
        struct mr_entry_peer *const p = &r->e.u.peer;
        r->old_size = p->head.size;
        for (uint32_t i = 0; i < p->leaves_count; i++)
            r->olds[i] = (uint32_t)p->first + i;
        for (uint32_t i = p->leaves_count; i-- > 0;)
            if (is_seen(&p->leaves[i]))
                doctor_hush(r, &p->leaves[i]);
    }
}

void doctor_load(struct doctor *d, struct ring *r, uint32_t node, const struct book *b)
{
    uint32_t own = 0;
    memset(d, 0, sizeof *d);
    d->r = r;
    d->node = node;
    d->count = b->count;
    d->turns = new (b->count * sizeof *d->turns);
    for (uint32_t i = 0; i < r->count; i++)
        d->logs[i] = new (sizeof *d->logs[i]);
    for (uint32_t i = 0; i < b->count; i++) {
        struct doc_turn *const t = &d->turns[i];
        struct doc_row **end = &t->rows;
        struct mr_frame f;
        ck_assert_int_eq(mr_frame_read(&f, b->turns[i].log, b->turns[i].log_len, NULL), MR_OK);
        memcpy(t->bodies_check, f.bodies_check, 32);
        t->end = f.end;
        t->bodies = b->turns[i].bodies;
        t->bodies_len = b->turns[i].bodies_len;
        for (size_t at = 0, n; at < f.len; at += n) {
            struct doc_row *const row = *end = new (sizeof *row);
            end = &row->next;
            ck_assert_int_eq(mr_entry_decode_first(&row->e, &n,
                                                   b->turns[i].log + MR_FRAME_HEAD_BYTES + at,
                                                   f.len - at),
                             MR_OK);
            load_row(row, &own);
        }
    }
}

void doctor_done(struct doctor *d)
{
    for (uint32_t i = 0; i < d->count; i++) {
        for (struct doc_row *r = d->turns[i].rows, *next; r != NULL; r = next) {
            next = r->next;
            free(r);
        }
    }
    for (uint32_t i = 0; i < d->r->count; i++)
        free(d->logs[i]);
    free(d->turns);
}

/* --- finding ---------------------------------------------------------------------------------- */

struct doc_row *doctor_last(struct doctor *d, enum mr_entry_kind kind, uint32_t nth,
                            struct doc_turn **ret_turn)
{
    for (uint32_t i = d->count; i-- > 0;) {
        struct doc_row *found[64];
        uint32_t n = 0;
        for (struct doc_row *r = d->turns[i].rows; r != NULL; r = r->next)
            if (r->e.kind == kind && !r->dropped && n < 64)
                found[n++] = r;
        if (nth < n) {
            if (ret_turn != NULL)
                *ret_turn = &d->turns[i];
            return found[n - 1 - nth];
        }
        nth -= n;
    }
    ck_abort_msg("no such entry");
}

struct doc_row *doctor_insert(struct doc_turn *turn, struct doc_row *before)
{
    struct doc_row **at = &turn->rows;
    while (*at != before)
        at = &(*at)->next;
    struct doc_row *const r = new (sizeof *r);
    r->old = DOCTOR_NEW;
    r->next = before;
    *at = r;
    return r;
}

struct doc_row *doctor_append(struct doctor *d)
{
    return doctor_insert(&d->turns[d->count - 1], NULL);
}

static bool about(const struct doc_slot *s, const uint8_t account[16], uint64_t seq)
{
    return seq == s->seq && memcmp(account, s->account, 16) == 0;
}

static bool is_about(const struct doc_slot *s, const struct mr_leaf *l)
{
    return (l->kind == MR_LEAF_VOTE || l->kind == MR_LEAF_ACK || l->kind == MR_LEAF_UNLOCK) &&
           about(s, l->u.vote.account, l->u.vote.seq); /* all three begin alike */
}

static void note(struct doc_slot *s, struct doc_turn *t, struct doc_row *r)
{
    const struct mr_entry *const e = &r->e;
    if (e->kind == MR_ENTRY_LEAF && is_about(s, &e->u.leaf)) {
        const bool vote = e->u.leaf.kind == MR_LEAF_VOTE, ack = e->u.leaf.kind == MR_LEAF_ACK;
        struct doc_row **const at = vote ? &s->vote : ack ? &s->ack : &s->unlock;
        if (*at != NULL)
            return;
        *at = r;
        if (vote)
            s->vote_turn = t;
        else if (ack)
            s->ack_turn = t;
    } else if (e->kind == MR_ENTRY_TRIGGER && about(s, e->u.trigger.account, e->u.trigger.seq)) {
        s->trigger = r;
    } else if (e->kind == MR_ENTRY_PARKED && s->parked == NULL &&
               about(s, e->u.parked.account, e->u.parked.seq)) {
        s->parked = r;
        s->parked_turn = t;
    }
}

struct doc_slot doctor_slot(struct doctor *d, bool voided, uint32_t nth)
{
    struct doc_slot s = {.seq = 0};
    for (uint32_t i = 0;; i++) {
        s.settled = doctor_last(d, MR_ENTRY_SETTLED, i, &s.settled_turn);
        if (s.settled->e.u.settled.voided == voided && nth-- == 0)
            break;
    }
    s.seq = s.settled->e.u.settled.seq;
    memcpy(s.account, s.settled->e.u.settled.account, 16);
    for (uint32_t i = 0; i < d->count; i++)
        for (struct doc_row *r = d->turns[i].rows; r != NULL; r = r->next)
            note(&s, &d->turns[i], r);
    return s;
}

struct mr_leaf *doctor_said(struct doctor *d, const struct doc_slot *s, uint32_t node,
                            enum mr_leaf_kind kind, struct doc_row **ret_row)
{
    for (uint32_t i = 0; i < d->count; i++)
        for (struct doc_row *r = d->turns[i].rows; r != NULL; r = r->next) {
            struct mr_entry_peer *const p = &r->e.u.peer;
            if (r->e.kind != MR_ENTRY_PEER || (node != 0 && p->node != node))
                continue;
            for (uint32_t k = 0; k < p->leaves_count; k++)
                if (p->leaves[k].kind == kind && is_about(s, &p->leaves[k])) {
                    *ret_row = r;
                    return &p->leaves[k];
                }
        }
    return NULL;
}

/* --- deriving --------------------------------------------------------------------------------- */

/* Where a leaf of the honest log stands now, and how many stand where so many stood. */
static uint32_t places[RING_NODES_MAX][HANDLOG_LEAVES_MAX + 1];
static uint32_t sizes[RING_NODES_MAX][HANDLOG_LEAVES_MAX + 1];

struct numbering {
    uint32_t count, known; /* leaves now; leaves of the honest log that were gone by */
};

/* Up to the leaf `old`, which is the next one of the log. */
static void map_up_to(struct numbering *n, uint32_t node, uint32_t old)
{
    for (; n->known < old; n->known++) {
        places[node][n->known] = n->count;
        sizes[node][n->known + 1] = sizes[node][n->known];
    }
}

static void map_leaf(struct numbering *n, uint32_t node, uint32_t old)
{
    if (old != DOCTOR_NEW) {
        map_up_to(n, node, old);
        places[node][old] = n->count;
        sizes[node][old + 1] = n->count + 1;
        n->known = old + 1;
    }
    n->count++;
}

/* Number all leaves anew, before anything refers to them. */
static void map_all(struct doctor *d)
{
    struct numbering n[RING_NODES_MAX] = {0};
    for (uint32_t i = 0; i < d->count; i++)
        for (const struct doc_row *r = d->turns[i].rows; r != NULL; r = r->next) {
            const struct mr_entry_peer *const p = &r->e.u.peer;
            const uint32_t own = d->node - 1;
            if (r->dropped)
                continue;
            for (uint32_t c = 0; r->e.kind == MR_ENTRY_LEAF && c <= r->copies; c++)
                map_leaf(&n[own], own, c == 0 ? r->old : DOCTOR_NEW);
            for (uint32_t k = 0; r->e.kind == MR_ENTRY_PEER && k < p->leaves_count; k++)
                map_leaf(&n[p->node - 1], p->node - 1, r->olds[k]);
        }
    for (uint32_t k = 0; k < d->r->count; k++)
        map_up_to(&n[k], k, HANDLOG_LEAVES_MAX);
}

/* The other logs, whole, so that heads can be ahead of the leaves that are known. */
static void fill_logs(struct doctor *d)
{
    for (uint32_t n = 0; n < d->r->count; n++)
        handlog_init(d->logs[n], d->r->w.ledger, n + 1, &d->r->nodes[n].log_key);
    for (uint32_t i = 0; i < d->count; i++)
        for (const struct doc_row *r = d->turns[i].rows; r != NULL; r = r->next) {
            const struct mr_entry_peer *const p = &r->e.u.peer;
            for (uint32_t k = 0; r->e.kind == MR_ENTRY_PEER && !r->dropped && k < p->leaves_count;
                 k++)
                handlog_add(d->logs[p->node - 1], &p->leaves[k]);
        }
}

/* SLOT-6 over all votes that stand in front of the row. */
static void derive_ack(struct doctor *d, const struct doc_row *until, struct mr_leaf_ack *k)
{
    const struct doc_slot s = {.seq = k->seq};
    uint64_t votes[RING_NODES_MAX];
    uint8_t text[RING_NODES_MAX * 12] = {0};
    uint32_t own = 0, n = 0, counts[RING_NODES_MAX] = {0};
    bool voted[RING_NODES_MAX] = {false};
    struct doc_slot at = s;
    memcpy(at.account, k->account, 16);
    for (uint32_t i = 0; i < d->count; i++)
        for (const struct doc_row *r = d->turns[i].rows; r != NULL; r = r->next) {
            if (r == until)
                goto found;
            const bool leaf = r->e.kind == MR_ENTRY_LEAF, peer = r->e.kind == MR_ENTRY_PEER;
            const uint32_t count = r->dropped ? 0 : leaf ? 1 : peer ? r->e.u.peer.leaves_count : 0;
            const struct mr_leaf *const l = leaf ? &r->e.u.leaf : r->e.u.peer.leaves;
            const uint32_t by = (leaf ? d->node : peer ? r->e.u.peer.node : 1) - 1;
            for (uint32_t j = 0; j < count; j++) {
                const struct mr_leaf_vote *const v = &l[j].u.vote;
                if (l[j].kind == MR_LEAF_VOTE && is_about(&at, &l[j]) && v->ballot == k->ballot &&
                    memcmp(v->value, k->value, 32) == 0 && !voted[by]) {
                    voted[by] = true;
                    votes[by] = leaf ? own : counts[by] + j;
                }
            }
            own += leaf ? count * (1 + r->copies) : 0;
            counts[by] += peer ? count : 0;
        }
found:
    for (uint32_t i = 0; i < d->r->count; i++) {
        if (!voted[i])
            continue;
        text[12 * n + 3] = (uint8_t)(i + 1);
        for (uint32_t b = 0; b < 8; b++)
            text[12 * n + 4 + b] = (uint8_t)(votes[i] >> (56 - 8 * b));
        n++;
    }
    mr_hash(k->certificate, "mereau/certificate", text, 12 * (size_t)n, NULL, 0);
}

static void derive_settled(struct doctor *d, struct mr_entry_settled *s)
{
    for (uint32_t i = 0; i < s->acks_count; i++) {
        struct mr_ack_ref *const a = &s->acks[i];
        a->index = places[a->node - 1][a->index];
        const struct mr_leaf *const l = &d->logs[a->node - 1]->leaves[a->index];
        if (l->kind == MR_LEAF_ACK)
            memcpy(a->certificate, l->u.ack.certificate, 32);
    }
}

static void derive_head(struct doctor *d, struct mr_head *h, uint64_t old_size)
{
    h->size = sizes[h->node - 1][old_size];
    handlog_root(d->logs[h->node - 1], h->root, h->size);
}

static void derive(struct doctor *d, struct doc_row *r)
{
    struct mr_entry *const e = &r->e;
    struct mr_entry_peer *const p = &e->u.peer;
    struct mr_head *const h = e->kind == MR_ENTRY_HEAD ? &e->u.head : &p->head;
    const bool peer = e->kind == MR_ENTRY_PEER;
    if (e->kind == MR_ENTRY_LEAF && e->u.leaf.kind == MR_LEAF_ACK)
        derive_ack(d, r, &e->u.leaf.u.ack);
    if (e->kind == MR_ENTRY_SETTLED)
        derive_settled(d, &e->u.settled);
    if (peer && p->leaves_count > 0 && r->olds[0] != DOCTOR_NEW)
        p->first = places[p->node - 1][r->olds[0]];
    else if (peer)
        p->first = sizes[p->node - 1][p->first];
    if (e->kind == MR_ENTRY_HEAD || peer)
        derive_head(d, h, r->old_size);
    if (peer && h->size < p->first + p->leaves_count) { /* the lie stands at the end */
        h->size = p->first + p->leaves_count;
        handlog_root(d->logs[h->node - 1], h->root, h->size);
    }
    if (peer)
        p->consistency_count = handlog_consistency(d->logs[p->node - 1], p->consistency,
                                                   p->first + p->leaves_count, h->size);
    if (r->before != NULL)
        r->before(r);
    if (e->kind == MR_ENTRY_HEAD || peer)
        mr_head_sign(h, d->r->w.ledger, &d->r->nodes[h->node - 1].log_key);
    if (r->after != NULL)
        r->after(r);
    if (e->kind == MR_ENTRY_LEAF)
        for (uint32_t c = 0; c <= r->copies; c++)
            handlog_add(d->logs[d->node - 1], &e->u.leaf);
}

/* --- writing ---------------------------------------------------------------------------------- */

static uint8_t buffer[1 << 20];

static const uint8_t *keep(const uint8_t *bytes, size_t n)
{
    uint8_t *const p = new (n + 1);
    memcpy(p, bytes, n);
    return p;
}

void doctor_write(struct doctor *d, struct book *ret)
{
    uint8_t check[32] = {0};
    memset(ret, 0, sizeof *ret);
    map_all(d);
    fill_logs(d);
    for (uint32_t i = 0; i < d->count; i++) {
        const struct doc_turn *const t = &d->turns[i];
        struct mr_frame f = {.family = MR_FAMILY_LOG, .turn = i + 1, .end = t->end};
        size_t n = MR_FRAME_HEAD_BYTES;
        memset(buffer, 0, MR_FRAME_HEAD_BYTES);
        memcpy(f.bodies_check, t->bodies_check, 32);
        for (struct doc_row *r = t->rows; r != NULL; r = r->next) {
            if (r->dropped)
                continue;
            derive(d, r);
            for (uint32_t c = 0; c <= r->copies; c++)
                n += mr_entry_encode(&r->e, buffer + n, sizeof buffer - n - 8);
        }
        memset(buffer + n, 0, 8);
        f.len = (uint32_t)(n - MR_FRAME_HEAD_BYTES);
        mr_frame_write(buffer, &f, check);
        memcpy(check, f.check, 32);
        struct mr_audit_turn *const turn = &ret->turns[ret->count++];
        turn->log_len = mr_frame_size(f.len);
        turn->log = keep(buffer, turn->log_len);
        turn->bodies_len = t->bodies_len;
        if (t->bodies_len > 0)
            turn->bodies = keep(t->bodies, t->bodies_len);
    }
}
