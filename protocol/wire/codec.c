/* Expands the registry four times: sizes, encoders, decoders, JSON. */
#include "mereau/codec.h"

#include <string.h>

#include "mereau/assert.h"
#include "wire/cursor.h"

#define PAD4(n) (((n) + 3) / 4 * 4)

/* --- enumerations ----------------------------------------------------------------------------- */
#define MR_ENUM(e)                                                                                 \
    const char *mr_##e##_text(enum mr_##e v)                                                       \
    {                                                                                              \
        switch (v) {
#define MR_CASE(e, name, number, text)                                                             \
    case MR_##name:                                                                                \
        return text;
#define MR_ENUM_END(e)                                                                             \
    }                                                                                              \
    return NULL;                                                                                   \
    }
#include "registry/enums.def"
#undef MR_ENUM
#undef MR_CASE
#undef MR_ENUM_END

#define MR_ENUM(e)                                                                                 \
    static enum mr_##e rd_##e(struct mri_rd *r)                                                    \
    {                                                                                              \
        const enum mr_##e v = (enum mr_##e)mri_rd_u32(r, INT32_MAX);                               \
        if (r->st == MR_OK && mr_##e##_text(v) == NULL)                                            \
            mri_rd_fail(r, MR_UNKNOWN_TAG);                                                        \
        return v;                                                                                  \
    }
#define MR_CASE(e, name, number, text)
#define MR_ENUM_END(e)
#include "registry/enums.def"
#undef MR_ENUM
#undef MR_CASE
#undef MR_ENUM_END

/* --- smallest sizes, for bounding a list's count ---------------------------------------------- */
#define MR_STRUCT(r)                enum { MIN_##r = 0
#define MR_OPAQUE(r, f, n, doc)     +PAD4(n)
#define MR_BYTES(r, f, max, doc)    +4
#define MR_TEXT(r, f, max, doc)     +4
#define MR_U32(r, f, max, doc)      +4
#define MR_U64(r, f, max, doc)      +8
#define MR_I64(r, f, min, max, doc) +8
#define MR_BOOL(r, f, doc)          +4
#define MR_TAG(r, f, e, doc)        +4
#define MR_SUB(r, f, t, doc)        +MIN_##t
#define MR_LIST(r, f, t, max, doc)  +4
#define MR_STRUCT_END(r)                                                                           \
    }                                                                                              \
    ;
#define MR_UNION(r, e) enum { MIN_##r = 4
#define MR_ARM(r, c, t, f)
#define MR_UNION_END(r)                                                                            \
    }                                                                                              \
    ;
#include "registry/records.def"
#include "registry/undef.h"

/* --- sizes ------------------------------------------------------------------------------------ */
#define MR_STRUCT(r)                                                                               \
    size_t mr_##r##_size(const struct mr_##r *v)                                                   \
    {                                                                                              \
        size_t n = 0;                                                                              \
        (void)v;
#define MR_OPAQUE(r, f, size, doc)  n += PAD4(size);
#define MR_BYTES(r, f, max, doc)    n += 4 + PAD4((size_t)v->f##_len);
#define MR_TEXT(r, f, max, doc)     n += 4 + PAD4((size_t)v->f##_len);
#define MR_U32(r, f, max, doc)      n += 4;
#define MR_U64(r, f, max, doc)      n += 8;
#define MR_I64(r, f, min, max, doc) n += 8;
#define MR_BOOL(r, f, doc)          n += 4;
#define MR_TAG(r, f, e, doc)        n += 4;
#define MR_SUB(r, f, t, doc)        n += mr_##t##_size(&v->f);
#define MR_LIST(r, f, t, max, doc)                                                                 \
    n += 4;                                                                                        \
    for (uint32_t i = 0; i < v->f##_count; i++)                                                    \
        n += mr_##t##_size(&v->f[i]);
#define MR_STRUCT_END(r)                                                                           \
    return n;                                                                                      \
    }
#define MR_UNION(r, e)                                                                             \
    size_t mr_##r##_size(const struct mr_##r *v)                                                   \
    {                                                                                              \
        switch ((uint32_t)v->kind) {
#define MR_ARM(r, c, t, f)                                                                         \
    case MR_##c:                                                                                   \
        return 4 + mr_##t##_size(&v->u.f);
#define MR_UNION_END(r)                                                                            \
    }                                                                                              \
    mr_bug("kind of " #r);                                                                         \
    }
#include "registry/records.def"
#include "registry/undef.h"

/* --- encoders --------------------------------------------------------------------------------- */
#define MR_STRUCT(r)                                                                               \
    static void wr_##r(struct mri_wr *w, const struct mr_##r *v)                                   \
    {
#define MR_OPAQUE(r, f, n, doc) mri_wr_opaque(w, v->f, n);
#define MR_BYTES(r, f, max, doc)                                                                   \
    mr_assert(v->f##_len <= (max));                                                                \
    mri_wr_bytes(w, v->f, v->f##_len);
#define MR_TEXT(r, f, max, doc)                                                                    \
    mr_assert(v->f##_len <= (max));                                                                \
    mri_wr_bytes(w, (const uint8_t *)v->f, v->f##_len);
#define MR_U32(r, f, max, doc)                                                                     \
    mr_assert(v->f <= (uint32_t)(max));                                                            \
    mri_wr_u32(w, v->f);
#define MR_U64(r, f, max, doc)                                                                     \
    mr_assert(v->f <= (max));                                                                      \
    mri_wr_u64(w, v->f);
#define MR_I64(r, f, min, max, doc)                                                                \
    mr_assert(v->f >= (min));                                                                      \
    mr_assert(v->f <= (max));                                                                      \
    mri_wr_u64(w, (uint64_t)v->f);
#define MR_BOOL(r, f, doc)   mri_wr_u32(w, v->f ? 1 : 0);
#define MR_TAG(r, f, e, doc) mri_wr_u32(w, (uint32_t)v->f);
#define MR_SUB(r, f, t, doc) wr_##t(w, &v->f);
#define MR_LIST(r, f, t, max, doc)                                                                 \
    mr_assert(v->f##_count <= (max));                                                              \
    mri_wr_u32(w, v->f##_count);                                                                   \
    for (uint32_t i = 0; i < v->f##_count; i++)                                                    \
        wr_##t(w, &v->f[i]);
#define MR_STRUCT_END(r) }
#define MR_UNION(r, e)                                                                             \
    static void wr_##r(struct mri_wr *w, const struct mr_##r *v)                                   \
    {                                                                                              \
        mri_wr_u32(w, (uint32_t)v->kind);                                                          \
        switch ((uint32_t)v->kind) {
#define MR_ARM(r, c, t, f)                                                                         \
    case MR_##c:                                                                                   \
        wr_##t(w, &v->u.f);                                                                        \
        return;
#define MR_UNION_END(r)                                                                            \
    }                                                                                              \
    mr_bug("kind of " #r);                                                                         \
    }
#include "registry/records.def"
#include "registry/undef.h"

/* --- decoders --------------------------------------------------------------------------------- */
#define MR_STRUCT(r)                                                                               \
    static void rd_##r(struct mri_rd *r_, struct mr_##r *v)                                        \
    {
#define MR_OPAQUE(r, f, n, doc)     mri_rd_opaque(r_, v->f, n);
#define MR_BYTES(r, f, max, doc)    v->f##_len = mri_rd_bytes(r_, v->f, max);
#define MR_TEXT(r, f, max, doc)     v->f##_len = mri_rd_text(r_, v->f, max);
#define MR_U32(r, f, max, doc)      v->f = mri_rd_u32(r_, max);
#define MR_U64(r, f, max, doc)      v->f = mri_rd_u64(r_, max);
#define MR_I64(r, f, min, max, doc) v->f = mri_rd_i64(r_, min, max);
#define MR_BOOL(r, f, doc)          v->f = mri_rd_bool(r_);
#define MR_TAG(r, f, e, doc)        v->f = rd_##e(r_);
#define MR_SUB(r, f, t, doc)        rd_##t(r_, &v->f);
#define MR_LIST(r, f, t, max, doc)                                                                 \
    v->f##_count = mri_rd_count(r_, max, MIN_##t);                                                 \
    for (uint32_t i = 0; i < v->f##_count && r_->st == MR_OK; i++)                                 \
        rd_##t(r_, &v->f[i]);
#define MR_STRUCT_END(r) }
#define MR_UNION(r, e)                                                                             \
    static void rd_##r(struct mri_rd *r_, struct mr_##r *v)                                        \
    {                                                                                              \
        v->kind = rd_##e(r_);                                                                      \
        if (r_->st != MR_OK)                                                                       \
            return;                                                                                \
        switch ((uint32_t)v->kind) {
#define MR_ARM(r, c, t, f)                                                                         \
    case MR_##c:                                                                                   \
        rd_##t(r_, &v->u.f);                                                                       \
        return;
#define MR_UNION_END(r)                                                                            \
    }                                                                                              \
    mri_rd_fail(r_, MR_UNKNOWN_TAG);                                                               \
    }
#include "registry/records.def"
#include "registry/undef.h"

/* --- JSON ------------------------------------------------------------------------------------- */
#define MR_STRUCT(r)                                                                               \
    static void js_##r(struct mri_js *j, const struct mr_##r *v)                                   \
    {                                                                                              \
        bool first = true;                                                                         \
        mri_js_raw(j, "{");
#define FIELD(f, put)                                                                              \
    mri_js_name(j, &first, #f);                                                                    \
    put;
#define MR_OPAQUE(r, f, n, doc)     FIELD(f, mri_js_hex(j, v->f, n))
#define MR_BYTES(r, f, max, doc)    FIELD(f, mri_js_hex(j, v->f, v->f##_len))
#define MR_TEXT(r, f, max, doc)     FIELD(f, mri_js_text(j, v->f, v->f##_len))
#define MR_U32(r, f, max, doc)      FIELD(f, mri_js_u64(j, v->f))
#define MR_U64(r, f, max, doc)      FIELD(f, mri_js_u64(j, v->f))
#define MR_I64(r, f, min, max, doc) FIELD(f, mri_js_i64(j, v->f))
#define MR_BOOL(r, f, doc)          FIELD(f, mri_js_raw(j, v->f ? "true" : "false"))
#define MR_TAG(r, f, e, doc)                                                                       \
    FIELD(f, mri_js_text(j, mr_##e##_text(v->f), strlen(mr_##e##_text(v->f))))
#define MR_SUB(r, f, t, doc) FIELD(f, js_##t(j, &v->f))
#define MR_LIST(r, f, t, max, doc)                                                                 \
    mri_js_name(j, &first, #f);                                                                    \
    mri_js_raw(j, "[");                                                                            \
    for (uint32_t i = 0; i < v->f##_count; i++) {                                                  \
        mri_js_raw(j, i == 0 ? "" : ",");                                                          \
        js_##t(j, &v->f[i]);                                                                       \
    }                                                                                              \
    mri_js_raw(j, "]");
#define MR_STRUCT_END(r)                                                                           \
    mri_js_raw(j, "}");                                                                            \
    }
#define MR_UNION(r, e)                                                                             \
    static void js_##r(struct mri_js *j, const struct mr_##r *v)                                   \
    {                                                                                              \
        const char *const kind = mr_##e##_text(v->kind);                                           \
        mri_js_raw(j, "{\"kind\":");                                                               \
        mri_js_text(j, kind, strlen(kind));                                                        \
        switch ((uint32_t)v->kind) {
#define MR_ARM(r, c, t, f)                                                                         \
    case MR_##c:                                                                                   \
        mri_js_raw(j, ",\"" #f "\":");                                                             \
        js_##t(j, &v->u.f);                                                                        \
        break;
#define MR_UNION_END(r)                                                                            \
    }                                                                                              \
    mri_js_raw(j, "}");                                                                            \
    }
#include "registry/records.def"
#include "registry/undef.h"

/* --- the public functions --------------------------------------------------------------------- */
#define DEFINE(r)                                                                                  \
    size_t mr_##r##_encode(const struct mr_##r *v, uint8_t *out, size_t cap)                       \
    {                                                                                              \
        struct mri_wr w = {out, cap};                                                              \
        wr_##r(&w, v);                                                                             \
        return cap - w.left;                                                                       \
    }                                                                                              \
    enum mr_status mr_##r##_decode(struct mr_##r *ret, const uint8_t *in, size_t len)              \
    {                                                                                              \
        struct mri_rd r_ = {in, len, MR_OK};                                                       \
        rd_##r(&r_, ret);                                                                          \
        return r_.st == MR_OK && r_.left != 0 ? MR_TRAILING : r_.st;                               \
    }                                                                                              \
    enum mr_status mr_##r##_decode_first(struct mr_##r *ret, size_t *ret_len, const uint8_t *in,   \
                                         size_t len)                                               \
    {                                                                                              \
        struct mri_rd r_ = {in, len, MR_OK};                                                       \
        rd_##r(&r_, ret);                                                                          \
        if (r_.st == MR_OK)                                                                        \
            *ret_len = len - r_.left;                                                              \
        return r_.st;                                                                              \
    }                                                                                              \
    size_t mr_##r##_json(const struct mr_##r *v, char *out, size_t cap)                            \
    {                                                                                              \
        struct mri_js j = {out, cap, 0};                                                           \
        js_##r(&j, v);                                                                             \
        return j.used;                                                                             \
    }

#define MR_STRUCT(r) DEFINE(r)
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
#define MR_UNION(r, e) DEFINE(r)
#define MR_ARM(r, c, t, f)
#define MR_UNION_END(r)
#include "registry/records.def"
#include "registry/undef.h"
