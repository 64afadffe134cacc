/* Rows in a directory: a file a column, and `head`, which says how much of them counts, with a hash
 * of each block of a column. Who extends them checks what it goes on from, whoever reads them all.
 */
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
    REDEMPTION_BYTES = 4 + 4 + 8 + 8 + 4,
    HEAD_FIXED = 6 + 2 + 32 + POINT_BYTES + 2 + ROWS_COLUMNS * 8,
    HEAD_BYTES_MAX = 256 << 20,
    BLOCK = 1 << 20,
};

/* --- head ------------------------------------------------------------------------------------- */

struct cursor {
    uint8_t *at;
    size_t left;
};

static void put(struct cursor *c, const void *bytes, size_t n)
{
    if (n > 0) /* of an empty column there is nothing, not even a place */
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

static size_t blocks_of(size_t bytes)
{
    return (bytes + BLOCK - 1) / BLOCK;
}

static void redemption_fields(struct cursor *c, struct open_redemption *o,
                              void (*field)(struct cursor *, void *, size_t))
{
    field(c, &o->account, 4);
    field(c, &o->association, 4);
    field(c, &o->seq, 8);
    field(c, &o->amount, 8);
    field(c, &o->order, 4);
}

static void put_redemptions(struct cursor *c, const struct rows *r)
{
    const uint32_t count = (uint32_t)r->open_count;
    put(c, &count, 4);
    for (uint32_t i = 0; i < count; i++) {
        struct open_redemption o = r->open[i];
        redemption_fields(c, &o, put_field);
    }
}

static size_t head_size(const struct rows *r, size_t charter)
{
    size_t blocks = 0;
    for (enum rows_column k = 0; k < ROWS_COLUMNS; k++)
        blocks += blocks_of(bytes_of(r, k));
    return HEAD_FIXED + blocks * 32 + 4 + r->open_count * REDEMPTION_BYTES + 4 + charter + 32;
}

static enum mr_status write_head(struct rows *r)
{
    char path[FILE_PATH_MAX];
    const uint16_t version = ROWS_VERSION, columns = ROWS_COLUMNS;
    const uint32_t len = (uint32_t)mr_charter_size(r->charter);
    const size_t size = head_size(r, len);
    uint8_t *const bytes = size > HEAD_BYTES_MAX ? NULL : malloc(size);
    if (bytes == NULL || path_join(path, r->dir, "head") != MR_OK) {
        free(bytes);
        return size > HEAD_BYTES_MAX ? MR_TOO_LARGE : MR_NO_MEMORY;
    }
    struct cursor c = {bytes, size};
    put(&c, HEAD_MAGIC, 6);
    put(&c, &version, 2);
    put(&c, r->ledger, 32);
    struct mr_stats_point point = r->point;
    point_fields(&c, &point, put_field);
    put(&c, &columns, 2);
    for (enum rows_column k = 0; k < ROWS_COLUMNS; k++) {
        const uint64_t rows = r->counts[rows_table_of(k)];
        put(&c, &rows, 8);
        put(&c, r->columns[k].hashes, blocks_of(bytes_of(r, k)) * 32);
    }
    put_redemptions(&c, r);
    put(&c, &len, 4);
    mr_charter_encode(r->charter, c.at, len);
    crypto_generichash(bytes + size - 32, 32, bytes, size - 32, NULL, 0);
    const enum mr_status st = file_write(path, bytes, size, 0600, true);
    free(bytes);
    return st;
}

static bool head_is_whole(const uint8_t *bytes, size_t len)
{
    uint8_t hash[32];
    uint16_t version;
    if (len < HEAD_FIXED + 4 + 4 + 32 || memcmp(bytes, HEAD_MAGIC, 6) != 0)
        return false;
    memcpy(&version, bytes + 6, 2);
    crypto_generichash(hash, 32, bytes, len - 32, NULL, 0);
    return version == ROWS_VERSION && memcmp(hash, bytes + len - 32, 32) == 0;
}

static enum mr_status parse_column(struct rows *r, enum rows_column k, struct cursor *c)
{
    struct column *const column = &r->columns[k];
    uint64_t rows;
    if (c->left < 8)
        return MR_DAMAGED;
    get(c, &rows, 8);
    const enum rows_table t = rows_table_of(k);
    const bool is_first = k == 0 || rows_table_of(k - 1) != t;
    if (rows >= UINT32_MAX || (!is_first && rows != r->counts[t]))
        return MR_DAMAGED; /* the columns of a table are equally long */
    r->counts[t] = r->first[t] = (size_t)rows;
    const size_t n = blocks_of(bytes_of(r, k)) * 32;
    if (c->left < n)
        return MR_DAMAGED;
    column->hashes = malloc(n + 1);
    if (column->hashes == NULL)
        return MR_NO_MEMORY;
    get(c, column->hashes, n);
    column->hashes_cap = n;
    return MR_OK;
}

static enum mr_status parse_redemptions(struct rows *r, struct cursor *c)
{
    uint32_t count;
    if (c->left < 4)
        return MR_DAMAGED;
    get(c, &count, 4);
    if (count > c->left / REDEMPTION_BYTES)
        return MR_DAMAGED;
    r->open = malloc((size_t)count * sizeof *r->open + 1);
    if (r->open == NULL)
        return MR_NO_MEMORY;
    r->open_count = r->open_cap = count;
    for (uint32_t i = 0; i < count; i++)
        redemption_fields(c, &r->open[i], (void (*)(struct cursor *, void *, size_t))get);
    return MR_OK;
}

static enum mr_status parse_head(struct rows *r, uint8_t *bytes, size_t len)
{
    struct cursor c = {bytes + 8, len - 8 - 32};
    uint16_t columns;
    uint32_t charter;
    get(&c, r->ledger, 32);
    point_fields(&c, &r->point, (void (*)(struct cursor *, void *, size_t))get);
    memcpy(r->point.ledger, r->ledger, 32);
    get(&c, &columns, 2);
    enum mr_status st = columns == ROWS_COLUMNS ? MR_OK : MR_DAMAGED;
    for (enum rows_column k = 0; st == MR_OK && k < ROWS_COLUMNS; k++)
        st = parse_column(r, k, &c);
    if (st == MR_OK)
        st = parse_redemptions(r, &c);
    if (st != MR_OK || c.left < 4)
        return st == MR_OK ? MR_DAMAGED : st;
    get(&c, &charter, 4);
    if (charter != c.left)
        return MR_DAMAGED;
    return mr_charter_decode(r->charter, c.at, charter) == MR_OK ? MR_OK : MR_DAMAGED;
}

/* False: there is none, so there are no rows. */
static bool read_head(struct rows *r)
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
        st = head_is_whole(bytes, len) ? parse_head(r, bytes, len) : MR_DAMAGED;
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

/* Accounts are read again by who extends the rows, and the last block of a column goes on. */
static size_t checked_from(const struct rows *r, enum rows_column c, bool extend)
{
    const size_t bytes = bytes_of(r, c);
    return extend && rows_table_of(c) != ROWS_ACCOUNTS && bytes > 0 ? blocks_of(bytes) - 1 : 0;
}

/* Maps what was committed and compares blocks of it with the head; the last one is hashed on. */
static enum mr_status map_column(struct rows *r, enum rows_column c, bool extend)
{
    struct column *const k = &r->columns[c];
    struct stat info;
    k->committed = bytes_of(r, c);
    if (fstat(k->fd, &info) != 0)
        return file_status(errno);
    if ((uint64_t)info.st_size < k->committed)
        return MR_DAMAGED;
    if (k->committed == 0)
        return MR_OK;
    void *const at = mmap(NULL, k->committed, PROT_READ, MAP_SHARED, k->fd, 0);
    if (at == MAP_FAILED)
        return file_status(errno);
    k->mapped = at;
    enum mr_status st = MR_OK;
    for (size_t i = checked_from(r, c, extend); st == MR_OK && i < blocks_of(k->committed); i++) {
        const size_t done = i * BLOCK, left = k->committed - done;
        uint8_t found[32];
        crypto_generichash_init(&k->hash, NULL, 0, MR_HASH_BYTES);
        crypto_generichash_update(&k->hash, k->mapped + done, left < BLOCK ? left : BLOCK);
        crypto_generichash_state now = k->hash;
        crypto_generichash_final(&now, found, 32);
        st = memcmp(found, k->hashes + i * 32, 32) == 0 ? MR_OK : MR_DAMAGED;
    }
    madvise(k->mapped, k->committed, MADV_DONTNEED); /* it comes back when it is looked at */
    return st;
}

enum mr_status rows_open_files(struct rows *r, bool extend)
{
    enum mr_status st = extend ? dir_make(r->dir) : MR_OK;
    if (st != MR_OK) {
        rows_fail(r, st, "%s: %s", r->dir, mr_status_text(st));
        return r->status;
    }
    const bool there = read_head(r);
    if (!there && !extend)
        rows_fail(r, MR_NO_SUCH_FILE, "%s: there are no rows", r->dir);
    for (enum rows_column c = 0; r->status == MR_OK && c < ROWS_COLUMNS; c++) {
        char name[64];
        st = open_column(r, c, extend);
        if (st == MR_OK && there)
            st = map_column(r, c, extend);
        rows_file_name(name, c);
        if (st != MR_OK)
            rows_fail(r, st, "%s/%s: %s", r->dir, name,
                      st == MR_DAMAGED ? "not what the head says" : mr_status_text(st));
    }
    if (r->status == MR_OK && there)
        rows_check(r, extend);
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

/* The hashes of the blocks that the rows in memory fill or go on with. */
static enum mr_status hash_blocks(struct column *k)
{
    const size_t end = k->committed + k->len, need = blocks_of(end) * 32;
    if (need > k->hashes_cap) {
        uint8_t *const wider = realloc(k->hashes, need * 2);
        if (wider == NULL)
            return MR_NO_MEMORY;
        k->hashes = wider;
        k->hashes_cap = need * 2;
    }
    for (size_t done = k->committed; done < end;) {
        const size_t room = BLOCK - done % BLOCK, n = end - done < room ? end - done : room;
        if (done % BLOCK == 0)
            crypto_generichash_init(&k->hash, NULL, 0, MR_HASH_BYTES);
        crypto_generichash_update(&k->hash, k->bytes + (done - k->committed), n);
        crypto_generichash_state now = k->hash;
        crypto_generichash_final(&now, k->hashes + done / BLOCK * 32, 32);
        done += n;
    }
    return MR_OK;
}

/* What was committed is mapped anew: readers of cells look there. */
static enum mr_status take_over(struct column *k)
{
    if (k->len == 0)
        return MR_OK;
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
    for (size_t c = 0; st == MR_OK && c < ROWS_COLUMNS; c++)
        st = hash_blocks(&r->columns[c]);
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
        free(r->columns[c].hashes);
    }
}
