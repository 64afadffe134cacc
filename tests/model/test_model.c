/* Random histories, refusals included: the real ledger answers and holds what the naive one says. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/world.h"
#include "mereau/codec.h"
#include "model/model.h"

enum { STEPS = 3000, HISTORIES = 4, MEMBERS = 24, HOMES = 2, TICK_MS = 1001 };

enum signing { SIGN_GOOD, SIGN_NONE, SIGN_BAD, SIGN_OTHER };

static unsigned steps = STEPS;
static uint64_t seed0, x;
static struct world w;
static struct model *m;
static struct mr_signed_order o, old[64]; /* old: to be repeated */
static enum signing old_signing[64];
static uint32_t old_count;
static uint64_t counter;

static uint64_t any(uint64_t below)
{
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x % below;
}

static bool once_in(uint64_t n)
{
    return any(n) == 0;
}

/* --- keys ------------------------------------------------------------------------------------------ */

static void key_of(struct mr_seckey *ret, struct mr_pubkey *ret_public, uint32_t account,
                   uint32_t number)
{
    const uint32_t name[2] = {account, number};
    uint8_t key_seed[32];
    mr_hash(key_seed, "test/model", name, sizeof name, NULL, 0);
    mr_seckey_from_seed(ret, ret_public, key_seed);
}

/* Sign as the chain's owner would, or wrongly; what the signatures are worth. */
static enum mr_status sign(uint32_t account, enum signing how)
{
    const struct model_account *a = &m->accounts[account];
    struct mr_seckey key;
    struct mr_pubkey public;
    o.sigs_count = 0;
    if (how == SIGN_NONE)
        return MR_SIGNATURES_MISSING;
    if (a->class == MR_CLASS_SYSTEM) {
        mr_order_sign(&o, 0, how == SIGN_OTHER ? &w.operators[0] : &w.governance);
    } else if (a->class == MR_CLASS_DESK) {
        mr_order_sign(&o, 0, how == SIGN_OTHER ? &w.governance : &w.operators[0]);
    } else if (a->class == MR_CLASS_TREASURY) {
        mr_order_sign(&o, 0, &w.operators[0]);
        if (how == SIGN_OTHER)
            return MR_SIGNATURES_MISSING; /* one of two */
        mr_order_sign(&o, 1, &w.operators[1]);
    } else {
        key_of(&key, &public, account, how == SIGN_OTHER ? a->key + 1 : a->key);
        mr_order_sign(&o, 0, &key);
        if (a->class == MR_CLASS_CHECKPOINTS)
            return MR_BAD_SIGNATURE; /* nodes sign there */
    }
    if (how == SIGN_BAD)
        o.sigs[0].sig[any(MR_SIG_BYTES)] ^= (uint8_t)(1 + any(255));
    return how == SIGN_GOOD ? MR_OK : MR_BAD_SIGNATURE;
}

/* --- what is ordered -------------------------------------------------------------------------------- */

static uint32_t some_member(void)
{
    const uint32_t first = 3 + 6 * HOMES, members = m->accounts_count - first;
    return members == 0 || once_in(40) ? (uint32_t)any(m->accounts_count)
                                       : first + (uint32_t)any(members);
}

/* An account's id; sometimes one that nobody has. */
static void some_id(uint8_t ret[16])
{
    memcpy(ret, m->accounts[some_member()].id, 16);
    if (once_in(30))
        ret[any(16)] ^= 1;
}

static int64_t some_amount(int64_t near)
{
    switch (any(8)) {
    case 0:
        return near > 0 ? near : 1;
    case 1:
        return near > 0 ? near + 1 : 1;
    case 2:
        return once_in(4) ? MR_AMOUNT_MAX - (int64_t)any(3) : 1 + (int64_t)any(100000000);
    default:
        return 1 + (int64_t)any(2000);
    }
}

static void order_pay(const struct model_account *a, const struct mr_policy *policy)
{
    struct mr_pay *b = &o.order.body.u.pay;
    int64_t sum = 0;
    b->unit = once_in(20) ? (uint32_t)any(5) : 0;
    b->lines_count = once_in(25) ? 0 : 1 + (uint32_t)(once_in(3) ? any(5) : 0);
    for (uint32_t i = 0; i < b->lines_count; i++) {
        some_id(b->lines[i].payee);
        b->lines[i].amount = some_amount(a->balance[0]);
        b->lines[i].what = once_in(60) ? MR_LINE_FEE : MR_LINE_PAYMENT;
        sum += b->lines[i].amount;
    }
    if (sum > MR_AMOUNT_MAX)
        return;
    const int64_t fee = model_fee(policy, MR_KIND_PAY, a->class, sum, o.order.time_ms);
    if (once_in(20) || (fee > 0 && a->class != MR_CLASS_TREASURY)) {
        struct mr_pay_line *line = &b->lines[b->lines_count++];
        const uint32_t home = a->home < HOMES ? a->home : 0;
        memcpy(line->payee, m->accounts[model_derived(m, home, MR_CLASS_OWN)].id, 16);
        line->amount = fee > 0 && !once_in(20) ? fee : 1 + (int64_t)any(10);
        line->what = MR_LINE_FEE;
    }
}

static void some_ref(uint8_t ret[32])
{
    const uint64_t number = once_in(10) ? any(counter + 1) : ++counter;
    mr_hash(ret, "test/bank", &number, sizeof number, NULL, 0);
}

static void order_issue(void)
{
    struct mr_issue *b = &o.order.body.u.issue;
    b->banks_count = once_in(30) ? 0 : 1 + (uint32_t)any(2);
    b->lines_count = once_in(30) ? 0 : 1 + (uint32_t)any(4);
    for (uint32_t i = 0; i < b->banks_count; i++) {
        some_ref(b->banks[i].ref);
        b->banks[i].amount = once_in(30) ? 1 : 0;
    }
    for (uint32_t i = 0; i < b->lines_count; i++) {
        some_id(b->lines[i].member);
        b->lines[i].amount = some_amount(10000);
        b->lines[i].bank = once_in(40) ? 7 : i % (b->banks_count == 0 ? 1 : b->banks_count);
        if (b->lines[i].bank < b->banks_count &&
            b->banks[b->lines[i].bank].amount + b->lines[i].amount <= MR_AMOUNT_MAX)
            b->banks[b->lines[i].bank].amount += b->lines[i].amount;
    }
    for (uint32_t i = 0; i < b->banks_count; i++)
        if (b->banks[i].amount == 0)
            b->banks[i].amount = 1;
}

static void order_redeem(const struct model_account *a, const struct mr_policy *policy)
{
    struct mr_redeem *r = &o.order.body.u.redeem;
    const uint32_t home = a->home < HOMES && !once_in(5) ? a->home : (uint32_t)any(HOMES);
    memcpy(r->association, w.charter.associations[home].id, 16);
    if (once_in(40))
        r->association[0] ^= 1;
    r->amount = once_in(3) ? some_amount(a->balance[0]) : 2000 + (int64_t)any(500);
    r->fee = model_fee(policy, MR_KIND_REDEEM, a->class, r->amount, o.order.time_ms);
    if (once_in(20))
        r->fee = (int64_t)any(50);
}

static void some_redemption(struct mr_redemption_ref *ref, int64_t *ret_fee)
{
    memset(ref, 0, sizeof *ref);
    ref->amount = 1;
    *ret_fee = 0;
    if (m->redemptions_count == 0)
        return;
    const uint64_t recent = m->redemptions_count < 6 ? m->redemptions_count : 6;
    const struct model_redemption *r = &m->redemptions[m->redemptions_count - 1 - any(recent)];
    memcpy(ref->account, m->accounts[r->account].id, 16);
    memcpy(ref->order, r->order, 32);
    ref->seq = once_in(30) ? r->seq + 1 : r->seq;
    ref->amount = once_in(30) ? r->amount + 1 : r->amount;
    *ret_fee = once_in(30) ? r->fee + 1 : r->fee;
    if (once_in(30))
        ref->order[0] ^= 1;
}

static void some_keys(struct mr_keyset *k, uint32_t account, uint32_t number)
{
    struct mr_seckey key;
    memset(k, 0, sizeof *k);
    k->keys_count = 1 + (uint32_t)(once_in(4) ? 1 : 0);
    k->threshold = once_in(20) ? 3 * (uint32_t)any(2) : 1;
    key_of(&key, &k->keys[0], account, number);
    key_of(&key, &k->keys[1], account, once_in(10) ? number : number + 1000);
    if (once_in(40))
        memset(k->keys[0].key, 0, MR_KEY_BYTES); /* not usable */
}

static void order_open(void)
{
    static const enum mr_account_class classes[] = {
        MR_CLASS_RESIDENT, MR_CLASS_RESIDENT, MR_CLASS_SHOP, MR_CLASS_SHOP, MR_CLASS_ASSOCIATION,
        MR_CLASS_MUNICIPALITY, MR_CLASS_OFFICE, MR_CLASS_TREASURY};
    struct mr_open *b = &o.order.body.u.open;
    uint8_t h[32];
    mr_hash(h, "test/account", &m->accounts_count, sizeof m->accounts_count, NULL, 0);
    memcpy(b->account, once_in(15) ? m->accounts[some_member()].id : h, 16);
    b->class = classes[any(sizeof classes / sizeof classes[0])];
    some_keys(&b->keys, m->accounts_count, 0);
}

static void set_text(char *field, uint32_t *len, const char *text)
{
    *len = (uint32_t)strlen(text);
    memcpy(field, text, *len + 1);
}

static void order_list(void)
{
    static const char *const aliases[] = {"boulangerie", "epicerie", "librairie", "velo", "ab",
                                          "a", "-cafe", "cafe-", "Cafe", "caf\xc3\xa9", "le-cafe"};
    struct mr_list *b = &o.order.body.u.list;
    some_id(b->account);
    b->listed = !once_in(3);
    set_text(b->alias, &b->alias_len, aliases[any(sizeof aliases / sizeof aliases[0])]);
    set_text(b->name, &b->name_len, "A shop");
}

static void order_terms(struct mr_grant *g, bool upwards)
{
    const uint32_t member = some_member();
    const struct model_account *a = &m->accounts[member];
    int64_t *const fields[] = {&g->limit_payment, &g->limit_day, &g->limit_month};
    memcpy(g->account, a->id, 16);
    g->credit = a->credit < 0 || a->credit > MR_CREDIT_MAX ? 0 : a->credit;
    if (once_in(2))
        g->credit = upwards && g->credit < 100000 ? g->credit + (int64_t)any(1000)
                                                  : (int64_t)any(5000);
    for (int i = 0; i < 3; i++) {
        *fields[i] = a->limits[i];
        if (once_in(3))
            *fields[i] = once_in(4) ? 0 : (int64_t)any(20000000);
    }
}

static void order_policy(void)
{
    struct mr_policy *p = &o.order.body.u.policy;
    *p = m->policies[m->policies_count - 1];
    p->version += once_in(15) ? 2 : 1;
    p->start_day = (uint32_t)(o.order.not_after_ms / MR_DAY_MS) + 14 + (uint32_t)any(3);
    if (once_in(15))
        p->start_day -= 5;
    for (uint32_t i = 0; i < p->classes_count; i++) {
        p->classes[i].may_redeem = !once_in(4);
        p->classes[i].may_receive = !once_in(8);
        p->classes[i].limit_payment = once_in(3) ? 3000 : MR_AMOUNT_MAX;
        p->classes[i].redeem_min = (int64_t)any(3000);
    }
    p->fees_count = (uint32_t)any(4);
    for (uint32_t i = 0; i < p->fees_count; i++)
        p->fees[i] = (struct mr_fee_rule){once_in(2) ? MR_KIND_PAY : MR_KIND_REDEEM,
                                          once_in(2) ? MR_CLASS_SHOP : MR_CLASS_RESIDENT,
                                          (uint32_t)any(300), (int64_t)any(20),
                                          20 + (int64_t)any(1000),
                                          i == 0 ? 0 : p->start_day + i};
    if (once_in(20) && p->fees_count > 0)
        p->fees[0].kind = MR_KIND_OPEN;
    if (once_in(20))
        p->classes[0].class = MR_CLASS_SHOP;
}

static void fill_body(const struct model_account *a, enum mr_order_kind kind,
                      const struct mr_policy *policy)
{
    struct mr_order_body *b = &o.order.body;
    int64_t fee;
    memset(b, 0, sizeof *b);
    b->kind = kind;
    switch (kind) {
    case MR_KIND_PAY:
        order_pay(a, policy);
        return;
    case MR_KIND_OPEN:
        order_open();
        return;
    case MR_KIND_ISSUE:
        order_issue();
        return;
    case MR_KIND_REDEEM:
        order_redeem(a, policy);
        return;
    case MR_KIND_PAYOUT:
        some_redemption(&b->u.payout.redemption, &b->u.payout.fee);
        some_ref(b->u.payout.bank_ref);
        return;
    case MR_KIND_RETURN:
        some_redemption(&b->u.return_.redemption, &fee);
        return;
    case MR_KIND_SETKEYS: /* of members: the others keep the keys of the charter */
        b->u.setkeys.generation = a->generation + (once_in(10) ? 2 : 1);
        some_keys(&b->u.setkeys.keys, model_find(m, a->id), a->key + 1);
        return;
    case MR_KIND_FLAG:
        some_id(b->u.flag.account);
        b->u.flag.frozen = once_in(3);
        b->u.flag.reason = MR_REASON_OTHER;
        return;
    case MR_KIND_LIST:
        order_list();
        return;
    case MR_KIND_CLOSE:
        return;
    case MR_KIND_GRANT:
        order_terms(&b->u.grant, true);
        return;
    case MR_KIND_LOWER:
        order_terms(&b->u.lower, false);
        return;
    case MR_KIND_SWEEP: {
        const uint32_t from = some_member();
        memcpy(b->u.sweep.account, m->accounts[from].id, 16);
        b->u.sweep.unit = once_in(10) ? (uint32_t)any(5) : 0;
        b->u.sweep.amount = some_amount(m->accounts[from].balance[0]);
        return;
    }
    case MR_KIND_POLICY:
        order_policy();
        return;
    case MR_KIND_CAP:
        memcpy(b->u.cap.association, w.charter.associations[any(HOMES)].id, 16);
        if (once_in(20))
            b->u.cap.association[0] ^= 1;
        b->u.cap.cap = once_in(6) ? MR_CAPS_MAX - (int64_t)any(1000) : (int64_t)any(1000000);
        return;
    case MR_KIND_CHECKPOINT:
        return;
    }
}

/* --- orders ------------------------------------------------------------------------------------------- */

static uint32_t chain_for(enum mr_order_kind kind)
{
    const uint32_t home = once_in(4) ? 1 : 0;
    switch (kind) {
    case MR_KIND_OPEN:
    case MR_KIND_FLAG:
    case MR_KIND_LIST:
        return model_derived(m, home, MR_CLASS_DESK);
    case MR_KIND_ISSUE:
    case MR_KIND_PAYOUT:
    case MR_KIND_RETURN:
    case MR_KIND_GRANT:
    case MR_KIND_SWEEP:
        return model_derived(m, home, MR_CLASS_TREASURY);
    case MR_KIND_POLICY:
    case MR_KIND_CAP:
    case MR_KIND_LOWER:
        return model_derived(m, NOWHERE, MR_CLASS_SYSTEM);
    case MR_KIND_PAY:
        return once_in(20) ? model_derived(m, home, MR_CLASS_TREASURY) : some_member();
    case MR_KIND_REDEEM:
    case MR_KIND_CLOSE:
    case MR_KIND_SETKEYS:
    case MR_KIND_CHECKPOINT:
        return some_member();
    }
    return 0;
}

static enum mr_order_kind some_kind(void)
{
    static const enum mr_order_kind often[] = {
        MR_KIND_PAY,    MR_KIND_PAY,    MR_KIND_PAY,    MR_KIND_PAY,   MR_KIND_PAY, MR_KIND_ISSUE,
        MR_KIND_ISSUE,  MR_KIND_REDEEM, MR_KIND_REDEEM, MR_KIND_PAYOUT, MR_KIND_RETURN,
        MR_KIND_FLAG,   MR_KIND_FLAG,   MR_KIND_LIST,   MR_KIND_LIST,  MR_KIND_GRANT,
        MR_KIND_SWEEP,  MR_KIND_CAP,    MR_KIND_LOWER,  MR_KIND_SETKEYS};
    static const enum mr_order_kind seldom[] = {MR_KIND_POLICY, MR_KIND_CLOSE};
    const uint32_t members = m->accounts_count - 3 - 6 * HOMES;
    if (members < 6 || (members < MEMBERS && once_in(15)))
        return MR_KIND_OPEN;
    if (once_in(80) && m->policies_count < 40)
        return seldom[0];
    if (once_in(200))
        return seldom[1];
    return often[any(sizeof often / sizeof often[0])];
}

/* A next order for a chain, mostly right. */
static uint32_t make_order(enum signing *ret_how)
{
    const enum mr_order_kind kind = some_kind();
    uint32_t account = chain_for(kind);
    if (once_in(60))
        account = (uint32_t)any(m->accounts_count); /* perhaps a wrong one */
    const struct model_account *a = &m->accounts[account];
    const bool derived = account < 3 + 6 * HOMES;
    const enum mr_order_kind wanted = derived && kind == MR_KIND_SETKEYS ? MR_KIND_CLOSE : kind;
    memset(&o.order, 0, offsetof(struct mr_order, body));
    o.order.version = 1;
    memcpy(o.order.ledger, m->ledger, 32);
    memcpy(o.order.account, a->id, 16);
    o.order.seq = a->next > 0 ? a->next : 1;
    memcpy(o.order.prev, a->head, 32);
    o.order.time_ms = w.now_ms > a->time_ms ? w.now_ms : a->time_ms;
    if (once_in(25))
        o.order.time_ms += any(900000);
    if (once_in(40))
        o.order.time_ms -= any(40 * MR_DAY_MS);
    o.order.not_after_ms = o.order.time_ms + any(31 * MR_DAY_MS);
    if (once_in(60))
        o.order.not_after_ms += 31 * MR_DAY_MS;
    const struct mr_policy *policy = model_policy(m, o.order.time_ms);
    o.order.policy = policy->version;
    if (once_in(60))
        o.order.policy += 1 + (uint32_t)any(2);
    counter++;
    memcpy(o.order.salt, &counter, sizeof counter);
    fill_body(a, wanted, policy);
    if (once_in(30))
        o.order.seq += 1 + any(5);
    if (once_in(30) && o.order.seq > 2)
        o.order.seq -= 1 + any(2);
    if (once_in(50))
        o.order.prev[any(32)] ^= 4;
    if (once_in(200))
        o.order.ledger[0] ^= 1;
    *ret_how = once_in(30) ? (enum signing)(1 + any(3)) : SIGN_GOOD;
    return account;
}

static enum mr_status send(void)
{
    w.request->body.kind = MR_REQ_SUBMIT;
    w.request->body.u.submit.order = o;
    w.request->body.u.submit.memo_count = 0;
    return world_request(&w, NULL);
}

static void explain(const char *what, enum mr_status is, enum mr_status must)
{
    static char text[65536];
    mr_signed_order_json(&o, text, sizeof text);
    ck_assert_msg(is == must, "%s of a %s order: %s, the model says %s; seed %llu\n%s", what,
                  mr_order_kind_text(o.order.body.kind), mr_status_name(is), mr_status_name(must),
                  (unsigned long long)seed0, text);
}

static void step_order(void)
{
    enum signing how;
    enum mr_status cause = MR_OK;
    const bool again = old_count > 0 && once_in(12);
    uint32_t account;
    enum mr_status worth;
    if (again) {
        const uint32_t i = (uint32_t)any(old_count);
        o = old[i];
        how = old_signing[i];
        account = model_find(m, o.order.account);
        worth = sign(account, how); /* by the present keys */
    } else {
        account = make_order(&how);
        worth = sign(account, how);
    }
    if (!again && how == SIGN_GOOD) {
        const uint32_t i = old_count < 64 ? old_count++ : (uint32_t)any(64);
        old[i] = o;
        old_signing[i] = how;
    }
    const enum mr_status must = model_submit(m, &cause, &o.order, worth);
    const enum mr_status is = send();
    explain("SUBMIT", is, must);
    if (is == MR_PARKED && cause != MR_OK)
        ck_assert_uint_eq(w.reply->body.u.submit.cause, cause);
}

static void step_cancel(void)
{
    const uint32_t account = once_in(4) ? (uint32_t)any(m->accounts_count) : some_member();
    const struct model_account *a = &m->accounts[account];
    struct mr_signed_cancel *c = &w.request->body.u.cancel;
    struct mr_seckey key;
    struct mr_pubkey public;
    const bool bad = once_in(10);
    if (account < 3 + 6 * HOMES)
        return; /* voids of the associations' chains would only starve the rest */
    w.request->body.kind = MR_REQ_CANCEL;
    memset(c, 0, sizeof *c);
    memcpy(c->cancel.ledger, m->ledger, 32);
    memcpy(c->cancel.account, a->id, 16);
    c->cancel.seq = a->next - (once_in(3) && a->next > 1 ? 1 : 0) + (once_in(6) ? 1 : 0);
    key_of(&key, &public, account, a->key);
    mr_cancel_sign(c, 0, &key);
    if (bad)
        c->sigs[0].sig[3] ^= 1;
    const struct mr_cancel what = c->cancel;
    const enum mr_status must = model_cancel(m, &what, bad ? MR_BAD_SIGNATURE : MR_OK);
    const enum mr_status is = world_request(&w, NULL);
    ck_assert_msg(is == must, "CANCEL: %s, the model says %s; seed %llu", mr_status_name(is),
                  mr_status_name(must), (unsigned long long)seed0);
}

/* --- comparing ----------------------------------------------------------------------------------------- */

static void compare_account(const struct model_account *a)
{
    w.request->body.kind = MR_REQ_ACCOUNT;
    memcpy(w.request->body.u.account.account, a->id, 16);
    ck_assert_int_eq(world_request(&w, NULL), MR_OK);
    const struct mr_state_account *s = &w.reply->body.u.account.account;
    const struct mr_state_hot *h = &w.reply->body.u.account.hot;
    ck_assert_int_eq(s->class, a->class);
    ck_assert_int_eq(s->frozen, a->frozen);
    ck_assert_int_eq(s->closed, a->closed);
    ck_assert_int_eq(s->credit, a->credit);
    ck_assert_int_eq(s->limit_payment, a->limits[0]);
    ck_assert_int_eq(s->limit_day, a->limits[1]);
    ck_assert_int_eq(s->limit_month, a->limits[2]);
    ck_assert_uint_eq(s->generation, a->generation);
    ck_assert_uint_eq(h->chain.next_seq, a->next);
    ck_assert_mem_eq(h->chain.head, a->head, 32);
    ck_assert_int_eq(h->chain.day_spent, a->day_spent);
    ck_assert_int_eq(h->chain.month_spent, a->month_spent);
    ck_assert_uint_eq(h->credits, a->credits);
    for (uint32_t i = 0; i < w.charter.units_count; i++)
        ck_assert_int_eq(h->chain.balances[i].minor, a->balance[i]);
}

static void compare(void)
{
    int64_t sums[MR_UNITS_MAX] = {0};
    for (uint32_t i = 0; i < m->accounts_count; i++) {
        compare_account(&m->accounts[i]);
        for (uint32_t u = 0; u < w.charter.units_count; u++)
            sums[u] += m->accounts[i].balance[u];
    }
    for (uint32_t u = 0; u < w.charter.units_count; u++)
        ck_assert_int_eq(sums[u], 0);
}

static void pass_time(void)
{
    struct mr_effects fx = {NULL, NULL};
    w.now_ms += TICK_MS;
    if (once_in(20))
        w.now_ms += any(12 * 3600000);
    if (once_in(150))
        w.now_ms += any(20 * MR_DAY_MS);
    const struct mr_event tick = {.kind = MR_EV_TICK, .now_ms = w.now_ms};
    ck_assert_int_eq(mr_engine_step(w.engine, &tick, &fx), MR_OK);
    world_turn(&w);
    model_tick(m, w.now_ms);
}

/* --- histories ------------------------------------------------------------------------------------------ */

static void begin(void)
{
    struct mr_charter *c = &w.charter;
    world_init(&w);
    c->units_count = 3;
    c->units[2] = c->units[0];
    c->units[2].role = MR_UNIT_OTHER;
    set_text(c->units[2].code, &c->units[2].code_len, "OTH");
    c->associations_count = HOMES;
    c->associations[1] = c->associations[0];
    memset(c->associations[1].id, 8, 16);
    set_text(c->associations[1].alias, &c->associations[1].alias_len, "second");
    c->associations[0].cap = c->associations[1].cap = 2000000;
    mr_ledger_id(w.ledger, c);
    model_init(m, c);
    world_start(&w);
    model_tick(m, w.now_ms);
}

START_TEST(a_history)
{
    seed0 += (uint64_t)_i * 7919;
    x = seed0;
    m = malloc(sizeof *m);
    old_count = 0;
    counter = 0;
    begin();
    for (unsigned i = 0; i < steps; i++) {
        if (once_in(30))
            step_cancel();
        else
            step_order();
        pass_time();
        if (once_in(10))
            compare();
        if (once_in(200)) { /* memory is lost; all that was said is not */
            if (once_in(2))
                world_flush(&w);
            world_stop(&w);
            world_start(&w);
            pass_time();
        }
    }
    compare();
    world_check(&w);
    world_done(&w);
    free(m);
}
END_TEST

int main(int argc, char **argv)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (argc > 1)
        steps = (unsigned)strtoul(argv[1], NULL, 10);
    seed0 = argc > 2 ? strtoull(argv[2], NULL, 10)
                     : ((uint64_t)now.tv_sec << 20 ^ (uint64_t)now.tv_nsec) | 1;
    printf("%u steps, seed %llu\n", steps, (unsigned long long)seed0);
    fflush(stdout);
    Suite *s = suite_create("model");
    TCase *c = tcase_create("histories");
    tcase_set_timeout(c, 60 + steps / 20);
    tcase_add_loop_test(c, a_history, 0, argc > 2 ? 1 : HISTORIES);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
