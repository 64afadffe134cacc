/** Clocks in milliseconds. */
#ifndef MEREAU_COMMON_CLOCK_H
#define MEREAU_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

/** CLOCK_MONOTONIC: for deadlines and pauses; CLOCK_REALTIME: since 1970. */
static inline uint64_t clock_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#endif
