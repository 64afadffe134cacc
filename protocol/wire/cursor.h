/* Sticky XDR cursors: a failed read zeroes its output and turns later reads into nothing;
 * the caller asks once, at the end. */
#ifndef MEREAU_WIRE_CURSOR_H
#define MEREAU_WIRE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/status.h"

struct mri_rd {
    const uint8_t *p;
    size_t left;
    enum mr_status st;
};

struct mri_wr {
    uint8_t *p;
    size_t left;
};

struct mri_js {
    char *out;
    size_t cap, used; /* used counts as snprintf does, past cap too */
};

void mri_rd_fail(struct mri_rd *r, enum mr_status st);
uint32_t mri_rd_u32(struct mri_rd *r, uint32_t max);
uint64_t mri_rd_u64(struct mri_rd *r, uint64_t max);
int64_t mri_rd_i64(struct mri_rd *r, int64_t min, int64_t max);
bool mri_rd_bool(struct mri_rd *r);
void mri_rd_opaque(struct mri_rd *r, uint8_t *ret, size_t n);
uint32_t mri_rd_bytes(struct mri_rd *r, uint8_t *ret, uint32_t max);
uint32_t mri_rd_text(struct mri_rd *r, char *ret, uint32_t max);
/* A list's count; refuses one that the bytes left cannot hold at element_min bytes each. */
uint32_t mri_rd_count(struct mri_rd *r, uint32_t max, size_t element_min);

void mri_wr_u32(struct mri_wr *w, uint32_t v);
void mri_wr_u64(struct mri_wr *w, uint64_t v);
void mri_wr_opaque(struct mri_wr *w, const uint8_t *v, size_t n);
void mri_wr_bytes(struct mri_wr *w, const uint8_t *v, uint32_t n);

void mri_js_raw(struct mri_js *j, const char *text);
void mri_js_name(struct mri_js *j, bool *first, const char *name);
void mri_js_i64(struct mri_js *j, int64_t v);
void mri_js_u64(struct mri_js *j, uint64_t v);
void mri_js_hex(struct mri_js *j, const uint8_t *v, size_t n);
void mri_js_text(struct mri_js *j, const char *v, size_t n);

/* Well-formed UTF-8 (RFC 3629) without control characters. */
bool mri_text_ok(const char *text, size_t len);

#endif
