/* Writes protocol/vectors/: gen_vectors DIRECTORY. The same files on every run and machine. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
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

enum { FULL_BYTES_MAX = 700 };

static FILE *file;
static const char *separator;

static void begin(const char *directory, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "gen_vectors: %s: %s\n", path, strerror(errno));
        exit(EXIT_FAILURE);
    }
    fprintf(file, "[");
    separator = "\n";
}

static void end(void)
{
    fprintf(file, "\n]\n");
    if (fclose(file) != 0) {
        fprintf(stderr, "gen_vectors: %s\n", strerror(errno));
        exit(EXIT_FAILURE);
    }
}

/* --- members of an object --------------------------------------------------------------------- */

static void open_row(void)
{
    fprintf(file, "%s{", separator);
    separator = ",\n";
}

static void name_member(const char *name, bool *first)
{
    fprintf(file, "%s\"%s\":", *first ? "" : ",", name);
    *first = false;
}

static void put_text(const char *name, const char *text, bool *first)
{
    name_member(name, first);
    fputc('"', file);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(file, "\\%c", *c);
        else if ((unsigned char)*c < 0x20)
            fprintf(file, "\\u%04x", (unsigned)*c);
        else
            fputc(*c, file);
    }
    fputc('"', file);
}

static void put_hex(const char *name, const uint8_t *bytes, size_t len, bool *first)
{
    char *const hex = malloc(2 * len + 1);
    mr_hex_format(hex, bytes, len);
    put_text(name, hex, first);
    free(hex);
}

static void put_number(const char *name, long long number, bool *first)
{
    name_member(name, first);
    fprintf(file, "%lld", number);
}

/* --- records ---------------------------------------------------------------------------------- */

static uint64_t seed_of(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a: a record's values are its own */
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return hash;
}

static void write_record(const struct record_ops *record, enum random_size size, int arm)
{
    struct random_source g = random_source_of(seed_of(record->name) + (uint64_t)(arm + 1));
    void *const v = calloc(1, record->bytes);
    bool first = true;
    g.size = size;
    g.arm = arm;
    record->random(&g, v);
    const size_t len = record->size(v), json_len = record->json(v, NULL, 0);
    if (size != RANDOM_FULL || len <= FULL_BYTES_MAX) {
        uint8_t *const bytes = malloc(len);
        char *const json = malloc(json_len + 1);
        record->encode(v, bytes, len);
        record->json(v, json, json_len + 1);
        open_row();
        put_text("record", record->name, &first);
        put_hex("hex", bytes, len, &first);
        name_member("json", &first);
        fprintf(file, "%s}", json);
        free(bytes);
        free(json);
    }
    free(v);
}

static void write_records(void)
{
    for (size_t i = 0; i < record_count; i++) {
        const struct record_ops *const record = &record_table[i];
        write_record(record, RANDOM_EMPTY, record->arms > 0 ? 0 : -1);
        if (record->arms == 0)
            write_record(record, RANDOM_TYPICAL, -1);
        for (int arm = 0; arm < record->arms; arm++)
            write_record(record, RANDOM_TYPICAL, arm);
        write_record(record, RANDOM_FULL, record->arms > 0 ? 0 : -1);
    }
}

/* --- bytes that must be refused --------------------------------------------------------------- */

static void write_refusal(const char *record, const uint8_t *bytes, size_t len, const char *why)
{
    const struct record_ops *const ops = record_find(record);
    void *const v = calloc(1, ops->bytes);
    bool first = true;
    const enum mr_status st = ops->decode(v, bytes, len);
    if (st == MR_OK) {
        fprintf(stderr, "gen_vectors: %s is not refused: %s\n", record, why);
        exit(EXIT_FAILURE);
    }
    open_row();
    put_text("record", record, &first);
    put_hex("hex", bytes, len, &first);
    put_text("status", mr_status_name(st), &first);
    put_text("why", why, &first);
    fputc('}', file);
    free(v);
}

/* A change of one byte of an encoding: `at` counts from the end when negative. */
struct spoiled {
    const char *record, *why;
    int at;
    uint8_t value;
};

static void write_spoiled(const struct spoiled *s, const uint8_t *bytes, size_t len)
{
    uint8_t copy[512];
    memcpy(copy, bytes, len);
    copy[s->at >= 0 ? (size_t)s->at : len - (size_t)-s->at] = s->value;
    write_refusal(s->record, copy, len, s->why);
}

static void write_list_refusals(void)
{
    struct mr_list list = {.listed = true,
                           .alias_len = 5,
                           .alias = "le-pa",
                           .name_len = 3,
                           .name = "\xe2\x82\xac",
                           .trade_len = 0,
                           .town_len = 2,
                           .town = "\xc3\xa9"};
    static const struct spoiled rows[] = {
        {"list", "a bool is 0 or 1", 19, 2},
        {"list", "a bool is 0 or 1", 16, 1},
        {"list", "a text longer than its bound", 23, 33},
        {"list", "a length that the bytes left cannot hold", -1, 100},
        {"list", "padding is zero", 29, 1},
        {"list", "padding is zero", 31, 0x80},
        {"list", "a control character (LF) in a text", 24, '\n'},
        {"list", "a control character (DEL) in a text", 24, 0x7f},
        {"list", "a NUL in a text", 25, 0},
        {"list", "UTF-8: a continuation byte alone", 24, 0x80},
        {"list", "UTF-8: an overlong form", 36, 0xe0},
        {"list", "UTF-8: a sequence cut off", 38, 'a'},
    };
    uint8_t bytes[256];
    const size_t len = mr_list_encode(&list, bytes, sizeof bytes);
    bytes[37] = 0x82;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t copy[256];
        memcpy(copy, bytes, len);
        if (rows[i].value == 0xe0)
            copy[37] = 0x80; /* E0 80 AC: overlong */
        write_spoiled(&rows[i], copy, len);
    }
    write_refusal("list", bytes, len - 1, "a byte is missing");
    write_refusal("list", bytes, len - 4, "the last length is missing");
    write_refusal("list", bytes, 0, "nothing at all");
    bytes[len] = 0;
    write_refusal("list", bytes, len + 1, "one byte behind the end");
    memset(bytes + len, 0, 4);
    write_refusal("list", bytes, len + 4, "four bytes behind the end");
}

static void write_number_refusals(void)
{
    static const struct {
        const char *record, *hex, *why;
    } rows[] = {
        {"balance", "0010000000000001", "above 2^52"},
        {"balance", "ffefffffffffffff", "below -2^52"},
        {"balance", "8000000000000000", "the least 64-bit number"},
        {"supply", "ffffffffffffffff", "a negative amount"},
        {"refused", "00000100", "a status number above 255"},
        {"close", "00000001", "a reserved field is zero"},
        {"keyset", "0000001100000000", "a threshold above 16"},
        {"keyset", "0000000100000011", "17 keys"},
        {"keyset", "00000001ffffffff", "2^32 - 1 keys"},
        {"keyset",
         "0000000100000002"
         "00000001"
         "1111111111111111111111111111111111111111111111111111111111111111",
         "two keys announced, one there"},
        {"req_control", "00000000", "an enumeration's number that is not given"},
        {"req_control", "00000063", "an enumeration's number that is not given"},
        {"req_control", "80000001", "an enumeration's number above 2^31 - 1"},
        {"order_body", "000000ff", "a union's case that is not given"},
        {"envelope", "0000000500000000", "a union's case that is not given"},
        {"pay",
         "00000000"
         "00000001"
         "00000000000000000000000000000000"
         "0000000000000000"
         "00000001",
         "an amount of zero in a PAY"},
        {"pay",
         "00000000"
         "00000101",
         "257 lines"},
        {"pay",
         "00000000"
         "00000100",
         "256 lines announced, none there"},
        {"memo_box",
         "0000000000000000000000000000000000000000000000000000000000000000"
         "00000001"
         "ff000001"
         "00000000",
         "padding is zero"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[256];
        const size_t len = strlen(rows[i].hex) / 2;
        if (mr_hex_parse(bytes, len, rows[i].hex) != MR_OK)
            abort();
        write_refusal(rows[i].record, bytes, len, rows[i].why);
    }
}

/* --- ids -------------------------------------------------------------------------------------- */

static void write_id_of(const char *what, const uint8_t *in, size_t in_len, const uint8_t *id,
                        size_t id_len)
{
    bool first = true;
    open_row();
    put_text("id", what, &first);
    put_hex("in", in, in_len, &first);
    put_hex("out", id, id_len, &first);
    fputc('}', file);
}

static void write_id(const char *what, const uint8_t *in, size_t in_len, const uint8_t id[32])
{
    write_id_of(what, in, in_len, id, MR_HASH_BYTES);
}

/* MUN-3: of one payee, of several, of as many as one ISSUE holds. */
static void write_conversions(struct random_source *g)
{
    static const size_t counts[] = {1, 3, MR_LINES_MAX};
    static const char payment_order[] = "20261412";
    enum { TEXT = sizeof payment_order - 1 };
    static uint8_t in[MR_SALT_BYTES + MR_LINES_MAX * MR_HASH_BYTES + TEXT];
    static uint8_t mandates[MR_LINES_MAX][MR_HASH_BYTES];
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        uint8_t id[32];
        bool first = true;
        const size_t ids = counts[i] * MR_HASH_BYTES;
        random_bytes(g, in, MR_SALT_BYTES + ids);
        memcpy(mandates, in + MR_SALT_BYTES, ids);
        memcpy(in + MR_SALT_BYTES + ids, payment_order, TEXT);
        mr_conversion_ref(id, in, mandates[0], counts[i], payment_order);
        open_row();
        put_text("id", "conversion", &first);
        put_hex("in", in, MR_SALT_BYTES + ids + TEXT, &first);
        put_hex("out", id, sizeof id, &first);
        put_number("mandates", (long long)counts[i], &first);
        fputc('}', file);
    }
}

/* LED-2: of an association, and of nobody. */
static void write_accounts(struct random_source *g)
{
    uint8_t of[MR_ACCOUNT_BYTES + 32], id[MR_ACCOUNT_BYTES];
    for (size_t i = 0; i < MR_ACCOUNT_BYTES; i++)
        of[i] = (uint8_t)random_next(g);
    for (int k = MR_CLASS_SYSTEM; k <= MR_CLASS_CHECKPOINTS; k++) {
        const enum mr_account_class class = (enum mr_account_class)k;
        const char *const text = mr_account_class_text(class);
        uint8_t in[sizeof of] = {0};
        const bool nobody =
            k == MR_CLASS_SYSTEM || k == MR_CLASS_CHECKPOINTS || k == MR_CLASS_WORLD;
        if (!nobody)
            memcpy(in, of, MR_ACCOUNT_BYTES);
        memcpy(in + MR_ACCOUNT_BYTES, text, strlen(text));
        mr_sub_account(id, nobody ? NULL : of, class);
        write_id_of("account", in, MR_ACCOUNT_BYTES + strlen(text), id, sizeof id);
    }
}

static void write_offer(struct random_source *g)
{
    static struct mr_offer offer;
    static uint8_t bytes[sizeof offer];
    char code[MR_CONFIRMATION_MAX];
    uint8_t id[32];
    bool first = true;
    random_offer(g, &offer);
    mr_offer_hash(id, &offer);
    mr_confirmation(code, id);
    open_row();
    put_text("id", "offer", &first);
    put_hex("in", bytes, mr_offer_encode(&offer, bytes, sizeof bytes), &first);
    put_hex("out", id, sizeof id, &first);
    put_text("code", code, &first);
    fputc('}', file);
}

static void write_ids(void)
{
    static uint8_t bytes[sizeof(struct mr_charter)];
    struct random_source g = random_source_of(1);
    struct mr_charter *const charter = calloc(1, sizeof *charter);
    struct mr_order *const order = calloc(1, sizeof *order);
    uint8_t id[32], slot[32 + 16 + 8];
    random_charter(&g, charter);
    mr_ledger_id(id, charter);
    write_id("ledger", bytes, mr_charter_encode(charter, bytes, sizeof bytes), id);
    for (int i = 0; i < 3; i++) {
        random_order(&g, order);
        mr_order_id(id, order);
        write_id("order", bytes, mr_order_encode(order, bytes, sizeof bytes), id);
    }
    for (int i = 0; i < 3; i++) {
        for (size_t k = 0; k < sizeof slot; k++)
            slot[k] = (uint8_t)random_next(&g);
        slot[48] = slot[49] = 0;
        uint64_t seq = 0;
        for (int k = 0; k < 8; k++)
            seq = seq << 8 | slot[48 + k];
        mr_void_id(id, slot, slot + 32, seq);
        write_id("void", slot, sizeof slot, id);
    }
    static const char *const texts[] = {"", "Facture 17", "été"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const size_t n = strlen(texts[i]);
        random_bytes(&g, bytes, 16);
        memcpy(bytes + 16, texts[i], n);
        mr_memo_hash(id, bytes, texts[i], n);
        write_id("memo", bytes, 16 + n, id);
        mr_ref_hash(id, bytes, texts[i], n);
        write_id("ref", bytes, 16 + n, id);
    }
    for (int i = 0; i < 2; i++)
        write_offer(&g);
    write_accounts(&g);
    write_conversions(&g);
    free(charter);
    free(order);
}

/* --- signatures ------------------------------------------------------------------------------- */

struct signature {
    const char *purpose, *why; /* why NULL: good */
    uint8_t ledger[32], record[40], sig[MR_SIG_BYTES];
    uint32_t epoch;
    struct mr_pubkey key;
};

static void write_signature(const struct signature *s)
{
    bool first = true;
    open_row();
    put_text("purpose", s->purpose, &first);
    put_hex("ledger", s->ledger, sizeof s->ledger, &first);
    put_number("epoch", s->epoch, &first);
    put_hex("record", s->record, sizeof s->record, &first);
    put_hex("key", s->key.key, sizeof s->key.key, &first);
    put_hex("sig", s->sig, sizeof s->sig, &first);
    name_member("good", &first);
    fputs(s->why == NULL ? "true" : "false", file);
    if (s->why != NULL)
        put_text("why", s->why, &first);
    fputc('}', file);
}

static void write_bad_signatures(const struct signature *good)
{
    static const uint8_t l[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                  0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    struct signature s = *good;
    s.why = "another purpose";
    s.purpose = strcmp(s.purpose, "ORDER") == 0 ? "CANCEL" : "ORDER";
    write_signature(&s);
    s = *good;
    s.why = "another ledger";
    s.ledger[31] ^= 1;
    write_signature(&s);
    s = *good;
    s.why = "another epoch";
    s.epoch++;
    write_signature(&s);
    s = *good;
    s.why = "another record";
    s.record[0] ^= 0x80;
    write_signature(&s);
    s = *good;
    s.why = "S + L: not canonical";
    sodium_add(s.sig + 32, l, sizeof l);
    write_signature(&s);
    s = *good;
    s.why = "a key of small order";
    memset(&s.key.key, 0, sizeof s.key.key);
    s.key.key[0] = 1;
    memset(s.sig, 0, sizeof s.sig);
    s.sig[0] = 1;
    write_signature(&s);
}

static void write_signatures(void)
{
    static const struct {
        enum mr_purpose purpose;
        const char *name;
    } purposes[] = {
#define MR_PURPOSE(name, number, text) {MR_PURPOSE_##name, #name},
#include "registry/purposes.def"
#undef MR_PURPOSE
    };
    struct random_source g = random_source_of(2);
    for (size_t i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
        struct signature s = {.purpose = purposes[i].name, .epoch = (uint32_t)i * 0x01020304};
        struct mr_seckey secret;
        const uint8_t seed[32] = {(uint8_t)i};
        mr_seckey_from_seed(&secret, &s.key, seed);
        for (size_t k = 0; k < sizeof s.ledger; k++)
            s.ledger[k] = (uint8_t)random_next(&g);
        for (size_t k = 0; k < sizeof s.record; k++)
            s.record[k] = (uint8_t)random_next(&g);
        mr_sign(s.sig, purposes[i].purpose, s.ledger, s.epoch, s.record, sizeof s.record, &secret);
        write_signature(&s);
        write_bad_signatures(&s);
    }
}

static void write_cosignature(const struct mr_head *h, const struct mr_cosignature *c,
                              const uint8_t ledger[32], const char *why)
{
    uint8_t head[256], bytes[512];
    char line[MR_COSIGNATURE_LINE_MAX], text[MR_HEAD_TEXT_MAX];
    bool first = true;
    open_row();
    put_hex("ledger", ledger, 32, &first);
    put_hex("head", head, mr_head_encode(h, head, sizeof head), &first);
    mr_head_text(text, ledger, h);
    put_text("text", text, &first);
    put_hex("cosignature", bytes, mr_cosignature_encode(c, bytes, sizeof bytes), &first);
    mr_cosignature_line(line, c);
    put_text("line", line, &first);
    name_member("good", &first);
    fputs(why == NULL ? "true" : "false", file);
    if (why != NULL)
        put_text("why", why, &first);
    fputc('}', file);
}

static void write_cosignatures(void)
{
    struct random_source g = random_source_of(7);
    for (uint8_t i = 0; i < 6; i++) {
        const uint8_t seed[32] = {9, i};
        struct mr_seckey secret;
        struct mr_pubkey public;
        uint8_t ledger[32];
        struct mr_cosignature c = {.name_len = 20, .name = "witness.example.org/"};
        struct mr_head h = {.epoch = 1 + i, .node = 1, .generation = 1, .size = 1u << i};
        c.name[c.name_len++] = (char)('a' + i);
        mr_seckey_from_seed(&secret, &public, seed);
        for (size_t k = 0; k < sizeof ledger; k++) {
            ledger[k] = (uint8_t)random_next(&g);
            h.root[k] = (uint8_t)random_next(&g);
        }
        h.time_ms = 1700000000000 + i;
        mr_head_sign(&h, ledger, &secret);
        mr_cosignature_sign(&c, &h, ledger, &secret, &public, 1700000000 + i);
        write_cosignature(&h, &c, ledger, NULL);
        h.size++;
        write_cosignature(&h, &c, ledger, "another size");
        h.size--;
        c.time_s++;
        write_cosignature(&h, &c, ledger, "another time");
    }
}

/* --- texts ------------------------------------------------------------------------------------ */

static void write_address(const char *prefix, const char *text)
{
    uint8_t account[MR_ACCOUNT_BYTES];
    size_t wrong = SIZE_MAX;
    bool first = true;
    const enum mr_status st = mr_address_parse(account, &wrong, prefix, text);
    open_row();
    put_text("prefix", prefix, &first);
    put_text("address", text, &first);
    put_text("status", mr_status_name(st), &first);
    if (st == MR_OK)
        put_hex("account", account, sizeof account, &first);
    else if (wrong != SIZE_MAX)
        put_number("wrong", (long long)wrong, &first);
    fputc('}', file);
}

static void write_addresses(void)
{
    struct random_source g = random_source_of(3);
    static const char *const prefixes[] = {"gonette", "eusko", "m", "abcdefghijklmnop"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        uint8_t account[MR_ACCOUNT_BYTES];
        char text[MR_ADDRESS_TEXT_MAX], changed[MR_ADDRESS_TEXT_MAX];
        random_bytes(&g, account, sizeof account);
        account[0] = (uint8_t)i;
        mr_address_format(text, prefixes[i], account);
        write_address(prefixes[i], text);
        write_address("lyon", text);
        const size_t prefix_len = strlen(prefixes[i]), len = strlen(text);
        for (size_t at = prefix_len + 1; at < len; at += 8) {
            strcpy(changed, text);
            changed[at] = text[at] == 'x' ? 'y' : 'x';
            write_address(prefixes[i], changed);
            changed[at] = 'o';
            write_address(prefixes[i], changed);
        }
        strcpy(changed, text);
        changed[len - 1] = '\0';
        write_address(prefixes[i], changed);
        for (size_t k = 0; k < len; k++)
            changed[k] = text[k] >= 'a' && text[k] <= 'z' ? (char)(text[k] - 32) : text[k];
        changed[len] = '\0';
        write_address(prefixes[i], changed);
        changed[0] = text[0];
        write_address(prefixes[i], changed);
    }
}

static void write_links(void)
{
    struct random_source g = random_source_of(4);
    for (int i = 0; i < 3; i++) {
        struct mr_join_link link = {0};
        struct mr_pay_request request = {0};
        uint8_t bytes[MR_JOIN_LINK_BYTES_MAX];
        char text[MR_JOIN_LINK_TEXT_MAX];
        bool first = true;
        g.size = i == 2 ? RANDOM_FULL : RANDOM_TYPICAL;
        random_join_link(&g, &link);
        random_pay_request(&g, &request);
        link.version = request.version = 1;
        mr_join_link_format(text, &link);
        open_row();
        put_text("record", "join_link", &first);
        put_hex("hex", bytes, mr_join_link_encode(&link, bytes, sizeof bytes), &first);
        put_text("text", text, &first);
        fputc('}', file);
        first = true;
        mr_pay_request_format(text, "gonette", &request);
        open_row();
        put_text("record", "pay_request", &first);
        put_text("prefix", "gonette", &first);
        put_hex("hex", bytes, mr_pay_request_encode(&request, bytes, sizeof bytes), &first);
        put_text("text", text, &first);
        fputc('}', file);
    }
}

static void write_amounts(void)
{
    static const struct {
        const char *text;
        uint32_t decimals;
        const char *code;
    } rows[] = {
        {"12", 2, "EUR"},
        {"12.5", 2, "EUR"},
        {"12,50", 2, "EUR"},
        {"12.50 EUR", 2, "EUR"},
        {" 12.50 eur ", 2, "EUR"},
        {"0.01", 2, "EUR"},
        {"1.250", 3, "EUR"},
        {"45035996273704.96", 2, "EUR"},
        {"7", 0, "EUR"},
        {"0", 2, "EUR"},
        {"0.00", 2, "EUR"},
        {"-5", 2, "EUR"},
        {"\xe2\x88\x92"
         "5",
         2, "EUR"},
        {"1.5", 0, "EUR"},
        {"12.3456", 2, "EUR"},
        {"12.5000", 2, "EUR"},
        {"45035996273704.97", 2, "EUR"},
        {"99999999999999999999", 2, "EUR"},
        {"1,250.00", 2, "EUR"},
        {"1.250,00", 2, "EUR"},
        {"1 250,00", 2, "EUR"},
        {"1\xc2\xa0"
         "250,00",
         2, "EUR"},
        {"1\xe2\x80\xaf"
         "250,00",
         2, "EUR"},
        {"1'250", 2, "EUR"},
        {"1,250", 2, "EUR"},
        {"1.250", 0, "EUR"},
        {"12 USD", 2, "EUR"},
        {"12 \xe2\x82\xac", 2, "EUR"},
        {"", 2, "EUR"},
        {".5", 2, "EUR"},
        {"5.", 2, "EUR"},
        {"+5", 2, "EUR"},
        {"1e5", 2, "EUR"},
        {"EUR 5", 2, "EUR"},
        {"five", 2, "EUR"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t minor = 0;
        bool first = true;
        const enum mr_status st =
            mr_amount_parse(&minor, rows[i].text, rows[i].decimals, rows[i].code);
        open_row();
        put_text("text", rows[i].text, &first);
        put_number("decimals", rows[i].decimals, &first);
        put_text("code", rows[i].code, &first);
        put_text("status", mr_status_name(st), &first);
        if (st == MR_OK)
            put_number("minor", minor, &first);
        fputc('}', file);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*write)(void);
    } files[] = {
        {"records.json", write_records},
        {"ids.json", write_ids},
        {"signatures.json", write_signatures},
        {"addresses.json", write_addresses},
        {"links.json", write_links},
        {"amounts.json", write_amounts},
        {"cosignatures.json", write_cosignatures},
    };
    if (argc != 2 || sodium_init() < 0) {
        fprintf(stderr, "usage: gen_vectors DIRECTORY\n");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        begin(argv[1], files[i].name);
        files[i].write();
        end();
    }
    begin(argv[1], "refusals.json");
    write_list_refusals();
    write_number_refusals();
    end();
    return EXIT_SUCCESS;
}
