#include "common/ledger_words.h"

#include <stddef.h>
#include <stdio.h>

#include "common/i18n.h"

const char *kind_word(enum mr_order_kind kind)
{
    switch (kind) {
    case MR_KIND_OPEN:
        return _("admission");
    case MR_KIND_PAY:
        return _("payment");
    case MR_KIND_ISSUE:
        return _("issue");
    case MR_KIND_REDEEM:
        return _("redemption");
    case MR_KIND_PAYOUT:
        return _("payout");
    case MR_KIND_RETURN:
        return _("return");
    case MR_KIND_SETKEYS:
        return _("new keys");
    case MR_KIND_FLAG:
        return _("freezing");
    case MR_KIND_LIST:
        return _("listing");
    case MR_KIND_CLOSE:
        return _("closing");
    case MR_KIND_GRANT:
        return _("grant");
    case MR_KIND_SWEEP:
        return _("sweep");
    case MR_KIND_NEXT:
        return _("new nodes");
    case MR_KIND_CUT:
        return _("end of an epoch");
    case MR_KIND_CLEAR:
        return _("clearing");
    case MR_KIND_RECOVER:
        return _("recovery of an account");
    case MR_KIND_STOP:
        return _("stopped recovery");
    case MR_KIND_TAKEOVER:
        return _("end of a recovery");
    case MR_KIND_POLICY:
        return _("rules");
    case MR_KIND_CAP:
        return _("cap");
    case MR_KIND_LOWER:
        return _("lowered limits");
    case MR_KIND_CHECKPOINT:
        return _("checkpoint");
    }
    return "?";
}

const char *order_word(const struct mr_order_body *body)
{
    if (body->kind == MR_KIND_FLAG && !body->u.flag.frozen)
        return _("unfreezing");
    if (body->kind == MR_KIND_LIST && !body->u.list.listed)
        return _("taking off the list");
    return kind_word(body->kind);
}

const char *class_word(enum mr_account_class class)
{
    if (class == MR_CLASS_RESIDENT)
        return _("resident");
    if (class == MR_CLASS_SHOP)
        return _("shop");
    if (class == MR_CLASS_ASSOCIATION)
        return _("association");
    if (class == MR_CLASS_MUNICIPALITY)
        return _("municipality");
    if (class == MR_CLASS_OFFICE)
        return _("office");
    if (class == MR_CLASS_FUND)
        return _("fund");
    const char *text = mr_account_class_text(class);
    return text != NULL ? text : "?";
}

void tolerance_words(char ret[TOLERANCE_MAX], uint32_t down, uint32_t lie, bool further)
{
    char downs[TOLERANCE_MAX / 2 - 2], lies[TOLERANCE_MAX / 2 - 2];
    if (down == 0)
        snprintf(downs, sizeof downs, "%s",
                 further ? _("no further node may be down") : _("no node may be down"));
    else if (down == 1)
        snprintf(downs, sizeof downs, "%s",
                 further ? _("one further node may be down") : _("one node may be down"));
    else
        snprintf(downs, sizeof downs,
                 further ? _("%u further nodes may be down") : _("%u nodes may be down"), down);
    if (lie <= 1)
        snprintf(lies, sizeof lies, "%s", lie == 0 ? _("none may lie") : _("one may lie"));
    else
        snprintf(lies, sizeof lies, _("%u may lie"), lie);
    snprintf(ret, TOLERANCE_MAX, "%s, %s", downs, lies);
}
