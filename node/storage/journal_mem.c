/* Two growing arrays. What append has synced counts as on the medium; the rest is at the mercy of
 * the crash. */
#include "mereau/journal.h"

#include <pthread.h>
#include <string.h>

#include "mereau/assert.h"
#include "storage/mem.h"

enum { ROOM = 2 * (MR_TURN_BYTES_MAX + MR_FRAME_HEAD_BYTES) };

struct stream {
    uint8_t *bytes;
    size_t len, cap; /* len: with what is not synced */
    uint64_t erased; /* positions before this are gone */
};

struct journal_mem {
    struct mr_journal base;
    struct mr_mem mem;
    struct mr_journal_faults faults;
    pthread_mutex_t lock;
    bool dead;
    struct mr_journal_end end; /* synced */
    struct stream log, bodies;
};

static struct journal_mem *self(struct mr_journal *j)
{
    return (struct journal_mem *)j;
}

static bool fails(const struct journal_mem *m, const char *call)
{
    return m->faults.fails != NULL && m->faults.fails(m->faults.ctx, call);
}

static enum mr_status reserve(struct journal_mem *m, struct stream *s, size_t more)
{
    if (s->cap - s->len >= more)
        return MR_OK;

    const size_t cap = (s->len + more) * 2;
    uint8_t *bytes = m->mem.get(m->mem.ctx, cap);

    if (bytes == NULL)
        return MR_NO_MEMORY;
    if (s->len > 0)
        memcpy(bytes, s->bytes, s->len);
    m->mem.put(m->mem.ctx, s->bytes);
    s->bytes = bytes;
    s->cap = cap;
    return MR_OK;
}

static void add(struct stream *s, const uint8_t *bytes, size_t len)
{
    if (len > 0)
        memcpy(s->bytes + s->len, bytes, len);
    s->len += len;
}

/* What the engine hands in must be the next turn: anything else is our own mistake. */
static void check_turn(const struct mr_journal_end *end, const struct mr_frame *f, size_t log_len,
                       size_t bodies_len)
{
    mr_assert(f->family == MR_FAMILY_LOG);
    mr_assert(mr_frame_size(f->len) == log_len);
    mr_assert(f->turn == end->turn + 1);
    mr_assert(f->end == end->bodies + bodies_len);
}

static void publish(struct journal_mem *m, const struct mr_frame *f, size_t log_len)
{
    m->end.log += log_len;
    m->end.bodies = f->end;
    m->end.turn = f->turn;
    memcpy(m->end.check, f->check, sizeof m->end.check);
}

static enum mr_status append_locked(struct journal_mem *m, const uint8_t *log, size_t log_len,
                                    const uint8_t *bodies, size_t bodies_len)
{
    struct mr_frame f;

    if (m->dead)
        return MR_IO_ERROR;
    if (log_len == 0) {
        mr_assert(bodies_len == 0);
        return MR_OK;
    }
    const enum mr_status form = mr_frame_read(&f, log, log_len, NULL);
    mr_assert(form == MR_OK);
    check_turn(&m->end, &f, log_len, bodies_len);
    if (fails(m, "space") || reserve(m, &m->log, log_len) != MR_OK ||
        reserve(m, &m->bodies, bodies_len) != MR_OK)
        return MR_DISK_FULL;
    add(&m->bodies, bodies, bodies_len);
    add(&m->log, log, log_len);
    if (fails(m, "append")) {
        m->dead = true;
        return MR_IO_ERROR;
    }
    publish(m, &f, log_len);
    return MR_OK;
}

static enum mr_status journal_append(struct mr_journal *j, const uint8_t *log, size_t log_len,
                                     const uint8_t *bodies, size_t bodies_len)
{
    struct journal_mem *m = self(j);

    pthread_mutex_lock(&m->lock);
    const enum mr_status st = append_locked(m, log, log_len, bodies, bodies_len);
    pthread_mutex_unlock(&m->lock);
    return st;
}

static size_t journal_room(struct mr_journal *j)
{
    struct journal_mem *m = self(j);

    pthread_mutex_lock(&m->lock);
    const size_t room = m->dead || fails(m, "room") ? 0 : ROOM;
    pthread_mutex_unlock(&m->lock);
    return room;
}

static enum mr_status read_locked(struct journal_mem *m, enum mr_stream_family family,
                                  uint64_t position, uint8_t *ret, size_t cap, size_t *ret_len)
{
    const bool log = family == MR_FAMILY_LOG;
    const struct stream *s = log ? &m->log : &m->bodies;
    const uint64_t end = log ? m->end.log : m->end.bodies;

    if (m->dead || fails(m, "read"))
        return MR_IO_ERROR;
    if (position >= end) {
        *ret_len = 0;
        return MR_OK;
    }
    if (position < s->erased)
        return MR_BODY_ERASED;
    *ret_len = end - position < cap ? (size_t)(end - position) : cap;
    memcpy(ret, s->bytes + position, *ret_len);
    return MR_OK;
}

static enum mr_status journal_read(struct mr_journal *j, enum mr_stream_family family,
                                   uint64_t position, uint8_t *ret, size_t cap, size_t *ret_len)
{
    struct journal_mem *m = self(j);

    pthread_mutex_lock(&m->lock);
    const enum mr_status st = read_locked(m, family, position, ret, cap, ret_len);
    pthread_mutex_unlock(&m->lock);
    return st;
}

static void journal_end(struct mr_journal *j, struct mr_journal_end *ret)
{
    struct journal_mem *m = self(j);

    pthread_mutex_lock(&m->lock);
    *ret = m->end;
    pthread_mutex_unlock(&m->lock);
}

static void journal_close(struct mr_journal *j)
{
    if (j == NULL)
        return;

    struct journal_mem *m = self(j);
    const struct mr_mem mem = m->mem;

    mem.put(mem.ctx, m->log.bytes);
    mem.put(mem.ctx, m->bodies.bytes);
    pthread_mutex_destroy(&m->lock);
    mem.put(mem.ctx, m);
}

static const struct mr_journal_api api = {
    .append = journal_append,
    .room = journal_room,
    .read = journal_read,
    .end = journal_end,
    .close = journal_close,
};

enum mr_status mr_journal_mem_open(struct mr_journal **ret, const struct mr_mem *mem,
                                   const struct mr_journal_faults *faults)
{
    struct journal_mem *m = mem->get(mem->ctx, sizeof *m);

    if (m == NULL)
        return MR_NO_MEMORY;
    memset(m, 0, sizeof *m);
    m->base.api = &api;
    m->mem = *mem;
    if (faults != NULL)
        m->faults = *faults;
    pthread_mutex_init(&m->lock, NULL);
    *ret = &m->base;
    return MR_OK;
}

void mr_journal_mem_crash(struct mr_journal *j, uint64_t keep)
{
    struct journal_mem *m = self(j);
    const uint64_t bodies = m->bodies.len - m->end.bodies, log = m->log.len - m->end.log;
    const uint64_t keep_bodies = keep < bodies ? keep : bodies;
    const uint64_t keep_log = keep - keep_bodies < log ? keep - keep_bodies : log;

    m->bodies.len = (size_t)(m->end.bodies + keep_bodies);
    m->log.len = (size_t)(m->end.log + keep_log);
    m->dead = true;
}

/* Whether a whole turn stands behind the synced end. */
static bool survived(const struct journal_mem *m, struct mr_frame *ret)
{
    const uint8_t *log = m->log.bytes + m->end.log;
    const size_t log_len = (size_t)(m->log.len - m->end.log);
    const size_t bodies_len = (size_t)(m->bodies.len - m->end.bodies);
    struct mr_frame b;

    if (log_len == 0 || mr_frame_read(ret, log, log_len, m->end.check) != MR_OK)
        return false;
    if (ret->end == m->end.bodies)
        return true;
    return mr_frame_read(&b, m->bodies.bytes + m->end.bodies, bodies_len, NULL) == MR_OK &&
           memcmp(b.check, ret->bodies_check, sizeof b.check) == 0;
}

void mr_journal_mem_reopen(struct mr_journal *j, bool *ret_torn)
{
    struct journal_mem *m = self(j);
    struct mr_frame f;

    if (m->log.bytes != NULL && survived(m, &f))
        publish(m, &f, mr_frame_size(f.len));
    if (ret_torn != NULL)
        *ret_torn = m->log.len > m->end.log || m->bodies.len > m->end.bodies;
    m->log.len = (size_t)m->end.log;
    m->bodies.len = (size_t)m->end.bodies;
    m->dead = false;
}

void mr_journal_mem_erase(struct mr_journal *j, uint64_t position)
{
    struct journal_mem *m = self(j);

    mr_assert(position <= m->end.bodies);
    if (position > m->bodies.erased) {
        memset(m->bodies.bytes, 0, (size_t)position);
        m->bodies.erased = position;
    }
}

uint8_t *mr_journal_mem_bytes(struct mr_journal *j, enum mr_stream_family family, size_t *ret_len)
{
    struct journal_mem *m = self(j);

    *ret_len = (size_t)(family == MR_FAMILY_LOG ? m->end.log : m->end.bodies);
    return family == MR_FAMILY_LOG ? m->log.bytes : m->bodies.bytes;
}
