/* Sessions against bytes from outside. The first byte chooses: open anything, change a genuine
 * message, a HELLO, a WELCOME, the window against a model of it, or a client's whole stream. */
#include <sodium.h>

#include "common/link_async.h"
#include "fuzz/fuzz.h"
#include "mereau/codec.h"
#include "mereau/session.h"

static struct mr_session client, node;
static struct mr_session_hello hello;
static struct mr_pubkey identity;
static struct mr_seckey secret;
static uint8_t room[MR_FRAME_MAX];

static void establish(void)
{
    static struct mr_envelope e;
    static const uint8_t seed[48] = {1, 2, 3};
    uint8_t bytes[MR_WELCOME_BYTES];
    size_t len;
    mr_assert(sodium_init() >= 0);
    mr_seckey_from_seed(&secret, &identity, seed);
    len = mr_session_hello(&hello, bytes, sizeof bytes, seed + 3);
    mr_assert(mr_envelope_decode(&e, bytes, len) == MR_OK);
    mr_assert(mr_session_accept(&node, bytes, sizeof bytes, &len, &e.u.hello, seed, &identity,
                                &secret) == MR_OK);
    mr_assert(mr_envelope_decode(&e, bytes, len) == MR_OK);
    mr_assert(mr_session_welcome(&client, NULL, &hello, &e.u.welcome, &identity) == MR_OK);
    mr_session_hello(&hello, bytes, sizeof bytes, seed + 3);
}

/* Nothing opens but what was sealed, and nothing changes; both ways to open agree. */
static void open_anything(const uint8_t *data, size_t len)
{
    static struct mr_envelope e;
    const struct mr_session before = node;
    size_t n;
    uint64_t counter;
    mr_assert(mr_session_open_bytes(&node, room, sizeof room, &n, &counter, data, len, 0) != MR_OK);
    if (mr_envelope_decode(&e, data, len) == MR_OK && e.kind == MR_ENV_SEALED)
        mr_assert(mr_session_open(&node, room, sizeof room, &n, &e.u.sealed, 0) != MR_OK);
    mr_assert(memcmp(&before, &node, sizeof node) == 0);
}

static void change_a_message(const uint8_t *data, size_t len)
{
    uint8_t bytes[256];
    size_t n = mr_session_seal(&client, bytes, sizeof bytes, data, len < 100 ? len : 100, 0), got;
    uint64_t counter;
    bool changed = false;
    for (size_t i = 0; i + 1 < len && i < 8; i += 2) {
        bytes[data[i] % n] ^= data[i + 1];
        changed = changed || data[i + 1] != 0;
    }
    const enum mr_status st =
        mr_session_open_bytes(&node, room, sizeof room, &got, &counter, bytes, n, 0);
    if (!changed)
        mr_assert(st == MR_OK);
}

static void a_hello(const uint8_t *data, size_t len)
{
    struct mr_hello h;
    struct mr_session s;
    static const uint8_t seed[48] = {5};
    uint8_t bytes[MR_WELCOME_BYTES];
    size_t n;
    if (mr_hello_decode(&h, data, len) != MR_OK)
        return;
    const enum mr_status st =
        mr_session_accept(&s, bytes, sizeof bytes, &n, &h, seed, &identity, &secret);
    mr_assert(st == MR_OK || st == MR_BAD_KEY || st == MR_BAD_VERSION);
}

static void a_welcome(const uint8_t *data, size_t len)
{
    struct mr_welcome w;
    struct mr_session s;
    if (mr_welcome_decode(&w, data, len) != MR_OK)
        return;
    const enum mr_status st = mr_session_welcome(&s, NULL, &hello, &w, &identity);
    mr_assert(st == MR_WRONG_NODE || st == MR_BAD_SIGNATURE || st == MR_BAD_VERSION ||
              st == MR_BAD_KEY);
}

/* Each byte delivers one of 256 messages: taken once, and only within 64 of the highest. */
static void window(const uint8_t *data, size_t len)
{
    static uint8_t messages[256][64];
    bool taken[257] = {false};
    unsigned highest = 0;
    size_t n = 0, got;
    uint64_t counter;
    for (int i = 0; i < 256; i++)
        n = mr_session_seal(&client, messages[i], sizeof messages[i], NULL, 0, 0);
    for (size_t i = 0; i < len; i++) {
        const unsigned c = data[i] + 1u;
        const bool fresh = !taken[c] && (c > highest || highest - c < 64);
        const enum mr_status st = mr_session_open_bytes(&node, room, sizeof room, &got, &counter,
                                                        messages[data[i]], n, 0);
        mr_assert(st == (fresh ? MR_OK : MR_REPLAYED));
        taken[c] = taken[c] || fresh;
        highest = c > highest ? c : highest;
    }
}

static void a_stream(const uint8_t *data, size_t len)
{
    static const uint8_t seed[32] = {8};
    uint8_t out[LEAN_START_MAX];
    struct lean_client c;
    lean_start(&c, out, seed);
    mr_assert(lean_feed(&c, data, len < SP_FEED_MAX ? len : SP_FEED_MAX) == MR_OK);
    struct lean_reply r = {.got = LEAN_REFUSED};
    while (r.got == LEAN_REFUSED)
        r = lean_next(&c, room, &identity);
    mr_assert(r.got == LEAN_MORE || r.got == LEAN_BROKEN);
    lean_done(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void (*const targets[])(const uint8_t *, size_t) = {
        open_anything, change_a_message, a_hello, a_welcome, window, a_stream};
    if (len == 0)
        return 0;
    establish();
    targets[data[0] % 6](data + 1, len - 1);
    return 0;
}
