/* Accounts one by one, with the words of the indicators that sum them up. */
#include <string.h>

#include "audit/stats/stats.h"
#include "mereau/time.h"

enum { MONTHS = 3 };

static bool circulates(const struct mr_stats_table *t, size_t i)
{
    return t->kind[i] == MR_STATS_PAY &&
           mr_stats_in_scope(MR_STATS_CIRCULATING, t->accounts[t->from[i]].class) &&
           mr_stats_in_scope(MR_STATS_CIRCULATING, t->accounts[t->to[i]].class);
}

static void take(struct mr_stats_deeds *ret, const struct mr_stats_table *t, size_t i,
                 uint64_t begin, const uint64_t months[MONTHS])
{
    struct mr_stats_deeds *const from = &ret[t->from[i]], *const to = &ret[t->to[i]];
    const uint64_t now = t->time_ms[i];
    from->balance -= t->amount[i];
    to->balance += t->amount[i];
    for (size_t k = 0; k < MONTHS; k++) {
        from->held[k] -= now < months[k] ? t->amount[i] : 0;
        to->held[k] += now < months[k] ? t->amount[i] : 0;
    }
    if (t->kind[i] == MR_STATS_REDEEM && now >= begin)
        from->redeemed += t->amount[i];
    if (!circulates(t, i))
        return;
    from->last_ms = to->last_ms = now;
    from->gave_lately = from->gave_lately || now >= months[0];
    if (now >= begin) {
        from->given += t->amount[i];
        to->received += t->amount[i];
    }
}

void mr_stats_accounts(struct mr_stats_deeds *ret, const struct mr_stats_table *t,
                       uint32_t from_day, uint32_t to_day)
{
    const uint64_t begin = from_day * (uint64_t)MR_DAY_MS;
    const uint64_t end = ((uint64_t)to_day + 1) * MR_DAY_MS;
    uint64_t months[MONTHS];
    for (uint32_t k = 0; k < MONTHS; k++)
        months[k] = mri_stats_month_begin(to_day, MONTHS - 1 - k) * (uint64_t)MR_DAY_MS;
    memset(ret, 0, t->accounts_count * sizeof *ret);
    for (size_t i = 0; i < t->rows && t->time_ms[i] < end; i++) {
        if (t->unit[i] == LOCAL)
            take(ret, t, i, begin, months);
    }
    for (uint32_t a = 0; a < t->accounts_count; a++) {
        struct mr_stats_deeds *const x = &ret[a];
        x->blocked = t->accounts[a].class == MR_CLASS_SHOP && !x->gave_lately &&
                     x->held[0] < x->held[1] && x->held[1] < x->held[2] && x->held[2] < x->balance;
    }
}
