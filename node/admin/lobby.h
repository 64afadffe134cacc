/** Answers for a node that does not run yet, at the addresses that it offers: before others let it
 * in they see that it can be reached and has the transport key it says (EPO-9). */
#ifndef MEREAU_ADMIN_LOBBY_H
#define MEREAU_ADMIN_LOBBY_H

#include <stdint.h>

#include "mereau/sign.h"
#include "mereau/status.h"

struct lobby;

/** `listen`: host:port of the wallet port and of the peer port. `number` stands in what it says of
 *  itself; `key` is borrowed. MR_OK, MR_BAD_TEXT, MR_UNREACHABLE (a name that is not found),
 *  MR_IN_USE (an address that is taken), MR_NO_MEMORY; *ret_which is the address it is about. */
enum mr_status lobby_open(struct lobby **ret, const char **ret_which, const char *const listen[2],
                          const struct mr_pubkey *identity, const struct mr_seckey *key);

/** Answer for so long. */
void lobby_wait(struct lobby *l, uint64_t ms);

/** NULL is fine. */
void lobby_close(struct lobby *l);

#endif
