/* Text on the wire: RFC 3629, no control characters; every sequence of up to three bytes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "wire/cursor.h"

static const struct {
    const char *text;
    bool ok;
} texts[] = {
    {"", true},
    {"Boulangerie \"Chez Zoé\" \\ 3 €", true},
    {"\xf0\x9f\x98\x80", true},         /* U+1F600 */
    {"\xf4\x8f\xbf\xbf", true},         /* U+10FFFF, the last */
    {"\xee\x80\x80\xef\xbf\xbf", true}, /* U+E000, U+FFFF */
    {"\xed\x9f\xbf", true},             /* U+D7FF */
    {"\xc2\xa0", true},                 /* U+00A0, no-break space */
    {"\t", false},
    {"a\nb", false},
    {"a\x1f", false},
    {"\x7f", false},
    {"\xc2\x80", false}, /* U+0080, a control character */
    {"\xc2\x9f", false},
    {"\x80", false}, /* continuation alone */
    {"\xbf", false},
    {"\xc3", false}, /* ends too early */
    {"\xe2\x82", false},
    {"\xf0\x9f\x98", false},
    {"\xc3(", false},
    {"\xe2\x82(", false},
    {"\xf0\x9f\x98(", false},
    {"\xc0\x80", false}, /* overlong */
    {"\xc0\xaf", false},
    {"\xc1\xbf", false},
    {"\xe0\x80\xaf", false},
    {"\xe0\x9f\xbf", false},
    {"\xf0\x80\x80\xaf", false},
    {"\xf0\x8f\xbf\xbf", false},
    {"\xed\xa0\x80", false}, /* surrogates */
    {"\xed\xbf\xbf", false},
    {"\xf4\x90\x80\x80", false}, /* past U+10FFFF */
    {"\xf5\x80\x80\x80", false},
    {"\xf8\x88\x80\x80\x80", false},
    {"\xfe", false},
    {"\xff", false},
};

START_TEST(test_table)
{
    ck_assert(mri_text_ok(texts[_i].text, strlen(texts[_i].text)) == texts[_i].ok);
}
END_TEST

static size_t put(unsigned char *ret, uint32_t code)
{
    if (code < 0x80) {
        ret[0] = (unsigned char)code;
        return 1;
    }
    const size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        ret[i] = (unsigned char)(0x80 | (code & 0x3f));
    ret[0] = (unsigned char)(0xff00 >> n | code);
    return n;
}

/* All code points, and everything that is not the text of one. */
START_TEST(test_all)
{
    size_t good[4] = {0};
    unsigned char bytes[4];
    for (uint32_t code = 0; code < 0x120000; code++) {
        const size_t n = put(bytes, code);
        const bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
        const bool is_surrogate = code >= 0xd800 && code < 0xe000;
        const bool ok = !is_control && !is_surrogate && code < 0x110000;
        ck_assert(mri_text_ok((const char *)bytes, n) == ok);
        good[n - 1] += ok ? 1 : 0;
    }
    /* of all sequences only those are good: the counts agree */
    size_t found[3] = {0};
    for (uint32_t i = 0; i < 1u << 24; i++) {
        const char three[3] = {(char)(i >> 16), (char)(i >> 8), (char)i};
        const unsigned char first = (unsigned char)three[0];
        const size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : 3;
        if ((n == 1 && (i & 0xffff) != 0) || (n == 2 && (i & 0xff) != 0))
            continue;
        found[n - 1] += mri_text_ok(three, n) ? 1 : 0;
    }
    for (size_t n = 0; n < 3; n++)
        ck_assert_uint_eq(found[n], good[n]);
}
END_TEST

/* After a failure nothing is read any more, outputs are zero, and the first status stays. */
START_TEST(test_sticky)
{
    const uint8_t bytes[12] = {0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2};
    struct mri_rd r = {bytes, sizeof bytes, MR_OK};
    uint8_t opaque[4] = {1, 1, 1, 1};
    char text[5] = "text";
    ck_assert_uint_eq(mri_rd_u32(&r, 8), 0);
    ck_assert_int_eq(r.st, MR_OUT_OF_RANGE);
    ck_assert_uint_eq(r.left, 0);
    ck_assert_uint_eq(mri_rd_u32(&r, 8), 0);
    ck_assert_uint_eq(mri_rd_u64(&r, UINT64_MAX), 0);
    ck_assert_int_eq(mri_rd_i64(&r, INT64_MIN, INT64_MAX), 0);
    ck_assert(!mri_rd_bool(&r));
    ck_assert_uint_eq(mri_rd_count(&r, 8, 4), 0);
    ck_assert_uint_eq(mri_rd_text(&r, text, 4), 0);
    ck_assert_str_eq(text, "");
    mri_rd_opaque(&r, opaque, sizeof opaque);
    ck_assert_uint_eq(opaque[0] + opaque[3], 0);
    mri_rd_fail(&r, MR_BAD_TEXT);
    ck_assert_int_eq(r.st, MR_OUT_OF_RANGE);
}
END_TEST

START_TEST(test_signed)
{
    static const struct {
        uint8_t bytes[8];
        int64_t value;
    } rows[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0}, 0},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, -1},
        {{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, INT64_MAX},
        {{0x80, 0, 0, 0, 0, 0, 0, 0}, INT64_MIN},
        {{0, 0, 0, 1, 0, 0, 0, 0}, INT64_C(1) << 32},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mri_rd r = {rows[i].bytes, 8, MR_OK};
        ck_assert_int_eq(mri_rd_i64(&r, INT64_MIN, INT64_MAX), rows[i].value);
        ck_assert_int_eq(r.st, MR_OK);
        uint8_t out[8];
        struct mri_wr w = {out, 8};
        mri_wr_u64(&w, (uint64_t)rows[i].value);
        ck_assert_mem_eq(out, rows[i].bytes, 8);
    }
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("cursor");
    TCase *const c = tcase_create("cursor");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, test_table, 0, sizeof texts / sizeof texts[0]);
    tcase_add_test(c, test_all);
    tcase_add_test(c, test_sticky);
    tcase_add_test(c, test_signed);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
