/** Whether what the charter wants of its witnesses is there (AUD-57): asked of a node that was just
 *  followed to its end, and held against its mirror. */
#ifndef MEREAU_AUDIT_COSIGNED_H
#define MEREAU_AUDIT_COSIGNED_H

#include "audit/apart.h"
#include "audit/follower.h"

/** The node's answer. Nothing where the charter wants no witness, or where
 *  the node is not followed to its end. A head that the witnesses cosigned and the mirror does not
 *  have contradicts; the last checkpoint without enough of them is late, or nothing is cosigned at
 *  all. A row for the node into `list`. While nothing is cosigned it is asked again until then
 *  (monotonic; 0: once). */
void cosigned_check(struct apart *k, struct follower *f, const struct source *s, json_t *list,
                    uint64_t until_ms);
/** Whether there is something to ask of it. */
bool cosigned_can_check(const struct follower *f);

#endif
