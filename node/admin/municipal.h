/** What the treasury's chain says about one municipality in a period, explained by the register,
 * each line with its receipt (spec/95-municipal.md MUN-7). */
#ifndef MEREAU_ADMIN_MUNICIPAL_H
#define MEREAU_ADMIN_MUNICIPAL_H

#include "admin/archive.h"
#include "common/day.h"
#include "common/line_proof.h"

/** One payee of an ISSUE that the register explains as an assigned conversion. */
struct conversion_line {
    struct mr_conversion conversion;
    const struct mandate_row *mandate; /* NULL: the register lost it */
    bool mandate_good;                 /* signed by the payee */
    char payee_name[MR_NAME_MAX + 1];  /* by the register; "": it knows none */
    uint8_t order[MR_HASH_BYTES];
    uint64_t seq, time_ms; /* place on the treasury's chain; when it settled */
    uint32_t at;           /* of the ISSUE's lines, from 0 */
    size_t sheet;          /* index of the first line of the same payment order */
    struct line_proof proof;
};

/** A PAYOUT of what the municipality had collected and given back. */
struct payout_line {
    uint8_t order[MR_HASH_BYTES], redemption[MR_HASH_BYTES];
    int64_t amount, fee;
    char bank[MR_ADDRESS_MAX + 1]; /* "": not kept in the register */
    uint64_t seq, time_ms;
    struct line_proof proof;
};

/** A redemption that waits for its euros now. */
struct waiting_line {
    uint8_t redemption[MR_HASH_BYTES];
    int64_t amount, fee;
    uint64_t time_ms; /* owner's */
};

struct municipal {
    struct admin *a;
    uint8_t municipality[MR_ACCOUNT_BYTES];
    char name[MR_NAME_MAX + 1]; /* the municipality's, by the register; "": it knows none */
    struct period period;
    struct mandates mandates;
    struct conversions known;
    struct conversion_line *conversions;
    struct payout_line *payouts;
    struct waiting_line *waiting;
    size_t conversion_count, payout_count, waiting_count;
    size_t conversion_cap, payout_cap, waiting_cap;
    size_t erased;      /* orders of the period whose content is gone */
    size_t unexplained; /* ISSUEs of the period that cite something the register does not know */
    size_t unproved;    /* lines without a receipt, or whose mandate is not good */
    size_t orders;      /* payment orders of the conversions */
    size_t unwitnessed; /* with one that witnesses are still to cosign */
    int64_t converted, paid_out, fees;
    int64_t waiting_euros; /* of what waits, fees taken off */
    enum mr_status st;     /* of a walk */
};

/** Gather everything; `receipts`: a directory to save them in, or NULL. Reported; municipal_done in
 *  any case. */
enum mr_status municipal_read(struct municipal *ret, struct admin *a,
                              const uint8_t municipality[MR_ACCOUNT_BYTES],
                              const struct period *period, const char *receipts);
void municipal_done(struct municipal *m);

#endif
