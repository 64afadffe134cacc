#include "audit/base.h"
#include "common/heap.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    struct mr_audit *audit;
    bool verify;
};

static enum mr_status on_turn(void *ctx, const struct mr_audit_turn *turn, uint64_t done)
{
    struct reading *const r = ctx;
    (void)done;
    const enum mr_status st = mr_audit_feed(r->audit, turn);
    struct mr_audit_batch *const b = mr_audit_take(r->audit);
    for (size_t i = 0; r->verify && b != NULL && i < mr_audit_batch_count(b); i++)
        mr_audit_verify(b, i);
    mr_audit_give(r->audit, b);
    return st;
}

/* The epoch that a book begins in. Reads all of it. */
static enum mr_status begins_in(struct source *s, uint32_t *ret)
{
    struct reading r = {NULL, false};
    enum mr_status st =
        mr_audit_create(&r.audit, &heap, NULL, NULL, s->charter_bytes, s->charter_len);
    if (st == MR_OK)
        st = source_walk(s, on_turn, &r);
    if (st == MR_OK)
        *ret = mr_audit_begins(r.audit);
    else if (!s->out->failed)
        out_fail(s->out, st, NULL);
    mr_audit_destroy(r.audit);
    return st;
}

enum mr_status base_read(struct mr_audit *a, struct source *base, const char *path, uint32_t epoch,
                         bool verify)
{
    struct reading r = {a, verify};
    mr_audit_until(a, epoch);
    const enum mr_status st = source_walk(base, on_turn, &r);
    if (st != MR_OK)
        return base->out->failed ? st : out_fail(base->out, st, NULL);
    if (!mr_audit_go_on(a))
        return out_fail(base->out, MR_CHECK_FAILED,
                        _("%s does not reach epoch %u, in which the other book begins"), path,
                        (unsigned)epoch);
    return MR_OK;
}

enum mr_status base_asked(uint32_t *ret, const struct command *c, struct out *out)
{
    static struct source book;
    *ret = 0;
    if (opt_text(c, "base") == NULL)
        return MR_OK;
    enum mr_status st = source_open(&book, c, out);
    if (st == MR_OK)
        st = begins_in(&book, ret);
    source_close(&book);
    return st;
}

enum mr_status base_read_named(struct mr_audit *a, const struct source *s, uint32_t begins,
                               const uint64_t *findings)
{
    static struct source base;
    const char *const path = opt_text(s->c, "base");
    if (begins == 0)
        return MR_OK;
    enum mr_status st = source_open_path(&base, s->c, s->out, path);
    if (st == MR_OK && memcmp(base.ledger, s->ledger, 32) != 0)
        st = out_fail(s->out, MR_CHECK_FAILED, _("%s is of another ledger"), path);
    if (st == MR_OK)
        st = base_read(a, &base, path, begins, true);
    if (st == MR_OK && base.damage[0] != '\0')
        st = out_fail(s->out, MR_CHECK_FAILED, _("%s is damaged: %s"), path, base.damage);
    if (st == MR_OK && findings != NULL && *findings > 0)
        st = out_fail(s->out, MR_CHECK_FAILED,
                      _("%s, which this book rests on, is not right: verify it first"), path);
    source_close(&base);
    return st;
}
