/* Whether a charter can found a ledger. */
#include <string.h>

#include "base/for_people.h"
#include "mereau/order.h"
#include "mereau/text.h"

static const char *units_fault(const struct mr_charter *c)
{
    if (c->units_count < 2)
        return N_("a ledger needs a local unit and the reserve's mirror");
    if (c->units[0].role != MR_UNIT_LOCAL || c->units[1].role != MR_UNIT_RESERVE)
        return N_("unit 0 must be local and unit 1 the reserve's mirror");
    if (c->units[0].decimals != c->units[1].decimals)
        return N_("the local unit and the reserve's mirror need the same decimals");
    for (uint32_t i = 0; i < c->units_count; i++)
        if (c->units[i].code_len == 0 || (i > 1 && c->units[i].role != MR_UNIT_OTHER))
            return N_("a unit has no code, or a role that is taken");
    return NULL;
}

/* LED-2a: no two associations have ids in common, nor one with the derived accounts of nobody. */
static const char *spaces_fault(const struct mr_charter *c, uint32_t at)
{
    static const uint8_t nobody[MR_ACCOUNT_BYTES];
    const uint8_t *const id = c->associations[at].id;
    if (mr_in_space(id, nobody))
        return N_("an association's id does not begin with four bytes of zero");
    for (uint32_t k = 0; k < at; k++)
        if (mr_in_space(id, c->associations[k].id))
            return N_("the ids of two associations begin with the same four bytes");
    return NULL;
}

static const char *associations_fault(const struct mr_charter *c)
{
    int64_t caps = 0;
    const char *what = NULL;
    if (c->associations_count == 0)
        return N_("there is no association");
    for (uint32_t i = 0; i < c->associations_count; i++) {
        const struct mr_association *a = &c->associations[i];
        if (!mr_alias_ok(a->alias))
            return N_("an association's alias has 2 to 32 of a-z, 0-9 and -");
        if (mr_keyset_check(&a->desk, MR_CLASS_DESK) != MR_OK)
            return N_("an association's desk needs usable keys and threshold 1");
        if (mr_keyset_check(&a->treasury, MR_CLASS_TREASURY) != MR_OK)
            return N_("an association's treasury needs usable keys and a majority threshold");
        for (uint32_t k = 0; k < i; k++)
            if (memcmp(c->associations[k].id, a->id, 16) == 0 ||
                strcmp(c->associations[k].alias, a->alias) == 0)
                return N_("two associations have the same id or alias");
        what = spaces_fault(c, i);
        if (what != NULL)
            return what;
        caps += a->cap <= MR_CAPS_MAX ? a->cap : MR_CAPS_MAX + 1;
        if (caps > MR_CAPS_MAX)
            return N_("the caps sum to more than a ledger can hold");
    }
    return NULL;
}

static bool same_key(const struct mr_pubkey *a, const struct mr_pubkey *b)
{
    return memcmp(a->key, b->key, MR_KEY_BYTES) == 0;
}

static const char *node_fault(const struct mr_charter *c, uint32_t at, bool founding)
{
    const struct mr_node *n = &c->nodes[at];
    bool known = false;
    if (founding && n->number != at + 1)
        return N_("nodes are numbered 1, 2, 3 ...");
    if (n->number == 0 || (at > 0 && n->number <= c->nodes[at - 1].number))
        return N_("nodes are numbered in ascending order");
    if (!mr_pubkey_usable(&n->log_key) || !mr_pubkey_usable(&n->transport_key))
        return N_("a node's key is not usable");
    for (uint32_t i = 0; i < c->associations_count; i++)
        known = known || memcmp(c->associations[i].id, n->association, MR_ACCOUNT_BYTES) == 0;
    if (!known)
        return N_("a node's association is not in the charter");
    for (uint32_t i = 0; i < at; i++)
        if (same_key(&c->nodes[i].log_key, &n->log_key) ||
            same_key(&c->nodes[i].transport_key, &n->transport_key))
            return N_("two nodes have the same key");
    return NULL;
}

static const char *nodes_fault(const struct mr_charter *c, bool founding)
{
    const char *what = NULL;
    if (c->nodes_count == 0)
        return N_("there is no node");
    if (c->nodes_count > MR_SEATS_MAX)
        return N_("there are more nodes than a federation can have");
    if (2 * c->quorum <= c->nodes_count || c->quorum > c->nodes_count)
        return N_("the quorum is more than half of the nodes and at most all");
    for (uint32_t i = 0; i < c->nodes_count && what == NULL; i++)
        what = node_fault(c, i, founding);
    return what;
}

/* A witness answers for others: who signs in this ledger cannot be one. */
static bool signs_here(const struct mr_charter *c, const struct mr_pubkey *key)
{
    bool found = false;
    for (uint32_t i = 0; i < c->nodes_count; i++)
        found = found || same_key(&c->nodes[i].log_key, key) ||
                same_key(&c->nodes[i].transport_key, key);
    for (uint32_t i = 0; i < c->governance.keys_count; i++)
        found = found || same_key(&c->governance.keys[i], key);
    for (uint32_t i = 0; i < c->associations_count; i++) {
        const struct mr_association *a = &c->associations[i];
        for (uint32_t k = 0; k < a->desk.keys_count; k++)
            found = found || same_key(&a->desk.keys[k], key);
        for (uint32_t k = 0; k < a->treasury.keys_count; k++)
            found = found || same_key(&a->treasury.keys[k], key);
    }
    return found;
}

const char *mr_witness_set_fault(const struct mr_witness_set *w)
{
    for (uint32_t i = 0; i < w->members_count; i++) {
        const struct mr_witness *one = &w->members[i];
        if (one->name_len == 0 || strpbrk(one->name, " +") != NULL)
            return N_("a witness has a name without blanks and +");
        if (!mr_pubkey_usable(&one->key))
            return N_("a witness's key is not usable");
        for (uint32_t k = 0; k < i; k++)
            if (same_key(&w->members[k].key, &one->key) ||
                strcmp(w->members[k].name, one->name) == 0)
                return N_("two witnesses have the same key or name");
    }
    return w->quorum <= w->members_count ? NULL : N_("more witnesses are needed than there are");
}

static const char *witnesses_fault(const struct mr_charter *c)
{
    for (uint32_t i = 0; i < c->witnesses.members_count; i++)
        if (signs_here(c, &c->witnesses.members[i].key))
            return N_("a witness's key is one of a node, an operator or governance");
    return mr_witness_set_fault(&c->witnesses);
}

static const char *policy_fault(const struct mr_policy *p)
{
    if (p->version != 1 || p->start_day != 0)
        return N_("the first policy has version 1 and starts at once");
    for (uint32_t i = 0; i < p->classes_count; i++)
        if (!mr_is_member_class(p->classes[i].class) ||
            (i > 0 && p->classes[i].class <= p->classes[i - 1].class))
            return N_("class rules stand once for a member class, ascending");
    for (uint32_t i = 0; i < p->fees_count; i++)
        if (p->fees[i].kind != MR_KIND_PAY && p->fees[i].kind != MR_KIND_REDEEM)
            return N_("fees are for pay and redeem");
    return NULL;
}

static const char *prefix_fault(const struct mr_charter *c)
{
    if (c->prefix_len < 2)
        return N_("the address prefix has 2 to 16 lower-case letters");
    for (uint32_t i = 0; i < c->prefix_len; i++)
        if (c->prefix[i] < 'a' || c->prefix[i] > 'z')
            return N_("the address prefix has 2 to 16 lower-case letters");
    return NULL;
}

static enum mr_status check(const struct mr_charter *c, bool founding, const char **ret_what)
{
    const char *what = c->version == 1 ? prefix_fault(c) : N_("the charter's version is not known");
    if (what == NULL)
        what = units_fault(c);
    if (what == NULL)
        what = associations_fault(c);
    if (what == NULL)
        what = nodes_fault(c, founding);
    if (what == NULL && mr_keyset_check(&c->governance, MR_CLASS_SYSTEM) != MR_OK)
        what = N_("governance needs usable keys and a majority threshold");
    if (what == NULL)
        what = policy_fault(&c->policy);
    if (what == NULL)
        what = witnesses_fault(c);
    if (what != NULL)
        *ret_what = what;
    return what == NULL ? MR_OK : MR_CONFIG;
}

enum mr_status mr_charter_check(const struct mr_charter *c, const char **ret_what)
{
    return check(c, true, ret_what);
}

enum mr_status mr_charter_check_later(const struct mr_charter *c, const char **ret_what)
{
    return check(c, false, ret_what);
}
