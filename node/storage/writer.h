/** The open segment of one stream, and the next one, allocated beforehand. */
#ifndef MEREAU_STORAGE_WRITER_H
#define MEREAU_STORAGE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "storage/journal_file.h"
#include "storage/segment.h"

struct writer {
    const struct mr_journal_file_ops *ops;
    int dir; /* borrowed */
    enum mr_stream_family family;
    int fd;         /* -1: none */
    uint64_t first; /* of the open segment */
    uint64_t end;   /* of the stream */
    size_t cap;     /* bytes the open segment has behind its header */
    int spare_fd;   /* -1: none */
    size_t spare_cap;
};

/** The system's calls. */
extern const struct mr_journal_file_ops writer_system_ops;

void writer_init(struct writer *w, const struct mr_journal_file_ops *ops, int dir,
                 enum mr_stream_family family);

/** Bytes that certainly fit into the open segment, or into the spare one. */
size_t writer_room(const struct writer *w);
bool writer_fits(const struct writer *w, size_t len);

/** Allocate the next segment when there is none of that size yet. MR_OK; MR_DISK_FULL; MR_IO_ERROR:
 *  nothing that holds data was touched. */
enum mr_status writer_prepare(struct writer *w, size_t cap);

/** Make the spare segment the open one: header and `len` bytes of frames, synced, renamed,
 *  directory synced. A file of that name is replaced. Whatever was open is closed as it is. Any
 *  failure is final. */
enum mr_status writer_begin(struct writer *w, const struct segment_head *head, const uint8_t *bytes,
                            size_t len);

/** Cut what was allocated but not used off the open segment, sync and close it. */
enum mr_status writer_finish(struct writer *w);

/** Write behind the end and sync. `end` moves on success. Any failure is final. */
enum mr_status writer_append(struct writer *w, const uint8_t *bytes, size_t len);

/** Close without another write. The spare segment is removed: it holds nothing. */
void writer_done(struct writer *w);

/** Cut a closed segment to so many bytes behind its header, and sync it. */
enum mr_status writer_cut(const struct writer *w, uint64_t first, uint64_t bytes);

#endif
