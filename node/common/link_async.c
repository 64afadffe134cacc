#include "common/link_async.h"

#include <sodium.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"

enum { KIND_BYTES = 4 };

/* The id of a request is its counter: a reply then tells which request it must be bound to. */
static const uint32_t top_bit = UINT32_C(0x80000000);

static void put_u32(uint8_t ret[4], uint32_t v)
{
    ret[0] = (uint8_t)(v >> 24);
    ret[1] = (uint8_t)(v >> 16);
    ret[2] = (uint8_t)(v >> 8);
    ret[3] = (uint8_t)v;
}

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

size_t lean_start(struct lean_client *c, uint8_t *out, const uint8_t seed[32])
{
    *c = (struct lean_client){.established = false};
    size_t n = lean_resume(c, out);
    uint8_t hello[MR_WELCOME_BYTES], head[4];
    const size_t len = mr_session_hello(&c->hello, hello, sizeof hello, seed);
    put_u32(head, top_bit);
    n += sp_front(out + n, head, sizeof head, len);
    memcpy(out + n, hello, len);
    return n + len;
}

size_t lean_resume(struct lean_client *c, uint8_t *out)
{
    sp_done(&c->in);
    sp_init(&c->in, SP_REP);
    sp_greeting(out, SP_REQ);
    return SP_GREETING_BYTES;
}

size_t lean_request(struct lean_client *c, uint8_t *out, uint32_t *ret_number, const uint8_t *plain,
                    size_t len)
{
    enum { FRONT = SP_LENGTH_BYTES + 4 };
    mr_assert(c->established);
    uint8_t head[4];
    const size_t n = mr_session_seal(&c->session, out + FRONT,
                                     len + MR_ENVELOPE_OVERHEAD + MR_SEAL_OVERHEAD, plain, len, 0);
    mr_assert(c->session.counter_out < top_bit);
    *ret_number = (uint32_t)c->session.counter_out;
    put_u32(head, top_bit | *ret_number);
    return sp_front(out, head, sizeof head, n) + n;
}

enum mr_status lean_feed(struct lean_client *c, const uint8_t *in, size_t len)
{
    return sp_feed(&c->in, in, len);
}

enum mr_status lean_keep(struct lean_client *c)
{
    return sp_keep(&c->in);
}

static struct lean_reply of_status(enum lean_got got, enum mr_status st)
{
    return (struct lean_reply){.got = got, .status = st};
}

static struct lean_reply welcome(struct lean_client *c, const uint8_t *record, size_t len,
                                 const struct mr_pubkey *pinned)
{
    struct mr_welcome w;
    enum mr_status st = mr_welcome_decode(&w, record, len);
    if (st == MR_OK)
        st = mr_session_welcome(&c->session, NULL, &c->hello, &w, pinned);
    c->established = st == MR_OK;
    return of_status(c->established ? LEAN_ESTABLISHED : LEAN_BROKEN, st);
}

static struct lean_reply refused(const uint8_t *record, size_t len, uint32_t number)
{
    struct mr_refused r;
    const enum mr_status st = mr_refused_decode(&r, record, len);
    if (st != MR_OK)
        return of_status(LEAN_BROKEN, st);
    struct lean_reply reply = of_status(LEAN_REFUSED, mr_status_from_number(r.status));
    reply.number = number;
    return reply;
}

/* LEAN_MORE: nothing in this frame for the caller. */
static struct lean_reply read_frame(struct lean_client *c, const struct sp_frame *f, uint8_t *room,
                                    const struct mr_pubkey *pinned)
{
    const uint32_t number = get_u32(f->head) & ~top_bit;
    if (f->head_len != 4 || f->body_len < KIND_BYTES)
        return of_status(LEAN_MORE, MR_OK);
    const uint8_t *const record = f->body + KIND_BYTES;
    const size_t record_len = f->body_len - KIND_BYTES;
    switch (get_u32(f->body)) {
    case MR_ENV_WELCOME:
        return c->established ? of_status(LEAN_MORE, MR_OK)
                              : welcome(c, record, record_len, pinned);
    case MR_ENV_REFUSED:
        return refused(record, record_len, number);
    case MR_ENV_SEALED:
        break;
    default:
        return of_status(LEAN_MORE, MR_OK);
    }
    struct lean_reply reply = {.got = LEAN_REPLY, .number = number, .plain = room};
    uint64_t counter;
    const bool opened = c->established && number != 0 &&
                        mr_session_open_bytes(&c->session, room, MR_FRAME_MAX, &reply.len, &counter,
                                              f->body, f->body_len, number) == MR_OK;
    return opened ? reply : of_status(LEAN_MORE, MR_OK);
}

struct lean_reply lean_next(struct lean_client *c, uint8_t *room, const struct mr_pubkey *pinned)
{
    for (;;) {
        struct sp_frame f;
        const enum sp_got got = sp_take(&c->in, &f);
        if (got == SP_BROKEN)
            return of_status(LEAN_BROKEN, MR_TOO_LARGE);
        if (got == SP_MORE)
            return of_status(LEAN_MORE, MR_OK);
        const struct lean_reply reply = read_frame(c, &f, room, pinned);
        if (reply.got != LEAN_MORE)
            return reply;
    }
}

void lean_done(struct lean_client *c)
{
    sp_done(&c->in);
    sodium_memzero(c, sizeof *c);
}
