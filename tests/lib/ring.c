#include "lib/ring.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/codec.h"
#include "mereau/handover.h"
#include "mereau/log.h"
#include "mereau/receipt.h"
#include "mereau/state.h"

/* --- life ------------------------------------------------------------------------------------- */

/* A node of the ring as charters name it, with a key of its generation. */
static struct mr_node make_node(struct ring *r, uint32_t at)
{
    struct ring_node *const n = &r->nodes[at];
    struct mr_node ret = {.number = at + 1, .peer_address_len = 1, .peer_address = "x"};
    struct mr_pubkey transport;
    struct mr_seckey unused;
    if (n->generation == 0)
        n->generation = 1;
    uint8_t seed[32] = {'r', 'i', 'n', 'g', (uint8_t)at};
    mr_seckey_from_seed(&unused, &transport, seed);
    seed[5] = (uint8_t)n->generation;
    mr_seckey_from_seed(n->generation % 2 == 1 ? &n->log_key : &n->next_key, &ret.log_key, seed);
    ret.transport_key = transport;
    memcpy(ret.association, r->w.charter.associations[0].id, 16);
    return ret;
}

void ring_init(struct ring *r, uint32_t nodes, uint32_t quorum)
{
    ring_init_homes(r, nodes, quorum, 1);
}

void ring_init_homes(struct ring *r, uint32_t nodes, uint32_t quorum, uint32_t homes)
{
    ring_init_founders(r, nodes, quorum, homes, homes);
}

void ring_init_founders(struct ring *r, uint32_t nodes, uint32_t quorum, uint32_t homes,
                        uint32_t founders)
{
    memset(r, 0, sizeof *r);
    world_init_homes(&r->w, homes);
    r->count = nodes;
    struct mr_charter *const c = &r->w.charter;
    c->associations_count = founders;
    c->nodes_count = nodes;
    c->quorum = quorum;
    for (uint32_t i = 0; i < nodes; i++)
        c->nodes[i] = make_node(r, i);
    mr_ledger_id(r->w.ledger, c);
    r->reply = calloc(1, sizeof *r->reply);
    r->request = calloc(1, sizeof *r->request);
    for (uint32_t i = 0; i < nodes; i++) {
        struct ring_node *const n = &r->nodes[i];
        ck_assert_int_eq(mr_store_mem_open(&n->store, &r->w.mem, NULL), MR_OK);
        ck_assert_int_eq(mr_journal_mem_open(&n->journal, &r->w.mem, NULL), MR_OK);
        ring_start(r, i);
    }
    ring_settle(r);
}

void ring_done(struct ring *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        mr_engine_destroy(r->nodes[i].engine);
        if (r->nodes[i].store == NULL)
            continue;
        r->nodes[i].store->api->close(r->nodes[i].store);
        r->nodes[i].journal->api->close(r->nodes[i].journal);
        if (r->nodes[i].final != NULL)
            r->nodes[i].final->api->close(r->nodes[i].final);
    }
    free(r->reply);
    free(r->request);
    world_done(&r->w);
}

/* --- replies ---------------------------------------------------------------------------------- */

enum { REPLIES_MAX = 512 };

/* Replies are taken up once the step that made them is over. */
static struct {
    uint64_t token;
    size_t len;
    uint8_t bytes[MR_FRAME_MAX];
} replies[REPLIES_MAX];
static uint32_t replies_first, replies_count; /* of a ring */

static void on_reply(void *ctx, uint64_t token, const uint8_t *bytes, size_t len)
{
    (void)ctx;
    ck_assert_uint_lt(replies_count, REPLIES_MAX);
    const uint32_t at = (replies_first + replies_count++) % REPLIES_MAX;
    replies[at].token = token;
    replies[at].len = len;
    memcpy(replies[at].bytes, bytes, len);
}

static struct mr_effects fx = {on_reply, NULL};

enum { SLOW_MS = 2500 };

static void flush(struct ring *r, uint32_t node);
static void sum(struct ring *r, uint32_t node);

/* A turn is being synced. */
static void take_time(struct ring *r, struct mr_engine *e)
{
    struct mr_engine_facts f;
    mr_engine_facts(e, &f);
    r->w.now_ms += f.meta.finished ? SLOW_MS : 0;
    const struct mr_event tick = {.kind = MR_EV_TICK, .now_ms = r->w.now_ms};
    if (f.meta.finished)
        ck_assert_int_eq(mr_engine_step(e, &tick, &fx), MR_OK);
}

static void step(struct ring *r, uint32_t node, struct mr_event *ev)
{
    struct ring_node *const n = &r->nodes[node];
    struct mr_turn t;
    ev->now_ms = r->w.now_ms;
    ck_assert(mr_engine_ready(n->engine));
    ck_assert_int_eq(mr_engine_step(n->engine, ev, &fx), MR_OK);
    while (mr_engine_cut(n->engine, &t, &fx)) {
        ck_assert_int_eq(
            n->journal->api->append(n->journal, t.log, t.log_len, t.bodies, t.bodies_len), MR_OK);
        if (r->slow)
            take_time(r, n->engine);
        const struct mr_event done = {.kind = MR_EV_SYNCED, .now_ms = r->w.now_ms};
        ck_assert_int_eq(mr_engine_step(n->engine, &done, &fx), MR_OK);
    }
    struct mr_engine_facts facts;
    mr_engine_facts(n->engine, &facts);
    if (facts.sum_wanted && !n->no_sum && ev->kind == MR_EV_TICK)
        sum(r, node);
}

static uint64_t post(struct ring *r, uint32_t from, uint32_t to, enum mr_request_kind kind)
{
    for (uint32_t i = 0; i < RING_MAIL_MAX; i++)
        if (!r->mail[i].used) {
            r->mail[i] = (struct ring_mail){.from = from, .to = to, .kind = kind, .used = true};
            return i + 1;
        }
    ck_abort_msg("too much mail");
}

static void checked_of(struct ring *r, uint32_t node, const struct mr_body *b,
                       struct mr_checked *ret)
{
    struct mr_keyset keys;
    struct mr_engine *const e = r->nodes[node].engine;
    *ret = (struct mr_checked){.status = MR_ACCOUNT_UNKNOWN};
    if (b->kind == MR_BODY_ORDER &&
        mr_engine_signers(e, &keys, &ret->generation, &b->u.order.order) == MR_OK)
        ret->status = mr_order_verify(&b->u.order, &keys, ring_epoch(r, node));
    if (b->kind == MR_BODY_CANCEL &&
        mr_engine_keys(e, &keys, &ret->generation, b->u.cancel.cancel.account) == MR_OK)
        ret->status = mr_cancel_verify(&b->u.cancel, &keys);
}

/* An answer of `to` comes back to `from`. */
static void come_back(struct ring *r, const struct ring_mail *m, const struct mr_reply *reply)
{
    static struct mr_checked checked[MR_BODIES_MAX];
    const uint32_t node = m->from - 1;
    struct mr_event ev = {.kind = MR_EV_ANSWER,
                          .u.answer = {.peer = m->to, .kind = m->kind, .reply = reply}};
    if (r->nodes[node].engine == NULL)
        return;
    if (m->kind == MR_REQ_FOLLOW && reply->status == MR_OK) {
        const struct mr_rep_follow *const f = &reply->body.u.follow;
        const struct mr_committee *const k = mr_engine_committee(r->nodes[node].engine);
        for (uint32_t i = 0; i < k->count; i++)
            if (k->seats[i].number == f->head.node)
                ev.u.answer.head_good = mr_head_verify(&f->head, r->w.ledger, &k->seats[i].log_key);
        for (uint32_t i = 0; i < f->bodies_count; i++)
            checked_of(r, node, &f->bodies[i], &checked[i]);
    } else if (m->kind == MR_REQ_FETCH && reply->status == MR_OK) {
        for (uint32_t i = 0; i < reply->body.u.fetch.bodies_count; i++)
            checked_of(r, node, &reply->body.u.fetch.bodies[i], &checked[i]);
    }
    ev.u.answer.checked = checked;
    step(r, node, &ev);
}

static bool deliver(struct ring *r)
{
    static struct mr_reply reply;
    if (replies_count == 0)
        return false;
    const uint32_t at = replies_first;
    const uint64_t token = replies[at].token;
    ck_assert_int_eq(mr_reply_decode(&reply, replies[at].bytes, replies[at].len), MR_OK);
    replies_first = (at + 1) % REPLIES_MAX;
    replies_count--;
    struct ring_mail *const m = &r->mail[token - 1];
    const struct ring_mail was = *m;
    ck_assert(m->used);
    m->used = false;
    if (was.dead)
        return true;
    if (was.from > 0) {
        come_back(r, &was, &reply);
        return true;
    }
    *r->reply = reply;
    r->status = mr_status_from_number(reply.status);
    r->callers--;
    return true;
}

/* Whatever the node wants to ask now. */
static bool ask(struct ring *r, uint32_t node)
{
    struct ring_node *const n = &r->nodes[node];
    bool any = false;
    for (uint32_t k = 0; k < r->count; k++) {
        if (k == node || n->engine == NULL || n->cut[k] || r->nodes[k].engine == NULL)
            continue;
        while (mr_engine_ask(n->engine, k + 1, &r->request->body)) {
            const struct mr_principal who = {.peer = node + 1};
            struct mr_event ev = {.kind = MR_EV_REQUEST};
            ev.u.request.token = post(r, node + 1, k + 1, r->request->body.kind);
            ev.u.request.who = &who;
            ev.u.request.request = r->request;
            step(r, k, &ev);
            any = true;
        }
    }
    return any;
}

void ring_settle(struct ring *r)
{
    bool moved = true;
    while (moved) {
        moved = deliver(r);
        for (uint32_t i = 0; !moved && i < r->count; i++)
            moved = ask(r, i);
    }
}

void ring_wait(struct ring *r, uint64_t ms)
{
    while (ms > 0) {
        const uint64_t now = ms < 250 ? ms : 250;
        r->w.now_ms += now;
        ms -= now;
        for (uint32_t i = 0; i < r->count; i++) {
            struct mr_event tick = {.kind = MR_EV_TICK};
            if (r->nodes[i].engine != NULL)
                step(r, i, &tick);
        }
        ring_settle(r);
    }
}

/* --- nodes ------------------------------------------------------------------------------------ */

static void link_up(struct ring *r, uint32_t node, uint32_t peer, bool up)
{
    struct mr_event ev = {.kind = MR_EV_PEER, .u.peer = {.peer = peer + 1, .up = up}};
    if (r->nodes[node].engine != NULL)
        step(r, node, &ev);
}

void ring_start(struct ring *r, uint32_t node)
{
    struct ring_node *const n = &r->nodes[node];
    const struct mr_engine_config config = {.charter = &r->w.charter,
                                            .node = node + 1,
                                            .log_key = &n->log_key,
                                            .next_key = &n->next_key,
                                            .regroup = n->regroups ? &n->regroup : NULL,
                                            .software = "test",
                                            .store = n->store,
                                            .journal = n->journal,
                                            .mem = r->w.mem,
                                            .now_ms = r->w.now_ms,
                                            .abstain = n->abstain};
    ck_assert_int_eq(mr_engine_create(&n->engine, &config), MR_OK);
    struct mr_event tick = {.kind = MR_EV_TICK};
    step(r, node, &tick);
    for (uint32_t k = 0; k < r->count; k++)
        if (k != node && r->nodes[k].engine != NULL) {
            link_up(r, node, k, true);
            link_up(r, k, node, true);
        }
}

void ring_kill(struct ring *r, uint32_t node)
{
    struct ring_node *const n = &r->nodes[node];
    mr_engine_destroy(n->engine);
    n->engine = NULL;
    for (uint32_t i = 0; i < RING_MAIL_MAX; i++)
        if (r->mail[i].used && r->mail[i].to == node + 1) {
            r->callers -= r->mail[i].from == 0;
            r->mail[i].used = false;
        } else if (r->mail[i].used && r->mail[i].from == node + 1) {
            r->mail[i].dead = true;
        }
    for (uint32_t k = 0; k < r->count; k++)
        link_up(r, k, node, false);
}

static uint8_t *stream_of(struct mr_journal *j, enum mr_stream_family family, size_t len)
{
    size_t got = 0;
    uint8_t *const bytes = malloc(len + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_int_eq(j->api->read(j, family, 0, bytes, len, &got), MR_OK);
    ck_assert_uint_eq(got, len);
    return bytes;
}

void ring_backup(struct ring *r, uint32_t node, struct mr_journal **ret)
{
    struct mr_journal *const j = r->nodes[node].journal;
    struct mr_journal_end end;
    struct mr_frame f;
    j->api->end(j, &end);
    uint8_t *const log = stream_of(j, MR_FAMILY_LOG, end.log);
    uint8_t *const bodies = stream_of(j, MR_FAMILY_BODIES, end.bodies);
    ck_assert_int_eq(mr_journal_mem_open(ret, &r->w.mem, NULL), MR_OK);
    for (size_t at = 0, body = 0; at < end.log; at += mr_frame_size(f.len), body = (size_t)f.end) {
        ck_assert_int_eq(mr_frame_read(&f, log + at, end.log - at, NULL), MR_OK);
        ck_assert_int_eq((*ret)->api->append(*ret, log + at, mr_frame_size(f.len), bodies + body,
                                             (size_t)f.end - body),
                         MR_OK);
    }
    free(log);
    free(bodies);
}

void ring_restore(struct ring *r, uint32_t node, struct mr_journal *backup)
{
    struct ring_node *const n = &r->nodes[node];
    n->store->api->close(n->store);
    n->journal->api->close(n->journal);
    ck_assert_int_eq(mr_store_mem_open(&n->store, &r->w.mem, NULL), MR_OK);
    n->journal = backup;
    n->abstain = true;
}

void ring_break(struct ring *r, uint32_t node, uint32_t peer)
{
    for (uint32_t i = 0; i < RING_MAIL_MAX; i++)
        if (r->mail[i].used && r->mail[i].from == node + 1 && r->mail[i].to == peer + 1)
            r->mail[i].dead = true;
    link_up(r, node, peer, false);
    link_up(r, node, peer, true);
}

void ring_isolate(struct ring *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        for (uint32_t k = 0; k < r->count; k++)
            r->nodes[i].cut[k] = true;
    for (uint32_t i = 0; i < r->count; i++)
        for (uint32_t k = 0; k < r->count; k++)
            if (i != k)
                ring_break(r, i, k);
}

void ring_reunite(struct ring *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        memset(r->nodes[i].cut, 0, sizeof r->nodes[i].cut);
}

void ring_due(struct ring *r, uint32_t node)
{
    struct mr_event due = {.kind = MR_EV_DUE};
    step(r, node, &due);
}

/* --- callers ---------------------------------------------------------------------------------- */

static enum mr_status call(struct ring *r, uint32_t node)
{
    static const struct mr_principal local = {.local = true};
    struct mr_event ev = {.kind = MR_EV_REQUEST};
    struct mr_keyset keys;
    const struct mr_request_body *const b = &r->request->body;
    ev.u.request.token = post(r, 0, node + 1, b->kind);
    ev.u.request.who = &local;
    ev.u.request.request = r->request;
    ev.u.request.signatures = MR_ACCOUNT_UNKNOWN;
    if (b->kind == MR_REQ_SUBMIT &&
        mr_engine_signers(r->nodes[node].engine, &keys, &ev.u.request.generation,
                          &b->u.submit.order.order) == MR_OK)
        ev.u.request.signatures = mr_order_verify(&b->u.submit.order, &keys, 1);
    if (b->kind == MR_REQ_CANCEL &&
        mr_engine_keys(r->nodes[node].engine, &keys, &ev.u.request.generation,
                       b->u.cancel.cancel.account) == MR_OK)
        ev.u.request.signatures = mr_cancel_verify(&b->u.cancel, &keys);
    r->callers++;
    r->status = MR_NO_ANSWER;
    r->request->id = 7;
    step(r, node, &ev);
    ring_settle(r);
    return r->status;
}

enum mr_status ring_submit(struct ring *r, uint32_t node, const struct mr_signed_order *o)
{
    r->request->body.kind = MR_REQ_SUBMIT;
    r->request->body.u.submit.order = *o;
    r->request->body.u.submit.memo_count = 0;
    return call(r, node);
}

enum mr_status ring_request(struct ring *r, uint32_t node, const struct mr_request *q)
{
    *r->request = *q;
    return call(r, node);
}

enum mr_status ring_cancel(struct ring *r, uint32_t node, const struct mr_signed_cancel *c)
{
    r->request->body.kind = MR_REQ_CANCEL;
    r->request->body.u.cancel = *c;
    return call(r, node);
}

void ring_order(struct ring *r, uint32_t node, struct mr_signed_order *ret,
                const uint8_t account[16], enum mr_order_kind kind)
{
    r->request->body.kind = MR_REQ_ACCOUNT;
    memcpy(r->request->body.u.account.account, account, 16);
    ck_assert_int_eq(call(r, node), MR_OK);
    world_order_on(&r->w, ret, account, &r->reply->body.u.account.hot.chain,
                   r->reply->body.u.account.policy, kind);
}

enum mr_status ring_open(struct ring *r, uint32_t node, enum mr_account_class class)
{
    static struct mr_signed_order o;
    ring_order(r, node, &o, r->w.desk, MR_KIND_OPEN);
    world_open_body(&r->w, &o.order.body.u.open, 0, class);
    world_sign(&r->w, &o);
    r->w.members_count++;
    return ring_submit(r, node, &o);
}

enum mr_status ring_issue(struct ring *r, uint32_t node, uint32_t member, int64_t amount)
{
    static struct mr_signed_order o;
    ring_order(r, node, &o, r->w.treasury, MR_KIND_ISSUE);
    world_issue_body(&r->w, &o.order.body.u.issue, member, amount);
    world_sign(&r->w, &o);
    return ring_submit(r, node, &o);
}

void ring_people(struct ring *r)
{
    ck_assert_int_eq(ring_open(r, 0, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(ring_open(r, 0, MR_CLASS_SHOP), MR_SETTLED);
    ck_assert_int_eq(ring_issue(r, 0, 0, 100000), MR_SETTLED);
}

enum mr_status ring_pay(struct ring *r, uint32_t node, uint32_t from, uint32_t to, int64_t amount)
{
    static struct mr_signed_order o;
    ring_order(r, node, &o, r->w.members[from].id, MR_KIND_PAY);
    world_pay_body(&r->w, &o.order.body.u.pay, to, amount);
    world_sign(&r->w, &o);
    return ring_submit(r, node, &o);
}

int64_t ring_balance(struct ring *r, uint32_t node, uint32_t member)
{
    r->request->body.kind = MR_REQ_ACCOUNT;
    memcpy(r->request->body.u.account.account, r->w.members[member].id, 16);
    ck_assert_int_eq(call(r, node), MR_OK);
    return r->reply->body.u.account.hot.chain.balances[0].minor;
}

uint32_t ring_epoch(struct ring *r, uint32_t node)
{
    return mr_engine_committee(r->nodes[node].engine)->epoch;
}

void ring_in_epoch(struct ring *r, uint32_t first, uint32_t last, uint32_t epoch)
{
    for (uint32_t i = first; i <= last; i++)
        ck_assert_uint_eq(ring_epoch(r, i), epoch);
}

/* --- epochs ----------------------------------------------------------------------------------- */

static struct mr_store *copy_into;
static enum mr_table copy_table;

static bool copy_row(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                     size_t value_len)
{
    static struct mr_state_row row;
    (void)ctx;
    row.key_len = (uint32_t)key_len;
    row.value_len = (uint32_t)value_len;
    memcpy(row.key, key, key_len);
    memcpy(row.value, value, value_len);
    ck_assert_int_eq(mr_state_row_put(copy_into, copy_table, &row), MR_OK);
    return true;
}

static void copy_shared(struct mr_store *into, struct mr_store *from)
{
    copy_into = into;
    for (int t = 0; t < MR_TABLES; t++) {
        copy_table = (enum mr_table)t;
        if (mr_state_is_shared(copy_table))
            ck_assert_int_eq(from->api->walk(from, copy_table, NULL, 0, copy_row, NULL), MR_OK);
    }
    ck_assert_int_eq(into->api->refresh(into), MR_OK);
}

struct mr_checkpoint ring_sum(struct ring *r, uint32_t node)
{
    struct ring_node *const n = &r->nodes[node];
    struct mr_checkpoint c;
    flush(r, node);
    ck_assert_int_eq(mr_state_sum(&c, n->store, &r->w.charter, &r->w.mem), MR_OK);
    return c;
}

void ring_summed(struct ring *r, uint32_t node, const struct mr_checkpoint *c, bool kept)
{
    struct mr_event ev = {.kind = MR_EV_CHECKPOINT, .u.checkpoint = {c, kept}};
    step(r, node, &ev);
}

/* An epoch ends, or nodes rest: the state is summed up. */
static void sum(struct ring *r, uint32_t node)
{
    struct ring_node *const n = &r->nodes[node];
    n->sum = ring_sum(r, node);
    if (n->final != NULL)
        n->final->api->close(n->final);
    ck_assert_int_eq(mr_store_mem_open(&n->final, &r->w.mem, NULL), MR_OK);
    copy_shared(n->final, n->store);
    n->sum.state_root[0] ^= n->false_sum;
    ring_summed(r, node, &n->sum, true);
}

static void seat(struct ring *r, struct mr_next_epoch *next, uint32_t epoch, uint32_t first,
                 uint32_t last, uint32_t quorum, uint32_t rekey)
{
    next->epoch = epoch;
    next->quorum = quorum;
    for (uint32_t i = first; i <= last; i++) {
        r->nodes[i].generation += rekey >> i & 1;
        next->seats[next->seats_count].node = make_node(r, i);
        next->seats[next->seats_count++].generation = r->nodes[i].generation;
    }
}

enum mr_status ring_next(struct ring *r, uint32_t node, uint32_t first, uint32_t last,
                         uint32_t quorum, uint32_t rekey)
{
    static struct mr_signed_order o;
    ring_order(r, node, &o, r->w.system, MR_KIND_NEXT);
    seat(r, &o.order.body.u.next, ring_epoch(r, node) + 1, first, last, quorum, rekey);
    world_sign(&r->w, &o);
    return ring_submit(r, node, &o);
}

void ring_regroup(struct ring *r, struct mr_signed_regroup *ret, uint32_t from, uint32_t first,
                  uint32_t last, uint32_t quorum, uint32_t rekey)
{
    const struct mr_checkpoint now = ring_sum(r, from);
    *ret = (struct mr_signed_regroup){.regroup = {.version = 1,
                                                  .time_ms = r->w.now_ms,
                                                  .claims_until_ms = r->w.now_ms + 30 * MR_DAY_MS}};
    memcpy(ret->regroup.ledger, r->w.ledger, 32);
    seat(r, &ret->regroup.next, ring_epoch(r, from) + 1, first, last, quorum, rekey);
    ret->regroup.accounts = now.accounts;
    memcpy(ret->regroup.state_root, now.state_root, 32);
    mr_regroup_sign(ret, 0, &r->w.governance);
}

void ring_take_regroup(struct ring *r, uint32_t node, const struct mr_signed_regroup *g)
{
    ring_kill(r, node);
    r->nodes[node].regroup = *g;
    r->nodes[node].regroups = true;
    ring_start(r, node);
}

void ring_regroup_all(struct ring *r, uint32_t quorum, uint32_t rekey)
{
    static struct mr_signed_regroup g;
    ring_regroup(r, &g, 0, 0, r->count - 1, quorum, rekey);
    for (uint32_t i = 0; i < r->count; i++)
        ring_take_regroup(r, i, &g);
    ring_wait(r, 3000);
    for (uint32_t i = 0; i < r->count; i++)
        ck_assert_uint_eq(ring_epoch(r, i), g.regroup.next.epoch);
}

void ring_next_order(struct ring *r, uint32_t node, struct mr_signed_order *ret)
{
    ring_order(r, node, ret, r->w.system, MR_KIND_NEXT);
    const struct mr_committee *const c = mr_engine_committee(r->nodes[node].engine);
    struct mr_next_epoch *const next = &ret->order.body.u.next;
    next->epoch = c->epoch + 1;
    next->quorum = c->quorum;
    for (uint32_t i = 0; i < c->count; i++) {
        next->seats[next->seats_count].node = make_node(r, c->seats[i].number - 1);
        next->seats[next->seats_count++].generation = c->seats[i].generation;
    }
}

struct mr_chain ring_chain(struct ring *r, uint32_t from)
{
    static uint8_t bytes[MR_CHAIN_BYTES_MAX];
    struct mr_chain chain = {.bytes = bytes};
    struct mr_roster roster;
    const uint32_t epoch = ring_epoch(r, from);
    mr_roster_genesis(&roster, &r->w.charter);
    for (uint32_t i = 2; i <= epoch; i++) {
        r->request->body.kind = MR_REQ_HANDOVER;
        r->request->body.u.handover = (struct mr_req_page){.from = i, .count = 1};
        ck_assert_int_eq(call(r, from), MR_OK);
        ck_assert_uint_eq(r->reply->body.u.handover.handover_count, 1);
        const struct mr_handover *const h = &r->reply->body.u.handover.handover[0];
        chain.len += mr_handover_encode(h, bytes + chain.len, sizeof bytes - chain.len);
        chain.count++;
        ck_assert_int_eq(mr_roster_step(&roster, &r->w.charter, h), MR_OK);
    }
    return chain;
}

/* The state that the present epoch of `from` began with, by who vouches for it. `from` was asked
 * for its last handover just now. */
static const uint8_t *vouched(struct ring *r)
{
    const struct mr_rep_handover *const h = &r->reply->body.u.handover;
    const bool regroup = h->handover[0].kind == MR_HANDOVER_REGROUP;
    ck_assert_uint_eq(h->final_count, regroup ? 0 : 1);
    return regroup ? h->handover[0].u.regroup.regroup.state_root
                   : h->final[0].leaf.u.final.state_root;
}

void ring_join(struct ring *r, uint32_t node, uint32_t from)
{
    struct ring_node *const n = &r->nodes[node];
    struct mr_checkpoint now;
    const struct mr_chain chain = ring_chain(r, from);
    ck_assert_mem_eq(vouched(r), r->nodes[from].sum.state_root, 32);
    if (n->store != NULL) {
        n->store->api->close(n->store);
        n->journal->api->close(n->journal);
    }
    ck_assert_int_eq(mr_store_mem_open(&n->store, &r->w.mem, NULL), MR_OK);
    ck_assert_int_eq(mr_journal_mem_open(&n->journal, &r->w.mem, NULL), MR_OK);
    copy_shared(n->store, r->nodes[from].final);
    ck_assert_int_eq(mr_adopt(n->store, &r->w.charter, node + 1, &chain, &r->w.mem), MR_OK);
    ck_assert_int_eq(n->store->api->refresh(n->store), MR_OK);
    ck_assert_int_eq(mr_state_sum(&now, n->store, &r->w.charter, &r->w.mem), MR_OK);
    ck_assert_mem_eq(now.state_root, r->nodes[from].sum.state_root, 32);
    ck_assert_int_eq(n->store->api->refresh(n->store), MR_OK);
    if (node >= r->count)
        r->count = node + 1;
    ring_start(r, node);
    ring_settle(r);
}

void ring_one_of_four(struct ring *r)
{
    ring_init(r, 1, 1);
    ring_people(r);
    ck_assert_int_eq(ring_next(r, 0, 0, 3, 3, 0), MR_SETTLED);
    ring_wait(r, 5000);
}

void ring_join_others(struct ring *r)
{
    for (uint32_t i = 1; i < 4; i++)
        ring_join(r, i, 0);
    ring_wait(r, 1000);
}

static void flush(struct ring *r, uint32_t node)
{
    struct ring_node *const n = &r->nodes[node];
    struct mr_put *puts;
    size_t count;
    ck_assert_int_eq(mr_engine_freeze(n->engine, &puts, &count), MR_OK);
    mr_puts_sort(puts, count);
    ck_assert_int_eq(n->store->api->commit(n->store, puts, count), MR_OK);
    ck_assert_int_eq(n->store->api->refresh(n->store), MR_OK);
    mr_engine_flushed(n->engine, puts);
}

void ring_check(struct ring *r)
{
    struct mr_checkpoint first = {0};
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->nodes[i].engine == NULL)
            continue;
        const struct mr_checkpoint one = ring_sum(r, i);
        if (first.accounts == 0)
            first = one;
        ck_assert_uint_eq(one.accounts, first.accounts);
        ck_assert_mem_eq(one.state_root, first.state_root, 32);
    }
}
