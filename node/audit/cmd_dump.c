/* dump: the turns as lines of JSON. */
#include <stdlib.h>

#include "audit/commands.h"
#include "audit/source.h"
#include "mereau/codec.h"
#include "mereau/journal.h"

const struct option_row dump_options[] = {SOURCE_OPTIONS, {NULL, 0, NULL, NULL}};

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

/* The walk ends where the journal is damaged, and that is no end of what stands there. */
static enum mr_status unreadable(const struct dump *d, const char *what, size_t number)
{
    return out_fail(d->s->out, MR_DAMAGED, _("turn %llu: %s %zu cannot be read"),
                    (unsigned long long)d->turn, what, number);
}

static enum mr_status dump_turn(void *ctx, const struct mr_audit_turn *t, uint64_t done)
{
    struct dump *const d = ctx;
    struct mr_frame f;
    size_t used, at = 0;
    (void)done;
    d->turn++;
    if (mr_frame_read(&f, t->log, t->log_len, NULL) != MR_OK)
        return unreadable(d, "log", 0);
    for (size_t i = 0; at < f.len; i++, at += used) {
        if (mr_entry_decode_first(d->e, &used, t->log + MR_FRAME_HEAD_BYTES + at, f.len - at) !=
            MR_OK)
            return unreadable(d, "entry", i);
        mr_entry_json(d->e, d->json, JSON_MAX);
        line(d, "entry", i);
    }
    if (t->bodies == NULL)
        return MR_OK;
    if (mr_frame_read(&f, t->bodies, t->bodies_len, NULL) != MR_OK)
        return unreadable(d, "bodies", 0);
    at = 0;
    for (size_t i = 0; at < f.len; i++, at += used) {
        if (mr_body_decode_first(d->b, &used, t->bodies + MR_FRAME_HEAD_BYTES + at, f.len - at) !=
            MR_OK)
            return unreadable(d, "body", i);
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
    if (st == MR_OK && s.damage[0] != '\0' && !out->failed)
        st = out_fail(out, MR_DAMAGED, "%s", s.damage);
    if (st != MR_OK && !out->failed && ferror(out->results) == 0) /* else the end says so */
        out_fail(out, st, NULL);
    out_int(out, "turns", (int64_t)d.turn);
    source_close(&s);
    free(d.e);
    free(d.b);
    free(d.json);
}
