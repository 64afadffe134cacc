/** The time a node goes by: that of the wall clock, except that it never goes back. */
#ifndef MEREAU_DAEMON_STEADY_H
#define MEREAU_DAEMON_STEADY_H

#include <stdint.h>

/** {0} is one that was not asked yet. */
struct steady {
    uint64_t given_ms;          /* the last time given */
    uint64_t from_ms, since_ms; /* while the wall clock is behind: where that began, and when */
    uint64_t behind_ms;         /* how far the wall clock is behind; 0: it is not */
};

/** The time now. wall_ms: unix milliseconds, may jump. mono_ms: of a clock that only goes on. While
 *  the wall clock is behind what was given, time goes on at half its pace: timers run, and the wall
 *  clock catches up in as long again as it was set back. */
uint64_t steady_ms(struct steady *s, uint64_t wall_ms, uint64_t mono_ms);

#endif
