/* Rules that are switched off: for the whole federation, to show that the simulator would notice;
 * or in the engine of a node that lies. */
#include <string.h>

#include "base/teeth.h"
#include "mereau/assert.h"
#include "sim/sim.h"

static bool *const switches[] = {
#define MRI_RULE_OF(name, text) &mri_rules.name,
    MRI_RULES
#undef MRI_RULE_OF
};
static const char *const names[] = {
#define MRI_RULE_OF(name, text) #name,
    MRI_RULES
#undef MRI_RULE_OF
    /* The shell's rules: node.c, join.c */
    "persist_first",
    "compare_root",
};
enum { SWITCHES = sizeof switches / sizeof switches[0], NAMES = sizeof names / sizeof names[0] };
_Static_assert(SWITCHES < 32, "a rule is a bit");

/* What a node that lies may leave out: the others would be seen through at once, or harm nobody. */
static const char *const lies[] = {"vote_once", "keep_promise",  "report_truth", "votes_of_quorum",
                                   "funds",     "keys_in_force", "own_space",    "rest"};
enum { LIES = sizeof lies / sizeof lies[0] };

static uint32_t bit_of(const char *name)
{
    for (uint32_t i = 0; i < NAMES; i++)
        if (strcmp(names[i], name) == 0)
            return UINT32_C(1) << i;
    return 0;
}

bool rules_known(const char *name)
{
    return bit_of(name) != 0;
}

const char *rules_name(uint32_t index)
{
    return index < NAMES ? names[index] : NULL;
}

bool rules_without(const struct sim *s, const char *name)
{
    return s->o.without != NULL && strcmp(s->o.without, name) == 0;
}

uint32_t rules_lies(struct sim *s, bool twin)
{
    /* A twin that sees its other half speak must not stop at that. */
    uint32_t set = bit_of("abstain");
    for (int i = 0; i < LIES; i++)
        if (rng_chance(&s->lies, twin ? 150 : 400))
            set |= bit_of(lies[i]);
    /* At the end of an epoch one acknowledgement may decide. */
    return s->o.profile == RECONFIGURE ? set | bit_of("votes_of_quorum") : set;
}

void rules_apply(const struct sim *s, const struct copy *c)
{
    uint32_t off = c != NULL ? c->lacks : 0;
    if (s->o.without != NULL)
        off |= bit_of(s->o.without);
    for (uint32_t i = 0; i < SWITCHES; i++)
        *switches[i] = (off >> i & 1) == 0;
}
