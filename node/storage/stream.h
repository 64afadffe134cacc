/** Read one segment from front to back through a window that grows to the largest frame. */
#ifndef MEREAU_STORAGE_STREAM_H
#define MEREAU_STORAGE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "storage/segment.h"

struct stream {
    int dir; /* borrowed */
    enum mr_stream_family family;
    int fd; /* -1: no segment is open */
    struct segment segment;
    uint64_t position; /* of the next byte */
    uint8_t *window;
    size_t cap, start, len; /* window[start..start+len) stands at position */
};

void stream_init(struct stream *s, int dir, enum mr_stream_family family);
void stream_done(struct stream *s);

/** Go to the front of a segment. MR_NO_SUCH_FILE, MR_IO_ERROR. */
enum mr_status stream_open(struct stream *s, const struct segment *segment);

/** Go to a position of the open segment, and forget the window. */
void stream_seek(struct stream *s, uint64_t position);

/** Lend the bytes at the position until the next call: at least `want`, fewer only at the segment's
 *  end. `want` is at most the size of the largest frame. MR_OK, MR_NO_MEMORY, MR_IO_ERROR. */
enum mr_status stream_peek(struct stream *s, const uint8_t **ret, size_t *ret_len, size_t want);

/** Go on behind n bytes that were lent. */
void stream_skip(struct stream *s, size_t n);

/** Lend the frame at the position. prev: as mr_frame_read takes it. MR_OK; MR_NOT_FOUND (nothing is
 *  left); MR_TRUNCATED; MR_DAMAGED; MR_NO_MEMORY, MR_IO_ERROR. */
enum mr_status stream_frame(struct stream *s, struct mr_frame *ret, const uint8_t **ret_payload,
                            const uint8_t *prev);

#endif
