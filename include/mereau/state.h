/** A state that others vouch for: how a node that joins takes it over (spec/47-epochs.md EPO-8).
 *
 *  The caller fetches the rows of the shared tables from some node, puts them into an empty store,
 *  adopts it, and uses it only if mr_state_sum over it is what q nodes of the epoch before said in
 *  their FINAL leaves. */
#ifndef MEREAU_STATE_H
#define MEREAU_STATE_H

#include <stdbool.h>

#include "mereau/handover.h"
#include "mereau/mem.h"
#include "mereau/record.h"
#include "mereau/status.h"
#include "mereau/store.h"

/** Whether a table holds what all nodes hold alike. */
bool mr_state_is_shared(enum mr_table table);

/** Put one row of a shared table, as another node keeps it, into a store. Where bodies of orders
 *  stand is forgotten, and so are the acknowledgements of slots: both are in that node's journal.
 *  MR_OK, OUT_OF_RANGE (not a shared table), DAMAGED, I/O trouble. */
enum mr_status mr_state_row_put(struct mr_store *into, enum mr_table table,
                                const struct mr_state_row *row);

/** Make the store that of node `node` at the beginning of the epoch behind a chain of handovers,
 * which were verified. MR_OK; MR_NOT_FOUND: that epoch has no such node; MR_NO_MEMORY, I/O trouble.
 */
enum mr_status mr_adopt(struct mr_store *into, const struct mr_charter *charter, uint32_t node,
                        const struct mr_chain *chain, const struct mr_mem *mem);

#endif
