/* federation found: an association takes up the charter that its offer was made for (FED-5).
 *
 * The charter goes in once somebody agreed to it; then every key file that can be opened takes the
 * ledger id. Cut anywhere, the same command again goes on; so it does for key files whose holders
 * were not there. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/context.h"
#include "admin/describe.h"
#include "admin/draft.h"
#include "admin/founding.h"
#include "admin/offers.h"
#include "common/term.h"
#include "mereau/codec.h"
#include "mereau/federation.h"

enum { CONF_MAX = 65536 };

struct taking {
    struct admin a; /* charter and ledger, for describing; nothing else of it is open */
    struct mr_signed_offer *offer;
    const struct mr_node *node;
    char key_dir[FILE_PATH_MAX], charter[FILE_PATH_MAX], conf[FILE_PATH_MAX];
    bool fresh;                     /* the charter was not here yet */
    struct secret passphrase;       /* one for all key files; empty: each has its own */
    unsigned sealed, ready, closed; /* key files that took the ledger id, had it, did not open */
    json_t *waiting;
};

/* --- what comes, and whether it is what was offered --------------------------------------------
 */

static enum mr_status find_places(struct taking *t)
{
    struct command *c = t->a.c;
    const char *keys = opt_text(c, "keys");
    const size_t len = strlen(c->args[0]);
    if (len + 64 > FILE_PATH_MAX || (keys != NULL && strlen(keys) + 64 > FILE_PATH_MAX))
        return out_fail(t->a.out, MR_USAGE, _("the name of the directory is too long"));
    snprintf(t->a.data, sizeof t->a.data, "%s", c->args[0]);
    for (size_t i = len; i > 1 && t->a.data[i - 1] == '/'; i--)
        t->a.data[i - 1] = '\0';
    snprintf(t->key_dir, sizeof t->key_dir, "%.4000s-keys", t->a.data);
    if (keys != NULL)
        snprintf(t->key_dir, sizeof t->key_dir, "%s", keys);
    if (path_join(t->charter, t->a.data, "charter.mrc") != MR_OK ||
        path_join(t->conf, t->a.data, "mereaud.conf") != MR_OK)
        return out_fail(t->a.out, MR_USAGE, NULL);
    return MR_OK;
}

static enum mr_status read_offer(struct taking *t)
{
    char path[FILE_PATH_MAX];
    if (path_join(path, t->a.data, offer_file) != MR_OK)
        return out_fail(t->a.out, MR_USAGE, NULL);
    if (!file_exists(path))
        return out_fail(t->a.out, MR_NO_SUCH_FILE,
                        _("%s holds no offer: \"mereau-admin federation offer\" makes one"),
                        t->a.data);
    t->offer = calloc(1, sizeof *t->offer);
    if (t->offer == NULL)
        return out_fail(t->a.out, MR_NO_MEMORY, NULL);
    return offer_read(t->offer, t->a.out, path);
}

/* The charter that is here already must be the same. */
static enum mr_status look_for_earlier(struct taking *t)
{
    struct mr_charter *earlier = NULL;
    uint8_t ledger[32];
    t->fresh = !file_exists(t->charter);
    if (t->fresh)
        return MR_OK;
    const enum mr_status st = charter_read(&earlier, ledger, t->a.out, t->charter);
    free(earlier);
    if (st == MR_OK && memcmp(ledger, t->a.ledger, sizeof ledger) != 0)
        return out_fail(t->a.out, MR_FILE_EXISTS,
                        _("%s has taken up another charter already: for this one a new offer has "
                          "to be made"),
                        t->a.data);
    return st;
}

static enum mr_status read_charter(struct taking *t)
{
    const char *what = NULL, *path = t->a.c->args[1];
    uint32_t at = 0;
    enum mr_status st = charter_read(&t->a.charter, t->a.ledger, t->a.out, path);
    if (st != MR_OK)
        return st;
    st = mr_offer_in_charter(&at, &what, &t->offer->offer, t->a.charter);
    if (st == MR_NOT_FOUND)
        return out_fail(t->a.out, st,
                        _("the charter %s does not have the offer of %s: this association has no "
                          "part in it"),
                        path, t->a.data);
    if (st != MR_OK)
        return out_fail(t->a.out, st,
                        _("the charter %s does not have this association as it was offered; "
                          "changed: %s. Nothing was taken up."),
                        path, what);
    st = mr_federation_check(t->a.charter, &what);
    if (st != MR_OK)
        return out_fail(t->a.out, st, _("this cannot found a ledger: %s"), what);
    t->node = t->a.own = &t->a.charter->nodes[at];
    return look_for_earlier(t);
}

static enum mr_status agree(struct taking *t)
{
    char code[MR_CONFIRMATION_MAX];
    federation_show(t->a.out, t->a.charter, NULL, t->node->number);
    describe_policy(&t->a, &t->a.charter->policy);
    mr_confirmation(code, t->a.ledger);
    out_text(t->a.out, "code", code);
    out_text(t->a.out, "ledger", admin_hex(t->a.ledger));
    out_int(t->a.out, "node", t->node->number);
    out_print(t->a.out, _("Code of the ledger: %s\n"), code);
    if (!t->fresh)
        return MR_OK;
    return term_confirm(t->a.c, t->a.out,
                        _("Do the other associations see the same code, and shall this ledger "
                          "begin?"));
}

/* --- files -------------------------------------------------------------------------------------
 */

static enum mr_status write_failed(struct taking *t, enum mr_status st, const char *path)
{
    return out_fail(t->a.out, st, _("%s cannot be written: %s"), path, status_sentence(st));
}

/* The line that stands in for the number; a file in which somebody wrote the number himself is left
 * as it is. */
static enum mr_status number_conf(struct taking *t)
{
    uint8_t *bytes = NULL;
    size_t len = 0, new_len = 0;
    char *text = NULL;
    uint32_t number = 0;
    enum mr_status st = file_read(&bytes, &len, t->conf, CONF_MAX);
    if (st != MR_OK)
        return out_fail(t->a.out, st, _("%s cannot be read: %s"), t->conf, status_sentence(st));
    const char *whole = (const char *)bytes, *line = strstr(whole, conf_number_line);
    FILE *m = line != NULL ? open_memstream(&text, &new_len) : NULL;
    if (m != NULL) {
        fprintf(m, "%.*s# This node's number in the charter.\nnumber = %u\n%s", (int)(line - whole),
                whole, t->node->number, line + strlen(conf_number_line));
        st = fclose(m) == 0 ? file_write(t->conf, text, new_len, 0600, true) : MR_NO_MEMORY;
    } else if (line != NULL) {
        st = MR_NO_MEMORY;
    }
    free(bytes);
    free(text);
    if (st != MR_OK)
        return write_failed(t, st, t->conf);
    st = conf_node_number(&number, t->a.out, t->conf, t->a.charter->nodes_count);
    if (st == MR_OK && number != t->node->number)
        st = out_fail(t->a.out, MR_CONFIG,
                      _("%s says that this is node %u, and the charter says node %u: write "
                        "\"number = %u\" below [node]"),
                      t->conf, number, t->node->number, t->node->number);
    return st;
}

static enum mr_status put_charter(struct taking *t, const char *path)
{
    const size_t len = mr_charter_size(t->a.charter);
    uint8_t *bytes = malloc(len);
    if (bytes == NULL)
        return out_fail(t->a.out, MR_NO_MEMORY, NULL);
    mr_charter_encode(t->a.charter, bytes, len);
    const enum mr_status st = file_write(path, bytes, len, 0600, true);
    free(bytes);
    return st == MR_OK ? st : write_failed(t, st, path);
}

/* The data directory's charter last: it is what makes a directory founded. */
static enum mr_status put_files(struct taking *t)
{
    char beside[FILE_PATH_MAX];
    enum mr_status st = number_conf(t);
    if (st == MR_OK && path_join(beside, t->key_dir, "charter.mrc") != MR_OK)
        st = out_fail(t->a.out, MR_USAGE, NULL);
    if (st == MR_OK && file_exists(t->key_dir))
        st = put_charter(t, beside);
    if (st == MR_OK && t->fresh)
        st = put_charter(t, t->charter);
    return st;
}

/* --- key files ---------------------------------------------------------------------------------
 */

/* The key's place in the charter. */
static bool find_index(const struct taking *t, const struct signer *s, uint32_t *ret)
{
    const bool governance = signer_is_governance(s);
    const struct mr_association *own = &t->offer->offer.association;
    const struct mr_keyset *keys = governance ? &t->a.charter->governance : &own->desk;
    if (!governance && memcmp(s->key->association, own->id, MR_ACCOUNT_BYTES) != 0)
        return false;
    for (uint32_t i = 0; i < keys->keys_count; i++) {
        if (memcmp(keys->keys[i].key, s->public.key, MR_KEY_BYTES) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static enum mr_status give_ledger(struct taking *t, struct signer *s, const char *path)
{
    uint32_t index = 0;
    if (!find_index(t, s, &index))
        return out_fail(t->a.out, MR_BAD_KEY,
                        _("%s is no key of this association, or of governance, in the charter"),
                        path);
    if (memcmp(s->key->ledger, t->a.ledger, sizeof t->a.ledger) == 0) {
        t->ready++;
        return MR_OK;
    }
    if (!sodium_is_zero(s->key->ledger, sizeof s->key->ledger))
        return out_fail(t->a.out, MR_WRONG_LEDGER, _("the key file %s belongs to another ledger"),
                        path);
    s->key->key_index = index;
    memcpy(s->key->ledger, t->a.ledger, sizeof s->key->ledger);
    const enum mr_status st = signer_save(s);
    if (st != MR_OK)
        return write_failed(t, st, path);
    t->sealed++;
    return MR_OK;
}

static enum mr_status ask_passphrase(struct taking *t, struct secret *ret, const char *path)
{
    char prompt[256];
    if (t->passphrase.bytes != NULL) {
        const enum mr_status st = secret_copy(ret, t->passphrase.bytes, t->passphrase.len);
        return st == MR_OK ? st : out_fail(t->a.out, st, NULL);
    }
    snprintf(prompt, sizeof prompt, _("Passphrase of %.200s"), path);
    return secret_ask(ret, t->a.c, t->a.out, prompt, false);
}

/* A passphrase that is not right does not end it: its holder may not be here. */
static enum mr_status take_key(struct taking *t, const char *name)
{
    char path[FILE_PATH_MAX];
    struct secret pass = {NULL, 0};
    struct signer *s = NULL;
    bool governance;
    if (path_join(path, t->key_dir, name) != MR_OK || signer_probe(&governance, path) != MR_OK)
        return MR_OK;
    enum mr_status st = ask_passphrase(t, &pass, path);
    if (st != MR_OK)
        return st;
    st = signer_open(&s, path, &pass);
    secret_free(&pass);
    if (st == MR_WRONG_PASSPHRASE) {
        t->closed++;
        json_array_append_new(t->waiting, json_string(path));
        out_note(t->a.out, _("%s was not opened: wrong passphrase"), path);
        return MR_OK;
    }
    if (st != MR_OK)
        return out_fail(t->a.out, st, _("the key file %s cannot be opened: %s"), path,
                        status_sentence(st));
    st = give_ledger(t, s, path);
    signer_close(s);
    return st;
}

static enum mr_status take_keys(struct taking *t)
{
    char **names = NULL;
    enum mr_status st = MR_OK;
    if (!file_exists(t->key_dir)) {
        out_note(t->a.out, _("no key files in %s: name their directory with --keys"), t->key_dir);
        return MR_OK;
    }
    if (opt_flag(t->a.c, "passphrase-file") || opt_flag(t->a.c, "passphrase-fd"))
        st = secret_ask(&t->passphrase, t->a.c, t->a.out, "", false);
    if (st != MR_OK)
        return st;
    st = names_list(&names, t->key_dir, ".key");
    if (st != MR_OK)
        return out_fail(t->a.out, st, _("%s cannot be read: %s"), t->key_dir, status_sentence(st));
    for (size_t i = 0; st == MR_OK && names[i] != NULL; i++)
        st = take_key(t, names[i]);
    names_free(names);
    return st;
}

/* --- the command -------------------------------------------------------------------------------
 */

static void print_taken(struct taking *t)
{
    struct out *out = t->a.out;
    out_text(out, "data", t->a.data);
    out_int(out, "keys_taken", t->sealed);
    out_int(out, "keys_ready", t->ready);
    out_json(out, "keys_waiting", json_incref(t->waiting));
    if (!t->fresh && t->sealed == 0 && t->closed == 0)
        out_status(out, MR_ALREADY_DONE);
    out_print(out,
              _("%s is node %u of %s. %u key files belong to it now.\n"
                "\nWhat to do next:\n"
                "  1. Move the governance key, if there is one, off this machine to its holder.\n"
                "  2. Start the node:            mereaud %s\n"
                "  3. See how the others are:    mereau-admin -d %s federation status\n"
                "  4. Give people the join link: mereau join LINK\n\n"
                "Join link of this association's members:\n"),
              t->a.data, t->node->number, t->a.charter->name, t->sealed + t->ready, t->a.data,
              t->a.data);
    init_print_link(out, t->a.charter, t->node, t->node->address);
    if (t->closed > 0)
        out_fail(out, MR_WRONG_PASSPHRASE,
                 _("key files that were not opened (%u) belong to no ledger yet and sign nothing: "
                   "repeat this command with their passphrases"),
                 t->closed);
}

const struct option_row found_options[] = {
    {"keys", 0, N_("DIR"), N_("where the key files are (default: DATA-keys)")},
    {NULL, 0, NULL, NULL},
};

void cmd_found(struct command *c, struct out *out)
{
    struct taking t = {.a = {.c = c, .out = out, .key_lock = -1}, .waiting = json_array()};
    enum mr_status st = sodium_init() < 0 ? out_fail(out, MR_NO_MEMORY, NULL) : find_places(&t);
    if (st == MR_OK)
        st = read_offer(&t);
    if (st == MR_OK)
        st = read_charter(&t);
    if (st == MR_OK)
        st = agree(&t);
    if (st == MR_OK)
        st = put_files(&t);
    if (st == MR_OK)
        st = take_keys(&t);
    if (st == MR_OK)
        print_taken(&t);
    secret_free(&t.passphrase);
    json_decref(t.waiting);
    free(t.offer);
    admin_end(&t.a);
}
