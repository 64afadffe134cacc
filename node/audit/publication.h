/** A publication: a directory of open data with a signed statement (spec/77-publication.md).
 *
 *  Its bytes follow from the movements, the question and the key alone: no clock, language, path or
 *  machine enters them. */
#ifndef MEREAU_AUDIT_PUBLICATION_H
#define MEREAU_AUDIT_PUBLICATION_H

#include "audit/beside.h"
#include "audit/published.h"
#include "common/file.h"
#include "mereau/sign.h"

enum { PUBLICATION_FILES = 5, PUBLICATION_BYTES_MAX = 1 << 30, PUBLICATION_LICENCE_MAX = 64 };

#define PUBLICATION_STATEMENT "statement.json"
#define PUBLICATION_SIGNATURE "statement.sig"
#define PUBLICATION_LICENCE   "etalab-2.0"

/** Names of the files that the statement lists, in its order; static. i < PUBLICATION_FILES. */
const char *publication_file(size_t i);
/** Whether a name is that of a file of a publication: these, the statement, the signature. */
bool publication_has(const char *name);

/** SPDX id: letters, digits, point, hyphen, plus. */
bool publication_licence_fits(const char *id);

struct publication {
    struct {
        char *text;
        size_t len;
    } files[PUBLICATION_FILES], statement, signature;
};

/** How the line of figure i begins in figures.csv: all that is not its value, with the comma in
 * front of that. False: it has no room. */
bool publication_prefix(char *ret, size_t size, const struct measure *m, size_t i);

/** All bytes, in memory; `beside` was looked at when p was made. MR_OK, MR_NO_MEMORY, MR_TOO_LARGE.
 *  Put it away in any case. */
enum mr_status publication_make(struct publication *ret, const struct published *p,
                                const struct beside *beside, const char *licence,
                                const struct mr_seckey *key, const struct mr_pubkey *public);
void publication_done(struct publication *p);

/** Write into a directory that appears as a whole, durably: made beside it, synced, renamed. One
 *  that is there is replaced with `force`, and only if it is a publication. MR_OK,
 *  MR_FILE_EXISTS, or as file_status; else nothing is left. */
enum mr_status publication_save(const struct publication *p, const char *dir, bool force);

/** What a check found. */
struct publication_facts {
    struct mr_pubkey public;
    uint8_t ledger[MR_HASH_BYTES];
    uint8_t hash[MR_HASH_BYTES]; /* SHA-256 of the statement */
    char currency[MR_NAME_MAX + 1], from[16], to[16], by[8], licence[PUBLICATION_LICENCE_MAX + 1];
    char state[2 * MR_HASH_BYTES + 1];
    int64_t settled;  /* or rows, of a payments file */
    int64_t left_out; /* rows of it that are not measured */
    bool of_file;
    char wrong[FILE_PATH_MAX]; /* the file that is not as stated; empty: the statement */
};

/** Signature, and size and hash of every file; nothing else may be in the directory. MR_OK;
 *  MR_CHECK_FAILED (`wrong`), MR_BAD_SIGNATURE, MR_BAD_TEXT (no statement of ours), or as
 *  file_status. */
enum mr_status publication_check(struct publication_facts *ret, const char *dir);

#endif
