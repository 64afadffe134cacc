/* Requests: open the envelope, have signatures checked, hand to the engine, seal the reply. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/job.h"
#include "daemon/peers.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/order.h"

enum {
    JOBS_MAX = 16384,     /* requests under way on the wallet port; as many on local control */
    PEER_JOBS_MAX = 1024, /* on the peer port */
    PEER_EACH_MAX = 32,   /* in one proved session there */
    UNPROVED_MAX = 64,    /* without proof there */
};

/* --- replies ---------------------------------------------------------------------------------- */

static void send_bytes(struct node *n, enum port port, uint64_t token, const uint8_t *bytes,
                       size_t len)
{
    switch (port) {
    case PORT_WALLET:
        server_reply(n->wallet, token, bytes, len);
        return;
    case PORT_LOCAL:
        server_reply(n->local, token, bytes, len);
        return;
    case PORT_PEER:
        peer_reply(n->peer, token, bytes, len);
        return;
    }
}

static void refuse(struct node *n, enum port port, uint64_t token, enum mr_status st)
{
    const uint8_t bytes[8] = {0, 0, 0, MR_ENV_REFUSED, 0, 0, 0, (uint8_t)st};
    n->counters.refused++;
    send_bytes(n, port, token, bytes, sizeof bytes);
}

/* A session belongs to the port it was made at. */
static struct session *session_of(struct node *n, enum port port, const uint8_t id[MR_SALT_BYTES])
{
    return sessions_find(port == PORT_PEER ? &n->peer_sessions : &n->sessions, id, now_ms());
}

/* Whether one more request may be under way: budgets of the port, and on the peer port of the
 * session, or of all that is unproved. */
static enum mr_status may_begin(const struct node *n, enum port port, const struct session *s)
{
    if (port != PORT_PEER)
        return n->port_jobs[port] < JOBS_MAX ? MR_OK : MR_BUSY;
    if (n->port_jobs[port] >= PEER_JOBS_MAX)
        return MR_BUSY;
    if (s == NULL || s->who.peer == 0)
        return n->unproved_jobs < UNPROVED_MAX ? MR_OK : MR_BUSY;
    return s->jobs < PEER_EACH_MAX ? MR_OK : MR_TOO_MANY;
}

static void count_job(struct job *j, struct session *s)
{
    j->node->jobs++;
    j->node->port_jobs[j->port]++;
    if (j->port != PORT_PEER)
        return;
    if (s != NULL && s->who.peer != 0)
        s->jobs++;
    else
        j->node->unproved_jobs++;
}

static void uncount_job(const struct job *j)
{
    j->node->jobs--;
    j->node->port_jobs[j->port]--;
    if (j->port != PORT_PEER)
        return;
    struct session *const s = j->who.peer != 0 ? session_of(j->node, j->port, j->session) : NULL;
    if (s != NULL)
        s->jobs--;
    else if (j->who.peer == 0)
        j->node->unproved_jobs--;
}

static void job_free(struct job *j)
{
    uncount_job(j);
    free(j->result);
    free(j);
}

/* Seal and send a reply's bytes; ends the job. */
static void finish(struct job *j, const uint8_t *plain, size_t len)
{
    struct node *n = j->node;
    struct session *s = session_of(n, j->port, j->session);
    if (s == NULL) {
        refuse(n, j->port, j->token, MR_BAD_SESSION);
    } else {
        const size_t sealed =
            mr_session_seal(&s->keys, n->sealed, sizeof n->sealed, plain, len, j->counter);
        send_bytes(n, j->port, j->token, n->sealed, sealed);
    }
    job_free(j);
}

/* Send n->reply. */
void job_finish_reply(struct job *j, enum mr_status st)
{
    struct node *n = j->node;
    n->reply.id = j->id;
    n->reply.status = (uint32_t)st;
    n->reply.detail_len = 0;
    finish(j, n->bytes, mr_reply_encode(&n->reply, n->bytes, sizeof n->bytes));
}

/* A status without result: TRA-11. */
void job_finish_status(struct job *j, enum mr_status st)
{
    struct mr_reply *r = &j->node->reply;
    const bool empty = j->kind == MR_REQ_JOIN || j->kind == MR_REQ_JOIN_STATUS ||
                       j->kind == MR_REQ_REGISTER_PUT || j->kind == MR_REQ_REGISTER_DELETE ||
                       j->kind == MR_REQ_CONTROL;
    r->body.kind = empty ? j->kind : MR_REQ_AUTH;
    r->body.u.auth.reserved = 0;
    job_finish_reply(j, st);
}

static bool is_operator(const struct mr_principal *who)
{
    return who->proved && who->role == MR_AUTH_OWNER &&
           (who->class == MR_CLASS_DESK || who->class == MR_CLASS_TREASURY);
}

/* What the shell adds to NODE, or leaves out for strangers: TRA-12. */
static void finish_node(struct job *j, const uint8_t *bytes, size_t len)
{
    struct node *n = j->node;
    struct mr_reply *r = &n->reply;
    struct mr_rep_node *b = &r->body.u.node;
    if (mr_reply_decode(r, bytes, len) != MR_OK || r->body.kind != MR_REQ_NODE) {
        finish(j, bytes, len);
        return;
    }
    if (j->who.local || j->who.auditor || is_operator(&j->who)) {
        b->flushed_turn = n->flushed_turn;
        b->requests = n->requests_waiting;
        b->sessions = n->sessions.count;
    } else {
        struct mr_rep_node open = {.node = b->node,
                                   .epoch = b->epoch,
                                   .time_ms = b->time_ms,
                                   .mode = b->mode,
                                   .software_len = b->software_len};
        memcpy(open.software, b->software, sizeof open.software);
        *b = open;
    }
    finish(j, n->bytes, mr_reply_encode(r, n->bytes, sizeof n->bytes));
}

static void count_submit(struct node *n, const uint8_t *bytes)
{
    const unsigned st = bytes[7];
    if (st == MR_SETTLED)
        n->counters.orders_settled++;
    else if (st == MR_PARKED || st == MR_VOTING || st == MR_CERTIFIED)
        n->counters.orders_parked++;
    else
        n->counters.orders_refused++;
}

void requests_reply(void *node, uint64_t token, const uint8_t *bytes, size_t len)
{
    struct node *n = node;
    struct job *j = (struct job *)(uintptr_t)token;
    mr_assert(len >= 8);
    if (j->kind == MR_REQ_SUBMIT)
        count_submit(n, bytes);
    if (j->kind == MR_REQ_JOIN_STATUS && bytes[7] == MR_NOT_FOUND)
        register_give(j);
    else if (j->kind == MR_REQ_NODE)
        finish_node(j, bytes, len);
    else
        finish(j, bytes, len);
}

/* --- HELLO ------------------------------------------------------------------------------------ */

static void hello_run(struct task *t)
{
    struct job *j = (struct job *)t;
    struct mr_hello hello;
    uint8_t seed[48];
    j->status = mr_hello_decode(&hello, j->plain, j->len);
    if (j->status != MR_OK)
        return;
    j->result = malloc(512);
    if (j->result == NULL) {
        j->status = MR_NO_MEMORY;
        return;
    }
    randombytes_buf(seed, sizeof seed);
    j->status = mr_session_accept(&j->established, j->result, 512, &j->result_len, &hello, seed,
                                  &j->node->transport_public, &j->node->transport_key);
    sodium_memzero(seed, sizeof seed);
}

static void hello_done(struct node *n, struct task *t)
{
    struct job *j = (struct job *)t;
    struct sessions *const all = j->port == PORT_PEER ? &n->peer_sessions : &n->sessions;
    if (j->status == MR_OK && sessions_add(all, &j->established, now_ms()) == NULL)
        j->status = MR_BUSY;
    if (j->status == MR_OK)
        send_bytes(n, j->port, j->token, j->result, j->result_len);
    else
        refuse(n, j->port, j->token, j->status);
    mr_session_done(&j->established);
    job_free(j);
}

/* --- AUTH ------------------------------------------------------------------------------------- */

static void auth_run(struct task *t)
{
    struct job *j = (struct job *)t;
    static _Thread_local struct mr_request r;
    j->status = MR_BAD_SIGNATURE;
    if (mr_request_decode(&r, j->plain, j->len) != MR_OK)
        return;
    for (uint32_t i = 0; i < j->keys.keys_count; i++)
        if (mr_verify(r.body.u.auth.sig, MR_PURPOSE_SESSION, j->node->ledger, 0, j->auth_text,
                      j->auth_len, &j->keys.keys[i]))
            j->status = MR_OK;
    /* A witness shows what it cosigned last, and mirrors nothing. */
    for (uint32_t i = 0; j->status != MR_OK && i < j->witnesses.members_count; i++)
        if (mr_verify(r.body.u.auth.sig, MR_PURPOSE_SESSION, j->node->ledger, 0, j->auth_text,
                      j->auth_len, &j->witnesses.members[i].key)) {
            j->status = MR_OK;
            j->proved.auditor = false;
        }
}

/* Of a peer's sessions the newest few are kept: who reconnects leaves old ones behind. */
static void keep_peer_session(struct node *n, uint32_t peer, const uint8_t id[MR_SALT_BYTES])
{
    struct peer_sessions *const p = &n->proved[peer];
    uint8_t *const place = p->ids[p->next];
    struct session *const oldest = session_of(n, PORT_PEER, place);
    if (oldest != NULL && memcmp(place, id, MR_SALT_BYTES) != 0)
        sessions_end(&n->peer_sessions, oldest);
    memcpy(place, id, MR_SALT_BYTES);
    p->next = (p->next + 1) % PEER_SESSIONS_EACH;
}

static void auth_done(struct node *n, struct task *t)
{
    struct job *j = (struct job *)t;
    struct session *s = session_of(n, j->port, j->session);
    /* A peer proves itself once in a session: its requests are counted there. */
    if (s != NULL && j->status == MR_OK && s->who.peer != 0)
        j->status = MR_ALREADY_DONE;
    if (s != NULL && j->status == MR_OK) {
        s->who = j->proved;
        if (s->who.peer != 0 && j->port == PORT_PEER)
            keep_peer_session(n, s->who.peer, j->session);
    }
    job_finish_status(j, j->status);
}

/* A head of ours that somebody holds: looked at whoever shows it, even one whose account this node
 * has forgotten. When the turn has no room it is shown again with the next session. */
static void look_at_seen(struct node *n, const struct mr_req_auth *a)
{
    if (a->seen_count == 0 || !mr_engine_ready(n->engine))
        return;
    struct mr_effects fx = {requests_reply, n};
    const struct mr_event ev = {.kind = MR_EV_SEEN, .now_ms = now_ms(), .u.seen = &a->seen[0]};
    const enum mr_status st = mr_engine_step(n->engine, &ev, &fx);
    if (st != MR_OK && st != MR_NO_MEMORY)
        node_fail(n, "head", st);
    node_pump_soon(n);
}

static void auth_begin(struct job *j, const struct session *s)
{
    struct node *n = j->node;
    const struct mr_req_auth *a = &n->request.body.u.auth;
    look_at_seen(n, a);
    j->auth_len = mr_session_auth_text(j->auth_text, &s->keys, a->role, a->account, a->key_index);
    if (a->role == MR_AUTH_AUDITOR) {
        j->keys.keys_count = n->auditors_count < MR_KEYS_MAX ? n->auditors_count : MR_KEYS_MAX;
        memcpy(j->keys.keys, n->auditors, j->keys.keys_count * sizeof n->auditors[0]);
        j->witnesses = n->present.witnesses;
        j->proved = (struct mr_principal){.auditor = true};
    } else {
        const enum mr_status st = mr_engine_identify(n->engine, &j->keys.keys[0], &j->proved, a);
        if (st != MR_OK) {
            job_finish_status(j, st);
            return;
        }
        j->keys.keys_count = 1;
    }
    j->task.run = auth_run;
    j->task.done = auth_done;
    workers_give(n->verifiers, &j->task);
}

/* --- orders ----------------------------------------------------------------------------------- */

static void order_run(struct task *t)
{
    struct job *j = (struct job *)t;
    static _Thread_local struct mr_request r;
    j->status = mr_request_decode(&r, j->plain, j->len);
    if (j->status != MR_OK)
        return;
    if (r.body.kind == MR_REQ_SUBMIT)
        j->status = mr_order_verify(&r.body.u.submit.order, &j->keys, 1);
    else
        j->status = mr_cancel_verify(&r.body.u.cancel, &j->keys);
}

static void order_done(struct node *n, struct task *t)
{
    node_ready(n, t);
}

/* n->request is decoded. */
static void order_begin(struct job *j)
{
    struct node *n = j->node;
    const struct mr_request_body *b = &n->request.body;
    j->status =
        b->kind == MR_REQ_SUBMIT
            ? mr_engine_signers(n->engine, &j->keys, &j->generation, &b->u.submit.order.order)
            : mr_engine_keys(n->engine, &j->keys, &j->generation, b->u.cancel.cancel.account);
    if (j->status == MR_DAMAGED || j->status == MR_IO_ERROR)
        node_fail(n, "store", j->status);
    if (j->status != MR_OK) {
        node_ready(n, &j->task); /* the engine answers, in order */
        return;
    }
    j->task.run = order_run;
    j->task.done = order_done;
    workers_give(n->verifiers, &j->task);
}

/* --- streams ---------------------------------------------------------------------------------- */

static void stream_run(struct task *t)
{
    struct job *j = (struct job *)t;
    struct mr_journal *journal = j->node->journal;
    struct mr_journal_end end;
    journal->api->end(journal, &end);
    j->result = malloc(MR_STREAM_CHUNK_MAX);
    if (j->result == NULL) {
        j->status = MR_NO_MEMORY;
        return;
    }
    const enum mr_stream_family family = (enum mr_stream_family)j->generation;
    j->status = journal->api->read(journal, family, j->position, j->result, MR_STREAM_CHUNK_MAX,
                                   &j->result_len);
}

static void stream_done(struct node *n, struct task *t)
{
    struct job *j = (struct job *)t;
    struct mr_rep_stream *r = &n->reply.body.u.stream;
    struct mr_journal_end end;
    if (j->status != MR_OK) {
        job_finish_status(j, j->status);
        return;
    }
    n->journal->api->end(n->journal, &end);
    n->reply.body.kind = MR_REQ_STREAM;
    r->position = j->position;
    r->end = j->generation == MR_FAMILY_LOG ? end.log : end.bodies;
    r->bytes_len = (uint32_t)j->result_len;
    memcpy(r->bytes, j->result, j->result_len);
    job_finish_reply(j, MR_OK);
}

static bool stream_has(const struct node *n, const struct job *j)
{
    struct mr_journal_end end;
    n->journal->api->end(n->journal, &end);
    return j->position < (j->generation == MR_FAMILY_LOG ? end.log : end.bodies);
}

static void stream_give(struct job *j)
{
    j->task.run = stream_run;
    j->task.done = stream_done;
    workers_give(j->node->background, &j->task);
}

static void stream_begin(struct job *j)
{
    struct node *n = j->node;
    const struct mr_req_stream *q = &n->request.body.u.stream;
    j->position = q->position;
    j->generation = (uint32_t)q->family;
    struct stream_wait *w = stream_has(n, j) || q->timeout_ms == 0 ? NULL : calloc(1, sizeof *w);
    if (w == NULL) {
        stream_give(j);
        return;
    }
    w->job = j;
    w->until_ms = now_ms() + q->timeout_ms;
    w->next = n->streams;
    n->streams = w;
}

void requests_synced(struct node *n)
{
    const uint64_t now = now_ms();
    for (struct stream_wait **at = &n->streams; *at != NULL;) {
        struct stream_wait *w = *at;
        if (!stream_has(n, w->job) && now < w->until_ms && !n->stopping) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        stream_give(w->job);
        free(w);
    }
}

void requests_tick(struct node *n)
{
    requests_synced(n);
}

/* --- control ---------------------------------------------------------------------------------- */

static void control_begin(struct job *j)
{
    struct node *n = j->node;
    switch (n->request.body.u.control.what) {
    case MR_CONTROL_FLUSH:
        n->flush_wanted = true;
        j->next = n->flush_waits;
        n->flush_waits = j;
        node_pump_soon(n);
        return;
    case MR_CONTROL_CHECKPOINT:
        if (mr_engine_committee(n->engine)->count > 1)
            n->checkpoint_asked = true; /* for the nodes to agree on: checkpoints_look */
        else
            n->checkpoint_wanted = n->flush_wanted = true;
        node_pump_soon(n);
        break;
    case MR_CONTROL_STOP:
        node_stop(n);
        break;
    }
    job_finish_status(j, MR_OK);
}

void requests_flushed(struct node *n)
{
    while (n->flush_waits != NULL) {
        struct job *j = n->flush_waits;
        n->flush_waits = j->next;
        job_finish_status(j, MR_OK);
    }
}

/* --- intake ----------------------------------------------------------------------------------- */

/* The register is one association's: its desk operators. */
static bool may_use_register(const struct mr_principal *who)
{
    return who->proved && who->role == MR_AUTH_OWNER && who->class == MR_CLASS_DESK;
}

/* What the federation looks like, and evidence: for those who run it and those who audit it. Nodes
 * hand evidence on to each other. */
static void watch_begin(struct job *j)
{
    struct node *n = j->node;
    const bool peer = j->port == PORT_PEER; /* proved, and it asks for evidence only */
    if (!peer && !j->who.local && !j->who.auditor && !is_operator(&j->who)) {
        job_finish_status(j, MR_NOT_AUTHORISED);
    } else if (!mr_engine_current(n->engine, &j->who)) {
        job_finish_status(j, MR_BAD_SESSION);
    } else if (j->kind == MR_REQ_EVIDENCE) {
        node_ready(n, &j->task);
    } else {
        n->reply.body.kind = MR_REQ_PEERS;
        peers_report(n, &n->reply.body.u.peers);
        job_finish_reply(j, MR_OK);
    }
}

/* Peers have a port of their own, and ask nothing else there (TRA-19). A node that joins asks for
 * the state at either port. */
static bool belongs_here(const struct job *j, const struct mr_request_body *b)
{
    const bool as_peer = b->kind == MR_REQ_AUTH && b->u.auth.role == MR_AUTH_PEER;
    const bool of_peers = b->kind == MR_REQ_FOLLOW || b->kind == MR_REQ_FETCH;
    const bool of_both = b->kind == MR_REQ_EVIDENCE;
    const bool of_joiners = b->kind == MR_REQ_STATE || b->kind == MR_REQ_HANDOVER;
    if (j->port != PORT_PEER)
        return !of_peers && (!as_peer || j->port == PORT_WALLET);
    return as_peer || ((of_peers || of_both || of_joiners) && j->who.peer != 0) ||
           b->kind == MR_REQ_HEAD;
}

/* A witness is one of the charter, or an auditor whose key also cosigns: a few heads a second,
 * verified here. */
static void cosign_begin(struct job *j, const struct mr_req_cosign *q)
{
    struct node *n = j->node;
    bool known = mr_is_witness(&n->present.witnesses, q->cosignature.key);
    for (uint32_t i = 0; j->who.auditor && i < n->auditors_count; i++)
        known = known || memcmp(n->auditors[i].key, q->cosignature.key, MR_KEY_BYTES) == 0;
    if (!known)
        job_finish_status(j, MR_NOT_AUTHORISED);
    else if (!mr_cosignature_verify(&q->cosignature, &q->head, n->ledger))
        job_finish_status(j, MR_BAD_SIGNATURE);
    else
        node_ready(n, &j->task);
}

/* n->request is decoded. */
static void route(struct job *j, const struct session *s)
{
    struct node *n = j->node;
    const struct mr_request_body *b = &n->request.body;
    if (!belongs_here(j, b)) {
        job_finish_status(j, MR_NOT_AUTHORISED);
        return;
    }
    switch (b->kind) {
    case MR_REQ_AUTH:
        auth_begin(j, s);
        return;
    case MR_REQ_SUBMIT:
    case MR_REQ_CANCEL:
        order_begin(j);
        return;
    case MR_REQ_JOIN:
        join_begin(j);
        return;
    case MR_REQ_REGISTER_LIST:
    case MR_REQ_REGISTER_PUT:
    case MR_REQ_REGISTER_DELETE:
        if (!may_use_register(&j->who))
            job_finish_status(j, MR_NOT_AUTHORISED);
        else if (!mr_engine_current(n->engine, &j->who))
            job_finish_status(j, MR_BAD_SESSION);
        else
            register_give(j);
        return;
    case MR_REQ_STREAM:
        if (j->who.local || j->who.auditor)
            stream_begin(j);
        else
            job_finish_status(j, MR_NOT_AUTHORISED);
        return;
    case MR_REQ_STATE:
        state_give(j);
        return;
    case MR_REQ_COSIGN:
        cosign_begin(j, &b->u.cosign);
        return;
    case MR_REQ_CONTROL:
        if (j->who.local)
            control_begin(j);
        else
            job_finish_status(j, MR_NOT_AUTHORISED);
        return;
    case MR_REQ_PEERS:
    case MR_REQ_EVIDENCE:
        watch_begin(j);
        return;
    case MR_REQ_FOLLOW:
    case MR_REQ_FETCH:
    case MR_REQ_NODE:
    case MR_REQ_CHARTER:
    case MR_REQ_POLICIES:
    case MR_REQ_CHECK:
    case MR_REQ_SLOT:
    case MR_REQ_ACCOUNT:
    case MR_REQ_HISTORY:
    case MR_REQ_LOOKUP:
    case MR_REQ_DIRECTORY:
    case MR_REQ_WAIT:
    case MR_REQ_HEAD:
    case MR_REQ_HANDOVER:
    case MR_REQ_COSIGNED:
    case MR_REQ_JOIN_STATUS:
    case MR_REQ_ACCOUNTS:
    case MR_REQ_BANK:
    case MR_REQ_REDEMPTIONS:
        node_ready(n, &j->task);
        return;
    }
    mr_bug("request kind");
}

static bool requests_step(struct node *n, struct task *t, struct mr_effects *fx)
{
    struct job *j = (struct job *)t;
    struct mr_event ev = {.kind = MR_EV_REQUEST,
                          .now_ms = now_ms(),
                          .u.request = {.token = (uint64_t)(uintptr_t)j,
                                        .who = &j->who,
                                        .request = &n->request,
                                        .signatures = j->status,
                                        .generation = j->generation}};
    if (!mr_engine_ready(n->engine))
        return false;
    if (mr_request_decode(&n->request, j->plain, j->len) != MR_OK)
        mr_bug("request that was decoded before");
    const enum mr_status st = mr_engine_step(n->engine, &ev, fx);
    if (st == MR_NO_MEMORY)
        job_finish_status(j, MR_BUSY);
    else if (st != MR_OK)
        node_fail(n, "step", st);
    return true;
}

/* What is set later need not be zero, keys are large. */
static struct job *job_new(struct node *n, enum port port, uint64_t token, const uint8_t *plain,
                           size_t len)
{
    struct job *j = malloc(sizeof *j + len);
    if (j == NULL)
        return NULL;
    memset(j, 0, offsetof(struct job, keys));
    j->keys.keys_count = j->keys.threshold = j->witnesses.members_count = 0;
    memset(&j->proved, 0, sizeof *j - offsetof(struct job, proved));
    j->node = n;
    j->port = port;
    j->token = token;
    j->task.lane = port == PORT_PEER ? LANE_PEER : LANE_WALLET;
    j->task.step = requests_step;
    j->len = len;
    memcpy(j->plain, plain, len);
    return j;
}

static void take_hello(struct node *n, enum port port, uint64_t token, const uint8_t *body,
                       size_t len)
{
    const enum mr_status st = may_begin(n, port, NULL);
    struct job *j = st == MR_OK ? job_new(n, port, token, body, len) : NULL;
    if (j == NULL) {
        refuse(n, port, token, st == MR_OK ? MR_BUSY : st);
        return;
    }
    count_job(j, NULL);
    j->task.run = hello_run;
    j->task.done = hello_done;
    workers_give(n->verifiers, &j->task);
}

static void take_sealed(struct node *n, enum port port, uint64_t token, const uint8_t *body,
                        size_t len)
{
    uint8_t id[MR_SALT_BYTES];
    uint64_t counter;
    size_t plain_len;
    enum mr_status st = mr_session_peek(id, body, len);
    struct session *s = st == MR_OK ? session_of(n, port, id) : NULL;
    if (st == MR_OK && s == NULL)
        st = MR_BAD_SESSION;
    if (st == MR_OK)
        st = mr_session_open_bytes(&s->keys, n->bytes, sizeof n->bytes, &plain_len, &counter, body,
                                   len, 0);
    if (st == MR_OK)
        st = mr_request_decode(&n->request, n->bytes, plain_len);
    if (st != MR_OK) {
        n->counters.bad_sessions++;
        refuse(n, port, token, st);
        return;
    }
    st = may_begin(n, port, s);
    struct job *j = st == MR_OK ? job_new(n, port, token, n->bytes, plain_len) : NULL;
    if (j == NULL) {
        refuse(n, port, token, st == MR_OK ? MR_BUSY : st);
        return;
    }
    j->sealed = true;
    memcpy(j->session, id, sizeof id);
    j->counter = counter;
    j->who = s->who;
    j->who.local = port == PORT_LOCAL;
    j->id = n->request.id;
    j->kind = n->request.body.kind;
    count_job(j, s);
    route(j, s);
}

void requests_take(struct node *n, enum port port, struct conn *conn, uint64_t token,
                   const uint8_t *body, size_t len)
{
    (void)conn;
    n->counters.requests++;
    if (len < 4 || body[0] != 0 || body[1] != 0 || body[2] != 0)
        refuse(n, port, token, MR_UNKNOWN_TAG);
    else if (n->stopping)
        refuse(n, port, token, MR_STOPPING);
    else if (body[3] == MR_ENV_HELLO)
        take_hello(n, port, token, body + 4, len - 4);
    else if (body[3] == MR_ENV_SEALED)
        take_sealed(n, port, token, body, len);
    else
        refuse(n, port, token, MR_UNKNOWN_TAG);
}
