/* federation rekey: a new log key for a node that goes on, or for one that lost everything. The
 * result is an offer, like that of a node that joins; governance puts it in the old one's place. Of
 * an association whose node left or was left out it is the offer of a new one: an operator's key
 * signs it, so that governance knows that it is the same association. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "admin/ahead.h"
#include "admin/cmd.h"
#include "admin/field.h"
#include "admin/founding.h"
#include "admin/node_key.h"
#include "mereau/codec.h"
#include "mereau/federation.h"
#include "mereau/order.h"
#include "mereau/text.h"

const struct option_row rekey_options[] = {
    {"number", 0, "N", N_("which node, where the association has several")},
    {"listen", 0, N_("HOST:PORT"), N_("where the node takes wallets (default: its address)")},
    {"peer-listen", 0, N_("HOST:PORT"),
     N_("where the node takes the other nodes (default: its address for them)")},
    {"output", 'o', N_("FILE"), N_("write the offer there too, to be handed on")},
    {NULL, 0, NULL, NULL},
};

enum { ANSWER_MS = 2000 };

static const char next_name[] = "node.next.key", rekey_file[] = "rekey.mro";

static enum mr_status write_failed(struct out *out, enum mr_status st, const char *path)
{
    return out_fail(out, st, _("%s cannot be written: %s"), path, status_sentence(st));
}

static enum mr_status check_offer(struct admin *a, const struct mr_offer *o)
{
    const char *what = NULL;
    return mr_offer_check(o, &what) == MR_OK
               ? MR_OK
               : out_fail(a->out, MR_CONFIG, _("this cannot be offered: %s"), _(what));
}

/* The association as the charter has it, and its node without its number. */
static void fill_offer(struct admin *a, struct mr_offer *o, const struct mr_node *node)
{
    o->version = 1;
    o->created_ms = admin_now_ms();
    o->decimals = a->charter->units[0].decimals;
    o->association = *a->home;
    o->node = *node;
    o->node.number = 0;
}

/* number: 0 when it is a new node. */
static void print_code(struct out *out, const struct mr_offer *o, const char *path, uint32_t number)
{
    uint8_t hash[32];
    char code[MR_CONFIRMATION_MAX];
    mr_offer_hash(hash, o);
    mr_confirmation(code, hash);
    out_text(out, "offer", path);
    out_text(out, "code", code);
    if (number == 0) {
        out_print(out, _("The offer of a new node of %s is made: %s\nCode of the offer: %s\n"),
                  o->association.name, path, code);
        return;
    }
    out_int(out, "node", number);
    out_print(out, _("The offer of a new key for node %u is made: %s\nCode of the offer: %s\n"),
              number, path, code);
}

/* --- a node that goes on ------------------------------------------------------------------------
 */

static enum mr_status write_offer(struct admin *a, const struct mr_signed_offer *o,
                                  const char *path)
{
    const size_t cap = sizeof *o; /* encoded it is no larger */
    uint8_t *const bytes = malloc(cap);
    if (bytes == NULL)
        return out_fail(a->out, MR_NO_MEMORY, NULL);
    const size_t len = mr_signed_offer_encode(o, bytes, cap);
    const enum mr_status st = file_write(path, bytes, len, 0644, true);
    free(bytes);
    return st == MR_OK ? st : write_failed(a->out, st, path);
}

/* The epoch that the node itself says it is in; 0: it does not run. */
static uint32_t running_epoch(struct admin *a)
{
    char path[FILE_PATH_MAX];
    const struct link_config config = {.address = path,
                                       .pinned = &a->own->transport_key,
                                       .ledger = a->ledger,
                                       .timeout_ms = ANSWER_MS};
    if (path_join(path, a->data, "run/control.sock") != MR_OK || !file_exists(path))
        return 0;
    *a->ask = (struct mr_request_body){.kind = MR_REQ_NODE};
    return link_once(a->reply, &config, a->ask) == MR_OK ? a->reply->body.u.node.epoch : 0;
}

/* The epoch that stands in the directory. Another node (--node) may have told of later ones. */
static uint32_t epoch_of_data(const struct admin *a)
{
    struct epochs here = {.count = 0};
    struct mr_charter *const present = malloc(sizeof *present);
    if (present != NULL) {
        *present = *a->genesis;
        (void)epochs_read(&here, a->genesis, present, a->data);
    }
    const uint32_t epoch = here.count + 1;
    epochs_done(&here);
    free(present);
    return epoch;
}

/* Governance would sign in vain for a node that is behind, and for one that is none any more. */
static enum mr_status must_be_present(struct admin *a)
{
    struct ahead ahead;
    const uint32_t runs = running_epoch(a), kept = epoch_of_data(a);
    const uint32_t here = runs > kept ? runs : kept, known = a->epochs.count + 1;
    const struct mr_node *const now = admin_node_of(a->charter, a->own->number);
    const int at = ahead_find(&ahead, a, a->own->number);
    if (at >= 0 && ahead.epoch > here)
        return ahead_fail(a, here, &ahead, a->charter->nodes[at].address);
    if (now == NULL)
        return ahead_gone(a, a->own->number);
    ahead = (struct ahead){.epoch = known};
    return known > here ? ahead_fail(a, here, &ahead, opt_text(a->c, "node")) : MR_OK;
}

/* The same command again offers the same key. */
static enum mr_status next_key(struct admin *a, struct mr_seckey *ret, struct mr_node *node)
{
    struct mr_seckey transport;
    struct mr_pubkey transport_public;
    char path[FILE_PATH_MAX];
    enum mr_status st = path_join(path, a->data, next_name);
    if (st == MR_OK && !file_exists(path))
        st = node_key_renew(a->data, next_name);
    if (st == MR_OK)
        st = node_key_read(ret, &node->log_key, &transport, &transport_public, a->data, next_name);
    if (st == MR_OK)
        mr_seckey_done(&transport);
    return st == MR_OK ? st
                       : out_fail(a->out, st, _("The node's new key cannot be made: %s"),
                                  status_sentence(st));
}

static enum mr_status rekey_living(struct admin *a, struct mr_signed_offer *o)
{
    struct mr_node node = *a->own;
    struct mr_seckey log;
    char path[FILE_PATH_MAX];
    const char *const copy = opt_text(a->c, "output");
    if (path_join(path, a->data, rekey_file) != MR_OK)
        return out_fail(a->out, MR_USAGE, NULL);
    enum mr_status st = must_be_present(a);
    if (st == MR_OK)
        st = next_key(a, &log, &node);
    if (st != MR_OK)
        return st;
    fill_offer(a, &o->offer, &node);
    mr_offer_sign(o, &log, a->signer->key->key_index, signer_secret(a->signer));
    mr_seckey_done(&log);
    st = check_offer(a, &o->offer);
    if (st == MR_OK)
        st = write_offer(a, o, path);
    if (st == MR_OK && copy != NULL)
        st = write_offer(a, o, copy);
    if (st != MR_OK)
        return st;
    print_code(a->out, &o->offer, copy != NULL ? copy : path, a->own->number);
    out_print(a->out,
              _("\nWhat to do next:\n"
                "  1. Start the node again, so that it has the new key at hand:  mereaud %s\n"
                "  2. Governance signs:  mereau-admin federation propose --rekey %u=%s\n"
                "The node goes over to the new key by itself.\n"),
              a->data, a->own->number, copy != NULL ? copy : path);
    return MR_OK;
}

/* --- a node that lost everything ----------------------------------------------------------------
 */

/* The node whose place it takes: a present one of the association; else the last one it had, and
 * *ret_gone. */
static enum mr_status find_lost(struct admin *a, struct mr_node *ret, bool *ret_gone)
{
    int64_t number = 0;
    unsigned found = 0;
    *ret_gone = false;
    const enum mr_status st = opt_int(a->c, a->out, &number, "number", 1, MR_NODES_MAX);
    if (st == MR_USAGE)
        return st;
    for (uint32_t i = 0; i < a->charter->nodes_count; i++) {
        const struct mr_node *const n = &a->charter->nodes[i];
        if (memcmp(n->association, a->home->id, MR_ACCOUNT_BYTES) != 0 ||
            (number != 0 && n->number != number))
            continue;
        *ret = *n;
        found++;
    }
    if (found == 0 && number == 0)
        *ret_gone = admin_past_node(ret, a, 0, a->home->id);
    if (found == 1 || *ret_gone)
        return MR_OK;
    return out_fail(a->out, MR_USAGE,
                    found == 0 ? _("the present charter has no such node of %s")
                               : _("%s has several nodes: which one? Give --number N"),
                    a->home->name);
}

static bool answers(struct admin *a, const struct mr_node *n)
{
    const struct link_config config = {.address = n->address,
                                       .pinned = &n->transport_key,
                                       .ledger = a->ledger,
                                       .timeout_ms = ANSWER_MS};
    *a->ask = (struct mr_request_body){.kind = MR_REQ_NODE};
    return link_once(a->reply, &config, a->ask) == MR_OK;
}

/* Another node: the one that --node named, or one that answers, or else any. */
static const struct mr_node *find_other(struct admin *a, const struct mr_node *lost)
{
    const char *const named = opt_text(a->c, "node");
    const struct mr_node *other = NULL;
    for (uint32_t i = 0; i < a->charter->nodes_count; i++) {
        const struct mr_node *const n = &a->charter->nodes[i];
        if (n->number == lost->number)
            continue;
        if (named != NULL ? strcmp(n->address, named) == 0 : answers(a, n))
            return n;
        other = n;
    }
    return other;
}

/* Who is asked for the state later. */
static enum mr_status write_link(struct admin *a, const struct mr_node *lost, const char *dir)
{
    struct mr_join_link link = {.version = 1};
    char text[MR_JOIN_LINK_TEXT_MAX + 1], path[FILE_PATH_MAX];
    const struct mr_node *const other = find_other(a, lost);
    if (other == NULL)
        return out_fail(
            a->out, MR_NO_QUORUM,
            _("no other node is known here: the state is in backups (\"mereau-admin restore\"), or "
              "at nodes that came later: give --charter FILE, the charter.mrc of one of them with "
              "epochs.mrh beside it"));
    link.transport_key = other->transport_key;
    memcpy(link.ledger, a->ledger, sizeof link.ledger);
    memcpy(link.association, other->association, sizeof link.association);
    FIELD_SET(&link, address, other->address);
    mr_join_link_format(text, &link);
    const size_t len = strlen(text);
    text[len] = '\n';
    enum mr_status st = path_join(path, dir, "invite.link");
    if (st == MR_OK)
        st = file_write(path, text, len + 1, 0600, true);
    return st == MR_OK ? st : write_failed(a->out, st, path);
}

static enum mr_status fill_founding(struct founding *f, struct admin *a, const struct mr_node *lost)
{
    const char *const listen = opt_text(a->c, "listen"), *const peer =
                                                             opt_text(a->c, "peer-listen");
    snprintf(f->data, sizeof f->data, "%s", a->data);
    snprintf(f->parts, sizeof f->parts, "%.4000s.founding", a->data);
    if (file_exists(f->parts))
        return out_fail(a->out, MR_FILE_EXISTS, _("%s is in the way: remove it"), f->parts);
    snprintf(f->plan.association, sizeof f->plan.association, "%s", a->home->name);
    snprintf(f->plan.address, sizeof f->plan.address, "%s", lost->address);
    snprintf(f->plan.peer_address, sizeof f->plan.peer_address, "%s", lost->peer_address);
    snprintf(f->plan.listen, sizeof f->plan.listen, "%s", listen != NULL ? listen : lost->address);
    snprintf(f->plan.peer_listen, sizeof f->plan.peer_listen, "%s",
             peer != NULL ? peer : lost->peer_address);
    f->offer = calloc(1, sizeof *f->offer);
    if (f->offer == NULL)
        return out_fail(a->out, MR_NO_MEMORY, NULL);
    fill_offer(a, &f->offer->offer, lost);
    f->association = &f->offer->offer.association;
    f->node = &f->offer->offer.node;
    return founding_fill_node(f);
}

static void print_lost(struct admin *a, const struct founding *f, const struct mr_node *lost,
                       bool gone, const char *path)
{
    print_code(a->out, &f->offer->offer, path, gone ? 0 : lost->number);
    if (gone)
        out_print(a->out,
                  _("\nWhat to do next:\n"
                    "  1. Read the code to those who govern.\n"
                    "  2. Let this run: it waits, and takes the state over from the others:\n"
                    "       mereau-admin federation join %s\n"
                    "  3. Governance signs:  mereau-admin federation propose --add %s\n"),
                  f->data, path);
    else
        out_print(a->out,
                  _("\nWhat to do next:\n"
                    "  1. Governance signs:  mereau-admin federation propose --rekey %u=%s\n"
                    "  2. Take the state over from the others:\n"
                    "       mereau-admin federation join %s\n"),
                  lost->number, path, f->data);
}

/* What stands beside the key may be of long ago: then it is not known which node it was. */
static enum mr_status must_know(struct admin *a)
{
    struct ahead ahead;
    const int at = opt_text(a->c, "node") == NULL ? ahead_find(&ahead, a, 0) : -1;
    return at < 0 ? MR_OK
                  : out_fail(a->out, MR_EPOCH_MISMATCH,
                             _("beside the key it is known who the nodes were in epoch %u, and the "
                               "nodes are in epoch %u: give --node %s, too"),
                             a->epochs.count + 1, ahead.epoch, a->charter->nodes[at].address);
}

static enum mr_status rekey_lost(struct admin *a)
{
    struct founding f = {.c = a->c, .out = a->out};
    struct mr_node lost;
    struct mr_pubkey unused;
    struct mr_seckey log;
    bool gone;
    char path[FILE_PATH_MAX];
    const char *const copy = opt_text(a->c, "output");
    enum mr_status st = must_know(a);
    if (st == MR_OK)
        st = find_lost(a, &lost, &gone);
    if (st == MR_OK)
        st = fill_founding(&f, a, &lost);
    if (st == MR_OK) {
        mr_seckey_from_seed(&log, &unused, f.node_seeds);
        mr_offer_sign(f.offer, &log, a->signer->key->key_index, signer_secret(a->signer));
        mr_seckey_done(&log);
        st = check_offer(a, &f.offer->offer);
    }
    if (st == MR_OK)
        st = founding_put_node(&f);
    if (st != MR_OK)
        founding_undo(&f);
    if (st == MR_OK)
        st = write_link(a, &lost, f.data);
    if (st == MR_OK && copy != NULL)
        st = offer_copy(&f, copy);
    if (st == MR_OK && path_join(path, f.data, offer_file) == MR_OK)
        print_lost(a, &f, &lost, gone, copy != NULL ? copy : path);
    founding_end(&f);
    return st;
}

void cmd_rekey(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_signed_offer *const o = calloc(1, sizeof *o);
    char conf[FILE_PATH_MAX];
    const unsigned node = opt_text(c, "node") != NULL ? NEED_NODE : 0;
    enum mr_status st = admin_begin_at(&a, c, out, NEED_CHARTER | NEED_KEY | NEED_DATA | node,
                                       c->arg_count > 0 ? c->args[0] : NULL);
    if (st == MR_OK && o == NULL)
        st = out_fail(out, MR_NO_MEMORY, NULL);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK && path_join(conf, a.data, "charter.mrc") != MR_OK)
        st = out_fail(out, MR_USAGE, NULL);
    if (st == MR_OK && file_exists(a.data) && !file_exists(conf))
        st = out_fail(out, MR_FILE_EXISTS,
                      _("%s is no node's data directory, and not free for a new one"), a.data);
    if (st == MR_OK) {
        if (file_exists(conf))
            rekey_living(&a, o);
        else
            rekey_lost(&a);
    }
    free(o);
    admin_end(&a);
}
