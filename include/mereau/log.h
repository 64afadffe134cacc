/** The log: RFC 6962 hashes and proofs, heads in C2SP checkpoint form (spec/50-journal.md LOG-n).
 */
#ifndef MEREAU_LOG_H
#define MEREAU_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/record.h"
#include "mereau/sign.h"
#include "mereau/status.h"

enum { MR_HEAD_TEXT_MAX = 320, MR_NOTE_MAX = 640, MR_COSIGNATURE_LINE_MAX = 384 };

void mr_leaf_hash(uint8_t ret[32], const uint8_t *leaf, size_t len);
void mr_node_hash(uint8_t ret[32], const uint8_t left[32], const uint8_t right[32]);

/** Whether a path leads from a leaf hash at `index` to the root of the tree of `size` leaves. */
bool mr_path_verify(const uint8_t root[32], const uint8_t leaf_hash[32], uint64_t index,
                    uint64_t size, const struct mr_hash *path, size_t count);

/** Whether the tree (size, root) extends the tree (old_size, old_root). */
bool mr_consistency_verify(const uint8_t old_root[32], uint64_t old_size, const uint8_t root[32],
                           uint64_t size, const struct mr_hash *proof, size_t count);

/** LOG-5: the text a head signs, and the whole signed note. NUL-terminated; the length is returned.
 */
size_t mr_head_text(char ret[MR_HEAD_TEXT_MAX], const uint8_t ledger[32], const struct mr_head *h);
size_t mr_head_note(char ret[MR_NOTE_MAX], const uint8_t ledger[32], const struct mr_head *h,
                    const struct mr_pubkey *key);

/** Fill h->sig; verify it. */
void mr_head_sign(struct mr_head *h, const uint8_t ledger[32], const struct mr_seckey *key);
bool mr_head_verify(const struct mr_head *h, const uint8_t ledger[32], const struct mr_pubkey *key);

/** LOG-7: a witness's cosignature/v1 over a head. Sign fills key, time and signature; the name is
 * the caller's. Verify looks at nothing but the signature under the key that the record has. */
void mr_cosignature_sign(struct mr_cosignature *c, const struct mr_head *h,
                         const uint8_t ledger[32], const struct mr_seckey *key,
                         const struct mr_pubkey *public, uint64_t time_s);
bool mr_cosignature_verify(const struct mr_cosignature *c, const struct mr_head *h,
                           const uint8_t ledger[32]);
/** Whether all of them verify over one head, each by a key of its own. */
bool mr_cosignatures_verify(const struct mr_cosignature *list, uint32_t count,
                            const struct mr_head *h, const uint8_t ledger[32]);
/** Its line in a signed note, with LF and NUL; the length is returned. */
size_t mr_cosignature_line(char ret[MR_COSIGNATURE_LINE_MAX], const struct mr_cosignature *c);
/** LOG-8: how many of these witnesses have cosigned. mr_cosignatures_verify has passed. */
uint32_t mr_cosigned_by(const struct mr_witness_set *w, const struct mr_cosignature *list,
                        uint32_t count);
/** Whether a key is one of theirs. */
bool mr_is_witness(const struct mr_witness_set *w, const uint8_t key[MR_KEY_BYTES]);

#endif
