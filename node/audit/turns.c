#include "audit/turns.h"

#include <stdlib.h>
#include <string.h>

enum { STREAM_BYTES_MAX = MR_FRAME_HEAD_BYTES + MR_TURN_BYTES_MAX + MR_STREAM_CHUNK_MAX };

/* The bytes of one stream that were fetched and not yet used. */
struct tail {
    enum mr_stream_family family;
    uint64_t position; /* of the first byte held */
    uint8_t *bytes;    /* STREAM_BYTES_MAX */
    size_t start, used;
    uint64_t end; /* synced when it was last asked */
};

struct turns {
    struct link *link;
    struct mr_request_body *request;
    struct mr_reply *reply;
    struct tail log, bodies;
    size_t log_len;      /* of the turn lent last */
    uint64_t bodies_end; /* behind its bodies */
};

/* What is held moves to the front before the room behind it is too short. */
static void make_room(struct tail *t)
{
    if (t->start + t->used + MR_STREAM_CHUNK_MAX <= STREAM_BYTES_MAX)
        return;
    memmove(t->bytes, t->bytes + t->start, t->used);
    t->start = 0;
}

/* MR_OK with bytes at hand; MR_NOT_FOUND at the end; MR_BODY_ERASED; trouble. */
static enum mr_status fetch(struct turns *w, struct tail *t, uint32_t wait_ms)
{
    const uint64_t at = t->position + t->used;
    w->request->kind = MR_REQ_STREAM;
    w->request->u.stream.family = t->family;
    w->request->u.stream.position = at;
    w->request->u.stream.timeout_ms = wait_ms;
    const enum mr_status st = link_call(w->link, w->reply, w->request);
    if (st != MR_OK)
        return st;
    const struct mr_rep_stream *const r = &w->reply->body.u.stream;
    t->end = r->end;
    if (r->bytes_len == 0)
        return MR_NOT_FOUND;
    make_room(t);
    if (r->position != at || t->start + t->used + r->bytes_len > STREAM_BYTES_MAX)
        return MR_OUT_OF_RANGE;
    memcpy(t->bytes + t->start + t->used, r->bytes, r->bytes_len);
    t->used += r->bytes_len;
    return MR_OK;
}

static enum mr_status have(struct turns *w, struct tail *t, size_t n, uint32_t wait_ms)
{
    enum mr_status st = MR_OK;
    while (t->used < n && st == MR_OK)
        st = fetch(w, t, wait_ms);
    return st;
}

static void skip(struct tail *t, uint64_t position)
{
    const uint64_t n = position - t->position;
    if (n < t->used) {
        t->start += (size_t)n;
        t->used -= (size_t)n;
    } else {
        t->start = t->used = 0;
    }
    t->position = position;
}

enum mr_status turns_open(struct turns **ret, struct link *l, uint64_t log, uint64_t bodies)
{
    struct turns *const t = calloc(1, sizeof *t);
    if (t == NULL)
        return MR_NO_MEMORY;
    t->link = l;
    t->log.family = MR_FAMILY_LOG;
    t->bodies.family = MR_FAMILY_BODIES;
    t->log.position = log;
    t->bodies.position = t->bodies_end = bodies;
    t->request = calloc(1, sizeof *t->request);
    t->reply = malloc(sizeof *t->reply);
    t->log.bytes = malloc(STREAM_BYTES_MAX);
    t->bodies.bytes = malloc(STREAM_BYTES_MAX);
    if (t->request == NULL || t->reply == NULL || t->log.bytes == NULL || t->bodies.bytes == NULL) {
        turns_close(t);
        return MR_NO_MEMORY;
    }
    *ret = t;
    return MR_OK;
}

/* The bodies of the turn; an erased one has none. */
static enum mr_status take_bodies(struct turns *w, struct mr_audit_turn *ret,
                                  const struct mr_frame *f)
{
    static const uint8_t zero[32];
    if (memcmp(f->bodies_check, zero, 32) == 0)
        return MR_OK;
    const uint64_t n = f->end - w->bodies.position;
    if (f->end <= w->bodies.position || n > MR_FRAME_HEAD_BYTES + MR_TURN_BYTES_MAX)
        return MR_DAMAGED;
    const enum mr_status st = have(w, &w->bodies, (size_t)n, 0);
    if (st == MR_BODY_ERASED)
        return MR_OK;
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    ret->bodies = w->bodies.bytes + w->bodies.start;
    ret->bodies_len = (size_t)n;
    return MR_OK;
}

enum mr_status turns_next(struct turns *t, struct mr_audit_turn *ret, struct mr_frame *ret_frame,
                          uint32_t wait_ms)
{
    *ret = (struct mr_audit_turn){0};
    skip(&t->log, t->log.position + t->log_len);
    if (t->bodies_end > t->bodies.position)
        skip(&t->bodies, t->bodies_end);
    t->log_len = 0;
    enum mr_status st = have(t, &t->log, MR_FRAME_HEAD_BYTES, wait_ms);
    if (st != MR_OK)
        return st == MR_NOT_FOUND && t->log.used > 0 ? MR_DAMAGED : st;
    const uint8_t *log = t->log.bytes + t->log.start;
    if (mr_frame_read(ret_frame, log, t->log.used, NULL) == MR_DAMAGED ||
        ret_frame->family != MR_FAMILY_LOG)
        return MR_DAMAGED;
    const size_t len = mr_frame_size(ret_frame->len);
    st = have(t, &t->log, len, 0);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    st = take_bodies(t, ret, ret_frame);
    if (st != MR_OK)
        return st;
    log = t->log.bytes + t->log.start;
    if (mr_frame_read(ret_frame, log, len, NULL) != MR_OK)
        return MR_DAMAGED;
    ret->log = log;
    ret->log_len = t->log_len = len;
    t->bodies_end = ret_frame->end;
    return MR_OK;
}

uint64_t turns_position(const struct turns *t)
{
    return t->log.position + t->log_len;
}

uint64_t turns_end(const struct turns *t)
{
    return t->log.end;
}

void turns_close(struct turns *t)
{
    if (t == NULL)
        return;
    free(t->request);
    free(t->reply);
    free(t->log.bytes);
    free(t->bodies.bytes);
    free(t);
}
