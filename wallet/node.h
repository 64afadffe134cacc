/** The wallet and the nodes of its currency: a proved session with one that answers, what it says
 *  about the account, what it has said before.
 *
 *  A call that meets a node which cannot help goes on at the next one of the charter (seats.h),
 *  within its deadline; the owner is told once. Numbers that a node gives of its own (credits,
 *  directory) are another node's no longer: compare w->moves. Functions with `out` report with
 *  out_fail and return the status. */
#ifndef MEREAU_WALLET_NODE_H
#define MEREAU_WALLET_NODE_H

#include "mereau/receipt.h"
#include "wallet/wallet.h"

/** Where the node is that stands or was tried last. */
const char *node_address(const struct wallet *w);

/** Report a status of a call to the node, with what to do next. Returns what it reported, never
 *  that all is well. */
enum mr_status node_fail(const struct wallet *w, struct out *out, enum mr_status st);

/** Report that a place of the own chain is said to be closed, and is not proved. MR_UNSETTLED. */
enum mr_status node_unproved(struct out *out);

/** Have the charter and room for calls; nobody is asked when the charter is known. */
enum mr_status node_prepare(struct wallet *w, const struct command *c, struct out *out);

/** Connect without proving a key, and have the charter. The second asks no other than the
 *  association's own node: for joining. */
enum mr_status node_reach(struct wallet *w, const struct command *c, struct out *out);
enum mr_status node_reach_home(struct wallet *w, const struct command *c, struct out *out);

/** Connect, prove the key, and compare the node's head with the highest one of it that is held. */
enum mr_status node_reach_proved(struct wallet *w, const struct command *c, struct out *out);

/** The same, then fetch account and policies, and take in what was settled on the own chain: from a
 *  node that knows at least what the wallet can prove. w->account and w->policies are set. */
enum mr_status node_sync(struct wallet *w, const struct command *c, struct out *out);

/** Besides, adopt an order that waits at the node in the next slot: needed before signing. */
enum mr_status node_sync_to_sign(struct wallet *w, const struct command *c, struct out *out);

/** Ask as many nodes as it takes to know of every order of this account that may have settled, and
 *  adopt what is found: after a restore (WAL-5). MR_OK, or reported. */
enum mr_status node_survey(struct wallet *w, const struct command *c, struct out *out);

/** The answer to w->request in w->reply, within the command's time-out or until wallet_clock_ms()
 *  is deadline_ms; not reported. With several nodes SUBMIT and CANCEL end early with MR_NO_ANSWER.
 */
enum mr_status node_call(struct wallet *w);
enum mr_status node_call_until(struct wallet *w, uint64_t deadline_ms);

/** The same from the present node alone, within the time-out its link has. */
enum mr_status node_call_here(struct wallet *w);

/** Go on with the next node, because of `why`; w->request stays. The owner is told, unless `why` is
 *  MR_OK: the present node is well, and does not have what is looked for. MR_OK: one answers (it
 * can be the same). Not reported. */
enum mr_status node_move(struct wallet *w, enum mr_status why, uint64_t deadline_ms);

/** A round of visits: the other nodes of w->seats, each once, in their order behind the present
 *  one; nobody is told of them.
 *
 *      struct node_round round = node_round(w, deadline_ms);
 *      while (!found && node_next(w, &round))
 *          found = ... what the present node has ...
 *      node_back(w, &round);
 *
 *  node_next: true: one more node answers, and has the key proved where the command proves it;
 *  false: all were visited, or it is wallet_clock_ms() deadline_ms. Who does not answer, or showed
 *  itself to be another, is passed over. w->request and w->reply are lost. No call of
 *  node_call_here in a round takes longer than one node may keep a command.
 *  node_back: the session stands again where the round began, or elsewhere when that node does not
 *  answer any more or is in doubt: the owner hears that. Without it the session goes on with the
 *  node that was found. */
struct node_round {
    size_t first, step;
    uint64_t deadline_ms;
};

struct node_round node_round(const struct wallet *w, uint64_t deadline_ms);
bool node_next(struct wallet *w, struct node_round *r);
void node_back(struct wallet *w, const struct node_round *r);

/** What the present node showed proves nothing, because of `why`. Where there are others it is
 * asked no more in this command, and the owner hears of it. */
void node_doubt(struct wallet *w, enum mr_status why);

/** Prove the key anew to the present node: a rotation may just have settled there. */
enum mr_status node_prove_again(struct wallet *w);

/** SUBMIT an order with its memo (or NULL), CANCEL a slot, SLOT of the own chain: the answer's
 *  status, not reported; it is in w->reply. Where a node keeps the first two, the answer is SLOT's:
 *  MR_UNSETTLED then means that it does not have the order. */
enum mr_status node_submit(struct wallet *w, const struct mr_signed_order *order,
                           const struct mr_memo_box *memo, uint64_t deadline_ms);
enum mr_status node_cancel(struct wallet *w, uint64_t seq, uint64_t deadline_ms);
enum mr_status node_slot(struct wallet *w, uint64_t seq, uint64_t deadline_ms);

/** Store how a slot of the own chain was closed, once its receipt has been verified.
 *  MR_OK, or reported (MR_BAD_RECEIPT and its like: the node's answer proves nothing). */
enum mr_status node_keep_result(struct wallet *w, struct out *out, const struct mr_receipt *receipt,
                                uint64_t seq, uint64_t time_ms);

/** Ask how a slot of the own chain was closed, here and elsewhere, until one node proves it; store
 *  it. MR_UNSETTLED: none has, in time. */
enum mr_status node_fetch_result(struct wallet *w, struct out *out, uint64_t seq);

/** The same, where the answer to SUBMIT, CANCEL or SLOT in w->reply, with this status, may prove it
 *  already. */
enum mr_status node_keep_answer(struct wallet *w, struct out *out, uint64_t seq, enum mr_status st);

/** Verify the receipt of any slot. MR_OK, or why it proves nothing; not reported. */
enum mr_status node_proves(const struct wallet *w, struct mr_receipt_facts *ret,
                           const struct mr_receipt *receipt,
                           const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq);

/** The same; MR_OK, or reported. */
enum mr_status node_check_receipt(const struct wallet *w, struct out *out,
                                  struct mr_receipt_facts *ret, const struct mr_receipt *receipt,
                                  const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq);

/** Ask who has an account: as node_call. The second asks about a recovery of the own one, too, that
 *  names this wallet's keys. */
enum mr_status node_lookup(struct wallet *w, const uint8_t account[MR_ACCOUNT_BYTES]);
enum mr_status node_lookup_recovery(struct wallet *w);

/** The association of the charter by id or alias; NULL when there is none. */
const struct mr_association *node_association(const struct mr_charter *charter,
                                              const uint8_t id[MR_ACCOUNT_BYTES]);
const struct mr_association *node_association_called(const struct mr_charter *charter,
                                                     const char *alias);

#endif
