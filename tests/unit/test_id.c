/* Bech32m against the vectors of BIP 350, and what people do to addresses. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/id.h"

enum { NONE = -1 };

/* Vectors of BIP 350, and forms of ours. data NULL: not compared. */
static const struct {
    const char *text, *prefix, *data;
    enum mr_status st;
    int wrong;
} texts[] = {
    {"A1LQFN3A", NULL, "", MR_OK, NONE},
    {"a1lqfn3a", NULL, "", MR_OK, NONE},
    {"?1v759aa", NULL, "", MR_OK, NONE},
    {"abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx", NULL,
     "ffbbcdeb38bdab49ca307b9ac5a928398a418820", MR_OK, NONE},
    {"split1checkupstagehandshakeupstreamerranterredcaperredlc445v", NULL,
     "c5f38b70305f519bf66d85fb6cf03058f3dde463ecd7918f2dc743918f2d", MR_OK, NONE},
    /* a right checksum, but the last bits are not zero, or a whole group is too many */
    {"11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
     NULL, NULL, MR_BAD_TEXT, NONE},
    {"an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
     NULL, NULL, MR_BAD_TEXT, NONE},
    {" 1xj0phk", NULL, NULL, MR_BAD_TEXT, 0},
    {"\x7f"
     "1g6xzxy",
     NULL, NULL, MR_BAD_TEXT, 0},
    {"\x80"
     "1vctc34",
     NULL, NULL, MR_BAD_TEXT, 0},
    {"an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4",
     NULL, NULL, MR_BAD_TEXT, NONE},
    {"qyrz8wqd2c9m", NULL, NULL, MR_BAD_TEXT, NONE},
    {"1qyrz8wqd2c9m", NULL, NULL, MR_BAD_TEXT, NONE},
    {"y1b0jsk6g", NULL, NULL, MR_BAD_TEXT, 2},
    {"lt1igcx5c0", NULL, NULL, MR_BAD_TEXT, 3},
    {"in1muywd", NULL, NULL, MR_BAD_TEXT, NONE},
    {"mm1crxm3i", NULL, NULL, MR_BAD_TEXT, 8},
    {"au1s5cgom", NULL, NULL, MR_BAD_TEXT, 7},
    {"M1VUXWEZ", NULL, NULL, MR_BAD_CHECKSUM, NONE},
    {"16plkw9", NULL, NULL, MR_BAD_TEXT, NONE},
    {"1p2gdwpf", NULL, NULL, MR_BAD_TEXT, NONE},
    /* BIP 173's constant is another one */
    {"A12UEL5L", NULL, NULL, MR_BAD_CHECKSUM, NONE},
    {"", NULL, NULL, MR_BAD_TEXT, NONE},
    {"1", NULL, NULL, MR_BAD_TEXT, NONE},
    {"a1", NULL, NULL, MR_BAD_TEXT, NONE},
    {"aBcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx", NULL, NULL, MR_BAD_TEXT, 1},
    {"abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryX", NULL, NULL, MR_BAD_TEXT, 44},
    {"a1lqfn3a ", NULL, NULL, MR_BAD_TEXT, 8},
    {"a1lqfn3a\n", NULL, NULL, MR_BAD_TEXT, 8},
    {"a1lqfn3a", "a", "", MR_OK, NONE},
    {"A1LQFN3A", "a", "", MR_OK, NONE},
    {"a1lqfn3a", "b", NULL, MR_WRONG_PREFIX, NONE},
    {"a1lqfn3a", "ab", NULL, MR_WRONG_PREFIX, NONE},
    /* a digit one in the data of a known prefix is a mistyped letter */
    {"split1checkupstagehandshakeupstreamerr1nterredcaperredlc445v", "split", NULL, MR_BAD_TEXT,
     38},
    {"splut1checkupstagehandshakeupstreamerranterredcaperredlc445v", "split", NULL, MR_BAD_CHECKSUM,
     3},
    {"spluk1checkupstagehandshakeupstreamerranterredcaperredlc445v", "split", NULL, MR_BAD_CHECKSUM,
     NONE},
};

START_TEST(test_bech32_texts)
{
    uint8_t data[64];
    size_t len = 77, wrong = 77;
    memset(data, 0xee, sizeof data);
    ck_assert_int_eq(
        mr_bech32_decode(data, sizeof data, &len, NULL, &wrong, texts[_i].prefix, texts[_i].text),
        texts[_i].st);
    if (texts[_i].st == MR_OK) {
        char hex[129];
        mr_hex_format(hex, data, len);
        ck_assert_str_eq(hex, texts[_i].data);
    } else {
        ck_assert_uint_eq(len, 77);
        ck_assert_uint_eq(data[0], 0xee);
        ck_assert_uint_eq(wrong, texts[_i].wrong == NONE ? SIZE_MAX : (size_t)texts[_i].wrong);
    }
}
END_TEST

START_TEST(test_prefix_returned)
{
    uint8_t data[64];
    size_t len;
    char prefix[MR_PREFIX_MAX + 1] = "untouched";
    ck_assert_int_eq(mr_bech32_decode(data, sizeof data, &len, prefix, NULL, NULL,
                                      "ABCDEF1L7AUM6ECHK45NJ3S0WDVT2FG8X9YRZPQZD3RYX"),
                     MR_OK);
    ck_assert_str_eq(prefix, "abcdef");
    char text[64];
    mr_bech32_encode(text, sizeof text, "abcdefghijklmnopqrs", data, 0);
    strcpy(prefix, "untouched");
    ck_assert_int_eq(mr_bech32_decode(data, sizeof data, &len, prefix, NULL, NULL, text),
                     MR_BAD_TEXT);
    ck_assert_str_eq(prefix, "untouched");
    ck_assert_int_eq(mr_bech32_decode(data, sizeof data, &len, NULL, NULL, NULL, text), MR_OK);
}
END_TEST

static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* Every single wrong character of an address is found and named; a swap of neighbours is seen. */
START_TEST(test_wrong_character)
{
    const uint8_t account[MR_ACCOUNT_BYTES] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                               0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
    char good[MR_ADDRESS_TEXT_MAX], bad[MR_ADDRESS_TEXT_MAX];
    uint8_t read[MR_ACCOUNT_BYTES] = {0};
    mr_address_format(good, "mereau", account);
    ck_assert_int_eq(mr_address_parse(read, NULL, "mereau", good), MR_OK);
    ck_assert_mem_eq(read, account, sizeof account);
    for (size_t i = 0; i < strlen(good); i++) {
        for (const char *c = i < 6 ? "abcdefghijklmnopqrstuvwxyz" : letters; *c != '\0'; c++) {
            size_t wrong = 0;
            strcpy(bad, good);
            if (i == 6 || bad[i] == *c)
                continue;
            bad[i] = *c;
            ck_assert_int_eq(mr_address_parse(read, &wrong, "mereau", bad), MR_BAD_CHECKSUM);
            ck_assert_uint_eq(wrong, i);
        }
        strcpy(bad, good);
        bad[i] = good[i + 1];
        bad[i + 1] = good[i];
        if (i + 1 < strlen(good) && bad[i] != bad[i + 1])
            ck_assert_int_ne(mr_address_parse(read, NULL, "mereau", bad), MR_OK);
    }
    for (size_t i = 7; i < strlen(good); i++) {
        size_t wrong = 0;
        strcpy(bad, good);
        bad[i] = 'b';
        ck_assert_int_eq(mr_address_parse(read, &wrong, "mereau", bad), MR_BAD_TEXT);
        ck_assert_uint_eq(wrong, i);
    }
}
END_TEST

START_TEST(test_address_forms)
{
    uint8_t data[MR_ACCOUNT_BYTES + 1] = {0}, account[MR_ACCOUNT_BYTES];
    char text[64];
    size_t wrong = 0;
    mr_bech32_encode(text, sizeof text, "mereau", data, MR_ACCOUNT_BYTES - 1);
    ck_assert_int_eq(mr_address_parse(account, &wrong, "mereau", text), MR_BAD_TEXT);
    ck_assert_uint_eq(wrong, SIZE_MAX);
    mr_bech32_encode(text, sizeof text, "mereau", data, MR_ACCOUNT_BYTES + 1);
    ck_assert_int_eq(mr_address_parse(account, &wrong, "mereau", text), MR_BAD_TEXT);
    mr_bech32_encode(text, sizeof text, "gonette", data, MR_ACCOUNT_BYTES);
    ck_assert_int_eq(mr_address_parse(account, &wrong, "mereau", text), MR_WRONG_PREFIX);
    ck_assert_int_eq(mr_address_parse(account, &wrong, NULL, text), MR_OK);
}
END_TEST

/* All lengths there and back; one byte of room too little is refused. */
START_TEST(test_lengths)
{
    static uint8_t data[MR_BECH32_DATA_MAX], read[MR_BECH32_DATA_MAX];
    static char text[MR_BECH32_TEXT_MAX(6, MR_BECH32_DATA_MAX) + 8];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 167 + 13);
    for (size_t n = 0; n <= sizeof data; n++) {
        size_t len = 0;
        mr_bech32_encode(text, MR_BECH32_TEXT_MAX(6, n), "mereau", data, n);
        ck_assert_uint_eq(strlen(text), MR_BECH32_TEXT_MAX(6, n) - 1);
        ck_assert_int_eq(mr_bech32_decode(read, n, &len, NULL, NULL, "mereau", text), MR_OK);
        ck_assert_uint_eq(len, n);
        ck_assert_mem_eq(read, data, n);
        if (n > 0)
            ck_assert_int_eq(mr_bech32_decode(read, n - 1, &len, NULL, NULL, NULL, text),
                             MR_TOO_LARGE);
    }
    memset(text, 'q', sizeof text - 1);
    size_t len, wrong = 0;
    ck_assert_int_eq(mr_bech32_decode(read, sizeof read, &len, NULL, &wrong, NULL, text),
                     MR_BAD_TEXT);
    char *const huge = calloc(1, 100001);
    memset(huge, 'q', 100000);
    ck_assert_int_eq(mr_bech32_decode(read, sizeof read, &len, NULL, &wrong, NULL, huge),
                     MR_TOO_LARGE);
    free(huge);
}
END_TEST

/* In the longest text, too, the place named is the right one or none is named. */
START_TEST(test_wrong_character_of_long_text)
{
    static uint8_t data[MR_BECH32_DATA_MAX], read[MR_BECH32_DATA_MAX];
    static char text[MR_BECH32_TEXT_MAX(6, MR_BECH32_DATA_MAX)];
    mr_bech32_encode(text, sizeof text, "mereau", data, sizeof data);
    const size_t n = strlen(text);
    for (size_t i = 7; i < n; i += 101) {
        const char old = text[i];
        size_t len, wrong = 0;
        text[i] = old == 'p' ? 'q' : 'p';
        ck_assert_int_eq(mr_bech32_decode(read, sizeof read, &len, NULL, &wrong, "mereau", text),
                         MR_BAD_CHECKSUM);
        ck_assert(wrong == i || wrong == SIZE_MAX);
        text[i] = old;
    }
    char shorter[MR_BECH32_TEXT_MAX(6, 600)];
    mr_bech32_encode(shorter, sizeof shorter, "mereau", data, 600);
    for (size_t i = 7; i < strlen(shorter); i += 13) {
        const char old = shorter[i];
        size_t len, wrong = 0;
        shorter[i] = old == 'p' ? 'q' : 'p';
        mr_bech32_decode(read, sizeof read, &len, NULL, &wrong, "mereau", shorter);
        ck_assert_uint_eq(wrong, i);
        shorter[i] = old;
    }
}
END_TEST

static const struct {
    const char *text;
    size_t len;
    enum mr_status st;
} hexes[] = {
    {"", 0, MR_OK},          {"00ff", 2, MR_OK},      {"00ff", 1, MR_BAD_TEXT},
    {"00", 2, MR_BAD_TEXT},  {"00f", 2, MR_BAD_TEXT}, {"00FF", 2, MR_BAD_TEXT},
    {"0g", 1, MR_BAD_TEXT},  {" 00", 1, MR_BAD_TEXT}, {"0x", 1, MR_BAD_TEXT},
    {"00 ", 1, MR_BAD_TEXT},
};

START_TEST(test_hex)
{
    uint8_t bytes[2] = {0xee, 0xee};
    char back[5];
    ck_assert_int_eq(mr_hex_parse(bytes, hexes[_i].len, hexes[_i].text), hexes[_i].st);
    if (hexes[_i].st == MR_OK) {
        mr_hex_format(back, bytes, hexes[_i].len);
        ck_assert_str_eq(back, hexes[_i].text);
    } else {
        ck_assert_uint_eq(bytes[0], 0xee);
    }
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("id");
    TCase *const c = tcase_create("id");
    tcase_add_loop_test(c, test_bech32_texts, 0, sizeof texts / sizeof texts[0]);
    tcase_add_test(c, test_prefix_returned);
    tcase_add_test(c, test_wrong_character);
    tcase_add_test(c, test_address_forms);
    tcase_add_test(c, test_lengths);
    tcase_add_test(c, test_wrong_character_of_long_text);
    tcase_add_loop_test(c, test_hex, 0, sizeof hexes / sizeof hexes[0]);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
