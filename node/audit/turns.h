/** The turns of a running node's journal, read over a link from a position on (REQ_STREAM). */
#ifndef MEREAU_AUDIT_TURNS_H
#define MEREAU_AUDIT_TURNS_H

#include "common/link.h"
#include "mereau/audit.h"
#include "mereau/journal.h"

struct turns;

/** The link is borrowed; who may read is its caller's affair. MR_OK, MR_NO_MEMORY. */
enum mr_status turns_open(struct turns **ret, struct link *l, uint64_t log, uint64_t bodies);

/** The next turn, lent until the next call, and the header of its log frame, of which only the form
 *  was looked at. At the end the node is asked to wait that long for more.
 *  MR_OK; MR_NOT_FOUND: there is none now, ask again; MR_DAMAGED: what stands there is no whole
 *  turn, and none can be read from here on; MR_OUT_OF_RANGE: the node answers with other bytes than
 *  it was asked for; what link_call says. */
enum mr_status turns_next(struct turns *t, struct mr_audit_turn *ret, struct mr_frame *ret_frame,
                          uint32_t wait_ms);

/** Where the next turn begins. */
uint64_t turns_position(const struct turns *t);
/** Bytes of log that the node has, by its last answer. */
uint64_t turns_end(const struct turns *t);

/** NULL is fine. */
void turns_close(struct turns *t);

#endif
