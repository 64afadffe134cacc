/* RESTART: a new log with a new key, by governance (JNL-9, RCP-1a). */
#include <string.h>

#include "audit/state.h"
#include "mereau/codec.h"

/* Governance's signatures, at its threshold, as jobs. */
static void governance_sigs(struct mr_audit *a, const char *rule, const struct mr_signed_restart *r)
{
    const struct mr_keyset *const keys = &a->charter.governance;
    uint8_t digest[32], record[512];
    mri_aud_digest(digest, MR_PURPOSE_RESTART, r->restart.ledger, 0, record,
                   mr_restart_encode(&r->restart, record, sizeof record));
    for (uint32_t i = 0; i < r->sigs_count; i++) {
        const uint32_t index = r->sigs[i].key_index;
        if (index >= keys->keys_count || (i > 0 && index <= r->sigs[i - 1].key_index)) {
            mri_aud_u64(a, rule, MR_BAD_SIGNATURE, "key index of a signature",
                        i == 0 ? 0 : r->sigs[i - 1].key_index + 1, index);
            return;
        }
        mri_aud_sign_job(a, rule, "signature of governance", digest, sizeof digest, r->sigs[i].sig,
                         keys->keys[index].key, index);
    }
    if (r->sigs_count < keys->threshold)
        mri_aud_u64(a, rule, MR_SIGNATURES_MISSING, "number of governance's signatures",
                    keys->threshold, r->sigs_count);
}

static void check_fields(struct mr_audit *a, const struct mr_restart *r)
{
    uint8_t root[32];
    if (memcmp(r->ledger, a->ledger, 32) != 0)
        mri_aud_hash(a, "JNL-9", MR_WRONG_LEDGER, "ledger of RESTART", a->ledger, r->ledger);
    if (r->epoch != a->epoch + 1)
        mri_aud_u64(a, "JNL-9", MR_WRONG_EPOCH, "epoch of RESTART", (uint64_t)a->epoch + 1,
                    r->epoch);
    if (r->generation != a->generation + 1)
        mri_aud_u64(a, "JNL-9", MR_WRONG_EPOCH, "generation of RESTART",
                    (uint64_t)a->generation + 1, r->generation);
    if (r->node != a->node)
        mri_aud_u64(a, "JNL-9", MR_WRONG_NODE, "node of RESTART", a->node, r->node);
    if (r->last_size != a->tree.size)
        mri_aud_u64(a, "JNL-9", MR_BAD_HEAD, "leaves kept", a->tree.size, r->last_size);
    else if (mri_aud_tree_root(&a->tree, root, a->tree.size) && memcmp(root, r->last_root, 32) != 0)
        mri_aud_hash(a, "JNL-9", MR_BAD_HEAD, "root of what was kept", root, r->last_root);
}

/* The chain of checkpoints is signed with the new key. */
static void change_checkpoint_key(struct mr_audit *a, const struct mr_restart *r)
{
    struct mri_aud_account *const x = a->checkpoints;
    struct mr_keyset keys = {.threshold = x->cold.threshold};
    mri_aud_touch_cold(a, x);
    for (uint32_t i = 0; i < x->cold.key_count && i < MR_KEYS_MAX; i++)
        keys.keys[keys.keys_count++] = i + 1 == r->node ? r->log_key : x->cold.keys[i];
    mri_aud_set_keys(a, x, &keys);
    if (x->cold.generation < 1000000)
        x->cold.generation++;
}

void mri_aud_restart(struct mr_audit *a, const struct mr_signed_restart *r)
{
    check_fields(a, &r->restart);
    governance_sigs(a, "JNL-9", r);
    change_checkpoint_key(a, &r->restart);
    mri_aud_tree_done(&a->tree, &a->mem);
    memset(&a->tree, 0, sizeof a->tree);
    a->started = a->abstaining = false;
    a->synced = a->head_size = a->shown = 0;
    a->epoch = r->restart.epoch;
    a->generation = r->restart.generation;
    a->log_key = r->restart.log_key;
    a->restart_turn = a->turn;
    a->restart_ms = r->restart.time_ms;
    a->claims_until_ms = r->restart.claims_until_ms;
}

const struct mr_pubkey *mri_aud_handover(struct mr_audit *a, const char *rule,
                                         const struct mr_handover *handover, uint32_t count,
                                         const struct mr_head *h)
{
    const struct mr_pubkey *key = NULL;
    uint32_t generation = 1;
    for (uint32_t i = 0; i < a->charter.nodes_count; i++)
        if (a->charter.nodes[i].number == h->node)
            key = &a->charter.nodes[i].log_key;
    if (h->epoch == 0 || h->epoch - 1 > count)
        return NULL;
    for (uint32_t i = 0; i + 1 < h->epoch; i++) {
        if (handover[i].kind != MR_HANDOVER_RESTART)
            return NULL;
        const struct mr_restart *const next = &handover[i].u.restart.restart;
        if (next->epoch != i + 2 || memcmp(next->ledger, a->ledger, 32) != 0)
            return NULL;
        governance_sigs(a, rule, &handover[i].u.restart);
        if (next->node == h->node) {
            key = &next->log_key;
            generation = next->generation;
        }
    }
    return h->generation == generation ? key : NULL;
}
