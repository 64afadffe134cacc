/* The book of a wallet: what is added is read again; torn tails are cut, changes are found. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "lib/scratch.h"
#include "wallet/book.h"

enum { RECORDS = 5, FILE_MAX = 65536 };

static char dir[SCRATCH_PATH_MAX];
static const uint8_t key[BOOK_KEY_BYTES] = {1, 2, 3};
static const char *path;

/* Records of different sizes, each with its number in it. */
static size_t fill(uint8_t *ret, unsigned number)
{
    static const size_t sizes[RECORDS] = {1, 40, 600, 17, 90};
    const size_t len = sizes[number % RECORDS];
    memset(ret, (int)(number * 31 + 7), len);
    ret[0] = (uint8_t)number;
    return len;
}

struct reading {
    unsigned count;
    enum mr_status refuse;
};

static enum mr_status each(void *ctx, const uint8_t *record, size_t len)
{
    struct reading *const r = ctx;
    uint8_t want[1024];
    ck_assert_uint_eq(fill(want, r->count), len);
    ck_assert_mem_eq(record, want, len);
    r->count++;
    return r->refuse;
}

/* Opens and closes; how many records there were, or the failure. */
static enum mr_status read_book(unsigned *ret_count, uint64_t *ret_cut, const uint8_t *with)
{
    struct reading r = {0, MR_OK};
    struct book *b;
    uint64_t at = 0;
    const enum mr_status st = book_open(&b, ret_cut, &at, path, with, each, &r);
    *ret_count = r.count;
    if (st == MR_OK)
        book_close(b);
    return st;
}

static void make_book(unsigned records)
{
    struct reading r = {0, MR_OK};
    struct book *b;
    uint8_t bytes[1024];
    uint64_t cut = 1, at;
    ck_assert_int_eq(book_create(path, key), MR_OK);
    ck_assert_int_eq(book_open(&b, &cut, &at, path, key, each, &r), MR_OK);
    ck_assert_uint_eq(cut, 0);
    for (unsigned i = 0; i < records; i++)
        ck_assert_int_eq(book_add(b, bytes, fill(bytes, i)), MR_OK);
    book_close(b);
}

static size_t load(uint8_t *ret)
{
    uint8_t *bytes;
    size_t len;
    ck_assert_int_eq(file_read(&bytes, &len, path, FILE_MAX), MR_OK);
    memcpy(ret, bytes, len);
    free(bytes);
    return len;
}

static void store(const uint8_t *bytes, size_t len)
{
    ck_assert_int_eq(file_write(path, bytes, len, 0600, true), MR_OK);
}

static void set_up(void)
{
    static char text[SCRATCH_PATH_MAX + 8];
    scratch_make(dir);
    snprintf(text, sizeof text, "%s/book", dir);
    path = text;
}

static void tear_down(void)
{
    scratch_remove(dir);
}

START_TEST(records_come_back)
{
    unsigned count;
    uint64_t cut = 1;
    make_book(RECORDS);
    ck_assert_int_eq(read_book(&count, &cut, key), MR_OK);
    ck_assert_uint_eq(count, RECORDS);
    ck_assert_uint_eq(cut, 0);
}
END_TEST

START_TEST(another_key_opens_nothing)
{
    static const uint8_t other[BOOK_KEY_BYTES] = {1, 2, 4};
    unsigned count;
    uint64_t cut;
    make_book(1);
    ck_assert_int_eq(read_book(&count, &cut, other), MR_DAMAGED);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(content_is_not_in_clear)
{
    uint8_t file[FILE_MAX], bytes[1024];
    make_book(RECORDS);
    const size_t size = load(file), len = fill(bytes, 2);
    ck_assert_ptr_null(memmem(file, size, bytes + 1, len - 1));
}
END_TEST

START_TEST(every_flipped_byte_is_found)
{
    uint8_t file[FILE_MAX];
    unsigned count;
    uint64_t cut;
    make_book(RECORDS);
    const size_t size = load(file);
    for (size_t i = 0; i < size; i++) {
        file[i] ^= (uint8_t)(1 << (i % 8));
        store(file, size);
        ck_assert_msg(read_book(&count, &cut, key) == MR_DAMAGED, "byte %zu", i);
        file[i] ^= (uint8_t)(1 << (i % 8));
    }
}
END_TEST

START_TEST(torn_tail_is_cut_off)
{
    uint8_t file[FILE_MAX];
    unsigned count;
    uint64_t cut;
    make_book(RECORDS - 1);
    const size_t before = load(file);
    make_book(RECORDS);
    const size_t size = load(file);
    for (size_t len = before + 1; len < size; len++) {
        store(file, len);
        ck_assert_int_eq(read_book(&count, &cut, key), MR_OK);
        ck_assert_uint_eq(count, RECORDS - 1);
        ck_assert_uint_eq(cut, len - before);
        ck_assert_int_eq(read_book(&count, &cut, key), MR_OK);
        ck_assert_uint_eq(cut, 0); /* it is gone from the file */
    }
}
END_TEST

START_TEST(length_without_bytes_is_cut_off)
{
    uint8_t file[FILE_MAX];
    unsigned count;
    uint64_t cut;
    make_book(RECORDS - 1);
    const size_t before = load(file);
    make_book(RECORDS);
    const size_t size = load(file);
    for (size_t from = before + 1; from + 16 <= size; from++) {
        uint8_t torn[FILE_MAX] = {0};
        memcpy(torn, file, from);
        store(torn, size);
        ck_assert_msg(read_book(&count, &cut, key) == MR_OK, "zeros from %zu", from - before);
        ck_assert_uint_eq(count, RECORDS - 1);
    }
}
END_TEST

START_TEST(missing_and_moved_records_are_found)
{
    uint8_t file[FILE_MAX], other[FILE_MAX];
    size_t ends[RECORDS + 1];
    unsigned count;
    uint64_t cut;
    make_book(RECORDS);
    const size_t size = load(file);
    /* File head 40, record head 44, box 16 longer than its content. */
    ends[0] = 40;
    for (unsigned i = 0; i < RECORDS; i++)
        ends[i + 1] = ends[i] + 44 + fill(other, i) + 16;
    ck_assert_uint_eq(ends[RECORDS], size);
    for (unsigned i = 0; i + 1 < RECORDS; i++) {
        memcpy(other, file, ends[i]);
        memcpy(other + ends[i], file + ends[i + 1], size - ends[i + 1]);
        store(other, size - (ends[i + 1] - ends[i]));
        ck_assert_int_eq(read_book(&count, &cut, key), MR_DAMAGED);
    }
    memcpy(other, file, ends[1]);
    memcpy(other + ends[1], file + ends[0], ends[1] - ends[0]); /* the first one once more */
    store(other, 2 * ends[1] - ends[0]);
    ck_assert_int_eq(read_book(&count, &cut, key), MR_DAMAGED);
}
END_TEST

START_TEST(goes_on_behind_a_cut)
{
    uint8_t file[FILE_MAX], bytes[1024];
    struct reading r = {0, MR_OK};
    struct book *b;
    unsigned count;
    uint64_t cut, at;
    make_book(RECORDS);
    store(file, load(file) - 3);
    ck_assert_int_eq(book_open(&b, &cut, &at, path, key, each, &r), MR_OK);
    ck_assert_int_eq(book_add(b, bytes, fill(bytes, RECORDS - 1)), MR_OK);
    book_close(b);
    ck_assert_int_eq(read_book(&count, &cut, key), MR_OK);
    ck_assert_uint_eq(count, RECORDS);
}
END_TEST

START_TEST(full_disk_changes_nothing)
{
    struct reading r = {0, MR_OK};
    struct book *b;
    static uint8_t large[300000];
    uint8_t bytes[1024];
    uint64_t cut, at;
    unsigned count;
    if (!scratch_small_disk(dir, 200 << 10))
        return; /* this machine does not let us */
    make_book(2);
    ck_assert_int_eq(book_open(&b, &cut, &at, path, key, each, &r), MR_OK);
    ck_assert_int_eq(book_add(b, large, sizeof large), MR_DISK_FULL);
    ck_assert_int_eq(book_add(b, bytes, fill(bytes, 2)), MR_OK);
    book_close(b);
    ck_assert_int_eq(read_book(&count, &cut, key), MR_OK);
    ck_assert_uint_eq(count, 3);
}
END_TEST

START_TEST(refusal_of_the_reader_is_returned)
{
    struct reading r = {0, MR_NO_MEMORY};
    struct book *b;
    uint64_t cut, at;
    make_book(2);
    ck_assert_int_eq(book_open(&b, &cut, &at, path, key, each, &r), MR_NO_MEMORY);
    ck_assert_uint_eq(r.count, 1);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(book_open(&b, &cut, &at, path, key, each, &r), MR_NO_SUCH_FILE);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("wallet book");
    TCase *const tc = tcase_create("book");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, records_come_back);
    tcase_add_test(tc, another_key_opens_nothing);
    tcase_add_test(tc, content_is_not_in_clear);
    tcase_add_test(tc, every_flipped_byte_is_found);
    tcase_add_test(tc, torn_tail_is_cut_off);
    tcase_add_test(tc, length_without_bytes_is_cut_off);
    tcase_add_test(tc, missing_and_moved_records_are_found);
    tcase_add_test(tc, goes_on_behind_a_cut);
    tcase_add_test(tc, full_disk_changes_nothing);
    tcase_add_test(tc, refusal_of_the_reader_is_returned);
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
