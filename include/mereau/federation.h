/** Founding a federation (spec/90-federation.md): quorums, offers, codes that people compare. */
#ifndef MEREAU_FEDERATION_H
#define MEREAU_FEDERATION_H

#include <stdint.h>

#include "mereau/record.h"
#include "mereau/status.h"

/** FED-3: votes that settle among n nodes (1 to MR_NODES_MAX) when the charter's founders do not
 *  say otherwise. */
uint32_t mr_quorum_default(uint32_t nodes);

/** FED-2: bytes of a confirmation code's text, its NUL included. */
enum { MR_CONFIRMATION_MAX = 25 };

/** FED-2: a hash as five groups of four digits, for people to compare by voice. */
void mr_confirmation(char ret[MR_CONFIRMATION_MAX], const uint8_t hash[32]);

/** FED-1: the hash of an offer, whose code its makers read out. */
void mr_offer_hash(uint8_t ret[32], const struct mr_offer *offer);

/** FED-1: whether an offer can stand in a charter at all. Signatures are mr_offer_verify's. MR_OK,
 *  or MR_CONFIG with *ret_what naming the first fault (static). */
enum mr_status mr_offer_check(const struct mr_offer *offer, const char **ret_what);

/** FED-4: whether a charter's nodes can be the nodes of a federation. As mr_charter_check, which
 *  comes first. */
enum mr_status mr_federation_check(const struct mr_charter *charter, const char **ret_what);

/** FED-5: whether a charter has an offer as it was made. MR_OK with *ret_node, its node's index;
 *  MR_NOT_FOUND: the charter does not name its association or node; MR_CONFIG: *ret_what (static)
 *  names what was changed. */
enum mr_status mr_offer_in_charter(uint32_t *ret_node, const char **ret_what,
                                   const struct mr_offer *offer, const struct mr_charter *charter);

#endif
