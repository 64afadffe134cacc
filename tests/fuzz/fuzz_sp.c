/* Framing of connections: cut into pieces of any size (the first byte), a stream gives the same
 * messages as in one piece. */
#include "fuzz/fuzz.h"
#include "node/common/sp.h"

struct seen {
    size_t frames, bytes;
    uint64_t sum;
    int broken;
};

static void note(struct seen *seen, const struct sp_frame *f)
{
    seen->frames++;
    seen->bytes += f->head_len + f->body_len;
    mr_assert(f->head_len >= 4);
    mr_assert(f->head_len <= SP_HEAD_MAX);
    mr_assert(f->body_len <= MR_FRAME_MAX);
    for (size_t i = 0; i < f->head_len; i++)
        seen->sum = seen->sum * 31 + f->head[i];
    for (size_t i = 0; i < f->body_len; i++)
        seen->sum = seen->sum * 31 + f->body[i];
}

static struct seen run(const uint8_t *data, size_t len, size_t piece)
{
    struct seen seen = {0};
    struct sp_stream s;
    sp_init(&s, SP_REQ);
    while (len > 0 && !seen.broken) {
        const size_t n = len < piece ? len : piece;
        uint8_t *const part = malloc(n);
        mr_assert(part != NULL);
        memcpy(part, data, n);
        mr_assert(sp_feed(&s, part, n) == MR_OK);
        struct sp_frame f;
        enum sp_got got = sp_take(&s, &f);
        for (; got == SP_FRAME; got = sp_take(&s, &f))
            note(&seen, &f);
        seen.broken = got == SP_BROKEN;
        mr_assert(sp_keep(&s) == MR_OK);
        free(part);
        data += n;
        len -= n;
    }
    sp_done(&s);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    const size_t piece = data[0] % 64 + 1;
    const struct seen whole = run(data + 1, len - 1, SP_FEED_MAX);
    const struct seen parts = run(data + 1, len - 1, piece);
    mr_assert(whole.frames == parts.frames);
    mr_assert(whole.bytes == parts.bytes);
    mr_assert(whole.sum == parts.sum);
    mr_assert(whole.broken == parts.broken);
    return 0;
}
