/* contact: own names for accounts, and what names of the directory were pinned to. */
#include <string.h>

#include "common/term.h"
#include "mereau/id.h"
#include "mereau/text.h"
#include "wallet/commands.h"
#include "wallet/node.h"
#include "wallet/payee.h"

static enum mr_status opened(struct wallet **ret, struct command *c, struct out *out)
{
    const enum mr_status st = wallet_open(ret, c, out);
    return st == MR_OK && (*ret)->charter == NULL ? node_reach(*ret, c, out) : st;
}

static enum mr_status put(struct wallet *w, struct out *out, const struct mr_book_name *name)
{
    w->note->kind = MR_BOOK_NAME;
    w->note->u.name = *name;
    return wallet_add(w, out);
}

static bool name_ok(const char *text)
{
    char cleaned[MR_OPENING_MAX + 1];
    if (text[0] == '\0' || strlen(text) > MR_NAME_MAX)
        return false;
    memcpy(cleaned, text, strlen(text) + 1);
    text_clean(cleaned);
    return strcmp(cleaned, text) == 0 && strchr(text, '@') == NULL &&
           !payee_looks_like_address(text) && !mr_is_pay_request(text);
}

void cmd_contact_add(struct command *c, struct out *out)
{
    struct wallet *w;
    struct mr_book_name n = {0};
    const char *const text = c->args[0];
    if (opened(&w, c, out) != MR_OK)
        return;
    if (!name_ok(text)) {
        out_fail(out, MR_USAGE,
                 _("a contact's name has 1 to %d bytes and is not like an address or a name of the "
                   "directory with \"@\""),
                 MR_NAME_MAX);
        return;
    }
    if (payee_address(w, out, n.account, c->args[1]) != MR_OK)
        return;
    const struct name *const old = wallet_name(w, false, text);
    if (old != NULL && memcmp(old->account, n.account, MR_ACCOUNT_BYTES) != 0) {
        out_fail(out, MR_NAME_MOVED,
                 _("\"%s\" is another account already: \"mereau contact remove %s\" first"), text,
                 text);
        return;
    }
    n.name_len = (uint32_t)strlen(text);
    memcpy(n.name, text, n.name_len + 1);
    if (old == NULL && put(w, out, &n) != MR_OK)
        return;
    out_text(out, "name", text);
    out_text(out, "account", c->args[1]);
    out_print(out, _("\"%s\" is now a contact: mereau pay %s AMOUNT\n"), text, text);
}

void cmd_contact_list(struct command *c, struct out *out)
{
    struct wallet *w;
    char address[MR_ADDRESS_TEXT_MAX];
    const struct table_column columns[] = {
        {_("NAME"), false}, {_("ADDRESS"), false}, {_("FROM"), false}};
    if (opened(&w, c, out) != MR_OK)
        return;
    struct table *const t = table_create(columns, 3);
    for (size_t i = 0; i < w->name_count; i++) {
        const struct name *const n = &w->names[i];
        wallet_address(address, w, n->account);
        if (out->json)
            out_row(out, json_pack("{s:s, s:s, s:b}", "name", n->text, "account", address, "pinned",
                                   n->pin));
        else
            table_add(t, (const char *[]){n->text, address,
                                          n->pin ? _("directory, pinned at first use") : _("you")});
    }
    table_print(out, t);
    out_int(out, "count", (int64_t)w->name_count);
    if (w->name_count == 0)
        out_note(out, _("There are no contacts yet: mereau contact add NAME ADDRESS"));
}

void cmd_contact_remove(struct command *c, struct out *out)
{
    struct wallet *w;
    const char *const text = c->args[0];
    if (opened(&w, c, out) != MR_OK)
        return;
    const bool pin = wallet_name(w, false, text) == NULL;
    if (wallet_name(w, pin, text) == NULL) {
        out_fail(out, MR_NOT_FOUND, _("there is no contact \"%s\"; see \"mereau contact list\""),
                 text);
        return;
    }
    struct mr_book_name n = {.pin = pin, .removed = true, .name_len = (uint32_t)strlen(text)};
    memcpy(n.name, text, n.name_len + 1);
    if (put(w, out, &n) == MR_OK)
        out_print(out, _("\"%s\" is forgotten.\n"), text);
}
