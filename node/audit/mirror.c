#include "audit/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "mereau/sign.h"
#include "storage/files.h"
#include "storage/segment.h"
#include "wire/cursor.h"

enum { SEGMENT_BYTES = 64 << 20, MARK_BYTES = 8 + 3 * 8 + 32 + 32 };

static const char mark_name[] = "mirror.mark";
static const uint8_t mark_magic[8] = "MRMK0001";

struct part {
    enum mr_stream_family family;
    int fd;         /* -1: the next frame begins a segment */
    uint64_t first; /* of the open segment */
    uint64_t end;   /* of the stream */
    bool dirty;
};

struct mirror {
    char dir[FILE_PATH_MAX];
    int journal; /* directory */
    uint8_t ledger[32];
    uint32_t node;
    struct part log, bodies;
    struct mr_journal_end end, before;
    uint64_t pending;
    bool over;
};

/* --- the mark --------------------------------------------------------------------------------- */

static void mark_check(uint8_t ret[32], const uint8_t bytes[MARK_BYTES])
{
    mr_hash(ret, "mereau/mirror-mark", bytes, MARK_BYTES - 32, NULL, 0);
}

static enum mr_status write_mark(const struct mirror *m)
{
    uint8_t bytes[MARK_BYTES], check[32];
    struct mri_wr w = {bytes, sizeof bytes};
    mri_wr_opaque(&w, mark_magic, sizeof mark_magic);
    mri_wr_u64(&w, m->end.turn);
    mri_wr_u64(&w, m->end.log);
    mri_wr_u64(&w, m->end.bodies);
    mri_wr_opaque(&w, m->end.check, sizeof m->end.check);
    mark_check(check, bytes);
    mri_wr_opaque(&w, check, sizeof check);
    return files_write(m->dir, mark_name, bytes, sizeof bytes);
}

void mirror_mark(const char *dir, struct mr_journal_end *ret)
{
    uint8_t bytes[MARK_BYTES], magic[8], check[32], is[32];
    size_t len = 0;
    *ret = (struct mr_journal_end){0};
    if (files_read(dir, mark_name, bytes, sizeof bytes, &len) != MR_OK || len != sizeof bytes)
        return;
    struct mri_rd r = {bytes, sizeof bytes, MR_OK};
    struct mr_journal_end end;
    mri_rd_opaque(&r, magic, sizeof magic);
    end.turn = mri_rd_u64(&r, MR_SEQ_MAX);
    end.log = mri_rd_u64(&r, MR_SEQ_MAX);
    end.bodies = mri_rd_u64(&r, MR_SEQ_MAX);
    mri_rd_opaque(&r, end.check, sizeof end.check);
    mri_rd_opaque(&r, check, sizeof check);
    mark_check(is, bytes);
    if (r.st == MR_OK && memcmp(magic, mark_magic, sizeof magic) == 0 &&
        memcmp(check, is, sizeof is) == 0)
        *ret = end;
}

/* --- opening ---------------------------------------------------------------------------------- */

static enum mr_status cut_segment(const struct mirror *m, enum mr_stream_family family,
                                  const struct segment *s, uint64_t end)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(name, family, s->first);
    if (s->first > end) /* for good: it must not stand there again behind what is written now */
        return unlinkat(m->journal, name, 0) == 0 && fsync(m->journal) == 0 ? MR_OK
                                                                            : files_status(errno);
    const int fd = openat(m->journal, name, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return files_status(errno);
    const off_t bytes = (off_t)(SEGMENT_HEAD_BYTES + (end - s->first));
    const enum mr_status st =
        ftruncate(fd, bytes) == 0 && fsync(fd) == 0 ? MR_OK : files_status(errno);
    close(fd);
    return st;
}

/* Cut off what stands behind the end, and go on in the last segment, unless erased bodies lie
 * between it and the end. */
static enum mr_status open_part(struct mirror *m, struct part *p, uint64_t end)
{
    struct segment_list l = {0};
    char name[SEGMENT_NAME_MAX];
    enum mr_status st = segment_list_read(&l, m->journal, p->family);
    p->end = end;
    for (size_t i = l.count; st == MR_OK && i-- > 0;) {
        if (l.at[i].first + l.at[i].bytes <= end)
            break;
        st = cut_segment(m, p->family, &l.at[i], end);
        if (l.at[i].first > end)
            l.count = i;
        else
            l.at[i].bytes = end - l.at[i].first;
    }
    const struct segment *const last = l.count == 0 ? NULL : &l.at[l.count - 1];
    if (st == MR_OK && last != NULL && last->first + last->bytes == end) {
        segment_name(name, p->family, last->first);
        p->fd = openat(m->journal, name, O_RDWR | O_CLOEXEC);
        p->first = last->first;
        if (p->fd < 0)
            st = files_status(errno);
    }
    segment_list_done(&l);
    return st;
}

/* A frame that is not whole was not synced, when it stands behind the mark. */
static enum mr_status scan(struct mirror *m, const char *path, struct mr_journal_report *report)
{
    struct mr_journal_end mark;
    mirror_mark(m->dir, &mark);
    const struct journal_scan_options options = {.mode = JOURNAL_CRASHED,
                                                 .ledger = m->ledger,
                                                 .node = m->node,
                                                 .from = mark.log,
                                                 .covered = mark.turn > 0 ? &mark : NULL};
    enum mr_status st = journal_scan(report, path, &options);
    if (st == MR_DAMAGED && mark.turn > 0 && report->end.turn >= mark.turn)
        st = MR_OK;
    m->end = report->end;
    m->before = report->before;
    return st;
}

enum mr_status mirror_open(struct mirror **ret, const char *dir, const uint8_t ledger[32],
                           uint32_t node, struct mr_journal_report *ret_report)
{
    char path[FILE_PATH_MAX];
    struct mirror *const m = calloc(1, sizeof *m);
    *ret_report = (struct mr_journal_report){0};
    if (m == NULL)
        return MR_NO_MEMORY;
    m->journal = m->log.fd = m->bodies.fd = -1;
    m->log.family = MR_FAMILY_LOG;
    m->bodies.family = MR_FAMILY_BODIES;
    m->node = node;
    memcpy(m->ledger, ledger, sizeof m->ledger);
    enum mr_status st = path_join(m->dir, dir, ".");
    if (st == MR_OK)
        st = path_join(path, dir, "journal");
    if (st == MR_OK)
        st = dir_make(path);
    if (st == MR_OK)
        st = scan(m, path, ret_report);
    if (st == MR_OK) {
        m->journal = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        st = m->journal < 0 ? files_status(errno) : MR_OK;
    }
    if (st == MR_OK)
        st = open_part(m, &m->bodies, m->end.bodies);
    if (st == MR_OK)
        st = open_part(m, &m->log, m->end.log);
    if (st == MR_OK)
        *ret = m;
    else
        mirror_close(m);
    return st;
}

uint32_t mirror_node(const char *dir)
{
    char path[FILE_PATH_MAX];
    struct segment_list l = {0};
    struct segment_head head = {.node = 0};
    if (path_join(path, dir, "journal") != MR_OK)
        return 0;
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (segment_list_read(&l, fd, MR_FAMILY_LOG) == MR_OK && l.count > 0 &&
        segment_head_read(&head, fd, MR_FAMILY_LOG, l.at[0].first) != MR_OK)
        head.node = 0;
    segment_list_done(&l);
    close(fd);
    return head.node;
}

void mirror_close(struct mirror *m)
{
    if (m == NULL)
        return;
    if (m->log.fd >= 0)
        close(m->log.fd);
    if (m->bodies.fd >= 0)
        close(m->bodies.fd);
    if (m->journal >= 0)
        close(m->journal);
    free(m);
}

/* --- appending -------------------------------------------------------------------------------- */

static enum mr_status write_at(int fd, const uint8_t *bytes, size_t len, uint64_t offset)
{
    while (len > 0) {
        const ssize_t n = pwrite(fd, bytes, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? files_status(errno) : MR_IO_ERROR;
        bytes += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return MR_OK;
}

static enum mr_status sync_part(struct part *p)
{
    if (!p->dirty || p->fd < 0)
        return MR_OK;
    p->dirty = false;
    return fdatasync(p->fd) == 0 ? MR_OK : MR_IO_ERROR;
}

/* The open segment is left; one that holds nothing goes. */
static enum mr_status end_segment(const struct mirror *m, struct part *p, uint64_t next)
{
    char name[SEGMENT_NAME_MAX];
    const enum mr_status st = sync_part(p);
    if (p->fd < 0)
        return st;
    close(p->fd);
    p->fd = -1;
    segment_name(name, p->family, p->first);
    if (st == MR_OK && p->end == p->first && p->first != next && unlinkat(m->journal, name, 0) != 0)
        return files_status(errno);
    return st;
}

/* A segment appears under its name with its whole head. */
static enum mr_status begin_segment(struct mirror *m, struct part *p, uint64_t first)
{
    struct segment_head h = {.family = p->family, .node = m->node};
    uint8_t bytes[SEGMENT_HEAD_BYTES];
    char name[SEGMENT_NAME_MAX];
    enum mr_status st = end_segment(m, p, first);
    if (st != MR_OK)
        return st;
    memcpy(h.ledger, m->ledger, sizeof h.ledger);
    if (p->family == MR_FAMILY_LOG)
        h.before = m->end;
    else
        h.before.bodies = first;
    segment_head_encode(bytes, &h);
    const char *const spare = segment_spare_name(p->family);
    const int fd = openat(m->journal, spare, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return files_status(errno);
    segment_name(name, p->family, first);
    st = write_at(fd, bytes, sizeof bytes, 0);
    if (st == MR_OK && fsync(fd) != 0)
        st = files_status(errno);
    if (st == MR_OK && renameat(m->journal, spare, m->journal, name) != 0)
        st = files_status(errno);
    if (st == MR_OK && fsync(m->journal) != 0)
        st = MR_IO_ERROR;
    if (st != MR_OK) {
        close(fd);
        unlinkat(m->journal, spare, 0);
        return st;
    }
    p->fd = fd;
    p->first = p->end = first;
    return MR_OK;
}

static enum mr_status add(struct mirror *m, struct part *p, uint64_t at, const uint8_t *bytes,
                          size_t len)
{
    enum mr_status st = MR_OK;
    if (len == 0)
        return MR_OK;
    if (p->fd < 0 || at != p->end || (p->end > p->first && p->end - p->first + len > SEGMENT_BYTES))
        st = begin_segment(m, p, at);
    if (st == MR_OK)
        st = write_at(p->fd, bytes, len, SEGMENT_HEAD_BYTES + (at - p->first));
    if (st == MR_OK) {
        p->end = at + len;
        p->dirty = true;
    }
    return st;
}

/* Nothing of a turn that did not get in as a whole stays. */
static void take_back(struct part *p, uint64_t end)
{
    if (p->fd >= 0 && end >= p->first &&
        ftruncate(p->fd, (off_t)(SEGMENT_HEAD_BYTES + (end - p->first))) == 0)
        p->end = end;
}

bool mirror_follows(const struct mirror *m, const struct mr_audit_turn *t, const struct mr_frame *f)
{
    static const uint8_t zero[32];
    struct mr_frame log, bodies;
    if (mr_frame_read(&log, t->log, t->log_len, m->end.check) != MR_OK ||
        f->turn != m->end.turn + 1 || f->end < m->end.bodies)
        return false;
    const bool has = memcmp(f->bodies_check, zero, 32) != 0;
    if (!has)
        return f->end == m->end.bodies;
    if (t->bodies == NULL)
        return f->end > m->end.bodies;
    return mr_frame_read(&bodies, t->bodies, t->bodies_len, NULL) == MR_OK &&
           bodies.family == MR_FAMILY_BODIES && bodies.turn == f->turn && bodies.end == f->end &&
           f->end == m->end.bodies + t->bodies_len &&
           memcmp(bodies.check, f->bodies_check, 32) == 0;
}

/* Bodies first, as the node does: a whole log frame means that all of the turn is there. But a
 * journal begins with its log. */
enum mr_status mirror_append(struct mirror *m, const struct mr_audit_turn *t,
                             const struct mr_frame *f)
{
    const struct mr_journal_end end = m->end;
    enum mr_status st = m->over ? MR_IO_ERROR : MR_OK;
    if (st == MR_OK && m->log.fd < 0)
        st = begin_segment(m, &m->log, end.log);
    if (st == MR_OK)
        st = add(m, &m->bodies, end.bodies, t->bodies, t->bodies_len);
    if (st == MR_OK)
        st = add(m, &m->log, end.log, t->log, t->log_len);
    if (st != MR_OK) {
        take_back(&m->log, end.log);
        take_back(&m->bodies, end.bodies);
        m->over = st != MR_DISK_FULL;
        return st;
    }
    m->before = end;
    m->end =
        (struct mr_journal_end){.log = end.log + t->log_len, .bodies = f->end, .turn = f->turn};
    memcpy(m->end.check, f->check, sizeof m->end.check);
    m->pending += t->log_len + t->bodies_len;
    return MR_OK;
}

uint64_t mirror_pending(const struct mirror *m)
{
    return m->pending;
}

enum mr_status mirror_commit(struct mirror *m)
{
    if (m->over)
        return MR_IO_ERROR;
    if (m->pending == 0)
        return MR_OK;
    /* Behind erased bodies a segment begins, also when nothing is in it yet: what is missing in the
     * last one would be damage. */
    enum mr_status st = MR_OK;
    if (m->bodies.end != m->end.bodies)
        st = begin_segment(m, &m->bodies, m->end.bodies);
    if (st == MR_DISK_FULL)
        return st;
    if (st == MR_OK)
        st = sync_part(&m->bodies);
    if (st == MR_OK)
        st = sync_part(&m->log);
    m->over = st != MR_OK; /* a failed sync is never repeated */
    if (st == MR_OK)
        st = write_mark(m);
    if (st == MR_OK)
        m->pending = 0;
    return st;
}

const struct mr_journal_end *mirror_end(const struct mirror *m)
{
    return &m->end;
}

const struct mr_journal_end *mirror_before(const struct mirror *m)
{
    return &m->before;
}
