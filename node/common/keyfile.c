#include "common/keyfile.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "mereau/assert.h"

static const char magic[8] = {'m', 'e', 'r', 'e', 'a', 'u', 'k', '\n'};

enum {
    VERSION = 1,
    AT_VERSION = 8,
    AT_KIND = 12,
    AT_OPS = 28,
    AT_MEMORY = 36,
    AT_SALT = 44,
    AT_NONCE = AT_SALT + crypto_pwhash_SALTBYTES,
    HEADER = AT_NONCE + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    KEY = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    CHECKSUM = 32,
    SEALED_MIN = HEADER + TAG + CHECKSUM,
    SEALED_MAX = SEALED_MIN + KEYFILE_PAYLOAD_MAX,
};

/* Bounds of what a header may ask of this machine. */
#define OPS_MAX    16u
#define MEMORY_MAX (UINT64_C(1) << 30)

_Static_assert(AT_SALT == AT_MEMORY + 8 && AT_KIND + KEYFILE_KIND_MAX + 1 == AT_OPS,
               "the header has no gaps");

/* What stands in clear in front of the sealed payload, and the key that follows from it. */
struct sealing {
    uint8_t header[HEADER];
    struct secret key;
};

struct keyfile {
    char path[FILE_PATH_MAX];
    struct sealing sealing;
    struct secret payload;
};

static void put_u64(uint8_t *ret, uint64_t value)
{
    for (size_t i = 8; i-- > 0; value >>= 8)
        ret[i] = (uint8_t)value;
}

static uint64_t get_u64(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void checksum(uint8_t ret[CHECKSUM], const uint8_t *bytes, size_t len)
{
    crypto_generichash(ret, CHECKSUM, bytes, len, NULL, 0);
}

/* --- sealing -----------------------------------------------------------------------------------
 */

static enum mr_status derive_key(struct sealing *s, const struct secret *passphrase)
{
    struct secret key;
    const enum mr_status st = secret_alloc(&key, KEY);
    if (st != MR_OK)
        return st;
    if (crypto_pwhash(key.bytes, KEY, (const char *)passphrase->bytes, passphrase->len,
                      s->header + AT_SALT, get_u64(s->header + AT_OPS),
                      (size_t)get_u64(s->header + AT_MEMORY), crypto_pwhash_ALG_ARGON2ID13) != 0) {
        secret_free(&key);
        return MR_NO_MEMORY;
    }
    s->key = key;
    return MR_OK;
}

static void set_limits(uint8_t header[HEADER], enum keyfile_profile profile)
{
    uint64_t ops = crypto_pwhash_OPSLIMIT_INTERACTIVE, memory = crypto_pwhash_MEMLIMIT_INTERACTIVE;
    if (profile == KEYFILE_MIN) {
        ops = crypto_pwhash_OPSLIMIT_MIN;
        memory = crypto_pwhash_MEMLIMIT_MIN;
    } else if (profile == KEYFILE_MODERATE) {
        ops = crypto_pwhash_OPSLIMIT_MODERATE;
        memory = crypto_pwhash_MEMLIMIT_MODERATE;
    }
    put_u64(header + AT_OPS, ops);
    put_u64(header + AT_MEMORY, memory);
}

static enum mr_status sealing_begin(struct sealing *ret, const char *kind,
                                    enum keyfile_profile profile, const struct secret *passphrase)
{
    struct sealing s = {.header = {0}};
    mr_assert(strlen(kind) <= KEYFILE_KIND_MAX);
    if (sodium_init() < 0)
        return MR_NO_MEMORY;
    memcpy(s.header, magic, sizeof magic);
    s.header[AT_VERSION + 3] = VERSION;
    memcpy(s.header + AT_KIND, kind, strlen(kind));
    set_limits(s.header, profile);
    randombytes_buf(s.header + AT_SALT, crypto_pwhash_SALTBYTES);
    const enum mr_status st = derive_key(&s, passphrase);
    if (st == MR_OK)
        *ret = s;
    return st;
}

static enum mr_status seal(uint8_t **ret, size_t *ret_len, struct sealing *s, const void *payload,
                           size_t len)
{
    if (len > KEYFILE_PAYLOAD_MAX)
        return MR_TOO_LARGE;
    const size_t total = SEALED_MIN + len;
    uint8_t *out = malloc(total);
    if (out == NULL)
        return MR_NO_MEMORY;
    /* 24 random bytes: a nonce is new each time without anything to remember. */
    randombytes_buf(s->header + AT_NONCE, HEADER - AT_NONCE);
    memcpy(out, s->header, HEADER);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + HEADER, NULL, payload, len, s->header, HEADER,
                                               NULL, s->header + AT_NONCE, s->key.bytes);
    checksum(out + total - CHECKSUM, out, total - CHECKSUM);
    *ret = out;
    *ret_len = total;
    return MR_OK;
}

/* All that can be told without the passphrase. */
static enum mr_status check_sealed(const char *kind, const uint8_t *sealed, size_t len)
{
    uint8_t sum[CHECKSUM], wanted[KEYFILE_KIND_MAX + 1] = {0};
    if (sodium_init() < 0)
        return MR_NO_MEMORY;
    if (len < SEALED_MIN || len > SEALED_MAX || memcmp(sealed, magic, sizeof magic) != 0)
        return MR_DAMAGED;
    checksum(sum, sealed, len - CHECKSUM);
    if (memcmp(sum, sealed + len - CHECKSUM, CHECKSUM) != 0)
        return MR_DAMAGED;
    static const uint8_t version[4] = {0, 0, 0, VERSION};
    if (memcmp(sealed + AT_VERSION, version, sizeof version) != 0)
        return MR_BAD_VERSION;
    memcpy(wanted, kind, strnlen(kind, KEYFILE_KIND_MAX));
    if (memcmp(sealed + AT_KIND, wanted, sizeof wanted) != 0)
        return MR_BAD_KEY;
    const uint64_t ops = get_u64(sealed + AT_OPS), memory = get_u64(sealed + AT_MEMORY);
    if (ops < crypto_pwhash_OPSLIMIT_MIN || ops > OPS_MAX || memory < crypto_pwhash_MEMLIMIT_MIN ||
        memory > MEMORY_MAX)
        return MR_DAMAGED;
    return MR_OK;
}

static enum mr_status unseal(struct sealing *ret, struct secret *ret_payload, const char *kind,
                             const struct secret *passphrase, const uint8_t *sealed, size_t len)
{
    struct sealing s = {.header = {0}};
    struct secret payload = {NULL, 0};
    enum mr_status st = check_sealed(kind, sealed, len);
    if (st != MR_OK)
        return st;
    memcpy(s.header, sealed, HEADER);
    st = secret_alloc(&payload, len - SEALED_MIN);
    if (st == MR_OK)
        st = derive_key(&s, passphrase);
    if (st == MR_OK && crypto_aead_xchacha20poly1305_ietf_decrypt(
                           payload.bytes, NULL, NULL, sealed + HEADER, len - HEADER - CHECKSUM,
                           s.header, HEADER, s.header + AT_NONCE, s.key.bytes) != 0)
        st = MR_WRONG_PASSPHRASE;
    if (st != MR_OK) {
        secret_free(&s.key);
        secret_free(&payload);
        return st;
    }
    *ret = s;
    *ret_payload = payload;
    return MR_OK;
}

enum mr_status keyfile_seal(uint8_t **ret, size_t *ret_len, const char *kind,
                            enum keyfile_profile profile, const struct secret *passphrase,
                            const void *payload, size_t len)
{
    struct sealing s;
    enum mr_status st = sealing_begin(&s, kind, profile, passphrase);
    if (st != MR_OK)
        return st;
    st = seal(ret, ret_len, &s, payload, len);
    secret_free(&s.key);
    return st;
}

enum mr_status keyfile_unseal(struct secret *ret, const char *kind, const struct secret *passphrase,
                              const uint8_t *sealed, size_t len)
{
    struct sealing s;
    const enum mr_status st = unseal(&s, ret, kind, passphrase, sealed, len);
    if (st == MR_OK)
        secret_free(&s.key);
    return st;
}

/* --- files -------------------------------------------------------------------------------------
 */

static enum mr_status write_sealed(const char *path, struct sealing *s, const void *payload,
                                   size_t len, bool overwrite)
{
    uint8_t *sealed = NULL;
    size_t sealed_len = 0;
    enum mr_status st = seal(&sealed, &sealed_len, s, payload, len);
    if (st == MR_OK)
        st = file_write(path, sealed, sealed_len, 0600, overwrite);
    free(sealed);
    return st;
}

static enum mr_status read_sealed(uint8_t **ret, size_t *ret_len, const char *path)
{
    const enum mr_status st = file_read(ret, ret_len, path, SEALED_MAX);
    return st == MR_TOO_LARGE ? MR_DAMAGED : st;
}

enum mr_status keyfile_create(struct keyfile **ret, const char *path, const char *kind,
                              enum keyfile_profile profile, const struct secret *passphrase,
                              const void *payload, size_t len, bool overwrite)
{
    /* The answer that needs no work comes before the work. */
    if (!overwrite && file_exists(path))
        return MR_FILE_EXISTS;
    struct keyfile *k = calloc(1, sizeof *k);
    if (k == NULL)
        return MR_NO_MEMORY;
    enum mr_status st = path_join(k->path, "", path);
    if (st == MR_OK)
        st = sealing_begin(&k->sealing, kind, profile, passphrase);
    if (st == MR_OK)
        st = secret_copy(&k->payload, payload, len);
    if (st == MR_OK)
        st = write_sealed(path, &k->sealing, payload, len, overwrite);
    if (st != MR_OK || ret == NULL)
        keyfile_close(k);
    else
        *ret = k;
    return st;
}

enum mr_status keyfile_open(struct keyfile **ret, const char *path, const char *kind,
                            const struct secret *passphrase)
{
    uint8_t *sealed = NULL;
    size_t len = 0;
    struct keyfile *k = calloc(1, sizeof *k);
    if (k == NULL)
        return MR_NO_MEMORY;
    enum mr_status st = path_join(k->path, "", path);
    if (st == MR_OK)
        st = read_sealed(&sealed, &len, path);
    if (st == MR_OK)
        st = unseal(&k->sealing, &k->payload, kind, passphrase, sealed, len);
    free(sealed);
    if (st != MR_OK)
        keyfile_close(k);
    else
        *ret = k;
    return st;
}

enum mr_status keyfile_check(const char *path, const char *kind)
{
    uint8_t *sealed = NULL;
    size_t len = 0;
    enum mr_status st = read_sealed(&sealed, &len, path);
    if (st == MR_OK)
        st = check_sealed(kind, sealed, len);
    free(sealed);
    return st;
}

const uint8_t *keyfile_payload(const struct keyfile *k, size_t *ret_len)
{
    *ret_len = k->payload.len;
    return k->payload.bytes;
}

enum mr_status keyfile_save(struct keyfile *k, const void *payload, size_t len)
{
    struct secret fresh;
    if (len > KEYFILE_PAYLOAD_MAX)
        return MR_TOO_LARGE;
    enum mr_status st = secret_copy(&fresh, payload, len);
    if (st != MR_OK)
        return st;
    st = write_sealed(k->path, &k->sealing, payload, len, true);
    if (st != MR_OK) {
        secret_free(&fresh);
        return st;
    }
    secret_free(&k->payload);
    k->payload = fresh;
    return MR_OK;
}

enum mr_status keyfile_change(struct keyfile *k, enum keyfile_profile profile,
                              const struct secret *passphrase)
{
    struct sealing fresh;
    char kind[KEYFILE_KIND_MAX + 1];
    memcpy(kind, k->sealing.header + AT_KIND, sizeof kind);
    enum mr_status st = sealing_begin(&fresh, kind, profile, passphrase);
    if (st != MR_OK)
        return st;
    st = write_sealed(k->path, &fresh, k->payload.bytes, k->payload.len, true);
    if (st != MR_OK) {
        secret_free(&fresh.key);
        return st;
    }
    secret_free(&k->sealing.key);
    k->sealing = fresh;
    return MR_OK;
}

void keyfile_close(struct keyfile *k)
{
    if (k == NULL)
        return;
    secret_free(&k->sealing.key);
    secret_free(&k->payload);
    free(k);
}
