/* The rules of the currency: policies and caps, signed by governance on the system chain. */
#include <stdlib.h>
#include <string.h>

#include "admin/cmd.h"
#include "admin/describe.h"
#include "admin/policy_file.h"
#include "common/amount_text.h"
#include "common/day.h"
#include "mereau/order.h"
#include "mereau/time.h"

enum { DAYS_OF_ORDER = 7 };

const struct option_row policy_options[] = {
    {"start", 0, N_("DATE"), N_("first day in force, YYYY-MM-DD")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};

/* All policies there are; *ret is the caller's to free. */
static enum mr_status read_policies(struct admin *a, struct mr_policy **ret, uint32_t *ret_count)
{
    struct mr_policy *all = NULL;
    uint32_t count = 0, got = MR_PAGE_MAX;
    if (a->signer != NULL)
        admin_as(a, a->system);
    while (got == MR_PAGE_MAX) {
        a->ask->kind = MR_REQ_POLICIES;
        a->ask->u.policies = (struct mr_req_page){.from = count + 1, .count = MR_PAGE_MAX};
        const enum mr_status st = admin_call(a);
        if (st != MR_OK) {
            free(all);
            return admin_call_failed(a, st);
        }
        const struct mr_rep_policies *rep = &a->reply->body.u.policies;
        got = rep->policies_count;
        struct mr_policy *more = reallocarray(all, count + got + 1, sizeof *more);
        if (more == NULL) {
            free(all);
            return out_fail(a->out, MR_NO_MEMORY, NULL);
        }
        all = more;
        memcpy(all + count, rep->policies, got * sizeof *all);
        count += got;
    }
    *ret = all;
    *ret_count = count;
    return MR_OK;
}

void cmd_policy_show(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_policy *all = NULL;
    uint32_t count = 0;
    if (admin_begin(&a, c, out, NEED_CHARTER | NEED_NODE) == MR_OK &&
        read_policies(&a, &all, &count) == MR_OK && count > 0) {
        const uint32_t today = mr_day_of(admin_now_ms());
        const struct mr_policy *now = mr_policy_on(all, count, today);
        json_t *rows = json_array();
        for (uint32_t i = 0; i < count; i++) {
            json_array_append_new(rows, policy_to_json(&all[i]));
            if (&all[i] != now && all[i].start_day <= today)
                continue;
            out_print(out, &all[i] == now ? _("In force:\n") : _("To come:\n"));
            describe_policy(&a, &all[i]);
        }
        out_json(out, "policy", now != NULL ? policy_to_json(now) : NULL);
        out_json(out, "policies", rows);
    }
    free(all);
    admin_end(&a);
}

static enum mr_status fill_policy(struct admin *a, struct mr_policy *p)
{
    struct mr_policy *all = NULL;
    uint32_t count = 0;
    const uint32_t earliest = mr_day_of(admin_now_ms()) + DAYS_OF_ORDER + MR_POLICY_NOTICE_DAYS;
    enum mr_status st = policy_file_read(p, a->out, a->c->args[0]);
    if (st == MR_OK)
        st = opt_day(a->c, a->out, &p->start_day, "start");
    if (st == MR_OK || st == MR_NOT_FOUND)
        st = read_policies(a, &all, &count);
    if (st == MR_OK && count > 0)
        p->version = all[count - 1].version + 1;
    if (st == MR_OK && p->start_day < earliest)
        st = out_fail(a->out, MR_POLICY_NOTICE,
                      _("new rules need %d days of notice behind the last day for signing them: "
                        "they can start on %.10s at the earliest (--start)"),
                      MR_POLICY_NOTICE_DAYS, admin_time(earliest * MR_DAY_MS));
    free(all);
    return st;
}

void cmd_policy_propose(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_order_body *body;
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK)
        st = admin_need_governance(&a);
    if (st == MR_OK) {
        body->kind = MR_KIND_POLICY;
        st = fill_policy(&a, &body->u.policy);
    }
    if (st == MR_OK)
        order_one(&a, a.system, body, _("Propose these rules?"));
    order_end(&a, body);
}

const struct option_row cap_options[] = {
    {"association", 0, N_("ALIAS"), N_("whose cap, where there are several")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};

/* Governance is nobody's operator, so with several associations one has to be named. */
static enum mr_status find_association(struct admin *a, const struct mr_association **ret)
{
    const char *alias = opt_text(a->c, "association");
    const struct mr_charter *c = a->charter;
    *ret = c->associations_count == 1 && alias == NULL ? &c->associations[0] : NULL;
    for (uint32_t i = 0; alias != NULL && i < c->associations_count; i++)
        if (strcmp(c->associations[i].alias, alias) == 0)
            *ret = &c->associations[i];
    if (*ret != NULL)
        return MR_OK;
    if (alias == NULL)
        return out_fail(a->out, MR_USAGE, _("whose cap? Give --association ALIAS"));
    return out_fail(a->out, MR_NOT_FOUND, _("no association has the short name \"%s\""), alias);
}

void cmd_cap(struct command *c, struct out *out)
{
    const struct mr_association *whose = NULL;
    struct admin a;
    struct mr_order_body *body;
    char hint[HINT_MAX];
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK)
        st = admin_need_governance(&a);
    if (st == MR_OK)
        st = find_association(&a, &whose);
    if (st == MR_OK) {
        const struct mr_unit *unit = &a.charter->units[0];
        body->kind = MR_KIND_CAP;
        memcpy(body->u.cap.association, whose->id, 16);
        st = mr_amount_parse(&body->u.cap.cap, c->args[0], unit->decimals, unit->code);
        if (st == MR_AMOUNT_ZERO)
            st = MR_OK;
        if (st != MR_OK) {
            amount_hint(hint, st, c->args[0], unit->decimals, unit->code);
            out_fail(out, st, "%s", hint);
        }
    }
    if (st == MR_OK)
        order_one(&a, a.system, body, _("Set this cap?"));
    order_end(&a, body);
}
