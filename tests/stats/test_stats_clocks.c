/* Orders of several people are dated by several clocks. */
#include <check.h>
#include <stdlib.h>

#include "lib/scratch.h"
#include "mereau/stats.h"
#include "mereau/time.h"

enum { DAY = 20000 };

static const struct mr_stats_figure *find(const struct mr_stats_figure *f, size_t count,
                                          enum mr_stats_id id)
{
    for (size_t i = 0; i < count; i++)
        if (f[i].id == id && f[i].period == 0)
            return &f[i];
    ck_abort_msg("no figure");
}

START_TEST(a_payout_dated_before_its_redemption)
{
    static const struct mr_stats_association association = {.name = "one"};
    static const struct mr_stats_account accounts[] = {
        {.class = MR_CLASS_SHOP, .trade = MR_STATS_NONE, .town = MR_STATS_NONE}};
    const uint64_t noon = DAY * (uint64_t)MR_DAY_MS + MR_DAY_MS / 2;
    const struct mr_stats_redemption redemptions[] = {
        {.amount = 3000, .asked_ms = noon, .done_ms = noon - 60000},
        {.amount = 1000, .asked_ms = noon, .done_ms = noon + MR_DAY_MS / 4}};
    const struct mr_stats_table t = {.units_count = 1,
                                     .units = {{.code = "MRO", .decimals = 2}},
                                     .associations = &association,
                                     .associations_count = 1,
                                     .accounts = accounts,
                                     .accounts_count = 1,
                                     .redemptions = redemptions,
                                     .redemptions_count = 2};
    const struct mr_stats_query q = {.from_day = DAY, .to_day = DAY, .by = MR_STATS_BY_DAY};
    struct mr_stats *s = NULL;
    char text[MR_STATS_TEXT_MAX];
    size_t count;
    ck_assert_int_eq(mr_stats_create(&s, &scratch_mem, &t, &q), MR_OK);
    for (size_t i = 0; i < mr_stats_jobs(s); i++)
        ck_assert_int_eq(mr_stats_run(s, i), MR_OK);
    const struct mr_stats_figure *const f = mr_stats_figures(s, &count);
    ck_assert_ptr_nonnull(f);
    /* A quarter of a day for a quarter of the money, and nothing for the rest. */
    mr_stats_figure_text(text, find(f, count, MR_STATS_PAYOUT_DAYS));
    ck_assert_str_eq(text, "0.062");
    mr_stats_destroy(s);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("stats_clocks");
    TCase *const c = tcase_create("clocks");
    tcase_add_test(c, a_payout_dated_before_its_redemption);
    suite_add_tcase(suite, c);
    SRunner *const r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
