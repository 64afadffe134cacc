/* mereau-replay: pays a file of recorded payments through a running node and compares the books.
 * scripts/replay starts the node round it. */
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bench/replay/run.h"
#include "common/amount_text.h"
#include "common/file.h"
#include "common/term.h"

enum { CONNECTIONS = 16, LINES_SHOWN = 8 };

static void cmd_found(struct command *c, struct out *out)
{
    const enum mr_status st = ledger_found(c->args[0]);
    if (st != MR_OK)
        out_fail(out, st, "%s: %s", c->args[0], mr_status_text(st));
}

/* --- the report ------------------------------------------------------------------------------- */

static void tell_rounding(struct out *out, const struct payments *b)
{
    char added[FRACTION_TEXT_MAX];
    fraction_text(added, &b->added);
    out_print(out,
              "rounding: %" PRIu64 " amounts had more than %d decimals and were rounded half "
              "to even, which added %s in all; %" PRIu64 " of them came to zero\n",
              b->rounded, BOOK_DECIMALS, added, b->lost);
    out_int(out, "rounded_rows", (int64_t)b->rounded);
    out_text(out, "rounding_added", added);
}

static void tell_kinds(struct out *out, const struct payments *b)
{
    static const struct table_column columns[] = {
        {"kind", false}, {"rows", true}, {"replayed", true}, {"sum replayed", true}};
    struct table *t = table_create(columns, 4);
    for (int k = 0; t != NULL && k < ROW_KINDS; k++) {
        char numbers[2][24], amount[AMOUNT_PEOPLE_MAX];
        uint64_t rows = 0, settled = 0;
        int64_t sum = 0;
        for (size_t i = 0; i < b->count; i++) {
            if (b->rows[i].kind != (enum row_kind)k || b->rows[i].reason == REASON_COLUMNS ||
                b->rows[i].reason == REASON_KIND)
                continue;
            rows++;
            settled += b->rows[i].settled ? 1 : 0;
            sum += b->rows[i].settled ? b->rows[i].minor : 0;
        }
        snprintf(numbers[0], sizeof numbers[0], "%" PRIu64, rows);
        snprintf(numbers[1], sizeof numbers[1], "%" PRIu64, settled);
        amount_text(amount, sum, BOOK_DECIMALS, NULL);
        const char *const cells[] = {payments_kind_text((enum row_kind)k), numbers[0], numbers[1],
                                     amount};
        table_add(t, cells);
    }
    table_print(out, t);
}

/* Rows that were not replayed: how many, why, where. */
static uint64_t tell_left(struct out *out, const struct payments *b)
{
    uint64_t all = 0;
    for (int why = REASON_NONE + 1; why < REASONS; why++) {
        uint64_t rows = 0;
        char lines[256] = "";
        size_t n = 0;
        for (size_t i = 0; i < b->count; i++) {
            if (b->rows[i].reason != (enum reason)why)
                continue;
            if (rows++ < LINES_SHOWN)
                n += (size_t)snprintf(lines + n, sizeof lines - n, " %" PRIu64, b->rows[i].line);
        }
        if (rows > 0)
            out_print(out, "not replayed: %" PRIu64 " row%s, %s (line%s%s%s)\n", rows,
                      rows == 1 ? "" : "s", payments_reason_text((enum reason)why),
                      rows == 1 ? "" : "s", lines, rows > LINES_SHOWN ? " ..." : "");
        all += rows;
    }
    if (all == 0)
        out_print(out, "not replayed: no row\n");
    return all;
}

static enum mr_status write_left(const char *dir, const struct payments *b)
{
    char path[FILE_PATH_MAX];
    enum mr_status st = path_join(path, dir, "replay-left.csv");
    FILE *f = st == MR_OK ? fopen(path, "we") : NULL;
    if (f == NULL)
        return MR_IO_ERROR;
    fprintf(f, "line,id,time,reason\n");
    for (size_t i = 0; i < b->count; i++)
        if (b->rows[i].reason != REASON_NONE)
            fprintf(f, "%" PRIu64 ",%s,%s,%s\n", b->rows[i].line, b->rows[i].id, b->rows[i].time,
                    payments_reason_text(b->rows[i].reason));
    return fclose(f) == 0 ? MR_OK : MR_IO_ERROR;
}

static void tell(struct out *out, const struct payments *b, const struct run_result *r,
                 const char *dir)
{
    const uint64_t ms = r->paid_ms == 0 ? 1 : r->paid_ms;
    out_print(out,
              "%zu rows of %u accounts; accounts opened in %.1f s, rows paid in %.1f s "
              "(%.0f rows a second)\n\n",
              b->count, b->accounts.count, (double)r->opened_ms / 1000, (double)ms / 1000,
              (double)b->count * 1000 / (double)ms);
    tell_kinds(out, b);
    out_print(out, "\n");
    const uint64_t left = tell_left(out, b);
    tell_rounding(out, b);
    out_print(out,
              "times: the file's are %s to %s; the orders are dated today, and\n"
              "       %s/replay-map.csv has the order of every row beside its own time\n",
              b->count > 0 ? b->rows[0].time : "", b->count > 0 ? b->rows[b->count - 1].time : "",
              dir);
    out_int(out, "rows", (int64_t)b->count);
    out_int(out, "left", (int64_t)left);
    out_int(out, "accounts", b->accounts.count);
    out_int(out, "orders", (int64_t)r->orders);
}

/* --- run -------------------------------------------------------------------------------------- */

static enum mr_status pay(struct command *c, struct out *out, struct payments *b,
                          const struct ledger *l, const char *dir, int64_t connections)
{
    char path[FILE_PATH_MAX], control[FILE_PATH_MAX];
    struct run_result result;
    enum mr_status st = path_join(control, dir, "run/control.sock");
    if (st == MR_OK)
        st = path_join(path, dir, "replay-map.csv");
    FILE *map = st == MR_OK ? fopen(path, "we") : NULL;
    if (map == NULL)
        return out_fail(out, MR_IO_ERROR, "%s cannot be written", path);
    const struct run_config config = {.address = opt_text(c, "node"),
                                      .control = control,
                                      .connections = (unsigned)connections,
                                      .map = map};
    st = run_book(&result, b, l, &config, c);
    if (fclose(map) != 0 && st == MR_OK)
        st = MR_IO_ERROR;
    if (st != MR_OK)
        return out_fail(out, st, "%s", result.trouble);
    st = write_left(dir, b);
    if (st != MR_OK)
        return out_fail(out, st, "%s/replay-left.csv cannot be written", dir);
    tell(out, b, &result, dir);
    return MR_OK;
}

static void compare(struct command *c, struct out *out, const struct payments *b,
                    const struct ledger *l, const char *dir)
{
    char program[FILE_PATH_MAX], control[FILE_PATH_MAX], own[FILE_PATH_MAX];
    const char *given = opt_text(c, "audit");
    enum mr_status st = path_join(control, dir, "run/control.sock");
    if (st == MR_OK)
        st = path_program_dir(own);
    if (st == MR_OK)
        st = path_join(program, own, given != NULL ? given : "mereau-audit");
    if (st == MR_OK)
        st = compare_books(out, c, b, l, program, control);
    if (st == MR_CHECK_FAILED)
        out_fail(out, st, "the audit does not agree with the file");
    else if (st != MR_OK)
        out_fail(out, st, "%s did not answer: %s", program, mr_status_text(st));
    else
        out_print(out, "the audit agrees with the file\n");
}

static void cmd_run(struct command *c, struct out *out)
{
    const char *dir = c->args[0], *path = c->args[1];
    int64_t limit = 0, connections = CONNECTIONS;
    struct payments b;
    enum mr_status st = opt_int(c, out, &limit, "limit", 1, NO_ROW - 1);
    if (st == MR_OK || st == MR_NOT_FOUND)
        st = opt_int(c, out, &connections, "connections", 1, POOL_CONNS_MAX);
    if (st != MR_OK && st != MR_NOT_FOUND)
        return;
    if (opt_text(c, "node") == NULL) {
        out_fail(out, MR_USAGE, "--node HOST:PORT is needed");
        return;
    }
    st = payments_read(&b, path, (uint64_t)limit, false);
    if (st != MR_OK) {
        out_fail(out, st, "%s: %s", path,
                 st == MR_BAD_TEXT ? "the first line must name the columns kind, payer, payee and "
                                     "amount (or transfer_subtype, source, target and weight)"
                                   : mr_status_text(st));
        payments_done(&b);
        return;
    }
    struct ledger *l = calloc(1, sizeof *l);
    st = l == NULL ? MR_NO_MEMORY : ledger_read(l, dir);
    if (st != MR_OK)
        out_fail(out, st, "%s: %s", dir, mr_status_text(st));
    else if (pay(c, out, &b, l, dir, connections) == MR_OK)
        compare(c, out, &b, l, dir);
    if (l != NULL)
        ledger_done(l);
    free(l);
    payments_done(&b);
}

static const struct option_row run_options[] = {
    {"node", 'n', "HOST:PORT", "wallet port of the node"},
    {"limit", 0, "N", "only the first N rows"},
    {"connections", 0, "N", "connections to the node (default 16)"},
    {"audit", 0, "PROGRAM", "mereau-audit, when it is not beside this program"},
    {0},
};

static const struct command_row commands[] = {
    {"found", cmd_found, "found a currency for a replay in a new directory", "Replay", NULL, "DIR",
     NULL},
    {"run", cmd_run, "pay every row of a file, then compare its sums with the audit's", "Replay",
     run_options, "DIR FILE", NULL},
    {0},
};

static const struct program program = {
    .name = "mereau-replay",
    .summary = "pays a currency's recorded payments through a node",
    .commands = commands,
    .first = "found run",
};

int main(int argc, char **argv)
{
    if (sodium_init() < 0)
        return EXIT_HOST;
    return command_main(&program, argc, argv);
}
