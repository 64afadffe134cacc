/** The journal: two append-only streams of framed turns, synced before anything is said.
 *
 *  A *position* counts bytes of one stream from genesis, frame headers included, segment headers
 *  not. Positions never change; old segments may have been erased or moved away.
 *  One thread (storage) calls append; read and end may be called from any thread. */
#ifndef MEREAU_JOURNAL_H
#define MEREAU_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/mem.h"
#include "mereau/record.h"
#include "mereau/status.h"

/* --- frames (spec/50-journal.md JNL-n) -------------------------------------------------------- */

enum { MR_FRAME_HEAD_BYTES = 88, MR_FRAME_ALIGN = 8, MR_TURN_BYTES_MAX = 8 << 20 };

/** Header of one turn in one stream, all integers big-endian:
 *  magic (4) payload length (4) turn (8) end (8) bodies_check (32) check (32).
 *  `end`: in a log frame the position in the bodies stream behind this turn; in a bodies frame the
 *  position behind itself. `bodies_check`: in a log frame the check of this turn's bodies frame,
 * zero when it has none; in a bodies frame zero. Payload is padded with zeros to MR_FRAME_ALIGN. */
struct mr_frame {
    enum mr_stream_family family;
    uint32_t len;  /**< payload bytes */
    uint64_t turn; /**< 1, 2, 3 ... without gap in the log; bodies skip turns without bodies */
    uint64_t end;
    uint8_t bodies_check[32];
    uint8_t check[32];
};

/** Bytes a payload takes in its stream: header, payload, padding. */
size_t mr_frame_size(size_t len);

/** Write a header in front of its payload. `out` holds the header; the payload with its zero
 *  padding stands directly behind it. Fills f->check: JNL-4, over `prev` (the check of the log's
 *  previous frame; NULL for bodies), the header and the payload. */
void mr_frame_write(uint8_t out[MR_FRAME_HEAD_BYTES], struct mr_frame *f, const uint8_t *prev);

/** Read and verify the frame at the start of `in`. prev NULL: a bodies frame, or a log frame whose
 *  predecessor is not known (then only its form is checked, not its check).
 *  MR_OK; MR_TRUNCATED (len bytes do not hold it all: *ret is filled when the header is there);
 *  MR_DAMAGED (magic, bounds, padding or check). */
enum mr_status mr_frame_read(struct mr_frame *ret, const uint8_t *in, size_t len,
                             const uint8_t *prev);

/* --- the journal ------------------------------------------------------------------------------ */

struct mr_journal;

struct mr_journal_end {
    uint64_t log, bodies; /**< positions behind the last whole turn */
    uint64_t turn;        /**< that turn; 0: empty */
    uint8_t check[32];    /**< check of its log frame; zero when empty */
};

struct mr_journal_api {
    /** Append the frames of one turn (either may be empty: len 0; then nothing is written there)
     *  and sync them. MR_OK: durable. MR_DISK_FULL: nothing was written, may be repeated later.
     *  MR_IO_ERROR: the file must not be touched again; the process discards its view and exits. */
    enum mr_status (*append)(struct mr_journal *j, const uint8_t *log, size_t log_len,
                             const uint8_t *bodies, size_t bodies_len);
    /** Room that append can certainly use for one turn, in bytes of both streams together, the
     *  reserve for shutdown not counted. 0 when the disk is full. Cheap; any thread. */
    size_t (*room)(struct mr_journal *j);
    /** Copy up to cap bytes from a position. MR_OK, *ret_len < cap at the end of the stream (0 at
     *  or behind it), or in front of an erased part; MR_BODY_ERASED when the position lies in an
     *  erased part; MR_IO_ERROR. Only synced bytes are returned. */
    enum mr_status (*read)(struct mr_journal *j, enum mr_stream_family family, uint64_t position,
                           uint8_t *ret, size_t cap, size_t *ret_len);
    /** Synced so far. */
    void (*end)(struct mr_journal *j, struct mr_journal_end *ret);
    void (*close)(struct mr_journal *j);
};

/** Implementations begin with this. */
struct mr_journal {
    const struct mr_journal_api *api;
};

/** In memory, with crash semantics; `fails` as for the store ("append": MR_IO_ERROR, a random part
 *  may have reached the medium; "room": full). `reopen` after `crash` cuts a torn turn off. */
struct mr_journal_faults {
    bool (*fails)(void *ctx, const char *call);
    void *ctx;
};
enum mr_status mr_journal_mem_open(struct mr_journal **ret, const struct mr_mem *mem,
                                   const struct mr_journal_faults *faults);

#endif
