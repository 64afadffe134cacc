/** What a backup says about itself: which files it has, with their hashes, and where its journal
 *  ends. Written last; a backup without it is not finished. */
#ifndef MEREAU_ADMIN_MANIFEST_H
#define MEREAU_ADMIN_MANIFEST_H

#include "admin/context.h"
#include "mereau/journal.h"

/** Small files of a data directory that a backup takes, NULL at the end. */
extern const char *const backup_files[];

/** Hash the files of `dir` and write dir/manifest.json. Reported. */
enum mr_status manifest_write(struct admin *a, const char *dir, const struct mr_journal_end *end);

/** Read dir/manifest.json and compare every file with it. Reported, naming the file. */
enum mr_status manifest_check(struct out *out, const char *dir, const uint8_t ledger[32],
                              struct mr_journal_end *ret_end, uint64_t *ret_made_ms);

#endif
