/* Twins: two copies of a node with one key and one history, each shown to other peers. Neither
 * knows of the other, and both keep every rule; together they break them. */
#include <string.h>

#include "mereau/assert.h"
#include "sim/sim.h"
#include "sim/watch.h"

/* Whom the first copy answers; all others are the second one's. Over tolerance all twins agree, so
 * that each half of the honest nodes lives in a world of its own. */
static uint32_t draw_side(struct sim *s)
{
    const uint32_t all = (UINT32_C(1) << s->nodes) - 1;
    uint32_t side = 0, honest = all;
    if (s->o.beyond && s->side != 0)
        return s->side;
    for (uint32_t i = 1; i <= s->nodes; i++)
        if (s->o.beyond && s->liar[i])
            honest &= ~(UINT32_C(1) << (i - 1));
    while (side == 0 || side == honest)
        side = (uint32_t)rng_next(&s->lies) & honest;
    s->side = side | (all & ~honest);
    return s->side;
}

void twin_make(struct sim *s, uint32_t number)
{
    struct copy *first = &s->copies[number - 1], *second = &s->copies[s->copies_count];
    mr_assert(s->copies_count < COPIES_MAX);
    mr_assert(!first->up);
    node_make(s, second, number);
    first->serves = draw_side(s);
    second->serves = ~first->serves;
    first->honest = second->honest = false;
    first->lacks = rules_lies(s, true);
    second->lacks = rules_lies(s, true);
    tell(s, "node %u has a twin, copy %u; the first serves %x; they lack %x and %x", number,
         second->index, first->serves, first->lacks, second->lacks);
}
