#include "mereau/receipt.h"

#include <string.h>

#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/order.h"
#include "mereau/sign.h"

enum mr_status mr_receipt_verify(struct mr_receipt_facts *ret, const struct mr_charter *charter,
                                 const struct mr_chain *chain, const struct mr_receipt *r)
{
    struct mr_receipt_facts f = {.voided = r->order_count == 0};
    struct mr_roster roster;
    uint8_t ledger[32];

    mr_ledger_id(ledger, charter);
    if (memcmp(ledger, r->ledger, 32) != 0)
        return MR_WRONG_LEDGER;
    if (f.voided) {
        mr_void_id(f.value, ledger, r->account, r->seq);
    } else {
        const struct mr_order *o = &r->order[0].order;
        if (memcmp(o->account, r->account, MR_ACCOUNT_BYTES) != 0 || o->seq != r->seq)
            return MR_BAD_RECEIPT;
        mr_order_id(f.value, o);
    }
    if (r->proofs_count == 0)
        return MR_BAD_RECEIPT;
    if (mr_roster_reach(&roster, charter, chain, r->handover, r->handover_count,
                        r->proofs[0].head.epoch) != MR_OK)
        return MR_BAD_HEAD;
    const enum mr_status st = mr_roster_acks(&roster, &f.time_ms, ledger, r->proofs,
                                             r->proofs_count, r->account, r->seq, f.value);
    if (st != MR_OK)
        return st;
    f.quorum = r->proofs_count;
    f.needed = roster.quorum;
    f.committee = roster.count;
    if (!mr_cosignatures_verify(r->cosignatures, r->cosignatures_count, &r->proofs[0].head,
                                ledger)) /* RCP-4 */
        return MR_BAD_RECEIPT;
    f.witnesses = r->cosignatures_count;
    f.witnessed = mr_cosigned_by(&roster.witnesses, r->cosignatures, r->cosignatures_count);
    f.witness_quorum = roster.witnesses.quorum;
    for (uint32_t i = 0; i < r->proofs_count; i++)
        f.nodes |= UINT64_C(1) << r->proofs[i].head.node;
    *ret = f;
    return MR_OK;
}

enum mr_status mr_receipt_read(struct mr_receipt *ret, struct mr_chain *ret_chain,
                               const uint8_t *bytes, size_t len)
{
    size_t used;
    const enum mr_status st = mr_receipt_decode_first(ret, &used, bytes, len);
    return st == MR_OK ? mr_chain_read(ret_chain, bytes + used, len - used) : st;
}
