/* Bytes of a node that wants the auditor to fall over: any byte changed is found; with the frames
 * made right again round it, the auditor still ends in good order. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "audit/tamper.h"
#include "mereau/codec.h"
#include "mereau/journal.h"

static struct world w;
static struct book book;
static struct found found;

static void setup(void)
{
    story_tell(&w);
    book_read(&book, w.journal);
}

static void teardown(void)
{
    book_done(&book);
    world_done(&w);
}

static uint8_t *writable(const uint8_t *p)
{
    return (uint8_t *)(uintptr_t)p;
}

START_TEST(any_byte_changed_is_found)
{
    for (uint32_t i = (uint32_t)_i; i < book.count; i += 10) {
        struct mr_audit_turn *const t = &book.turns[i];
        for (size_t at = i % 7; at < t->log_len + t->bodies_len; at += 61) {
            uint8_t *const p =
                at < t->log_len ? writable(t->log) + at : writable(t->bodies) + at - t->log_len;
            *p = (uint8_t)(*p ^ 1 << at % 8);
            book_audit(&found, NULL, &w.charter, &book, false);
            ck_assert_msg(found.count > 0, "turn %u byte %zu", (unsigned)i + 1, at);
            *p = (uint8_t)(*p ^ 1 << at % 8);
        }
    }
}
END_TEST

START_TEST(payloads_changed_on_purpose)
{
    uint32_t x = 12345 + (uint32_t)_i;
    uint32_t caught = 0;
    enum { ROUNDS = 150 };
    for (int round = 0; round < ROUNDS; round++) {
        x = x * 1664525 + 1013904223;
        struct mr_audit_turn *const t = &book.turns[(x >> 8) % book.count];
        const bool body = t->bodies != NULL && (x & 1) != 0;
        const size_t len = book_payload_len(body ? t->bodies : t->log);
        x = x * 1664525 + 1013904223;
        uint8_t *const p =
            writable(body ? t->bodies : t->log) + MR_FRAME_HEAD_BYTES + (x >> 8) % len;
        const uint8_t was = *p;
        *p = (uint8_t)((x & 3) == 0 ? 0xff : was ^ (1 << (x & 7)));
        book_frame(&book);
        book_audit(&found, NULL, &w.charter, &book, false);
        caught += found.count > 0 ? 1 : 0;
        *p = was;
        book_frame(&book);
    }
    /* The rest hit times of settling, versions of programs, or signatures, not verified here. */
    ck_assert_uint_gt(caught, ROUNDS / 2);
    book_audit(&found, NULL, &w.charter, &book, true);
    ck_assert_uint_eq(found.count, 0);
}
END_TEST

/* Turns left out, twice, in another order. */
START_TEST(turns_moved_about)
{
    struct book other;
    for (uint32_t i = 1; i + 1 < book.count; i++) {
        other = book;
        if (_i == 0)
            memmove(&other.turns[i], &other.turns[i + 1],
                    (--other.count - i) * sizeof *other.turns);
        else if (_i == 1)
            other.turns[i] = other.turns[i - 1];
        else
            other.turns[i] = book.turns[i + 1], other.turns[i + 1] = book.turns[i];
        book_audit(&found, NULL, &w.charter, &other, false);
        ck_assert_msg(found.count > 0, "turn %u", (unsigned)i + 1);
    }
}
END_TEST

/* --- RESTART, JNL-9 --------------------------------------------------------------------------- */

static struct mr_signed_restart restart;

static void start_again(void)
{
    const uint8_t seed[32] = {77};
    struct mr_engine_facts f;
    world_stop(&w);
    w.abstain = true;
    world_start(&w);
    mr_engine_facts(w.engine, &f);
    world_stop(&w);
    restart = (struct mr_signed_restart){.restart = {.version = 1,
                                                     .epoch = 2,
                                                     .node = 1,
                                                     .generation = 2,
                                                     .last_size = f.meta.leaves,
                                                     .time_ms = w.now_ms,
                                                     .claims_until_ms = w.now_ms + MR_DAY_MS}};
    memcpy(restart.restart.ledger, w.ledger, 32);
    memcpy(restart.restart.last_root, f.log_root, 32);
    mr_seckey_from_seed(&w.log_key, &restart.restart.log_key, seed);
    mr_restart_sign(&restart, 0, &w.governance);
    w.abstain = false;
    w.restart = &restart;
    world_start(&w);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(world_pay(&w, BEN, BAKERY, 5), MR_SETTLED);
    book_done(&book);
    book_read(&book, w.journal);
}

/* The bytes of the RESTART in the book. */
static uint8_t *find_restart(void)
{
    static uint8_t bytes[1024];
    const struct mr_entry e = {.kind = MR_ENTRY_RESTART, .u.restart = restart};
    const size_t n = mr_entry_encode(&e, bytes, sizeof bytes);
    for (uint32_t i = 0; i < book.count; i++) {
        uint8_t *const at = memmem(book.turns[i].log, book.turns[i].log_len, bytes, n);
        if (at != NULL)
            return at;
    }
    ck_abort_msg("no RESTART in the book");
}

static void write_restart(uint8_t *at)
{
    const struct mr_entry e = {.kind = MR_ENTRY_RESTART, .u.restart = restart};
    mr_entry_encode(&e, at, 1024);
    book_frame(&book);
    book_audit(&found, NULL, &w.charter, &book, true);
}

START_TEST(a_restart_of_governance)
{
    start_again();
    book_audit(&found, NULL, &w.charter, &book, true);
    ck_assert_uint_eq(found.count, 0);
    uint8_t *const at = find_restart();
    const struct mr_signed_restart right = restart;
    restart.sigs[0].sig[7] ^= 1;
    write_restart(at);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.rows[0].rule, "JNL-9");
    ck_assert_int_eq(found.rows[0].status, MR_BAD_SIGNATURE);
    restart = right;
    restart.restart.last_root[0] ^= 1;
    mr_restart_sign(&restart, 0, &w.governance);
    write_restart(at);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_int_eq(found.rows[0].status, MR_BAD_HEAD);
    restart = right;
    restart.restart.last_size++;
    mr_restart_sign(&restart, 0, &w.governance);
    write_restart(at);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_int_eq(found.rows[0].status, MR_BAD_HEAD);
    restart = right;
    mr_restart_sign(&restart, 0, &w.operators[0]);
    write_restart(at);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_int_eq(found.rows[0].status, MR_BAD_SIGNATURE);
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("hostile");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, any_byte_changed_is_found, 0, 10);
    tcase_add_loop_test(tc, payloads_changed_on_purpose, 0, 4);
    tcase_add_loop_test(tc, turns_moved_about, 0, 3);
    tcase_add_test(tc, a_restart_of_governance);
    Suite *const s = suite_create("audit hostile");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
