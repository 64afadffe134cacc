#include "wire/cursor.h"

#include <stdio.h>
#include <string.h>

#include "mereau/assert.h"

static size_t padding(size_t n)
{
    return (4 - n % 4) % 4;
}

void mri_rd_fail(struct mri_rd *r, enum mr_status st)
{
    if (r->st == MR_OK)
        r->st = st;
    r->left = 0;
}

/* NULL when fewer than n bytes are left. */
static const uint8_t *take(struct mri_rd *r, size_t n)
{
    if (r->st != MR_OK)
        return NULL;
    if (n > r->left) {
        mri_rd_fail(r, MR_TRUNCATED);
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += n;
    r->left -= n;
    return p;
}

static void take_padding(struct mri_rd *r, size_t n)
{
    const size_t pad = padding(n);
    const uint8_t *p = take(r, pad);
    for (size_t i = 0; p != NULL && i < pad; i++)
        if (p[i] != 0)
            mri_rd_fail(r, MR_NOT_CANONICAL);
}

uint32_t mri_rd_u32(struct mri_rd *r, uint32_t max)
{
    const uint8_t *p = take(r, 4);
    if (p == NULL)
        return 0;
    const uint32_t v =
        (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
    if (v > max) {
        mri_rd_fail(r, MR_OUT_OF_RANGE);
        return 0;
    }
    return v;
}

uint64_t mri_rd_u64(struct mri_rd *r, uint64_t max)
{
    const uint64_t high = mri_rd_u32(r, UINT32_MAX);
    const uint64_t v = high << 32 | mri_rd_u32(r, UINT32_MAX);
    if (r->st == MR_OK && v > max)
        mri_rd_fail(r, MR_OUT_OF_RANGE);
    return r->st == MR_OK ? v : 0;
}

int64_t mri_rd_i64(struct mri_rd *r, int64_t min, int64_t max)
{
    const uint64_t raw = mri_rd_u64(r, UINT64_MAX);
    const int64_t v = raw <= INT64_MAX ? (int64_t)raw : -(int64_t)(UINT64_MAX - raw) - 1;
    if (r->st == MR_OK && (v < min || v > max))
        mri_rd_fail(r, MR_OUT_OF_RANGE);
    return r->st == MR_OK ? v : 0;
}

bool mri_rd_bool(struct mri_rd *r)
{
    return mri_rd_u32(r, 1) == 1;
}

void mri_rd_opaque(struct mri_rd *r, uint8_t *ret, size_t n)
{
    const uint8_t *p = take(r, n);
    if (p == NULL)
        memset(ret, 0, n);
    else
        memcpy(ret, p, n);
    take_padding(r, n);
}

uint32_t mri_rd_bytes(struct mri_rd *r, uint8_t *ret, uint32_t max)
{
    const uint32_t n = mri_rd_u32(r, max);
    const uint8_t *p = take(r, n);
    if (p != NULL && n > 0)
        memcpy(ret, p, n);
    take_padding(r, n);
    return r->st == MR_OK ? n : 0;
}

uint32_t mri_rd_text(struct mri_rd *r, char *ret, uint32_t max)
{
    const uint32_t n = mri_rd_u32(r, max);
    const uint8_t *p = take(r, n);
    ret[0] = '\0';
    if (p != NULL) {
        memcpy(ret, p, n);
        ret[n] = '\0';
        if (!mri_text_ok(ret, n))
            mri_rd_fail(r, MR_BAD_TEXT);
    }
    take_padding(r, n);
    return r->st == MR_OK ? n : 0;
}

uint32_t mri_rd_count(struct mri_rd *r, uint32_t max, size_t element_min)
{
    const uint32_t n = mri_rd_u32(r, max);
    if (r->st == MR_OK && n > r->left / element_min)
        mri_rd_fail(r, MR_TRUNCATED);
    return r->st == MR_OK ? n : 0;
}

static uint8_t *place(struct mri_wr *w, size_t n)
{
    mr_assert(n <= w->left);
    uint8_t *p = w->p;
    w->p += n;
    w->left -= n;
    return p;
}

void mri_wr_u32(struct mri_wr *w, uint32_t v)
{
    uint8_t *p = place(w, 4);
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

void mri_wr_u64(struct mri_wr *w, uint64_t v)
{
    mri_wr_u32(w, (uint32_t)(v >> 32));
    mri_wr_u32(w, (uint32_t)v);
}

void mri_wr_opaque(struct mri_wr *w, const uint8_t *v, size_t n)
{
    uint8_t *p = place(w, n + padding(n));
    if (n > 0)
        memcpy(p, v, n);
    memset(p + n, 0, padding(n));
}

void mri_wr_bytes(struct mri_wr *w, const uint8_t *v, uint32_t n)
{
    mri_wr_u32(w, n);
    mri_wr_opaque(w, v, n);
}

static void js_bytes(struct mri_js *j, const char *text, size_t n)
{
    if (j->used < j->cap) {
        const size_t room = j->cap - j->used - 1;
        const size_t part = n < room ? n : room;
        memcpy(j->out + j->used, text, part);
        j->out[j->used + part] = '\0';
    }
    j->used += n;
}

void mri_js_raw(struct mri_js *j, const char *text)
{
    js_bytes(j, text, strlen(text));
}

void mri_js_name(struct mri_js *j, bool *first, const char *name)
{
    mri_js_raw(j, *first ? "\"" : ",\"");
    mri_js_raw(j, name);
    mri_js_raw(j, "\":");
    *first = false;
}

void mri_js_i64(struct mri_js *j, int64_t v)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)v);
    mri_js_raw(j, text);
}

void mri_js_u64(struct mri_js *j, uint64_t v)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)v);
    mri_js_raw(j, text);
}

void mri_js_hex(struct mri_js *j, const uint8_t *v, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    mri_js_raw(j, "\"");
    for (size_t i = 0; i < n; i++) {
        const char pair[2] = {digits[v[i] >> 4], digits[v[i] & 15]};
        js_bytes(j, pair, 2);
    }
    mri_js_raw(j, "\"");
}

void mri_js_text(struct mri_js *j, const char *v, size_t n)
{
    mri_js_raw(j, "\"");
    for (size_t i = 0; i < n; i++) {
        if (v[i] == '"' || v[i] == '\\')
            mri_js_raw(j, "\\");
        js_bytes(j, v + i, 1);
    }
    mri_js_raw(j, "\"");
}

/* Length of the well-formed sequence at p, 0 when there is none. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    static const struct {
        unsigned char first, last, second_min, second_max;
        size_t len;
    } forms[] = {
        {0x20, 0x7e, 0, 0, 1},       {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2},
        {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
        {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
        {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (p[0] < forms[i].first || p[0] > forms[i].last)
            continue;
        if (forms[i].len > left)
            return 0;
        if (forms[i].len > 1 && (p[1] < forms[i].second_min || p[1] > forms[i].second_max))
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if (p[k] < 0x80 || p[k] > 0xbf)
                return 0;
        return forms[i].len;
    }
    return 0;
}

bool mri_text_ok(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t at = 0; at < len;) {
        const size_t n = utf8_sequence(p + at, len - at);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}
