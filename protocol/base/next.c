/* What a NEXT order makes of a charter: EPO-2. */
#include "mereau/handover.h"

enum mr_status mr_charter_next(struct mr_charter *c, const struct mr_next_epoch *next)
{
    if (next->associations_count > MR_ASSOCIATIONS_MAX - c->associations_count ||
        next->seats_count > MR_NODES_MAX)
        return MR_FULL;
    for (uint32_t i = 0; i < next->associations_count; i++)
        c->associations[c->associations_count++] = next->associations[i];
    c->nodes_count = next->seats_count;
    for (uint32_t i = 0; i < next->seats_count; i++)
        c->nodes[i] = next->seats[i].node;
    c->quorum = next->quorum;
    if (next->witnesses_count > 0)
        c->witnesses = next->witnesses[0];
    return MR_OK;
}
