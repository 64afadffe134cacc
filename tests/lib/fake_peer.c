#include "lib/fake_peer.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "mereau/codec.h"

struct fake_peer fake;

static void send_refused(uint64_t token, enum mr_status st)
{
    const uint8_t bytes[8] = {0, 0, 0, MR_ENV_REFUSED, 0, 0, 0, (uint8_t)st};
    server_reply(fake.server, token, bytes, sizeof bytes);
}

static bool is_odd(enum mr_request_kind kind)
{
    return fake.manner != FAKE_WELL && !(fake.only_follow && kind != MR_REQ_FOLLOW);
}

static void send_reply(const struct fake_held *h, enum mr_request_kind kind, enum mr_status st)
{
    static struct mr_reply r;
    static uint8_t plain[MR_FRAME_MAX], sealed[MR_FRAME_MAX];
    const bool odd = is_odd(kind);
    r = (struct mr_reply){.id = h->id, .status = (uint32_t)st, .body = {.kind = kind}};
    if (kind == MR_REQ_FOLLOW) {
        r.body.u.follow.first = h->from;
        r.body.u.follow.head.size = h->from + 1; /* of size 0: it would say that it signs nothing */
    }
    if (odd && fake.manner == FAKE_STATUS) {
        r.status = (uint32_t)fake.status;
        r.body = (struct mr_reply_body){.kind = MR_REQ_AUTH};
    }
    if (odd && fake.manner == FAKE_ODD_ID)
        r.id ^= 1;
    if (odd && fake.manner == FAKE_ODD_KIND)
        r.body = (struct mr_reply_body){.kind = MR_REQ_CONTROL};
    size_t n = mr_reply_encode(&r, plain, sizeof plain);
    if (odd && fake.manner == FAKE_ODD_BYTES)
        n -= 4;
    n = mr_session_seal(&fake.sessions[h->session].s, sealed, sizeof sealed, plain, n, h->counter);
    server_reply(fake.server, h->token, sealed, n);
}

static void send_junk(uint64_t token)
{
    uint8_t bytes[200];
    randombytes_buf(bytes, sizeof bytes);
    bytes[0] = bytes[1] = bytes[2] = 0;
    bytes[3] = MR_ENV_SEALED;
    server_reply(fake.server, token, bytes, sizeof bytes);
}

static enum mr_status check_auth(int i, const struct mr_req_auth *a)
{
    uint8_t text[96];
    const size_t n =
        mr_session_auth_text(text, &fake.sessions[i].s, a->role, a->account, a->key_index);
    fake.auths++;
    fake.auth = *a;
    if (!fake.trusting &&
        !mr_verify(a->sig, MR_PURPOSE_SESSION, fake.ledger, 0, text, n, &fake.member))
        return MR_BAD_SIGNATURE;
    fake.sessions[i].proved = true;
    return MR_OK;
}

static void on_opened(const struct fake_held *h, const struct mr_request *r)
{
    const enum mr_request_kind kind = r->body.kind;
    const bool odd = is_odd(kind);
    fake.heads += kind == MR_REQ_HEAD;
    fake.follows += kind == MR_REQ_FOLLOW;
    if (odd && fake.manner == FAKE_SILENT)
        return;
    if (odd && fake.manner == FAKE_JUNK) {
        send_junk(h->token);
    } else if (odd && fake.manner == FAKE_REFUSE) {
        send_refused(h->token, fake.status);
    } else if (odd && fake.manner == FAKE_LATE && fake.held_count < FAKE_HELD_MAX) {
        fake.held[fake.held_count++] = *h;
    } else if (kind == MR_REQ_AUTH) {
        send_reply(h, kind, check_auth(h->session, &r->body.u.auth));
    } else {
        send_reply(h, kind, fake.sessions[h->session].proved ? MR_OK : MR_NOT_AUTHORISED);
    }
}

static void on_hello(uint64_t token, const struct mr_hello *hello)
{
    uint8_t seed[48], out[MR_WELCOME_BYTES];
    size_t n;
    const int i = fake.next++ % FAKE_SESSIONS;
    const struct mr_pubkey *const identity = fake.imposes ? &fake.member : &fake.identity;
    const struct mr_seckey *const secret = fake.imposes ? &fake.member_key : &fake.secret;
    randombytes_buf(seed, sizeof seed);
    fake.hellos++;
    ck_assert_int_eq(
        mr_session_accept(&fake.sessions[i].s, out, sizeof out, &n, hello, seed, identity, secret),
        MR_OK);
    fake.sessions[i].used = true;
    fake.sessions[i].proved = false;
    server_reply(fake.server, token, out, n);
}

static void on_request(void *ctx, struct conn *c, uint64_t token, const uint8_t *body, size_t len)
{
    static uint8_t plain[MR_FRAME_MAX];
    static struct mr_envelope e;
    static struct mr_request request;
    struct fake_held h = {.token = token};
    uint8_t id[MR_SALT_BYTES];
    size_t n;
    (void)ctx;
    (void)c;
    if (mr_session_peek(id, body, len) != MR_OK) {
        ck_assert_int_eq(mr_envelope_decode(&e, body, len), MR_OK);
        if (fake.manner == FAKE_SILENT && !fake.only_follow)
            return;
        on_hello(token, &e.u.hello);
        return;
    }
    for (h.session = 0; h.session < FAKE_SESSIONS; h.session++)
        if (fake.sessions[h.session].used &&
            memcmp(fake.sessions[h.session].s.id, id, sizeof id) == 0)
            break;
    if (h.session == FAKE_SESSIONS) {
        send_refused(token, MR_BAD_SESSION);
        return;
    }
    const enum mr_status st = mr_session_open_bytes(&fake.sessions[h.session].s, plain,
                                                    sizeof plain, &n, &h.counter, body, len, 0);
    if (st == MR_REPLAYED) {
        send_refused(token, st);
        return;
    }
    ck_assert_int_eq(st, MR_OK);
    ck_assert_int_eq(mr_request_decode(&request, plain, n), MR_OK);
    h.id = request.id;
    h.from = request.body.kind == MR_REQ_FOLLOW ? request.body.u.follow.from : 0;
    on_opened(&h, &request);
}

void fake_peer_open(uv_loop_t *loop, uint16_t port)
{
    const struct transport_sink sink = {.on_request = on_request};
    const struct server_config config = server_defaults();
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
    ck_assert_int_eq(server_create(&fake.server, loop, &config, &sink), MR_OK);
    ck_assert_int_eq(server_listen_tcp(fake.server, &fake.port, address), MR_OK);
}

void fake_peer_close(void)
{
    server_destroy(fake.server);
    fake.server = NULL;
}

void fake_peer_init(const uint8_t ledger[32])
{
    uint8_t seed[32] = {1};
    memset(&fake, 0, sizeof fake);
    memcpy(fake.ledger, ledger, sizeof fake.ledger);
    mr_seckey_from_seed(&fake.secret, &fake.identity, seed);
    seed[0] = 2;
    mr_seckey_from_seed(&fake.member_key, &fake.member, seed);
}

void fake_peer_answer(size_t held)
{
    send_reply(&fake.held[held], MR_REQ_FOLLOW, MR_OK);
}
