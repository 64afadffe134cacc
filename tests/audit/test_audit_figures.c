/* Figures do not depend on whose book they come from, nor on the order in which its rows stand. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "audit/league.h"
#include "audit/rows.h"
#include "lib/scratch.h"
#include "mereau/codec.h"
#include "mereau/time.h"

static struct ring r;
static struct book book;

static struct rows *rows_of(uint32_t node)
{
    static uint8_t bytes[sizeof r.w.charter];
    struct mr_audit_totals t;
    struct mr_stats_point point;
    struct mr_audit *a = NULL;
    struct rows *rows = NULL;
    const size_t n = mr_charter_encode(&r.w.charter, bytes, sizeof bytes);
    book_read(&book, r.nodes[node].journal);
    ck_assert_int_eq(mr_audit_create(&a, &scratch_mem, NULL, NULL, bytes, n), MR_OK);
    ck_assert_int_eq(rows_create(&rows, NULL, &r.w.charter, mr_audit_ledger(a)), MR_OK);
    rows_follow(rows, a);
    for (uint32_t i = 0; i < book.count; i++) {
        ck_assert_int_eq(mr_audit_feed(a, &book.turns[i]), MR_OK);
        audit_verify(a);
    }
    ck_assert_int_eq(mr_audit_end(a, &t), MR_OK);
    ck_assert_uint_eq(t.findings, 0);
    rows_point(&point, a, &t);
    ck_assert_int_eq(rows_commit(rows, mr_audit_charter(a), &point), MR_OK);
    mr_audit_destroy(a);
    book_done(&book);
    return rows;
}

static struct mr_stats *stats_of(struct rows *rows, struct mr_stats_table *t)
{
    struct mr_stats *s = NULL;
    ck_assert_int_eq(rows_table(rows, t), MR_OK);
    ck_assert_uint_gt(t->rows, 5);
    const struct mr_stats_query q = {mr_day_of(t->time_ms[0]), mr_day_of(t->time_ms[t->rows - 1]),
                                     MR_STATS_BY_DAY, 0, NULL};
    ck_assert_int_eq(mr_stats_create(&s, &scratch_mem, t, &q), MR_OK);
    for (size_t i = 0; i < mr_stats_jobs(s); i++)
        ck_assert_int_eq(mr_stats_run(s, i), MR_OK);
    return s;
}

START_TEST(every_node_has_the_same_figures)
{
    struct mr_stats_table first, other;
    struct rows *const a = rows_of(0);
    struct mr_stats *const x = stats_of(a, &first);
    size_t count, n;
    const struct mr_stats_figure *const f = mr_stats_figures(x, &count);
    ck_assert_uint_gt(count, 50);
    for (uint32_t i = 1; i < r.count; i++) {
        struct rows *const b = rows_of(i);
        struct mr_stats *const y = stats_of(b, &other);
        const struct mr_stats_figure *const g = mr_stats_figures(y, &n);
        ck_assert_uint_eq(n, count);
        ck_assert_mem_eq(first.point.state, other.point.state, 32);
        ck_assert_uint_eq(first.point.settled, other.point.settled);
        ck_assert_uint_eq(first.point.time_ms, other.point.time_ms);
        for (size_t k = 0; k < count; k++) {
            char p[MR_STATS_TEXT_MAX], q[MR_STATS_TEXT_MAX];
            mr_stats_figure_text(p, &f[k]);
            mr_stats_figure_text(q, &g[k]);
            ck_assert_int_eq(f[k].id, g[k].id);
            ck_assert_uint_eq(f[k].row, g[k].row);
            ck_assert_str_eq(p, q);
        }
        mr_stats_destroy(y);
        rows_destroy(b);
    }
    mr_stats_destroy(x);
    rows_destroy(a);
}
END_TEST

static void setup(void)
{
    league_tell(&r);
}

static void teardown(void)
{
    ring_done(&r);
}

int main(void)
{
    Suite *const s = suite_create("audit_figures");
    TCase *const c = tcase_create("nodes");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, every_node_has_the_same_figures);
    suite_add_tcase(s, c);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
