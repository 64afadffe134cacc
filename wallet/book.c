#include "wallet/book.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "mereau/assert.h"
#include "mereau/sign.h"

/* File: magic 8, salt 16, check 16. Record: length 4, nonce 24, check 16, box of length + 16. */
enum {
    MAGIC_BYTES = 8,
    SALT_BYTES = 16,
    CHECK_BYTES = 16,
    FILE_HEAD = MAGIC_BYTES + SALT_BYTES + CHECK_BYTES,
    LEN_BYTES = 4,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    RECORD_HEAD = LEN_BYTES + NONCE_BYTES + CHECK_BYTES,
    BOUND_BYTES = 8 + TAG_BYTES,
    SECTOR_BYTES = 512, /* what a disk writes as a whole */
};

static const uint8_t magic[MAGIC_BYTES] = "MRBOOK1\n";

struct book {
    int fd;
    bool broken;
    uint64_t end;               /* of the last record */
    uint8_t key[32];            /* of this file */
    uint8_t bound[BOUND_BYTES]; /* number of the next record, tag of the last one */
};

static void put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void file_key(uint8_t ret[32], const uint8_t key[32], const uint8_t salt[SALT_BYTES])
{
    mr_hash(ret, "mereau/book", key, BOOK_KEY_BYTES, salt, SALT_BYTES);
}

static void file_check(uint8_t ret[CHECK_BYTES], const uint8_t *head, const uint8_t key[32])
{
    crypto_generichash(ret, CHECK_BYTES, head, MAGIC_BYTES + SALT_BYTES, key, 32);
}

static void head_check(uint8_t ret[CHECK_BYTES], const struct book *b, const uint8_t *head)
{
    crypto_generichash_state st;
    crypto_generichash_init(&st, b->key, sizeof b->key, CHECK_BYTES);
    crypto_generichash_update(&st, head, LEN_BYTES + NONCE_BYTES);
    crypto_generichash_update(&st, b->bound, sizeof b->bound);
    crypto_generichash_final(&st, ret, CHECK_BYTES);
}

/* Go on behind a record whose box ends with this tag. */
static void advance(struct book *b, const uint8_t *tag, size_t bytes)
{
    for (int i = 7; i >= 0 && ++b->bound[i] == 0; i--)
        ;
    memcpy(b->bound + 8, tag, TAG_BYTES);
    b->end += bytes;
}

enum mr_status book_create(const char *path, const uint8_t key[BOOK_KEY_BYTES])
{
    uint8_t head[FILE_HEAD], own[32];
    memcpy(head, magic, MAGIC_BYTES);
    randombytes_buf(head + MAGIC_BYTES, SALT_BYTES);
    file_key(own, key, head + MAGIC_BYTES);
    file_check(head + MAGIC_BYTES + SALT_BYTES, head, own);
    sodium_memzero(own, sizeof own);
    return file_write(path, head, sizeof head, 0600, true);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool all_zero(const uint8_t *p, size_t len)
{
    while (len > 0 && p[len - 1] == 0)
        len--;
    return len == 0;
}

/* Whether the end of a file looks as if its length had been written before its bytes. */
static bool half_written(const uint8_t *file, size_t at, size_t size)
{
    if (size - at < TAG_BYTES || all_zero(file + size - TAG_BYTES, TAG_BYTES))
        return true;
    for (size_t s = (at + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES; s + SECTOR_BYTES <= size;
         s += SECTOR_BYTES)
        if (all_zero(file + s, SECTOR_BYTES))
            return true;
    return false;
}

enum got { GOT_RECORD, GOT_TORN, GOT_DAMAGE };

/* The record at `at`, opened into plain, which has room for it. */
static enum got take(struct book *b, uint8_t *plain, size_t *ret_len, const uint8_t *file,
                     size_t at, size_t size)
{
    const uint8_t *const head = file + at;
    uint8_t check[CHECK_BYTES];
    unsigned long long len = 0;
    if (size - at < RECORD_HEAD)
        return GOT_TORN;
    head_check(check, b, head);
    if (memcmp(check, head + LEN_BYTES + NONCE_BYTES, CHECK_BYTES) != 0)
        return all_zero(head + RECORD_HEAD, size - at - RECORD_HEAD) &&
                       size - at > RECORD_HEAD + TAG_BYTES
                   ? GOT_TORN
                   : GOT_DAMAGE;
    const size_t box = (size_t)get_u32(head) + TAG_BYTES;
    const size_t left = size - at - RECORD_HEAD;
    if (left < box)
        return GOT_TORN;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &len, NULL, head + RECORD_HEAD, box,
                                                   b->bound, sizeof b->bound, head + LEN_BYTES,
                                                   b->key) != 0)
        return left == box && half_written(file, at + RECORD_HEAD, size) ? GOT_TORN : GOT_DAMAGE;
    advance(b, head + RECORD_HEAD + len, RECORD_HEAD + box);
    *ret_len = (size_t)len;
    return GOT_RECORD;
}

static enum mr_status read_all(struct book *b, const uint8_t *file, size_t size, book_each *each,
                               void *ctx)
{
    uint8_t *const plain = malloc(size);
    enum mr_status st = plain == NULL ? MR_NO_MEMORY : MR_OK;
    while (st == MR_OK && b->end < size) {
        size_t len = 0;
        const enum got got = take(b, plain, &len, file, (size_t)b->end, size);
        if (got == GOT_TORN)
            break;
        st = got == GOT_DAMAGE ? MR_DAMAGED : each(ctx, plain, len);
    }
    if (plain != NULL)
        sodium_memzero(plain, size);
    free(plain);
    return st;
}

static enum mr_status read_head(struct book *b, const uint8_t *file, size_t size,
                                const uint8_t key[BOOK_KEY_BYTES])
{
    uint8_t check[CHECK_BYTES];
    if (size < FILE_HEAD || memcmp(file, magic, MAGIC_BYTES) != 0)
        return MR_DAMAGED;
    file_key(b->key, key, file + MAGIC_BYTES);
    file_check(check, file, b->key);
    if (memcmp(check, file + MAGIC_BYTES + SALT_BYTES, CHECK_BYTES) != 0)
        return MR_DAMAGED;
    b->end = FILE_HEAD;
    return MR_OK;
}

static enum mr_status cut(struct book *b, uint64_t size)
{
    if (b->end == size)
        return MR_OK;
    if (ftruncate(b->fd, (off_t)b->end) != 0 || fsync(b->fd) != 0)
        return file_status(errno);
    return MR_OK;
}

enum mr_status book_open(struct book **ret, uint64_t *ret_cut, uint64_t *ret_at, const char *path,
                         const uint8_t key[BOOK_KEY_BYTES], book_each *each, void *ctx)
{
    uint8_t *file = NULL;
    size_t size = 0;
    struct book *const b = calloc(1, sizeof *b);
    if (b == NULL)
        return MR_NO_MEMORY;
    b->fd = open(path, O_RDWR | O_CLOEXEC | O_APPEND | O_NOFOLLOW);
    enum mr_status st = b->fd < 0 ? file_status(errno) : MR_OK;
    if (st == MR_OK)
        st = file_read_fd(&file, &size, b->fd, BOOK_FILE_MAX);
    if (st == MR_OK)
        st = read_head(b, file, size, key);
    if (st == MR_OK)
        st = read_all(b, file, size, each, ctx);
    *ret_at = b->end;
    if (st == MR_OK)
        st = cut(b, size);
    free(file);
    if (st != MR_OK) {
        book_close(b);
        return st;
    }
    *ret_cut = size - b->end;
    *ret = b;
    return MR_OK;
}

/* --- adding ----------------------------------------------------------------------------------- */

static enum mr_status append(struct book *b, const uint8_t *bytes, size_t len)
{
    enum mr_status st = file_write_all(b->fd, bytes, len);
    if (st != MR_OK) {
        /* Nothing counts until it is synced: take back what was written. */
        b->broken = ftruncate(b->fd, (off_t)b->end) != 0;
        return b->broken ? MR_IO_ERROR : st;
    }
    if (fdatasync(b->fd) == 0)
        return MR_OK;
    b->broken = true; /* a failed sync is never repeated on the same file */
    return MR_IO_ERROR;
}

enum mr_status book_add(struct book *b, const uint8_t *record, size_t len)
{
    mr_assert(len > 0 && len <= BOOK_RECORD_MAX);
    if (b->broken)
        return MR_IO_ERROR;
    const size_t total = RECORD_HEAD + len + TAG_BYTES;
    uint8_t *const bytes = malloc(total);
    if (bytes == NULL)
        return MR_NO_MEMORY;
    put_u32(bytes, (uint32_t)len);
    randombytes_buf(bytes + LEN_BYTES, NONCE_BYTES);
    head_check(bytes + LEN_BYTES + NONCE_BYTES, b, bytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + RECORD_HEAD, NULL, record, len, b->bound,
                                               sizeof b->bound, NULL, bytes + LEN_BYTES, b->key);
    const enum mr_status st = append(b, bytes, total);
    if (st == MR_OK)
        advance(b, bytes + RECORD_HEAD + len, total);
    free(bytes);
    return st;
}

void book_close(struct book *b)
{
    if (b == NULL)
        return;
    if (b->fd >= 0)
        close(b->fd);
    sodium_memzero(b, sizeof *b);
    free(b);
}
