/* Twins: two copies of a node with one key and one history, each shown to other peers. Neither
 * knows of the other, and both keep every rule; together they break them. */
#include <string.h>

#include "mereau/assert.h"
#include "sim/sim.h"
#include "sim/watch.h"

void twin_make(struct sim *s, uint32_t number)
{
    struct copy *first = &s->copies[number - 1], *second = &s->copies[s->copies_count];
    uint32_t side;
    mr_assert(s->copies_count < COPIES_MAX);
    mr_assert(!first->up);
    node_make(s, second, number);
    do {
        side = (uint32_t)rng_next(&s->lies) & ((UINT32_C(1) << s->nodes) - 1);
    } while (side == 0);
    first->serves = side;
    second->serves = ~side;
    first->honest = second->honest = false;
    first->lacks = rules_lies(s, true);
    second->lacks = rules_lies(s, true);
    tell(s, "node %u has a twin, copy %u; the first serves %x; they lack %x and %x", number,
         second->index, side, first->lacks, second->lacks);
}
