/** The wallet's node: a proved session, what it says about the account, what it has said before.
 *
 *  All functions report with out_fail and return the status. */
#ifndef MEREAU_WALLET_NODE_H
#define MEREAU_WALLET_NODE_H

#include "mereau/receipt.h"
#include "wallet/wallet.h"

/** Report a status of a call to the node, with what to do next. Returns st. */
enum mr_status node_fail(const struct wallet *w, struct out *out, enum mr_status st);

/** Connect without proving a key, and have the charter: for joining. */
enum mr_status node_reach(struct wallet *w, const struct command *c, struct out *out);

/** Connect, prove the key, compare the node's head with the highest one held (MR_FORKED when the
 *  node shows an older or another history), fetch account and policies, and take in what was
 * settled on the own chain. w->account and w->policies are set afterwards. */
enum mr_status node_sync(struct wallet *w, const struct command *c, struct out *out);

/** Besides, adopt an order that waits at the node in the next slot: needed before signing. */
enum mr_status node_sync_to_sign(struct wallet *w, const struct command *c, struct out *out);

/** The node's answer to w->request in w->reply. */
enum mr_status node_call(struct wallet *w);

/** SUBMIT an order with its memo (or NULL), CANCEL a slot: the answer's status, not reported; it is
 * in w->reply. */
enum mr_status node_submit(struct wallet *w, const struct mr_signed_order *order,
                           const struct mr_memo_box *memo);
enum mr_status node_cancel(struct wallet *w, uint64_t seq);

/** Store how a slot of the own chain was closed, once its receipt has been verified.
 *  MR_OK, or reported (MR_BAD_RECEIPT and its like: the node's answer proves nothing). */
enum mr_status node_keep_result(struct wallet *w, struct out *out, const struct mr_receipt *receipt,
                                uint64_t seq, uint64_t time_ms);

/** Ask how the slot of an order that is open here was closed, and store it. */
enum mr_status node_fetch_result(struct wallet *w, struct out *out, uint64_t seq);

/** Verify the receipt of any slot. MR_OK, or reported. */
enum mr_status node_check_receipt(const struct wallet *w, struct out *out,
                                  struct mr_receipt_facts *ret, const struct mr_receipt *receipt,
                                  const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq);

/** The association of the charter by id or alias; NULL when there is none. */
const struct mr_association *node_association(const struct mr_charter *charter,
                                              const uint8_t id[MR_ACCOUNT_BYTES]);
const struct mr_association *node_association_called(const struct mr_charter *charter,
                                                     const char *alias);

#endif
