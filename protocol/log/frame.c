#include "mereau/journal.h"

#include <sodium.h>
#include <string.h>

#include "mereau/assert.h"
#include "wire/cursor.h"

enum { CHECK_BYTES = 32, CHECKED_HEAD = MR_FRAME_HEAD_BYTES - CHECK_BYTES };

static const uint32_t magic_log = 0x4d524c47;    /* MRLG */
static const uint32_t magic_bodies = 0x4d524244; /* MRBD */
static const uint8_t no_check[CHECK_BYTES];

_Static_assert(CHECKED_HEAD == 4 + 4 + 8 + 8 + CHECK_BYTES, "the header's fields fill it");
_Static_assert(MR_FRAME_HEAD_BYTES % MR_FRAME_ALIGN == 0, "frames stay aligned");
_Static_assert(MR_TURN_BYTES_MAX % MR_FRAME_ALIGN == 0, "the largest payload has no padding");

/* JNL-4: the check chains the log's frames; each bodies frame stands alone, so that others can be
 * erased. The header is covered, so a wrong length or turn is found too. */
static void frame_check(uint8_t ret[CHECK_BYTES], const uint8_t *prev, const uint8_t *head,
                        size_t payload_len)
{
    static const char purpose[] = "mereau/frame"; /* its NUL is hashed too */
    crypto_generichash_state h;

    crypto_generichash_init(&h, NULL, 0, CHECK_BYTES);
    crypto_generichash_update(&h, (const uint8_t *)purpose, sizeof purpose);
    crypto_generichash_update(&h, prev == NULL ? no_check : prev, CHECK_BYTES);
    crypto_generichash_update(&h, head, CHECKED_HEAD);
    crypto_generichash_update(&h, head + MR_FRAME_HEAD_BYTES, payload_len);
    crypto_generichash_final(&h, ret, CHECK_BYTES);
}

static size_t padded(size_t len)
{
    return (len + MR_FRAME_ALIGN - 1) / MR_FRAME_ALIGN * MR_FRAME_ALIGN;
}

size_t mr_frame_size(size_t len)
{
    return MR_FRAME_HEAD_BYTES + padded(len);
}

void mr_frame_write(uint8_t out[MR_FRAME_HEAD_BYTES], struct mr_frame *f, const uint8_t *prev)
{
    const bool log = f->family == MR_FAMILY_LOG;
    struct mri_wr w = {out, MR_FRAME_HEAD_BYTES};

    mr_assert(f->len <= MR_TURN_BYTES_MAX);
    mr_assert(f->turn >= 1);
    mr_assert(log || prev == NULL);
    mri_wr_u32(&w, log ? magic_log : magic_bodies);
    mri_wr_u32(&w, f->len);
    mri_wr_u64(&w, f->turn);
    mri_wr_u64(&w, f->end);
    mri_wr_opaque(&w, log ? f->bodies_check : no_check, CHECK_BYTES);
    frame_check(f->check, prev, out, f->len);
    mri_wr_opaque(&w, f->check, CHECK_BYTES);
    mr_assert(w.left == 0);
}

static enum mr_status read_head(struct mr_frame *ret, const uint8_t *in)
{
    struct mri_rd r = {in, MR_FRAME_HEAD_BYTES, MR_OK};
    const uint32_t magic = mri_rd_u32(&r, UINT32_MAX);

    if (magic != magic_log && magic != magic_bodies)
        return MR_DAMAGED;
    ret->family = magic == magic_log ? MR_FAMILY_LOG : MR_FAMILY_BODIES;
    ret->len = mri_rd_u32(&r, MR_TURN_BYTES_MAX);
    ret->turn = mri_rd_u64(&r, MR_SEQ_MAX);
    ret->end = mri_rd_u64(&r, MR_SEQ_MAX);
    mri_rd_opaque(&r, ret->bodies_check, CHECK_BYTES);
    mri_rd_opaque(&r, ret->check, CHECK_BYTES);
    if (r.st != MR_OK || ret->turn == 0)
        return MR_DAMAGED;
    if (magic == magic_bodies && memcmp(ret->bodies_check, no_check, CHECK_BYTES) != 0)
        return MR_DAMAGED;
    return MR_OK;
}

enum mr_status mr_frame_read(struct mr_frame *ret, const uint8_t *in, size_t len,
                             const uint8_t *prev)
{
    struct mr_frame f;
    uint8_t check[CHECK_BYTES];

    if (len < MR_FRAME_HEAD_BYTES)
        return MR_TRUNCATED;
    if (read_head(&f, in) != MR_OK)
        return MR_DAMAGED;
    if (len < mr_frame_size(f.len)) {
        *ret = f;
        return MR_TRUNCATED;
    }
    for (size_t i = f.len; i < padded(f.len); i++)
        if (in[MR_FRAME_HEAD_BYTES + i] != 0)
            return MR_DAMAGED;
    if (f.family == MR_FAMILY_BODIES || prev != NULL) {
        frame_check(check, f.family == MR_FAMILY_BODIES ? NULL : prev, in, f.len);
        if (memcmp(check, f.check, CHECK_BYTES) != 0)
            return MR_DAMAGED;
    }
    *ret = f;
    return MR_OK;
}
