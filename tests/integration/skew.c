/* Preloaded into a node: its wall clock is ahead by SKEW_MS milliseconds, or behind. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);
    const char *const text = getenv("SKEW_MS");
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    const int got = real(id, t);
    if (got != 0 || id != CLOCK_REALTIME || text == NULL)
        return got;
    const long ms = strtol(text, NULL, 10);
    const long long ns = (long long)t->tv_sec * 1000000000 + t->tv_nsec + ms * 1000000LL;
    t->tv_sec = (time_t)(ns / 1000000000);
    t->tv_nsec = (long)(ns % 1000000000);
    return 0;
}
