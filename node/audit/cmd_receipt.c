/* receipt: what a receipt proves, from the charter alone. */
#include <stdlib.h>
#include <string.h>

#include "audit/commands.h"
#include "audit/report.h"
#include "common/amount_text.h"
#include "common/file.h"
#include "common/heap.h"
#include "common/ledger_words.h"
#include "common/witnesses.h"
#include "mereau/codec.h"
#include "mereau/id.h"

/* A record as a message carries it, and the handovers behind it. */
enum { FILE_BYTES_MAX = MR_FRAME_MAX + MR_CHAIN_BYTES_MAX };

const struct option_row receipt_options[] = {
    {"charter", 'c', N_("FILE"), N_("charter of the ledger; a data directory will do")},
    WITNESS_OPTIONS,
    {NULL, 0, NULL, NULL},
};

static void describe(struct source *s, const struct mr_receipt *r)
{
    char address[MR_ADDRESS_TEXT_MAX], value[65];
    uint8_t id[32];
    mr_address_format(address, s->charter->prefix, r->account);
    if (r->order_count > 0)
        mr_order_id(id, &r->order[0].order);
    else
        mr_void_id(id, s->ledger, r->account, r->seq);
    mr_hex_format(value, id, 32);
    out_text(s->out, "account", address);
    out_int(s->out, "seq", (int64_t)r->seq);
    out_text(s->out, "value", value);
    out_bool(s->out, "voided", r->order_count == 0);
    out_int(s->out, "proofs", r->proofs_count);
    out_int(s->out, "cosignatures", r->cosignatures_count);
    out_print(s->out, _("%s no. %llu: %s, value %s\n"), address, (unsigned long long)r->seq,
              r->order_count > 0 ? order_word(&r->order[0].order.body) : _("voided"), value);
    if (r->order_count > 0 && r->order[0].order.body.kind == MR_KIND_PAY) {
        const struct mr_pay *const p = &r->order[0].order.body.u.pay;
        for (uint32_t i = 0; i < p->lines_count && p->unit < s->charter->units_count; i++) {
            char amount[AMOUNT_PEOPLE_MAX];
            const struct mr_unit *const u = &s->charter->units[p->unit];
            mr_address_format(address, s->charter->prefix, p->lines[i].payee);
            amount_text(amount, p->lines[i].amount, u->decimals, u->code);
            out_print(s->out, _("  to %s: %s\n"), address, amount);
        }
    }
}

/* The receipt is right in itself: is it witnessed? */
static void judge(struct source *s, struct witnesses *trusted, const struct mr_audit *a,
                  const struct mr_receipt *r, uint32_t *ret_by)
{
    trusted->charter = *mr_audit_witnesses(a);
    witnesses_show(trusted, s->out, r, ret_by);
    if (witnesses_check(trusted, s->out, r, true) == MR_OK)
        out_print(s->out, _("The receipt is right: the ledger of this charter settled it.\n"));
}

static void check(struct source *s, struct witnesses *trusted, const char *path)
{
    uint32_t by = 0;
    struct mr_audit *a = NULL;
    struct report rows = {0};
    uint8_t *bytes = NULL;
    size_t len = 0;
    struct mr_receipt *const r = malloc(sizeof *r);
    enum mr_status st = r == NULL ? MR_NO_MEMORY : file_read(&bytes, &len, path, FILE_BYTES_MAX);
    const bool unread = st != MR_OK && st != MR_NO_MEMORY;
    if (st == MR_OK)
        st = report_create(&rows, s->charter, 64);
    if (st == MR_OK)
        st = mr_audit_create(&a, &heap, report_add, &rows, s->charter_bytes, s->charter_len);
    if (unread) {
        out_fail(s->out, st, _("%s cannot be read: %s"), path, status_sentence(st));
    } else if (st != MR_OK) {
        out_fail(s->out, st, NULL);
    } else {
        st = mr_audit_receipt(a, r, bytes, len);
        if (st == MR_OK || st == MR_BAD_RECEIPT) {
            describe(s, r);
            report_rows(&rows, s->out);
        }
        if (st == MR_BAD_RECEIPT)
            out_fail(s->out, st, NULL);
        else if (st != MR_OK)
            out_fail(s->out, st == MR_NO_MEMORY ? st : MR_BAD_RECEIPT, _("%s is no receipt: %s"),
                     path, status_sentence(st));
        else
            judge(s, trusted, a, r, &by);
        if (st == MR_OK && r->proofs_count == 1 && by == 0)
            out_print(s->out,
                      _("One node and no cosignature: it proves what this node said, to you "
                        "alone.\n"));
    }
    mr_audit_destroy(a);
    report_done(&rows);
    free(bytes);
    free(r);
}

void cmd_receipt(struct command *c, struct out *out)
{
    static struct source s;
    struct witnesses trusted;
    const char *const charter = opt_text(c, "charter");
    s = (struct source){.c = c, .out = out};
    if (charter == NULL)
        out_fail(out, MR_USAGE, _("which ledger? Give --charter FILE"));
    else if (witnesses_read(&trusted, c, out) == MR_OK && source_read_charter(&s, charter) == MR_OK)
        check(&s, &trusted, c->args[0]);
    source_close(&s);
}
