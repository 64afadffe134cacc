/** The association's register: who asked to join, who is a member. Names and contacts are sealed to
 *  the association's key; nothing of it is in journal or ledger, and all of it can be erased.
 *
 *  A store of its own in a directory of its own (store_lmdb.h: probe it before it is opened; a
 *  backup opens and copies it as any store). Every change is durable when the call returns. One
 *  thread.
 *
 *  Erasing: a removed item cannot be read any more at once. Its sealed bytes leave the file when
 *  their page is used again, and at the next open at the latest, which writes the file anew without
 *  free pages. Backups keep what they held. */
#ifndef MEREAU_STORAGE_REGISTER_STORE_H
#define MEREAU_STORAGE_REGISTER_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/record.h"
#include "mereau/status.h"

enum { REGISTER_ITEMS_MAX = 1000000 }; /* of each kind */

struct register_store;

/** MR_OK; MR_IN_USE; MR_DAMAGED; MR_DISK_FULL; MR_NO_MEMORY; MR_IO_ERROR. */
enum mr_status register_open(struct register_store **ret, const char *dir);

/** Store an item under its kind and account, in place of an older one. MR_OK; MR_FULL;
 *  MR_DISK_FULL (nothing changed); MR_DAMAGED; MR_IO_ERROR (close it, the process should end). */
enum mr_status register_put(struct register_store *r, const struct mr_register_item *item);

/** MR_OK; MR_NOT_FOUND; MR_DAMAGED; MR_IO_ERROR. */
enum mr_status register_get(struct register_store *r, struct mr_register_item *ret,
                            enum mr_register_kind kind, const uint8_t account[MR_ACCOUNT_BYTES]);

/** MR_OK; MR_NOT_FOUND; else as register_put. */
enum mr_status register_remove(struct register_store *r, enum mr_register_kind kind,
                               const uint8_t account[MR_ACCOUNT_BYTES]);

/** Up to `max` items in ascending order of accounts, behind the account `after` (all zeros: from
 *  the start). *ret_count < max: that was the last. MR_OK; MR_DAMAGED; MR_IO_ERROR. */
enum mr_status register_list(struct register_store *r, struct mr_register_item *ret,
                             size_t *ret_count, enum mr_register_kind kind,
                             const uint8_t after[MR_ACCOUNT_BYTES], size_t max);

/** Items of a kind. */
size_t register_count(const struct register_store *r, enum mr_register_kind kind);

/** NULL is fine. */
void register_close(struct register_store *r);

#endif
