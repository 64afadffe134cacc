#include "wallet/payee.h"

#include <ctype.h>
#include <string.h>

#include "common/amount_text.h"
#include "common/term.h"
#include "mereau/id.h"
#include "mereau/order.h"
#include "mereau/receipt.h"
#include "mereau/text.h"
#include "wallet/advice.h"
#include "wallet/node.h"

enum { ADDRESS_DATA_CHARS = 26 + 6 };

bool payee_looks_like_address(const char *text)
{
    const char *const one = strrchr(text, '1');
    if (one == NULL || one == text || strchr(text, '@') != NULL || strchr(text, '-') != NULL)
        return false;
    for (const char *p = text; p < one; p++)
        if (!isalpha((unsigned char)*p))
            return false;
    const size_t data = strlen(one + 1);
    return data + 6 >= ADDRESS_DATA_CHARS && data <= ADDRESS_DATA_CHARS + 6;
}

enum mr_status payee_address(const struct wallet *w, struct out *out, uint8_t ret[MR_ACCOUNT_BYTES],
                             const char *text)
{
    char hint[HINT_MAX];
    size_t wrong = SIZE_MAX;
    const enum mr_status st = mr_address_parse(ret, &wrong, w->charter->prefix, text);
    if (st == MR_OK)
        return MR_OK;
    if (wrong != SIZE_MAX)
        out_int(out, "wrong_character", (int64_t)wrong + 1);
    address_hint(hint, st, text, wrong, w->charter->prefix);
    /* A mistyped address is a refusal, not a mistake in the command line. */
    return out_fail(out, st == MR_BAD_TEXT ? MR_BAD_CHECKSUM : st, "%s", hint);
}

static void ask_for(struct wallet *w, const char *alias, const uint8_t *account)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_LOOKUP};
    struct mr_req_lookup *const ask = &w->request->u.lookup;
    if (alias != NULL) {
        ask->alias_len = (uint32_t)strlen(alias);
        memcpy(ask->alias, alias, ask->alias_len + 1);
    } else {
        memcpy(ask->account, account, MR_ACCOUNT_BYTES);
    }
}

static uint64_t deadline_of(const struct wallet *w)
{
    return wallet_clock_ms() + (uint64_t)w->timeout_ms;
}

static bool is_unknown(enum mr_status st)
{
    return st == MR_PAYEE_UNKNOWN || st == MR_ACCOUNT_UNKNOWN || st == MR_ALIAS_UNKNOWN ||
           st == MR_NOT_FOUND;
}

/* A node that is behind does not know yet who was opened or listed a moment ago: nobody is unknown
 * before the others were asked. The session goes on at whichever knows. */
static enum mr_status ask_others(struct wallet *w, enum mr_status st, const char *alias,
                                 const uint8_t *account)
{
    struct node_round round = node_round(w, deadline_of(w));
    while (node_next(w, &round)) {
        ask_for(w, alias, account);
        if (node_call_here(w) == MR_OK)
            return MR_OK;
    }
    node_back(w, &round);
    return st;
}

static enum mr_status look_up(struct wallet *w, struct out *out, const char *alias,
                              const uint8_t *account)
{
    ask_for(w, alias, account);
    enum mr_status st = node_call(w);
    if (is_unknown(st))
        st = ask_others(w, st, alias, account);
    if (st == MR_OK)
        return MR_OK;
    if (alias != NULL && (st == MR_ALIAS_UNKNOWN || st == MR_NOT_FOUND))
        return out_fail(out, MR_ALIAS_UNKNOWN, _("nobody is listed as \"%s\"; %s"), alias,
                        advice(MR_ALIAS_UNKNOWN));
    if (alias == NULL && (st == MR_PAYEE_UNKNOWN || st == MR_ACCOUNT_UNKNOWN || st == MR_NOT_FOUND))
        return out_fail(out, MR_PAYEE_UNKNOWN, _("no account has this address; %s"),
                        advice(MR_PAYEE_UNKNOWN));
    return node_fail(w, out, st);
}

/* --- listings ----------------------------------------------------------------------------------
 */

/* The listing that the last LOOKUP proves with a receipt of the association's own chain; NULL:
 * none. Its texts are cleaned. */
static struct mr_list *proved_listing(const struct wallet *w, const struct mr_association *a)
{
    const struct mr_rep_lookup *const found = &w->reply->body.u.lookup;
    uint8_t desk[MR_ACCOUNT_BYTES];
    struct mr_receipt_facts facts;
    if (found->receipt_count == 0 || wallet_receipt(&facts, w, &found->receipt[0]) != MR_OK ||
        facts.voided)
        return NULL;
    mr_sub_account(desk, a->id, MR_CLASS_DESK);
    struct mr_order_body *const body = &w->reply->body.u.lookup.receipt[0].order[0].order.body;
    struct mr_list *const list = &body->u.list;
    if (memcmp(found->receipt[0].account, desk, sizeof desk) != 0 || body->kind != MR_KIND_LIST ||
        !list->listed || memcmp(list->account, found->account, MR_ACCOUNT_BYTES) != 0)
        return NULL;
    text_clean(list->name);
    return list;
}

/* --- accounts --------------------------------------------------------------------------------- */

enum mr_status payee_at(struct wallet *w, struct out *out, struct payee *ret,
                        const uint8_t account[MR_ACCOUNT_BYTES], const char *label)
{
    char address[MR_ADDRESS_TEXT_MAX];
    struct payee p = {0};
    if (memcmp(account, wallet_account(w), MR_ACCOUNT_BYTES) == 0)
        return out_fail(out, MR_PAYEE_SELF, _("%s; %s"), status_sentence(MR_PAYEE_SELF),
                        advice(MR_PAYEE_SELF));
    const enum mr_status st = look_up(w, out, NULL, account);
    if (st != MR_OK)
        return st;
    const struct mr_rep_lookup *const found = &w->reply->body.u.lookup;
    if (memcmp(found->account, account, MR_ACCOUNT_BYTES) != 0)
        return node_fail(w, out, MR_CHECK_FAILED);
    memcpy(p.account, account, sizeof p.account);
    memcpy(p.memo_key, found->enc_key, sizeof p.memo_key);
    wallet_address(address, w, account);
    const struct mr_association *const home =
        node_association(wallet_present(w), found->association);
    const struct mr_list *const list = home != NULL ? proved_listing(w, home) : NULL;
    if (label != NULL)
        snprintf(p.shown, sizeof p.shown, "%s (%s)", label, address);
    else if (list != NULL)
        snprintf(p.shown, sizeof p.shown, "%s (%s@%s)", list->name, list->alias, home->alias);
    else
        wallet_call(p.shown, w, account);
    *ret = p;
    return MR_OK;
}

/* --- names ------------------------------------------------------------------------------------ */

enum mr_status payee_alias(char *ret, const struct mr_association **ret_association,
                           const struct wallet *w, const char *who)
{
    char name[MR_ALIAS_MAX + 1], at[MR_ALIAS_MAX + 1];
    const enum mr_status st = mr_alias_split(name, at, who);
    if (st != MR_OK)
        return st;
    const struct mr_association *const a =
        at[0] != '\0' ? node_association_called(wallet_present(w), at)
                      : node_association(wallet_present(w), w->account->account.association);
    if (a == NULL)
        return MR_NOT_FOUND;
    snprintf(ret, MR_OPENING_MAX + 1, "%s@%s", name, a->alias);
    *ret_association = a;
    return MR_OK;
}

static enum mr_status moved(const struct wallet *w, struct out *out, const char *alias,
                            const struct name *pin, const uint8_t now[MR_ACCOUNT_BYTES])
{
    char before_text[MR_ADDRESS_TEXT_MAX], now_text[MR_ADDRESS_TEXT_MAX];
    wallet_address(before_text, w, pin->account);
    wallet_address(now_text, w, now);
    out_text(out, "pinned_account", before_text);
    out_text(out, "listed_account", now_text);
    return out_fail(out, MR_NAME_MOVED,
                    _("STOP: \"%s\" is now listed for another account (%s) than when you first "
                      "used it (%s). Ask the shop itself. If it is right, run \"mereau contact "
                      "remove %s\" and pay again"),
                    alias, now_text, before_text, alias);
}

static enum mr_status keep_pin(struct wallet *w, struct out *out, const char *alias,
                               const uint8_t account[MR_ACCOUNT_BYTES])
{
    w->note->kind = MR_BOOK_NAME;
    struct mr_book_name *const n = &w->note->u.name;
    *n = (struct mr_book_name){.pin = true, .name_len = (uint32_t)strlen(alias)};
    memcpy(n->name, alias, n->name_len + 1);
    memcpy(n->account, account, sizeof n->account);
    return wallet_add(w, out);
}

/* Whom nodes without a proof name, and how many of them the same one. */
struct agreed {
    uint8_t account[MR_ACCOUNT_BYTES];
    uint64_t nodes;
    uint32_t count;
};

/* Nodes that joined later have no receipts of the time before. Then the listing counts that was
 * proved when this wallet pinned it, or that q distinct nodes name: they could as well acknowledge
 * another one. NULL: it does not count yet. */
static const struct mr_list *agreed_listing(const struct wallet *w, struct agreed *g,
                                            const char *alias, const struct mr_association *a)
{
    struct mr_rep_lookup *const found = &w->reply->body.u.lookup;
    const struct name *const pin = wallet_name(w, true, alias);
    const uint64_t bit = UINT64_C(1) << (w->seats.list[w->seats.at].number & 63);
    struct mr_list *const list = &found->listing[0];
    if (found->receipt_count > 0 || found->listing_count == 0 ||
        wallet_present(w)->nodes_count < 2 ||
        memcmp(found->association, a->id, MR_ACCOUNT_BYTES) != 0 ||
        memcmp(list->account, found->account, MR_ACCOUNT_BYTES) != 0)
        return NULL;
    text_clean(list->name);
    if (pin != NULL && memcmp(pin->account, found->account, MR_ACCOUNT_BYTES) == 0)
        return list;
    if (g->count == 0)
        memcpy(g->account, found->account, sizeof g->account);
    if (memcmp(g->account, found->account, sizeof g->account) != 0 || (g->nodes & bit) != 0)
        return NULL;
    g->nodes |= bit;
    return ++g->count >= wallet_present(w)->quorum ? list : NULL;
}

static enum mr_status not_listed(const struct wallet *w, struct out *out, const char *alias)
{
    if (w->seats.count == 1 && wallet_present(w)->nodes_count > 1)
        return out_fail(out, MR_BAD_RECEIPT,
                        _("this node alone cannot prove that \"%s\" is listed under this name: ask "
                          "the others too, without --node, or pay to the shop's address"),
                        alias);
    return out_fail(out, MR_BAD_RECEIPT,
                    _("the node cannot prove that \"%s\" is listed under this name: do "
                      "not pay by this name, ask the shop for its address"),
                    alias);
}

/* What the answer of one more node adds: NULL, or the listing that counts now. */
static const struct mr_list *listing_of(const struct wallet *w, struct agreed *g, const char *alias,
                                        const struct mr_association *a)
{
    const struct mr_list *list = proved_listing(w, a);
    if (list == NULL)
        list = agreed_listing(w, g, alias, a);
    return list != NULL && list->alias_len == strcspn(alias, "@") &&
                   memcmp(list->alias, alias, list->alias_len) == 0
               ? list
               : NULL;
}

/* WAL-10: pay by name only on the word of the association's own chain. One node of several may not
 * have the proof: the next one is asked, and nobody needs to know. The answer stays in w->reply,
 * and the session at whoever gave it. */
static enum mr_status look_up_proved(struct wallet *w, struct out *out,
                                     const struct mr_list **ret_list, const char *alias,
                                     const struct mr_association *a)
{
    struct agreed agreed = {.count = 0};
    const uint64_t deadline_ms = deadline_of(w);
    const enum mr_status st = look_up(w, out, alias, NULL);
    if (st != MR_OK)
        return st;
    *ret_list = listing_of(w, &agreed, alias, a);
    struct node_round round = node_round(w, deadline_ms);
    while (*ret_list == NULL && node_next(w, &round)) {
        ask_for(w, alias, NULL);
        if (node_call_here(w) == MR_OK)
            *ret_list = listing_of(w, &agreed, alias, a);
    }
    if (*ret_list != NULL)
        return MR_OK;
    node_back(w, &round);
    return not_listed(w, out, alias);
}

static enum mr_status find_alias(struct wallet *w, struct out *out, struct payee *ret,
                                 const char *who)
{
    char alias[MR_OPENING_MAX + 1];
    const struct mr_association *a;
    struct payee p = {0};
    enum mr_status st = payee_alias(alias, &a, w, who);
    if (st == MR_ALIAS_SYNTAX)
        return out_fail(out, st,
                        _("\"%s\" is neither a contact, nor an address, nor a name of the "
                          "directory; %s"),
                        who, advice(MR_ALIAS_UNKNOWN));
    if (st != MR_OK)
        return out_fail(out, MR_ALIAS_UNKNOWN, _("there is no association \"%s\" in this currency"),
                        strchr(who, '@') != NULL ? strchr(who, '@') + 1 : who);
    const struct mr_list *list = NULL;
    st = look_up_proved(w, out, &list, alias, a);
    if (st != MR_OK)
        return st;
    const struct mr_rep_lookup *const found = &w->reply->body.u.lookup;
    memcpy(p.account, found->account, sizeof p.account);
    memcpy(p.memo_key, found->enc_key, sizeof p.memo_key);
    snprintf(p.shown, sizeof p.shown, "%s (%s)", list->name, alias);
    if (memcmp(p.account, wallet_account(w), MR_ACCOUNT_BYTES) == 0)
        return out_fail(out, MR_PAYEE_SELF, _("%s; %s"), status_sentence(MR_PAYEE_SELF),
                        advice(MR_PAYEE_SELF));
    const struct name *const pin = wallet_name(w, true, alias);
    if (pin == NULL)
        st = keep_pin(w, out, alias, p.account);
    else if (memcmp(pin->account, p.account, MR_ACCOUNT_BYTES) != 0)
        st = moved(w, out, alias, pin, p.account);
    if (st == MR_OK)
        *ret = p;
    return st;
}

enum mr_status payee_find(struct wallet *w, struct out *out, struct payee *ret, const char *who)
{
    uint8_t account[MR_ACCOUNT_BYTES];
    const struct name *const contact = wallet_name(w, false, who);
    if (contact != NULL)
        return payee_at(w, out, ret, contact->account, contact->text);
    if (!payee_looks_like_address(who))
        return find_alias(w, out, ret, who);
    const enum mr_status st = payee_address(w, out, account, who);
    return st == MR_OK ? payee_at(w, out, ret, account, NULL) : st;
}
