/** The journal on real files (rules of the medium: spec/50-journal.md).
 *
 *  A turn's bodies are written and synced before its log frame: a whole log frame means that all of
 *  the turn is there. The next segment of each stream is allocated beforehand, so that lack of
 *  space is known before a turn is made; room() keeps a reserve back for what a node says when it
 *  stops.
 *
 *  A failed write or sync is never repeated on its file: afterwards every call says MR_IO_ERROR and
 *  the process must end. Opening copies the last turn into a new segment and syncs it, for what
 *  can be read after such a failure need not be on the disk. */
#ifndef MEREAU_STORAGE_JOURNAL_FILE_H
#define MEREAU_STORAGE_JOURNAL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mereau/journal.h"
#include "storage/journal_scan.h"

/** The calls that can fail on a bad or full disk; tests hand in their own. As the system's: -1 and
 *  errno. `available`: bytes that may be allocated in the directory. */
struct mr_journal_file_ops {
    ssize_t (*pwrite)(int fd, const void *bytes, size_t len, off_t offset);
    int (*fdatasync)(int fd);
    int (*fallocate)(int fd, int mode, off_t offset, off_t len);
    uint64_t (*available)(int dir);
};

struct mr_journal_file_options {
    const uint8_t *ledger; /**< 32 bytes. NULL only with read_only: any */
    uint32_t node;         /**< 0 only with read_only: any */
    size_t segment_bytes;  /**< behind the header; 0: 64 MiB. A larger turn gets a larger segment */
    size_t reserve_bytes;  /**< kept back by room(); 0: 1 MiB; at most a quarter of a segment */
    bool read_only;        /**< append is our bug; nothing is changed; a running node may go on */
    const struct mr_journal_end *covered;  /**< what the store covers; NULL: nothing. The segment
                                              that  holds it and all later ones are verified. */
    const struct mr_journal_file_ops *ops; /**< NULL: the system's */
};

/** Open, making directory and first segments when there are none, and verify as said. Take the
 *  directory's lock first (lock.h), but for read_only. `ret_report` is filled on every outcome that
 *  came from reading: a torn turn that was cut off, or what is damaged and where.
 *
 *  MR_OK; MR_DAMAGED; MR_WRONG_LEDGER (also another node's); MR_DISK_FULL (no space even for the
 *  smallest segment); MR_NO_SUCH_FILE (read_only); MR_NO_MEMORY; MR_IO_ERROR. */
enum mr_status mr_journal_file_open(struct mr_journal **ret, const char *dir,
                                    const struct mr_journal_file_options *options,
                                    struct mr_journal_report *ret_report);

/** Erase the bodies segments that end at or before a position, never the open one. *ret_first: the
 *  first position still there. From the thread that appends. MR_OK, MR_IO_ERROR. */
enum mr_status mr_journal_file_erase(struct mr_journal *base, uint64_t *ret_first,
                                     uint64_t position);

#endif
