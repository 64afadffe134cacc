#include "storage/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "storage/files.h"

enum { PID_TEXT_MAX = 24 };

struct dir_lock {
    int fd;
};

static pid_t holder(int fd)
{
    char text[PID_TEXT_MAX] = "";
    const ssize_t n = pread(fd, text, sizeof text - 1, 0);

    return n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static enum mr_status write_pid(int fd)
{
    char text[PID_TEXT_MAX];
    const int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) != 0)
        return files_status(errno);
    return pwrite(fd, text, (size_t)n, 0) == n ? MR_OK : files_status(errno);
}

/* flock() belongs to the open file, not to the process: no other close of the same file in this
 * process can drop it, as it would with POSIX record locks. */
enum mr_status lock_take(struct dir_lock **ret, const char *dir, pid_t *ret_holder)
{
    char path[FILES_PATH_MAX];
    enum mr_status st = files_path(path, dir, "lock");
    struct dir_lock *l;

    if (st != MR_OK)
        return st;
    l = malloc(sizeof *l);
    if (l == NULL)
        return MR_NO_MEMORY;
    l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (l->fd < 0) {
        st = files_status(errno);
        goto fail;
    }
    if (flock(l->fd, LOCK_EX | LOCK_NB) != 0) {
        st = errno == EWOULDBLOCK ? MR_IN_USE : files_status(errno);
        if (st == MR_IN_USE && ret_holder != NULL)
            *ret_holder = holder(l->fd);
        goto fail;
    }
    /* The id is only told to people: on a full disk the node must still start. */
    st = write_pid(l->fd);
    if (st != MR_OK && st != MR_DISK_FULL)
        goto fail;
    *ret = l;
    return MR_OK;
fail:
    if (l->fd >= 0)
        close(l->fd);
    free(l);
    return st;
}

void lock_release(struct dir_lock *l)
{
    if (l == NULL)
        return;
    /* Empty first, so that nobody is told of a process that has gone. */
    (void)!ftruncate(l->fd, 0);
    close(l->fd);
    free(l);
}
