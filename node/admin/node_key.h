/** The node's own key file: seeds of its log key and of its transport key, under the passphrase
 * that stands beside it. */
#ifndef MEREAU_ADMIN_NODE_KEY_H
#define MEREAU_ADMIN_NODE_KEY_H

#include "common/secret.h"
#include "mereau/sign.h"
#include "mereau/status.h"

enum { NODE_SEEDS_BYTES = 64 };

/** Keys of a key file in a data directory. As keyfile_open and file_read. */
enum mr_status node_key_read(struct mr_seckey *ret_log, struct mr_pubkey *ret_log_public,
                             struct mr_seckey *ret_transport,
                             struct mr_pubkey *ret_transport_public, const char *dir,
                             const char *name);

/** Write another key file of the node: a new log key, the same transport key. */
enum mr_status node_key_renew(const char *dir, const char *name);

#endif
