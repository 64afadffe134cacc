/** Assigned conversions: what an ISSUE commits to, and whether a mandate bears it
 *  (spec/95-municipal.md MUN-2 to MUN-5). */
#ifndef MEREAU_ADMIN_CONVERSION_H
#define MEREAU_ADMIN_CONVERSION_H

#include "admin/archive.h"

enum {
    CONVERSION_ORDER_MAX = MR_NAME_MAX,
    /* What was not settled by then never is: its order's last day is over. */
    CONVERSION_OPEN_MS = 8 * 86400000
};

/** The reference of a payment order as it is compared: normalised as LED-40. MR_OK; MR_TOO_LARGE;
 *  MR_BAD_TEXT when nothing is left. */
enum mr_status conversion_order(char ret[CONVERSION_ORDER_MAX + 1], const char *text);

/** Whether an order is the ISSUE of this conversion: one bank line, one payee, and its `ref`
 * commits to the mandate and the payment order. */
bool conversion_is(const struct mr_order *o, const struct mr_conversion *c);

/** The conversion that an order is the ISSUE of; NULL: of none of these. */
const struct conversion_row *conversion_of(const struct conversions *all, const struct mr_order *o);

/** Whether an order says that it is one of an assigned conversion, whatever stands behind that. */
bool conversion_is_claimed(const struct mr_order *o);

enum conversion_state {
    CONVERSION_OPEN,    /* its bank line was not used yet */
    CONVERSION_SETTLED, /* by the ISSUE of this conversion */
    CONVERSION_OTHER,   /* its bank line was used for something else */
};

struct conversion_facts {
    enum conversion_state state;
    uint64_t settled_ms;
    struct mr_state_slot_ref slot;
};

/** Ask the node what the conversion's bank line was used for. Reported. */
enum mr_status conversion_look(struct admin *a, struct conversion_facts *ret,
                               const struct mr_conversion *c);

/** Units that the other conversions take of a mandate: settled ones, and those that still may be.
 *  `except` is the key of the one that is not counted. Reported. */
enum mr_status conversion_used(struct admin *a, int64_t *ret, const struct conversions *all,
                               const uint8_t mandate[MR_HASH_BYTES],
                               const uint8_t except[MR_ACCOUNT_BYTES]);

/** Whether a mandate bears a conversion now: signature, revocation, MUN-2. Not reported. */
enum mr_status conversion_allowed(const struct admin *a, const struct mandate_row *row,
                                  const struct mr_conversion *c, int64_t used);

/** For who signs next: MR_OK when the order claims nothing, or when the register explains it and
 *  the mandate bears it now. Reported. */
enum mr_status conversion_vouch(struct admin *a, const struct mr_order *o);

/** Take a conversion out of the register whose draft was withdrawn; one that settled stays. */
void conversion_forget(struct admin *a, const struct mr_order *o);

/** The lines about it for the person who is asked to sign; nothing when the order claims nothing.
 */
void conversion_describe(struct admin *a, const struct mr_order *o);

#endif
