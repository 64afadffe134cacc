/* Signatures say what they are for (ENC-9); ids say what they are of (ENC-10, ENC-11). */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lib/random_record.h"
#include "mereau/id.h"
#include "mereau/sign.h"

static const enum mr_purpose purposes[] = {
#define MR_PURPOSE(name, number, text) MR_PURPOSE_##name,
#include "registry/purposes.def"
#undef MR_PURPOSE
};
enum { PURPOSES = sizeof purposes / sizeof purposes[0] };

static const uint8_t ledger[32] = {1}, other_ledger[32] = {2};
static const uint8_t text[] = "the bytes of a record";

static struct mr_pubkey key_of(struct mr_seckey *ret_secret, uint8_t number)
{
    uint8_t seed[32] = {number};
    struct mr_pubkey key;
    mr_seckey_from_seed(ret_secret, &key, seed);
    return key;
}

/* S27: a signature is good for one purpose, ledger, epoch, text and key. */
START_TEST(test_only_one)
{
    struct mr_seckey secret, other_secret;
    const struct mr_pubkey key = key_of(&secret, 1), other = key_of(&other_secret, 2);
    uint8_t sig[MR_SIG_BYTES];
    for (size_t i = 0; i < PURPOSES; i++) {
        const uint32_t epoch = (uint32_t)i;
        mr_sign(sig, purposes[i], ledger, epoch, text, sizeof text, &secret);
        for (size_t k = 0; k < PURPOSES; k++)
            ck_assert(mr_verify(sig, purposes[k], ledger, epoch, text, sizeof text, &key) ==
                      (i == k));
        ck_assert(!mr_verify(sig, purposes[i], other_ledger, epoch, text, sizeof text, &key));
        ck_assert(!mr_verify(sig, purposes[i], ledger, epoch + 1, text, sizeof text, &key));
        ck_assert(!mr_verify(sig, purposes[i], ledger, epoch ^ 0x1000000, text, sizeof text, &key));
        ck_assert(!mr_verify(sig, purposes[i], ledger, epoch, text, sizeof text - 1, &key));
        ck_assert(!mr_verify(sig, purposes[i], ledger, epoch, text, sizeof text, &other));
        struct mr_pubkey other_alg = key;
        other_alg.alg = 0;
        ck_assert(!mr_verify(sig, purposes[i], ledger, epoch, text, sizeof text, &other_alg));
    }
    mr_seckey_done(&secret);
    ck_assert(sodium_is_zero(secret.bytes, sizeof secret.bytes));
}
END_TEST

START_TEST(test_every_bit)
{
    struct mr_seckey secret;
    const struct mr_pubkey key = key_of(&secret, 1);
    uint8_t sig[MR_SIG_BYTES], changed[sizeof text];
    mr_sign(sig, MR_PURPOSE_ORDER, ledger, 0, text, sizeof text, &secret);
    for (size_t bit = 0; bit < 8 * sizeof sig; bit++) {
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert(!mr_verify(sig, MR_PURPOSE_ORDER, ledger, 0, text, sizeof text, &key));
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof text; bit++) {
        memcpy(changed, text, sizeof text);
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert(!mr_verify(sig, MR_PURPOSE_ORDER, ledger, 0, changed, sizeof text, &key));
    }
    ck_assert(mr_verify(sig, MR_PURPOSE_ORDER, ledger, 0, text, sizeof text, &key));
}
END_TEST

/* A signature has one form: S + L verifies in careless programs. */
START_TEST(test_s_plus_l)
{
    static const uint8_t l[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                  0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    struct mr_seckey secret;
    const struct mr_pubkey key = key_of(&secret, 1);
    uint8_t sig[MR_SIG_BYTES];
    mr_sign(sig, MR_PURPOSE_ORDER, ledger, 0, text, sizeof text, &secret);
    sodium_add(sig + 32, l, 32);
    ck_assert(!mr_verify(sig, MR_PURPOSE_ORDER, ledger, 0, text, sizeof text, &key));
    sodium_sub(sig + 32, l, 32);
    ck_assert(mr_verify(sig, MR_PURPOSE_ORDER, ledger, 0, text, sizeof text, &key));
}
END_TEST

static const char *const bad_keys[] = {
    /* the eight points of small order */
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    /* other spellings of some of them */
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    /* not on the curve, or larger than the field */
    "0200000000000000000000000000000000000000000000000000000000000000",
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

START_TEST(test_bad_keys)
{
    struct mr_pubkey key = {.alg = MR_ALG_ED25519};
    uint8_t sig[MR_SIG_BYTES] = {1};
    ck_assert_int_eq(mr_hex_parse(key.key, sizeof key.key, bad_keys[_i]), MR_OK);
    ck_assert(!mr_pubkey_usable(&key));
    for (uint8_t n = 0; n < 32; n++) { /* S = 0 and R of small order: good for some texts */
        const uint8_t message[1] = {n};
        ck_assert(!mr_verify(sig, MR_PURPOSE_ORDER, ledger, 0, message, 1, &key));
    }
}
END_TEST

/* A good key with a point of small order added to it is on the curve, but not in the group. */
START_TEST(test_mixed_key)
{
    struct mr_seckey secret;
    struct mr_pubkey key = key_of(&secret, 1);
    uint8_t torsion[32], mixed[32];
    ck_assert(mr_pubkey_usable(&key));
    for (size_t i = 1; i < 8; i++) {
        ck_assert_int_eq(mr_hex_parse(torsion, sizeof torsion, bad_keys[i]), MR_OK);
        ck_assert_int_eq(crypto_core_ed25519_add(mixed, key.key, torsion), 0);
        struct mr_pubkey bad = {.alg = MR_ALG_ED25519};
        memcpy(bad.key, mixed, sizeof mixed);
        ck_assert(!mr_pubkey_usable(&bad));
    }
    key.alg = 2;
    ck_assert(!mr_pubkey_usable(&key));
}
END_TEST

/* Different things have different ids. */
START_TEST(test_ids)
{
    struct random_source g = random_source_of(7);
    struct mr_charter *const charter = calloc(1, sizeof *charter);
    struct mr_order *const order = calloc(1, sizeof *order);
    const uint8_t account[16] = {3};
    uint8_t a[32], b[32];
    random_charter(&g, charter);
    mr_ledger_id(a, charter);
    charter->salt[0] ^= 1;
    mr_ledger_id(b, charter);
    ck_assert_mem_ne(a, b, 32);
    random_order(&g, order);
    mr_order_id(a, order);
    order->salt[15] ^= 1;
    mr_order_id(b, order);
    ck_assert_mem_ne(a, b, 32);
    mr_void_id(a, ledger, account, 1);
    mr_void_id(b, ledger, account, UINT64_C(1) << 32);
    ck_assert_mem_ne(a, b, 32);
    mr_void_id(b, other_ledger, account, 1);
    ck_assert_mem_ne(a, b, 32);
    mr_memo_hash(a, account, "memo", 4);
    mr_ref_hash(b, account, "memo", 4);
    ck_assert_mem_ne(a, b, 32);
    mr_memo_hash(b, account, "memo", 3);
    ck_assert_mem_ne(a, b, 32);
    free(charter);
    free(order);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *const s = suite_create("sign");
    TCase *const c = tcase_create("sign");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, test_only_one);
    tcase_add_test(c, test_every_bit);
    tcase_add_test(c, test_s_plus_l);
    tcase_add_loop_test(c, test_bad_keys, 0, sizeof bad_keys / sizeof bad_keys[0]);
    tcase_add_test(c, test_mixed_key);
    tcase_add_test(c, test_ids);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
