#include <stdlib.h>
#include <string.h>

#include "exhaust.h"
#include "mereau/assert.h"

enum { CAP_FIRST = 1024 };

/* With fewer values only the first renamings are of them alone. */
static const uint32_t RENAMINGS[RENAMINGS_MAX][VALUES_MAX] = {
    {0, 1, 2}, {1, 0, 2}, {0, 2, 1}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1},
};
static const uint32_t BACK[RENAMINGS_MAX][VALUES_MAX] = {
    {0, 1, 2}, {1, 0, 2}, {0, 2, 1}, {2, 1, 0}, {2, 0, 1}, {1, 2, 0},
};

static uint32_t add(struct logs *l, const struct log *what)
{
    if (l->count == l->cap) {
        l->cap = l->cap == 0 ? CAP_FIRST : 2 * l->cap;
        l->at = realloc(l->at, l->cap * sizeof l->at[0]);
        mr_assert(l->at != NULL);
    }
    struct log *const new = &l->at[l->count];
    *new = *what;
    for (uint32_t i = 0; i < RENAMINGS_MAX; i++)
        new->renamed[i] = UINT32_MAX;
    new->renamed[0] = l->count;
    new->promised = UINT32_MAX;
    return l->count++;
}

void logs_init(struct logs *l, uint32_t values)
{
    static const uint32_t renamings[VALUES_MAX + 1] = {0, 1, 2, 6};
    mr_assert(values >= 1);
    mr_assert(values <= VALUES_MAX);
    *l = (struct logs){.values = values, .renamings = renamings[values]};
    add(l, &(struct log){0});
}

void logs_done(struct logs *l)
{
    table_done(&l->index);
    free(l->at);
    *l = (struct logs){0};
}

uint32_t logs_add(struct logs *l, uint32_t log, uint32_t leaf)
{
    const uint32_t key[KEY_WORDS] = {log, leaf};
    const uint64_t *const known = table_find(&l->index, key);
    if (known != NULL)
        return (uint32_t)*known;
    struct log new = {.before = log, .last = leaf, .length = l->at[log].length + 1};
    new.said = l->at[log].said | (leaf < LEAF_UNLOCKS ? DEED(leaf) : 0);
    const uint32_t number = add(l, &new);
    table_put(&l->index, key, number);
    return number;
}

static uint32_t rename_pair(uint32_t pair, const uint32_t to[VALUES_MAX])
{
    return pair_of(pair / VALUES_MAX, to[pair % VALUES_MAX]);
}

static uint32_t rename_leaf(uint32_t leaf, const uint32_t to[VALUES_MAX])
{
    if (leaf < LEAF_ACKS)
        return rename_pair(leaf, to);
    if (leaf < LEAF_UNLOCKS)
        return LEAF_ACKS + rename_pair(leaf - LEAF_ACKS, to);
    const uint32_t ballot = (leaf - LEAF_UNLOCKS) / REPORTS;
    const uint32_t report = (leaf - LEAF_UNLOCKS) % REPORTS;
    return unlock_of(ballot, report == 0 ? 0 : 1 + rename_pair(report - 1, to));
}

uint32_t logs_rename(struct logs *l, uint32_t log, uint32_t renaming)
{
    if (log == 0 || l->at[log].renamed[renaming] != UINT32_MAX)
        return log == 0 ? 0 : l->at[log].renamed[renaming];
    const uint32_t before = logs_rename(l, l->at[log].before, renaming);
    const uint32_t to = logs_add(l, before, rename_leaf(l->at[log].last, RENAMINGS[renaming]));
    l->at[log].renamed[renaming] = to;
    return to;
}

uint64_t deeds_rename(const struct logs *l, uint64_t deeds, uint32_t renaming, bool back)
{
    const uint32_t *const to = back ? BACK[renaming] : RENAMINGS[renaming];
    uint64_t ret = deeds;
    if (renaming == 0)
        return ret;
    for (uint32_t pair = 0; pair < PAIRS; pair++)
        ret &= ~(DEED(pair) | DEED(LEAF_ACKS + pair) | DEED_SETTLED(pair));
    for (uint32_t pair = 0; pair < PAIRS; pair++) {
        const uint32_t other = rename_pair(pair, to);
        mr_assert(pair % VALUES_MAX >= l->values || other % VALUES_MAX < l->values);
        ret |= (deeds & DEED(pair)) != 0 ? DEED(other) : 0;
        ret |= (deeds & DEED(LEAF_ACKS + pair)) != 0 ? DEED(LEAF_ACKS + other) : 0;
        ret |= (deeds & DEED_SETTLED(pair)) != 0 ? DEED_SETTLED(other) : 0;
    }
    return ret;
}

static void sort(uint32_t *at, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t k = i; k > 0 && at[k - 1] > at[k]; k--) {
            const uint32_t keep = at[k];
            at[k] = at[k - 1];
            at[k - 1] = keep;
        }
}

static bool less(const uint32_t a[KEY_WORDS], const uint32_t b[KEY_WORDS])
{
    uint32_t i = 0;
    while (i < KEY_WORDS - 1 && a[i] == b[i])
        i++;
    return a[i] < b[i];
}

uint32_t logs_least(struct logs *l, uint32_t ret[KEY_WORDS], const uint32_t tuple[KEY_WORDS],
                    uint32_t sorted, uint32_t count)
{
    uint32_t best = 0;
    for (uint32_t renaming = 0; renaming < l->renamings; renaming++) {
        uint32_t now[KEY_WORDS] = {0};
        for (uint32_t i = 0; i < count; i++)
            now[i] = logs_rename(l, tuple[i], renaming);
        sort(now + sorted, count - sorted);
        if (renaming > 0 && !less(now, ret))
            continue;
        memcpy(ret, now, sizeof now);
        best = renaming;
    }
    return best;
}
