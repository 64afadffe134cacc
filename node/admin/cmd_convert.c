/* Assigned conversion: the municipality paid euros, and payees who gave mandates are credited, one
 * or a file of them (MUN-3). A payment order counts once, however often it is asked for (MUN-4). */
#include <stdlib.h>
#include <string.h>

#include "admin/cmd.h"
#include "admin/convert.h"
#include "admin/describe.h"
#include "common/term.h"
#include "mereau/mandate.h"

const struct option_row convert_options[] = {
    {"order", 0, N_("TEXT"), N_("reference of the municipality's payment order")},
    {"bank-ref", 0, N_("TEXT"), N_("id of the bank entry that the euros came in with")},
    {"bank-account", 0, N_("TEXT"), N_("reserve account it stands on (default: the key file's)")},
    {"file", 0, N_("FILE"), N_("its payees, a CSV file: payee,amount[,mandate][,label]")},
    {"total", 0, N_("AMOUNT"), N_("what the payment order is about: the lines have to sum to it")},
    {"mandate", 0, N_("ID"), N_("which mandate, by its first digits, when there are several")},
    {"municipality", 0, N_("WHO"), N_("who paid, when the payee has mandates for several")},
    {"label", 0, N_("TEXT"), N_("what it is for, on papers")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};

/* --- showing it --------------------------------------------------------------------------------
 */

static const char *state_word(const struct convert_line *line)
{
    if (line->state == CONVERT_DONE)
        return _("credited before");
    return line->state == CONVERT_DRAFTED ? _("in a draft") : _("to be credited");
}

static const char *name_of(const struct converting *v, const struct convert_line *line)
{
    const struct roll_entry *const e = roll_of(&v->roll, line->want.payee);
    return e != NULL && e->readable ? e->member.identity.name : "";
}

static void show_lines(const struct converting *v)
{
    const struct table_column columns[] = {
        {_("line"), true},     {_("payee"), false}, {_("name"), false},    {_("label"), false},
        {_("mandate"), false}, {_("amount"), true}, {_("what now"), false}};
    struct table *const t = table_create(columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; t != NULL && i < v->count; i++) {
        const struct convert_line *const line = &v->lines[i];
        char number[16], mandate[CONVERT_ID_DIGITS + 1];
        snprintf(number, sizeof number, "%u", line->line);
        snprintf(mandate, sizeof mandate, "%s", admin_hex(line->want.mandate));
        table_add(t,
                  (const char *[]){number, line->payee, name_of(v, line), line->want.label, mandate,
                                   admin_amount(v->a, line->want.amount), state_word(line)});
    }
    table_print(v->a->out, t);
}

static void show_sums(const struct converting *v)
{
    struct out *const out = v->a->out;
    int64_t done, waiting, left;
    const size_t done_count = convert_count(v, CONVERT_DONE, &done);
    const size_t waiting_count = convert_count(v, CONVERT_DRAFTED, &waiting);
    const size_t left_count = convert_count(v, CONVERT_NEW, &left);
    out_int(out, "payees", (int64_t)v->count);
    out_int(out, "already_count", (int64_t)done_count);
    out_int(out, "already_minor", done);
    out_int(out, "waiting_count", (int64_t)waiting_count);
    out_int(out, "waiting_minor", waiting);
    out_int(out, "new_count", (int64_t)left_count);
    out_int(out, "new_minor", left);
    out_print(out, _("Payment order \"%s\" of %s, bank line \"%s\"\n"), v->typed,
              admin_address(v->a, v->town), v->parts[0].note.entry);
    if (done_count > 0)
        out_print(out, _("  credited before:     %s (%zu)\n"), admin_amount(v->a, done),
                  done_count);
    if (waiting_count > 0)
        out_print(out, _("  in a draft:          %s (%zu)\n"), admin_amount(v->a, waiting),
                  waiting_count);
    out_print(out, _("  to be credited:      %s (%zu)\n"), admin_amount(v->a, left), left_count);
    out_print(out, _("  all lines:           %s (%zu), the total of the payment order\n"),
              admin_amount(v->a, v->sum), v->count);
}

static json_t *line_to_json(const struct converting *v, const struct convert_line *line)
{
    static const char *const words[] = {"new", "draft", "settled", "refused"};
    json_t *const row = json_pack(
        "{s:s,s:s,s:s,s:I,s:s}", "payment_order", v->typed, "bank_ref", line->want.note.entry,
        "payee", admin_address(v->a, line->want.payee), "amount_minor",
        (json_int_t)line->want.amount, "mandate", admin_hex(line->want.mandate));
    if (line->line > 0)
        json_object_set_new(row, "line", json_integer(line->line));
    json_object_set_new(row, "label", json_string(line->want.label));
    json_object_set_new(row, "state", json_string(words[line->state]));
    if (line->state == CONVERT_DONE && line->facts.settled_ms > 0) {
        json_object_set_new(row, "settled_ms", json_integer((json_int_t)line->facts.settled_ms));
        json_object_set_new(row, "seq", json_integer((json_int_t)line->facts.slot.seq));
    }
    return row;
}

static void put_json(const struct converting *v)
{
    json_t *const rows = json_array();
    if (v->file == NULL)
        out_json(v->a->out, "conversion", line_to_json(v, &v->lines[0]));
    for (size_t i = 0; i < v->count; i++)
        json_array_append_new(rows, line_to_json(v, &v->lines[i]));
    out_json(v->a->out, "conversions", rows);
}

/* --- nothing left to do ------------------------------------------------------------------------
 */

static void say_settled(struct converting *v)
{
    struct out *const out = v->a->out;
    const struct convert_line *last = &v->lines[0];
    for (size_t i = 1; i < v->count; i++)
        if (v->lines[i].facts.settled_ms > last->facts.settled_ms)
            last = &v->lines[i];
    out_text(out, "state", "settled");
    out_int(out, "settled_ms", (int64_t)last->facts.settled_ms);
    out_int(out, "seq", (int64_t)last->facts.slot.seq);
    out_status(out, MR_ALREADY_DONE);
    if (v->file == NULL)
        out_print(out, _("Already converted on %s: payment order \"%s\", %s to %s\n"),
                  admin_time(last->facts.settled_ms), last->want.order, admin_amount(v->a, v->sum),
                  admin_address(v->a, last->want.payee));
    else
        out_print(out,
                  ngettext("Already converted, the last of it on %s: payment order \"%s\", %zu "
                           "payee, %s\n",
                           "Already converted, the last of it on %s: payment order \"%s\", %zu "
                           "payees, %s\n",
                           v->count),
                  admin_time(last->facts.settled_ms), v->typed, v->count,
                  admin_amount(v->a, v->sum));
}

/* Sets false when lines are left to convert. */
static bool is_done(struct converting *v)
{
    int64_t sum;
    if (convert_count(v, CONVERT_NEW, &sum) > 0)
        return false;
    if (v->file != NULL)
        show_sums(v);
    put_json(v);
    if (v->draft == NULL) {
        say_settled(v);
        return true;
    }
    out_text(v->a->out, "state", "draft");
    out_status(v->a->out, MR_ALREADY_DONE);
    out_print(v->a->out,
              _("Drafted already: payment order \"%s\"; signatures are missing:\n"
                "  mereau-admin draft sign %s %s --key KEYFILE\n"),
              v->typed, v->draft, admin_place(v->a));
    return true;
}

/* --- issuing -----------------------------------------------------------------------------------
 */

/* One ISSUE over the lines from *at on, as many as it holds. */
static enum mr_status draft_part(struct converting *v, struct work *w, struct mr_order_body *body,
                                 const struct convert_part *part, size_t *at)
{
    struct mr_issue *const issue = &body->u.issue;
    uint8_t mandates[MR_LINES_MAX][MR_HASH_BYTES];
    *body = (struct mr_order_body){.kind = MR_KIND_ISSUE};
    issue->banks_count = 1;
    memcpy(issue->banks[0].ref, part->note.ref, MR_HASH_BYTES);
    for (; *at < v->count && issue->lines_count < MR_LINES_MAX; (*at)++) {
        struct convert_line *const line = &v->lines[*at];
        if (line->state != CONVERT_NEW)
            continue;
        struct mr_issue_line *const to = &issue->lines[issue->lines_count];
        memcpy(mandates[issue->lines_count++], line->want.mandate, MR_HASH_BYTES);
        memcpy(to->member, line->want.payee, MR_ACCOUNT_BYTES);
        to->amount = line->want.amount;
        issue->banks[0].amount += to->amount; /* at most v->sum */
        line->want.note = part->note;
    }
    const uint32_t lines = issue->lines_count;
    enum mr_status st = work_note(w, &part->note);
    if (st == MR_OK)
        st = work_add(w, body);
    if (st != MR_OK)
        return st;
    struct mr_order *const o = &w->draft->orders[w->draft->orders_count - 1].order;
    mr_conversion_ref(o->ref, o->salt, mandates[0], lines, v->order);
    return MR_OK;
}

static enum mr_status draft_all(struct converting *v, struct work *w, struct mr_order_body *body)
{
    int64_t sum;
    size_t at = 0, left = convert_count(v, CONVERT_NEW, &sum);
    enum mr_status st = MR_OK;
    for (size_t k = 0; st == MR_OK && left > 0; k++) {
        if (v->parts[k].used)
            continue;
        st = draft_part(v, w, body, &v->parts[k], &at);
        left -= left < MR_LINES_MAX ? left : MR_LINES_MAX;
    }
    return st == MR_FULL ? out_fail(v->a->out, st, NULL) : st;
}

/* Out of the register again what this run entered there and nobody signed: not what stood there
 * before: that may be in a draft of somebody else. */
static void forget(struct converting *v, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (v->lines[i].state == CONVERT_NEW && !v->lines[i].keyed)
            conversion_drop(v->a, v->lines[i].key);
}

/* In the register before anybody signs, so that it is never signed without being explained there.
 */
static enum mr_status enter_all(struct converting *v)
{
    struct progress bar;
    enum mr_status st = MR_OK;
    size_t i = 0;
    progress_begin(&bar, v->a->c, _("entering in the register"), v->count);
    for (; st == MR_OK && i < v->count; i++) {
        if (v->lines[i].state == CONVERT_NEW)
            st = conversion_put(v->a, v->lines[i].key, &v->lines[i].want);
        progress_update(&bar, i + 1);
    }
    progress_end(&bar);
    if (st == MR_OK)
        return st;
    admin_call_failed(v->a, st);
    forget(v, i);
    return st;
}

static void say_done(struct converting *v)
{
    struct admin *const a = v->a;
    const struct convert_line *const one = &v->lines[0];
    int64_t sum;
    const size_t count = convert_count(v, CONVERT_NEW, &sum);
    if (v->file == NULL)
        out_print(a->out,
                  _("Converted: payment order \"%s\", %s to %s, mandate %.*s, bank line \"%s\"\n"),
                  v->typed, admin_amount(a, one->want.amount), admin_address(a, one->want.payee),
                  CONVERT_ID_DIGITS, admin_hex(one->want.mandate), one->want.note.entry);
    else
        out_print(a->out,
                  ngettext("Converted: payment order \"%s\", %s to %zu payee\n",
                           "Converted: payment order \"%s\", %s to %zu payees\n", count),
                  v->typed, admin_amount(a, sum), count);
}

/* The node is asked about the first order of a draft only, and a cap is for all of them: it is
 * asked about one that would issue the whole. */
static enum mr_status check_cap(struct converting *v, struct work *w)
{
    struct mr_order *const first = &w->draft->orders[0].order;
    struct mr_issue *const issue = &first->body.u.issue;
    int64_t sum, missing = 0;
    if (w->draft->orders_count < 2)
        return MR_OK;
    struct mr_issue *const kept = malloc(sizeof *kept);
    if (kept == NULL)
        return out_fail(v->a->out, MR_NO_MEMORY, NULL);
    *kept = *issue;
    convert_count(v, CONVERT_NEW, &sum);
    issue->lines_count = 1;
    issue->lines[0].amount = issue->banks[0].amount = sum;
    const enum mr_status st = work_check(w, &missing);
    *issue = *kept;
    free(kept);
    if (st != MR_CAP_EXCEEDED)
        return MR_OK; /* what else there is, is said of the order itself */
    out_int(v->a->out, "missing_minor", missing);
    return out_fail(v->a->out, st, _("%s: %s are missing"), status_sentence(st),
                    admin_amount(v->a, missing));
}

/* What the person is to agree to. */
static enum mr_status preview(struct converting *v, struct work *w)
{
    const bool dry = opt_flag(v->a->c, "dry-run");
    int64_t missing;
    w->shown = dry || v->file != NULL;
    if (v->file == NULL)
        return MR_OK;
    if (dry || !v->a->c->yes)
        show_lines(v);
    show_sums(v);
    enum mr_status st = check_cap(v, w);
    if (st != MR_OK || dry)
        return st;
    /* Nobody is asked about what the node would refuse, and nothing of it is entered. */
    st = work_check(w, &missing);
    if (st != MR_OK)
        return work_refused(w, st, missing);
    return term_confirm(v->a->c, v->a->out, _("Convert this?"));
}

/* The first of those that were to be signed. */
static void mark(struct converting *v, enum convert_state state, size_t count)
{
    for (size_t i = 0; i < v->count && count > 0; i++)
        if (v->lines[i].state == CONVERT_NEW) {
            v->lines[i].state = state;
            count--;
        }
}

/* What became of the lines; those that nothing became of leave the register. */
static void conclude(struct converting *v, const struct work *w, enum work_end end)
{
    const bool kept = w->path[0] != '\0' && file_exists(w->path);
    if (end == WORK_SETTLED)
        say_done(v);
    mark(v, CONVERT_DONE, end == WORK_SETTLED ? v->count : w->settled * MR_LINES_MAX);
    if (end == WORK_DRAFTED || (end == WORK_FAILED && kept))
        mark(v, CONVERT_DRAFTED, v->count);
    put_json(v);
    if (end == WORK_FAILED && !opt_flag(v->a->c, "dry-run"))
        forget(v, v->count);
}

static void issue(struct converting *v, struct work *w)
{
    const bool dry = opt_flag(v->a->c, "dry-run");
    enum mr_status st = preview(v, w);
    if (st == MR_OK && !dry)
        st = enter_all(v);
    if (st != MR_OK)
        return;
    w->path[0] = '\0'; /* of a draft that was looked at before */
    const enum work_end end = work_finish(w, v->file == NULL ? _("Convert this?") : NULL);
    conclude(v, w, end);
}

void cmd_convert(struct command *c, struct out *out)
{
    struct admin a;
    struct work w = {.a = &a};
    struct mr_order_body *body;
    struct converting *const v = calloc(1, sizeof *v);
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK && v == NULL)
        st = out_fail(out, MR_NO_MEMORY, NULL);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK) {
        v->a = &a;
        st = convert_read(v);
    }
    if (st == MR_OK)
        st = work_begin(&w, &a, a.treasury);
    if (st == MR_OK)
        st = convert_check(v, &w);
    if (st == MR_OK && !is_done(v)) {
        st = draft_all(v, &w, body);
        if (st == MR_OK)
            issue(v, &w);
    }
    work_done(&w);
    if (v != NULL)
        convert_done(v);
    free(v);
    order_end(&a, body);
}
