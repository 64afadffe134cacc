#include "storage/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "mereau/assert.h"
#include "storage/files.h"

enum { ZERO_BLOCK = 1 << 16 };

static uint64_t system_available(int dir)
{
    struct statvfs about;

    if (fstatvfs(dir, &about) != 0)
        return 0;
    return (uint64_t)about.f_bavail * about.f_frsize;
}

const struct mr_journal_file_ops writer_system_ops = {
    .pwrite = pwrite,
    .fdatasync = fdatasync,
    .fallocate = fallocate,
    .available = system_available,
};

void writer_init(struct writer *w, const struct mr_journal_file_ops *ops, int dir,
                 enum mr_stream_family family)
{
    *w = (struct writer){.ops = ops, .dir = dir, .family = family, .fd = -1, .spare_fd = -1};
}

static size_t used(const struct writer *w)
{
    return (size_t)(w->end - w->first);
}

size_t writer_room(const struct writer *w)
{
    const size_t left = w->fd < 0 ? 0 : w->cap - used(w);
    const size_t spare = w->spare_fd < 0 ? 0 : w->spare_cap;

    return left > spare ? left : spare;
}

bool writer_fits(const struct writer *w, size_t len)
{
    return w->fd >= 0 && len <= w->cap - used(w);
}

static enum mr_status write_all(const struct writer *w, int fd, const uint8_t *bytes, size_t len,
                                uint64_t offset)
{
    while (len > 0) {
        const ssize_t n = w->ops->pwrite(fd, bytes, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? files_status(errno) : MR_IO_ERROR;
        bytes += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return MR_OK;
}

/* Where the file system cannot allocate, zeros are written. */
static enum mr_status allocate(const struct writer *w, int fd, size_t bytes)
{
    static const uint8_t zeros[ZERO_BLOCK];
    int rc;

    do {
        rc = w->ops->fallocate(fd, 0, 0, (off_t)bytes);
    } while (rc != 0 && errno == EINTR);
    if (rc == 0)
        return MR_OK;
    if (errno != EOPNOTSUPP)
        return files_status(errno);
    for (size_t at = 0; at < bytes; at += ZERO_BLOCK) {
        const size_t n = bytes - at < ZERO_BLOCK ? bytes - at : ZERO_BLOCK;
        const enum mr_status st = write_all(w, fd, zeros, n, at);

        if (st != MR_OK)
            return st;
    }
    return MR_OK;
}

static void drop_spare(struct writer *w)
{
    if (w->spare_fd < 0)
        return;
    close(w->spare_fd);
    w->spare_fd = -1;
    unlinkat(w->dir, segment_spare_name(w->family), 0);
}

enum mr_status writer_prepare(struct writer *w, size_t cap)
{
    if (w->spare_fd >= 0 && w->spare_cap >= cap)
        return MR_OK;
    drop_spare(w);
    /* One that an earlier process left may be a file that failed: it is not used again. */
    if (unlinkat(w->dir, segment_spare_name(w->family), 0) != 0 && errno != ENOENT)
        return files_status(errno);
    w->spare_fd =
        openat(w->dir, segment_spare_name(w->family), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (w->spare_fd < 0)
        return files_status(errno);
    w->spare_cap = cap;
    const enum mr_status st = allocate(w, w->spare_fd, SEGMENT_HEAD_BYTES + cap);
    if (st != MR_OK)
        drop_spare(w);
    return st;
}

static enum mr_status sync_file(const struct writer *w, int fd)
{
    return w->ops->fdatasync(fd) == 0 ? MR_OK : MR_IO_ERROR;
}

enum mr_status writer_begin(struct writer *w, const struct segment_head *head, const uint8_t *bytes,
                            size_t len)
{
    uint8_t encoded[SEGMENT_HEAD_BYTES];
    char name[SEGMENT_NAME_MAX];

    mr_assert(w->spare_fd >= 0);
    mr_assert(len <= w->spare_cap);
    if (w->fd >= 0)
        close(w->fd);
    w->fd = w->spare_fd;
    w->cap = w->spare_cap;
    w->first = segment_first(head);
    w->end = w->first + len;
    w->spare_fd = -1;
    segment_head_encode(encoded, head);
    segment_name(name, w->family, w->first);
    if (write_all(w, w->fd, encoded, sizeof encoded, 0) != MR_OK ||
        write_all(w, w->fd, bytes, len, SEGMENT_HEAD_BYTES) != MR_OK ||
        sync_file(w, w->fd) != MR_OK ||
        renameat(w->dir, segment_spare_name(w->family), w->dir, name) != 0 || fsync(w->dir) != 0)
        return MR_IO_ERROR;
    return MR_OK;
}

enum mr_status writer_finish(struct writer *w)
{
    enum mr_status st = MR_OK;

    if (ftruncate(w->fd, (off_t)(SEGMENT_HEAD_BYTES + used(w))) != 0 || fsync(w->fd) != 0)
        st = MR_IO_ERROR;
    close(w->fd);
    w->fd = -1;
    return st;
}

enum mr_status writer_append(struct writer *w, const uint8_t *bytes, size_t len)
{
    mr_assert(writer_fits(w, len));
    if (write_all(w, w->fd, bytes, len, SEGMENT_HEAD_BYTES + used(w)) != MR_OK ||
        sync_file(w, w->fd) != MR_OK)
        return MR_IO_ERROR;
    w->end += len;
    return MR_OK;
}

void writer_done(struct writer *w)
{
    drop_spare(w);
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

enum mr_status writer_cut(const struct writer *w, uint64_t first, uint64_t bytes)
{
    char name[SEGMENT_NAME_MAX];
    enum mr_status st = MR_OK;

    segment_name(name, w->family, first);
    const int fd = openat(w->dir, name, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return files_status(errno);
    if (ftruncate(fd, (off_t)(SEGMENT_HEAD_BYTES + bytes)) != 0 || fsync(fd) != 0)
        st = MR_IO_ERROR;
    close(fd);
    return st;
}
