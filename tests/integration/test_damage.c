/* Any byte of a stopped node's files changed: the start, or a check, says so and names the file. */
#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/exit.h"
#include "common/file.h"
#include "lib/teller.h"

enum { POSITIONS = 24, FILE_MAX_BYTES = 64 << 20, SEED = 20260101 };

static struct teller t;
static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* A node that has done a little of everything and stopped. */
static void setup(void)
{
    seed = SEED;
    teller_make(&t, NULL);
    teller_start(&t);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(teller_open(&t, MR_CLASS_SHOP), MR_SETTLED);
    ck_assert_int_eq(teller_issue(&t, 0, 100000), MR_SETTLED);
    for (uint32_t i = 0; i < 40; i++)
        ck_assert_int_eq(teller_pay(&t, 0, 1 + i % 3, 10), MR_SETTLED);
    ck_assert_int_eq(teller_stop(&t), EXIT_DONE);
}

static void teardown(void)
{
    teller_done(&t);
}

struct copy {
    char path[2 * SCRATCH_PATH_MAX];
    uint8_t *bytes;
    size_t len;
};

static void copy_take(struct copy *c, const char *name)
{
    snprintf(c->path, sizeof c->path, "%s", scratch_path(t.data, name));
    ck_assert_int_eq(file_read(&c->bytes, &c->len, c->path, FILE_MAX_BYTES), MR_OK);
    ck_assert_uint_gt(c->len, 0);
}

static void copy_put(const struct copy *c)
{
    ck_assert_int_eq(file_write(c->path, c->bytes, c->len, 0600, true), MR_OK);
}

/* Start the node and see it refuse; what it says. The caller frees it. NULL: it came up. */
static char *refused(int *ret_code)
{
    struct proc *p = nodedir_run(t.data, NULL, NULL);
    char *text = NULL;
    *ret_code = 0;
    if (!proc_line(p, NULL, 0, " ready ", PROC_DEADLINE_MS)) {
        *ret_code = proc_wait(p, PROC_DEADLINE_MS);
        text = proc_text(p);
    }
    proc_end(p);
    return text;
}

/* What `mereau-admin check` says about the stopped node; NULL: all is well. The caller frees it. */
static char *checked(int *ret_code)
{
    const char *const argv[] = {MEREAU_BIN_DIR "/mereau-admin", "check", t.data, NULL};
    struct proc *p = proc_start(argv);
    *ret_code = proc_wait(p, PROC_DEADLINE_MS);
    char *text = *ret_code == 0 ? NULL : proc_text(p);
    proc_end(p);
    return text;
}

static bool names_it(const char *text, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strstr(text, *names) != NULL)
            return true;
    return false;
}

/* Change sampled bytes of a file, the first and the last among them. `names`: one of these words is
 * in what is said about it. `all`: every change must be found. */
static void flip(const char *name, const char *const *names, bool all)
{
    struct copy c;
    copy_take(&c, name);
    for (int i = 0; i < POSITIONS; i++) {
        int code;
        const size_t at = i == 0 ? 0 : i == 1 ? c.len - 1 : next_random() % c.len;
        const uint8_t bit = (uint8_t)(1u << next_random() % 8);
        c.bytes[at] ^= bit;
        copy_put(&c);
        c.bytes[at] ^= bit;
        /* A start looks at what is new since the last commit; a check at everything. */
        char *found = checked(&code);
        if (found == NULL || !names_it(found, names)) {
            free(found);
            found = refused(&code);
        }
        ck_assert_msg(found != NULL || !all, "%s: byte %zu of %zu, bit %u: not found", name, at,
                      c.len, bit);
        if (found != NULL) {
            ck_assert_msg(names_it(found, names), "%s: byte %zu of %zu is not named in:\n%s", name,
                          at, c.len, found);
            ck_assert_msg(code == EXIT_HOST || code == EXIT_CHECK || code == EXIT_USAGE,
                          "%s: byte %zu: exit %d:\n%s", name, at, code, found);
        }
        free(found);
        copy_put(&c);
    }
    free(c.bytes);
    /* What was put back is a good node. */
    teller_start(&t);
    ck_assert_int_eq(teller_balance(&t, t.w.members[0].id, 0), 100000 - 400);
    ck_assert_int_eq(teller_stop(&t), EXIT_DONE);
}

START_TEST(the_charter)
{
    /* A charter that is well formed, but another one, is not that of journal and store. */
    static const char *const names[] = {"charter.mrc", "WRONG_LEDGER", "node.key", NULL};
    flip("charter.mrc", names, true);
}
END_TEST

START_TEST(the_node_key)
{
    static const char *const names[] = {"node.key", NULL};
    flip("node.key", names, true);
}
END_TEST

START_TEST(its_passphrase)
{
    static const char *const names[] = {"node.key", "node.pass", "passphrase", NULL};
    flip("node.pass", names, true);
}
END_TEST

START_TEST(the_store)
{
    static const char *const names[] = {"data.mdb", NULL};
    flip("store/data.mdb", names, true);
}
END_TEST

/* Without a seal, as after a crash: what is in use is found, free pages are not looked at. */
START_TEST(the_store_after_a_crash)
{
    static const char *const names[] = {"data.mdb", "store", NULL};
    teller_start(&t);
    teller_kill(&t);
    ck_assert(!file_exists(scratch_path(t.data, "store/seal")));
    flip("store/data.mdb", names, false);
}
END_TEST

/* A comment may change unseen; a setting that became another good one, too. */
START_TEST(the_configuration)
{
    static const char *const names[] = {"mereaud.conf", "listen", NULL};
    flip("mereaud.conf", names, false);
}
END_TEST

START_TEST(the_journal)
{
    static const char *const names[] = {"journal", NULL};
    char files[16][256];
    size_t count = 0;
    DIR *d = opendir(scratch_path(t.data, "journal"));
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d)) != NULL && count < 16;)
        if (e->d_name[0] != '.')
            snprintf(files[count++], sizeof files[0], "journal/%.200s", e->d_name);
    closedir(d);
    ck_assert_uint_ge(count, 2);
    for (size_t i = 0; i < count; i++) {
        struct copy c;
        if (!file_exists(scratch_path(t.data, files[i])))
            continue; /* it was the open one and has another name by now */
        copy_take(&c, files[i]);
        free(c.bytes);
        flip(files[i], names, true);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("damage");
    TCase *c = tcase_create("damage");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, the_charter);
    tcase_add_test(c, the_node_key);
    tcase_add_test(c, its_passphrase);
    tcase_add_test(c, the_store);
    tcase_add_test(c, the_store_after_a_crash);
    tcase_add_test(c, the_configuration);
    tcase_add_test(c, the_journal);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
