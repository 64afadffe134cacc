/* EPO-3: what a NEXT may say. Everything here depends on the present epoch alone, which only the
 * system chain changes. */
#include <string.h>

#include "ledger/ledger.h"
#include "mereau/amount.h"
#include "mereau/codec.h"
#include "mereau/handover.h"
#include "mereau/order.h"

static const struct mr_node *node_of(const struct mr_charter *c, uint32_t number, uint32_t *ret_at)
{
    for (uint32_t i = 0; i < c->nodes_count; i++)
        if (c->nodes[i].number == number) {
            *ret_at = i;
            return &c->nodes[i];
        }
    return NULL;
}

/* A key belongs to one generation of one node. */
static bool generation_ok(const struct mri_ledger *l, const struct mr_epoch_seat *s)
{
    uint32_t at = 0;
    const struct mr_charter *const c = &l->present.charter;
    const struct mr_node *const was = node_of(c, s->node.number, &at);
    if (was == NULL)
        return s->generation == 1 && s->node.number > c->nodes[c->nodes_count - 1].number;
    const bool same = memcmp(was->log_key.key, s->node.log_key.key, MR_KEY_BYTES) == 0;
    return s->generation == l->present.generations[at].number + (same ? 0 : 1);
}

/* LED-5a, with the caps that are in force. */
static enum mr_status check_caps(const struct mri_ledger *l, const struct mr_next_epoch *next)
{
    int64_t sum = 0;
    bool fits = true;
    for (uint32_t i = 0; fits && i < next->associations_count; i++)
        fits = mr_amount_add(&sum, sum, next->associations[i].cap);
    for (uint32_t i = 0; fits && sum > 0 && i < l->present.charter.associations_count; i++) {
        struct mr_state_account issuer;
        const enum mr_status st = mri_account_get(l, &issuer, l->associations[i].issuer);
        if (st != MR_OK)
            return st;
        fits = mr_amount_add(&sum, sum, issuer.credit);
    }
    return fits && sum <= MR_CAPS_MAX ? MR_OK : MR_OUT_OF_RANGE;
}

enum mr_status mri_ledger_check_next(const struct mri_ledger *l, const struct mr_next_epoch *next)
{
    return l->meta.next != 0 ? MR_EPOCH_MISMATCH : mri_ledger_check_seats(l, next);
}

enum mr_status mri_ledger_check_seats(const struct mri_ledger *l, const struct mr_next_epoch *next)
{
    struct mr_state_present after = l->present;
    const char *what;
    if (next->epoch != l->meta.epoch + 1)
        return MR_EPOCH_MISMATCH;
    if (next->seats_count == 0 || mr_charter_next(&after.charter, next) != MR_OK ||
        mr_charter_check_later(&after.charter, &what) != MR_OK)
        return MR_OUT_OF_RANGE;
    for (uint32_t i = 0; i < next->seats_count; i++)
        if (!generation_ok(l, &next->seats[i]))
            return MR_OUT_OF_RANGE;
    after.generations_count = next->seats_count;
    for (uint32_t i = 0; i < next->seats_count; i++)
        after.generations[i].number = next->seats[i].generation;
    if (mr_state_present_size(&after) > MR_STORE_VALUE_MAX ||
        mr_next_epoch_size(next) > MR_STORE_VALUE_MAX)
        return MR_OUT_OF_RANGE;
    return check_caps(l, next);
}
