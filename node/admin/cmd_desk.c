/* Orders of the desk and small ones of the treasury, each about one member. */
#include "admin/cmd.h"

#include <stdlib.h>
#include <string.h>

#include "admin/describe.h"
#include "admin/field.h"
#include "admin/members.h"
#include "admin/work.h"
#include "common/amount_text.h"
#include "mereau/order.h"
#include "mereau/text.h"

const struct option_row freeze_options[] = {
    {"reason", 0, "owner|lost_key|dispute|other", N_("why (default other)")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};

const struct option_row list_shop_options[] = {
    {"name", 0, N_("TEXT"), N_("name that payers see")},
    {"trade", 0, N_("TEXT"), N_("what it does")},
    {"town", 0, N_("TEXT"), N_("where it is")},
    {"opening", 0, N_("TEXT"), N_("opening hours")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};

const struct option_row grant_options[] = {
    {"credit", 0, N_("AMOUNT"), N_("how far the account may go below zero")},
    {"limit-payment", 0, N_("AMOUNT"), N_("largest payment, in place of the class's")},
    {"limit-day", 0, N_("AMOUNT"), N_("largest sum of a day")},
    {"limit-month", 0, N_("AMOUNT"), N_("largest sum of a month")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};

const struct option_row work_options[] = {WORK_OPTIONS, {NULL, 0, NULL, NULL}};

enum mr_status order_begin(struct admin *a, struct command *c, struct out *out,
                           struct mr_order_body **ret)
{
    enum mr_status st = admin_begin(a, c, out, NEED_CHARTER | NEED_KEY | NEED_NODE);
    *ret = calloc(1, sizeof **ret);
    if (st == MR_OK && *ret == NULL)
        st = out_fail(out, MR_NO_MEMORY, NULL);
    return st;
}

void order_end(struct admin *a, struct mr_order_body *body)
{
    free(body);
    admin_end(a);
}

enum work_end order_one(struct admin *a, const uint8_t chain[16], const struct mr_order_body *body,
                        const char *question)
{
    struct work w;
    enum work_end end = WORK_FAILED;
    if (work_begin(&w, a, chain) == MR_OK && work_add(&w, body) == MR_OK) {
        int64_t missing;
        if (!opt_flag(a->c, "dry-run") && work_check(&w, &missing) == MR_NO_CHANGE) {
            out_status(a->out, MR_ALREADY_DONE);
            out_text(a->out, "state", "unchanged");
            out_print(a->out, _("It is so already; nothing was done.\n"));
            end = WORK_SETTLED;
        } else {
            end = work_finish(&w, question);
        }
    }
    work_done(&w);
    return end;
}

/* --- freezing ----------------------------------------------------------------------------------
 */

static enum mr_flag_reason reason_of(const char *text)
{
    for (enum mr_flag_reason r = MR_REASON_OWNER; r <= MR_REASON_OTHER; r++)
        if (text != NULL && strcmp(mr_flag_reason_text(r), text) == 0)
            return r;
    return MR_REASON_OTHER;
}

static void flag(struct command *c, struct out *out, bool frozen)
{
    struct admin a;
    struct mr_order_body *body;
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK) {
        body->kind = MR_KIND_FLAG;
        body->u.flag.frozen = frozen;
        body->u.flag.reason = reason_of(opt_text(c, "reason"));
        st = member_find(&a, body->u.flag.account, c->args[0]);
    }
    if (st == MR_OK)
        order_one(&a, a.desk, body,
                  frozen ? _("Freeze this account?") : _("Unfreeze this account?"));
    order_end(&a, body);
}

void cmd_freeze(struct command *c, struct out *out)
{
    flag(c, out, true);
}

void cmd_unfreeze(struct command *c, struct out *out)
{
    flag(c, out, false);
}

/* --- listing -----------------------------------------------------------------------------------
 */

static bool set_listing(struct admin *a, struct mr_list *l, const char **ret_option)
{
    const char *const texts[] = {opt_text(a->c, "name"), opt_text(a->c, "trade"),
                                 opt_text(a->c, "town"), opt_text(a->c, "opening")};
    *ret_option = "name";
    if (texts[0] != NULL && !FIELD_SET(l, name, texts[0]))
        return false;
    *ret_option = "trade";
    if (texts[1] != NULL && !FIELD_SET(l, trade, texts[1]))
        return false;
    *ret_option = "town";
    if (texts[2] != NULL && !FIELD_SET(l, town, texts[2]))
        return false;
    *ret_option = "opening";
    return texts[3] == NULL || FIELD_SET(l, opening, texts[3]);
}

static bool same_listing(const struct mr_list *a, const struct mr_list *b)
{
    return a->listed == b->listed && strcmp(a->alias, b->alias) == 0 &&
           strcmp(a->name, b->name) == 0 && strcmp(a->trade, b->trade) == 0 &&
           strcmp(a->town, b->town) == 0 && strcmp(a->opening, b->opening) == 0;
}

/* What is not given stays as it is listed now. */
static enum mr_status fill_listing(struct admin *a, struct mr_list *l, bool *ret_same)
{
    const struct mr_rep_lookup *known;
    struct mr_list now = {.listed = false};
    const char *option;
    const enum mr_status st = account_lookup(a, &known, l->account);
    if (st != MR_OK)
        return admin_call_failed(a, st);
    if (known->listing_count > 0) {
        uint8_t account[16];
        memcpy(account, l->account, sizeof account);
        now = *l = known->listing[0];
        memcpy(l->account, account, sizeof account);
    }
    l->listed = true;
    if (!mr_alias_ok(a->c->args[1]) || !FIELD_SET(l, alias, a->c->args[1]))
        return out_fail(a->out, MR_ALIAS_SYNTAX, NULL);
    if (!set_listing(a, l, &option))
        return out_fail(a->out, MR_USAGE,
                        _("--%s has characters that cannot stand there, or is too long"), option);
    if (l->name_len == 0)
        return out_fail(a->out, MR_USAGE, _("--name is needed: what payers see"));
    *ret_same = same_listing(l, &now);
    return MR_OK;
}

void cmd_list_shop(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_order_body *body;
    bool same = false;
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK) {
        body->kind = MR_KIND_LIST;
        st = member_find(&a, body->u.list.account, c->args[0]);
    }
    if (st == MR_OK)
        st = fill_listing(&a, &body->u.list, &same);
    if (st == MR_OK && same) {
        out_status(out, MR_ALREADY_DONE);
        out_text(out, "state", "unchanged");
        out_print(out, _("It is listed so already; nothing was done.\n"));
    } else if (st == MR_OK) {
        order_one(&a, a.desk, body, _("List it so?"));
    }
    order_end(&a, body);
}

void cmd_unlist_shop(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_order_body *body;
    const struct mr_rep_lookup *known = NULL;
    uint8_t account[16];
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK)
        st = member_find(&a, account, c->args[0]);
    if (st == MR_OK) {
        st = account_lookup(&a, &known, account);
        if (st != MR_OK)
            admin_call_failed(&a, st);
    }
    if (st == MR_OK && (known->listing_count == 0 || !known->listing[0].listed)) {
        out_status(out, MR_ALREADY_DONE);
        out_text(out, "state", "unchanged");
        out_print(out, _("It is not listed; nothing was done.\n"));
    } else if (st == MR_OK) {
        body->kind = MR_KIND_LIST;
        body->u.list = known->listing[0];
        body->u.list.listed = false;
        order_one(&a, a.desk, body, _("Take it off the list?"));
    }
    order_end(&a, body);
}

/* --- credit and limits -------------------------------------------------------------------------
 */

static enum mr_status take_amount(struct admin *a, int64_t *ret, const char *option, int64_t now)
{
    char hint[HINT_MAX];
    const char *text = opt_text(a->c, option);
    const struct mr_unit *unit = &a->charter->units[0];
    *ret = now;
    if (text == NULL)
        return MR_OK;
    const enum mr_status st = mr_amount_parse(ret, text, unit->decimals, unit->code);
    if (st == MR_AMOUNT_ZERO)
        *ret = 0;
    if (st == MR_OK || st == MR_AMOUNT_ZERO)
        return MR_OK;
    amount_hint(hint, st, text, unit->decimals, unit->code);
    return out_fail(a->out, MR_USAGE, "--%s: %s", option, hint);
}

/* What the account was granted, and what governance left of it. */
static enum mr_status ask_terms(struct admin *a, struct mr_state_account *ret,
                                const uint8_t account[16], const uint8_t chain[16])
{
    admin_as(a, chain);
    a->ask->kind = MR_REQ_ACCOUNT;
    memcpy(a->ask->u.account.account, account, 16);
    const enum mr_status st = admin_call(a);
    if (st != MR_OK)
        return admin_call_failed(a, st);
    *ret = a->reply->body.u.account.account;
    return MR_OK;
}

/* What no option names stays as it was. */
static enum mr_status fill_grant(struct admin *a, struct mr_grant *g, const struct mr_terms *was)
{
    enum mr_status st = take_amount(a, &g->credit, "credit", was->credit);
    if (st == MR_OK && g->credit > MR_CREDIT_MAX)
        st = out_fail(a->out, MR_AMOUNT_TOO_LARGE, _("a credit line is at most %s"),
                      admin_amount(a, MR_CREDIT_MAX));
    if (st == MR_OK)
        st = take_amount(a, &g->limit_payment, "limit-payment", was->limit_payment);
    if (st == MR_OK)
        st = take_amount(a, &g->limit_day, "limit-day", was->limit_day);
    if (st == MR_OK)
        st = take_amount(a, &g->limit_month, "limit-month", was->limit_month);
    return st;
}

static enum mr_status fill_raise(struct admin *a, struct mr_grant *g)
{
    struct mr_state_account s;
    enum mr_status st = ask_terms(a, &s, g->account, a->treasury);
    const struct mr_terms granted = {s.credit, s.limit_payment, s.limit_day, s.limit_month};
    if (st == MR_OK)
        st = fill_grant(a, g, &granted);
    if (st == MR_OK && s.lowered_count > 0)
        out_note(a->out, _("governance lowered credit or limits of this account: above that a "
                           "grant has no effect until governance lets go"));
    return st;
}

static enum mr_status fill_lower(struct admin *a, struct mr_grant *g)
{
    struct mr_state_account s;
    const enum mr_status st = ask_terms(a, &s, g->account, a->system);
    return st == MR_OK ? fill_grant(a, g, mr_terms_left(&s)) : st;
}

void cmd_grant(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_order_body *body;
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK) {
        body->kind = MR_KIND_GRANT;
        st = member_find(&a, body->u.grant.account, c->args[0]);
    }
    if (st == MR_OK)
        st = fill_raise(&a, &body->u.grant);
    if (st == MR_OK)
        order_one(&a, a.treasury, body, _("Grant this?"));
    order_end(&a, body);
}

/* Governance only: an operator raises, governance lowers. */
void cmd_lower(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_order_body *body;
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK)
        st = admin_need_governance(&a);
    if (st == MR_OK) {
        body->kind = MR_KIND_LOWER;
        st = mr_address_parse(body->u.lower.account, NULL, a.charter->prefix, c->args[0]);
        if (st != MR_OK)
            out_fail(out, st, _("\"%s\" is no address of an account"), c->args[0]);
    }
    if (st == MR_OK)
        st = fill_lower(&a, &body->u.lower);
    if (st == MR_OK)
        order_one(&a, a.system, body, _("Set credit and limits so?"));
    order_end(&a, body);
}

/* --- what a closed account left ----------------------------------------------------------------
 */

void cmd_sweep(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_order_body *body;
    int64_t unit = 0, balance = 0;
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK) {
        body->kind = MR_KIND_SWEEP;
        st = member_find(&a, body->u.sweep.account, c->args[0]);
    }
    if (st == MR_OK) {
        const enum mr_status given =
            opt_int(c, out, &unit, "unit-index", 0, (int64_t)a.charter->units_count - 1);
        st = given == MR_NOT_FOUND ? MR_OK : given;
    }
    if (st == MR_OK) {
        admin_as(&a, a.treasury);
        a.ask->kind = MR_REQ_ACCOUNT;
        memcpy(a.ask->u.account.account, body->u.sweep.account, 16);
        st = admin_call(&a);
        if (st != MR_OK)
            admin_call_failed(&a, st);
        else if (unit < a.reply->body.u.account.hot.chain.balances_count)
            balance = a.reply->body.u.account.hot.chain.balances[unit].minor;
    }
    if (st == MR_OK && balance <= 0) {
        out_status(out, MR_ALREADY_DONE);
        out_text(out, "state", "unchanged");
        out_print(out, _("Nothing is left on this account; nothing was done.\n"));
    } else if (st == MR_OK) {
        body->u.sweep.unit = (uint32_t)unit;
        body->u.sweep.amount = balance;
        order_one(&a, a.treasury, body, _("Move what is left to the association?"));
    }
    order_end(&a, body);
}

const struct option_row sweep_options[] = {
    {"unit-index", 0, "N", N_("unit to move, from 0 (default 0)")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};
