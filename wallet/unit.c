#include "wallet/unit.h"

#include <string.h>
#include <strings.h>

#include "common/amount_text.h"

enum mr_status unit_option(const struct wallet *w, const struct command *c, struct out *out,
                           uint32_t *ret)
{
    const char *const code = opt_text(c, "unit");
    if (code == NULL) {
        *ret = 0;
        return MR_OK;
    }
    for (uint32_t i = 0; i < w->charter->units_count; i++) {
        const struct mr_unit *const u = &w->charter->units[i];
        if (strcasecmp(u->code, code) != 0)
            continue;
        if (u->role == MR_UNIT_RESERVE)
            return out_fail(out, MR_AMOUNT_UNIT,
                            _("%s only mirrors the reserve in the books: pay in %s"), u->code,
                            w->charter->units[0].code);
        *ret = i;
        return MR_OK;
    }
    return out_fail(out, MR_UNIT_UNKNOWN, _("this currency has no unit \"%s\""), code);
}

enum mr_status unit_amount(const struct wallet *w, struct out *out, int64_t *ret, const char *text,
                           uint32_t unit)
{
    char hint[HINT_MAX];
    const struct mr_unit *const u = &w->charter->units[unit];
    const enum mr_status st = mr_amount_parse(ret, text, u->decimals, u->code);
    if (st == MR_OK)
        return MR_OK;
    amount_hint(hint, st, text, u->decimals, u->code);
    return out_fail(out, st, "%s", hint);
}
