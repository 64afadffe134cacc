/* Virtual time: events by time, and by the order they were set in when the times are equal. */
#ifndef MEREAU_TESTS_SIM_CLOCK_H
#define MEREAU_TESTS_SIM_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;
struct event;
typedef void (*event_fn)(struct sim *s, struct event *ev);

/* What an event carries: its user says what the numbers mean. */
struct event {
    uint64_t at_us, order;
    event_fn run;
    uint32_t a, b, c, d;
    uint8_t *bytes; /* owned by the event; freed after run */
    size_t len;
};

struct clock {
    uint64_t now_us, orders, steps;
    struct event *heap;
    size_t count, cap;
};

void clock_done(struct clock *c);
/* Have an event run in delay_us; with a copy of bytes, if there are any. */
void clock_set(struct clock *c, uint64_t delay_us, const struct event *ev);
void clock_set_with(struct clock *c, uint64_t delay_us, const struct event *ev,
                    const uint8_t *bytes, size_t len);
/* Run the next event. False: there is none. */
bool clock_step(struct sim *s, struct clock *c);

#endif
