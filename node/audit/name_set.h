/** Names in the order in which they first came, and the place of each. */
#ifndef MEREAU_AUDIT_NAME_SET_H
#define MEREAU_AUDIT_NAME_SET_H

#include <stdbool.h>
#include <stdint.h>

#define NO_NAME UINT32_MAX

/** All zero: empty. Names are lent: they have to stay where they are. */
struct name_set {
    const char **names;
    uint32_t count, cap;
    uint32_t *buckets, buckets_count;
};

/** Place of a name; NO_NAME: it is not among them. */
uint32_t name_set_find(const struct name_set *s, const char *name);

/** Place of a name, which is added when it is new; *ret_new says whether it was. NO_NAME: out of
 *  memory. */
uint32_t name_set_add(struct name_set *s, const char *name, bool *ret_new);

/** Makes it empty. */
void name_set_done(struct name_set *s);

#endif
