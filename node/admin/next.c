#include "admin/next.h"

#include <stdlib.h>
#include <string.h>

#include "admin/field.h"
#include "admin/offers.h"
#include "common/hostport.h"
#include "common/ledger_words.h"
#include "common/term.h"
#include "common/witnesses.h"
#include "mereau/codec.h"
#include "mereau/federation.h"
#include "mereau/handover.h"

enum { REACH_MS = 5000 };

void next_begin(struct admin *a, struct mr_next_epoch *ret)
{
    struct mr_roster first;
    mr_roster_genesis(&first, a->genesis);
    const struct mr_roster *const r = a->epochs.roster != NULL ? a->epochs.roster : &first;
    *ret = (struct mr_next_epoch){.epoch = r->epoch + 1, .seats_count = r->count};
    for (uint32_t i = 0; i < r->count; i++) {
        ret->seats[i].node = r->seats[i].node;
        ret->seats[i].generation = r->seats[i].generation;
    }
}

static enum mr_status find_seat(struct admin *a, const struct mr_next_epoch *n, uint32_t number,
                                uint32_t *ret)
{
    for (uint32_t i = 0; i < n->seats_count; i++)
        if (n->seats[i].node.number == number) {
            *ret = i;
            return MR_OK;
        }
    return admin_node_of(a->charter, number) != NULL
               ? out_fail(a->out, MR_USAGE,
                          _("node %u is named twice: it leaves, so nothing else can become of it"),
                          number)
               : out_fail(a->out, MR_NOT_FOUND,
                          _("there is no node %u in the present epoch: \"mereau-admin federation "
                            "status\" lists those that there are"),
                          number);
}

enum mr_status next_remove(struct admin *a, struct mr_next_epoch *n, uint32_t number)
{
    uint32_t at = 0;
    const enum mr_status st = find_seat(a, n, number, &at);
    if (st != MR_OK)
        return st;
    n->seats_count--;
    memmove(&n->seats[at], &n->seats[at + 1], (n->seats_count - at) * sizeof n->seats[0]);
    return MR_OK;
}

/* --- who comes -------------------------------------------------------------------------------- */

/* Numbers are not given twice. */
static uint32_t highest_number(const struct admin *a, const struct mr_next_epoch *n)
{
    uint32_t most = a->genesis->nodes[a->genesis->nodes_count - 1].number;
    most = a->epochs.highest > most ? a->epochs.highest : most;
    for (uint32_t i = 0; i < n->seats_count; i++)
        most = n->seats[i].node.number > most ? n->seats[i].node.number : most;
    return most;
}

static bool same_association(const struct mr_association *a, const struct mr_association *b)
{
    uint8_t x[sizeof *a], y[sizeof *b];
    const size_t n = mr_association_encode(a, x, sizeof x);
    return n == mr_association_encode(b, y, sizeof y) && memcmp(x, y, n) == 0;
}

static enum mr_status check_association(struct admin *a, const struct mr_offer *o, bool *ret_known)
{
    const struct mr_charter *const c = a->charter;
    *ret_known = false;
    if (o->decimals != c->units[0].decimals)
        return out_fail(a->out, MR_CONFIG,
                        _("the offer of %s is meant for %u decimals, and this currency has %u: it "
                          "has to be made again with \"mereau-admin federation join\""),
                        o->association.name, o->decimals, c->units[0].decimals);
    for (uint32_t i = 0; i < c->associations_count; i++) {
        if (memcmp(c->associations[i].id, o->association.id, MR_ACCOUNT_BYTES) != 0)
            continue;
        *ret_known = true;
        if (!same_association(&c->associations[i], &o->association))
            return out_fail(a->out, MR_CONFIG,
                            _("the offer has %s otherwise than the charter: keys and caps of an "
                              "association are not changed by the way"),
                            o->association.name);
    }
    return MR_OK;
}

static enum mr_status add_association(struct admin *a, struct mr_next_epoch *n,
                                      const struct mr_offer *o)
{
    const struct mr_charter *const c = a->charter;
    enum mr_status st = offer_has_space(o, c->associations, c->associations_count, a->out);
    if (st == MR_OK)
        st = offer_has_space(o, n->associations, n->associations_count, a->out);
    if (st == MR_OK)
        n->associations[n->associations_count++] = o->association;
    return st;
}

enum mr_status next_add(struct admin *a, struct mr_next_epoch *n, const struct mr_offer *o)
{
    const uint32_t number = highest_number(a, n) + 1;
    bool known = false;
    enum mr_status st = check_association(a, o, &known);
    if (st != MR_OK)
        return st;
    for (uint32_t i = 0; i < n->seats_count; i++)
        if (memcmp(n->seats[i].node.log_key.key, o->node.log_key.key, MR_KEY_BYTES) == 0)
            return out_fail(a->out, MR_USAGE,
                            _("the node of %s is there already, or its offer is named twice"),
                            o->association.name);
    for (uint32_t i = 0; !known && i < n->associations_count; i++)
        known = memcmp(n->associations[i].id, o->association.id, MR_ACCOUNT_BYTES) == 0;
    if (n->seats_count == MR_SEATS_MAX || number > MR_NODES_MAX ||
        (!known && n->associations_count == MR_JOINERS_MAX))
        return out_fail(a->out, MR_FULL,
                        _("no room for %s: at most %d nodes, %d new associations at a time, and %d "
                          "nodes ever"),
                        o->association.name, MR_SEATS_MAX, MR_JOINERS_MAX, MR_NODES_MAX);
    st = known ? MR_OK : add_association(a, n, o);
    if (st != MR_OK)
        return st;
    struct mr_epoch_seat *const s = &n->seats[n->seats_count++];
    *s = (struct mr_epoch_seat){.node = o->node, .generation = 1};
    s->node.number = number;
    if (o->governance_count > 0)
        out_note(a->out, _("the governance key of %s is not taken: who governs stays as it is"),
                 o->association.name);
    return MR_OK;
}

enum mr_status next_rekey(struct admin *a, struct mr_next_epoch *n, uint32_t number,
                          const struct mr_offer *o)
{
    uint32_t at = 0;
    const enum mr_status st = find_seat(a, n, number, &at);
    if (st != MR_OK)
        return st;
    struct mr_epoch_seat *const s = &n->seats[at];
    if (memcmp(s->node.association, o->association.id, MR_ACCOUNT_BYTES) != 0)
        return out_fail(a->out, MR_NOT_YOURS, _("node %u is not one of %s"), number,
                        o->association.name);
    if (memcmp(s->node.log_key.key, o->node.log_key.key, MR_KEY_BYTES) == 0)
        return out_fail(a->out, MR_NO_CHANGE, _("node %u has this key already"), number);
    s->node = o->node;
    s->node.number = number;
    s->generation++;
    return MR_OK;
}

enum mr_status next_move(struct admin *a, struct mr_next_epoch *n, uint32_t number, bool peers,
                         const char *address)
{
    struct hostport parsed;
    uint32_t at = 0;
    const enum mr_status st = find_seat(a, n, number, &at);
    if (st != MR_OK)
        return st;
    struct mr_node *const node = &n->seats[at].node;
    if (hostport_parse(&parsed, address) != MR_OK || parsed.port == 0 ||
        !(peers ? FIELD_SET(node, peer_address, address) : FIELD_SET(node, address, address)))
        return out_fail(a->out, MR_USAGE, _("\"%s\" is no address"), address);
    return MR_OK;
}

/* --- whether it would hurt ---------------------------------------------------------------------
 */

enum mr_status next_check(struct admin *a, const struct mr_next_epoch *n)
{
    const char *what = NULL;
    if (n->seats_count > 0 && (2 * n->quorum <= n->seats_count || n->quorum > n->seats_count))
        return out_fail(a->out, MR_USAGE,
                        _("%u of %u nodes cannot settle: the quorum is more than half of the nodes "
                          "and at most all, from %u to %u; without --quorum it is %u"),
                        n->quorum, n->seats_count, n->seats_count / 2 + 1, n->seats_count,
                        mr_quorum_default(n->seats_count));
    struct mr_charter *const after = malloc(sizeof *after);
    if (after == NULL)
        return out_fail(a->out, MR_NO_MEMORY, NULL);
    *after = *a->charter;
    if (mr_charter_next(after, n) != MR_OK)
        what = N_("there are more associations than a ledger can have");
    else if (mr_charter_check_later(after, &what) == MR_OK)
        (void)mr_federation_check(after, &what);
    free(after);
    return what == NULL ? MR_OK
                        : out_fail(a->out, MR_USAGE,
                                   _("this epoch cannot be: %s (%u nodes, %u of them settle)"),
                                   _(what), n->seats_count, n->quorum);
}

static bool same_witnesses(const struct mr_witness_set *a, const struct mr_witness_set *b)
{
    uint8_t x[sizeof *a], y[sizeof *b];
    const size_t n = mr_witness_set_encode(a, x, sizeof x);
    return n == mr_witness_set_encode(b, y, sizeof y) && memcmp(x, y, n) == 0;
}

bool next_changes(const struct admin *a, const struct mr_next_epoch *n)
{
    const struct mr_charter *const c = a->charter;
    uint8_t was[sizeof(struct mr_node)], is[sizeof(struct mr_node)];
    bool same = n->seats_count == c->nodes_count && n->quorum == c->quorum &&
                (n->witnesses_count == 0 || same_witnesses(&n->witnesses[0], &c->witnesses));
    for (uint32_t i = 0; same && i < n->seats_count; i++) {
        const size_t len = mr_node_encode(&c->nodes[i], was, sizeof was);
        same = len == mr_node_encode(&n->seats[i].node, is, sizeof is) && memcmp(was, is, len) == 0;
    }
    return !same;
}

/* What answers at an address. MR_OK: this node; MR_WRONG_NODE: another one. */
static enum mr_status probe(struct admin *a, const struct mr_node *n, const char *address,
                            bool peers)
{
    const struct link_config config = {.address = address,
                                       .pinned = &n->transport_key,
                                       .ledger = a->ledger,
                                       .timeout_ms =
                                           a->c->timeout_given ? a->c->timeout_ms : REACH_MS};
    *a->ask = (struct mr_request_body){.kind = peers ? MR_REQ_HEAD : MR_REQ_NODE};
    const enum mr_status st = link_once(a->reply, &config, a->ask);
    const bool silent = st == MR_UNREACHABLE || st == MR_NO_ANSWER || st == MR_BAD_TEXT;
    const bool strange = st == MR_WRONG_NODE || st == MR_BAD_SIGNATURE || st == MR_BAD_KEY;
    return silent || strange ? st : MR_OK;
}

static bool is_new(const struct admin *a, const struct mr_node *n)
{
    return admin_node_of(a->charter, n->number) == NULL;
}

static enum mr_status reach_one(struct admin *a, const struct mr_node *n, bool lenient,
                                uint32_t *answering)
{
    const char *address = n->address;
    enum mr_status st = probe(a, n, address, false);
    if (st == MR_OK && n->peer_address_len > 0) {
        address = n->peer_address;
        st = probe(a, n, address, true);
    }
    if (st == MR_OK) {
        ++*answering;
        return st;
    }
    if (st == MR_WRONG_NODE || st == MR_BAD_SIGNATURE || st == MR_BAD_KEY)
        return out_fail(a->out, MR_WRONG_NODE,
                        _("another one answers at %s than node %u: nothing was proposed"), address,
                        n->number);
    if (lenient && !is_new(a, n)) {
        out_note(a->out, _("node %u does not answer at %s"), n->number, address);
        return MR_OK;
    }
    return out_fail(a->out, MR_UNREACHABLE,
                    is_new(a, n) ? _("node %u shall be at %s, and nobody answers there: is "
                                     "\"mereau-admin federation join\" running?")
                                 : _("node %u does not answer at %s; if it is known to be down: "
                                     "--unreachable-ok"),
                    n->number, address);
}

enum mr_status next_reach(struct admin *a, const struct mr_next_epoch *n, bool lenient)
{
    uint32_t answering = 0;
    struct progress bar;
    enum mr_status st = MR_OK;
    if (n->seats_count == 1 && !is_new(a, &n->seats[0].node))
        return MR_OK; /* it is the one that this command speaks with, or no proposal is heard */
    progress_begin(&bar, a->c, _("calling the nodes"), n->seats_count);
    for (uint32_t i = 0; st == MR_OK && i < n->seats_count; i++) {
        st = reach_one(a, &n->seats[i].node, lenient, &answering);
        progress_update(&bar, i + 1);
    }
    progress_end(&bar);
    if (st == MR_OK && answering < n->quorum)
        return out_fail(a->out, MR_NO_QUORUM,
                        _("only %u of %u nodes answer, and %u have to: nothing would settle any "
                          "more"),
                        answering, n->seats_count, n->quorum);
    return st;
}

/* --- words -------------------------------------------------------------------------------------
 */

static const struct mr_association *
association_of(const struct admin *a, const struct mr_next_epoch *n, const struct mr_node *node)
{
    for (uint32_t i = 0; i < n->associations_count; i++)
        if (memcmp(n->associations[i].id, node->association, MR_ACCOUNT_BYTES) == 0)
            return &n->associations[i];
    for (uint32_t i = 0; i < a->charter->associations_count; i++)
        if (memcmp(a->charter->associations[i].id, node->association, MR_ACCOUNT_BYTES) == 0)
            return &a->charter->associations[i];
    return NULL;
}

/* What becomes of a node. */
static const char *change_of(const struct admin *a, const struct mr_node *n)
{
    const struct mr_node *const was = admin_node_of(a->charter, n->number);
    if (was == NULL)
        return _("joins");
    if (memcmp(was->log_key.key, n->log_key.key, MR_KEY_BYTES) != 0)
        return _("has a new key");
    return strcmp(was->address, n->address) == 0 && strcmp(was->peer_address, n->peer_address) == 0
               ? _("stays")
               : _("moves");
}

void next_describe(struct admin *a, const struct mr_next_epoch *n)
{
    char words[TOLERANCE_MAX];
    out_print(a->out, _("  epoch %u: %s\n"), n->epoch, n->reason);
    for (uint32_t i = 0; i < n->seats_count; i++) {
        const struct mr_node *const s = &n->seats[i].node;
        const struct mr_association *const who = association_of(a, n, s);
        out_print(a->out, _("  node %u (%s) %s: wallets %s, other nodes %s\n"), s->number,
                  who != NULL ? who->name : "?", change_of(a, s), s->address, s->peer_address);
    }
    for (uint32_t i = 0; i < a->charter->nodes_count; i++) {
        bool stays = false;
        for (uint32_t k = 0; k < n->seats_count; k++)
            stays = stays || n->seats[k].node.number == a->charter->nodes[i].number;
        if (!stays)
            out_print(a->out, _("  node %u (%s) leaves\n"), a->charter->nodes[i].number,
                      admin_association_of(a->charter, &a->charter->nodes[i])->name);
    }
    for (uint32_t i = 0; i < n->associations_count; i++)
        out_print(a->out, _("  %s (%s) joins, with at most %s outstanding\n"),
                  n->associations[i].name, n->associations[i].alias,
                  admin_amount(a, n->associations[i].cap));
    if (n->witnesses_count > 0) {
        char witnesses[WITNESSES_TEXT_MAX];
        witnesses_text(witnesses, &n->witnesses[0]);
        out_print(a->out, _("  witnesses from then on: %s\n"), witnesses);
    }
    if (n->seats_count == 1) {
        out_print(a->out, _("  one node: its word alone counts, and when it is down nothing is "
                            "paid\n"));
        return;
    }
    tolerance_words(words, n->seats_count - n->quorum, 2 * n->quorum - n->seats_count - 1, false);
    out_print(a->out, _("  %u of %u nodes settle: %s\n"), n->quorum, n->seats_count, words);
}
