/* Sealed key files: damage, wrong passphrases and half-done changes are told apart. */
#include <check.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/keyfile.h"

static char dir[64], path[128];
static struct secret pass, other;

static void setup(void)
{
    strcpy(dir, "/tmp/mereau-keyfile-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/key", dir);
    ck_assert_int_eq(secret_copy(&pass, "correct horse", 13), MR_OK);
    ck_assert_int_eq(secret_copy(&other, "correct hors", 12), MR_OK);
}

static void teardown(void)
{
    secret_free(&pass);
    secret_free(&other);
    unlink(path);
    ck_assert_int_eq(rmdir(dir), 0); /* so nothing is left beside a key file */
}

static void create(const char *payload)
{
    ck_assert_int_eq(
        keyfile_create(NULL, path, "wallet", KEYFILE_MIN, &pass, payload, strlen(payload), false),
        MR_OK);
}

static void expect(const struct secret *passphrase, enum mr_status wanted, const char *payload)
{
    struct keyfile *k = NULL;
    size_t len = 0;
    ck_assert_int_eq(keyfile_open(&k, path, "wallet", passphrase), wanted);
    if (wanted == MR_OK) {
        const uint8_t *bytes = keyfile_payload(k, &len);
        ck_assert_uint_eq(len, strlen(payload));
        ck_assert_mem_eq(bytes, payload, len);
    } else {
        ck_assert_ptr_null(k);
    }
    keyfile_close(k);
}

START_TEST(test_round_trip)
{
    struct stat info;
    create("a secret seed");
    expect(&pass, MR_OK, "a secret seed");
    expect(&other, MR_WRONG_PASSPHRASE, NULL);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0600);
    ck_assert_int_eq(keyfile_check(path, "wallet"), MR_OK);
    ck_assert_int_eq(keyfile_check(path, "operator"), MR_BAD_KEY);
    struct keyfile *k = NULL;
    ck_assert_int_eq(keyfile_open(&k, path, "operator", &pass), MR_BAD_KEY);
}
END_TEST

START_TEST(test_nothing_in_clear)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    create("a secret seed that is long enough to be found");
    ck_assert_int_eq(file_read(&bytes, &len, path, 1 << 16), MR_OK);
    ck_assert_ptr_null(memmem(bytes, len, "secret seed", 11));
    ck_assert_ptr_null(memmem(bytes, len, "horse", 5));
    free(bytes);
}
END_TEST

START_TEST(test_refuses_to_overwrite)
{
    create("first");
    ck_assert_int_eq(keyfile_create(NULL, path, "wallet", KEYFILE_MIN, &other, "second", 6, false),
                     MR_FILE_EXISTS);
    expect(&pass, MR_OK, "first");
    ck_assert_int_eq(keyfile_create(NULL, path, "wallet", KEYFILE_MIN, &other, "second", 6, true),
                     MR_OK);
    expect(&other, MR_OK, "second");
}
END_TEST

START_TEST(test_missing)
{
    expect(&pass, MR_NO_SUCH_FILE, NULL);
    ck_assert_int_eq(
        keyfile_create(NULL, "/nonexistent/key", "wallet", KEYFILE_MIN, &pass, "x", 1, false),
        MR_NO_SUCH_FILE);
}
END_TEST

START_TEST(test_save_and_change)
{
    struct keyfile *k = NULL;
    size_t len = 0;
    ck_assert_int_eq(keyfile_create(&k, path, "wallet", KEYFILE_MIN, &pass, "one", 3, false),
                     MR_OK);
    expect(&pass, MR_OK, "one");
    ck_assert_int_eq(keyfile_save(k, "three", 5), MR_OK);
    ck_assert_mem_eq(keyfile_payload(k, &len), "three", 5);
    expect(&pass, MR_OK, "three");
    ck_assert_int_eq(keyfile_change(k, KEYFILE_MIN, &other), MR_OK);
    expect(&pass, MR_WRONG_PASSPHRASE, NULL);
    expect(&other, MR_OK, "three");
    ck_assert_int_eq(keyfile_save(k, "", 0), MR_OK);
    expect(&other, MR_OK, "");
    keyfile_close(k);
}
END_TEST

START_TEST(test_failed_save_keeps_the_old)
{
    struct keyfile *k = NULL;
    size_t len = 0;
    char temporary[160], moved[160];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    snprintf(moved, sizeof moved, "%s.moved", path);
    ck_assert_int_eq(keyfile_create(&k, path, "wallet", KEYFILE_MIN, &pass, "one", 3, false),
                     MR_OK);
    ck_assert_int_eq(mkdir(temporary, 0700), 0); /* no temporary file can be opened */
    ck_assert_int_ne(keyfile_save(k, "two", 3), MR_OK);
    ck_assert_mem_eq(keyfile_payload(k, &len), "one", 3);
    ck_assert_int_ne(keyfile_change(k, KEYFILE_MIN, &other), MR_OK);
    ck_assert_int_eq(rmdir(temporary), 0);
    expect(&pass, MR_OK, "one");
    ck_assert_int_eq(keyfile_save(k, "two", 3), MR_OK);
    expect(&pass, MR_OK, "two");
    keyfile_close(k);
}
END_TEST

START_TEST(test_too_large)
{
    uint8_t *big = calloc(1, KEYFILE_PAYLOAD_MAX + 1);
    struct keyfile *k = NULL;
    ck_assert_ptr_nonnull(big);
    ck_assert_int_eq(
        keyfile_create(&k, path, "wallet", KEYFILE_MIN, &pass, big, KEYFILE_PAYLOAD_MAX + 1, false),
        MR_TOO_LARGE);
    ck_assert_int_eq(
        keyfile_create(&k, path, "wallet", KEYFILE_MIN, &pass, big, KEYFILE_PAYLOAD_MAX, false),
        MR_OK);
    ck_assert_int_eq(keyfile_save(k, big, KEYFILE_PAYLOAD_MAX + 1), MR_TOO_LARGE);
    keyfile_close(k);
    ck_assert_int_eq(keyfile_open(&k, path, "wallet", &pass), MR_OK);
    keyfile_close(k);
    free(big);
}
END_TEST

/* Every bit of every byte, every length: damage, never "wrong passphrase", never a payload. */
START_TEST(test_damage)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    struct secret got = {NULL, 0};
    ck_assert_int_eq(keyfile_seal(&bytes, &len, "wallet", KEYFILE_MIN, &pass, "seed", 4), MR_OK);
    for (size_t i = 0; i < len * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        ck_assert_int_eq(keyfile_unseal(&got, "wallet", &pass, bytes, len), MR_DAMAGED);
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t n = 0; n < len; n++)
        ck_assert_int_eq(keyfile_unseal(&got, "wallet", &pass, bytes, n), MR_DAMAGED);
    ck_assert_ptr_null(got.bytes);
    ck_assert_int_eq(keyfile_unseal(&got, "wallet", &other, bytes, len), MR_WRONG_PASSPHRASE);
    ck_assert_int_eq(keyfile_unseal(&got, "wallet", &pass, bytes, len), MR_OK);
    ck_assert_mem_eq(got.bytes, "seed", 4);
    secret_free(&got);
    free(bytes);
}
END_TEST

/* Somebody who mends the checksum still cannot change what is sealed, or ask for a terabyte. */
START_TEST(test_forged)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    struct secret got = {NULL, 0};
    ck_assert_int_eq(keyfile_seal(&bytes, &len, "wallet", KEYFILE_MIN, &pass, "seed", 4), MR_OK);
    for (size_t i = 8; i + 32 < len; i++) {
        bytes[i] ^= 0x40;
        crypto_generichash(bytes + len - 32, 32, bytes, len - 32, NULL, 0);
        const enum mr_status st = keyfile_unseal(&got, "wallet", &pass, bytes, len);
        const enum mr_status wanted = i < 12   ? MR_BAD_VERSION
                                      : i < 28 ? MR_BAD_KEY
                                      : i < 36 ? MR_DAMAGED
                                               : MR_WRONG_PASSPHRASE;
        if (i >= 36 && i < 44)
            ck_assert(st == MR_DAMAGED || st == MR_WRONG_PASSPHRASE);
        else
            ck_assert_msg(st == wanted, "byte %zu: %s", i, mr_status_name(st));
        bytes[i] ^= 0x40;
    }
    ck_assert_ptr_null(got.bytes);
    free(bytes);
}
END_TEST

START_TEST(test_nonces_differ)
{
    uint8_t *a = NULL, *b = NULL;
    size_t a_len = 0, b_len = 0;
    struct keyfile *k = NULL;
    ck_assert_int_eq(keyfile_create(&k, path, "wallet", KEYFILE_MIN, &pass, "same", 4, false),
                     MR_OK);
    ck_assert_int_eq(file_read(&a, &a_len, path, 4096), MR_OK);
    ck_assert_int_eq(keyfile_save(k, "same", 4), MR_OK);
    ck_assert_int_eq(file_read(&b, &b_len, path, 4096), MR_OK);
    ck_assert_uint_eq(a_len, b_len);
    ck_assert_int_ne(memcmp(a + 60, b + 60, 24), 0);
    keyfile_close(k);
    free(a);
    free(b);
}
END_TEST

static const struct {
    const char *text;
    enum mr_status st;
    const char *secret;
} lines[] = {
    {"word\n", MR_OK, "word"}, {"word", MR_OK, "word"}, {"two words \r\nnext", MR_OK, "two words "},
    {"\n", MR_BAD_TEXT, NULL}, {"", MR_BAD_TEXT, NULL}, {"\r\n", MR_BAD_TEXT, NULL},
};

START_TEST(test_read_line)
{
    int fds[2];
    struct secret got = {NULL, 0};
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(file_write_all(fds[1], lines[_i].text, strlen(lines[_i].text)), MR_OK);
    close(fds[1]);
    ck_assert_int_eq(secret_read_line(&got, fds[0]), lines[_i].st);
    if (lines[_i].st == MR_OK)
        ck_assert_str_eq((const char *)got.bytes, lines[_i].secret);
    else
        ck_assert_ptr_null(got.bytes);
    secret_free(&got);
    close(fds[0]);
}
END_TEST

START_TEST(test_read_line_bound)
{
    char text[SECRET_PASSPHRASE_MAX + 2];
    struct secret got = {NULL, 0};
    int fds[2];
    memset(text, 'p', sizeof text);
    for (size_t len = SECRET_PASSPHRASE_MAX; len <= SECRET_PASSPHRASE_MAX + 2; len++) {
        ck_assert_int_eq(pipe(fds), 0);
        ck_assert_int_eq(file_write_all(fds[1], text, len), MR_OK);
        close(fds[1]);
        ck_assert_int_eq(secret_read_line(&got, fds[0]),
                         len <= SECRET_PASSPHRASE_MAX ? MR_OK : MR_BAD_TEXT);
        secret_free(&got);
        close(fds[0]);
    }
    ck_assert_int_eq(secret_read_line(&got, -1), MR_IO_ERROR);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("keyfile");
    TCase *t = tcase_create("keyfile");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_round_trip);
    tcase_add_test(t, test_nothing_in_clear);
    tcase_add_test(t, test_refuses_to_overwrite);
    tcase_add_test(t, test_missing);
    tcase_add_test(t, test_save_and_change);
    tcase_add_test(t, test_failed_save_keeps_the_old);
    tcase_add_test(t, test_too_large);
    tcase_add_test(t, test_damage);
    tcase_add_test(t, test_forged);
    tcase_add_test(t, test_nonces_differ);
    tcase_add_loop_test(t, test_read_line, 0, (int)(sizeof lines / sizeof lines[0]));
    tcase_add_test(t, test_read_line_bound);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
