#include "admin/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mereau/assert.h"
#include "storage/journal_file.h"
#include "storage/writer.h"

enum {
    WINDOW_BYTES = MR_TURN_BYTES_MAX + (1 << 20),
    DEST_SEGMENT_BYTES = 16 << 20,
    TEXT_FIELD = 96,
};

/* A piece of one stream, its frames taken from the front. */
struct window {
    enum mr_stream_family family;
    uint64_t position; /* of the byte at `at` */
    size_t at, len;
    uint8_t *bytes;
};

struct copier {
    struct admin *a;
    struct mr_journal *source; /* NULL: the running node */
    struct mr_journal *dest;
    char dir[FILE_PATH_MAX];
    struct mr_journal_file_ops ops;
    struct mr_journal_end end;
    struct window log, bodies;
    uint64_t source_end;
};

/* Each turn of the source is synced already; the copy is synced as a whole by copier_sync. */
static int sync_later(int fd)
{
    (void)fd;
    return 0;
}

static enum mr_status open_dest(struct copier *c)
{
    struct mr_journal_report report = {.turns = 0};
    c->ops = writer_system_ops;
    c->ops.fdatasync = sync_later;
    const struct mr_journal_file_options options = {.ledger = c->a->ledger,
                                                    .node = c->a->own->number,
                                                    .segment_bytes = DEST_SEGMENT_BYTES,
                                                    .ops = &c->ops};
    const enum mr_status st = mr_journal_file_open(&c->dest, c->dir, &options, &report);
    if (st == MR_WRONG_LEDGER)
        return out_fail(c->a->out, st, _("%s holds the journal of another ledger or node"), c->dir);
    if (st != MR_OK)
        return out_fail(c->a->out, st, _("%s cannot be written: %s"), c->dir,
                        report.text[0] != '\0' ? report.text : status_sentence(st));
    c->dest->api->end(c->dest, &c->end);
    c->log.position = c->end.log;
    c->bodies.position = c->end.bodies;
    return MR_OK;
}

enum mr_status copier_open(struct copier **ret, struct admin *a, struct mr_journal *source,
                           const char *dest)
{
    struct copier *c = calloc(1, sizeof *c);
    if (c == NULL)
        return out_fail(a->out, MR_NO_MEMORY, NULL);
    c->a = a;
    c->source = source;
    c->log.family = MR_FAMILY_LOG;
    c->bodies.family = MR_FAMILY_BODIES;
    c->log.bytes = malloc(WINDOW_BYTES);
    c->bodies.bytes = malloc(WINDOW_BYTES);
    snprintf(c->dir, sizeof c->dir, "%s", dest);
    enum mr_status st = c->log.bytes != NULL && c->bodies.bytes != NULL
                            ? open_dest(c)
                            : out_fail(a->out, MR_NO_MEMORY, NULL);
    if (st == MR_OK)
        *ret = c;
    else
        copier_close(c);
    return st;
}

void copier_close(struct copier *c)
{
    if (c == NULL)
        return;
    if (c->dest != NULL)
        c->dest->api->close(c->dest);
    free(c->log.bytes);
    free(c->bodies.bytes);
    free(c);
}

/* --- reading -----------------------------------------------------------------------------------
 */

static enum mr_status read_node(struct copier *c, const struct window *w, uint64_t from,
                                uint8_t *ret, size_t cap, size_t *ret_len, uint32_t wait_ms)
{
    struct admin *a = c->a;
    a->ask->kind = MR_REQ_STREAM;
    a->ask->u.stream =
        (struct mr_req_stream){.family = w->family, .position = from, .timeout_ms = wait_ms};
    const enum mr_status st = admin_call(a);
    if (st != MR_OK)
        return st;
    const struct mr_rep_stream *rep = &a->reply->body.u.stream;
    if (rep->position != from || rep->bytes_len > cap)
        return MR_OUT_OF_RANGE;
    memcpy(ret, rep->bytes, rep->bytes_len);
    *ret_len = rep->bytes_len;
    if (w->family == MR_FAMILY_LOG)
        c->source_end = rep->end;
    return MR_OK;
}

static enum mr_status read_more(struct copier *c, struct window *w, size_t *ret_len,
                                uint32_t wait_ms)
{
    const size_t kept = w->len - w->at;
    memmove(w->bytes, w->bytes + w->at, kept);
    w->at = 0;
    w->len = kept;
    const size_t room = WINDOW_BYTES - kept;
    const size_t cap = room < MR_STREAM_CHUNK_MAX ? room : MR_STREAM_CHUNK_MAX;
    enum mr_status st;
    if (c->source == NULL)
        st = read_node(c, w, w->position + kept, w->bytes + kept, cap, ret_len, wait_ms);
    else
        st = c->source->api->read(c->source, w->family, w->position + kept, w->bytes + kept, cap,
                                  ret_len);
    if (st == MR_OK)
        w->len += *ret_len;
    return st;
}

/* The frame at the window's front. MR_NOT_FOUND: there is none yet. */
static enum mr_status next_frame(struct copier *c, struct window *w, struct mr_frame *ret,
                                 const uint8_t *prev, uint32_t wait_ms)
{
    for (;;) {
        size_t got = 0;
        enum mr_status st = MR_TRUNCATED;
        if (w->len > w->at)
            st = mr_frame_read(ret, w->bytes + w->at, w->len - w->at, prev);
        if (st != MR_TRUNCATED)
            return st == MR_OK && ret->family != w->family ? MR_DAMAGED : st;
        if (w->len - w->at == WINDOW_BYTES)
            return MR_DAMAGED;
        st = read_more(c, w, &got, wait_ms);
        if (st != MR_OK)
            return st;
        if (got == 0)
            return MR_NOT_FOUND;
    }
}

static void take_frame(struct window *w, size_t size)
{
    w->at += size;
    w->position += size;
}

/* --- copying -----------------------------------------------------------------------------------
 */

static bool is_zero(const uint8_t hash[32])
{
    static const uint8_t zero[32];
    return memcmp(hash, zero, sizeof zero) == 0;
}

static enum mr_status copy_turn(struct copier *c, uint32_t wait_ms)
{
    struct mr_frame log, bodies;
    enum mr_status st = next_frame(c, &c->log, &log, c->end.check, wait_ms);
    if (st != MR_OK)
        return st;
    const size_t log_size = mr_frame_size(log.len);
    size_t bodies_size = 0;
    if (!is_zero(log.bodies_check)) {
        st = next_frame(c, &c->bodies, &bodies, NULL, 0);
        if (st == MR_NOT_FOUND ||
            (st == MR_OK && memcmp(bodies.check, log.bodies_check, sizeof bodies.check) != 0))
            st = MR_DAMAGED;
        if (st != MR_OK)
            return st;
        bodies_size = mr_frame_size(bodies.len);
    }
    st = c->dest->api->append(c->dest, c->log.bytes + c->log.at, log_size,
                              c->bodies.bytes + c->bodies.at, bodies_size);
    if (st != MR_OK)
        return out_fail(c->a->out, st, _("%s cannot be written: %s"), c->dir, status_sentence(st));
    take_frame(&c->log, log_size);
    take_frame(&c->bodies, bodies_size);
    c->dest->api->end(c->dest, &c->end);
    return MR_OK;
}

enum mr_status copier_run(struct copier *c, uint64_t *ret_count, uint64_t turns, uint32_t wait_ms)
{
    uint64_t count = 0;
    enum mr_status st = MR_OK;
    while (turns == 0 || count < turns) {
        st = copy_turn(c, count == 0 ? wait_ms : 0);
        if (st != MR_OK)
            break;
        count++;
    }
    *ret_count = count;
    if (st == MR_OK || st == MR_NOT_FOUND)
        return MR_OK;
    if (st == MR_UNREACHABLE || st == MR_NO_ANSWER)
        return st;
    if (st == MR_DAMAGED || st == MR_BODY_ERASED)
        return out_fail(c->a->out, MR_DAMAGED,
                        _("the journal is damaged behind turn %llu, log position %llu, or the copy "
                          "is not of this node"),
                        (unsigned long long)c->end.turn, (unsigned long long)c->end.log);
    return c->a->out->failed ? st : admin_call_failed(c->a, st);
}

uint64_t copier_source_end(const struct copier *c)
{
    return c->source_end;
}

void copier_end(const struct copier *c, struct mr_journal_end *ret)
{
    *ret = c->end;
}

enum mr_status copier_sync(struct copier *c)
{
    const int fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool done = fd >= 0 && syncfs(fd) == 0;
    const int error = errno;
    if (fd >= 0)
        close(fd);
    if (done)
        return MR_OK;
    return out_fail(c->a->out, file_status(error), _("%s cannot be written: %s"), c->dir,
                    strerror(error));
}
