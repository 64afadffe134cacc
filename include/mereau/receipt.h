/** Receipts verify offline with the charter alone (spec/50-journal.md RCP-n). */
#ifndef MEREAU_RECEIPT_H
#define MEREAU_RECEIPT_H

#include <stdint.h>

#include "mereau/handover.h"
#include "mereau/record.h"
#include "mereau/status.h"

struct mr_receipt_facts {
    uint8_t value[32]; /**< order id, or the slot's void id */
    bool voided;
    uint32_t quorum;    /**< proofs that counted, each of another node */
    uint64_t nodes;     /**< whose they are: bit i is node i */
    uint32_t needed;    /**< q of their epoch */
    uint32_t committee; /**< n of their epoch */
    uint32_t witnesses; /**< cosignatures, of distinct keys; whose keys they are is not known */
    uint32_t witnessed; /**< those of the witnesses that the charter names in the heads' epoch */
    uint32_t witness_quorum; /**< how many of them it wants (LOG-8) */
    uint64_t time_ms;        /**< latest head's time */
};

/** The receipt carries the handovers of the last epochs up to its heads'; `chain` has those before,
 *  NULL: there are none. MR_OK fills *ret. MR_WRONG_LEDGER, MR_BAD_HEAD (also: nothing verified
 *  leads to the heads' epoch), MR_BAD_PROOF, MR_BAD_RECEIPT otherwise. */
enum mr_status mr_receipt_verify(struct mr_receipt_facts *ret, const struct mr_charter *charter,
                                 const struct mr_chain *chain, const struct mr_receipt *receipt);

/** RCP-1b: a receipt's file is the receipt and, behind it, the handovers from epoch 2 on that it
 *  does not carry itself. A decoder's statuses, or those of mr_chain_read. *ret_chain points into
 *  `bytes`. */
enum mr_status mr_receipt_read(struct mr_receipt *ret, struct mr_chain *ret_chain,
                               const uint8_t *bytes, size_t len);

#endif
