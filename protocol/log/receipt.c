#include "mereau/receipt.h"

#include <string.h>

#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/order.h"
#include "mereau/sign.h"

const struct mr_pubkey *mr_head_key(const struct mr_head *h, const struct mr_charter *c,
                                    const struct mr_signed_restart *handover, uint32_t count)
{
    const struct mr_pubkey *key = NULL;
    uint32_t generation = 1;
    for (uint32_t i = 0; i < c->nodes_count; i++)
        if (c->nodes[i].number == h->node)
            key = &c->nodes[i].log_key;
    if (h->epoch == 0 || h->epoch - 1 > count)
        return NULL;
    for (uint32_t i = 0; i + 1 < h->epoch; i++) {
        const struct mr_restart *next = &handover[i].restart;
        if (next->epoch != i + 2 || mr_restart_verify(&handover[i], c) != MR_OK)
            return NULL;
        if (next->node == h->node) {
            key = &next->log_key;
            generation = next->generation;
        }
    }
    return h->generation == generation ? key : NULL;
}

static enum mr_status check_proof(const struct mr_proof *p, const struct mr_charter *charter,
                                  const struct mr_receipt *r)
{
    uint8_t leaf[512], hash[32];
    const struct mr_pubkey *key = mr_head_key(&p->head, charter, r->handover, r->handover_count);
    if (key == NULL || !mr_head_verify(&p->head, r->ledger, key))
        return MR_BAD_HEAD;
    if (mr_leaf_size(&p->leaf) > sizeof leaf)
        return MR_BAD_PROOF;
    mr_leaf_hash(hash, leaf, mr_leaf_encode(&p->leaf, leaf, sizeof leaf));
    if (!mr_path_verify(p->head.root, hash, p->index, p->head.size, p->path, p->path_count))
        return MR_BAD_PROOF;
    return MR_OK;
}

/* Whether a proof's leaf acknowledges this value in the ballot of the first. */
static bool acknowledges(const struct mr_proof *p, const struct mr_receipt *r,
                         const uint8_t value[32])
{
    const struct mr_leaf_ack *a = &p->leaf.u.ack;
    return p->leaf.kind == MR_LEAF_ACK && memcmp(a->account, r->account, MR_ACCOUNT_BYTES) == 0 &&
           a->seq == r->seq && a->ballot == r->proofs[0].leaf.u.ack.ballot &&
           memcmp(a->value, value, 32) == 0;
}

enum mr_status mr_receipt_verify(struct mr_receipt_facts *ret, const struct mr_charter *charter,
                                 const struct mr_receipt *r)
{
    struct mr_receipt_facts f = {.voided = r->order_count == 0, .witnesses = r->cosignatures_count};
    uint8_t ledger[32];
    uint64_t nodes = 0;

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
    for (uint32_t i = 0; i < r->proofs_count; i++) {
        const struct mr_proof *p = &r->proofs[i];
        const uint64_t bit = UINT64_C(1) << (p->head.node & 63);
        const enum mr_status st = check_proof(p, charter, r);
        if (st != MR_OK)
            return st;
        if (!acknowledges(p, r, f.value) || (nodes & bit) != 0)
            return MR_BAD_RECEIPT;
        nodes |= bit;
        f.quorum++;
        if (p->head.time_ms > f.time_ms)
            f.time_ms = p->head.time_ms;
    }
    if (f.quorum < charter->quorum)
        return MR_BAD_RECEIPT;
    *ret = f;
    return MR_OK;
}
