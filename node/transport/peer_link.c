#include "transport/peer_link.h"

#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/asker.h"
#include "common/hostport.h"
#include "common/sp_nn.h"
#include "mereau/assert.h"
#include "mereau/codec.h"

enum {
    DRAIN_MAX = 64, /* messages taken in one turn: timers stay on time */
    OWN_CALLS = 2,  /* kept for the link's own: AUTH or HEAD */
    ID_BYTES = 4,
    HOLD_MS = 100,
    HOLD_MS_MAX = 5000,
};

#define TOP_BIT   UINT32_C(0x80000000)
#define HELLO_BIT UINT32_C(0x40000000)
#define ID_MASK   UINT32_C(0x3fffffff)

enum state {
    PAUSED,    /* nothing is connected until resume_ms */
    RESOLVING, /* the address is looked up */
    SHAKING,   /* HELLO is under way, or waits for the connection */
    PROVING,   /* AUTH is under way */
    UP,
    CLOSED, /* destroyed; handles are still closing */
};

struct call {
    bool used, sent, own;
    enum mr_request_kind kind;
    uint32_t wire_id, id, patience_ms;
    uint64_t number; /* 0: HELLO */
    uint64_t order, until_ms, sent_ns;
    size_t len;
    uint8_t envelope[PEER_LINK_REQUEST_MAX + MR_ENVELOPE_OVERHEAD + MR_SEAL_OVERHEAD];
};

struct peer_link {
    struct peer_link_config config;
    struct peer_link_sink sink;
    struct peer_link_facts facts;
    struct hostport to;
    uv_loop_t *loop;
    uv_poll_t in, out; /* out runs only while something waits to be sent */
    uv_timer_t timer;
    uv_getaddrinfo_t lookup;
    bool looking_up;
    int handles;

    enum state state;
    int socket, endpoint; /* endpoint -1: none */
    unsigned turn;        /* which of the host's addresses is tried */
    uint64_t broken_seen; /* nanomsg's count of broken connections when this one was made */
    uint64_t until_ms;    /* SHAKING, PROVING: give up then */
    uint64_t resume_ms, pause_ms;
    bool good; /* this session gave a useful answer */
    bool held;
    uint64_t hold_until_ms, hold_ms;
    uint64_t strays; /* since the last answer */

    struct asker asker;
    struct call calls[PEER_LINK_CALLS_MAX];
    uint64_t order;
    uint32_t hellos, ids;
    uint8_t plain[MR_FRAME_MAX];
};

struct peer_link_times peer_link_times(void)
{
    return (struct peer_link_times){.tick_ms = 100,
                                    .shake_ms = 3000,
                                    .margin_ms = 5000,
                                    .beat_ms = 1700,
                                    .silence_ms = 6000,
                                    .pause_ms = 100,
                                    .pause_max_ms = 5000};
}

static uint64_t now(const struct peer_link *l)
{
    return uv_now(l->loop);
}

/* --- ending a session ------------------------------------------------------------------------- */

static void forget_calls(struct peer_link *l)
{
    for (size_t i = 0; i < PEER_LINK_CALLS_MAX; i++) {
        if (l->calls[i].used && !l->calls[i].own)
            l->facts.unanswered++;
        l->calls[i].used = false;
    }
}

static void end_session(struct peer_link *l, enum mr_status why)
{
    const bool was_up = l->state == UP;
    l->facts.up = false;
    l->facts.trouble = why;
    l->held = false;
    forget_calls(l);
    asker_done(&l->asker);
    uv_poll_stop(&l->out);
    l->state = PAUSED;
    if (was_up)
        l->sink.on_down(l->sink.ctx, why);
}

static void disconnect(struct peer_link *l)
{
    if (l->endpoint >= 0)
        nn_shutdown(l->socket, l->endpoint);
    l->endpoint = -1;
}

/* Nothing more is expected of this connection: a new one after a pause. */
static void broke(struct peer_link *l, enum mr_status why)
{
    disconnect(l);
    if (l->good)
        l->pause_ms = l->config.times.pause_ms;
    l->good = false;
    l->resume_ms = now(l) + l->pause_ms;
    l->pause_ms *= 2;
    if (l->pause_ms > l->config.times.pause_max_ms)
        l->pause_ms = l->config.times.pause_max_ms;
    end_session(l, why);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void on_writable(uv_poll_t *h, int status, int events);

static struct call *next_to_send(struct peer_link *l)
{
    struct call *next = NULL;
    for (size_t i = 0; i < PEER_LINK_CALLS_MAX; i++) {
        struct call *const c = &l->calls[i];
        if (c->used && !c->sent && (next == NULL || c->order < next->order))
            next = c;
    }
    return next;
}

/* What the connection does not take now waits until it does. */
static void send_waiting(struct peer_link *l)
{
    struct call *c;
    while ((c = next_to_send(l)) != NULL) {
        const uint8_t head[4] = {(uint8_t)(c->wire_id >> 24), (uint8_t)(c->wire_id >> 16),
                                 (uint8_t)(c->wire_id >> 8), (uint8_t)c->wire_id};
        if (sp_nn_send(l->socket, head, sizeof head, c->envelope, c->len, NN_DONTWAIT) != 0) {
            uv_poll_start(&l->out, UV_READABLE, on_writable);
            return;
        }
        c->sent = true;
        c->sent_ns = uv_hrtime();
    }
    uv_poll_stop(&l->out);
}

static void on_writable(uv_poll_t *h, int status, int events)
{
    (void)status;
    (void)events;
    send_waiting(h->data);
}

static struct call *new_call(struct peer_link *l, bool own, enum mr_request_kind kind)
{
    for (size_t i = 0; i < PEER_LINK_CALLS_MAX; i++) {
        struct call *const c = &l->calls[i];
        if (c->used)
            continue;
        c->used = true;
        c->sent = false;
        c->own = own;
        c->kind = kind;
        c->number = 0;
        c->patience_ms = 0;
        c->order = l->order++;
        c->until_ms = now(l) + l->config.times.margin_ms;
        return c;
    }
    mr_bug("no room for a call");
}

/* What a request waits for by its own will. */
static uint32_t patience_ms(const struct mr_request_body *body)
{
    return body->kind == MR_REQ_FOLLOW ? body->u.follow.timeout_ms : 0;
}

static enum mr_status ask(struct peer_link *l, bool own, const struct mr_request_body *body)
{
    uint8_t plain[PEER_LINK_REQUEST_MAX];
    const size_t len = ID_BYTES + mr_request_body_size(body);
    if (len > sizeof plain)
        return MR_TOO_LARGE;
    struct call *const c = new_call(l, own, body->kind);
    l->ids = (l->ids + 1) & 0x7fffffff;
    c->id = l->ids;
    c->patience_ms = patience_ms(body);
    c->until_ms += c->patience_ms;
    for (int i = 0; i < ID_BYTES; i++)
        plain[i] = (uint8_t)(c->id >> (24 - 8 * i));
    mr_request_body_encode(body, plain + ID_BYTES, sizeof plain - ID_BYTES);
    c->len = asker_seal(&l->asker, c->envelope, sizeof c->envelope, &c->number, plain, len);
    c->wire_id = TOP_BIT | ((uint32_t)c->number & ID_MASK);
    if (!own)
        l->facts.asked++;
    send_waiting(l);
    return MR_OK;
}

/* --- the beginning of a session --------------------------------------------------------------- */

static void shake_hands(struct peer_link *l)
{
    uint8_t seed[32];
    struct call *const c = new_call(l, true, MR_REQ_AUTH);
    l->config.random(seed, sizeof seed);
    c->len = asker_hello(&l->asker, c->envelope, sizeof c->envelope, seed);
    sodium_memzero(seed, sizeof seed);
    l->hellos++;
    c->wire_id = TOP_BIT | HELLO_BIT | (l->hellos & ID_MASK);
    l->state = SHAKING;
    l->strays = 0;
    c->until_ms = l->until_ms = now(l) + l->config.times.shake_ms;
    send_waiting(l);
}

static void prove(struct peer_link *l)
{
    struct mr_request_body body = {.kind = MR_REQ_AUTH};
    struct mr_req_auth *const a = &body.u.auth;
    a->role = MR_AUTH_PEER;
    a->key_index = l->config.own;
    a->seen_count = l->sink.seen(l->sink.ctx, &a->seen[0]) ? 1 : 0;
    asker_sign(&l->asker, a, l->config.ledger, l->config.key);
    l->state = PROVING;
    l->until_ms = now(l) + l->config.times.shake_ms;
    if (ask(l, true, &body) != MR_OK)
        mr_bug("AUTH fits");
}

static void beat(struct peer_link *l)
{
    const struct mr_request_body body = {.kind = MR_REQ_HEAD};
    if (ask(l, true, &body) != MR_OK)
        mr_bug("HEAD fits");
}

static uint64_t broken_count(const struct peer_link *l)
{
    return nn_get_statistic(l->socket, NN_STAT_BROKEN_CONNECTIONS) +
           nn_get_statistic(l->socket, NN_STAT_DROPPED_CONNECTIONS);
}

static void connect_to(struct peer_link *l, const char *url)
{
    if (sp_nn_family(l->socket, strchr(url, '[') == NULL) == MR_OK)
        l->endpoint = nn_connect(l->socket, url);
    if (l->endpoint < 0) {
        broke(l, MR_UNREACHABLE);
        return;
    }
    l->facts.connects++;
    l->broken_seen = broken_count(l);
    shake_hands(l);
}

static void release(struct peer_link *l)
{
    if (l->handles == 0 && !l->looking_up)
        free(l);
}

static void on_found(uv_getaddrinfo_t *r, int status, struct addrinfo *all)
{
    struct peer_link *const l = r->data;
    char url[SP_NN_URL_MAX];
    l->looking_up = false;
    const bool found = status == 0 && sp_nn_url(url, all, l->turn++, l->to.port);
    uv_freeaddrinfo(all);
    if (l->state == CLOSED)
        release(l);
    else if (found)
        connect_to(l, url);
    else
        broke(l, MR_UNREACHABLE);
}

static void look_up(struct peer_link *l)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    l->state = RESOLVING;
    l->lookup.data = l;
    l->looking_up = uv_getaddrinfo(l->loop, &l->lookup, on_found, l->to.host, NULL, &hints) == 0;
    if (!l->looking_up)
        broke(l, MR_UNREACHABLE);
}

/* --- receiving -------------------------------------------------------------------------------- */

/* All that was asked before the first refusal may be refused as well: that is one reason to wait,
 * as when the other end has gone over to another epoch. */
static void hold(struct peer_link *l)
{
    if (l->held)
        return;
    const bool again = l->hold_ms > 0 && now(l) < l->hold_until_ms + 2 * l->hold_ms + 1000;
    l->hold_ms = !again ? HOLD_MS : l->hold_ms < HOLD_MS_MAX / 2 ? l->hold_ms * 2 : HOLD_MS_MAX;
    l->hold_until_ms = now(l) + l->hold_ms;
    l->held = true;
}

void peer_link_hold(struct peer_link *l)
{
    if (l->state == UP)
        hold(l);
}

void peer_link_reset(struct peer_link *l, enum mr_status why)
{
    if (l->state == UP)
        broke(l, why);
}

static void answer(struct peer_link *l, struct call *c, enum mr_status st, bool valid, size_t len)
{
    const enum mr_request_kind kind = c->kind;
    c->used = false;
    if (valid)
        l->facts.answered++;
    else
        l->facts.unanswered++;
    l->sink.on_answer(l->sink.ctx, kind, valid ? MR_OK : st, valid ? l->config.scratch : NULL,
                      valid ? l->plain : NULL, valid ? len : 0);
}

/* A session that is no longer taken for what it was is of no use. */
static bool is_lost(enum mr_status st)
{
    return st == MR_BAD_SESSION || st == MR_NOT_AUTHORISED;
}

static void lose_session(struct peer_link *l, enum mr_status st)
{
    if (!l->good) {
        broke(l, st);
        return;
    }
    l->good = false;
    end_session(l, st);
    shake_hands(l);
}

/* REPLAYED is said to the second copy of a request. The first one is being answered, or its time
 * runs out. */
static void refused(struct peer_link *l, struct call *c, enum mr_status st)
{
    if (st == MR_REPLAYED)
        return;
    if (l->state == UP && is_lost(st)) {
        lose_session(l, st);
    } else if (l->state != UP || st == MR_STOPPING) {
        broke(l, st);
    } else {
        hold(l);
        if (c->own)
            c->used = false;
        else
            answer(l, c, st, false, 0);
    }
}

static void came_up(struct peer_link *l)
{
    l->state = UP;
    l->facts.up = true;
    l->facts.trouble = MR_OK;
    l->sink.on_up(l->sink.ctx);
}

static void replied(struct peer_link *l, struct call *c, size_t len)
{
    bool valid;
    const enum mr_status st = asker_read(l->config.scratch, &valid, l->plain, len, c->id, c->kind);
    l->facts.heard_ms = now(l);
    l->strays = 0;
    if (c->patience_ms == 0)
        l->facts.rtt_us = (uv_hrtime() - c->sent_ns) / 1000 + 1;
    if (l->state == PROVING) {
        c->used = false;
        if (st == MR_OK)
            came_up(l);
        else
            broke(l, st);
        return;
    }
    if (valid && is_lost(st)) {
        lose_session(l, st);
        return;
    }
    if (st == MR_OK) {
        l->good = true;
        l->pause_ms = l->config.times.pause_ms;
    } else {
        hold(l);
    }
    if (!c->own) {
        answer(l, c, st, valid, len);
        return;
    }
    c->used = false;
    if (st == MR_OK)
        l->sink.on_head(l->sink.ctx, &l->config.scratch->body.u.head.head);
}

static struct call *call_of(struct peer_link *l, const uint8_t *head, size_t head_len)
{
    if (head_len != 4)
        return NULL;
    const uint32_t id =
        (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
    for (size_t i = 0; i < PEER_LINK_CALLS_MAX; i++)
        if (l->calls[i].used && l->calls[i].sent && l->calls[i].wire_id == id)
            return &l->calls[i];
    return NULL;
}

static void stray(struct peer_link *l)
{
    l->facts.strays++;
    l->strays++;
    if (l->strays > PEER_LINK_STRAYS_MAX && l->state != PAUSED)
        broke(l, MR_TOO_MANY);
}

static void take(struct peer_link *l, struct call *c, const uint8_t *body, size_t len)
{
    struct asker_answer a = {.got = ASKER_NOTHING};
    if (c != NULL)
        a = asker_take(&l->asker, l->plain, body, len, c->number, &l->config.pinned);
    switch (a.got) {
    case ASKER_NOTHING:
        stray(l);
        return;
    case ASKER_ESTABLISHED:
        c->used = false;
        prove(l);
        return;
    case ASKER_REPLY:
        replied(l, c, a.len);
        return;
    case ASKER_REFUSED:
        refused(l, c, a.status);
        return;
    case ASKER_BROKEN:
        broke(l, a.status);
        return;
    }
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    struct peer_link *const l = h->data;
    (void)status;
    (void)events;
    /* The descriptor stays readable while there is more: the loop comes back by itself. */
    for (int i = 0; i < DRAIN_MAX; i++) {
        uint8_t head[SP_NN_HEAD_MAX], *body;
        size_t head_len, len;
        if (sp_nn_recv(l->socket, head, &head_len, &body, &len, NN_DONTWAIT) != 0)
            return;
        take(l, call_of(l, head, head_len), body, len);
        nn_freemsg(body);
    }
}

/* --- supervision ------------------------------------------------------------------------------ */

static bool beat_is_due(const struct peer_link *l)
{
    if (now(l) - l->facts.heard_ms < l->config.times.beat_ms)
        return false;
    for (size_t i = 0; i < PEER_LINK_CALLS_MAX; i++)
        if (l->calls[i].used && l->calls[i].own)
            return false;
    return true;
}

static void end_late_calls(struct peer_link *l)
{
    for (size_t i = 0; i < PEER_LINK_CALLS_MAX && l->state == UP; i++) {
        struct call *const c = &l->calls[i];
        if (!c->used || now(l) < c->until_ms)
            continue;
        if (c->own)
            c->used = false;
        else
            answer(l, c, MR_NO_ANSWER, false, 0);
    }
}

static void look_after(struct peer_link *l)
{
    end_late_calls(l);
    if (beat_is_due(l))
        beat(l);
    if (l->held && now(l) >= l->hold_until_ms) {
        l->held = false;
        l->sink.on_room(l->sink.ctx);
    }
}

/* A session counter stays within the ids of messages: long before that, a new session. */
static bool is_used_up(const struct peer_link *l)
{
    return l->asker.session.counter_out > ID_MASK / 2;
}

static void on_tick(uv_timer_t *t)
{
    struct peer_link *const l = t->data;
    switch (l->state) {
    case PAUSED:
        if (now(l) >= l->resume_ms)
            look_up(l);
        return;
    case SHAKING:
    case PROVING:
        if (broken_count(l) != l->broken_seen)
            broke(l, MR_UNREACHABLE);
        else if (now(l) >= l->until_ms)
            broke(l, next_to_send(l) != NULL ? MR_UNREACHABLE : MR_NO_ANSWER);
        return;
    case UP:
        if (broken_count(l) != l->broken_seen)
            broke(l, MR_UNREACHABLE);
        else if (now(l) - l->facts.heard_ms >= l->config.times.silence_ms)
            broke(l, MR_NO_ANSWER);
        else if (is_used_up(l))
            lose_session(l, MR_OK);
        else
            look_after(l);
        return;
    case RESOLVING:
    case CLOSED:
        return;
    }
}

/* --- life ------------------------------------------------------------------------------------- */

bool peer_link_has_room(const struct peer_link *l)
{
    size_t used = 0;
    for (size_t i = 0; i < PEER_LINK_CALLS_MAX; i++)
        used += l->calls[i].used && !l->calls[i].own;
    return l->state == UP && !l->held && used < PEER_LINK_CALLS_MAX - OWN_CALLS;
}

enum mr_status peer_link_ask(struct peer_link *l, const struct mr_request_body *body)
{
    mr_assert(peer_link_has_room(l));
    return ask(l, false, body);
}

struct peer_link_facts peer_link_facts(const struct peer_link *l)
{
    return l->facts;
}

static bool watch(struct peer_link *l, uv_poll_t *h, int option)
{
    int fd;
    size_t len = sizeof fd;
    if (nn_getsockopt(l->socket, NN_SOL_SOCKET, option, &fd, &len) != 0 ||
        uv_poll_init(l->loop, h, fd) != 0)
        return false;
    h->data = l;
    l->handles++;
    return true;
}

static void on_closed(uv_handle_t *h)
{
    struct peer_link *const l = h->data;
    l->handles--;
    release(l);
}

static enum mr_status open_socket(struct peer_link *l)
{
    l->socket = nn_socket(AF_SP_RAW, NN_REQ);
    if (l->socket < 0)
        return MR_NO_MEMORY;
    const enum mr_status st = sp_nn_options(l->socket);
    if (st != MR_OK)
        return st;
    return watch(l, &l->in, NN_RCVFD) && watch(l, &l->out, NN_SNDFD) ? MR_OK : MR_NO_MEMORY;
}

enum mr_status peer_link_create(struct peer_link **ret, uv_loop_t *loop,
                                const struct peer_link_config *config,
                                const struct peer_link_sink *sink)
{
    struct peer_link *const l = calloc(1, sizeof *l);
    if (l == NULL)
        return MR_NO_MEMORY;
    l->loop = loop;
    l->config = *config;
    l->config.address = NULL;
    l->sink = *sink;
    l->endpoint = l->socket = -1;
    l->pause_ms = config->times.pause_ms;
    enum mr_status st = hostport_parse(&l->to, config->address);
    if (st == MR_OK && l->to.port == 0)
        st = MR_BAD_TEXT;
    if (st != MR_OK) {
        free(l);
        return st;
    }
    uv_timer_init(loop, &l->timer);
    l->timer.data = l;
    l->handles = 1;
    st = open_socket(l);
    if (st != MR_OK) {
        peer_link_destroy(l);
        return st;
    }
    uv_poll_start(&l->in, UV_READABLE, on_readable);
    uv_timer_start(&l->timer, on_tick, 0, config->times.tick_ms);
    *ret = l;
    return MR_OK;
}

void peer_link_destroy(struct peer_link *l)
{
    if (l == NULL)
        return;
    l->state = CLOSED;
    asker_done(&l->asker);
    if (l->looking_up)
        uv_cancel((uv_req_t *)&l->lookup);
    /* First the loop lets go of the descriptors: nanomsg closes them. */
    if (l->in.data != NULL)
        uv_close((uv_handle_t *)&l->in, on_closed);
    if (l->out.data != NULL)
        uv_close((uv_handle_t *)&l->out, on_closed);
    uv_close((uv_handle_t *)&l->timer, on_closed);
    if (l->socket >= 0)
        nn_close(l->socket);
}
