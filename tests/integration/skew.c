/* Preloaded into a node: its wall clock is ahead by SKEW_MS milliseconds, or behind. What stands in
 * the file SKEW_FILE, if there is one, is added: a test sets the clock of a node that runs. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long in_file(const char *path)
{
    char text[32];
    const int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    const ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);
    const char *const text = getenv("SKEW_MS");
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    const int got = real(id, t);
    if (got != 0 || id != CLOCK_REALTIME)
        return got;
    const long ms = (text != NULL ? strtol(text, NULL, 10) : 0) + in_file(getenv("SKEW_FILE"));
    const long long ns = (long long)t->tv_sec * 1000000000 + t->tv_nsec + ms * 1000000LL;
    t->tv_sec = (time_t)(ns / 1000000000);
    t->tv_nsec = (long)(ns % 1000000000);
    return 0;
}
