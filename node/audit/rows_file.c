/* Rows in a directory: a file a column, and `head`, which says how much of them counts. */
#include "audit/rows_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mereau/codec.h"

#define HEAD_MAGIC "MRROWS"
enum {
    POINT_BYTES = 8 + 1 + 32 + 4 + 4 + 8 + 8 + 32 + 8,
    HEAD_FIXED = 6 + 2 + 32 + POINT_BYTES + 2 + ROWS_COLUMNS * (8 + 32) + 4,
    HEAD_BYTES_MAX = HEAD_FIXED + (1 << 20) + 32,
    READ_AHEAD = 1 << 22,
};

/* --- head ------------------------------------------------------------------------------------- */

struct cursor {
    uint8_t *at;
    size_t left;
};

static void put(struct cursor *c, const void *bytes, size_t n)
{
    memcpy(c->at, bytes, n);
    c->at += n;
    c->left -= n;
}

static void get(struct cursor *c, void *ret, size_t n)
{
    memcpy(ret, c->at, n);
    c->at += n;
    c->left -= n;
}

/* The same list of fields, written and read. */
static void point_fields(struct cursor *c, struct mr_stats_point *p,
                         void (*field)(struct cursor *, void *, size_t))
{
    uint8_t has_state = p->has_state ? 1 : 0;
    field(c, &p->settled, 8);
    field(c, &has_state, 1);
    field(c, p->state, 32);
    field(c, &p->node, 4);
    field(c, &p->epoch, 4);
    field(c, &p->turn, 8);
    field(c, &p->log_size, 8);
    field(c, p->log_root, 32);
    field(c, &p->time_ms, 8);
    p->has_state = has_state == 1;
}

static void put_field(struct cursor *c, void *value, size_t n)
{
    put(c, value, n);
}

static size_t bytes_of(const struct rows *r, enum rows_column c)
{
    return r->counts[rows_table_of(c)] * rows_width(c);
}

/* The hash behind what is committed and what stands in memory. */
static void whole_hash(const struct rows *r, enum rows_column c, uint8_t ret[32])
{
    crypto_generichash_state hash = r->columns[c].hash;
    crypto_generichash_update(&hash, r->columns[c].bytes, r->columns[c].len);
    crypto_generichash_final(&hash, ret, 32);
}

static enum mr_status write_head(struct rows *r)
{
    char path[FILE_PATH_MAX];
    const uint16_t version = ROWS_VERSION, columns = ROWS_COLUMNS;
    const uint32_t len = (uint32_t)mr_charter_size(r->charter);
    uint8_t *const bytes = malloc((size_t)HEAD_FIXED + len + 32);
    if (bytes == NULL || path_join(path, r->dir, "head") != MR_OK) {
        free(bytes);
        return MR_NO_MEMORY;
    }
    struct cursor c = {bytes, (size_t)HEAD_FIXED + len + 32};
    put(&c, HEAD_MAGIC, 6);
    put(&c, &version, 2);
    put(&c, r->ledger, 32);
    struct mr_stats_point point = r->point;
    point_fields(&c, &point, put_field);
    put(&c, &columns, 2);
    for (enum rows_column k = 0; k < ROWS_COLUMNS; k++) {
        uint8_t hash[32];
        const uint64_t rows = r->counts[rows_table_of(k)];
        whole_hash(r, k, hash);
        put(&c, &rows, 8);
        put(&c, hash, 32);
    }
    put(&c, &len, 4);
    mr_charter_encode(r->charter, c.at, len);
    crypto_generichash(c.at + len, 32, bytes, (size_t)HEAD_FIXED + len, NULL, 0);
    const enum mr_status st = file_write(path, bytes, (size_t)HEAD_FIXED + len + 32, 0600, true);
    free(bytes);
    return st;
}

static bool head_is_whole(const uint8_t *bytes, size_t len)
{
    uint8_t hash[32];
    uint16_t version;
    if (len < HEAD_FIXED + 32 || memcmp(bytes, HEAD_MAGIC, 6) != 0)
        return false;
    memcpy(&version, bytes + 6, 2);
    crypto_generichash(hash, 32, bytes, len - 32, NULL, 0);
    return version == ROWS_VERSION && memcmp(hash, bytes + len - 32, 32) == 0;
}

static enum mr_status parse_head(struct rows *r, uint8_t *bytes, size_t len,
                                 uint8_t hashes[ROWS_COLUMNS][32])
{
    struct cursor c = {bytes + 8, len - 8 - 32};
    uint16_t columns;
    uint32_t charter;
    get(&c, r->ledger, 32);
    point_fields(&c, &r->point, (void (*)(struct cursor *, void *, size_t))get);
    memcpy(r->point.ledger, r->ledger, 32);
    get(&c, &columns, 2);
    if (columns != ROWS_COLUMNS)
        return MR_DAMAGED;
    for (enum rows_column k = 0; k < ROWS_COLUMNS; k++) {
        uint64_t rows;
        get(&c, &rows, 8);
        get(&c, hashes[k], 32);
        if (rows > UINT32_MAX)
            return MR_DAMAGED;
        r->counts[rows_table_of(k)] = r->first[rows_table_of(k)] = (size_t)rows;
    }
    get(&c, &charter, 4);
    if (charter != c.left)
        return MR_DAMAGED;
    return mr_charter_decode(r->charter, c.at, charter) == MR_OK ? MR_OK : MR_DAMAGED;
}

/* False: there is none, so there are no rows. */
static bool read_head(struct rows *r, uint8_t hashes[ROWS_COLUMNS][32])
{
    char path[FILE_PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum mr_status st = path_join(path, r->dir, "head");
    if (st == MR_OK)
        st = file_read(&bytes, &len, path, HEAD_BYTES_MAX);
    if (st == MR_NO_SUCH_FILE)
        return false;
    if (st == MR_OK)
        st = head_is_whole(bytes, len) ? parse_head(r, bytes, len, hashes) : MR_DAMAGED;
    if (st != MR_OK)
        rows_fail(r, st, "%s: %s", path,
                  st == MR_DAMAGED ? "damaged, or of another version" : mr_status_text(st));
    free(bytes);
    return true;
}

/* --- columns ---------------------------------------------------------------------------------- */

static enum mr_status open_column(struct rows *r, enum rows_column c, bool extend)
{
    char name[64], path[FILE_PATH_MAX];
    struct column *const k = &r->columns[c];
    rows_file_name(name, c);
    if (path_join(path, r->dir, name) != MR_OK)
        return MR_TOO_LARGE;
    k->fd = open(path, (extend ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC, 0600);
    return k->fd < 0 ? file_status(errno) : MR_OK;
}

/* Maps what was committed and compares it with the head, a piece at a time. */
static enum mr_status map_column(struct rows *r, enum rows_column c, const uint8_t hash[32])
{
    struct column *const k = &r->columns[c];
    struct stat info;
    uint8_t found[32];
    k->committed = bytes_of(r, c);
    if (fstat(k->fd, &info) != 0)
        return file_status(errno);
    if ((uint64_t)info.st_size < k->committed)
        return MR_DAMAGED;
    if (k->committed > 0) {
        void *const at = mmap(NULL, k->committed, PROT_READ, MAP_SHARED, k->fd, 0);
        if (at == MAP_FAILED)
            return file_status(errno);
        k->mapped = at;
    }
    for (size_t done = 0; done < k->committed; done += READ_AHEAD) {
        const size_t n = k->committed - done < READ_AHEAD ? k->committed - done : READ_AHEAD;
        crypto_generichash_update(&k->hash, k->mapped + done, n);
    }
    if (k->mapped != NULL)
        madvise(k->mapped, k->committed, MADV_DONTNEED); /* it comes back when it is looked at */
    crypto_generichash_state hash_now = k->hash;
    crypto_generichash_final(&hash_now, found, 32);
    return memcmp(found, hash, 32) == 0 ? MR_OK : MR_DAMAGED;
}

enum mr_status rows_open_files(struct rows *r, bool extend)
{
    static uint8_t hashes[ROWS_COLUMNS][32];
    enum mr_status st = extend ? dir_make(r->dir) : MR_OK;
    if (st != MR_OK) {
        rows_fail(r, st, "%s: %s", r->dir, mr_status_text(st));
        return r->status;
    }
    const bool there = read_head(r, hashes);
    if (!there && !extend)
        rows_fail(r, MR_NO_SUCH_FILE, "%s: there are no rows", r->dir);
    for (enum rows_column c = 0; r->status == MR_OK && c < ROWS_COLUMNS; c++) {
        char name[64];
        st = open_column(r, c, extend);
        if (st == MR_OK && there)
            st = map_column(r, c, hashes[c]);
        rows_file_name(name, c);
        if (st != MR_OK)
            rows_fail(r, st, "%s/%s: %s", r->dir, name,
                      st == MR_DAMAGED ? "not what the head says" : mr_status_text(st));
    }
    return r->status;
}

/* --- commit ----------------------------------------------------------------------------------- */

static enum mr_status append(struct column *k)
{
    if (k->len == 0)
        return MR_OK;
    if (lseek(k->fd, (off_t)k->committed, SEEK_SET) < 0)
        return file_status(errno);
    const enum mr_status st = file_write_all(k->fd, k->bytes, k->len);
    if (st != MR_OK)
        return st;
    return fdatasync(k->fd) == 0 ? MR_OK : file_status(errno);
}

/* What was committed is mapped anew: readers of cells look there. */
static enum mr_status take_over(struct column *k)
{
    if (k->len == 0)
        return MR_OK;
    crypto_generichash_update(&k->hash, k->bytes, k->len);
    if (k->mapped != NULL)
        munmap(k->mapped, k->committed);
    k->mapped = NULL;
    k->committed += k->len;
    k->len = 0;
    void *const at = mmap(NULL, k->committed, PROT_READ, MAP_SHARED, k->fd, 0);
    if (at == MAP_FAILED)
        return file_status(errno);
    k->mapped = at;
    return MR_OK;
}

enum mr_status rows_write_files(struct rows *r)
{
    enum mr_status st = MR_OK;
    for (size_t c = 0; st == MR_OK && c < ROWS_COLUMNS; c++)
        st = append(&r->columns[c]);
    if (st == MR_OK)
        st = dir_sync(r->dir);
    if (st == MR_OK)
        st = write_head(r);
    for (size_t c = 0; st == MR_OK && c < ROWS_COLUMNS; c++)
        st = take_over(&r->columns[c]);
    if (st != MR_OK)
        rows_fail(r, st, "%s: %s", r->dir, mr_status_text(st));
    for (size_t t = 0; st == MR_OK && t < ROWS_TABLES; t++)
        r->first[t] = r->counts[t];
    return r->status;
}

void rows_close_files(struct rows *r)
{
    for (size_t c = 0; c < ROWS_COLUMNS; c++) {
        if (r->columns[c].mapped != NULL)
            munmap(r->columns[c].mapped, r->columns[c].committed);
        if (r->columns[c].fd >= 0)
            close(r->columns[c].fd);
    }
}
