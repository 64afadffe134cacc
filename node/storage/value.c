#include "storage/value.h"

#include <sodium.h>
#include <string.h>

#include "mereau/assert.h"

_Static_assert(VALUE_CHECK_BYTES == crypto_shorthash_BYTES, "SipHash-2-4 gives 8 bytes");
_Static_assert(2 * VALUE_CHECK_BYTES == crypto_shorthash_KEYBYTES,
               "half the key is the key's hash");

/* Two steps, so that neither key nor value is copied: the hash of table and key is half of the key
 * that the value is hashed with. */
void value_check(uint8_t ret[VALUE_CHECK_BYTES], enum mr_table table, const uint8_t *key,
                 size_t key_len, const uint8_t *value, size_t value_len)
{
    static const uint8_t base[crypto_shorthash_KEYBYTES] = "mereau/value/1";
    uint8_t where[2 + MR_STORE_KEY_MAX], k[crypto_shorthash_KEYBYTES];

    mr_assert(key_len <= MR_STORE_KEY_MAX);
    where[0] = (uint8_t)table;
    where[1] = (uint8_t)key_len;
    memcpy(where + 2, key, key_len);
    memcpy(k, base, sizeof k);
    crypto_shorthash(k, where, 2 + key_len, base);
    crypto_shorthash(ret, value, value_len, k);
}

enum mr_status value_open(size_t *ret_len, enum mr_table table, const uint8_t *key, size_t key_len,
                          const uint8_t *stored, size_t stored_len)
{
    uint8_t check[VALUE_CHECK_BYTES];

    if (key_len == 0 || key_len > MR_STORE_KEY_MAX || stored_len < VALUE_CHECK_BYTES ||
        stored_len > MR_STORE_VALUE_MAX + VALUE_CHECK_BYTES)
        return MR_DAMAGED;
    const size_t len = stored_len - VALUE_CHECK_BYTES;
    value_check(check, table, key, key_len, stored, len);
    if (memcmp(check, stored + len, sizeof check) != 0)
        return MR_DAMAGED;
    *ret_len = len;
    return MR_OK;
}
