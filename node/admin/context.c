#include "admin/context.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "common/amount_text.h"
#include "common/clock.h"
#include "common/config.h"
#include "common/secret.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/handover.h"
#include "mereau/order.h"

enum { CHARTER_FILE_MAX = 1 << 20, TEXTS = 8, TEXT_BYTES = 128 };

const struct option_row admin_options[] = {
    {"data", 'd', N_("DIR"), N_("the node's data directory (or MEREAU_DATA)")},
    {"node", 0, N_("HOST:PORT"), N_("ask a node elsewhere, through its wallet port")},
    {"charter", 0, N_("FILE"),
     N_("charter to use (default: in the data directory or beside the "
        "key)")},
    {"key", 0, N_("FILE"), N_("key file to sign with (default: the only one in DATA-keys)")},
    {"drafts", 0, N_("DIR"), N_("where drafts are kept (default: drafts beside the key file)")},
    SECRET_OPTIONS,
    {NULL, 0, NULL, NULL},
};

/* --- texts -------------------------------------------------------------------------------------
 */

static char *next_text(void)
{
    static char texts[TEXTS][TEXT_BYTES];
    static unsigned at;
    at = (at + 1) % TEXTS;
    return texts[at];
}

const char *admin_amount(const struct admin *a, int64_t minor)
{
    char *text = next_text();
    amount_text(text, minor, a->charter->units[0].decimals, a->charter->units[0].code);
    return text;
}

const char *admin_euros(const struct admin *a, int64_t minor)
{
    char *text = next_text();
    amount_text(text, minor, a->charter->units[1].decimals, a->charter->units[1].code);
    return text;
}

const char *admin_address(const struct admin *a, const uint8_t account[16])
{
    char *text = next_text();
    mr_address_format(text, a->charter->prefix, account);
    return text;
}

const char *admin_hex(const uint8_t hash[32])
{
    char *text = next_text();
    mr_hex_format(text, hash, 32);
    return text;
}

const char *admin_time(uint64_t time_ms)
{
    char *text = next_text();
    const time_t seconds = (time_t)(time_ms / 1000);
    struct tm t;
    if (gmtime_r(&seconds, &t) == NULL || strftime(text, TEXT_BYTES, "%Y-%m-%d %H:%M", &t) == 0)
        text[0] = '\0';
    return text;
}

uint64_t admin_now_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

/* --- charter -----------------------------------------------------------------------------------
 */

enum mr_status charter_read(struct mr_charter **ret, uint8_t ret_ledger[32], struct out *out,
                            const char *path)
{
    uint8_t *bytes = NULL;
    size_t len;
    const char *what = NULL;
    enum mr_status st = file_read(&bytes, &len, path, CHARTER_FILE_MAX);
    if (st != MR_OK)
        return out_fail(out, st, _("the charter %s cannot be read: %s"), path, status_sentence(st));
    struct mr_charter *charter = calloc(1, sizeof *charter);
    if (charter == NULL)
        st = out_fail(out, MR_NO_MEMORY, NULL);
    else if (mr_charter_decode(charter, bytes, len) != MR_OK ||
             mr_charter_check(charter, &what) != MR_OK)
        st = out_fail(out, MR_DAMAGED, _("the charter %s is damaged: take it from a backup"), path);
    free(bytes);
    if (st != MR_OK) {
        free(charter);
        return st;
    }
    mr_ledger_id(ret_ledger, charter);
    *ret = charter;
    return MR_OK;
}

/* --- places ------------------------------------------------------------------------------------
 */

static enum mr_status take_path(struct admin *a, char ret[FILE_PATH_MAX], const char *path)
{
    if (path == NULL || path[0] == '\0')
        return MR_OK;
    if (strlen(path) >= FILE_PATH_MAX)
        return out_fail(a->out, MR_USAGE, _("\"%.40s...\" is too long for a path"), path);
    snprintf(ret, FILE_PATH_MAX, "%s", path);
    for (size_t n = strlen(ret); n > 1 && ret[n - 1] == '/'; n--)
        ret[n - 1] = '\0';
    return MR_OK;
}

static bool is_key_name(const char *name)
{
    const size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".key") == 0 && name[0] != '.';
}

/* The only operator's key file beside the data directory; none when there are several. */
static void find_key(struct admin *a)
{
    char dir_path[FILE_PATH_MAX], path[FILE_PATH_MAX];
    unsigned found = 0;
    bool governance;
    if (a->data[0] == '\0')
        return;
    snprintf(dir_path, sizeof dir_path, "%.4000s-keys", a->data);
    DIR *dir = opendir(dir_path);
    if (dir == NULL)
        return;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (!is_key_name(e->d_name) || path_join(path, dir_path, e->d_name) != MR_OK ||
            signer_probe(&governance, path) != MR_OK || governance)
            continue;
        found++;
        memcpy(a->key_path, path, sizeof path);
    }
    closedir(dir);
    if (found != 1)
        a->key_path[0] = '\0';
}

static enum mr_status find_places(struct admin *a)
{
    const char *data = opt_text(a->c, "data"), *node = opt_text(a->c, "node");
    enum mr_status st = MR_OK;
    if (a->data[0] == '\0')
        st = take_path(a, a->data, data != NULL || node != NULL ? data : getenv("MEREAU_DATA"));
    if (st == MR_OK)
        st = take_path(a, a->key_path, opt_text(a->c, "key"));
    if (st == MR_OK && a->key_path[0] == '\0')
        find_key(a);
    return st;
}

/* What was read or heard of later epochs does not follow from the charter, or cannot be kept. */
static enum mr_status epochs_failed(struct admin *a, enum mr_status st)
{
    if (st == MR_NO_MEMORY || st == MR_FULL)
        return out_fail(a->out, st, NULL);
    return out_fail(a->out, st,
                    _("what stands beside the charter about later epochs cannot "
                      "be: %s"),
                    status_sentence(st));
}

static enum mr_status find_epochs(struct admin *a, const char *path)
{
    char dir[FILE_PATH_MAX];
    a->charter = calloc(1, sizeof *a->charter);
    if (a->charter == NULL)
        return out_fail(a->out, MR_NO_MEMORY, NULL);
    *a->charter = *a->genesis;
    enum mr_status st = path_parent(dir, path);
    if (st == MR_OK)
        st = epochs_read(&a->epochs, a->genesis, a->charter, dir);
    if (st == MR_OK)
        return MR_OK;
    if (exit_code_of(st) == EXIT_CHECK)
        return epochs_failed(a, st);
    return out_fail(a->out, st, _("%s beside the charter cannot be read: %s"), epochs_file,
                    status_sentence(st));
}

static enum mr_status find_charter(struct admin *a)
{
    char path[FILE_PATH_MAX] = "", dir[FILE_PATH_MAX];
    enum mr_status st = take_path(a, path, opt_text(a->c, "charter"));
    /* A data directory that was lost leaves what is beside the key. */
    const bool lost = a->key_path[0] != '\0' && !file_exists(a->data);
    if (st == MR_OK && path[0] == '\0' && a->data[0] != '\0' && !lost) {
        st = path_join(path, a->data, "charter.mrc");
    } else if (st == MR_OK && path[0] == '\0' && a->key_path[0] != '\0') {
        st = path_parent(dir, a->key_path);
        if (st == MR_OK)
            st = path_join(path, dir, "charter.mrc");
    }
    if (st != MR_OK)
        return out_fail(a->out, MR_USAGE, NULL);
    if (path[0] == '\0')
        return out_fail(a->out, MR_USAGE,
                        _("which ledger? Give --data DIR (or set MEREAU_DATA), or --key FILE with "
                          "the charter beside it"));
    st = charter_read(&a->genesis, a->ledger, a->out, path);
    return st == MR_OK ? find_epochs(a, path) : st;
}

/* Two commands with one key would overwrite each other's memory of what was signed. Where no lock
 * can be made nothing can be signed either. */
static void lock_key(struct admin *a)
{
    char dir[FILE_PATH_MAX], path[FILE_PATH_MAX], name[FILE_PATH_MAX];
    const char *slash = strrchr(a->key_path, '/');
    snprintf(name, sizeof name, ".%.4000s.lock", slash != NULL ? slash + 1 : a->key_path);
    if (path_parent(dir, a->key_path) != MR_OK || path_join(path, dir, name) != MR_OK)
        return;
    a->key_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (a->key_lock < 0 || flock(a->key_lock, LOCK_EX | LOCK_NB) == 0)
        return;
    out_note(a->out, _("another command uses this key file; waiting for its end"));
    while (flock(a->key_lock, LOCK_EX) != 0 && errno == EINTR)
        ;
}

static enum mr_status open_key(struct admin *a)
{
    struct secret pass = {NULL, 0};
    char prompt[256];
    bool governance;
    if (a->key_path[0] == '\0')
        return out_fail(a->out, MR_USAGE,
                        _("which key shall sign? Give --key FILE, an operator's key file"));
    enum mr_status st = signer_probe(&governance, a->key_path);
    if (st != MR_OK)
        return out_fail(a->out, st, _("the key file %s cannot be used: %s"), a->key_path,
                        st == MR_BAD_KEY ? _("it is no operator's or governance key")
                                         : status_sentence(st));
    snprintf(prompt, sizeof prompt, _("Passphrase of %.200s"), a->key_path);
    st = secret_ask(&pass, a->c, a->out, prompt, false);
    if (st != MR_OK)
        return st;
    lock_key(a);
    st = signer_open(&a->signer, a->key_path, &pass);
    secret_free(&pass);
    if (st != MR_OK)
        return out_fail(a->out, st, _("the key file %s cannot be opened: %s"), a->key_path,
                        status_sentence(st));
    if (sodium_is_zero(a->signer->key->ledger, sizeof a->signer->key->ledger))
        return out_fail(a->out, MR_WRONG_LEDGER,
                        _("the key file %s belongs to no ledger yet: \"mereau-admin federation "
                          "found\" gives it one"),
                        a->key_path);
    if (memcmp(a->signer->key->ledger, a->ledger, sizeof a->ledger) != 0)
        return out_fail(a->out, MR_WRONG_LEDGER, _("the key file %s belongs to another ledger"),
                        a->key_path);
    return MR_OK;
}

const struct mr_association *admin_association_of(const struct mr_charter *charter,
                                                  const struct mr_node *node)
{
    for (uint32_t i = 0; i < charter->associations_count; i++)
        if (memcmp(charter->associations[i].id, node->association, MR_ACCOUNT_BYTES) == 0)
            return &charter->associations[i];
    mr_bug("mr_charter_check lets no node of a stranger in");
}

/* Everything else in the file is mereaud's to judge. */
static void ignore_complaint(void *user, const char *file, unsigned line, const char *sentence)
{
    (void)user, (void)file, (void)line, (void)sentence;
}

enum mr_status conf_node_number(uint32_t *ret, struct out *out, const char *path)
{
    struct conf {
        char number[64];
    } conf;
    static const struct config_row row =
        CONFIG_ROW(struct conf, number, "node", "number", CONFIG_TEXT, 0, 63, "1", NULL);
    int64_t number = 1;
    config_defaults(&conf, &row, 1);
    config_read(&conf, &row, 1, path, ignore_complaint, NULL);
    if (number_parse(&number, conf.number, 1, MR_NODES_MAX) != MR_OK)
        return out_fail(out, MR_CONFIG,
                        _("%s: [node] number is \"%s\": nodes have numbers 1 to %u"), path,
                        conf.number, MR_NODES_MAX);
    *ret = (uint32_t)number;
    return MR_OK;
}

const struct mr_node *admin_node_of(const struct mr_charter *charter, uint32_t number)
{
    for (uint32_t i = 0; i < charter->nodes_count; i++)
        if (charter->nodes[i].number == number)
            return &charter->nodes[i];
    return NULL;
}

static bool is_meant(const struct mr_node *n, uint32_t number, const uint8_t *association)
{
    return number != 0 ? n->number == number
                       : memcmp(n->association, association, MR_ACCOUNT_BYTES) == 0;
}

bool admin_past_node(struct mr_node *ret, const struct admin *a, uint32_t number,
                     const uint8_t *association)
{
    struct mr_handover *const h = malloc(sizeof *h);
    bool found = false;
    for (uint32_t i = 0; i < a->genesis->nodes_count; i++)
        if (is_meant(&a->genesis->nodes[i], number, association)) {
            *ret = a->genesis->nodes[i];
            found = true;
        }
    for (uint32_t epoch = 2; h != NULL && epoch <= a->epochs.count + 1; epoch++) {
        epochs_get(&a->epochs, h, epoch);
        const struct mr_next_epoch *const next = mr_handover_seats(h);
        for (uint32_t k = 0; next != NULL && k < next->seats_count; k++)
            if (is_meant(&next->seats[k].node, number, association)) {
                *ret = next->seats[k].node;
                found = true;
            }
    }
    free(h);
    return found;
}

/* Which node the data directory is of. */
static enum mr_status find_own(struct admin *a)
{
    char path[FILE_PATH_MAX];
    uint32_t number = 1;
    if (a->data[0] == '\0') {
        a->own = a->charter->nodes_count == 1 ? &a->charter->nodes[0] : NULL;
        return MR_OK;
    }
    if (path_join(path, a->data, "mereaud.conf") != MR_OK)
        return out_fail(a->out, MR_USAGE, NULL);
    const enum mr_status st = conf_node_number(&number, a->out, path);
    if (st != MR_OK)
        return st;
    a->own = admin_node_of(a->charter, number);
    if (a->own == NULL && admin_past_node(&a->past, a, number, NULL))
        a->own = &a->past;
    return a->own != NULL ? MR_OK
                          : out_fail(a->out, MR_CONFIG,
                                     _("%s: [node] number is %u, and the charter has no such node"),
                                     path, number);
}

static enum mr_status find_home(struct admin *a)
{
    a->home =
        a->own != NULL ? admin_association_of(a->charter, a->own) : &a->charter->associations[0];
    if (a->signer != NULL && !signer_is_governance(a->signer)) {
        a->home = NULL;
        for (uint32_t i = 0; i < a->charter->associations_count; i++)
            if (memcmp(a->charter->associations[i].id, a->signer->key->association, 16) == 0)
                a->home = &a->charter->associations[i];
        if (a->home == NULL)
            return out_fail(a->out, MR_NOT_YOURS,
                            _("the key file %s is of an association that the charter does not "
                              "name"),
                            a->key_path);
    }
    mr_sub_account(a->desk, a->home->id, MR_CLASS_DESK);
    mr_sub_account(a->treasury, a->home->id, MR_CLASS_TREASURY);
    mr_sub_account(a->system, NULL, MR_CLASS_SYSTEM);
    return MR_OK;
}

/* --- the node ----------------------------------------------------------------------------------
 */

/* The node that must answer. At an address that no node of the charter has (a tunnel, a move) it is
 * the one of the association whose key is used. */
static const struct mr_node *expected_node(const struct admin *a, const char *address)
{
    const struct mr_node *found = NULL;
    unsigned count = 0;
    if (a->local)
        return a->own;
    if (a->charter->nodes_count == 1)
        return &a->charter->nodes[0];
    for (uint32_t i = 0; i < a->charter->nodes_count; i++)
        if (strcmp(a->charter->nodes[i].address, address) == 0)
            return &a->charter->nodes[i];
    for (uint32_t i = 0; a->signer != NULL && i < a->charter->nodes_count; i++) {
        if (memcmp(a->charter->nodes[i].association, a->home->id, MR_ACCOUNT_BYTES) == 0) {
            found = &a->charter->nodes[i];
            count++;
        }
    }
    return count == 1 ? found : NULL;
}

/* One by one, up to the epoch that the node says it is in. What does not answer now is met again by
 * the call that the command is about. */
static enum mr_status take_epochs(struct admin *a, uint32_t epoch)
{
    const struct mr_handover *h;
    enum mr_status st = MR_OK;
    while (st == MR_OK && a->epochs.count + 1 < epoch &&
           epochs_ask(&a->epochs, &h, a->link, a->reply, a->ask) == MR_OK)
        st = epochs_add(&a->epochs, a->genesis, a->charter, h);
    if (st != MR_OK)
        return epochs_failed(a, st);
    st = find_own(a);
    return st == MR_OK ? find_home(a) : st;
}

/* Beside a key there may be no more than the charter. */
enum mr_status admin_ask_epochs(struct admin *a)
{
    *a->ask = (struct mr_request_body){.kind = MR_REQ_HEAD};
    if (admin_call(a) != MR_OK)
        return MR_OK;
    const uint32_t epoch = a->reply->body.u.head.head.epoch;
    return epoch > a->epochs.count + 1 ? take_epochs(a, epoch) : MR_OK;
}

enum mr_status admin_receipt(struct mr_receipt_facts *ret, const struct admin *a,
                             const struct mr_receipt *receipt)
{
    const struct mr_chain chain = epochs_chain(&a->epochs);
    return mr_receipt_verify(ret, a->genesis, &chain, receipt);
}

static enum mr_status connect_node(struct admin *a)
{
    char path[FILE_PATH_MAX];
    const char *node = opt_text(a->c, "node");
    if (node == NULL && a->data[0] == '\0')
        return out_fail(a->out, MR_USAGE,
                        _("which node? Give --data DIR on its machine, or --node HOST:PORT"));
    a->local = node == NULL;
    if (a->local && path_join(path, a->data, "run/control.sock") != MR_OK)
        return out_fail(a->out, MR_USAGE, NULL);
    const struct mr_node *expected = expected_node(a, node);
    if (expected == NULL)
        return out_fail(a->out, MR_USAGE,
                        _("no node of the charter has the address %s: whether the right one "
                          "answers there cannot be known"),
                        node);
    const struct link_config config = {.address = a->local ? path : node,
                                       .pinned = &expected->transport_key,
                                       .ledger = a->ledger,
                                       .timeout_ms = a->c->timeout_ms};
    const enum mr_status st = link_open(&a->link, &config);
    if (st != MR_OK)
        return out_fail(a->out, st == MR_BAD_TEXT ? MR_USAGE : st,
                        _("\"%s\" is no address of a node"), config.address);
    if (a->local)
        return MR_OK;
    link_accept(a->link, a->charter->nodes, a->charter->nodes_count);
    return admin_ask_epochs(a);
}

void admin_as(struct admin *a, const uint8_t chain[16])
{
    link_identify(a->link, MR_AUTH_OWNER, chain, a->signer->key->key_index,
                  signer_secret(a->signer), NULL);
}

enum mr_status admin_call(struct admin *a)
{
    return link_call(a->link, a->reply, a->ask);
}

void admin_report_call(struct admin *a, enum mr_status st)
{
    if (st == MR_UNREACHABLE && a->local)
        out_fail(a->out, st, _("the node does not run on %s: start it with \"mereaud %s\""),
                 a->data, a->data);
    else if (st == MR_UNREACHABLE)
        out_fail(a->out, st, _("no node answers at %s"), opt_text(a->c, "node"));
    else if (st == MR_NO_ANSWER)
        out_fail(a->out, st,
                 _("no answer came in time; repeat the same command, nothing is done "
                   "twice"));
    else if (st == MR_WRONG_NODE)
        out_fail(a->out, st,
                 _("another node answers there than the one the charter names; nothing was "
                   "sent to it"));
    else if (st == MR_BAD_SIGNATURE || st == MR_NOT_AUTHORISED)
        out_fail(a->out, st,
                 _("the node does not accept this key: is it the present key of this "
                   "operator?"));
    else
        out_fail(a->out, st, NULL);
}

/* --- beginning and end -------------------------------------------------------------------------
 */

enum mr_status admin_begin(struct admin *a, struct command *c, struct out *out, unsigned needs)
{
    return admin_begin_at(a, c, out, needs, NULL);
}

/* Beside the key and its charter: when the data directory is lost it is known there who the nodes
 * are. What cannot be written now is written by a later command. */
static void keep_epochs(struct admin *a)
{
    char dir[FILE_PATH_MAX], path[FILE_PATH_MAX];
    struct mr_chain known = {.count = 0};
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (a->epochs.count == 0 || path_parent(dir, a->key_path) != MR_OK ||
        path_join(path, dir, "charter.mrc") != MR_OK || !file_exists(path) ||
        path_join(path, dir, epochs_file) != MR_OK)
        return;
    enum mr_status st = file_read(&bytes, &len, path, MR_CHAIN_BYTES_MAX);
    if (st == MR_OK)
        st = mr_chain_read(&known, bytes, len);
    if (st == MR_NO_SUCH_FILE || (st == MR_OK && known.count < a->epochs.count))
        (void)epochs_write(&a->epochs, dir);
    free(bytes);
}

enum mr_status admin_begin_at(struct admin *a, struct command *c, struct out *out, unsigned needs,
                              const char *data)
{
    *a = (struct admin){.c = c, .out = out, .key_lock = -1};
    if (take_path(a, a->data, data) != MR_OK)
        return out->status;
    if (sodium_init() < 0)
        return out_fail(out, MR_NO_MEMORY, NULL);
    a->ask = calloc(1, sizeof *a->ask);
    a->reply = calloc(1, sizeof *a->reply);
    if (a->ask == NULL || a->reply == NULL)
        return out_fail(out, MR_NO_MEMORY, NULL);
    enum mr_status st = find_places(a);
    if (st == MR_OK && (needs & NEED_DATA) != 0 && a->data[0] == '\0')
        st = out_fail(out, MR_USAGE, _("which data directory? Give --data DIR (or MEREAU_DATA)"));
    if (st == MR_OK)
        st = find_charter(a);
    if (st == MR_OK && (needs & NEED_GOVERNANCE) == NEED_GOVERNANCE && opt_text(c, "key") == NULL)
        st = out_fail(out, MR_USAGE,
                      _("which key shall sign? Give --key FILE, a governance key file"));
    if (st == MR_OK && (needs & NEED_KEY) != 0)
        st = open_key(a);
    if (st == MR_OK)
        st = find_own(a);
    if (st == MR_OK && (needs & NEED_OWN) != 0 && a->own == NULL)
        st = out_fail(out, MR_USAGE, _("which node? Give --data DIR, its data directory"));
    if (st == MR_OK)
        st = find_home(a);
    if (st == MR_OK && (needs & NEED_NODE) != 0)
        st = connect_node(a);
    if (st == MR_OK && a->signer != NULL)
        keep_epochs(a);
    return st;
}

void admin_end(struct admin *a)
{
    link_close(a->link);
    signer_close(a->signer);
    if (a->key_lock >= 0)
        close(a->key_lock);
    free(a->charter);
    free(a->genesis);
    epochs_done(&a->epochs);
    free(a->ask);
    free(a->reply);
    *a = (struct admin){.c = a->c, .out = a->out, .key_lock = -1};
}

enum mr_status admin_drafts_dir(struct admin *a, char ret[FILE_PATH_MAX])
{
    char dir[FILE_PATH_MAX];
    const char *given = opt_text(a->c, "drafts");
    if (given != NULL)
        return take_path(a, ret, given);
    if (a->key_path[0] == '\0') {
        snprintf(ret, FILE_PATH_MAX, "%.4000s-keys/drafts", a->data);
        return MR_OK;
    }
    if (path_parent(dir, a->key_path) != MR_OK || path_join(ret, dir, "drafts") != MR_OK)
        return out_fail(a->out, MR_USAGE, _("\"%.40s...\" is too long for a path"), a->key_path);
    return MR_OK;
}

const char *admin_place(const struct admin *a)
{
    static char text[2 * FILE_PATH_MAX];
    const char *const node = opt_text(a->c, "node");
    if (node == NULL)
        snprintf(text, sizeof text, "-d %s", a->data);
    else if (a->data[0] == '\0')
        snprintf(text, sizeof text, "--node %s", node);
    else
        snprintf(text, sizeof text, "-d %s --node %s", a->data, node);
    return text;
}

enum mr_status admin_need_operator(struct admin *a)
{
    if (!signer_is_governance(a->signer))
        return MR_OK;
    return out_fail(
        a->out, MR_NOT_AUTHORISED,
        _("%s is a governance key: it changes rules and caps only; an operator's key is "
          "needed"),
        a->key_path);
}

enum mr_status admin_need_governance(struct admin *a)
{
    if (signer_is_governance(a->signer))
        return MR_OK;
    return out_fail(
        a->out, MR_NOT_AUTHORISED,
        _("%s is an operator's key; rules, caps, and who the nodes are, are changed with "
          "governance keys: name one with --key"),
        a->key_path);
}
