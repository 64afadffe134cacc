/* federation invite, propose, leave: who the nodes are is decided by governance, with a NEXT order
 * on the system chain (EPO-1). What could hurt is refused before anybody signs. */
#include <stdlib.h>
#include <string.h>

#include "admin/cmd.h"
#include "admin/field.h"
#include "admin/init.h"
#include "admin/next.h"
#include "admin/offers.h"
#include "admin/propose.h"
#include "admin/treasury.h"
#include "common/hostport.h"
#include "common/witnesses.h"
#include "mereau/codec.h"
#include "mereau/evidence.h"
#include "mereau/federation.h"
#include "mereau/id.h"

enum { EVIDENCE_MAX = MR_FRAME_MAX + MR_CHAIN_BYTES_MAX, CONF_MAX = 65536 };

/* --- invite ------------------------------------------------------------------------------------
 */

const struct option_row invite_options[] = {
    {"address", 0, N_("HOST:PORT"),
     N_("where the node is found, when not at the charter's address")},
    {"peer-listen", 0, N_("HOST:PORT"),
     N_("from its next start on, where this node takes the other nodes")},
    {NULL, 0, NULL, NULL},
};

/* A node that was alone has no [peer] in its configuration. */
static enum mr_status open_peer_port(struct admin *a, const char *listen)
{
    char path[FILE_PATH_MAX], *text = NULL;
    struct hostport at;
    uint8_t *bytes = NULL;
    size_t len = 0, new_len = 0;
    if (hostport_parse(&at, listen) != MR_OK || at.port == 0)
        return out_fail(a->out, MR_USAGE, _("--%s takes host:port, not \"%s\""), "peer-listen",
                        listen);
    if (path_join(path, a->data, "mereaud.conf") != MR_OK)
        return out_fail(a->out, MR_USAGE, NULL);
    enum mr_status st = file_read(&bytes, &len, path, CONF_MAX);
    if (st != MR_OK)
        return out_fail(a->out, st, _("%s cannot be read: %s"), path, status_sentence(st));
    const bool has = strstr((const char *)bytes, "\n[peer]") != NULL;
    FILE *const m = has ? NULL : open_memstream(&text, &new_len);
    if (m != NULL) {
        fprintf(m,
                "%s\n[peer]\n# Where the nodes of the other associations connect.\nlisten = %s\n",
                (const char *)bytes, listen);
        st = fclose(m) == 0 ? file_write(path, text, new_len, 0600, true) : MR_NO_MEMORY;
    }
    free(bytes);
    free(text);
    if (has)
        return out_fail(a->out, MR_FILE_EXISTS,
                        _("%s has a [peer] section already: it is left as it is"), path);
    if (st != MR_OK)
        return out_fail(a->out, st, _("%s cannot be written: %s"), path, status_sentence(st));
    out_print(a->out, _("Start the node again: then it takes other nodes at %s.\n"), listen);
    return MR_OK;
}

void cmd_invite(struct command *c, struct out *out)
{
    struct admin a;
    char code[MR_CONFIRMATION_MAX];
    const char *const address = opt_text(c, "address"), *const peer = opt_text(c, "peer-listen");
    enum mr_status st =
        admin_begin(&a, c, out, NEED_CHARTER | NEED_OWN | (peer != NULL ? NEED_DATA : 0u));
    if (st == MR_OK && peer != NULL)
        st = open_peer_port(&a, peer);
    if (st == MR_OK) {
        mr_confirmation(code, a.ledger);
        init_print_ids(out, a.genesis, a.home, a.own);
        out_text(out, "code", code);
        out_print(out,
                  _("Code of the ledger: %s\n"
                    "Send the link to the association that shall join, and read the code to it. It "
                    "runs\n"
                    "  mereau-admin federation join LINK DATA\n"
                    "and sends its offer back; then governance proposes:\n"
                    "  mereau-admin %s federation propose --add OFFER --key GOVERNANCE\n\n"),
                  code, admin_place(&a));
        init_print_link(out, a.genesis, a.own, address != NULL ? address : a.own->address);
    }
    admin_end(&a);
}

/* --- propose -----------------------------------------------------------------------------------
 */

const struct option_row propose_options[] = {
    {"add", 0, N_("OFFER"), N_("a node joins, by its offer; as often as there are some")},
    {"remove", 0, "N", N_("a node leaves")},
    {"rekey", 0, N_("N=OFFER"), N_("a node goes on with a new key (\"federation rekey\")")},
    {"address", 0, N_("N=HOST:PORT"), N_("a node's wallet port is found elsewhere")},
    {"peer-address", 0, N_("N=HOST:PORT"), N_("a node's peer port is found elsewhere")},
    {"expel", 0, "N", N_("a node leaves, since --evidence convicts it")},
    {"evidence", 0, N_("FILE"), N_("as \"federation evidence\" writes it")},
    {"quorum", 0, "N", N_("nodes whose votes settle (default by their number)")},
    {"witness", 0, N_("[NAME=]KEY"), N_("a witness comes; as often as there are some")},
    {"drop-witness", 0, N_("NAME"), N_("a witness goes")},
    {"witness-quorum", 0, "N", N_("cosignatures that receipts need from then on; 0: none")},
    {"reason", 0, N_("TEXT"), N_("why, for those who sign")},
    {"unreachable-ok", 0, NULL, N_("nodes that are there already need not answer now")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};

const struct option_row leave_options[] = {
    {"quorum", 0, "N", N_("nodes whose votes settle (default by their number)")},
    {"reason", 0, N_("TEXT"), N_("why, for those who sign")},
    {"unreachable-ok", 0, NULL, N_("nodes that are there already need not answer now")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};

static enum mr_status parse_number(struct admin *a, const char *text, uint32_t *ret)
{
    int64_t n = 0;
    if (number_parse(&n, text, 1, MR_NODES_MAX) != MR_OK)
        return out_fail(a->out, MR_USAGE, _("\"%s\" is no node's number"), text);
    *ret = (uint32_t)n;
    return MR_OK;
}

/* "3=what" */
static enum mr_status split(struct admin *a, const char *text, uint32_t *ret, const char **ret_rest)
{
    char number[16] = "";
    const char *const sign = strchr(text, '=');
    if (sign == NULL || (size_t)(sign - text) >= sizeof number)
        return out_fail(a->out, MR_USAGE, _("\"%s\": a node's number, =, and what it gets"), text);
    memcpy(number, text, (size_t)(sign - text));
    *ret_rest = sign + 1;
    return parse_number(a, number, ret);
}

static enum mr_status add_all(struct admin *a, struct mr_next_epoch *n, struct mr_signed_offer *o)
{
    enum mr_status st = MR_OK;
    for (size_t i = 0; st == MR_OK && i < opt_count(a->c, "add"); i++) {
        uint8_t hash[32];
        char code[MR_CONFIRMATION_MAX];
        st = offer_read(o, a->out, opt_nth(a->c, "add", i));
        if (st != MR_OK)
            break;
        mr_offer_hash(hash, &o->offer);
        mr_confirmation(code, hash);
        out_print(a->out, _("Code of the offer of %s: %s\n"), o->offer.association.name, code);
        st = next_add(a, n, &o->offer);
    }
    return st;
}

enum mr_status seats_rekey(struct admin *a, struct mr_next_epoch *n)
{
    struct mr_signed_offer *const o = malloc(sizeof *o);
    enum mr_status st = o != NULL ? MR_OK : out_fail(a->out, MR_NO_MEMORY, NULL);
    for (size_t i = 0; st == MR_OK && i < opt_count(a->c, "rekey"); i++) {
        uint32_t number = 0;
        const char *path = NULL;
        st = split(a, opt_nth(a->c, "rekey", i), &number, &path);
        if (st == MR_OK)
            st = offer_read(o, a->out, path);
        if (st == MR_OK)
            st = next_rekey(a, n, number, &o->offer);
    }
    free(o);
    return st;
}

static enum mr_status move_all(struct admin *a, struct mr_next_epoch *n, const char *option)
{
    enum mr_status st = MR_OK;
    for (size_t i = 0; st == MR_OK && i < opt_count(a->c, option); i++) {
        uint32_t number = 0;
        const char *address = NULL;
        st = split(a, opt_nth(a->c, option, i), &number, &address);
        if (st == MR_OK)
            st = next_move(a, n, number, strcmp(option, "peer-address") == 0, address);
    }
    return st;
}

enum mr_status seats_move(struct admin *a, struct mr_next_epoch *n)
{
    const enum mr_status st = move_all(a, n, "address");
    return st == MR_OK ? move_all(a, n, "peer-address") : st;
}

enum mr_status seats_remove(struct admin *a, struct mr_next_epoch *n)
{
    enum mr_status st = MR_OK;
    for (size_t i = 0; st == MR_OK && i < opt_count(a->c, "remove"); i++) {
        uint32_t number = 0;
        st = parse_number(a, opt_nth(a->c, "remove", i), &number);
        if (st == MR_OK)
            st = next_remove(a, n, number);
    }
    return st;
}

/* The evidence's hash stands in the reason: whoever has the file finds it named on the chain. */
static enum mr_status expel(struct admin *a, struct mr_next_epoch *n, char *ret_hash)
{
    const char *const whom = opt_text(a->c, "expel"), *const path = opt_text(a->c, "evidence");
    struct mr_evidence_facts facts;
    struct mr_chain chain;
    uint32_t number = 0;
    uint8_t *bytes = NULL, hash[32];
    size_t len = 0;
    if (whom == NULL && path == NULL)
        return MR_OK;
    if (whom == NULL || path == NULL)
        return out_fail(a->out, MR_USAGE, _("--expel and --evidence belong together"));
    enum mr_status st = parse_number(a, whom, &number);
    if (st != MR_OK)
        return st;
    struct mr_evidence *const e = malloc(sizeof *e);
    st = e != NULL ? file_read(&bytes, &len, path, EVIDENCE_MAX) : MR_NO_MEMORY;
    if (st == MR_OK && mr_evidence_read(e, &chain, bytes, len) != MR_OK)
        st = MR_BAD_EVIDENCE;
    if (st == MR_OK)
        st = mr_evidence_verify(&facts, a->genesis, &chain, e);
    if (st == MR_OK)
        mr_evidence_hash(hash, e);
    free(bytes);
    free(e);
    if (st != MR_OK)
        return out_fail(a->out, st, _("the evidence %s convicts nobody: %s"), path,
                        status_sentence(st));
    if (facts.node != number)
        return out_fail(a->out, MR_BAD_EVIDENCE, _("the evidence %s is about node %u, not node %u"),
                        path, facts.node, number);
    mr_hex_format(ret_hash, hash, sizeof hash);
    return next_remove(a, n, number);
}

static enum mr_status set_reason(struct admin *a, struct mr_next_epoch *n, const char *evidence)
{
    char text[512];
    const char *const reason = opt_text(a->c, "reason");
    snprintf(text, sizeof text, "%.256s%s%s", reason != NULL ? reason : "",
             evidence[0] != '\0' ? " evidence " : "", evidence);
    return FIELD_SET(n, reason, text)
               ? MR_OK
               : out_fail(a->out, MR_USAGE,
                          _("--reason has characters that cannot stand there, or is too long"));
}

enum mr_status seats_settle(struct admin *a, struct mr_next_epoch *n, const char *evidence)
{
    int64_t quorum = n->seats_count > 0 ? mr_quorum_default(n->seats_count) : 0;
    const enum mr_status st = opt_int(a->c, a->out, &quorum, "quorum", 1, MR_NODES_MAX);
    n->quorum = (uint32_t)quorum;
    return st == MR_OK || st == MR_NOT_FOUND ? set_reason(a, n, evidence) : st;
}

/* Who goes, who comes, how many are needed; the set stands in the order only when it changes. */
static enum mr_status change_witnesses(struct admin *a, struct mr_next_epoch *n)
{
    struct mr_witness_set *const w = &n->witnesses[0], come;
    int64_t quorum = a->charter->witnesses.quorum;
    *w = a->charter->witnesses;
    for (size_t i = 0; i < opt_count(a->c, "drop-witness"); i++) {
        const char *const name = opt_nth(a->c, "drop-witness", i);
        uint32_t at = 0;
        while (at < w->members_count && strcmp(w->members[at].name, name) != 0)
            at++;
        if (at == w->members_count)
            return out_fail(a->out, MR_NOT_FOUND, _("the charter has no witness %s"), name);
        w->members_count--;
        memmove(&w->members[at], &w->members[at + 1],
                (w->members_count - at) * sizeof w->members[0]);
    }
    enum mr_status st = witness_list(&come, a->c, a->out, "witness");
    if (st == MR_OK && w->members_count + come.members_count > MR_WITNESSES_MAX)
        st = out_fail(a->out, MR_USAGE, _("too many witnesses: at most %d"), MR_WITNESSES_MAX);
    for (uint32_t i = 0; st == MR_OK && i < come.members_count; i++)
        w->members[w->members_count++] = come.members[i];
    if (st == MR_OK &&
        opt_int(a->c, a->out, &quorum, "witness-quorum", 0, MR_WITNESSES_MAX) == MR_USAGE)
        st = MR_USAGE;
    w->quorum = (uint32_t)quorum;
    n->witnesses_count = opt_flag(a->c, "drop-witness") || opt_flag(a->c, "witness") ||
                         opt_flag(a->c, "witness-quorum");
    return st;
}

static enum mr_status look_at_waiting(struct work *w, const struct mr_draft *d, const char *path,
                                      bool dead, void *ctx)
{
    (void)ctx;
    if (dead || d->orders[0].order.body.kind != MR_KIND_NEXT)
        return MR_OK;
    out_text(w->a->out, "draft", path);
    return out_fail(w->a->out, MR_SLOT_TAKEN,
                    _("a proposal for epoch %u waits for signatures already. Let others sign it:\n"
                      "  mereau-admin %s federation sign %s --key GOVERNANCEKEY\n"
                      "or give it up, then propose again:\n"
                      "  mereau-admin %s draft withdraw %s --key GOVERNANCEKEY"),
                    d->orders[0].order.body.u.next.epoch, admin_place(w->a), path,
                    admin_place(w->a), path);
}

/* Of two proposals for one epoch the second one could never settle. */
static enum mr_status check_waiting(struct admin *a)
{
    struct work w;
    enum mr_status st = work_begin(&w, a, a->system);
    if (st == MR_OK)
        st = treasury_each_draft(&w, look_at_waiting, NULL);
    work_done(&w);
    return st;
}

/* Bounds, whether they are there, words; then the order goes the way of all orders. */
static void propose(struct admin *a, struct mr_order_body *body, const char *evidence)
{
    struct mr_next_epoch *const n = &body->u.next;
    enum mr_status st = seats_settle(a, n, evidence);
    if (st == MR_OK && !next_changes(a, n))
        st =
            out_fail(a->out, MR_NO_CHANGE,
                     _("nothing would change: say who joins (--add), leaves (--remove), gets a new "
                       "key (--rekey) or moves (--address, --peer-address), another --quorum, or "
                       "who cosigns (--witness, --drop-witness, --witness-quorum)"));
    if (st == MR_OK)
        st = next_check(a, n);
    if (st == MR_OK)
        st = check_waiting(a);
    if (st == MR_OK)
        st = next_reach(a, n, opt_flag(a->c, "unreachable-ok"));
    if (st != MR_OK)
        return;
    out_int(a->out, "epoch", n->epoch);
    out_int(a->out, "nodes", n->seats_count);
    out_int(a->out, "quorum", n->quorum);
    out_int(a->out, "nodes_may_be_down", n->seats_count - n->quorum);
    out_int(a->out, "nodes_may_lie", 2 * (int64_t)n->quorum - n->seats_count - 1);
    order_one(a, a->system, body, _("Let this epoch begin?"));
}

static enum mr_status begin(struct admin *a, struct command *c, struct out *out,
                            struct mr_order_body **ret)
{
    enum mr_status st = order_begin(a, c, out, ret);
    if (st == MR_OK)
        st = admin_need_governance(a);
    if (st == MR_OK)
        st = admin_ask_epochs(a);
    if (st != MR_OK)
        return st;
    (*ret)->kind = MR_KIND_NEXT;
    next_begin(a, &(*ret)->u.next);
    return MR_OK;
}

void cmd_propose(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_order_body *body;
    char evidence[65] = "";
    struct mr_signed_offer *const o = calloc(1, sizeof *o);
    enum mr_status st = begin(&a, c, out, &body);
    if (st == MR_OK && o == NULL)
        st = out_fail(out, MR_NO_MEMORY, NULL);
    if (st == MR_OK)
        st = seats_remove(&a, &body->u.next);
    if (st == MR_OK)
        st = expel(&a, &body->u.next, evidence);
    if (st == MR_OK)
        st = seats_rekey(&a, &body->u.next);
    if (st == MR_OK)
        st = add_all(&a, &body->u.next, o);
    if (st == MR_OK)
        st = seats_move(&a, &body->u.next);
    if (st == MR_OK)
        st = change_witnesses(&a, &body->u.next);
    if (st == MR_OK)
        propose(&a, body, evidence);
    free(o);
    order_end(&a, body);
}

void cmd_leave(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_order_body *body;
    enum mr_status st = begin(&a, c, out, &body);
    if (st == MR_OK && a.own == NULL)
        st = out_fail(out, MR_USAGE, _("which node? Give --data DIR, its data directory"));
    if (st == MR_OK)
        st = next_remove(&a, &body->u.next, a.own->number);
    if (st == MR_OK)
        propose(&a, body, "");
    order_end(&a, body);
}
