/* The engine is told what the naive ledger is told. What it writes into its journal is followed
 * entry by entry: each settlement must be right in the naive ledger's state at that point. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/check.h"
#include "mereau/codec.h"
#include "mereau/receipt.h"
#include "model/play.h"

static struct deed **parked_at(struct m_account *a, uint64_t seq)
{
    for (uint32_t i = 0; i < PARKED_MAX; i++)
        if (a->parked[i] != NULL && a->parked[i]->o.order.seq == seq)
            return &a->parked[i];
    return NULL;
}

static uint32_t parked_count(const struct m_account *a)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < PARKED_MAX; i++)
        n += a->parked[i] != NULL ? 1 : 0;
    return n;
}

/* SLOT-13: what has lapsed is dropped. */
static void drop_lapsed(struct play *p)
{
    for (uint32_t i = 0; i < p->m.accounts_count; i++)
        for (uint32_t k = 0; k < PARKED_MAX; k++) {
            struct deed **d = &p->m.accounts[i].parked[k];
            if (*d != NULL && p->m.now_ms > (*d)->o.order.not_after_ms) {
                free(*d);
                *d = NULL;
            }
        }
}

/* --- the journal ------------------------------------------------------------------------------ */

struct step {
    const struct deed *fresh; /* the order just handed in, if it is new */
    struct m_account *voids;  /* the chain whose slot was just cancelled */
    enum mr_status predicted; /* of fresh */
    enum mr_status cause;     /* of parking it */
};

static void on_settled(struct play *p, struct step *s, const struct mr_entry_settled *e)
{
    struct m_account *a = model_find(&p->m, e->account);
    ck_assert_ptr_nonnull(a);
    ck_assert_uint_eq(e->seq, a->next);
    p->settled_now++;
    if (e->voided) {
        ck_assert_ptr_eq(s->voids, a);
        model_void(&p->m, a);
        s->voids = NULL;
        return;
    }
    if (s->fresh != NULL && memcmp(e->value, s->fresh->id, 32) == 0) {
        ck_assert_int_eq(s->predicted, MR_SETTLED);
        model_apply(&p->m, s->fresh);
        p->tally->kinds[s->fresh->o.order.body.kind]++;
        s->fresh = NULL;
        return;
    }
    struct deed **w = parked_at(a, e->seq);
    ck_assert_ptr_nonnull(w);
    ck_assert_mem_eq((*w)->id, e->value, 32);
    ck_assert_msg(model_check(&p->m, *w, true) == MR_OK,
                  "an order of kind %d that waited settled, against %s",
                  (int)(*w)->o.order.body.kind, mr_status_name(model_check(&p->m, *w, true)));
    p->tally->woken[(*w)->o.order.body.kind]++;
    struct deed *own = *w;
    *w = NULL;
    model_apply(&p->m, own);
    free(own);
}

static void on_parked(struct play *p, struct step *s, const struct mr_entry_parked *e)
{
    struct m_account *a = model_find(&p->m, e->account);
    ck_assert_ptr_nonnull(a);
    if (s->fresh == NULL) { /* handed in again, signed anew: the same order goes on waiting */
        struct deed **held = parked_at(a, e->seq);
        ck_assert_ptr_nonnull(held);
        ck_assert_mem_eq((*held)->id, e->order, 32);
        return;
    }
    ck_assert_int_eq(s->predicted, MR_PARKED);
    ck_assert_mem_eq(e->order, s->fresh->id, 32);
    ck_assert_uint_eq(e->cause, (uint32_t)s->cause);
    for (uint32_t i = 0; i < PARKED_MAX; i++)
        if (a->parked[i] == NULL) {
            a->parked[i] = malloc(sizeof *a->parked[i]);
            *a->parked[i] = *s->fresh;
            s->fresh = NULL;
            return;
        }
    ck_abort_msg("a fifth order waits");
}

/* Read on to the journal's end. */
static void read_journal(struct play *p, struct step *s)
{
    static struct mr_entry e;
    size_t len;
    p->settled_now = 0;
    const uint8_t *log = mr_journal_mem_bytes(p->w.journal, MR_FAMILY_LOG, &len);
    while (p->log_at < len) {
        struct mr_frame f;
        ck_assert_int_eq(mr_frame_read(&f, log + p->log_at, len - p->log_at, NULL), MR_OK);
        const uint8_t *in = log + p->log_at + MR_FRAME_HEAD_BYTES;
        for (size_t at = 0, n; at < f.len; at += n) {
            ck_assert_int_eq(mr_entry_decode_first(&e, &n, in + at, f.len - at), MR_OK);
            if (e.kind == MR_ENTRY_SETTLED)
                on_settled(p, s, &e.u.settled);
            else if (e.kind == MR_ENTRY_PARKED)
                on_parked(p, s, &e.u.parked);
        }
        p->log_at += mr_frame_size(f.len);
    }
    ck_assert_ptr_null(s->voids);
    if (s->predicted == MR_SETTLED || s->predicted == MR_PARKED)
        ck_assert_msg(s->fresh == NULL, "%s was foreseen and is not in the journal",
                      mr_status_name(s->predicted));
    drop_lapsed(p);
}

/* --- orders ----------------------------------------------------------------------------------- */

static enum mr_status answered(struct play *p, enum mr_status got, enum mr_status want)
{
    const struct mr_order *o = &p->w.request->body.u.submit.order.order;
    ck_assert_msg(got == want, "request %d, kind %d, seq %llu: the ledger says %s, the model %s",
                  (int)p->w.request->body.kind, (int)o->body.kind, (unsigned long long)o->seq,
                  mr_status_name(got), mr_status_name(want));
    p->tally->answers[want]++;
    return want;
}

/* The slot is closed: its value, or NULL. */
static const struct m_slot *closed_slot(const struct m_account *a, uint64_t seq)
{
    return seq > 0 && seq < a->next ? &a->slots[seq] : NULL;
}

static void expect_receipt(struct play *p, const uint8_t value[32], bool voided)
{
    static struct mr_receipt_facts facts;
    const struct mr_rep_slot *r = &p->w.reply->body.u.submit;
    uint8_t id[32];
    ck_assert_uint_eq(r->receipt_count, 1);
    ck_assert_int_eq(mr_receipt_verify(&facts, &p->w.charter, NULL, &r->receipt[0]), MR_OK);
    ck_assert_int_eq(facts.voided, voided);
    if (voided)
        return;
    mr_order_id(id, &r->receipt[0].order[0].order);
    ck_assert_mem_eq(id, value, 32);
}

/* SUBMIT: what must be answered. *ret_held: the order waits already. */
static enum mr_status foresee(struct play *p, struct step *s, const struct deed *d, bool *ret_held)
{
    const struct mr_order *o = &d->o.order;
    struct m_account *a = model_find(&p->m, o->account);
    *ret_held = false;
    enum mr_status st = model_check(&p->m, d, true);
    if (a == NULL || !a->chain || st == MR_WRONG_LEDGER || st == MR_WRONG_CHAIN)
        return st;
    if (st == MR_SEQ_OLD) {
        const struct m_slot *slot = closed_slot(a, o->seq);
        if (slot != NULL && slot->voided)
            return MR_VOIDED;
        return slot != NULL && memcmp(slot->value, d->id, 32) == 0 ? MR_SETTLED : MR_SEQ_OLD;
    }
    const enum mr_status own = model_signed(&p->m, d);
    if (own != MR_OK)
        return own;
    struct deed **held = parked_at(a, o->seq);
    if (held != NULL) {
        *ret_held = memcmp((*held)->id, d->id, 32) == 0;
        return *ret_held ? MR_PARKED : MR_SLOT_TAKEN;
    }
    if (st == MR_OK) {
        st = model_check_first(&p->m, d); /* what that refuses does not wait */
        if (st != MR_OK)
            return st;
        st = MR_SETTLED;
    } else if (model_parks(st) && o->seq <= a->next + PARKED_MAX - 1) {
        s->cause = st;
        st = parked_count(a) == PARKED_MAX ? MR_TOO_MANY : MR_PARKED;
    }
    if (st == MR_SETTLED || st == MR_PARKED) {
        s->fresh = d;
        s->predicted = st;
    }
    return st;
}

void follow_submit(struct play *p, const struct deed *d)
{
    struct step s = {.predicted = MR_OK};
    bool held;
    struct m_account *a = model_find(&p->m, d->o.order.account);
    enum mr_status want = foresee(p, &s, d, &held);
    const enum mr_status got = world_submit(&p->w, &d->o);
    read_journal(p, &s);
    if (held) {
        const struct m_slot *slot = closed_slot(a, d->o.order.seq);
        if (slot != NULL)
            want = MR_SETTLED;
        else
            ck_assert_int_ne(model_check(&p->m, d, true), MR_OK);
    }
    answered(p, got, want);
    if (want == MR_SETTLED || want == MR_VOIDED)
        expect_receipt(p, d->id, want == MR_VOIDED);
    if (want == MR_PARKED && !held)
        ck_assert_uint_eq(p->w.reply->body.u.submit.cause, (uint32_t)s.cause);
}

void follow_check(struct play *p, const struct deed *d)
{
    struct step s = {.predicted = MR_OK};
    enum mr_status want = model_check(&p->m, d, false);
    if (want == MR_OK)
        want = model_check_first(&p->m, d);
    p->w.request->body.kind = MR_REQ_CHECK;
    p->w.request->body.u.check = d->o.order;
    const enum mr_status got = world_request(&p->w, NULL);
    ck_assert_msg(got == want, "CHECK of kind %d: the ledger says %s, the model %s",
                  (int)d->o.order.body.kind, mr_status_name(got), mr_status_name(want));
    read_journal(p, &s);
}

void follow_cancel(struct play *p, struct m_account *a, uint64_t seq, bool spoilt)
{
    struct mr_signed_cancel *c = &p->w.request->body.u.cancel;
    struct step s = {.predicted = MR_OK};
    enum mr_status want = spoilt ? MR_BAD_SIGNATURE : MR_VOIDED;
    const struct m_slot *slot = closed_slot(a, seq);
    memset(c, 0, sizeof *c);
    p->w.request->body.kind = MR_REQ_CANCEL;
    memcpy(c->cancel.ledger, p->m.ledger, 32);
    memcpy(c->cancel.account, a->id, 16);
    c->cancel.seq = seq;
    for (uint32_t i = 0; i < a->keys.threshold; i++)
        mr_cancel_sign(c, i, &p->secret[a->keys.key[i]]);
    if (spoilt)
        c->sigs[0].sig[5] ^= 1;
    else if (slot != NULL)
        want = slot->voided ? MR_VOIDED : MR_SETTLED; /* SLOT-10 */
    else if (seq != a->next || a->closed)
        want = MR_NOTHING_TO_CANCEL;
    else
        s.voids = a;
    const enum mr_status got = world_request(&p->w, NULL);
    read_journal(p, &s);
    ck_assert_msg(got == want, "CANCEL: the ledger says %s, the model %s", mr_status_name(got),
                  mr_status_name(want));
    p->tally->answers[want]++;
    if (want == MR_VOIDED || want == MR_SETTLED)
        expect_receipt(p, a->slots[seq].value, want == MR_VOIDED);
}

/* --- time, restarts --------------------------------------------------------------------------- */

void follow_tick(struct play *p, uint64_t ms)
{
    struct step s = {.predicted = MR_OK};
    struct mr_effects fx = {NULL, NULL};
    p->w.now_ms += ms;
    p->m.now_ms = p->w.now_ms;
    drop_lapsed(p);
    const struct mr_event ev = {.kind = MR_EV_TICK, .now_ms = p->w.now_ms};
    ck_assert_int_eq(mr_engine_step(p->w.engine, &ev, &fx), MR_OK);
    world_turn(&p->w);
    read_journal(p, &s);
}

void follow_rest(struct play *p)
{
    do
        follow_tick(p, 1000);
    while (p->settled_now > 0);
    for (uint32_t i = 0; i < p->m.accounts_count; i++) {
        struct m_account *a = &p->m.accounts[i];
        struct deed **w = parked_at(a, a->next);
        ck_assert_msg(w == NULL || model_check(&p->m, *w, true) != MR_OK,
                      "an order of kind %d waits though it could settle",
                      (int)(*w)->o.order.body.kind);
    }
}

void follow_restart(struct play *p, bool flush)
{
    if (flush)
        world_flush(&p->w);
    world_stop(&p->w);
    world_start(&p->w);
    p->tally->restarts++;
    follow_rest(p);
}

/* --- comparing -------------------------------------------------------------------------------- */

static void compare_account(struct play *p, const struct m_account *a)
{
    p->w.request->body.kind = MR_REQ_ACCOUNT;
    memcpy(p->w.request->body.u.account.account, a->id, 16);
    ck_assert_int_eq(world_request(&p->w, NULL), MR_OK);
    const struct mr_state_account *s = &p->w.reply->body.u.account.account;
    const struct mr_state_chain *c = &p->w.reply->body.u.account.hot.chain;
    ck_assert_int_eq(s->class, a->class);
    ck_assert_int_eq(s->frozen, a->frozen);
    ck_assert_int_eq(s->closed, a->closed);
    ck_assert_int_eq(s->credit, a->credit);
    ck_assert_uint_eq(s->generation, a->generation);
    ck_assert_uint_eq(c->next_seq, a->next);
    ck_assert_mem_eq(c->head, a->head, 32);
    ck_assert_uint_eq(c->time_ms, a->time_ms);
    ck_assert_int_eq(c->day_spent, a->day_spent);
    ck_assert_int_eq(c->month_spent, a->month_spent);
    ck_assert_uint_eq(p->w.reply->body.u.account.hot.credits, a->credits);
    for (uint32_t u = 0; u < UNITS; u++)
        ck_assert_int_eq(c->balances[u].minor, a->balance[u]);
}

static void compare_aliases(struct play *p)
{
    struct mr_req_lookup *q = &p->w.request->body.u.lookup;
    const uint32_t home = (uint32_t)play_random(p, HOMES);
    const char *alias = play_aliases[play_random(p, ALIASES)];
    const struct m_listing *l = model_listing(&p->m, home, alias);
    memset(q, 0, sizeof *q);
    p->w.request->body.kind = MR_REQ_LOOKUP;
    q->alias_len = (uint32_t)snprintf(q->alias, sizeof q->alias, "%s@%s", alias,
                                      p->m.charter->associations[home].alias);
    const bool listed = l != NULL && l->list.listed;
    const enum mr_status st = world_request(&p->w, NULL);
    ck_assert_int_eq(st, listed ? MR_OK : MR_ALIAS_UNKNOWN);
    if (!listed)
        return;
    ck_assert_mem_eq(p->w.reply->body.u.lookup.account, l->list.account, 16);
    ck_assert_uint_eq(p->w.reply->body.u.lookup.listing_count, 1);
    ck_assert_str_eq(p->w.reply->body.u.lookup.listing[0].town, l->list.town);
}

void follow_compare(struct play *p)
{
    for (uint32_t i = 0; i < p->m.accounts_count; i++)
        compare_account(p, &p->m.accounts[i]);
    compare_aliases(p);
}

void follow_compare_root(struct play *p)
{
    struct mr_checkpoint c;
    uint8_t root[32];
    int64_t supply[UNITS] = {0};
    world_flush(&p->w);
    ck_assert_int_eq(mr_state_sum(&c, p->w.store, &p->w.charter, &p->w.mem), MR_OK);
    model_root(&p->m, root);
    ck_assert_mem_eq(c.state_root, root, 32);
    for (uint32_t i = 0; i < p->m.accounts_count; i++)
        for (uint32_t u = 0; u < UNITS; u++) {
            const struct m_account *a = &p->m.accounts[i];
            const bool owes = a->class == MR_CLASS_ISSUER || a->class == MR_CLASS_WORLD;
            if (owes && a->balance[u] < 0)
                supply[u] -= a->balance[u];
        }
    for (uint32_t u = 0; u < UNITS; u++)
        ck_assert_int_eq(c.supply[u].issued, supply[u]); /* LED-51 */
}
