/* Frames of the journal (JNL-4): what is written is read, and no other bytes are. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/journal.h"

static const uint8_t zero[32];

/* A frame with a payload of len bytes in a buffer of its own; the caller frees it. */
static uint8_t *make(struct mr_frame *f, enum mr_stream_family family, size_t len,
                     const uint8_t *prev)
{
    uint8_t *b = calloc(1, mr_frame_size(len));

    ck_assert_ptr_nonnull(b);
    *f = (struct mr_frame){.family = family, .len = (uint32_t)len, .turn = 7, .end = 4096};
    if (family == MR_FAMILY_LOG)
        memset(f->bodies_check, 0x5a, 32);
    for (size_t i = 0; i < len; i++)
        b[MR_FRAME_HEAD_BYTES + i] = (uint8_t)(i * 31 + 1);
    mr_frame_write(b, f, prev);
    return b;
}

START_TEST(sizes_are_aligned)
{
    ck_assert_uint_eq(mr_frame_size(0), 88);
    ck_assert_uint_eq(mr_frame_size(1), 96);
    ck_assert_uint_eq(mr_frame_size(8), 96);
    ck_assert_uint_eq(mr_frame_size(9), 104);
    ck_assert_uint_eq(mr_frame_size(MR_TURN_BYTES_MAX), 88 + MR_TURN_BYTES_MAX);
}
END_TEST

static const size_t lens[] = {0, 1, 7, 8, 9, 100, 4096, MR_TURN_BYTES_MAX};

START_TEST(what_is_written_is_read)
{
    const size_t len = lens[_i];

    for (int bodies = 0; bodies < 2; bodies++) {
        const enum mr_stream_family family = bodies ? MR_FAMILY_BODIES : MR_FAMILY_LOG;
        const uint8_t *prev = bodies ? NULL : zero;
        struct mr_frame f, g;
        uint8_t *b = make(&f, family, len, prev);

        ck_assert_int_eq(mr_frame_read(&g, b, mr_frame_size(len), prev), MR_OK);
        ck_assert_int_eq(g.family, family);
        ck_assert_uint_eq(g.len, len);
        ck_assert_uint_eq(g.turn, 7);
        ck_assert_uint_eq(g.end, 4096);
        ck_assert_mem_eq(g.check, f.check, 32);
        ck_assert_mem_eq(g.bodies_check, f.bodies_check, 32);
        free(b);
    }
}
END_TEST

/* The layout is promised to other programs: this hash was computed apart from this code. */
START_TEST(check_is_the_specified_hash)
{
    struct mr_frame f;
    uint8_t *b = make(&f, MR_FAMILY_LOG, 5, zero);

    ck_assert_mem_eq(b, "MRLG\0\0\0\5\0\0\0\0\0\0\0\7\0\0\0\0\0\0\x10\0", 24);
    ck_assert_uint_eq(b[24], 0x5a);
    ck_assert_mem_eq(b + 56, f.check, 32);
    ck_assert_mem_eq(b + 88, "\x01\x20\x3f\x5e\x7d\0\0\0", 8);
    ck_assert_mem_eq(f.check,
                     "\xec\xaa\x62\x17\x60\x5e\x8d\x9e\xce\x49\x86\x7b\x6d\x12\x37\xc4"
                     "\x97\xde\x30\x56\xb6\x47\x1e\x83\x8a\x54\x6f\xaa\xd7\x01\x67\xfb",
                     32);
    free(b);
}
END_TEST

START_TEST(any_flipped_bit_is_found)
{
    struct mr_frame f, g;
    const bool bodies = _i == 1;
    const uint8_t *prev = bodies ? NULL : zero;
    uint8_t *b = make(&f, bodies ? MR_FAMILY_BODIES : MR_FAMILY_LOG, 21, prev);
    const size_t size = mr_frame_size(21);

    for (size_t i = 0; i < size * 8; i++) {
        b[i / 8] ^= (uint8_t)(1 << i % 8);
        ck_assert_int_ne(mr_frame_read(&g, b, size, prev), MR_OK);
        b[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    ck_assert_int_eq(mr_frame_read(&g, b, size, prev), MR_OK);
    free(b);
}
END_TEST

START_TEST(short_frames_are_truncated)
{
    struct mr_frame f, g = {0};
    uint8_t *b = make(&f, MR_FAMILY_LOG, 21, zero);

    for (size_t n = 0; n < mr_frame_size(21); n++) {
        g.turn = 0;
        ck_assert_int_eq(mr_frame_read(&g, b, n, zero), MR_TRUNCATED);
        ck_assert_uint_eq(g.turn, n < MR_FRAME_HEAD_BYTES ? 0 : 7);
    }
    free(b);
}
END_TEST

START_TEST(another_predecessor_is_refused)
{
    static const uint8_t other[32] = {1};
    struct mr_frame f, g;
    uint8_t *b = make(&f, MR_FAMILY_LOG, 21, zero);

    ck_assert_int_eq(mr_frame_read(&g, b, mr_frame_size(21), other), MR_DAMAGED);
    /* Without a predecessor only the form is looked at. */
    ck_assert_int_eq(mr_frame_read(&g, b, mr_frame_size(21), NULL), MR_OK);
    b[MR_FRAME_HEAD_BYTES]++;
    ck_assert_int_eq(mr_frame_read(&g, b, mr_frame_size(21), NULL), MR_OK);
    free(b);
}
END_TEST

START_TEST(bounds_are_refused)
{
    struct mr_frame f, g;
    uint8_t *b = make(&f, MR_FAMILY_LOG, 21, zero);

    memcpy(b + 4, "\x00\x80\x00\x01", 4); /* one more than MR_TURN_BYTES_MAX */
    ck_assert_int_eq(mr_frame_read(&g, b, mr_frame_size(21), NULL), MR_DAMAGED);
    memcpy(b + 4, "\0\0\0\x15", 4);
    ck_assert_int_eq(mr_frame_read(&g, b, mr_frame_size(21), NULL), MR_OK);
    memset(b + 8, 0, 8); /* turn 0 */
    ck_assert_int_eq(mr_frame_read(&g, b, mr_frame_size(21), NULL), MR_DAMAGED);
    free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("frame");
    TCase *tc = tcase_create("frame");

    tcase_add_test(tc, sizes_are_aligned);
    tcase_add_loop_test(tc, what_is_written_is_read, 0, (int)(sizeof lens / sizeof *lens));
    tcase_add_test(tc, check_is_the_specified_hash);
    tcase_add_loop_test(tc, any_flipped_bit_is_found, 0, 2);
    tcase_add_test(tc, short_frames_are_truncated);
    tcase_add_test(tc, another_predecessor_is_refused);
    tcase_add_test(tc, bounds_are_refused);
    suite_add_tcase(s, tc);

    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    const int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
