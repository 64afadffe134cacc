/* Random values of every record of the registry, and a table to go through all records by.
 * The same seed gives the same values on every machine. */
#ifndef MEREAU_TESTS_RANDOM_RECORD_H
#define MEREAU_TESTS_RANDOM_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/codec.h"

/* How much a list, a text or a number of bytes holds. */
enum random_size {
    RANDOM_EMPTY,   /* nothing, numbers at their least */
    RANDOM_TYPICAL, /* a few, numbers anywhere and at their ends */
    RANDOM_FULL,    /* as much as the bounds allow, numbers at their largest */
};

struct random_source {
    uint64_t state;
    enum random_size size;
    int arm; /* which arm the next union gets; -1: any */
};

/* A source of typical values. */
struct random_source random_source_of(uint64_t seed);
uint64_t random_next(struct random_source *g);
/* 0 to end - 1; end > 0. */
uint64_t random_below(struct random_source *g, uint64_t end);
void random_bytes(struct random_source *g, uint8_t *ret, size_t n);

#define MR_ENUM(e) enum mr_##e random_tag_##e(struct random_source *g);
#define MR_CASE(e, name, number, text)
#define MR_ENUM_END(e)
#include "registry/enums.def"
#undef MR_ENUM
#undef MR_CASE
#undef MR_ENUM_END

#define MRI_RANDOM(r) void random_##r(struct random_source *g, struct mr_##r *ret);
#define MR_STRUCT(r)  MRI_RANDOM(r)
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
#define MR_UNION(r, e) MRI_RANDOM(r)
#define MR_ARM(r, c, t, f)
#define MR_UNION_END(r)
#include "registry/records.def"
#include "registry/undef.h"

/* One record of the registry, by functions that take any record. */
struct record_ops {
    const char *name;
    size_t bytes; /* sizeof its struct */
    int arms;     /* of a union; 0: not a union */
    void (*random)(struct random_source *g, void *ret);
    size_t (*size)(const void *v);
    size_t (*encode)(const void *v, uint8_t *out, size_t cap);
    enum mr_status (*decode)(void *ret, const uint8_t *in, size_t len);
    size_t (*json)(const void *v, char *out, size_t cap);
};

extern const struct record_ops record_table[];
extern const size_t record_count;
/* The largest struct of the table. */
size_t record_bytes_max(void);
/* NULL when there is none of the name. */
const struct record_ops *record_find(const char *name);

#endif
