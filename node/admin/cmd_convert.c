/* Assigned conversion: the municipality paid euros, the payee who gave a mandate is credited, in
 * one order (MUN-3). A payment order counts once, however often it is asked for (MUN-4). */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/cmd.h"
#include "admin/conversion.h"
#include "admin/field.h"
#include "admin/mandate.h"
#include "admin/members.h"
#include "admin/treasury.h"
#include "common/amount_text.h"
#include "mereau/assert.h"
#include "mereau/mandate.h"

const struct option_row convert_options[] = {
    {"order", 0, N_("TEXT"), N_("reference of the municipality's payment order")},
    {"bank-ref", 0, N_("TEXT"), N_("id of the bank entry that the euros came in with")},
    {"bank-account", 0, N_("TEXT"), N_("reserve account it stands on (default: the key file's)")},
    {"mandate", 0, N_("ID"), N_("which mandate, by its first digits, when there are several")},
    {"municipality", 0, N_("WHO"), N_("who paid, when the payee has mandates for several")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};

enum { SHORT_ID = 16 };

struct converting {
    struct admin *a;
    struct mr_conversion want;
    char order[CONVERSION_ORDER_MAX + 1]; /* normalised */
    uint8_t key[MR_ACCOUNT_BYTES];
    bool names_town; /* --municipality was given; want.municipality is it */
    struct mandates mandates;
    struct conversions all;
    bool drafted;
};

/* --- what is wanted ----------------------------------------------------------------------------
 */

static enum mr_status read_order(struct converting *v)
{
    struct admin *const a = v->a;
    const char *const order = opt_text(a->c, "order");
    if (order == NULL)
        return out_fail(a->out, MR_USAGE,
                        _("--order is needed: the reference of the municipality's payment order"));
    if (!FIELD_SET(&v->want, order, order) || conversion_order(v->order, order) != MR_OK)
        return out_fail(a->out, MR_USAGE,
                        _("the payment order \"%.60s\" has no letter or digit, has characters that "
                          "cannot stand there, or is too long"),
                        order);
    return MR_OK;
}

static enum mr_status read_wish(struct converting *v)
{
    struct admin *const a = v->a;
    const struct mr_unit *const unit = &a->charter->units[0];
    const char *const ref = opt_text(a->c, "bank-ref"), *const town =
                                                            opt_text(a->c, "municipality");
    char hint[HINT_MAX];
    enum mr_status st = read_order(v);
    if (st == MR_OK && ref == NULL)
        st = out_fail(a->out, MR_USAGE,
                      _("--bank-ref is needed: the id of the bank entry that the euros came in "
                        "with"));
    if (st == MR_OK)
        st = treasury_note(a, &v->want.note, ref, NULL);
    if (st != MR_OK)
        return st;
    st = mr_amount_parse(&v->want.amount, a->c->args[1], unit->decimals, unit->code);
    if (st != MR_OK) {
        amount_hint(hint, st, a->c->args[1], unit->decimals, unit->code);
        return out_fail(a->out, st, "%s", hint);
    }
    st = member_find(a, v->want.payee, a->c->args[0]);
    v->names_town = town != NULL;
    if (st == MR_OK && town != NULL)
        st = member_find(a, v->want.municipality, town);
    v->want.time_ms = admin_now_ms();
    FIELD_SET(&v->want, author, a->signer->key->name);
    return st;
}

/* --- what was done before ----------------------------------------------------------------------
 */

static json_t *conversion_to_json(const struct mr_conversion *c)
{
    return json_pack("{s:s,s:s,s:I,s:s}", "payment_order", c->order, "bank_ref", c->note.entry,
                     "amount_minor", (json_int_t)c->amount, "mandate", admin_hex(c->mandate));
}

/* By the payment order, and else by the bank line. */
static const struct conversion_row *known(const struct converting *v, bool *ret_by_order)
{
    const struct conversion_row *by_bank = NULL;
    *ret_by_order = false;
    for (size_t i = 0; i < v->all.count; i++) {
        const struct mr_conversion *const c = &v->all.rows[i].conversion;
        char order[CONVERSION_ORDER_MAX + 1];
        const bool same_town =
            v->names_town ? memcmp(c->municipality, v->want.municipality, MR_ACCOUNT_BYTES) == 0
                          : memcmp(c->payee, v->want.payee, MR_ACCOUNT_BYTES) == 0;
        if (same_town && conversion_order(order, c->order) == MR_OK && strcmp(order, v->order) == 0)
            return *ret_by_order = true, &v->all.rows[i];
        if (memcmp(c->note.ref, v->want.note.ref, MR_HASH_BYTES) == 0)
            by_bank = &v->all.rows[i];
    }
    return by_bank;
}

static bool is_same(const struct converting *v, const struct mr_conversion *c)
{
    char order[CONVERSION_ORDER_MAX + 1];
    return conversion_order(order, c->order) == MR_OK && strcmp(order, v->order) == 0 &&
           memcmp(c->payee, v->want.payee, MR_ACCOUNT_BYTES) == 0 && c->amount == v->want.amount &&
           memcmp(c->note.ref, v->want.note.ref, MR_HASH_BYTES) == 0;
}

static enum mr_status refuse_other(struct converting *v, const struct mr_conversion *c,
                                   bool by_order)
{
    struct admin *const a = v->a;
    out_json(a->out, "wanted", conversion_to_json(&v->want));
    out_json(a->out, "found", conversion_to_json(c));
    out_note(a->out, _("  then: payment order \"%s\", bank line \"%s\", %s to %s"), c->order,
             c->note.entry, admin_amount(a, c->amount), admin_address(a, c->payee));
    out_note(a->out, _("  now:  payment order \"%s\", bank line \"%s\", %s to %s"), v->want.order,
             v->want.note.entry, admin_amount(a, v->want.amount), admin_address(a, v->want.payee));
    if (by_order)
        return out_fail(a->out, MR_PAYMENT_ORDER_USED,
                        _("payment order \"%s\" was already used for something else; nothing was "
                          "issued"),
                        c->order);
    return out_fail(a->out, MR_BANK_REF_USED,
                    _("the bank line \"%s\" was already used for payment order \"%s\"; nothing was "
                      "issued"),
                    c->note.entry, c->order);
}

static void say_settled(struct converting *v, const struct mr_conversion *c,
                        const struct conversion_facts *f)
{
    struct out *const out = v->a->out;
    out_text(out, "state", "settled");
    out_int(out, "settled_ms", (int64_t)f->settled_ms);
    out_int(out, "seq", (int64_t)f->slot.seq);
    out_status(out, MR_ALREADY_DONE);
    out_print(out, _("Already converted on %s: payment order \"%s\", %s to %s\n"),
              admin_time(f->settled_ms), c->order, admin_amount(v->a, c->amount),
              admin_address(v->a, c->payee));
}

/* Open drafts count too; a dead one goes away. */
static enum mr_status look_at_draft(struct work *w, const struct mr_draft *d, const char *path,
                                    bool dead, void *ctx)
{
    struct converting *const v = ctx;
    for (uint32_t k = 0; k < d->orders_count; k++) {
        const struct mr_order_body *const b = &d->orders[k].order.body;
        bool uses = b->kind == MR_KIND_PAYOUT &&
                    memcmp(b->u.payout.bank_ref, v->want.note.ref, MR_HASH_BYTES) == 0;
        for (uint32_t i = 0; b->kind == MR_KIND_ISSUE && i < b->u.issue.banks_count; i++)
            uses = uses || memcmp(b->u.issue.banks[i].ref, v->want.note.ref, MR_HASH_BYTES) == 0;
        if (!uses)
            continue;
        if (dead) {
            unlink(path);
            return MR_OK;
        }
        out_text(w->a->out, "draft", path);
        if (!conversion_is(&d->orders[k].order, &v->want))
            return out_fail(w->a->out, MR_BANK_REF_USED,
                            _("a draft for something else waits with the bank line \"%s\": %s"),
                            v->want.note.entry, path);
        v->drafted = true;
        out_text(w->a->out, "state", "draft");
        out_status(w->a->out, MR_ALREADY_DONE);
        out_print(w->a->out,
                  _("Drafted already: payment order \"%s\"; signatures are missing:\n"
                    "  mereau-admin draft sign %s %s --key KEYFILE\n"),
                  v->want.order, path, admin_place(w->a));
    }
    return MR_OK;
}

/* Sets *ret_done when there is nothing left to do. */
static enum mr_status look_back(struct converting *v, struct work *w, bool *ret_done)
{
    struct conversion_facts facts;
    bool by_order;
    const struct conversion_row *const row = known(v, &by_order);
    *ret_done = false;
    if (row == NULL)
        return treasury_each_draft(w, look_at_draft, v);
    const struct mr_conversion *const c = &row->conversion;
    enum mr_status st = conversion_look(v->a, &facts, c);
    if (st != MR_OK)
        return st;
    const bool open = facts.state == CONVERSION_OPEN;
    if (!is_same(v, c)) {
        const bool alive = facts.state == CONVERSION_SETTLED ||
                           (open && c->time_ms + CONVERSION_OPEN_MS > admin_now_ms());
        return alive ? refuse_other(v, c, by_order) : treasury_each_draft(w, look_at_draft, v);
    }
    memcpy(v->want.mandate, c->mandate, sizeof v->want.mandate);
    memcpy(v->want.municipality, c->municipality, sizeof v->want.municipality);
    v->names_town = true;
    if (facts.state == CONVERSION_SETTLED) {
        say_settled(v, c, &facts);
        *ret_done = true;
        return MR_OK;
    }
    st = treasury_each_draft(w, look_at_draft, v);
    *ret_done = v->drafted;
    return st;
}

/* --- the mandate -------------------------------------------------------------------------------
 */

static enum mr_status allowed(struct converting *v, const struct mandate_row *row,
                              int64_t *ret_used, enum mr_status *ret)
{
    struct mr_conversion c = v->want;
    memcpy(c.municipality, row->entry.mandate.mandate.municipality, sizeof c.municipality);
    if (v->names_town && memcmp(c.municipality, v->want.municipality, MR_ACCOUNT_BYTES) != 0) {
        *ret = MR_MANDATE_OTHER;
        return MR_OK;
    }
    conversion_key(v->key, v->a->signer->key->bank_secret, c.municipality, v->order);
    const enum mr_status st = conversion_used(v->a, ret_used, &v->all, row->id, v->key);
    if (st == MR_OK)
        *ret = conversion_allowed(v->a, row, &c, *ret_used);
    return st;
}

static enum mr_status refuse(struct converting *v, const struct mandate_row *row, enum mr_status st,
                             int64_t used)
{
    struct admin *const a = v->a;
    const struct mr_mandate *const m = &row->entry.mandate.mandate;
    out_text(a->out, "mandate", admin_hex(row->id));
    if (st == MR_MANDATE_OVER) {
        out_int(a->out, "max_minor", m->max);
        out_int(a->out, "used_minor", used);
        return out_fail(a->out, st,
                        _("mandate %.*s allows %s in all, and %s of it are used: %s more would be "
                          "too much; ask the payee for another mandate"),
                        SHORT_ID, admin_hex(row->id), admin_amount(a, m->max),
                        admin_amount(a, used), admin_amount(a, v->want.amount));
    }
    if (st == MR_MANDATE_REVOKED)
        return out_fail(a->out, st, _("mandate %.*s was revoked on %s: ask the payee for another"),
                        SHORT_ID, admin_hex(row->id), admin_time(row->entry.revoked_ms));
    if (st == MR_MANDATE_EXPIRED)
        return out_fail(a->out, st,
                        _("mandate %.*s holds from %s until %s only: ask the payee for another"),
                        SHORT_ID, admin_hex(row->id), admin_time(m->from_ms),
                        m->until_ms != 0 ? admin_time(m->until_ms) : "-");
    if (st == MR_MANDATE_OTHER)
        return out_fail(a->out, st,
                        _("mandate %.*s is for %s, to be paid by %s: not for this payment"),
                        SHORT_ID, admin_hex(row->id), admin_address(a, m->payee),
                        admin_address(a, m->municipality));
    return out_fail(a->out, st, _("mandate %.*s: %s"), SHORT_ID, admin_hex(row->id),
                    status_sentence(st));
}

/* The one that is named. */
static enum mr_status named(struct converting *v, const struct mandate_row **ret)
{
    int64_t used = 0;
    enum mr_status says = MR_OK;
    enum mr_status st = mandate_find(v->a, &v->mandates, ret, opt_text(v->a->c, "mandate"));
    if (st == MR_OK)
        st = allowed(v, *ret, &used, &says);
    if (st != MR_OK)
        return st;
    return says == MR_OK ? MR_OK : refuse(v, *ret, says, used);
}

/* The one that bears it; what is wrong with the last one given, when none does. */
static enum mr_status only(struct converting *v, const struct mandate_row **ret)
{
    const struct mandate_row *bad = NULL;
    enum mr_status says = MR_OK, bad_says = MR_OK;
    int64_t used = 0, bad_used = 0;
    size_t found = 0;
    for (size_t i = 0; i < v->mandates.count; i++) {
        const struct mandate_row *const row = &v->mandates.rows[i];
        const struct mr_mandate *const m = &row->entry.mandate.mandate;
        if (memcmp(m->payee, v->want.payee, MR_ACCOUNT_BYTES) != 0)
            continue;
        const enum mr_status st = allowed(v, row, &used, &says);
        if (st != MR_OK)
            return st;
        if (says == MR_OK) {
            *ret = row;
            found++;
        } else if (says != MR_MANDATE_OTHER &&
                   (bad == NULL || m->from_ms > bad->entry.mandate.mandate.from_ms)) {
            bad = row;
            bad_says = says;
            bad_used = used;
        }
    }
    if (found == 1)
        return MR_OK;
    if (found > 1)
        return out_fail(v->a->out, MR_USAGE,
                        _("%zu mandates of this payee allow it: say which with --mandate"), found);
    if (bad != NULL)
        return refuse(v, bad, bad_says, bad_used);
    return out_fail(v->a->out, MR_MANDATE_UNKNOWN,
                    _("%s has given no mandate for this: the payee makes one with \"mereau mandate "
                      "give\", and you add it with \"mereau-admin mandate add\""),
                    admin_address(v->a, v->want.payee));
}

static enum mr_status take_mandate(struct converting *v)
{
    const struct mandate_row *row = NULL;
    const enum mr_status st = opt_flag(v->a->c, "mandate") ? named(v, &row) : only(v, &row);
    if (st != MR_OK)
        return st;
    mr_assert(row != NULL);
    memcpy(v->want.mandate, row->id, sizeof v->want.mandate);
    memcpy(v->want.municipality, row->entry.mandate.mandate.municipality,
           sizeof v->want.municipality);
    conversion_key(v->key, v->a->signer->key->bank_secret, v->want.municipality, v->order);
    return MR_OK;
}

/* --- issuing -----------------------------------------------------------------------------------
 */

static enum mr_status check_bank(struct converting *v)
{
    struct conversion_facts facts;
    const enum mr_status st = conversion_look(v->a, &facts, &v->want);
    if (st != MR_OK || facts.state == CONVERSION_OPEN)
        return st;
    return out_fail(v->a->out, MR_BANK_REF_USED,
                    _("the bank line \"%s\" was already used on %s for something else; nothing was "
                      "issued"),
                    v->want.note.entry, admin_time(facts.settled_ms));
}

static enum mr_status draft_it(struct converting *v, struct work *w, struct mr_order_body *body)
{
    struct mr_issue *const issue = &body->u.issue;
    body->kind = MR_KIND_ISSUE;
    issue->banks_count = issue->lines_count = 1;
    memcpy(issue->banks[0].ref, v->want.note.ref, MR_HASH_BYTES);
    issue->banks[0].amount = issue->lines[0].amount = v->want.amount;
    memcpy(issue->lines[0].member, v->want.payee, MR_ACCOUNT_BYTES);
    enum mr_status st = work_note(w, &v->want.note);
    if (st == MR_OK)
        st = work_add(w, body);
    if (st != MR_OK)
        return st;
    struct mr_order *const o = &w->draft->orders[w->draft->orders_count - 1].order;
    mr_conversion_ref(o->ref, o->salt, v->want.mandate, v->order);
    return MR_OK;
}

static void say_done(struct converting *v)
{
    struct admin *const a = v->a;
    out_print(a->out,
              _("Converted: payment order \"%s\", %s to %s, mandate %.*s, bank line \"%s\"\n"),
              v->want.order, admin_amount(a, v->want.amount), admin_address(a, v->want.payee),
              SHORT_ID, admin_hex(v->want.mandate), v->want.note.entry);
}

/* In the register before anybody signs, so that it is never signed without being explained there;
 * out of it again when nothing was signed. */
static void issue(struct converting *v, struct work *w)
{
    const bool dry = opt_flag(v->a->c, "dry-run");
    const enum mr_status st = dry ? MR_OK : conversion_put(v->a, v->key, &v->want);
    if (st != MR_OK) {
        admin_call_failed(v->a, st);
        return;
    }
    out_json(v->a->out, "conversion", conversion_to_json(&v->want));
    w->path[0] = '\0'; /* of a draft that was looked at before */
    const enum work_end end = work_finish(w, _("Convert this?"));
    if (end == WORK_SETTLED)
        say_done(v);
    if (end == WORK_FAILED && !dry && (w->path[0] == '\0' || !file_exists(w->path)))
        conversion_drop(v->a, v->key);
}

void cmd_convert(struct command *c, struct out *out)
{
    struct admin a;
    struct work w = {.a = &a};
    struct mr_order_body *body;
    struct converting *const v = calloc(1, sizeof *v);
    bool done = false;
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK && v == NULL)
        st = out_fail(out, MR_NO_MEMORY, NULL);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK) {
        v->a = &a;
        st = read_wish(v);
    }
    if (st == MR_OK)
        st = work_begin(&w, &a, a.treasury);
    if (st == MR_OK)
        st = conversions_read(&v->all, &a);
    if (st == MR_OK)
        st = look_back(v, &w, &done);
    if (st == MR_OK && !done)
        st = mandates_read(&v->mandates, &a);
    if (st == MR_OK && !done)
        st = take_mandate(v);
    if (st == MR_OK && !done)
        st = check_bank(v);
    if (st == MR_OK && !done)
        st = draft_it(v, &w, body);
    if (st == MR_OK && !done)
        issue(v, &w);
    work_done(&w);
    if (v != NULL) {
        mandates_free(&v->mandates);
        conversions_free(&v->all);
    }
    free(v);
    order_end(&a, body);
}
