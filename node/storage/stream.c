#include "storage/stream.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mereau/assert.h"

enum { BLOCK = 1 << 18, WINDOW_MAX = MR_FRAME_HEAD_BYTES + MR_TURN_BYTES_MAX };

void stream_init(struct stream *s, int dir, enum mr_stream_family family)
{
    *s = (struct stream){.dir = dir, .family = family, .fd = -1};
}

void stream_done(struct stream *s)
{
    if (s->fd >= 0)
        close(s->fd);
    free(s->window);
    s->fd = -1;
    s->window = NULL;
}

enum mr_status stream_open(struct stream *s, const struct segment *segment)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->segment = *segment;
    stream_seek(s, segment->first);
    return segment_open(&s->fd, s->dir, s->family, segment->first);
}

void stream_seek(struct stream *s, uint64_t position)
{
    s->position = position;
    s->start = s->len = 0;
}

static enum mr_status make_room(struct stream *s, size_t want)
{
    if (s->start > 0 && s->start + want > s->cap) {
        memmove(s->window, s->window + s->start, s->len);
        s->start = 0;
    }
    if (want <= s->cap)
        return MR_OK;

    const size_t cap = want < BLOCK ? BLOCK : WINDOW_MAX;
    uint8_t *window = realloc(s->window, cap);

    if (window == NULL)
        return MR_NO_MEMORY;
    s->window = window;
    s->cap = cap;
    return MR_OK;
}

static size_t least(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

enum mr_status stream_peek(struct stream *s, const uint8_t **ret, size_t *ret_len, size_t want)
{
    mr_assert(want <= WINDOW_MAX);
    if (s->len < want) {
        const uint64_t at = s->position + s->len - s->segment.first;
        const uint64_t left = at < s->segment.bytes ? s->segment.bytes - at : 0;
        enum mr_status st = make_room(s, want);
        size_t got = 0;

        if (st == MR_OK)
            st = segment_pread(s->fd, s->window + s->start + s->len,
                               least(s->cap - s->start - s->len, left), SEGMENT_HEAD_BYTES + at,
                               &got);
        if (st != MR_OK)
            return st;
        s->len += got;
    }
    *ret = s->window + s->start;
    *ret_len = s->len;
    return MR_OK;
}

void stream_skip(struct stream *s, size_t n)
{
    mr_assert(n <= s->len);
    s->start += n;
    s->len -= n;
    s->position += n;
}

enum mr_status stream_frame(struct stream *s, struct mr_frame *ret, const uint8_t **ret_payload,
                            const uint8_t *prev)
{
    const uint8_t *bytes;
    struct mr_frame f;
    size_t len;
    enum mr_status st = stream_peek(s, &bytes, &len, MR_FRAME_HEAD_BYTES);

    if (st != MR_OK)
        return st;
    if (len == 0)
        return MR_NOT_FOUND;
    st = mr_frame_read(&f, bytes, len, prev);
    if (st == MR_TRUNCATED && len >= MR_FRAME_HEAD_BYTES) {
        st = stream_peek(s, &bytes, &len, mr_frame_size(f.len));
        if (st == MR_OK)
            st = mr_frame_read(&f, bytes, len, prev);
    }
    if (st == MR_OK && f.family != s->family)
        st = MR_DAMAGED;
    if (st == MR_OK) {
        *ret = f;
        *ret_payload = bytes + MR_FRAME_HEAD_BYTES;
    }
    return st;
}
