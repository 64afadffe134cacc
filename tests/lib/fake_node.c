#include "lib/fake_node.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/codec.h"

static void refuse(struct fake_node *f, uint64_t token, enum mr_status st)
{
    struct mr_envelope *e = calloc(1, sizeof *e);
    uint8_t bytes[16];
    e->kind = MR_ENV_REFUSED;
    e->u.refused.status = (uint32_t)st;
    server_reply(f->at.server, token, bytes, mr_envelope_encode(e, bytes, sizeof bytes));
    free(e);
}

static void greet(struct fake_node *f, uint64_t token, const struct mr_hello *hello)
{
    uint8_t seed[48], out[MR_WELCOME_BYTES];
    size_t n;
    struct mr_session *s = &f->sessions[f->next++ % FAKE_SESSIONS];
    randombytes_buf(seed, sizeof seed);
    const enum mr_status st =
        mr_session_accept(s, out, sizeof out, &n, hello, seed, &f->identity, &f->secret);
    if (st == MR_OK)
        server_reply(f->at.server, token, out, n);
    else
        refuse(f, token, st);
}

static void answer(struct fake_node *f, struct mr_session *s, uint64_t token, uint64_t counter)
{
    static uint8_t plain[MR_FRAME_MAX], sealed[MR_FRAME_MAX];
    *f->reply = (struct mr_reply){.id = f->request->id, .body = {.kind = f->request->body.kind}};
    if (f->request->body.kind != MR_REQ_AUTH)
        f->answer(f->ctx, f->request, f->reply);
    const size_t len = mr_reply_encode(f->reply, plain, sizeof plain);
    server_reply(f->at.server, token, sealed,
                 mr_session_seal(s, sealed, sizeof sealed, plain, len, counter));
}

static void on_request(void *ctx, struct conn *c, uint64_t token, const uint8_t *body, size_t len)
{
    static uint8_t plain[MR_FRAME_MAX];
    struct fake_node *f = ctx;
    struct mr_envelope *e = calloc(1, sizeof *e);
    uint8_t id[MR_SALT_BYTES];
    uint64_t counter;
    size_t n;
    (void)c;
    if (mr_session_peek(id, body, len) != MR_OK) {
        if (mr_envelope_decode(e, body, len) == MR_OK && e->kind == MR_ENV_HELLO)
            greet(f, token, &e->u.hello);
        else
            refuse(f, token, MR_UNKNOWN_TAG);
        free(e);
        return;
    }
    free(e);
    for (int i = 0; i < FAKE_SESSIONS; i++) {
        struct mr_session *s = &f->sessions[i];
        if (memcmp(s->id, id, sizeof id) != 0)
            continue;
        if (mr_session_open_bytes(s, plain, sizeof plain, &n, &counter, body, len, 0) == MR_OK &&
            mr_request_decode(f->request, plain, n) == MR_OK)
            answer(f, s, token, counter);
        else
            refuse(f, token, MR_BAD_SESSION);
        return;
    }
    refuse(f, token, MR_BAD_SESSION);
}

void fake_node_start(struct fake_node *f, const uint8_t seed[32], const char *path,
                     fake_answer answer_fn, void *ctx)
{
    static const struct transport_sink sink = {.on_request = on_request};
    struct transport_sink own = sink;
    const struct server_config config = server_defaults();
    *f = (struct fake_node){.answer = answer_fn, .ctx = ctx};
    f->request = calloc(1, sizeof *f->request);
    f->reply = calloc(1, sizeof *f->reply);
    ck_assert(f->request != NULL && f->reply != NULL);
    mr_seckey_from_seed(&f->secret, &f->identity, seed);
    own.ctx = f;
    server_thread_start(&f->at, &config, &own, 0, path);
}

void fake_node_stop(struct fake_node *f)
{
    server_thread_stop(&f->at);
    ck_assert_int_eq(f->at.leaked, 0);
    free(f->request);
    free(f->reply);
}
