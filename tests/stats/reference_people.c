/* Accounts: every question asked of all rows again. */
#include "stats/reference.h"

#include <stdlib.h>
#include <string.h>

enum { ACCOUNTS_MAX = 512 };

static int64_t sum_of(const struct reference *r, uint32_t account, bool given, uint64_t begin,
                      uint64_t end)
{
    int64_t sum = 0;
    for (size_t i = 0; i < r->t->rows; i++) {
        if (ref_pays(r, i, begin, end) && (given ? r->t->from[i] : r->t->to[i]) == account)
            sum += r->t->amount[i];
    }
    return sum;
}

static int64_t count_of(const struct reference *r, uint32_t account, bool given, uint64_t begin,
                        uint64_t end)
{
    int64_t n = 0;
    for (size_t i = 0; i < r->t->rows; i++)
        n += ref_pays(r, i, begin, end) && (given ? r->t->from[i] : r->t->to[i]) == account;
    return n;
}

/* Time of the last (or first) circulation payment before `end`; 0: none. */
static uint64_t payment(const struct reference *r, uint32_t account, bool last, bool given_only,
                        uint64_t end)
{
    uint64_t found = 0;
    for (size_t i = 0; i < r->t->rows; i++) {
        const bool touches = r->t->from[i] == account || (!given_only && r->t->to[i] == account);
        if (touches && ref_pays(r, i, 0, end) && (last || found == 0))
            found = r->t->time_ms[i];
    }
    return found;
}

static bool is_open(const struct reference *r, uint32_t a, uint64_t end)
{
    const struct mr_stats_account *const x = &r->t->accounts[a];
    return x->opened_ms < end && !(x->closed_ms != 0 && x->closed_ms < end);
}

static int64_t lower_middle(int64_t *v, size_t n)
{
    ref_sort(v, n);
    return n == 0 ? 0 : v[n % 2 == 1 ? n / 2 : n / 2 - 1];
}

static void members(struct reference *r, uint32_t period)
{
    const uint64_t begin = ref_begin(r, period), end = ref_end(r, period);
    wide shops = 0, residents = 0;
    for (uint32_t c = 0; c < MR_STATS_CLASSES; c++) {
        wide open = 0, opened = 0, all = 0;
        for (uint32_t a = 0; a < r->t->accounts_count; a++) {
            const uint64_t at = r->t->accounts[a].opened_ms;
            if (ref_class(r, a) != c || !ref_is(r, a, MR_STATS_MEMBERS))
                continue;
            all++;
            open += is_open(r, a, end);
            opened += at >= begin && at < end;
        }
        shops = c == MR_CLASS_SHOP ? open : shops;
        residents = c == MR_CLASS_RESIDENT ? open : residents;
        if (all > 0) {
            ref_put(r, MR_STATS_MEMBER_COUNT, period, c, 0, open, 1);
            ref_put(r, MR_STATS_OPENED, period, c, 0, opened, 1);
        }
    }
    if (ref_has_classes(r))
        ref_put(r, MR_STATS_SHOPS_RATIO, period, 0, 0, shops, residents);
    else
        ref_none(r, MR_STATS_SHOPS_RATIO, period, MR_STATS_NO_CLASS);
}

static void activity(struct reference *r, uint32_t period)
{
    static const uint32_t actives[] = {30, 90, 365}, dormants[] = {90, 180, 365};
    const uint64_t end = ref_end(r, period);
    int64_t ages[ACCOUNTS_MAX];
    size_t n = 0;
    for (int k = 0; k < 3; k++) {
        const uint64_t since = end - actives[k] * MR_DAY_MS, old = end - dormants[k] * MR_DAY_MS;
        wide active = 0, all = 0, dormant = 0;
        int64_t largest = 0;
        uint32_t sleepers = 0;
        for (uint32_t a = 0; a < r->t->accounts_count; a++) {
            active += sum_of(r, a, true, since, end) > 0 || sum_of(r, a, false, since, end) > 0;
            const int64_t balance = ref_balance(r, a, 0, end);
            bool moved = false, early = false;
            for (size_t i = 0; i < r->t->rows; i++) {
                if (r->t->unit[i] != 0 || r->t->time_ms[i] >= end)
                    continue;
                moved =
                    moved || (r->t->from[i] == a && r->t->time_ms[i] >= old &&
                              (r->t->kind[i] == MR_STATS_PAY || r->t->kind[i] == MR_STATS_REDEEM));
                early = early || (r->t->to[i] == a && r->t->time_ms[i] < old);
            }
            if (balance <= 0 || !ref_is(r, a, MR_STATS_CIRCULATING))
                continue;
            all += balance;
            if (!early || moved)
                continue;
            dormant += balance;
            sleepers++;
            largest = balance > largest ? balance : largest;
        }
        ref_put(r, MR_STATS_ACTIVE, period, actives[k], 0, active, 1);
        struct mr_stats_figure *const f =
            ref_put(r, MR_STATS_DORMANT, period, dormants[k], 0, dormant, all);
        f->members = sleepers;
        f->largest = largest;
    }
    for (uint32_t a = 0; a < r->t->accounts_count; a++) {
        const uint64_t last = payment(r, a, true, false, end);
        if (last != 0 && is_open(r, a, end))
            ages[n++] = (int64_t)(end - last);
    }
    ref_put(r, MR_STATS_LAST_DAYS, period, 0, 0, lower_middle(ages, n), n > 0 ? MR_DAY_MS : 0);
}

static void first_payments(struct reference *r, uint32_t period)
{
    const uint64_t begin = ref_begin(r, period), end = ref_end(r, period);
    const uint64_t last = ref_end(r, r->count);
    int64_t waits[ACCOUNTS_MAX];
    wide opened = 0, soon = 0;
    size_t n = 0;
    for (uint32_t a = 0; a < r->t->accounts_count; a++) {
        const uint64_t at = r->t->accounts[a].opened_ms, first = payment(r, a, false, false, last);
        if (!ref_is(r, a, MR_STATS_CIRCULATING))
            continue;
        if (at >= begin && at < end) {
            opened++;
            soon += first != 0 && first <= at + 30 * MR_DAY_MS;
        }
        if (first != 0 && first >= begin && first < end)
            waits[n++] = first > at ? (int64_t)(first - at) : 0;
    }
    ref_put(r, MR_STATS_FIRST_SHARE, period, 0, 0, soon, opened);
    ref_put(r, MR_STATS_FIRST_DAYS, period, 0, 0, lower_middle(waits, n), n > 0 ? MR_DAY_MS : 0);
}

static void gini(struct reference *r, enum mr_stats_id id, uint32_t period, int64_t *v, size_t n)
{
    wide num = 0, sum = 0;
    /* the mean difference of all pairs, over twice the mean */
    for (size_t i = 0; i < n; i++) {
        sum += v[i];
        for (size_t k = 0; k < n; k++)
            num += v[i] > v[k] ? v[i] - v[k] : v[k] - v[i];
    }
    ref_put(r, id, period, 0, 0, num, 2 * (wide)n * sum);
}

static void receipts(struct reference *r, uint32_t period)
{
    const uint64_t begin = ref_begin(r, period), end = ref_end(r, period);
    int64_t got[ACCOUNTS_MAX], held[ACCOUNTS_MAX], largest = 0;
    wide sum = 0, squares = 0, top = 0, givers = 0, payments = 0, active = 0, once = 0;
    size_t n = 0, m = 0;
    for (uint32_t a = 0; a < r->t->accounts_count; a++) {
        const int64_t in = sum_of(r, a, false, begin, end), out = sum_of(r, a, true, begin, end);
        if (in > 0)
            got[n++] = in;
        givers += out > 0;
        active += in > 0 || out > 0;
        payments += count_of(r, a, true, begin, end);
        once += count_of(r, a, true, begin, end) + count_of(r, a, false, begin, end) == 1;
        sum += in;
        squares += (wide)in * in;
        largest = in > largest ? in : largest;
        largest = out > largest ? out : largest;
        if (ref_is(r, a, MR_STATS_CIRCULATING) && is_open(r, a, end)) {
            const int64_t balance = ref_balance(r, a, 0, end);
            held[m++] = balance > 0 ? balance : 0;
        }
    }
    ref_sort(got, n);
    for (size_t i = n > 10 ? n - 10 : 0; i < n; i++)
        top += got[i];
    struct mr_stats_figure *const f = ref_put(r, MR_STATS_TURNOVER, period, 0, 0, sum, 1);
    f->members = (uint32_t)active;
    f->largest = largest;
    ref_put(r, MR_STATS_ACTIVE_IN, period, 0, 0, active, 1);
    ref_put(r, MR_STATS_ACTIVE_ONCE, period, 0, 0, once, 1);
    ref_put(r, MR_STATS_PER_ACTIVE, period, 0, 0, payments, givers)->members = (uint32_t)givers;
    ref_put(r, MR_STATS_HHI, period, 0, 0, squares, sum * sum);
    struct mr_stats_figure *const ten = ref_put(r, MR_STATS_TOP10, period, 0, 0, top, sum);
    ten->members = n > 10 ? (uint32_t)n - 10 : MR_STATS_NONE;
    gini(r, MR_STATS_GINI_TURNOVER, period, got, n);
    gini(r, MR_STATS_GINI, period, held, m);
}

static void persons(struct reference *r, uint32_t period)
{
    const uint64_t begin = ref_begin(r, period), end = ref_end(r, period);
    const wide days = (wide)(end - begin) / MR_DAY_MS;
    wide givers = 0, payments = 0;
    if (!ref_has_classes(r)) {
        ref_none(r, MR_STATS_PER_PERSON, period, MR_STATS_NO_CLASS);
        return;
    }
    for (uint32_t a = 0; a < r->t->accounts_count; a++) {
        const int64_t n = count_of(r, a, true, begin, end);
        if (ref_class(r, a) != MR_CLASS_RESIDENT || n == 0)
            continue;
        givers++;
        payments += n;
    }
    ref_put(r, MR_STATS_PER_PERSON, period, 0, 0, 365 * payments, 12 * days * givers);
}

static void towns_covered(struct reference *r, uint32_t period)
{
    wide towns = 0;
    for (uint32_t town = 0; town < r->t->labels_count; town++) {
        bool covered = false;
        for (uint32_t a = 0; a < r->t->accounts_count; a++)
            covered =
                covered || (r->t->accounts[a].town == town && ref_is(r, a, MR_STATS_MEMBERS) &&
                            is_open(r, a, ref_end(r, period)));
        towns += covered;
    }
    ref_put(r, MR_STATS_TOWNS, period, 0, 0, towns, 1);
}

static void medians(struct reference *r, uint32_t period)
{
    const uint64_t begin = ref_begin(r, period), end = ref_end(r, period);
    int64_t *const v = malloc((r->t->rows + ACCOUNTS_MAX) * sizeof *v);
    size_t n = 0;
    for (uint32_t a = 0; a < r->t->accounts_count; a++) {
        int64_t sum = 0;
        for (size_t i = 0; i < r->t->rows; i++) {
            if (r->t->to[i] == a && r->t->unit[i] == 0 && r->t->time_ms[i] >= begin &&
                r->t->time_ms[i] < end &&
                (r->t->kind[i] == MR_STATS_ISSUE || r->t->kind[i] == MR_STATS_ASSIGNED))
                sum += r->t->amount[i];
        }
        if (sum > 0)
            v[n++] = sum;
    }
    ref_put(r, MR_STATS_CONVERTED_MEDIAN, period, 0, 0, lower_middle(v, n), n > 0);
    n = 0;
    for (size_t i = 0; i < r->t->rows; i++) {
        if (ref_pays(r, i, begin, end) &&
            (!ref_has_classes(r) || (ref_class(r, r->t->from[i]) == MR_CLASS_RESIDENT &&
                                     ref_class(r, r->t->to[i]) == MR_CLASS_SHOP)))
            v[n++] = r->t->amount[i];
    }
    ref_put(r, MR_STATS_BASKET, period, 0, 0, lower_middle(v, n), n > 0);
    free(v);
}

static void shops(struct reference *r, uint32_t period)
{
    const uint64_t begin = ref_begin(r, period), end = ref_end(r, period);
    struct {
        int64_t out, in;
    } v[ACCOUNTS_MAX];
    wide low = 0;
    size_t n = 0;
    if (!ref_has_classes(r)) {
        ref_none(r, MR_STATS_RECIRCULATION, period, MR_STATS_NO_CLASS);
        ref_none(r, MR_STATS_RECIRCULATION_LOW, period, MR_STATS_NO_CLASS);
        return;
    }
    for (uint32_t a = 0; a < r->t->accounts_count; a++) {
        if (ref_class(r, a) != MR_CLASS_SHOP || sum_of(r, a, false, begin, end) == 0)
            continue;
        v[n].out = sum_of(r, a, true, begin, end);
        v[n].in = sum_of(r, a, false, begin, end);
        v[n].out = v[n].out > v[n].in ? v[n].in : v[n].out;
        low += 5 * v[n].out < v[n].in;
        n++;
    }
    ref_put(r, MR_STATS_RECIRCULATION_LOW, period, 0, 0, low, (wide)n)->members = (uint32_t)n;
    /* the middle one: as many below as it takes */
    for (size_t i = 0; i < n; i++) {
        size_t below = 0, same = 0;
        for (size_t k = 0; k < n; k++) {
            const wide x = (wide)v[k].out * v[i].in, y = (wide)v[i].out * v[k].in;
            below += x < y;
            same += x == y;
        }
        if (below <= (n - 1) / 2 && (n - 1) / 2 < below + same) {
            ref_put(r, MR_STATS_RECIRCULATION, period, 0, 0, v[i].out, v[i].in)->members =
                (uint32_t)n;
            return;
        }
    }
    ref_none(r, MR_STATS_RECIRCULATION, period, MR_STATS_EMPTY);
}

static void blocked(struct reference *r, uint32_t period)
{
    const uint64_t end = ref_end(r, period);
    const uint32_t day = r->periods[period].to_day;
    wide n = 0;
    if (!ref_has_classes(r)) {
        ref_none(r, MR_STATS_BLOCKED, period, MR_STATS_NO_CLASS);
        return;
    }
    for (uint32_t a = 0; a < r->t->accounts_count; a++) {
        const int64_t b0 = ref_balance(r, a, 0, ref_month_begin(day, 2));
        const int64_t b1 = ref_balance(r, a, 0, ref_month_begin(day, 1));
        const int64_t b2 = ref_balance(r, a, 0, ref_month_begin(day, 0));
        n += ref_class(r, a) == MR_CLASS_SHOP && b0 < b1 && b1 < b2 &&
             b2 < ref_balance(r, a, 0, end) &&
             payment(r, a, true, true, end) < ref_month_begin(day, 2);
    }
    ref_put(r, MR_STATS_BLOCKED, period, 0, 0, n, 1);
}

static void towns(struct reference *r, uint32_t period)
{
    const uint64_t begin = ref_begin(r, period), end = ref_end(r, period);
    for (uint32_t town = 0; town < r->t->labels_count; town++) {
        wide kept = 0, out = 0;
        for (size_t i = 0; i < r->t->rows; i++) {
            const struct mr_stats_account *const x = &r->t->accounts[r->t->from[i]];
            const bool redeems = r->t->kind[i] == MR_STATS_REDEEM && r->t->unit[i] == 0 &&
                                 r->t->time_ms[i] >= begin && r->t->time_ms[i] < end;
            if (x->town != town || (!redeems && !ref_pays(r, i, begin, end)))
                continue;
            out += r->t->amount[i];
            kept += !redeems && r->t->accounts[r->t->to[i]].town == town ? r->t->amount[i] : 0;
        }
        if (out > 0)
            ref_put(r, MR_STATS_TOWN_KEPT, period, town, 0, kept, out);
    }
}

void reference_people(struct reference *r, uint32_t period)
{
    members(r, period);
    activity(r, period);
    first_payments(r, period);
    receipts(r, period);
    persons(r, period);
    towns_covered(r, period);
    medians(r, period);
    shops(r, period);
    blocked(r, period);
    towns(r, period);
}
