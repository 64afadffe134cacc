/** Encode, strictly decode and print every record (spec/10-encoding.md).
 *
 *  For every record r of the registry:
 *    size_t mr_r_size(v)                       exact bytes of the encoding
 *    size_t mr_r_encode(v, out, cap)           bytes written; cap must hold them (else: our bug)
 *    enum mr_status mr_r_decode(ret, in, len)  all of `in` must be one canonical encoding
 *    enum mr_status mr_r_decode_first(ret, ret_len, in, len)
 *                                              as decode, of the record at the start of `in`; what
 *                                              stands behind its *ret_len bytes is not looked at
 *    size_t mr_r_json(v, out, cap)             bytes of the JSON text as snprintf counts them;
 *                                              NUL-terminated when cap > 0
 *
 *  A decoder returns MR_OK, MR_TRUNCATED, MR_TRAILING, MR_OUT_OF_RANGE, MR_UNKNOWN_TAG,
 *  MR_NOT_CANONICAL or MR_BAD_TEXT. On failure *ret is unspecified: do not look at it.
 *  No function here allocates. Encoders assert that values are within their bounds. */
#ifndef MEREAU_CODEC_H
#define MEREAU_CODEC_H

#include "mereau/record.h"
#include "mereau/status.h"

#define MRI_DECLARE(r)                                                                             \
    size_t mr_##r##_size(const struct mr_##r *v);                                                  \
    size_t mr_##r##_encode(const struct mr_##r *v, uint8_t *out, size_t cap);                      \
    enum mr_status mr_##r##_decode(struct mr_##r *ret, const uint8_t *in, size_t len);             \
    enum mr_status mr_##r##_decode_first(struct mr_##r *ret, size_t *ret_len, const uint8_t *in,   \
                                         size_t len);                                              \
    size_t mr_##r##_json(const struct mr_##r *v, char *out, size_t cap);

#define MR_STRUCT(r) MRI_DECLARE(r)
#define MR_OPAQUE(r, f, n, doc)
#define MR_BYTES(r, f, max, doc)
#define MR_TEXT(r, f, max, doc)
#define MR_U32(r, f, max, doc)
#define MR_U64(r, f, max, doc)
#define MR_I64(r, f, min, max, doc)
#define MR_BOOL(r, f, doc)
#define MR_TAG(r, f, e, doc)
#define MR_SUB(r, f, t, doc)
#define MR_LIST(r, f, t, max, doc)
#define MR_STRUCT_END(r)
#define MR_UNION(r, e) MRI_DECLARE(r)
#define MR_ARM(r, c, t, f)
#define MR_UNION_END(r)
#include "registry/records.def"
#include "registry/undef.h"

#endif
