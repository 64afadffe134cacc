/** Assigned conversions: what an ISSUE commits to, and whether a mandate bears it
 *  (spec/95-municipal.md MUN-2 to MUN-5). */
#ifndef MEREAU_ADMIN_CONVERSION_H
#define MEREAU_ADMIN_CONVERSION_H

#include "admin/archive.h"

enum {
    CONVERSION_ORDER_MAX = MR_NAME_MAX,
    /* What was not settled by then never is: its order's last day is over. */
    CONVERSION_OPEN_MS = 8 * 86400000,
    CONVERT_ID_DIGITS = 16, /* of a mandate, as people see it */
};

/** The reference of a payment order as it is compared: normalised as LED-40. MR_OK; MR_TOO_LARGE;
 *  MR_BAD_TEXT when nothing is left. */
enum mr_status conversion_order(char ret[CONVERSION_ORDER_MAX + 1], const char *text);

/** Whether a conversion is of this payment order of this municipality. `order` is normalised. */
bool conversion_is_for(const struct mr_conversion *c, const uint8_t municipality[MR_ACCOUNT_BYTES],
                       const char *order);

/** The conversions that an order is the ISSUE of, as indices, one for each of its lines: one bank
 *  line, and its `ref` commits to their mandates and payment order. Returns how many; 0: these do
 *  not explain it. */
size_t conversions_of(const struct conversions *all, const struct mr_order *o,
                      size_t ret[MR_LINES_MAX]);

/** Whether an order says that it is one of an assigned conversion, whatever stands behind that. */
bool conversion_is_claimed(const struct mr_order *o);

/** Ask the node what the bank line of a conversion was used for, once for all that share it.
 *  Reported. */
enum mr_status conversion_look(struct admin *a, const struct conversions *all,
                               struct conversion_row *row);

/** Whether a conversion that was looked at settled, or still may. */
bool conversion_is_alive(const struct conversion_row *row);

/** Units that the other conversions take of a mandate: settled ones, and those that still may be.
 *  `except` is the key of the one that is not counted. Reported. */
enum mr_status conversion_used(struct admin *a, int64_t *ret, const struct conversions *all,
                               const uint8_t mandate[MR_HASH_BYTES],
                               const uint8_t except[MR_ACCOUNT_BYTES]);

/** Whether a mandate bears a conversion now: signature, revocation, MUN-2. Not reported. */
enum mr_status conversion_allowed(const struct admin *a, const struct mandate_row *row,
                                  const struct mr_conversion *c, int64_t used);

/** For who signs next: MR_OK when the order claims nothing, or when the register explains it and
 *  the mandate bears it now. `first`: nobody has signed yet, and the order's last day may have been
 *  moved: the conversions count from now on. Reported. */
enum mr_status conversion_vouch(struct admin *a, const struct mr_order *o, bool first);

/** Take a conversion out of the register whose draft was withdrawn; one that settled stays. */
void conversion_forget(struct admin *a, const struct mr_order *o);

/** The lines about it for the person who is asked to sign; nothing when the order claims nothing.
 */
void conversion_describe(struct admin *a, const struct mr_order *o);

#endif
