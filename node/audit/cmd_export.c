/* export: the book in the formats of others. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "audit/commands.h"
#include "audit/export.h"
#include "common/day.h"
#include "common/file.h"

enum { KEY_FILE_MIN = 16, KEY_FILE_MAX = 4096 };

const struct option_row export_options[] = {
    SOURCE_OPTIONS,
    {"format", 0, "mrx|csv|jsonl|hledger|postgres", N_("what to write (else mrx)")},
    {"output", 'o', N_("FILE"), N_("file to write; - is stdout")},
    {"force", 'f', NULL, N_("replace it when it exists")},
    {"table", 0, N_("NAME"), N_("csv, jsonl: movements, orders ..., or all")},
    {"from", 0, N_("DAY"), N_("first day, like 2027-01-31, UTC")},
    {"to", 0, N_("DAY"), N_("last day")},
    {"database", 0, N_("CONNINFO"), N_("postgres: how libpq finds it, without password")},
    {"schema", 0, N_("NAME"), N_("postgres: schema of the tables (else mereau)")},
    {"batch", 0, N_("N"), N_("postgres: orders in one transaction (10000)")},
    {"pseudonym-key", 0, N_("FILE"), N_("give accounts other pseudonyms, made with this secret")},
    {"base", 'b', N_("SOURCE"), N_("book of an earlier node, for one that joined later")},
    {NULL, 0, NULL, NULL},
};

static const struct export_format *const formats[] = {&export_csv, &export_jsonl, &export_hledger,
                                                      &export_postgres};
enum { FORMATS = sizeof formats / sizeof formats[0] };

/* NULL: reported, or it is mrx. */
static const struct export_format *choose(struct command *c, struct out *out, bool *ret_book)
{
    const char *const name = opt_text(c, "format");
    *ret_book = name == NULL || strcmp(name, "mrx") == 0;
    for (size_t i = 0; i < FORMATS && !*ret_book; i++) {
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    }
    if (!*ret_book)
        out_fail(out, MR_USAGE, _("--format is mrx, csv, jsonl, hledger or postgres, not \"%s\""),
                 name);
    return NULL;
}

static enum mr_status read_day(struct export_run *run, const char *option, bool *ret_given,
                               uint32_t *ret)
{
    const char *const text = opt_text(run->c, option);
    *ret_given = text != NULL;
    if (text == NULL || day_parse(ret, text) == MR_OK)
        return MR_OK;
    return out_fail(run->out, MR_USAGE, _("\"%s\" is no date like 2027-01-31"), text);
}

static enum mr_status read_range(struct export_run *run)
{
    enum mr_status st = read_day(run, "from", &run->has_from, &run->from);
    if (st == MR_OK)
        st = read_day(run, "to", &run->has_to, &run->to);
    if (st != MR_OK)
        return st;
    if ((run->has_from || run->has_to) && !run->format->has_range)
        return out_fail(run->out, MR_USAGE,
                        _("a database gets the whole book, and goes on where it ended: choose days "
                          "there, by ordered_at"));
    if (run->has_from && run->has_to && run->to < run->from)
        return out_fail(run->out, MR_USAGE, _("--to is before --from"));
    return MR_OK;
}

/* Whatever is in the file, hashed to the size of a key. */
static enum mr_status read_key(struct export_run *run)
{
    const char *const path = opt_text(run->c, "pseudonym-key");
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (path == NULL)
        return MR_OK;
    const enum mr_status st = file_read(&bytes, &len, path, KEY_FILE_MAX);
    if (st != MR_OK)
        return out_fail(run->out, st, _("%s cannot be read: %s"), path, status_sentence(st));
    run->has_key = len >= KEY_FILE_MIN;
    if (run->has_key)
        crypto_generichash(run->key, sizeof run->key, bytes, len, NULL, 0);
    sodium_memzero(bytes, len);
    free(bytes);
    if (run->has_key)
        return MR_OK;
    return out_fail(
        run->out, MR_USAGE,
        _("%s holds less than 16 bytes: a key of pseudonyms is made, once, by \"head -c "
          "32 /dev/urandom > FILE\""),
        path);
}

/* Options of one format that another would not look at. */
static enum mr_status check_options(const struct command *c, struct out *out,
                                    const struct export_format *format)
{
    static const char *const of_database[] = {"database", "schema", "batch"};
    const bool database = format == &export_postgres;
    const bool tables = format == &export_csv || format == &export_jsonl;
    const char *const output = opt_text(c, "output");
    for (size_t i = 0; i < sizeof of_database / sizeof of_database[0] && !database; i++) {
        if (opt_text(c, of_database[i]) != NULL)
            return out_fail(out, MR_USAGE, _("--%s goes with --format postgres"), of_database[i]);
    }
    if (opt_text(c, "table") != NULL && !tables)
        return out_fail(out, MR_USAGE, _("--table goes with --format csv or jsonl"));
    if (database && opt_text(c, "database") == NULL)
        return out_fail(out, MR_USAGE,
                        _("which database? Give --database, as in --database \"service=mereau\" or "
                          "--database \"host=/run/postgresql dbname=mereau\""));
    if (database && output != NULL)
        return out_fail(out, MR_USAGE, _("--output does not go with --format postgres"));
    if (!database && (output == NULL || output[0] == '\0' || strlen(output) >= FILE_PATH_MAX))
        return out_fail(out, MR_USAGE, _("where to? Give --output FILE"));
    if (!database && strcmp(output, "-") == 0 && (c->json || format == NULL))
        return out_fail(out, MR_USAGE,
                        _("stdout takes csv, jsonl and hledger, and not together with --json"));
    return MR_OK;
}

static enum mr_status check_book_options(const struct command *c, struct out *out)
{
    static const char *const of_others[] = {"from", "to", "pseudonym-key", "base"};
    for (size_t i = 0; i < sizeof of_others / sizeof of_others[0]; i++) {
        if (opt_text(c, of_others[i]) != NULL)
            return out_fail(out, MR_USAGE, _("--%s does not go with --format mrx"), of_others[i]);
    }
    return MR_OK;
}

void cmd_export(struct command *c, struct out *out)
{
    static struct source s;
    static struct export_run run;
    bool book = false;
    run = (struct export_run){.c = c, .out = out, .source = &s};
    run.format = choose(c, out, &book);
    if (out->failed || check_options(c, out, run.format) != MR_OK)
        return;
    const enum mr_status st = book ? check_book_options(c, out) : read_range(&run);
    if (st != MR_OK || (!book && read_key(&run) != MR_OK))
        return;
    if (source_open(&s, c, out) == MR_OK && book)
        export_book(c, out, &s);
    else if (!out->failed)
        export_run(&run);
    source_close(&s);
    sodium_memzero(run.key, sizeof run.key);
}
