#include "storage/snapshot.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mereau/id.h"
#include "storage/store_lmdb.h"

enum { NAME_BYTES = 16 + 1 + 64 + 1, NAMES_MAX = 64 };

/* Says the name of the one that is kept whatever comes. */
static const char kept_file[] = "keep";

/* Names of snapshots in ascending order of turns. */
struct names {
    char name[NAMES_MAX][NAME_BYTES];
    size_t count;
};

static bool is_name(const char *name)
{
    if (strlen(name) != NAME_BYTES - 1 || name[16] != '-')
        return false;
    for (size_t i = 0; i < NAME_BYTES - 1; i++)
        if (i != 16 && strchr("0123456789abcdef", name[i]) == NULL)
            return false;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static enum mr_status list(struct names *ret, const char *dir)
{
    ret->count = 0;
    DIR *d = opendir(dir);
    if (d == NULL)
        return MR_NO_SUCH_FILE;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        if (is_name(e->d_name) && ret->count < NAMES_MAX)
            memcpy(ret->name[ret->count++], e->d_name, NAME_BYTES);
    closedir(d);
    qsort(ret->name, ret->count, NAME_BYTES, by_name);
    return MR_OK;
}

static void discard(const char *path)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "seal"};
    char file[FILES_PATH_MAX];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files_path(file, path, files[i]) == MR_OK)
            unlink(file);
    rmdir(path);
}

static void forget_old(const char *dir)
{
    struct names *all = malloc(sizeof *all);
    char path[FILES_PATH_MAX], keep[NAME_BYTES] = "";
    size_t len;
    if (files_read(dir, kept_file, keep, sizeof keep - 1, &len) != MR_OK)
        keep[0] = '\0';
    if (all != NULL && list(all, dir) == MR_OK)
        for (size_t i = 0; i + SNAPSHOTS_KEPT < all->count; i++)
            if (strcmp(all->name[i], keep) != 0 && files_path(path, dir, all->name[i]) == MR_OK)
                discard(path);
    free(all);
}

static void make_name(char ret[NAME_BYTES], uint64_t turn, const uint8_t state_root[32])
{
    char hex[65];
    mr_hex_format(hex, state_root, 32);
    snprintf(ret, NAME_BYTES, "%016llx-%s", (unsigned long long)turn, hex);
}

enum mr_status snapshot_keep(const char *dir, uint64_t turn, const uint8_t state_root[32])
{
    char name[NAME_BYTES];
    make_name(name, turn, state_root);
    return files_write(dir, kept_file, name, NAME_BYTES - 1);
}

enum mr_status snapshot_find(char ret_path[FILES_PATH_MAX], const char *dir,
                             const uint8_t state_root[32])
{
    struct names *all = malloc(sizeof *all);
    char hex[65];
    enum mr_status st = all == NULL ? MR_NO_MEMORY : list(all, dir);
    bool found = false;
    mr_hex_format(hex, state_root, 32);
    for (size_t i = st == MR_OK ? all->count : 0; i-- > 0 && !found;)
        if (strcmp(all->name[i] + 17, hex) == 0)
            found = files_path(ret_path, dir, all->name[i]) == MR_OK;
    free(all);
    return found ? MR_OK : st == MR_NO_MEMORY ? st : MR_NOT_FOUND;
}

enum mr_status snapshot_write(struct mr_store *store, const char *dir, uint64_t turn,
                              const uint8_t state_root[32])
{
    char name[NAME_BYTES], making[FILES_PATH_MAX], path[FILES_PATH_MAX] = "";
    make_name(name, turn, state_root);
    enum mr_status st = files_path(making, dir, "making");
    if (st == MR_OK)
        st = files_path(path, dir, name);
    if (st == MR_OK && access(path, F_OK) == 0)
        return MR_FILE_EXISTS;
    if (st == MR_OK) {
        discard(making); /* of a run that was interrupted */
        st = files_make_dir(making);
    }
    if (st == MR_OK)
        st = mr_store_lmdb_copy(store, making);
    if (st == MR_OK)
        st = store_seal(making);
    if (st == MR_OK && rename(making, path) != 0)
        st = MR_IO_ERROR;
    if (st == MR_OK)
        st = files_sync_dir(dir);
    if (st == MR_OK)
        forget_old(dir);
    else
        discard(making);
    return st;
}

static bool verifies(const char *path)
{
    char text[STORE_TEXT_MAX];
    bool sealed = false;
    /* Checking a seal removes it: it is made again for the next reader. */
    if (store_seal_check(path, &sealed, text) != MR_OK || !sealed)
        return false;
    return store_seal(path) == MR_OK;
}

enum mr_status snapshot_newest(char ret_path[FILES_PATH_MAX], uint64_t *ret_turn,
                               uint8_t ret_root[32], const char *dir)
{
    struct names *all = malloc(sizeof *all);
    char path[FILES_PATH_MAX];
    enum mr_status st = all == NULL ? MR_NO_MEMORY : list(all, dir);
    bool found = false;
    for (size_t i = st == MR_OK ? all->count : 0; i-- > 0 && !found;) {
        if (files_path(path, dir, all->name[i]) != MR_OK || !verifies(path))
            continue;
        memcpy(ret_path, path, sizeof path);
        *ret_turn = strtoull(all->name[i], NULL, 16);
        found = mr_hex_parse(ret_root, 32, all->name[i] + 17) == MR_OK;
    }
    free(all);
    return found ? MR_OK : st == MR_NO_MEMORY ? st : MR_NOT_FOUND;
}
