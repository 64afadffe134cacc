/* A data directory from a backup. What comes back abstains: others may hold more than the backup
 * does, and a node that signs after losing its memory forks its history. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/beginning.h"
#include "admin/cmd.h"
#include "admin/draft.h"
#include "admin/manifest.h"
#include "common/term.h"
#include "storage/journal_file.h"

enum { SMALL_FILE_MAX = 1 << 20, CHUNK = 1 << 16 };

struct restoring {
    struct command *c;
    struct out *out;
    const char *from;
    char data[FILE_PATH_MAX], parts[FILE_PATH_MAX];
    struct mr_charter *charter;
    uint8_t ledger[32];
    struct mr_journal_end end;
    uint64_t made_ms;
};

static const char abstain_text[] =
    "This directory was restored from a backup. The node reads and answers, but signs nothing:\n"
    "wallets and witnesses may hold settlements that the backup does not.\n"
    "As long as this file is here, mereaud abstains.\n";

static enum mr_status failed(struct restoring *r, enum mr_status st, const char *path)
{
    return out_fail(r->out, st, _("%s cannot be written: %s"), path, status_sentence(st));
}

static enum mr_status copy_bytes(int from, int to)
{
    uint8_t *buffer = malloc(CHUNK);
    enum mr_status st = buffer != NULL ? MR_OK : MR_NO_MEMORY;
    while (st == MR_OK) {
        const ssize_t n = read(from, buffer, CHUNK);
        if (n == 0)
            break;
        st = n < 0 ? file_status(errno) : file_write_all(to, buffer, (size_t)n);
    }
    if (st == MR_OK && fsync(to) != 0)
        st = file_status(errno);
    free(buffer);
    return st;
}

static enum mr_status copy_file(struct restoring *r, const char *from_dir, const char *to_dir,
                                const char *name)
{
    char from[FILE_PATH_MAX], to[FILE_PATH_MAX];
    if (path_join(from, from_dir, name) != MR_OK || path_join(to, to_dir, name) != MR_OK)
        return out_fail(r->out, MR_USAGE, NULL);
    const int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0 && errno == ENOENT)
        return MR_OK;
    if (in < 0)
        return out_fail(r->out, file_status(errno), _("%s cannot be read: %s"), from,
                        strerror(errno));
    const int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum mr_status st = out < 0 ? file_status(errno) : copy_bytes(in, out);
    if (out >= 0)
        close(out);
    close(in);
    return st == MR_OK ? st : failed(r, st, to);
}

static enum mr_status copy_dir(struct restoring *r, const char *name, const char *suffix)
{
    char from[FILE_PATH_MAX], to[FILE_PATH_MAX], **names = NULL;
    if (path_join(from, r->from, name) != MR_OK || path_join(to, r->parts, name) != MR_OK)
        return out_fail(r->out, MR_USAGE, NULL);
    enum mr_status st = names_list(&names, from, suffix);
    if (st == MR_OK)
        st = dir_make(to);
    if (st != MR_OK)
        st = failed(r, st, to);
    for (size_t i = 0; st == MR_OK && names[i] != NULL; i++)
        st = copy_file(r, from, to, names[i]);
    if (st == MR_OK && dir_sync(to) != MR_OK)
        st = failed(r, MR_IO_ERROR, to);
    names_free(names);
    return st;
}

/* Every turn of the backup is verified before anything of it is used. */
static enum mr_status check_journal(struct restoring *r)
{
    struct mr_journal_report report = {.turns = 0};
    const struct journal_scan_options options = {
        .mode = JOURNAL_CRASHED, .ledger = r->ledger, .covered = r->end.turn > 0 ? &r->end : NULL};
    char path[FILE_PATH_MAX];
    if (path_join(path, r->from, "journal") != MR_OK)
        return out_fail(r->out, MR_USAGE, NULL);
    const enum mr_status st = journal_scan(&report, path, &options);
    if (st == MR_OK) {
        r->end = report.end;
        return st;
    }
    return out_fail(r->out, st, _("the journal of the backup is damaged: %s"),
                    report.text[0] != '\0' ? report.text : status_sentence(st));
}

static enum mr_status check_backup(struct restoring *r)
{
    char path[FILE_PATH_MAX];
    if (path_join(path, r->from, "charter.mrc") != MR_OK)
        return out_fail(r->out, MR_USAGE, NULL);
    enum mr_status st = charter_read(&r->charter, r->ledger, r->out, path);
    if (st == MR_OK)
        st = manifest_check(r->out, r->from, r->ledger, &r->end, &r->made_ms);
    return st == MR_OK ? check_journal(r) : st;
}

/* The journal of a node that joined goes on behind a snapshot. */
static enum mr_status put_base(struct restoring *r)
{
    char from[FILE_PATH_MAX], to[FILE_PATH_MAX], store[FILE_PATH_MAX], journal[FILE_PATH_MAX];
    uint64_t turn;
    bool later = false;
    if (path_join(from, r->from, "snapshots") != MR_OK ||
        path_join(to, r->parts, "snapshots") != MR_OK ||
        path_join(store, r->parts, "store") != MR_OK ||
        path_join(journal, r->from, "journal") != MR_OK)
        return out_fail(r->out, MR_USAGE, NULL);
    enum mr_status st = beginning_find(&later, journal, r->ledger);
    if (st != MR_OK || !later)
        return st == MR_OK ? st : out_fail(r->out, st, NULL);
    st = dir_make(store);
    if (st == MR_OK)
        st = beginning_copy(&turn, from, to, store, r->charter);
    if (st == MR_NOT_FOUND || st == MR_DAMAGED)
        return out_fail(r->out, st,
                        _("this node joined later, and the state that it began with is not in the "
                          "backup, or damaged: let it come back with a new key (\"mereau-admin "
                          "federation rekey --help\"): the other nodes have the state"));
    return st == MR_OK ? st : failed(r, st, store);
}

static enum mr_status put_all(struct restoring *r)
{
    char path[FILE_PATH_MAX], parent[FILE_PATH_MAX];
    enum mr_status st = mkdir(r->parts, 0700) == 0 ? MR_OK : file_status(errno);
    if (st != MR_OK)
        return failed(r, st, r->parts);
    for (size_t i = 0; st == MR_OK && backup_files[i] != NULL; i++)
        st = copy_file(r, r->from, r->parts, backup_files[i]);
    if (st == MR_OK)
        st = copy_dir(r, "journal", ".seg");
    if (st == MR_OK)
        st = copy_dir(r, "register", "data.mdb");
    if (st == MR_OK)
        st = put_base(r);
    if (st != MR_OK)
        return st;
    st = path_join(path, r->parts, "abstain");
    if (st == MR_OK)
        st = file_write(path, abstain_text, strlen(abstain_text), 0600, false);
    if (st == MR_OK)
        st = path_parent(parent, r->data);
    if (st == MR_OK && rename(r->parts, r->data) != 0)
        st = file_status(errno);
    if (st == MR_OK)
        st = dir_sync(parent);
    return st == MR_OK ? st : failed(r, st, r->data);
}

/* One of several nodes: what the backup lacks the others have. */
static bool later_words(struct restoring *r)
{
    char path[FILE_PATH_MAX];
    const bool several = r->charter->nodes_count > 1 ||
                         (path_join(path, r->data, "epochs.mrh") == MR_OK && file_exists(path));
    if (several)
        out_print(r->out,
                  _("Restored to %s: everything up to turn %llu, from the backup of %s (UTC).\n\n"
                    "It abstains: it reads on what the other nodes have, and signs nothing. If the "
                    "old directory\nstill exists somewhere, use that one: it lost nothing. Else it "
                    "signs again with a new key:\n"
                    "  1. mereaud %s\n"
                    "  2. mereau-admin -d %s federation rekey, and start it again\n"
                    "  3. governance: mereau-admin federation propose --rekey N=OFFER\n"),
                  r->data, (unsigned long long)r->end.turn, admin_time(r->made_ms), r->data,
                  r->data);
    return several;
}

static void say_restored(struct restoring *r)
{
    out_text(r->out, "data", r->data);
    out_int(r->out, "turn", (int64_t)r->end.turn);
    out_int(r->out, "made_ms", (int64_t)r->made_ms);
    out_bool(r->out, "abstaining", true);
    if (later_words(r))
        return;
    out_print(
        r->out,
        _("Restored to %s: everything up to turn %llu, from the backup of %s (UTC).\n\n"
          "It abstains. Started with\n  mereaud %s\nit shows balances and histories and signs "
          "nothing, for wallets may hold settlements\nthat this backup does not. What nobody "
          "outside holds is lost.\n\n"
          "If the old directory still exists somewhere, use that one: it lost nothing. Else\n"
          "governance lets this one sign again, in a new epoch:\n"
          "  mereau-admin -d %s restore --accept --key GOVERNANCEKEY\n"),
        r->data, (unsigned long long)r->end.turn, admin_time(r->made_ms), r->data, r->data);
}

static enum mr_status find_places(struct restoring *r)
{
    const char *to = r->c->args[1];
    if (strlen(to) > FILE_PATH_MAX - 64 || strlen(r->from) > FILE_PATH_MAX - 256)
        return out_fail(r->out, MR_USAGE, _("\"%.40s...\" is too long for a path"), to);
    snprintf(r->data, sizeof r->data, "%s", to);
    for (size_t n = strlen(r->data); n > 1 && r->data[n - 1] == '/'; n--)
        r->data[n - 1] = '\0';
    snprintf(r->parts, sizeof r->parts, "%.4000s.restoring", r->data);
    const char *const places[] = {r->data, r->parts};
    for (size_t i = 0; i < 2; i++)
        if (file_exists(places[i]))
            return out_fail(r->out, MR_FILE_EXISTS,
                            _("%s exists already: nothing is ever restored over it"), places[i]);
    return MR_OK;
}

const struct option_row restore_options[] = {
    {"accept", 0, NULL, N_("governance accepts what is left: the node signs again")},
    {"claims-days", 0, N_("N"), N_("how long missing orders may be handed in again (default 90)")},
    {"again", 0, NULL, N_("sign another new epoch than before, which was never used")},
    {NULL, 0, NULL, NULL},
};

void cmd_restore(struct command *c, struct out *out)
{
    if (opt_flag(c, "accept")) {
        cmd_accept(c, out);
        return;
    }
    if (c->arg_count != 2) { /* one word is for --accept */
        out_fail(out, MR_USAGE, _("say which backup and which new data directory"));
        return;
    }
    struct restoring r = {.c = c, .out = out, .from = c->args[0]};
    enum mr_status st = find_places(&r);
    if (st == MR_OK)
        st = check_backup(&r);
    if (st == MR_OK)
        st = put_all(&r);
    if (st == MR_OK)
        say_restored(&r);
    free(r.charter);
}
