/* The journal's contract, over both implementations; then crashes of the one in memory. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scratch.h"
#include "lib/turns.h"
#include "mereau/journal.h"
#include "storage/journal_file.h"
#include "storage/mem.h"

enum { MEM, FILES, KINDS };

static const struct mr_journal_end origin;
static const uint8_t ledger[32] = {9, 9};
static char dir[SCRATCH_PATH_MAX];
static struct mr_journal *journal;

static void open_journal(int kind)
{
    const struct mr_journal_file_options options = {
        .ledger = ledger, .node = 3, .segment_bytes = 1024, .reserve_bytes = 64};
    struct mr_journal_report report;

    if (kind == MEM)
        ck_assert_int_eq(mr_journal_mem_open(&journal, &scratch_mem, NULL), MR_OK);
    else
        ck_assert_int_eq(mr_journal_file_open(&journal, dir, &options, &report), MR_OK);
}

static void setup(void)
{
    scratch_make(dir);
}

static void teardown(void)
{
    if (journal != NULL)
        journal->api->close(journal);
    journal = NULL;
    scratch_remove(dir);
}

static struct mr_journal_end end_of(void)
{
    struct mr_journal_end end;

    journal->api->end(journal, &end);
    return end;
}

START_TEST(an_empty_journal)
{
    uint8_t b[8];
    size_t len = 99;

    open_journal(_i);
    const struct mr_journal_end end = end_of();
    ck_assert_mem_eq(&end, &origin, sizeof end);
    ck_assert_int_eq(journal->api->read(journal, MR_FAMILY_LOG, 0, b, sizeof b, &len), MR_OK);
    ck_assert_uint_eq(len, 0);
    ck_assert_uint_gt(journal->api->room(journal), 0);
    ck_assert_int_eq(journal->api->append(journal, NULL, 0, NULL, 0), MR_OK);
    ck_assert_uint_eq(end_of().turn, 0);
}
END_TEST

START_TEST(turns_of_every_size)
{
    static const size_t sizes[] = {0, 1, 7, 8, 9, 63, 64, 200, 500, 900, 936, 937, 5000, 70000};
    enum { SIZES = sizeof sizes / sizeof *sizes };

    open_journal(_i);
    for (size_t i = 0; i < SIZES; i++)
        for (size_t k = 0; k < SIZES; k++)
            ck_assert_int_eq(turn_append(journal, sizes[i], k % 3 == 0 ? SIZE_MAX : sizes[k]),
                             MR_OK);
    ck_assert_uint_eq(end_of().turn, SIZES * SIZES);
    turns_verify(journal, &origin);
}
END_TEST

START_TEST(reading_from_any_position)
{
    enum { TURNS = 40 };
    static uint8_t all[64 << 10];
    uint8_t b[300];
    size_t total = 0, len;

    open_journal(_i);
    for (size_t i = 0; i < TURNS; i++)
        ck_assert_int_eq(turn_append(journal, i * 5, i), MR_OK);
    for (int family = MR_FAMILY_LOG; family <= MR_FAMILY_BODIES; family++) {
        const enum mr_stream_family f = (enum mr_stream_family)family;

        ck_assert_int_eq(journal->api->read(journal, f, 0, all, sizeof all, &total), MR_OK);
        ck_assert_uint_eq(total, family == MR_FAMILY_LOG ? end_of().log : end_of().bodies);
        for (size_t at = 0; at < total + 20; at += 13)
            for (size_t cap = 1; cap <= sizeof b; cap += 97) {
                const size_t left = at < total ? total - at : 0;

                ck_assert_int_eq(journal->api->read(journal, f, at, b, cap, &len), MR_OK);
                ck_assert_uint_eq(len, left < cap ? left : cap);
                if (len > 0)
                    ck_assert_mem_eq(b, all + at, len);
            }
    }
}
END_TEST

START_TEST(the_largest_turn)
{
    open_journal(_i);
    ck_assert_int_eq(turn_append(journal, MR_TURN_BYTES_MAX, MR_TURN_BYTES_MAX), MR_OK);
    ck_assert_int_eq(turn_append(journal, 1, 1), MR_OK);
    turns_verify(journal, &origin);
}
END_TEST

/* --- crashes of the journal in memory --------------------------------------------------------- */

static const char *failing;

static bool fails(void *ctx, const char *call)
{
    (void)ctx;
    return failing != NULL && strcmp(failing, call) == 0;
}

static void open_failing(void)
{
    const struct mr_journal_faults faults = {fails, NULL};

    failing = NULL;
    ck_assert_int_eq(mr_journal_mem_open(&journal, &scratch_mem, &faults), MR_OK);
    ck_assert_int_eq(turn_append(journal, 10, 20), MR_OK);
    ck_assert_int_eq(turn_append(journal, 30, SIZE_MAX), MR_OK);
}

START_TEST(a_crash_at_every_byte)
{
    const size_t bodies = _i == 0 ? 12 : SIZE_MAX;
    const size_t bodies_size = _i == 0 ? mr_frame_size(12) : 0, log_size = mr_frame_size(21);

    open_failing();
    for (size_t keep = 0; keep <= bodies_size + log_size; keep++) {
        const struct mr_journal_end before = end_of();
        uint8_t b;
        size_t len;
        bool torn;

        failing = "append";
        ck_assert_int_eq(turn_append(journal, 21, bodies), MR_IO_ERROR);
        failing = NULL;
        ck_assert_int_eq(turn_append(journal, 21, bodies), MR_IO_ERROR);
        mr_journal_mem_crash(journal, keep);
        ck_assert_uint_eq(journal->api->room(journal), 0);
        ck_assert_int_eq(journal->api->read(journal, MR_FAMILY_LOG, 0, &b, 1, &len), MR_IO_ERROR);
        mr_journal_mem_reopen(journal, &torn);
        const bool whole = keep == bodies_size + log_size;
        ck_assert_uint_eq(end_of().turn, before.turn + (whole ? 1 : 0));
        ck_assert_int_eq(torn, keep > 0 && !whole);
        turns_verify(journal, &origin);
        ck_assert_int_eq(turn_append(journal, 5, 6), MR_OK);
        turns_verify(journal, &origin);
    }
}
END_TEST

START_TEST(synced_turns_survive_any_crash)
{
    open_failing();
    const struct mr_journal_end before = end_of();

    mr_journal_mem_crash(journal, 0);
    mr_journal_mem_reopen(journal, NULL);
    const struct mr_journal_end after = end_of();
    ck_assert_mem_eq(&before, &after, sizeof after);
    turns_verify(journal, &origin);
}
END_TEST

START_TEST(a_full_medium_refuses_and_recovers)
{
    open_failing();
    failing = "space";
    ck_assert_int_eq(turn_append(journal, 5, 6), MR_DISK_FULL);
    failing = "room";
    ck_assert_uint_eq(journal->api->room(journal), 0);
    failing = NULL;
    ck_assert_uint_gt(journal->api->room(journal), 0);
    ck_assert_int_eq(turn_append(journal, 5, 6), MR_OK);
    turns_verify(journal, &origin);
}
END_TEST

START_TEST(erased_bodies_are_gone)
{
    uint8_t b[16];
    size_t len;

    open_failing();
    const struct mr_journal_end cut = end_of();
    ck_assert_int_eq(turn_append(journal, 5, 6), MR_OK);
    mr_journal_mem_erase(journal, cut.bodies);
    ck_assert_int_eq(journal->api->read(journal, MR_FAMILY_BODIES, 0, b, 16, &len), MR_BODY_ERASED);
    ck_assert_int_eq(journal->api->read(journal, MR_FAMILY_LOG, 0, b, 16, &len), MR_OK);
    turns_verify(journal, &cut);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal");
    TCase *tc = tcase_create("journal");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, an_empty_journal, 0, KINDS);
    tcase_add_loop_test(tc, turns_of_every_size, 0, KINDS);
    tcase_add_loop_test(tc, reading_from_any_position, 0, KINDS);
    tcase_add_loop_test(tc, the_largest_turn, 0, KINDS);
    tcase_add_loop_test(tc, a_crash_at_every_byte, 0, 2);
    tcase_add_test(tc, synced_turns_survive_any_crash);
    tcase_add_test(tc, a_full_medium_refuses_and_recovers);
    tcase_add_test(tc, erased_bodies_are_gone);
    suite_add_tcase(s, tc);

    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    const int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
