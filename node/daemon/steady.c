#include "daemon/steady.h"

uint64_t steady_ms(struct steady *s, uint64_t wall_ms, uint64_t mono_ms)
{
    if (wall_ms >= s->given_ms) {
        s->behind_ms = 0;
        s->given_ms = wall_ms;
        return wall_ms;
    }
    if (s->behind_ms == 0) {
        s->from_ms = s->given_ms;
        s->since_ms = mono_ms;
    }
    /* From where it began: halves of single milliseconds would be lost. */
    const uint64_t now_ms = s->from_ms + (mono_ms - s->since_ms) / 2;
    if (now_ms > s->given_ms)
        s->given_ms = now_ms;
    s->behind_ms = s->given_ms - wall_ms;
    return s->given_ms;
}
