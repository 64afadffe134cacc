/* Who stands behind parts of figures: enough, and none of them with nearly all of it. */
#include "audit/stats/stats.h"

void mri_stats_group_add(struct mri_stats_group *g, int64_t amount)
{
    if (amount <= 0)
        return;
    g->sum += amount;
    g->members++;
    g->largest = amount > g->largest ? amount : g->largest;
}

void mri_stats_group_join(struct mri_stats_group *a, const struct mri_stats_group *b)
{
    a->sum += b->sum;
    a->members += b->members;
    a->largest = b->largest > a->largest ? b->largest : a->largest;
}

bool mri_stats_is_few(const struct mr_stats *s, const struct mri_stats_group *g)
{
    if (s->few_members == 0 || (g->members == 0 && g->sum == 0))
        return false;
    return g->members < s->few_members || (wide)g->largest * 100 > g->sum * s->few_share;
}

bool mri_stats_is_few_of(const struct mr_stats *s, uint64_t count)
{
    return count > 0 && count < s->few_members;
}

void mri_stats_mark(struct mri_stats_list *l, bool few)
{
    if (l->status != MR_OK || !l->wanted[l->lost.id])
        return;
    l->figures[l->count - 1].few = few;
}

static struct mri_stats_share *least_of(struct mri_stats_share *of, uint32_t count)
{
    struct mri_stats_share *least = of;
    for (uint32_t i = 1; i < count; i++)
        least = of[i].amount < least->amount ? &of[i] : least;
    return least;
}

/* Where an account has its place; count: it has none. */
static uint32_t place_of(const struct mri_stats_tally *t, uint32_t account)
{
    uint32_t i = 0;
    while (i < t->count && t->top[i].account != account)
        i++;
    return i;
}

/* The most that an account has. */
static int64_t most_of(const struct mri_stats_tally *t, uint32_t account)
{
    const uint32_t place = place_of(t, account);
    return place < t->count ? t->top[place].amount : t->other;
}

/* Space-saving: an account that finds no room takes over the least of them, so that none has more
 * than stands here. */
void mri_stats_tally_add(struct mri_stats_tally *t, uint32_t account, int64_t amount)
{
    if (amount <= 0)
        return;
    t->sum += amount;
    const uint32_t at = place_of(t, account);
    struct mri_stats_share *const place =
        at < MRI_STATS_TOP ? &t->top[at] : least_of(t->top, t->count);
    if (at == MRI_STATS_TOP) {
        t->other = place->amount;
    } else if (at == t->count) {
        t->count++;
        place->amount = 0;
    }
    place->account = account;
    place->amount += amount;
}

/* An account that has a place in one of them may have lost it in the other. */
void mri_stats_tally_join(struct mri_stats_tally *a, const struct mri_stats_tally *b)
{
    struct mri_stats_share both[2 * MRI_STATS_TOP];
    uint32_t count = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        both[count] = a->top[i];
        both[count++].amount += most_of(b, a->top[i].account);
    }
    for (uint32_t i = 0; i < b->count; i++) {
        if (place_of(a, b->top[i].account) < a->count)
            continue;
        both[count] = b->top[i];
        both[count++].amount += a->other;
    }
    a->sum += b->sum;
    a->other += b->other;
    while (count > MRI_STATS_TOP) {
        struct mri_stats_share *const least = least_of(both, count);
        a->other = least->amount;
        *least = both[--count];
    }
    a->count = count;
    for (uint32_t i = 0; i < count; i++)
        a->top[i] = both[i];
}

bool mri_stats_tally_few(const struct mr_stats *s, const struct mri_stats_tally *t)
{
    struct mri_stats_group g = {.sum = t->sum, .members = t->count};
    for (uint32_t i = 0; i < t->count; i++)
        g.largest = t->top[i].amount > g.largest ? t->top[i].amount : g.largest;
    return mri_stats_is_few(s, &g);
}
