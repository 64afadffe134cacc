#include "audit/auditor_key.h"

#include <sodium.h>

#include "common/keyfile.h"
#include "common/secret.h"

enum mr_status auditor_key_open(struct mr_seckey **ret, struct mr_pubkey *ret_public,
                                const struct command *c, struct out *out, const char *path)
{
    struct secret pass = {NULL, 0};
    struct keyfile *file = NULL;
    size_t len = 0;
    *ret = NULL;
    enum mr_status st = secret_ask(&pass, c, out, _("Passphrase of the auditor's key"), false);
    if (st != MR_OK)
        return st;
    st = keyfile_open(&file, path, "auditor", &pass);
    secret_free(&pass);
    if (st != MR_OK)
        return out_fail(out, st, _("the key file %s cannot be opened: %s"), path,
                        status_sentence(st));
    const uint8_t *const seed = keyfile_payload(file, &len);
    struct mr_seckey *const key = sodium_malloc(sizeof *key);
    if (key == NULL || len != MR_KEY_BYTES) {
        st = out_fail(out, key == NULL ? MR_NO_MEMORY : MR_DAMAGED, NULL);
        sodium_free(key);
    } else {
        mr_seckey_from_seed(key, ret_public, seed);
        *ret = key;
    }
    keyfile_close(file);
    return st;
}
