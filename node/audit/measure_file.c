/* A file of recorded payments as a table: its own definitions of accounts, and what it lacks. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "audit/measure.h"
#include "common/file.h"
#include "common/heap.h"
#include "common/term.h"

enum { LINES_SHOWN = 100, FILE_BYTES_MAX = 1 << 30, ISSUER = 0, FIRST_MEMBER = 1, FIELDS_MAX = 16 };

struct measure_file {
    struct payments payments;
    char *list_text; /* of --accounts */
    struct mr_stats_account *accounts;
    size_t rows; /* that are measured */
    const char **labels;
    uint32_t labels_count;
    uint64_t *time_ms;
    uint32_t *from, *to;
    int64_t *amount;
    uint8_t *kind, *unit;
};

const char *measure_file_name(const struct measure_file *f, uint32_t account)
{
    return account < FIRST_MEMBER ? "" : f->payments.accounts.names[account - FIRST_MEMBER];
}

uint64_t measure_file_left(const struct measure_file *f)
{
    return f->payments.count - f->rows;
}

void measure_file_close(struct measure_file *f)
{
    if (f == NULL)
        return;
    void *const all[] = {f->list_text, f->accounts, f->labels, f->time_ms, f->from,
                         f->to,        f->amount,   f->kind,   f->unit};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    payments_done(&f->payments);
    free(f);
}

/* --- columns ---------------------------------------------------------------------------------- */

static uint32_t number(uint32_t member)
{
    return member == NO_MEMBER ? ISSUER : FIRST_MEMBER + member;
}

static uint8_t kind_of(const struct row *r)
{
    if (r->kind == ROW_ISSUE)
        return r->assigned ? MR_STATS_ASSIGNED : MR_STATS_ISSUE;
    return r->kind == ROW_PAY      ? MR_STATS_PAY
           : r->kind == ROW_REDEEM ? MR_STATS_REDEEM
                                   : MR_STATS_OTHER;
}

/* Places of the rows that count, and their times. */
static size_t usable(const struct payments *p, uint64_t *times, uint32_t *rows)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (p->rows[i].reason != REASON_NONE)
            continue;
        times[n] = p->rows[i].time_ms;
        rows[n++] = (uint32_t)i;
    }
    return n;
}

/* Rows of one moment stay in the order of the file. */
static int by_row(void *ctx, size_t a, size_t b)
{
    (void)ctx;
    return a < b ? -1 : a > b;
}

static bool fill(struct measure_file *f, size_t n, const uint64_t *times, const uint32_t *rows,
                 const uint32_t *place)
{
    f->time_ms = malloc((n + 1) * sizeof *f->time_ms);
    f->from = malloc((n + 1) * sizeof *f->from);
    f->to = malloc((n + 1) * sizeof *f->to);
    f->amount = malloc((n + 1) * sizeof *f->amount);
    f->kind = malloc(n + 1);
    f->unit = calloc(n + 1, 1);
    if (f->time_ms == NULL || f->from == NULL || f->to == NULL || f->amount == NULL ||
        f->kind == NULL || f->unit == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct row *const r = &f->payments.rows[rows[place[i]]];
        f->time_ms[i] = times[place[i]];
        f->kind[i] = kind_of(r);
        f->from[i] = number(r->kind == ROW_ISSUE ? NO_MEMBER : r->payer);
        f->to[i] = number(r->kind == ROW_ISSUE || r->kind == ROW_PAY ? r->payee : NO_MEMBER);
        f->amount[i] = r->minor;
    }
    return true;
}

static bool make_columns(struct measure_file *f, size_t *ret_rows)
{
    const size_t count = f->payments.count;
    uint64_t *const times = malloc((count + 1) * sizeof *times);
    uint32_t *const rows = malloc((count + 1) * sizeof *rows);
    uint32_t *const place = malloc((count + 1) * sizeof *place);
    bool done = times != NULL && rows != NULL && place != NULL;
    if (done) {
        *ret_rows = usable(&f->payments, times, rows);
        done = mr_stats_sort(place, &heap, times, *ret_rows, by_row, NULL) == MR_OK &&
               fill(f, *ret_rows, times, rows, place);
    }
    free(times);
    free(rows);
    free(place);
    return done;
}

/* --- accounts --------------------------------------------------------------------------------- */

static bool make_accounts(struct measure_file *f, size_t rows)
{
    const uint32_t n = f->payments.accounts.count + FIRST_MEMBER;
    f->accounts = calloc(n, sizeof *f->accounts);
    if (f->accounts == NULL)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct mr_stats_account *const x = &f->accounts[i];
        const char *const name =
            i < FIRST_MEMBER ? "" : f->payments.accounts.names[i - FIRST_MEMBER];
        crypto_generichash(x->id, sizeof x->id, (const uint8_t *)name, strlen(name), NULL, 0);
        x->class = i == ISSUER ? MR_CLASS_ISSUER : MR_STATS_CLASS_UNKNOWN;
        x->association = x->trade = x->town = MR_STATS_NONE;
        x->opened_ms = i == ISSUER ? 0 : UINT64_MAX;
    }
    for (size_t i = rows; i-- > 0;) { /* the first movement opens */
        f->accounts[f->from[i]].opened_ms = f->from[i] == ISSUER ? 0 : f->time_ms[i];
        f->accounts[f->to[i]].opened_ms = f->to[i] == ISSUER ? 0 : f->time_ms[i];
    }
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct listed {
    uint32_t account, class;
    const char *trade, *town;
};

static uint32_t label(const struct measure_file *f, const char *text)
{
    if (*text == '\0')
        return MR_STATS_NONE;
    const char **const at = bsearch(&text, f->labels, f->labels_count, sizeof *f->labels, by_text);
    return (uint32_t)(at - f->labels);
}

static bool give_labels(struct measure_file *f, const struct listed *list, size_t count)
{
    size_t n = 0;
    f->labels = malloc((2 * count + 1) * sizeof *f->labels);
    if (f->labels == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        f->labels[n++] = list[i].trade;
        f->labels[n++] = list[i].town;
    }
    if (n > 0)
        qsort(f->labels, n, sizeof *f->labels, by_text);
    for (size_t i = 0; i < n; i++) {
        if (*f->labels[i] != '\0' &&
            (f->labels_count == 0 || strcmp(f->labels[f->labels_count - 1], f->labels[i]) != 0))
            f->labels[f->labels_count++] = f->labels[i];
    }
    for (size_t i = 0; i < count; i++) {
        struct mr_stats_account *const x = &f->accounts[list[i].account];
        x->class = list[i].class;
        x->trade = label(f, list[i].trade);
        x->town = label(f, list[i].town);
    }
    return true;
}

static bool class_of(const char *text, uint32_t *ret)
{
    for (uint32_t c = MR_CLASS_RESIDENT; c <= MR_CLASS_FUND; c++) {
        if (strcasecmp(text, mr_account_class_text((enum mr_account_class)c)) == 0) {
            *ret = c;
            return true;
        }
    }
    return false;
}

enum { LIST_ACCOUNT, LIST_CLASS, LIST_TRADE, LIST_TOWN, LIST_COLUMNS };

static bool list_head(int columns[LIST_COLUMNS], size_t *ret_fields, char *line, char separator)
{
    static const char *const names[] = {"account", "class", "trade", "town"};
    char *fields[FIELDS_MAX];
    *ret_fields = payments_fields(fields, FIELDS_MAX, line, separator);
    for (size_t k = 0; k < LIST_COLUMNS; k++) {
        columns[k] = -1;
        for (size_t i = 0; i < *ret_fields && i < FIELDS_MAX; i++)
            columns[k] = strcasecmp(fields[i], names[k]) == 0 ? (int)i : columns[k];
    }
    return columns[LIST_ACCOUNT] >= 0 && columns[LIST_CLASS] >= 0 && *ret_fields <= FIELDS_MAX;
}

/* The list while it is read. */
struct list_file {
    struct listed *lines; /* of accounts that payments name */
    size_t count, width;
    struct name_set seen; /* also of those that no payment names */
    int columns[LIST_COLUMNS];
    char separator;
};

static bool read_listed(const struct measure_file *f, struct listed *ret,
                        const int columns[LIST_COLUMNS], char *const fields[])
{
    const uint32_t member = payments_member(&f->payments, fields[columns[LIST_ACCOUNT]]);
    ret->account = number(member);
    ret->trade = columns[LIST_TRADE] < 0 ? "" : fields[columns[LIST_TRADE]];
    ret->town = columns[LIST_TOWN] < 0 ? "" : fields[columns[LIST_TOWN]];
    return class_of(fields[columns[LIST_CLASS]], &ret->class);
}

/* One line of the list; l->count grows when a payment names its account. What is wrong with it, or
 * NULL. */
static const char *take_listed(const struct measure_file *f, struct list_file *l, char *line)
{
    char *fields[FIELDS_MAX];
    bool is_new = true;
    struct listed *const x = &l->lines[l->count];
    if (payments_fields(fields, FIELDS_MAX, line, l->separator) != l->width)
        return _("it has not the columns of the first line");
    for (size_t k = 0; k < LIST_COLUMNS; k++) {
        if (l->columns[k] >= 0 && !text_is_clean(fields[l->columns[k]]))
            return _("it is not in UTF-8, or has signs that cannot be shown");
    }
    if (!read_listed(f, x, l->columns, fields))
        return _("the class is none of resident, shop, association, municipality, office and fund");
    const char *const name = fields[l->columns[LIST_ACCOUNT]];
    if (name[0] != '\0' && name_set_add(&l->seen, name, &is_new) == NO_NAME)
        return status_sentence(MR_NO_MEMORY);
    if (!is_new)
        return _("its account stood in a line before");
    l->count += x->account == ISSUER ? 0 : 1;
    return NULL;
}

static enum mr_status take_list(struct measure_file *f, struct out *out, const char *path,
                                struct list_file *l, char *at)
{
    char *line = payments_line(&at);
    l->separator = payments_separator(line == NULL ? "" : line);
    if (line == NULL || !list_head(l->columns, &l->width, line, l->separator))
        return out_fail(out, MR_BAD_TEXT,
                        _("%s: the first line must name the columns account and "
                          "class, and may name trade and town"),
                        path);
    for (unsigned long long n = 2; (line = payments_line(&at)) != NULL; n++) {
        const char *const wrong = *line == '\0' ? NULL : take_listed(f, l, line);
        if (wrong == NULL)
            continue;
        out_int(out, "line", (json_int_t)n);
        return out_fail(out, MR_BAD_TEXT, _("%s, line %llu: %s"), path, n, wrong);
    }
    return give_labels(f, l->lines, l->count) ? MR_OK : out_fail(out, MR_NO_MEMORY, NULL);
}

static enum mr_status no_text(struct out *out, const char *path, uint64_t line)
{
    out_int(out, "line", (json_int_t)line);
    return out_fail(out, MR_BAD_TEXT,
                    _("%s, line %llu: this is no text in UTF-8 (a byte of zero); save it as CSV in "
                      "UTF-8"),
                    path, (unsigned long long)line);
}

/* Every line must be right: a class that is misread would be a figure that is wrong. Accounts that
 * no payment names are passed over. */
static enum mr_status read_list(struct measure_file *f, struct out *out, const char *path)
{
    struct list_file l = {0};
    size_t len, cap = 1;
    uint64_t bad_line;
    enum mr_status st = file_read((uint8_t **)&f->list_text, &len, path, FILE_BYTES_MAX);
    if (st != MR_OK)
        return out_fail(out, st, _("%s cannot be read: %s"), path, status_sentence(st));
    char *const at = payments_begin(f->list_text, len, &bad_line);
    if (bad_line > 0)
        return no_text(out, path, bad_line);
    for (size_t i = 0; i < len; i++)
        cap += f->list_text[i] == '\n' ? 1 : 0;
    l.lines = malloc(cap * sizeof *l.lines);
    st = l.lines == NULL ? out_fail(out, MR_NO_MEMORY, NULL) : take_list(f, out, path, &l, at);
    free(l.lines);
    name_set_done(&l.seen);
    return st;
}

/* --- what is told ----------------------------------------------------------------------------- */

/* The lines of the rows that have one reason, as JSON and as words, the first of them. */
static uint64_t lines_of(const struct payments *p, enum reason why, json_t *lines, char *text,
                         size_t size)
{
    size_t n = 0;
    uint64_t count = 0, written = 0;
    text[0] = '\0';
    for (size_t i = 0; i < p->count; i++) {
        if (p->rows[i].reason != why)
            continue;
        if (count++ >= LINES_SHOWN)
            continue;
        json_array_append_new(lines, json_integer((json_int_t)p->rows[i].line));
        if (n < size - 32) {
            n += (size_t)snprintf(text + n, size - n, " %llu", (unsigned long long)p->rows[i].line);
            written++;
        }
    }
    if (written < count)
        snprintf(text + n, size - n, " ...");
    return count;
}

static uint64_t tell_left(struct out *out, const struct payments *p)
{
    json_t *const reasons = json_array();
    uint64_t all = 0;
    for (int why = REASON_NONE + 1; why < REASONS; why++) {
        json_t *const lines = json_array();
        char text[160];
        const uint64_t count = lines_of(p, (enum reason)why, lines, text, sizeof text);
        const char *const reason = payments_reason_text((enum reason)why);
        if (count > 0) {
            out_note(out,
                     ngettext("left out: %llu row, %s (line%s)",
                              "left out: %llu rows, %s (lines%s)", count),
                     (unsigned long long)count, _(reason), text);
            json_array_append_new(reasons, json_pack("{s:s,s:I,s:O}", "reason", reason, "rows",
                                                     (json_int_t)count, "lines", lines));
        }
        json_decref(lines);
        all += count;
    }
    out_json(out, "left_out", reasons);
    return all;
}

static void tell(struct out *out, const struct payments *p, size_t used)
{
    char added[FRACTION_TEXT_MAX];
    fraction_text(added, &p->added);
    out_int(out, "rows", (json_int_t)p->count);
    out_int(out, "rows_used", (json_int_t)used);
    out_int(out, "rows_rounded", (json_int_t)p->rounded);
    out_text(out, "rounding_added", added);
    const uint64_t left = tell_left(out, p);
    if (left > 0)
        out_warn(out, "rows", "rows of the file were left out",
                 ngettext("%llu row of %llu was left out", "%llu rows of %llu were left out", left),
                 (unsigned long long)left, (unsigned long long)p->count);
    if (p->rounded > 0)
        out_note(out,
                 ngettext("%llu amount had more than two decimals and was rounded half to even, "
                          "which added %s",
                          "%llu amounts had more than two decimals and were rounded half to even, "
                          "which added %s in all",
                          p->rounded),
                 (unsigned long long)p->rounded, added);
}

/* Why a file was not even begun. */
static enum mr_status refuse(struct out *out, const struct payments *p, const char *path)
{
    if (p->bad_line > 0)
        return no_text(out, path, p->bad_line);
    if (p->twice != NULL)
        return out_fail(out, MR_BAD_TEXT, _("%s: the first line names the column \"%s\" twice"),
                        path, p->twice);
    return out_fail(out, MR_BAD_TEXT,
                    _("%s: the first line must name the columns time, kind, payer, "
                      "payee and amount (or timeset, transfer_subtype, source, target "
                      "and weight)"),
                    path);
}

static void fill_table(struct mr_stats_table *t, const struct measure_file *f, size_t rows)
{
    *t = (struct mr_stats_table){.units_count = 1,
                                 .labels = f->labels,
                                 .labels_count = f->labels_count,
                                 .accounts = f->accounts,
                                 .accounts_count = f->payments.accounts.count + FIRST_MEMBER,
                                 .rows = rows,
                                 .time_ms = f->time_ms,
                                 .from = f->from,
                                 .to = f->to,
                                 .amount = f->amount,
                                 .kind = f->kind,
                                 .unit = f->unit};
    t->point.settled = rows;
    t->point.has_state = true;
    t->point.time_ms = rows > 0 ? f->time_ms[rows - 1] : 0;
    memcpy(t->point.state, f->payments.hash, MR_HASH_BYTES);
    t->units[0].decimals = BOOK_DECIMALS;
    t->units[0].role = MR_UNIT_LOCAL;
    if (f->payments.unit != NULL)
        text_cut(t->units[0].code, sizeof t->units[0].code, f->payments.unit);
}

enum mr_status measure_file_open(struct measure *m, const struct command *c, struct out *out,
                                 const char *path)
{
    struct measure_file *const f = m->file = calloc(1, sizeof *f);
    if (f == NULL)
        return out_fail(out, MR_NO_MEMORY, NULL);
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return out_fail(out, MR_USAGE, _("%s is a directory; --from-csv takes a file of payments"),
                        path);
    enum mr_status st = payments_read(&f->payments, path, 0, true);
    if (st == MR_BAD_TEXT || (st == MR_OK && !f->payments.has_time))
        return refuse(out, &f->payments, path);
    if (st != MR_OK)
        return out_fail(out, st, _("%s cannot be read: %s"), path, status_sentence(st));
    if (f->payments.count == 0)
        return out_fail(out, MR_BAD_TEXT, _("%s: no row stands behind the first line"), path);
    if (!make_columns(f, &f->rows) || !make_accounts(f, f->rows))
        return out_fail(out, MR_NO_MEMORY, NULL);
    if (opt_text(c, "accounts") != NULL)
        st = read_list(f, out, opt_text(c, "accounts"));
    if (st != MR_OK)
        return st;
    tell(out, &f->payments, f->rows);
    fill_table(&m->table, f, f->rows);
    return f->rows > 0 ? MR_OK : out_fail(out, MR_BAD_TEXT, _("%s: no row can be used"), path);
}
