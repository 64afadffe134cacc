/* dump: the turns as lines of JSON. export: both streams and the charter in one file. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/commands.h"
#include "audit/source.h"
#include "common/file.h"
#include "common/term.h"
#include "mereau/codec.h"
#include "mereau/journal.h"

const struct option_row dump_options[] = {SOURCE_OPTIONS, {NULL, 0, NULL, NULL}};

const struct option_row export_options[] = {
    SOURCE_OPTIONS,
    {"output", 'o', N_("FILE"), N_("file to write")},
    {"force", 'f', NULL, N_("replace it when it exists")},
    {NULL, 0, NULL, NULL},
};

/* --- dump ---------------------------------------------------------------------------------------
 */

struct dump {
    struct source *s;
    struct mr_entry *e;
    struct mr_body *b;
    char *json;
    uint64_t turn;
};

enum { JSON_MAX = 1 << 20 };

static void line(struct dump *d, const char *what, size_t number)
{
    fprintf(d->s->out->results, "{\"turn\":%llu,\"%s\":%zu,\"record\":%s}\n",
            (unsigned long long)d->turn, what, number, d->json);
}

static enum mr_status dump_turn(void *ctx, const struct mr_audit_turn *t, uint64_t done)
{
    struct dump *const d = ctx;
    struct mr_frame f;
    size_t used, at = 0;
    (void)done;
    d->turn++;
    if (mr_frame_read(&f, t->log, t->log_len, NULL) != MR_OK)
        return MR_DAMAGED;
    for (size_t i = 0; at < f.len; i++, at += used) {
        if (mr_entry_decode_first(d->e, &used, t->log + MR_FRAME_HEAD_BYTES + at, f.len - at) !=
            MR_OK)
            return MR_DAMAGED;
        mr_entry_json(d->e, d->json, JSON_MAX);
        line(d, "entry", i);
    }
    if (t->bodies == NULL)
        return MR_OK;
    if (mr_frame_read(&f, t->bodies, t->bodies_len, NULL) != MR_OK)
        return MR_DAMAGED;
    at = 0;
    for (size_t i = 0; at < f.len; i++, at += used) {
        if (mr_body_decode_first(d->b, &used, t->bodies + MR_FRAME_HEAD_BYTES + at, f.len - at) !=
            MR_OK)
            return MR_DAMAGED;
        mr_body_json(d->b, d->json, JSON_MAX);
        line(d, "body", i);
    }
    return ferror(d->s->out->results) != 0 ? MR_IO_ERROR : MR_OK;
}

void cmd_dump(struct command *c, struct out *out)
{
    static struct source s;
    struct dump d = {
        .s = &s, .e = malloc(sizeof *d.e), .b = malloc(sizeof *d.b), .json = malloc(JSON_MAX)};
    enum mr_status st = source_open(&s, c, out);
    if (st == MR_OK && (d.e == NULL || d.b == NULL || d.json == NULL))
        st = MR_NO_MEMORY;
    else if (st == MR_OK)
        st = source_walk(&s, dump_turn, &d);
    if (st == MR_OK && s.damage[0] != '\0')
        st = out_fail(out, MR_DAMAGED, "%s", s.damage);
    if (st != MR_OK && !out->failed)
        out_fail(out, st, NULL);
    out_int(out, "turns", (int64_t)d.turn);
    source_close(&s);
    free(d.e);
    free(d.b);
    free(d.json);
}

/* --- export, AUD-20 --------------------------------------------------------------------------- */

struct export
{
    struct source *s;
    FILE *f;
    crypto_generichash_state hash;
    uint64_t turns;
    struct progress progress;
};

static enum mr_status put(struct export *x, const void *bytes, size_t n)
{
    crypto_generichash_update(&x->hash, bytes, n);
    return fwrite(bytes, 1, n, x->f) == n ? MR_OK : MR_IO_ERROR;
}

static void put_be(uint8_t *p, unsigned bytes, uint64_t v)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
}

static enum mr_status export_turn(void *ctx, const struct mr_audit_turn *t, uint64_t done)
{
    struct export *const x = ctx;
    enum mr_status st = put(x, t->log, t->log_len);
    if (st == MR_OK && t->bodies != NULL)
        st = put(x, t->bodies, t->bodies_len);
    x->turns++;
    x->progress.total = x->s->size;
    progress_update(&x->progress, done);
    return st;
}

static enum mr_status write_export(struct export *x)
{
    uint8_t head[EXPORT_HEAD_BYTES], end[EXPORT_END_BYTES];
    crypto_generichash_init(&x->hash, NULL, 0, 32);
    memcpy(head, EXPORT_MAGIC, 8);
    put_be(head + 8, 4, x->s->charter_len);
    enum mr_status st = put(x, head, sizeof head);
    if (st == MR_OK)
        st = put(x, x->s->charter_bytes, x->s->charter_len);
    progress_begin(&x->progress, x->s->c, _("exporting"), 0);
    if (st == MR_OK)
        st = source_walk(x->s, export_turn, x);
    progress_end(&x->progress);
    if (st == MR_OK && x->s->damage[0] != '\0')
        return out_fail(x->s->out, MR_DAMAGED, "%s", x->s->damage);
    memcpy(end, EXPORT_END, 4);
    put_be(end + 4, 8, x->turns);
    crypto_generichash_final(&x->hash, end + 12, 32);
    if (st == MR_OK && fwrite(end, 1, sizeof end, x->f) != sizeof end)
        st = MR_IO_ERROR;
    if (st == MR_OK && (fflush(x->f) != 0 || fsync(fileno(x->f)) != 0))
        st = MR_IO_ERROR;
    return st;
}

static void export_to(struct source *s, const char *path)
{
    char part[FILE_PATH_MAX + 8];
    static struct export x;
    x = (struct export){.s = s};
    snprintf(part, sizeof part, "%s.part", path);
    x.f = fopen(part, "wb");
    enum mr_status st = x.f == NULL ? MR_IO_ERROR : write_export(&x);
    if (x.f != NULL && fclose(x.f) != 0 && st == MR_OK)
        st = MR_IO_ERROR;
    if (st == MR_OK && rename(part, path) != 0)
        st = MR_IO_ERROR;
    if (st != MR_OK) {
        if (x.f != NULL)
            unlink(part);
        if (!s->out->failed)
            out_fail(s->out, st, _("%s cannot be written: %s"), path, status_sentence(st));
        return;
    }
    out_text(s->out, "file", path);
    out_int(s->out, "turns", (int64_t)x.turns);
    out_print(s->out, _("%llu turns written to %s\n"), (unsigned long long)x.turns, path);
}

void cmd_export(struct command *c, struct out *out)
{
    static struct source s;
    const char *const path = opt_text(c, "output");
    if (path == NULL || strlen(path) >= FILE_PATH_MAX) {
        out_fail(out, MR_USAGE, _("where to? Give --output FILE"));
        return;
    }
    if (file_exists(path) && !opt_flag(c, "force")) {
        out_fail(out, MR_FILE_EXISTS, _("%s exists already; --force replaces it"), path);
        return;
    }
    if (source_open(&s, c, out) == MR_OK)
        export_to(&s, path);
    source_close(&s);
}
