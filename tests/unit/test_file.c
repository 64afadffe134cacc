/* Files: whole or not at all, bounded, and nothing left beside them. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"

static char dir[64], path[FILE_PATH_MAX];

static void setup(void)
{
    strcpy(dir, "/tmp/mereau-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(path_join(path, dir, "x"), MR_OK);
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    ck_assert_int_eq(system(command), 0);
}

static unsigned entries(void)
{
    unsigned n = 0;
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n - 2;
}

static void expect(const char *text)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    ck_assert_int_eq(file_read(&bytes, &len, path, 1 << 20), MR_OK);
    ck_assert_uint_eq(len, strlen(text));
    ck_assert_str_eq((const char *)bytes, text);
    free(bytes);
}

START_TEST(test_write)
{
    struct stat info;
    ck_assert_int_eq(file_write(path, "one", 3, 0600, false), MR_OK);
    expect("one");
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0600);
    ck_assert_int_eq(file_write(path, "two", 3, 0600, false), MR_FILE_EXISTS);
    expect("one");
    ck_assert_int_eq(file_write(path, "three", 5, 0644, true), MR_OK);
    expect("three");
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0644);
    ck_assert_int_eq(file_write(path, "", 0, 0600, true), MR_OK);
    expect("");
    ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(test_draft)
{
    struct file_draft d;
    struct stat info;
    ck_assert_int_eq(file_draft_open(&d, path, 0640, false), MR_OK);
    ck_assert_int_eq(file_write_all(d.fd, "one", 3), MR_OK);
    ck_assert(!file_exists(path));
    file_draft_drop(&d);
    file_draft_drop(&d);
    ck_assert_uint_eq(entries(), 0);
    ck_assert_int_eq(file_draft_open(&d, path, 0640, false), MR_OK);
    ck_assert_int_eq(file_write_all(d.fd, "on", 2), MR_OK);
    ck_assert_int_eq(file_write_all(d.fd, "e", 1), MR_OK);
    ck_assert_int_eq(file_draft_keep(&d), MR_OK);
    file_draft_drop(&d);
    expect("one");
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0640);
    ck_assert_int_eq(file_draft_open(&d, path, 0600, false), MR_FILE_EXISTS);
    file_draft_drop(&d);
    ck_assert_int_eq(file_draft_open(&d, path, 0600, true), MR_OK);
    ck_assert_int_eq(file_write_all(d.fd, "two", 3), MR_OK);
    expect("one");
    ck_assert_int_eq(file_draft_keep(&d), MR_OK);
    expect("two");
    ck_assert_uint_eq(entries(), 1);
}
END_TEST

/* Somebody else was faster: his file stays. */
START_TEST(test_draft_late)
{
    struct file_draft d;
    ck_assert_int_eq(file_draft_open(&d, path, 0600, false), MR_OK);
    const int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(file_write_all(fd, "his", 3), MR_OK);
    close(fd);
    ck_assert_int_eq(file_draft_keep(&d), MR_FILE_EXISTS);
    expect("his");
    ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(test_write_fails)
{
    char below[FILE_PATH_MAX];
    ck_assert_int_eq(path_join(below, dir, "missing/x"), MR_OK);
    ck_assert_int_eq(file_write(below, "a", 1, 0600, true), MR_NO_SUCH_FILE);
    ck_assert_int_eq(file_write("/dev/full/x", "a", 1, 0600, true), MR_NO_SUCH_FILE);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_ne(file_write(path, "a", 1, 0600, true), MR_OK);
    ck_assert_uint_eq(entries(), 1);
    char *longer = malloc(FILE_PATH_MAX + 10);
    ck_assert_ptr_nonnull(longer);
    memset(longer, 'p', FILE_PATH_MAX + 9);
    longer[FILE_PATH_MAX + 9] = '\0';
    ck_assert_int_eq(file_write(longer, "a", 1, 0600, true), MR_TOO_LARGE);
    free(longer);
}
END_TEST

/* What is no file is not replaced by one: the owner of a machine would lose its devices. */
START_TEST(test_no_file_is_not_replaced)
{
    struct stat info;
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(file_write(path, "x", 1, 0600, true), MR_IO_ERROR);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert(S_ISFIFO(info.st_mode));
    ck_assert_int_eq(file_write(dir, "x", 1, 0600, true), MR_IO_ERROR);

    /* Nor what a link leads to, as /dev/stdout is one. */
    char link[FILE_PATH_MAX + 8];
    snprintf(link, sizeof link, "%s.link", path);
    ck_assert_int_eq(symlink(path, link), 0);
    ck_assert_int_eq(file_write(link, "x", 1, 0600, true), MR_IO_ERROR);
    ck_assert_int_eq(lstat(link, &info), 0);
    ck_assert(S_ISLNK(info.st_mode));
    unlink(link);
}
END_TEST

/* A temporary file that a crash left behind is used again, whatever is in it. */
START_TEST(test_leftover)
{
    char temporary[FILE_PATH_MAX + 8];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    FILE *f = fopen(temporary, "w");
    ck_assert_ptr_nonnull(f);
    fputs("something much longer than what comes now", f);
    fclose(f);
    ck_assert_int_eq(file_write(path, "new", 3, 0600, false), MR_OK);
    expect("new");
    ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(test_temporary_link_is_not_followed)
{
    char temporary[FILE_PATH_MAX + 8], victim[FILE_PATH_MAX];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    ck_assert_int_eq(path_join(victim, dir, "victim"), MR_OK);
    ck_assert_int_eq(symlink(victim, temporary), 0);
    ck_assert_int_ne(file_write(path, "new", 3, 0600, false), MR_OK);
    ck_assert(!file_exists(victim));
}
END_TEST

/* Several processes write one file: each time it is whole. */
START_TEST(test_concurrent_writers)
{
    enum { WRITERS = 4, ROUNDS = 40, LEN = 20000 };
    pid_t pids[WRITERS];
    char *text = malloc(LEN);
    ck_assert_ptr_nonnull(text);
    for (int w = 0; w < WRITERS; w++) {
        pids[w] = fork();
        ck_assert_int_ge(pids[w], 0);
        if (pids[w] == 0) {
            memset(text, 'a' + w, LEN);
            for (int i = 0; i < ROUNDS; i++)
                if (file_write(path, text, LEN, 0600, true) != MR_OK)
                    _exit(1);
            _exit(0);
        }
    }
    for (int w = 0; w < WRITERS; w++) {
        int status = 0;
        ck_assert_int_eq(waitpid(pids[w], &status, 0), pids[w]);
        ck_assert_int_eq(status, 0);
    }
    uint8_t *bytes = NULL;
    size_t len = 0;
    ck_assert_int_eq(file_read(&bytes, &len, path, LEN), MR_OK);
    ck_assert_uint_eq(len, LEN);
    for (size_t i = 1; i < len; i++)
        ck_assert_uint_eq(bytes[i], bytes[0]);
    ck_assert_uint_eq(entries(), 1);
    free(bytes);
    free(text);
}
END_TEST

START_TEST(test_read_bound)
{
    uint8_t *bytes = NULL;
    size_t len = 99;
    char *text = malloc(10001);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', 10000);
    text[10000] = '\0';
    ck_assert_int_eq(file_write(path, text, 10000, 0600, false), MR_OK);
    expect(text);
    ck_assert_int_eq(file_read(&bytes, &len, path, 9999), MR_TOO_LARGE);
    ck_assert_ptr_null(bytes);
    ck_assert_uint_eq(len, 99);
    ck_assert_int_eq(file_read(&bytes, &len, path, 10000), MR_OK);
    free(bytes);
    bytes = NULL;
    ck_assert_int_eq(file_read(&bytes, &len, "/dev/zero", 100000), MR_TOO_LARGE);
    ck_assert_int_eq(file_read(&bytes, &len, "/nonexistent", 10), MR_NO_SUCH_FILE);
    ck_assert_int_eq(file_read(&bytes, &len, dir, 10), MR_IO_ERROR);
    free(text);
}
END_TEST

START_TEST(test_dirs)
{
    char deep[FILE_PATH_MAX];
    struct stat info;
    ck_assert_int_eq(path_join(deep, dir, "a/b//c/"), MR_OK);
    ck_assert_int_eq(dir_make(deep), MR_OK);
    ck_assert_int_eq(dir_make(deep), MR_OK);
    ck_assert_int_eq(stat(deep, &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0700);
    ck_assert_int_eq(file_write(path, "x", 1, 0600, false), MR_OK);
    ck_assert_int_eq(dir_make(path), MR_FILE_EXISTS);
    ck_assert_int_eq(dir_make(""), MR_NO_SUCH_FILE);
    ck_assert_int_eq(dir_sync(deep), MR_OK);
    ck_assert_int_eq(dir_sync(path), MR_NO_SUCH_FILE);
}
END_TEST

static const struct {
    const char *a, *b, *joined, *parent;
} paths[] = {
    {"a", "b", "a/b", "a"},
    {"a/", "b", "a/b", "a"},
    {"", "b", "b", "."},
    {"a", "/b", "/b", "/"},
    {"/", "b", "/b", "/"},
    {"/a/b", "c/", "/a/b/c/", "/a/b"},
    {"/a//b", "c", "/a//b/c", "/a//b"},
};

START_TEST(test_paths)
{
    char got[FILE_PATH_MAX], parent[FILE_PATH_MAX];
    ck_assert_int_eq(path_join(got, paths[_i].a, paths[_i].b), MR_OK);
    ck_assert_str_eq(got, paths[_i].joined);
    ck_assert_int_eq(path_parent(parent, got), MR_OK);
    ck_assert_str_eq(parent, paths[_i].parent);
}
END_TEST

START_TEST(test_user_dirs)
{
    char got[FILE_PATH_MAX];
    setenv("HOME", "/home/ana", 1);
    unsetenv("XDG_DATA_HOME");
    ck_assert_int_eq(path_data_dir(got, "mereau"), MR_OK);
    ck_assert_str_eq(got, "/home/ana/.local/share/mereau");
    ck_assert_int_eq(path_config_dir(got, "mereau"), MR_OK);
    ck_assert_str_eq(got, "/home/ana/.config/mereau");
    setenv("XDG_DATA_HOME", "/data", 1);
    ck_assert_int_eq(path_data_dir(got, "mereau"), MR_OK);
    ck_assert_str_eq(got, "/data/mereau");
    setenv("XDG_DATA_HOME", "relative", 1);
    unsetenv("HOME");
    ck_assert_int_eq(path_data_dir(got, "mereau"), MR_NO_SUCH_FILE);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("file");
    TCase *t = tcase_create("file");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_write);
    tcase_add_test(t, test_draft);
    tcase_add_test(t, test_draft_late);
    tcase_add_test(t, test_write_fails);
    tcase_add_test(t, test_leftover);
    tcase_add_test(t, test_no_file_is_not_replaced);
    tcase_add_test(t, test_temporary_link_is_not_followed);
    tcase_add_test(t, test_concurrent_writers);
    tcase_add_test(t, test_read_bound);
    tcase_add_test(t, test_dirs);
    tcase_add_loop_test(t, test_paths, 0, (int)(sizeof paths / sizeof paths[0]));
    tcase_add_test(t, test_user_dirs);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
