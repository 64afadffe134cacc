/* The association's register: kept, listed in pages, erased from the file as well. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "mereau/codec.h"
#include "storage/register_store.h"
#include "storage/store_lmdb.h"

static const uint8_t start[MR_ACCOUNT_BYTES];
static char dir[SCRATCH_PATH_MAX];
static struct register_store *reg;

static void open_register(void)
{
    ck_assert_int_eq(register_open(&reg, dir), MR_OK);
}

static void close_register(void)
{
    register_close(reg);
    reg = NULL;
}

static void setup(void)
{
    scratch_make(dir);
    open_register();
}

static void teardown(void)
{
    close_register();
    scratch_remove(dir);
}

static struct mr_register_item item_of(enum mr_register_kind kind, uint32_t n)
{
    struct mr_register_item item = {.kind = kind, .time_ms = 1000 + n, .box_len = 60};

    item.account[0] = 1; /* an account of zeros stands for the start of a list */
    item.account[13] = (uint8_t)(n >> 16);
    item.account[14] = (uint8_t)(n >> 8);
    item.account[15] = (uint8_t)n;
    memset(item.box, (int)(n % 251), item.box_len);
    return item;
}

static enum mr_status put(enum mr_register_kind kind, uint32_t n)
{
    const struct mr_register_item item = item_of(kind, n);

    return register_put(reg, &item);
}

static bool has(enum mr_register_kind kind, uint32_t n)
{
    const struct mr_register_item item = item_of(kind, n);
    struct mr_register_item is;
    const enum mr_status st = register_get(reg, &is, kind, item.account);

    if (st == MR_NOT_FOUND)
        return false;
    ck_assert_int_eq(st, MR_OK);
    ck_assert_int_eq(is.kind, kind);
    ck_assert_uint_eq(is.time_ms, item.time_ms);
    ck_assert_uint_eq(is.box_len, item.box_len);
    ck_assert_mem_eq(is.box, item.box, item.box_len);
    return true;
}

START_TEST(items_are_kept)
{
    struct mr_register_item item = item_of(MR_REGISTER_REQUEST, 7);

    ck_assert(!has(MR_REGISTER_REQUEST, 7));
    ck_assert_int_eq(put(MR_REGISTER_REQUEST, 7), MR_OK);
    ck_assert_int_eq(put(MR_REGISTER_MEMBER, 8), MR_OK);
    close_register();
    open_register();
    ck_assert(has(MR_REGISTER_REQUEST, 7));
    ck_assert(!has(MR_REGISTER_MEMBER, 7));
    ck_assert(has(MR_REGISTER_MEMBER, 8));
    ck_assert_uint_eq(register_count(reg, MR_REGISTER_REQUEST), 1);
    ck_assert_uint_eq(register_count(reg, MR_REGISTER_MEMBER), 1);
    ck_assert_int_eq(put(MR_REGISTER_MANDATE, 8), MR_OK);
    ck_assert_int_eq(put(MR_REGISTER_CONVERSION, 8), MR_OK);
    ck_assert_int_eq(put(MR_REGISTER_BANK, 8), MR_OK);
    close_register();
    open_register();
    ck_assert(has(MR_REGISTER_MANDATE, 8));
    ck_assert(has(MR_REGISTER_CONVERSION, 8));
    ck_assert(has(MR_REGISTER_BANK, 8));
    ck_assert_uint_eq(register_count(reg, MR_REGISTER_BANK), 1);
    ck_assert_uint_eq(register_count(reg, MR_REGISTER_MEMBER), 1);
    /* The same account again replaces. */
    ck_assert_int_eq(register_put(reg, &item), MR_OK);
    ck_assert_uint_eq(register_count(reg, MR_REGISTER_REQUEST), 1);
    ck_assert_int_eq(register_remove(reg, MR_REGISTER_REQUEST, item.account), MR_OK);
    ck_assert_int_eq(register_remove(reg, MR_REGISTER_REQUEST, item.account), MR_NOT_FOUND);
    ck_assert(!has(MR_REGISTER_REQUEST, 7));
    ck_assert_uint_eq(register_count(reg, MR_REGISTER_REQUEST), 0);
}
END_TEST

START_TEST(the_largest_item)
{
    static struct mr_register_item item, is;

    item = item_of(MR_REGISTER_REQUEST, 1);
    item.box_len = MR_REGISTER_BOX_MAX;
    memset(item.box, 0xee, sizeof item.box);
    item.open_count = 1;
    item.open[0].class = MR_CLASS_RESIDENT;
    item.open[0].keys.threshold = 1;
    item.open[0].keys.keys_count = MR_KEYS_MAX;
    for (unsigned i = 0; i < MR_KEYS_MAX; i++)
        item.open[0].keys.keys[i].alg = 1;
    ck_assert_int_eq(register_put(reg, &item), MR_OK);
    ck_assert_int_eq(register_get(reg, &is, item.kind, item.account), MR_OK);
    ck_assert_uint_eq(is.box_len, MR_REGISTER_BOX_MAX);
    ck_assert_uint_eq(is.open[0].keys.keys_count, MR_KEYS_MAX);
}
END_TEST

START_TEST(lists_come_in_pages)
{
    static struct mr_register_item page[7];
    uint8_t after[MR_ACCOUNT_BYTES] = {0};
    size_t count, total = 0;

    ck_assert_int_eq(register_list(reg, page, &count, MR_REGISTER_MEMBER, start, 7), MR_OK);
    ck_assert_uint_eq(count, 0);
    for (uint32_t n = 0; n < 30; n++)
        ck_assert_int_eq(put(n % 3 == 0 ? MR_REGISTER_MEMBER : MR_REGISTER_REQUEST, n), MR_OK);
    do {
        ck_assert_int_eq(register_list(reg, page, &count, MR_REGISTER_REQUEST, after, 7), MR_OK);
        for (size_t i = 0; i < count; i++) {
            ck_assert_int_eq(page[i].kind, MR_REGISTER_REQUEST);
            ck_assert_int_gt(memcmp(page[i].account, after, sizeof after), 0);
            memcpy(after, page[i].account, sizeof after);
        }
        total += count;
    } while (count == 7);
    ck_assert_uint_eq(total, 20);
    ck_assert_int_eq(register_list(reg, page, &count, MR_REGISTER_MEMBER, start, 7), MR_OK);
    ck_assert_uint_eq(count, 7);
}
END_TEST

static bool file_holds(const void *bytes, size_t len)
{
    const int fd = open(scratch_path(dir, "data.mdb"), O_RDONLY);
    struct stat about;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &about), 0);
    char *file = malloc((size_t)about.st_size);
    ck_assert_int_eq(read(fd, file, (size_t)about.st_size), about.st_size);
    close(fd);
    const bool found = memmem(file, (size_t)about.st_size, bytes, len) != NULL;
    free(file);
    return found;
}

START_TEST(removed_items_leave_the_file)
{
    struct mr_register_item item = item_of(MR_REGISTER_MEMBER, 3);
    static const char secret[] = "a sealed name that must be forgotten";

    memcpy(item.box, secret, sizeof secret);
    for (uint32_t n = 10; n < 60; n++)
        ck_assert_int_eq(put(MR_REGISTER_MEMBER, n), MR_OK);
    ck_assert_int_eq(register_put(reg, &item), MR_OK);
    ck_assert(file_holds(secret, sizeof secret));
    ck_assert_int_eq(register_remove(reg, MR_REGISTER_MEMBER, item.account), MR_OK);
    close_register();
    open_register();
    ck_assert(!file_holds(secret, sizeof secret));
    ck_assert_uint_eq(register_count(reg, MR_REGISTER_MEMBER), 50);
    ck_assert(has(MR_REGISTER_MEMBER, 59));
}
END_TEST

/* A hundred thousand members: filled in large steps below the register, then used through it. */
START_TEST(a_hundred_thousand_members)
{
    enum { MEMBERS = 100000, STEP = 5000, VALUE = 512 };
    static uint8_t keys[STEP][1 + MR_ACCOUNT_BYTES], values[STEP][VALUE];
    static struct mr_put puts[STEP];
    static struct mr_register_item page[MR_PAGE_MAX];
    uint8_t after[MR_ACCOUNT_BYTES] = {0};
    struct mr_store *store;
    size_t count, total = 0;

    close_register();
    ck_assert_int_eq(mr_store_lmdb_open(&store, dir, NULL), MR_OK);
    for (uint32_t n = 0; n < MEMBERS; n++) {
        const uint32_t i = n % STEP;
        const struct mr_register_item item = item_of(MR_REGISTER_MEMBER, n);
        keys[i][0] = MR_REGISTER_MEMBER;
        memcpy(keys[i] + 1, item.account, MR_ACCOUNT_BYTES);
        puts[i] = (struct mr_put){MR_TABLE_META, keys[i], values[i], sizeof keys[i], 0};
        puts[i].value_len = (uint32_t)mr_register_item_encode(&item, values[i], VALUE);
        if (i + 1 == STEP)
            ck_assert_int_eq(store->api->commit(store, puts, STEP), MR_OK);
    }
    store->api->close(store);
    open_register();
    ck_assert_uint_eq(register_count(reg, MR_REGISTER_MEMBER), MEMBERS);
    ck_assert(has(MR_REGISTER_MEMBER, 77777));
    ck_assert_int_eq(put(MR_REGISTER_MEMBER, MEMBERS), MR_OK);
    do {
        if (register_list(reg, page, &count, MR_REGISTER_MEMBER, after, MR_PAGE_MAX) != MR_OK)
            break;
        total += count;
        if (count > 0)
            memcpy(after, page[count - 1].account, sizeof after);
    } while (count == MR_PAGE_MAX);
    ck_assert_uint_eq(total, MEMBERS + 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("register_store");
    TCase *tc = tcase_create("register_store");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, items_are_kept);
    tcase_add_test(tc, the_largest_item);
    tcase_add_test(tc, lists_come_in_pages);
    tcase_add_test(tc, removed_items_leave_the_file);
    tcase_add_test(tc, a_hundred_thousand_members);
    suite_add_tcase(s, tc);

    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    const int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
