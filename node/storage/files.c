#include "storage/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HASH_BLOCK = 1 << 16 };

enum mr_status files_status(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return MR_DISK_FULL;
    case ENOMEM:
        return MR_NO_MEMORY;
    case ENOENT:
        return MR_NO_SUCH_FILE;
    case EEXIST:
        return MR_FILE_EXISTS;
    default:
        return MR_IO_ERROR;
    }
}

enum mr_status files_path(char ret[FILES_PATH_MAX], const char *dir, const char *name)
{
    const int n = snprintf(ret, FILES_PATH_MAX, "%s/%s", dir, name);

    return n > 0 && n < FILES_PATH_MAX ? MR_OK : MR_CONFIG;
}

enum mr_status files_sync_dir(const char *dir)
{
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum mr_status st = MR_OK;

    if (fd < 0)
        return files_status(errno);
    if (fsync(fd) != 0)
        st = files_status(errno);
    close(fd);
    return st;
}

enum mr_status files_make_dir(const char *dir)
{
    char parent[FILES_PATH_MAX];

    if (mkdir(dir, 0700) != 0)
        return errno == EEXIST ? MR_OK : files_status(errno);
    const enum mr_status st = files_path(parent, dir, "..");
    return st == MR_OK ? files_sync_dir(parent) : st;
}

static enum mr_status write_synced(const char *path, const uint8_t *bytes, size_t len)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    enum mr_status st = MR_OK;

    if (fd < 0)
        return files_status(errno);
    while (st == MR_OK && len > 0) {
        const ssize_t n = write(fd, bytes, len);

        if (n < 0) {
            st = errno == EINTR ? MR_OK : files_status(errno);
            continue;
        }
        bytes += n;
        len -= (size_t)n;
    }
    if (st == MR_OK && fsync(fd) != 0)
        st = files_status(errno);
    close(fd);
    return st;
}

enum mr_status files_write(const char *dir, const char *name, const void *bytes, size_t len)
{
    char path[FILES_PATH_MAX], beside[FILES_PATH_MAX];
    enum mr_status st = files_path(path, dir, name);

    if (st != MR_OK)
        return st;
    if (snprintf(beside, sizeof beside, "%s/%s.new", dir, name) >= (int)sizeof beside)
        return MR_CONFIG;
    st = write_synced(beside, bytes, len);
    if (st == MR_OK && rename(beside, path) != 0)
        st = files_status(errno);
    if (st != MR_OK) {
        unlink(beside);
        return st;
    }
    return files_sync_dir(dir);
}

enum mr_status files_read(const char *dir, const char *name, void *ret, size_t cap, size_t *ret_len)
{
    char path[FILES_PATH_MAX];
    enum mr_status st = files_path(path, dir, name);
    uint8_t *to = ret;
    uint8_t over;
    size_t len = 0;

    if (st != MR_OK)
        return st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return files_status(errno);
    for (;;) {
        const ssize_t n = len < cap ? read(fd, to + len, cap - len) : read(fd, &over, 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            st = files_status(errno);
        else if (n > 0 && len == cap)
            st = MR_TOO_LARGE;
        if (n <= 0 || st != MR_OK)
            break;
        len += (size_t)n;
    }
    close(fd);
    if (st == MR_OK)
        *ret_len = len;
    return st;
}

enum mr_status files_remove(const char *dir, const char *name)
{
    char path[FILES_PATH_MAX];
    const enum mr_status st = files_path(path, dir, name);

    if (st != MR_OK)
        return st;
    if (unlink(path) != 0)
        return files_status(errno);
    return files_sync_dir(dir);
}

enum mr_status files_hash(uint8_t ret[32], const char *dir, const char *name)
{
    char path[FILES_PATH_MAX];
    enum mr_status st = files_path(path, dir, name);
    crypto_generichash_state h;
    ssize_t n = 1;

    if (st != MR_OK)
        return st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return files_status(errno);
    uint8_t *block = malloc(HASH_BLOCK);
    if (block == NULL) {
        close(fd);
        return MR_NO_MEMORY;
    }
    crypto_generichash_init(&h, NULL, 0, 32);
    while (n > 0) {
        n = read(fd, block, HASH_BLOCK);
        if (n > 0)
            crypto_generichash_update(&h, block, (unsigned long long)n);
        else if (n < 0 && errno == EINTR)
            n = 1;
    }
    if (n < 0)
        st = MR_IO_ERROR;
    else
        crypto_generichash_final(&h, ret, 32);
    free(block);
    close(fd);
    return st;
}
