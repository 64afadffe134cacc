#include "storage/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mereau/assert.h"
#include "storage/files.h"
#include "wire/cursor.h"

enum { VERSION = 1, CHECK_BYTES = 32, SEGMENTS_MAX = 1 << 20, DIGITS = 16 };

static const uint8_t magic[8] = "MRSEG\r\n\x1a"; /* a text-mode copy breaks it */

uint64_t segment_first(const struct segment_head *h)
{
    return h->family == MR_FAMILY_LOG ? h->before.log : h->before.bodies;
}

static void head_check(uint8_t ret[CHECK_BYTES], const uint8_t in[SEGMENT_HEAD_BYTES])
{
    crypto_generichash(ret, CHECK_BYTES, in, SEGMENT_HEAD_BYTES - CHECK_BYTES, NULL, 0);
}

void segment_head_encode(uint8_t ret[SEGMENT_HEAD_BYTES], const struct segment_head *h)
{
    struct mri_wr w = {ret, SEGMENT_HEAD_BYTES};
    uint8_t check[CHECK_BYTES];

    mri_wr_opaque(&w, magic, sizeof magic);
    mri_wr_u32(&w, VERSION);
    mri_wr_u32(&w, (uint32_t)h->family);
    mri_wr_u32(&w, h->node);
    mri_wr_u32(&w, 0);
    mri_wr_opaque(&w, h->ledger, sizeof h->ledger);
    mri_wr_u64(&w, segment_first(h));
    mri_wr_u64(&w, h->before.turn);
    mri_wr_u64(&w, h->before.bodies);
    mri_wr_opaque(&w, h->before.check, sizeof h->before.check);
    head_check(check, ret);
    mri_wr_opaque(&w, check, sizeof check);
    mr_assert(w.left == 0);
}

enum mr_status segment_head_decode(struct segment_head *ret, const uint8_t in[SEGMENT_HEAD_BYTES])
{
    struct mri_rd r = {in, SEGMENT_HEAD_BYTES, MR_OK};
    struct segment_head h = {0};
    uint8_t read_magic[sizeof magic], check[CHECK_BYTES], is[CHECK_BYTES];

    mri_rd_opaque(&r, read_magic, sizeof read_magic);
    const uint32_t version = mri_rd_u32(&r, UINT32_MAX);
    const uint32_t family = mri_rd_u32(&r, MR_FAMILY_BODIES);
    h.node = mri_rd_u32(&r, UINT32_MAX);
    const uint32_t zero = mri_rd_u32(&r, 0);
    mri_rd_opaque(&r, h.ledger, sizeof h.ledger);
    const uint64_t first = mri_rd_u64(&r, MR_SEQ_MAX);
    h.before.turn = mri_rd_u64(&r, MR_SEQ_MAX);
    h.before.bodies = mri_rd_u64(&r, MR_SEQ_MAX);
    mri_rd_opaque(&r, h.before.check, sizeof h.before.check);
    mri_rd_opaque(&r, check, sizeof check);
    head_check(is, in);
    if (r.st != MR_OK || memcmp(check, is, sizeof is) != 0 ||
        memcmp(magic, read_magic, sizeof magic) != 0 || version != VERSION || zero != 0)
        return MR_DAMAGED;
    if (family == MR_FAMILY_LOG)
        h.before.log = first;
    else if (family != MR_FAMILY_BODIES || h.before.bodies != first)
        return MR_DAMAGED;
    h.family = family == MR_FAMILY_LOG ? MR_FAMILY_LOG : MR_FAMILY_BODIES;
    *ret = h;
    return MR_OK;
}

static const char *prefix(enum mr_stream_family family)
{
    return family == MR_FAMILY_LOG ? "log-" : "bodies-";
}

void segment_name(char ret[SEGMENT_NAME_MAX], enum mr_stream_family family, uint64_t first)
{
    snprintf(ret, SEGMENT_NAME_MAX, "%s%016llx.seg", prefix(family), (unsigned long long)first);
}

const char *segment_spare_name(enum mr_stream_family family)
{
    return family == MR_FAMILY_LOG ? "log-next------------.seg" : "bodies-next------------.seg";
}

static bool parse_name(uint64_t *ret, enum mr_stream_family family, const char *name)
{
    const char *digits = name + strlen(prefix(family));
    uint64_t v = 0;

    if (strncmp(name, prefix(family), strlen(prefix(family))) != 0)
        return false;
    for (int i = 0; i < DIGITS; i++) {
        const char *const all = "0123456789abcdef";
        const char *d = digits[i] == '\0' ? NULL : strchr(all, digits[i]);

        if (d == NULL)
            return false;
        v = v << 4 | (uint64_t)(d - all);
    }
    if (strcmp(digits + DIGITS, ".seg") != 0)
        return false;
    *ret = v;
    return true;
}

enum mr_status segment_open(int *ret_fd, int dir, enum mr_stream_family family, uint64_t first)
{
    char name[SEGMENT_NAME_MAX];

    segment_name(name, family, first);
    const int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return files_status(errno);
    *ret_fd = fd;
    return MR_OK;
}

enum mr_status segment_pread(int fd, uint8_t *ret, size_t len, uint64_t offset, size_t *ret_len)
{
    size_t got = 0;

    while (got < len) {
        const ssize_t n = pread(fd, ret + got, len - got, (off_t)(offset + got));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return MR_IO_ERROR;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *ret_len = got;
    return MR_OK;
}

enum mr_status segment_head_read(struct segment_head *ret, int dir, enum mr_stream_family family,
                                 uint64_t first)
{
    uint8_t bytes[SEGMENT_HEAD_BYTES];
    struct segment_head h;
    size_t len = 0;
    int fd = -1;
    enum mr_status st = segment_open(&fd, dir, family, first);

    if (st != MR_OK)
        return st;
    st = segment_pread(fd, bytes, sizeof bytes, 0, &len);
    close(fd);
    if (st != MR_OK)
        return st;
    if (len < sizeof bytes || segment_head_decode(&h, bytes) != MR_OK || h.family != family ||
        segment_first(&h) != first)
        return MR_DAMAGED;
    *ret = h;
    return MR_OK;
}

enum mr_status segment_list_add(struct segment_list *l, struct segment s)
{
    if (l->count == l->cap) {
        const size_t cap = l->cap == 0 ? 16 : l->cap * 2;
        struct segment *at = realloc(l->at, cap * sizeof *at);

        if (at == NULL || cap > SEGMENTS_MAX) {
            l->at = at == NULL ? l->at : at;
            return MR_NO_MEMORY;
        }
        l->at = at;
        l->cap = cap;
    }
    l->at[l->count++] = s;
    return MR_OK;
}

void segment_list_done(struct segment_list *l)
{
    free(l->at);
    *l = (struct segment_list){0};
}

static int by_first(const void *a, const void *b)
{
    const struct segment *x = a, *y = b;

    return (x->first > y->first) - (x->first < y->first);
}

enum mr_status segment_list_read(struct segment_list *ret, int dir, enum mr_stream_family family)
{
    struct segment_list l = {0};
    enum mr_status st = MR_OK;
    struct dirent *e;
    /* A descriptor of its own: fdopendir takes it, and its place in the directory with it. */
    const int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);

    if (d == NULL) {
        if (fd >= 0)
            close(fd);
        return MR_IO_ERROR;
    }
    while (st == MR_OK && (errno = 0, e = readdir(d)) != NULL) {
        struct segment s = {0};
        struct stat about;

        if (!parse_name(&s.first, family, e->d_name))
            continue;
        if (fstatat(dir, e->d_name, &about, 0) != 0) {
            st = errno == ENOENT ? MR_OK : MR_IO_ERROR; /* erased meanwhile */
            continue;
        }
        if (about.st_size > SEGMENT_HEAD_BYTES)
            s.bytes = (uint64_t)about.st_size - SEGMENT_HEAD_BYTES;
        st = segment_list_add(&l, s);
    }
    if (st == MR_OK && errno != 0)
        st = MR_IO_ERROR;
    closedir(d);
    if (st != MR_OK) {
        segment_list_done(&l);
        return st;
    }
    if (l.count > 0)
        qsort(l.at, l.count, sizeof *l.at, by_first);
    *ret = l;
    return MR_OK;
}

size_t segment_list_find(const struct segment_list *l, uint64_t position)
{
    size_t low = 0, high = l->count;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;

        if (l->at[mid].first <= position)
            low = mid + 1;
        else
            high = mid;
    }
    return low == 0 ? SIZE_MAX : low - 1;
}
