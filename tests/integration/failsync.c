/* Preloaded: fdatasync fails while the file named by FAILSYNC exists; and unlink of whatever ends
 * as FAILUNLINK says. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fdatasync(int fd)
{
    static int (*real)(int);
    const char *const file = getenv("FAILSYNC");
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    if (file != NULL && access(file, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}

int unlink(const char *path)
{
    static int (*real)(const char *);
    const char *const end = getenv("FAILUNLINK");
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "unlink");
    if (end != NULL && strlen(path) >= strlen(end) &&
        strcmp(path + strlen(path) - strlen(end), end) == 0) {
        errno = EPERM;
        return -1;
    }
    return real(path);
}
