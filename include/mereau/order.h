/** What wallets, operators' tools and nodes share about orders: derived accounts, fees, signatures.
 */
#ifndef MEREAU_ORDER_H
#define MEREAU_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "mereau/record.h"
#include "mereau/sign.h"
#include "mereau/status.h"

/** LED-2a: ids of an association's accounts, members' and derived ones, begin with the first
 * MR_SPACE_BYTES of its own id. Whether this one does; give these bytes to an id that is made. */
bool mr_in_space(const uint8_t account[16], const uint8_t association[16]);
void mr_into_space(uint8_t account[16], const uint8_t association[16]);

/** LED-2: id of a derived account. association NULL: system, checkpoints, world. */
void mr_sub_account(uint8_t ret[16], const uint8_t association[16], enum mr_account_class class);

/** LED-4: a class that members have. */
bool mr_is_member_class(enum mr_account_class class);

/** LED-11: the one in force on a day among policies by ascending version; NULL: none. */
const struct mr_policy *mr_policy_on(const struct mr_policy *policies, uint32_t count,
                                     uint32_t day);
/** The rule for a class, or NULL. */
const struct mr_class_rule *mr_class_rule(const struct mr_policy *p, enum mr_account_class class);
/** LED-27: the most that governance leaves of an account's terms: of its last LOWER, or no bound.
 * Lent from *a, or static. */
const struct mr_terms *mr_terms_left(const struct mr_state_account *a);
/** LED-27: what is in force for an account: of each the lesser of what its treasury granted and
 * what governance left. `rule` is its class's; NULL: a limit that nobody set is 0, for the class's.
 */
void mr_terms_of(struct mr_terms *ret, const struct mr_state_account *a,
                 const struct mr_class_rule *rule);
/** LED-12: fee for an amount, 0 <= amount. */
int64_t mr_fee_of(const struct mr_policy *p, enum mr_order_kind kind, enum mr_account_class class,
                  int64_t amount, uint32_t day);

/** LED-6: MR_OK or MR_BAD_KEY. */
enum mr_status mr_keyset_check(const struct mr_keyset *keys, enum mr_account_class class);

/** LOG-8: what is wrong with a set of witnesses in itself: names, keys, quorum; NULL: nothing.
 *  Static. */
const char *mr_witness_set_fault(const struct mr_witness_set *w);

/** Whether a charter can found a ledger: bounds, keys, units (0 local, 1 reserve, same decimals),
 *  prefix, quorum, policy, witnesses. MR_OK, or MR_CONFIG with *ret_what naming the first fault
 * (static). */
enum mr_status mr_charter_check(const struct mr_charter *charter, const char **ret_what);
/** The same for what a charter has become in a later epoch: nodes ascend, some may be gone. */
enum mr_status mr_charter_check_later(const struct mr_charter *charter, const char **ret_what);

/** Add one signature at its place by ascending key index; one already there is replaced. */
void mr_order_sign(struct mr_signed_order *o, uint32_t key_index, const struct mr_seckey *key);
void mr_cancel_sign(struct mr_signed_cancel *c, uint32_t key_index, const struct mr_seckey *key);

/** LED-10.4: MR_OK, MR_BAD_SIGNATURE, MR_SIGNATURES_MISSING. A CHECKPOINT is verified under the
 *  node keys of its chain with purpose CHECKPOINT and `epoch`; other kinds ignore epoch. */
enum mr_status mr_order_verify(const struct mr_signed_order *o, const struct mr_keyset *keys,
                               uint32_t epoch);
enum mr_status mr_cancel_verify(const struct mr_signed_cancel *c, const struct mr_keyset *keys);

/** LED-31: name of a key set; the countersignature of a treasury that takes reserve over, under the
 *  key set that the order carries. MR_OK, MR_BAD_SIGNATURE, MR_SIGNATURES_MISSING. */
void mr_keyset_hash(uint8_t ret[32], const struct mr_keyset *keys);
void mr_clear_sign(struct mr_clear *c, const uint8_t ledger[32], uint32_t key_index,
                   const struct mr_seckey *key);
enum mr_status mr_clear_verify(const struct mr_clear *c, const uint8_t ledger[32]);

/** LED-33: name of the keys that a recovery would set. */
void mr_recovery_hash(uint8_t ret[32], const struct mr_setkeys *keys);

/** JNL-9: signed by the charter's governance at its threshold. MR_OK, BAD_SIGNATURE,
 *  SIGNATURES_MISSING, WRONG_LEDGER. */
void mr_restart_sign(struct mr_signed_restart *r, uint32_t key_index, const struct mr_seckey *key);
enum mr_status mr_restart_verify(const struct mr_signed_restart *r,
                                 const struct mr_charter *charter);

/** EPO-10: the same for a REGROUP. */
void mr_regroup_sign(struct mr_signed_regroup *r, uint32_t key_index, const struct mr_seckey *key);
enum mr_status mr_regroup_verify(const struct mr_signed_regroup *r,
                                 const struct mr_charter *charter);

/** FED-1: signed by the node's log key and by a key of the desk. Signatures only: what is offered
 * is looked at by mr_offer_check (federation.h). MR_OK, BAD_SIGNATURE, SIGNATURES_MISSING. */
void mr_offer_sign(struct mr_signed_offer *o, const struct mr_seckey *log_key, uint32_t key_index,
                   const struct mr_seckey *desk_key);
enum mr_status mr_offer_verify(const struct mr_signed_offer *o);

#endif
