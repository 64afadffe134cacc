/** Segment files of the journal: names, headers, lists.
 *
 *  `log-%016x.seg` and `bodies-%016x.seg`; the number is the position of the first frame. A header
 *  of SEGMENT_HEAD_BYTES, then frames. A frame never crosses from one segment into the next. */
#ifndef MEREAU_STORAGE_SEGMENT_H
#define MEREAU_STORAGE_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/journal.h"

enum { SEGMENT_HEAD_BYTES = 144, SEGMENT_NAME_MAX = 40, SEGMENT_TEXT_MAX = 256 };

/** What a header says. All integers big-endian: magic (8) version (4) family (4) node (4) zero (4)
 *  ledger (32) position (8) turn (8) bodies (8) check before (32) BLAKE2b-256 of all that (32). */
struct segment_head {
    enum mr_stream_family family;
    uint32_t node;
    uint8_t ledger[32];
    /** The journal's end in front of the first frame. In a bodies segment only `bodies` is said. */
    struct mr_journal_end before;
};

/** A segment on the disk. `bytes` counts what stands behind the header: frames, and in the open
 *  last one also what was allocated for more. */
struct segment {
    uint64_t first, bytes;
};

/** Ascending by `first`. */
struct segment_list {
    struct segment *at;
    size_t count, cap;
};

/** Position of the first frame behind a head. */
uint64_t segment_first(const struct segment_head *h);

void segment_head_encode(uint8_t ret[SEGMENT_HEAD_BYTES], const struct segment_head *h);
/** MR_OK or MR_DAMAGED. */
enum mr_status segment_head_decode(struct segment_head *ret, const uint8_t in[SEGMENT_HEAD_BYTES]);

void segment_name(char ret[SEGMENT_NAME_MAX], enum mr_stream_family family, uint64_t first);

/** Where the next segment is prepared; of the length of a name, so that renaming needs no space. */
const char *segment_spare_name(enum mr_stream_family family);

/** Open a segment for reading; *ret_fd is the caller's. MR_NO_SUCH_FILE, MR_IO_ERROR. */
enum mr_status segment_open(int *ret_fd, int dir, enum mr_stream_family family, uint64_t first);

/** Read and verify the head of one segment: also that it is the family and position of its name.
 *  MR_DAMAGED, MR_NO_SUCH_FILE, MR_IO_ERROR. */
enum mr_status segment_head_read(struct segment_head *ret, int dir, enum mr_stream_family family,
                                 uint64_t first);

/** List the segments of a family. On success the caller ends it with segment_list_done. */
enum mr_status segment_list_read(struct segment_list *ret, int dir, enum mr_stream_family family);
enum mr_status segment_list_add(struct segment_list *l, struct segment s);
void segment_list_done(struct segment_list *l);

/** Index of the last segment that starts at or before a position; SIZE_MAX when there is none. */
size_t segment_list_find(const struct segment_list *l, uint64_t position);

/** pread until `len` bytes or the end of the file. *ret_len is what came. */
enum mr_status segment_pread(int fd, uint8_t *ret, size_t len, uint64_t offset, size_t *ret_len);

#endif
