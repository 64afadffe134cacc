/* The journal when calls fail: never a lost turn that append called durable, never a second try on
 * a file that failed, and a full disk refuses and recovers. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "lib/turns.h"
#include "storage/journal_file.h"
#include "storage/writer.h"

enum { SEGMENT = 1024, RESERVE = 128 };

static const struct mr_journal_end origin;
static const uint8_t ledger[32] = {9, 9};
static char dir[SCRATCH_PATH_MAX];
static struct mr_journal *journal;
static struct mr_journal_report report;

/* --- calls that fail when told ---------------------------------------------------------------- */

static unsigned calls_left; /* the call that finds 1 here fails */
static bool half_write;     /* a failing write leaves a part behind */
static bool full;           /* nothing can be allocated */
static int failed_with;
static unsigned failed;    /* calls that failed */
static ino_t failed_inode; /* of the file whose call failed */
static int failed_fd = -1; /* kept open, so that the number is not used again */
static unsigned touched_after_failure;

static ino_t inode_of(int fd)
{
    struct stat about;

    return fstat(fd, &about) == 0 ? about.st_ino : 0;
}

static bool fails_now(int fd)
{
    if (failed > 0 && inode_of(fd) == failed_inode)
        touched_after_failure++;
    if (calls_left == 0 || --calls_left > 0)
        return false;
    failed++;
    failed_inode = inode_of(fd);
    failed_fd = dup(fd);
    errno = failed_with;
    return true;
}

static ssize_t op_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    if (fails_now(fd)) {
        const int saved = errno;

        if (half_write)
            (void)!pwrite(fd, bytes, len / 2, offset);
        errno = saved;
        return -1;
    }
    /* Short writes are not failures. */
    return pwrite(fd, bytes, len > 100 ? len - 50 : len, offset);
}

static int op_fdatasync(int fd)
{
    return fails_now(fd) ? -1 : fdatasync(fd);
}

static int op_fallocate(int fd, int mode, off_t offset, off_t len)
{
    if (full) {
        errno = ENOSPC;
        return -1;
    }
    return fallocate(fd, mode, offset, len);
}

static uint64_t op_available(int fd)
{
    (void)fd;
    return full ? 0 : UINT64_MAX;
}

static const struct mr_journal_file_ops ops = {op_pwrite, op_fdatasync, op_fallocate, op_available};

static int op_no_fallocate(int fd, int mode, off_t offset, off_t len)
{
    (void)fd;
    (void)mode;
    (void)offset;
    (void)len;
    errno = EOPNOTSUPP;
    return -1;
}

static const struct mr_journal_file_ops ops_without_fallocate = {pwrite, fdatasync, op_no_fallocate,
                                                                 op_available};

static void fail_call(unsigned n)
{
    calls_left = n;
    failed = 0;
    if (failed_fd >= 0)
        close(failed_fd);
    failed_fd = -1;
    touched_after_failure = 0;
}

static enum mr_status open_with(const struct mr_journal_file_ops *with)
{
    const struct mr_journal_file_options o = {.ledger = ledger,
                                              .node = 3,
                                              .segment_bytes = SEGMENT,
                                              .reserve_bytes = RESERVE,
                                              .ops = with};

    return mr_journal_file_open(&journal, dir, &o, &report);
}

static void close_journal(void)
{
    if (journal != NULL)
        journal->api->close(journal);
    journal = NULL;
}

static void setup(void)
{
    scratch_make(dir);
    failed_with = EIO;
    full = half_write = false;
    fail_call(0);
}

static void teardown(void)
{
    close_journal();
    scratch_remove(dir);
}

static uint64_t turn_of(void)
{
    struct mr_journal_end end;

    journal->api->end(journal, &end);
    return end.turn;
}

/* --- tests ------------------------------------------------------------------------------------ */

/* Fail each call of a run once. Afterwards the journal is dead; a new process finds all that was
 * durable, at most one turn more, and a file that failed was never written or synced again. */
START_TEST(each_call_fails_once)
{
    half_write = _i == 1;
    for (unsigned n = 1;; n++) {
        uint64_t durable = 0;
        enum mr_status st;
        uint8_t b;
        size_t len;

        scratch_remove(dir);
        fail_call(n);
        st = open_with(&ops);
        for (size_t i = 0; st == MR_OK && i < 12; i++) {
            st = turn_append(journal, 150, i % 3 == 0 ? SIZE_MAX : 200);
            if (st == MR_OK)
                durable++;
        }
        if (failed == 0)
            break;
        ck_assert_int_eq(st, MR_IO_ERROR);
        if (journal != NULL) {
            ck_assert_int_eq(turn_append(journal, 1, 1), MR_IO_ERROR);
            ck_assert_int_eq(journal->api->read(journal, MR_FAMILY_LOG, 0, &b, 1, &len),
                             MR_IO_ERROR);
            ck_assert_uint_eq(journal->api->room(journal), 0);
        }
        close_journal();
        ck_assert_uint_eq(touched_after_failure, 0);
        ck_assert_int_eq(open_with(&ops), MR_OK);
        ck_assert_uint_eq(touched_after_failure, 0);
        ck_assert_uint_ge(turn_of(), durable);
        ck_assert_uint_le(turn_of(), durable + 1);
        turns_verify(journal, &origin);
        ck_assert_int_eq(turn_append(journal, 20, 20), MR_OK);
        turns_verify(journal, &origin);
        close_journal();
    }
}
END_TEST

/* A start that fails at any call loses nothing either. */
START_TEST(each_call_of_a_start_fails_once)
{
    ck_assert_int_eq(open_with(&ops), MR_OK);
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(turn_append(journal, 150, 200), MR_OK);
    close_journal();
    for (unsigned n = 1;; n++) {
        fail_call(n);
        const enum mr_status st = open_with(&ops);
        if (failed == 0)
            break;
        ck_assert_int_eq(st, MR_IO_ERROR);
        fail_call(0);
        ck_assert_int_eq(open_with(&ops), MR_OK);
        ck_assert_uint_eq(turn_of(), 4 + n);
        turns_verify(journal, &origin);
        ck_assert_int_eq(turn_append(journal, 150, 200), MR_OK);
        close_journal();
    }
}
END_TEST

/* What a failed sync left can be read, but need not be on the disk: a start must write it anew. */
START_TEST(a_turn_whose_sync_failed_is_written_anew)
{
    char name[SEGMENT_NAME_MAX];
    struct mr_journal_end before;
    struct stat about;

    ck_assert_int_eq(open_with(&ops), MR_OK);
    ck_assert_int_eq(turn_append(journal, 8, SIZE_MAX), MR_OK);
    journal->api->end(journal, &before);
    fail_call(2); /* write, sync */
    ck_assert_int_eq(turn_append(journal, 8, SIZE_MAX), MR_IO_ERROR);
    close_journal();
    ck_assert_int_eq(open_with(&ops), MR_OK);
    ck_assert_uint_eq(turn_of(), 2);
    segment_name(name, MR_FAMILY_LOG, before.log);
    ck_assert_int_eq(stat(scratch_path(dir, name), &about), 0);
    ck_assert_uint_ne(about.st_ino, failed_inode);
    segment_name(name, MR_FAMILY_LOG, 0);
    ck_assert_int_eq(stat(scratch_path(dir, name), &about), 0);
    ck_assert_uint_eq((uint64_t)about.st_size, SEGMENT_HEAD_BYTES + before.log);
}
END_TEST

START_TEST(a_full_disk_refuses_and_recovers)
{
    enum mr_status st = MR_OK;
    size_t promised;
    uint64_t turns;

    ck_assert_int_eq(open_with(&ops), MR_OK);
    full = true;
    /* What room() promises is kept, until it promises nothing. */
    while ((promised = journal->api->room(journal)) >= mr_frame_size(0)) {
        const size_t payload = (promised / 3 < 88 ? promised - 88 : promised / 3) & ~(size_t)7;

        ck_assert_int_eq(turn_append(journal, payload > 200 ? 200 : payload, SIZE_MAX), MR_OK);
    }
    /* The reserve is still there for what a stopping node says. */
    ck_assert_int_eq(turn_append(journal, 8, SIZE_MAX), MR_OK);
    turns = turn_of();
    st = turn_append(journal, 300, 300);
    ck_assert_int_eq(st, MR_DISK_FULL);
    ck_assert_int_eq(turn_append(journal, 300, 300), MR_DISK_FULL);
    ck_assert_uint_eq(turn_of(), turns);
    turns_verify(journal, &origin);
    full = false;
    ck_assert_uint_eq(journal->api->room(journal), SEGMENT - RESERVE);
    ck_assert_int_eq(turn_append(journal, 300, 300), MR_OK);
    turns_verify(journal, &origin);
}
END_TEST

START_TEST(a_start_on_a_full_disk_says_so)
{
    ck_assert_int_eq(open_with(&ops), MR_OK);
    ck_assert_int_eq(turn_append(journal, 8, 8), MR_OK);
    close_journal();
    full = true;
    ck_assert_int_eq(open_with(&ops), MR_DISK_FULL);
    full = false;
    ck_assert_int_eq(open_with(&ops), MR_OK);
    turns_verify(journal, &origin);
}
END_TEST

START_TEST(file_systems_without_allocation_get_zeros)
{
    ck_assert_int_eq(open_with(&ops_without_fallocate), MR_OK);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(turn_append(journal, 150, 200), MR_OK);
    turns_verify(journal, &origin);
}
END_TEST

/* The same with a disk that is really full. */
START_TEST(a_small_disk)
{
    enum { DISK = 256 << 10, BIG = 16 << 10 };
    const struct mr_journal_file_options o = {
        .ledger = ledger, .node = 3, .segment_bytes = BIG, .reserve_bytes = 1024};
    unsigned refused = 0;

    if (!scratch_small_disk(dir, DISK))
        return;
    ck_assert_int_eq(mr_journal_file_open(&journal, dir, &o, &report), MR_OK);
    const int fd = open(scratch_path(dir, "ballast"), O_RDWR | O_CREAT, 0600);
    ck_assert_int_eq(fallocate(fd, 0, 0, DISK / 2), 0);
    while (refused == 0) {
        const bool promised = journal->api->room(journal) >= 2 * mr_frame_size(1000);
        const enum mr_status st = turn_append(journal, 1000, 1000);

        ck_assert(st == MR_OK || (st == MR_DISK_FULL && !promised));
        refused += st == MR_DISK_FULL;
    }
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    close(fd);
    ck_assert_uint_gt(journal->api->room(journal), 2 * mr_frame_size(1000));
    ck_assert_int_eq(turn_append(journal, 1000, 1000), MR_OK);
    turns_verify(journal, &origin);
    close_journal();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal_faults");
    TCase *tc = tcase_create("journal_faults");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, each_call_fails_once, 0, 2);
    tcase_add_test(tc, each_call_of_a_start_fails_once);
    tcase_add_test(tc, a_turn_whose_sync_failed_is_written_anew);
    tcase_add_test(tc, a_full_disk_refuses_and_recovers);
    tcase_add_test(tc, a_start_on_a_full_disk_says_so);
    tcase_add_test(tc, file_systems_without_allocation_get_zeros);
    tcase_add_test(tc, a_small_disk);
    suite_add_tcase(s, tc);

    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    const int failures = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
