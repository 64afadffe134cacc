/** What the association keeps beside the ledger for its papers: mandates, conversions, bank lines
 * in clear. Entries of the register, sealed to its key: operators alone read them, and they can be
 *  erased (spec/95-municipal.md). */
#ifndef MEREAU_ADMIN_ARCHIVE_H
#define MEREAU_ADMIN_ARCHIVE_H

#include "admin/context.h"

struct mandate_row {
    uint8_t id[MR_HASH_BYTES];
    struct mr_mandate_entry entry;
};

struct mandates {
    struct mandate_row *rows;
    size_t count, cap;
};

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

struct conversion_row {
    uint8_t key[MR_ACCOUNT_BYTES];
    struct mr_conversion conversion;
    bool looked; /* facts are what the node said of it */
    struct conversion_facts facts;
};

/** By the reference of the bank line. */
struct conversions {
    struct conversion_row *rows;
    size_t count, cap;
};

/** All of them, from the node. What cannot be opened or is not what its key says is left out.
 *  Reported; mandates_free and conversions_free in any case. */
enum mr_status mandates_read(struct mandates *ret, struct admin *a);
enum mr_status conversions_read(struct conversions *ret, struct admin *a);
void mandates_free(struct mandates *m);
void conversions_free(struct conversions *c);

/** One of them by its id; NULL when there is none. */
const struct mandate_row *mandate_of(const struct mandates *m, const uint8_t id[MR_HASH_BYTES]);

/** Store, replacing. MR_TOO_LARGE when it does not fit in a box, or a call's status; not reported.
 */
enum mr_status mandate_put(struct admin *a, const struct mr_mandate_entry *entry);
enum mr_status conversion_put(struct admin *a, const uint8_t key[MR_ACCOUNT_BYTES],
                              const struct mr_conversion *conversion);
enum mr_status bank_line_put(struct admin *a, const struct mr_bank_note *note);

/** Remove a conversion. A call's status (MR_NOT_FOUND: there was none), not reported. */
enum mr_status conversion_drop(struct admin *a, const uint8_t key[MR_ACCOUNT_BYTES]);

/** The bank line of a reference. false: it is not kept, or its text is not the reference's. */
bool bank_line_of(struct admin *a, struct mr_bank_note *ret, const uint8_t ref[MR_HASH_BYTES]);

/** MUN-4: the key of a conversion. `order` is normalised as LED-40; `payee` is one of several
 * payees of the payment order, NULL: it has one. */
void conversion_key(uint8_t ret[MR_ACCOUNT_BYTES], const uint8_t secret[32],
                    const uint8_t municipality[MR_ACCOUNT_BYTES],
                    const uint8_t payee[MR_ACCOUNT_BYTES], const char *order);

#endif
