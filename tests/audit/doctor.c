#include "audit/doctor.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scratch.h"
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

static void load_epoch(struct doctor *d, const struct mr_next_epoch *n)
{
    ck_assert_uint_lt(d->epochs, DOCTOR_EPOCHS);
    for (uint32_t i = 0; i < n->seats_count; i++) {
        d->seats[d->epochs][i] = n->seats[i].node.number;
        d->generations[d->epochs][n->seats[i].node.number - 1] = n->seats[i].generation;
    }
    d->epochs++;
}

static void load_row(struct doctor *d, struct doc_row *r, uint32_t *own)
{
    r->epoch = d->epochs - 1;
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
    } else if (r->e.kind == MR_ENTRY_EPOCH) {
        load_epoch(d, &r->e.u.epoch.order.order.body.u.next);
        *own = 0;
    }
}

static uint8_t *keep(const uint8_t *bytes, size_t n)
{
    uint8_t *const p = new (n + 1);
    memcpy(p, bytes, n);
    return p;
}

void doctor_load(struct doctor *d, struct ring *r, uint32_t node, const struct book *b)
{
    uint32_t own = 0;
    memset(d, 0, sizeof *d);
    d->r = r;
    d->node = node;
    d->count = d->loaded = b->count;
    d->epochs = 1;
    for (uint32_t i = 0; i < r->w.charter.nodes_count; i++) {
        d->seats[0][i] = i + 1;
        d->generations[0][i] = 1;
    }
    d->turns = new (b->count * sizeof *d->turns);
    for (uint32_t e = 0; e < DOCTOR_EPOCHS; e++)
        for (uint32_t i = 0; i < r->count; i++)
            d->logs[e][i] = new (sizeof *d->logs[e][i]);
    for (uint32_t i = 0; i < b->count; i++) {
        struct doc_turn *const t = &d->turns[i];
        struct doc_row **end = &t->rows;
        struct mr_frame f;
        ck_assert_int_eq(mr_frame_read(&f, b->turns[i].log, b->turns[i].log_len, NULL), MR_OK);
        t->end = f.end;
        t->bodies_len = b->turns[i].bodies_len;
        if (t->bodies_len > 0)
            t->bodies = keep(b->turns[i].bodies, t->bodies_len);
        for (size_t at = 0, n; at < f.len; at += n) {
            struct doc_row *const row = *end = new (sizeof *row);
            end = &row->next;
            ck_assert_int_eq(mr_entry_decode_first(&row->e, &n,
                                                   b->turns[i].log + MR_FRAME_HEAD_BYTES + at,
                                                   f.len - at),
                             MR_OK);
            load_row(d, row, &own);
        }
    }
}

void doctor_done(struct doctor *d)
{
    for (uint32_t i = 0; i < d->loaded; i++) {
        for (struct doc_row *r = d->turns[i].rows, *next; r != NULL; r = next) {
            next = r->next;
            free(r);
        }
        free(d->turns[i].bodies);
    }
    for (uint32_t e = 0; e < DOCTOR_EPOCHS; e++)
        for (uint32_t i = 0; i < d->r->count; i++)
            free(d->logs[e][i]);
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
    r->epoch = before != NULL ? before->epoch : 0;
    for (const struct doc_row *x = turn->rows; before == NULL && x != NULL; x = x->next)
        r->epoch = x->epoch + (x->e.kind == MR_ENTRY_EPOCH);
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

/* --- bodies ----------------------------------------------------------------------------------- */

static uint8_t buffer[1 << 20];

static bool replace_in(uint8_t *in, size_t n, const uint8_t *old, const uint8_t *bytes, size_t len)
{
    bool any = false;
    for (size_t i = 0; i + len <= n; i++) {
        if (memcmp(in + i, old, len) != 0)
            continue;
        memcpy(in + i, bytes, len);
        any = true;
    }
    return any;
}

void doctor_replace(struct doctor *d, const uint8_t *old, const uint8_t *bytes, size_t len)
{
    for (uint32_t i = 0; i < d->loaded; i++) {
        struct doc_turn *const t = &d->turns[i];
        if (t->bodies_len > 0)
            replace_in(t->bodies, t->bodies_len, old, bytes, len);
        for (struct doc_row *r = t->rows; r != NULL; r = r->next) {
            const size_t n = mr_entry_encode(&r->e, buffer, sizeof buffer);
            if (replace_in(buffer, n, old, bytes, len))
                ck_assert_int_eq(mr_entry_decode(&r->e, buffer, n), MR_OK);
        }
    }
}

void doctor_order(struct doctor *d, struct doc_body *ret, enum mr_order_kind kind, uint32_t nth)
{
    for (uint32_t i = d->loaded; i-- > 0;) {
        const struct doc_turn *const t = &d->turns[i];
        struct mr_frame f;
        if (t->bodies_len == 0)
            continue;
        ck_assert_int_eq(mr_frame_read(&f, t->bodies, t->bodies_len, NULL), MR_OK);
        for (size_t at = 0; at < f.len; at += ret->len) {
            ret->at = t->bodies + MR_FRAME_HEAD_BYTES + at;
            ck_assert_int_eq(mr_body_decode_first(&ret->b, &ret->len, ret->at, f.len - at), MR_OK);
            if (ret->b.kind == MR_BODY_ORDER && ret->b.u.order.order.body.kind == kind &&
                nth-- == 0)
                return;
        }
    }
    ck_abort_msg("no such order");
}

void doctor_put_order(struct doctor *d, const struct doc_body *changed)
{
    static uint8_t was[MR_FRAME_MAX], now[MR_FRAME_MAX];
    static struct mr_body b;
    uint8_t old[32], id[32];
    memcpy(was, changed->at, changed->len);
    ck_assert_int_eq(mr_body_decode(&b, was, changed->len), MR_OK);
    mr_order_id(old, &b.u.order.order);
    mr_order_id(id, &changed->b.u.order.order);
    ck_assert_uint_eq(mr_body_encode(&changed->b, now, sizeof now), changed->len);
    /* Behind the kind of body: an EPOCH has the order too. */
    doctor_replace(d, was + 4, now + 4, changed->len - 4);
    doctor_replace(d, old, id, 32);
    for (uint32_t i = 0; i < d->loaded; i++) {
        struct mr_frame f;
        struct doc_turn *const t = &d->turns[i];
        if (t->bodies_len == 0)
            continue;
        ck_assert_int_ne(mr_frame_read(&f, t->bodies, MR_FRAME_HEAD_BYTES, NULL), MR_DAMAGED);
        mr_frame_write(t->bodies, &f, NULL);
    }
}

/* --- deriving --------------------------------------------------------------------------------- */

/* Where a leaf of the honest log stands now, and how many stand where so many stood. */
static uint32_t places[DOCTOR_EPOCHS][RING_NODES_MAX][HANDLOG_LEAVES_MAX + 1];
static uint32_t sizes[DOCTOR_EPOCHS][RING_NODES_MAX][HANDLOG_LEAVES_MAX + 1];

struct numbering {
    uint32_t count, known; /* leaves now; leaves of the honest log that were gone by */
    uint32_t *places, *sizes;
    bool own; /* a head of it covers no leaf that is said later */
};

/* Up to the leaf `old`, which is the next one of the log. */
static void map_up_to(struct numbering *n, uint32_t old)
{
    for (; n->known < old; n->known++) {
        n->places[n->known] = n->count;
        n->sizes[n->known + 1] = n->sizes[n->known];
    }
}

static void map_leaf(struct numbering *n, uint32_t old)
{
    if (old != DOCTOR_NEW) {
        map_up_to(n, old);
        n->places[old] = n->count;
        n->sizes[old + 1] = n->count + 1;
        n->known = old + 1;
    } else if (!n->own) {
        n->sizes[n->known] = n->count + 1;
    }
    n->count++;
}

/* Number all leaves anew, before anything refers to them. */
static void map_all(struct doctor *d)
{
    struct numbering n[DOCTOR_EPOCHS][RING_NODES_MAX] = {0};
    for (uint32_t e = 0; e < DOCTOR_EPOCHS; e++)
        for (uint32_t k = 0; k < RING_NODES_MAX; k++) {
            n[e][k].places = places[e][k];
            n[e][k].sizes = sizes[e][k];
            n[e][k].own = k + 1 == d->node;
        }
    for (uint32_t i = 0; i < d->count; i++)
        for (struct doc_row *r = d->turns[i].rows; r != NULL; r = r->next) {
            const struct mr_entry_peer *const p = &r->e.u.peer;
            if (r->dropped)
                continue;
            if (r->e.kind == MR_ENTRY_PEER)
                r->first = n[r->epoch][p->node - 1].count;
            for (uint32_t c = 0; r->e.kind == MR_ENTRY_LEAF && c <= r->copies; c++)
                map_leaf(&n[r->epoch][d->node - 1], c == 0 ? r->old : DOCTOR_NEW);
            for (uint32_t k = 0; r->e.kind == MR_ENTRY_PEER && k < p->leaves_count; k++)
                map_leaf(&n[r->epoch][p->node - 1], r->olds[k]);
        }
    for (uint32_t e = 0; e < DOCTOR_EPOCHS; e++)
        for (uint32_t k = 0; k < d->r->count; k++)
            map_up_to(&n[e][k], HANDLOG_LEAVES_MAX);
}

static const struct mr_seckey *key_of(const struct doctor *d, uint32_t epoch, uint32_t node)
{
    const struct ring_node *const n = &d->r->nodes[node - 1];
    return d->generations[epoch][node - 1] % 2 == 1 ? &n->log_key : &n->next_key;
}

/* SLOT-6 over all votes of the epoch that stand in front of the row. */
static void derive_ack(struct doctor *d, const struct doc_row *until, struct mr_leaf_ack *k)
{
    uint64_t votes[RING_NODES_MAX];
    uint8_t text[RING_NODES_MAX * 12] = {0};
    uint32_t own = 0, n = 0, counts[RING_NODES_MAX] = {0};
    bool voted[RING_NODES_MAX] = {false};
    struct doc_slot at = {.seq = k->seq};
    memcpy(at.account, k->account, 16);
    for (uint32_t i = 0; i < d->count; i++)
        for (const struct doc_row *r = d->turns[i].rows; r != NULL; r = r->next) {
            if (r == until)
                goto found;
            if (r->epoch != until->epoch)
                continue;
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

/* START names the last head of the log before. */
static void derive_start(struct doctor *d, const struct doc_row *r, struct mr_leaf_start *s)
{
    if (r->epoch == 0 || s->last_size == 0)
        return;
    s->last_size = sizes[r->epoch - 1][s->node - 1][s->last_size];
    handlog_root(d->logs[r->epoch - 1][s->node - 1], s->last_root, s->last_size);
}

static void change(struct doc_row *r, doc_change how)
{
    if (how != NULL)
        how(r);
}

/* An own leaf as it is written, in a copy of its row. */
static void derive_leaf(struct doctor *d, const struct doc_row *r, struct doc_row *ret)
{
    *ret = *r;
    if (r->e.u.leaf.kind == MR_LEAF_ACK)
        derive_ack(d, r, &ret->e.u.leaf.u.ack);
    if (r->e.u.leaf.kind == MR_LEAF_START)
        derive_start(d, r, &ret->e.u.leaf.u.start);
    change(ret, r->before);
    change(ret, r->after);
}

/* All logs, whole, so that heads can be ahead of the leaves that are known. */
static void fill_logs(struct doctor *d)
{
    static struct doc_row said;
    for (uint32_t e = 0; e < d->epochs; e++)
        for (uint32_t n = 0; n < d->r->count; n++) {
            handlog_init(d->logs[e][n], d->r->w.ledger, n + 1, key_of(d, e, n + 1));
            d->logs[e][n]->epoch = e + 1;
            d->logs[e][n]->generation = d->generations[e][n];
        }
    for (uint32_t i = 0; i < d->count; i++)
        for (const struct doc_row *r = d->turns[i].rows; r != NULL; r = r->next) {
            const struct mr_entry_peer *const p = &r->e.u.peer;
            if (r->dropped)
                continue;
            if (r->e.kind == MR_ENTRY_LEAF) {
                derive_leaf(d, r, &said);
                for (uint32_t c = 0; c <= r->copies; c++)
                    handlog_add(d->logs[r->epoch][d->node - 1], &said.e.u.leaf);
            }
            for (uint32_t k = 0; r->e.kind == MR_ENTRY_PEER && k < p->leaves_count; k++)
                handlog_add(d->logs[r->epoch][p->node - 1], &p->leaves[k]);
        }
}

static void derive_settled(struct doctor *d, uint32_t epoch, struct mr_entry_settled *s)
{
    for (uint32_t i = 0; i < s->acks_count; i++) {
        struct mr_ack_ref *const a = &s->acks[i];
        a->index = places[epoch][a->node - 1][a->index];
        const struct mr_leaf *const l = &d->logs[epoch][a->node - 1]->leaves[a->index];
        if (l->kind == MR_LEAF_ACK)
            memcpy(a->certificate, l->u.ack.certificate, 32);
    }
}

static void derive_head(struct doctor *d, uint32_t epoch, struct mr_head *h, uint64_t old_size)
{
    h->size = sizes[epoch][h->node - 1][old_size];
    handlog_root(d->logs[epoch][h->node - 1], h->root, h->size);
}

static void derive_peer(struct doctor *d, const struct doc_row *r, struct mr_entry_peer *p)
{
    const uint32_t at = p->node - 1, e = r->epoch;
    struct mr_head *const h = &p->head;
    p->first = r->first;
    derive_head(d, e, h, r->old_size);
    if (h->size < p->first + p->leaves_count) { /* the lie stands at the end */
        h->size = p->first + p->leaves_count;
        handlog_root(d->logs[e][at], h->root, h->size);
    }
    p->consistency_count =
        handlog_consistency(d->logs[e][at], p->consistency, p->first + p->leaves_count, h->size);
}

static void derive_epoch(struct doctor *d, uint32_t epoch, struct mr_handover_next *h)
{
    for (uint32_t i = 0; i < h->proofs_count; i++) {
        struct mr_proof *const p = &h->proofs[i];
        const struct handlog *const l = d->logs[epoch][p->head.node - 1];
        struct mr_head head;
        handlog_head(l, &head, sizes[epoch][p->head.node - 1][p->head.size], p->head.time_ms);
        handlog_prove(l, p, places[epoch][p->head.node - 1][p->index], &head);
    }
}

/* A row as it is written, in a copy. */
static void derive(struct doctor *d, const struct doc_row *r, struct doc_row *ret)
{
    struct mr_entry *const e = &ret->e;
    const bool peer = r->e.kind == MR_ENTRY_PEER;
    struct mr_head *const h = peer ? &e->u.peer.head : &e->u.head;
    if (r->e.kind == MR_ENTRY_LEAF) {
        derive_leaf(d, r, ret);
        return;
    }
    *ret = *r;
    if (e->kind == MR_ENTRY_SETTLED)
        derive_settled(d, r->epoch, &e->u.settled);
    if (e->kind == MR_ENTRY_EPOCH)
        derive_epoch(d, r->epoch, &e->u.epoch);
    if (peer)
        derive_peer(d, r, &e->u.peer);
    if (e->kind == MR_ENTRY_HEAD)
        derive_head(d, r->epoch, h, r->old_size);
    change(ret, r->before);
    if (e->kind == MR_ENTRY_HEAD || peer)
        mr_head_sign(h, d->r->w.ledger, key_of(d, r->epoch, h->node));
    change(ret, r->after);
}

/* --- the end of an epoch ---------------------------------------------------------------------- */

/* The CUT names logs as they are written. */
static void derive_cut(struct doctor *d, uint32_t epoch)
{
    static struct doc_body x;
    static uint8_t bytes[MR_FRAME_MAX];
    for (uint32_t nth = 0;; nth++) {
        doctor_order(d, &x, MR_KIND_CUT, nth);
        if (x.b.u.order.order.body.u.cut.epoch == epoch + 1)
            break;
    }
    struct mr_signed_order *const o = &x.b.u.order;
    struct mr_cut *const cut = &o->order.body.u.cut;
    for (uint32_t i = 0; i < cut->logs_count; i++) {
        struct mr_sealed_log *const log = &cut->logs[i];
        log->size = places[epoch][log->node - 1][log->size - 1] + UINT64_C(1); /* up to SEAL */
        handlog_root(d->logs[epoch][log->node - 1], log->root, log->size);
    }
    if (d->cut != NULL)
        d->cut(cut);
    mr_sign(o->sigs[0].sig, MR_PURPOSE_CHECKPOINT, d->r->w.ledger, epoch + 1, bytes,
            mr_order_encode(&o->order, bytes, sizeof bytes),
            key_of(d, epoch, d->seats[epoch][o->sigs[0].key_index]));
    doctor_put_order(d, &x);
}

static void set_final(struct doctor *d, uint32_t epoch, const struct mr_audit_totals *t)
{
    for (uint32_t i = 0; i < d->count; i++)
        for (struct doc_row *r = d->turns[i].rows; r != NULL; r = r->next) {
            const bool peer = r->e.kind == MR_ENTRY_PEER;
            struct mr_leaf *const l = peer ? r->e.u.peer.leaves : &r->e.u.leaf;
            const uint32_t n = peer ? r->e.u.peer.leaves_count : r->e.kind == MR_ENTRY_LEAF;
            for (uint32_t k = 0; r->epoch == epoch && k < n; k++) {
                if (l[k].kind != MR_LEAF_FINAL)
                    continue;
                l[k].u.final.accounts = t->accounts;
                memcpy(l[k].u.final.state_root, t->state_root, 32);
            }
        }
}

/* FINAL says what the auditor's state is in front of its turn. */
static void derive_finals(struct doctor *d, const struct book *b)
{
    static uint8_t bytes[sizeof d->r->w.charter];
    static struct mr_audit_totals t;
    struct mr_audit *shadow = NULL;
    const size_t n = mr_charter_encode(&d->r->w.charter, bytes, sizeof bytes);
    ck_assert_int_eq(mr_audit_create(&shadow, &scratch_mem, NULL, NULL, bytes, n), MR_OK);
    for (uint32_t i = 0; i < b->count; i++) {
        for (const struct doc_row *r = d->turns[i].rows; r != NULL; r = r->next)
            if (r->e.kind == MR_ENTRY_LEAF && r->e.u.leaf.kind == MR_LEAF_FINAL) {
                ck_assert_int_eq(mr_audit_end(shadow, &t), MR_OK);
                set_final(d, r->epoch, &t);
            }
        ck_assert_int_eq(mr_audit_feed(shadow, &b->turns[i]), MR_OK);
    }
    mr_audit_destroy(shadow);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_turn(struct doctor *d, uint32_t i, struct mr_audit_turn *ret, uint8_t check[32])
{
    static struct doc_row row;
    const struct doc_turn *const t = &d->turns[i];
    struct mr_frame f = {.family = MR_FAMILY_LOG, .turn = i + 1, .end = t->end}, bodies;
    size_t n = MR_FRAME_HEAD_BYTES;
    memset(buffer, 0, MR_FRAME_HEAD_BYTES);
    if (t->bodies_len > 0) {
        ck_assert_int_eq(mr_frame_read(&bodies, t->bodies, t->bodies_len, NULL), MR_OK);
        memcpy(f.bodies_check, bodies.check, 32);
    }
    for (const struct doc_row *r = t->rows; r != NULL; r = r->next) {
        if (r->dropped)
            continue;
        derive(d, r, &row);
        for (uint32_t c = 0; c <= r->copies; c++)
            n += mr_entry_encode(&row.e, buffer + n, sizeof buffer - n - 8);
    }
    memset(buffer + n, 0, 8);
    f.len = (uint32_t)(n - MR_FRAME_HEAD_BYTES);
    mr_frame_write(buffer, &f, check);
    memcpy(check, f.check, 32);
    ret->log_len = mr_frame_size(f.len);
    ret->log = keep(buffer, ret->log_len);
    ret->bodies_len = t->bodies_len;
    if (t->bodies_len > 0)
        ret->bodies = keep(t->bodies, t->bodies_len);
}

static void write_book(struct doctor *d, struct book *ret)
{
    uint8_t check[32] = {0};
    memset(ret, 0, sizeof *ret);
    fill_logs(d);
    for (uint32_t i = 0; i < d->count; i++)
        write_turn(d, i, &ret->turns[ret->count++], check);
}

static bool is_over(const struct doctor *d, uint32_t epoch)
{
    for (uint32_t i = 0; i < d->count; i++)
        for (const struct doc_row *r = d->turns[i].rows; r != NULL; r = r->next)
            if (r->e.kind == MR_ENTRY_EPOCH && r->epoch == epoch)
                return true;
    return false;
}

void doctor_write(struct doctor *d, struct book *ret)
{
    map_all(d);
    for (uint32_t e = 0; e + 1 < d->epochs && is_over(d, e); e++) {
        fill_logs(d);
        derive_cut(d, e);
    }
    write_book(d, ret);
    if (d->epochs == 1)
        return;
    derive_finals(d, ret);
    book_done(ret);
    write_book(d, ret);
}
