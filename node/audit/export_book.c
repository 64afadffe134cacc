/* export --format mrx, AUD-20: both streams and the charter in one file, as they are. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "audit/export_file.h"
#include "common/term.h"

struct book {
    struct source *s;
    FILE *f;
    crypto_generichash_state hash;
    uint64_t turns;
    int error; /* of the first write that failed */
    struct progress progress;
};

static enum mr_status put(struct book *x, const void *bytes, size_t n)
{
    crypto_generichash_update(&x->hash, bytes, n);
    if (fwrite(bytes, 1, n, x->f) == n)
        return MR_OK;
    x->error = errno;
    return MR_IO_ERROR;
}

static void put_be(uint8_t *p, unsigned bytes, uint64_t v)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
}

static enum mr_status take_turn(void *ctx, const struct mr_audit_turn *t, uint64_t done)
{
    struct book *const x = ctx;
    enum mr_status st = put(x, t->log, t->log_len);
    if (st == MR_OK && t->bodies != NULL)
        st = put(x, t->bodies, t->bodies_len);
    x->turns++;
    x->progress.total = x->s->size;
    progress_update(&x->progress, done);
    return st;
}

static enum mr_status write_book(struct book *x)
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
        st = source_walk(x->s, take_turn, x);
    progress_end(&x->progress);
    if (st == MR_OK && x->s->damage[0] != '\0')
        return out_fail(x->s->out, MR_DAMAGED, "%s", x->s->damage);
    memcpy(end, EXPORT_END, 4);
    put_be(end + 4, 8, x->turns);
    crypto_generichash_final(&x->hash, end + 12, 32);
    if (st == MR_OK && (fwrite(end, 1, sizeof end, x->f) != sizeof end || fflush(x->f) != 0)) {
        x->error = errno;
        st = MR_IO_ERROR;
    }
    return st;
}

static enum mr_status publish(struct book *x, struct file_draft *draft, const char *path)
{
    struct out *const out = x->s->out;
    enum mr_status st = write_book(x);
    if (st != MR_OK)
        return out->failed ? st : export_cannot_write(out, path, x->error);
    st = file_draft_keep(draft);
    if (st == MR_FILE_EXISTS)
        return out_fail(out, st, _("%s exists already; --force replaces it"), path);
    if (st != MR_OK)
        return out_cannot_write(out, path, st);
    out_text(out, "file", path);
    out_int(out, "turns", (int64_t)x->turns);
    out_print(out, _("%llu turns written to %s\n"), (unsigned long long)x->turns, path);
    return MR_OK;
}

void export_book(struct command *c, struct out *out, struct source *s)
{
    static struct book x;
    struct file_draft draft;
    const char *const path = opt_text(c, "output");
    if (export_file_check_path(out, path) != MR_OK)
        return;
    if (file_exists(path) && !opt_flag(c, "force")) {
        out_fail(out, MR_FILE_EXISTS, _("%s exists already; --force replaces it"), path);
        return;
    }
    x = (struct book){.s = s};
    const enum mr_status st =
        file_draft_open(&draft, path, export_file_mode(), opt_flag(c, "force"));
    const int fd = st == MR_OK ? dup(draft.fd) : -1;
    x.f = fd < 0 ? NULL : fdopen(fd, "wb");
    if (st != MR_OK)
        out_cannot_write(out, path, st);
    else if (x.f == NULL)
        export_cannot_write(out, path, errno);
    else
        publish(&x, &draft, path);
    if (x.f != NULL)
        fclose(x.f);
    file_draft_drop(&draft);
}
