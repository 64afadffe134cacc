/** Text forms of ids: addresses in Bech32m (BIP 350) and hexadecimal. */
#ifndef MEREAU_ID_H
#define MEREAU_ID_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/limits.h"
#include "mereau/status.h"

enum { MR_ADDRESS_TEXT_MAX = MR_PREFIX_MAX + 1 + 26 + 6 + 1, MR_BECH32_DATA_MAX = 1024 };

/** Bech32m of data under a prefix. cap counts the NUL; asserts that cap suffices:
 *  strlen(prefix) + 1 + ceil(len * 8 / 5) + 6 + 1. */
void mr_bech32_encode(char *ret, size_t cap, const char *prefix, const uint8_t *data, size_t len);

/** Strict decode; upper-case-only input is taken too (QR codes). prefix NULL: any.
 *  ret_prefix (may be NULL) holds MR_PREFIX_MAX + 1 bytes. *ret_wrong (may be NULL) is, for
 *  MR_BAD_CHECKSUM, the index of the character whose replacement alone would mend it, or SIZE_MAX.
 *  Returns MR_OK, MR_BAD_TEXT, MR_BAD_CHECKSUM, MR_WRONG_PREFIX, MR_TOO_LARGE. */
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
