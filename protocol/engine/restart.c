/* RESTART: a node that lost its memory begins a new log with a new key (JNL-9). */
#include "engine/internal.h"

#include <string.h>

#include "mereau/codec.h"
#include "mereau/order.h"

enum { RECORD_MAX = 4096 };

/* "g" or "r" and a number. */
static size_t meta_key(uint8_t ret[5], char what, uint32_t number)
{
    ret[0] = (uint8_t)what;
    for (int i = 0; i < 4; i++)
        ret[1 + i] = (uint8_t)(number >> (24 - 8 * i));
    return 5;
}

enum mr_status mri_past_head(struct mr_engine *e, struct mr_head *ret, uint32_t epoch)
{
    uint8_t key[5], bytes[RECORD_MAX];
    size_t len;
    const enum mr_status st = mri_view_get(&e->view, MR_TABLE_META, key, meta_key(key, 'g', epoch),
                                           bytes, sizeof bytes, &len);
    if (st != MR_OK)
        return st;
    return mr_head_decode(ret, bytes, len) == MR_OK ? MR_OK : MR_DAMAGED;
}

enum mr_status mri_epoch_get(struct mr_engine *e, struct mr_signed_restart *ret, uint32_t epoch)
{
    uint8_t key[5], bytes[RECORD_MAX];
    size_t len;
    const enum mr_status st = mri_view_get(&e->view, MR_TABLE_META, key, meta_key(key, 'r', epoch),
                                           bytes, sizeof bytes, &len);
    if (st != MR_OK)
        return st;
    return mr_signed_restart_decode(ret, bytes, len) == MR_OK ? MR_OK : MR_DAMAGED;
}

/* The chain of checkpoints is signed with the node's new key from now on. */
static enum mr_status change_checkpoint_key(struct mr_engine *e, const struct mr_pubkey *key)
{
    struct mr_state_account a;
    uint8_t bytes[RECORD_MAX], number[8];
    const enum mr_status st = mri_account_get(&e->ledger, &a, e->ledger.checkpoints);
    if (st != MR_OK)
        return st;
    a.keys.keys[e->config.node - 1] = *key;
    a.generation++;
    mri_view_put(&e->view, MR_TABLE_ACCOUNT, number, mri_key_u64(number, e->ledger.checkpoints),
                 bytes, mr_state_account_encode(&a, bytes, sizeof bytes));
    return MR_OK;
}

enum mr_status mri_restart_apply(struct mr_engine *e, const struct mr_signed_restart *r)
{
    struct mr_state_meta *m = &e->ledger.meta;
    uint8_t key[5], bytes[RECORD_MAX];
    const enum mr_status st = change_checkpoint_key(e, &r->restart.log_key);
    if (st != MR_OK)
        return st;
    mri_tree_store(&e->tree);
    mri_view_put(&e->view, MR_TABLE_META, key, meta_key(key, 'g', m->epoch), bytes,
                 mr_head_encode(&e->head, bytes, sizeof bytes));
    mri_view_put(&e->view, MR_TABLE_META, key, meta_key(key, 'r', r->restart.epoch), bytes,
                 mr_signed_restart_encode(r, bytes, sizeof bytes));
    m->epoch = r->restart.epoch;
    m->generation = r->restart.generation;
    m->log_key = r->restart.log_key;
    m->restart_ms = r->restart.time_ms;
    m->claims_until_ms = r->restart.claims_until_ms;
    m->abstaining = false;
    m->leaves = 0;
    mri_opens_reset(e);
    e->head = (struct mr_head){.time_ms = e->head.time_ms};
    e->head_due = false;
    return mri_tree_load(&e->tree, &e->view, e->config.node, m->epoch, 0);
}

void mri_say_start(struct mr_engine *e)
{
    struct mr_leaf start = {.kind = MR_LEAF_START,
                            .u.start = {.epoch = e->ledger.meta.epoch,
                                        .node = e->config.node,
                                        .generation = e->ledger.meta.generation}};
    struct mr_head last;
    memcpy(start.u.start.ledger, e->ledger.id, 32);
    if (start.u.start.epoch > 1 && mri_past_head(e, &last, start.u.start.epoch - 1) == MR_OK) {
        start.u.start.last_size = last.size;
        memcpy(start.u.start.last_root, last.root, 32);
    }
    mri_say_leaf(e, &start);
}

enum mr_status mri_restart_say(struct mr_engine *e, const struct mr_signed_restart *r)
{
    const struct mr_state_meta *m = &e->ledger.meta;
    uint8_t root[32];
    if (r->restart.epoch <= m->epoch)
        return MR_OK; /* taken before */
    if (r->restart.epoch != m->epoch + 1 || r->restart.generation != m->generation + 1 ||
        r->restart.node != e->config.node)
        return MR_WRONG_EPOCH;
    enum mr_status st = mr_restart_verify(r, e->config.charter);
    if (st == MR_OK)
        st = mri_tree_root(&e->tree, root, e->tree.size);
    if (st != MR_OK)
        return st;
    if (r->restart.last_size != e->tree.size || memcmp(root, r->restart.last_root, 32) != 0)
        return MR_STATE_MISMATCH;
    e->entry.kind = MR_ENTRY_RESTART;
    e->entry.u.restart = *r;
    mri_say(e, &e->entry);
    st = mri_restart_apply(e, r);
    if (st == MR_OK)
        mri_say_start(e);
    return st;
}
