/* Orders as honest people write them, most of the time. */
#include <string.h>

#include "model/play.h"

const char *const play_aliases[ALIASES] = {"baker", "mill", "cafe-1", "press",
                                           "ab",    "x9",   "inn",    "ferry"};

#define TEXT(record, field, text)                                                                  \
    do {                                                                                           \
        (record)->field##_len = (uint32_t)strlen(text);                                            \
        memcpy((record)->field, text, strlen(text) + 1);                                           \
    } while (0)

static int64_t amount(struct play *p)
{
    static const int64_t scale[] = {1, 10, 100, 1000, 10000};
    return 1 + (int64_t)play_random(p, 10) * scale[play_random(p, 5)] + (int64_t)play_random(p, 10);
}

static struct m_account *member_of(struct play *p, uint32_t home)
{
    for (int i = 0; i < 20; i++) {
        struct m_account *a = play_member(p);
        if (a->home == home)
            return a;
    }
    return play_member(p);
}

static void some_keys(struct play *p, struct mr_keyset *k, uint32_t count, uint32_t threshold)
{
    const uint32_t first = (uint32_t)play_random(p, KEYS);
    k->keys_count = count;
    k->threshold = threshold;
    for (uint32_t i = 0; i < count; i++)
        k->keys[i] = p->public[(first + i) % KEYS];
}

/* --- bodies ----------------------------------------------------------------------------------- */

static void open_body(struct play *p, struct mr_open *b, uint32_t home)
{
    const uint32_t count = 1 + (uint32_t)play_random(p, 2);
    const uint64_t id[2] = {play_random(p, UINT64_MAX), play_random(p, UINT64_MAX)};
    memcpy(b->account, id, 16);
    memcpy(b->account, p->m.charter->associations[home].id, 4);
    b->class = (enum mr_account_class)(MR_CLASS_RESIDENT + play_random(p, 6));
    some_keys(p, &b->keys, count, 1 + (uint32_t)play_random(p, count));
    memset(b->enc_key, (int)play_random(p, 256), 32);
    if (play_chance(p, 2))
        memset(b->reader_key, (int)play_random(p, 256), 32);
}

static void pay_body(struct play *p, struct deed *d, const struct m_account *a)
{
    struct mr_pay *b = &d->o.order.body.u.pay;
    const struct m_account *own = model_sub(&p->m, a->home, MR_CLASS_OWN);
    const uint32_t count = 1 + (uint32_t)play_random(p, 5);
    const int64_t has =
        a->class == MR_CLASS_TREASURY ? own->balance[0] : a->balance[0] + model_credit(a);
    const uint32_t day = model_day(d->o.order.time_ms);
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct m_account *to = play_member(p);
        bool twice = to == a;
        for (uint32_t k = 0; k < b->lines_count; k++)
            twice = twice || memcmp(b->lines[k].payee, to->id, 16) == 0;
        if (twice && !play_chance(p, 20))
            continue;
        struct mr_pay_line *l = &b->lines[b->lines_count++];
        memcpy(l->payee, to->id, 16);
        l->what = MR_LINE_PAYMENT;
        l->amount = amount(p);
        if (has > 10 && !play_chance(p, 6))
            l->amount = 1 + (int64_t)play_random(p, (uint64_t)has) / (1 + (int64_t)count);
        sum += l->amount;
    }
    if (a->class == MR_CLASS_TREASURY)
        return;
    const int64_t fee = model_fee(model_policy_on(&p->m, day), MR_KIND_PAY, a->class, sum, day);
    if (fee == 0)
        return;
    struct mr_pay_line *l = &b->lines[b->lines_count++];
    memcpy(l->payee, own->id, 16);
    l->amount = fee;
    l->what = MR_LINE_FEE;
}

static void bank_ref(struct play *p, uint8_t ret[32])
{
    const uint64_t n = play_random(p, UINT64_MAX);
    mr_hash(ret, "test/bank", &n, sizeof n, NULL, 0);
}

static void issue_body(struct play *p, struct mr_issue *b, uint32_t home)
{
    b->banks_count = 1 + (uint32_t)play_random(p, 3);
    b->lines_count = b->banks_count + (uint32_t)play_random(p, 3);
    for (uint32_t i = 0; i < b->banks_count; i++)
        bank_ref(p, b->banks[i].ref);
    for (uint32_t i = 0; i < b->lines_count; i++) {
        struct mr_issue_line *l = &b->lines[i];
        memcpy(l->member, member_of(p, home)->id, 16);
        l->amount = amount(p);
        l->bank = i < b->banks_count ? i : (uint32_t)play_random(p, b->banks_count);
        b->banks[l->bank].amount += l->amount;
    }
}

static void redeem_body(struct play *p, struct deed *d, const struct m_account *a)
{
    struct mr_redeem *b = &d->o.order.body.u.redeem;
    const uint32_t day = model_day(d->o.order.time_ms);
    memcpy(b->association, p->m.charter->associations[play_random(p, HOMES)].id, 16);
    b->amount = amount(p);
    if (a->balance[0] > 0 && !play_chance(p, 5))
        b->amount = 1 + (int64_t)play_random(p, (uint64_t)a->balance[0]);
    b->fee = model_fee(model_policy_on(&p->m, day), MR_KIND_REDEEM, a->class, b->amount, day);
}

/* An open redemption of the association if there is one. */
static const struct m_redemption *some_redemption(struct play *p, uint32_t home)
{
    const struct m_redemption *r = NULL;
    for (int i = 0; i < 20 && p->m.redemptions_count > 0; i++) {
        r = &p->m.redemptions[play_random(p, p->m.redemptions_count)];
        if (r->by == home && (r->done == 0 || play_chance(p, 10)))
            return r;
    }
    return r;
}

static void setkeys_body(struct play *p, struct mr_setkeys *b, const struct m_account *a)
{
    const uint32_t n = (uint32_t)play_random(p, 2);
    b->generation = a->generation + 1;
    if (model_is_member(a->class))
        some_keys(p, &b->keys, 1 + n, 1 + (uint32_t)play_random(p, 1 + n));
    else if (a->class == MR_CLASS_DESK)
        some_keys(p, &b->keys, 1 + n, 1);
    else
        some_keys(p, &b->keys, 2 + n, 2);
    memset(b->enc_key, (int)play_random(p, 256), 32);
}

static void list_body(struct play *p, struct mr_list *b, uint32_t home)
{
    struct m_account *a = member_of(p, home);
    const struct m_listing *old = model_listing_of(&p->m, a->id);
    const char *alias = play_aliases[play_random(p, ALIASES)];
    memcpy(b->account, a->id, 16);
    b->listed = old == NULL || !play_chance(p, 2);
    if (old != NULL && (!b->listed || play_chance(p, 3)))
        alias = old->list.alias;
    TEXT(b, alias, alias);
    TEXT(b, name, "Name");
    const char *town = play_chance(p, 2) ? "Here" : "There";
    TEXT(b, town, town);
}

static void grant_body(struct play *p, struct mr_grant *b, const struct m_account *a, bool lower)
{
    memcpy(b->account, a->id, 16);
    b->credit = a->credit + (play_chance(p, 2) ? amount(p) : 0);
    b->limit_payment = a->limits[0] + (play_chance(p, 3) ? amount(p) * 10 : 0);
    b->limit_day = a->limits[1] + (play_chance(p, 3) ? amount(p) * 10 : 0);
    b->limit_month = a->limits[2] + (play_chance(p, 3) ? amount(p) * 100 : 0);
    if (!lower)
        return;
    b->credit = (int64_t)play_random(p, 2) * amount(p);
    b->limit_payment = play_chance(p, 2) ? 0 : amount(p);
    b->limit_day = play_chance(p, 2) ? 0 : amount(p);
}

static void sweep_body(struct play *p, struct mr_sweep *b, uint32_t home)
{
    struct m_account *a = member_of(p, home);
    for (uint32_t i = 0; i < p->m.accounts_count; i++)
        if (p->m.accounts[i].closed && p->m.accounts[i].balance[0] > 0 && !play_chance(p, 4))
            a = &p->m.accounts[i];
    memcpy(b->account, a->id, 16);
    b->amount = a->balance[0] > 0 && !play_chance(p, 4) ? a->balance[0] : amount(p);
}

/* Who signs for a key set: as many as needed, from one of them on. */
static uint32_t some_signers(struct play *p, struct signer *ret, const struct m_keys *k)
{
    const uint32_t first = (uint32_t)play_random(p, k->count - k->threshold + 1);
    for (uint32_t i = 0; i < k->threshold; i++)
        ret[i] = (struct signer){.index = first + i, .key = k->key[first + i]};
    return k->threshold;
}

static void clear_body(struct play *p, struct deed *d, const struct m_account *a)
{
    struct mr_clear *b = &d->o.order.body.u.clear;
    const uint32_t to = (a->home + 1 + (uint32_t)play_random(p, HOMES - 1)) % HOMES;
    const struct m_account *by = model_sub(&p->m, to, MR_CLASS_TREASURY);
    const int64_t has = model_sub(&p->m, a->home, MR_CLASS_RESERVE)->balance[1];
    const struct m_keys *keys = &by->keys;
    memcpy(b->clearing.from, p->m.charter->associations[a->home].id, 16);
    memcpy(b->clearing.to, p->m.charter->associations[to].id, 16);
    b->clearing.amount = has + amount(p);
    if (has > 0 && !play_chance(p, 4))
        b->clearing.amount = 1 + (int64_t)play_random(p, (uint64_t)has);
    bank_ref(p, b->clearing.bank_ref);
    b->generation = by->generation;
    if (by->past_count > 0 && play_chance(p, 6)) {
        keys = &by->past[0].keys;
        b->generation--;
    }
    model_keyset(&p->m, &b->keys, keys);
    d->counter_count = some_signers(p, d->counter, keys);
}

/* A member whose keys somebody may take over, if there is one. */
static struct m_account *threatened(struct play *p, struct m_account *otherwise)
{
    const uint32_t first = (uint32_t)play_random(p, p->m.accounts_count);
    for (uint32_t i = 0; i < p->m.accounts_count; i++) {
        struct m_account *a = &p->m.accounts[(first + i) % p->m.accounts_count];
        if (model_recovery(a, 0) != NULL)
            return a;
    }
    return otherwise;
}

static void recover_body(struct play *p, struct mr_recover *b, uint32_t home)
{
    const struct m_account *a = member_of(p, home);
    if (play_chance(p, 3))
        a = threatened(p, member_of(p, home));
    memcpy(b->account, a->id, 16);
    setkeys_body(p, &b->keys, a);
}

static void takeover_body(struct play *p, struct mr_takeover *b, const struct m_account *a)
{
    const struct m_account *by = model_sub(&p->m, a->home, MR_CLASS_TREASURY);
    const struct m_recovery *r = model_recovery(a, 0);
    if (a->recoveries_count > 0 && (r == NULL || play_chance(p, 3)))
        r = &a->recoveries[play_random(p, a->recoveries_count)];
    setkeys_body(p, &b->keys, a);
    if (r != NULL) {
        b->recover = r->seq;
        b->keys = r->keys;
    }
    const bool past = by->past_count > 0 && play_chance(p, 6);
    b->generation = by->generation - (past ? 1 : 0);
    model_keyset(&p->m, &b->treasury, past ? &by->past[0].keys : &by->keys);
}

static void policy_body(struct play *p, struct mr_policy *b, const struct mr_order *o)
{
    const struct mr_policy *last = &p->m.policies[p->m.policies_count - 1];
    *b = *last;
    b->version = last->version + 1;
    b->start_day = model_day(o->not_after_ms) + 14 + (uint32_t)play_random(p, 5);
    if (b->start_day < last->start_day)
        b->start_day = last->start_day;
    for (uint32_t i = 0; i < b->classes_count; i++) {
        b->classes[i].limit_day += amount(p);
        b->classes[i].may_receive = !play_chance(p, 12);
        b->classes[i].may_redeem = play_chance(p, 2);
        b->classes[i].redeem_min = amount(p);
    }
    if (b->fees_count > 0)
        b->fees[play_random(p, b->fees_count)].basis_points = (uint32_t)play_random(p, 1000);
}

static void body(struct play *p, struct deed *d, struct m_account *a)
{
    struct mr_order_body *b = &d->o.order.body;
    const struct m_redemption *r = some_redemption(p, a->home);
    switch (b->kind) {
    case MR_KIND_OPEN:
        open_body(p, &b->u.open, a->home);
        break;
    case MR_KIND_PAY:
        pay_body(p, d, a);
        break;
    case MR_KIND_ISSUE:
        issue_body(p, &b->u.issue, a->home);
        break;
    case MR_KIND_REDEEM:
        redeem_body(p, d, a);
        break;
    case MR_KIND_PAYOUT:
        b->u.payout.redemption.amount = 1;
        bank_ref(p, b->u.payout.bank_ref);
        if (r != NULL) {
            b->u.payout.redemption = r->ref;
            b->u.payout.fee = r->fee;
        }
        break;
    case MR_KIND_RETURN:
        b->u.return_.redemption.amount = 1;
        if (r != NULL)
            b->u.return_.redemption = r->ref;
        break;
    case MR_KIND_SETKEYS:
        setkeys_body(p, &b->u.setkeys, a);
        break;
    case MR_KIND_FLAG:
        a = member_of(p, a->home);
        memcpy(b->u.flag.account, a->id, 16);
        b->u.flag.frozen = !a->frozen;
        b->u.flag.reason = MR_REASON_OWNER;
        break;
    case MR_KIND_LIST:
        list_body(p, &b->u.list, a->home);
        break;
    case MR_KIND_CLOSE:
    case MR_KIND_NEXT:
    case MR_KIND_CUT:
    case MR_KIND_CHECKPOINT:
        break;
    case MR_KIND_GRANT:
        grant_body(p, &b->u.grant, member_of(p, a->home), false);
        break;
    case MR_KIND_SWEEP:
        sweep_body(p, &b->u.sweep, a->home);
        break;
    case MR_KIND_CLEAR:
        clear_body(p, d, a);
        break;
    case MR_KIND_RECOVER:
        recover_body(p, &b->u.recover, a->home);
        break;
    case MR_KIND_STOP:
        b->u.stop.upto = a->recoveries_count > 0
                             ? a->recoveries[a->recoveries_count - 1].seq - play_random(p, 2)
                             : play_random(p, 3);
        break;
    case MR_KIND_TAKEOVER:
        takeover_body(p, &b->u.takeover, a);
        break;
    case MR_KIND_POLICY:
        policy_body(p, &b->u.policy, &d->o.order);
        break;
    case MR_KIND_CAP:
        memcpy(b->u.cap.association, p->m.charter->associations[play_random(p, HOMES)].id, 16);
        b->u.cap.cap = 50000 + (int64_t)play_random(p, 500000);
        break;
    case MR_KIND_LOWER:
        grant_body(p, &b->u.lower, play_member(p), true);
        break;
    }
}

/* --- the order around it ---------------------------------------------------------------------- */

void build_on(struct play *p, struct deed *d, struct m_account *a, enum mr_order_kind kind)
{
    static const uint64_t valid[] = {3600000, MR_DAY_MS, 7 * MR_DAY_MS, 31 * MR_DAY_MS};
    struct mr_order *o = &d->o.order;
    memset(d, 0, sizeof *d);
    o->version = 1;
    memcpy(o->ledger, p->m.ledger, 32);
    memcpy(o->account, a->id, 16);
    o->seq = a->next;
    memcpy(o->prev, a->head, 32);
    o->time_ms = p->m.now_ms > a->time_ms ? p->m.now_ms : a->time_ms;
    for (uint32_t i = 0; i < PARKED_MAX && !play_chance(p, 4); i++)
        for (uint32_t k = 0; k < PARKED_MAX; k++)
            if (a->parked[k] != NULL && a->parked[k]->o.order.seq == o->seq) {
                memcpy(o->prev, a->parked[k]->id, 32);
                if (o->time_ms < a->parked[k]->o.order.time_ms)
                    o->time_ms = a->parked[k]->o.order.time_ms;
                o->seq++;
            }
    o->not_after_ms = o->time_ms + valid[play_random(p, 4)];
    o->policy = model_policy_on(&p->m, model_day(o->time_ms))->version;
    p->w.salt++;
    memcpy(o->salt, &p->w.salt, sizeof p->w.salt);
    o->body.kind = kind;
    body(p, d, a);
    build_sign(p, d);
}

void build_sign(struct play *p, struct deed *d)
{
    const struct m_account *a = model_find(&p->m, d->o.order.account);
    const struct m_keys *k = &a->keys;
    if (d->o.order.body.kind == MR_KIND_TAKEOVER)
        model_named_keys(model_sub(&p->m, a->home, MR_CLASS_TREASURY), &k,
                         d->o.order.body.u.takeover.generation, 0);
    d->signers_count = some_signers(p, d->signers, k);
}

static void countersign(struct play *p, struct deed *d)
{
    static struct mr_clear one;
    struct mr_clear *b = &d->o.order.body.u.clear;
    b->sigs_count = d->counter_count;
    for (uint32_t i = 0; i < d->counter_count; i++) {
        one.clearing = b->clearing;
        one.sigs_count = 0;
        mr_clear_sign(&one, p->m.ledger, d->counter[i].index, &p->secret[d->counter[i].key]);
        b->sigs[i] = one.sigs[0];
        if (d->counter[i].spoilt)
            b->sigs[i].sig[play_random(p, 64)] ^= 4;
    }
}

void build_finish(struct play *p, struct deed *d)
{
    static struct mr_signed_order one;
    if (d->o.order.body.kind == MR_KIND_CLEAR)
        countersign(p, d);
    mr_order_id(d->id, &d->o.order);
    d->o.sigs_count = d->signers_count;
    for (uint32_t i = 0; i < d->signers_count; i++) {
        one.order = d->o.order;
        one.sigs_count = 0;
        mr_order_sign(&one, d->signers[i].index, &p->secret[d->signers[i].key]);
        d->o.sigs[i] = one.sigs[0];
        if (d->signers[i].spoilt)
            d->o.sigs[i].sig[play_random(p, 64)] ^= 4;
    }
}

void build(struct play *p, struct deed *d, enum mr_order_kind kind)
{
    struct m_account *a = play_member(p);
    const uint32_t home = (uint32_t)play_random(p, HOMES);
    switch (kind) {
    case MR_KIND_OPEN:
    case MR_KIND_FLAG:
    case MR_KIND_LIST:
        a = model_sub(&p->m, home, MR_CLASS_DESK);
        break;
    case MR_KIND_ISSUE:
    case MR_KIND_PAYOUT:
    case MR_KIND_RETURN:
    case MR_KIND_GRANT:
    case MR_KIND_SWEEP:
    case MR_KIND_CLEAR:
    case MR_KIND_RECOVER:
        a = model_sub(&p->m, home, MR_CLASS_TREASURY);
        break;
    case MR_KIND_STOP:
    case MR_KIND_TAKEOVER:
        a = threatened(p, a);
        break;
    case MR_KIND_POLICY:
    case MR_KIND_CAP:
    case MR_KIND_LOWER:
        a = model_sub(&p->m, NO_HOME, MR_CLASS_SYSTEM);
        break;
    case MR_KIND_PAY:
        if (play_chance(p, 12))
            a = model_sub(&p->m, home, MR_CLASS_TREASURY);
        for (int i = 0; i < 3 && model_is_member(a->class) && a->balance[0] <= 0; i++)
            a = play_member(p);
        break;
    case MR_KIND_SETKEYS:
        if (play_chance(p, 4)) {
            static const enum mr_account_class c[] = {MR_CLASS_DESK, MR_CLASS_TREASURY};
            a = model_sub(&p->m, home, c[play_random(p, 2)]);
        } else if (play_chance(p, 8)) {
            a = model_sub(&p->m, NO_HOME, MR_CLASS_SYSTEM);
        }
        break;
    case MR_KIND_REDEEM:
        for (int i = 0; i < 4 && (a->class != MR_CLASS_SHOP || a->balance[0] <= 0); i++)
            a = play_member(p);
        break;
    case MR_KIND_CLOSE:
    case MR_KIND_NEXT:
    case MR_KIND_CUT:
    case MR_KIND_CHECKPOINT:
        break;
    }
    build_on(p, d, a, kind);
}
