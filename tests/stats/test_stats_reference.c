/* Every figure against its definition, computed anew from all rows (reference.h). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scratch.h"
#include "mereau/time.h"
#include "stats/made.h"
#include "stats/reference.h"

static struct made made;
static struct reference ref;

static void same_figure(const struct mr_stats_figure *got, const struct mr_stats_figure *want)
{
    const char *const id = mr_stats_indicator(want->id)->id;
    char a[MR_STATS_TEXT_MAX], b[MR_STATS_TEXT_MAX];
    mr_stats_figure_text(a, got);
    mr_stats_figure_text(b, want);
    ck_assert_msg(reference_order(got, want) == 0, "%s %u/%u/%u is not there: %s %u/%u/%u is", id,
                  want->period, want->row, want->column, mr_stats_indicator(got->id)->id,
                  got->period, got->row, got->column);
    ck_assert_msg(got->state == want->state, "%s %u/%u/%u: state %d, not %d", id, want->period,
                  want->row, want->column, got->state, want->state);
    ck_assert_msg(got->state != MR_STATS_VALUE || got->num * want->den == want->num * got->den,
                  "%s %u/%u/%u: %s, not %s", id, want->period, want->row, want->column, a, b);
    ck_assert_str_eq(a, b);
    if (want->members != MR_STATS_NONE)
        ck_assert_msg(got->members == want->members && got->largest == want->largest,
                      "%s %u/%u/%u: %u members, largest %lld; not %u, %lld", id, want->period,
                      want->row, want->column, got->members, (long long)got->largest, want->members,
                      (long long)want->largest);
}

/* Accounts one by one sum up to what the indicators say of all of them. */
static void accounts_agree(const struct mr_stats_table *t, const struct mr_stats_query *q)
{
    static struct mr_stats_deeds deeds[MADE_ACCOUNTS];
    wide turnover = 0, got = 0, shops = 0, low = 0, blocked = 0;
    mr_stats_accounts(deeds, t, q->from_day, q->to_day);
    for (uint32_t a = 0; a < t->accounts_count; a++) {
        const bool shop = t->accounts[a].class == MR_CLASS_SHOP;
        turnover += deeds[a].given;
        got += deeds[a].received;
        shops += shop && deeds[a].received > 0;
        low += shop && deeds[a].given * 5 < deeds[a].received;
        blocked += deeds[a].blocked;
        ck_assert_int_eq(deeds[a].balance, ref_balance(&ref, a, 0, ref_end(&ref, ref.count)));
    }
    ck_assert(turnover == got);
    for (size_t i = 0; i < ref.figures_count; i++) {
        const struct mr_stats_figure *const f = &ref.figures[i];
        if (f->period != ref.count || f->state != MR_STATS_VALUE)
            continue;
        ck_assert(f->id != MR_STATS_TURNOVER || f->num == turnover);
        ck_assert(f->id != MR_STATS_BLOCKED || f->num == blocked);
        ck_assert(f->id != MR_STATS_RECIRCULATION_LOW || (f->num == low && f->den == shops));
    }
}

static void compare(const struct mr_stats_table *t, const struct mr_stats_query *q)
{
    struct mr_stats *s = NULL;
    size_t count, periods;
    ck_assert_int_eq(mr_stats_create(&s, &scratch_mem, t, q), MR_OK);
    for (size_t i = 0; i < mr_stats_jobs(s); i++)
        ck_assert_int_eq(mr_stats_run(s, i), MR_OK);
    const struct mr_stats_figure *const got = mr_stats_figures(s, &count);
    ck_assert_ptr_nonnull(got);
    const struct mr_stats_period *const p = mr_stats_periods(s, &periods);
    reference_make(&ref, t, q);
    ck_assert_uint_eq(periods, ref.count);
    ck_assert_mem_eq(p, ref.periods, (periods + 1) * sizeof *p);
    for (size_t i = 0; i < count && i < ref.figures_count; i++)
        same_figure(&got[i], &ref.figures[i]);
    ck_assert_uint_eq(count, ref.figures_count);
    accounts_agree(t, q);
    reference_done(&ref);
    mr_stats_destroy(s);
}

static uint32_t day_of(size_t row)
{
    return (uint32_t)(made.time_ms[row] / MR_DAY_MS);
}

/* _i: seed. */
START_TEST(by_month)
{
    made_ledger(&made, (uint64_t)_i + 1, 500, 420);
    const struct mr_stats_query q = {day_of(0), day_of(made.t.rows - 1), MR_STATS_BY_MONTH, 0,
                                     NULL};
    compare(&made.t, &q);
}
END_TEST

START_TEST(by_year_from_the_middle)
{
    made_ledger(&made, (uint64_t)_i + 100, 500, 500);
    const struct mr_stats_query q = {day_of(0) + 97, day_of(made.t.rows - 1) - 31, MR_STATS_BY_YEAR,
                                     0, NULL};
    compare(&made.t, &q);
}
END_TEST

START_TEST(by_week)
{
    made_ledger(&made, (uint64_t)_i + 200, 400, 150);
    const struct mr_stats_query q = {day_of(0) + 11, day_of(made.t.rows - 1) + 20, MR_STATS_BY_WEEK,
                                     0, NULL};
    compare(&made.t, &q);
}
END_TEST

START_TEST(by_day)
{
    made_ledger(&made, (uint64_t)_i + 300, 300, 40);
    const struct mr_stats_query q = {day_of(0), day_of(made.t.rows - 1), MR_STATS_BY_DAY, 0, NULL};
    compare(&made.t, &q);
}
END_TEST

/* As in a payments file: no classes, no listings, no reserve. */
START_TEST(without_classes)
{
    made_ledger(&made, (uint64_t)_i + 400, 400, 200);
    for (uint32_t a = 9; a < MADE_ACCOUNTS; a++) {
        made.accounts[a].class = MR_STATS_CLASS_UNKNOWN;
        made.accounts[a].association = made.accounts[a].trade = made.accounts[a].town =
            MR_STATS_NONE;
    }
    made.t.associations_count = made.t.labels_count = 0;
    made.t.units_count = 1;
    made.t.redemptions = NULL;
    made.t.redemptions_count = 0;
    const struct mr_stats_query q = {day_of(0), day_of(made.t.rows - 1), MR_STATS_BY_MONTH, 0,
                                     NULL};
    compare(&made.t, &q);
}
END_TEST

START_TEST(periods_without_data)
{
    made_ledger(&made, 7, 60, 20);
    const uint32_t last = day_of(made.t.rows - 1);
    const struct mr_stats_query before = {day_of(0) - 300, day_of(0) - 200, MR_STATS_BY_MONTH, 0,
                                          NULL};
    const struct mr_stats_query after = {last + 400, last + 500, MR_STATS_BY_MONTH, 0, NULL};
    compare(&made.t, &before);
    compare(&made.t, &after);
    made.t.rows = made.t.redemptions_count = 0;
    compare(&made.t, &before);
}
END_TEST

/* Units that stand for more than a year. */
START_TEST(over_many_years)
{
    made_ledger(&made, (uint64_t)_i + 500, 160, 2200);
    const struct mr_stats_query q = {day_of(0), day_of(made.t.rows - 1), MR_STATS_BY_YEAR, 0, NULL};
    compare(&made.t, &q);
}
END_TEST

/* Each row lies on a bound: a shop that passes on exactly a fifth, a redemption paid when the
 * period has just ended, a leap day with no day a year before, a quotient in the middle. */
START_TEST(on_the_bounds)
{
    enum { ISSUER, REDEEMED, ANNA, BAKER, FARM };
    const uint32_t leap = mr_day_from_civil((struct mr_civil){2024, 2, 28});
    const uint64_t end = (leap + UINT64_C(1)) * MR_DAY_MS;
    const struct {
        uint64_t at;
        uint32_t from, to;
        int64_t amount;
        enum mr_stats_kind kind;
    } rows[] = {{end - 368 * MR_DAY_MS, ISSUER, ANNA, 500000, MR_STATS_ISSUE},
                {end - 367 * MR_DAY_MS, ANNA, BAKER, 7, MR_STATS_PAY},  /* 2023-02-27 */
                {end - 366 * MR_DAY_MS, ANNA, BAKER, 11, MR_STATS_PAY}, /* 2023-02-28 */
                {end - 365 * MR_DAY_MS, ANNA, BAKER, 13, MR_STATS_PAY}, /* 2023-03-01 */
                {end - 20 * MR_DAY_MS, ANNA, BAKER, 1000, MR_STATS_PAY},
                {end - 10 * MR_DAY_MS, BAKER, FARM, 200, MR_STATS_PAY},
                {end - 5 * MR_DAY_MS, BAKER, REDEEMED, 300, MR_STATS_REDEEM},
                {end - MR_DAY_MS, ISSUER, FARM, 131072 - 206, MR_STATS_ISSUE},
                {end - 2, FARM, ANNA, 206, MR_STATS_PAY}, /* 200 of them old */
                {end, REDEEMED, ISSUER, 300, MR_STATS_PAYOUT}};
    made_ledger(&made, 1, 30, 30);
    made.t.rows = sizeof rows / sizeof rows[0];
    for (size_t i = 0; i < made.t.rows; i++) {
        made.time_ms[i] = rows[i].at;
        made.from[i] = rows[i].from;
        made.to[i] = rows[i].to;
        made.amount[i] = rows[i].amount;
        made.kind[i] = (uint8_t)rows[i].kind;
        made.unit[i] = 0;
    }
    made.t.accounts_count = 5;
    made.accounts[ISSUER].class = MR_CLASS_ISSUER;
    made.accounts[REDEEMED].class = MR_CLASS_REDEEMED;
    made.accounts[ISSUER].association = made.accounts[REDEEMED].association = 0;
    made.accounts[ANNA].class = MR_CLASS_RESIDENT;
    made.accounts[BAKER].class = made.accounts[FARM].class = MR_CLASS_SHOP;
    made.redemptions[0] =
        (struct mr_stats_redemption){BAKER, 0, 300, end - 5 * MR_DAY_MS, end, false};
    made.t.redemptions_count = 1;
    const struct mr_stats_query month = {leap - 27, leap, MR_STATS_BY_MONTH, 0, NULL};
    const struct mr_stats_query days = {leap - 1, leap + 2, MR_STATS_BY_DAY, 0, NULL};
    compare(&made.t, &month);
    compare(&made.t, &days);
}
END_TEST

/* Public money that leaves on the last day that counts, and on the next one; and two days of it
 * that become one history when both are more than a year old. */
START_TEST(public_money_by_its_days)
{
    enum { ISSUER, REDEEMED, CHOIR, BAKER };
    static const struct {
        uint32_t day, from, to;
        int64_t amount;
        enum mr_stats_kind kind;
    } rows[] = {{0, ISSUER, CHOIR, 1000, MR_STATS_ASSIGNED},
                {30, CHOIR, REDEEMED, 100, MR_STATS_REDEEM},
                {31, CHOIR, REDEEMED, 7, MR_STATS_REDEEM},
                {32, ISSUER, CHOIR, 500, MR_STATS_ISSUE},
                {33, ISSUER, CHOIR, 200, MR_STATS_ASSIGNED},
                {33 + 365, CHOIR, BAKER, 300, MR_STATS_PAY},
                {34 + 365, CHOIR, BAKER, 1200, MR_STATS_PAY},
                {36 + 365, BAKER, REDEEMED, 1000, MR_STATS_REDEEM}};
    const uint32_t first = mr_day_from_civil((struct mr_civil){2024, 1, 1});
    static const uint32_t ends[] = {29, 30, 31, 62, 63, 89, 90, 400, 450};
    made_ledger(&made, 1, 30, 30);
    made.t.rows = sizeof rows / sizeof rows[0];
    made.t.redemptions_count = 0;
    made.t.accounts_count = 4;
    for (size_t i = 0; i < made.t.rows; i++) {
        made.time_ms[i] = (first + rows[i].day + UINT64_C(1)) * MR_DAY_MS - (rows[i].day == 30);
        made.from[i] = rows[i].from;
        made.to[i] = rows[i].to;
        made.amount[i] = rows[i].amount;
        made.kind[i] = (uint8_t)rows[i].kind;
        made.unit[i] = 0;
    }
    made.time_ms[0]--;
    made.accounts[ISSUER].association = made.accounts[REDEEMED].association = 0;
    made.accounts[ISSUER].class = MR_CLASS_ISSUER;
    made.accounts[REDEEMED].class = MR_CLASS_REDEEMED;
    made.accounts[CHOIR].class = MR_CLASS_ASSOCIATION;
    made.accounts[BAKER].class = MR_CLASS_SHOP;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const struct mr_stats_query month = {first, first + ends[i], MR_STATS_BY_MONTH, 0, NULL};
        const struct mr_stats_query year = {first, first + ends[i], MR_STATS_BY_YEAR, 0, NULL};
        compare(&made.t, &month);
        compare(&made.t, &year);
    }
}
END_TEST

START_TEST(bounds_of_a_query)
{
    struct mr_stats *s = NULL;
    made_ledger(&made, 8, 60, 20);
    const struct mr_stats_query backwards = {20, 19, MR_STATS_BY_DAY, 0, NULL};
    const struct mr_stats_query many = {0, MR_STATS_PERIODS_MAX, MR_STATS_BY_DAY, 0, NULL};
    const struct mr_stats_query edges = {day_of(0), day_of(made.t.rows - 1), MR_STATS_BY_YEAR, 1,
                                         NULL};
    ck_assert_int_eq(mr_stats_create(&s, &scratch_mem, &made.t, &backwards), MR_OUT_OF_RANGE);
    ck_assert_int_eq(mr_stats_create(&s, &scratch_mem, &made.t, &many), MR_OUT_OF_RANGE);
    ck_assert_int_eq(mr_stats_create(&s, &scratch_mem, &made.t, &edges), MR_OK);
    size_t count, found = 0;
    for (size_t i = 0; i < mr_stats_jobs(s); i++)
        ck_assert_int_eq(mr_stats_run(s, i), MR_OK);
    const struct mr_stats_figure *const f = mr_stats_figures(s, &count);
    for (size_t i = 0; i < count; i++)
        found += f[i].id == MR_STATS_CIRCULARITY && f[i].state == MR_STATS_TOO_BIG ? 1 : 0;
    ck_assert_uint_eq(found, 2);
    mr_stats_destroy(s);
}
END_TEST

static struct mr_stats *run_query(const struct mr_stats_query *q)
{
    struct mr_stats *s = NULL;
    ck_assert_int_eq(mr_stats_create(&s, &scratch_mem, &made.t, q), MR_OK);
    for (size_t i = 0; i < mr_stats_jobs(s); i++)
        ck_assert_int_eq(mr_stats_run(s, i), MR_OK);
    return s;
}

/* Each indicator by itself is what it is among all. */
START_TEST(one_indicator_alone)
{
    bool only[MR_STATS_IDS] = {false};
    size_t count, n;
    made_ledger(&made, 10, 400, 200);
    struct mr_stats_query q = {day_of(0), day_of(made.t.rows - 1), MR_STATS_BY_MONTH, 0, NULL};
    struct mr_stats *const all = run_query(&q);
    const struct mr_stats_figure *f = mr_stats_figures(all, &count);
    q.only = only;
    for (enum mr_stats_id id = 0; id < MR_STATS_IDS; id++) {
        only[id] = true;
        struct mr_stats *const one = run_query(&q);
        const struct mr_stats_figure *const g = mr_stats_figures(one, &n);
        ck_assert_msg(n > 0, "%s: nothing", mr_stats_indicator(id)->id);
        for (size_t i = 0; i < n; i++, f++) {
            same_figure(&g[i], f);
            ck_assert_uint_eq(g[i].members, f->members);
        }
        mr_stats_destroy(one);
        only[id] = false;
    }
    ck_assert_ptr_eq(f, mr_stats_figures(all, &count) + count);
    mr_stats_destroy(all);
}
END_TEST

struct scarce {
    size_t left, held;
    bool failed;
};

static void *scarce_get(void *ctx, size_t bytes)
{
    struct scarce *const m = ctx;
    if (m->left == 0) {
        m->failed = true;
        return NULL;
    }
    m->left--;
    m->held++;
    return malloc(bytes);
}

static void scarce_put(void *ctx, void *p)
{
    struct scarce *const m = ctx;
    m->held -= p != NULL ? 1 : 0;
    free(p);
}

/* Every allocation is refused once: nothing is wrong, nothing stays. */
START_TEST(memory_that_ends)
{
    const bool few = _i == 1; /* who stands behind shares is looked for, too */
    struct scarce scarce = {.failed = true};
    const struct mr_mem mem = {scarce_get, scarce_put, &scarce};
    made_ledger(&made, 11, 120, 100);
    const struct mr_stats_query q = {day_of(0), day_of(made.t.rows - 1), MR_STATS_BY_MONTH, 0,
                                     NULL};
    size_t n = 0;
    for (; scarce.failed; n++) {
        struct mr_stats *s = NULL;
        size_t count;
        scarce = (struct scarce){.left = n};
        enum mr_status st = mr_stats_create(&s, &mem, &made.t, &q);
        if (s != NULL && few)
            mr_stats_few(s, 5, 80);
        for (size_t i = 0; s != NULL && i < mr_stats_jobs(s); i++) {
            const enum mr_status job = mr_stats_run(s, i);
            st = st == MR_OK ? job : st;
        }
        const bool figures = s != NULL && mr_stats_figures(s, &count) != NULL;
        ck_assert_int_eq(figures, !scarce.failed);
        ck_assert(st == MR_OK || st == MR_NO_MEMORY);
        mr_stats_destroy(s);
        ck_assert_uint_eq(scarce.held, 0);
    }
    ck_assert_uint_gt(n, 200);
}
END_TEST

START_TEST(sums_that_no_ledger_has)
{
    struct mr_stats *s = NULL;
    made_ledger(&made, 9, 60, 20);
    for (size_t i = 0; i < made.t.rows; i++)
        made.amount[i] = INT64_C(1) << 60;
    const struct mr_stats_query q = {day_of(0), day_of(made.t.rows - 1), MR_STATS_BY_MONTH, 0,
                                     NULL};
    ck_assert_int_eq(mr_stats_create(&s, &scratch_mem, &made.t, &q), MR_AMOUNT_TOO_LARGE);
}
END_TEST

/* --- printing --------------------------------------------------------------------------------- */

START_TEST(numbers_are_rounded_half_to_even)
{
    static const struct {
        int64_t num, den;
        uint32_t decimals;
        const char *text;
    } rows[] = {{1, 2, 0, "0"},
                {3, 2, 0, "2"},
                {5, 2, 0, "2"},
                {-1, 2, 0, "0"},
                {-3, 2, 0, "-2"},
                {1, 3, 3, "0.333"},
                {2, 3, 3, "0.667"},
                {1, 2000, 3, "0.000"},
                {3, 2000, 3, "0.002"},
                {-1, 3000, 3, "0.000"},
                {999999, 1000000, 3, "1.000"},
                {19995, 10000, 3, "2.000"},
                {-7, 4, 1, "-1.8"},
                {12345678, 100, 2, "123456.78"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[MR_STATS_TEXT_MAX];
        mr_stats_format(text, rows[i].num, rows[i].den, rows[i].decimals);
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

static int by_rank(void *ctx, size_t a, size_t b)
{
    const int *const ranks = ctx;
    return ranks[a] - ranks[b];
}

START_TEST(rows_are_sorted_by_time_then_rank)
{
    enum { ROWS = 500 };
    static uint64_t times[ROWS];
    static uint32_t place[ROWS];
    static int ranks[ROWS];
    made.seed = (uint64_t)_i + 1;
    for (int i = 0; i < ROWS; i++) {
        times[i] = UINT64_C(1700000000000) + made_random(&made, _i == 0 ? 3 : 1u << 30);
        ranks[i] = (i * 7919) % ROWS;
    }
    ck_assert_int_eq(mr_stats_sort(place, &scratch_mem, times, ROWS, by_rank, ranks), MR_OK);
    for (int i = 1; i < ROWS; i++)
        ck_assert(
            times[place[i - 1]] < times[place[i]] ||
            (times[place[i - 1]] == times[place[i]] && ranks[place[i - 1]] < ranks[place[i]]));
}
END_TEST

START_TEST(indicators_have_ids_of_their_own)
{
    for (enum mr_stats_id i = 0; i < MR_STATS_IDS; i++) {
        ck_assert_int_eq(mr_stats_indicator_find(mr_stats_indicator(i)->id), i);
        ck_assert_int_ne(mr_stats_indicator(i)->source[0], '\0');
    }
    ck_assert_int_eq(mr_stats_indicator_find("nothing"), MR_STATS_IDS);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("stats");
    TCase *const c = tcase_create("reference");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, by_month, 0, 6);
    tcase_add_loop_test(c, by_year_from_the_middle, 0, 4);
    tcase_add_loop_test(c, by_week, 0, 3);
    tcase_add_loop_test(c, by_day, 0, 2);
    tcase_add_loop_test(c, without_classes, 0, 3);
    tcase_add_test(c, periods_without_data);
    tcase_add_loop_test(c, over_many_years, 0, 3);
    tcase_add_test(c, on_the_bounds);
    tcase_add_test(c, public_money_by_its_days);
    tcase_add_test(c, bounds_of_a_query);
    tcase_add_test(c, one_indicator_alone);
    tcase_add_loop_test(c, memory_that_ends, 0, 2);
    tcase_add_test(c, sums_that_no_ledger_has);
    tcase_add_test(c, numbers_are_rounded_half_to_even);
    tcase_add_loop_test(c, rows_are_sorted_by_time_then_rank, 0, 3);
    tcase_add_test(c, indicators_have_ids_of_their_own);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0;
}
