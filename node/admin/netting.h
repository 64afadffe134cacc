/** Who gives reserve to whom, so that every association can pay what was given back to it. */
#ifndef MEREAU_ADMIN_NETTING_H
#define MEREAU_ADMIN_NETTING_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/limits.h"

enum { NETTING_MAX = 2 * MR_ASSOCIATIONS_MAX };

struct netting_transfer {
    uint32_t from, to; /* indices in the charter */
    int64_t amount;
};

struct netting {
    struct netting_transfer transfers[NETTING_MAX]; /* by from, then to */
    size_t count;
    int64_t uncovered; /* what is short and nobody has */
};

/** `left` of each association: its reserve minus what waits to be paid out; below zero it is short.
 *  The fewest transfers that fill what is short, of no more euros than that takes; the same for the
 *  same input. Nobody is made short by it. When there is not enough for all, who lacks least is
 *  served first. Each left is within MR_AMOUNT_MAX, count at most MR_ASSOCIATIONS_MAX. */
void netting_propose(struct netting *ret, const int64_t *left, uint32_t count);

#endif
