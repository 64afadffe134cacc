/** What a receipt proves of one line of a paper, in words, and the receipt's file (MUN-7). */
#ifndef MEREAU_COMMON_LINE_PROOF_H
#define MEREAU_COMMON_LINE_PROOF_H

#include "common/epochs.h"
#include "common/output.h"
#include "mereau/receipt.h"

struct line_proof {
    enum mr_status st; /* MR_OK, or why there is none */
    uint32_t quorum, needed;
    bool witnessed;   /* by as many as the charter wants */
    uint64_t time_ms; /* of the latest head */
};

/** From what verifying said; `facts` is looked at when that is MR_OK. It must be a receipt of the
 *  line's order; `order` NULL: nobody knows which that is, so nothing is proved. */
void line_proof_take(struct line_proof *ret, enum mr_status st,
                     const struct mr_receipt_facts *facts, const uint8_t *order);

/** "proved, 3 of 3", translated; it says also when witnesses are still to cosign. */
void line_proof_text(char *ret, size_t cap, const struct line_proof *p);

/** "proved", "not witnessed" (proved, and not yet that), "not proved": for machines. */
const char *line_proof_word(const struct line_proof *p);

/** One sentence about lines that are not witnessed yet, if there are any. */
void line_proof_note(struct out *out, size_t unwitnessed);

/** Save a receipt that was verified by these epochs as DIR/FIRST-DIGITS-OF-THE-ORDER.receipt,
 *  replacing. `dir` NULL: not wanted. MR_OK, or reported. */
enum mr_status line_proof_save(const struct epochs *e, struct out *out, const struct mr_receipt *r,
                               const char *dir, const uint8_t order[MR_HASH_BYTES]);

#endif
