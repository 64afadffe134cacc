#include "common/witnesses.h"

#include <string.h>

#include "common/term.h"
#include "mereau/id.h"
#include "mereau/log.h"

enum mr_status witnesses_read(struct witnesses *ret, const struct command *c, struct out *out)
{
    *ret = (struct witnesses){.count = opt_count(c, "witness")};
    if (ret->count > MR_KEYS_MAX)
        return out_fail(out, MR_USAGE, _("too many witnesses: at most %d"), (int)MR_KEYS_MAX);
    ret->need = (int64_t)ret->count;
    if (opt_int(c, out, &ret->need, "need", 0, MR_KEYS_MAX) == MR_USAGE)
        return MR_USAGE;
    for (size_t i = 0; i < ret->count; i++) {
        ret->keys[i].alg = MR_ALG_ED25519;
        if (mr_hex_parse(ret->keys[i].key, MR_KEY_BYTES, opt_nth(c, "witness", i)) != MR_OK)
            return out_fail(out, MR_USAGE, _("%s is no key: 64 hexadecimal digits"),
                            opt_nth(c, "witness", i));
    }
    return MR_OK;
}

static bool is_trusted(const struct witnesses *w, const uint8_t key[MR_KEY_BYTES])
{
    for (size_t i = 0; i < w->count; i++) {
        if (memcmp(w->keys[i].key, key, MR_KEY_BYTES) == 0)
            return true;
    }
    return false;
}

enum mr_status witnesses_check(const struct witnesses *w, struct out *out,
                               const struct mr_receipt *r, uint32_t *ret_trusted)
{
    *ret_trusted = mr_cosignatures_by(r, w->keys, w->count);
    for (uint32_t i = 0; i < r->cosignatures_count; i++) {
        const struct mr_cosignature *const c = &r->cosignatures[i];
        char hex[2 * MR_KEY_BYTES + 1], name[MR_NAME_MAX + 1];
        mr_hex_format(hex, c->key, MR_KEY_BYTES);
        memcpy(name, c->name, c->name_len);
        name[c->name_len] = '\0';
        text_clean(name);
        if (is_trusted(w, c->key))
            out_print(out, _("  seen by a witness you trust: %s, key %s\n"), name, hex);
        else
            out_print(out, _("  cosigned by somebody you did not name: %s, key %s\n"), name, hex);
    }
    out_int(out, "witnesses_trusted", *ret_trusted);
    if (*ret_trusted >= w->need)
        return MR_OK;
    return out_fail(
        out, MR_BAD_RECEIPT,
        _("cosigned by %u of the witnesses you named, %lld are wanted; a fresh payment's "
          "receipt gets cosignatures within seconds: fetch it again"),
        (unsigned)*ret_trusted, (long long)w->need);
}
