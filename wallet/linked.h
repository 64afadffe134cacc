/** What a later order says of one that nobody has a receipt of any more (WAL-20).
 *
 *  An order names the value of the place before it. A receipt proves its order, hence that value,
 *  and by the orders in between those of all places before, back to one that was closed without
 *  effect: that names nobody. */
#ifndef MEREAU_WALLET_LINKED_H
#define MEREAU_WALLET_LINKED_H

#include "wallet/wallet.h"

/** How a place of the own chain was closed, and what shows it. */
struct linked {
    uint64_t by; /* the later place */
    uint8_t value[MR_HASH_BYTES];
    bool voided;
    uint64_t time_ms; /* by the node's history; 0: not known */
    struct mr_receipt receipt;
};

/** Ask the nodes for the orders behind a place and for a receipt of one of them, until
 *  wallet_clock_ms() is deadline_ms. w->account is known. MR_OK; MR_NOT_FOUND: nothing shows it;
 *  MR_NO_MEMORY. Not reported. */
enum mr_status linked_find(struct linked *ret, struct wallet *w, uint64_t seq,
                           uint64_t deadline_ms);

/** The same for an order that is open: store it, and tell its owner what it rests on. MR_OK;
 *  MR_NOT_FOUND, not reported; else reported. */
enum mr_status linked_conclude(struct wallet *w, struct out *out, uint64_t seq,
                               uint64_t deadline_ms);

#endif
