/** What each kind of order does, in a sentence, for the tables of an export. */
#ifndef MEREAU_AUDIT_EXPORT_KINDS_H
#define MEREAU_AUDIT_EXPORT_KINDS_H

#include "mereau/record.h"

enum { EXPORT_KINDS_END = 64 }; /* numbers of kinds are below */

/** English; static. NULL: the registry has no kind of this number. */
const char *export_kind_meaning(enum mr_order_kind kind);

/** What an order says of itself beside its postings. */
struct export_facts {
    bool has_amount; /* unit, amount and fee are meaningful */
    uint32_t unit;
    int64_t amount, fee;
    const uint8_t *about; /* account it is about, beside its own; NULL: none */
    uint64_t about_seq;   /* place of the redemption on that account's chain; 0: none */
};
struct export_facts export_facts(const struct mr_order *o);

#endif
