#include "audit/report.h"

#include <stdlib.h>
#include <string.h>

#include "audit/finding_text.h"
#include "common/amount_text.h"
#include "common/ledger_words.h"
#include "common/term.h"
#include "mereau/id.h"

enum mr_status report_create(struct report *ret, const struct mr_charter *charter, size_t cap)
{
    *ret = (struct report){.charter = charter, .cap = cap};
    ret->wrong.at = calloc(cap == 0 ? 1 : cap, sizeof *ret->wrong.at);
    ret->convictions.at = calloc(cap == 0 ? 1 : cap, sizeof *ret->convictions.at);
    return ret->wrong.at == NULL || ret->convictions.at == NULL ? MR_NO_MEMORY : MR_OK;
}

void report_done(struct report *r)
{
    free(r->wrong.at);
    free(r->convictions.at);
    r->wrong.at = r->convictions.at = NULL;
}

void report_add(void *ctx, const struct mr_audit_finding *f)
{
    struct report *const r = ctx;
    struct report_rows *const rows = f->of_another ? &r->convictions : &r->wrong;
    if (rows->count < r->cap)
        rows->at[rows->count++] = *f;
    rows->all++;
}

void report_damage(struct report *r, uint64_t turn, const char *text)
{
    struct mr_audit_finding f = {.rule = "JNL-6",
                                 .status = MR_DAMAGED,
                                 .what = N_("reading the journal to its end"),
                                 .turn = turn,
                                 .entry = MR_AUDIT_NO_ENTRY};
    snprintf(f.expected, sizeof f.expected, "%s", N_("whole turns"));
    snprintf(f.found, sizeof f.found, "%.150s", text);
    report_add(r, &f);
}

/* --- rows ---------------------------------------------------------------------------------------
 */

static int by_place(const void *a, const void *b)
{
    const struct mr_audit_finding *const x = a, *const y = b;
    if (x->turn != y->turn)
        return x->turn < y->turn ? -1 : 1;
    if (x->entry != y->entry)
        return x->entry < y->entry ? -1 : 1;
    return 0;
}

static json_t *row_json(const struct report *r, const struct mr_audit_finding *f)
{
    char hex[33], address[MR_ADDRESS_TEXT_MAX];
    json_t *const o = json_object();
    json_object_set_new(o, "rule", json_string(f->rule));
    json_object_set_new(o, "status", json_string(mr_status_name(f->status)));
    json_object_set_new(o, "what", json_string(f->what));
    json_object_set_new(o, "turn", json_integer((json_int_t)f->turn));
    json_object_set_new(o, "entry",
                        f->entry == MR_AUDIT_NO_ENTRY ? json_null()
                                                      : json_integer((json_int_t)f->entry));
    if (f->node != 0)
        json_object_set_new(o, "node", json_integer(f->node));
    if (f->has_slot) {
        mr_hex_format(hex, f->account, sizeof f->account);
        mr_address_format(address, r->charter->prefix, f->account);
        json_object_set_new(o, "account", json_string(hex));
        json_object_set_new(o, "address", json_string(address));
        json_object_set_new(o, "seq", json_integer((json_int_t)f->seq));
    }
    json_object_set_new(o, "expected", json_string(f->expected));
    json_object_set_new(o, "found", json_string(f->found));
    return o;
}

static void print_row(const struct report *r, struct out *out, const struct mr_audit_finding *f)
{
    char address[MR_ADDRESS_TEXT_MAX];
    const int fd = fileno(out->results);
    out_print(out, "%s%s%s %s", term_style(fd, STYLE_BAD), f->rule, term_style(fd, STYLE_PLAIN),
              mr_status_name(f->status));
    if (f->turn > 0)
        out_print(out, _(", turn %llu"), (unsigned long long)f->turn);
    if (f->entry != MR_AUDIT_NO_ENTRY)
        out_print(out, _(", entry %u"), (unsigned)f->entry);
    if (f->has_slot) {
        mr_address_format(address, r->charter->prefix, f->account);
        out_print(out, _(", %s no. %llu"), address, (unsigned long long)f->seq);
    }
    if (f->node != 0)
        out_print(out, _(", convicts node %u"), (unsigned)f->node);
    char what[FINDING_TEXT_MAX], expected[FINDING_TEXT_MAX], found[FINDING_TEXT_MAX];
    finding_text(what, f->what);
    finding_text(expected, f->expected);
    finding_text(found, f->found);
    out_print(out, "\n  %s\n", what);
    out_print(out, _("  expected  %s\n  found     %s\n"), expected, found);
}

static json_t *say_rows(const struct report *r, struct report_rows *rows, struct out *out)
{
    json_t *const list = json_array();
    qsort(rows->at, rows->count, sizeof *rows->at, by_place);
    for (size_t i = 0; i < rows->count; i++) {
        json_array_append_new(list, row_json(r, &rows->at[i]));
        print_row(r, out, &rows->at[i]);
    }
    if (rows->all > rows->count)
        out_print(out, _("... and %llu more\n"), (unsigned long long)(rows->all - rows->count));
    if (rows->all > 0)
        out_print(out, "\n");
    return list;
}

void report_rows(struct report *r, struct out *out)
{
    out_json(out, "findings", say_rows(r, &r->wrong, out));
    out_int(out, "findings_total", (int64_t)r->wrong.all);
    out_json(out, "convictions", say_rows(r, &r->convictions, out));
    out_int(out, "convictions_total", (int64_t)r->convictions.all);
}

/* --- totals -------------------------------------------------------------------------------------
 */

static json_t *hex_json(const uint8_t *bytes, size_t n)
{
    char hex[2 * 32 + 1];
    mr_hex_format(hex, bytes, n);
    return json_string(hex);
}

static json_t *amounts_json(const int64_t *v, uint32_t n)
{
    json_t *const list = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(list, json_integer(v[i]));
    return list;
}

static json_t *kinds_json(const struct mr_audit_totals *t)
{
    json_t *const o = json_object();
    for (size_t i = 0; i < MR_AUDIT_KINDS; i++) {
        json_t *const k = json_object();
        json_object_set_new(k, "count", json_integer((json_int_t)t->kinds[i].count));
        json_object_set_new(k, "sum_minor", amounts_json(t->kinds[i].sum, t->units));
        json_object_set_new(o, mr_order_kind_text(t->kinds[i].kind), k);
    }
    return o;
}

static json_t *associations_json(const struct mr_charter *now, const struct mr_audit_totals *t)
{
    json_t *const list = json_array();
    for (uint32_t i = 0; i < t->associations; i++) {
        const struct mr_audit_association *const a = &t->association[i];
        json_t *const o = json_object();
        json_object_set_new(o, "id", hex_json(a->id, sizeof a->id));
        json_object_set_new(o, "name", json_string(now->associations[i].name));
        json_object_set_new(o, "outstanding_minor", json_integer(a->outstanding));
        json_object_set_new(o, "reserve_minor", json_integer(a->reserve));
        json_object_set_new(o, "redeemed_minor", json_integer(a->redeemed));
        json_object_set_new(o, "own_minor", json_integer(a->own));
        json_object_set_new(o, "cap_minor", json_integer(a->cap));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *head_json(const struct mr_audit_totals *t)
{
    if (!t->has_head)
        return json_null();
    json_t *const o = json_object();
    json_object_set_new(o, "size", json_integer((json_int_t)t->head.size));
    json_object_set_new(o, "root", hex_json(t->head.root, 32));
    json_object_set_new(o, "time_ms", json_integer((json_int_t)t->head.time_ms));
    return o;
}

static bool is_convicted(const struct mr_audit_totals *t, uint32_t node)
{
    return (t->convicted >> (node & 63) & 1) != 0;
}

static json_t *nodes_json(uint64_t nodes)
{
    json_t *const list = json_array();
    for (uint32_t n = 1; n <= MR_NODES_MAX; n++) {
        if ((nodes >> n & 1) != 0)
            json_array_append_new(list, json_integer(n));
    }
    return list;
}

static json_t *epochs_json(const struct mr_audit_totals *t)
{
    json_t *const list = json_array();
    for (uint32_t i = 0; i < t->epochs_count; i++) {
        const struct mr_audit_epoch *const e = &t->epochs[i];
        json_t *const o = json_object();
        json_object_set_new(o, "epoch", json_integer(e->epoch));
        json_object_set_new(o, "nodes", nodes_json(e->nodes));
        json_object_set_new(o, "quorum", json_integer(e->quorum));
        json_object_set_new(o, "turn", json_integer((json_int_t)e->turn));
        json_object_set_new(o, "settled", json_integer((json_int_t)e->settled));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *totals_json(const struct mr_charter *now, const struct mr_audit_totals *t)
{
    json_t *const o = json_object();
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {{"turns", t->turns},
                  {"entries", t->entries},
                  {"settled", t->settled},
                  {"voided", t->voided},
                  {"parked", t->parked},
                  {"checkpoints", t->checkpoints},
                  {"heads", t->heads},
                  {"signatures", t->signatures},
                  {"accounts", t->accounts},
                  {"members", t->members},
                  {"policies", t->policies},
                  {"listings", t->listings},
                  {"log_size", t->leaves},
                  {"peer_leaves", t->peer_leaves},
                  {"open", t->open},
                  {"overdrawn", t->overdrawn},
                  {"settled_by_cut", t->settled_by_cut},
                  {"evidence", t->evidence},
                  {"bank_references", t->bank_references},
                  {"redemptions_open", t->redemptions_open}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_object_set_new(o, counts[i].name, json_integer((json_int_t)counts[i].value));
    json_object_set_new(o, "log_root", hex_json(t->log_root, 32));
    json_object_set_new(o, "state_root",
                        t->state_known ? hex_json(t->state_root, 32) : json_null());
    json_object_set_new(o, "head", head_json(t));
    json_object_set_new(o, "convicted", nodes_json(t->convicted));
    json_object_set_new(o, "epochs", epochs_json(t));
    json_object_set_new(o, "supply_minor", amounts_json(t->supply, t->units));
    json_object_set_new(o, "kinds", kinds_json(t));
    json_object_set_new(o, "fees_minor", amounts_json(t->fees, t->units));
    json_object_set_new(o, "associations", associations_json(now, t));
    json_t *const coverage = json_object();
    json_object_set_new(coverage, "reserve_minor", json_integer(t->reserve));
    json_object_set_new(coverage, "outstanding_minor", json_integer(t->outstanding));
    json_object_set_new(o, "coverage", coverage);
    return o;
}

static void print_unit_row(const struct report *r, struct out *out, const char *what, int64_t minor,
                           uint32_t unit)
{
    char text[AMOUNT_PEOPLE_MAX];
    const struct mr_unit *const u = &r->charter->units[unit];
    amount_text(text, minor, u->decimals, u->code);
    const size_t what_width = text_width(what), width = text_width(text);
    out_print(out, "  %s%*s%*s%s\n", what, what_width < 28 ? (int)(28 - what_width) : 1, "",
              width < 20 ? (int)(20 - width) : 1, "", text);
}

const char *report_association(const struct mr_charter *c, const uint8_t id[16])
{
    for (uint32_t i = 0; i < c->associations_count; i++) {
        if (memcmp(c->associations[i].id, id, MR_ACCOUNT_BYTES) == 0)
            return c->associations[i].name;
    }
    return "?";
}

/* Who runs a node, or ran it. */
static const char *runs(const struct mr_audit *a, uint32_t node)
{
    uint8_t id[MR_ACCOUNT_BYTES];
    return mr_audit_home_of(a, node, id) ? report_association(mr_audit_charter(a), id) : "?";
}

static void print_epoch(struct out *out, const struct mr_audit_epoch *e)
{
    char nodes[4 * MR_NODES_MAX] = "";
    size_t used = 0;
    for (uint32_t n = 1; n <= MR_NODES_MAX; n++) {
        if ((e->nodes >> n & 1) != 0)
            used += (size_t)snprintf(nodes + used, sizeof nodes - used, used == 0 ? "%u" : " %u",
                                     (unsigned)n);
    }
    out_print(out, _("Epoch %u: nodes %s, quorum %u, %llu slots settled\n"), (unsigned)e->epoch,
              nodes, (unsigned)e->quorum, (unsigned long long)e->settled);
}

/* What there is to say where several nodes settle. */
static void print_nodes(struct out *out, const struct mr_audit_totals *t, const struct mr_audit *a)
{
    const struct mr_charter *const now = mr_audit_charter(a);
    for (uint32_t i = 0; t->epochs_count > 1 && i < t->epochs_count; i++)
        print_epoch(out, &t->epochs[i]);
    if (now->nodes_count == 1 && t->peer_leaves == 0)
        return;
    out_print(out,
              _("%u nodes, %u of them settle: %llu leaves of the others' logs, %llu slots open\n"),
              (unsigned)now->nodes_count, (unsigned)now->quorum, (unsigned long long)t->peer_leaves,
              (unsigned long long)t->open);
    for (uint32_t n = 1; n <= MR_NODES_MAX; n++) {
        if (is_convicted(t, n))
            out_print(out, _("Convicted by its own log: node %u of %s\n"), (unsigned)n, runs(a, n));
    }
}

static void print_totals(const struct report *r, struct out *out, const struct mr_audit_totals *t,
                         const struct mr_audit *audit)
{
    const struct mr_charter *const now = mr_audit_charter(audit);
    out_print(out, _("%llu orders settled, %llu voided, %llu accounts, %llu signatures checked\n"),
              (unsigned long long)t->settled, (unsigned long long)t->voided,
              (unsigned long long)t->accounts, (unsigned long long)t->signatures);
    print_nodes(out, t, audit);
    for (size_t i = 0; i < MR_AUDIT_KINDS; i++) {
        char text[64];
        const struct mr_audit_kind *const k = &t->kinds[i];
        snprintf(text, sizeof text, "%s (%llu)", kind_word(k->kind), (unsigned long long)k->count);
        for (uint32_t u = 0; u < t->units; u++) {
            if (k->sum[u] != 0)
                print_unit_row(r, out, text, k->sum[u], u);
        }
    }
    if (t->fees[0] != 0)
        print_unit_row(r, out, _("fees"), t->fees[0], 0);
    for (uint32_t i = 0; i < t->associations; i++) {
        const struct mr_audit_association *const a = &t->association[i];
        out_print(out, "%s\n", now->associations[i].name);
        print_unit_row(r, out, _("outstanding"), a->outstanding, 0);
        print_unit_row(r, out, _("reserve"), a->reserve, 1);
        print_unit_row(r, out, _("given back, to be paid"), a->redeemed, 0);
        print_unit_row(r, out, _("own"), a->own, 0);
    }
    out_print(out, _("Coverage: reserve %lld / outstanding %lld minor units\n"),
              (long long)t->reserve, (long long)t->outstanding);
}

/* --- what was not checked ------------------------------------------------------------------------
 */

static void not_checked(json_t *list, const char *english, uint64_t count)
{
    if (count == 0)
        return;
    json_object_set_new(list, english, json_integer((json_int_t)count));
}

static void print_not_checked(struct out *out, const char *text, uint64_t count)
{
    if (count > 0)
        out_print(out, "  - %s: %llu\n", text, (unsigned long long)count);
}

static void report_unchecked(struct out *out, const struct mr_audit_totals *t,
                             const struct source *s, const struct mr_charter *now, bool asked)
{
    json_t *const list = json_object();
    not_checked(list, "orders_erased", t->orders_unchecked);
    not_checked(list, "heads", t->heads_unchecked);
    not_checked(list, "checkpoint_states", t->checkpoints_unchecked);
    not_checked(list, "certificates", t->certificates_unchecked);
    not_checked(list, "void_reasons", t->voids_unchecked);
    not_checked(list, "evidence", t->evidence_unchecked);
    not_checked(list, "torn_bytes", s->torn);
    json_object_set_new(list, "bank", json_true());
    json_object_set_new(
        list, "cosignatures",
        json_boolean(!asked && (now->nodes_count == 1 || now->witnesses.quorum > 0)));
    json_object_set_new(list, "charter", json_boolean(s->own_charter));
    out_json(out, "unchecked", list);
    out_print(out, _("Not checked:\n"));
    out_print(out, _("  - the bank: books and units agree; whether the euros are there, the bank's "
                     "statements say\n"));
    if (now->nodes_count == 1 && !asked)
        out_print(out, _("  - other copies: there is one node and no cosignature, so this is what "
                         "this node says, here and now\n"));
    if (now->witnesses.quorum > 0 && !asked)
        out_print(out,
                  _("  - cosignatures: the charter wants %u of its witnesses; a book has none, "
                    "\"mereau-audit follow --node\" asks for them\n"),
                  now->witnesses.quorum);
    if (s->own_charter)
        out_print(out, _("  - the charter: it is the source's own; compare the ledger id, or give "
                         "--charter\n"));
    print_not_checked(out, _("orders whose content was erased; their postings were believed"),
                      t->orders_unchecked);
    print_not_checked(out, _("heads whose tree or key is not at hand"), t->heads_unchecked);
    print_not_checked(out, _("states of checkpoints"), t->checkpoints_unchecked);
    print_not_checked(out, _("certificates that stand on votes of other nodes"),
                      t->certificates_unchecked);
    print_not_checked(out, _("slots closed for a reason that other nodes know"),
                      t->voids_unchecked);
    print_not_checked(out, _("evidence that other nodes announce"), t->evidence_unchecked);
    print_not_checked(out, _("accounts that wait for money already spent"), t->overdrawn);
    print_not_checked(out, _("bytes behind the last whole turn"), s->torn);
}

/* What is strange and breaks no rule. */
static void report_clocks(struct out *out, const struct mr_audit_totals *t)
{
    json_t *const list = json_array();
    for (unsigned i = 1; i <= MR_NODES_MAX; i++) {
        if ((t->clocks_back >> i & 1) == 0)
            continue;
        json_array_append_new(list, json_integer(i));
        out_print(out,
                  _("The clock of node %u went back, as its heads show. That breaks no rule: it "
                    "crashed, and its clock was set back meanwhile.\n"),
                  i);
    }
    out_json(out, "clocks_back", list);
}

void report_totals(const struct report *r, struct out *out, const struct mr_audit_totals *t,
                   const struct source *s, const struct mr_audit *a)
{
    const struct mr_charter *const now = mr_audit_charter(a);
    char ledger[65];
    mr_hex_format(ledger, s->ledger, 32);
    out_text(out, "ledger", ledger);
    out_text(out, "currency", r->charter->name);
    out_json(out, "totals", totals_json(now, t));
    out_print(out, _("%s, ledger %s\n"), r->charter->name, ledger);
    print_totals(r, out, t, a);
    report_clocks(out, t);
    report_unchecked(out, t, s, now, r->asks_witnesses);
}

/* --- whom it convicts ---------------------------------------------------------------------------
 */

static bool votes(const struct mr_audit *a, uint32_t node)
{
    const struct mr_charter *const now = mr_audit_charter(a);
    for (uint32_t i = 0; i < now->nodes_count; i++) {
        if (now->nodes[i].number == node)
            return true;
    }
    return false;
}

static json_t *against_json(const struct mr_audit *a, uint32_t node)
{
    return json_pack("{s:i,s:s,s:b}", "node", (int)node, "association_name", runs(a, node), "votes",
                     votes(a, node) ? 1 : 0);
}

static void print_against(struct out *out, const struct mr_audit *a, uint32_t node)
{
    const int fd = fileno(out->results);
    out_print(out, "%s", term_style(fd, STYLE_GOOD));
    /* TRANSLATORS: "... against node 4 (Galet), which still votes." */
    out_print(out,
              votes(a, node)
                  ? _("This book is right; it holds evidence against node %u (%s), which still "
                      "votes.")
                  : _("This book is right; it holds evidence against node %u (%s), which votes no "
                      "more."),
              (unsigned)node, runs(a, node));
    out_print(out, "%s\n", term_style(fd, STYLE_PLAIN));
}

void report_evidence(const struct report *r, struct out *out, const struct mr_audit_totals *t,
                     const struct mr_audit *a)
{
    json_t *const list = json_array();
    for (uint32_t n = 1; n <= MR_NODES_MAX; n++) {
        if (!is_convicted(t, n) || n == t->node)
            continue;
        json_array_append_new(list, against_json(a, n));
        if (r->wrong.all == 0)
            print_against(out, a, n);
    }
    out_json(out, "evidence_against", list);
}

void report_fail(struct out *out, uint64_t wrong)
{
    out_fail(out, MR_CHECK_FAILED,
             ngettext("%llu finding: this book is not right",
                      "%llu findings: this book is not right", wrong),
             (unsigned long long)wrong);
}

void report_warn(struct out *out)
{
    out_warn(out, "convictions", "nodes broke the rules: mereau-audit verify names them",
             _("nodes broke the rules, and the book shows it: \"mereau-audit verify\" names them"));
}
