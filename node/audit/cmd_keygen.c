/* keygen: the key by which a node knows this auditor. */
#include <sodium.h>

#include "audit/commands.h"
#include "common/keyfile.h"
#include "common/secret.h"
#include "mereau/id.h"
#include "mereau/sign.h"

const struct option_row keygen_options[] = {SECRET_OPTIONS, {NULL, 0, NULL, NULL}};

void cmd_keygen(struct command *c, struct out *out)
{
    struct secret pass = {NULL, 0}, seed = {NULL, 0};
    struct mr_seckey *const key = sodium_malloc(sizeof *key);
    struct mr_pubkey public;
    char hex[2 * MR_KEY_BYTES + 1];
    enum mr_status st = key == NULL ? MR_NO_MEMORY : secret_alloc(&seed, MR_KEY_BYTES);
    if (st != MR_OK)
        out_fail(out, st, NULL);
    else
        st = secret_ask(&pass, c, out, _("New passphrase of the auditor's key"), true);
    if (st == MR_OK) {
        randombytes_buf(seed.bytes, seed.len);
        mr_seckey_from_seed(key, &public, seed.bytes);
        st = keyfile_create(NULL, c->args[0], "auditor", KEYFILE_INTERACTIVE, &pass, seed.bytes,
                            seed.len, false);
        if (st != MR_OK)
            out_fail(out, st, _("the key file %s cannot be written: %s"), c->args[0],
                     status_sentence(st));
    }
    if (st == MR_OK) {
        mr_hex_format(hex, public.key, MR_KEY_BYTES);
        out_text(out, "public_key", hex);
        out_text(out, "file", c->args[0]);
        out_note(out,
                 _("The key is in %s. As a witness of the charter, governance proposes it with "
                   "--witness NAME=%s. As an auditor's, the association puts this into the node's "
                   "configuration:"),
                 c->args[0], hex);
        out_print(out, "[audit]\nkeys = %s\n", hex); /* nothing else: it may go into a file */
    }
    secret_free(&pass);
    secret_free(&seed);
    sodium_free(key);
}
