/** The checksum that stands behind every value of a store. */
#ifndef MEREAU_STORAGE_VALUE_H
#define MEREAU_STORAGE_VALUE_H

#include "mereau/store.h"

enum { VALUE_CHECK_BYTES = 8 };

/** SipHash-2-4 over table, key and value: a value that moved to another key is found too. It guards
 *  against accidents, not against people. */
void value_check(uint8_t ret[VALUE_CHECK_BYTES], enum mr_table table, const uint8_t *key,
                 size_t key_len, const uint8_t *value, size_t value_len);

/** MR_OK and the value's length without its checksum, or MR_DAMAGED. */
enum mr_status value_open(size_t *ret_len, enum mr_table table, const uint8_t *key, size_t key_len,
                          const uint8_t *stored, size_t stored_len);

#endif
