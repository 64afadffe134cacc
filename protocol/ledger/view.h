/* The view: what the store last committed, under the changes made since.
 *
 * Changes live in two layers. `active` takes them; at a flush it becomes `frozen`, which the
 * flusher reads and commits while a new active layer takes over. Reads look through active, frozen,
 * store; `read` holds some of what came from the store, as it is now. Room is reserved before a
 * step, so that a put cannot fail. */
#ifndef MEREAU_LEDGER_VIEW_H
#define MEREAU_LEDGER_VIEW_H

#include "mereau/mem.h"
#include "mereau/store.h"

struct mri_entry;
struct mri_chunk;

struct mri_layer {
    struct mri_entry **buckets;
    size_t buckets_count, entries, bytes;
    struct mri_chunk *chunks;
};

struct mri_view {
    struct mr_mem mem;
    struct mr_store *store;
    struct mri_layer active, frozen, read;
    bool flushing;
};

void mri_view_init(struct mri_view *v, struct mr_store *store, const struct mr_mem *mem);
void mri_view_done(struct mri_view *v);

/* Make sure that one step's puts fit. MR_OK or MR_NO_MEMORY (nothing changed). */
enum mr_status mri_view_reserve(struct mri_view *v);

/* Copy a value. MR_OK, MR_NOT_FOUND, or the store's trouble. */
enum mr_status mri_view_get(struct mri_view *v, enum mr_table table, const uint8_t *key,
                            size_t key_len, uint8_t *ret, size_t cap, size_t *ret_len);

/* Set or (value NULL) delete. Room was reserved. */
void mri_view_put(struct mri_view *v, enum mr_table table, const uint8_t *key, size_t key_len,
                  const uint8_t *value, size_t value_len);

/* Bytes held by the active layer. */
size_t mri_view_dirty(const struct mri_view *v);

/* Freeze the active layer; ret_puts (from v->mem, freed by mri_view_flushed) lists it; the flusher
 * sorts it on its own thread. Not while a flush is under way. MR_NO_MEMORY: nothing changed. */
enum mr_status mri_view_freeze(struct mri_view *v, struct mr_put **ret_puts, size_t *ret_count);

/* Commit what was frozen, here and now, and forget it: for whoever has no flusher. MR_OK, or the
 * store's trouble. */
enum mr_status mri_view_commit(struct mri_view *v, struct mr_put *puts, size_t count);

/* The frozen layer was committed and the store refreshed: forget it. */
void mri_view_flushed(struct mri_view *v, struct mr_put *puts);

/* Keys. */
size_t mri_key_u64(uint8_t ret[8], uint64_t v);
size_t mri_key_pair(uint8_t ret[16], uint64_t a, uint64_t b);
uint64_t mri_key_read(const uint8_t key[8]);

#endif
