/* Founding a ledger. Everything is written beside its place; the last step gives the data directory
 * its name, so that a half-founded ledger is never taken for one. */
#include "admin/init.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/context.h"
#include "admin/field.h"
#include "admin/policy_file.h"
#include "admin/signer.h"
#include "common/file.h"
#include "common/keyfile.h"
#include "common/qr.h"
#include "common/secret.h"
#include "common/term.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/order.h"
#include "mereau/text.h"

enum { NODE_SEEDS = 64, PASS_BYTES = 32 };

/* One founding: what is made on the way to the data directory. */
struct founding {
    const struct command *c;
    struct out *out;
    struct init_plan plan;
    struct mr_charter *charter;
    struct mr_signer_key *keys; /* operators, then governance; guarded memory */
    uint32_t key_count;
    uint8_t *node_seeds; /* log, transport; guarded memory */
    struct secret *passphrases;
    char data[FILE_PATH_MAX], parts[FILE_PATH_MAX], key_dir[FILE_PATH_MAX];
    bool made_keys, made_parts;
};

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

/* --- charter -----------------------------------------------------------------------------------
 */

static enum mr_status bad_field(struct founding *f, const char *option)
{
    return out_fail(f->out, MR_USAGE,
                    _("--%s has characters that cannot stand in a name, or is too long"), option);
}

static enum mr_status fill_units(struct founding *f)
{
    const char *const codes[] = {f->plan.code, f->plan.reserve_code};
    const char *const names[] = {f->plan.name, f->plan.reserve_code};
    for (int i = 0; i < 2; i++) {
        struct mr_unit *unit = &f->charter->units[f->charter->units_count++];
        unit->decimals = f->plan.decimals;
        unit->role = i == 0 ? MR_UNIT_LOCAL : MR_UNIT_RESERVE;
        if (!FIELD_SET(unit, code, codes[i]) || !FIELD_SET(unit, name, names[i]))
            return bad_field(f, i == 0 ? "unit" : "reserve-unit");
    }
    return MR_OK;
}

static void fill_keys(struct founding *f)
{
    struct mr_association *a = &f->charter->associations[0];
    uint8_t register_secret[32], bank_secret[32];
    randombytes_buf(register_secret, sizeof register_secret);
    randombytes_buf(bank_secret, sizeof bank_secret);
    crypto_scalarmult_base(a->register_key, register_secret);
    a->desk = (struct mr_keyset){.threshold = 1, .keys_count = f->plan.operators};
    a->treasury =
        (struct mr_keyset){.threshold = f->plan.threshold, .keys_count = f->plan.operators};
    f->charter->governance = (struct mr_keyset){.threshold = f->plan.governance_threshold,
                                                .keys_count = f->plan.governance};
    for (uint32_t i = 0; i < f->key_count; i++) {
        struct mr_signer_key *key = &f->keys[i];
        struct mr_pubkey public;
        char name[MR_NAME_MAX + 1];
        const bool governance = i >= f->plan.operators;
        *key = (struct mr_signer_key){.version = SIGNER_VERSION,
                                      .key_index = governance ? i - f->plan.operators : i};
        mr_assert(FIELD_SET(key, name, key_name(f, i, name, sizeof name)));
        signer_make_seed(key, &public);
        if (governance) {
            f->charter->governance.keys[key->key_index] = public;
            continue;
        }
        a->desk.keys[i] = a->treasury.keys[i] = public;
        memcpy(key->association, a->id, sizeof key->association);
        memcpy(key->register_secret, register_secret, sizeof register_secret);
        memcpy(key->bank_secret, bank_secret, sizeof bank_secret);
    }
    sodium_memzero(register_secret, sizeof register_secret);
    sodium_memzero(bank_secret, sizeof bank_secret);
}

static enum mr_status fill_association(struct founding *f)
{
    struct mr_association *a = &f->charter->associations[0];
    f->charter->associations_count = 1;
    randombytes_buf(a->id, sizeof a->id);
    a->cap = f->plan.cap;
    if (!FIELD_SET(a, name, f->plan.association))
        return bad_field(f, "association");
    if (!FIELD_SET(a, alias, f->plan.alias))
        return bad_field(f, "alias");
    fill_keys(f);
    for (uint32_t i = 0; i < f->plan.operators; i++)
        if (!FIELD_SET(&f->keys[i], bank_account, f->plan.bank_account))
            return bad_field(f, "bank-account");
    return MR_OK;
}

static enum mr_status fill_node(struct founding *f)
{
    struct mr_node *n = &f->charter->nodes[0];
    struct mr_seckey secret;
    f->charter->nodes_count = 1;
    f->charter->quorum = 1;
    n->number = 1;
    memcpy(n->association, f->charter->associations[0].id, sizeof n->association);
    randombytes_buf(f->node_seeds, NODE_SEEDS);
    mr_seckey_from_seed(&secret, &n->log_key, f->node_seeds);
    mr_seckey_from_seed(&secret, &n->transport_key, f->node_seeds + 32);
    mr_seckey_done(&secret);
    return FIELD_SET(n, address, f->plan.address) ? MR_OK : bad_field(f, "address");
}

static enum mr_status fill_policy(struct founding *f)
{
    if (f->plan.policy_file == NULL) {
        init_policy(&f->charter->policy, &f->plan);
        return MR_OK;
    }
    return policy_file_read(&f->charter->policy, f->out, f->plan.policy_file);
}

static enum mr_status fill_charter(struct founding *f)
{
    struct mr_charter *ch = f->charter;
    const char *what = NULL;
    ch->version = 1;
    ch->created_ms = admin_now_ms();
    randombytes_buf(ch->salt, sizeof ch->salt);
    if (!FIELD_SET(ch, name, f->plan.name))
        return bad_field(f, "name");
    if (!FIELD_SET(ch, prefix, f->plan.prefix))
        return bad_field(f, "prefix");
    enum mr_status st = fill_units(f);
    if (st == MR_OK)
        st = fill_association(f);
    if (st == MR_OK)
        st = fill_node(f);
    if (st == MR_OK)
        st = fill_policy(f);
    if (st == MR_OK && mr_charter_check(ch, &what) != MR_OK)
        st = out_fail(f->out, MR_CONFIG, _("this cannot found a ledger: %s"), what);
    if (st != MR_OK)
        return st;
    for (uint32_t i = 0; i < f->key_count; i++)
        mr_ledger_id(f->keys[i].ledger, ch);
    return MR_OK;
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

static enum mr_status put_charter(struct founding *f, const char *dir)
{
    const size_t len = mr_charter_size(f->charter);
    uint8_t *bytes = malloc(len);
    if (bytes == NULL)
        return out_fail(f->out, MR_NO_MEMORY, NULL);
    mr_charter_encode(f->charter, bytes, len);
    const enum mr_status st = put_file(f, dir, "charter.mrc", bytes, len);
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
    enum mr_status st = secret_alloc(&pass, 2 * PASS_BYTES + 1);
    if (st != MR_OK)
        return out_fail(f->out, st, NULL);
    randombytes_buf(raw, sizeof raw);
    mr_hex_format((char *)pass.bytes, raw, sizeof raw);
    sodium_memzero(raw, sizeof raw);
    pass.bytes[2 * PASS_BYTES] = '\n';
    st = put_file(f, f->parts, "node.pass", pass.bytes, pass.len);
    pass.bytes[2 * PASS_BYTES] = '\0';
    pass.len = 2 * PASS_BYTES;
    if (st == MR_OK)
        st = path_join(path, f->parts, "node.key");
    if (st == MR_OK)
        st = keyfile_create(NULL, path, "node", KEYFILE_INTERACTIVE, &pass, f->node_seeds,
                            NODE_SEEDS, false);
    secret_free(&pass);
    return st == MR_OK ? st : write_failed(f, st, "node.key");
}

static const char conf_form[] =
    "# Configuration of the node of %s. Lines that begin with # are comments.\n"
    "# mereaud --check-config %s says whether it is right.\n"
    "\n"
    "[node]\n"
    "# How much the node says on its standard error: debug, info, warn or error.\n"
    "# log-level = info\n"
    "\n"
    "[wallet]\n"
    "# Where wallets connect. To be reached from other machines: 0.0.0.0 and the same port.\n"
    "listen = %s\n"
    "\n"
    "[http]\n"
    "# Health and measurements over HTTP, read only; off unless an address stands here.\n"
    "# listen = 127.0.0.1:7291\n";

static enum mr_status put_conf(struct founding *f)
{
    char *text = NULL;
    if (asprintf(&text, conf_form, f->plan.name, f->data, f->plan.listen) < 0)
        return out_fail(f->out, MR_NO_MEMORY, NULL);
    const enum mr_status st = put_file(f, f->parts, "mereaud.conf", text, strlen(text));
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

static enum mr_status put_all(struct founding *f)
{
    struct progress bar;
    char parent[FILE_PATH_MAX];
    enum mr_status st = make_dir(f, &f->made_keys, f->key_dir);
    if (st == MR_OK)
        st = make_dir(f, &f->made_parts, f->parts);
    if (st == MR_OK)
        st = put_charter(f, f->parts);
    if (st == MR_OK)
        st = put_charter(f, f->key_dir);
    if (st == MR_OK)
        st = put_node_key(f);
    if (st == MR_OK)
        st = put_conf(f);
    progress_begin(&bar, f->c, _("sealing keys"), f->key_count);
    for (uint32_t i = 0; st == MR_OK && i < f->key_count; i++) {
        st = put_signer(f, i);
        progress_update(&bar, i + 1);
    }
    progress_end(&bar);
    if (st == MR_OK)
        st = path_parent(parent, f->data);
    if (st == MR_OK && rename(f->parts, f->data) != 0)
        st = write_failed(f, file_status(errno), f->data);
    if (st == MR_OK)
        st = dir_sync(parent);
    return st;
}

static void remove_names(const char *dir, const char *const *names)
{
    char path[FILE_PATH_MAX];
    for (; *names != NULL; names++)
        if (path_join(path, dir, *names) == MR_OK)
            unlink(path);
    rmdir(dir);
}

/* What a failed founding made; nothing that was there before. */
static void remove_parts(struct founding *f)
{
    static const char *const files[] = {"charter.mrc", "node.key", "node.pass", "mereaud.conf",
                                        NULL};
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

/* --- passphrases -------------------------------------------------------------------------------
 */

static enum mr_status ask_passphrases(struct founding *f)
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

/* --- commands ----------------------------------------------------------------------------------
 */

static enum mr_status print_link(struct out *out, const struct mr_charter *charter,
                                 const char *address)
{
    struct mr_join_link link = {.version = 1, .transport_key = charter->nodes[0].transport_key};
    char text[MR_JOIN_LINK_TEXT_MAX];
    mr_ledger_id(link.ledger, charter);
    memcpy(link.association, charter->associations[0].id, sizeof link.association);
    if (!FIELD_SET(&link, address, address))
        return out_fail(out, MR_USAGE, _("\"%s\" is no address"), address);
    mr_join_link_format(text, &link);
    out_text(out, "join_link", text);
    out_print(out, "%s\n", text);
    for (char *at = text; *at != '\0'; at++) /* capitals make a smaller code */
        if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
    return qr_print(out, text);
}

static void print_ids(struct out *out, const struct mr_charter *charter)
{
    uint8_t id[32];
    char hex[65];
    mr_ledger_id(id, charter);
    mr_hex_format(hex, id, sizeof id);
    out_text(out, "ledger", hex);
    out_text(out, "currency", charter->name);
    out_text(out, "prefix", charter->prefix);
    out_text(out, "association", charter->associations[0].name);
    out_text(out, "address", charter->nodes[0].address);
    out_print(out, _("Ledger id: %s\n"), hex);
}

static void print_keys(struct founding *f)
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
}

static void print_founded(struct founding *f)
{
    const struct init_plan *p = &f->plan;
    out_text(f->out, "data", f->data);
    out_print(f->out, _("%s is founded, in %s.\n"), p->name, f->data);
    print_ids(f->out, f->charter);
    print_keys(f);
    if (p->threshold == p->operators)
        out_note(f->out,
                 _("note: all %u operators have to sign for money; when one key is lost, nobody "
                   "can issue any more. Keep copies of the key files."),
                 p->operators);
    out_print(f->out,
              _("\nWhat to do next:\n"
                "  1. Move the governance keys off this machine, each to its holder.\n"
                "  2. Start the node:            mereaud %s\n"
                "  3. Give people the join link: mereau join LINK\n"
                "  4. See who asks to join:      mereau-admin -d %s requests\n\n"
                "Join link:\n"),
              f->data, f->data);
    print_link(f->out, f->charter, p->address);
}

static enum mr_status found(struct founding *f)
{
    enum mr_status st = init_plan_read(&f->plan, f->c, f->out);
    if (st != MR_OK)
        return st;
    f->key_count = f->plan.operators + f->plan.governance;
    f->charter = calloc(1, sizeof *f->charter);
    f->keys = sodium_allocarray(f->key_count, sizeof *f->keys);
    f->node_seeds = sodium_malloc(NODE_SEEDS);
    f->passphrases = calloc(f->key_count, sizeof *f->passphrases);
    if (f->charter == NULL || f->keys == NULL || f->node_seeds == NULL || f->passphrases == NULL)
        return out_fail(f->out, MR_NO_MEMORY, NULL);
    st = fill_charter(f);
    if (st == MR_OK)
        st = ask_passphrases(f);
    if (st == MR_OK)
        st = put_all(f);
    return st;
}

static enum mr_status find_places(struct founding *f)
{
    char beside[FILE_PATH_MAX];
    const size_t len = strlen(f->c->args[0]);
    snprintf(f->data, sizeof f->data, "%s", f->c->args[0]);
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

void cmd_init(struct command *c, struct out *out)
{
    struct founding f = {.c = c, .out = out};
    enum mr_status st = sodium_init() < 0 ? out_fail(out, MR_NO_MEMORY, NULL) : find_places(&f);
    if (st == MR_OK)
        st = found(&f);
    if (st == MR_OK)
        print_founded(&f);
    else
        remove_parts(&f);
    for (uint32_t i = 0; f.passphrases != NULL && i < f.key_count; i++)
        secret_free(&f.passphrases[i]);
    free(f.passphrases);
    sodium_free(f.keys);
    sodium_free(f.node_seeds);
    free(f.charter);
}

const struct option_row link_options[] = {
    {"address", 0, N_("HOST:PORT"), N_("where wallets find the node now, if not as founded")},
    {NULL, 0, NULL, NULL},
};

void cmd_link(struct command *c, struct out *out)
{
    struct admin a;
    const char *address = opt_text(c, "address");
    if (admin_begin(&a, c, out, NEED_CHARTER) == MR_OK) {
        print_ids(out, a.charter);
        print_link(out, a.charter, address != NULL ? address : a.charter->nodes[0].address);
    }
    admin_end(&a);
}
