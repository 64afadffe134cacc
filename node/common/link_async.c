#include "common/link_async.h"

#include <sodium.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"

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
    *c = (struct lean_client){.asker = {.established = false}};
    size_t n = lean_resume(c, out);
    uint8_t hello[MR_WELCOME_BYTES], head[4];
    const size_t len = asker_hello(&c->asker, hello, sizeof hello, seed);
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
    mr_assert(c->asker.established);
    uint8_t head[4];
    uint64_t number;
    const size_t n = asker_seal(&c->asker, out + FRONT,
                                len + MR_ENVELOPE_OVERHEAD + MR_SEAL_OVERHEAD, &number, plain, len);
    mr_assert(number < top_bit);
    *ret_number = (uint32_t)number;
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

/* LEAN_MORE: nothing in this frame for the caller. */
static struct lean_reply read_frame(struct lean_client *c, const struct sp_frame *f, uint8_t *room,
                                    const struct mr_pubkey *pinned)
{
    static const enum lean_got meaning[] = {[ASKER_NOTHING] = LEAN_MORE,
                                            [ASKER_ESTABLISHED] = LEAN_ESTABLISHED,
                                            [ASKER_REPLY] = LEAN_REPLY,
                                            [ASKER_REFUSED] = LEAN_REFUSED,
                                            [ASKER_BROKEN] = LEAN_BROKEN};
    const uint32_t number = get_u32(f->head) & ~top_bit;
    if (f->head_len != 4)
        return of_status(LEAN_MORE, MR_OK);
    const struct asker_answer a = asker_take(&c->asker, room, f->body, f->body_len, number, pinned);
    return (struct lean_reply){.got = meaning[a.got],
                               .status = a.status,
                               .number = number,
                               .plain = a.plain,
                               .len = a.len};
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
