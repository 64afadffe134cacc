/* CSV and JSON lines: one table in a file, or several. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "audit/export_cells.h"
#include "audit/export_file.h"
#include "audit/export_folder.h"

struct files {
    struct export_run *run;
    struct export_sink sink;
    bool json, folder;
    struct export_file file;  /* all tables, or */
    struct export_folder dir; /* a file each */
};

static FILE *file_of(struct files *w, enum export_table_id table)
{
    return w->folder ? w->dir.files[table] : w->file.f;
}

static enum mr_status row(void *ctx, enum export_table_id table, const struct export_cell *cells)
{
    struct files *const w = ctx;
    FILE *const f = file_of(w, table);
    enum mr_status st = MR_OK;
    if (w->json)
        st = export_json_row(f, table, cells);
    else
        export_csv_row(f, table, cells);
    if (st != MR_OK)
        return out_fail(w->run->out, st, NULL);
    return ferror(f) == 0 ? MR_OK
                          : export_cannot_write(w->run->out, opt_text(w->run->c, "output"), errno);
}

/* --table: all of them in JSON lines, movements in CSV when it is not given. */
static enum mr_status choose(struct files *w)
{
    const char *const given = opt_text(w->run->c, "table");
    const char *const name = given != NULL ? given : w->json ? "all" : "movements";
    const bool all = strcmp(name, "all") == 0;
    const enum export_table_id one = all ? EXPORT_TABLES : export_table_named(name);
    if (!all && one == EXPORT_TABLES)
        return out_fail(w->run->out, MR_USAGE,
                        _("there is no table \"%s\": movements, postings, orders, accounts, "
                          "balances, associations, kinds, units, or all"),
                        name);
    for (unsigned t = 0; t < EXPORT_TABLES; t++)
        w->sink.wants[t] = all || t == one;
    w->folder = all && !w->json;
    return MR_OK;
}

static enum mr_status open_files(struct files *w)
{
    enum mr_status st = w->folder ? export_folder_open(&w->dir, w->run, ".csv")
                                  : export_file_open(&w->file, w->run);
    for (unsigned t = 0; t < EXPORT_TABLES && st == MR_OK && !w->json; t++) {
        if (w->sink.wants[t])
            export_csv_head(file_of(w, (enum export_table_id)t), (enum export_table_id)t);
    }
    return st;
}

static enum mr_status begin(struct export_run *run, bool json)
{
    struct files *const w = calloc(1, sizeof *w);
    run->state = w;
    if (w == NULL)
        return out_fail(run->out, MR_NO_MEMORY, NULL);
    w->run = run;
    w->json = json;
    w->sink.ctx = w;
    w->sink.row = row;
    enum mr_status st = choose(w);
    if (st == MR_OK)
        st = open_files(w);
    return st == MR_OK ? export_rows_fixed(run, &w->sink) : st;
}

static enum mr_status begin_csv(struct export_run *run)
{
    return begin(run, false);
}

static enum mr_status begin_jsonl(struct export_run *run)
{
    return begin(run, true);
}

static enum mr_status slot(struct export_run *run, const struct export_slot *slot)
{
    struct files *const w = run->state;
    return slot->in_range ? export_rows_order(run, &w->sink, slot) : MR_OK;
}

/* As they stand at the end of the book. */
static enum mr_status end_rows(struct files *w)
{
    size_t count = 0;
    enum mr_status st = MR_OK;
    const uint32_t associations = mr_audit_charter(w->run->audit)->associations_count;
    for (uint32_t i = 0; i < associations && st == MR_OK; i++)
        st = export_rows_association(w->run, &w->sink, i);
    struct export_account **const all = export_accounts_sorted(w->run, &count);
    if (all == NULL)
        return out_fail(w->run->out, MR_NO_MEMORY, NULL);
    for (size_t i = 0; i < count && st == MR_OK; i++)
        st = export_rows_account(w->run, &w->sink, all[i]);
    for (size_t i = 0; i < count && st == MR_OK; i++)
        st = export_rows_balances(w->run, &w->sink, all[i]);
    free(all);
    return st;
}

static enum mr_status publish(struct export_run *run)
{
    struct files *const w = run->state;
    const enum mr_status st = end_rows(w);
    if (st != MR_OK)
        return st;
    return w->folder ? export_folder_publish(&w->dir, run) : export_file_publish(&w->file, run);
}

static void end(struct export_run *run)
{
    struct files *const w = run->state;
    if (w == NULL)
        return;
    if (w->folder)
        export_folder_end(&w->dir);
    else
        export_file_end(&w->file);
    free(w);
}

const struct export_format export_csv = {.name = "csv",
                                         .has_range = true,
                                         .begin = begin_csv,
                                         .slot = slot,
                                         .publish = publish,
                                         .end = end};

const struct export_format export_jsonl = {.name = "jsonl",
                                           .has_range = true,
                                           .begin = begin_jsonl,
                                           .slot = slot,
                                           .publish = publish,
                                           .end = end};
