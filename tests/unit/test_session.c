#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/codec.h"
#include "mereau/session.h"

enum { BIG = MR_FRAME_MAX };

struct pair {
    struct mr_session client, node;
    struct mr_pubkey identity;
    struct mr_seckey secret;
};

static uint8_t plain[BIG], out[BIG], back[BIG];

static void fill(uint8_t *p, size_t len, uint8_t first)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(first + i * 7);
}

static void keys(struct pair *p, uint8_t first)
{
    uint8_t seed[32];
    fill(seed, sizeof seed, first);
    mr_seckey_from_seed(&p->secret, &p->identity, seed);
}

/* The client's first message and the node's answer, as bytes. */
static size_t hello(struct mr_session_hello *ret, uint8_t *bytes)
{
    uint8_t seed[32];
    fill(seed, sizeof seed, 3);
    return mr_session_hello(ret, bytes, MR_WELCOME_BYTES, seed);
}

static enum mr_status answer(struct pair *p, uint8_t *ret, size_t *ret_len, const uint8_t *bytes,
                             size_t len)
{
    static struct mr_envelope e;
    uint8_t seed[48];
    fill(seed, sizeof seed, 77);
    enum mr_status st = mr_envelope_decode(&e, bytes, len);
    if (st != MR_OK)
        return st;
    if (e.kind != MR_ENV_HELLO)
        return MR_UNKNOWN_TAG;
    return mr_session_accept(&p->node, ret, MR_WELCOME_BYTES, ret_len, &e.u.hello, seed,
                             &p->identity, &p->secret);
}

static enum mr_status finish(struct pair *p, struct mr_session_hello *h, const uint8_t *bytes,
                             size_t len, const struct mr_pubkey *pinned)
{
    static struct mr_envelope e;
    const enum mr_status st = mr_envelope_decode(&e, bytes, len);
    if (st != MR_OK)
        return st;
    if (e.kind != MR_ENV_WELCOME)
        return MR_UNKNOWN_TAG;
    return mr_session_welcome(&p->client, NULL, h, &e.u.welcome, pinned);
}

static void establish(struct pair *p)
{
    struct mr_session_hello h;
    uint8_t first[MR_WELCOME_BYTES], second[MR_WELCOME_BYTES];
    size_t len;
    keys(p, 9);
    const size_t n = hello(&h, first);
    ck_assert_int_eq(answer(p, second, &len, first, n), MR_OK);
    ck_assert_int_eq(finish(p, &h, second, len, &p->identity), MR_OK);
    fill(plain, sizeof plain, 5);
}

START_TEST(both_sides_agree)
{
    struct pair p;
    establish(&p);
    ck_assert_mem_eq(p.client.id, p.node.id, sizeof p.client.id);
    ck_assert_mem_eq(p.client.transcript, p.node.transcript, 32);
    ck_assert_mem_eq(p.client.key_out, p.node.key_in, 32);
    ck_assert_mem_eq(p.client.key_in, p.node.key_out, 32);
    ck_assert_mem_ne(p.client.key_in, p.client.key_out, 32);
}
END_TEST

static const size_t lengths[] = {0, 1, 2, 3, 4, 5, 100, 4096, MR_SESSION_PLAIN_MAX};
enum { LENGTHS = sizeof lengths / sizeof lengths[0] };

START_TEST(content_arrives)
{
    static struct mr_envelope e;
    struct pair p;
    establish(&p);
    const size_t len = lengths[_i];
    size_t got;
    uint64_t counter;
    /* a request, opened from the envelope's bytes; then its reply, opened from the record */
    size_t n = mr_session_seal(&p.client, out, sizeof out, plain, len, 0);
    ck_assert_uint_le(n, len + MR_SEAL_OVERHEAD + MR_ENVELOPE_OVERHEAD);
    ck_assert_int_eq(mr_session_open_bytes(&p.node, back, sizeof back, &got, &counter, out, n, 0),
                     MR_OK);
    ck_assert_uint_eq(got, len);
    ck_assert_uint_eq(counter, 1);
    ck_assert_int_eq(memcmp(back, plain, len), 0);
    n = mr_session_seal(&p.node, out, sizeof out, plain, len, counter);
    ck_assert_int_eq(mr_envelope_decode(&e, out, n), MR_OK);
    ck_assert_int_eq(mr_session_open(&p.client, back, len, &got, &e.u.sealed, counter), MR_OK);
    ck_assert_uint_eq(got, len);
    ck_assert_int_eq(memcmp(back, plain, len), 0);
}
END_TEST

/* The codec of the registry and the hand-written hot path agree on the bytes. */
START_TEST(sealed_bytes_are_the_record)
{
    static struct mr_envelope e;
    static uint8_t again[BIG];
    struct pair p;
    establish(&p);
    const size_t n = mr_session_seal(&p.client, out, sizeof out, plain, lengths[_i], 0);
    ck_assert_int_eq(mr_envelope_decode(&e, out, n), MR_OK);
    ck_assert_int_eq(e.kind, MR_ENV_SEALED);
    ck_assert_uint_eq(mr_envelope_encode(&e, again, sizeof again), n);
    ck_assert_mem_eq(again, out, n);
    uint8_t id[MR_SALT_BYTES];
    ck_assert_int_eq(mr_session_peek(id, out, n), MR_OK);
    ck_assert_mem_eq(id, p.client.id, sizeof id);
}
END_TEST

START_TEST(every_hello_byte_counts)
{
    uint8_t first[MR_WELCOME_BYTES], second[MR_WELCOME_BYTES];
    struct mr_session_hello h;
    struct pair p;
    keys(&p, 9);
    const size_t n = hello(&h, first);
    for (size_t i = 0; i < n; i++) {
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            size_t len;
            hello(&h, first);
            first[i] ^= (uint8_t)bit;
            /* Refused at once, or the node answers a key that is not the client's. */
            if (answer(&p, second, &len, first, n) != MR_OK)
                continue;
            ck_assert_int_eq(finish(&p, &h, second, len, &p.identity), MR_BAD_SIGNATURE);
        }
    }
}
END_TEST

START_TEST(every_welcome_byte_counts)
{
    uint8_t first[MR_WELCOME_BYTES], second[MR_WELCOME_BYTES];
    struct mr_session_hello h;
    struct pair p;
    keys(&p, 9);
    for (int with_pin = 0; with_pin < 2; with_pin++) {
        size_t len = 1;
        for (size_t i = 0; i < len; i++) {
            const size_t n = hello(&h, first);
            ck_assert_int_eq(answer(&p, second, &len, first, n), MR_OK);
            second[i] ^= 0x10;
            ck_assert_int_ne(finish(&p, &h, second, len, with_pin ? &p.identity : NULL), MR_OK);
        }
        ck_assert_uint_gt(len, 150);
    }
}
END_TEST

START_TEST(another_identity_is_refused)
{
    uint8_t first[MR_WELCOME_BYTES], second[MR_WELCOME_BYTES];
    struct mr_session_hello h;
    struct pair p, other;
    size_t len;
    keys(&p, 9);
    keys(&other, 10);
    const size_t n = hello(&h, first);
    ck_assert_int_eq(answer(&p, second, &len, first, n), MR_OK);
    ck_assert_int_eq(finish(&p, &h, second, len, &other.identity), MR_WRONG_NODE);
    ck_assert(sodium_is_zero(h.secret, sizeof h.secret));
}
END_TEST

START_TEST(without_pin_the_identity_is_told)
{
    static struct mr_envelope e;
    uint8_t first[MR_WELCOME_BYTES], second[MR_WELCOME_BYTES];
    struct mr_session_hello h;
    struct mr_pubkey told = {0};
    struct pair p;
    size_t len;
    keys(&p, 9);
    const size_t n = hello(&h, first);
    ck_assert_int_eq(answer(&p, second, &len, first, n), MR_OK);
    ck_assert_int_eq(mr_envelope_decode(&e, second, len), MR_OK);
    ck_assert_int_eq(mr_session_welcome(&p.client, &told, &h, &e.u.welcome, NULL), MR_OK);
    ck_assert_mem_eq(told.key, p.identity.key, sizeof told.key);
}
END_TEST

/* TRA-5: points of small order would make the shared secret the same for everybody. */
static const uint8_t useless[][32] = {
    {0},
    {1},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
     0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
     0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
};

START_TEST(useless_keys_are_refused)
{
    uint8_t first[MR_WELCOME_BYTES], second[MR_WELCOME_BYTES];
    struct mr_session_hello h;
    struct pair p;
    size_t len = 7;
    keys(&p, 9);
    const size_t n = hello(&h, first);
    memcpy(first + 8, useless[_i], 32);
    ck_assert_int_eq(answer(&p, second, &len, first, n), MR_BAD_KEY);
    ck_assert_uint_eq(len, 7);
}
END_TEST

START_TEST(other_versions_are_refused)
{
    uint8_t first[MR_WELCOME_BYTES], second[MR_WELCOME_BYTES];
    struct mr_session_hello h;
    struct pair p;
    size_t len;
    keys(&p, 9);
    const size_t n = hello(&h, first);
    first[7] = 0;
    ck_assert_int_eq(answer(&p, second, &len, first, n), MR_BAD_VERSION);
    first[7] = 1;
    ck_assert_int_eq(answer(&p, second, &len, first, n), MR_OK);
    second[7] = 0;
    ck_assert_int_eq(finish(&p, &h, second, len, NULL), MR_BAD_VERSION);
}
END_TEST

START_TEST(every_sealed_byte_counts)
{
    struct pair p;
    establish(&p);
    for (size_t len = 0; len < 10; len++) {
        const size_t n = mr_session_seal(&p.client, out, sizeof out, plain, len, 0);
        const struct mr_session before = p.node;
        size_t got;
        uint64_t counter;
        for (size_t i = 0; i < n; i++) {
            out[i] ^= 0x01;
            ck_assert_int_ne(
                mr_session_open_bytes(&p.node, back, sizeof back, &got, &counter, out, n, 0),
                MR_OK);
            out[i] ^= 0x01;
            ck_assert_int_ne(
                mr_session_open_bytes(&p.node, back, sizeof back, &got, &counter, out, i, 0),
                MR_OK);
        }
        ck_assert_int_ne(
            mr_session_open_bytes(&p.node, back, sizeof back, &got, &counter, out, n + 4, 0),
            MR_OK);
        ck_assert_mem_eq(&before, &p.node, sizeof before);
        ck_assert_int_eq(
            mr_session_open_bytes(&p.node, back, sizeof back, &got, &counter, out, n, 0), MR_OK);
    }
}
END_TEST

static enum mr_status open_at_node(struct pair *p, const uint8_t *bytes, size_t n)
{
    size_t got;
    uint64_t counter;
    return mr_session_open_bytes(&p->node, back, sizeof back, &got, &counter, bytes, n, 0);
}

/* TRA-7: within the window in any order, each once; older ones and repeats never. */
START_TEST(window)
{
    enum { MESSAGES = 200, BYTES = 64 };
    static uint8_t m[MESSAGES + 1][BYTES];
    size_t n = 0;
    struct pair p;
    establish(&p);
    for (int i = 1; i <= MESSAGES; i++)
        n = mr_session_seal(&p.client, m[i], BYTES, plain, 8, 0);
    static const struct {
        int message;
        enum mr_status expected;
    } steps[] = {
        {1, MR_OK},         {1, MR_REPLAYED}, {5, MR_OK},         {3, MR_OK},
        {3, MR_REPLAYED},   {2, MR_OK},       {4, MR_OK},         {5, MR_REPLAYED},
        {68, MR_OK},        {6, MR_OK},       {6, MR_REPLAYED},   {4, MR_REPLAYED},
        {5, MR_REPLAYED},   {132, MR_OK},     {68, MR_REPLAYED},  {69, MR_OK},
        {69, MR_REPLAYED},  {131, MR_OK},     {132, MR_REPLAYED}, {200, MR_OK},
        {136, MR_REPLAYED}, {137, MR_OK},     {137, MR_REPLAYED}, {199, MR_OK},
        {7, MR_REPLAYED},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        ck_assert_msg(open_at_node(&p, m[steps[i].message], n) == steps[i].expected, "step %zu", i);
}
END_TEST

START_TEST(random_order_arrives_once)
{
    enum { MESSAGES = 2000, BYTES = 64, SPREAD = 60 };
    static uint8_t m[MESSAGES][BYTES];
    int order[MESSAGES], arrived[MESSAGES] = {0};
    size_t n = 0;
    struct pair p;
    establish(&p);
    srand(4);
    for (int i = 0; i < MESSAGES; i++) {
        n = mr_session_seal(&p.client, m[i], BYTES, plain, 8, 0);
        order[i] = i;
    }
    for (int i = 0; i < MESSAGES; i += SPREAD) {
        for (int k = i; k < i + SPREAD && k < MESSAGES; k++) {
            const int width = i + SPREAD < MESSAGES ? SPREAD : MESSAGES - i;
            const int j = i + rand() % width;
            const int t = order[k];
            order[k] = order[j];
            order[j] = t;
        }
    }
    for (int i = 0; i < MESSAGES; i++) {
        arrived[order[i]] += open_at_node(&p, m[order[i]], n) == MR_OK;
        arrived[order[i]] += open_at_node(&p, m[order[i]], n) == MR_OK;
    }
    for (int i = 0; i < MESSAGES; i++)
        ck_assert_int_eq(arrived[i], 1);
}
END_TEST

START_TEST(direction_and_answer_are_bound)
{
    struct pair p;
    size_t got;
    uint64_t counter;
    establish(&p);
    const size_t n = mr_session_seal(&p.client, out, sizeof out, plain, 30, 0);
    /* a request sent back to its sender */
    ck_assert_int_eq(mr_session_open_bytes(&p.client, back, sizeof back, &got, &counter, out, n, 0),
                     MR_BAD_SESSION);
    ck_assert_int_eq(mr_session_open_bytes(&p.client, back, sizeof back, &got, &counter, out, n, 1),
                     MR_BAD_SESSION);
    /* a reply taken for the answer to another request */
    const size_t r = mr_session_seal(&p.node, out, sizeof out, plain, 30, 2);
    ck_assert_int_eq(mr_session_open_bytes(&p.client, back, sizeof back, &got, &counter, out, r, 1),
                     MR_BAD_SESSION);
    ck_assert_int_eq(mr_session_open_bytes(&p.client, back, sizeof back, &got, &counter, out, r, 0),
                     MR_BAD_SESSION);
    ck_assert_int_eq(mr_session_open_bytes(&p.client, back, sizeof back, &got, &counter, out, r, 2),
                     MR_OK);
}
END_TEST

START_TEST(other_kinds_and_sessions)
{
    struct pair p;
    struct mr_session_hello h;
    uint8_t first[MR_WELCOME_BYTES], id[MR_SALT_BYTES];
    establish(&p);
    const size_t n = hello(&h, first);
    ck_assert_int_eq(mr_session_peek(id, first, n), MR_UNKNOWN_TAG);
    ck_assert_int_eq(mr_session_peek(id, first, 3), MR_TRUNCATED);
    ck_assert_int_eq(open_at_node(&p, first, n), MR_UNKNOWN_TAG);
    struct mr_session other = p.client;
    other.id[0] ^= 1;
    const size_t m = mr_session_seal(&other, out, sizeof out, plain, 30, 0);
    ck_assert_int_eq(open_at_node(&p, out, m), MR_BAD_SESSION);
}
END_TEST

START_TEST(room_is_respected)
{
    struct pair p;
    size_t got = 0;
    uint64_t counter;
    establish(&p);
    const size_t n = mr_session_seal(&p.client, out, sizeof out, plain, 30, 0);
    ck_assert_int_eq(mr_session_open_bytes(&p.node, back, 29, &got, &counter, out, n, 0),
                     MR_TOO_LARGE);
    ck_assert_int_eq(mr_session_open_bytes(&p.node, back, 30, &got, &counter, out, n, 0), MR_OK);
    ck_assert_uint_eq(got, 30);
}
END_TEST

START_TEST(auth_text_names_all)
{
    struct pair p;
    uint8_t a[96], b[96], account[16] = {1};
    establish(&p);
    const size_t n = mr_session_auth_text(a, &p.client, MR_AUTH_OWNER, account, 2);
    ck_assert_uint_eq(n, 56);
    ck_assert_uint_eq(mr_session_auth_text(b, &p.node, MR_AUTH_OWNER, account, 2), n);
    ck_assert_mem_eq(a, b, n);
    mr_session_auth_text(b, &p.node, MR_AUTH_READER, account, 2);
    ck_assert_mem_ne(a, b, n);
    mr_session_auth_text(b, &p.node, MR_AUTH_OWNER, account, 3);
    ck_assert_mem_ne(a, b, n);
    account[15] = 9;
    mr_session_auth_text(b, &p.node, MR_AUTH_OWNER, account, 2);
    ck_assert_mem_ne(a, b, n);
    mr_session_done(&p.node);
    ck_assert(sodium_is_zero((const unsigned char *)&p.node, sizeof p.node));
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    Suite *s = suite_create("session");
    TCase *c = tcase_create("session");
    tcase_add_test(c, both_sides_agree);
    tcase_add_loop_test(c, content_arrives, 0, LENGTHS);
    tcase_add_loop_test(c, sealed_bytes_are_the_record, 0, LENGTHS);
    tcase_add_test(c, every_hello_byte_counts);
    tcase_add_test(c, every_welcome_byte_counts);
    tcase_add_test(c, another_identity_is_refused);
    tcase_add_test(c, without_pin_the_identity_is_told);
    tcase_add_loop_test(c, useless_keys_are_refused, 0, sizeof useless / sizeof useless[0]);
    tcase_add_test(c, other_versions_are_refused);
    tcase_add_test(c, every_sealed_byte_counts);
    tcase_add_test(c, window);
    tcase_add_test(c, random_order_arrives_once);
    tcase_add_test(c, direction_and_answer_are_bound);
    tcase_add_test(c, other_kinds_and_sessions);
    tcase_add_test(c, room_is_respected);
    tcase_add_test(c, auth_text_names_all);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
