/* Stock, reserve, conversion, velocity, law: each from all rows. */
#include "stats/reference.h"

#include "mereau/time.h"

static wide sum_rows(const struct reference *r, uint64_t begin, uint64_t end, int a, int b)
{
    wide sum = 0;
    for (size_t i = 0; i < r->t->rows; i++) {
        if (r->t->unit[i] == 0 && r->t->time_ms[i] >= begin && r->t->time_ms[i] < end &&
            (r->t->kind[i] == a || r->t->kind[i] == b))
            sum += r->t->amount[i];
    }
    return sum;
}

/* Sum over the period's days of what circulating accounts held when the day closed. */
static wide stock_days(const struct reference *r, uint32_t period)
{
    wide sum = 0;
    for (uint32_t day = r->periods[period].from_day; day <= r->periods[period].to_day; day++) {
        for (uint32_t a = 0; a < r->t->accounts_count; a++) {
            if (ref_is(r, a, MR_STATS_CIRCULATING))
                sum += ref_balance(r, a, 0, (day + UINT64_C(1)) * MR_DAY_MS);
        }
    }
    return sum;
}

static void behind(struct mr_stats_figure *f, int64_t balance)
{
    if (f->members == MR_STATS_NONE)
        f->members = 0;
    if (balance <= 0)
        return;
    f->members++;
    f->largest = balance > f->largest ? balance : f->largest;
}

static void masses(struct reference *r, uint32_t period)
{
    const uint64_t end = ref_end(r, period);
    for (uint32_t u = 0; u < r->t->units_count; u++) {
        if (r->t->units[u].role == MR_UNIT_RESERVE)
            continue;
        struct mr_stats_figure *const f = ref_put(r, MR_STATS_MASS, period, u, 0, 0, 1);
        for (uint32_t a = 0; a < r->t->accounts_count; a++) {
            const int64_t b = ref_balance(r, a, u, end);
            if (ref_class(r, a) == MR_CLASS_ISSUER || ref_class(r, a) == MR_CLASS_WORLD)
                continue;
            f->num += b > 0 ? b : 0;
            behind(f, b);
        }
    }
    for (uint32_t c = 0; c < MR_STATS_CLASSES; c++) {
        struct mr_stats_figure *const f = ref_put(r, MR_STATS_MASS_CLASS, period, c, 0, 0, 1);
        for (uint32_t a = 0; a < r->t->accounts_count; a++) {
            if (ref_class(r, a) == c) {
                f->num += ref_balance(r, a, 0, end);
                behind(f, ref_balance(r, a, 0, end));
            }
        }
        if (f->num == 0 && (f->members == 0 || f->members == MR_STATS_NONE))
            r->figures_count--;
    }
    if (ref_has_classes(r)) {
        wide all = 0, shops = 0;
        for (uint32_t a = 0; a < r->t->accounts_count; a++) {
            const uint32_t c = ref_class(r, a);
            const int64_t b = ref_balance(r, a, 0, end);
            all += b > 0 && c != MR_CLASS_ISSUER && c != MR_CLASS_WORLD ? b : 0;
            shops += c == MR_CLASS_SHOP ? b : 0;
        }
        ref_put(r, MR_STATS_MASS_SHOPS, period, 0, 0, shops, all);
    } else {
        ref_none(r, MR_STATS_MASS_SHOPS, period, MR_STATS_NO_CLASS);
    }
    for (uint32_t h = 0; h < r->t->associations_count; h++) {
        struct mr_stats_figure *const f = ref_put(r, MR_STATS_MASS_HOME, period, h, 0, 0, 1);
        f->members = 0;
        for (uint32_t a = 0; a < r->t->accounts_count; a++) {
            if (r->t->accounts[a].association == h && ref_is(r, a, MR_STATS_MEMBERS)) {
                f->num += ref_balance(r, a, 0, end);
                behind(f, ref_balance(r, a, 0, end));
            }
        }
    }
}

static wide of_class(const struct reference *r, uint32_t class, uint32_t home, uint32_t unit,
                     uint64_t end)
{
    wide sum = 0;
    for (uint32_t a = 0; a < r->t->accounts_count; a++) {
        if (ref_class(r, a) == class &&
            (home == MR_STATS_NONE || r->t->accounts[a].association == home))
            sum += ref_balance(r, a, unit, end);
    }
    return sum;
}

static void reserve(struct reference *r, uint32_t period)
{
    const uint64_t end = ref_end(r, period);
    const bool has = r->t->units_count > 1;
    for (uint32_t h = 0; has && h < r->t->associations_count; h++) {
        const wide owed = -of_class(r, MR_CLASS_ISSUER, h, 0, end);
        const wide held = of_class(r, MR_CLASS_RESERVE, h, 1, end);
        ref_put(r, MR_STATS_OUTSTANDING, period, h, 0, owed, 1);
        ref_put(r, MR_STATS_RESERVE, period, h, 0, held, 1);
        ref_put(r, MR_STATS_COVERAGE_HOME, period, h, 0, held, owed);
    }
    ref_put(r, MR_STATS_COVERAGE, period, 0, 0,
            of_class(r, MR_CLASS_RESERVE, MR_STATS_NONE, 1, end),
            has ? -of_class(r, MR_CLASS_ISSUER, MR_STATS_NONE, 0, end) : 0);
    for (uint32_t h = 0; r->t->associations_count > 1 && h < r->t->associations_count; h++) {
        wide position = 0;
        for (size_t i = 0; i < r->t->rows; i++) {
            const uint32_t from = r->t->from[i], to = r->t->to[i];
            const uint32_t a = r->t->accounts[from].association;
            const uint32_t b = r->t->accounts[to].association;
            if (r->t->kind[i] != MR_STATS_PAY || r->t->unit[i] != 0 || r->t->time_ms[i] >= end ||
                !ref_is(r, from, MR_STATS_MEMBERS) || !ref_is(r, to, MR_STATS_MEMBERS) || a == b ||
                a == MR_STATS_NONE || b == MR_STATS_NONE)
                continue;
            position += b == h ? r->t->amount[i] : 0;
            position -= a == h ? r->t->amount[i] : 0;
        }
        ref_put(r, MR_STATS_POSITION, period, h, 0, position, 1);
    }
}

static void redemptions(struct reference *r, uint32_t period)
{
    const uint64_t begin = ref_begin(r, period), end = ref_end(r, period);
    uint64_t oldest = UINT64_MAX;
    wide count = 0, sum = 0, days = 0, paid = 0;
    const int known = r->t->redemptions != NULL;
    for (size_t i = 0; i < r->t->redemptions_count; i++) {
        const struct mr_stats_redemption *const x = &r->t->redemptions[i];
        const bool done = x->done_ms != 0 && x->done_ms < end;
        if (x->asked_ms < end && !done) {
            count++;
            sum += x->amount;
            oldest = x->asked_ms < oldest ? x->asked_ms : oldest;
        }
        if (done && x->done_ms >= begin && !x->returned) {
            days += (wide)x->amount * (x->done_ms - x->asked_ms);
            paid += x->amount;
        }
    }
    ref_put(r, MR_STATS_OPEN_COUNT, period, 0, 0, count, known);
    ref_put(r, MR_STATS_OPEN_SUM, period, 0, 0, sum, known);
    ref_put(r, MR_STATS_OPEN_AGE, period, 0, 0, count > 0 ? end - oldest : 0,
            count > 0 ? MR_DAY_MS : 0);
    ref_put(r, MR_STATS_PAYOUT_DAYS, period, 0, 0, days, paid * MR_DAY_MS);
}

static wide half_even(wide num, wide den)
{
    const wide sign = num < 0 ? -1 : 1, twice = 2 * num * sign;
    wide whole = twice / (2 * den);
    if (twice - whole * 2 * den > den || (twice - whole * 2 * den == den && whole % 2 != 0))
        whole++;
    return sign * whole;
}

static void flows(struct reference *r, uint32_t period)
{
    const uint64_t begin = ref_begin(r, period), end = ref_end(r, period);
    const wide days = r->periods[period].to_day - (wide)r->periods[period].from_day + 1;
    const wide stock = stock_days(r, period);
    const wide c = sum_rows(r, begin, end, MR_STATS_ISSUE, MR_STATS_ASSIGNED);
    const wide back = sum_rows(r, begin, end, MR_STATS_REDEEM, MR_STATS_REDEEM) -
                      sum_rows(r, begin, end, MR_STATS_RETURN, MR_STATS_RETURN);
    wide turnover = 0, goods = 0, shops = 0, payments = 0, conversions = 0;
    for (size_t i = 0; i < r->t->rows; i++) {
        const uint32_t from = ref_class(r, r->t->from[i]), to = ref_class(r, r->t->to[i]);
        conversions += r->t->unit[i] == 0 && r->t->time_ms[i] >= begin && r->t->time_ms[i] < end &&
                       (r->t->kind[i] == MR_STATS_ISSUE || r->t->kind[i] == MR_STATS_ASSIGNED);
        if (!ref_pays(r, i, begin, end))
            continue;
        payments++;
        turnover += r->t->amount[i];
        if (to == MR_CLASS_SHOP && (from == MR_CLASS_RESIDENT || from == MR_CLASS_SHOP))
            goods += r->t->amount[i];
        if (to == MR_CLASS_SHOP && from == MR_CLASS_SHOP)
            shops += r->t->amount[i];
    }
    ref_put(r, MR_STATS_STOCK, period, 0, 0, half_even(stock, days), 1);
    ref_put(r, MR_STATS_CONVERTED, period, 0, 0, c, 1);
    ref_put(r, MR_STATS_CONVERSIONS, period, 0, 0, conversions, 1);
    ref_put(r, MR_STATS_REDEEMED, period, 0, 0, back, 1);
    ref_put(r, MR_STATS_NET_ISSUE, period, 0, 0, c - back, 1);
    ref_put(r, MR_STATS_RHO, period, 0, 0, back, c);
    ref_put(r, MR_STATS_C_OVER_M, period, 0, 0, c * days, stock);
    ref_put(r, MR_STATS_R_OVER_M, period, 0, 0, back * days, stock);
    ref_put(r, MR_STATS_PASSED_ON, period, 0, 0, turnover - back, turnover);
    ref_put(r, MR_STATS_SWEPT, period, 0, 0,
            sum_rows(r, begin, end, MR_STATS_SWEEP, MR_STATS_SWEEP), 1);
    ref_put(r, MR_STATS_MULTIPLIER, period, 0, 0, turnover, c);
    ref_put(r, MR_STATS_PAYMENTS, period, 0, 0, payments, 1);
    ref_put(r, MR_STATS_V_ALL, period, 0, 0, 365 * turnover * days, days * stock);
    if (!ref_has_classes(r)) {
        ref_none(r, MR_STATS_V_GOODS, period, MR_STATS_NO_CLASS);
        ref_none(r, MR_STATS_V_SHOPS, period, MR_STATS_NO_CLASS);
        ref_none(r, MR_STATS_B2B, period, MR_STATS_NO_CLASS);
        return;
    }
    ref_put(r, MR_STATS_V_GOODS, period, 0, 0, 365 * goods * days, days * stock);
    ref_put(r, MR_STATS_V_SHOPS, period, 0, 0, 365 * shops * days, days * stock);
    ref_put(r, MR_STATS_B2B, period, 0, 0, shops, turnover);
}

/* --- law -------------------------------------------------------------------------------------- */

static uint64_t a_year_before(uint64_t behind)
{
    struct mr_civil c = mr_civil_of(mr_day_of(behind));
    c.year--;
    c.day -= c.month == 2 && c.day == 29 ? 1 : 0;
    return mr_day_from_civil(c) * MR_DAY_MS;
}

static wide paid_in(const struct reference *r, uint64_t begin, uint64_t end)
{
    wide sum = 0;
    for (size_t i = 0; i < r->t->rows; i++) {
        if (r->t->kind[i] == MR_STATS_PAY && r->t->unit[i] == 0 && r->t->time_ms[i] >= begin &&
            r->t->time_ms[i] < end && ref_is(r, r->t->from[i], MR_STATS_MEMBERS))
            sum += r->t->amount[i];
    }
    return sum;
}

static void date(struct reference *r, enum mr_stats_id id, uint32_t period, wide now, wide then)
{
    const wide limit = (wide)1000000 * 100;
    wide day = r->periods[period].to_day, level = now;
    bool long_enough = false;
    for (size_t i = 0; i < r->t->rows; i++)
        long_enough =
            long_enough || r->t->time_ms[i] < ref_end(r, period) - 89 * (uint64_t)MR_DAY_MS;
    if (now < limit && (now <= then || !long_enough)) {
        ref_none(r, id, period, now <= then ? MR_STATS_EMPTY : MR_STATS_YOUNG);
        return;
    }
    /* day after day, ninetieths of the growth */
    for (wide k = 1; level < limit && k <= 3653; k++) {
        level = now + (now - then) * k / 90;
        day = r->periods[period].to_day + k;
    }
    if (level < limit)
        ref_none(r, id, period, MR_STATS_FAR);
    else
        ref_put(r, id, period, 0, 0, day, 1);
}

static void law(struct reference *r, uint32_t period)
{
    const uint64_t end = ref_end(r, period), before = end - 90 * MR_DAY_MS;
    const wide now = paid_in(r, a_year_before(end), end);
    const wide then = paid_in(r, a_year_before(before), before);
    const wide owed = -of_class(r, MR_CLASS_ISSUER, MR_STATS_NONE, 0, end);
    ref_put(r, MR_STATS_LAW_PAID, period, 0, 0, now, 1);
    ref_put(r, MR_STATS_LAW_PAID_SHARE, period, 0, 0, now, 100000000);
    ref_put(r, MR_STATS_LAW_MASS_SHARE, period, 0, 0, owed, 100000000);
    date(r, MR_STATS_LAW_PAID_DATE, period, now, then);
    date(r, MR_STATS_LAW_MASS_DATE, period, owed,
         -of_class(r, MR_CLASS_ISSUER, MR_STATS_NONE, 0, before));
}

void reference_stocks(struct reference *r, uint32_t period)
{
    masses(r, period);
    reserve(r, period);
    redemptions(r, period);
    flows(r, period);
    law(r, period);
}
