/** Verifies the auditor's signatures on worker threads and gives the batches back in order. */
#ifndef MEREAU_AUDIT_POOL_H
#define MEREAU_AUDIT_POOL_H

#include "mereau/audit.h"

struct pool;

/** threads >= 1. MR_OK, MR_NO_MEMORY. */
enum mr_status pool_create(struct pool **ret, struct mr_audit *audit, unsigned threads);

/** Hand a batch over. Waits while too many are under way; gives back those that are done, in the
 *  order they were handed over. NULL is fine. */
void pool_push(struct pool *p, struct mr_audit_batch *b);

/** Wait for all of them and give them back. */
void pool_drain(struct pool *p);

/** Drains and ends the threads. NULL is fine. */
void pool_destroy(struct pool *p);

#endif
