/* What people order: a wish, planned, signed and remembered. */
#include <string.h>

#include "mereau/assert.h"
#include "mereau/order.h"
#include "mereau/time.h"
#include "sim/sim.h"
#include "sim/truth.h"

enum { DAYS = 7 };

void owner_keys(const struct owner *w, uint32_t generation, struct mr_seckey ret[2],
                struct mr_keyset *ret_public)
{
    if (ret_public != NULL)
        *ret_public = (struct mr_keyset){.threshold = w->keys, .keys_count = w->keys};
    for (uint32_t i = 0; i < w->keys; i++) {
        const uint32_t which[3] = {w->index, generation, i};
        struct mr_seckey secret;
        struct mr_pubkey public;
        uint8_t seed[32];
        mr_hash(seed, "sim/owner-key", which, sizeof which, NULL, 0);
        mr_seckey_from_seed(&secret, &public, seed);
        if (ret != NULL)
            ret[i] = secret;
        if (ret_public != NULL)
            ret_public->keys[i] = public;
    }
}

/* --- wishes ----------------------------------------------------------------------------------- */

static struct owner *any_member(struct sim *s, const struct owner *but, uint32_t association)
{
    struct owner *found[OWNERS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->owners_count; i++) {
        struct owner *o = &s->owners[i];
        if (o->role == ROLE_MEMBER && o->opened && o != but &&
            (association == MR_ASSOCIATIONS_MAX || o->association == association))
            found[count++] = o;
    }
    return count == 0 ? NULL : found[rng_below(&s->people, count)];
}

static bool wish_pay(struct sim *s, struct owner *w)
{
    struct mr_pay *p = &s->order.order.body.u.pay;
    const bool poor = rng_chance(&s->people, s->w.poor);
    int64_t most = w->balance / 2 + (poor ? 20000 : 0);
    const uint64_t lines = rng_between(&s->people, 1, 3);
    s->order.order.body.kind = MR_KIND_PAY;
    for (uint64_t i = 0; i < lines && most > 1; i++) {
        const struct owner *to = any_member(s, w, MR_ASSOCIATIONS_MAX);
        bool twice = to == NULL;
        for (uint32_t k = 0; k < p->lines_count && !twice; k++)
            twice = memcmp(p->lines[k].payee, to->account, 16) == 0;
        if (twice)
            continue;
        struct mr_pay_line *l = &p->lines[p->lines_count++];
        memcpy(l->payee, to->account, 16);
        l->amount = (int64_t)rng_between(&s->people, 1, (uint64_t)most);
        l->what = MR_LINE_PAYMENT;
        most -= l->amount;
    }
    return p->lines_count > 0;
}

static bool wish_redeem(struct sim *s, struct owner *w)
{
    struct mr_redeem *r = &s->order.order.body.u.redeem;
    const struct mr_policy *policy = &s->charter.policy;
    if (w->balance < 200)
        return false;
    s->order.order.body.kind = MR_KIND_REDEEM;
    memcpy(r->association, s->charter.associations[w->association].id, 16);
    r->amount = (int64_t)rng_between(&s->people, 200, (uint64_t)w->balance);
    r->fee =
        mr_fee_of(policy, MR_KIND_REDEEM, w->class, r->amount, mr_day_of(s->order.order.time_ms));
    return true;
}

static void wish_setkeys(struct sim *s, const struct owner *w)
{
    struct mr_setkeys *k = &s->order.order.body.u.setkeys;
    s->order.order.body.kind = MR_KIND_SETKEYS;
    k->generation = w->generation + 1;
    owner_keys(w, k->generation, NULL, &k->keys);
}

static bool wish_member(struct sim *s, struct owner *w)
{
    if (rng_chance(&s->people, s->w.rotations)) {
        wish_setkeys(s, w);
        return true;
    }
    if (w->class == MR_CLASS_SHOP && rng_chance(&s->people, 200))
        return wish_redeem(s, w);
    return wish_pay(s, w);
}

static void wish_open(struct sim *s, const struct owner *member)
{
    struct mr_open *o = &s->order.order.body.u.open;
    s->order.order.body.kind = MR_KIND_OPEN;
    memcpy(o->account, member->account, 16);
    o->class = member->class;
    owner_keys(member, 1, NULL, &o->keys);
}

/* A dishonest desk sees another one's OPEN on its way, and opens that id with keys of its own. */
static bool wish_theft(struct sim *s, const struct owner *w)
{
    struct mr_open *o = &s->order.order.body.u.open;
    for (uint32_t i = 0; w->thief && i < s->truth.orders_count; i++) {
        const struct known_order *k = &s->truth.orders[i];
        const struct owner *whose = k->kind == MR_KIND_OPEN ? truth_owner(s, k->about) : NULL;
        if (whose == NULL || whose->association == w->association || whose->opened)
            continue;
        wish_open(s, whose);
        owner_keys(w, 1, NULL, &o->keys);
        return true;
    }
    return false;
}

static bool wish_flag(struct sim *s, const struct owner *w)
{
    struct owner *who = any_member(s, NULL, w->association);
    struct mr_flag *f = &s->order.order.body.u.flag;
    if (who == NULL)
        return false;
    s->order.order.body.kind = MR_KIND_FLAG;
    memcpy(f->account, who->account, 16);
    f->frozen = !who->frozen;
    f->reason = MR_REASON_OTHER;
    who->ever_frozen = true;
    return true;
}

static bool wish_list(struct sim *s, const struct owner *w)
{
    const struct owner *who = any_member(s, NULL, w->association);
    struct mr_list *l = &s->order.order.body.u.list;
    if (who == NULL)
        return false;
    s->order.order.body.kind = MR_KIND_LIST;
    memcpy(l->account, who->account, 16);
    l->listed = true;
    l->alias_len = (uint32_t)snprintf(l->alias, sizeof l->alias, "member-%u-%llu", who->index,
                                      (unsigned long long)w->next_seq);
    return true;
}

static bool wish_desk(struct sim *s, struct owner *w)
{
    if (wish_theft(s, w))
        return true;
    for (uint32_t i = 0; i < s->owners_count; i++) {
        struct owner *o = &s->owners[i];
        if (o->role != ROLE_MEMBER || o->association != w->association || o->opened)
            continue;
        wish_open(s, o);
        return true;
    }
    if (rng_chance(&s->people, s->w.freezes))
        return wish_flag(s, w);
    return rng_chance(&s->people, 100) && wish_list(s, w);
}

static bool wish_issue(struct sim *s, struct owner *w)
{
    struct mr_issue *b = &s->order.order.body.u.issue;
    const struct owner *to = any_member(s, NULL, w->association);
    if (to == NULL)
        return false;
    s->order.order.body.kind = MR_KIND_ISSUE;
    b->banks_count = b->lines_count = 1;
    rng_bytes(&s->people, b->banks[0].ref, 32);
    b->banks[0].amount = b->lines[0].amount = (int64_t)rng_between(&s->people, 1000, 50000);
    memcpy(b->lines[0].member, to->account, 16);
    return true;
}

/* An open redemption of the association, to be paid or given back. */
static bool wish_payout(struct sim *s, struct owner *w)
{
    struct mr_order_body *b = &s->order.order.body;
    for (uint32_t i = 0; i < s->truth.orders_count; i++) {
        struct known_order *k = &s->truth.orders[i];
        const struct owner *of = &s->owners[k->owner];
        const struct slot *at = truth_slot(s, k->owner, k->seq);
        if (k->kind != MR_KIND_REDEEM || k->used || of->association != w->association ||
            !at->settled || memcmp(at->value, k->id, 32) != 0)
            continue;
        k->used = true;
        struct mr_redemption_ref *r = &b->u.payout.redemption;
        b->kind = rng_chance(&s->people, 800) ? MR_KIND_PAYOUT : MR_KIND_RETURN;
        if (b->kind == MR_KIND_RETURN)
            r = &b->u.return_.redemption;
        memcpy(r->account, of->account, 16);
        r->seq = k->seq;
        memcpy(r->order, k->id, 32);
        r->amount = k->amount;
        if (b->kind == MR_KIND_PAYOUT) {
            b->u.payout.fee = mr_fee_of(&s->charter.policy, MR_KIND_REDEEM, of->class, k->amount,
                                        mr_day_of(s->order.order.time_ms));
            rng_bytes(&s->people, b->u.payout.bank_ref, 32);
        }
        return true;
    }
    return false;
}

static bool wish_governance(struct sim *s)
{
    struct mr_cap *c = &s->order.order.body.u.cap;
    const uint64_t i = rng_below(&s->people, s->charter.associations_count);
    if (govern_next(s))
        return true;
    if (!rng_chance(&s->people, 50))
        return false;
    s->order.order.body.kind = MR_KIND_CAP;
    memcpy(c->association, s->charter.associations[i].id, 16);
    c->cap = (int64_t)rng_between(&s->people, 1000000000, 2000000000);
    return true;
}

static bool wish(struct sim *s, struct owner *w)
{
    switch (w->role) {
    case ROLE_MEMBER:
        return wish_member(s, w);
    case ROLE_DESK:
        return wish_desk(s, w);
    case ROLE_TREASURY:
        return wish_payout(s, w) || wish_issue(s, w);
    case ROLE_GOVERNANCE:
        return wish_governance(s);
    case ROLE_CHECKPOINTS:
        return false;
    }
    mr_bug("role");
}

/* --- orders ----------------------------------------------------------------------------------- */

static void sign(struct sim *s, struct owner *w)
{
    struct mr_seckey keys[2];
    owner_keys(w, w->generation, keys, NULL);
    s->order.sigs_count = 0;
    for (uint32_t i = 0; i < w->keys; i++)
        mr_order_sign(&s->order, i, &keys[i]);
    w->orders[w->orders_count++] = truth_order(s, &s->order, w->index);
}

bool order_make(struct sim *s, struct owner *w)
{
    struct mr_order *o = &s->order.order;
    const uint64_t now_ms = SIM_START_MS + s->clock.now_us / 1000;
    memset(&s->order, 0, sizeof s->order);
    o->version = 1;
    memcpy(o->ledger, s->ledger, 32);
    memcpy(o->account, w->account, 16);
    o->seq = w->next_seq;
    memcpy(o->prev, w->prev, 32);
    o->time_ms = now_ms > w->time_ms ? now_ms : w->time_ms;
    o->not_after_ms = o->time_ms + DAYS * MR_DAY_MS;
    if (rng_chance(&s->people, s->w.short_lived))
        o->not_after_ms = o->time_ms + rng_between(&s->people, 500, 20000);
    o->policy = 1;
    rng_bytes(&s->people, o->salt, sizeof o->salt);
    if (!wish(s, w))
        return false;
    w->orders_count = 0;
    sign(s, w);
    return true;
}

void order_vary(struct sim *s, struct owner *w)
{
    struct mr_order *o = &s->order.order;
    rng_bytes(&s->people, o->salt, sizeof o->salt);
    if (o->body.kind == MR_KIND_PAY) {
        const struct owner *to = any_member(s, w, MR_ASSOCIATIONS_MAX);
        o->body.u.pay.lines_count = 1;
        if (to != NULL)
            memcpy(o->body.u.pay.lines[0].payee, to->account, 16);
    }
    sign(s, w);
    truth_slot(s, w->index, w->next_seq)->conflict = true;
}

void order_cancel(struct sim *s, const struct owner *w, struct mr_signed_cancel *ret)
{
    struct mr_seckey keys[2];
    *ret = (struct mr_signed_cancel){.cancel = {.seq = w->next_seq}};
    memcpy(ret->cancel.ledger, s->ledger, 32);
    memcpy(ret->cancel.account, w->account, 16);
    owner_keys(w, w->generation, keys, NULL);
    for (uint32_t i = 0; i < w->keys; i++)
        mr_cancel_sign(ret, i, &keys[i]);
    truth_slot(s, w->index, w->next_seq)->cancelled = true;
}
