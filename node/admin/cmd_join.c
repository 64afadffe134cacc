/* federation join: a node gets into a ledger that runs (EPO-8, EPO-9).
 *
 * First keys and an offer are made, as for founding; then it waits until governance let an epoch
 * begin that names this node, takes the state over, and becomes a node's data directory. Cut
 * anywhere, the same command again goes on. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/adopt.h"
#include "admin/ahead.h"
#include "admin/founding.h"
#include "admin/lobby.h"
#include "admin/node_key.h"
#include "admin/offers.h"
#include "admin/taking.h"
#include "common/config.h"
#include "common/term.h"
#include "mereau/federation.h"
#include "mereau/text.h"

enum { LINK_MAX = 1024, LOOK_MS = 2000, WAIT_MAX = 366 * 86400 };

struct listens {
    char wallet[256], peer[256];
};

struct joining {
    struct taking t;
    struct adopting x;
    struct listens at;
    struct mr_pubkey transport;
    struct lobby *lobby;
    char link[FILE_PATH_MAX], store[FILE_PATH_MAX], parts[FILE_PATH_MAX], snapshots[FILE_PATH_MAX];
    int64_t wait_s;
};

/* --- the link ----------------------------------------------------------------------------------
 */

static enum mr_status parse_link(struct joining *j, const char *text)
{
    size_t wrong = 0;
    const enum mr_status st = mr_join_link_parse(&j->x.first, &wrong, text);
    return st == MR_OK
               ? st
               : out_fail(j->t.a.out, st == MR_BAD_TEXT ? MR_USAGE : st,
                          _("\"%.60s\" is no link of \"mereau-admin federation invite\""), text);
}

static enum mr_status read_link(struct joining *j)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum mr_status st = file_read(&bytes, &len, j->link, LINK_MAX);
    if (st != MR_OK)
        return out_fail(j->t.a.out, st,
                        _("%s holds no invitation: give the link, \"federation join LINK %s\""),
                        j->t.a.data, j->t.a.data);
    while (len > 0 && bytes[len - 1] == '\n')
        bytes[--len] = '\0';
    st = parse_link(j, (const char *)bytes);
    free(bytes);
    return st;
}

static enum mr_status write_link(struct joining *j)
{
    char text[MR_JOIN_LINK_TEXT_MAX + 1];
    mr_join_link_format(text, &j->x.first);
    const size_t len = strlen(text);
    text[len] = '\n';
    const enum mr_status st = file_write(j->link, text, len + 1, 0600, true);
    return st == MR_OK ? st
                       : out_fail(j->t.a.out, st, _("%s cannot be written: %s"), j->link,
                                  status_sentence(st));
}

static enum mr_status get_charter(struct joining *j)
{
    enum mr_status st = adopt_charter(&j->x);
    if (st == MR_OK)
        st = adopt_epochs(&j->x); /* who joins agrees to the present one */
    if (st == MR_OK)
        return st;
    return out_fail(j->t.a.out, st,
                    _("the charter cannot be had from %s: %s. The link has to be of a node that "
                      "runs."),
                    j->x.first.address, status_sentence(st));
}

/* --- keys and offer ----------------------------------------------------------------------------
 */

static enum mr_status agree(struct joining *j)
{
    struct out *out = j->t.a.out;
    char code[MR_CONFIRMATION_MAX];
    mr_confirmation(code, j->x.first.ledger);
    federation_show(out, j->x.present, NULL, 0);
    out_text(out, "ledger_code", code);
    out_print(out, _("Code of the ledger: %s\n"), code);
    return term_confirm(j->t.a.c, out,
                        _("Has the association that invites you read this code to you?"));
}

static void print_offered(struct joining *j, struct founding *f, const char *path)
{
    struct out *out = f->out;
    uint8_t hash[32];
    char code[MR_CONFIRMATION_MAX];
    mr_offer_hash(hash, &f->offer->offer);
    mr_confirmation(code, hash);
    out_text(out, "data", f->data);
    out_text(out, "offer", path);
    out_text(out, "code", code);
    out_print(out, _("The offer of %s is made: %s\n"), f->offer->offer.association.name, path);
    founding_print_keys(f);
    out_print(
        out,
        _("\nCode of the offer: %s\n"
          "\nWhat to do next:\n"
          "  1. Send the offer to the association that invites, and read the code to it.\n"
          "  2. Let this command run until governance has let this node in; stopped, it goes\n"
          "     on with:  mereau-admin federation join %s\n"),
        code, j->t.a.data);
}

static enum mr_status make_offer(struct joining *j)
{
    struct founding f;
    const char *copy = opt_text(j->t.a.c, "output");
    char path[FILE_PATH_MAX];
    enum mr_status st = founding_begin(&f, j->t.a.c, j->t.a.out, j->t.a.data);
    if (st == MR_OK && path_join(path, f.data, offer_file) != MR_OK)
        st = out_fail(f.out, MR_USAGE, NULL);
    if (st == MR_OK)
        st = get_charter(j);
    if (st == MR_OK)
        st = agree(j);
    if (st == MR_OK)
        st = offer_make(&f, j->x.genesis);
    if (st != MR_OK)
        founding_undo(&f);
    else
        print_offered(j, &f, copy != NULL && offer_copy(&f, copy) == MR_OK ? copy : path);
    founding_end(&f);
    return st;
}

/* --- waiting -----------------------------------------------------------------------------------
 */

static void ignore_complaint(void *user, const char *file, unsigned line, const char *sentence)
{
    (void)user, (void)file, (void)line, (void)sentence;
}

static enum mr_status read_own(struct joining *j)
{
    static const struct config_row rows[] = {
        CONFIG_ROW(struct listens, wallet, "wallet", "listen", CONFIG_TEXT, 0, 255,
                   "127.0.0.1:7290", NULL),
        CONFIG_ROW(struct listens, peer, "peer", "listen", CONFIG_TEXT, 0, 255, "", NULL)};
    struct mr_seckey log;
    config_defaults(&j->at, rows, 2);
    config_read(&j->at, rows, 2, j->t.conf, ignore_complaint, NULL);
    const enum mr_status st = node_key_read(&log, &j->x.log_key, &j->x.transport_key, &j->transport,
                                            j->t.a.data, "node.key");
    mr_seckey_done(&log);
    return st == MR_OK ? st
                       : out_fail(j->t.a.out, st, _("the node's key in %s cannot be read: %s"),
                                  j->t.a.data, status_sentence(st));
}

static enum mr_status open_lobby(struct joining *j)
{
    const char *const listen[2] = {j->at.wallet, j->at.peer}, *which = "";
    const enum mr_status st =
        lobby_open(&j->lobby, &which, listen, &j->transport, &j->x.transport_key);
    return st == MR_OK ? st
                       : out_fail(j->t.a.out, st,
                                  _("%s: nothing can listen at \"%s\", where this node shall be "
                                    "found: %s"),
                                  j->t.conf, which, status_sentence(st));
}

/* Of a run that was cut: it was not in use yet. */
static void drop_store(const struct joining *j)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "seal"};
    char path[FILE_PATH_MAX];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (path_join(path, j->store, files[i]) == MR_OK)
            unlink(path);
    rmdir(j->store);
}

/* One look round. MR_OK: the state is here; MR_NO_CHANGE: not yet. */
static enum mr_status look(struct joining *j)
{
    (void)adopt_look(&j->x); /* who does not answer may do so the next time */
    if (j->x.number == 0)
        return MR_NO_CHANGE;
    enum mr_status st = adopt_finals(&j->x);
    if (st == MR_OK)
        st = adopt_state(&j->x, j->parts, j->snapshots);
    if (st == MR_OK) {
        drop_store(j);
        st = rename(j->parts, j->store) == 0 ? MR_OK : MR_IO_ERROR;
    }
    if (st == MR_DISK_FULL || st == MR_IO_ERROR || st == MR_NO_MEMORY)
        return out_fail(j->t.a.out, st, _("the state cannot be kept in %s: %s"), j->parts,
                        status_sentence(st));
    return st == MR_OK ? st : MR_NO_CHANGE;
}

static enum mr_status wait_for_epoch(struct joining *j)
{
    const uint64_t end = admin_now_ms() + (uint64_t)j->wait_s * 1000;
    struct progress bar;
    uint64_t looks = 0;
    out_note(j->t.a.out, _("waiting until governance lets this node in; it can be reached at %s"),
             j->at.wallet);
    progress_begin(&bar, j->t.a.c, _("looking for an epoch with this node"), 0);
    enum mr_status st = look(j);
    while (st == MR_NO_CHANGE && admin_now_ms() < end) {
        lobby_wait(j->lobby, LOOK_MS);
        progress_update(&bar, ++looks);
        st = look(j);
    }
    progress_end(&bar);
    if (st != MR_NO_CHANGE)
        return st;
    if (j->x.number != 0)
        return out_fail(j->t.a.out, MR_NO_QUORUM,
                        _("an epoch names this node, but not enough nodes answer to vouch for the "
                          "state; repeat \"mereau-admin federation join %s\""),
                        j->t.a.data);
    return out_fail(j->t.a.out, MR_NO_ANSWER,
                    _("no epoch names this node yet; repeat \"mereau-admin federation join %s\""),
                    j->t.a.data);
}

/* --- in ----------------------------------------------------------------------------------------
 */

/* The charter and what led to the present epoch go over to the taking. */
static enum mr_status take_up(struct joining *j)
{
    struct taking *const t = &j->t;
    struct mr_offer *const o = &t->offer->offer;
    const char *what = NULL;
    uint32_t at = 0;
    t->a.genesis = j->x.genesis;
    t->a.charter = j->x.present;
    t->a.epochs = j->x.epochs;
    j->x.genesis = j->x.present = NULL;
    j->x.epochs = (struct epochs){.count = 0};
    memcpy(t->a.ledger, j->x.first.ledger, 32);
    o->governance_count = 0; /* who joins does not govern: NEXT changes no governance keys */
    enum mr_status st = mr_offer_in_charter(&at, &what, o, t->a.charter);
    if (st != MR_OK)
        return out_fail(t->a.out, MR_CONFIG,
                        _("the epoch does not have this association as it was offered; changed: "
                          "%s. Make another offer in another directory."),
                        what != NULL ? _(what) : "?");
    t->node = t->a.own = &t->a.charter->nodes[at];
    t->fresh = true;
    st = taking_put(t);
    return st == MR_OK ? taking_keys(t) : st;
}

static void print_in(struct joining *j)
{
    struct taking *const t = &j->t;
    struct out *out = t->a.out;
    out_text(out, "data", t->a.data);
    out_text(out, "ledger", admin_hex(t->a.ledger));
    out_int(out, "node", t->node->number);
    out_int(out, "epoch", t->a.epochs.count + 1);
    out_int(out, "accounts", (int64_t)j->x.state.accounts);
    out_int(out, "voices", j->x.state.voices);
    out_int(out, "keys_taken", t->sealed);
    out_json(out, "keys_waiting", json_incref(t->waiting));
    out_print(out,
              _("%s is node %u of %s, from epoch %u on. %u nodes vouch for the state of %llu "
                "accounts.\n"
                "\nWhat to do next:\n"
                "  1. Start the node:         mereaud %s\n"
                "  2. See how the others are: mereau-admin -d %s federation status\n"),
              t->a.data, t->node->number, t->a.charter->name, t->a.epochs.count + 1,
              j->x.state.voices, (unsigned long long)j->x.state.accounts, t->a.data, t->a.data);
    if (t->closed > 0)
        out_fail(out, MR_WRONG_PASSPHRASE,
                 _("key files that were not opened (%u) belong to no ledger yet and sign nothing: "
                   "\"mereau-admin federation found %s %s/charter.mrc\" with their passphrases"),
                 t->closed, t->a.data, t->a.data);
}

static enum mr_status finish(struct joining *j)
{
    enum mr_status st = taking_offer(&j->t);
    if (st == MR_OK)
        st = read_own(j);
    if (st == MR_OK)
        st = open_lobby(j);
    if (st == MR_OK && j->x.genesis->version == 0)
        st = get_charter(j);
    if (st == MR_OK)
        st = wait_for_epoch(j);
    if (st == MR_OK)
        st = take_up(j);
    if (st == MR_OK)
        print_in(j);
    return st;
}

static enum mr_status find_places(struct joining *j, const char *data)
{
    enum mr_status st = taking_places(&j->t, data);
    if (st == MR_OK && (path_join(j->link, j->t.a.data, "invite.link") != MR_OK ||
                        path_join(j->store, j->t.a.data, "store") != MR_OK ||
                        path_join(j->parts, j->t.a.data, "joining") != MR_OK ||
                        path_join(j->snapshots, j->t.a.data, "snapshots") != MR_OK))
        st = out_fail(j->t.a.out, MR_USAGE, NULL);
    return st;
}

/* A directory that is a node's already. */
static enum mr_status refuse(struct joining *j)
{
    struct admin *const a = &j->t.a;
    struct ahead ahead;
    uint32_t own = 0;
    int at = -1;
    enum mr_status st = charter_read(&a->genesis, a->ledger, a->out, j->t.charter);
    if (st == MR_OK)
        st = conf_node_number(&own, a->out, j->t.conf);
    if (st != MR_OK)
        return st;
    a->charter = malloc(sizeof *a->charter);
    if (a->charter == NULL)
        return out_fail(a->out, MR_NO_MEMORY, NULL);
    *a->charter = *a->genesis;
    if (epochs_read(&a->epochs, a->genesis, a->charter, a->data) == MR_OK)
        at = ahead_find(&ahead, a, own);
    if (at < 0 && admin_node_of(a->charter, own) == NULL)
        return ahead_gone(a, own);
    if (at < 0)
        return out_fail(a->out, MR_ALREADY_DONE, _("%s is a node's already: start it"), a->data);
    return ahead_fail(a, a->epochs.count + 1, &ahead, a->charter->nodes[at].address);
}

/* The offer of an earlier run. */
static void print_made_before(struct joining *j)
{
    char path[FILE_PATH_MAX];
    const char *const data = j->t.a.data;
    if (path_join(path, data, "offer.mro") != MR_OK)
        return;
    out_text(j->t.a.out, "data", data);
    out_text(j->t.a.out, "offer", path);
    out_print(
        j->t.a.out,
        _("The offer was made before: %s\nIt goes on with:  mereau-admin federation join %s\n"),
        path, data);
}

static enum mr_status join(struct joining *j)
{
    struct command *const c = j->t.a.c;
    const char *const link = c->arg_count > 1 ? c->args[0] : NULL;
    enum mr_status st = opt_int(c, j->t.a.out, &j->wait_s, "wait", 0, WAIT_MAX);
    if (st == MR_OK || st == MR_NOT_FOUND)
        st = find_places(j, c->args[c->arg_count - 1]);
    if (st == MR_OK && adopt_begin(&j->x, c) != MR_OK)
        st = out_fail(j->t.a.out, MR_NO_MEMORY, NULL);
    if (st == MR_OK && file_exists(j->t.charter))
        st = refuse(j);
    if (st == MR_OK)
        st = link != NULL ? parse_link(j, link) : read_link(j);
    const bool was_there = st == MR_OK && file_exists(j->t.a.data);
    if (st == MR_OK && !was_there)
        st = make_offer(j);
    if (st == MR_OK && link != NULL)
        st = write_link(j);
    if (st == MR_OK && j->wait_s == 0 && was_there)
        print_made_before(j);
    return st == MR_OK && j->wait_s > 0 ? finish(j) : st;
}

void cmd_join(struct command *c, struct out *out)
{
    struct joining *const j = calloc(1, sizeof *j);
    if (j == NULL || sodium_init() < 0) {
        out_fail(out, MR_NO_MEMORY, NULL);
        free(j);
        return;
    }
    j->t = (struct taking){.a = {.c = c, .out = out, .key_lock = -1}, .waiting = json_array()};
    j->wait_s = WAIT_MAX;
    join(j);
    lobby_close(j->lobby);
    adopt_end(&j->x);
    taking_done(&j->t);
    free(j);
}
