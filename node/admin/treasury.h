/** What issuing and paying out share: bank references, open drafts, redemptions. */
#ifndef MEREAU_ADMIN_TREASURY_H
#define MEREAU_ADMIN_TREASURY_H

#include "admin/work.h"

/** The reference of a bank entry, with its texts for the next signer. account NULL: --bank-account,
 *  else the key file's. Reported. */
enum mr_status treasury_note(struct admin *a, struct mr_bank_note *ret, const char *entry,
                             const char *account);

/** Ask whether a reference was used: a call's status, not reported; the answer is in a->reply. */
enum mr_status treasury_ask_bank(struct admin *a, const uint8_t ref[32]);

/** Look at a draft that stands on the work's chain. `dead`: it can never settle any more. Anything
 *  but MR_OK ends the walk with it, already reported. */
typedef enum mr_status (*treasury_look)(struct work *w, const struct mr_draft *d, const char *path,
                                        bool dead, void *ctx);

/** All drafts of the work's chain. Reported. */
enum mr_status treasury_each_draft(struct work *w, treasury_look look, void *ctx);

/** Each redemption that this association shall pay or has paid. Reported. */
typedef void (*each_redemption)(void *ctx, const struct mr_state_redemption *r);
enum mr_status treasury_each_redemption(struct admin *a, each_redemption each, void *ctx);

#endif
