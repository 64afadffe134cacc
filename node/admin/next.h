/** The next epoch, as it is proposed: who its nodes are, and whether it would hurt. */
#ifndef MEREAU_ADMIN_NEXT_H
#define MEREAU_ADMIN_NEXT_H

#include "admin/context.h"

/** The present nodes, their quorum left open (0), no reason. Reported, as all of these. */
void next_begin(struct admin *a, struct mr_next_epoch *ret);

/** A node leaves. */
enum mr_status next_remove(struct admin *a, struct mr_next_epoch *n, uint32_t number);

/** A node comes in, and its association when the charter has it not. */
enum mr_status next_add(struct admin *a, struct mr_next_epoch *n, const struct mr_offer *o);

/** A node goes on with the key, and at the addresses, of this offer. */
enum mr_status next_rekey(struct admin *a, struct mr_next_epoch *n, uint32_t number,
                          const struct mr_offer *o);

/** Another address: of the wallet port, or of the peer port. */
enum mr_status next_move(struct admin *a, struct mr_next_epoch *n, uint32_t number, bool peers,
                         const char *address);

/** Bounds: quorum, keys, addresses. */
enum mr_status next_check(struct admin *a, const struct mr_next_epoch *n);

/** Whether anything would be another way than it is. */
bool next_changes(const struct admin *a, const struct mr_next_epoch *n);

/** Whether every node answers at its addresses with its transport key. `lenient`: one that is
 *  silent may be, unless it is new, as long as q answer; one that is another never may. */
enum mr_status next_reach(struct admin *a, const struct mr_next_epoch *n, bool lenient);

/** In words: nodes, quorum, what that tolerates. */
void next_describe(struct admin *a, const struct mr_next_epoch *n);

#endif
