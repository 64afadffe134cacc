#include "lib/random_record.h"

#include <string.h>

/* --- numbers ---------------------------------------------------------------------------------- */

struct random_source random_source_of(uint64_t seed)
{
    return (struct random_source){.state = seed, .size = RANDOM_TYPICAL, .arm = -1};
}

/* splitmix64 */
uint64_t random_next(struct random_source *g)
{
    uint64_t z = g->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t random_below(struct random_source *g, uint64_t end)
{
    return random_next(g) % end;
}

void random_bytes(struct random_source *g, uint8_t *ret, size_t n)
{
    const uint64_t form = random_below(g, 8);
    for (size_t i = 0; i < n; i++)
        ret[i] = form == 0 ? 0 : form == 1 ? 0xff : (uint8_t)random_next(g);
}

/* A number of 0 to max; its ends are as likely as all between. */
static uint64_t number(struct random_source *g, uint64_t max)
{
    const uint64_t form = random_below(g, 4);
    if (g->size == RANDOM_EMPTY || form == 0)
        return g->size == RANDOM_FULL ? max : 0;
    if (g->size == RANDOM_FULL || form == 1 || max == UINT64_MAX)
        return max;
    return form == 2 ? random_below(g, max + 1) : random_below(g, (max < 1000 ? max : 1000) + 1);
}

static uint32_t count(struct random_source *g, uint32_t max)
{
    if (g->size == RANDOM_EMPTY)
        return 0;
    return g->size == RANDOM_FULL ? max : (uint32_t)random_below(g, (max < 3 ? max : 3) + 1);
}

static uint32_t length(struct random_source *g, uint32_t max)
{
    if (g->size == RANDOM_EMPTY)
        return 0;
    return g->size == RANDOM_FULL ? max : (uint32_t)random_below(g, (max < 23 ? max : 23) + 1);
}

/* len bytes of text: characters of one to four bytes, the two that JSON escapes too. */
static void text(struct random_source *g, char *ret, size_t len)
{
    static const char *const characters[] = {"a", "Z", "7", " ",        "\"", "\\", "/",
                                             "~", "é", "ß", "\xc2\xa0", "€",  "日", "\xef\xbf\xbd",
                                             "😀"};
    size_t used = 0;
    while (used < len) {
        const char *const c = characters[random_below(g, sizeof characters / sizeof characters[0])];
        if (strlen(c) > len - used)
            continue;
        memcpy(ret + used, c, strlen(c));
        used += strlen(c);
    }
    ret[len] = '\0';
}

/* clang-format off */
/* --- enumerations ----------------------------------------------------------------------------- */

#define MR_ENUM(e)                                                                                 \
    enum mr_##e random_tag_##e(struct random_source *g)                                            \
    {                                                                                              \
        static const enum mr_##e all[] = {
#define MR_CASE(e, name, number, text) MR_##name,
#define MR_ENUM_END(e)                                                                             \
    };                                                                                             \
    return all[random_below(g, sizeof all / sizeof all[0])];                                       \
    }
#include "registry/enums.def"
#undef MR_ENUM
#undef MR_CASE
#undef MR_ENUM_END

/* --- records ---------------------------------------------------------------------------------- */

#define MR_STRUCT(r) enum { ARMS_##r = 0 };
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
#define MR_UNION(r, e) enum { ARMS_##r = 0
#define MR_ARM(r, c, t, f) +1
#define MR_UNION_END(r) };
#include "registry/records.def"
#include "registry/undef.h"

#define MR_STRUCT(r)                                                                               \
    void random_##r(struct random_source *g, struct mr_##r *ret)                                   \
    {
#define MR_OPAQUE(r, f, n, doc) random_bytes(g, ret->f, n);
#define MR_BYTES(r, f, max, doc)                                                                   \
    ret->f##_len = length(g, max);                                                                 \
    random_bytes(g, ret->f, ret->f##_len);
#define MR_TEXT(r, f, max, doc)                                                                    \
    ret->f##_len = length(g, max);                                                                 \
    text(g, ret->f, ret->f##_len);
#define MR_U32(r, f, max, doc) ret->f = (uint32_t)number(g, max);
#define MR_U64(r, f, max, doc) ret->f = number(g, max);
#define MR_I64(r, f, min, max, doc)                                                                \
    ret->f = (min) + (int64_t)number(g, (uint64_t)((max) - (min)));
#define MR_BOOL(r, f, doc) ret->f = number(g, 1) == 1;
#define MR_TAG(r, f, e, doc) ret->f = random_tag_##e(g);
#define MR_SUB(r, f, t, doc) random_##t(g, &ret->f);
#define MR_LIST(r, f, t, max, doc)                                                                 \
    ret->f##_count = count(g, max);                                                                \
    for (uint32_t i = 0; i < ret->f##_count; i++)                                                  \
        random_##t(g, &ret->f[i]);
#define MR_STRUCT_END(r) }
#define MR_UNION(r, e)                                                                             \
    void random_##r(struct random_source *g, struct mr_##r *ret)                                   \
    {                                                                                              \
        int arm = g->arm >= 0 ? g->arm : (int)random_below(g, ARMS_##r);                           \
        g->arm = -1;
#define MR_ARM(r, c, t, f)                                                                         \
    if (arm-- == 0) {                                                                              \
        ret->kind = MR_##c;                                                                        \
        random_##t(g, &ret->u.f);                                                                  \
        return;                                                                                    \
    }
#define MR_UNION_END(r) }
#include "registry/records.def"
#include "registry/undef.h"

/* --- the table -------------------------------------------------------------------------------- */

#define WRAP(r)                                                                                    \
    static void any_random_##r(struct random_source *g, void *ret)                                 \
    {                                                                                              \
        random_##r(g, ret);                                                                        \
    }                                                                                              \
    static size_t any_size_##r(const void *v)                                                      \
    {                                                                                              \
        return mr_##r##_size(v);                                                                   \
    }                                                                                              \
    static size_t any_encode_##r(const void *v, uint8_t *out, size_t cap)                          \
    {                                                                                              \
        return mr_##r##_encode(v, out, cap);                                                       \
    }                                                                                              \
    static enum mr_status any_decode_##r(void *ret, const uint8_t *in, size_t len)                 \
    {                                                                                              \
        return mr_##r##_decode(ret, in, len);                                                      \
    }                                                                                              \
    static size_t any_json_##r(const void *v, char *out, size_t cap)                               \
    {                                                                                              \
        return mr_##r##_json(v, out, cap);                                                         \
    }
#define ROW(r)                                                                                     \
    {#r, sizeof(struct mr_##r), ARMS_##r, any_random_##r, any_size_##r, any_encode_##r,            \
     any_decode_##r, any_json_##r},

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
#define MR_ARM(r, c, t, f)
#define MR_UNION_END(r)

#define MR_STRUCT(r) WRAP(r)
#define MR_UNION(r, e) WRAP(r)
#include "registry/records.def"
#undef MR_STRUCT
#undef MR_UNION

#define MR_STRUCT(r) ROW(r)
#define MR_UNION(r, e) ROW(r)
const struct record_ops record_table[] = {
#include "registry/records.def"
};
#include "registry/undef.h"

/* clang-format on */

const size_t record_count = sizeof record_table / sizeof record_table[0];

size_t record_bytes_max(void)
{
    size_t max = 0;
    for (size_t i = 0; i < record_count; i++)
        max = record_table[i].bytes > max ? record_table[i].bytes : max;
    return max;
}

const struct record_ops *record_find(const char *name)
{
    for (size_t i = 0; i < record_count; i++)
        if (strcmp(record_table[i].name, name) == 0)
            return &record_table[i];
    return NULL;
}
