#include "admin/lines.h"

#include <stdlib.h>
#include <string.h>

#include "common/amount_text.h"
#include "common/file.h"
#include "common/i18n.h"

enum column { COL_MEMBER, COL_AMOUNT, COL_BANK_REF, COL_BANK_ACCOUNT, COL_BANK_AMOUNT, COLUMNS };

static const char *const column_names[COLUMNS] = {"member", "amount", "bank_ref", "bank_account",
                                                  "bank_amount"};

enum { FIELDS_MAX = 32 };

struct csv {
    struct out *out;
    const char *file, *at;
    const struct mr_unit *unit;
    char separator;
    unsigned line; /* of what is read next */
    char fields[FIELDS_MAX][LINE_FIELD_MAX + 1];
    size_t count;
    size_t where[COLUMNS]; /* field of a column; FIELDS_MAX: not there */
};

static enum mr_status bad_line(struct csv *c, const char *what)
{
    out_int(c->out, "line", c->line);
    return out_fail(c->out, MR_USAGE, _("%s, line %u: %s. Nothing was issued"), c->file, c->line,
                    what);
}

/* One field; quotes may hold separators and doubled quotes, but no line's end. */
static enum mr_status read_field(struct csv *c, char *ret)
{
    size_t n = 0;
    const bool quoted = *c->at == '"';
    c->at += quoted;
    for (;;) {
        if (quoted && c->at[0] == '"' && c->at[1] == '"')
            c->at++;
        else if (quoted && *c->at == '"')
            break;
        else if (*c->at == '\0' || *c->at == '\n' || *c->at == '\r') {
            if (quoted)
                return bad_line(c, _("a quotation mark is not closed"));
            break;
        } else if (!quoted && *c->at == c->separator)
            break;
        if (n == LINE_FIELD_MAX)
            return bad_line(c, _("a field is too long"));
        ret[n++] = *c->at++;
    }
    c->at += quoted;
    while (!quoted && n > 0 && ret[n - 1] == ' ')
        n--;
    ret[n] = '\0';
    if (*c->at != '\0' && *c->at != '\n' && *c->at != '\r' && *c->at != c->separator)
        return bad_line(c, _("something stands behind a quotation mark"));
    return MR_OK;
}

static enum mr_status read_fields(struct csv *c)
{
    c->count = 0;
    for (;;) {
        if (c->count == FIELDS_MAX)
            return bad_line(c, _("there are too many columns"));
        const enum mr_status st = read_field(c, c->fields[c->count]);
        if (st != MR_OK)
            return st;
        c->count++;
        if (*c->at != c->separator)
            break;
        c->at++;
    }
    c->at += *c->at == '\r';
    c->at += *c->at == '\n';
    return MR_OK;
}

static bool is_blank(const struct csv *c)
{
    return c->count == 1 && c->fields[0][0] == '\0';
}

static enum mr_status read_heading(struct csv *c)
{
    const size_t len = strcspn(c->at, "\r\n");
    c->separator = ',';
    if (memchr(c->at, ';', len) != NULL)
        c->separator = ';';
    else if (memchr(c->at, '\t', len) != NULL)
        c->separator = '\t';
    enum mr_status st = read_fields(c);
    for (int k = 0; k < COLUMNS; k++)
        c->where[k] = FIELDS_MAX;
    for (size_t i = 0; st == MR_OK && i < c->count; i++) {
        int k = 0;
        while (k < COLUMNS && strcmp(column_names[k], c->fields[i]) != 0)
            k++;
        if (k == COLUMNS || c->where[k] != FIELDS_MAX)
            return bad_line(c, _("the heading has a column that is not known or stands twice; "
                                 "known are member, amount, bank_ref, bank_account, bank_amount"));
        c->where[k] = i;
    }
    for (int k = 0; st == MR_OK && k <= COL_BANK_REF; k++)
        if (c->where[k] == FIELDS_MAX)
            return bad_line(c,
                            _("the heading has to name the columns member, amount and bank_ref"));
    return st;
}

static const char *field_of(const struct csv *c, enum column k)
{
    return c->where[k] < c->count ? c->fields[c->where[k]] : "";
}

static enum mr_status read_amount(struct csv *c, int64_t *ret, const char *text)
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

static enum mr_status read_row(struct csv *c, struct issue_row *ret)
{
    *ret = (struct issue_row){.line = c->line};
    if (c->count != FIELDS_MAX && field_of(c, COL_MEMBER)[0] == '\0')
        return bad_line(c, _("the member is missing"));
    if (field_of(c, COL_BANK_REF)[0] == '\0')
        return bad_line(c, _("the bank reference is missing"));
    if (strlen(field_of(c, COL_BANK_ACCOUNT)) > MR_NAME_MAX)
        return bad_line(c, _("the bank account is too long"));
    snprintf(ret->member, sizeof ret->member, "%s", field_of(c, COL_MEMBER));
    snprintf(ret->bank_ref, sizeof ret->bank_ref, "%s", field_of(c, COL_BANK_REF));
    snprintf(ret->bank_account, sizeof ret->bank_account, "%s", field_of(c, COL_BANK_ACCOUNT));
    enum mr_status st = read_amount(c, &ret->amount, field_of(c, COL_AMOUNT));
    if (st == MR_OK && field_of(c, COL_BANK_AMOUNT)[0] != '\0')
        st = read_amount(c, &ret->bank_amount, field_of(c, COL_BANK_AMOUNT));
    return st;
}

static enum mr_status grow(struct issue_rows *r, size_t *cap)
{
    if (r->count < *cap)
        return MR_OK;
    const size_t more = *cap == 0 ? 64 : *cap * 2;
    struct issue_row *rows = reallocarray(r->rows, more, sizeof *rows);
    if (rows == NULL)
        return MR_NO_MEMORY;
    r->rows = rows;
    *cap = more;
    return MR_OK;
}

static enum mr_status read_rows(struct csv *c, struct issue_rows *r)
{
    size_t cap = 0;
    enum mr_status st = MR_OK;
    for (c->line = 2; st == MR_OK && *c->at != '\0'; c->line++) {
        st = read_fields(c);
        if (st != MR_OK || is_blank(c))
            continue;
        if (r->count == LINES_MAX)
            return bad_line(c, _("a file has at most 10000 lines"));
        if (grow(r, &cap) != MR_OK)
            return out_fail(c->out, MR_NO_MEMORY, NULL);
        st = read_row(c, &r->rows[r->count]);
        r->count += st == MR_OK;
    }
    if (st == MR_OK && r->count == 0)
        return bad_line(c, _("there is no line"));
    return st;
}

enum mr_status lines_parse(struct issue_rows *ret, struct out *out, const char *file,
                           const char *text, const struct mr_unit *unit)
{
    *ret = (struct issue_rows){NULL, 0};
    struct csv *c = calloc(1, sizeof *c);
    if (c == NULL)
        return out_fail(out, MR_NO_MEMORY, NULL);
    *c = (struct csv){.out = out, .file = file, .unit = unit, .line = 1};
    c->at = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
    enum mr_status st = read_heading(c);
    if (st == MR_OK)
        st = read_rows(c, ret);
    free(c);
    return st;
}

enum mr_status lines_read(struct issue_rows *ret, struct out *out, const char *path,
                          const struct mr_unit *unit)
{
    uint8_t *text = NULL;
    size_t len;
    *ret = (struct issue_rows){NULL, 0};
    enum mr_status st = file_read(&text, &len, path, LINES_FILE_MAX);
    if (st != MR_OK)
        return out_fail(out, st, _("%s cannot be read: %s"), path, status_sentence(st));
    if (strlen((const char *)text) != len)
        st = out_fail(out, MR_USAGE, _("%s is not a text file"), path);
    else
        st = lines_parse(ret, out, path, (const char *)text, unit);
    free(text);
    return st;
}

void lines_free(struct issue_rows *r)
{
    free(r->rows);
    *r = (struct issue_rows){NULL, 0};
}
