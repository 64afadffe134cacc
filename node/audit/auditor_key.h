/** The auditor's key: nodes know him by it, and he signs publications with it. */
#ifndef MEREAU_AUDIT_AUDITOR_KEY_H
#define MEREAU_AUDIT_AUDITOR_KEY_H

#include "common/command.h"
#include "mereau/sign.h"

/** Opens a key file of `keygen`; asks for the passphrase. MR_OK: *ret is the caller's, to be freed
 *  with sodium_free, which wipes it; else reported, and *ret is NULL. */
enum mr_status auditor_key_open(struct mr_seckey **ret, struct mr_pubkey *ret_public,
                                const struct command *c, struct out *out, const char *path);

#endif
