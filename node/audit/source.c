#include "audit/source.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/mirror.h"
#include "common/file.h"
#include "mereau/codec.h"
#include "storage/journal_scan.h"

/* --- charter -----------------------------------------------------------------------------------
 */

static enum mr_status take_charter(struct source *s, const char *path)
{
    s->charter = malloc(sizeof *s->charter);
    if (s->charter == NULL)
        return out_fail(s->out, MR_NO_MEMORY, NULL);
    const enum mr_status st = mr_charter_decode(s->charter, s->charter_bytes, s->charter_len);
    if (st != MR_OK)
        return out_fail(s->out, MR_DAMAGED, _("%s is no charter: %s"), path, status_sentence(st));
    mr_hash(s->ledger, "mereau/charter", s->charter_bytes, s->charter_len, NULL, 0);
    return MR_OK;
}

enum mr_status source_read_charter(struct source *s, const char *path)
{
    const char *const given = opt_text(s->c, "charter");
    s->own_charter = given == NULL;
    if (given != NULL)
        path = given;
    char inside[FILE_PATH_MAX];
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        if (path_join(inside, path, "charter.mrc") != MR_OK)
            return out_fail(s->out, MR_USAGE, NULL);
        path = inside;
    }
    const enum mr_status st =
        file_read(&s->charter_bytes, &s->charter_len, path, CHARTER_BYTES_MAX);
    if (st != MR_OK)
        return out_fail(s->out, st, _("the charter %s cannot be read: %s"), path,
                        status_sentence(st));
    return take_charter(s, path);
}

enum mr_status source_own_charter(struct source *s, const char *dir)
{
    char path[FILE_PATH_MAX];
    uint8_t *own = NULL;
    size_t len = 0;
    if (path_join(path, dir, "charter.mrc") != MR_OK)
        return out_fail(s->out, MR_USAGE, NULL);
    const bool begun = file_exists(path);
    enum mr_status st = begun || opt_text(s->c, "charter") != NULL ? source_read_charter(s, path)
                                                                   : source_fetch_charter(s);
    if (st != MR_OK || !begun || s->own_charter)
        return st;
    st = file_read(&own, &len, path, CHARTER_BYTES_MAX);
    if (st != MR_OK)
        return out_fail(s->out, st, _("the charter %s cannot be read: %s"), path,
                        status_sentence(st));
    if (len != s->charter_len || memcmp(own, s->charter_bytes, len) != 0)
        st = out_fail(s->out, MR_WRONG_LEDGER,
                      _("%s is of another ledger, or its charter.mrc is damaged: when the charter "
                        "that is given is the right one, remove that file"),
                      dir);
    free(own);
    return st;
}

/* --- a directory -------------------------------------------------------------------------------
 */

struct dir_walk {
    struct source *s;
    source_turn turn;
    void *ctx;
    uint64_t done;
    bool refused; /* by `turn`: the journal was read */
};

/* JNL-2: the auditor judges frames as a whole. */
static enum mr_status dir_turn(void *ctx, const struct mr_frame *log, const uint8_t *log_payload,
                               const struct mr_frame *bodies, const uint8_t *bodies_payload)
{
    struct dir_walk *const w = ctx;
    struct mr_audit_turn t = {.log = log_payload - MR_FRAME_HEAD_BYTES,
                              .log_len = mr_frame_size(log->len)};
    if (bodies_payload != NULL) {
        t.bodies = bodies_payload - MR_FRAME_HEAD_BYTES;
        t.bodies_len = mr_frame_size(bodies->len);
    }
    w->done += t.log_len;
    const enum mr_status st = w->turn(w->ctx, &t, w->done);
    w->refused = st != MR_OK;
    return st;
}

static void dir_size(void *ctx, uint64_t done, uint64_t of)
{
    struct dir_walk *const w = ctx;
    (void)done;
    w->s->size = of;
}

/* A node that stops in good order seals its store; then nothing torn may stand in its journal. */
static bool was_stopped(const struct source *s)
{
    char path[FILE_PATH_MAX];
    return path_join(path, s->dir, "store/seal") == MR_OK && file_exists(path);
}

static enum mr_status walk_dir(struct source *s, source_turn turn, void *ctx)
{
    static struct mr_journal_report report;
    struct dir_walk w = {.s = s, .turn = turn, .ctx = ctx};
    struct mr_journal_end mark; /* of a mirror: read first, it may be growing */
    mirror_mark(s->dir, &mark);
    const struct journal_scan_options options = {.mode = JOURNAL_LIVE,
                                                 .ledger = s->ledger,
                                                 .from = s->from,
                                                 .covered =
                                                     mark.turn > 0 && s->from == 0 ? &mark : NULL,
                                                 .turn = dir_turn,
                                                 .progress = dir_size,
                                                 .ctx = &w};
    char path[FILE_PATH_MAX];
    enum mr_status st = path_join(path, s->dir, "journal");
    if (st != MR_OK)
        return out_fail(s->out, MR_USAGE, NULL);
    st = journal_scan(&report, path, &options);
    s->torn = report.torn_log + report.torn_bodies;
    if (st == MR_DAMAGED) {
        snprintf(s->damage, sizeof s->damage, "%s", report.text);
        return MR_OK;
    }
    if (st == MR_OK && s->torn > 0 && was_stopped(s))
        snprintf(s->damage, sizeof s->damage,
                 "%llu bytes behind the last whole turn of a node that was stopped in good order",
                 (unsigned long long)s->torn);
    if (st == MR_WRONG_LEDGER)
        return out_fail(s->out, st, _("the journal %s is not of this charter's ledger: %s"), path,
                        report.text);
    if (st != MR_OK && !w.refused && !s->out->failed)
        return out_fail(s->out, st, _("the journal %s cannot be read: %s"), path,
                        report.text[0] != '\0' ? report.text : status_sentence(st));
    return st;
}

/* --- which -------------------------------------------------------------------------------------
 */

static enum mr_status open_dir(struct source *s, const char *path)
{
    char charter[FILE_PATH_MAX];
    const size_t n = strlen(path);
    if (n >= sizeof s->dir || path_join(charter, path, "charter.mrc") != MR_OK)
        return out_fail(s->out, MR_USAGE, NULL);
    memcpy(s->dir, path, n + 1);
    return source_read_charter(s, charter);
}

static enum mr_status open_path(struct source *s, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return out_fail(s->out, MR_NO_SUCH_FILE, _("there is no %s"), path);
    return S_ISDIR(info.st_mode) ? open_dir(s, path) : source_open_export(s, path);
}

enum mr_status source_open(struct source *ret, const struct command *c, struct out *out)
{
    const bool live = opt_text(c, "node") != NULL || opt_text(c, "control") != NULL;
    *ret = (struct source){.c = c, .out = out};
    if (live == (c->arg_count > 0))
        return out_fail(out, MR_USAGE,
                        _("what shall be read? Give a data directory, a backup or an export file; "
                          "or --node with --key; or --control"));
    return live ? source_open_node(ret) : open_path(ret, c->args[0]);
}

enum mr_status source_open_path(struct source *ret, const struct command *c, struct out *out,
                                const char *path)
{
    *ret = (struct source){.c = c, .out = out};
    return open_path(ret, path);
}

enum mr_status source_walk(struct source *s, source_turn turn, void *ctx)
{
    if (s->link != NULL)
        return source_walk_node(s, turn, ctx);
    return s->file != NULL ? source_walk_export(s, turn, ctx) : walk_dir(s, turn, ctx);
}

void source_close(struct source *s)
{
    link_close(s->link);
    if (s->file != NULL)
        fclose(s->file);
    sodium_free(s->key);
    free(s->reply);
    free(s->charter);
    free(s->charter_bytes);
    free(s->present);
    epochs_done(&s->epochs);
}
