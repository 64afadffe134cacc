/* status, address, balance, request, directory: commands that look only. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/amount_text.h"
#include "common/ledger_words.h"
#include "common/qr.h"
#include "common/term.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/letters.h"
#include "mereau/order.h"
#include "mereau/text.h"
#include "wallet/act.h"
#include "wallet/commands.h"
#include "wallet/entry.h"
#include "wallet/node.h"
#include "wallet/unit.h"
#include "wallet/witnessed.h"

static void upper(char *text)
{
    for (; *text != '\0'; text++)
        *text = mr_upper(*text);
}

/* A code of capitals is smaller. */
static void print_code(struct out *out, const char *text)
{
    char capitals[QR_TEXT_MAX + 1];
    snprintf(capitals, sizeof capitals, "%s", text);
    upper(capitals);
    if (qr_print(out, capitals) != MR_OK)
        out_note(out, _("note: the QR code could not be drawn"));
}

static enum mr_status synced(struct wallet **ret, struct command *c, struct out *out)
{
    const enum mr_status st = wallet_open(ret, c, out);
    return st == MR_OK ? node_sync(*ret, c, out) : st;
}

/* --- status ----------------------------------------------------------------------------------- */

static void print_open(const struct wallet *w, struct out *out)
{
    struct mr_signed_order o;
    char what[DESCRIBE_MAX];
    const uint64_t seq = wallet_open_seq(w);
    out_bool(out, "order_open", seq > 0);
    if (seq == 0)
        return;
    wallet_order(&o, wallet_slot(w, seq));
    act_describe(what, w, &o.order);
    out_print(out, _("Open order: %s (\"mereau resume\" or \"mereau cancel\")\n"), what);
}

static void print_tolerance(struct out *out, uint32_t n, uint32_t q, uint32_t lie, uint32_t down)
{
    out_print(out, _("Trust: %u nodes, of which %u settle an order\n"), n, q);
    if (lie > 0)
        out_print(out, _("  safe while at most %u of them lie\n"), lie);
    else
        out_print(out, _("  safe while none of them lies\n"));
    if (down > 0)
        out_print(out, _("  going on while at most %u of them are down\n"), down);
    else
        out_print(out, _("  going on while none of them is down\n"));
}

/* How many lies and losses the ledger bears: 2q-n-1 and n-q. */
static void print_trust(const struct wallet *w, struct out *out)
{
    const uint32_t n = wallet_present(w)->nodes_count, q = wallet_present(w)->quorum;
    out_int(out, "nodes", n);
    out_int(out, "quorum", q);
    if (n == 1)
        out_print(out, _("Trust: one node; a receipt proves what it said, not that it says the "
                         "same to all\n"));
    else
        print_tolerance(out, n, q, 2 * q - n - 1, n - q);
}

/* Where it speaks, and for whom. */
static void print_node(const struct wallet *w, struct out *out)
{
    char name[SEAT_NAME_MAX];
    const struct seat *const s = &w->seats.list[w->seats.at];
    seat_name(name, w, s);
    out_text(out, "node", s->address);
    out_int(out, "node_number", s->number);
    out_text(out, "node_name", name);
    out_bool(out, "node_is_home", s->number == seat_home(w));
    out_print(out, _("Node: %s, at %s\n"), name, s->address);
}

static void print_waiting(const struct wallet *w, struct out *out, enum mr_status st)
{
    const struct seat *const s = &w->seats.list[w->seats.at];
    if (st == MR_NOT_ADMITTED)
        out_print(out, _("Waiting: the association has not admitted you yet\n"));
    else if (w->seats.count > 1 && s->number != seat_home(w))
        out_print(out, _("Waiting: the other nodes know of no admission, and your association's "
                         "own node, which admits, does not answer\n"));
    else
        out_print(out, _("The node knows no request of this account: run \"mereau join LINK\" "
                         "again, it is safe\n"));
}

/* Whom the charter names, and how far they have come. */
static void print_witnesses(struct wallet *w, struct out *out)
{
    struct seen seen;
    char text[WITNESSES_TEXT_MAX];
    witnesses_text(text, &wallet_present(w)->witnesses);
    out_json(out, "witnesses", witnesses_json(&wallet_present(w)->witnesses));
    out_print(out, _("Witnesses: %s\n"), text);
    const enum mr_status st = witnessed_look(w, &seen);
    if (st != MR_OK)
        node_fail(w, out, st);
    else
        witnessed_tell(&seen, out);
}

void cmd_status(struct command *c, struct out *out)
{
    struct wallet *w;
    char address[MR_ADDRESS_TEXT_MAX];
    if (wallet_open(&w, c, out) != MR_OK || node_reach(w, c, out) != MR_OK)
        return;
    wallet_address(address, w, wallet_account(w));
    out_text(out, "account", address);
    out_text(out, "currency", w->charter->name);
    out_int(out, "generation", w->keys->stored.sheet.generation);
    out_print(out, _("Currency: %s\nYour address: %s\n"), w->charter->name, address);
    print_node(w, out);
    print_trust(w, out);
    *w->request = (struct mr_request_body){.kind = MR_REQ_JOIN_STATUS};
    memcpy(w->request->u.join_status.account, wallet_account(w), MR_ACCOUNT_BYTES);
    const enum mr_status st = node_call(w);
    out_bool(out, "admitted", st == MR_OK);
    if (st == MR_NOT_ADMITTED || st == MR_NOT_FOUND) {
        print_waiting(w, out, st);
        return;
    }
    if (st != MR_OK) {
        node_fail(w, out, st);
        return;
    }
    if (node_sync(w, c, out) != MR_OK)
        return;
    const struct mr_state_account *const a = &w->account->account;
    out_text(out, "class", mr_account_class_text(a->class));
    out_bool(out, "frozen", a->frozen);
    out_bool(out, "closed", a->closed);
    out_print(out, _("Account: %s, key generation %u%s%s\n"), class_word(a->class), a->generation,
              a->frozen ? _(", FROZEN: ask your association") : "", a->closed ? _(", closed") : "");
    print_open(w, out);
    print_witnesses(w, out);
}

/* --- address ---------------------------------------------------------------------------------- */

void cmd_address(struct command *c, struct out *out)
{
    struct wallet *w;
    char address[MR_ADDRESS_TEXT_MAX];
    if (wallet_open(&w, c, out) != MR_OK || (w->charter == NULL && node_reach(w, c, out) != MR_OK))
        return;
    wallet_address(address, w, wallet_account(w));
    out_text(out, "account", address);
    out_print(out, "%s\n", address);
    if (!opt_flag(c, "no-qr") && !c->quiet)
        print_code(out, address);
}

/* --- balance ---------------------------------------------------------------------------------- */

/* What others paid since the last head that was cosigned, from the newest page backwards. */
static enum mr_status sum_unwitnessed(struct wallet *w, struct out *out, const struct seen *s,
                                      int64_t *ret)
{
    uint64_t behind = w->account->hot.credits + 1, last, next;
    enum mr_status st = MR_OK;
    bool covered = false;
    *ret = 0;
    while (st == MR_OK && !covered && behind > 1) {
        struct entries page = {0};
        const uint64_t from = behind > MR_PAGE_MAX ? behind - MR_PAGE_MAX : 1;
        st = entries_fetch_page(&page, w, out, true, from, &last, &next);
        for (size_t i = 0; st == MR_OK && i < page.count; i++) {
            const struct entry *const e = &page.list[i];
            covered = covered || witnessed_covers(s, e->time_ms);
            if (e->unit == 0 && !witnessed_covers(s, e->time_ms) &&
                !mr_amount_add(ret, *ret, e->amount))
                st = MR_CHECK_FAILED;
        }
        entries_free(&page);
        behind = from;
    }
    return st;
}

static void print_unwitnessed(struct wallet *w, struct out *out)
{
    struct seen seen;
    char text[AMOUNT_PEOPLE_MAX];
    int64_t minor = 0;
    const enum mr_status st = witnessed_look(w, &seen);
    if (st != MR_OK) {
        node_fail(w, out, st);
        return;
    }
    if (!seen.wanted || sum_unwitnessed(w, out, &seen, &minor) != MR_OK)
        return;
    wallet_amount(text, w, minor, 0);
    out_int(out, "unwitnessed_minor", minor);
    if (minor > 0)
        out_print(out, _("  of which received, settled and not yet witnessed: %s\n"), text);
    witnessed_tell(&seen, out);
}

void cmd_balance(struct command *c, struct out *out)
{
    struct wallet *w;
    char text[AMOUNT_PEOPLE_MAX], address[MR_ADDRESS_TEXT_MAX];
    struct mr_terms terms;
    if (synced(&w, c, out) != MR_OK)
        return;
    json_t *const list = out->json ? json_array() : NULL;
    for (uint32_t i = 0; i < w->charter->units_count; i++) {
        const struct mr_unit *const u = &w->charter->units[i];
        const int64_t minor = w->account->hot.chain.balances[i].minor;
        wallet_amount(text, w, minor, i);
        if (i == 0 || minor != 0)
            out_print(out, "%s\n", text);
        mr_amount_format(text, minor, u->decimals, '.');
        if (list != NULL)
            json_array_append_new(list, json_pack("{s:s, s:I, s:i, s:s}", "unit", u->code, "minor",
                                                  (json_int_t)minor, "decimals", (int)u->decimals,
                                                  "text", text));
    }
    wallet_address(address, w, wallet_account(w));
    out_text(out, "account", address);
    if (list != NULL)
        out_json(out, "balances", list);
    mr_terms_of(&terms, &w->account->account, NULL);
    if (terms.credit > 0) {
        wallet_amount(text, w, terms.credit, 0);
        out_print(out, _("credit line: %s\n"), text);
    }
    out_int(out, "credit_minor", terms.credit);
    print_unwitnessed(w, out);
    if (w->account->account.frozen)
        out_note(
            out,
            _("The account is frozen: it cannot pay, and nobody can begin a payment to it. What "
              "is on it stays yours. Ask your association."));
}

/* --- request ---------------------------------------------------------------------------------- */

void cmd_request(struct command *c, struct out *out)
{
    struct wallet *w;
    struct mr_pay_request r = {.version = 1};
    char text[MR_PAY_REQUEST_TEXT_MAX], amount[AMOUNT_PEOPLE_MAX];
    const char *const memo = opt_text(c, "memo");
    if (wallet_open(&w, c, out) != MR_OK ||
        (w->charter == NULL && node_reach(w, c, out) != MR_OK) ||
        unit_option(w, c, out, &r.unit) != MR_OK)
        return;
    if (c->arg_count > 0 && unit_amount(w, out, &r.amount, c->args[0], r.unit) != MR_OK)
        return;
    if (memo != NULL) {
        if (strlen(memo) > MR_NAME_MAX) {
            out_fail(out, MR_USAGE, _("the memo of a request has at most %d bytes"), MR_NAME_MAX);
            return;
        }
        r.memo_len = (uint32_t)strlen(memo);
        memcpy(r.memo, memo, r.memo_len + 1);
        text_clean(r.memo);
    }
    memcpy(r.ledger, w->keys->stored.sheet.link.ledger, sizeof r.ledger);
    memcpy(r.payee, wallet_account(w), sizeof r.payee);
    mr_pay_request_format(text, w->charter->prefix, &r);
    out_text(out, "request", text);
    out_int(out, "amount_minor", r.amount);
    out_text(out, "unit", w->charter->units[r.unit].code);
    if (r.amount > 0) {
        wallet_amount(amount, w, r.amount, r.unit);
        out_note(out, _("Show this to the payer, who types \"mereau pay\" and it; it asks for %s:"),
                 amount);
    }
    out_print(out, "%s\n", text);
    if (!opt_flag(c, "no-qr") && !c->quiet)
        print_code(out, text);
}

/* --- directory -------------------------------------------------------------------------------- */

static bool contains(const char *text, const char *part)
{
    const size_t len = strlen(part);
    for (; *text != '\0'; text++)
        if (strncasecmp(text, part, len) == 0)
            return true;
    return len == 0;
}

static bool wanted(const struct mr_list *l, const char *part)
{
    return part == NULL || contains(l->alias, part) || contains(l->name, part) ||
           contains(l->trade, part) || contains(l->town, part);
}

static void add_listing(const struct wallet *w, struct out *out, struct table *t,
                        struct mr_state_alias *s)
{
    char alias[2 * MR_ALIAS_MAX + 2], address[MR_ADDRESS_TEXT_MAX];
    struct mr_list *const l = &s->listing;
    const struct mr_association *const a = node_association(wallet_present(w), s->association);
    snprintf(alias, sizeof alias, "%s@%s", l->alias, a != NULL ? a->alias : "?");
    text_clean(l->name);
    text_clean(l->trade);
    text_clean(l->town);
    text_clean(l->opening);
    if (!out->json) {
        table_add(t, (const char *[]){alias, l->name, l->trade, l->town, l->opening});
        return;
    }
    wallet_address(address, w, l->account);
    out_row(out,
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "alias", alias, "name", l->name, "trade",
                      l->trade, "town", l->town, "opening", l->opening, "account", address));
}

/* All listings, as one node numbers them. */
static enum mr_status fetch_listings(struct wallet *w, struct out *out, struct mr_state_alias **ret,
                                     size_t *ret_count)
{
    uint64_t from = 1, last = 1;
    unsigned moves = w->moves;
    while (from <= last) {
        *w->request = (struct mr_request_body){.kind = MR_REQ_DIRECTORY};
        w->request->u.directory = (struct mr_req_page){from, MR_PAGE_MAX};
        const enum mr_status st = node_call(w);
        const struct mr_rep_directory *const page = &w->reply->body.u.directory;
        if (st != MR_OK)
            return node_fail(w, out, st);
        if (moves != w->moves) { /* another node numbers them otherwise */
            moves = w->moves;
            *ret_count = 0;
            from = last = 1;
            continue;
        }
        if (page->next <= from)
            break;
        struct mr_state_alias *const grown =
            realloc(*ret, (*ret_count + page->listings_count + 1) * sizeof *grown);
        if (grown == NULL)
            return out_fail(out, MR_NO_MEMORY, NULL);
        *ret = grown;
        for (uint32_t i = 0; i < page->listings_count; i++)
            grown[(*ret_count)++] = page->listings[i];
        from = page->next;
        last = page->last;
    }
    return MR_OK;
}

void cmd_directory(struct command *c, struct out *out)
{
    struct wallet *w;
    struct mr_state_alias *all = NULL;
    const char *const part = c->arg_count > 0 ? c->args[0] : NULL;
    size_t count = 0, shown = 0;
    const struct table_column columns[] = {{_("NAME"), false},
                                           {_("SHOP"), false},
                                           {_("TRADE"), false},
                                           {_("TOWN"), false},
                                           {_("OPEN"), false}};
    if (wallet_open(&w, c, out) != MR_OK || node_reach(w, c, out) != MR_OK)
        return;
    const enum mr_status st = fetch_listings(w, out, &all, &count);
    struct table *const t = table_create(columns, 5);
    for (size_t i = 0; st == MR_OK && i < count; i++) {
        if (!wanted(&all[i].listing, part))
            continue;
        add_listing(w, out, t, &all[i]);
        shown++;
    }
    table_print(out, t);
    free(all);
    out_int(out, "count", (int64_t)shown);
    if (shown == 0 && !out->failed)
        out_note(out, part != NULL ? _("No shop is listed with this word.")
                                   : _("No shop is listed yet."));
}
