/** Copying a journal turn by turn, from a running node or from files. Every frame is verified on
 * the way; the copy is a journal directory like the node's own. */
#ifndef MEREAU_ADMIN_COPY_H
#define MEREAU_ADMIN_COPY_H

#include "admin/context.h"
#include "mereau/journal.h"

struct copier;

/** Copy to the journal directory `dest`, going on behind what it holds already. source NULL: the
 *  node that a->link leads to; else that journal, borrowed. Reported. */
enum mr_status copier_open(struct copier **ret, struct admin *a, struct mr_journal *source,
                           const char *dest);

/** Copy what there is, at most `turns` of them (0: all). When there is nothing, wait up to wait_ms
 *  for more (running node only). *ret_count: turns copied. MR_OK; MR_UNREACHABLE and MR_NO_ANSWER
 *  (not reported); others reported. */
enum mr_status copier_run(struct copier *c, uint64_t *ret_count, uint64_t turns, uint32_t wait_ms);

/** Bytes of the log that the source had when it was last asked; 0: not known. */
uint64_t copier_source_end(const struct copier *c);

/** Where the copy ends. */
void copier_end(const struct copier *c, struct mr_journal_end *ret);

/** Make the copy durable. Reported. */
enum mr_status copier_sync(struct copier *c);

/** NULL is fine. */
void copier_close(struct copier *c);

#endif
