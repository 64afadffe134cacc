/* The state of the naive ledger, and how settled orders change it. */
#include "model/model.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* --- looking things up -------------------------------------------------------------------------
 */

struct m_account *model_find(struct model *m, const uint8_t id[16])
{
    for (uint32_t i = 0; i < m->accounts_count; i++)
        if (memcmp(m->accounts[i].id, id, 16) == 0)
            return &m->accounts[i];
    return NULL;
}

struct m_account *model_sub(struct model *m, uint32_t home, enum mr_account_class class)
{
    for (uint32_t i = 0; i < m->accounts_count; i++)
        if (m->accounts[i].class == class && m->accounts[i].home == home)
            return &m->accounts[i];
    return NULL;
}

uint32_t model_home(const struct model *m, const uint8_t association[16])
{
    uint32_t i = 0;
    while (i < HOMES && memcmp(m->charter->associations[i].id, association, 16) != 0)
        i++;
    return i;
}

const struct mr_policy *model_policy_on(const struct model *m, uint32_t day)
{
    const struct mr_policy *best = &m->policies[0];
    for (uint32_t i = 0; i < m->policies_count; i++)
        if (m->policies[i].start_day <= day)
            best = &m->policies[i];
    return best;
}

bool model_is_member(enum mr_account_class class)
{
    return class >= MR_CLASS_RESIDENT && class <= MR_CLASS_FUND;
}

uint32_t model_day(uint64_t time_ms)
{
    return (uint32_t)(time_ms / 86400000);
}

uint32_t model_month(uint32_t day)
{
    static const uint32_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t year = 1970, month = 0;
    for (;;) {
        const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        const uint32_t n = days[month] + (month == 1 && leap ? 1 : 0);
        if (day < n)
            return year * 12 + month;
        day -= n;
        month = (month + 1) % 12;
        year += month == 0 ? 1 : 0;
    }
}

struct m_listing *model_listing_of(struct model *m, const uint8_t account[16])
{
    for (uint32_t i = 0; i < m->listings_count; i++)
        if (m->listings[i].list.listed && memcmp(m->listings[i].list.account, account, 16) == 0)
            return &m->listings[i];
    return NULL;
}

struct m_listing *model_listing(struct model *m, uint32_t home, const char *alias)
{
    for (uint32_t i = 0; i < m->listings_count; i++)
        if (m->listings[i].home == home && strcmp(m->listings[i].list.alias, alias) == 0)
            return &m->listings[i];
    return NULL;
}

/* --- genesis ---------------------------------------------------------------------------------- */

static struct m_account *add(struct model *m, const uint8_t id[16], enum mr_account_class class,
                             uint32_t home)
{
    ck_assert_uint_lt(m->accounts_count, ACCOUNTS_MAX);
    struct m_account *a = &m->accounts[m->accounts_count++];
    memcpy(a->id, id, 16);
    a->class = class;
    a->home = home;
    return a;
}

static struct m_account *derive(struct model *m, uint32_t home, enum mr_account_class class,
                                const struct m_keys *keys)
{
    static const uint8_t none[16] = {0};
    const uint8_t *of = home == NO_HOME ? none : m->charter->associations[home].id;
    const char *text = mr_account_class_text(class);
    uint8_t h[32];
    mr_hash(h, "mereau/sub-account", of, 16, text, strlen(text));
    memcpy(h, of, 4);
    struct m_account *a = add(m, h, class, home);
    if (keys != NULL) {
        a->chain = true;
        a->keys = *keys;
        a->generation = 1;
        a->next = 1;
    }
    return a;
}

void model_genesis(struct model *m, const struct mr_charter *charter, const uint8_t ledger[32],
                   const struct mr_pubkey *public, const struct m_keys desk[HOMES],
                   const struct m_keys treasury[HOMES], const struct m_keys *governance)
{
    static const struct m_keys node = {0};
    memset(m, 0, sizeof *m);
    m->charter = charter;
    memcpy(m->ledger, ledger, 32);
    m->public = public;
    derive(m, NO_HOME, MR_CLASS_SYSTEM, governance);
    derive(m, NO_HOME, MR_CLASS_CHECKPOINTS, &node);
    derive(m, NO_HOME, MR_CLASS_WORLD, NULL);
    for (uint32_t i = 0; i < HOMES; i++) {
        derive(m, i, MR_CLASS_DESK, &desk[i]);
        derive(m, i, MR_CLASS_TREASURY, &treasury[i]);
        derive(m, i, MR_CLASS_ISSUER, NULL)->credit = charter->associations[i].cap;
        derive(m, i, MR_CLASS_RESERVE, NULL);
        derive(m, i, MR_CLASS_REDEEMED, NULL);
        derive(m, i, MR_CLASS_OWN, NULL);
    }
    m->policies[m->policies_count++] = charter->policy;
}

void model_done(struct model *m)
{
    for (uint32_t i = 0; i < m->accounts_count; i++)
        for (uint32_t k = 0; k < PARKED_MAX; k++)
            free(m->accounts[i].parked[k]);
}

/* --- settling --------------------------------------------------------------------------------- */

static void note_bank(struct model *m, uint32_t home, const uint8_t ref[32],
                      const struct mr_order *o)
{
    ck_assert_uint_lt(m->banks_count, BANKS_MAX);
    struct m_bank *b = &m->banks[m->banks_count++];
    b->home = home;
    memcpy(b->ref, ref, 32);
    memcpy(b->slot.account, o->account, 16);
    b->slot.seq = o->seq;
}

void model_keyset(const struct model *m, struct mr_keyset *ret, const struct m_keys *k)
{
    ret->threshold = k->threshold;
    ret->keys_count = k->count;
    for (uint32_t i = 0; i < k->count; i++)
        ret->keys[i] = m->public[k->key[i]];
}

static void key_set(struct model *m, struct m_keys *ret, const struct mr_keyset *k)
{
    ret->count = k->keys_count;
    ret->threshold = k->threshold;
    for (uint32_t i = 0; i < k->keys_count; i++)
        for (uint32_t n = 0; n < KEYS; n++)
            if (memcmp(m->public[n].key, k->keys[i].key, 32) == 0)
                ret->key[i] = n;
}

static void apply_pay(struct model *m, struct m_account *chain, const struct mr_order *o)
{
    const struct mr_pay *p = &o->body.u.pay;
    struct m_account *payer =
        chain->class == MR_CLASS_TREASURY ? model_sub(m, chain->home, MR_CLASS_OWN) : chain;
    const uint32_t day = model_day(o->time_ms), month = model_month(day);
    for (uint32_t i = 0; i < p->lines_count; i++) {
        payer->balance[p->unit] -= p->lines[i].amount;
        struct m_account *to = model_find(m, p->lines[i].payee);
        to->balance[p->unit] += p->lines[i].amount;
        to->credits++;
    }
    if (p->unit != 0 || chain->class == MR_CLASS_TREASURY)
        return; /* a treasury has no limits to count for */
    if (chain->day != day)
        chain->day_spent = 0;
    if (chain->month != month)
        chain->month_spent = 0;
    chain->day = day;
    chain->month = month;
    for (uint32_t i = 0; i < p->lines_count; i++)
        if (p->lines[i].what == MR_LINE_PAYMENT) {
            chain->day_spent += p->lines[i].amount;
            chain->month_spent += p->lines[i].amount;
        }
}

static void apply_issue(struct model *m, uint32_t home, const struct mr_order *o)
{
    const struct mr_issue *b = &o->body.u.issue;
    for (uint32_t i = 0; i < b->lines_count; i++) {
        const int64_t amount = b->lines[i].amount;
        struct m_account *to = model_find(m, b->lines[i].member);
        to->balance[0] += amount;
        to->credits++;
        for (uint32_t k = 0; k < i; k++) /* one order is one entry of the list */
            if (model_find(m, b->lines[k].member) == to) {
                to->credits--;
                break;
            }
        model_sub(m, home, MR_CLASS_ISSUER)->balance[0] -= amount;
        model_sub(m, home, MR_CLASS_RESERVE)->balance[1] += amount;
        model_sub(m, NO_HOME, MR_CLASS_WORLD)->balance[1] -= amount;
    }
    for (uint32_t i = 0; i < b->banks_count; i++) {
        note_bank(m, home, b->banks[i].ref, o);
        model_sub(m, home, MR_CLASS_TREASURY)->issued += b->banks[i].amount;
    }
}

static void less_issued(struct model *m, uint32_t home, int64_t amount)
{
    struct m_account *t = model_sub(m, home, MR_CLASS_TREASURY);
    t->issued = t->issued > amount ? t->issued - amount : 0;
}

static void apply_redeem(struct model *m, struct m_account *a, const struct deed *d)
{
    const struct mr_redeem *b = &d->o.order.body.u.redeem;
    ck_assert_uint_lt(m->redemptions_count, REDEMPTIONS_MAX);
    struct m_redemption *r = &m->redemptions[m->redemptions_count++];
    *r = (struct m_redemption){.ref = {.seq = d->o.order.seq, .amount = b->amount},
                               .by = model_home(m, b->association),
                               .fee = b->fee,
                               .time_ms = d->o.order.time_ms};
    memcpy(r->ref.account, a->id, 16);
    memcpy(r->ref.order, d->id, 32);
    a->balance[0] -= b->amount;
    model_sub(m, r->by, MR_CLASS_REDEEMED)->balance[0] += b->amount;
}

static struct m_redemption *redemption(struct model *m, const struct mr_redemption_ref *ref)
{
    for (uint32_t i = 0; i < m->redemptions_count; i++)
        if (memcmp(&m->redemptions[i].ref.order, ref->order, 32) == 0)
            return &m->redemptions[i];
    return NULL;
}

static void apply_payout(struct model *m, uint32_t home, const struct mr_order *o)
{
    const struct mr_payout *b = &o->body.u.payout;
    const int64_t euros = b->redemption.amount - b->fee;
    redemption(m, &b->redemption)->done = 1;
    model_sub(m, home, MR_CLASS_REDEEMED)->balance[0] -= b->redemption.amount;
    model_sub(m, home, MR_CLASS_ISSUER)->balance[0] += euros;
    model_sub(m, home, MR_CLASS_OWN)->balance[0] += b->fee;
    model_sub(m, home, MR_CLASS_RESERVE)->balance[1] -= euros;
    model_sub(m, NO_HOME, MR_CLASS_WORLD)->balance[1] += euros;
    note_bank(m, home, b->bank_ref, o);
    less_issued(m, home, euros);
}

static void apply_clear(struct model *m, uint32_t home, const struct mr_order *o)
{
    const struct mr_clearing *b = &o->body.u.clear.clearing;
    const uint32_t to = model_home(m, b->to);
    model_sub(m, home, MR_CLASS_ISSUER)->balance[0] += b->amount;
    model_sub(m, to, MR_CLASS_ISSUER)->balance[0] -= b->amount;
    model_sub(m, home, MR_CLASS_RESERVE)->balance[1] -= b->amount;
    model_sub(m, to, MR_CLASS_RESERVE)->balance[1] += b->amount;
    model_sub(m, home, MR_CLASS_TREASURY)->cleared += b->amount;
    note_bank(m, home, b->bank_ref, o);
    less_issued(m, home, b->amount);
}

static void apply_return(struct model *m, uint32_t home, const struct mr_order *o)
{
    const struct mr_redemption_ref *ref = &o->body.u.return_.redemption;
    redemption(m, ref)->done = 2;
    model_sub(m, home, MR_CLASS_REDEEMED)->balance[0] -= ref->amount;
    model_find(m, ref->account)->balance[0] += ref->amount;
    model_find(m, ref->account)->credits++;
}

static void apply_open(struct model *m, uint32_t home, const struct mr_order *o)
{
    const struct mr_open *b = &o->body.u.open;
    struct m_account *a = add(m, b->account, b->class, home);
    a->chain = true;
    a->next = 1;
    a->generation = 1;
    a->opened_ms = o->time_ms;
    memcpy(a->enc_key, b->enc_key, 32);
    memcpy(a->reader_key, b->reader_key, 32);
    key_set(m, &a->keys, &b->keys);
}

/* LED-26 */
static void apply_list(struct model *m, uint32_t home, const struct mr_order *o)
{
    const struct mr_list *b = &o->body.u.list;
    struct m_listing *old = model_listing_of(m, b->account);
    struct m_listing *l = model_listing(m, home, b->alias);
    if (old != NULL && (old != l || !b->listed)) {
        old->list.listed = false;
        old->until_day = model_day(o->time_ms) + 365;
    }
    if (l == NULL) {
        ck_assert_uint_lt(m->listings_count, LISTINGS_MAX);
        l = &m->listings[m->listings_count++];
        l->home = home;
    }
    l->list = *b;
    memcpy(l->slot.account, o->account, 16);
    l->slot.seq = o->seq;
    if (b->listed)
        l->until_day = 0;
}

static void set_four(struct m_account *a, const struct mr_grant *g)
{
    a->credit = g->credit;
    a->limits[0] = g->limit_payment;
    a->limits[1] = g->limit_day;
    a->limits[2] = g->limit_month;
}

static void lower_four(struct m_account *a, const struct mr_grant *g)
{
    a->lowered = true;
    a->most_credit = g->credit;
    a->most[0] = g->limit_payment;
    a->most[1] = g->limit_day;
    a->most[2] = g->limit_month;
}

int64_t model_credit(const struct m_account *a)
{
    return a->lowered && a->most_credit < a->credit ? a->most_credit : a->credit;
}

static void keep_past(struct m_account *a, uint64_t time_ms)
{
    if (a->class != MR_CLASS_TREASURY)
        return;
    for (uint32_t i = PAST_MAX - 1; i > 0; i--)
        a->past[i] = a->past[i - 1];
    a->past[0].keys = a->keys;
    a->past[0].until_ms = time_ms + 24 * 60 * 60 * 1000;
    a->past_count += a->past_count < PAST_MAX ? 1 : 0;
}

static void apply_setkeys(struct model *m, struct m_account *a, const struct mr_setkeys *b)
{
    a->generation = b->generation;
    memcpy(a->enc_key, b->enc_key, 32);
    memcpy(a->reader_key, b->reader_key, 32);
    key_set(m, &a->keys, &b->keys);
}

static void apply_sweep(struct model *m, uint32_t home, const struct mr_sweep *b)
{
    model_find(m, b->account)->balance[b->unit] -= b->amount;
    model_sub(m, home, MR_CLASS_OWN)->balance[b->unit] += b->amount;
}

static void advance(struct m_account *a, const uint8_t value[32], bool voided)
{
    ck_assert_uint_lt(a->next, SLOTS_MAX);
    memcpy(a->slots[a->next].value, value, 32);
    a->slots[a->next].voided = voided;
    memcpy(a->head, value, 32);
    for (uint32_t i = 0; i < PARKED_MAX; i++)
        if (a->parked[i] != NULL && a->parked[i]->o.order.seq <= a->next) {
            free(a->parked[i]);
            a->parked[i] = NULL;
        }
    a->next++;
}

void model_apply(struct model *m, const struct deed *d)
{
    const struct mr_order *o = &d->o.order;
    const struct mr_order_body *b = &o->body;
    struct m_account *a = model_find(m, o->account);
    switch (b->kind) {
    case MR_KIND_OPEN:
        apply_open(m, a->home, o);
        break;
    case MR_KIND_PAY:
        apply_pay(m, a, o);
        break;
    case MR_KIND_ISSUE:
        apply_issue(m, a->home, o);
        break;
    case MR_KIND_REDEEM:
        apply_redeem(m, a, d);
        break;
    case MR_KIND_PAYOUT:
        apply_payout(m, a->home, o);
        break;
    case MR_KIND_RETURN:
        apply_return(m, a->home, o);
        break;
    case MR_KIND_SETKEYS:
        keep_past(a, o->time_ms);
        apply_setkeys(m, a, &b->u.setkeys);
        break;
    case MR_KIND_FLAG:
        model_find(m, b->u.flag.account)->frozen = b->u.flag.frozen;
        break;
    case MR_KIND_LIST:
        apply_list(m, a->home, o);
        break;
    case MR_KIND_CLOSE:
        a->closed = true;
        break;
    case MR_KIND_GRANT:
        set_four(model_find(m, b->u.grant.account), &b->u.grant);
        break;
    case MR_KIND_SWEEP:
        apply_sweep(m, a->home, &b->u.sweep);
        break;
    case MR_KIND_CLEAR:
        apply_clear(m, a->home, o);
        break;
    case MR_KIND_RECOVER:
        model_apply_recover(m, o);
        break;
    case MR_KIND_STOP:
        a->stopped = b->u.stop.upto;
        break;
    case MR_KIND_TAKEOVER:
        apply_setkeys(m, a, &b->u.takeover.keys);
        break;
    case MR_KIND_POLICY:
        ck_assert_uint_lt(m->policies_count, POLICIES_MAX);
        m->policies[m->policies_count++] = b->u.policy;
        break;
    case MR_KIND_CAP:
        model_sub(m, model_home(m, b->u.cap.association), MR_CLASS_ISSUER)->credit = b->u.cap.cap;
        break;
    case MR_KIND_LOWER:
        lower_four(model_find(m, b->u.lower.account), &b->u.lower);
        break;
    case MR_KIND_NEXT:
    case MR_KIND_CUT:
    case MR_KIND_CHECKPOINT:
        break;
    }
    a->time_ms = o->time_ms;
    advance(a, d->id, false);
}

void model_void(struct model *m, struct m_account *a)
{
    uint8_t value[32];
    mr_void_id(value, m->ledger, a->id, a->next);
    advance(a, value, true);
}
