/* What a caller sees of the accounts. */
#include "audit/state.h"

static struct mr_audit_account show_account(const struct mr_audit *a,
                                            const struct mri_aud_account *x)
{
    struct mr_audit_account shown = {.id = x->id,
                                     .opened = !x->unknown,
                                     .class = x->class,
                                     .opened_ms = x->opened_ms,
                                     .frozen = x->cold.frozen,
                                     .closed = x->cold.closed,
                                     .balances = x->hot.balance};
    if (x->home >= 0)
        shown.association = a->charter.associations[x->home].id;
    if (x->listing != NULL)
        shown.listing = &x->listing->row.listing;
    return shown;
}

bool mr_audit_account(const struct mr_audit *a, const uint8_t id[MR_ACCOUNT_BYTES],
                      struct mr_audit_account *ret)
{
    const struct mri_aud_account *const x = mri_aud_map_get(&a->accounts, id);
    if (x != NULL)
        *ret = show_account(a, x);
    return x != NULL;
}

enum mr_status mr_audit_accounts(const struct mr_audit *a, mr_audit_account_fn fn, void *ctx)
{
    void **const all = mri_aud_map_sorted(&a->accounts, &a->mem);
    enum mr_status st = all == NULL && a->accounts.count > 0 ? MR_NO_MEMORY : MR_OK;
    for (size_t i = 0; st == MR_OK && i < a->accounts.count; i++) {
        const struct mr_audit_account shown = show_account(a, all[i]);
        st = fn(ctx, &shown);
    }
    a->mem.put(a->mem.ctx, all);
    return st;
}
