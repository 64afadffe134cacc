/* A new node begins with a state that q others vouch for, not at the beginning of time: EPO-8. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/codec.h"
#include "mereau/state.h"

/* What every node holds alike. The rest is each node's own. */
static const enum mr_table shared[] = {MR_TABLE_ACCOUNT_NO, MR_TABLE_ACCOUNT,       MR_TABLE_HOT,
                                       MR_TABLE_SLOT,       MR_TABLE_CREDIT,        MR_TABLE_BANK,
                                       MR_TABLE_REDEMPTION, MR_TABLE_LISTING,       MR_TABLE_ALIAS,
                                       MR_TABLE_LISTING_OF, MR_TABLE_REDEMPTION_NO, MR_TABLE_POLICY,
                                       MR_TABLE_CHECKPOINT};

bool mr_state_is_shared(enum mr_table table)
{
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++)
        if (shared[i] == table)
            return true;
    return false;
}

/* The bodies of another node's journal are not at hand here, nor are the logs that its
 * acknowledgements stand in: what it says they are is its word alone. */
static enum mr_status forget_journal(uint8_t *value, size_t *len)
{
    struct mr_state_slot s;
    if (mr_state_slot_decode(&s, value, *len) != MR_OK)
        return MR_DAMAGED;
    s.body_at = s.memo_at = 0;
    s.body_len = s.memo_len = 0;
    s.acks_count = 0;
    *len = mr_state_slot_encode(&s, value, MR_STORE_VALUE_MAX);
    return MR_OK;
}

enum mr_status mr_state_row_put(struct mr_store *into, enum mr_table table,
                                const struct mr_state_row *row)
{
    uint8_t value[MR_STORE_VALUE_MAX];
    size_t len = row->value_len;
    if (!mr_state_is_shared(table))
        return MR_OUT_OF_RANGE;
    memcpy(value, row->value, len);
    const enum mr_status st = table == MR_TABLE_SLOT ? forget_journal(value, &len) : MR_OK;
    if (st != MR_OK)
        return st;
    const struct mr_put put = {.table = table,
                               .key = row->key,
                               .value = value,
                               .key_len = row->key_len,
                               .value_len = (uint32_t)len};
    return into->api->commit(into, &put, 1);
}

/* --- the store of a node that joins ----------------------------------------------------------- */

static enum mr_status put_meta(struct mri_view *v, const char *what, uint32_t number,
                               const uint8_t *bytes, size_t len)
{
    uint8_t key[5] = {(uint8_t)what[0]};
    for (int i = 0; i < 4; i++)
        key[1 + i] = (uint8_t)(number >> (24 - 8 * i));
    mri_view_put(v, MR_TABLE_META, key, sizeof key, bytes, len);
    return mri_view_reserve(v);
}

static enum mr_status count_rows(struct mri_ledger *l, struct mr_store *s)
{
    uint8_t key[8], value[MR_STORE_VALUE_MAX];
    size_t len;
    const struct {
        enum mr_table table;
        uint64_t *count;
    } counts[] = {{MR_TABLE_ACCOUNT, &l->meta.accounts},
                  {MR_TABLE_LISTING, &l->meta.listings},
                  {MR_TABLE_REDEMPTION, &l->meta.redemptions},
                  {MR_TABLE_CHECKPOINT, &l->meta.checkpoints}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        enum mr_status st = MR_OK;
        for (*counts[i].count = 0; st == MR_OK;) {
            st = s->api->get(s, counts[i].table, key, mri_key_u64(key, *counts[i].count + 1), value,
                             sizeof value, &len);
            *counts[i].count += st == MR_OK;
        }
        if (st != MR_NOT_FOUND)
            return st;
    }
    return MR_OK;
}

/* What led to the epoch, into the store and the present charter. */
static enum mr_status take_chain(struct mri_ledger *l, const struct mr_chain *chain,
                                 const struct mr_mem *mem)
{
    struct mr_handover *const h = mem->get(mem->ctx, sizeof *h);
    enum mr_status st = h != NULL ? MR_OK : MR_NO_MEMORY;
    size_t at = 0, used = 0;
    mri_ledger_founded(l);
    for (uint32_t epoch = 2; st == MR_OK && at < chain->len; epoch++, at += used) {
        st = mr_handover_decode_first(h, &used, chain->bytes + at, chain->len - at);
        if (st == MR_OK)
            st = put_meta(l->view, "r", epoch, chain->bytes + at, used);
        if (st == MR_OK)
            st = mri_ledger_hand_over(l, h);
    }
    if (st == MR_OK && chain->len > 0 && h->kind == MR_HANDOVER_REGROUP) {
        l->meta.restart_ms = h->u.regroup.regroup.time_ms;
        l->meta.claims_until_ms = h->u.regroup.regroup.claims_until_ms;
    }
    mem->put(mem->ctx, h);
    return st;
}

enum mr_status mr_adopt(struct mr_store *into, const struct mr_charter *charter, uint32_t node,
                        const struct mr_chain *chain, const struct mr_mem *mem)
{
    struct mri_view view;
    struct mri_ledger *const l = mem->get(mem->ctx, sizeof *l);
    uint8_t *const bytes = mem->get(mem->ctx, MR_FRAME_MAX);
    enum mr_status st = l != NULL && bytes != NULL ? MR_OK : MR_NO_MEMORY;
    mri_view_init(&view, into, mem);
    if (st == MR_OK)
        st = mri_view_reserve(&view);
    if (st == MR_OK) {
        memset(l, 0, sizeof *l);
        l->view = &view;
        l->charter = charter;
        mr_ledger_id(l->id, charter);
        memcpy(l->meta.ledger, l->id, 32);
        l->meta.epoch = chain->count + 1;
        l->meta.node = node;
        st = count_rows(l, into);
    }
    if (st == MR_OK)
        st = take_chain(l, chain, mem);
    for (uint32_t i = 0; st == MR_OK && i < l->present.charter.nodes_count; i++)
        if (l->present.charter.nodes[i].number == node) {
            l->meta.log_key = l->present.charter.nodes[i].log_key;
            l->meta.generation = l->present.generations[i].number;
        }
    if (st == MR_OK && l->meta.generation == 0)
        st = MR_NOT_FOUND;
    if (st == MR_OK) {
        struct mr_put *puts;
        size_t puts_count;
        mri_ledger_put_present(l);
        mri_ledger_store(l);
        st = mri_view_freeze(&view, &puts, &puts_count);
        if (st == MR_OK)
            st = mri_view_commit(&view, puts, puts_count);
    }
    mri_view_done(&view);
    mem->put(mem->ctx, bytes);
    mem->put(mem->ctx, l);
    return st;
}
