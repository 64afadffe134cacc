/* The vectors that other implementations are given: this one agrees with every line of them. */
#include <check.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lib/random_record.h"
#include "mereau/amount.h"
#include "mereau/federation.h"
#include "mereau/id.h"
#include "mereau/log.h"
#include "mereau/mandate.h"
#include "mereau/order.h"
#include "mereau/sign.h"
#include "mereau/text.h"

static json_t *rows;

static void load(const char *name, size_t least)
{
    char path[4096];
    json_error_t error;
    snprintf(path, sizeof path, "%s/protocol/vectors/%s", MEREAU_SOURCE_DIR, name);
    rows = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(rows != NULL, "%s:%d: %s", path, error.line, error.text);
    ck_assert_uint_ge(json_array_size(rows), least);
}

static const char *text_of(const json_t *row, const char *name)
{
    const char *const text = json_string_value(json_object_get(row, name));
    ck_assert_msg(text != NULL, "no member %s", name);
    return text;
}

/* The bytes of a member in hexadecimal; the caller frees them. */
static uint8_t *bytes_of(const json_t *row, const char *name, size_t *ret_len)
{
    const char *const hex = text_of(row, name);
    *ret_len = strlen(hex) / 2;
    uint8_t *const bytes = malloc(*ret_len > 0 ? *ret_len : 1);
    ck_assert_int_eq(mr_hex_parse(bytes, *ret_len, hex), MR_OK);
    return bytes;
}

static void exact_bytes(const json_t *row, const char *name, uint8_t *ret, size_t len)
{
    ck_assert_int_eq(mr_hex_parse(ret, len, text_of(row, name)), MR_OK);
}

START_TEST(test_records)
{
    size_t i;
    const json_t *row;
    void *const v = calloc(1, record_bytes_max());
    bool *const seen = calloc(record_count, sizeof *seen);
    load("records.json", 2 * record_count);
    json_array_foreach(rows, i, row)
    {
        size_t len;
        const struct record_ops *const record = record_find(text_of(row, "record"));
        uint8_t *const bytes = bytes_of(row, "hex", &len), *const again = malloc(len);
        ck_assert(record != NULL);
        ck_assert_int_eq(record->decode(v, bytes, len), MR_OK);
        ck_assert_uint_eq(record->encode(v, again, len), len);
        ck_assert_mem_eq(again, bytes, len);
        const size_t n = record->json(v, NULL, 0);
        char *const json = malloc(n + 1);
        record->json(v, json, n + 1);
        json_t *const parsed = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(parsed != NULL, "%s", json);
        ck_assert(json_equal(parsed, json_object_get(row, "json")));
        seen[record - record_table] = true;
        json_decref(parsed);
        free(json);
        free(again);
        free(bytes);
    }
    for (i = 0; i < record_count; i++)
        ck_assert_msg(seen[i], "no vector of %s", record_table[i].name);
    free(seen);
    free(v);
    json_decref(rows);
}
END_TEST

START_TEST(test_refusals)
{
    size_t i;
    const json_t *row;
    void *const v = calloc(1, record_bytes_max());
    load("refusals.json", 30);
    json_array_foreach(rows, i, row)
    {
        size_t len;
        const struct record_ops *const record = record_find(text_of(row, "record"));
        uint8_t *const bytes = bytes_of(row, "hex", &len);
        ck_assert(record != NULL);
        ck_assert_str_eq(mr_status_name(record->decode(v, bytes, len)), text_of(row, "status"));
        ck_assert_str_ne(text_of(row, "status"), "OK");
        free(bytes);
    }
    free(v);
    json_decref(rows);
}
END_TEST

static enum mr_account_class class_called(const uint8_t *text, size_t len)
{
    for (int k = MR_CLASS_SYSTEM; k <= MR_CLASS_CHECKPOINTS; k++) {
        const char *const name = mr_account_class_text((enum mr_account_class)k);
        if (strlen(name) == len && memcmp(name, text, len) == 0)
            return (enum mr_account_class)k;
    }
    ck_abort_msg("no class of a derived account");
}

static void compute_id(uint8_t ret[32], const char *what, const uint8_t *in, size_t len)
{
    if (strcmp(what, "ledger") == 0) {
        struct mr_charter *const charter = calloc(1, sizeof *charter);
        ck_assert_int_eq(mr_charter_decode(charter, in, len), MR_OK);
        mr_ledger_id(ret, charter);
        free(charter);
    } else if (strcmp(what, "order") == 0) {
        struct mr_order *const order = calloc(1, sizeof *order);
        ck_assert_int_eq(mr_order_decode(order, in, len), MR_OK);
        mr_order_id(ret, order);
        free(order);
    } else if (strcmp(what, "offer") == 0) {
        struct mr_offer *const offer = calloc(1, sizeof *offer);
        ck_assert_int_eq(mr_offer_decode(offer, in, len), MR_OK);
        mr_offer_hash(ret, offer);
        free(offer);
    } else if (strcmp(what, "void") == 0) {
        uint64_t seq = 0;
        ck_assert_uint_eq(len, 56);
        for (size_t i = 48; i < len; i++)
            seq = seq << 8 | in[i];
        mr_void_id(ret, in, in + 32, seq);
    } else if (strcmp(what, "account") == 0) {
        ck_assert_uint_gt(len, MR_ACCOUNT_BYTES);
        mr_sub_account(ret, in, class_called(in + MR_ACCOUNT_BYTES, len - MR_ACCOUNT_BYTES));
    } else if (strcmp(what, "memo") == 0) {
        mr_memo_hash(ret, in, (const char *)in + 16, len - 16);
    } else {
        ck_assert_str_eq(what, "ref");
        mr_ref_hash(ret, in, (const char *)in + 16, len - 16);
    }
}

/* MUN-3, written out: the ids of the mandates as digits, each with a blank behind it, and the
 * payment order. */
static void compute_conversion(uint8_t ret[32], const json_t *row, const uint8_t *in, size_t len)
{
    static char text[MR_LINES_MAX * 65 + MR_NAME_MAX];
    static uint8_t ids[MR_LINES_MAX][MR_HASH_BYTES];
    uint8_t library[32];
    char order[MR_NAME_MAX + 1] = "";
    const size_t count = (size_t)json_integer_value(json_object_get(row, "mandates"));
    const size_t at = MR_SALT_BYTES + count * MR_HASH_BYTES;
    size_t n = 0;
    ck_assert_uint_gt(count, 0);
    ck_assert_uint_lt(at, len);
    memcpy(ids, in + MR_SALT_BYTES, at - MR_SALT_BYTES);
    for (size_t i = 0; i < at - MR_SALT_BYTES; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, i % 32 == 31 ? "%02x " : "%02x",
                              in[MR_SALT_BYTES + i]);
    memcpy(text + n, in + at, len - at);
    memcpy(order, in + at, len - at);
    mr_ref_hash(ret, in, text, n + len - at);
    mr_conversion_ref(library, in, ids[0], count, order);
    ck_assert_mem_eq(library, ret, sizeof library);
}

START_TEST(test_ids)
{
    size_t i, codes = 0;
    const json_t *row;
    load("ids.json", 10);
    json_array_foreach(rows, i, row)
    {
        size_t len;
        uint8_t *const in = bytes_of(row, "in", &len);
        uint8_t expected[32], id[32];
        const bool account = strcmp(text_of(row, "id"), "account") == 0;
        const size_t id_len = account ? MR_ACCOUNT_BYTES : MR_HASH_BYTES;
        exact_bytes(row, "out", expected, id_len);
        if (strcmp(text_of(row, "id"), "conversion") == 0)
            compute_conversion(id, row, in, len);
        else
            compute_id(id, text_of(row, "id"), in, len);
        ck_assert_mem_eq(id, expected, id_len);
        const json_t *const code = json_object_get(row, "code");
        if (code != NULL) {
            char text[MR_CONFIRMATION_MAX];
            mr_confirmation(text, id);
            ck_assert_str_eq(text, json_string_value(code));
            codes++;
        }
        free(in);
    }
    ck_assert_uint_eq(codes, 2);
    json_decref(rows);
}
END_TEST

static enum mr_purpose purpose_of(const char *name)
{
#define MR_PURPOSE(purpose, number, text)                                                          \
    if (strcmp(name, #purpose) == 0)                                                               \
        return MR_PURPOSE_##purpose;
#include "registry/purposes.def"
#undef MR_PURPOSE
    ck_abort_msg("purpose %s", name);
}

START_TEST(test_signatures)
{
    size_t i;
    const json_t *row;
    load("signatures.json", 40);
    json_array_foreach(rows, i, row)
    {
        size_t len;
        uint8_t ledger[32], sig[MR_SIG_BYTES];
        struct mr_pubkey key = {.alg = MR_ALG_ED25519};
        uint8_t *const record = bytes_of(row, "record", &len);
        exact_bytes(row, "ledger", ledger, sizeof ledger);
        exact_bytes(row, "key", key.key, sizeof key.key);
        exact_bytes(row, "sig", sig, sizeof sig);
        const uint32_t epoch = (uint32_t)json_integer_value(json_object_get(row, "epoch"));
        ck_assert(mr_verify(sig, purpose_of(text_of(row, "purpose")), ledger, epoch, record, len,
                            &key) == json_is_true(json_object_get(row, "good")));
        free(record);
    }
    json_decref(rows);
}
END_TEST

START_TEST(test_cosignatures)
{
    size_t i;
    const json_t *row;
    load("cosignatures.json", 18);
    json_array_foreach(rows, i, row)
    {
        size_t head_len, len;
        uint8_t ledger[32];
        char line[MR_COSIGNATURE_LINE_MAX], text[MR_HEAD_TEXT_MAX];
        struct mr_head h;
        struct mr_cosignature c;
        uint8_t *const head = bytes_of(row, "head", &head_len), *const bytes = bytes_of(
                                                                    row, "cosignature", &len);
        exact_bytes(row, "ledger", ledger, sizeof ledger);
        ck_assert_int_eq(mr_head_decode(&h, head, head_len), MR_OK);
        ck_assert_int_eq(mr_cosignature_decode(&c, bytes, len), MR_OK);
        mr_head_text(text, ledger, &h);
        ck_assert_str_eq(text, text_of(row, "text"));
        mr_cosignature_line(line, &c);
        ck_assert_str_eq(line, text_of(row, "line"));
        ck_assert(mr_cosignature_verify(&c, &h, ledger) ==
                  json_is_true(json_object_get(row, "good")));
        free(head);
        free(bytes);
    }
    json_decref(rows);
}
END_TEST

START_TEST(test_addresses)
{
    size_t i;
    const json_t *row;
    load("addresses.json", 30);
    json_array_foreach(rows, i, row)
    {
        uint8_t account[MR_ACCOUNT_BYTES], expected[MR_ACCOUNT_BYTES];
        size_t wrong = SIZE_MAX;
        const char *const address = text_of(row, "address");
        const enum mr_status st =
            mr_address_parse(account, &wrong, text_of(row, "prefix"), address);
        ck_assert_str_eq(mr_status_name(st), text_of(row, "status"));
        if (st == MR_OK) {
            exact_bytes(row, "account", expected, sizeof expected);
            ck_assert_mem_eq(account, expected, sizeof account);
        } else {
            const json_t *const at = json_object_get(row, "wrong");
            ck_assert(at != NULL || wrong == SIZE_MAX);
            ck_assert(at == NULL || (size_t)json_integer_value(at) == wrong);
        }
    }
    json_decref(rows);
}
END_TEST

START_TEST(test_links)
{
    size_t i;
    const json_t *row;
    load("links.json", 6);
    json_array_foreach(rows, i, row)
    {
        size_t len, n;
        uint8_t again[MR_JOIN_LINK_BYTES_MAX];
        uint8_t *const bytes = bytes_of(row, "hex", &len);
        const char *const text = text_of(row, "text");
        if (mr_is_join_link(text)) {
            struct mr_join_link link;
            ck_assert_str_eq(text_of(row, "record"), "join_link");
            ck_assert_int_eq(mr_join_link_parse(&link, NULL, text), MR_OK);
            n = mr_join_link_encode(&link, again, sizeof again);
        } else {
            struct mr_pay_request request;
            ck_assert_str_eq(text_of(row, "record"), "pay_request");
            ck_assert_int_eq(mr_pay_request_parse(&request, NULL, text_of(row, "prefix"), text),
                             MR_OK);
            n = mr_pay_request_encode(&request, again, sizeof again);
        }
        ck_assert_uint_eq(n, len);
        ck_assert_mem_eq(again, bytes, len);
        free(bytes);
    }
    json_decref(rows);
}
END_TEST

START_TEST(test_amounts)
{
    size_t i;
    const json_t *row;
    load("amounts.json", 30);
    json_array_foreach(rows, i, row)
    {
        int64_t minor = 0;
        const enum mr_status st = mr_amount_parse(
            &minor, text_of(row, "text"),
            (uint32_t)json_integer_value(json_object_get(row, "decimals")), text_of(row, "code"));
        ck_assert_str_eq(mr_status_name(st), text_of(row, "status"));
        ck_assert_int_eq(minor, json_integer_value(json_object_get(row, "minor")));
    }
    json_decref(rows);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *const s = suite_create("vectors");
    TCase *const c = tcase_create("vectors");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, test_records);
    tcase_add_test(c, test_refusals);
    tcase_add_test(c, test_ids);
    tcase_add_test(c, test_signatures);
    tcase_add_test(c, test_cosignatures);
    tcase_add_test(c, test_addresses);
    tcase_add_test(c, test_links);
    tcase_add_test(c, test_amounts);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
