/** Taking up a charter: a data directory that holds an offer becomes a node's, and key files get
 * their ledger. For `federation found` and `federation join`. */
#ifndef MEREAU_ADMIN_TAKING_H
#define MEREAU_ADMIN_TAKING_H

#include "admin/context.h"
#include "common/secret.h"

struct taking {
    struct admin a; /* charters, epochs and ledger; nothing else of it is open */
    struct mr_signed_offer *offer;
    const struct mr_node *node;
    char key_dir[FILE_PATH_MAX], charter[FILE_PATH_MAX], conf[FILE_PATH_MAX];
    bool fresh;                     /* the charter was not here yet */
    struct secret passphrase;       /* one for all key files; empty: each has its own */
    unsigned sealed, ready, closed; /* key files that took the ledger id, had it, did not open */
    json_t *waiting;
};

/** Where things are, for this data directory. Reported, as all of these. */
enum mr_status taking_places(struct taking *t, const char *data);

/** The offer in the data directory. */
enum mr_status taking_offer(struct taking *t);

/** Write the node's number, and the charter last: it is what makes a directory founded. */
enum mr_status taking_put(struct taking *t);

/** Give the ledger to all key files that open. */
enum mr_status taking_keys(struct taking *t);

void taking_done(struct taking *t);

#endif
