/** Units and amounts on the command line. */
#ifndef MEREAU_WALLET_UNIT_H
#define MEREAU_WALLET_UNIT_H

#include "wallet/wallet.h"

/** --unit CODE to the unit's index; the local unit when it is not given. Members cannot move the
 *  reserve's mirror. MR_OK, or reported. */
enum mr_status unit_option(const struct wallet *w, const struct command *c, struct out *out,
                           uint32_t *ret);

/** An amount of a unit, as typed. MR_OK, or reported with what is wrong. */
enum mr_status unit_amount(const struct wallet *w, struct out *out, int64_t *ret, const char *text,
                           uint32_t unit);

#endif
