/** Filling text fields of records from what people typed. */
#ifndef MEREAU_ADMIN_FIELD_H
#define MEREAU_ADMIN_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Copy a text into a record's field of at most max bytes. false, and nothing done, when it is too
 *  long or holds what a record cannot (ENC-3) or what would disturb a terminal. */
bool field_set(char *ret, uint32_t *ret_len, size_t max, const char *text);

#define FIELD_SET(record, field, text)                                                             \
    field_set((record)->field, &(record)->field##_len, sizeof((record)->field) - 1, (text))

#endif
