/** Drafts: files that hold a run of consecutive orders of one chain while signatures are collected.
 *
 *  Ids do not cover signatures, so orders that nobody has signed yet can already stand on each
 * other. A draft is also where a signed order is kept before it is sent, so that it can be sent
 * again. */
#ifndef MEREAU_ADMIN_DRAFT_H
#define MEREAU_ADMIN_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/file.h"
#include "mereau/record.h"
#include "mereau/status.h"

/** Where a draft stands in the world. */
enum draft_state {
    DRAFT_UNSIGNED, /* nobody has signed */
    DRAFT_PARTLY,   /* signatures are missing */
    DRAFT_READY,    /* can be submitted */
};

/** An empty one; free() it. NULL when memory is short. */
struct mr_draft *draft_create(uint64_t now_ms, const char *author);

/** Whether it is a run of orders of one chain of this ledger, each on the one before, and its
 * cancel is for the first slot. MR_OK, MR_WRONG_LEDGER, MR_PREV_MISMATCH or MR_OUT_OF_RANGE. */
enum mr_status draft_check(const struct mr_draft *d, const uint8_t ledger[32]);

/** Append an order behind the last one: fills version, ledger, seq and prev; the first order must
 *  be complete. MR_OK or MR_FULL. */
enum mr_status draft_add(struct mr_draft *d, const struct mr_order *order);

/** Link the orders anew behind another place of the chain; only when nobody has signed
 * (MR_NO_CHANGE otherwise). Times and policy move too. */
enum mr_status draft_rebase(struct mr_draft *d, uint64_t seq, const uint8_t prev[32],
                            uint64_t time_ms, uint64_t not_after_ms, uint32_t policy);

/** Signatures that every order has; all are verified. MR_OK or MR_BAD_SIGNATURE. */
enum mr_status draft_signatures(const struct mr_draft *d, uint32_t *ret_count,
                                const struct mr_keyset *keys);

/** The same as a state. */
enum mr_status draft_state(const struct mr_draft *d, enum draft_state *ret,
                           const struct mr_keyset *keys);

/** Whether this key has signed all of it. */
bool draft_is_signed_by(const struct mr_draft *d, uint32_t key_index);

/** "treasury-12-3fa9c1d2.draft": chain's name, first place, first digits of the first id. */
void draft_name(char *ret, size_t cap, const struct mr_draft *d, const char *chain_name);

/** Write durably, replacing. As file_write. */
enum mr_status draft_write(const struct mr_draft *d, const char *path);

/** Read and check. *ret is the caller's to free. As file_read, and MR_DAMAGED, or draft_check's. */
enum mr_status draft_read(struct mr_draft **ret, const char *path, const uint8_t ledger[32]);

/** Names in a directory that end with `suffix`, sorted; *ret ends with NULL; free each and the list
 *  with names_free. A missing directory has none. */
enum mr_status names_list(char ***ret, const char *dir, const char *suffix);
void names_free(char **names);

#endif
