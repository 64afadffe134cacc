#include "storage/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mereau/assert.h"
#include "storage/files.h"
#include "storage/value.h"

enum { OPEN_MAX = 64, FULL_PROBE_BYTES = 1 << 20 };

static const size_t map_bytes_default = (size_t)64 << 30;
static const size_t map_bytes_most = (size_t)1 << 46;

static const char *const table_names[MR_TABLES] = {
    [MR_TABLE_META] = "meta",
    [MR_TABLE_ACCOUNT_NO] = "account_no",
    [MR_TABLE_ACCOUNT] = "account",
    [MR_TABLE_HOT] = "hot",
    [MR_TABLE_SLOT] = "slot",
    [MR_TABLE_CREDIT] = "credit",
    [MR_TABLE_OPEN] = "open",
    [MR_TABLE_BANK] = "bank",
    [MR_TABLE_REDEMPTION] = "redemption",
    [MR_TABLE_REDEMPTION_NO] = "redemption_no",
    [MR_TABLE_LISTING] = "listing",
    [MR_TABLE_ALIAS] = "alias",
    [MR_TABLE_LISTING_OF] = "listing_of",
    [MR_TABLE_POLICY] = "policy",
    [MR_TABLE_CHECKPOINT] = "checkpoint",
    [MR_TABLE_TILE] = "tile",
    [MR_TABLE_PEER] = "peer",
    [MR_TABLE_LEAF] = "leaf",
    [MR_TABLE_EVIDENCE] = "evidence",
    [MR_TABLE_SHOWN] = "shown",
    [MR_TABLE_ANEW] = "anew",
};

struct store_lmdb {
    struct mr_store base;
    MDB_env *env;
    MDB_dbi dbi[MR_TABLES];
    MDB_txn *reader; /* of the loop; renewed by refresh */
    /* Held shared while a transaction reads, exclusive while the map is replaced under all. */
    pthread_rwlock_t gate;
    size_t map_bytes;
    bool read_only;
    atomic_bool dead; /* a write failed: nothing is read or written any more */
    dev_t device;
    ino_t inode;
    char dir[FILES_PATH_MAX];
};

/* LMDB breaks its own locks when one process opens a file twice: who is open already. */
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    dev_t device;
    ino_t inode;
} open_dirs[OPEN_MAX];
static size_t open_count;

static enum mr_status claim(struct store_lmdb *s)
{
    struct stat about;
    enum mr_status st = MR_OK;

    if (stat(s->dir, &about) != 0)
        return files_status(errno);
    pthread_mutex_lock(&open_lock);
    for (size_t i = 0; i < open_count; i++)
        if (open_dirs[i].device == about.st_dev && open_dirs[i].inode == about.st_ino)
            st = MR_IN_USE;
    if (st == MR_OK && open_count == OPEN_MAX)
        st = MR_FULL;
    if (st == MR_OK) {
        open_dirs[open_count].device = s->device = about.st_dev;
        open_dirs[open_count++].inode = s->inode = about.st_ino;
    }
    pthread_mutex_unlock(&open_lock);
    return st;
}

static void release(const struct store_lmdb *s)
{
    pthread_mutex_lock(&open_lock);
    for (size_t i = 0; i < open_count; i++)
        if (open_dirs[i].device == s->device && open_dirs[i].inode == s->inode) {
            open_dirs[i] = open_dirs[--open_count];
            break;
        }
    pthread_mutex_unlock(&open_lock);
}

static struct store_lmdb *self(struct mr_store *s)
{
    return (struct store_lmdb *)s;
}

const char *store_table_name(enum mr_table table)
{
    mr_assert(table < MR_TABLES);
    return table_names[table];
}

static enum mr_status from_mdb(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return MR_OK;
    case MDB_NOTFOUND:
        return MR_NOT_FOUND;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
        return MR_DAMAGED;
    default:
        return rc > 0 ? files_status(rc) : MR_IO_ERROR;
    }
}

/* LMDB reports a short write as EIO. Short writes come from a full disk; a broken one says EIO too.
 * Whether the disk is full can be asked. */
static bool disk_is_full(const struct store_lmdb *s)
{
    const int fd = open(s->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    bool full;

    if (fd < 0)
        return files_status(errno) == MR_DISK_FULL;
    full = fallocate(fd, 0, 0, FULL_PROBE_BYTES) != 0 && files_status(errno) == MR_DISK_FULL;
    close(fd);
    return full;
}

static enum mr_status from_write(const struct store_lmdb *s, int rc)
{
    return rc == EIO && disk_is_full(s) ? MR_DISK_FULL : from_mdb(rc);
}

static MDB_val val(const uint8_t *bytes, size_t len)
{
    /* LMDB's struct is not const; it does not write to what mdb_put and mdb_get are given. */
    union {
        const uint8_t *in;
        void *out;
    } p = {.in = bytes};

    return (MDB_val){.mv_size = len, .mv_data = p.out};
}

static enum mr_status get_with(struct store_lmdb *s, MDB_txn *reader, enum mr_table table,
                               const uint8_t *key, size_t key_len, uint8_t *ret, size_t cap,
                               size_t *ret_len)
{
    MDB_val k = val(key, key_len), v;
    size_t len = 0;

    mr_assert(table < MR_TABLES);
    mr_assert(key_len >= 1 && key_len <= MR_STORE_KEY_MAX);
    pthread_rwlock_rdlock(&s->gate);
    enum mr_status st = s->dead ? MR_IO_ERROR : MR_OK;
    if (st == MR_OK)
        st = from_mdb(mdb_get(reader, s->dbi[table], &k, &v));
    if (st == MR_OK)
        st = value_open(&len, table, key, key_len, v.mv_data, v.mv_size);
    if (st == MR_OK && len > cap)
        st = MR_DAMAGED;
    if (st == MR_OK) {
        memcpy(ret, v.mv_data, len);
        *ret_len = len;
    }
    pthread_rwlock_unlock(&s->gate);
    return st;
}

static enum mr_status walk_cursor(MDB_cursor *c, enum mr_table table, const uint8_t *from,
                                  size_t from_len, mr_store_each each, void *ctx)
{
    MDB_val k = val(from, from_len), v;
    int rc = mdb_cursor_get(c, &k, &v, from == NULL ? MDB_FIRST : MDB_SET_RANGE);

    for (; rc == MDB_SUCCESS; rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
        size_t len;
        const enum mr_status st =
            value_open(&len, table, k.mv_data, k.mv_size, v.mv_data, v.mv_size);

        if (st != MR_OK)
            return st;
        if (!each(ctx, k.mv_data, k.mv_size, v.mv_data, len))
            return MR_OK;
    }
    return rc == MDB_NOTFOUND ? MR_OK : from_mdb(rc);
}

static enum mr_status walk_with(struct store_lmdb *s, MDB_txn *reader, enum mr_table table,
                                const uint8_t *from, size_t from_len, mr_store_each each, void *ctx)
{
    MDB_cursor *c = NULL;

    mr_assert(table < MR_TABLES);
    pthread_rwlock_rdlock(&s->gate);
    enum mr_status st = s->dead ? MR_IO_ERROR : MR_OK;
    if (st == MR_OK)
        st = from_mdb(mdb_cursor_open(reader, s->dbi[table], &c));
    if (st == MR_OK) {
        st = walk_cursor(c, table, from, from_len, each, ctx);
        mdb_cursor_close(c);
    }
    pthread_rwlock_unlock(&s->gate);
    return st;
}

static enum mr_status store_get(struct mr_store *base, enum mr_table table, const uint8_t *key,
                                size_t key_len, uint8_t *ret, size_t cap, size_t *ret_len)
{
    struct store_lmdb *s = self(base);
    return get_with(s, s->reader, table, key, key_len, ret, cap, ret_len);
}

static enum mr_status store_walk(struct mr_store *base, enum mr_table table, const uint8_t *from,
                                 size_t from_len, mr_store_each each, void *ctx)
{
    struct store_lmdb *s = self(base);
    return walk_with(s, s->reader, table, from, from_len, each, ctx);
}

static int put_one(struct store_lmdb *s, MDB_txn *txn, const struct mr_put *p)
{
    MDB_val k = val(p->key, p->key_len);
    MDB_val v = {.mv_size = p->value_len + VALUE_CHECK_BYTES};
    int rc;

    mr_assert(p->table < MR_TABLES);
    mr_assert(p->key_len >= 1 && p->key_len <= MR_STORE_KEY_MAX);
    mr_assert(p->value_len <= MR_STORE_VALUE_MAX);
    if (p->value == NULL) {
        rc = mdb_del(txn, s->dbi[p->table], &k, NULL);
        return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
    }
    rc = mdb_put(txn, s->dbi[p->table], &k, &v, MDB_RESERVE);
    if (rc != MDB_SUCCESS)
        return rc;
    uint8_t *to = v.mv_data;
    memcpy(to, p->value, p->value_len);
    value_check(to + p->value_len, p->table, p->key, p->key_len, p->value, p->value_len);
    return MDB_SUCCESS;
}

static int commit_once(struct store_lmdb *s, const struct mr_put *puts, size_t count)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, 0, &txn);

    if (rc != MDB_SUCCESS)
        return rc;
    for (size_t i = 0; rc == MDB_SUCCESS && i < count; i++)
        rc = put_one(s, txn, &puts[i]);
    if (rc == MDB_SUCCESS)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

/* The map is replaced under all transactions of this process: none may be open. */
static int grow(struct store_lmdb *s)
{
    if (s->map_bytes > map_bytes_most / 2)
        return MDB_MAP_FULL;
    pthread_rwlock_wrlock(&s->gate);
    mdb_txn_reset(s->reader);
    int rc = mdb_env_set_mapsize(s->env, s->map_bytes * 2);
    if (rc == MDB_SUCCESS)
        s->map_bytes *= 2;
    const int renewed = mdb_txn_renew(s->reader);
    if (renewed != MDB_SUCCESS) {
        s->dead = true;
        rc = renewed;
    }
    pthread_rwlock_unlock(&s->gate);
    return rc;
}

static enum mr_status store_commit(struct mr_store *base, const struct mr_put *puts, size_t count)
{
    struct store_lmdb *s = self(base);
    int rc;

    mr_assert(!s->read_only);
    if (s->dead)
        return MR_IO_ERROR;
    /* A transaction that met MAP_FULL is dead: it is repeated as a whole, on a larger map. */
    for (;;) {
        rc = commit_once(s, puts, count);
        if (rc != MDB_MAP_FULL)
            break;
        rc = grow(s);
        if (rc != MDB_SUCCESS)
            break;
    }
    enum mr_status st = from_write(s, rc);
    if (st != MR_OK && st != MR_DISK_FULL) {
        s->dead = true;
        st = MR_IO_ERROR;
    }
    return st;
}

static enum mr_status store_refresh(struct mr_store *base)
{
    struct store_lmdb *s = self(base);

    /* Exclusive: a commit that grows the map must not find the reader half-renewed. */
    pthread_rwlock_wrlock(&s->gate);
    enum mr_status st = s->dead ? MR_IO_ERROR : MR_OK;
    if (st == MR_OK) {
        mdb_txn_reset(s->reader);
        st = from_mdb(mdb_txn_renew(s->reader));
        s->dead = st != MR_OK;
    }
    pthread_rwlock_unlock(&s->gate);
    return st;
}

static void store_close(struct mr_store *base)
{
    if (base == NULL)
        return;

    struct store_lmdb *s = self(base);

    if (s->reader != NULL)
        mdb_txn_abort(s->reader);
    if (s->env != NULL)
        mdb_env_close(s->env);
    if (s->inode != 0)
        release(s);
    pthread_rwlock_destroy(&s->gate);
    free(s);
}

static const struct mr_store_api api = {
    .get = store_get,
    .walk = store_walk,
    .commit = store_commit,
    .refresh = store_refresh,
    .close = store_close,
};

/* --- a second reader, for the thread that commits --------------------------------------------- */

struct snapshot {
    struct mr_store base;
    struct store_lmdb *of;
    MDB_txn *reader;
};

static struct snapshot *snapshot_self(struct mr_store *base)
{
    return (struct snapshot *)base;
}

static enum mr_status snapshot_get(struct mr_store *base, enum mr_table table, const uint8_t *key,
                                   size_t key_len, uint8_t *ret, size_t cap, size_t *ret_len)
{
    struct snapshot *p = snapshot_self(base);
    return get_with(p->of, p->reader, table, key, key_len, ret, cap, ret_len);
}

static enum mr_status snapshot_walk(struct mr_store *base, enum mr_table table, const uint8_t *from,
                                    size_t from_len, mr_store_each each, void *ctx)
{
    struct snapshot *p = snapshot_self(base);
    return walk_with(p->of, p->reader, table, from, from_len, each, ctx);
}

static enum mr_status snapshot_commit(struct mr_store *base, const struct mr_put *puts,
                                      size_t count)
{
    (void)base;
    (void)puts;
    (void)count;
    mr_bug("commit to a snapshot");
}

static enum mr_status snapshot_refresh(struct mr_store *base)
{
    (void)base;
    return MR_OK; /* a snapshot stays as it is */
}

static void snapshot_close(struct mr_store *base)
{
    if (base == NULL)
        return;
    mdb_txn_abort(snapshot_self(base)->reader);
    free(base);
}

static const struct mr_store_api snapshot_api = {
    .get = snapshot_get,
    .walk = snapshot_walk,
    .commit = snapshot_commit,
    .refresh = snapshot_refresh,
    .close = snapshot_close,
};

enum mr_status mr_store_lmdb_snapshot(struct mr_store **ret, struct mr_store *store)
{
    struct snapshot *p = calloc(1, sizeof *p);
    if (p == NULL)
        return MR_NO_MEMORY;
    p->base.api = &snapshot_api;
    p->of = self(store);
    const int rc = mdb_txn_begin(p->of->env, NULL, MDB_RDONLY, &p->reader);
    if (rc != MDB_SUCCESS) {
        free(p);
        return from_mdb(rc);
    }
    *ret = &p->base;
    return MR_OK;
}

static enum mr_status open_tables(struct store_lmdb *s)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, s->read_only ? MDB_RDONLY : 0, &txn);

    if (rc != MDB_SUCCESS)
        return from_write(s, rc);
    for (enum mr_table t = 0; rc == MDB_SUCCESS && t < MR_TABLES; t++)
        rc = mdb_dbi_open(txn, table_names[t], s->read_only ? 0 : MDB_CREATE, &s->dbi[t]);
    if (rc != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return rc == MDB_NOTFOUND ? MR_DAMAGED : from_write(s, rc);
    }
    rc = mdb_txn_commit(txn);
    return from_write(s, rc);
}

static enum mr_status open_env(struct store_lmdb *s)
{
    enum mr_status st = from_mdb(mdb_env_create(&s->env));
    MDB_envinfo info;

    if (st != MR_OK)
        return st;
    st = from_mdb(mdb_env_set_maxdbs(s->env, MR_TABLES));
    if (st == MR_OK)
        st = from_mdb(mdb_env_set_mapsize(s->env, s->map_bytes));
    /* NOTLS: the reader belongs to this object, not to the thread that happens to use it. */
    if (st == MR_OK)
        st = from_write(
            s, mdb_env_open(s->env, s->dir, MDB_NOTLS | (s->read_only ? MDB_RDONLY : 0u), 0600));
    if (st == MR_OK)
        st = from_mdb(mdb_reader_check(s->env, NULL));
    if (st == MR_OK)
        st = from_mdb(mdb_env_info(s->env, &info));
    if (st == MR_OK)
        s->map_bytes = info.me_mapsize;
    if (st == MR_OK)
        st = open_tables(s);
    if (st == MR_OK)
        st = from_mdb(mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->reader));
    return st;
}

enum mr_status mr_store_lmdb_open(struct mr_store **ret, const char *dir,
                                  const struct mr_store_lmdb_options *options)
{
    static const struct mr_store_lmdb_options defaults;
    struct store_lmdb *s;
    enum mr_status st;

    if (options == NULL)
        options = &defaults;
    if (strlen(dir) >= sizeof s->dir)
        return MR_CONFIG;
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return MR_NO_MEMORY;
    s->base.api = &api;
    memcpy(s->dir, dir, strlen(dir) + 1);
    s->read_only = options->read_only;
    s->map_bytes = options->map_bytes == 0 ? map_bytes_default : options->map_bytes;
    pthread_rwlock_init(&s->gate, NULL);
    st = s->read_only ? MR_OK : files_make_dir(dir);
    if (st == MR_OK)
        st = claim(s);
    if (st == MR_OK)
        st = open_env(s);
    /* The names of new files must survive as well. */
    if (st == MR_OK && !s->read_only)
        st = files_sync_dir(dir);
    if (st != MR_OK) {
        store_close(&s->base);
        return st;
    }
    *ret = &s->base;
    return MR_OK;
}

static enum mr_status sync_copy(const char *dir)
{
    char path[FILES_PATH_MAX];
    enum mr_status st = files_path(path, dir, "data.mdb");

    if (st != MR_OK)
        return st;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return files_status(errno);
    if (fsync(fd) != 0)
        st = files_status(errno);
    close(fd);
    return st == MR_OK ? files_sync_dir(dir) : st;
}

enum mr_status mr_store_lmdb_copy(struct mr_store *base, const char *dir)
{
    struct store_lmdb *s = self(base);

    pthread_rwlock_rdlock(&s->gate); /* keeps the map where it is */
    enum mr_status st =
        s->dead ? MR_IO_ERROR : from_mdb(mdb_env_copy2(s->env, dir, MDB_CP_COMPACT));
    pthread_rwlock_unlock(&s->gate);
    return st == MR_OK ? sync_copy(dir) : st;
}

enum mr_status mr_store_lmdb_has_free(struct mr_store *base, bool *ret)
{
    enum { FREE_TABLE = 0 }; /* LMDB keeps its free pages in table 0 */
    struct store_lmdb *s = self(base);
    MDB_stat stat;

    pthread_rwlock_rdlock(&s->gate);
    const enum mr_status st = from_mdb(mdb_stat(s->reader, FREE_TABLE, &stat));
    pthread_rwlock_unlock(&s->gate);
    if (st == MR_OK)
        *ret = stat.ms_entries > 0;
    return st;
}
