/* join: ask an association for an account. */
#include <poll.h>
#include <sodium.h>
#include <string.h>

#include "common/term.h"
#include "mereau/codec.h"
#include "mereau/letters.h"
#include "mereau/order.h"
#include "mereau/text.h"
#include "wallet/commands.h"
#include "wallet/node.h"

enum { WAIT_PAUSE_MS = 300 };

enum mr_status join_link_read(struct mr_join_link *ret, struct out *out, const char *text)
{
    size_t wrong = SIZE_MAX;
    const enum mr_status st = mr_join_link_parse(ret, &wrong, text);
    if (st == MR_OK)
        return MR_OK;
    if (!mr_is_join_link(text))
        return out_fail(out, MR_BAD_CHECKSUM,
                        _("this is not a join link: one begins with \"mereau-join:\"; your "
                          "association shows it"));
    if (wrong == SIZE_MAX)
        return out_fail(out, st == MR_BAD_TEXT ? MR_BAD_CHECKSUM : st,
                        _("the join link is not complete or mistyped: copy it again"));
    out_int(out, "wrong_character", (int64_t)wrong + 1);
    return out_fail(out, MR_BAD_CHECKSUM,
                    _("character %zu of the join link is wrong: copy it again"), wrong + 1);
}

/* An option's text, or what the person types. */
static enum mr_status ask_text(const struct command *c, struct out *out, char *ret, size_t cap,
                               const char *option, const char *question)
{
    const char *const given = opt_text(c, option);
    const enum mr_status st = given != NULL ? MR_OK : term_ask(c, out, ret, cap, question);
    if (st != MR_OK)
        return st;
    const char *const text = given != NULL ? given : ret;
    if (text[0] == '\0' || strlen(text) >= cap)
        return out_fail(out, MR_USAGE, _("--%s takes 1 to %zu bytes of text"), option, cap - 1);
    if (given != NULL)
        memcpy(ret, given, strlen(given) + 1);
    text_clean(ret);
    return MR_OK;
}

static enum mr_status ask_class(const struct command *c, struct out *out,
                                enum mr_account_class *ret)
{
    char text[32];
    const enum mr_status st =
        ask_text(c, out, text, sizeof text, "class",
                 _("Resident, shop, association, municipality, office or fund?"));
    if (st != MR_OK)
        return st;
    for (char *p = text; *p != '\0'; p++)
        *p = mr_lower(*p);
    for (int i = MR_CLASS_RESIDENT; i <= MR_CLASS_FUND; i++)
        if (strcmp(text, mr_account_class_text((enum mr_account_class)i)) == 0) {
            *ret = (enum mr_account_class)i;
            return MR_OK;
        }
    return out_fail(out, MR_USAGE,
                    _("there is no class \"%s\": resident, shop, association, municipality, office "
                      "or fund"),
                    text);
}

/* --- the request ------------------------------------------------------------------------------ */

static enum mr_status seal_identity(const struct wallet *w, struct out *out, struct mr_join *join,
                                    const struct mr_identity *who)
{
    uint8_t plain[sizeof *who];
    const struct mr_association *const a = node_association(wallet_present(w), join->association);
    const size_t n = mr_identity_encode(who, plain, sizeof plain);
    const int bad = crypto_box_seal(join->identity, plain, n, a->register_key);
    sodium_memzero(plain, sizeof plain);
    join->identity_len = (uint32_t)(n + crypto_box_SEALBYTES);
    return bad == 0 ? MR_OK
                    : out_fail(out, MR_BAD_KEY,
                               _("the association's register key is not usable: tell it"));
}

static enum mr_status make_request(struct wallet *w, struct out *out, const struct mr_identity *who)
{
    const struct mr_wallet_secret *const stored = &w->keys->stored;
    w->note->kind = MR_BOOK_JOIN;
    struct mr_req_join *const r = &w->note->u.join;
    *r = (struct mr_req_join){0};
    memcpy(r->join.ledger, stored->sheet.link.ledger, sizeof r->join.ledger);
    memcpy(r->join.association, stored->sheet.link.association, sizeof r->join.association);
    struct mr_open *const open = &r->join.open;
    memcpy(open->account, wallet_account(w), sizeof open->account);
    open->class = stored->class;
    open->keys.threshold = 1;
    open->keys.keys_count = 1;
    open->keys.keys[0] = w->public;
    memcpy(open->enc_key, w->keys->memo_public, sizeof open->enc_key);
    const enum mr_status st = seal_identity(w, out, &r->join, who);
    if (st != MR_OK)
        return st;
    uint8_t bytes[sizeof r->join];
    const size_t n = mr_join_encode(&r->join, bytes, sizeof bytes);
    mr_sign(r->sig, MR_PURPOSE_JOIN, r->join.ledger, 0, bytes, n, &w->keys->signing);
    return wallet_add(w, out);
}

static enum mr_status send_request(struct wallet *w, struct out *out)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_JOIN};
    w->request->u.join = *w->join;
    const enum mr_status st = node_call(w);
    return st == MR_OK || st == MR_ALREADY_DONE || st == MR_ACCOUNT_EXISTS ? MR_OK
                                                                           : node_fail(w, out, st);
}

/* MR_OK: admitted; MR_NOT_ADMITTED, MR_NOT_FOUND: not yet; others are trouble, not reported. */
static enum mr_status ask_status(struct wallet *w)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_JOIN_STATUS};
    memcpy(w->request->u.join_status.account, wallet_account(w), MR_ACCOUNT_BYTES);
    return node_call(w);
}

static enum mr_status wait_admitted(struct wallet *w, const struct command *c, struct out *out)
{
    const uint64_t until = wallet_now_ms() + (uint64_t)c->timeout_ms;
    enum mr_status st = ask_status(w);
    if (!opt_flag(c, "wait"))
        return st;
    if (st != MR_OK)
        out_note(out, _("waiting until the association admits you ..."));
    while (st == MR_NOT_ADMITTED && (!c->timeout_given || wallet_now_ms() < until)) {
        poll(NULL, 0, WAIT_PAUSE_MS);
        st = ask_status(w);
    }
    return st;
}

/* --- the command ------------------------------------------------------------------------------ */

static enum mr_status make_wallet(struct wallet **ret, const struct command *c, struct out *out,
                                  const struct mr_join_link *link, enum mr_account_class class)
{
    struct mr_wallet_secret stored = {.version = 1, .class = class};
    stored.sheet.version = 1;
    stored.sheet.link = *link;
    stored.sheet.generation = 1;
    if (sodium_init() < 0)
        return out_fail(out, MR_NO_MEMORY, NULL);
    randombytes_buf(stored.sheet.account, sizeof stored.sheet.account);
    mr_into_space(stored.sheet.account, link->association); /* LED-2a */
    randombytes_buf(stored.sheet.seed, sizeof stored.sheet.seed);
    randombytes_buf(stored.book_key, sizeof stored.book_key);
    const enum mr_status st = wallet_create(ret, c, out, &stored);
    sodium_memzero(&stored, sizeof stored);
    return st;
}

/* A wallet that is there: of this link, or of none that a request was sent to. */
static enum mr_status take_wallet(struct wallet **ret, const struct command *c, struct out *out,
                                  const struct mr_join_link *link)
{
    const enum mr_status st = wallet_open(ret, c, out);
    if (st != MR_OK)
        return st;
    struct wallet *const w = *ret;
    struct mr_join_link *const have = &w->keys->stored.sheet.link;
    const bool same = memcmp(have->ledger, link->ledger, MR_HASH_BYTES) == 0 &&
                      memcmp(have->association, link->association, MR_ACCOUNT_BYTES) == 0;
    if (!same && (w->join != NULL || w->charter != NULL || w->slot_count > 0))
        return out_fail(out, MR_ACCOUNT_EXISTS,
                        _("%s holds a wallet of another currency or association: give another "
                          "place with --wallet DIR"),
                        w->dir);
    if (same && strcmp(have->address, link->address) == 0 &&
        memcmp(&have->transport_key, &link->transport_key, sizeof link->transport_key) == 0)
        return MR_OK;
    *have = *link; /* also how a node's new address or key is learned */
    if (!same)
        mr_into_space(w->keys->stored.sheet.account, link->association);
    return wallet_save(w, out, &w->keys->stored);
}

static void print_next(struct wallet *w, struct out *out, bool admitted)
{
    char address[MR_ADDRESS_TEXT_MAX];
    const struct mr_association *const a =
        node_association(wallet_present(w), w->keys->stored.sheet.link.association);
    wallet_address(address, w, wallet_account(w));
    out_text(out, "account", address);
    out_text(out, "currency", w->charter->name);
    out_text(out, "association", a->name);
    out_bool(out, "admitted", admitted);
    out_print(out, _("Currency: %s\nAssociation: %s\nYour address: %s\n"), w->charter->name,
              a->name, address);
    if (admitted)
        out_print(out, _("You are admitted. Now write down your paper sheet: mereau backup\n"));
    else
        out_print(out, _("The request is there; it shows your name to the association only. Once "
                         "it has admitted you, \"mereau status\" says so.\nNow write down your "
                         "paper sheet: mereau backup\n"));
}

static enum mr_status new_request(struct wallet *w, const struct command *c, struct out *out)
{
    struct mr_identity who = {0};
    enum mr_status st = ask_text(c, out, who.name, sizeof who.name, "name",
                                 _("Your name, or your shop's, for the association only:"));
    if (st == MR_OK)
        st = ask_text(c, out, who.contact, sizeof who.contact, "contact",
                      _("Mail, telephone or address, for the association only:"));
    who.name_len = (uint32_t)strlen(who.name);
    who.contact_len = (uint32_t)strlen(who.contact);
    if (st == MR_OK)
        st = make_request(w, out, &who);
    sodium_memzero(&who, sizeof who);
    return st;
}

void cmd_join(struct command *c, struct out *out)
{
    struct mr_join_link link;
    struct wallet *w;
    char dir[FILE_PATH_MAX];
    enum mr_account_class class = MR_CLASS_RESIDENT;
    enum mr_status st = join_link_read(&link, out, c->args[0]);
    if (st == MR_OK)
        st = wallet_dir(dir, c, out);
    if (st != MR_OK)
        return;
    if (wallet_exists(dir)) {
        st = take_wallet(&w, c, out, &link);
    } else {
        st = ask_class(c, out, &class);
        if (st == MR_OK)
            st = make_wallet(&w, c, out, &link, class);
    }
    if (st == MR_OK)
        st = node_reach_home(w, c, out);
    if (st != MR_OK)
        return;
    st = ask_status(w);
    if (st != MR_OK) {
        if (w->join == NULL && new_request(w, c, out) != MR_OK)
            return;
        if (send_request(w, out) != MR_OK)
            return;
        st = wait_admitted(w, c, out);
    }
    if (st != MR_OK && st != MR_NOT_ADMITTED && st != MR_NOT_FOUND) {
        node_fail(w, out, st);
        return;
    }
    print_next(w, out, st == MR_OK);
    if (opt_flag(c, "wait") && st != MR_OK)
        out_fail(out, MR_NO_ANSWER,
                 _("the association has not admitted you in this time; \"mereau "
                   "status\" says when it has"));
}
