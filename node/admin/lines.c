#include "admin/lines.h"

#include <stdlib.h>
#include <string.h>

#include "admin/csv_lines.h"
#include "common/amount_text.h"
#include "common/heap.h"
#include "common/i18n.h"

enum column { COL_MEMBER, COL_AMOUNT, COL_BANK_REF, COL_BANK_ACCOUNT, COL_BANK_AMOUNT, COLUMNS };

static const char *const column_names[COLUMNS] = {"member", "amount", "bank_ref", "bank_account",
                                                  "bank_amount"};

static const struct csv_form form = {
    .names = column_names,
    .columns = COLUMNS,
    .needed = COL_BANK_REF + 1,
    .unknown = N_("the heading has a column that is not known or stands twice; "
                  "known are member, amount, bank_ref, bank_account, bank_amount"),
    .missing = N_("the heading has to name the columns member, amount and bank_ref"),
};

struct reading {
    struct out *out;
    const char *file;
    const struct mr_unit *unit;
    struct csv_lines csv;
};

static enum mr_status bad_line(struct reading *c, const char *what)
{
    out_int(c->out, "line", c->csv.line);
    return out_fail(c->out, MR_USAGE, _("%s, line %u: %s. Nothing was issued"), c->file,
                    c->csv.line, what);
}

static enum mr_status read_amount(struct reading *c, int64_t *ret, const char *text)
{
    char hint[HINT_MAX];
    const enum mr_status st = mr_amount_parse(ret, text, c->unit->decimals, c->unit->code);
    if (st == MR_OK)
        return st;
    amount_hint(hint, st, text, c->unit->decimals, c->unit->code);
    const size_t n = strlen(hint);
    if (n > 0 && hint[n - 1] == '.')
        hint[n - 1] = '\0';
    return bad_line(c, hint);
}

static enum mr_status read_row(struct reading *c, struct issue_row *ret)
{
    const struct csv_lines *const csv = &c->csv;
    *ret = (struct issue_row){.line = csv->line};
    if (csv_cell(csv, COL_MEMBER)[0] == '\0')
        return bad_line(c, _("the member is missing"));
    if (csv_cell(csv, COL_BANK_REF)[0] == '\0')
        return bad_line(c, _("the bank reference is missing"));
    if (strlen(csv_cell(csv, COL_BANK_ACCOUNT)) > MR_NAME_MAX)
        return bad_line(c, _("the bank account is too long"));
    snprintf(ret->member, sizeof ret->member, "%s", csv_cell(csv, COL_MEMBER));
    snprintf(ret->bank_ref, sizeof ret->bank_ref, "%s", csv_cell(csv, COL_BANK_REF));
    snprintf(ret->bank_account, sizeof ret->bank_account, "%s", csv_cell(csv, COL_BANK_ACCOUNT));
    enum mr_status st = read_amount(c, &ret->amount, csv_cell(csv, COL_AMOUNT));
    if (st == MR_OK && csv_cell(csv, COL_BANK_AMOUNT)[0] != '\0')
        st = read_amount(c, &ret->bank_amount, csv_cell(csv, COL_BANK_AMOUNT));
    return st;
}

static enum mr_status read_rows(struct reading *c, struct issue_rows *r)
{
    size_t cap = 0;
    enum mr_status st;
    while ((st = csv_next(&c->csv)) == MR_OK) {
        if (r->count == LINES_MAX)
            return bad_line(c, _("a file has at most 10000 lines"));
        struct issue_row *const rows = rows_room(r->rows, r->count, &cap, sizeof *rows);
        if (rows == NULL)
            return out_fail(c->out, MR_NO_MEMORY, NULL);
        r->rows = rows;
        st = read_row(c, &r->rows[r->count]);
        if (st != MR_OK)
            return st;
        r->count++;
    }
    if (st != MR_NOT_FOUND)
        return bad_line(c, c->csv.wrong);
    return r->count > 0 ? MR_OK : bad_line(c, _("there is no line"));
}

enum mr_status lines_parse(struct issue_rows *ret, struct out *out, const char *file,
                           const char *text, const struct mr_unit *unit)
{
    *ret = (struct issue_rows){NULL, 0};
    struct reading *const c = calloc(1, sizeof *c);
    if (c == NULL)
        return out_fail(out, MR_NO_MEMORY, NULL);
    *c = (struct reading){.out = out, .file = file, .unit = unit};
    enum mr_status st = csv_begin(&c->csv, &form, text);
    st = st == MR_OK ? read_rows(c, ret) : bad_line(c, c->csv.wrong);
    free(c);
    return st;
}

enum mr_status lines_read(struct issue_rows *ret, struct out *out, const char *path,
                          const struct mr_unit *unit)
{
    char *text = NULL;
    *ret = (struct issue_rows){NULL, 0};
    enum mr_status st = csv_read_file(&text, out, path);
    if (st == MR_OK)
        st = lines_parse(ret, out, path, text, unit);
    free(text);
    return st;
}

void lines_free(struct issue_rows *r)
{
    free(r->rows);
    *r = (struct issue_rows){NULL, 0};
}
