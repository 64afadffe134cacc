#include "admin/founding.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/field.h"
#include "admin/signer.h"
#include "common/file.h"
#include "common/keyfile.h"
#include "common/term.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/order.h"

enum { NODE_SEEDS = 64, PASS_BYTES = 32 };

#define PASS_DIGITS ((size_t)2 * PASS_BYTES)

const char offer_file[] = "offer.mro";
const char conf_number_line[] =
    "# number: \"mereau-admin federation found\" puts this node's number here.\n";

static const char *key_name(const struct founding *f, uint32_t i, char *text, size_t cap)
{
    if (i >= f->plan.operators)
        snprintf(text, cap, "governance%u", i - f->plan.operators + 1);
    else if (f->plan.operator_names[i] != NULL)
        snprintf(text, cap, "%s", f->plan.operator_names[i]);
    else
        snprintf(text, cap, "op%u", i + 1);
    return text;
}

/* --- places and memory -------------------------------------------------------------------------
 */

static enum mr_status find_places(struct founding *f, const char *data)
{
    char beside[FILE_PATH_MAX];
    const size_t len = strlen(data);
    snprintf(f->data, sizeof f->data, "%s", data);
    for (size_t i = len; len < sizeof f->data && i > 1 && f->data[i - 1] == '/'; i--)
        f->data[i - 1] = '\0';
    const char *keys = opt_text(f->c, "keys");
    if (len + sizeof ".founding" >= sizeof f->data ||
        (keys != NULL && strlen(keys) >= sizeof f->key_dir))
        return out_fail(f->out, MR_USAGE, _("the name of the directory is too long"));
    snprintf(f->parts, sizeof f->parts, "%.4000s.founding", f->data);
    snprintf(beside, sizeof beside, "%.4000s-keys", f->data);
    snprintf(f->key_dir, sizeof f->key_dir, "%s", keys != NULL ? keys : beside);
    const char *const places[] = {f->data, f->parts, f->key_dir};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (file_exists(places[i]))
            return out_fail(f->out, MR_FILE_EXISTS,
                            _("%s exists already: choose another place, a ledger is founded only "
                              "once"),
                            places[i]);
    return MR_OK;
}

enum mr_status founding_begin(struct founding *f, const struct command *c, struct out *out,
                              const char *data)
{
    *f = (struct founding){.c = c, .out = out};
    return sodium_init() < 0 ? out_fail(out, MR_NO_MEMORY, NULL) : find_places(f, data);
}

void founding_end(struct founding *f)
{
    for (uint32_t i = 0; f->passphrases != NULL && i < f->key_count; i++)
        secret_free(&f->passphrases[i]);
    free(f->passphrases);
    sodium_free(f->keys);
    sodium_free(f->node_seeds);
    free(f->charter);
    free(f->offer);
}

/* --- this association's part -------------------------------------------------------------------
 */

enum mr_status founding_bad_field(struct founding *f, const char *option)
{
    return out_fail(f->out, MR_USAGE,
                    _("--%s has characters that cannot stand in a name, or is too long"), option);
}

/* What all operators of an association hold. */
struct shared {
    uint8_t register_secret[32], bank_secret[32];
};

static void make_key(struct founding *f, uint32_t i, const struct shared *shared)
{
    struct mr_association *a = f->association;
    struct mr_signer_key *key = &f->keys[i];
    struct mr_pubkey public;
    char name[MR_NAME_MAX + 1];
    const bool governance = i >= f->plan.operators;
    *key = (struct mr_signer_key){.version = SIGNER_VERSION,
                                  .key_index = governance ? i - f->plan.operators : i};
    mr_assert(FIELD_SET(key, name, key_name(f, i, name, sizeof name)));
    signer_make_seed(key, &public);
    if (governance) {
        f->governance[key->key_index] = public;
        return;
    }
    a->desk.keys[i] = a->treasury.keys[i] = public;
    memcpy(key->association, a->id, sizeof key->association);
    memcpy(key->register_secret, shared->register_secret, sizeof key->register_secret);
    memcpy(key->bank_secret, shared->bank_secret, sizeof key->bank_secret);
}

static void make_keys(struct founding *f)
{
    struct mr_association *a = f->association;
    struct shared shared;
    randombytes_buf(&shared, sizeof shared);
    crypto_scalarmult_base(a->register_key, shared.register_secret);
    a->desk = (struct mr_keyset){.threshold = 1, .keys_count = f->plan.operators};
    a->treasury =
        (struct mr_keyset){.threshold = f->plan.threshold, .keys_count = f->plan.operators};
    for (uint32_t i = 0; i < f->key_count; i++)
        make_key(f, i, &shared);
    sodium_memzero(&shared, sizeof shared);
}

static enum mr_status fill_association(struct founding *f)
{
    struct mr_association *a = f->association;
    static const uint8_t nobody[sizeof a->id];
    do {
        randombytes_buf(a->id, sizeof a->id);
    } while (mr_in_space(a->id, nobody)); /* LED-2a */
    a->cap = f->plan.cap;
    if (!FIELD_SET(a, name, f->plan.association))
        return founding_bad_field(f, "association");
    if (!FIELD_SET(a, alias, f->plan.alias))
        return founding_bad_field(f, "alias");
    make_keys(f);
    for (uint32_t i = 0; i < f->plan.operators; i++)
        if (!FIELD_SET(&f->keys[i], bank_account, f->plan.bank_account))
            return founding_bad_field(f, "bank-account");
    return MR_OK;
}

enum mr_status founding_fill_node(struct founding *f)
{
    struct mr_node *n = f->node;
    struct mr_seckey secret;
    f->node_seeds = sodium_malloc(NODE_SEEDS);
    if (f->node_seeds == NULL)
        return out_fail(f->out, MR_NO_MEMORY, NULL);
    memcpy(n->association, f->association->id, sizeof n->association);
    randombytes_buf(f->node_seeds, NODE_SEEDS);
    mr_seckey_from_seed(&secret, &n->log_key, f->node_seeds);
    mr_seckey_from_seed(&secret, &n->transport_key, f->node_seeds + 32);
    mr_seckey_done(&secret);
    if (!FIELD_SET(n, address, f->plan.address))
        return founding_bad_field(f, "address");
    return FIELD_SET(n, peer_address, f->plan.peer_address) ? MR_OK
                                                            : founding_bad_field(f, "peer-address");
}

enum mr_status founding_fill(struct founding *f)
{
    f->key_count = f->plan.operators + f->plan.governance;
    f->keys = sodium_allocarray(f->key_count, sizeof *f->keys);
    f->passphrases = calloc(f->key_count, sizeof *f->passphrases);
    if (f->keys == NULL || f->passphrases == NULL)
        return out_fail(f->out, MR_NO_MEMORY, NULL);
    const enum mr_status st = fill_association(f);
    return st == MR_OK ? founding_fill_node(f) : st;
}

void founding_sign_offer(struct founding *f)
{
    struct mr_seckey log_key, desk_key;
    struct mr_pubkey unused;
    mr_seckey_from_seed(&log_key, &unused, f->node_seeds);
    mr_seckey_from_seed(&desk_key, &unused, f->keys[0].seed);
    mr_offer_sign(f->offer, &log_key, 0, &desk_key);
    mr_seckey_done(&log_key);
    mr_seckey_done(&desk_key);
}

/* --- passphrases -------------------------------------------------------------------------------
 */

enum mr_status founding_ask(struct founding *f)
{
    const bool one = opt_flag(f->c, "passphrase-file") || opt_flag(f->c, "passphrase-fd");
    struct secret first = {NULL, 0};
    enum mr_status st = one ? secret_ask(&first, f->c, f->out, "", false) : MR_OK;
    for (uint32_t i = 0; st == MR_OK && i < f->key_count; i++) {
        char name[MR_NAME_MAX + 1], prompt[256];
        snprintf(prompt, sizeof prompt,
                 i < f->plan.operators ? _("Passphrase of operator %s")
                                       : _("Passphrase of governance key %s"),
                 key_name(f, i, name, sizeof name));
        if (!one)
            st = secret_ask(&f->passphrases[i], f->c, f->out, prompt, true);
        else if (secret_copy(&f->passphrases[i], first.bytes, first.len) != MR_OK)
            st = out_fail(f->out, MR_NO_MEMORY, NULL);
    }
    secret_free(&first);
    return st;
}

/* --- files -------------------------------------------------------------------------------------
 */

static enum mr_status write_failed(struct founding *f, enum mr_status st, const char *path)
{
    if (st == MR_FILE_EXISTS)
        return out_fail(f->out, st, _("%s exists already: it is left as it is"), path);
    return out_fail(f->out, st, _("%s cannot be written: %s"), path, status_sentence(st));
}

static enum mr_status put_file(struct founding *f, const char *dir, const char *name,
                               const void *bytes, size_t len)
{
    char path[FILE_PATH_MAX];
    enum mr_status st = path_join(path, dir, name);
    if (st == MR_OK)
        st = file_write(path, bytes, len, 0600, false);
    return st == MR_OK ? st : write_failed(f, st, name);
}

/* The charter, or the offer that stands in for it. */
static enum mr_status put_record(struct founding *f, const char *dir)
{
    const size_t len =
        f->offer != NULL ? mr_signed_offer_size(f->offer) : mr_charter_size(f->charter);
    uint8_t *bytes = malloc(len);
    if (bytes == NULL)
        return out_fail(f->out, MR_NO_MEMORY, NULL);
    if (f->offer != NULL)
        mr_signed_offer_encode(f->offer, bytes, len);
    else
        mr_charter_encode(f->charter, bytes, len);
    const enum mr_status st =
        put_file(f, dir, f->offer != NULL ? offer_file : "charter.mrc", bytes, len);
    free(bytes);
    return st;
}

/* The node's keys, under a passphrase that the machine reads by itself when it restarts. It is
 * random, so guessing it is hopeless however cheap one guess is. */
static enum mr_status put_node_key(struct founding *f)
{
    struct secret pass = {NULL, 0};
    uint8_t raw[PASS_BYTES];
    char path[FILE_PATH_MAX];
    enum mr_status st = secret_alloc(&pass, PASS_DIGITS + 1);
    if (st != MR_OK)
        return out_fail(f->out, st, NULL);
    randombytes_buf(raw, sizeof raw);
    mr_hex_format((char *)pass.bytes, raw, sizeof raw);
    sodium_memzero(raw, sizeof raw);
    pass.bytes[PASS_DIGITS] = '\n';
    st = put_file(f, f->parts, "node.pass", pass.bytes, pass.len);
    pass.bytes[PASS_DIGITS] = '\0';
    pass.len = PASS_DIGITS;
    if (st == MR_OK)
        st = path_join(path, f->parts, "node.key");
    if (st == MR_OK)
        st = keyfile_create(NULL, path, "node", KEYFILE_INTERACTIVE, &pass, f->node_seeds,
                            NODE_SEEDS, false);
    secret_free(&pass);
    return st == MR_OK ? st : write_failed(f, st, "node.key");
}

static const char conf_head[] =
    "# Configuration of the node of %s. Lines that begin with # are comments.\n"
    "# mereaud --check-config %s says whether it is right.\n"
    "\n"
    "[node]\n";

static const char conf_number[] = "# This node's number in the charter.\n"
                                  "number = 1\n";

static const char conf_body[] =
    "# How much the node says on its standard error: debug, info, warn or error.\n"
    "# log-level = info\n"
    "\n"
    "[wallet]\n"
    "# Where wallets connect. To be reached from other machines: 0.0.0.0 and the same port.\n"
    "listen = %s\n"
    "\n";

static const char conf_peer[] = "[peer]\n"
                                "# Where the nodes of the other associations connect.\n"
                                "listen = %s\n"
                                "\n";

static const char conf_tail[] =
    "[http]\n"
    "# Health and measurements over HTTP, read only; off unless an address stands here.\n"
    "# listen = 127.0.0.1:7291\n"
    "# A directory that anybody may read there: what the municipality publishes.\n"
    "# public = /srv/mereau/open-data\n";

static enum mr_status put_conf(struct founding *f)
{
    char *text = NULL;
    size_t len = 0;
    FILE *m = open_memstream(&text, &len);
    if (m == NULL)
        return out_fail(f->out, MR_NO_MEMORY, NULL);
    const bool peers = f->plan.peer_listen[0] != '\0';
    fprintf(m, conf_head, f->offer != NULL ? f->plan.association : f->plan.name, f->data);
    if (peers)
        fputs(f->offer != NULL ? conf_number_line : conf_number, m);
    fprintf(m, conf_body, f->plan.listen);
    if (peers)
        fprintf(m, conf_peer, f->plan.peer_listen);
    fputs(conf_tail, m);
    const bool whole = ferror(m) == 0;
    if (fclose(m) != 0 || !whole) {
        free(text);
        return out_fail(f->out, MR_NO_MEMORY, NULL);
    }
    const enum mr_status st = put_file(f, f->parts, "mereaud.conf", text, len);
    free(text);
    return st;
}

static enum mr_status put_signer(struct founding *f, uint32_t i)
{
    char name[MR_NAME_MAX + 8], path[FILE_PATH_MAX];
    snprintf(name, sizeof name, "%s.key", f->keys[i].name);
    enum mr_status st = path_join(path, f->key_dir, name);
    if (st == MR_OK)
        st = signer_create(path, opt_flag(f->c, "kdf-min") ? KEYFILE_MIN : KEYFILE_MODERATE,
                           &f->passphrases[i], &f->keys[i]);
    return st == MR_OK ? st : write_failed(f, st, path);
}

static enum mr_status make_dir(struct founding *f, bool *ret_made, const char *path)
{
    const enum mr_status st = mkdir(path, 0700) == 0 ? MR_OK : file_status(errno);
    *ret_made = st == MR_OK;
    return st == MR_OK ? st : write_failed(f, st, path);
}

static enum mr_status put_parts(struct founding *f)
{
    enum mr_status st = make_dir(f, &f->made_parts, f->parts);
    if (st == MR_OK)
        st = put_record(f, f->parts);
    if (st == MR_OK)
        st = put_node_key(f);
    return st == MR_OK ? put_conf(f) : st;
}

static enum mr_status put_name(struct founding *f)
{
    char parent[FILE_PATH_MAX];
    enum mr_status st = path_parent(parent, f->data);
    if (st == MR_OK && rename(f->parts, f->data) != 0)
        st = write_failed(f, file_status(errno), f->data);
    return st == MR_OK ? dir_sync(parent) : st;
}

enum mr_status founding_put_node(struct founding *f)
{
    const enum mr_status st = put_parts(f);
    return st == MR_OK ? put_name(f) : st;
}

enum mr_status founding_put(struct founding *f)
{
    struct progress bar;
    enum mr_status st = make_dir(f, &f->made_keys, f->key_dir);
    if (st == MR_OK)
        st = put_parts(f);
    if (st == MR_OK && f->offer == NULL)
        st = put_record(f, f->key_dir);
    progress_begin(&bar, f->c, _("sealing keys"), f->key_count);
    for (uint32_t i = 0; st == MR_OK && i < f->key_count; i++) {
        st = put_signer(f, i);
        progress_update(&bar, i + 1);
    }
    progress_end(&bar);
    return st == MR_OK ? put_name(f) : st;
}

static void remove_names(const char *dir, const char *const *names)
{
    char path[FILE_PATH_MAX];
    for (; *names != NULL; names++)
        if (path_join(path, dir, *names) == MR_OK)
            unlink(path);
    rmdir(dir);
}

void founding_undo(struct founding *f)
{
    static const char *const files[] = {"charter.mrc", offer_file,     "node.key",
                                        "node.pass",   "mereaud.conf", NULL};
    static const char *const only_charter[] = {"charter.mrc", NULL};
    char name[MR_NAME_MAX + 8];
    if (f->made_parts)
        remove_names(f->parts, files);
    if (!f->made_keys)
        return;
    for (uint32_t i = 0; i < f->key_count; i++) {
        snprintf(name, sizeof name, "%s.key", f->keys[i].name);
        const char *const key[] = {name, NULL};
        remove_names(f->key_dir, key);
    }
    remove_names(f->key_dir, only_charter);
}

void founding_print_keys(struct founding *f)
{
    json_t *files = json_array();
    out_print(f->out, _("\nKey files in %s:\n"), f->key_dir);
    for (uint32_t i = 0; i < f->key_count; i++) {
        char name[MR_NAME_MAX + 8], path[FILE_PATH_MAX];
        snprintf(name, sizeof name, "%s.key", f->keys[i].name);
        if (path_join(path, f->key_dir, name) == MR_OK)
            json_array_append_new(files, json_string(path));
        out_print(f->out, i < f->plan.operators ? _("  %s: operator\n") : _("  %s: governance\n"),
                  name);
    }
    out_json(f->out, "keys", files);
    if (f->plan.operators == 1)
        out_note(f->out,
                 _("note: one operator signs for money alone; when this key is lost, nobody "
                   "can issue any more. Keep copies of the key file."));
    else if (f->plan.threshold == f->plan.operators)
        out_note(f->out,
                 _("note: all %u operators have to sign for money; when one key is lost, nobody "
                   "can issue any more. Keep copies of the key files."),
                 f->plan.operators);
}
