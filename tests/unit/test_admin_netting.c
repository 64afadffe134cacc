/* The netting proposal: what is short is filled, by the fewest transfers. */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "admin/netting.h"

static struct netting n;

static void propose(const int64_t *left, uint32_t count)
{
    netting_propose(&n, left, count);
}

static void expect(size_t at, uint32_t from, uint32_t to, int64_t amount)
{
    ck_assert_uint_lt(at, n.count);
    ck_assert_uint_eq(n.transfers[at].from, from);
    ck_assert_uint_eq(n.transfers[at].to, to);
    ck_assert_int_eq(n.transfers[at].amount, amount);
}

START_TEST(nothing_is_short)
{
    propose((const int64_t[]){5, 0, 7}, 3);
    ck_assert_uint_eq(n.count, 0);
    ck_assert_int_eq(n.uncovered, 0);
    propose(NULL, 0);
    ck_assert_uint_eq(n.count, 0);
}
END_TEST

START_TEST(the_nearest_giver_pays_it_all)
{
    propose((const int64_t[]){100, -30, 40, 10}, 4);
    ck_assert_uint_eq(n.count, 1);
    expect(0, 2, 1, 30);
    propose((const int64_t[]){20, -30, 20, 20}, 4); /* equal ones: the first of the charter */
    ck_assert_uint_eq(n.count, 2);
    expect(0, 0, 1, 20);
    expect(1, 2, 1, 10);
}
END_TEST

/* Best fit alone would take three: 60 to 55 leaves 5, and 100 has not 45 + 60 to give. */
START_TEST(it_looks_further_than_one_step)
{
    propose((const int64_t[]){60, 100, -55, -60, -45}, 5);
    ck_assert_uint_eq(n.count, 3);
    expect(0, 0, 3, 60);
    expect(1, 1, 2, 55);
    expect(2, 1, 4, 45);
}
END_TEST

START_TEST(who_lacks_least_is_served_first)
{
    propose((const int64_t[]){50, -40, -30}, 3);
    ck_assert_uint_eq(n.count, 2);
    expect(0, 0, 1, 20);
    expect(1, 0, 2, 30);
    ck_assert_int_eq(n.uncovered, 20);
    propose((const int64_t[]){0, -40}, 2);
    ck_assert_uint_eq(n.count, 0);
    ck_assert_int_eq(n.uncovered, 40);
}
END_TEST

START_TEST(amounts_as_large_as_a_ledger_holds)
{
    int64_t left[MR_ASSOCIATIONS_MAX];
    for (uint32_t i = 0; i < MR_ASSOCIATIONS_MAX; i++)
        left[i] = i % 2 == 0 ? MR_AMOUNT_MAX / 20 : -MR_AMOUNT_MAX / 20;
    propose(left, MR_ASSOCIATIONS_MAX);
    ck_assert_uint_eq(n.count, MR_ASSOCIATIONS_MAX / 2);
}
END_TEST

/* --- against a search of all partitions --------------------------------------------------------
 */

static uint64_t state;

static uint64_t chance(uint64_t below)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

/* The fewest transfers are those of a forest: each tree of parties with enough to spare takes one
 * less than it has parties. Tries every way to give each party to a tree, or a giver to none. */
static unsigned fewest(const int64_t *left, uint32_t count)
{
    unsigned best = 99, tree[8] = {0};
    for (;;) {
        int64_t sum[9] = {0};
        unsigned parties[9] = {0}, cost = 0;
        bool good = true;
        for (uint32_t i = 0; i < count; i++) {
            good = good && (tree[i] > 0 || left[i] >= 0);
            sum[tree[i]] += left[i];
            parties[tree[i]]++;
        }
        for (unsigned t = 1; t <= count; t++) {
            good = good && sum[t] >= 0;
            cost += parties[t] > 0 ? parties[t] - 1 : 0;
        }
        if (good && cost < best)
            best = cost;
        uint32_t at = 0;
        while (at < count && ++tree[at] > count)
            tree[at++] = 0;
        if (at == count)
            return best;
    }
}

START_TEST(there_is_no_smaller_one)
{
    int64_t left[6], after[6], spare = 0, needed = 0;
    state = (uint64_t)_i;
    const uint32_t count = 3 + (uint32_t)chance(3);
    for (uint32_t i = 0; i < count; i++) {
        left[i] = after[i] = (int64_t)chance(13) * 10 - 60;
        spare += left[i] > 0 ? left[i] : 0;
        needed += left[i] < 0 ? -left[i] : 0;
    }
    propose(left, count);
    ck_assert_int_eq(n.uncovered, needed > spare ? needed - spare : 0);
    for (size_t k = 0; k < n.count; k++) {
        ck_assert_int_gt(n.transfers[k].amount, 0);
        after[n.transfers[k].from] -= n.transfers[k].amount;
        after[n.transfers[k].to] += n.transfers[k].amount;
    }
    int64_t open = 0;
    for (uint32_t i = 0; i < count; i++) {
        ck_assert(left[i] > 0 ? after[i] >= 0 : after[i] <= 0);
        open += after[i] < 0 ? -after[i] : 0;
    }
    ck_assert_int_eq(open, n.uncovered);
    if (n.uncovered == 0)
        ck_assert_uint_eq(n.count, fewest(left, count));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("netting");
    TCase *tc = tcase_create("netting");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, nothing_is_short);
    tcase_add_test(tc, the_nearest_giver_pays_it_all);
    tcase_add_test(tc, it_looks_further_than_one_step);
    tcase_add_test(tc, who_lacks_least_is_served_first);
    tcase_add_test(tc, amounts_as_large_as_a_ledger_holds);
    tcase_add_loop_test(tc, there_is_no_smaller_one, 0, 300);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
