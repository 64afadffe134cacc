/* RCP-1: a receipt against the charter alone. */
#include <stdio.h>
#include <string.h>

#include "audit/state.h"

static bool check_slot(struct mr_audit *a, const struct mr_receipt *r, uint8_t ret_value[32])
{
    if (memcmp(r->ledger, a->ledger, 32) != 0) {
        mri_aud_hash(a, "RCP-1", MR_WRONG_LEDGER, "ledger of a receipt", a->ledger, r->ledger);
        return false;
    }
    if (r->order_count == 0) {
        mr_void_id(ret_value, a->ledger, r->account, r->seq);
        return true;
    }
    const struct mr_order *const o = &r->order[0].order;
    mr_order_id(ret_value, o);
    if (memcmp(o->ledger, a->ledger, 32) != 0)
        mri_aud_hash(a, "RCP-1", MR_WRONG_LEDGER, "ledger of the order", a->ledger, o->ledger);
    if (memcmp(o->account, r->account, 16) != 0)
        mri_aud_text(a, "RCP-1", MR_BAD_RECEIPT, "account of the order", "that of the slot",
                     "another");
    if (o->seq != r->seq)
        mri_aud_u64(a, "RCP-1", MR_BAD_RECEIPT, "place of the order", r->seq, o->seq);
    return true;
}

static void check_leaf(struct mr_audit *a, const struct mr_receipt *r, const struct mr_leaf *leaf,
                       const uint8_t value[32], uint32_t ballot)
{
    if (leaf->kind != MR_LEAF_ACK) {
        mri_aud_text(a, "RCP-1", MR_BAD_RECEIPT, "leaf of a proof", "ack",
                     mr_leaf_kind_text(leaf->kind));
        return;
    }
    const struct mr_leaf_ack *const k = &leaf->u.ack;
    if (memcmp(k->account, r->account, 16) != 0 || k->seq != r->seq)
        mri_aud_text(a, "RCP-1", MR_BAD_RECEIPT, "slot of an ACK", "that of the receipt",
                     "another");
    if (memcmp(k->value, value, 32) != 0)
        mri_aud_hash(a, "RCP-1", MR_BAD_RECEIPT, "value of an ACK", value, k->value);
    if (k->ballot != ballot)
        mri_aud_u64(a, "RCP-1", MR_BAD_RECEIPT, "ballot of an ACK", ballot, k->ballot);
}

static void check_path(struct mr_audit *a, const struct mr_proof *p)
{
    uint8_t bytes[sizeof p->leaf], h[32], root[32];
    mri_aud_leaf_hash(h, bytes, mr_leaf_encode(&p->leaf, bytes, sizeof bytes));
    if (!mri_aud_path_root(root, h, p->index, p->head.size, p->path, p->path_count))
        mri_aud_text(a, "RCP-1", MR_BAD_PROOF, "inclusion path",
                     "as long as index and size of the tree say", "another length");
    else if (memcmp(root, p->head.root, 32) != 0)
        mri_aud_hash(a, "RCP-1", MR_BAD_PROOF, "root an inclusion path leads to", p->head.root,
                     root);
}

static void check_proof(struct mr_audit *a, const struct mri_aud_roster *roster,
                        const struct mr_receipt *r, uint32_t i, const uint8_t value[32])
{
    const struct mr_proof *const p = &r->proofs[i];
    a->entry = i;
    for (uint32_t k = 0; k < i; k++) {
        if (r->proofs[k].head.node == p->head.node)
            mri_aud_u64(a, "RCP-1", MR_BAD_RECEIPT, "node of a proof, each once", 0, p->head.node);
    }
    const struct mr_pubkey *const key = mri_aud_roster_key(roster, &p->head);
    if (key == NULL) {
        mri_aud_u64(a, "RCP-1", MR_BAD_HEAD, "node of a head, one of its epoch", 1, p->head.node);
        return;
    }
    char text[256];
    const size_t n = mri_aud_head_text(text, sizeof text, a->ledger, &p->head);
    mri_aud_sign_job(a, "RCP-1", "signature of a head", (const uint8_t *)text, n, p->head.sig,
                     key->key, 0);
    const struct mr_leaf *const first = &r->proofs[0].leaf;
    check_leaf(a, r, &p->leaf, value, first->kind == MR_LEAF_ACK ? first->u.ack.ballot : 0);
    check_path(a, p);
}

/* The epoch of the heads, by the handovers; then its nodes' acknowledgements. */
static void check_proofs(struct mr_audit *a, const struct mr_receipt *r, const uint8_t value[32])
{
    struct mri_aud_roster roster;
    if (r->proofs_count == 0) {
        mri_aud_u64(a, "RCP-1", MR_BAD_RECEIPT, "proofs of distinct nodes", a->rosters[0].quorum,
                    0);
        return;
    }
    if (!mri_aud_reach(a, "RCP-1a", &roster, r->handover, r->handover_count,
                       r->proofs[0].head.epoch))
        return;
    a->witnesses = roster.witnesses;
    if (r->proofs_count < roster.quorum)
        mri_aud_u64(a, "RCP-1", MR_BAD_RECEIPT, "proofs of distinct nodes", roster.quorum,
                    r->proofs_count);
    for (uint32_t i = 0; i < r->proofs_count; i++)
        check_proof(a, &roster, r, i, value);
}

/* RCP-4 */
static void check_cosignatures(struct mr_audit *a, const struct mr_receipt *r)
{
    char head[256], text[320];
    mri_aud_head_text(head, sizeof head, a->ledger, &r->proofs[0].head);
    for (uint32_t i = 0; i < r->cosignatures_count; i++) {
        const struct mr_cosignature *const c = &r->cosignatures[i];
        struct mr_pubkey key = {.alg = MR_ALG_ED25519};
        memcpy(key.key, c->key, MR_KEY_BYTES);
        a->entry = i;
        for (uint32_t k = 0; k < i; k++) {
            if (memcmp(c->key, r->cosignatures[k].key, MR_KEY_BYTES) == 0)
                mri_aud_hash(a, "RCP-4", MR_BAD_RECEIPT, "key of a cosignature, each once", c->key,
                             c->key);
        }
        const int n = snprintf(text, sizeof text, "cosignature/v1\ntime %llu\n%s",
                               (unsigned long long)c->time_s, head);
        if (!mr_pubkey_usable(&key) || n <= 0 || (size_t)n >= sizeof text)
            mri_aud_hash(a, "RCP-4", MR_BAD_KEY, "key of a cosignature, usable", c->key, c->key);
        else
            mri_aud_sign_job(a, "RCP-4", "cosignature", (const uint8_t *)text, (size_t)n, c->sig,
                             c->key, 0);
    }
}

enum mr_status mr_audit_receipt(struct mr_audit *a, struct mr_receipt *ret, const uint8_t *bytes,
                                size_t len)
{
    const uint64_t before = a->totals.findings;
    uint8_t value[32];
    size_t used = 0;
    enum mr_status st = mr_receipt_decode_first(ret, &used, bytes, len);
    if (st == MR_OK)
        st = mri_aud_chain(a, bytes + used, len - used);
    if (st != MR_OK)
        return st;
    a->entry = MR_AUDIT_NO_ENTRY;
    a->witnesses = (struct mr_witness_set){.quorum = 0};
    mri_aud_at(a, ret->account, ret->seq);
    if (check_slot(a, ret, value)) {
        check_proofs(a, ret, value);
        if (ret->proofs_count > 0)
            check_cosignatures(a, ret);
        mri_aud_verify_now(a);
    }
    mri_aud_at(a, NULL, 0);
    a->entry = MR_AUDIT_NO_ENTRY;
    a->chain_len = 0;
    if (a->no_memory)
        return MR_NO_MEMORY;
    return a->totals.findings == before ? MR_OK : MR_BAD_RECEIPT;
}

const struct mr_witness_set *mr_audit_witnesses(const struct mr_audit *a)
{
    return &a->witnesses;
}
