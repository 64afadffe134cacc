/* Files of recorded payments: comma-separated lines with a head that names the columns. */
#include "audit/payments.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/csv.h"
#include "common/file.h"
#include "common/i18n.h"
#include "common/term.h"

enum { FIELDS_MAX = 64 };

/* Columns by meaning; each has the names that files give it. */
enum column { COL_ID, COL_TIME, COL_KIND, COL_PAYER, COL_PAYEE, COL_AMOUNT, COL_UNIT, COLUMNS };

static const struct {
    const char *name;
    enum column column;
} column_names[] = {
    {"id", COL_ID},           {"time", COL_TIME},     {"timeset", COL_TIME},
    {"kind", COL_KIND},       {"payer", COL_PAYER},   {"transfer_subtype", COL_KIND},
    {"source", COL_PAYER},    {"payee", COL_PAYEE},   {"target", COL_PAYEE},
    {"amount", COL_AMOUNT},   {"weight", COL_AMOUNT}, {"unit", COL_UNIT},
    {"token_name", COL_UNIT},
};

static const struct {
    const char *name;
    enum row_kind kind;
    bool assigned;
} kind_names[] = {
    {"issue", ROW_ISSUE, false},         {"DISBURSEMENT", ROW_ISSUE, false},
    {"assigned", ROW_ISSUE, true},       {"pay", ROW_PAY, false},
    {"STANDARD", ROW_PAY, false},        {"redeem", ROW_REDEEM, false},
    {"AGENT_OUT", ROW_REDEEM, false},    {"reclaim", ROW_RECLAIM, false},
    {"RECLAMATION", ROW_RECLAIM, false},
};

const char *payments_kind_text(enum row_kind k)
{
    static const char *const texts[] = {"issue", "pay", "redeem", "reclaim"};
    return texts[k];
}

const char *payments_reason_text(enum reason r)
{
    static const char *const texts[] = {
        [REASON_NONE] = "",
        [REASON_COLUMNS] = N_("the line has not the columns of the head"),
        [REASON_KIND] = N_("the kind of row is not known"),
        [REASON_UNIT] = N_("another unit than the first row's"),
        [REASON_ACCOUNT] = N_("an account is missing"),
        [REASON_TEXT] =
            N_("an account or the unit is not named in UTF-8, or with signs that cannot be shown"),
        [REASON_SELF] = N_("payer and payee are the same account"),
        [REASON_SYNTAX] = N_("the amount is no number"),
        [REASON_ZERO] = N_("the amount rounds to zero"),
        [REASON_NEGATIVE] = N_("the amount is below zero"),
        [REASON_LARGE] = N_("the amount is larger than the ledger allows"),
        [REASON_REPEATED] = N_("an earlier row has the same id"),
        [REASON_UNFUNDED] = N_("the payer had received nothing yet"),
        [REASON_SHORT] = N_("the payer had less than that"),
        [REASON_TIME] = N_("the time cannot be read"),
    };
    return texts[r];
}

uint32_t payments_member(const struct payments *b, const char *name)
{
    return name_set_find(&b->accounts, name);
}

/* The member of a name, made when it is new. NO_MEMBER: out of memory. */
static uint32_t member_of(struct payments *b, const char *name)
{
    bool is_new;
    return name_set_add(&b->accounts, name, &is_new);
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Cut one field off *at and unquote it in place. False: it was the line's last. */
static bool field(char **ret, char **at, char separator)
{
    const char ends[] = {separator, '\0'};
    char *in = *at, *out = in;
    *ret = in;
    if (*in == '"') {
        for (in++; *in != '\0' && (*in != '"' || in[1] == '"'); in++) {
            in += *in == '"' ? 1 : 0;
            *out++ = *in;
        }
        in += *in == '"' ? 1 : 0;
    } else {
        out = in += strcspn(in, ends);
    }
    const bool more = *in == separator;
    *out = '\0';
    *at = more ? in + 1 : in;
    return more;
}

size_t payments_fields(char **ret, size_t max, char *line, char separator)
{
    size_t n = 0;
    for (bool more = true; more; n++) {
        char *text;
        more = field(&text, &line, separator);
        if (n < max)
            ret[n] = text + (csv_meant(text) - text);
    }
    return n;
}

char payments_separator(const char *head)
{
    return *(strchr(head, ';') != NULL ? ";" : strchr(head, '\t') != NULL ? "\t" : ",");
}

char *payments_begin(char *text, size_t len, uint64_t *ret_bad_line)
{
    const size_t good = strlen(text);
    *ret_bad_line = good == len ? 0 : 1;
    for (size_t i = 0; good != len && i < good; i++)
        *ret_bad_line += text[i] == '\n' ? 1 : 0;
    return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

char *payments_line(char **at)
{
    char *line = *at;
    if (*line == '\0')
        return NULL;
    char *end = line + strcspn(line, "\n");
    *at = *end == '\n' ? end + 1 : end;
    *end = '\0';
    if (end > line && end[-1] == '\r')
        end[-1] = '\0';
    return line;
}

static enum mr_status read_head(struct payments *b, int columns[COLUMNS], size_t *ret_fields,
                                char *line)
{
    char *fields[FIELDS_MAX];
    b->separator = payments_separator(line);
    const size_t n = payments_fields(fields, FIELDS_MAX, line, b->separator);
    for (size_t i = 0; i < COLUMNS; i++)
        columns[i] = -1;
    for (size_t i = 0; i < n && n <= FIELDS_MAX; i++) {
        for (size_t k = 0; k < sizeof column_names / sizeof column_names[0]; k++) {
            int *const column = &columns[column_names[k].column];
            if (strcasecmp(fields[i], column_names[k].name) != 0)
                continue;
            b->twice = *column >= 0 ? fields[i] : b->twice;
            *column = (int)i;
        }
    }
    *ret_fields = n;
    b->has_time = columns[COL_TIME] >= 0;
    return n > FIELDS_MAX || columns[COL_KIND] < 0 || columns[COL_PAYER] < 0 ||
                   columns[COL_PAYEE] < 0 || columns[COL_AMOUNT] < 0 || b->twice != NULL
               ? MR_BAD_TEXT
               : MR_OK;
}

static bool read_kind(struct row *r, const char *text)
{
    for (size_t i = 0; i < sizeof kind_names / sizeof kind_names[0]; i++)
        if (strcasecmp(text, kind_names[i].name) == 0) {
            r->kind = kind_names[i].kind;
            r->assigned = kind_names[i].assigned;
            return true;
        }
    return false;
}

/* Where commas do not separate columns, one may stand in front of the decimals. */
static enum reason read_amount(const struct payments *b, struct row *r, int64_t *ret_atto,
                               char *text)
{
    char *const comma = b->separator != ',' && strchr(text, '.') == NULL ? strchr(text, ',') : NULL;
    if (comma != NULL)
        *comma = '.';
    return amount_round(&r->minor, ret_atto, text);
}

static void count_rounding(struct payments *b, const struct row *r, int64_t atto)
{
    if (atto != 0 && (r->reason == REASON_NONE || r->reason == REASON_ZERO)) {
        b->rounded++;
        b->lost += r->reason == REASON_ZERO ? 1 : 0;
        fraction_add(&b->added, atto);
    }
}

/* What is wrong with a row's words. */
static enum reason read_words(struct payments *b, struct row *r, const char *kind, const char *unit,
                              const char *payer, const char *payee)
{
    if (!read_kind(r, kind))
        return REASON_KIND;
    if (!text_is_clean(unit))
        return REASON_TEXT;
    if (b->unit == NULL)
        b->unit = unit;
    if (strcmp(unit, b->unit) != 0)
        return REASON_UNIT;
    if ((r->kind != ROW_ISSUE && *payer == '\0') ||
        ((r->kind == ROW_ISSUE || r->kind == ROW_PAY) && *payee == '\0'))
        return REASON_ACCOUNT;
    if (!text_is_clean(payer) || !text_is_clean(payee))
        return REASON_TEXT;
    return r->kind == ROW_PAY && strcmp(payer, payee) == 0 ? REASON_SELF : REASON_NONE;
}

/* Rows that are used have different ids, where they have one. */
static enum mr_status read_id(struct payments *b, struct row *r)
{
    bool is_new = true;
    if (b->dated && r->reason == REASON_NONE && *r->id != '\0' &&
        name_set_add(&b->ids, r->id, &is_new) == NO_NAME)
        return MR_NO_MEMORY;
    if (!is_new)
        r->reason = REASON_REPEATED;
    return MR_OK;
}

static enum mr_status read_row(struct payments *b, struct row *r, const int columns[COLUMNS],
                               char *fields[FIELDS_MAX])
{
    static const char none[] = "";
    int64_t atto = 0;
    r->id = columns[COL_ID] < 0 ? none : fields[columns[COL_ID]];
    r->time = columns[COL_TIME] < 0 ? none : fields[columns[COL_TIME]];
    const char *unit = columns[COL_UNIT] < 0 ? none : fields[columns[COL_UNIT]];
    const char *payer = fields[columns[COL_PAYER]], *payee = fields[columns[COL_PAYEE]];
    r->reason = read_words(b, r, fields[columns[COL_KIND]], unit, payer, payee);
    if (r->reason == REASON_NONE)
        r->reason = read_amount(b, r, &atto, fields[columns[COL_AMOUNT]]);
    if (b->dated && b->has_time && r->reason == REASON_NONE && !payments_time(&r->time_ms, r->time))
        r->reason = REASON_TIME;
    const enum mr_status st = read_id(b, r);
    count_rounding(b, r, atto);
    if (st != MR_OK || r->reason != REASON_NONE)
        return st;
    if (r->kind != ROW_ISSUE && (r->payer = member_of(b, payer)) == NO_MEMBER)
        return MR_NO_MEMORY;
    if ((r->kind == ROW_ISSUE || r->kind == ROW_PAY) &&
        (r->payee = member_of(b, payee)) == NO_MEMBER)
        return MR_NO_MEMORY;
    return MR_OK;
}

static struct row *new_row(struct payments *b, uint64_t line)
{
    if (b->count == b->cap) {
        const size_t cap = b->cap == 0 ? 1024 : b->cap * 2;
        struct row *rows = cap < NO_ROW ? realloc(b->rows, cap * sizeof *rows) : NULL;
        if (rows == NULL)
            return NULL;
        b->rows = rows;
        b->cap = cap;
    }
    struct row *r = &b->rows[b->count++];
    *r = (struct row){.line = line,
                      .payer = NO_MEMBER,
                      .payee = NO_MEMBER,
                      .payer_next = NO_ROW,
                      .payee_next = NO_ROW,
                      .id = "",
                      .time = ""};
    return r;
}

/* Every member's rows in the order of the file. */
static bool chain_rows(struct payments *b)
{
    b->first = malloc((b->accounts.count + 1) * sizeof *b->first);
    if (b->first == NULL)
        return false;
    for (uint32_t i = 0; i < b->accounts.count; i++)
        b->first[i] = NO_ROW;
    for (size_t i = b->count; i-- > 0;) {
        struct row *r = &b->rows[i];
        if (r->reason != REASON_NONE)
            continue;
        if (r->payer != NO_MEMBER) {
            r->payer_next = b->first[r->payer];
            b->first[r->payer] = (uint32_t)i;
        }
        if (r->payee != NO_MEMBER) {
            r->payee_next = b->first[r->payee];
            b->first[r->payee] = (uint32_t)i;
        }
    }
    return true;
}

static enum mr_status read_rows(struct payments *b, char *at, const int columns[COLUMNS],
                                size_t width, uint64_t limit)
{
    enum mr_status st = MR_OK;
    char *line;
    for (uint64_t number = 2; st == MR_OK && (line = payments_line(&at)) != NULL; number++) {
        char *fields[FIELDS_MAX];
        if (*line == '\0')
            continue;
        if (limit > 0 && b->count == limit)
            break;
        struct row *r = new_row(b, number);
        if (r == NULL)
            st = MR_NO_MEMORY;
        else if (payments_fields(fields, FIELDS_MAX, line, b->separator) != width)
            r->reason = REASON_COLUMNS;
        else
            st = read_row(b, r, columns, fields);
    }
    return st == MR_OK && !chain_rows(b) ? MR_NO_MEMORY : st;
}

enum mr_status payments_read(struct payments *ret, const char *path, uint64_t limit, bool dated)
{
    int columns[COLUMNS];
    size_t len, width;
    *ret = (struct payments){.dated = dated};
    enum mr_status st = file_read((uint8_t **)&ret->text, &len, path, (size_t)1 << 33);
    if (st != MR_OK)
        return st;
    crypto_hash_sha256(ret->hash, (const uint8_t *)ret->text, len);
    char *at = payments_begin(ret->text, len, &ret->bad_line);
    char *const line = ret->bad_line == 0 ? payments_line(&at) : NULL;
    st = line == NULL ? MR_BAD_TEXT : read_head(ret, columns, &width, line);
    return st == MR_OK ? read_rows(ret, at, columns, width, limit) : st;
}

void payments_done(struct payments *b)
{
    free(b->text);
    free(b->rows);
    free(b->first);
    name_set_done(&b->accounts);
    name_set_done(&b->ids);
    *b = (struct payments){0};
}
