#include "lib/scratch.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

void scratch_make(char ret[SCRATCH_PATH_MAX])
{
    const char *tmp = getenv("TMPDIR");

    snprintf(ret, SCRATCH_PATH_MAX, "%s/mereau-test-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    ck_assert_ptr_nonnull(mkdtemp(ret));
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

void scratch_remove(const char *dir)
{
    umount2(dir, MNT_DETACH); /* a small disk; else it fails and nothing happens */
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(const char *dir, const char *name)
{
    static char paths[4][2 * SCRATCH_PATH_MAX];
    static unsigned next;
    char *p = paths[next++ % 4];

    snprintf(p, sizeof paths[0], "%s/%s", dir, name);
    return p;
}

static bool write_map(const char *path, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

    if (fd >= 0)
        close(fd);
    return n == (ssize_t)strlen(text);
}

/* Root has a mount namespace for the asking; others need a user namespace as well, where the
 * machine allows it. */
static bool own_mounts(void)
{
    char map[64];
    const long uid = (long)getuid();

    if (unshare(CLONE_NEWNS) == 0)
        return true;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    snprintf(map, sizeof map, "0 %ld 1", uid);
    return write_map("/proc/self/uid_map", map);
}

bool scratch_small_disk(const char *dir, size_t bytes)
{
    char size[64];

    if (!own_mounts())
        return false;
    snprintf(size, sizeof size, "size=%zu,mode=0700", bytes);
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", dir, "tmpfs", 0, size) == 0;
}

static void *get(void *ctx, size_t bytes)
{
    (void)ctx;
    return malloc(bytes);
}

static void put(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

const struct mr_mem scratch_mem = {get, put, NULL};
