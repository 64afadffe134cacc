/** Key files of operators and of governance: who signs, and what was signed.
 *
 *  A key file holds the seed of one signing key and, for operators, the association's secrets. It
 *  remembers every slot it signed, durably before a signature is released, and refuses another
 * order there (rules of one order a slot). A slot is free again when the remembered order can never
 *  settle: another value settled in front of it, or its last day passed. */
#ifndef MEREAU_ADMIN_SIGNER_H
#define MEREAU_ADMIN_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/keyfile.h"
#include "common/secret.h"
#include "mereau/record.h"
#include "mereau/sign.h"

enum { SIGNER_VERSION = 1, SIGNER_KEPT = 128 };

struct signer {
    struct keyfile *file;
    struct mr_signer_key *key; /* guarded memory */
    struct mr_seckey secret;
    struct mr_pubkey public;
    bool has_next; /* a key that replaces it waits for its SETKEYS to settle */
    bool use_next; /* on the chain at hand it has settled already */
    struct mr_seckey next_secret;
    struct mr_pubkey next_public;
};

/** The key in force on the chain at hand. */
const struct mr_seckey *signer_secret(const struct signer *s);

/** A new key. Fills seed and public key; `key` has the other fields set by the caller. */
void signer_make_seed(struct mr_signer_key *key, struct mr_pubkey *ret_public);

/** Write a new key file. As keyfile_create. */
enum mr_status signer_create(const char *path, enum keyfile_profile profile,
                             const struct secret *passphrase, const struct mr_signer_key *key);

/** Whether a file is an operator's key file or one of governance. As keyfile_check. */
enum mr_status signer_probe(bool *ret_governance, const char *path);

/** As keyfile_open, of either kind; MR_DAMAGED also for content that cannot be. */
enum mr_status signer_open(struct signer **ret, const char *path, const struct secret *passphrase);

/** Wipes everything. NULL is fine. */
void signer_close(struct signer *s);

bool signer_is_governance(const struct signer *s);

/** What is known about the chain that orders are to stand on. */
struct signer_view {
    uint64_t now_ms;
    /** Value that is settled at seq - 1 of the first order, proved by a receipt; NULL: not known.
     */
    const uint8_t *settled;
};

/** Whether the memory allows these consecutive orders of one chain: MR_OK; with *ret_at the order
 * it is about: MR_WRONG_CHAIN (not a chain of this signer), MR_SLOT_TAKEN (the slot holds another
 *  order), MR_SEQ_OLD (the slot is behind all that is remembered). */
enum mr_status signer_allows(const struct signer *s, size_t *ret_at,
                             const struct mr_signed_order *orders, size_t count,
                             const struct signer_view *view);

/** Whether exactly these orders were signed, or were about to be. */
bool signer_remembers(const struct signer *s, const struct mr_signed_order *orders, size_t count);

/** Remember the slots durably, then sign. Orders already signed by this key are signed again (the
 *  signature is the same). MR_OK, those of signer_allows and of keyfile_save; on failure nothing
 *  is signed. */
enum mr_status signer_sign(struct signer *s, struct mr_signed_order *orders, size_t count,
                           const struct signer_view *view);

/** Remember durably that governance signs this RESTART of an epoch, and sign it. MR_SLOT_TAKEN when
 *  another one was signed for the epoch and `again` is not set; else as keyfile_save. */
enum mr_status signer_sign_restart(struct signer *s, struct mr_signed_restart *restart, bool again);
/** The same for a REGROUP: of one epoch either is signed once. */
enum mr_status signer_sign_regroup(struct signer *s, struct mr_signed_regroup *regroup, bool again);

/** Write the key file anew with what `key` holds now. As keyfile_save. */
enum mr_status signer_save(struct signer *s);

/** Make a key that shall replace the present one, and keep it durably; the same again when one is
 *  waiting already. */
enum mr_status signer_prepare_next(struct signer *s);

/** The next key is in force: use it from now on, durably. */
enum mr_status signer_adopt_next(struct signer *s);

#endif
