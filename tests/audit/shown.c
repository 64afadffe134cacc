#include "audit/shown.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mereau/codec.h"
#include "mereau/journal.h"

static void stream(struct shown *s, const struct mr_req_stream *q, struct mr_reply *ret)
{
    struct mr_rep_stream *const r = &ret->body.u.stream;
    if (s->change != NULL && s->answers-- == 0)
        s->change();
    const bool log = q->family == MR_FAMILY_LOG;
    const uint8_t *const bytes = log ? s->log : s->bodies;
    const atomic_size_t *const shown = log ? &s->log_shown : &s->bodies_shown;
    for (uint32_t ms = 0; s->waits && ms < q->timeout_ms && *shown <= q->position; ms += 10)
        usleep(10000);
    const size_t len = *shown;
    if (!log && q->position < s->bodies_erased) {
        ret->status = MR_BODY_ERASED;
        return;
    }
    const size_t left = q->position < len ? len - (size_t)q->position : 0;
    r->position = q->position;
    r->end = len;
    const size_t most = s->chunk > 0 ? s->chunk : MR_STREAM_CHUNK_MAX;
    r->bytes_len = (uint32_t)(left < most ? left : most);
    if (r->bytes_len > 0)
        memcpy(r->bytes, bytes + q->position, r->bytes_len);
}

static void answer(void *ctx, const struct mr_request *request, struct mr_reply *ret)
{
    struct shown *const s = ctx;
    ret->status = MR_OK;
    if (s->silent) {
        ret->status = MR_BUSY;
        return;
    }
    switch ((int)request->body.kind) {
    case MR_REQ_CHARTER:
        ret->body.u.charter.charter = *s->charter;
        return;
    case MR_REQ_NODE:
        memset(&ret->body.u.node, 0, sizeof ret->body.u.node);
        ret->body.u.node.node = s->number;
        ret->body.u.node.epoch = 1;
        return;
    case MR_REQ_HEAD:
        memset(&ret->body.u.head, 0, sizeof ret->body.u.head);
        ret->body.u.head.head = s->head;
        return;
    case MR_REQ_COSIGN:
        ret->body.u.cosign.reserved = 0;
        s->cosigned = request->body.u.cosign;
        return;
    case MR_REQ_COSIGNED:
        ret->body.u.cosigned = s->seen;
        if (s->hides_seen)
            ret->status = MR_NOT_AUTHORISED;
        if (s->seen_later > 0) {
            s->seen_later--;
            ret->body.u.cosigned.heads_count = 0;
        }
        return;
    case MR_REQ_STREAM:
        if (s->shows_nothing)
            ret->status = MR_NOT_AUTHORISED;
        else
            stream(s, &request->body.u.stream, ret);
        return;
    default:
        ret->status = MR_NOT_AUTHORISED;
    }
}

void shown_change(struct shown *s, const struct book *b)
{
    uint8_t *log = NULL, *bodies = NULL;
    size_t log_len = 0, bodies_len = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        log_len += b->turns[i].log_len;
        bodies_len += b->turns[i].bodies_len;
    }
    log = malloc(log_len + 1);
    bodies = malloc(bodies_len + 1);
    ck_assert(log != NULL && bodies != NULL);
    s->log_len = s->bodies_len = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        const struct mr_audit_turn *const t = &b->turns[i];
        memcpy(log + s->log_len, t->log, t->log_len);
        s->log_len += t->log_len;
        if (t->bodies_len > 0)
            memcpy(bodies + s->bodies_len, t->bodies, t->bodies_len);
        s->bodies_len += t->bodies_len;
    }
    free(s->log);
    free(s->bodies);
    s->log = log;
    s->bodies = bodies;
    s->log_shown = s->log_len;
    s->bodies_shown = s->bodies_len;
}

void shown_until(struct shown *s, const struct book *b, uint32_t turns)
{
    s->log_shown = s->bodies_shown = 0;
    for (uint32_t i = 0; i < turns && i < b->count; i++) {
        s->log_shown += b->turns[i].log_len;
        s->bodies_shown += b->turns[i].bodies_len;
    }
}

void shown_start(struct shown *s, const struct mr_charter *charter, uint32_t number,
                 const struct book *b, const char *path)
{
    static uint8_t seed[32];
    *s = (struct shown){.charter = charter, .number = number};
    shown_change(s, b);
    fake_node_start(&s->node, seed, path, answer, s);
    snprintf(s->address, sizeof s->address, "127.0.0.1:%u", (unsigned)s->node.at.port);
}

void shown_stop(struct shown *s)
{
    fake_node_stop(&s->node);
    free(s->log);
    free(s->bodies);
}
