#include "common/witnesses.h"

#include <stdio.h>
#include <string.h>

#include "common/term.h"
#include "mereau/id.h"
#include "mereau/log.h"
#include "mereau/order.h"

enum { HEX_MAX = 2 * MR_KEY_BYTES + 1, OF_KEY = 8 };

/* --- reading ---------------------------------------------------------------------------------- */

/* MR_OK or MR_USAGE, not reported. */
static enum mr_status witness_parse(struct mr_witness *ret, const char *text)
{
    const char *const sign = strrchr(text, '=');
    const char *const hex = sign != NULL ? sign + 1 : text;
    char name[MR_NAME_MAX + 1];
    *ret = (struct mr_witness){.key.alg = MR_ALG_ED25519};
    if (mr_hex_parse(ret->key.key, MR_KEY_BYTES, hex) != MR_OK)
        return MR_USAGE;
    const int n = sign != NULL ? snprintf(name, sizeof name, "%.*s", (int)(sign - text), text)
                               : snprintf(name, sizeof name, "witness-%.*s", OF_KEY, hex);
    if (n <= 0 || (size_t)n >= sizeof name || strpbrk(name, " \t+=") != NULL)
        return MR_USAGE;
    ret->name_len = (uint32_t)n;
    memcpy(ret->name, name, (size_t)n + 1);
    return MR_OK;
}

enum mr_status witness_list(struct mr_witness_set *ret, const struct command *c, struct out *out,
                            const char *option)
{
    const size_t count = opt_count(c, option);
    *ret = (struct mr_witness_set){.quorum = 0};
    if (count > MR_WITNESSES_MAX)
        return out_fail(out, MR_USAGE, _("too many witnesses: at most %d"), MR_WITNESSES_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *const text = opt_nth(c, option, i);
        if (witness_parse(&ret->members[i], text) != MR_OK)
            return out_fail(out, MR_USAGE,
                            _("%s is no witness: NAME=KEY or KEY, the key with 64 hexadecimal "
                              "digits, the name without blanks and +"),
                            text);
        ret->members_count++;
    }
    const char *const what = mr_witness_set_fault(ret);
    return what == NULL ? MR_OK
                        : out_fail(out, MR_USAGE, _("these witnesses cannot be: %s"), _(what));
}

enum mr_status witnesses_read(struct witnesses *ret, const struct command *c, struct out *out)
{
    int64_t need;
    *ret = (struct witnesses){.given.quorum = 0};
    if (witness_list(&ret->given, c, out, "witness") != MR_OK)
        return MR_USAGE;
    need = ret->given.members_count;
    if (opt_int(c, out, &need, "need", 0, MR_WITNESSES_MAX) == MR_USAGE)
        return MR_USAGE;
    ret->given.quorum = (uint32_t)need;
    return MR_OK;
}

/* --- counting --------------------------------------------------------------------------------- */

static uint32_t by(const struct mr_witness_set *set, const struct mr_receipt *r)
{
    return mr_cosigned_by(set, r->cosignatures, r->cosignatures_count);
}

bool witnessed(const struct witnesses *w, const struct mr_receipt *r)
{
    return by(&w->charter, r) >= w->charter.quorum && by(&w->owner, r) >= w->owner.quorum;
}

bool witnesses_wanted(const struct witnesses *w)
{
    return w->charter.quorum > 0 || w->owner.quorum > 0;
}

/* --- telling ---------------------------------------------------------------------------------- */

static void show_one(const struct witnesses *w, struct out *out, const struct mr_cosignature *c)
{
    char hex[HEX_MAX], name[MR_NAME_MAX + 1];
    mr_hex_format(hex, c->key, MR_KEY_BYTES);
    memcpy(name, c->name, c->name_len);
    name[c->name_len] = '\0';
    text_clean(name);
    if (mr_is_witness(&w->given, c->key) || mr_is_witness(&w->owner, c->key))
        out_print(out, _("  seen by a witness you trust: %s, key %s\n"), name, hex);
    else if (mr_is_witness(&w->charter, c->key))
        out_print(out, _("  seen by a witness of the charter: %s, key %s\n"), name, hex);
    else
        out_print(out, _("  cosigned by somebody you did not name: %s, key %s\n"), name, hex);
}

void witnesses_show(const struct witnesses *w, struct out *out, const struct mr_receipt *r,
                    uint32_t *ret)
{
    *ret = 0;
    for (uint32_t i = 0; i < r->cosignatures_count; i++) {
        const uint8_t *const key = r->cosignatures[i].key;
        show_one(w, out, &r->cosignatures[i]);
        *ret += mr_is_witness(&w->given, key) || mr_is_witness(&w->owner, key) ||
                mr_is_witness(&w->charter, key);
    }
    out_int(out, "witnesses_trusted", *ret);
    out_int(out, "witnesses_charter", by(&w->charter, r));
    out_int(out, "witness_quorum", w->charter.quorum);
    out_bool(out, "witnessed", witnessed(w, r) && *ret > 0);
    if (!witnesses_wanted(w))
        return;
    if (witnessed(w, r))
        out_print(out, _("WITNESSED: whoever asks the witnesses cannot be shown a history without "
                         "it.\n"));
    else
        out_print(out, _("SETTLED, NOT YET WITNESSED: the nodes say so, and too few witnesses have "
                         "seen it yet. Ask again in a few seconds.\n"));
}

enum mr_status witnesses_check(const struct witnesses *w, struct out *out,
                               const struct mr_receipt *r, bool strict)
{
    const uint32_t given = by(&w->given, r), charter = by(&w->charter, r), owner = by(&w->owner, r);
    if (given < w->given.quorum)
        return out_fail(out, MR_NOT_WITNESSED,
                        _("cosigned by %u of the witnesses you named, %u are wanted; a fresh "
                          "payment's receipt gets cosignatures within seconds: fetch it again"),
                        given, w->given.quorum);
    if (strict && charter < w->charter.quorum)
        return out_fail(out, MR_NOT_WITNESSED,
                        _("NOT WITNESSED: cosigned by %u of the charter's witnesses, and the "
                          "charter wants %u. A node that rewrote its history could have made this "
                          "receipt. Ask for a newer one, and ask the witnesses what they refuse"),
                        charter, w->charter.quorum);
    if (strict && owner < w->owner.quorum)
        return out_fail(out, MR_NOT_WITNESSED,
                        _("NOT WITNESSED: cosigned by %u of the witnesses that this wallet trusts, "
                          "and you want %u (\"mereau witnesses\")"),
                        owner, w->owner.quorum);
    return MR_OK;
}

void witnesses_text(char ret[WITNESSES_TEXT_MAX], const struct mr_witness_set *w)
{
    size_t n;
    if (w->members_count == 0) {
        snprintf(ret, WITNESSES_TEXT_MAX, "%s", _("none"));
        return;
    }
    snprintf(ret, WITNESSES_TEXT_MAX, _("%u of these %u:"), w->quorum, w->members_count);
    for (uint32_t i = 0; i < w->members_count; i++) {
        n = strlen(ret);
        snprintf(ret + n, WITNESSES_TEXT_MAX - n, "%s %s", i > 0 ? "," : "", w->members[i].name);
    }
}

json_t *witnesses_json(const struct mr_witness_set *w)
{
    json_t *const list = json_array();
    for (uint32_t i = 0; i < w->members_count; i++) {
        char hex[HEX_MAX];
        mr_hex_format(hex, w->members[i].key.key, MR_KEY_BYTES);
        json_array_append_new(list, json_pack("{s:s,s:s}", "name", w->members[i].name, "key", hex));
    }
    return json_pack("{s:i,s:o}", "quorum", (int)w->quorum, "members", list);
}
