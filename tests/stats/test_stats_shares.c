/* Shares tell of two: of those behind the part, and of those behind what is left of the whole. Here
 * both are counted anew, slowly, from the movements; neither may be few behind a share that is
 * shown. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "audit/published.h"
#include "lib/scratch.h"
#include "mereau/time.h"
#include "stats/town.h"

enum { N = TOWN_ACCOUNTS, DAYS = 301 };

static struct town town;
static struct measure measure;
static bool *shown;
static int64_t paid[N][N];   /* circulation, of the days that are looked at */
static uint64_t first_ms[N]; /* of the first payment of an account; 0: none */
static size_t looked_at, found;

/* --- publishing ------------------------------------------------------------------------------- */

static void publish(enum mr_stats_by by, bool careful)
{
    struct published p;
    struct measure *const m = &measure;
    const struct mr_stats_query q = {TOWN_DAY_FIRST, TOWN_DAY_FIRST + DAYS - 1, by, 0, NULL};
    *m = (struct measure){.table = town.table, .by = by};
    ck_assert_int_eq(mr_stats_create(&m->stats, &scratch_mem, &town.table, &q), MR_OK);
    if (careful)
        mr_stats_few(m->stats, DISCLOSURE_MEMBERS_MIN, DISCLOSURE_SHARE_MAX);
    for (size_t i = 0; i < mr_stats_jobs(m->stats); i++)
        ck_assert_int_eq(mr_stats_run(m->stats, i), MR_OK);
    m->figures = mr_stats_figures(m->stats, &m->figures_count);
    m->periods = mr_stats_periods(m->stats, &m->periods_count);
    ck_assert_int_eq(published_create(&p, m, NULL, 0, NULL), MR_OK);
    shown = calloc(m->figures_count, sizeof *shown);
    for (size_t i = 0; i < m->figures_count; i++)
        shown[i] = published_why(&p, i) == DISCLOSURE_SHOWN;
    published_done(&p);
    looked_at = found = 0;
}

static void forget(void)
{
    free(shown);
    mr_stats_destroy(measure.stats);
}

static void make(int seed)
{
    town_make(&town, (uint64_t)seed + 1, DAYS, seed % 2 == 1, seed % 4 < 2);
    for (uint32_t i = 0; i < N; i++)
        town.accounts[i].town = i % 5 == 0 ? MR_STATS_NONE : i % 5 < 4 ? 0 : 1;
}

/* --- counting --------------------------------------------------------------------------------- */

static bool circulates(size_t i)
{
    return town.unit[i] == 0 && town.kind[i] == MR_STATS_PAY &&
           mr_stats_in_scope(MR_STATS_CIRCULATING, town.accounts[town.from[i]].class) &&
           mr_stats_in_scope(MR_STATS_CIRCULATING, town.accounts[town.to[i]].class);
}

static uint32_t day_of(size_t i)
{
    return (uint32_t)(town.time_ms[i] / MR_DAY_MS);
}

static void count_pairs(const struct mr_stats_period *p)
{
    memset(paid, 0, sizeof paid);
    for (size_t i = 0; i < town.table.rows; i++) {
        if (circulates(i) && day_of(i) >= p->from_day && day_of(i) <= p->to_day)
            paid[town.from[i]][town.to[i]] += town.amount[i];
    }
}

/* Few, or one that has nearly all of it. */
static bool few_among(const int64_t of[N], int64_t all)
{
    uint32_t members = 0;
    int64_t largest = 0;
    for (size_t a = 0; a < N; a++) {
        members += of[a] > 0 ? 1 : 0;
        largest = of[a] > largest ? of[a] : largest;
    }
    return members > 0 && (members < 5 || largest * 10 > all * 8);
}

/* By accounts whose parts add up to all of it. */
static bool few_parts(const int64_t of[N])
{
    int64_t all = 0;
    for (size_t a = 0; a < N; a++)
        all += of[a];
    return few_among(of, all);
}

/* By what each gave or got of payments: `w` is what counts of each pair. */
static bool few_pairs(int64_t (*w)[N])
{
    static int64_t most[N];
    int64_t all = 0;
    for (size_t a = 0; a < N; a++) {
        int64_t given = 0, got = 0;
        for (size_t b = 0; b < N; b++) {
            given += w[a][b];
            got += w[b][a];
        }
        all += given;
        most[a] = given > got ? given : got;
    }
    return few_among(most, all);
}

static bool few_of(int64_t n)
{
    return n > 0 && n < 5;
}

/* --- shares ----------------------------------------------------------------------------------- */

static bool top_ten(const struct mr_stats_period *p)
{
    int64_t got[N] = {0}, top[N] = {0};
    (void)p;
    for (size_t a = 0; a < N; a++) {
        for (size_t b = 0; b < N; b++)
            got[a] += paid[b][a];
    }
    for (int k = 0; k < 10; k++) {
        size_t best = 0;
        for (size_t a = 1; a < N; a++)
            best = got[a] > got[best] ? a : best;
        top[best] = top[best] + got[best];
        got[best] = 0;
    }
    return few_parts(top) || few_parts(got);
}

static bool mutual(const struct mr_stats_period *p)
{
    static int64_t part[N], rest[N][N];
    int64_t all = 0;
    (void)p;
    memset(part, 0, sizeof part);
    for (size_t a = 0; a < N; a++) {
        for (size_t b = 0; b < N; b++) {
            const int64_t both = paid[a][b] < paid[b][a] ? paid[a][b] : paid[b][a];
            rest[a][b] = paid[a][b] - both;
            part[a] += 2 * both; /* both stand behind the whole of it */
            all += both;
        }
    }
    return few_among(part, all) || few_pairs(rest);
}

enum { WORDS = (N + 63) / 64 };

static bool reaches(uint64_t (*reach)[WORDS], size_t a, size_t b)
{
    return (reach[a][b / 64] >> b % 64 & 1) != 0;
}

/* The largest set of accounts that reach each other; of equals any, so these are left out. */
static bool core(const struct mr_stats_period *p)
{
    static uint64_t reach[N][WORDS];
    static int64_t inside[N][N], outside[N][N];
    uint32_t size[N] = {0}, best = 0, equals = 0;
    (void)p;
    memset(reach, 0, sizeof reach);
    for (size_t a = 0; a < N; a++) {
        for (size_t b = 0; b < N; b++)
            reach[a][b / 64] |= (uint64_t)(paid[a][b] > 0) << b % 64;
    }
    for (size_t k = 0; k < N; k++) {
        for (size_t a = 0; a < N; a++) {
            for (size_t b = 0; reaches(reach, a, k) && b < WORDS; b++)
                reach[a][b] |= reach[k][b];
        }
    }
    for (size_t a = 0; a < N; a++) {
        for (size_t b = 0; b < N; b++)
            size[a] += reaches(reach, a, b) && reaches(reach, b, a) ? 1 : 0;
        best = size[a] > size[best] ? (uint32_t)a : best;
    }
    for (size_t a = 0; a < N; a++)
        equals += size[a] == size[best] ? 1 : 0;
    if (size[best] == 0 || equals != size[best])
        return false;
    for (size_t a = 0; a < N; a++) {
        for (size_t b = 0; b < N; b++) {
            const bool in = reaches(reach, best, a) && reaches(reach, a, best) &&
                            reaches(reach, best, b) && reaches(reach, b, best);
            inside[a][b] = in ? paid[a][b] : 0;
            outside[a][b] = in ? 0 : paid[a][b];
        }
    }
    return few_pairs(inside) || few_pairs(outside);
}

static bool soon(const struct mr_stats_period *p)
{
    int64_t opened = 0, first = 0;
    for (size_t a = 0; a < N; a++) {
        const uint64_t at = town.accounts[a].opened_ms;
        if (!mr_stats_in_scope(MR_STATS_CIRCULATING, town.accounts[a].class) ||
            at < p->from_day * (uint64_t)MR_DAY_MS || at >= (p->to_day + UINT64_C(1)) * MR_DAY_MS)
            continue;
        opened++;
        first += first_ms[a] != 0 && first_ms[a] <= at + 30 * (uint64_t)MR_DAY_MS ? 1 : 0;
    }
    return few_of(first) || few_of(opened - first);
}

static bool passing_little(const struct mr_stats_period *p)
{
    int64_t shops = 0, low = 0;
    (void)p;
    for (size_t a = 0; a < N; a++) {
        int64_t given = 0, got = 0;
        for (size_t b = 0; b < N; b++) {
            given += paid[a][b];
            got += paid[b][a];
        }
        if (town.accounts[a].class != MR_CLASS_SHOP || got == 0)
            continue;
        shops++;
        low += given * 5 < got ? 1 : 0;
    }
    return few_of(low) || few_of(shops - low);
}

static bool in_town(const struct mr_stats_period *p, uint32_t name)
{
    int64_t kept[N] = {0}, rest[N] = {0};
    for (size_t i = 0; i < town.table.rows; i++) {
        const uint32_t from = town.from[i], to = town.to[i];
        if (day_of(i) < p->from_day || day_of(i) > p->to_day || town.accounts[from].town != name)
            continue;
        if (circulates(i))
            (town.accounts[to].town == name ? kept : rest)[from] += town.amount[i];
        else if (town.unit[i] == 0 && town.kind[i] == MR_STATS_REDEEM)
            rest[from] += town.amount[i];
    }
    return few_parts(kept) || few_parts(rest);
}

/* What rested at least one number of days and less than another one. */
static bool few_rested(const struct mr_stats_period *p, uint32_t from, uint32_t below)
{
    static int64_t balance[N], held[N];
    static uint32_t out[N], in[N]; /* last and first day, plus 1 */
    memset(balance, 0, sizeof balance);
    memset(held, 0, sizeof held);
    memset(out, 0, sizeof out);
    memset(in, 0, sizeof in);
    for (size_t i = 0; i < town.table.rows && day_of(i) <= p->to_day; i++) {
        const uint32_t a = town.from[i], b = town.to[i];
        if (town.unit[i] != 0)
            continue;
        balance[a] -= town.amount[i];
        balance[b] += town.amount[i];
        if (town.kind[i] == MR_STATS_PAY || town.kind[i] == MR_STATS_REDEEM)
            out[a] = day_of(i) + 1;
        in[b] = in[b] == 0 ? day_of(i) + 1 : in[b];
    }
    for (size_t a = 0; a < N; a++) {
        const uint32_t last = out[a] > in[a] ? out[a] : in[a], end = p->to_day + 2;
        if (mr_stats_in_scope(MR_STATS_CIRCULATING, town.accounts[a].class) && balance[a] > 0 &&
            end - last > from && end - last <= below)
            held[a] = balance[a];
    }
    return few_parts(held);
}

/* --- looking ---------------------------------------------------------------------------------- */

static void tell(const struct mr_stats_figure *f, bool few)
{
    looked_at++;
    if (!few)
        return;
    fprintf(stderr, "%s %u of period %u tells of few\n", mr_stats_indicator(f->id)->id,
            (unsigned)f->row, (unsigned)f->period);
    found++;
}

static void look_at(const struct mr_stats_figure *f, const struct mr_stats_period *p)
{
    static const struct {
        enum mr_stats_id id;
        bool (*few)(const struct mr_stats_period *p);
    } shares[] = {
        {MR_STATS_TOP10, top_ten},
        {MR_STATS_RECIPROCITY, mutual},
        {MR_STATS_CORE_SHARE, core},
        {MR_STATS_FIRST_SHARE, soon},
        {MR_STATS_RECIRCULATION_LOW, passing_little},
    };
    for (size_t k = 0; k < sizeof shares / sizeof shares[0]; k++) {
        if (shares[k].id == f->id)
            tell(f, shares[k].few(p));
    }
    if (f->id == MR_STATS_TOWN_KEPT)
        tell(f, in_town(p, f->row));
}

/* Each step between two ages that are shown, what is younger and what is older. */
static void look_at_ages(uint32_t period)
{
    const struct mr_stats_figure *last = NULL;
    uint32_t since = 0;
    for (size_t i = 0; i < measure.figures_count; i++) {
        const struct mr_stats_figure *const f = &measure.figures[i];
        if (f->id != MR_STATS_DORMANT || f->period != period || f->state != MR_STATS_VALUE ||
            !shown[i])
            continue;
        tell(f, few_rested(&measure.periods[period], since, f->row));
        since = f->row;
        last = f;
    }
    if (last != NULL)
        tell(last, few_rested(&measure.periods[period], since, UINT32_MAX));
}

static void find_first(void)
{
    memset(first_ms, 0, sizeof first_ms);
    for (size_t i = town.table.rows; i-- > 0;) {
        if (circulates(i))
            first_ms[town.from[i]] = first_ms[town.to[i]] = town.time_ms[i];
    }
}

static void look(void)
{
    find_first();
    for (uint32_t p = 0; p <= measure.periods_count; p++) {
        count_pairs(&measure.periods[p]);
        for (size_t i = 0; i < measure.figures_count; i++) {
            if (measure.figures[i].period == p && shown[i] &&
                measure.figures[i].state == MR_STATS_VALUE)
                look_at(&measure.figures[i], &measure.periods[p]);
        }
        look_at_ages(p);
    }
}

START_TEST(shares_and_their_rests)
{
    static const enum mr_stats_by by[] = {MR_STATS_BY_MONTH, MR_STATS_BY_WEEK, MR_STATS_BY_YEAR};
    make(_i);
    publish(by[_i % 3], true);
    look();
    ck_assert_uint_eq(found, 0);
    ck_assert_uint_gt(looked_at, by[_i % 3] == MR_STATS_BY_YEAR ? 5 : 20);
    forget();
}
END_TEST

START_TEST(the_look_sees)
{
    make(_i);
    publish(MR_STATS_BY_WEEK, false);
    look();
    ck_assert_uint_gt(found, 5);
    forget();
}
END_TEST

/* --- what goes round -------------------------------------------------------------------------- */

enum { FIRST = 9, LAST_DAYS = DAYS - 9 }; /* a resident of the town */

static void move(uint32_t day, uint32_t from, uint32_t to, int64_t amount, enum mr_stats_kind kind)
{
    const size_t i = town.table.rows++;
    town.time_ms[i] = (uint64_t)(TOWN_DAY_FIRST + LAST_DAYS + day) * MR_DAY_MS;
    town.from[i] = from;
    town.to[i] = to;
    town.amount[i] = amount;
    town.kind[i] = (uint8_t)kind;
    town.unit[i] = 0;
}

static void pay(uint32_t day, uint32_t from, uint32_t to, int64_t amount)
{
    move(day, FIRST + from, FIRST + to, amount, MR_STATS_PAY);
}

/* Many pay each other and others, so that all else is of many. */
static void make_quiet(void)
{
    make(0);
    town.table.rows = 0;
    for (uint32_t i = 0; i < 30; i++)
        pay(1, i, 40 + i, 1000 + i);
}

static bool is_shown(enum mr_stats_id id)
{
    for (size_t i = 0; i < measure.figures_count; i++) {
        if (measure.figures[i].id == id && measure.figures[i].period == measure.periods_count) {
            ck_assert_int_eq(measure.figures[i].state, MR_STATS_VALUE);
            return shown[i];
        }
    }
    ck_abort_msg("no figure");
    return false;
}

/* Six are in a core, three of them in the only circle that is left behind netting: the three others
 * paid both ways. */
START_TEST(a_circle_of_three_within_six)
{
    make_quiet();
    pay(2, 0, 1, 500);
    pay(2, 1, 2, 400);
    pay(2, 2, 0, 450);
    for (uint32_t i = 2; i < 5; i++) {
        pay(3, i, i + 1, 300);
        pay(3, i + 1, i, 300);
    }
    publish(MR_STATS_BY_YEAR, true);
    ck_assert(!is_shown(MR_STATS_CIRCULARITY));
    ck_assert(is_shown(MR_STATS_TURNOVER));
    forget();
}
END_TEST

/* Many circles, all of them through one account, which all of it tells of; or not. */
static void make_circles(bool through_one)
{
    make_quiet();
    for (uint32_t i = 0; i < 12; i++) {
        const uint32_t hub = through_one ? 36 : 36 + i % 4;
        pay(2, hub, i, 500 + i);
        pay(2, i, 12 + i, 500 + i);
        pay(2, 12 + i, hub, 500 + i);
    }
    publish(MR_STATS_BY_YEAR, true);
}

START_TEST(circles_through_one)
{
    make_circles(true);
    ck_assert(!is_shown(MR_STATS_CIRCULARITY));
    ck_assert(!is_shown(MR_STATS_CIRCULARITY_GROSS));
    forget();
    make_circles(false);
    ck_assert(is_shown(MR_STATS_CIRCULARITY));
    ck_assert(is_shown(MR_STATS_CIRCULARITY_GROSS));
    forget();
}
END_TEST

/* All goes round but what one paid another: the rest is theirs. */
START_TEST(what_does_not_go_round)
{
    make(0);
    town.table.rows = 0;
    for (uint32_t i = 0; i < 30; i++)
        pay(1, i, (i + 1) % 30, 1000);
    pay(2, 3, 17, 77);
    publish(MR_STATS_BY_YEAR, true);
    ck_assert(!is_shown(MR_STATS_CIRCULARITY));
    ck_assert(!is_shown(MR_STATS_CIRCULARITY_GROSS));
    forget();
}
END_TEST

/* --- what is followed further ----------------------------------------------------------------- */

/* A town hall pays twelve; some of them pay it on, or give it back. */
static void make_public(uint32_t paying, uint32_t giving_back)
{
    enum { HALL = N - 1, GIVEN_BACK = 5, PAID = FIRST + 70, SHOP = FIRST + 92 };
    make_quiet();
    for (uint32_t i = 0; i < 12; i++)
        move(2, HALL, PAID + i, 1000, MR_STATS_PAY);
    for (uint32_t i = 0; i < paying; i++)
        move(3, PAID + i, SHOP + i, 100, MR_STATS_PAY);
    for (uint32_t i = 0; i < giving_back; i++)
        move(4, PAID + i, GIVEN_BACK, 100, MR_STATS_REDEEM);
    publish(MR_STATS_BY_YEAR, true);
}

START_TEST(public_money_of_which_few_let_go)
{
    make_public(6, 6);
    ck_assert(is_shown(MR_STATS_LM3_PUBLIC));
    ck_assert(is_shown(MR_STATS_PUBLIC_KEPT));
    forget();
    make_public(1, 6);
    ck_assert(!is_shown(MR_STATS_LM3_PUBLIC));
    ck_assert(is_shown(MR_STATS_PUBLIC_KEPT));
    forget();
    make_public(6, 1);
    ck_assert(is_shown(MR_STATS_LM3_PUBLIC));
    ck_assert(!is_shown(MR_STATS_PUBLIC_KEPT));
    forget();
}
END_TEST

static bool survival_shown(uint32_t age)
{
    for (size_t i = 0; i < measure.figures_count; i++) {
        if (measure.figures[i].id == MR_STATS_SURVIVAL && measure.figures[i].row == age)
            return shown[i];
    }
    ck_abort_msg("no such age");
    return false;
}

/* Twelve get units, and pay them on one day later, or one of them two days later. */
START_TEST(units_that_few_pay_on)
{
    make_quiet();
    for (uint32_t i = 0; i < 12; i++)
        pay(2, i, 70 + i, 1000);
    for (uint32_t i = 0; i < 11; i++)
        pay(3, 70 + i, 92 + i, 1000);
    pay(4, 81, 92, 1000);
    publish(MR_STATS_BY_MONTH, true);
    ck_assert(survival_shown(0)); /* nobody */
    ck_assert(survival_shown(1));
    ck_assert(!survival_shown(2));
    ck_assert(!survival_shown(3)); /* it would say the same */
    forget();
}
END_TEST

/* Which circulation is found must not follow from the order in which a node knows its accounts. */
START_TEST(order_of_accounts)
{
    bool *first;
    size_t count;
    make(_i);
    publish(MR_STATS_BY_MONTH, true);
    first = shown;
    count = measure.figures_count;
    mr_stats_destroy(measure.stats);
    for (uint32_t a = 0; a < N / 2; a++) {
        const struct mr_stats_account x = town.accounts[a];
        town.accounts[a] = town.accounts[N - 1 - a];
        town.accounts[N - 1 - a] = x;
    }
    for (size_t i = 0; i < town.table.rows; i++) {
        town.from[i] = N - 1 - town.from[i];
        town.to[i] = N - 1 - town.to[i];
    }
    for (size_t i = 0; i < town.table.redemptions_count; i++)
        town.redeemed[i].member = N - 1 - town.redeemed[i].member;
    publish(MR_STATS_BY_MONTH, true);
    ck_assert_uint_eq(measure.figures_count, count);
    ck_assert_mem_eq(shown, first, count);
    free(first);
    forget();
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("stats_shares");
    TCase *const c = tcase_create("shares");
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, shares_and_their_rests, 0, 3);
    tcase_add_loop_test(c, the_look_sees, 0, 1);
    tcase_add_test(c, a_circle_of_three_within_six);
    tcase_add_test(c, circles_through_one);
    tcase_add_test(c, what_does_not_go_round);
    tcase_add_test(c, public_money_of_which_few_let_go);
    tcase_add_test(c, units_that_few_pay_on);
    tcase_add_loop_test(c, order_of_accounts, 0, 1);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
