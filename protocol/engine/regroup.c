/* REGROUP: of several nodes too few are left to decide a NEXT, and governance names those that go
 * on and the state that they go on from (EPO-10). Each goes over by itself, once it holds that
 * state.
 */
#include "engine/internal.h"

#include <string.h>

#include "mereau/codec.h"
#include "mereau/order.h"

enum { ACCOUNT_MAX = 4096 };

bool mri_regroup_waits(const struct mr_engine *e)
{
    const struct mr_signed_regroup *const r = e->config.regroup;
    return r != NULL && e->ledger.meta.cut == 0 && /* else this epoch ends by itself */
           r->regroup.next.epoch == e->ledger.meta.epoch + 1;
}

void mri_regroup_sum(struct mr_engine *e, const struct mr_checkpoint *c, bool kept)
{
    if (!mri_regroup_waits(e) || c->turn < e->settled_turn)
        return;
    const struct mr_regroup *const r = &e->config.regroup->regroup;
    const bool same = c->accounts == r->accounts && memcmp(c->state_root, r->state_root, 32) == 0;
    if (same && !kept)
        return; /* it was begun before: once more */
    e->regroups = same;
    e->regroup_turn = e->settled_turn > 0 ? e->settled_turn : 1;
    e->sum_wanted = false;
}

/* Heads over all that was said are at hand, if this node signs any. */
static bool is_quiet(const struct mr_engine *e)
{
    return e->synced_leaves == e->tree.size && (!mri_votes(e) || e->head.size == e->tree.size);
}

enum mr_status mri_regroup_work(struct mr_engine *e)
{
    if (e->config.read_only || e->closing || !mr_engine_ready(e))
        return MR_OK;
    if (e->regroups && e->settled_turn > e->regroup_turn)
        e->regroups = false; /* something settled since */
    if (!e->regroups) {
        e->sum_wanted = e->regroup_turn == 0 || e->settled_turn > e->regroup_turn;
        return MR_OK;
    }
    if (!is_quiet(e))
        return MR_OK;
    enum mr_status st = mri_ledger_check_seats(&e->ledger, &e->config.regroup->regroup.next);
    if (st != MR_OK) {
        e->regroups = false;
        return mri_is_trouble(st) ? st : MR_OK;
    }
    mri_journal_head(e);
    e->entry.kind = MR_ENTRY_REGROUP;
    e->entry.u.regroup = *e->config.regroup;
    mri_say(e, &e->entry);
    st = mri_regroup_apply(e, e->config.regroup);
    if (st == MR_OK && mri_signs(e))
        mri_say_start(e);
    return st;
}

/* The nodes of the epoch sign on the chain of checkpoints. Behind the state that was named: whoever
 * takes that over does the same. */
static enum mr_status seat_checkpoints(struct mr_engine *e, const struct mr_regroup *r)
{
    struct mr_state_account a;
    uint8_t bytes[ACCOUNT_MAX], number[8];
    const enum mr_status st = mri_account_get(&e->ledger, &a, e->ledger.checkpoints);
    if (st != MR_OK)
        return st;
    e->ledger.next = r->next;
    mri_ledger_apply_cut(&e->ledger, &a);
    mri_view_put(&e->view, MR_TABLE_ACCOUNT, number, mri_key_u64(number, e->ledger.checkpoints),
                 bytes, mr_state_account_encode(&a, bytes, sizeof bytes));
    return MR_OK;
}

enum mr_status mri_regroup_adopted(struct mr_engine *e)
{
    if (e->ledger.meta.turn > 0 || e->ledger.meta.epoch == 1)
        return MR_OK;
    const enum mr_status st = mri_epoch_get(e, &e->handover, e->ledger.meta.epoch);
    if (st != MR_OK || e->handover.kind != MR_HANDOVER_REGROUP)
        return st;
    return seat_checkpoints(e, &e->handover.u.regroup.regroup);
}

enum mr_status mri_regroup_apply(struct mr_engine *e, const struct mr_signed_regroup *r)
{
    struct mr_state_meta *const m = &e->ledger.meta;
    struct mr_handover *const h = &e->handover;
    const enum mr_status fits = mri_ledger_check_seats(&e->ledger, &r->regroup.next);
    if (fits != MR_OK)
        return mri_is_trouble(fits) ? fits : MR_DAMAGED;
    h->kind = MR_HANDOVER_REGROUP;
    h->u.regroup = *r;
    enum mr_status st = seat_checkpoints(e, &r->regroup);
    if (st != MR_OK)
        return st;
    mri_end_log(e, h, e->ledger.next.epoch);
    m->restart_ms = r->regroup.time_ms;
    m->claims_until_ms = r->regroup.claims_until_ms;
    st = mri_take_seats(e);
    return st == MR_OK ? mri_begin_epoch(e) : st;
}
