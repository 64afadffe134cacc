/* The policies settled so far. */
#include "ledger/ledger.h"
#include "mereau/order.h"

const struct mr_policy *mri_policy_on(const struct mri_ledger *l, uint32_t day)
{
    return mr_policy_on(l->policies, l->policies_count, day);
}

const struct mr_policy *mri_policy_version(const struct mri_ledger *l, uint32_t version)
{
    return version >= 1 && version <= l->policies_count ? &l->policies[version - 1] : NULL;
}
