#include "audit/export_kinds.h"

#include <stddef.h>

const char *export_kind_meaning(enum mr_order_kind kind)
{
    switch (kind) {
    case MR_KIND_OPEN:
        return "a desk admits a member";
    case MR_KIND_PAY:
        return "a member, or an association from its own account, pays one or more accounts";
    case MR_KIND_ISSUE:
        return "euros came in: units are issued to members, the euros go to the reserve";
    case MR_KIND_REDEEM:
        return "a member gives units back for euros";
    case MR_KIND_PAYOUT:
        return "an association paid the euros of one redemption: units and reserve shrink";
    case MR_KIND_RETURN:
        return "a redemption that was not paid is undone";
    case MR_KIND_SETKEYS:
        return "an owner changes keys";
    case MR_KIND_FLAG:
        return "a desk freezes an account, or unfreezes it";
    case MR_KIND_LIST:
        return "a desk lists a shop, or takes it off the list";
    case MR_KIND_CLOSE:
        return "an owner closes the account";
    case MR_KIND_GRANT:
        return "a treasury raises the credit or the limits of a member";
    case MR_KIND_SWEEP:
        return "what is left on a closed account goes to its association";
    case MR_KIND_CLEAR:
        return "an association gives another one reserve and the debt that it backs";
    case MR_KIND_RECOVER:
        return "an association decides on new keys for a member who lost them";
    case MR_KIND_STOP:
        return "an owner objects to recoveries of the account";
    case MR_KIND_TAKEOVER:
        return "the new keys of a recovery take over";
    case MR_KIND_POLICY:
        return "a policy of the currency, with the day it starts";
    case MR_KIND_CAP:
        return "the most units that an association may have outstanding";
    case MR_KIND_LOWER:
        return "governance lowers the credit or the limits of a member";
    case MR_KIND_CHECKPOINT:
        return "the nodes agree on size and root of log and state";
    case MR_KIND_NEXT:
        return "who votes from the next epoch on";
    case MR_KIND_CUT:
        return "where an epoch ends";
    }
    return NULL;
}

static void money(struct export_facts *f, uint32_t unit, int64_t amount, int64_t fee)
{
    f->has_amount = true;
    f->unit = unit;
    f->amount = amount;
    f->fee = fee;
}

static void of_redemption(struct export_facts *f, const struct mr_redemption_ref *r, int64_t fee)
{
    money(f, 0, r->amount, fee);
    f->about = r->account;
    f->about_seq = r->seq;
}

static void of_pay(struct export_facts *f, const struct mr_pay *p)
{
    int64_t sum[2] = {0, 0};
    for (uint32_t i = 0; i < p->lines_count; i++)
        sum[p->lines[i].what == MR_LINE_FEE] += p->lines[i].amount;
    money(f, p->unit, sum[0], sum[1]);
}

static void of_issue(struct export_facts *f, const struct mr_issue *is)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < is->lines_count; i++)
        sum += is->lines[i].amount;
    money(f, 0, sum, 0);
}

struct export_facts export_facts(const struct mr_order *o)
{
    struct export_facts f = {0};
    switch (o->body.kind) {
    case MR_KIND_OPEN:
        f.about = o->body.u.open.account;
        break;
    case MR_KIND_PAY:
        of_pay(&f, &o->body.u.pay);
        break;
    case MR_KIND_ISSUE:
        of_issue(&f, &o->body.u.issue);
        break;
    case MR_KIND_REDEEM:
        money(&f, 0, o->body.u.redeem.amount, o->body.u.redeem.fee);
        break;
    case MR_KIND_PAYOUT:
        of_redemption(&f, &o->body.u.payout.redemption, o->body.u.payout.fee);
        break;
    case MR_KIND_RETURN:
        of_redemption(&f, &o->body.u.return_.redemption, 0);
        break;
    case MR_KIND_FLAG:
        f.about = o->body.u.flag.account;
        break;
    case MR_KIND_LIST:
        f.about = o->body.u.list.account;
        break;
    case MR_KIND_GRANT:
        f.about = o->body.u.grant.account;
        break;
    case MR_KIND_LOWER:
        f.about = o->body.u.lower.account;
        break;
    case MR_KIND_SWEEP:
        money(&f, o->body.u.sweep.unit, o->body.u.sweep.amount, 0);
        f.about = o->body.u.sweep.account;
        break;
    case MR_KIND_CLEAR:
        money(&f, 0, o->body.u.clear.clearing.amount, 0);
        break;
    case MR_KIND_RECOVER:
        f.about = o->body.u.recover.account;
        break;
    case MR_KIND_SETKEYS:
    case MR_KIND_CLOSE:
    case MR_KIND_STOP:
    case MR_KIND_TAKEOVER:
    case MR_KIND_POLICY:
    case MR_KIND_CAP:
    case MR_KIND_CHECKPOINT:
    case MR_KIND_NEXT:
    case MR_KIND_CUT:
        break;
    }
    return f;
}
