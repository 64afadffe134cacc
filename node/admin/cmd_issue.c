/* Issuing units against euros that came in: every bank line once, however often it is asked for
 * (rules of bank references: same line and same content, the first result; other content, refused).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/bank.h"
#include "admin/cmd.h"
#include "admin/field.h"
#include "admin/lines.h"
#include "admin/members.h"
#include "admin/treasury.h"
#include "common/amount_text.h"
#include "mereau/assert.h"

const struct option_row issue_options[] = {
    {"bank-ref", 0, N_("TEXT"), N_("id of the bank entry that the euros came in with")},
    {"bank-account", 0, N_("TEXT"), N_("reserve account it stands on (default: the key file's)")},
    {"file", 0, N_("FILE"), N_("CSV file: member,amount,bank_ref[,bank_account][,bank_amount]")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};

/* One bank line and what it pays for. */
struct bank_entry {
    struct mr_bank_note note;
    int64_t amount, stated; /* stated: as the file says; 0: it does not */
    unsigned line;
    size_t count, cap;
    struct bank_share *shares; /* sorted */
    bool done;                 /* issued already, or in a draft */
};

struct issuing {
    struct admin *a;
    struct issue_rows rows;
    struct bank_entry *entries;
    size_t count;
    json_t *issued, *already, *waiting;
};

/* --- from rows to bank lines -------------------------------------------------------------------
 */

static enum mr_status share_add(struct bank_entry *e, const uint8_t member[16], int64_t amount)
{
    if (e->count == MR_LINES_MAX)
        return MR_FULL;
    if (e->count == e->cap) {
        const size_t cap = e->cap == 0 ? 4 : e->cap * 2;
        struct bank_share *shares = reallocarray(e->shares, cap, sizeof *shares);
        if (shares == NULL)
            return MR_NO_MEMORY;
        e->shares = shares;
        e->cap = cap;
    }
    if (!mr_amount_add(&e->amount, e->amount, amount))
        return MR_AMOUNT_TOO_LARGE;
    e->shares[e->count] = (struct bank_share){.amount = amount};
    memcpy(e->shares[e->count++].member, member, 16);
    return MR_OK;
}

static struct bank_entry *entry_of(struct issuing *is, const struct mr_bank_note *note,
                                   unsigned line)
{
    for (size_t i = 0; i < is->count; i++)
        if (memcmp(is->entries[i].note.ref, note->ref, sizeof note->ref) == 0)
            return &is->entries[i];
    struct bank_entry *e = &is->entries[is->count++];
    *e = (struct bank_entry){.note = *note, .line = line};
    return e;
}

static enum mr_status add_row(struct issuing *is, const struct issue_row *row)
{
    struct mr_bank_note note;
    uint8_t member[16];
    enum mr_status st = treasury_note(is->a, &note, row->bank_ref,
                                      row->bank_account[0] != '\0' ? row->bank_account : NULL);
    if (st == MR_OK)
        st = member_find(is->a, member, row->member);
    if (st != MR_OK)
        return st;
    struct bank_entry *e = entry_of(is, &note, row->line);
    if (row->bank_amount > 0 && e->stated > 0 && e->stated != row->bank_amount)
        return out_fail(is->a->out, MR_BANK_SUM,
                        _("line %u: the bank line \"%s\" stands with two amounts"), row->line,
                        row->bank_ref);
    if (row->bank_amount > 0)
        e->stated = row->bank_amount;
    st = share_add(e, member, row->amount);
    if (st == MR_FULL)
        return out_fail(is->a->out, MR_TOO_LARGE,
                        _("the bank line \"%s\" pays for more than %d lines"), row->bank_ref,
                        MR_LINES_MAX);
    return st == MR_OK ? st : out_fail(is->a->out, st, NULL);
}

static enum mr_status read_rows(struct issuing *is)
{
    struct command *c = is->a->c;
    const char *file = opt_text(c, "file");
    char hint[HINT_MAX];
    const struct mr_unit *unit = &is->a->charter->units[0];
    if ((file != NULL) == (c->arg_count == 2))
        return out_fail(is->a->out, MR_USAGE,
                        _("say MEMBER AMOUNT --bank-ref TEXT, or --file FILE"));
    if (file != NULL)
        return lines_read(&is->rows, is->a->out, file, unit);
    const char *ref = opt_text(c, "bank-ref");
    if (ref == NULL)
        return out_fail(is->a->out, MR_USAGE,
                        _("--bank-ref is needed: the id of the bank entry that the euros came in "
                          "with"));
    if (strlen(ref) > LINE_FIELD_MAX || strlen(c->args[0]) > LINE_FIELD_MAX)
        return out_fail(is->a->out, MR_USAGE, _("\"%.40s...\" is too long"), ref);
    is->rows.rows = calloc(1, sizeof *is->rows.rows);
    if (is->rows.rows == NULL)
        return out_fail(is->a->out, MR_NO_MEMORY, NULL);
    struct issue_row *row = is->rows.rows;
    is->rows.count = 1;
    snprintf(row->member, sizeof row->member, "%s", c->args[0]);
    snprintf(row->bank_ref, sizeof row->bank_ref, "%s", ref);
    const enum mr_status st = mr_amount_parse(&row->amount, c->args[1], unit->decimals, unit->code);
    if (st == MR_OK)
        return st;
    amount_hint(hint, st, c->args[1], unit->decimals, unit->code);
    return out_fail(is->a->out, st, "%s", hint);
}

static enum mr_status gather(struct issuing *is)
{
    enum mr_status st = read_rows(is);
    if (st != MR_OK)
        return st;
    is->entries = calloc(is->rows.count, sizeof *is->entries);
    if (is->entries == NULL)
        return out_fail(is->a->out, MR_NO_MEMORY, NULL);
    for (size_t i = 0; st == MR_OK && i < is->rows.count; i++)
        st = add_row(is, &is->rows.rows[i]);
    for (size_t i = 0; st == MR_OK && i < is->count; i++) {
        struct bank_entry *e = &is->entries[i];
        bank_shares_sort(e->shares, e->count);
        if (e->stated > 0 && e->stated != e->amount)
            st = out_fail(is->a->out, MR_BANK_SUM,
                          _("the lines of bank line \"%s\" sum to %s, but %s came in"),
                          e->note.entry, admin_amount(is->a, e->amount),
                          admin_amount(is->a, e->stated));
    }
    return st;
}

/* --- what was done before ----------------------------------------------------------------------
 */

static json_t *shares_to_json(const struct issuing *is, const struct bank_share *shares,
                              size_t count)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(lines, json_pack("{s:s,s:I}", "member",
                                               admin_address(is->a, shares[i].member),
                                               "amount_minor", (json_int_t)shares[i].amount));
    return lines;
}

static json_t *entry_to_json(const struct issuing *is, const struct bank_entry *e)
{
    return json_pack("{s:s,s:s,s:I,s:o}", "bank_ref", e->note.entry, "reference",
                     admin_hex(e->note.ref), "amount_minor", (json_int_t)e->amount, "lines",
                     shares_to_json(is, e->shares, e->count));
}

static bool same_shares(const struct bank_entry *e, const struct bank_share *shares, size_t count)
{
    if (count != e->count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (memcmp(e->shares[i].member, shares[i].member, 16) != 0 ||
            e->shares[i].amount != shares[i].amount)
            return false;
    return true;
}

/* Same bank line, other content: both are shown. */
static enum mr_status conflict(struct issuing *is, const struct bank_entry *e,
                               const struct bank_share *shares, size_t count, const char *where)
{
    struct out *out = is->a->out;
    out_json(out, "wanted", entry_to_json(is, e));
    out_json(out, "found", shares_to_json(is, shares, count));
    out_note(out, _("The bank line \"%s\" was used before, %s:"), e->note.entry, where);
    for (size_t i = 0; i < count; i++)
        out_note(out, _("  then: %s to %s"), admin_amount(is->a, shares[i].amount),
                 admin_address(is->a, shares[i].member));
    if (count == 0)
        out_note(out, _("  then: not for an issue"));
    for (size_t i = 0; i < e->count; i++)
        out_note(out, _("  now:  %s to %s"), admin_amount(is->a, e->shares[i].amount),
                 admin_address(is->a, e->shares[i].member));
    return out_fail(out, MR_BANK_REF_USED,
                    _("the bank line \"%s\" was already used for something else; nothing was "
                      "issued"),
                    e->note.entry);
}

static enum mr_status look_at_node(struct issuing *is, struct bank_entry *e)
{
    struct admin *a = is->a;
    struct bank_share shares[MR_LINES_MAX];
    size_t count = 0;
    const enum mr_status st = treasury_ask_bank(a, e->note.ref);
    if (st == MR_NOT_FOUND)
        return MR_OK;
    if (st != MR_OK)
        return admin_call_failed(a, st);
    const struct mr_rep_bank *rep = &a->reply->body.u.bank;
    if (rep->order_count == 0)
        return out_fail(a->out, MR_BODY_ERASED,
                        _("the bank line \"%s\" was used on %s; what for was erased since"),
                        e->note.entry, admin_time(rep->time_ms));
    if (rep->order[0].order.body.kind == MR_KIND_ISSUE)
        count = bank_shares(shares, &rep->order[0].order.body.u.issue, e->note.ref);
    if (!same_shares(e, shares, count))
        return conflict(is, e, shares, count, admin_time(rep->time_ms));
    e->done = true;
    json_t *row = entry_to_json(is, e);
    json_object_set_new(row, "settled_ms", json_integer((json_int_t)rep->time_ms));
    json_array_append_new(is->already, row);
    out_print(a->out, _("Already issued on %s: %s, bank line \"%s\"\n"), admin_time(rep->time_ms),
              admin_amount(a, e->amount), e->note.entry);
    return MR_OK;
}

/* Open drafts count too: what waits for a signature must not be drafted twice. */
static enum mr_status look_at_draft(struct work *w, const struct mr_draft *d, const char *path,
                                    bool dead, void *ctx)
{
    struct issuing *is = ctx;
    struct bank_share shares[MR_LINES_MAX];
    (void)w;
    for (uint32_t k = 0; k < d->orders_count; k++) {
        const struct mr_order_body *b = &d->orders[k].order.body;
        for (size_t i = 0; b->kind == MR_KIND_ISSUE && i < is->count; i++) {
            struct bank_entry *e = &is->entries[i];
            const size_t count = bank_shares(shares, &b->u.issue, e->note.ref);
            if (count == 0 || e->done)
                continue;
            if (dead) {
                unlink(path);
                return MR_OK;
            }
            if (!same_shares(e, shares, count))
                return conflict(is, e, shares, count, path);
            e->done = true;
            json_t *row = entry_to_json(is, e);
            json_object_set_new(row, "draft", json_string(path));
            json_array_append_new(is->waiting, row);
            out_print(is->a->out,
                      _("Drafted already: %s, bank line \"%s\"; signatures are "
                        "missing:\n  mereau-admin draft sign %s %s --key KEYFILE\n"),
                      admin_amount(is->a, e->amount), e->note.entry, path, admin_place(is->a));
        }
    }
    return MR_OK;
}

/* --- issuing -----------------------------------------------------------------------------------
 */

static bool fits(const struct mr_issue *issue, const struct bank_entry *e)
{
    return issue->banks_count < MR_BANKS_MAX && issue->lines_count + e->count <= MR_LINES_MAX;
}

static void put_entry(struct mr_issue *issue, const struct bank_entry *e)
{
    struct mr_bank_line *bank = &issue->banks[issue->banks_count];
    memcpy(bank->ref, e->note.ref, sizeof bank->ref);
    bank->amount = e->amount;
    for (size_t i = 0; i < e->count; i++) {
        struct mr_issue_line *line = &issue->lines[issue->lines_count++];
        memcpy(line->member, e->shares[i].member, sizeof line->member);
        line->amount = e->shares[i].amount;
        line->bank = issue->banks_count;
    }
    issue->banks_count++;
}

static void say_issued(struct issuing *is, struct bank_entry *const *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct bank_entry *e = entries[i];
        json_array_append_new(is->issued, entry_to_json(is, e));
        for (size_t k = 0; k < e->count; k++)
            out_print(is->a->out, _("Issued: %s to %s, bank line \"%s\"\n"),
                      admin_amount(is->a, e->shares[k].amount),
                      admin_address(is->a, e->shares[k].member), e->note.entry);
    }
}

/* As many bank lines as one order holds. */
static enum work_end issue_batch(struct issuing *is, struct work *w, struct mr_order_body *body)
{
    struct bank_entry *taken[MR_BANKS_MAX];
    size_t count = 0;
    *body = (struct mr_order_body){.kind = MR_KIND_ISSUE};
    for (size_t i = 0; i < is->count; i++) {
        struct bank_entry *e = &is->entries[i];
        if (e->done || !fits(&body->u.issue, e))
            continue;
        put_entry(&body->u.issue, e);
        if (work_note(w, &e->note) != MR_OK)
            return WORK_FAILED;
        e->done = true;
        taken[count++] = e;
    }
    if (work_add(w, body) != MR_OK)
        return WORK_FAILED;
    w->quiet = true;
    const enum work_end end = work_finish(w, _("Issue this?"));
    if (end == WORK_SETTLED)
        say_issued(is, taken, count);
    return end;
}

static bool all_done(const struct issuing *is)
{
    for (size_t i = 0; i < is->count; i++)
        if (!is->entries[i].done)
            return false;
    return true;
}

static void issue_all(struct issuing *is, struct mr_order_body *body)
{
    bool first = true;
    do {
        struct work w;
        enum mr_status st = work_begin(&w, is->a, is->a->treasury);
        if (first && st == MR_OK) {
            for (size_t i = 0; st == MR_OK && i < is->count; i++)
                st = look_at_node(is, &is->entries[i]);
            if (st == MR_OK)
                st = treasury_each_draft(&w, look_at_draft, is);
            if (st == MR_OK && all_done(is)) {
                out_text(is->a->out, "state",
                         json_array_size(is->waiting) > 0 ? "draft" : "settled");
                out_status(is->a->out, MR_ALREADY_DONE);
                work_done(&w);
                return;
            }
        }
        const enum work_end end = st == MR_OK ? issue_batch(is, &w, body) : WORK_FAILED;
        work_done(&w);
        if (end == WORK_FAILED || end == WORK_DRY)
            return;
        if (end == WORK_SETTLED)
            out_text(is->a->out, "state", "settled");
        first = false;
    } while (!all_done(is));
}

void cmd_issue(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_order_body *body;
    struct issuing is = {
        .a = &a, .issued = json_array(), .already = json_array(), .waiting = json_array()};
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK)
        st = gather(&is);
    if (st == MR_OK)
        issue_all(&is, body);
    out_json(out, "issued", is.issued);
    out_json(out, "already", is.already);
    out_json(out, "waiting", is.waiting);
    for (size_t i = 0; i < is.count; i++)
        free(is.entries[i].shares);
    free(is.entries);
    lines_free(&is.rows);
    order_end(&a, body);
}
