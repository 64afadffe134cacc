/* One value, one encoding: properties of every record of the registry on seeded random values. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/random_record.h"

enum { VALUES = 24, MUTATED_MAX = 3000 };

static const struct record_ops *record; /* of the loop test that runs */
static void *value, *back;

static void setup(void)
{
    value = calloc(1, record_bytes_max());
    back = calloc(1, record_bytes_max());
    ck_assert(value != NULL && back != NULL);
}

static void teardown(void)
{
    free(value);
    free(back);
}

static struct random_source source(int seed)
{
    struct random_source g = random_source_of((uint64_t)seed + 1);
    g.size = seed % 8 == 0 ? RANDOM_EMPTY : seed % 8 == 1 ? RANDOM_FULL : RANDOM_TYPICAL;
    return g;
}

/* The encoding of value number `seed` of the record, in memory of exactly its size. */
static uint8_t *encoding(int seed, size_t *ret_len)
{
    struct random_source g = source(seed);
    g.arm = record->arms > 0 ? seed % record->arms : -1;
    memset(value, 0, record->bytes);
    record->random(&g, value);
    const size_t len = record->size(value);
    uint8_t *const bytes = malloc(len);
    ck_assert(bytes != NULL);
    ck_assert_uint_eq(len % 4, 0);
    ck_assert_uint_eq(record->encode(value, bytes, len), len);
    *ret_len = len;
    return bytes;
}

/* Decode from a copy of exactly that many bytes, so that a sanitizer sees one read too many. */
static enum mr_status decode_copy(const uint8_t *bytes, size_t len)
{
    uint8_t *const copy = malloc(len > 0 ? len : 1);
    memcpy(copy, bytes, len);
    const enum mr_status st = record->decode(back, copy, len);
    free(copy);
    return st;
}

static void check_same(const uint8_t *bytes, size_t len)
{
    uint8_t *const again = malloc(len);
    ck_assert_uint_eq(record->size(back), len);
    ck_assert_uint_eq(record->encode(back, again, len), len);
    ck_assert_mem_eq(again, bytes, len);
    free(again);
}

START_TEST(test_there_and_back)
{
    record = &record_table[_i];
    for (int seed = 0; seed < VALUES + record->arms; seed++) {
        size_t len;
        uint8_t *const bytes = encoding(seed, &len);
        memset(back, 0xa5, record->bytes);
        ck_assert_int_eq(decode_copy(bytes, len), MR_OK);
        check_same(bytes, len);
        const size_t n = record->json(value, NULL, 0);
        char *const a = malloc(n + 1), *const b = malloc(n + 1);
        ck_assert_uint_eq(record->json(value, a, n + 1), n);
        ck_assert_uint_eq(record->json(back, b, n + 1), n);
        ck_assert_uint_eq(strlen(a), n);
        ck_assert_str_eq(a, b);
        ck_assert_uint_eq(record->json(value, b, n / 2 + 1), n);
        ck_assert_uint_eq(strlen(b), n / 2);
        ck_assert_int_eq(strncmp(a, b, n / 2), 0);
        free(a);
        free(b);
        free(bytes);
    }
}
END_TEST

START_TEST(test_truncated_and_trailing)
{
    record = &record_table[_i];
    for (int seed = 0; seed < 4 + record->arms; seed++) {
        size_t len;
        uint8_t *const bytes = encoding(seed, &len);
        const size_t step = len > MUTATED_MAX ? len / 200 : 1;
        for (size_t n = 0; n < len; n += step)
            ck_assert_int_eq(decode_copy(bytes, n), MR_TRUNCATED);
        ck_assert_int_eq(decode_copy(bytes, len - 1), MR_TRUNCATED);
        uint8_t *const longer = calloc(1, len + 4);
        memcpy(longer, bytes, len);
        for (size_t more = 1; more <= 4; more++)
            ck_assert_int_eq(decode_copy(longer, len + more), MR_TRAILING);
        longer[len + 3] = 1;
        ck_assert_int_eq(decode_copy(longer, len + 4), MR_TRAILING);
        free(longer);
        free(bytes);
    }
}
END_TEST

/* Whatever is done to one byte: refused, or it is the one encoding of another value. A padding byte
 * that were let through would be written back as zero. */
START_TEST(test_changed_bytes)
{
    record = &record_table[_i];
    for (int seed = 2; seed < 5 + record->arms; seed++) {
        size_t len;
        uint8_t *const bytes = encoding(seed, &len);
        for (size_t i = 0; i < len && i < MUTATED_MAX; i++) {
            for (size_t bit = len > 300 ? i % 8 : 0; bit<8; bit += len> 300 ? 8 : 1) {
                bytes[i] ^= (uint8_t)(1u << bit);
                if (decode_copy(bytes, len) == MR_OK)
                    check_same(bytes, len);
                bytes[i] ^= (uint8_t)(1u << bit);
            }
        }
        free(bytes);
    }
}
END_TEST

START_TEST(test_padding)
{
    for (uint32_t n = 1; n <= 7; n++) {
        struct mr_memo_box box = {.payer_len = n, .payee_len = 0}, read;
        uint8_t bytes[64];
        memset(box.payer, 0xff, n);
        const size_t len = mr_memo_box_encode(&box, bytes, sizeof bytes);
        ck_assert_uint_eq(len, 32 + 4 + (n + 3) / 4 * 4 + 4);
        for (size_t i = 36 + n; i < len - 4; i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                bytes[i] = (uint8_t)(1u << bit);
                ck_assert_int_eq(mr_memo_box_decode(&read, bytes, len), MR_NOT_CANONICAL);
                bytes[i] = 0;
            }
        }
        ck_assert_int_eq(mr_memo_box_decode(&read, bytes, len), MR_OK);
    }
}
END_TEST

/* A count is compared with the bytes that are left before anything is read by it. */
START_TEST(test_counts)
{
    static const struct {
        uint8_t bytes[16];
        size_t len;
        enum mr_status st;
    } rows[] = {
        {{0, 0, 0, 1, 0, 0, 0, 0}, 8, MR_OK},
        {{0, 0, 0, 1, 0, 0, 0, 1}, 8, MR_TRUNCATED},
        {{0, 0, 0, 1, 0, 0, 0, 16}, 8, MR_TRUNCATED},
        {{0, 0, 0, 1, 0, 0, 0, 17}, 8, MR_OUT_OF_RANGE},
        {{0, 0, 0, 1, 0x80, 0, 0, 0}, 8, MR_OUT_OF_RANGE},
        {{0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff}, 8, MR_OUT_OF_RANGE},
        {{0, 0, 0, 17, 0, 0, 0, 0}, 8, MR_OUT_OF_RANGE},
        {{0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0}, 16, MR_TRUNCATED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mr_keyset *const keys = malloc(sizeof *keys);
        uint8_t *const bytes = malloc(rows[i].len);
        memset(keys, 0xa5, sizeof *keys);
        memcpy(bytes, rows[i].bytes, rows[i].len);
        ck_assert_int_eq(mr_keyset_decode(keys, bytes, rows[i].len), rows[i].st);
        if (rows[i].st != MR_OK) /* not one key was begun */
            ck_assert_uint_eq(keys->keys[0].key[31], 0xa5);
        free(bytes);
        free(keys);
    }
    uint8_t claim[20] = {[16] = 0, 0, 0, 32};
    struct mr_rep_accounts *const accounts = malloc(sizeof *accounts);
    ck_assert_int_eq(mr_rep_accounts_decode(accounts, claim, sizeof claim), MR_TRUNCATED);
    claim[18] = 1;
    ck_assert_int_eq(mr_rep_accounts_decode(accounts, claim, sizeof claim), MR_OUT_OF_RANGE);
    free(accounts);
}
END_TEST

START_TEST(test_values)
{
    uint8_t bytes[256];
    struct mr_flag flag = {.frozen = true, .reason = MR_REASON_OTHER}, read_flag;
    size_t len = mr_flag_encode(&flag, bytes, sizeof bytes);
    bytes[19] = 2;
    ck_assert_int_eq(mr_flag_decode(&read_flag, bytes, len), MR_OUT_OF_RANGE);
    bytes[19] = 1;
    bytes[23] = 99;
    ck_assert_int_eq(mr_flag_decode(&read_flag, bytes, len), MR_UNKNOWN_TAG);
    bytes[20] = 0x80;
    ck_assert_int_eq(mr_flag_decode(&read_flag, bytes, len), MR_OUT_OF_RANGE);

    struct mr_balance balance = {-MR_AMOUNT_MAX}, read_balance;
    len = mr_balance_encode(&balance, bytes, sizeof bytes);
    ck_assert_int_eq(mr_balance_decode(&read_balance, bytes, len), MR_OK);
    ck_assert_int_eq(read_balance.minor, -MR_AMOUNT_MAX);
    bytes[1] ^= 0x10;
    ck_assert_int_eq(mr_balance_decode(&read_balance, bytes, len), MR_OUT_OF_RANGE);
    memset(bytes, 0, 8);
    bytes[0] = 0x80;
    ck_assert_int_eq(mr_balance_decode(&read_balance, bytes, len), MR_OUT_OF_RANGE);
    memset(bytes, 0xff, 8);
    ck_assert_int_eq(mr_balance_decode(&read_balance, bytes, len), MR_OK);
    ck_assert_int_eq(read_balance.minor, -1);

    struct mr_pay_line line = {.amount = 1, .what = MR_LINE_PAYMENT}, read_line;
    len = mr_pay_line_encode(&line, bytes, sizeof bytes);
    bytes[23] = 0;
    ck_assert_int_eq(mr_pay_line_decode(&read_line, bytes, len), MR_OUT_OF_RANGE);

    struct mr_order_body *const body = calloc(1, sizeof *body);
    const uint8_t unknown[8] = {0, 0, 0, 255};
    ck_assert_int_eq(mr_order_body_decode(body, unknown, sizeof unknown), MR_UNKNOWN_TAG);
    free(body);
}
END_TEST

/* The first of two records, and how long it was. */
START_TEST(test_decode_first)
{
    uint8_t bytes[16];
    struct mr_balance a = {17}, b = {-4}, read;
    size_t len = 77;
    mr_balance_encode(&a, bytes, 8);
    mr_balance_encode(&b, bytes + 8, 8);
    ck_assert_int_eq(mr_balance_decode_first(&read, &len, bytes, sizeof bytes), MR_OK);
    ck_assert_uint_eq(len, 8);
    ck_assert_int_eq(read.minor, 17);
    len = 77;
    ck_assert_int_eq(mr_balance_decode_first(&read, &len, bytes, 7), MR_TRUNCATED);
    ck_assert_uint_eq(len, 77);
}
END_TEST

/* Our own mistakes stop the process. */
START_TEST(test_no_room)
{
    uint8_t bytes[7];
    const struct mr_balance v = {1};
    mr_balance_encode(&v, bytes, sizeof bytes);
}
END_TEST

START_TEST(test_out_of_bounds)
{
    uint8_t bytes[8];
    const struct mr_balance v = {MR_AMOUNT_MAX + 1};
    mr_balance_encode(&v, bytes, sizeof bytes);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("codec");
    TCase *const every = tcase_create("every record");
    tcase_add_checked_fixture(every, setup, teardown);
    tcase_set_timeout(every, 120);
    tcase_add_loop_test(every, test_there_and_back, 0, (int)record_count);
    tcase_add_loop_test(every, test_truncated_and_trailing, 0, (int)record_count);
    tcase_add_loop_test(every, test_changed_bytes, 0, (int)record_count);
    suite_add_tcase(s, every);
    TCase *const some = tcase_create("cases");
    tcase_add_test(some, test_padding);
    tcase_add_test(some, test_counts);
    tcase_add_test(some, test_values);
    tcase_add_test(some, test_decode_first);
    suite_add_tcase(s, some);
    TCase *const mistakes = tcase_create("mistakes");
    tcase_set_tags(mistakes, "aborts");
    tcase_add_test_raise_signal(mistakes, test_no_room, SIGABRT);
    tcase_add_test_raise_signal(mistakes, test_out_of_bounds, SIGABRT);
    suite_add_tcase(s, mistakes);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
