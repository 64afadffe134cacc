/* First in, first out: every unit that an account holds has a day it came on, and a mark that says
 * where it came from. Two walks: one for holding time, survival and LM3 of all units, one for LM3
 * and retention of public money. */
#include <string.h>

#include "audit/stats/stats.h"

enum { STEP_DAYS = 365, AGES_MAX = 3650, NO_LOT = -1 };

/* Marks. A step mark holds the seed of its R1: its period, of public money its day. */
enum { MARK_NONE = 0, MARK_ISSUED = 1, MARK_STEPS = 2, STEPS = 3 };

enum { AGES = 3 };
static const uint32_t kept_days[AGES] = {30, 90, 365};

/* Ages that survival is told of. */
enum { POINTS = 20 };
static const uint32_t points[POINTS] = {0,  1,  2,   3,   5,   7,   14,  21,  30,  45,
                                        60, 90, 120, 150, 180, 240, 300, 365, 545, 730};

struct lot {
    uint64_t time_ms;
    int64_t amount;
    uint32_t mark;
    int32_t next;
};

struct queue {
    int32_t first, last;
    int64_t debt; /* spent on credit: what comes next pays it */
};

/* Who stands behind sums, where that is asked. Of public money by how many of the ages its R1
 * reached before the end (row), and how many had passed when it left (column); the last column is
 * of what is still there. */
struct who {
    struct mri_stats_tally r1, passed;
    struct mri_stats_tally received[AGES + 1], gone[AGES + 1][AGES + 2];
};

struct sums {
    wide r1, r2, r3, left;        /* left: of public money, what is not there any more */
    wide aged[AGES], early[AGES]; /* R1 of that age at the end, and what left before it */
    wide held_ms, paid;           /* amount x time, and amount, of payments */
};

struct walk {
    struct mr_stats *s;
    bool public; /* which of the two */
    struct lot *lots;
    size_t lots_count, lots_cap;
    int32_t free;
    struct queue *queues;
    struct sums *sums;                          /* by period */
    struct who *who;                            /* by period, and of the whole; NULL: nobody asks */
    struct mri_stats_tally *spenders, *holders; /* by step of survival; NULL */
    uint32_t period;                            /* of the row; count: it is before the first one */
    uint32_t seed; /* what marks name now: the period, or 0 for all; of public money its
                      day, from first_day on */
    uint32_t first_day, days;
    int64_t *spent, *gone; /* by age in days: paid, and censored */
    bool no_memory;
    /* what one payment passes on, by mark, and the marks in the order they leave */
    int64_t *parts;
    uint32_t *marks;
    size_t marks_count;
};

/* --- marks ------------------------------------------------------------------------------------ */

/* step 0: received by R1; 1: by R2; 2: further on, of public money alone */
static uint32_t mark_of(uint32_t seed, uint32_t step)
{
    return MARK_STEPS + seed * STEPS + step;
}

/* The period that a day is in; all of them are one unless there are figures for each. */
static uint32_t period_of(const struct walk *w, uint32_t day)
{
    uint32_t low = 0, high = mri_stats_monthly(w->s) ? w->s->count : 1;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (w->s->periods[middle].from_day <= day)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static struct sums *sums_of(const struct walk *w, uint32_t seed)
{
    return &w->sums[w->public ? period_of(w, w->first_day + seed) : seed];
}

static struct who *who_of(const struct walk *w, uint32_t seed)
{
    return &w->who[w->public ? period_of(w, w->first_day + seed) : seed];
}

static void take_passed(const struct walk *w, uint32_t seed, uint32_t account, int64_t amount)
{
    if (w->who != NULL)
        mri_stats_tally_add(&who_of(w, seed)->passed, account, amount);
}

/* What is older than any age that is asked for needs its period alone: that of its first day. */
static uint32_t fold(const struct walk *w, uint32_t seed, uint64_t now)
{
    const uint32_t day = w->first_day + seed;
    if (!w->public || now / MR_DAY_MS - day <= kept_days[AGES - 1])
        return seed;
    const uint32_t from = w->s->periods[period_of(w, day)].from_day;
    return from > w->first_day ? from - w->first_day : 0;
}

/* A payment passes a part on: what it counts for, and the mark it has then. */
static uint32_t pass_on(struct walk *w, const struct lot *lot, uint32_t account, int64_t amount,
                        uint64_t now)
{
    const bool in_time = now - lot->time_ms <= STEP_DAYS * MR_DAY_MS;
    if (lot->mark == MARK_ISSUED && w->period < w->s->count) {
        sums_of(w, w->seed)->r1 += amount;
        if (w->who != NULL)
            mri_stats_tally_add(&who_of(w, w->seed)->r1, account, amount);
        return mark_of(w->seed, 0);
    }
    if (lot->mark < MARK_STEPS)
        return MARK_NONE;
    const uint32_t seed = (lot->mark - MARK_STEPS) / STEPS;
    const uint32_t step = (lot->mark - MARK_STEPS) % STEPS;
    if (in_time && step < 2)
        take_passed(w, seed, account, amount);
    if (in_time && step == 0)
        sums_of(w, seed)->r2 += amount;
    if (in_time && step == 1)
        sums_of(w, seed)->r3 += amount;
    if (in_time && step == 0)
        return mark_of(fold(w, seed, now), 1);
    return w->public ? mark_of(fold(w, seed, now), 2) : MARK_NONE;
}

/* Whether R1 of this day is so many days old when the last period ends. */
static bool is_aged(const struct walk *w, uint32_t day, uint32_t days)
{
    return (uint64_t)day + days <= w->s->periods[w->s->count].to_day;
}

/* How many of the ages R1 of this day reached before the end; how many it had passed on a day. */
static size_t ages_of(const struct walk *w, uint32_t day)
{
    size_t n = 0;
    while (n < AGES && is_aged(w, day, kept_days[n]))
        n++;
    return n;
}

static size_t ages_passed(uint32_t day, uint64_t today)
{
    size_t n = 0;
    while (n < AGES && today > day + kept_days[n])
        n++;
    return n;
}

static void leave(struct walk *w, const struct lot *lot, uint32_t account, int64_t amount,
                  uint64_t now)
{
    if (!w->public || lot->mark < MARK_STEPS)
        return;
    const uint32_t seed = (lot->mark - MARK_STEPS) / STEPS, day = w->first_day + seed;
    struct sums *const s = sums_of(w, seed);
    s->left += amount;
    if (w->who != NULL)
        mri_stats_tally_add(
            &who_of(w, seed)->gone[ages_of(w, day)][ages_passed(day, now / MR_DAY_MS)], account,
            amount);
    for (size_t k = 0; k < AGES; k++)
        s->early[k] +=
            is_aged(w, day, kept_days[k]) && now / MR_DAY_MS <= day + kept_days[k] ? amount : 0;
}

static void add_part(struct walk *w, uint32_t mark, int64_t amount)
{
    if (w->parts[mark] == 0)
        w->marks[w->marks_count++] = mark;
    w->parts[mark] += amount;
}

/* --- lots ------------------------------------------------------------------------------------- */

/* A lot of a queue, or a free one. */
static struct lot *lot_at(const struct walk *w, int32_t at)
{
    mr_assert(w->lots != NULL);
    mr_assert(at >= 0);
    mr_assert((size_t)at < w->lots_count);
    return &w->lots[at];
}

static int32_t new_lot(struct walk *w)
{
    if (w->free != NO_LOT) {
        const int32_t at = w->free;
        w->free = lot_at(w, at)->next;
        return at;
    }
    if (w->lots_count == w->lots_cap) {
        const size_t cap = w->lots_cap == 0 ? 4096 : w->lots_cap * 2;
        struct lot *const wider =
            cap < INT32_MAX ? mri_stats_room(&w->s->mem, cap, sizeof *wider) : NULL;
        if (wider == NULL) {
            w->no_memory = true;
            return NO_LOT;
        }
        if (w->lots_count > 0)
            memcpy(wider, w->lots, w->lots_count * sizeof *wider);
        mri_stats_free(&w->s->mem, w->lots);
        w->lots = wider;
        w->lots_cap = cap;
    }
    return (int32_t)w->lots_count++;
}

static void receive(struct walk *w, uint32_t account, uint64_t now, uint32_t mark, int64_t amount)
{
    struct queue *const q = &w->queues[account];
    const int64_t owed = q->debt < amount ? q->debt : amount;
    q->debt -= owed;
    if (amount == owed)
        return;
    const int32_t at = new_lot(w);
    if (at == NO_LOT)
        return;
    *lot_at(w, at) = (struct lot){now, amount - owed, mark, NO_LOT};
    if (q->first == NO_LOT)
        q->first = at;
    else
        lot_at(w, q->last)->next = at;
    q->last = at;
}

/* An age ends: by a payment, or censored. Units that came before the first day are not looked at.
 */
static void end_age(struct walk *w, const struct lot *lot, uint32_t account, uint64_t now,
                    int64_t amount, bool paid)
{
    if (w->spent == NULL || lot->time_ms < (uint64_t)w->s->q.from_day * MR_DAY_MS)
        return;
    uint64_t age = (now - lot->time_ms) / MR_DAY_MS;
    if (age > AGES_MAX)
        age = AGES_MAX;
    (paid ? w->spent : w->gone)[age] += amount;
    if (w->holders == NULL)
        return;
    size_t step = 0;
    while (step < POINTS && points[step] < age)
        step++;
    mri_stats_tally_add(&w->holders[step], account, amount);
    if (paid)
        mri_stats_tally_add(&w->spenders[step], account, amount);
}

static void spend_lot(struct walk *w, const struct lot *lot, uint32_t account, int64_t amount,
                      uint64_t now, bool paid)
{
    end_age(w, lot, account, now, amount, paid);
    if (!paid) {
        leave(w, lot, account, amount, now);
        return;
    }
    if (w->period < w->s->count) {
        w->sums[w->period].held_ms += (wide)amount * (wide)(now - lot->time_ms);
        w->sums[w->period].paid += amount;
    }
    add_part(w, pass_on(w, lot, account, amount, now), amount);
}

/* paid: by a payment that circulates, whose parts are left in w->parts. */
static void spend(struct walk *w, uint32_t account, uint64_t now, int64_t amount, bool paid)
{
    struct queue *const q = &w->queues[account];
    while (amount > 0 && q->first != NO_LOT) {
        struct lot *const lot = lot_at(w, q->first);
        const int64_t part = lot->amount < amount ? lot->amount : amount;
        spend_lot(w, lot, account, part, now, paid);
        lot->amount -= part;
        amount -= part;
        if (lot->amount > 0)
            break;
        const int32_t used = q->first;
        q->first = lot->next;
        lot->next = w->free;
        w->free = used;
    }
    if (amount > 0) {
        q->debt += amount;
        if (paid)
            add_part(w, MARK_NONE, amount);
    }
}

/* --- rows ------------------------------------------------------------------------------------- */

/* What a municipality pays, or has issued to others: all of it is R1, whatever it was before. */
static bool is_public(const struct walk *w, size_t i)
{
    const struct mr_stats *const s = w->s;
    const uint8_t from = s->is[s->t.from[i]], to = s->is[s->t.to[i]];
    if (!w->public || w->period == s->count || (to & IS_TOWN) != 0 || (to & IS_CIRCULATING) == 0)
        return false;
    return s->t.kind[i] == MR_STATS_ASSIGNED ||
           (s->t.kind[i] == MR_STATS_PAY && (from & IS_TOWN) != 0);
}

static void begin_public(struct walk *w, uint32_t account, uint64_t now, int64_t amount)
{
    struct sums *const s = sums_of(w, w->seed);
    s->r1 += amount;
    for (size_t k = 0; k < AGES; k++)
        s->aged[k] += is_aged(w, w->first_day + w->seed, kept_days[k]) ? amount : 0;
    if (w->who != NULL)
        mri_stats_tally_add(&who_of(w, w->seed)->received[ages_of(w, w->first_day + w->seed)],
                            account, amount);
    receive(w, account, now, mark_of(w->seed, 0), amount);
}

static void take_row(struct walk *w, size_t i)
{
    struct mr_stats *const s = w->s;
    const uint32_t from = s->t.from[i], to = s->t.to[i];
    const uint64_t now = s->t.time_ms[i];
    const int64_t amount = s->t.amount[i];
    const bool paid = mri_stats_circulates(s, i);
    if (s->t.unit[i] != LOCAL)
        return;
    w->marks_count = 0;
    if (w->public && w->period < s->count)
        w->seed = (uint32_t)(now / MR_DAY_MS) - w->first_day;
    if ((s->is[from] & IS_CIRCULATING) != 0)
        spend(w, from, now, amount, paid);
    const bool public = is_public(w, i);
    for (size_t k = 0; k < w->marks_count; k++) {
        if (!public)
            receive(w, to, now, w->marks[k], w->parts[w->marks[k]]);
        w->parts[w->marks[k]] = 0;
    }
    if (public) {
        begin_public(w, to, now, amount);
    } else if (!paid && (s->is[to] & IS_CIRCULATING) != 0) {
        const bool issued = !w->public && mri_stats_is_issue(s->t.kind[i]);
        receive(w, to, now, issued ? MARK_ISSUED : MARK_NONE, amount);
    }
}

/* Public money that is still there. */
static void take_held(struct walk *w, const struct lot *lot, uint32_t account)
{
    if (w->who == NULL || !w->public || lot->mark < MARK_STEPS)
        return;
    const uint32_t seed = (lot->mark - MARK_STEPS) / STEPS;
    mri_stats_tally_add(&who_of(w, seed)->gone[ages_of(w, w->first_day + seed)][AGES + 1], account,
                        lot->amount);
}

/* What is still there when the last period ends. */
static void end_all(struct walk *w)
{
    const uint64_t end = mri_stats_end_ms(w->s, w->s->count);
    for (uint32_t a = 0; a < w->s->t.accounts_count; a++) {
        for (int32_t at = w->queues[a].first; at != NO_LOT; at = lot_at(w, at)->next) {
            end_age(w, lot_at(w, at), a, end - 1, lot_at(w, at)->amount, false);
            take_held(w, lot_at(w, at), a);
        }
    }
}

static void take_rows(struct walk *w)
{
    struct mr_stats *const s = w->s;
    w->period = s->count;
    for (size_t i = 0; i < s->first[0] && !w->no_memory; i++)
        take_row(w, i);
    for (uint32_t p = 0; p < s->count; p++) {
        w->period = p;
        w->seed = mri_stats_monthly(s) ? p : 0;
        for (size_t i = s->first[p]; i < s->first[p + 1] && !w->no_memory; i++)
            take_row(w, i);
    }
    end_all(w);
}

/* The days that have rows, from the first to the last, of those that are asked for. */
static void set_days(struct walk *w)
{
    const struct mr_stats *const s = w->s;
    const size_t first = s->first[0], behind = s->first[s->count];
    w->days = 1;
    if (first == behind)
        return;
    w->first_day = (uint32_t)(s->t.time_ms[first] / MR_DAY_MS);
    w->days = (uint32_t)(s->t.time_ms[behind - 1] / MR_DAY_MS) - w->first_day + 1;
}

static bool begin_who(struct walk *w)
{
    const struct mr_mem *const mem = &w->s->mem;
    if (w->s->few_members == 0)
        return true;
    w->who = mri_stats_room(mem, (size_t)w->s->count + 1, sizeof *w->who);
    if (!w->public) {
        w->spenders = mri_stats_room(mem, POINTS + 1, sizeof *w->spenders);
        w->holders = mri_stats_room(mem, POINTS + 1, sizeof *w->holders);
    }
    return w->who != NULL && (w->public || (w->spenders != NULL && w->holders != NULL));
}

static bool begin(struct walk *w, struct mr_stats *s, bool public)
{
    *w = (struct walk){.s = s, .public = public, .free = NO_LOT};
    w->queues = mri_stats_room(&s->mem, s->t.accounts_count, sizeof *w->queues);
    w->sums = mri_stats_room(&s->mem, s->count, sizeof *w->sums);
    set_days(w);
    const size_t seeds = public ? w->days : mri_stats_monthly(s) ? s->count : 1;
    const size_t marks = MARK_STEPS + seeds * STEPS;
    w->parts = mri_stats_room(&s->mem, marks, sizeof *w->parts);
    w->marks = mri_stats_room(&s->mem, marks, sizeof *w->marks);
    if (!public) {
        w->spent = mri_stats_room(&s->mem, AGES_MAX + 1, sizeof *w->spent);
        w->gone = mri_stats_room(&s->mem, AGES_MAX + 1, sizeof *w->gone);
    }
    if (w->queues == NULL || w->sums == NULL || w->parts == NULL || w->marks == NULL ||
        (!public && (w->spent == NULL || w->gone == NULL)))
        return false;
    if (!begin_who(w))
        return false;
    for (uint32_t a = 0; a < s->t.accounts_count; a++)
        w->queues[a].first = w->queues[a].last = NO_LOT;
    return true;
}

static void done(struct walk *w)
{
    const struct mr_mem *const mem = &w->s->mem;
    mri_stats_free(mem, w->lots);
    mri_stats_free(mem, w->queues);
    mri_stats_free(mem, w->sums);
    mri_stats_free(mem, w->parts);
    mri_stats_free(mem, w->marks);
    mri_stats_free(mem, w->spent);
    mri_stats_free(mem, w->gone);
    mri_stats_free(mem, w->who);
    mri_stats_free(mem, w->spenders);
    mri_stats_free(mem, w->holders);
    mri_stats_free(mem, w);
}

/* --- figures ---------------------------------------------------------------------------------- */

/* Few spent since the last point that is not of few, or few hold what is left. */
static bool point_is_few(const struct walk *w, struct mri_stats_tally *since, size_t point,
                         bool is_left)
{
    struct mri_stats_tally left = {.count = 0};
    if (w->holders == NULL)
        return false;
    mri_stats_tally_join(since, &w->spenders[point]);
    for (size_t k = point + 1; k <= POINTS; k++)
        mri_stats_tally_join(&left, &w->holders[k]);
    const bool few =
        mri_stats_tally_few(w->s, since) || (is_left && mri_stats_tally_few(w->s, &left));
    if (!few)
        *since = (struct mri_stats_tally){.count = 0};
    return few;
}

/* Kaplan-Meier with 15 decimals, rounded at each step: the exact product has no bound. */
static void tell_survival(const struct walk *w, struct mri_stats_list *l)
{
    const wide one = INT64_C(1000000000000000);
    const uint32_t whole = w->s->count;
    const uint32_t days = w->s->q.to_day - w->s->q.from_day;
    struct mri_stats_tally since = {.count = 0};
    wide at_risk = 0, survival = one;
    size_t next = 0;
    for (size_t age = 0; age <= AGES_MAX; age++)
        at_risk += (wide)w->spent[age] + w->gone[age];
    if (at_risk == 0)
        mri_stats_none(l, MR_STATS_SURVIVAL, whole, MR_STATS_EMPTY);
    for (uint32_t age = 0; at_risk > 0 && age <= AGES_MAX && age <= days; age++) {
        const wide factor = mri_stats_round((at_risk - w->spent[age]) * one, at_risk);
        survival = mri_stats_round(survival * factor, one);
        at_risk -= (wide)w->spent[age] + w->gone[age];
        if (next == POINTS || points[next] != age)
            continue;
        mri_stats_cell(l, MR_STATS_SURVIVAL, whole, age, 0, survival, one);
        mri_stats_mark(l, point_is_few(w, &since, next, survival != 0));
        next++;
    }
}

static void tell_held(struct mri_stats_list *l, uint32_t period, const struct sums *s)
{
    mri_stats_add(l, MR_STATS_HOLDING, period, s->held_ms, s->paid * (wide)MR_DAY_MS);
    mri_stats_add(l, MR_STATS_V_TRANSFER, period, s->paid * (wide)MR_DAY_MS * YEAR_DAYS,
                  s->held_ms);
}

/* Of R1 that reached an age (AGES: all of it) what left up to it, stayed, or left since another. */
static struct mri_stats_tally gone(const struct who *x, size_t age, size_t from, size_t to)
{
    struct mri_stats_tally t = {.count = 0};
    for (size_t reached = age < AGES ? age + 1 : 0; reached <= AGES; reached++) {
        for (size_t passed = from; passed <= to; passed++)
            mri_stats_tally_join(&t, &x->gone[reached][passed]);
    }
    return t;
}

/* Since which age a share of public money that is not of few was told last. */
struct told {
    wide of; /* its R1 */
    size_t since;
};

/* What reached an age: few had it, few let it go since, few have it. */
static bool kept_is_few(const struct walk *w, const struct who *x, size_t age, wide of,
                        struct told *told)
{
    struct mri_stats_tally all = {.count = 0};
    if (w->who == NULL)
        return false;
    for (size_t reached = age < AGES ? age + 1 : 0; reached <= AGES; reached++)
        mri_stats_tally_join(&all, &x->received[reached]);
    /* with another R1 nothing follows from the difference */
    const size_t since = told->of == of ? told->since : 0;
    const struct mri_stats_tally left = gone(x, age, since, age),
                                 stay = gone(x, age, age + 1, AGES + 1);
    const bool few = mri_stats_tally_few(w->s, &all) || mri_stats_tally_few(w->s, &left) ||
                     mri_stats_tally_few(w->s, &stay);
    if (!few)
        *told = (struct told){of, age + 1};
    return few;
}

static void tell_public(const struct walk *w, struct mri_stats_list *l, uint32_t period,
                        const struct sums *s)
{
    const struct who *const x = w->who == NULL ? NULL : &w->who[period];
    struct told told = {0, 0};
    mri_stats_add(l, MR_STATS_LM3_PUBLIC, period, s->r1 + s->r2 + s->r3, s->r1);
    mri_stats_mark(l, x != NULL && mri_stats_tally_few(w->s, &x->passed));
    mri_stats_add(l, MR_STATS_PUBLIC_SPENT, period, s->r1, 1);
    for (size_t k = 0; k < AGES; k++) {
        mri_stats_cell(l, MR_STATS_PUBLIC_KEPT_DAYS, period, kept_days[k], 0,
                       s->aged[k] - s->early[k], s->aged[k]);
        mri_stats_mark(l, kept_is_few(w, x, k, s->aged[k], &told));
    }
    mri_stats_add(l, MR_STATS_PUBLIC_KEPT, period, s->r1 - s->left, s->r1);
    mri_stats_mark(l, kept_is_few(w, x, AGES, s->r1, &told));
}

static void tell_lm3(const struct walk *w, struct mri_stats_list *l, uint32_t period,
                     const struct sums *s)
{
    const struct who *const x = w->who == NULL ? NULL : &w->who[period];
    mri_stats_add(l, MR_STATS_LM3, period, s->r1 + s->r2 + s->r3, s->r1);
    mri_stats_mark(l, x != NULL && (mri_stats_tally_few(w->s, &x->r1) ||
                                    mri_stats_tally_few(w->s, &x->passed)));
}

static void add_who(struct who *a, const struct who *b)
{
    mri_stats_tally_join(&a->r1, &b->r1);
    mri_stats_tally_join(&a->passed, &b->passed);
    for (size_t k = 0; k <= AGES; k++) {
        mri_stats_tally_join(&a->received[k], &b->received[k]);
        for (size_t n = 0; n <= AGES + 1; n++)
            mri_stats_tally_join(&a->gone[k][n], &b->gone[k][n]);
    }
}

static void add_sums(struct sums *a, const struct sums *b)
{
    a->r1 += b->r1;
    a->r2 += b->r2;
    a->r3 += b->r3;
    a->left += b->left;
    for (size_t k = 0; k < AGES; k++) {
        a->aged[k] += b->aged[k];
        a->early[k] += b->early[k];
    }
    a->held_ms += b->held_ms;
    a->paid += b->paid;
}

static void tell(const struct walk *w, struct mri_stats_list *l)
{
    struct sums whole = {0};
    for (uint32_t p = 0; p < w->s->count; p++) {
        const struct sums *const s = &w->sums[p];
        if (mri_stats_monthly(w->s) && w->public)
            tell_public(w, l, p, s);
        else if (mri_stats_monthly(w->s))
            tell_lm3(w, l, p, s);
        if (!w->public)
            tell_held(l, p, s);
        add_sums(&whole, s);
        if (w->who != NULL)
            add_who(&w->who[w->s->count], &w->who[p]);
    }
    if (w->public) {
        tell_public(w, l, w->s->count, &whole);
        return;
    }
    tell_lm3(w, l, w->s->count, &whole);
    tell_held(l, w->s->count, &whole);
    tell_survival(w, l);
}

/* Most ledgers have no public money: then there is nothing to follow. */
static bool has_public(const struct mr_stats *s)
{
    for (uint32_t a = 0; a < s->t.accounts_count; a++) {
        if ((s->is[a] & IS_TOWN) != 0)
            return true;
    }
    return s->t.rows > 0 && memchr(s->t.kind, MR_STATS_ASSIGNED, s->t.rows) != NULL;
}

static enum mr_status run(struct mr_stats *s, struct mri_stats_list *l, bool public)
{
    struct walk *const w = mri_stats_room(&s->mem, 1, sizeof *w);
    if (w == NULL)
        return MR_NO_MEMORY;
    const bool ready = begin(w, s, public);
    if (ready && (!public || has_public(s)))
        take_rows(w);
    const bool whole = ready && !w->no_memory;
    if (whole)
        tell(w, l);
    done(w);
    return whole ? MR_OK : MR_NO_MEMORY;
}

enum mr_status mri_stats_fifo_job(struct mr_stats *s, struct mri_stats_list *l)
{
    return mri_stats_wants(s, MR_STATS_HOLDING, MR_STATS_SURVIVAL) || s->wanted[MR_STATS_LM3]
               ? run(s, l, false)
               : MR_OK;
}

enum mr_status mri_stats_public_job(struct mr_stats *s, struct mri_stats_list *l)
{
    return mri_stats_wants(s, MR_STATS_LM3_PUBLIC, MR_STATS_PUBLIC_KEPT_DAYS) ? run(s, l, true)
                                                                              : MR_OK;
}
