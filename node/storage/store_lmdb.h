/** The state store on LMDB, and what keeps watch over its files.
 *
 *  LMDB has no checksums and trusts its file: damage can crash the process that reads it. So a node
 *  starts with store_seal_check and store_probe before it opens its store, and ends with
 *  store_seal. What they find is MR_DAMAGED; the store is then rebuilt from the journal. */
#ifndef MEREAU_STORAGE_STORE_LMDB_H
#define MEREAU_STORAGE_STORE_LMDB_H

#include <stdbool.h>
#include <stddef.h>

#include "mereau/store.h"

struct mr_store_lmdb_options {
    size_t map_bytes; /**< first size of the map (address space, not disk); 0: 64 GiB. It grows. */
    bool read_only;   /**< commit is our bug; nothing is created */
};

/** Open, creating what is missing. `options` may be NULL. Take the directory's lock first (lock.h):
 *  two processes must not meet here. Do not fork while it is open.
 *
 *  When a commit has to enlarge the map, the loop's view moves to the last commit, as if refresh
 *  had been called; walks in progress are waited for.
 *
 *  MR_OK; MR_IN_USE (open in this process already); MR_NO_SUCH_FILE (read_only); MR_DAMAGED (not an
 *  LMDB file, or a table is missing); MR_DISK_FULL, MR_NO_MEMORY, MR_IO_ERROR. */
enum mr_status mr_store_lmdb_open(struct mr_store **ret, const char *dir,
                                  const struct mr_store_lmdb_options *options);

/** Write a compact, synced copy (data.mdb) of the last commit into an existing directory. From any
 *  thread; commits go on unless the map must grow. MR_OK; MR_FILE_EXISTS; MR_DISK_FULL;
 *  MR_IO_ERROR. On failure the directory may hold an unfinished file. */
enum mr_status mr_store_lmdb_copy(struct mr_store *base, const char *dir);

/** A second reader of the last commit, for the thread that commits: to be closed before its next
 *  commit, which may move the map. MR_OK, MR_NO_MEMORY, MR_IO_ERROR. */
enum mr_status mr_store_lmdb_snapshot(struct mr_store **ret, struct mr_store *store);

/** Whether the file has pages in which nothing stands but bytes of what was removed. */
enum mr_status mr_store_lmdb_has_free(struct mr_store *base, bool *ret);

/** Read every entry of every table in a child process. Call it before any environment is open and
 *  before any thread runs. MR_OK; MR_NO_SUCH_FILE (no store yet); MR_DAMAGED with `ret_text` saying
 *  what and where ("table hot: checksum of key 0000.."), also when the child died; MR_IO_ERROR. */
enum { STORE_TEXT_MAX = 256 };
enum mr_status store_probe(const char *dir, char ret_text[STORE_TEXT_MAX]);

/** Write `dir`/seal: size and BLAKE2b-256 of data.mdb. After close. */
enum mr_status store_seal(const char *dir);

/** Compare with the seal and remove it: every byte of a stopped store is covered, free pages too.
 *  MR_OK also when there is no seal (*ret_sealed says; may be NULL). MR_DAMAGED: `ret_text` names
 *  the file, and the seal stays. MR_IO_ERROR. Before open. */
enum mr_status store_seal_check(const char *dir, bool *ret_sealed, char ret_text[STORE_TEXT_MAX]);

/** Name of a table in the file. Static storage. */
const char *store_table_name(enum mr_table table);

#endif
