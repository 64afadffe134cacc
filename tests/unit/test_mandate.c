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

enum { PAYEES = 3 };

/* An order of three payees, and what the register holds of it. */
static void make(struct mr_order *o, struct conversion_row rows[PAYEES], uint32_t count)
{
    uint8_t mandates[PAYEES][32];
    *o = (struct mr_order){.salt = {5}, .body = {.kind = MR_KIND_ISSUE}};
    struct mr_issue *const issue = &o->body.u.issue;
    issue->banks_count = 1;
    memset(issue->banks[0].ref, 7, sizeof issue->banks[0].ref);
    issue->lines_count = count;
    for (uint8_t i = 0; i < count; i++) {
        struct mr_conversion *const c = &rows[i].conversion;
        rows[i] = (struct conversion_row){.looked = false};
        *c = (struct mr_conversion){.amount = 5000 + i, .order_len = 7};
        memcpy(c->order, "2025/14", 8);
        memset(c->mandate, 9 + i, sizeof c->mandate);
        memcpy(c->municipality, town, sizeof c->municipality);
        memset(c->payee, 20 + i, sizeof c->payee);
        memset(c->note.ref, 7, sizeof c->note.ref);
        memcpy(mandates[i], c->mandate, sizeof mandates[i]);
        issue->lines[i].amount = c->amount;
        issue->banks[0].amount += c->amount;
        memcpy(issue->lines[i].member, c->payee, sizeof c->payee);
    }
    mr_conversion_ref(o->ref, o->salt, mandates[0], count, "202514");
}

static void change(struct mr_order *o, struct mr_conversion *c, int what)
{
    struct mr_issue *const issue = &o->body.u.issue;
    const uint32_t last = issue->lines_count - 1;
    void *const places[] = {&o->body.kind,
                            &issue->banks_count,
                            &issue->lines_count,
                            &issue->lines[last].amount,
                            issue->lines[last].member,
                            issue->banks[0].ref,
                            o->salt,
                            o->ref,
                            c->mandate,
                            c->municipality,
                            &c->order[6]};
    ck_assert_int_lt(what, (int)(sizeof places / sizeof places[0]));
    if (what == 2)
        issue->lines_count--;
    else
        ++*(uint8_t *)places[what];
}

/* One payee and several: nothing of the order, nor of the last payee, can be another. */
START_TEST(test_order_of_a_conversion)
{
    const uint32_t count = _i == 0 ? 1 : PAYEES;
    struct conversion_row rows[PAYEES];
    const struct conversions all = {rows, count, PAYEES};
    size_t of[MR_LINES_MAX];
    struct mr_order *const o = calloc(1, sizeof *o);
    make(o, rows, count);
    ck_assert_uint_eq(conversions_of(&all, o, of), count);
    for (size_t k = 0; k < count; k++)
        ck_assert_uint_eq(of[k], k);
    ck_assert(conversion_is_claimed(o));
    for (int what = 0; what < 11; what++) {
        if (count == 1 && what == 9)
            continue; /* one payee: whoever the register says it was */
        make(o, rows, count);
        change(o, &rows[count - 1].conversion, what);
        ck_assert_msg(conversions_of(&all, o, of) == 0, "change %d", what);
    }
    make(o, rows, count);
    memset(o->ref, 0, sizeof o->ref);
    ck_assert(!conversion_is_claimed(o));
    ck_assert_uint_eq(conversions_of(&all, o, of), 0);
    free(o);
}
END_TEST

/* An earlier wish for the same payee by another payment order is passed over. */
START_TEST(test_stale_entries)
{
    struct conversion_row rows[PAYEES + 1];
    const struct conversions all = {rows, PAYEES + 1, PAYEES + 1};
    size_t of[MR_LINES_MAX];
    struct mr_order *const o = calloc(1, sizeof *o);
    make(o, rows + 1, PAYEES);
    rows[0] = rows[2];
    rows[0].conversion.order[6] = '9';
    ck_assert_uint_eq(conversions_of(&all, o, of), PAYEES);
    ck_assert_uint_eq(of[1], 2);
    free(o);
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
    conversion_key(a, secret, town, NULL, one);
    conversion_key(b, secret, town, NULL, one);
    ck_assert_mem_eq(a, b, sizeof a);
    conversion_key(b, secret, home, NULL, one);
    ck_assert_mem_ne(a, b, sizeof a);
    conversion_key(b, other, town, NULL, one);
    ck_assert_mem_ne(a, b, sizeof a);
    conversion_key(b, secret, town, NULL, "202515A");
    ck_assert_mem_ne(a, b, sizeof a);
    conversion_key(b, secret, town, payee, one);
    ck_assert_mem_ne(a, b, sizeof a);
    conversion_key(a, secret, town, home, one);
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
    tcase_add_loop_test(c, test_order_of_a_conversion, 0, 2);
    tcase_add_test(c, test_stale_entries);
    tcase_add_test(c, test_payment_orders);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
