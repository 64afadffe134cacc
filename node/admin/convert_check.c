/* What was done of a payment order before, and what mandates bear of the rest (MUN-2, MUN-4). */
#include <string.h>
#include <unistd.h>

#include "admin/convert.h"
#include "admin/mandate.h"
#include "admin/treasury.h"
#include "common/term.h"

static json_t *to_json(const struct mr_conversion *c)
{
    return json_pack("{s:s,s:s,s:I,s:s}", "payment_order", c->order, "bank_ref", c->note.entry,
                     "amount_minor", (json_int_t)c->amount, "mandate", admin_hex(c->mandate));
}

static struct convert_line *line_of(struct converting *v, const uint8_t payee[MR_ACCOUNT_BYTES])
{
    for (size_t i = 0; i < v->count; i++)
        if (v->lines[i].state != CONVERT_REFUSED &&
            memcmp(v->lines[i].want.payee, payee, MR_ACCOUNT_BYTES) == 0)
            return &v->lines[i];
    return NULL;
}

static struct convert_part *part_of(struct converting *v, const uint8_t ref[MR_HASH_BYTES])
{
    for (size_t k = 0; k < CONVERT_PARTS_MAX; k++)
        if (v->parts[k].note.entry_len > 0 && memcmp(v->parts[k].note.ref, ref, MR_HASH_BYTES) == 0)
            return &v->parts[k];
    return NULL;
}

/* --- who paid ----------------------------------------------------------------------------------
 */

/* A municipality beside the ones before: how many there are. */
static void meet(struct converting *v, const uint8_t town[MR_ACCOUNT_BYTES], size_t *count)
{
    if (*count > 0 && memcmp(v->town, town, MR_ACCOUNT_BYTES) == 0)
        return;
    memcpy(v->town, town, MR_ACCOUNT_BYTES);
    (*count)++;
}

/* The one that ordered it before, or the only one that the payees gave mandates for. */
static enum mr_status find_town(struct converting *v)
{
    size_t count = 0;
    if (v->has_town)
        return MR_OK;
    for (size_t i = 0; i < v->all.count; i++) {
        const struct mr_conversion *const c = &v->all.rows[i].conversion;
        if (conversion_is_for(c, c->municipality, v->order) && line_of(v, c->payee) != NULL)
            meet(v, c->municipality, &count);
    }
    const bool ordered = count == 1;
    for (size_t i = 0; !ordered && i < v->mandates.count; i++) {
        const struct mr_mandate *const m = &v->mandates.rows[i].entry.mandate.mandate;
        if (line_of(v, m->payee) != NULL)
            meet(v, m->municipality, &count);
    }
    v->has_town = count == 1;
    return count < 2 || v->file == NULL
               ? MR_OK
               : out_fail(v->a->out, MR_USAGE,
                          _("the payees have mandates for several municipalities: say which one "
                            "paid with --municipality"));
}

/* --- what was done before ----------------------------------------------------------------------
 */

static enum mr_status refuse_other(struct converting *v, const struct mr_conversion *c,
                                   const struct convert_line *line, const struct convert_part *part,
                                   bool by_order)
{
    struct admin *const a = v->a;
    const struct mr_conversion *const now = line != NULL ? &line->want : NULL;
    const char *const entry = part != NULL ? part->note.entry : v->parts[0].note.entry;
    out_json(a->out, "found", to_json(c));
    out_note(a->out, _("  then: payment order \"%s\", bank line \"%s\", %s to %s"), c->order,
             c->note.entry, admin_amount(a, c->amount), admin_address(a, c->payee));
    if (now != NULL) {
        out_json(a->out, "wanted", to_json(now));
        if (line->line > 0) {
            out_int(a->out, "line", line->line);
            out_note(a->out, _("%s, line %u:"), v->file, line->line);
        }
        out_note(a->out, _("  now:  payment order \"%s\", bank line \"%s\", %s to %s"), v->typed,
                 entry, admin_amount(a, now->amount), admin_address(a, now->payee));
    } else if (by_order) {
        out_note(a->out,
                 _("  now:  payment order \"%s\", bank line \"%s\", nothing for that payee"),
                 v->typed, entry);
    } else {
        out_note(a->out, _("  now:  payment order \"%s\", bank line \"%s\""), v->typed, entry);
    }
    if (by_order)
        return out_fail(a->out, MR_PAYMENT_ORDER_USED,
                        _("payment order \"%s\" was already used for something else; nothing was "
                          "issued"),
                        c->order);
    return out_fail(a->out, MR_BANK_REF_USED,
                    _("the bank line \"%s\" was already used for payment order \"%s\"; nothing was "
                      "issued"),
                    c->note.entry, c->order);
}

/* No line, and one of those that could not be read may be it: they are reported. */
static bool is_unread(const struct converting *v, const struct convert_line *line)
{
    int64_t sum;
    return line == NULL && convert_count(v, CONVERT_REFUSED, &sum) > 0;
}

/* A conversion of this payment order: it is a line's, or the payment order was for others. */
static enum mr_status take_known(struct converting *v, const struct conversion_row *row)
{
    const struct mr_conversion *const c = &row->conversion;
    struct convert_line *const line = line_of(v, c->payee);
    struct convert_part *const part = part_of(v, c->note.ref);
    const bool same = line != NULL && line->want.amount == c->amount && part != NULL;
    if (!same && (!conversion_is_alive(row) || is_unread(v, line)))
        return MR_OK;
    if (!same)
        return refuse_other(v, c, line, part, true);
    memcpy(line->key, row->key, sizeof line->key);
    line->keyed = true;
    if (row->facts.state == CONVERSION_SETTLED) {
        line->state = CONVERT_DONE;
        line->facts = row->facts;
        part->used = true;
        line->want = *c;
    }
    return MR_OK;
}

static enum mr_status look_back(struct converting *v)
{
    enum mr_status st = MR_OK;
    for (size_t i = 0; st == MR_OK && i < v->all.count; i++) {
        struct conversion_row *const row = &v->all.rows[i];
        const bool ours = v->has_town && conversion_is_for(&row->conversion, v->town, v->order);
        const struct convert_part *const part = part_of(v, row->conversion.note.ref);
        if (!ours && part == NULL)
            continue;
        st = conversion_look(v->a, &v->all, row);
        if (st == MR_OK && ours)
            st = take_known(v, row);
        else if (st == MR_OK && conversion_is_alive(row))
            st = refuse_other(v, &row->conversion, v->file == NULL ? &v->lines[0] : NULL, part,
                              false);
    }
    return st;
}

/* --- drafts that wait --------------------------------------------------------------------------
 */

static struct convert_part *part_in(struct converting *v, const struct mr_order_body *b)
{
    struct convert_part *ret = NULL;
    if (b->kind == MR_KIND_PAYOUT)
        return part_of(v, b->u.payout.bank_ref);
    for (uint32_t i = 0; b->kind == MR_KIND_ISSUE && ret == NULL && i < b->u.issue.banks_count; i++)
        ret = part_of(v, b->u.issue.banks[i].ref);
    return ret;
}

/* Open drafts count too; a dead one goes away. */
static enum mr_status look_at_draft(struct work *w, const struct mr_draft *d, const char *path,
                                    bool dead, void *ctx)
{
    struct converting *const v = ctx;
    size_t of[MR_LINES_MAX];
    for (uint32_t k = 0; k < d->orders_count; k++) {
        const struct mr_order *const o = &d->orders[k].order;
        struct convert_part *const part = part_in(v, &o->body);
        if (part == NULL || part->used)
            continue;
        if (dead) {
            unlink(path);
            return MR_OK;
        }
        out_text(w->a->out, "draft", path);
        const size_t count = conversions_of(&v->all, o, of);
        if (count == 0 || !v->has_town ||
            !conversion_is_for(&v->all.rows[of[0]].conversion, v->town, v->order))
            return out_fail(w->a->out, MR_BANK_REF_USED,
                            _("a draft for something else waits with the bank line \"%s\": %s"),
                            part->note.entry, path);
        part->used = true;
        snprintf(v->draft_path, sizeof v->draft_path, "%s", path);
        v->draft = v->draft_path;
        for (size_t i = 0; i < count; i++) {
            const struct mr_conversion *const c = &v->all.rows[of[i]].conversion;
            struct convert_line *const line = line_of(v, c->payee);
            if (is_unread(v, line))
                continue;
            if (line == NULL || line->want.amount != c->amount)
                return refuse_other(v, c, line, part, true);
            line->state = CONVERT_DRAFTED;
        }
    }
    return MR_OK;
}

/* --- the mandate -------------------------------------------------------------------------------
 */

static enum mr_status allowed(struct converting *v, const struct convert_line *line,
                              const struct mandate_row *row, int64_t *ret_used, enum mr_status *ret)
{
    struct mr_conversion c = line->want;
    uint8_t key[MR_ACCOUNT_BYTES];
    memcpy(c.municipality, row->entry.mandate.mandate.municipality, sizeof c.municipality);
    if (v->has_town && memcmp(c.municipality, v->town, MR_ACCOUNT_BYTES) != 0) {
        *ret = MR_MANDATE_OTHER;
        return MR_OK;
    }
    conversion_key(key, v->a->signer->key->bank_secret, c.municipality,
                   v->count > 1 ? c.payee : NULL, v->order);
    const enum mr_status st =
        conversion_used(v->a, ret_used, &v->all, row->id, line->keyed ? line->key : key);
    if (st == MR_OK)
        *ret = conversion_allowed(v->a, row, &c, *ret_used);
    return st;
}

static void refuse(struct converting *v, struct convert_line *line, const struct mandate_row *row,
                   enum mr_status st, int64_t used)
{
    struct admin *const a = v->a;
    const struct mr_mandate *const m = &row->entry.mandate.mandate;
    memcpy(line->want.mandate, row->id, sizeof line->want.mandate);
    line->max = m->max;
    line->used = used;
    if (st == MR_MANDATE_OVER)
        convert_refuse(line, st,
                       _("mandate %.*s allows %s in all, and %s of it are used: %s more would be "
                         "too much; ask the payee for another mandate"),
                       CONVERT_ID_DIGITS, admin_hex(row->id), admin_amount(a, m->max),
                       admin_amount(a, used), admin_amount(a, line->want.amount));
    else if (st == MR_MANDATE_REVOKED)
        convert_refuse(line, st, _("mandate %.*s was revoked on %s: ask the payee for another"),
                       CONVERT_ID_DIGITS, admin_hex(row->id), admin_time(row->entry.revoked_ms));
    else if (st == MR_MANDATE_EXPIRED)
        convert_refuse(line, st,
                       _("mandate %.*s holds from %s until %s only: ask the payee for another"),
                       CONVERT_ID_DIGITS, admin_hex(row->id), admin_time(m->from_ms),
                       m->until_ms != 0 ? admin_time(m->until_ms) : "-");
    else if (st == MR_MANDATE_OTHER)
        convert_refuse(line, st,
                       _("mandate %.*s is for %s, to be paid by %s: not for this payment"),
                       CONVERT_ID_DIGITS, admin_hex(row->id), admin_address(a, m->payee),
                       admin_address(a, m->municipality));
    else
        convert_refuse(line, st, _("mandate %.*s: %s"), CONVERT_ID_DIGITS, admin_hex(row->id),
                       status_sentence(st));
}

/* The one that is named. */
static enum mr_status named(struct converting *v, struct convert_line *line,
                            const struct mandate_row **ret)
{
    char why[HINT_MAX];
    int64_t used = 0;
    enum mr_status says = mandate_named(&v->mandates, ret, why, line->mandate);
    if (says != MR_OK) {
        convert_refuse(line, says, "%s", why);
        return MR_OK;
    }
    const enum mr_status st = allowed(v, line, *ret, &used, &says);
    if (st == MR_OK && says != MR_OK)
        refuse(v, line, *ret, says, used);
    return st;
}

/* The one that bears it; what is wrong with the last one given, when none does. */
static enum mr_status only(struct converting *v, struct convert_line *line,
                           const struct mandate_row **ret)
{
    const struct mandate_row *bad = NULL;
    enum mr_status says = MR_OK, bad_says = MR_OK;
    int64_t used = 0, bad_used = 0;
    size_t found = 0;
    for (size_t i = 0; i < v->mandates.count; i++) {
        const struct mandate_row *const row = &v->mandates.rows[i];
        const struct mr_mandate *const m = &row->entry.mandate.mandate;
        if (memcmp(m->payee, line->want.payee, MR_ACCOUNT_BYTES) != 0)
            continue;
        const enum mr_status st = allowed(v, line, row, &used, &says);
        if (st != MR_OK)
            return st;
        if (says == MR_OK) {
            *ret = row;
            found++;
        } else if (says != MR_MANDATE_OTHER &&
                   (bad == NULL || m->from_ms > bad->entry.mandate.mandate.from_ms)) {
            bad = row;
            bad_says = says;
            bad_used = used;
        }
    }
    if (found > 1)
        convert_refuse(line, MR_USAGE,
                       v->file != NULL
                           ? _("%zu mandates of this payee allow it: say which in the column "
                               "\"mandate\"")
                           : _("%zu mandates of this payee allow it: say which with --mandate"),
                       found);
    else if (found == 0 && bad != NULL)
        refuse(v, line, bad, bad_says, bad_used);
    else if (found == 0)
        convert_refuse(line, MR_MANDATE_UNKNOWN,
                       _("%s has given no mandate for this: the payee makes one with \"mereau "
                         "mandate give\", and you add it with \"mereau-admin mandate add\""),
                       admin_address(v->a, line->want.payee));
    return MR_OK;
}

static enum mr_status take_mandate(struct converting *v, struct convert_line *line)
{
    const struct mandate_row *row = NULL;
    const enum mr_status st = line->mandate[0] != '\0' ? named(v, line, &row) : only(v, line, &row);
    if (st != MR_OK || line->state == CONVERT_REFUSED)
        return st;
    memcpy(line->want.mandate, row->id, sizeof line->want.mandate);
    memcpy(line->want.municipality, row->entry.mandate.mandate.municipality,
           sizeof line->want.municipality);
    if (!line->keyed)
        conversion_key(line->key, v->a->signer->key->bank_secret, line->want.municipality,
                       v->count > 1 ? line->want.payee : NULL, v->order);
    return MR_OK;
}

static enum mr_status take_mandates(struct converting *v)
{
    struct progress bar;
    enum mr_status st = MR_OK;
    progress_begin(&bar, v->a->c, _("checking mandates"), v->count);
    for (size_t i = 0; st == MR_OK && i < v->count; i++) {
        if (v->lines[i].state == CONVERT_NEW)
            st = take_mandate(v, &v->lines[i]);
        progress_update(&bar, i + 1);
    }
    progress_end(&bar);
    /* One payee, whose mandate said which municipality it is. */
    if (st != MR_OK || v->has_town || v->lines[0].state != CONVERT_NEW)
        return st;
    memcpy(v->town, v->lines[0].want.municipality, sizeof v->town);
    v->has_town = true;
    return look_back(v);
}

/* --- the bank line -----------------------------------------------------------------------------
 */

/* Those that look_back found nothing of are free, or were used for what is no conversion. */
static enum mr_status check_bank(struct converting *v)
{
    int64_t sum;
    const size_t lines = convert_count(v, CONVERT_NEW, &sum);
    size_t wanted = (lines + MR_LINES_MAX - 1) / MR_LINES_MAX;
    for (size_t k = 0; wanted > 0 && k < CONVERT_PARTS_MAX; k++) {
        const struct convert_part *const part = &v->parts[k];
        if (part->used || part->note.entry_len == 0)
            continue;
        const enum mr_status st = treasury_ask_bank(v->a, part->note.ref);
        if (st == MR_OK)
            return out_fail(v->a->out, MR_BANK_REF_USED,
                            _("the bank line \"%s\" was already used on %s for something else; "
                              "nothing was issued"),
                            part->note.entry, admin_time(v->a->reply->body.u.bank.time_ms));
        if (st != MR_NOT_FOUND)
            return admin_call_failed(v->a, st);
        wanted--;
    }
    return wanted == 0 ? MR_OK
                       : out_fail(v->a->out, MR_FULL,
                                  _("the bank line \"%s\" has not that many parts, or is too long "
                                    "to number them; nothing was issued"),
                                  v->parts[0].note.entry);
}

/* --- all together ------------------------------------------------------------------------------
 */

/* One payee has no line number, and more fields of its own. */
static enum mr_status report_one(struct converting *v, const struct convert_line *line)
{
    struct out *const out = v->a->out;
    if (line->max != 0 || line->used != 0) {
        out_int(out, "max_minor", line->max);
        out_int(out, "used_minor", line->used);
    }
    return out_fail(out, line->st, "%s", line->why);
}

static enum mr_status report(struct converting *v)
{
    struct out *const out = v->a->out;
    const struct convert_line *first = NULL;
    int64_t sum;
    json_t *const rows = json_array();
    for (size_t i = 0; i < v->count; i++) {
        const struct convert_line *const line = &v->lines[i];
        if (line->state != CONVERT_REFUSED)
            continue;
        first = first == NULL ? line : first;
        if (v->file == NULL)
            break;
        json_array_append_new(rows,
                              json_pack("{s:I,s:s,s:s,s:s,s:s}", "line", (json_int_t)line->line,
                                        "payee", line->payee, "label", line->want.label, "status",
                                        mr_status_name(line->st), "reason", line->why));
        if (line->payee[0] != '\0')
            out_note(out, _("%s, line %u (%s): %s"), v->file, line->line, line->payee, line->why);
        else
            out_note(out, _("%s, line %u: %s"), v->file, line->line, line->why);
    }
    if (first == NULL || v->file == NULL) {
        json_decref(rows);
        return first == NULL ? MR_OK : report_one(v, first);
    }
    out_json(out, "refused", rows);
    const size_t count = convert_count(v, CONVERT_REFUSED, &sum);
    return out_fail(out, first->st,
                    ngettext("%zu of %zu lines is refused; nothing was signed or issued",
                             "%zu of %zu lines are refused; nothing was signed or issued", count),
                    count, v->count);
}

static enum mr_status check_total(struct converting *v)
{
    out_int(v->a->out, "sum_minor", v->sum);
    if (v->stated == 0 || v->stated == v->sum)
        return MR_OK;
    out_int(v->a->out, "total_minor", v->stated);
    return out_fail(v->a->out, MR_BANK_SUM,
                    _("the lines sum to %s, and the payment order is about %s; nothing was signed "
                      "or issued"),
                    admin_amount(v->a, v->sum), admin_amount(v->a, v->stated));
}

enum mr_status convert_check(struct converting *v, struct work *w)
{
    enum mr_status st = conversions_read(&v->all, v->a);
    if (st == MR_OK)
        st = mandates_read(&v->mandates, v->a);
    if (st == MR_OK)
        st = find_town(v);
    if (st == MR_OK)
        st = look_back(v);
    if (st == MR_OK)
        st = treasury_each_draft(w, look_at_draft, v);
    if (st == MR_OK)
        st = take_mandates(v);
    if (st == MR_OK)
        st = report(v);
    if (st == MR_OK)
        st = check_total(v);
    return st == MR_OK ? check_bank(v) : st;
}
