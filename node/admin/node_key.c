#include "admin/node_key.h"

#include <sodium.h>
#include <stdlib.h>

#include "common/file.h"
#include "common/keyfile.h"

static enum mr_status read_passphrase(struct secret *ret, const char *dir)
{
    char path[FILE_PATH_MAX];
    uint8_t *text = NULL;
    size_t len = 0;
    enum mr_status st = path_join(path, dir, "node.pass");
    if (st == MR_OK)
        st = file_read(&text, &len, path, SECRET_PASSPHRASE_MAX);
    while (st == MR_OK && len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    if (st == MR_OK)
        st = secret_copy(ret, text, len);
    if (text != NULL)
        sodium_memzero(text, len);
    free(text);
    return st;
}

/* The seeds, and the passphrase they were under. */
static enum mr_status open_seeds(struct secret *ret, struct secret *ret_pass, const char *dir,
                                 const char *name)
{
    char path[FILE_PATH_MAX];
    struct keyfile *file = NULL;
    size_t len = 0;
    enum mr_status st = path_join(path, dir, name);
    if (st == MR_OK)
        st = read_passphrase(ret_pass, dir);
    if (st == MR_OK)
        st = keyfile_open(&file, path, "node", ret_pass);
    if (st == MR_OK) {
        const uint8_t *const seeds = keyfile_payload(file, &len);
        st = len == NODE_SEEDS_BYTES ? secret_copy(ret, seeds, len) : MR_DAMAGED;
    }
    keyfile_close(file);
    return st;
}

enum mr_status node_key_read(struct mr_seckey *ret_log, struct mr_pubkey *ret_log_public,
                             struct mr_seckey *ret_transport,
                             struct mr_pubkey *ret_transport_public, const char *dir,
                             const char *name)
{
    struct secret seeds = {NULL, 0}, pass = {NULL, 0};
    const enum mr_status st = open_seeds(&seeds, &pass, dir, name);
    if (st == MR_OK) {
        mr_seckey_from_seed(ret_log, ret_log_public, seeds.bytes);
        mr_seckey_from_seed(ret_transport, ret_transport_public, seeds.bytes + 32);
    }
    secret_free(&seeds);
    secret_free(&pass);
    return st;
}

enum mr_status node_key_renew(const char *dir, const char *name)
{
    struct secret seeds = {NULL, 0}, pass = {NULL, 0};
    char path[FILE_PATH_MAX];
    enum mr_status st = open_seeds(&seeds, &pass, dir, "node.key");
    if (st == MR_OK)
        st = path_join(path, dir, name);
    if (st == MR_OK) {
        randombytes_buf(seeds.bytes, 32);
        st = keyfile_create(NULL, path, "node", KEYFILE_INTERACTIVE, &pass, seeds.bytes,
                            NODE_SEEDS_BYTES, true);
    }
    secret_free(&seeds);
    secret_free(&pass);
    return st;
}
