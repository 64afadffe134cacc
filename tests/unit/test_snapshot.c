/* Snapshots: newest first, damaged ones passed over, old ones removed. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "storage/snapshot.h"
#include "storage/store_lmdb.h"

static char dir[SCRATCH_PATH_MAX], store_dir[SCRATCH_PATH_MAX + 8], into[SCRATCH_PATH_MAX + 8];
static struct mr_store *store;

static void setup(void)
{
    static const struct mr_store_lmdb_options small = {.map_bytes = 1 << 20};
    scratch_make(dir);
    snprintf(store_dir, sizeof store_dir, "%s/store", dir);
    snprintf(into, sizeof into, "%s/snaps", dir);
    ck_assert_int_eq(files_make_dir(store_dir), MR_OK);
    ck_assert_int_eq(files_make_dir(into), MR_OK);
    ck_assert_int_eq(mr_store_lmdb_open(&store, store_dir, &small), MR_OK);
    const struct mr_put p = {MR_TABLE_META, (const uint8_t *)"m", (const uint8_t *)"value", 1, 5};
    ck_assert_int_eq(store->api->commit(store, &p, 1), MR_OK);
}

static void teardown(void)
{
    store->api->close(store);
    scratch_remove(dir);
}

START_TEST(the_newest_that_verifies_is_taken)
{
    uint8_t root[32], got[32];
    char path[FILES_PATH_MAX], file[FILES_PATH_MAX + 16];
    uint64_t turn = 0;
    ck_assert_int_eq(snapshot_newest(path, &turn, got, into), MR_NOT_FOUND);
    for (uint64_t t = 1; t <= 3; t++) {
        memset(root, (int)t, sizeof root);
        ck_assert_int_eq(snapshot_write(store, into, t * 100, root), MR_OK);
    }
    ck_assert_int_eq(snapshot_write(store, into, 300, root), MR_FILE_EXISTS);
    ck_assert_int_eq(snapshot_newest(path, &turn, got, into), MR_OK);
    ck_assert_uint_eq(turn, 300);
    ck_assert_mem_eq(got, root, 32);
    snprintf(file, sizeof file, "%s/data.mdb", path);
    const int fd = open(file, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, "x", 1, 5000), 1);
    close(fd);
    ck_assert_int_eq(snapshot_newest(path, &turn, got, into), MR_OK);
    ck_assert_uint_eq(turn, 200);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("snapshot");
    TCase *tc = tcase_create("snapshot");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_newest_that_verifies_is_taken);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
