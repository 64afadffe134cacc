/** Text forms of ids: addresses in Bech32m (BIP 350) and hexadecimal. */
#ifndef MEREAU_ID_H
#define MEREAU_ID_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/limits.h"
#include "mereau/status.h"

enum { MR_ADDRESS_TEXT_MAX = MR_PREFIX_MAX + 1 + 26 + 6 + 1, MR_BECH32_DATA_MAX = 1024 };
enum { MR_PREFIX_SUFFIX_MAX = 4 }; /**< what a text's kind adds to a currency's prefix */

/** Bytes of a Bech32m text, its NUL included. */
#define MR_BECH32_TEXT_MAX(prefix_len, data_len) ((prefix_len) + 1 + ((data_len)*8 + 4) / 5 + 6 + 1)

/** Bech32m of data under a prefix of lower-case letters, at most MR_PREFIX_MAX +
 *  MR_PREFIX_SUFFIX_MAX of them. cap counts the NUL; asserts that cap suffices:
 *  MR_BECH32_TEXT_MAX(strlen(prefix), len). There is no limit of 90 characters. */
void mr_bech32_encode(char *ret, size_t cap, const char *prefix, const uint8_t *data, size_t len);

/** Strict decode; upper-case-only input is taken too (QR codes). prefix NULL: any.
 *  ret_prefix (may be NULL) holds MR_PREFIX_MAX + 1 bytes; a longer prefix is then MR_BAD_TEXT.
 *  *ret_wrong (may be NULL) is set on every failure: for MR_BAD_CHECKSUM the index of the character
 *  whose replacement alone would mend it, for MR_BAD_TEXT that of the first character that cannot
 *  stand there, else SIZE_MAX. The other outputs are untouched on failure.
 *  Returns MR_OK, MR_BAD_TEXT, MR_BAD_CHECKSUM, MR_WRONG_PREFIX, MR_TOO_LARGE (data past cap). */
enum mr_status mr_bech32_decode(uint8_t *ret, size_t cap, size_t *ret_len, char *ret_prefix,
                                size_t *ret_wrong, const char *prefix, const char *text);

/** Address of an account. ret holds MR_ADDRESS_TEXT_MAX bytes. */
void mr_address_format(char *ret, const char *prefix, const uint8_t account[MR_ACCOUNT_BYTES]);

/** As mr_bech32_decode, for exactly one account id. */
enum mr_status mr_address_parse(uint8_t ret[MR_ACCOUNT_BYTES], size_t *ret_wrong,
                                const char *prefix, const char *text);

/** Lower-case hexadecimal; ret holds 2 * len + 1 bytes. */
void mr_hex_format(char *ret, const uint8_t *bytes, size_t len);

/** Exactly 2 * len lower-case digits. MR_OK or MR_BAD_TEXT. */
enum mr_status mr_hex_parse(uint8_t *ret, size_t len, const char *text);

#endif
