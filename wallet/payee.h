/** Whom a person means: contact, alias, alias@association, or address. */
#ifndef MEREAU_WALLET_PAYEE_H
#define MEREAU_WALLET_PAYEE_H

#include "wallet/wallet.h"

struct payee {
    uint8_t account[MR_ACCOUNT_BYTES];
    uint8_t memo_key[MR_KEY_BYTES];
    char shown[2 * NAME_SHOWN_MAX]; /* display name and alias, contact and address, ... */
};

/** Find and verify. An alias counts only with a verified receipt of its listing; what it means is
 *  pinned at first use, and a change stops here (MR_NAME_MOVED). MR_OK, or reported. */
enum mr_status payee_find(struct wallet *w, struct out *out, struct payee *ret, const char *who);

/** The same for an account that is known, a payment request's. */
enum mr_status payee_at(struct wallet *w, struct out *out, struct payee *ret,
                        const uint8_t account[MR_ACCOUNT_BYTES], const char *label);

/** "name@association" of "name" or "name@association"; ret holds MR_OPENING_MAX + 1 bytes.
 *  *ret_association is where it is listed. MR_OK, MR_ALIAS_SYNTAX, MR_NOT_FOUND (no such
 *  association). */
enum mr_status payee_alias(char *ret, const struct mr_association **ret_association,
                           const struct wallet *w, const char *who);

/** Whether a text can only be meant as an address of some currency. */
bool payee_looks_like_address(const char *text);

/** Read an address of this currency. MR_OK, or reported, with the wrong character. */
enum mr_status payee_address(const struct wallet *w, struct out *out, uint8_t ret[MR_ACCOUNT_BYTES],
                             const char *text);

#endif
