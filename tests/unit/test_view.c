/* The view: changes over the store, and what was read from it stays at hand. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "ledger/view.h"
#include "lib/scratch.h"
#include "storage/mem.h"

enum { MANY = 20000 };

static struct mr_store *store;
static struct mri_view view;
static unsigned reads;

static bool count_reads(void *ctx, const char *call)
{
    (void)ctx;
    reads += strcmp(call, "get") == 0;
    return false;
}

static void set_up(void)
{
    const struct mr_store_faults faults = {.fails = count_reads};
    ck_assert_int_eq(mr_store_mem_open(&store, &scratch_mem, &faults), MR_OK);
    mri_view_init(&view, store, &scratch_mem);
    reads = 0;
}

static void tear_down(void)
{
    mri_view_done(&view);
    store->api->close(store);
}

static void put(const char *key, const char *value)
{
    ck_assert_int_eq(mri_view_reserve(&view), MR_OK);
    mri_view_put(&view, MR_TABLE_ACCOUNT, (const uint8_t *)key, strlen(key), (const uint8_t *)value,
                 value != NULL ? strlen(value) : 0);
}

/* What the view gives for a key; NULL: nothing. Good until the next one. */
static const char *get(const char *key)
{
    static char text[4096];
    size_t len;
    const enum mr_status st = mri_view_get(&view, MR_TABLE_ACCOUNT, (const uint8_t *)key,
                                           strlen(key), (uint8_t *)text, sizeof text - 1, &len);
    if (st == MR_NOT_FOUND)
        return NULL;
    ck_assert_int_eq(st, MR_OK);
    text[len] = '\0';
    return text;
}

static struct mr_put *freeze(size_t *ret_count)
{
    struct mr_put *puts;
    ck_assert_int_eq(mri_view_freeze(&view, &puts, ret_count), MR_OK);
    return puts;
}

static void flush(void)
{
    size_t count;
    struct mr_put *const puts = freeze(&count);
    ck_assert_int_eq(mri_view_commit(&view, puts, count), MR_OK);
}

START_TEST(what_was_read_stays_at_hand)
{
    put("one", "first");
    flush();
    ck_assert_str_eq(get("one"), "first");
    ck_assert_str_eq(get("one"), "first");
    ck_assert_uint_eq(reads, 1);
}
END_TEST

START_TEST(what_was_read_and_changed_stays_at_hand)
{
    put("one", "first");
    flush();
    ck_assert_str_eq(get("one"), "first");
    put("one", "1st");
    flush();
    ck_assert_str_eq(get("one"), "1st");
    ck_assert_uint_eq(reads, 1);
}
END_TEST

/* Shorter, longer than what was read, deleted, and there again: each over a flush. */
START_TEST(what_was_read_follows_the_changes)
{
    static const char *const values[] = {"1st", "a much longer value than before", NULL, "back"};
    put("one", "first");
    flush();
    ck_assert_str_eq(get("one"), "first");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        put("one", values[i]);
        for (int flushed = 0; flushed < 2; flushed++) {
            const char *const got = get("one");
            ck_assert_msg((got == NULL) == (values[i] == NULL), "value %zu", i);
            if (got != NULL)
                ck_assert_str_eq(got, values[i]);
            if (flushed == 0)
                flush();
        }
    }
}
END_TEST

START_TEST(a_change_during_a_flush_counts)
{
    size_t count;
    put("one", "first");
    flush();
    ck_assert_str_eq(get("one"), "first");
    put("one", "second");
    struct mr_put *const puts = freeze(&count);
    ck_assert_str_eq(get("one"), "second");
    put("one", "third");
    ck_assert_int_eq(mri_view_commit(&view, puts, count), MR_OK);
    ck_assert_str_eq(get("one"), "third");
    flush();
    ck_assert_str_eq(get("one"), "third");
}
END_TEST

/* More than there is room for at hand: all of it can still be read, and changed. */
START_TEST(the_room_for_what_was_read_is_bounded)
{
    char key[16], value[512];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "%u", i);
        put(key, value);
    }
    flush();
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "%u", i);
        ck_assert_int_eq(mri_view_reserve(&view), MR_OK);
        ck_assert_str_eq(get(key), value);
    }
    ck_assert_uint_eq(reads, MANY);
    ck_assert_uint_le(view.read.bytes, 4 << 20);
    put("0", "changed");
    ck_assert_str_eq(get("0"), "changed");
    ck_assert_str_eq(get("1"), value);
}
END_TEST

START_TEST(large_values_are_read_again)
{
    char value[2048];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    put("one", value);
    flush();
    ck_assert_str_eq(get("one"), value);
    ck_assert_str_eq(get("one"), value);
    ck_assert_uint_eq(reads, 2);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("view");
    TCase *const c = tcase_create("view");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, what_was_read_stays_at_hand);
    tcase_add_test(c, what_was_read_and_changed_stays_at_hand);
    tcase_add_test(c, what_was_read_follows_the_changes);
    tcase_add_test(c, a_change_during_a_flush_counts);
    tcase_add_test(c, the_room_for_what_was_read_is_bounded);
    tcase_add_test(c, large_values_are_read_again);
    suite_add_tcase(suite, c);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
