/* mereau-proxy: lib/proxy.h for scripts. Passes connections on until SIGTERM. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/proxy.h"

enum { EXIT_WRONG_USE = 2, EXIT_HOST_TROUBLE = 4, DELAY_MS_MAX = 60000 };

static void usage(FILE *to)
{
    fputs("usage: mereau-proxy [--delay MS] PORT TARGET...\n\n"
          "Listens on PORT of loopback (0: any that is free) and passes connections on to the\n"
          "TARGET ports in turn, all bytes MS milliseconds later. For tests.\n",
          to);
}

static bool number(long *ret, const char *text, long max)
{
    char *end;
    *ret = strtol(text, &end, 10);
    return end != text && *end == '\0' && *ret >= 0 && *ret <= max;
}

int main(int argc, char **argv)
{
    uint16_t ports[1 + PROXY_TARGETS_MAX];
    size_t count = 0;
    long value, delay_ms = 0;
    bool good = true;
    for (int i = 1; i < argc && good; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
            usage(stdout);
            return EXIT_SUCCESS;
        }
        if (strcmp(argv[i], "--delay") == 0) {
            good = ++i < argc && number(&delay_ms, argv[i], DELAY_MS_MAX);
            continue;
        }
        good = count <= PROXY_TARGETS_MAX && number(&value, argv[i], UINT16_MAX);
        if (good)
            ports[count++] = (uint16_t)value;
    }
    if (!good || count < 2) {
        usage(stderr);
        return EXIT_WRONG_USE;
    }
    sigset_t ends;
    int caught;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    struct proxy *const p = proxy_start(ports[0], ports + 1, count - 1);
    if (p == NULL) {
        fprintf(stderr, "mereau-proxy: cannot listen on port %u\n", (unsigned)ports[0]);
        return EXIT_HOST_TROUBLE;
    }
    proxy_delay(p, (uint32_t)delay_ms * 1000);
    printf("ready port=%u\n", (unsigned)proxy_port(p));
    fflush(stdout);
    sigwait(&ends, &caught);
    proxy_stop(p);
    return EXIT_SUCCESS;
}
