/** Rotation of keys: the part that must survive a crash. */
#ifndef MEREAU_WALLET_KEYS_H
#define MEREAU_WALLET_KEYS_H

#include "wallet/wallet.h"

/** Take the next seed in place of the present one, in memory only; the present memo key is kept
 *  among those given up. Our bug when there is no next seed. */
void keys_advance(struct wallet *w);

/** Undo it. */
void keys_go_back(struct wallet *w);

/** A fresh next seed, stored durably before anything is signed with it; one that is there already
 *  stays. MR_OK, or reported. */
enum mr_status keys_prepare(struct wallet *w, struct out *out);

#endif
