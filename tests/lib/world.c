#include "lib/world.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/check.h"
#include "mereau/codec.h"

static void *get(void *ctx, size_t n)
{
    (void)ctx;
    return malloc(n);
}

static void put(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

struct mr_mem world_mem(void)
{
    return (struct mr_mem){get, put, NULL};
}

static void make_key(struct mr_seckey *ret, struct mr_pubkey *ret_public, const char *name,
                     uint32_t number)
{
    uint8_t seed[32];
    mr_hash(seed, "test/key", name, strlen(name), &number, sizeof number);
    mr_seckey_from_seed(ret, ret_public, seed);
}

#define SET_TEXT(record, field, text)                                                              \
    do {                                                                                           \
        (record)->field##_len = (uint32_t)strlen(text);                                            \
        memcpy((record)->field, text, strlen(text) + 1);                                           \
    } while (0)

static void default_policy(struct mr_policy *p)
{
    static const struct mr_class_rule rules[] = {
        {MR_CLASS_RESIDENT, true, true, false, 0, 500000, 1000000, 5000000},
        {MR_CLASS_SHOP, true, true, true, 2000, MR_AMOUNT_MAX, MR_AMOUNT_MAX, MR_AMOUNT_MAX},
        {MR_CLASS_ASSOCIATION, true, true, true, 0, MR_AMOUNT_MAX, MR_AMOUNT_MAX, MR_AMOUNT_MAX},
        {MR_CLASS_MUNICIPALITY, false, true, true, 0, 0, 0, 0},
    };
    *p = (struct mr_policy){.version = 1, .classes_count = 4, .fees_count = 1};
    memcpy(p->classes, rules, sizeof rules);
    p->fees[0] = (struct mr_fee_rule){MR_KIND_REDEEM, MR_CLASS_SHOP, 500, 0, MR_AMOUNT_MAX, 0};
}

static void make_association(struct world *w, uint32_t home)
{
    struct mr_association *a = &w->charter.associations[home];
    struct world_home *h = &w->homes[home];
    memset(a->id, 7 + (int)home, sizeof a->id);
    SET_TEXT(a, name, "Test association");
    SET_TEXT(a, alias, "test");
    a->alias[3] = (char)('t' + (int)home);
    a->cap = 1000000000;
    a->desk.threshold = 1;
    a->treasury.threshold = WORLD_OPERATORS;
    a->desk.keys_count = a->treasury.keys_count = WORLD_OPERATORS;
    for (uint32_t i = 0; i < WORLD_OPERATORS; i++) {
        make_key(&h->operators[i], &a->desk.keys[i], "operator", home * WORLD_OPERATORS + i);
        a->treasury.keys[i] = a->desk.keys[i];
    }
    mr_sub_account(h->desk, a->id, MR_CLASS_DESK);
    mr_sub_account(h->treasury, a->id, MR_CLASS_TREASURY);
    mr_sub_account(h->issuer, a->id, MR_CLASS_ISSUER);
    mr_sub_account(h->reserve, a->id, MR_CLASS_RESERVE);
    mr_sub_account(h->redeemed, a->id, MR_CLASS_REDEEMED);
    mr_sub_account(h->own, a->id, MR_CLASS_OWN);
}

static void make_charter(struct world *w, uint32_t homes)
{
    struct mr_charter *c = &w->charter;
    *c = (struct mr_charter){.version = 1,
                             .created_ms = w->now_ms,
                             .units_count = 2,
                             .associations_count = homes,
                             .nodes_count = 1,
                             .quorum = 1};
    SET_TEXT(c, name, "Test currency");
    SET_TEXT(c, prefix, "test");
    SET_TEXT(&c->units[0], code, "TST");
    SET_TEXT(&c->units[1], code, "EUR");
    c->units[0].role = MR_UNIT_LOCAL;
    c->units[1].role = MR_UNIT_RESERVE;
    c->units[0].decimals = c->units[1].decimals = 2;
    for (uint32_t i = 0; i < homes; i++)
        make_association(w, i);
    make_key(&w->governance, &w->governance_public, "governance", 0);
    c->governance = (struct mr_keyset){.threshold = 1, .keys_count = 1};
    c->governance.keys[0] = w->governance_public;
    c->nodes[0].number = 1;
    memcpy(c->nodes[0].association, c->associations[0].id, 16);
    make_key(&w->log_key, &c->nodes[0].log_key, "log", 1);
    c->nodes[0].transport_key = c->nodes[0].log_key;
    SET_TEXT(&c->nodes[0], address, "127.0.0.1:1");
    default_policy(&c->policy);
}

void world_init(struct world *w)
{
    world_init_homes(w, 1);
}

void world_init_homes(struct world *w, uint32_t homes)
{
    ck_assert_uint_le(homes, WORLD_HOMES_MAX);
    *w = (struct world){.now_ms = UINT64_C(1790000000000), .mem = world_mem()};
    ck_assert_int_ge(sodium_init(), 0);
    make_charter(w, homes);
    mr_ledger_id(w->ledger, &w->charter);
    memcpy(w->operators, w->homes[0].operators, sizeof w->operators);
    for (uint32_t i = 0; i < WORLD_OPERATORS; i++)
        w->operators_public[i] = w->charter.associations[0].treasury.keys[i];
    memcpy(w->desk, w->homes[0].desk, 16);
    memcpy(w->treasury, w->homes[0].treasury, 16);
    mr_sub_account(w->system, NULL, MR_CLASS_SYSTEM);
    w->reply = malloc(sizeof *w->reply);
    w->request = malloc(sizeof *w->request);
    ck_assert_int_eq(mr_store_mem_open(&w->store, &w->mem, NULL), MR_OK);
    ck_assert_int_eq(mr_journal_mem_open(&w->journal, &w->mem, NULL), MR_OK);
}

void world_done(struct world *w)
{
    mr_engine_destroy(w->engine);
    w->store->api->close(w->store);
    w->journal->api->close(w->journal);
    free(w->reply);
    free(w->request);
}

static void on_reply(void *ctx, uint64_t token, const uint8_t *bytes, size_t len)
{
    struct world *w = ctx;
    (void)token;
    ck_assert_int_eq(mr_reply_decode(w->reply, bytes, len), MR_OK);
    w->replies++;
}

void world_start(struct world *w)
{
    const struct mr_engine_config config = {.charter = &w->charter,
                                            .node = 1,
                                            .log_key = &w->log_key,
                                            .software = "test",
                                            .store = w->store,
                                            .journal = w->journal,
                                            .mem = w->mem,
                                            .now_ms = w->now_ms,
                                            .abstain = w->abstain,
                                            .restart = w->restart};
    ck_assert_int_eq(mr_engine_create(&w->engine, &config), MR_OK);
    world_turn(w);
}

void world_stop(struct world *w)
{
    mr_engine_destroy(w->engine);
    w->engine = NULL;
}

void world_turn(struct world *w)
{
    struct mr_effects fx = {on_reply, w};
    struct mr_turn t;
    while (mr_engine_cut(w->engine, &t, &fx)) {
        const struct mr_event done = {.kind = MR_EV_SYNCED, .now_ms = w->now_ms};
        ck_assert_int_eq(
            w->journal->api->append(w->journal, t.log, t.log_len, t.bodies, t.bodies_len), MR_OK);
        ck_assert_int_eq(mr_engine_step(w->engine, &done, &fx), MR_OK);
    }
}

void world_flush(struct world *w)
{
    struct mr_effects fx = {on_reply, w};
    struct mr_put *puts;
    struct mr_turn t;
    size_t count;
    world_turn(w);
    ck_assert(!mr_engine_cut(w->engine, &t, &fx));
    ck_assert_int_eq(mr_engine_freeze(w->engine, &puts, &count), MR_OK);
    mr_puts_sort(puts, count);
    ck_assert_int_eq(w->store->api->commit(w->store, puts, count), MR_OK);
    ck_assert_int_eq(w->store->api->refresh(w->store), MR_OK);
    mr_engine_flushed(w->engine, puts);
}

enum mr_status world_request(struct world *w, const struct mr_principal *who)
{
    static const struct mr_principal local = {.local = true};
    struct mr_effects fx = {on_reply, w};
    struct mr_event ev = {.kind = MR_EV_REQUEST, .now_ms = w->now_ms};
    struct mr_keyset keys;
    const struct mr_request_body *b = &w->request->body;
    ev.u.request.who = who != NULL ? who : &local;
    ev.u.request.request = w->request;
    ev.u.request.signatures = MR_ACCOUNT_UNKNOWN;
    if (b->kind == MR_REQ_SUBMIT && mr_engine_signers(w->engine, &keys, &ev.u.request.generation,
                                                      &b->u.submit.order.order) == MR_OK)
        ev.u.request.signatures = mr_order_verify(&b->u.submit.order, &keys, 1);
    if (b->kind == MR_REQ_CANCEL && mr_engine_keys(w->engine, &keys, &ev.u.request.generation,
                                                   b->u.cancel.cancel.account) == MR_OK)
        ev.u.request.signatures = mr_cancel_verify(&b->u.cancel, &keys);
    const uint32_t before = w->replies;
    w->request->id = before + 1;
    ck_assert(mr_engine_ready(w->engine));
    ck_assert_int_eq(mr_engine_step(w->engine, &ev, &fx), MR_OK);
    world_turn(w);
    ck_assert_uint_eq(w->replies, before + 1);
    ck_assert_uint_eq(w->reply->id, before + 1);
    return mr_status_from_number(w->reply->status);
}

struct mr_principal world_owner(struct world *w, const uint8_t account[16])
{
    const struct mr_req_auth auth = {.role = MR_AUTH_OWNER};
    struct mr_req_auth a = auth;
    struct mr_principal who = {0};
    struct mr_pubkey key;
    memcpy(a.account, account, 16);
    ck_assert_int_eq(mr_engine_identify(w->engine, &key, &who, &a), MR_OK);
    return who;
}

void world_order_on(struct world *w, struct mr_signed_order *ret, const uint8_t account[16],
                    const struct mr_state_chain *c, uint32_t policy, enum mr_order_kind kind)
{
    struct mr_order *o = &ret->order;
    memset(ret, 0, sizeof *ret);
    o->version = 1;
    memcpy(o->ledger, w->ledger, 32);
    memcpy(o->account, account, 16);
    o->seq = c->next_seq;
    memcpy(o->prev, c->head, 32);
    o->time_ms = w->now_ms > c->time_ms ? w->now_ms : c->time_ms;
    o->not_after_ms = o->time_ms + 7 * MR_DAY_MS;
    o->policy = policy;
    w->salt++;
    memcpy(o->salt, &w->salt, sizeof w->salt);
    o->body.kind = kind;
}

void world_order(struct world *w, struct mr_signed_order *ret, const uint8_t account[16],
                 enum mr_order_kind kind)
{
    w->request->body.kind = MR_REQ_ACCOUNT;
    memcpy(w->request->body.u.account.account, account, 16);
    ck_assert_int_eq(world_request(w, NULL), MR_OK);
    const struct mr_state_chain *c = &w->reply->body.u.account.hot.chain;
    world_order_on(w, ret, account, c, w->reply->body.u.account.policy, kind);
}

void world_recover_body(struct world *w, struct mr_recover *b, uint32_t member, uint32_t generation)
{
    struct world_member *m = &w->members[member];
    make_key(&m->next_key, &m->next_public, "recovered", (uint32_t)++w->salt);
    *b = (struct mr_recover){.keys = {.generation = generation}};
    memcpy(b->account, m->id, 16);
    b->keys.keys.threshold = b->keys.keys.keys_count = 1;
    b->keys.keys.keys[0] = m->next_public;
    memcpy(b->keys.enc_key, m->next_public.key, sizeof b->keys.enc_key); /* no two are the same */
}

void world_takeover_body(const struct world *w, struct mr_takeover *b, const struct mr_recover *of,
                         uint64_t seq)
{
    *b = (struct mr_takeover){.recover = seq, .keys = of->keys, .generation = 1};
    for (uint32_t i = 0; i < w->members_count; i++)
        if (memcmp(of->account, w->members[i].id, 16) == 0)
            b->treasury = w->charter.associations[w->members[i].home].treasury;
}

void world_taken_over(struct world *w, uint32_t member)
{
    w->members[member].key = w->members[member].next_key;
    w->members[member].public = w->members[member].next_public;
}

static void sign_takeover(struct world *w, struct mr_signed_order *o)
{
    o->sigs_count = 0;
    for (uint32_t m = 0; m < w->members_count; m++)
        for (uint32_t i = 0; i < WORLD_OPERATORS; i++)
            if (memcmp(o->order.account, w->members[m].id, 16) == 0)
                mr_order_sign(o, i, &w->homes[w->members[m].home].operators[i]);
}

void world_sign(struct world *w, struct mr_signed_order *o)
{
    const uint8_t *id = o->order.account;
    if (o->order.body.kind == MR_KIND_TAKEOVER) {
        sign_takeover(w, o);
        return;
    }
    o->sigs_count = 0;
    for (uint32_t h = 0; h < WORLD_HOMES_MAX; h++) { /* one that will join is none of the charter */
        if (memcmp(id, w->homes[h].desk, 16) == 0)
            mr_order_sign(o, 0, &w->homes[h].operators[0]);
        for (uint32_t i = 0; i < WORLD_OPERATORS; i++)
            if (memcmp(id, w->homes[h].treasury, 16) == 0)
                mr_order_sign(o, i, &w->homes[h].operators[i]);
    }
    if (memcmp(id, w->system, 16) == 0)
        mr_order_sign(o, 0, &w->governance);
    for (uint32_t i = 0; i < w->members_count; i++)
        if (memcmp(id, w->members[i].id, 16) == 0)
            mr_order_sign(o, 0, &w->members[i].key);
}

enum mr_status world_submit(struct world *w, const struct mr_signed_order *o)
{
    w->request->body.kind = MR_REQ_SUBMIT;
    w->request->body.u.submit.order = *o;
    w->request->body.u.submit.memo_count = 0;
    return world_request(w, NULL);
}

void world_open_body(struct world *w, struct mr_open *b, uint32_t home, enum mr_account_class class)
{
    ck_assert_uint_lt(w->members_count, WORLD_MEMBERS_MAX);
    struct world_member *m = &w->members[w->members_count];
    uint8_t h[32];
    make_key(&m->key, &m->public, "member", w->members_count);
    mr_hash(h, "test/account", &w->members_count, sizeof w->members_count, NULL, 0);
    memcpy(m->id, h, 16);
    mr_into_space(m->id, w->charter.associations[home].id);
    m->class = class;
    m->home = home;
    memcpy(b->account, m->id, 16);
    b->class = class;
    b->keys.threshold = b->keys.keys_count = 1;
    b->keys.keys[0] = m->public;
}

enum mr_status world_open(struct world *w, enum mr_account_class class)
{
    return world_open_at(w, 0, class);
}

enum mr_status world_open_at(struct world *w, uint32_t home, enum mr_account_class class)
{
    static struct mr_signed_order o;
    world_order(w, &o, w->homes[home].desk, MR_KIND_OPEN);
    world_open_body(w, &o.order.body.u.open, home, class);
    world_sign(w, &o);
    const enum mr_status st = world_submit(w, &o);
    if (st == MR_SETTLED)
        w->members_count++;
    return st;
}

void world_issue_body(struct world *w, struct mr_issue *b, uint32_t member, int64_t amount)
{
    b->banks_count = b->lines_count = 1;
    mr_hash(b->banks[0].ref, "test/bank", &w->salt, sizeof w->salt, NULL, 0);
    b->banks[0].amount = amount;
    memcpy(b->lines[0].member, w->members[member].id, 16);
    b->lines[0].amount = amount;
}

enum mr_status world_issue(struct world *w, uint32_t member, int64_t amount)
{
    static struct mr_signed_order o;
    world_order(w, &o, w->homes[w->members[member].home].treasury, MR_KIND_ISSUE);
    world_issue_body(w, &o.order.body.u.issue, member, amount);
    world_sign(w, &o);
    return world_submit(w, &o);
}

void world_pay_body(const struct world *w, struct mr_pay *b, uint32_t to, int64_t amount)
{
    b->lines_count = 1;
    memcpy(b->lines[0].payee, w->members[to].id, 16);
    b->lines[0].amount = amount;
    b->lines[0].what = MR_LINE_PAYMENT;
}

enum mr_status world_pay(struct world *w, uint32_t from, uint32_t to, int64_t amount)
{
    static struct mr_signed_order o;
    world_order(w, &o, w->members[from].id, MR_KIND_PAY);
    world_pay_body(w, &o.order.body.u.pay, to, amount);
    world_sign(w, &o);
    return world_submit(w, &o);
}

void world_clear_body(struct world *w, struct mr_clear *b, uint32_t from, uint32_t to,
                      int64_t amount)
{
    const struct mr_association *all = w->charter.associations;
    *b = (struct mr_clear){.generation = 1, .clearing.amount = amount, .keys = all[to].treasury};
    memcpy(b->clearing.from, all[from].id, 16);
    memcpy(b->clearing.to, all[to].id, 16);
    mr_hash(b->clearing.bank_ref, "test/bank", &w->salt, sizeof w->salt, NULL, 0);
}

void world_countersign(const struct world *w, struct mr_clear *b)
{
    for (uint32_t h = 0; h < w->charter.associations_count && h < WORLD_HOMES_MAX; h++)
        for (uint32_t i = 0; i < WORLD_OPERATORS; i++)
            if (memcmp(b->clearing.to, w->charter.associations[h].id, 16) == 0)
                mr_clear_sign(b, w->ledger, i, &w->homes[h].operators[i]);
}

enum mr_status world_clear(struct world *w, uint32_t from, uint32_t to, int64_t amount)
{
    static struct mr_signed_order o;
    world_order(w, &o, w->homes[from].treasury, MR_KIND_CLEAR);
    world_clear_body(w, &o.order.body.u.clear, from, to, amount);
    world_countersign(w, &o.order.body.u.clear);
    world_sign(w, &o);
    return world_submit(w, &o);
}

int64_t world_balance(struct world *w, const uint8_t account[16], uint32_t unit)
{
    w->request->body.kind = MR_REQ_ACCOUNT;
    memcpy(w->request->body.u.account.account, account, 16);
    ck_assert_int_eq(world_request(w, NULL), MR_OK);
    return w->reply->body.u.account.hot.chain.balances[unit].minor;
}

static void on_finding(void *ctx, const struct mr_finding *f)
{
    (void)ctx;
    fprintf(stderr, "%s at %s: expected %s, found %s\n", f->rule, f->where, f->expected, f->found);
}

void world_check(struct world *w)
{
    struct mr_store *again;
    struct mr_check_totals totals, rebuilt;
    uint64_t differences = 0;
    world_flush(w);
    struct mr_check c = {.charter = &w->charter,
                         .store = w->store,
                         .journal = w->journal,
                         .mem = w->mem,
                         .found = on_finding};
    ck_assert_int_eq(mr_check_store(&c, &totals), MR_OK);
    ck_assert_uint_eq(totals.findings, 0);
    ck_assert_int_eq(mr_store_mem_open(&again, &w->mem, NULL), MR_OK);
    struct mr_check r = c;
    r.store = again;
    ck_assert_int_eq(mr_rebuild(&r, 1, totals.meta.turn), MR_OK);
    ck_assert_int_eq(mr_check_store(&r, &rebuilt), MR_OK);
    ck_assert_mem_eq(totals.state_root, rebuilt.state_root, 32);
    ck_assert_int_eq(mr_check_equal(&c, again, &differences), MR_OK);
    ck_assert_uint_eq(differences, 0);
    again->api->close(again);
}
