/* The state store: one set over both implementations, then what only the one on disk has. */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "mereau/store.h"
#include "storage/mem.h"
#include "storage/store_lmdb.h"

enum { MEM, LMDB, KINDS };

static char dir[SCRATCH_PATH_MAX];
static struct mr_store *store;

static void open_store(int kind)
{
    const struct mr_store_lmdb_options small = {.map_bytes = 1 << 20};

    if (kind == MEM)
        ck_assert_int_eq(mr_store_mem_open(&store, &scratch_mem, NULL), MR_OK);
    else
        ck_assert_int_eq(mr_store_lmdb_open(&store, dir, &small), MR_OK);
}

static void close_store(void)
{
    if (store != NULL)
        store->api->close(store);
    store = NULL;
}

static void setup(void)
{
    scratch_make(dir);
}

static void teardown(void)
{
    close_store();
    scratch_remove(dir);
}

static struct mr_put put_of(enum mr_table table, const char *key, const char *value)
{
    return (struct mr_put){.table = table,
                           .key = (const uint8_t *)key,
                           .key_len = (uint32_t)strlen(key),
                           .value = (const uint8_t *)value,
                           .value_len = value == NULL ? 0 : (uint32_t)strlen(value)};
}

static void commit(struct mr_put p)
{
    ck_assert_int_eq(store->api->commit(store, &p, 1), MR_OK);
}

static void refresh(void)
{
    ck_assert_int_eq(store->api->refresh(store), MR_OK);
}

static enum mr_status get(enum mr_table table, const char *key, char *ret, size_t cap)
{
    size_t len = 0;
    const enum mr_status st = store->api->get(store, table, (const uint8_t *)key, strlen(key),
                                              (uint8_t *)ret, cap - 1, &len);

    if (st == MR_OK)
        ret[len] = '\0';
    return st;
}

static void expect(enum mr_table table, const char *key, const char *value)
{
    char is[64] = "untouched";

    if (value == NULL) {
        ck_assert_int_eq(get(table, key, is, sizeof is), MR_NOT_FOUND);
        ck_assert_str_eq(is, "untouched");
        return;
    }
    ck_assert_int_eq(get(table, key, is, sizeof is), MR_OK);
    ck_assert_str_eq(is, value);
}

START_TEST(refresh_shows_what_was_committed)
{
    open_store(_i);
    expect(MR_TABLE_HOT, "a", NULL);
    commit(put_of(MR_TABLE_HOT, "a", "one"));
    expect(MR_TABLE_HOT, "a", NULL);
    refresh();
    expect(MR_TABLE_HOT, "a", "one");
    expect(MR_TABLE_ACCOUNT, "a", NULL);
    commit(put_of(MR_TABLE_HOT, "a", "two"));
    commit(put_of(MR_TABLE_HOT, "a", "three"));
    expect(MR_TABLE_HOT, "a", "one");
    refresh();
    expect(MR_TABLE_HOT, "a", "three");
    commit(put_of(MR_TABLE_HOT, "a", NULL));
    expect(MR_TABLE_HOT, "a", "three");
    refresh();
    expect(MR_TABLE_HOT, "a", NULL);
}
END_TEST

START_TEST(deleting_and_coming_back)
{
    open_store(_i);
    commit(put_of(MR_TABLE_HOT, "never", NULL));
    commit(put_of(MR_TABLE_HOT, "a", "one"));
    commit(put_of(MR_TABLE_HOT, "a", NULL));
    commit(put_of(MR_TABLE_HOT, "a", "two"));
    refresh();
    expect(MR_TABLE_HOT, "a", "two");
    commit(put_of(MR_TABLE_HOT, "a", NULL));
    refresh();
    refresh();
    expect(MR_TABLE_HOT, "a", NULL);
    commit(put_of(MR_TABLE_HOT, "a", ""));
    refresh();
    expect(MR_TABLE_HOT, "a", "");
}
END_TEST

START_TEST(a_value_longer_than_the_buffer_is_damage)
{
    char is[4] = "xxx";

    open_store(_i);
    commit(put_of(MR_TABLE_HOT, "a", "four"));
    refresh();
    ck_assert_int_eq(get(MR_TABLE_HOT, "a", is, sizeof is), MR_DAMAGED);
    ck_assert_str_eq(is, "xxx");
}
END_TEST

struct seen {
    char text[256];
    unsigned left;
};

static bool note(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                 size_t value_len)
{
    struct seen *s = ctx;
    char line[64];

    snprintf(line, sizeof line, "%.*s=%.*s ", (int)key_len, (const char *)key, (int)value_len,
             (const char *)value);
    strcat(s->text, line);
    return --s->left > 0;
}

START_TEST(walks_ascend)
{
    static const struct {
        const char *from, *seen;
        unsigned left;
    } cases[] = {
        {NULL, "a=1 ab=2 b=3 c=4 ", 9},
        {"a", "a=1 ab=2 b=3 c=4 ", 9},
        {"aa", "ab=2 b=3 c=4 ", 9},
        {"b", "b=3 c=4 ", 9},
        {"bb", "c=4 ", 9},
        {"d", "", 9},
        {NULL, "a=1 ab=2 ", 2},
    };
    const struct mr_put puts[] = {
        put_of(MR_TABLE_HOT, "zz", "9"),  put_of(MR_TABLE_SLOT, "a", "1"),
        put_of(MR_TABLE_SLOT, "ab", "2"), put_of(MR_TABLE_SLOT, "b", "3"),
        put_of(MR_TABLE_SLOT, "c", "4"),  put_of(MR_TABLE_CREDIT, "a", "9"),
    };

    open_store(_i);
    ck_assert_int_eq(store->api->commit(store, puts, 6), MR_OK);
    refresh();
    commit(put_of(MR_TABLE_SLOT, "aa", "unseen"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seen seen = {.left = cases[i].left};
        const uint8_t *from = (const uint8_t *)cases[i].from;

        ck_assert_int_eq(store->api->walk(store, MR_TABLE_SLOT, from,
                                          from == NULL ? 0 : strlen(cases[i].from), note, &seen),
                         MR_OK);
        ck_assert_str_eq(seen.text, cases[i].seen);
    }
}
END_TEST

/* Many entries of every length, against a plain array; on disk the map grows several times. */
START_TEST(many_entries)
{
    enum { KEYS = 3000, ROUNDS = 4 };
    static uint8_t values[KEYS][2][2048], is[MR_STORE_VALUE_MAX];
    static uint32_t lens[KEYS];
    struct mr_put puts[KEYS];
    uint8_t keys[KEYS][4];

    open_store(_i);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t count = 0;
        unsigned wrong = 0;

        for (unsigned i = 0; i < KEYS; i++) {
            const uint32_t n = (i * 7919 + round * 104729) % 2048;

            if (round > 0 && (i + round) % 3 != 0)
                continue;
            memset(values[i][0], (int)(i + round), n);
            lens[i] = n;
            memcpy(keys[i], (uint8_t[]){0, (uint8_t)(i >> 8), (uint8_t)i, 7}, 4);
            puts[count++] = (struct mr_put){.table = MR_TABLE_HOT,
                                            .key = keys[i],
                                            .key_len = 4,
                                            .value = n % 5 == 0 ? NULL : values[i][0],
                                            .value_len = n};
        }
        ck_assert_int_eq(store->api->commit(store, puts, count), MR_OK);
        refresh();
        for (unsigned i = 0; i < KEYS; i++) {
            const uint8_t key[4] = {0, (uint8_t)(i >> 8), (uint8_t)i, 7};
            size_t len = 0;
            const enum mr_status st =
                store->api->get(store, MR_TABLE_HOT, key, 4, is, sizeof is, &len);

            if (lens[i] % 5 == 0)
                wrong += st != MR_NOT_FOUND;
            else
                wrong += st != MR_OK || len != lens[i] || memcmp(is, values[i][0], len) != 0;
        }
        ck_assert_uint_eq(wrong, 0);
    }
}
END_TEST

START_TEST(the_largest_key_and_value)
{
    static uint8_t value[MR_STORE_VALUE_MAX], is[MR_STORE_VALUE_MAX];
    uint8_t key[MR_STORE_KEY_MAX];
    size_t len;

    memset(value, 0xa5, sizeof value);
    memset(key, 0xff, sizeof key);
    open_store(_i);
    commit((struct mr_put){MR_TABLE_TILE, key, value, sizeof key, sizeof value});
    refresh();
    ck_assert_int_eq(store->api->get(store, MR_TABLE_TILE, key, sizeof key, is, sizeof is, &len),
                     MR_OK);
    ck_assert_uint_eq(len, sizeof value);
    ck_assert_mem_eq(is, value, len);
}
END_TEST

/* The loop reads while the flusher commits; the first value makes the map grow on disk. */
struct flusher {
    atomic_bool done;
};

static void *flush(void *ctx)
{
    struct flusher *f = ctx;
    static uint8_t value[8192];

    for (uint32_t i = 0; i < 400; i++) {
        const uint8_t key[4] = {0, 0, (uint8_t)(i >> 8), (uint8_t)i};
        const struct mr_put puts[2] = {
            {MR_TABLE_HOT, key, value, 4, sizeof value},
            {MR_TABLE_SLOT, key, value, 4, 16},
        };

        if (store->api->commit(store, puts, 2) != MR_OK)
            abort();
    }
    atomic_store(&f->done, true);
    return NULL;
}

static bool count_one(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                      size_t value_len)
{
    unsigned *n = ctx;

    (void)key;
    (void)key_len;
    (void)value;
    (void)value_len;
    (*n)++;
    return true;
}

START_TEST(reading_while_committing)
{
    struct flusher f = {false};
    unsigned hot = 0, slot = 0;
    pthread_t thread;

    open_store(_i);
    ck_assert_int_eq(pthread_create(&thread, NULL, flush, &f), 0);
    while (!atomic_load(&f.done)) {
        unsigned now = 0;

        ck_assert_int_eq(store->api->walk(store, MR_TABLE_HOT, NULL, 0, count_one, &now), MR_OK);
        ck_assert_uint_ge(now, hot);
        hot = now;
        refresh();
    }
    pthread_join(thread, NULL);
    refresh();
    hot = 0;
    ck_assert_int_eq(store->api->walk(store, MR_TABLE_HOT, NULL, 0, count_one, &hot), MR_OK);
    ck_assert_int_eq(store->api->walk(store, MR_TABLE_SLOT, NULL, 0, count_one, &slot), MR_OK);
    ck_assert_uint_eq(hot, 400);
    ck_assert_uint_eq(slot, 400);
}
END_TEST

/* --- in memory: faults ------------------------------------------------------------------------ */

static const char *failing;

static bool fails(void *ctx, const char *call)
{
    (void)ctx;
    return failing != NULL && strcmp(failing, call) == 0;
}

START_TEST(faults_of_the_memory_store)
{
    static const struct {
        const char *call;
        enum mr_status st;
        const char *after;
    } cases[] = {
        {"commit", MR_IO_ERROR, "old"},
        {"committed", MR_IO_ERROR, "new"},
        {"space", MR_DISK_FULL, "old"},
    };
    const struct mr_store_faults faults = {fails, NULL};
    const struct mr_put old = put_of(MR_TABLE_HOT, "a", "old"),
                        new = put_of(MR_TABLE_HOT, "a", "new");
    char is[8];

    failing = NULL;
    ck_assert_int_eq(mr_store_mem_open(&store, &scratch_mem, &faults), MR_OK);
    commit(old);
    refresh();
    failing = cases[_i].call;
    ck_assert_int_eq(store->api->commit(store, &new, 1), cases[_i].st);
    failing = NULL;
    if (cases[_i].st == MR_IO_ERROR) {
        ck_assert_int_eq(get(MR_TABLE_HOT, "a", is, sizeof is), MR_IO_ERROR);
        mr_store_mem_crash(store);
    }
    expect(MR_TABLE_HOT, "a", cases[_i].after);
    ck_assert_int_eq(store->api->commit(store, &new, 1), MR_OK);
    refresh();
    expect(MR_TABLE_HOT, "a", "new");
    ck_assert_int_eq(mr_store_mem_flip(store, MR_TABLE_HOT, (const uint8_t *)"a", 1), MR_OK);
    ck_assert_int_eq(get(MR_TABLE_HOT, "a", is, sizeof is), MR_DAMAGED);
}
END_TEST

/* --- on disk ---------------------------------------------------------------------------------- */

static void fill(unsigned count)
{
    for (unsigned i = 0; i < count; i += 50) {
        struct mr_put puts[50];
        uint8_t keys[50][8], values[50][100];

        for (unsigned k = 0; k < 50; k++) {
            memset(keys[k], 0, 8);
            keys[k][6] = (uint8_t)((i + k) >> 8);
            keys[k][7] = (uint8_t)(i + k);
            memset(values[k], (int)(i + k), 100);
            puts[k] = (struct mr_put){MR_TABLE_HOT, keys[k], values[k], 8, 100};
        }
        ck_assert_int_eq(store->api->commit(store, puts, 50), MR_OK);
    }
    refresh();
}

START_TEST(a_store_survives_its_process)
{
    const struct mr_store_lmdb_options reader = {.read_only = true};

    ck_assert_int_eq(mr_store_lmdb_open(&store, scratch_path(dir, "none"), &reader),
                     MR_NO_SUCH_FILE);
    open_store(LMDB);
    commit(put_of(MR_TABLE_META, "m", "here"));
    close_store();
    open_store(LMDB);
    expect(MR_TABLE_META, "m", "here");
    close_store();
    ck_assert_int_eq(mr_store_lmdb_open(&store, dir, &reader), MR_OK);
    expect(MR_TABLE_META, "m", "here");
}
END_TEST

START_TEST(a_directory_is_opened_once)
{
    struct mr_store *second;

    open_store(LMDB);
    ck_assert_int_eq(mr_store_lmdb_open(&second, scratch_path(dir, "."), NULL), MR_IN_USE);
    close_store();
    open_store(LMDB);
}
END_TEST

START_TEST(a_copy_is_whole)
{
    const char *to = scratch_path(dir, "copy");
    char text[STORE_TEXT_MAX];
    unsigned n = 0;

    open_store(LMDB);
    fill(2000);
    ck_assert_int_eq(mkdir(to, 0700), 0);
    ck_assert_int_eq(mr_store_lmdb_copy(store, to), MR_OK);
    ck_assert_int_eq(mr_store_lmdb_copy(store, to), MR_FILE_EXISTS);
    close_store();
    ck_assert_int_eq(store_probe(to, text), MR_OK);
    ck_assert_int_eq(mr_store_lmdb_open(&store, to, NULL), MR_OK);
    ck_assert_int_eq(store->api->walk(store, MR_TABLE_HOT, NULL, 0, count_one, &n), MR_OK);
    ck_assert_uint_eq(n, 2000);
}
END_TEST

static void flip(const char *name, off_t at, uint8_t bits)
{
    const int fd = open(scratch_path(dir, name), O_RDWR);
    uint8_t b;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &b, 1, at), 1);
    b ^= bits;
    ck_assert_int_eq(pwrite(fd, &b, 1, at), 1);
    close(fd);
}

static off_t size_of(const char *name)
{
    struct stat about;

    ck_assert_int_eq(stat(scratch_path(dir, name), &about), 0);
    return about.st_size;
}

START_TEST(a_seal_covers_every_byte)
{
    char text[STORE_TEXT_MAX] = "";
    bool sealed;

    ck_assert_int_eq(store_seal_check(dir, &sealed, text), MR_OK);
    ck_assert(!sealed);
    open_store(LMDB);
    fill(100);
    close_store();
    ck_assert_int_eq(store_seal(dir), MR_OK);
    const off_t size = size_of("data.mdb");
    for (off_t at = 0; at < size; at += 1021) {
        flip("data.mdb", at, 4);
        ck_assert_int_eq(store_seal_check(dir, &sealed, text), MR_DAMAGED);
        ck_assert_ptr_nonnull(strstr(text, "data.mdb"));
        flip("data.mdb", at, 4);
    }
    for (off_t at = 0; at < size_of("seal"); at++) {
        flip("seal", at, 1);
        ck_assert_int_eq(store_seal_check(dir, &sealed, text), MR_DAMAGED);
        flip("seal", at, 1);
    }
    ck_assert_int_eq(store_seal_check(dir, &sealed, text), MR_OK);
    ck_assert(sealed);
    ck_assert_int_eq(store_seal_check(dir, &sealed, text), MR_OK);
    ck_assert(!sealed);
}
END_TEST

START_TEST(the_probe_finds_flipped_values)
{
    char text[STORE_TEXT_MAX] = "";
    static uint8_t file[1 << 22];
    uint8_t pattern[64];

    ck_assert_int_eq(store_probe(dir, text), MR_NO_SUCH_FILE);
    open_store(LMDB);
    fill(1000);
    close_store();
    ck_assert_int_eq(store_probe(dir, text), MR_OK);
    const int fd = open(scratch_path(dir, "data.mdb"), O_RDONLY);
    const ssize_t n = read(fd, file, sizeof file);
    close(fd);
    ck_assert_int_gt(n, 0);
    /* All values of one kind, old page versions too: one of them is in use. */
    memset(pattern, 0x33, sizeof pattern);
    unsigned flipped = 0;
    for (ssize_t at = 0; at + 64 <= n; at++)
        if (memcmp(file + at, pattern, 64) == 0) {
            flip("data.mdb", at + 10, 0x40);
            flipped++;
            at += 100;
        }
    ck_assert_uint_gt(flipped, 0);
    ck_assert_int_eq(store_probe(dir, text), MR_DAMAGED);
    ck_assert_ptr_nonnull(strstr(text, "table hot, key"));
}
END_TEST

/* What crashes LMDB must not crash us: pages of zeros, a file cut in half, no meta pages. */
START_TEST(the_probe_survives_what_crashes_lmdb)
{
    static const uint8_t zeros[4096];
    char text[STORE_TEXT_MAX] = "";

    open_store(LMDB);
    fill(2000);
    close_store();
    const off_t size = size_of("data.mdb");
    if (_i == 0) {
        ck_assert_int_eq(truncate(scratch_path(dir, "data.mdb"), size / 2), 0);
    } else {
        const int fd = open(scratch_path(dir, "data.mdb"), O_RDWR);
        const off_t from = _i == 1 ? 0 : 2 * 4096, to = _i == 1 ? 2 * 4096 : size;

        for (off_t at = from; at < to; at += 4096)
            ck_assert_int_eq(pwrite(fd, zeros, 4096, at), 4096);
        close(fd);
    }
    ck_assert_int_eq(store_probe(dir, text), MR_DAMAGED);
    ck_assert_ptr_nonnull(strstr(text, "data.mdb"));
}
END_TEST

START_TEST(a_full_disk_refuses_and_recovers)
{
    static uint8_t value[4096];
    enum mr_status st = MR_OK;
    const char *ballast = scratch_path(dir, "ballast");
    uint32_t n = 0;

    if (!scratch_small_disk(dir, 3 << 20))
        return;
    const int fd = open(ballast, O_RDWR | O_CREAT, 0600);
    ck_assert_int_eq(fallocate(fd, 0, 0, 1 << 20), 0);
    close(fd);
    ck_assert_int_eq(mr_store_lmdb_open(&store, dir, NULL), MR_OK);
    commit(put_of(MR_TABLE_META, "m", "old"));
    refresh();
    for (; n < 2000 && st == MR_OK; n++) {
        const uint8_t key[4] = {1, 0, (uint8_t)(n >> 8), (uint8_t)n};
        struct mr_put puts[2] = {put_of(MR_TABLE_META, "m", "new"),
                                 {MR_TABLE_HOT, key, value, 4, sizeof value}};

        st = store->api->commit(store, puts, 2);
    }
    ck_assert_int_eq(st, MR_DISK_FULL);
    expect(MR_TABLE_META, "m", "old");
    refresh();
    expect(MR_TABLE_META, "m", "new");
    ck_assert_int_eq(unlink(ballast), 0);
    for (uint32_t i = 0; i < 50; i++) {
        const uint8_t key[4] = {2, 0, 0, (uint8_t)i};

        commit((struct mr_put){MR_TABLE_HOT, key, value, 4, sizeof value});
    }
    close_store();
    open_store(LMDB);
    unsigned count = 0;
    ck_assert_int_eq(store->api->walk(store, MR_TABLE_HOT, NULL, 0, count_one, &count), MR_OK);
    ck_assert_uint_eq(count, n - 1 + 50);
    close_store();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store");
    TCase *tc = tcase_create("store");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, refresh_shows_what_was_committed, 0, KINDS);
    tcase_add_loop_test(tc, deleting_and_coming_back, 0, KINDS);
    tcase_add_loop_test(tc, a_value_longer_than_the_buffer_is_damage, 0, KINDS);
    tcase_add_loop_test(tc, walks_ascend, 0, KINDS);
    tcase_add_loop_test(tc, many_entries, 0, KINDS);
    tcase_add_loop_test(tc, the_largest_key_and_value, 0, KINDS);
    tcase_add_loop_test(tc, reading_while_committing, 0, KINDS);
    tcase_add_loop_test(tc, faults_of_the_memory_store, 0, 3);
    tcase_add_test(tc, a_store_survives_its_process);
    tcase_add_test(tc, a_directory_is_opened_once);
    tcase_add_test(tc, a_copy_is_whole);
    tcase_add_test(tc, a_seal_covers_every_byte);
    tcase_add_test(tc, the_probe_finds_flipped_values);
    tcase_add_loop_test(tc, the_probe_survives_what_crashes_lmdb, 0, 3);
    tcase_add_test(tc, a_full_disk_refuses_and_recovers);
    suite_add_tcase(s, tc);

    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    const int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
