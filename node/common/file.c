#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum mr_status file_status(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return MR_NO_SUCH_FILE;
    case EEXIST:
        return MR_FILE_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* a limit of this process, or of the file system */
        return MR_DISK_FULL;
    case ENOMEM:
        return MR_NO_MEMORY;
    default:
        return MR_IO_ERROR;
    }
}

enum mr_status file_write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        const ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return file_status(errno);
        at += n;
        len -= (size_t)n;
    }
    return MR_OK;
}

enum mr_status dir_sync(const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return file_status(errno);
    const int rc = fsync(fd);
    const int error = errno;
    close(fd);
    /* Some file systems have no fsync of directories. */
    return rc == 0 || error == EINVAL ? MR_OK : file_status(error);
}

/* Opens the one temporary name and owns it: after a lock was waited for, the file that was opened
 * may have been renamed away by the other process. */
static enum mr_status open_temporary(int *ret_fd, const char *path, mode_t mode)
{
    for (;;) {
        struct stat opened, named;
        const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return file_status(errno);
        if (flock(fd, LOCK_EX) == 0 && fstat(fd, &opened) == 0) {
            const bool same = lstat(path, &named) == 0 && named.st_ino == opened.st_ino &&
                              named.st_dev == opened.st_dev;
            if (same && ftruncate(fd, 0) == 0 && fchmod(fd, mode) == 0) {
                *ret_fd = fd;
                return MR_OK;
            }
            if (!same) {
                close(fd);
                continue;
            }
        }
        const enum mr_status st = file_status(errno);
        close(fd);
        return st;
    }
}

static enum mr_status put_in_place(const char *temporary, const char *path, bool overwrite)
{
    if (overwrite)
        return rename(temporary, path) == 0 ? MR_OK : file_status(errno);
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return MR_OK;
    if (errno != EINVAL && errno != ENOSYS)
        return file_status(errno);
    /* A file system that cannot rename so. */
    if (link(temporary, path) != 0)
        return file_status(errno);
    unlink(temporary);
    return MR_OK;
}

enum mr_status file_draft_open(struct file_draft *ret, const char *path, mode_t mode,
                               bool overwrite)
{
    const size_t n = strlen(path);
    struct stat there;
    ret->fd = -1;
    ret->overwrite = overwrite;
    if (n >= sizeof ret->path || (size_t)snprintf(ret->temporary, sizeof ret->temporary, "%s.tmp",
                                                  path) >= sizeof ret->temporary)
        return MR_TOO_LARGE;
    memcpy(ret->path, path, n + 1);
    if (!overwrite && file_exists(path))
        return MR_FILE_EXISTS;
    if (overwrite && stat(path, &there) == 0 && !S_ISREG(there.st_mode))
        return MR_IO_ERROR; /* a rename would put a file in the place of a device */
    return open_temporary(&ret->fd, ret->temporary, mode);
}

enum mr_status file_draft_keep(struct file_draft *d)
{
    char parent[FILE_PATH_MAX];
    enum mr_status st = path_parent(parent, d->path);
    if (st == MR_OK && fsync(d->fd) != 0)
        st = file_status(errno);
    if (st == MR_OK)
        st = put_in_place(d->temporary, d->path, d->overwrite);
    if (st != MR_OK) {
        file_draft_drop(d);
        return st;
    }
    close(d->fd);
    d->fd = -1;
    return dir_sync(parent);
}

void file_draft_drop(struct file_draft *d)
{
    if (d->fd < 0)
        return;
    unlink(d->temporary);
    close(d->fd);
    d->fd = -1;
}

enum mr_status file_write(const char *path, const void *bytes, size_t len, mode_t mode,
                          bool overwrite)
{
    struct file_draft d;
    enum mr_status st = file_draft_open(&d, path, mode, overwrite);
    if (st != MR_OK)
        return st;
    st = file_write_all(d.fd, bytes, len);
    if (st == MR_OK)
        return file_draft_keep(&d);
    file_draft_drop(&d);
    return st;
}

enum mr_status file_read_fd(uint8_t **ret, size_t *ret_len, int fd, size_t max)
{
    size_t cap = 4096, len = 0;
    uint8_t *bytes = malloc(cap);
    while (bytes != NULL) {
        if (len + 1 == cap) {
            if (len > max)
                break;
            uint8_t *more = realloc(bytes, cap *= 2);
            if (more == NULL)
                break;
            bytes = more;
        }
        const ssize_t n = read(fd, bytes + len, cap - len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            const enum mr_status st = file_status(errno);
            free(bytes);
            return st;
        }
        len += (size_t)n;
        if (n == 0 && len <= max) {
            bytes[len] = '\0';
            *ret = bytes;
            *ret_len = len;
            return MR_OK;
        }
        if (len > max)
            break;
    }
    free(bytes);
    return len > max ? MR_TOO_LARGE : MR_NO_MEMORY;
}

enum mr_status file_read(uint8_t **ret, size_t *ret_len, const char *path, size_t max)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return file_status(errno);
    const enum mr_status st = file_read_fd(ret, ret_len, fd, max);
    close(fd);
    return st;
}

enum mr_status file_read_text(char **ret, const char *path, size_t max)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    const enum mr_status st = file_read(&bytes, &len, path, max);
    if (st != MR_OK)
        return st;
    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        bytes[--len] = '\0';
    *ret = (char *)bytes;
    return MR_OK;
}

bool file_exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static enum mr_status make_one(const char *path)
{
    char parent[FILE_PATH_MAX];
    struct stat info;
    if (mkdir(path, 0700) == 0) {
        const enum mr_status st = path_parent(parent, path);
        return st != MR_OK ? st : dir_sync(parent);
    }
    if (errno != EEXIST)
        return file_status(errno);
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode) ? MR_OK : MR_FILE_EXISTS;
}

enum mr_status dir_make(const char *path)
{
    char part[FILE_PATH_MAX];
    const size_t len = strlen(path);
    if (len == 0)
        return MR_NO_SUCH_FILE;
    if (len >= sizeof part)
        return MR_TOO_LARGE;
    memcpy(part, path, len + 1);
    for (size_t i = 1; i < len; i++) {
        if (part[i] != '/')
            continue;
        part[i] = '\0';
        const enum mr_status st = make_one(part);
        if (st != MR_OK)
            return st;
        part[i] = '/';
    }
    return make_one(path);
}

enum mr_status path_join(char *ret, const char *a, const char *b)
{
    char joined[FILE_PATH_MAX];
    const size_t len = strlen(a);
    const char *between = len == 0 || a[len - 1] == '/' ? "" : "/";
    const int n = b[0] == '/' ? snprintf(joined, sizeof joined, "%s", b)
                              : snprintf(joined, sizeof joined, "%s%s%s", a, between, b);
    if (n < 0 || (size_t)n >= sizeof joined)
        return MR_TOO_LARGE;
    memcpy(ret, joined, (size_t)n + 1);
    return MR_OK;
}

enum mr_status path_parent(char *ret, const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len >= FILE_PATH_MAX)
        return MR_TOO_LARGE;
    if (len == 0)
        return path_join(ret, "", ".");
    memmove(ret, path, len);
    ret[len] = '\0';
    return MR_OK;
}

static enum mr_status user_dir(char *ret, const char *variable, const char *below_home,
                               const char *name)
{
    char base[FILE_PATH_MAX];
    const char *xdg = getenv(variable);
    const char *home = getenv("HOME");
    /* The XDG rules ask to ignore relative paths. */
    if (xdg != NULL && xdg[0] == '/')
        return path_join(ret, xdg, name);
    if (home == NULL || home[0] != '/')
        return MR_NO_SUCH_FILE;
    const enum mr_status st = path_join(base, home, below_home);
    return st != MR_OK ? st : path_join(ret, base, name);
}

enum mr_status path_data_dir(char *ret, const char *name)
{
    return user_dir(ret, "XDG_DATA_HOME", ".local/share", name);
}

enum mr_status path_config_dir(char *ret, const char *name)
{
    return user_dir(ret, "XDG_CONFIG_HOME", ".config", name);
}

enum mr_status path_program_dir(char *ret)
{
    char path[FILE_PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n < 0)
        return file_status(errno);
    path[n] = '\0';
    return path_parent(ret, path);
}
