/** Accounts of an export: pseudonym, name in plain-text accounting, sums of the range. */
#ifndef MEREAU_AUDIT_EXPORT_ACCOUNTS_H
#define MEREAU_AUDIT_EXPORT_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/audit.h"

struct export_run;

enum { EXPORT_NAME_MAX = 16 + 1 + MR_ALIAS_MAX + 1 + 2 * MR_ACCOUNT_BYTES + 1 };

struct export_account {
    uint8_t id[MR_ACCOUNT_BYTES];    /* key */
    uint8_t shown[MR_ACCOUNT_BYTES]; /* pseudonym */
    char name[EXPORT_NAME_MAX];      /* "shop:lac:3f2a9c01"; unique in the export */
    bool written;                    /* the format has introduced it */
    bool moved;                      /* a posting named it */
    int64_t opening[MR_UNITS_MAX];   /* of slots before the range */
    int64_t change[MR_UNITS_MAX];    /* of those in it */
};

struct export_accounts {
    void *by_id, *by_name; /* trees of tsearch() */
    size_t count;
};

/** The account of an id; made when it is met first, with what the audit knows of it by then. NULL:
 *  no memory. */
struct export_account *export_account(struct export_run *run, const uint8_t id[MR_ACCOUNT_BYTES]);

/** All accounts of the audit, ascending by pseudonym, in an array that the caller frees; NULL: no
 *  memory. *ret_count of them. */
struct export_account **export_accounts_sorted(struct export_run *run, size_t *ret_count);

void export_accounts_done(struct export_accounts *a);

#endif
