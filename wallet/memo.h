/** Memos, which only payer and payee read, and the keys that open them (WAL-2, WAL-3).
 *
 *  A rotation gives the old memo key up. So that a wallet restored from the newest sheet alone
 * still reads old memos, each SETKEYS carries the key it gives up as its own memo, sealed to the
 * new one: from the newest key the older ones are found, one after the other. */
#ifndef MEREAU_WALLET_MEMO_H
#define MEREAU_WALLET_MEMO_H

#include "wallet/wallet.h"

enum { MEMO_KEY_TEXT_MAX = 9 + 2 * MR_KEY_BYTES + 1 };

/** Seal a memo of an order to two keys; payee NULL: only the payer reads it. MR_OK, or MR_BAD_KEY.
 */
enum mr_status memo_seal(struct mr_memo_box *ret, const struct mr_order *order, const char *memo,
                         size_t len, const uint8_t payer[MR_KEY_BYTES],
                         const uint8_t payee[MR_KEY_BYTES]);

/** Open the memo of an order with any key of the wallet, and compare it with the order's
 *  commitment. ret holds MR_MEMO_MAX + 1 bytes, cleaned for showing. MR_OK; MR_NOT_FOUND (the order
 *  has none, it was erased, or it is not for this wallet); MR_CHECK_FAILED (it is not the memo that
 *  was signed). */
enum mr_status memo_open(char *ret, const struct wallet *w, const struct mr_order *order,
                         const struct mr_memo_box *box);

/** The memo with which a SETKEYS hands on the present memo key. */
void memo_key_text(char ret[MEMO_KEY_TEXT_MAX], const struct wallet *w);

/** Find keys given up in the SETKEYS orders of the chain and store those that are new. MR_OK, or
 *  reported. */
enum mr_status memo_recover_keys(struct wallet *w, struct out *out);

#endif
