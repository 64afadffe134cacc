/* Mandates: what they are signed over, what they allow, what an ISSUE commits to. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "admin/archive.h"
#include "admin/conversion.h"
#include "mereau/mandate.h"
#include "mereau/text.h"

static const uint8_t ledger[32] = {1}, payee[16] = {2}, town[16] = {3}, home[16] = {4};
static const uint8_t other[32] = {9};

enum { NOW = 1000000000 };

static struct mr_signed_mandate signed_of(int64_t max, uint64_t until_ms)
{
    struct mr_signed_mandate m = {
        .mandate = {.version = 1, .from_ms = NOW, .until_ms = until_ms, .max = max}};
    m.mandate.generation = 1;
    memcpy(m.mandate.ledger, ledger, sizeof m.mandate.ledger);
    memcpy(m.mandate.payee, payee, sizeof m.mandate.payee);
    memcpy(m.mandate.municipality, town, sizeof m.mandate.municipality);
    memcpy(m.mandate.association, home, sizeof m.mandate.association);
    return m;
}

static struct mr_mandate_use use_of(int64_t amount, int64_t used)
{
    return (struct mr_mandate_use){.ledger = ledger,
                                   .payee = payee,
                                   .municipality = town,
                                   .association = home,
                                   .now_ms = NOW,
                                   .amount = amount,
                                   .used = used};
}

START_TEST(test_parties)
{
    const struct mr_signed_mandate m = signed_of(0, 0);
    struct mr_mandate_use use = use_of(MR_AMOUNT_MAX, MR_AMOUNT_MAX);
    ck_assert_int_eq(mr_mandate_allows(&m.mandate, &use), MR_OK);
    use.ledger = other;
    ck_assert_int_eq(mr_mandate_allows(&m.mandate, &use), MR_WRONG_LEDGER);
    const uint8_t **const parts[] = {&use.payee, &use.municipality, &use.association};
    for (size_t i = 0; i < 3; i++) {
        use = use_of(1, 0);
        *parts[i] = other;
        ck_assert_int_eq(mr_mandate_allows(&m.mandate, &use), MR_MANDATE_OTHER);
    }
}
END_TEST

START_TEST(test_time)
{
    const struct mr_signed_mandate m = signed_of(0, NOW + 1000);
    static const struct {
        uint64_t now_ms;
        enum mr_status st;
    } rows[] = {
        {NOW, MR_OK},
        {NOW + 999, MR_OK},
        {NOW + 1000, MR_MANDATE_EXPIRED},
        {NOW - MR_CLOCK_AHEAD_MS, MR_OK},
        {NOW - MR_CLOCK_AHEAD_MS - 1, MR_MANDATE_EXPIRED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mr_mandate_use use = use_of(1, 0);
        use.now_ms = rows[i].now_ms;
        ck_assert_int_eq(mr_mandate_allows(&m.mandate, &use), rows[i].st);
    }
}
END_TEST

START_TEST(test_maximum)
{
    static const struct {
        int64_t max, amount, used;
        enum mr_status st;
    } rows[] = {
        {100, 100, 0, MR_OK},
        {100, 101, 0, MR_MANDATE_OVER},
        {100, 1, 99, MR_OK},
        {100, 1, 100, MR_MANDATE_OVER},
        {100, 1, 101, MR_MANDATE_OVER},
        {MR_AMOUNT_MAX, MR_AMOUNT_MAX, MR_AMOUNT_MAX, MR_MANDATE_OVER},
        {0, MR_AMOUNT_MAX, MR_AMOUNT_MAX, MR_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct mr_signed_mandate m = signed_of(rows[i].max, 0);
        const struct mr_mandate_use use = use_of(rows[i].amount, rows[i].used);
        ck_assert_int_eq(mr_mandate_allows(&m.mandate, &use), rows[i].st);
    }
}
END_TEST

START_TEST(test_signature)
{
    struct mr_signed_mandate m = signed_of(100, 0), back;
    struct mr_keyset keys = {.threshold = 2, .keys_count = 2};
    struct mr_seckey secret[2];
    uint8_t id[32], again[32];
    char text[MR_MANDATE_TEXT_MAX];
    size_t wrong = 0;
    for (uint8_t i = 0; i < 2; i++) {
        const uint8_t seed[32] = {i};
        mr_seckey_from_seed(&secret[i], &keys.keys[i], seed);
    }
    ck_assert_int_eq(mr_mandate_verify(&m, &keys), MR_SIGNATURES_MISSING);
    mr_mandate_sign(&m, 1, &secret[1]);
    ck_assert_int_eq(mr_mandate_verify(&m, &keys), MR_SIGNATURES_MISSING);
    mr_mandate_id(id, &m.mandate);
    mr_mandate_sign(&m, 0, &secret[0]);
    ck_assert_int_eq(mr_mandate_verify(&m, &keys), MR_OK);
    mr_mandate_id(again, &m.mandate);
    ck_assert_mem_eq(id, again, sizeof id);

    mr_mandate_format(text, &m);
    ck_assert_int_eq(strncmp(text, "mereau-mandate:mrmand1", 22), 0);
    ck_assert_int_eq(mr_mandate_parse(&back, NULL, text), MR_OK);
    ck_assert_int_eq(mr_mandate_verify(&back, &keys), MR_OK);
    text[60] = text[60] == 'q' ? 'p' : 'q';
    ck_assert_int_eq(mr_mandate_parse(&back, &wrong, text), MR_BAD_CHECKSUM);
    ck_assert_uint_eq(wrong, 60);
    ck_assert_int_ne(mr_mandate_parse(&back, NULL, ""), MR_OK);

    m.mandate.max++;
    ck_assert_int_eq(mr_mandate_verify(&m, &keys), MR_BAD_SIGNATURE);
    mr_mandate_id(again, &m.mandate);
    ck_assert_mem_ne(id, again, sizeof id);
}
END_TEST

/* An order of a conversion, and the same with one thing changed each. */
static void make(struct mr_order *o, struct mr_conversion *c)
{
    *c = (struct mr_conversion){.amount = 5000, .order_len = 7};
    memcpy(c->order, "2025/14", 8);
    memcpy(c->mandate, other, sizeof c->mandate);
    memcpy(c->payee, payee, sizeof c->payee);
    memset(c->note.ref, 7, sizeof c->note.ref);
    *o = (struct mr_order){.salt = {5}, .body = {.kind = MR_KIND_ISSUE}};
    struct mr_issue *const issue = &o->body.u.issue;
    issue->banks_count = issue->lines_count = 1;
    memcpy(issue->banks[0].ref, c->note.ref, sizeof c->note.ref);
    issue->banks[0].amount = issue->lines[0].amount = 5000;
    memcpy(issue->lines[0].member, payee, sizeof payee);
    mr_conversion_ref(o->ref, o->salt, c->mandate, "202514");
}

START_TEST(test_order_of_a_conversion)
{
    struct mr_conversion c;
    struct mr_order o;
    make(&o, &c);
    ck_assert(conversion_is(&o, &c));
    ck_assert(conversion_is_claimed(&o));
    for (int i = 0; i < 9; i++) {
        make(&o, &c);
        struct mr_issue *const issue = &o.body.u.issue;
        switch (i) {
        case 0:
            o.body.kind = MR_KIND_PAYOUT;
            break;
        case 1:
            issue->banks_count = 2;
            break;
        case 2:
            issue->lines_count = 2;
            break;
        case 3:
            issue->lines[0].amount = issue->banks[0].amount = 4999;
            break;
        case 4:
            issue->lines[0].member[0]++;
            break;
        case 5:
            issue->banks[0].ref[0]++;
            break;
        case 6:
            o.salt[0]++;
            break;
        case 7:
            c.mandate[0]++;
            break;
        default:
            c.order[6] = '5';
            break;
        }
        ck_assert_msg(!conversion_is(&o, &c), "change %d", i);
    }
    make(&o, &c);
    memset(o.ref, 0, sizeof o.ref);
    ck_assert(!conversion_is_claimed(&o));
    ck_assert(!conversion_is(&o, &c));
}
END_TEST

START_TEST(test_payment_orders)
{
    const uint8_t secret[32] = {8};
    uint8_t a[16], b[16];
    char one[CONVERSION_ORDER_MAX + 1], two[CONVERSION_ORDER_MAX + 1];
    ck_assert_int_eq(conversion_order(one, "2025/14 a"), MR_OK);
    ck_assert_str_eq(one, "202514A");
    ck_assert_int_eq(conversion_order(two, "20-25.14A"), MR_OK);
    ck_assert_str_eq(one, two);
    ck_assert_int_eq(conversion_order(two, "-/ ."), MR_BAD_TEXT);
    char longest[CONVERSION_ORDER_MAX + 2];
    memset(longest, '1', sizeof longest);
    longest[CONVERSION_ORDER_MAX + 1] = '\0';
    ck_assert_int_eq(conversion_order(two, longest), MR_TOO_LARGE);
    longest[CONVERSION_ORDER_MAX] = '\0';
    ck_assert_int_eq(conversion_order(two, longest), MR_OK);
    conversion_key(a, secret, town, one);
    conversion_key(b, secret, town, one);
    ck_assert_mem_eq(a, b, sizeof a);
    conversion_key(b, secret, home, one);
    ck_assert_mem_ne(a, b, sizeof a);
    conversion_key(b, other, town, one);
    ck_assert_mem_ne(a, b, sizeof a);
    conversion_key(b, secret, town, "202515A");
    ck_assert_mem_ne(a, b, sizeof a);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("mandate");
    TCase *const c = tcase_create("mandate");
    tcase_add_test(c, test_parties);
    tcase_add_test(c, test_time);
    tcase_add_test(c, test_maximum);
    tcase_add_test(c, test_signature);
    tcase_add_test(c, test_order_of_a_conversion);
    tcase_add_test(c, test_payment_orders);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
