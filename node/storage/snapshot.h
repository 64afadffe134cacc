/** State snapshots: a compact copy of the store, named by turn and state root, made at every
 *  checkpoint (rules of the journal: a rebuild may start from the newest one that verifies).
 *
 *  DIR/<turn, 16 digits>-<state root in hex>/ holds data.mdb and its seal. */
#ifndef MEREAU_STORAGE_SNAPSHOT_H
#define MEREAU_STORAGE_SNAPSHOT_H

#include <stdint.h>

#include "mereau/store.h"
#include "storage/files.h"

enum { SNAPSHOTS_KEPT = 2 };

/** Copy the last commit under DIR, durably, and remove all but the newest SNAPSHOTS_KEPT and
 *  the one that snapshot_keep named. From the thread that commits. MR_OK, MR_FILE_EXISTS (made
 * before), MR_DISK_FULL, MR_IO_ERROR. */
enum mr_status snapshot_write(struct mr_store *store, const char *dir, uint64_t turn,
                              const uint8_t state_root[32]);

/** Keep this snapshot until another one is to be kept: who joins takes the state from it. MR_OK,
 *  MR_DISK_FULL, MR_IO_ERROR. */
enum mr_status snapshot_keep(const char *dir, uint64_t turn, const uint8_t state_root[32]);

/** The newest snapshot of a state root. MR_OK, MR_NOT_FOUND. */
enum mr_status snapshot_find(char ret_path[FILES_PATH_MAX], const char *dir,
                             const uint8_t state_root[32]);

/** The newest snapshot whose seal verifies. MR_OK; MR_NOT_FOUND. The caller compares mr_state_sum
 * of the opened copy with *ret_root before it trusts it. */
enum mr_status snapshot_newest(char ret_path[FILES_PATH_MAX], uint64_t *ret_turn,
                               uint8_t ret_root[32], const char *dir);

#endif
