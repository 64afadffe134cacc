/* RESTART: a new log with a new key, by governance (JNL-9). */
#include <string.h>

#include "audit/state.h"
#include "mereau/codec.h"

void mri_aud_by_governance(struct mr_audit *a, const char *rule, const uint8_t digest[32],
                           const struct mr_sig *sigs, uint32_t count)
{
    const struct mr_keyset *const keys = &a->charter.governance;
    const struct mri_aud_signers by = {
        rule,       "signature of governance", "number of governance's signatures",
        keys->keys, keys->keys_count,          keys->threshold};
    mri_aud_check_sigs(a, &by, sigs, count, digest);
}

void mri_aud_governance(struct mr_audit *a, const char *rule, const struct mr_signed_restart *r)
{
    uint8_t digest[32], record[512];
    mri_aud_digest(digest, MR_PURPOSE_RESTART, r->restart.ledger, 0, record,
                   mr_restart_encode(&r->restart, record, sizeof record));
    mri_aud_by_governance(a, rule, digest, r->sigs, r->sigs_count);
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
    if (a->charter.nodes_count != 1)
        mri_aud_u64(a, "JNL-9", MR_WRONG_EPOCH, "nodes where one alone restarts", 1,
                    a->charter.nodes_count);
    if (r->node != a->node)
        mri_aud_u64(a, "JNL-9", MR_WRONG_NODE, "node of RESTART", a->node, r->node);
    if (r->last_size != a->tree.size)
        mri_aud_u64(a, "JNL-9", MR_BAD_HEAD, "leaves kept", a->tree.size, r->last_size);
    else if (mri_aud_tree_root(&a->tree, root, a->tree.size) && memcmp(root, r->last_root, 32) != 0)
        mri_aud_hash(a, "JNL-9", MR_BAD_HEAD, "root of what was kept", root, r->last_root);
}

/* The node's new key, in the charter as it stands and on the chain of checkpoints. */
static void change_key(struct mr_audit *a, const struct mr_restart *r)
{
    struct mri_aud_account *const x = a->checkpoints;
    const int seat = mri_aud_seat(a, r->node);
    struct mr_keyset keys = {.threshold = x->cold.threshold};
    mri_aud_touch_cold(a, x);
    for (uint32_t i = 0; i < x->cold.key_count && i < MR_KEYS_MAX; i++)
        keys.keys[keys.keys_count++] = (int)i == seat ? r->log_key : x->cold.keys[i];
    mri_aud_set_keys(a, x, &keys);
    if (x->cold.generation < 1000000)
        x->cold.generation++;
    if (seat < 0)
        return;
    a->charter.nodes[seat].log_key = r->log_key;
    a->generations[seat] = r->generation;
}

void mri_aud_restart(struct mr_audit *a, const struct mr_signed_restart *r)
{
    check_fields(a, &r->restart);
    mri_aud_governance(a, "JNL-9", r);
    mri_aud_end_logs(a);
    change_key(a, &r->restart);
    a->abstaining = false;
    a->epoch = r->restart.epoch;
    a->generation = r->restart.generation;
    a->restart_ms = r->restart.time_ms;
    a->claims_until_ms = r->restart.claims_until_ms;
    mri_aud_note_epoch(a);
}
