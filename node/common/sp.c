#include "common/sp.h"

#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"

enum { HELD_MAX = SP_LENGTH_BYTES + SP_MESSAGE_MAX + SP_FEED_MAX, HELD_MIN = 512 };

void sp_init(struct sp_stream *s, unsigned peer)
{
    *s = (struct sp_stream){.peer = peer};
}

void sp_done(struct sp_stream *s)
{
    free(s->held);
    *s = (struct sp_stream){0};
}

/* Room in the stream's own memory; what is kept there stays. */
static bool reserve(struct sp_stream *s, size_t bytes)
{
    mr_assert(bytes <= HELD_MAX);
    if (bytes <= s->held_cap)
        return true;
    size_t cap = HELD_MIN;
    while (cap < bytes)
        cap *= 2;
    uint8_t *const p = realloc(s->held, cap);
    if (p == NULL)
        return false;
    s->held = p;
    s->held_cap = cap;
    return true;
}

enum mr_status sp_feed(struct sp_stream *s, const uint8_t *in, size_t len)
{
    mr_assert(len <= SP_FEED_MAX);
    mr_assert(!s->borrows);
    if (s->left == 0 || s->broken) {
        s->at = in;
        s->left = len;
        s->borrows = true;
        return MR_OK;
    }
    if (len == 0)
        return MR_OK;
    memmove(s->held, s->at, s->left);
    if (!reserve(s, s->left + len))
        return MR_NO_MEMORY;
    memcpy(s->held + s->left, in, len);
    s->at = s->held;
    s->left += len;
    return MR_OK;
}

enum mr_status sp_keep(struct sp_stream *s)
{
    if (s->left == 0) {
        free(s->held);
        s->held = NULL;
        s->held_cap = 0;
        s->at = NULL;
    } else if (s->borrows) {
        if (!reserve(s, s->left))
            return MR_NO_MEMORY;
        memcpy(s->held, s->at, s->left);
        s->at = s->held;
    }
    s->borrows = false;
    return MR_OK;
}

size_t sp_waiting(const struct sp_stream *s)
{
    return s->left;
}

static void advance(struct sp_stream *s, size_t bytes)
{
    s->at += bytes;
    s->left -= bytes;
}

static bool greeting_is(const uint8_t in[SP_GREETING_BYTES], unsigned peer)
{
    uint8_t expected[SP_GREETING_BYTES];
    sp_greeting(expected, peer);
    return memcmp(in, expected, sizeof expected) == 0;
}

static uint64_t length_of(const uint8_t in[SP_LENGTH_BYTES])
{
    uint64_t v = 0;
    for (int i = 0; i < SP_LENGTH_BYTES; i++)
        v = v << 8 | in[i];
    return v;
}

size_t sp_head_len(const uint8_t *message, size_t len)
{
    for (size_t at = 0; at + 4 <= len && at + 4 <= SP_HEAD_MAX; at += 4)
        if ((message[at] & 0x80) != 0)
            return at + 4;
    return 0;
}

static enum sp_got broken(struct sp_stream *s)
{
    s->broken = true;
    return SP_BROKEN;
}

enum sp_got sp_take(struct sp_stream *s, struct sp_frame *ret)
{
    if (s->broken)
        return SP_BROKEN;
    if (!s->greeted) {
        if (s->left < SP_GREETING_BYTES)
            return SP_MORE;
        if (!greeting_is(s->at, s->peer))
            return broken(s);
        s->greeted = true;
        advance(s, SP_GREETING_BYTES);
    }
    if (s->left < SP_LENGTH_BYTES)
        return SP_MORE;
    const uint64_t announced = length_of(s->at);
    if (announced > SP_MESSAGE_MAX)
        return broken(s);
    const size_t len = (size_t)announced;
    if (s->left - SP_LENGTH_BYTES < len)
        return SP_MORE;
    const uint8_t *const message = s->at + SP_LENGTH_BYTES;
    const size_t head_len = sp_head_len(message, len);
    if (head_len == 0 || len - head_len > MR_FRAME_MAX)
        return broken(s);
    *ret = (struct sp_frame){.head = message,
                             .head_len = head_len,
                             .body = message + head_len,
                             .body_len = len - head_len};
    advance(s, SP_LENGTH_BYTES + len);
    return SP_FRAME;
}

void sp_greeting(uint8_t ret[SP_GREETING_BYTES], unsigned own)
{
    const uint8_t bytes[SP_GREETING_BYTES] = {0, 'S', 'P', 0, (uint8_t)(own >> 8), (uint8_t)own,
                                              0, 0};
    memcpy(ret, bytes, sizeof bytes);
}

size_t sp_front(uint8_t ret[SP_FRONT_MAX], const uint8_t *head, size_t head_len, size_t body_len)
{
    mr_assert(head_len <= SP_HEAD_MAX);
    const uint64_t len = head_len + body_len;
    for (int i = 0; i < SP_LENGTH_BYTES; i++)
        ret[i] = (uint8_t)(len >> (56 - 8 * i));
    memcpy(ret + SP_LENGTH_BYTES, head, head_len);
    return SP_LENGTH_BYTES + head_len;
}
