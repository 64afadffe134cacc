#include "lib/fakes.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mereau/codec.h"
#include "mereau/order.h"

#define must(condition) must_be((condition), #condition, __LINE__)

static void must_be(bool condition, const char *what, int line)
{
    if (condition)
        return;
    fprintf(stderr, "fakes.c:%d: %s\n", line, what);
    abort();
}

/* --- answers ---------------------------------------------------------------------------------- */

static void answer_node(const struct fake *n, struct mr_rep_node *ret)
{
    const int says = atomic_load(&n->says_node);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *ret = (struct mr_rep_node){.node = says != 0 ? (uint32_t)says : n->number,
                                .epoch = n->all->ledger.epoch,
                                .time_ms = (uint64_t)now.tv_sec * 1000,
                                .mode = (uint32_t)atomic_load(&n->mode)};
}

static enum mr_status answer_lookup(struct fake_ledger *l, const struct mr_req_lookup *r,
                                    struct mr_rep_lookup *ret)
{
    const struct fake_account *const a = fake_account(l, r->account);
    *ret = (struct mr_rep_lookup){.class = MR_CLASS_RESIDENT};
    if (a == NULL)
        return r->alias_len > 0 ? MR_ALIAS_UNKNOWN : MR_PAYEE_UNKNOWN;
    ret->class = a->state.class;
    memcpy(ret->account, a->state.id, sizeof ret->account);
    memcpy(ret->association, a->state.association, sizeof ret->association);
    memcpy(ret->enc_key, a->state.enc_key, sizeof ret->enc_key);
    return MR_OK;
}

static enum mr_status answer_check(struct fake_ledger *l, uint32_t node, const struct mr_order *o,
                                   struct mr_rep_check *ret)
{
    const struct fake_account *const a = fake_account(l, o->account);
    *ret = (struct mr_rep_check){0};
    if (a == NULL)
        return MR_ACCOUNT_UNKNOWN;
    if (o->body.kind != MR_KIND_PAY)
        return MR_OK;
    const int64_t missing = o->body.u.pay.lines[0].amount - fake_balance(l, a, node);
    ret->missing = missing > 0 ? missing : 0;
    return missing > 0 ? MR_FUNDS_SHORT : MR_OK;
}

static enum mr_status answer_auth(struct fake *n, struct fake_session *s,
                                  const struct mr_req_auth *r)
{
    uint8_t text[96];
    struct fake_ledger *const l = &n->all->ledger;
    const struct fake_account *const a = fake_account(l, r->account);
    const size_t len = mr_session_auth_text(text, &s->s, r->role, r->account, r->key_index);
    atomic_store(&n->seen, r->seen_count > 0 ? r->seen[0].size : 0);
    if (a == NULL)
        return MR_ACCOUNT_UNKNOWN;
    if (!mr_verify(r->sig, MR_PURPOSE_SESSION, l->id, 0, text, len, &a->state.keys.keys[0]))
        return MR_BAD_SIGNATURE;
    s->proved = true;
    s->generation = a->state.generation;
    memcpy(s->account, r->account, sizeof s->account);
    return MR_OK;
}

static enum mr_status answer_join(struct fake_ledger *l, const struct mr_join *join)
{
    if (fake_account(l, join->open.account) != NULL)
        return MR_ACCOUNT_EXISTS;
    if (!mr_in_space(join->open.account, join->association))
        return MR_NOT_YOURS;
    fake_account_open(l, join);
    return MR_OK;
}

/* What only the owner may ask. */
static enum mr_status answer_owner(struct fake *n, const struct fake_session *s,
                                   const struct mr_request_body *ask, struct mr_reply_body *ret)
{
    struct fake_ledger *const l = &n->all->ledger;
    const struct fake_account *const a = s->proved ? fake_account(l, s->account) : NULL;
    if (a == NULL || s->generation != a->state.generation)
        return MR_NOT_AUTHORISED;
    switch ((unsigned)ask->kind) {
    case MR_REQ_CHECK:
        return answer_check(l, n->number, &ask->u.check, &ret->u.check);
    case MR_REQ_SLOT:
        atomic_fetch_add(&n->looks, 1);
        return atomic_load(&n->vague) != 0
                   ? MR_OK
                   : fake_look(l, n->number, &ask->u.slot, &ret->u.slot);
    case MR_REQ_ACCOUNT:
        fake_account_reply(l, n->number, a, &ret->u.account);
        return MR_OK;
    case MR_REQ_HISTORY:
        fake_history(l, n->number, &ask->u.history, &ret->u.history);
        return MR_OK;
    case MR_REQ_WAIT:
        fake_account_reply(l, n->number, a, &ret->u.account);
        const struct mr_state_hot hot = ret->u.account.hot;
        ret->u.wait = (struct mr_rep_wait){hot.chain.next_seq, hot.credits};
        return MR_OK;
    default:
        return MR_NOT_AUTHORISED;
    }
}

static enum mr_status answer(struct fake *n, struct fake_session *s,
                             const struct mr_request_body *ask, struct mr_reply_body *ret)
{
    struct fake_ledger *const l = &n->all->ledger;
    const enum mr_status refuses = (enum mr_status)atomic_load(&n->refuses);
    switch ((unsigned)ask->kind) {
    case MR_REQ_AUTH:
        return answer_auth(n, s, &ask->u.auth);
    case MR_REQ_NODE:
        answer_node(n, &ret->u.node);
        return MR_OK;
    case MR_REQ_CHARTER:
        ret->u.charter.charter = l->charter;
        return MR_OK;
    case MR_REQ_POLICIES:
        ret->u.policies.policies_count = ask->u.policies.from == 1;
        ret->u.policies.policies[0] = l->charter.policy;
        return MR_OK;
    case MR_REQ_HEAD:
        return fake_head(l, n->number, ask->u.head.from_size, &ret->u.head);
    case MR_REQ_HANDOVER:
        fake_handover(l, ask->u.handover.from, &ret->u.handover);
        return MR_OK;
    case MR_REQ_LOOKUP:
        return atomic_load(&n->blind) != 0 ? MR_PAYEE_UNKNOWN
                                           : answer_lookup(l, &ask->u.lookup, &ret->u.lookup);
    case MR_REQ_DIRECTORY:
        ret->u.directory = (struct mr_rep_directory){.next = 1};
        return MR_OK;
    case MR_REQ_JOIN:
        return answer_join(l, &ask->u.join.join);
    case MR_REQ_JOIN_STATUS:
        return fake_account(l, ask->u.join_status.account) != NULL ? MR_OK : MR_NOT_FOUND;
    case MR_REQ_SUBMIT:
        atomic_fetch_add(&n->submits, 1);
        return refuses != MR_OK ? refuses
                                : fake_submit(l, n->number, &ask->u.submit, &ret->u.submit);
    case MR_REQ_CANCEL:
        atomic_fetch_add(&n->cancels, 1);
        return refuses != MR_OK ? refuses
                                : fake_cancel(l, n->number, &ask->u.cancel, &ret->u.cancel);
    default:
        return answer_owner(n, s, ask, ret);
    }
}

static bool has_result(enum mr_status st)
{
    return st == MR_OK || st == MR_SETTLED || st == MR_VOIDED || st == MR_PARKED ||
           st == MR_UNSETTLED || st == MR_VOTING || st == MR_CERTIFIED || st == MR_FUNDS_SHORT;
}

/* --- sessions --------------------------------------------------------------------------------- */

static void on_hello(struct fake *n, uint64_t token, const struct mr_hello *hello)
{
    uint8_t seed[48], out[MR_WELCOME_BYTES];
    size_t len;
    struct fake_session *const s = &n->sessions[n->next++ % FAKE_SESSIONS];
    struct mr_seckey key = n->transport;
    struct mr_pubkey identity = n->identity;
    atomic_fetch_add(&n->hellos, 1);
    randombytes_buf(seed, sizeof seed);
    if (atomic_load(&n->impostor) != 0)
        mr_seckey_from_seed(&key, &identity, seed);
    must(mr_session_accept(&s->s, out, sizeof out, &len, hello, seed, &identity, &key) == MR_OK);
    s->used = true;
    s->proved = false;
    server_reply(n->at.server, token, out, len);
}

static void refuse(struct fake *n, uint64_t token, enum mr_status st)
{
    uint8_t bytes[16];
    n->envelope->kind = MR_ENV_REFUSED;
    n->envelope->u.refused.status = (uint32_t)st;
    server_reply(n->at.server, token, bytes, mr_envelope_encode(n->envelope, bytes, sizeof bytes));
}

static void on_opened(struct fake *n, struct fake_session *s, uint64_t token, uint64_t counter)
{
    struct mr_reply *const r = n->reply;
    const enum mr_request_kind kind = n->request->body.kind;
    memset(r, 0, sizeof *r);
    r->id = n->request->id;
    r->body.kind = kind;
    pthread_mutex_lock(&n->all->lock);
    const enum mr_status st = answer(n, s, &n->request->body, &r->body);
    pthread_mutex_unlock(&n->all->lock);
    const bool handed = kind == MR_REQ_SUBMIT || kind == MR_REQ_CANCEL;
    if (handed && atomic_load(&n->swallows) != 0)
        atomic_store(&n->fallen, 1);
    if (handed && (atomic_load(&n->keeps) != 0 || atomic_load(&n->fallen) != 0))
        return;
    if (!has_result(st)) {
        memset(&r->body, 0, sizeof r->body);
        r->body.kind = MR_REQ_AUTH;
    }
    r->status = (uint32_t)st;
    const size_t len = mr_reply_encode(r, n->plain, sizeof n->plain);
    server_reply(n->at.server, token, n->sealed,
                 mr_session_seal(&s->s, n->sealed, sizeof n->sealed, n->plain, len, counter));
}

static struct fake_session *session_of(struct fake *n, const uint8_t id[MR_SALT_BYTES])
{
    for (unsigned i = 0; i < FAKE_SESSIONS; i++)
        if (n->sessions[i].used && memcmp(n->sessions[i].s.id, id, MR_SALT_BYTES) == 0)
            return &n->sessions[i];
    return NULL;
}

static void on_request(void *ctx, struct conn *c, uint64_t token, const uint8_t *body, size_t len)
{
    struct fake *const n = ctx;
    uint8_t id[MR_SALT_BYTES];
    uint64_t counter;
    size_t plain_len;
    (void)c;
    if (atomic_load(&n->swallows) == 0)
        atomic_store(&n->fallen, 0);
    if (atomic_load(&n->mute) != 0 || atomic_load(&n->fallen) != 0)
        return;
    if (mr_session_peek(id, body, len) != MR_OK) {
        must(mr_envelope_decode(n->envelope, body, len) == MR_OK);
        must(n->envelope->kind == MR_ENV_HELLO);
        on_hello(n, token, &n->envelope->u.hello);
        return;
    }
    struct fake_session *const s = session_of(n, id);
    if (s == NULL || mr_session_open_bytes(&s->s, n->plain, sizeof n->plain, &plain_len, &counter,
                                           body, len, 0) != MR_OK) {
        refuse(n, token, MR_BAD_SESSION);
        return;
    }
    must(mr_request_decode(n->request, n->plain, plain_len) == MR_OK);
    on_opened(n, s, token, counter);
}

/* --- nodes ------------------------------------------------------------------------------------ */

void fake_start(struct fakes *f, uint32_t node)
{
    struct fake *const n = f->nodes[node - 1];
    const struct server_config config = server_defaults();
    const struct transport_sink sink = {.on_request = on_request, .ctx = n};
    if (n->runs)
        return;
    memset(n->sessions, 0, sizeof n->sessions);
    server_thread_start(&n->at, &config, &sink, n->port, NULL);
    n->port = n->at.port;
    n->runs = true;
}

void fake_stop(struct fakes *f, uint32_t node)
{
    struct fake *const n = f->nodes[node - 1];
    if (!n->runs)
        return;
    server_thread_stop(&n->at);
    must(n->at.leaked == 0);
    n->runs = false;
}

static struct fake *fake_create(struct fakes *f, uint32_t number)
{
    struct fake *const n = calloc(1, sizeof *n);
    must(n != NULL);
    n->all = f;
    n->number = number;
    n->request = malloc(sizeof *n->request);
    n->reply = malloc(sizeof *n->reply);
    n->envelope = malloc(sizeof *n->envelope);
    must(n->request != NULL && n->reply != NULL && n->envelope != NULL);
    fake_transport_key(&n->transport, &n->identity, number);
    return n;
}

void fakes_start(struct fakes *f, uint32_t n, uint32_t q)
{
    struct mr_join_link link = {.version = 1};
    memset(f, 0, sizeof *f);
    must(sodium_init() >= 0);
    must(pthread_mutex_init(&f->lock, NULL) == 0);
    f->count = FAKE_NODES_MAX;
    fake_ledger_found(&f->ledger, n, q);
    for (uint32_t i = 0; i < FAKE_NODES_MAX; i++) {
        f->nodes[i] = fake_create(f, i + 1);
        fake_start(f, i + 1);
        pthread_mutex_lock(&f->lock);
        fake_ledger_place(&f->ledger, i + 1, f->nodes[i]->port);
        pthread_mutex_unlock(&f->lock);
    }
    for (uint32_t i = n; i < FAKE_NODES_MAX; i++)
        fake_stop(f, i + 1);
    pthread_mutex_lock(&f->lock);
    fake_ledger_begin(&f->ledger);
    pthread_mutex_unlock(&f->lock);
    const struct mr_node *const home = &f->ledger.charter.nodes[0];
    memcpy(link.ledger, f->ledger.id, sizeof link.ledger);
    memcpy(link.association, home->association, sizeof link.association);
    link.transport_key = home->transport_key;
    link.address_len = home->address_len;
    memcpy(link.address, home->address, sizeof link.address);
    mr_join_link_format(f->join_link, &link);
}

void fakes_done(struct fakes *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        struct fake *const n = f->nodes[i];
        fake_stop(f, i + 1);
        free(n->request);
        free(n->reply);
        free(n->envelope);
        free(n);
    }
    pthread_mutex_destroy(&f->lock);
}

void fakes_grow(struct fakes *f, uint32_t n, uint32_t q)
{
    pthread_mutex_lock(&f->lock);
    fake_ledger_grow(&f->ledger, n, q);
    pthread_mutex_unlock(&f->lock);
    for (uint32_t i = 1; i <= n; i++)
        fake_start(f, i);
}

int64_t fakes_balance(struct fakes *f, uint32_t i)
{
    pthread_mutex_lock(&f->lock);
    const int64_t minor = fake_balance(&f->ledger, &f->ledger.accounts[i], 0);
    pthread_mutex_unlock(&f->lock);
    return minor;
}

uint64_t fakes_chain(struct fakes *f, uint32_t i)
{
    pthread_mutex_lock(&f->lock);
    const uint64_t len = fake_chain_len(&f->ledger, &f->ledger.accounts[i], 0);
    pthread_mutex_unlock(&f->lock);
    return len;
}
