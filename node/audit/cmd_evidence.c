/* evidence: who broke a rule of the protocol, and which, from the charter alone. */
#include <stdlib.h>
#include <string.h>

#include "audit/commands.h"
#include "audit/report.h"
#include "common/file.h"
#include "common/heap.h"
#include "mereau/codec.h"
#include "mereau/id.h"

/* A record as a message carries it, and the handovers behind it. */
enum { FILE_BYTES_MAX = MR_FRAME_MAX + MR_CHAIN_BYTES_MAX };

const struct option_row evidence_options[] = {
    {"charter", 'c', N_("FILE"), N_("charter of the ledger; a data directory will do")},
    {NULL, 0, NULL, NULL},
};

static void fields(const struct source *s, const struct mr_evidence_facts *f, const char *name,
                   const char *hash)
{
    char hex[33], address[MR_ADDRESS_TEXT_MAX];
    out_text(s->out, "breach", mr_breach_name(f->breach));
    out_int(s->out, "node", f->node);
    mr_hex_format(hex, f->association, MR_ACCOUNT_BYTES);
    out_text(s->out, "association", hex);
    out_text(s->out, "association_name", name);
    out_int(s->out, "epoch", f->epoch);
    out_int(s->out, "generation", f->generation);
    if (f->has_slot) {
        mr_hex_format(hex, f->account, MR_ACCOUNT_BYTES);
        mr_address_format(address, s->charter->prefix, f->account);
        out_text(s->out, "account", hex);
        out_text(s->out, "address", address);
        out_int(s->out, "seq", (int64_t)f->seq);
    }
    out_int(s->out, "first", (int64_t)f->first);
    out_int(s->out, "second", (int64_t)f->second);
    out_text(s->out, "hash", hash);
}

static void convict(const struct source *s, const struct mr_evidence_facts *f,
                    const struct mr_evidence *e)
{
    const char *const name = report_association(s->charter, f->association);
    const bool heads = e->body.kind == MR_EVIDENCE_FORK;
    char address[MR_ADDRESS_TEXT_MAX], hex[65];
    uint8_t hash[MR_HASH_BYTES];
    mr_evidence_hash(hash, e);
    mr_hex_format(hex, hash, MR_HASH_BYTES);
    out_text(s->out, "kind", mr_evidence_kind_text(e->body.kind));
    fields(s, f, name, hex);
    /* TRANSLATORS: node number, association, what it did: "Node 3 of Galet voted for two values..."
     */
    out_print(s->out, _("Node %u of %s %s.\n"), (unsigned)f->node, name,
              _(mr_breach_text(f->breach)));
    if (f->has_slot) {
        mr_address_format(address, s->charter->prefix, f->account);
        out_print(s->out, _("  slot: %s no. %llu\n"), address, (unsigned long long)f->seq);
    }
    out_print(s->out,
              heads ? _("  shown by: its signed heads of %llu and %llu leaves\n")
                    : _("  shown by: leaves %llu and %llu of its signed log\n"),
              (unsigned long long)f->first, (unsigned long long)f->second);
    out_print(s->out, _("  its log: epoch %u, key generation %u\n"), (unsigned)f->epoch,
              (unsigned)f->generation);
    out_print(s->out, _("  hash: %s\n"), hex);
}

static void check(struct source *s, const char *path)
{
    struct mr_evidence_facts facts;
    struct mr_audit *a = NULL;
    struct report rows = {0};
    uint8_t *bytes = NULL;
    size_t len = 0;
    struct mr_evidence *const e = malloc(sizeof *e);
    enum mr_status st = e == NULL ? MR_NO_MEMORY : file_read(&bytes, &len, path, FILE_BYTES_MAX);
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
        st = mr_audit_evidence(a, &facts, e, bytes, len);
        if (st == MR_OK)
            convict(s, &facts, e);
        report_rows(&rows, s->out);
        if (st == MR_NO_MEMORY || st == MR_BAD_HEAD || st == MR_BAD_PROOF || st == MR_BAD_EVIDENCE)
            out_fail(s->out, st, NULL);
        else if (st == MR_WRONG_LEDGER)
            out_fail(s->out, MR_BAD_EVIDENCE, _("this is evidence of another ledger"));
        else if (st != MR_OK)
            out_fail(s->out, MR_BAD_EVIDENCE, _("%s is no evidence: %s"), path,
                     status_sentence(st));
    }
    mr_audit_destroy(a);
    report_done(&rows);
    free(bytes);
    free(e);
}

void cmd_evidence(struct command *c, struct out *out)
{
    static struct source s;
    const char *const charter = opt_text(c, "charter");
    s = (struct source){.c = c, .out = out};
    if (charter == NULL)
        out_fail(out, MR_USAGE, _("which ledger? Give --charter FILE"));
    else if (source_read_charter(&s, charter) == MR_OK)
        check(&s, c->args[0]);
    source_close(&s);
}
