/* The largest accounts in bounded room: none counts as smaller than it is, also where what was
 * counted apart is joined. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "audit/stats/stats.h"
#include "stats/made.h"

enum { N = 40, PARTS = 4, PAYMENTS = 400 };

static struct made chance;
static int64_t amounts[N]; /* of each account, exactly */
static int64_t all;
static struct mri_stats_tally parts[PARTS];

/* An account is large in one part and small in the others. */
static void make(int seed, uint32_t among)
{
    chance.seed = (uint64_t)seed * 2 + 1;
    memset(amounts, 0, sizeof amounts);
    memset(parts, 0, sizeof parts);
    all = 0;
    for (size_t i = 0; i < PAYMENTS; i++) {
        const uint32_t account = (uint32_t)made_random(&chance, among);
        const uint32_t part = (uint32_t)made_random(&chance, PARTS);
        const bool large = account % PARTS == part;
        const int64_t amount = 1 + (int64_t)made_random(&chance, large ? 1000 : 50);
        mri_stats_tally_add(&parts[part], account, amount);
        amounts[account] += amount;
        all += amount;
    }
}

static void join_parts(struct mri_stats_tally *ret)
{
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < PARTS; i++)
        mri_stats_tally_join(ret, &parts[i]);
    ck_assert(ret->sum == all);
    ck_assert_uint_le(ret->count, MRI_STATS_TOP);
}

/* The most that an account has, as the tally says it. */
static int64_t most_of(const struct mri_stats_tally *t, uint32_t account)
{
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->top[i].account == account)
            return t->top[i].amount;
        least = t->top[i].amount < least ? t->top[i].amount : least;
    }
    return t->count < MRI_STATS_TOP ? 0 : least;
}

/* _i is the seed. */
START_TEST(none_is_smaller_than_it_is)
{
    struct mri_stats_tally t;
    make(_i, N);
    join_parts(&t);
    ck_assert_uint_eq(t.count, MRI_STATS_TOP);
    for (uint32_t i = 0; i < N; i++)
        ck_assert_msg(most_of(&t, i) >= amounts[i], "account %u", i);
    for (uint32_t i = 0; i < t.count; i++) {
        for (uint32_t k = 0; k < i; k++)
            ck_assert_uint_ne(t.top[i].account, t.top[k].account);
    }
}
END_TEST

START_TEST(of_sixteen_it_is_exact)
{
    struct mri_stats_tally t;
    make(_i, MRI_STATS_TOP);
    join_parts(&t);
    for (uint32_t i = 0; i < MRI_STATS_TOP; i++)
        ck_assert_int_eq(most_of(&t, i), amounts[i]);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("stats_few");
    TCase *const c = tcase_create("tallies");
    tcase_add_loop_test(c, none_is_smaller_than_it_is, 0, 50);
    tcase_add_loop_test(c, of_sixteen_it_is_exact, 0, 10);
    suite_add_tcase(suite, c);
    SRunner *const r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
