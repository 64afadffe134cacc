/** Walk through the turns of a journal's directory and verify every byte on the way.
 *
 *  Reads only. Memory is bounded: a window of one frame a stream. Works on a running node's
 *  directory, on a stopped node's, on a crashed node's and on a backup; the mode says what may
 *  stand behind the last whole turn. Log segments may be missing at the start, bodies segments
 *  anywhere. */
#ifndef MEREAU_STORAGE_JOURNAL_SCAN_H
#define MEREAU_STORAGE_JOURNAL_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/journal.h"

enum { JOURNAL_TEXT_MAX = 256 };

enum journal_scan_mode {
    JOURNAL_STOPPED, /**< every byte must belong to a whole turn */
    JOURNAL_CRASHED, /**< the last turn may be torn; whole turns behind a bad one are damage */
    JOURNAL_LIVE,    /**< as crashed, while somebody appends */
};

/** What was found. Complete on MR_OK. On MR_DAMAGED and MR_WRONG_LEDGER `text` names file, offset
 *  and what is wrong, and `end` is the last turn that was good. */
struct mr_journal_report {
    struct mr_journal_end end;        /**< behind the last whole turn */
    struct mr_journal_end before;     /**< in front of it; equal to end when no turn was read */
    uint64_t first_log, first_bodies; /**< first positions present */
    uint64_t turns;                   /**< read and verified */
    uint64_t erased;                  /**< bytes of their bodies that are not there any more */
    uint64_t torn_log, torn_bodies;   /**< bytes behind the end that are not zero */
    char text[JOURNAL_TEXT_MAX];      /**< empty when there is nothing to say */
};

/** One verified turn. `bodies` is NULL when it has none or they are erased (log->bodies_check tells
 *  which). A payload stands in its whole frame, MR_FRAME_HEAD_BYTES behind its beginning, padding
 *  and all. Everything is lent for the call. Anything but MR_OK ends the scan with that status. */
typedef enum mr_status (*journal_turn)(void *ctx, const struct mr_frame *log,
                                       const uint8_t *log_payload, const struct mr_frame *bodies,
                                       const uint8_t *bodies_payload);

struct journal_scan_options {
    enum journal_scan_mode mode;
    const uint8_t *ledger; /**< 32 bytes, or NULL: any */
    uint32_t node;         /**< 0: any */
    uint64_t from; /**< log position of the first turn wanted; its segment is read as a whole */
    const struct mr_journal_end *covered; /**< must be there; NULL: nothing is known */
    journal_turn turn;                    /**< may be NULL */
    void (*progress)(void *ctx, uint64_t done, uint64_t of); /**< bytes of log; may be NULL */
    void *ctx;
};

/** MR_OK; MR_DAMAGED; MR_WRONG_LEDGER (another ledger's or node's); MR_NO_SUCH_FILE (the
 *  directory); MR_NO_MEMORY; MR_IO_ERROR; or what `turn` returned. */
enum mr_status journal_scan(struct mr_journal_report *ret, const char *dir,
                            const struct journal_scan_options *options);

#endif
