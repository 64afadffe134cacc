/* What a conversion is asked to do: one payee, typed, or the lines of a file. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "admin/convert.h"
#include "admin/csv_lines.h"
#include "admin/field.h"
#include "admin/treasury.h"
#include "common/amount_text.h"
#include "common/heap.h"

enum column { COL_PAYEE, COL_AMOUNT, COL_MANDATE, COL_LABEL, COLUMNS };

static const char *const column_names[COLUMNS] = {"payee", "amount", "mandate", "label"};

static const struct csv_form form = {
    .names = column_names,
    .columns = COLUMNS,
    .needed = COL_AMOUNT + 1,
    .unknown = N_("the heading has a column that is not known or stands twice; "
                  "known are payee, amount, mandate, label"),
    .missing = N_("the heading has to name the columns payee and amount"),
};

void convert_refuse(struct convert_line *line, enum mr_status st, const char *format, ...)
{
    va_list args;
    if (line->state == CONVERT_REFUSED)
        return;
    line->state = CONVERT_REFUSED;
    line->st = st;
    va_start(args, format);
    vsnprintf(line->why, sizeof line->why, format, args);
    va_end(args);
}

static struct convert_line *add_line(struct converting *v, unsigned line)
{
    struct convert_line *const rows = rows_room(v->lines, v->count, &v->cap, sizeof *rows);
    if (rows == NULL) {
        out_fail(v->a->out, MR_NO_MEMORY, NULL);
        return NULL;
    }
    v->lines = rows;
    struct convert_line *const ret = &rows[v->count++];
    *ret = (struct convert_line){.line = line};
    ret->want.time_ms = admin_now_ms();
    FIELD_SET(&ret->want, author, v->a->signer->key->name);
    FIELD_SET(&ret->want, order, v->typed);
    return ret;
}

static enum mr_status parse_amount(const struct converting *v, int64_t *ret, char hint[HINT_MAX],
                                   const char *text)
{
    const struct mr_unit *const unit = &v->a->charter->units[0];
    const enum mr_status st = mr_amount_parse(ret, text, unit->decimals, unit->code);
    if (st != MR_OK)
        amount_hint(hint, st, text, unit->decimals, unit->code);
    return st;
}

/* --- the lines of a file -----------------------------------------------------------------------
 */

/* MR_OK also for a line that is refused; a call's failure is reported. */
static enum mr_status take_line(struct converting *v, const struct csv_lines *csv)
{
    char hint[HINT_MAX];
    struct convert_line *const line = add_line(v, csv->line);
    if (line == NULL)
        return MR_NO_MEMORY;
    if (csv->wrong != NULL) {
        convert_refuse(line, MR_USAGE, "%s", csv->wrong);
        return MR_OK;
    }
    snprintf(line->payee, sizeof line->payee, "%s", csv_cell(csv, COL_PAYEE));
    snprintf(line->mandate, sizeof line->mandate, "%s", csv_cell(csv, COL_MANDATE));
    if (!FIELD_SET(&line->want, label, csv_cell(csv, COL_LABEL)))
        convert_refuse(line, MR_USAGE,
                       _("the label is too long, or has characters that cannot stand there"));
    if (line->payee[0] == '\0')
        convert_refuse(line, MR_USAGE, _("the payee is missing"));
    enum mr_status st = parse_amount(v, &line->want.amount, hint, csv_cell(csv, COL_AMOUNT));
    if (st != MR_OK)
        convert_refuse(line, st, "%s", hint);
    else if (!mr_amount_add(&v->sum, v->sum, line->want.amount))
        return out_fail(v->a->out, MR_AMOUNT_TOO_LARGE, NULL);
    if (line->state == CONVERT_REFUSED)
        return MR_OK;
    st = member_of(v->a, &v->roll, line->want.payee, hint, line->payee);
    if (st != MR_OK && hint[0] != '\0')
        convert_refuse(line, st, "%s", hint);
    return st == MR_OK || hint[0] != '\0' ? MR_OK : admin_call_failed(v->a, st);
}

static int by_payee(const void *a, const void *b)
{
    const struct convert_line *const x = *(struct convert_line *const *)a;
    const struct convert_line *const y = *(struct convert_line *const *)b;
    const int c = memcmp(x->want.payee, y->want.payee, MR_ACCOUNT_BYTES);
    return c != 0 ? c : (x->line > y->line) - (x->line < y->line);
}

/* A payee stands once in a payment order: that is how a file that is given again pays nobody twice.
 */
static enum mr_status refuse_twice(struct converting *v)
{
    struct convert_line **const sorted = malloc(v->count * sizeof(struct convert_line *));
    const struct convert_line *first = NULL;
    size_t n = 0;
    if (sorted == NULL)
        return out_fail(v->a->out, MR_NO_MEMORY, NULL);
    for (size_t i = 0; i < v->count; i++)
        if (v->lines[i].state != CONVERT_REFUSED)
            sorted[n++] = &v->lines[i];
    qsort(sorted, n, sizeof(struct convert_line *), by_payee);
    for (size_t i = 0; i < n; i++) {
        if (first == NULL ||
            memcmp(first->want.payee, sorted[i]->want.payee, MR_ACCOUNT_BYTES) != 0)
            first = sorted[i];
        else
            convert_refuse(sorted[i], MR_PAYEE_TWICE,
                           _("this payee stands in line %u already: a payment order names each "
                             "payee once, with the sum"),
                           first->line);
    }
    free(sorted);
    return MR_OK;
}

static enum mr_status bad_file(struct converting *v, const struct csv_lines *csv, const char *what)
{
    out_int(v->a->out, "line", csv->line);
    return out_fail(v->a->out, MR_USAGE, _("%s, line %u: %s. Nothing was issued"), v->file,
                    csv->line, what);
}

static enum mr_status read_lines(struct converting *v, struct csv_lines *csv, const char *text)
{
    enum mr_status st = csv_begin(csv, &form, text);
    if (st != MR_OK)
        return bad_file(v, csv, csv->wrong);
    while ((st = csv_next(csv)) != MR_NOT_FOUND) {
        if (v->count == CONVERT_LINES_MAX)
            return bad_file(v, csv, _("a payment order names at most 8192 payees"));
        st = take_line(v, csv);
        if (st != MR_OK)
            return st;
    }
    return v->count > 0 ? refuse_twice(v) : bad_file(v, csv, _("there is no line"));
}

static enum mr_status read_file(struct converting *v)
{
    char *text = NULL;
    struct csv_lines *const csv = malloc(sizeof *csv);
    enum mr_status st = csv == NULL ? out_fail(v->a->out, MR_NO_MEMORY, NULL) : MR_OK;
    if (st == MR_OK)
        st = csv_read_file(&text, v->a->out, v->file);
    if (st == MR_OK)
        st = roll_read(&v->roll, v->a, MR_REGISTER_MEMBER);
    if (st == MR_OK)
        st = read_lines(v, csv, text);
    free(text);
    free(csv);
    return st;
}

/* --- what is typed -----------------------------------------------------------------------------
 */

static enum mr_status read_order(struct converting *v)
{
    struct mr_conversion c = {.order_len = 0};
    const char *const order = opt_text(v->a->c, "order");
    if (order == NULL)
        return out_fail(v->a->out, MR_USAGE,
                        _("--order is needed: the reference of the municipality's payment order"));
    if (!FIELD_SET(&c, order, order) || conversion_order(v->order, order) != MR_OK)
        return out_fail(v->a->out, MR_USAGE,
                        _("the payment order \"%.60s\" has no letter or digit, has characters that "
                          "cannot stand there, or is too long"),
                        order);
    snprintf(v->typed, sizeof v->typed, "%s", order);
    return MR_OK;
}

static enum mr_status read_typed(struct converting *v)
{
    struct command *const c = v->a->c;
    char hint[HINT_MAX];
    const char *const label = opt_text(c, "label"), *const mandate = opt_text(c, "mandate");
    struct convert_line *const line = add_line(v, 0);
    if (line == NULL)
        return MR_NO_MEMORY;
    if (label != NULL && !FIELD_SET(&line->want, label, label))
        return out_fail(v->a->out, MR_USAGE,
                        _("the label is too long, or has characters that cannot stand there"));
    const enum mr_status st = parse_amount(v, &line->want.amount, hint, c->args[1]);
    if (st != MR_OK)
        return out_fail(v->a->out, st, "%s", hint);
    v->sum = line->want.amount;
    if (mandate != NULL && strlen(mandate) > CSV_FIELD_MAX)
        return out_fail(v->a->out, MR_USAGE, _("\"%.40s...\" is too long"), mandate);
    snprintf(line->mandate, sizeof line->mandate, "%s", mandate != NULL ? mandate : "");
    return member_find(v->a, line->want.payee, c->args[0]);
}

/* The total is typed as it stands on the payment order: who compares it has not read it off the
 * file. */
static enum mr_status read_total(struct converting *v)
{
    char hint[HINT_MAX];
    const char *const total = opt_text(v->a->c, "total");
    if (total == NULL)
        return v->file == NULL ? MR_OK
                               : out_fail(v->a->out, MR_USAGE,
                                          _("--total is needed with --file: the total of the "
                                            "payment order, which the lines have to make"));
    const enum mr_status st = parse_amount(v, &v->stated, hint, total);
    return st == MR_OK ? st : out_fail(v->a->out, st, "%s", hint);
}

/* The bank entry, and its parts: what "VIR-1", "VIR-1#2", "VIR-1#3" name. */
static enum mr_status read_bank(struct converting *v)
{
    const char *const ref = opt_text(v->a->c, "bank-ref");
    char part[MR_ADDRESS_MAX + 16];
    if (ref == NULL)
        return out_fail(v->a->out, MR_USAGE,
                        _("--bank-ref is needed: the id of the bank entry that the euros came in "
                          "with"));
    enum mr_status st = treasury_note(v->a, &v->parts[0].note, ref, NULL);
    for (unsigned k = 1; st == MR_OK && v->file != NULL && k < CONVERT_PARTS_MAX; k++) {
        const int len = snprintf(part, sizeof part, "%.*s#%u", MR_ADDRESS_MAX, ref, k + 1);
        if (len > MR_ADDRESS_MAX)
            break; /* most payment orders need no parts */
        st = treasury_note(v->a, &v->parts[k].note, part, NULL);
    }
    return st;
}

enum mr_status convert_read(struct converting *v)
{
    struct command *const c = v->a->c;
    const char *const town = opt_text(c, "municipality");
    v->file = opt_text(c, "file");
    if ((v->file != NULL) == (c->arg_count == 2) || c->arg_count == 1)
        return out_fail(v->a->out, MR_USAGE,
                        _("say PAYEE AMOUNT --order TEXT --bank-ref TEXT, or --file FILE"));
    if (v->file != NULL && (opt_flag(c, "mandate") || opt_flag(c, "label")))
        return out_fail(v->a->out, MR_USAGE,
                        _("with --file, mandates and labels stand in columns of the file"));
    enum mr_status st = read_order(v);
    if (st == MR_OK)
        st = read_bank(v);
    if (st == MR_OK)
        st = read_total(v);
    if (st == MR_OK && town != NULL)
        st = member_find(v->a, v->town, town);
    v->has_town = town != NULL;
    if (st == MR_OK)
        st = v->file != NULL ? read_file(v) : read_typed(v);
    return st;
}

void convert_done(struct converting *v)
{
    free(v->lines);
    roll_free(&v->roll);
    mandates_free(&v->mandates);
    conversions_free(&v->all);
}

size_t convert_count(const struct converting *v, enum convert_state state, int64_t *ret_sum)
{
    size_t count = 0;
    *ret_sum = 0;
    for (size_t i = 0; i < v->count; i++)
        if (v->lines[i].state == state) {
            *ret_sum += v->lines[i].want.amount; /* at most v->sum */
            count++;
        }
    return count;
}
