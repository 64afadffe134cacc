/** Two histories of one log, from two books: evidence that convicts whoever signed both (EVD-3). */
#ifndef MEREAU_AUDIT_FORK_H
#define MEREAU_AUDIT_FORK_H

#include "mereau/audit.h"

struct fork_log;

/** The log of a node in an epoch; nothing is in it yet. MR_OK, MR_NO_MEMORY. */
enum mr_status fork_log_create(struct fork_log **ret, uint32_t epoch, uint32_t node);

/** Take what a turn of anybody's book has of it: leaves and heads. MR_OK; MR_NO_MEMORY; MR_DAMAGED:
 *  the turn cannot be read. */
enum mr_status fork_log_take(struct fork_log *l, const struct mr_audit_turn *t);

/** Heads of the two over leaves that differ. MR_OK: *ret convicts, once ledger, version and
 *  handover are filled in; MR_NOT_FOUND: no heads show it. */
enum mr_status fork_find(struct mr_evidence *ret, const struct fork_log *a,
                         const struct fork_log *b);

/** NULL is fine. */
void fork_log_destroy(struct fork_log *l);

#endif
