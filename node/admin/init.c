/* Founding a ledger: of one association, or of several by their offers; and its join link. */
#include "admin/init.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "admin/context.h"
#include "admin/field.h"
#include "admin/founding.h"
#include "admin/offers.h"
#include "admin/policy_file.h"
#include "common/qr.h"
#include "common/term.h"
#include "common/witnesses.h"
#include "mereau/federation.h"
#include "mereau/letters.h"
#include "mereau/order.h"
#include "mereau/text.h"

/* --- charter -----------------------------------------------------------------------------------
 */

static enum mr_status fill_units(struct founding *f)
{
    const char *const codes[] = {f->plan.code, f->plan.reserve_code};
    const char *const names[] = {f->plan.name, f->plan.reserve_code};
    for (int i = 0; i < 2; i++) {
        struct mr_unit *unit = &f->charter->units[f->charter->units_count++];
        unit->decimals = f->plan.decimals;
        unit->role = i == 0 ? MR_UNIT_LOCAL : MR_UNIT_RESERVE;
        if (!FIELD_SET(unit, code, codes[i]) || !FIELD_SET(unit, name, names[i]))
            return founding_bad_field(f, i == 0 ? "unit" : "reserve-unit");
    }
    return MR_OK;
}

/* The founding association comes first, and its governance keys do. */
static enum mr_status fill_own(struct founding *f)
{
    struct mr_charter *ch = f->charter;
    f->association = &ch->associations[0];
    f->node = &ch->nodes[0];
    ch->associations_count = ch->nodes_count = 1;
    ch->quorum = f->plan.quorum;
    f->node->number = 1;
    const enum mr_status st = founding_fill(f);
    ch->governance = (struct mr_keyset){.threshold = f->plan.governance_threshold,
                                        .keys_count = f->plan.governance};
    memcpy(ch->governance.keys, f->governance, f->plan.governance * sizeof f->governance[0]);
    return st;
}

static enum mr_status fill_policy(struct founding *f)
{
    if (f->plan.policy_file == NULL) {
        init_policy(&f->charter->policy, &f->plan);
        return MR_OK;
    }
    return policy_file_read(&f->charter->policy, f->out, f->plan.policy_file);
}

/* Those of the founder, then those that offers bring. */
static enum mr_status fill_witnesses(struct founding *f, const struct offers *offers)
{
    struct mr_witness_set *const w = &f->charter->witnesses;
    *w = f->plan.witnesses;
    for (uint32_t i = 0; i < offers->count; i++) {
        const struct mr_offer *const o = &offers->items[i].offer;
        if (o->witness_count > 0 && w->members_count == MR_WITNESSES_MAX)
            return out_fail(f->out, MR_CONFIG, _("too many witnesses: at most %d"),
                            MR_WITNESSES_MAX);
        if (o->witness_count > 0)
            w->members[w->members_count++] = o->witness[0];
    }
    return MR_OK;
}

static enum mr_status fill_charter(struct founding *f, const struct offers *offers)
{
    struct mr_charter *ch = f->charter;
    const char *what = NULL;
    ch->version = 1;
    ch->created_ms = admin_now_ms();
    randombytes_buf(ch->salt, sizeof ch->salt);
    if (!FIELD_SET(ch, name, f->plan.name))
        return founding_bad_field(f, "name");
    if (!FIELD_SET(ch, prefix, f->plan.prefix))
        return founding_bad_field(f, "prefix");
    enum mr_status st = fill_units(f);
    if (st == MR_OK)
        st = fill_own(f);
    if (st == MR_OK)
        st = offers_add(offers, ch, f->out);
    if (st == MR_OK)
        st = fill_witnesses(f, offers);
    if (st == MR_OK)
        st = fill_policy(f);
    if (st == MR_OK &&
        (mr_charter_check(ch, &what) != MR_OK || mr_federation_check(ch, &what) != MR_OK))
        st = out_fail(f->out, MR_CONFIG, _("this cannot found a ledger: %s"), _(what));
    if (st != MR_OK)
        return st;
    for (uint32_t i = 0; i < f->key_count; i++)
        mr_ledger_id(f->keys[i].ledger, ch);
    return MR_OK;
}

/* --- printing ----------------------------------------------------------------------------------
 */

enum mr_status init_print_link(struct out *out, const struct mr_charter *charter,
                               const struct mr_node *node, const char *address)
{
    struct mr_join_link link = {.version = 1, .transport_key = node->transport_key};
    char text[MR_JOIN_LINK_TEXT_MAX];
    mr_ledger_id(link.ledger, charter);
    memcpy(link.association, node->association, sizeof link.association);
    if (!FIELD_SET(&link, address, address))
        return out_fail(out, MR_USAGE, _("\"%s\" is no address"), address);
    mr_join_link_format(text, &link);
    out_text(out, "join_link", text);
    out_print(out, "%s\n", text);
    for (char *at = text; *at != '\0'; at++) /* capitals make a smaller code */
        *at = mr_upper(*at);
    return qr_print(out, text);
}

void init_print_ids(struct out *out, const struct mr_charter *charter,
                    const struct mr_association *association, const struct mr_node *node)
{
    uint8_t id[32];
    char hex[65];
    mr_ledger_id(id, charter);
    mr_hex_format(hex, id, sizeof id);
    out_text(out, "ledger", hex);
    out_text(out, "currency", charter->name);
    out_text(out, "prefix", charter->prefix);
    out_text(out, "association", association->name);
    out_text(out, "address", node->address);
    out_print(out, _("Ledger id: %s\n"), hex);
}

static void print_next(struct founding *f)
{
    const struct init_plan *p = &f->plan;
    char code[MR_CONFIRMATION_MAX];
    if (f->charter->nodes_count == 1) {
        out_print(f->out,
                  _("\nWhat to do next:\n"
                    "  1. Move the governance keys off this machine, each to its holder.\n"
                    "  2. Start the node:            mereaud %s\n"
                    "  3. Give people the join link: mereau join LINK\n"
                    "  4. See who asks to join:      mereau-admin -d %s requests\n\n"
                    "Join link:\n"),
                  f->data, f->data);
        init_print_link(f->out, f->charter, f->node, p->address);
        return;
    }
    mr_confirmation(code, f->keys[0].ledger);
    out_text(f->out, "code", code);
    out_print(f->out,
              _("Code of the ledger: %s\n"
                "\nWhat to do next:\n"
                "  1. Send %s/charter.mrc to the other associations. Each runs\n"
                "       mereau-admin federation found DATA charter.mrc\n"
                "     and goes on only when it sees the code above.\n"
                "  2. Move the governance keys off this machine, each to its holder.\n"
                "  3. Start the node:            mereaud %s\n"
                "  4. See how the others are:    mereau-admin -d %s federation status\n"
                "  5. Give people the join link: mereau join LINK\n\n"
                "Join link of this association's members:\n"),
              code, f->data, f->data, f->data);
    init_print_link(f->out, f->charter, f->node, p->address);
}

static void print_founded(struct founding *f)
{
    const struct init_plan *p = &f->plan;
    char witnesses[WITNESSES_TEXT_MAX];
    out_text(f->out, "data", f->data);
    out_print(f->out, _("%s is founded, in %s.\n"), p->name, f->data);
    init_print_ids(f->out, f->charter, f->association, f->node);
    witnesses_text(witnesses, &f->charter->witnesses);
    out_json(f->out, "witnesses", witnesses_json(&f->charter->witnesses));
    if (f->charter->nodes_count == 1 && f->charter->witnesses.members_count > 0)
        out_print(f->out, _("Witnesses: %s\n"), witnesses);
    founding_print_keys(f);
    print_next(f);
}

/* --- commands ----------------------------------------------------------------------------------
 */

/* Whoever founds with others has compared codes with each of them. */
static enum mr_status agree(struct founding *f, const struct offers *offers)
{
    if (offers->count == 0)
        return MR_OK;
    federation_show(f->out, f->charter, offers, 1);
    return term_confirm(f->c, f->out,
                        _("Has each association read the code of its offer to you, and was it "
                          "this one?"));
}

static enum mr_status found(struct founding *f, const struct offers *offers)
{
    enum mr_status st = init_plan_read(&f->plan, f->c, f->out, offers->count, offers->keys);
    if (st != MR_OK)
        return st;
    f->charter = calloc(1, sizeof *f->charter);
    if (f->charter == NULL)
        return out_fail(f->out, MR_NO_MEMORY, NULL);
    st = fill_charter(f, offers);
    if (st == MR_OK)
        st = agree(f, offers);
    if (st == MR_OK)
        st = founding_ask(f);
    if (st == MR_OK)
        st = founding_put(f);
    return st;
}

void cmd_init(struct command *c, struct out *out)
{
    struct founding f;
    struct offers offers = {.count = 0};
    enum mr_status st = founding_begin(&f, c, out, c->args[0]);
    if (st == MR_OK)
        st = offers_read(&offers, c, out);
    if (st == MR_OK)
        st = found(&f, &offers);
    if (st == MR_OK)
        print_founded(&f);
    else
        founding_undo(&f);
    offers_done(&offers);
    founding_end(&f);
}

const struct option_row link_options[] = {
    {"address", 0, N_("HOST:PORT"), N_("where wallets find the node now, if not as founded")},
    {NULL, 0, NULL, NULL},
};

void cmd_link(struct command *c, struct out *out)
{
    struct admin a;
    const char *address = opt_text(c, "address");
    if (admin_begin(&a, c, out, NEED_CHARTER | NEED_OWN) == MR_OK) {
        init_print_ids(out, a.genesis, a.home, a.own);
        init_print_link(out, a.genesis, a.own, address != NULL ? address : a.own->address);
    }
    admin_end(&a);
}
