#include "common/ledger_words.h"

#include <stddef.h>

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
