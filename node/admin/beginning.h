/** Where a node's journal begins, and the state it stands on. A node that joined later took a state
 *  over (EPO-8, EPO-10): its journal means something only behind a snapshot of that, or of a later
 *  one. */
#ifndef MEREAU_ADMIN_BEGINNING_H
#define MEREAU_ADMIN_BEGINNING_H

#include "admin/context.h"
#include "storage/journal_scan.h"

/** For a journal_scan that looks for the first leaf: the START of a log of epoch 1, when the
 *  journal goes back to the founding. `entry` is room that the caller gives. */
struct beginning {
    struct mr_entry *entry;
    bool seen, later, stops; /**< stops: the scan ends there, with MR_ALREADY_DONE */
};
enum mr_status beginning_turn(void *ctx, const struct mr_frame *log, const uint8_t *payload,
                              const struct mr_frame *bodies, const uint8_t *bodies_payload);

/** Whether the journal in this directory begins with a state that was taken over. MR_OK, as
 *  journal_scan; a damaged journal begins where its first leaf says. */
enum mr_status beginning_find(bool *ret_later, const char *journal, const uint8_t ledger[32]);

/** Copy the newest snapshot below `from` that is what its name says to the directory of snapshots
 *  `to` (NULL: not), and as a store to the empty directory `store` (NULL: not). *ret_turn: what it
 *  covers. MR_OK; MR_NOT_FOUND; MR_DAMAGED; as writing a snapshot. */
enum mr_status beginning_copy(uint64_t *ret_turn, const char *from, const char *to,
                              const char *store, const struct mr_charter *genesis);

#endif
