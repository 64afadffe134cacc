#include "storage/register_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "storage/files.h"
#include "storage/store_lmdb.h"

enum { KEY_BYTES = 1 + MR_ACCOUNT_BYTES, KINDS = MR_REGISTER_BANK + 1 };

/* One table of a store is all that is needed; which one does not matter. */
static const enum mr_table items = MR_TABLE_META;

struct register_store {
    struct mr_store *store;
    size_t counts[KINDS];
    uint8_t bytes[MR_STORE_VALUE_MAX];
};

static void key_of(uint8_t ret[KEY_BYTES], enum mr_register_kind kind,
                   const uint8_t account[MR_ACCOUNT_BYTES])
{
    ret[0] = (uint8_t)kind;
    memcpy(ret + 1, account, MR_ACCOUNT_BYTES);
}

static bool is_kind(enum mr_register_kind kind)
{
    return kind >= MR_REGISTER_REQUEST && kind <= MR_REGISTER_BANK;
}

/* Counts while opening; false: this is no key of ours. */
static bool count_item(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                       size_t value_len)
{
    struct register_store *r = ctx;

    (void)value;
    (void)value_len;
    if (key_len != KEY_BYTES || !is_kind((enum mr_register_kind)key[0])) {
        r->counts[0]++;
        return false;
    }
    r->counts[key[0]]++;
    return true;
}

/* Without free pages, so without what was removed. Renaming makes it all or nothing; when there is
 * no space for the copy, the old file goes on. */
static enum mr_status compact(struct mr_store **store, const char *dir)
{
    char beside[FILES_PATH_MAX], copy[FILES_PATH_MAX], file[FILES_PATH_MAX];
    enum mr_status st = files_path(beside, dir, "compact");

    if (st == MR_OK)
        st = files_path(copy, beside, "data.mdb");
    if (st == MR_OK)
        st = files_path(file, dir, "data.mdb");
    if (st == MR_OK)
        st = files_make_dir(beside);
    if (st != MR_OK)
        return st;
    if (unlink(copy) != 0 && errno != ENOENT)
        return files_status(errno);
    st = mr_store_lmdb_copy(*store, beside);
    if (st == MR_DISK_FULL) {
        unlink(copy);
        return MR_OK;
    }
    if (st != MR_OK)
        return st;
    (*store)->api->close(*store);
    *store = NULL;
    if (rename(copy, file) != 0)
        return files_status(errno);
    rmdir(beside);
    st = files_sync_dir(dir);
    return st == MR_OK ? mr_store_lmdb_open(store, dir, NULL) : st;
}

enum mr_status register_open(struct register_store **ret, const char *dir)
{
    struct register_store *r = calloc(1, sizeof *r);
    bool has_free = false;
    enum mr_status st;

    if (r == NULL)
        return MR_NO_MEMORY;
    st = mr_store_lmdb_open(&r->store, dir, NULL);
    if (st == MR_OK)
        st = mr_store_lmdb_has_free(r->store, &has_free);
    if (st == MR_OK && has_free)
        st = compact(&r->store, dir);
    mr_assert(st != MR_OK || r->store != NULL);
    if (st == MR_OK)
        st = r->store->api->walk(r->store, items, NULL, 0, count_item, r);
    if (st == MR_OK && r->counts[0] > 0)
        st = MR_DAMAGED;
    if (st != MR_OK) {
        register_close(r);
        return st;
    }
    *ret = r;
    return MR_OK;
}

static enum mr_status load(struct register_store *r, size_t *ret_len, const uint8_t key[KEY_BYTES])
{
    return r->store->api->get(r->store, items, key, KEY_BYTES, r->bytes, sizeof r->bytes, ret_len);
}

static enum mr_status change(struct register_store *r, const struct mr_put *put)
{
    const enum mr_status st = r->store->api->commit(r->store, put, 1);

    return st == MR_OK ? r->store->api->refresh(r->store) : st;
}

enum mr_status register_put(struct register_store *r, const struct mr_register_item *item)
{
    uint8_t key[KEY_BYTES];
    size_t len;
    enum mr_status st;

    mr_assert(is_kind(item->kind));
    key_of(key, item->kind, item->account);
    st = load(r, &len, key);
    if (st != MR_OK && st != MR_NOT_FOUND)
        return st;
    const bool is_new = st == MR_NOT_FOUND;
    if (is_new && r->counts[item->kind] >= REGISTER_ITEMS_MAX)
        return MR_FULL;
    len = mr_register_item_encode(item, r->bytes, sizeof r->bytes);
    st = change(r, &(struct mr_put){.table = items,
                                    .key = key,
                                    .key_len = KEY_BYTES,
                                    .value = r->bytes,
                                    .value_len = (uint32_t)len});
    if (st == MR_OK && is_new)
        r->counts[item->kind]++;
    return st;
}

static enum mr_status decode(struct mr_register_item *ret, const uint8_t *key, const uint8_t *bytes,
                             size_t len)
{
    if (mr_register_item_decode(ret, bytes, len) != MR_OK || (uint8_t)ret->kind != key[0] ||
        memcmp(ret->account, key + 1, MR_ACCOUNT_BYTES) != 0)
        return MR_DAMAGED;
    return MR_OK;
}

enum mr_status register_get(struct register_store *r, struct mr_register_item *ret,
                            enum mr_register_kind kind, const uint8_t account[MR_ACCOUNT_BYTES])
{
    uint8_t key[KEY_BYTES];
    size_t len;

    mr_assert(is_kind(kind));
    key_of(key, kind, account);
    const enum mr_status st = load(r, &len, key);
    return st == MR_OK ? decode(ret, key, r->bytes, len) : st;
}

enum mr_status register_remove(struct register_store *r, enum mr_register_kind kind,
                               const uint8_t account[MR_ACCOUNT_BYTES])
{
    uint8_t key[KEY_BYTES];
    size_t len;
    enum mr_status st;

    mr_assert(is_kind(kind));
    key_of(key, kind, account);
    st = load(r, &len, key);
    if (st != MR_OK)
        return st;
    st = change(r, &(struct mr_put){.table = items, .key = key, .key_len = KEY_BYTES});
    if (st == MR_OK)
        r->counts[kind]--;
    return st;
}

struct page {
    struct mr_register_item *ret;
    size_t count, max;
    const uint8_t *after; /* key */
    enum mr_status st;
};

static bool list_item(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                      size_t value_len)
{
    struct page *p = ctx;

    if (key_len != KEY_BYTES) {
        p->st = MR_DAMAGED;
        return false;
    }
    if (key[0] != p->after[0])
        return false;
    if (memcmp(key, p->after, KEY_BYTES) == 0)
        return true;
    if (p->count == p->max)
        return false;
    p->st = decode(&p->ret[p->count], key, value, value_len);
    p->count += p->st == MR_OK;
    return p->st == MR_OK;
}

enum mr_status register_list(struct register_store *r, struct mr_register_item *ret,
                             size_t *ret_count, enum mr_register_kind kind,
                             const uint8_t after[MR_ACCOUNT_BYTES], size_t max)
{
    uint8_t key[KEY_BYTES];
    struct page p = {.ret = ret, .max = max, .after = key, .st = MR_OK};

    mr_assert(is_kind(kind));
    key_of(key, kind, after);
    const enum mr_status st = r->store->api->walk(r->store, items, key, KEY_BYTES, list_item, &p);
    if (st != MR_OK || p.st != MR_OK)
        return st != MR_OK ? st : p.st;
    *ret_count = p.count;
    return MR_OK;
}

size_t register_count(const struct register_store *r, enum mr_register_kind kind)
{
    mr_assert(is_kind(kind));
    return r->counts[kind];
}

void register_close(struct register_store *r)
{
    if (r == NULL)
        return;
    if (r->store != NULL)
        r->store->api->close(r->store);
    free(r);
}
