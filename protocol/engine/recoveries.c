/* How the recovery of an account stands, for the new device that it is for (LED-33): it has no key
 * of the account yet, and names its own. */
#include <string.h>

#include "engine/internal.h"
#include "mereau/order.h"

enum { STOPS_LOOKED_AT = 64 }; /* last places of the account: an owner who objects is asked soon */

/* The order in a settled slot, in e->body; NULL: it is not here (any more). */
static const struct mr_order *order_at(struct mr_engine *e, uint64_t number, uint64_t seq,
                                       struct mr_state_slot *ret_slot)
{
    if (mri_slot_get(&e->ledger, ret_slot, number, seq) != MR_OK || ret_slot->voided ||
        mri_read_body(e, &e->body, ret_slot->body_at, ret_slot->body_len) != MR_OK ||
        e->body.kind != MR_BODY_ORDER)
        return NULL;
    return &e->body.u.order.order;
}

/* Whether the RECOVER at this place of the home treasury's chain is for the account and the key. */
static bool is_for(struct mr_engine *e, const struct mr_state_account *a, uint64_t seq,
                   const uint8_t enc_key[MR_KEY_BYTES])
{
    struct mr_state_slot slot;
    uint8_t treasury[MR_ACCOUNT_BYTES];
    uint64_t number;
    mr_sub_account(treasury, a->association, MR_CLASS_TREASURY);
    if (mri_account_number(&e->ledger, &number, treasury) != MR_OK)
        return false;
    const struct mr_order *const o = order_at(e, number, seq, &slot);
    return o != NULL && o->body.kind == MR_KIND_RECOVER &&
           memcmp(o->body.u.recover.account, a->id, MR_ACCOUNT_BYTES) == 0 &&
           memcmp(o->body.u.recover.keys.enc_key, enc_key, MR_KEY_BYTES) == 0;
}

/* When the owner stopped what stood at this place; 0: it is not known here. */
static uint64_t stopped_ms(struct mr_engine *e, const struct mr_state_account *a, uint64_t number)
{
    struct mr_state_hot hot;
    if (mri_hot_get(&e->ledger, &hot, number) != MR_OK)
        return 0;
    const uint64_t next = hot.chain.next_seq;
    for (uint64_t back = 1; back < next && back <= STOPS_LOOKED_AT; back++) {
        struct mr_state_slot slot;
        const struct mr_order *const o = order_at(e, number, next - back, &slot);
        if (o != NULL && o->body.kind == MR_KIND_STOP && o->body.u.stop.upto == a->stopped)
            return slot.time_ms;
    }
    return 0;
}

void mri_recovery_news(struct mr_engine *e, struct mr_rep_lookup *r,
                       const struct mr_state_account *a, uint64_t number,
                       const uint8_t enc_key[MR_KEY_BYTES])
{
    static const uint8_t none[MR_KEY_BYTES] = {0};
    struct mr_recovery_news *const news = &r->recovery[0];
    if (memcmp(enc_key, none, sizeof none) == 0 || memcmp(enc_key, a->enc_key, sizeof none) == 0)
        return; /* the present key is known to all */
    for (uint32_t i = a->recoveries_count; i > 0 && r->recovery_count == 0; i--)
        if (is_for(e, a, a->recoveries[i - 1].seq, enc_key)) {
            *news = (struct mr_recovery_news){.seq = a->recoveries[i - 1].seq,
                                              .time_ms = a->recoveries[i - 1].ready_ms};
            r->recovery_count = 1;
        }
    if (r->recovery_count == 0 && a->stopped > 0 && is_for(e, a, a->stopped, enc_key)) {
        *news = (struct mr_recovery_news){
            .seq = a->stopped, .stopped = true, .time_ms = stopped_ms(e, a, number)};
        r->recovery_count = 1;
    }
}
