/* What an association offers, and whether a charter has it unchanged. */
#include <stdio.h>
#include <string.h>

#include "base/for_people.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/federation.h"
#include "mereau/order.h"
#include "mereau/sign.h"
#include "mereau/text.h"

enum { GROUPS = 5, GROUP_BYTES = 6 };

uint32_t mr_quorum_default(uint32_t nodes)
{
    mr_assert(nodes >= 1 && nodes <= MR_NODES_MAX);
    const uint32_t liars = (nodes - 1) / 3;
    if (nodes == 3) /* two of three would settle against each other through one liar */
        return 3;
    return (nodes + liars) / 2 + 1;
}

void mr_confirmation(char ret[MR_CONFIRMATION_MAX], const uint8_t hash[32])
{
    for (size_t i = 0; i < GROUPS; i++) {
        uint64_t number = 0;
        for (size_t k = 0; k < GROUP_BYTES; k++)
            number = number << 8 | hash[i * GROUP_BYTES + k];
        snprintf(ret + 5 * i, MR_CONFIRMATION_MAX - 5 * i, i + 1 < GROUPS ? "%04u " : "%04u",
                 (unsigned)(number % 10000));
    }
}

void mr_offer_hash(uint8_t ret[32], const struct mr_offer *offer)
{
    uint8_t bytes[sizeof *offer];
    mr_hash(ret, "mereau/offer-id", bytes, mr_offer_encode(offer, bytes, sizeof bytes), NULL, 0);
}

static const char *witness_fault(const struct mr_witness *w)
{
    struct mr_witness_set alone = {.members_count = 1};
    alone.members[0] = *w;
    return mr_witness_set_fault(&alone);
}

enum mr_status mr_offer_check(const struct mr_offer *o, const char **ret_what)
{
    const struct mr_association *a = &o->association;
    const struct mr_node *n = &o->node;
    const char *what = NULL;
    if (o->version != 1)
        what = N_("the offer's version is not known");
    else if (!mr_alias_ok(a->alias) || a->name_len == 0)
        what = N_("the association has no name, or an alias that cannot be");
    else if (mr_keyset_check(&a->desk, MR_CLASS_DESK) != MR_OK ||
             mr_keyset_check(&a->treasury, MR_CLASS_TREASURY) != MR_OK)
        what = N_("desk and treasury need usable keys and their thresholds");
    else if (n->number != 0 || memcmp(n->association, a->id, MR_ACCOUNT_BYTES) != 0)
        what = N_("the node has a number already, or another association");
    else if (!mr_pubkey_usable(&n->log_key) || !mr_pubkey_usable(&n->transport_key))
        what = N_("a node's key is not usable");
    else if (n->address_len == 0 || n->peer_address_len == 0)
        what = N_("the node has no address for wallets, or none for other nodes");
    else if (o->governance_count > 0 && !mr_pubkey_usable(&o->governance[0]))
        what = N_("the governance key is not usable");
    else if (o->witness_count > 0)
        what = witness_fault(&o->witness[0]);
    if (what != NULL)
        *ret_what = what;
    return what == NULL ? MR_OK : MR_CONFIG;
}

enum mr_status mr_federation_check(const struct mr_charter *c, const char **ret_what)
{
    const char *what = NULL;
    for (uint32_t i = 0; c->nodes_count > 1 && i < c->nodes_count; i++) {
        const struct mr_node *n = &c->nodes[i];
        if (n->peer_address_len == 0)
            what = N_("a node has no address for the other nodes");
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(c->nodes[k].peer_address, n->peer_address) == 0 ||
                strcmp(c->nodes[k].address, n->address) == 0)
                what = N_("two nodes have the same address");
    }
    if (what != NULL)
        *ret_what = what;
    return what == NULL ? MR_OK : MR_CONFIG;
}

/* --- in a charter ------------------------------------------------------------------------------
 */

static bool same_association(const struct mr_association *a, const struct mr_association *b)
{
    uint8_t x[sizeof *a], y[sizeof *b];
    const size_t n = mr_association_encode(a, x, sizeof x);
    return n == mr_association_encode(b, y, sizeof y) && memcmp(x, y, n) == 0;
}

static bool same_node(const struct mr_node *charter, const struct mr_node *offered)
{
    struct mr_node numbered = *offered;
    uint8_t x[sizeof *charter], y[sizeof numbered];
    numbered.number = charter->number;
    const size_t n = mr_node_encode(charter, x, sizeof x);
    return n == mr_node_encode(&numbered, y, sizeof y) && memcmp(x, y, n) == 0;
}

static bool governs(const struct mr_charter *c, const struct mr_pubkey *key)
{
    for (uint32_t i = 0; i < c->governance.keys_count; i++)
        if (memcmp(c->governance.keys[i].key, key->key, MR_KEY_BYTES) == 0)
            return true;
    return false;
}

static bool cosigns(const struct mr_charter *c, const struct mr_witness *w)
{
    for (uint32_t i = 0; i < c->witnesses.members_count; i++)
        if (memcmp(c->witnesses.members[i].key.key, w->key.key, MR_KEY_BYTES) == 0 &&
            strcmp(c->witnesses.members[i].name, w->name) == 0)
            return true;
    return false;
}

enum mr_status mr_offer_in_charter(uint32_t *ret_node, const char **ret_what,
                                   const struct mr_offer *offer, const struct mr_charter *c)
{
    const struct mr_association *a = NULL;
    uint32_t at = 0;
    const char *what = NULL;
    for (uint32_t i = 0; i < c->associations_count; i++)
        if (memcmp(c->associations[i].id, offer->association.id, MR_ACCOUNT_BYTES) == 0)
            a = &c->associations[i];
    while (at < c->nodes_count &&
           memcmp(c->nodes[at].log_key.key, offer->node.log_key.key, MR_KEY_BYTES) != 0)
        at++;
    if (a == NULL || at == c->nodes_count)
        return MR_NOT_FOUND;
    if (!same_association(a, &offer->association))
        what = N_("the association's name, alias, keys or cap");
    else if (!same_node(&c->nodes[at], &offer->node))
        what = N_("the node's association, keys or addresses");
    else if (offer->governance_count > 0 && !governs(c, &offer->governance[0]))
        what = N_("the governance key, which is missing");
    else if (offer->witness_count > 0 && !cosigns(c, &offer->witness[0]))
        what = N_("the witness, which is missing");
    else if (c->units[0].decimals != offer->decimals)
        what = N_("the unit's decimals");
    if (what != NULL) {
        *ret_what = what;
        return MR_CONFIG;
    }
    *ret_node = at;
    return MR_OK;
}
