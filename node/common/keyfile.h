/** Sealed key files: a payload under a passphrase.
 *
 *  Argon2id makes the key, XChaCha20-Poly1305 seals; salt and limits stand in the header, which is
 *  authenticated too. A BLAKE2b checksum over the whole file tells damage (MR_DAMAGED) from a wrong
 *  passphrase (MR_WRONG_PASSPHRASE). Layout: magic 8, version 4, kind 16, ops 8, memory 8, salt 16,
 *  nonce 24, sealed payload, checksum 32; integers big-endian.
 *
 *  A file is replaced as a whole (file_write), mode 0600: after a crash it is the old or the new
 *  one. An open key file keeps the derived key, so that saving is cheap. One thread a handle. */
#ifndef MEREAU_COMMON_KEYFILE_H
#define MEREAU_COMMON_KEYFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/secret.h"
#include "mereau/status.h"

enum { KEYFILE_PAYLOAD_MAX = 1 << 20, KEYFILE_KIND_MAX = 15 };

/** How much work one guess at the passphrase is. */
enum keyfile_profile {
    KEYFILE_MIN,         /* tests only: a few milliseconds */
    KEYFILE_INTERACTIVE, /* wallets: 64 MiB */
    KEYFILE_MODERATE,    /* operators: 256 MiB */
};

struct keyfile;

/** Seal a new file. `kind` ("wallet", "operator") must be named again to open it. With `overwrite`
 *  an existing file is replaced. ret may be NULL. MR_OK, MR_FILE_EXISTS, MR_NO_MEMORY, MR_IO_ERROR,
 *  MR_DISK_FULL, MR_TOO_LARGE. On failure no new file is there. */
enum mr_status keyfile_create(struct keyfile **ret, const char *path, const char *kind,
                              enum keyfile_profile profile, const struct secret *passphrase,
                              const void *payload, size_t len, bool overwrite);

/** MR_OK, MR_NO_SUCH_FILE, MR_DAMAGED, MR_BAD_VERSION, MR_BAD_KEY (another kind),
 *  MR_WRONG_PASSPHRASE, MR_NO_MEMORY, MR_IO_ERROR. */
enum mr_status keyfile_open(struct keyfile **ret, const char *path, const char *kind,
                            const struct secret *passphrase);

/** Checks all that needs no passphrase: as keyfile_open, without MR_WRONG_PASSPHRASE. */
enum mr_status keyfile_check(const char *path, const char *kind);

/** The payload, lent until the next save or close. */
const uint8_t *keyfile_payload(const struct keyfile *k, size_t *ret_len);

/** Replace the payload, on disk first. On failure file and payload are the old ones. MR_OK,
 *  MR_NO_MEMORY, MR_IO_ERROR, MR_DISK_FULL, MR_TOO_LARGE. */
enum mr_status keyfile_save(struct keyfile *k, const void *payload, size_t len);

/** Seal under another passphrase. On failure the old one stays. As keyfile_save. */
enum mr_status keyfile_change(struct keyfile *k, enum keyfile_profile profile,
                              const struct secret *passphrase);

/** Wipes everything. NULL is fine. */
void keyfile_close(struct keyfile *k);

/** The same on memory: sealed bytes, freed by the caller with free(). */
enum mr_status keyfile_seal(uint8_t **ret, size_t *ret_len, const char *kind,
                            enum keyfile_profile profile, const struct secret *passphrase,
                            const void *payload, size_t len);
enum mr_status keyfile_unseal(struct secret *ret, const char *kind, const struct secret *passphrase,
                              const uint8_t *sealed, size_t len);

#endif
