/* A saved audit: one description of every part, for saving it and for loading it. */
#ifndef MEREAU_AUDIT_FILE_H
#define MEREAU_AUDIT_FILE_H

#include <sodium.h>

#include "audit/state.h"

enum { MRI_AUD_PIECE = 1 << 16 };

struct mri_aud_file {
    crypto_generichash_state hash; /* of what is saved; aligned by 64: first */
    struct mr_audit *a;
    bool loading;
    enum mr_status st; /* what follows a failure does nothing */
    /* loading */
    const uint8_t *in;
    size_t left;
    /* saving */
    mr_audit_write write;
    void *ctx;
    size_t used;
    uint8_t piece[MRI_AUD_PIECE];
    uint8_t *record; /* room for the largest one */
};

void mri_aud_file_fail(struct mri_aud_file *f, enum mr_status st);
/* Saving: what was not written yet. */
void mri_aud_file_flush(struct mri_aud_file *f);

void mri_aud_file_raw(struct mri_aud_file *f, void *p, size_t n);
void mri_aud_file_u64(struct mri_aud_file *f, uint64_t *v);
void mri_aud_file_u32(struct mri_aud_file *f, uint32_t *v);
void mri_aud_file_i64(struct mri_aud_file *f, int64_t *v);
void mri_aud_file_int(struct mri_aud_file *f, int *v);
void mri_aud_file_bool(struct mri_aud_file *f, bool *v);
/* How many follow, at most `max`, of at least `least` bytes each. */
uint64_t mri_aud_file_count(struct mri_aud_file *f, uint64_t n, uint64_t max, size_t least);
/* Zeroed; NULL fails. */
void *mri_aud_file_get(struct mri_aud_file *f, size_t bytes);

/* A field by its type. */
#define FIELD(f, v)                                                                                \
    _Generic((v), uint64_t                                                                         \
             : mri_aud_file_u64, uint32_t                                                          \
             : mri_aud_file_u32, int64_t                                                           \
             : mri_aud_file_i64, int                                                               \
             : mri_aud_file_int, bool                                                              \
             : mri_aud_file_bool)(f, &(v))
#define BYTES(f, v) mri_aud_file_raw(f, v, sizeof(v))

/* A record of the registry. */
#define RECORDS(X)                                                                                 \
    X(charter)                                                                                     \
    X(head)                                                                                        \
    X(next_epoch)                                                                                  \
    X(cut) X(policy) X(state_alias) X(state_redemption) X(state_slot_ref) X(recovery)              \
        X(witness_set)
#define DECLARE(r) void mri_aud_file_##r(struct mri_aud_file *f, struct mr_##r *v);
RECORDS(DECLARE)
#undef DECLARE

/* The parts, in their order (save.c, save_log.c). */
void mri_aud_file_state(struct mri_aud_file *f);
void mri_aud_file_logs(struct mri_aud_file *f);
/* An account that is there; NULL is none. */
void mri_aud_file_account(struct mri_aud_file *f, struct mri_aud_account **x);

#endif
