#include "common/line_proof.h"

#include <stdio.h>
#include <string.h>

#include "common/file.h"
#include "common/i18n.h"
#include "mereau/id.h"

enum { NAME_DIGITS = 16 };

void line_proof_take(struct line_proof *ret, enum mr_status st,
                     const struct mr_receipt_facts *facts, const uint8_t *order)
{
    *ret = (struct line_proof){.st = st};
    if (st != MR_OK)
        return;
    if (facts->voided || order == NULL || memcmp(facts->value, order, MR_HASH_BYTES) != 0) {
        ret->st = MR_BAD_RECEIPT;
        return;
    }
    ret->quorum = facts->quorum;
    ret->needed = facts->needed;
    ret->witnessed = facts->witnessed >= facts->witness_quorum;
    ret->time_ms = facts->time_ms;
}

void line_proof_text(char *ret, size_t cap, const struct line_proof *p)
{
    if (p->st != MR_OK)
        snprintf(ret, cap, "%s", _("NOT PROVED"));
    else if (!p->witnessed)
        snprintf(ret, cap, _("proved, %u of %u, not yet witnessed"), p->quorum, p->needed);
    else
        snprintf(ret, cap, _("proved, %u of %u"), p->quorum, p->needed);
}

const char *line_proof_word(const struct line_proof *p)
{
    if (p->st != MR_OK)
        return "not proved";
    return p->witnessed ? "proved" : "not witnessed";
}

void line_proof_note(struct out *out, size_t unwitnessed)
{
    out_int(out, "unwitnessed", (int64_t)unwitnessed);
    if (unwitnessed > 0)
        out_note(
            out,
            ngettext("%zu line is settled and not yet witnessed: its receipt verifies once the "
                     "witnesses have cosigned it. The same command in a moment has it",
                     "%zu lines are settled and not yet witnessed: their receipts verify once "
                     "the witnesses have cosigned them. The same command in a moment has them",
                     unwitnessed),
            unwitnessed);
}

enum mr_status line_proof_save(const struct epochs *e, struct out *out, const struct mr_receipt *r,
                               const char *dir, const uint8_t order[MR_HASH_BYTES])
{
    char name[NAME_DIGITS + 16], path[FILE_PATH_MAX], hex[2 * MR_HASH_BYTES + 1];
    if (dir == NULL)
        return MR_OK;
    mr_hex_format(hex, order, MR_HASH_BYTES);
    snprintf(name, sizeof name, "%.*s.receipt", NAME_DIGITS, hex);
    enum mr_status st = path_join(path, dir, name);
    if (st == MR_OK)
        st = epochs_write_receipt(e, r, path, true);
    return st == MR_OK ? st : out_fail(out, st, "%s: %s", dir, status_sentence(st));
}
