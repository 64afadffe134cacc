/* A live node: both streams through REQ_STREAM, as an auditor or over the control socket. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "audit/source.h"
#include "common/keyfile.h"
#include "mereau/codec.h"
#include "mereau/journal.h"

static enum mr_status fail_node(struct source *s, enum mr_status st)
{
    const char *const address =
        opt_text(s->c, "node") != NULL ? opt_text(s->c, "node") : opt_text(s->c, "control");
    return out_fail(s->out, st, _("the node %s cannot be read: %s"), address, status_sentence(st));
}

/* --- opening ------------------------------------------------------------------------------------
 */

static enum mr_status open_link(struct source *s, const struct mr_pubkey *pinned)
{
    const struct link_config config = {
        .address =
            opt_text(s->c, "node") != NULL ? opt_text(s->c, "node") : opt_text(s->c, "control"),
        .pinned = pinned,
        .ledger = s->ledger,
        .timeout_ms = s->c->timeout_ms,
    };
    link_close(s->link);
    s->link = NULL;
    const enum mr_status st = link_open(&s->link, &config);
    return st == MR_OK ? MR_OK : fail_node(s, st);
}

/* Without --charter the node's own is believed: it can then show any ledger, but not two. */
static enum mr_status fetch_charter(struct source *s)
{
    struct mr_request_body *const q = calloc(1, sizeof *q);
    if (q == NULL)
        return out_fail(s->out, MR_NO_MEMORY, NULL);
    q->kind = MR_REQ_CHARTER;
    enum mr_status st = open_link(s, NULL);
    if (st == MR_OK) {
        st = link_call(s->link, s->reply, q);
        if (st != MR_OK)
            fail_node(s, st);
    }
    free(q);
    if (st != MR_OK)
        return st;
    s->own_charter = true;
    s->charter = malloc(sizeof *s->charter);
    s->charter_bytes = malloc(sizeof *s->charter);
    if (s->charter == NULL || s->charter_bytes == NULL)
        return out_fail(s->out, MR_NO_MEMORY, NULL);
    *s->charter = s->reply->body.u.charter.charter;
    s->charter_len = mr_charter_encode(s->charter, s->charter_bytes, sizeof *s->charter);
    mr_hash(s->ledger, "mereau/charter", s->charter_bytes, s->charter_len, NULL, 0);
    return MR_OK;
}

static enum mr_status read_key(struct source *s)
{
    const char *const path = opt_text(s->c, "key");
    struct secret pass = {NULL, 0};
    struct mr_pubkey public;
    struct keyfile *file = NULL;
    size_t len = 0;
    if (path == NULL)
        return out_fail(s->out, MR_USAGE, _("--node needs --key FILE: make one with %s"),
                        "mereau-audit keygen");
    enum mr_status st =
        secret_ask(&pass, s->c, s->out, _("Passphrase of the auditor's key"), false);
    if (st != MR_OK)
        return st;
    st = keyfile_open(&file, path, "auditor", &pass);
    secret_free(&pass);
    if (st != MR_OK)
        return out_fail(s->out, st, _("the key file %s cannot be opened: %s"), path,
                        status_sentence(st));
    const uint8_t *const seed = keyfile_payload(file, &len);
    s->key = sodium_malloc(sizeof *s->key);
    if (s->key == NULL || len != MR_KEY_BYTES)
        st = out_fail(s->out, s->key == NULL ? MR_NO_MEMORY : MR_DAMAGED, NULL);
    else
        mr_seckey_from_seed(s->key, &public, seed);
    keyfile_close(file);
    return st;
}

enum mr_status source_open_node(struct source *s)
{
    static const uint8_t nobody[MR_ACCOUNT_BYTES];
    enum mr_status st = opt_text(s->c, "node") != NULL ? read_key(s) : MR_OK;
    if (st != MR_OK)
        return st;
    s->reply = malloc(sizeof *s->reply);
    if (s->reply == NULL)
        return out_fail(s->out, MR_NO_MEMORY, NULL);
    st = opt_text(s->c, "charter") != NULL ? source_read_charter(s, NULL) : fetch_charter(s);
    if (st != MR_OK)
        return st;
    const bool one = s->charter->nodes_count == 1;
    st = open_link(s, one ? &s->charter->nodes[0].transport_key : NULL);
    if (st == MR_OK && s->key != NULL)
        link_identify(s->link, MR_AUTH_AUDITOR, nobody, 0, s->key, NULL);
    return st;
}

/* --- reading ------------------------------------------------------------------------------------
 */

enum { STREAM_BYTES_MAX = MR_FRAME_HEAD_BYTES + MR_TURN_BYTES_MAX + MR_STREAM_CHUNK_MAX };

/* The bytes of one stream that were fetched and not yet used. */
struct tail {
    enum mr_stream_family family;
    uint64_t position; /* of the first byte held */
    uint8_t *bytes;    /* STREAM_BYTES_MAX */
    size_t used;
    uint64_t end; /* synced when it was last asked */
};

struct node_walk {
    struct source *s;
    struct mr_request_body *request;
    struct tail log, bodies;
};

/* MR_OK with bytes at hand; MR_NOT_FOUND at the end; MR_BODY_ERASED; trouble. */
static enum mr_status fetch(struct node_walk *w, struct tail *t)
{
    w->request->kind = MR_REQ_STREAM;
    w->request->u.stream.family = t->family;
    w->request->u.stream.position = t->position + t->used;
    w->request->u.stream.timeout_ms = 0;
    const enum mr_status st = link_call(w->s->link, w->s->reply, w->request);
    if (st != MR_OK)
        return st;
    const struct mr_rep_stream *const r = &w->s->reply->body.u.stream;
    t->end = r->end;
    if (r->bytes_len == 0)
        return MR_NOT_FOUND;
    if (r->position != t->position + t->used || t->used + r->bytes_len > STREAM_BYTES_MAX)
        return MR_OUT_OF_RANGE;
    memcpy(t->bytes + t->used, r->bytes, r->bytes_len);
    t->used += r->bytes_len;
    return MR_OK;
}

static enum mr_status have(struct node_walk *w, struct tail *t, size_t n)
{
    enum mr_status st = MR_OK;
    while (t->used < n && st == MR_OK)
        st = fetch(w, t);
    return st;
}

static void skip(struct tail *t, uint64_t position)
{
    const uint64_t n = position - t->position;
    if (n < t->used) {
        memmove(t->bytes, t->bytes + n, t->used - n);
        t->used -= n;
    } else {
        t->used = 0;
    }
    t->position = position;
}

static enum mr_status one_turn(struct node_walk *w, source_turn turn, void *ctx)
{
    static const uint8_t zero[32];
    struct mr_audit_turn t = {0};
    struct mr_frame f = {0};
    enum mr_status st = have(w, &w->log, MR_FRAME_HEAD_BYTES);
    if (st != MR_OK)
        return st;
    st = mr_frame_read(&f, w->log.bytes, w->log.used, NULL);
    if (st == MR_DAMAGED || f.family != MR_FAMILY_LOG)
        return MR_DAMAGED;
    t.log_len = mr_frame_size(f.len);
    st = have(w, &w->log, t.log_len);
    if (st != MR_OK)
        return st;
    t.log = w->log.bytes;
    if (memcmp(f.bodies_check, zero, 32) != 0) {
        const uint64_t n = f.end - w->bodies.position;
        if (f.end <= w->bodies.position || n > MR_FRAME_HEAD_BYTES + MR_TURN_BYTES_MAX)
            return MR_DAMAGED;
        st = have(w, &w->bodies, (size_t)n);
        if (st == MR_OK) {
            t.bodies = w->bodies.bytes;
            t.bodies_len = (size_t)n;
        } else if (st != MR_BODY_ERASED) {
            return st == MR_NOT_FOUND ? MR_DAMAGED : st;
        }
    }
    w->s->size = w->log.end;
    st = turn(ctx, &t, w->log.position + t.log_len);
    skip(&w->log, w->log.position + t.log_len);
    if (f.end > w->bodies.position)
        skip(&w->bodies, f.end);
    return st;
}

enum mr_status source_walk_node(struct source *s, source_turn turn, void *ctx)
{
    struct node_walk w = {
        .s = s, .log = {.family = MR_FAMILY_LOG}, .bodies = {.family = MR_FAMILY_BODIES}};
    enum mr_status st = MR_OK;
    w.request = calloc(1, sizeof *w.request);
    w.log.bytes = malloc(STREAM_BYTES_MAX);
    w.bodies.bytes = malloc(STREAM_BYTES_MAX);
    if (w.request == NULL || w.log.bytes == NULL || w.bodies.bytes == NULL)
        st = MR_NO_MEMORY;
    while (st == MR_OK)
        st = one_turn(&w, turn, ctx);
    const bool at_end = st == MR_NOT_FOUND && w.log.used == 0;
    if (st == MR_DAMAGED || (st == MR_NOT_FOUND && !at_end))
        snprintf(s->damage, sizeof s->damage, "log, position %llu: no whole turn",
                 (unsigned long long)w.log.position);
    free(w.request);
    free(w.log.bytes);
    free(w.bodies.bytes);
    if (at_end || s->damage[0] != '\0' || s->out->failed)
        return s->out->failed ? s->out->status : MR_OK;
    return fail_node(s, st);
}
