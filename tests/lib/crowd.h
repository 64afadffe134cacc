/** Members who pay each other without rest, through the nodes' wallet ports, whatever happens to
 *  the nodes: an order is handed in again, here or elsewhere, until it is settled. */
#ifndef MEREAU_TESTS_CROWD_H
#define MEREAU_TESTS_CROWD_H

#include "lib/federation.h"

struct crowd;

/** Start all nodes, and open members 0 .. payers - 1, who get so much each. Member i is of
 *  association i mod n. */
void crowd_gather(struct federation *f, uint32_t payers, int64_t each);

/** Member i of 0 .. payers - 1 pays the next one, one order after the other, and begins at node
 *  i mod n. They must be open, have money and no order under way. ck_asserts. */
struct crowd *crowd_start(struct federation *f, uint32_t payers);

/** Wait until that many further payments were acknowledged; ck_asserts that they come in time. */
void crowd_wait(struct crowd *c, uint64_t more);

/** Let each finish its order, and end. Returns how many payments were acknowledged. Then the crowd
 *  knows what must be on the accounts. */
uint64_t crowd_stop(struct crowd *c);

/** ck_assert that every node that runs agrees with what was acknowledged: each chain has those
 *  orders and no other, each balance is theirs. Frees the crowd. */
void crowd_check(struct crowd *c);

/** Both, for a crowd that was gathered, when all nodes run; ck_asserts besides that they agree,
 * that nobody is accused, that they stop when they are told to, and that the auditor finds nothing.
 */
void crowd_end(struct crowd *c);

#endif
