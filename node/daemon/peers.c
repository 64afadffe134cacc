/* Links to the other nodes: what the engine asks goes out, what they answer is verified on other
 * threads and handed to the engine in order of arrival. */
#include "daemon/peers.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/order.h"

enum { IDLE_MAX = 50, IDLE_MS = 1000, TOLD_AGAIN_MS = 1000 };

/* What the signatures of one body are verified under. */
struct body_keys {
    enum mr_status status; /* of finding them */
    uint32_t generation;
    struct mr_keyset keys;
};

struct answer {
    struct task task;
    struct peer *peer;
    struct answer *next;
    uint64_t session;
    bool verified;
    enum mr_request_kind kind;
    uint32_t epoch;
    struct mr_pubkey log_key;
    bool head_good;
    uint32_t bodies_count;
    struct mr_checked *checked;
    struct body_keys *keys;
    size_t len; /* 0: no answer */
    uint8_t plain[];
};

const struct mr_seat *peers_seat(struct node *n, uint32_t number)
{
    const struct mr_committee *const c = mr_engine_committee(n->engine);
    for (uint32_t i = 0; i < c->count; i++)
        if (c->seats[i].number == number)
            return &c->seats[i];
    return NULL;
}

static void count_refused(struct peer *p, enum mr_status st)
{
    p->refused[(unsigned)st & 255]++;
}

/* --- verification ----------------------------------------------------------------------------- */

static const struct mr_body *bodies_of(const struct mr_reply *r, uint32_t *ret_count)
{
    *ret_count = 0;
    if (r->status != MR_OK)
        return NULL;
    if (r->body.kind == MR_REQ_FOLLOW) {
        *ret_count = r->body.u.follow.bodies_count;
        return r->body.u.follow.bodies;
    }
    if (r->body.kind == MR_REQ_FETCH) {
        *ret_count = r->body.u.fetch.bodies_count;
        return r->body.u.fetch.bodies;
    }
    return NULL;
}

static void check_body(struct mr_checked *ret, const struct mr_body *b, const struct body_keys *k,
                       uint32_t epoch)
{
    *ret = (struct mr_checked){.status = k->status, .generation = k->generation};
    if (k->status != MR_OK)
        return;
    if (b->kind == MR_BODY_ORDER)
        ret->status = mr_order_verify(&b->u.order, &k->keys, epoch);
    else if (b->kind == MR_BODY_CANCEL)
        ret->status = mr_cancel_verify(&b->u.cancel, &k->keys);
}

static void answer_run(struct task *t)
{
    struct answer *const a = (struct answer *)t;
    static _Thread_local struct mr_reply r;
    uint32_t count;
    if (mr_reply_decode(&r, a->plain, a->len) != MR_OK)
        mr_bug("reply that was decoded before");
    const struct mr_body *const bodies = bodies_of(&r, &count);
    mr_assert(count == a->bodies_count);
    if (r.status == MR_OK && r.body.kind == MR_REQ_FOLLOW)
        a->head_good = mr_head_verify(&r.body.u.follow.head, a->peer->node->ledger, &a->log_key);
    for (uint32_t i = 0; i < count; i++)
        check_body(&a->checked[i], &bodies[i], &a->keys[i], a->epoch);
}

static void answer_free(struct answer *a)
{
    a->peer->node->peers->answers--;
    free(a->checked);
    free(a->keys);
    free(a);
}

/* What is verified, and whatever stands in front of it too, goes to the engine. */
static void release(struct node *n, struct peer *p)
{
    while (p->first != NULL && p->first->verified) {
        struct answer *const a = p->first;
        p->first = a->next;
        if (p->first == NULL)
            p->last = &p->first;
        if (a->session == p->session)
            node_ready(n, &a->task);
        else
            answer_free(a);
    }
}

static void answer_done(struct node *n, struct task *t)
{
    struct answer *const a = (struct answer *)t;
    a->verified = true;
    release(n, a->peer);
}

/* --- the engine takes an answer --------------------------------------------------------------- */

/* Answers that the engine refuses are counted by reason, and their sender is asked more slowly.
 * What was under way when an epoch began is refused all at once: the log says it once. */
static void look_at_refusal(struct node *n, struct peer *p, uint64_t before)
{
    struct mr_peer_facts facts;
    if (!mr_engine_peer(n->engine, p->number, &facts) || facts.refused == before)
        return;
    count_refused(p, facts.trouble);
    if (p->link != NULL)
        peer_link_hold(p->link);
    const bool again = facts.trouble == p->told && now_ms() - p->told_ms < TOLD_AGAIN_MS;
    if (again)
        return;
    p->told = facts.trouble;
    p->told_ms = now_ms();
    log_event(facts.trouble == MR_WRONG_EPOCH ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "peer_refused",
              log_with(log_uint("peer", p->number),
                       log_text("status", mr_status_name(facts.trouble)),
                       log_text("reason", mr_status_text(facts.trouble))));
}

static bool answer_step(struct node *n, struct task *t, struct mr_effects *fx)
{
    struct answer *const a = (struct answer *)t;
    struct peer *const p = a->peer;
    struct mr_reply *const reply = &n->peers->answer;
    struct mr_event ev = {.kind = MR_EV_ANSWER,
                          .now_ms = now_ms(),
                          .u.answer = {.peer = p->number,
                                       .kind = a->kind,
                                       .reply = a->len > 0 ? reply : NULL,
                                       .head_good = a->head_good,
                                       .checked = a->checked}};
    struct mr_peer_facts before = {.refused = 0};
    if (a->session != p->session) {
        answer_free(a);
        return true;
    }
    if (!mr_engine_ready(n->engine))
        return false;
    if (a->len > 0 && mr_reply_decode(reply, a->plain, a->len) != MR_OK)
        mr_bug("reply that was decoded before");
    mr_engine_peer(n->engine, p->number, &before);
    const enum mr_status st = mr_engine_step(n->engine, &ev, fx);
    if (st == MR_NO_MEMORY)
        return false;
    if (st != MR_OK)
        node_fail(n, "answer", st);
    look_at_refusal(n, p, before.refused);
    answer_free(a);
    return true;
}

/* --- answers come in -------------------------------------------------------------------------- */

static void find_keys(struct node *n, struct body_keys *ret, const struct mr_body *b)
{
    *ret = (struct body_keys){.status = MR_OK};
    if (b->kind == MR_BODY_MEMO)
        return;
    ret->status =
        b->kind == MR_BODY_ORDER
            ? mr_engine_signers(n->engine, &ret->keys, &ret->generation, &b->u.order.order)
            : mr_engine_keys(n->engine, &ret->keys, &ret->generation, b->u.cancel.cancel.account);
    if (ret->status == MR_DAMAGED || ret->status == MR_IO_ERROR)
        node_fail(n, "store", ret->status);
    if (ret->status != MR_OK)
        ret->generation = 0;
}

static struct answer *answer_new(struct peer *p, enum mr_request_kind kind, const uint8_t *bytes,
                                 size_t len, uint32_t bodies_count)
{
    struct answer *const a = calloc(1, sizeof *a + len);
    if (a == NULL)
        return NULL;
    a->checked = calloc(bodies_count + 1, sizeof *a->checked);
    a->keys = calloc(bodies_count + 1, sizeof *a->keys);
    if (a->checked == NULL || a->keys == NULL) {
        free(a->checked);
        free(a->keys);
        free(a);
        return NULL;
    }
    a->task = (struct task){
        .lane = LANE_PEER, .run = answer_run, .done = answer_done, .step = answer_step};
    a->peer = p;
    a->session = p->session;
    a->kind = kind;
    a->bodies_count = bodies_count;
    a->len = len;
    if (len > 0)
        memcpy(a->plain, bytes, len);
    p->node->peers->answers++;
    *p->last = a;
    p->last = &a->next;
    return a;
}

/* A log may come by way of another node: whose it is says its head. */
static bool find_log_key(struct node *n, struct answer *a, const struct mr_reply *reply)
{
    const bool follow = reply->status == MR_OK && reply->body.kind == MR_REQ_FOLLOW;
    const struct mr_seat *const seat =
        peers_seat(n, follow ? reply->body.u.follow.head.node : a->peer->number);
    a->epoch = mr_engine_committee(n->engine)->epoch;
    if (seat != NULL)
        a->log_key = seat->log_key;
    return seat != NULL;
}

/* A peer that answers at once and says nothing would be asked without end. */
static void count_idle(struct peer *p, const struct mr_reply *r)
{
    const uint64_t now = now_ms();
    if (r == NULL || r->status != MR_OK || r->body.kind != MR_REQ_FOLLOW ||
        r->body.u.follow.leaves_count > 0 || r->body.u.follow.bodies_count > 0)
        return;
    if (now - p->idle_since_ms > IDLE_MS) {
        p->idle_since_ms = now;
        p->idle = 0;
    }
    if (++p->idle > IDLE_MAX)
        peer_link_hold(p->link);
}

static void on_answer(void *ctx, enum mr_request_kind kind, enum mr_status st,
                      const struct mr_reply *reply, const uint8_t *bytes, size_t len)
{
    struct peer *const p = ctx;
    struct node *const n = p->node;
    uint32_t count = 0;
    const struct mr_body *const bodies = reply != NULL ? bodies_of(reply, &count) : NULL;
    if (reply == NULL)
        count_refused(p, st);
    else if (reply->status != MR_OK)
        count_refused(p, mr_status_from_number(reply->status));
    count_idle(p, reply);
    struct answer *const a = answer_new(p, kind, bytes, len, count);
    if (a == NULL) {
        peer_link_reset(p->link, MR_NO_MEMORY);
        return;
    }
    if (reply == NULL || len == 0 || !find_log_key(n, a, reply)) {
        answer_done(n, &a->task);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        find_keys(n, &a->keys[i], &bodies[i]);
    if (reply->status == MR_OK && reply->body.kind == MR_REQ_FOLLOW &&
        reply->body.u.follow.head.node == p->number)
        clock_take(&p->clock, reply->body.u.follow.head.time_ms, wall_ms());
    workers_give(n->verifiers, &a->task);
}

/* --- links ------------------------------------------------------------------------------------ */

static void tell_engine(struct peer *p, bool up)
{
    struct node *const n = p->node;
    struct mr_effects fx = {requests_reply, n};
    const struct mr_event ev = {
        .kind = MR_EV_PEER, .now_ms = now_ms(), .u.peer = {.peer = p->number, .up = up}};
    p->up = up;
    p->session++;
    const enum mr_status st = mr_engine_step(n->engine, &ev, &fx);
    if (st == MR_DAMAGED || st == MR_IO_ERROR)
        node_fail(n, "peer", st);
    node_pump_soon(n);
}

static void on_up(void *ctx)
{
    struct peer *const p = ctx;
    log_event(LOG_LEVEL_INFO, "peer_up",
              log_with(log_uint("peer", p->number), log_text("address", p->address)));
    p->clock = (struct peer_clock){.last_head_ms = 0}; /* it may have been set meanwhile */
    tell_engine(p, true);
}

static void on_down(void *ctx, enum mr_status why)
{
    struct peer *const p = ctx;
    log_event(LOG_LEVEL_INFO, "peer_down",
              log_with(log_uint("peer", p->number), log_text("status", mr_status_name(why)),
                       log_text("reason", mr_status_text(why))));
    tell_engine(p, false);
}

static void on_head(void *ctx, const struct mr_head *head)
{
    struct peer *const p = ctx;
    clock_take(&p->clock, head->time_ms, wall_ms());
}

static void on_room(void *ctx)
{
    const struct peer *const p = ctx;
    node_pump_soon(p->node);
}

static bool seen(void *ctx, struct mr_head *ret)
{
    const struct peer *const p = ctx;
    struct mr_peer_facts facts;
    if (!mr_engine_peer(p->node->engine, p->number, &facts) || facts.head.size == 0)
        return false;
    *ret = facts.head;
    return true;
}

static enum mr_status open_link(struct peer *p)
{
    struct node *const n = p->node;
    const struct peer_link_config config = {.address = p->address,
                                            .pinned = p->transport_key,
                                            .ledger = n->ledger,
                                            .own = (uint32_t)n->settings.node,
                                            .key = &n->transport_key,
                                            .scratch = &n->peers->scratch,
                                            .times = peer_link_times(),
                                            .random = randombytes_buf};
    const struct peer_link_sink sink = {.on_up = on_up,
                                        .on_down = on_down,
                                        .on_answer = on_answer,
                                        .on_head = on_head,
                                        .on_room = on_room,
                                        .seen = seen,
                                        .ctx = p};
    return peer_link_create(&p->link, &n->loop, &config, &sink);
}

static void close_link(struct peer *p)
{
    peer_link_destroy(p->link);
    p->link = NULL;
    if (p->up)
        tell_engine(p, false);
}

static enum mr_status open_peer(struct node *n, const struct mr_seat *seat)
{
    struct peer *const p = &n->peers->all[seat->number];
    p->node = n;
    p->number = seat->number;
    p->started_ms = now_ms();
    p->transport_key = seat->transport_key;
    if (p->last == NULL)
        p->last = &p->first;
    snprintf(p->address, sizeof p->address, "%s", seat->peer_address);
    enum mr_status st = MR_BAD_TEXT;
    if (p->address[0] != '\0')
        st = open_link(p);
    if (st == MR_BAD_TEXT)
        log_event(LOG_LEVEL_ERROR, "peer_address",
                  log_with(log_uint("peer", p->number), log_text("address", p->address),
                           log_text("do", "the charter names no peer port that can be connected "
                                          "to: this node cannot follow it")));
    return st == MR_BAD_TEXT ? MR_OK : st;
}

static bool is_same(const struct peer *p, const struct mr_seat *seat)
{
    return p->number == seat->number && strcmp(p->address, seat->peer_address) == 0 &&
           memcmp(p->transport_key.key, seat->transport_key.key, MR_KEY_BYTES) == 0;
}

static const struct mr_seat *seat_of(const struct mr_committee *c, uint32_t number)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->seats[i].number == number)
            return &c->seats[i];
    return NULL;
}

/* Links to exactly those who vote, at their present addresses and keys. A node that is not one of
 * them any more follows nobody. */
static enum mr_status follow_committee(struct node *n)
{
    enum mr_status st = MR_OK;
    for (uint32_t i = 1; i <= MR_NODES_MAX && st == MR_OK; i++) {
        const struct mr_committee *const c = mr_engine_committee(n->engine);
        const uint32_t own = (uint32_t)n->settings.node;
        const struct mr_seat *const seat =
            i == own || seat_of(c, own) == NULL ? NULL : seat_of(c, i);
        struct peer *const p = &n->peers->all[i];
        if (p->number != 0 && (seat == NULL || !is_same(p, seat))) {
            close_link(p);
            p->number = 0;
        }
        if (p->number == 0 && seat != NULL)
            st = open_peer(n, peers_seat(n, i));
    }
    return st;
}

void peers_ask(struct node *n)
{
    if (n->peers == NULL || !n->peers->running)
        return;
    for (uint32_t i = 1; i <= MR_NODES_MAX; i++) {
        struct peer *const p = &n->peers->all[i];
        struct mr_request_body body;
        while (p->up && peer_link_has_room(p->link) && mr_engine_ask(n->engine, p->number, &body))
            if (peer_link_ask(p->link, &body) != MR_OK)
                mr_bug("request that is too large for a link");
    }
}

/* --- life ------------------------------------------------------------------------------------- */

enum mr_status peers_start(struct node *n)
{
    const struct mr_committee *const c = mr_engine_committee(n->engine);
    n->peers = calloc(1, sizeof *n->peers);
    if (n->peers == NULL)
        return MR_NO_MEMORY;
    n->peers->running = true;
    n->peers->epoch = c->epoch;
    if (c->count > 1 && n->settings.peer_listen[0] == '\0')
        log_event(LOG_LEVEL_WARN, "no_peer_port",
                  log_with(log_text("do", "set listen in [peer] of mereaud.conf: the other nodes "
                                          "cannot follow this one")));
    return follow_committee(n);
}

void peers_tick(struct node *n)
{
    const uint32_t epoch = mr_engine_committee(n->engine)->epoch;
    if (!n->peers->running)
        return;
    if (n->peers->epoch != epoch) {
        if (follow_committee(n) == MR_OK)
            n->peers->epoch = epoch;
    }
    peers_watch(n);
}

void peers_stop(struct node *n)
{
    n->peers->running = false;
    for (uint32_t i = 1; i <= MR_NODES_MAX; i++)
        if (n->peers->all[i].link != NULL)
            close_link(&n->peers->all[i]);
}

void peers_free(struct node *n)
{
    if (n->peers == NULL)
        return;
    peers_stop(n);
    mr_assert(n->peers->answers == 0);
    free(n->peers);
    n->peers = NULL;
}
