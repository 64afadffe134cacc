/* One thing wrong, on purpose. Values stay within the bounds of records.def: what is outside them
 * never reaches the ledger. */
#include <string.h>

#include "model/play.h"

/* --- what all orders have --------------------------------------------------------------------- */

static void spoil_time(struct play *p, struct mr_order *o)
{
    const struct m_account *a = model_find(&p->m, o->account);
    const uint64_t now = p->m.now_ms;
    switch (play_random(p, 9)) {
    case 0:
        o->time_ms = a->time_ms - (a->time_ms > 0 ? 1 : 0);
        break;
    case 1:
        o->time_ms = a->time_ms > 0 ? a->time_ms : now;
        break;
    case 2:
        o->time_ms = now + 300000;
        break;
    case 3:
        o->time_ms = now + 300001;
        break;
    case 4:
        o->time_ms = now + 3600000;
        break;
    case 5:
        o->not_after_ms = o->time_ms - (o->time_ms > 0 ? 1 : 0);
        return;
    case 6:
        o->not_after_ms = o->time_ms + 31 * MR_DAY_MS + play_random(p, 2);
        return;
    case 7:
        if (a->time_ms > 0 && a->time_ms < now)
            o->time_ms = a->time_ms;
        o->not_after_ms = now - 1;
        return;
    default:
        o->not_after_ms = now;
        return;
    }
    o->not_after_ms = o->time_ms + MR_DAY_MS;
}

static void spoil_signers(struct play *p, struct signer *s, uint32_t *count, uint32_t keys)
{
    if (*count == 0 || *count == SIGNERS_MAX)
        return; /* spoilt before */
    const uint32_t last = *count - 1;
    switch (play_random(p, 5)) {
    case 0:
        (*count)--;
        break;
    case 1:
        s[last].spoilt = true;
        break;
    case 2:
        s[last].key = (s[last].key + 1) % KEYS;
        break;
    case 3:
        s[last].index = keys;
        break;
    default:
        s[*count] = s[last];
        (*count)++;
        break;
    }
}

static void spoil_signatures(struct play *p, struct deed *d)
{
    const struct m_account *a = model_find(&p->m, d->o.order.account);
    spoil_signers(p, d->signers, &d->signers_count, a->keys.count);
}

/* A kind that stands on another class of chain, its body as it would be. */
static void spoil_chain(struct play *p, struct deed *d)
{
    static const enum mr_order_kind kinds[] = {
        MR_KIND_OPEN,  MR_KIND_FLAG,    MR_KIND_LIST,   MR_KIND_ISSUE,
        MR_KIND_GRANT, MR_KIND_RETURN,  MR_KIND_PAYOUT, MR_KIND_SWEEP,
        MR_KIND_CAP,   MR_KIND_LOWER,   MR_KIND_CLOSE,  MR_KIND_REDEEM,
        MR_KIND_CLEAR, MR_KIND_RECOVER, MR_KIND_STOP,   MR_KIND_TAKEOVER};
    static struct mr_order_body other;
    static struct deed any;
    const uint64_t salt = p->w.salt;
    build(p, &any, kinds[play_random(p, sizeof kinds / sizeof kinds[0])]);
    p->w.salt = salt;
    other = any.o.order.body;
    d->o.order.body = other;
    d->counter_count = any.counter_count;
    memcpy(d->counter, any.counter, sizeof d->counter);
}

static void spoil_place(struct play *p, struct deed *d)
{
    struct mr_order *o = &d->o.order;
    switch (play_random(p, 8)) {
    case 0:
        o->ledger[3] ^= 1;
        break;
    case 1:
        o->account[5] ^= 1;
        break;
    case 2:
        memcpy(o->account, model_sub(&p->m, 0, MR_CLASS_OWN)->id, 16);
        break;
    case 3:
        o->seq = play_random(p, o->seq);
        break;
    case 4:
        o->seq += 1 + play_random(p, 5);
        break;
    case 5:
        o->prev[7] ^= 1;
        break;
    case 6:
        o->policy = o->policy > 1 && play_chance(p, 2) ? o->policy - 1 : o->policy + 1;
        break;
    default:
        spoil_chain(p, d);
        break;
    }
}

/* --- what kinds have -------------------------------------------------------------------------- */

static void spoil_pay(struct play *p, const struct deed *d, struct mr_pay *b)
{
    static const enum mr_account_class subs[] = {MR_CLASS_OWN, MR_CLASS_DESK, MR_CLASS_ISSUER};
    struct mr_pay_line *l = &b->lines[0], *last = &b->lines[b->lines_count - 1];
    switch (b->lines_count == 0 ? 0 : play_random(p, 14)) {
    case 0:
        b->lines_count = 0;
        break;
    case 1:
        b->unit = 1 + (uint32_t)play_random(p, 4);
        break;
    case 2:
        b->unit = 2;
        if (last->what == MR_LINE_FEE)
            b->lines_count--;
        break;
    case 3:
        memset(l->payee, (int)play_random(p, 256), 16);
        break;
    case 4:
        memcpy(l->payee, d->o.order.account, 16);
        break;
    case 5:
        memcpy(last->payee, l->payee, 16);
        break;
    case 6:
        memcpy(l->payee, model_sub(&p->m, 0, subs[play_random(p, 3)])->id, 16);
        break;
    case 7:
        last->amount += last->amount > 1 && play_chance(p, 2) ? -1 : 1;
        break;
    case 8:
        b->lines[b->lines_count++] = (struct mr_pay_line){.amount = 1, .what = MR_LINE_FEE};
        memcpy(b->lines[b->lines_count - 1].payee, model_sub(&p->m, 0, MR_CLASS_OWN)->id, 16);
        break;
    case 9:
        b->lines_count -= last->what == MR_LINE_FEE ? 1 : 0;
        break;
    case 10:
        l->amount = MR_AMOUNT_MAX - (int64_t)play_random(p, 3);
        break;
    case 11: {
        const struct mr_pay_line first = *l;
        *l = *last;
        *last = first;
        break;
    }
    case 12:
        memcpy(last->payee, model_sub(&p->m, 1, MR_CLASS_OWN)->id, 16);
        break;
    default:
        if (l->amount < MR_AMOUNT_MAX / 2)
            l->amount += 1 + (int64_t)play_random(p, 60000);
        break;
    }
}

static void old_ref(struct play *p, uint8_t ref[32])
{
    if (p->m.banks_count > 0)
        memcpy(ref, p->m.banks[play_random(p, p->m.banks_count)].ref, 32);
}

static void spoil_issue(struct play *p, struct mr_issue *b)
{
    struct mr_issue_line *l = &b->lines[play_random(p, b->lines_count)];
    switch (play_random(p, 9)) {
    case 0:
        b->banks_count = 0;
        break;
    case 1:
        b->lines_count = 0;
        break;
    case 2:
        old_ref(p, b->banks[b->banks_count - 1].ref);
        break;
    case 3:
        b->banks[b->banks_count] = b->banks[0];
        b->banks_count++;
        break;
    case 4:
        memset(l->member, (int)play_random(p, 256), 16);
        break;
    case 5:
        memcpy(l->member, model_sub(&p->m, 0, MR_CLASS_OWN)->id, 16);
        break;
    case 6:
        l->bank = b->banks_count;
        break;
    case 7:
        l->amount += play_chance(p, 2) ? 1 : MR_AMOUNT_MAX - l->amount;
        break;
    default:
        b->banks[l->bank].amount += 2000000;
        l->amount += 2000000;
        break;
    }
}

static void spoil_ref(struct play *p, struct mr_redemption_ref *r)
{
    switch (play_random(p, 3)) {
    case 0:
        r->seq++;
        break;
    case 1:
        r->order[1] ^= 1;
        break;
    default:
        r->amount++;
        break;
    }
}

static void spoil_payout(struct play *p, struct mr_payout *b)
{
    switch (play_random(p, 3)) {
    case 0:
        b->fee++;
        break;
    case 1:
        old_ref(p, b->bank_ref);
        break;
    default:
        spoil_ref(p, &b->redemption);
        break;
    }
}

static void spoil_clear(struct play *p, struct deed *d, struct mr_clear *b)
{
    switch (play_random(p, 10)) {
    case 0:
        b->clearing.to[0] ^= 1;
        break;
    case 1:
        memcpy(b->clearing.to, b->clearing.from, 16);
        break;
    case 2:
        memcpy(b->clearing.from, b->clearing.to, 16);
        break;
    case 3:
        b->clearing.amount += 1000000;
        break;
    case 4:
        b->clearing.amount = (INT64_C(1) << 46) + 1;
        break;
    case 5:
        old_ref(p, b->clearing.bank_ref);
        break;
    case 6:
        b->generation++;
        break;
    case 7:
        b->generation -= 1 + (uint32_t)play_random(p, b->generation);
        break;
    case 8:
        b->keys.keys[0] = p->public[play_random(p, KEYS)];
        break;
    default:
        spoil_signers(p, d->counter, &d->counter_count, b->keys.keys_count);
        break;
    }
}

static void spoil_keys(struct play *p, struct mr_keyset *k)
{
    switch (play_random(p, 5)) {
    case 0:
        k->threshold = 0;
        break;
    case 1:
        k->threshold = k->keys_count + 1;
        break;
    case 2:
        k->keys[k->keys_count] = k->keys[0];
        k->keys_count++;
        break;
    case 3:
        memset(k->keys[0].key, 0, 32);
        break;
    default:
        k->threshold = k->keys_count = 1 + (k->keys_count & 1);
        k->keys[1] = p->public[play_random(p, KEYS)];
        break;
    }
}

static void spoil_list(struct play *p, struct mr_list *b)
{
    static const char *const bad[] = {"a", "-ab", "ab-", "Ab", "a_b"};
    switch (play_random(p, 3)) {
    case 0:
        strcpy(b->alias, bad[play_random(p, 5)]);
        b->alias_len = (uint32_t)strlen(b->alias);
        break;
    case 1:
        b->account[0] ^= 1;
        break;
    default:
        b->listed = !b->listed;
        break;
    }
}

static void spoil_grant(struct play *p, struct mr_grant *b)
{
    int64_t *const four[] = {&b->credit, &b->limit_payment, &b->limit_day, &b->limit_month};
    int64_t *v = four[play_random(p, 4)];
    if (play_chance(p, 4))
        b->account[0] ^= 1;
    else if (play_chance(p, 2))
        *v = 0;
    else
        *v = *v > 0 ? *v - 1 : 1;
}

static void spoil_policy(struct play *p, struct mr_policy *b)
{
    switch (play_random(p, 5)) {
    case 0:
        b->version += play_chance(p, 2) ? 1 : -1u;
        break;
    case 1:
        b->start_day -= 6;
        break;
    case 2:
        b->classes[0].class = MR_CLASS_OWN;
        break;
    case 3:
        b->classes[1].class = b->classes[0].class;
        break;
    default:
        b->fees[0].kind = MR_KIND_ISSUE;
        break;
    }
}

static void spoil_account(struct play *p, uint8_t account[16])
{
    if (play_chance(p, 2))
        account[0] ^= 1;
    else
        memcpy(account, p->m.accounts[play_random(p, p->m.accounts_count)].id, 16);
}

static void spoil_setkeys(struct play *p, struct mr_setkeys *b)
{
    if (play_chance(p, 3))
        b->generation += play_chance(p, 2) ? 1 : -1u;
    else
        spoil_keys(p, &b->keys);
}

static void spoil_takeover(struct play *p, struct mr_takeover *b)
{
    switch (play_random(p, 6)) {
    case 0:
        b->recover++;
        break;
    case 1:
        b->recover -= b->recover > 0 ? 1 : 0;
        break;
    case 2:
        b->generation++;
        break;
    case 3:
        b->generation -= 1 + (uint32_t)play_random(p, b->generation);
        break;
    case 4:
        b->treasury.keys[0] = p->public[play_random(p, KEYS)];
        break;
    default:
        b->keys.enc_key[3] ^= 1;
        break;
    }
}

static void spoil_body(struct play *p, struct deed *d)
{
    struct mr_order_body *b = &d->o.order.body;
    switch (b->kind) {
    case MR_KIND_OPEN:
        if (play_chance(p, 3))
            b->u.open.class = MR_CLASS_DESK;
        else if (play_chance(p, 3))
            memcpy(b->u.open.account, play_member(p)->id, 16);
        else if (play_chance(p, 3))
            b->u.open.account[play_random(p, 4)] ^= (uint8_t)(1 + play_random(p, 255));
        else
            spoil_keys(p, &b->u.open.keys);
        break;
    case MR_KIND_PAY:
        spoil_pay(p, d, &b->u.pay);
        break;
    case MR_KIND_ISSUE:
        spoil_issue(p, &b->u.issue);
        break;
    case MR_KIND_REDEEM:
        if (play_chance(p, 3))
            b->u.redeem.association[0] ^= 1;
        else if (play_chance(p, 2))
            b->u.redeem.fee++;
        else
            b->u.redeem.amount++;
        break;
    case MR_KIND_PAYOUT:
        spoil_payout(p, &b->u.payout);
        break;
    case MR_KIND_RETURN:
        spoil_ref(p, &b->u.return_.redemption);
        break;
    case MR_KIND_SETKEYS:
        spoil_setkeys(p, &b->u.setkeys);
        break;
    case MR_KIND_RECOVER:
        if (play_chance(p, 3))
            spoil_account(p, b->u.recover.account);
        else
            spoil_setkeys(p, &b->u.recover.keys);
        break;
    case MR_KIND_STOP:
        b->u.stop.upto += 1 + play_random(p, 3);
        break;
    case MR_KIND_TAKEOVER:
        spoil_takeover(p, &b->u.takeover);
        break;
    case MR_KIND_FLAG:
        if (play_chance(p, 2))
            b->u.flag.frozen = !b->u.flag.frozen;
        else
            spoil_account(p, b->u.flag.account);
        break;
    case MR_KIND_LIST:
        spoil_list(p, &b->u.list);
        break;
    case MR_KIND_GRANT:
    case MR_KIND_LOWER:
        spoil_grant(p, &b->u.grant);
        break;
    case MR_KIND_SWEEP:
        if (play_chance(p, 3))
            b->u.sweep.unit = (uint32_t)play_random(p, 5);
        else if (play_chance(p, 2))
            b->u.sweep.amount++;
        else
            spoil_account(p, b->u.sweep.account);
        break;
    case MR_KIND_CLEAR:
        spoil_clear(p, d, &b->u.clear);
        break;
    case MR_KIND_POLICY:
        spoil_policy(p, &b->u.policy);
        break;
    case MR_KIND_CAP:
        if (play_chance(p, 3))
            b->u.cap.association[0] ^= 1;
        else if (play_chance(p, 2))
            b->u.cap.cap = MR_CAPS_MAX;
        else
            b->u.cap.cap = model_sub(&p->m, 0, MR_CLASS_ISSUER)->credit;
        break;
    case MR_KIND_CLOSE:
    case MR_KIND_NEXT:
    case MR_KIND_CUT:
    case MR_KIND_CHECKPOINT:
        break;
    }
}

void spoil(struct play *p, struct deed *d)
{
    if (model_find(&p->m, d->o.order.account) == NULL)
        return; /* spoilt before */
    switch (play_random(p, 8)) {
    case 0:
        spoil_time(p, &d->o.order);
        break;
    case 1:
        spoil_signatures(p, d);
        break;
    case 2:
    case 3:
        spoil_place(p, d);
        break;
    default:
        spoil_body(p, d);
        break;
    }
}
