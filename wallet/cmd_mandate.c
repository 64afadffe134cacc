/* mandate give: leave to a municipality to pay through the association, as a text to hand over
 * (MUN-1). Nothing is sent. */
#include <string.h>

#include "common/amount_text.h"
#include "common/day.h"
#include "common/save.h"
#include "common/term.h"
#include "mereau/id.h"
#include "mereau/mandate.h"
#include "mereau/text.h"
#include "wallet/act.h"
#include "wallet/commands.h"
#include "wallet/node.h"
#include "wallet/payee.h"
#include "wallet/unit.h"

enum { NUMBER_DIGITS = 16 };

struct giving {
    struct mr_signed_mandate signed_mandate;
    struct payee municipality;
    const struct mr_association *association;
};

static enum mr_status read_terms(const struct wallet *w, const struct command *c, struct out *out,
                                 struct mr_mandate *m)
{
    uint32_t until = 0;
    const char *const max = opt_text(c, "max");
    m->from_ms = wallet_now_ms();
    enum mr_status st = opt_day(c, out, &until, "until");
    if (st == MR_OK) {
        m->until_ms = (until + UINT64_C(1)) * MR_DAY_MS;
        if (m->until_ms <= m->from_ms)
            st = out_fail(out, MR_USAGE, _("--until %s has passed already"), opt_text(c, "until"));
    }
    if (st != MR_OK && st != MR_NOT_FOUND)
        return st;
    return max != NULL ? unit_amount(w, out, &m->max, max, 0) : MR_OK;
}

/* The municipality's account, and the association that both belong to. */
static enum mr_status find_municipality(struct wallet *w, struct out *out, struct giving *g,
                                        const char *who)
{
    enum mr_status st = payee_find(w, out, &g->municipality, who);
    if (st != MR_OK)
        return st;
    st = node_lookup(w, g->municipality.account);
    if (st != MR_OK)
        return node_fail(w, out, st);
    const struct mr_rep_lookup *const a = &w->reply->body.u.lookup;
    g->association = node_association(wallet_present(w), a->association);
    if (a->class != MR_CLASS_MUNICIPALITY || g->association == NULL)
        return out_fail(out, MR_PAYEE_CLASS, _("%s is not the account of a municipality"),
                        g->municipality.shown);
    if (memcmp(a->association, w->account->account.association, MR_ACCOUNT_BYTES) != 0)
        return out_fail(out, MR_NOT_YOURS,
                        _("%s pays through %s, which can only credit its own members: your account "
                          "is another association's"),
                        g->municipality.shown, g->association->name);
    return MR_OK;
}

static void terms_text(char *ret, size_t cap, const struct wallet *w, const struct mr_mandate *m)
{
    char amount[AMOUNT_PEOPLE_MAX], last[DAY_TEXT_MAX];
    wallet_amount(amount, w, m->max, 0);
    day_text(last, m->until_ms != 0 ? m->until_ms - 1 : 0);
    if (m->max != 0 && m->until_ms != 0)
        snprintf(ret, cap, _("at most %s in all, until %s"), amount, last);
    else if (m->max != 0)
        snprintf(ret, cap, _("at most %s in all, until you revoke it"), amount);
    else if (m->until_ms != 0)
        snprintf(ret, cap, _("without a maximum, until %s"), last);
    else
        snprintf(ret, cap, "%s", _("without a maximum, until you revoke it"));
}

static enum mr_status sign(struct wallet *w, const struct command *c, struct out *out,
                           struct giving *g)
{
    char question[2 * DESCRIBE_MAX], terms[DESCRIBE_MAX];
    struct mr_mandate *const m = &g->signed_mandate.mandate;
    const char *const code = w->charter->units[0].code;
    m->version = 1;
    m->generation = w->account->account.generation;
    memcpy(m->ledger, w->keys->stored.sheet.link.ledger, sizeof m->ledger);
    memcpy(m->payee, wallet_account(w), sizeof m->payee);
    memcpy(m->municipality, g->municipality.account, sizeof m->municipality);
    memcpy(m->association, g->association->id, sizeof m->association);
    terms_text(terms, sizeof terms, w, m);
    snprintf(question, sizeof question,
             _("Let %s pay you in %s: it pays euros to %s, which credits your account (%s)?"),
             g->municipality.shown, code, g->association->name, terms);
    const enum mr_status st = term_confirm(c, out, question);
    if (st == MR_OK)
        mr_mandate_sign(&g->signed_mandate, 0, &w->keys->signing);
    return st;
}

static void print(const struct wallet *w, struct out *out, const struct giving *g, const char *text)
{
    const struct mr_mandate *const m = &g->signed_mandate.mandate;
    uint8_t id[MR_HASH_BYTES];
    char hex[2 * MR_HASH_BYTES + 1], address[MR_ADDRESS_TEXT_MAX], terms[DESCRIBE_MAX];
    mr_mandate_id(id, m);
    mr_hex_format(hex, id, sizeof id);
    terms_text(terms, sizeof terms, w, m);
    out_text(out, "mandate", text);
    out_text(out, "id", hex);
    wallet_address(address, w, m->payee);
    out_text(out, "payee", address);
    wallet_address(address, w, m->municipality);
    out_text(out, "municipality", address);
    out_text(out, "association", g->association->alias);
    out_int(out, "from_ms", (int64_t)m->from_ms);
    out_int(out, "until_ms", (int64_t)m->until_ms);
    out_int(out, "max_minor", m->max);
    out_print(out,
              _("Mandate %.*s: %s may pay you through %s, %s.\n"
                "Give this to your association, as it is or as a file (--output):\n\n%s\n\n"),
              NUMBER_DIGITS, hex, g->municipality.shown, g->association->name, terms, text);
    out_print(out, _("To revoke it, tell your association its number.\n"));
}

void cmd_mandate_give(struct command *c, struct out *out)
{
    struct wallet *w;
    struct giving g = {.association = NULL};
    char text[MR_MANDATE_TEXT_MAX + 1];
    const char *const who = opt_text(c, "municipality");
    if (who == NULL) {
        out_fail(out, MR_USAGE, _("--municipality is needed: who shall pay you"));
        return;
    }
    if (wallet_open(&w, c, out) != MR_OK || node_sync(w, c, out) != MR_OK ||
        read_terms(w, c, out, &g.signed_mandate.mandate) != MR_OK ||
        find_municipality(w, out, &g, who) != MR_OK || sign(w, c, out, &g) != MR_OK)
        return;
    mr_mandate_format(text, &g.signed_mandate);
    if (save_output(c, out, text) == MR_OK)
        print(w, out, &g, text);
}
