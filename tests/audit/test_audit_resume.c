/* A saved audit that was damaged, or is of another ledger or program, is refused. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "audit/story.h"
#include "common/heap.h"
#include "mereau/codec.h"

static struct world w;
static struct book book;
static struct found found;
static struct saved saved;
static uint8_t charter[sizeof(struct mr_charter)];
static size_t charter_len;

static void setup(void)
{
    story_tell(&w);
    book_read(&book, w.journal);
    charter_len = mr_charter_encode(&w.charter, charter, sizeof charter);
    struct mr_audit *a = NULL;
    ck_assert_int_eq(mr_audit_create(&a, &heap, found_add, &found, charter, charter_len), MR_OK);
    for (uint32_t i = 0; i < book.count; i++)
        ck_assert_int_eq(mr_audit_feed(a, &book.turns[i]), MR_OK);
    mr_audit_give(a, mr_audit_take(a));
    audit_save(&saved, a);
    mr_audit_destroy(a);
}

static void teardown(void)
{
    free(saved.bytes);
    book_done(&book);
    world_done(&w);
}

static enum mr_status load(size_t len)
{
    struct mr_audit *a = NULL;
    ck_assert_int_eq(mr_audit_create(&a, &heap, found_add, &found, charter, charter_len), MR_OK);
    const enum mr_status st = mr_audit_load(a, saved.bytes, len);
    mr_audit_destroy(a);
    return st;
}

static void hash_again(size_t len)
{
    crypto_generichash(saved.bytes + len - 32, 32, saved.bytes, len - 32, NULL, 0);
}

START_TEST(damage_is_noticed)
{
    ck_assert_int_eq(load(saved.len), MR_OK);
    for (size_t at = 0; at < saved.len; at += 997) {
        saved.bytes[at] ^= 1;
        ck_assert_int_eq(load(saved.len), MR_DAMAGED);
        saved.bytes[at] ^= 1;
    }
    for (size_t len = 0; len < saved.len; len += 1013)
        ck_assert_int_eq(load(len), MR_DAMAGED);
}
END_TEST

START_TEST(another_ledger_or_version)
{
    saved.bytes[7] ^= 1;
    hash_again(saved.len);
    ck_assert_int_eq(load(saved.len), MR_BAD_VERSION);
    saved.bytes[7] ^= 1;
    saved.bytes[8] ^= 1;
    hash_again(saved.len);
    ck_assert_int_eq(load(saved.len), MR_WRONG_LEDGER);
}
END_TEST

/* Whatever the bytes say, with a right hash too, reading them stays within bounds. */
START_TEST(other_bytes_are_survived)
{
    uint64_t rnd = 1 + (uint64_t)_i;
    for (unsigned n = 0; n < 40; n++) {
        uint8_t old[8];
        rnd = rnd * UINT64_C(6364136223846793005) + 1442695040888963407U;
        const size_t at = 40 + (size_t)(rnd >> 20) % (saved.len - 80);
        memcpy(old, saved.bytes + at, sizeof old);
        memset(saved.bytes + at, (int)(rnd & 0xff), sizeof old);
        hash_again(saved.len);
        load(saved.len);
        memcpy(saved.bytes + at, old, sizeof old);
        hash_again(saved.len - 9);
        load(saved.len - 9);
    }
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("resume");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, damage_is_noticed);
    tcase_add_test(tc, another_ledger_or_version);
    tcase_add_loop_test(tc, other_bytes_are_survived, 0, 10);
    Suite *const s = suite_create("audit resume");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
