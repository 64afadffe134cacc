/* follow: keeps a mirror of one or more nodes and audits it as it grows. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit/apart.h"
#include "audit/commands.h"
#include "audit/cosigned.h"
#include "audit/mirrored_rows.h"
#include "audit/on_file.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/link_stop.h"
#include "storage/lock.h"

enum { FOLLOWED_MAX = MR_NODES_MAX, WAIT_MS = 10000, REST_MS = 200, GRACE_MS = 3000 };

const struct option_row follow_options[] = {
    {"node", 'n', N_("HOST:PORT"), N_("a node to follow, with --key; may be given several times")},
    {"key", 'k', N_("FILE"), N_("auditor's key file, for --node")},
    {"control", 0, N_("PATH"), N_("follow the node with this control socket")},
    {"charter", 'c', N_("FILE"), N_("charter that is trusted (else the first node's own)")},
    {"once", '1', NULL, N_("catch up and end, for a timer")},
    {"threads", 't', N_("N"), N_("threads that verify signatures (else one a processor)")},
    SECRET_OPTIONS,
    {NULL, 0, NULL, NULL},
};

struct following {
    const struct command *c;
    struct out *out;
    const char *dir;
    struct source s; /* charter, ledger, key */
    struct dir_lock *lock;
    unsigned threads;
    struct follower *followers;
    size_t count;
    struct mirrored *books[FOLLOWED_MAX]; /* the first one is that of the directory itself */
    size_t books_count;
    /* By book: what the second one had of the first one's log when all were read the last time. */
    struct apart_shown shown[FOLLOWED_MAX][FOLLOWED_MAX];
    struct progress progress;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

/* --- the directory ---------------------------------------------------------------------------- */

/* A mirror cuts off what stands behind its end, and goes on there: no node and no backup of one may
 * lie in its directory. */
static enum mr_status check_directory(const struct following *w)
{
    static const char *const names[] = {"node.key", "mereaud.conf", "manifest.json", "store"};
    char path[FILE_PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (path_join(path, w->dir, names[i]) == MR_OK && file_exists(path))
            return out_fail(
                w->out, MR_USAGE,
                _("%s holds %s: it is a node's directory or a backup, and a mirror in it "
                  "would spoil it. Give another directory"),
                w->dir, names[i]);
    }
    return MR_OK;
}

static enum mr_status take_directory(struct following *w)
{
    pid_t holder = 0;
    enum mr_status st = check_directory(w);
    if (st != MR_OK)
        return st;
    st = dir_make(w->dir);
    if (st == MR_OK)
        st = lock_take(&w->lock, w->dir, &holder);
    if (st == MR_IN_USE)
        return out_fail(w->out, st, _("%s is being followed by process %ld already"), w->dir,
                        (long)holder);
    return st == MR_OK
               ? MR_OK
               : out_fail(w->out, st, _("%s cannot be written: %s"), w->dir, status_sentence(st));
}

/* The first node that ever answered has the directory itself, others one each below it. */
static enum mr_status directory_of(const struct following *w, char ret[FILE_PATH_MAX],
                                   uint32_t node)
{
    char below[FILE_PATH_MAX], name[32];
    const uint32_t first = mirror_node(w->dir);
    if (first == node || (first == 0 && w->books_count == 0))
        return path_join(ret, w->dir, ".");
    snprintf(name, sizeof name, "nodes/%u", (unsigned)node);
    const enum mr_status st = path_join(below, w->dir, name);
    return st == MR_OK ? path_join(ret, below, ".") : st;
}

static struct mirrored *book_of(const struct following *w, uint32_t node)
{
    for (size_t i = 0; i < w->books_count; i++) {
        if (w->books[i]->node == node)
            return w->books[i];
    }
    return NULL;
}

static enum mr_status add_book(struct following *w, uint32_t node)
{
    char dir[FILE_PATH_MAX];
    struct mirrored *const b = calloc(1, sizeof *b);
    if (b == NULL)
        return out_fail(w->out, MR_NO_MEMORY, NULL);
    enum mr_status st = directory_of(w, dir, node);
    dir[st == MR_OK ? strlen(dir) - 2 : 0] = '\0'; /* the "/." */
    w->books[w->books_count++] = b;
    if (st == MR_OK)
        st = mirrored_open(b, w->c, w->out, &w->s, dir, node, w->threads);
    else
        out_fail(w->out, MR_USAGE, NULL);
    return st;
}

/* What is mirrored already is audited and shown even when no node answers. */
static enum mr_status open_first(struct following *w)
{
    const uint32_t node = mirror_node(w->dir);
    return node == 0 ? MR_OK : add_book(w, node);
}

/* --- reading ---------------------------------------------------------------------------------- */

static enum mr_status connect_one(struct following *w, struct follower *f)
{
    if (f->state == FOLLOWER_CONTRADICTS || clock_ms(CLOCK_MONOTONIC) < f->retry_ms)
        return MR_OK;
    if (follower_connect(f, &w->s) != MR_OK || f->book != NULL)
        return MR_OK;
    f->book = book_of(w, f->node);
    if (f->book == NULL) {
        const enum mr_status st = add_book(w, f->node);
        if (st != MR_OK)
            return st;
        f->book = w->books[w->books_count - 1];
    }
    return MR_OK;
}

static bool is_readable(const struct follower *f)
{
    return f->state == FOLLOWER_FINE && f->link != NULL && f->book != NULL;
}

/* What the book of a node that joined later is audited behind: one that begins with the ledger and
 * has come to the epoch that the node joined in. NULL: none has yet. */
static struct mirrored *base_of(const struct following *w, const struct mirrored *b)
{
    for (size_t i = 0; i < w->books_count; i++) {
        struct mirrored *const x = w->books[i];
        if (x != b && x->ready && !mirrored_begins_later(x) &&
            mr_audit_epoch(x->audit) >= mr_audit_begins(b->audit))
            return x;
    }
    return NULL;
}

/* Whether nothing of a book could be audited yet, but may be when another one was read further. */
static bool waits(const struct following *w, const struct mirrored *b)
{
    bool hopes = false;
    for (size_t i = 0; i < w->count; i++)
        hopes = hopes ||
                (w->followers[i].book == NULL && w->followers[i].state != FOLLOWER_CONTRADICTS);
    for (size_t i = 0; i < w->books_count; i++)
        hopes = hopes || (w->books[i]->ready && !mirrored_begins_later(w->books[i]));
    return b->ready && mirrored_is_late(b) && hopes;
}

static bool anybody_waits(const struct following *w)
{
    for (size_t i = 0; i < w->books_count; i++) {
        if (waits(w, w->books[i]))
            return true;
    }
    return false;
}

static enum mr_status rest_all(struct following *w)
{
    enum mr_status st = MR_OK;
    for (size_t i = 0; st == MR_OK && i < w->books_count; i++) {
        struct mirrored *const b = w->books[i];
        struct mirrored *const base = b->ready && mirrored_is_late(b) ? base_of(w, b) : NULL;
        if (base == NULL)
            continue;
        st = mirrored_settle(base, MIRRORED_LATER);
        if (st == MR_OK)
            st = mirrored_rest_on(b, base->dir);
    }
    return st;
}

static enum mr_status read_one(struct following *w, struct follower *f, uint32_t wait_ms)
{
    if (!is_readable(f))
        return MR_OK;
    return follower_read(f, &w->progress, wait_ms, &stop);
}

static void note_shown(struct following *w)
{
    for (size_t i = 0; i < w->books_count; i++) {
        for (size_t j = 0; j < w->books_count; j++)
            w->shown[i][j] = apart_shown(w->books[i], w->books[j]);
    }
    for (size_t i = 0; i < w->count; i++)
        w->followers[i].ended = false;
}

/* All nodes once: who they are and what they sign, then what they have. What one showed to another
 * was its own before that one was read; so they are read once more. */
static enum mr_status read_all(struct following *w, uint32_t wait_ms)
{
    enum mr_status st = MR_OK;
    for (size_t i = 0; st == MR_OK && i < w->count && stop == 0; i++)
        st = connect_one(w, &w->followers[i]);
    if (w->count == 1)
        note_shown(w);
    for (size_t i = 0; st == MR_OK && i < w->count && stop == 0; i++)
        st = read_one(w, &w->followers[i], w->count == 1 ? wait_ms : 0);
    if (w->count > 1)
        note_shown(w);
    for (size_t i = 0; st == MR_OK && w->count > 1 && i < w->count && stop == 0; i++)
        st = read_one(w, &w->followers[i], i == 0 ? wait_ms / 10 : 0);
    if (st == MR_OK)
        st = rest_all(w);
    for (size_t i = 0; st == MR_OK && i < w->count; i++) {
        if (is_readable(&w->followers[i]) && stop == 0)
            follower_check_head(&w->followers[i]);
    }
    return st;
}

static enum mr_status settle_all(struct following *w, enum mirrored_save when)
{
    enum mr_status st = MR_OK;
    for (size_t i = 0; i < w->books_count; i++) {
        const enum mr_status now = mirrored_settle(w->books[i], when);
        st = st == MR_OK ? now : st;
    }
    return st;
}

/* The end of a book, where more is checked: of one that is not right there shall be no rows. */
static enum mr_status end_book(struct mirrored *b, struct mr_audit_totals *ret)
{
    const enum mr_status st = mr_audit_end(b->audit, ret);
    if (st != MR_OK)
        out_fail(b->out, MR_NO_MEMORY, NULL);
    else if (!mirrored_rows_wanted(b))
        mirrored_rows_drop(b);
    return st;
}

/* --- saying so -------------------------------------------------------------------------------- */

/* That it begins later is all that is found in a book that waits. */
static uint64_t findings_of(const struct following *w, const struct mirrored *b)
{
    return waits(w, b) ? 0 : b->report.wrong.all;
}

static enum mr_status status_of(const struct following *w, const struct follower *f)
{
    if (f->state == FOLLOWER_CONTRADICTS)
        return MR_FORKED;
    if (f->state == FOLLOWER_SILENT)
        return f->trouble;
    return f->book != NULL && waits(w, f->book) ? MR_BEHIND : MR_OK;
}

static void describe(struct following *w, const struct follower *f, json_t *list)
{
    json_t *const o = json_object();
    const struct mirrored *const b = f->book;
    json_object_set_new(o, "address", json_string(f->address));
    json_object_set_new(o, "node", f->node == 0 ? json_null() : json_integer(f->node));
    json_object_set_new(o, "status", json_string(mr_status_name(status_of(w, f))));
    if (b != NULL) {
        json_object_set_new(o, "directory", json_string(b->dir));
        json_object_set_new(o, "turns", json_integer((json_int_t)mirror_end(b->mirror)->turn));
        json_object_set_new(o, "new_turns", json_integer((json_int_t)b->new_turns));
        json_object_set_new(o, "findings_total", json_integer((json_int_t)findings_of(w, b)));
        json_object_set_new(o, "convictions_total",
                            json_integer((json_int_t)b->report.convictions.all));
    }
    json_array_append_new(list, o);
    if (f->state == FOLLOWER_SILENT)
        out_print(w->out, _("%s: not followed to its end: %s\n"), f->address,
                  source_why_unread(&w->s, f->trouble));
    if (b != NULL)
        out_print(w->out, _("%s: node %u, %llu turns, %llu of them new, %llu findings\n"),
                  f->address, (unsigned)f->node, (unsigned long long)mirror_end(b->mirror)->turn,
                  (unsigned long long)b->new_turns, (unsigned long long)findings_of(w, b));
    if (b != NULL && waits(w, b))
        out_print(w->out,
                  _("Node %u joined in epoch %u, and no other book has come there yet: its book is "
                    "audited when one has.\n"),
                  (unsigned)b->node, (unsigned)mr_audit_begins(b->audit));
}

/* Whether its node was read to its end in this run: a node that went away hides nothing. */
static bool was_ended(const struct following *w, const struct mirrored *b)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->followers[i].book == b && w->followers[i].ended)
            return true;
    }
    return false;
}

static void hold_against_each_other(struct following *w, struct apart *k)
{
    static const struct apart_shown none;
    json_t *const behind = json_array();
    for (size_t i = 0; i < w->books_count; i++) {
        uint64_t missing = 0;
        for (size_t j = 0; j < w->books_count; j++) {
            const struct mirrored *const x = w->books[i], *const y = w->books[j];
            if (i == j || mirrored_begins_later(x) != mirrored_begins_later(y))
                continue;
            const uint64_t slots = apart_slots(k, y, x);
            missing = slots > missing ? slots : missing;
            apart_logs(k, x, y, was_ended(w, x) ? w->shown[i][j] : none);
        }
        json_array_append_new(behind, json_integer((json_int_t)missing));
        if (missing > 0)
            out_print(w->out, _("Node %u has not settled %llu slots that another node has.\n"),
                      (unsigned)w->books[i]->node, (unsigned long long)missing);
    }
    out_json(w->out, "missing", behind);
}

/* Of all books. */
struct verdict {
    uint64_t wrong, convictions;
};

static void add_up(struct verdict *v, const struct following *w, const struct mirrored *b)
{
    v->wrong += findings_of(w, b);
    v->convictions += b->report.convictions.all;
}

static void other_books(struct following *w, struct verdict *ret)
{
    static struct mr_audit_totals totals;
    for (size_t i = 1; i < w->books_count; i++) {
        const struct mirrored *const b = w->books[i];
        end_book(w->books[i], &totals);
        add_up(ret, w, b);
        if (findings_of(w, b) > 0)
            out_print(w->out, _("The book of node %u has findings: mereau-audit verify %s\n"),
                      (unsigned)b->node, b->dir);
        else if (b->report.convictions.all > 0)
            out_print(w->out,
                      _("The book of node %u is right and holds evidence against others: "
                        "mereau-audit verify %s\n"),
                      (unsigned)b->node, b->dir);
    }
}

static void first_book(struct following *w, struct verdict *ret)
{
    static struct mr_audit_totals totals;
    struct mirrored *const b = w->books[0];
    if (end_book(b, &totals) != MR_OK)
        return;
    if (waits(w, b))
        b->report.wrong.count = b->report.wrong.all = 0;
    for (size_t i = 0; i < w->count; i++)
        b->report.asks_witnesses =
            b->report.asks_witnesses ||
            (w->followers[i].book == b && cosigned_can_check(&w->followers[i]));
    report_rows(&b->report, w->out);
    report_totals(&b->report, w->out, &totals, &w->s, b->audit);
    report_evidence(&b->report, w->out, &totals, b->audit);
    add_up(ret, w, b);
}

/* Nodes that were not followed to their end, or whose books could not be audited. */
static size_t silent_count(const struct following *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->count; i++) {
        const struct follower *const f = &w->followers[i];
        n += f->state == FOLLOWER_SILENT || (f->book != NULL && waits(w, f->book));
    }
    return n;
}

static void conclude(struct following *w)
{
    struct apart k;
    struct verdict v = {0, 0};
    json_t *const nodes = json_array();
    on_file_tell(&w->s, w->dir); /* before this run adds to it */
    apart_begin(&k, w->out, w->dir);
    /* A node that nothing could be read of has no totals. */
    if (w->books_count > 0 && (mirror_end(w->books[0]->mirror)->turn > 0 || silent_count(w) == 0))
        first_book(w, &v);
    other_books(w, &v);
    for (size_t i = 0; i < w->count; i++) {
        describe(w, &w->followers[i], nodes);
        if (w->followers[i].state == FOLLOWER_CONTRADICTS)
            apart_node(&k, &w->followers[i], &w->s);
    }
    /* A node that was just started has none yet; witnesses come by every second. */
    const uint64_t until = stop == 0 ? clock_ms(CLOCK_MONOTONIC) + GRACE_MS : 0;
    json_t *const seen = json_array();
    for (size_t i = 0; i < w->count; i++)
        cosigned_check(&k, &w->followers[i], &w->s, seen, until);
    out_json(w->out, "witnessed", seen);
    hold_against_each_other(w, &k);
    out_json(w->out, "nodes", nodes);
    out_json(w->out, "contradictions", json_incref(k.rows));
    out_int(w->out, "contradictions_total", (int64_t)k.count);
    if (k.count > 0)
        out_fail(w->out, MR_CHECK_FAILED,
                 _("nodes contradict each other, themselves or the witnesses, or lack these"));
    else if (v.wrong > 0)
        report_fail(w->out, v.wrong);
    else if (silent_count(w) > 0)
        out_fail(w->out, MR_NO_ANSWER, _("%zu of %zu nodes could not be followed to their end"),
                 silent_count(w), w->count);
    else if (v.convictions > 0)
        out_print(w->out, _("No contradiction, and nothing that is not right.\n"));
    else
        out_print(w->out, _("No finding, and no contradiction.\n"));
    apart_done(&k);
}

/* --- the command ------------------------------------------------------------------------------ */

static void say_changes(struct following *w, enum follower_state *last)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct follower *const f = &w->followers[i];
        if (f->state == last[i])
            continue;
        last[i] = f->state;
        progress_hide(&w->progress);
        if (f->state == FOLLOWER_FINE)
            out_note(w->out, _("%s answers again."), f->address);
        else if (f->state == FOLLOWER_SILENT)
            out_note(w->out, _("%s: %s"), f->address, source_why_unread(&w->s, f->trouble));
        else
            out_note(w->out, "%s: %s.", f->address, f->why);
    }
}

static void rest(uint64_t ms)
{
    const struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* Before it ends: a node that joined may be read before the others have come so far. */
static enum mr_status await_bases(struct following *w)
{
    const uint64_t until = clock_ms(CLOCK_MONOTONIC) + (uint64_t)w->c->timeout_ms;
    enum mr_status st = MR_OK;
    while (st == MR_OK && stop == 0 && anybody_waits(w) && clock_ms(CLOCK_MONOTONIC) < until) {
        rest(REST_MS);
        st = read_all(w, REST_MS);
    }
    return st;
}

static enum mr_status follow(struct following *w)
{
    const bool once = opt_flag(w->c, "once");
    enum follower_state last[FOLLOWED_MAX] = {FOLLOWER_FINE};
    enum mr_status st = open_first(w);
    progress_begin(&w->progress, w->c, _("following"), 0);
    if (st == MR_OK)
        st = read_all(w, 0);
    if (st == MR_OK && once)
        st = await_bases(w);
    while (st == MR_OK && !once && stop == 0) {
        const uint64_t start = clock_ms(CLOCK_MONOTONIC);
        say_changes(w, last);
        st = settle_all(w, MIRRORED_WHEN_DUE);
        if (st == MR_OK)
            st = read_all(w, WAIT_MS);
        /* Nobody is there, or one answers at once that it has nothing. */
        if (clock_ms(CLOCK_MONOTONIC) - start < REST_MS)
            rest(REST_MS);
    }
    progress_end(&w->progress);
    const enum mr_status saved = settle_all(w, MIRRORED_NOW);
    return st == MR_OK ? saved : st;
}

static enum mr_status name_followers(struct following *w)
{
    const char *const control = opt_text(w->c, "control");
    w->count = control != NULL ? 1 : opt_count(w->c, "node");
    if (w->count == 0 || w->count > FOLLOWED_MAX ||
        (control != NULL && opt_count(w->c, "node") > 0))
        return out_fail(w->out, MR_USAGE,
                        _("whom? Give --node HOST:PORT, once or more, with --key; or --control"));
    w->followers = calloc(w->count, sizeof *w->followers);
    if (w->followers == NULL)
        return out_fail(w->out, MR_NO_MEMORY, NULL);
    for (size_t i = 0; i < w->count; i++)
        w->followers[i].address = control != NULL ? control : opt_nth(w->c, "node", i);
    return control != NULL ? MR_OK : source_read_key(&w->s);
}

static void done(struct following *w)
{
    for (size_t i = 0; i < w->count && w->followers != NULL; i++)
        follower_hang_up(&w->followers[i]);
    for (size_t i = 0; i < w->books_count; i++) {
        mirrored_close(w->books[i]);
        free(w->books[i]);
    }
    free(w->followers);
    source_close(&w->s);
    lock_release(w->lock);
}

void cmd_follow(struct command *c, struct out *out)
{
    static struct following w;
    const struct sigaction note = {.sa_handler = on_signal};
    w = (struct following){.c = c, .out = out, .dir = c->args[0], .s = {.c = c, .out = out}};
    if (pool_threads_given(c, out, &w.threads) != MR_OK)
        return;
    sigaction(SIGINT, &note, NULL);
    sigaction(SIGTERM, &note, NULL);
    link_stop_on(&stop);
    if (name_followers(&w) == MR_OK && take_directory(&w) == MR_OK &&
        source_own_charter(&w.s, w.dir) == MR_OK && follow(&w) == MR_OK)
        conclude(&w);
    done(&w);
}
