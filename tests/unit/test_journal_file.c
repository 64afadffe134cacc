/* The journal's files: torn ends, flipped bytes, missing segments, failing calls, full disks. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "lib/turns.h"
#include "storage/journal_file.h"
#include "storage/segment.h"

enum { SEGMENT = 1024, FILES_MAX = 64, HEAD = SEGMENT_HEAD_BYTES };

static const struct mr_journal_end origin;
static const uint8_t ledger[32] = {9, 9}, other_ledger[32] = {9, 8};
static char dir[SCRATCH_PATH_MAX];
static struct mr_journal *journal;
static struct mr_journal_report report;

static void setup(void)
{
    scratch_make(dir);
}

static void close_journal(void)
{
    if (journal != NULL)
        journal->api->close(journal);
    journal = NULL;
}

static void teardown(void)
{
    close_journal();
    scratch_remove(dir);
}

static struct mr_journal_file_options defaults(void)
{
    return (struct mr_journal_file_options){
        .ledger = ledger, .node = 3, .segment_bytes = SEGMENT, .reserve_bytes = 64};
}

static enum mr_status open_with(const struct mr_journal_file_options *o)
{
    return mr_journal_file_open(&journal, dir, o, &report);
}

static void open_journal(void)
{
    const struct mr_journal_file_options o = defaults();

    ck_assert_int_eq(open_with(&o), MR_OK);
}

static void append(size_t log, size_t bodies)
{
    ck_assert_int_eq(turn_append(journal, log, bodies), MR_OK);
}

static struct mr_journal_end end_of(void)
{
    struct mr_journal_end end;

    journal->api->end(journal, &end);
    return end;
}

/* A stopped journal of some segments: 20 turns, every third without bodies. */
static struct mr_journal_end make_journal(void)
{
    open_journal();
    for (size_t i = 0; i < 20; i++)
        append(100 + i, i % 3 == 0 ? SIZE_MAX : 80 + i);
    const struct mr_journal_end end = end_of();
    close_journal();
    return end;
}

static enum mr_status scan(enum journal_scan_mode mode)
{
    const struct journal_scan_options o = {.mode = mode, .ledger = ledger, .node = 3};

    return journal_scan(&report, dir, &o);
}

/* --- files of the directory, kept and put back ------------------------------------------------ */

struct file {
    char name[256];
    uint8_t *bytes;
    size_t len;
};

struct snapshot {
    struct file files[FILES_MAX];
    size_t count;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static struct snapshot take(void)
{
    struct snapshot s = {.count = 0};
    DIR *d = opendir(dir);
    struct dirent *e;

    while ((e = readdir(d)) != NULL) {
        struct file *f = &s.files[s.count];
        struct stat about;

        if (e->d_name[0] == '.')
            continue;
        ck_assert_uint_lt(s.count, FILES_MAX);
        snprintf(f->name, sizeof f->name, "%s", e->d_name);
        const int fd = open(scratch_path(dir, f->name), O_RDONLY);
        ck_assert_int_eq(fstat(fd, &about), 0);
        f->len = (size_t)about.st_size;
        f->bytes = malloc(f->len + 1);
        ck_assert_int_eq(read(fd, f->bytes, f->len), (ssize_t)f->len);
        close(fd);
        s.count++;
    }
    closedir(d);
    qsort(s.files, s.count, sizeof s.files[0], by_name);
    return s;
}

static void write_file(const struct file *f, size_t len)
{
    const int fd = open(scratch_path(dir, f->name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, f->bytes, len), (ssize_t)len);
    close(fd);
}

/* The directory holds exactly the snapshot's files again. */
static void put_back(const struct snapshot *s)
{
    struct snapshot now = take();

    for (size_t i = 0; i < now.count; i++) {
        unlink(scratch_path(dir, now.files[i].name));
        free(now.files[i].bytes);
    }
    for (size_t i = 0; i < s->count; i++)
        write_file(&s->files[i], s->files[i].len);
}

static void drop(struct snapshot *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->files[i].bytes);
    s->count = 0;
}

/* The last segment of a family. Names sort as positions do. */
static struct file *last_of(struct snapshot *s, const char *family)
{
    struct file *found = NULL;

    for (size_t i = 0; i < s->count; i++)
        if (strncmp(s->files[i].name, family, strlen(family)) == 0)
            found = &s->files[i];
    ck_assert_ptr_nonnull(found);
    return found;
}

static size_t count_of(const char *family)
{
    struct snapshot s = take();
    size_t n = 0;

    for (size_t i = 0; i < s.count; i++)
        n += strncmp(s.files[i].name, family, strlen(family)) == 0;
    drop(&s);
    return n;
}

/* --- staying whole ---------------------------------------------------------------------------- */

START_TEST(turns_survive_their_process)
{
    const struct mr_journal_end end = make_journal();

    ck_assert_uint_gt(count_of("log-"), 2);
    ck_assert_uint_gt(count_of("bodies-"), 1);
    for (int i = 0; i < 3; i++) {
        open_journal();
        const struct mr_journal_end now = end_of();
        ck_assert_mem_eq(&now, &end, sizeof now);
        ck_assert_str_eq(report.text, "");
        turns_verify(journal, &origin);
        close_journal();
        ck_assert_int_eq(scan(JOURNAL_STOPPED), MR_OK);
        ck_assert_uint_eq(report.turns, 20);
    }
    open_journal();
    append(5, 6);
    turns_verify(journal, &origin);
}
END_TEST

START_TEST(restarts_do_not_heap_up_files)
{
    make_journal();
    open_journal();
    close_journal();
    const size_t log = count_of("log-"), bodies = count_of("bodies-");
    for (int i = 0; i < 10; i++) {
        open_journal();
        close_journal();
    }
    ck_assert_uint_eq(count_of("log-"), log);
    ck_assert_uint_eq(count_of("bodies-"), bodies);
}
END_TEST

/* A killed process leaves what was allocated behind its last frame. */
START_TEST(a_killed_process_leaves_only_zeros)
{
    open_journal();
    append(30, 40);
    append(30, SIZE_MAX);
    struct snapshot killed = take();
    close_journal();
    put_back(&killed);
    drop(&killed);
    ck_assert_int_eq(scan(JOURNAL_STOPPED), MR_DAMAGED);
    ck_assert_int_eq(scan(JOURNAL_LIVE), MR_OK);
    ck_assert_uint_eq(report.turns, 2);
    open_journal();
    ck_assert_str_eq(report.text, "");
    ck_assert_uint_eq(end_of().turn, 2);
    turns_verify(journal, &origin);
}
END_TEST

/* --- torn ends -------------------------------------------------------------------------------- */

/* Cut the last turn at every byte, bodies first, as writing does; behind the cut nothing, zeros as
 * allocated, or rubbish. */
START_TEST(a_torn_turn_is_cut_off)
{
    enum { LOG = 60, BODIES = 50 };
    const size_t log_size = mr_frame_size(LOG), bodies_size = mr_frame_size(BODIES);
    const int behind = _i;

    open_journal();
    append(30, 40);
    append(20, SIZE_MAX);
    append(LOG, BODIES);
    close_journal();
    struct snapshot whole = take();
    struct file *log = last_of(&whole, "log-"), *bodies = last_of(&whole, "bodies-");
    for (size_t keep = 0; keep < bodies_size + log_size; keep++) {
        const size_t keep_bodies = keep < bodies_size ? keep : bodies_size;
        const size_t keep_log = keep - keep_bodies;
        struct file l = *log, b = *bodies;
        const size_t l_cut = l.len - log_size + keep_log, b_cut = b.len - bodies_size + keep_bodies;

        put_back(&whole);
        l.bytes = calloc(1, l.len);
        b.bytes = calloc(1, b.len);
        memcpy(l.bytes, log->bytes, l_cut);
        memcpy(b.bytes, bodies->bytes, b_cut);
        if (behind == 2) {
            memset(l.bytes + l_cut, 0x5b, l.len - l_cut);
            memset(b.bytes + b_cut, 0x5c, b.len - b_cut);
        }
        /* Zeros may complete a frame that ends with padding. */
        const bool whole_again = behind > 0 && memcmp(l.bytes, log->bytes, l.len) == 0 &&
                                 memcmp(b.bytes, bodies->bytes, b.len) == 0;
        write_file(&l, behind == 0 ? l_cut : l.len);
        write_file(&b, behind == 0 ? b_cut : b.len);
        free(l.bytes);
        free(b.bytes);
        open_journal();
        ck_assert_uint_eq(end_of().turn, whole_again ? 3 : 2);
        if (behind == 2)
            ck_assert_ptr_nonnull(strstr(report.text, "turn 3 was not finished"));
        turns_verify(journal, &origin);
        append(7, 8);
        turns_verify(journal, &origin);
        close_journal();
        ck_assert_int_eq(scan(JOURNAL_STOPPED), MR_OK);
        ck_assert_uint_eq(report.turns, whole_again ? 4 : 3);
    }
    drop(&whole);
}
END_TEST

/* A start that died between copying the last turn and cutting it off where it stood. */
START_TEST(an_interrupted_start_is_finished)
{
    open_journal();
    append(30, 40);
    append(60, 50);
    close_journal();
    struct snapshot before = take();
    open_journal();
    close_journal();
    for (size_t i = 0; i < before.count; i++)
        write_file(&before.files[i], before.files[i].len);
    drop(&before);
    ck_assert_uint_eq(count_of("log-"), 2);
    ck_assert_int_eq(scan(JOURNAL_CRASHED), MR_OK);
    ck_assert_uint_eq(report.turns, 2);
    open_journal();
    turns_verify(journal, &origin);
    append(1, 1);
    close_journal();
    ck_assert_int_eq(scan(JOURNAL_STOPPED), MR_OK);
    ck_assert_uint_eq(report.turns, 3);
}
END_TEST

/* --- damage ----------------------------------------------------------------------------------- */

static void flip(const struct file *f, size_t at)
{
    const uint8_t b = f->bytes[at] ^ 0x10;
    const int fd = open(scratch_path(dir, f->name), O_WRONLY);

    ck_assert_int_eq(pwrite(fd, &b, 1, (off_t)at), 1);
    close(fd);
}

START_TEST(every_flipped_byte_of_a_stopped_journal_is_found)
{
    make_journal();
    struct snapshot s = take();
    for (size_t i = 0; i < s.count; i++) {
        unsigned missed = 0, unnamed = 0;

        for (size_t at = 0; at < s.files[i].len; at++) {
            flip(&s.files[i], at);
            missed += scan(JOURNAL_STOPPED) != MR_DAMAGED;
            unnamed += strstr(report.text, s.files[i].name) == NULL;
            write_file(&s.files[i], s.files[i].len);
        }
        ck_assert_uint_eq(missed, 0);
        ck_assert_uint_eq(unnamed, 0);
    }
    ck_assert_int_eq(scan(JOURNAL_STOPPED), MR_OK);
    drop(&s);
}
END_TEST

/* Opening accepts a bad last turn as torn, unless the state covers it; nothing else. */
START_TEST(opening_finds_flipped_bytes)
{
    const struct mr_journal_end end = make_journal();
    struct mr_journal_file_options o = defaults();
    struct snapshot s = take();
    const struct file *last_log = last_of(&s, "log-");
    const size_t last_frame = last_log->len - mr_frame_size(119);

    for (size_t i = 0; i < s.count; i++)
        for (size_t at = 0; at < s.files[i].len; at += 3) {
            const bool tail = &s.files[i] == last_log && at >= last_frame;

            flip(&s.files[i], at);
            o.covered = NULL;
            const enum mr_status st = open_with(&o);
            if (tail) {
                ck_assert_int_eq(st, MR_OK);
                ck_assert_uint_eq(end_of().turn, end.turn - 1);
                ck_assert_str_ne(report.text, "");
                close_journal();
                put_back(&s);
                flip(&s.files[i], at);
            } else {
                ck_assert_int_eq(st, MR_DAMAGED);
            }
            if (&s.files[i] == last_log) {
                o.covered = &end;
                ck_assert_int_eq(open_with(&o), MR_DAMAGED);
                ck_assert_str_ne(report.text, "");
            }
            write_file(&s.files[i], s.files[i].len);
        }
    open_journal();
    turns_verify(journal, &origin);
    drop(&s);
}
END_TEST

/* No bodies and no state help here: only the turns behind a bad one tell damage from a torn end. */
START_TEST(a_bad_turn_before_the_last_is_damage)
{
    enum { TURNS = 4, PAYLOAD = 40 };
    unsigned wrong = 0;

    open_journal();
    for (int i = 0; i < TURNS; i++)
        append(PAYLOAD, SIZE_MAX);
    close_journal();
    struct snapshot s = take();
    const struct file *log = last_of(&s, "log-");
    const size_t last_frame = log->len - mr_frame_size(PAYLOAD);
    for (size_t at = HEAD; at < log->len; at++) {
        flip(log, at);
        wrong += scan(JOURNAL_CRASHED) != (at < last_frame ? MR_DAMAGED : MR_OK);
        write_file(log, log->len);
    }
    ck_assert_uint_eq(wrong, 0);
    drop(&s);
}
END_TEST

START_TEST(what_the_state_covers_must_be_there)
{
    const struct mr_journal_end end = make_journal();
    struct mr_journal_end covered = end;
    struct mr_journal_file_options o = defaults();

    o.covered = &covered;
    covered.turn++;
    covered.log += 200;
    ck_assert_int_eq(open_with(&o), MR_DAMAGED);
    ck_assert_str_eq(report.text, "the log ends with turn 20, the state covers turn 21");
    covered = end;
    covered.check[5] ^= 1;
    ck_assert_int_eq(open_with(&o), MR_DAMAGED);
    ck_assert_ptr_nonnull(strstr(report.text, "turn 20 is another one"));
    covered = end;
    ck_assert_int_eq(open_with(&o), MR_OK);
    close_journal();
    scratch_remove(dir);
    ck_assert_int_eq(open_with(&o), MR_DAMAGED);
    ck_assert_str_eq(report.text, "the log ends with turn 0, the state covers turn 20");
}
END_TEST

START_TEST(damage_is_named)
{
    make_journal();
    struct snapshot s = take();
    char expected[320];

    for (size_t i = 0; i < s.count; i++) {
        /* In the last segment it would be a torn turn. */
        if (strncmp(s.files[i].name, "log-", 4) != 0 || &s.files[i] == last_of(&s, "log-"))
            continue;
        flip(&s.files[i], HEAD + 100);
        ck_assert_int_eq(scan(JOURNAL_CRASHED), MR_DAMAGED);
        snprintf(expected, sizeof expected, "%s, offset %d: ", s.files[i].name, HEAD);
        ck_assert_ptr_eq(strstr(report.text, expected), report.text);
        write_file(&s.files[i], s.files[i].len);
    }
    drop(&s);
}
END_TEST

START_TEST(missing_segments)
{
    make_journal();
    struct snapshot s = take();
    struct file *log[FILES_MAX];
    size_t n = 0;

    for (size_t i = 0; i < s.count; i++)
        if (strncmp(s.files[i].name, "log-", 4) == 0)
            log[n++] = &s.files[i];
    ck_assert_uint_ge(n, 3);
    /* One in the middle is damage, the file before the gap is named. */
    unlink(scratch_path(dir, log[1]->name));
    ck_assert_int_eq(scan(JOURNAL_STOPPED), MR_DAMAGED);
    ck_assert_ptr_nonnull(strstr(report.text, log[0]->name));
    /* The first ones may have been moved away. */
    unlink(scratch_path(dir, log[0]->name));
    ck_assert_int_eq(scan(JOURNAL_STOPPED), MR_OK);
    ck_assert_uint_eq(report.first_log, strtoull(log[2]->name + 4, NULL, 16));
    open_journal();
    uint8_t b[8];
    size_t len;
    ck_assert_int_eq(journal->api->read(journal, MR_FAMILY_LOG, 0, b, 8, &len), MR_BODY_ERASED);
    append(1, 1);
    close_journal();
    /* All of them gone is damage, for there are bodies. */
    for (size_t i = 2; i < n; i++)
        unlink(scratch_path(dir, log[i]->name));
    put_back(&s);
    for (size_t i = 0; i < n; i++)
        unlink(scratch_path(dir, log[i]->name));
    ck_assert_int_eq(scan(JOURNAL_CRASHED), MR_DAMAGED);
    drop(&s);
}
END_TEST

START_TEST(a_log_cut_at_a_frame_is_found_by_its_bodies)
{
    open_journal();
    for (int i = 0; i < 4; i++)
        append(10, 10);
    close_journal();
    struct snapshot s = take();
    struct file *log = last_of(&s, "log-");

    /* One turn less is what a crash leaves; two are not. */
    write_file(log, log->len - mr_frame_size(10));
    ck_assert_int_eq(scan(JOURNAL_CRASHED), MR_OK);
    ck_assert_int_eq(scan(JOURNAL_STOPPED), MR_DAMAGED);
    write_file(log, log->len - 2 * mr_frame_size(10));
    ck_assert_int_eq(scan(JOURNAL_CRASHED), MR_DAMAGED);
    ck_assert_ptr_nonnull(strstr(report.text, "bodies-"));
    drop(&s);
}
END_TEST

START_TEST(another_ledgers_journal_is_refused)
{
    struct mr_journal_file_options o = defaults();

    make_journal();
    o.ledger = other_ledger;
    ck_assert_int_eq(open_with(&o), MR_WRONG_LEDGER);
    o.ledger = ledger;
    o.node = 4;
    ck_assert_int_eq(open_with(&o), MR_WRONG_LEDGER);
    ck_assert_ptr_nonnull(strstr(report.text, "another ledger or node"));
}
END_TEST

/* --- bodies that are erased ------------------------------------------------------------------- */

START_TEST(bodies_are_erased_by_segments)
{
    const struct mr_journal_end end = make_journal();
    uint64_t first = 0;
    uint8_t b[64];
    size_t len;

    open_journal();
    ck_assert_int_eq(mr_journal_file_erase(journal, &first, 10), MR_OK);
    ck_assert_uint_eq(first, 0);
    ck_assert_int_eq(mr_journal_file_erase(journal, &first, end.bodies / 2), MR_OK);
    ck_assert_uint_gt(first, 0);
    ck_assert_uint_le(first, end.bodies / 2);
    ck_assert_int_eq(journal->api->read(journal, MR_FAMILY_BODIES, 0, b, 64, &len), MR_BODY_ERASED);
    ck_assert_int_eq(journal->api->read(journal, MR_FAMILY_BODIES, first, b, 64, &len), MR_OK);
    append(3, 3);
    close_journal();
    ck_assert_int_eq(scan(JOURNAL_STOPPED), MR_OK);
    ck_assert_uint_eq(report.first_bodies, first);
    ck_assert_uint_eq(report.erased, first);
    open_journal();
    ck_assert_int_eq(mr_journal_file_erase(journal, &first, UINT64_MAX), MR_OK);
    append(3, 3);
    ck_assert_uint_eq(end_of().turn, 22);
}
END_TEST

/* --- reading beside a running node ------------------------------------------------------------ */

START_TEST(reading_only_changes_nothing)
{
    struct mr_journal_file_options o = {.read_only = true};

    ck_assert_int_eq(mr_journal_file_open(&journal, scratch_path(dir, "none"), &o, &report),
                     MR_NO_SUCH_FILE);
    open_journal();
    append(30, 40);
    append(30, 40);
    struct mr_journal *writer = journal;
    struct snapshot before = take();
    ck_assert_int_eq(open_with(&o), MR_OK);
    ck_assert_uint_eq(end_of().turn, 2);
    ck_assert_uint_eq(journal->api->room(journal), 0);
    turns_verify(journal, &origin);
    close_journal();
    struct snapshot after = take();
    ck_assert_uint_eq(before.count, after.count);
    for (size_t i = 0; i < before.count; i++) {
        ck_assert_str_eq(before.files[i].name, after.files[i].name);
        ck_assert_uint_eq(before.files[i].len, after.files[i].len);
        ck_assert_mem_eq(before.files[i].bytes, after.files[i].bytes, before.files[i].len);
    }
    drop(&before);
    drop(&after);
    journal = writer;
    append(1, 1);
}
END_TEST

static atomic_bool stop;

static void *append_on(void *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < 3000 && !atomic_load(&stop); i++)
        if (turn_append(journal, i % 300, i % 2 == 0 ? SIZE_MAX : i % 200) != MR_OK)
            abort();
    return NULL;
}

static enum mr_status count_turn(void *ctx, const struct mr_frame *log, const uint8_t *log_payload,
                                 const struct mr_frame *bodies, const uint8_t *bodies_payload)
{
    uint64_t *last = ctx;

    if (log->turn != *last + 1 ||
        (log->len > 0 && log_payload[0] != turn_byte(MR_FAMILY_LOG, log->turn, 0)))
        return MR_CHECK_FAILED;
    if (bodies != NULL && bodies->len > 0 &&
        bodies_payload[0] != turn_byte(MR_FAMILY_BODIES, log->turn, 0))
        return MR_CHECK_FAILED;
    *last = log->turn;
    return MR_OK;
}

START_TEST(scanning_a_running_journal)
{
    pthread_t thread;
    uint64_t before = 0;

    open_journal();
    atomic_store(&stop, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, append_on, NULL), 0);
    for (int i = 0; i < 20; i++) {
        uint64_t last = 0;
        const struct journal_scan_options o = {
            .mode = JOURNAL_LIVE, .turn = count_turn, .ctx = &last};
        const enum mr_status st = journal_scan(&report, dir, &o);

        ck_assert_msg(st == MR_OK, "%s: %s", mr_status_name(st), report.text);
        ck_assert_uint_eq(report.end.turn, last);
        ck_assert_uint_ge(last, before);
        before = last;
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    turns_verify(journal, &origin);
}
END_TEST

START_TEST(scanning_from_a_position)
{
    struct mr_journal_end at;
    uint64_t last;

    open_journal();
    for (int i = 0; i < 9; i++)
        append(100, 100);
    at = end_of();
    for (int i = 0; i < 9; i++)
        append(100, 100);
    last = at.turn;
    const struct journal_scan_options o = {
        .mode = JOURNAL_LIVE, .from = at.log, .covered = &at, .turn = count_turn, .ctx = &last};
    ck_assert_int_eq(journal_scan(&report, dir, &o), MR_OK);
    ck_assert_uint_eq(last, 18);
    ck_assert_uint_lt(report.turns, 18);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal_file");
    TCase *tc = tcase_create("journal_file");

    tcase_set_timeout(tc, 100);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, turns_survive_their_process);
    tcase_add_test(tc, restarts_do_not_heap_up_files);
    tcase_add_test(tc, a_killed_process_leaves_only_zeros);
    tcase_add_loop_test(tc, a_torn_turn_is_cut_off, 0, 3);
    tcase_add_test(tc, an_interrupted_start_is_finished);
    tcase_add_test(tc, every_flipped_byte_of_a_stopped_journal_is_found);
    tcase_add_test(tc, opening_finds_flipped_bytes);
    tcase_add_test(tc, a_bad_turn_before_the_last_is_damage);
    tcase_add_test(tc, what_the_state_covers_must_be_there);
    tcase_add_test(tc, damage_is_named);
    tcase_add_test(tc, missing_segments);
    tcase_add_test(tc, a_log_cut_at_a_frame_is_found_by_its_bodies);
    tcase_add_test(tc, another_ledgers_journal_is_refused);
    tcase_add_test(tc, bodies_are_erased_by_segments);
    tcase_add_test(tc, reading_only_changes_nothing);
    tcase_add_test(tc, scanning_a_running_journal);
    tcase_add_test(tc, scanning_from_a_position);
    suite_add_tcase(s, tc);

    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    const int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
