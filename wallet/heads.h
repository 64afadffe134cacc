/** What each node has signed before is still part of what it signs (WAL-9). */
#ifndef MEREAU_WALLET_HEADS_H
#define MEREAU_WALLET_HEADS_H

#include "wallet/wallet.h"

/** The highest head of this node that the wallet holds, for AUTH; NULL: none. */
const struct mr_head *heads_seen(const struct wallet *w, uint32_t node);

/** Ask the node of the present link for its newest head, compare it with those held of this node,
 *  and keep it. MR_OK; MR_FORKED (w->fork says more), MR_BAD_HEAD, or what the call met; not
 *  reported. */
enum mr_status heads_check(struct wallet *w, uint32_t node);

/** Ask for the newest head, which is in w->reply then, and compare it with one of this node that is
 *  held; NULL: none is. As heads_check, but that nothing is kept. */
enum mr_status heads_compare(struct wallet *w, uint32_t node, const struct mr_head *held);

/** Ask the present node for the epochs that began since the wallet looked last (RCP-1a), verify and
 *  keep them. MR_OK, or what the call met; not reported. */
enum mr_status heads_fetch_epochs(struct wallet *w);

/** The heads that a verified receipt shows, one a node. */
void heads_learn(struct wallet *w, const struct mr_receipt *receipt);

#endif
