/* Links between nodes: sessions that come up and break, questions and answers under way. */
#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/log.h"
#include "sim/sim.h"

enum {
    RETRY_US = 500000,
    WELCOME_US = 2000000, /* no welcome until then: try again */
    ANSWER_US = 3000000,  /* added to the time a question may wait at the other side */
    BUSY_US = 1000,
    MISSED_MAX = 2, /* questions without answer in a row: the link is given up */
};

static void link_try(struct sim *s, struct event *ev);

static struct link *link_of(struct sim *s, const struct event *ev)
{
    struct copy *c = &s->copies[ev->a];
    return c->up && c->links[ev->b].session == ev->c ? &c->links[ev->b] : NULL;
}

static void try_in(struct sim *s, struct copy *c, uint32_t peer, uint64_t delay_us)
{
    const struct event ev = {
        .run = link_try, .a = c->index, .b = peer, .c = c->links[peer].session};
    clock_set(&s->clock, delay_us, &ev);
}

/* Whatever was under way in the session is void. */
static void link_break(struct sim *s, struct copy *c, uint32_t peer)
{
    struct link *l = &c->links[peer];
    const bool was = l->up;
    *l = (struct link){.session = l->session + 1, .wanted = l->wanted};
    if (was) {
        struct mr_event ev = {.kind = MR_EV_PEER, .u.peer = {.peer = peer, .up = false}};
        node_step(s, c, &ev);
    }
    try_in(s, c, peer, rng_between(&s->net, RETRY_US / 2, 2 * RETRY_US));
}

/* --- a session begins ------------------------------------------------------------------------- */

/* a: copy that calls, b: peer's number, c: session, d: copy that answers. */
static void link_welcome(struct sim *s, struct event *ev)
{
    struct link *l = link_of(s, ev);
    if (l == NULL || l->up)
        return;
    l->up = true;
    struct mr_event up = {.kind = MR_EV_PEER, .u.peer = {.peer = ev->b, .up = true}};
    node_step(s, &s->copies[ev->a], &up);
}

static void link_hello(struct sim *s, struct event *ev)
{
    struct copy *c = &s->copies[ev->d];
    struct mr_head seen;
    struct mr_pubkey key;
    struct mr_principal who;
    const struct mr_req_auth auth = {.role = MR_AUTH_PEER, .key_index = s->copies[ev->a].number};
    if (!c->up || mr_engine_identify(c->engine, &key, &who, &auth) != MR_OK)
        return;
    if (ev->len > 0 && mr_head_decode(&seen, ev->bytes, ev->len) == MR_OK) {
        struct mr_event told = {.kind = MR_EV_SEEN, .u.seen = &seen};
        node_step(s, c, &told);
    }
    const struct event back = {.run = link_welcome, .a = ev->a, .b = ev->b, .c = ev->c, .d = ev->d};
    net_send(s, end_of(c), ev->a + 1, &back, NULL, 0);
}

static void link_try(struct sim *s, struct event *ev)
{
    struct link *l = link_of(s, ev);
    struct copy *c = &s->copies[ev->a];
    struct mr_peer_facts facts;
    uint8_t bytes[512];
    if (l == NULL || l->up || !l->wanted)
        return;
    const struct copy *to = net_route(s, c->index, ev->b);
    if (to != NULL) {
        const struct event hello = {
            .run = link_hello, .a = ev->a, .b = ev->b, .c = ev->c, .d = to->index};
        size_t len = 0;
        if (mr_engine_peer(c->engine, ev->b, &facts) && facts.head.size > 0)
            len = mr_head_encode(&facts.head, bytes, sizeof bytes);
        net_send(s, end_of(c), end_of(to), &hello, bytes, len);
    }
    try_in(s, c, ev->b, to != NULL ? WELCOME_US : RETRY_US);
}

void peer_start(struct sim *s, struct copy *c)
{
    (void)s;
    for (uint32_t i = 1; i <= NODES_MAX; i++)
        c->links[i] = (struct link){.session = c->links[i].session + 1};
}

static bool is_seated(const struct mr_committee *k, uint32_t number)
{
    for (uint32_t i = 0; i < k->count; i++)
        if (k->seats[i].number == number)
            return true;
    return false;
}

void peer_follow_committee(struct sim *s, struct copy *c)
{
    const struct mr_committee *k = mr_engine_committee(c->engine);
    for (uint32_t i = 1; i <= NODES_MAX; i++) {
        struct link *l = &c->links[i];
        const bool wanted = i != c->number && is_seated(k, i) && is_seated(k, c->number);
        if (l->wanted == wanted)
            continue;
        *l = (struct link){.session = l->session + 1, .wanted = wanted};
        if (wanted)
            try_in(s, c, i, rng_below(&s->net, RETRY_US));
    }
}

/* The process at the other end has gone: its machine says so, if the news gets through. */
static void link_reset(struct sim *s, struct event *ev)
{
    if (link_of(s, ev) != NULL)
        link_break(s, &s->copies[ev->a], ev->b);
}

void peer_gone(struct sim *s, struct copy *c)
{
    for (uint32_t i = 0; i < s->copies_count; i++) {
        struct copy *o = &s->copies[i];
        const struct event ev = {
            .run = link_reset, .a = i, .b = c->number, .c = o->links[c->number].session};
        if (o != c && o->up && (c->serves >> i & 1) != 0)
            net_send(s, end_of(c), end_of(o), &ev, NULL, 0);
    }
}

/* --- questions -------------------------------------------------------------------------------- */

/* a: copy that asks, b: peer's number, c: session, d: id of the question. */
static struct ask *ask_of(struct link *l, uint32_t id)
{
    for (int i = 0; i < MR_ASKS_MAX; i++)
        if (l->asks[i].open && l->asks[i].id == id)
            return &l->asks[i];
    return NULL;
}

static void ask_give_up(struct sim *s, struct event *ev)
{
    struct link *l = link_of(s, ev);
    struct ask *k = l != NULL ? ask_of(l, ev->d) : NULL;
    if (k == NULL)
        return;
    k->open = false;
    if (++l->missed >= MISSED_MAX) {
        link_break(s, &s->copies[ev->a], ev->b);
        return;
    }
    struct mr_event none = {.kind = MR_EV_ANSWER, .u.answer = {.peer = ev->b, .kind = k->kind}};
    node_step(s, &s->copies[ev->a], &none);
}

/* At the asked copy. */
static void ask_arrives(struct sim *s, struct event *ev)
{
    node_request(s, &s->copies[ev->a], CALLER_PEER, ev->b, ev->d, ev->c, ev->bytes, ev->len);
}

static void ask_send(struct sim *s, struct copy *c, uint32_t peer, struct ask *k)
{
    const struct copy *to = net_route(s, c->index, peer);
    const uint32_t session = c->links[peer].session;
    uint64_t wait_us = ANSWER_US;
    if (s->request.body.kind == MR_REQ_FOLLOW)
        wait_us += (uint64_t)s->request.body.u.follow.timeout_ms * 1000;
    *k = (struct ask){.open = true, .id = ++s->asks, .kind = s->request.body.kind};
    s->request.id = k->id;
    if (k->kind == MR_REQ_FETCH)
        tell(s, "node %u asks node %u for %u slots, %s/%llu first", c->number, peer,
             s->request.body.u.fetch.slots_count, brief(s->request.body.u.fetch.slots[0].account),
             (unsigned long long)s->request.body.u.fetch.slots[0].seq);
    if (to != NULL) {
        const struct event ev = {
            .run = ask_arrives, .a = to->index, .b = c->index, .c = session, .d = k->id};
        const size_t len = mr_request_encode(&s->request, s->bytes, sizeof s->bytes);
        net_send(s, end_of(c), end_of(to), &ev, s->bytes, len);
    }
    const struct event late = {
        .run = ask_give_up, .a = c->index, .b = peer, .c = session, .d = k->id};
    clock_set(&s->clock, wait_us, &late);
}

void peer_ask(struct sim *s, struct copy *c)
{
    for (uint32_t peer = 1; peer <= s->numbers; peer++) {
        struct link *l = &c->links[peer];
        while (peer != c->number && l->up && mr_engine_ask(c->engine, peer, &s->request.body)) {
            int i = 0;
            while (i < MR_ASKS_MAX && l->asks[i].open)
                i++;
            if (i == MR_ASKS_MAX)
                violated(s, "S26", "node %u asks node %u more than %d things", c->number, peer,
                         (int)MR_ASKS_MAX);
            ask_send(s, c, peer, &l->asks[i]);
        }
    }
}

/* --- answers ---------------------------------------------------------------------------------- */

/* What the workers of the asking node find out about the bodies of an answer. */
static const struct mr_body *bodies_of(const struct mr_reply *r, uint32_t *ret_count)
{
    *ret_count = 0;
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

static void check_bodies(struct sim *s, struct copy *c)
{
    uint32_t count;
    const struct mr_body *b = bodies_of(&s->reply, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct mr_checked *k = &s->checked[i];
        struct mr_keyset keys;
        *k = (struct mr_checked){.status = MR_ACCOUNT_UNKNOWN};
        if (b[i].kind == MR_BODY_ORDER &&
            mr_engine_signers(c->engine, &keys, &k->generation, &b[i].u.order.order) == MR_OK)
            k->status =
                mr_order_verify(&b[i].u.order, &keys, mr_engine_committee(c->engine)->epoch);
        if (b[i].kind == MR_BODY_CANCEL &&
            mr_engine_keys(c->engine, &keys, &k->generation, b[i].u.cancel.cancel.account) == MR_OK)
            k->status = mr_cancel_verify(&b[i].u.cancel, &keys);
    }
}

static bool head_good(struct sim *s, struct copy *c)
{
    const struct mr_committee *m = mr_engine_committee(c->engine);
    const struct mr_head *h = &s->reply.body.u.follow.head;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->seats[i].number == h->node)
            return h->epoch == m->epoch && h->generation == m->seats[i].generation &&
                   mr_head_verify(h, s->ledger, &m->seats[i].log_key);
    return false;
}

static void answer_arrives(struct sim *s, struct event *ev)
{
    struct link *l = link_of(s, ev);
    struct copy *c = &s->copies[ev->a];
    struct ask *k = l != NULL ? ask_of(l, ev->d) : NULL;
    if (k == NULL)
        return;
    if (!mr_engine_ready(c->engine)) {
        clock_set_with(&s->clock, BUSY_US, ev, ev->bytes, ev->len);
        return;
    }
    struct mr_event a = {.kind = MR_EV_ANSWER, .u.answer = {.peer = ev->b, .kind = k->kind}};
    k->open = false;
    l->missed = 0;
    if (mr_reply_decode(&s->reply, ev->bytes, ev->len) == MR_OK) {
        a.u.answer.reply = &s->reply;
        a.u.answer.checked = s->checked;
        a.u.answer.head_good = s->reply.body.kind == MR_REQ_FOLLOW && head_good(s, c);
        check_bodies(s, c);
        if (k->kind == MR_REQ_FETCH)
            tell(s, "node %u is given %u bodies by node %u: %s", c->number,
                 s->reply.body.u.fetch.bodies_count, ev->b,
                 mr_status_name(mr_status_from_number(s->reply.status)));
    }
    node_step(s, c, &a);
}

void peer_reply(struct sim *s, struct copy *c, const struct call *call, const uint8_t *bytes,
                size_t len)
{
    static uint8_t other[MR_FRAME_MAX];
    const struct copy *to = &s->copies[call->from];
    const struct event ev = {
        .run = answer_arrives, .a = call->from, .b = c->number, .c = call->session, .d = call->id};
    if (c->liar != NULL) {
        len = liar_reply(s, c, to, bytes, len, other);
        bytes = other;
    }
    if (len > 0)
        net_send(s, end_of(c), end_of(to), &ev, bytes, len);
}
