/** A mirror of nodes that show the books of a league: what tests of `mereau-audit follow` share. */
#ifndef MEREAU_TESTS_AUDIT_FOLLOWED_H
#define MEREAU_TESTS_AUDIT_FOLLOWED_H

#include <jansson.h>

#include "audit/shown.h"
#include "lib/ring.h"

enum { FOLLOWED_NODES = 4 };

extern struct ring followed_ring;
extern struct book followed_books[FOLLOWED_NODES];
extern struct shown followed_nodes[FOLLOWED_NODES];

/** Scratch directory with charter and passphrase; every node of the ring shows its whole book. */
void followed_show(void);

/** The same with the league's story; and its end. Fixtures. */
void followed_setup(void);
void followed_teardown(void);

/** The auditor's key, made once. */
void followed_key(void);

/** Words of `follow --json --once` into "mirror": of the first node over its control socket, or of
 *  the first `count` with the auditor's key. Static storage. */
const char *followed_words(uint32_t count, const char *more);

/** What follow printed is what verify says of this directory, which ends with `code`. */
void followed_as_verified(json_t *o, const char *dir, int code);

/** A number that follow printed of the i-th node. */
json_int_t followed_number(const json_t *o, size_t i, const char *name);

/** Change a bit of a file; `at` below 0 counts from its end. */
void followed_spoil(const char *name, long at);

#endif
