#include "audit/base.h"
#include "common/heap.h"

#include <stdlib.h>

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

enum mr_status base_begins(struct source *s, uint32_t *ret)
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
