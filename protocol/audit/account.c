/* Accounts, policies, genesis: LED-2 to LED-6, LED-52. */
#include <string.h>

#include "audit/state.h"

bool mri_aud_is_member(enum mr_account_class class)
{
    return class >= MR_CLASS_RESIDENT && class <= MR_CLASS_FUND;
}

struct mri_aud_account *mri_aud_account(struct mr_audit *a, const uint8_t id[16])
{
    struct mri_aud_account *x = mri_aud_map_get(&a->accounts, id);
    if (x != NULL)
        return x;
    x = mri_aud_get(a, sizeof *x);
    if (x == NULL)
        return NULL;
    memcpy(x->id, id, 16);
    x->unknown = true;
    x->partial = a->incomplete;
    x->home = -1;
    if (mri_aud_map_put(&a->accounts, &a->mem, x) != MR_OK) {
        a->no_memory = true;
        mri_aud_put(a, x);
        return NULL;
    }
    return x;
}

void mri_aud_set_keys(struct mr_audit *a, struct mri_aud_account *account,
                      const struct mr_keyset *keys)
{
    void *list = a->keys;
    if (!mri_aud_room(a, &list, &a->keys_cap, a->keys_count, sizeof *a->keys))
        return;
    a->keys = list;
    struct mr_pubkey *const copy = mri_aud_get(a, (keys->keys_count + 1) * sizeof *copy);
    if (copy == NULL)
        return;
    a->keys[a->keys_count++] = copy;
    memcpy(copy, keys->keys, keys->keys_count * sizeof *copy);
    account->cold.keys = copy;
    account->cold.key_count = keys->keys_count;
    account->cold.threshold = keys->threshold;
}

int mri_aud_association(const struct mr_audit *a, const uint8_t id[16])
{
    for (uint32_t i = 0; i < a->charter.associations_count; i++) {
        if (memcmp(a->charter.associations[i].id, id, 16) == 0)
            return (int)i;
    }
    return -1;
}

bool mri_aud_in_space(const uint8_t id[16], const uint8_t association[16])
{
    return memcmp(id, association, MR_SPACE_BYTES) == 0;
}

void mri_aud_sub_account(uint8_t ret[16], const uint8_t of[16], enum mr_account_class class)
{
    const char *const text = mr_account_class_text(class);
    uint8_t h[MR_HASH_BYTES];
    mr_hash(h, "mereau/sub-account", of, 16, text, strlen(text));
    memcpy(ret, of, MR_SPACE_BYTES);
    memcpy(ret + MR_SPACE_BYTES, h + MR_SPACE_BYTES, 16 - MR_SPACE_BYTES);
}

static struct mri_aud_account *derive(struct mr_audit *a, const uint8_t of[16],
                                      enum mr_account_class class, int home)
{
    uint8_t id[16];
    mri_aud_sub_account(id, of, class);
    struct mri_aud_account *const x = mri_aud_account(a, id);
    if (x == NULL)
        return NULL;
    x->unknown = false;
    x->class = class;
    x->home = home;
    a->account_count++;
    return x;
}

/* LED-3 */
static void make_chain(struct mr_audit *a, struct mri_aud_account *x, const struct mr_keyset *keys)
{
    x->hot.next_seq = 1;
    x->cold.generation = 1;
    mri_aud_set_keys(a, x, keys);
}

void mri_aud_add_association(struct mr_audit *a, uint32_t place)
{
    const struct mr_association *const as = &a->charter.associations[place];
    const int home = (int)place;
    struct mri_aud_account **const all[] = {&a->of[place].desk,     &a->of[place].treasury,
                                            &a->of[place].issuer,   &a->of[place].reserve,
                                            &a->of[place].redeemed, &a->of[place].own};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        *all[i] = derive(a, as->id, (enum mr_account_class)(MR_CLASS_DESK + i), home);
        if (*all[i] == NULL)
            return;
        (*all[i])->partial = false;
        (*all[i])->opened_turn = a->turn;
    }
    make_chain(a, a->of[place].desk, &as->desk);
    make_chain(a, a->of[place].treasury, &as->treasury);
    a->of[place].issuer->cold.credit = as->cap;
}

bool mri_aud_add_policy(struct mr_audit *a, const struct mr_policy *p)
{
    void *list = a->policies;
    if (!mri_aud_room(a, &list, &a->policies_cap, a->policies_count, sizeof *a->policies))
        return false;
    a->policies = list;
    struct mri_aud_policy *const copy = mri_aud_get(a, sizeof *copy);
    if (copy == NULL)
        return false;
    copy->row = *p;
    copy->turn = a->turn;
    a->policies[a->policies_count++] = copy;
    return true;
}

const struct mr_policy *mri_aud_policy(const struct mr_audit *a, uint32_t version)
{
    for (size_t i = a->policies_count; i-- > 0;) {
        if (a->policies[i]->row.version == version)
            return &a->policies[i]->row;
    }
    return NULL;
}

/* LED-11 */
const struct mr_policy *mri_aud_policy_on(const struct mr_audit *a, uint32_t day)
{
    const struct mr_policy *best = NULL;
    for (size_t i = 0; i < a->policies_count; i++) {
        const struct mr_policy *const p = &a->policies[i]->row;
        if (p->start_day <= day && (best == NULL || p->version > best->version))
            best = p;
    }
    return best;
}

enum mr_status mri_aud_genesis(struct mr_audit *a)
{
    static const uint8_t nobody[16];
    a->system = derive(a, nobody, MR_CLASS_SYSTEM, -1);
    a->checkpoints = derive(a, nobody, MR_CLASS_CHECKPOINTS, -1);
    a->world = derive(a, nobody, MR_CLASS_WORLD, -1);
    for (uint32_t i = 0; i < a->charter.associations_count && !a->no_memory; i++) {
        const struct mr_association *const as = &a->charter.associations[i];
        if (!mri_aud_keyset_right(&as->desk, MR_CLASS_DESK) ||
            !mri_aud_keyset_right(&as->treasury, MR_CLASS_TREASURY))
            return MR_BAD_KEY;
        mri_aud_add_association(a, i);
    }
    if (a->no_memory)
        return MR_NO_MEMORY;
    if (!mri_aud_keyset_right(&a->charter.governance, MR_CLASS_SYSTEM))
        return MR_BAD_KEY;
    make_chain(a, a->system, &a->charter.governance);
    struct mr_keyset nodes = {.threshold = 1};
    for (uint32_t i = 0; i < a->charter.nodes_count && i < MR_KEYS_MAX; i++)
        nodes.keys[nodes.keys_count++] = a->charter.nodes[i].log_key;
    make_chain(a, a->checkpoints, &nodes);
    /* LED-52: policy 1 is in force from day 0 */
    struct mr_policy first = a->charter.policy;
    first.start_day = 0;
    mri_aud_add_policy(a, &first);
    return a->no_memory ? MR_NO_MEMORY : MR_OK;
}

void mri_aud_move(struct mr_audit *a, struct mri_aud_account *account, uint32_t unit, int64_t delta)
{
    mri_aud_touch(a, account);
    int64_t v = account->hot.balance[unit] + delta; /* both within 2^52 */
    if (v > MR_AMOUNT_MAX || v < -MR_AMOUNT_MAX) {
        mri_aud_i64(a, "ENC-4", MR_AMOUNT_TOO_LARGE, "size of a balance", MR_AMOUNT_MAX, v);
        v = v > 0 ? MR_AMOUNT_MAX : -MR_AMOUNT_MAX;
    }
    account->hot.balance[unit] = v;
}
