/* Who signs: the key set of the chain, or a treasury's that an order names (LED-32, LED-33). */
#include <string.h>

#include "ledger/ledger.h"
#include "mereau/order.h"

enum mr_status mri_keys_named(const struct mr_state_account *treasury, uint32_t generation,
                              const struct mr_keyset *keys, uint64_t time_ms)
{
    uint8_t named[32], present[32];
    if (generation > treasury->generation)
        return MR_KEYS_UNKNOWN;
    mr_keyset_hash(named, keys);
    if (generation == treasury->generation) {
        mr_keyset_hash(present, &treasury->keys);
        return memcmp(named, present, sizeof named) == 0 ? MR_OK : MR_BAD_KEY;
    }
    const uint32_t back = treasury->generation - generation - 1;
    if (back >= treasury->past_count || time_ms >= treasury->past[back].until_ms)
        return MR_KEYS_OLD;
    return memcmp(named, treasury->past[back].hash, sizeof named) == 0 ? MR_OK : MR_BAD_KEY;
}

enum mr_status mri_ledger_signers(const struct mri_ledger *l, struct mr_keyset *ret,
                                  uint32_t *ret_generation, const struct mr_order *order)
{
    const struct mr_takeover *t = &order->body.u.takeover;
    struct mr_state_account a;
    uint64_t number;
    enum mr_status st = mri_account_number(l, &number, order->account);
    if (st == MR_OK)
        st = mri_account_get(l, &a, number);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_ACCOUNT_UNKNOWN : st;
    if (order->body.kind != MR_KIND_TAKEOVER) {
        *ret = a.keys;
        *ret_generation = a.generation;
        return MR_OK;
    }
    const uint32_t home = mri_association_index(l, a.association);
    if (home == MR_ASSOCIATIONS_MAX)
        return MR_WRONG_CHAIN;
    st = mri_account_get(l, &a, l->associations[home].treasury);
    if (st == MR_OK)
        st = mri_keys_named(&a, t->generation, &t->treasury, order->time_ms);
    if (st == MR_OK) {
        *ret = t->treasury;
        *ret_generation = t->generation;
    }
    return st;
}

const struct mr_recovery *mri_recovery_of(const struct mr_state_account *a, uint64_t seq)
{
    for (uint32_t i = 0; i < a->recoveries_count; i++)
        if (a->recoveries[i].seq == seq)
            return &a->recoveries[i];
    return NULL;
}

bool mri_recovery_complete(const struct mri_plan *plan)
{
    const struct mr_order_body *b = &plan->order->body;
    const struct mr_state_account *chain = &plan->rows[0].account;
    /* The one row besides the chain's: the member of a RECOVER, the treasury of a TAKEOVER. */
    const struct mr_state_account *other = &plan->rows[plan->rows_count - 1].account;
    if (b->kind == MR_KIND_RECOVER)
        return b->u.recover.keys.generation <= other->generation + 1;
    if (b->kind == MR_KIND_STOP)
        return chain->recoveries_count > 0 &&
               chain->recoveries[chain->recoveries_count - 1].seq >= b->u.stop.upto;
    if (b->kind == MR_KIND_TAKEOVER)
        return b->u.takeover.generation <= other->generation &&
               mri_recovery_of(chain, b->u.takeover.recover) != NULL;
    return true;
}
