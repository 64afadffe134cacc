/* The export file, AUD-20: head, charter, frames as they stand in the journal, end with a hash. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "audit/source.h"
#include "mereau/codec.h"
#include "mereau/journal.h"

static uint64_t get_be(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

static enum mr_status cut_short(struct source *s, const char *what)
{
    snprintf(s->damage, sizeof s->damage, "%s", what);
    return MR_OK;
}

static bool is_csv(const char *path)
{
    const char *const dot = strrchr(path, '.');
    return dot != NULL && strcmp(dot, ".csv") == 0;
}

static bool has_end(FILE *f)
{
    char end[4];
    return fseek(f, -(long)EXPORT_END_BYTES, SEEK_END) == 0 &&
           fread(end, 1, sizeof end, f) == sizeof end && memcmp(end, EXPORT_END, sizeof end) == 0;
}

/* A wrong file on the command line; one that was an export and was cut or altered is a finding. */
static enum mr_status no_export(struct source *s, const char *path)
{
    if (has_end(s->file))
        return out_fail(s->out, MR_CHECK_FAILED, _("%s is damaged: %s"), path, "head");
    return is_csv(path) ? out_fail(s->out, MR_USAGE,
                                   _("%s is no export of a ledger; a file of payments is given to "
                                     "stats, report and publish with --from-csv"),
                                   path)
                        : out_fail(s->out, MR_USAGE, _("%s is no export of a ledger"), path);
}

enum mr_status source_open_export(struct source *s, const char *path)
{
    uint8_t head[EXPORT_HEAD_BYTES];
    s->file = fopen(path, "rb");
    if (s->file == NULL)
        return out_fail(s->out, MR_IO_ERROR, _("%s cannot be read"), path);
    const size_t got = fread(head, 1, sizeof head, s->file);
    if (ferror(s->file))
        return out_fail(s->out, MR_IO_ERROR, _("%s cannot be read"), path);
    if (got == 0 || memcmp(head, EXPORT_MAGIC, got < 8 ? got : 8) != 0)
        return no_export(s, path);
    if (got < sizeof head)
        return out_fail(s->out, MR_CHECK_FAILED, _("%s is damaged: %s"), path, "head");
    const size_t len = (size_t)get_be(head + 8, 4);
    if (len > CHARTER_BYTES_MAX)
        return out_fail(s->out, MR_CHECK_FAILED, _("%s is damaged: %s"), path, "charter");
    uint8_t *const own = malloc(len + 1);
    if (own == NULL)
        return out_fail(s->out, MR_NO_MEMORY, NULL);
    if (fread(own, 1, len, s->file) != len) {
        free(own);
        return out_fail(s->out, MR_CHECK_FAILED, _("%s is damaged: %s"), path, "charter");
    }
    if (opt_text(s->c, "charter") != NULL) {
        const enum mr_status st = source_read_charter(s, path);
        const bool same =
            st == MR_OK && s->charter_len == len && memcmp(own, s->charter_bytes, len) == 0;
        free(own);
        if (st == MR_OK && !same)
            return out_fail(s->out, MR_WRONG_LEDGER, _("%s is of another ledger"), path);
        return st;
    }
    s->own_charter = true;
    s->charter_bytes = own;
    s->charter_len = len;
    s->charter = malloc(sizeof *s->charter);
    if (s->charter == NULL)
        return out_fail(s->out, MR_NO_MEMORY, NULL);
    if (mr_charter_decode(s->charter, own, len) != MR_OK)
        return out_fail(s->out, MR_CHECK_FAILED, _("%s is damaged: %s"), path, "charter");
    mr_hash(s->ledger, "mereau/charter", own, len, NULL, 0);
    return MR_OK;
}

/* --- walking ------------------------------------------------------------------------------------
 */

struct export_walk {
    crypto_generichash_state hash; /* aligned by 64: first */
    struct source *s;
    uint8_t *frame[2]; /* log, bodies */
    size_t len[2];
    uint64_t turns, done;
    uint8_t next[4]; /* magic of what comes next */
};

static bool take(struct export_walk *w, uint8_t *ret, size_t n)
{
    if (fread(ret, 1, n, w->s->file) != n)
        return false;
    crypto_generichash_update(&w->hash, ret, n);
    return true;
}

/* The rest of a frame whose magic was read. */
static bool take_frame(struct export_walk *w, unsigned which)
{
    uint8_t *const f = w->frame[which];
    memcpy(f, w->next, 4);
    if (!take(w, f + 4, MR_FRAME_HEAD_BYTES - 4))
        return false;
    const size_t len = (size_t)get_be(f + 4, 4);
    if (len > MR_TURN_BYTES_MAX)
        return false;
    w->len[which] = mr_frame_size(len);
    return take(w, f + MR_FRAME_HEAD_BYTES, w->len[which] - MR_FRAME_HEAD_BYTES) &&
           fread(w->next, 1, 4, w->s->file) == 4;
}

/* The magic is hashed once it is known not to be that of the end. */
static enum mr_status walk(struct export_walk *w, source_turn turn, void *ctx)
{
    uint8_t end[EXPORT_END_BYTES - 4], hash[32];
    if (fread(w->next, 1, 4, w->s->file) != 4)
        return cut_short(w->s, "the file ends too early");
    while (memcmp(w->next, "MRLG", 4) == 0) {
        struct mr_audit_turn t = {.log = w->frame[0]};
        crypto_generichash_update(&w->hash, w->next, 4);
        if (!take_frame(w, 0))
            return cut_short(w->s, "the file ends in the middle of a turn");
        t.log_len = w->len[0];
        if (memcmp(w->next, "MRBD", 4) == 0) {
            crypto_generichash_update(&w->hash, w->next, 4);
            if (!take_frame(w, 1))
                return cut_short(w->s, "the file ends in the middle of a turn");
            t.bodies = w->frame[1];
            t.bodies_len = w->len[1];
        }
        w->turns++;
        w->done += t.log_len + t.bodies_len;
        const enum mr_status st = turn(ctx, &t, w->done);
        if (st != MR_OK)
            return st;
    }
    crypto_generichash_final(&w->hash, hash, sizeof hash);
    if (memcmp(w->next, EXPORT_END, 4) != 0 ||
        fread(end, 1, sizeof end, w->s->file) != sizeof end || fgetc(w->s->file) != EOF)
        return cut_short(w->s, "the end of the file is missing");
    if (get_be(end, 8) != w->turns || memcmp(end + 8, hash, 32) != 0)
        return cut_short(w->s, "the hash at the end of the file does not match");
    return MR_OK;
}

enum mr_status source_walk_export(struct source *s, source_turn turn, void *ctx)
{
    struct export_walk w = {.s = s};
    uint8_t head[EXPORT_HEAD_BYTES];
    const long at = ftell(s->file);
    if (at < 0 || fseek(s->file, 0, SEEK_END) != 0)
        return out_fail(s->out, MR_IO_ERROR, NULL);
    const long end = ftell(s->file);
    if (end < at || fseek(s->file, 0, SEEK_SET) != 0)
        return out_fail(s->out, MR_IO_ERROR, NULL);
    s->size = (uint64_t)(end - at);
    w.frame[0] = malloc(MR_FRAME_HEAD_BYTES + MR_TURN_BYTES_MAX);
    w.frame[1] = malloc(MR_FRAME_HEAD_BYTES + MR_TURN_BYTES_MAX);
    enum mr_status st = MR_OK;
    if (w.frame[0] == NULL || w.frame[1] == NULL) {
        st = out_fail(s->out, MR_NO_MEMORY, NULL);
    } else {
        crypto_generichash_init(&w.hash, NULL, 0, 32);
        bool good = take(&w, head, sizeof head);
        for (long left = at - (long)sizeof head; good && left > 0;) {
            const size_t n = left < MR_TURN_BYTES_MAX ? (size_t)left : MR_TURN_BYTES_MAX;
            good = take(&w, w.frame[0], n);
            left -= (long)n;
        }
        st = good ? walk(&w, turn, ctx) : out_fail(s->out, MR_IO_ERROR, NULL);
    }
    free(w.frame[0]);
    free(w.frame[1]);
    return st;
}
