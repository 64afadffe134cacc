/** The book: what a wallet must not forget, in one append-only file of sealed records.
 *
 *  A record is a header (length, nonce, keyed check) and an XChaCha20-Poly1305 box that also binds
 *  the record's number and the record before it, so none can be changed, moved or left out unseen.
 *  book_add returns once the record is synced. A record that a crash left half written is cut off
 *  when the book is opened; any other fault is damage. One process at a time (wallet.h locks). */
#ifndef MEREAU_WALLET_BOOK_H
#define MEREAU_WALLET_BOOK_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/status.h"

enum { BOOK_KEY_BYTES = 32, BOOK_RECORD_MAX = 1 << 20, BOOK_FILE_MAX = 1 << 30 };

struct book;

/** Called for each record in order while opening. Not MR_OK stops and is returned. */
typedef enum mr_status book_each(void *ctx, const uint8_t *record, size_t len);

/** Make an empty book, replacing a file that is there. MR_OK, MR_IO_ERROR, MR_DISK_FULL,
 *  MR_NO_MEMORY. */
enum mr_status book_create(const char *path, const uint8_t key[BOOK_KEY_BYTES]);

/** Read all records. *ret_cut: bytes of a torn last record that were cut off, mostly 0.
 *  MR_OK; MR_DAMAGED (*ret_at: where in the file); MR_NO_SUCH_FILE, MR_NO_MEMORY, MR_IO_ERROR, or
 *  what `each` returned. ret, ret_cut are untouched on failure. */
enum mr_status book_open(struct book **ret, uint64_t *ret_cut, uint64_t *ret_at, const char *path,
                         const uint8_t key[BOOK_KEY_BYTES], book_each *each, void *ctx);

/** Append one record, 1 to BOOK_RECORD_MAX bytes, and sync it. MR_OK; MR_DISK_FULL (nothing
 *  changed); MR_IO_ERROR (nothing more can be added: open the book anew), MR_NO_MEMORY. */
enum mr_status book_add(struct book *b, const uint8_t *record, size_t len);

/** NULL is fine. */
void book_close(struct book *b);

#endif
