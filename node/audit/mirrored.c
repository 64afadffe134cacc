#include "audit/mirrored.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/base.h"
#include "audit/mirrored_rows.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/heap.h"
#include "common/term.h"
#include "storage/files.h"
#include "wire/cursor.h"

enum {
    COMMIT_BYTES = 16 << 20,
    COMMIT_MS = 2000,
    SAVE_MS = 10000,
    SAVE_SHARE = 20, /* no more than the twentieth part of the time goes into it */
    HEAD_BYTES = 8 + 2 * 8 + 2 * (8 + 4),
    ROW_BYTES = 1024 /* of a finding, at most */
};

static const char state_name[] = "audit.state";
static const uint8_t state_magic[8] = "MRFS0002";

/* The node's status of a full disk would mean the node's disk: here it is trouble of this host. */
static enum mr_status cannot_write(const struct mirrored *b, const char *path, enum mr_status st)
{
    if (st == MR_DISK_FULL)
        return out_fail(b->out, MR_IO_ERROR,
                        _("%s cannot be written: the disk is full. What was mirrored is whole and "
                          "stays; make room and repeat the command"),
                        path);
    return out_fail(b->out, st, _("%s cannot be written: %s"), path, status_sentence(st));
}

/* --- saving the state ------------------------------------------------------------------------- */

static void put_text(struct mri_wr *w, const char *text)
{
    mri_wr_bytes(w, (const uint8_t *)text, (uint32_t)strlen(text));
}

static void put_row(struct mri_wr *w, const struct mr_audit_finding *f)
{
    put_text(w, f->rule);
    put_text(w, f->what);
    put_text(w, f->expected);
    put_text(w, f->found);
    mri_wr_u32(w, (uint32_t)f->status);
    mri_wr_u64(w, f->turn);
    mri_wr_u32(w, f->entry);
    mri_wr_u32(w, f->node);
    mri_wr_u32(w, f->of_another ? 1 : 0);
    mri_wr_u32(w, f->has_slot ? 1 : 0);
    mri_wr_opaque(w, f->account, sizeof f->account);
    mri_wr_u64(w, f->seq);
}

static void put_rows(struct mri_wr *w, const struct report_rows *rows)
{
    mri_wr_u64(w, rows->all);
    mri_wr_u32(w, (uint32_t)rows->count);
    for (size_t i = 0; i < rows->count; i++)
        put_row(w, &rows->at[i]);
}

static enum mr_status write_bytes(void *ctx, const uint8_t *bytes, size_t len)
{
    return fwrite(bytes, 1, len, ctx) == len ? MR_OK : files_status(errno);
}

/* What stands in front of the saved audit: its length, place and findings. */
static enum mr_status write_front(const struct mirrored *b, FILE *f)
{
    const size_t cap =
        HEAD_BYTES + (b->report.wrong.count + b->report.convictions.count) * ROW_BYTES;
    uint8_t check[32], *const bytes = malloc(cap);
    if (bytes == NULL)
        return MR_NO_MEMORY;
    struct mri_wr w = {bytes, cap};
    mri_wr_opaque(&w, state_magic, sizeof state_magic);
    mri_wr_u64(&w, 0); /* its length, when it is known */
    mri_wr_u64(&w, mirror_before(b->mirror)->log);
    put_rows(&w, &b->report.wrong);
    put_rows(&w, &b->report.convictions);
    const size_t len = cap - w.left;
    struct mri_wr length = {bytes + sizeof state_magic, 8};
    mri_wr_u64(&length, len);
    mr_hash(check, "mereau/audit-state", bytes, len, NULL, 0);
    enum mr_status st = write_bytes(f, bytes, len);
    if (st == MR_OK)
        st = write_bytes(f, check, sizeof check);
    free(bytes);
    return st;
}

static enum mr_status write_state(const struct mirrored *b, const char *path)
{
    FILE *const f = fopen(path, "wb");
    if (f == NULL)
        return files_status(errno);
    enum mr_status st = write_front(b, f);
    if (st == MR_OK)
        st = mr_audit_save(b->audit, write_bytes, f);
    if (st == MR_OK && (fflush(f) != 0 || fsync(fileno(f)) != 0))
        st = files_status(errno);
    if (fclose(f) != 0 && st == MR_OK)
        st = files_status(errno);
    return st;
}

static enum mr_status save_state(struct mirrored *b)
{
    char path[FILE_PATH_MAX], part[FILE_PATH_MAX + 8];
    enum mr_status st = path_join(path, b->dir, state_name);
    if (st != MR_OK)
        return out_fail(b->out, MR_USAGE, NULL);
    snprintf(part, sizeof part, "%s.new", path);
    st = write_state(b, part);
    if (st == MR_OK && rename(part, path) != 0)
        st = files_status(errno);
    if (st == MR_OK)
        st = dir_sync(b->dir);
    if (st != MR_OK) {
        unlink(part);
        return cannot_write(b, path, st);
    }
    b->state_turn = mirror_end(b->mirror)->turn;
    return MR_OK;
}

/* --- loading it ------------------------------------------------------------------------------- */

/* A text of a finding lives as long as the book. */
static const char *keep_text(struct mirrored *b, const char *text)
{
    char **const wider = realloc(b->texts, (b->texts_count + 1) * sizeof *wider);
    if (wider == NULL)
        return NULL;
    b->texts = wider;
    char *const copy = strdup(text);
    if (copy != NULL)
        b->texts[b->texts_count++] = copy;
    return copy;
}

static void get_text(struct mri_rd *r, char ret[MR_AUDIT_TEXT_MAX])
{
    const uint32_t n = mri_rd_bytes(r, (uint8_t *)ret, MR_AUDIT_TEXT_MAX - 1);
    ret[r->st == MR_OK ? n : 0] = '\0';
}

static bool get_row(struct mirrored *b, struct mri_rd *r, bool of_another)
{
    struct mr_audit_finding f = {.turn = 0};
    char rule[MR_AUDIT_TEXT_MAX], what[MR_AUDIT_TEXT_MAX];
    get_text(r, rule);
    get_text(r, what);
    get_text(r, f.expected);
    get_text(r, f.found);
    f.status = (enum mr_status)mri_rd_u32(r, UINT32_MAX);
    f.turn = mri_rd_u64(r, UINT64_MAX);
    f.entry = mri_rd_u32(r, UINT32_MAX);
    f.node = mri_rd_u32(r, UINT32_MAX);
    f.of_another = mri_rd_u32(r, 1) == 1;
    f.has_slot = mri_rd_u32(r, 1) == 1;
    mri_rd_opaque(r, f.account, sizeof f.account);
    f.seq = mri_rd_u64(r, UINT64_MAX);
    if (r->st != MR_OK)
        return false;
    f.rule = keep_text(b, rule);
    f.what = keep_text(b, what);
    if (f.of_another != of_another || f.rule == NULL || f.what == NULL)
        return false;
    report_add(&b->report, &f);
    return true;
}

/* Into one of the two lists of the report. */
static bool get_rows(struct mirrored *b, struct mri_rd *r, struct report_rows *ret)
{
    const uint64_t all = mri_rd_u64(r, UINT64_MAX);
    const uint32_t count = mri_rd_u32(r, MIRRORED_FINDINGS_MAX);
    bool right = r->st == MR_OK;
    for (uint32_t i = 0; right && i < count; i++)
        right = get_row(b, r, ret == &b->report.convictions);
    ret->all = all;
    return right;
}

struct state {
    const uint8_t *bytes;
    size_t len;
    uint64_t log; /* position of the last turn that it has read */
};

/* MR_OK; MR_DAMAGED and what mr_audit_load says. */
static enum mr_status read_state(struct mirrored *b, struct state *s)
{
    uint8_t magic[8], check[32];
    struct mri_rd r = {s->bytes, s->len, MR_OK};
    mri_rd_opaque(&r, magic, sizeof magic);
    const uint64_t len = mri_rd_u64(&r, s->len);
    s->log = mri_rd_u64(&r, MR_SEQ_MAX);
    if (r.st != MR_OK || memcmp(magic, state_magic, sizeof magic) != 0 || s->len < len + 32)
        return MR_DAMAGED;
    mr_hash(check, "mereau/audit-state", s->bytes, (size_t)len, NULL, 0);
    if (memcmp(check, s->bytes + len, sizeof check) != 0)
        return MR_DAMAGED;
    if (!get_rows(b, &r, &b->report.wrong) || !get_rows(b, &r, &b->report.convictions))
        return MR_DAMAGED;
    return mr_audit_load(b->audit, s->bytes + len + 32, s->len - (size_t)len - 32);
}

/* MR_NO_SUCH_FILE when there is none. */
static enum mr_status load_state(struct mirrored *b, uint64_t *ret_log)
{
    char path[FILE_PATH_MAX];
    struct stat info;
    if (path_join(path, b->dir, state_name) != MR_OK)
        return MR_NO_SUCH_FILE;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return MR_NO_SUCH_FILE;
    enum mr_status st = MR_DAMAGED;
    if (fstat(fd, &info) == 0 && info.st_size > 0) {
        void *const p = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        struct state s = {p, (size_t)info.st_size, 0};
        if (p != MAP_FAILED) {
            st = read_state(b, &s);
            munmap(p, s.len);
        }
        *ret_log = s.log;
    }
    close(fd);
    return st;
}

/* --- the audit -------------------------------------------------------------------------------- */

static enum mr_status begin_audit(struct mirrored *b)
{
    const struct source *const s = b->charter;
    pool_destroy(b->pool);
    mr_audit_destroy(b->audit);
    report_done(&b->report);
    b->pool = NULL;
    b->audit = NULL;
    enum mr_status st = report_create(&b->report, s->charter, MIRRORED_FINDINGS_MAX);
    if (st == MR_OK)
        st = mr_audit_create(&b->audit, &heap, report_add, &b->report, s->charter_bytes,
                             s->charter_len);
    if (st == MR_OK)
        st = pool_create(&b->pool, b->audit, b->threads);
    if (st == MR_OK)
        return MR_OK;
    return out_fail(b->out, st == MR_NO_MEMORY ? st : MR_CHECK_FAILED,
                    _("the charter cannot be audited: %s"), status_sentence(st));
}

static enum mr_status feed(struct mirrored *b, const struct mr_audit_turn *t)
{
    const enum mr_status st = pool_feed(b->pool, t);
    return st == MR_OK ? st : out_fail(b->out, st, NULL);
}

struct catching_up {
    struct mirrored *b;
    struct source *s;
    struct progress progress;
    struct mr_audit_place place; /* the saved audit's */
    uint64_t rows;               /* turn that the rows stand behind */
    bool met, joined, misfit;
};

/* The audit has come to where the rows end. */
static void join_rows(struct catching_up *k)
{
    k->joined = mirrored_rows_join(k->b);
    k->misfit = !k->joined;
}

static enum mr_status on_turn(void *ctx, const struct mr_audit_turn *t, uint64_t done)
{
    struct catching_up *const k = ctx;
    struct mr_frame f;
    if (mr_frame_read(&f, t->log, t->log_len, NULL) != MR_OK)
        return MR_DAMAGED;
    if (f.turn == k->place.turn)
        k->met = memcmp(f.check, k->place.check, sizeof f.check) == 0;
    if (f.turn <= k->place.turn)
        return MR_OK;
    k->misfit = k->misfit || !k->met; /* the state is of another book */
    if (!k->misfit && !k->joined && f.turn > k->rows)
        join_rows(k);
    if (k->misfit)
        return MR_OK;
    k->progress.total = k->s->size;
    progress_update(&k->progress, done);
    return feed(k->b, t);
}

/* Audit what is in the mirror behind the place where the audit stands. MR_NOT_FOUND: it is no place
 * of this mirror, or that of the rows is none. */
static enum mr_status catch_up(struct mirrored *b, uint64_t log)
{
    static struct source s;
    struct catching_up k = {.b = b, .s = &s};
    mr_audit_place(b->audit, &k.place);
    k.met = k.place.turn == 0;
    k.rows = mirrored_rows_turn(b);
    k.joined = k.rows == 0; /* they begin with the audit, or there are none */
    s = (struct source){.c = b->c, .out = b->out, .from = log};
    memcpy(s.dir, b->dir, sizeof s.dir);
    memcpy(s.ledger, b->charter->ledger, sizeof s.ledger);
    progress_begin(&k.progress, b->c, _("auditing the mirror"), 0);
    enum mr_status st = source_walk(&s, on_turn, &k);
    pool_drain(b->pool);
    progress_end(&k.progress);
    if (!k.misfit && !k.joined && k.met && mirror_end(b->mirror)->turn == k.rows)
        join_rows(&k);
    if (st == MR_OK && s.damage[0] != '\0')
        return out_fail(b->out, MR_DAMAGED, _("the mirror %s is damaged: %s"), b->dir, s.damage);
    if (st != MR_OK && !b->out->failed)
        return out_fail(b->out, st, NULL);
    return st == MR_OK && (!k.met || !k.joined) ? MR_NOT_FOUND : st;
}

/* From the beginning. */
static enum mr_status audit_anew(struct mirrored *b)
{
    enum mr_status st = begin_audit(b);
    if (st == MR_OK)
        st = mirrored_rows_anew(b);
    return st == MR_OK ? catch_up(b, 0) : st;
}

/* The rows of a saved audit: its own, or ahead of it. MR_NOT_FOUND: they lack what it has told. */
static enum mr_status open_rows(struct mirrored *b)
{
    struct mr_audit_place place;
    if (!mirrored_rows_wanted(b)) {
        mirrored_rows_drop(b);
        return MR_OK;
    }
    mr_audit_place(b->audit, &place);
    const enum mr_status st = mirrored_rows_open(b);
    return st == MR_OK && mirrored_rows_turn(b) < place.turn ? MR_NOT_FOUND : st;
}

static enum mr_status start_audit(struct mirrored *b)
{
    uint64_t log = 0;
    enum mr_status st = begin_audit(b);
    if (st == MR_OK && mirror_end(b->mirror)->turn == 0)
        return mirrored_rows_anew(b);
    if (st != MR_OK)
        return st;
    enum mr_status loaded = load_state(b, &log);
    if (loaded == MR_OK)
        loaded = open_rows(b);
    if (loaded == MR_OK) {
        struct mr_audit_place place;
        mr_audit_place(b->audit, &place);
        loaded = catch_up(b, log);
        b->state_turn = place.turn;
        if (loaded == MR_OK || b->out->failed)
            return loaded;
        b->state_turn = 0;
    }
    if (b->out->failed)
        return loaded;
    if (loaded != MR_NO_SUCH_FILE)
        out_note(b->out,
                 _("The saved state of %s does not fit its mirror and is thrown away; the mirror "
                   "is audited anew."),
                 b->dir);
    return audit_anew(b);
}

enum mr_status mirrored_rest_on(struct mirrored *b, const char *base)
{
    static struct source s;
    const uint32_t begins = mr_audit_begins(b->audit);
    enum mr_status st = begin_audit(b);
    if (st == MR_OK)
        st = mirrored_rows_anew(b);
    if (st == MR_OK)
        st = source_open_path(&s, b->c, b->out, base);
    if (st == MR_OK)
        st = base_read(b->audit, &s, base, begins, true);
    source_close(&s);
    if (st == MR_OK)
        st = catch_up(b, 0);
    b->state_turn = 0; /* what is saved is the audit without it */
    b->ready = st == MR_OK;
    return st;
}

bool mirrored_is_late(const struct mirrored *b)
{
    return mr_audit_is_late(b->audit);
}

bool mirrored_begins_later(const struct mirrored *b)
{
    return mr_audit_begins(b->audit) != 0;
}

/* --- life ------------------------------------------------------------------------------------- */

static enum mr_status put_charter(const struct mirrored *b)
{
    char path[FILE_PATH_MAX];
    enum mr_status st = path_join(path, b->dir, "charter.mrc");
    if (st == MR_OK && !file_exists(path))
        st = file_write(path, b->charter->charter_bytes, b->charter->charter_len, 0644, true);
    return st;
}

enum mr_status mirrored_open(struct mirrored *b, const struct command *c, struct out *out,
                             const struct source *charter, const char *dir, uint32_t node,
                             unsigned threads)
{
    struct mr_journal_report report;
    *b =
        (struct mirrored){.c = c, .out = out, .charter = charter, .node = node, .threads = threads};
    if (strlen(dir) >= sizeof b->dir)
        return out_fail(out, MR_USAGE, NULL);
    memcpy(b->dir, dir, strlen(dir) + 1);
    enum mr_status st = dir_make(dir);
    if (st == MR_OK)
        st = put_charter(b);
    if (st != MR_OK)
        return cannot_write(b, dir, st);
    st = mirror_open(&b->mirror, dir, charter->ledger, node, &report);
    if (st == MR_DAMAGED || st == MR_WRONG_LEDGER)
        return out_fail(out, st,
                        _("the mirror %s is damaged: %s. Move it away to mirror the node anew"),
                        dir, report.text);
    if (st != MR_OK)
        return cannot_write(b, dir, st);
    b->saved_ms = b->committed_ms = clock_ms(CLOCK_MONOTONIC);
    st = start_audit(b);
    b->ready = st == MR_OK;
    return st;
}

static bool is_old(const struct mirrored *b)
{
    const uint64_t age = clock_ms(CLOCK_MONOTONIC) - b->saved_ms;
    return age >= SAVE_MS && age >= SAVE_SHARE * b->save_cost_ms;
}

static enum mr_status save(struct mirrored *b)
{
    const uint64_t start = clock_ms(CLOCK_MONOTONIC);
    enum mr_status st = mirrored_rows_commit(b);
    if (st == MR_OK)
        st = save_state(b);
    b->saved_ms = clock_ms(CLOCK_MONOTONIC);
    b->save_cost_ms = b->saved_ms - start;
    return st;
}

enum mr_status mirrored_settle(struct mirrored *b, enum mirrored_save when)
{
    if (!b->ready)
        return MR_OK;
    pool_drain(b->pool);
    enum mr_status st = mirror_commit(b->mirror);
    if (st != MR_OK)
        return cannot_write(b, b->dir, st);
    b->committed_ms = clock_ms(CLOCK_MONOTONIC);
    const bool due = when == MIRRORED_NOW || b->state_turn == 0 || is_old(b);
    if (when == MIRRORED_LATER || !due || mirror_end(b->mirror)->turn == b->state_turn)
        return MR_OK;
    return save(b);
}

enum mr_status mirrored_take(struct mirrored *b, const struct mr_audit_turn *t,
                             const struct mr_frame *f)
{
    enum mr_status st = mirror_append(b->mirror, t, f);
    if (st != MR_OK)
        return cannot_write(b, b->dir, st);
    b->new_turns++;
    st = feed(b, t);
    b->ready = st == MR_OK;
    if (st != MR_OK)
        return st;
    const uint64_t now = clock_ms(CLOCK_MONOTONIC);
    if (f->turn > 1 && mirror_pending(b->mirror) < COMMIT_BYTES &&
        now - b->committed_ms < COMMIT_MS)
        return MR_OK;
    return mirrored_settle(b, is_old(b) ? MIRRORED_WHEN_DUE : MIRRORED_LATER);
}

void mirrored_close(struct mirrored *b)
{
    rows_destroy(b->rows);
    pool_destroy(b->pool);
    mr_audit_destroy(b->audit);
    report_done(&b->report);
    mirror_close(b->mirror);
    for (size_t i = 0; i < b->texts_count; i++)
        free(b->texts[i]);
    free(b->texts);
    *b = (struct mirrored){0};
}
