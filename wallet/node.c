#include "wallet/node.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/term.h"
#include "mereau/codec.h"
#include "mereau/order.h"
#include "wallet/heads.h"
#include "wallet/keys.h"

enum {
    HOP_MS = 1800,      /* what a node that does not answer may cost, before another is asked */
    HOP_MS_MAX = 30000, /* doubled from round to round */
    KEPT_MS = 1500,     /* SUBMIT and CANCEL may be kept (TRA-9): then SLOT tells how it goes */
    PAUSE_MS = 100,     /* when all were asked in vain, before they are asked again */
};

/* --- trouble ---------------------------------------------------------------------------------- */

const char *node_address(const struct wallet *w)
{
    return w->seats.list[w->seats.at].address;
}

static enum mr_status forked(const struct wallet *w, struct out *out)
{
    const struct fork *const f = &w->fork;
    out_int(out, "held_size", (int64_t)f->held);
    out_int(out, "shown_size", (int64_t)f->shown);
    if (f->shown < f->held)
        return out_fail(out, MR_FORKED,
                        _("the node at %s shows an OLDER history (%llu entries) than the one it "
                          "signed for you before (%llu). It may have been restored from an old "
                          "copy. Nothing was signed. Tell your association, and keep this wallet "
                          "as it is: it holds the proof"),
                        node_address(w), (unsigned long long)f->shown, (unsigned long long)f->held);
    return out_fail(out, MR_FORKED,
                    _("the node at %s shows ANOTHER history than the one it signed for you before "
                      "(%llu entries). Nothing was signed. Tell your association and the "
                      "municipality, and keep this wallet as it is: it holds the proof"),
                    node_address(w), (unsigned long long)f->held);
}

static enum mr_status unreachable(const struct wallet *w, struct out *out, enum mr_status st)
{
    const char *const at = node_address(w);
    if (w->seats.count > 1)
        return out_fail(out, st,
                        _("none of the %zu nodes of this currency answers: check the connection "
                          "and repeat the same command, it is safe"),
                        w->seats.count);
    if (st == MR_NO_ANSWER)
        return out_fail(
            out, st, _("no answer came from %s in time: repeat the same command, it is safe"), at);
    return out_fail(out, st,
                    _("the node at %s cannot be reached: check the connection and repeat the "
                      "same command, it is safe"),
                    at);
}

enum mr_status node_unproved(struct out *out)
{
    return out_fail(out, MR_UNSETTLED,
                    _("a node says that this place of your chain is closed, but none has proved "
                      "it: count on nothing yet, and repeat the same command, it is safe"));
}

enum mr_status node_fail(const struct wallet *w, struct out *out, enum mr_status st)
{
    const char *const at = node_address(w);
    switch ((unsigned)st) {
    case MR_UNREACHABLE:
    case MR_NO_ANSWER:
        return unreachable(w, out, st);
    case MR_FORKED:
        return forked(w, out);
    case MR_WRONG_NODE:
        return out_fail(out, MR_WRONG_NODE,
                        _("another key answers at %s: this is not the node you joined; pay nothing "
                          "and ask your association"),
                        at);
    case MR_ACCOUNT_UNKNOWN:
    case MR_NOT_ADMITTED:
        return out_fail(out, MR_NOT_ADMITTED,
                        _("the association has not admitted this account yet: ask there, and try "
                          "\"mereau status\" later"));
    case MR_BAD_SIGNATURE:
    case MR_BAD_KEY:
    case MR_NOT_AUTHORISED:
        return out_fail(
            out, st,
            _("the node does not accept this wallet's keys: if they were rotated "
              "elsewhere, run \"mereau restore\" with the newest paper sheet; if it was "
              "made by \"mereau recover\", the association has not finished yet"));
    case MR_ABSTAINING:
        return out_fail(out, st,
                        _("the node at %s lost part of its memory and signs nothing until its "
                          "association has repaired it; nothing of yours is lost: try later"),
                        at);
    case MR_BUSY:
    case MR_DISK_FULL:
    case MR_STOPPING:
    case MR_STARTING:
    case MR_NO_QUORUM:
    case MR_BEHIND:
    case MR_TOO_MANY:
        return out_fail(out, st, _("%s; repeat the same command later, it is safe"),
                        status_sentence(st));
    case MR_OK:
    case MR_SETTLED:
    case MR_VOIDED: /* what was asked did not come about, and nobody reads it as paid */
        return node_unproved(out);
    default:
        return out_fail(out, st, _("the node at %s answered: %s"), at, status_sentence(st));
    }
}

/* A node that must not be trusted is named at once, whoever answers in its place. */
static void warn(const struct wallet *w, const struct seat *s)
{
    char name[SEAT_NAME_MAX], english[SEAT_NAME_MAX + 64];
    seat_name(name, w, s);
    if (s->trouble == MR_WRONG_NODE) {
        snprintf(english, sizeof english, "another key answers at %s", s->address);
        out_warn(w->out, "wrong_node", english,
                 _("another key answers at %s, where %s's node should be: nothing was sent there. "
                   "Tell your association"),
                 s->address, name);
    } else if (s->trouble == MR_FORKED || s->trouble == MR_BAD_HEAD) {
        snprintf(english, sizeof english, "the node of %s shows another history", name);
        out_warn(w->out, "forked", english,
                 _("%s's node shows an OLDER or ANOTHER history than the one it signed before. "
                   "Tell your association and the municipality, and keep this wallet as it is: "
                   "it holds the proof"),
                 name);
    }
}

static bool is_silence(enum mr_status st)
{
    return st == MR_UNREACHABLE || st == MR_NO_ANSWER;
}

/* One that can do no more than the one before is no help: that is said once, not at each hop. */
static void tell_none(struct wallet *w)
{
    if (!w->helpless)
        out_note(w->out, _("none of the nodes that answer can help now (%s)"),
                 status_sentence(w->seats.list[w->seats.at].trouble));
    w->helpless = true;
}

/* The owner learns once that another node stands in; not of one that was visited for a proof. */
static void tell(struct wallet *w)
{
    char from[SEAT_NAME_MAX], to[SEAT_NAME_MAX];
    struct seats *const all = &w->seats;
    const enum mr_status why = all->list[all->told].trouble;
    if (all->told == all->at)
        return;
    if (all->list[all->at].trouble != MR_OK && why != MR_OK && !is_silence(why)) {
        tell_none(w);
        return;
    }
    seat_name(from, w, &all->list[all->told]);
    seat_name(to, w, &all->list[all->at]);
    if (is_silence(why))
        out_note(w->out, _("%s's node does not answer: going on through %s's"), from, to);
    else if (why != MR_OK)
        out_note(w->out, _("%s's node cannot help (%s): going on through %s's"), from,
                 status_sentence(why), to);
    all->told = all->at;
    w->moves++;
}

/* --- one node --------------------------------------------------------------------------------- */

static int earlier(int a, int b)
{
    return a < b ? a : b;
}

static int left_ms(uint64_t deadline_ms)
{
    const uint64_t now = wallet_clock_ms();
    return now >= deadline_ms ? 0 : (int)(deadline_ms - now);
}

/* To a link, 0 would mean its own default. */
static void limit(struct wallet *w, int timeout_ms)
{
    link_set_timeout(w->link, timeout_ms > 0 ? timeout_ms : 1);
}

enum mr_status node_call_here(struct wallet *w)
{
    return w->link != NULL ? link_call(w->link, w->reply, w->request) : MR_NO_ANSWER;
}

static enum mr_status open_link(struct wallet *w, const struct seat *s)
{
    const uint8_t *const ledger = w->keys->stored.sheet.link.ledger;
    const struct link_config config = {s->address, s->any ? NULL : &s->key, ledger, w->timeout_ms};
    link_close(w->link);
    w->link = NULL;
    const enum mr_status st = link_open(&w->link, &config);
    if (st == MR_OK && s->any && w->charter != NULL)
        link_accept(w->link, wallet_present(w)->nodes, wallet_present(w)->nodes_count);
    if (st == MR_OK && w->seats.count > 1)
        link_leave_stopping(w->link);
    return st == MR_BAD_TEXT ? MR_UNREACHABLE : st;
}

/* The answer to NODE: which node this is, and how it is. */
static enum mr_status learn(struct wallet *w, struct seat *s)
{
    const uint32_t number = w->reply->body.u.node.node;
    const enum mr_status mode = mr_status_from_number(w->reply->body.u.node.mode);
    const struct mr_pubkey *const key = link_identity(w->link);
    enum mr_status st = MR_OK;
    if (seat_node(w, number) == NULL) /* perhaps one that came later */
        st = heads_fetch_epochs(w);
    const struct mr_node *const n = seat_node(w, number);
    if (st != MR_OK)
        return st;
    if (n == NULL || (s->number != 0 && s->number != number) ||
        (s->any && (key == NULL || memcmp(key, &n->transport_key, sizeof *key) != 0)))
        return MR_WRONG_NODE;
    s->number = number;
    s->trouble = mode;
    return MR_OK;
}

static enum mr_status ask_node(struct wallet *w)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_NODE};
    return node_call_here(w);
}

static enum mr_status try_keys(struct wallet *w, const struct mr_head *seen)
{
    link_identify(w->link, MR_AUTH_OWNER, wallet_account(w), 0, &w->keys->signing, seen);
    return ask_node(w);
}

static bool refuses_key(enum mr_status st)
{
    return st == MR_BAD_SIGNATURE || st == MR_NOT_AUTHORISED || st == MR_BAD_KEY;
}

static enum mr_status prove(struct wallet *w, uint32_t node)
{
    const struct mr_head *const seen = heads_seen(w, node);
    enum mr_status st = try_keys(w, seen);
    if (refuses_key(st) && w->keys->stored.next_count > 0 && w->book != NULL) {
        /* Perhaps a rotation settled and this wallet stopped before it took the new seed. */
        keys_advance(w);
        st = try_keys(w, seen);
        if (st == MR_OK)
            return wallet_save(w, w->out, &w->keys->stored);
        keys_go_back(w);
    }
    return st;
}

/* Meet the node at the other end of the link: MR_OK when it is the one, and honest as far as this
 * wallet can see. s->trouble says how it is. */
static enum mr_status greet(struct wallet *w, struct seat *s)
{
    enum mr_status st = MR_OK;
    if (!w->proving || s->number == 0) {
        st = ask_node(w);
        st = st == MR_OK ? learn(w, s) : st;
    }
    if (st == MR_OK && w->proving) {
        st = prove(w, s->number);
        st = st == MR_OK ? learn(w, s) : st;
    }
    return st == MR_OK && w->proving ? heads_check(w, s->number) : st;
}

/* Another key answers than the one that is known here. It may belong to an epoch that this wallet
 * has not heard of: then handovers lead to it from the charter, which whoever sits there cannot
 * make up. Nothing that is the owner's is said before. */
static enum mr_status meet_anew(struct wallet *w, struct seat *s, int timeout_ms)
{
    const struct link_config config = {s->address, NULL, w->keys->stored.sheet.link.ledger,
                                       timeout_ms};
    link_close(w->link);
    w->link = NULL;
    if (w->charter == NULL || link_open(&w->link, &config) != MR_OK)
        return MR_WRONG_NODE;
    limit(w, timeout_ms);
    if (heads_fetch_epochs(w) != MR_OK)
        return MR_WRONG_NODE;
    const struct mr_charter *const c = wallet_present(w);
    const struct mr_pubkey *const key = link_identity(w->link);
    for (uint32_t i = 0; key != NULL && i < c->nodes_count; i++)
        if (memcmp(key, &c->nodes[i].transport_key, sizeof *key) == 0) {
            s->key = *key;
            s->number = c->nodes[i].number;
            link_accept(w->link, c->nodes, c->nodes_count);
            return greet(w, s);
        }
    return MR_WRONG_NODE;
}

static enum mr_status visit(struct wallet *w, size_t at, int timeout_ms)
{
    struct seat *const s = &w->seats.list[at];
    enum mr_status st = MR_OK;
    if (w->link == NULL || w->seats.at != at)
        st = open_link(w, s);
    w->seats.at = at;
    if (st == MR_OK) {
        limit(w, timeout_ms);
        st = greet(w, s);
    }
    if (st == MR_WRONG_NODE)
        st = meet_anew(w, s, timeout_ms);
    s->asked = true;
    if (st != MR_OK)
        s->trouble = st;
    if (w->seats.count > 1)
        warn(w, s);
    return st;
}

enum mr_status node_prove_again(struct wallet *w)
{
    return w->link == NULL ? MR_NO_ANSWER : prove(w, w->seats.list[w->seats.at].number);
}

/* --- one node after the other ----------------------------------------------------------------- */

/* Whether to ask this one (again): what it refused, and whom it showed itself to be, stays. */
static bool worth_a_visit(const struct seat *s)
{
    const enum mr_status st = s->trouble;
    return !s->asked || st == MR_OK ||
           (mr_ask_another(st) && st != MR_WRONG_NODE && st != MR_BAD_HEAD && st != MR_FORKED);
}

/* What a vain search comes to: an answer says more than silence, the first more than the last. */
static enum mr_status tells_more(enum mr_status known, enum mr_status st)
{
    return known == MR_OK || (is_silence(known) && !is_silence(st)) ? st : known;
}

struct search {
    uint64_t deadline_ms;
    size_t spare; /* it answers, but does not sign now; count: none */
    enum mr_status why;
};

/* One round over all nodes, each for at most hop_ms. MR_OK: one was found. */
static enum mr_status go_round(struct wallet *w, struct search *f, size_t first, int hop_ms)
{
    const size_t count = w->seats.count;
    f->spare = count;
    for (size_t i = 0; i < count; i++) {
        const size_t at = (first + i) % count;
        const int left = left_ms(f->deadline_ms);
        if (!worth_a_visit(&w->seats.list[at]) || (left == 0 && f->why != MR_OK))
            continue;
        enum mr_status st = visit(w, at, count == 1 ? left : earlier(hop_ms, left));
        const bool answers = st == MR_OK;
        if (answers)
            st = w->seats.list[at].trouble;
        if (st == MR_OK || (answers && count == 1))
            return MR_OK;
        if (answers && f->spare == count)
            f->spare = at;
        f->why = tells_more(f->why, st);
    }
    if (f->spare == count)
        return f->why;
    /* None is better: it can tell what it knows, and perhaps do more by now. */
    return w->seats.at == f->spare ? MR_OK : visit(w, f->spare, hop_ms);
}

static bool any_left(const struct seats *all)
{
    size_t i = 0;
    while (i < all->count && !worth_a_visit(&all->list[i]))
        i++;
    return i < all->count;
}

/* The one that a vain search is told of. */
static void blame(struct wallet *w, enum mr_status why)
{
    link_close(w->link);
    w->link = NULL;
    for (size_t i = w->seats.count; i > 0; i--)
        if (w->seats.list[i - 1].trouble == why)
            w->seats.at = i - 1;
}

/* Find a node that answers, beginning at `first`; the request under way stays. */
static enum mr_status find(struct wallet *w, size_t first, uint64_t deadline_ms)
{
    struct search f = {.deadline_ms = deadline_ms};
    int hop_ms = earlier(HOP_MS, left_ms(deadline_ms) / 2);
    enum mr_status st;
    if (!any_left(&w->seats))
        return w->seats.list[w->seats.at].trouble;
    *w->asked = *w->request;
    while ((st = go_round(w, &f, first, hop_ms)) != MR_OK && w->seats.count > 1 &&
           left_ms(deadline_ms) > PAUSE_MS && any_left(&w->seats)) {
        hop_ms = earlier(2 * hop_ms, HOP_MS_MAX);
        poll(NULL, 0, PAUSE_MS);
    }
    *w->request = *w->asked;
    if (st == MR_OK)
        tell(w);
    else
        blame(w, f.why);
    return st == MR_OK ? MR_OK : f.why;
}

struct node_round node_round(const struct wallet *w, uint64_t deadline_ms)
{
    return (struct node_round){.first = w->seats.at, .deadline_ms = deadline_ms};
}

bool node_next(struct wallet *w, struct node_round *r)
{
    const size_t count = w->seats.count;
    int left;
    while (r->step + 1 < count && (left = left_ms(r->deadline_ms)) > 0) {
        const size_t at = (r->first + ++r->step) % count;
        if (worth_a_visit(&w->seats.list[at]) && visit(w, at, earlier(HOP_MS, left)) == MR_OK)
            return true;
    }
    return false;
}

void node_back(struct wallet *w, const struct node_round *r)
{
    if (w->seats.at == r->first && worth_a_visit(&w->seats.list[r->first]))
        return;
    if (left_ms(r->deadline_ms) > 0) {
        find(w, r->first, r->deadline_ms);
        return;
    }
    link_close(w->link); /* the next call, if there is one, has time to meet it again */
    w->link = NULL;
    w->seats.at = r->first;
}

void node_doubt(struct wallet *w, enum mr_status why)
{
    char name[SEAT_NAME_MAX];
    struct seats *const all = &w->seats;
    if (all->count == 1)
        return;
    all->list[all->at].trouble = why;
    if (all->at == all->told)
        return; /* told when another stands in */
    seat_name(name, w, &all->list[all->at]);
    out_note(w->out, _("%s's node cannot help (%s)"), name, status_sentence(why));
}

static bool is_kept(const struct wallet *w)
{
    return w->charter != NULL && wallet_present(w)->nodes_count > 1 &&
           (w->request->kind == MR_REQ_SUBMIT || w->request->kind == MR_REQ_CANCEL);
}

static int patience_ms(const struct wallet *w, uint64_t deadline_ms)
{
    const int left = left_ms(deadline_ms);
    if (is_kept(w))
        return earlier(KEPT_MS, left / 2);
    return w->seats.count == 1 ? left : earlier(HOP_MS, left / 2);
}

enum mr_status node_move(struct wallet *w, enum mr_status why, uint64_t deadline_ms)
{
    struct seats *const all = &w->seats;
    all->list[all->at].trouble = why;
    return find(w, (all->at + 1) % all->count, deadline_ms);
}

enum mr_status node_call_until(struct wallet *w, uint64_t deadline_ms)
{
    enum mr_status st = w->link != NULL ? MR_OK : find(w, w->seats.at, deadline_ms);
    for (size_t moves = 0; st == MR_OK; moves++) {
        limit(w, patience_ms(w, deadline_ms));
        st = node_call_here(w);
        if (!mr_ask_another(st) || w->seats.count == 1 || moves == w->seats.count ||
            left_ms(deadline_ms) == 0 || (st == MR_NO_ANSWER && is_kept(w)))
            return st;
        const enum mr_status why = st;
        st = node_move(w, why, deadline_ms);
        if (st != MR_OK)
            return why;
    }
    return st;
}

enum mr_status node_call(struct wallet *w)
{
    return node_call_until(w, wallet_clock_ms() + (uint64_t)w->timeout_ms);
}

/* --- reaching --------------------------------------------------------------------------------- */

static enum mr_status make_room(struct wallet *w, struct out *out)
{
    if (w->request != NULL)
        return MR_OK;
    w->reply = malloc(sizeof *w->reply);
    w->request = malloc(sizeof *w->request);
    w->asked = malloc(sizeof *w->asked);
    return w->reply != NULL && w->request != NULL && w->asked != NULL
               ? MR_OK
               : out_fail(out, MR_NO_MEMORY, NULL);
}

static enum mr_status check_charter(struct wallet *w, struct out *out,
                                    const struct mr_charter *charter)
{
    uint8_t id[MR_HASH_BYTES];
    const char *what = NULL;
    mr_ledger_id(id, charter);
    if (memcmp(id, w->keys->stored.sheet.link.ledger, sizeof id) != 0)
        return out_fail(out, MR_CHECK_FAILED,
                        _("the node at %s shows the charter of another ledger than the join link "
                          "names: ask your association for a new link"),
                        node_address(w));
    if (mr_charter_check(charter, &what) != MR_OK)
        return out_fail(out, MR_CHECK_FAILED, _("the charter of this ledger is not usable: %s"),
                        _(what));
    return MR_OK;
}

/* Epochs that began since the founding may have brought the association of the join link. */
static enum mr_status fetch_epochs(struct wallet *w, struct out *out)
{
    const enum mr_status st = heads_fetch_epochs(w);
    if (st != MR_OK)
        return node_fail(w, out, st);
    if (node_association(wallet_present(w), w->keys->stored.sheet.link.association) == NULL)
        return out_fail(out, MR_CHECK_FAILED,
                        _("the join link names an association that the charter does not have"));
    return MR_OK;
}

/* The charter proves itself by the ledger's id; then it names who may answer. */
static enum mr_status fetch_charter(struct wallet *w, struct out *out)
{
    struct seat *const s = &w->seats.list[0];
    enum mr_status st = open_link(w, s);
    *w->request = (struct mr_request_body){.kind = MR_REQ_CHARTER};
    if (st == MR_OK)
        st = node_call_here(w);
    if (st != MR_OK)
        return node_fail(w, out, st);
    const struct mr_charter *const charter = &w->reply->body.u.charter.charter;
    st = check_charter(w, out, charter);
    if (st == MR_OK)
        st = wallet_keep_charter(w, out, charter);
    if (st == MR_OK)
        st = fetch_epochs(w, out);
    if (st != MR_OK || !s->any)
        return st;
    link_close(w->link); /* nobody has looked yet who it was that answered */
    w->link = NULL;
    return MR_OK;
}

static enum mr_status prepare(struct wallet *w, const struct command *c, struct out *out,
                              bool home_only)
{
    enum mr_status st = make_room(w, out);
    w->out = out;
    w->timeout_ms = c->timeout_ms;
    if (st == MR_OK && w->seats.count == 0)
        st = seats_fill(&w->seats, w, c, out, home_only);
    if (st == MR_OK && w->charter == NULL) {
        st = fetch_charter(w, out);
        if (st == MR_OK)
            st = seats_fill(&w->seats, w, c, out, home_only);
    }
    return st;
}

static enum mr_status reach(struct wallet *w, const struct command *c, struct out *out,
                            bool proving, bool home_only)
{
    enum mr_status st = prepare(w, c, out, home_only);
    if (st != MR_OK ||
        (w->link != NULL && w->seats.list[w->seats.at].asked && (w->proving || !proving)))
        return st;
    w->proving = w->proving || proving;
    st = find(w, w->seats.at, wallet_clock_ms() + (uint64_t)w->timeout_ms);
    return st == MR_OK ? MR_OK : node_fail(w, out, st);
}

enum mr_status node_prepare(struct wallet *w, const struct command *c, struct out *out)
{
    return prepare(w, c, out, false);
}

enum mr_status node_reach(struct wallet *w, const struct command *c, struct out *out)
{
    return reach(w, c, out, false, false);
}

enum mr_status node_reach_home(struct wallet *w, const struct command *c, struct out *out)
{
    return reach(w, c, out, false, true);
}

enum mr_status node_reach_proved(struct wallet *w, const struct command *c, struct out *out)
{
    return reach(w, c, out, true, false);
}

enum mr_status node_lookup(struct wallet *w, const uint8_t account[MR_ACCOUNT_BYTES])
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_LOOKUP};
    memcpy(w->request->u.lookup.account, account, MR_ACCOUNT_BYTES);
    return node_call(w);
}

enum mr_status node_lookup_recovery(struct wallet *w)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_LOOKUP};
    memcpy(w->request->u.lookup.account, wallet_account(w), MR_ACCOUNT_BYTES);
    memcpy(w->request->u.lookup.enc_key, w->keys->memo_public, MR_KEY_BYTES);
    return node_call(w);
}

const struct mr_association *node_association(const struct mr_charter *charter,
                                              const uint8_t id[MR_ACCOUNT_BYTES])
{
    for (uint32_t i = 0; i < charter->associations_count; i++)
        if (memcmp(charter->associations[i].id, id, MR_ACCOUNT_BYTES) == 0)
            return &charter->associations[i];
    return NULL;
}

const struct mr_association *node_association_called(const struct mr_charter *charter,
                                                     const char *alias)
{
    for (uint32_t i = 0; i < charter->associations_count; i++)
        if (strcmp(charter->associations[i].alias, alias) == 0)
            return &charter->associations[i];
    return NULL;
}
