#include "common/link.h"

#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/asker.h"
#include "common/link_wire.h"
#include "mereau/assert.h"
#include "mereau/codec.h"

enum {
    TIMEOUT_MS = 10000,
    TRIES = 8, /* the first try gets this part of the time-out, each later one twice that */
    TRY_MS_MIN = 250,
    SETTLE_MS = 4000, /* a node keeps SUBMIT and CANCEL so long, in the hope of a settlement */
    PAUSE_MS = 50,    /* between tries, doubled up to the largest */
    PAUSE_MS_MAX = 1000,
    ID_BYTES = 4,
};

struct link {
    struct wire *wire;
    bool is_pinned;
    struct mr_pubkey pinned;
    const struct mr_node *accepted; /* NULL: the pinned one, or anybody */
    size_t accepted_count;
    bool leaves_stopping;
    uint8_t ledger[32];
    int timeout_ms;

    struct asker asker;
    bool proved;
    uint32_t wire_id, request_id;
    bool sent; /* the present call's request may have reached the node */

    const struct mr_seckey *key; /* NULL: nothing to prove */
    struct mr_request_body proof;

    uint8_t plain[MR_FRAME_MAX];
    uint8_t envelope[MR_FRAME_MAX];
};

enum mr_status link_open(struct link **ret, const struct link_config *config)
{
    if (sodium_init() < 0)
        return MR_NO_MEMORY;
    struct link *l = calloc(1, sizeof *l);
    if (l == NULL)
        return MR_NO_MEMORY;
    const enum mr_status st = wire_open(&l->wire, config->address);
    if (st != MR_OK) {
        link_close(l);
        return st;
    }
    l->is_pinned = config->pinned != NULL;
    if (l->is_pinned)
        l->pinned = *config->pinned;
    memcpy(l->ledger, config->ledger, sizeof l->ledger);
    link_set_timeout(l, config->timeout_ms);
    randombytes_buf(&l->wire_id, sizeof l->wire_id);
    *ret = l;
    return MR_OK;
}

void link_set_timeout(struct link *l, int timeout_ms)
{
    l->timeout_ms = timeout_ms > 0 ? timeout_ms : TIMEOUT_MS;
}

void link_identify(struct link *l, enum mr_auth_role role, const uint8_t account[16],
                   uint32_t key_index, const struct mr_seckey *key, const struct mr_head *seen)
{
    l->key = key;
    l->proved = false;
    l->proof.kind = MR_REQ_AUTH;
    struct mr_req_auth *const auth = &l->proof.u.auth;
    *auth = (struct mr_req_auth){.role = role, .key_index = key_index};
    memcpy(auth->account, account, sizeof auth->account);
    if (seen != NULL) {
        auth->seen_count = 1;
        auth->seen[0] = *seen;
    }
}

void link_accept(struct link *l, const struct mr_node *nodes, size_t count)
{
    l->is_pinned = false;
    l->accepted = nodes;
    l->accepted_count = count;
}

void link_leave_stopping(struct link *l)
{
    l->leaves_stopping = true;
}

const struct mr_pubkey *link_identity(const struct link *l)
{
    return l->asker.established ? &l->asker.identity : NULL;
}

void link_close(struct link *l)
{
    if (l == NULL)
        return;
    wire_close(l->wire);
    sodium_memzero(l, sizeof *l);
    free(l);
}

static uint32_t next_wire_id(struct link *l)
{
    l->wire_id = (l->wire_id + 1) | UINT32_C(0x80000000);
    return l->wire_id;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void forget_session(struct link *l)
{
    asker_done(&l->asker);
    l->proved = false;
}

/* Send l->envelope and wait for the answer to it, into l->envelope too. */
static enum mr_status round_trip(struct link *l, size_t len, size_t *ret_len, uint64_t deadline_ms)
{
    const uint32_t id = next_wire_id(l);
    enum mr_status st = wire_send(l->wire, id, l->envelope, len, deadline_ms);
    if (st != MR_OK)
        return st;
    uint32_t got;
    do
        st = wire_recv(l->wire, &got, l->envelope, sizeof l->envelope, ret_len, deadline_ms);
    while (st == MR_OK && got != id);
    return st;
}

/* A REFUSED envelope is not authenticated: it never decides an outcome, it only says how to go on.
 */
static enum mr_status refused(enum mr_status st)
{
    switch ((unsigned)st) {
    case MR_BAD_SESSION:
    case MR_REPLAYED:
        return MR_BAD_SESSION;
    case MR_BUSY:
    case MR_TOO_MANY:
        return MR_BUSY;
    case MR_STOPPING:
        return MR_STOPPING;
    default:
        return MR_NO_ANSWER;
    }
}

/* What l->envelope says. MR_OK when it is `wanted`. */
static enum mr_status take(struct link *l, struct asker_answer *ret, size_t len, uint64_t number,
                           enum asker_got wanted)
{
    *ret =
        asker_take(&l->asker, l->plain, l->envelope, len, number, l->is_pinned ? &l->pinned : NULL);
    if (ret->got == wanted)
        return MR_OK;
    if (ret->got == ASKER_REFUSED)
        return refused(ret->status);
    return ret->got == ASKER_BROKEN ? ret->status : MR_NO_ANSWER;
}

static bool accepts(const struct link *l, const struct mr_pubkey *key)
{
    for (size_t i = 0; i < l->accepted_count; i++)
        if (memcmp(&l->accepted[i].transport_key, key, sizeof *key) == 0)
            return true;
    return l->accepted == NULL;
}

static enum mr_status shake_hands(struct link *l, uint64_t deadline_ms)
{
    struct asker_answer answer;
    uint8_t seed[32];
    randombytes_buf(seed, sizeof seed);
    size_t len = asker_hello(&l->asker, l->envelope, sizeof l->envelope, seed);
    sodium_memzero(seed, sizeof seed);
    enum mr_status st = round_trip(l, len, &len, deadline_ms);
    if (st == MR_OK)
        st = take(l, &answer, len, 0, ASKER_ESTABLISHED);
    if (st != MR_OK || accepts(l, &l->asker.identity))
        return st;
    forget_session(l);
    return MR_WRONG_NODE;
}

static enum mr_status exchange(struct link *l, struct mr_reply *ret,
                               const struct mr_request_body *body, uint64_t deadline_ms)
{
    struct asker_answer answer;
    const uint32_t id = l->request_id;
    const uint8_t id_bytes[ID_BYTES] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16),
                                        (uint8_t)(id >> 8), (uint8_t)id};
    uint64_t number;
    bool valid;
    memcpy(l->plain, id_bytes, sizeof id_bytes);
    size_t len =
        ID_BYTES + mr_request_body_encode(body, l->plain + ID_BYTES, sizeof l->plain - ID_BYTES);
    len = asker_seal(&l->asker, l->envelope, sizeof l->envelope, &number, l->plain, len);
    enum mr_status st = round_trip(l, len, &len, deadline_ms);
    l->sent = l->sent || st != MR_UNREACHABLE;
    if (st == MR_OK)
        st = take(l, &answer, len, number, ASKER_REPLY);
    return st == MR_OK ? asker_read(ret, &valid, answer.plain, answer.len, id, body->kind) : st;
}

static enum mr_status prove(struct link *l, struct mr_reply *ret, uint64_t deadline_ms)
{
    asker_sign(&l->asker, &l->proof.u.auth, l->ledger, l->key);
    const bool sent = l->sent;
    const enum mr_status st = exchange(l, ret, &l->proof, deadline_ms);
    l->sent = sent;
    l->proved = st == MR_OK;
    return st;
}

static enum mr_status attempt(struct link *l, struct mr_reply *ret,
                              const struct mr_request_body *body, uint64_t try_ms,
                              uint64_t deadline_ms)
{
    enum mr_status st;
    if (!l->asker.established) {
        st = shake_hands(l, earlier(wire_now_ms() + try_ms, deadline_ms));
        if (st != MR_OK)
            return st;
    }
    if (l->key != NULL && !l->proved) {
        st = prove(l, ret, earlier(wire_now_ms() + try_ms, deadline_ms));
        if (st != MR_OK)
            return st;
    }
    return exchange(l, ret, body, deadline_ms);
}

/* What a request waits for by its own will. */
static uint32_t patience_ms(const struct mr_request_body *body)
{
    if (body->kind == MR_REQ_WAIT)
        return body->u.wait.timeout_ms;
    if (body->kind == MR_REQ_STREAM)
        return body->u.stream.timeout_ms;
    return 0;
}

/* What a try waits for within the deadline: to ask anew earlier would only begin it again. */
static uint32_t settling_ms(const struct mr_request_body *body)
{
    return body->kind == MR_REQ_SUBMIT || body->kind == MR_REQ_CANCEL ? SETTLE_MS : 0;
}

static bool worth_repeating(const struct link *l, enum mr_status st)
{
    if (st == MR_STOPPING && l->leaves_stopping)
        return false;
    return st == MR_NO_ANSWER || st == MR_UNREACHABLE || st == MR_BAD_SESSION || st == MR_BUSY ||
           st == MR_TOO_MANY || st == MR_STOPPING;
}

/* Make the way ready for the next try. True when there is a reason to wait first. */
static bool recover(struct link *l, enum mr_status st, bool *renewed)
{
    if (st == MR_NO_ANSWER || st == MR_UNREACHABLE) {
        wire_reset(l->wire);
    } else if (st == MR_BAD_SESSION) {
        forget_session(l);
        const bool first = !*renewed;
        *renewed = true;
        return !first;
    }
    return true;
}

static enum mr_status give_up(const struct link *l, enum mr_status st)
{
    if (st == MR_BAD_SESSION || (st == MR_UNREACHABLE && l->sent))
        return MR_NO_ANSWER;
    return st;
}

enum mr_status link_call(struct link *l, struct mr_reply *ret, const struct mr_request_body *body)
{
    if (ID_BYTES + mr_request_body_size(body) > MR_SESSION_PLAIN_MAX)
        return MR_TOO_LARGE;
    const uint32_t patience = patience_ms(body), settling = settling_ms(body);
    const uint64_t deadline = wire_now_ms() + (uint64_t)l->timeout_ms + patience;
    uint64_t try_ms = (uint64_t)l->timeout_ms / TRIES;
    if (try_ms < TRY_MS_MIN)
        try_ms = TRY_MS_MIN;
    int pause_ms = PAUSE_MS;
    bool renewed = false;
    l->sent = false;
    l->request_id = (l->request_id + 1) & 0x7fffffff;
    wire_begin();
    for (;; try_ms *= 2) {
        const uint64_t try_end = earlier(wire_now_ms() + try_ms + patience + settling, deadline);
        const enum mr_status st = attempt(l, ret, body, try_ms, try_end);
        if (!worth_repeating(l, st))
            return st;
        const bool pause = recover(l, st, &renewed);
        const int left = wire_left_ms(deadline);
        if (left == 0 || (pause && pause_ms >= left))
            return give_up(l, st);
        if (pause) {
            poll(NULL, 0, pause_ms);
            pause_ms = pause_ms * 2 < PAUSE_MS_MAX ? pause_ms * 2 : PAUSE_MS_MAX;
        }
    }
}

enum mr_status link_once(struct mr_reply *ret, const struct link_config *config,
                         const struct mr_request_body *body)
{
    struct link *l = NULL;
    enum mr_status st = link_open(&l, config);
    if (st == MR_OK)
        st = link_call(l, ret, body);
    link_close(l);
    return st;
}
