/* Join links, payment requests and aliases: there and back, and every way to spoil them. */
#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/codec.h"
#include "mereau/text.h"

static struct mr_join_link link_of(const char *address)
{
    struct mr_join_link l = {.version = 1, .transport_key = {.alg = 1}};
    memset(l.ledger, 0x11, sizeof l.ledger);
    memset(l.association, 0x22, sizeof l.association);
    memset(l.transport_key.key, 0x33, sizeof l.transport_key.key);
    l.address_len = (uint32_t)strlen(address);
    memcpy(l.address, address, l.address_len + 1);
    return l;
}

static struct mr_pay_request request_of(int64_t amount, const char *memo)
{
    struct mr_pay_request r = {.version = 1, .ledger = {1, 2, 3, 4}, .unit = 0, .amount = amount};
    memset(r.payee, 0x44, sizeof r.payee);
    r.memo_len = (uint32_t)strlen(memo);
    memcpy(r.memo, memo, r.memo_len + 1);
    return r;
}

static void upper(char *text)
{
    for (; *text != '\0'; text++)
        *text = (char)toupper(*text);
}

/* Read back equal to `link`: by their bytes, as structs have padding. */
static void check_link(const char *text, const struct mr_join_link *link)
{
    struct mr_join_link back;
    uint8_t a[MR_JOIN_LINK_BYTES_MAX], b[MR_JOIN_LINK_BYTES_MAX];
    ck_assert_int_eq(mr_join_link_parse(&back, NULL, text), MR_OK);
    const size_t n = mr_join_link_encode(link, a, sizeof a);
    ck_assert_uint_eq(mr_join_link_encode(&back, b, sizeof b), n);
    ck_assert_mem_eq(a, b, n);
}

#define AAAA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char *const addresses[] = {
    "",          "localhost:7", "node.example.org:7070", "[2001:db8::1]:7070",
    (AAAA AAAA), /* as long as it may be */
};

START_TEST(test_join_link)
{
    const struct mr_join_link link = link_of(addresses[_i]);
    char text[MR_JOIN_LINK_TEXT_MAX];
    mr_join_link_format(text, &link);
    ck_assert_int_eq(strncmp(text, "mereau-join:mrjoin1", 19), 0);
    ck_assert(mr_is_join_link(text));
    ck_assert(!mr_is_pay_request(text));
    check_link(text, &link);
    upper(text);
    ck_assert_uint_eq(strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"), strlen(text));
    ck_assert(mr_is_join_link(text));
    check_link(text, &link);
}
END_TEST

/* Each single character made another one: refused, and in its data part the place is named. */
START_TEST(test_join_link_characters)
{
    const struct mr_join_link link = link_of("node.example.org:7070");
    struct mr_join_link back;
    char text[MR_JOIN_LINK_TEXT_MAX];
    mr_join_link_format(text, &link);
    for (size_t i = 0; text[i] != '\0'; i++) {
        for (int c = 1; c < 128; c++) {
            const char old = text[i];
            size_t wrong = 0;
            if (c == old)
                continue;
            text[i] = (char)c;
            ck_assert_int_ne(mr_join_link_parse(&back, &wrong, text), MR_OK);
            ck_assert(wrong == i || (i < 19 && (wrong == SIZE_MAX || islower(c) || isupper(c))));
            text[i] = old;
        }
        const char old = text[i];
        text[i] = '\0';
        ck_assert_int_ne(mr_join_link_parse(&back, NULL, text), MR_OK);
        text[i] = old;
    }
}
END_TEST

START_TEST(test_recovery_request)
{
    struct mr_recovery_request r = {.version = 1, .key = {.alg = 1}}, back;
    char text[MR_RECOVERY_TEXT_MAX];
    size_t wrong = 0;
    memset(r.ledger, 1, sizeof r.ledger);
    memset(r.account, 2, sizeof r.account);
    memset(r.key.key, 3, sizeof r.key.key);
    memset(r.enc_key, 4, sizeof r.enc_key);
    mr_recovery_request_format(text, &r);
    ck_assert_int_eq(strncmp(text, "mereau-recover:mrkeys1", 22), 0);
    ck_assert(!mr_is_join_link(text));
    upper(text);
    ck_assert_int_eq(mr_recovery_request_parse(&back, NULL, text), MR_OK);
    ck_assert_mem_eq(back.ledger, r.ledger, sizeof r.ledger);
    ck_assert_mem_eq(back.account, r.account, sizeof r.account);
    ck_assert_mem_eq(back.key.key, r.key.key, sizeof r.key.key);
    ck_assert_mem_eq(back.enc_key, r.enc_key, sizeof r.enc_key);
    text[40] = text[40] == 'Q' ? 'P' : 'Q';
    ck_assert_int_eq(mr_recovery_request_parse(&back, &wrong, text), MR_BAD_CHECKSUM);
    ck_assert_uint_eq(wrong, 40);
    const struct mr_join_link link = link_of("localhost:7");
    char other[MR_JOIN_LINK_TEXT_MAX];
    mr_join_link_format(other, &link);
    ck_assert_int_ne(mr_recovery_request_parse(&back, NULL, other), MR_OK);
    ck_assert_int_ne(mr_recovery_request_parse(&back, NULL, ""), MR_OK);
}
END_TEST

START_TEST(test_pay_request)
{
    static const struct {
        int64_t amount;
        const char *memo;
    } rows[] = {
        {0, ""},
        {1250, "Facture 17"},
        {MR_AMOUNT_MAX, "été, 64 octets: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct mr_pay_request r = request_of(rows[i].amount, rows[i].memo);
        struct mr_pay_request back;
        char text[MR_PAY_REQUEST_TEXT_MAX];
        size_t wrong = 0;
        mr_pay_request_format(text, "gonette", &r);
        ck_assert_int_eq(strncmp(text, "mereau-pay:gonettepay1", 22), 0);
        ck_assert(mr_is_pay_request(text));
        ck_assert_int_eq(mr_pay_request_parse(&back, NULL, "gonette", text), MR_OK);
        ck_assert_int_eq(back.amount, rows[i].amount);
        ck_assert_str_eq(back.memo, rows[i].memo);
        ck_assert_mem_eq(back.payee, r.payee, sizeof r.payee);
        ck_assert_int_eq(mr_pay_request_parse(&back, &wrong, "eusko", text), MR_WRONG_PREFIX);
        ck_assert_uint_eq(wrong, SIZE_MAX);
        upper(text);
        ck_assert_int_eq(mr_pay_request_parse(&back, NULL, "gonette", text), MR_OK);
        text[30] = (char)tolower(text[30]);
        text[31] = (char)tolower(text[31]);
        ck_assert_int_eq(mr_pay_request_parse(&back, &wrong, "gonette", text), MR_BAD_TEXT);
        ck_assert(wrong == 30 || wrong == 31);
    }
    const struct mr_pay_request r = request_of(1, "");
    char text[MR_PAY_REQUEST_TEXT_MAX];
    mr_pay_request_format(text, "abcdefghijklmnop", &r);
    ck_assert(mr_is_pay_request(text));
}
END_TEST

/* Right checksum, wrong content. */
START_TEST(test_content)
{
    struct mr_join_link link = link_of("a:1"), back;
    uint8_t bytes[MR_JOIN_LINK_BYTES_MAX + 8] = {0};
    char text[MR_JOIN_LINK_TEXT_MAX + 32] = "mereau-join:";
    const size_t n = mr_join_link_encode(&link, bytes, sizeof bytes);
    size_t wrong = 0;
    const struct {
        size_t len, at;
        uint8_t value;
        enum mr_status st;
    } rows[] = {
        {n, 3, 1, MR_OK},
        {n, 3, 2, MR_BAD_VERSION},
        {n, 3, 0, MR_BAD_VERSION},
        {n, 0, 1, MR_BAD_VERSION},
        {3, 3, 1, MR_TRUNCATED},
        {0, 3, 1, MR_TRUNCATED},
        {n - 4, 3, 1, MR_TRUNCATED},
        {n + 4, 3, 1, MR_TRAILING},
        {n, n - 1, 1, MR_NOT_CANONICAL},
        {n, n - 4, 7, MR_BAD_TEXT},
        {MR_JOIN_LINK_BYTES_MAX + 1, 3, 1, MR_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint8_t old = bytes[rows[i].at];
        bytes[rows[i].at] = rows[i].value;
        mr_bech32_encode(text + 12, sizeof text - 12, "mrjoin", bytes, rows[i].len);
        bytes[rows[i].at] = old;
        ck_assert_int_eq(mr_join_link_parse(&back, &wrong, text), rows[i].st);
        ck_assert(rows[i].st == MR_OK || wrong == SIZE_MAX);
    }
    ck_assert_int_eq(mr_join_link_parse(&back, &wrong, "mereau-join:"), MR_BAD_TEXT);
    ck_assert_int_eq(mr_join_link_parse(&back, &wrong, "mereau-pay:a1lqfn3a"), MR_BAD_TEXT);
    ck_assert_int_eq(mr_join_link_parse(&back, &wrong, "mereau-join:a1lqfn3a"), MR_WRONG_PREFIX);
    ck_assert_int_eq(mr_join_link_parse(&back, &wrong, " mereau-join:a1lqfn3a"), MR_BAD_TEXT);
    ck_assert_int_eq(mr_join_link_parse(&back, &wrong, ""), MR_BAD_TEXT);
    struct mr_pay_request request;
    ck_assert_int_eq(mr_pay_request_parse(&request, &wrong, "gonette", text), MR_BAD_TEXT);
}
END_TEST

static const struct {
    const char *text;
    bool ok;                        /* an alias by itself */
    const char *name, *association; /* NULL: not to be split */
} aliases[] = {
    {"boulangerie", true, "boulangerie", ""},
    {"a1", true, "a1", ""},
    {"42", true, "42", ""},
    {"le-pain", true, "le-pain", ""},
    {"a--b", true, "a--b", ""},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, NULL, NULL},
    {"a", false, NULL, NULL},
    {"", false, NULL, NULL},
    {"-ab", false, NULL, NULL},
    {"ab-", false, NULL, NULL},
    {"Boulangerie", false, NULL, NULL},
    {"pâtisserie", false, NULL, NULL},
    {"le pain", false, NULL, NULL},
    {"le_pain", false, NULL, NULL},
    {"pain.", false, NULL, NULL},
    {"boulangerie@lyon", false, "boulangerie", "lyon"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"boulangerie@", false, NULL, NULL},
    {"@lyon", false, NULL, NULL},
    {"a@lyon", false, NULL, NULL},
    {"boulangerie@lyon@lyon", false, NULL, NULL},
    {"boulangerie@Lyon", false, NULL, NULL},
    {"boulangerie@lyon ", false, NULL, NULL},
};

START_TEST(test_alias)
{
    char name[MR_ALIAS_MAX + 1] = "untouched", association[MR_ALIAS_MAX + 1] = "untouched";
    const bool splits = aliases[_i].name != NULL;
    ck_assert(mr_alias_ok(aliases[_i].text) == aliases[_i].ok);
    ck_assert_int_eq(mr_alias_split(name, association, aliases[_i].text),
                     splits ? MR_OK : MR_ALIAS_SYNTAX);
    ck_assert_str_eq(name, splits ? aliases[_i].name : "untouched");
    ck_assert_str_eq(association, splits ? aliases[_i].association : "untouched");
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("text");
    TCase *const c = tcase_create("text");
    tcase_add_loop_test(c, test_join_link, 0, sizeof addresses / sizeof addresses[0]);
    tcase_add_test(c, test_join_link_characters);
    tcase_add_test(c, test_recovery_request);
    tcase_add_test(c, test_pay_request);
    tcase_add_test(c, test_content);
    tcase_add_loop_test(c, test_alias, 0, sizeof aliases / sizeof aliases[0]);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
