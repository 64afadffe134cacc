/* Reserve between associations: who is short of it, who gives it, and the draft that both sign. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/clearing.h"
#include "admin/cmd.h"
#include "admin/describe.h"
#include "admin/netting.h"
#include "admin/treasury.h"
#include "common/amount_text.h"
#include "common/term.h"

const struct option_row clearing_options[] = {
    {"amount", 0, N_("AMOUNT"), N_("euros to give (default: as \"clearing\" proposes)")},
    {"bank-ref", 0, N_("TEXT"), N_("id of the bank entry that the euros went out with")},
    {"bank-account", 0, N_("TEXT"), N_("reserve account it stands on (default: the key file's)")},
    {"dry-run", 0, NULL, N_("show the order and do nothing")},
    {NULL, 0, NULL, NULL},
};

/* What the node says of the associations, and what follows from it. */
struct position {
    int64_t owed[MR_ASSOCIATIONS_MAX], reserve[MR_ASSOCIATIONS_MAX], redeemed[MR_ASSOCIATIONS_MAX];
    uint32_t count;
    struct netting netting;
};

static enum mr_status ask_position(struct admin *a, struct position *ret)
{
    int64_t left[MR_ASSOCIATIONS_MAX];
    const uint32_t count = a->charter->associations_count;
    if (a->signer != NULL && !signer_is_governance(a->signer))
        admin_as(a, a->treasury);
    a->ask->kind = MR_REQ_NODE;
    a->ask->u.node.reserved = 0;
    const enum mr_status st = admin_call(a);
    if (st != MR_OK)
        return admin_call_failed(a, st);
    const struct mr_rep_node *n = &a->reply->body.u.node;
    if (n->issued_count < count || n->reserve_count < count || n->redeemed_count < count)
        return out_fail(a->out, MR_NOT_AUTHORISED,
                        _("the node tells this to operators only: give --key FILE, an operator's "
                          "key file"));
    *ret = (struct position){.count = count};
    for (uint32_t i = 0; i < count; i++) {
        ret->owed[i] = n->issued[i].minor;
        ret->reserve[i] = n->reserve[i].minor;
        ret->redeemed[i] = n->redeemed[i].minor;
        left[i] = ret->reserve[i] - ret->redeemed[i];
    }
    netting_propose(&ret->netting, left, count);
    return MR_OK;
}

/* --- the proposal ------------------------------------------------------------------------------
 */

static void print_associations(struct admin *a, const struct position *p)
{
    const struct table_column columns[] = {{_("association"), false},
                                           {_("outstanding"), true},
                                           {_("reserve"), true},
                                           {_("given back"), true},
                                           {_("left or short"), true}};
    struct table *t = table_create(columns, sizeof columns / sizeof columns[0]);
    json_t *rows = json_array();
    for (uint32_t i = 0; i < p->count; i++) {
        const struct mr_association *each = &a->charter->associations[i];
        const int64_t left = p->reserve[i] - p->redeemed[i];
        const char *const cells[] = {each->name, admin_amount(a, p->owed[i]),
                                     admin_euros(a, p->reserve[i]), admin_amount(a, p->redeemed[i]),
                                     admin_euros(a, left)};
        json_array_append_new(rows, json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:b}", "association",
                                              each->name, "alias", each->alias, "outstanding_minor",
                                              (json_int_t)p->owed[i], "reserve_minor",
                                              (json_int_t)p->reserve[i], "redeemed_minor",
                                              (json_int_t)p->redeemed[i], "left_minor",
                                              (json_int_t)left, "covered", left >= 0));
        if (t != NULL)
            table_add(t, cells);
    }
    out_json(a->out, "associations", rows);
    table_print(a->out, t);
}

static void print_transfers(struct admin *a, const struct netting *n)
{
    json_t *rows = json_array();
    if (n->count == 0 && n->uncovered == 0)
        out_print(a->out, _("Each can pay what was given back to it: nothing is to be cleared.\n"));
    if (n->count > 0)
        out_print(a->out, _("So that each can pay what was given back to it:\n"));
    for (size_t i = 0; i < n->count; i++) {
        const struct netting_transfer *t = &n->transfers[i];
        const struct mr_association *from = &a->charter->associations[t->from];
        const struct mr_association *to = &a->charter->associations[t->to];
        json_array_append_new(rows, json_pack("{s:s,s:s,s:I}", "from", from->alias, "to", to->alias,
                                              "amount_minor", (json_int_t)t->amount));
        /* TRANSLATORS: giver, amount of euros, taker. */
        out_print(a->out, _("  %s owes %s to %s\n"), from->name, admin_euros(a, t->amount),
                  to->name);
    }
    out_json(a->out, "transfers", rows);
    out_int(a->out, "uncovered_minor", n->uncovered);
    if (n->uncovered > 0)
        out_print(a->out, _("Nobody has reserve for another %s that was given back.\n"),
                  admin_euros(a, n->uncovered));
    if (n->count > 0)
        out_print(a->out, _("Who owes transfers the euros, and then records it:\n"
                            "  mereau-admin clearing propose --bank-ref TEXT --key KEYFILE\n"));
}

void cmd_clearing(struct command *c, struct out *out)
{
    struct admin a;
    struct position p;
    const unsigned key = opt_flag(c, "key") ? NEED_KEY : 0;
    enum mr_status st = admin_begin(&a, c, out, NEED_CHARTER | NEED_NODE | key);
    if (st == MR_OK)
        st = ask_position(&a, &p);
    if (st == MR_OK) {
        print_associations(&a, &p);
        print_transfers(&a, &p.netting);
        out_print(out, _("The ledger proves that books and units agree. What is in the bank, bank "
                         "statements and the\nmunicipality prove.\n"));
    }
    admin_end(&a);
}

/* --- writing a draft ---------------------------------------------------------------------------
 */

struct wish {
    const struct mr_association *to; /* NULL: not named */
    int64_t amount;                  /* 0: not named */
    struct mr_bank_note note;
    bool done; /* there already, and printed */
};

static enum mr_status read_wish(struct admin *a, struct wish *w)
{
    const char *name = a->c->arg_count > 0 ? a->c->args[0] : NULL;
    const char *amount = opt_text(a->c, "amount"), *ref = opt_text(a->c, "bank-ref");
    const struct mr_unit *unit = &a->charter->units[1];
    char hint[HINT_MAX];
    *w = (struct wish){.to = NULL};
    if (ref == NULL)
        return out_fail(a->out, MR_USAGE,
                        _("--bank-ref is needed: the id of the bank entry that the euros went out "
                          "with"));
    if (name != NULL) {
        w->to = clearing_by_name(a->charter, name);
        if (w->to == NULL)
            return out_fail(a->out, MR_NOT_FOUND, _("no association has the short name \"%s\""),
                            name);
        if (w->to == a->home)
            return out_fail(a->out, MR_PAYEE_SELF, _("\"%s\" is this association itself"), name);
    }
    if (amount != NULL) {
        const enum mr_status st = mr_amount_parse(&w->amount, amount, unit->decimals, unit->code);
        if (st != MR_OK) {
            amount_hint(hint, st, amount, unit->decimals, unit->code);
            return out_fail(a->out, st, "%s", hint);
        }
    }
    return treasury_note(a, &w->note, ref, NULL);
}

/* Whether a clearing is the one wished for, as far as that was said. */
static bool is_wished(const struct wish *w, const struct mr_clearing *k)
{
    return (w->to == NULL || memcmp(w->to->id, k->to, MR_ACCOUNT_BYTES) == 0) &&
           (w->amount == 0 || w->amount == k->amount);
}

static void print_there(struct admin *a, const struct mr_clearing *k, const char *state,
                        const char *words)
{
    const struct mr_association *to = clearing_by_id(a->charter, k->to);
    out_status(a->out, MR_ALREADY_DONE);
    out_text(a->out, "state", state);
    out_text(a->out, "to", to != NULL ? to->alias : "");
    out_int(a->out, "amount_minor", k->amount);
    out_print(a->out, "%s: %s, %s\n", words, to != NULL ? to->name : "?",
              admin_euros(a, k->amount));
}

static enum mr_status look_at_bank(struct admin *a, struct wish *w)
{
    const enum mr_status st = treasury_ask_bank(a, w->note.ref);
    if (st == MR_NOT_FOUND)
        return MR_OK;
    if (st != MR_OK)
        return admin_call_failed(a, st);
    const struct mr_rep_bank *rep = &a->reply->body.u.bank;
    const struct mr_order_body *b = &rep->order[0].order.body;
    if (rep->order_count == 0 || b->kind != MR_KIND_CLEAR || !is_wished(w, &b->u.clear.clearing))
        return out_fail(a->out, MR_BANK_REF_USED,
                        _("the bank line \"%s\" was used for something else on %s"), w->note.entry,
                        admin_time(rep->time_ms));
    w->done = true;
    out_int(a->out, "settled_ms", (int64_t)rep->time_ms);
    print_there(a, &b->u.clear.clearing, "settled", _("Cleared already"));
    return MR_OK;
}

static enum mr_status look_at_draft(struct work *work, const struct mr_draft *d, const char *path,
                                    bool dead, void *ctx)
{
    struct wish *w = ctx;
    const struct mr_order_body *b = &d->orders[0].order.body;
    if (b->kind != MR_KIND_CLEAR ||
        memcmp(b->u.clear.clearing.bank_ref, w->note.ref, MR_HASH_BYTES) != 0)
        return MR_OK;
    if (dead) {
        unlink(path);
        return MR_OK;
    }
    out_text(work->a->out, "draft", path);
    if (!is_wished(w, &b->u.clear.clearing))
        return out_fail(work->a->out, MR_BANK_REF_USED,
                        _("another draft for this bank line waits for signatures: %s"), path);
    w->done = true;
    print_there(work->a, &b->u.clear.clearing, "draft", _("Drafted already"));
    out_print(work->a->out, "  %s\n", path);
    return MR_OK;
}

/* What was not said is what the proposal says. */
static enum mr_status take_from_proposal(struct admin *a, struct wish *w)
{
    struct position p;
    const struct netting_transfer *found = NULL;
    const uint32_t own = (uint32_t)(a->home - a->charter->associations);
    unsigned count = 0;
    enum mr_status st = ask_position(a, &p);
    for (size_t i = 0; st == MR_OK && i < p.netting.count; i++) {
        const struct netting_transfer *t = &p.netting.transfers[i];
        if (t->from != own || (w->to != NULL && w->to != &a->charter->associations[t->to]))
            continue;
        found = t;
        count++;
    }
    if (st == MR_OK && (w->to == NULL || w->amount == 0)) {
        if (count > 1)
            return out_fail(a->out, MR_USAGE,
                            _("this association owes to several: say to whom, as "
                              "\"mereau-admin clearing\" shows them"));
        if (found == NULL && w->to == NULL)
            return out_fail(a->out, MR_NO_CHANGE,
                            _("this association owes nothing; see \"mereau-admin clearing\", or "
                              "say to whom and --amount"));
        if (found == NULL)
            return out_fail(a->out, MR_NO_CHANGE,
                            _("this association owes nothing to %s; say --amount to give it "
                              "reserve all the same"),
                            w->to->name);
        w->to = &a->charter->associations[found->to];
        w->amount = w->amount == 0 ? found->amount : w->amount;
    }
    if (st == MR_OK && w->amount > p.reserve[own])
        return out_fail(a->out, MR_COVERAGE, _("the reserve is %s only"),
                        admin_euros(a, p.reserve[own]));
    return st;
}

static void print_drafted(struct admin *a, const struct wish *w, const char *path)
{
    out_text(a->out, "state", "draft");
    out_text(a->out, "draft", path);
    out_text(a->out, "to", w->to->alias);
    out_int(a->out, "amount_minor", w->amount);
    out_print(a->out,
              _("The draft is written:\n  %s\nSend it to the operators of %s, who sign first, and "
                "then sign it here. All do so with:\n  mereau-admin draft sign DRAFT --key "
                "KEYFILE\n"),
              path, w->to->name);
}

/* The order, not countersigned: the other treasury fills in its keys. */
static enum mr_status write_draft(struct admin *a, struct work *work, const struct wish *w,
                                  struct mr_order_body *body)
{
    int64_t missing;
    struct mr_clearing *k = &body->u.clear.clearing;
    body->kind = MR_KIND_CLEAR;
    memcpy(k->from, a->home->id, sizeof k->from);
    memcpy(k->to, w->to->id, sizeof k->to);
    memcpy(k->bank_ref, w->note.ref, sizeof k->bank_ref);
    k->amount = w->amount;
    enum mr_status st = work_note(work, &w->note);
    if (st == MR_OK)
        st = work_add(work, body);
    if (st != MR_OK)
        return st;
    st = work_check(work, &missing);
    if (st != MR_OK && st != MR_KEYS_OLD) /* nothing is wrong but that nobody countersigned */
        return exit_code_of(st) == EXIT_REFUSED ? out_fail(a->out, st, NULL)
                                                : admin_call_failed(a, st);
    if (!a->c->yes || opt_flag(a->c, "dry-run"))
        work_describe(work);
    if (opt_flag(a->c, "dry-run")) {
        out_text(a->out, "state", "dry_run");
        out_print(a->out, _("Nothing was done.\n"));
        return MR_OK;
    }
    st = term_confirm(a->c, a->out, _("Write this for both treasuries to sign?"));
    if (st == MR_OK)
        st = work_keep(work);
    if (st == MR_OK)
        print_drafted(a, w, work->path);
    return st;
}

void cmd_clearing_propose(struct command *c, struct out *out)
{
    struct admin a;
    struct work work = {.a = NULL};
    struct wish w;
    struct mr_order_body *body;
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK)
        st = read_wish(&a, &w);
    if (st == MR_OK)
        st = work_begin(&work, &a, a.treasury);
    if (st == MR_OK)
        st = look_at_bank(&a, &w);
    if (st == MR_OK && !w.done)
        st = treasury_each_draft(&work, look_at_draft, &w);
    if (st == MR_OK && !w.done) {
        st = take_from_proposal(&a, &w);
        if (st == MR_OK)
            write_draft(&a, &work, &w, body);
    }
    work_done(&work);
    order_end(&a, body);
}
