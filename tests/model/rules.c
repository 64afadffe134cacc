/* LED-10, and the kinds of orders that move no money. */
#include <string.h>

#include "model/model.h"

bool model_parks(enum mr_status st)
{
    return st == MR_SEQ_AHEAD || st == MR_TIME_AHEAD || st == MR_POLICY_UNKNOWN ||
           st == MR_PAYEE_UNKNOWN || st == MR_FUNDS_SHORT || st == MR_CAP_EXCEEDED ||
           st == MR_COVERAGE || st == MR_REDEMPTION_UNKNOWN || st == MR_KEYS_UNKNOWN ||
           st == MR_RECOVERY_UNKNOWN;
}

enum mr_status model_signatures(const struct m_keys *k, const struct signer *s, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (s[i].spoilt || s[i].index >= k->count || k->key[s[i].index] != s[i].key ||
            (i > 0 && s[i].index <= s[i - 1].index))
            return MR_BAD_SIGNATURE;
    return count < k->threshold ? MR_SIGNATURES_MISSING : MR_OK;
}

/* The table of LED, column "chain". */
static bool stands_on(enum mr_order_kind kind, enum mr_account_class class)
{
    const bool member = model_is_member(class);
    switch (kind) {
    case MR_KIND_OPEN:
    case MR_KIND_FLAG:
    case MR_KIND_LIST:
        return class == MR_CLASS_DESK;
    case MR_KIND_PAY:
        return member || class == MR_CLASS_TREASURY;
    case MR_KIND_ISSUE:
    case MR_KIND_PAYOUT:
    case MR_KIND_RETURN:
    case MR_KIND_GRANT:
    case MR_KIND_SWEEP:
    case MR_KIND_CLEAR:
    case MR_KIND_RECOVER:
        return class == MR_CLASS_TREASURY;
    case MR_KIND_STOP:
    case MR_KIND_TAKEOVER:
    case MR_KIND_REDEEM:
    case MR_KIND_CLOSE:
        return member;
    case MR_KIND_SETKEYS:
        return class != MR_CLASS_CHECKPOINTS;
    case MR_KIND_POLICY:
    case MR_KIND_CAP:
    case MR_KIND_LOWER:
        return class == MR_CLASS_SYSTEM;
    case MR_KIND_NEXT:
    case MR_KIND_CUT:
    case MR_KIND_CHECKPOINT:
        return class == MR_CLASS_CHECKPOINTS;
    }
    return false;
}

/* --- kinds -------------------------------------------------------------------------------------
 */

/* LED-6 */
enum mr_status model_key_set(const struct mr_keyset *k, enum mr_account_class class)
{
    if (k->keys_count < 1 || k->threshold < 1 || k->threshold > k->keys_count)
        return MR_BAD_KEY;
    for (uint32_t i = 0; i < k->keys_count; i++) {
        if (!mr_pubkey_usable(&k->keys[i]))
            return MR_BAD_KEY;
        for (uint32_t n = 0; n < i; n++)
            if (memcmp(k->keys[i].key, k->keys[n].key, 32) == 0)
                return MR_BAD_KEY;
    }
    if ((class == MR_CLASS_TREASURY || class == MR_CLASS_SYSTEM) &&
        2 * k->threshold <= k->keys_count)
        return MR_BAD_KEY;
    return class == MR_CLASS_DESK && k->threshold != 1 ? MR_BAD_KEY : MR_OK;
}

static enum mr_status member_of(struct model *m, struct m_account **ret, const struct mr_order *o,
                                const uint8_t account[16])
{
    *ret = model_find(m, account);
    if (*ret == NULL || !model_is_member((*ret)->class))
        return MR_ACCOUNT_UNKNOWN;
    return (*ret)->home == model_find(m, o->account)->home ? MR_OK : MR_NOT_YOURS;
}

static enum mr_status check_open(struct model *m, const struct mr_order *o)
{
    const struct mr_open *b = &o->body.u.open;
    if (!model_is_member(b->class))
        return MR_PAYEE_CLASS;
    if (model_key_set(&b->keys, b->class) != MR_OK)
        return MR_BAD_KEY;
    const uint32_t home = model_find(m, o->account)->home;
    if (memcmp(b->account, m->charter->associations[home].id, 4) != 0)
        return MR_NOT_YOURS;
    return model_find(m, b->account) != NULL ? MR_ACCOUNT_EXISTS : MR_OK;
}

static enum mr_status check_setkeys(struct model *m, const struct mr_order *o)
{
    const struct m_account *a = model_find(m, o->account);
    if (o->body.u.setkeys.generation != a->generation + 1)
        return MR_OUT_OF_RANGE;
    return model_key_set(&o->body.u.setkeys.keys, a->class);
}

static enum mr_status check_flag(struct model *m, const struct mr_order *o)
{
    struct m_account *a;
    const enum mr_status st = member_of(m, &a, o, o->body.u.flag.account);
    return st == MR_OK && a->frozen == o->body.u.flag.frozen ? MR_NO_CHANGE : st;
}

static bool alias_good(const char *s)
{
    const size_t n = strlen(s);
    for (size_t i = 0; i < n; i++)
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') ||
              (s[i] == '-' && i > 0 && i + 1 < n)))
            return false;
    return n >= 2 && n <= 32;
}

/* LED-26 */
static enum mr_status check_list(struct model *m, const struct mr_order *o)
{
    const struct mr_list *b = &o->body.u.list;
    struct m_account *a;
    const enum mr_status st = member_of(m, &a, o, b->account);
    if (st != MR_OK)
        return st;
    if (!alias_good(b->alias))
        return MR_ALIAS_SYNTAX;
    const struct m_listing *l = model_listing(m, a->home, b->alias);
    const bool own = l != NULL && memcmp(l->list.account, a->id, 16) == 0;
    if (!b->listed)
        return own && l->list.listed ? MR_OK : MR_NOT_FOUND;
    if (l == NULL || own)
        return MR_OK;
    return l->list.listed || model_day(o->time_ms) < l->until_day ? MR_ALIAS_TAKEN : MR_OK;
}

static bool changes(const struct m_account *a, const struct mr_grant *g)
{
    return g->credit != a->credit || g->limit_payment != a->limits[0] ||
           g->limit_day != a->limits[1] || g->limit_month != a->limits[2];
}

/* LED-27 */
static enum mr_status check_grant(struct model *m, const struct mr_order *o)
{
    const struct mr_grant *g = &o->body.u.grant;
    const int64_t asked[3] = {g->limit_payment, g->limit_day, g->limit_month};
    const struct mr_policy *policy = model_policy_on(m, model_day(o->time_ms));
    struct m_account *a;
    const enum mr_status st = member_of(m, &a, o, g->account);
    if (st != MR_OK)
        return st;
    const struct mr_class_rule *r = model_rule(policy, a->class);
    const int64_t of_class[3] = {r == NULL ? 0 : r->limit_payment, r == NULL ? 0 : r->limit_day,
                                 r == NULL ? 0 : r->limit_month};
    if (g->credit < a->credit)
        return MR_LOWERED;
    for (int i = 0; i < 3; i++)
        if (asked[i] == 0 ? a->limits[i] != 0
                          : asked[i] < (a->limits[i] != 0 ? a->limits[i] : of_class[i]))
            return MR_LOWERED;
    return changes(a, g) ? MR_OK : MR_NO_CHANGE;
}

static enum mr_status check_lower(struct model *m, const struct mr_order *o)
{
    const struct m_account *a = model_find(m, o->body.u.lower.account);
    if (a == NULL || !model_is_member(a->class))
        return MR_ACCOUNT_UNKNOWN;
    const struct mr_grant *g = &o->body.u.lower;
    const struct m_account fresh = {.most_credit = MR_CREDIT_MAX};
    const struct m_account *was = a->lowered ? a : &fresh;
    return g->credit != was->most_credit || g->limit_payment != was->most[0] ||
                   g->limit_day != was->most[1] || g->limit_month != was->most[2]
               ? MR_OK
               : MR_NO_CHANGE;
}

static enum mr_status check_policy(struct model *m, const struct mr_order *o)
{
    const struct mr_policy *p = &o->body.u.policy, *last = &m->policies[m->policies_count - 1];
    if (p->version != last->version + 1)
        return MR_POLICY_VERSION;
    if (p->start_day < model_day(o->not_after_ms) + 14 || p->start_day < last->start_day)
        return MR_POLICY_NOTICE;
    for (uint32_t i = 0; i < p->classes_count; i++)
        if (!model_is_member(p->classes[i].class) ||
            (i > 0 && p->classes[i].class <= p->classes[i - 1].class))
            return MR_OUT_OF_RANGE;
    for (uint32_t i = 0; i < p->fees_count; i++)
        if (p->fees[i].kind != MR_KIND_PAY && p->fees[i].kind != MR_KIND_REDEEM)
            return MR_OUT_OF_RANGE;
    return MR_OK;
}

static enum mr_status check_cap(struct model *m, const struct mr_order *o)
{
    const uint32_t home = model_home(m, o->body.u.cap.association);
    int64_t caps = 0;
    if (home == NO_HOME)
        return MR_NOT_FOUND;
    if (model_sub(m, home, MR_CLASS_ISSUER)->credit == o->body.u.cap.cap)
        return MR_NO_CHANGE;
    for (uint32_t i = 0; i < HOMES; i++)
        caps += i == home ? o->body.u.cap.cap : model_sub(m, i, MR_CLASS_ISSUER)->credit;
    return caps > MR_CAPS_MAX ? MR_AMOUNT_TOO_LARGE : MR_OK;
}

static enum mr_status check_kind(struct model *m, const struct deed *d)
{
    const struct mr_order *o = &d->o.order;
    switch (o->body.kind) {
    case MR_KIND_OPEN:
        return check_open(m, o);
    case MR_KIND_PAY:
        return model_check_pay(m, o);
    case MR_KIND_ISSUE:
        return model_check_issue(m, o);
    case MR_KIND_REDEEM:
        return model_check_redeem(m, o);
    case MR_KIND_PAYOUT:
        return model_check_payout(m, o);
    case MR_KIND_RETURN:
        return model_check_return(m, o);
    case MR_KIND_SETKEYS:
        return check_setkeys(m, o);
    case MR_KIND_FLAG:
        return check_flag(m, o);
    case MR_KIND_LIST:
        return check_list(m, o);
    case MR_KIND_CLOSE:
        return MR_OK;
    case MR_KIND_GRANT:
        return check_grant(m, o);
    case MR_KIND_SWEEP:
        return model_check_sweep(m, o);
    case MR_KIND_CLEAR:
        return model_check_clear(m, d);
    case MR_KIND_RECOVER:
        return model_check_recover(m, o);
    case MR_KIND_STOP:
        return model_check_stop(m, o);
    case MR_KIND_TAKEOVER:
        return model_check_takeover(m, o);
    case MR_KIND_POLICY:
        return check_policy(m, o);
    case MR_KIND_CAP:
        return check_cap(m, o);
    case MR_KIND_LOWER:
        return check_lower(m, o);
    case MR_KIND_NEXT:
    case MR_KIND_CUT:
    case MR_KIND_CHECKPOINT:
        break; /* not played */
    }
    return MR_STATE_MISMATCH;
}

/* --- all orders --------------------------------------------------------------------------------
 */

/* 8 to 11 */
static enum mr_status check_times(struct model *m, const struct m_account *a,
                                  const struct mr_order *o)
{
    if (a->closed)
        return MR_PAYER_CLOSED;
    if (a->frozen && o->body.kind != MR_KIND_STOP && o->body.kind != MR_KIND_TAKEOVER)
        return MR_PAYER_FROZEN;
    if (o->time_ms < a->time_ms)
        return MR_TIME_BACK;
    if (o->time_ms > m->now_ms + 5 * 60 * 1000)
        return MR_TIME_AHEAD;
    if (o->not_after_ms < o->time_ms || o->not_after_ms > o->time_ms + 31 * MR_DAY_MS)
        return MR_OUT_OF_RANGE;
    if (m->now_ms > o->not_after_ms)
        return MR_EXPIRED;
    if (o->policy == 0 || o->policy > m->policies_count)
        return MR_POLICY_UNKNOWN;
    return model_policy_on(m, model_day(o->time_ms))->version == o->policy ? MR_OK
                                                                           : MR_POLICY_NOT_IN_FORCE;
}

enum mr_status model_signed(struct model *m, const struct deed *d)
{
    const struct mr_order *o = &d->o.order;
    const struct mr_takeover *t = &o->body.u.takeover;
    const struct m_account *a = model_find(m, o->account);
    const struct m_keys *k = &a->keys;
    enum mr_status st = MR_OK;
    if (o->body.kind == MR_KIND_TAKEOVER) {
        if (a->home == NO_HOME)
            return MR_WRONG_CHAIN;
        st = model_named_keys(model_sub(m, a->home, MR_CLASS_TREASURY), &k, t->generation,
                              o->time_ms);
        if (st == MR_OK)
            st = model_same_keys(m, k, &t->treasury);
    }
    return st == MR_OK ? model_signatures(k, d->signers, d->signers_count) : st;
}

enum mr_status model_check(struct model *m, const struct deed *d, bool signatures)
{
    const struct mr_order *o = &d->o.order;
    if (memcmp(o->ledger, m->ledger, 32) != 0)
        return MR_WRONG_LEDGER;
    const struct m_account *a = model_find(m, o->account);
    if (a == NULL || !a->chain)
        return MR_ACCOUNT_UNKNOWN;
    if (o->seq < a->next)
        return MR_SEQ_OLD;
    enum mr_status st = signatures ? model_signed(m, d) : MR_OK;
    if (st != MR_OK)
        return st;
    if (!stands_on(o->body.kind, a->class))
        return MR_WRONG_CHAIN;
    if (o->seq > a->next)
        return MR_SEQ_AHEAD;
    if (memcmp(o->prev, a->head, 32) != 0)
        return MR_PREV_MISMATCH;
    st = check_times(m, a, o);
    return st == MR_OK ? check_kind(m, d) : st;
}

enum mr_status model_check_first(struct model *m, const struct deed *d)
{
    const struct mr_order_body *b = &d->o.order.body;
    const struct mr_pay *p = &b->u.pay;
    int64_t total = 0;
    if (b->kind == MR_KIND_ISSUE) {
        for (uint32_t i = 0; i < b->u.issue.lines_count; i++)
            total += b->u.issue.lines[i].amount;
        return model_check_cap(m, model_find(m, d->o.order.account)->home, total);
    }
    if (b->kind == MR_KIND_CLEAR) {
        const uint32_t to = model_home(m, b->u.clear.clearing.to);
        if (b->u.clear.generation != model_sub(m, to, MR_CLASS_TREASURY)->generation)
            return MR_KEYS_OLD;
        return model_check_cap(m, to, b->u.clear.clearing.amount);
    }
    if (b->kind == MR_KIND_RECOVER) {
        const struct m_account *a = model_find(m, b->u.recover.account);
        if (a->closed)
            return MR_PAYER_CLOSED;
        return b->u.recover.keys.generation == a->generation + 1 ? MR_OK : MR_KEYS_OLD;
    }
    if (b->kind == MR_KIND_TAKEOVER) {
        const uint32_t home = model_find(m, d->o.order.account)->home;
        return b->u.takeover.generation == model_sub(m, home, MR_CLASS_TREASURY)->generation
                   ? MR_OK
                   : MR_KEYS_OLD;
    }
    if (b->kind != MR_KIND_PAY)
        return MR_OK;
    for (uint32_t i = 0; i < p->lines_count; i++) {
        const struct m_account *to = model_find(m, p->lines[i].payee);
        if (p->lines[i].what == MR_LINE_PAYMENT && to->closed)
            return MR_PAYEE_CLOSED;
        if (p->lines[i].what == MR_LINE_PAYMENT && to->frozen)
            return MR_PAYEE_FROZEN;
    }
    return MR_OK;
}
