/* Files of recorded payments: comma-separated lines with a head that names the columns. */
#include "audit/payments.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/csv.h"
#include "common/file.h"
#include "common/i18n.h"

enum { FIELDS_MAX = 32, BUCKETS_START = 1024 };

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
        [REASON_SELF] = N_("payer and payee are the same account"),
        [REASON_SYNTAX] = N_("the amount is no number"),
        [REASON_ZERO] = N_("the amount rounds to zero"),
        [REASON_NEGATIVE] = N_("the amount is below zero"),
        [REASON_LARGE] = N_("the amount is larger than the ledger allows"),
        [REASON_UNFUNDED] = N_("the payer had received nothing yet"),
        [REASON_SHORT] = N_("the payer had less than that"),
        [REASON_TIME] = N_("the time cannot be read"),
    };
    return texts[r];
}

/* --- members ---------------------------------------------------------------------------------- */

static uint32_t name_hash(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name != '\0'; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return h;
}

static uint32_t *bucket_of(const struct payments *b, const char *name)
{
    uint32_t at = name_hash(name) & (b->buckets_count - 1);
    while (b->buckets[at] != NO_MEMBER && strcmp(b->names[b->buckets[at]], name) != 0)
        at = (at + 1) & (b->buckets_count - 1);
    return &b->buckets[at];
}

uint32_t payments_member(const struct payments *b, const char *name)
{
    return b->buckets_count == 0 ? NO_MEMBER : *bucket_of(b, name);
}

static bool grow(struct payments *b)
{
    const uint32_t cap = b->members_cap == 0 ? BUCKETS_START / 2 : b->members_cap * 2;
    const char **names = realloc(b->names, cap * sizeof *names);
    if (names != NULL)
        b->names = names;
    const size_t bytes = sizeof(uint32_t) * cap * 2;
    uint32_t *buckets = malloc(bytes);
    if (names == NULL || buckets == NULL) {
        free(buckets);
        return false;
    }
    free(b->buckets);
    memset(buckets, 0xff, bytes); /* NO_MEMBER */
    b->buckets = buckets;
    b->buckets_count = cap * 2;
    b->members_cap = cap;
    for (uint32_t i = 0; i < b->members; i++)
        *bucket_of(b, b->names[i]) = i;
    return true;
}

/* The member of a name, made when it is new. NO_MEMBER: out of memory. */
static uint32_t member_of(struct payments *b, const char *name)
{
    if (b->members == b->members_cap && !grow(b))
        return NO_MEMBER;
    uint32_t *at = bucket_of(b, name);
    if (*at == NO_MEMBER) {
        b->names[b->members] = name;
        *at = b->members++;
    }
    return *at;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Cut one field off *at and unquote it in place. False: it was the line's last. */
static bool field(char **ret, char **at)
{
    char *in = *at, *out = in;
    *ret = in;
    if (*in == '"') {
        for (in++; *in != '\0' && (*in != '"' || in[1] == '"'); in++) {
            in += *in == '"' ? 1 : 0;
            *out++ = *in;
        }
        in += *in == '"' ? 1 : 0;
    } else {
        out = in += strcspn(in, ",");
    }
    const bool more = *in == ',';
    *out = '\0';
    *at = more ? in + 1 : in;
    return more;
}

size_t payments_fields(char **ret, size_t max, char *line)
{
    size_t n = 0;
    bool more = true;
    while (n < max && more) {
        char *text;
        more = field(&text, &line);
        ret[n++] = text + (csv_meant(text) - text);
    }
    return n;
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

static enum mr_status read_head(int columns[COLUMNS], size_t *ret_fields, char *line)
{
    char *fields[FIELDS_MAX];
    const size_t n = payments_fields(fields, FIELDS_MAX, line);
    for (size_t i = 0; i < COLUMNS; i++)
        columns[i] = -1;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sizeof column_names / sizeof column_names[0]; k++)
            if (strcasecmp(fields[i], column_names[k].name) == 0)
                columns[column_names[k].column] = (int)i;
    *ret_fields = n;
    return columns[COL_KIND] < 0 || columns[COL_PAYER] < 0 || columns[COL_PAYEE] < 0 ||
                   columns[COL_AMOUNT] < 0
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

static enum reason read_amount(struct payments *b, struct row *r, const char *text)
{
    int64_t atto = 0;
    const enum reason why = amount_round(&r->minor, &atto, text);
    if (atto != 0 && (why == REASON_NONE || why == REASON_ZERO)) {
        b->rounded++;
        b->lost += why == REASON_ZERO ? 1 : 0;
        fraction_add(&b->added, atto);
    }
    return why;
}

static enum mr_status read_row(struct payments *b, struct row *r, const int columns[COLUMNS],
                               char *fields[FIELDS_MAX])
{
    static const char none[] = "";
    r->id = columns[COL_ID] < 0 ? none : fields[columns[COL_ID]];
    r->time = columns[COL_TIME] < 0 ? none : fields[columns[COL_TIME]];
    const char *unit = columns[COL_UNIT] < 0 ? none : fields[columns[COL_UNIT]];
    const char *payer = fields[columns[COL_PAYER]], *payee = fields[columns[COL_PAYEE]];
    if (b->unit == NULL)
        b->unit = unit;
    if (!read_kind(r, fields[columns[COL_KIND]]))
        r->reason = REASON_KIND;
    else if (strcmp(unit, b->unit) != 0)
        r->reason = REASON_UNIT;
    else if ((r->kind != ROW_ISSUE && *payer == '\0') ||
             ((r->kind == ROW_ISSUE || r->kind == ROW_PAY) && *payee == '\0'))
        r->reason = REASON_ACCOUNT;
    else if (r->kind == ROW_PAY && strcmp(payer, payee) == 0)
        r->reason = REASON_SELF;
    else
        r->reason = read_amount(b, r, fields[columns[COL_AMOUNT]]);
    if (r->reason != REASON_NONE)
        return MR_OK;
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
    b->first = malloc((b->members + 1) * sizeof *b->first);
    if (b->first == NULL)
        return false;
    for (uint32_t i = 0; i < b->members; i++)
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

enum mr_status payments_read(struct payments *ret, const char *path, uint64_t limit)
{
    int columns[COLUMNS];
    size_t len, width;
    *ret = (struct payments){0};
    enum mr_status st = file_read((uint8_t **)&ret->text, &len, path, (size_t)1 << 33);
    if (st != MR_OK)
        return st;
    crypto_hash_sha256(ret->hash, (const uint8_t *)ret->text, len);
    char *at = ret->text, *line = strlen(ret->text) == len ? payments_line(&at) : NULL;
    st = line == NULL ? MR_BAD_TEXT : read_head(columns, &width, line);
    for (uint64_t number = 2; st == MR_OK && (line = payments_line(&at)) != NULL; number++) {
        char *fields[FIELDS_MAX];
        if (*line == '\0')
            continue;
        if (limit > 0 && ret->count == limit)
            break;
        struct row *r = new_row(ret, number);
        if (r == NULL)
            st = MR_NO_MEMORY;
        else if (payments_fields(fields, FIELDS_MAX, line) != width)
            r->reason = REASON_COLUMNS;
        else
            st = read_row(ret, r, columns, fields);
    }
    if (st == MR_OK && !chain_rows(ret))
        st = MR_NO_MEMORY;
    if (st != MR_OK)
        payments_done(ret);
    return st;
}

void payments_done(struct payments *b)
{
    free(b->text);
    free(b->rows);
    free(b->names);
    free(b->first);
    free(b->buckets);
    *b = (struct payments){0};
}
