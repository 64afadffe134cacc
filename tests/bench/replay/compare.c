/* The file's sums beside the auditor's. */
#include <inttypes.h>
#include <jansson.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/replay/run.h"
#include "common/amount_text.h"
#include "common/term.h"
#include "mereau/id.h"

enum { SHOWN_MAX = 10 };

extern char **environ;

/* What one account received, gave and has. */
struct sums {
    int64_t in, out;
};

struct kind_sums {
    uint64_t rows;
    int64_t sum;
};

/* --- the auditor's program -------------------------------------------------------------------- */

static FILE *start(pid_t *ret, const char *program, const char *command, const char *control)
{
    const char *const argv[] = {program, command, "--json", "--quiet", "--control", control, NULL};
    int ends[2];
    posix_spawn_file_actions_t files;
    if (pipe(ends) != 0)
        return NULL;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&files, ends[0]);
    posix_spawn_file_actions_addclose(&files, ends[1]);
    const int rc = posix_spawn(ret, program, &files, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    FILE *f = rc == 0 ? fdopen(ends[0], "r") : NULL;
    if (f == NULL)
        close(ends[0]);
    return f;
}

/* Its exit code; -1: it did not end by itself. */
static int finish(FILE *f, pid_t pid)
{
    int status = 0;
    fclose(f);
    while (waitpid(pid, &status, 0) < 0)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- accounts --------------------------------------------------------------------------------- */

struct index_row {
    uint8_t id[16];
    uint32_t member;
};

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static struct index_row *make_index(const struct ledger *l, uint32_t members)
{
    struct index_row *rows = malloc((members + 1) * sizeof *rows);
    for (uint32_t i = 0; rows != NULL && i < members; i++) {
        ledger_member_id(l, i, rows[i].id);
        rows[i].member = i;
    }
    if (rows != NULL)
        qsort(rows, members, sizeof *rows, by_id);
    return rows;
}

static void add_posting(struct sums *sums, const struct index_row *index, uint32_t members,
                        json_t *posting)
{
    uint8_t id[16];
    const char *account = json_string_value(json_object_get(posting, "account"));
    const int64_t delta = json_integer_value(json_object_get(posting, "delta"));
    if (account == NULL || json_integer_value(json_object_get(posting, "unit")) != REPLAY_UNIT ||
        mr_hex_parse(id, sizeof id, account) != MR_OK)
        return;
    const struct index_row *row = bsearch(id, index, members, sizeof *index, by_id);
    if (row == NULL)
        return;
    sums[row->member].in += delta > 0 ? delta : 0;
    sums[row->member].out -= delta < 0 ? delta : 0;
}

/* Every posting of the dump, added up. MR_OK or MR_IO_ERROR. */
static enum mr_status read_accounts(struct sums *ret, struct command *c, const struct ledger *l,
                                    uint32_t members, uint64_t rows, const char *program,
                                    const char *control)
{
    struct progress p;
    pid_t pid;
    char *line = NULL;
    size_t cap = 0;
    uint64_t seen = 0;
    struct index_row *index = make_index(l, members);
    FILE *f = index != NULL ? start(&pid, program, "dump", control) : NULL;
    progress_begin(&p, c, "adding up the audited postings", rows);
    while (f != NULL && getline(&line, &cap, f) > 0) {
        if (strstr(line, "\"postings\"") == NULL)
            continue;
        json_t *o = json_loads(line, 0, NULL), *posting;
        json_t *settled =
            json_object_get(json_object_get(json_object_get(o, "record"), "settled"), "postings");
        size_t i;
        json_array_foreach(settled, i, posting) add_posting(ret, index, members, posting);
        json_decref(o);
        progress_update(&p, ++seen);
    }
    progress_end(&p);
    free(line);
    free(index);
    return f != NULL && finish(f, pid) == 0 ? MR_OK : MR_IO_ERROR;
}

/* --- the file --------------------------------------------------------------------------------- */

static void sum_file(struct kind_sums kinds[ROW_KINDS], struct sums *sums, const struct payments *b)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct row *r = &b->rows[i];
        if (!r->settled)
            continue;
        kinds[r->kind].rows++;
        kinds[r->kind].sum += r->minor;
        if (r->payer != NO_MEMBER)
            sums[r->payer].out += r->minor;
        if (r->payee != NO_MEMBER)
            sums[r->payee].in += r->minor;
    }
}

/* --- side by side ----------------------------------------------------------------------------- */

static void line(struct table *t, const char *what, uint64_t rows, int64_t sum, uint64_t orders,
                 int64_t audited)
{
    char numbers[2][24], amounts[2][AMOUNT_PEOPLE_MAX];
    snprintf(numbers[0], sizeof numbers[0], "%" PRIu64, rows);
    snprintf(numbers[1], sizeof numbers[1], "%" PRIu64, orders);
    amount_text(amounts[0], sum, BOOK_DECIMALS, NULL);
    amount_text(amounts[1], audited, BOOK_DECIMALS, NULL);
    const char *const cells[] = {what,       numbers[0], amounts[0],
                                 numbers[1], amounts[1], sum == audited ? "agree" : "DIFFER"};
    table_add(t, cells);
}

static int64_t audited(json_t *kinds, const char *kind, uint64_t *ret_count)
{
    json_t *k = json_object_get(kinds, kind);
    *ret_count = (uint64_t)json_integer_value(json_object_get(k, "count"));
    return json_integer_value(json_array_get(json_object_get(k, "sum_minor"), REPLAY_UNIT));
}

static bool compare_kinds(struct out *out, json_t *totals, const struct kind_sums k[ROW_KINDS])
{
    static const struct table_column columns[] = {{"kind", false},
                                                  {"rows", true},
                                                  {"sum of the file", true},
                                                  {"orders", true},
                                                  {"sum of the audit", true},
                                                  {"", false}};
    static const struct {
        const char *text, *kind;
        bool redeem;
        enum row_kind row;
    } rows[] = {{"issue", "issue", false, ROW_ISSUE},
                {"pay", "pay", false, ROW_PAY},
                {"redeem + reclaim", "redeem", true, ROW_REDEEM},
                {"paid out", "payout", true, ROW_REDEEM}};
    json_t *kinds = json_object_get(totals, "kinds");
    struct table *t = table_create(columns, 6);
    bool same = t != NULL;
    for (size_t i = 0; t != NULL && i < sizeof rows / sizeof rows[0]; i++) {
        struct kind_sums file = k[rows[i].row];
        uint64_t orders;
        if (rows[i].redeem) {
            file.rows += k[ROW_RECLAIM].rows;
            file.sum += k[ROW_RECLAIM].sum;
        }
        const int64_t sum = audited(kinds, rows[i].kind, &orders);
        line(t, rows[i].text, file.rows, file.sum, orders, sum);
        same = same && sum == file.sum && (rows[i].row == ROW_ISSUE || orders == file.rows);
    }
    out_print(out, "\n");
    table_print(out, t);
    return same;
}

static uint32_t compare_accounts(struct out *out, const struct payments *b, const struct sums *file,
                                 const struct sums *audit)
{
    uint32_t differ = 0;
    for (uint32_t i = 0; i < b->accounts.count; i++) {
        char text[4][AMOUNT_PEOPLE_MAX];
        if (file[i].in == audit[i].in && file[i].out == audit[i].out)
            continue;
        if (differ++ >= SHOWN_MAX)
            continue;
        amount_text(text[0], file[i].in, BOOK_DECIMALS, NULL);
        amount_text(text[1], file[i].out, BOOK_DECIMALS, NULL);
        amount_text(text[2], audit[i].in, BOOK_DECIMALS, NULL);
        amount_text(text[3], audit[i].out, BOOK_DECIMALS, NULL);
        out_print(out, "  %s: received %s, gave %s; audited %s and %s\n", b->accounts.names[i],
                  text[0], text[1], text[2], text[3]);
    }
    return differ;
}

static enum mr_status verify(json_t **ret, const char *program, const char *control)
{
    pid_t pid;
    FILE *f = start(&pid, program, "verify", control);
    if (f == NULL)
        return MR_IO_ERROR;
    *ret = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
    const int code = finish(f, pid);
    return *ret == NULL ? MR_IO_ERROR : code == 0 ? MR_OK : MR_CHECK_FAILED;
}

enum mr_status compare_books(struct out *out, struct command *c, const struct payments *b,
                             const struct ledger *l, const char *program, const char *control)
{
    struct kind_sums kinds[ROW_KINDS] = {0};
    struct sums *file = calloc(b->accounts.count + 1, sizeof *file);
    struct sums *audit = calloc(b->accounts.count + 1, sizeof *audit);
    json_t *report = NULL;
    enum mr_status st = file == NULL || audit == NULL ? MR_NO_MEMORY : MR_OK;
    if (st == MR_OK) {
        sum_file(kinds, file, b);
        st = verify(&report, program, control);
    }
    if (st == MR_OK)
        st = read_accounts(audit, c, l, b->accounts.count, b->count, program, control);
    if (st == MR_OK) {
        json_t *totals = json_object_get(report, "totals");
        const bool same = compare_kinds(out, totals, kinds);
        const uint32_t differ = compare_accounts(out, b, file, audit);
        out_print(out, "\naccounts: %u of %u agree in what they received, gave and have\n",
                  b->accounts.count - differ, b->accounts.count);
        out_print(out,
                  "audit: %" JSON_INTEGER_FORMAT " findings, %" JSON_INTEGER_FORMAT
                  " signatures verified\n",
                  json_integer_value(json_object_get(report, "findings_total")),
                  json_integer_value(json_object_get(totals, "signatures")));
        out_int(out, "accounts_differ", differ);
        st = same && differ == 0 ? MR_OK : MR_CHECK_FAILED;
    }
    json_decref(report);
    free(file);
    free(audit);
    return st;
}
