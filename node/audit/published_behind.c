/* Who stands behind movements, and behind redemptions. */
#include "audit/published_work.h"
#include "mereau/time.h"

static uint32_t home_of(const struct mr_stats_table *t, uint32_t account)
{
    return t->accounts[account].association;
}

/* Whose a movement of this sort is; MR_STATS_NONE: it is of another. */
static uint32_t whose(const struct mr_stats_table *t, size_t i, enum movement what,
                      uint32_t association)
{
    const uint32_t from = t->from[i], to = t->to[i];
    const bool issue = t->kind[i] == MR_STATS_ISSUE, assigned = t->kind[i] == MR_STATS_ASSIGNED;
    const bool town = t->accounts[from].class == MR_CLASS_MUNICIPALITY;
    bool is = false;
    switch (what) {
    case ISSUED:
    case ORDINARY:
    case ASSIGNED:
        is = (issue && what != ASSIGNED) || (assigned && what != ORDINARY);
        return is && (association == MR_STATS_NONE || home_of(t, from) == association)
                   ? to
                   : MR_STATS_NONE;
    case REDEEMING:
    case SWEPT_AWAY:
        is = t->kind[i] == (what == REDEEMING ? MR_STATS_REDEEM : MR_STATS_SWEEP);
        return is && (association == MR_STATS_NONE || home_of(t, from) == association)
                   ? from
                   : MR_STATS_NONE;
    case PUBLIC_PAID:
        is = assigned || (town && t->kind[i] == MR_STATS_PAY);
        return is && t->accounts[to].class != MR_CLASS_MUNICIPALITY &&
                       circulates(t->accounts[to].class)
                   ? to
                   : MR_STATS_NONE;
    case TAKEN:
        is = is_member(t->accounts[from].class) &&
             t->accounts[to].class == MR_CLASS_ISSUER;
        return is ? from : MR_STATS_NONE;
    case PAID_OUT:
        break;
    }
    return MR_STATS_NONE;
}

/* By account, and gone again: w->sums is zero before and behind. */
static void add_to(const struct work *w, struct behind *b, uint32_t account, int64_t amount)
{
    w->sums[account] += amount;
    b->sum += amount;
}

static void count_in(const struct work *w, struct behind *b, uint32_t account)
{
    b->members += w->sums[account] > 0 ? 1 : 0;
    b->largest = w->sums[account] > b->largest ? w->sums[account] : b->largest;
    w->sums[account] = 0;
}

/* Redemptions that were paid in a period, or are open at its end. */
struct behind work_redemptions(const struct work *w, uint32_t period, bool open,
                               uint32_t association)
{
    const struct mr_stats_table *const t = &w->m->table;
    const uint64_t begin = w->m->periods[period].from_day * (uint64_t)MR_DAY_MS;
    const uint64_t end = (w->m->periods[period].to_day + UINT64_C(1)) * MR_DAY_MS;
    struct behind b = {0, 0, 0};
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < t->redemptions_count; i++) {
            const struct mr_stats_redemption *const r = &t->redemptions[i];
            const bool done = r->done_ms != 0 && r->done_ms < end;
            const bool paid = done && r->done_ms >= begin && !r->returned;
            if (association != MR_STATS_NONE && r->association != association)
                continue;
            if (open ? r->asked_ms >= end || done : !paid)
                continue;
            if (pass == 0)
                add_to(w, &b, r->member, r->amount);
            else
                count_in(w, &b, r->member);
        }
    }
    return b;
}

/* What left the books of an association by payouts: fees stay in them. */
static mr_stats_wide paid_by(const struct work *w, uint32_t period, uint32_t association)
{
    const struct mr_stats_table *const t = &w->m->table;
    const size_t end = mr_stats_row_of(t, w->m->periods[period].to_day + UINT64_C(1));
    mr_stats_wide sum = 0;
    for (size_t i = mr_stats_row_of(t, w->m->periods[period].from_day); i < end; i++) {
        if (t->unit[i] == 0 && t->kind[i] == MR_STATS_PAYOUT && home_of(t, t->to[i]) == association)
            sum += t->amount[i];
    }
    return sum;
}

struct behind work_behind(const struct work *w, uint32_t period, enum movement what,
                          uint32_t association)
{
    const struct mr_stats_table *const t = &w->m->table;
    const size_t begin = mr_stats_row_of(t, w->m->periods[period].from_day);
    const size_t end = mr_stats_row_of(t, w->m->periods[period].to_day + UINT64_C(1));
    struct behind b = {0, 0, 0};
    if (what == PAID_OUT) {
        b = work_redemptions(w, period, false, association);
        if (association != MR_STATS_NONE)
            b.sum = paid_by(w, period, association);
        return b;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = begin; i < end; i++) {
            const uint32_t account =
                t->unit[i] == 0 ? whose(t, i, what, association) : MR_STATS_NONE;
            if (account == MR_STATS_NONE)
                continue;
            if (pass == 0)
                add_to(w, &b, account, t->amount[i]);
            else
                count_in(w, &b, account);
        }
    }
    return b;
}

/* --- what remains beside shares --------------------------------------------------------------- */

static bool is_circulation(const struct mr_stats_table *t, size_t i)
{
    return t->unit[i] == 0 && t->kind[i] == MR_STATS_PAY &&
           circulates(t->accounts[t->from[i]].class) && circulates(t->accounts[t->to[i]].class);
}

struct behind work_rest(const struct work *w, uint32_t period, bool goods)
{
    const struct mr_stats_table *const t = &w->m->table;
    const size_t begin = mr_stats_row_of(t, w->m->periods[period].from_day);
    const size_t end = mr_stats_row_of(t, w->m->periods[period].to_day + UINT64_C(1));
    struct behind b = {0, 0, 0};
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = begin; i < end; i++) {
            const uint32_t from = t->from[i], to = t->to[i], class = t->accounts[from].class;
            if (!is_circulation(t, i) ||
                (t->accounts[to].class == MR_CLASS_SHOP &&
                 (class == MR_CLASS_SHOP || (goods && class == MR_CLASS_RESIDENT))))
                continue;
            if (pass == 0) {
                add_to(w, &b, from, t->amount[i]);
                w->got[to] += t->amount[i];
                continue;
            }
            const uint32_t ends[] = {from, to};
            for (size_t k = 0; k < 2; k++) {
                const uint32_t a = ends[k];
                w->sums[a] = w->got[a] > w->sums[a] ? w->got[a] : w->sums[a];
                w->got[a] = 0;
                count_in(w, &b, a);
            }
        }
    }
    return b;
}

struct behind work_held_rest(const struct work *w, uint32_t period)
{
    struct behind b = {0, 0, 0};
    for (size_t i = work_first(w, MR_STATS_MASS_CLASS, period);
         i < work_end(w, MR_STATS_MASS_CLASS, period); i++) {
        const struct mr_stats_figure *const f = work_figure(w, i);
        if (f->row == MR_CLASS_SHOP || !is_member(f->row))
            continue;
        b.sum += f->num;
        b.members += f->members;
        b.largest = f->largest > b.largest ? f->largest : b.largest;
    }
    return b;
}

/* --- debts ------------------------------------------------------------------------------------ */

/* Takes a movement; gives how many more accounts are below zero by it. */
static int take(const struct work *w, uint32_t account, int64_t amount)
{
    const uint32_t class = w->m->table.accounts[account].class;
    const int64_t before = w->sums[account];
    w->sums[account] += amount;
    return class == MR_CLASS_ISSUER || class == MR_CLASS_WORLD
               ? 0
               : (w->sums[account] < 0) - (before < 0);
}

void work_find_debts(const struct work *w)
{
    const struct mr_stats_table *const t = &w->m->table;
    int64_t below = 0;
    size_t i = 0;
    for (uint32_t p = 0; p <= w->whole; p++) {
        const size_t end = mr_stats_row_of(t, w->m->periods[p].to_day + UINT64_C(1));
        for (; i < end; i++) {
            if (t->unit[i] == 0)
                below += take(w, t->from[i], -t->amount[i]) + take(w, t->to[i], t->amount[i]);
        }
        w->debts[p] = below > 0;
    }
    for (uint32_t a = 0; a < t->accounts_count; a++)
        w->sums[a] = 0;
}
