/* Words of BIP 39: its vectors, its lists, and what people misread from a sheet of paper. */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/id.h"
#include "mereau/words.h"

#define EN MR_WORDS_ENGLISH
#define FR MR_WORDS_FRENCH

static const struct {
    enum mr_words_language language;
    const char *seed, *words;
} vectors[] = {
    {EN, "00000000000000000000000000000000",
     "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
     "about"},
    {EN, "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
     "legal winner thank year wave sausage worth useful legal winner thank yellow"},
    {EN, "80808080808080808080808080808080",
     "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"},
    {EN, "ffffffffffffffffffffffffffffffff", "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong"},
    {EN, "000000000000000000000000000000000000000000000000",
     "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
     "abandon abandon abandon abandon abandon abandon agent"},
    {EN, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo "
     "vote"},
    {EN, "9e885d952ad362caeb4efe34a8e91bd2",
     "ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic"},
    {EN, "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c",
     "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy "
     "gospel tennis maple dilemma loan word shrug inflict delay length"},
    {EN, "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
     "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing "
     "screen patrol group space point ten exist slush involve unfold"},
    {EN, "0000000000000000000000000000000000000000",
     "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
     "abandon abandon abandon address"},
    {EN, "01010101010101010101010101010101010101010101010101010101",
     "absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid "
     "letter advice cage absurd amount doctor acoustic banana"},
    {FR, "00000000000000000000000000000000",
     "abaisser abaisser abaisser abaisser abaisser abaisser abaisser abaisser abaisser abaisser "
     "abaisser abeille"},
    {FR, "9e885d952ad362caeb4efe34a8e91bd2",
     "monument dépenser féroce entasser comédie ferveur optique sonnette codifier discuter dioxyde "
     "nerveux"},
    {FR, "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c",
     "flatteur cultiver oisillon destrier brusque crainte oisillon labourer remède substrat "
     "parfumer banquier flèche enclave fémur sombre jongler damier insigne voguer rasage gomme "
     "crainte incendie"},
    {FR, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "zoologie zoologie zoologie zoologie zoologie zoologie zoologie zoologie zoologie zoologie "
     "zoologie zoologie zoologie zoologie zoologie zoologie zoologie zoologie zoologie zoologie "
     "zoologie zoologie zoologie valable"},
};

START_TEST(test_vectors)
{
    uint8_t seed[MR_SEED_MAX], back[MR_SEED_MAX];
    char text[MR_WORDS_TEXT_MAX];
    size_t len = strlen(vectors[_i].seed) / 2, back_len = 0;
    ck_assert_int_eq(mr_hex_parse(seed, len, vectors[_i].seed), MR_OK);
    mr_words_encode(text, vectors[_i].language, seed, len);
    ck_assert_str_eq(text, vectors[_i].words);
    ck_assert_int_eq(mr_words_decode(back, &back_len, NULL, vectors[_i].language, text), MR_OK);
    ck_assert_uint_eq(back_len, len);
    ck_assert_mem_eq(back, seed, len);
    ck_assert_int_eq(mr_words_guess(text), vectors[_i].language);
}
END_TEST

/* The lists are those of BIP 39, byte by byte; the French one is kept there in decomposed form. */
START_TEST(test_lists)
{
    static const char *const expected[] = {
        [EN] = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda",
        [FR] = "ebc3959ab7801a1df6bac4fa7d970652f1df76b683cd2f4003c941c63d517e59",
    };
    crypto_hash_sha256_state st;
    uint8_t hash[32];
    char hex[65];
    crypto_hash_sha256_init(&st);
    for (unsigned i = 0; i < 2048; i++) {
        const char *word = mr_word((enum mr_words_language)_i, i);
        ck_assert_uint_le(strlen(word), MR_WORD_BYTES_MAX);
        for (; *word != '\0'; word++) {
            const bool acute = strncmp(word, "é", 2) == 0, grave = strncmp(word, "è", 2) == 0;
            const char *const out = acute ? "e\xcc\x81" : grave ? "e\xcc\x80" : word;
            crypto_hash_sha256_update(&st, (const uint8_t *)out, acute || grave ? 3 : 1);
            word += acute || grave ? 1 : 0;
        }
        crypto_hash_sha256_update(&st, (const uint8_t *)"\n", 1);
    }
    crypto_hash_sha256_final(&st, hash);
    mr_hex_format(hex, hash, sizeof hash);
    ck_assert_str_eq(hex, expected[_i]);
}
END_TEST

/* Each word is read as itself: base letters tell all words of a list apart. */
START_TEST(test_every_word)
{
    const enum mr_words_language language = (enum mr_words_language)_i;
    for (unsigned i = 0; i < 2048; i++) {
        uint8_t seed[MR_SEED_MAX] = {0}, back[MR_SEED_MAX];
        char text[MR_WORDS_TEXT_MAX];
        size_t len;
        seed[0] = (uint8_t)(i >> 3);
        seed[1] = (uint8_t)(i << 5);
        mr_words_encode(text, language, seed, 16);
        ck_assert_int_eq(strncmp(text, mr_word(language, i), strlen(mr_word(language, i))), 0);
        ck_assert_int_eq(mr_words_decode(back, &len, NULL, language, text), MR_OK);
        ck_assert_mem_eq(back, seed, 16);
    }
}
END_TEST

#define OZONE   "ozone drill grab fiber curtain grace pudding thank cruise elder eight "
#define NERVEUX "entasser comédie ferveur optique sonnette codifier discuter dioxyde nerveux"

static const struct {
    enum mr_words_language language;
    const char *text;
    enum mr_status st;
    int word; /* -1: none */
    const char *nearest;
} readings[] = {
    {EN, OZONE "picnic", MR_OK, -1, NULL},
    {EN, "\n\t OZONE  Drill grab fiber\r\ncurtain grace pudding thank cruise elder eight picnic ",
     MR_OK, -1, NULL},
    {EN, OZONE "picnik", MR_BAD_TEXT, 11, "picnic"},
    {EN, "ozon drill", MR_BAD_TEXT, 0, "ozone"},
    {EN, "ozone dril grab", MR_BAD_TEXT, 1, "drill"},
    {EN, "ozone drill grabb fibre", MR_BAD_TEXT, 2, "grab"},
    {EN, "ozone drill grab fibber curtain", MR_BAD_TEXT, 3, "fiber"},
    {EN, OZONE "picnic-", MR_BAD_TEXT, 11, "picnic"},
    {EN, OZONE "picture", MR_BAD_CHECKSUM, -1, NULL},
    {EN, "drill ozone grab fiber curtain grace pudding thank cruise elder eight picnic",
     MR_BAD_CHECKSUM, -1, NULL},
    {EN, OZONE, MR_BAD_TEXT, -1, NULL},
    {EN, OZONE "picnic ozone", MR_BAD_TEXT, -1, NULL},
    {EN, OZONE OZONE "zoo zoo", MR_BAD_CHECKSUM, -1, NULL},
    {EN, OZONE OZONE "zoo zoo zoo", MR_BAD_TEXT, -1, NULL},
    {EN, OZONE OZONE OZONE, MR_BAD_TEXT, -1, NULL},
    {EN, "", MR_BAD_TEXT, -1, NULL},
    {EN, " \n", MR_BAD_TEXT, -1, NULL},
    {FR, "monument dépenser féroce " NERVEUX, MR_OK, -1, NULL},
    {FR, "MONUMENT DEPENSER feroce " NERVEUX, MR_OK, -1, NULL},
    {FR, "monument DÉPENSER féroce " NERVEUX, MR_OK, -1, NULL},
    {FR, "monument de\xcc\x81penser fe\xcc\x81roce " NERVEUX, MR_OK, -1, NULL},
    {FR, "monument dêpènser fëroce " NERVEUX, MR_OK, -1, NULL},
    {FR, "monument dépanser féroce " NERVEUX, MR_BAD_TEXT, 1, "dépenser"},
    {FR, "monument dépenser férosse " NERVEUX, MR_BAD_TEXT, 2, "féroce"},
    {FR, "monument d\xc3 féroce", MR_BAD_TEXT, 1, NULL},
    {FR, "monument \xf0\x9f\x98\x80 féroce", MR_BAD_TEXT, 1, NULL},
};

START_TEST(test_readings)
{
    uint8_t seed[MR_SEED_MAX];
    size_t len = 77;
    struct mr_words_fault fault = {77, "untouched"};
    memset(seed, 0xee, sizeof seed);
    ck_assert_int_eq(mr_words_decode(seed, &len, &fault, readings[_i].language, readings[_i].text),
                     readings[_i].st);
    if (readings[_i].st == MR_OK) {
        ck_assert_uint_eq(fault.word, 77);
        ck_assert_uint_eq(len, 16);
        ck_assert_uint_eq(seed[0], 0x9e);
        return;
    }
    ck_assert_uint_eq(len, 77);
    ck_assert_uint_eq(seed[0], 0xee);
    ck_assert_uint_eq(fault.word, readings[_i].word < 0 ? SIZE_MAX : (size_t)readings[_i].word);
    if (readings[_i].nearest != NULL)
        ck_assert_str_eq(fault.nearest, readings[_i].nearest);
    ck_assert(readings[_i].word >= 0 || fault.nearest == NULL);
}
END_TEST

/* A word of any length and any bytes is only unknown. */
START_TEST(test_long_words)
{
    char text[5000];
    uint8_t seed[MR_SEED_MAX];
    size_t len;
    for (int c = 1; c < 256; c++) {
        struct mr_words_fault fault;
        memset(text, c, sizeof text - 1);
        text[sizeof text - 1] = '\0';
        ck_assert_int_eq(mr_words_decode(seed, &len, &fault, EN, text), MR_BAD_TEXT);
        ck_assert(fault.word == 0 || strchr(" \t\r\n", c) != NULL);
    }
    ck_assert_int_eq(mr_words_guess("bonjour tout le monde"), EN);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("words");
    TCase *const c = tcase_create("words");
    tcase_add_loop_test(c, test_vectors, 0, sizeof vectors / sizeof vectors[0]);
    tcase_add_loop_test(c, test_lists, EN, FR + 1);
    tcase_add_loop_test(c, test_every_word, EN, FR + 1);
    tcase_add_loop_test(c, test_readings, 0, sizeof readings / sizeof readings[0]);
    tcase_add_test(c, test_long_words);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
