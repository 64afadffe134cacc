/* Records of the view: load, look up, genesis. */
#include <string.h>

#include "ledger/ledger.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/handover.h"
#include "mereau/order.h"

enum { RECORD_MAX = 2048 };

/* One getter a record; what does not decode is damage, since only we write here. */
#define GETTER(name, record, table)                                                                \
    static enum mr_status name(const struct mri_ledger *l, struct mr_##record *ret,                \
                               const uint8_t *key, size_t key_len)                                 \
    {                                                                                              \
        uint8_t bytes[RECORD_MAX];                                                                 \
        size_t len;                                                                                \
        const enum mr_status st =                                                                  \
            mri_view_get(l->view, table, key, key_len, bytes, sizeof bytes, &len);                 \
        if (st != MR_OK)                                                                           \
            return st;                                                                             \
        return mr_##record##_decode(ret, bytes, len) == MR_OK ? MR_OK : MR_DAMAGED;                \
    }
GETTER(get_account, state_account, MR_TABLE_ACCOUNT)
GETTER(get_hot, state_hot, MR_TABLE_HOT)
GETTER(get_slot, state_slot, MR_TABLE_SLOT)
GETTER(get_credit, state_credit, MR_TABLE_CREDIT)
GETTER(get_bank, state_slot_ref, MR_TABLE_BANK)
GETTER(get_redemption, state_redemption, MR_TABLE_REDEMPTION)
GETTER(get_listing, state_alias, MR_TABLE_LISTING)
GETTER(get_policy, policy, MR_TABLE_POLICY)
GETTER(get_meta, state_meta, MR_TABLE_META)

static enum mr_status get_number(const struct mri_ledger *l, uint64_t *ret, enum mr_table table,
                                 const uint8_t *key, size_t key_len)
{
    uint8_t bytes[8];
    size_t len;
    const enum mr_status st = mri_view_get(l->view, table, key, key_len, bytes, sizeof bytes, &len);
    if (st != MR_OK)
        return st;
    if (len != sizeof bytes)
        return MR_DAMAGED;
    *ret = mri_key_read(bytes);
    return MR_OK;
}

enum mr_status mri_account_number(const struct mri_ledger *l, uint64_t *ret,
                                  const uint8_t account[16])
{
    return get_number(l, ret, MR_TABLE_ACCOUNT_NO, account, MR_ACCOUNT_BYTES);
}

enum mr_status mri_account_get(const struct mri_ledger *l, struct mr_state_account *ret,
                               uint64_t number)
{
    uint8_t key[8];
    return get_account(l, ret, key, mri_key_u64(key, number));
}

enum mr_status mri_hot_get(const struct mri_ledger *l, struct mr_state_hot *ret, uint64_t number)
{
    uint8_t key[8];
    return get_hot(l, ret, key, mri_key_u64(key, number));
}

enum mr_status mri_hot_of(const struct mri_ledger *l, struct mr_state_hot *ret,
                          uint64_t *ret_number, const uint8_t account[16])
{
    const enum mr_status st = mri_account_number(l, ret_number, account);
    return st == MR_OK ? mri_hot_get(l, ret, *ret_number) : st;
}

enum mr_status mri_slot_get(const struct mri_ledger *l, struct mr_state_slot *ret, uint64_t number,
                            uint64_t seq)
{
    uint8_t key[16];
    return get_slot(l, ret, key, mri_key_pair(key, number, seq));
}

enum mr_status mri_credit_get(const struct mri_ledger *l, struct mr_state_credit *ret,
                              uint64_t number, uint64_t credit)
{
    uint8_t key[16];
    return get_credit(l, ret, key, mri_key_pair(key, number, credit));
}

enum mr_status mri_bank_get(const struct mri_ledger *l, struct mr_state_slot_ref *ret,
                            const uint8_t association[16], const uint8_t ref[32])
{
    uint8_t key[48];
    memcpy(key, association, 16);
    memcpy(key + 16, ref, 32);
    return get_bank(l, ret, key, sizeof key);
}

enum mr_status mri_redemption_get(const struct mri_ledger *l, struct mr_state_redemption *ret,
                                  uint64_t number)
{
    uint8_t key[8];
    return get_redemption(l, ret, key, mri_key_u64(key, number));
}

enum mr_status mri_listing_get(const struct mri_ledger *l, struct mr_state_alias *ret,
                               uint64_t number)
{
    uint8_t key[8];
    return get_listing(l, ret, key, mri_key_u64(key, number));
}

enum mr_status mri_listing_of(const struct mri_ledger *l, uint64_t *ret, const uint8_t account[16])
{
    return get_number(l, ret, MR_TABLE_LISTING_OF, account, MR_ACCOUNT_BYTES);
}

enum mr_status mri_alias_get(const struct mri_ledger *l, uint64_t *ret,
                             const uint8_t association[16], const char *alias, size_t len)
{
    uint8_t key[16 + MR_ALIAS_MAX];
    if (len > MR_ALIAS_MAX)
        return MR_NOT_FOUND;
    memcpy(key, association, 16);
    memcpy(key + 16, alias, len);
    return get_number(l, ret, MR_TABLE_ALIAS, key, 16 + len);
}

uint32_t mri_association_index(const struct mri_ledger *l, const uint8_t id[16])
{
    for (uint32_t i = 0; i < l->present.charter.associations_count; i++)
        if (memcmp(l->present.charter.associations[i].id, id, 16) == 0)
            return i;
    return MR_ASSOCIATIONS_MAX;
}

/* Write one account of LED-2 and give it the next record number. */
static uint64_t write_derived(struct mri_ledger *l, const struct mr_association *home,
                              enum mr_account_class class, const struct mr_keyset *keys)
{
    struct mr_state_account a = {.class = class};
    struct mr_state_hot h = {.chain.balances_count = l->charter->units_count};
    uint8_t bytes[RECORD_MAX], key[8], no[8];
    mr_sub_account(a.id, home != NULL ? home->id : NULL, class);
    if (home != NULL)
        memcpy(a.association, home->id, 16);
    if (keys != NULL) {
        a.keys = *keys;
        a.generation = 1;
        h.chain.next_seq = 1;
    }
    if (class == MR_CLASS_ISSUER)
        a.credit = home->cap;
    l->meta.accounts++;
    mri_key_u64(key, l->meta.accounts);
    mri_key_u64(no, l->meta.accounts);
    mri_view_put(l->view, MR_TABLE_ACCOUNT_NO, a.id, 16, no, 8);
    mri_view_put(l->view, MR_TABLE_ACCOUNT, key, 8, bytes,
                 mr_state_account_encode(&a, bytes, sizeof bytes));
    mri_view_put(l->view, MR_TABLE_HOT, key, 8, bytes,
                 mr_state_hot_encode(&h, bytes, sizeof bytes));
    return l->meta.accounts;
}

/* LED-2: the sub-accounts of an association. */
static void write_association(struct mri_ledger *l, const struct mr_association *a)
{
    write_derived(l, a, MR_CLASS_DESK, &a->desk);
    write_derived(l, a, MR_CLASS_TREASURY, &a->treasury);
    write_derived(l, a, MR_CLASS_ISSUER, NULL);
    write_derived(l, a, MR_CLASS_RESERVE, NULL);
    write_derived(l, a, MR_CLASS_REDEEMED, NULL);
    write_derived(l, a, MR_CLASS_OWN, NULL);
}

void mri_ledger_put_present(struct mri_ledger *l)
{
    uint8_t bytes[MR_STORE_VALUE_MAX];
    mri_view_put(l->view, MR_TABLE_META, (const uint8_t *)"c", 1, bytes,
                 mr_state_present_encode(&l->present, bytes, sizeof bytes));
}

void mri_ledger_founded(struct mri_ledger *l)
{
    l->present.charter = *l->charter;
    l->present.generations_count = l->charter->nodes_count;
    for (uint32_t i = 0; i < l->charter->nodes_count; i++)
        l->present.generations[i].number = 1;
}

/* What governance and NEXT orders made of the charter; the NEXT that waits. */
static enum mr_status load_present(struct mri_ledger *l)
{
    uint8_t bytes[MR_STORE_VALUE_MAX];
    size_t len;
    mri_ledger_founded(l);
    enum mr_status st =
        mri_view_get(l->view, MR_TABLE_META, (const uint8_t *)"c", 1, bytes, sizeof bytes, &len);
    if (st == MR_OK && mr_state_present_decode(&l->present, bytes, len) != MR_OK)
        return MR_DAMAGED;
    if (st != MR_OK && st != MR_NOT_FOUND)
        return st;
    if (l->meta.next == 0)
        return MR_OK;
    st = mri_view_get(l->view, MR_TABLE_META, (const uint8_t *)"n", 1, bytes, sizeof bytes, &len);
    if (st == MR_OK && mr_next_epoch_decode(&l->next, bytes, len) != MR_OK)
        st = MR_DAMAGED;
    return st == MR_NOT_FOUND ? MR_DAMAGED : st;
}

/* EPO-4: the CUT settled: the associations that join have their accounts, and the next epoch's
 * nodes sign on the chain of checkpoints. */
void mri_ledger_apply_cut(struct mri_ledger *l, struct mr_state_account *checkpoints)
{
    checkpoints->keys.keys_count = 0;
    for (uint32_t i = 0; i < l->next.seats_count; i++)
        checkpoints->keys.keys[checkpoints->keys.keys_count++] = l->next.seats[i].node.log_key;
    checkpoints->generation++;
    for (uint32_t i = 0; i < l->next.associations_count; i++)
        write_association(l, &l->next.associations[i]);
}

static void write_genesis(struct mri_ledger *l)
{
    const struct mr_charter *c = l->charter;
    struct mr_keyset nodes = {.threshold = 1};
    uint8_t bytes[RECORD_MAX], key[8];
    for (uint32_t i = 0; i < c->nodes_count && i < MR_KEYS_MAX; i++)
        nodes.keys[nodes.keys_count++] = c->nodes[i].log_key;
    write_derived(l, NULL, MR_CLASS_SYSTEM, &c->governance);
    write_derived(l, NULL, MR_CLASS_CHECKPOINTS, &nodes);
    write_derived(l, NULL, MR_CLASS_WORLD, NULL);
    for (uint32_t i = 0; i < c->associations_count; i++)
        write_association(l, &c->associations[i]);
    mri_key_u64(key, 1);
    struct mr_policy first = c->policy;
    first.version = 1;
    first.start_day = 0;
    mri_view_put(l->view, MR_TABLE_POLICY, key, 8, bytes,
                 mr_policy_encode(&first, bytes, sizeof bytes));
    memcpy(l->meta.ledger, l->id, 32);
    l->meta.epoch = 1;
    l->meta.generation = 1;
    mri_ledger_store(l);
}

static enum mr_status find_derived(const struct mri_ledger *l, uint64_t *ret,
                                   const struct mr_association *home, enum mr_account_class class)
{
    uint8_t id[16];
    mr_sub_account(id, home != NULL ? home->id : NULL, class);
    const enum mr_status st = mri_account_number(l, ret, id);
    return st == MR_NOT_FOUND ? MR_DAMAGED : st;
}

static enum mr_status load_derived(struct mri_ledger *l)
{
    const struct {
        uint64_t *ret;
        enum mr_account_class class;
    } of_territory[] = {{&l->system, MR_CLASS_SYSTEM},
                        {&l->checkpoints, MR_CLASS_CHECKPOINTS},
                        {&l->world, MR_CLASS_WORLD}};
    enum mr_status st = MR_OK;
    for (size_t i = 0; i < 3 && st == MR_OK; i++)
        st = find_derived(l, of_territory[i].ret, NULL, of_territory[i].class);
    for (uint32_t i = 0; i < l->present.charter.associations_count && st == MR_OK; i++) {
        const struct mr_association *home = &l->present.charter.associations[i];
        struct mri_association *a = &l->associations[i];
        uint64_t *const ret[] = {&a->desk,    &a->treasury, &a->issuer,
                                 &a->reserve, &a->redeemed, &a->own};
        for (size_t k = 0; k < 6 && st == MR_OK; k++)
            st = find_derived(l, ret[k], home, (enum mr_account_class)(MR_CLASS_DESK + k));
    }
    return st;
}

enum mr_status mri_ledger_hand_over(struct mri_ledger *l, const struct mr_handover *h)
{
    struct mr_state_present *const p = &l->present;
    const struct mr_next_epoch *const next = mr_handover_seats(h);
    if (next != NULL) {
        p->generations_count = next->seats_count;
        for (uint32_t k = 0; k < next->seats_count; k++)
            p->generations[k].number = next->seats[k].generation;
        return mr_charter_next(&p->charter, next);
    }
    const struct mr_restart *const r = &h->u.restart.restart;
    for (uint32_t k = 0; k < p->charter.nodes_count; k++)
        if (p->charter.nodes[k].number == r->node) {
            p->charter.nodes[k].log_key = r->log_key;
            p->generations[k].number = r->generation;
        }
    return MR_OK;
}

enum mr_status mri_ledger_next_epoch(struct mri_ledger *l)
{
    struct mr_state_present *const p = &l->present;
    const enum mr_status st = mr_charter_next(&p->charter, &l->next);
    mr_assert(st == MR_OK); /* EPO-3 */
    p->generations_count = l->next.seats_count;
    for (uint32_t i = 0; i < l->next.seats_count; i++)
        p->generations[i].number = l->next.seats[i].generation;
    mri_ledger_put_present(l);
    l->meta.epoch = l->next.epoch;
    l->meta.next = l->meta.cut = l->meta.sealed = 0;
    l->meta.finished = false;
    return load_derived(l);
}

static enum mr_status load_policies(struct mri_ledger *l)
{
    l->policies_count = 0;
    for (uint64_t v = 1; l->policies_count < MRI_POLICIES_MAX; v++) {
        uint8_t key[8];
        const enum mr_status st =
            get_policy(l, &l->policies[l->policies_count], key, mri_key_u64(key, v));
        if (st == MR_NOT_FOUND)
            break;
        if (st != MR_OK)
            return st;
        l->policies_count++;
    }
    return l->policies_count > 0 ? MR_OK : MR_DAMAGED;
}

enum mr_status mri_ledger_load(struct mri_ledger *l, struct mri_view *view,
                               const struct mr_charter *charter)
{
    *l = (struct mri_ledger){.view = view, .charter = charter};
    mr_ledger_id(l->id, charter);
    enum mr_status st = mri_view_reserve(view);
    if (st != MR_OK)
        return st;
    st = get_meta(l, &l->meta, (const uint8_t *)"m", 1);
    if (st == MR_NOT_FOUND) {
        l->meta = (struct mr_state_meta){0};
        mri_ledger_founded(l);
        write_genesis(l);
        st = MR_OK;
    }
    if (st == MR_OK && memcmp(l->meta.ledger, l->id, 32) != 0)
        return MR_WRONG_LEDGER;
    if (st == MR_OK)
        st = load_present(l);
    if (st == MR_OK)
        st = load_derived(l);
    return st == MR_OK ? load_policies(l) : st;
}

void mri_ledger_store(struct mri_ledger *l)
{
    uint8_t bytes[RECORD_MAX];
    mri_view_put(l->view, MR_TABLE_META, (const uint8_t *)"m", 1, bytes,
                 mr_state_meta_encode(&l->meta, bytes, sizeof bytes));
}
