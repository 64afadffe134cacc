/** A copy of a node's journal that grows: the same segments as the node's, so that whatever reads a
 *  data directory reads it too.
 *
 *  Turns are appended at the end of the last segment and synced by mirror_commit; the mark, a small
 *  file beside the journal, says up to where that was done. What stands behind the mark after a
 *  crash is kept as far as it is whole, and cut off from there on. */
#ifndef MEREAU_AUDIT_MIRROR_H
#define MEREAU_AUDIT_MIRROR_H

#include "mereau/audit.h"
#include "mereau/journal.h"
#include "storage/journal_scan.h"

struct mirror;

/** Opens `dir`/journal, making it when there is none. Take the directory's lock first.
 *  MR_OK; MR_DAMAGED, MR_WRONG_LEDGER: `ret_report->text` says what and where; MR_NO_MEMORY;
 *  MR_DISK_FULL, MR_IO_ERROR. */
enum mr_status mirror_open(struct mirror **ret, const char *dir, const uint8_t ledger[32],
                           uint32_t node, struct mr_journal_report *ret_report);

/** Whose journal a directory has; 0: none. */
uint32_t mirror_node(const char *dir);

/** Up to where the mark says that it is on the disk; turn 0 where there is no mark, or none that
 * can be read: nothing is known then. */
void mirror_mark(const char *dir, struct mr_journal_end *ret);

/** Where it ends, and where its last turn begins. */
const struct mr_journal_end *mirror_end(const struct mirror *m);
const struct mr_journal_end *mirror_before(const struct mirror *m);

/** Whether a turn is the next one: number, chained check, place and check of its bodies. `f` is the
 *  header of its log frame. */
bool mirror_follows(const struct mirror *m, const struct mr_audit_turn *t,
                    const struct mr_frame *f);

/** Append the next turn; without bodies when they were erased. Nothing of it stays on a failure:
 *  MR_DISK_FULL (may be repeated), MR_IO_ERROR (the mirror is over). */
enum mr_status mirror_append(struct mirror *m, const struct mr_audit_turn *t,
                             const struct mr_frame *f);

/** Bytes appended since the last commit. */
uint64_t mirror_pending(const struct mirror *m);

/** Make durable what was appended, then the mark. MR_OK, MR_DISK_FULL, MR_IO_ERROR. */
enum mr_status mirror_commit(struct mirror *m);

/** NULL is fine. Commits nothing. */
void mirror_close(struct mirror *m);

#endif
