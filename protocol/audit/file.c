/* Bytes of a saved audit: integers big-endian, records as the registry encodes them, BLAKE2b-256 of
 * all of it at the end. */
#include <string.h>

#include "audit/file.h"

void mri_aud_file_fail(struct mri_aud_file *f, enum mr_status st)
{
    if (f->st == MR_OK)
        f->st = st;
}

void *mri_aud_file_get(struct mri_aud_file *f, size_t bytes)
{
    void *const p = f->st == MR_OK ? mri_aud_get(f->a, bytes) : NULL;
    if (p == NULL)
        mri_aud_file_fail(f, MR_NO_MEMORY);
    return p;
}

void mri_aud_file_flush(struct mri_aud_file *f)
{
    crypto_generichash_update(&f->hash, f->piece, f->used);
    if (f->st == MR_OK)
        f->st = f->write(f->ctx, f->piece, f->used);
    f->used = 0;
}

static void save(struct mri_aud_file *f, const uint8_t *p, size_t n)
{
    while (n > 0) {
        const size_t room = sizeof f->piece - f->used, part = n < room ? n : room;
        memcpy(f->piece + f->used, p, part);
        f->used += part;
        p += part;
        n -= part;
        if (f->used == sizeof f->piece)
            mri_aud_file_flush(f);
    }
}

static void load(struct mri_aud_file *f, uint8_t *ret, size_t n)
{
    if (n > f->left)
        mri_aud_file_fail(f, MR_DAMAGED);
    if (f->st != MR_OK) {
        memset(ret, 0, n);
        return;
    }
    memcpy(ret, f->in, n);
    f->in += n;
    f->left -= n;
}

void mri_aud_file_raw(struct mri_aud_file *f, void *p, size_t n)
{
    if (n == 0)
        return;
    if (f->loading)
        load(f, p, n);
    else
        save(f, p, n);
}

void mri_aud_file_u64(struct mri_aud_file *f, uint64_t *v)
{
    uint8_t b[8];
    for (unsigned i = 0; i < 8; i++)
        b[i] = (uint8_t)(*v >> (56 - 8 * i));
    mri_aud_file_raw(f, b, sizeof b);
    *v = 0;
    for (unsigned i = 0; i < 8; i++)
        *v = *v << 8 | b[i];
}

static uint64_t bounded(struct mri_aud_file *f, uint64_t v, uint64_t max)
{
    mri_aud_file_u64(f, &v);
    if (v > max)
        mri_aud_file_fail(f, MR_DAMAGED);
    return v > max ? 0 : v;
}

void mri_aud_file_u32(struct mri_aud_file *f, uint32_t *v)
{
    *v = (uint32_t)bounded(f, *v, UINT32_MAX);
}

void mri_aud_file_i64(struct mri_aud_file *f, int64_t *v)
{
    uint64_t u;
    memcpy(&u, v, sizeof u);
    mri_aud_file_u64(f, &u);
    memcpy(v, &u, sizeof u);
}

void mri_aud_file_int(struct mri_aud_file *f, int *v)
{
    *v = (int)bounded(f, (uint64_t)((int64_t)*v + 1), INT32_MAX) - 1;
}

void mri_aud_file_bool(struct mri_aud_file *f, bool *v)
{
    uint8_t b = *v ? 1 : 0;
    mri_aud_file_raw(f, &b, 1);
    if (b > 1)
        mri_aud_file_fail(f, MR_DAMAGED);
    *v = b == 1;
}

uint64_t mri_aud_file_count(struct mri_aud_file *f, uint64_t n, uint64_t max, size_t least)
{
    n = bounded(f, n, max);
    if (f->loading && n > f->left / least)
        mri_aud_file_fail(f, MR_DAMAGED);
    return f->st == MR_OK ? n : 0;
}

#define DEFINE(r)                                                                                  \
    void mri_aud_file_##r(struct mri_aud_file *f, struct mr_##r *v)                                \
    {                                                                                              \
        uint32_t n = f->loading ? 0 : (uint32_t)mr_##r##_size(v);                                  \
        mri_aud_file_u32(f, &n);                                                                   \
        if (!f->loading) {                                                                         \
            mr_assert(n <= sizeof(struct mr_charter));                                             \
            mri_aud_file_raw(f, f->record, mr_##r##_encode(v, f->record, n));                      \
            return;                                                                                \
        }                                                                                          \
        if (f->st != MR_OK || n > f->left || mr_##r##_decode(v, f->in, n) != MR_OK) {              \
            mri_aud_file_fail(f, MR_DAMAGED);                                                      \
            memset(v, 0, sizeof *v);                                                               \
            return;                                                                                \
        }                                                                                          \
        f->in += n;                                                                                \
        f->left -= n;                                                                              \
    }
RECORDS(DEFINE)
#undef DEFINE
