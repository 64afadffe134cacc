/** Municipal money: what a payee's mandate allows, and how an ISSUE cites it
 *  (spec/95-municipal.md MUN-n). */
#ifndef MEREAU_MANDATE_H
#define MEREAU_MANDATE_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/record.h"
#include "mereau/sign.h"
#include "mereau/status.h"

/** MUN-1: id of a mandate; it does not cover the signatures. */
void mr_mandate_id(uint8_t ret[32], const struct mr_mandate *mandate);

/** Add one signature at its place by ascending key index; at most MR_MANDATE_SIGS_MAX. */
void mr_mandate_sign(struct mr_signed_mandate *m, uint32_t key_index, const struct mr_seckey *key);

/** Under the payee's key set of the generation that the mandate names: MR_OK, MR_BAD_SIGNATURE,
 *  MR_SIGNATURES_MISSING. */
enum mr_status mr_mandate_verify(const struct mr_signed_mandate *m, const struct mr_keyset *keys);

/** What is wanted of a mandate. */
struct mr_mandate_use {
    const uint8_t *ledger;                             /* 32 bytes */
    const uint8_t *payee, *municipality, *association; /* 16 bytes each */
    uint64_t now_ms;
    int64_t amount; /* of this conversion, above zero */
    int64_t used;   /* of the mandate by others, settled or under way */
};

/** MUN-2: MR_OK; MR_WRONG_LEDGER; MR_MANDATE_OTHER; MR_MANDATE_EXPIRED; MR_MANDATE_OVER. Whether it
 *  was revoked is not the mandate's to know. */
enum mr_status mr_mandate_allows(const struct mr_mandate *m, const struct mr_mandate_use *use);

/** LED-40: a reference as it is compared: ASCII letters to upper case; blanks, '-', '/' and '.'
 *  removed. ret holds cap bytes. MR_OK; MR_TOO_LARGE; MR_BAD_TEXT when nothing is left. */
enum mr_status mr_reference_normalise(char *ret, size_t cap, const char *text);

/** MUN-3: `ref` of the ISSUE: commitment to the ids of the mandates, 32 bytes for each line in the
 *  order of the lines (1 to MR_LINES_MAX of them), and the payment order's reference, normalised as
 * LED-40 (at most MR_NAME_MAX bytes). */
void mr_conversion_ref(uint8_t ret[32], const uint8_t salt[16], const uint8_t *mandates,
                       size_t count, const char *payment_order);

#endif
