/** Whether other nodes of the federation are in a later epoch than what is known here. */
#ifndef MEREAU_ADMIN_AHEAD_H
#define MEREAU_ADMIN_AHEAD_H

#include "admin/context.h"

/** What one node says. */
struct ahead {
    uint32_t epoch; /* the one it is in; 0: no later one, or nothing that it could prove */
    bool without;   /* the first epoch that is not known here has no node `own` */
};

/** Ask nodes of a->charter side by side, about two seconds in all, whoever answers at their
 *  addresses: bit i of `which` is a->charter->nodes[i]. ret[i] is what that one says; it counts
 * only when it shows how the epoch behind those of a->epochs began, which nobody can make up. own:
 * the number of the node that this is about. No session and no key is needed. */
void ahead_ask(struct ahead ret[MR_NODES_MAX], const struct admin *a, uint64_t which, uint32_t own);

/** The same of all nodes but `own`: the index in a->charter->nodes of the one that is furthest
 * ahead, and *ret of it; -1: none is ahead. */
int ahead_find(struct ahead *ret, const struct admin *a, uint32_t own);

/** Report that the directory a->data, in epoch `here`, is behind what the node at `address` says,
 * and what to do. MR_EPOCH_MISMATCH. */
enum mr_status ahead_fail(struct admin *a, uint32_t here, const struct ahead *x,
                          const char *address);

/** Report that the node of this number is one no more, and what to do. MR_NOT_FOUND. */
enum mr_status ahead_gone(struct admin *a, uint32_t number);

#endif
