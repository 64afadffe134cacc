#include "admin/netting.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"

/* Looking for the fewest transfers is like packing boxes: beyond so many steps the best proposal
 * found so far is good enough. The bound counts steps, not time: the same input, the same answer.
 */
enum { STEPS_MAX = 200000 };

struct party {
    uint32_t index;
    int64_t amount; /* needed, or to spare */
};

struct search {
    struct party needs[MR_ASSOCIATIONS_MAX], spare[MR_ASSOCIATIONS_MAX];
    uint32_t needs_count, spare_count;
    struct netting_transfer now[NETTING_MAX], best[NETTING_MAX];
    size_t now_count, best_count;
    unsigned steps;
};

static int by_amount(const void *a, const void *b)
{
    const struct party *x = a, *y = b;
    if (x->amount != y->amount)
        return x->amount < y->amount ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static int by_parties(const void *a, const void *b)
{
    const struct netting_transfer *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

/* How good a giver is for a need: one that has just as much, then one with more, the nearest first;
 * then those that have less, the largest first. Lower is better. */
static bool is_better(int64_t need, int64_t a, int64_t b)
{
    if ((a >= need) != (b >= need))
        return a >= need;
    return a >= need ? a < b : a > b;
}

/* The giver that comes behind `last` in that order; among equals only the first matters. */
static struct party *next_giver(struct search *s, int64_t need, const int64_t *last)
{
    struct party *found = NULL;
    for (uint32_t i = 0; i < s->spare_count; i++) {
        struct party *p = &s->spare[i];
        if (p->amount == 0 || (last != NULL && !is_better(need, *last, p->amount)))
            continue;
        if (found == NULL || is_better(need, p->amount, found->amount))
            found = p;
    }
    return found;
}

/* Fill the needs from `at` on, of which the first still lacks `need`. Every transfer either fills a
 * need or empties a giver: no proposal of other transfers is smaller. */
static void fill(struct search *s, uint32_t at, int64_t need)
{
    if (at == s->needs_count) {
        s->best_count = s->now_count;
        memcpy(s->best, s->now, s->now_count * sizeof s->now[0]);
        return;
    }
    int64_t tried = 0;
    bool any = false;
    while (s->now_count + (s->needs_count - at) < s->best_count && s->steps < STEPS_MAX) {
        struct party *p = next_giver(s, need, any ? &tried : NULL);
        if (p == NULL)
            return;
        const int64_t amount = p->amount < need ? p->amount : need;
        any = true;
        tried = p->amount;
        s->steps++;
        s->now[s->now_count++] = (struct netting_transfer){p->index, s->needs[at].index, amount};
        p->amount -= amount;
        if (amount < need)
            fill(s, at, need - amount);
        else
            fill(s, at + 1, at + 1 < s->needs_count ? s->needs[at + 1].amount : 0);
        p->amount += amount;
        s->now_count--;
    }
}

/* What is short and can be filled, the largest first. */
static int64_t take_needs(struct search *s, int64_t spare)
{
    int64_t uncovered = 0;
    uint32_t kept = 0;
    qsort(s->needs, s->needs_count, sizeof s->needs[0], by_amount);
    for (uint32_t i = 0; i < s->needs_count; i++) {
        const int64_t filled = s->needs[i].amount < spare ? s->needs[i].amount : spare;
        uncovered += s->needs[i].amount - filled;
        spare -= filled;
        if (filled > 0)
            s->needs[kept++] = (struct party){s->needs[i].index, filled};
    }
    s->needs_count = kept;
    for (uint32_t i = 0; i < kept / 2; i++) {
        const struct party p = s->needs[i];
        s->needs[i] = s->needs[kept - 1 - i];
        s->needs[kept - 1 - i] = p;
    }
    return uncovered;
}

void netting_propose(struct netting *ret, const int64_t *left, uint32_t count)
{
    struct search s = {.best_count = NETTING_MAX};
    int64_t spare = 0;
    mr_assert(count <= MR_ASSOCIATIONS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (left[i] > 0)
            s.spare[s.spare_count++] = (struct party){i, left[i]};
        else if (left[i] < 0)
            s.needs[s.needs_count++] = (struct party){i, -left[i]};
        spare += left[i] > 0 ? left[i] : 0;
    }
    *ret = (struct netting){.uncovered = take_needs(&s, spare)};
    if (s.needs_count == 0)
        return;
    fill(&s, 0, s.needs[0].amount);
    mr_assert(s.best_count < NETTING_MAX);
    ret->count = s.best_count;
    memcpy(ret->transfers, s.best, s.best_count * sizeof s.best[0]);
    qsort(ret->transfers, ret->count, sizeof ret->transfers[0], by_parties);
}
