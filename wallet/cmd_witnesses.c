/* witnesses: whose cosignatures charter and owner want, and how it stands with them. */
#include <stdlib.h>

#include "wallet/commands.h"
#include "wallet/node.h"
#include "wallet/witnessed.h"

static enum mr_status read_options(const struct command *c, struct out *out,
                                   struct mr_book_witnesses *ret, bool *ret_given)
{
    struct witnesses given;
    int64_t minutes = ret->patience_s / 60;
    const bool none = opt_flag(c, "none"), some = opt_flag(c, "witness");
    *ret_given = none || some || opt_flag(c, "patience");
    if (none && (some || opt_flag(c, "patience")))
        return out_fail(out, MR_USAGE, _("--none stands alone: it forgets what you wanted"));
    if (!some && opt_flag(c, "need"))
        return out_fail(out, MR_USAGE, _("--need belongs to --witness"));
    if (witnesses_read(&given, c, out) != MR_OK ||
        opt_int(c, out, &minutes, "patience", 0, MR_PATIENCE_MAX_S / 60) == MR_USAGE)
        return MR_USAGE;
    if (given.given.quorum > given.given.members_count)
        return out_fail(out, MR_USAGE, _("you need more witnesses than you name"));
    if (some || none)
        ret->own = given.given;
    ret->patience_s = none ? 0 : (uint32_t)minutes * 60;
    return MR_OK;
}

static enum mr_status store(struct wallet *w, struct out *out, const struct mr_book_witnesses *want)
{
    w->note->kind = MR_BOOK_WITNESSES;
    w->note->u.witnesses = *want;
    return wallet_add(w, out);
}

static void tell(const struct wallet *w, struct out *out)
{
    const struct mr_book_witnesses *const own = &w->witnesses;
    char text[WITNESSES_TEXT_MAX];
    witnesses_text(text, &wallet_present(w)->witnesses);
    out_json(out, "charter_witnesses", witnesses_json(&wallet_present(w)->witnesses));
    out_print(out, _("Witnesses of the charter: %s\n"), text);
    witnesses_text(text, &own->own);
    out_json(out, "own_witnesses", witnesses_json(&own->own));
    out_print(out, _("Witnesses that you want: %s\n"), text);
    out_int(out, "patience_s", own->patience_s);
    if (own->patience_s > 0)
        out_print(out, _("Nothing is signed while they have not cosigned for %u minutes.\n"),
                  own->patience_s / 60);
}

void cmd_witnesses(struct command *c, struct out *out)
{
    struct wallet *w;
    struct seen seen;
    bool given;
    if (wallet_open(&w, c, out) != MR_OK)
        return;
    struct mr_book_witnesses want = w->witnesses;
    if (read_options(c, out, &want, &given) != MR_OK || (given && store(w, out, &want) != MR_OK) ||
        node_reach(w, c, out) != MR_OK)
        return;
    const enum mr_status st = witnessed_look(w, &seen);
    if (st != MR_OK) {
        node_fail(w, out, st);
        return;
    }
    tell(w, out);
    witnessed_tell(&seen, out);
}
