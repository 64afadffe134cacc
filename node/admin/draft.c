#include "admin/draft.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/order.h"
#include "mereau/sign.h"

enum { DRAFT_FILE_MAX = 4 << 20, DRAFT_VERSION = 1 };

struct mr_draft *draft_create(uint64_t now_ms, const char *author)
{
    struct mr_draft *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->version = DRAFT_VERSION;
    d->created_ms = now_ms;
    mr_assert(strlen(author) <= MR_NAME_MAX);
    d->author_len = (uint32_t)strlen(author);
    memcpy(d->author, author, d->author_len + 1);
    return d;
}

enum mr_status draft_check(const struct mr_draft *d, const uint8_t ledger[32])
{
    uint8_t id[MR_HASH_BYTES];
    if (d->version != DRAFT_VERSION || d->orders_count == 0)
        return MR_OUT_OF_RANGE;
    const struct mr_order *first = &d->orders[0].order;
    for (uint32_t i = 0; i < d->orders_count; i++) {
        const struct mr_order *o = &d->orders[i].order;
        if (memcmp(o->ledger, ledger, MR_HASH_BYTES) != 0)
            return MR_WRONG_LEDGER;
        if (memcmp(o->account, first->account, MR_ACCOUNT_BYTES) != 0 || o->seq != first->seq + i ||
            (i > 0 && memcmp(o->prev, id, sizeof id) != 0))
            return MR_PREV_MISMATCH;
        mr_order_id(id, o);
    }
    if (d->cancels_count == 0)
        return MR_OK;
    const struct mr_cancel *c = &d->cancels[0].cancel;
    return c->seq >= first->seq && c->seq - first->seq < d->orders_count &&
                   memcmp(c->account, first->account, MR_ACCOUNT_BYTES) == 0 &&
                   memcmp(c->ledger, ledger, MR_HASH_BYTES) == 0
               ? MR_OK
               : MR_PREV_MISMATCH;
}

enum mr_status draft_add(struct mr_draft *d, const struct mr_order *order)
{
    if (d->orders_count == MR_PAGE_MAX)
        return MR_FULL;
    struct mr_signed_order *so = &d->orders[d->orders_count];
    so->sigs_count = 0;
    so->order = *order;
    if (d->orders_count > 0) {
        const struct mr_order *last = &d->orders[d->orders_count - 1].order;
        so->order.seq = last->seq + 1;
        mr_order_id(so->order.prev, last);
    }
    d->orders_count++;
    return MR_OK;
}

static bool is_signed(const struct mr_draft *d)
{
    for (uint32_t i = 0; i < d->orders_count; i++)
        if (d->orders[i].sigs_count > 0)
            return true;
    return d->cancels_count > 0;
}

enum mr_status draft_rebase(struct mr_draft *d, uint64_t seq, const uint8_t prev[32],
                            uint64_t time_ms, uint64_t not_after_ms, uint32_t policy)
{
    if (is_signed(d))
        return MR_NO_CHANGE;
    for (uint32_t i = 0; i < d->orders_count; i++) {
        struct mr_order *o = &d->orders[i].order;
        o->seq = seq + i;
        o->time_ms = time_ms;
        o->not_after_ms = not_after_ms;
        o->policy = policy;
        if (i == 0)
            memcpy(o->prev, prev, sizeof o->prev);
        else
            mr_order_id(o->prev, &d->orders[i - 1].order);
    }
    return MR_OK;
}

enum mr_status draft_signatures(const struct mr_draft *d, uint32_t *ret_count,
                                const struct mr_keyset *keys)
{
    struct mr_keyset any = *keys;
    uint32_t least = MR_KEYS_MAX;
    any.threshold = 1;
    for (uint32_t i = 0; i < d->orders_count; i++) {
        const struct mr_signed_order *so = &d->orders[i];
        const enum mr_status st = mr_order_verify(so, &any, 0);
        if (st != MR_OK && (st != MR_SIGNATURES_MISSING || so->sigs_count > 0))
            return MR_BAD_SIGNATURE;
        if (so->sigs_count < least)
            least = so->sigs_count;
    }
    *ret_count = least;
    return MR_OK;
}

enum mr_status draft_state(const struct mr_draft *d, enum draft_state *ret,
                           const struct mr_keyset *keys)
{
    uint32_t count;
    const enum mr_status st = draft_signatures(d, &count, keys);
    if (st != MR_OK)
        return st;
    *ret = count >= keys->threshold ? DRAFT_READY : is_signed(d) ? DRAFT_PARTLY : DRAFT_UNSIGNED;
    return MR_OK;
}

bool draft_is_signed_by(const struct mr_draft *d, uint32_t key_index)
{
    for (uint32_t i = 0; i < d->orders_count; i++) {
        bool found = false;
        for (uint32_t k = 0; k < d->orders[i].sigs_count; k++)
            found = found || d->orders[i].sigs[k].key_index == key_index;
        if (!found)
            return false;
    }
    return d->orders_count > 0;
}

void draft_name(char *ret, size_t cap, const struct mr_draft *d, const char *chain_name)
{
    uint8_t id[MR_HASH_BYTES];
    char hex[9];
    mr_order_id(id, &d->orders[0].order);
    mr_hex_format(hex, id, 4);
    snprintf(ret, cap, "%s-%llu-%s.draft", chain_name, (unsigned long long)d->orders[0].order.seq,
             hex);
}

enum mr_status draft_write(const struct mr_draft *d, const char *path)
{
    const size_t len = mr_draft_size(d);
    uint8_t *bytes = malloc(len);
    if (bytes == NULL)
        return MR_NO_MEMORY;
    mr_draft_encode(d, bytes, len);
    const enum mr_status st = file_write(path, bytes, len, 0600, true);
    free(bytes);
    return st;
}

enum mr_status draft_read(struct mr_draft **ret, const char *path, const uint8_t ledger[32])
{
    uint8_t *bytes = NULL;
    size_t len;
    enum mr_status st = file_read(&bytes, &len, path, DRAFT_FILE_MAX);
    if (st != MR_OK)
        return st;
    struct mr_draft *d = calloc(1, sizeof *d);
    if (d == NULL)
        st = MR_NO_MEMORY;
    else if (mr_draft_decode(d, bytes, len) != MR_OK)
        st = MR_DAMAGED;
    else
        st = draft_check(d, ledger);
    free(bytes);
    if (st == MR_OK)
        *ret = d;
    else
        free(d);
    return st;
}

/* --- names in a directory ----------------------------------------------------------------------
 */

void names_free(char **names)
{
    for (size_t i = 0; names != NULL && names[i] != NULL; i++)
        free(names[i]);
    free(names);
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

static bool ends_with(const char *name, const char *suffix)
{
    const size_t n = strlen(name), m = strlen(suffix);
    return n > m && name[0] != '.' && strcmp(name + n - m, suffix) == 0;
}

enum mr_status names_list(char ***ret, const char *dir, const char *suffix)
{
    size_t count = 0, cap = 16;
    char **names = calloc(cap, sizeof *names);
    DIR *d = opendir(dir);
    enum mr_status st = names == NULL ? MR_NO_MEMORY : MR_OK;
    if (d == NULL && errno != ENOENT && st == MR_OK)
        st = file_status(errno);
    for (const struct dirent *e; st == MR_OK && d != NULL && (e = readdir(d)) != NULL;) {
        if (!ends_with(e->d_name, suffix))
            continue;
        if (count + 1 == cap) {
            char **more = reallocarray(names, cap * 2, sizeof *names);
            if (more == NULL) {
                st = MR_NO_MEMORY;
                break;
            }
            names = more;
            cap *= 2;
        }
        names[count] = strdup(e->d_name);
        if (names[count] == NULL)
            st = MR_NO_MEMORY;
        else
            names[++count] = NULL;
    }
    if (d != NULL)
        closedir(d);
    if (st != MR_OK) {
        names_free(names);
        return st;
    }
    qsort(names, count, sizeof *names, by_text);
    *ret = names;
    return MR_OK;
}
