/** Structs of all records and enumerations, expanded from protocol/registry/.
 *
 *  A text field f of at most n bytes is `uint32_t f_len; char f[n + 1]` and ends with NUL.
 *  A bytes field is `uint32_t f_len; uint8_t f[n]`. A list is `uint32_t f_count; struct f[n]`.
 *  A union is `kind` and `u`. Entries behind a count or length are unspecified.
 *  Some structs are large (an order 12 KiB, a reply 400 KiB): keep them off small stacks. */
#ifndef MEREAU_RECORD_H
#define MEREAU_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/limits.h"

#define MR_ENUM(e)                                                                                 \
    enum mr_##e                                                                                    \
    {
#define MR_CASE(e, name, number, text) MR_##name = (number),
#define MR_ENUM_END(e)                                                                             \
    }                                                                                              \
    ;
#include "registry/enums.def"
#undef MR_ENUM
#undef MR_CASE
#undef MR_ENUM_END

#define MR_STRUCT(r)            struct mr_##r {
#define MR_OPAQUE(r, f, n, doc) uint8_t f[n];
#define MR_BYTES(r, f, max, doc)                                                                   \
    uint32_t f##_len;                                                                              \
    uint8_t f[max];
#define MR_TEXT(r, f, max, doc)                                                                    \
    uint32_t f##_len;                                                                              \
    char f[(max) + 1];
#define MR_U32(r, f, max, doc)      uint32_t f;
#define MR_U64(r, f, max, doc)      uint64_t f;
#define MR_I64(r, f, min, max, doc) int64_t f;
#define MR_BOOL(r, f, doc)          bool f;
#define MR_TAG(r, f, e, doc)        enum mr_##e f;
#define MR_SUB(r, f, t, doc)        struct mr_##t f;
#define MR_LIST(r, f, t, max, doc)                                                                 \
    uint32_t f##_count;                                                                            \
    struct mr_##t f[max];
#define MR_STRUCT_END(r)                                                                           \
    }                                                                                              \
    ;
#define MR_UNION(r, e)                                                                             \
    struct mr_##r {                                                                                \
        enum mr_##e kind;                                                                          \
        union {
#define MR_ARM(r, c, t, f) struct mr_##t f;
#define MR_UNION_END(r)                                                                            \
    }                                                                                              \
    u;                                                                                             \
    }                                                                                              \
    ;
#include "registry/records.def"
#include "registry/undef.h"

/** Text of an enumeration's case as JSON shows it; NULL when the number is not in the registry. */
#define MR_ENUM(e) const char *mr_##e##_text(enum mr_##e v);
#define MR_CASE(e, name, number, text)
#define MR_ENUM_END(e)
#include "registry/enums.def"
#undef MR_ENUM
#undef MR_CASE
#undef MR_ENUM_END

#endif
