/** Receipts verify offline with the charter alone (spec/50-journal.md RCP-n). */
#ifndef MEREAU_RECEIPT_H
#define MEREAU_RECEIPT_H

#include <stdint.h>

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
    uint64_t time_ms;   /**< latest head's time */
};

/** MR_OK fills *ret. MR_WRONG_LEDGER, MR_BAD_HEAD, MR_BAD_PROOF, MR_BAD_RECEIPT otherwise. */
enum mr_status mr_receipt_verify(struct mr_receipt_facts *ret, const struct mr_charter *charter,
                                 const struct mr_receipt *receipt);

/** RCP-1a: the key that a head must be signed with, by the charter and the handovers from epoch 1
 * to the head's. NULL: nothing verified leads there. Points into the arguments. */
const struct mr_pubkey *mr_head_key(const struct mr_head *h, const struct mr_charter *charter,
                                    const struct mr_handover *handover, uint32_t count);

#endif
