/** Books of several nodes over two epochs: the end of the first one, told step by step. */
#ifndef MEREAU_TESTS_AUDIT_TURN_H
#define MEREAU_TESTS_AUDIT_TURN_H

#include "lib/ring.h"

/** 4 nodes, 3 votes, two members. All rest once, without a checkpoint. Node 1 alone has
 *  acknowledged a payment when governance lets the next epoch begin, of the same nodes; node 4
 *  has voted for another order of the slot and falls silent. So the CUT names nodes 1, 2 and 3,
 *  and settles the payment by one acknowledgement. In the second epoch there are some payments
 *  more. All are up at the end. *ret_paid: the order that the CUT settled. */
void turn_tell(struct ring *r, struct mr_signed_order *ret_paid);

#endif
