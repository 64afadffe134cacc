/** What a wallet works out without the world: the order for a wish, whether an open order is that
 *  wish, and what an answer means for an order that was signed (rules of LED-10, SLOT-8 to 10). */
#ifndef MEREAU_CLIENT_H
#define MEREAU_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/record.h"
#include "mereau/status.h"

/** What the owner wants. A PAY has its payment lines only, a REDEEM no fee: planning adds them.
 *  memo and ref are texts of memo_len and ref_len bytes; NULL: none. */
struct mr_wish {
    const struct mr_order_body *body;
    const char *memo;
    size_t memo_len;
    const char *ref;
    size_t ref_len;
};

/** What the node said about the account, and the clock. Policies ascend by version. */
struct mr_basis {
    const uint8_t *ledger; /* 32 bytes */
    const struct mr_state_account *account;
    const struct mr_state_chain *chain;
    const struct mr_policy *policies;
    uint32_t policy_count;
    const uint8_t *own; /* 16 bytes: the association's account that fees go to */
    uint64_t now_ms;
};

enum { MR_ORDER_DAYS = 7 };

/** The unsigned order for a wish, dated max(now, chain's time), open for MR_ORDER_DAYS.
 *  *ret_fee is the fee of the policy, which is in the order too. `salt` is fresh random.
 *  MR_OK; MR_POLICY_UNKNOWN (none in force on that day); MR_AMOUNT_TOO_LARGE; MR_OUT_OF_RANGE (too
 *  many lines for the fee to fit). Outputs are untouched on failure. */
enum mr_status mr_plan(struct mr_order *ret, int64_t *ret_fee, const struct mr_basis *basis,
                       const struct mr_wish *wish, const uint8_t salt[MR_SALT_BYTES]);

/** Whether an order is what the wish wants: same kind, payees, amounts, unit and memo. Fees, time
 * and ref are not looked at. A SETKEYS or CLOSE is like any other of its kind. */
bool mr_order_is(const struct mr_order *order, const struct mr_wish *wish);

/** Whether the order carries this --id text. */
bool mr_order_has_ref(const struct mr_order *order, const char *ref, size_t ref_len);

/** Sum of the payment lines of a PAY (the amount of a REDEEM), and of its fee; 0 for other kinds.
 */
int64_t mr_order_amount(const struct mr_order *order);
int64_t mr_order_fee(const struct mr_order *order);

/** What to do with a signed order after an answer to SUBMIT. */
enum mr_next {
    MR_NEXT_CLOSED, /**< the slot is closed: the receipt says how */
    MR_NEXT_WAIT,   /**< the node keeps the order until something arrives */
    MR_NEXT_REPEAT, /**< under way, or nobody knows: the same again, here or at another node */
    MR_NEXT_CANCEL, /**< refused for good: close the slot before saying so (rules of SLOT-8) */
};
enum mr_next mr_next_after(enum mr_status answer);

/** How a slot was closed, seen from one order in it. */
enum mr_outcome {
    MR_OUTCOME_SETTLED, /**< with this order */
    MR_OUTCOME_VOIDED,  /**< without effect */
    MR_OUTCOME_OTHER,   /**< with another order */
};
enum mr_outcome mr_outcome_of(const struct mr_order *order, const uint8_t value[MR_HASH_BYTES]);

/** WAL-11: the places (from 1) of the `count` nodes of a charter in the order in which a wallet
 * asks them: the one its owner prefers, that of its association (0: none), then the others in a
 * circle, which each account enters somewhere else. */
void mr_node_order(uint32_t ret[MR_NODES_MAX], uint32_t count, uint32_t preferred, uint32_t home,
                   const uint8_t account[MR_ACCOUNT_BYTES]);

/** Whether an answer, or the lack of one, is that node's own trouble: another may do better. */
bool mr_ask_another(enum mr_status answer);

/** WAL-9: whether a head of a node is newer than another one of the same node. */
bool mr_head_newer(const struct mr_head *a, const struct mr_head *b);

/** X25519 secret that memos of a seed's generation are opened with, and its public key. */
void mr_memo_key(uint8_t ret_secret[MR_KEY_BYTES], uint8_t ret_public[MR_KEY_BYTES],
                 const uint8_t seed[MR_KEY_BYTES]);

#endif
