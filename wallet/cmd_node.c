/* node list, node use: which nodes the currency has, which answer, and which one to ask first. */
#include <string.h>

#include "common/term.h"
#include "mereau/id.h"
#include "wallet/commands.h"
#include "wallet/node.h"

enum { ASK_MS = 1800, STATE_MAX = 256 };

/* --- list ------------------------------------------------------------------------------------- */

/* Ask one node how it is; MR_OK: it answers, *ret_mode is its own word. */
static enum mr_status ask(const struct wallet *w, const struct command *c, const struct seat *s,
                          enum mr_status *ret_mode)
{
    const struct link_config config = {s->address, &s->key, w->keys->stored.sheet.link.ledger,
                                       c->timeout_ms < ASK_MS ? c->timeout_ms : ASK_MS};
    *w->request = (struct mr_request_body){.kind = MR_REQ_NODE};
    enum mr_status st = link_once(w->reply, &config, w->request);
    if (st == MR_OK && w->reply->body.u.node.node != s->number)
        st = MR_WRONG_NODE;
    if (st == MR_OK)
        *ret_mode = mr_status_from_number(w->reply->body.u.node.mode);
    return st == MR_BAD_TEXT ? MR_UNREACHABLE : st;
}

static const char *state_text(enum mr_status st, enum mr_status mode)
{
    if (st == MR_UNREACHABLE || st == MR_NO_ANSWER)
        return _("does not answer");
    if (st != MR_OK)
        return status_sentence(st);
    return mode == MR_OK ? _("answers") : status_sentence(mode);
}

struct row {
    bool home, first;
    enum mr_status st, mode;
};

static void add_node(const struct wallet *w, struct out *out, struct table *t, const struct seat *s,
                     const struct row *r)
{
    char number[16], mark[STATE_MAX];
    const struct mr_node *const n = seat_node(w, s->number);
    const struct mr_association *const a = node_association(wallet_present(w), n->association);
    if (out->json) {
        out_row(out, json_pack("{s:i, s:s, s:s, s:s, s:b, s:b, s:b, s:s}", "number", (int)s->number,
                               "association", a != NULL ? a->alias : "", "name",
                               a != NULL ? a->name : "", "address", s->address, "home", r->home,
                               "first", r->first, "answers", r->st == MR_OK, "state",
                               mr_status_name(r->st != MR_OK ? r->st : r->mode)));
        return;
    }
    snprintf(number, sizeof number, "%u", s->number);
    snprintf(mark, sizeof mark, "%s%s%s", state_text(r->st, r->mode),
             r->home ? _(" (your association's)") : "", r->first ? _(" (asked first)") : "");
    table_add(t, (const char *[]){number, a != NULL ? a->alias : "?", s->address, mark});
}

/* Everything is read with the lock held; nothing is proved, and nobody learns whose wallet asks. */
static enum mr_status list(struct wallet *w, const struct command *c, struct out *out,
                           unsigned *ret_answering)
{
    struct seats all;
    struct progress bar;
    const struct table_column columns[] = {
        {_("NODE"), true}, {_("ASSOCIATION"), false}, {_("ADDRESS"), false}, {_("STATE"), false}};
    const enum mr_status st = seats_fill(&all, w, c, out, false);
    if (st != MR_OK)
        return st;
    struct table *const t = out->json ? NULL : table_create(columns, 4);
    progress_begin(&bar, c, _("asking the nodes"), all.count);
    for (size_t i = 0; i < all.count; i++) {
        const struct seat *const s = &all.list[i];
        struct row r = {.home = s->number == seat_home(w), .first = i == 0, .mode = MR_OK};
        if (s->number == 0)
            continue; /* an address that a person gave; its node stands in its own row */
        r.st = ask(w, c, s, &r.mode);
        *ret_answering += r.st == MR_OK && r.mode == MR_OK;
        add_node(w, out, t, s, &r);
        progress_update(&bar, i + 1);
    }
    progress_end(&bar);
    table_print(out, t);
    return MR_OK;
}

void cmd_node_list(struct command *c, struct out *out)
{
    struct wallet *w;
    unsigned answering = 0;
    char preferred[MR_ADDRESS_MAX + 1];
    if (wallet_open(&w, c, out) != MR_OK || node_prepare(w, c, out) != MR_OK ||
        list(w, c, out, &answering) != MR_OK)
        return;
    const uint32_t quorum = wallet_present(w)->quorum;
    out_int(out, "count", wallet_present(w)->nodes_count);
    out_int(out, "answering", answering);
    out_int(out, "quorum", quorum);
    if (seat_preferred(preferred, w) == MR_OK)
        out_text(out, "preferred", preferred);
    if (opt_text(c, "node") != NULL)
        return;
    out_print(out, _("%u answer; an order settles with %u.\n"), answering, quorum);
    if (answering < quorum)
        out_note(out, _("Fewer nodes answer than it takes: orders wait until more are back. "
                        "Nothing of yours is lost."));
}

/* --- use -------------------------------------------------------------------------------------- */

static void use_home(const struct wallet *w, struct out *out)
{
    if (seat_prefer(w, out, NULL) != MR_OK)
        return;
    out_print(out, _("Your association's own node is asked first again.\n"));
}

void cmd_node_use(struct command *c, struct out *out)
{
    struct wallet *w;
    struct seat s;
    char name[SEAT_NAME_MAX];
    const bool home = opt_flag(c, "home");
    if (home != (c->arg_count == 0)) {
        out_fail(out, MR_USAGE, _("which node? mereau node use WHICH, or mereau node use --home"));
        return;
    }
    if (wallet_open(&w, c, out) != MR_OK || node_prepare(w, c, out) != MR_OK)
        return;
    if (home) {
        use_home(w, out);
        return;
    }
    if (seat_parse(&s, w, c->args[0]) != MR_OK) {
        out_fail(out, MR_NOT_FOUND,
                 _("this wallet knows no node \"%s\": \"mereau node list\" shows "
                   "those that it knows, \"mereau balance\" asks for news of them"),
                 c->args[0]);
        return;
    }
    if (seat_prefer(w, out, c->args[0]) != MR_OK)
        return;
    seat_name(name, w, &s);
    out_text(out, "address", s.address);
    out_int(out, "number", s.number);
    out_print(out,
              _("From now on %s's node is asked first, and the others when it does not "
                "answer.\n"),
              name);
}
