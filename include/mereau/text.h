/** Texts that people carry: join link, payment request, mandate, alias (spec/10-encoding.md ENC-7).
 *
 *  A link or request is one token of lower-case letters, digits, '-' and ':'. It may be put in
 *  upper case as a whole, which makes a smaller QR code; mixed case is refused. */
#ifndef MEREAU_TEXT_H
#define MEREAU_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "mereau/id.h"
#include "mereau/record.h"
#include "mereau/status.h"

enum {
    MR_JOIN_LINK_BYTES_MAX =
        4 + MR_HASH_BYTES + MR_ACCOUNT_BYTES + 4 + MR_KEY_BYTES + 4 + MR_ADDRESS_MAX,
    MR_PAY_REQUEST_BYTES_MAX = 4 + 4 + MR_ACCOUNT_BYTES + 4 + 8 + 4 + MR_NAME_MAX,
    MR_RECOVERY_BYTES_MAX = 4 + MR_HASH_BYTES + MR_ACCOUNT_BYTES + 4 + 2 * MR_KEY_BYTES,
    MR_RECOVERY_TEXT_MAX = 15 + MR_BECH32_TEXT_MAX(6, MR_RECOVERY_BYTES_MAX),
    MR_MANDATE_BYTES_MAX = 4 + MR_HASH_BYTES + 3 * MR_ACCOUNT_BYTES + 3 * 8 + 4 + 4 +
                           MR_MANDATE_SIGS_MAX * (4 + MR_SIG_BYTES),
    MR_MANDATE_TEXT_MAX = 15 + MR_BECH32_TEXT_MAX(6, MR_MANDATE_BYTES_MAX),
    MR_JOIN_LINK_TEXT_MAX = 12 + MR_BECH32_TEXT_MAX(6, MR_JOIN_LINK_BYTES_MAX),
    MR_PAY_REQUEST_TEXT_MAX = 11 + MR_BECH32_TEXT_MAX(MR_PREFIX_MAX + 3, MR_PAY_REQUEST_BYTES_MAX),
};

/** Print. ret holds MR_JOIN_LINK_TEXT_MAX, MR_RECOVERY_TEXT_MAX, MR_MANDATE_TEXT_MAX or
 *  MR_PAY_REQUEST_TEXT_MAX bytes. `prefix` is the currency's. Values are within their bounds. */
void mr_join_link_format(char *ret, const struct mr_join_link *link);
void mr_recovery_request_format(char *ret, const struct mr_recovery_request *request);
void mr_mandate_format(char *ret, const struct mr_signed_mandate *mandate);
void mr_pay_request_format(char *ret, const char *prefix, const struct mr_pay_request *request);

/** Whether a text says that it is a link or a request, in either case of letters: tells what a
 *  person typed apart before it is parsed. */
bool mr_is_join_link(const char *text);
bool mr_is_pay_request(const char *text);

/** Read. *ret_wrong (may be NULL) is set on every failure: the index in `text` of the wrong
 *  character when it is known, else SIZE_MAX. *ret is untouched on failure.
 *  Returns MR_OK, MR_BAD_TEXT, MR_BAD_CHECKSUM, MR_WRONG_PREFIX (the request of another currency),
 *  MR_TOO_LARGE, MR_BAD_VERSION, or a decoder's status. */
enum mr_status mr_join_link_parse(struct mr_join_link *ret, size_t *ret_wrong, const char *text);
enum mr_status mr_recovery_request_parse(struct mr_recovery_request *ret, size_t *ret_wrong,
                                         const char *text);
enum mr_status mr_mandate_parse(struct mr_signed_mandate *ret, size_t *ret_wrong, const char *text);
enum mr_status mr_pay_request_parse(struct mr_pay_request *ret, size_t *ret_wrong,
                                    const char *prefix, const char *text);

/** Whether a text is an alias: 2 to MR_ALIAS_MAX of a-z, 0-9 and '-', no '-' at either end. */
bool mr_alias_ok(const char *alias);

/** Cut `name` or `name@association` into its aliases; ret_association is "" when there is no '@'.
 *  Both hold MR_ALIAS_MAX + 1 bytes, untouched on failure. MR_OK or MR_ALIAS_SYNTAX. */
enum mr_status mr_alias_split(char *ret_name, char *ret_association, const char *text);

#endif
