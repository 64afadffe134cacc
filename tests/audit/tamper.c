#include "audit/tamper.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scratch.h"
#include "mereau/codec.h"
#include "mereau/log.h"

uint8_t *tamper_log_frame, *tamper_bodies_frame, tamper_check_before[32];
size_t tamper_log_len, tamper_bodies_len;

static void *new (size_t n)
{
    void *const p = calloc(1, n);
    ck_assert_ptr_nonnull(p);
    return p;
}

/* --- RFC 6962, as its text says --------------------------------------------------------------- */

static void hash_prefixed(uint8_t ret[32], uint8_t prefix, const uint8_t *a, size_t a_len,
                          const uint8_t *b, size_t b_len)
{
    crypto_hash_sha256_state st;
    crypto_hash_sha256_init(&st);
    crypto_hash_sha256_update(&st, &prefix, 1);
    crypto_hash_sha256_update(&st, a, a_len);
    crypto_hash_sha256_update(&st, b, b_len);
    crypto_hash_sha256_final(&st, ret);
}

static void leaf_hash(uint8_t ret[32], const uint8_t *leaf, size_t len)
{
    hash_prefixed(ret, 0, leaf, len, leaf, 0);
}

static void naive_root(uint8_t ret[32], uint8_t (*leaves)[32], uint64_t n)
{
    uint8_t left[32], right[32];
    uint64_t k = 1;
    ck_assert_uint_gt(n, 0);
    if (n == 1) {
        memcpy(ret, leaves[0], 32);
        return;
    }
    while (k * 2 < n)
        k *= 2;
    naive_root(left, leaves, k);
    naive_root(right, leaves + k, n - k);
    hash_prefixed(ret, 1, left, 32, right, 32);
}

/* --- taking apart ----------------------------------------------------------------------------- */

static void load_bodies(struct tamper_turn *t, const struct mr_audit_turn *from, uint64_t start)
{
    struct mr_frame f;
    if (from->bodies_len == 0)
        return;
    ck_assert_int_eq(mr_frame_read(&f, from->bodies, from->bodies_len, NULL), MR_OK);
    for (size_t at = 0, n; at < f.len; at += n) {
        struct row *const r = t->bodies[t->bodies_count++] = new (sizeof *r);
        const uint8_t *const in = from->bodies + MR_FRAME_HEAD_BYTES + at;
        r->is_body = true;
        ck_assert_int_eq(mr_body_decode_first(&r->u.b, &n, in, f.len - at), MR_OK);
        r->old_at = start + MR_FRAME_HEAD_BYTES + at;
        if (r->u.b.kind == MR_BODY_ORDER)
            mr_order_id(r->old, &r->u.b.u.order.order);
    }
}

void tamper_load(struct tamper *t, struct world *w, const struct book *b)
{
    uint64_t bodies_at = 0, size = 0;
    memset(t, 0, sizeof *t);
    t->w = w;
    t->count = b->count;
    t->turns = new (b->count * sizeof *t->turns);
    t->renamed = new (STORY_TURNS_MAX * sizeof *t->renamed);
    t->leaves = new (4 * STORY_TURNS_MAX * sizeof *t->leaves);
    for (uint32_t i = 0; i < b->count; i++) {
        struct tamper_turn *const turn = &t->turns[i];
        struct mr_frame f;
        ck_assert_int_eq(mr_frame_read(&f, b->turns[i].log, b->turns[i].log_len, NULL), MR_OK);
        load_bodies(turn, &b->turns[i], bodies_at);
        bodies_at = f.end;
        for (size_t at = 0, n; at < f.len; at += n) {
            struct row *const r = turn->entries[turn->entries_count++] = new (sizeof *r);
            const uint8_t *const in = b->turns[i].log + MR_FRAME_HEAD_BYTES + at;
            ck_assert_int_eq(mr_entry_decode_first(&r->u.e, &n, in, f.len - at), MR_OK);
            size += r->u.e.kind == MR_ENTRY_LEAF ? 1 : 0;
        }
        turn->old_size = size;
    }
}

void tamper_done(struct tamper *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        for (uint32_t k = 0; k < t->turns[i].entries_count; k++)
            free(t->turns[i].entries[k]);
        for (uint32_t k = 0; k < t->turns[i].bodies_count; k++)
            free(t->turns[i].bodies[k]);
    }
    free(t->turns);
    free(t->renamed);
    free(t->leaves);
}

static struct row *body_at(struct tamper *t, uint64_t old_at)
{
    for (uint32_t i = 0; i < t->count; i++)
        for (uint32_t k = 0; k < t->turns[i].bodies_count; k++)
            if (t->turns[i].bodies[k]->old_at == old_at)
                return t->turns[i].bodies[k];
    ck_abort_msg("no body at this position");
}

struct settled_rows tamper_find(struct tamper *t, enum mr_order_kind kind, const uint8_t *account,
                                uint32_t nth)
{
    for (uint32_t i = 0; i < t->count; i++) {
        struct tamper_turn *const turn = &t->turns[i];
        struct settled_rows s = {.turn = turn};
        for (uint32_t k = 0; k < turn->entries_count; k++) {
            struct row *const r = turn->entries[k];
            if (r->u.e.kind == MR_ENTRY_LEAF && r->u.e.u.leaf.kind == MR_LEAF_VOTE)
                s.vote = r;
            if (r->u.e.kind == MR_ENTRY_LEAF && r->u.e.u.leaf.kind == MR_LEAF_ACK)
                s.ack = r;
            if (r->u.e.kind != MR_ENTRY_SETTLED || r->u.e.u.settled.voided)
                continue;
            s.settled = r;
            s.order = body_at(t, r->u.e.u.settled.body_at);
            const struct mr_order *const o = &s.order->u.b.u.order.order;
            if (o->body.kind == kind && (account == NULL || memcmp(account, o->account, 16) == 0) &&
                nth-- == 0)
                return s;
        }
    }
    ck_abort_msg("no such order");
}

struct row *tamper_entry(struct tamper *t, enum mr_entry_kind kind, uint32_t nth,
                         struct tamper_turn **ret_turn)
{
    for (uint32_t i = 0; i < t->count; i++)
        for (uint32_t k = 0; k < t->turns[i].entries_count; k++)
            if (t->turns[i].entries[k]->u.e.kind == kind && nth-- == 0) {
                *ret_turn = &t->turns[i];
                return t->turns[i].entries[k];
            }
    ck_abort_msg("no such entry");
}

struct row *tamper_insert(struct tamper_turn *turn, const struct row *where, uint32_t offset)
{
    uint32_t at = 0;
    while (turn->entries[at] != where)
        at++;
    at += offset;
    ck_assert_uint_lt(turn->entries_count, TAMPER_ROWS_MAX);
    memmove(turn->entries + at + 1, turn->entries + at,
            (turn->entries_count - at) * sizeof *turn->entries);
    turn->entries_count++;
    return turn->entries[at] = new (sizeof(struct row));
}

/* --- deriving orders -------------------------------------------------------------------------- */

static void rename_id(const struct tamper *t, uint8_t id[32])
{
    for (uint32_t i = 0; i < t->renamed_count; i++) {
        if (memcmp(t->renamed[i][0], id, 32) == 0) {
            memcpy(id, t->renamed[i][1], 32);
            return;
        }
    }
}

static void derive_checkpoint(const struct tamper *t, struct mr_checkpoint *c)
{
    const struct tamper_turn *const turn = &t->turns[c->turn - 1];
    c->log_size = turn->size;
    naive_root(c->log_root, t->leaves, turn->size);
    memcpy(c->state_root, turn->state.state_root, 32);
    c->accounts = turn->state.accounts;
    for (uint32_t u = 0; u < c->supply_count; u++)
        c->supply[u].issued = turn->state.supply[u];
}

static void sign(const struct tamper *t, struct mr_signed_order *o)
{
    uint8_t bytes[2048];
    if (o->order.body.kind != MR_KIND_CHECKPOINT) {
        /* An order keeps its signers; only the member who rotated has two keys. */
        const struct world *const w = t->w;
        struct mr_seckey key;
        struct mr_pubkey public;
        uint8_t seed[32];
        if (memcmp(o->order.account, w->members[ANNA].id, 16) == 0) {
            const uint32_t zero = 0;
            mr_hash(seed, "test/key", "member", 6, &zero, sizeof zero);
            if (o->order.seq > 3)
                memset(seed, 90, sizeof seed);
            mr_seckey_from_seed(&key, &public, seed);
            mr_order_sign(o, 0, &key);
        } else {
            world_sign(t->w, o);
        }
        return;
    }
    const size_t n = mr_order_encode(&o->order, bytes, sizeof bytes);
    mr_sign(o->sigs[0].sig, MR_PURPOSE_CHECKPOINT, t->w->ledger, 1, bytes, n, &t->w->log_key);
}

static void derive_body(struct tamper *t, struct row *r)
{
    if (r->u.b.kind == MR_BODY_MEMO)
        rename_id(t, r->u.b.u.memo.order);
    if (r->u.b.kind == MR_BODY_ORDER) {
        struct mr_order *const o = &r->u.b.u.order.order;
        rename_id(t, o->prev);
        if (o->body.kind == MR_KIND_PAYOUT)
            rename_id(t, o->body.u.payout.redemption.order);
        if (o->body.kind == MR_KIND_RETURN)
            rename_id(t, o->body.u.return_.redemption.order);
        if (o->body.kind == MR_KIND_CHECKPOINT)
            derive_checkpoint(t, &o->body.u.checkpoint);
        if (o->body.kind == MR_KIND_CLEAR) {
            o->body.u.clear.sigs_count = 0;
            world_countersign(t->w, &o->body.u.clear);
        }
    }
    if (r->before != NULL)
        r->before(r);
    if (r->u.b.kind == MR_BODY_ORDER) {
        sign(t, &r->u.b.u.order);
        memcpy(t->renamed[t->renamed_count][0], r->old, 32);
        mr_order_id(t->renamed[t->renamed_count++][1], &r->u.b.u.order.order);
    }
    if (r->after != NULL)
        r->after(r);
}

/* --- deriving entries ------------------------------------------------------------------------- */

static void post(struct mr_entry_settled *s, const uint8_t account[16], uint32_t unit,
                 int64_t delta)
{
    if (delta == 0)
        return;
    struct mr_posting *const p = &s->postings[s->postings_count++];
    memcpy(p->account, account, 16);
    p->unit = unit;
    p->delta = delta;
}

static void post_sub(const struct tamper *t, struct mr_entry_settled *s,
                     enum mr_account_class class, uint32_t unit, int64_t delta)
{
    uint8_t id[16];
    mr_sub_account(id, class == MR_CLASS_WORLD ? NULL : t->w->charter.associations[0].id, class);
    post(s, id, unit, delta);
}

static void post_clear(const struct tamper *t, struct mr_entry_settled *s,
                       const struct mr_clearing *k, uint32_t from)
{
    const struct world_home *const a = &t->w->homes[from], *const b = &t->w->homes[1 - from];
    post(s, a->issuer, 0, k->amount);
    post(s, b->issuer, 0, -k->amount);
    post(s, a->reserve, 1, -k->amount);
    post(s, b->reserve, 1, k->amount);
}

static void derive_postings(const struct tamper *t, struct mr_entry_settled *s,
                            const struct mr_order *o)
{
    const struct mr_order_body *const b = &o->body;
    int64_t total = 0;
    s->postings_count = 0;
    if (b->kind == MR_KIND_PAY) {
        for (uint32_t i = 0; i < b->u.pay.lines_count; i++) {
            post(s, b->u.pay.lines[i].payee, b->u.pay.unit, b->u.pay.lines[i].amount);
            total += b->u.pay.lines[i].amount;
        }
        if (memcmp(o->account, t->w->treasury, 16) == 0)
            post_sub(t, s, MR_CLASS_OWN, b->u.pay.unit, -total);
        else
            post(s, o->account, b->u.pay.unit, -total);
    } else if (b->kind == MR_KIND_ISSUE) {
        for (uint32_t i = 0; i < b->u.issue.lines_count; i++) {
            post(s, b->u.issue.lines[i].member, 0, b->u.issue.lines[i].amount);
            total += b->u.issue.lines[i].amount;
        }
        post_sub(t, s, MR_CLASS_ISSUER, 0, -total);
        post_sub(t, s, MR_CLASS_WORLD, 1, -total);
        post_sub(t, s, MR_CLASS_RESERVE, 1, total);
    } else if (b->kind == MR_KIND_REDEEM) {
        post(s, o->account, 0, -b->u.redeem.amount);
        post_sub(t, s, MR_CLASS_REDEEMED, 0, b->u.redeem.amount);
    } else if (b->kind == MR_KIND_PAYOUT) {
        const int64_t net = b->u.payout.redemption.amount - b->u.payout.fee;
        post_sub(t, s, MR_CLASS_REDEEMED, 0, -b->u.payout.redemption.amount);
        post_sub(t, s, MR_CLASS_ISSUER, 0, net);
        post_sub(t, s, MR_CLASS_OWN, 0, b->u.payout.fee);
        post_sub(t, s, MR_CLASS_RESERVE, 1, -net);
        post_sub(t, s, MR_CLASS_WORLD, 1, net);
    } else if (b->kind == MR_KIND_RETURN) {
        post_sub(t, s, MR_CLASS_REDEEMED, 0, -b->u.return_.redemption.amount);
        post(s, b->u.return_.redemption.account, 0, b->u.return_.redemption.amount);
    } else if (b->kind == MR_KIND_CLEAR) {
        post_clear(t, s, &b->u.clear.clearing, memcmp(o->account, t->w->treasury, 16) == 0 ? 0 : 1);
    } else if (b->kind == MR_KIND_SWEEP) {
        post(s, b->u.sweep.account, b->u.sweep.unit, -b->u.sweep.amount);
        post_sub(t, s, MR_CLASS_OWN, b->u.sweep.unit, b->u.sweep.amount);
    }
}

static const struct row *leaf_of(const struct tamper_turn *turn, enum mr_leaf_kind kind,
                                 const uint8_t account[16], uint64_t seq)
{
    for (uint32_t i = 0; i < turn->entries_count; i++) {
        const struct row *const r = turn->entries[i];
        if (r->u.e.kind != MR_ENTRY_LEAF || r->u.e.u.leaf.kind != kind || r->dropped)
            continue;
        const struct mr_leaf_vote *const v = &r->u.e.u.leaf.u.vote; /* VOTE and ACK begin alike */
        if (v->seq == seq && memcmp(v->account, account, 16) == 0)
            return r;
    }
    return NULL;
}

static void derive_ack(const struct tamper_turn *turn, struct mr_leaf_ack *k)
{
    uint8_t b[12] = {0, 0, 0, 1};
    const struct row *const vote = leaf_of(turn, MR_LEAF_VOTE, k->account, k->seq);
    if (vote == NULL)
        return;
    for (int i = 0; i < 8; i++)
        b[4 + i] = (uint8_t)(vote->index >> (56 - 8 * i));
    mr_hash(k->certificate, "mereau/certificate", b, sizeof b, NULL, 0);
}

static void derive_head(const struct tamper *t, struct mr_head *h, uint32_t turn)
{
    for (uint32_t i = 0; i < turn; i++) {
        if (t->turns[i].old_size == h->size) {
            h->size = t->turns[i].size;
            break;
        }
    }
    naive_root(h->root, t->leaves, h->size);
}

static void derive_settled(struct tamper *t, const struct tamper_turn *turn,
                           struct mr_entry_settled *s)
{
    rename_id(t, s->value);
    const struct row *const ack = leaf_of(turn, MR_LEAF_ACK, s->account, s->seq);
    if (ack != NULL)
        s->acks[0] = (struct mr_ack_ref){.node = s->acks[0].node, .index = ack->index};
    if (ack != NULL)
        memcpy(s->acks[0].certificate, ack->u.e.u.leaf.u.ack.certificate, 32);
    if (s->voided)
        return;
    const struct row *const body = body_at(t, s->body_at);
    s->body_at = body->at;
    s->body_len = body->len;
    if (s->memo_at != 0) {
        const struct row *const memo = body_at(t, s->memo_at);
        s->memo_at = memo->at;
        s->memo_len = memo->len;
    }
    derive_postings(t, s, &body->u.b.u.order.order);
}

static void derive_trigger(struct tamper *t, struct mr_entry_trigger *trigger)
{
    uint8_t bytes[2048];
    if (trigger->kind != MR_TRIGGER_CANCEL)
        return;
    const struct row *const body = body_at(t, trigger->body_at);
    trigger->body_at = body->at;
    trigger->body_len = body->len;
    mr_hash(trigger->hash, "mereau/trigger", bytes,
            mr_signed_cancel_encode(&body->u.b.u.cancel, bytes, sizeof bytes), NULL, 0);
}

/* An UNLOCK names the trigger of its slot in the turn. */
static void derive_unlock(const struct tamper_turn *turn, struct mr_leaf_unlock *u)
{
    for (uint32_t i = 0; i < turn->entries_count; i++) {
        const struct mr_entry *const e = &turn->entries[i]->u.e;
        if (e->kind == MR_ENTRY_TRIGGER && e->u.trigger.seq == u->seq &&
            memcmp(e->u.trigger.account, u->account, 16) == 0)
            memcpy(u->trigger, e->u.trigger.hash, 32);
    }
}

static void derive_entry(struct tamper *t, uint32_t number, struct row *r)
{
    struct tamper_turn *const turn = &t->turns[number];
    struct mr_entry *const e = &r->u.e;
    if (e->kind == MR_ENTRY_LEAF && e->u.leaf.kind == MR_LEAF_VOTE)
        rename_id(t, e->u.leaf.u.vote.value);
    if (e->kind == MR_ENTRY_LEAF && e->u.leaf.kind == MR_LEAF_ACK) {
        rename_id(t, e->u.leaf.u.ack.value);
        derive_ack(turn, &e->u.leaf.u.ack);
    }
    if (e->kind == MR_ENTRY_LEAF && e->u.leaf.kind == MR_LEAF_UNLOCK)
        derive_unlock(turn, &e->u.leaf.u.unlock);
    if (e->kind == MR_ENTRY_TRIGGER)
        derive_trigger(t, &e->u.trigger);
    if (e->kind == MR_ENTRY_HEAD)
        derive_head(t, &e->u.head, number);
    if (e->kind == MR_ENTRY_SETTLED)
        derive_settled(t, turn, &e->u.settled);
    if (e->kind == MR_ENTRY_PARKED) {
        const struct row *const body = body_at(t, e->u.parked.body_at);
        rename_id(t, e->u.parked.order);
        e->u.parked.body_at = body->at;
        e->u.parked.body_len = body->len;
    }
    if (r->before != NULL)
        r->before(r);
    if (e->kind == MR_ENTRY_HEAD)
        mr_head_sign(&e->u.head, t->w->ledger, &t->w->log_key);
    if (r->after != NULL)
        r->after(r);
}

/* --- writing ---------------------------------------------------------------------------------- */

static uint8_t buffer[2][1 << 20];

static size_t write_bodies(struct tamper *t, struct tamper_turn *turn, uint64_t start)
{
    size_t n = 0;
    for (uint32_t i = 0; i < turn->bodies_count; i++) {
        struct row *const r = turn->bodies[i];
        derive_body(t, r);
        r->at = start + MR_FRAME_HEAD_BYTES + n;
        uint8_t *const out = buffer[1] + MR_FRAME_HEAD_BYTES + n;
        r->len = (uint32_t)mr_body_encode(&r->u.b, out, sizeof buffer[1] / 2);
        n += r->len;
    }
    return n;
}

static size_t write_entries(struct tamper *t, uint32_t number)
{
    struct tamper_turn *const turn = &t->turns[number];
    uint64_t index = t->leaves_count;
    size_t n = 0;
    for (uint32_t i = 0; i < turn->entries_count; i++) {
        turn->entries[i]->index = index;
        if (turn->entries[i]->u.e.kind == MR_ENTRY_LEAF && !turn->entries[i]->dropped)
            index += 1 + turn->entries[i]->copies;
    }
    for (uint32_t i = 0; i < turn->entries_count; i++) {
        struct row *const r = turn->entries[i];
        if (r->dropped)
            continue;
        derive_entry(t, number, r);
        for (uint32_t c = 0; c <= r->copies; c++) {
            uint8_t *const out = buffer[0] + MR_FRAME_HEAD_BYTES + n;
            const size_t len = mr_entry_encode(&r->u.e, out, sizeof buffer[0] / 2);
            if (r->u.e.kind == MR_ENTRY_LEAF)
                leaf_hash(t->leaves[t->leaves_count++], out + 4, len - 4);
            n += len;
        }
    }
    turn->size = t->leaves_count;
    return n;
}

static const uint8_t *keep(const uint8_t *bytes, size_t n)
{
    uint8_t *const p = new (n + 1);
    memcpy(p, bytes, n);
    return p;
}

static void write_turn(struct tamper *t, uint32_t i, struct mr_audit_turn *ret,
                       uint64_t *bodies_end, uint8_t check[32])
{
    struct tamper_turn *const turn = &t->turns[i];
    struct mr_frame log = {.family = MR_FAMILY_LOG, .turn = i + 1},
                    bodies = {.family = MR_FAMILY_BODIES, .turn = i + 1};
    memset(buffer, 0, sizeof buffer);
    bodies.len = (uint32_t)write_bodies(t, turn, *bodies_end);
    if (bodies.len > 0) {
        tamper_bodies_len = mr_frame_size(bodies.len);
        *bodies_end += tamper_bodies_len;
        bodies.end = *bodies_end;
        mr_frame_write(buffer[1], &bodies, NULL);
        memcpy(log.bodies_check, bodies.check, 32);
    }
    log.len = (uint32_t)write_entries(t, i);
    log.end = *bodies_end;
    memcpy(tamper_check_before, check, 32);
    mr_frame_write(buffer[0], &log, check);
    memcpy(check, log.check, 32);
    tamper_log_frame = buffer[0];
    tamper_log_len = mr_frame_size(log.len);
    tamper_bodies_frame = buffer[1];
    if (turn->frame != NULL)
        turn->frame(NULL);
    *ret =
        (struct mr_audit_turn){.log = keep(buffer[0], tamper_log_len), .log_len = tamper_log_len};
    if (bodies.len > 0 && !turn->erased) {
        ret->bodies = keep(buffer[1], tamper_bodies_len);
        ret->bodies_len = tamper_bodies_len;
    }
}

void tamper_write(struct tamper *t, struct book *ret)
{
    static uint8_t bytes[sizeof t->w->charter];
    uint64_t bodies_end = 0;
    uint8_t check[32] = {0};
    struct mr_audit *shadow = NULL;
    memset(ret, 0, sizeof *ret);
    const size_t n = mr_charter_encode(&t->w->charter, bytes, sizeof bytes);
    ck_assert_int_eq(mr_audit_create(&shadow, &scratch_mem, NULL, NULL, bytes, n), MR_OK);
    for (uint32_t i = 0; i < t->count; i++) {
        write_turn(t, i, &ret->turns[ret->count++], &bodies_end, check);
        ck_assert_int_eq(mr_audit_feed(shadow, &ret->turns[i]), MR_OK);
        ck_assert_int_eq(mr_audit_end(shadow, &t->turns[i].state), MR_OK);
    }
    mr_audit_destroy(shadow);
}
