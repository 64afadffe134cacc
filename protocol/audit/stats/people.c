/* Accounts: who is there, who is active, what each gave and got in a period. */
#include <string.h>

#include "audit/stats/stats.h"
#include "mereau/time.h"

enum { FIRST_DAYS = 30, MONTHS = 3, MONTHS_A_YEAR = 12, TOP = 10 };

/* What an account did in a period. */
struct deeds {
    int64_t given, received; /* circulation */
    int64_t converted, redeemed;
    int64_t in_town;             /* given to accounts listed in the same town */
    uint32_t payments, receipts; /* circulation, given and got */
};

struct people {
    struct mr_stats *s;
    struct mri_stats_list *l;
    uint32_t accounts;
    int64_t *balance;
    int64_t *months[MONTHS]; /* balances at the ends of the last months, the last one first */
    uint32_t month;          /* of the rows being read */
    uint64_t month_end;      /* ms behind it */
    uint64_t *first, *last;  /* circulation given or got; 0: never */
    uint64_t *last_out;      /* paid or redeemed, anything */
    uint64_t *last_given;    /* circulation given */
    uint64_t *first_in;      /* received anything */
    struct deeds *deeds, *whole;
    int64_t *values, *other; /* scratch, one an account */
    uint8_t *seen;           /* scratch, one a label */
};

/* --- one row ---------------------------------------------------------------------------------- */

static void take_deed(const struct people *w, struct deeds *deeds, size_t i, bool circulates)
{
    const struct mr_stats_table *const t = &w->s->t;
    struct deeds *const from = &deeds[t->from[i]], *const to = &deeds[t->to[i]];
    const uint32_t town = t->accounts[t->from[i]].town;
    if (circulates) {
        from->given += t->amount[i];
        from->payments++;
        to->receipts++;
        to->received += t->amount[i];
        if (town != MR_STATS_NONE && town == t->accounts[t->to[i]].town)
            from->in_town += t->amount[i];
    } else if (mri_stats_is_issue(t->kind[i])) {
        to->converted += t->amount[i];
    } else if (t->kind[i] == MR_STATS_REDEEM) {
        from->redeemed += t->amount[i];
    }
}

static uint64_t month_end_ms(uint32_t month)
{
    return MR_DAY_MS *
           mr_day_from_civil((struct mr_civil){(month + 1) / 12, (month + 1) % 12 + 1, 1});
}

/* Months that ended before this row. */
static void close_months(struct people *w, uint64_t time_ms)
{
    if (time_ms < w->month_end)
        return;
    const uint32_t month = mr_month_of(mr_day_of(time_ms));
    w->month_end = month_end_ms(month);
    for (uint32_t n = 0; w->month < month; n++, w->month++) {
        if (n > MONTHS) {
            w->month = month;
            return;
        }
        int64_t *const oldest = w->months[MONTHS - 1];
        for (size_t k = MONTHS - 1; k > 0; k--)
            w->months[k] = w->months[k - 1];
        w->months[0] = oldest;
        memcpy(oldest, w->balance, w->accounts * sizeof *oldest);
    }
}

static void take_row(struct people *w, size_t i, bool inside)
{
    const struct mr_stats_table *const t = &w->s->t;
    const uint32_t from = t->from[i], to = t->to[i];
    const uint64_t now = t->time_ms[i];
    const bool circulates = mri_stats_circulates(w->s, i);
    if (t->unit[i] != LOCAL)
        return;
    w->balance[from] -= t->amount[i];
    w->balance[to] += t->amount[i];
    if (t->kind[i] == MR_STATS_PAY || t->kind[i] == MR_STATS_REDEEM)
        w->last_out[from] = now;
    if (w->first_in[to] == 0)
        w->first_in[to] = now;
    if (circulates) {
        w->last[from] = w->last[to] = w->last_given[from] = now;
        w->first[from] = w->first[from] == 0 ? now : w->first[from];
        w->first[to] = w->first[to] == 0 ? now : w->first[to];
    }
    if (inside) {
        take_deed(w, w->deeds, i, circulates);
        take_deed(w, w->whole, i, circulates);
    }
}

/* --- who is there ------------------------------------------------------------------------------
 */

static bool is_open(const struct mr_stats_account *x, uint64_t end)
{
    return x->opened_ms < end && (x->closed_ms == 0 || x->closed_ms >= end);
}

static void tell_covered(struct people *w, uint32_t period, uint64_t end)
{
    const struct mr_stats_table *const t = &w->s->t;
    wide towns = 0;
    memset(w->seen, 0, t->labels_count);
    for (uint32_t i = 0; i < w->accounts; i++) {
        const uint32_t town = t->accounts[i].town;
        if (town == MR_STATS_NONE || w->seen[town] != 0 || (w->s->is[i] & IS_MEMBER) == 0 ||
            !is_open(&t->accounts[i], end))
            continue;
        w->seen[town] = 1;
        towns++;
    }
    mri_stats_add(w->l, MR_STATS_TOWNS, period, towns, 1);
}

static void tell_members(struct people *w, uint32_t period)
{
    const uint64_t begin = mri_stats_begin_ms(w->s, period), end = mri_stats_end_ms(w->s, period);
    uint32_t open[MR_STATS_CLASSES] = {0}, opened[MR_STATS_CLASSES] = {0};
    uint32_t known[MR_STATS_CLASSES] = {0};
    for (uint32_t i = 0; i < w->accounts; i++) {
        const struct mr_stats_account *const x = &w->s->t.accounts[i];
        if ((w->s->is[i] & IS_MEMBER) == 0)
            continue;
        known[x->class]++;
        open[x->class] += is_open(x, end) ? 1 : 0;
        opened[x->class] += x->opened_ms >= begin && x->opened_ms < end ? 1 : 0;
    }
    tell_covered(w, period, end);
    for (uint32_t c = 0; c < MR_STATS_CLASSES; c++) {
        if (known[c] == 0)
            continue;
        mri_stats_cell(w->l, MR_STATS_MEMBER_COUNT, period, c, 0, open[c], 1);
        mri_stats_behind(w->l, open[c], open[c] > 0);
        mri_stats_cell(w->l, MR_STATS_OPENED, period, c, 0, opened[c], 1);
        mri_stats_behind(w->l, opened[c], opened[c] > 0);
    }
    if (w->s->classes)
        mri_stats_add(w->l, MR_STATS_SHOPS_RATIO, period, open[MR_CLASS_SHOP],
                      open[MR_CLASS_RESIDENT]);
    else
        mri_stats_none(w->l, MR_STATS_SHOPS_RATIO, period, MR_STATS_NO_CLASS);
}

static void tell_active(struct people *w, uint32_t period)
{
    static const uint32_t days[] = {30, 90, 365};
    const uint64_t end = mri_stats_end_ms(w->s, period);
    for (size_t k = 0; k < 3; k++) {
        const uint64_t since = end > days[k] * MR_DAY_MS ? end - days[k] * MR_DAY_MS : 0;
        uint32_t active = 0;
        for (uint32_t i = 0; i < w->accounts; i++)
            active += w->last[i] != 0 && w->last[i] >= since ? 1 : 0;
        mri_stats_cell(w->l, MR_STATS_ACTIVE, period, days[k], 0, active, 1);
        mri_stats_behind(w->l, active, active > 0);
    }
}

enum { DORMANT_AGES = 3 };
static const uint32_t dormant_days[DORMANT_AGES] = {90, 180, 365};

/* How many of these ages an account has rested. */
static size_t rested(const struct people *w, uint32_t account, uint64_t end)
{
    size_t ages = 0;
    for (; ages < DORMANT_AGES && end > dormant_days[ages] * MR_DAY_MS; ages++) {
        const uint64_t since = end - dormant_days[ages] * MR_DAY_MS;
        if (w->last_out[account] >= since || w->first_in[account] >= since)
            break;
    }
    return ages;
}

static void tell_dormant(struct people *w, uint32_t period)
{
    const uint64_t end = mri_stats_end_ms(w->s, period);
    struct mri_stats_group by_age[DORMANT_AGES + 1] = {{0, 0, 0}};
    wide all = 0;
    for (uint32_t i = 0; i < w->accounts; i++) {
        if ((w->s->is[i] & IS_CIRCULATING) == 0 || w->balance[i] <= 0)
            continue;
        all += w->balance[i];
        mri_stats_group_add(&by_age[rested(w, i, end)], w->balance[i]);
    }
    struct mri_stats_group step = by_age[0]; /* since the last share that is not of few */
    for (size_t k = 0; k < DORMANT_AGES; k++) {
        struct mri_stats_group dormant = {0, 0, 0};
        for (size_t age = k + 1; age <= DORMANT_AGES; age++)
            mri_stats_group_join(&dormant, &by_age[age]);
        const bool few = mri_stats_is_few(w->s, &step) || mri_stats_is_few(w->s, &dormant);
        mri_stats_cell(w->l, MR_STATS_DORMANT, period, dormant_days[k], 0, dormant.sum, all);
        mri_stats_behind(w->l, dormant.members, dormant.largest);
        mri_stats_mark(w->l, few);
        if (!few)
            step = (struct mri_stats_group){0, 0, 0};
        mri_stats_group_join(&step, &by_age[k + 1]);
    }
}

/* Of the first n of w->values. */
static void tell_median(struct people *w, enum mr_stats_id id, uint32_t period, size_t n, wide den)
{
    if (n == 0) {
        mri_stats_none(w->l, id, period, MR_STATS_EMPTY);
        return;
    }
    mri_stats_add(w->l, id, period, mri_stats_median(w->values, w->other, n), den);
    mri_stats_behind(w->l, (uint32_t)n, 0);
}

static void tell_last(struct people *w, uint32_t period)
{
    const uint64_t end = mri_stats_end_ms(w->s, period);
    size_t n = 0;
    for (uint32_t i = 0; i < w->accounts; i++) {
        if (w->last[i] != 0 && is_open(&w->s->t.accounts[i], end))
            w->values[n++] = (int64_t)(end - w->last[i]);
    }
    tell_median(w, MR_STATS_LAST_DAYS, period, n, MR_DAY_MS);
}

static void tell_balances(struct people *w, uint32_t period)
{
    const uint64_t end = mri_stats_end_ms(w->s, period);
    size_t n = 0;
    for (uint32_t i = 0; i < w->accounts; i++) {
        if ((w->s->is[i] & IS_CIRCULATING) != 0 && is_open(&w->s->t.accounts[i], end))
            w->values[n++] = w->balance[i] > 0 ? w->balance[i] : 0;
    }
    mri_stats_sort_values(w->values, w->other, n);
    mri_stats_gini(w->l, MR_STATS_GINI, period, w->values, n);
}

/* w->months are those before the month of the period's last day. */
static void tell_blocked(struct people *w, uint32_t period)
{
    const uint32_t since_day = mri_stats_month_begin(w->s->periods[period].to_day, MONTHS - 1);
    const uint64_t since = (uint64_t)since_day * MR_DAY_MS;
    uint32_t blocked = 0;
    if (!w->s->classes) {
        mri_stats_none(w->l, MR_STATS_BLOCKED, period, MR_STATS_NO_CLASS);
        return;
    }
    for (uint32_t i = 0; i < w->accounts; i++)
        blocked += (w->s->is[i] & IS_SHOP) != 0 && w->last_given[i] < since &&
                           w->months[2][i] < w->months[1][i] && w->months[1][i] < w->months[0][i] &&
                           w->months[0][i] < w->balance[i]
                       ? 1
                       : 0;
    mri_stats_add(w->l, MR_STATS_BLOCKED, period, blocked, 1);
    mri_stats_behind(w->l, blocked, blocked > 0);
}

/* --- what they did ----------------------------------------------------------------------------
 */

static void tell_active_in(struct people *w, const struct deeds *d, uint32_t period)
{
    uint32_t active = 0, givers = 0, once = 0;
    uint64_t payments = 0;
    int64_t largest = 0;
    wide turnover = 0;
    for (uint32_t i = 0; i < w->accounts; i++) {
        active += d[i].given > 0 || d[i].received > 0 ? 1 : 0;
        givers += d[i].payments > 0 ? 1 : 0;
        once += (uint64_t)d[i].payments + d[i].receipts == 1 ? 1 : 0;
        payments += d[i].payments;
        turnover += d[i].given;
        largest = d[i].given > largest ? d[i].given : largest;
        largest = d[i].received > largest ? d[i].received : largest;
    }
    mri_stats_add(w->l, MR_STATS_TURNOVER, period, turnover, 1);
    mri_stats_behind(w->l, active, largest);
    mri_stats_add(w->l, MR_STATS_PAYMENTS, period, (wide)payments, 1);
    mri_stats_add(w->l, MR_STATS_ACTIVE_IN, period, active, 1);
    mri_stats_behind(w->l, active, active > 0);
    mri_stats_add(w->l, MR_STATS_ACTIVE_ONCE, period, once, 1);
    mri_stats_behind(w->l, once, once > 0);
    mri_stats_add(w->l, MR_STATS_PER_ACTIVE, period, (wide)payments, givers);
    mri_stats_behind(w->l, givers, 0);
}

static void tell_persons(struct people *w, const struct deeds *d, uint32_t period)
{
    const struct mr_stats_period *const p = &w->s->periods[period];
    const wide days = (wide)p->to_day - p->from_day + 1;
    wide payments = 0;
    uint32_t givers = 0;
    if (!w->s->classes) {
        mri_stats_none(w->l, MR_STATS_PER_PERSON, period, MR_STATS_NO_CLASS);
        return;
    }
    for (uint32_t i = 0; i < w->accounts; i++) {
        if ((w->s->is[i] & IS_PERSON) == 0 || d[i].payments == 0)
            continue;
        payments += d[i].payments;
        givers++;
    }
    mri_stats_add(w->l, MR_STATS_PER_PERSON, period, payments * YEAR_DAYS,
                  (wide)givers * MONTHS_A_YEAR * days);
    mri_stats_behind(w->l, givers, 0);
}

static void tell_received(struct people *w, const struct deeds *d, uint32_t period)
{
    wide sum = 0, squares = 0;
    size_t n = 0;
    struct mri_stats_group top = {0, 0, 0}, rest = {0, 0, 0};
    for (uint32_t i = 0; i < w->accounts; i++) {
        if (d[i].received > 0)
            w->values[n++] = d[i].received;
    }
    mri_stats_sort_values(w->values, w->other, n);
    for (size_t i = 0; i < n; i++) {
        sum += w->values[i];
        squares += (wide)w->values[i] * w->values[i];
        mri_stats_group_add(n - i <= TOP ? &top : &rest, w->values[i]);
    }
    mri_stats_gini(w->l, MR_STATS_GINI_TURNOVER, period, w->values, n);
    mri_stats_add(w->l, MR_STATS_HHI, period, squares, sum * sum);
    mri_stats_add(w->l, MR_STATS_TOP10, period, top.sum, sum);
    if (n > TOP) /* what is left of it is the others' */
        mri_stats_behind(w->l, rest.members, 0);
    mri_stats_mark(w->l, mri_stats_is_few(w->s, &top) || mri_stats_is_few(w->s, &rest));
}

static void tell_converted(struct people *w, const struct deeds *d, uint32_t period)
{
    size_t n = 0;
    for (uint32_t i = 0; i < w->accounts; i++) {
        if (d[i].converted > 0)
            w->values[n++] = d[i].converted;
    }
    tell_median(w, MR_STATS_CONVERTED_MEDIAN, period, n, 1);
}

/* a / b < c / d */
static bool is_less(const struct deeds *x, const struct deeds *y)
{
    return (wide)x->given * y->received < (wide)y->given * x->received;
}

static void sift(uint32_t *who, size_t root, size_t count, const struct deeds *d)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && is_less(&d[who[child]], &d[who[child + 1]]))
            child++;
        if (!is_less(&d[who[root]], &d[who[child]]))
            return;
        const uint32_t x = who[root];
        who[root] = who[child];
        who[child] = x;
        root = child;
    }
}

/* The median of given over received: a heap gives up its largest until the middle is there. */
static const struct deeds *middle(uint32_t *who, size_t count, const struct deeds *d)
{
    for (size_t i = count / 2; i-- > 0;)
        sift(who, i, count, d);
    for (size_t n = count; n > (count - 1) / 2 + 1; n--) {
        who[0] = who[n - 1];
        sift(who, 0, n - 1, d);
    }
    return &d[who[0]];
}

static void tell_recirculation(struct people *w, const struct deeds *d, uint32_t period)
{
    uint32_t *const who = (uint32_t *)(void *)w->values;
    size_t n = 0, low = 0;
    for (uint32_t i = 0; i < w->accounts; i++) {
        if ((w->s->is[i] & IS_SHOP) == 0 || d[i].received <= 0)
            continue;
        who[n++] = i;
        low += (wide)d[i].given * 5 < d[i].received ? 1 : 0;
    }
    if (!w->s->classes) {
        mri_stats_none(w->l, MR_STATS_RECIRCULATION, period, MR_STATS_NO_CLASS);
        mri_stats_none(w->l, MR_STATS_RECIRCULATION_LOW, period, MR_STATS_NO_CLASS);
        return;
    }
    mri_stats_add(w->l, MR_STATS_RECIRCULATION_LOW, period, (wide)low, (wide)n);
    mri_stats_behind(w->l, (uint32_t)n, 0);
    mri_stats_mark(w->l, mri_stats_is_few_of(w->s, low) || mri_stats_is_few_of(w->s, n - low));
    if (n == 0) {
        mri_stats_none(w->l, MR_STATS_RECIRCULATION, period, MR_STATS_EMPTY);
        return;
    }
    const struct deeds *const m = middle(who, n, d);
    mri_stats_add(w->l, MR_STATS_RECIRCULATION, period,
                  m->given < m->received ? m->given : m->received, m->received);
    mri_stats_behind(w->l, (uint32_t)n, 0);
}

struct town {
    struct mri_stats_group out, kept, rest;
};

static enum mr_status tell_towns(struct people *w, const struct deeds *d, uint32_t period)
{
    const struct mr_stats_table *const t = &w->s->t;
    struct town *const towns = mri_stats_room(&w->s->mem, t->labels_count, sizeof *towns);
    if (towns == NULL)
        return MR_NO_MEMORY;
    for (uint32_t i = 0; i < w->accounts; i++) {
        const uint32_t town = t->accounts[i].town;
        const int64_t out = d[i].given + d[i].redeemed;
        if (town == MR_STATS_NONE || out == 0)
            continue;
        mri_stats_group_add(&towns[town].out, out);
        mri_stats_group_add(&towns[town].kept, d[i].in_town);
        mri_stats_group_add(&towns[town].rest, out - d[i].in_town);
    }
    for (uint32_t k = 0; k < t->labels_count; k++) {
        const struct town *const x = &towns[k];
        if (x->out.members == 0)
            continue;
        mri_stats_cell(w->l, MR_STATS_TOWN_KEPT, period, k, 0, x->kept.sum, x->out.sum);
        mri_stats_behind(w->l, x->out.members, x->out.largest);
        mri_stats_mark(w->l, mri_stats_is_few(w->s, &x->kept) || mri_stats_is_few(w->s, &x->rest));
    }
    mri_stats_free(&w->s->mem, towns);
    return MR_OK;
}

/* --- baskets ---------------------------------------------------------------------------------- */

/* Five digits hold every amount. */
enum { SELECT_BITS = 11, SELECT = 1 << SELECT_BITS, SELECT_TOP = 4 * SELECT_BITS };

static bool is_basket(const struct mr_stats *s, size_t i)
{
    return mri_stats_circulates(s, i) && (!s->classes || ((s->is[s->t.from[i]] & IS_PERSON) != 0 &&
                                                          (s->is[s->t.to[i]] & IS_SHOP) != 0));
}

/* The median digit by digit, from the highest: the rows are counted, never copied. */
static void tell_basket(struct people *w, uint32_t period, size_t begin, size_t end)
{
    struct mr_stats *const s = w->s;
    if (!s->wanted[MR_STATS_BASKET])
        return;
    uint64_t counts[SELECT], wanted = 0, all = 0;
    int64_t prefix = 0;
    unsigned top = SELECT_TOP;
    while (top > 0 && s->largest >> top == 0)
        top -= SELECT_BITS;
    for (unsigned shift = top;; shift -= SELECT_BITS) {
        memset(counts, 0, sizeof counts);
        const unsigned above = shift + SELECT_BITS;
        for (size_t i = begin; i < end; i++) {
            if (is_basket(s, i) && s->t.amount[i] >> above == prefix)
                counts[(s->t.amount[i] >> shift) & (SELECT - 1)]++;
        }
        if (shift == top) {
            for (size_t k = 0; k < SELECT; k++)
                all += counts[k];
            if (all == 0)
                break;
            wanted = (all - 1) / 2;
        }
        size_t digit = 0;
        for (; counts[digit] <= wanted; digit++)
            wanted -= counts[digit];
        prefix = prefix << SELECT_BITS | (int64_t)digit;
        if (shift == 0)
            break;
    }
    mri_stats_add(w->l, MR_STATS_BASKET, period, prefix, all > 0);
}

/* --- the walk --------------------------------------------------------------------------------- */

static enum mr_status tell_deeds(struct people *w, const struct deeds *d, uint32_t period)
{
    tell_active_in(w, d, period);
    tell_persons(w, d, period);
    tell_received(w, d, period);
    tell_converted(w, d, period);
    tell_recirculation(w, d, period);
    return tell_towns(w, d, period);
}

static void tell_stand(struct people *w, uint32_t period)
{
    close_months(w, mri_stats_end_ms(w->s, period) - 1);
    tell_members(w, period);
    tell_active(w, period);
    tell_dormant(w, period);
    tell_last(w, period);
    tell_balances(w, period);
    tell_blocked(w, period);
}

/* When all rows were read: the first payment of an account opened in a period may come later. */
static void tell_first(struct people *w, uint32_t period)
{
    const uint64_t begin = mri_stats_begin_ms(w->s, period), end = mri_stats_end_ms(w->s, period);
    uint32_t opened = 0, soon = 0;
    size_t n = 0;
    for (uint32_t i = 0; i < w->accounts; i++) {
        const uint64_t at = w->s->t.accounts[i].opened_ms, first = w->first[i];
        if ((w->s->is[i] & IS_CIRCULATING) == 0)
            continue;
        if (at >= begin && at < end) {
            opened++;
            soon += first != 0 && first <= at + FIRST_DAYS * MR_DAY_MS ? 1 : 0;
        }
        if (first >= begin && first < end && first != 0)
            w->values[n++] = first > at ? (int64_t)(first - at) : 0;
    }
    mri_stats_add(w->l, MR_STATS_FIRST_SHARE, period, soon, opened);
    mri_stats_behind(w->l, opened, 0);
    mri_stats_mark(w->l,
                   mri_stats_is_few_of(w->s, soon) || mri_stats_is_few_of(w->s, opened - soon));
    tell_median(w, MR_STATS_FIRST_DAYS, period, n, MR_DAY_MS);
}

static enum mr_status walk(struct people *w)
{
    struct mr_stats *const s = w->s;
    enum mr_status st = MR_OK;
    for (size_t i = 0; i < s->first[0]; i++) {
        close_months(w, s->t.time_ms[i]);
        take_row(w, i, false);
    }
    for (uint32_t p = 0; st == MR_OK && p < s->count; p++) {
        memset(w->deeds, 0, w->accounts * sizeof *w->deeds);
        for (size_t i = s->first[p]; i < s->first[p + 1]; i++) {
            close_months(w, s->t.time_ms[i]);
            take_row(w, i, true);
        }
        tell_stand(w, p);
        st = tell_deeds(w, w->deeds, p);
        tell_basket(w, p, s->first[p], s->first[p + 1]);
    }
    if (st != MR_OK)
        return st;
    tell_stand(w, s->count);
    tell_basket(w, s->count, s->first[0], s->first[s->count]);
    for (uint32_t p = 0; p <= s->count; p++)
        tell_first(w, p);
    return tell_deeds(w, w->whole, s->count);
}

static bool begin(struct people *w, struct mr_stats *s, struct mri_stats_list *l)
{
    const size_t n = s->t.accounts_count;
    int64_t **const amounts[] = {&w->balance,   &w->months[0], &w->months[1],
                                 &w->months[2], &w->values,    &w->other};
    uint64_t **const times[] = {&w->first, &w->last, &w->last_out, &w->last_given, &w->first_in};
    bool all = true;
    w->s = s;
    w->l = l;
    w->accounts = s->t.accounts_count;
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++)
        all = (*amounts[i] = mri_stats_room(&s->mem, n, sizeof(int64_t))) != NULL && all;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        all = (*times[i] = mri_stats_room(&s->mem, n, sizeof(uint64_t))) != NULL && all;
    w->deeds = mri_stats_room(&s->mem, n, sizeof *w->deeds);
    w->whole = mri_stats_room(&s->mem, n, sizeof *w->whole);
    w->seen = mri_stats_room(&s->mem, s->t.labels_count, 1);
    w->month = s->t.rows > 0 ? mr_month_of(mr_day_of(s->t.time_ms[0])) : 0;
    return all && w->deeds != NULL && w->whole != NULL && w->seen != NULL;
}

enum mr_status mri_stats_people_job(struct mr_stats *s, struct mri_stats_list *l)
{
    if (!mri_stats_wants(s, MR_STATS_CONVERTED_MEDIAN, MR_STATS_CONVERTED_MEDIAN) &&
        !mri_stats_wants(s, MR_STATS_TURNOVER, MR_STATS_PAYMENTS) && !s->wanted[MR_STATS_DORMANT] &&
        !mri_stats_wants(s, MR_STATS_TOWN_KEPT, MR_STATS_BASKET) &&
        !mri_stats_wants(s, MR_STATS_SHOPS_RATIO, MR_STATS_TOWNS) &&
        !mri_stats_wants(s, MR_STATS_GINI, MR_STATS_TOP10))
        return MR_OK;
    struct people w = {0};
    const enum mr_status st = begin(&w, s, l) ? walk(&w) : MR_NO_MEMORY;
    void *const all[] = {w.balance,  w.months[0], w.months[1], w.months[2], w.values,
                         w.other,    w.first,     w.last,      w.last_out,  w.last_given,
                         w.first_in, w.deeds,     w.whole,     w.seen};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        mri_stats_free(&s->mem, all[i]);
    return st;
}
