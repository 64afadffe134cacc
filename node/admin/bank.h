/** Bank references (LED-40): one bank entry is named by one hash, keyed with the association's
 * secret. */
#ifndef MEREAU_ADMIN_BANK_H
#define MEREAU_ADMIN_BANK_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/record.h"
#include "mereau/status.h"

enum { BANK_TEXT_MAX = 256 };

/** The reference of an entry of a reserve account; the account may be "". As
 *  mr_reference_normalise. */
enum mr_status bank_ref(uint8_t ret[32], const uint8_t secret[32], const char *account,
                        const char *entry);

/** What an ISSUE says about one bank line: the members and amounts it pays for. */
struct bank_share {
    uint8_t member[16];
    int64_t amount;
};

/** Shares of the bank line `ref` in an ISSUE, sorted; at most MR_LINES_MAX. Returns their number; 0
 *  when the order has no such line. */
size_t bank_shares(struct bank_share *ret, const struct mr_issue *issue, const uint8_t ref[32]);

/** Sort shares, so that equal contents are equal bytes of a list. */
void bank_shares_sort(struct bank_share *shares, size_t count);

#endif
