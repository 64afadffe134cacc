#include "storage/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mereau/assert.h"
#include "storage/files.h"
#include "storage/segment.h"
#include "storage/writer.h"

enum { SEGMENT_DEFAULT = 64 << 20, RESERVE_DEFAULT = 1 << 20, RESERVE_PART = 4 };

/* One stream: what is on the disk, and where it is written. */
struct family {
    struct writer writer;     /* under `space` */
    struct segment_list list; /* under `lock`; bytes: frames synced */
};

struct journal_file {
    struct mr_journal base;
    const struct mr_journal_file_ops *ops;
    int dir;
    uint8_t ledger[32];
    uint32_t node;
    size_t segment_bytes, reserve;
    bool read_only;
    atomic_bool dead;
    /* room() may prepare segments from another thread than append: `space` guards the writers.
     * `lock` guards what readers see and is held for moments only. Order: space, lock. */
    pthread_mutex_t space, lock;
    struct mr_journal_end end; /* under `lock` */
    struct family log, bodies;
};

static struct journal_file *self(struct mr_journal *j)
{
    return (struct journal_file *)j;
}

/* --- appending -------------------------------------------------------------------------------- */

static struct segment_head head_of(const struct journal_file *j, enum mr_stream_family family,
                                   const struct mr_journal_end *before)
{
    struct segment_head h = {.family = family, .node = j->node};

    memcpy(h.ledger, j->ledger, sizeof h.ledger);
    if (family == MR_FAMILY_LOG)
        h.before = *before;
    else
        h.before.bodies = before->bodies;
    return h;
}

static enum mr_status list_segment(struct journal_file *j, struct family *f, struct segment s)
{
    pthread_mutex_lock(&j->lock);
    const enum mr_status st = segment_list_add(&f->list, s);
    pthread_mutex_unlock(&j->lock);
    return st;
}

/* Close the open segment at its last frame and go on in the prepared one. */
static enum mr_status roll(struct journal_file *j, struct family *f)
{
    const struct segment_head head = head_of(j, f->writer.family, &j->end);

    if (f->writer.end == f->writer.first) {
        /* Nothing is in the open one: the larger one takes its name. */
        return writer_begin(&f->writer, &head, NULL, 0);
    }
    enum mr_status st = writer_finish(&f->writer);
    if (st == MR_OK)
        st = writer_begin(&f->writer, &head, NULL, 0);
    if (st == MR_OK)
        st = list_segment(j, f, (struct segment){.first = f->writer.first});
    return st;
}

static enum mr_status prepare_for(const struct journal_file *j, struct family *f, size_t len)
{
    if (writer_fits(&f->writer, len))
        return MR_OK;
    return writer_prepare(&f->writer, len > j->segment_bytes ? len : j->segment_bytes);
}

static enum mr_status write_turn(struct journal_file *j, struct family *f, const uint8_t *bytes,
                                 size_t len)
{
    enum mr_status st = MR_OK;

    if (len == 0)
        return MR_OK;
    if (!writer_fits(&f->writer, len))
        st = roll(j, f);
    return st == MR_OK ? writer_append(&f->writer, bytes, len) : MR_IO_ERROR;
}

/* The segments after next, so that room() can promise them. No space for them is no failure. */
static void prepare_ahead(struct journal_file *j)
{
    const uint64_t need = j->segment_bytes + SEGMENT_HEAD_BYTES;
    struct writer *const writers[2] = {&j->log.writer, &j->bodies.writer};

    for (int i = 0; i < 2; i++)
        if (writers[i]->spare_fd < 0 && j->ops->available(j->dir) >= need)
            (void)writer_prepare(writers[i], j->segment_bytes);
}

static void publish(struct journal_file *j, const struct mr_frame *f, size_t log_len,
                    size_t bodies_len)
{
    pthread_mutex_lock(&j->lock);
    j->log.list.at[j->log.list.count - 1].bytes += log_len;
    j->bodies.list.at[j->bodies.list.count - 1].bytes += bodies_len;
    j->end.log += log_len;
    j->end.bodies += bodies_len;
    j->end.turn = f->turn;
    memcpy(j->end.check, f->check, sizeof j->end.check);
    pthread_mutex_unlock(&j->lock);
}

static enum mr_status append_turn(struct journal_file *j, const struct mr_frame *f,
                                  const uint8_t *log, size_t log_len, const uint8_t *bodies,
                                  size_t bodies_len)
{
    enum mr_status st = prepare_for(j, &j->bodies, bodies_len);

    if (st == MR_OK)
        st = prepare_for(j, &j->log, log_len);
    if (st != MR_OK)
        return st == MR_DISK_FULL ? st : MR_IO_ERROR;
    st = write_turn(j, &j->bodies, bodies, bodies_len);
    if (st == MR_OK)
        st = write_turn(j, &j->log, log, log_len);
    if (st != MR_OK)
        return st;
    publish(j, f, log_len, bodies_len);
    prepare_ahead(j);
    return MR_OK;
}

static enum mr_status journal_append(struct mr_journal *base, const uint8_t *log, size_t log_len,
                                     const uint8_t *bodies, size_t bodies_len)
{
    struct journal_file *j = self(base);
    struct mr_frame f;

    mr_assert(!j->read_only);
    if (j->dead)
        return MR_IO_ERROR;
    if (log_len == 0) {
        mr_assert(bodies_len == 0);
        return MR_OK;
    }
    const enum mr_status form = mr_frame_read(&f, log, log_len, NULL);
    mr_assert(form == MR_OK);
    mr_assert(f.family == MR_FAMILY_LOG);
    mr_assert(mr_frame_size(f.len) == log_len);
    mr_assert(f.turn == j->end.turn + 1);
    mr_assert(f.end == j->end.bodies + bodies_len);
    pthread_mutex_lock(&j->space);
    const enum mr_status st = append_turn(j, &f, log, log_len, bodies, bodies_len);
    if (st == MR_IO_ERROR)
        j->dead = true;
    pthread_mutex_unlock(&j->space);
    return st;
}

static size_t journal_room(struct mr_journal *base)
{
    struct journal_file *j = self(base);
    size_t room = 0;

    if (j->dead || j->read_only)
        return 0;
    pthread_mutex_lock(&j->space);
    prepare_ahead(j); /* space may have come back */
    const size_t log = writer_room(&j->log.writer), bodies = writer_room(&j->bodies.writer);
    pthread_mutex_unlock(&j->space);
    room = log < bodies ? log : bodies;
    return room > j->reserve ? room - j->reserve : 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Where a position is now. false: at or behind the end. *ret_left 0: erased. */
static bool locate(struct journal_file *j, struct family *f, uint64_t position, uint64_t *ret_first,
                   uint64_t *ret_left)
{
    bool inside;

    pthread_mutex_lock(&j->lock);
    const size_t i = segment_list_find(&f->list, position);
    inside = position < (f == &j->log ? j->end.log : j->end.bodies);
    *ret_left = 0;
    if (i != SIZE_MAX) {
        const struct segment *s = &f->list.at[i];

        *ret_first = s->first;
        if (position - s->first < s->bytes)
            *ret_left = s->bytes - (position - s->first);
    }
    pthread_mutex_unlock(&j->lock);
    return inside;
}

static enum mr_status read_part(struct journal_file *j, enum mr_stream_family family,
                                uint64_t first, uint64_t position, uint8_t *ret, size_t len)
{
    size_t got = 0;
    int fd;
    enum mr_status st = segment_open(&fd, j->dir, family, first);

    if (st != MR_OK)
        return st == MR_NO_SUCH_FILE ? MR_BODY_ERASED : MR_IO_ERROR;
    st = segment_pread(fd, ret, len, SEGMENT_HEAD_BYTES + (position - first), &got);
    close(fd);
    return st == MR_OK && got == len ? MR_OK : MR_IO_ERROR;
}

static enum mr_status journal_read(struct mr_journal *base, enum mr_stream_family family,
                                   uint64_t position, uint8_t *ret, size_t cap, size_t *ret_len)
{
    struct journal_file *j = self(base);
    struct family *f = family == MR_FAMILY_LOG ? &j->log : &j->bodies;
    uint64_t first, left;
    size_t len = 0;

    while (len < cap) {
        if (j->dead)
            return MR_IO_ERROR;
        if (!locate(j, f, position + len, &first, &left))
            break;
        const size_t n = left < cap - len ? (size_t)left : cap - len;
        const enum mr_status st =
            n == 0 ? MR_BODY_ERASED : read_part(j, family, first, position + len, ret + len, n);

        if (st == MR_BODY_ERASED && len > 0)
            break;
        if (st != MR_OK)
            return st;
        len += n;
    }
    *ret_len = len;
    return MR_OK;
}

static void journal_end(struct mr_journal *base, struct mr_journal_end *ret)
{
    struct journal_file *j = self(base);

    pthread_mutex_lock(&j->lock);
    *ret = j->end;
    pthread_mutex_unlock(&j->lock);
}

enum mr_status mr_journal_file_erase(struct mr_journal *base, uint64_t *ret_first,
                                     uint64_t position)
{
    struct journal_file *j = self(base);
    struct segment_list *l = &j->bodies.list;
    enum mr_status st = MR_OK;
    size_t n = 0;

    mr_assert(!j->read_only);
    pthread_mutex_lock(&j->lock);
    while (st == MR_OK && n + 1 < l->count && l->at[n].first + l->at[n].bytes <= position) {
        char name[SEGMENT_NAME_MAX];

        segment_name(name, MR_FAMILY_BODIES, l->at[n].first);
        if (unlinkat(j->dir, name, 0) != 0 && errno != ENOENT)
            st = MR_IO_ERROR;
        else
            n++;
    }
    memmove(l->at, l->at + n, (l->count - n) * sizeof *l->at);
    l->count -= n;
    const uint64_t first = l->at[0].first;
    pthread_mutex_unlock(&j->lock);
    if (st == MR_OK && n > 0 && fsync(j->dir) != 0)
        st = MR_IO_ERROR;
    if (st == MR_OK)
        *ret_first = first;
    return st;
}

static void journal_close(struct mr_journal *base)
{
    if (base == NULL)
        return;

    struct journal_file *j = self(base);
    struct family *const families[2] = {&j->log, &j->bodies};

    for (int i = 0; i < 2; i++) {
        /* What is left behind then holds frames only. A file that failed is not touched again. */
        if (!j->dead && families[i]->writer.fd >= 0)
            (void)writer_finish(&families[i]->writer);
        writer_done(&families[i]->writer);
        segment_list_done(&families[i]->list);
    }
    if (j->dir >= 0)
        close(j->dir);
    pthread_mutex_destroy(&j->space);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

static const struct mr_journal_api api = {
    .append = journal_append,
    .room = journal_room,
    .read = journal_read,
    .end = journal_end,
    .close = journal_close,
};

/* --- opening ---------------------------------------------------------------------------------- */

/* The segments as the scan found them, without what stands behind the last whole turn, and
 * without what the next one repeats. */
static void trim_list(struct segment_list *l, uint64_t end)
{
    for (size_t i = 0; i < l->count; i++) {
        const uint64_t most = (i + 1 < l->count ? l->at[i + 1].first : end) - l->at[i].first;

        if (l->at[i].bytes > most)
            l->at[i].bytes = most;
    }
}

/* Cut off on the disk what trim_list left out. It can only stand in the last two segments. */
static enum mr_status cut_tails(const struct family *f, const struct segment_list *found)
{
    enum mr_status st = MR_OK;

    for (size_t i = 0; st == MR_OK && i < f->list.count; i++)
        if (f->list.at[i].bytes < found->at[i].bytes)
            st = writer_cut(&f->writer, f->list.at[i].first, f->list.at[i].bytes);
    return st;
}

/* The last turn's frame, when it stands in the last segment: only then was it perhaps not synced.
 */
static enum mr_status read_tail(struct journal_file *j, struct family *f, uint8_t **ret,
                                uint64_t before, uint64_t end)
{
    const struct segment *last = &f->list.at[f->list.count - 1];
    const size_t len = (size_t)(end - before);
    enum mr_status st;

    *ret = NULL;
    if (len == 0 || before < last->first)
        return MR_OK;
    *ret = malloc(len);
    if (*ret == NULL)
        return MR_NO_MEMORY;
    st = read_part(j, f->writer.family, last->first, before, *ret, len);
    if (st != MR_OK) {
        free(*ret);
        *ret = NULL;
    }
    return st;
}

/* A new segment beginning with `len` bytes of tail. On a nearly full disk a small one must do: a
 * node that can only stop properly is better than none. */
static enum mr_status begin_new(struct journal_file *j, struct family *f,
                                const struct mr_journal_end *before, const uint8_t *tail,
                                size_t len)
{
    const struct segment_head head = head_of(j, f->writer.family, before);
    enum mr_status st = writer_prepare(&f->writer, j->segment_bytes + len);

    if (st == MR_DISK_FULL)
        st = writer_prepare(&f->writer, j->reserve + len);
    return st == MR_OK ? writer_begin(&f->writer, &head, tail, len) : st;
}

/* What can be read after a failed sync need not be on the disk. So the last turn is written and
 * synced once more, into a new segment; the old one is cut off in front of it. */
static enum mr_status start_family(struct journal_file *j, struct family *f,
                                   const struct mr_journal_report *r)
{
    const bool log = f == &j->log;
    const uint64_t end = log ? r->end.log : r->end.bodies;
    const uint64_t before = log ? r->before.log : r->before.bodies;
    struct segment_list *l = &f->list;
    uint8_t *tail = NULL;
    enum mr_status st = MR_OK;

    if (l->count > 0)
        st = read_tail(j, f, &tail, before, end);
    const bool moved = tail != NULL;
    if (st == MR_OK)
        st =
            begin_new(j, f, moved ? &r->before : &r->end, tail, moved ? (size_t)(end - before) : 0);
    free(tail);
    if (st != MR_OK)
        return st;
    const struct segment new = {f->writer.first, end - f->writer.first};
    if (l->count > 0 && l->at[l->count - 1].first == new.first) {
        l->at[l->count - 1] = new; /* it was replaced under its name */
        return MR_OK;
    }
    if (moved) {
        l->at[l->count - 1].bytes = new.first - l->at[l->count - 1].first;
        st = writer_cut(&f->writer, l->at[l->count - 1].first, l->at[l->count - 1].bytes);
    }
    return st == MR_OK ? segment_list_add(l, new) : st;
}

static enum mr_status list_family(struct journal_file *j, struct family *f, uint64_t end)
{
    struct segment_list found = {0};
    enum mr_status st = segment_list_read(&found, j->dir, f->writer.family);

    if (st != MR_OK)
        return st;
    for (size_t i = 0; st == MR_OK && i < found.count; i++)
        st = segment_list_add(&f->list, found.at[i]);
    trim_list(&f->list, end);
    if (st == MR_OK && !j->read_only)
        st = cut_tails(f, &found);
    segment_list_done(&found);
    return st;
}

static enum mr_status scan(struct mr_journal_report *ret, const char *dir,
                           const struct mr_journal_file_options *options)
{
    const struct journal_scan_options o = {
        .mode = options->read_only ? JOURNAL_LIVE : JOURNAL_CRASHED,
        .ledger = options->ledger,
        .node = options->node,
        .from = options->covered == NULL ? 0 : options->covered->log,
        .covered = options->covered,
    };

    return journal_scan(ret, dir, &o);
}

static enum mr_status start(struct journal_file *j, const char *dir,
                            const struct mr_journal_file_options *options,
                            struct mr_journal_report *report)
{
    enum mr_status st = j->read_only ? MR_OK : files_make_dir(dir);

    if (st == MR_OK)
        st = scan(report, dir, options);
    if (st != MR_OK)
        return st;
    j->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->dir < 0)
        return files_status(errno);
    writer_init(&j->log.writer, j->ops, j->dir, MR_FAMILY_LOG);
    writer_init(&j->bodies.writer, j->ops, j->dir, MR_FAMILY_BODIES);
    j->end = report->end;
    st = list_family(j, &j->log, j->end.log);
    if (st == MR_OK)
        st = list_family(j, &j->bodies, j->end.bodies);
    if (st != MR_OK || j->read_only)
        return st;
    /* The log first: bodies without a log are damage. */
    st = start_family(j, &j->log, report);
    if (st == MR_OK)
        st = start_family(j, &j->bodies, report);
    if (st == MR_OK)
        prepare_ahead(j);
    return st;
}

enum mr_status mr_journal_file_open(struct mr_journal **ret, const char *dir,
                                    const struct mr_journal_file_options *options,
                                    struct mr_journal_report *ret_report)
{
    struct journal_file *j = calloc(1, sizeof *j);

    if (j == NULL)
        return MR_NO_MEMORY;
    mr_assert(options->read_only || (options->ledger != NULL && options->node != 0));
    j->base.api = &api;
    j->ops = options->ops == NULL ? &writer_system_ops : options->ops;
    j->dir = -1;
    j->node = options->node;
    if (options->ledger != NULL)
        memcpy(j->ledger, options->ledger, sizeof j->ledger);
    j->segment_bytes = options->segment_bytes == 0 ? SEGMENT_DEFAULT : options->segment_bytes;
    j->reserve = options->reserve_bytes == 0 ? RESERVE_DEFAULT : options->reserve_bytes;
    if (j->reserve > j->segment_bytes / RESERVE_PART)
        j->reserve = j->segment_bytes / RESERVE_PART;
    j->read_only = options->read_only;
    writer_init(&j->log.writer, j->ops, -1, MR_FAMILY_LOG);
    writer_init(&j->bodies.writer, j->ops, -1, MR_FAMILY_BODIES);
    pthread_mutex_init(&j->space, NULL);
    pthread_mutex_init(&j->lock, NULL);
    const enum mr_status st = start(j, dir, options, ret_report);
    if (st != MR_OK) {
        j->dead = true; /* close must not write */
        journal_close(&j->base);
        return st;
    }
    *ret = &j->base;
    return MR_OK;
}
