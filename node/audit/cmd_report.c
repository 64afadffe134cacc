/* report: one page for elected people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/beside.h"
#include "audit/commands.h"
#include "audit/page.h"
#include "common/file.h"

const struct option_row report_options[] = {
    SOURCE_OPTIONS,
    MEASURE_OPTIONS,
    BESIDE_OPTION,
    {"html", 0, N_("FILE"), N_("where the page goes; - is stdout")},
    {"small-cells", 0, NULL, N_("show figures of few persons too: not for publication")},
    {"force", 'f', NULL, N_("replace a file that is there")},
    {NULL, 0, NULL, NULL},
};

static enum mr_status to_stdout(struct out *out, const char *text, size_t len)
{
    if (fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0)
        return MR_OK;
    out_cannot_write(out, "stdout", MR_IO_ERROR);
    return MR_IO_ERROR;
}

static enum mr_status to_file(const struct command *c, struct out *out, const char *path,
                              const char *text, size_t len)
{
    const enum mr_status st = file_write(path, text, len, 0644, opt_flag(c, "force"));
    if (st == MR_FILE_EXISTS)
        return out_fail(out, st, _("%s is there already; --force replaces it"), path);
    if (st != MR_OK) {
        out_cannot_write(out, path, st);
        return st;
    }
    out_text(out, "file", path);
    out_int(out, "bytes", (json_int_t)len);
    out_print(out, _("%s: open it in any browser; it needs no network\n"), path);
    return MR_OK;
}

static enum mr_status write_page(const struct measure *m, const struct command *c, struct out *out,
                                 const struct beside *beside)
{
    const char *const path = opt_text(c, "html");
    struct published shown = {0};
    char *text = NULL;
    size_t len = 0;
    const bool all = opt_flag(c, "small-cells");
    enum mr_status st = all ? MR_OK : published_create(&shown, m, beside->views, beside->count, c);
    FILE *const f = st == MR_OK ? open_memstream(&text, &len) : NULL;
    if (st == MR_OK)
        st = f == NULL ? MR_NO_MEMORY : page_write(f, m, all ? NULL : &shown);
    if (f != NULL && fclose(f) != 0)
        st = MR_NO_MEMORY;
    if (st == MR_CHECK_FAILED)
        beside_refused(beside, out);
    else if (st != MR_OK)
        out_fail(out, st, NULL);
    else if (strcmp(path, "-") == 0)
        st = to_stdout(out, text, len);
    else
        st = to_file(c, out, path, text, len);
    free(text);
    published_done(&shown);
    return st;
}

void cmd_report(struct command *c, struct out *out)
{
    static struct measure m;
    struct beside beside = {.views = NULL};
    const char *const path = opt_text(c, "html");
    enum mr_status st =
        path != NULL ? MR_OK : out_fail(out, MR_USAGE, _("report needs --html FILE"));
    if (st == MR_OK && strcmp(path, "-") == 0 && c->json)
        st = out_fail(out, MR_USAGE, _("the page goes to stdout: not together with --json"));
    if (st == MR_OK && opt_flag(c, "small-cells") && opt_count(c, "beside") > 0)
        st = out_fail(out, MR_USAGE,
                      _("--small-cells shows all: it does not go together with --beside"));
    if (st == MR_OK)
        st = measure_open(&m, c, out);
    m.few = !opt_flag(c, "small-cells");
    if (st == MR_OK)
        st = measure_run(&m, c, out);
    if (st == MR_OK && m.periods_count > PUBLISHED_PERIODS_MAX)
        st = out_fail(out, MR_USAGE, _("more than %d periods do not fit a page; give longer ones"),
                      PUBLISHED_PERIODS_MAX);
    if (st == MR_OK)
        st = beside_open(&beside, &m, c, out, NULL);
    if (st == MR_OK)
        write_page(&m, c, out, &beside);
    beside_done(&beside);
    measure_close(&m);
}
