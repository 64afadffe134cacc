/* A copy of a node, while it runs or while it is stopped; and the way back. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/beginning.h"
#include "admin/cmd.h"
#include "admin/copy.h"
#include "admin/manifest.h"
#include "common/term.h"
#include "storage/files.h"
#include "storage/journal_file.h"
#include "storage/lock.h"
#include "storage/store_lmdb.h"

enum {
    FOLLOW_WAIT_MS = 1000,
    REGISTER_EVERY_MS = 60000,
    BATCH_TURNS = 256,
    SMALL_FILE_MAX = 1 << 20,
    COPY_BYTES = 1 << 16,
};

const struct option_row backup_options[] = {
    {"follow", 0, NULL, N_("go on copying what the node says, until interrupted")},
    {"without-passphrase", 0, NULL, N_("leave node.pass out: keep it elsewhere")},
    {NULL, 0, NULL, NULL},
};

struct backup {
    struct admin *a;
    const char *dest;
    struct dir_lock *lock;     /* of a stopped node */
    struct mr_journal *source; /* of a stopped node; NULL: it runs */
    struct copier *copier;
    uint64_t register_ms, turns;
};

static volatile sig_atomic_t interrupted;

static void note_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* --- small files and the register --------------------------------------------------------------
 */

static enum mr_status dest_failed(struct admin *a, enum mr_status st, const char *dir)
{
    return out_fail(a->out, st, _("%s cannot be written: %s"), dir, status_sentence(st));
}

/* A backup of one ledger or node is not written over that of another. */
static enum mr_status check_dest(struct backup *b)
{
    char path[FILE_PATH_MAX], conf[FILE_PATH_MAX];
    struct mr_charter *charter = NULL;
    uint8_t ledger[32];
    uint32_t number = b->a->own->number;
    if (path_join(path, b->dest, "charter.mrc") != MR_OK ||
        path_join(conf, b->dest, "mereaud.conf") != MR_OK)
        return out_fail(b->a->out, MR_USAGE, NULL);
    if (!file_exists(path))
        return MR_OK;
    enum mr_status st = charter_read(&charter, ledger, b->a->out, path);
    free(charter);
    if (st == MR_OK && memcmp(ledger, b->a->ledger, sizeof ledger) != 0)
        st = out_fail(b->a->out, MR_WRONG_LEDGER, _("%s is the backup of another ledger"), b->dest);
    if (st == MR_OK)
        st = conf_node_number(&number, b->a->out, conf);
    if (st == MR_OK && number != b->a->own->number)
        st = out_fail(b->a->out, MR_WRONG_LEDGER, _("%s is the backup of another node"), b->dest);
    return st;
}

static enum mr_status copy_small(struct backup *b)
{
    for (size_t i = 0; backup_files[i] != NULL; i++) {
        char from[FILE_PATH_MAX], to[FILE_PATH_MAX];
        uint8_t *bytes = NULL;
        size_t len;
        if (strcmp(backup_files[i], "node.pass") == 0 && opt_flag(b->a->c, "without-passphrase"))
            continue;
        if (path_join(from, b->a->data, backup_files[i]) != MR_OK ||
            path_join(to, b->dest, backup_files[i]) != MR_OK)
            return out_fail(b->a->out, MR_USAGE, NULL);
        enum mr_status st = file_read(&bytes, &len, from, SMALL_FILE_MAX);
        if (st == MR_NO_SUCH_FILE)
            continue;
        if (st != MR_OK)
            return out_fail(b->a->out, st, _("%s cannot be read: %s"), from, status_sentence(st));
        st = file_write(to, bytes, len, 0600, true);
        free(bytes);
        if (st != MR_OK)
            return dest_failed(b->a, st, to);
    }
    return MR_OK;
}

static void remove_register(const char *dir)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", NULL};
    char path[FILE_PATH_MAX];
    for (size_t i = 0; names[i] != NULL; i++)
        if (path_join(path, dir, names[i]) == MR_OK)
            unlink(path);
    rmdir(dir);
}

/* A compact copy of the last commit, put in the place of the copy before. */
static enum mr_status copy_register(struct backup *b)
{
    struct mr_store *s = NULL;
    const struct mr_store_lmdb_options options = {.read_only = true};
    char from[FILE_PATH_MAX], to[FILE_PATH_MAX], fresh[FILE_PATH_MAX];
    if (path_join(from, b->a->data, "register") != MR_OK ||
        path_join(to, b->dest, "register") != MR_OK ||
        path_join(fresh, b->dest, "register.new") != MR_OK)
        return out_fail(b->a->out, MR_USAGE, NULL);
    enum mr_status st = mr_store_lmdb_open(&s, from, &options);
    if (st == MR_NO_SUCH_FILE)
        return MR_OK;
    if (st != MR_OK)
        return out_fail(b->a->out, st, _("%s cannot be read: %s"), from, status_sentence(st));
    remove_register(fresh);
    st = dir_make(fresh);
    if (st == MR_OK)
        st = mr_store_lmdb_copy(s, fresh);
    s->api->close(s);
    if (st == MR_OK) {
        remove_register(to);
        st = rename(fresh, to) == 0 ? dir_sync(b->dest) : file_status(errno);
    }
    b->register_ms = admin_now_ms();
    return st == MR_OK ? st : dest_failed(b->a, st, to);
}

/* What the journal of a node that joined stands on; once, for it goes on from there. */
static enum mr_status copy_base(struct backup *b)
{
    char from[FILE_PATH_MAX], to[FILE_PATH_MAX], journal[FILE_PATH_MAX];
    uint64_t turn;
    bool later = false;
    if (path_join(from, b->a->data, "snapshots") != MR_OK ||
        path_join(to, b->dest, "snapshots") != MR_OK ||
        path_join(journal, b->a->data, "journal") != MR_OK)
        return out_fail(b->a->out, MR_USAGE, NULL);
    if (file_exists(to))
        return MR_OK;
    enum mr_status st = beginning_find(&later, journal, b->a->ledger);
    if (st == MR_OK && later)
        st = beginning_copy(&turn, from, to, NULL, b->a->genesis);
    return st == MR_OK ? st : dest_failed(b->a, st, to);
}

/* --- the journal -------------------------------------------------------------------------------
 */

/* A stopped node's journal is read directly, under the lock that keeps a node from starting. */
static enum mr_status open_stopped(struct backup *b)
{
    char path[FILE_PATH_MAX];
    struct mr_journal_report report = {.turns = 0};
    const struct mr_journal_file_options options = {
        .ledger = b->a->ledger, .node = b->a->own->number, .read_only = true};
    if (path_join(path, b->a->data, "journal") != MR_OK)
        return out_fail(b->a->out, MR_USAGE, NULL);
    enum mr_status st = lock_take(&b->lock, b->a->data, NULL);
    if (st == MR_IN_USE)
        return out_fail(b->a->out, st,
                        _("a node runs on %s and does not answer; try again in a moment"),
                        b->a->data);
    if (st == MR_OK)
        st = mr_journal_file_open(&b->source, path, &options, &report);
    if (st == MR_OK)
        return st;
    return out_fail(b->a->out, st, _("the journal %s cannot be read: %s"), path,
                    report.text[0] != '\0' ? report.text : status_sentence(st));
}

static enum mr_status find_source(struct backup *b)
{
    b->a->ask->kind = MR_REQ_NODE;
    b->a->ask->u.node.reserved = 0;
    const enum mr_status st = admin_call(b->a);
    if (st == MR_OK)
        return st;
    return st == MR_UNREACHABLE ? open_stopped(b) : admin_call_failed(b->a, st);
}

static enum mr_status catch_up(struct backup *b)
{
    struct progress bar;
    struct mr_journal_end end;
    uint64_t count = 1;
    enum mr_status st = MR_OK;
    progress_begin(&bar, b->a->c, _("copying the journal"), 0);
    while (st == MR_OK && count > 0 && !interrupted) {
        st = copier_run(b->copier, &count, BATCH_TURNS, 0);
        b->turns += count;
        bar.total = copier_source_end(b->copier);
        copier_end(b->copier, &end);
        progress_update(&bar, end.log);
    }
    progress_end(&bar);
    return st;
}

/* What is there is a whole backup from now on. */
static enum mr_status finish(struct backup *b)
{
    struct mr_journal_end end;
    char line[FILE_PATH_MAX + 64];
    copier_end(b->copier, &end);
    enum mr_status st = copier_sync(b->copier);
    if (st == MR_OK)
        st = manifest_write(b->a, b->dest, &end);
    if (st != MR_OK)
        return st;
    snprintf(line, sizeof line, "%llu %.4000s\n", (unsigned long long)admin_now_ms(), b->dest);
    st = files_write(b->a->data, "last-backup", line, strlen(line));
    if (st != MR_OK)
        out_note(b->a->out, _("the time of this backup cannot be noted in %s"), b->a->data);
    return MR_OK;
}

static enum mr_status follow(struct backup *b)
{
    enum mr_status st = MR_OK;
    bool away = false;
    out_note(b->a->out, _("following the node; end with Ctrl-C"));
    while (!interrupted && (st == MR_OK || st == MR_UNREACHABLE || st == MR_NO_ANSWER)) {
        uint64_t count = 0;
        st = copier_run(b->copier, &count, BATCH_TURNS, FOLLOW_WAIT_MS);
        b->turns += count;
        if ((st == MR_UNREACHABLE || st == MR_NO_ANSWER) != away) {
            away = !away;
            out_note(b->a->out, away ? _("the node does not answer; waiting for it")
                                     : _("the node answers again"));
        }
        const bool due = admin_now_ms() > b->register_ms + REGISTER_EVERY_MS;
        if (st == MR_OK && due && copy_register(b) != MR_OK)
            return b->a->out->status;
        if (st == MR_OK && (due || (count > 0 && count < BATCH_TURNS)) && finish(b) != MR_OK)
            return b->a->out->status;
    }
    if (!interrupted)
        return st;
    /* What the node said until now is taken along. */
    uint64_t count;
    st = copier_run(b->copier, &count, 0, 0);
    b->turns += count;
    if (st == MR_OK)
        st = copy_register(b);
    if (st == MR_UNREACHABLE || st == MR_NO_ANSWER)
        st = MR_OK;
    return st == MR_OK ? finish(b) : st;
}

static enum mr_status backup(struct backup *b)
{
    char path[FILE_PATH_MAX];
    enum mr_status st = find_source(b);
    if (st == MR_OK && b->source != NULL && opt_flag(b->a->c, "follow"))
        st = out_fail(b->a->out, MR_USAGE, _("the node does not run: there is nothing to follow"));
    if (st == MR_OK)
        st = check_dest(b);
    if (st != MR_OK)
        return st;
    st = dir_make(b->dest);
    if (st == MR_OK)
        st = path_join(path, b->dest, "journal");
    if (st != MR_OK)
        return dest_failed(b->a, st, b->dest);
    st = copy_small(b);
    if (st == MR_OK)
        st = copy_register(b);
    if (st == MR_OK)
        st = copy_base(b);
    if (st == MR_OK)
        st = copier_open(&b->copier, b->a, b->source, path);
    if (st == MR_OK) {
        st = catch_up(b);
        if ((st == MR_UNREACHABLE || st == MR_NO_ANSWER))
            admin_call_failed(b->a, st);
    }
    if (st == MR_OK)
        st = finish(b);
    if (st == MR_OK && opt_flag(b->a->c, "follow"))
        st = follow(b);
    return st;
}

static void say_done(struct backup *b)
{
    struct mr_journal_end end;
    copier_end(b->copier, &end);
    out_text(b->a->out, "backup", b->dest);
    out_int(b->a->out, "turn", (int64_t)end.turn);
    out_int(b->a->out, "log_bytes", (int64_t)end.log);
    out_int(b->a->out, "bodies_bytes", (int64_t)end.bodies);
    out_int(b->a->out, "turns_copied", (int64_t)b->turns);
    out_print(b->a->out, _("Copied to %s: everything up to turn %llu, checked on the way.\n"),
              b->dest, (unsigned long long)end.turn);
    if (!opt_flag(b->a->c, "without-passphrase"))
        out_note(b->a->out, _("It holds the node's key: keep it as safe as the node itself."));
}

void cmd_backup(struct command *c, struct out *out)
{
    struct admin a;
    const struct sigaction note = {.sa_handler = note_interrupt};
    struct backup b = {.a = &a, .dest = c->args[0]};
    interrupted = 0;
    sigaction(SIGINT, &note, NULL);
    sigaction(SIGTERM, &note, NULL);
    enum mr_status st = admin_begin(&a, c, out, NEED_CHARTER | NEED_NODE | NEED_DATA);
    if (st == MR_OK && !a.local)
        st = out_fail(out, MR_USAGE, _("a backup is made on the node's machine, with --data"));
    if (st == MR_OK && strlen(c->args[0]) > FILE_PATH_MAX - 256)
        st = out_fail(out, MR_USAGE, _("\"%.40s...\" is too long for a path"), c->args[0]);
    if (st == MR_OK && backup(&b) == MR_OK)
        say_done(&b);
    copier_close(b.copier);
    if (b.source != NULL)
        b.source->api->close(b.source);
    lock_release(b.lock);
    admin_end(&a);
}
