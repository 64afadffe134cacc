#include "admin/csv_lines.h"

#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/i18n.h"
#include "mereau/assert.h"

static enum mr_status wrong(struct csv_lines *c, const char *what)
{
    c->wrong = what;
    c->count = 0;
    return MR_USAGE;
}

/* One field; quotes may hold separators and doubled quotes, but no line's end. */
static enum mr_status read_field(struct csv_lines *c, char *ret)
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
                return wrong(c, _("a quotation mark is not closed"));
            break;
        } else if (!quoted && *c->at == c->separator)
            break;
        if (n == CSV_FIELD_MAX)
            return wrong(c, _("a field is too long"));
        ret[n++] = *c->at++;
    }
    c->at += quoted;
    while (!quoted && n > 0 && ret[n - 1] == ' ')
        n--;
    ret[n] = '\0';
    if (*c->at != '\0' && *c->at != '\n' && *c->at != '\r' && *c->at != c->separator)
        return wrong(c, _("something stands behind a quotation mark"));
    return MR_OK;
}

static enum mr_status read_fields(struct csv_lines *c)
{
    enum mr_status st = MR_OK;
    c->line++;
    c->wrong = NULL;
    c->count = 0;
    for (;;) {
        if (c->count == CSV_FIELDS_MAX)
            st = wrong(c, _("there are too many columns"));
        else
            st = read_field(c, c->fields[c->count]);
        if (st != MR_OK)
            break;
        c->count++;
        if (*c->at != c->separator)
            break;
        c->at++;
    }
    c->at += strcspn(c->at, "\r\n"); /* of a line that is wrong */
    c->at += *c->at == '\r';
    c->at += *c->at == '\n';
    return st;
}

enum mr_status csv_begin(struct csv_lines *c, const struct csv_form *form, const char *text)
{
    mr_assert(form->columns <= CSV_COLUMNS_MAX);
    *c = (struct csv_lines){.form = form, .separator = ','};
    c->at = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
    const size_t len = strcspn(c->at, "\r\n");
    if (memchr(c->at, ';', len) != NULL)
        c->separator = ';';
    else if (memchr(c->at, '\t', len) != NULL)
        c->separator = '\t';
    const enum mr_status st = read_fields(c);
    if (st != MR_OK)
        return st;
    for (size_t k = 0; k < form->columns; k++)
        c->where[k] = CSV_FIELDS_MAX;
    for (size_t i = 0; i < c->count; i++) {
        size_t k = 0;
        while (k < form->columns && strcmp(form->names[k], c->fields[i]) != 0)
            k++;
        if (k == form->columns || c->where[k] != CSV_FIELDS_MAX)
            return wrong(c, _(form->unknown));
        c->where[k] = i;
    }
    c->width = c->count;
    for (size_t k = 0; k < form->needed; k++)
        if (c->where[k] == CSV_FIELDS_MAX)
            return wrong(c, _(form->missing));
    return MR_OK;
}

enum mr_status csv_next(struct csv_lines *c)
{
    while (*c->at != '\0') {
        const enum mr_status st = read_fields(c);
        for (size_t i = c->width; st == MR_OK && i < c->count; i++)
            if (c->fields[i][0] != '\0')
                return wrong(c, _("it has more fields than the heading has columns: an amount "
                                  "with a comma wants quotation marks"));
        if (st != MR_OK || c->count > 1 || c->fields[0][0] != '\0')
            return st;
    }
    return MR_NOT_FOUND;
}

const char *csv_cell(const struct csv_lines *c, size_t column)
{
    return c->where[column] < c->count ? c->fields[c->where[column]] : "";
}

enum mr_status csv_read_file(char **ret, struct out *out, const char *path)
{
    uint8_t *text = NULL;
    size_t len;
    *ret = NULL;
    const enum mr_status st = file_read(&text, &len, path, CSV_FILE_MAX);
    if (st != MR_OK)
        return out_fail(out, st, _("%s cannot be read: %s"), path, status_sentence(st));
    if (strlen((const char *)text) != len) {
        free(text);
        return out_fail(out, MR_USAGE, _("%s is not a text file"), path);
    }
    *ret = (char *)text;
    return MR_OK;
}
