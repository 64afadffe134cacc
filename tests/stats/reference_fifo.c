/* First in, first out, with the whole story of every part: lists that are never shared or reused.
 */
#include "stats/reference.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { LOTS_MAX = 400000, STORIES_MAX = 4000 };

/* What a lot went through: STA-8. */
struct story {
    bool issued;          /* it comes straight from an issue */
    bool seeded;          /* it goes back to an R1 */
    uint32_t seed, steps; /* of that R1: period, and steps behind it that count (0, 1), 2: more */
    uint32_t day;         /* of that R1, of public money; 0: more than a year ago */
};

struct lot {
    uint32_t holder;
    uint64_t since;
    int64_t amount, left;
    struct story story;
};

struct sums {
    wide r1, r2, r3, gone, held, paid;
    wide old[3], early[3]; /* R1 that is 30, 90, 365 days old at the end; what was gone by then */
};

static const uint32_t kept_for[] = {30, 90, 365};

static struct lot *lots;
static size_t lots_count;
static int64_t debts[512];
static wide spent[4000], censored[4000];

static bool same(const struct story *a, const struct story *b)
{
    return a->issued == b->issued && a->seeded == b->seeded && a->seed == b->seed &&
           a->steps == b->steps && a->day == b->day;
}

static void give(uint32_t to, uint64_t now, int64_t amount, struct story story)
{
    const int64_t owed = debts[to] < amount ? debts[to] : amount;
    debts[to] -= owed;
    if (owed == amount)
        return;
    ck_assert_uint_lt(lots_count, LOTS_MAX);
    lots[lots_count++] = (struct lot){to, now, amount - owed, amount - owed, story};
}

static uint32_t period_of(const struct reference *r, uint64_t time_ms)
{
    for (uint32_t p = 0; p < r->count; p++) {
        if (time_ms >= ref_begin(r, p) && time_ms < ref_end(r, p))
            return p;
    }
    return r->count;
}

static void life(const struct reference *r, const struct lot *l, uint64_t end, int64_t amount,
                 bool paid)
{
    const uint64_t age = (end - l->since) / MR_DAY_MS;
    if (l->since >= ref_begin(r, r->count))
        (paid ? spent : censored)[age] += amount;
}

/* What a payment makes of a part's story, and what it counts for. */
static struct story tell_on(const struct lot *l, uint64_t now, int64_t amount, bool public,
                            bool inside, uint32_t seed, struct sums *sums)
{
    struct story s = l->story;
    const bool soon = now - l->since <= 365 * MR_DAY_MS;
    if (s.issued) {
        s = (struct story){.seeded = inside, .seed = inside ? seed : 0};
        if (inside)
            sums[seed].r1 += amount;
        return s;
    }
    if (!s.seeded)
        return s;
    if (s.steps == 0 && soon)
        sums[s.seed].r2 += amount;
    if (s.steps == 1 && soon)
        sums[s.seed].r3 += amount;
    s.steps = s.steps == 0 && soon ? 1 : 2;
    if (s.day != 0 && now / MR_DAY_MS > s.day + 365)
        s.day = 0;
    return !public && s.steps == 2 ? (struct story){0} : s;
}

struct part {
    struct story story;
    int64_t amount;
};

/* Takes an amount out of the oldest lots. Parts of one story stand together, where the first of
 * them left. */
static size_t take(const struct reference *r, uint32_t from, uint64_t now, int64_t amount,
                   bool paid, bool public, struct sums *sums, struct part *parts)
{
    const uint32_t period = period_of(r, now);
    const bool inside = period < r->count;
    const uint32_t seed = r->monthly && inside ? period : 0;
    size_t n = 0;
    for (size_t i = 0; i < lots_count && amount > 0; i++) {
        struct lot *const l = &lots[i];
        if (l->holder != from || l->left == 0)
            continue;
        const int64_t x = l->left < amount ? l->left : amount;
        l->left -= x;
        amount -= x;
        if (!public)
            life(r, l, now, x, paid);
        if (!paid) {
            if (public && l->story.seeded)
                sums[l->story.seed].gone += x;
            for (int k = 0; public && l->story.seeded && l->story.day != 0 && k < 3; k++) {
                const uint64_t last = l->story.day + kept_for[k];
                if (last <= r->periods[r->count].to_day && now < (last + 1) * MR_DAY_MS)
                    sums[l->story.seed].early[k] += x;
            }
            continue;
        }
        if (inside) {
            sums[period].held += (wide)x * (now - l->since);
            sums[period].paid += x;
        }
        const struct story s = tell_on(l, now, x, public, inside, seed, sums);
        size_t k = 0;
        while (k < n && !same(&parts[k].story, &s))
            k++;
        ck_assert_uint_lt(k, STORIES_MAX);
        parts[k].story = s;
        parts[k].amount = x + (k < n ? parts[k].amount : 0);
        n = k == n ? n + 1 : n;
    }
    if (amount == 0)
        return n;
    debts[from] += amount;
    size_t k = 0;
    while (paid && k < n && !same(&parts[k].story, &(struct story){0}))
        k++;
    parts[k].amount = amount + (k < n ? parts[k].amount : 0);
    parts[k].story = (struct story){0};
    return k == n ? n + 1 : n;
}

static void row(const struct reference *r, size_t i, bool public, struct sums *sums)
{
    static struct part parts[STORIES_MAX];
    const struct mr_stats_table *const t = r->t;
    const uint32_t from = t->from[i], to = t->to[i], period = period_of(r, t->time_ms[i]);
    const bool paid = ref_pays(r, i, 0, UINT64_MAX), inside = period < r->count;
    const bool issue = t->kind[i] == MR_STATS_ISSUE || t->kind[i] == MR_STATS_ASSIGNED;
    const bool town = ref_class(r, from) == MR_CLASS_MUNICIPALITY && t->kind[i] == MR_STATS_PAY;
    size_t n = 0;
    if (ref_is(r, from, MR_STATS_CIRCULATING))
        n = take(r, from, t->time_ms[i], t->amount[i], paid, public, sums, parts);
    if (!ref_is(r, to, MR_STATS_CIRCULATING))
        return;
    if (public && inside && ref_class(r, to) != MR_CLASS_MUNICIPALITY &&
        (town || t->kind[i] == MR_STATS_ASSIGNED)) {
        const uint32_t seed = r->monthly ? period : 0;
        const uint32_t day = (uint32_t)(t->time_ms[i] / MR_DAY_MS);
        sums[seed].r1 += t->amount[i];
        for (int k = 0; k < 3; k++) {
            if (day + kept_for[k] <= r->periods[r->count].to_day)
                sums[seed].old[k] += t->amount[i];
        }
        give(to, t->time_ms[i], t->amount[i],
             (struct story){.seeded = true, .seed = seed, .day = day});
        return;
    }
    if (!paid) {
        give(to, t->time_ms[i], t->amount[i], (struct story){.issued = issue && !public});
        return;
    }
    for (size_t k = 0; k < n; k++)
        give(to, t->time_ms[i], parts[k].amount, parts[k].story);
}

static wide half_even(wide num, wide den)
{
    const wide low = num / den, rest = 2 * (num % den);
    return rest > den || (rest == den && low % 2 == 1) ? low + 1 : low;
}

static void survival(struct reference *r)
{
    static const uint32_t ages[] = {0,  1,  2,   3,   5,   7,   14,  21,  30,  45,
                                    60, 90, 120, 150, 180, 240, 300, 365, 545, 730};
    const wide one = 1000000000000000;
    const uint32_t days = r->periods[r->count].to_day - r->periods[r->count].from_day;
    bool any = false;
    for (size_t k = 0; k < sizeof ages / sizeof ages[0] && ages[k] <= days; k++) {
        wide s = one;
        bool some = true;
        for (uint32_t age = 0; age <= ages[k]; age++) {
            wide at_risk = 0;
            for (uint32_t later = age; later < 4000; later++)
                at_risk += spent[later] + censored[later];
            some = at_risk > 0;
            if (!some)
                break;
            s = half_even(s * half_even((at_risk - spent[age]) * one, at_risk), one);
        }
        any = any || some;
        if (some)
            ref_put(r, MR_STATS_SURVIVAL, r->count, ages[k], 0, s, one);
    }
    if (!any)
        ref_none(r, MR_STATS_SURVIVAL, r->count, MR_STATS_EMPTY);
}

static void put_held(struct reference *r, uint32_t p, const struct sums *s)
{
    ref_put(r, MR_STATS_HOLDING, p, 0, 0, s->held, s->paid * MR_DAY_MS);
    ref_put(r, MR_STATS_V_TRANSFER, p, 0, 0, 365 * s->paid * MR_DAY_MS, s->held);
}

static void put_steps(struct reference *r, uint32_t p, bool public, const struct sums *s)
{
    ref_put(r, public ? MR_STATS_LM3_PUBLIC : MR_STATS_LM3, p, 0, 0, s->r1 + s->r2 + s->r3, s->r1);
    if (public) {
        ref_put(r, MR_STATS_PUBLIC_SPENT, p, 0, 0, s->r1, 1);
        ref_put(r, MR_STATS_PUBLIC_KEPT, p, 0, 0, s->r1 - s->gone, s->r1);
        for (int k = 0; k < 3; k++)
            ref_put(r, MR_STATS_PUBLIC_KEPT_DAYS, p, kept_for[k], 0, s->old[k] - s->early[k],
                    s->old[k]);
    }
}

static void family(struct reference *r, bool public)
{
    struct sums *const sums = calloc(r->count, sizeof *sums), whole = {0};
    lots = calloc(LOTS_MAX, sizeof *lots);
    lots_count = 0;
    memset(debts, 0, sizeof debts);
    memset(spent, 0, sizeof spent);
    memset(censored, 0, sizeof censored);
    for (size_t i = 0; i < r->t->rows && r->t->time_ms[i] < ref_end(r, r->count); i++) {
        if (r->t->unit[i] == 0)
            row(r, i, public, sums);
    }
    for (size_t i = 0; !public && i < lots_count; i++)
        life(r, &lots[i], ref_end(r, r->count) - 1, lots[i].left, false);
    for (uint32_t p = 0; p < r->count; p++) {
        whole.r1 += sums[p].r1;
        whole.r2 += sums[p].r2;
        whole.r3 += sums[p].r3;
        whole.gone += sums[p].gone;
        for (int k = 0; k < 3; k++) {
            whole.old[k] += sums[p].old[k];
            whole.early[k] += sums[p].early[k];
        }
        whole.held += sums[p].held;
        whole.paid += sums[p].paid;
        if (!public)
            put_held(r, p, &sums[p]);
        if (r->monthly)
            put_steps(r, p, public, &sums[p]);
    }
    if (!public) {
        put_held(r, r->count, &whole);
        survival(r);
    }
    put_steps(r, r->count, public, &whole);
    free(sums);
    free(lots);
}

void reference_fifo(struct reference *r)
{
    family(r, false);
    family(r, true);
}
