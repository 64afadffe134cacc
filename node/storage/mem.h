/** Store and journal in memory: what their tests and the simulator need beside the contracts.
 *
 *  Faults asked of mr_store_faults.fails, by name: "get", "walk", "refresh", "commit" (fails, old
 *  state stays), "committed" (fails after the new state became durable: the caller cannot know
 *  which), and "space", which is not an error: true gives MR_DISK_FULL and nothing changes.
 *  Faults asked of mr_journal_faults.fails: "append" (the turn may or may not survive the crash),
 *  "space" (append gives MR_DISK_FULL), "room" (room says 0), "read".
 *  After MR_IO_ERROR every call gives MR_IO_ERROR until crash and reopen, as with a dead process.
 */
#ifndef MEREAU_STORAGE_MEM_H
#define MEREAU_STORAGE_MEM_H

#include "mereau/journal.h"
#include "mereau/store.h"

/** The process is gone: what was not committed is lost, and what was committed is visible. */
void mr_store_mem_crash(struct mr_store *s);

/** Flip one bit of a stored value: later reads of it give MR_DAMAGED. MR_OK or MR_NOT_FOUND. */
enum mr_status mr_store_mem_flip(struct mr_store *s, enum mr_table table, const uint8_t *key,
                                 size_t key_len);

/** The process is gone. Of the last turn whose append failed, `keep` bytes reached the medium,
 *  counted over bodies first and log behind them, as append writes them; UINT64_MAX: all. Turns
 *  that append called durable are never lost. Calls give MR_IO_ERROR until reopen. */
void mr_journal_mem_crash(struct mr_journal *j, uint64_t keep);

/** Start again: a torn turn is cut off, a whole one counts. *ret_torn (may be NULL): something was
 *  cut off. */
void mr_journal_mem_reopen(struct mr_journal *j, bool *ret_torn);

/** Erase the bodies in front of a position (the start of a frame). */
void mr_journal_mem_erase(struct mr_journal *j, uint64_t position);

/** The bytes of one stream, for tests that damage or compare them. Lent until the next append. */
uint8_t *mr_journal_mem_bytes(struct mr_journal *j, enum mr_stream_family family, size_t *ret_len);

#endif
