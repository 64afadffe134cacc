/** Verifies the auditor's signatures on worker threads and gives the batches back in order. */
#ifndef MEREAU_AUDIT_POOL_H
#define MEREAU_AUDIT_POOL_H

#include "common/command.h"
#include "mereau/audit.h"

enum { POOL_THREADS_MAX = 256 };

/** One thread a processor, at most POOL_THREADS_MAX. */
unsigned pool_threads(void);

/** Of --threads, else pool_threads(). MR_OK, or reported: MR_USAGE. */
enum mr_status pool_threads_given(const struct command *c, struct out *out, unsigned *ret);

struct pool;

/** threads >= 1. MR_OK, MR_NO_MEMORY. */
enum mr_status pool_create(struct pool **ret, struct mr_audit *audit, unsigned threads);

/** As mr_audit_feed; the signatures are handed over in batches. Waits while too many are under way;
 *  gives back those that are done, in the order they were handed over. */
enum mr_status pool_feed(struct pool *p, const struct mr_audit_turn *turn);

/** Hand over what is pending, wait for all of it and give it back. */
void pool_drain(struct pool *p);

/** Waits for what was handed over and ends the threads. NULL is fine. */
void pool_destroy(struct pool *p);

#endif
