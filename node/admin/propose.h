/** Options that say who the nodes of an epoch are, shared by the commands that propose one. */
#ifndef MEREAU_ADMIN_PROPOSE_H
#define MEREAU_ADMIN_PROPOSE_H

#include "admin/context.h"

/** --remove, --rekey, --address, --peer-address, in the order in which they make sense, on the
 *  nodes of next_begin. Reported. */
enum mr_status seats_remove(struct admin *a, struct mr_next_epoch *n);
enum mr_status seats_rekey(struct admin *a, struct mr_next_epoch *n);
enum mr_status seats_move(struct admin *a, struct mr_next_epoch *n);

/** --quorum, else FED-3's; --reason, with `evidence` (hexadecimal or "") behind it. Reported. */
enum mr_status seats_settle(struct admin *a, struct mr_next_epoch *n, const char *evidence);

#endif
