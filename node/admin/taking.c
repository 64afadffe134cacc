#include "admin/taking.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "admin/draft.h"
#include "admin/founding.h"
#include "admin/offers.h"
#include "mereau/codec.h"

enum { CONF_MAX = 65536 };

enum mr_status taking_places(struct taking *t, const char *data)
{
    struct command *c = t->a.c;
    const char *keys = opt_text(c, "keys");
    const size_t len = strlen(data);
    if (len + 64 > FILE_PATH_MAX || (keys != NULL && strlen(keys) + 64 > FILE_PATH_MAX))
        return out_fail(t->a.out, MR_USAGE, _("the name of the directory is too long"));
    snprintf(t->a.data, sizeof t->a.data, "%s", data);
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

enum mr_status taking_offer(struct taking *t)
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
    st = conf_node_number(&number, t->a.out, t->conf);
    if (st == MR_OK && number != t->node->number)
        st = out_fail(t->a.out, MR_CONFIG,
                      _("%s says that this is node %u, and the charter says node %u: write "
                        "\"number = %u\" below [node]"),
                      t->conf, number, t->node->number, t->node->number);
    return st;
}

static enum mr_status put_charter(struct taking *t, const char *path)
{
    const size_t len = mr_charter_size(t->a.genesis);
    uint8_t *bytes = malloc(len);
    if (bytes == NULL)
        return out_fail(t->a.out, MR_NO_MEMORY, NULL);
    mr_charter_encode(t->a.genesis, bytes, len);
    const enum mr_status st = file_write(path, bytes, len, 0600, true);
    free(bytes);
    return st == MR_OK ? st : write_failed(t, st, path);
}

/* Who the nodes are now, wherever the charter stands. */
static enum mr_status put_epochs(struct taking *t)
{
    enum mr_status st = epochs_write(&t->a.epochs, t->a.data);
    if (st == MR_OK && file_exists(t->key_dir))
        st = epochs_write(&t->a.epochs, t->key_dir);
    return st == MR_OK ? st : write_failed(t, st, epochs_file);
}

/* The data directory's charter last: it is what makes a directory founded. */
enum mr_status taking_put(struct taking *t)
{
    char beside[FILE_PATH_MAX];
    enum mr_status st = number_conf(t);
    if (st == MR_OK && path_join(beside, t->key_dir, "charter.mrc") != MR_OK)
        st = out_fail(t->a.out, MR_USAGE, NULL);
    if (st == MR_OK && file_exists(t->key_dir))
        st = put_charter(t, beside);
    if (st == MR_OK && t->a.epochs.count > 0)
        st = put_epochs(t);
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

enum mr_status taking_keys(struct taking *t)
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

void taking_done(struct taking *t)
{
    secret_free(&t->passphrase);
    json_decref(t->waiting);
    free(t->offer);
    admin_end(&t->a);
}
