/* Whether a node's books are right, from the outside of the node; and the store again from the
 * journal. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/beginning.h"
#include "admin/cmd.h"
#include "common/amount_text.h"
#include "common/heap.h"
#include "common/term.h"
#include "mereau/check.h"
#include "mereau/codec.h"
#include "mereau/engine.h"
#include "storage/journal_file.h"
#include "storage/lock.h"
#include "storage/store_lmdb.h"

enum { META_MAX = 1024, ROWS_SHOWN = 1000 };

/* Store and journal of a data directory, opened for reading. */
struct books {
    struct admin *a;
    struct dir_lock *lock; /* NULL: a node runs */
    struct mr_store *store, *again;
    struct mr_journal *journal;
    struct mr_journal_report report;
    json_t *rows;
    size_t shown;
    struct progress bar;
    char path[FILE_PATH_MAX], scratch[FILE_PATH_MAX];
    bool later;  /* the node took the state over when it joined: the journal begins there */
    bool moving; /* it may not have read all that settled */
    bool sealed; /* the store's seal was compared, and is written again at the end */
};

/* --- findings ----------------------------------------------------------------------------------
 */

static void add_finding(void *ctx, const struct mr_finding *f)
{
    struct books *b = ctx;
    progress_end(&b->bar);
    if (b->shown++ >= ROWS_SHOWN)
        return;
    json_array_append_new(b->rows, json_pack("{s:s,s:s,s:s,s:s}", "rule", f->rule, "where",
                                             f->where, "expected", f->expected, "found", f->found));
    out_print(b->a->out, _("%s: %s: expected %s, found %s\n"), f->rule, f->where, f->expected,
              f->found);
}

static void add_damage(struct books *b, const char *where, const char *text)
{
    struct mr_finding f = {.rule = "JNL-6"};
    snprintf(f.where, sizeof f.where, "%.*s", MR_FINDING_TEXT_MAX - 1, where);
    snprintf(f.expected, sizeof f.expected, "readable bytes with a right checksum");
    snprintf(f.found, sizeof f.found, "%.*s", MR_FINDING_TEXT_MAX - 1, text);
    add_finding(b, &f);
}

static bool on_progress(void *ctx, uint64_t done, uint64_t all)
{
    struct books *b = ctx;
    b->bar.total = all;
    progress_update(&b->bar, done);
    return true;
}

/* --- opening -----------------------------------------------------------------------------------
 */

/* Whether a running node has read all that the others said, and nothing waits. */
static bool at_rest(struct admin *a)
{
    *a->ask = (struct mr_request_body){.kind = MR_REQ_PEERS};
    if (admin_call(a) != MR_OK)
        return false;
    const struct mr_rep_peers *const r = &a->reply->body.u.peers;
    bool rests = r->mode == (uint32_t)MR_OK && r->open == 0;
    for (uint32_t i = 0; i < r->peers_count; i++)
        rests = rests && r->peers[i].connected && r->peers[i].size >= r->peers[i].head_size;
    return rests;
}

/* Ask a running node to write its state down; *ret: it runs. */
static enum mr_status flush_running(struct books *b)
{
    struct admin *a = b->a;
    a->ask->kind = MR_REQ_CONTROL;
    a->ask->u.control.what = MR_CONTROL_FLUSH;
    const enum mr_status st = admin_call(a);
    return st == MR_OK ? st : admin_call_failed(a, st);
}

static enum mr_status take_directory(struct books *b)
{
    const enum mr_status st = lock_take(&b->lock, b->a->data, NULL);
    b->moving = b->a->charter->nodes_count > 1;
    if (st == MR_IN_USE) {
        b->moving = b->moving && !at_rest(b->a);
        return flush_running(b);
    }
    return st == MR_OK ? st : out_fail(b->a->out, st, NULL);
}

static enum mr_status open_store(struct books *b, const char *path)
{
    char text[STORE_TEXT_MAX] = "";
    const struct mr_store_lmdb_options options = {.read_only = true};
    enum mr_status st = MR_OK;
    if (b->lock != NULL) /* nobody writes: damage that could crash a reader is found first */
        st = store_seal_check(path, &b->sealed, text);
    if (st != MR_OK)
        b->sealed = false; /* a new seal would hide what the old one found */
    if (b->lock != NULL && st == MR_OK)
        st = store_probe(path, text);
    if (st == MR_OK)
        st = mr_store_lmdb_open(&b->store, path, &options);
    if (st == MR_DAMAGED)
        add_damage(b, "store", text[0] != '\0' ? text : mr_status_text(st));
    if (st == MR_OK || st == MR_DAMAGED || st == MR_NO_SUCH_FILE)
        return MR_OK;
    return out_fail(b->a->out, st, _("%s cannot be read: %s"), path, status_sentence(st));
}

static bool read_meta(struct books *b, struct mr_state_meta *ret)
{
    uint8_t bytes[META_MAX];
    size_t len;
    return b->store != NULL &&
           b->store->api->get(b->store, MR_TABLE_META, (const uint8_t *)"m", 1, bytes, sizeof bytes,
                              &len) == MR_OK &&
           mr_state_meta_decode(ret, bytes, len) == MR_OK;
}

static enum mr_status open_journal(struct books *b, const char *path)
{
    struct mr_state_meta meta;
    struct mr_journal_end covered = {.turn = 0};
    if (read_meta(b, &meta)) {
        covered.turn = meta.turn;
        covered.log = meta.log_at;
        covered.bodies = meta.bodies_at;
        memcpy(covered.check, meta.chain, sizeof covered.check);
    }
    const struct mr_journal_file_options options = {.ledger = b->a->ledger,
                                                    .node = b->a->own->number,
                                                    .read_only = true,
                                                    .covered = covered.turn > 0 ? &covered : NULL};
    const enum mr_status st = mr_journal_file_open(&b->journal, path, &options, &b->report);
    if (st == MR_DAMAGED)
        add_damage(b, "journal", b->report.text);
    if (st == MR_OK || st == MR_DAMAGED)
        return MR_OK;
    return out_fail(b->a->out, st, _("the journal %s cannot be read: %s"), path,
                    b->report.text[0] != '\0' ? b->report.text : status_sentence(st));
}

static enum mr_status begin(struct books *b, struct command *c, struct out *out)
{
    char journal[FILE_PATH_MAX];
    enum mr_status st =
        admin_begin_at(b->a, c, out, NEED_CHARTER | NEED_NODE | NEED_DATA, c->args[0]);
    b->rows = json_array();
    if (st == MR_OK && (path_join(b->path, b->a->data, "store") != MR_OK ||
                        path_join(journal, b->a->data, "journal") != MR_OK ||
                        path_join(b->scratch, b->a->data, "check.tmp") != MR_OK))
        st = out_fail(out, MR_USAGE, NULL);
    if (st == MR_OK)
        st = take_directory(b);
    if (st == MR_OK)
        st = open_store(b, b->path);
    return st == MR_OK ? open_journal(b, journal) : st;
}

static void remove_store(const char *dir)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "seal", NULL};
    char path[FILE_PATH_MAX];
    for (size_t i = 0; names[i] != NULL; i++)
        if (path_join(path, dir, names[i]) == MR_OK)
            unlink(path);
    rmdir(dir);
}

static void end(struct books *b)
{
    if (b->store != NULL)
        b->store->api->close(b->store);
    if (b->again != NULL)
        b->again->api->close(b->again);
    if (b->journal != NULL)
        b->journal->api->close(b->journal);
    remove_store(b->scratch);
    if (b->sealed && store_seal(b->path) != MR_OK)
        out_note(b->a->out, _("the store's seal cannot be written again; the next start looks at "
                              "every page instead"));
    lock_release(b->lock);
    admin_end(b->a);
}

/* --- check -------------------------------------------------------------------------------------
 */

static enum mr_status verify_journal(struct books *b)
{
    struct beginning first = {.entry = malloc(sizeof *first.entry)};
    struct mr_journal_report report = {.turns = 0};
    const struct journal_scan_options options = {.mode = b->lock != NULL ? JOURNAL_CRASHED
                                                                         : JOURNAL_LIVE,
                                                 .ledger = b->a->ledger,
                                                 .node = b->a->own->number,
                                                 .turn = beginning_turn,
                                                 .ctx = &first};
    char path[FILE_PATH_MAX];
    if (first.entry == NULL || path_join(path, b->a->data, "journal") != MR_OK) {
        free(first.entry);
        return MR_NO_MEMORY;
    }
    const enum mr_status st = journal_scan(&report, path, &options);
    if (st == MR_DAMAGED)
        add_damage(b, "journal", report.text);
    b->later = first.later;
    free(first.entry);
    out_int(b->a->out, "turns", (int64_t)report.turns);
    return st == MR_DAMAGED ? MR_OK : st;
}

/* What the journal begins with is not in it: begin with the newest snapshot that is what its name
 * says. MR_NOT_FOUND: there is none. */
static enum mr_status begin_with_snapshot(struct books *b, const char *fresh, uint64_t *ret_turn)
{
    char dir[FILE_PATH_MAX];
    if (path_join(dir, b->a->data, "snapshots") != MR_OK)
        return MR_USAGE;
    return beginning_copy(ret_turn, dir, NULL, fresh, b->a->genesis);
}

/* A store made from the journal alone, up to a turn (0: all), in a directory that is removed again.
 */
static enum mr_status replay(struct books *b, const struct mr_check *base, uint64_t turn)
{
    struct mr_check check = *base;
    uint64_t from;
    remove_store(b->scratch);
    enum mr_status st = dir_make(b->scratch);
    if (st == MR_OK && (b->later || b->report.first_log > 0))
        st = begin_with_snapshot(b, b->scratch, &from);
    if (st == MR_NOT_FOUND)
        return st;
    if (st == MR_OK)
        st = mr_store_lmdb_open(&b->again, b->scratch, NULL);
    check.store = b->again;
    progress_begin(&b->bar, b->a->c, _("replaying the journal"), 0);
    if (st == MR_OK)
        st = mr_rebuild(&check, b->a->own->number, turn);
    if (st == MR_OK)
        st = b->again->api->refresh(b->again);
    progress_end(&b->bar);
    return st;
}

/* JNL-8: replaying the journal up to the turn that the store covers gives the same store. */
static enum mr_status compare(struct books *b, const struct mr_check *check, uint64_t turn)
{
    uint64_t findings;
    enum mr_status st = replay(b, check, turn);
    if (st == MR_NOT_FOUND) {
        out_note(b->a->out, _("what the journal stands on is not here, and no snapshot is: the "
                              "store is not compared with a replay"));
        return MR_OK;
    }
    out_bool(b->a->out, "compared", st == MR_OK);
    progress_begin(&b->bar, b->a->c, _("comparing"), 0);
    if (st == MR_OK)
        st = mr_check_equal(check, b->again, &findings);
    progress_end(&b->bar);
    return st;
}

static enum mr_status check_store(struct books *b, const struct mr_check *check,
                                  struct mr_check_totals *totals)
{
    progress_begin(&b->bar, b->a->c, _("checking the store"), 0);
    const enum mr_status st = mr_check_store(check, totals);
    progress_end(&b->bar);
    return st;
}

static enum mr_status run_checks(struct books *b, struct mr_check_totals *totals)
{
    struct mr_state_meta meta = {.turn = 0};
    struct mr_check check = {.charter = b->a->genesis,
                             .store = b->store,
                             .journal = b->journal,
                             .mem = heap,
                             .found = add_finding,
                             .found_ctx = b,
                             .progress = on_progress,
                             .progress_ctx = b,
                             .moving = b->moving};
    enum mr_status st = verify_journal(b);
    const bool covers = read_meta(b, &meta);
    if (st == MR_OK && b->store != NULL && !covers)
        add_damage(b, "store", "it does not say what it covers");
    if (st != MR_OK || b->shown > 0 || b->journal == NULL)
        return st;
    if (b->store == NULL) {
        out_note(b->a->out, _("there is no store yet: what the journal adds up to is checked"));
        st = replay(b, &check, 0);
        check.store = b->again;
        return st == MR_OK ? check_store(b, &check, totals) : st;
    }
    st = check_store(b, &check, totals);
    if (st == MR_OK && totals->overdrawn > 0 && b->moving)
        out_note(b->a->out,
                 _("in %llu places an account has less than it may: other nodes may have told what "
                   "is missing meanwhile. Check again while the node runs and nothing waits"),
                 (unsigned long long)totals->overdrawn);
    return st == MR_OK && meta.turn > 0 ? compare(b, &check, meta.turn) : st;
}

static void say_right(struct books *b, const struct mr_check_totals *t)
{
    const struct mr_unit *mirror = &b->a->charter->units[1];
    char reserve[AMOUNT_PEOPLE_MAX];
    amount_text(reserve, t->reserve, mirror->decimals, mirror->code);
    out_print(
        b->a->out,
        _("No finding: turn %llu, %llu accounts, %llu orders, %llu credits.\nState root: %s\n"),
        (unsigned long long)t->meta.turn, (unsigned long long)t->accounts,
        (unsigned long long)t->slots, (unsigned long long)t->credits, admin_hex(t->state_root));
    if (t->issued > 0)
        out_print(
            b->a->out,
            _("Outstanding %s, reserve %s: the ledger proves that books and units agree. What "
              "is in the bank, bank statements and the municipality prove.\n"),
            admin_amount(b->a, t->issued), reserve);
}

void cmd_check(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_check_totals totals = {.accounts = 0};
    struct books b = {.a = &a};
    enum mr_status st = begin(&b, c, out);
    if (st == MR_OK)
        st = run_checks(&b, &totals);
    out_json(out, "findings", b.rows);
    out_int(out, "findings_count", (int64_t)b.shown);
    if (b.shown > 0)
        out_fail(out, MR_CHECK_FAILED,
                 ngettext("%zu finding: the books are not what they must be",
                          "%zu findings: the books are not what they must be", b.shown),
                 b.shown);
    else if (st != MR_OK)
        out_fail(out, st, _("the check could not be finished: %s"), status_sentence(st));
    else {
        out_int(out, "turn", (int64_t)totals.meta.turn);
        out_int(out, "accounts", (int64_t)totals.accounts);
        out_int(out, "slots", (int64_t)totals.slots);
        out_int(out, "credits", (int64_t)totals.credits);
        out_int(out, "issued_minor", totals.issued);
        out_int(out, "reserve_minor", totals.reserve);
        out_text(out, "state_root", admin_hex(totals.state_root));
        say_right(&b, &totals);
    }
    end(&b);
}

/* --- rebuild -----------------------------------------------------------------------------------
 */

static enum mr_status fill(struct books *b, const char *fresh, uint64_t *ret_from)
{
    const struct mr_store_lmdb_options options = {.map_bytes = 0};
    *ret_from = 0;
    remove_store(fresh);
    enum mr_status st = dir_make(fresh);
    if (st == MR_OK && (b->later || b->report.first_log > 0))
        st = begin_with_snapshot(b, fresh, ret_from);
    if (st == MR_OK)
        st = mr_store_lmdb_open(&b->again, fresh, &options);
    const struct mr_check check = {.charter = b->a->genesis,
                                   .store = b->again,
                                   .journal = b->journal,
                                   .mem = heap,
                                   .found = add_finding,
                                   .found_ctx = b,
                                   .progress = on_progress,
                                   .progress_ctx = b};
    progress_begin(&b->bar, b->a->c, _("replaying the journal"), 0);
    if (st == MR_OK)
        st = mr_rebuild(&check, b->a->own->number, 0);
    progress_end(&b->bar);
    return st;
}

/* The new store takes the place of the old one, which is removed last. */
static enum mr_status swap(struct books *b, const char *fresh)
{
    char store[FILE_PATH_MAX], old[FILE_PATH_MAX];
    if (path_join(store, b->a->data, "store") != MR_OK ||
        path_join(old, b->a->data, "store.old") != MR_OK)
        return MR_USAGE;
    remove_store(old);
    if (rename(store, old) != 0 && errno != ENOENT)
        return file_status(errno);
    if (rename(fresh, store) != 0)
        return file_status(errno);
    const enum mr_status st = dir_sync(b->a->data);
    if (st == MR_OK)
        remove_store(old);
    return st;
}

/* What the present store covers; an unreadable one covers nothing that is known. */
static uint64_t covered_turn(struct books *b)
{
    const struct mr_store_lmdb_options options = {.read_only = true};
    char path[FILE_PATH_MAX], text[STORE_TEXT_MAX];
    struct mr_state_meta meta = {.turn = 0};
    struct mr_store *store = NULL;
    uint8_t bytes[2048];
    size_t len;
    if (path_join(path, b->a->data, "store") != MR_OK || store_probe(path, text) != MR_OK ||
        mr_store_lmdb_open(&store, path, &options) != MR_OK)
        return 0;
    if (store->api->get(store, MR_TABLE_META, (const uint8_t *)"m", 1, bytes, sizeof bytes, &len) !=
            MR_OK ||
        mr_state_meta_decode(&meta, bytes, len) != MR_OK)
        meta.turn = 0;
    store->api->close(store);
    return meta.turn;
}

static enum mr_status rebuild(struct books *b, struct mr_checkpoint *ret, uint64_t *ret_from)
{
    char fresh[FILE_PATH_MAX], journal[FILE_PATH_MAX];
    if (path_join(fresh, b->a->data, "store.new") != MR_OK ||
        path_join(journal, b->a->data, "journal") != MR_OK)
        return out_fail(b->a->out, MR_USAGE, NULL);
    enum mr_status st = lock_take(&b->lock, b->a->data, NULL);
    if (st == MR_IN_USE)
        return out_fail(b->a->out, st, _("a node runs on %s: stop it first"), b->a->data);
    const uint64_t covered = st == MR_OK ? covered_turn(b) : 0;
    if (st == MR_OK)
        st = open_journal(b, journal);
    if (st == MR_OK && b->journal == NULL)
        st = MR_DAMAGED;
    if (st == MR_OK && b->report.end.turn < covered)
        return out_fail(b->a->out, MR_DAMAGED,
                        _("the journal ends at turn %llu, but the store holds turn %llu: part of "
                          "the journal is lost. Nothing was changed. Restore a backup; it abstains "
                          "until governance accepts it"),
                        (unsigned long long)b->report.end.turn, (unsigned long long)covered);
    if (st == MR_OK)
        st = beginning_find(&b->later, journal, b->a->ledger);
    if (st == MR_OK)
        st = fill(b, fresh, ret_from);
    if (st == MR_OK)
        st = b->again->api->refresh(b->again);
    if (st == MR_OK)
        st = mr_state_sum(ret, b->again, b->a->genesis, &heap);
    if (b->again != NULL)
        b->again->api->close(b->again);
    b->again = NULL;
    if (st == MR_OK)
        st = store_seal(fresh);
    if (st == MR_OK)
        st = swap(b, fresh);
    if (st == MR_OK)
        return st;
    remove_store(fresh);
    return out_fail(b->a->out, st, _("the store was not rebuilt, the old one is as it was: %s"),
                    b->report.text[0] != '\0' ? b->report.text : status_sentence(st));
}

void cmd_rebuild(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_checkpoint sum = {.number = 0};
    struct books b = {.a = &a, .rows = json_array()};
    uint64_t from = 0;
    enum mr_status st = admin_begin_at(&a, c, out, NEED_CHARTER | NEED_DATA, c->args[0]);
    if (st == MR_OK)
        st = rebuild(&b, &sum, &from);
    if (st == MR_OK) {
        out_int(out, "turn", (int64_t)sum.turn);
        out_int(out, "from_turn", (int64_t)from);
        out_int(out, "accounts", (int64_t)sum.accounts);
        out_text(out, "state_root", admin_hex(sum.state_root));
        if (b.later && from == 0)
            out_print(out, _("The store is made again from the state that the node joined with and "
                             "the journal behind it"));
        else if (from == 0)
            out_print(out, _("The store is made again from the whole journal"));
        else
            out_print(out,
                      _("The store is made again from the snapshot of turn %llu and the "
                        "journal behind it"),
                      (unsigned long long)from);
        out_print(out, _(": turn %llu, %llu accounts.\nState root: %s\n"),
                  (unsigned long long)sum.turn, (unsigned long long)sum.accounts,
                  admin_hex(sum.state_root));
    }
    json_decref(b.rows);
    if (b.journal != NULL)
        b.journal->api->close(b.journal);
    lock_release(b.lock);
    admin_end(&a);
}
