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

/* Space-saving: an account that finds no room takes over the least of them, so that none has more
 * than stands here. */
void mri_stats_tally_add(struct mri_stats_tally *t, uint32_t account, int64_t amount)
{
    uint32_t least = 0;
    if (amount <= 0)
        return;
    t->sum += amount;
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->top[i].account == account) {
            t->top[i].amount += amount;
            return;
        }
        least = t->top[i].amount < t->top[least].amount ? i : least;
    }
    if (t->count < MRI_STATS_TOP) {
        least = t->count++;
        t->top[least].amount = 0;
    }
    t->top[least].account = account;
    t->top[least].amount += amount;
}

void mri_stats_tally_join(struct mri_stats_tally *a, const struct mri_stats_tally *b)
{
    const wide sum = a->sum + b->sum;
    for (uint32_t i = 0; i < b->count; i++)
        mri_stats_tally_add(a, b->top[i].account, b->top[i].amount);
    a->sum = sum;
}

bool mri_stats_tally_few(const struct mr_stats *s, const struct mri_stats_tally *t)
{
    struct mri_stats_group g = {.sum = t->sum, .members = t->count};
    for (uint32_t i = 0; i < t->count; i++)
        g.largest = t->top[i].amount > g.largest ? t->top[i].amount : g.largest;
    return mri_stats_is_few(s, &g);
}
